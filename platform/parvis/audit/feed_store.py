"""How far each feed is in each log: an SQLite file beside the logs, `feeds.db`.

A row changes only after the receiver has taken what it counts. Losing the file means sending again,
never losing. On several machines it belongs to the one that runs the feeds.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import apsw

FILE_NAME = "feeds.db"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS cursor (
    feed TEXT NOT NULL, log_id TEXT NOT NULL, next_seq INTEGER NOT NULL, digest TEXT NOT NULL,
    lost INTEGER NOT NULL, PRIMARY KEY (feed, log_id)
) STRICT;
CREATE TABLE IF NOT EXISTS trouble (
    feed TEXT PRIMARY KEY, time INTEGER NOT NULL, words TEXT NOT NULL
) STRICT;
"""


class Cursor(NamedTuple):
    """`next_seq` is the first record not yet taken; `lost` counts those pruned before they were.

    `digest` is that of the feed's declaration when its log was told of it.
    """

    next_seq: int
    digest: str
    lost: int = 0


class FeedStore:
    """One connection for each call: several processes read, one at a time writes."""

    def __init__(self, audit_dir: Path) -> None:
        self._path = audit_dir / FILE_NAME
        with self._open() as db:
            db.execute("PRAGMA journal_mode=DELETE")
            db.execute(_SCHEMA)
        self._path.chmod(0o600)

    def find_cursor(self, feed: str, log_id: str) -> Cursor | None:
        """How far the feed is in this log; None before its first turn."""
        with self._open() as db:
            rows: list[Any] = db.execute(
                "SELECT next_seq, digest, lost FROM cursor WHERE feed = ? AND log_id = ?",
                (feed, log_id),
            ).fetchall()
        return Cursor(*rows[0]) if rows else None

    def put_cursor(self, feed: str, log_id: str, cursor: Cursor) -> None:
        """Durable when this returns."""
        with self._open() as db, db:
            db.execute(
                "INSERT OR REPLACE INTO cursor VALUES (?, ?, ?, ?, ?)", (feed, log_id, *cursor)
            )

    def note_trouble(self, feed: str, when: int, words: str) -> None:
        """What went wrong last; empty words: it is well again."""
        with self._open() as db, db:
            if words:
                db.execute("INSERT OR REPLACE INTO trouble VALUES (?, ?, ?)", (feed, when, words))
            else:
                db.execute("DELETE FROM trouble WHERE feed = ?", (feed,))

    def find_trouble(self, feed: str) -> tuple[int, str] | None:
        """(time, words) of what went wrong last."""
        with self._open() as db:
            rows: list[Any] = db.execute(
                "SELECT time, words FROM trouble WHERE feed = ?", (feed,)
            ).fetchall()
        return (rows[0][0], rows[0][1]) if rows else None

    @contextmanager
    def _open(self) -> Iterator[apsw.Connection]:
        with closing(apsw.Connection(str(self._path))) as db:
            db.set_busy_timeout(5000)
            db.execute("PRAGMA synchronous=FULL")
            yield db
