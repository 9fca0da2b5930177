"""New keys for logs that live: receipts, proofs and exports go on, and every crash ends well."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import apsw
import pytest

from parvis.audit import Actor, AuditLog, verify
from parvis.audit.anchors_heads import record_heads
from parvis.audit.anchors_store import AnchorStore
from parvis.audit.fsck import check_log, check_logs
from parvis.audit.gossip import compare, load_side
from parvis.audit.notes import format_vkey
from parvis.audit.renewal import renew_trust
from parvis.audit.sequencer import Limits
from parvis.audit.witness import Request, create_witness
from parvis.errors import AuditUnavailable, Conflict, InvalidRequest
from tests.audit.houses import (
    ROOT_KEY,
    House,
    allow_pruning,
    export,
    fill,
    fill_fast,
    start_chat,
    wait_half_a_year,
)
from tests.audit.second_verifier import Second, both

ADA = Actor("person", "operator:ada", ("operator",))
LOGS = ("commune", "platform")


def policy(path: Path, *vkeys: str) -> Path:
    path.write_text("".join(f"log {vkey}\n" for vkey in vkeys) + "quorum none\n")
    return path


def verdict(folder: Path, policy_file: Path | None = None) -> dict[str, object]:
    trust = verify.load_policy(policy_file.read_bytes()) if policy_file else None
    report: dict[str, object] = verify.verify_folder(str(folder), trust)
    return report


def check_all(house: House, database_url: str = "") -> None:
    checks = check_logs(house.audit_dir, house.keystore, database_url)
    assert not any(check.faults for check in checks), checks
    assert check_log(house.audit_dir, ROOT_KEY, database_url) == []


def list_kinds(log: AuditLog, tenant: str) -> list[str]:
    return [record.kind for record in log.reader.list_records(tenant, limit=1000)][::-1]


def test_a_rotated_log_verifies_before_and_after_on_every_driver(
    house: House,
    url: str,
    tmp_path: Path,
) -> None:
    log = house.open(database_url=url)
    early = fill(log, 3)
    old = {tenant: log.reader.get_key(tenant) for tenant in LOGS}
    before = export(log, tmp_path / "before")
    for tenant in LOGS:
        vkey = log.rotate_key(tenant, "staff-change", ADA)
        assert vkey == log.reader.get_key(tenant).vkey != old[tenant].vkey
    late = fill(log, 2)
    second = Second()
    for tenant in LOGS:
        folder = export(log, tmp_path / tenant, tenant)
        assert both(second, folder)[0] == "INTACT", verdict(folder)["findings"]
        assert len(verdict(folder)["keys"]) == 2  # type: ignore[arg-type]
        for vkey in (old[tenant].vkey, log.reader.get_key(tenant).vkey):
            assert verdict(folder, policy(tmp_path / "p", vkey))["verdict"] == "INTACT"
    second.close()
    assert verdict(before)["verdict"] == "INTACT"
    trust = policy(tmp_path / "both", old["commune"].vkey, log.reader.get_key("commune").vkey)
    for receipt in (*early, *late):
        found = log.reader.find_by_receipt("commune", receipt.text)
        assert found is not None
        proof = tmp_path / "one.tlog-proof"
        proof.write_text(log.reader.get_proof("commune", found.seq).text)
        words = [str(proof), "--policy", str(trust), "--receipt", receipt.text]
        assert verify.main(words) == 0
    gone = log.reader.list_records("platform", kinds=["key.retired"])
    told = {one.data["target"]["log"]: one.data["change"]["vkey"] for one in gone}
    assert told == {key.log: key.vkey for key in old.values()}
    turned = log.reader.list_records("platform", kinds=["key.rotated"])
    assert [one.data["target"].get("log") for one in turned] == [None, old["commune"].log]
    assert all(one.data["actor"]["roles"] == ["operator"] for one in turned)
    house.close()
    check_all(house, url)
    start_chat(house.open(database_url=url))


def test_the_old_private_key_is_gone_from_the_disk(house: House) -> None:
    log = house.open()
    fill(log, 1)
    own = log.reader.get_key("commune").log
    (file,) = house.audit_dir.glob(f"keys/{own}*")
    wrapped = file.read_bytes()
    for _ in range(3):
        log.rotate_key("commune", "precaution", ADA)
    assert len(list(house.audit_dir.glob(f"keys/{own}*"))) == 1
    assert not any(
        wrapped in one.read_bytes() for one in house.audit_dir.rglob("*") if one.is_file()
    )
    assert log.reader.get_head("commune").note.count("\u2014") == 4  # Ed25519 and ML-DSA-44


def test_a_key_older_than_the_setting_is_changed_by_itself(house: House) -> None:
    log = house.open(limits=Limits(rotate_s=1.0))
    fill(log, 1)
    house.close()
    time.sleep(1.1)
    log = house.open(limits=Limits(rotate_s=1.0))
    deadline = time.monotonic() + 30
    while "key.rotated" not in list_kinds(log, "commune") + list_kinds(log, "platform"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    (first, *_) = [one for t in LOGS for one in log.reader.list_records(t, kinds=["key.rotated"])]
    assert first.data["change"]["ground"] == "schedule"
    house.close()
    log = house.open()
    count = sum(list_kinds(log, tenant).count("key.rotated") for tenant in LOGS)
    fill(log, 1)
    assert sum(list_kinds(log, tenant).count("key.rotated") for tenant in LOGS) == count


def test_keys_are_told_although_the_records_about_them_were_pruned(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_half_a_year(monkeypatch)
    log = house.open()
    fill(log, 1)
    log.rotate_key("commune", "schedule", ADA)
    fill_fast(log, 300)
    allow_pruning(log, 256)
    log.prune("commune", 256)
    report = verdict(export(log, tmp_path / "out"))
    assert report["verdict"] == "TAMPERED"  # pruned far too early, and nothing else
    findings = report["findings"]
    assert isinstance(findings, list)
    assert all("184" in str(one) or "young" in str(one) for one in findings), findings
    assert len(report["keys"]) == 2  # type: ignore[arg-type]


def test_a_compromised_key_marks_its_window_in_the_report_of_both(
    house: House,
    url: str,
    tmp_path: Path,
) -> None:
    log = house.open(database_url=url)
    fill(log, 4)
    bad, new = log.declare_compromised("commune", 5, "stolen", ADA)
    fill(log, 1)
    second = Second()
    folder = export(log, tmp_path / "out")
    assert both(second, folder)[0] == "INTACT"
    second.close()
    report = verdict(folder)
    keys = report["keys"]
    assert isinstance(keys, list)
    assert [(one["vkey"], one["suspect_from"]) for one in keys] == [(bad, 5), (new, None)]
    assert verdict(folder, policy(tmp_path / "p", bad))["verdict"] == "UNVERIFIABLE"
    assert verdict(folder, policy(tmp_path / "p", new))["verdict"] == "INTACT"
    told = log.reader.list_records("platform", kinds=["key.compromised"])
    assert told[0].data["change"]["size"] == 5 and told[0].data["reason"] == "stolen"
    assert verdict(export(log, tmp_path / "platform", "platform"))["verdict"] == "INTACT"
    with pytest.raises(ValueError, match="already"):
        log.declare_compromised("commune", 5, "stolen", ADA)
    with pytest.raises(ValueError, match="no such size"):
        log.declare_compromised("commune", 10**6, "stolen", ADA)
    with pytest.raises(ValueError, match="no agency"):
        log.rotate_key("nobody", "schedule", ADA)
    house.close()
    check_all(house, url)


STEPS = {
    "before the new key is on disk": ("log_keys.LogKeys", "create_key", "before"),
    "the new key is on disk": ("log_keys.LogKeys", "create_key", "after"),
    "nothing is committed": ("sqlite_store.SqliteStore", "commit", "before"),
    "all is committed": ("sqlite_store.SqliteStore", "commit", "after"),
    "the head is kept": ("log_keys.HeadFile", "advance", "after"),
    "before the old key goes": ("log_keys.LogKeys", "retire_others", "before"),
    "the old key is zeros": ("files", "sync_folder", "before"),
    "the old key is gone": ("log_keys.LogKeys", "retire_others", "after"),
    "its end is on record": ("log_keys.LogKeys", "forget_retired", "before"),
}
VICTIM = """
import importlib, os, sys
from pathlib import Path
from parvis.audit import files
from tests.audit.houses import House, fill
from tests.audit.test_rotation import ADA
log = House(Path(sys.argv[1])).open("victim")
fill(log, 1)
home, name, when, tenant = sys.argv[2:]
module, _, owner = home.partition(".")
module = importlib.import_module("parvis.audit." + module)
owner = getattr(module, owner) if owner else module
really = getattr(owner, name)
def die(*args, **options):
    if when == "before":
        os._exit(9)
    found = really(*args, **options)
    os._exit(9)
if name == "sync_folder":
    unlink = Path.unlink
    def die_unlinking(path, *args, **options):
        if path.suffix == ".key":
            os._exit(9)
        unlink(path, *args, **options)
    Path.unlink = die_unlinking
else:
    setattr(owner, name, die)
log.rotate_key(tenant, "schedule", ADA)
"""


@pytest.mark.parametrize("tenant", LOGS)
@pytest.mark.parametrize("step", STEPS)
def test_a_change_of_keys_killed_anywhere_has_happened_or_has_not(
    house: House, tmp_path: Path, step: str, tenant: str
) -> None:
    fill(house.open(), 2)
    house.close()
    command = [sys.executable, "-c", VICTIM, str(house.folder), *STEPS[step], tenant]
    assert subprocess.run(command, check=False, timeout=60).returncode == 9
    log = house.open()
    fill(log, 1)
    turned = list_kinds(log, tenant).count("key.rotated")
    done = list(STEPS).index(step) >= 3
    told = len(log.reader.list_records("platform", kinds=["key.rotated"]))
    assert (turned, told) == (int(done), int(done))
    gone = log.reader.list_records("platform", kinds=["key.retired"])
    assert len(gone) == int(done)  # told by the next start, where the death came before it
    assert not [*house.audit_dir.glob("keys/*.retired")]
    for name in LOGS:
        own = log.reader.get_key(name).log
        assert len(list(house.audit_dir.glob(f"keys/{own}*"))) == 1
        report = verdict(export(log, tmp_path / name, name))
        assert report["verdict"] == "INTACT", report["findings"]
    log.rotate_key(tenant, "schedule", ADA)
    house.close()
    check_all(house)


def test_a_database_from_before_the_change_of_keys_is_refused(house: House) -> None:
    fill(house.open(), 1)
    house.close()
    shutil.copy(house.audit_dir / "audit.db", house.folder / "yesterday")
    log = house.open()
    log.rotate_key("commune", "schedule", ADA)
    house.close()
    keys = {one: one.read_bytes() for one in house.audit_dir.glob("keys/*")}
    shutil.copy(house.folder / "yesterday", house.audit_dir / "audit.db")
    assert check_log(house.audit_dir, ROOT_KEY)
    with pytest.raises(Exception, match="shorter"):
        house.open()
    assert {one: one.read_bytes() for one in house.audit_dir.glob("keys/*")} == keys


def test_a_log_of_the_schema_before_is_taken_over(house: House) -> None:
    fill(house.open(), 1)
    house.close()
    database = apsw.Connection(str(house.audit_dir / "audit.db"))
    database.execute(
        "DROP TABLE turn; DROP TABLE closed; DROP INDEX log_tenant;"
        "ALTER TABLE log RENAME TO x; CREATE TABLE log (no INTEGER PRIMARY KEY, id TEXT NOT NULL"
        " UNIQUE, tenant_id TEXT NOT NULL UNIQUE, origin TEXT NOT NULL, public_key BLOB NOT NULL)"
        " STRICT; INSERT INTO log SELECT * FROM x; DROP TABLE x; PRAGMA user_version=2"
    )
    database.close()
    log = house.open()
    log.rotate_key("commune", "schedule", ADA)
    fill(log, 1)
    house.close()
    check_all(house)


def test_witnesses_and_policies_learn_the_new_key_from_an_export(
    house: House, tmp_path: Path
) -> None:
    log = house.open()
    fill(log, 3)
    witness = create_witness(tmp_path / "witness", "office.test/w")
    logs, stranger = tmp_path / "witness" / "logs", "other.test/audit/" + "0" * 32
    old = {tenant: log.reader.get_key(tenant).vkey for tenant in LOGS}
    other = format_vkey(stranger, bytes(32))
    logs.write_text(f"# ours\n{old['commune']}\nlog {other}\nlog {old['platform']}\n")
    kept = policy(tmp_path / "policy", old["commune"], other)

    def ask(size: int) -> int:
        head = log.reader.get_head("commune")
        proof = log.reader.get_consistency("commune", size, head.size)
        asked = Request(size, tuple(proof), head.note).text
        return witness.add_checkpoint(asked.encode()).status

    assert ask(0) == 200
    first = log.reader.get_head("commune").size
    log.rotate_key("commune", "schedule", ADA)
    assert ask(first) == 200  # the head of the change carries both signatures
    turned = log.reader.get_head("commune").size
    fill(log, 1)
    assert ask(turned) == 403
    new, folder = log.reader.get_key("commune").vkey, export(log, tmp_path / "out")
    assert renew_trust(logs, folder) == renew_trust(kept, folder) == [new]
    assert renew_trust(logs, folder) == renew_trust(kept, folder) == []
    assert logs.read_text() == f"# ours\n{new}\nlog {other}\nlog {old['platform']}\n"
    assert old["commune"] in kept.read_text() and other in kept.read_text()
    assert verdict(folder, kept)["verdict"] == "INTACT" and ask(turned) == 200
    with pytest.raises(Conflict, match="UNVERIFIABLE"):
        renew_trust(policy(tmp_path / "strange", other), folder)
    (tmp_path / "faulty").write_text("nonsense\n")
    for name, fault in (("faulty", "not a file of trusted keys"), ("gone", "cannot be read")):
        with pytest.raises(InvalidRequest, match=f"{tmp_path / name}: .*{fault}"):
            renew_trust(tmp_path / name, folder)
    log.declare_compromised("commune", turned, "stolen", ADA)
    with pytest.raises(Conflict, match="on paper"):
        renew_trust(policy(tmp_path / "bad", new), export(log, tmp_path / "later"))
    (folder / "checkpoint").write_bytes((tmp_path / "later" / "checkpoint").read_bytes())
    with pytest.raises(Conflict, match="TAMPERED"):
        renew_trust(kept, folder)


def test_the_platforms_heads_are_proven_by_the_key_of_their_size(
    house: House, tmp_path: Path
) -> None:
    log = house.open()
    fill(log, 2)
    record_heads(log, AnchorStore(house.audit_dir))
    old = log.reader.get_key("platform").vkey
    witness = create_witness(tmp_path / "witness", "office.test/w")
    (tmp_path / "witness" / "logs").write_text(old + "\n")
    head = log.publish_head("platform")
    line = witness.add_checkpoint(Request(0, (), head.note).text.encode())
    assert line.status == 200
    own = log.reader.get_key("platform").log
    AnchorStore(house.audit_dir).add_cosignature(
        own, head.size, "office", int(time.time()), head.note, line.body
    )
    log.rotate_key("platform", "schedule", ADA)
    fill(log, 1)
    new = log.reader.get_key("platform").vkey
    folder = export(log, tmp_path / "out")
    trust = tmp_path / "policy"
    lines = f"witness office {witness.vkey}\ngroup outside any office\nquorum outside\n"
    for platform, wanted in ((old, "done"), (new, "skipped")):
        own_key = log.reader.get_key("commune").vkey
        trust.write_text(f"log {own_key}\nlog {platform}\n{lines}")
        report = verdict(folder, trust)
        checks = report["checks"]
        assert isinstance(checks, dict) and checks["platform"].startswith(wanted), report


def test_two_auditors_compare_exports_of_different_keys(house: House, tmp_path: Path) -> None:
    log = house.open()
    fill(log, 2)
    early = export(log, tmp_path / "early")
    log.rotate_key("commune", "schedule", ADA)
    fill(log, 1)
    late = export(log, tmp_path / "late")
    assert compare(load_side(early), load_side(late)) is None
    assert compare(load_side(early / "checkpoint"), load_side(late)) is None


COLUMNS = "log_no, seq + 1, kind, zeroblob(32), time_us, leaf, note"


@pytest.mark.parametrize(
    ("sql", "stops"),
    [
        ("DELETE FROM turn", True),
        ("UPDATE turn SET public_key = zeroblob(32)", True),
        (f"INSERT INTO turn SELECT {COLUMNS} FROM turn", True),  # noqa: S608
        ("UPDATE turn SET leaf = CAST('{}' AS BLOB)", False),
        ("UPDATE turn SET note = replace(note, 'A', 'B')", False),
        ("UPDATE turn SET seq = seq + 1", False),
    ],
)
def test_who_edits_the_list_of_keys_gets_nothing_signed(
    house: House, sql: str, *, stops: bool
) -> None:
    log = house.open()
    fill(log, 2)
    log.rotate_key("commune", "schedule", ADA)
    fill(log, 1)
    fill(log, 1, "adem")
    house.close()
    check_all(house)
    database = apsw.Connection(str(house.audit_dir / "audit.db"))
    database.execute(sql)
    database.close()
    checks = check_logs(house.audit_dir, house.keystore)
    assert any(check.faults for check in checks)
    log = house.open()
    fill(log, 1, "adem")
    if stops:
        with pytest.raises(AuditUnavailable):
            start_chat(log)
    else:  # its exports are refused by whoever checks them
        fill(log, 1)
        assert verdict(export(log, house.folder / "out"))["verdict"] == "TAMPERED"
