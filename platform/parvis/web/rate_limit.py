"""So many in a while and no more: strangers must not fill a log."""

import threading
import time


class RateLimit:
    """Admits at most `limit` in `per_s` seconds, in this process. Safe for threads."""

    def __init__(self, limit: int, *, per_s: float) -> None:
        self._limit = limit
        self._per_s = per_s
        self._lock = threading.Lock()
        self._window = float("-inf")
        self._used = 0

    def admit(self) -> bool:
        """True when there is still room."""
        with self._lock:
            now = time.monotonic()
            if now - self._window >= self._per_s:
                self._window, self._used = now, 0
            if self._used >= self._limit:
                return False
            self._used += 1
            return True
