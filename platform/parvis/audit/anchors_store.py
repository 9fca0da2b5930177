"""What others said about our heads: cosignatures, time stamps, proofs under the platform log.

An SQLite file beside the logs, `anchors.db`. Losing it loses no record and no proof that somebody
took home; it is asked for anew. Who asks is `anchors.py`; `export.py` puts it into folders.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import apsw

FILE_NAME = "anchors.db"
_KEEP_ALL_S = 24 * 3600
_SCHEMA = """
CREATE TABLE IF NOT EXISTS cosigned (
    log_id TEXT NOT NULL, size INTEGER NOT NULL, witness TEXT NOT NULL, time INTEGER NOT NULL,
    note TEXT NOT NULL, line TEXT NOT NULL, PRIMARY KEY (log_id, size, witness)
) STRICT;
CREATE TABLE IF NOT EXISTS stamped (
    log_id TEXT NOT NULL, size INTEGER NOT NULL, time INTEGER NOT NULL, authority TEXT NOT NULL,
    token BLOB NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS stamped_log ON stamped (log_id, size);
CREATE TABLE IF NOT EXISTS blinded (
    log_id TEXT PRIMARY KEY, seq INTEGER NOT NULL, salt TEXT NOT NULL, place INTEGER NOT NULL,
    path TEXT NOT NULL, head TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS trouble (
    log_id TEXT NOT NULL, name TEXT NOT NULL, time INTEGER NOT NULL, words TEXT NOT NULL,
    PRIMARY KEY (log_id, name)
) STRICT;
"""


class Stamp(NamedTuple):
    """A time-stamp token over the head of this size; `authority` is empty when untrusted."""

    size: int
    time: int
    authority: str
    token: bytes


class Blinded(NamedTuple):
    """A log's head among the heads of all: its place in record `seq` of the platform log."""

    seq: int
    salt: str
    place: int
    path: str
    head: str


class AnchorStore:
    """One connection for each call: several processes read, one at a time writes."""

    def __init__(self, audit_dir: Path) -> None:
        self._path = audit_dir / FILE_NAME
        with self._open() as db:
            db.execute("PRAGMA journal_mode=DELETE")
            db.execute(_SCHEMA)
        self._path.chmod(0o600)

    def add_cosignature(
        self, log_id: str, size: int, witness: str, when: int, note: str, line: str
    ) -> None:
        """Keep a witness's newest line for this head; older heads are thinned to one an hour."""
        with self._open() as db, db:
            db.execute(
                "INSERT OR REPLACE INTO cosigned VALUES (?, ?, ?, ?, ?, ?)",
                (log_id, size, witness, when, note, line),
            )
            db.execute(
                "DELETE FROM cosigned WHERE log_id = ? AND witness = ? AND time < ?"
                " AND size NOT IN (SELECT max(size) FROM cosigned WHERE log_id = ?"
                " AND witness = ? GROUP BY time / 3600)",
                (log_id, witness, when - _KEEP_ALL_S, log_id, witness),
            )

    def find_size(self, log_id: str, witness: str) -> int:
        """The newest size that this witness signed, 0 for none."""
        rows = self._select(
            "SELECT max(size) FROM cosigned WHERE log_id = ? AND witness = ?", (log_id, witness)
        )
        return int(rows[0][0] or 0)

    def list_lines(self, log_id: str) -> Mapping[int, Sequence[str]]:
        """Every cosignature line, by the size of the head."""
        found: dict[int, list[str]] = {}
        rows = self._select(
            "SELECT size, line FROM cosigned WHERE log_id = ? ORDER BY size, witness", (log_id,)
        )
        for size, line in rows:
            found.setdefault(size, []).append(line)
        return found

    def list_cosigned(self, log_id: str, limit: int) -> list[tuple[int, str, dict[str, int]]]:
        """(size, note, time by witness) of the newest cosigned heads, newest first."""
        rows = self._select(
            "SELECT size, note, witness, time FROM cosigned WHERE log_id = ? AND size IN"
            " (SELECT DISTINCT size FROM cosigned WHERE log_id = ? ORDER BY size DESC LIMIT ?)"
            " ORDER BY size DESC",
            (log_id, log_id, limit),
        )
        found: dict[int, tuple[str, dict[str, int]]] = {}
        for size, note, witness, when in rows:
            found.setdefault(size, (note, {}))[1][witness] = when
        return [(size, note, times) for size, (note, times) in found.items()]

    def add_stamp(self, log_id: str, stamp: Stamp) -> None:
        """Keep a token as it came."""
        with self._open() as db, db:
            db.execute("INSERT INTO stamped VALUES (?, ?, ?, ?, ?)", (log_id, *stamp))

    def list_stamps(self, log_id: str) -> list[Stamp]:
        """Every token, oldest first."""
        rows = self._select(
            "SELECT size, time, authority, token FROM stamped WHERE log_id = ? ORDER BY size, time",
            (log_id,),
        )
        return [Stamp(*row) for row in rows]

    def find_stamp(self, log_id: str) -> Stamp | None:
        """The newest token."""
        rows = self._select(
            "SELECT size, time, authority, token FROM stamped WHERE log_id = ?"
            " ORDER BY time DESC LIMIT 1",
            (log_id,),
        )
        return Stamp(*rows[0]) if rows else None

    def list_vouched(self, log_id: str) -> set[int]:
        """The sizes that witnesses signed, that bear a time stamp or that `log.heads` tells of."""
        rows = self._select(
            "SELECT size FROM cosigned WHERE log_id = ? UNION SELECT size FROM stamped"
            " WHERE log_id = ?",
            (log_id, log_id),
        )
        blinded = self.find_blinded(log_id)
        cited = [int(blinded.head.split("\n")[1])] if blinded else []
        return {*(row[0] for row in rows), *cited}

    def put_blinded(self, blinded: Mapping[str, Blinded]) -> None:
        """The newest place of each log's head among the heads of all."""
        with self._open() as db, db:
            db.executemany(
                "INSERT OR REPLACE INTO blinded VALUES (?, ?, ?, ?, ?, ?)",
                [(log_id, *found) for log_id, found in blinded.items()],
            )

    def find_blinded(self, log_id: str) -> Blinded | None:
        """Where the log's head is among the heads of all."""
        rows = self._select(
            "SELECT seq, salt, place, path, head FROM blinded WHERE log_id = ?", (log_id,)
        )
        return Blinded(*rows[0]) if rows else None

    def note_trouble(self, log_id: str, name: str, when: int, words: str) -> None:
        """What went wrong last with a witness or authority; empty words: it is well again."""
        with self._open() as db, db:
            if words:
                db.execute(
                    "INSERT OR REPLACE INTO trouble VALUES (?, ?, ?, ?)",
                    (log_id, name, when, words),
                )
            else:
                db.execute("DELETE FROM trouble WHERE log_id = ? AND name = ?", (log_id, name))

    def list_troubles(self, log_id: str) -> list[tuple[str, int, str]]:
        """(name, time, words) of everything that did not answer well."""
        return self._select(
            "SELECT name, time, words FROM trouble WHERE log_id = ? ORDER BY name", (log_id,)
        )

    def _select(self, sql: str, values: tuple[object, ...]) -> list[tuple]:  # type: ignore[type-arg]
        with self._open() as db:
            rows: list[tuple] = db.execute(sql, values).fetchall()  # type: ignore[type-arg]
        return rows

    @contextmanager
    def _open(self) -> Iterator[apsw.Connection]:
        with closing(apsw.Connection(str(self._path))) as db:
            db.set_busy_timeout(5000)
            yield db
