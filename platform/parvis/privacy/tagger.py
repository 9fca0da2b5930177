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
from parvis.privacy.features import Features, read_mode
from parvis.privacy.words import fold_name

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


def features(tokens: Sequence[Token], kinds: Any) -> Any:
    """Buckets of the features that each token has, one row a token."""
    rows, inner = _FEATURES.build_rows(len(tokens))
    # equal words of one text are read once
    known = {word: _traits(word) for word in {token.text for token in tokens}}
    inner[:, :_KIND] = [known[token.text] for token in tokens]
    inner[:, _KIND] = kinds + 2
    rows[:, _MODE] = read_mode([token.text for token in tokens])
    return _FEATURES.mix(rows)


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


_FEATURES = Features(enumerate(_TEMPLATES, 1), width=_MODE + 1, edge=_EDGE, bits=BITS)


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


def _within(hashes: Any, known: Any) -> Any:
    return (known[hashes >> np.uint32(3)] >> (hashes & np.uint32(7))).astype(np.int64) & 1
