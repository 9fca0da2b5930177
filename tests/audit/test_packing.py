"""What the database keeps of a record: a third of its bytes, all of them given back, or none."""

import hashlib
import zlib

import pytest

from deploy.bench.audit_folders import MadeLog, chats
from parvis.audit import packing
from parvis.audit.canonical import MAX_RECORD_BYTES
from parvis.audit.packing import pack, unpack
from parvis.audit.tree import leaf_hash


@pytest.fixture(scope="module")
def leaves() -> list[bytes]:
    return list(chats(MadeLog("packing"), 40))


def test_the_text_that_records_are_packed_against_never_changes() -> None:
    found = hashlib.sha256(packing._SHARED).hexdigest()
    assert found == "5c76feb752383cb5ca5f74c56445b38551ed745c1e5c70373bde721f8fe64b6a", (
        "what was kept under the text before could not be read: add a second one, with its own mark"
    )


def test_every_record_comes_back_as_it_was_and_takes_a_third(leaves: list[bytes]) -> None:
    kept = [pack(leaf) for leaf in leaves]
    assert [unpack(one, leaf_hash(leaf)) for one, leaf in zip(kept, leaves, strict=True)] == leaves
    assert 3 * sum(map(len, kept)) < sum(map(len, leaves))


@pytest.mark.parametrize("leaf", [b"", b"{}", b"{" + bytes(range(256)) * 20, b"{" * 8192])
def test_odd_bytes_come_back_too(leaf: bytes) -> None:
    assert unpack(pack(leaf), leaf_hash(leaf)) == leaf


def test_an_altered_row_never_comes_back_as_another_record(leaves: list[bytes]) -> None:
    leaf = leaves[1]
    kept, hashed = pack(leaf), leaf_hash(leaf)
    for at in range(len(kept)):
        changed = kept[:at] + bytes([kept[at] ^ 1]) + kept[at + 1 :]
        # some bits of the last byte mean nothing
        assert unpack(changed, hashed) in (changed, leaf)
    assert unpack(kept + b"x", hashed) in (kept + b"x", leaf)
    half = kept[: len(kept) // 2]
    assert unpack(half, hashed) == half


def test_a_row_that_would_grow_without_end_is_left_as_it_is() -> None:
    deflate = zlib.compressobj(9, zlib.DEFLATED, -12, 5, zlib.Z_DEFAULT_STRATEGY, packing._SHARED)
    huge = b"{" * (100 * MAX_RECORD_BYTES)
    bomb = b"\x01" + deflate.compress(huge) + deflate.flush()
    assert unpack(bomb, leaf_hash(huge)) == bomb
