"""Anchoring in the background: one thread in one process of the installation."""

import time
from collections.abc import Callable
from pathlib import Path

from parvis.audit.anchors import Anchors
from parvis.audit.anchors_heads import record_heads
from parvis.audit.leader_thread import LeaderThread, run_turn

_THIN_EVERY_S = 3600.0


class AnchorThread:
    """Runs the rounds until `close`; `every_s` between witnesses, `heads_every_s` for heads."""

    def __init__(self, anchors: Anchors, audit_dir: Path, *, every_s: float, heads_every_s: float):
        self._anchors = anchors
        self._heads_every_s = heads_every_s
        self._heads_at = time.monotonic() + heads_every_s
        self._thin_at = 0.0
        lock = audit_dir / "anchors.lock"
        self._thread = LeaderThread("audit-anchors", lock, self._run, every_s=every_s)

    def close(self) -> None:
        """Stop after the request that is under way."""
        self._thread.close()

    def _run(self, stopped: Callable[[], bool]) -> None:
        if time.monotonic() >= self._heads_at:
            self._heads_at = time.monotonic() + self._heads_every_s
            run_turn("heads", self._record_heads)
        if time.monotonic() >= self._thin_at:
            self._thin_at = time.monotonic() + _THIN_EVERY_S
            run_turn("thin", self._anchors.thin)
        self._anchors.run_round(stopped)

    def _record_heads(self) -> None:
        record_heads(self._anchors.audit, self._anchors.store)
