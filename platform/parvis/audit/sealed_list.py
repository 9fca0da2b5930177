"""What an export says of sealed values: which of them are kept no more.

The values never leave the installation. The file `sealed` names those that are gone, in runs of
records; a verifier compares it with the records that allow it. Format: docs/audit-format.md.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import orjson

from parvis.audit.rows import Range, RecordRow
from parvis.audit.store import Store

FORMAT = "parvis-audit-sealed/v1"
_PAGE = 1000
_SEAL = b'"seal":{'


class SealedList:
    """Collects, bundle by bundle, which sealed values are gone."""

    def __init__(self, store: Store, log_no: int, living: Collection[str]) -> None:
        self._store, self._log_no, self._living = store, log_no, living
        self._lines: list[str] = []
        self._run: tuple[int, int] | None = None

    def add(self, rows: Sequence[RecordRow]) -> None:
        """The next records, in order."""
        if not any(_SEAL in row.leaf for row in rows):
            return
        first, end = rows[0].seq, rows[-1].seq + 1
        kept = {
            (seq, name)
            for seq, name, key_id in self._store.list_sealed_between(self._log_no, first, end)
            if key_id in self._living
        }
        for row in rows:
            names = sorted(orjson.loads(row.leaf).get("seal", ())) if _SEAL in row.leaf else []
            gone = [name for name in names if (row.seq, name) not in kept]
            if names and gone == names:
                self._run = (self._run[0] if self._run else row.seq, row.seq + 1)
            elif names:
                self._end_run()
                if gone:
                    self._lines.append(f"{row.seq} {row.seq + 1} {','.join(gone)}")

    def _end_run(self) -> None:
        if self._run is not None:
            self._lines.append(f"{self._run[0]} {self._run[1]} *")
            self._run = None

    def finish(self, size: int) -> bytes:
        """The file's bytes, for the log at this size."""
        self._end_run()
        end, seq = find_allowance(self._store, self._log_no, "sealed", size) or (0, "-")
        return "\n".join([FORMAT, f"retention {end} {seq}", *self._lines, ""]).encode()


def find_allowance(store: Store, log_no: int, what: str, size: int) -> tuple[int, int] | None:
    """(end, position of the record) of the furthest `retention.pruned` of this object."""
    found = [
        (int(data["target"]["end"]), int(data["seq"]))
        for data in _list_pruned(store, log_no, size)
        if data["target"].get("object") == what and "end" in data["target"]
        # the platform log also tells what went from logs that ended
        if data["target"].get("log", data["log"]) == data["log"]
    ]
    return max(found, default=None)


def _list_pruned(store: Store, log_no: int, size: int) -> Iterator[dict[str, Any]]:
    first = store.find_minimum(log_no)
    while True:
        wanted = Range(first, size, kinds=("retention.pruned",))
        rows = store.list_records(log_no, wanted, limit=_PAGE)
        for row in rows:
            yield orjson.loads(row.leaf)
        if len(rows) < _PAGE:
            return
        first = rows[-1].seq + 1
