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


def test_a_day_has_keys_of_its_own_that_are_found_by_their_owner(tmp_path: Path) -> None:
    store = KeyStore(tmp_path / "keys.db", os.urandom(32))
    days = ("2026-11-21", "2026-11-22")
    made = {store.get_day_key("a", "audit-subject", day, "anna").id for day in days}
    store.get_day_key("a", "audit-subject", days[0], "ben")
    store.get_key("a", "subject", "anna")
    found = store.list_keys("a", ("audit-subject",), "anna")
    assert {fact.id for fact in found} == made
    assert sorted((fact.day, fact.owner) for fact in found) == [(day, "anna") for day in days]
    assert len(store.list_keys("a", ("audit-subject", "subject"), "anna")) == 3
    assert len(store.list_keys("a", ("audit-subject",))) == 3
    assert store.list_keys("b", ("audit-subject",)) == []
    assert store.destroy_keys("b", made) == 0
    assert store.destroy_keys("a", made) == 2
    assert not store.list_ids("a") & made
    store.close()


def test_no_two_requests_share_a_key_though_keys_are_made_in_batches(tmp_path: Path) -> None:
    root = os.urandom(32)
    stores = [KeyStore(tmp_path / "keys.db", root) for _ in range(2)]
    taken = [
        store.take_request_key(tenant, "2026-11-22")
        for store in stores
        for tenant in ("a", "b")
        for _ in range(70)
    ]
    assert len({key.id for key in taken}) == len({key.key for key in taken}) == 280
    assert stores[1].find_key_by_id("a", taken[0].id) == taken[0]
    assert stores[1].find_key_by_id("b", taken[0].id) is None
    for store in stores:
        store.close()


def test_a_backup_opens_what_the_store_opens_and_overwrites_nothing(tmp_path: Path) -> None:
    root = os.urandom(32)
    store = KeyStore(tmp_path / "keys.db", root)
    key = store.get_key("a", "conversation", "1")
    store.write_backup(tmp_path / "copy.db")
    with pytest.raises(FileExistsError):
        store.write_backup(tmp_path / "copy.db")
    store.destroy_keys("a", [key.id])
    copy = KeyStore(tmp_path / "copy.db", root)
    assert copy.find_key("a", "conversation", "1") == key
    assert stat.S_IMODE((tmp_path / "copy.db").stat().st_mode) == 0o600
    copy.close()
    store.close()
