"""Alembic's entry: runs migrations on the engine that `parvis.db` hands over."""

from alembic import context
from sqlmodel import SQLModel

import parvis.tables  # noqa: F401 - registers the tables

engine = context.config.attributes["engine"]
with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        render_as_batch=True,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()
