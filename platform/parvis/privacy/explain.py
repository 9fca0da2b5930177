"""Why something is masked, and what stays readable on purpose: for people who look at a text."""

from collections.abc import Collection
from dataclasses import dataclass

from parvis.privacy.conflicts import CHECKED_SCORE
from parvis.privacy.engine import PrivacyEngine
from parvis.privacy.entities import LEARNED, MEANINGS, Entity, Label
from parvis.privacy.normalise import clean
from parvis.privacy.recognizers.number import IDENTIFIERS, LETTERED
from parvis.privacy.stoplist import find_allowed, find_readable

_CHECKED = frozenset(
    {"iban", "card", "mrz"}
    | {known.name for known in IDENTIFIERS}
    | {known.name for known in LETTERED}
)
_REASONS = {
    "title": "a title stands before it",
    "form_field": "it fills a field of a form",
    "family_word": "a family word stands before it",
    "greeting": "it is greeted",
    "signature": "it signs",
    "i_am": "somebody says to be it",
    "said_name": "somebody says to be called so",
    "said_name_one_case": "somebody says to be called so, in a text of one case",
    "first_and_last_name": "a known first name with a surname",
    "last_and_first_name": "a surname with a known first name",
    "first_name": "a known first name",
    "first_name_one_case": "a known first name, in a text of one case",
    "article_and_first_name": "a known first name after an article",
    "initial_and_surname": "a surname after an initial",
    "named_together": "it stands beside another name",
    "who_acts": "it does what only people do",
    "party": "it is a party to a case",
    "family": "it names a family",
    "role": "a role or function stands before it",
    "roster": "it stands in a list of people",
    "table_column": "the heading of its column announces it",
    "tagged_name": "our own name tagger believes it",
    LEARNED: "our own tagger of homes, dates and numbers believes it as surely as the score says",
    "known_name": "this name was found elsewhere in the text",
    "known_value": "this value was found elsewhere in the text",
    "birth_date": "it is said to be a date of birth",
    "birth_year": "it is said to be a year of birth",
    "birth_town": "it follows a date of birth",
    "town_cue": "somebody is said to live or be born there",
    "postcode_line": "a postcode and town on a line of their own",
    "typed_placeholder": "it looks like one of our placeholders",
    "secret_cue": "a word before it announces a secret",
}
_BY_FORM = "its form gives it away"


@dataclass(frozen=True, slots=True)
class Reason:
    """One finding with its value, what its kind means, and why its rule took it."""

    entity: Entity
    value: str
    meaning: str
    why: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is masked and why, and what stays readable although it resembles personal data."""

    reasons: tuple[Reason, ...]
    readable: tuple[tuple[int, int], ...]


def explain(engine: PrivacyEngine, text: str, *, allow: Collection[str] = ()) -> Explanation:
    """Everything found in the text with its reason; spans in code points of the text as given.

    Raises PrivacyUnavailable.
    """
    found = engine.analyze(text, allow=allow)
    reasons = tuple(
        Reason(entity, text[entity.start : entity.end], MEANINGS[entity.label], _why(entity))
        for entity in found
    )
    return Explanation(reasons, tuple(_find_kept(text, found, allow)))


def _why(entity: Entity) -> str:
    rule = entity.source
    if rule in _CHECKED:
        is_sure = entity.score >= CHECKED_SCORE
        return "its form and check digits are right" if is_sure else "its form and check fit"
    if rule in _REASONS:
        return _REASONS[rule]
    if rule.startswith("rampart_"):
        return "the name model believes it"
    if rule.startswith("address_"):
        return "it is written like an address that is no office's"
    return "a word before it announces it" if rule.endswith("_cue") else _BY_FORM


def _find_kept(
    text: str, found: Collection[Entity], allow: Collection[str]
) -> list[tuple[int, int]]:
    """Spans kept readable that no finding touches; the longest of those that overlap."""
    plain = clean(text)
    if not plain.text:
        return []
    spans = [*find_readable(plain.text), *find_allowed(plain.text, allow)]
    kept: list[tuple[int, int]] = []
    for span in sorted(spans, key=lambda span: (span[0], -span[1])):
        start, end = plain.span(*span)
        masked = any(e.start < end and start < e.end for e in found if e.label is not Label.LITERAL)
        if not masked and (not kept or start >= kept[-1][1]):
            kept.append((start, end))
    return kept
