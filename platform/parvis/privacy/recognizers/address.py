"""Postal addresses as they are written in France, Luxembourg, Germany, Belgium, Britain."""

import re
from collections.abc import Iterable, Iterator

from parvis.privacy.entities import Label
from parvis.privacy.recognizers.base import CUED, SURE, Hit, RuleRecognizer
from parvis.privacy.recognizers.coded import find_coded
from parvis.privacy.recognizers.home_fields import find_fields
from parvis.privacy.recognizers.home_lines import find_home_lines
from parvis.privacy.recognizers.homes import find_homes
from parvis.privacy.recognizers.places import (
    is_living_cue,
    is_office_address,
    is_small_line,
)
from parvis.privacy.sieve import Sieve
from parvis.privacy.words import FIRST_NAMES, fold_name, is_never_a_name

_L = r"[^\W\d_]"
# lengths are bounded: an endless chain "A-A-A-" would else be tried in every way of cutting it
_WORD = rf"{_L}(?:{_L}|['\-.](?={_L})){{0,60}}\.?"
_CAP = rf"(?-i:[A-ZÀ-Þ]){_L}{{0,40}}(?:['\-]{_L}{{1,40}}){{0,4}}"
_S = r"[ \n]"
_PLAIN = rf"{_L}(?:{_L}|['\-](?={_L})){{0,60}}"
_TOWN = (
    rf"(?:St\.[ ])?{_PLAIN}(?:[ ](?:sur|sous|lès|les|le|la|en|am|an|der|im|bei|a\.|d\.|upon|"
    r"op|Cedex(?: \d{1,2}(?!\d))?|"
    rf"(?-i:[A-ZÀ-Þ]){_L}{{1,40}}(?:['\-]{_L}{{1,40}}){{0,4}})){{0,3}}(?:{_S}\([^)\n]{{2,20}}\))"
    rf"?(?:{_S}(?:Cedex|"
    rf"CEDEX)(?: \d{{1,2}})?)?"
)
_CODE_TOWN = r"(?:(?:L|F|D|B|FR|LU|DE|BE|CH|NL|A|AT|I|PT)[ \-]{1,3})?"
_CODE_TOWN += rf"\d{{4,5}}(?:-\d{{3}})?(?:[ ]?(?-i:[A-Z]{{2}})(?=[ ]))?{_S}{_TOWN}"
_TYPES = (
    r"rue|avenue|av\.?|boulevard|bd\.?|blvd\.?|place|pl\.|chemin|ch\.|impasse|imp\.|all[eé]es?|"
    r"route|rte\.?|quai|square|cours|mont[eé]e|cit[eé]|sentier|passage|ruelle|faubourg|fbg|"
    r"lotissement|r[eé]sidence|hameau|"
    r"esplanade|rond-point|voie|villa|venelle|promenade|clos|domaine|val|c[oô]te|grand-rue|"
    r"grand'rue|grand-place|rues|duerf|haaptstrooss|dernier sol|knapp|cité|cour|mail(?= d)|parvis|"
    r"lot\.?|sente|rempart|quartier|carrefour|coteau|jardins?|port|vieux chemin|petite rue|"
    r"grande rue|"
    r"porte|galerie|traverse|corniche|berge|levée|ancienne route|vieille route"
)
# what may as well begin the rest of a sentence ("um 8 am Rathaus") needs a comma after the number
_PLACED = r"um|op der|op dem|op de|op|an der|am|beim|bei der|bei|hannert|ënner|zum|auf der|im"
_NUMBER = r"(?!0)\d{1,4}(?:[ \n\-/]?(?:bis|ter|quater|[a-d](?!\w)))?(?:[ ]?[\-/+][ ]?\d{1,4})?"
_EXTRA = (
    r"(?:,?[ \n](?:appt?\.?|appartement|bo[iî]te|bte|bus|b\.p\.|bp|[eé]tage|b[aâ]t(?:iment|"
    r"\.)?|esc(?:alier|\.)?|wohnung|whg\.?|app\.|stock|hinterhaus|og|eg|flat|apartment|c/o|"
    r"r[eé]s(?:idence|\.)?)[ ]?[\w°]{1,6}(?:[ ](?:étage|stock|og))?)?"
)
# words that no street's name goes on with: the sentence does
_GOES_ON = (
    r"et|und|and|an|depuis|seit|since|zënter|pour|für|for|fir|mais|aber|but|mee|avec|mit|with|mat|"
    r"est|ist|is|ass|sont|a|ai|as|ont|hat|has|huet|qui|que|où|wo|where|wou|dont|dans|chez|sans|car|"
    r"je|j|il|elle|on|nous|vous|ich|wir|ech|mir|i|we|sera|serait|était|afin|entre|parce|si|quand|"
    r"lorsque|comme|donc|puis|ainsi|jusqu|vers|par|avant|après|pendant|se|s|ne|n|y|en ce|doit|peut|"
    r"moi|lui|svp|merci|bonjour|tél|tel"
)
_FR = Sieve(
    rf"(?<![\w/.\-])(?<!\d,)(?<!Art\. )(?:{_NUMBER},?[ \n](?:{_TYPES})|"
    rf"{_NUMBER},[ \n](?:{_PLACED}))(?!\w)"
    rf"(?:[ \n]?{_WORD}(?:[ \n]?\d{{1,4}}(?!\d)[ ]?)?){{1,6}}?"
    rf"{_EXTRA}(?:[ ]?[,\-–\n(]{{1,2}}[ \n]{{0,2}}{_EXTRA}{_CODE_TOWN}|"
    rf"[ ]{_CODE_TOWN}|[ ]?,?[ ](?:à|zu|in|at|,)[ ](?-i:[A-ZÀ-Þ]){_TOWN}|(?=[ ]?[,.;:\n)!?|–]|"
    rf"[ ](?:{_GOES_ON})(?!\w)|$))",
    re.IGNORECASE,
)
_DE_SUFFIX = (
    r"(?:stra(?:ß|ss)e|str\.?|weg|platz|allee|gasse|g(?:ä|ae)sschen|ring|damm|ufer|chaussee|"
    r"steig|pfad|markt|graben|wall|stieg|winkel|promenade|str(?:oo|o)ss|wee|gaass|plaz|bierg|"
    r"straat|laan|plein|lei|"
    r"steenweg|dreef|kaai|baan|gracht|singel|kade|dijk|gürtel|zeile|kai|lände|matte?|rain|halde|"
    r"quai|hof|berg|park|anger|kamp|twiete|redder|zeile|siedlung|straße)"
)
# "im Jahr 2019", "am Montag 14", "im Mai 1983"
_NO_STREET = (
    r"(?:jahr|joer|jan|feb|mär|mar|apr|mai|may|mee|jun|jul|aug|sep|okt|oct|nov|dez|dec|sommer|"
    r"winter|herbst|frühling|mo(?:ntag|\b)|di(?:enstag|\b)|mi(?:ttwoch|\b)|do(?:nnerstag|\b)|"
    r"fr(?:eitag|\b)|sa(?:mstag|\b)|so(?:nntag|\b)|alter|zimmer|raum|anhang|anlage|absatz|art|"
    r"[^\W\d_]{3,20}tag\b|haus|bescheid|schreiben|monat|wert|umfang|amt|ez|kg|linie|gebäude|"
    r"erdgeschoss|stock|fall|tag)"
)
_DE = re.compile(
    rf"(?<![\w/.\-])(?:(?:{_CAP}(?:[ \-])){{0,2}}(?:{_L}[\w\-']{{0,30}}{_DE_SUFFIX}|"
    rf"{_CAP}[ ](?-i:S)tr"
    r"(?:aße|asse|ooss|oss|\.))|(?!(?:einer|dieser|meiner|unserer|seiner|ihrer|jeder) )"
    rf"(?:{_L}{{3,30}}er|lange|breite|obere|untere|alte|neue|gro(?:ß|ss)e|"
    rf"kleine) (?:str(?:a(?:ß|ss)e|"
    r"\.)|allee|gasse|weg|platz|ring)|"
    rf"(?-i:S)tr(?:a(?:ß|ss)e|\.) (?:der|des|am|zum|zur|im) {_CAP}(?: {_CAP})?|(?:am|an der|"
    r"an den|im|in der|in den|auf der|auf dem|auf den|zum|zur|unter den|unter der|hinter der|"
    r"hinter dem|vor dem|beim|alte[rn]?|neue[rn]?|gro(?:ß|ss)e[rn]?|kleine[rn]?|obere|untere)"
    rf"[ \n](?!{_NO_STREET}){_CAP}(?:[ ]{_CAP})?)"
    rf"(?:[ \n]{{1,2}}(?:nr\.?[ ])?|,?[ ](?:nr\.?|haus(?:nummer)?)[ ])\d{{1,4}}(?:[ ]?[a-k](?!\w))?"
    rf"(?:[ ]?[\-/][ ]?(?:\d{{1,4}}[a-k]?|[a-kA-K]|(?-i:[IVX]{{1,4}}))(?!\w)){{0,3}}{_EXTRA}"
    rf"(?:[ ]?[,\-–\n(]{{1,2}}[ \n]{{0,2}}{_CODE_TOWN}|"
    rf"[ ](?:in[ ])?{_CODE_TOWN}|[ ]?,?[ ](?:in|zu|te)[ ](?-i:[A-ZÀ-Þ]){_TOWN}|,[ ]{_CAP})?",
    re.IGNORECASE,
)
_GB_SUFFIX = (
    r"(?:street|st|road|rd|lane|ln|avenue|ave|drive|dr|close|cl|court|ct|crescent|cres|gardens|"
    r"gdns|terrace|"
    r"place|way|square|hill|row|mews|grove|walk|green|park|view|house|parade|rise|"
    r"(?-i:Steps|Bank|Brow|Fold|Vale|Heights|Croft|End|Hall|Cottages?|Farm|Mill|Wharf|Quay|Wynd|"
    r"Yard|Passage|Approach|Circus|Common|Gate|Nook|Side|Path|Broadway|Embankment))"
)
_POSTCODE = r"[A-Z]{1,2}\d[A-Z\d]?[ ]?\d[A-Z]{2}"
_POSTCODE_HERE = rf"(?-i:{_POSTCODE})"
_CAP_HERE = rf"[A-ZÀ-Þ]{_L}{{0,40}}(?:['\-]{_L}{{1,40}}){{0,4}}"
_GB = Sieve(
    r"(?<![\w/.\-])"
    rf"(?:(?:flat[ ]\w{{1,4}}|\d{{1,2}}f\d{{1,2}}),?[ ])?\d{{1,4}}(?:/\d{{1,3}})?[a-d]?,?[ \n]"
    r"(?!(?:of|at|in|on|to|"
    r"(?-i:the)(?! (?:close|green|crescent|square|grove|mews|lane|paddocks?|lawns?|drive))|"
    r"and|or|for|from|by|[ap]m|days?|weeks?|months?|years?)[ \n])"
    rf"(?:{_WORD}[ \n]){{1,3}}?{_GB_SUFFIX}(?!\w)"
    rf"\.?(?:[ ]?[,\n][ \n]?{_CAP}(?:[ \-]{_CAP}){{0,2}}){{0,3}}"
    rf"(?:[ ]?[,\n]?[ \n]?(?:{_POSTCODE}|[A-Z]{{1,2}}\d[A-Z\d]?)(?!\w))?",
    re.IGNORECASE,
)
_ALONE = re.compile(
    r"(?:(?<=\n)|(?<=, )|^)[ ]?(?P<place>(?:(?:L|F|D|B|FR|LU|DE|BE)"
    rf"[ \-]{{1,3}})?\d{{4,5}} {_CAP}(?:[ ](?:sur|am|an der|im|la|le|"
    rf"(?-i:[A-ZÀ-Þ]){_L}+)){{0,3}})[ ]?(?=\n|$|,)",
    re.MULTILINE,
)
_LU_CODE = Sieve(rf"(?<![\w])L[ \-]{{1,2}}\d{{4}}{_S}{_TOWN}", re.IGNORECASE)
_CODE = Sieve(
    rf"(?<![\w,.])\d{{4,5}}{_S}(?-i:[A-ZÀ-Þ]){_L}+(?:['\-]{_L}+)*(?:{_S}(?:sur|am|an der|im|"
    rf"(?-i:[A-ZÀ-Þ]){_L}+)){{0,2}}",
    re.IGNORECASE,
)
_GB_CODE = re.compile(rf"(?<!\w){_POSTCODE}(?!\w)")
_BUILDING = (
    r"(?:r[eé]sidence|r[eé]s\.|lotissement|immeuble|b[aâ]t(?:iment|\.)?|appt?\.?|appartement|"
    r"esc(?:alier|\.)?|lieu-dit|hameau|domaine|tour|wohnung|whg\.?|haus|block|flat|unit|apt\.?|"
    r"apartment|c/o|p/a|chez(?! (?:moi|nous|lui|elle|eux|ma|mon|mes|sa|son|ses|leurs?) ?)|"
    r"villa|ch[aâ]teau|ferme|moulin|mas|foyer|porte|entr[eé]e|[eé]tage|"
    r"hinterhaus|vorderhaus|hof|gut|studio|room|zimmer|chambre|(?:the )?old|p\.?o\.? box|postfach|"
    r"bp|ortsteil|stadtteil|stiege|hs\. ?-?nr\.|haus-?nr\.)"
)
# "Résidence Les Pins, bât. C, 25 rue ...": building and flat before the number belong to it
_BUILDING_BEFORE = re.compile(
    rf"(?<!\w){_BUILDING}[ \n][^,;:.\n]{{1,30}}[,\n][ \n]?"
    rf"(?:{_BUILDING}[ ][^,;:\n]{{1,20}}[,\n][ \n]?){{0,3}}\Z"
    rf"|(?<!\w)(?:(?:block|flat|unit|apt)[ ]\w{{1,4}},? )?{_CAP}[ ](?:house|court|lodge|mansions|"
    rf"tower|"
    r"flats|buildings)[,\n][ \n]?\Z",
    re.IGNORECASE,
)
# what says which flat or door: "3e étage gauche", "Whg. 12 links", "c/o Weber", "bât. Les Pins"
_DETAIL = (
    r"(?:[ ]?(?:n[°º]|nr\.?|no\.?)?[ ]?(?:[A-Za-z]?\d{1,4}[A-Za-z]?(?!\w)|gauche|droite|links|"
    r"rechts|mitte|"
    r"left|right|front|rear|face|porte|appt?\.?|appartement|app\.?|wohnung|whg\.?|t[uü]r|lénks|"
    r"riets|"
    r"étage|etage|stock|og|(?-i:[A-ZÀ-Þ][^\W\d_]{0,25}|(?:le|la|les|des|du|de|"
    r"von)(?=[ ][A-ZÀ-Þ])))(?!\w)){0,4}"
)
# "..., bât. C, esc. 2, 3e étage gauche, 57070 Metz": the same after the street, then the town
_INSIDE = (
    r"(?:b[aâ]t(?:iment|\.)?|appt?\.?|appartement|app\.?|esc(?:alier|\.)?|porte|bo[iî]te|bte|bus|"
    r"bp|b\.p\.|c/o|lieu-dit|hameau|wohnung|whg\.?|hinterhaus|vorderhaus|seitenfl[uü]gel|"
    r"aufgang|eingang|flat|"
    r"apt\.?|room|floor|[eé]tage|r[eé]sidence|r[eé]s\.|rdc|rez-de-chauss[eé]e|erdgeschoss|eg|"
    r"\d{1,2}(?:e|er|[eè]me|\.|st|nd|rd|th)?[ ]?(?:[eé]tage|stock|og|obergeschoss|floor|stack)|"
    r"(?:premier|deuxi[eè]me|troisi[eè]me|quatri[eè]me|cinqui[eè]me|dernier)[ ][eé]tage|"
    r"au[ ]\d{1,2}(?:e|er|[eè]me))(?!\w)" + _DETAIL
)
_REST = re.compile(
    rf"(?:[ ]?[,\n\-–/]?[ ]?{_INSIDE}){{0,4}}"
    rf"(?P<town>[ ]?[,\-–\n(]{{0,2}}[ \n]{{0,2}}{_CODE_TOWN})?",
    re.IGNORECASE,
)
_IN_TOWN = re.compile(
    r",?[ ](?:à|zu|in|at)[ ][A-ZÀ-Þ][^\W\d_]+(?:[\-][^\W\d_]+)*(?=[ ]?(?:[.,;:!?)\n]|$))"
)
# "9 Cité Pierre Braun, Lëntgen": a last word behind the street, and before it ("Péiteng, 14 rue")
_COMMA_TOWN = re.compile(rf",[ ](?P<town>{_CAP_HERE})(?=[ ]?(?:[.;:!?)\n,]|$))")
_SMALL_COMMA_TOWN = re.compile(
    rf",[ ](?!(?:depuis|seit|since|near|next|just|chez|bei|mit|mat|avec|"
    rf"with)[ ]){_L}{{4,40}}(?:-{_L}{{1,40}}){{0,4}}"
    r"(?=[ ]?(?:[.,;:!?)\n]|$)|[ ](?:for|since|and|but|with|depuis|seit|et|und|mit|avec|mais|aber|"
    r"an|zënter|where)[ ])"
)
_TOWN_BEFORE = re.compile(rf"(?::|(?<!\w)(?:in|zu|zou|à))[ ](?P<town>{_CAP_HERE}),[ ]\Z")
_PO_BOX = Sieve(
    r"(?<![\w.])(?:bp|b\.[ ]?p\.|cs|postfach|p\.?[ ]?o\.? box|bo[iî]te postale|case postale)"
    rf"[ ]\d[\d ]{{0,9}}\d?[ ]?[,\n\-][ \n]?(?:{_CODE_TOWN}|"
    rf"{_PLAIN}(?:[ ]{_PLAIN}){{0,2}},?[ ]{_POSTCODE})",
    re.IGNORECASE,
)
# "The Old Rectory, Church Lane, Little Bampton LB4 2QT"
_GB_LINES = re.compile(
    rf"(?<![\w.\-])(?:(?:The )?{_CAP_HERE}(?:[ ]{_CAP_HERE}){{0,3}}[ ]?[,\n][ ]?){{1,4}}"
    rf"{_CAP_HERE}(?:[ \-]{_CAP_HERE}){{0,2}},?[ \n]{_POSTCODE_HERE}(?!\w)"
)
# "Kilmore, Ballybay, Co. Monaghan": townlands of Ireland have no street
_COUNTY = re.compile(
    rf"(?<![\w.\-])(?:(?:the )?(?:\d{{1,4}} )?{_PLAIN}(?: {_PLAIN}){{0,2}}, "
    rf"(?:(?:just )?(?:beyond|past|near|behind|beside|off|by|above|below|opposite)(?: "
    rf"{_PLAIN}){{1,4}}, )?)"
    rf"{{1,4}}"
    r"(?:co\.?|county) (?:antrim|armagh|carlow|cavan|clare|cork|derry|donegal|down|dublin|"
    r"fermanagh|galway|kerry|kildare|kilkenny|laois|leitrim|limerick|longford|louth|mayo|meath|"
    r"monaghan|offaly|roscommon|sligo|tipperary|tyrone|waterford|westmeath|wexford|wicklow|durham)"
    r"(?!\w)",
    re.IGNORECASE,
)
# "The Old Forge, Pound Lane, Nether Wallop": a house with a name, where somebody is or alone
_HOUSE_LINE = re.compile(
    rf"(?:^|(?:of|at|from|to|address:?|is|home:?) )(?P<place>(?:(?:The )?{_CAP_HERE}"
    rf"(?: {_CAP_HERE}){{0,3}}, )(?:{_CAP_HERE} ){{1,3}}(?:Lane|Road|Street|Close|Drive|Avenue|"
    rf"Hill|"
    rf"Row|Way|Terrace|Yard|Green|Mews)(?:, {_CAP_HERE}(?: {_CAP_HERE}){{0,2}}){{1,2}})"
    r"(?=[ ]?(?:[.,;:)\n]|$))",
    re.MULTILINE,
)
# "in der Bahnhofstraße 4": the preposition belongs to the sentence, not to the street
_IN_STREET = re.compile(
    rf"(?:in|an|auf)[ ](?:der|den|dem)[ ](?={_L}+{_DE_SUFFIX}(?!\w))", re.IGNORECASE
)
_SMALL_TOWN_AFTER = re.compile(
    rf",?[ ](?:in|à|a|zu|zou|at)[ ](?:(?:bad|sankt|st\.?|saint|neu|alt|le|la|les|new|"
    rf"great) )?{_L}{{3,40}}(?:-{_L}{{1,40}}){{0,3}}"
)
# "7, Lannenallee, L-4040 Esch": the German way of streets with the number before
_LU = Sieve(
    rf"(?<![\w/.\-])(?<!\d,){_NUMBER},?[ \n](?:{_CAP}[ \-]){{0,2}}{_L}{{2,30}}(?:strooss|"
    rf"stroos|stross|"
    r"stra(?:ß|ss)e|wee|gaass|plaz|allee|bierg|gronn|pad|weier|heck|feld|duerf|knapp)(?!\w)",
    re.IGNORECASE,
)
_BE_FR = Sieve(
    r"(?<!\w)(?:chauss[eé]e|rue|avenue|boulevard|place|dr[eè]ve|square|"
    rf"quai){_S}(?:{_PLAIN}{_S}){{1,5}}?"
    rf"\d{{1,4}}{_EXTRA}[ ]?,?[ \n]{{1,2}}{_CODE_TOWN}",
    re.IGNORECASE,
)
_EDGE = " ,;.\n-("
# in capitals, words of the sentence look like words of the street
_NOT_STREET = frozenset(
    (
        "ich wir wohne wohnt wohnen wohnhaft wohnung ist adresse anschrift die das meine neue in et"
        " wunnt wunnen wunnhaft ass op au at and postcode i of out moved from résidant réside to is"
        " habite j'habite lives live living now richtig adress address my new the register our bis"
        " elo demeurant domicilié domiciliée er sie hien si he she lautet gezogen nach geboren mir"
    ).split()
)


def _past_sentence(text: str, start: int, end: int) -> int:
    for word in re.finditer(r"([^\s,]+),?\s+", text[start:end]):
        shown = word[1].casefold()
        starts_name = shown in ("the", "in", "die", "neue") and not text[start:end].isupper()
        if shown not in _NOT_STREET or (starts_name and word[1][0].isupper()):
            return start + word.start()
    return start


class AddressRecognizer(RuleRecognizer):
    """From house number to town in one span; an office's address stays readable."""

    labels = (Label.ADDRESS, Label.LOCATION)

    def find(self, text: str) -> Iterable[Hit]:
        """Every address that is not an office's, and the town where somebody lives."""
        yield from self._streets(text)
        yield from self._lines(text)
        for start, end in find_coded(text):
            yield from self._address(text, start, end, "coded_place")
        for place in find_homes(text):
            rule = "town_cue" if place.label is Label.LOCATION else "home_street"
            yield Hit(place.start, place.end, place.label, SURE, rule)
        for start, end, label in find_home_lines(text):
            if not is_office_address(text, start, end):
                is_town = label is Label.LOCATION
                last = end if is_town else _grown_end(text, start, end)
                yield Hit(start, last, label, CUED, "contact_town" if is_town else "house_line")
        for field in find_fields(text):
            yield Hit(*field, SURE, "home_field")

    def _lines(self, text: str) -> Iterator[Hit]:
        """Addresses without a street and a number side by side."""
        for pattern, group, rule in (
            (_ALONE, "place", "postcode_line"),
            (_LU_CODE, 0, "lu_postcode"),
            (_PO_BOX, 0, "box_or_house"),
            (_GB_LINES, 0, "box_or_house"),
            (_COUNTY, 0, "box_or_house"),
            (_HOUSE_LINE, "place", "house_line"),
        ):
            for match in pattern.finditer(text):
                yield from self._address(text, *match.span(group), rule)
        for pattern in (_CODE, _GB_CODE):
            for match in pattern.finditer(text):
                if is_living_cue(text, match.start()):
                    yield from self._address(text, *match.span(), "postcode_cue")

    def _streets(self, text: str) -> Iterator[Hit]:
        if not any(char.isdigit() for char in text):
            return
        for pattern, rule in (
            (_FR, "street"),
            (_BE_FR, "boulevard"),
            (_LU, "lu"),
            (_DE, "strasse"),
            (_GB, "gb"),
        ):
            for match in pattern.finditer(text):
                yield from self._address(text, match.start(), match.end(), rule)

    def _address(self, text: str, start: int, end: int, rule: str) -> Iterator[Hit]:
        end = _grown_end(text, start, start + len(text[start:end].rstrip(_EDGE)))
        start = _past_sentence(text, _grown_start(text, start, end), end)
        if not is_office_address(text, start, end):
            yield Hit(start, end, Label.ADDRESS, CUED, f"address_{rule}")


def _grown_end(text: str, start: int, end: int) -> int:
    """With flat, floor, postcode and town behind the street."""
    is_small = is_small_line(text, start)
    town = _SMALL_TOWN_AFTER.match(text, end) if is_small else None
    end = town.end() if town else end
    rest = _REST.match(text, end)
    end += len(rest.group().rstrip(_EDGE)) if rest else 0
    in_town = _IN_TOWN.match(text, end) or _COMMA_TOWN.match(text, end)
    if in_town and fold_name(in_town.group().strip(" ,")) in FIRST_NAMES:
        in_town = None
    if in_town is None and is_small:
        in_town = _SMALL_COMMA_TOWN.match(text, end)
    return in_town.end() if in_town and not is_never_a_name(in_town.group()) else end


def _grown_start(text: str, start: int, end: int) -> int:
    """With building and town before the street, without "in der"."""
    before = _BUILDING_BEFORE.search(text, max(0, start - 90), start)
    start = before.start() if before else start
    town = _TOWN_BEFORE.search(text, max(0, start - 50), start)
    start = town.start("town") if town else start
    inner = _IN_STREET.match(text, start, end)
    return inner.end() if inner else start
