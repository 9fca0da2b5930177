"""The commands of outside proof as people type them: witness by file, anchor, head, gossip."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from parvis.audit import AuditLog, verify
from parvis.audit.witness import create_witness
from parvis.cli import main
from tests.audit.forgers import change, copy_house, rebuild
from tests.audit.houses import House, export, fill


class Office:
    """An installation whose trust file names one witness, and the witness's folder."""

    def __init__(self, house: House, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.house, self.folder = house, folder
        (house.folder / "secrets").mkdir(parents=True)
        (house.folder / "secrets" / "root.key").write_text(house.root.hex() + "\n")
        (house.folder / "secrets" / "root.key").chmod(0o600)
        monkeypatch.setenv("PARVIS_DATA_DIR", str(house.folder))
        monkeypatch.setenv("PARVIS_ANCHORS_FILE", str(folder / "trust"))
        log = house.open()
        fill(log, 3)
        self.vkey = log.reader.get_key("commune").vkey
        house.close()
        self.witness = create_witness(folder / "witness", "office.test/w")
        (folder / "witness" / "logs").write_text(self.vkey + "\n")
        self.set_trust("")

    def set_trust(self, url: str) -> None:
        line = f"witness office {self.witness.vkey} {url}".rstrip()
        (self.folder / "trust").write_text(f"log {self.vkey}\n{line}\nquorum office\n")

    def open(self) -> AuditLog:
        return self.house.open()


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    house = House(tmp_path / "data")
    yield Office(house, tmp_path, monkeypatch)
    house.shut()


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address of the witness of this folder, a process of its own."""
    command = [sys.executable, "-m", "parvis", "audit", "witness", "serve"]
    command += ["--dir", str(folder), "--listen", "127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder) as process:
        assert process.stdout is not None
        yield process.stdout.readline().split()[1]
        process.terminate()


def test_a_cosignature_travels_on_a_stick(
    office: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked, answer = str(tmp_path / "request"), str(tmp_path / "answer")
    witness = ["--dir", str(tmp_path / "witness")]
    trust = str(tmp_path / "trust")
    request = ["audit", "witness", "request", "--tenant", "commune", "--out", asked]
    assert main(request) == 0
    assert main(["audit", "witness", "sign", *witness, asked, "--out", answer]) == 0
    assert main(["audit", "witness", "accept", "--tenant", "commune", asked, answer]) == 0
    assert main(["audit", "export", "--tenant", "commune", "--out", str(tmp_path / "out")]) == 0
    assert main(["audit", "verify", str(tmp_path / "out"), "--policy", trust]) == 0
    assert "INTACT (anchored)" in capsys.readouterr().out
    assert main(request) == 0  # from size 0 again: the witness tells what it signed last
    assert main(["audit", "witness", "sign", *witness, asked, "--out", answer]) == 1
    told = capsys.readouterr().err
    assert "--old 7" in told
    assert main([*request, "--old", "7"]) == 0
    assert main(["audit", "witness", "sign", *witness, asked, "--out", answer]) == 0
    Path(answer).write_text("\u2014 office.test/w AAAA\n")
    assert main(["audit", "witness", "accept", "--tenant", "commune", asked, answer]) == 1
    assert main(["audit", "witness", "status", *witness]) == 0
    assert "up to 8 records" in capsys.readouterr().out


def test_a_round_by_hand_anchors_over_http_and_a_proof_carries_the_witness(
    office: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = office.open()
    receipt = fill(log, 1)[0].text
    office.house.close()
    assert main(["audit", "anchor", "--tenant", "commune", "--show"]) == 0
    told = capsys.readouterr().out
    assert "records, never" in told and "LATE" not in told, "the log began just now"
    with serving(tmp_path / "witness") as url:
        office.set_trust(url)
        assert main(["audit", "anchor", "--tenant", "commune", "--heads", "--json"]) == 0
    state = json.loads(capsys.readouterr().out)["commune"]
    assert (state["covered"], state["window"], state["late"]) == (9, 0, False)
    assert main(["audit", "proof", receipt, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["size"] == 9 and told["vkey"] == office.vkey
    (tmp_path / "one.tlog-proof").write_text(told["proof"])
    arguments = [str(tmp_path / "one.tlog-proof"), "--policy", str(tmp_path / "trust")]
    assert main(["audit", "verify", *arguments, "--receipt", receipt]) == 0
    assert capsys.readouterr().out.startswith("INTACT (anchored)")
    again = ["audit", "proof", told["record"]["id"], "--tenant", "commune", "--json"]
    assert main(again) == 0
    assert json.loads(capsys.readouterr().out)["record"] == told["record"]
    assert main(["audit", "proof", told["record"]["id"], "--tenant", "nobody"]) == 1


def test_a_printed_head_is_checked_against_a_later_export(
    office: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", "head", "--tenant", "commune"]) == 0
    line = capsys.readouterr().out.strip()
    assert len(line.split()) == 5
    fill(office.open(), 2)
    folder = export(office.open(), tmp_path / "out")
    office.house.close()
    assert verify.main([str(folder), "--head-line", line]) == 0
    capsys.readouterr()
    assert main(["audit", "head", "--tenant", "commune", "--note"]) == 0
    (tmp_path / "note").write_text(capsys.readouterr().out)
    assert verify.main([str(folder), "--note", str(tmp_path / "note")]) == 0
    assert main(["audit", "head", "--tenant", "nobody"]) == 1


@pytest.mark.parametrize("longer", [0, 150])
def test_two_auditors_who_compare_find_a_fork_and_can_show_it(
    longer: int, office: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    true_log = office.open()
    first = export(true_log, tmp_path / "first")
    fill(true_log, longer)
    true = export(true_log, tmp_path / "true")
    office.house.close()
    forged = copy_house(office.house, tmp_path / "forged")
    rebuild(forged, change(4, policy={"decision": "allow", "rules": ["P-00"]}))
    false = export(forged.open(), tmp_path / "false")
    forged.shut()
    proof = tmp_path / "fork.json"
    assert main(["audit", "gossip", str(first), str(true)]) == 0
    assert main(["audit", "gossip", str(true), str(true / "checkpoint")]) == 0
    arguments = ["audit", "gossip", str(first), str(false), "--evidence", str(proof)]
    assert main(arguments) == 3
    assert main(arguments) == 1  # evidence is never overwritten
    assert main(["audit", "gossip", str(true), str(false)]) == 3
    capsys.readouterr()
    assert main(["audit", "verify", "--evidence", str(proof)]) == 3
    assert "two different roots" in capsys.readouterr().out
    told = json.loads(proof.read_bytes())
    assert verify.verify_evidence(proof.read_bytes())["evidence"] == "accepted"
    for name, value in (
        ("root", verify.verify_evidence(proof.read_bytes())["roots"][0]),
        ("notes", [told["notes"][0]] * 2),
        ("notes", told["notes"][::-1] if longer else [told["notes"][0]]),
        ("vkey", office.witness.vkey),
        ("format", "parvis-audit-evidence/v2"),
        ("proof", ["A" * 43 + "="]),
    ):
        broken = json.dumps(
            told | {name: value}, sort_keys=True, separators=(",", ":"), ensure_ascii=False
        )
        assert verify.verify_evidence(broken.encode())["evidence"] == "refused", name
    assert verify.verify_evidence(b"{}")["verdict"] == "UNVERIFIABLE"


def test_what_cannot_be_compared_is_said(
    office: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = office.open()
    fill(log, 1, "habitat")
    one, other = export(log, tmp_path / "one"), export(log, tmp_path / "other", "habitat")
    office.house.close()
    (tmp_path / "text").write_text("nothing\n")
    for pair in (
        (one, other),
        (one, tmp_path / "text"),
        (one, tmp_path / "nowhere"),
        (one / "checkpoint", one / "checkpoint"),
    ):
        assert main(["audit", "gossip", *map(str, pair)]) == 1
    assert capsys.readouterr().err.count("parvis: ") == 4
