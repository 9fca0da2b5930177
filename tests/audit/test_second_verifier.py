"""The second verifier, in JavaScript: it agrees with the first one on every folder."""

import json
import random
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deploy.bench.audit_folders import MadeLog, bear, chats
from parvis.audit import PLATFORM, kinds, verify
from parvis.audit.log_keys import LogKeys
from parvis.audit.notes import sign_note
from tests.audit.forgers import change
from tests.audit.houses import WITNESS, House, export, fill, fill_fast, start_chat
from tests.audit.second_verifier import SECOND, Second, both, run_node, run_script
from tests.audit.test_verify import HOSTILE, ODD, WITH_KEY, a_day, files_of, forge, places_of


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Exports of one log: early, late with over 256 records, a period, the platform's."""
    folder = tmp_path_factory.mktemp("made")
    house = House(folder / "house")
    log = house.open()
    fill(log, 3)
    export(log, folder / "earlier")
    fill_fast(log, 600)
    fill(log, 2)
    start_chat(log)
    export(log, folder / "whole")
    export(log, folder / "platform", PLATFORM)
    times = [one.time for one in log.reader.list_records("commune", limit=1000)][::-1]
    until = times[310] + timedelta(microseconds=1)
    export(log, folder / "part", from_time=times[300], to_time=until)
    export(log, folder / "none", from_time=datetime(2090, 1, 1, tzinfo=UTC))
    yield folder
    house.shut()


@pytest.fixture
def whole(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made / "whole", tmp_path / "whole")
    return tmp_path / "whole"


def test_more_findings_than_are_listed_hide_no_worse_one(second: Second, tmp_path: Path) -> None:
    log = MadeLog("hidden", tmp_path / "export")
    log.be_born()
    for leaf in chats(log, 220):
        log.append(leaf)
    folder = log.finish(bear(log), notes=range(1, verify.MAX_FINDINGS + 10))
    assert both(second, folder)[0] == "INTACT"
    shutil.rmtree(folder / "notes")
    assert both(second, folder)[0] == "INCOMPLETE"
    (folder / "verify.py").write_text("print('INTACT')")  # the last file of the list
    assert both(second, folder)[0] == "TAMPERED"


TABLES = """
const { KINDS, FIELDS, ALWAYS_THERE, SEALED, SEALED_CONTENT } = globalThis.parvisRecords;
const entries = [...FIELDS];
const fields = Object.fromEntries(entries.map(([name, all]) => [name, Object.fromEntries(all)]));
console.log(JSON.stringify({ KINDS, FIELDS: fields, ALWAYS_THERE, SEALED, SEALED_CONTENT }));
"""
READ_SECOND = """
const { parseRecord, findFault } = globalThis.parvisRecords;
let said = "JSON";
try { said = findFault(parseRecord(Buffer.from(process.argv[1], "base64"))); } catch {}
console.log(JSON.stringify(said));
"""


def test_the_second_verifier_knows_the_same_kinds_and_fields() -> None:
    told = run_script(TABLES)
    assert {
        name: [set(words.split()) for words in kind] for name, kind in told["KINDS"].items()
    } == {name: [set(words) for words in kind] for name, kind in kinds.KINDS.items()}
    assert told["FIELDS"] == {name: dict(block) for name, block in kinds.BLOCKS.items()}
    assert told["ALWAYS_THERE"] == {k: list(v) for k, v in kinds.REQUIRED_FIELDS.items()}
    assert set(told["SEALED"]) == kinds.SEALED_NAMES
    assert set(told["SEALED_CONTENT"]) == kinds.SEALED_CONTENT


@pytest.mark.parametrize("name", ["earlier", "whole", "platform", "part", "none"])
def test_both_find_an_untouched_export_intact_and_learn_the_same(
    second: Second, made: Path, name: str
) -> None:
    first = verify.verify_folder(str(made / name))
    verdict, other = both(second, made / name)
    assert verdict == "INTACT" and other["findings"] == []
    for fact in ("log", "size", "root", "key", "made", "asked", "records", "times"):
        assert other[fact] == first[fact], fact
    assert other["open"] == first["open_intents"]
    done = [{k for k, v in one["checks"].items() if v == "done"} for one in (first, other)]
    assert done[0] == done[1] and set(other["checks"]) == set(first["checks"])


def test_both_find_any_changed_byte(second: Second, whole: Path) -> None:
    generator = random.Random(11)  # noqa: S311 - the same places every time
    for name in files_of(whole):
        raw = (whole / name).read_bytes()
        for place in {0, len(raw) - 1, *generator.sample(range(len(raw)), min(len(raw), 5))}:
            broken = bytearray(raw)
            broken[place] ^= 1 << generator.randrange(8)
            (whole / name).write_bytes(broken)
            assert both(second, whole)[0] == "TAMPERED", (name, place)
        (whole / name).write_bytes(raw)
    assert both(second, whole)[0] == "INTACT"


def test_the_second_finds_every_changed_byte_of_the_head(
    second: Second, made: Path, tmp_path: Path
) -> None:
    whole = tmp_path / "small"
    shutil.copytree(made / "earlier", whole)
    raw = (whole / "checkpoint").read_bytes()
    for place in places_of(whole / "checkpoint"):
        broken = bytearray(raw)
        broken[place] ^= 1 << place % 8
        (whole / "checkpoint").write_bytes(broken)
        assert second.check(whole)["verdict"] == "TAMPERED", place


def test_both_find_a_missing_a_longer_and_a_shorter_file(second: Second, whole: Path) -> None:
    for name in files_of(whole):
        raw = (whole / name).read_bytes()
        (whole / name).unlink()
        assert both(second, whole)[0] == "INCOMPLETE", name
        for other in (raw + b"\n", raw[:-1], b""):
            (whole / name).write_bytes(other)
            assert both(second, whole)[0] == "TAMPERED", name
        (whole / name).write_bytes(raw)
    assert both(second, whole)[0] == "INTACT"


def test_both_agree_when_two_files_are_missing(second: Second, whole: Path) -> None:
    for name in ("manifest", "keys.jsonl", "checkpoint"):
        for other in files_of(whole):
            if other != name and (whole / name).exists():
                raws = {path: (whole / path).read_bytes() for path in (name, other)}
                for path in raws:
                    (whole / path).unlink()
                assert both(second, whole)[0] == "INCOMPLETE", (name, other)
                for path, raw in raws.items():
                    (whole / path).write_bytes(raw)


@pytest.mark.parametrize(
    "name", ["more", "tile/2/000", "tile/entries/003", "notes/0", "notes/x", "a/b/c/d/e"]
)
def test_both_find_an_added_file(second: Second, whole: Path, name: str) -> None:
    (whole / name).parent.mkdir(parents=True, exist_ok=True)
    (whole / name).write_bytes(b"x")
    assert both(second, whole)[0] == "TAMPERED"


@pytest.mark.parametrize("kind", sorted(ODD))
def test_both_find_links_and_special_files(second: Second, whole: Path, kind: str) -> None:
    ODD[kind](whole)
    assert both(second, whole)[0] == "TAMPERED"


@pytest.mark.parametrize("kind", sorted(HOSTILE))
def test_both_refuse_malformed_files(second: Second, whole: Path, kind: str) -> None:
    for name in files_of(whole):
        raw = (whole / name).read_bytes()
        (whole / name).write_bytes(HOSTILE[kind])
        assert both(second, whole)[0] == "TAMPERED", name
        (whole / name).write_bytes(raw)


@pytest.mark.parametrize("attack", sorted(WITH_KEY))
def test_both_find_the_seams_of_a_log_rewritten_with_its_own_key(
    second: Second, tmp_path: Path, attack: str
) -> None:
    true, false = forge(a_day, tmp_path, WITH_KEY[attack][0], None)
    assert both(second, true)[0] == "INTACT"
    verdict, report = both(second, false)
    assert verdict == "TAMPERED" and report["checks"]["tree"] == "done"
    assert any("seq" in finding for finding in report["findings"])


# what only differs inside the JSON: both must read it the same way
BYTES: dict[str, Callable[[bytes], bytes]] = {
    "byte-order mark": lambda leaf: b"\xef\xbb\xbf" + leaf,
    "escaped letter": lambda leaf: leaf.replace(b'"kind"', b'"\\u006bind"'),
    "escaped slash": lambda leaf: leaf.replace(b'"v":1', b'"v":1,"w":"\\/"'),
    "half a pair": lambda leaf: leaf.replace(b'"v":1', b'"v":1,"w":"\\ud800"'),
    "minus zero": lambda leaf: leaf.replace(b'"n":', b'"n":-0,"o":', 1),
    "exponent": lambda leaf: leaf.replace(b'"v":1', b'"v":1e0'),
    "huge number": lambda leaf: leaf.replace(b'"v":1', b'"v":' + b"9" * 4000),
    "beyond 2^53": lambda leaf: leaf.replace(b'"v":1', b'"v":9007199254740993'),
    "not a number": lambda leaf: leaf.replace(b'"v":1', b'"v":NaN'),
    "true for one": lambda leaf: leaf.replace(b'"v":1', b'"v":true'),
    "prototype": lambda leaf: leaf.replace(b"{", b'{"__proto__":{"a":1},', 1),
    "constructor": lambda leaf: re.sub(rb'"kind":"[^"]*"', b'"kind":"constructor"', leaf),
    "bad utf-8": lambda leaf: leaf.replace(b'"v":1', b'"v":1,"w":"\xff"'),
    "deep": lambda leaf: b"[" * 4000 + b"]" * 4000,
    "empty": lambda leaf: b"",
    "a list": lambda leaf: b"[1]",
    "too long": lambda leaf: leaf.replace(b'"v":1', b'"v":1,"w":"' + b"x" * 9000 + b'"'),
}


@pytest.mark.parametrize("trick", sorted(BYTES))
def test_both_refuse_a_record_that_two_readers_could_read_differently(
    made: Path, trick: str
) -> None:
    leaf = verify.split_bundle((made / "earlier" / "tile/entries/000.p/7").read_bytes(), 7)[4]
    assert BYTES[trick](leaf) != leaf
    for record, good in ((leaf, True), (BYTES[trick](leaf), False)):
        assert (read_first(record) is None) is good
        assert (run_script(READ_SECOND, verify.base64.b64encode(record).decode()) is None) is good


def read_first(record: bytes) -> str | None:
    try:
        return verify.find_fault(verify.parse_record(record))
    except verify.Malformed:
        return "JSON"


def test_both_trust_the_key_of_your_policy_and_no_other(
    second: Second, made: Path, tmp_path: Path
) -> None:
    policy = tmp_path / "policy"
    vkey = verify.verify_folder(str(made / "whole"))["key"]["vkey"]
    policy.write_text(f"# ours\nlog {vkey} https://audit.test/\nquorum none\n")
    verdict, report = both(second, made / "whole", policy=policy)
    assert verdict == "INTACT" and report["key"]["confirmed"] is True
    assert both(second, made / "platform", policy=policy)[0] == "UNVERIFIABLE"
    policy.write_text(f"log {vkey}\nwitness W {WITNESS}\nquorum W\n")
    assert both(second, made / "whole", policy=policy)[0] == "UNVERIFIABLE"
    edit = change(4, policy={"decision": "allow", "rules": ["P-00"]})
    true, false = forge(a_day, tmp_path, edit, Ed25519PrivateKey.generate())
    assert both(second, false)[0] == "TAMPERED"  # the log's own first record names another key
    vkey = verify.verify_folder(str(true))["key"]["vkey"]
    policy.write_text(f"log {vkey}\nquorum none\n")
    assert both(second, true, policy=policy)[0] == "INTACT"
    assert both(second, false, policy=policy)[0] == "TAMPERED"


def test_both_demand_that_the_log_continues_what_was_seen(
    second: Second, made: Path, tmp_path: Path
) -> None:
    state = tmp_path / "seen.json"
    assert verify.main([str(made / "earlier"), "--state", str(state)]) == 0
    assert both(second, made / "whole", state=state)[0] == "INTACT"
    assert verify.main([str(made / "whole"), "--state", str(state)]) == 0
    assert both(second, made / "earlier", state=state)[0] == "TAMPERED"
    edit = change(4, policy={"decision": "allow", "rules": ["P-00"]})
    true, false = forge(a_day, tmp_path, edit, None)
    assert verify.main([str(true), "--state", str(state)]) == 0
    assert both(second, false)[0] == "INTACT"  # the open window that every report states
    assert both(second, false, state=state)[0] == "TAMPERED"


def resign(made: Path, folder: Path, edit: Callable[[list[str]], list[str]]) -> None:
    origin = verify.verify_folder(str(made / "whole"))["log"]
    keys = LogKeys(made / "house" / "audit" / "keys", bytes(range(32)))
    lines = (made / "whole" / "manifest").read_text().rpartition("\n\n")[0].split("\n")
    log_id = origin.rpartition("/")[2]
    key = keys._read(log_id, keys._path(log_id))
    assert key is not None
    note = sign_note("\n".join(edit(lines)) + "\n", origin, key)
    (folder / "manifest").write_text(note)


@pytest.mark.parametrize(
    "edit",
    [
        lambda lines: lines[:-1],
        lambda lines: [*lines[:2], "9" * 15, *lines[3:]],
        lambda lines: [*lines[:2], "0603", *lines[3:]],
        lambda lines: [*lines[:6], f"records 0 {2**52}", *lines[7:]],
        lambda lines: [*lines[:6], "records 300 0", *lines[7:]],
        lambda lines: [*lines[:6], "records 0 256", *lines[7:]],
        lambda lines: [*lines[:7], "files 11", *lines[8:-1], "0" * 64 + " 1 ../../etc/passwd"],
        lambda lines: [*lines[:-1], lines[-2]],
        lambda lines: ["x"],
        lambda lines: [*lines[:8], "x y", *lines[9:]],
        lambda lines: [],
    ],
)
def test_both_agree_on_a_list_of_files_signed_by_the_operator_himself(
    second: Second, made: Path, whole: Path, edit: Callable[[list[str]], list[str]]
) -> None:
    resign(made, whole, lambda lines: lines)
    assert both(second, whole)[0] == "INTACT"
    resign(made, whole, edit)
    both(second, whole)


def test_the_command_has_the_same_exit_codes(made: Path, whole: Path, tmp_path: Path) -> None:
    state = tmp_path / "seen.json"
    done = run_node(whole, "--state", state)
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.startswith(
        "INTACT (unanchored)"
    )
    assert verify.main([str(whole), "--state", str(state)]) == 0  # each reads the other's state
    assert run_node(made / "earlier", "--state", state).returncode == 3
    (whole / "README").unlink()
    report = json.loads(run_node(whole, "--json").stdout)
    assert (report["verdict"], report["exit"]) == ("INCOMPLETE", 2)
    assert run_node(whole).returncode == 2
    assert run_node(tmp_path / "whole" / "tile").returncode == 4
    bad = tmp_path / "bad"
    bad.write_text("nonsense\n")
    for wrong in (
        [],
        [tmp_path / "nowhere"],
        [bad],
        [whole, whole],
        [whole, "--what"],
        [whole, "--policy", bad],
        [whole, "--policy", tmp_path / "none"],
        [whole, "--state", bad],
    ):
        done = run_node(*wrong)
        assert done.returncode == 5 and done.stderr.startswith("verify: "), wrong
        assert "    at " not in done.stderr


def test_what_a_hostile_folder_says_is_printed_without_control_characters(whole: Path) -> None:
    (whole / "\x1b[31mred\nline").write_text("x")
    done = run_node(whole)
    assert done.returncode == 3
    assert done.stdout.isascii() and "\x1b" not in done.stdout


def test_every_word_of_the_second_verifier_has_four_languages() -> None:
    text = (SECOND / "texts.js").read_text(encoding="utf-8")
    tables = re.findall(r"^    (\w+): (\[.*\]),$", text, re.M)
    assert len(tables) > 90
    for name, entry in tables:
        words = json.loads(entry)
        assert len(words) == 4 and all(words), name
    told = {name for name, _ in tables}
    names = ("records.js", "keys.js", "tree.js", "copies.js", "verifier.js", "proof.js")
    script = "".join((SECOND / name).read_text() for name in names)
    said = set(re.findall(r'(?:TAMPERED|INCOMPLETE|UNVERIFIABLE)", [^,]+, "(\w+)"', script))
    said |= set(re.findall(r'(?:skip|wrong)\("(\w+)"', script))
    assert len(said) > 35 and said <= told
