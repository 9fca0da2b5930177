"""Self-check of the live logs: every row against every other, without stopping who writes.

Uses the stand-alone checker for the records themselves. Finds damage and clumsy tampering; what a
holder of the keys rewrote as a whole only a head kept elsewhere can show.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from parvis.audit.ended_logs import list_allowances, load_told
from parvis.audit.entries import format_time
from parvis.audit.events import PLATFORM
from parvis.audit.key_times import open_head
from parvis.audit.log_keys import HEADS_NAME, LogKeys, open_heads
from parvis.audit.notes import NoteInvalid, format_vkey
from parvis.audit.rows import HeadRow, LogRow, Range, RecordRow, TurnRow
from parvis.audit.sealed_list import find_allowance
from parvis.audit.sealing import open_value
from parvis.audit.start_check import LogInconsistent, check_signed, describe_broken, find_broken
from parvis.audit.store import Store, StoreFault, StoreUnsafe
from parvis.audit.stores import has_store, open_store
from parvis.audit.tree import TILE_WIDTH, Frontier, leaf_hash, root_at
from parvis.audit.verify import (
    LAWS,
    TOO_NEW,
    Ended,
    Erasures,
    Malformed,
    RecordChecker,
    digest_key,
)
from parvis.keystore import KeyStore, SealBroken

_PAGE = 1000
_MAX_FAULTS = 100


@dataclass(slots=True)
class LogCheck:
    """What was found in one log; `faults` is empty for a sound one."""

    tenant_id: str
    log: str
    size: int = 0
    faults: list[str] = field(default_factory=list)
    open_intents: int = 0
    sealed_openable: int = 0
    sealed_erased: int = 0

    def fault(self, words: str) -> None:
        """Note something wrong."""
        if len(self.faults) < _MAX_FAULTS:
            self.faults.append(words)


def check_logs(
    audit_dir: Path, keystore: KeyStore, database_url: str = "", heads_dir: Path | None = None
) -> list[LogCheck]:
    """Every log, checked row by row; the head file's own faults stand under `platform`."""
    general = LogCheck("platform", "")
    with (
        closing(open_store(audit_dir, database_url, read_only=True)) as store,
        closing(open_heads(audit_dir, heads_dir)) as heads,
    ):
        for tenant_id, words in find_broken(store, heads).items():
            general.fault(f"{tenant_id}: {words}")
        checks = []
        for log in store.list_all_logs():
            if not _can_be_whole(store, log):
                continue
            check = LogCheck(log.tenant_id, log.id)
            checks.append(check)
            store.begin_reading()
            try:
                _check_log(store, log, check, keystore)
            except (LogInconsistent, StoreUnsafe, StoreFault) as error:
                check.fault(str(error))
            finally:
                store.rollback()
        _check_births(store, general)
    return [general, *checks] if general.faults else checks


def _can_be_whole(store: Store, log: LogRow) -> bool:
    """False for a log that was rolled back and of which, as was declared, something is lost."""
    closed, newest = store.list_closed().get(log.id), store.find_log(log.tenant_id)
    if newest is None or newest.no == log.no:
        return True
    declared = load_told(store, closed, before=1) if closed else None
    target = declared["target"] if declared else {}
    return target.get("log") == log.id and target.get("first") == target.get("end")


def _load_ended(store: Store, log: LogRow, size: int, check: LogCheck) -> Ended | None:
    """What the platform log says of the end of this log, and of what went from it since."""
    closed = store.list_closed().get(log.id)
    told = load_told(store, closed) if closed else None
    if told is None:
        return None
    ended = Ended(log.id, size, told)
    for one in list_allowances(store, log.id):
        try:
            ended.allow(one.data)
        except Malformed as error:
            check.fault(f"record {one.row.seq} of the platform log: {error}")
    first = store.find_record(log.no, ended.pruned_end)
    if ended.is_too_new({first.seq: format_time(first.time_us)} if first and first.leaf else {}):
        check.fault(f"record {ended.pruned_by} of the platform log: {TOO_NEW}")
    return ended


def _check_births(store: Store, general: LogCheck) -> None:
    """Every log that the platform log saw born, and not closed, is here."""
    platform = store.find_log(PLATFORM)
    missing: set[str] = set()
    for row in _rows(store, platform) if platform else ():
        if row.leaf and row.kind in ("log.created", "log.rollback", "log.closed"):
            record = json.loads(row.leaf)
            if row.kind == "log.closed":
                missing.discard(record["target"].get("log", ""))
            else:
                missing.add(record["change"]["origin"].rpartition("/")[2])
    for log_id in sorted(missing - {log.id for log in store.list_all_logs()}):
        general.fault(f"the platform log saw log {log_id} born, and it is not here")


def check_log(
    audit_dir: Path, root_key: bytes | None, database_url: str = "", heads_dir: Path | None = None
) -> list[str]:
    """What would keep the logs from being opened, in words; quick, whatever their length.

    Without `root_key` nothing is said of the signing keys.
    """
    if not has_store(audit_dir, database_url):
        gone = ((heads_dir or audit_dir / "heads") / HEADS_NAME).is_file()
        return ["the audit database is missing"] if gone else []  # or none was made yet
    faults = []
    try:
        with (
            closing(open_store(audit_dir, database_url, read_only=True)) as store,
            closing(open_heads(audit_dir, heads_dir)) as heads,
        ):
            if broken := find_broken(store, heads):
                faults.append(describe_broken(broken))
            if root_key is not None:
                keys = LogKeys(audit_dir / "keys", root_key)
                for log in store.list_logs():
                    keys.get_key(log.id, log.public_key)
    except (LogInconsistent, StoreUnsafe, SealBroken) as error:
        faults.append(str(error))
    except (StoreFault, OSError) as error:
        faults.append(f"the audit log cannot be read ({type(error).__name__})")
    return faults


def _check_log(store: Store, log: LogRow, check: LogCheck, keystore: KeyStore) -> None:
    head = store.find_head(log.no)
    if head is None:
        raise LogInconsistent("the log has no head")
    check.size = head.size
    frontier, checker = Frontier(), RecordChecker(log.id)
    minimum, erasures = store.find_minimum(log.no), Erasures()
    erasures.claim = find_allowance(store, log.no, "sealed", head.size) or (0, None)
    erasures.ended = _load_ended(store, log, head.size, check)
    for row in _rows(store, log):
        if row.seq < minimum:
            _check_pruned(store, log, row, frontier, check)
            checker.skip_to(row.seq + 1)
            continue
        record = _check_row(store, log, row, frontier, checker, check)
        if record is not None and "seal" in record:
            lost = _check_sealed(store, log, record, check, keystore)
            erasures.lose(row.seq, lost)
        if record is not None and record["kind"] in LAWS:
            for reason in erasures.note(row.seq, record, minimum == 0):
                check.fault(f"record {row.seq}: {reason}")
    for seq in checker.find_repeated_ids():
        check.fault(f"record {seq}: its id occurs twice")
    _check_erasures(log, check, keystore, erasures, minimum)
    _check_head(store, log, head, frontier, check)
    check.open_intents = len(checker.open)
    kept = {intent for tenant, intent, _ in store.list_intents() if tenant == log.tenant_id}
    if log == store.find_log(log.tenant_id) and kept != set(checker.open):
        check.fault("the list of open intents is not that of the records")


def _rows(store: Store, log: LogRow) -> Iterator[RecordRow]:
    first = 0
    while rows := store.list_records(log.no, Range(first), limit=_PAGE):
        yield from rows
        first = rows[-1].seq + 1


def _check_row(
    store: Store,
    log: LogRow,
    row: RecordRow,
    frontier: Frontier,
    checker: RecordChecker,
    check: LogCheck,
) -> dict[str, Any] | None:
    if leaf_hash(row.leaf) != row.hash:
        check.fault(f"record {row.seq}: its bytes are not those that were hashed")
    reasons, record = checker.check(row.seq, row.leaf)
    for reason in reasons:
        check.fault(f"record {row.seq}: {reason}")
    if record is None:
        checker.skip_to(row.seq + 1)
    elif record["kind"] != row.kind:
        check.fault(f"record {row.seq}: filed under another kind")
    _check_blocks(store, log, row, frontier, check)
    return record


def _check_pruned(
    store: Store, log: LogRow, row: RecordRow, frontier: Frontier, check: LogCheck
) -> None:
    if row.leaf or row.kind:
        check.fault(f"record {row.seq}: was pruned and is still there")
    _check_blocks(store, log, row, frontier, check)


def _check_blocks(
    store: Store, log: LogRow, row: RecordRow, frontier: Frontier, check: LogCheck
) -> None:
    for level, place, found in frontier.append(row.hash):
        if store.read_rows(log.no, level, place, place + 1) != [found]:
            check.fault(f"record {row.seq}: the block it completes has another hash")
        first = place * TILE_WIDTH
        tile = store.find_tile(log.no, level - 1, place)
        rows = store.read_rows(log.no, level - 1, first, first + TILE_WIDTH)
        if tile is not None and tile != b"".join(rows):
            check.fault(f"record {row.seq}: the tile it completes has other hashes")


def _check_sealed(
    store: Store, log: LogRow, record: dict[str, Any], check: LogCheck, keystore: KeyStore
) -> list[bytes]:
    """Open what is kept; gives the key ids of the values that are kept no more."""
    lost = []
    place = f"record {record['seq']}"
    boxes = store.list_sealed(log.no, record["id"])
    for name, entry in record["seal"].items():
        key = keystore.find_key_by_id(log.tenant_id, entry["k"])
        if key is None or name not in boxes:
            check.sealed_erased += 1
            lost.append(entry["k"].encode())
        else:
            try:
                open_value(key, log.id, record["id"], name, boxes[name][1], entry)
                check.sealed_openable += 1
            except SealBroken as error:
                check.fault(f"{place}: sealed {name}: {error}")
    return lost


def _check_turns(store: Store, log: LogRow, check: LogCheck) -> None:
    """What is kept of changes of keys is what the records say, and nothing is left out."""
    keys, turns = store.list_keys(log.no), store.list_turns(log.no)
    _check_cosigners(store, log, keys[0].public_key, turns, check)
    for turn in turns:
        place = f"record {turn.seq}: the change of keys kept for exports"
        hashes = store.read_rows(log.no, 0, turn.seq, turn.seq + 1)
        vkey = format_vkey(log.origin, turn.public_key)
        if [leaf_hash(turn.leaf)] != hashes:
            check.fault(f"{place} is not the record")
        elif (found := json.loads(turn.leaf))["kind"] != turn.kind or found["change"][
            "vkey"
        ] != vkey:
            check.fault(f"{place} names another key")
        try:
            if turn.kind == "key.rotated" and open_head(turn.note, log.origin, keys).size != (
                turn.seq + 1
            ):
                check.fault(f"{place} carries another head")
        except NoteInvalid as error:
            check.fault(f"{place}: {error}")
    told = Range(kinds=("key.rotated", "key.compromised"))
    for row in store.list_records(log.no, told, limit=_PAGE * _MAX_FAULTS):
        own = json.loads(row.leaf)["target"].get("log", log.id) == log.id
        if own and row.seq not in {turn.seq for turn in turns}:
            check.fault(f"record {row.seq}: a change of keys is not kept for exports")


def _check_cosigners(
    store: Store, log: LogRow, first: bytes, turns: Sequence[TurnRow], check: LogCheck
) -> None:
    """The ML-DSA-44 key kept beside each key is the one that its record names."""
    rotated = [turn for turn in turns if turn.kind == "key.rotated"]
    named = {turn.public_key: (turn.seq, turn.leaf) for turn in rotated}
    born = store.find_record(log.no, 0)
    if born is not None and born.leaf:
        named[first] = (0, born.leaf)
    kept = store.list_cosigners(log.no)
    for public_key, (seq, leaf) in named.items():
        try:
            told = json.loads(leaf)["change"].get("cosigner")
        except (ValueError, KeyError):
            continue  # not the record: a fault that was told already
        if told != digest_key(kept.get(public_key)):
            check.fault(f"record {seq} names another ML-DSA-44 key")


def _check_erasures(
    log: LogRow, check: LogCheck, keystore: KeyStore, erasures: Erasures, minimum: int
) -> None:
    """What is gone went by a record's leave, and what had to go is gone."""
    for seq, count in erasures.find_lost():
        check.sealed_erased -= count
        check.fault(f"record {seq}: {count} sealed values are gone and no record allows it")
    allowed = [end for _, end in erasures.prunes]
    allowed += [erasures.ended.pruned_end] if erasures.ended else []
    if minimum and not any(end >= minimum for end in allowed):
        check.fault(f"records before {minimum} are gone and no record allows it")
    named = erasures.keys | (erasures.ended.keys if erasures.ended else set())
    back = named & {key.encode() for key in keystore.list_ids(log.tenant_id)}
    if back:
        words = "keys live that a record says are destroyed: run `parvis retention run`"
        check.fault(f"{len(back)} {words}")


def _check_head(
    store: Store, log: LogRow, head: HeadRow, frontier: Frontier, check: LogCheck
) -> None:
    try:
        check_signed(store, log, head)
    except LogInconsistent as error:
        check.fault(str(error))
    if frontier.size != head.size:
        check.fault(f"{frontier.size} records are stored, {head.size} are signed")
    if frontier.root() != head.root or frontier.dump() != head.frontier:
        check.fault("the signed root is not that of the records")

    read = store.hashes_of(log.no)
    _check_turns(store, log, check)
    keys = store.list_keys(log.no)
    for size, note in store.list_published(log.no, head.size):
        try:
            signed = open_head(note, log.origin, keys)
            if signed.size != size or root_at(read, size) != signed.root:
                raise NoteInvalid("not a head of this log")
        except NoteInvalid as error:
            check.fault(f"the head published at {size}: {error}")
