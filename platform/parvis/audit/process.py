"""The sequencer as a process of its own, and the keeper that starts it again when it dies.

After a fault of the disk the process ends at once: what is stored is looked at afresh by the next.
One that finds the logs inconsistent is not started again: it leaves its words for `/readyz`.
"""

import contextlib
import ctypes
import gc
import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from parvis.audit.doors import Doors
from parvis.audit.faults import describe_fault, write_fault
from parvis.audit.files import make_private_folder
from parvis.audit.sequencer import Limits
from parvis.audit.server import Server
from parvis.audit.start_check import LogInconsistent
from parvis.audit.store import Occupied, StoreFault, StoreUnsafe
from parvis.keystore import SealBroken

log = logging.getLogger(__name__)

_SET_DUMPABLE = 4  # PR_SET_DUMPABLE

EXIT_FAULT = 74  # EX_IOERR
EXIT_OCCUPIED = 75  # EX_TEMPFAIL
EXIT_INCONSISTENT = 78  # EX_CONFIG: no other start will find it better
_LOOK_S = 0.5
_POLL_S = 0.05
_WATCH_S = 0.1
_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_CLOSE_S = 20.0  # its unit gives it 30
_AGAIN_S = 1.0
_PAUSES_S = (0.1, 2.0)
_GOOD_LIFE_S = 5.0  # who dies sooner is started again a little later each time
_COLLECT_AFTER = 20_000  # a batch is thousands of objects that all go without the collector


@dataclass(frozen=True, slots=True)
class Plan:
    """What a sequencer needs to know."""

    folder: Path
    installation: str
    root_key: bytes
    limits: Limits
    database_url: str = ""
    heads_dir: Path | None = None
    doors: Doors | None = None


def hide_memory() -> None:
    """Let no other process of this user read this one's memory, files or mounts (prctl(2)).

    For a sequencer that is a service of its own: a worker runs as the same user. Raises OSError.
    """
    if ctypes.CDLL(None, use_errno=True).prctl(_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "PR_SET_DUMPABLE")


class _Watch:
    """Hears signals and the parent's end in a thread of its own, for the main one may be held up,
    as by a disk or a log that nobody reads: who is not at the end in time is ended then."""

    def __init__(self) -> None:
        self.change = threading.Event()
        self.stopped = threading.Event()
        self._over = threading.Event()
        self._parent = os.getppid()
        for number in _SIGNALS:  # for threads that were there before and would take it
            signal.signal(number, self._stop)
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        threading.Thread(target=self._run, name="audit-watch", daemon=True).start()

    def close(self) -> None:
        """Whoever called is at its end."""
        self._over.set()

    def _stop(self, *_: object) -> None:
        self.stopped.set()
        self.change.set()

    def _run(self) -> None:
        # `sigtimedwait` of CPython invents a signal when SIGCONT comes after its time
        while not (self.stopped.is_set() or signal.sigpending().intersection(_SIGNALS)):
            if self._over.wait(_WATCH_S) or os.getppid() != self._parent:
                break
        self._stop()
        if not self._over.wait(_CLOSE_S):
            _try(lambda: log.critical("audit.not_closed"))
            os._exit(EXIT_FAULT)


def _try(work: Callable[[], None]) -> None:
    """Do it, but go on where it does not end: a log may have nobody who takes it."""
    trying = threading.Thread(target=work, daemon=True)
    trying.start()
    trying.join(_LOOK_S)


def run_sequencer(plan: Plan) -> int:
    """Write the logs until SIGTERM, SIGINT or the parent's end; gives the exit code.

    From then on it has 20 seconds; what is not written by then was not acknowledged either.
    """
    watch = _Watch()
    try:
        return _run(plan, watch.change, watch.stopped)
    finally:
        watch.close()


def _run(plan: Plan, change: threading.Event, stopped: threading.Event) -> int:
    try:
        server = _open(plan, change)
    except (Occupied, StoreFault, OSError) as error:
        log.error("audit.refused", extra={"fault": describe_fault(error)})
        return EXIT_OCCUPIED if isinstance(error, Occupied) else EXIT_FAULT
    except (LogInconsistent, StoreUnsafe, SealBroken) as error:
        return _stay_down(plan, describe_fault(error))
    gc.freeze()  # what was loaded stays: a seventh of the time went into looking through it
    gc.set_threshold(_COLLECT_AFTER)
    change.wait()
    if stopped.is_set():
        server.close()
    if server.inconsistent:
        return _stay_down(plan, server.fault)
    return EXIT_FAULT if server.fault else 0


def _open(plan: Plan, change: threading.Event) -> Server:
    make_private_folder(plan.folder)
    server = Server(
        plan.folder,
        plan.installation,
        plan.root_key,
        worker="sequencer",
        limits=plan.limits,
        database_url=plan.database_url,
        heads_dir=plan.heads_dir,
        doors=plan.doors,
        on_fault=change.set,
    )
    write_fault(_fault_folder(plan), "")
    log.info("audit.sequencer")
    return server


def _fault_folder(plan: Plan) -> Path:
    return plan.folder if plan.doors is None else plan.doors.folder


def _stay_down(plan: Plan, words: str) -> int:
    log.critical("audit.refused", extra={"fault": words})
    with contextlib.suppress(OSError):  # a disk that takes nothing: the line above is what is left
        write_fault(_fault_folder(plan), words)
    return EXIT_INCONSISTENT


class Keeper:
    """A child process that keeps a sequencer running, for as long as its parent lives."""

    def __init__(self, run: Callable[[], int]) -> None:
        self._owner = os.getpid()
        self._pid = os.fork()
        if self._pid == 0:
            os.setsid()  # the terminal's Ctrl-C is for the gateway, whose records come last
            _end_process(lambda: _keep(run, self._owner))

    def close(self) -> None:
        """Let it write what it has and end; call after the last worker. Not for a fork's child."""
        if os.getpid() != self._owner:
            return
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(self._pid, signal.SIGTERM)
            os.waitpid(self._pid, 0)


def _end_process(work: Callable[[], int]) -> None:
    code = EXIT_FAULT
    try:
        code = work()
    finally:
        logging.shutdown()
        os._exit(code)


def _keep(run: Callable[[], int], owner: int) -> int:
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pause = _PAUSES_S[0]
    while not stopping.is_set() and os.getppid() == owner:
        begun = time.monotonic()
        child = os.fork()
        if child == 0:
            _end_process(run)
        code = _await_end(child, stopping, owner)
        if code == EXIT_INCONSISTENT:
            while not stopping.wait(_LOOK_S) and os.getppid() == owner:
                pass
        elif not stopping.is_set():
            log.warning("audit.sequencer_ended", extra={"exit": code})
            pause = _PAUSES_S[0] if time.monotonic() - begun > _GOOD_LIFE_S else pause
            stopping.wait(pause)
            pause = min(2 * pause, _PAUSES_S[1])
    return 0


def _await_end(child: int, stopping: threading.Event, owner: int) -> int:
    tell_at = 0.0
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if (stopping.is_set() or os.getppid() != owner) and time.monotonic() >= tell_at:
            os.kill(child, signal.SIGTERM)  # again: one that has only begun does not hear it yet
            tell_at = time.monotonic() + _AGAIN_S
        time.sleep(_POLL_S)
