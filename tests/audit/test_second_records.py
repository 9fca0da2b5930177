"""Both verifiers read records alike: thousands of records of every kind, changed at random."""

import base64
import json
import random
from typing import Any

from parvis.audit import kinds, verify
from tests.audit.second_verifier import run_script

ID = "01a20000-0000-7000-8000-000000000000"
TIME = "2026-11-21T23:35:14.041592Z"
SEAL = {"c": "0" * 64, "k": "0" * 32, "n": 3}
SAMPLES: dict[str, Any] = {
    **{"word": "a", "words": ["a"], "count": 1, "flag": True, "time": TIME, "counts": {"EMAIL": 1}},
    **{"hex32": "0" * 32, "hex64": "0" * 64, "actor": "person"},
    **{"decision": "allow", "action": "none"},
}
VALUES: list[Any] = [
    *SAMPLES.values(),
    *("", 0, -1, False, None, [], {}, "x" * 255, "x" * 256, 2**53 - 1, 2**53, -(2**53), 1.5),
    *("é", "a b", "a\n", "\ud800", "\u2028", "\x7f", "\x00", "\u0661", "F" * 32, TIME + "\n"),
    *(["a"] * 64, ["a"] * 65, [1], {"E": -1}, {"email": 1}, {"A" * 41: 1}, ID, ID.upper()),
    *({"prompt": SEAL}, {"user": SEAL}, {"user": {**SEAL, "x": 1}}, {"other": SEAL}),
    *("intent", "result", "fact", "success", "denied", "failed", "unknown", *kinds.KINDS),
]
NAMES = [
    *kinds.BLOCKS,
    *{name for block in kinds.BLOCKS.values() for name in block},
    *("v", "id", "seen", "outcome", "re", "reason", "seal", "__proto__", "toString", "é", "", "0"),
]
BYTES = b' "\\{}[]:,0123-.eE\t\n\xc3\xef\x00tfn'
READ = """
import { readFileSync } from "node:fs";
const { parseRecord, findFault, TYPES } = globalThis.parvisRecords;
const isGood = (text) => {
  try {
    const record = parseRecord(Buffer.from(text, "base64"));
    return findFault(record) === null && TYPES.count(record.seq) && TYPES.hex32(record.log);
  } catch {
    return false;
  }
};
console.log(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(isGood)));
"""


def build_record(kind: str) -> dict[str, Any]:
    """A record of this kind with every block and field that it may carry."""
    rule = kinds.KINDS[kind]
    record = {"v": 1, "id": ID, "log": "0" * 32, "seq": 7, "time": TIME, "seen": TIME}
    record |= {"kind": kind, "phase": rule.phases[0]}
    if rule.outcomes:
        record["outcome"] = rule.outcomes[0]
    if rule.phases[0] == "result":
        record["re"] = ID
    for name in {"emit", "actor", *rule.required, *rule.optional}:
        record[name] = {field: SAMPLES[code] for field, code in kinds.BLOCKS[name].items()}
    return record


def write(record: dict[str, Any]) -> bytes:
    text = json.dumps(record, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass")


def change(record: dict[str, Any], chance: random.Random) -> bytes:
    """The bytes of the record after a few changes to fields, and sometimes to one byte."""
    record = json.loads(write(record))
    for _ in range(chance.randrange(1, 4)):
        blocks = [value for value in record.values() if isinstance(value, dict)]
        place = chance.choice(blocks) if blocks and chance.random() < 0.5 else record
        name = chance.choice([*place, *NAMES[:3]] if chance.random() < 0.6 else NAMES)
        place.pop(name, None)
        if chance.random() < 0.7:
            place[name] = json.loads(json.dumps(chance.choice(VALUES)))
    raw = bytearray(write(record))
    if chance.random() < 0.3:
        raw[chance.randrange(len(raw))] = chance.choice(BYTES)
    return bytes(raw)


def is_good(leaf: bytes) -> bool:
    try:
        record = verify.parse_record(leaf)
    except verify.Malformed:
        return False
    fits = verify.find_fault(record) is None and verify.TYPES["count"](record["seq"])
    return bool(fits and verify.TYPES["hex32"](record["log"]))


def test_both_take_every_kind_of_record_and_refuse_the_same_changed_ones() -> None:
    chance = random.Random(5)  # noqa: S311 - the same changes every time
    whole = [build_record(kind) for kind in kinds.KINDS]
    leaves = [write(record) for record in whole]
    leaves += [change(chance.choice(whole), chance) for _ in range(5000)]
    first = [is_good(leaf) for leaf in leaves]
    told = json.dumps([base64.b64encode(leaf).decode() for leaf in leaves])
    second = run_script(READ, told=told)
    different = [leaf for leaf, one, two in zip(leaves, first, second, strict=True) if one != two]
    assert different == []
    assert all(first[: len(whole)]) and 100 < sum(first) < 2500


def test_what_is_accepted_without_parsing_is_what_parsing_accepts() -> None:
    """The first verifier's quick way takes every kind, and nothing that its slow way refuses."""
    chance = random.Random(6)  # noqa: S311 - the same changes every time
    whole = [build_record(kind) for kind in kinds.KINDS]
    untouched = [write(record) for record in whole]
    leaves = untouched + [change(chance.choice(whole), chance) for _ in range(20_000)]
    taken = []
    for leaf in leaves:
        checker = verify.RecordChecker("0" * 32, 7)
        quick = checker.check_quickly(7, leaf)
        if quick is not None:
            slow, record = verify.RecordChecker("0" * 32, 7).check(7, leaf)
            assert record is not None and quick == slow == [], leaf
            taken.append(leaf)
    missed = {json.loads(leaf)["kind"] for leaf in untouched if leaf not in taken}
    assert missed <= {*verify.TURNS, *verify.LAWS, verify.COMPARED}
    assert len(taken) > 1000
