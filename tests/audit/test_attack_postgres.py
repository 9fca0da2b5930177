"""A database administrator edits logs in PostgreSQL: fsck and export say so; the twin is sound."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from parvis.audit import verify
from parvis.audit.export import export_files, write_folder
from parvis.audit.fsck import check_logs
from parvis.audit.store import StoreUnsafe
from parvis.errors import AuditUnavailable
from tests.audit.databases import make_database, run_sql
from tests.audit.houses import House, fill, fill_fast


class Original(NamedTuple):
    """An installation that is closed, and the database of its logs."""

    folder: Path
    url: str


@pytest.fixture(scope="module")
def original(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Original]:
    folder, url = tmp_path_factory.mktemp("postgres") / "house", make_database(server)
    house = House(folder)
    log = house.open(database_url=url)
    fill(log, 4)
    fill_fast(log, 300)
    fill(log, 2, "adem")
    house.shut()
    yield Original(folder, url)


COMMUNE = "log_no = (SELECT no FROM log WHERE tenant_id = 'commune')"
ATTACKS = {
    "edit a record": "UPDATE record SET leaf = overlay(leaf placing 'x'::bytea from 40 for 1)"
    " WHERE COMMUNE AND seq = 3",
    "edit a record and its hash": "UPDATE record SET leaf = leaf || ' '::bytea,"
    " hash = sha256('\\x00'::bytea || leaf || ' '::bytea) WHERE COMMUNE AND seq = 3",
    "flip a leaf hash": "UPDATE record SET hash = sha256(hash) WHERE COMMUNE AND seq = 7",
    "flip a block": "UPDATE block SET hash = sha256(hash) WHERE COMMUNE",
    "flip the root": "UPDATE head SET root = sha256(root) WHERE COMMUNE",
    "delete the first": "DELETE FROM record WHERE COMMUNE AND seq = 0",
    "delete one": "DELETE FROM record WHERE COMMUNE AND seq = 9",
    "delete the last": "DELETE FROM record WHERE COMMUNE AND seq = 308",
    "shorten the log": "DELETE FROM record WHERE COMMUNE AND seq >= 300;"
    " UPDATE head SET size = 300 WHERE COMMUNE",
    "swap two": "UPDATE record SET seq = 1000000 WHERE COMMUNE AND seq = 3;"
    " UPDATE record SET seq = 3 WHERE COMMUNE AND seq = 4;"
    " UPDATE record SET seq = 4 WHERE COMMUNE AND seq = 1000000",
    "move to another agency": "UPDATE record SET leaf = (SELECT r.leaf FROM record r JOIN log ON"
    " no = r.log_no WHERE tenant_id = 'adem' AND r.seq = 3) WHERE COMMUNE AND seq = 3",
    "drop the constraints, then write one twice": "ALTER TABLE record DROP CONSTRAINT record_pkey,"
    " DROP CONSTRAINT record_log_no_id_key;"
    " INSERT INTO record SELECT * FROM record WHERE COMMUNE AND seq = 9",
    "edit the note": "UPDATE head SET note = replace(note, '309', '308') WHERE COMMUNE",
    "another key": "UPDATE log SET public_key = sha256(public_key) WHERE tenant_id = 'commune'",
    "delete a sealed value": "DELETE FROM sealed WHERE COMMUNE AND name = 'prompt'",
    "replace a sealed value": "UPDATE sealed SET box = sha256(box) WHERE COMMUNE",
}
# these change nothing that an export holds
ONLY_FSCK = {"flip a block", "replace a sealed value"}


def attacked(original: Original, folder: Path, sql: str) -> tuple[House, str]:
    shutil.copytree(original.folder, folder)
    url = make_database(original.url, original.url.rpartition("/")[2])
    if sql:
        run_sql(url, "SET search_path = parvis_audit; " + sql.replace("COMMUNE", COMMUNE))
    return House(folder), url


def look(house: House, url: str, folder: Path) -> tuple[list[str], str]:
    """What fsck says, and what an auditor gets: nothing at all, or a folder with this verdict."""
    checks = check_logs(house.audit_dir, house.keystore, url)
    faults = [fault for check in checks for fault in check.faults]
    try:
        write_folder(export_files(house.open(database_url=url), "commune"), folder)
    except (AuditUnavailable, StoreUnsafe):
        return faults, "refused"
    found: str = verify.verify_folder(str(folder))["verdict"]
    return faults, found


def test_the_untouched_twin_is_sound(original: Original, tmp_path: Path) -> None:
    house, url = attacked(original, tmp_path / "house", "")
    assert look(house, url, tmp_path / "out") == ([], "INTACT")
    house.shut()


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_an_administrator_changes_with_sql_is_found(
    original: Original, tmp_path: Path, attack: str
) -> None:
    house, url = attacked(original, tmp_path / "house", ATTACKS[attack])
    faults, verdict = look(house, url, tmp_path / "out")
    assert faults
    if attack not in ONLY_FSCK:
        assert verdict in ("refused", "TAMPERED")
    house.shut()
