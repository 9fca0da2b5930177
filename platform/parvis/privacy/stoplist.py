"""What must stay readable: laws, courts, amounts, offices, functional mailboxes, and what an
agency allows. Spans of clean text; identifiers that check are never kept readable by them."""

import re
from collections.abc import Collection, Iterator

from parvis.privacy.normalise import clean
from parvis.privacy.recognizers.contact import find_office_lines, find_office_mailboxes
from parvis.privacy.recognizers.places import OFFICE_WORDS
from parvis.privacy.sieve import Sieve

_LAW = Sieve(
    r"(?<!\w)(?:§{1,2} ?\d+[a-z]?(?:(?: ?(?:abs|absatz|nr|satz|s)\.? ?\d+[a-z]?)|, ?\d+[a-z]?|"
    r" ?(?:und|bis|f{1,2}\.?|-) ?\d*[a-z]?){0,5}(?: ?[A-Z][A-Za-z]{1,9}(?: [IVX]{1,4})?)?"
    r"|(?:art(?:icle|ikel|\.)?s?|artt\.) ?[LRD]?\.? ?\d+(?:[\-.]\d+){0,4}(?: ?(?:abs|al|"
    r"al[ií]n[eé]a|lit|nr|paragraphe|par)\.? ?\w{1,4}){0,3}(?:(?: (?:du|de la|des|of the|der|"
    r"des|vum|GDPR|RGPD|DSGVO|BGB|GG))? (?:code [\w ]{3,30}?(?=[,.;)]|$)|[A-Z]{2,6}))?"
    r"|(?:loi|d[eé]cret|arr[eê]t[eé](?: grand-ducal)?|ordonnance|circulaire|"
    r"r[eè]glement(?: grand-ducal)?|directive|gesetz|verordnung|richtlinie|erlass|law|act|"
    r"regulation|gesetz|reglement)(?: \((?:UE|EU|CE|EG)\))?(?: modifi[eé]e?)? ?(?:n[°ºo]\.? ?|"
    r"nr\.? ?|no\.? ?)?(?:\d{2,4}[/\-]\d{1,5}(?:/[A-Z]{2,3})?)?(?: ?(?:du|vom|of|vum|from|de)"
    r" (?:\d{1,2}(?:er|\.)? ?[\w]{3,9}\.? \d{4}|\d{1,2}\.\d{1,2}\.\d{4}))?"
    r"|\(?(?:UE|EU|CE|EG)\)? ?(?:n[°ºo]\.? ?|nr\.? ?)?\d{2,4}/\d{2,5}|(?:19|20)"
    r"\d\d/\d{1,4}/(?:UE|EU|CE|EG|EC)"
    r"|(?:cerfa|formulaire|formular|form|vordruck|anlage)(?: (?:n[°ºo]\.?|nr\.?|"
    r"no\.?))? ?\d{3,6}(?:[*\-]\d{1,3})?)",
    re.IGNORECASE,
)
_COURT = Sieve(
    r"(?<!\w)(?:(?:BGH|BVerf\w+|BVerwG|BSG|BAG|BFH|EuGH|EuG|EGMR|OLG|OVG|VGH|VG|LG|AG|LSG|SG|"
    r"FG|Cass\.?|CJUE|CEDH|CE|TA|CAA|ECtHR|CJEU|EWCA|UKSC)(?![^\n;]{0,50}(?<!\w)XVI{1,3} \d)"
    r"[^\n;]{0,40}?)"
    r"(?:[IVX]{1,4} )?[A-Z]{0,3} ?[A-Z]{1,3}?[ \-]?\d{1,5}[/.]\d{2,4}"
    r"|(?<!\w)(?:CE|C\.E\.|Conseil d'[EÉ]tat|Cass\.?|Cour de cassation|CAA|TA|CC|CJUE|CEDH)"
    r"(?=[ ,.(])[^\n;:]{0,40}?(?<!\w)n[°ºo]s? ?\d[\d.\-]{3,12}\d"
    r"|(?<!\w)(?:CIS|CDLA|CPC|CIB|CSDLA|UKUT|EWHC|UKHL|IEHC|IESC)/\d{1,5}/(?:19|20)\d\d"
    r"|(?<!\w)[CT]-\d{1,4}/\d\d(?!\d)|ECLI:[A-Z]{2}:\w+:\d{4}:[\w.]+",
)
_AMOUNT = Sieve(
    r"(?:(?<![\w])\d{1,3}(?:[ .,']\d{3})*(?:[.,]\d{1,2})?|(?<![\w])\d+(?:[.,]\d{1,2})?) ?(?:€|"
    r"euros?|eur|chf|\$|£|%|francs?|prozent|percent|pour cent)(?!\w)|(?:€|\$|£|EUR|CHF)"
    r" ?\d[\d ., ']{0,14}\d",
    re.IGNORECASE,
)
# versions, machines and plots: not where anybody lives
_THING = Sieve(
    r"(?:versi?ou?n|versioun|release|firmware)(?:[ ]?[:=]?[ ]?)v?\d+(?:\.\d+){1,4}"
    r"|(?:mozilla|chrome|safari|firefox|edg|opera|applewebkit|gecko|curl|okhttp)/\d[\d.]*"
    r"|(?:poste|rechner|ordinateur|computer|drucker|imprimante|printer|"
    r"laptop)[ ]?:?[ ]?[A-Z]{2,4}-?\d{2,6}"
    r"|(?:parzell|parcelle|flurst[uü]ck|lot|plot|gemarkung|sektioun|section|flur)"
    r"(?:[ ](?:n[°ºo]\.?|nr\.?|no\.?))?[ ]?(?:[A-Z]{1,2}[ ])?\d[\d/ ]{0,10}\d?(?![\w])"
    r"|(?<!\w)(?:l['’]?)?(?:app(?:art(?:ement)?|t)?\.?|flat|whg\.?|wohnung|apt\.?|zimmer|chambre|"
    r"room|"
    r"raum|salle|sall)[ ]\d{1,4}(?![\w,])(?!,? \d)",
    re.IGNORECASE,
)
# days of the year, which name months that are first names as well
_DAY = Sieve(
    r"(?<![\w.])\d{1,2}(?:er|st|nd|rd|th|\.|te[rn]?)? ?(?:jan|janv|mars|mar|mai|may|mee|june?|"
    r"juin|juni|"
    r"april|avril|apr|avr|august|août|aug|sept?|okt|oct|nov|dez|d[eé]c|januar|juli|july|februar|"
    r"feb)"
    r"(?!\w)(?:\.? \d{4})?",
    re.IGNORECASE,
)
_FIRM = re.compile(
    r"(?<!\w)(?:[A-ZÀ-Þ][\w'&.\-]*[ ]){1,4}(?:GmbH(?: & Co\. KG)?|OHG|e\. ?V\.|SARL(?:-S)?|"
    r"S\.?[àa] ?r\.?l\.?|S\.A\.|SAS|SASU|EURL|SCOP|ASBL|asbl|a\.s\.b\.l\.|Ltd\.?|Limited|LLC|LLP|"
    r"plc|"
    r"PLC|Inc\.?|& (?:Partner|Partners|Sons|Daughters|Co\.?|Cie\.?|Söhne|Sohn|Fils)|a Fils|"
    r"et Fils|(?:SA|AG|KG|UG|BV|NV|SE)(?=[ ]?(?:[,.;:()\n]|$)))(?!\w)"
    r"|(?<!\w)(?:Age UK|Citizens Advice|Caritas|Diakonie|Croix-Rouge|Red Cross|Rotes Kreuz|"
    r"Roude Kräiz|"
    r"Secours (?:populaire|catholique|islamique)|Restos du C(?:oe|œ)ur|Emmaüs|Samaritans|RSPCA|"
    r"Barnardo's|Oxfam|Amnesty International|Greenpeace|Médecins sans Frontières|Malteser|"
    r"Johanniter|(?:AOK|BARMER|Barmer|DAK|IKK|BKK|KKH|HUK|HDI|LVM|VHS|Sparkasse|Volksbank|"
    r"Raiffeisenbank|Stadtwerke|Klinikum|Autohaus|Kanzlei|Praxis)(?:[- ][A-ZÀ-Þ][\w\-]{2,30})?|"
    r"(?:TSV|FC|VfL|TuS|FSV|MTV|SSV|VfB|AS|US|CS) (?=[A-ZÀ-Þ])[\w\-]{3,30}|"
    r"TK|Mieterverein|Mieterschutz|Verbraucherzentrale|Lebenshilfe|Weißer Ring|Save the "
    r"Children|Unicef|UNICEF|Shelter|Mencap|Scope|Arbeiterwohlfahrt|AWO|VdK|Pro Familia|Planning "
    r"familial|Ligue HMC|Femmes en détresse|Stëmm vun der Strooss|Inter-Actions|ASTI)(?!\w)"
)
# trades and houses that bear a name, whoever bears it too: "Bäckerei Hoffmann", "Garage Reuter"
_TRADE_WORDS = (
    r"(?:Schreinerei|Tischlerei|B[äa]ckerei|Konditorei|Metzgerei|Fleischerei|G[äa]rtnerei|Apotheke|"
    r"Autohaus|Fahrschule|Spedition|Druckerei|Klempnerei|Schlosserei|Elektro|Malerbetrieb|"
    r"Buchhandlung|Gasthaus|Gasthof|Gastst[äa]tte|Restaurant|Caf[eé]|Brasserie|Bistro|Pizzeria|"
    r"H[oô]tel|Auberge|Garage|Carrosserie|Boulangerie|P[aâ]tisserie|Boucherie|Pharmacie|Librairie|"
    r"Menuiserie|Plomberie|Imprimerie|Bijouterie|Ateliers?|[EÉ]tude|[EÉ]tablissements|Ets\.?|"
    r"Entreprise|Maison relais|Cr[eè]che|Kannerha(?:us|iser)|Solicitors|Notariat|Fa\.|Firma|Immo|"
    r"Agence|Cabinet|Clinique|Paroisse|Pfarrei|[EÉ]glise|Uni|PI|Polizeiinspektion|[KC]ommissariat|Bezirksgericht|"
    r"(?:Oberl|L)andesgericht|Verein|Veräin|Association|Soci[eé]t[eé]|F[eé]d[eé]ration|Fondation|"
    r"Stiftung|Club|Amicale|Syndicat|Banque|Caisse|Mutuelle|Assurances?)"
)
_TRADE_ENDINGS = (
    r"(?:Logistics|Services|Solutions|Consulting|Group|Holdings|Properties|Lettings|Estates|Motors|"
    r"Bakery|Pharmacy|Surgery|Practice|Primary|Infants|Juniors|Scheme|Council|Society|Association|"
    r"Solicitors|Energy|Insurance|Airlines|Transport|Construction|Builders|Harriers|Rovers|United|"
    r"Drogerie|Versicherung|Immobilien|Reisen|Catering|Agency|Nursery|Hotel|Supermarkets?)"
)
_TRADE = re.compile(
    rf"(?<!\w)(?:{_TRADE_WORDS}"
    r"(?: (?:de la|du|des|de|d'|[cC]hez|[zZ]um|[zZ]ur|am|[bB]eim|vun der|[oO]p der))?"
    r"(?:[ ](?:& |et |und |a )?[A-ZÀ-Þ][\w'’\-]{1,30}){1,3}"
    rf"|(?:[A-ZÀ-Þ][\w'’\-]{{1,30}}[ ]){{1,3}}{_TRADE_ENDINGS}"
    r"|[A-ZÀ-Þ][\w.\-]{1,30}-(?:Kirche|Kapelle|Halle|Denkmal|Stift|Heim|Hospital|Kita))(?!\w)"
    r"|(?<!\w)(?:[Mm]orbus|maladie de|syndrome de|[Mm]\.)[ ](?:Basedow|Parkinson|Crohn|"
    r"Alzheimer|Bechterew|Scheuermann|Hodgkin|Charcot|Menière)|(?<!\w)(?:Parkinson|Hodgkin|Tourette|Down)"
    r"(?:'s)?(?=,? (?:disease|syndrome|[Aa]lzheimer))"
)
_NAMED_AFTER = re.compile(
    r"(?<!\w)(?:[A-Z][\w'\-.]{1,30} ){1,4}(?:Hospital|(?:Primary |High |Grammar )?School|"
    r"College|Library|Way|"
    r"University|Museum|Foundation|Bridge|Stadium|Award|Act|Building|House|Institute|Academy|"
    r"Room|Review|Inquiry|Scheme|Theatre|Lounge|Foods|(?:Funeral )?Directors|Quay|Wharf|Lecture|"
    r"Airport|Agreement|Convention)(?!\w)"
    # surnames as well, so only after an article
    r"|(?<=[Tt]he )(?:[A-Z][\w'\-.]{1,30} ){1,3}(?:Ward|Hall|Castle|Church|Inn|Arms|Cup|Prize|"
    r"Medal|Report|Trust|Memorial)(?!\w)"
)
_OFFICE_NAME = Sieve(
    rf"(?<![\w])(?:{OFFICE_WORDS})(?: (?:de|du|des|de la|der|des|vun|vun der|of|for|für|fir|d'|"
    rf"the|zu|in)[ ']?)?(?: ?(?:la |le |l'|les )?(?-i:[A-ZÀ-Þ])[\w'\-]+){{0,3}}",
    re.IGNORECASE,
)
_NAMED_PLACE = re.compile(
    r"(?<!\w)(?:lyc[eé]e|[eé]cole|coll[eè]ge|h[oô]pital|clinique|fondation|institut|"
    r"universit[eé]|stade|salle|centre|mus[eé]e|biblioth[eè]que|prix|stiftung|museum|school|"
    r"hospital|university|bridge|pont|loi|(?-i:lex)|schule|surgery|practice|maternit[eé]|harmonie|fanfare|"
    r"gesangverein|pharmacie|apotheke|foyer|gymnasium|klinik|grundschule|haus)"
    r"[ ](?:(?-i:[A-ZÀ-Þ])[\w'\-]+[ ]?(?:de |du |la )?){1,3}|(?-i:[A-ZÄÖÜ])[\w\-]{1,40}-(?:schule|"
    r"gymnasium|stiftung|klinik|krankenhaus|museum|universität|preis|gesetz|institut)(?!\w)",
    re.IGNORECASE,
)


# Streets, squares and schools that honour a person: no name of anybody who matters here.
_HONOURED = re.compile(
    r"(?<!\w)(?:rue|avenue|av\.|boulevard|bd|place|plëss|plaz|platz|all[eé]e|quai|square|impasse|"
    r"chemin|route|cours|esplanade|rond-point|pont|stade|stadion|lyc[eé]e|coll[eè]ge|[eé]cole|"
    r"gymnase|piscine|salle|h[oô]pital|clinique|parc|centre|maison|prix|loi|station|arrêt)[ ]"
    r"(?:du |de la |de l'|de |d')?(?:(?:g[eé]n[eé]ral|mar[eé]chal|docteur|dr\.?|abb[eé]|capitaine|"
    r"pr[eé]sident|professeur|saint|sainte|st\.|ste\.)[ \-])?"
    r"(?:(?-i:[A-ZÀ-Þ])[^\W\d_]+(?:[\-'][^\W\d_]+){0,4}|(?-i:[A-ZÀ-Þ])\.)"
    r"(?:[ ](?:de |d'|von |van )?(?-i:[A-ZÀ-Þ])[^\W\d_]+(?:[\-'][^\W\d_]+){0,4})?"
    # rooms, car parks, churches, and bodies whose name ends in that of a place
    r"|(?<!\w)(?:raum|saal|sall|sitzungszimmer|besprechungsraum|h[öo]rsaal|aula|parking|parkplatz|"
    r"konferenz|halle|kapelle|kierch|pfarrei|st\.?|ste\.?|sankt|santa|hurrican|ouragan|sturm|"
    r"storm|temp[eê]te)[ ](?-i:[A-ZÀ-Þ])[^\W\d_]+(?:[\-'][^\W\d_]+){0,3}"
    r"(?:[ ](?-i:[A-ZÀ-Þ])[^\W\d_]+)?"
    r"|(?<!\w)(?:tribunal|cour|syndicat|communaut[eé]|chambre|conseil|pr[eé]fecture|maison|service|"
    r"caisse|site)(?:[ ](?-i:[a-zà-ÿ])[^\W\d_']{0,14}'?){0,3}[ ](?:de |du |des |de la |d')"
    r"(?-i:[A-ZÀ-Þ])[^\W\d_]+(?:-[^\W\d_]+){0,4}"
    # "Altair V4", "Ricoh IM-C2500", "Bac+3"
    r"|(?<!\w)(?:(?-i:[A-ZÀ-Þ])[^\W\d_]+[ ]){1,2}(?-i:[A-Z]{1,3}-?[A-Z]?)\d{1,4}(?!\w)"
    r"|(?<!\w)(?-i:[A-ZÀ-Þ])[^\W\d_]+\+\d(?!\d)"
    r"|(?<!\w)(?:(?-i:[A-ZÀ-Þ])[^\W\d_.]+(?:[\-'][^\W\d_]+){0,4}[ ]){1,2}(?:Avenue|Road|Street|Way|"
    r"Lane|"
    r"Drive|Close|Square|Gardens|Crescent|Terrace|Park|Stadium|Bridge|School|Hospital|Library|"
    r"Academy|College|Centre|House|Strooss|Schoul)(?!\w)"
    r"|(?<!\w)(?-i:[A-ZÀ-Þ])[^\W\d_]+(?:-[^\W\d_]+){1,3}-(?:Stra(?:ß|ss)e|Str\.|Platz|Allee|Weg|"
    r"Ring|"
    r"Schule|Gymnasium|Stadion|Halle|Haus|Stiftung|Brücke|Ufer|Park|Strooss|Plaz|Grundschule)"
    r"(?!\w)",
    re.IGNORECASE,
)


def find_honoured(text: str) -> list[tuple[int, int]]:
    """Places of clean text that bear the name of a person; a house number makes an address."""
    return [match.span() for match in _HONOURED.finditer(text)]


def find_readable(text: str) -> list[tuple[int, int]]:
    """Spans of clean text that stay readable, in no order."""
    found: list[tuple[int, int]] = []
    for pattern in (
        _LAW,
        _COURT,
        _AMOUNT,
        _OFFICE_NAME,
        _NAMED_PLACE,
        _NAMED_AFTER,
        _THING,
        _DAY,
        _FIRM,
        _TRADE,
    ):
        found.extend(match.span() for match in pattern.finditer(text))
    found.extend(find_office_mailboxes(text))
    found.extend(find_office_lines(text))
    return [span for span in found if span[0] < span[1]]


def find_allowed(text: str, allow: Collection[str]) -> Iterator[tuple[int, int]]:
    """Where an agency's own allowed words stand, whatever their case."""
    for term in allow:
        plain = clean(term).text.strip()
        if plain:
            pattern = rf"(?<!\w){re.escape(plain)}(?!\w)"
            for match in re.finditer(pattern, text, re.IGNORECASE):
                yield match.span()
