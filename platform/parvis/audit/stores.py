"""Which driver keeps the logs of an installation, and whether they are there yet."""

from pathlib import Path

from parvis.audit.sqlite_store import FILE_NAME, SqliteStore
from parvis.audit.store import Store


def open_store(folder: Path, *, read_only: bool = False) -> Store:
    """A connection to the logs under `folder`. Raises StoreUnsafe, StoreFault."""
    return SqliteStore(folder, read_only=read_only)


def has_store(folder: Path) -> bool:
    """True when logs were made under `folder`."""
    return (folder / FILE_NAME).is_file()
