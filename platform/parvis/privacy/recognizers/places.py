"""Which place is a person's and which an office's: cues that addresses and towns share."""

import re

from parvis.privacy.words import FIRST_NAMES, fold_name, is_never_a_name

_PREPOSITION = (
    r"(?:bei |pr[eè]s |près |tout |nach |ginn )?"
    r"(?:out of|[àa]|au|aux|en|dans|de|in|im|bei|nach|zu|zou|op|um|an|at|near|to|from|ënner|aus|"
    r"vu|vun)"
    r"[ \n]"
    r"(?:la |le |der |dem |der Stad )?"
)
_WHEN = r"(?:(?:[ ,]{1,2}(?:le|am|den|dem|um|on|the)[ \n](?:[^,.;:\n]|\.(?! ?[A-ZÀ-Þ])){4,70}?),?)"
_LIVES_IN = (
    r"(?<!\w)(?:"
    r"(?:habit(?:e|es|ez|ons|ent|ant|ait|ais|[eé])|vi[st]|vivons|vivent|vivant|v[eé]cu|"
    r"r[eé]sid(?:e|es|ons|ant|ent)|"
    r"demeur(?:e|ant|ons)|log(?:e|eons)|domicili[eé]e?s?|originaire|(?:d[eé]|em)m[eé]nag[eé]e?s?|"
    r"wohn(?:e|en|t|te|ten|haft|end)|gewohnt|leb(?:e|en|t|te)|gelebt|stamm(?:e|en|t|te)|"
    r"ans[aä]ssig|zieh(?:e|en)|gezogen|umgezogen|"
    r"(?:am|i'm|is|are|now) (?:now )?back|stud[ié]{1,2}\w{0,4}|zougezunn|"
    r"liv(?:e|es|ed|ing)|resid(?:e|es|ed|ing|ent)|mov(?:ed|ing)|(?:come|comes|came)(?= from)|"
    r"wunn(?:e|en|t|haft)?|gewunnt|liewen|lieft|geplënnert|plënneren)"
    r"(?:[ ](?:ich|wir|er|sie|je|ech|mir|hien|hatt|si|i|we))?"
    r"(?:[ ](?:actuellement|toujours|maintenant|seule?|derzeit|zurzeit|noch|currently|still|"
    r"elo|nach)"
    r"|[ ](?:depuis|seit|zënter|säit|mat|avec|mit|with|bei|chez) [^,.\n]{1,40}|"
    r"[ ][^\W\d_]{1,12}(?: [^\W\d_]{1,12})??)??"
    rf"[ ,\n]{{1,2}}{_PREPOSITION}"
    r"|(?:n[eé]e?s?|geb(?:oren(?:e[rn]?)?|\.)?|born|"
    rf"gebuer(?:en)?){_WHEN}?[ ,\n]{{1,2}}{_PREPOSITION}"
    r"|j'habite[ \n](?=(?-i:[A-ZÀ-Þ][a-zà-ÿ]+)(?![ \n]*\d))"
    r"|(?:wunneng|wohnung|logement|appartement|flat|zëmmer|haus|house)[ ](?:ass|ist|est|is)"
    rf"[ ]{_PREPOSITION}"
    r"|(?:geburtsort|lieu de naissance|place of birth|gebuertsuert|wohnort|domicile|wunnuert|"
    r"wohnsitz|"
    r"ville de r[eé]sidence|wohnhaft|domicili[eé]e?)[ ]?:?[ ]"
    r")"
)
_LIVING_BEFORE = re.compile(_LIVES_IN + r"\Z", re.IGNORECASE)
_BORN_AFTER = re.compile(
    r"\A[ \n](?:ginn )?(?:op d'Welt komm|(?:aus|weg|um|ver|hin|zu)?gezogen|geplënnert|"
    r"erausgeplënnert|gebuer(?:en)?|geboren|zur Welt|wohnhaft|wohnend|"
    r"ans[aä]ssig)(?!\w)",
    re.I,
)
_BEFORE_TOWN = re.compile(r"(?<!\w)(?:in|zu|zou|bei|op|aus|vu|vun|nach)[ \n]\Z", re.IGNORECASE)
_OWN = re.compile(
    r"(?<!\w)(?:j'habite|habit\w+|mon adresse|ma maison|chez moi|domicili\w+|demeurant|"
    r"r[eé]sid\w+|wohn\w*|meine (?:neue |alte )?(?:adresse|anschrift|wohnung)|"
    r"i live|liv(?:e|ing) at|my (?:new |old |home )?address|resid\w+|wunn\w*|"
    r"meng (?:nei )?adress|n[eé]e|né|geboren|born|adresse ?:|anschrift ?:|address ?:|"
    r"mov(?:ed|ing)|(?:um|ein|aus)?zieh\w*|(?:um|ein|aus)?gezogen|geplënnert|[dm]{1,2}[eé]nag\w*|"
    r"claimants?(?:'s)?|defendants?|for service|tenants?|mieter(?:in)?|locataire|patient(?:in|"
    r"e)?|applicant|antragsteller(?:in)?|d\.?o\.?b|"
    r"i|ich|je|ech|we|wir|famil\w*|eheleute|geb|veuve|wwe|zeug(?:e|in)|witness|beschuldigte[rn]?|"
    r"herrn?|frau|mme|monsieur|madame|m\.|mr|mrs|ms|h[aä]r|joffer)(?!\w)",
    re.IGNORECASE,
)
_ENDS = frozenset(" \n")
_LINE = 300
_WITH_DIGIT = re.compile(r"[A-Z]*\d[\dA-Z]*")
OFFICE_WORDS = (
    r"(?:maison )?france services|mission locale|carsat|msa|ccas|cpas|mdph|dreal|chu|ehpad|sdis|"
    r"ofii|sip|ddfip|dgfip|centre des finances publiques|"
    r"ofpra|gendarmerie|commissariat|familienkasse|krankenkasse|polizeiinspektion|mairie|"
    r"h[oô]tel de ville|commune|pr[eé]fecture|sous-pr[eé]fecture|minist[eè]re|"
    r"administration|guichet|bureaux?|si[eè]ge|caisse|agence|tribunal|cour|"
    r"maison communale|maison de (?:la )?justice(?: et du droit)?|maison des? [a-zé]{4,20}|"
    r"bauaufsicht|abteilung|fachbereich|direction|department|bierger-?center|"
    r"centre|service|caf|cpam|urssaf|p[oô]le emploi|france travail|"
    r"tr[eé]sor public|d[eé]partement|biergercenter|bierger-center|"
    r"rathaus|b[uü]rger(?:amt|b[uü]ro|zentrum|service|haus)|amt|finanzamt|ordnungsamt|"
    r"standesamt|jobcenter|jobcentre(?: plus)?|arbeitsagentur|agentur|ministerium|beh[oö]rde|"
    r"stadtverwaltung|kreisverwaltung|verwaltung|amtsgericht|landgericht|gericht|sozialamt|"
    r"jugendamt|ausl[aä]nderbeh[oö]rde|zulassungsstelle|dienststelle|kundenzentrum|"
    r"gemeng|gemeinde|gemengenhaus|stad l[eë]tzebuerg|adem|cnap|cns|ccss|snca|guichet\.lu|"
    r"ministère|ministär|"
    r"town hall|city hall|council(?! tax| house| flat| tenan)|office|ministry|department|court|"
    r"library|civic centre|"
    r"headquarters|hmrc|dwp|dvla|"
    r"h[oô]pital|klinikum|krankenhaus|hospital|[eé]cole|schule|universit[eé]|universit[aä]t|"
    r"university|lyc[eé]e|museum|mus[eé]e|stadtbibliothek|biblioth[eè]que"
)
_OFFICE = re.compile(
    rf"(?<![\w])(?:[\w\-]{{0,20}}(?:amt|zentrum|ministerium|behörde|verwaltung|gericht|"
    rf"geriicht|keess|zenter|verwaltung|kasse)|"
    rf"{OFFICE_WORDS})(?![\w])",
    re.IGNORECASE,
)
# what takes place, and where: a meeting's address is nobody's home
_EVENT = re.compile(
    r"(?<![\w])(?:r[eé]unions?|s[eé]ances?|permanences?|rendez-vous|formation|cours|exposition|"
    r"atelier|"
    r"travaux|chantier|livraison|collecte|march[eé]|se tiendra|se r[eé]uni\w*|trifft sich|"
    r"meets|aura lieu|sprechstunden?|"
    r"sitzung|schulung|"
    r"termin|treffpunkt|veranstaltung|versammlung|ausstellung|kurs|baustelle|findet|tagung|"
    r"training|"
    r"s[ëe]tzung|versammlung|reunioun|chantier|formatioun|rendez-vous|baustell|meeting|hearing|"
    r"appointment|workshop|site visits?|visites?|besichtigung|held at|venue|roadworks|"
    r"exhibition|takes place|salle|saal|sall|hall|gymnase|turnhalle|"
    r"kulturzentrum|centre culturel)(?![\w])",
    re.IGNORECASE,
)
# "The Town Hall, Victoria Street, Luton LU1 2BQ"
_AT_OFFICE = re.compile(rf"(?:the )?(?:{OFFICE_WORDS})(?!\w)(?! stra| str)", re.IGNORECASE)


# "devant le TA de Besançon, 30 rue", "die SVA Zürich an der", "Bestattung Himmelreich, ",
# "The Pensions Ombudsman\n": whoever stands right before the address is no person
_BODY_BEFORE = re.compile(
    r"(?:(?<!\w)(?:(?:la|le|les|devant|der|die|das|dem|beim|zur|the|un|d'|l'|d|vum|vun der|bei der|"
    r"an|to|recours)[ ])?(?-i:[A-ZÄÖÜ]{2,5})(?: (?:de |du |d'|des |of )?(?-i:[A-ZÀ-Þ])[\w'\-]+)?"
    r"|(?<![\w\-])(?:bestattung\w*|beerdigungs\w+|funeral directors?|pompes fun[eè]bres|ombuds\w+|"
    r"m[eé]diateur|defenseur|notariat|kanzlei|solicitors|anwaltskanzlei|stadtwerke|verlag|verein|"
    r"asbl|gmbh|s\.?[àa] ?r\.?l\.?|ltd|limited|plc|e\. ?v\.|gbr|ohg|sarl|authority|commission|"
    r"commissioner|tribunal|registry|agency|trust|institut|chambre|kammer|fondation|stiftung|"
    r"archives?|syndicat|f[eé]d[eé]ration|gewerkschaft|ministeria?l\w*)"
    r"(?: (?:des? |du |d'|of |the |der |für |and |et |und )?(?-i:[A-ZÀ-Þ])[\w'\-]+){0,4})"
    r"(?:[ ]?[,–:(\n][ \n]?|[ ](?:an der|am|in der|im|at|à la|au|à l'|sise?|auf der|op der)[ ])"
    r"(?:\d{1,4}[a-z]?,?[ ](?:[^,\n;.]{3,40},[ \n])?)?\Z",
    re.IGNORECASE,
)
# "Test Valley Borough Council\nBeech Hurst, Weyhill Road"
_BODY = re.compile(
    r"(?:[A-ZÀ-Þ][\w'’\-]*[ ]){1,5}(?:Council|Office|Department|Authority|Agency|University|"
    r"Hospital|"
    r"Library|Ministry|Service)[,\n]"
)


def is_living_cue(text: str, start: int, end: int | None = None) -> bool:
    """Whether the words right before (or after `end`) say that somebody lives or was born here."""
    before = text[max(0, start - 110) : start]
    if end is not None and _BEFORE_TOWN.search(before) and _BORN_AFTER.search(text[end : end + 30]):
        return True
    return before[-1:] in _ENDS and _LIVING_BEFORE.search(before) is not None


def is_small_line(text: str, start: int) -> bool:
    """Whether the line is written without capitals, so that a town may be in small letters too."""
    return line_style(text, start) == "small"


def line_style(text: str, start: int) -> str:
    """Whether the line around is in small letters, in capitals, or mixed; codes do not count."""
    before = text[max(0, start - _LINE) : start].rpartition("\n")[2]
    line = _WITH_DIGIT.sub("", before + text[start : start + _LINE].partition("\n")[0])
    return "small" if line.islower() else "capitals" if line.isupper() else "mixed"


_STREET_WORD = re.compile(
    r"(?<!\w)(?:rue|avenue|av\.|boulevard|bd|place|chemin|impasse|all[eé]e|route|quai|cit[eé]|"
    r"square|cours|"
    r"r[eé]sidence|lotissement|street|st|road|rd|lane|drive|close|court|crescent|gardens?|"
    r"terrace|way|"
    r"grove|walk|mews|hill|row|square|park|view|house|green|cottages?|flat|apt)(?!\w)"
    r"|[^\W\d_]{3,}[\-]?(?:str(?:a(?:ß|ss)e|ooss|oss|\.)?|weg|platz|plaz|gasse|gaass|allee|wee|"
    r"ring|damm|"
    r"ufer|steig|pfad|markt|graben|straat|laan)(?!\w)|(?<!\w)str\.",
    re.IGNORECASE,
)
_CODE = re.compile(r"(?<!\d)\d{4,5}[ ][^\W\d_]|[A-Z]{1,2}\d[A-Z\d]?[ ]?\d[A-Z]{2}", re.IGNORECASE)
_NAME_WORD = re.compile(r"(?<!\w)[^\W\d_]{3,}")
_MEASURE = re.compile(
    r"[.,]\d|[ ]?(?:cm|mm?|km|kg|g|l|%|€|euro|eur|stk|st[uü]ck|jahre|ans|joer|years)(?!\w)", re.I
)
_NO_NAME = re.compile(r".{4,}(?:ung|heit|keit|schaft|tion|tioun|größe|vorlage)\Z", re.IGNORECASE)


def is_like_address(text: str, start: int, end: int) -> bool:
    """Whether a model's address can be one: a lone word and a number need a street word, a
    postcode, or at least no measure behind ("Größe 178 cm", "Wiedervorlage 14.3")."""
    if "\n\n" in text[start:end]:
        return False
    words = _NAME_WORD.findall(text, start, end)
    if len(words) != 1 or _STREET_WORD.search(text, start, end) or _CODE.search(text, start, end):
        return True
    if _MEASURE.match(text, end) or not text[end - 1].isdigit():
        return False
    return not is_never_a_name(words[0]) and not _NO_NAME.match(words[0])


def is_office_word(word: str) -> bool:
    """Whether this word names an office."""
    return _OFFICE.fullmatch(word) is not None


def _is_of_body(text: str, start: int) -> bool:
    """Whether a body or firm is named right before; capitals alone may be a surname."""
    found = _BODY_BEFORE.search(text, max(0, start - 90), start)
    if found is None:
        return False
    shown = found.group()
    acronym = re.match(r"[A-ZÄÖÜ]{2,5}(?![^\W\d_])", shown)
    if acronym is None:
        return True
    # with nothing before it, it must be followed by a town of its own ("TA de Besançon")
    is_name = fold_name(acronym.group()) in FIRST_NAMES
    return not is_name and re.search(r"\b(?:de|du) ", shown) is not None


def is_office_address(text: str, start: int, end: int) -> bool:
    """Whether an office is named right before or after and nobody is said to live here."""
    before = text[max(0, start - 90) : start]
    if _is_of_body(text, start):
        return True
    cut = max((m.end() for m in re.finditer(r"(?<![sS]tr)(?<!St)[.!?;]\s|\n\n", before)), default=0)
    before = before[cut:]
    if _AT_OFFICE.match(text, start, end) or _BODY.match(text, start, end):
        return True
    offices = [m.end() for form in (_OFFICE, _EVENT) for m in form.finditer(before)]
    owns = [m.end() for m in _OWN.finditer(before)]
    if offices:
        return not owns or max(owns) < min(offices)
    if owns:
        return False
    after = re.match(r" ?\((?:[^)\n]{0,40})\)", text[end : end + 50])
    return bool(after and _OFFICE.search(after.group()))
