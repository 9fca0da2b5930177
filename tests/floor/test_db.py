"""The database file: nobody but the service's own user opens it."""

import logging
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import event, text
from sqlmodel import Session

from parvis.db import DatabaseUnavailable, create_database_engine, open_session


def insert(session: Session, number: int) -> None:
    session.connection().execute(text("INSERT INTO t VALUES (:number)"), {"number": number})


def test_a_new_database_and_its_journal_are_the_services_alone(tmp_path: Path) -> None:
    file = tmp_path / "data" / "parvis.db"
    engine = create_database_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE t (x INTEGER)"))
        connection.execute(text("INSERT INTO t VALUES (1)"))
        found = {path.name: path.stat().st_mode & 0o077 for path in file.parent.iterdir()}
    engine.dispose()
    assert len(found) > 1
    assert set(found.values()) == {0}
    assert file.parent.stat().st_mode & 0o077 == 0


def test_a_database_that_is_locked_is_unavailable_until_it_is_free(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "parvis.db"
    engine = create_database_engine(f"sqlite:///{file}")
    event.listen(engine, "connect", lambda one, _: one.execute("PRAGMA busy_timeout=0"))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE t (x INTEGER)"))
    with closing(sqlite3.connect(file)) as other:
        other.execute("BEGIN IMMEDIATE")
        with caplog.at_level(logging.ERROR), pytest.raises(DatabaseUnavailable) as refused:
            with open_session(engine) as session:
                insert(session, 4711)
        other.rollback()
    assert (refused.value.status, refused.value.code) == (503, "service_unavailable")
    assert caplog.records[-1].fault == "OperationalError SQLITE_BUSY"  # type: ignore[attr-defined]
    assert "4711" not in caplog.text
    with open_session(engine) as session:
        insert(session, 1)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT x FROM t")).scalars().all() == [1]
    engine.dispose()


def test_a_database_that_is_away_is_unavailable() -> None:
    engine = create_database_engine("postgresql+psycopg://nobody:secret@127.0.0.1:1/none")
    with pytest.raises(DatabaseUnavailable) as refused, open_session(engine) as session:
        insert(session, 1)
    assert "secret" not in refused.value.message
    engine.dispose()
