"""A database administrator at work on the live store: fsck and export say so; the twin is sound."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import pytest

from parvis.audit import Actor, Draft, verify
from parvis.audit.export import export_files, write_folder
from parvis.audit.fsck import check_logs
from parvis.audit.packing import unpack
from parvis.audit.store import StoreUnsafe
from parvis.audit.tree import leaf_hash
from parvis.errors import AuditUnavailable
from tests.audit.houses import CIVIL_SERVANT, House, export, fill, fill_fast

Attack = Callable[[apsw.Connection], object]
# ruff: noqa: S608 - an attacker builds statements as they please
COMMUNE = "log_no = (SELECT no FROM log WHERE tenant_id = 'commune')"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("live") / "house"
    house = House(folder)
    log = house.open()
    fill(log, 4)
    fill_fast(log, 300)
    fill(log, 2, "adem")
    export(log, folder.parent / "kept")
    fill(log, 2)
    house.shut()
    yield folder


def sql(text: str) -> Attack:
    return lambda database: database.execute(text.replace("COMMUNE", COMMUNE))


def edit_leaf(database: apsw.Connection, *, rehash: bool) -> None:
    rows = database.execute(f"SELECT leaf, hash FROM record WHERE {COMMUNE} AND seq = 3").fetchall()
    leaf = unpack(*rows[0])
    record = json.loads(leaf)
    record["policy"] = {"decision": "allow"}
    changed = json.dumps(record, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    values = (changed, leaf_hash(changed) if rehash else leaf_hash(leaf))
    database.execute(f"UPDATE record SET leaf = ?, hash = ? WHERE {COMMUNE} AND seq = 3", values)


def swap_rows(database: apsw.Connection) -> None:
    for old, new in ((3, 10**6), (4, 3), (10**6, 4)):
        database.execute(f"UPDATE record SET seq = {new} WHERE {COMMUNE} AND seq = {old}")


def swap_boxes(database: apsw.Connection) -> None:
    names = f"UPDATE sealed SET name = ? WHERE {COMMUNE} AND name = ?"
    for new, old in (("x", "prompt"), ("prompt", "answer"), ("answer", "x")):
        database.execute(names, (new, old))


ATTACKS: dict[str, Attack] = {
    "edit a record": lambda database: edit_leaf(database, rehash=False),
    "edit a record and its hash": lambda database: edit_leaf(database, rehash=True),
    "flip a leaf hash": sql("UPDATE record SET hash = zeroblob(32) WHERE COMMUNE AND seq = 7"),
    "flip a block": sql("UPDATE block SET hash = zeroblob(32) WHERE COMMUNE"),
    "flip the root": sql("UPDATE head SET root = zeroblob(32) WHERE COMMUNE"),
    "delete the first": sql("DELETE FROM record WHERE COMMUNE AND seq = 0"),
    "delete one": sql("DELETE FROM record WHERE COMMUNE AND seq = 9"),
    "delete the last": sql("DELETE FROM record WHERE COMMUNE AND seq = 312"),
    "insert one": sql(
        "INSERT INTO record SELECT log_no, 313, randomblob(16), time_us, kind, hash, leaf"
        " FROM record WHERE COMMUNE AND seq = 9"
    ),
    "swap two": swap_rows,
    "move to another agency": sql(
        "UPDATE record SET leaf = (SELECT leaf FROM record AS r JOIN log ON no = r.log_no"
        " WHERE tenant_id = 'adem' AND r.seq = 3) WHERE COMMUNE AND seq = 3"
    ),
    "another kind": sql("UPDATE record SET kind = 'auth.logout' WHERE COMMUNE AND seq = 9"),
    "edit the note": sql("UPDATE head SET note = replace(note, '313', '312') WHERE COMMUNE"),
    "shorten the head": sql("UPDATE head SET size = 312 WHERE COMMUNE"),
    "another key": sql("UPDATE log SET public_key = zeroblob(32) WHERE tenant_id = 'commune'"),
    "edit a published head": sql(
        "UPDATE published SET"
        " note = replace(note, char(10) || size || char(10), char(10) || (size + 1) || char(10))"
    ),
    "forget an open intent": sql("INSERT INTO open_intent VALUES (2, randomblob(16), 9, 'x')"),
}
SEALED_ATTACKS: dict[str, Attack] = {
    "swap ciphertexts of two fields": swap_boxes,
    "replace a ciphertext": sql("UPDATE sealed SET box = zeroblob(80) WHERE COMMUNE"),
    "delete a sealed row": sql("DELETE FROM sealed WHERE COMMUNE AND name = 'prompt'"),
}
# these change nothing that an export holds
ONLY_FSCK = {"flip a block", "another kind", "forget an open intent", "insert one"}


def attacked(original: Path, folder: Path, attack: Attack) -> House:
    shutil.copytree(original, folder)
    database = apsw.Connection(str(folder / "audit" / "audit.db"))
    attack(database)
    database.close()
    return House(folder)


def fsck_faults(house: House) -> list[str]:
    return [fault for one in check_logs(house.audit_dir, house.keystore) for fault in one.faults]


def export_verdict(house: House, folder: Path) -> str:
    """What an auditor gets: nothing at all, or a folder with this verdict."""
    try:
        write_folder(export_files(house.open(), "commune"), folder)
    except (AuditUnavailable, StoreUnsafe):
        return "refused"
    found: str = verify.verify_folder(str(folder))["verdict"]
    return found


def test_the_untouched_twin_is_sound(original: Path, tmp_path: Path) -> None:
    house = attacked(original, tmp_path / "twin", lambda database: None)
    assert fsck_faults(house) == []
    assert export_verdict(house, tmp_path / "out") == "INTACT"
    counts = [
        (c.tenant_id, c.size, c.sealed_erased) for c in check_logs(house.audit_dir, house.keystore)
    ]
    assert [one[0] for one in counts] == ["platform", "commune", "adem"] and counts[1][1:] == (
        313,
        0,
    )
    house.shut()


@pytest.mark.parametrize("attack", sorted(ATTACKS))
def test_what_an_administrator_changes_is_found(
    original: Path, tmp_path: Path, attack: str
) -> None:
    house = attacked(original, tmp_path / "house", ATTACKS[attack])
    assert fsck_faults(house)
    if attack not in ONLY_FSCK:
        assert export_verdict(house, tmp_path / "out") in ("refused", "TAMPERED")
    house.shut()


@pytest.mark.parametrize("attack", sorted(SEALED_ATTACKS))
def test_sealed_values_that_were_touched_are_found(
    original: Path, tmp_path: Path, attack: str
) -> None:
    house = attacked(original, tmp_path / "house", SEALED_ATTACKS[attack])
    assert any("sealed" in fault for fault in fsck_faults(house))
    house.shut()


def test_a_destroyed_key_is_an_erasure_where_a_record_allows_it_and_a_fault_elsewhere(
    original: Path, tmp_path: Path
) -> None:
    house = attacked(original, tmp_path / "house", lambda database: None)
    keys = house.keystore.list_keys("commune", ("audit-conversation",), "c-1")
    ids = [key.id for key in keys]
    house.keystore.destroy_keys("commune", ids)
    (fault,) = fsck_faults(house)
    assert "12 sealed values are gone and no record allows it" in fault
    assert export_verdict(house, tmp_path / "early") == "TAMPERED"
    log = house.open()
    log.append("commune", Draft("erasure.confirmed", CIVIL_SERVANT, target={"keys": ids}), 10)
    assert any("nobody else had asked for" in fault for fault in fsck_faults(house))
    assert export_verdict(house, tmp_path / "alone") == "TAMPERED"
    house.shut()


def test_an_erasure_that_two_people_wanted_is_no_fault(original: Path, tmp_path: Path) -> None:
    house = attacked(original, tmp_path / "house", lambda database: None)
    keys = house.keystore.list_keys("commune", ("audit-conversation",), "c-1")
    ids, log = [key.id for key in keys], house.open()
    asked = Draft("erasure.requested", Actor("person", "ada"), target={"object": "e-1"})
    log.append("commune", asked, 10)
    target = {"object": "e-1", "keys": ids}
    log.append("commune", Draft("erasure.confirmed", Actor("person", "grace"), target=target), 10)
    assert any("destroyed" in fault for fault in fsck_faults(house))  # not done yet
    house.keystore.destroy_keys("commune", ids)
    for key_id in ids:
        assert log.delete_sealed("commune", key_id) == 12
    checks = check_logs(house.audit_dir, house.keystore)
    assert not any(check.faults for check in checks)
    assert checks[1].sealed_erased == 12 and checks[1].sealed_openable > 0
    assert export_verdict(house, tmp_path / "out") == "INTACT"
    house.shut()
