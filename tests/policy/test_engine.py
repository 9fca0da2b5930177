"""Deciding: refusals win, duties add up, nothing unknown opens a door, nothing raises."""

import json
import random
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from parvis.policy.attributes import ATTRIBUTES
from parvis.policy.cases import build_example
from parvis.policy.conditions import OPERATORS, check_condition, compile_condition
from parvis.policy.engine import Decision, check_envelope, decide
from parvis.policy.rule import Rule, RuleSet
from parvis.policy.rules import list_agency_rules, load_rules

POLICIES = Path("policies")
RULES = load_rules(POLICIES)


def ask(changes: dict[str, Any] | None = None, rules: RuleSet = RULES) -> Decision:
    return decide(rules, json.dumps(build_example(changes)))


def build_rule(rule_id: str, effect: str, *when: tuple[str, str, Any], **more: Any) -> Rule:
    words = {"fr": "x", "de": "x", "en": "x"}
    return Rule.model_validate(
        {
            "id": rule_id,
            "title": words,
            "text": words,
            "source": ("x",),
            "applies_from": date(2026, 1, 1),
            "owner": "x",
            "effect": effect,
            "when": tuple({"attr": a, "op": o, "value": v} for a, o, v in when),
            "tests": (),
            **more,
        }
    )


def test_an_ordinary_question_is_allowed_with_its_duties() -> None:
    decision = ask()
    assert decision.allowed
    assert decision.duties == {"mask", "notice", "mark"}
    assert decision.rules == ("P-15", "P-21", "P-22")
    assert (decision.reason, decision.digest) == ("", RULES.digest)


@pytest.mark.parametrize(
    ("changes", "rules"),
    [
        ({"principal.tenant": "other"}, ("P-14",)),
        ({"data.tenant": "other"}, ("P-14a",)),
        ({"data.masked": False}, ("P-15a",)),
        ({"data.level": 3}, ("P-16", "P-16a")),
        ({"data.level": 3, "model.clearance": 3}, ("P-16a",)),
        ({"data.level": 4, "model.clearance": 4, "route.accredited": True}, ("P-16b",)),
        ({"data.level": None}, ("P-16", "P-16a", "P-16b")),
        ({"model.digest_check": "differs"}, ("P-20b",)),
        ({"model.provenance_ok": False, "model.licence": None}, ("P-20", "P-20c")),
        ({"request.action": "export", "output.kind": "file"}, ("P-22a",)),
    ],
)
def test_a_refusal_names_every_rule_that_refused(
    changes: dict[str, Any], rules: tuple[str, ...]
) -> None:
    decision = ask(changes)
    assert (decision.allowed, decision.rules) == (False, rules)
    title = RULES.find_rule(rules[0]).title.en  # type: ignore[union-attr]
    assert decision.reason == f"{rules[0]} {title}"


def test_a_duty_stays_beside_a_refusal() -> None:
    assert "notice" in ask({"data.level": 4}).duties


def test_restricted_data_passes_on_an_accredited_installation() -> None:
    assert ask({"data.level": 3, "model.clearance": 3, "route.accredited": True}).allowed


def test_a_rule_begins_and_ends_on_its_days() -> None:
    rule = build_rule("P-90", "deny", ("data.masked", "eq", True), applies_until=date(2026, 6, 30))
    rules = RuleSet((rule,))
    days = ["2025-12-31", "2026-01-01", "2026-06-30", "2026-07-01"]
    assert [ask({"clock": day}, rules).allowed for day in days] == [True, False, False, True]


def test_the_notice_is_not_owed_before_its_day() -> None:
    assert "notice" not in ask({"clock": "2026-08-01"}).duties
    assert "notice" in ask({"clock": "2026-08-02"}).duties


def test_a_shadow_rule_is_named_and_decides_nothing() -> None:
    shadow = build_rule("P-90", "deny", ("data.masked", "eq", True), mode="shadow")
    decision = ask(rules=RuleSet((*RULES.rules, shadow)))
    assert decision.allowed
    assert decision.shadow == ("P-90",)
    assert "P-90" not in decision.rules


def test_a_rule_that_fails_while_asked_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Rule, envelope: object) -> bool:
        raise RuntimeError("broken")

    assert ask().allowed
    monkeypatch.setattr(Rule, "matches", fail)
    assert ask().rules == ("P-00",)


def test_an_empty_rule_set_still_refuses_what_is_incomplete() -> None:
    assert ask(rules=RuleSet(())).allowed
    decision = decide(RuleSet(()), {})
    assert (decision.allowed, decision.rules) == (False, ("P-00",))


EVALUATIONS = [
    ("data.level", "eq", 1, True),
    ("data.level", "eq", 2, False),
    ("data.level", "ne", 2, True),
    ("data.level", "in", (1, 2), True),
    ("data.level", "not_in", (1, 2), False),
    ("data.level", "gt", 0, True),
    ("data.level", "gt", 1, False),
    ("data.level", "lt", 2, True),
    ("data.level", "lt", {"attr": "model.clearance"}, True),
    ("data.entities", "gt", 0, True),
    ("data.entities", "lt", 2, True),
    ("data.entities", "any_in", ("EMAIL", "IBAN"), True),
    ("data.entities", "any_in", ("IBAN",), False),
    ("principal.roles", "any_in", ("civil-servant",), True),
    ("principal.roles", "any_in", ("auditor",), False),
    ("data.controllers", "any_in", ("example-town",), True),
    ("request.intents", "any_in", ("score-people",), False),
    ("clock", "before", date(2026, 12, 2), True),
    ("clock", "after", date(2026, 12, 1), False),
    ("clock", "after", {"attr": "assistant.worker_notice_date"}, True),
    ("request.tool", "missing", True, True),
    ("request.tool", "missing", False, False),
    ("data.level", "missing", True, False),
    ("principal.tenant", "eq", {"attr": "assistant.tenant"}, True),
    ("principal.tenant", "ne", {"attr": "assistant.tenant"}, False),
]


@pytest.mark.parametrize(("path", "operator", "value", "expected"), EVALUATIONS)
def test_a_condition_says_what_it_reads(
    path: str, operator: str, value: Any, expected: bool
) -> None:
    assert check_condition(path, operator, value) is None
    envelope = check_envelope(json.dumps(build_example()))
    assert compile_condition(path, operator, value)(envelope) is expected


def test_a_finding_of_a_detector_is_read_by_its_label() -> None:
    found = [{"label": "score-people", "score": 0.9, "detector": "d-1"}]
    test = compile_condition("request.intents", "any_in", ("score-people",))
    assert test(check_envelope(json.dumps(build_example({"request.intents": found}))))


def test_every_operator_is_tried_here() -> None:
    assert {operator for _, operator, _, _ in EVALUATIONS} == set(OPERATORS)


def test_a_tool_beyond_the_assistant_s_list_can_be_refused_by_two_attributes() -> None:
    rule = build_rule(
        "P-90",
        "deny",
        ("request.tool", "missing", False),
        ("request.tool", "not_in", {"attr": "assistant.tools"}),
    )
    rules = RuleSet((rule,))
    assert ask(rules=rules).allowed
    assert ask({"request.tool": "search", "assistant.tools": ["search"]}, rules).allowed
    assert not ask({"request.tool": "delete", "assistant.tools": ["search"]}, rules).allowed


@pytest.mark.parametrize("path", [p for p, a in sorted(ATTRIBUTES.items()) if a.nullable])
def test_what_becomes_unknown_never_lifts_a_refusal_or_a_duty(path: str) -> None:
    """All rules: the decision with null is at least as strict as with any known value.

    `data.entities` may be null before the text was read: then the duty to mask stands in.
    """
    rules = load_rules(POLICIES, list_agency_rules(POLICIES))
    choices: dict[str, list[Any]] = {"data.level": [0, 1, 2, 3, 4], "data.entities": [{}]}
    part, name = path.split(".")
    known = choices.get(path, [build_example()[part][name]])
    unknown = ask({path: None}, rules)
    for value in known:
        decision = ask({path: value}, rules)
        assert decision.allowed or not unknown.allowed
        assert decision.duties <= unknown.duties


def test_no_rule_added_by_anybody_opens_what_was_closed() -> None:
    """Random rules of every effect on top of the platform's: never fewer refusals or duties."""
    dice = random.Random(7)  # noqa: S311 - no secret, the same dice every time
    effects = ["deny", "mask", "notice", "mark", "human", "log", "rewrite"]
    lines = [(path, op, value) for path, op, value, _ in EVALUATIONS]
    opened = denied = 0
    for number in range(300):
        when = dice.sample(lines, dice.randint(1, 4))
        mode = dice.choice(["enforce", "enforce", "shadow"])
        extra = build_rule(f"AG-{number % 100:02}", dice.choice(effects), *when, mode=mode)
        changes = dice.choice(
            [{}, {"data.level": dice.choice([0, 2, 3, None])}, {"data.tenant": "other"}]
        )
        before = ask(changes)
        after = ask(changes, RuleSet((*RULES.rules, extra)))
        opened += after.allowed and not before.allowed
        denied += before.allowed and not after.allowed
        assert before.duties <= after.duties
    assert opened == 0
    assert denied > 0
