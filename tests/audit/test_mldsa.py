"""Cosignatures by ML-DSA-44 (c2sp.org/tlog-cosignature, type 0x06): given, demanded, checked."""

import base64
import hashlib
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from deploy.bench.audit_folders import MadeLog, bear
from parvis.audit import verify
from parvis.audit.cosignatures import CosignerKey, format_cosigner_vkey, sign_cosignature
from parvis.audit.witness import Request, Witness, add_mldsa_key, create_witness
from parvis.cli import main
from parvis.errors import Conflict
from tests.audit.second_verifier import Second, both, run_script
from tests.audit.test_second_outside import NOW, ONE, make, policy_of

NAME = "office.test/w"
KEY = MLDSA44PrivateKey.from_seed_bytes(bytes(range(32)))
VKEY = format_cosigner_vkey(NAME, KEY.public_key().public_bytes_raw())
LINES = f"witness old {ONE.vkey}\nwitness new {VKEY}\n"


def make_seen(folder: Path, *keys: CosignerKey, when: int = NOW) -> MadeLog:
    """A log whose head of 200 carries the line of the first witness and of these keys."""
    log = make(folder)
    note = log.head(200)
    text = note.rpartition("\n\n")[0] + "\n"
    lines = "".join(sign_cosignature(text, NAME, key, when) for key in keys)
    log._write("notes/200", (ONE.cosign(note) + lines).encode())
    log.finish(bear(log))
    return log


def test_what_is_signed_is_the_structure_of_the_specification() -> None:
    root = bytes(range(32))
    text = f"log.test/a\n258\n{base64.b64encode(root).decode()}\nan extension\n"
    signed = verify.cosigned_message(b"\x06", "w.test", 1_700_000_000, text)
    assert signed == bytes.fromhex(
        "737562747265652f76310a00"  # subtree/v1, LF, NUL
        "06772e74657374"  # the witness's name
        "000000006553f100"  # the time
        "0a6c6f672e746573742f61"  # the origin
        "0000000000000000"  # from
        "0000000000000102"  # to
    ) + bytes(range(32))
    name, identity, raw = verify.split_vkey(VKEY)
    assert (name, raw[0], len(raw)) == (NAME, 6, 1313)
    assert identity == hashlib.sha256(NAME.encode() + b"\n" + raw).hexdigest()[:8]
    line = sign_cosignature(text, NAME, KEY, 5)
    assert len(base64.b64decode(line.split(" ")[2])) == 4 + 8 + 2420


def test_both_verifiers_demand_what_the_policy_demands(second: Second, tmp_path: Path) -> None:
    signed = make_seen(tmp_path / "signed", KEY)
    make_seen(tmp_path / "unsigned")
    demands = {
        "quorum old\n": ("INTACT", "INTACT"),
        "quorum new\n": ("INTACT", "UNVERIFIABLE"),
        "group g all old new\nquorum g\n": ("INTACT", "UNVERIFIABLE"),
        "group g any old new\nquorum g\n": ("INTACT", "INTACT"),
    }
    for demand, wanted in demands.items():
        policy = policy_of(tmp_path, signed, LINES + demand)
        for folder, verdict in zip(("signed", "unsigned"), wanted, strict=True):
            assert both(second, tmp_path / folder, policy=policy)[0] == verdict, demand


def test_both_verifiers_find_a_line_that_does_not_fit(second: Second, tmp_path: Path) -> None:
    log = make(tmp_path / "log")
    note = log.head(200)
    text = note.rpartition("\n\n")[0] + "\n"
    good = sign_cosignature(text, NAME, KEY, NOW)
    raw = base64.b64decode(good.split(" ")[2])
    changed = raw[:11] + bytes([raw[11] ^ 1]) + raw[12:]
    wrong = {
        "another time": changed,
        "another name": raw[:4]
        + base64.b64decode(sign_cosignature(text, "x", KEY, NOW).split(" ")[2])[4:],
        "another head": raw[:4]
        + base64.b64decode(
            sign_cosignature(text.replace("200", "201"), NAME, KEY, NOW).split(" ")[2]
        )[4:],
        "cut": raw[:-1],
        "no time": raw[:9],
    }
    for name, bad in wrong.items():
        log = make(tmp_path / name)
        line = f"\u2014 {NAME} {base64.b64encode(bad).decode()}\n"
        log._write("notes/200", (note + line).encode())
        log.finish(bear(log))
        policy = policy_of(tmp_path, log, LINES + "quorum none\n")
        assert both(second, tmp_path / name, policy=policy)[0] == "TAMPERED", name


def test_a_line_without_a_time_counts_nothing(second: Second, tmp_path: Path) -> None:
    log = make_seen(tmp_path / "log", KEY, when=0)
    policy = policy_of(tmp_path, log, LINES + "quorum new\n")
    assert both(second, tmp_path / "log", policy=policy)[0] == "UNVERIFIABLE"
    policy = policy_of(tmp_path, log, LINES + "quorum none\n")
    assert both(second, tmp_path / "log", policy=policy)[0] == "INTACT"


def test_without_its_library_the_verifier_lists_the_line_as_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = make_seen(tmp_path / "log", KEY)
    for demand, wanted in (("old", "INTACT"), ("new", "UNVERIFIABLE")):
        policy = verify.load_policy(f"log {log.vkey}\n{LINES}quorum {demand}\n".encode())
        report = verify.verify_folder(str(tmp_path / "log"), policy)
        assert (report["verdict"], report["checks"]["anchor"]) == ("INTACT", "done")
        with monkeypatch.context() as without:
            without.setattr(verify, "MLDSA44PublicKey", None)
            report = verify.verify_folder(str(tmp_path / "log"), policy)
        assert report["verdict"] == wanted
        assert report["checks"]["anchor"].startswith("skipped: cosignatures by ML-DSA-44")
        assert "ML-DSA-44" in verify.format_report(report, "lb")


WITHOUT = """
import { readFileSync } from "node:fs";
const { parsePolicy } = globalThis.parvisOutside;
const { verifyProof } = globalThis.parvisProof;
const { proof, policy } = JSON.parse(readFileSync(0, "utf8"));
const old = crypto.subtle.importKey;
crypto.subtle.importKey = function (kind, ...rest) {
  if (kind === "raw-public") throw new Error("a browser without it");
  return old.call(this, kind, ...rest);
};
const data = new TextEncoder().encode(proof);
const { verdict, checks } = await verifyProof(data, { policy: parsePolicy(policy) });
console.log(JSON.stringify([verdict, checks.anchor]));
"""


def test_the_second_verifier_lists_the_line_as_skipped_where_it_cannot_check_it() -> None:
    log = MadeLog("seen")
    log.be_born()
    proof = log.prove(0)
    text = proof.split("\n\n")[1] + "\n"
    proof += sign_cosignature(text, NAME, KEY, NOW)
    for demand, wanted in (("none", "INTACT"), ("new", "UNVERIFIABLE")):
        policy = f"log {log.vkey}\n{LINES}quorum {demand}\n"
        told = json.dumps({"proof": proof, "policy": policy})
        assert run_script(WITHOUT, told=told) == [wanted, "cosigner"]
        first = verify.verify_proof(proof.encode(), verify.load_policy(policy.encode()))
        assert (first["verdict"], first["checks"]["anchor"]) == ("INTACT", "done")


def test_a_witness_signs_with_both_keys_and_an_older_one_gets_the_second(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = make(tmp_path / "log")
    log.finish()
    made = create_witness(tmp_path / "w", NAME)
    (tmp_path / "w" / "logs").write_text(log.vkey + "\n")
    key = tmp_path / "w" / "witness.key"
    key.write_text(" ".join(key.read_text().split()[:2]) + "\n")  # as an older one wrote it
    assert Witness(tmp_path / "w").vkeys == made.vkeys[:1]
    assert main(["audit", "witness", "add-key", "--dir", str(tmp_path / "w")]) == 0
    first, second = capsys.readouterr().out.split()
    assert first == made.vkey and second != made.vkeys[1]
    with pytest.raises(Conflict):
        add_mldsa_key(tmp_path / "w")
    note = log.head(100)
    answer = Witness(tmp_path / "w").add_checkpoint(Request(0, (), note).text.encode())
    assert answer.status == 200 and answer.body.count("\n") == 2
    trust = verify.Trust()
    trust.add_witness("old", first)
    trust.add_witness("new", second)
    assert verify.read_cosignatures((note + answer.body).encode(), trust).keys() == {"old", "new"}
