"""What the log's database holds, as rows, and what one transaction adds to it.

How rows are read and written is `store.py`'s business.
"""

from dataclasses import dataclass, field
from typing import NamedTuple


class LogRow(NamedTuple):
    """A log's lasting facts, and the key that signs it now."""

    no: int
    id: str
    tenant_id: str
    origin: str
    public_key: bytes


class HeadRow(NamedTuple):
    """Where a log stands: `note` is the signed checkpoint of `size`."""

    size: int
    root: bytes
    frontier: bytes
    last_us: int
    note: str


class KeyRow(NamedTuple):
    """A key of a log, and the first size that it signs."""

    begin: int
    public_key: bytes


class TurnRow(NamedTuple):
    """A record about the keys of its own log; `note` is the checkpoint that both keys signed."""

    seq: int
    kind: str
    public_key: bytes
    time_us: int
    leaf: bytes
    note: str


class ClosedRow(NamedTuple):
    """A log that takes no more records, and the platform's record that says so."""

    log_id: str
    tenant_id: str
    platform_id: str
    seq: int


class RecordRow(NamedTuple):
    """One stored record; `leaf` is exactly what was hashed, empty when the record was pruned."""

    seq: int
    time_us: int
    kind: str
    hash: bytes
    leaf: bytes


class Position(NamedTuple):
    """Where a record stands that was written before."""

    seq: int
    kind: str
    hash: bytes


class Range(NamedTuple):
    """Which records are wanted: positions [first, end), times in µs [from, to), kinds."""

    first: int = 0
    end: int = 2**62
    from_us: int = 0
    to_us: int = 2**62
    kinds: tuple[str, ...] = ()


@dataclass(slots=True)
class Change:
    """What one transaction adds to one log."""

    records: list[tuple[str, RecordRow]] = field(default_factory=list)
    blocks: list[tuple[int, int, bytes]] = field(default_factory=list)
    begun: list[tuple[str, int, str]] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    sealed: list[tuple[str, str, str, bytes]] = field(default_factory=list)
    emitters: dict[str, int] = field(default_factory=dict)
    turns: list[TurnRow] = field(default_factory=list)
    head: HeadRow | None = None
