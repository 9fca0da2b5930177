"""The log's own database file: rows in, rows out. Opened through `apsw` only.

One file for the logs of all agencies, because a sync is per file. What the rows mean, who may write
and when a commit counts is `writer.py`'s business; `reader.py` opens the same file read-only.
"""

import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import apsw

from parvis.db import wal_is_safe

FILE_NAME = "audit.db"
_SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE log (
    no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, tenant_id TEXT NOT NULL UNIQUE,
    origin TEXT NOT NULL, public_key BLOB NOT NULL
) STRICT;
CREATE TABLE head (
    log_no INTEGER PRIMARY KEY REFERENCES log, size INTEGER NOT NULL, root BLOB NOT NULL,
    frontier BLOB NOT NULL, last_us INTEGER NOT NULL, note TEXT NOT NULL
) STRICT;
CREATE TABLE record (
    log_no INTEGER NOT NULL, seq INTEGER NOT NULL, id BLOB NOT NULL, time_us INTEGER NOT NULL,
    kind TEXT NOT NULL, hash BLOB NOT NULL, leaf BLOB NOT NULL,
    PRIMARY KEY (log_no, seq), UNIQUE (log_no, id)
) STRICT;
CREATE INDEX record_kind ON record (log_no, kind, seq);
CREATE TABLE block (
    log_no INTEGER NOT NULL, level INTEGER NOT NULL, place INTEGER NOT NULL, hash BLOB NOT NULL,
    PRIMARY KEY (log_no, level, place)
) STRICT, WITHOUT ROWID;
CREATE TABLE open_intent (
    log_no INTEGER NOT NULL, id BLOB NOT NULL, seq INTEGER NOT NULL, boot TEXT NOT NULL,
    PRIMARY KEY (log_no, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE sealed (
    log_no INTEGER NOT NULL, id BLOB NOT NULL, name TEXT NOT NULL, key_id TEXT NOT NULL,
    box BLOB NOT NULL, PRIMARY KEY (log_no, id, name)
) STRICT;
CREATE TABLE published (
    log_no INTEGER NOT NULL, size INTEGER NOT NULL, note TEXT NOT NULL,
    PRIMARY KEY (log_no, size)
) STRICT;
"""


class LogRow(NamedTuple):
    """A log's lasting facts."""

    no: int
    id: str
    tenant_id: str
    origin: str
    public_key: bytes


class HeadRow(NamedTuple):
    """Where a log stands: `note` is the signed checkpoint of `size`."""

    size: int
    root: bytes
    frontier: bytes
    last_us: int
    note: str


class RecordRow(NamedTuple):
    """One stored record; `leaf` is exactly what was hashed."""

    seq: int
    time_us: int
    kind: str
    hash: bytes
    leaf: bytes


class Range(NamedTuple):
    """Which records are wanted: positions [first, end), times in µs [from, to), kinds."""

    first: int = 0
    end: int = 2**62
    from_us: int = 0
    to_us: int = 2**62
    kinds: tuple[str, ...] = ()


class StoreUnsafe(Exception):
    """The database file or library cannot keep what it is given."""


class Store:
    """One connection. MUST be opened after a fork; one thread at a time."""

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        path = folder / FILE_NAME
        if not wal_is_safe(tuple(int(part) for part in apsw.sqlite_lib_version().split("."))):
            raise StoreUnsafe("this SQLite may lose commits (write-ahead log reset)")
        if read_only:
            self._db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        else:
            self._db = apsw.Connection(str(path))
            path.chmod(0o600)
        self._db.set_busy_timeout(5000)
        if not read_only:
            self._configure()
        if self._pragma("user_version") != _SCHEMA_VERSION:
            raise StoreUnsafe("the audit database has another schema")

    def _configure(self) -> None:
        for name, value, wanted in (
            ("journal_mode", "WAL", "wal"),
            ("synchronous", "FULL", 2),
            ("secure_delete", "ON", 1),
        ):
            self._select(f"PRAGMA {name}={value}")
            if self._pragma(name) != wanted:
                raise StoreUnsafe(f"the audit database refuses {name}={value}")
        with self._db:
            if self._pragma("user_version") == 0:
                self._db.execute(_SCHEMA)
                self._db.execute(f"PRAGMA user_version={_SCHEMA_VERSION}")

    def _select(self, sql: str, values: tuple[Any, ...] = ()) -> list[Any]:
        return self._db.execute(sql, values).fetchall()

    def _pragma(self, name: str) -> Any:
        return self._select(f"PRAGMA {name}")[0][0]

    def begin(self) -> None:
        """Start the one writing transaction."""
        self._db.execute("BEGIN IMMEDIATE")

    def begin_reading(self) -> None:
        """Hold one state of the file until `rollback`."""
        self._db.execute("BEGIN")

    def commit(self) -> None:
        """Make it durable: returns after the sync."""
        self._db.execute("COMMIT")

    def rollback(self) -> None:
        """Forget the transaction, if there is one."""
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def close(self) -> None:
        """Release the file."""
        self._db.close()

    def add_log(self, log_id: str, tenant_id: str, origin: str, public_key: bytes) -> LogRow:
        """A new log, without records."""
        self._db.execute(
            "INSERT INTO log (id, tenant_id, origin, public_key) VALUES (?, ?, ?, ?)",
            (log_id, tenant_id, origin, public_key),
        )
        return LogRow(self._db.last_insert_rowid(), log_id, tenant_id, origin, public_key)

    def find_log(self, tenant_id: str) -> LogRow | None:
        """The agency's log."""
        rows = self._select(
            "SELECT no, id, tenant_id, origin, public_key FROM log WHERE tenant_id = ?",
            (tenant_id,),
        )
        return LogRow(*rows[0]) if rows else None

    def list_logs(self) -> list[LogRow]:
        """Every log, oldest first."""
        rows = self._select("SELECT no, id, tenant_id, origin, public_key FROM log ORDER BY no")
        return [LogRow(*row) for row in rows]

    def find_head(self, log_no: int) -> HeadRow | None:
        """Where the log stands."""
        rows = self._select(
            "SELECT size, root, frontier, last_us, note FROM head WHERE log_no = ?", (log_no,)
        )
        return HeadRow(*rows[0]) if rows else None

    def put_head(self, log_no: int, head: HeadRow) -> None:
        """Where the log stands now."""
        self._db.execute(
            "INSERT OR REPLACE INTO head (log_no, size, root, frontier, last_us, note)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (log_no, *head),
        )

    def add_record(self, log_no: int, record_id: str, row: RecordRow) -> None:
        """Append one record; raises apsw.ConstraintError when position or id is taken."""
        self._db.execute(
            "INSERT INTO record (log_no, seq, id, time_us, kind, hash, leaf)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (log_no, row.seq, _bytes(record_id), row.time_us, row.kind, row.hash, row.leaf),
        )

    def add_blocks(self, log_no: int, blocks: Iterable[tuple[int, int, bytes]]) -> None:
        """Roots (tile level, place, hash) of blocks that became full."""
        for level, place, found in blocks:
            self._db.execute(
                "INSERT INTO block (log_no, level, place, hash) VALUES (?, ?, ?, ?)",
                (log_no, level, place, found),
            )

    def find_position(self, log_no: int, record_id: str) -> tuple[int, str, bytes] | None:
        """Position, kind and leaf hash of the record with this id."""
        rows = self._select(
            "SELECT seq, kind, hash FROM record WHERE log_no = ? AND id = ?",
            (log_no, _bytes(record_id)),
        )
        return (rows[0][0], rows[0][1], rows[0][2]) if rows else None

    def find_record(self, log_no: int, seq: int) -> RecordRow | None:
        """The record at this position."""
        found = self.list_records(log_no, Range(seq, seq + 1), limit=1)
        return found[0] if found else None

    def list_records(
        self, log_no: int, wanted: Range, *, limit: int, newest_first: bool = False
    ) -> list[RecordRow]:
        """At most `limit` records of the range, by position."""
        marks = ",".join("?" * len(wanted.kinds))
        rows = self._select(
            "SELECT seq, time_us, kind, hash, leaf FROM record"  # noqa: S608 - marks only
            " WHERE log_no = ? AND seq >= ? AND seq < ? AND time_us >= ? AND time_us < ?"
            + (f" AND kind IN ({marks})" if wanted.kinds else "")
            + f" ORDER BY seq {'DESC' if newest_first else 'ASC'} LIMIT ?",
            (log_no, *wanted[:4], *wanted.kinds, limit),
        )
        return [RecordRow(*row) for row in rows]

    def count_records(self, log_no: int, wanted: Range) -> int:
        """How many records the range holds."""
        marks = ",".join("?" * len(wanted.kinds))
        rows = self._select(
            "SELECT count(*) FROM record"  # noqa: S608 - marks only
            " WHERE log_no = ? AND seq >= ? AND seq < ? AND time_us >= ? AND time_us < ?"
            + (f" AND kind IN ({marks})" if wanted.kinds else ""),
            (log_no, *wanted[:4], *wanted.kinds),
        )
        return int(rows[0][0])

    def find_span(self, log_no: int, wanted: Range) -> tuple[int, int]:
        """Positions [first, end) that enclose every record of the range; (0, 0) for none."""
        rows = self._select(
            "SELECT min(seq), max(seq) FROM record WHERE log_no = ? AND seq >= ? AND seq < ?"
            " AND time_us >= ? AND time_us < ?",
            (log_no, *wanted[:4]),
        )
        first, last = rows[0]
        return (0, 0) if first is None else (first, last + 1)

    def read_hashes(self, log_no: int, level: int, first: int, end: int) -> list[bytes]:
        """Hashes [first, end) of a tile level; raises StoreUnsafe when some are missing."""
        if level == 0:
            sql = "SELECT hash FROM record WHERE log_no = ? AND seq >= ? AND seq < ? ORDER BY seq"
            rows = self._select(sql, (log_no, first, end))
        else:
            rows = self._select(
                "SELECT hash FROM block WHERE log_no = ? AND level = ? AND place >= ?"
                " AND place < ? ORDER BY place",
                (log_no, level, first, end),
            )
        if len(rows) != end - first:
            raise StoreUnsafe("hashes of the tree are missing")
        return [row[0] for row in rows]

    def add_intent(self, log_no: int, record_id: str, seq: int, boot: str) -> None:
        """Remember that this intent has no ending yet."""
        self._db.execute(
            "INSERT INTO open_intent (log_no, id, seq, boot) VALUES (?, ?, ?, ?)",
            (log_no, _bytes(record_id), seq, boot),
        )

    def has_intent(self, log_no: int, record_id: str) -> bool:
        """True while the intent has no ending."""
        rows = self._select(
            "SELECT 1 FROM open_intent WHERE log_no = ? AND id = ?", (log_no, _bytes(record_id))
        )
        return bool(rows)

    def end_intent(self, log_no: int, record_id: str) -> None:
        """Forget an intent that has its ending."""
        self._db.execute(
            "DELETE FROM open_intent WHERE log_no = ? AND id = ?", (log_no, _bytes(record_id))
        )

    def list_intents(self) -> list[tuple[str, str, str]]:
        """(tenant, id, boot) of every intent without an ending."""
        rows = self._select(
            "SELECT log.tenant_id, open_intent.id, open_intent.boot FROM open_intent"
            " JOIN log ON log.no = open_intent.log_no ORDER BY open_intent.log_no, open_intent.seq"
        )
        return [(tenant, str(uuid.UUID(bytes=raw)), boot) for tenant, raw, boot in rows]

    def add_sealed(self, log_no: int, record_id: str, name: str, key_id: str, box: bytes) -> None:
        """Keep a sealed value beside the log."""
        self._db.execute(
            "INSERT INTO sealed (log_no, id, name, key_id, box) VALUES (?, ?, ?, ?, ?)",
            (log_no, _bytes(record_id), name, key_id, box),
        )

    def list_sealed(self, log_no: int, record_id: str) -> dict[str, tuple[str, bytes]]:
        """Key id and box of each sealed value of a record, by name."""
        rows = self._select(
            "SELECT name, key_id, box FROM sealed WHERE log_no = ? AND id = ?",
            (log_no, _bytes(record_id)),
        )
        return {name: (key_id, box) for name, key_id, box in rows}

    def add_published(self, log_no: int, size: int, note: str) -> None:
        """Remember a checkpoint that left this installation."""
        self._db.execute(
            "INSERT OR IGNORE INTO published (log_no, size, note) VALUES (?, ?, ?)",
            (log_no, size, note),
        )

    def list_published(self, log_no: int, up_to: int) -> Sequence[tuple[int, str]]:
        """(size, signed note) of every published checkpoint up to a size."""
        rows: list[tuple[int, str]] = self._select(
            "SELECT size, note FROM published WHERE log_no = ? AND size <= ? ORDER BY size",
            (log_no, up_to),
        )
        return rows


def _bytes(record_id: str) -> bytes:
    return uuid.UUID(record_id).bytes
