"""Which driver keeps the logs of an installation, and whether they are there yet."""

from pathlib import Path

from parvis.audit import postgres_store, sqlite_store
from parvis.audit.store import Store


def open_store(folder: Path, database_url: str = "", *, read_only: bool = False) -> Store:
    """A connection to the logs: SQLite under `folder`, or PostgreSQL at `database_url`.

    Raises StoreUnsafe, StoreFault.
    """
    if database_url:
        return postgres_store.PostgresStore(database_url, read_only=read_only)
    return sqlite_store.SqliteStore(folder, read_only=read_only)


def lacks_standby(database_url: str) -> bool:
    """True when acknowledged records would be lost with the leading server. Raises StoreFault."""
    return bool(database_url) and postgres_store.lacks_standby(database_url)


def has_store(folder: Path, database_url: str = "") -> bool:
    """True when logs were made there. Raises StoreFault when the database does not answer."""
    if database_url:
        return postgres_store.has_tables(database_url)
    return (folder / sqlite_store.FILE_NAME).is_file()
