"""Careless typing made plain before detection, with a way back to the text as it was typed.

Letters of other scripts that look like Latin ones become them inside a word that has Latin letters
or digits. Accents are composed, every kind of space is one space, every dash a hyphen, digits are
ASCII, invisible characters are gone. No case is changed and nothing is judged here.
"""

import re
import unicodedata
from dataclasses import dataclass

_SPACES = (
    "\t\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005"
    "\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
)
_BREAKS = "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"
_QUOTES = "\u2018\u2019\u201b\u02bc\u00b4\u0060\u2032"
_SAME_LENGTH = str.maketrans(
    dict.fromkeys(_SPACES, " ")
    | dict.fromkeys(_BREAKS, "\n")
    | dict.fromkeys(_DASHES, "-")
    | dict.fromkeys(_QUOTES, "'")
)
_LEFT_OUT = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
_PLAIN = re.compile(
    "[\x00-\x0c\x0e-\u00ac\u00ae-\u02ff\u1e00-\u1fff\u2000-\u200a\u2010-\u2029\u202f-\u205f"
    "\u20a0-\u20bf]*"
)


# Cyrillic and Greek letters that look like a Latin one (Unicode TR 39, confusables)
_LOOK_ALIKE = str.maketrans(
    "АВСЕНІЈКМОРЅТХУаеорсухіјѕԁԛԝΑΒΕΖΗΙΚΜΝΟΡΤΥΧοινυ",
    "ABCEHIJKMOPSTXYaeopcyxijsdqwABEZHIKMNOPTYXoivu",
)
_WORD = re.compile(r"[^\W_]+")
# a scanner's 0 and 1 inside a word: "IDENT1TE", "ATTESTATI0N"
_MISREAD = re.compile(r"(?<![\w])(?=[^\W\d_]*[01][^\W\d_]*(?![\w]))[^\W_]{6,30}")
_READ_RIGHT = str.maketrans("01", "OI")
_OTHER_SCRIPT = re.compile("[\u0370-\u052f]")
_LATIN_OR_DIGIT = re.compile(r"[A-Za-z0-9]")


@dataclass(frozen=True, slots=True)
class CleanText:
    """The text to look at; `start[i]`, `end[i]` are the code points of the original that clean
    character i stands for (None where nothing moved)."""

    text: str
    start: list[int] | None = None
    end: list[int] | None = None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where a non-empty span of the clean text lies in the original."""
        if self.start is None or self.end is None:
            return start, end
        return self.start[start], self.end[end - 1]


def clean(text: str) -> CleanText:
    """The text as detection wants it; costs next to nothing when it was typed carefully."""
    if _PLAIN.fullmatch(text):
        return CleanText(_MISREAD.sub(_read_right, text.translate(_SAME_LENGTH)))
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for begin, stop in _clusters(text):
        piece = _plain_cluster(text[begin:stop])
        pieces.append(piece)
        starts.extend([begin] * len(piece))
        ends.extend([stop] * len(piece))
    plain = _WORD.sub(_in_one_script, "".join(pieces))
    return CleanText(_MISREAD.sub(_read_right, plain), starts, ends)


def _read_right(word: re.Match[str]) -> str:
    """A word with one misread letter; as long as before."""
    shown = word.group()
    return shown.translate(_READ_RIGHT) if shown[-1].isalpha() else shown


def _in_one_script(word: re.Match[str]) -> str:
    """A word of two scripts in Latin letters, as far as they look alike; as long as before."""
    shown = word.group()
    is_mixed = _OTHER_SCRIPT.search(shown) and _LATIN_OR_DIGIT.search(shown)
    return shown.translate(_LOOK_ALIKE) if is_mixed else shown


def _clusters(text: str) -> list[tuple[int, int]]:
    """A character with the combining marks after it; carriage return with its line feed."""
    found: list[tuple[int, int]] = []
    begin = 0
    for index in range(1, len(text) + 1):
        if index < len(text) and _continues(text[index - 1], text[index]):
            continue
        if index > begin:
            found.append((begin, index))
        begin = index
    return found


def _continues(before: str, char: str) -> bool:
    return bool(unicodedata.combining(char)) or (before == "\r" and char == "\n")


def _plain_cluster(cluster: str) -> str:
    shown = _LEFT_OUT.sub("", cluster)
    if not shown:
        return ""
    if shown[0] == "\r":
        return "\n"
    composed = unicodedata.normalize("NFC", shown)
    return "".join(map(_plain_char, composed))


def _plain_char(char: str) -> str:
    if char.isascii():
        return char.translate(_SAME_LENGTH)
    if "\ud800" <= char <= "\udfff":  # half of a pair, which JSON can hold
        return "\ufffd"
    digit = unicodedata.decimal(char, None)
    if digit is not None:
        return str(digit)
    if "\uff01" <= char <= "\uff5e" or "\U0001d400" <= char <= "\U0001d7ff":
        return unicodedata.normalize("NFKC", char).translate(_SAME_LENGTH)
    return char.translate(_SAME_LENGTH)
