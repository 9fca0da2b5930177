"""Persons by our own small tagger, which knows more German and Luxembourgish than the model."""

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from parvis.privacy.deadline import check_deadline
from parvis.privacy.entities import Label
from parvis.privacy.recognizers.base import Hit, RuleRecognizer
from parvis.privacy.tagger import Tagger, Token, read_tokens
from parvis.privacy.words import PARTICLES, fold_name, has_capitals, is_never_a_name

# Chosen on the development messages that may be looked at and on what was kept apart from training
# (`deploy/train/README.md`): one word of a name must be believed in, the words beside it may be
# less sure. A small word among capital ones must be believed in firmly.
_FIRM = 0.4
_LOOSE = 0.2
_FIRM_SMALL = 0.9
_AFTER_NAMES = frozenset({"mai", "an", "may", "son", "so", "ha", "le", "van", "ai", "bin"})
_PIECE = 5_000


class TaggedNameRecognizer(RuleRecognizer):
    """Names of persons, one hit for words that stand together."""

    labels = (Label.PERSON,)

    def __init__(self, tagger: Tagger) -> None:
        super().__init__()
        self._tagger = tagger
        self._last = threading.local()

    def find(self, text: str) -> Iterable[Hit]:
        """Every name the tagger believes in, in order."""
        tokens, chances, _ = self.read(text)
        words = {token.text for token in tokens}
        is_cased = has_capitals(text)
        for group in _groups(text, tokens, chances):
            for hit in _hit(tokens, chances, group, is_cased=is_cased):
                yield _without_genitive(text, hit, words)

    def chance(self, text: str, start: int, end: int) -> float:
        """How likely the surest word of this stretch belongs to a name."""
        tokens, chances, _ = self.read(text)
        first = bisect_right(tokens, start, key=_end)
        last = bisect_left(tokens, end, lo=first, key=_start)
        words = [at for at in range(first, last) if tokens[at].text[0].isalpha()]
        return float(chances[words].max()) if words else 0.0

    def read(self, text: str) -> tuple[list[Token], Any, Any]:
        """Words, how likely each belongs to a name, and whether it is in the list of names.

        What was read last is kept for this thread until `forget`, for two ask for the same.
        """
        last = getattr(self._last, "read", None)
        if last is not None and last[0] == text:
            tokens, chances, kinds = last[1]
            return tokens, chances, kinds
        tokens = read_tokens(text)
        read = []
        for start in range(0, max(1, len(tokens)), _PIECE):
            check_deadline()
            read.append(self._tagger.read(tokens[start : start + _PIECE]))
        chances, kinds = (np.concatenate(parts) for parts in zip(*read, strict=True))
        self._last.read = (text, (tokens, chances, kinds))
        return tokens, chances, kinds

    def forget(self) -> None:
        """Keep nothing of what this thread read last."""
        self._last.read = None


def _start(token: Token) -> int:
    return token.start


def _end(token: Token) -> int:
    return token.end


def _groups(text: str, tokens: list[Token], chances: Any) -> Iterator[list[int]]:
    group: list[int] = []
    for index in (chances >= _LOOSE).nonzero()[0].tolist():
        token = tokens[index]
        is_next = bool(group) and group[-1] == index - 1
        if is_never_a_name(token.text) and not (is_next and _may_follow(token.text)):
            continue
        if not token.text[0].isalpha():
            continue
        if group and text[tokens[group[-1]].end : token.start].strip(" "):
            yield group
            group = []
        group.append(index)
    if group:
        yield group


def _may_follow(word: str) -> bool:
    """A particle, or a word that is a name after a name only: "Nguyen Thi Mai"."""
    return word.casefold() in PARTICLES or (word.istitle() and fold_name(word) in _AFTER_NAMES)


def _hit(tokens: list[Token], chances: Any, group: list[int], *, is_cased: bool) -> Iterator[Hit]:
    """Particles and signs at the ends of a name are not part of it."""
    while group and not _is_name_word(tokens[group[-1]], is_cased=is_cased):
        group.pop()
    while group and not _is_name_word(tokens[group[0]], is_cased=is_cased):
        group.pop(0)
    if not group:
        return
    score = round(float(chances[group].max()), 2)
    is_small = tokens[group[0]].text.islower()
    if score >= (_FIRM_SMALL if is_small and is_cased else _FIRM):
        yield Hit(tokens[group[0]].start, tokens[group[-1]].end, Label.PERSON, score, "tagged_name")


def _without_genitive(text: str, hit: Hit, words: set[str]) -> Hit:
    """Without the "s" of "Kowalskis" where "Kowalski" stands too: one person, one placeholder."""
    last = text[hit.start : hit.end].rsplit(" ", 1)[-1]
    return hit._replace(end=hit.end - 1) if last[-1] == "s" and last[:-1] in words else hit


def _is_name_word(token: Token, *, is_cased: bool) -> bool:
    word = token.text
    if not word[0].isalpha() or word.casefold() in PARTICLES or word.endswith("'"):
        return False
    return not (is_cased and word[0].islower())
