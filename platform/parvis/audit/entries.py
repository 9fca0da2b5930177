"""Records on their way into a log: as they come in, at their position, and their receipts.

Where they are placed and committed is `writer.py`'s business.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from parvis.audit import events
from parvis.audit.receipts import Receipt
from parvis.audit.rows import Change, LogRow, Position
from parvis.audit.sealing import SealedValue
from parvis.audit.tree import Frontier


class Emitter(NamedTuple):
    """Who hands in records: one life of one process, and its name."""

    boot: str
    worker: str


class Entry(NamedTuple):
    """A record on its way in: its body without position and time, and its sealed values.

    `emitter` is None for records of the writer itself. `log_id` is the log that it was built for,
    empty when that does not matter.
    """

    tenant_id: str
    body: dict[str, Any]
    sealed: Sequence[SealedValue] = ()
    emitter: Emitter | None = None
    log_id: str = ""


@dataclass(slots=True)
class State:
    """One log during a transaction: what it was, what is added, how it is signed in the end."""

    log: LogRow
    frontier: Frontier
    last_us: int
    note: str
    signed_size: int = 0
    root: bytes = b""
    signature: bytes = b""
    stored: int = 0
    change: Change = field(default_factory=Change)
    found: dict[str, Position] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)


class Placed(NamedTuple):
    """A record at its position, before the commit."""

    state: State
    record_id: str
    seq: int
    leaf_hash: bytes


def system_entry(tenant_id: str, draft: events.Draft) -> Entry:
    """A record that the log makes about itself."""
    body = events.build_body(draft)
    return Entry(tenant_id, body | {"actor": {"type": "system"}, "seen": format_time(now_us())})


def acted_entry(tenant_id: str, draft: events.Draft, actor: dict[str, Any]) -> Entry:
    """A record about the log, of what somebody (`actor`, as a block of records) did with it."""
    entry = system_entry(tenant_id, draft)
    return entry._replace(body=entry.body | {"actor": actor})


def ending(tenant_id: str, intent: str, reason: str) -> Entry:
    """`chat.unknown` for an intent whose process will never tell how it ended."""
    return system_entry(tenant_id, events.Draft("chat.unknown", re=intent, reason=reason))


def build_receipt(placed: Placed) -> Receipt:
    state = placed.state
    return Receipt(
        state.log.id,
        placed.seq,
        placed.leaf_hash,
        state.frontier.size,
        state.root,
        state.signature,
        placed.record_id,
    )


def now_us() -> int:
    """Microseconds since 1970, by the clock of this machine."""
    return time.time_ns() // 1000


def format_time(time_us: int) -> str:
    """RFC 3339 in UTC with microseconds."""
    return f"{_format_second(time_us // 1_000_000)}.{time_us % 1_000_000:06d}Z"


@lru_cache(16)
def _format_second(second: int) -> str:
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}"
