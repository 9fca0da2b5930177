"""How others and the sequencer talk: frames over unix sockets.

There are two: one for workers, one for operators. Where one user runs all, the second lies with
the signing keys, so that whoever may not see those does not reach it either. Who may come in is
`doors.py`'s business.

A frame is two lengths (whole, header; four bytes each, big-endian), a JSON header, then raw bytes
whose lengths the header names. What the headers say is `client.py`'s and `server.py`'s business.
"""

import os
import socket
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

WORKERS = Path("sequencer.sock")
OPERATORS = Path("keys", "operators.sock")
MAX_FRAME = 96 * 1024 * 1024
_LENGTHS = struct.Struct(">II")
_COUNT = 4  # the header's own length is part of the whole
_PEER = struct.Struct("3i")
MAX_ADDRESS = 107  # bytes of a socket's path, unix(7)


class Garbled(Exception):
    """Bytes that are no frame, or a header of another form."""


def pack(header: Any, parts: Sequence[bytes] = ()) -> bytes:
    """One frame; raises ValueError when it is too large."""
    head = orjson.dumps(header)
    whole = _COUNT + len(head) + sum(len(part) for part in parts)
    if whole > MAX_FRAME:
        raise ValueError("audit: the record's sealed values are too large")
    return b"".join((_LENGTHS.pack(whole, len(head)), head, *parts))


class Frames:
    """Bytes as they arrive, taken out as (header, rest)."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[Any, bytes]]:
        """Every frame that is whole now. Raises Garbled."""
        self._bytes += data
        at = 0
        while len(self._bytes) - at >= _LENGTHS.size:
            whole, head = _LENGTHS.unpack_from(self._bytes, at)
            start, end = at + _LENGTHS.size, at + _COUNT + whole
            if whole > MAX_FRAME or start + head > end:
                raise Garbled("the lengths of a frame are wrong")
            if len(self._bytes) < end:
                break
            frame = bytes(memoryview(self._bytes)[start:end])  # the view is gone: it may shrink
            yield _parse(frame[:head]), frame[head:]
            at = end
        del self._bytes[:at]


def _parse(data: bytes) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        raise Garbled("the header of a frame is not JSON") from None


def cut(data: bytes, lengths: Sequence[int]) -> list[bytes]:
    """`data` in pieces of these lengths. Raises Garbled when they do not fill it."""
    if sum(lengths) != len(data) or (lengths and min(lengths) < 0):
        raise Garbled("the parts of a frame have other lengths")
    parts, at = [], 0
    for length in lengths:
        parts.append(data[at : at + length])
        at += length
    return parts


@contextmanager
def _address(path: Path) -> Iterator[str]:
    """The socket's name, short enough for the system however deep its folder lies."""
    name = str(path)
    if len(os.fsencode(name)) <= MAX_ADDRESS:
        yield name
        return
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/{path.name}"
    finally:
        os.close(descriptor)


def listen(path: Path, group: int = -1) -> socket.socket:
    """A door of the sequencer, mode 0600; with a group 0660. MUST hold the writer's lock: an old
    one is replaced."""
    path.unlink(missing_ok=True)
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _address(path) as name:
            door.bind(name)
        if group >= 0:
            os.chown(path, -1, group)
        path.chmod(0o600 if group < 0 else 0o660)  # before anybody can connect
        door.listen(256)
    except BaseException:
        door.close()
        raise
    return door


def connect(
    folder: Path, timeout_s: float, door: Path = WORKERS, *, user: int | None = None
) -> socket.socket | None:
    """A connection to the living sequencer of this folder, run by this user (None: our own).

    None when there is none to reach.
    """
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    line.settimeout(timeout_s)
    try:
        with _address(folder / door) as name:
            line.connect(name)
        if ask_peer(line)[0] != (os.geteuid() if user is None else user):
            raise PermissionError("the other end of the audit socket is another user")
    except OSError:
        line.close()
        return None
    return line


def ask_peer(line: socket.socket) -> tuple[int, int]:
    """User and group of the process at the other end, as the system says."""
    raw = line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    _, user, group = _PEER.unpack(raw)
    return user, group
