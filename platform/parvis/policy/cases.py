"""Proof of the rules: each rule's own cases, and invariants checked over every combination.

A case changes the lawful example below and says what its rule must answer. An invariant is a
sentence about every allowed request ("never above the model's clearance"); it is checked over all
combinations of all attributes that any rule about it can see.
"""

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import product
from math import prod
from typing import Any

from parvis.policy.attributes import ATTRIBUTES, Attribute
from parvis.policy.engine import Decision, check_envelope, decide
from parvis.policy.rule import STRUCTURAL, Case, Rule, RuleSet

NOT_MATCHED = "not_matched"
MAX_COMBINATIONS = 100_000

# A citizen's first question to a municipal desk, after masking: allowed by every rule.
LAWFUL: Mapping[str, Any] = {
    "principal": {
        "tenant": "example-town",
        "kind": "person",
        "roles": ["civil-servant"],
        "aal": 2,
        "trained_until": "2030-12-31",
        "minor": False,
    },
    "assistant": {
        "tenant": "example-town",
        "id": "example-desk",
        "version": 1,
        "sector": "municipality",
        "context": "public-service",
        "purpose_code": "information",
        "procedure_law": "lu",
        "discretion": False,
        "high_risk": False,
        "annex_iii": "none",
        "role": "both",
        "legal_basis": "6.1.e",
        "art9_basis": "none",
        "pii_need": "none",
        "decision_stage": "information",
        "fria_status": "not-required",
        "eu_db_id": None,
        "risk_review_due": "2030-12-31",
        "worker_notice_date": "2026-01-01",
        "retention_days": 30,
        "tools": [],
    },
    "model": {
        "id": "example-model",
        "digest": "sha256:" + "0" * 64,
        "digest_check": "match",
        "provenance_ok": True,
        "licence": "Apache-2.0",
        "clearance": 2,
        "lawfulness_check": True,
        "watermark_hook": False,
        "safeguards": False,
        "modality": ["text"],
    },
    "data": {
        "tenant": "example-town",
        "level": 1,
        "categories": [],
        "controllers": ["example-town"],
        "entities": {"EMAIL": 1},
        "masked": True,
    },
    "request": {
        "channel": "portal",
        "language": "fr",
        "turn": 1,
        "notice_shown": True,
        "action": "answer",
        "modality": ["text"],
        "tool": None,
        "tool_origin": "none",
        "intents": [],
        "subjects_named": False,
        "group_by": "none",
        "group_size": None,
    },
    "output": {
        "kind": "text",
        "modality": "text",
        "tokens": None,
        "intents": [],
        "signed": False,
        "labelled": False,
        "editor": None,
    },
    "route": {"egress": "on-site", "node": "example-server", "accredited": False},
    "overseer": {"on_duty": True, "trained": True},
    "clock": "2026-12-01",
}


@dataclass(frozen=True, slots=True)
class CaseResult:
    """How one case of one rule ended; `got` says why when it is not what was expected."""

    rule: str
    name: str
    expect: str
    got: str

    @property
    def passed(self) -> bool:
        return self.expect == self.got


def build_example(
    changes: Mapping[str, Any] | None = None, unset: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The lawful example as JSON values, with dotted paths set or taken out."""
    values = deepcopy(dict(LAWFUL))
    for path, value in (changes or {}).items():
        place, last = _find_place(values, path)
        place[last] = value
    for path in unset:
        place, last = _find_place(values, path)
        place.pop(last, None)
    return values


def _find_place(values: dict[str, Any], path: str) -> tuple[dict[str, Any], str]:
    *parts, last = path.split(".")
    place = values
    for part in parts:
        inner = place.setdefault(part, {})
        place = inner if isinstance(inner, dict) else {}
    return place, last


def _to_json(values: Mapping[str, Any]) -> str:
    def plain(value: object) -> object:
        return value.isoformat() if isinstance(value, date) else dict(value)  # type: ignore[call-overload]

    return json.dumps(values, default=plain)


def run_case(rule: Rule, case: Case) -> CaseResult:
    """Ask this rule alone. Its clock is the example's, or the rule's first day if that is later."""
    changes = dict(case.set)
    first = max(rule.applies_from, date.fromisoformat(LAWFUL["clock"]))
    changes.setdefault("clock", first)
    text = _to_json(build_example(changes, case.unset))
    return CaseResult(rule.id, case.name, case.expect, _ask(rule, text))


def _ask(rule: Rule, text: str) -> str:
    if rule.id == STRUCTURAL:
        decision = decide(RuleSet((rule,)), text)
        return NOT_MATCHED if decision.allowed else "deny"
    decision = decide(RuleSet(()), text)
    if not decision.allowed:
        return f"not a valid envelope: {', '.join(decision.faults)}"
    return rule.effect if rule.matches(check_envelope(text)) else NOT_MATCHED


def run_cases(rules: RuleSet) -> list[CaseResult]:
    """Every case of every rule, in order."""
    return [run_case(rule, case) for rule in rules.rules for case in rule.tests]


@dataclass(frozen=True)
class Invariant:
    """A sentence that no allowed request may break. `paths` are the attributes it speaks of."""

    name: str
    paths: tuple[str, ...]
    holds: Callable[[Mapping[str, Any], Decision], bool]


@dataclass(frozen=True, slots=True)
class InvariantResult:
    """How many combinations were tried and allowed, and the first that broke the sentence."""

    name: str
    combinations: int
    allowed: int
    broken_by: Mapping[str, Any] | None

    @property
    def passed(self) -> bool:
        """True when nothing broke it, and something was allowed at all."""
        return self.broken_by is None and self.allowed > 0


def _level(values: Mapping[str, Any]) -> int:
    level = values["data.level"]
    return 4 if level is None else int(level)


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "nothing above the model's clearance is allowed",
        ("data.level", "model.clearance"),
        lambda v, d: not d.allowed or _level(v) <= v["model.clearance"],
    ),
    Invariant(
        "level 4 is never allowed, level 3 only on an accredited installation",
        ("data.level", "model.clearance", "route.accredited"),
        lambda v, d: not d.allowed or _level(v) < 3 or (_level(v) == 3 and v["route.accredited"]),  # noqa: PLR2004
    ),
    Invariant(
        "nothing but public data leaves the site",
        ("data.level", "route.egress"),
        lambda v, d: not d.allowed or v["route.egress"] != "off-site" or _level(v) == 0,
    ),
    Invariant(
        "no request across agencies is allowed",
        ("principal.tenant", "assistant.tenant", "data.tenant"),
        lambda v, d: (
            not d.allowed or v["principal.tenant"] == v["assistant.tenant"] == v["data.tenant"]
        ),
    ),
    Invariant(
        "every allowed first turn carries the notice",
        ("request.turn", "request.channel", "request.notice_shown"),
        lambda v, d: not d.allowed or v["request.turn"] > 1 or "notice" in d.duties,
    ),
    Invariant(
        "no allowed answer goes without a notice before or in it",
        ("request.turn", "request.channel", "request.notice_shown"),
        lambda v, d: not d.allowed or v["request.notice_shown"] or "notice" in d.duties,
    ),
    Invariant(
        "without a written need, personal values are masked or not sent",
        ("assistant.pii_need", "data.entities", "data.masked"),
        lambda v, d: (
            not d.allowed
            or v["assistant.pii_need"] != "none"
            or ("mask" in d.duties and (v["data.masked"] or not v["data.entities"]))
        ),
    ),
    Invariant(
        "every allowed output but code, labels and edits is marked",
        ("output.kind",),
        lambda v, d: (
            not d.allowed or v["output.kind"] in {"code", "label", "edit"} or "mark" in d.duties
        ),
    ),
    Invariant(
        "no model without provenance, licence, checked digest and lawfulness check is allowed",
        (
            "model.provenance_ok",
            "model.licence",
            "model.digest",
            "model.digest_check",
            "model.lawfulness_check",
        ),
        lambda v, d: (
            not d.allowed
            or (
                v["model.provenance_ok"]
                and v["model.lawfulness_check"]
                and None not in (v["model.licence"], v["model.digest"])
                and v["model.digest_check"] in {"match", "declared"}
            )
        ),
    ),
)


def _choices(attribute: Attribute, rules: RuleSet) -> list[Any]:
    """Every value worth trying: all words, both truths, null, and both sides of each bound.

    One that the envelope does not admit does no harm: it is refused, and counted as such.
    """
    bounds = {
        condition.value
        for rule in rules.rules
        for condition in rule.when
        if condition.attr == attribute.path and type(condition.value) in {int, date}
    }
    values: list[Any]
    match attribute.kind:
        case "bool":
            values = [True, False]
        case "word":
            values = list(attribute.words)
        case "int":
            near = {bound + step for bound in bounds for step in (-1, 0, 1)}
            values = sorted(value for value in {*range(5), *near} if value >= 0)
        case "date":
            near = {bound + timedelta(step) for bound in bounds for step in (-1, 0, 1)}
            values = sorted({date.fromisoformat(LAWFUL["clock"]), *near})
        case "text":
            values = ["here", "there"]
        case "counts":
            values = [{}, {"EMAIL": 1}]
        case _:
            values = [[]]
    return [*values, None] if attribute.nullable else values


def _closure(paths: tuple[str, ...], rules: RuleSet) -> list[str]:
    """`paths` and every attribute that can sway a rule which looks at one of them."""
    found = set(paths)
    while True:
        seen = {p for r in rules.rules if r.read_paths() & found for p in r.read_paths()}
        if seen <= found:
            return sorted(found)
        found |= seen


def check_invariant(rules: RuleSet, invariant: Invariant) -> InvariantResult:
    """Try every combination. Raises ValueError when they have become too many to try."""
    paths = _closure(invariant.paths, rules)
    choices = [_choices(ATTRIBUTES[path], rules) for path in paths]
    if prod(map(len, choices)) > MAX_COMBINATIONS:
        raise ValueError(f"{invariant.name}: more than {MAX_COMBINATIONS} combinations")
    tried = allowed = 0
    for combination in product(*choices):
        values = dict(zip(paths, combination, strict=True))
        decision = decide(rules, json.dumps(build_example(values), default=str))
        tried += 1
        allowed += decision.allowed
        if not invariant.holds(values, decision):
            return InvariantResult(invariant.name, tried, allowed, values)
    return InvariantResult(invariant.name, tried, allowed, None)


def check_invariants(rules: RuleSet) -> list[InvariantResult]:
    """Every invariant of the platform."""
    return [check_invariant(rules, invariant) for invariant in INVARIANTS]
