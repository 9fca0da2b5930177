"""What time takes from one log that ended: sealed values beside it, then bodies of its records.

As in `retention.py` each step is recorded first, here in the platform log, and may be repeated.
Such a log grows no more, so in the end all of it goes, its last records too; hashes stay.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from parvis.audit.ended_logs import EndedLog, find_allowed_end, list_allowances
from parvis.audit.events import Draft
from parvis.audit.tree import TILE_WIDTH
from parvis.domain import RECORDS_FLOOR_DAYS
from parvis.subjects.agencies import Kept, record_ended
from parvis.subjects.stores import Stores

FirstHeld = Callable[[int, str], int]
"""The first position of a log that a hold reaches, given its minimum index and id."""


class EndedRun:
    """One log that ended, at one moment, under the limits of its agency."""

    def __init__(self, stores: Stores, ended: EndedLog, limits: Kept, now: datetime) -> None:
        self._stores, self._ended, self._limits, self._now = stores, ended, limits, now
        self._tenant_id, self.log_id = ended.log.tenant_id, ended.log.id

    def list_allowed_keys(self) -> set[str]:
        """The data keys that the platform log says are to go from here."""
        allowed = self._stores.audit.reader.look(
            lambda store: list(list_allowances(store, self.log_id))
        )
        return {key for one in allowed for key in one.data["target"].get("keys", ())}

    def allow_sealed(self, moment: datetime) -> None:
        """Record that what was sealed before `moment` may go, if nobody did before."""
        end = self._stores.audit.reader.find_position_at(self._tenant_id, moment, self.log_id)
        if end > self._find_allowed("sealed"):
            self._allow({"object": "sealed", "end": end, "days": self._limits.sealed_days})

    def prune(self, first_held: FirstHeld) -> int:
        """Drop what is old and not held; gives the first record that is still whole."""
        audit = self._stores.audit
        minimum = audit.reader.get_minimum(self._tenant_id, self.log_id)
        free = first_held(minimum, self.log_id)
        allowed = self._cut(min(self._find_allowed("records"), free))
        days = max(self._limits.audit_days, RECORDS_FLOOR_DAYS)
        end = self._find_end(free, self._now - timedelta(days=days))
        if end > max(minimum, allowed):
            self._allow({"object": "records", "first": minimum, "end": end, "days": days})
            allowed = end
        if allowed > minimum:
            minimum = audit.prune(self._tenant_id, allowed, self.log_id)
        return minimum

    def _find_end(self, free: int, limit: datetime) -> int:
        """All of it once it ended so long ago; before that up to a record that is itself old."""
        size, reader = self._ended.size, self._stores.audit.reader
        if free >= size and self._ended_at() < limit:
            return size
        last_old = reader.find_position_at(self._tenant_id, limit, self.log_id) - 1
        end = self._cut(min(max(last_old, 0), free))
        # of a log that was rolled back the record that would show the age may be missing
        while end and reader.find_record(self._tenant_id, end, self.log_id) is None:
            end -= TILE_WIDTH
        return end

    def _cut(self, end: int) -> int:
        """Whole bundles, or everything."""
        return end if end >= self._ended.size else end // TILE_WIDTH * TILE_WIDTH

    def _ended_at(self) -> datetime:
        at = min(self._ended.time_us // 1_000_000, int(datetime.max.timestamp()) - 86_400)
        return datetime.fromtimestamp(at, UTC)

    def _find_allowed(self, what: str) -> int:
        ended = self._ended
        return self._stores.audit.reader.look(
            lambda store: find_allowed_end(store, ended.log, what)
        )

    def _allow(self, target: dict[str, str | int]) -> None:
        draft = Draft("retention.pruned", outcome="success", target=target)
        record_ended(self._stores, self._ended, draft)
