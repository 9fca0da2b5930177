"""File, case, customer and staff numbers of a person: only after a cue, by shape."""

import re
from collections.abc import Iterable, Iterator

from parvis.privacy.entities import Label
from parvis.privacy.recognizers.base import CUED, LIKELY, Hit, RuleRecognizer, is_cued

_NUMBER = r"(?:[ \n]?(?:n[°ºo]\.?|nr\.?|nummer|num[eé]ro|number|numm|no\.?|#|id))?"
_CUE_WORDS = (
    r"(?:num[eé]ro (?:de |d')|n[°º] ?(?:de |d')?)?(?:dossiers?|demande|client|usager|"
    r"allocataire|adh[eé]rent|abonn[eé]|contrat|candidat|b[eé]n[eé]ficiaire|agent|inscription|"
    r"affaire|requ[eê]te|ticket|identifiant|recours|sinistre|salari[eé]|[eé]tudiant|police|"
    rf"facture|suivi){_NUMBER}|"
    r"[nv]/?[ ]?r[eé]f\.?|(?:notre|votre|vos|nos) r[eé]f(?:[eé]rences?|\.)?|"
    rf"r[eé]f(?:[eé]rences?|\.)?|ref(?:erence|erenz|\.)?{_NUMBER}|"
    r"az\.?|aktenzeichen|akten-?(?:nummer|nr\.?)|gesch[aä]ftszeichen|gz\.?|gesch\.-z\.?|"
    r"mein zeichen|ihr zeichen|unser zeichen|kassenzeichen|kz\.?|"
    r"(?:vorgangs|kunden|antrags|fall|personal|mitglieds|vertrags|bg|bedarfsgemeinschafts|"
    r"buchungs|auftrags|rechnungs|bearbeitungs|teilnehmer|matrikel|dossiers?|dossiers|ticket|"
    r"verfahrens|bescheid|register|fahrzeug|schadens|stamm|dienst|klient|referenz|demande|"
    r"cliente?)[ \-]?(?:nummer|numm|nr\.?|id|zeichen)|"
    r"(?:bau|wohngeld)?antrag|baugeneemegung|(?:bau)?genehmigung|permis(?: de construire)?|"
    rf"vorgang{_NUMBER}|dossier{_NUMBER}|"
    r"(?:case|file|customer|client|claim|application|reference|staff|employee|membership|"
    r"contract|account|ticket|complaint|payroll|student|request|booking|invoice|tenancy|"
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
    r"matricule (?:agent|interne)|cas|mesure|signalement"
)
_CUE = re.compile(
    rf"(?:^|[^\w])(?:{_CUE_WORDS})(?![^\W\d_])\.?(?:[ ]?\([^)\n]{{1,24}}\))?[ \n]?(?:(?:est|"
    r"ist|ass|is|lautet|porte|mit|with|unter|sous|vum|vom|du|de|der|le|la|the|avec|numéro|"
    r"nummer|number|numm|n[°ºo]\.?|nr\.?|no\.?|dem|aktenzeichen|suivant|bei|of|für|fir|pour|"
    rf"num[eé]ro)[ \n]?){{0,3}}[:#=]?[ \n]{{0,2}}\Z",
    re.IGNORECASE,
)
_PART = r"(?=[\w/.\-*_]*\d)[^\W_]+(?:[./\-*_]{1,2}[^\W_]+)*"
_VALUE = re.compile(
    rf"(?<![\w/.\-])(?:(?-i:[A-Z]{{1,5}})[ ](?=(?:(?-i:[A-Z]{{1,3}})[ ])?[\w/.\-]*\d)|"
    rf"[A-Z]{{1,6}}[ ]?[/\-][ ]?(?=\d))?(?:(?-i:[A-Z]{{1,3}})"
    rf"[ ])?{_PART}(?:[ ](?:(?:(?-i:[A-Z]{{1,3}})|[a-z])[ ](?=\d))?{_PART}){{0,4}}",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"(?:(?:du|vom|of|vum|le|am|den) )?\d{1,2}[./]\d{1,2}[./](?:19|20)?\d\d|(?:19|20)"
    r"\d\d-\d\d-\d\d|(?:19|20)\d\d"
)
_LEAST = 3
# the registers of German courts ("3 C 871/26", "5 K 1187/26.TR") and of offices with a year
_COURT_FILE = re.compile(
    r"(?<![\w/.§])(?<!Art\. )\d{1,4} [A-Z][A-Za-z]{0,3} \d{1,5}/\d\d(?:\.[A-Z]{2})?(?![\w/])"
)
_DATED_FILE = re.compile(
    r"(?<![\w/.\-])[A-Z]{1,5}[\-/](?:[A-Z]{1,5}[\-/])?(?:20)?\d\d[\-/](?:[A-Z]{1,4}[\-/])?\d{3,8}"
    r"(?:[\-/][A-Z0-9]{1,3})?(?![\w/\-])"
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
            for start in _starts(value, match.start()):
                if is_cued(text, start, _CUE, reach=90):
                    yield Hit(start, end, Label.CASE_NUMBER, CUED, "case_cue")
                    break
        for pattern, rule in ((_COURT_FILE, "court_file"), (_DATED_FILE, "dated_file")):
            for match in pattern.finditer(text):
                before = text[max(0, match.start() - 60) : match.start()]
                if not _PUBLIC_BEFORE.search(before) and not match.group().startswith(_BILLS):
                    yield Hit(*match.span(), Label.CASE_NUMBER, LIKELY, rule)


def _starts(value: str, start: int) -> Iterator[int]:
    """The start, and what follows a first word of letters: it may be the cue ("REF PP-55210")."""
    yield start
    word = re.match(r"[^\W\d_]+[ ]", value)
    if word:
        yield start + word.end()


def _without_date(value: str) -> str:
    """The value without a date that follows it ("4711 12.03.2024")."""
    parts = value.split(" ")
    while len(parts) > 1 and _DATE.fullmatch(parts[-1]) and "." in parts[-1]:
        parts.pop()
    return " ".join(parts)
