"""Why no sequencer runs, in words for operators, kept beside its doors for whoever looks."""

from pathlib import Path

from parvis.audit.doors import DoorsWrong
from parvis.audit.files import write_durably
from parvis.audit.start_check import LogInconsistent
from parvis.audit.store import Occupied, StoreBusy, StoreFault, StoreUnsafe
from parvis.keystore import SealBroken

_FAULT_NAME = "sequencer.fault"


def describe_fault(error: BaseException) -> str:
    """The fault in words for operators; of strangers' errors the kind alone."""
    if isinstance(error, StoreBusy):
        return f"the database is locked, or its disk is full ({error})"
    if isinstance(error, StoreFault):
        return f"the database cannot be read or written ({error})"
    known = isinstance(error, LogInconsistent | StoreUnsafe | SealBroken | Occupied | DoorsWrong)
    return str(error) if known else type(error).__name__


def write_fault(folder: Path, words: str) -> None:
    """Keep why no sequencer runs, for whoever looks for one; forget it with no words."""
    if words:
        write_durably(folder / _FAULT_NAME, words.encode())
        (folder / _FAULT_NAME).chmod(0o644)  # the gateway may be another user
    else:
        (folder / _FAULT_NAME).unlink(missing_ok=True)


def read_fault(folder: Path) -> str:
    """Why no sequencer runs; empty when nobody said."""
    try:
        return (folder / _FAULT_NAME).read_text(encoding="utf-8")
    except OSError:
        return ""
