"""One answer's proof: from the receipt in the header to a file that the verifier accepts alone."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from parvis.audit import verify
from parvis.audit.export import read_verifier
from parvis.audit.notes import format_proof, format_vkey, sign_note
from parvis.audit.reader import AuditReader
from parvis.audit.receipts import Receipt
from parvis.audit.tree import leaf_hash, node_hash
from parvis.cli import main
from tests.audit.forgers import change, copy_house, rebuild
from tests.audit.houses import WITNESS, House, fill, fill_fast


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """An installation with its root key, as the commands find it."""
    house = House(tmp_path / "data")
    (house.folder / "secrets").mkdir()
    (house.folder / "secrets" / "root.key").write_text(house.root.hex() + "\n")
    (house.folder / "secrets" / "root.key").chmod(0o600)
    monkeypatch.setenv("PARVIS_DATA_DIR", str(house.folder))
    yield house
    house.shut()


class Answer:
    """A receipt as the header carries it, its proof file, and a policy with the log's key."""

    def __init__(self, house: House, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        log = house.open()
        fill_fast(log, 20)
        self.receipt: Receipt = fill(log, 1)[1]
        fill_fast(log, 300)
        vkey = log.reader.get_key("commune").vkey
        house.close()
        assert main(["audit", "proof", self.receipt.text]) == 0
        self.file = folder / "answer.tlog-proof"
        self.file.write_text(capsys.readouterr().out)
        self.policy = folder / "policy"
        self.policy.write_text(f"log {vkey}\nquorum none\n")
        self.trusted = verify.load_policy(self.policy.read_bytes())
        self.named = verify.Receipt(self.receipt.text)

    def check(self, data: bytes) -> dict[str, Any]:
        return verify.verify_proof(data, self.trusted, self.named)


@pytest.fixture
def answer(home: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Answer:
    return Answer(home, tmp_path, capsys)


def test_a_receipt_leads_to_a_proof_that_the_verifier_accepts(
    answer: Answer, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["audit", "verify", str(answer.file), "--policy", str(answer.policy)]
    assert main([*command, "--receipt", answer.receipt.text]) == 0
    out = capsys.readouterr().out
    assert out.startswith("INTACT (unanchored)") and "record    22, chat.finished" in out
    assert main([*command, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["record"]["id"] == answer.receipt.id
    skipped = {name for name, state in report["checks"].items() if state != "done"}
    assert skipped == {"receipt", "anchor", "mldsa"}


def test_the_file_verifies_alone_without_any_package(answer: Answer, tmp_path: Path) -> None:
    script = tmp_path / "verify.py"
    script.write_bytes(read_verifier())
    files = [str(answer.file), "--policy", str(answer.policy)]
    for isolated in ([], ["-S"]):
        command = [sys.executable, "-I", *isolated, str(script), *files]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "") and done.stdout.startswith("INTACT")


def test_every_changed_byte_of_a_proof_is_refused(answer: Answer) -> None:
    data = answer.file.read_bytes()
    assert answer.check(data)["verdict"] == "INTACT"
    for place in range(len(data)):
        for bit in (place % 8, (place + 3) % 8):
            broken = bytearray(data)
            broken[place] ^= 1 << bit
            report = verify.verify_proof(bytes(broken), answer.trusted)
            assert report["exit"] in {3, 4}, (place, bit)
    for broken in (b"", data[:-1], data + b"\n", data[1:], b"\n" + data, data * 2):
        assert answer.check(bytes(broken))["exit"] in {3, 4}


def test_a_changed_file_is_refused_by_the_command_too(
    answer: Answer, capsys: pytest.CaptureFixture[str]
) -> None:
    data = answer.file.read_bytes()
    for place in (0, 30, len(data) // 2, len(data) - 2):
        answer.file.write_bytes(data[:place] + b"~" + data[place + 1 :])
        assert verify.main([str(answer.file), "--policy", str(answer.policy)]) == 3
        assert "FINDING   TAMPERED" in capsys.readouterr().out


def test_without_the_logs_key_a_proof_decides_nothing(
    answer: Answer, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert verify.main([str(answer.file)]) == 4
    assert "give the log's with --policy" in capsys.readouterr().out
    key = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    origin = verify.verify_proof(answer.file.read_bytes())["log"]
    for name, code in ((origin, 3), ("other.test/audit/" + "0" * 32, 4)):
        other = tmp_path / "other"
        other.write_text(f"log {format_vkey(name, key)}\nquorum none\n")
        assert verify.main([str(answer.file), "--policy", str(other)]) == code
    asked = answer.policy.read_text().replace("quorum none", f"witness W {WITNESS}\nquorum W")
    answer.policy.write_text(asked)
    assert verify.main([str(answer.file), "--policy", str(answer.policy)]) == 4


def test_another_records_receipt_is_refused(answer: Answer, home: House) -> None:
    data = answer.file.read_bytes()
    reader = AuditReader(home.audit_dir)
    other = reader.get_proof("commune", 3)
    reader.close()
    assert answer.check(data)["verdict"] == "INTACT"
    report = answer.check(other.text.encode())
    assert report["verdict"] == "TAMPERED"
    assert report["findings"][0]["reason"] == "the receipt names another record"
    assert verify.verify_proof(other.text.encode(), answer.trusted)["verdict"] == "INTACT"
    text = answer.receipt.text
    forged = text[:-8] + ("A" if text[-8] != "A" else "B") + text[-7:]
    report = verify.verify_proof(data, answer.trusted, verify.Receipt(forged))
    assert "not signed" in report["findings"][0]["reason"]


def test_a_receipt_betrays_a_rewritten_record(answer: Answer, home: House, tmp_path: Path) -> None:
    forged = copy_house(home, tmp_path / "forger")
    rebuild(forged, change(22, reason="nothing"))
    reader = AuditReader(forged.audit_dir)
    proof = reader.get_proof("commune", 22).text.encode()
    reader.close()
    forged.shut()
    assert verify.verify_proof(proof, answer.trusted)["verdict"] == "INTACT"
    assert answer.check(proof)["verdict"] == "TAMPERED"


def own_proof(leaf: bytes, seq: int, extra: str = "") -> tuple[bytes, verify.Policy]:
    """A proof in a tree of two records, by somebody with a log of his own."""
    origin, key = "own.test/audit/" + "ab" * 16, Ed25519PrivateKey.generate()
    other = b"\x05" * 32
    root = node_hash(leaf_hash(leaf), other) if seq == 0 else node_hash(other, leaf_hash(leaf))
    text = f"{origin}\n2\n{verify.base64.b64encode(root).decode()}\n{extra}"
    vkey = format_vkey(origin, key.public_key().public_bytes_raw())
    proof = format_proof(seq, [other], sign_note(text, origin, key), leaf)
    return proof.encode(), verify.load_policy(f"log {vkey}\nquorum none\n".encode())


def test_a_signed_proof_of_something_else_than_a_record_is_refused(answer: Answer) -> None:
    good = json.loads(verify.split_proof(answer.file.read_text())[0]) | {"log": "ab" * 16, "seq": 1}
    cases = {
        "fits": ({}, 1, ""),
        "other place": ({}, 0, ""),
        "other log": ({"log": "cd" * 16}, 1, ""),
        "unknown field": ({"note": "x"}, 1, ""),
        "unknown kind": ({"kind": "chat.whispered"}, 1, ""),
        "extension": ({}, 1, "more\n"),
        "large": ({"reason": "x" * 9000}, 1, ""),
    }
    for name, (fields, seq, extra) in cases.items():
        leaf = json.dumps(good | fields, sort_keys=True, separators=(",", ":")).encode()
        proof, policy = own_proof(leaf, seq, extra)
        wanted = "INTACT" if name == "fits" else "TAMPERED"
        assert verify.verify_proof(proof, policy)["verdict"] == wanted, name


def test_wrong_usage_of_a_proof_has_its_own_exit_code(
    answer: Answer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, policy = str(answer.file), str(answer.policy)
    for wrong in (
        [file, "--policy", file],
        [file, "--policy", str(tmp_path / "none")],
        [file, "--policy", policy, "--receipt", "v1.AAAA"],
        [file, "--policy", policy, "--receipt", answer.receipt.text + "A"],
        [str(tmp_path / "none.tlog-proof")],
    ):
        assert verify.main(wrong) == 5, wrong
    for wrong in ([file, "--state", "x"], [str(tmp_path), "--receipt", answer.receipt.text]):
        with pytest.raises(SystemExit) as left:
            verify.main(wrong)
        assert left.value.code == 5
    assert "Traceback" not in capsys.readouterr().err
