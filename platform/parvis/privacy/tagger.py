"""A small tagger of ours: how likely each word is part of a person's name.

Logistic regression over hashed features of a word and its neighbours, trained by `deploy/train`
for French, German, Luxembourgish and English. Weights and the hashes of known names and of common
words come from `data/names.txt`. What the chances mean for masking is judged in `recognizers/`.
"""

import base64
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from parvis.errors import PrivacyUnavailable
from parvis.privacy.words import FIRST_NAMES, fold_name

BITS = 20
LIST_BITS = 24
IS_NAME, IS_WORD = 3, 4
_LETTER = r"[^\W\d_]"
# "j'habite" is two words, "N'Diaye" and "O'Neill" are one
_TOKEN = re.compile(
    rf"[dl]'(?={_LETTER})|(?:(?-i:[cjmnst])|qu)'(?={_LETTER})"
    r"|(?-i:[CJMNST])'(?=(?-i:[a-zà-ÿ]))|(?-i:[A-ZÀ-Þ])\.(?=[ \-A-ZÀ-Þ]|$)"
    rf"|{_LETTER}+(?:['\-]{_LETTER}+)*|\d+|\n+|[^\w\s]",
    re.IGNORECASE,
)
_UPPER, _TITLE, _LOWER = 1, 2, 3
# one odd number each, so that the same word beside and in place fall into different buckets
_SALT = np.uint64(0x9E3779B97F4A7C15)
_EDGE = 7


@dataclass(frozen=True, slots=True)
class Token:
    """A word, number, sign or line break of the text."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Lexicon:
    """Which folded words are first names, surnames, common words: a bit for each hash.

    A word in none of the lists is taken for a member now and then, because hashes meet.
    """

    first_names: Any
    surnames: Any
    words: Any

    def kinds(self, words: Sequence[int]) -> Any:
        """For each hash of a word the sum of 1 first name, 2 surname, 4 common word."""
        hashes = np.array(words, dtype=np.uint32) >> np.uint32(32 - LIST_BITS)
        lists = (self.first_names, self.surnames, self.words)
        return sum(_within(hashes, known) << place for place, known in enumerate(lists))


class Tagger:
    """The trained weights; safe for threads."""

    def __init__(self, weights: Any, scale: float, bias: float, lexicon: Lexicon) -> None:
        self._weights = weights
        self._scale = scale
        self._bias = bias
        self.lexicon = lexicon

    def chances(self, tokens: Sequence[Token]) -> Any:
        """For each token how likely it belongs to a person's name, 0 to 1."""
        return self.read(tokens)[0]

    def read(self, tokens: Sequence[Token]) -> tuple[Any, Any]:
        """The chances, and which tokens stand in the list of names (0: no)."""
        if not tokens:
            return np.zeros(0, dtype=np.float32), np.zeros(0, dtype=np.int64)
        kinds = self.lexicon.kinds(name_hashes(tokens))
        buckets = features(tokens, kinds)
        total = self._weights[buckets].sum(axis=1, dtype=np.int32) * self._scale + self._bias
        return 1 / (1 + np.exp(-np.clip(total, -30, 30))), kinds & IS_NAME


def read_tokens(text: str) -> list[Token]:
    """The text in words, numbers, signs and line breaks; hyphenated words stay whole."""
    return [Token(m.start(), m.end(), m.group()) for m in _TOKEN.finditer(text)]


def name_hashes(tokens: Sequence[Token]) -> list[int]:
    """What the lexicon of names is asked for: the folded word, of a double name the first."""
    return [hash_name(token.text.split("-", 1)[0]) for token in tokens]


def hash_name(name: str) -> int:
    """A name as the lexicon keeps it."""
    return zlib.crc32(fold_name(name).encode("utf-8", "surrogatepass"))


def is_common_word(word: str) -> bool:
    """Whether a dictionary of the four languages has the word and it is no usual first name.

    Raises PrivacyUnavailable when the lists cannot be read.
    """
    is_word = int(load_tagger().lexicon.kinds([hash_name(word)])[0]) & IS_WORD
    return bool(is_word) and fold_name(word) not in FIRST_NAMES


def features(tokens: Sequence[Token], kinds: Any) -> Any:
    """Buckets of the features that each token has, one row a token."""
    seen: dict[str, tuple[int, ...]] = {}
    rows = []
    for token in tokens:
        row = seen.get(token.text)
        if row is None:
            row = seen[token.text] = _traits(token.text)
        rows.append(row)
    traits = np.array(rows, dtype=np.uint64)
    count = len(tokens)
    padded = np.full((count + 2 * _EDGE, _MODE + 1), 1, dtype=np.uint64)
    padded[_EDGE : _EDGE + count, :_KIND] = traits
    padded[_EDGE : _EDGE + count, _KIND] = kinds + 2
    padded[:, _MODE] = _mode(tokens)
    values, places = padded.ravel(), np.arange(_EDGE, _EDGE + count) * padded.shape[1]
    mixed = np.repeat(_NUMBERS[:, None], count, axis=1)
    # all templates at once, first part by first part: a call for each would cost more than the sum
    for shifts in _STEPS:
        having = mixed[: len(shifts)]
        having ^= values.take(places + shifts)
        having *= _SALT
        having ^= having >> np.uint64(29)
    return (mixed >> np.uint64(64 - BITS)).T.astype(np.int64)


@cache
def load_tagger() -> Tagger:
    """The tagger from this package's data; raises PrivacyUnavailable when it cannot be read."""
    try:
        text = files("parvis.privacy").joinpath("data", "names.txt").read_text(encoding="ascii")
        head, *lines = (line for line in text.splitlines() if not line.startswith("#"))
        scale, bias = head.split()
        content = zlib.decompress(base64.b64decode("".join(lines)))
        weights = np.frombuffer(content, dtype=np.int8, count=1 << BITS)
        lists = np.frombuffer(content, dtype=np.uint8, offset=1 << BITS)
        lexicon = Lexicon(*lists.reshape(3, 1 << (LIST_BITS - 3)))
        return Tagger(weights, float(scale), float(bias), lexicon)
    except Exception as error:
        raise PrivacyUnavailable("The name tagger cannot be loaded.") from error


_WORD, _SHAPE, _SUFFIX3, _SUFFIX2, _PREFIX3, _SUFFIX4, _LENGTH, _KIND, _MODE = range(9)
_TEMPLATES: tuple[tuple[tuple[int, int], ...], ...] = (
    *(((_WORD, offset),) for offset in (-3, -2, -1, 0, 1, 2)),
    *(((_SHAPE, offset), (_KIND, offset)) for offset in (-2, -1, 0, 1, 2)),
    *(((_SUFFIX3, offset),) for offset in (-1, 0, 1)),
    ((_SUFFIX2, 0), (_SHAPE, 0)),
    ((_PREFIX3, 0), (_SHAPE, 0)),
    ((_MODE, 0), (_KIND, 0), (_SHAPE, 0)),
    ((_MODE, 0), (_KIND, -1), (_KIND, 0)),
    ((_MODE, 0), (_KIND, 0), (_KIND, 1)),
    ((_MODE, 0), (_WORD, -1), (_KIND, 0)),
    ((_SHAPE, -1), (_SHAPE, 0), (_SHAPE, 1)),
    ((_KIND, -1), (_KIND, 0), (_KIND, 1), (_SHAPE, 0)),
    ((_WORD, -1), (_SHAPE, 0)),
    ((_WORD, -1), (_SHAPE, 0), (_SHAPE, 1), (_KIND, 0)),
    ((_WORD, 1), (_SHAPE, 0), (_KIND, 0)),
    ((_WORD, -2), (_WORD, -1), (_SHAPE, 0)),
    ((_WORD, -2), (_SHAPE, -1), (_KIND, -1), (_SHAPE, 0)),
    ((_WORD, -3), (_SHAPE, -2), (_SHAPE, -1), (_SHAPE, 0)),
    ((_WORD, -1), (_WORD, 0)),
    ((_WORD, 0), (_WORD, 1)),
    ((_WORD, -1), (_WORD, 1), (_SHAPE, 0)),
    ((_SHAPE, -2), (_SHAPE, -1), (_SHAPE, 0), (_SHAPE, 1), (_SHAPE, 2)),
    ((_SUFFIX3, -1), (_SHAPE, 0), (_KIND, 0)),
    ((_SUFFIX3, 1), (_SHAPE, 0), (_KIND, 0)),
    ((_LENGTH, 0), (_SHAPE, 0), (_KIND, 0)),
    ((_SUFFIX4, 0), (_SHAPE, 0)),
    ((_SUFFIX3, 0), (_KIND, 0), (_SHAPE, 0)),
    ((_WORD, -1), (_SHAPE, 0), (_KIND, 0), (_KIND, 1)),
    ((_SHAPE, -1), (_KIND, -1), (_SHAPE, 0), (_KIND, 0), (_SHAPE, 1), (_KIND, 1)),
    ((_WORD, -2), (_WORD, -1), (_KIND, 0), (_SHAPE, 0)),
    ((_WORD, -1), (_WORD, 1), (_KIND, 0)),
)


# those with the most parts first, so that all that have another part stand together
_ORDER = sorted(range(len(_TEMPLATES)), key=lambda row: -len(_TEMPLATES[row]))
_NUMBERS = np.array([row + 1 for row in _ORDER], dtype=np.uint64)


def _steps() -> list[Any]:
    """For the first, second, ... part of the templates: how far from the token's row it lies."""
    width = _MODE + 1
    parts = [_TEMPLATES[row] for row in _ORDER]
    return [
        np.array([[part[place][1] * width + part[place][0]] for part in parts if place < len(part)])
        for place in range(len(parts[0]))
    ]


_STEPS = _steps()


def _traits(word: str) -> tuple[int, ...]:
    small = word.casefold()
    shape = _shape(word)
    parts = (small, shape, small[-3:], small[-2:], small[:3], small[-4:])
    hashes = [zlib.crc32(part.encode("utf-8", "surrogatepass")) + 2 for part in parts]
    return (*hashes, min(len(word), 8) + 2)


def _shape(word: str) -> str:
    first = word[0]
    if word.isdigit():
        return "9" * min(len(word), 5)
    if not first.isalpha():
        return "\n" if first == "\n" else first
    if word.islower():
        return "x"
    if len(word) == 1 or word.endswith("."):
        return "X."
    if word.isupper():
        return "XX"
    hyphen = "-" if "-" in word else ""
    return f"Xx{hyphen}" if first.isupper() else "xX"


def _mode(tokens: Sequence[Token]) -> int:
    """Whether the text is written in capitals, small letters or as it should be."""
    words = [token.text for token in tokens if token.text[0].isalpha()]
    upper = sum(word.isupper() for word in words)
    if 2 * upper > len(words):
        return _UPPER
    return _LOWER if 25 * sum(word[0].isupper() for word in words) < len(words) else _TITLE


def _within(hashes: Any, known: Any) -> Any:
    return (known[hashes >> np.uint32(3)] >> (hashes & np.uint32(7))).astype(np.int64) & 1
