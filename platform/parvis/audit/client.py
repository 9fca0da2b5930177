"""A worker's line to the sequencer: records go out, receipts come back, a lost line is found again.

What was not answered when the line broke is sent again; the sequencer writes each id once. Whoever
waits too long gets AuditUnavailable and MUST NOT act. A record leaves at once while few are under
way; while many are, those that come gather and leave together with the next answer: they would
have waited for the same commit, and each hand-over between threads and processes costs as much as
building a record.
"""

import logging
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from parvis.audit import wire
from parvis.audit.entries import Emitter, Entry
from parvis.audit.pending import Pending
from parvis.audit.receipts import Receipt
from parvis.audit.sequencer import MAX_QUEUE, MAX_QUEUE_BYTES, MAX_WAIT_S
from parvis.audit.start_check import LogInconsistent
from parvis.audit.store import StoreUnsafe
from parvis.audit.writer import LogStopped, NotOpen
from parvis.errors import AuditUnavailable

log = logging.getLogger(__name__)

_READ = 1 << 16  # of 128 KiB and more each read would map fresh memory
_SEND_TIME = struct.pack("ll", 2, 0)  # seconds and microseconds, as the system takes them
_AGAIN_S = (0.05, 1.0)
_CLOSE_S = 10.0
_AT_ONCE = 32  # so many unanswered records leave each by itself

Dial = Callable[[], socket.socket | None]


@dataclass(slots=True, eq=False)
class _Sent:
    """What waits for an answer."""

    header: dict[str, Any]
    parts: list[bytes]
    pending: Pending[Any]
    record_id: str
    size: int
    at: float


class Client:
    """One line for all threads of a process; `dial` finds the sequencer. MUST be made after a fork.

    `on_left` is told the intent that became durable after its caller went away.
    """

    def __init__(
        self, first_dial: Dial, dial: Dial, emitter: Emitter, on_left: Callable[[Entry], None]
    ) -> None:
        self._dial = dial
        self._emitter = emitter
        self._on_left = on_left
        self._waiting: dict[int, _Sent] = {}
        self._bytes = 0
        self._number = 0
        self._outbox: list[bytes] = []
        self._gathered = 0
        self._turn = threading.Lock()
        self._line: socket.socket | None = None
        self._down_since: float | None = None
        self._closing = False
        self._lock = threading.Condition()
        first = first_dial()
        if first is None:
            self._down_since = time.monotonic() - MAX_WAIT_S
        self._thread = threading.Thread(
            target=self._run, args=(first,), name="audit-client", daemon=True
        )
        self._thread.start()

    def submit(self, entry: Entry, encoded: bytes) -> Pending[Receipt]:
        """Send a record; what is given ends with its receipt. Raises AuditUnavailable.

        `encoded` is the entry's body as JSON.
        """
        size = len(encoded)
        header = {
            "t": entry.tenant_id,
            "l": entry.log_id,
            "b": orjson.Fragment(encoded),
            "s": [[one.name, one.key_id, len(one.box)] for one in entry.sealed],
            "z": size,
        }
        pending = Pending[Receipt](entry if entry.body["phase"] == "intent" else None)
        parts = [one.box for one in entry.sealed]
        weight = size + sum(len(part) for part in parts)
        self._hand_over(_Sent(header, parts, pending, entry.body["id"], weight, time.monotonic()))
        return pending

    def call(self, name: str, *arguments: Any, timeout_s: float) -> Any:
        """The result of a call of the writer. Raises AuditUnavailable, ValueError."""
        pending = Pending[Any]()
        header = {"call": name, "args": arguments}
        self._hand_over(_Sent(header, [], pending, "", 0, time.monotonic()))
        try:
            return pending.result(timeout_s)
        except TimeoutError:
            raise AuditUnavailable(retry_after=1) from None

    def leave(self, pending: Pending[Receipt]) -> None:
        """Nobody waits any more: need not be written, unless it is under way."""
        with self._lock:
            pending.abandoned = True
            left = self._line is not None and pending.number in self._waiting
            if left:
                self._outbox.append(wire.pack({"leave": pending.number}))
        if left:
            self._send()

    def require_open(self) -> None:
        """Raises AuditUnavailable when too much waits, or nobody has answered for a while."""
        with self._lock:
            self._require_open(0)

    def close(self) -> None:
        """Wait for what was sent, then end the line."""
        with self._lock:
            reached = self._line is not None or self._down_since is None
            if reached:
                self._lock.wait_for(
                    lambda: not self._waiting or self._down_since is not None, _CLOSE_S
                )
            self._closing = True
            if self._line is not None:
                self._line.shutdown(socket.SHUT_RDWR)
            self._lock.notify_all()
        self._thread.join(_CLOSE_S)
        self._give_up(AuditUnavailable())

    def _require_open(self, size: int) -> None:
        now = time.monotonic()
        if self._closing:
            raise AuditUnavailable()
        if self._down_since is not None and now - self._down_since >= MAX_WAIT_S / 2:
            self._lock.notify_all()  # look again, for those who come later
            raise AuditUnavailable(retry_after=1)
        if not self._waiting:
            return
        oldest = next(iter(self._waiting.values()))
        full = len(self._waiting) >= MAX_QUEUE or self._bytes + size > MAX_QUEUE_BYTES
        if full or now - oldest.at > MAX_WAIT_S:
            raise AuditUnavailable(retry_after=1)

    def _hand_over(self, sent: _Sent) -> None:
        with self._lock:
            self._require_open(sent.size)
            frame = self._enlist(sent)
            if self._line is None:
                self._lock.notify_all()
                return
            self._outbox.append(frame)
            if sent.record_id and len(self._waiting) - self._gathered > _AT_ONCE:
                self._gathered += 1
                return  # an answer will come, and take it along
        self._send()

    def _enlist(self, sent: _Sent) -> bytes:
        number = self._number + 1
        frame = wire.pack(sent.header | {"n": number}, sent.parts)
        self._number = number
        self._waiting[number] = sent
        self._bytes += sent.size
        sent.pending.number = number
        return frame

    def _send(self) -> None:
        """Send what lies in the outbox. Whoever finds another one sending leaves it to that one."""
        while self._outbox and self._turn.acquire(blocking=False):
            try:
                self._send_outbox()
            finally:
                self._turn.release()

    def _send_outbox(self) -> None:
        with self._lock:
            line, frames = self._line, b"".join(self._outbox)
            self._outbox.clear()
            self._gathered = 0
        if line is None or not frames:
            return
        try:
            line.sendall(frames)
        except OSError:  # broken, or stuck in the middle of a frame: the thread finds another
            _hang_up(line)

    def _run(self, line: socket.socket | None) -> None:
        pause = _AGAIN_S[0]
        while True:
            if line is not None:
                pause = _AGAIN_S[0]
                self._talk(line)
            with self._lock:
                if not self._closing and (line is None or not self._waiting):
                    # without anything to send a lost line is not looked for
                    self._lock.wait(pause if self._waiting else None)
                if self._closing:
                    return
            pause = min(pause * 2, _AGAIN_S[1])
            line = self._find_line()

    def _find_line(self) -> socket.socket | None:
        try:
            line = self._dial()
        except AuditUnavailable as error:
            line = None
            if isinstance(error.__cause__, LogInconsistent | StoreUnsafe):
                self._give_up(error)  # no next sequencer will take it either
        with self._lock:
            if line is None and self._down_since is None:
                self._down_since = time.monotonic()
                self._lock.notify_all()
        return line

    def _give_up(self, error: AuditUnavailable) -> None:
        with self._lock:
            lost = list(self._waiting.values())
            self._waiting.clear()
            self._bytes = 0
        for sent in lost:
            sent.pending.settle(error)

    def _talk(self, line: socket.socket) -> None:
        # the time is for sending; to hear nothing for long is no fault
        line.settimeout(None)
        line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _SEND_TIME)
        try:
            self._introduce(line)
            frames = wire.Frames()
            while data := line.recv(_READ):
                for header, _ in frames.feed(data):
                    self._hear(header)
        except (OSError, wire.Garbled) as error:
            log.warning("audit.line_lost", extra={"fault": type(error).__name__})
        finally:
            with self._lock:
                self._line = None
                self._outbox.clear()  # all of it waits, and is sent again
                self._gathered = 0
                _hang_up(line)
            with self._turn:
                line.close()

    def _introduce(self, line: socket.socket) -> None:
        """Say who this is, and send again what was not answered, in its order."""
        with self._lock:
            again = list(self._waiting.values())
            self._waiting.clear()
            self._bytes = self._number = 0
            frames = [wire.pack({"boot": self._emitter.boot, "worker": self._emitter.worker})]
            frames += [self._enlist(sent) for sent in again]
            line.sendall(b"".join(frames))
            self._line = line
            self._down_since = None
            if self._closing:  # it was closed while the line was looked for
                line.shutdown(socket.SHUT_RDWR)

    def _hear(self, header: Any) -> None:
        heads = [
            (one[0], one[1], bytes.fromhex(one[2]), bytes.fromhex(one[3])) for one in header["h"]
        ]
        done: list[tuple[Pending[Any], Any]] = []
        with self._lock:
            for number, seq, leaf_hash, head in header["r"]:
                sent = self._strike(number)
                hashed = bytes.fromhex(leaf_hash)
                name, size, root, signature = heads[head]
                receipt = Receipt(name, seq, hashed, size, root, signature, sent.record_id)
                done.append((sent.pending, receipt))
            for number, word, value in header["o"]:
                done.append((self._strike(number).pending, _read_answer(word, value)))
            if not self._waiting:
                self._lock.notify_all()
        self._send()  # before those who waited wake up: the sequencer works meanwhile
        for pending, result in done:
            pending.settle(result)
            if pending.abandoned and pending.intent is not None and isinstance(result, Receipt):
                self._on_left(pending.intent)

    def _strike(self, number: int) -> _Sent:
        sent = self._waiting.pop(number, None)
        if sent is None:
            raise wire.Garbled("an answer to nothing")
        self._bytes -= sent.size
        return sent


def _hang_up(line: socket.socket) -> None:
    try:
        line.shutdown(socket.SHUT_RDWR)
    except OSError:
        log.debug("audit.line_gone")


def _read_answer(word: str, value: Any) -> Any:
    if word == "value":
        return value
    if word == "wrong":
        return ValueError(value)
    unavailable = AuditUnavailable(retry_after=value if isinstance(value, int) else None)
    if word == "not_open":  # its intent could not be written: neither is this
        unavailable.__cause__ = NotOpen(value)
    if word == "stopped":
        unavailable.__cause__ = LogStopped(value)
    return unavailable
