"""The hashes of the tree: rows of their own, and whole tiles in one piece."""

from collections.abc import Iterable
from functools import partial

from parvis.audit.store_statements import Statements, StoreUnsafe
from parvis.audit.tree import HASH_BYTES, TILE_WIDTH, Reader


class HashRows(Statements):
    """Leaf hashes of `record`, blocks of the tree, full tiles."""

    def _gather_tiles(
        self, log_no: int, blocks: Iterable[tuple[int, int, bytes]]
    ) -> list[tuple[int, int, bytes]]:
        """The tiles that these blocks are the roots of, each in one piece."""
        tiles = []
        for level, place, _ in blocks:
            first = place * TILE_WIDTH
            rows = self.read_rows(log_no, level - 1, first, first + TILE_WIDTH)
            tiles.append((level - 1, place, b"".join(rows)))
        return tiles

    def find_tile(self, log_no: int, level: int, place: int) -> bytes | None:
        """The hashes of a full tile in one piece; None for others, and of older versions."""
        rows = self._select(
            "SELECT hashes FROM tile WHERE log_no = ? AND level = ? AND place = ?",
            (log_no, level, place),
        )
        if not rows:
            return None
        data = bytes(rows[0][0])
        if len(data) != TILE_WIDTH * HASH_BYTES:
            raise StoreUnsafe("a tile of the tree is damaged")
        return data

    def read_hashes(self, log_no: int, level: int, first: int, end: int) -> list[bytes]:
        """Hashes [first, end) of a tile level; raises StoreUnsafe when some are missing.

        Out of the tile where it is full: its rows are spread over many pages.
        """
        place, start = divmod(first, TILE_WIDTH)
        if 0 < end - first <= TILE_WIDTH - start:
            tile = self.find_tile(log_no, level, place)
            if tile is not None:
                wanted = range(start, start + end - first)
                return [tile[at * HASH_BYTES : (at + 1) * HASH_BYTES] for at in wanted]
        return self.read_rows(log_no, level, first, end)

    def hashes_of(self, log_no: int) -> Reader:
        """`read_hashes` of one log: what roots and paths are computed from."""
        return partial(self.read_hashes, log_no)

    def read_rows(self, log_no: int, level: int, first: int, end: int) -> list[bytes]:
        """The same as the records and blocks themselves have it."""
        if level == 0:
            sql = "SELECT hash FROM record WHERE log_no = ? AND seq >= ? AND seq < ? ORDER BY seq"
            rows = self._select(sql, (log_no, first, end))
        else:
            rows = self._select(
                "SELECT hash FROM block WHERE log_no = ? AND level = ? AND place >= ?"
                " AND place < ? ORDER BY place",
                (log_no, level, first, end),
            )
        if len(rows) != end - first:
            raise StoreUnsafe("hashes of the tree are missing")
        return [row[0] for row in rows]
