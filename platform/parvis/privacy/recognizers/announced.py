"""What the words right before a number say it is of: a person's file, a thing, or only a number.

The words stand in `data/number_words.txt`. Which numbers are masked for it is decided in `case`.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files

from parvis.privacy.words import fold_name, is_never_a_name

_REACH = 90
_TOKEN = re.compile(r"[^\W_]+(?:[.\-/]{1,2}[^\W_]+)*\.?|\n+|[^\w\s]")
_LETTERS_FIRST = re.compile(r"([^\W\d_]+)(?:[\- \d]|/(?<=COM/))")
_NOT_LETTERS = re.compile(r"[\W_]+")
_MARKS = frozenset(
    "n no nr nro num nummer nummern numm numero numeros number numbers id kennung".split()
)
# "Kd.-Nr", "Personalnummer", "customer-id"
_MARKED = re.compile(
    r"(?P<stem>\w.*?)(?:[.\-/]{1,3}(?:no|id|ref)|[.\-/]{0,3}(?:nummer|numm|nr|number|numero|"
    r"kennung|kennziffer|kennzahl))"
)
_ARTICLES = frozenset("le la l the die der de d den dem un une a an et i".split())
# may stand between the word and its number: "dossier est le", "Aktenzeichen lautet", "case of mine"
_LINKS = _ARTICLES | frozenset(
    "est ist ass is was war lautet porte mit with vum vom vun von du des das les my mein meine meng"
    " mon ma your votre vos notre nos unser unsere ihr ihre of bei beim fur fir for pour avec"
    " suivant neu neue neues nouveau new noch also c".split()
)
# the French box of a form, not the English case
_BOX = re.compile(r"(?<!\w)(?:la|les|une|cette|ces|aux) cases?(?!\w)", re.IGNORECASE)
_ASSIGNS = frozenset(":=#")
_PASSED = frozenset("°*\"'’«»„“”-–>`(")
_ENDINGS = ("", "s", "e", "n", "en", "es", "er", "ne", "nen")
_MOST_UNKNOWN = 2
_LONGEST_ABBREVIATION = 6


class Kind(StrEnum):
    """What a number is of."""

    FILE = "file"
    WEAK = "weak"
    SUBJECT = "subject"
    THING = "thing"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Announced:
    """What a number is of; whether it is called a number ("n°", "Nr.") or set behind a colon;
    whether a word names what it is of, and whether other words stand between."""

    kind: Kind
    is_number: bool = False
    is_assigned: bool = False
    is_named: bool = False
    is_far: bool = False

    @property
    def is_called(self) -> bool:
        """Whether it is called a number, or set behind a colon, right behind what it is of."""
        return (self.is_number or self.is_assigned) and not self.is_far


def read_announced(text: str, start: int) -> Announced:
    """What the words before this place say of a number that stands there."""
    reader = _Reader()
    for piece in reversed(_TOKEN.findall(text, max(0, start - _REACH), start)):
        if not reader.goes_past(piece):
            break
    kind = reader.kind
    if kind is Kind.FILE and _BOX.search(text, max(0, start - _REACH), start):
        kind = Kind.THING
    return Announced(
        kind, reader.is_number, reader.is_assigned, reader.is_named, reader.unknown > 0
    )


class _Reader:
    """Goes from a number backwards, word by word, up to the one that says what it is of."""

    def __init__(self) -> None:
        self.kind = Kind.UNKNOWN
        self.is_number = self.is_assigned = self.is_named = False
        self.unknown = 0
        self._is_bare = self._is_bracketed = False
        self._breaks = 0

    def goes_past(self, piece: str) -> bool:
        """Take in this piece; whether what stands before it may still say more."""
        if self._is_bracketed or piece == ")":
            self._is_bracketed = piece != "("
            return True
        if piece in _ASSIGNS:
            self.is_assigned = True
            return True
        if piece[0] == "\n":
            self._breaks += len(piece)
            return self._breaks <= (2 if self.is_assigned else 1)
        if not piece[0].isalnum():
            return piece in _PASSED or (piece == "," and self.is_number and not self.unknown)
        word = _read_word(piece)
        return word is not None and self._takes(word)

    def _takes(self, word: "_Word") -> bool:
        # "call the number 0098812" says of it as little as the number alone
        self._is_bare |= self.is_number and not self.unknown and word.plain in _ARTICLES
        self.is_number |= word.is_number
        self.kind = word.kind
        if self.kind is not Kind.UNKNOWN:
            return False
        if word.says_something:
            self.is_named |= not self._is_bare and not is_never_a_name(word.plain)
            self.unknown += 1
        return self.unknown <= _MOST_UNKNOWN


def is_public_form(value: str) -> bool:
    """Whether the letters that a number begins with are a bill's, a norm's or a paper's."""
    return _first_letters(value) in _WORDS["form"]


def is_ticket_form(value: str) -> bool:
    """Whether the letters that a number begins with are a help desk's."""
    return _first_letters(value) in _WORDS["ticket form"]


def _first_letters(value: str) -> str:
    letters = _LETTERS_FIRST.match(value)
    return fold_name(letters[1]) if letters else ""


def is_number_word(word: str) -> bool:
    """Whether a word only says what a number is of: "dossier", "Linie", "ID"."""
    plain = _NOT_LETTERS.sub("", fold_name(word))
    return plain in _MARKS or _kind_of(plain, plain) in (Kind.FILE, Kind.WEAK, Kind.THING)


@dataclass(frozen=True, slots=True)
class _Word:
    plain: str
    kind: Kind
    is_number: bool

    @property
    def says_something(self) -> bool:
        """Whether it is a word of its own, neither "Nr." nor "is"."""
        return self.plain not in _LINKS and self.plain not in _MARKS


def _read_word(shown: str) -> _Word | None:
    """A word with what it says; None where a sentence ends before the number."""
    folded = fold_name(shown).rstrip(".")
    plain = _NOT_LETTERS.sub("", folded)
    if plain in _MARKS:
        return _Word(plain, Kind.UNKNOWN, is_number=True)
    last = folded.rsplit("-", 1)[-1]
    marked = _MARKED.fullmatch(folded) if _kind_of(plain, plain) is Kind.UNKNOWN else None
    stem = _NOT_LETTERS.sub("", marked["stem"]) if marked else plain
    kind = _kind_of(stem, last)
    if kind is Kind.SUBJECT and marked:
        kind = Kind.UNKNOWN
    if shown[-1] == "." and not marked and len(stem) > _LONGEST_ABBREVIATION:
        return None
    return _Word(stem, kind, is_number=marked is not None)


def _kind_of(stem: str, last: str) -> Kind:
    for word in (stem, last):
        for ending in _ENDINGS:
            base = word.removesuffix(ending) if word.endswith(ending) else ""
            for kind in (Kind.FILE, Kind.WEAK, Kind.THING, Kind.SUBJECT):
                if base in _WORDS[kind] and (kind is not Kind.SUBJECT or not ending):
                    return kind
    for kind in (Kind.FILE, Kind.THING):
        if stem.endswith(_COMPOUNDS[kind]) or stem.removesuffix("s").endswith(_COMPOUNDS[kind]):
            return kind
    return Kind.UNKNOWN


def load_number_words() -> dict[str, frozenset[str]]:
    """The sections of the list, by their names."""
    text = files("parvis.privacy").joinpath("data", "number_words.txt").read_text(encoding="utf-8")
    sections = {}
    for section in text.split("\n## ")[1:]:
        head, words = section.split("\n", 1)
        sections[head.split(":", 1)[0]] = frozenset(words.split())
    return sections


_WORDS = load_number_words()
_COMPOUNDS = {kind: tuple(_WORDS[f"{kind} ending"]) for kind in (Kind.FILE, Kind.THING)}
