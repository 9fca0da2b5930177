"""The one place where logs grow: positions, times, hashes and signed heads in one transaction.

One process writes, under a file lock that it holds for its life; in it, the thread of
`sequencer.py` is the only caller. A commit that failed is never tried again.
"""

import os
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from parvis.audit import events
from parvis.audit.canonical import MAX_RECORD_BYTES, encode_json
from parvis.audit.cosignatures import describe_cosigner, name_cosigner
from parvis.audit.doors import Doors
from parvis.audit.entries import (
    Emitter,
    Entry,
    Placed,
    State,
    build_receipt,
    format_time,
    now_us,
    system_entry,
)
from parvis.audit.figures import Figures
from parvis.audit.files import LockFile, make_private_folder
from parvis.audit.log_keys import Boot, LogKeys, open_heads
from parvis.audit.notes import Checkpoint, format_vkey, read_signature, sign_note
from parvis.audit.receipts import Receipt
from parvis.audit.rows import HeadRow, LogRow, Position, RecordRow
from parvis.audit.start_check import LogInconsistent, find_broken
from parvis.audit.states import load_state
from parvis.audit.store import Occupied
from parvis.audit.stores import open_store
from parvis.audit.tree import EMPTY_ROOT, Frontier, leaf_hash
from parvis.keystore import SealBroken

_STEP_US = 60_000_000  # a clock that falls back further gets a record of its own


class NotOpen(ValueError):
    """An ending for an intent that is not there, or has its ending."""


class LogStopped(Exception):
    """This agency's log takes nothing now: it is closed, or not what was signed. Others go on."""


Birth = Callable[[LogRow, dict[str, str]], list[Entry]]
"""The first records of a new log, given how they name its ML-DSA-44 key."""
Value = TypeVar("Value")


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
        heads_dir: Path | None = None,
        doors: Doors | None = None,
        repairs: bool = False,
    ) -> None:
        """With `repairs` it opens although the platform's log does not fit: to be rolled back."""
        make_private_folder(folder)
        if doors is not None:
            doors.prepare()
        self.installation = installation
        self.keys = LogKeys(folder / "keys", root_key)
        self._node = events.clean_word(socket.gethostname()) or "node"
        self._counters: dict[tuple[int, str], int] = {}
        self._known: dict[str, tuple[int, str]] = {}
        self._usage: dict[str, int] = {}
        self.figures = Figures()
        self.retired: list[tuple[LogRow, bytes]] = []  # `turns.record_retired` tells of them
        with ExitStack() as undo:
            self._lock = LockFile(folder / "writer.lock")
            undo.callback(self._lock.close)
            if not self._lock.try_take():
                raise Occupied("another sequencer writes these logs")
            self.heads = open_heads(folder, heads_dir)
            undo.callback(self.heads.close)
            self.store = open_store(folder, database_url)
            undo.callback(self.store.close)
            self.look_again()
            if events.PLATFORM in self.stopped and not repairs:
                raise LogInconsistent(self.stopped[events.PLATFORM])
            doors = doors or Doors(folder)
            self._boot = Boot(doors.boots, group_too=doors.shared)
            undo.pop_all()
        self.emitter = Emitter(self._boot.id, events.clean_word(f"{worker}.{os.getpid()}"))

    @staticmethod
    def clock() -> int:
        """The time by which pruning is judged (microseconds since 1970)."""
        return now_us()

    def is_alive(self, boot: str) -> bool:
        """True while the process of that life is there."""
        return self._boot.is_alive(boot)

    def knows(self, emitter: Emitter) -> bool:
        """True when this life has records in the platform's log."""
        log = self.store.find_log(events.PLATFORM)
        return log is not None and self._count(log, emitter.boot) > 0

    def forget(self, boot: str) -> None:
        """Drop what was kept for a life that has ended."""
        with self.transaction():
            self.store.forget_emitter(boot)
        for key in [key for key in self._counters if key[1] == boot]:
            del self._counters[key]

    def list_orphans(self) -> list[tuple[str, str]]:
        """(tenant, id) of the intents whose process is dead."""
        found = [
            (tenant, intent)
            for tenant, intent, boot in self.store.list_intents()
            if tenant not in self.stopped and not self.is_alive(boot)
        ]
        self._boot.forget_dead()
        return found

    def list_tenants(self) -> list[str]:
        """Every agency that has a log, and `platform`."""
        closed = self.store.list_closed()
        return [
            log.tenant_id
            for log in self.store.list_logs()
            if log.tenant_id not in self.stopped and log.id not in closed
        ]

    def require_going(self, tenant_id: str, log_id: str = "") -> None:
        """Raises LogStopped when the agency's log takes nothing, or is not the one that is meant.

        Costs nothing where no log was ever closed.
        """
        if tenant_id in self.stopped:
            raise LogStopped(self.stopped[tenant_id])
        if self.closed and (log := self.store.find_log(tenant_id)) is not None:
            if log.id in self.closed:
                raise LogStopped("the agency's log is closed")
            if log_id not in ("", log.id):
                raise LogStopped("another log has taken this one's place")

    def usage(self, tenant_id: str) -> int:
        """Bytes of records and sealed values that the agency's log keeps."""
        if tenant_id not in self._usage:
            log = self.store.find_log(tenant_id)
            self._usage[tenant_id] = self.store.find_usage(log.no) if log else 0
        return self._usage[tenant_id]

    def get_log(self, tenant_id: str) -> LogRow:
        """The agency's log, born now if it has none."""
        found = self.store.find_log(tenant_id)
        if found is None:
            self.require_going(tenant_id)
            self.grow(lambda states: self.open_state(states, tenant_id))
            found = self.store.find_log(tenant_id)
        if found is None:
            raise LogInconsistent("a log was made and is not there")
        return found

    def commit(self, entries: Sequence[Entry]) -> list[Receipt | ValueError]:
        """Append all of them durably; an entry that cannot be a record gives its ValueError."""

        def place(states: dict[str, State]) -> list[Placed | ValueError]:
            self._look_up(states, entries)
            return [self._try_place(states, entry) for entry in entries]

        begun = time.perf_counter()
        placed = self.grow(place)
        self.figures.note_commit(len(placed), time.perf_counter() - begun)
        return [item if isinstance(item, ValueError) else build_receipt(item) for item in placed]

    def grow(self, work: Callable[[dict[str, State]], Value]) -> Value:
        """What `work` gives; all that it places becomes durable and signed in one transaction."""
        self.store.begin()
        try:
            states: dict[str, State] = {}
            result = work(states)
            for state in states.values():
                self._sign(state)
                state.stored = self.store.write(state.log.no, state.change)
            self.store.commit()
        except BaseException:
            self._counters.clear()
            self.store.rollback()
            raise
        for tenant_id, state in states.items():
            self._known[state.log.id] = (state.frontier.size, state.note)
            if tenant_id in self._usage:
                self._usage[tenant_id] += state.stored
        return result

    def known_heads(self) -> dict[str, str]:
        """The newest checkpoint this process signed or saw of each log."""
        return {log_id: note for log_id, (_, note) in self._known.items()}

    def look_again(self) -> None:
        """See which logs can be continued, and finish changes of keys that were interrupted."""
        self.stopped = find_broken(self.store, self.heads)
        closed = self.closed = self.store.list_closed()
        for log in self.store.list_all_logs():
            if log.tenant_id in self.stopped or log.id in closed:
                continue
            try:
                self.retire_keys(log)
            except SealBroken as error:
                self.stopped[log.tenant_id] = str(error)

    def retire_keys(self, log: LogRow) -> None:
        """Destroy the log's earlier keys; those that it signed with are to be recorded."""
        signed = {key.public_key for key in self.store.list_keys(log.no)}
        gone = self.keys.retire_others(log.id, log.public_key, signed)
        self.retired += [(log, public) for public in gone]

    def forget_usage(self, tenant_id: str) -> None:
        """Something of the agency's log goes: what it keeps is to be counted anew."""
        self._usage.pop(tenant_id, None)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """What is done inside is durable after it, or not there at all."""
        self.store.begin()
        try:
            yield
            self.store.commit()
        except BaseException:
            self.store.rollback()
            raise

    def close(self) -> None:
        """Release files and locks."""
        self.store.close()
        self._boot.close()
        self.heads.close()
        self._lock.close()

    def open_state(self, states: dict[str, State], tenant_id: str) -> State:
        """The agency's log in this transaction, born now if it has none."""
        if tenant_id not in states:
            log = self.store.find_log(tenant_id)
            if log is None:
                self.give_birth(states, tenant_id)
            else:
                known = self._known.get(log.id, (0, ""))
                states[tenant_id] = load_state(self.store, log, known)
        return states[tenant_id]

    def give_birth(
        self, states: dict[str, State], tenant_id: str, begin: Birth | None = None
    ) -> State:
        """A new log; its first record, and the platform's about it, are `begin`'s if given."""
        self.forget_usage(tenant_id)
        log_id = os.urandom(16).hex()
        origin = f"{self.installation}/audit/{log_id}"
        key = self.keys.create_key(log_id)
        public = key.public_key().public_bytes_raw()
        empty = sign_note(Checkpoint(origin, 0, EMPTY_ROOT).text, origin, key)
        # before the log exists: a database without it can never be mistaken for the truth later
        self.heads.advance({log_id: empty})
        log = self.store.add_log(log_id, tenant_id, origin, public)
        named = self.add_cosigner(log, key)
        state = states[tenant_id] = State(log, Frontier(), 0, empty)
        for entry in (begin or _born)(log, named):
            self.place(states, entry)
        return state

    def add_cosigner(self, log: LogRow, key: Ed25519PrivateKey) -> dict[str, str]:
        """Keep the ML-DSA-44 verifier key that goes with a new key; gives how records name it."""
        vkey = name_cosigner(log.origin, key)
        if vkey:
            self.store.add_cosigner(log.no, key.public_key().public_bytes_raw(), vkey)
        return describe_cosigner(vkey)

    def _look_up(self, states: dict[str, State], entries: Sequence[Entry]) -> None:
        """What the database knows of the batch's ids and intents, in two queries a log."""
        by_tenant: dict[str, list[Entry]] = {}
        for entry in entries:
            by_tenant.setdefault(entry.tenant_id, []).append(entry)
        for tenant_id, own in by_tenant.items():
            state = self.open_state(states, tenant_id)
            ids = [entry.body["id"] for entry in own]
            state.found |= self.store.find_positions(state.log.no, ids)
            intents = [entry.body["re"] for entry in own if "re" in entry.body]
            state.open |= self.store.find_intents(state.log.no, intents)

    def _try_place(self, states: dict[str, State], entry: Entry) -> Placed | ValueError:
        try:
            return self.place(states, entry)
        except ValueError as error:
            return error

    def place(self, states: dict[str, State], entry: Entry) -> Placed:
        state = self.open_state(states, entry.tenant_id)
        body, change = entry.body, state.change
        found = state.found.get(body["id"])
        if found is not None:
            if found.kind != body["kind"]:
                raise ValueError("audit: this id belongs to another record")
            return Placed(state, body["id"], found.seq, found.hash)
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
        return Placed(state, body["id"], seq, hashed)

    def _note_step(self, state: State) -> None:
        now = now_us()
        if now < state.last_us - _STEP_US:
            change = {"before": format_time(state.last_us), "after": format_time(now)}
            state.last_us = now
            stepped = system_entry("", events.Draft("clock.stepped", change=change))
            self._insert(state, stepped.body, self.emitter)

    def _insert(self, state: State, body: dict[str, Any], emitter: Emitter) -> tuple[int, bytes]:
        seq, time_us = state.frontier.size, max(now_us(), state.last_us)
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
        return self.store.find_emitted(log.no, boot) if count is None else count

    def _sign(self, state: State) -> None:
        log, frontier = state.log, state.frontier
        state.root = frontier.root()
        if frontier.size > state.signed_size:
            key = self.keys.get_key(log.id, log.public_key)
            checkpoint = Checkpoint(log.origin, frontier.size, state.root)
            state.note = sign_note(checkpoint.text, log.origin, key)
            state.change.head = HeadRow(
                frontier.size, state.root, frontier.dump(), state.last_us, state.note
            )
        state.signature = read_signature(state.note)


def _born(log: LogRow, named: dict[str, str]) -> list[Entry]:
    """Record 0 of an ordinary log, and what the platform log says of it."""
    born = events.Draft(
        "log.created",
        target={"tenant": log.tenant_id, "log": log.id},
        change={"origin": log.origin, "vkey": format_vkey(log.origin, log.public_key), **named},
    )
    entries = [system_entry(log.tenant_id, born)]
    if log.tenant_id != events.PLATFORM:
        entries.append(system_entry(events.PLATFORM, events.replace_id(born)))
    return entries
