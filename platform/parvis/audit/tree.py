"""RFC 6962 Merkle trees: frontier, roots, inclusion and consistency proofs and their verification.

Pure hashing; where hashes are kept is a `Reader`'s business. Stored are leaf hashes (tile level 0)
and the root of every full block of 256, 256^2, ... leaves (tile levels 1, 2, ...).
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

HASH_BYTES = 32
TILE_WIDTH = 256
TILE_BITS = 8
EMPTY_ROOT = hashlib.sha256(b"").digest()

Reader = Callable[[int, int, int], Sequence[bytes]]
"""(tile level, first, end) -> the hashes [first, end) of that level."""


def leaf_hash(leaf: bytes) -> bytes:
    """SHA-256 of 0x00 and the leaf (RFC 6962 2.1)."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256 of 0x01 and the two children (RFC 6962 2.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


Known = Mapping[tuple[int, int], bytes]
"""Roots that need not be read, by the leaves [first, end) under them."""
_NOTHING: Known = {}


@dataclass(slots=True)
class Frontier:
    """The roots of the perfect subtrees that make up a tree of `size`, largest first."""

    size: int = 0
    hashes: list[bytes] = field(default_factory=list)

    @classmethod
    def load(cls, size: int, data: bytes) -> "Frontier":
        """The frontier that `dump` wrote; raises ValueError when it is not one of this size."""
        if len(data) != HASH_BYTES * size.bit_count():
            raise ValueError("frontier does not fit the tree size")
        return cls(size, [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)])

    def dump(self) -> bytes:
        """The hashes in one piece."""
        return b"".join(self.hashes)

    def append(self, leaf: bytes) -> list[tuple[int, int, bytes]]:
        """Add a leaf hash; gives (tile level, index, hash) of every block that became full."""
        full = []
        self.hashes.append(leaf)
        bits, level = self.size, 0
        while bits & 1:
            right = self.hashes.pop()
            self.hashes.append(node_hash(self.hashes.pop(), right))
            bits >>= 1
            level += 1
            if level % TILE_BITS == 0:
                full.append((level // TILE_BITS, self.size >> level, self.hashes[-1]))
        self.size += 1
        return full

    def spans(self) -> Known:
        """Each hash by the leaves [first, end) that it is the root of."""
        found, first = {}, 0
        for hashed in self.hashes:
            end = first + (1 << (self.size - first).bit_length() - 1)
            found[first, end] = hashed
            first = end
        return found

    def root(self) -> bytes:
        """The tree's root."""
        if not self.hashes:
            return EMPTY_ROOT
        found = self.hashes[-1]
        for left in reversed(self.hashes[:-1]):
            found = node_hash(left, found)
        return found


def _split(count: int) -> int:
    """The largest power of two below `count`."""
    return 1 << (count - 1).bit_length() - 1


def _fold(hashes: Sequence[bytes]) -> bytes:
    level = list(hashes)
    while len(level) > 1:
        level = [node_hash(level[at], level[at + 1]) for at in range(0, len(level), 2)]
    return level[0]


def subtree_root(read: Reader, first: int, end: int, known: Known = _NOTHING) -> bytes:
    """MTH(D[first:end]) for a range that occurs in a proof (its left edge is aligned)."""
    if (first, end) in known:
        return known[first, end]
    count = end - first
    if count & (count - 1) == 0:
        height = count.bit_length() - 1
        level = height // TILE_BITS
        scale = level * TILE_BITS
        return _fold(read(level, first >> scale, end >> scale))
    middle = first + _split(count)
    left = subtree_root(read, first, middle, known)
    return node_hash(left, subtree_root(read, middle, end, known))


def root_at(read: Reader, size: int) -> bytes:
    """The root of the tree's first `size` leaves."""
    return subtree_root(read, 0, size) if size else EMPTY_ROOT


def inclusion_proof(read: Reader, index: int, size: int, known: Known = _NOTHING) -> list[bytes]:
    """PATH(index, D[size]) of RFC 6962 2.1.1, from the leaf's sibling up."""
    if not 0 <= index < size:
        raise ValueError("no such leaf in a tree of this size")
    path = []
    first, end = 0, size
    while end - first > 1:
        middle = first + _split(end - first)
        if index < middle:
            path.append(subtree_root(read, middle, end, known))
            end = middle
        else:
            path.append(subtree_root(read, first, middle, known))
            first = middle
    return path[::-1]


def consistency_proof(read: Reader, old: int, new: int) -> list[bytes]:
    """PROOF(old, D[new]) of RFC 6962 2.1.2; empty for equal sizes and for the empty tree."""
    if not 0 <= old <= new:
        raise ValueError("sizes out of order")
    if old in (0, new):
        return []
    path = []
    first, end = 0, new
    whole = True  # the old tree is still the subtree at hand
    while end != old:
        middle = first + _split(end - first)
        if old <= middle:
            path.append(subtree_root(read, middle, end))
            end = middle
        else:
            path.append(subtree_root(read, first, middle))
            first = middle
            whole = False
    if not whole:
        path.append(subtree_root(read, first, end))
    return path[::-1]


def verify_inclusion(
    leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes
) -> bool:
    """True when `path` proves that `leaf` stands at `index` under `root` (RFC 9162 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    node, last, found = index, size - 1, leaf
    for step in path:
        if last == 0:
            return False
        if node & 1 or node == last:
            found = node_hash(step, found)
            while not node & 1 and node:
                node >>= 1
                last >>= 1
        else:
            found = node_hash(found, step)
        node >>= 1
        last >>= 1
    return last == 0 and found == root


def verify_consistency(
    old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]
) -> bool:
    """True when `path` proves the new tree continues the old one (RFC 9162 2.1.4.2)."""
    if not 0 <= old <= new:
        return False
    if old in (0, new):
        return not path and old_root == (new_root if old else EMPTY_ROOT)
    steps = list(path) if old & (old - 1) else [old_root, *path]
    return bool(steps) and _roots_of_consistency(old, new, steps) == (old_root, new_root)


def _roots_of_consistency(old: int, new: int, steps: Sequence[bytes]) -> tuple[bytes, bytes] | None:
    node, last = old - 1, new - 1
    while node & 1:
        node >>= 1
        last >>= 1
    from_old = from_new = steps[0]
    for step in steps[1:]:
        if last == 0:
            return None
        if node & 1 or node == last:
            from_old, from_new = node_hash(step, from_old), node_hash(step, from_new)
            while not node & 1 and node:
                node >>= 1
                last >>= 1
        else:
            from_new = node_hash(from_new, step)
        node >>= 1
        last >>= 1
    return (from_old, from_new) if last == 0 else None
