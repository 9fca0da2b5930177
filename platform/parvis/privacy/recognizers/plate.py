"""Number plates: those of an unmistakable form anywhere, the short ones after a cue."""

import re
from collections.abc import Iterable

from parvis.privacy.entities import Label
from parvis.privacy.recognizers.base import CUED, LIKELY, Hit, RuleRecognizer, cue, is_cued
from parvis.privacy.words import past_small_word

_ALONE = (
    ("fr_plate", r"(?!SS)(?:[A-HJ-NP-TV-Z]{2})[ \-]\d{3}[ \-](?!SS)[A-HJ-NP-TV-Z]{2}"),
    ("be_plate", r"[1-9][ \-][A-Z]{3}[ \-]\d{3}"),
    ("gb_plate", r"[A-HJ-PR-Y][A-HJ-PR-Y]\d{2} [A-HJ-PR-Z]{3}"),
    (
        "de_plate",
        r"(?!(?:SGB|BGB|EU|EG|CO|PC|ISO|DIN|EN|TV|AB|COVID)-)[A-ZÄÖÜ]{1,3}-[A-Z]{1,2} \d{1,4}[EH]?",
    ),
)
_LONE = [(rule, re.compile(rf"(?<![\w\-])(?:{form})(?![\w\-])")) for rule, form in _ALONE]
_SHORT = re.compile(
    r"(?<![\w\-])(?:[A-Z]{2}[ ]?\d{2}[ \n]?[A-Z]{3}|[A-Z]\d{1,3}[ \n]?[A-Z]{3}|"
    r"[A-ZÄÖÜ]{1,3}[ \-\n]?[A-Z]{1,2}[ \-\n]?\d{1,4}(?:[ ]?[EH])?|[A-Z]{2}[ \n]?\d{3,4}|"
    r"\d{1,4}[ \n]?[A-Z]{2,3}[ \n]?(?:\d{2}|2[AB])|\d{4,5}|[A-Z]{2}[ \-\n]?\d{3}[ \-\n]?[A-Z]{2}|"
    r"[1-9][ \-\n]?[A-Z]{3}[ \-\n]?\d{3}|[A-Z]{1,3}[ \n]?\d{1,4}|"
    r"(?:[A-Z0-9]{1,3}-){2}[A-Z0-9]{1,3})(?![\w\-])",
    re.IGNORECASE,
)
_CUE = cue(
    r"plaque(?: d'immatriculation| min[eé]ralogique)?|immatricul(?:[eé]e?|ation|éiert)|"
    r"num[eé]ro d'immatriculation|v[eé]hicule|voiture|kennzeichen|kfz-?(?:kennzeichen)?|"
    r"autokennzeichen|nummernschild|amtliches kennzeichen|fahrzeug|auto|pkw|"
    r"number ?plate|licen[cs]e ?plate|registration(?: number| plate)?|reg(?:istered)?|vehicle|"
    r"plate|plack|vignette|placken|nummereschëld|immatrikul(?:atioun|éiert)|won|gefier|autosnummer|"
    r"clio|twingo|m[eé]gane|golf|polo|passat|corsa|astra|bmw|audi|mercedes|renault|peugeot|"
    r"citro[eë]n|toyota|skoda|vw|ford|fiesta|focus|fiat|opel|volvo|tesla|dacia|kia|hyundai|nissan|"
    r"seat|mini|camionnette|camion|scooter|moto|motorrad|roller|yamaha|honda|kawasaki|ducati|vespa|piaggio|suzuki|triumph|quad|tracteur|trakter|"
    r"traktor|wohnmobil|camping-?car|caravan|lorry|motorbike|motorcycle|index|mazda|jeep|jaguar|porsche|"
    r"smart|cupra|sprinter|kangoo|berlingo|transit|lkw|transporter|anh[aä]nger|"
    r"remorque|van|truck|car|kombi|immat\.?"
)


class PlateRecognizer(RuleRecognizer):
    """French, Belgian, German and British forms alone; Luxembourg's and short ones after a cue."""

    labels = (Label.LICENSE_PLATE,)

    def find(self, text: str) -> Iterable[Hit]:
        """Every number plate."""
        for rule, pattern in _LONE:
            for match in pattern.finditer(text):
                yield Hit(match.start(), match.end(), Label.LICENSE_PLATE, LIKELY, rule)
        for match in _SHORT.finditer(text) if _CUE.may_stand_in(text) else ():
            start = past_small_word(text, match.start())
            shown = text[start : match.end()]
            if any(char.isdigit() for char in shown) and not re.fullmatch(r"(?:19|20)\d\d", shown):
                if is_cued(text, start, _CUE, reach=50):
                    yield Hit(start, match.end(), Label.LICENSE_PLATE, CUED, "plate_cue")
