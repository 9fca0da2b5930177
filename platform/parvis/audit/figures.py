"""What one sequencer counts of its own life, for monitoring; asked for through the workers' door.

A new sequencer begins at nothing, as counters do. Nothing here is on the way of a decision.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sized
from typing import Any

COMMIT_BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)


class Figures:
    """Counted by the thread that lets the logs grow, and its refusals by the one at the doors."""

    def __init__(self) -> None:
        self.queue: Sized = ()
        self._records = 0
        self._seconds = 0.0
        self._buckets = [0] * (len(COMMIT_BOUNDS_S) + 1)
        self._refused = 0
        self._wrong_door = 0

    def note_commit(self, records: int, seconds: float) -> None:
        """A batch became durable."""
        self._records += records
        self._seconds += seconds
        self._buckets[bisect_left(COMMIT_BOUNDS_S, seconds)] += 1

    def note_refusal(self, *, wrong_door: bool) -> None:
        """Something was not taken: too much waits, or it was asked at the wrong door."""
        if wrong_door:
            self._wrong_door += 1
        else:
            self._refused += 1

    def tell(self, stopped: Mapping[str, str]) -> dict[str, Any]:
        """All of it as JSON knows it; `stopped` are the logs that take nothing, with why."""
        return {
            "records": self._records,
            "seconds": self._seconds,
            "buckets": self._buckets,
            "queue": len(self.queue),
            "refused": self._refused,
            "wrong_door": self._wrong_door,
            "stopped": sorted(stopped),
        }
