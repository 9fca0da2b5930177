"""Once a name or number is known, it is found again wherever it stands, however it is written."""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from parvis.privacy.conflicts import Finding
from parvis.privacy.entities import Label
from parvis.privacy.recognizers.lexicon import is_word
from parvis.privacy.words import PARTICLES, is_never_a_name

_LEAST_NAME = 3
_LEAST_VALUE = 4
_SCORE = 0.7
_NAME_PART = re.compile(r"[^\W\d_]+(?:['\-][^\W\d_]+)*")
# "der Stein-Junge", "die Kaya-Kinder"
_HOUSEHOLD = re.compile(
    r"(?P<name>[^\W\d_]{3,30})-(?:Junge[n]?|Bub|Mädchen|Tochter|Sohn|Kind|Kinder|Eltern|Familie|Brüder|"
    r"Schwestern|Leute|Zwillinge|Jong|Jongen|Meedchen|Kanner|Elteren|boys?|girls?|family|kids|twins)"
)
_KEPT_APART = frozenset({Label.LITERAL, Label.LOCATION, Label.PERSON, Label.ADDRESS})
_MOST = 2_000
_SITE = re.compile(
    r"(?<![\w@.\-])(?:https?://|www\.)[^\s<>\"'@]{3,300}"
    r"|(?<![\w@.\-/])(?:[^\W_][\w\-]{0,60}\.){1,4}(?:[a-z]{2,12}/[^\s<>\"'@]{1,200}"
    r"|(?:com|net|org|info|blog|me|io|dev|page|site|online|example|eu|lu|fr|de|be|ch|at|uk|ie|nl|it|es|"
    r"pt)(?![\w@.\-]))",
    re.IGNORECASE,
)
_SITE_PART = re.compile(r"[^\W\d_]{3,40}")
_PUBLIC_SITE = re.compile(
    r"\.gouv\.|\.gov\.|\.public\.|\.etat\.|\.admin\.ch|guichet|bund\.de|stadt|gemeinde|mairie|ville|"
    r"council|europa\.eu",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Known:
    """What was found so far: names as their parts, other values as they stood (clean text)."""

    names: frozenset[str]
    values: frozenset[tuple[Label, str]]


def learn(text: str, findings: Iterable[Finding]) -> Known:
    """The names and values among these findings that may be looked for elsewhere."""
    names: set[str] = set()
    values: set[tuple[Label, str]] = set()
    for finding in findings:
        shown = text[finding.start : finding.end]
        if finding.label is Label.PERSON:
            names.update(_parts(shown))
        elif finding.label not in _KEPT_APART and len(shown) >= _LEAST_VALUE:
            values.add((finding.label, shown))
    return Known(frozenset(names), frozenset(values))


def find_again(text: str, known: Known, taken: Collection[Finding]) -> Iterator[Finding]:
    """Every further place of what is known, outside what is already found."""
    covered = bytearray(len(text))
    for finding in taken:
        covered[finding.start : finding.end] = b"\x01" * (finding.end - finding.start)
    yield from _sites_again(text, known.names)
    for finding in (*_names_again(text, known.names), *_values_again(text, known.values)):
        if not any(covered[finding.start : finding.end]):
            yield finding


def _sites_again(text: str, names: frozenset[str]) -> Iterator[Finding]:
    """Web addresses that bear a known name ("jmootz.example", "/tafel/klotz"), whole."""
    if not names:
        return
    for match in _SITE.finditer(text):
        site = match.group().rstrip(".,;:!?)")
        parts = [part.casefold() for part in _SITE_PART.findall(site)]
        if not _PUBLIC_SITE.search(site) and any(_bears(part, names) for part in parts):
            yield Finding(match.start(), match.start() + len(site), Label.URL, _SCORE, "known_site")


def _bears(part: str, names: frozenset[str]) -> bool:
    """Whether it is a known name, with another one or an initial at either end."""
    if len(part) < _LEAST_VALUE or part in names:
        return part in names
    ends = (part[1:], part[:-1])
    return any(len(end) >= _LEAST_VALUE and end in names for end in ends) or any(
        part[:cut] in names and part[cut:] in names for cut in range(_LEAST_NAME, len(part) - 2)
    )


def _parts(name: str) -> Iterator[str]:
    for match in _NAME_PART.finditer(name):
        part = match.group()
        plain = part.casefold()
        if len(plain) >= _LEAST_NAME and plain not in PARTICLES and not is_never_a_name(part):
            yield plain


def _names_again(text: str, names: frozenset[str]) -> Iterator[Finding]:
    """A part of a known name, also in capitals, in the genitive, and in small letters where it is
    no word."""
    if not names:
        return
    for match in _NAME_PART.finditer(text):
        shown = match.group()
        household = _HOUSEHOLD.fullmatch(shown)
        shown = household["name"] if household else shown
        length = _known_length(shown, names)
        if length and (shown[0].isupper() or _is_name_only(shown[:length])):
            start = match.start()
            yield Finding(start, start + length, Label.PERSON, _SCORE, "known_name")


def _is_name_only(shown: str) -> bool:
    """Whether a known name in small letters can be nothing else: "khadijah", not "rose"."""
    return len(shown) > _LEAST_NAME and not is_word(shown)


def _known_length(shown: str, names: frozenset[str]) -> int:
    plain = shown.casefold()
    if len(plain) != len(shown):
        return len(shown) if plain in names else 0
    for ending in ("", "s", "'s", "'", "ns", "'en", "en"):
        stem = plain.removesuffix(ending) if ending else plain
        if plain.endswith(ending) and stem in names:
            return len(stem)
    return 0


def _values_again(text: str, values: frozenset[tuple[Label, str]]) -> Iterator[Finding]:
    for label, value in sorted(values, key=lambda pair: -len(pair[1]))[:_MOST]:
        start = text.find(value)
        while start >= 0:
            end = start + len(value)
            if not (text[start - 1 : start].isalnum() or text[end : end + 1].isalnum()):
                yield Finding(start, end, label, _SCORE, "known_value")
            start = text.find(value, end)
