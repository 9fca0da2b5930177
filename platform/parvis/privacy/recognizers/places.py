"""Which place is a person's and which an office's: cues that addresses and towns share."""

import re

_LIVING = re.compile(
    r"(?:(?:j'|nous |on |je |il |elle )?(?:habit(?:e|ons|ent|ant|ait|ais)|vi[st]|vivons|r[eé]sid(?:e|ons|ant|ent)|demeur(?:e|ant|ons)|log(?:e|eons))"
    r"(?: (?:actuellement|toujours|maintenant|seule?|depuis [^,.\n]{1,20}))?|"
    r"domicili[eé]e?s?|n[eé]e?s?(?: le [^,.;\n]{6,24})?|originaire|d[eé]m[eé]nag[eé]|"
    r"wohn(?:e|en|t|haft|end)|leb(?:e|en|t)|ans[aä]ssig|geb(?:oren|\.)(?: am [^,;\n]{6,24})?|zieh(?:e|en)|gezogen|"
    r"liv(?:e|es|ing)|resid(?:e|es|ing|ent)|born(?: on [^,;\n]{6,24})?|mov(?:ed|ing)|based|"
    r"wunn(?:en|t|haft)?|liewen|lieft|gebuer(?:en)?(?: (?:den|um|am) [^,;\n]{6,24})?|geplënnert|plënneren|"
    r"geburtsort|lieu de naissance|place of birth|gebuertsuert|wohnort|domicile|wunnuert|wohnsitz)"
    r"[ :,]{1,3}(?:bei |pr[eè]s |près |tout |nach |ginn )?(?:[àa]|au|aux|en|dans|de|d'|in|im|bei|nach|zu|zou|op|um|an|at|near|to|from|ënner)?[ ']?"
    r"(?:la |le |der |d'|dem |der Stad )?\Z",
    re.IGNORECASE,
)
_OWN = re.compile(
    r"(?<!\w)(?:j'habite|habit\w+|mon adresse|ma maison|chez moi|domicili\w+|demeurant|r[eé]sid\w+|wohn\w*|meine (?:neue |alte )?(?:adresse|anschrift|wohnung)|"
    r"i live|liv(?:e|ing) at|my (?:new |old |home )?address|resid\w+|wunn\w*|meng (?:nei )?adress|n[eé]e? |geboren|born|adresse ?:|anschrift ?:|address ?:|"
    r"herr|frau|mme|monsieur|madame|m\.|mr|mrs|ms|h[aä]r|joffer)",
    re.IGNORECASE,
)
OFFICE_WORDS = (
    r"mairie|h[oô]tel de ville|commune|pr[eé]fecture|sous-pr[eé]fecture|minist[eè]re|administration|guichet|bureaux?|si[eè]ge|caisse|agence|tribunal|cour|"
    r"maison communale|centre|service|caf|cpam|urssaf|p[oô]le emploi|france travail|tr[eé]sor public|d[eé]partement|biergercenter|bierger-center|"
    r"rathaus|b[uü]rger(?:amt|b[uü]ro|zentrum|service|haus)|amt|finanzamt|ordnungsamt|standesamt|jobcenter|arbeitsagentur|agentur|ministerium|beh[oö]rde|"
    r"stadtverwaltung|kreisverwaltung|verwaltung|amtsgericht|landgericht|gericht|sozialamt|jugendamt|ausl[aä]nderbeh[oö]rde|zulassungsstelle|dienststelle|kundenzentrum|"
    r"gemeng|gemeinde|gemengenhaus|stad l[eë]tzebuerg|adem|cnap|cns|ccss|snca|guichet\.lu|ministère|ministär|"
    r"town hall|city hall|council|office|ministry|department|court|library|civic centre|headquarters|"
    r"h[oô]pital|klinikum|krankenhaus|hospital|[eé]cole|schule|universit[eé]|universit[aä]t|university|lyc[eé]e|museum|mus[eé]e|stadtbibliothek|biblioth[eè]que"
)
_OFFICE = re.compile(
    rf"(?<![\w])(?:[\w\-]{{0,20}}(?:amt|zentrum|ministerium|behörde|verwaltung|gericht)|{OFFICE_WORDS})(?![\w])",
    re.IGNORECASE,
)


def is_living_cue(text: str, start: int) -> bool:
    """Whether the words right before say that somebody lives or was born here."""
    return _LIVING.search(text[max(0, start - 70) : start]) is not None


def is_office_address(text: str, start: int, end: int) -> bool:
    """Whether an office is named right before or after and nobody is said to live here."""
    before = text[max(0, start - 90) : start]
    cut = max((m.end() for m in re.finditer(r"[.!?;] (?=[A-ZÀ-Þ])|\n\n", before)), default=0)
    before = before[cut:]
    offices = [m.end() for m in _OFFICE.finditer(before)]
    owns = [m.end() for m in _OWN.finditer(before)]
    if offices:
        return not owns or max(owns) < min(offices)
    if owns:
        return False
    after = re.match(r" ?\((?:[^)\n]{0,40})\)", text[end : end + 50])
    return bool(after and _OFFICE.search(after.group()))
