"""How towns and streets are written: the words of a text, read for where a place begins and ends.

Which places are homes is decided in `homes`.
"""

import re
from collections.abc import Sequence
from importlib.resources import files
from typing import NamedTuple

from parvis.privacy.entities import Label
from parvis.privacy.recognizers.places import line_style
from parvis.privacy.words import is_never_a_name

_TOKEN = re.compile(
    r"\d+(?:[./:\-]\d+)*(?:[a-z]{1,3}(?!\w))?|(?<!\w)(?:[cdjlmnst]|qu)'(?=[^\W\d_])"
    r"|[^\W\d_]+(?:[\-'][^\W\d_]+)*|[^\w\s]",
    re.IGNORECASE,
)
_SHORTEST_TOWN = 3
_IN_STREET_NAME = frozenset("am im zum zur um beim".split())
# with an article inside, or before streets only: no town follows ("am Hof", "um Internet")
_NO_TOWN_AFTER = frozenset("am um im au aux on dans bei".split())
_TOWN_STARTS = frozenset(
    "st ste saint sainte sankt bad le la les new neu alt great little upper lower north south"
    " east west port ober unter groß klein el los den 's stadt newcastle".split()
)
_WHOLE_TOWNS = frozenset("newcastle stadt port".split())
_WITHIN_TOWN = frozenset("sur sous lès les en am an der im ob upon on under of a d i".split())
_ABSTRACT = re.compile(r".{3,}(?:ung|heit|keit|schaft|nis|tum|tion|ismus|ität|ment|ness|ance)\Z")
_SUFFIX = re.compile(
    r".{2,}(?:stra(?:ß|ss)e|str|stroo?ss|strooss|gasse|gaass|gässchen|platz|plaz|allee|chaussee|"
    r"[a-zäöüß-]{2}weg|wee|damm|ufer|pfad|steig|zeile|siedlung|straat|laan|steenweg|plein)\Z"
)
STREETS_FR = frozenset(
    "rue avenue av boulevard bd impasse allée chemin quai cité ruelle venelle sentier passage"
    " chaussée résidence lotissement".split()
)
_STREETS_EN = frozenset(
    "street road lane avenue drive close crescent terrace grove gardens mews square way".split()
)
_STREET_WORDS = _STREETS_EN | {"str", "straße", "strasse"}
_PARTICLES = frozenset("de du des d' de la le les l' aux au à van von".split())
# what is counted, so that the number before it is no house's
_UNITS = frozenset(
    "weeks week wochen woche semaines wochen ago hours stunden jours kilometres km minutes minuten"
    " jahre jahren ans an mois monate months years days tage jours euro euros € % kinder enfants"
    " kids children joer méint personnes personen people uhr h heures auer . :".split()
)
_SAID = frozenset(
    "un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize vingt"
    " eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf one two three four five six"
    " seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen"
    " nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred eent zwee dräi véier"
    " fënnef siwen aacht néng zéng eelef zwielef trente quarante cinquante soixante cent".split()
)
_SAID_JOINED = re.compile(
    r"(?:ein|zwei|drei|vier|fünf|sechs|sieben|acht|neun|und|hundert|zehn|elf|zwölf|sech|sieb|"
    r"dreißig|"
    r"zwanzig|zig|véier|fënnef|siech|siwwen|an|honnert|zéng|zwanzeg|drësseg|zeg){2,8}"
)
_NUMBER = re.compile(r"\d{1,4}(?:[/\-]\d{1,4})*[a-z]?\Z")
_CODE = re.compile(r"\d{4,5}\Z")
_YEAR = re.compile(r"(?:18|19|20)\d\d")
_NUMBER_SIGN = frozenset("nr no n n° numéro nummer number haus hausnummer".split())


class Word(NamedTuple):
    """A word, number or sign of a text, with the form by which word lists know it."""

    start: int
    end: int
    text: str
    key: str


class Place(NamedTuple):
    """A town or street and how many words it takes."""

    start: int
    end: int
    label: Label
    last: int


def load_home_words() -> dict[str, frozenset[str]]:
    """The groups of `data/home_words.txt`."""
    text = files("parvis.privacy").joinpath("data", "home_words.txt").read_text(encoding="utf-8")
    groups: dict[str, list[str]] = {}
    name = ""
    for line in text.splitlines():
        if line.endswith(":"):
            name = line[:-1]
        elif not line.startswith("#"):
            groups.setdefault(name, []).extend(line.split())
    return {name: frozenset(words) for name, words in groups.items()}


WORDS = load_home_words()
# words by which people say that they live, move, come or are somewhere
STARTS = frozenset().union(
    *(WORDS[g] for g in ("live", "move", "come", "former", "people", "kin", "home", "with"))
)


def read_words(text: str) -> list[Word]:
    """The words, numbers and signs of clean text."""
    return [Word(*m.span(), m.group(), m.group().casefold()) for m in _TOKEN.finditer(text)]


class Reader:
    """The words of one text, and the place that begins at any of them."""

    def __init__(self, text: str, words: Sequence[Word]) -> None:
        self.text = text
        self.words = words

    def key(self, at: int) -> str:
        """The word by which lists know it; "" beyond the text."""
        return self.words[at].key if 0 <= at < len(self.words) else ""

    def place(self, at: int, preposition: str) -> Place | None:
        """The street or town that begins here, articles skipped."""
        start = at
        while at < len(self.words) and at < start + 2 and self.key(at) in WORDS["articles"]:
            if self.words[at].text[0].isupper() and not self.words[at].text.isupper():
                break
            at += 1
        street = self.street(at)
        has_article = at > start or preposition in _NO_TOWN_AFTER
        if street is not None and (has_article or street.last > at):
            return street
        if has_article:
            numbered = self.town(at, preposition)
            if numbered is None or numbered.label is Label.LOCATION:
                return None
            if _YEAR.fullmatch(self.key(numbered.last)):
                return None  # "am Leopolditag 1931"
            named_so = preposition in _IN_STREET_NAME and at == start
            return numbered._replace(start=self.words[at - 1].start) if named_so else numbered
        return self.town(at, preposition)

    def town(self, at: int, preposition: str) -> Place | None:
        if at >= len(self.words):
            return None
        start = at
        if _CODE.match(self.key(at)) and self._touches(at, at + 1):
            at += 1
        first = self.words[at]
        style = line_style(self.text, first.start)
        if not first.text[0].isalpha() or (style == "mixed" and not first.text[0].isupper()):
            return None
        if first.key not in _TOWN_STARTS and self._is_no_town(first, preposition, style):
            return None
        last = self._town_end(at, style)
        if last == at and first.key in _TOWN_STARTS - _WHOLE_TOWNS:
            return None
        numbered = self._past_number(last)
        label = Label.LOCATION if at == start and numbered == last else Label.ADDRESS
        return Place(self.words[start].start, self.words[numbered].end, label, numbered)

    def _is_no_town(self, word: Word, preposition: str, style: str) -> bool:
        if word.key in WORDS["towns"]:
            return False
        return (
            len(word.text) < _SHORTEST_TOWN
            or word.key in WORDS["not_towns"]
            or word.key in WORDS["ends"]
            or word.key in WORDS["articles"]
            or is_never_a_name(word.text)
            or (style != "mixed" and word.key in STARTS)
            or (preposition in ("in", "im", "bei", "zu") and bool(_ABSTRACT.match(word.key)))
        )

    def _town_end(self, at: int, style: str) -> int:
        """The last word of a town's name: "Bad Dürkheim", "Esch an der Sauer", "St. Wendel"."""
        last = at
        if self.key(at) in _TOWN_STARTS:
            step = 2 if self.key(at + 1) == "." else 1
            if self.key(at + step)[:1].isalpha():
                last = at + step
        linked = self._linked_end(last)
        if linked == at and style == "mixed" and self._is_second_name(at + 1):
            return at + 1
        return linked

    def _linked_end(self, last: int) -> int:
        """Past " sur Alzette", " an der Sauer"."""
        at = last + 1
        while self.key(at) in _WITHIN_TOWN and at < last + 3 and self._touches(at - 1, at):
            at += 1
        is_linked = last + 1 < at < len(self.words) and self._goes_on(self.words[at])
        return at if is_linked else last

    def _is_second_name(self, at: int) -> bool:
        """ "Hebden Bridge": two words with capitals."""
        if not self._touches(at - 1, at):
            return False
        word = self.words[at]
        is_name = word.text[:2].istitle() and not is_never_a_name(word.text)
        return is_name and word.key not in WORDS["not_towns"]

    def _goes_on(self, name: Word) -> bool:
        """Whether a town's name goes on with this word; "Konz an der Poststraße" has two."""
        is_street = _SUFFIX.match(name.key) or name.key in STREETS_FR
        return name.text[0].isupper() and name.key not in WORDS["not_towns"] and not is_street

    def _touches(self, left: int, right: int) -> bool:
        if right >= len(self.words):
            return False
        return self.text[self.words[left].end : self.words[right].start] in (" ", "\n")

    def street(self, at: int) -> Place | None:
        if at >= len(self.words):
            return None
        end = self._street_end(at)
        if end is None:
            return None
        end = self._past_number(end)
        start = self.words[at].start
        return Place(start, self.words[end].end, Label.ADDRESS, end)

    def _street_end(self, at: int) -> int | None:
        """The last word of a street's name, or None where none begins."""
        if self.key(at) in WORDS["home"] | WORDS["now"]:
            return None
        return self._french_end(at) if self.key(at) in STREETS_FR else self._named_end(at)

    def _french_end(self, at: int) -> int | None:
        """ "rue", particles, a word, and words with capitals."""
        end = at + 1
        while self.key(end) in _PARTICLES:
            end += 1
        if end > at + 4 or not self.key(end)[:1].isalpha():
            return None
        while self._touches(end, end + 1) and self.words[end + 1].text[0].isupper():
            end += 1
        return end

    def _named_end(self, at: int) -> int | None:
        """Up to three words of which the last says that it is a street."""
        is_mixed = line_style(self.text, self.words[at].start) == "mixed"
        for end in range(at, min(at + 3, len(self.words))):
            word = self.words[end]
            if not word.text[0].isalpha() or (end > at and not self._touches(end - 1, end)):
                return None
            if _SUFFIX.match(word.key) or (end > at and word.key in _STREET_WORDS):
                return end
            if is_mixed and not word.text[0].isupper():
                return None
        return None

    def _past_number(self, end: int) -> int:
        """With the number behind: ", Haus 19", " Nr. 3", " 12", " forty-one"."""
        at = end + 1
        signs = 0
        while at < min(end + 6, len(self.words)) and (
            self.key(at) in _NUMBER_SIGN or self.key(at) in ".,°"
        ):
            signs += self.key(at) in _NUMBER_SIGN
            at += 1
        if not (signs or self._touches(end, at)) or at >= len(self.words):
            return end
        if _NUMBER.match(self.key(at)):
            return at if self.key(at + 1) not in _UNITS else end
        said = at
        while said < len(self.words) and _is_said_number(self.key(said)):
            said += 1
        is_count = self.key(said).isalpha() and self.key(said) in _UNITS
        return said - 1 if said > at and not is_count else end


def _is_said_number(word: str) -> bool:
    return all(part in _SAID or _SAID_JOINED.fullmatch(part) for part in word.split("-"))
