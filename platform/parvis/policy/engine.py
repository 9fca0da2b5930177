"""Decide: every rule in force is asked, one refusal is enough, duties add up. Never raises.

An envelope that is incomplete or mistyped is refused by P-00 before any rule is asked. A rule that
fails while it is asked refuses too. A shadow rule decides nothing; it is only named.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from parvis.policy.attributes import ATTRIBUTES
from parvis.policy.envelope import Envelope
from parvis.policy.rule import STRUCTURAL, Rule, RuleSet

log = logging.getLogger(__name__)
_KNOWN = {part for path in ATTRIBUTES for part in path.split(".")} | {"label", "score", "detector"}
_DEFAULT_TITLE = "Only a complete request is decided on"


@dataclass(frozen=True, slots=True)
class Decision:
    """What the rules say to one envelope.

    `rules` decided: those that refused, or, when allowed, those whose duties bind. `duties` are of
    all matching rules in force. `reason` names the first rule that refused, in English; it never
    repeats a value. `faults` are the attributes that P-00 missed or found mistyped.
    """

    allowed: bool
    rules: tuple[str, ...]
    duties: frozenset[str]
    reason: str
    digest: str
    shadow: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


def check_envelope(given: Envelope | Mapping[str, Any] | str | bytes) -> Envelope:
    """A complete, typed envelope; text is read as JSON. Raises pydantic's ValidationError."""
    if isinstance(given, str | bytes):
        return Envelope.model_validate_json(given)
    return Envelope.model_validate(given if isinstance(given, Envelope) else dict(given))


def decide(rules: RuleSet, envelope: Envelope | Mapping[str, Any] | str | bytes) -> Decision:
    """The decision of `rules` on `envelope`; whatever is wrong with either refuses (P-00)."""
    try:
        checked = check_envelope(envelope)
    except ValidationError as error:
        return _refused(rules, _places(error))
    except Exception:
        log.exception("policy.envelope_failed")
        return _refused(rules, ())
    try:
        return _judge(rules, checked)
    except Exception:
        log.exception("policy.rule_failed")
        return _refused(rules, ())


def _judge(rules: RuleSet, envelope: Envelope) -> Decision:
    matched = [rule for rule in rules.rules if rule.matches(envelope)]
    enforced = [rule for rule in matched if rule.mode == "enforce"]
    denials = [rule for rule in enforced if rule.effect == "deny"]
    return Decision(
        allowed=not denials,
        rules=tuple(rule.id for rule in denials or enforced),
        duties=frozenset(rule.effect for rule in enforced if rule.effect != "deny"),
        reason=_name(denials[0]) if denials else "",
        digest=rules.digest,
        shadow=tuple(rule.id for rule in matched if rule.mode == "shadow"),
    )


def _name(rule: Rule) -> str:
    return f"{rule.id} {rule.title.en}"


def _refused(rules: RuleSet, faults: tuple[str, ...]) -> Decision:
    rule = rules.find_rule(STRUCTURAL)
    reason = _name(rule) if rule else f"{STRUCTURAL} {_DEFAULT_TITLE}"
    return Decision(False, (STRUCTURAL,), frozenset(), reason, rules.digest, faults=faults)


def _places(error: ValidationError) -> tuple[str, ...]:
    """The known attributes at fault; names that only the caller used are not repeated."""
    places = {
        ".".join(str(part) for part in item["loc"] if part in _KNOWN)
        for item in error.errors(include_url=False, include_context=False, include_input=False)
    }
    return tuple(sorted(place or "envelope" for place in places))
