"""Model calls as the logs tell them, beside counts that others kept: was one made unrecorded?

Counts from outside come in as numbers: `outside_counts.py` reads files, inference/ asks servers.
Only counts leave this file, no content and no person.
"""

import heapq
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from parvis.audit.entries import format_time
from parvis.audit.events import PLATFORM, Draft
from parvis.audit.kinds import KINDS
from parvis.audit.reader import AuditReader, to_us
from parvis.audit.readings import AuditRecord
from parvis.errors import Conflict

Outcome = Literal["finished", "aborted", "failed", "unknown", "open"]
OUTCOMES: tuple[Outcome, ...] = ("finished", "aborted", "failed", "unknown", "open")
CALL_KINDS = tuple(kind for kind in KINDS if kind.startswith(("chat.", "task.")))
# how long an answer may take: longer ones count as begun and not ended
LONGEST = timedelta(hours=1)
_BUILTIN = "builtin"
_PAGE = 1000


class Counting(NamedTuple):
    """How somebody counts: `skew` later or earlier than we see it; each choice of an answer?"""

    skew: timedelta
    each_choice: bool = False


# an access log has another clock
BY_LINES = Counting(timedelta(seconds=60))
# a counter that we read has none, but may move just after an answer's end; vLLM counts sequences
BY_COUNTER = Counting(timedelta(seconds=1), each_choice=True)


class Call(NamedTuple):
    """One call of a model server; not `certain` where the log cannot tell whether it was sent."""

    server: str
    outcome: Outcome
    certain: bool
    start: datetime
    end: datetime
    choices: int = 1


class _Group(NamedTuple):
    """Calls that nothing tells apart: in which span they began, and in which they may be counted.

    `inside` is false where another period may count them.
    """

    server: str
    outcome: Outcome
    certain: bool
    home: int
    first: int
    last: int
    inside: bool


class SpanCount(NamedTuple):
    """One span of a server: calls begun in it by outcome, those counted outside, those unlogged."""

    begin: datetime
    outcomes: dict[str, int]
    outside: int
    unlogged: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """A server's calls in a period. `logged` certainly were sent, `maybe` may have been.

    `unlogged` were counted outside and stand in no log; `uncounted` stand in a log and were not
    counted outside, at least.
    """

    server: str
    spans: tuple[SpanCount, ...]
    logged: int
    maybe: int
    outside: int
    unlogged: int
    uncounted: int


class LoggedCalls:
    """The calls of a period as the logs tell them; `edges` are the ends of its spans, in order.

    A call may be counted outside from its begin to its end, a skew earlier or later.
    """

    def __init__(self, edges: Sequence[datetime], counting: Counting = BY_LINES) -> None:
        self.edges = tuple(edges)
        self.counting = counting
        self._groups: Counter[_Group] = Counter()

    @property
    def servers(self) -> set[str]:
        """Every server that a call of the period went to, or may have."""
        return {group.server for group in self._groups}

    def add(self, call: Call) -> None:
        """Count a call; one that cannot have been counted in the period is left out."""
        last_span = len(self.edges) - 2
        first = bisect_right(self.edges, call.start - self.counting.skew) - 1
        last = bisect_right(self.edges, call.end + self.counting.skew) - 1
        if first > last_span or last < 0:
            return
        home = bisect_right(self.edges, call.start) - 1
        inside = first >= 0 and last <= last_span
        group = _Group(
            call.server,
            call.outcome,
            call.certain,
            home,
            max(first, 0),
            min(last, last_span),
            inside,
        )
        self._groups[group] += 1

    def compare(self, server: str, outside: Sequence[int]) -> Comparison:
        """The calls of one server beside those counted outside in each span."""
        groups = [item for item in self._groups.items() if item[0].server == server]
        begun = [item for item in groups if 0 <= item[0].home < len(outside)]
        outcomes = _count_outcomes(begun, len(outside))
        unlogged, _ = _match(groups, outside)
        certain = [item for item in groups if item[0].certain and item[0].inside]
        _, uncounted = _match(certain, outside)
        return Comparison(
            server=server,
            spans=tuple(
                SpanCount(*span)
                for span in zip(self.edges, outcomes, outside, unlogged, strict=False)
            ),
            logged=sum(count for group, count in begun if group.certain),
            maybe=sum(count for group, count in begun if not group.certain),
            outside=sum(outside),
            unlogged=sum(unlogged),
            uncounted=uncounted,
        )


def _count_outcomes(begun: Iterable[tuple[_Group, int]], spans: int) -> list[dict[str, int]]:
    counts: list[dict[str, int]] = [dict.fromkeys(OUTCOMES, 0) for _ in range(spans)]
    for group, count in begun:
        counts[group.home][group.outcome] += count
    return counts


def _match(groups: Iterable[tuple[_Group, int]], outside: Sequence[int]) -> tuple[list[int], int]:
    """Give each call counted outside a logged one; what is left on either side.

    Whoever must be counted soonest is taken first, which leaves the fewest possible.
    """
    coming = sorted((group.first, group.last, count) for group, count in groups)
    waiting: list[tuple[int, int]] = []
    unlogged, explained, position = [], 0, 0
    for at, counted in enumerate(outside):
        while position < len(coming) and coming[position][0] <= at:
            heapq.heappush(waiting, coming[position][1:])
            position += 1
        missing = counted
        while missing and waiting:
            last, count = heapq.heappop(waiting)
            taken = min(missing, count) if last >= at else 0
            missing -= taken
            if taken < count and last >= at:
                heapq.heappush(waiting, (last, count - taken))
        unlogged.append(missing)
        explained += counted - missing
    return unlogged, sum(count for _, _, count in coming) - explained


def read_calls(
    reader: AuditReader,
    tenants: Iterable[str],
    edges: Sequence[datetime],
    find_server: Callable[[str], str | None],
    counting: Counting = BY_LINES,
) -> LoggedCalls:
    """The calls that these agencies' logs tell of a period, ended or not.

    `find_server` gives a model's server. Reads an hour more on both sides. Raises Conflict where
    records of the period were pruned. What comes of it MUST be recorded (`describe_result`).
    """
    calls = LoggedCalls(edges, counting)
    for tenant_id in tenants:
        for call in _list_calls(reader, tenant_id, edges[0], edges[-1], find_server):
            calls.add(call)
            for _ in range(call.choices - 1 if counting.each_choice else 0):
                calls.add(call._replace(certain=False))
    return calls


def _list_calls(
    reader: AuditReader,
    tenant_id: str,
    begin: datetime,
    end: datetime,
    find_server: Callable[[str], str | None],
) -> Iterator[Call]:
    _require_kept(reader, tenant_id, begin - LONGEST)
    open_intents: dict[str, AuditRecord] = {}
    for record in _list_records(reader, tenant_id, begin - LONGEST, end + LONGEST):
        if record.kind.endswith(".started"):
            open_intents[record.data["id"]] = record
            continue
        intent = open_intents.pop(record.data.get("re", ""), None)
        if record.kind.endswith(".unknown"):
            intent = intent or reader.find_by_id(tenant_id, record.data["re"])
            yield from _list_possible(intent, "unknown", record.time, find_server)
        else:
            yield from _list_ended(record)
    for intent in open_intents.values():
        yield from _list_possible(intent, "open", intent.time + LONGEST, find_server)


def _require_kept(reader: AuditReader, tenant_id: str, moment: datetime) -> None:
    minimum = reader.get_minimum(tenant_id)
    if minimum and reader.find_position_at(tenant_id, moment) == minimum:
        raise Conflict(f"{tenant_id}: records of this period were pruned; compare a later one")


def _list_records(
    reader: AuditReader, tenant_id: str, begin: datetime, end: datetime
) -> Iterator[AuditRecord]:
    after = -1
    while True:
        page = reader.list_records(
            tenant_id, limit=_PAGE, after=after, from_time=begin, to_time=end, kinds=CALL_KINDS
        )
        yield from reversed(page)
        if len(page) < _PAGE:
            return
        after = page[0].seq


def _list_ended(record: AuditRecord) -> Iterator[Call]:
    model: dict[str, Any] = record.data.get("model", {})
    server = model.get("provider", _BUILTIN)
    # the digest is noted once the server has begun to answer
    certain = "digest" in model
    outcome: Outcome
    match record.kind.partition(".")[2]:
        case "finished":
            outcome = "finished"
        case "aborted":
            outcome = "aborted"
        case "failed":
            outcome = "failed"
        case _:  # refused: no model was asked
            return
    # what finished without an answering server was quoted
    if server != _BUILTIN and (certain or outcome != "finished"):
        use = record.data.get("use", {})
        took = timedelta(milliseconds=use.get("ms", 0))
        choices = use.get("finish", "").count(",") + 1
        yield Call(server, outcome, certain, record.time - took, record.time, choices)


def _list_possible(
    intent: AuditRecord | None,
    outcome: Outcome,
    end: datetime,
    find_server: Callable[[str], str | None],
) -> Iterator[Call]:
    """A call that nobody saw the end of may have gone to any server of the models it wanted."""
    if intent is None:
        return
    wanted = intent.data.get("model", {}).get("wanted", ())
    for server in sorted({found for name in wanted if (found := find_server(name))}):
        yield Call(server, outcome, False, intent.time, end)


class LastCounter(NamedTuple):
    """When a server's own counter was last read, and where it stood."""

    time: datetime
    counter: int


def find_last_counter(reader: AuditReader, server: str) -> LastCounter | None:
    """The newest reading of this server's counter that the platform log tells of."""
    before = None
    while page := reader.list_records(
        PLATFORM, limit=_PAGE, before=before, kinds=("reconcile.result",)
    ):
        for record in page:
            target, counter = record.data["target"], record.data.get("use", {}).get("counter")
            if target.get("object") == server and counter is not None:
                return LastCounter(datetime.fromisoformat(target["to"]), counter)
        before = page[-1].seq
    return None


def describe_result(
    found: Comparison,
    edges: Sequence[datetime],
    source: str,
    *,
    tenants: Collection[str] = (),
    counter: int | None = None,
) -> Draft:
    """The record of a comparison, for the platform log: counts and the period, nothing else.

    `tenants` are given where not all agencies were counted; `counter` is where a server's own
    stood.
    """
    return Draft(
        "reconcile.result",
        outcome="failed" if found.unlogged else "success",
        reason=_name_reason(found),
        target={
            "object": found.server,
            "view": source,
            "tenant": next(iter(tenants), None),
            "from": format_time(to_us(edges[0])),
            "to": format_time(to_us(edges[-1])),
        },
        use={
            "calls_logged": found.logged,
            "calls_maybe": found.maybe,
            "calls_outside": found.outside,
            "calls_unlogged": found.unlogged,
            "counter": counter,
        },
    )


def _name_reason(found: Comparison) -> str:
    if found.unlogged:
        return "calls_without_intent"
    return "counts_incomplete" if found.uncounted else ""
