"""Other ways of reading a careless text, sign for sign as long as the text itself: a line broken
inside a number, codes written in small letters. Only rules that know no names read them."""

import re
from collections.abc import Iterator

from parvis.privacy.words import is_never_a_name

_BREAK = re.compile(r"(?<=[\w,.:])\n(?=[\w(+])")
_CODE = re.compile(
    r"(?<![\w@.])[a-z]{1,5}(?=[ \-/]?\d)|(?<=\d)[ \-/]?[a-z]{1,4}(?![\w@])|"
    r"(?<=\d)[a-z]{1,3}(?=\d)|(?<![\w@.])[a-z]{1,3}(?=-[a-z]{1,5}[ \-/]\d)"
)


def find_views(text: str) -> Iterator[str]:
    """The text with its lines joined, and one in small letters with its codes in capitals."""
    if _BREAK.search(text):
        yield _BREAK.sub(" ", text)
    if text.islower() and any(map(str.isdigit, text)):
        yield _CODE.sub(_raised, text)


def _raised(match: re.Match[str]) -> str:
    shown = match.group()
    word = shown.strip(" -/")
    return shown if len(word) > 1 and is_never_a_name(word) else shown.upper()
