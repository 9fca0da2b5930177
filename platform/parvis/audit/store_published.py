"""Checkpoints that left this installation, and the ML-DSA-44 keys that signed them too."""

from collections.abc import Iterable, Sequence

from parvis.audit.store_statements import Statements


class PublishedRows(Statements):
    """The tables `published` and `cosigner`."""

    def add_published(self, log_no: int, size: int, note: str) -> None:
        """Remember a checkpoint that left this installation."""
        self._run(
            "INSERT INTO published (log_no, size, note) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (log_no, size, note),
        )

    def find_published(self, log_no: int, size: int) -> str | None:
        """The checkpoint of this size as it left the installation."""
        sql = "SELECT note FROM published WHERE log_no = ? AND size = ?"
        rows = self._select(sql, (log_no, size))
        return str(rows[0][0]) if rows else None

    def list_published_sizes(self, log_no: int) -> list[int]:
        """The sizes of all published checkpoints, smallest first."""
        sql = "SELECT size FROM published WHERE log_no = ? ORDER BY size"
        return [row[0] for row in self._select(sql, (log_no,))]

    def drop_published(self, log_no: int, sizes: Iterable[int]) -> None:
        """Forget these published checkpoints; the tree proves them again when one turns up."""
        for size in sizes:
            self._run("DELETE FROM published WHERE log_no = ? AND size = ?", (log_no, size))

    def find_published_above(self, log_no: int, seq: int, up_to: int) -> tuple[int, str] | None:
        """(size, note) of the newest published checkpoint that covers this position."""
        rows = self._select(
            "SELECT size, note FROM published WHERE log_no = ? AND size > ? AND size <= ?"
            " ORDER BY size DESC LIMIT 1",
            (log_no, seq, up_to),
        )
        return (rows[0][0], rows[0][1]) if rows else None

    def add_cosigner(self, log_no: int, public_key: bytes, vkey: str) -> None:
        """Remember the ML-DSA-44 verifier key that goes with a key of the log."""
        self._run(
            "INSERT INTO cosigner (log_no, public_key, vkey) VALUES (?, ?, ?)",
            (log_no, public_key, vkey),
        )

    def list_cosigners(self, log_no: int) -> dict[bytes, str]:
        """ML-DSA-44 verifier keys of the log by the key that each goes with."""
        rows = self._select("SELECT public_key, vkey FROM cosigner WHERE log_no = ?", (log_no,))
        return {bytes(public): vkey for public, vkey in rows}

    def list_published(self, log_no: int, up_to: int) -> Sequence[tuple[int, str]]:
        """(size, signed note) of every published checkpoint up to a size."""
        rows: list[tuple[int, str]] = self._select(
            "SELECT size, note FROM published WHERE log_no = ? AND size <= ? ORDER BY size",
            (log_no, up_to),
        )
        return rows
