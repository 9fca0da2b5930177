"""Whatever is done to an export or a proof, the verifier gives a verdict, soon, and never INTACT.

Thousands of examples with `DRILL`, as in `make drill-audit`; else a few dozen.
"""

import os
import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deploy.bench.audit_folders import MadeLog, bear, chats
from parvis.audit import verify

EXAMPLES = 3000 if os.environ.get("DRILL") else 60
FUZZ = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=EXAMPLES < 1000,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
NASTY = st.one_of(
    st.binary(min_size=1, max_size=40),
    st.sampled_from(
        (
            *(b"\x00", b"\n", b"\r\n", b"\n\n", b"\xff", b"\xe2\x80\x94 a AAAA\n", b"9" * 400),
            *(b"-0", b"[" * 3000, b'{"a":' * 3000, b"1e999", b"..", b"/", b'"\\ud800"', b"2" * 19),
        )
    ),
)


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """An export with two keys, a birth, published heads and 300 records."""
    with tempfile.TemporaryDirectory() as place:
        log = MadeLog("fuzzed", Path(place) / "export")
        log.be_born()
        for leaf in chats(log, 150):
            log.append(leaf)
        log.rotate("second")
        for leaf in chats(log, 148, run="second"):
            log.append(leaf)
        log.compromise(log.keys[0], 100)
        log.finish(bear(log), notes=[100, 200])
        (Path(place) / "proof").write_text(log.prove(151))
        (Path(place) / "policy").write_text(f"log {log.vkey}\nquorum none\n")
        yield Path(place)


def files_of(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def mutate(data: bytes, draw: Any) -> bytes:
    """One change at one place: a byte other, gone, new, doubled, or a piece moved."""
    at = draw(st.integers(0, len(data)))
    kind = draw(st.sampled_from(["flip", "cut", "put", "drop", "double", "end"]))
    length = draw(st.integers(1, 64))
    if kind == "flip" and at < len(data):
        other = data[at] ^ draw(st.integers(1, 255))
        return data[:at] + bytes([other]) + data[at + 1 :]
    if kind == "cut":
        return data[:at] + data[at + length :]
    if kind == "double":
        return data[: at + length] + data[at:]
    if kind == "drop":
        return data[:at]
    if kind == "end":
        return data + draw(NASTY)
    return data[:at] + draw(NASTY) + data[at:]


@FUZZ
@given(choice=st.data())
def test_any_one_change_of_any_file_is_found(made: Path, choice: st.DataObject) -> None:
    folder = made / "export"
    name = choice.draw(st.sampled_from(files_of(folder)))
    raw = (folder / name).read_bytes()
    other = mutate(raw, choice.draw)
    try:
        (folder / name).write_bytes(other)
        report = verify.verify_folder(str(folder))
    finally:
        (folder / name).write_bytes(raw)
    assert (report["verdict"] == "INTACT") == (other == raw), name
    verify.format_page(report, "de")


@FUZZ
@given(choice=st.data())
def test_without_a_list_of_files_every_reader_stands_what_it_meets(
    made: Path, choice: st.DataObject
) -> None:
    """Hashes and signatures out of the way, so that damage reaches the inner readers."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "export"
        shutil.copytree(made / "export", folder)
        gone = choice.draw(st.sets(st.sampled_from(["manifest", "checkpoint", "keys.jsonl"])))
        for name in gone or {"manifest"}:
            (folder / name).unlink()
        for name in choice.draw(st.sets(st.sampled_from(files_of(folder)), max_size=4)):
            (folder / name).write_bytes(mutate((folder / name).read_bytes(), choice.draw))
        with (made / "policy").open("rb") as file:
            policy = verify.load_policy(file.read())
        for trusted in (None, policy):
            report = verify.verify_folder(str(folder), trusted)
            assert report["verdict"] != "INTACT"


@FUZZ
@given(choice=st.data())
def test_any_one_change_of_a_proof_is_refused(made: Path, choice: st.DataObject) -> None:
    raw = (made / "proof").read_bytes()
    policy = verify.load_policy((made / "policy").read_bytes())
    other = mutate(raw, choice.draw)
    report = verify.verify_proof(other, policy)
    assert (report["verdict"] == "INTACT") == (other == raw)


READERS = {
    "record": verify.parse_record,
    "note": verify.split_note,
    "checkpoint": lambda data: verify.parse_checkpoint(data.decode("utf-8", "replace")),
    "proof": lambda data: verify.split_proof(data.decode("utf-8", "replace")),
    "key": lambda data: verify.Key(data.decode("utf-8", "replace")),
    "policy": verify.load_policy,
    "receipt": lambda data: verify.Receipt(data.decode("utf-8", "replace")),
    "bundle": lambda data: verify.split_bundle(data, 3),
    "time stamp": verify.Token,
    "printed head": lambda data: verify.HeadLine(data.decode("utf-8", "replace")),
}


@pytest.mark.parametrize("reader", READERS)
def test_a_reader_refuses_what_it_cannot_read_and_says_so(made: Path, reader: str) -> None:
    chance = random.Random(9)  # noqa: S311 - the same damage every time
    seeds = [path.read_bytes()[:2000] for path in made.rglob("*") if path.is_file()]
    for _ in range(EXAMPLES * 5):
        data = bytearray(chance.choice(seeds))
        for _ in range(chance.randrange(4)):
            data[chance.randrange(len(data)) : chance.randrange(len(data))] = chance.randbytes(2)
        try:
            READERS[reader](bytes(data))
        except (verify.Malformed, verify.Unsupported):
            continue


def test_as_many_hostile_things_as_a_folder_can_hold_take_little_time(tmp_path: Path) -> None:
    """Limits: a million signatures, a huge size, a huge number, a list without end."""
    log = MadeLog("hostile", tmp_path / "export")
    log.be_born()
    folder = log.finish(bear(log))
    note = log.head(1)
    line = note.rpartition("\n\n")[2]
    many = note + line * (900_000 // len(line))
    cases = {
        "checkpoint": [many, note.replace("\n1\n", f"\n{2**63}\n"), note.replace("\n", "\r\n")],
        "keys.jsonl": ['{"a":' * 150_000, "\n" * 900_000, "[1]\n" * 200_000],
        "manifest": ["x" * 4_000_000, f"{log.origin}\n" * 100_000],
    }
    for name, texts in cases.items():
        raw = (folder / name).read_bytes()
        for text in texts:
            (folder / name).write_text(text)
            assert verify.verify_folder(str(folder))["verdict"] == "TAMPERED", name
        (folder / name).write_bytes(raw)
    assert verify.verify_folder(str(folder))["verdict"] == "INTACT"


def test_a_signed_head_of_a_size_that_no_folder_holds_is_refused_at_once(tmp_path: Path) -> None:
    log = MadeLog("hostile", tmp_path / "export")
    log.be_born()
    folder = log.finish(bear(log))
    for size in (2**52, 2**53 - 1):
        root = log.head(1).split("\n")[2]
        note = log.sign(f"{log.origin}\n{size}\n{root}\n", log.keys)
        (folder / "checkpoint").write_text(note)
        (folder / "manifest").unlink(missing_ok=True)
        report = verify.verify_folder(str(folder))
        assert report["verdict"] == "TAMPERED"
        assert "more records than there are files" in str(report["findings"])
