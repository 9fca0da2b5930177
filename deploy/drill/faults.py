"""A disk that fails at the call it is told to, and remembers what was done to it.

Stands under SQLite (a file system of `apsw`) and under `parvis.audit.files`, in this process
alone. What a program must make of a failure is `crash.py`'s and `power.py`'s business.
"""

import errno
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw

from parvis.audit import files

KILLED = ("killed before", "killed after")
KINDS = (*KILLED, "EIO", "EIO though done", "ENOSPC", "short write", "full for a while")
_FULL_CALLS = 12  # so many calls find no room, then there is some again


@dataclass(frozen=True, slots=True)
class Call:
    """One thing done to a file: `action` is make, write, sync, cut, remove, rename, sync folder."""

    action: str
    path: str
    offset: int = 0
    data: bytes = b""
    target: str = ""

    @property
    def name(self) -> str:
        """How a report names it."""
        return f"{self.action} {Path(self.path).name}"


@dataclass(frozen=True, slots=True)
class Fault:
    """The call that fails (the first is 1; 0 for none), and how."""

    at: int = 0
    kind: str = ""


@dataclass
class Disk:
    """Counts, records, delays and fails. `on_sync` runs before every sync (a slow disk waits)."""

    fault: Fault = Fault()
    keep: bool = False
    on_sync: Callable[[], object] = lambda: None
    on_fault: Callable[[Call], object] = lambda _call: None
    calls: list[Any] = field(default_factory=list)
    count: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(
        self, call: Call, really: Callable[[], Any], half: Callable[[], object] | None = None
    ) -> Any:
        """Do it, or fail as planned. `half` does a part of a write."""
        with self._lock:
            self.count += 1
            at = self.count
        if call.action.startswith("sync"):
            self.on_sync()
        if self._is_full(at, call):
            self.on_fault(call)
            raise OSError(errno.ENOSPC, "no room")
        if at == self.fault.at:
            self._fail(call, really, half)
        if self.keep:
            self.calls.append(call)
        return really()

    def _is_full(self, at: int, call: Call) -> bool:
        first = self.fault.at
        wanted = self.fault.kind == "full for a while" and first <= at < first + _FULL_CALLS
        return wanted and call.action in ("make", "write")

    def _fail(
        self, call: Call, really: Callable[[], Any], half: Callable[[], object] | None
    ) -> None:
        kind = self.fault.kind
        if kind == "full for a while" or (kind == "short write" and half is None):
            return  # this one is no call that needs room
        self.on_fault(call)
        if kind in ("killed after", "EIO though done"):
            really()
        if kind in KILLED:
            os.kill(os.getpid(), signal.SIGKILL)
        if kind.startswith("EIO"):
            raise OSError(errno.EIO, "the disk failed")
        if kind == "short write" and half is not None:
            half()
        raise OSError(errno.ENOSPC, "no room")


def _for_sqlite(error: OSError) -> apsw.Error:
    return apsw.FullError() if error.errno == errno.ENOSPC else apsw.IOError()


class _File(apsw.VFSFile):
    def __init__(self, disk: Disk, name: Any, flags: list[int]) -> None:
        super().__init__("unix", name, flags)
        self._disk = disk
        self._path = name.filename() if isinstance(name, apsw.URIFilename) else str(name)

    def _run(self, call: Call, really: Callable[[], Any], half: Any = None) -> Any:
        try:
            return self._disk.run(call, really, half)
        except OSError as error:
            raise _for_sqlite(error) from None

    def xWrite(self, data: bytes, offset: int) -> None:
        part = bytes(data)
        write = super().xWrite
        self._run(
            Call("write", self._path, offset, part),
            lambda: write(part, offset),
            lambda: write(part[: len(part) // 2], offset),
        )

    def xSync(self, flags: int) -> None:
        sync = super().xSync
        self._run(Call("sync", self._path), lambda: sync(flags))

    def xTruncate(self, size: int) -> None:
        cut = super().xTruncate
        self._run(Call("cut", self._path, size), lambda: cut(size))


class _Files(apsw.VFS):
    def __init__(self, disk: Disk) -> None:
        super().__init__("parvis-drill", "unix", makedefault=True)
        self._disk = disk

    def xOpen(self, name: Any, flags: list[int]) -> _File:
        return _File(self._disk, name, flags)

    def xDelete(self, name: str, sync_folder: bool) -> None:
        remove = super().xDelete
        try:
            self._disk.run(
                Call("remove", name, int(sync_folder)), lambda: remove(name, sync_folder)
            )
        except OSError as error:
            raise _for_sqlite(error) from None


class _System:
    """What `parvis.audit.files` takes for the module `os`."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._paths: dict[int, str] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def open(self, path: Any, flags: int, mode: int = 0o777) -> int:
        """As `os.open`."""
        if flags & os.O_CREAT and not Path(path).exists():
            made: int = self._disk.run(Call("make", str(path)), lambda: os.open(path, flags, mode))
        else:
            made = os.open(path, flags, mode)
        self._paths[made] = str(path)
        return made

    def write(self, descriptor: int, data: Any) -> int:
        """As `os.write`."""
        part = bytes(data)
        call = Call("write", self._paths[descriptor], 0, part)
        written: int = self._disk.run(
            call,
            lambda: os.write(descriptor, part),
            lambda: os.write(descriptor, part[: len(part) // 2]),
        )
        return written

    def fsync(self, descriptor: int) -> None:
        """As `os.fsync`."""
        path = self._paths[descriptor]
        action = "sync folder" if Path(path).is_dir() else "sync"
        self._disk.run(Call(action, path), lambda: os.fsync(descriptor))

    def replace(self, old: Any, new: Any) -> None:
        """As `os.replace`."""
        call = Call("rename", str(old), target=str(new))
        self._disk.run(call, lambda: os.replace(old, new))


@contextmanager
def under(disk: Disk) -> Iterator[Disk]:
    """Everything that the log of this process does to its files goes through `disk`."""
    below = _Files(disk)
    really = files.os
    # the room's own calls to the system go by its name for `os`
    files.os = _System(disk)  # type: ignore[attr-defined,assignment]
    try:
        yield disk
    finally:
        files.os = really  # type: ignore[attr-defined]
        below.unregister()
