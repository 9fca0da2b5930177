"""The Merkle tree against RFC 6962's own definition, written out naively, and known vectors."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parvis.audit import verify
from parvis.audit.tree import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_at,
    verify_consistency,
    verify_inclusion,
)

# the eight entries and roots that Certificate Transparency implementations share
CT_LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
CT_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAVES = [leaf_hash(number.to_bytes(4, "big")) for number in range(70_000)]


def naive_root(leaves: Sequence[bytes]) -> bytes:
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(naive_root(leaves[:split]), naive_root(leaves[split:]))


class Kept:
    """Leaf hashes and full blocks, as the store keeps them."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self.frontier = Frontier()
        self.levels: dict[int, list[bytes]] = {0: list(leaves)}
        for leaf in leaves:
            for level, place, found in self.frontier.append(leaf):
                kept = self.levels.setdefault(level, [])
                assert place == len(kept)
                kept.append(found)

    def read(self, level: int, first: int, end: int) -> list[bytes]:
        found = self.levels.get(level, [])[first:end]
        assert len(found) == end - first
        return found


BIG = Kept(LEAVES)


def test_the_tree_has_the_published_roots() -> None:
    frontier = Frontier()
    for leaf, root in zip([None, *CT_LEAVES], CT_ROOTS, strict=True):
        if leaf is not None:
            frontier.append(leaf_hash(leaf))
        assert frontier.root().hex() == root


def test_every_frontier_has_the_naive_root() -> None:
    frontier, other = Frontier(), verify.Tree()
    for size in range(301):
        assert frontier.root() == naive_root(LEAVES[:size]) == other.root()
        assert Frontier.load(size, frontier.dump()) == frontier
        frontier.append(LEAVES[size])
        other.append(LEAVES[size])


def test_a_proof_that_knows_the_right_edge_is_the_same() -> None:
    frontier = Frontier()
    for size in range(1, 301):
        frontier.append(LEAVES[size - 1])
        spans = frontier.spans()
        assert [end for _, end in spans][-1] == size
        for index in {0, size // 2, size - 1}:
            path = inclusion_proof(BIG.read, index, size)
            assert inclusion_proof(BIG.read, index, size, spans) == path


def test_a_frontier_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="frontier"):
        Frontier.load(3, b"x" * 32)


def test_every_small_consistency_proof_verifies_and_no_neighbour_does() -> None:
    roots = [naive_root(LEAVES[:size]) for size in range(66)]
    for new in range(66):
        for old in range(new + 1):
            path = consistency_proof(BIG.read, old, new)
            assert verify_consistency(old, new, roots[old], roots[new], path)
            if old not in (0, new):
                assert not verify_consistency(old, new, roots[old - 1], roots[new], path)
                assert not verify_consistency(old, new, roots[old], roots[new - 1], path)
                assert not verify_consistency(old, new, roots[old], roots[new], [*path, roots[0]])
                assert not verify_consistency(old, new, roots[old], roots[new], path[:-1])


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_an_inclusion_proof_verifies_and_no_change_of_it_does(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 70_000))
    index = data.draw(st.integers(0, size - 1))
    root = root_at(BIG.read, size)
    path = inclusion_proof(BIG.read, index, size)
    assert verify_inclusion(LEAVES[index], index, size, path, root)
    assert verify.check_inclusion(LEAVES[index], index, size, path, root)
    assert not verify_inclusion(LEAVES[index - 1], index, size, path, root) or size == 1
    if path:
        at = data.draw(st.integers(0, len(path) - 1))
        bit = data.draw(st.integers(0, 255))
        broken = bytearray(path[at])
        broken[bit // 8] ^= 1 << bit % 8
        changed = [*path[:at], bytes(broken), *path[at + 1 :]]
        for check in (verify_inclusion, verify.check_inclusion):
            assert not check(LEAVES[index], index, size, changed, root)
            assert not check(LEAVES[index], index, size, path[:-1], root)
            assert not check(LEAVES[index], index, size, [*path, path[0]], root)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_consistency_proof_of_large_trees_verifies(data: st.DataObject) -> None:
    new = data.draw(st.integers(1, 70_000))
    old = data.draw(st.integers(0, new))
    old_root, new_root = root_at(BIG.read, old), root_at(BIG.read, new)
    path = consistency_proof(BIG.read, old, new)
    assert verify_consistency(old, new, old_root, new_root, path)
    assert len(path) <= 2 * 17
    if path:
        assert not verify_consistency(old, new, new_root, old_root, path)


def test_the_full_tree_is_the_same_by_blocks_and_by_frontier() -> None:
    assert root_at(BIG.read, 70_000) == BIG.frontier.root()


@pytest.mark.parametrize(("index", "size"), [(0, 0), (5, 5), (-1, 3)])
def test_a_proof_of_a_leaf_that_is_not_there_is_refused(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="no such leaf"):
        inclusion_proof(BIG.read, index, size)
    assert not verify_inclusion(LEAVES[0], index, size, [], EMPTY_ROOT)


@pytest.mark.parametrize(("old", "new"), [(2, 1), (-1, 3)])
def test_a_consistency_proof_backwards_is_refused(old: int, new: int) -> None:
    with pytest.raises(ValueError, match="order"):
        consistency_proof(BIG.read, old, new)
    assert not verify_consistency(old, new, EMPTY_ROOT, EMPTY_ROOT, [])
