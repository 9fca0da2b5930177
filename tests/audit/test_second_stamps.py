"""Both verifiers on time stamps, printed heads, notes from elsewhere and evidence."""

import base64
import json
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from deploy.bench.audit_folders import MadeLog, bear, chats, encode
from parvis.audit import verify
from parvis.audit.gossip import compare, load_side
from parvis.audit.paper import format_head_line
from parvis.audit.timestamps import build_stamp_request, read_stamp
from tests.audit.authority import Authority
from tests.audit.second_verifier import Second, both, run_node, run_script
from tests.audit.test_second_outside import LINES, ONE, make, policy_of, tsa_line


def stamp(authority: Authority, note: str) -> bytes:
    """A token of the log's own note, as the anchors ask for it."""
    request, nonce = build_stamp_request(note.encode())
    return read_stamp(authority.answer(request), note.encode(), nonce, {})[0]


def make_stamped(folder: Path, token: bytes | None = None, size: int = 200) -> MadeLog:
    log = make(folder)
    log._write(f"notes/{size}", ONE.cosign(log.head(size)).encode())
    if token is not None:
        log._write(f"tokens/{size}.0", token)
    log.finish(bear(log))
    return log


@pytest.mark.parametrize("kind", ["rsa", "ec"])
def test_both_count_a_time_stamp_of_the_policys_authority_and_no_other(
    second: Second, tmp_path: Path, kind: str
) -> None:
    authority = Authority(kind=kind)
    token = stamp(authority, make(tmp_path / "plain").head(200))
    log = make_stamped(tmp_path / "stamped", token)
    cases = {
        tsa_line(authority): (True, "done"),
        tsa_line(Authority(name="Stranger")): (False, "stampStranger"),
        "": (False, "stampStranger"),
    }
    for line, (anchored, check) in cases.items():
        policy = policy_of(tmp_path, log, line + "quorum none\n")
        verdict, report = both(second, tmp_path / "stamped", policy=policy)
        assert (verdict, report["anchored"]) == ("INTACT", anchored)
        assert report["checks"]["stamps"] == check
        assert report["outside"]["window"] == (100 if anchored else 300)
    policy = policy_of(tmp_path, log, tsa_line(authority) + LINES + "quorum b\n")
    assert both(second, tmp_path / "stamped", policy=policy)[0] == "UNVERIFIABLE"
    for age, wanted in (("2d", "INTACT"), ("2099-01-01", "UNVERIFIABLE")):
        policy = policy_of(tmp_path, log, tsa_line(authority) + "quorum none\n")
        assert both(second, tmp_path / "stamped", policy=policy, age=age)[0] == wanted


def test_both_find_a_time_stamp_that_does_not_hold(second: Second, tmp_path: Path) -> None:
    note = make(tmp_path / "plain").head(200)
    good, other = stamp(Authority(), note), stamp(Authority(), "another\n")
    wrong = {
        "of another head": other,
        "cut": good[:-1],
        "longer": good + b"\x00",
        "no token": b"\x30\x03\x02\x01\x05",
    }
    assert both(second, make_stamped(tmp_path / "good", good).folder or tmp_path)[0] == "INTACT"
    for name, token in wrong.items():
        make_stamped(tmp_path / name, token)
        assert both(second, tmp_path / name)[0] == "TAMPERED", name
    log = make(tmp_path / "no head")
    log._write("tokens/200.0", good)
    log.finish(bear(log))
    assert both(second, tmp_path / "no head")[0] == "TAMPERED"
    (tmp_path / "good" / "tokens" / "0200.0").write_bytes(good)
    assert both(second, tmp_path / "good")[0] == "TAMPERED"


READ_TOKENS = """
import { readFileSync } from "node:fs";
const { checkToken, readCertificate, Unsupported } = globalThis.parvisStamps;
const { note, tokens, root } = JSON.parse(readFileSync(0, "utf8"));
const decode = (text) => Uint8Array.from(Buffer.from(text, "base64"));
const roots = new Map([["T", readCertificate(decode(root))]]);
const said = [];
for (const token of tokens) {
  try {
    const { when, name } = await checkToken(decode(token), decode(note), roots);
    said.push([when, name]);
  } catch (error) {
    said.push(error instanceof Unsupported ? "unsupported" : "wrong");
  }
}
console.log(JSON.stringify(said));
"""


def say(token: bytes, note: bytes, root: bytes) -> Any:
    try:
        return list(verify.check_token(token, note, {"T": root}))
    except verify.Unsupported:
        return "unsupported"
    except verify.Malformed:
        return "wrong"


@pytest.mark.parametrize("kind", ["rsa", "ec"])
def test_both_judge_damaged_time_stamps_alike(kind: str) -> None:
    note, authority = "a head\n", Authority(kind=kind)
    good = stamp(authority, note)
    expired = Authority(days=(-30, -1), kind=kind)
    chance = random.Random(7)  # noqa: S311 - the same damage every time
    tokens = [good, stamp(expired, note), b""]
    tokens += [good[: chance.randrange(len(good))] for _ in range(20)]
    for _ in range(400):
        broken = bytearray(good)
        broken[chance.randrange(len(good))] ^= 1 << chance.randrange(8)
        tokens.append(bytes(broken))
    given = {"note": note.encode(), "root": authority.root_der}
    told = {name: base64.b64encode(raw).decode() for name, raw in given.items()}
    told |= {"tokens": [base64.b64encode(token).decode() for token in tokens]}  # type: ignore[dict-item]
    second = run_script(READ_TOKENS, told=json.dumps(told))
    first = [say(token, note.encode(), authority.root_der) for token in tokens]
    assert first[0][1] == "T" and first[1][1] is None and first[2] == "wrong"
    assert first == second


def test_both_hold_the_log_to_a_head_from_elsewhere_and_to_a_printed_one(
    second: Second, tmp_path: Path
) -> None:
    log = make_stamped(tmp_path / "log")
    other = MadeLog("other")
    other.be_born()
    notes = {
        log.head(100): "INTACT",
        ONE.cosign(log.head(250)): "INTACT",
        log.head(100).replace("\n100\n", "\n101\n"): "TAMPERED",
        other.head(1): "UNVERIFIABLE",
        "no note": "TAMPERED",
    }
    policy = policy_of(tmp_path, log, LINES + "quorum none\n")
    for text, wanted in notes.items():
        (tmp_path / "note").write_text(text)
        verdict, report = both(second, tmp_path / "log", policy=policy, note=tmp_path / "note")
        assert verdict == wanted, text
        assert report["outside"]["window"] in {50, 200, 300}
    root = base64.b64decode(log.head(100).split("\n")[2])
    lines = {
        format_head_line(log.id, 100, root): "INTACT",
        format_head_line(log.id, 100, bytes(32)): "TAMPERED",
        format_head_line(log.id, 301, root): "TAMPERED",
        format_head_line("0" * 32, 100, root): "UNVERIFIABLE",
    }
    for line, wanted in lines.items():
        assert both(second, tmp_path / "log", printed=line)[0] == wanted, line


def test_both_judge_evidence_of_two_histories_alike(tmp_path: Path) -> None:
    true, false = make_stamped(tmp_path / "true"), make_forked(tmp_path / "false")
    evidence = compare(load_side(tmp_path / "true"), load_side(tmp_path / "false"))
    assert evidence is not None
    told = json.loads(evidence)
    same = dict(told, notes=[true.head(300), true.head(300)], root=true.head(300).split("\n")[2])
    cases = {
        "fork": told,
        "one history": same,
        "another root": dict(told, root=base64.b64encode(bytes(32)).decode()),
        "a proof too many": dict(told, proof=[base64.b64encode(bytes(32)).decode()]),
        "not signed": dict(told, vkey=MadeLog("other").vkey),
        "no notes": dict(told, notes=[]),
        "another format": dict(told, format="other"),
    }
    assert false.size == 301
    for name, case in cases.items():
        path = tmp_path / "evidence"
        path.write_bytes(encode(case) + b"\n")
        code = verify.main(["--evidence", str(path)])
        done = run_node("--evidence", path)
        assert done.returncode == code == (3 if name == "fork" else 4), (name, done.stdout)
    assert run_node(tmp_path, "--evidence", path).returncode == 5


def make_forked(folder: Path) -> MadeLog:
    """The same log with another record 0, signed by the same key, and one record more."""
    log = MadeLog("seen", folder)
    log.now_us += 1
    log.be_born()
    for leaf in chats(log, 300):
        log.append(leaf)
    log.finish(bear(log))
    return log


def test_the_second_verifiers_command_takes_what_the_auditor_brings(tmp_path: Path) -> None:
    log = make_stamped(tmp_path / "log")
    line = format_head_line(log.id, 100, base64.b64decode(log.head(100).split("\n")[2]))
    (tmp_path / "note").write_text(log.head(250))
    done = run_node(tmp_path / "log", "--head-line", line, "--note", tmp_path / "note", "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 0 and report["outside"]["window"] == 50
    assert report["checks"]["line"] == "done"
    day = datetime.now(UTC).date().isoformat()
    assert run_node(tmp_path / "log", "--not-older-than", day).returncode == 4
    for wrong in (["--head-line", line[:-1]], ["--note", tmp_path / "none"]):
        assert run_node(tmp_path / "log", *wrong).returncode == 5
    assert run_node(tmp_path / "log", "--not-older-than", "yesterday").returncode == 5


FIND_SUSPECTS = """
const { Records } = globalThis.parvisRecords;
const { ids } = new Records({ key: { name: "a/b" } }, 0);
const build = (n) => `01a20000-0000-7000-8000-${String(n).padStart(12, "0")}`;
for (let n = 0; n < 1_200_000; n++) ids.add(build(n));
const before = ids.findSuspects().size;
ids.add(build(7));
const found = ids.findSuspects();
console.log(JSON.stringify([before, found.size, found.has(ids.mark(build(7)))]));
"""


def test_the_second_looks_for_repeated_ids_above_a_million_records() -> None:
    before, after, found = run_script(FIND_SUSPECTS)
    assert found and after == before + 1
