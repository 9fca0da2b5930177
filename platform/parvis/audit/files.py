"""Files of the log that must survive a power cut, and the locks between its processes."""

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_POLL_S = 0.005


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_private_folder(folder: Path) -> None:
    """Make `folder` for this user alone, durably, if it is not there."""
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        sync_folder(folder.parent)


def write_durably(path: Path, data: bytes) -> None:
    """Replace `path` (mode 0600) as a whole: afterwards old or new, never a part of either."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        try:
            _write_whole(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(draft, path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def _write_whole(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


def overwrite_and_remove(path: Path) -> None:
    """Write zeros over what `path` holds, durably, then remove it, durably."""
    size = path.stat().st_size
    descriptor = os.open(path, os.O_WRONLY)
    try:
        _write_whole(descriptor, bytes(size))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    path.unlink()
    sync_folder(path.parent)


class LockFile:
    """A lock between processes (`flock`); the system releases it when its holder dies."""

    def __init__(self, path: Path, *, group_too: bool = False) -> None:
        """With `group_too` a file that is made is the group's as well."""
        flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            self._descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o600)
            if group_too:
                os.fchmod(self._descriptor, 0o660)
        except FileExistsError:
            self._descriptor = os.open(path, flags | os.O_CREAT, 0o600)
        self._threads = threading.Lock()

    @contextmanager
    def held(self, timeout_s: float | None = None) -> Iterator[None]:
        """Hold it, for one thread of one process; raises TimeoutError."""
        if not self._threads.acquire(timeout=-1 if timeout_s is None else timeout_s):
            raise TimeoutError("the log is busy")
        try:
            self._take(timeout_s)
            try:
                yield
            finally:
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        finally:
            self._threads.release()

    def _take(self, timeout_s: float | None) -> None:
        if timeout_s is None:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
            return
        deadline = time.monotonic() + timeout_s
        while not self.try_take():
            if time.monotonic() > deadline:
                raise TimeoutError("the log is busy")
            time.sleep(_POLL_S)

    def try_take(self) -> bool:
        """Take it for the whole process, until `close`; False when another process has it."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        """Let go of it."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
