"""The proof itself: cases are run, invariants tried over everything, and a hole is found."""

from pathlib import Path

import pytest

from parvis.policy import cases
from parvis.policy.cases import INVARIANTS, check_invariant, check_invariants, run_cases
from parvis.policy.rule import Condition, Rule, RuleSet
from parvis.policy.rules import list_agency_rules, load_rules

# an agency's own rules only tighten (test_engine.py), so what holds of these holds with them
RULES = load_rules(Path("policies"))


def test_every_case_of_every_rule_holds() -> None:
    rules = load_rules(Path("policies"), list_agency_rules(Path("policies")))
    results = run_cases(rules)
    assert [result for result in results if not result.passed] == []
    assert {result.rule for result in results} == {rule.id for rule in rules.rules}


def test_every_invariant_holds_over_every_combination() -> None:
    results = check_invariants(RULES)
    assert [result for result in results if not result.passed] == []
    assert all(result.combinations > result.allowed > 0 for result in results)


def without(*ids: str) -> RuleSet:
    return RuleSet(tuple(rule for rule in RULES.rules if rule.id not in ids))


@pytest.mark.parametrize(
    "missing",
    [
        "P-14", "P-14a", "P-15", "P-15a", "P-16", "P-16a", "P-16b", "P-16c",
        "P-20", "P-20a", "P-20b", "P-20c", "P-20d", "P-21", "P-21a", "P-22",
    ],
)  # fmt: skip
def test_taking_out_a_rule_breaks_an_invariant(missing: str) -> None:
    # a level that is too high is refused twice or thrice: only together are they needed
    also = {"P-16b": ("P-16",), "P-16": (), "P-16a": ()}.get(missing, ())
    results = check_invariants(without(missing, *also))
    assert any(result.broken_by is not None for result in results), missing


def test_an_invariant_that_nothing_allowed_can_prove_does_not_pass() -> None:
    closed = RULES.find_rule("P-16b")
    assert closed is not None
    condition = Condition(attr="data.level", op="not_in", value=(9,))
    always = Rule.model_validate(closed.model_dump() | {"when": (condition,)})
    result = check_invariant(RuleSet((always,)), INVARIANTS[0])
    assert result.broken_by is None
    assert not result.passed


def test_too_many_combinations_are_said_and_not_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cases, "MAX_COMBINATIONS", 10)
    with pytest.raises(ValueError, match="more than 10 combinations"):
        check_invariant(RULES, INVARIANTS[0])


def test_content_rules_are_proven_in_all_four_languages() -> None:
    for rule_id in ("P-15", "P-15a", "P-21", "P-21a"):
        rule = RULES.find_rule(rule_id)
        assert rule is not None
        said = {
            case.set.get("request.language") for case in rule.tests if case.expect == rule.effect
        }
        assert {"fr", "de", "lb", "en"} <= said


def test_every_rule_of_the_platform_has_words_in_all_four_languages() -> None:
    for rule in RULES.rules:
        assert rule.title.lb
        assert rule.text.en
