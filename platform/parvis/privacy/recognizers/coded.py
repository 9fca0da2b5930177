"""Addresses given away by their postcode alone: a British or Irish code takes the lines before it,
a continental one the number beside it, whatever the street is called."""

import re
from collections.abc import Iterator

from parvis.privacy.sieve import Sieve
from parvis.privacy.words import is_never_a_name

_L = r"[^\W\d_]"
_CAP = rf"[A-ZÀ-Þ]{_L}{{0,40}}(?:['\-]{_L}{{1,40}}){{0,4}}"
_GB_CODE = re.compile(
    r"(?<![\w\-/])(?:[A-Z]{1,2}\d[A-Z\d]?[ \n]?\d[ABD-HJLNP-UW-Z]{2}"
    r"|(?:[AC-FHKNPRTV-Y]\d\d|D6W)[ \n][0-9AC-FHKNPRTV-Y]{4})(?![\w\-/])",
    re.IGNORECASE,
)
_NUMBER = r"\d{1,4}[A-Za-z]?(?:[/\-]\d{1,4}[A-Za-z]?)?"
_WORD = rf"(?:{_NUMBER}|h?[A-ZÀ-Þ][\w'.\-]*|of|the|on|upon|under|by|le|next|in|and|y|an|na|nan)"
# at most six lines or parts of at most six words each
_BEFORE = re.compile(
    rf"(?<![\w.\-])(?:{_WORD}(?: {_WORD}){{0,5}}(?: ?, ?\n?| ?\n)){{0,5}}"
    rf"{_WORD}(?: {_WORD}){{0,5}}[, \n]{{1,2}}\Z"
)
_SMALL_BEFORE = re.compile(
    rf"(?<![\w.\-])\d{{1,4}}[a-d]?,?[ \n](?:{_L}[\w'\-]*[, \n]{{1,2}}){{1,8}}\Z", re.IGNORECASE
)
_SMALL_LINES = re.compile(
    rf"(?<![\w.\-])(?:{_L}[\w'\-]*(?: [\w'\-]+){{0,2}}, ?){{1,2}}{_L}[\w'\-]{{2,20}} \Z"
)
_HOUSE = re.compile(
    r"(?<![\w.\-])(?:(?:flat|unit|apartment|apt|room|number|no\.?|block|suite|"
    r"plot)[ \n]\w{1,4}(?!\w)"
    rf"|{_NUMBER}(?=,?[ \n][A-ZÀ-Þ]))",
    re.IGNORECASE,
)
_NAMED = re.compile(
    r"(?<!\w)(?:[\w'.\-]+ ){0,3}(?<!\w)(?:cottages?|house|farm|farmhouse|barn|lodge|mill|"
    r"hall|rectory|vicarage|dairy|hotel|hostel|croft|mains|villas?|manor|grange|court|buildings?|"
    r"tŷ|ty|heol|baile|bryn|pen|plas|road|lane|street|row|close|way|drive|mews|hill|avenue|park)"
    r"(?!\w)[^,\n]*[,\n]",
    re.IGNORECASE,
)
_REACH = 120
_STANDS_AT = re.compile(
    r"(?<!\w)(?:at|from|to|address:?|address is|lives:?|home:?)[ ]\Z", re.IGNORECASE
)
# "mill lane, number 12", "Nummer 6, Duerfstrooss zu Biekerech", "number 5 Ormeau Park Gardens"
_SAID_NUMBER = re.compile(
    rf"(?<!\w)(?:{_L}+ ){{1,2}}(?:lane|road|street|avenue|close|drive|terrace|crescent|way|row),? "
    r"(?:at |house )?(?:number|no\.?) \d{1,4}[a-d]?(?!\w)"
    rf"|(?<!\w)(?:haus)?(?:nummer|number|nr\.?|no\.?) \d{{1,4}}[a-d]?,? (?:{_L}+ ){{0,2}}(?:"
    r"(?:lane|road|street|avenue|close|drive|terrace|crescent)(?!\w)|"
    rf"{_L}{{2,30}}(?:strooss|straße|strasse|gaass|gasse|wee|weg)(?!\w))(?: (?:zu|in) {_L}+)?",
    re.IGNORECASE,
)
# "at the Britannia Hotel, Union Street, Wolverhampton"
_HOUSE_NAMED = re.compile(
    rf"(?<= at )(?:the |The )?(?:{_CAP} ){{1,3}}(?:Hotel|Hostel|House|Lodge|Farm|Cottage|Court|Inn)"
    rf"(?:, {_CAP}(?: {_CAP}){{0,2}}){{1,3}}"
)

_DOOR = (
    r"\d{1,4}(?:[ ]?[a-k](?!\w))?(?:[ ]?[/\-–][ ]?(?:\d{1,4}[a-k]?|[A-Za-z])(?!\w)){0,4}"
    r"(?:[ ]1/2)?(?:[/, ]{1,2}(?:Top|Tür|Stiege|Stg\.?|Haus)[ ]?\d{1,3}){0,2}"
)
_LINK = r"(?:an|am|auf|im|in|zum|zur|beim|bei|ob|op|um|un|der|den|dem|de|du|la|las|el|los|d')"
_ROAD = rf"{_CAP}(?:[ ](?:{_LINK}|{_CAP})){{0,4}}"
_LAND = r"(?:L|F|D|B|FR|LU|DE|BE|CH|NL|A|AT|I|E|PT|PL)"
_TOWN = rf"(?:St\.[ ])?{_CAP}(?:[ ](?:am|an der|im|bei|ob der|i\.|a\.|d\.|sur|{_CAP})){{0,3}}"
_CODE = rf"(?:{_LAND}[ \-]{{1,3}}\d{{4,5}}|(?!(?:19|20)\d\d )\d{{4,5}}|\d\d-\d{{3}})"
_NUMBER_CODE = re.compile(
    rf"(?<![\w/.\-'])(?P<road>{_ROAD}),?[ ]{_DOOR}(?:,[ ]?[^,;:\n]{{1,20}}){{0,2}}"
    rf"(?:[ ]?[,\n(\-–][ \n]?|[ ])(?:{_CODE}[ \n]{_TOWN}|L[ \-]{{1,3}}\d{{4}}(?!\d))"
    # the code first: "66111 Saarbrücken, Mainzer Straße 147"; below it the street fills its line
    rf"|(?<![\w/.\-])(?:{_LAND}[ \-]{{1,3}})?\d{{5}}[ ]{_TOWN}"
    rf"(?:,[ ]?|\n(?=[^\n]{{1,40}}(?:\n|$)))(?!TVA|T[eé]l|TEL|USt|IBAN|"
    rf"Fax){_ROAD}[ ]{_DOOR}(?!\w|\.\d)"
)
# "rue neuve n° 4", "rue de Beggen 210 Lëtzebuerg": the number last and no code
_NUMBER_LAST = Sieve(
    r"(?<!\w)(?:rue|avenue|boulevard|all[eé]e|chemin|route|chauss[eé]e|impasse|quai)"
    # "sera fermée du 5 au 16 janvier", "à Lille le 11 avril": a day, not a door
    rf"(?:[ \n](?!(?:sera|est|entre|du|le|au|les)[ ]\d|(?:sera|est|entre|pour|dans|avec|et)[ ])"
    rf"(?:{_L}|['\-](?={_L})){{1,40}}){{1,4}},?[ ](?:(?:n[°ºr]\.?|no\.?|num[eé]ro|nummer)"
    r"[ ]?)?(?!(?:19|20)\d\d)\d{1,4}(?:[ ]?(?:bis|ter|[a-d])(?!\w))?(?![\w/%€]|[.:]\d| (?:€|"
    r"euro|h |uhr|auer|"
    r"au \d|jan|f[eé]v|mar|avr|mai|jui|ao[uû]|sep|oct|nov|d[eé]c))"
    rf"(?:,?[ ](?:à|zu|in)[ ]{_L}{{2,40}}(?:-{_L}{{1,40}}){{0,4}})?",
    re.IGNORECASE,
)
# "zu Diddeleng, 14 an der Soibelkaul"
_LU_PLACED = re.compile(
    r"(?<=, )\d{1,3},? (?:am|um|an der|op der|op de|op dem|beim|bei der|hannert|ënner|in der) "
    rf"{_CAP}(?=[ ]?(?:[.,;:)\n]|$))"
)


def find_coded(text: str) -> Iterator[tuple[int, int]]:
    """Where such addresses stand in clean text; offices among them are the caller's affair."""
    for match in _GB_CODE.finditer(text):
        shown = match.group()
        if shown.isupper() or _is_said(text, match.start()) or _small(text, match.start()):
            yield _british_start(text, match.start()), match.end()
    for match in _NUMBER_CODE.finditer(text):
        road = match["road"]
        if road is None or not is_never_a_name(road.split(" ")[0]):
            yield match.span()
    for pattern in (_NUMBER_LAST, _LU_PLACED, _SAID_NUMBER, _HOUSE_NAMED):
        for match in pattern.finditer(text):
            yield match.span()


def _is_said(text: str, start: int) -> bool:
    return (
        re.search(r"(?:post ?code|eircode)\W{1,3}(?:is )?\Z", text[:start][-20:], re.I) is not None
    )


def _small(text: str, start: int) -> re.Match[str] | None:
    return _SMALL_BEFORE.search(text, max(0, start - _REACH), start)


def _british_start(text: str, end: int) -> int:
    """From the house, its name or at least its town on: names above stay names."""
    found = _BEFORE.search(text, max(0, end - _REACH), end)
    if found:
        house = _HOUSE.search(text, found.start(), end)
        if house:
            return house.start()
        named = _NAMED.search(text[found.start() : end])
        if named:
            return found.start() + named.start()
        if _STANDS_AT.search(text, max(0, found.start() - 12), found.start()):
            return found.start()
        town = text.rfind(",", found.start(), end - 2)
        return max(found.start(), town + 1) if town >= 0 else found.start()
    small = _small(text, end) or _SMALL_LINES.search(text, max(0, end - _REACH), end)
    return small.start() if small else end
