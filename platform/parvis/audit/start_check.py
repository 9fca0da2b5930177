"""Before anything is written: does every log continue its newest signed head?

Catches a database restored from a backup, cut, or replaced. Costs a few reads a log, whatever its
length. One agency's log that does not fit stops that agency; the platform's stops all.
"""

import json
from collections.abc import Mapping

from parvis.audit.events import PLATFORM
from parvis.audit.key_times import open_head
from parvis.audit.log_keys import HeadFile
from parvis.audit.notes import Checkpoint, NoteInvalid, parse_checkpoint
from parvis.audit.rows import ClosedRow, HeadRow, LogRow, Range, RecordRow
from parvis.audit.store import Store, StoreUnsafe
from parvis.audit.tree import Frontier, root_at

_BIRTHS = ("log.created", "log.rollback")


class LogInconsistent(Exception):
    """What is stored cannot be what was signed: nothing may be added."""


def parse_kept(note: str) -> Checkpoint:
    """The tree head of a kept note; its signature is not looked at."""
    text, _, _ = note.partition("\n\n")
    return parse_checkpoint(text + "\n")


def find_broken(store: Store, heads: HeadFile) -> dict[str, str]:
    """What is wrong, in words, by agency (`platform` for what concerns all). Empty when sound."""
    try:
        kept = heads.load()
        signed = {log_id: parse_kept(note) for log_id, note in kept.items()}
    except ValueError:
        return {PLATFORM: "the file of signed heads is damaged"}
    logs, closed = {log.id: log for log in store.list_all_logs()}, store.list_closed()
    broken = {}
    for log in logs.values():
        words = find_fault(store, log, kept.get(log.id), closed.get(log.id))
        if words:
            broken[log.tenant_id] = words
    for log_id, head in signed.items():
        if head.size and log_id not in logs and log_id not in closed:
            # whose it is only the platform log can say: without that, all must wait
            tenant = find_owner(store, log_id) or PLATFORM
            broken[tenant] = "a log that was signed is missing from the database"
    return broken


def find_fault(store: Store, log: LogRow, note: str | None, closed: ClosedRow | None) -> str:
    """What is wrong with one log, in words; empty when nothing is."""
    try:
        if closed is not None:
            _check_closed(store, closed)
        elif note is None:
            raise LogInconsistent("the file of signed heads is missing or older than the logs")
        else:
            _check_continues(store, log, note)
    except LogInconsistent as error:
        return str(error)
    return ""


def find_owner(store: Store, log_id: str) -> str | None:
    """The agency for which the platform log saw this log born."""
    found = find_birth(store, log_id)
    return str(json.loads(found[1].leaf)["target"].get("tenant", "")) or None if found else None


def find_birth(store: Store, log_id: str) -> tuple[LogRow, RecordRow] | None:
    """The platform's log, also an ended one, and its record that saw this log born."""
    for platform in reversed(store.list_all_logs()):
        head = store.find_head(platform.no) if platform.tenant_id == PLATFORM else None
        born = Range(end=head.size if head else 0, kinds=_BIRTHS)
        for row in store.list_records(platform.no, born, limit=100_000):
            if json.loads(row.leaf)["change"].get("origin", "").rpartition("/")[2] == log_id:
                return platform, row
    return None


def _check_closed(store: Store, closed: ClosedRow) -> None:
    """It takes no more records because the platform log says so, not because a row does."""
    platform = store.find_log_by_id(closed.platform_id)
    row = store.find_record(platform.no, closed.seq) if platform else None
    if row is not None and not row.leaf:
        return  # pruned since
    record = json.loads(row.leaf) if row is not None else {}
    if record.get("kind") != "log.closed" or record["target"].get("log") != closed.log_id:
        raise LogInconsistent("a log is marked as closed and no record says so")


def _check_continues(store: Store, log: LogRow, note: str) -> None:
    keys = store.list_keys(log.no)
    try:
        signed = open_head(note, log.origin, keys)
    except NoteInvalid as error:
        raise LogInconsistent(_explain_unsigned(store, log, note)) from error
    head = store.find_head(log.no)
    if head is None or head.size < signed.size:
        raise LogInconsistent("a log is shorter than its newest signed head")
    check_signed(store, log, head)

    read = store.hashes_of(log.no)
    try:
        whole = root_at(read, signed.size) == signed.root and root_at(read, head.size) == head.root
        whole = whole and Frontier.load(head.size, head.frontier).root() == head.root
    except StoreUnsafe as error:
        raise LogInconsistent("hashes of a log are missing") from error
    except ValueError as error:
        raise LogInconsistent("a log's frontier is damaged") from error
    if not whole:
        raise LogInconsistent("a log is not the one that was signed")


def _explain_unsigned(store: Store, log: LogRow, note: str) -> str:
    head = store.find_head(log.no)
    if head is None or head.size < parse_kept(note).size:
        return "a log is shorter than its newest signed head"
    return "a kept head is not signed by its log's key"


def check_signed(store: Store, log: LogRow, head: HeadRow) -> None:
    """The stored head is what the log's key of that time signed; raises LogInconsistent."""
    try:
        signed = open_head(head.note, log.origin, store.list_keys(log.no))
    except NoteInvalid as error:
        raise LogInconsistent("a log's head is not signed by its key") from error
    if signed != Checkpoint(log.origin, head.size, head.root):
        raise LogInconsistent("a log's head is not the signed one")


def describe_broken(broken: Mapping[str, str]) -> str:
    """One line for operators."""
    return "; ".join(f"{tenant}: {words}" for tenant, words in sorted(broken.items()))
