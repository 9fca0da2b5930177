"""Anchoring in the background: one thread in one process of the installation.

Every process may start it; a lock file decides who does the work, and another takes over when that
process ends. It never stops the service: what fails is logged and tried at the next turn.
"""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

import apsw

from parvis.audit.anchors import Anchors
from parvis.audit.anchors_heads import record_heads
from parvis.audit.files import LockFile
from parvis.errors import ParvisError

log = logging.getLogger(__name__)


class AnchorThread:
    """Runs the rounds until `close`; `every_s` between witnesses, `heads_every_s` for heads."""

    def __init__(self, anchors: Anchors, audit_dir: Path, *, every_s: float, heads_every_s: float):
        self._anchors = anchors
        self._every_s = every_s
        self._heads_every_s = heads_every_s
        self._lock = LockFile(audit_dir / "anchors.lock")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="audit-anchors", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop after the request that is under way."""
        self._stop.set()
        self._thread.join(timeout=15)
        self._lock.close()

    def _run(self) -> None:
        heads_at = time.monotonic() + self._heads_every_s
        while not self._stop.wait(self._every_s):
            if not self._lock.try_take():
                continue
            if time.monotonic() >= heads_at:
                heads_at = time.monotonic() + self._heads_every_s
                self._turn("heads", self._record_heads)
            self._turn("round", lambda: self._anchors.run_round(self._stop.is_set))

    def _record_heads(self) -> None:
        record_heads(self._anchors.audit, self._anchors.store)

    def _turn(self, name: str, work: Callable[[], None]) -> None:
        try:
            work()
        except (ParvisError, OSError, apsw.Error, ValueError) as error:
            log.warning("audit.anchor", extra={"outside": name, "fault": type(error).__name__})
