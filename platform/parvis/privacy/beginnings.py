"""With which letters the matches of a pattern can begin, read off the pattern itself.

Every match of `versi?on|release` begins with "versi", "verso" or "relea". Which patterns are then
tried where is `sieve.py`'s affair.
"""

import re
from collections.abc import Iterable
from importlib import import_module
from typing import Any

WIDTH = 5
_MOST, _MOST_CHARS = 2_000, 16
_KEPT = 0x3000  # no text may fill the memory with signs that nobody writes
_parser: Any = import_module("re._parser")
_Nodes = Iterable[tuple[Any, Any]]
_Begun = tuple[set[str], set[str]]


class _Folded(dict[int, str]):
    """One sign for all that a pattern without case may take for the same; all digits are one."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        if char.isdecimal():
            folded = "0"
        elif char.isspace():
            folded = " "
        else:  # to a pattern an i without its dot is an i
            folded = "i" if char == "\u0131" else char.casefold()[:1]
        if code < _KEPT:
            self[code] = folded
        return folded


_FOLDED = _Folded()


def fold(text: str) -> str:
    """The text sign for sign, without what beginnings do not tell: case, kinds of space, digits."""
    return text.translate(_FOLDED)


def find_beginnings(pattern: re.Pattern[str]) -> frozenset[str]:
    """Folded strings with one of which every match begins; none when anything may begin one."""
    kept: set[str] = set()
    for begun in sorted(set().union(*_begin(_parse(pattern))), key=len):
        if not any(begun[:end] in kept for end in range(len(begun) + 1)):
            kept.add(begun)
    return frozenset() if "" in kept else frozenset(kept)


def is_after_no_word(pattern: re.Pattern[str]) -> bool:
    """Whether no match begins right behind a letter or digit."""
    return _is_guarded(_parse(pattern))


def _parse(pattern: re.Pattern[str]) -> Any:
    return _parser.parse(pattern.pattern, pattern.flags)


def _is_guarded(nodes: _Nodes) -> bool:
    for kind, content in nodes:
        name = str(kind)
        if name == "BRANCH":
            return all(map(_is_guarded, content[1]))
        if name == "SUBPATTERN":
            return _is_guarded(content[-1])
        if name != "ASSERT_NOT":
            return False
        direction, inner = content
        if direction < 0 and [str(one) for one, _ in inner] == ["IN"]:
            if _holds_words([(str(one), str(value)) for one, value in inner[0][1]]):
                return True
    return False


def _holds_words(signs: list[tuple[str, str]]) -> bool:
    """Whether all letters and digits are of this class."""
    if signs[0][0] == "NEGATE":
        return set(signs[1:]) <= {("CATEGORY", "CATEGORY_NOT_WORD"), ("LITERAL", str(ord("_")))}
    return ("CATEGORY", "CATEGORY_WORD") in signs


def _begin(nodes: _Nodes) -> _Begun:
    """With what every match of these begins: strings that are whole, strings that may go on."""
    whole, cut = {""}, set[str]()
    for kind, content in nodes:
        more, ends = _begin_one(str(kind), content)
        cut |= {(before + end)[:WIDTH] for before in whole for end in ends}
        whole = {before + after for before in whole for after in more}
        cut |= {begun[:WIDTH] for begun in whole if len(begun) >= WIDTH}
        whole = {begun for begun in whole if len(begun) < WIDTH}
        if not whole or len(whole) + len(cut) > _MOST:
            break
    return whole, cut


def _begin_one(name: str, content: Any) -> _Begun:
    if name == "LITERAL":
        return {_FOLDED[content]}, set()
    if name == "IN":
        return _begin_class(content)
    if name == "BRANCH":
        ways = [_begin(way) for way in content[1]]
        return set().union(*(way[0] for way in ways)), set().union(*(way[1] for way in ways))
    if name == "SUBPATTERN":
        return _begin(content[-1])
    if name.endswith("_REPEAT"):
        return _begin_repeated(*content)
    # a look around takes no sign; of anything else any sign may come
    return ({""}, set()) if name in ("AT", "ASSERT", "ASSERT_NOT") else (set(), {""})


def _begin_repeated(least: int, most: int, content: Any) -> _Begun:
    whole, cut = _begin(list(content) * max(1, min(least, WIDTH)))
    if most > max(1, least):
        whole, cut = set(), cut | whole
    return (whole | {""} if least == 0 else whole), cut


def _begin_class(content: _Nodes) -> _Begun:
    """The signs of a class, unless they are too many to tell or it says what it is not."""
    found: set[str] = set()
    for kind, value in content:
        if str(kind) == "LITERAL":
            found.add(_FOLDED[value])
        elif str(kind) == "RANGE":
            found |= {_FOLDED[code] for code in range(value[0], value[1] + 1)}
        elif str(value) in ("CATEGORY_DIGIT", "CATEGORY_SPACE"):
            found.add("0" if str(value) == "CATEGORY_DIGIT" else " ")
        else:
            return set(), {""}
    return (found, set()) if len(found) <= _MOST_CHARS else (set(), {""})
