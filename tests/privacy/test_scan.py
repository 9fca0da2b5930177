"""`parvis privacy scan`: JSON Lines in and out, in order, faulty lines named."""

import json
import subprocess
import sys

import pytest

from parvis.language import detect_language
from parvis.privacy import PrivacyEngine
from parvis.privacy.scan import scan_line

ROWS = [
    {"id": "a", "text": "Je m'appelle Nathalie Perrin."},
    {"id": 2, "text": "Mein Name ist Torsten Kowalski.", "language": "de"},
    {"id": "c", "text": "😀 anna@post.example", "language": "xx"},
    {"id": 4.5, "text": "Write to \ud83d ben@post.example.", "language": "en"},
]


def run(stdin: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "parvis", "privacy", "scan", *options],
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


@pytest.mark.parametrize("options", [(), ("--jobs", "2")])
def test_a_scan_answers_a_line_before_the_input_ends(options: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "parvis", "privacy", "scan", *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        for row in ROWS[:2]:
            process.stdin.write(json.dumps(row).encode() + b"\n")
            process.stdin.flush()
            # would wait for ever if the answer waited for the end of the input
            assert json.loads(process.stdout.readline())["id"] == row["id"]
        process.stdin.close()
        assert process.stdout.read() == b""
    assert process.returncode == 0


@pytest.mark.parametrize("options", [(), ("--jobs", "2"), ("--language", "fr")])
def test_a_scan_answers_each_line_in_order(options: tuple[str, ...]) -> None:
    done = run("".join(json.dumps(row) + "\n" for row in ROWS), *options)
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["id"] for answer in answers] == ["a", 2, "c", 4.5]
    assert [answer["language"] for answer in answers] == ["fr", "de", "xx", "en"]
    for row, answer in zip(ROWS, answers, strict=True):
        (found,) = answer["entities"]
        assert set(found) == {"start", "end", "label", "score", "source"}
        text = str(row["text"])
        assert text[found["start"] : found["end"]] not in answer["masked"]
        masked = answer["masked"]
        assert masked.startswith(text[: found["start"]]) and masked.endswith(text[found["end"] :])


def test_a_scan_with_a_faulty_line_names_it_and_goes_on() -> None:
    done = run('{"id": 1, "text": "x"}\nnot json: Anna\n{"id": 3}\n{"id": 4, "text": "y"}\n')
    assert done.returncode == 1
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["id"] for answer in answers] == [1, None, 3, 4]
    assert ["error" in answer for answer in answers] == [False, True, True, False]
    assert "Anna" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    "line",
    [b"\xff", b"[]", b"1", b'{"id": 1, "text": 5}', b'{"text": "x"}', b'{"id": [1], "text": "x"}',
     b'{"id": 1, "text": "x", "language": 3}', b"[" * 100_000, b'{"id": true, "text": "x"}',
     b'{"id": NaN, "text": "x"}'],
)  # fmt: skip
def test_a_row_that_is_not_one_is_faulty(engine: PrivacyEngine, line: bytes) -> None:
    scanned = scan_line(engine, line)
    assert scanned.is_faulty
    assert json.loads(scanned.line)["error"]


def test_a_scan_lists_exactly_what_is_masked(engine: PrivacyEngine) -> None:
    row = {"id": 1, "text": "Frau Anna Weber, anna@post.example, [PERSON_1_abcd]\ud800"}
    answer = json.loads(scan_line(engine, json.dumps(row).encode()).line)
    masked, position = "", 0
    for found in answer["entities"]:
        assert found["start"] >= position
        masked += str(row["text"])[position : found["start"]] + "\0"
        position = found["end"]
    parts = (masked + str(row["text"])[position:]).split("\0")
    rest = answer["masked"]
    for part in parts:
        assert part in rest
        rest = rest[rest.index(part) + len(part) :]
    assert [found["label"] for found in answer["entities"]] == ["PERSON", "EMAIL", "LITERAL"]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Comment obtenir un passeport ?", "fr"),
        ("Wie bekomme ich einen neuen Pass?", "de"),
        ("Wéi kréien ech en neie Pass?", "lb"),
        ("How do I get a new passport?", "en"),
        ("12345", None),
        ("", None),
        ("ok", None),
    ],
)
def test_a_language_is_named_only_when_it_is_sure(text: str, language: str | None) -> None:
    assert detect_language(text) == language
