"""Keys that can be destroyed, and what is sealed under them."""

import hmac
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import apsw
import pytest

from parvis.keystore import (
    KeyStore,
    KeysUnavailable,
    SealBroken,
    day_ref,
    derive_key,
    draw_random,
    seal,
    unseal,
)

ERASER = """
import sys
from pathlib import Path
from parvis.keystore import KeyStore
store = KeyStore(Path(sys.argv[1]), bytes(32))
for line in sys.stdin:
    print(store.destroy_key("a", "subject", line.strip()), flush=True)
"""


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


def test_no_thread_and_no_child_draws_bytes_that_another_one_drew() -> None:
    found = [draw_random(12) for _ in range(500)]
    threads = [
        threading.Thread(target=lambda: found.extend(draw_random(12) for _ in range(500)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reading, writing = os.pipe()

    def fork() -> None:
        found.append(draw_random(12))
        child = os.fork()
        if child == 0:
            os.write(writing, draw_random(12))
            os._exit(0)
        os.waitpid(child, 0)
        found.extend((draw_random(12), os.read(reading, 12)))

    fork()
    os.close(reading)
    os.close(writing)
    assert len(set(found)) == len(found) == 2503
    assert {len(one) for one in found} == {12}


@pytest.mark.parametrize("way", ["get_key", "get_keys"])
def test_a_key_that_another_process_destroyed_is_never_used_again(tmp_path: Path, way: str) -> None:
    store = KeyStore(tmp_path / "keys.db", bytes(32))

    def use(ref: str) -> bytes:
        if way == "get_key":
            return store.get_key("a", "subject", ref).key
        return store.get_keys("a", [("subject", ref)])[0].key

    command = [sys.executable, "-c", ERASER, str(tmp_path / "keys.db")]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as eraser:
        assert eraser.stdin is not None
        assert eraser.stdout is not None
        for _ in range(50):
            before, other = use("anna"), use("ben")
            assert (use("anna"), use("ben")) == (before, other)
            eraser.stdin.write("anna\n")
            eraser.stdin.flush()
            assert eraser.stdout.readline() == "True\n"
            assert use("anna") != before
            assert use("ben") == other
        eraser.stdin.close()
    store.close()


def test_remembered_keys_are_those_of_the_file_whoever_destroys_them_meanwhile(
    tmp_path: Path,
) -> None:
    store, eraser = (KeyStore(tmp_path / "keys.db", bytes(32)) for _ in range(2))
    destroyed: set[str] = set()
    stale: list[str] = []
    over = threading.Event()

    def use() -> None:
        while not over.is_set():
            gone = set(destroyed)
            try:
                (key,) = store.get_keys("a", [("subject", "anna")])
            except SealBroken:  # destroyed between its making and its reading
                continue
            stale.extend({key.id} & gone)

    threads = [threading.Thread(target=use) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(100):
        key = eraser.get_key("a", "subject", "anna")
        eraser.destroy_key("a", "subject", "anna")
        destroyed.add(key.id)
    over.set()
    for thread in threads:
        thread.join()
    assert stale == []
    store.close()
    eraser.close()


def test_keys_are_remembered_until_any_is_destroyed(tmp_path: Path) -> None:
    store = KeyStore(tmp_path / "keys.db", bytes(32))
    wanted = [("subject", "anna"), ("conversation", "1"), ("audit-subject", "2026-11-22/anna")]
    first = store.get_keys("a", wanted)
    assert [store.find_key("a", *one) for one in wanted] == first
    assert all(new is old for new, old in zip(store.get_keys("a", wanted), first, strict=True))
    assert store.get_keys("b", wanted) != first
    store.destroy_keys("a", [first[1].id])
    second = store.get_keys("a", wanted)
    assert [new == old for new, old in zip(second, first, strict=True)] == [True, False, True]
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


@pytest.mark.parametrize("length", [0, 1, 32, 63, 64])
def test_a_derived_key_is_hmac_of_the_root_over_the_context(length: int) -> None:
    root = os.urandom(length)
    info = b"parvis/v1" + b"\x00\x00\x00\x05first" + b"\x00\x00\x00\x03\xc3\xa9x"
    assert derive_key(root, "first", "\xe9x") == hmac.digest(root, info, "sha256")
    with pytest.raises(ValueError, match="64 bytes"):
        derive_key(bytes(65), "first")


def test_a_day_has_keys_of_its_own_that_are_found_by_their_owner(tmp_path: Path) -> None:
    store = KeyStore(tmp_path / "keys.db", os.urandom(32))
    days = ("2026-11-21", "2026-11-22")
    made = {store.get_key("a", "audit-subject", day_ref(day, "anna")).id for day in days}
    store.get_key("a", "audit-subject", day_ref(days[0], "ben"))
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


def test_a_store_that_somebody_holds_is_unavailable_and_serves_again(tmp_path: Path) -> None:
    store = KeyStore(tmp_path / "keys.db", bytes(32))
    store.get_key("a", "subject", "1")
    store._db.set_busy_timeout(1)
    other = apsw.Connection(str(tmp_path / "keys.db"))
    other.execute("BEGIN IMMEDIATE")
    for use in (
        lambda: store.get_key("a", "subject", "2"),
        lambda: store.take_request_key("a", "2026-11-22"),
        lambda: store.destroy_key("a", "subject", "1"),
    ):
        with pytest.raises(KeysUnavailable):
            use()
    other.execute("ROLLBACK")
    assert store.get_key("a", "subject", "2") and store.destroy_key("a", "subject", "1")
    store.close()


def test_a_key_is_not_destroyed_while_somebody_reads_it(tmp_path: Path) -> None:
    store = KeyStore(tmp_path / "keys.db", bytes(32))
    key = store.get_key("a", "subject", "1")
    store._db.set_busy_timeout(1)
    reader = apsw.Connection(str(tmp_path / "keys.db"))
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM data_key").fetchall()
    with pytest.raises(KeysUnavailable):  # its bytes are still in the write-ahead log
        store.destroy_keys("a", [key.id])
    reader.execute("ROLLBACK")
    store.destroy_keys("a", [key.id])
    assert key.id.encode() not in b"".join(one.read_bytes() for one in tmp_path.iterdir())
    store.close()


def test_a_file_that_is_no_store_of_keys_is_named(tmp_path: Path) -> None:
    path = tmp_path / "keys.db"
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(KeysUnavailable, match=r"keys\.db cannot be opened .*NotADBError"):
        KeyStore(path, bytes(32))
