"""What goes from the logs' database: sealed values, and the bodies of old records.

Hashes stay, so heads, proofs and exports hold as before. That it may go is recorded first, by
whoever asks; logs that ended are no exception. What is never done here: to add to a log.
"""

from parvis.audit.rows import LogRow
from parvis.audit.tree import TILE_WIDTH
from parvis.audit.writer import Writer
from parvis.domain import RECORDS_FLOOR_DAYS

_AT_ONCE = 40 * TILE_WIDTH
_DAY_US = 86_400_000_000


def delete_sealed(writer: Writer, tenant_id: str, key_id: str) -> int:
    """Delete what is sealed under a data key, to the last byte; gives how many there were."""
    writer.forget_usage(tenant_id)
    with writer.transaction():
        count = sum(
            writer.store.delete_sealed(log.no, key_id)
            for log in writer.store.list_all_logs()
            if log.tenant_id == tenant_id
        )
    writer.store.wipe()
    return count


def prune(writer: Writer, tenant_id: str, end_seq: int) -> int:
    """Drop the whole bundles below `end_seq`, hashes stay; gives the minimum index.

    Raises ValueError for a position beyond the log, and where the first record that stays is
    not 184 days old: nobody can see from outside that those before it were.
    """
    log = writer.get_log(tenant_id)
    head = writer.store.find_head(log.no)
    if head is None or not 0 <= end_seq <= head.size:
        raise ValueError("audit: no such position to prune to")
    writer.forget_usage(tenant_id)
    end = end_seq // TILE_WIDTH * TILE_WIDTH
    _require_old(writer, log, end, head.size)
    return _drop(writer, log, end)


def _drop(writer: Writer, log: LogRow, end: int) -> int:
    while (first := writer.store.find_minimum(log.no)) < end:
        with writer.transaction():
            writer.store.prune(log.no, min(first + _AT_ONCE, end))
    writer.store.wipe()
    return first


def _require_old(writer: Writer, log: LogRow, end: int, size: int) -> None:
    if end <= writer.store.find_minimum(log.no):
        return
    first = writer.store.find_record(log.no, min(end, size - 1))
    if first is None or first.time_us > writer.clock() - RECORDS_FLOOR_DAYS * _DAY_US:
        raise ValueError("audit: records are kept for 184 days")
