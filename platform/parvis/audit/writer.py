"""The one place where logs grow: positions, times, hashes and signed heads in one transaction.

One process writes, under a file lock that it holds for its life; in it, the thread of
`sequencer.py` is the only caller. A commit that failed is never tried again.
"""

import os
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from parvis.audit import events
from parvis.audit.canonical import MAX_RECORD_BYTES, encode_json
from parvis.audit.files import LockFile, make_private_folder
from parvis.audit.log_keys import Boot, HeadFile, LogKeys
from parvis.audit.notes import (
    Checkpoint,
    NoteInvalid,
    format_vkey,
    open_note,
    parse_checkpoint,
    read_signature,
    sign_note,
)
from parvis.audit.receipts import Receipt
from parvis.audit.sealing import SealedValue
from parvis.audit.store import (
    Change,
    HeadRow,
    LogRow,
    Occupied,
    Position,
    RecordRow,
    Store,
    StoreUnsafe,
)
from parvis.audit.stores import open_store
from parvis.audit.tree import EMPTY_ROOT, TILE_WIDTH, Frontier, leaf_hash, root_at
from parvis.domain import RECORDS_FLOOR_DAYS

_STEP_US = 60_000_000  # a clock that falls back further gets a record of its own
_PRUNE_AT_ONCE = 40 * TILE_WIDTH
_DAY_US = 86_400_000_000


class NotOpen(ValueError):
    """An ending for an intent that is not there, or has its ending."""


class LogInconsistent(Exception):
    """What is stored cannot be what was signed: nothing may be added."""


class Emitter(NamedTuple):
    """Who hands in records: one life of one process, and its name."""

    boot: str
    worker: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A record on its way in: its body without position and time, and its sealed values.

    `emitter` is None for records of the writer itself.
    """

    tenant_id: str
    body: dict[str, Any]
    sealed: Sequence[SealedValue] = ()
    emitter: Emitter | None = None


@dataclass(slots=True)
class _State:
    """One log during a transaction: what it was, what is added, how it is signed in the end."""

    log: LogRow
    frontier: Frontier
    last_us: int
    note: str
    signed_size: int = 0
    root: bytes = b""
    signature: bytes = b""
    change: Change = field(default_factory=Change)
    found: dict[str, Position] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Placed:
    state: _State
    record_id: str
    seq: int
    leaf_hash: bytes


class Writer:
    """Appends to every log of one installation, from one process. MUST be made after a fork."""

    def __init__(
        self,
        folder: Path,
        installation: str,
        root_key: bytes,
        *,
        worker: str,
        database_url: str = "",
    ) -> None:
        make_private_folder(folder)
        self._installation = installation
        self._keys = LogKeys(folder / "keys", root_key)
        self._node = events.clean_word(socket.gethostname()) or "node"
        self._counters: dict[tuple[int, str], int] = {}
        self._known: dict[str, tuple[int, str]] = {}
        self._usage: dict[str, int] = {}
        with ExitStack() as undo:
            self._lock = LockFile(folder / "writer.lock")
            undo.callback(self._lock.close)
            if not self._lock.try_take():
                raise Occupied("another sequencer writes these logs")
            self.heads = HeadFile(folder / "heads")
            undo.callback(self.heads.close)
            self._store = open_store(folder, database_url)
            undo.callback(self._store.close)
            check_heads(self._store, self.heads)
            self._boot = Boot(folder / "boots")
            undo.pop_all()
        self.emitter = Emitter(self._boot.id, events.clean_word(f"{worker}.{os.getpid()}"))

    @staticmethod
    def clock() -> int:
        """The time by which pruning is judged (microseconds since 1970)."""
        return _now_us()

    def is_alive(self, boot: str) -> bool:
        """True while the process of that life is there."""
        return self._boot.is_alive(boot)

    def knows(self, emitter: Emitter) -> bool:
        """True when this life has records in the platform's log."""
        log = self._store.find_log(events.PLATFORM)
        return log is not None and self._count(log, emitter.boot) > 0

    def forget(self, boot: str) -> None:
        """Drop what was kept for a life that has ended."""
        with self._transaction():
            self._store.forget_emitter(boot)
        for key in [key for key in self._counters if key[1] == boot]:
            del self._counters[key]

    def list_orphans(self) -> list[tuple[str, str]]:
        """(tenant, id) of the intents whose process is dead."""
        found = [
            (tenant, intent)
            for tenant, intent, boot in self._store.list_intents()
            if not self.is_alive(boot)
        ]
        self._boot.forget_dead()
        return found

    def list_tenants(self) -> list[str]:
        """Every agency that has a log, and `platform`."""
        return [log.tenant_id for log in self._store.list_logs()]

    def usage(self, tenant_id: str) -> int:
        """Bytes of records and sealed values that the agency's log keeps."""
        if tenant_id not in self._usage:
            log = self._store.find_log(tenant_id)
            self._usage[tenant_id] = self._store.find_usage(log.no) if log else 0
        return self._usage[tenant_id]

    def get_log(self, tenant_id: str) -> LogRow:
        """The agency's log, born now if it has none."""
        found = self._store.find_log(tenant_id)
        if found is None:
            self._commit([], births=[tenant_id])
            found = self._store.find_log(tenant_id)
        if found is None:
            raise LogInconsistent("a log was made and is not there")
        return found

    def commit(self, entries: Sequence[Entry]) -> list[Receipt | ValueError]:
        """Append all of them durably; an entry that cannot be a record gives its ValueError."""
        return self._commit(entries)

    def _commit(
        self, entries: Sequence[Entry], births: Sequence[str] = ()
    ) -> list[Receipt | ValueError]:
        self._store.begin()
        try:
            states: dict[str, _State] = {}
            for tenant_id in births:
                self._state(states, tenant_id)
            self._look_up(states, entries)
            placed = [self._try_place(states, entry) for entry in entries]
            for state in states.values():
                self._sign(state)
                self._store.write(state.log.no, state.change)
            self._store.commit()
        except BaseException:
            self._counters.clear()
            self._store.rollback()
            raise
        for tenant_id, state in states.items():
            self._known[state.log.id] = (state.frontier.size, state.note)
            if tenant_id in self._usage:
                self._usage[tenant_id] += state.change.size
        return [item if isinstance(item, ValueError) else _receipt(item) for item in placed]

    def known_heads(self) -> dict[str, str]:
        """The newest checkpoint this process signed or saw of each log."""
        return {log_id: note for log_id, (_, note) in self._known.items()}

    def sign(self, tenant_id: str, text: str) -> str:
        """`text` as a note signed by the agency's log; ValueError for a checkpoint's text."""
        try:
            parse_checkpoint(text)
        except NoteInvalid:
            log = self.get_log(tenant_id)
            return sign_note(text, log.origin, self._keys.get_key(log.id, log.public_key))
        raise ValueError("audit: a checkpoint is signed by the log's growth alone")

    def publish(self, tenant_id: str, size: int, note: str) -> None:
        """Remember a checkpoint that leaves this installation, in the head file first."""
        log = self.get_log(tenant_id)
        open_note(note, log.origin, log.public_key)
        self.heads.advance({log.id: note})
        with self._transaction():
            self._store.add_published(log.no, size, note)

    def delete_sealed(self, tenant_id: str, key_id: str) -> int:
        """Delete what is sealed under a data key, to the last byte; gives how many there were."""
        log = self.get_log(tenant_id)
        self._usage.pop(tenant_id, None)
        with self._transaction():
            count = self._store.delete_sealed(log.no, key_id)
        self._store.wipe()
        return count

    def prune(self, tenant_id: str, end_seq: int) -> int:
        """Drop the whole bundles below `end_seq`, hashes stay; gives the minimum index.

        Raises ValueError for a position beyond the log, and where the first record that stays is
        not 184 days old: nobody can see from outside that those before it were.
        """
        log = self.get_log(tenant_id)
        head = self._store.find_head(log.no)
        if head is None or not 0 <= end_seq <= head.size:
            raise ValueError("audit: no such position to prune to")
        self._usage.pop(tenant_id, None)
        end = end_seq // TILE_WIDTH * TILE_WIDTH
        self._require_old(log, end, head.size)
        while (first := self._store.find_minimum(log.no)) < end:
            with self._transaction():
                self._store.prune(log.no, min(first + _PRUNE_AT_ONCE, end))
        self._store.wipe()
        return first

    def _require_old(self, log: LogRow, end: int, size: int) -> None:
        if end <= self._store.find_minimum(log.no):
            return
        first = self._store.find_record(log.no, min(end, size - 1))
        if first is None or first.time_us > self.clock() - RECORDS_FLOOR_DAYS * _DAY_US:
            raise ValueError("audit: records are kept for 184 days")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._store.begin()
        try:
            yield
            self._store.commit()
        except BaseException:
            self._store.rollback()
            raise

    def close(self) -> None:
        """Release files and locks."""
        self._store.close()
        self._boot.close()
        self.heads.close()
        self._lock.close()

    def _state(self, states: dict[str, _State], tenant_id: str) -> _State:
        if tenant_id not in states:
            log = self._store.find_log(tenant_id)
            if log is None:
                self._give_birth(states, tenant_id)
            else:
                states[tenant_id] = self._load_state(log)
        return states[tenant_id]

    def _load_state(self, log: LogRow) -> _State:
        head = self._store.find_head(log.no)
        if head is None:
            raise LogInconsistent("a log has lost its head")
        size, note = self._known.get(log.id, (0, ""))
        if head.note != note:
            if head.size < size:
                raise LogInconsistent("a log is shorter than it was")
            check_signed(log, head)
        try:
            frontier = Frontier.load(head.size, head.frontier)
        except ValueError as error:
            raise LogInconsistent("a log's frontier is damaged") from error
        if frontier.root() != head.root:
            raise LogInconsistent("a log's frontier is not that of its root")
        return _State(log, frontier, head.last_us, head.note, signed_size=head.size)

    def _give_birth(self, states: dict[str, _State], tenant_id: str) -> None:
        log_id = os.urandom(16).hex()
        origin = f"{self._installation}/audit/{log_id}"
        key = self._keys.create_key(log_id)
        public = key.public_key().public_bytes_raw()
        empty = sign_note(Checkpoint(origin, 0, EMPTY_ROOT).text, origin, key)
        # before the log exists: a database without it can never be mistaken for the truth later
        self.heads.advance({log_id: empty})
        log = self._store.add_log(log_id, tenant_id, origin, public)
        states[tenant_id] = _State(log, Frontier(), 0, empty)
        born = events.Draft(
            "log.created",
            target={"tenant": tenant_id, "log": log_id},
            change={"origin": origin, "vkey": format_vkey(origin, public)},
        )
        self._place(states, system_entry(tenant_id, born))
        if tenant_id != events.PLATFORM:
            self._place(states, system_entry(events.PLATFORM, events.replace_id(born)))

    def _look_up(self, states: dict[str, _State], entries: Sequence[Entry]) -> None:
        """What the database knows of the batch's ids and intents, in two queries a log."""
        by_tenant: dict[str, list[Entry]] = {}
        for entry in entries:
            by_tenant.setdefault(entry.tenant_id, []).append(entry)
        for tenant_id, own in by_tenant.items():
            state = self._state(states, tenant_id)
            ids = [entry.body["id"] for entry in own]
            state.found |= self._store.find_positions(state.log.no, ids)
            intents = [entry.body["re"] for entry in own if "re" in entry.body]
            state.open |= self._store.find_intents(state.log.no, intents)

    def _try_place(self, states: dict[str, _State], entry: Entry) -> _Placed | ValueError:
        try:
            return self._place(states, entry)
        except ValueError as error:
            return error

    def _place(self, states: dict[str, _State], entry: Entry) -> _Placed:
        state = self._state(states, entry.tenant_id)
        body, change = entry.body, state.change
        found = state.found.get(body["id"])
        if found is not None:
            if found.kind != body["kind"]:
                raise ValueError("audit: this id belongs to another record")
            return _Placed(state, body["id"], found.seq, found.hash)
        ended = body.get("re")
        if ended is not None and ended not in state.open:
            raise NotOpen("audit: no open intent has this id")
        self._note_step(state)
        emitter = entry.emitter or self.emitter
        seq, hashed = self._insert(state, body, emitter)
        for value in entry.sealed:
            change.sealed.append((body["id"], value.name, value.key_id, value.box))
        if body["phase"] == "intent":
            state.open.add(body["id"])
            change.begun.append((body["id"], seq, emitter.boot))
        if ended is not None:
            state.open.discard(ended)
            change.ended.append(ended)
        return _Placed(state, body["id"], seq, hashed)

    def _note_step(self, state: _State) -> None:
        now = _now_us()
        if now < state.last_us - _STEP_US:
            change = {"before": format_time(state.last_us), "after": format_time(now)}
            state.last_us = now
            stepped = system_entry("", events.Draft("clock.stepped", change=change))
            self._insert(state, stepped.body, self.emitter)

    def _insert(self, state: _State, body: dict[str, Any], emitter: Emitter) -> tuple[int, bytes]:
        seq, time_us = state.frontier.size, max(_now_us(), state.last_us)
        count = self._count(state.log, emitter.boot) + 1
        record = body | {
            "log": state.log.id,
            "seq": seq,
            "time": format_time(time_us),
            "emit": {
                "node": self._node,
                "boot": emitter.boot,
                "worker": emitter.worker,
                "n": count,
            },
        }
        leaf = encode_json(record)
        if len(leaf) > MAX_RECORD_BYTES:
            raise ValueError("audit: the record is larger than 8 KiB")
        hashed = leaf_hash(leaf)
        state.change.records.append(
            (body["id"], RecordRow(seq, time_us, body["kind"], hashed, leaf))
        )
        state.change.blocks.extend(state.frontier.append(hashed))
        state.change.emitters[emitter.boot] = count
        state.found[body["id"]] = Position(seq, body["kind"], hashed)
        self._counters[state.log.no, emitter.boot] = count
        state.last_us = time_us
        return seq, hashed

    def _count(self, log: LogRow, boot: str) -> int:
        count = self._counters.get((log.no, boot))
        return self._store.find_emitted(log.no, boot) if count is None else count

    def _sign(self, state: _State) -> None:
        log, frontier = state.log, state.frontier
        state.root = frontier.root()
        if frontier.size > state.signed_size:
            key = self._keys.get_key(log.id, log.public_key)
            checkpoint = Checkpoint(log.origin, frontier.size, state.root)
            state.note = sign_note(checkpoint.text, log.origin, key)
            state.change.head = HeadRow(
                frontier.size, state.root, frontier.dump(), state.last_us, state.note
            )
        state.signature = read_signature(state.note)


def system_entry(tenant_id: str, draft: events.Draft) -> Entry:
    """A record that the log makes about itself."""
    body = events.build_body(draft)
    return Entry(tenant_id, body | {"actor": {"type": "system"}, "seen": format_time(_now_us())})


def ending(tenant_id: str, intent: str, reason: str) -> Entry:
    """`chat.unknown` for an intent whose process will never tell how it ended."""
    return system_entry(tenant_id, events.Draft("chat.unknown", re=intent, reason=reason))


def _receipt(placed: _Placed) -> Receipt:
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


def check_signed(log: LogRow, head: HeadRow) -> None:
    """The stored head is what the log's key signed; raises LogInconsistent."""
    try:
        text, _ = open_note(head.note, log.origin, log.public_key)
        signed = parse_checkpoint(text)
    except NoteInvalid as error:
        raise LogInconsistent("a log's head is not signed by its key") from error
    if signed != Checkpoint(log.origin, head.size, head.root):
        raise LogInconsistent("a log's head is not the signed one")


def check_heads(store: Store, heads: HeadFile) -> None:
    """Every log continues its newest signed head; raises LogInconsistent.

    Catches a database restored from a backup, cut, or replaced. Costs a few reads a log, whatever
    its length.
    """
    try:
        kept = heads.load()
    except ValueError as error:
        raise LogInconsistent("the file of signed heads is damaged") from error
    logs = {log.id: log for log in store.list_logs()}
    if set(logs) - set(kept):
        raise LogInconsistent("the file of signed heads is missing or older than the logs")
    for log_id, note in kept.items():
        text, _, _ = note.partition("\n\n")
        signed = parse_checkpoint(text + "\n")
        if log_id not in logs:
            if signed.size:
                raise LogInconsistent("a log that was signed is missing from the database")
            continue
        _check_continues(store, logs[log_id], note)


def _check_continues(store: Store, log: LogRow, note: str) -> None:
    try:
        signed = parse_checkpoint(open_note(note, log.origin, log.public_key)[0])
    except NoteInvalid as error:
        raise LogInconsistent("a kept head is not signed by its log's key") from error
    head = store.find_head(log.no)
    if head is None or head.size < signed.size:
        raise LogInconsistent("a log is shorter than its newest signed head")
    check_signed(log, head)

    def read(level: int, first: int, end: int) -> list[bytes]:
        return store.read_hashes(log.no, level, first, end)

    try:
        whole = root_at(read, signed.size) == signed.root and root_at(read, head.size) == head.root
    except StoreUnsafe as error:
        raise LogInconsistent("hashes of a log are missing") from error
    if not whole:
        raise LogInconsistent("a log is not the one that was signed")


def _now_us() -> int:
    return time.time_ns() // 1000


def format_time(time_us: int) -> str:
    """RFC 3339 in UTC with microseconds."""
    return f"{_format_second(time_us // 1_000_000)}.{time_us % 1_000_000:06d}Z"


@lru_cache(16)
def _format_second(second: int) -> str:
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}"
