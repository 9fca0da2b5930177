"""Births told otherwise than by "born on": the day on which somebody turns an age, a birthday, a
child that arrived, the year that somebody is "of". The year itself may stand elsewhere or nowhere.
"""

import re
from collections.abc import Iterator

from parvis.privacy.sieve import Sieve

MONTH_NAMES = (
    r"janv(?:ier|\.)?|f[eé]v(?:rier|r?\.)?|mars|avr(?:il|\.)?|mai|juin|juil(?:let|\.)?|ao[uû]t|"
    r"sept(?:embre|ember|\.)?|oct(?:obre|ober|\.)?|nov(?:embre|ember|\.)?|d[eé]c(?:embre|ember|"
    r"\.)?|"
    r"jan(?:uar|uary|ner|\.)?|j[aä]nner|feb(?:ruar|ruary|er|\.)?|m[aä]rz|mar(?:ch|\.)?|"
    r"m[aä]erz|mee|apr(?:il|\.)?|abr[eë]ll|may|june?|jul[iy]?|juni|juli|aug(?:ust|\.)?|sep\.?|"
    r"okt(?:ober|\.)?|dez(?:ember|\.)?"
)
_MONTHS = rf"(?:{MONTH_NAMES})(?![^\W\d_])"
_YEAR = r"(?:(?:19|20)\d\d(?!\d)|'\d\d(?!\d))"
_TH = r"(?:er|\.|st|nd|rd|th|te[nr]?|e)?"
# days that have a name
_FEASTS = (
    r"may day|midsummer(?:'s)? (?:day|eve)|easter (?:sunday|monday|day)|good friday|leap day|"
    r"bonfire night|guy fawkes (?:night|day)|twelfth night|valentine's day|michaelmas|"
    r"p[aâ]ques|pentec[oô]te|toussaint|assomption|l'assomption|ascension|mardi gras|"
    r"la chandeleur|saint-sylvestre|f[eê]te nationale|r[eé]veillon|"
    r"karfreitag|oster(?:n|sonntag|montag)|pfingst(?:en|sonntag|montag)|allerheiligen|"
    r"allerseelen|drei ?k[oö]nigs?(?:tag)?|heilige drei k[oö]nige|mari[aä] [a-zäöü]{5,14}|"
    r"nikolaus(?:tag)?|martinstag|martini|leopoldi(?:tag)?|josefi(?:tag)?|johanni(?:stag)?|"
    r"stephan(?:i|s)?tag|fronleichnam|rosenmontag|aschermittwoch|valentinstag|"
    r"nationalfeierdag|kleeschen|kleeserdag|dr[aä]i ?kinneksdag|allerhellgen|ouschter(?:en|sonndeg|"
    r"m[eé]indeg)|p[aä]ischt(?:en|m[eé]indeg)|fuessonndeg|stiefesdag|liichtmëssdag|liichtmëss"
)
# a day with its year or without it
_DAY = (
    rf"(?:\d{{1,2}}{_TH}[ \n\-]?(?:(?:of|de|day of) )?{_MONTHS}(?:,?[ \n\-](?:de )?{_YEAR})?"
    rf"|{_MONTHS}[ \n](?:the )?\d{{1,2}}(?:st|nd|rd|th)?(?!\d)(?:,? {_YEAR})?"
    rf"|\d{{1,2}}[./\-]\d{{1,2}}[./\-](?:(?:19|20)?\d\d(?!\d))?|\d{{1,2}}[./]\d{{1,2}}(?![\d/])"
    rf"|(?:19|20)\d\d-\d\d-\d\d|{_MONTHS}[ \n](?:de )?(?:19|20)\d\d(?!\d)"
    rf"|(?:jour d(?:e la |e l'|e |u )|day of |the )?(?:{_FEASTS}|armistice day|boxing day|"
    rf"christmas(?: (?:day|eve))?|"
    r"new year's (?:day|eve)|halloween|"
    r"no[eë]l|heiligabend|heilig\w*abend|weihnachten|silvester|neujahr\w*|chrëschtdag|nikloosdag|"
    r"la saint-[^\W\d_]+|st\.? [^\W\d_]+'s day)(?:,? (?:de )?(?:19|20)\d\d)?(?!\w))"
    r"(?! ?(?:€|euros?|eur|h |uhr|auer))"
)
_ON = (
    r"(?:(?:le|au|du|ce|un|en|am|dem|den?|im|the|on|on the|in|of|for|seit(?: dem)?|depuis(?: le)?|"
    r"zënter(?: dem)?)[ \n])"
)
_AGE = (
    r"(?:\d{1,3}|(?:un|deux|trois|quatre|cinq|six|sept|huit|neuf|onze|douze|treize|quatorze|quinze|"
    r"seize|drei|vier|fünf|sechs|sieben|acht|neun|zehn|elf|zwölf|dreizehn|vierzehn|fünfzehn|"
    r"sechzehn|siebzehn|dräi|véier|fënnef|siwen|aacht|néng|zéng|eelef|zwielef)(?![^\W\d_\-])|"
    r"dix-huit|vingt|trente|quarante|cinquante|soixante(?:-dix)?|soixante-cinq|"
    r"quatre-vingts?|achtzehn|zwanzig|dreißig|dreissig|vierzig|fünfzig|sechzig|siebzig|achtzig|"
    r"neunzig|fünfundsechzig|siebenundsechzig|uechtzéng|zwanzeg|drësseg|véierzeg|fofzeg|"
    r"siechzeg|siwwenzeg|achtzeg|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|"
    r"thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty-one|thirty|forty|"
    r"fifty|sixty|sixty-five|"
    r"sixty-six|seventy|eighty|ninety)"
)
_A_BIT = r"[^.!?;:\n\d]{0,25}?"
_CHILD = (
    r"(?:b[eé]b[eé]|fils|fille|enfants?|jumeaux|jumelles|petit|petite|petit-fils|petite-fille|"
    r"baby|babies|sohn|tochter|kind|kinder|zwillinge|enkel(?:in|kind)?|kleine[rn]?|nachwuchs|"
    r"son|daughter|twins|child|little (?:one|boy|girl)|grandson|granddaughter|"
    r"bebee|jong|meedchen|duechter|kleng(?:t|en)?|zwillingen|neien?|kand|kanner)"
)
_ARRIVED = (
    r"(?:(?:est|sont|is|was|were|ass|sinn|ist|sind|kam(?:en)?|koum(?:en)?|arrived|has arrived|"
    r"came)(?![^\W\d_])[ ]?(?:bien |enfin |endlich |now |finally )?(?:arriv[eé]e?s?|n[eé]e?s?|"
    r"venue?s? au monde|born|arrived|da|here|ukomm|komm|gekommen|into the world|along)?)"
)
_BIRTHDAY = r"(?:anniversaires?|geburtstag|gebuertsdag|birthday|b-?day|bday)(?![^\W\d_])"
_FORMS = (
    # the age reached: "fête ses 18 ans le", "aura 65 ans le", "j'ai 19 ans depuis le"
    rf"(?:f[eê]t\w{{1,6}}|aur\w{{1,4}}|a|ai|as|ont|avons|eu|atteint|atteindr\w{{1,3}})[ \n]"
    rf"(?:eu )?(?:ses |mes |leurs |tes |l'[aâ]ge de |d[eé]j[aà] |les )?{_AGE} ans"
    rf"(?! d')(?: r[eé]volus)?,?[ \n]{_ON}(?P<a>{_DAY})",
    # "le 3 mai, elle aura 18 ans", "am 30. Oktober bin ich 60 geworden"
    rf"{_ON}(?P<b>{_DAY}),?[ \n](?:(?:j'|il |elle |mon |ma |[^\W\d_]+ ){{0,3}}(?:aura|aurai|"
    rf"ai eu|a eu|"
    rf"f[eê]t\w{{1,6}}) (?:ses |mes )?{_AGE} ans|(?:bin|wird|werde|wurde|ist|war|sinn|ginn|"
    rf"g[eë]tt|gouf)"
    rf"(?: [^\W\d_]+){{0,2}} (?:schon |erst )?{_AGE}(?= ?(?:jahre?(?! in)|joer|geworden|ginn|"
    rf"alt|al|"
    r"[.,;!?)\n]|$)))",
    # "wird am 3. Mai 18", "gëtt den 8. Juni 18 Joer", "wird am ... volljährig"
    rf"(?:wird|werde|werden|wurde|bin|ist|g[eë]tt|ginn|gouf|ass|"
    rf"sinn)[ \n](?:[^\W\d_]+ ){{0,2}}?{_ON}"
    rf"(?P<c>{_DAY}),?[ \n](?:schon |erst |bereits |scho )?(?:{_AGE}(?= ?(?:jahre?(?:[ .,;!?]|"
    rf"$)|joer|"
    r"geworden|ginn|alt|al|[.,;!?)\n]|$))|vollj[aä]hrig|grouss?j[aä]reg)",
    # "vollendet am ... das 65. Lebensjahr"
    rf"(?:vollend\w+|erreich\w+)[ \n]{_ON}(?P<d>{_DAY})[ \n](?:das|sein|ihr|"
    rf"mein)(?:en?)? [^\n]{{0,25}}?"
    r"(?:lebensjahr|alter)",
    # "turns 18 on", "will be 65 on the", "was 60 on", "the age of 66 on", "comes of age on"
    rf"(?:turn(?:s|ed|ing)?|be|was|am|is|are|i'm|reach\w*|age of|aged|celebrat\w+ (?:his|her|"
    rf"my|their)"
    rf"|hit)[ \n]{_AGE}(?:st|nd|rd|th)?(?: years(?: old)?)?[ \n]{_ON}{{1,2}}(?P<e>{_DAY})",
    # the age of majority or of a pension
    rf"(?:com(?:es?|ing) of age|[aâ]ge (?:l[eé]gal|de la retraite)|majorit[eé]|vollj[aä]hrigkeit|"
    rf"rentenalter|pensiounsalter|(?:retirement|"
    rf"pension) age){_A_BIT}[ \n]{_ON}{{1,2}}(?P<f>{_DAY})",
    # "a soufflé ses six bougies le 4 octobre"
    rf"(?:souffl\w{{1,5}}|ausgeblasen|blew out|blowing out)[ \n](?:[^\W\d_]+ ){{0,2}}?(?:{_AGE} )?"
    rf"(?:bougies?|candles?),?[ \n]{_ON}{{1,2}}(?P<k>{_DAY})",
    # birthdays: the day before or after the word, in one sentence
    rf"{_BIRTHDAY}(?! (?:de |du |d'|of |vun |von )(?!mon|ma|mes|notre|son|sa|l'enf|naiss|my|"
    rf"meng|mein))"
    rf"[^.!?;\n\d]{{0,30}}?(?P<g>{_DAY})",
    rf"{_ON}(?P<h>{_DAY})[^.!?;:\n\d]{{0,25}}?(?:\d{{1,3}}(?:\.|th|st|nd|rd|e|er)? )?{_BIRTHDAY}",
    # "her big brother Leo (Halloween 2022)"
    rf"(?:{_CHILD}|brother|sister|fr[eè]re|s(?:œ|oe)ur|bruder|schwester|brudder|schwëster)[ ]"
    rf"(?-i:[A-ZÀ-Þ])[^\W\d_]{{1,20}}(?:-[^\W\d_]{{1,20}})?,? \((?P<l>{_DAY})\)",
    # a child that arrived
    rf"(?<!\w){_CHILD}[ \n](?:[^\W\d_]+ ){{0,2}}?{_ARRIVED}[ \n]{_A_BIT}{_ON}{{1,2}}(?P<i>{_DAY})",
    rf"(?:accouch\w*|entbund\w*|entbindung|gave birth|given birth|give birth|entbonnen|"
    rf"geburt|naissance|birth|gebuert|venue?s? au monde|zur welt gekommen)(?! (?:certificate|rate|"
    rf"der|of the idea))(?![^\W\d_]){_A_BIT}{_ON}{{1,2}}(?P<j>{_DAY})",
)
_BORN_ON = Sieve(
    rf"(?<![^\W_])(?:n[eé]e?s?(?:\(e\))?|geb\.|geboren|born|gebuer(?:en)?)[ ]"
    r"(?:(?:war|ist|wurde|bin|ass|gouf|sinn) (?:(?:sie|er|ich|hien|hatt|si|ech|[A-Z]\w+) )?)?"
    rf"(?:(?:(?<=born )|(?:in|at|à|zu|"
    rf"zou) )(?-i:[A-ZÀ-Þ])[^\W\d_]{{2,25}}(?:[ \-][^\W\d_]{{2,25}}){{0,2}},? ?)?"
    rf"(?:(?<=[ ]){_ON}{{1,2}}|(?<=, ))(?P<a>{_DAY})",
    re.IGNORECASE,
)
# "achter achter achtundachtzig", "am dritten siebten neunzehnhundertvierundsechzig"
_ORDINAL = (
    r"(?:erste|zweite|dritte|vierte|fünfte|fuenfte|sechste|siebte|siebente|achte|neunte|zehnte|"
    r"elfte|zwölfte|zwoelfte|(?:drei|vier|fünf|fuenf|sech|sieb|acht|neun)zehnte|"
    r"(?:(?:ein|zwei|drei|vier|fünf|fuenf|sechs|sieben|acht|neun)und)?(?:zwanzigste|drei(?:ß|"
    r"ss)igste)|"
    r"éischte|zweete|drëtte|véierte|fënnefte|siwente|aachte|néngte|zéngte|eelefte|zwieleften?|"
    r"(?:dräi|véier|fof|siech|siwwen|uecht|non)zéngte|"
    r"(?:(?:een|zwee|dräi|véier|fënnef|sechs|siwen|aacht|néng)an?)?(?:zwanzegste|drëssegste))[rn]?"
)
_ORDINALS = Sieve(
    rf"(?<![^\W_]){_ORDINAL}[ ,.\-]{{1,2}}{_ORDINAL}[ ,.\-]{{1,2}}(?:neunzehn(?:hundert)?|"
    rf"nonzéng(?:honnert)?|"
    r"zweitausend|zweedausend)?(?:[ ]?[^\W\d_]{0,14}(?:und|an?)?(?:zwanzig|zwanzeg|dreißig|"
    r"dreissig|drësseg|"
    r"vierzig|véierzeg|fünfzig|fofzeg|sechzig|siechzeg|siebzig|siwwenzeg|achtzig|achtzeg|neunzig|"
    r"nonzeg)|(?<=tausend)[^\W\d_]{0,12}|(?<=dausend)[^\W\d_]{0,12})(?!\w)",
    re.IGNORECASE,
)
_TOLD = Sieve("|".join(rf"(?:(?<![^\W_]){form})" for form in _FORMS), re.IGNORECASE)
# "Jahrgang 1957", "Jg. 64", "Baujahr 71", "classe 1953", "elle est de 1978", "a 1961 baby"
_YEARS = Sieve(
    r"(?<![^\W_])(?:(?:jahrgang|joergang|jg\.?|baujahr)[ :]{1,2}(?:ist |"
    r"ass )?(?P<a>'?\d\d(?!\d)|(?:19|20)\d\d(?!\d)|[^\W\d_]{3,24}(?:zig|ßig|ssig|zeg|sseg)(?!\w))"
    rf"|(?:(?:il|elle|on) est|je suis|suis|(?:i am|i'm|he is|he's|she is|she's)|(?:er|sie|"
    rf"ich) (?:ist|bin)|"
    rf"(?:ech|si|hien|hatt|hie) (?:ass|sinn|si)(?: jo| och)?)[ ](?:de|d'|vun|vu|from|von|"
    rf"aus)[ ]?(?P<b>(?:{_MONTHS} )?(?:19[2-9]|20[012])\d(?!\d)"
    rf"(?:, (?:le|de|den|am|the) \d{{1,2}}(?:er|\.|th|st|nd|rd)?(?: {_MONTHS})?)?)"
    r"|(?:classe|class of|ann[eé]e)[ ](?P<c>19[2-9]\d)(?!\d)(?=[ ]?(?:[,.;)\n]|$))"
    r"|(?P<d>(?:19[2-9]|20[012])\d(?:er)?)(?=[ ](?:baby|jahrgang|joergang|baujahr))"
    r"|(?:patiente?|usag[eè]re?|dame|monsieur|homme|femme|enfant|mann|frau|kind|"
    r"patient(?:in)?),? de[ ]"
    r"(?P<e>19[2-9]\d)(?!\d)(?=[ ]?(?:[,.;)\n]|$))"
    r"|\(\*[ ]?(?P<f>(?:19|20)\d\d)\))",
    re.IGNORECASE,
)
_EXPECTED = re.compile(r"pr[eé]vu|voraussichtlich|errechnet|termin|due|expected|erwaart", re.I)


def find_told_births(text: str) -> Iterator[tuple[int, int]]:
    """Every day and year that is told to be a birth's or a birthday's."""
    for match in (*_YEARS.finditer(text), *_ORDINALS.finditer(text)):
        yield _only_group(match)
    for match in (*_TOLD.finditer(text), *_BORN_ON.finditer(text)):
        if not _EXPECTED.search(match.group()):
            yield _only_group(match)


def _only_group(match: re.Match[str]) -> tuple[int, int]:
    group = match.lastgroup
    return match.span(group) if group else match.span()
