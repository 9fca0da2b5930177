"""One thread in one process of the installation that repeats a piece of work.

Every process may start it; a lock file decides who does the work, and another takes over when that
process ends. It never stops the service: what fails is logged and tried at the next turn.
"""

import logging
import threading
from collections.abc import Callable
from pathlib import Path

import apsw

from parvis.audit.files import LockFile
from parvis.errors import ParvisError

log = logging.getLogger(__name__)


class LeaderThread:
    """Calls `work` every `every_s` seconds until `close`, where no other process does.

    `work` is given a function that says whether to stop early.
    """

    def __init__(
        self, name: str, lock: Path, work: Callable[[Callable[[], bool]], None], *, every_s: float
    ) -> None:
        self._name = name
        self._work = work
        self._every_s = every_s
        self._lock = LockFile(lock)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop after the request that is under way."""
        self._stop.set()
        self._thread.join(timeout=15)
        self._lock.close()

    def _run(self) -> None:
        while not self._stop.wait(self._every_s):
            if self._lock.try_take():
                run_turn(self._name, lambda: self._work(self._stop.is_set))


def run_turn(name: str, work: Callable[[], None]) -> None:
    """Do the work once; what fails is logged by its kind alone."""
    try:
        work()
    except (ParvisError, OSError, apsw.Error, ValueError) as error:
        log.warning("audit.turn", extra={"turn": name, "fault": type(error).__name__})
