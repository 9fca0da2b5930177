"""`parvis audit` as people type it: exit codes, JSON, one line on standard error, on record."""

import json
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from parvis.audit.reader import AuditReader
from parvis.cli import main
from tests.audit.houses import House, fill


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """A data folder with a root key and a log of six records, the gateway stopped."""
    house = House(tmp_path / "data")
    secrets = house.folder / "secrets"
    secrets.mkdir()
    (secrets / "root.key").write_text(house.root.hex() + "\n")
    (secrets / "root.key").chmod(0o600)
    monkeypatch.setenv("PARVIS_DATA_DIR", str(house.folder))
    fill(house.open(), 3)
    house.close()
    yield house
    house.shut()


def kinds(house: House, tenant: str = "commune") -> list[str]:
    reader = AuditReader(house.audit_dir)
    found = [record.kind for record in reader.list_records(tenant, limit=100)][::-1]
    reader.close()
    return found


def test_an_export_is_verified_proved_and_on_record(
    installed: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    command = ["audit", "export", "--tenant", "commune", "--out", str(out), "--json"]
    assert main(command) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["size"] == 8 and (out / "manifest").is_file()
    assert kinds(installed)[-1] == "audit.exported"
    assert main(["audit", "verify", "--json", str(out)]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["verdict"] == "INTACT" and report["key"]["fingerprint"] == told["fingerprint"]
    (out / "README").write_text("changed")
    assert main(["audit", "verify", str(out)]) == 3
    assert capsys.readouterr().out.startswith("TAMPERED")
    (out / "README").unlink()
    assert main(["audit", "verify", str(out)]) == 2
    assert main(["audit", "verify", str(tmp_path / "nowhere")]) == 5
    with pytest.raises(SystemExit) as left:
        main(["audit", "verify"])
    assert left.value.code == 5


def test_a_period_is_read_and_a_wrong_one_refused(
    installed: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = ["audit", "export", "--tenant", "commune", "--out", str(tmp_path / "out")]
    for wrong in ("yesterday", "2026-11-01T08:00", "2026-13-01"):
        assert main([*base, "--from", wrong]) == 1
        assert len(capsys.readouterr().err.splitlines()) == 1
    assert main([*base, "--from", "2020-01-01", "--to", "2100-01-01T00:00Z"]) == 0
    assert main(["audit", "verify", str(tmp_path / "out")]) == 0
    assert main(base) == 1  # the folder is there already
    assert "exists" in capsys.readouterr().err
    assert kinds(installed).count("audit.exported") == 1


def test_a_receipt_is_proved_and_a_foreign_one_is_not(
    installed: House, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    log = installed.open()
    receipt = fill(log, 1)[1].text
    installed.close()
    assert main(["audit", "proof", receipt]) == 0
    assert capsys.readouterr().out.startswith("c2sp.org/tlog-proof@v1\nextra ")
    assert kinds(installed)[-1] == "audit.read"
    assert main(["audit", "proof", receipt, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["tenant"] == "commune" and told["record"]["kind"] == "chat.finished"
    before = len(kinds(installed))
    for wrong in ("v1.AAAA", receipt[:-8] + "AAAAAAAA", "x"):
        changed = main(["audit", "proof", wrong])
        assert changed == (0 if wrong.startswith(receipt[:60]) else 1)
    assert len(kinds(installed)) == before + 1


def test_fsck_tells_a_sound_log_from_a_damaged_one(
    installed: House, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", "fsck"]) == 0
    assert capsys.readouterr().out.endswith("every log is sound\n")
    database = apsw.Connection(str(installed.audit_dir / "audit.db"))
    database.execute("UPDATE record SET leaf = zeroblob(3) WHERE seq = 2 AND log_no = 2")
    database.close()
    assert main(["audit", "fsck", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["sound"] is False
    assert any("record 2" in fault for one in told["logs"] for fault in one["faults"])


@pytest.mark.parametrize(
    "command",
    [
        ["audit", "export", "--tenant", "commune", "--out", "OUT"],
        ["audit", "proof", "v1.AAAA"],
        ["audit", "fsck"],
    ],
)
def test_without_a_log_a_command_says_so_and_makes_none(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: list[str],
) -> None:
    monkeypatch.setenv("PARVIS_DATA_DIR", str(tmp_path / "data"))
    assert main([word.replace("OUT", str(tmp_path / "out")) for word in command]) == 1
    assert "no audit log" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("command", ["export", "verify", "proof", "fsck"])
def test_help_shows_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["audit", command, "--help"])
    assert left.value.code == 0
    assert f"example: parvis audit {command}" in capsys.readouterr().out


def test_an_unknown_agency_has_nothing_to_export(
    installed: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", "export", "--tenant", "x", "--out", str(tmp_path / "out")]) == 1
    told = capsys.readouterr().err
    assert told == "parvis: no log of this agency: `parvis audit fsck` lists them\n"
    assert not (tmp_path / "out").exists()
    assert kinds(installed)[-1] == "chat.finished"
