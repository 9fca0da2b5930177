"""Personal data replaced by placeholders, one number for one value in a conversation.

A value that is written in another form ("M. Dupont" after "Jean Dupont") keeps its number and gets
a form letter, so that restoring gives back exactly what was typed. Numbers are given in order of
first appearance, text by text, so a longer history keeps those of a shorter one.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from parvis.domain import NumberedValue
from parvis.privacy.conflicts import Finding
from parvis.privacy.entities import Label
from parvis.privacy.normalise import CleanText, clean
from parvis.privacy.placeholders import derive_tag, write_placeholder
from parvis.privacy.propagation import Known, find_again, learn
from parvis.privacy.words import PARTICLES


@dataclass(frozen=True, slots=True)
class Analysed:
    """A text, its clean form, and what was found in that."""

    text: str
    clean: CleanText
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Masked:
    """What may go to a model, and what brings it back.

    `mapping` (placeholder to value) is personal data: MUST NOT be logged or audited. `counts` says
    how many different values of each kind were masked; `detector` which version found them.
    `numbering` is the mapping as a later request of the conversation may start from.
    """

    texts: tuple[str, ...]
    mapping: Mapping[str, str]
    counts: Mapping[str, int]
    detector: str
    numbering: tuple[NumberedValue, ...] = ()


def mask_texts(
    analysed: Sequence[Analysed],
    tag_key: bytes,
    detector: str,
    numbered: Sequence[NumberedValue] = (),
) -> Masked:
    """All texts of one conversation masked together, in order.

    `numbered` values, from earlier requests of it, keep what stands for them. Raises ValueError
    when they do not fit together.
    """
    ledger = Ledger(derive_tag(tag_key), numbered)
    found = [list(one.findings) for one in analysed]
    known = _learn_again(numbered)
    for one, findings in zip(analysed, found, strict=True):
        findings.extend(find_again(one.clean.text, known, findings))
        findings.sort(key=lambda finding: finding.start)
        for finding in findings:
            ledger.placeholder_for(finding.label, _shown(one, finding))
        learned = learn(one.clean.text, findings)
        known = Known(known.names | learned.names, known.values | learned.values)
    for one, findings in zip(analysed, found, strict=True):
        # what only a later text gave away
        findings.extend(find_again(one.clean.text, known, findings))
    texts = tuple(
        _replaced(one, findings, ledger) for one, findings in zip(analysed, found, strict=True)
    )
    return Masked(
        texts, MappingProxyType(ledger.mapping), ledger.counts(), detector, ledger.numbering()
    )


class Ledger:
    """Which placeholder stands for which value, for one conversation."""

    def __init__(self, tag: str, numbered: Sequence[NumberedValue] = ()) -> None:
        self._tag = tag
        self._numbers: dict[tuple[Label, str], int] = {}
        self._given: Counter[Label] = Counter()
        self._forms: dict[tuple[Label, int], list[str]] = {}
        self._persons: list[frozenset[str]] = []
        self._used: set[tuple[Label, int]] = set()
        self.mapping: dict[str, str] = {}
        for one in sorted(numbered, key=lambda one: (one.label, one.number, one.form)):
            self._take_up(Label(one.label), one)

    def placeholder_for(self, label: Label, value: str) -> str:
        """The placeholder of this value, the same each time it is asked for."""
        number = self._number(label, value)
        self._used.add((label, number))
        forms = self._forms.setdefault((label, number), [])
        if value not in forms:
            forms.append(value)
        placeholder = write_placeholder(label, number, forms.index(value), self._tag)
        self.mapping[placeholder] = value
        return placeholder

    def counts(self) -> dict[str, int]:
        """Different values asked for of each kind; typed placeholders are not personal data."""
        kinds = Counter(label.value for label, _ in self._used if label is not Label.LITERAL)
        return dict(sorted(kinds.items()))

    def numbering(self) -> tuple[NumberedValue, ...]:
        """Everything this ledger knows."""
        return tuple(
            NumberedValue(label.value, number, form, value)
            for (label, number), forms in self._forms.items()
            for form, value in enumerate(forms)
        )

    def _take_up(self, label: Label, one: NumberedValue) -> None:
        """A value as it was numbered before: numbers and forms without gaps, in order."""
        forms = self._forms.setdefault((label, one.number), [])
        is_new = not forms
        if one.form != len(forms) or (is_new and one.number != self._given[label] + 1):
            raise ValueError("the numbering has a gap")
        forms.append(one.value)
        self._numbers.setdefault((label, _fold_key(label, one.value)), one.number)
        if is_new:
            self._given[label] = one.number
            if label is Label.PERSON:
                self._persons.append(_name_parts(one.value))
        self.mapping[write_placeholder(label, one.number, one.form, self._tag)] = one.value

    def _number(self, label: Label, value: str) -> int:
        if label is Label.PERSON:
            return self._person_number(value)
        key = (label, _fold_key(label, value))
        if key not in self._numbers:
            self._given[label] += 1
            self._numbers[key] = self._given[label]
        return self._numbers[key]

    def _person_number(self, value: str) -> int:
        """A name whose parts all belong to exactly one person known is that person's."""
        key = (Label.PERSON, fold_value(value))
        if key in self._numbers:
            return self._numbers[key]
        parts = _name_parts(value)
        same = [i for i, person in enumerate(self._persons) if parts == person]
        within = [i for i, person in enumerate(self._persons) if _is_shorter(parts, person)]
        if same:
            number = same[0] + 1
        elif len(within) == 1:
            number = within[0] + 1
        else:
            self._persons.append(parts)
            self._given[Label.PERSON] = number = len(self._persons)
        self._numbers[key] = number
        return number


def _fold_key(label: Label, value: str) -> str:
    return value if label is Label.LITERAL else fold_value(value)


def _learn_again(numbered: Iterable[NumberedValue]) -> Known:
    """What values of earlier requests give away: a surname alone is found after twenty turns."""
    names: set[str] = set()
    values: set[tuple[Label, str]] = set()
    for one in numbered:
        text, label = clean(one.value).text, Label(one.label)
        learned = learn(text, [Finding(0, len(text), label, 1.0, "vault")])
        names |= learned.names
        values |= learned.values
    return Known(frozenset(names), frozenset(values))


def fold_value(value: str) -> str:
    """What is equal in two ways of writing a value: letters and digits, in small letters."""
    plain = unicodedata.normalize("NFKD", clean(value).text.casefold())
    folded = "".join(char for char in plain if char.isalnum())
    return folded or value


def _name_parts(value: str) -> frozenset[str]:
    words = re.findall(r"[^\W\d_]+", clean(value).text)
    return frozenset(fold_value(word) for word in words if word.casefold() not in PARTICLES)


def _shown(one: Analysed, finding: Finding) -> str:
    start, end = one.clean.span(finding.start, finding.end)
    return one.text[start:end]


def _replaced(one: Analysed, findings: list[Finding], ledger: Ledger) -> str:
    pieces: list[str] = []
    position = 0
    for finding in sorted(findings, key=lambda finding: finding.start):
        start, end = one.clean.span(finding.start, finding.end)
        pieces.append(one.text[position:start])
        pieces.append(ledger.placeholder_for(finding.label, one.text[start:end]))
        position = end
    pieces.append(one.text[position:])
    return "".join(pieces)


def _is_shorter(parts: frozenset[str], person: frozenset[str]) -> bool:
    """Whether it can be the person's name cut short: some of its words, others as initials."""
    words = frozenset(part for part in parts if len(part) > 1)
    rest = person - words
    initials = parts - words
    return (
        bool(words and rest)
        and words < person
        and all(any(other.startswith(initial) for other in rest) for initial in initials)
    )
