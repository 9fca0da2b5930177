"""Copies of the logs' database: made while others write, restored, and refused when too old."""

import json
import shutil
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from parvis.audit import backup, verify
from parvis.audit.fsck import check_logs
from parvis.audit.store import StoreFault
from parvis.cli import main
from parvis.errors import AuditUnavailable
from tests.audit.houses import INSTALLATION, House, export, fill


@pytest.fixture
def site(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """A house as the commands find it."""
    secrets = house.folder / "secrets"
    secrets.mkdir(mode=0o700)
    (secrets / "root.key").write_text(house.root.hex() + "\n")
    (secrets / "root.key").chmod(0o600)
    monkeypatch.setenv("PARVIS_DATA_DIR", str(house.folder))
    monkeypatch.setenv("PARVIS_INSTALLATION", INSTALLATION)
    yield house


def copy_logs(folder: Path, *words: str) -> None:
    assert main(["audit", "backup", "--out", str(folder), "--operator", "ada", *words]) == 0


def lose(site: House) -> None:
    """The disk is gone; the signed heads were on other storage."""
    site.close()
    (site.audit_dir / "heads").rename(site.folder / "heads-elsewhere")
    shutil.rmtree(site.audit_dir)


def restore(site: House, copy: Path) -> None:
    """As docs/operate.md says."""
    site.audit_dir.mkdir(mode=0o700)
    shutil.copy(copy / "audit.db", site.audit_dir)
    shutil.copytree(copy / "keys", site.audit_dir / "keys")
    shutil.copytree(site.folder / "heads-elsewhere", site.audit_dir / "heads")


def test_a_copy_of_everything_goes_on_where_the_log_stopped(site: House, tmp_path: Path) -> None:
    log = site.open()
    fill(log, 3)
    copy_logs(tmp_path / "copy", "--with-keys")
    size, key = log.reader.get_head("commune").size, log.reader.get_key("commune")
    lose(site)
    restore(site, tmp_path / "copy")
    log = site.open()
    assert log.reader.get_key("commune") == key
    assert log.reader.get_head("commune").size >= size
    fill(log, 1)
    folder = export(log, tmp_path / "export")
    assert verify.verify_folder(str(folder))["verdict"] == "INTACT"
    assert not any(check.faults for check in check_logs(site.audit_dir, site.keystore))


def test_a_copy_that_is_older_than_the_heads_is_refused_until_two_people_declare_it(
    site: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = site.open()
    fill(log, 2)
    copy_logs(tmp_path / "copy", "--with-keys")
    fill(log, 2)
    size = log.reader.get_head("commune").size
    lose(site)
    restore(site, tmp_path / "copy")
    log = site.open()
    with pytest.raises(AuditUnavailable):
        fill(log, 1)
    with pytest.raises(AuditUnavailable):
        log.check_ready("commune")
    assert set(log.stopped) == {"commune"}  # the platform's log got nothing after the copy
    capsys.readouterr()
    words = ["audit", "declare-rollback", "--all", "--ground", "restore", "--operator", "ada"]
    assert main([*words, "--json"]) == 0
    request = json.loads(capsys.readouterr().out)["request"]
    assert main([*words[:2], "--confirm", request, "--operator", "grace"]) == 0
    log = site.open()
    fill(log, 1)
    report = verify.verify_folder(str(export(log, tmp_path / "export")))
    assert report["verdict"] == "INTACT" and report["continues"]["lost"][1] == size


def test_a_copy_is_whole_while_others_write(site: House, tmp_path: Path) -> None:
    log = site.open()
    fill(log, 1)
    stopped = threading.Event()

    def write() -> None:
        while not stopped.is_set():
            fill(log, 1)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        made = [backup.write_backup(site.audit_dir, tmp_path / f"c{n}") for n in range(5)]
    finally:
        stopped.set()
        writer.join()
    sizes = [one.sizes["commune"] for one in made]
    assert sizes == sorted(sizes)
    for one in made:
        (check,) = [c for c in check_logs(one.folder, site.keystore) if c.tenant_id == "commune"]
        assert check.size == one.sizes["commune"]
        assert not check.faults


def test_a_copy_holds_no_key_unless_asked_and_is_its_owners_alone(
    site: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(site.open(), 1)
    copy_logs(tmp_path / "bare", "--json")
    told = json.loads(capsys.readouterr().out)
    assert told["keys"] == 0 and told["sizes"]["commune"] == 3
    assert [path.name for path in (tmp_path / "bare").iterdir()] == ["audit.db"]
    copy_logs(tmp_path / "both", "--with-keys")
    assert "2 signing keys" in capsys.readouterr().out
    files = [path for path in (tmp_path / "both").rglob("*") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert stat.S_IMODE((tmp_path / "both").stat().st_mode) == 0o700
    assert site.root.hex().encode() not in b"".join(path.read_bytes() for path in files)
    newest = site.open(leads=False).reader.list_records("platform", limit=1)[0].data
    assert newest["kind"] == "audit.exported"
    assert newest["target"] == {"view": "backup", "object": "database+keys"}


def test_a_copy_that_fails_leaves_nothing(
    site: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(site.open(), 1)

    def fail(*_: object) -> None:
        raise StoreFault("FullError")

    monkeypatch.setattr(backup, "_copy_database", fail)
    words = ["audit", "backup", "--out", str(tmp_path / "copy"), "--with-keys"]
    assert main(words) == 1
    assert "the copy cannot be made (FullError)" in capsys.readouterr().err
    assert not (tmp_path / "copy").exists()
    (tmp_path / "copy").mkdir()
    assert main(words) == 1
    assert "exists already" in capsys.readouterr().err


def test_logs_in_postgresql_are_copied_by_its_own_tools(
    site: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PARVIS_AUDIT_DATABASE_URL", "postgresql://127.0.0.1:1/logs")
    assert main(["audit", "backup", "--out", "copy"]) == 1
    assert "pg_dump --schema=parvis_audit" in capsys.readouterr().err
