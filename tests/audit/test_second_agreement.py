"""Where both verifiers once disagreed: hostile exports signed by their operator, odd words."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deploy.bench.audit_folders import MadeLog, bear, chats, encode
from parvis.audit import verify
from tests.audit.second_verifier import Second, both, run_node, run_script
from tests.audit.test_second_outside import AUTHORITY, policy_of, tsa_line
from tests.audit.test_second_stamps import stamp

Line = dict[str, Any]
DAY_US = 86_400_000_000


@pytest.fixture
def log(tmp_path: Path) -> MadeLog:
    log = MadeLog("agreed", tmp_path / "export")
    log.be_born()
    for leaf in chats(log, 4):
        log.append(leaf)
    log.rotate("agreed, second")
    return log


def rewrite(log: MadeLog, path: str, edit: Callable[[bytes], bytes]) -> None:
    """Change a file and sign the list anew: the attacker is the operator."""
    assert log.folder is not None
    data = edit((log.folder / path).read_bytes())
    (log.folder / path).write_bytes(data)
    others = [line for line in log.lines if not line.endswith(f" {path}")]
    log.lines = [*others, f"{hashlib.sha256(data).hexdigest()} {len(data)} {path}"]
    log.sign_list()


def first(**fields: Any) -> Callable[[list[Line]], list[Line]]:
    return lambda lines: [lines[0] | fields, *lines[1:]]


def last(**fields: Any) -> Callable[[list[Line]], list[Line]]:
    return lambda lines: [*lines[:-1], lines[-1] | fields]


KEYS: dict[str, tuple[Callable[[list[Line]], list[Line]], str]] = {
    "a further field": (first(more="x"), "INTACT"),
    "a number too large": (first(more=2**53), "TAMPERED"),
    "a name beyond ASCII": (first(é="x"), "TAMPERED"),
    "a control character in a name": (first(**{"\x01": "x"}), "INTACT"),
    "a line of another kind": (lambda lines: [*lines, {"kind": "x"}], "INTACT"),
    "a line whose kind is a number": (lambda lines: [*lines, {"kind": 1}], "INTACT"),
    "a line without a kind": (lambda lines: [*lines, {"more": "x"}], "TAMPERED"),
    "an empty platform": (last(platform=""), "TAMPERED"),
    "nothing pruned": (first(pruned=None), "INTACT"),
    "an empty proof of pruning": (first(pruned=""), "TAMPERED"),
    "no proof of pruning": (first(pruned=False), "TAMPERED"),
    "an object as proof of pruning": (first(pruned={}), "TAMPERED"),
}


@pytest.mark.parametrize("name", KEYS)
def test_both_read_the_same_lines_of_keys(second: Second, log: MadeLog, name: str) -> None:
    edit, wanted = KEYS[name]
    folder = log.finish(bear(log))

    def write(data: bytes) -> bytes:
        lines = [json.loads(line) for line in data.splitlines()]
        return b"".join(encode(line) + b"\n" for line in edit(lines))

    rewrite(log, "keys.jsonl", write)
    assert both(second, folder)[0] == wanted


def test_both_miss_nothing_where_nothing_was_sealed(second: Second, log: MadeLog) -> None:
    log.sealed = "parvis-audit-sealed/v1\nretention 3 0\n1 2 *\n"
    assert both(second, log.finish(bear(log)))[0] == "INTACT"


@pytest.mark.parametrize("sign", ["\u0085", "\ufeff", "\u3000", "\u200b", "\x7f", "\x1c"])
def test_both_know_the_same_white_space_in_a_name(second: Second, log: MadeLog, sign: str) -> None:
    folder = log.finish(bear(log))
    line = f"\u2014 some{sign}body AAAAAAAA\n"
    rewrite(log, "checkpoint", lambda data: data + line.encode())
    wanted = "INTACT" if sign in ("\ufeff", "\u200b", "\x7f") else "TAMPERED"
    assert both(second, folder)[0] == wanted


@pytest.mark.parametrize("age", ["99999d", "0001-01-01", "1969-12-31T23:59"])
def test_a_log_that_nobody_outside_saw_is_never_new_enough(
    second: Second, log: MadeLog, age: str
) -> None:
    assert both(second, log.finish(bear(log)), age=age)[0] == "UNVERIFIABLE"


READ_AGES = """
import { readFileSync } from "node:fs";
const { parseAge } = globalThis.parvisOutside;
const reads = (text) => {
  try {
    return parseAge(text);
  } catch {
    return null;
  }
};
console.log(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(reads)));
"""


def test_both_read_the_same_times() -> None:
    good = ["2026-11-21", "2026-11-21T10:00", "2026-11-21 10:00:59.123456+02:00", "2024-02-29"]
    bad = ["2024-02-30", "20240101", "2024-W01-1", "2024-01-01T24:00", "2024-01-01T00:00-00:60"]
    bad += ["2026-11-21Z", "0h", "100000d", "2026-11-21T10:00:00.1", "", "\uff12024-01-01"]
    told = run_script(READ_AGES, told=json.dumps(good + bad))
    assert told == [verify.parse_age(text) for text in good] + [None] * len(bad)
    for text in bad:
        with pytest.raises(verify.Malformed):
            verify.parse_age(text)


def test_hashes_alone_are_enough_for_a_log_that_was_pruned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = MadeLog("pruned", tmp_path / "export", first=256)
    log.be_born()
    for leaf in chats(log, 300):
        log.append(leaf)
    log.now_us += 185 * DAY_US
    log.add("retention.pruned", target={"object": "records", "first": 0, "end": 256})
    folder = log.finish(bear(log))
    for options in ([], ["--hashes-only"]):
        assert verify.main([str(folder), *options]) == 0, capsys.readouterr().out
        assert run_node(folder, *options).returncode == 0


def test_an_authority_in_the_token_that_cannot_be_read_counts_as_not_there(
    second: Second, tmp_path: Path
) -> None:
    """The policy has the authority's certificate: the broken copy in the token is not needed."""
    log = MadeLog("stamped", tmp_path / "export")
    log.be_born()
    token = bytearray(stamp(AUTHORITY, log.head(1)))
    rsa_key = bytes.fromhex("2a864886f70d010101")
    place = token.index(AUTHORITY.root_der) + AUTHORITY.root_der.index(rsa_key)
    token[place + len(rsa_key) - 1] ^= 2
    log._write("tokens/1.0", bytes(token))
    folder = log.finish(bear(log))
    policy = policy_of(tmp_path, log, tsa_line(AUTHORITY) + "quorum none\n")
    verdict, report = both(second, folder, policy=policy)
    assert (verdict, report["anchored"]) == ("INTACT", True)


@pytest.mark.parametrize("text", ["[" * 200_000, '{"a":' * 200_000, "[]", "9" * 9000, ""])
def test_a_state_that_is_none_is_wrong_usage(log: MadeLog, tmp_path: Path, text: str) -> None:
    folder, state = log.finish(bear(log)), tmp_path / "seen.json"
    state.write_text(text, encoding="utf-8")
    assert verify.main([str(folder), "--state", str(state)]) == 5
    assert run_node(folder, "--state", str(state)).returncode == 5


@pytest.mark.parametrize("text", ["[" * 200_000, '{"a":' * 200_000])
def test_evidence_and_keys_that_are_nested_deeply_have_a_verdict(
    log: MadeLog, tmp_path: Path, text: str
) -> None:
    evidence, folder = tmp_path / "evidence", log.finish(bear(log))
    evidence.write_text(text, encoding="utf-8")
    assert verify.main(["--evidence", str(evidence)]) == 4
    assert run_node("--evidence", str(evidence)).returncode == 4
    rewrite(log, "keys.jsonl", lambda data: data + text.encode() + b"\n")
    assert verify.main([str(folder)]) == run_node(folder).returncode == 3
