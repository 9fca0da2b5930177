"""File, case, customer and staff numbers of a person: only after a cue, by shape."""

import re
from collections.abc import Iterable, Iterator

from parvis.privacy.entities import Label
from parvis.privacy.recognizers.announced import (
    Announced,
    Kind,
    is_number_word,
    is_public_form,
    is_ticket_form,
    read_announced,
)
from parvis.privacy.recognizers.base import CUED, LIKELY, Hit, RuleRecognizer
from parvis.privacy.sieve import Sieve
from parvis.privacy.words import is_never_a_name, past_small_word

_DATE_FORM = re.compile(r"\d{1,4}[./\-]\d{1,2}[./\-]\d{1,4}")
_PART = r"(?=[\w/.\-*_]*\d)[^\W_]+(?:[./\-*_]{1,2}[^\W_]+)*"
_VALUE = re.compile(
    rf"(?<![\w/.\-])(?:(?-i:[IVX]{{1,4}}|Z)[ ](?:(?-i:[A-Z])[ ])?\d{{1,2}}[ ][\-–][ ])?"
    rf"(?:(?-i:[A-Z]{{1,5}})[ ](?=(?:(?-i:[A-Z]{{1,3}})[ ])?[\w/.\-]*\d)|"
    rf"[A-Z]{{1,6}}[ ]?[/\-][ ]?(?=\d))?(?:(?-i:[A-Z]{{1,3}})"
    rf"[ ])?{_PART}(?:[ ](?:(?:(?-i:[A-Z]{{1,3}})|[a-z])[ ](?=\d))?{_PART}|"
    rf"\n(?=\d){_PART}){{0,4}}(?:[ ](?-i:[A-Z])(?![\w'])|[ ]of[ ]\d{{1,2}}/\d{{1,2}}/\d{{2,4}}|"
    rf"[ ](?-i:[A-ZÄÖÜ][a-zäöü])(?=[,;)\n]|\.?\Z))?",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"(?:(?:du|vom|of|vum|le|am|den) )?\d{1,2}[./]\d{1,2}[./](?:19|20)?\d\d|(?:19|20)"
    r"\d\d-\d\d-\d\d|(?:19|20)\d\d"
)
_CURRENCY = re.compile(r"(?:[.,]\d\d)?[ ]?(?:€|%|£|eur(?:os?)?\b|chf\b)", re.IGNORECASE)
_FIRST_WORD = re.compile(r"([^\W\d_]+)[ ]")
_LEAST_WORD = 3
_SHORT_CUES = frozenset(("id", "no", "nr"))
_LEAST, _LEAST_BARE, _LEAST_DIGITS, _LEAST_OF_SOMETHING, _LEAST_ALONE = 3, 4, 4, 5, 7
# years of a school or a budget, round the clock, thousands
_NO_NUMBER = re.compile(r"(?:19|20)\d\d[/\-](?:(?:19|20)?\d\d)|\d{1,2}/\d{1,2}|\d{1,2}[h:]\d\d")
_AMOUNT = re.compile(r"(?:[^\W\d_]+ )?\d{1,3}(?:[ .]\d{3})*|\d+\.\d\d?")
_LETTER_AND_DIGITS = re.compile(r"[A-Z]{1,3}\d{6,}[A-Z]?|\d{6,}[A-Z]{1,2}", re.IGNORECASE)
# "AB-2026/1234", "E1/418.772/2025"
_SUBJECT_CODE = re.compile(r"(?=.*[/\-])(?=.*[A-ZÄÖÜ])\w{1,9}(?:[.\-/ ]\w{1,8}){1,4}")
# the registers of German courts ("3 C 871/26", "5 K 1187/26.TR") and of offices with a year
_COURT_FILE = Sieve(
    r"(?<![\w/.§])(?<!Art\. )\d{1,4} [A-Z][A-Za-z]{0,3}"
    r"(?: \d{1,4} [A-Z][a-z]{0,3})? \d{1,6}/\d\d(?:\.[A-Za-z]{1,2}(?!\w))?(?![\w/])"
    r"(?: [A-Z](?=[.,;)\n]|\Z))?"
)
_DATED_FILE = re.compile(
    r"(?<![\w/.\-])[A-Z]{1,5}[\-/](?:[A-Z]{1,5}[\-/])?(?:20)?\d\d[\-/](?:[A-Z]{1,4}[\-/])?\d{3,8}"
    r"(?:[\-/][A-Z0-9]{1,3})?(?![\w/\-])"
)
# "L-TRAV-112/26", "BK-448-201-77", "51-3-88/26": three parts at least, or the year behind
_PARTED_FILE = re.compile(
    r"(?<![\w/.,\-§+])(?:[A-Z]{1,6}[\-/ ])?(?:[A-Z]{1,6}|\d{1,6})(?:[.\-/][A-Z]{0,4}\d{1,6}){1,3}/"
    r"(?:20)?[12]\d(?:[\-/.][A-Z0-9]{1,3})?(?![\w/\-€%])"
    r"|(?<![\w/.,\-§+])[A-Z]{2,5}/\d{6,8}(?![\w/\-])"
    r"|(?<![\w/.,\-§+])[A-Z]{2,6}(?:-\d{2,6}){2,4}(?:-[A-Z]{1,2})?(?![\w/\-])"
)
# the registers of guardianship and family courts: always one person's
_GUARDIANSHIP = re.compile(r"\d{1,4} (?:XVI{1,3}|X) \d")
_COURT_BEFORE = re.compile(
    r"(?<!\w)(?:BGH|BVerf\w+|BVerwG|BSG|BAG|BFH|Bundes\w+gericht\w*|EuGH|EuG|OLG|OVG|VGH|"
    r"VwGH|VfGH|OGH|VG|LG|AG|LSG|SG|FG|entschieden|entscheidung|rechtsprechung|rspr|nachpr[uü]fungs\w+|"
    r"vergabe\w*|urteil|arr[eê]t|jugement|judgment|beschluss|urt\.|beschl\.)"
    r"\W(?:[^\n;.]|\.(?=\d|[ ]\d)){0,40}\Z",
    re.IGNORECASE,
)


_FORMS = (
    (_COURT_FILE, "court_file"),
    (_DATED_FILE, "dated_file"),
    (_PARTED_FILE, "parted_file"),
)


class CaseRecognizer(RuleRecognizer):
    """A value with digits right after "dossier", "Az.", "Kassenzeichen", "case number"..."""

    labels = (Label.CASE_NUMBER,)

    def find(self, text: str) -> Iterable[Hit]:
        """Every number of a file that concerns a person."""
        is_capital = text.isupper()
        for match in _VALUE.finditer(text):
            value = match.group().rstrip("./-")
            if sum(char.isalnum() for char in value) < _LEAST or _DATE.fullmatch(value):
                continue
            value = _without_amount(text, _without_date(value), match.start())
            end = match.start() + len(value)
            for start in _starts(value, match.start(), is_capital=is_capital):
                rule = _rule(text[start:end], read_announced(text, start))
                if rule:
                    score = CUED if rule == "case_cue" else LIKELY
                    yield Hit(start, end, Label.CASE_NUMBER, score, rule)
                    break
        for pattern, rule in _FORMS:
            for match in pattern.finditer(text):
                if not _is_public(text, match):
                    yield Hit(*match.span(), Label.CASE_NUMBER, LIKELY, rule)


def _rule(value: str, announced: Announced) -> str | None:
    """The rule by which a number is a person's file's; None when it is not known to be one."""
    kind, digits = announced.kind, sum(map(str.isdigit, value))
    if kind is Kind.THING or (_NO_NUMBER.fullmatch(value) and not announced.is_called):
        return None
    if kind is Kind.FILE and not is_ticket_form(value) and _is_file(value, announced, digits):
        return "case_cue"
    if kind is Kind.WEAK and (announced.is_called or _LETTER_AND_DIGITS.fullmatch(value)):
        return "case_cue"
    if kind is Kind.FILE or is_public_form(value):
        return None
    if kind is Kind.SUBJECT and not announced.is_number:
        return "subject_code" if _SUBJECT_CODE.fullmatch(value) and digits >= _LEAST else None
    return "number_of_something" if _is_of_something(value, announced, digits) else None


def _is_file(value: str, announced: Announced, digits: int) -> bool:
    """Whether it is what a file's word announces: anything right behind "Akte Nr.", but only what
    looks like a file's number when it is not called one or other words stand between."""
    if announced.is_far:
        return _is_code(value, digits)
    signs = sum(map(str.isalnum, value))
    is_long = signs >= _LEAST_BARE and (digits >= _LEAST or signs >= _LEAST_ALONE)
    return announced.is_called or is_long


def _is_of_something(value: str, announced: Announced, digits: int) -> bool:
    signs = sum(map(str.isalnum, value))
    return (
        announced.is_number
        and (announced.is_named or announced.kind is Kind.SUBJECT)
        and not _DATE_FORM.match(value)
        and signs >= _LEAST_OF_SOMETHING
        and digits >= _LEAST_DIGITS
    )


def _is_code(value: str, digits: int) -> bool:
    """Whether it looks like a file's number by itself: long, or of several kinds of signs."""
    is_mixed = not value.isdigit() and not _AMOUNT.fullmatch(value)
    return digits >= _LEAST_ALONE or (digits >= _LEAST_DIGITS and is_mixed)


def _is_public(text: str, match: re.Match[str]) -> bool:
    before = text[max(0, match.start() - 60) : match.start()]
    if _GUARDIANSHIP.match(match.group()):
        return False
    return bool(
        is_public_form(match.group())
        or _DATE_FORM.fullmatch(match.group(), past_small_word(match.group(), 0))
        or _COURT_BEFORE.search(before)
        or read_announced(text, match.start()).kind is Kind.THING
    )


def _starts(value: str, start: int, *, is_capital: bool) -> Iterator[int]:
    """The start, and what follows its first words: they may be the cue ("REF PP-55210")."""
    at = 0
    while word := _FIRST_WORD.match(value, at):
        shown = word[1]
        if not _is_cue(shown):
            if not is_capital or past_small_word(value, at) == at:
                yield start + at
        at = word.end()
    yield start + at


def _is_cue(word: str) -> bool:
    """Whether it only says that a number follows, or of what: "ID", "dossier", "CAF"."""
    if len(word) < _LEAST_WORD:
        return word.casefold() in _SHORT_CUES
    return is_never_a_name(word) or is_number_word(word)


def _without_amount(text: str, value: str, start: int) -> str:
    """The value without an amount that follows it ("P-44 98 €")."""
    head, _, _ = value.rpartition(" ")
    is_amount = _CURRENCY.match(text, start + len(value)) is not None
    return head if head and is_amount else value


def _without_date(value: str) -> str:
    """The value without a date that follows it ("4711 12.03.2024")."""
    parts = value.split(" ")
    while len(parts) > 1 and _DATE.fullmatch(parts[-1]) and "." in parts[-1]:
        parts.pop()
    return " ".join(parts)
