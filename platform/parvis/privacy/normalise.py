"""Careless typing made plain before detection, with a way back to the text as it was typed.

Letters of other scripts that look like Latin ones become them inside a word that has Latin letters
or digits. Accents are composed, every kind of space is one space, every dash a hyphen, digits are
ASCII, invisible characters are gone; letters that JSON or HTML write as escapes (`\\u00e9`,
`&eacute;`) are read as what they stand for. No case is changed and nothing is judged here.
"""

import re
import unicodedata
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape

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


# JSON inside a text, once or several times over, and pages of the web
_ESCAPED = re.compile(
    r"(?<!\\)(?P<units>(?:\\++u[0-9a-fA-F]{4})++)|(?<!\\)(?P<sign>\\++[nrt\"])"
    r"|(?P<entity>&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});)"
)
_UNIT = re.compile(r"\\++u([0-9a-fA-F]{4})")
# `C:\Users\nathalie` and `\\server\team`: here a backslash stands for itself
_PATH = re.compile(r"(?:(?<![^\W_])[A-Za-z]:\\|(?<![\w\\])\\{2,4}[^\W_][\w.\-]*+\\)[^\s\"]*+")
_SIGNS = {"n": "\n", "r": "\n", "t": " ", '"': '"'}


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
    if _PLAIN.fullmatch(text) and not _ESCAPED.search(text):
        return CleanText(_MISREAD.sub(_read_right, text.translate(_SAME_LENGTH)))
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for begin, stop, shown in _read(text):
        piece = _plain_cluster(shown)
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


def _read(text: str) -> Iterator[tuple[int, int, str]]:
    """Every cluster with what it says: escaped letters stand for others, the rest for itself."""
    paths = deque(path.span() for path in _PATH.finditer(text))
    position = 0
    for found in _ESCAPED.finditer(text):
        while paths and paths[0][1] <= found.start():
            paths.popleft()
        if found["sign"] and paths and paths[0][0] <= found.start():
            continue
        for begin, stop in _clusters(text[position : found.start()]):
            yield position + begin, position + stop, text[position + begin : position + stop]
        yield from _unescaped(found)
        position = found.end()
    for begin, stop in _clusters(text[position:]):
        yield position + begin, position + stop, text[position + begin : position + stop]


def _unescaped(found: re.Match[str]) -> Iterator[tuple[int, int, str]]:
    if found["units"]:
        yield from _read_units(found)
    else:
        entity = found["entity"]
        yield *found.span(), unescape(entity) if entity else _SIGNS[found[0][-1]]


def _read_units(found: re.Match[str]) -> Iterator[tuple[int, int, str]]:
    """UTF-16 as JSON writes it: two halves of a pair are one character."""
    units = [
        (found.start() + one.start(), found.start() + one.end(), int(one[1], 16))
        for one in _UNIT.finditer(found[0])
    ]
    place = 0
    while place < len(units):
        pair = units[place : place + 2]
        numbers = [number for _, _, number in pair]
        is_pair = len(pair) == 2 and 0xD800 <= numbers[0] < 0xDC00 <= numbers[1] < 0xE000  # noqa: PLR2004
        taken = pair if is_pair else pair[:1]
        code = b"".join(number.to_bytes(2, "big") for _, _, number in taken)
        yield taken[0][0], taken[-1][1], code.decode("utf-16-be", "surrogatepass")
        place += len(taken)


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
