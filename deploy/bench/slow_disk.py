"""What a log costs on other disks: commits of SQLite that take longer, in this process."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from parvis.audit.sqlite_store import SqliteStore


@contextmanager
def slower(delay_s: float) -> Iterator[None]:
    """Each commit takes so much longer, holding the write lock, as a slower sync would."""
    commit = SqliteStore.commit

    def commit_late(store: SqliteStore) -> None:
        time.sleep(delay_s)
        commit(store)

    if delay_s:
        SqliteStore.commit = commit_late  # type: ignore[method-assign]
    try:
        yield
    finally:
        SqliteStore.commit = commit  # type: ignore[method-assign]
