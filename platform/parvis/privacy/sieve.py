"""Patterns that are tried only where a match of theirs can begin.

Most rules begin with one of many words and find nothing in most texts, and to learn that costs as
much as to find something. One pass over a text says at which of its words which patterns are worth
a try. No match is lost: a pattern that does not give away its beginnings, or a text that was not
read before, is searched as ever.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator

from parvis.privacy.beginnings import WIDTH, find_beginnings, fold, is_after_no_word

_HEAD = re.compile(r"(?<![^\W_])\S")
_MOST_SEARCHED = 99
_patterns = 0
_by_beginning: dict[str, int] = {}


def _register(beginnings: frozenset[str]) -> int:
    """The number of a pattern, as a bit, under which a text keeps where it may begin."""
    global _patterns  # noqa: PLW0603 - one row of numbers for all patterns there are
    bit = 1 << _patterns
    _patterns += 1
    for beginning in beginnings:
        _by_beginning[beginning] = _by_beginning.get(beginning, 0) | bit
    return bit


class ReadText(str):
    """A text with the places where patterns may begin; a part cut out of it is plain again."""

    __slots__ = ("folded", "known", "places", "tried", "worth")
    folded: str
    known: int  # patterns made later know nothing of this text
    places: list[int]
    tried: list[int]
    worth: int

    def __new__(cls, text: str) -> "ReadText":
        """The text, read once for all patterns there are."""
        read = super().__new__(cls, text)
        read.folded, read.known = fold(text), 1 << _patterns
        read.places, read.tried, read.worth = [], [], 0
        for head in _HEAD.finditer(text):
            bits = read.begins(head.start())
            if bits:
                read.places.append(head.start())
                read.tried.append(bits)
                read.worth |= bits
        return read

    def begins(self, place: int) -> int:
        """Which patterns may begin here."""
        bits = 0
        for end in range(place + 1, place + WIDTH + 1):
            bits |= _by_beginning.get(self.folded[place:end], 0)
        return bits


class Sieve:
    """A pattern that is tried only where a match of it can begin."""

    def __init__(self, pattern: str, flags: int = 0) -> None:
        self._pattern = re.compile(pattern, flags)
        beginnings = find_beginnings(self._pattern)
        self._whole = tuple(beginnings)
        if not is_after_no_word(self._pattern) or any(b[0] == " " for b in beginnings):
            self._bit = 0
            self._searched = tuple(beginnings) if len(beginnings) <= _MOST_SEARCHED else ()
        else:
            self._bit = _register(beginnings) if beginnings else 0
            self._searched = ()

    def fullmatch(self, text: str) -> re.Match[str] | None:
        """The match that all of a short text is."""
        if self._whole and not fold(text[:WIDTH]).startswith(self._whole):
            return None
        return self._pattern.fullmatch(text)

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        """Every match, as the pattern itself would find it."""
        if isinstance(text, ReadText):
            if self._bit and self._bit < text.known:
                return self._match_at(text) if self._bit & text.worth else iter(())
            if self._searched and not any(begun in text.folded for begun in self._searched):
                return iter(())
        return self._pattern.finditer(text)

    def _match_at(self, text: ReadText) -> Iterator[re.Match[str]]:
        end = 0
        for place, bits in zip(text.places, text.tried, strict=True):
            if bits & self._bit and place >= end:
                match = self._pattern.match(text, place)
                if match:
                    end = match.end()
                    yield match


class Cue:
    """Words right before a value; searched only where one of them may begin."""

    def __init__(self, words: str, ending: str) -> None:
        self._pattern = re.compile(rf"(?:^|[^\w])(?:{words}){ending}", re.IGNORECASE)
        beginnings = find_beginnings(re.compile(words, re.IGNORECASE))
        told = beginnings and not any(begun[0] == " " for begun in beginnings)
        self._bit = _register(beginnings) if told else 0

    def may_stand_in(self, text: str) -> bool:
        """False where none of the words begins anywhere in the text."""
        if isinstance(text, ReadText) and 0 < self._bit < text.known:
            return bool(text.worth & self._bit)
        return True

    def is_before(self, text: str, start: int, reach: int) -> bool:
        """Whether the words stand in the last signs before `start`."""
        first = max(0, start - reach)
        if isinstance(text, ReadText) and self._bit and self._bit < text.known:
            at = bisect_left(text.places, first)
            while at < len(text.places) and text.places[at] < start:
                if text.tried[at] & self._bit:
                    break
                at += 1
            else:
                if first == 0 or not text.begins(first) & self._bit:
                    return False
        return self._pattern.search(text[first:start]) is not None
