"""Logs that end: declared rollbacks by two people, one agency alone, and an agency that leaves."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from parvis.audit import AuditLog, verify
from parvis.audit.fsck import check_log, check_logs
from parvis.audit.log_keys import HEADS_NAME
from parvis.audit.policy_text import format_policy, list_trusted
from parvis.audit.receipts import Receipt
from parvis.cli import main
from parvis.errors import AuditUnavailable
from tests.audit.databases import make_database, run_sql
from tests.audit.houses import INSTALLATION, ROOT_KEY, House, export, fill, start_chat
from tests.audit.second_verifier import Second, both


@pytest.fixture
def site(house: House, url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """A house as the commands find it; its logs are in `PARVIS_AUDIT_DATABASE_URL`."""
    secrets = house.folder / "secrets"
    secrets.mkdir(mode=0o700)
    (secrets / "root.key").write_text(house.root.hex() + "\n")
    (secrets / "root.key").chmod(0o600)
    for name, value in (
        ("DATA_DIR", str(house.folder)),
        ("INSTALLATION", INSTALLATION),
        ("AUDIT_DATABASE_URL", url),
        ("TENANTS_DIR", str(house.folder / "tenants")),
    ):
        monkeypatch.setenv(f"PARVIS_{name}", value)
    yield house


def open_site(site: House) -> AuditLog:
    return site.open(database_url=os.environ["PARVIS_AUDIT_DATABASE_URL"])


def back_up(site: House) -> str:
    """Yesterday's copy of the database: a path, or the name of a PostgreSQL database."""
    url = os.environ["PARVIS_AUDIT_DATABASE_URL"]
    if url:
        return make_database(url.rpartition("/")[0] + "/postgres", url.rpartition("/")[2])
    return str(shutil.copy(site.audit_dir / "audit.db", site.folder / "yesterday"))


def restore(site: House, copy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if copy.startswith("postgresql"):
        monkeypatch.setenv("PARVIS_AUDIT_DATABASE_URL", copy)
    else:
        for rest in site.audit_dir.glob("audit.db-*"):
            rest.unlink()
        shutil.copy(copy, site.audit_dir / "audit.db")


def drop_record(tenant: str, seq: int, site: House) -> None:
    """A hole in one agency's log."""
    url = os.environ["PARVIS_AUDIT_DATABASE_URL"]
    prefix = "parvis_audit." if url else ""
    sql = (
        f"DELETE FROM {prefix}record WHERE seq = {seq} AND log_no = (SELECT no FROM"  # noqa: S608
        f" {prefix}log WHERE tenant_id = '{tenant}')"
    )
    if url:
        run_sql(url, sql)
    else:
        database = apsw.Connection(str(site.audit_dir / "audit.db"))
        database.execute(sql)
        database.close()


def declare(*words: str) -> int:
    return main(["audit", "declare-rollback", *words])


def ask(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    capsys.readouterr()
    assert declare(*words, "--ground", "restore", "--operator", "ada", "--json") == 0
    return str(json.loads(capsys.readouterr().out)["request"])


def check_all(site: House) -> None:
    url = os.environ["PARVIS_AUDIT_DATABASE_URL"]
    checks = check_logs(site.audit_dir, site.keystore, url)
    assert not any(check.faults for check in checks), checks
    assert check_log(site.audit_dir, ROOT_KEY, url) == []


def test_one_inconsistent_log_stops_its_agency_alone_until_two_people_declare_it(
    site: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = open_site(site)
    receipt = fill(log, 3)[-1]
    fill(log, 2, "adem")
    old = log.reader.get_key("commune")
    before = export(log, tmp_path / "before")
    state = tmp_path / "seen.json"
    assert verify.main([str(before), "--state", str(state)]) == 0
    site.close()
    drop_record("commune", 4, site)
    log = open_site(site)
    fill(log, 1, "adem")
    for _ in range(2):
        with pytest.raises(AuditUnavailable):
            start_chat(log)
    with pytest.raises(AuditUnavailable):
        log.check_ready("commune")
    log.check_ready("adem")
    assert set(log.stopped) == {"commune"}
    assert declare() == 1
    request = ask(capsys, "--tenant", "commune")
    assert declare("--confirm", request, "--operator", "Ada") == 1
    assert "another person" in capsys.readouterr().err
    with pytest.raises(AuditUnavailable):
        start_chat(log)
    assert declare("--confirm", request, "--operator", "grace") == 0
    fill(log, 2)
    fill(log, 1, "adem")
    new = log.reader.get_key("commune")
    assert new.origin != old.origin
    born = log.reader.list_records("commune", limit=1000)[-1].data
    assert born["kind"] == "log.rollback" and born["target"]["log"] == old.log
    assert len({born["actor"]["pid"], born["policy"]["reviewer"]}) == 2
    _require_answer(log, receipt, tmp_path, capsys)
    second = Second()
    for tenant in ("commune", "adem", "platform"):
        folder = export(log, tmp_path / tenant, tenant)
        assert both(second, folder)[0] == "INTACT", verify.verify_folder(str(folder))["findings"]
    second.close()
    report = verify.verify_folder(str(tmp_path / "commune"))
    size = json.loads(state.read_text())[old.origin]["size"]
    assert report["continues"]["origin"] == old.origin
    assert report["continues"]["lost"] == [0, size] and report["platform"]
    assert verify.main([str(tmp_path / "commune"), "--state", str(state)]) == 0
    told = log.reader.list_records("platform", limit=1000)
    assert {one.data.get("reason") for one in told} >= {"rollback.requested", "rollback.confirmed"}
    assert declare() == 0
    assert declare("--tenant", "commune", "--ground", "restore", "--operator", "ada") == 1
    site.close()
    check_all(site)


def _require_answer(
    log: AuditLog, receipt: Receipt, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A receipt of the old log is answered with the declaration; a forged one with nothing."""
    ended = log.reader.find_rolled_back(receipt.text)
    assert ended is not None and ended.is_lost and ended.ground == "restore"
    assert ended.origin == log.reader.get_key("commune").origin
    assert log.reader.find_rolled_back(receipt._replace(seq=receipt.seq - 1).text) is not None
    for forged in (receipt._replace(size=receipt.size + 1), receipt._replace(log="0" * 32)):
        assert log.reader.find_rolled_back(forged.text) is None
    capsys.readouterr()
    assert main(["audit", "proof", receipt.text, "--operator", "ada"]) == 1
    told = capsys.readouterr()
    assert "rolled back by declaration" in told.err and f"record {receipt.seq} is lost" in told.err
    assert log.reader.list_records("platform", limit=1)[0].data["actor"]["roles"] == ["operator"]
    (folder / "p").write_text(f"log {log.reader.get_key('platform').vkey}\nquorum none\n")
    report = verify.verify_proof(told.out.encode(), verify.load_policy((folder / "p").read_bytes()))
    assert report["verdict"] == "INTACT" and report["record"]["kind"] == "log.rollback"
    assert main(["audit", "proof", receipt.text, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["rolled_back"]["lost"] is True


def test_a_restored_backup_is_declared_as_a_whole_and_shows_what_was_lost(
    site: House,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fill(open_site(site), 2)
    site.close()
    copy = back_up(site)
    log = open_site(site)
    fill(log, 3)
    fill(log, 1, "late")
    seen = {tenant: log.reader.get_head(tenant) for tenant in ("platform", "commune", "late")}
    keys = {tenant: log.reader.get_key(tenant) for tenant in seen}
    state = tmp_path / "seen.json"
    verify.main([str(export(log, tmp_path / "seen")), "--state", str(state)])
    site.close()
    restore(site, copy, monkeypatch)
    with pytest.raises(AuditUnavailable):
        open_site(site)
    # nobody can say any more whose the missing log was
    assert declare("--all", "--ground", "restore", "--operator", "ada") == 1
    assert declare("--tenant", "commune", "--ground", "restore", "--operator", "ada") == 1
    for words in (["--tenant", "platform"], ["--tenant", "late", "--log", keys["late"].log]):
        request = ask(capsys, *words)
        assert declare("--confirm", request, "--operator", "grace") == 0, capsys.readouterr().err
    request = ask(capsys, "--all")
    assert declare("--confirm", request, "--operator", "grace") == 0
    log = open_site(site)
    fill(log, 1)
    fill(log, 1, "late")
    second = Second()
    for tenant, head in seen.items():
        folder = export(log, tmp_path / tenant, tenant)
        assert both(second, folder)[0] == "INTACT", verify.verify_folder(str(folder))["findings"]
        report = verify.verify_folder(str(folder))
        assert report["continues"]["origin"] == keys[tenant].origin
        assert report["continues"]["size"] >= head.size
        if tenant == "commune":
            assert 0 < report["continues"]["lost"][0] < report["continues"]["lost"][1]
            left = tmp_path / "left"
            words = ["--tenant", tenant, "--log", keys[tenant].log, "--out", str(left)]
            assert main(["audit", "export", *words]) == 0
            assert both(second, left)[0] == "INTACT"
            assert verify.verify_folder(str(left))["size"] == report["continues"]["lost"][0]
            assert verify.main([str(left), "--state", str(state)]) == 3  # shorter than what you saw
    trust = verify.load_policy(b"quorum none\n")[1]
    trusted = list_trusted(log.reader, "commune", trust)
    platforms = {one.text for one in trusted if one.owner == "platform"}
    assert platforms == {keys["platform"].vkey, log.reader.get_key("platform").vkey}
    policy = tmp_path / "policy"
    policy.write_text(format_policy(trusted, trust), encoding="utf-8")
    verdict, told = both(second, tmp_path / "commune", policy=policy)
    assert (verdict, told["checks"]["birth"]) == ("INTACT", "done")
    second.close()
    assert verify.main([str(tmp_path / "commune"), "--state", str(state)]) == 0
    site.close()
    check_all(site)


def test_a_closed_log_takes_nothing_and_can_be_exported_for_ever(
    site: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = open_site(site)
    fill(log, 2)
    fill(log, 1, "adem")
    left_open = start_chat(log)
    (site.folder / "tenants").mkdir()
    (site.folder / "tenants" / "commune.yaml").write_text("slug: commune\n")
    assert main(["audit", "close", "--tenant", "commune", "--operator", "ada"]) == 1
    (site.folder / "tenants" / "commune.yaml").unlink()
    close = ["audit", "close", "--tenant", "commune", "--operator", "ada"]
    assert main(close) == 1, "nobody said how long what is left is kept"
    assert main([*close, "--sealed-days", "30", "--audit-days", "183"]) == 1
    close += ["--sealed-days", "30", "--audit-days", "365"]
    assert main(close) == 0
    assert main(close) == 1
    with pytest.raises(AuditUnavailable):
        start_chat(log)
    fill(log, 1, "adem")
    site.close()
    log = open_site(site)
    with pytest.raises(AuditUnavailable):
        start_chat(log)
    out = tmp_path / "out"
    assert main(["audit", "export", "--tenant", "commune", "--out", str(out)]) == 0
    report = verify.verify_folder(str(out))
    assert report["verdict"] == "INTACT" and not report["open_intents"], report
    last, unknown = log.reader.list_records("commune", limit=2)
    assert last.kind == "log.closed" and unknown.data["re"] == left_open.id
    assert main(["audit", "proof", left_open.text]) == 0
    (closed,) = log.reader.list_records("platform", kinds=["log.closed"])
    assert closed.data["change"]["size"] == last.seq + 1
    assert closed.data["change"]["sealed_days"] == 30
    assert main(["audit", "rotate", "--all", "--ground", "staff-change", "--operator", "ada"]) == 0
    site.close()
    check_all(site)
    _require_decided(site, tmp_path)


def _require_decided(site: House, folder: Path) -> None:
    """What goes after a log's end without leave of the platform log is missing, as anywhere."""
    log, second = open_site(site), Second()
    for tenant in ("commune", "adem"):
        site.keystore.destroy_keys(tenant, sorted(site.keystore.list_ids(tenant)))
        made = export(log, folder / f"after {tenant}", tenant)
        verdict, other = both(second, made)
        report = verify.verify_folder(str(made))
        assert verdict == "TAMPERED" and report["sealed"]["missing"] > 0, report["findings"]
        if tenant == "commune":
            assert report["ended"] == other["ended"] and report["ended"]["size"] == report["size"]
    second.close()
    site.close()


def test_a_log_marked_as_closed_by_an_administrator_is_found(site: House) -> None:
    fill(open_site(site), 1)
    site.close()
    url = os.environ["PARVIS_AUDIT_DATABASE_URL"]
    prefix = "parvis_audit." if url else ""
    sql = (
        f"INSERT INTO {prefix}closed SELECT id, tenant_id, (SELECT id FROM {prefix}log WHERE"  # noqa: S608
        f" tenant_id = 'platform'), 1 FROM {prefix}log WHERE tenant_id = 'commune'"
    )
    if url:
        run_sql(url, sql)
    else:
        database = apsw.Connection(str(site.audit_dir / "audit.db"))
        database.execute(sql)
        database.close()
    log = open_site(site)
    with pytest.raises(AuditUnavailable):
        start_chat(log)
    assert "no record says so" in log.stopped.get("commune", "") or not log.check_ready("platform")


def test_heads_are_kept_on_the_storage_that_is_named(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heads = tmp_path / "other-storage"
    with pytest.raises(AuditUnavailable, match="mount or make it"):
        house.open(heads_dir=heads)
    heads.mkdir()
    fill(house.open(heads_dir=heads), 1)
    house.close()
    assert (heads / HEADS_NAME).is_file() and not (house.audit_dir / "heads").exists()
    copy = (house.audit_dir / "audit.db").read_bytes()
    fill(house.open(heads_dir=heads), 1)
    house.close()
    shutil.copytree(house.audit_dir, tmp_path / "kept")
    (house.audit_dir / "audit.db").write_bytes(copy)
    assert check_log(house.audit_dir, ROOT_KEY, heads_dir=heads)
    with pytest.raises(AuditUnavailable, match="shorter"):
        house.open(heads_dir=heads)
    (house.audit_dir / "audit.db").write_bytes((tmp_path / "kept" / "audit.db").read_bytes())
    fill(house.open(heads_dir=heads), 1)
