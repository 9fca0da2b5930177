"""YAML files: plain values, the line of every place, and every fault of form with its place."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from parvis.errors import Fault
from parvis.yaml_files import MAX_BYTES, MAX_DEPTH, Place, YamlFile, load_yaml, write_key

GOOD = """\
# a comment
name:
  fr: Accueil
rooms:
  - id: one
    opened: 2026-03-01
  - {id: two, seats: 4}
"""


def read(folder: Path, content: str | bytes) -> YamlFile:
    path = folder / "file.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return load_yaml(path, "file.yaml")


def told(file: YamlFile) -> list[tuple[int, str, str]]:
    assert all(fault.file == "file.yaml" for fault in file.faults)
    return [(fault.line, fault.key, fault.message) for fault in file.faults]


def test_a_file_gives_plain_values_with_tuples_and_dates(tmp_path: Path) -> None:
    file = read(tmp_path, GOOD)
    opened = {"id": "one", "opened": date(2026, 3, 1)}
    assert file.value == {"name": {"fr": "Accueil"}, "rooms": (opened, {"id": "two", "seats": 4})}
    assert json.loads(file.to_json())["rooms"][0]["opened"] == "2026-03-01"
    assert told(file) == []


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ((), 2),
        (("name",), 2),
        (("name", "fr"), 3),
        (("name", "lb"), 2),
        (("rooms", 0), 5),
        (("rooms", 0, "opened"), 6),
        (("rooms", 0, "seats", "left"), 5),
        (("rooms", 1, "seats"), 7),
        (("rooms", 9), 4),
        (("nowhere",), 2),
    ],
)
def test_a_place_has_its_line_or_that_of_the_nearest_place(
    tmp_path: Path, place: Place, line: int
) -> None:
    assert read(tmp_path, GOOD).line_of(place) == line


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ((), ""),
        (("assistants", 0, "name", "fr"), "assistants[0].name.fr"),
        ((2, "when", 1, "attr"), "[2].when[1].attr"),
        (("models", "demo-small"), "models.demo-small"),
        (("set", "data.level"), 'set["data.level"]'),
        (("données",), "données"),
        (("a\nb", ""), '["a\\nb"][""]'),
    ],
)
def test_a_key_is_written_in_one_way_and_on_one_line(place: Place, words: str) -> None:
    assert write_key(place) == words


@pytest.mark.parametrize("content", ["", "# nothing\n", "--- ~\n", "~"])
def test_an_empty_file_has_no_value_and_its_faults_stand_on_line_one(
    tmp_path: Path, content: str
) -> None:
    file = read(tmp_path, content)
    assert (file.value, file.faults) == (None, ())
    assert file.fault(("models",), "missing") == Fault("file.yaml", 1, "models", "missing")


def test_a_byte_order_mark_and_windows_line_ends_change_no_line(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode()
    file = read(tmp_path, content)
    assert file.value == read(tmp_path, GOOD).value
    assert file.line_of(("rooms", 0, "opened")) == 6


def test_a_key_is_text_however_it_looks(tmp_path: Path) -> None:
    assert read(tmp_path, "{no: 1, 2: 2, ~: 3, 2026-01-01: 4, '<<': 5}").value == {
        "no": 1,
        "2": 2,
        "~": 3,
        "2026-01-01": 4,
        "<<": 5,
    }


def test_every_duplicate_key_is_a_fault_and_the_first_value_stands(tmp_path: Path) -> None:
    file = read(tmp_path, "a: 1\nb:\n  - {c: 1, c: 2}\n'a': 3\n\"a\": {d: 1, d: 2}\n")
    assert told(file) == [
        (3, "b[0].c", "this key stands twice"),
        (4, "a", "this key stands twice"),
        (5, "a", "this key stands twice"),
    ]
    assert file.value == {"a": 1, "b": ({"c": 1},)}


def test_every_anchor_alias_and_tag_is_told_at_once_with_its_place(tmp_path: Path) -> None:
    file = read(
        tmp_path,
        """\
a: &one [1]
b: {c: *one, d: &one 2}
e: *unknown
f: !!python/object/apply:os.system [ls]
g: !!str 1
h: ! 1
? &key i
: 1
j: [!!map {k: !own 1}]
""",
    )
    assert [(line, key, message.split()[0]) for line, key, message in told(file)] == [
        (1, "a", "anchors"),
        (2, "b.c", "anchors"),
        (2, "b.d", "anchors"),
        (3, "e", "anchors"),
        (4, "f", "tags"),
        (5, "g", "tags"),
        (6, "h", "tags"),
        (7, "", "anchors"),
        (9, "j[0]", "tags"),
        (9, "j[0].k", "tags"),
    ]
    assert file.value is None


def test_aliases_that_would_unfold_without_end_are_refused_unread(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [{f'*a{n - 1}, ' * 99}]" for n in range(1, 15)]
    file = read(tmp_path, "\n".join(lines) + "\nself: &self [*self]\n")
    assert file.value is None
    assert {message.split()[0] for _, _, message in told(file)} == {"anchors"}


@pytest.mark.parametrize(
    ("content", "key", "words"),
    [
        ("a:\n  <<: {b: 1}", "a", "merge keys"),
        ("a:\n  ? [b]\n  : 1", "a", "plain word"),
        ("a:\n  ? {b: c}\n  : 1", "a", "plain word"),
        ('a:\n  "\\ud800": 1', "a", "plain word"),
        ("a:\n  !!str b: 1", "a", "tags"),
        ("a:\n  *b : 1", "a", "anchors"),
    ],
)
def test_a_key_that_is_no_plain_word_is_refused(
    tmp_path: Path, content: str, key: str, words: str
) -> None:
    file = read(tmp_path, content)
    [(line, found, message)] = told(file)
    assert (line, found) == (2, key)
    assert words in message
    assert file.value is None


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("2027-02-30", "day is out of range"),
        ("2026-01-01T25:00:00Z", "hour must be in"),
        (".nan", "not a finite number"),
        ("-.inf", "not a finite number"),
        ("1.0e+999", "not a finite number"),
        ("9223372036854775808", "cannot be read"),
        ("0x" + "f" * 9000, "cannot be read"),
        ("9" * 9000, "cannot be read"),
        ("0b_", "not a value"),
        ("=", "in quotes"),
        ("<<", "in quotes"),
        ('"\\ud800"', "half a character"),
    ],
)
def test_a_value_that_cannot_be_carried_is_refused_with_its_place(
    tmp_path: Path, value: str, words: str
) -> None:
    file = read(tmp_path, f"# first\na:\n  - 1\n  - {value}\nb: 2027-13-01\n")
    (line, key, message), (last, other, _) = told(file)
    assert (line, key, last, other) == (4, "a[1]", 5, "b")
    assert message.startswith("not a value: ")
    assert words in message
    assert len(message) < 100
    assert file.value is None


def test_the_largest_number_and_quoted_look_alikes_are_read(tmp_path: Path) -> None:
    file = read(tmp_path, "[9223372036854775807, '=', '<<', '2027-02-30', \"\\U0001F600\"]")
    assert file.value == (9223372036854775807, "=", "<<", "2027-02-30", "\U0001f600")
    assert told(file) == []


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        (b"a: 1\nb: [1\nc: 2\n", 3, "not YAML: expected ',' or ']'"),
        (b"a: 1\n\tb: 2\n", 2, "not YAML: "),
        (b"a: 1\n--- \nb: 2\n", 2, "not YAML: but found another document"),
        (b"a: 1\nb: \x07\n", 2, "not YAML: special characters are not allowed"),
        (b'a: 1\nb: "\\UFFFFFFFF"\n', 2, "not YAML: no such character"),
        (b'a: 1\nb: "\\U00110000"\n', 2, "not YAML: no such character"),
        (b"%YAML 1." + b"9" * 9000 + b"\n--- a\n", 1, "not YAML: "),
        (b"a: 1\nb: caf\xe9\n", 2, "not UTF-8"),
        ("a: 1\n".encode("utf-16"), 1, "not UTF-8"),
        (b"a: 1\nb: " + b"[" * 500, 2, "nested deeper than 20 levels"),
        (b"#" * (MAX_BYTES + 1), 0, f"larger than {MAX_BYTES} bytes"),
    ],
)
def test_a_file_that_is_not_yaml_says_where_and_why(
    tmp_path: Path, content: bytes, line: int, words: str
) -> None:
    file = read(tmp_path, content)
    [(found, key, message)] = told(file)
    assert (found, key, file.value) == (line, "", None)
    assert message.startswith(words)
    assert "\n" not in message


def test_a_file_at_the_limits_is_read(tmp_path: Path) -> None:
    depth = MAX_DEPTH - 1
    content = f"{'[' * depth}1{']' * depth} #"
    file = read(tmp_path, content.ljust(MAX_BYTES, "#"))
    assert told(file) == []
    assert file.value is not None
    assert told(read(tmp_path, f"[{content.removesuffix(' #')}]")) != []


def test_a_file_that_is_not_there_or_no_file_is_a_fault(tmp_path: Path) -> None:
    missing = load_yaml(tmp_path / "none.yaml")
    words = "cannot be read: No such file or directory"
    assert missing.faults == (Fault(str(tmp_path / "none.yaml"), 0, "", words),)
    assert "cannot be read" in load_yaml(tmp_path).faults[0].message


def test_a_device_without_end_is_refused_as_too_large() -> None:
    assert load_yaml(Path("/dev/zero")).faults[0].message == f"larger than {MAX_BYTES} bytes"


class Name(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")
    fr: str
    lb: str


class Room(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")
    id: str
    opened: date
    seats: int = 0


class House(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")
    name: Name
    rooms: tuple[Room, ...] = Field(min_length=1)
    doors: dict[str, int] = {}


def schema_faults(file: YamlFile) -> set[tuple[int, str, str]]:
    with pytest.raises(ValidationError) as caught:
        House.model_validate_json(file.to_json())
    return {(fault.line, fault.key, fault.message) for fault in file.list_faults(caught.value)}


def test_the_faults_of_a_schema_stand_at_their_places_in_one_wording(tmp_path: Path) -> None:
    content = GOOD.replace("opened: 2026", "opend: 2026") + "doors: {front: '1'}\nroofs: 1\n"
    assert schema_faults(read(tmp_path, content)) == {
        (2, "name.lb", "this translation is missing"),
        (5, "rooms[0].opened", "missing"),
        (6, "rooms[0].opend", "unknown key"),
        (7, "rooms[1].opened", "missing"),
        (8, "doors.front", "Input should be a valid integer"),
        (9, "roofs", "unknown key"),
    }


def test_a_schema_of_a_part_counts_its_places_from_where_the_part_stands(tmp_path: Path) -> None:
    file = read(tmp_path, GOOD)
    with pytest.raises(ValidationError) as caught:
        Room.model_validate(file.value["rooms"][1])
    [fault] = file.list_faults(caught.value, ("rooms", 1))
    assert fault == Fault("file.yaml", 7, "rooms[1].opened", "missing")


@pytest.mark.parametrize("value", [1, "one", True, 1.5])
def test_json_keeps_every_kind_of_value_apart(tmp_path: Path, value: Any) -> None:
    loaded = json.loads(read(tmp_path, json.dumps([value])).to_json())
    assert loaded == [value]
    assert type(loaded[0]) is type(value)
