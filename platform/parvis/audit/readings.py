"""What is read out of the logs, as values: a record, a key, a head, a proof.

How they are read is `reader.py`'s business.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One record: `leaf` is what was stored and hashed, `data` the same parsed."""

    seq: int
    time: datetime
    kind: str
    leaf: bytes
    leaf_hash: bytes
    data: Mapping[str, Any]


class SealedPlace(NamedTuple):
    """Where a value is sealed: position, name of the field, id of the log."""

    seq: int
    name: str
    log: str


@dataclass(frozen=True, slots=True)
class LogKey:
    """What an auditor compares out of band: `fingerprint` is eight groups of four hex digits."""

    log: str
    origin: str
    vkey: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class LogHead:
    """Where a log stands; `note` is the signed checkpoint."""

    size: int
    root: bytes
    last_time: datetime
    note: str


@dataclass(frozen=True, slots=True)
class Proof:
    """That a record is in the log: `text` is the `.tlog-proof` file, the record inside it."""

    record: AuditRecord
    head: LogHead
    path: tuple[bytes, ...]
    text: str
