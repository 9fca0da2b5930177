"""The sequencer's doors: unix sockets, one thread that reads them, answers as batches end.

Checks on arrival that the other end may come in (`doors.py`) and that its counter has no gap. A
process that is gone has its open intents ended (`Sequencer.part`). Workers bring records at one
door; what changes keys and logs is asked at the operators' door alone.
"""

import contextlib
import logging
import selectors
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from parvis.audit import wire
from parvis.audit.calls import OPERATOR_CALLS, WORKER_CALLS, takes
from parvis.audit.doors import Doors
from parvis.audit.entries import Emitter, Entry
from parvis.audit.events import UUID_FORM
from parvis.audit.faults import describe_fault
from parvis.audit.kinds import KINDS
from parvis.audit.receipts import Receipt
from parvis.audit.sealing import SealedValue
from parvis.audit.sequencer import Item, Limits, Sequencer
from parvis.audit.start_check import LogInconsistent
from parvis.audit.store import StoreUnsafe
from parvis.audit.writer import LogStopped, NotOpen, Writer
from parvis.errors import AuditUnavailable

log = logging.getLogger(__name__)

_MAX_UNSENT = 16 * 1024 * 1024
_READ = 1 << 16  # of 128 KiB and more each read would map fresh memory
_LOOK_S = 1.0
_MOST_LINES = 512  # of workers; each process has one


class _Line:
    """One connection: who it is, what it waits for, what it has not been sent yet."""

    def __init__(self, line: socket.socket, *, of_worker: bool) -> None:
        self.socket = line
        self.of_worker = of_worker
        self.frames = wire.Frames()
        self.emitter: Emitter | None = None
        self.last = 0
        self.items: dict[int, Item] = {}
        self.receipts: list[tuple[int, Receipt]] = []
        self.others: list[tuple[int, str, Any]] = []
        self.unsent = bytearray()
        self.lock = threading.Lock()

    def answer(self, number: int, result: Any) -> None:
        """Keep an answer until `pack_answers`."""
        with self.lock:
            self.items.pop(number, None)
            if isinstance(result, Receipt):
                self.receipts.append((number, result))
            elif isinstance(result, Exception):
                self.others.append((number, *_describe(result)))
            else:
                self.others.append((number, "value", result))

    def pack_answers(self) -> bool:
        """Put every answer into one frame; False when this end takes nothing any more."""
        with self.lock:
            if self.receipts or self.others:
                heads: dict[tuple[str, int], list[Any]] = {}
                rows = []
                for number, one in self.receipts:
                    head = heads.setdefault(
                        (one.log, one.size),
                        [len(heads), one.log, one.size, one.root.hex(), one.signature.hex()],
                    )
                    rows.append([number, one.seq, one.leaf_hash.hex(), head[0]])
                header = {"r": rows, "h": [head[1:] for head in heads.values()], "o": self.others}
                self.unsent += wire.pack(header)
                self.receipts, self.others = [], []
            return len(self.unsent) <= _MAX_UNSENT


def _describe(error: Exception) -> tuple[str, Any]:
    if isinstance(error, AuditUnavailable):
        return "unavailable", error.retry_after
    if isinstance(error, NotOpen):
        return "not_open", str(error)
    if isinstance(error, LogStopped):
        return "stopped", str(error)
    if isinstance(error, ValueError):
        return "wrong", str(error)
    return "unavailable", None


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and UUID_FORM.fullmatch(value) is not None


def require_form(body: Any) -> None:
    """Raises Garbled when the writer could not work with it. Workers check all of it before."""
    known = KINDS.get(body["kind"])
    named = _is_id(body["id"]) and ("re" not in body or _is_id(body["re"]))
    if not named or known is None or body["phase"] not in known.phases:
        raise wire.Garbled("not the body of a record")
    if ("re" in body) != (body["phase"] == "result"):
        raise wire.Garbled("a result, and only a result, names its intent")


class _WrongDoor(ValueError):
    """An operator's call at the workers' door, or the other way round."""


def _find_call(line: _Line, name: str, arguments: list[Any]) -> Callable[..., Any]:
    own, other = WORKER_CALLS, OPERATOR_CALLS
    if not line.of_worker:
        own, other = other, own
    if name in other:
        worker = line.emitter.worker if line.emitter else ""
        log.error("audit.wrong_door", extra={"call": name, "worker": worker})
        raise _WrongDoor(f"audit: {name} is not asked at this door of the sequencer")
    if line.of_worker and not takes(name, arguments):
        raise wire.Garbled("a call with other values than it takes")
    return own[name]


class Server:
    """A sequencer and its doors. `ended` is set when it is over, `fault` says why it ended."""

    def __init__(
        self,
        folder: Path,
        installation: str,
        root_key: bytes,
        *,
        worker: str,
        limits: Limits | None = None,
        database_url: str = "",
        heads_dir: Path | None = None,
        doors: Doors | None = None,
        on_fault: Callable[[], None] | None = None,
    ) -> None:
        self._on_fault = on_fault
        self._plan = doors or Doors(folder)
        self.fault = ""
        self.inconsistent = False
        self.ended = threading.Event()
        self._stopping = False
        self._lines: dict[int, _Line] = {}
        self._doors: list[socket.socket] = []
        self._look_at = 0.0
        writer = Writer(
            folder,
            installation,
            root_key,
            worker=worker,
            database_url=database_url,
            heads_dir=heads_dir,
            doors=self._plan,
        )
        self._figures = writer.figures
        self._selector = selectors.DefaultSelector()
        self._hearing, self._waking = socket.socketpair()
        self._sequencer = Sequencer(folder, writer, limits or Limits(), self._note_fault)
        self._sequencer.after_batch = self._wake
        try:
            self._sequencer.start()
            for door in self._plan.open():
                self._doors.append(door)
        except BaseException:
            self._sequencer.close()
            self._selector.close()
            for one in (*self._doors, self._hearing, self._waking):
                one.close()
            raise
        for one in (*self._doors, self._hearing, self._waking):
            one.setblocking(False)
        for one in (*self._doors, self._hearing):
            self._selector.register(one, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name="audit-door", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Take nothing more, write what was taken, answer it, release everything."""
        self._stopping = True
        self._wake()
        self._thread.join()

    def _wake(self) -> None:
        with contextlib.suppress(OSError):  # full: it wakes anyway; closed: it is over
            self._waking.send(b"x")

    def _note_fault(self, error: BaseException) -> None:
        self.fault = describe_fault(error)
        self.inconsistent = isinstance(error, LogInconsistent | StoreUnsafe)
        log.critical("audit.failed", extra={"fault": self.fault}, exc_info=error)
        if self._on_fault is not None:
            self._on_fault()
        self._stopping = True
        self._wake()

    def _run(self) -> None:
        try:
            while not self._stopping:
                for key, mask in self._selector.select(_LOOK_S):
                    self._serve(key.fileobj, mask)
                self._answer_all()
                if time.monotonic() > self._look_at:
                    self._look_at = time.monotonic() + _LOOK_S
                    self._mend_doors()
        except Exception as error:  # whatever it was: a process without doors must not live on
            self._note_fault(error)
        finally:
            self._end()

    def _mend_doors(self) -> None:
        """Open anew what somebody removed: whoever comes next would find no way in."""
        if all(path.exists() for path in self._plan.paths):
            return
        try:
            doors = list(self._plan.open())
        except FileNotFoundError:
            raise  # their folder is gone, and the logs with it: what is written now is lost
        except OSError as error:
            log.error("audit.no_door", extra={"fault": type(error).__name__})
            return
        for one in self._doors:
            self._selector.unregister(one)
            one.close()
        for one in doors:
            one.setblocking(False)
            self._selector.register(one, selectors.EVENT_READ)
        self._doors = doors
        log.warning("audit.door_mended")

    def _serve(self, source: Any, mask: int) -> None:
        if source in self._doors:
            self._accept(source)
        elif source is self._hearing:
            with contextlib.suppress(BlockingIOError):
                self._hearing.recv(4096)
        else:
            line = self._lines[source.fileno()]
            if mask & selectors.EVENT_READ:
                self._read(line)

    def _accept(self, door: socket.socket) -> None:
        try:
            line, _ = door.accept()
        except OSError:  # gone again
            return
        of_worker = door is self._doors[0]
        try:
            self._plan.admit(line, of_worker=of_worker)
        except OSError:
            log.error("audit.stranger")
            self._sequencer.report("stranger")
            line.close()
            return
        if of_worker and len(self._lines) >= _MOST_LINES:  # the rest is for files and operators
            log.error("audit.too_many_lines")
            line.close()
            return
        line.setblocking(False)
        self._lines[line.fileno()] = _Line(line, of_worker=of_worker)
        self._selector.register(line, selectors.EVENT_READ)

    def _read(self, line: _Line) -> None:
        try:
            data = line.socket.recv(_READ)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._drop(line)
            return
        try:
            for header, rest in line.frames.feed(data):
                self._hear(line, header, rest)
        except (wire.Garbled, AttributeError, LookupError, TypeError, ValueError) as error:
            log.error("audit.garbled", extra={"fault": type(error).__name__})
            self._sequencer.report("garbled")
            self._drop(line)

    def _hear(self, line: _Line, header: Any, rest: bytes) -> None:
        if line.emitter is None:
            boot, worker = header["boot"], header["worker"]
            line.emitter = Emitter(bytes.fromhex(boot).hex(), str(worker))
            if line.of_worker:
                self._sequencer.greet(line.emitter)
            return
        if "leave" in header:
            item = line.items.get(header["leave"])
            if item is not None:
                self._sequencer.abandon(item)
            return
        number = header["n"]
        if number != line.last + 1:
            raise wire.Garbled("records are missing on their way")
        line.last = number
        try:
            work = self._work(line, line.emitter, header, rest)
            size = len(rest) + header.get("z", 0)
            with line.lock:  # no answer before the item is known
                line.items[number] = self._sequencer.submit(
                    work, size, lambda found: line.answer(number, found)
                )
        except (AuditUnavailable, _WrongDoor) as error:
            if isinstance(error, _WrongDoor):
                self._sequencer.report("wrong_door")
            self._figures.note_refusal(wrong_door=isinstance(error, _WrongDoor))
            line.answer(number, error)

    def _work(
        self, line: _Line, emitter: Emitter, header: Any, rest: bytes
    ) -> Entry | Callable[..., Any]:
        if "call" in header:
            arguments = header["args"]
            call = _find_call(line, header["call"], arguments)
            return lambda writer: call(writer, *arguments)
        if not line.of_worker:
            raise wire.Garbled("records come in at the workers' door")
        boxes = wire.cut(rest, [one[2] for one in header["s"]])
        sealed = [
            SealedValue(one[0], one[1], "", 0, box)
            for one, box in zip(header["s"], boxes, strict=True)
        ]
        require_form(header["b"])
        return Entry(str(header["t"]), header["b"], sealed, emitter, str(header["l"]))

    def _answer_all(self) -> None:
        for line in list(self._lines.values()):
            if not line.pack_answers():
                self._drop(line)
            elif line.unsent:
                self._send(line)

    def _send(self, line: _Line) -> None:
        try:
            sent = line.socket.send(line.unsent)
            del line.unsent[:sent]
        except BlockingIOError:
            pass
        except OSError:
            self._drop(line)
            return
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if line.unsent else 0)
        self._selector.modify(line.socket, wanted)

    def _drop(self, line: _Line) -> None:
        if self._lines.pop(line.socket.fileno(), None) is None:
            return
        self._selector.unregister(line.socket)
        line.socket.close()
        if line.emitter is not None and line.of_worker:
            self._sequencer.part(line.emitter.boot)

    def _end(self) -> None:
        self._selector.close()
        for path, door in zip(self._plan.paths, self._doors, strict=True):
            path.unlink(missing_ok=True)  # before the lock is free for the next one
            door.close()
        try:
            self._sequencer.close()  # writes what was taken
            for line in self._lines.values():
                line.pack_answers()
                with contextlib.suppress(OSError):
                    line.socket.settimeout(1.0)
                    line.socket.sendall(line.unsent)
        finally:
            for line in self._lines.values():
                line.socket.close()
            self._hearing.close()
            self._waking.close()
            self.ended.set()
