"""The stand-alone verifier on exports: every change is found, the untouched twin passes."""

import io
import json
import os
import random
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from parvis.audit import PLATFORM, verify
from parvis.audit.export import export_files, read_verifier, stream_zip
from parvis.audit.log import AuditLog
from parvis.audit.log_keys import LogKeys
from parvis.audit.notes import sign_note
from tests.audit.forgers import (
    Edit,
    canonical,
    change,
    copy_house,
    read_leaves,
    rebuild,
    renumbered,
    write_raw,
)
from tests.audit.houses import WITNESS, House, export, fill, fill_fast, start_chat

EXIT = {"INTACT": 0, "INCOMPLETE": 2, "TAMPERED": 3, "UNVERIFIABLE": 4}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Two exports of one log, the second larger; over 256 records, so that levels 0 and 1 exist."""
    folder = tmp_path_factory.mktemp("made")
    house = House(folder / "house")
    log = house.open()
    fill(log, 3)
    export(log, folder / "earlier")
    fill_fast(log, 290)
    fill(log, 2)
    export(log, folder / "whole")
    export(log, folder / "platform", PLATFORM)
    yield folder
    house.shut()


@pytest.fixture
def whole(made: Path, tmp_path: Path) -> Path:
    """A copy of the larger export to do harm to."""
    shutil.copytree(made / "whole", tmp_path / "whole")
    return tmp_path / "whole"


def check(folder: Path, **options: Any) -> dict[str, Any]:
    report = verify.verify_folder(str(folder), **options)
    assert report["exit"] == EXIT[report["verdict"]]
    return report


def files_of(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def reasons(report: dict[str, Any]) -> str:
    return " | ".join(f"{f['file']}#{f.get('seq', '')} {f['reason']}" for f in report["findings"])


def test_an_untouched_export_is_intact(made: Path) -> None:
    for name in ("earlier", "whole", "platform"):
        report = check(made / name)
        assert report["verdict"] == "INTACT", reasons(report)
        assert report["findings"] == [] and report["open_intents"] == []
        skipped = {name for name, state in report["checks"].items() if state != "done"}
        assert skipped == {*"policy state platform anchor stamps line".split()}
        assert report["key"]["confirmed"] is False and report["anchored"] is False
    assert "unanchored" in verify.format_report(check(made / "whole"))


def test_the_folder_has_the_layout_of_tlog_tiles(made: Path) -> None:
    assert files_of(made / "whole") == [
        "README",
        "checkpoint",
        "keys.jsonl",
        "manifest",
        "notes/301",
        "notes/7",
        "sealed",
        "tile/0/000",
        "tile/0/001.p/45",
        "tile/1/000.p/1",
        "tile/entries/000",
        "tile/entries/001.p/45",
        "verify.py",
    ]


def flip(folder: Path, name: str, place: int, bit: int) -> str:
    """The verdict with one bit changed; the file is put back."""
    path = folder / name
    raw = path.read_bytes()
    broken = bytearray(raw)
    broken[place] ^= 1 << bit
    path.write_bytes(broken)
    verdict: str = check(folder)["verdict"]
    path.write_bytes(raw)
    return verdict


def test_any_changed_byte_of_any_file_is_found(whole: Path) -> None:
    generator = random.Random(7)  # noqa: S311 - the same places every time
    for name in files_of(whole):
        size = (whole / name).stat().st_size
        for place in {0, size - 1, *generator.sample(range(size), min(size, 16))}:
            assert flip(whole, name, place, generator.randrange(8)) == "TAMPERED", (name, place)
    assert check(whole)["verdict"] == "INTACT"


def places_of(path: Path) -> list[int]:
    """Every byte of a note's text and Ed25519 line; of a long line of ML-DSA-44 one in sixteen."""
    raw = path.read_bytes()
    near = min(raw.rindex(b"\n\n") + 400, len(raw))
    return [*range(near), *range(near, len(raw), 16)]


@pytest.mark.parametrize("name", ["checkpoint", "notes/7", "manifest"])
def test_every_single_byte_of_what_is_signed_counts(made: Path, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "small"
    shutil.copytree(made / "earlier", folder)
    for place in places_of(folder / name):
        assert flip(folder, name, place, place % 8) == "TAMPERED", place
    assert check(folder)["verdict"] == "INTACT"


@pytest.mark.parametrize("change_size", [b"x", b"\n", b""])
def test_a_longer_or_shorter_file_is_found(whole: Path, change_size: bytes) -> None:
    for name in files_of(whole):
        path = whole / name
        raw = path.read_bytes()
        path.write_bytes(raw + change_size if change_size else raw[:-1])
        report = check(whole)
        assert report["verdict"] == "TAMPERED", (name, reasons(report))
        path.write_bytes(b"")
        assert check(whole)["verdict"] == "TAMPERED", name
        path.write_bytes(raw)
    assert check(whole)["verdict"] == "INTACT"


@pytest.mark.parametrize("tidy", [False, True])
def test_a_missing_file_makes_it_incomplete(whole: Path, tidy: bool) -> None:
    for name in files_of(whole):
        path = whole / name
        raw = path.read_bytes()
        path.unlink()
        if tidy and not any(path.parent.iterdir()):
            path.parent.rmdir()
        report = check(whole)
        assert report["verdict"] == "INCOMPLETE", (name, reasons(report))
        assert name in reasons(report)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(raw)
    assert check(whole)["verdict"] == "INTACT"


@pytest.mark.parametrize(
    "name", ["more", "tile/2/000", "tile/entries/002", "notes/0", "notes/x", ".hidden", "a/b/c/d/e"]
)
def test_an_added_file_is_found(whole: Path, name: str) -> None:
    path = whole / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    report = check(whole)
    assert report["verdict"] == "TAMPERED" and name in reasons(report)


def _link(folder: Path) -> None:
    (folder / "README").unlink()
    (folder / "README").symlink_to("/etc/hostname")


def _link_same(folder: Path) -> None:
    (folder / "README").rename(folder.parent / "README")
    (folder / "README").symlink_to(folder.parent / "README")


def _link_folder(folder: Path) -> None:
    (folder / "tile").rename(folder.parent / "tile")
    (folder / "tile").symlink_to(folder.parent / "tile")


ODD: dict[str, Callable[[Path], object]] = {
    "link": _link,
    "link to the same": _link_same,
    "linked folder": _link_folder,
    "pipe": lambda folder: os.mkfifo(folder / "pipe"),
    "empty folder": lambda folder: (folder / "empty").mkdir(),
    "deep": lambda folder: (folder / "/".join("d" * 40)).mkdir(parents=True),
    "odd name": lambda folder: Path(os.fsdecode(bytes(folder) + b"/\xff\n\x1b[31m")).write_text(
        "x"
    ),
}


@pytest.mark.parametrize("kind", sorted(ODD))
def test_links_and_special_files_are_found_and_never_followed(whole: Path, kind: str) -> None:
    ODD[kind](whole)
    report = check(whole)
    assert report["verdict"] == "TAMPERED"
    printed = verify._printable(verify.format_report(report))
    assert printed.isascii() and "\x1b" not in printed


def test_the_verifier_runs_alone_without_any_package(made: Path, whole: Path) -> None:
    script = whole.parent / "verify.py"
    script.write_bytes(read_verifier())
    for isolated in ([], ["-S"]):
        command = [sys.executable, "-I", *isolated, str(script), str(whole), "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        report = json.loads(done.stdout)
        assert (done.returncode, report["verdict"], done.stderr) == (0, "INTACT", "")
        assert ("own RFC 8032" in report["signatures"]) == bool(isolated)
    raw = (whole / "checkpoint").read_bytes()
    (whole / "checkpoint").write_bytes(raw.replace(b"301", b"300"))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 3


def test_a_period_brings_its_bundles_and_the_whole_tree(made: Path, tmp_path: Path) -> None:
    house = House(tmp_path / "house")
    log = house.open()
    fill_fast(log, 700)
    times = [record.time for record in log.reader.list_records("commune", limit=1000)][::-1]
    part = export(
        log, tmp_path / "part", from_time=times[300], to_time=times[310] + timedelta(microseconds=1)
    )
    none = export(log, tmp_path / "none", from_time=datetime(2090, 1, 1, tzinfo=UTC))
    house.shut()
    assert [name for name in files_of(part) if "entries" in name] == ["tile/entries/001"]
    report = check(part)
    assert report["verdict"] == "INTACT" and report["records"] == [256, 512]
    assert report["checks"]["tree"] == "done" and "only within" in report["checks"]["writers"]
    assert check(none)["verdict"] == "INTACT" and check(none)["records"] == [512, 701]
    raw = (part / "tile/0/000").read_bytes()
    (part / "tile/0/000").write_bytes(raw[:-1] + b"x")
    assert check(part)["verdict"] == "TAMPERED"


def test_an_open_intent_is_listed(tmp_path: Path) -> None:
    house = House(tmp_path / "house")
    log = house.open()
    started = start_chat(log)
    report = check(export(log, tmp_path / "out"))
    house.shut()
    assert report["verdict"] == "INTACT"
    assert [(one["seq"], one["id"]) for one in report["open_intents"]] == [(1, started.id)]


def test_your_own_trusted_key_confirms_the_log(made: Path, tmp_path: Path) -> None:
    vkey = check(made / "whole")["key"]["vkey"]
    policy = tmp_path / "policy"
    policy.write_text(f"# ours\nlog {vkey} https://audit.test/\nquorum none\n")
    trusted = verify.load_policy(policy.read_bytes())
    report = check(made / "whole", policy=trusted)
    assert report["verdict"] == "INTACT" and report["key"]["confirmed"] is True
    assert "as in your policy" in verify.format_report(report)
    assert check(made / "platform", policy=trusted)["verdict"] == "UNVERIFIABLE"
    wants = verify.load_policy(f"log {vkey}\nwitness W {WITNESS}\nquorum W\n".encode())
    assert check(made / "whole", policy=wants)["verdict"] == "UNVERIFIABLE"


def test_what_you_saw_last_time_must_be_continued(made: Path, tmp_path: Path) -> None:
    state = tmp_path / "seen.json"
    arguments = [str(made / "earlier"), "--state", str(state)]
    assert verify.main(arguments) == 0
    assert verify.main([str(made / "whole"), "--state", str(state)]) == 0
    assert json.loads(state.read_text()).popitem()[1]["size"] == 301
    assert verify.main(arguments) == 3  # an old export, or a log that was cut
    report = check(made / "earlier", state=verify.load_state(str(state)))
    assert "301 records seen last time" in reasons(report)


def forge(
    made_log: Callable[[House], object], tmp_path: Path, edit: Edit, key: Ed25519PrivateKey | None
) -> tuple[Path, Path]:
    """(export of the true log, export of the same log rewritten by its operator)."""
    house = House(tmp_path / "house")
    made_log(house)
    true = export(house.open(), tmp_path / "true")
    house.shut()
    forged = copy_house(House(tmp_path / "house"), tmp_path / "forger")
    rebuild(forged, edit, key=key)
    log = forged.open()
    false = export(log, tmp_path / "false")
    forged.shut()
    return true, false


def a_day(house: House) -> None:
    fill(house.open(), 6)
    house.close()


def drop(seq: int) -> Edit:
    return lambda leaves: renumbered(leaves[:seq] + leaves[seq + 1 :])


def swap(leaves: list[bytes]) -> list[bytes]:
    return renumbered([*leaves[:3], leaves[4], leaves[3], *leaves[5:]])


def insert(leaves: list[bytes]) -> list[bytes]:
    copy = json.loads(leaves[3]) | {"id": "01a20000-0000-7000-8000-000000000000"}
    return renumbered([*leaves[:4], canonical(copy), *leaves[4:]])


# attacks with the log's own key, on all hashes and heads: (edit, what the verifier says)
WITH_KEY: dict[str, tuple[Edit, str]] = {
    "drop first": (drop(0), "birth|counters|missing"),
    "drop middle": (drop(5), "missing"),
    "drop an intent": (drop(1), "missing"),
    "swap": (swap, "missing|time goes back"),
    "insert": (insert, "missing"),
    "wrong seq": (change(4, seq=9), "not at its position"),
    "other log": (change(4, log="ab" * 16), "another log"),
    "time back": (change(4, time="2020-01-01T00:00:00.000000Z"), "time goes back"),
    "unknown kind": (change(4, kind="chat.whispered"), "unknown kind"),
    "unknown field": (change(4, extra=1), "unknown field"),
    "unknown version": (change(4, v=2), "v is not"),
    "wrong outcome": (change(4, outcome="success", kind="chat.failed"), "outcome"),
    "text in clear": (change(3, target={"assistant": "Jean Dupont"}), "target.assistant"),
    "duplicate key": (write_raw(4, lambda leaf: b'{"a":1,"a":1,' + leaf[1:]), "not JSON"),
    "spaces": (write_raw(4, lambda leaf: leaf.replace(b":", b": ", 1)), "canonical"),
    "float": (write_raw(4, lambda leaf: leaf.replace(b'"v":1', b'"v":1.0')), "not JSON"),
    "line end": (write_raw(4, lambda leaf: leaf + b"\n"), "canonical"),
}


@pytest.mark.parametrize("attack", sorted(WITH_KEY))
def test_a_rewritten_log_signed_with_its_own_key_shows_its_seams(
    tmp_path: Path, attack: str
) -> None:
    edit, words = WITH_KEY[attack]
    true, false = forge(a_day, tmp_path, edit, None)
    assert check(true)["verdict"] == "INTACT"
    report = check(false)
    assert report["verdict"] == "TAMPERED"
    assert any(word in reasons(report) for word in words.split("|")), reasons(report)
    assert check(false)["checks"]["tree"] == "done"  # hashes alone would not have shown it


def test_a_seamless_forgery_with_the_key_is_found_by_what_was_kept_outside(tmp_path: Path) -> None:
    state = tmp_path / "seen.json"
    edit = change(4, policy={"decision": "allow", "rules": ["P-00"]})
    true, false = forge(a_day, tmp_path, edit, None)
    assert check(false)["verdict"] == "INTACT"  # said plainly in every report: the open window
    assert verify.main([str(true), "--state", str(state)]) == 0
    report = check(false, state=verify.load_state(str(state)))
    assert report["verdict"] == "TAMPERED" and "another history" in reasons(report)
    assert verify.main([str(true), "--state", str(state)]) == 0


def test_a_cut_tail_is_found_by_what_was_kept_outside(tmp_path: Path) -> None:
    state = tmp_path / "seen.json"
    true, false = forge(a_day, tmp_path, lambda leaves: leaves[:-2], None)
    assert verify.main([str(true), "--state", str(state)]) == 0
    report = check(false, state=verify.load_state(str(state)))
    assert report["verdict"] == "TAMPERED" and "13 records seen" in reasons(report)


def test_a_head_that_was_published_betrays_a_cut_tail(made: Path, tmp_path: Path) -> None:
    false = tmp_path / "false"
    shutil.copytree(made / "earlier", false)
    shutil.copy(made / "whole" / "notes" / "301", false / "notes" / "301")
    report = check(false)
    assert report["verdict"] == "TAMPERED" and "the end was cut" in reasons(report)


def test_a_log_rewritten_with_another_key_fails_your_policy(tmp_path: Path) -> None:
    edit = change(4, policy={"decision": "allow", "rules": ["P-00"]})
    true, false = forge(a_day, tmp_path, edit, Ed25519PrivateKey.generate())
    policy = verify.load_policy(f"log {check(true)['key']['vkey']}\nquorum none\n".encode())
    assert check(true, policy=policy)["verdict"] == "INTACT"
    report = check(false, policy=policy)
    assert report["verdict"] == "TAMPERED" and "not the one that you trust" in reasons(report)
    assert "birth of this key" in reasons(check(false))  # and even the log's own start says so


def test_a_record_moved_to_another_agencys_log_is_found(tmp_path: Path) -> None:
    house = House(tmp_path / "house")
    log = house.open()
    fill(log, 3, "commune")
    fill(log, 3, "adem")
    house.close()
    foreign = json.loads(read_leaves(house, "adem")[3])

    def move(leaves: list[bytes]) -> list[bytes]:
        return [*leaves[:3], canonical(foreign | {"seq": 3}), *leaves[4:]]

    rebuild(house, move)
    log = house.open()
    report = check(export(log, tmp_path / "commune"))
    assert report["verdict"] == "TAMPERED" and "#3" in reasons(report)
    assert check(export(log, tmp_path / "adem", "adem"))["verdict"] == "INTACT"
    house.shut()


def test_files_of_two_exports_do_not_mix(made: Path, whole: Path) -> None:
    for name in ("checkpoint", "keys.jsonl", "manifest", "tile/0/000", "tile/entries/000"):
        raw = (whole / name).read_bytes()
        other = made / ("platform" if name == "keys.jsonl" else "earlier")
        source = other / name
        if not source.exists():
            source = next((other / name).parent.glob("000*/*"))
        (whole / name).write_bytes(source.read_bytes())
        assert check(whole)["verdict"] == "TAMPERED", name
        (whole / name).write_bytes(raw)
    assert check(whole)["verdict"] == "INTACT"


HOSTILE: dict[str, bytes] = {
    "nothing": b"",
    "nul": b"\x00" * 100,
    "carriage returns": b"a\r\n1\r\nAAAA\r\n\r\nx\r\n",
    "many signatures": b"a\n\n" + "\u2014 a AAAAAA==\n".encode() * 100_000,
    "not utf-8": b"\xff\xfe" * 50,
    "huge number": b"a\n" + b"9" * 5000 + b"\nAAAA\n\n\xe2\x80\x94 a AAAAAA==\n",
    "deep json": b"[" * 100_000,
    "long line": b"x" * (1 << 20),
    "json list": b"[1,2]\n",
    "json null": b"null\n",
    "empty object": b"{}\n",
    "wrong types": b'{"birth":7,"log":[],"origin":{},"tenant":1,"vkey":3}\n',
}


@pytest.mark.parametrize("kind", sorted(HOSTILE))
def test_malformed_files_get_a_verdict_and_never_a_traceback(whole: Path, kind: str) -> None:
    for name in files_of(whole):
        raw = (whole / name).read_bytes()
        (whole / name).write_bytes(HOSTILE[kind])
        assert check(whole)["verdict"] == "TAMPERED", name
        (whole / name).write_bytes(raw)


def resigned(made: Path, whole: Path, edit: Callable[[list[str]], list[str]]) -> None:
    """The manifest with other lines, signed by a holder of the log's key."""
    origin = check(whole)["log"]
    log_id = origin.rpartition("/")[2]
    keys = LogKeys(made / "house" / "audit" / "keys", bytes(range(32)))
    key = keys._read(log_id, keys._path(log_id))
    assert key is not None
    text = (whole / "manifest").read_text().rpartition("\n\n")[0]
    (whole / "manifest").write_text(
        sign_note("\n".join(edit(text.split("\n"))) + "\n", origin, key)
    )


@pytest.mark.parametrize(
    "edit",
    [
        lambda lines: lines[:-1],
        lambda lines: [*lines[:2], "9" * 15, *lines[3:]],
        lambda lines: [*lines[:2], str(2**63), *lines[3:]],
        lambda lines: [*lines[:6], f"records 0 {2**52}", *lines[7:]],
        lambda lines: [*lines[:6], "records 300 0", *lines[7:]],
        lambda lines: [*lines[:7], "files 11", *lines[8:-1], "0" * 64 + " 1 ../../etc/passwd"],
        lambda lines: [*lines[:7], "files 11", *lines[8:-1], "0" * 64 + " 1 /etc/passwd"],
        lambda lines: [*lines[:-1], lines[-2]],
        lambda lines: ["x"],
        lambda lines: [*lines[:8], "x y", *lines[9:]],
    ],
)
def test_a_hostile_list_of_files_is_refused_even_when_signed(
    made: Path, whole: Path, edit: Callable[[list[str]], list[str]]
) -> None:
    resigned(made, whole, lambda lines: lines)
    assert check(whole)["verdict"] == "INTACT"
    resigned(made, whole, edit)
    assert check(whole)["verdict"] == "TAMPERED"


def test_a_folder_that_is_no_export_cannot_be_verified(tmp_path: Path) -> None:
    assert check(tmp_path)["verdict"] == "UNVERIFIABLE"
    (tmp_path / "letter.txt").write_text("dear auditor")
    assert check(tmp_path)["verdict"] == "UNVERIFIABLE"


def test_wrong_usage_has_its_own_exit_code(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(made / "whole")
    bad = tmp_path / "bad"
    bad.write_text("nonsense\n")
    for arguments in (
        [str(tmp_path / "nowhere")],
        [str(bad)],
        [folder, "--policy", str(bad)],
        [folder, "--policy", str(tmp_path / "none")],
        [folder, "--state", str(bad)],
        [folder, "--state", str(tmp_path / "no" / "folder")],
    ):
        assert verify.main(arguments) == 5, arguments
    for arguments in ([], [folder, "--what"], [folder, folder]):
        with pytest.raises(SystemExit) as left:
            verify.main(arguments)
        assert left.value.code == 5
    err = capsys.readouterr().err
    assert "Traceback" not in err and len(err.splitlines()) == 9


def test_the_zip_holds_exactly_the_folder(tmp_path: Path) -> None:
    house = House(tmp_path / "house")
    log: AuditLog = house.open()
    fill(log, 2)
    pieces = list(stream_zip(export_files(log, "commune"), "commune-export"))
    house.shut()
    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path / "unzipped")
    assert len(pieces) > 8
    assert check(tmp_path / "unzipped" / "commune-export")["verdict"] == "INTACT"
