"""What became of a receipt whose log was rolled back: the declaration, and what was lost.

The declaration is a record of the platform log, which outlives the log that it ends. Who ends a
log is `closing.py`.
"""

from dataclasses import dataclass
from typing import Any

import orjson

from parvis.audit import verify
from parvis.audit.events import PLATFORM
from parvis.audit.notes import format_vkey
from parvis.audit.receipts import Receipt
from parvis.audit.start_check import find_birth
from parvis.audit.store import Store


@dataclass(frozen=True, slots=True)
class RolledBack:
    """The log of a receipt gave way to another one, as two people declared.

    `declared` is the position of the declaring `log.rollback` in the platform log, `platform` that
    log's id; `first` to `end` - 1 are the lost positions, `seq` is the receipt's; `origin` and
    `vkey` are those of the log in its place, `time` the declaration's (as records write it).
    """

    tenant_id: str
    log: str
    seq: int
    first: int
    end: int
    ground: str
    time: str
    origin: str
    vkey: str
    platform: str
    declared: int

    @property
    def is_lost(self) -> bool:
        """True when the receipt's record is among those that were lost."""
        return self.first <= self.seq < self.end


def find_rolled_back(store: Store, receipt: Receipt) -> RolledBack | None:
    """The declaration that ended the log of this receipt; None when nobody declared one."""
    closed = store.list_closed().get(receipt.log)
    platform = store.find_log_by_id(closed.platform_id) if closed else None
    if closed is None or platform is None or platform.tenant_id != PLATFORM:
        return None
    # the declaration stands right before the record that the old log is closed
    row = store.find_record(platform.no, closed.seq - 1)
    told: dict[str, Any] = orjson.loads(row.leaf) if row is not None and row.leaf else {}
    target, change = told.get("target", {}), told.get("change", {})
    if told.get("kind") != "log.rollback" or target.get("log") != receipt.log:
        return None  # an agency that left: its log is whole
    if not _is_signed(store, receipt, change["before"]):
        return None  # anybody may know the id of a log
    return RolledBack(
        tenant_id=closed.tenant_id,
        log=receipt.log,
        seq=receipt.seq,
        first=target["first"],
        end=target["end"],
        ground=change["ground"],
        time=told["time"],
        origin=change["origin"],
        vkey=change["vkey"],
        platform=platform.id,
        declared=closed.seq - 1,
    )


def _is_signed(store: Store, receipt: Receipt, origin: str) -> bool:
    """True when a key of the old log signed the receipt's head."""
    log, born = store.find_log_by_id(receipt.log), find_birth(store, receipt.log)
    keys = [format_vkey(origin, one.public_key) for one in store.list_keys(log.no)] if log else []
    if born is not None:  # known even where nothing of the log is left
        keys.append(orjson.loads(born[1].leaf)["change"]["vkey"])
    said = verify.Receipt(receipt.text)
    return any(said.is_signed(verify.Key(vkey)) for vkey in keys)
