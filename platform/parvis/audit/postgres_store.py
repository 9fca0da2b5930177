"""The log's database in PostgreSQL: one writer at a time, by a lock and by a number.

The writer holds an advisory lock for its session. When it loses the session without noticing, the
next leader raises `leader.epoch`; each transaction of the old one then finds a number that is not
its own and fails. Durability is asked for and read back, never assumed.
"""

import contextlib
import logging
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any, TypeVar

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus

from parvis.audit.store import Occupied, Store, StoreBusy, StoreFault, StoreUnsafe

log = logging.getLogger(__name__)

SCHEMA = "parvis_audit"
_LOCK = 0x706172766973  # the advisory lock of the one writer
_TABLES = """
CREATE SCHEMA IF NOT EXISTS parvis_audit;
CREATE TABLE log (
    no bigint PRIMARY KEY, id text NOT NULL UNIQUE, tenant_id text NOT NULL,
    origin text NOT NULL, public_key bytea NOT NULL
);
CREATE TABLE head (
    log_no bigint PRIMARY KEY REFERENCES log, size bigint NOT NULL, root bytea NOT NULL,
    frontier bytea NOT NULL, last_us bigint NOT NULL, note text NOT NULL
);
CREATE TABLE record (
    log_no bigint NOT NULL, seq bigint NOT NULL, id bytea NOT NULL, time_us bigint NOT NULL,
    kind text NOT NULL, hash bytea NOT NULL, leaf bytea NOT NULL,
    PRIMARY KEY (log_no, seq), UNIQUE (log_no, id)
);
CREATE INDEX record_kind ON record (log_no, kind, seq);
CREATE TABLE block (
    log_no bigint NOT NULL, level bigint NOT NULL, place bigint NOT NULL, hash bytea NOT NULL,
    PRIMARY KEY (log_no, level, place)
);
CREATE TABLE open_intent (
    log_no bigint NOT NULL, id bytea NOT NULL, seq bigint NOT NULL, boot text NOT NULL,
    PRIMARY KEY (log_no, id)
);
CREATE TABLE sealed (
    log_no bigint NOT NULL, id bytea NOT NULL, name text NOT NULL, key_id text NOT NULL,
    box bytea NOT NULL, PRIMARY KEY (log_no, id, name)
);
CREATE INDEX sealed_key ON sealed (log_no, key_id);
CREATE TABLE published (
    log_no bigint NOT NULL, size bigint NOT NULL, note text NOT NULL, PRIMARY KEY (log_no, size)
);
CREATE TABLE emitter (
    log_no bigint NOT NULL, boot text NOT NULL, n bigint NOT NULL, PRIMARY KEY (log_no, boot)
);
CREATE TABLE usage (log_no bigint PRIMARY KEY, bytes bigint NOT NULL);
CREATE TABLE pruned (log_no bigint PRIMARY KEY, end_seq bigint NOT NULL);
CREATE TABLE leader (epoch bigint NOT NULL);
INSERT INTO leader VALUES (0);
"""
_KEYS = """
ALTER TABLE log DROP CONSTRAINT IF EXISTS log_tenant_id_key;
CREATE INDEX log_tenant ON log (tenant_id, no);
CREATE TABLE turn (
    log_no bigint NOT NULL, seq bigint NOT NULL, kind text NOT NULL, public_key bytea NOT NULL,
    time_us bigint NOT NULL, leaf bytea NOT NULL, note text NOT NULL, PRIMARY KEY (log_no, seq)
);
CREATE TABLE closed (
    log_id text PRIMARY KEY, tenant_id text NOT NULL, platform_id text NOT NULL, seq bigint NOT NULL
);
"""
_COSIGNERS = """
CREATE TABLE cosigner (
    log_no bigint NOT NULL, public_key bytea NOT NULL, vkey text NOT NULL,
    PRIMARY KEY (log_no, public_key)
);
"""
_TILES = """
CREATE TABLE tile (
    log_no bigint NOT NULL, level bigint NOT NULL, place bigint NOT NULL, hashes bytea NOT NULL,
    PRIMARY KEY (log_no, level, place)
);
ALTER TABLE tile ALTER COLUMN hashes SET STORAGE EXTERNAL;
"""
_TYPES = {
    "record": ("int8", "int8", "bytea", "int8", "text", "bytea", "bytea"),
    "block": ("int8", "int8", "int8", "bytea"),
    "tile": ("int8", "int8", "int8", "bytea"),
    "open_intent": ("int8", "bytea", "int8", "text"),
    "sealed": ("int8", "bytea", "text", "text", "bytea"),
    "turn": ("int8", "int8", "text", "bytea", "int8", "bytea", "text"),
    "closed": ("text", "text", "text", "int8"),
}
_WANTED = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
# the lead of a machine that is gone without a word is free after a minute, not after two hours
_ALIVE = "-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3"
_OPTIONS = f"-c search_path={SCHEMA} -c lock_timeout=5s -c statement_timeout=60s {_ALIVE}"
_STANDBYS = "SHOW synchronous_standby_names"
_PASSING = (errors.DiskFull, errors.LockNotAvailable, errors.QueryCanceled)

Value = TypeVar("Value")


class PostgresStore(Store):
    """One session; a writing one makes the tables, leads, and is fenced when another leads."""

    def __init__(self, url: str, *, read_only: bool = False) -> None:
        self._url = url
        self._read_only = read_only
        self._epoch = 0
        self._db = _attempt(lambda: _connect(url, read_only=read_only))
        if read_only:
            return
        try:
            self._lead()
        except BaseException:
            self._db.close()
            raise

    def _lead(self) -> None:
        self._run("SET synchronous_commit = on")
        for name, wanted in _WANTED.items():
            if self._select(f"SHOW {name}")[0][0] != wanted:
                raise StoreUnsafe(f"PostgreSQL runs with {name} not {wanted}")
        if not self._select("SELECT pg_try_advisory_lock(?)", (_LOCK,))[0][0]:
            raise Occupied("another sequencer writes these logs")
        for table, sql in (
            ("leader", _TABLES),
            ("turn", _KEYS),
            ("cosigner", _COSIGNERS),
            ("tile", _TILES),
        ):
            if not self._select("SELECT to_regclass(?) IS NOT NULL", (f"{SCHEMA}.{table}",))[0][0]:
                self._run("BEGIN")
                self._run(sql)
                self._run("COMMIT")
        self._epoch = self._select("UPDATE leader SET epoch = epoch + 1 RETURNING epoch")[0][0]
        if _has_reserve(self._url) and not self._select(_STANDBYS)[0][0]:
            log.warning("audit.no_standby")

    def _session(self) -> "psycopg.Connection[Any]":
        if self._read_only and self._db.closed:  # the server was away: a reader looks again
            self._db = _connect(self._url, read_only=True)
        return self._db

    def _select(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        return _attempt(lambda: self._execute(sql, values).fetchall())

    def _run(self, sql: str, values: Sequence[Any] = ()) -> int:
        return _attempt(lambda: self._execute(sql, values).rowcount)

    def _execute(self, sql: str, values: Sequence[Any]) -> "psycopg.Cursor[Any]":
        # without values: several statements at once are allowed
        return self._session().execute(_marked(sql), tuple(values) or None)

    def _insert(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        sql = f"COPY {table} ({','.join(columns)}) FROM STDIN (FORMAT BINARY)"

        def copy() -> None:
            with self._db.cursor() as cursor, cursor.copy(sql.encode()) as stream:
                stream.set_types(_TYPES[table])
                for row in rows:
                    stream.write_row(row)

        _attempt(copy)

    def begin(self) -> None:
        """Start the one writing transaction; raises StoreUnsafe when another sequencer leads."""
        self._run("BEGIN")
        if self._run("UPDATE leader SET epoch = epoch WHERE epoch = ?", (self._epoch,)) != 1:
            raise StoreUnsafe("another sequencer leads: this one may not write any more")

    def begin_reading(self) -> None:
        """Hold one state of the database until `rollback`."""
        self._run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    def commit(self) -> None:
        """Make it durable: returns after the sync."""
        self._run("COMMIT")

    def rollback(self) -> None:
        """Forget the transaction, if there is one."""
        if not self._db.closed and self._db.info.transaction_status != TransactionStatus.IDLE:
            with contextlib.suppress(StoreFault):  # a session that is gone has forgotten it
                self._run("ROLLBACK")

    def wipe(self) -> None:
        """Free the room of deleted rows (their bytes leave with the archives of the server)."""
        self._run("VACUUM sealed")
        self._run("VACUUM record")

    def close(self) -> None:
        """End the session, and with it the lock."""
        self._db.close()


def has_tables(url: str) -> bool:
    """True when a sequencer made its tables there. Raises StoreFault."""

    def look() -> bool:
        with _connect(url, read_only=True) as session:
            row = session.execute("SELECT to_regclass(%s)", (f"{SCHEMA}.leader",)).fetchone()
            return row is not None and row[0] is not None

    return _attempt(look)


def lacks_standby(url: str) -> bool:
    """True when the address names several servers and the leading one waits for none of them.

    What it acknowledges would then be lost with it. Raises StoreFault.
    """

    def look() -> bool:
        with _connect(url, read_only=True) as session:
            row = session.execute(_STANDBYS.encode()).fetchone()
            return not (row and row[0])

    return _has_reserve(url) and _attempt(look)


def _has_reserve(url: str) -> bool:
    return "," in str(conninfo_to_dict(_address(url)).get("host", ""))


def _address(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def _connect(url: str, *, read_only: bool) -> "psycopg.Connection[Any]":
    options = _OPTIONS + (" -c default_transaction_read_only=on" if read_only else "")
    address = make_conninfo(_address(url), options=options, connect_timeout=5)
    if read_only and conninfo_to_dict(address).get("target_session_attrs") == "read-write":
        # a session that only reads is never read-write
        address = make_conninfo(address, target_session_attrs="primary")
    return psycopg.connect(address, autocommit=True)


@cache
def _marked(sql: str) -> bytes:
    return sql.replace("?", "%s").encode()


def _attempt(action: Callable[[], Value]) -> Value:
    try:
        return action()
    except _PASSING as error:
        raise StoreBusy(type(error).__name__) from error
    except psycopg.Error as error:  # its words may hold an address
        raise StoreFault(type(error).__name__) from None
