"""The one order by which findings that overlap are decided.

1. A typed text of our own placeholder's shape (LITERAL), else it could be read as ours.
2. What an agency allows and what must stay readable (`stoplist`) removes findings inside it:
   allowed words remove any, laws, amounts and offices remove only what no check digit confirms.
3. Between findings: what a rule or model found wins over what only the tagger of kinds believes;
   then the lower number of `RANK`; then the longer; then the surer; then the
   earlier. A finding with right check digits beats everything but LITERAL; a longer one of the
   same kind around it is as sure ("1987 0612 345 67" around eleven digits that are a number too).
4. The loser keeps the part that the winner does not cover, if at least two letters or digits are
   left: nothing personal becomes readable because two rules disagreed.
5. A name takes the initials beside it and a first name right after it, and loses an office it
   runs into ("Anna vun der CNS"). A street or school named after a person is nobody's name.
6. Neighbours of one kind (PERSON, ADDRESS) with nothing but spaces between become one.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from parvis.privacy.entities import LEARNED, Label
from parvis.privacy.recognizers.announced import is_number_word
from parvis.privacy.stoplist import find_honoured
from parvis.privacy.words import FIRST_NAMES, PARTICLES, fold_name, is_never_a_name

CHECKED_SCORE = 0.95
RANK: dict[Label, int] = {
    Label.LITERAL: 0,
    Label.URL: 2,
    Label.SECRET: 3,
    Label.EMAIL: 3,
    Label.IBAN: 3,
    Label.CREDIT_CARD: 3,
    Label.DATE_OF_BIRTH: 4,
    Label.NATIONAL_ID: 5,
    Label.TAX_ID: 5,
    Label.HEALTH_INSURANCE_ID: 5,
    Label.PASSPORT: 5,
    Label.DRIVING_LICENCE: 5,
    Label.IP_ADDRESS: 6,
    Label.MAC_ADDRESS: 6,
    Label.COORDINATES: 6,
    Label.PHONE: 7,
    Label.CASE_NUMBER: 8,
    Label.LICENSE_PLATE: 9,
    Label.ADDRESS: 10,
    Label.LOCATION: 11,  # only ever after a cue, so surer than a model's name
    Label.PERSON: 12,
}
_INITIALS_BEFORE = re.compile(
    r"(?<![\w.'])(?:(?!M\. \Z)(?:[A-ZÀ-Þ]\.[ \-]?|(?:Ch|Ph|Th|Ed|Jos|Chr)\. ){1,3}|[B-HJ-LN-Z] )\Z"
)
_INITIAL_AFTER = re.compile(r",? [A-ZÀ-Þ]\.(?:[ ]?[A-ZÀ-Þ]\.)?(?=[\s,;:)(]|$)")
# "L 081 447 92", "GWF 0711 44 982": letters that belong to the number behind them
_LETTERS_BEFORE = re.compile(r"(?<![^\W_])(?<![.\-/'§+])(?P<letters>[A-Z]{1,3})[ ]\Z")
_LETTERED = frozenset({Label.CASE_NUMBER, Label.PASSPORT, Label.LICENSE_PLATE, Label.NATIONAL_ID})
_NO_LETTERS = frozenset(
    "id no nr az gz zl rg nir chi nhs ni nin tin bsn kv rv pv vs ahv avs svn ssn".split()
)
_NAME_AFTER = re.compile(r" ([A-ZÀ-Þ][^\W\d_]+)(?!['\-]?\w)(?!\.?[ ]\d)")
_OFFICE_AFTER = re.compile(
    r"[ ](?:du|de la|de l'|de|von der|vom|vun der|vum|from|of|der|bei der|beim|op der)"
    r" ?(?:[A-ZÀ-Þ]{2,6}|Caritas|Croix-Rouge|Diakonie|Police|Polizei|Gemeng|Mairie)\Z"
)
_ENDS_IN_INITIAL = re.compile(r"[ \-.][A-ZÀ-Þ]\.\Z")
_NAME_WORD = re.compile(r"[^\W\d_][^\s/|;:]*")
_LEAST_BESIDE = 4
_LEARNED_RANK = 100
_BELIEVED = frozenset({"rampart_name", "tagged_name", "known_name", LEARNED})
_HOMES = frozenset({"town_cue", "home_street", "home_field"})
_LONGEST_ACRONYM = 5
_CHECKED_RANK = 1
_LEAST_LEFT = 2
_STOPPED = frozenset(
    {
        Label.PERSON,
        Label.LOCATION,
        Label.ADDRESS,
        Label.CASE_NUMBER,
        Label.LICENSE_PLATE,
        Label.PHONE,
        Label.PASSPORT,
        Label.NATIONAL_ID,
        Label.TAX_ID,
        Label.EMAIL,
    }
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found in clean text."""

    start: int
    end: int
    label: Label
    score: float
    source: str


class Cover:
    """Spans united, so that asking about one place costs little however many there are."""

    def __init__(self, spans: Iterable[tuple[int, int]]) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for start, end in sorted(spans):
            if self._ends and start <= self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], end)
            else:
                self._starts.append(start)
                self._ends.append(end)

    def holds(self, start: int, end: int) -> bool:
        """Whether all of it is covered."""
        at = bisect_right(self._starts, start) - 1
        return at >= 0 and end <= self._ends[at]

    def shared(self, start: int, end: int) -> int:
        """How much of it is covered."""
        at = max(0, bisect_right(self._starts, start) - 1)
        total = 0
        while at < len(self._starts) and self._starts[at] < end:
            total += max(0, min(end, self._ends[at]) - max(start, self._starts[at]))
            at += 1
        return total


def resolve(
    text: str,
    findings: Iterable[Finding],
    *,
    readable: Sequence[tuple[int, int]],
    allowed: Sequence[tuple[int, int]],
) -> list[Finding]:
    """Disjoint findings in order of place, by the order above."""
    public, own = Cover(readable), Cover(allowed)
    honoured = Cover(find_honoured(text))
    is_cased = 2 * sum(map(str.islower, text)) > len(text)
    standing = [
        _fitted(text, finding)
        for finding in findings
        if finding.start < finding.end
        and not _is_allowed(finding, own)
        and not _is_readable(finding, public)
        and not _is_honoured(finding, honoured)
        and not (is_cased and _is_acronym(text, finding))
    ]
    taken: list[Finding] = []
    covered = bytearray(len(text))
    for finding in sorted(_as_sure(standing), key=_order):
        for start, end in _free_parts(finding, covered):
            part = _trimmed(text, finding, start, end)
            if part is not None:
                taken.append(part)
                covered[part.start : part.end] = b"\x01" * (part.end - part.start)
    return _merged(text, sorted(taken, key=lambda finding: finding.start))


def _as_sure(findings: list[Finding]) -> list[Finding]:
    """The findings, numbers as sure as a checked one of their kind that begins where they do."""
    checked = {
        (finding.label, finding.start) for finding in findings if finding.score >= CHECKED_SCORE
    }
    return [
        replace(finding, score=max(finding.score, CHECKED_SCORE))
        if finding.label not in _BY_BELIEF and (finding.label, finding.start) in checked
        else finding
        for finding in findings
    ]


def _order(finding: Finding) -> tuple[int, int, float, int]:
    rank = RANK[finding.label] + _LEARNED_RANK * (finding.source == LEARNED)
    if finding.score >= CHECKED_SCORE and finding.label is not Label.LITERAL:
        rank = min(rank, _CHECKED_RANK) if finding.label not in _BY_BELIEF else rank
    return rank, -(finding.end - finding.start), -finding.score, finding.start


_BY_BELIEF = frozenset({Label.PERSON, Label.ADDRESS, Label.LOCATION})


def _is_allowed(finding: Finding, allowed: Cover) -> bool:
    return finding.label is not Label.LITERAL and allowed.holds(finding.start, finding.end)


def _is_readable(finding: Finding, readable: Cover) -> bool:
    # found only where somebody is said to live, whatever else bears the name
    if (finding.label not in _STOPPED and finding.source != LEARNED) or finding.source in _HOMES:
        return False
    if finding.label in _BY_BELIEF or finding.source == LEARNED:
        # a model's span often reaches a word beyond the law or office it took for a name
        shared = readable.shared(finding.start, finding.end)
        return shared * 2 > finding.end - finding.start
    return finding.score < CHECKED_SCORE and readable.holds(finding.start, finding.end)


def _is_honoured(finding: Finding, honoured: Cover) -> bool:
    return finding.label is Label.PERSON and honoured.holds(finding.start, finding.end)


def _is_acronym(text: str, finding: Finding) -> bool:
    """A model's belief in a few capitals ("CCAS", "RGN") among words that are written small."""
    shown = text[finding.start : finding.end]
    return (
        finding.source in _BELIEVED
        and finding.label is Label.PERSON
        and len(shown) <= _LONGEST_ACRONYM
        and shown.isalpha()
        and shown.isupper()
        and fold_name(shown) not in FIRST_NAMES
    )


def _fitted(text: str, finding: Finding) -> Finding:
    """A name with its initials and without an office, a number with the letters before it."""
    if finding.label in _LETTERED:
        return replace(finding, start=_lettered(text, finding))
    if finding.label is not Label.PERSON:
        return finding
    start, end = _within_offices(text, finding.start, finding.end)
    if not text[start:end].isupper():
        office = _OFFICE_AFTER.search(text, start, end)
        end = office.start() if office and office.start() > start else end
    if text[start].isupper():
        initials = _INITIALS_BEFORE.search(text, max(0, start - 12), start)
        start = initials.start() if initials else start
        following = _NAME_AFTER.match(text, end)
        if following and fold_name(following[1]) in FIRST_NAMES:
            end = following.end()
        initial = _INITIAL_AFTER.match(text, end) if " " not in text[start:end] else None
        end = initial.end() if initial else end
    # "@Marie": a placeholder behind the sign would look like an address and never be restored
    if text[start - 1 : start] == "@" and not text[max(0, start - 2) : start - 1].isalnum():
        start -= 1
    return replace(finding, start=start, end=end)


def _lettered(text: str, finding: Finding) -> int:
    before = _LETTERS_BEFORE.search(text, max(0, finding.start - 6), finding.start)
    if before is None or not text[finding.start].isdigit() or finding.score >= CHECKED_SCORE:
        return finding.start
    letters = before["letters"]
    if len(letters) > 1 and (
        finding.label is Label.NATIONAL_ID
        or letters.casefold() in _NO_LETTERS
        or is_number_word(letters)
        or is_never_a_name(letters)
    ):
        return finding.start
    return before.start()


def _within_offices(text: str, start: int, end: int) -> tuple[int, int]:
    """A name without words at its ends that are never one: "Schoffen Bemelmans"."""
    words = list(_NAME_WORD.finditer(text, start, end))
    while len(words) > 1 and _is_beside_names(words[0].group()):
        words.pop(0)
        start = words[0].start()
    while len(words) > 1 and _is_beside_names(words[-1].group()):
        words.pop()
        end = words[-1].end()
    return start, end


def _is_beside_names(word: str) -> bool:
    return (
        len(word) >= _LEAST_BESIDE
        and is_never_a_name(word)
        and fold_name(word) not in FIRST_NAMES
        and fold_name(word) not in PARTICLES
    )


def _free_parts(finding: Finding, covered: bytearray) -> list[tuple[int, int]]:
    parts: list[tuple[int, int]] = []
    position = finding.start
    while position < finding.end:
        start = covered.find(b"\x00", position, finding.end)
        if start < 0:
            break
        end = covered.find(b"\x01", start, finding.end)
        end = finding.end if end < 0 else end
        parts.append((start, end))
        position = end
    return parts


def _trimmed(text: str, finding: Finding, start: int, end: int) -> Finding | None:
    """The part without spaces and punctuation at its ends; None when too little is left."""
    if (start, end) == (finding.start, finding.end) and finding.label not in _BY_BELIEF:
        shown = text[start:end]
        start += len(shown) - len(shown.lstrip())
        end -= len(shown) - len(shown.rstrip())
        return Finding(start, end, finding.label, finding.score, finding.source)
    while start < end and not text[start].isalnum() and text[start] not in "+([@":
        start += 1
    while (
        end > start
        and not text[end - 1].isalnum()
        and text[end - 1] not in ")]"
        and not _ENDS_IN_INITIAL.search(text, start, end)
    ):
        end -= 1
    if start == end:
        return None
    whole = (start, end) == (finding.start, finding.end)
    is_number = finding.source == LEARNED and finding.label not in _BY_BELIEF
    if not whole and is_number and not any(map(str.isdigit, text[start:end])):
        return None  # words beside a number that a rule found are no number
    if not whole and sum(char.isalnum() for char in text[start:end]) < _LEAST_LEFT:
        return None
    return Finding(start, end, finding.label, finding.score, finding.source)


def _merged(text: str, findings: list[Finding]) -> list[Finding]:
    merged: list[Finding] = []
    for finding in findings:
        last = merged[-1] if merged else None
        if (
            last is not None
            and last.label is finding.label
            and finding.label in (Label.PERSON, Label.ADDRESS)
            and text[last.end : finding.start].strip(
                " " if finding.label is Label.PERSON else " ,\n"
            )
            == ""
        ):
            merged[-1] = Finding(
                last.start, finding.end, last.label, max(last.score, finding.score), last.source
            )
        else:
            merged.append(finding)
    return merged
