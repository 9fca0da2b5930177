"""The log's database as one SQLite file, opened through `apsw` only: it brings its own SQLite.

Never two SQLite libraries on one file: whoever else reads it uses a copy.
"""

import contextlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import apsw

from parvis.audit.store import Store, StoreBusy, StoreFault, StoreUnsafe
from parvis.db import wal_is_safe

FILE_NAME = "audit.db"
_SCHEMA_VERSION = 5
_SCHEMA = """
CREATE TABLE IF NOT EXISTS log (
    no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, tenant_id TEXT NOT NULL,
    origin TEXT NOT NULL, public_key BLOB NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS log_tenant ON log (tenant_id, no);
CREATE TABLE IF NOT EXISTS head (
    log_no INTEGER PRIMARY KEY REFERENCES log, size INTEGER NOT NULL, root BLOB NOT NULL,
    frontier BLOB NOT NULL, last_us INTEGER NOT NULL, note TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS record (
    log_no INTEGER NOT NULL, seq INTEGER NOT NULL, id BLOB NOT NULL, time_us INTEGER NOT NULL,
    kind TEXT NOT NULL, hash BLOB NOT NULL, leaf BLOB NOT NULL,
    PRIMARY KEY (log_no, seq), UNIQUE (log_no, id)
) STRICT;
CREATE INDEX IF NOT EXISTS record_kind ON record (log_no, kind, seq);
CREATE TABLE IF NOT EXISTS block (
    log_no INTEGER NOT NULL, level INTEGER NOT NULL, place INTEGER NOT NULL, hash BLOB NOT NULL,
    PRIMARY KEY (log_no, level, place)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tile (
    log_no INTEGER NOT NULL, level INTEGER NOT NULL, place INTEGER NOT NULL, hashes BLOB NOT NULL,
    PRIMARY KEY (log_no, level, place)
) STRICT;
CREATE TABLE IF NOT EXISTS open_intent (
    log_no INTEGER NOT NULL, id BLOB NOT NULL, seq INTEGER NOT NULL, boot TEXT NOT NULL,
    PRIMARY KEY (log_no, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sealed (
    log_no INTEGER NOT NULL, id BLOB NOT NULL, name TEXT NOT NULL, key_id TEXT NOT NULL,
    box BLOB NOT NULL, PRIMARY KEY (log_no, id, name)
) STRICT;
CREATE INDEX IF NOT EXISTS sealed_key ON sealed (log_no, key_id);
CREATE TABLE IF NOT EXISTS published (
    log_no INTEGER NOT NULL, size INTEGER NOT NULL, note TEXT NOT NULL,
    PRIMARY KEY (log_no, size)
) STRICT;
CREATE TABLE IF NOT EXISTS emitter (
    log_no INTEGER NOT NULL, boot TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (log_no, boot)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS usage (log_no INTEGER PRIMARY KEY, bytes INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS pruned (log_no INTEGER PRIMARY KEY, end_seq INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS turn (
    log_no INTEGER NOT NULL, seq INTEGER NOT NULL, kind TEXT NOT NULL, public_key BLOB NOT NULL,
    time_us INTEGER NOT NULL, leaf BLOB NOT NULL, note TEXT NOT NULL, PRIMARY KEY (log_no, seq)
) STRICT;
CREATE TABLE IF NOT EXISTS closed (
    log_id TEXT PRIMARY KEY, tenant_id TEXT NOT NULL, platform_id TEXT NOT NULL,
    seq INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS cosigner (
    log_no INTEGER NOT NULL, public_key BLOB NOT NULL, vkey TEXT NOT NULL,
    PRIMARY KEY (log_no, public_key)
) STRICT;
"""
# an agency may have had several logs: the older schema allowed one
_FROM_2 = """
ALTER TABLE log RENAME TO log_before;
CREATE TABLE log (
    no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, tenant_id TEXT NOT NULL,
    origin TEXT NOT NULL, public_key BLOB NOT NULL
) STRICT;
INSERT INTO log SELECT no, id, tenant_id, origin, public_key FROM log_before;
DROP TABLE log_before;
"""
_WIDTHS = (64, 32, 16, 8, 4, 2, 1)  # rows of one statement: few, so that each is prepared once
_BUSY_MS = 5000
_READERS_MS = 100  # an export reads for minutes, and records wait meanwhile
_PASSING = (apsw.FullError, apsw.BusyError, apsw.LockedError)

Value = TypeVar("Value")


class SqliteStore(Store):
    """One connection to the file in `folder`; a writing one makes the file and its tables."""

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        path = folder / FILE_NAME
        if not wal_is_safe(tuple(int(part) for part in apsw.sqlite_lib_version().split("."))):
            raise StoreUnsafe("this SQLite may lose commits (write-ahead log reset)")
        self._db = _attempt(lambda: _open(path, read_only=read_only))
        try:
            if not read_only:
                path.chmod(0o600)
                self._configure()
            if self._pragma("user_version") != _SCHEMA_VERSION:
                raise StoreUnsafe("the audit database has another schema")
        except BaseException:
            self.close()
            raise

    def _configure(self) -> None:
        for name, value, wanted in (
            ("journal_mode", "WAL", "wal"),
            ("synchronous", "FULL", 2),
            ("secure_delete", "ON", 1),
        ):
            self._select(f"PRAGMA {name}={value}")
            if self._pragma(name) != wanted:
                raise StoreUnsafe(f"the audit database refuses {name}={value}")
        # after a failed sync pages may be in memory only: what the log holds is written afresh
        self._select("PRAGMA wal_checkpoint(PASSIVE)")
        if self._pragma("user_version") < _SCHEMA_VERSION:
            self._select("PRAGMA legacy_alter_table=ON")  # a renamed table keeps its references
            self.begin()
            if self._pragma("user_version") == 2:  # noqa: PLR2004 - the schema before this one
                self._run(_FROM_2)
            self._run(_SCHEMA)
            self._run(f"PRAGMA user_version={_SCHEMA_VERSION}")
            self.commit()

    def _pragma(self, name: str) -> Any:
        return self._select(f"PRAGMA {name}")[0][0]

    def _select(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        return _attempt(lambda: self._db.execute(sql, tuple(values)).fetchall())

    def _run(self, sql: str, values: Sequence[Any] = ()) -> int:
        def run() -> int:
            self._db.execute(sql, tuple(values))
            return self._db.changes()

        return _attempt(run)

    def _insert(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Several rows a statement: between two steps of a statement another thread may cut in."""
        listed = list(rows)
        one = f"({','.join('?' * len(columns))})"
        into = f"INSERT INTO {table} ({','.join(columns)}) VALUES "  # noqa: S608 - fixed
        at = 0
        while at < len(listed):
            width = next(width for width in _WIDTHS if width <= len(listed) - at)
            sql, part = into + ",".join([one] * width), listed[at : at + width]
            values = [value for row in part for value in row]
            _attempt(lambda sql=sql, values=values: self._db.execute(sql, values))  # type: ignore[misc]
            at += width

    def begin(self) -> None:
        """Start the one writing transaction."""
        self._run("BEGIN IMMEDIATE")

    def begin_reading(self) -> None:
        """Hold one state of the file until `rollback`."""
        self._run("BEGIN")

    def commit(self) -> None:
        """Make it durable: returns after the sync."""
        self._run("COMMIT")

    def rollback(self) -> None:
        """Forget the transaction, if there is one."""
        if self._db.in_transaction:
            self._run("ROLLBACK")

    def wipe(self) -> None:
        """Bring the write-ahead log into the file, where deleted bytes are zeros, and empty it."""
        self._db.set_busy_timeout(_READERS_MS)
        try:
            busy = self._select("PRAGMA wal_checkpoint(TRUNCATE)")[0][0]
        finally:
            self._db.set_busy_timeout(_BUSY_MS)
        if busy:
            raise StoreBusy("someone reads the audit database: what was deleted is still readable")

    def close(self) -> None:
        """Release the file; what could not be carried into it stays in the write-ahead log."""
        with contextlib.suppress(apsw.Error):  # all of it is synced: the next one carries it over
            self._db.close()


def _open(path: Path, *, read_only: bool) -> apsw.Connection:
    flags = apsw.SQLITE_OPEN_READONLY
    if not read_only:
        flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    database = apsw.Connection(str(path), flags=flags)
    database.set_busy_timeout(_BUSY_MS)
    return database


def _attempt(action: Callable[[], Value]) -> Value:
    try:
        return action()
    except _PASSING as error:
        raise StoreBusy(type(error).__name__) from error
    except apsw.Error as error:
        raise StoreFault(type(error).__name__) from error
