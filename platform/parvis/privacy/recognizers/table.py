"""Tables in plain text: a line of headings says what stands in each column below it."""

import re
from collections.abc import Iterable, Iterator

from parvis.privacy.entities import Label
from parvis.privacy.recognizers.base import CUED, SURE, Hit, RuleRecognizer
from parvis.privacy.sieve import Sieve
from parvis.privacy.words import is_never_a_name

_HEADINGS: tuple[tuple[Label, str], ...] = (
    (
        Label.DATE_OF_BIRTH,
        r"dates? de naiss.*|date_(?:de_)?naiss\w*|n[eé]e?(?: le)?|ddn|dob|date of birth|"
        r"birth ?date|"
        r"born|geb(?:urts|oren|\.)?[\s\-_.]*(?:datum|dat\.?|tag|am)?|gebuerts\w+|gebuer.*",
    ),
    (
        Label.PERSON,
        r"noms?|pr[eé]noms?|nom.*pr[eé]nom.*|nom de (?:famille|naissance)|name|(?:vor|nach|"
        r"familien|"
        r"geburts|zu)name|name,? vorname|(?:last|first|full|given|family|sur) ?name|first|last|"
        r"forenames?|last_name|"
        r"first_name|numm|virnumm|familljennumm|persou?n(?:ne|e)?|b[eé]n[eé]ficiaire|allocataire|"
        r"demandeur|usager|agent|locataire|titulaire|[eé]l[eè]ve|enfant|candidate?|halter(?:in)?|"
        r"antragsteller(?:in)?|mieter(?:in)?|kind|sch[uü]ler(?:in)?|bewerber(?:in)?|sachbearbeiter"
        r"(?:in)?|claimant|applicant|tenant|pupil|child|employee|officer|schoulkand|mataarbechter|"
        r"sb|"
        r"kund(?:e|in)|client(?:e|in)?|customer|case ?worker|gestionnaire|bearbeiter(?:in)?|"
        r"ansprechpartner(?:in)?|mitarbeiter(?:in)?|employ[eé]e?|salari[eé]e?|r[eé]sident(?:e)?|"
        r"patient(?:e|in)?|bewohner(?:in)?|teilnehmer(?:in)?|participante?|assur[eé]e?|"
        r"versicherte[rn]?|adh[eé]rente?|b[eé]n[eé]vole|m[eé]decin|arzt|doctor|benotzer|user|"
        r"benutzer|responsable|verantwortlich|contact|kontakt|parent|elternteil|p[eè]re|m[eè]re|"
        r"beroder|beruder|aide[- ]soignante?|enseignante?|lehrer(?:in)?|teacher|member|mitglied|"
        r"membre|student|[eé]tudiante?|awunner|proprietär|propri[eé]taire|owner|landlord|"
        r"eigentümer(?:in)?|nachname, vorname|nom et pr[eé]nom",
    ),
    (
        Label.CASE_NUMBER,
        r"(?:n[°ºo]\.? ?(?:de )?)?dossiers?(?:nr\.?|nummer| ?n[°ºo])?|r[eé]f(?:[eé]rences?|\.|"
        r"erence|"
        r"erenz)?|case(?: ?(?:no\.?|number|id|ref))?|claim(?: ?(?:no\.?|ref))?|ticket|aktenzeichen|"
        r"az\.?|kassenzeichen|vorgang(?:snummer)?|kunden-?(?:nr\.?|nummer)|identifiant|"
        r"matricule agent|"
        r"personal-?(?:nr\.?|nummer)|staff (?:no\.?|number)|client(?:e-?nummer)?|fallnummer",
    ),
    (Label.NATIONAL_ID, r"matri[ck]ule?|matrikel|nir|n[°ºo] ?s[eé]cu.*|national id|bsn|pesel|svnr"),
    (
        Label.LICENSE_PLATE,
        r"kennzeichen|plaque|immatriculation|plack|number ?plate|registration|reg",
    ),
    (Label.PHONE, r"t[eé]l(?:[eé]phone|efon|\.)?|handy|mobile?|gsm|phone|portable"),
    (Label.IBAN, r"iban|konto|kont|compte"),
    (
        Label.ADDRESS,
        r"adresses?|anschrift|adress|address|wohnort|domicile|plz[ /]*ort|stra(?:ß|ss)e|rue",
    ),
)
_KINDS = [(label, Sieve(form, re.IGNORECASE)) for label, form in _HEADINGS]
# one value under its key: JSON, XML, a query of a form
_KEYED = re.compile(
    r"[\"'](?P<key>[^\W\d][\w \-]{0,28})[\"'][ ]?:[ ]?[\"'](?P<value>[^\"'\n]{1,80})[\"']"
    r"|<(?P<tag>[^\W\d][\w\-]{0,28})>(?P<content>[^<>\n]{1,80})</"
)
_DELIMITERS = (";", "|", ",")
_LONGEST_HEADING, _LONGEST_CELL = 30, 80
_NEEDS_DIGITS = frozenset(Label) - {Label.PERSON, Label.ADDRESS}
_ORGANISATION = re.compile(
    r"(?<!\w)(?:association|verein|veräin|soci[eé]t[eé]|gmbh|sarl|asbl|ltd|limited|fondation|stiftung|club|"
    r"commune|gemeng|gemeinde|stadt|ville|service|amt|minist\w+|[eé]cole|schule|office)(?!\w)",
    re.IGNORECASE,
)
_TITLE = re.compile(r"(?:m\.|mme|mlle|mr|mrs|ms|herr|frau|h[aä]r|madame?|monsieur|dr)\.? ", re.I)


class TableRecognizer(RuleRecognizer):
    """Cells below a heading that announces names, dates of birth, file numbers, telephones..."""

    labels = tuple(label for label, _ in _HEADINGS)

    def find(self, text: str) -> Iterable[Hit]:
        """Every cell of such a column; a table ends where a line has not as many cells."""
        yield from _keyed(text)
        headings: list[Label | None] = []
        delimiter = ""
        for start, line in _lines(text):
            cells = _cells(line, delimiter) if headings else []
            if headings and len(cells) == len(headings):
                for label, (first, last) in zip(headings, cells, strict=True):
                    if label:
                        yield from _hit(text, label, start + first, start + last)
                continue
            headings, delimiter = _headings(line)


def _keyed(text: str) -> Iterator[Hit]:
    for match in _KEYED.finditer(text):
        key, group = (match["key"], "value") if match["key"] else (match["tag"], "content")
        label = _kind(key) or _kind(key.replace("_", " "))
        if label:
            yield from _hit(text, label, *match.span(group))


def _lines(text: str) -> Iterator[tuple[int, str]]:
    start = 0
    for line in text.splitlines(keepends=True):
        yield start, line.rstrip("\n")
        start += len(line)


def _cells(line: str, delimiter: str) -> list[tuple[int, int]]:
    found, position = [], 0
    for cell in line.split(delimiter):
        left = len(cell) - len(cell.lstrip(" \"'"))
        found.append((position + left, position + max(left, len(cell.rstrip(" \"'")))))
        position += len(cell) + 1
    return found


def _headings(line: str) -> tuple[list[Label | None], str]:
    """What each column holds, when at least one of several headings is known."""
    for delimiter in _DELIMITERS:
        cells = [line[a:b] for a, b in _cells(line, delimiter)] if delimiter in line else []
        if not cells or max(map(len, cells)) > _LONGEST_HEADING:
            continue
        kinds = [_kind(cell) for cell in cells]
        known = sum(kind is not None for kind in kinds)
        # a list of words with commas is a sentence sooner than a table
        if known > (delimiter == ","):
            return kinds, delimiter
    return [], ""


def _kind(heading: str) -> Label | None:
    plain = heading.strip(" *_:.\"'")
    return next((label for label, form in _KINDS if form.fullmatch(plain)), None)


def _hit(text: str, label: Label, start: int, end: int) -> Iterator[Hit]:
    title = _TITLE.match(text, start, end)
    start = title.end() if title else start
    shown = text[start:end]
    if not shown or len(shown) > _LONGEST_CELL or not any(map(str.isalnum, shown)):
        return
    if label in _NEEDS_DIGITS and not any(map(str.isdigit, shown)):
        return
    if label is Label.PERSON and not _may_be_person(shown):
        return
    score = SURE if label is Label.PERSON else CUED
    yield Hit(start, end, label, score, "table_column")


def _may_be_person(shown: str) -> bool:
    is_office = is_never_a_name(shown) or _ORGANISATION.search(shown) is not None
    return not is_office and not any(map(str.isdigit, shown))
