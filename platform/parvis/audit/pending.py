"""What a thread of the gateway waits for: a receipt, or the value of a call of the writer.

A future of the standard library would do, at ten times the cost for each record and with two more
turns of the threads that wait. Who settles it, and when, is `client.py`'s business.
"""

import threading
from typing import Generic, TypeVar

from parvis.audit.entries import Entry

Value = TypeVar("Value")


class Pending(Generic[Value]):
    """A value that is not there yet; `abandoned` when nobody waits any more."""

    __slots__ = ("_found", "_ready", "abandoned", "intent", "number")

    def __init__(self, intent: Entry | None = None) -> None:
        self._ready = threading.Lock()
        self._ready.acquire()
        self._found: Value | Exception | None = None
        self.abandoned = False
        self.intent = intent
        self.number = 0

    def settle(self, found: Value | Exception) -> None:
        """Let those who wait have it. MUST be called once."""
        self._found = found
        self._ready.release()

    def result(self, timeout_s: float | None = None) -> Value:
        """The value, or the error that it ended with; raises TimeoutError after so many seconds."""
        if not self._ready.acquire(timeout=-1 if timeout_s is None else max(timeout_s, 0)):
            raise TimeoutError
        self._ready.release()  # for another who waits
        if isinstance(self._found, Exception):
            raise self._found
        return self._found  # type: ignore[return-value]
