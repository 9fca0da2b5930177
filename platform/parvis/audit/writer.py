"""The one place where logs grow: positions, times, hashes and signed heads in one transaction.

Processes take turns under a file lock; within a process the batcher of `log.py` is the only caller.
A commit that failed is never tried again.
"""

import os
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from parvis.audit import events
from parvis.audit.canonical import MAX_RECORD_BYTES, encode
from parvis.audit.files import LockFile, make_private_folder
from parvis.audit.log_keys import Boot, HeadFile, LogKeys
from parvis.audit.notes import (
    Checkpoint,
    NoteInvalid,
    format_vkey,
    open_note,
    parse_checkpoint,
    sign_note,
)
from parvis.audit.receipts import Receipt
from parvis.audit.sealing import SealedValue
from parvis.audit.store import HeadRow, LogRow, RecordRow, Store, StoreUnsafe
from parvis.audit.tree import EMPTY_ROOT, Frontier, leaf_hash, root_at

_STEP_US = 60_000_000  # a clock that falls back further gets a record of its own
_CLOSE_AT_ONCE = 500


class NotOpen(ValueError):
    """An ending for an intent that is not there, or has its ending."""


class LogInconsistent(Exception):
    """What is stored cannot be what was signed: nothing may be added."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A record on its way in: its body without position and time, and its sealed values."""

    tenant_id: str
    body: dict[str, Any]
    sealed: Sequence[SealedValue] = ()


@dataclass(slots=True)
class _State:
    """One log during a transaction."""

    log: LogRow
    frontier: Frontier
    last_us: int
    note: str
    counter: int
    signed_size: int = 0
    placed: list[tuple[int, bytes]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Placed:
    state: _State
    record_id: str
    seq: int
    leaf_hash: bytes


class Writer:
    """Appends to every log of one installation, from one process. MUST be made after a fork."""

    def __init__(self, folder: Path, installation: str, root_key: bytes, *, worker: str) -> None:
        make_private_folder(folder)
        self._installation = installation
        self._lock = LockFile(folder / "writer.lock")
        self._keys = LogKeys(folder / "keys", root_key)
        self.heads = HeadFile(folder / "heads")
        self._node = events.clean_word(socket.gethostname()) or "node"
        self._worker = events.clean_word(f"{worker}.{os.getpid()}")
        self._counters: dict[str, int] = {}
        self._known: dict[str, tuple[int, str]] = {}
        with self._lock.held():
            self._store = Store(folder)
            try:
                check_heads(self._store, self.heads)
            except BaseException:
                self._store.close()
                raise
            self._boot = Boot(folder / "boots")

    def open_life(self) -> None:
        """Record that this process writes from now on, and end what dead processes left open."""
        opened = events.Draft("log.opened", target={"object": self._worker})
        self.commit([system_entry(events.PLATFORM, opened)])
        with self._lock.held():
            orphans = [
                (tenant, intent)
                for tenant, intent, boot in self._store.list_intents()
                if not self._boot.is_alive(boot)
            ]
            self._boot.forget_dead()
        for at in range(0, len(orphans), _CLOSE_AT_ONCE):
            self.commit(
                [
                    ending(tenant, intent, "process_ended")
                    for tenant, intent in orphans[at:][:_CLOSE_AT_ONCE]
                ]
            )

    def get_log(self, tenant_id: str, timeout_s: float) -> LogRow:
        """The agency's log, born now if it has none; raises TimeoutError."""
        with self._lock.held(timeout_s):
            found = self._store.find_log(tenant_id)
            if found is None:
                self._commit([], births=[tenant_id])
                found = self._store.find_log(tenant_id)
        if found is None:
            raise LogInconsistent("a log was made and is not there")
        return found

    def commit(self, entries: Sequence[Entry]) -> list[Receipt | ValueError]:
        """Append all of them durably; an entry that cannot be a record gives its ValueError."""
        with self._lock.held():
            return self._commit(entries)

    def _commit(
        self, entries: Sequence[Entry], births: Sequence[str] = ()
    ) -> list[Receipt | ValueError]:
        self._store.begin()
        try:
            states: dict[str, _State] = {}
            for tenant_id in births:
                self._state(states, tenant_id)
            placed = [self._try_place(states, entry) for entry in entries]
            signatures = {tenant: self._sign(state) for tenant, state in states.items()}
            self._store.commit()
        except BaseException:
            self._store.rollback()
            raise
        for state in states.values():
            self._counters[state.log.id] = state.counter
            self._known[state.log.id] = (state.frontier.size, state.note)
        return [
            item
            if isinstance(item, ValueError)
            else _receipt(item, signatures[item.state.log.tenant_id])
            for item in placed
        ]

    def known_heads(self) -> dict[str, str]:
        """The newest checkpoint this process signed or saw of each log."""
        return {log_id: note for log_id, (_, note) in self._known.items()}

    def sign(self, log: LogRow, text: str) -> str:
        """`text` as a note signed by the log's key. MUST NOT be a checkpoint."""
        return sign_note(text, log.origin, self._keys.get_key(log.id, log.public_key))

    def publish(self, log: LogRow, size: int, note: str) -> None:
        """Remember a checkpoint that leaves this installation, in the head file first."""
        self.heads.advance({log.id: note})
        with self._lock.held():
            self._store.begin()
            try:
                self._store.add_published(log.no, size, note)
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
        counter = self._counters.get(log.id, 0)
        return _State(log, frontier, head.last_us, head.note, counter, signed_size=head.size)

    def _give_birth(self, states: dict[str, _State], tenant_id: str) -> None:
        log_id = os.urandom(16).hex()
        origin = f"{self._installation}/audit/{log_id}"
        key = self._keys.create_key(log_id)
        public = key.public_key().public_bytes_raw()
        empty = sign_note(Checkpoint(origin, 0, EMPTY_ROOT).text, origin, key)
        # before the log exists: a database without it can never be mistaken for the truth later
        self.heads.advance({log_id: empty})
        log = self._store.add_log(log_id, tenant_id, origin, public)
        states[tenant_id] = _State(log, Frontier(), 0, empty, 0)
        born = events.Draft(
            "log.created",
            target={"tenant": tenant_id, "log": log_id},
            change={"origin": origin, "vkey": format_vkey(origin, public)},
        )
        self._place(states, system_entry(tenant_id, born))
        if tenant_id != events.PLATFORM:
            self._place(states, system_entry(events.PLATFORM, events.replace_id(born)))

    def _try_place(self, states: dict[str, _State], entry: Entry) -> _Placed | ValueError:
        try:
            return self._place(states, entry)
        except ValueError as error:
            return error

    def _place(self, states: dict[str, _State], entry: Entry) -> _Placed:
        state = self._state(states, entry.tenant_id)
        record_id = entry.body["id"]
        found = self._store.find_position(state.log.no, record_id)
        if found is not None:
            if found[1] != entry.body["kind"]:
                raise ValueError("audit: this id belongs to another record")
            return _Placed(state, record_id, found[0], found[2])
        self._check_ending(state, entry)
        self._note_step(states, state)
        seq, hashed = self._insert(state, entry.body)
        for value in entry.sealed:
            self._store.add_sealed(state.log.no, record_id, value.name, value.key_id, value.box)
        if entry.body["phase"] == "intent":
            self._store.add_intent(state.log.no, record_id, seq, self._boot.id)
        if "re" in entry.body:
            self._store.end_intent(state.log.no, entry.body["re"])
        return _Placed(state, record_id, seq, hashed)

    def _check_ending(self, state: _State, entry: Entry) -> None:
        if "re" in entry.body and not self._store.has_intent(state.log.no, entry.body["re"]):
            raise NotOpen("audit: no open intent has this id")

    def _note_step(self, states: dict[str, _State], state: _State) -> None:
        now = _now_us()
        if now < state.last_us - _STEP_US:
            change = {"before": format_time(state.last_us), "after": format_time(now)}
            state.last_us = now
            stepped = events.build_body(events.Draft("clock.stepped", change=change))
            self._insert(state, stepped | {"actor": {"type": "system"}, "seen": format_time(now)})

    def _insert(self, state: _State, body: dict[str, Any]) -> tuple[int, bytes]:
        seq, time_us = state.frontier.size, max(_now_us(), state.last_us)
        record = body | {
            "log": state.log.id,
            "seq": seq,
            "time": format_time(time_us),
            "emit": {
                "node": self._node,
                "boot": self._boot.id,
                "worker": self._worker,
                "n": state.counter + 1,
            },
        }
        leaf = encode(record)
        if len(leaf) > MAX_RECORD_BYTES:
            raise ValueError("audit: the record is larger than 8 KiB")
        hashed = leaf_hash(leaf)
        row = RecordRow(seq, time_us, body["kind"], hashed, leaf)
        self._store.add_record(state.log.no, body["id"], row)
        self._store.add_blocks(state.log.no, state.frontier.append(hashed))
        state.counter += 1
        state.last_us = time_us
        return seq, hashed

    def _sign(self, state: _State) -> bytes:
        log = state.log
        if state.frontier.size == state.signed_size:
            return open_note(state.note, log.origin, log.public_key)[1]
        key = self._keys.get_key(log.id, log.public_key)
        root = state.frontier.root()
        checkpoint = Checkpoint(log.origin, state.frontier.size, root)
        state.note = sign_note(checkpoint.text, log.origin, key)
        self._store.put_head(
            log.no,
            HeadRow(state.frontier.size, root, state.frontier.dump(), state.last_us, state.note),
        )
        return open_note(state.note, log.origin, log.public_key)[1]


def system_entry(tenant_id: str, draft: events.Draft) -> Entry:
    """A record that the log makes about itself."""
    body = events.build_body(draft)
    return Entry(tenant_id, body | {"actor": {"type": "system"}, "seen": format_time(_now_us())})


def ending(tenant_id: str, intent: str, reason: str) -> Entry:
    """`chat.unknown` for an intent whose process will never tell how it ended."""
    return system_entry(tenant_id, events.Draft("chat.unknown", re=intent, reason=reason))


def _receipt(placed: _Placed, signature: bytes) -> Receipt:
    frontier = placed.state.frontier
    return Receipt(
        placed.state.log.id,
        placed.seq,
        placed.leaf_hash,
        frontier.size,
        frontier.root(),
        signature,
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
    moment = datetime.fromtimestamp(time_us // 1_000_000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{time_us % 1_000_000:06d}Z"
