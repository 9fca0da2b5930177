"""What every driver of the log's database does: rows in, rows out, in SQL that all of them speak.

One database for the logs of all agencies, because a sync is per file. What the rows mean, who may
write and when a commit counts is `writer.py`'s business. How a connection is opened, configured
and made durable is the driver's (`sqlite_store.py`, `postgres_store.py`).
"""

import uuid
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from parvis.audit.packing import pack, unpack
from parvis.audit.rows import (
    Change,
    ClosedRow,
    HeadRow,
    KeyRow,
    LogRow,
    Position,
    Range,
    RecordRow,
    TurnRow,
)
from parvis.audit.store_hashes import HashRows
from parvis.audit.store_published import PublishedRows
from parvis.audit.store_statements import StoreUnsafe

__all__ = ["Occupied", "Store", "StoreBusy", "StoreFault", "StoreUnsafe"]

_WIDTHS = (1, 4, 8, 16, 32, 64, 128, 512)  # of lists of ids: each statement is prepared once
_COLUMNS = {
    "record": ("log_no", "seq", "id", "time_us", "kind", "hash", "leaf"),
    "block": ("log_no", "level", "place", "hash"),
    "tile": ("log_no", "level", "place", "hashes"),
    "open_intent": ("log_no", "id", "seq", "boot"),
    "sealed": ("log_no", "id", "name", "key_id", "box"),
    "turn": ("log_no", "seq", "kind", "public_key", "time_us", "leaf", "note"),
    "closed": ("log_id", "tenant_id", "platform_id", "seq"),
}
_LOG = (
    "SELECT no, id, tenant_id, origin, coalesce((SELECT turn.public_key FROM turn"
    " WHERE turn.log_no = log.no AND turn.kind = 'key.rotated' ORDER BY turn.seq DESC LIMIT 1),"
    " log.public_key) FROM log"
)


class Occupied(Exception):
    """Another process writes these logs."""


class StoreFault(Exception):
    """The database failed: what was under way may or may not be stored."""


class StoreBusy(StoreFault):
    """Nothing was stored and nothing is broken: the disk is full, or a lock was not to be had."""


class Store(PublishedRows, HashRows):
    """One connection. MUST be opened after a fork; one thread at a time. Raises StoreFault."""

    @abstractmethod
    def begin(self) -> None:
        """Start the one writing transaction."""

    @abstractmethod
    def begin_reading(self) -> None:
        """Hold one state of the database until `rollback`."""

    @abstractmethod
    def commit(self) -> None:
        """Make it durable: returns after the sync."""

    @abstractmethod
    def rollback(self) -> None:
        """Forget the transaction, if there is one."""

    @abstractmethod
    def wipe(self) -> None:
        """Let nothing that was deleted stay in the database's own files. Outside transactions.

        Raises StoreBusy, soon, while somebody reads it.
        """

    @abstractmethod
    def close(self) -> None:
        """Release the connection."""

    def add_log(self, log_id: str, tenant_id: str, origin: str, public_key: bytes) -> LogRow:
        """A new log, without records."""
        no = self._select("SELECT coalesce(max(no), 0) + 1 FROM log")[0][0]
        self._run(
            "INSERT INTO log (no, id, tenant_id, origin, public_key) VALUES (?, ?, ?, ?, ?)",
            (no, log_id, tenant_id, origin, public_key),
        )
        return LogRow(no, log_id, tenant_id, origin, public_key)

    def find_log(self, tenant_id: str) -> LogRow | None:
        """The agency's log."""
        rows = self._select(f"{_LOG} WHERE tenant_id = ? ORDER BY no DESC LIMIT 1", (tenant_id,))
        return LogRow(*rows[0]) if rows else None

    def find_log_by_id(self, log_id: str) -> LogRow | None:
        """The log of this id, also one whose place another log has taken."""
        rows = self._select(f"{_LOG} WHERE id = ?", (log_id,))
        return LogRow(*rows[0]) if rows else None

    def list_logs(self) -> list[LogRow]:
        """Every agency's log, oldest first."""
        newest = "WHERE no IN (SELECT max(no) FROM log GROUP BY tenant_id)"
        return [LogRow(*row) for row in self._select(f"{_LOG} {newest} ORDER BY no")]

    def list_all_logs(self) -> list[LogRow]:
        """Every log, also those whose place another one has taken, oldest first."""
        return [LogRow(*row) for row in self._select(f"{_LOG} ORDER BY no")]

    def add_turn(self, log_no: int, turn: TurnRow) -> None:
        """Remember a record about the log's own keys."""
        self._insert_for(log_no, "turn", [turn])

    def list_turns(self, log_no: int) -> list[TurnRow]:
        """The records about the log's own keys, by position; they outlive pruning."""
        rows = self._select(
            "SELECT seq, kind, public_key, time_us, leaf, note FROM turn WHERE log_no = ?"
            " ORDER BY seq",
            (log_no,),
        )
        return [TurnRow(*row) for row in rows]

    def list_keys(self, log_no: int) -> list[KeyRow]:
        """Every key of the log, the first one first."""
        first = self._select("SELECT public_key FROM log WHERE no = ?", (log_no,))
        keys = [KeyRow(0, row[0]) for row in first]
        turns = [turn for turn in self.list_turns(log_no) if turn.kind == "key.rotated"]
        return keys + [KeyRow(turn.seq + 1, turn.public_key) for turn in turns]

    def add_closed(self, closed: ClosedRow) -> None:
        """Remember that a log takes no more records."""
        self._insert("closed", _COLUMNS["closed"], [closed])

    def list_closed(self) -> dict[str, ClosedRow]:
        """The logs that take no more records, by id."""
        rows = self._select("SELECT log_id, tenant_id, platform_id, seq FROM closed")
        return {row[0]: ClosedRow(*row) for row in rows}

    def drop_intents(self, log_no: int) -> None:
        """Forget which intents of a log are open: none of them can be ended in it."""
        self._run("DELETE FROM open_intent WHERE log_no = ?", (log_no,))

    def find_head(self, log_no: int) -> HeadRow | None:
        """Where the log stands."""
        rows = self._select(
            "SELECT size, root, frontier, last_us, note FROM head WHERE log_no = ?", (log_no,)
        )
        return HeadRow(*rows[0]) if rows else None

    def put_head(self, log_no: int, head: HeadRow) -> None:
        """Where the log stands now."""
        self._run(
            "INSERT INTO head (log_no, size, root, frontier, last_us, note)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (log_no) DO UPDATE SET size = excluded.size,"
            " root = excluded.root, frontier = excluded.frontier, last_us = excluded.last_us,"
            " note = excluded.note",
            (log_no, *head),
        )

    def write(self, log_no: int, change: Change) -> int:
        """Everything that a transaction adds to a log; bytes of its records and sealed values."""
        records = [
            (row.seq, _bytes(record_id), row.time_us, row.kind, row.hash, pack(row.leaf))
            for record_id, row in change.records
        ]
        self._insert_for(log_no, "record", records)
        self._insert_for(log_no, "block", change.blocks)
        self._insert_for(log_no, "tile", self._gather_tiles(log_no, change.blocks))
        begun = ((_bytes(intent), seq, boot) for intent, seq, boot in change.begun)
        self._insert_for(log_no, "open_intent", begun)
        for intent in change.ended:
            values = (log_no, _bytes(intent))
            self._run("DELETE FROM open_intent WHERE log_no = ? AND id = ?", values)
        sealed = [(_bytes(one[0]), one[1], one[2], one[3]) for one in change.sealed]
        self._insert_for(log_no, "sealed", sealed)
        for turn in change.turns:
            self.add_turn(log_no, turn)
            if turn.note:  # the head of a change of keys is needed for ever
                self.add_published(log_no, turn.seq + 1, turn.note)
        for boot, count in change.emitters.items():
            self._run(
                "INSERT INTO emitter (log_no, boot, n) VALUES (?, ?, ?)"
                " ON CONFLICT (log_no, boot) DO UPDATE SET n = excluded.n",
                (log_no, boot, count),
            )
        size = sum([len(one[-1]) for one in records]) + sum([len(one[-1]) for one in sealed])
        self._use(log_no, size)
        if change.head is not None:
            self.put_head(log_no, change.head)
        return size

    def _insert_for(self, log_no: int, table: str, rows: Iterable[Sequence[Any]]) -> None:
        listed = [(log_no, *row) for row in rows]
        if listed:
            self._insert(table, _COLUMNS[table], listed)

    def _use(self, log_no: int, size: int) -> None:
        if size:
            self._run(
                "INSERT INTO usage (log_no, bytes) VALUES (?, ?)"
                " ON CONFLICT (log_no) DO UPDATE SET bytes = usage.bytes + excluded.bytes",
                (log_no, size),
            )

    def find_usage(self, log_no: int) -> int:
        """Bytes of records and sealed values that the log keeps."""
        rows = self._select("SELECT bytes FROM usage WHERE log_no = ?", (log_no,))
        return int(rows[0][0]) if rows else 0

    def find_emitted(self, log_no: int, boot: str) -> int:
        """How many records this life of a process has in the log."""
        rows = self._select("SELECT n FROM emitter WHERE log_no = ? AND boot = ?", (log_no, boot))
        return int(rows[0][0]) if rows else 0

    def forget_emitter(self, boot: str) -> None:
        """Drop the count of a life that has ended."""
        self._run("DELETE FROM emitter WHERE boot = ?", (boot,))

    def find_positions(self, log_no: int, record_ids: Sequence[str]) -> dict[str, Position]:
        """Which of these records the log holds, and where."""
        return {
            str(uuid.UUID(bytes=bytes(row[0]))): Position(*row[1:])
            for row in self._select_in(
                "SELECT id, seq, kind, hash FROM record WHERE log_no = ? AND id IN",
                log_no,
                record_ids,
            )
        }

    def find_position(self, log_no: int, record_id: str) -> Position | None:
        """Where this record stands."""
        return self.find_positions(log_no, [record_id]).get(record_id)

    def find_intents(self, log_no: int, record_ids: Sequence[str]) -> set[str]:
        """Which of these are intents without an ending."""
        rows = self._select_in(
            "SELECT id FROM open_intent WHERE log_no = ? AND id IN", log_no, record_ids
        )
        return {str(uuid.UUID(bytes=bytes(row[0]))) for row in rows}

    def _select_in(self, sql: str, log_no: int, record_ids: Sequence[str]) -> list[Any]:
        found = []
        for at in range(0, len(record_ids), _WIDTHS[-1]):
            part = [_bytes(one) for one in record_ids[at : at + _WIDTHS[-1]]]
            width = next(width for width in _WIDTHS if width >= len(part))
            part += part[-1:] * (width - len(part))
            found += self._select(f"{sql} ({_marks(part)})", (log_no, *part))
        return found

    def find_record(self, log_no: int, seq: int) -> RecordRow | None:
        """The record at this position."""
        found = self.list_records(log_no, Range(seq, seq + 1), limit=1)
        return found[0] if found else None

    def find_time_from(self, log_no: int, seq: int) -> int | None:
        """When the first record at or after this position was written (us since 1970)."""
        sql = "SELECT time_us FROM record WHERE log_no = ? AND seq >= ? ORDER BY seq LIMIT 1"
        rows = self._select(sql, (log_no, seq))
        return int(rows[0][0]) if rows else None

    def list_records(
        self, log_no: int, wanted: Range, *, limit: int, newest_first: bool = False
    ) -> list[RecordRow]:
        """At most `limit` records of the range, by position."""
        order = "DESC" if newest_first else "ASC"
        where, values = _where(log_no, wanted)
        rows = self._select(
            f"SELECT seq, time_us, kind, hash, leaf FROM record {where}"  # noqa: S608 - marks only
            f" ORDER BY seq {order} LIMIT ?",
            (*values, limit),
        )
        return [
            RecordRow(seq, time_us, kind, hashed, unpack(kept, hashed))
            for seq, time_us, kind, hashed, kept in rows
        ]

    def count_records(self, log_no: int, wanted: Range) -> int:
        """How many records the range holds."""
        where, values = _where(log_no, wanted)
        return int(self._select(f"SELECT count(*) FROM record {where}", values)[0][0])  # noqa: S608

    def find_span(self, log_no: int, wanted: Range) -> tuple[int, int]:
        """Positions [first, end) that enclose every record of the range; (0, 0) for none."""
        where, values = _where(log_no, wanted._replace(kinds=()))
        rows = self._select(f"SELECT min(seq), max(seq) FROM record {where}", values)  # noqa: S608
        first, last = rows[0]
        return (0, 0) if first is None else (first, last + 1)

    def list_intents(self) -> list[tuple[str, str, str]]:
        """(tenant, id, boot) of every intent without an ending."""
        rows = self._select(
            "SELECT log.tenant_id, open_intent.id, open_intent.boot FROM open_intent"
            " JOIN log ON log.no = open_intent.log_no ORDER BY open_intent.log_no, open_intent.seq"
        )
        return [(tenant, str(uuid.UUID(bytes=raw)), boot) for tenant, raw, boot in rows]

    def list_sealed(self, log_no: int, record_id: str) -> dict[str, tuple[str, bytes]]:
        """Key id and box of each sealed value of a record, by name."""
        rows = self._select(
            "SELECT name, key_id, box FROM sealed WHERE log_no = ? AND id = ?",
            (log_no, _bytes(record_id)),
        )
        return {name: (key_id, box) for name, key_id, box in rows}

    def list_sealed_under(self, log_no: int, key_id: str) -> list[tuple[int, str]]:
        """(position, name) of every value sealed under one data key."""
        rows = self._select(
            "SELECT record.seq, sealed.name FROM sealed JOIN record"
            " ON record.log_no = sealed.log_no AND record.id = sealed.id"
            " WHERE sealed.log_no = ? AND sealed.key_id = ? ORDER BY record.seq, sealed.name",
            (log_no, key_id),
        )
        return [(row[0], row[1]) for row in rows]

    def list_sealing_keys(self, log_no: int) -> set[str]:
        """Ids of the data keys under which anything is kept beside the log."""
        rows = self._select("SELECT DISTINCT key_id FROM sealed WHERE log_no = ?", (log_no,))
        return {str(row[0]) for row in rows}

    def list_sealed_between(self, log_no: int, first: int, end: int) -> set[tuple[int, str, str]]:
        """(position, name, key id) of every value kept beside the records [first, end)."""
        rows = self._select(
            "SELECT record.seq, sealed.name, sealed.key_id FROM record JOIN sealed"
            " ON record.log_no = sealed.log_no AND record.id = sealed.id"
            " WHERE record.log_no = ? AND record.seq >= ? AND record.seq < ?",
            (log_no, first, end),
        )
        return {(row[0], row[1], row[2]) for row in rows}

    def delete_sealed(self, log_no: int, key_id: str) -> int:
        """Delete every sealed value under one data key; gives how many there were."""
        where = "WHERE log_no = ? AND key_id = ?"
        return self._drop_sealed(log_no, where, (log_no, key_id))

    def _drop_sealed(self, log_no: int, where: str, values: Sequence[Any]) -> int:
        size = f"SELECT coalesce(sum(length(box)), 0) FROM sealed {where}"  # noqa: S608 - our own
        self._use(log_no, -int(self._select(size, values)[0][0]))
        return self._run(f"DELETE FROM sealed {where}", values)  # noqa: S608 - our own

    def find_minimum(self, log_no: int) -> int:
        """The minimum index (c2sp.org/tlog-tiles): records below it were pruned."""
        rows = self._select("SELECT end_seq FROM pruned WHERE log_no = ?", (log_no,))
        return int(rows[0][0]) if rows else 0

    def prune(self, log_no: int, end_seq: int) -> None:
        """Drop records and sealed values below `end_seq`; hashes stay. Only ever grows."""
        first = self.find_minimum(log_no)
        if end_seq <= first:
            return
        values = (log_no, first, end_seq)
        inside = "log_no = ? AND seq >= ? AND seq < ?"
        self._drop_sealed(
            log_no,
            f"WHERE log_no = ? AND id IN (SELECT id FROM record WHERE {inside})",  # noqa: S608
            (log_no, *values),
        )
        size = f"SELECT coalesce(sum(length(leaf)), 0) FROM record WHERE {inside}"  # noqa: S608
        self._use(log_no, -int(self._select(size, values)[0][0]))
        self._blank(log_no, first, end_seq)
        self._run(
            "INSERT INTO pruned (log_no, end_seq) VALUES (?, ?)"
            " ON CONFLICT (log_no) DO UPDATE SET end_seq = excluded.end_seq",
            (log_no, end_seq),
        )

    def _blank(self, log_no: int, first: int, end_seq: int) -> None:
        """Of a pruned record only position and hash stay; the id makes room for its position."""
        for seq in range(first, end_seq):
            self._run(
                "UPDATE record SET leaf = ?, kind = '', time_us = 0, id = ?"
                " WHERE log_no = ? AND seq = ?",
                (b"", seq.to_bytes(16, "big"), log_no, seq),
            )


def _where(log_no: int, wanted: Range) -> tuple[str, tuple[Any, ...]]:
    where = "WHERE log_no = ? AND seq >= ? AND seq < ? AND time_us >= ? AND time_us < ?"
    if wanted.kinds:
        where += f" AND kind IN ({_marks(wanted.kinds)})"
    return where, (log_no, *wanted[:4], *wanted.kinds)


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))


@lru_cache(4096)  # each id is needed for its record, its sealed values and its intent
def _bytes(record_id: str) -> bytes:
    return bytes.fromhex(record_id.replace("-", ""))
