"""Homes in forms: what a label with a colon announces ("Rue :", "PLZ/Ort:", "Place of birth:").

A label that may as well head the page of an office ("Ort:", "Town:") counts only beside another
field that asks about a person.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from parvis.privacy.entities import Label
from parvis.privacy.recognizers.places import (
    is_office_address,
    is_office_word,
    line_style,
)
from parvis.privacy.sieve import Sieve

_COLON = re.compile(r"[ ]?:[ ]{0,4}(?=\S)")
_LABEL_BEFORE = re.compile(r"(?:^|[\n;|,(•>\t]|[.!?] |- )[ ]{0,4}(?P<label>[^\n;|:>\t]{2,45})\Z")
_VALUE = re.compile(r"[^\n;|\t]{2,110}")
_REACH = 60
_TOWN_LABEL = re.compile(
    r"(?:lieu|ville|commune|localit[eé]|pays et ville)(?: (?:de|du|d'))? ?(?:naissance|"
    r"r[eé]sidence|"
    r"domicile)|n[eé](?:e|\(e\)|·e)? (?:à|a)|domicili[eé](?:e|\(e\))? (?:à|a)|r[eé]sidence|"
    r"(?:wohn|geburts|heimat)ort|wohnsitz|(?:wunn|gebuerts)uert|gebuertsplaz|"
    r"(?:place|town|city|village) of (?:birth|residence|origin)|birth ?place|home ?town|lives in",
    re.IGNORECASE,
)
_WEAK_TOWN_LABEL = re.compile(
    r"ville|commune|localit[eé]|ort|stadt|gemeinde|gemeng|uertschaft|uert|town|city|post ?town|"
    r"village|(?:ville|town|city|ort)[ /]+(?:ort|town|city|ville|village)|ort(?:steil)?",
    re.IGNORECASE,
)
_CODE_LABEL = re.compile(
    r"(?:code postal|c\.?p\.?|postleitzahl|plz|post ?code|eircode|postcode)"
    r"(?:[ /,\-]*(?:et |and |und |an )?(?:ville|localit[eé]|commune|(?:wohn)?ort|town|city|uert|"
    r"uertschaft))?",
    re.IGNORECASE,
)
_STREET_LABEL = re.compile(
    r"(?:rue|voie|stra(?:ß|ss)e|strooss|street|address line ?1?|straat)"
    r"(?:[ /,.&\-]*(?:et |and |und |an )?(?:n[°ºor.]{0,2}|num[eé]ro|nummer|number|no\.?|nr\.?|"
    r"haus-?(?:nummer|nr\.?)|hs\.? ?-?nr\.?|house ?(?:number|no\.?)?))?",
    re.IGNORECASE,
)
_ADDRESS_LABEL = re.compile(
    r"(?:[\w.'\-]+ ){0,2}(?:(?:post|wohn|liefer|melde|privat)?(?:adresse?|anschrift)|address|"
    r"domicile|dom\.|demeurant|wohnhaft|wohnh\.|wunnhaft|doheem|wunneng)(?: [\w.'\-]+){0,4}",
    re.IGNORECASE,
)
_OTHER_ADDRESS = re.compile(
    r"(?<!\w)(?:e-?mail|mail|m[eé]l|courriel|ip|mac|web|internet|url|[eé]lectronique|site|"
    r"subject|objet|memory|employeur|arbeitgeber|employer|firma|soci[eé]t[eé]|company)(?!\w)",
    re.IGNORECASE,
)
_PERSONAL = re.compile(
    r"(?<!\w)(?:pr[eé]noms?|noms?|(?:vor|nach|familien)name|name|surname|forename|virnumm|numm|"
    r"n[eé]e?(?:\(e\))? le|naissance|geb(?:oren|urtsdatum|\.)?|gebuer\w*|born|dob|date of birth|"
    r"matricule|sexe|geschlecht|rue|stra(?:ß|ss)e|strooss|street|adresse?|anschrift|address|plz|"
    r"code postal|cp|postcode|t[eé]l(?:[eé]phone|efon)?|handy|gsm|mobile|familienstand|"
    r"situation familiale|nationalit[eé]|nationality|staatsangeh\w+)[^:\n]{0,30}:",
    re.IGNORECASE,
)
# "unsere Adresse ist ...", "ma nouvelle adresse sera ...", without a colon
_SAID = Sieve(
    r"(?<!\w)(?:m[ao]n?|notre|votre|s[ao]n?|meine?|unsere?|seine?|ihre?|my|our|his|her|their|meng|"
    r"eis|seng|hir|die|l['’]|the)[ ]?(?:nouvelle |ancienne |neue |alte |new |old |home |nei |"
    r"aktuell |"
    r"actuelle )?(?:adresse?|anschrift|address)(?: [^\W\d_]+){0,2}? "
    r"(?:ist|lautet|est|sera|is|will be|was|war|était|ass|wier|wird|now)[ ](?:jetzt |now |elo |"
    r"le |the )?",
    re.IGNORECASE,
)
_SENTENCE_GOES_ON = re.compile(
    r"[.!?](?:\s|$)|\n|,? (?:und|et|and|an|mais|aber|but|depuis|seit|since|zënter|ab|à partir|"
    r"bis|until|"
    r"jusqu|wo|où|where|das|qui|merci|danke|thanks|thank|je|ich|i|ech|we|wir|mir|nous)(?!\w)|[;()]",
    re.IGNORECASE,
)
_BESIDE = 160
_TOWN_VALUE = re.compile(
    r"(?:\d{4,5} )?[^\W\d_][^\W\d_]*(?:['\-. ]{1,2}[^\W\d_]+){0,4}(?: ?\([^)\n]{2,25}\))?"
    r"(?=[ ]?(?:$|[,;|\n.)/]| - | – ))"
)
_CODED_VALUE = re.compile(r"(?:[A-Z]{1,2}[ \-])?\d{4,5}[ ,\-]{0,3}[^\W\d_][^\d,;|\n.()]{1,40}")
_STREET_VALUE = re.compile(r"[^;|\n:@]{0,50}?\d{1,4}(?: ?[a-z](?!\w)|[/\-]\d{1,4}|[^\W\d_](?!\w))?")
# where the value of an address field ends though its line goes on
_NEXT_FIELD = re.compile(
    r"[ ]?(?:[,(.\-–|]?[ ]?(?:[^\W\d_][\w.\-]{1,25}[ ]?){1,2}:(?!\d)|,? (?:t[eé]l|handy|gsm|"
    r"mobile?|n[eé]e?|"
    r"geb|gebuer|born|dob|depuis|seit|since|z[ëä]nter|e-?mail|phone)(?!\w)|"
    r"\.[ ](?=[^\W\d_]{2,}[ ][^\W\d_])|[!?])",
    re.IGNORECASE,
)
_LONGEST_ADDRESS = 100
# "Adresse: bitte bis zum 12. mitteilen": words in small letters that belong to no street
_PROSE = re.compile(
    r"(?<!\w)(?!(?:rue|avenue|place|chemin|route|all[eé]e|impasse|cit[eé]|r[eé]sidence|boulevard|"
    r"b[aâ]t|appt|[eé]tage|floor|flat|links|rechts)(?!\w))[a-zà-ÿ]{4,}(?!\w)"
)
_MOST_PROSE = 3


class Field(NamedTuple):
    """What stands in a field about a home."""

    start: int
    end: int
    label: Label


def find_fields(text: str) -> Iterator[Field]:
    """Every town, street and address that a label announces."""
    for colon in _COLON.finditer(text):
        before = _LABEL_BEFORE.search(text, max(0, colon.start() - _REACH), colon.start())
        if before:
            label = before["label"].strip(" -*_")
            found = list(_read(text, label, colon.start(), colon.end()))
            last = label.rpartition(",")[2].strip()
            yield from found or _read(text, last, colon.start(), colon.end())
    for said in _SAID.finditer(text):
        limit = min(len(text), said.end() + _LONGEST_ADDRESS)
        stop = _SENTENCE_GOES_ON.search(text, said.end(), limit)
        yield from _address(text, said.end(), stop.start() if stop else limit)


def _read(text: str, label: str, colon: int, start: int) -> Iterator[Field]:
    if _TOWN_LABEL.fullmatch(label):
        yield from _town(text, start)
    elif _WEAK_TOWN_LABEL.fullmatch(label):
        if _is_about_person(text, colon, start):
            yield from _town(text, start)
    elif _CODE_LABEL.fullmatch(label):
        yield from _matched(text, start, _CODED_VALUE)
    elif _STREET_LABEL.fullmatch(label):
        yield from _matched(text, start, _STREET_VALUE)
    elif _ADDRESS_LABEL.fullmatch(label) and not _is_others(label):
        yield from _address(text, start)


def _is_others(label: str) -> bool:
    words = label.casefold().split()
    return _OTHER_ADDRESS.search(label) is not None or any(map(is_office_word, words))


def _is_about_person(text: str, colon: int, start: int) -> bool:
    line_end = text.find("\n", start)
    after = text[line_end : line_end + _BESIDE] if line_end >= 0 else ""
    before = text[max(0, colon - _BESIDE) : colon]
    return _PERSONAL.search(before) is not None or _PERSONAL.search(after) is not None


def _town(text: str, start: int) -> Iterator[Field]:
    value = _TOWN_VALUE.match(text, start)
    if value and not any(map(is_office_word, value.group().casefold().split())):
        yield Field(*value.span(), Label.LOCATION)


def _matched(text: str, start: int, pattern: re.Pattern[str]) -> Iterator[Field]:
    value = pattern.match(text, start)
    if value and not is_office_address(text, *value.span()):
        yield Field(*value.span(), Label.ADDRESS)


def _address(text: str, start: int, limit: int | None = None) -> Iterator[Field]:
    value = _VALUE.match(text, start, len(text) if limit is None else limit)
    if value is None:
        return
    stop = _NEXT_FIELD.search(text, start, value.end())
    end = stop.start() if stop else value.end()
    shown = text[start:end].rstrip(" ,.;-(")
    parts = [part.strip() for part in shown.split(",")]
    is_prose = line_style(text, start) == "mixed" and len(_PROSE.findall(shown)) > _MOST_PROSE
    is_place = any(map(str.isdigit, shown)) or (len(parts) > 1 and parts[-1][:1].isupper())
    if not is_place or is_prose or "@" in shown or "//" in shown or len(shown) > _LONGEST_ADDRESS:
        return
    if not is_office_address(text, start, start + len(shown)):
        yield Field(start, start + len(shown), Label.ADDRESS)
