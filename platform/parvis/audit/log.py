"""The audit log as the rest of the house uses it: append, wait, read.

Each process has one batcher thread: while one commit syncs, the queue fills, and the next commit
takes all of it. Whatever goes wrong ends in AuditUnavailable: the caller MUST then not act.
"""

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import CancelledError, Future
from pathlib import Path
from typing import Any

from parvis.audit import events
from parvis.audit.canonical import MAX_RECORD_BYTES, encode
from parvis.audit.events import Draft, KeyRef
from parvis.audit.reader import AuditReader, LogHead
from parvis.audit.receipts import Receipt
from parvis.audit.sealing import SealedValue, pseudonym, seal_value
from parvis.audit.store import LogRow, StoreBusy, StoreFault, StoreUnsafe
from parvis.audit.writer import Entry, LogInconsistent, NotOpen, Writer, ending, format_time
from parvis.errors import AuditUnavailable
from parvis.keystore import DataKey, KeyStore, SealBroken

log = logging.getLogger(__name__)

_MAX_QUEUE = 10_000
_MAX_QUEUE_BYTES = 16 * 1024 * 1024
_BATCH = 1000
_HEADS_EVERY_S = 1.0
_ROOM_FOR_POSITION = 700  # what the writer adds: log, seq, time, emit
_BIRTH_WAIT_S = 2.0
FLOOR_BYTES = 1 << 30


class Pending(Future[Receipt]):
    """A receipt that is not there yet; `abandoned` when nobody waits any more."""

    abandoned = False


class AuditLog:
    """Every log of one installation, for one process. MUST be made after a fork; thread-safe."""

    def __init__(
        self,
        audit_dir: Path,
        installation: str,
        root_key: bytes,
        keystore: KeyStore,
        *,
        worker: str,
        floor_bytes: int = FLOOR_BYTES,
    ) -> None:
        self._dir = audit_dir
        self._keystore = keystore
        self._floor = floor_bytes
        self._pid = os.getpid()
        self._logs: dict[str, LogRow] = {}
        self._queue: deque[tuple[Entry, Pending, int]] = deque()
        self._queued_bytes = 0
        self._wake = threading.Condition()
        self._fault = ""
        self._closing = False
        self._disk = (0.0, 0)
        self._writer: Writer | None = None
        self._reader: AuditReader | None = None
        try:
            self._writer = Writer(audit_dir, installation, root_key, worker=worker)
            self._writer.open_life()
        except (StoreFault, OSError, LogInconsistent, StoreUnsafe, SealBroken) as error:
            if self._writer is not None:
                self._writer.close()
            log.critical("audit.refused", extra={"fault": _words(error)})
            raise AuditUnavailable(f"The audit log cannot be opened: {_words(error)}.") from error
        self._thread = threading.Thread(target=self._run, name="audit-batcher", daemon=True)
        self._thread.start()

    def append(self, tenant_id: str, draft: Draft, timeout_s: float = 2.0) -> Receipt:
        """The receipt of a durable record; raises AuditUnavailable, ValueError (wrong draft)."""
        return self.wait(self.submit(tenant_id, draft), timeout_s)

    def submit(self, tenant_id: str, draft: Draft) -> Future[Receipt]:
        """Hand the record over; the future (see `wait`) ends when it is durable."""
        self.require_writable(draft.kind)
        try:
            entry = self._build(tenant_id, draft)
        except (StoreFault, OSError, SealBroken, LogInconsistent, TimeoutError) as error:
            self._note_fault(error)
            raise AuditUnavailable() from error
        size = len(encode(entry.body))
        if size > MAX_RECORD_BYTES - _ROOM_FOR_POSITION:
            raise ValueError("audit: the record is larger than 8 KiB")
        return self._enqueue(entry, size + sum(len(value.box) for value in entry.sealed))

    def wait(self, future: Future[Receipt], timeout_s: float) -> Receipt:
        """The receipt of a submitted record; raises AuditUnavailable after `timeout_s`.

        An intent that becomes durable after its caller went away is ended as `chat.unknown`.
        """
        try:
            return future.result(timeout_s)
        except TimeoutError:
            if isinstance(future, Pending) and not future.cancel():
                future.abandoned = True
            raise AuditUnavailable(retry_after=1) from None
        except CancelledError:
            raise AuditUnavailable(retry_after=1) from None

    def require_writable(self, kind: str = "") -> None:
        """Raises AuditUnavailable when nothing (of this kind) can be written now."""
        if self._fault or self._closing or os.getpid() != self._pid:
            raise AuditUnavailable()
        # endings and the log's own affairs use the room that is kept for them
        known = events.KINDS.get(kind)
        reserved = known is not None and known.phases == ("result",)
        if not reserved and not kind.startswith(("admin.", "key.", "log.")):
            self._require_room()

    def check_ready(self, tenant_id: str) -> None:
        """Raises AuditUnavailable when a chat of this agency could not be recorded now."""
        self.require_writable("chat.started")
        try:
            self.get_log(tenant_id)
        except (StoreFault, OSError, SealBroken, LogInconsistent, TimeoutError) as error:
            self._note_fault(error)
            raise AuditUnavailable() from error

    def close(self) -> None:
        """Write what is queued, keep the heads, release everything."""
        with self._wake:
            if self._closing:
                return
            self._closing = True
            self._wake.notify_all()
        if os.getpid() != self._pid or self._writer is None:
            return
        self._thread.join()
        self._writer.close()
        if self._reader is not None:
            self._reader.close()

    def _require_room(self) -> None:
        checked, free = self._disk
        if time.monotonic() - checked > 1 or not checked:
            stat = os.statvfs(self._dir)
            free = stat.f_bavail * stat.f_frsize
            self._disk = (time.monotonic(), free)
        if free < self._floor:
            raise AuditUnavailable(retry_after=30)

    def _open_writer(self) -> Writer:
        if self._writer is None:
            raise AuditUnavailable()
        return self._writer

    def get_log(self, tenant_id: str) -> LogRow:
        """The agency's log; born at its first use."""
        found = self._logs.get(tenant_id)
        if found is None:
            found = self._open_writer().get_log(tenant_id, _BIRTH_WAIT_S)
            self._logs[tenant_id] = found
        return found

    @property
    def folder(self) -> Path:
        """Where the logs lie."""
        return self._dir

    @property
    def reader(self) -> AuditReader:
        """What is committed, for reading."""
        with self._wake:
            if self._reader is None:
                self._reader = AuditReader(self._dir)
            return self._reader

    def publish_head(self, tenant_id: str) -> LogHead:
        """The agency's signed head, remembered as one that left the house; raises NotFound."""
        head = self.reader.get_head(tenant_id)
        try:
            self._open_writer().publish(self.get_log(tenant_id), head.size, head.note)
        except (StoreFault, OSError, ValueError, TimeoutError) as error:
            self._note_fault(error)
            raise AuditUnavailable() from error
        return head

    def sign_note(self, tenant_id: str, text: str) -> str:
        """`text` signed by the agency's log. MUST NOT be a checkpoint."""
        try:
            return self._open_writer().sign(self.get_log(tenant_id), text)
        except (SealBroken, OSError) as error:
            raise AuditUnavailable() from error

    def delete_sealed(self, tenant_id: str, key_id: str) -> int:
        """Delete every sealed value under this data key, to the last byte; gives how many.

        Raises AuditUnavailable while somebody still reads what was deleted: call it again then.
        """
        try:
            return self._open_writer().delete_sealed(self.get_log(tenant_id), key_id)
        except (StoreFault, OSError, LogInconsistent, TimeoutError) as error:
            self._note_fault(error)
            raise AuditUnavailable() from error

    def prune(self, tenant_id: str, end_seq: int) -> int:
        """Drop records below `end_seq` (whole bundles of 256), keep their hashes.

        Gives the minimum index that holds now; it only grows. Raises ValueError for a position
        beyond the log, AuditUnavailable.
        """
        try:
            return self._open_writer().prune(self.get_log(tenant_id), end_seq)
        except (StoreFault, OSError, LogInconsistent, TimeoutError) as error:
            self._note_fault(error)
            raise AuditUnavailable() from error

    def _build(self, tenant_id: str, draft: Draft) -> Entry:
        body = events.build_body(draft)
        log_id = self.get_log(tenant_id).id
        seen = format_time(time.time_ns() // 1000)
        body["seen"] = seen
        subject = draft.actor.subject
        own_key = self._keystore.get_key(tenant_id, "subject", subject) if subject else None
        body["actor"] = _actor_block(draft, own_key, seen[:7])
        sealed = self._seal(tenant_id, log_id, draft, seen[:10])
        if sealed:
            body["seal"] = {value.name: value.entry for value in sealed}
        return Entry(tenant_id, body, sealed)

    def _seal(self, tenant_id: str, log_id: str, draft: Draft, day: str) -> list[SealedValue]:
        sealed = []
        own = KeyRef("subject", draft.actor.subject) if draft.actor.subject else None
        if draft.actor.type == "person" and own is not None:
            key, subject = self._day_key(tenant_id, own, day), own.ref.encode()
            sealed.append(seal_value(key, log_id, draft.id, "user", subject))
        if draft.sealed:
            chosen = draft.seal_key or own
            if chosen is None or "user" in draft.sealed:
                raise ValueError("audit: sealed values need a key, and `user` is set by the log")
            key = self._day_key(tenant_id, chosen, day)
            for name, value in draft.sealed.items():
                sealed.append(seal_value(key, log_id, draft.id, name, value))
        return sealed

    def _day_key(self, tenant_id: str, wanted: KeyRef, day: str) -> DataKey:
        if wanted.kind == "request":
            return self._keystore.take_request_key(tenant_id, day)
        return self._keystore.get_day_key(tenant_id, f"audit-{wanted.kind}", day, wanted.ref)

    def _enqueue(self, entry: Entry, size: int) -> Pending:
        future = Pending()
        with self._wake:
            if self._fault or self._closing:
                raise AuditUnavailable()
            full = len(self._queue) >= _MAX_QUEUE or (
                self._queue and self._queued_bytes + size > _MAX_QUEUE_BYTES
            )
            if full:
                raise AuditUnavailable(retry_after=1)
            self._queue.append((entry, future, size))
            self._queued_bytes += size
            self._wake.notify()
        return future

    def _run(self) -> None:
        kept, dirty = time.monotonic(), True
        while True:
            batch = self._take(_HEADS_EVERY_S if dirty else None)
            if batch is None:
                break
            if batch:
                self._write(batch)
                dirty = True
            if dirty and time.monotonic() - kept >= _HEADS_EVERY_S:
                self._keep_heads()
                kept, dirty = time.monotonic(), False
        self._keep_heads()

    def _take(self, wait_s: float | None) -> list[tuple[Entry, Pending]] | None:
        """What is queued; nothing after `wait_s`; None when the log closes and all is written."""
        with self._wake:
            self._wake.wait_for(lambda: self._queue or self._closing, wait_s)
            if not self._queue:
                return None if self._closing else []
            batch: list[tuple[Entry, Pending]] = []
            while self._queue and len(batch) < _BATCH:
                entry, future, size = self._queue.popleft()
                self._queued_bytes -= size
                if future.set_running_or_notify_cancel():
                    batch.append((entry, future))
            return batch

    def _write(self, batch: Sequence[tuple[Entry, Pending]]) -> None:
        try:
            if self._fault:
                raise LogInconsistent(self._fault)
            results = self._open_writer().commit([entry for entry, _ in batch])
        except Exception as error:
            self._note_fault(error)
            for _, future in batch:
                unavailable = AuditUnavailable()
                unavailable.__cause__ = error
                future.set_exception(unavailable)
            return
        for (entry, future), result in zip(batch, results, strict=True):
            if isinstance(result, NotOpen):  # its intent could not be written: neither is this
                unavailable = AuditUnavailable()
                unavailable.__cause__ = result
                future.set_exception(unavailable)
                continue
            if isinstance(result, ValueError):
                future.set_exception(result)
                continue
            future.set_result(result)
            if future.abandoned and entry.body["phase"] == "intent":
                self._end_abandoned(entry)

    def _end_abandoned(self, entry: Entry) -> None:
        with self._wake:
            closing = ending(entry.tenant_id, entry.body["id"], "caller_gone")
            self._queue.append((closing, Pending(), 0))

    def _keep_heads(self) -> None:
        try:
            writer = self._open_writer()
            writer.heads.advance(writer.known_heads())
        except (OSError, ValueError) as error:
            self._note_fault(error)

    def _note_fault(self, error: Exception) -> None:
        """After an error of the disk or of the log itself nothing is tried again here."""
        log.error("audit.failed", extra={"fault": _words(error)})
        passing = (StoreBusy, TimeoutError, SealBroken)
        if not isinstance(error, passing):
            self._fault = self._fault or _words(error)


def _actor_block(draft: Draft, own_key: DataKey | None, month: str) -> dict[str, Any]:
    actor = draft.actor
    block: dict[str, Any] = {
        "type": actor.type,
        "roles": list(actor.roles),
        "assurance": actor.assurance,
        "client": actor.client,
    }
    if own_key is not None:
        block["pid"] = pseudonym(own_key, month)
    return events.check_block("actor", block)


def _words(error: BaseException) -> str:
    if isinstance(error, LogInconsistent | StoreUnsafe | SealBroken):
        return str(error)
    return type(error).__name__
