"""Homes, birth dates, numbers and names by the tagger of kinds: a second opinion beside the rules.

It speaks where no rule knows the words; what it believes never stands against a rule's finding
(`conflicts`), only beside it, and an office's address is no home.
"""

import re
import threading
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from parvis.privacy.deadline import check_deadline
from parvis.privacy.entities import LEARNED, Label
from parvis.privacy.kind_tagger import KINDS, KindTagger, read_units
from parvis.privacy.recognizers.base import Hit, RuleRecognizer
from parvis.privacy.recognizers.lexicon import is_first_name
from parvis.privacy.recognizers.places import is_office_address
from parvis.privacy.tagger import Token
from parvis.privacy.words import FIRST_NAMES, fold_name, has_capitals, is_never_a_name

# Chosen by leaving whole sets of messages out of training (`deploy/train/README.md`): one word
# must be believed in so firmly, the words beside it may be less sure.
_FIRM: dict[Label, float] = {
    Label.PERSON: 0.9,
    Label.ADDRESS: 0.85,
    Label.LOCATION: 0.55,
    Label.DATE_OF_BIRTH: 0.7,
    Label.CASE_NUMBER: 0.92,
    Label.PHONE: 0.7,
}
_LOOSE = 0.3
# below what a number with right check digits has
_SUREST = 0.94
# What must be believed of each word of an address, for whose being a home only its form speaks,
# to leave it readable: nearly certain, for nothing personal may become readable by it.
_REFUTED = 0.98
# The odds of a name by both taggers, multiplied, below which a lone model's word for it is not
# taken; the neural model's weighs more.
_NAME_ODDS = {"tagged_name": 0.03, "rampart_name": 0.0005}
_SURE_NAME = 0.9
_LEAST_CHANCE = 0.001
_WORDS = re.compile(r"[^\W\d_]+")
_INITIAL = re.compile(r"(?<!\w)[A-ZÀ-Þ]\.[ ]?\Z")
_ADDRESSES = ("address_", "rampart_address")
_NOTHING = KINDS.index(None)
_PIECE = 4_000
_PLACES = frozenset({Label.ADDRESS, Label.LOCATION})
_CODES = frozenset({Label.CASE_NUMBER, Label.PHONE})
_NUMBERS = _CODES | {Label.DATE_OF_BIRTH}
_LONGEST_LETTERS = 4
_SHORTEST_CODE = 4
_MOST_DIGITS = 8
# E.164: 15 digits, and the two zeros that are dialled before a country
_MOST_DIALLED = 17


class LearnedRecognizer(RuleRecognizer):
    """What the tagger of kinds believes, one hit for words that stand together."""

    labels = tuple(_FIRM)
    canaries = ("de", "en")

    def __init__(self, tagger: KindTagger) -> None:
        super().__init__()
        self._tagger = tagger
        self._last = threading.local()

    def find(self, text: str) -> Iterable[Hit]:
        """Every stretch of the text that is believed in firmly, kind by kind."""
        tokens, chances = self._read(text)
        is_cased = has_capitals(text)
        for place, kind in enumerate(KINDS):
            if kind is not None:
                for hit in _hits(tokens, chances[:, place], kind):
                    if _is_fit(text, hit, is_cased=is_cased):
                        yield hit

    def refutes(self, text: str, start: int, end: int, source: str) -> bool:
        """Whether this finding is an address that is nearly certainly nobody's home.

        True only if each of its words is believed to be nothing personal; never of a finding that
        a cue or check digits announced.
        """
        return source.startswith(_ADDRESSES) and self._disbelief(text, start, end) >= _REFUTED

    def doubts_name(self, text: str, hit: Hit, chance: float) -> bool:
        """Whether both taggers together hold a lone word that one model took for a name to be none.

        `chance` is what the tagger of names gives it. Never of a name that a rule announced, that
        the neural model is sure of, or that the list of first names has.
        """
        shown = text[hit.start : hit.end]
        least = _NAME_ODDS.get(hit.rule, 0.0)
        if hit.score >= _SURE_NAME and hit.rule == "rampart_name":
            return False
        if not least or " " in shown or _INITIAL.search(text, max(0, hit.start - 4), hit.start):
            return False
        if any(map(_is_listed, _WORDS.findall(shown))):
            return False
        nothing = self._disbelief(text, hit.start, hit.end)
        return _odds(chance) * _odds(1 - nothing) < least

    def _disbelief(self, text: str, start: int, end: int) -> float:
        tokens, chances = self._read(text)
        first = bisect_left(tokens, start, key=_start)
        last = bisect_left(tokens, end, lo=first, key=_start)
        words = [at for at in range(first, last) if tokens[at].text[0].isalnum()]
        return float(chances[words, _NOTHING].min()) if words else 0.0

    def forget(self) -> None:
        """Keep nothing of what this thread read last."""
        self._last.read = None

    def _read(self, text: str) -> tuple[list[Token], Any]:
        """Words and chances; those of the last text are kept for this thread until `forget`."""
        last = getattr(self._last, "read", None)
        if last is not None and last[0] == text:
            return last[1], last[2]
        tokens, read = read_units(text), []
        for start in range(0, max(1, len(tokens)), _PIECE):
            check_deadline()
            read.append(self._tagger.chances(tokens[start : start + _PIECE]))
        chances = np.concatenate(read)
        self._last.read = (text, tokens, chances)
        return tokens, chances


def _odds(chance: float) -> float:
    return max(chance, _LEAST_CHANCE) / max(1 - chance, _LEAST_CHANCE)


def _is_listed(word: str) -> bool:
    return fold_name(word) in FIRST_NAMES or is_first_name(word)


def _start(token: Token) -> int:
    return token.start


def _hits(tokens: Sequence[Token], chances: Any, kind: Label) -> Iterator[Hit]:
    for believed in _groups(tokens, np.flatnonzero(chances >= _LOOSE).tolist()):
        group = _of_number(tokens, believed) if kind in _CODES else believed
        score = float(chances[group].max()) if group else 0.0
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


def _of_number(tokens: Sequence[Token], group: list[int]) -> list[int]:
    """The group without words at its ends that are no part of a number, as "UG" or "Js" are."""
    within = [at for at in group if _may_belong(tokens[at].text)]
    return [at for at in group if within[0] <= at <= within[-1]] if within else []


def _may_belong(word: str) -> bool:
    return any(map(str.isdigit, word)) or (len(word) <= _LONGEST_LETTERS and word[0].isupper())


def _is_joined(tokens: Sequence[Token], last: int, index: int) -> bool:
    between = tokens[last + 1 : index]
    return len(between) <= 1 and not any(token.text[0].isalnum() for token in between)


def _is_fit(text: str, hit: Hit, *, is_cased: bool) -> bool:
    shown = text[hit.start : hit.end]
    if hit.label in _PLACES:
        return not is_office_address(text, hit.start, hit.end)
    digits = sum(map(str.isdigit, shown))
    if hit.label is Label.CASE_NUMBER and digits > _MOST_DIGITS:
        return False  # a number so long has check digits, or it is a rule's to say whose it is
    if hit.label is Label.PHONE and digits > _MOST_DIALLED:
        return False
    if hit.label in _CODES and sum(map(str.isalnum, shown)) < _SHORTEST_CODE:
        return False
    if hit.label in _NUMBERS:
        return digits > 0
    return not (all(map(is_never_a_name, shown.split())) or (is_cased and shown[0].islower()))
