"""The outbox: committed records go to each feed's receiver, from where it stopped, at least once.

It reads what is committed and is never on the way of an answer. The cursor moves only after the
receiver has taken a batch; a crash between sends it again, and `id` lets the receiver drop doubles.
A log says itself who is fed from it: `audit.exported`, view `feed`, when a feed begins or changes.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from parvis.audit.events import Draft
from parvis.audit.feed_sinks import Sink, build_sink, format_record
from parvis.audit.feed_store import Cursor, FeedStore
from parvis.audit.feed_syslog import NotTaken
from parvis.audit.feeds import Feed, FeedPlan
from parvis.audit.log import AuditLog
from parvis.audit.ocsf import Unmapped
from parvis.audit.reader import AuditReader
from parvis.audit.readings import AuditRecord
from parvis.errors import ParvisError

log = logging.getLogger(__name__)

LATE_S = 15 * 60
# so that a long log does not keep other logs and receivers waiting
_BATCHES = 20
_BACK_OFF_S = (0, 5, 15, 60, 300)


class _LogTrouble(Exception):
    """One log cannot be fed; the feed's other logs can."""


@dataclass(frozen=True, slots=True)
class FeedState:
    """How far a feed is in one log; times in seconds since 1970.

    `since` is the time of the oldest record not yet taken. `lost` counts records that were pruned
    before the receiver took them. `trouble` is what went wrong last (seconds, words), if it did;
    not what concerns another agency's log alone.
    """

    feed: str
    receiver: str
    tenant: str
    size: int
    sent: int
    since: float | None
    late: bool
    lost: int
    trouble: tuple[int, str] | None

    @property
    def waiting(self) -> int:
        """Records not yet taken."""
        return max(0, self.size - self.sent)


class Feeds:
    """Sends what waits. One thread in one process at a time; fails soft."""

    def __init__(self, audit: AuditLog, plan: FeedPlan) -> None:
        self._audit = audit
        self.plan = plan
        self.folder = audit.folder
        self._store = FeedStore(audit.folder)
        self._sinks: dict[str, Sink] = {}
        self._failures: dict[str, tuple[int, float]] = {}
        self._troubled: dict[str, bool] = {}

    def run_round(self, stopped: Callable[[], bool] = lambda: False) -> None:
        """Send everything that waits, to each receiver that is not to be left alone for a while."""
        waiting = list(self.plan.feeds)
        while waiting and not stopped():
            waiting = [feed for feed in waiting if self._is_due(feed) and self._turn(feed, stopped)]

    def describe(self, tenant_id: str = "") -> list[FeedState]:
        """How far each feed is in each of its logs, or in this agency's alone."""
        return describe_feeds(self._audit.reader, self.folder, self.plan, tenant_id=tenant_id)

    def _is_due(self, feed: Feed) -> bool:
        return time.monotonic() >= self._failures.get(feed.name, (0, 0.0))[1]

    def _turn(self, feed: Feed, stopped: Callable[[], bool]) -> bool:
        """Some batches of each of the feed's logs; True when more is left and can be sent."""
        words, more = "", False
        try:
            for tenant_id in self._audit.reader.list_tenants():
                if feed.covers(tenant_id):
                    trouble, left = self._try_log(feed, tenant_id, stopped)
                    words, more = trouble or words, left or more
            self._failures.pop(feed.name, None)
        except NotTaken as error:
            words, more = str(error), False
            self._leave_alone(feed)
        self._note(feed, words)
        return more

    def _leave_alone(self, feed: Feed) -> None:
        count = min(self._failures.get(feed.name, (0, 0.0))[0] + 1, len(_BACK_OFF_S) - 1)
        self._failures[feed.name] = (count, time.monotonic() + _BACK_OFF_S[count])

    def _note(self, feed: Feed, words: str) -> None:
        if words:
            log.warning("audit.feed", extra={"feed": feed.name, "fault": words})
        if words or self._troubled.get(feed.name, True):
            self._store.note_trouble(feed.name, int(time.time()), words)
        self._troubled[feed.name] = bool(words)

    def _try_log(self, feed: Feed, tenant_id: str, stopped: Callable[[], bool]) -> tuple[str, bool]:
        """What is wrong with this log alone, and whether more of it is left."""
        try:
            return "", self._feed_log(feed, tenant_id, stopped)
        except (_LogTrouble, Unmapped) as error:
            return f"{tenant_id}: {error}", False
        except ParvisError as error:
            return f"{tenant_id}: the log does not answer ({type(error).__name__})", False

    def _feed_log(self, feed: Feed, tenant_id: str, stopped: Callable[[], bool]) -> bool:
        """Bring some batches of one log to one receiver; True when more is left."""
        reader = self._audit.reader
        log_id = reader.get_key(tenant_id).log
        cursor = self._open_cursor(feed, tenant_id, log_id)
        size = reader.get_head(tenant_id).size
        if cursor.next_seq > size:
            raise _LogTrouble("it is shorter than what was sent: was a backup restored?")
        for _ in range(_BATCHES):
            if cursor.next_seq >= size or stopped():
                return False
            after = cursor.next_seq - 1
            records = reader.list_records(tenant_id, after=after, limit=feed.batch)[::-1]
            self._send(feed, tenant_id, records)
            cursor = _advance(cursor, records, size)
            self._store.put_cursor(feed.name, log_id, cursor)
        return cursor.next_seq < size

    def _open_cursor(self, feed: Feed, tenant_id: str, log_id: str) -> Cursor:
        """Where to go on; the log is told first when the feed is new to it or was changed."""
        found = self._store.find_cursor(feed.name, log_id)
        if found is not None and found.digest == feed.digest:
            return found
        first = 0 if found is None else found.next_seq
        if found is None and feed.start == "now":
            first = self._audit.reader.get_head(tenant_id).size
        change = {"before": found.digest if found else "", "after": feed.digest}
        target = {"view": "feed", "object": feed.name, "first": first}
        self._audit.append(
            tenant_id, Draft("audit.exported", outcome="success", target=target, change=change)
        )
        cursor = Cursor(first, feed.digest, found.lost if found else 0)
        self._store.put_cursor(feed.name, log_id, cursor)
        return cursor

    def _send(self, feed: Feed, tenant_id: str, records: list[AuditRecord]) -> None:
        lines = [
            format_record(feed, record.data, tenant_id)
            for record in records
            if feed.wants(record.data)
        ]
        if lines:
            if feed.name not in self._sinks:
                self._sinks[feed.name] = build_sink(feed, self.plan.folder)
            self._sinks[feed.name].send(lines)


def _advance(cursor: Cursor, records: list[AuditRecord], size: int) -> Cursor:
    """Behind these records; what lies between was pruned. None left: all of it was."""
    first = records[0].seq if records else size
    following = records[-1].seq + 1 if records else size
    return Cursor(following, cursor.digest, cursor.lost + first - cursor.next_seq)


def describe_feeds(
    reader: AuditReader,
    audit_dir: Path,
    plan: FeedPlan,
    now: float | None = None,
    *,
    tenant_id: str = "",
) -> list[FeedState]:
    """How far each feed is in each of its logs, or in this agency's alone."""
    if not plan.feeds:
        return []
    store, now, tenants = FeedStore(audit_dir), now or time.time(), reader.list_tenants()
    return [
        replace(state, trouble=_own(state.trouble, one, tenants))
        for feed in plan.feeds
        for one in tenants
        if feed.covers(one) and tenant_id in ("", one)
        for state in [_describe(reader, store, feed, one, now)]
    ]


def _own(
    trouble: tuple[int, str] | None, tenant_id: str, tenants: Sequence[str]
) -> tuple[int, str] | None:
    """Nothing where it is about another log (`_try_log` names the log first)."""
    place = trouble[1].partition(": ")[0] if trouble else ""
    return None if place in tenants and place != tenant_id else trouble


def _describe(
    reader: AuditReader, store: FeedStore, feed: Feed, tenant_id: str, now: float
) -> FeedState:
    size = reader.get_head(tenant_id).size
    cursor = store.find_cursor(feed.name, reader.get_key(tenant_id).log)
    if cursor is None:
        cursor = Cursor(size if feed.start == "now" else 0, "")
    oldest = reader.list_records(tenant_id, after=cursor.next_seq - 1, limit=1)
    since = oldest[0].time.timestamp() if oldest else None
    return FeedState(
        feed=feed.name,
        receiver=feed.where,
        tenant=tenant_id,
        size=size,
        sent=cursor.next_seq,
        since=since,
        late=cursor.next_seq > size or (since is not None and now - since > LATE_S),
        lost=cursor.lost,
        trouble=store.find_trouble(feed.name),
    )
