"""A second small tagger: whether a word belongs to a home, a birth date or a number of a person.

Multinomial logistic regression over hashed features of a word, the words up to nine places away,
the label of its line and what kind of number it is. Trained by `deploy/train/train_kinds.py`;
weights and the hashes of known towns come from `data/kinds.txt`. What its chances mean for masking
is judged in `recognizers/`; names alone are read by `tagger`.
"""

import base64
import re
import zlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from parvis.errors import PrivacyUnavailable
from parvis.privacy.entities import Label
from parvis.privacy.features import Features, Part, read_mode
from parvis.privacy.tagger import Lexicon, Token, hash_name, load_tagger
from parvis.privacy.words import fold_name

BITS = 18
TOWN_BITS = 21
# What a word may be; all numbers of a person that are no telephone number are one kind.
KINDS: tuple[Label | None, ...] = (
    None,
    Label.PERSON,
    Label.ADDRESS,
    Label.LOCATION,
    Label.DATE_OF_BIRTH,
    Label.CASE_NUMBER,
    Label.PHONE,
)
_LETTER = r"[^\W\d_]"
_TOKEN = re.compile(
    # a number with what is written together with it: "12.03.1975", "2024/AB-118", "12a"
    rf"(?:{_LETTER}{{1,6}}[./\-]){{0,3}}{_LETTER}{{0,6}}\d\w*"
    rf"(?:[./\-:]{{1,2}}(?:{_LETTER}{{0,6}}\d\w*|{_LETTER}{{1,6}}(?!\w)))*"
    rf"|[dl]'(?={_LETTER})|(?:[cjmnst]|qu)'(?={_LETTER})"
    rf"|{_LETTER}+(?:['\-]{_LETTER}+)*|\n+|[^\w\s]|_+",
    re.IGNORECASE,
)
_DATE = re.compile(r"(\d{1,2})[./\-](\d{1,2})[./\-](\d{4}|\d\d)\Z")
_ISO = re.compile(r"(\d{4})[./\-](\d{1,2})[./\-](\d{1,2})\Z")
_YEAR = re.compile(r"(?:19|20)\d\d\Z")
_EDGE = 10
_IS_TOWN = 8
_SHAPE_LENGTH = 12
_YEARS = (1930, 1945, 1960, 1975, 1990, 2002, 2010, 2016, 2022)
_CENTURY = 30


class KindTagger:
    """The trained weights; safe for threads."""

    def __init__(
        self, weights: Any, scale: float, bias: Sequence[float], towns: Any, lexicon: Lexicon
    ) -> None:
        self._weights = weights
        self._scale = scale
        self._bias = np.array(bias, dtype=np.float32)
        self._towns = towns
        self._lexicon = lexicon

    def chances(self, tokens: Sequence[Token]) -> Any:
        """For each token how likely it is of each of KINDS; the rows sum up to 1."""
        if not tokens:
            return np.zeros((0, len(KINDS)), dtype=np.float32)
        buckets = features(tokens, self.lists(tokens))
        known = self._weights.take(buckets.T, axis=0)
        total = known.sum(axis=0, dtype=np.int32) * self._scale + self._bias
        total = np.exp(total - total.max(axis=1, keepdims=True))
        return total / total.sum(axis=1, keepdims=True)

    def lists(self, tokens: Sequence[Token]) -> Any:
        """For each token the sum of 1 first name, 2 surname, 4 common word, 8 town."""
        words = [token.text for token in tokens]
        whole = [hash_name(word) for word in words]
        # a word without a hyphen is its own first part
        hashes = [
            hash_name(word.split("-", 1)[0]) if "-" in word else known
            for word, known in zip(words, whole, strict=True)
        ]
        places = np.array(whole, dtype=np.uint32) >> np.uint32(32 - TOWN_BITS)
        is_town = (self._towns[places >> np.uint32(3)] >> (places & np.uint32(7))) & 1
        return self._lexicon.kinds(hashes) + _IS_TOWN * is_town.astype(np.int64)


def read_units(text: str) -> list[Token]:
    """The text in words, numbers with their signs, other signs and line breaks."""
    return [Token(m.start(), m.end(), m.group()) for m in _TOKEN.finditer(text)]


@cache
def load_kind_tagger() -> KindTagger:
    """The tagger from this package's data; raises PrivacyUnavailable when it cannot be read."""
    try:
        text = files("parvis.privacy").joinpath("data", "kinds.txt").read_text(encoding="ascii")
        head, *lines = (line for line in text.splitlines() if not line.startswith("#"))
        scale, *bias = map(float, head.split())
        content = zlib.decompress(base64.b64decode("".join(lines)))
        size = len(KINDS) << BITS
        weights = np.frombuffer(content, dtype=np.int8, count=size).reshape(-1, len(KINDS))
        towns = np.frombuffer(content, dtype=np.uint8, offset=size)
        if towns.size != 1 << (TOWN_BITS - 3) or len(bias) != len(KINDS):
            raise ValueError("kinds.txt is not whole")
        return KindTagger(weights, scale, bias, towns, load_tagger().lexicon)
    except PrivacyUnavailable:
        raise
    except Exception as error:
        raise PrivacyUnavailable("The tagger of kinds cannot be loaded.") from error


_WORD, _STEM, _SUFFIX4, _SUFFIX3, _SHAPE, _NUMBER, _LIST, _MODE, _FIELD, _FIRST = range(10)
_TRAITS = 6
_NEAR = range(-4, 4)
_BEFORE, _AFTER = range(-_EDGE + 1, -4), range(4, _EDGE - 1)


def _templates() -> list[tuple[int, tuple[Part, ...]]]:
    """Number of the feature and its parts (trait, place); places of one bag share the number."""
    single: list[tuple[Part, ...]] = [
        *(((_WORD, at), (_NUMBER, 0)) for at in _NEAR),
        *(((_STEM, at),) for at in (-3, -2, -1, 0, 1, 2)),
        *(((_SHAPE, at), (_NUMBER, at), (_LIST, at)) for at in (-2, -1, 0, 1, 2)),
        ((_SUFFIX4, 0), (_SHAPE, 0)),
        ((_SUFFIX3, 0), (_LIST, 0), (_SHAPE, 0)),
        ((_SUFFIX4, -1), (_NUMBER, 0)),
        ((_SUFFIX4, 1), (_NUMBER, 0)),
        ((_WORD, 0), (_MODE, 0)),
        ((_LIST, 0), (_SHAPE, 0), (_MODE, 0)),
        ((_STEM, -1), (_LIST, 0), (_NUMBER, 0)),
        ((_STEM, -2), (_LIST, 0), (_NUMBER, 0)),
        ((_STEM, -3), (_LIST, 0), (_NUMBER, 0)),
        ((_STEM, 1), (_LIST, 0), (_NUMBER, 0)),
        ((_STEM, 2), (_LIST, 0), (_NUMBER, 0)),
        ((_WORD, -2), (_WORD, -1), (_NUMBER, 0)),
        ((_WORD, -2), (_WORD, -1), (_LIST, 0)),
        ((_WORD, 1), (_WORD, 2), (_NUMBER, 0)),
        ((_STEM, -2), (_NUMBER, -1), (_NUMBER, 0)),
        ((_STEM, -3), (_NUMBER, -2), (_NUMBER, -1), (_NUMBER, 0)),
        ((_WORD, -1), (_WORD, 0)),
        ((_WORD, 0), (_WORD, 1)),
        ((_NUMBER, -1), (_NUMBER, 0), (_NUMBER, 1)),
        ((_LIST, -1), (_LIST, 0), (_LIST, 1), (_SHAPE, 0)),
        ((_SHAPE, -1), (_SHAPE, 0), (_SHAPE, 1), (_NUMBER, 0)),
        ((_NUMBER, -2), (_NUMBER, -1), (_NUMBER, 0), (_NUMBER, 1), (_NUMBER, 2)),
        ((_FIELD, 0), (_NUMBER, 0)),
        ((_FIELD, 0), (_SHAPE, 0), (_LIST, 0)),
        ((_FIRST, 0), (_NUMBER, 0)),
        ((_FIRST, 0), (_LIST, 0)),
    ]
    bags: list[tuple[tuple[Part, ...], ...]] = [
        tuple(((_STEM, at), (_NUMBER, 0)) for at in range(-_EDGE + 1, 0)),
        tuple(((_STEM, at), (_NUMBER, 0)) for at in range(1, _EDGE)),
        tuple(((_STEM, at), (_LIST, 0), (_SHAPE, 0)) for at in range(-_EDGE + 1, 0)),
        tuple(((_STEM, at), (_LIST, 0), (_SHAPE, 0)) for at in range(1, _EDGE)),
    ]
    numbered = [(number, parts) for number, parts in enumerate(single, 1)]
    for number, bag in enumerate(bags, len(single) + 1):
        numbered.extend((number, parts) for parts in bag)
    return numbered


_FEATURES = Features(_templates(), width=_FIRST + 1, edge=_EDGE, bits=BITS)


def features(tokens: Sequence[Token], lists: Any) -> Any:
    """Buckets of the features that each token has, one row a token."""
    rows, inner = _FEATURES.build_rows(len(tokens))
    # Equal words of one text are read once; nothing of a text is kept behind it.
    known = {word: _traits(word) for word in {token.text for token in tokens}}
    inner[:, :_TRAITS] = [known[token.text] for token in tokens]
    inner[:, _LIST] = lists + 2
    inner[:, _FIELD], inner[:, _FIRST] = _of_lines(tokens, inner[:, _STEM].tolist())
    rows[:, _MODE] = read_mode([token.text for token in tokens])
    return _FEATURES.mix(rows)


def _of_lines(tokens: Sequence[Token], stems: list[int]) -> tuple[list[int], list[int]]:
    """For each token the word before the last colon of its line, and the line's first word."""
    fields, firsts = [], []
    field, first, last = 1, 0, 1
    for token, stem in zip(tokens, stems, strict=True):
        if token.text[0] == "\n":
            field, first, last = 1, 0, 1
        elif token.text == ":":
            field = last
        elif token.text[0].isalpha():
            last = stem
        fields.append(field)
        firsts.append(first or 2)
        first = first or stem
    return fields, firsts


def _traits(word: str) -> tuple[int, ...]:
    folded = fold_name(word)
    number = _number(word)
    if number:
        folded = _form(folded)
    parts = (folded, folded[:5], folded[-4:], folded[-3:], _shape(word), number)
    return tuple(zlib.crc32(part.encode("utf-8", "surrogatepass")) + 2 for part in parts)


def _form(word: str) -> str:
    """The number's form: digits become 9, letters a."""
    shown = "".join("9" if c.isdigit() else "a" if c.isalpha() else c for c in word)
    return shown[:_SHAPE_LENGTH]


def _number(word: str) -> str:
    """What kind of number it is: dates and years by age, others by form; "" for words."""
    if not any(char.isdigit() for char in word):
        return "" if word[0].isalpha() else word[0]
    date = _DATE.match(word)
    iso = _ISO.match(word)
    if date or iso:
        year = int(date[3] if date else iso[1] if iso else 0)
        if year < 100:  # noqa: PLR2004
            year += 1900 if year >= _CENTURY else 2000
        return f"date{_age(year)}"
    if _YEAR.match(word):
        return f"year{_age(int(word))}"
    digits = sum(char.isdigit() for char in word)
    letters = "a" if any(char.isalpha() for char in word) else ""
    signs = "".join(sorted({char for char in word if not char.isalnum()}))
    return f"{min(digits, 11)}{letters}{signs}"


def _age(year: int) -> int:
    return sum(year >= mark for mark in _YEARS)


def _shape(word: str) -> str:
    if not word[0].isalpha():
        return "9" if word[0].isdigit() else word[0]
    if any(char.isdigit() for char in word):
        return "a9"
    if word.islower():
        return "x"
    if word.isupper():
        return "X" if len(word) == 1 else "XX"
    return "Xx-" if "-" in word else "Xx"
