"""Where a text still needs the slow name model after the rules and the tagger have spoken.

A sentence is decided when each of its words is masked already, known to be no name, or believed by
the tagger to be none, and no number in it could belong to an address. What is in doubt is read
with the sentences beside it, for the model judges by context. Says nothing of any language.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from parvis.privacy.conflicts import Finding
from parvis.privacy.entities import Label
from parvis.privacy.tagger import Token
from parvis.privacy.words import has_capitals, is_never_a_name

Stretch = tuple[int, int]

_MASKED_SCORE = 0.6
_LONGEST_HOUSE_NUMBER = 5
_SENTENCE_END = re.compile(r"\n+|(?<=[.!?;])\s+(?=[^\W\d_a-zß-ÿ]|\d|$)")
_SHORTEST = 25
_STREET = re.compile(
    r"(?:str(?:aße|asse|ooss|oss|eet|\.)?|weg|platz|plaz|gasse|gaass|wee|lane|road|drive|close"
    r"|court|square|allee|place|terrace|gardens?)$|^(?:rue|av|avenue|bd|boulevard|all[ée]e|chemin"
    r"|route|impasse|quai|cit[ée]|um|am|im|an|st|rd|flat|apt)$|[\-]rue$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Trust:
    """Below which chance the tagger is trusted that a word is no name (a word in small letters has
    its own), whether a word in the list of names is in doubt at any chance, and whether a number
    is that could belong to an address, and whether a text whose writer uses no capitals is in doubt
    as a whole: there a rare name looks like any word."""

    capital: float
    small: float
    listed: bool
    numbers: bool
    uncased: bool


# Chosen on the development messages; what each costs and misses stands in docs/privacy.md.
CAREFUL = Trust(capital=0.02, small=0.1, listed=True, numbers=True, uncased=True)
LIGHT = Trust(capital=0.05, small=0.4, listed=False, numbers=False, uncased=False)


def find_doubts(
    text: str,
    findings: Sequence[Finding],
    tokens: Sequence[Token],
    chances: Any,
    kinds: Any,
    trust: Trust,
) -> list[Stretch]:
    """Stretches of the text that the name model must read, in order and disjoint."""
    if trust.uncased and not has_capitals(text):
        return [(0, len(text))]
    covered = bytearray(len(text))
    for finding in findings:
        if finding.score >= _MASKED_SCORE:
            covered[finding.start : finding.end] = b"\x01" * (finding.end - finding.start)
    addresses = sorted(f.end for f in findings if f.label is Label.ADDRESS)
    open_tokens = [token for token in tokens if not covered[token.start]]
    believed = zip(tokens, chances.tolist(), kinds.tolist(), strict=True)
    doubtful = [
        token.start
        for token, chance, kind in believed
        if not covered[token.start] and _may_be_name(token.text, chance, kind, trust)
    ]
    if trust.numbers:
        doubtful += _beside_numbers(open_tokens)
        doubtful += _after_addresses(text, addresses, open_tokens)
    return _with_neighbours(_sentences(text), sorted(doubtful))


def _may_be_name(word: str, chance: float, kind: int, trust: Trust) -> bool:
    if not word[0].isalpha() or is_never_a_name(word):
        return False
    if word[0].isupper():
        return (trust.listed and kind > 0) or chance >= trust.capital
    return chance >= trust.small


def _beside_numbers(tokens: Sequence[Token]) -> list[int]:
    """Short numbers with a word near them that could be a street or a town."""
    return [
        token.start
        for at, token in enumerate(tokens)
        if token.text.isdigit()
        and len(token.text) <= _LONGEST_HOUSE_NUMBER
        and any(_may_be_place(near.text) for near in tokens[max(0, at - 2) : at + 3])
    ]


def _may_be_place(word: str) -> bool:
    if not word[0].isalpha() or len(word) < 2:  # noqa: PLR2004
        return False
    return _STREET.search(word) is not None or (word[0].isupper() and not is_never_a_name(word))


def _after_addresses(text: str, ends: Sequence[int], tokens: Sequence[Token]) -> list[int]:
    """Words right after an address that the rules found: more of it may follow."""
    starts = [token.start for token in tokens]
    found = []
    for end in ends:
        at = bisect_left(starts, end)
        if at < len(tokens) and text[end : tokens[at].start].strip(" ,\n") == "":
            following = (token for token in tokens[at : at + 3] if token.text[0].isalnum())
            found += [token.start for token in following]
    return found


def _sentences(text: str) -> list[Stretch]:
    found, position = [], 0
    for end in _SENTENCE_END.finditer(text):
        if end.end() - position >= _SHORTEST:
            found.append((position, end.end()))
            position = end.end()
    if position < len(text):
        found.append((position, len(text)))
    return found


def _with_neighbours(sentences: Sequence[Stretch], doubtful: Sequence[int]) -> list[Stretch]:
    """Sentences that hold a doubt with the one before and after each; what touches is joined."""
    holds = [bisect_left(doubtful, a) < bisect_left(doubtful, b) for a, b in sentences]
    found: list[Stretch] = []
    for at, (start, end) in enumerate(sentences):
        if not any(holds[max(0, at - 1) : at + 2]):
            continue
        if found and found[-1][1] == start:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found
