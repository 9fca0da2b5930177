"""The audit log as the rest of the house uses it: append, wait, read.

Records are built and sealed here, in the process that acts; the sequencer alone lets the logs grow.
Where none runs, a process that holds the root key runs one itself, in a thread: the same code.
Whatever goes wrong ends in AuditUnavailable: the caller MUST then not act.
"""

import logging
import os
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from parvis.audit import events
from parvis.audit.building import build_actor, build_acts, build_entry
from parvis.audit.canonical import MAX_RECORD_BYTES
from parvis.audit.client import Client
from parvis.audit.debts import Debts
from parvis.audit.dialler import Dialler, begin_life
from parvis.audit.doors import Doors
from parvis.audit.entries import Emitter, Entry, ending
from parvis.audit.events import Actor, Draft
from parvis.audit.faults import describe_fault
from parvis.audit.files import make_private_folder
from parvis.audit.pending import Pending
from parvis.audit.reader import AuditReader
from parvis.audit.readings import LogHead
from parvis.audit.receipts import Receipt
from parvis.audit.room import FLOOR_BYTES, Room
from parvis.audit.rows import LogRow
from parvis.audit.sequencer import Limits, is_reserved
from parvis.audit.server import Server
from parvis.audit.store import Store
from parvis.audit.stores import open_store
from parvis.audit.writer import LogStopped
from parvis.errors import AuditUnavailable
from parvis.keystore import KeyStore, KeysUnavailable, SealBroken

log = logging.getLogger(__name__)

_ROOM_FOR_POSITION = 700  # what the writer adds: log, seq, time, emit
_CALL_S = 10.0
_LONG_S = 600.0
_CONNECT_S = 2.0
_KEYS = 200  # whose values go in one transaction: records wait meanwhile
_READERS_S = 10.0
_READERS_POLL_S = 0.2


class AuditLog:
    """Every log of one installation, for one process. MUST be made after a fork; thread-safe.

    Without `root_key` it never writes itself: it waits for a sequencer to be there.
    """

    def __init__(
        self,
        audit_dir: Path,
        installation: str,
        root_key: bytes | None,
        keystore: KeyStore,
        *,
        worker: str,
        floor_bytes: int = FLOOR_BYTES,
        limits: Limits | None = None,
        database_url: str = "",
        heads_dir: Path | None = None,
        doors: Doors | None = None,
    ) -> None:
        self._dir = audit_dir
        self._doors = doors or Doors(audit_dir)
        self.stopped: dict[str, str] = {}
        self._keystore = keystore
        self._database_url = database_url
        self._pid = os.getpid()
        self._logs: dict[str, LogRow] = {}
        self._debts = Debts(self.submit, self._submit_ending)
        self._closing = False
        self._room = Room(audit_dir, floor_bytes)
        self._reader: AuditReader | None = None
        self._guard = threading.Lock()
        make_private_folder(audit_dir)
        self._boot = begin_life(self._doors)
        name = events.clean_word(f"{worker}.{self._pid}")
        self._emitter = Emitter(self._boot.id, name)
        lead = None
        if root_key is not None and self._doors.may_lead:
            lead = partial(
                Server,
                audit_dir,
                installation,
                root_key,
                worker=name,
                limits=limits,
                database_url=database_url,
                heads_dir=heads_dir,
                doors=self._doors,
            )
        self._dialler = Dialler(self._doors, lead)
        dial_first, dial = self._dialler.dial_first, self._dialler.dial
        try:
            self._client = Client(dial_first, dial, self._emitter, self._end_left)
        except BaseException:
            self._boot.close()
            raise

    def append(self, tenant_id: str, draft: Draft, timeout_s: float = 2.0) -> Receipt:
        """The receipt of a durable record; raises AuditUnavailable, ValueError (wrong draft).

        An intent whose ending could not be written is ended as `chat.unknown` when one can be.
        """
        try:
            receipt = self.wait(self.submit(tenant_id, draft), timeout_s)
        except AuditUnavailable:
            if draft.re is not None:
                self._debts.add_unended(tenant_id, draft.re)
            raise
        self._debts.pay()
        return receipt

    def append_late(self, tenant_id: str, draft: Draft, timeout_s: float = 2.0) -> None:
        """Record what nobody may be kept from: leaving. Raises ValueError (wrong draft).

        Where it cannot be written now it is, with the reason `late`, behind the next record of this
        process that can. It is lost with the process, so nothing else may be recorded this way.
        """
        try:
            self.append(tenant_id, draft, timeout_s)
        except AuditUnavailable:
            log.warning("audit.late")
            self._debts.add_late(tenant_id, draft)

    def submit(self, tenant_id: str, draft: Draft) -> Pending[Receipt]:
        """Hand the record over; what is given (see `wait`) ends when it is durable."""
        self.require_writable(draft.kind)
        try:
            entry = self._build(tenant_id, draft)
        except (OSError, KeysUnavailable, SealBroken) as error:
            log.error("audit.failed", extra={"fault": describe_fault(error)})
            raise AuditUnavailable() from error
        encoded = orjson.dumps(entry.body)  # the sequencer writes the canonical form
        if len(encoded) > MAX_RECORD_BYTES - _ROOM_FOR_POSITION:
            raise ValueError("audit: the record is larger than 8 KiB")
        return self._client.submit(entry, encoded)

    def wait(self, pending: Pending[Receipt], timeout_s: float) -> Receipt:
        """The receipt of a submitted record; raises AuditUnavailable after `timeout_s`.

        An intent that becomes durable after its caller went away is ended as `chat.unknown`.
        """
        try:
            return pending.result(timeout_s)
        except AuditUnavailable as error:
            if isinstance(error.__cause__, LogStopped):
                self._logs.clear()  # another log may have taken its place
            raise
        except TimeoutError:
            self._client.leave(pending)
            raise AuditUnavailable(retry_after=1) from None

    def require_writable(self, kind: str = "") -> None:
        """Raises AuditUnavailable when nothing (of this kind) can be written now."""
        if self._closing or os.getpid() != self._pid:
            raise AuditUnavailable()
        self._client.require_open()
        # endings and the log's own affairs use the room that is kept for them
        if not is_reserved(kind):
            self._room.require()

    def check_ready(self, tenant_id: str) -> None:
        """Raises AuditUnavailable when a chat of this agency could not be recorded now."""
        self.require_writable("chat.started")
        self.stopped = dict(self._call("ready", timeout_s=_CONNECT_S))
        if tenant_id in self.stopped:
            raise AuditUnavailable()
        self.get_log(tenant_id)

    def ask_heads(self) -> dict[str, str]:
        """Log id -> newest signed head that the writer keeps elsewhere. Raises AuditUnavailable."""
        found: dict[str, str] = self._call("heads")
        return found

    def ask_figures(self) -> dict[str, Any]:
        """What the writer counted since it began (`figures.py`). Raises AuditUnavailable."""
        found: dict[str, Any] = self._call("figures", timeout_s=_CONNECT_S)
        return found

    @property
    def floor_bytes(self) -> int:
        """Free bytes of the disk below which new work is refused."""
        return self._room.floor_bytes

    @property
    def fault(self) -> str:
        """Why the logs take nothing, in words for operators; empty when they do."""
        return self._dialler.fault

    def close(self) -> None:
        """Write what was handed over, keep the heads, release everything."""
        if self._closing or os.getpid() != self._pid:
            return
        self._debts.pay()
        self._closing = True
        self._dialler.lead_no_more()
        self._client.close()
        self._boot.close()
        self._dialler.close()
        if self._reader is not None:
            self._reader.close()

    def _end_left(self, intent: Entry) -> None:
        """Its caller went away before it was durable, so nothing followed."""
        try:
            self._submit_ending(intent.tenant_id, intent.body["id"], "caller_gone")
        except AuditUnavailable:
            log.warning("audit.intent_left_open")

    def _submit_ending(self, tenant_id: str, intent: str, reason: str) -> None:
        left = ending(tenant_id, intent, reason)
        self._client.submit(left, orjson.dumps(left.body))

    def _call(self, name: str, *arguments: Any, timeout_s: float = _CALL_S) -> Any:
        if self._closing or os.getpid() != self._pid:
            raise AuditUnavailable()
        return self._client.call(name, *arguments, timeout_s=timeout_s)

    def _ask(self, name: str, *arguments: Any, timeout_s: float = _CALL_S) -> Any:
        """A call of an operator, on a line of its own. Raises AuditUnavailable, ValueError."""
        self._call("ready", timeout_s=timeout_s)  # a sequencer runs, here if nowhere else
        line = self._dialler.dial_operators()
        if line is None:
            raise AuditUnavailable(
                "The operators' door of the sequencer cannot be reached: "
                "run this where its keys can be seen, or in the operators' group."
            )
        again = self._dialler.dial_operators
        client = Client(lambda: line, again, self._emitter, self._end_left)
        try:
            return client.call(name, *arguments, timeout_s=timeout_s)
        finally:
            client.close()

    def get_log(self, tenant_id: str) -> LogRow:
        """The agency's log; born at its first use."""
        found = self._logs.get(tenant_id)
        if found is None:
            no, log_id, name, origin, key = self._call("log", tenant_id)
            found = LogRow(no, log_id, name, origin, bytes.fromhex(key))
            self._logs[tenant_id] = found
        return found

    @property
    def folder(self) -> Path:
        """Where the logs lie."""
        return self._dir

    @property
    def reader(self) -> AuditReader:
        """What is committed, for reading."""
        with self._guard:
            if self._reader is None:
                self._reader = AuditReader(self._dir, self._database_url)
            return self._reader

    def open_reading(self) -> Store:
        """A read-only connection of the caller's own. Raises StoreFault, StoreUnsafe."""
        return open_store(self._dir, self._database_url, read_only=True)

    def publish_head(self, tenant_id: str) -> LogHead:
        """The agency's signed head, remembered as one that left the house; raises NotFound."""
        head = self.reader.get_head(tenant_id)
        try:
            note = str(self._call("publish", tenant_id, head.size, head.note))
        except ValueError as error:  # what is stored is not what the log signed
            raise AuditUnavailable() from error
        return replace(head, note=note)

    def thin_published(self, tenant_id: str, vouched: Iterable[int]) -> int:
        """Forget what exports leave out of the heads that left the house; gives how many.

        `vouched` are the sizes that others signed or stamped: those stay.
        """
        return int(self._call("thin", tenant_id, sorted(vouched), timeout_s=_LONG_S))

    def sign_note(self, tenant_id: str, text: str, log_id: str = "") -> str:
        """`text` signed by the agency's log, or the older one of this id.

        ValueError for a checkpoint's text.
        """
        return str(self._call("sign", tenant_id, text, log_id))

    def delete_sealed(self, tenant_id: str, *key_ids: str) -> int:
        """Delete every sealed value under these data keys, to the last byte; gives how many.

        Raises AuditUnavailable while somebody still reads what was deleted: call it again then,
        also without keys.
        """
        parts = [key_ids[at : at + _KEYS] for at in range(0, len(key_ids), _KEYS)]
        asked = [self._call("delete_sealed", tenant_id, one, timeout_s=_LONG_S) for one in parts]
        self._wipe()
        return sum(map(int, asked))

    def _wipe(self) -> None:
        """Waits for readers here: where the sequencer waited, all records would wait with it."""
        deadline = time.monotonic() + _READERS_S
        while not self._call("wipe", timeout_s=_LONG_S):
            if time.monotonic() > deadline:
                raise AuditUnavailable(
                    "Somebody reads what was deleted, an export perhaps: do it again after that.",
                    retry_after=30,
                )
            time.sleep(_READERS_POLL_S)

    def list_key_ids(self, tenant_id: str) -> frozenset[str]:
        """Ids of the data keys that live: what is sealed under another can never be opened."""
        return self._keystore.list_ids(tenant_id)

    def prune(self, tenant_id: str, end_seq: int, log_id: str = "") -> int:
        """Drop records below `end_seq` (whole bundles of 256), keep their hashes.

        `log_id` names a log of the agency that ended; of that, everything may go. Gives the minimum
        index that holds now; it only grows. Raises ValueError for a position beyond the log or
        records that are not old enough, AuditUnavailable.
        """
        minimum = int(self._ask("prune", tenant_id, end_seq, log_id, timeout_s=_LONG_S))
        self._wipe()
        return minimum

    def rotate_key(self, tenant_id: str, ground: str, actor: Actor) -> str:
        """Give the log a new key; gives its verifier key. Raises ValueError, AuditUnavailable."""
        return str(self._ask("rotate", tenant_id, ground, self._act(tenant_id, actor)))

    def declare_compromised(
        self, tenant_id: str, since: int, ground: str, actor: Actor
    ) -> tuple[str, str]:
        """Change the key; the one that signed after size `since` counts as compromised.

        Gives the verifier keys of both, the new one last. Raises ValueError, AuditUnavailable.
        """
        act = self._act(tenant_id, actor)
        bad, new = self._ask("compromise", tenant_id, since, ground, act)
        return str(bad), str(new)

    def close_log(
        self, tenant_id: str, actor: Actor, *, sealed_days: int, audit_days: int
    ) -> tuple[str, int]:
        """End the agency's log for good; gives its origin and size. As `rotate_key`.

        The agency's limits (days) are kept: by them goes what is left, though its file is gone.
        """
        act = self._act(tenant_id, actor)
        origin, size = self._ask("close", tenant_id, act, sealed_days, audit_days)
        self._logs.clear()
        return str(origin), int(size)

    def roll_back(
        self, wanted: Sequence[tuple[str, str]], ground: str, actor: Actor, reviewer: Actor
    ) -> list[Sequence[str]]:
        """Begin new logs in the place of those (agency, log id) that cannot be continued.

        Gives (agency, new verifier key) of each. Raises ValueError, AuditUnavailable.
        """
        tenants = [tenant_id for tenant_id, _ in wanted]
        acts = build_acts(self._keystore, tenants, actor, reviewer)
        found: list[Sequence[str]] = self._ask("roll_back", wanted, ground, acts)
        self._logs.clear()
        return found

    def _act(self, tenant_id: str, actor: Actor) -> dict[str, Any]:
        own = build_actor(self._keystore, tenant_id, actor)
        return {"own": own, "platform": build_actor(self._keystore, events.PLATFORM, actor)}

    def _build(self, tenant_id: str, draft: Draft) -> Entry:
        body = events.build_body(draft)  # first: no log is born for a wrong draft
        return build_entry(self._keystore, self.get_log(tenant_id), draft, body)
