"""One line of a rule: an attribute, an operator, a value. Ten operators, no language.

What is not known (null) counts against the request: it meets every condition, except one that
asks for it (`missing`). So leaving something out can never open a door.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import date
from typing import Any

from parvis.policy.attributes import ATTRIBUTES, Attribute, Kind
from parvis.policy.envelope import Envelope

Test = Callable[[Envelope], bool]

# operator -> the kinds of attribute it may stand behind
OPERATORS: Mapping[str, frozenset[Kind]] = {
    "eq": frozenset({"bool", "int", "date", "word", "text"}),
    "ne": frozenset({"bool", "int", "date", "word", "text"}),
    "in": frozenset({"int", "word", "text"}),
    "not_in": frozenset({"int", "word", "text"}),
    "any_in": frozenset({"words", "texts", "counts", "findings"}),
    "gt": frozenset({"int", "counts"}),
    "lt": frozenset({"int", "counts"}),
    "before": frozenset({"date"}),
    "after": frozenset({"date"}),
    "missing": frozenset({"bool", "int", "date", "word", "text", "words", "texts", "counts"}),
}
_LISTS: Mapping[str, frozenset[Kind]] = {
    "in": frozenset({"words", "texts"}),
    "not_in": frozenset({"words", "texts"}),
    "any_in": frozenset({"words", "texts"}),
}
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda left, right: bool(left == right),
    "ne": lambda left, right: bool(left != right),
    "in": lambda left, right: left in right,
    "not_in": lambda left, right: left not in right,
    "any_in": lambda left, right: not left.isdisjoint(right),
    "gt": lambda left, right: bool(left > right),
    "lt": lambda left, right: bool(left < right),
    "before": lambda left, right: bool(left < right),
    "after": lambda left, right: bool(left > right),
}


def check_condition(path: object, operator: object, value: object) -> str | None:
    """What is wrong with this condition, in words for its author; None when nothing is."""
    attribute = ATTRIBUTES.get(path) if isinstance(path, str) else None
    if attribute is None:
        return "no such attribute in the envelope"
    if not isinstance(operator, str) or operator not in OPERATORS:
        return f"no such operator; there are {', '.join(OPERATORS)}"
    if attribute.kind not in OPERATORS[operator]:
        return f"{operator} does not fit {attribute.path}, which is of kind {attribute.kind}"
    if operator == "missing":
        return _check_missing(attribute, value)
    if isinstance(value, Mapping):
        return _check_other(attribute, operator, value)
    return _check_literal(attribute, operator, value)


def _check_missing(attribute: Attribute, value: object) -> str | None:
    if not isinstance(value, bool):
        return "missing takes true or false"
    return None if attribute.nullable else f"{attribute.path} is never missing"


def _check_other(attribute: Attribute, operator: str, value: Mapping[Any, Any]) -> str | None:
    other = ATTRIBUTES.get(value.get("attr", "")) if set(value) == {"attr"} else None
    if other is None:
        return "the right side is a value, a list, or {attr: ANOTHER ATTRIBUTE}"
    if other.path == attribute.path:
        return "an attribute cannot be compared with itself"
    if operator in _LISTS:
        fits = other.kind in _LISTS[operator]
    else:
        left: Kind = "int" if attribute.kind == "counts" else attribute.kind
        fits = other.kind == left
    if not fits or (attribute.words and other.words and attribute.words != other.words):
        return f"{attribute.path} and {other.path} cannot be compared by {operator}"
    return None


def _check_literal(attribute: Attribute, operator: str, value: object) -> str | None:
    if operator in _LISTS:
        if not isinstance(value, tuple) or not value:
            return f"{operator} takes a list with at least one value"
        items: Collection[object] = value
    else:
        items = (value,)
    wanted: dict[Kind, type] = {"bool": bool, "int": int, "date": date, "counts": int}
    kind = str if operator == "any_in" else wanted.get(attribute.kind, str)
    for item in items:
        if type(item) is not kind:
            return f"expected {kind.__name__} for {attribute.path}"
        if attribute.words and item not in attribute.words:
            return f"no such word; {attribute.path} knows {', '.join(attribute.words)}"
    return None


def _left(attribute: Attribute, operator: str) -> Callable[[Envelope], Any]:
    """The attribute's value in the shape that the operator compares; None stays None."""
    get = attribute.get
    if attribute.kind == "counts" and operator in {"gt", "lt"}:
        return lambda envelope: None if (v := get(envelope)) is None else sum(v.values())
    if attribute.kind == "counts":
        return lambda envelope: (
            None if (v := get(envelope)) is None else {kind for kind, n in v.items() if n}
        )
    if attribute.kind == "findings":
        return lambda envelope: {finding.label for finding in get(envelope)}
    if operator == "any_in":
        return lambda envelope: None if (v := get(envelope)) is None else set(v)
    return get


def compile_condition(path: str, operator: str, value: Any) -> Test:
    """The condition as a function of an envelope. It MUST have passed `check_condition`."""
    attribute = ATTRIBUTES[path]
    if operator == "missing":
        get = attribute.get
        return lambda envelope: (get(envelope) is None) is value
    left = _left(attribute, operator)
    compare = _COMPARE[operator]
    if isinstance(value, Mapping):
        right = ATTRIBUTES[value["attr"]].get
    else:

        def right(envelope: Envelope) -> Any:
            return value

    def test(envelope: Envelope) -> bool:
        a, b = left(envelope), right(envelope)
        return a is None or b is None or compare(a, b)

    return test
