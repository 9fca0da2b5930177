"""File, case, customer and staff numbers of a person: only after a cue, by shape."""

import re
from collections.abc import Iterable, Iterator

from parvis.privacy.entities import Label
from parvis.privacy.recognizers.base import CUED, LIKELY, Hit, RuleRecognizer, is_cued
from parvis.privacy.words import PARTICLES, is_never_a_name, past_small_word

_NUMBER = r"(?:[ \n]?(?:n[°ºo]\.?|nr\.?|nummer|num[eé]ro|number|numm|no\.?|#|id))?"
_CUE_WORDS = (
    r"(?:num[eé]ro (?:de |d')|n[°º] ?(?:de |d')?)?(?:dossiers?|demande|client|usager|"
    r"allocataire|adh[eé]rent|abonn[eé]|contrat|candidat|b[eé]n[eé]ficiaire|agent|inscription|"
    r"affaire|affär|requ[eê]te|ticket|identifiant|recours|sinistre|salari[eé]|[eé]tudiant|police|"
    rf"suivi){_NUMBER}|"
    r"[nv]/?[ ]?r[eé]f\.?|(?:notre|votre|vos|nos) r[eé]f(?:[eé]rences?|\.)?|"
    rf"r[eé]f(?:[eé]rences?|\.)?|ref(?:erence|erenz|\.)?{_NUMBER}|"
    r"az\.?|aktenzeichen|akten-?(?:nummer|nr\.?)|gesch[aä]ftszeichen|gz\.?|gesch\.-z\.?|"
    r"mein zeichen|ihr zeichen|unser zeichen|kassenzeichen|kz\.?|"
    r"(?:vorgangs|kunden|antrags|fall|personal|mitglieds|vertrags|bg|bedarfsgemeinschafts|"
    r"buchungs|auftrags|bearbeitungs|teilnehmer|matrikel|dossiers?|dossiers|ticket|"
    r"verfahrens|bescheid|register|fahrzeug|schadens|stamm|dienst|klient|referenz|demande|"
    r"cliente?)[ \-]?(?:nummer|numm|nr\.?|id|zeichens?)|"
    r"(?:bau|wohngeld)?antrag|baugeneemegung|(?:bau)?genehmigung|permis(?: de construire)?|"
    rf"vorgang{_NUMBER}|dossier{_NUMBER}|"
    r"(?:case|file|customer|client|claim|application|reference|staff|employee|membership|"
    r"contract|account|ticket|complaint|payroll|student|request|booking|tenancy|"
    r"policy)(?: reference)?[ ](?:numbers?|no\.?|ref\.?|id|#)|(?:our|your|my) ref(?:erence)?|"
    r"(?<!la )case|file ref(?:erence)?|personal-?nr\.?|agenten?numm(?:er)?|cliente?nummer|kennzahl|"
    r"buergernummer|akte?n?|rg|r\.g\.|pacage|pers-?nr\.?|persnr\.?|betriebs-?(?:nummer|nr\.?)|"
    r"betribsnummer|azr-?(?:nummer|nr\.?)|agdref|num[eé]ro [eé]tranger|roll|rôle|n[°º] de r[oô]le|"
    rf"pv{_NUMBER}|pcn|avertissement{_NUMBER}|vw-?nr\.?|holding{_NUMBER}|payroll(?: no\.?)?|"
    r"(?:sous|unter|under)(?: the| der| le)?(?: n[°ºo]\.?| nr\.?| no\.?| num[eé]ro| nummer|"
    r" number)|"
    r"(?:her|his|my|the|your|our|their)[ ](?:file|claim|application|case|account)|"
    r"(?:son|mon|le|votre|leur)[ ]dossier|(?:ihr|sein|mein|unser)e?[ ](?:akte|vorgang)|"
    r"(?:s[äe]in|hir|m[äe]in|hiren|hire)[ ]dossier|"
    r"port ref(?:erence)?|r[eé]f(?:[eé]rence|\.)?[ ][^\W\d_]{3,15}(?=[ ]?:)|"
    r"(?:vertrags|kunden|strom|steuer)konto|cotisante?|compteur|z[aä]hlernummer|pdl|"
    r"point de livraison|"
    r"matricule (?:agent|interne)|cas|mesure|signalement|contravention|amende|badge|"
    r"proc[eé]dure|enqu[eê]te|visa|prisoner|inmate|claim|vignette|konto|certificate|bidding|serial|alloc(?:ataire)?|az|docket"
)
_CUE = re.compile(
    rf"(?:^|[^\w])(?:{_CUE_WORDS})(?![^\W\d_])\.?(?:[ ]?\([^)\n]{{1,24}}\)|"
    rf"[ ](?-i:[A-Z]{{2,6}})(?=[ ]?:))?[ \n]?(?:(?:est|"
    r"ist|ass|is|lautet|porte|mit|with|unter|sous|vum|vom|du|de|der|le|la|the|avec|numéro|"
    r"nummer|number|numm|n[°ºo]\.?|nr\.?|no\.?|dem|aktenzeichen|suivant|bei|of|für|fir|pour|"
    rf"num[eé]ro)[ \n]?){{0,3}}[:#=]?[ \n]{{0,2}}\Z",
    re.IGNORECASE,
)
# "Bürgerkonto-Nr. BK-448", "Bidding number 0098812", "Vignette Nr 4410": any number of something,
# but not of a thing, a text, a room or an office
_OF_SOMETHING = re.compile(
    r"(?P<what>[^\W\d_][\w'/.\-]{1,30}?)?(?:,? ?|-)(?<![^\W_])(?:num[eé]ro|number|nummer|numm|"
    r"zeichen|n[°ºo]\.?|nr\.?|no\.?|ref\.?|id\.?)[ ]?(?:is|ist|ass|est|"
    r"lautet)?[ ]?[:#=]?[ \n]?\Z"
    r"|(?P<whole>[^\W\d_]{3,30})(?:nummer|numm|nr\.?|zeichen)[ ]?(?:ist|ass|"
    r"lautet)?[ ]?[:#=]?[ \n]?\Z",
    re.IGNORECASE,
)
_THING = re.compile(
    r".*(?:rechnung|faktur|facture|invoice|devis|angebot|bestell|commande|order|bon|art(?:icle|ikel)|"
    r"seite|page|haus|zimmer|raum|room|salle|bureau|chip|puce|form|version|tele[fp]|phone|fax|"
    r"ruf|handy|mobil|portable|gsm|bus|linie|line|ligne|postleit|flur|parzell|parcelle|plot|lot|"
    r"fehler|error|code|gesetz|loi|law|regulation|verordnung|decret|d[eé]cret|arr[eê]t|directive|"
    r"richtlinie|cerfa|siren|siret|ust|tva|vat|handelsregister|rcs|modell?|model|serie|charge|"
    r"los|amtsblatt|journal|band|bl|heft|lfd|laufende|top|punkt|point|anlage|annexe|annex|"
    r"schedule|section|standard|norm|iso|din|charity|company|verein|asbl|d[eé]lib[eé]ration|"
    r"beschluss|circulaire|note|lot|march[eé]|appel|ausschreibung|tender|hotline|notruf|urgence|emergency|steuer|fiscal|tax)"
    r"\w{0,6}\Z",
    re.IGNORECASE,
)
_DATE_FORM = re.compile(r"\d{1,4}[./\-]\d{1,2}[./\-]\d{1,4}")
_LEAST_DIGITS, _LEAST_OF_SOMETHING = 4, 5
_PART = r"(?=[\w/.\-*_]*\d)[^\W_]+(?:[./\-*_]{1,2}[^\W_]+)*"
_VALUE = re.compile(
    rf"(?<![\w/.\-])(?:(?-i:[A-Z]{{1,5}})[ ](?=(?:(?-i:[A-Z]{{1,3}})[ ])?[\w/.\-]*\d)|"
    rf"[A-Z]{{1,6}}[ ]?[/\-][ ]?(?=\d))?(?:(?-i:[A-Z]{{1,3}})"
    rf"[ ])?{_PART}(?:[ ](?:(?:(?-i:[A-Z]{{1,3}})|[a-z])[ ](?=\d))?{_PART}|"
    rf"\n(?=\d){_PART}){{0,4}}(?:[ ](?-i:[A-Z])(?![\w'.]))?",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"(?:(?:du|vom|of|vum|le|am|den) )?\d{1,2}[./]\d{1,2}[./](?:19|20)?\d\d|(?:19|20)"
    r"\d\d-\d\d-\d\d|(?:19|20)\d\d"
)
_LEAST = 3
# the registers of German courts ("3 C 871/26", "5 K 1187/26.TR") and of offices with a year
_COURT_FILE = re.compile(
    r"(?<![\w/.§])(?<!Art\. )\d{1,4} [A-Z][A-Za-z]{0,3}"
    r"(?: \d{1,4} [A-Z][a-z]{0,3})? \d{1,6}/\d\d(?:\.[A-Z]{2})?(?![\w/])"
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
_PUBLIC_BEFORE = re.compile(
    r"(?:(?:BGH|BVerf\w+|BVerwG|BSG|BAG|BFH|EuGH|EuG|OLG|OVG|VGH|VG|LG|AG|LSG|SG|FG|"
    r"rechnung|facture|invoice|devis|angebot|bestellung|commande|order|bon|norm|iso|din|en|"
    r"urteil|arr[eê]t|jugement|judgment|beschluss|urt\.|beschl\.)\W"
    r"(?:[^\n;.]|\.(?=\d|[ ]\d)){0,40}|"
    r"(?:n[°ºo]\.?|nr\.?|no\.?) ?(?=FA-|RE-|INV-))\Z",
    re.IGNORECASE,
)
_BILLS = ("FA-", "RE-", "INV-", "CO-", "ISO-", "EN-", "BC-", "PO-", "DIN-", "COM/", "COM-")


class CaseRecognizer(RuleRecognizer):
    """A value with digits right after "dossier", "Az.", "Kassenzeichen", "case number"..."""

    labels = (Label.CASE_NUMBER,)

    def find(self, text: str) -> Iterable[Hit]:
        """Every number of a file that concerns a person."""
        for match in _VALUE.finditer(text):
            value = match.group().rstrip("./-")
            if sum(char.isalnum() for char in value) < _LEAST or _DATE.fullmatch(value):
                continue
            end = match.start() + len(_without_date(value))
            for start in _starts(value, match.start(), is_capital=text.isupper()):
                if is_cued(text, start, _CUE, reach=90):
                    yield Hit(start, end, Label.CASE_NUMBER, CUED, "case_cue")
                    break
                if _is_of_somebody(text, start, end):
                    yield Hit(start, end, Label.CASE_NUMBER, LIKELY, "number_of_something")
                    break
        for pattern, rule in (
            (_COURT_FILE, "court_file"),
            (_DATED_FILE, "dated_file"),
            (_PARTED_FILE, "parted_file"),
        ):
            for match in pattern.finditer(text):
                before = text[max(0, match.start() - 60) : match.start()]
                if _DATE_FORM.fullmatch(match.group(), past_small_word(match.group(), 0)):
                    continue
                if not _PUBLIC_BEFORE.search(before) and not match.group().startswith(_BILLS):
                    yield Hit(*match.span(), Label.CASE_NUMBER, LIKELY, rule)


def _starts(value: str, start: int, *, is_capital: bool) -> Iterator[int]:
    """The start, and what follows its first words: they may be the cue ("REF PP-55210")."""
    if not is_capital or past_small_word(value, 0) == 0:
        yield start
    word = re.match(r"[^\W\d_]+[ ]", value)
    while word:
        yield start + word.end()
        word = re.compile(r"[^\W\d_]+[ ]").match(value, word.end())


def _is_of_somebody(text: str, start: int, end: int) -> bool:
    """Whether "...nummer", "... number" stands before a value long enough to name one person."""
    value = text[start:end]
    signs, digits = (sum(map(is_kind, value)) for is_kind in (str.isalnum, str.isdigit))
    if signs < _LEAST_OF_SOMETHING or digits < _LEAST_DIGITS or _DATE_FORM.match(value):
        return False
    said = _OF_SOMETHING.search(text, max(0, start - 60), start)
    if said is None:
        return False
    what = (said["whole"] or said["what"] or "").strip(".-/")
    # "here is the number:" says of what it is as little as the bare number does
    is_bare = (said["whole"] is None and is_never_a_name(what)) or what.casefold().rstrip(
        "'"
    ) in PARTICLES
    return bool(what) and not is_bare and not _THING.match(what)


def _without_date(value: str) -> str:
    """The value without a date that follows it ("4711 12.03.2024")."""
    parts = value.split(" ")
    while len(parts) > 1 and _DATE.fullmatch(parts[-1]) and "." in parts[-1]:
        parts.pop()
    return " ".join(parts)
