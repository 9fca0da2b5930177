"""Keys that can be destroyed, and what is sealed under them."""

import os
import stat
from pathlib import Path

import pytest

from parvis.keystore import KeyStore, SealBroken, derive_key, seal, unseal


def test_a_key_is_the_same_until_it_is_destroyed_and_another_after(tmp_path: Path) -> None:
    store = KeyStore(tmp_path / "keys.db", os.urandom(32))
    first = store.get_key("a", "conversation", "1")
    assert store.get_key("a", "conversation", "1") == first
    assert store.find_key_by_id("a", first.id) == first
    assert store.destroy_key("a", "conversation", "1")
    assert not store.destroy_key("a", "conversation", "1")
    assert store.find_key("a", "conversation", "1") is None
    assert store.get_key("a", "conversation", "1").key != first.key
    store.close()


def test_two_openers_agree_on_one_key(tmp_path: Path) -> None:
    root = os.urandom(32)
    one, two = KeyStore(tmp_path / "keys.db", root), KeyStore(tmp_path / "keys.db", root)
    assert one.get_key("a", "subject", "x") == two.get_key("a", "subject", "x")
    one.close()
    two.close()


def test_another_agency_or_root_opens_nothing(tmp_path: Path) -> None:
    store = KeyStore(tmp_path / "keys.db", os.urandom(32))
    key = store.get_key("a", "conversation", "1")
    assert store.find_key_by_id("b", key.id) is None
    store.close()
    stranger = KeyStore(tmp_path / "keys.db", os.urandom(32))
    with pytest.raises(SealBroken):
        stranger.find_key("a", "conversation", "1")
    stranger.close()


def test_a_destroyed_key_is_in_no_file(tmp_path: Path) -> None:
    store = KeyStore(tmp_path / "keys.db", os.urandom(32))
    store.get_key("a", "conversation", "marker-of-the-key")
    wrapped = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"marker-of-the-key" in wrapped
    store.destroy_key("a", "conversation", "marker-of-the-key")
    left = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"marker-of-the-key" not in left
    assert stat.S_IMODE((tmp_path / "keys.db").stat().st_mode) == 0o600
    store.close()


def test_a_sealed_value_opens_only_whole_and_in_its_place() -> None:
    key = derive_key(b"root", "x")
    sealed = seal(key, b"value", "place")
    assert unseal(key, sealed, "place") == b"value"
    for wrong in (sealed[:-1], bytes([sealed[0] ^ 1]) + sealed[1:], b""):
        with pytest.raises(SealBroken):
            unseal(key, wrong, "place")
    with pytest.raises(SealBroken):
        unseal(key, sealed, "elsewhere")


def test_derived_keys_do_not_run_together() -> None:
    assert derive_key(b"r", "ab", "c") != derive_key(b"r", "a", "bc")
