"""Logs that ended, and what the platform log allows to go from them since.

A closed log (its agency left) and one that was rolled back take no records, so what goes from them
later is allowed by records of the platform log that name them. Who ends a log is `closing.py`, what
a receipt of one is answered with `ended.py`, what goes and when is decided outside this room.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from parvis.audit.events import PLATFORM
from parvis.audit.rows import ClosedRow, HeadRow, LogRow, Range, RecordRow
from parvis.audit.sealed_list import find_allowance
from parvis.audit.store import Store
from parvis.audit.verify import LAWS

_PAGE = 1000
_NEVER_US = 2**62


class EndedLog(NamedTuple):
    """A log that takes no more records.

    `size` is what is there of it, `time_us` when it ended (microseconds since 1970). `left` is true
    when its agency left; then `sealed_days` and `audit_days` are the agency's limits as they were
    told at that time, None where nobody told them.
    """

    log: LogRow
    size: int
    time_us: int
    left: bool
    sealed_days: int | None
    audit_days: int | None


class Allowance(NamedTuple):
    """A record of the platform log that allows something to go from an ended log."""

    platform: LogRow
    row: RecordRow
    data: dict[str, Any]


def list_ended(store: Store, tenant_id: str) -> list[EndedLog]:
    """The logs of this agency that take no more records and are still here, oldest first."""
    closed = store.list_closed()
    return [
        _describe(store, log, closed[log.id])
        for log in store.list_all_logs()
        if log.tenant_id == tenant_id and log.id in closed
    ]


def find_left(store: Store, tenant_id: str) -> EndedLog | None:
    """The last log of an agency that left; None while it is one of this installation."""
    log, ended = store.find_log(tenant_id), list_ended(store, tenant_id)
    return ended[-1] if ended and log is not None and ended[-1].log.no == log.no else None


def list_left(store: Store) -> list[str]:
    """The agencies that left, by name."""
    closed = store.list_closed()
    return sorted(
        log.tenant_id for log in store.list_logs() if log.id in closed and log.tenant_id != PLATFORM
    )


def load_told(store: Store, closed: ClosedRow, before: int = 0) -> dict[str, Any] | None:
    """The platform's record that a log ended, or one so far before it; None where it is not there.

    Right before it stands the declaration (`log.rollback`) when another log took its place.
    """
    row = _find_told(store, closed, before)
    return orjson.loads(row.leaf) if row is not None and row.leaf else None


def _find_told(store: Store, closed: ClosedRow, before: int = 0) -> RecordRow | None:
    platform = store.find_log_by_id(closed.platform_id)
    return store.find_record(platform.no, closed.seq - before) if platform else None


def _describe(store: Store, log: LogRow, closed: ClosedRow) -> EndedLog:
    head, told = store.find_head(log.no), _find_told(store, closed)
    change = (load_told(store, closed) or {}).get("change", {})
    newest = store.find_log(log.tenant_id)
    return EndedLog(
        log,
        head.size if head else store.find_span(log.no, Range())[1],
        told.time_us if told is not None else _NEVER_US,
        newest is not None and newest.no == log.no,
        change.get("sealed_days"),
        change.get("audit_days"),
    )


def list_allowances(store: Store, log_id: str) -> Iterator[Allowance]:
    """Every record of the platform's logs that allows something to go from this log, in order."""
    for platform in store.list_all_logs():
        head = store.find_head(platform.no)
        if platform.tenant_id != PLATFORM or head is None:
            continue
        first = 0
        while rows := store.list_records(
            platform.no, Range(first, head.size, kinds=LAWS), limit=_PAGE
        ):
            for row in rows:
                data = orjson.loads(row.leaf)
                if data["target"].get("log") == log_id and data["outcome"] == "success":
                    yield Allowance(platform, row, data)
            first = rows[-1].seq + 1


def list_needed(store: Store, log_id: str, size: int) -> list[Allowance]:
    """Those that an export of this size tells: the furthest of time, and of keys what is beyond.

    Of several records that allow everything before a position only the furthest says anything.
    """
    every = list(list_allowances(store, log_id))
    needed = [one for what in ("sealed", "records") if (one := _find_furthest(every, what))]
    sealed = _find_furthest(every, "sealed")
    if sealed is None or sealed.data["target"]["end"] < size:
        needed += [one for one in every if "end" not in one.data["target"]]
    return sorted(needed, key=lambda one: (one.platform.no, one.row.seq))


def _find_furthest(every: list[Allowance], what: str) -> Allowance | None:
    found = [
        one
        for one in every
        if one.data["kind"] == "retention.pruned"
        and one.data["target"].get("object") == what
        and "end" in one.data["target"]
    ]
    return max(found, key=lambda one: one.data["target"]["end"], default=None)


def find_allowed_end(store: Store, log: LogRow, what: str) -> int:
    """Up to where records allow `sealed` values or `records` of this log to go."""
    head: HeadRow | None = store.find_head(log.no)
    own = find_allowance(store, log.no, what, head.size) if head else None
    told = _find_furthest(list(list_allowances(store, log.id)), what)
    return max(own[0] if own else 0, told.data["target"]["end"] if told else 0)
