"""Homes, birth dates, numbers and names by the tagger of kinds: a second opinion beside the rules.

It speaks where no rule knows the words; what it believes never stands against a rule's finding
(`conflicts`), only beside it, and an office's address is no home.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from parvis.privacy.deadline import check_deadline
from parvis.privacy.entities import LEARNED, Label
from parvis.privacy.kind_tagger import KINDS, KindTagger, read_units
from parvis.privacy.recognizers.base import Hit, RuleRecognizer
from parvis.privacy.recognizers.places import is_office_address
from parvis.privacy.tagger import Token
from parvis.privacy.words import is_never_a_name

# Chosen by leaving whole sets of messages out of training (`deploy/train/README.md`): one word
# must be believed in so firmly, the words beside it may be less sure.
_FIRM: dict[Label, float] = {
    Label.PERSON: 0.8,
    Label.ADDRESS: 0.7,
    Label.LOCATION: 0.6,
    Label.DATE_OF_BIRTH: 0.7,
    Label.CASE_NUMBER: 0.7,
    Label.PHONE: 0.6,
}
_LOOSE = 0.3
# below what a number with right check digits has
_SUREST = 0.94
_CASED_SHARE = 60
_PIECE = 4_000
_PLACES = frozenset({Label.ADDRESS, Label.LOCATION})
_NUMBERS = frozenset({Label.CASE_NUMBER, Label.PHONE, Label.DATE_OF_BIRTH})


class LearnedRecognizer(RuleRecognizer):
    """What the tagger of kinds believes, one hit for words that stand together."""

    labels = tuple(_FIRM)
    canaries = ("lb",)
    proves = (Label.NATIONAL_ID,)

    def __init__(self, tagger: KindTagger) -> None:
        super().__init__()
        self._tagger = tagger

    def find(self, text: str) -> Iterable[Hit]:
        """Every stretch of the text that is believed in firmly, kind by kind."""
        tokens = read_units(text)
        is_cased = _CASED_SHARE * sum(map(str.isupper, text)) > len(text)
        for start in range(0, len(tokens), _PIECE):
            check_deadline()
            piece = tokens[start : start + _PIECE]
            chances = self._tagger.chances(piece)
            for place, kind in enumerate(KINDS):
                if kind is not None:
                    for hit in _hits(piece, chances[:, place], kind):
                        if _is_fit(text, hit, is_cased=is_cased):
                            yield hit


def _hits(tokens: Sequence[Token], chances: Any, kind: Label) -> Iterator[Hit]:
    for group in _groups(tokens, np.flatnonzero(chances >= _LOOSE).tolist()):
        score = float(chances[group].max())
        if score >= _FIRM[kind]:
            start, end = tokens[group[0]].start, tokens[group[-1]].end
            yield Hit(start, end, kind, min(_SUREST, round(score, 2)), LEARNED)


def _groups(tokens: Sequence[Token], believed: Iterable[int]) -> Iterator[list[int]]:
    """Believed words without signs at their ends, together when at most one sign is between."""
    group: list[int] = []
    for index in believed:
        if not tokens[index].text[0].isalnum():
            continue
        if group and not _is_joined(tokens, group[-1], index):
            yield group
            group = []
        group.append(index)
    if group:
        yield group


def _is_joined(tokens: Sequence[Token], last: int, index: int) -> bool:
    between = tokens[last + 1 : index]
    return len(between) <= 1 and not any(token.text[0].isalnum() for token in between)


def _is_fit(text: str, hit: Hit, *, is_cased: bool) -> bool:
    shown = text[hit.start : hit.end]
    if hit.label in _PLACES:
        return not is_office_address(text, hit.start, hit.end)
    if hit.label in _NUMBERS:
        return any(char.isdigit() for char in shown)
    return not (all(map(is_never_a_name, shown.split())) or (is_cased and shown[0].islower()))
