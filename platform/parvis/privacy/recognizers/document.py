"""Passports, identity cards, driving licences: by cue, check digit, machine-readable lines."""

import re
from collections.abc import Iterable, Iterator

from parvis.privacy.entities import Label
from parvis.privacy.recognizers.base import (
    CHECKED,
    CUED,
    SURE,
    Hit,
    RuleRecognizer,
    cue,
    is_cued,
    signs_of,
)

_MRZ = re.compile(r"(?<![\w<])[A-Z0-9<]{28,44}(?:[ \n]{1,2}[A-Z0-9<]{28,44}){0,2}(?![\w<])")
_VALUE = re.compile(
    r"(?<![\w])(?=(?:[ \-.\n]?\w){6,20})(?:(?-i:[A-Z]{1,3})[ \-]?)?(?=[A-Z]*\d)[A-Z0-9]{2,16}"
    r"(?:[ \-.\n](?=[A-Z]*\d)[A-Z0-9]{1,9}){0,4}(?![\w])",
    re.IGNORECASE,
)
_LONE_GERMAN = re.compile(r"(?<![\w])[CFGHJKLMNPRTVWXYZ][CFGHJKLMNPRTVWXYZ0-9]{8}\d?D?(?![\w])")
_PASSPORT = cue(
    r"passeport|reisepass|pass-?(?:nummer|nr)|passport(?: number| no)?|reisepassnummer|pass|"
    r"num[eé]ro de passeport|reesepass|travel document|titre de voyage"
)
_CARD = cue(
    r"carte (?:nationale )?d'identit[eé]|cni|cin|pi[eè]ce d'identit[eé]|titre de s[eé]jour|"
    r"carte de s[eé]jour|personalausweis(?:nummer|-?nr)?|ausweis(?:nummer|-?nr)?|"
    r"identit[aä]tskaart|identiteitskaart|identitéitskaart|osobn[ií] doklad|dow[oó]d osobisty|"
    r"cart[aã]o de cidad[aã]o|carta d'identit[aà]|documento nacional de identidad|"
    r"aufenthaltstitel|identity card|id card|id-?(?:nummer|number)|residence permit|"
    r"aufenthaltsgenehmigung|cartë? d'identité"
)
_LICENCE = cue(
    r"permis de conduire|permis|f[uü]hrerschein(?:nummer|-?nr)?|fahrerlaubnis|driv(?:ing|er's)"
    r" licen[cs]e(?: number| no)?|f[uü]erschäin|fuerschäin|führerschäin"
)
_CUES = (
    (_CARD, Label.NATIONAL_ID, "identity_card_cue"),
    (_PASSPORT, Label.PASSPORT, "passport_cue"),
    (_LICENCE, Label.DRIVING_LICENCE, "driving_licence_cue"),
)
_WEIGHTS = (7, 3, 1)
_LETTERS_BEFORE = 3
_FILLERS, _SHORTEST_LINE = 3, 30


class DocumentRecognizer(RuleRecognizer):
    """Numbers printed on documents that a person carries."""

    labels = (Label.PASSPORT, Label.NATIONAL_ID, Label.DRIVING_LICENCE)

    def find(self, text: str) -> Iterable[Hit]:
        """Machine-readable lines, checked German numbers, and what stands after a cue."""
        for match in _MRZ.finditer(text):
            if "<<" in match.group() and is_mrz(match.group()):
                is_checked = is_checked_mrz(match.group())
                score, rule = (CHECKED, "mrz") if is_checked else (SURE, "mrz_form")
                yield Hit(match.start(), match.end(), Label.PASSPORT, score, rule)
        for match in _LONE_GERMAN.finditer(text):
            if is_german_document(match.group()):
                yield Hit(match.start(), match.end(), Label.NATIONAL_ID, CUED, "de_document")
        yield from self._cued(text)

    def _cued(self, text: str) -> Iterator[Hit]:
        if not any(words.may_stand_in(text) for words, _, _ in _CUES):
            return
        for match in _VALUE.finditer(text):
            for words, label, rule in _CUES:
                if is_cued(text, match.start(), words):
                    end = _last_with_digit(text, match.start(), match.end())
                    if end:
                        yield Hit(match.start(), end, label, CUED, rule)
                        break


def _last_with_digit(text: str, start: int, end: int) -> int | None:
    """The end of the last part that is no ordinary word; None when the first part already is."""
    stop = None
    for part in re.finditer(r"[^ ]+", text[start:end]):
        shown = part.group()
        if not any(char.isdigit() for char in shown) and (
            stop is not None or len(shown) > _LETTERS_BEFORE or shown.islower()
        ):
            break
        if re.fullmatch(r"\d{1,2}\.\d{1,2}\.\d{2,4}", shown):
            break
        stop = start + part.end()
    if stop is None or sum(char.isalnum() for char in text[start:stop]) < 6:  # noqa: PLR2004
        return None
    return stop if any(char.isdigit() for char in text[start:stop]) else None


def check_digit(signs: str) -> int:
    """ICAO 9303 part 3, 4.9: weights 7 3 1, letters from 10, the filler 0."""
    return sum((0 if s == "<" else int(s, 36)) * _WEIGHTS[i % 3] for i, s in enumerate(signs)) % 10


def is_german_document(text: str) -> bool:
    """Identity card or passport number with its check digit (PAuswV annex; ICAO 9303)."""
    signs = signs_of(text).removesuffix("D")
    if len(signs) != 10 or not signs[9].isdigit() or not any(c.isdigit() for c in signs[:9]):  # noqa: PLR2004
        return False
    return check_digit(signs[:9]) == int(signs[9])


def is_mrz(text: str) -> bool:
    """Lines of a travel document (ICAO 9303): right lengths, and filler signs."""
    lines = text.split()
    lengths = [len(line) for line in lines]
    if lengths in ([44, 44], [36, 36], [30, 30, 30]):
        return True
    return (
        any(line[:1] in "PIACV" and line.count("<") >= _FILLERS for line in lines)
        and max(lengths) >= _SHORTEST_LINE
    )


# where number, date of birth and date of expiry stand, each before its check digit: line, from, to
_FIELDS = {
    (44, 44): ((1, 0, 9), (1, 13, 19), (1, 21, 27)),
    (36, 36): ((1, 0, 9), (1, 13, 19), (1, 21, 27)),
    (30, 30, 30): ((0, 5, 14), (1, 0, 6), (1, 8, 14)),
}


def is_checked_mrz(text: str) -> bool:
    """Whether number, birth and expiry of machine-readable lines have right check digits
    (ICAO 9303 parts 4 to 6: passports, two-line and three-line cards)."""
    lines = text.split()
    fields = _FIELDS.get(tuple(map(len, lines)))
    return fields is not None and all(
        lines[line][end].isdigit() and check_digit(lines[line][start:end]) == int(lines[line][end])
        for line, start, end in fields
    )
