"""The log's own ML-DSA-44 line on the heads that leave the house: made, demanded, checked."""

import base64
import json
import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from parvis.audit import Actor, AuditLog, verify
from parvis.audit.cosignatures import format_cosigner_vkey, sign_cosignature
from parvis.audit.fsck import check_logs
from parvis.audit.notes import parse_checkpoint
from parvis.audit.renewal import renew_trust
from tests.audit.houses import House, export, fill
from tests.audit.second_verifier import Second, both

ADA = Actor("person", "operator:ada", ("operator",))
STRANGER = MLDSA44PrivateKey.from_seed_bytes(bytes(32))


def trust(path: Path, *vkeys: str, more: str = "quorum none\n") -> Path:
    path.write_text("".join(f"log {vkey}\n" for vkey in vkeys) + more)
    return path


def keys_of(log: AuditLog, tenant: str = "commune") -> tuple[str, str]:
    return log.reader.get_key(tenant).vkey, log.reader.find_cosigner(tenant)


def test_published_heads_bear_it_and_receipts_cost_nothing_more(log: AuditLog) -> None:
    fill(log, 2)
    origin = log.reader.get_key("commune").origin
    head = log.publish_head("commune")
    assert head.note.count(f"\u2014 {origin} ") == 2
    assert log.reader.get_head("commune").note.count("\u2014") == 1  # the head of a batch
    assert log.publish_head("commune").note == head.note  # made once for each size
    cosigner = verify.Cosigner(log.reader.find_cosigner("commune"))
    text, lines = verify.split_note(head.note.encode())
    (raw,) = [raw for _, raw in lines if raw[:4] == cosigner.id]
    assert cosigner.read_time(text, raw[4:]) > 0
    own = verify.own_note(head.note.encode(), origin)
    assert own.decode() == log.reader.get_head("commune").note  # what time stamps are over


def test_it_changes_with_the_key_and_both_verifiers_follow(
    house: House, second: Second, url: str, tmp_path: Path
) -> None:
    log = house.open(database_url=url)
    fill(log, 2)
    for tenant in ("commune", "platform"):
        old = keys_of(log, tenant)
        before = export(log, tmp_path / f"{tenant}-before", tenant)
        log.rotate_key(tenant, "precaution", ADA)
        turn = export(log, tmp_path / f"{tenant}-turn", tenant)
        fill(log, 1)
        after = export(log, tmp_path / f"{tenant}-after", tenant)
        new = keys_of(log, tenant)
        assert not set(old) & set(new)
        for folder in (before, turn, after):
            for named in (old, (old[0], new[0], *old[1:], new[1])):
                policy = trust(tmp_path / "p", *named)
                verdict, report = both(second, folder, policy=policy)
                assert verdict == "INTACT" and report["checks"]["mldsa"] == "done"
        policy = trust(tmp_path / "p", new[0], new[1])
        assert both(second, after, policy=policy)[0] == "INTACT"
        kept = trust(tmp_path / "kept", *old)
        assert renew_trust(kept, after) == [new[0], new[1]] and renew_trust(kept, after) == []
    assert not any(check.faults for check in check_logs(house.audit_dir, house.keystore, url))


def test_a_policy_that_demands_it_is_not_content_without(
    log: AuditLog, second: Second, tmp_path: Path
) -> None:
    fill(log, 2)
    vkey, cosigner = keys_of(log)
    other = format_cosigner_vkey(verify.Key(vkey).name, STRANGER.public_key().public_bytes_raw())
    whole = export(log, tmp_path / "whole")
    assert both(second, whole, policy=trust(tmp_path / "p", vkey, other))[0] == "TAMPERED"
    bare = tmp_path / "bare"
    shutil.copytree(whole, bare)
    (bare / "manifest").unlink()  # who breaks Ed25519 signs another one
    for path in (bare / "checkpoint", *(bare / "notes").iterdir()):
        path.write_bytes(verify.own_note(path.read_bytes(), verify.Key(vkey).name))
    demands = trust(tmp_path / "p", vkey, cosigner)
    report = verify.verify_folder(str(bare), verify.load_policy(demands.read_bytes()))
    assert "the head is not signed by ML-DSA-44, as your policy demands" in {
        finding["reason"] for finding in report["findings"]
    }
    assert second.check(bare, policy=demands)["checks"]["mldsa"] == "noCosignedHead"
    proof = log.reader.get_proof("commune", 0).text
    trusted = verify.load_policy(demands.read_bytes())
    assert verify.verify_proof(proof.encode(), trusted)["verdict"] == "INTACT"
    top, note = proof.split("\n\n", 1)
    bare_proof = top + "\n\n" + verify.own_note(note.encode(), verify.Key(vkey).name).decode()
    report = verify.verify_proof(bare_proof.encode(), trusted)
    assert report["verdict"] == "UNVERIFIABLE" and report["checks"]["mldsa"].startswith("skipped")


def test_a_line_or_a_key_that_does_not_fit_is_found(
    log: AuditLog, second: Second, tmp_path: Path
) -> None:
    fill(log, 2)
    vkey, cosigner = keys_of(log)
    whole = export(log, tmp_path / "whole")
    note = (whole / "checkpoint").read_text()
    text = note.rpartition("\n\n")[0] + "\n"
    lines = note.rpartition("\n\n")[2].splitlines(keepends=True)
    (own,) = [line for line in lines if len(line) > 2000]
    raw = base64.b64decode(own.split(" ")[2])
    forged = base64.b64decode(
        sign_cosignature(text, verify.Key(vkey).name, STRANGER, 1).split(" ")[2]
    )
    wrong = raw[:4] + forged[4:]  # the log's key id, a stranger's signature
    bad = note.replace(own.split(" ")[2].strip(), base64.b64encode(wrong).decode())
    for name, file, data in (
        ("line", "checkpoint", bad),
        ("key", "keys.jsonl", (whole / "keys.jsonl").read_text().replace(cosigner, "") or ""),
    ):
        folder = tmp_path / name
        shutil.copytree(whole, folder)
        (folder / file).write_text(data)
        report = verify.verify_folder(str(folder))
        reasons = {finding["reason"] for finding in report["findings"]}
        assert report["verdict"] == second.check(folder)["verdict"] == "TAMPERED", name
        assert reasons != {"the file is not the one that was exported"}, reasons
    left_out = tmp_path / "left out"
    shutil.copytree(whole, left_out)
    first = json.loads((whole / "keys.jsonl").read_text().split("\n")[0])
    first["cosigner"] = None
    keys = json.dumps(first, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"
    (left_out / "keys.jsonl").write_text(keys)
    reasons = {one["reason"] for one in verify.verify_folder(str(left_out))["findings"]}
    assert "the log does not begin with the birth of this key" in reasons
    assert "birth" in {one["reason"] for one in second.check(left_out)["findings"]}


def test_a_policy_cannot_make_a_log_its_own_witness(log: AuditLog, tmp_path: Path) -> None:
    fill(log, 1)
    vkey, cosigner = keys_of(log)
    for more in (f"witness own {cosigner}\nquorum own\n", f"witness own {cosigner}\nquorum none\n"):
        with pytest.raises(verify.Malformed, match="witness of itself"):
            verify.load_policy(trust(tmp_path / "p", vkey, more=more).read_bytes())
    with pytest.raises(verify.Malformed, match="without its Ed25519 key"):
        verify.load_policy(trust(tmp_path / "p", cosigner).read_bytes())


def test_without_its_library_the_line_is_listed_as_skipped(
    log: AuditLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(log, 1)
    log.rotate_key("commune", "precaution", ADA)
    vkey, cosigner = keys_of(log)
    folder = export(log, tmp_path / "out")
    monkeypatch.setattr(verify, "MLDSA44PublicKey", None)
    for named, wanted in (((vkey,), "INTACT"), ((vkey, cosigner), "UNVERIFIABLE")):
        policy = verify.load_policy(trust(tmp_path / "p", *named).read_bytes())
        report = verify.verify_folder(str(folder), policy)
        assert report["verdict"] == wanted and "ML-DSA-44 need" in report["checks"]["mldsa"]


def test_the_last_head_of_a_closed_log_bears_it(
    log: AuditLog, second: Second, tmp_path: Path
) -> None:
    fill(log, 1)
    named = keys_of(log)
    log.close_log("commune", ADA, sealed_days=30, audit_days=365)
    folder = export(log, tmp_path / "out", log_id=log.reader.get_key("commune").log)
    assert parse_checkpoint(
        (folder / "checkpoint").read_text().rpartition("\n\n")[0] + "\n"
    ).size == json.loads((folder / "manifest").read_text().split("\n")[2])
    assert both(second, folder, policy=trust(tmp_path / "p", *named))[0] == "INTACT"
