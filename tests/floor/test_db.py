"""The database file: nobody but the service's own user opens it."""

from pathlib import Path

from sqlalchemy import text

from parvis.db import create_database_engine


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
