"""Keys over time and declared rollbacks: both verifiers follow them, and see what does not fit."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.bench.audit_folders import MadeLog, bear, encode, make_key
from parvis.audit import verify
from tests.audit.second_verifier import Second, both


def fill(log: MadeLog, count: int) -> None:
    for _ in range(count):
        log.append(encode(log.build("auth.login", target={"view": "portal"})))


def make(folder: Path) -> MadeLog:
    """A log of 421 records: its second key signs from size 301, its third from 412."""
    log = MadeLog("rotated", folder)
    log.be_born()
    fill(log, 299)
    log.rotate("second")
    fill(log, 110)
    log.rotate("third")
    fill(log, 9)
    return log


def write_note(log: MadeLog, size: int, note: str) -> None:
    """A published head that the list of files knows."""
    log._write(f"notes/{size}", note.encode())


Spoil = Callable[[MadeLog], object]
NOTES: dict[str, tuple[str, Spoil]] = {
    "each by the key of its time": (
        "INTACT",
        lambda log: [write_note(log, n, log.head(n)) for n in (0, 300, 301, 302, 411, 412, 421)],
    ),
    "a later head by the retired key": (
        "TAMPERED",
        lambda log: write_note(log, 302, log.head(302, log.keys[:1])),
    ),
    "a later head by both": (
        "TAMPERED",
        lambda log: write_note(log, 302, log.head(302, log.keys[:2])),
    ),
    "an early head by a later key": (
        "TAMPERED",
        lambda log: write_note(log, 200, log.head(200, log.keys[1:2])),
    ),
    "the change of keys by the old key alone": (
        "TAMPERED",
        lambda log: write_note(log, 301, log.head(301, log.keys[:1])),
    ),
    "the change of keys by the new key alone": (
        "TAMPERED",
        lambda log: write_note(log, 301, log.head(301, log.keys[1:2])),
    ),
    "a head by a stranger": (
        "TAMPERED",
        lambda log: write_note(log, 200, log.head(200, [make_key("stranger")])),
    ),
    "a head with a stranger's line beside": (
        "INTACT",
        lambda log: write_note(log, 200, log.head(200, [log.keys[0], make_key("stranger")])),
    ),
}


@pytest.mark.parametrize("case", NOTES)
def test_a_head_counts_only_under_the_key_of_its_time(
    second: Second, tmp_path: Path, case: str
) -> None:
    wanted, spoil = NOTES[case]
    log = make(tmp_path / "folder")
    spoil(log)
    folder = log.finish(bear(log))
    assert both(second, folder)[0] == wanted
    report = verify.verify_folder(str(folder))
    assert [(one["first"], one["last"]) for one in report["keys"]] == [
        (0, 301),
        (301, 412),
        (412, None),
    ]
    assert report["key"]["vkey"] == log.vkey


def turn(log: MadeLog, at: int, **fields: object) -> None:
    log.turns[at] = log.turns[at] | fields


def forget(log: MadeLog) -> None:
    """The second change is not told: the rest of the log is the second key's."""
    del log.turns[1], log.keys[2], log.begins[2]


HISTORIES: dict[str, Spoil] = {
    "a change is left out": forget,
    "both changes are left out": lambda log: log.turns.clear(),
    "they change places": lambda log: log.turns.reverse(),
    "one is told twice": lambda log: log.turns.append(log.turns[0]),
    "another key": lambda log: turn(log, 0, vkey=log.vkey_of(make_key("other"))),
    "another log": lambda log: turn(log, 0, vkey=MadeLog("other").vkey),
    "another proof": lambda log: turn(log, 0, proof=log.turns[1]["proof"]),
    "a proof under a later head": lambda log: turn(log, 0, proof=log.prove(300, 421)),
    "a proof by one hand": lambda log: turn(
        log, 0, proof=log.turns[0]["proof"].rsplit("\u2014", 1)[0]
    ),
    "no proof": lambda log: turn(log, 0, proof=""),
    "a proof that is no text": lambda log: turn(log, 0, proof=7),
    "no key": lambda log: turn(log, 0, vkey=None),
    "a kind that is no text": lambda log: turn(log, 0, kind=["key.rotated"]),
}


@pytest.mark.parametrize("case", HISTORIES)
def test_a_false_list_of_keys_is_found(second: Second, tmp_path: Path, case: str) -> None:
    log = make(tmp_path / "folder")
    HISTORIES[case](log)
    assert both(second, log.finish(bear(log)))[0] == "TAMPERED"


RECORDS: dict[str, dict[str, object]] = {
    "another id": {"target": {"key": "00000000"}},
    "another key before": {"change": {"before": "stranger+00000000+AAAA"}},
    "no ground": {"change": {"ground": None}},
    "another log": {"target": {"log": "ab" * 16}},
}


@pytest.mark.parametrize("case", RECORDS)
def test_a_change_of_keys_must_say_what_it_must(second: Second, tmp_path: Path, case: str) -> None:
    log = MadeLog("rotated", tmp_path / "folder")
    log.be_born()
    new = make_key("second")
    whole = {
        "target": {"key": log.id_of(new)},
        "change": {"vkey": log.vkey_of(new), "before": log.vkey, "ground": "schedule"},
    }
    for name, fields in RECORDS[case].items():
        assert isinstance(fields, dict)
        block = whole[name] | fields
        whole[name] = {key: value for key, value in block.items() if value is not None}
    log.rotate("second", **whole)
    assert both(second, log.finish(bear(log)))[0] == "TAMPERED"


def test_the_platform_log_may_confirm_a_change_of_keys_and_may_not_deny_it(
    second: Second, tmp_path: Path
) -> None:
    for kind, wanted in (("key.rotated", "INTACT"), ("key.created", "TAMPERED")):
        log = make(tmp_path / kind)
        platform = MadeLog("platform")
        platform.be_born()
        place = platform.add(
            kind, target={"log": log.id}, change={"vkey": log.vkey_of(log.keys[1])}
        )
        turn(log, 0, platform={"vkey": platform.vkey, "proof": platform.prove(place)})
        assert both(second, log.finish(bear(log)))[0] == wanted


def test_a_compromised_key_marks_the_suspect_records(second: Second, tmp_path: Path) -> None:
    log = make(tmp_path / "folder")
    log.compromise(log.keys[1], 350)
    folder = log.finish(bear(log))
    verdict, other = both(second, folder)
    assert verdict == "INTACT"
    report = verify.verify_folder(str(folder))
    assert [one["suspect_from"] for one in report["keys"]] == [None, 350, None]
    assert other["keys"] == report["keys"]


@pytest.mark.parametrize(
    ("which", "size", "change"),
    [
        (2, 350, {}),  # still in use
        (1, 413, {}),  # beyond its time
        (1, 350, {"root": "ab" * 32}),
        (1, 350, {"vkey": "stranger+00000000+AAAA"}),
    ],
)
def test_a_declaration_that_cannot_be_is_found(
    second: Second, tmp_path: Path, which: int, size: int, change: dict[str, str]
) -> None:
    log = make(tmp_path / "folder")
    log.compromise(log.keys[which], size, **change)
    assert both(second, log.finish(bear(log)))[0] == "TAMPERED"


def policy_of(folder: Path, *vkeys: str) -> Path:
    path = folder / "policy"
    path.write_text("".join(f"log {vkey}\n" for vkey in vkeys) + "quorum none\n")
    return path


def test_any_key_of_the_history_confirms_the_log_unless_it_was_compromised(
    second: Second, tmp_path: Path
) -> None:
    log = make(tmp_path / "folder")
    log.compromise(log.keys[1], 350)
    folder = log.finish(bear(log))
    first, middle, last = (log.vkey_of(key) for key in log.keys)
    stranger = log.vkey_of(make_key("stranger"))
    for vkeys, wanted in (
        ((first,), "INTACT"),
        ((last,), "INTACT"),
        ((first, middle, last), "INTACT"),
        ((middle,), "UNVERIFIABLE"),
        ((first, middle), "INTACT"),
        ((stranger,), "TAMPERED"),
        ((stranger, last), "INTACT"),
    ):
        assert both(second, folder, policy=policy_of(tmp_path, *vkeys))[0] == wanted, vkeys
    report = verify.verify_folder(
        str(folder), verify.load_policy(policy_of(tmp_path, first).read_bytes())
    )
    assert report["renew_policy"] is True


def test_what_you_saw_under_the_old_key_is_continued_under_the_new(
    second: Second, tmp_path: Path
) -> None:
    log = make(tmp_path / "folder")
    folder = log.finish(bear(log))
    state = tmp_path / "seen.json"
    root = verify.base64.b64decode(log.head(200).split("\n")[2]).hex()
    for key, size, wanted in ((0, 200, "INTACT"), (1, 200, "TAMPERED"), (0, 350, "TAMPERED")):
        seen = {"vkey": log.vkey_of(log.keys[key]), "size": size, "root": root}
        state.write_text(json.dumps({log.origin: seen}))
        assert both(second, folder, state=state)[0] == wanted, (key, size)


OLD = MadeLog("the old log")


def roll_back(folder: Path, **fields: object) -> MadeLog:
    """A log in the place of another one; record 0 says so."""
    log = MadeLog("the new log", folder)
    change = {"origin": log.origin, "vkey": log.vkey, "before": OLD.origin, "size": 900}
    change |= {"root": "ab" * 32, "ground": "restore"}
    blocks = {"target": {"log": OLD.id, "first": 850, "end": 900}, "change": change}
    log.add("log.rollback", **(blocks | {"policy": {"reviewer": "cd" * 16}} | fields))
    fill(log, 5)
    return log


def test_a_declared_rollback_names_what_was_lost(second: Second, tmp_path: Path) -> None:
    log = roll_back(tmp_path / "folder")
    folder = log.finish(bear(log))
    verdict, other = both(second, folder)
    report = verify.verify_folder(str(folder))
    wanted = {"origin": OLD.origin, "size": 900, "root": "ab" * 32, "lost": [850, 900]}
    assert verdict == "INTACT" and report["continues"] == other["continues"] == wanted


def test_a_rollback_may_not_hide_what_you_saw(second: Second, tmp_path: Path) -> None:
    folder = roll_back(tmp_path / "folder").finish()
    state = tmp_path / "seen.json"
    for size, root, wanted in (
        (900, "ab" * 32, "INTACT"),
        (800, "cd" * 32, "INTACT"),
        (901, "cd" * 32, "TAMPERED"),
        (900, "cd" * 32, "TAMPERED"),
    ):
        seen = {"vkey": OLD.vkey, "size": size, "root": root}
        state.write_text(json.dumps({OLD.origin: seen}))
        assert both(second, folder, state=state)[0] == wanted, (size, root)


@pytest.mark.parametrize(
    "fields",
    [
        {"policy": None},
        {"policy": {"decision": "allow"}},
        {"target": {"log": "ab" * 16, "first": 850, "end": 900}},
        {"target": {"log": OLD.id, "first": 901, "end": 900}},
        {"target": {"log": OLD.id, "first": 1, "end": 899}},
        {"target": {"log": OLD.id}},
    ],
)
def test_a_rollback_that_says_too_little_is_found(
    second: Second, tmp_path: Path, fields: dict[str, object]
) -> None:
    assert both(second, roll_back(tmp_path / "folder", **fields).finish())[0] == "TAMPERED"


def test_a_rollback_in_the_middle_of_a_log_is_found(second: Second, tmp_path: Path) -> None:
    for origin, wanted in ((None, "TAMPERED"), ("other.test/audit/" + "0" * 32, "INTACT")):
        log = MadeLog("rotated", tmp_path / wanted)
        log.be_born()
        change = {"origin": origin or log.origin, "vkey": log.vkey}
        log.add("log.rollback", target={"log": OLD.id}, change=change)
        assert both(second, log.finish(bear(log)))[0] == wanted
