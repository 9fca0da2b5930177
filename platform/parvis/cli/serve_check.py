"""What must be true of the machine before `parvis serve` or a writer alone starts: folders, clock.

Said in one line each before anything is opened; what files and stores say comes after.
"""

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from parvis.audit.doors import plan_doors
from parvis.audit.wire import MAX_ADDRESS
from parvis.errors import ConfigurationFaults, Fault
from parvis.settings import Settings, env_name

_NOT_BEFORE = datetime(2026, 1, 1, tzinfo=UTC).timestamp()


def require_machine(settings: Settings, *, writes: bool, hidden: bool = False) -> None:
    """Raises ConfigurationFaults with every fault.

    With `writes` this process or its child writes the logs; `hidden`: it may not look at its own
    /proc, through which long paths of sockets are shortened.
    """
    faults = [*_check_clock(), *_check_folders(settings, writes=writes)]
    if hidden:
        faults += _check_sockets(settings)
    if faults:
        raise ConfigurationFaults(faults)


def _check_clock() -> Iterator[Fault]:
    now = time.time()
    if now < _NOT_BEFORE:
        told = datetime.fromtimestamp(now, UTC)
        yield Fault("clock", 0, "", f"says {told:%Y-%m-%d %H:%M} UTC, years ago: set it first")


def _check_folders(settings: Settings, *, writes: bool) -> Iterator[Fault]:
    wanted = {"data_dir": _nearest(settings.data_dir)}
    if settings.audit_dir.exists():
        wanted["data_dir"] = settings.audit_dir
    if writes and settings.audit_heads_dir is not None:
        wanted["audit_heads_dir"] = settings.audit_heads_dir
    for name, folder in wanted.items():
        if not folder.is_dir():
            yield Fault(str(folder), 0, env_name(name), "is not there: mount or make it")
        elif not os.access(folder, os.W_OK | os.X_OK, effective_ids=True):
            yield Fault(str(folder), 0, env_name(name), f"cannot be written ({_why(folder)})")
    doors = settings.audit_doors_dir
    if doors is not None and not doors.is_dir():
        yield Fault(str(doors), 0, env_name("audit_doors_dir"), "is not there: make it")


def _check_sockets(settings: Settings) -> Iterator[Fault]:
    name = "data_dir" if settings.audit_doors_dir is None else "audit_doors_dir"
    longest = max(plan_doors(settings).paths, key=lambda path: len(os.fsencode(path)))
    if len(os.fsencode(longest)) > MAX_ADDRESS:
        words = f"is too deep: the path of a socket has at most {MAX_ADDRESS} bytes"
        yield Fault(str(longest), 0, env_name(name), words)


def _nearest(folder: Path) -> Path:
    """The folder, or the one above it in which it will be made."""
    return next((one for one in (folder, *folder.parents) if one.exists()), folder)


def _why(folder: Path) -> str:
    if os.statvfs(folder).f_flag & os.ST_RDONLY:
        return "its file system is mounted read-only"
    return f"by user {os.geteuid()}: look at its owner and mode"
