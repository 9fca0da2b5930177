"""Loading rules: what a file may say, and that one reading shows everything wrong with it."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from parvis.errors import ConfigurationFaults, Fault
from parvis.policy.rules import list_agency_rules, load_rules

POLICIES = Path("policies")

GOOD: dict[str, Any] = {
    "id": "P-90",
    "title": {"fr": "Essai", "de": "Versuch", "en": "Trial"},
    "source": ["Trial act, Art. 1"],
    "applies_from": "2026-01-01",
    "owner": "Trial office",
    "text": {"fr": "Un essai.", "de": "Ein Versuch."},
    "when": [{"attr": "assistant.high_risk", "op": "eq", "value": True}],
    "effect": "deny",
    "tests": [
        {"name": "ordinary", "expect": "not_matched"},
        {"name": "high", "set": {"assistant.high_risk": True}, "expect": "deny"},
    ],
}


class WithoutAliases(yaml.SafeDumper):
    """Writes the same thing twice where it stands twice."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def write_rules(folder: Path, *rules: dict[str, Any], name: str = "p-90.yaml") -> Path:
    """A folder of rules with P-00 and one more file."""
    (folder / "agencies").mkdir(parents=True, exist_ok=True)
    shutil.copy(POLICIES / "p-00-envelope.yaml", folder)
    text = yaml.dump(list(rules), Dumper=WithoutAliases, sort_keys=False)
    # an unquoted date, as people write it
    text = re.sub(r"'(\d{4}-\d\d-\d\d)'", r"\1", text)
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def faults_of(folder: Path, names: tuple[str, ...] = ()) -> tuple[Fault, ...]:
    with pytest.raises(ConfigurationFaults) as caught:
        load_rules(folder, names)
    return caught.value.faults


def condition(attr: str, op: str, value: Any) -> dict[str, Any]:
    return {"when": [{"attr": attr, "op": op, "value": value}]}


def test_the_rules_of_the_repository_load_with_every_agency_file() -> None:
    rules = load_rules(POLICIES, list_agency_rules(POLICIES))
    ids = [rule.id for rule in rules.rules]
    assert {"P-00", "P-14", "P-15", "P-16", "P-20", "P-21", "P-22", "AG-01"} <= set(ids)
    assert ids == sorted(ids)


def test_a_good_rule_loads(tmp_path: Path) -> None:
    rules = load_rules(write_rules(tmp_path, GOOD))
    assert [rule.id for rule in rules.rules] == ["P-00", "P-90"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"severity": "high"}, "unknown key"),
        ({"effect": "allow"}, "deny"),
        ({"effect": "permit"}, "deny"),
        ({"id": "no id"}, "pattern"),
        ({"id": "AG-90"}, "begin with P-"),
        ({"title": {"fr": "x", "de": "y"}}, "this translation is missing"),
        ({"text": {"fr": "x"}}, "this translation is missing"),
        ({"source": []}, "at least 1"),
        ({"applies_from": "soon"}, "date"),
        ({"applies_until": "2020-01-01"}, "before applies_from"),
        ({"mode": "off"}, "shadow"),
        ({"when": []}, "at least one condition"),
        ({"when": GOOD["when"] * 13}, "at most 12"),
        (condition("assistant.hihg_risk", "eq", True), "no such attribute"),
        (condition("assistant.high_risk", "matches", "x"), "no such operator"),
        (condition("assistant.high_risk", "gt", 1), "does not fit"),
        (condition("assistant.high_risk", "eq", "true"), "expected bool"),
        (condition("assistant.high_risk", "eq", 1), "expected bool"),
        (condition("data.level", "eq", True), "expected int"),
        (condition("assistant.fria_status", "eq", "notifed"), "no such word"),
        (condition("assistant.fria_status", "in", []), "at least one value"),
        (condition("assistant.fria_status", "in", "draft"), "takes a list"),
        (condition("assistant.fria_status", "in", ["draft", "notifed"]), "no such word"),
        (condition("assistant.fria_status", "missing", True), "never missing"),
        (condition("data.level", "missing", "yes"), "true or false"),
        (condition("data.level", "gt", {"attr": "model.id"}), "cannot be compared"),
        (condition("data.level", "gt", {"attr": "data.level"}), "itself"),
        (condition("data.level", "gt", {"attr": "no.such"}), "the right side"),
        (condition("data.level", "gt", {"attr": "model.clearance", "plus": 1}), "the right side"),
        (condition("assistant.tenant", "eq", {"attr": "request.channel"}), "cannot be compared"),
        (condition("request.intents", "any_in", ["score-everybody"]), "no such word"),
        (condition("clock", "after", "2026-13-01"), "not a value"),
        ({"when": [{"attr": "data.level", "op": "gt"}]}, "missing"),
        ({"tests": []}, "not_matched"),
        ({"tests": GOOD["tests"][:1]}, "expects deny"),
        ({"tests": GOOD["tests"][1:]}, "not_matched"),
        ({"tests": [*GOOD["tests"], GOOD["tests"][0]]}, "same name"),
        (
            {"tests": [*GOOD["tests"], {"name": "wrong", "expect": "deny"}]},
            "expected deny, got not_matched",
        ),
        (
            {"tests": [*GOOD["tests"], {"name": "other", "expect": "mask"}]},
            "expects deny or not_matched",
        ),
        (
            {"tests": [*GOOD["tests"], {"name": "x", "set": {"a.b": 1}, "expect": "deny"}]},
            "no such attribute",
        ),
        (
            {"tests": [*GOOD["tests"], {"name": "x", "set": {"data.level": 9}, "expect": "deny"}]},
            "not a valid envelope: data.level",
        ),
    ],
)
def test_a_faulty_rule_does_not_load_and_says_where(
    tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    load_rules(write_rules(tmp_path / "good", GOOD))
    faults = faults_of(write_rules(tmp_path / "bad", GOOD | change))
    assert any(words in fault.message for fault in faults), faults
    assert all(fault.file.endswith("p-90.yaml") and fault.line for fault in faults)


def test_a_fault_names_file_line_and_key(tmp_path: Path) -> None:
    folder = write_rules(tmp_path, GOOD)
    path = folder / "p-90.yaml"
    path.write_text(path.read_text().replace("owner:", "ovner:"))
    line = 1 + path.read_text().splitlines().index("  ovner: Trial office")
    faults = faults_of(folder)
    assert Fault(str(path), line, "[0].ovner", "unknown key") in faults
    assert {fault.key for fault in faults} == {"[0].ovner", "[0].owner"}


def test_all_faults_of_all_files_come_at_once(tmp_path: Path) -> None:
    folder = write_rules(tmp_path, GOOD | {"owner": ""}, GOOD | {"id": "P-91", "effect": "x"})
    (folder / "p-92.yaml").write_text("- a: 1\n  a: 2\n")
    (folder / "p-93.yaml").write_text("[")
    files = {Path(fault.file).name for fault in faults_of(folder)}
    assert files == {"p-90.yaml", "p-92.yaml", "p-93.yaml"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "a list of rules"),
        ("id: P-90", "a list of rules"),
        ("[]", "a list of rules"),
        ("- &a {x: 1}\n- *a\n", "aliases"),
        ("- !!python/object:os.system {}\n", "tags"),
        ("- {x: !!binary aGk=}\n", "tags"),
        ("- {x: 2026-99-99}\n", "not a value"),
        ("- id: P-90\n  id: P-91\n", "stands twice"),
        ("\t- x", "not YAML"),
    ],
)
def test_a_file_of_another_form_is_a_fault(tmp_path: Path, text: str, words: str) -> None:
    folder = write_rules(tmp_path, GOOD)
    (folder / "p-95.yaml").write_text(text)
    assert any(words in fault.message for fault in faults_of(folder))


def test_the_same_id_twice_is_a_fault_and_names_the_first(tmp_path: Path) -> None:
    folder = write_rules(tmp_path, GOOD)
    shutil.copy(folder / "p-90.yaml", folder / "p-91.yaml")
    (fault,) = faults_of(folder)
    assert "P-90 stands already in" in fault.message
    assert "p-90.yaml:1" in fault.message


def test_a_folder_without_rules_or_without_the_first_rule_is_a_fault(tmp_path: Path) -> None:
    assert "no rule files" in faults_of(tmp_path / "nowhere")[0].message
    folder = write_rules(tmp_path / "rules", GOOD)
    (folder / "p-00-envelope.yaml").unlink()
    assert faults_of(folder)[0].key == "P-00"


def test_an_agency_file_is_added_by_name_and_only_then(tmp_path: Path) -> None:
    folder = write_rules(tmp_path, GOOD)
    write_rules(folder, GOOD | {"id": "AG-90"}, name="agencies/ours.yaml")
    assert list_agency_rules(folder) == ("ours",)
    assert load_rules(folder).find_rule("AG-90") is None
    assert load_rules(folder, ("ours",)).find_rule("AG-90") is not None
    assert "cannot be read" in faults_of(folder, ("theirs",))[0].message


@pytest.mark.parametrize("rule_id", ["P-00", "P-14", "P-90", "P-95"])
def test_an_agency_file_cannot_speak_for_the_platform(tmp_path: Path, rule_id: str) -> None:
    folder = write_rules(tmp_path, GOOD)
    write_rules(folder, GOOD | {"id": rule_id}, name="agencies/ours.yaml")
    assert faults_of(folder, ("ours",))


def test_the_digest_follows_the_words_and_not_the_layout(tmp_path: Path) -> None:
    plain = load_rules(write_rules(tmp_path / "a", GOOD)).digest
    folder = write_rules(tmp_path / "b", dict(reversed(GOOD.items())), name="renamed.yaml")
    path = folder / "renamed.yaml"
    path.write_text("# a comment\n\n" + path.read_text())
    assert load_rules(folder).digest == plain
    words = GOOD | {"owner": "Another office"}
    assert load_rules(write_rules(tmp_path / "c", words)).digest != plain
    assert re.fullmatch(r"[0-9a-f]{64}", plain)
