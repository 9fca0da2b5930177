"""The one thread that lets the logs grow: a queue, group commits, calls, and what is due by time.

While one commit syncs, the queue fills; the next commit takes all of it: no timer. A fault of the
disk or of the log ends this sequencer for good (`on_fault`); another one starts from what is
stored. Sockets are `server.py`'s business.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from parvis.audit import events, turns
from parvis.audit.ballast import Ballast
from parvis.audit.entries import Emitter, Entry, ending, system_entry
from parvis.audit.incidents import describe_found, list_closed
from parvis.audit.kinds import KINDS
from parvis.audit.store import StoreBusy
from parvis.audit.writer import LogStopped, Writer
from parvis.errors import AuditUnavailable
from parvis.settings import Settings

log = logging.getLogger(__name__)

MAX_QUEUE = 10_000
MAX_QUEUE_BYTES = 16 * 1024 * 1024
MAX_WAIT_S = 2.0
_BATCH = 1000
_BATCH_BYTES = 1024 * 1024
_HEADS_EVERY_S = 0.5
_DEATHS_EVERY_S = 0.25
_CLOSE_AT_ONCE = 500
_KEYS_EVERY_S = 3600.0
_KEYS_AGAIN_S = 1.0
_REPORT_EVERY_S = 600.0
_GIB = 1 << 30
_RESERVED = (
    *("admin.", "key.", "log.", "clock.", "erasure.", "hold.", "retention."),
    *("incident.", "session.", "tool."),
)

Answer = Callable[[Any], None]
"""Takes a Receipt, the value of a call, or an exception."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one installation allows its logs: bytes for each agency, seconds between heartbeats,
    seconds that a log keeps its key; `shares` are the bytes of agencies that have their own."""

    agency_bytes: int = 100 * _GIB
    heartbeat_s: float = 300.0
    ballast_bytes: int = 0
    rotate_s: float = 90 * 86_400.0
    shares: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Settings, shares: Mapping[str, int], *, ballast_bytes: int = 0) -> Self:
        """What the settings say, and the agencies' files (`shares`, see `load_shares`)."""
        share = int(settings.audit_agency_gb * _GIB)
        rotate_s = settings.audit_rotate_days * 86_400.0
        return cls(share, settings.audit_heartbeat_s, ballast_bytes, rotate_s, shares)

    def get_share(self, tenant_id: str) -> int:
        """How many bytes the agency's log may take."""
        return self.shares.get(tenant_id, self.agency_bytes)


@dataclass(slots=True, eq=False)
class Item:
    """One thing to do: a record to append, or a call of the writer."""

    work: Entry | Callable[[Writer], Any]
    size: int
    answer: Answer
    at: float
    taken: bool = False
    abandoned: bool = False


def is_reserved(kind: str) -> bool:
    """Endings, the log's own affairs and what makes room or ends holds have room kept for them."""
    known = KINDS.get(kind)
    ends = known is not None and known.phases == ("result",)
    return ends or kind.startswith(_RESERVED)


class Sequencer:
    """Appends for everybody, one batch after the other. Thread-safe but for `close`."""

    def __init__(self, folder: Path, writer: Writer, limits: Limits, on_fault: Answer) -> None:
        self._writer = writer
        self._limits = limits
        self._on_fault = on_fault
        self._ballast = Ballast(folder, limits.ballast_bytes)
        self._queue: deque[Item] = deque()
        writer.figures.queue = self._queue
        self._bytes = 0
        self._wake = threading.Condition()
        self._closing = False
        self._dirty = False
        self._gone: set[str] = set()
        self._reported: dict[str, float] = {}
        now = time.monotonic()
        self._due = {"heads": now, "deaths": now, "beat": now + limits.heartbeat_s, "keys": now}
        self.after_batch: Callable[[], None] = lambda: None
        self._thread = threading.Thread(target=self._run, name="audit-sequencer", daemon=True)

    def start(self) -> None:
        """Begin to write: first that this life began, and the ends of what the dead left open."""
        for tenant_id, words in self._writer.stopped.items():
            log.critical("audit.stopped", extra={"tenant": tenant_id, "fault": words})
        opened = events.Draft("log.opened", target={"object": self._writer.emitter.worker})
        told = [opened, *self._list_stopped()]
        self._writer.commit([system_entry(events.PLATFORM, one) for one in told])
        turns.record_retired(self._writer)
        self._end_orphans()
        self._keep_heads()
        self._ballast.fill()
        self._thread.start()

    def submit(self, work: Entry | Callable[[Writer], Any], size: int, answer: Answer) -> Item:
        """Queue it; raises AuditUnavailable when too much waits already."""
        item = Item(work, size, answer, time.monotonic())
        with self._wake:
            if self._closing:
                raise AuditUnavailable()
            if self._queue and (
                len(self._queue) >= MAX_QUEUE
                or self._bytes + size > MAX_QUEUE_BYTES
                or item.at - self._queue[0].at > MAX_WAIT_S
            ):
                raise AuditUnavailable(retry_after=1)
            self._queue.append(item)
            self._bytes += size
            self._wake.notify()
        return item

    def abandon(self, item: Item) -> None:
        """Nobody waits any more: what is not under way yet need not be written."""
        item.abandoned = True

    def report(self, reason: str) -> None:
        """Have an incident recorded; the same reason counts again after a while."""
        now = time.monotonic()
        if now - self._reported.get(reason, -_REPORT_EVERY_S) >= _REPORT_EVERY_S:
            self._reported[reason] = now
            entry = system_entry(events.PLATFORM, describe_found(reason, "writer"))
            self._push(lambda writer: writer.commit([entry]))

    def _list_stopped(self) -> Iterator[events.Draft]:
        """One incident for each log that takes nothing; the next start tells no other of it."""
        closed = list_closed(self._writer.store) if self._writer.stopped else ()
        for tenant_id, words in self._writer.stopped.items():
            stopped = self._writer.store.find_log(tenant_id)
            log_id = stopped.id if stopped else ""
            yield describe_found(
                "log_stopped",
                "writer",
                tenant=tenant_id,
                log=log_id,
                once=f"{log_id}/{words}",
                closed=closed,
            )

    def greet(self, emitter: Emitter) -> None:
        """Record that this process writes from now on, unless it is known already."""
        self._push(lambda writer: self._open_life(writer, emitter))

    def part(self, boot: str) -> None:
        """A connection ended: when its process is dead, what it left open is ended."""
        self._push(lambda _writer: self._gone.add(boot))  # behind the records it sent

    def _push(self, work: Callable[[Writer], Any]) -> None:
        with self._wake:
            self._queue.append(Item(work, 0, _ignore, time.monotonic()))
            self._wake.notify()

    def close(self) -> None:
        """Write what is queued, keep the heads, release everything."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join()
        self._writer.close()

    def _run(self) -> None:
        try:
            while (batch := self._take()) is not None:
                if batch:
                    self._work(batch)
                    self.after_batch()
                self._tidy()
            self._keep_heads()
        except BaseException as error:
            # the outcome of what was under way is unknown: only a new start may say
            with self._wake:
                self._closing = True
            self._on_fault(error)

    def _take(self) -> list[Item] | None:
        """What to do in one go; nothing when something else is due; None at the end."""
        with self._wake:
            if not self._queue and not self._closing:
                self._wake.wait_for(lambda: self._queue or self._closing, self._patience())
            if not self._queue:
                return None if self._closing else []
            batch: list[Item] = []
            size = 0
            while self._queue and len(batch) < _BATCH and size < _BATCH_BYTES:
                alone = not isinstance(self._queue[0].work, Entry)
                if alone and batch:
                    break
                item = self._queue.popleft()
                self._bytes -= item.size
                size += item.size
                item.taken = True
                batch.append(item)
                if alone:
                    break
            return batch

    def _patience(self) -> float:
        wanted = [self._due["beat"], self._due["keys"]]
        if self._dirty:
            wanted.append(self._due["heads"])
        if self._gone:
            wanted.append(self._due["deaths"])
        return max(0.0, min(wanted) - time.monotonic())

    def _work(self, batch: Sequence[Item]) -> None:
        work = batch[0].work
        if not isinstance(work, Entry):
            try:
                batch[0].answer(work(self._writer))
            except (ValueError, StoreBusy, LogStopped) as error:
                batch[0].answer(error)
            self._dirty = True
            return
        wanted = [item for item in batch if self._is_wanted(item)]
        try:
            self._write(wanted)
        except StoreBusy as error:  # the disk is full: nothing of this was stored
            self._write_reserved(wanted, error)
        self._dirty = True

    def _is_wanted(self, item: Item) -> bool:
        entry = item.work
        assert isinstance(entry, Entry)  # noqa: S101 - `_take` keeps calls apart
        if item.abandoned:
            item.answer(AuditUnavailable(retry_after=1))
        elif self._is_beyond_share(entry, item.size):
            item.answer(AuditUnavailable(retry_after=30))
        else:
            try:
                self._writer.require_going(entry.tenant_id, entry.log_id)
            except LogStopped as error:
                item.answer(error)
            else:
                return True
        return False

    def _is_beyond_share(self, entry: Entry, size: int) -> bool:
        if entry.tenant_id == events.PLATFORM or is_reserved(entry.body["kind"]):
            return False
        share = self._limits.get_share(entry.tenant_id)
        return self._writer.usage(entry.tenant_id) + size > share

    def _write(self, batch: Sequence[Item]) -> None:
        entries = [item.work for item in batch if isinstance(item.work, Entry)]
        if not entries:
            return
        for item, result in zip(batch, self._writer.commit(entries), strict=True):
            item.answer(result)

    def _write_reserved(self, batch: Sequence[Item], error: StoreBusy) -> None:
        log.error("audit.full", extra={"fault": str(error)})
        kept = []
        for item in batch:
            if isinstance(item.work, Entry) and is_reserved(item.work.body["kind"]):
                kept.append(item)
            else:
                item.answer(AuditUnavailable(retry_after=30))
        if not kept:
            return
        self._ballast.release()
        try:
            self._write(kept)
        except StoreBusy:
            for item in kept:
                item.answer(AuditUnavailable(retry_after=30))

    def _tidy(self) -> None:
        now = time.monotonic()
        if self._dirty and now >= self._due["heads"]:
            self._keep_heads()
            self._due["heads"] = now + _HEADS_EVERY_S
        if self._gone and now >= self._due["deaths"]:
            self._bury()
            self._due["deaths"] = now + _DEATHS_EVERY_S
        if now >= self._due["beat"]:
            self._beat()
            self._due["beat"] = now + self._limits.heartbeat_s
        if now >= self._due["keys"]:
            # one key after the other: records come between
            again = _KEYS_AGAIN_S if self._rotate_oldest() else _KEYS_EVERY_S
            self._due["keys"] = now + again

    def _rotate_oldest(self) -> bool:
        tenant_id = turns.find_due(self._writer, self._limits.rotate_s)
        if tenant_id is None:
            return False
        try:
            turns.rotate(self._writer, tenant_id, turns.SCHEDULE)
        except StoreBusy as error:
            log.error("audit.full", extra={"fault": str(error)})
            return False
        self._dirty = True
        return True

    def _keep_heads(self) -> None:
        self._writer.heads.advance(self._writer.known_heads())
        self._dirty = False

    def _open_life(self, writer: Writer, emitter: Emitter) -> None:
        self._gone.discard(emitter.boot)
        if not writer.knows(emitter):
            opened = events.Draft("log.opened", target={"object": emitter.worker})
            entry = system_entry(events.PLATFORM, opened)
            writer.commit([Entry(entry.tenant_id, entry.body, (), emitter)])

    def _bury(self) -> None:
        # one that lives keeps its intents: it comes back, or dies and is looked at then
        dead = [boot for boot in self._gone if not self._writer.is_alive(boot)]
        if dead:
            self._end_orphans()
            for boot in dead:
                self._writer.forget(boot)
                self._gone.discard(boot)

    def _end_orphans(self) -> None:
        orphans = self._writer.list_orphans()
        for at in range(0, len(orphans), _CLOSE_AT_ONCE):
            part = orphans[at : at + _CLOSE_AT_ONCE]
            self._writer.commit([ending(*one, "process_ended") for one in part])

    def _beat(self) -> None:
        beat = events.Draft("log.heartbeat")
        try:
            self._writer.commit(
                [
                    system_entry(tenant_id, events.replace_id(beat))
                    for tenant_id in self._writer.list_tenants()
                ]
            )
        except StoreBusy as error:
            log.error("audit.full", extra={"fault": str(error)})
        self._ballast.fill()
        self._dirty = True


def _ignore(_result: Any) -> None:
    """Nobody waits for this answer."""
