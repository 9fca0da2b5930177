"""Names by who sends, speaks or signs in: display names, speakers of a chat, initials, users."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from parvis.privacy.entities import Label
from parvis.privacy.recognizers.announced import is_number_word
from parvis.privacy.recognizers.base import CUED, LIKELY, Hit, RuleRecognizer
from parvis.privacy.recognizers.lexicon import is_plain_word, is_word
from parvis.privacy.recognizers.places import OFFICE_WORDS
from parvis.privacy.words import FIRST_NAMES, TRUSTED_FIRST_NAMES, fold_name, is_never_a_name

_L = r"[^\W\d_]"
_DISPLAYED = re.compile(
    rf"(?:^|[,;:\n])[ ]?[\"'„“«]?(?P<name>{_L}'?[^\"'<>:;@\n\d]{{2,40}})"
    r"[\"'”»]?[ ]?<(?=[^<>@\s]{1,64}@[^<>@\s]{2,64}>)"
)
# "deej: u goin sat": who speaks more than once in a copied chat
_LINE = re.compile(
    rf"^[ ]{{0,3}}(?P<name>@?{_L}[\w.\-]{{1,24}}(?: {_L}[\w.\-]{{0,24}})?)[ ]?:(?=[ ]\S)",
    re.MULTILINE,
)
_OFFICE = re.compile(rf"(?<!\w)(?:{OFFICE_WORDS}|team|support|gmbh|asbl|ltd)(?!\w)", re.IGNORECASE)
_LEAST_TURNS = 2
_INITIALS = r"(?:(?-i:[A-ZÀ-Þ]{2,3})|(?-i:[A-ZÀ-Þ])\.[ ]?(?-i:[A-ZÀ-Þ])\.)"
_DONE_BY = (
    r"(?:drafted|taken|written|signed|noted|typed|checked|approved|handled|prepared|reviewed|"
    r"completed|seen|logged|entered|recorded|updated|actioned|initialled)[ ](?:by|off by)|"
    r"(?:r[eé]dig[eé]e?|vue?|saisie?|trait[eé]e?|[eé]tablie?|not[eé]e?|valid[eé]e?|sign[eé]e?|vis[eé]e?|"
    r"suivie?|instruite?|enregistr[eé]e?)[ ]par|p/o|"
    r"(?:verfasst|erstellt|aufgenommen|notiert|bearbeitet|gepr[üu]ft|erfasst|gezeichnet|angelegt)"
    r"[ ](?:von|durch)|gez\.|hz\.|sachb\.|"
    r"(?:opgeholl|geschriwwen|not[eé]iert|iwwerpr[eé]ift|ënnerschriwwen|bearbecht)[ ](?:vum|vun)"
)
_SIGNED = re.compile(
    rf"(?<!\w)(?:{_DONE_BY})[ ]?:?[ ]?(?P<name>{_INITIALS}(?:/[a-z]{{2,3}})?)(?![\w\-'])"
    rf"|(?<=[.!?\d] )\((?P<end>{_INITIALS})\)(?=[ .]*(?:\n|\Z))"
    rf"|(?<!\w)(?P<born>(?-i:[A-ZÀ-Þ])\.[ ]?(?-i:[A-ZÀ-Þ])\.)"
    r"(?=,? (?:n[eé]e?|geb(?:oren|\.)|born|gebuer)(?!\w))"
    r"|(?<!\w)(?:thanks|merci|danke|cheers|regards|lg|vg|gr[uü](?:ss|ß)e?|bises|gr[eé]iss)"
    r"[ ]?[,!.]?[ \n](?P<last>(?-i:[A-ZÀ-Þ]))\.?(?=[ \n]*\Z)"
    r"|(?<!\w)(?:frau|herrn?|hr\.|fr\.|mme|mlle|monsieur|madame|mrs|mr|ms|miss|h[aä]r|madamm|joffer)"
    rf"[ ](?P<titled>{_L})\.(?![ ]?{_L}{{2}}(?:{_L}|\.)*(?-i:[A-ZÀ-Þ]))(?=[ ,;:)\n]|\Z)",
    re.IGNORECASE,
)
# what a note ends with: "K. E. B.", "- KL/duty", "/ Stö", "Noted. T."
_LAST_SIGN = re.compile(
    r"(?:\n[ ]*(?P<dotted>(?:[A-ZÀ-Þ]\.[ ]?){1,2}[A-ZÀ-Þ]\.)|"
    r"[.\n][ ]?[-–—/][ ]?(?P<dashed>[A-Z]{2,3})"
    r"(?:/[a-z]{2,10})?|[ ]/[ ]?(?P<short>[A-ZÄÖÜ][a-zäöüé]{1,2})|[.!?\n][ ]?(?P<one>[A-ZÀ-Þ])\.)"
    r"[ \n]*\Z"
)
_CAMEL = re.compile(r"(?<![\w@./\-])(?P<first>[a-zà-ÿ]{3,15})[A-ZÀ-Þ][a-zà-ÿ]{3,20}(?![\w@(]|\.\w)")
# "alle nennen mich Mecki", "si hunn hien Hansi geruff", "they call her Birdie"
_CALLED = re.compile(
    r"(?<!\w)(?:(?:nennt|nennen|nannte[n]?|ruft|rufen|rief(?:en)?)[ ](?:mich|ihn|sie|uns|man)"
    r"(?:[ ](?:alle|nur|immer|auch))?|(?:seet|soen|rifft|ruffen|seeten)[ ](?:mir|him|hir|em|him)"
    r"|[mlt]['’]appel(?:le|lent|ait|aient)(?:[ ](?:tous|tout le monde))?|"
    r"(?:calls?|called|calling)[ ](?:me|him|her)|"
    r"(?:huet|hunn|haten)[ ](?:mech|em|hien|hatt|si|hir)(?=[ ]\w+[ ](?:geruff|genannt)))"
    r"[ ](?P<name>(?-i:[A-ZÀ-Þ])[^\W\d_]{2,20})(?![\w\-])",
    re.IGNORECASE,
)
_OF_A_DAY = re.compile(
    r"(?<!\w)(?:[Hh]errn?|[Ff]rau|Mrs?\.?|Ms\.?|Mme|Madame|Monsieur|H[aä]r|Madamm)[ ]"
    r"(?P<name>Montag|Dienstag|Mittwoch|Donnerstag|Freitag|Samstag|Sonntag|März|Mai|April|August|"
    r"Monday|Friday|Sunday|May|March|June|Lundi|Mardi|Mercredi|Jeudi|Vendredi|Samedi|Dimanche|"
    r"Janvier|Mars|Avril|Juin)(?=[ ]?[,.;:!?)\n]|[ ](?:hat|ist|war|kommt|will|sagte?|und|has|is|"
    r"was|said|and|est|dit|et|a|huet|ass|seet|an)(?!\w))"
)
_GREETED_SMALL = re.compile(
    r"(?:^|[\n>.!?])[ ]{0,3}(?:hi|hey|hiya|hello|hallo|salut|coucou|moien|moin|servus|bonjour)[ ]"
    r"(?P<name>(?-i:[a-zà-ÿ]){3,20})(?![\w\-@.])",
    re.IGNORECASE,
)
# "Gemeldet von: lschoenfelder"
_USER_FIELD = re.compile(
    r"(?:(?:von|vun|par|by|kennung|compte)[ ]?:|(?<!\w)(?:login|user(?:name)?|utilisateur|"
    r"(?:be)?nutzer(?:name)?|benotzer(?:numm)?|identifiant)[ ]?:?)[ ]?"
    r"(?P<name>(?-i:[a-zà-ÿ]{5,20}))(?![\w@.\-])",
    re.IGNORECASE,
)


class SenderRecognizer(RuleRecognizer):
    """Names in the places where messages, notes and systems say who somebody is."""

    labels = (Label.PERSON,)

    def find(self, text: str) -> Iterable[Hit]:
        """Every such name."""
        if "@" in text:
            yield from self._displayed(text)
        yield from self._speakers(text)
        for match in _SIGNED.finditer(text):
            group = match.lastgroup or ""
            if not is_never_a_name(match[group]) or group in ("last", "titled"):
                yield Hit(*match.span(group), Label.PERSON, CUED, "initials")
        for match in _CAMEL.finditer(text):
            if fold_name(match["first"]) in TRUSTED_FIRST_NAMES:
                yield Hit(*match.span(), Label.PERSON, LIKELY, "user_name")
        for match in _USER_FIELD.finditer(text):
            if not is_word(match["name"]) and not is_never_a_name(match["name"]):
                yield Hit(*match.span("name"), Label.PERSON, LIKELY, "user_name")
        last = _LAST_SIGN.search(text, max(0, len(text) - 40))
        if last and last.lastgroup:
            yield Hit(*last.span(last.lastgroup), Label.PERSON, LIKELY, "initials")
        yield from self._called(text)

    def _called(self, text: str) -> Iterator[Hit]:
        """Nicknames, surnames that are days, and first names greeted in small letters."""
        for match in _CALLED.finditer(text):
            if not is_never_a_name(match["name"]):
                yield Hit(*match.span("name"), Label.PERSON, LIKELY, "called")
        for match in _OF_A_DAY.finditer(text):
            yield Hit(*match.span("name"), Label.PERSON, CUED, "title")
        for match in _GREETED_SMALL.finditer(text):
            name = match["name"]
            if fold_name(name) in FIRST_NAMES and not is_never_a_name(name):
                yield Hit(*match.span("name"), Label.PERSON, CUED, "greeting")

    def _displayed(self, text: str) -> Iterator[Hit]:
        for match in _DISPLAYED.finditer(text):
            words = re.findall(rf"{_L}+", match["name"])
            if not _OFFICE.search(match["name"]) and not all(map(is_plain_word, words)):
                end = match.start("name") + len(match["name"].rstrip())
                yield Hit(match.start("name"), end, Label.PERSON, CUED, "display_name")

    def _speakers(self, text: str) -> Iterator[Hit]:
        """Words before a colon that begin several lines, and are no heading of a form."""
        lines = [match for match in _LINE.finditer(text) if _may_speak(match["name"])]
        turns = Counter(match["name"] for match in lines)
        for match in lines:
            if turns[match["name"]] >= _LEAST_TURNS and len(turns) > 1:
                yield Hit(*match.span("name"), Label.PERSON, CUED, "speaker")


def _may_speak(name: str) -> bool:
    words = name.strip("@").split(" ")
    return not any(
        is_never_a_name(word)
        or is_number_word(word)
        or (is_plain_word(word) and fold_name(word) not in FIRST_NAMES)
        for word in words
    )
