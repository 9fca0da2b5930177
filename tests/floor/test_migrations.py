"""The migrations make exactly the tables that the code has, on both databases."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlmodel import SQLModel

import parvis.tables  # noqa: F401 - registers the tables
from parvis.db import (
    create_database_engine,
    find_schema_revision,
    get_head_revision,
    upgrade_database,
    wal_is_safe,
)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_migrations_and_tables_say_the_same(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path / 'x.db'}"
    if kind == "postgresql":
        url = request.getfixturevalue("postgres_url")
    engine = create_database_engine(url)
    assert find_schema_revision(engine) is None
    upgrade_database(engine)
    upgrade_database(engine)
    assert find_schema_revision(engine) == get_head_revision(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, SQLModel.metadata) == []
    engine.dispose()


@pytest.mark.parametrize(
    ("version", "safe"),
    [
        ((3, 40, 1), False),
        ((3, 44, 5), False),
        ((3, 44, 6), True),
        ((3, 45, 0), False),
        ((3, 50, 7), True),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
        ((3, 54, 0), True),
    ],
)
def test_the_write_ahead_log_is_used_only_where_it_is_safe(
    version: tuple[int, ...], safe: bool
) -> None:
    assert wal_is_safe(version) is safe
