"""Hashed features of words and their neighbours, as both taggers read them.

A feature is a number and its parts: traits of words at some places around. What the traits are and
what the weights mean is the taggers' own.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

# A trait's column and how many words behind (or, negative, before) the word it is read.
Part = tuple[int, int]

_UPPER, _TITLE, _LOWER = 1, 2, 3
_SALT = np.uint64(0x9E3779B97F4A7C15)


class Features:
    """Features of words with `width` traits each; none reaches further than `edge` words."""

    def __init__(
        self,
        numbered: Iterable[tuple[int, tuple[Part, ...]]],
        *,
        width: int,
        edge: int,
        bits: int,
    ) -> None:
        # those with the most parts first, so that all that have another part stand together
        ordered = sorted(numbered, key=lambda one: -len(one[1]))
        # one number each, so that the same word beside and in place fall into different buckets
        self._numbers = np.array([number for number, _ in ordered], dtype=np.uint64)
        self._steps = _steps([parts for _, parts in ordered], width)
        self._width, self._edge, self._bits = width, edge, bits

    def build_rows(self, count: int) -> tuple[Any, Any]:
        """Rows for the traits of so many words: all, with the empty ones at both ends, and those of
        the words alone, to be filled."""
        rows = np.full((count + 2 * self._edge, self._width), 1, dtype=np.uint64)
        return rows, rows[self._edge : self._edge + count]

    def mix(self, rows: Any) -> Any:
        """Buckets below 2^bits of the features that each word has, one row a word."""
        count = len(rows) - 2 * self._edge
        values, places = rows.ravel(), np.arange(self._edge, self._edge + count) * self._width
        mixed = np.repeat(self._numbers[:, None], count, axis=1)
        # all features at once, part by part: a call for each would cost more than the sum
        for shifts in self._steps:
            having = mixed[: len(shifts)]
            having ^= values.take(places + shifts)
            having *= _SALT
            having ^= having >> np.uint64(29)
        return (mixed >> np.uint64(64 - self._bits)).T.astype(np.int64)


def read_mode(words: Sequence[str]) -> int:
    """Whether words, numbers and signs are written in capitals, small letters or as they should."""
    words = [word for word in words if word[0].isalpha()]
    upper = sum(word.isupper() for word in words)
    if 2 * upper > len(words):
        return _UPPER
    return _LOWER if 25 * sum(word[0].isupper() for word in words) < len(words) else _TITLE


def _steps(ordered: Sequence[Sequence[Part]], width: int) -> list[Any]:
    """For the first, second, ... part of the features: how far from the word's row it lies."""
    return [
        np.array([[part[at][1] * width + part[at][0]] for part in ordered if at < len(part)])
        for at in range(len(ordered[0]))
    ]
