"""Starts parts as processes, waits until they are ready, notices a crash, stops them cleanly.

It knows nothing about what the parts are: `demo.py` says that.
"""

import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import IO, Self

from deploy.dev import places

_POLL_S = 0.1


class StopRequested(BaseException):
    """Ctrl-C or SIGTERM: stop everything and leave."""


class PartFailed(Exception):
    """A part did not start, or ended by itself: the message names it and its log."""


class PortsBusy(Exception):
    """Ports that another program holds: all of them, each with the setting to change."""


@dataclass(frozen=True)
class Part:
    """One process: how it starts, when it is ready, how long that usually takes (seconds)."""

    name: str
    command: Sequence[str]
    ready: Callable[[], bool]
    usual_s: float
    environment: Mapping[str, str] = field(default_factory=dict)
    limit_s: float = 180
    stop_s: float = 20
    bare: bool = False  # `environment` is all of it, nothing of ours is added


@dataclass
class _Running:
    part: Part
    process: subprocess.Popen[bytes]
    log: Path
    pid_file: Path


class Supervisor:
    """The parts that run now; a context manager that stops all of them at its end."""

    def __init__(self, data_dir: Path) -> None:
        self._logs = data_dir / "logs"
        self._run = data_dir / "run"
        self._running: list[_Running] = []
        self._lock: IO[str] | None = None

    def __enter__(self) -> Self:
        for folder in (self._logs, self._run):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = (self._run / "supervisor.lock").open("a")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            raise PartFailed(
                f"another demo runs in {self._run.parent}: stop it, "
                "or give this one its own PARVIS_DATA_DIR"
            ) from None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        if self._lock is not None:
            self._lock.close()

    def start(self, part: Part) -> None:
        """Start one part and wait until it is ready.

        Raises PartFailed when it, or one that ran already, ends meanwhile, or takes too long.
        """
        self.launch(part)
        self.await_ready(part)

    def launch(self, part: Part) -> None:
        """Start one part; `await_ready` waits for it."""
        log = self._logs / f"{part.name}.log"
        pid_file = self._run / f"{part.name}.pid"
        process = _spawn(part, log)
        pid_file.write_text(f"{process.pid}\n", encoding="ascii")
        self._running.append(_Running(part, process, log, pid_file))

    def await_ready(self, part: Part) -> None:
        """Wait until a launched part is ready. Raises PartFailed as `start` does."""
        log = self._logs / f"{part.name}.log"
        with places.progress(part.name, "starting", places.elapsed(part.usual_s)):
            self._poll_ready(part, log)

    def _poll_ready(self, part: Part, log: Path) -> None:
        limit = time.monotonic() + part.limit_s
        while not part.ready():
            self.check()
            if time.monotonic() > limit:
                raise PartFailed(
                    f"{part.name} was not ready after {part.limit_s:.0f} s; its log: {log}"
                )
            time.sleep(_POLL_S)

    def check(self) -> None:
        """Return when every part runs; raises PartFailed that names the one that ended."""
        for running in self._running:
            code = running.process.poll()
            if code is not None:
                how = f"signal {-code}" if code < 0 else f"exit code {code}"
                raise PartFailed(
                    f"{running.part.name} ended by itself ({how}); its log: {running.log}"
                    f"\n{_last_lines(running.log)}"
                )

    def watch(self) -> None:
        """Block until a part ends by itself (PartFailed) or the process is told to stop."""
        while True:
            self.check()
            time.sleep(_POLL_S)

    def stop(self) -> None:
        """Stop the parts in reverse order; each drains first, and what is left is killed."""
        with _deaf():
            while self._running:
                running = self._running.pop()
                _stop(running)
                running.pid_file.unlink(missing_ok=True)


def _spawn(part: Part, log: Path) -> subprocess.Popen[bytes]:
    leash = [sys.executable, "-m", "deploy.dev.leash", str(os.getpid()), "-"]
    with log.open("ab") as output:
        return subprocess.Popen(
            [*leash, *part.command],
            env=({} if part.bare else dict(os.environ)) | dict(part.environment),
            cwd=places.REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches the supervisor alone, which stops in order
        )


def _stop(running: _Running) -> None:
    process = running.process
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(running.part.stop_s)
        except subprocess.TimeoutExpired:
            places.say(running.part.name, "did not stop in time, killed")
    # its own children, if it left any: they share the process group that only we gave it
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _last_lines(log: Path, count: int = 5) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-count:]
    return "\n".join(f"    {line}" for line in lines)


@contextlib.contextmanager
def stop_signals() -> Iterator[None]:
    """SIGINT, SIGTERM and SIGHUP raise StopRequested inside the block."""

    def request(number: int, frame: FrameType | None) -> None:
        raise StopRequested(signal.Signals(number).name)

    kinds = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {kind: signal.signal(kind, request) for kind in kinds}
    try:
        yield
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


@contextlib.contextmanager
def _deaf() -> Iterator[None]:
    # a second Ctrl-C must not leave half of the parts running; each stop is bounded in time
    kinds = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {kind: signal.signal(kind, signal.SIG_IGN) for kind in kinds}
    try:
        yield
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


def check_ports(ports: Mapping[str, tuple[str, int]]) -> None:
    """Return when every port is free; `ports` maps a setting to its (part, port) on 127.0.0.1.

    Raises PortsBusy that names all busy ones.
    """
    busy = [
        f"  {port} (wanted by the {part}): stop the program that holds it, or set {setting}"
        for setting, (part, port) in ports.items()
        if not _is_free(port)
    ]
    if busy:
        raise PortsBusy("these ports are in use:\n" + "\n".join(busy))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
