"""The application's database: engine, sessions, migrations. SQLite or PostgreSQL by address."""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlmodel import Session

from parvis.errors import Unavailable

log = logging.getLogger(__name__)

# the write-ahead log of older libraries can lose committed data when two connections checkpoint
_WAL_FIXED = ((3, 51, 3), (3, 50, 7), (3, 44, 6))


class DatabaseUnavailable(Unavailable):
    """The database is locked, full, away or has no connection free: trying again may help."""

    default_retry_s = 5


def wal_is_safe(version: tuple[int, ...]) -> bool:
    """True when this SQLite version has the WAL-reset fix (sqlite.org, 3.51.3 and back-ports)."""
    if version >= _WAL_FIXED[0]:
        return True
    return any(version[:2] == fixed[:2] and version >= fixed for fixed in _WAL_FIXED[1:])


def create_database_engine(url: str) -> Engine:
    """An engine for `url`; MUST be made after a fork. SQLite: full sync, foreign keys on."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed, pool_pre_ping=True, pool_size=8, max_overflow=24)
    if parsed.database and parsed.database != ":memory:":
        file = Path(parsed.database)
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # other users of the machine have no business here; SQLite's journals take the same mode
        file.touch(mode=0o600)
    engine = create_engine(parsed, connect_args={"timeout": 10})
    journal = "WAL" if wal_is_safe(sqlite3.sqlite_version_info) else "DELETE"

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        for pragma in (f"journal_mode={journal}", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}").close()
        connection.execute("PRAGMA secure_delete=ON").close()

    return engine


@contextmanager
def open_session(engine: Engine) -> Iterator[Session]:
    """One transaction: committed at the end, rolled back on an exception.

    MUST NOT stay open while a model answers. Raises DatabaseUnavailable.
    """
    try:
        with Session(engine, expire_on_commit=False) as session:
            try:
                yield session
                session.commit()
            except BaseException:
                session.rollback()
                raise
    except (OperationalError, NoConnectionFree) as error:
        log.error("database.failed", extra={"fault": _describe_fault(error)})
        raise DatabaseUnavailable from error


def _describe_fault(error: OperationalError | NoConnectionFree) -> str:
    """Names only: the words of a driver may hold an address with a password, or values."""
    cause = getattr(error, "orig", None) or error
    code = getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None)
    return f"{type(cause).__name__} {code}" if code else type(cause).__name__


def wipe_deleted(engine: Engine) -> None:
    """Push what was deleted out of the database's own files, as far as it lets us.

    SQLite overwrites deleted pages (`secure_delete`) and its write-ahead log is emptied here.
    PostgreSQL is vacuumed; its archive of write-ahead logs dies by the operator's own limit.
    """
    statement = "PRAGMA wal_checkpoint(TRUNCATE)"
    if engine.url.get_backend_name() != "sqlite":
        statement = "VACUUM"
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(statement).close()


def _alembic(engine: Engine) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["engine"] = engine
    return config


def upgrade_database(engine: Engine) -> None:
    """Bring the schema to this version's; does nothing when it is there."""
    command.upgrade(_alembic(engine), "head")


def find_schema_revision(engine: Engine) -> str | None:
    """The revision the database is at; None for an empty one."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def require_current(engine: Engine) -> None:
    """Raises Unavailable, with what to do, when the database cannot serve this version."""
    try:
        found = find_schema_revision(engine)
    except DBAPIError as error:
        words = f"the database cannot be reached ({type(error.orig).__name__})"
        raise Unavailable(f"{words}: PARVIS_DATABASE_URL") from error
    if found != get_head_revision(engine):
        raise Unavailable("the database is not at this version: run `parvis db upgrade`")


def get_head_revision(engine: Engine) -> str:
    """The revision this version of Parvis wants."""
    head = ScriptDirectory.from_config(_alembic(engine)).get_current_head()
    assert head is not None  # noqa: S101 - the first migration ships with the package
    return head
