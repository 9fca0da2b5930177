"""What leaves the house under a log's key: heads, with their line of ML-DSA-44, and signed lists.

Done by the one process that holds the keys (`writer.py`); records are not added here.
"""

from collections.abc import Sequence

from parvis.audit.anchors_export import thin_heads
from parvis.audit.cosignatures import sign_cosignature
from parvis.audit.entries import now_us
from parvis.audit.key_times import list_valid, open_head
from parvis.audit.notes import NoteInvalid, parse_checkpoint, sign_note
from parvis.audit.rows import LogRow
from parvis.audit.writer import LogStopped, Writer

_THIN_AT_ONCE = 2000


def sign(writer: Writer, tenant_id: str, text: str, log_id: str = "") -> str:
    """`text` as a note signed by the agency's log; ValueError for what may be a checkpoint.

    `log_id` names one that another log has taken the place of. A checkpoint begins with its
    log's origin, whatever extension lines follow.
    """
    found = writer.store.find_log_by_id(log_id) if log_id else None
    log = found or writer.get_log(tenant_id)
    if text.partition("\n")[0] == log.origin or _is_checkpoint(text):
        raise ValueError("audit: a checkpoint is signed by the log's growth alone")
    return sign_note(text, log.origin, writer.keys.get_key(log.id, log.public_key))


def _is_checkpoint(text: str) -> bool:
    try:
        parse_checkpoint(text)
    except NoteInvalid:
        return False
    return True


def publish(writer: Writer, tenant_id: str, size: int, note: str) -> str:
    """Remember a checkpoint that leaves this installation, in the head file first.

    Gives it with the log's line of ML-DSA-44, made once for each size. Raises ValueError for a
    note that this log did not sign for this size.
    """
    log = _get_log(writer, tenant_id)
    if open_head(note, log.origin, writer.store.list_keys(log.no)).size != size:
        raise ValueError("audit: the note is a head of another size")
    writer.heads.advance({log.id: note})
    kept = writer.store.find_published(log.no, size)
    if kept is None:
        kept = note + cosign(writer, log, size, note)
        with writer.transaction():
            writer.store.add_published(log.no, size, kept)
    return kept


def thin(writer: Writer, tenant_id: str, vouched: Sequence[int]) -> int:
    """Forget published checkpoints as exports leave them out (`thin_heads`); gives how many.

    `vouched` are the sizes that others signed or stamped. Changes of keys and the newest stay.
    """
    log = _get_log(writer, tenant_id)
    sizes = writer.store.list_published_sizes(log.no)

    def time_of(size: int) -> int:
        row = writer.store.find_record(log.no, size - 1)
        return row.time_us if row is not None else 0

    turns = {turn.seq + 1 for turn in writer.store.list_turns(log.no) if turn.note}
    kept = thin_heads(sizes, {*vouched, *turns, *sizes[-1:]}, time_of, writer.clock())
    gone = [size for size in sizes if size not in kept][:_THIN_AT_ONCE]
    if gone:
        with writer.transaction():
            writer.store.drop_published(log.no, gone)
    return len(gone)


def cosign(writer: Writer, log: LogRow, size: int, note: str) -> str:
    """The log's line of ML-DSA-44 on this head; empty where its key is not in the log."""
    valid = list_valid(writer.store.list_keys(log.no), size)
    named = log.public_key in writer.store.list_cosigners(log.no)
    if log.public_key not in valid or not named:
        return ""
    text = note.rpartition("\n\n")[0] + "\n"
    key = writer.keys.get_cosigner(log.id, log.public_key)
    return sign_cosignature(text, log.origin, key, now_us() // 1_000_000)


def _get_log(writer: Writer, tenant_id: str) -> LogRow:
    if tenant_id in writer.stopped:
        raise LogStopped(writer.stopped[tenant_id])
    return writer.get_log(tenant_id)
