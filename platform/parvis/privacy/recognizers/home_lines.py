"""Homes that no word of living announces: a house by its name, a flat above a shop, a house number
in words, the town in a line of contacts."""

import re
from collections.abc import Iterator

from parvis.privacy.entities import Label
from parvis.privacy.recognizers.home_fields import Field
from parvis.privacy.recognizers.places import is_office_word, is_small_line
from parvis.privacy.sieve import Sieve
from parvis.privacy.words import FIRST_NAMES, fold_name, is_never_a_name

_L = r"[^\W\d_]"
# in capitals every word looks like a name
_NO_NAME = (
    r"(?!(?:and|und|et|but|with|ring|which|it|is|ist|are|at|est|mais|for|please|bitte|svp|merci|"
    r"she|he|"
    r"they|who|where|you|we|i)(?!\w))"
)
_CAP = rf"{_NO_NAME}(?-i:[A-ZÀ-Þ]){_L}{{0,30}}(?:['\-]{_L}{{1,30}}){{0,4}}"
_NAME = rf"{_CAP}(?: (?:{_CAP}|(?:of|the|y|du|de|des|upon|on|le|la|next)(?= {_L}))){{0,4}}"
_END = r"(?=[ ]?(?:[.,;:!?)\n]|$)|[ ](?:and|but|where|with|since|for|is|has)[ ])"
_WAY = (
    r"(?:lane|road|rd|street|st|close|drive|avenue|ave|hill|row|way|terrace|yard|green|mews|end|"
    r"gate|court|crescent|gardens|place|square|walk|grove|rise|bank|fold|wynd|loan|brae)"
)
_HOUSE = (
    r"(?:cottages?|lodge|barn|granary|rectory|vicarage|forge|mill|farm|farmhouse|grange|manor|"
    r"croft|"
    r"bungalow|schoolhouse|school house|stables?|coach house|gatehouse|toll house|signal box|dairy|"
    r"oast house|orchard|smithy|boathouse|parsonage|manse|homestead|bothy|steading|bakehouse)"
)
_OUT = r"[A-Z]{1,2}\d[A-Z\d]?(?: ?\d[A-Z]{2})?"
_DWELLING = (
    r"(?:flat|apartment|room|bungalow|cottage|house|studio|bedsit|maisonette|caravan|mobile home|"
    r"appartement|logement|chambre|maison|wohnung|zimmer|whg\.?|haus|wunneng|zëmmer)"
)
_NEXT_TO = (
    r"(?:above|over|behind|opposite|next to|after|beside|below|past|au-dessus d[eu]|en face d[eu]|"
    r"derrière|à côté d[eu]|über|hinter|neben|gegenüber|iwwer|hannert|niewent|vis-à-vis vu[nm]?)"
)
_NUMBER_EN = (
    r"(?:(?:one |two |three |four )?hundred(?: and)? ?)?(?:(?:twenty|thirty|forty|fifty|sixty|"
    r"seventy|eighty|ninety)(?:[ \-](?:one|two|three|four|five|six|seven|eight|nine))?|one|two|"
    r"three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh|"
    r"nine)teen)"
)
_ONES_DE = (
    r"(?:ein|eins|eent|zwei|zwee|drei|dräi|vier|véier|fünf|fuenf|fënnef|sechs|sieben|siwen|acht|"
    r"aacht|"
    r"neun|néng)"
)
_NUMBER_DE = (
    rf"(?:{_ONES_DE}?(?:hundert|honnert)(?:und|an)?)?(?:{_ONES_DE}(?:und|an?)(?:zwanzig|zwanzeg|"
    r"dreißig|dreissig|drësseg|vierzig|véierzeg|fünfzig|fofzeg|sechzig|siechzeg|siebzig|siwwenzeg|"
    r"achtzig|achtzeg|neunzig|nonzeg)|zwanzig|zwanzeg|dreißig|dreissig|drësseg|vierzig|véierzeg|"
    r"fünfzig|fofzeg|sechzig|siebzig|achtzig|neunzig|elf|eelef|zwölf|zwielef|zehn|zéng|"
    r"(?:drei|vier|fünf|sech|sieb|acht|neun)zehn|(?:dräi|véier|fof|siech|siwwen|uecht|non)zéng|"
    rf"{_ONES_DE})?"
)
_NUMBER_FR = (
    r"(?:(?:deux[ \-])?cents?[ \-]?)?(?:(?:vingt|trente|quarante|cinquante|soixante|septante|"
    r"huitante|"
    r"nonante|quatre-vingts?)(?:[ \-](?:et[ \-])?(?:une?|deux|trois|quatre|cinq|six|sept|huit|"
    r"neuf|dix|"
    r"onze|douze|treize|quatorze|quinze|seize|dix-sept|dix-huit|dix-neuf))?|deux|trois|quatre|cinq|"
    r"six|sept|huit|neuf|dix|onze|douze|treize|quatorze|quinze|seize|dix-sept|dix-huit|dix-neuf)"
)
_STREET_DE = (
    r"(?:stra(?:ß|ss)e|str\.?|weg|platz|allee|gasse|gaass|ring|damm|ufer|pfad|steig|strooss|wee|"
    r"teich|graben|wall|hof|berg|gang)"
)
# what a form that may begin with any word holds somewhere: without it the form is not tried
_ANCHORS = {
    "house": Sieve(rf"(?<![^\W_]){_HOUSE},", re.IGNORECASE),
    "road": Sieve(r"(?<![^\W_])(?:off|on|along|up|down|beyond|past) the [ABM]\d", re.IGNORECASE),
    "door": Sieve(r"(?<![^\W_])(?:haus-?nummer|haus|nr\.?|nummer) \d", re.IGNORECASE),
    "said": Sieve(rf"(?<![^\W_]){_WAY}, (?:the )?(?:house|number|no\.?)", re.IGNORECASE),
    "spelled": Sieve(
        r"(?<![^\W_])(?:einund|einhundert|eenan|zwei|zwee|drei|dräi|vier|véier|fünf|fuenf|fënnef|"
        r"fof|"
        r"sech|siech|sieb|siw|acht|aacht|uecht|neun|néng|non|elf|eelef|zwölf|zwielef|zehn|zéng|"
        r"zwanz|"
        r"hundert|honnert)",
        re.IGNORECASE,
    ),
}
_ADDRESSES = (
    # "The Granary, Fen End, Over"
    (
        "house",
        Sieve(
            rf"(?<![\w.\-])(?:the |old |new |upper |lower |little )*(?:{_CAP} ){{0,2}}{_HOUSE},[ ]"
            rf"(?:(?:the |la |les? )?{_NAME}, ){{0,2}}(?:the |la |les? )?{_NAME}{_END}",
            re.IGNORECASE,
        ),
    ),
    # "Flat 2, "Kerensa", Back Road West, St Ives, TR26"
    (
        "",
        Sieve(
            rf"(?<![\w.\-])(?:(?:top|basement|ground floor|garden|first floor) )?(?:flat|apt\.?|"
            rf"unit|"
            rf"apartment)(?: ?\w{{1,4}})?,[^.;\n]{{4,70}}?, {_OUT}(?!\w)",
            re.IGNORECASE,
        ),
    ),
    # "flat 3 above the bakery on Mill Lane", "die Wohnung über der Bäckerei in der Hauptstraße"
    (
        "",
        Sieve(
            rf"(?<![\w\-]){_DWELLING}(?: \w{{1,4}})?,? {_NEXT_TO} (?:(?:the|a|la|le|les|der|dem|"
            rf"den|"
            rf"vum|"
            rf"vun der) |l'|d')?(?:{_L}[\w'\-]*,? ){{1,3}}?(?:(?:in|on|at|off|up|down|zu|zou|à|am|"
            rf"op)"
            rf"(?: (?:the|der|dem))?|rue(?: (?:du|des?|de la))?) {_CAP}(?: {_CAP}){{0,3}}"
            rf"(?: \d{{1,4}}[a-d]?)?(?:, (?:called )?{_CAP}(?: {_CAP}){{0,2}}){{0,2}}(?!\w)",
            re.IGNORECASE,
        ),
    ),
    # "the last house on the left up Bunch Lane"
    (
        "",
        Sieve(
            r"(?<![\w\-])(?:last|first|second|third|end|only|white|red|yellow|blue|green|corner|"
            r"big|"
            r"little)"
            rf" (?:house|cottage|bungalow|farm|door|flat|gate)[^.;\n]{{0,40}}? (?:on|up|off|down|"
            rf"along|in|"
            rf"at) (?:the )?(?:{_CAP} ){{1,3}}{_WAY}(?!\w)",
            re.IGNORECASE,
        ),
    ),
    # "Tanglewood, off the B4069"
    (
        "road",
        Sieve(
            rf"(?<![\w.\-]){_CAP}(?: {_CAP}){{0,2}}, (?:just |right )?(?:off|on|along|up|down|"
            rf"beyond|"
            rf"past) the "
            r"(?-i:[ABM]\d{1,4})(?!\w)",
            re.IGNORECASE,
        ),
    ),
    # "rue Michel-Rodange, la maison jaune au 41, Dudelange"
    (
        "",
        Sieve(
            rf"(?<!\w)(?:rue|avenue|boulevard|chemin|route|impasse|allée|place)(?: (?:du|des?|de "
            rf"la))? "
            rf"(?:[dl]')?{_CAP}(?: {_CAP}){{0,3}}, (?:la|le|l'|une?)[ ]?(?:{_L}+ )?(?:maison|"
            rf"immeuble|"
            rf"ferme|"
            rf"porte|bâtiment)[^.;\n]{{0,25}}?(?:au|numéro|n°) ?\d{{1,4}}(?: ?bis| ?ter)?(?:, "
            rf"{_CAP})?",
            re.IGNORECASE,
        ),
    ),
    # "im Alten Pfarrhof zu Guntersblum, Hausnummer 2", "on Mulehouse Road, house number sixty"
    (
        "door",
        Sieve(
            rf"(?<![\w.\-]){_CAP}(?: {_CAP}){{0,2}} (?:zu|in|zou) {_CAP}, (?:haus-?nummer|haus|"
            rf"nr\.?|"
            rf"nummer) "
            r"\d{1,4}[a-d]?(?!\w)",
            re.IGNORECASE,
        ),
    ),
    (
        "said",
        Sieve(
            rf"(?<![\w.\-])(?:{_CAP}, on )?(?:{_CAP} ){{1,3}}{_WAY}, (?:the )?(?:house|number|"
            rf"no\.?)"
            rf"(?: with)?(?: the)?(?: number| no\.?)? (?:\d{{1,4}}[a-d]?|{_NUMBER_EN})(?!\w)",
            re.IGNORECASE,
        ),
    ),
    # "Winzler Str. einhundertsechs, zweiter Stock, in Pirmasens"
    (
        "spelled",
        Sieve(
            rf"(?<![\w.\-])(?:(?:am|im|zum|an der|auf der) )?(?:{_L}[\w.\-]{{2,30}} str(?:aße|asse|"
            rf"ooss|\.)|"
            rf"{_L}{{3,30}}{_STREET_DE}) (?:nummer |nr\.? |nº )?(?={_L})(?!(?:ein|eins|an|"
            rf"und)\b){_NUMBER_DE}"
            rf"(?<=[a-zéë])(?!\w)(?:,? (?:\d\.|{_L}+er|erster|éischten|zweeten) (?:stock|og|stack|"
            rf"etage))?"
            rf"(?:,? (?:in|zu|zou) {_CAP}(?:-{_L}+)*(?: (?:am|an der) {_CAP})?|"
            rf"(?=[ ]?(?:[.,;:!?)\n]|"
            rf"$|in |zu |zou )))",
            re.IGNORECASE,
        ),
    ),
    # "douze de l'impasse Jules-Guesde, à Armentières"
    (
        "",
        Sieve(
            rf"(?<![\w\-]){_NUMBER_FR}(?: bis| ter)?,? (?:(?:de la|du|de l'|dans la|dans l') "
            rf"?)?(?:rue|avenue|"
            rf"boulevard|chemin|route|impasse|allée|place|quai|cité|ruelle|sentier)(?: (?:du|des?|"
            rf"de "
            rf"la))? "
            rf"(?:[dl]')?{_L}[\w'\-]*(?: {_CAP}){{0,3}}(?:,? (?:à|a) {_CAP}|, {_CAP}{_END})?",
            re.IGNORECASE,
        ),
    ),
    # "twenty-two Acacia Road, Bolton"
    (
        "",
        Sieve(
            rf"(?<![\w\-])(?:number |no\.? )?{_NUMBER_EN},? (?:{_CAP} ){{1,3}}{_WAY}(?!\w)"
            rf"(?:,? (?:in )?{_CAP}(?: {_CAP})?{_END})?",
            re.IGNORECASE,
        ),
    ),
)
# "nursery cottage, lower road, stoke ferry, king's lynn"
_SMALL_HOUSE = Sieve(
    rf"(?<![\w.\-])(?:the )?(?:old |new |upper |lower |little )?(?:{_L}[\w']*[ ]){{0,1}}{_HOUSE}, "
    rf"(?:{_L}[\w']* ){{1,2}}{_WAY}(?:, {_L}[\w']*(?: {_L}[\w']*)?){{0,2}}{_END}",
    re.IGNORECASE,
)
# "Jonathan Mootz, Nojem, 691 52 00 78", "Logement : Ottignies – 0491 72 05 36"
_CONTACT = re.compile(
    rf"(?<=[,|·•–—;:/] )(?P<town>{_CAP}(?: (?:sur|am|an der|{_CAP})){{0,2}})[ ]?[,|"
    rf"·•–—;/][ ]{{1,2}}"
    r"(?=(?:(?:t[eé]l|tel|gsm|mobile?|handy|portable|phone|natel|m|t)[.: ]{1,3})?"
    r"(?:\+|\(?0|[2-9]\d{1,2}[ .])[\d .\-/()]{6,}\d|[\w.+\-]{1,64}@)",
)
_LEAST_TOWN = 4


def find_home_lines(text: str) -> Iterator[Field]:
    """Every such address and town, offices' addresses among them."""
    worth = {name for name, anchor in _ANCHORS.items() if any(anchor.finditer(text))}
    forms = (form for name, form in _ADDRESSES if not name or name in worth)
    for form in forms:
        for match in form.finditer(text):
            yield Field(*match.span(), Label.ADDRESS)
    for match in _SMALL_HOUSE.finditer(text) if "house" in worth else ():
        if is_small_line(text, match.start()):
            yield Field(*match.span(), Label.ADDRESS)
    for match in _CONTACT.finditer(text):
        if _is_town(match["town"]):
            yield Field(*match.span("town"), Label.LOCATION)


def _is_town(shown: str) -> bool:
    words = shown.replace("-", " ").split()
    return len(shown) >= _LEAST_TOWN and not any(
        is_never_a_name(word) or is_office_word(word) or fold_name(word) in FIRST_NAMES
        for word in words
    )
