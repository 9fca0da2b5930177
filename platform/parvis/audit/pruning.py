"""What goes from the logs' database: sealed values, and the bodies of old records.

Hashes stay, so heads, proofs and exports hold as before. That it may go is recorded first, by
whoever asks; logs that ended are no exception. Nothing is added to a log here.
"""

from collections.abc import Sequence

from parvis.audit.ended_logs import EndedLog, list_ended
from parvis.audit.rows import LogRow
from parvis.audit.store import StoreBusy
from parvis.audit.tree import TILE_WIDTH
from parvis.audit.writer import Writer
from parvis.domain import RECORDS_FLOOR_DAYS

_AT_ONCE = 40 * TILE_WIDTH
_FLOOR_US = RECORDS_FLOOR_DAYS * 86_400_000_000


def delete_sealed(writer: Writer, tenant_id: str, key_ids: Sequence[str]) -> int:
    """Delete what is sealed under these data keys; gives how many there were. `wipe` follows."""
    writer.forget_usage(tenant_id)
    with writer.transaction():
        count = sum(
            writer.store.delete_sealed(log.no, key_id)
            for log in writer.store.list_all_logs()
            if log.tenant_id == tenant_id
            for key_id in key_ids
        )
    return count


def wipe(writer: Writer) -> bool:
    """Let nothing that was deleted be in the database's files; False while somebody reads it."""
    try:
        writer.store.wipe()
    except StoreBusy:
        return False
    return True


def prune(writer: Writer, tenant_id: str, end_seq: int, log_id: str = "") -> int:
    """Drop the whole bundles below `end_seq`, hashes stay; gives the minimum index. `wipe` follows.

    `log_id` names a log that ended: of that the last bundle, which is not whole, may go too. Raises
    ValueError for a position beyond the log, and where the first record that stays is not 184 days
    old (nobody can see from outside that those before it were), or all would go and the log has not
    ended 184 days ago.
    """
    ended = _find_ended(writer, tenant_id, log_id)
    if log_id and ended is None:
        raise ValueError("audit: no log of this agency that ended has this id")
    log = ended.log if ended else writer.get_log(tenant_id)
    head = writer.store.find_head(log.no)
    size = ended.size if ended else head.size if head else 0
    if not 0 <= end_seq <= size:
        raise ValueError("audit: no such position to prune to")
    writer.forget_usage(tenant_id)
    all_goes = ended is not None and end_seq == size
    end = size if all_goes else end_seq // TILE_WIDTH * TILE_WIDTH
    if end > writer.store.find_minimum(log.no):
        first_us = ended.time_us if ended and all_goes else _find_time(writer, log, end, size)
        if first_us is None or first_us > writer.clock() - _FLOOR_US:
            raise ValueError("audit: records are kept for 184 days")
    return _drop(writer, log, end)


def _find_ended(writer: Writer, tenant_id: str, log_id: str) -> EndedLog | None:
    found = list_ended(writer.store, tenant_id) if log_id else []
    return next((one for one in found if one.log.id == log_id), None)


def _find_time(writer: Writer, log: LogRow, end: int, size: int) -> int | None:
    row = writer.store.find_record(log.no, min(end, size - 1))
    return row.time_us if row is not None else None


def _drop(writer: Writer, log: LogRow, end: int) -> int:
    while (first := writer.store.find_minimum(log.no)) < end:
        with writer.transaction():
            writer.store.prune(log.no, min(first + _AT_ONCE, end))
    return first
