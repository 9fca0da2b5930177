"""Both verifiers on what lies outside: witnesses, policies, single proofs and receipts."""

import base64
import hashlib
import json
import random
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deploy.bench.audit_folders import START_US, MadeLog, bear, chats, make_key
from parvis.audit import verify
from parvis.audit.tree import root_at
from tests.audit.authority import Authority
from tests.audit.second_verifier import Second, both, run_node, run_script

NOW = START_US // 1_000_000 + 3600


class Witness:
    """Somebody else who signs heads, with the time (c2sp.org/tlog-cosignature, type 0x04)."""

    def __init__(self, name: str) -> None:
        self.name, self.key = name, make_key(name)
        raw = b"\x04" + self.key.public_key().public_bytes_raw()
        self.id = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
        self.vkey = f"{name}+{self.id.hex()}+{base64.b64encode(raw).decode()}"

    def line(self, text: str, when: int, key: Ed25519PrivateKey | None = None) -> str:
        signed = (key or self.key).sign(f"cosignature/v1\ntime {when}\n{text}".encode())
        raw = self.id + when.to_bytes(8, "big") + signed
        return f"\u2014 {self.name} {base64.b64encode(raw).decode()}\n"

    def cosign(self, note: str, when: int = NOW, key: Ed25519PrivateKey | None = None) -> str:
        return note + self.line(note.rpartition("\n\n")[0] + "\n", when, key)


ONE, TWO, THREE = (Witness(f"witness.{name}") for name in ("one", "two", "three"))
LINES = "".join(
    f"witness {word} {witness.vkey}\n" for word, witness in (("a", ONE), ("b", TWO), ("c", THREE))
)


def make(folder: Path) -> MadeLog:
    log = MadeLog("seen", folder)
    log.be_born()
    for leaf in chats(log, 299):
        log.append(leaf)
    return log


def policy_of(folder: Path, log: MadeLog, rest: str) -> Path:
    path = folder / "policy"
    path.write_text(f"log {log.vkey} https://log.test/\n{rest}")
    return path


AUTHORITY = Authority(kind="ec")


def tsa_line(authority: Authority, name: str = "T") -> str:
    return f"#!tsa {name} {base64.b64encode(authority.root_der).decode()}\n"


POLICIES = {
    "quorum none\n": ("INTACT", "INTACT"),
    LINES + "quorum none\n": ("INTACT", "INTACT"),
    LINES + "quorum a\n": ("UNVERIFIABLE", "INTACT"),
    LINES + "quorum c\n": ("UNVERIFIABLE", "UNVERIFIABLE"),
    LINES + "group g any a b c\nquorum g\n": ("UNVERIFIABLE", "INTACT"),
    LINES + "group g 2 a b c\nquorum g\n": ("UNVERIFIABLE", "INTACT"),
    LINES + "group g all a b c\nquorum g\n": ("UNVERIFIABLE", "UNVERIFIABLE"),
    LINES + "group g any b c\ngroup h all a g\nquorum h\n": ("UNVERIFIABLE", "INTACT"),
}


@pytest.mark.parametrize("rest", POLICIES)
def test_both_count_witnesses_as_the_policy_says(second: Second, tmp_path: Path, rest: str) -> None:
    for seen, wanted in zip((False, True), POLICIES[rest], strict=True):
        log = make(tmp_path / f"seen {seen}")
        note = log.head(200)
        note = TWO.cosign(ONE.cosign(note)) if seen else note
        log._write("notes/200", note.encode())
        folder = log.finish(bear(log))
        policy = policy_of(tmp_path, log, rest)
        verdict, other = both(second, folder, policy=policy)
        report = verify.verify_folder(str(folder), verify.load_policy(policy.read_bytes()))
        assert verdict == wanted
        assert other["anchored"] == report["anchored"]
        assert other["outside"]["window"] == report["outside"]["window"]


def test_both_find_a_cosignature_that_does_not_fit(second: Second, tmp_path: Path) -> None:
    wrong = {
        "another key": lambda note: ONE.cosign(note, key=TWO.key),
        "another head": lambda note: note + ONE.line("x\n1\ny\n", NOW),
        "too short": lambda note: note + ONE.line("", NOW)[:-6] + "==\n",
    }
    for name, spoil in wrong.items():
        log = make(tmp_path / name)
        log._write("notes/200", spoil(log.head(200)).encode())
        folder = log.finish(bear(log))
        policy = policy_of(tmp_path, log, LINES + "quorum none\n")
        assert both(second, folder, policy=policy)[0] == "TAMPERED", name


def test_both_find_a_record_that_is_younger_than_an_outside_copy(
    second: Second, tmp_path: Path
) -> None:
    for when, wanted in ((NOW, "INTACT"), (START_US // 1_000_000 - 3600, "TAMPERED")):
        log = make(tmp_path / wanted)
        log._write("notes/200", ONE.cosign(log.head(200), when).encode())
        folder = log.finish(bear(log))
        policy = policy_of(tmp_path, log, LINES + "quorum a\n")
        assert both(second, folder, policy=policy)[0] == wanted


READ_POLICIES = """
import { readFileSync } from "node:fs";
const { parsePolicy } = globalThis.parvisOutside;
const reads = (text) => {
  try {
    parsePolicy(text);
    return true;
  } catch {
    return false;
  }
};
console.log(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(reads)));
"""


def test_both_read_the_same_policies() -> None:
    log = f"log {MadeLog('seen').vkey}\n"
    texts = [log + rest for rest in POLICIES]
    texts += [
        *("", "quorum none\n", "# nothing\nquorum none", log, log + "quorum nobody\n"),
        *(log * 2 + "quorum none\n", log + "quorum none\nquorum none\n", "log x\nquorum none\n"),
        log + LINES + LINES + "quorum none\n",
        log + f"witness x {ONE.vkey}\nwitness y {ONE.vkey}\nquorum none\n",
        log + f"witness none {ONE.vkey}\nquorum none\n",
        log + f"witness a {MadeLog('seen').vkey}\nquorum none\n",
        log + LINES + "group g 4 a b c\nquorum g\n",
        log + LINES + "group g 0 a b c\nquorum g\n",
        log + LINES + "group g 01 a b c\nquorum g\n",
        log + LINES + "group g any a\nquorum g\n",
        log + LINES + "group g any a d\nquorum g\n",
        log + LINES + "group g any a b\ngroup h any a c\nquorum g\n",
        log + LINES + "group a any b c\nquorum a\n",
        log + LINES.replace(" ", "\t") + "quorum\ta\n",
        log + "  quorum none  \n\n#\n",
        log + "quorum none\r\n",
        log + "#!tsa a AAAA\nquorum none\n",
        log + tsa_line(AUTHORITY) + "quorum none\n",
        log + "#!tsa a AAA\nquorum none\n",
        log + tsa_line(AUTHORITY) * 2 + "quorum none\n",
        log + "#!other\nquorum none\n",
        log + "witnesses x\nquorum none\n",
        log + "quorum none none\n",
    ]
    first = []
    for text in texts:
        try:
            verify.load_policy(text.encode())
            first.append(True)
        except verify.Malformed:
            first.append(False)
    assert run_script(READ_POLICIES, told=json.dumps(texts)) == first
    assert 10 < sum(first) < len(first) - 10


JUDGE = """
import { readFileSync } from "node:fs";
const { parsePolicy } = globalThis.parvisOutside;
const { parseReceipt, verifyProof } = globalThis.parvisProof;
const told = [];
for (const { proof, policy, receipt } of JSON.parse(readFileSync(0, "utf8"))) {
  const named = receipt && parseReceipt(receipt);
  const given = { policy: policy && parsePolicy(policy), receipt: named };
  const { verdict, anchored } = await verifyProof(Buffer.from(proof, "base64"), given);
  told.push([verdict, anchored]);
}
console.log(JSON.stringify(told));
"""


def receipt_of(log: MadeLog, seq: int, size: int) -> str:
    """What `x-audit-receipt` would carry."""
    root = root_at(log.read, size)
    text = f"{log.origin}\n{size}\n{base64.b64encode(root).decode()}\n"
    raw = bytes.fromhex(log.id) + seq.to_bytes(8, "big") + log.read(0, seq, seq + 1)[0]
    raw += size.to_bytes(8, "big") + root + log.signers(size)[0].sign(text.encode())
    return "v1." + base64.urlsafe_b64encode(raw).decode().rstrip("=")


def list_cases() -> list[dict[str, Any]]:
    log = MadeLog("seen")
    log.be_born()
    for leaf in chats(log, 150):
        log.append(leaf)
    log.rotate("second")
    place = log.add("auth.login")
    for leaf in chats(log, 120, run="second"):
        log.append(leaf)
    keys = "".join(f"log {log.vkey_of(key)}\n" for key in log.keys)
    policy, old = keys + "quorum none\n", f"log {log.vkey_of(log.keys[0])}\nquorum none\n"
    other = f"log {MadeLog('other').vkey}\nquorum none\n"
    good, early = log.prove(place), log.prove(0, 100)
    top, blank, note = good.partition("\n\n")
    seen, unseen = (top + blank + witness.cosign(note) for witness in (ONE, TWO))
    demand = keys + LINES + "quorum a\n"
    receipts = [receipt_of(log, place, 200), receipt_of(log, place, 273), receipt_of(log, 5, 200)]
    cases = [(good, policy, None), (early, policy, None), (early, old, None), (good, old, None)]
    cases += [(good, None, None), (good, other, None), (seen, demand, None)]
    cases += [(unseen, demand, None), (good, demand, None)]
    cases += [(good, policy, receipt) for receipt in receipts]
    chance = random.Random(3)  # noqa: S311 - the same damage every time
    raw = good.encode()
    damaged = [raw[: chance.randrange(len(raw))] for _ in range(20)]
    for _ in range(300):
        broken = bytearray(raw)
        broken[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
        damaged.append(bytes(broken))
    found = [{"proof": proof.encode(), "policy": p, "receipt": r} for proof, p, r in cases]
    return found + [{"proof": one, "policy": policy, "receipt": None} for one in damaged]


def test_both_judge_proofs_and_receipts_alike() -> None:
    cases = list_cases()
    first = []
    for case in cases:
        policy = verify.load_policy(case["policy"].encode()) if case["policy"] else None
        receipt = verify.Receipt(case["receipt"]) if case["receipt"] else None
        report = verify.verify_proof(case["proof"], policy, receipt)
        first.append([report["verdict"], report["anchored"]])
    told = [case | {"proof": base64.b64encode(case["proof"]).decode()} for case in cases]
    assert run_script(JUDGE, told=json.dumps(told)) == first
    assert [verdict for verdict, _ in first[:12]] == [
        *("INTACT", "INTACT", "INTACT", "TAMPERED", "UNVERIFIABLE", "UNVERIFIABLE"),
        *("INTACT", "UNVERIFIABLE", "UNVERIFIABLE", "INTACT", "INTACT", "TAMPERED"),
    ]
    assert {verdict for verdict, _ in first[12:]} <= {"TAMPERED", "UNVERIFIABLE"}


def test_the_second_verifiers_command_takes_a_proof(tmp_path: Path) -> None:
    case = list_cases()[9]
    proof, policy = tmp_path / "answer.tlog-proof", tmp_path / "policy"
    proof.write_bytes(case["proof"])
    policy.write_text(case["policy"])
    done = run_node(proof, "--policy", policy, "--receipt", case["receipt"])
    assert done.returncode == 0 and "auth.login" in done.stdout
    assert run_node(proof).returncode == 4
    done = run_node(proof, "--policy", policy, "--language", "lb")
    assert done.returncode == 0 and "Zanter der Ënnerschrëft" in done.stdout
    for wrong in (["--receipt", "v1.x"], ["--state", policy], ["--language", "it"]):
        assert run_node(proof, "--policy", policy, *wrong).returncode == 5
    proof.write_bytes(case["proof"].replace(b"index", b"indes"))
    assert run_node(proof, "--policy", policy).returncode == 3
