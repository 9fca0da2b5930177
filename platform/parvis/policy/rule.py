"""What a rule is: its law, its words in three languages or more, its conditions, its own cases.

Effects only tighten: a rule refuses or adds a duty. There is no effect that allows, so no file,
whoever wrote it, can open what another file closed.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from parvis.policy.conditions import Test, compile_condition
from parvis.policy.envelope import Envelope

Effect = Literal["deny", "mask", "notice", "mark", "human", "log", "rewrite"]
STRUCTURAL = "P-00"
MAX_CONDITIONS = 12
_DIGEST_FORMAT = 1

RuleId = Annotated[str, StringConstraints(pattern=r"^[A-Z]{1,8}-\d{2}[a-z]?$")]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]


class Strict(BaseModel):
    """Base of every part of a rule file."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", hide_input_in_errors=True)


class Title(Strict):
    """The rule's name; Luxembourgish where somebody has written it."""

    fr: Words
    de: Words
    en: Words
    lb: Words | None = None


class Text(Strict):
    """The rule in plain words."""

    fr: Words
    de: Words
    en: Words | None = None
    lb: Words | None = None


class Condition(Strict):
    """One line of `when`; the value is a literal, a list of literals or `{attr: PATH}`."""

    attr: str
    op: str
    value: Any


class Case(Strict):
    """A proof: the lawful example changed by `set` and `unset`, and what the rule must say."""

    name: Words
    set: Mapping[str, Any] = Field(default_factory=dict)
    unset: tuple[str, ...] = ()
    expect: Effect | Literal["not_matched"]


class Rule(Strict):
    """One rule as its file says it."""

    id: RuleId
    title: Title
    source: tuple[Words, ...] = Field(min_length=1)
    applies_from: date
    applies_until: date | None = None
    owner: Words
    text: Text
    effect: Effect
    mode: Literal["enforce", "shadow"] = "enforce"
    when: tuple[Condition, ...] = Field(default=(), max_length=MAX_CONDITIONS)
    tests: tuple[Case, ...]

    @model_validator(mode="after")
    def _has_meaning(self) -> Self:
        if self.id == STRUCTURAL:
            if self.when or self.effect != "deny" or self.mode != "enforce":
                raise ValueError("P-00 is built in: no conditions, effect deny, always enforced")
        elif not self.when:
            raise ValueError("when: needs at least one condition")
        if self.applies_until and self.applies_until < self.applies_from:
            raise ValueError("applies_until lies before applies_from")
        return self

    @cached_property
    def _tests(self) -> tuple[Test, ...]:
        return tuple(compile_condition(c.attr, c.op, c.value) for c in self.when)

    def matches(self, envelope: Envelope) -> bool:
        """Whether the rule is in force on the envelope's day and all its conditions are met."""
        if envelope.clock < self.applies_from:
            return False
        if self.applies_until is not None and envelope.clock > self.applies_until:
            return False
        return bool(self._tests) and all(test(envelope) for test in self._tests)

    def read_paths(self) -> frozenset[str]:
        """The attributes that the rule looks at."""
        others = {c.value["attr"] for c in self.when if isinstance(c.value, Mapping)}
        return frozenset({c.attr for c in self.when} | others)


@dataclass(frozen=True)
class RuleSet:
    """The rules of the platform, with those of one agency where it has any, in order of id."""

    rules: tuple[Rule, ...]

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of the canonical JSON of all rules: what the audit record names.

        Changes with every word of a rule or case, not with the layout or order of the files.
        """
        plain = [rule.model_dump() for rule in sorted(self.rules, key=lambda rule: rule.id)]
        canonical = json.dumps(
            {"format": _DIGEST_FORMAT, "rules": plain},
            ensure_ascii=False,
            sort_keys=True,
            separators=(",", ":"),
            default=_plain,
        )
        return hashlib.sha256(canonical.encode()).hexdigest()

    def find_rule(self, rule_id: str) -> Rule | None:
        """The rule of this id, or None."""
        return next((rule for rule in self.rules if rule.id == rule_id), None)


def _plain(value: object) -> object:
    """Dates and mappings as JSON has them."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(type(value).__name__)
