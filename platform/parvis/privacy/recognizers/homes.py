"""Where people say they live, lived, move to or come from: a town, or a street without its town.

The words are data (`data/home_words.txt`); here is the grammar: a home word, a preposition within
its clause, a place. Addresses with number and postcode are found in `address`.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from parvis.privacy.entities import Label
from parvis.privacy.recognizers.places import is_office_word
from parvis.privacy.words import FIRST_NAMES, fold_name, is_never_a_name

_TOKEN = re.compile(
    r"\d+(?:[./:\-]\d+)*(?:[a-z]{1,3}(?!\w))?|(?<!\w)(?:[cdjlmnst]|qu)'(?=[^\W\d_])"
    r"|[^\W\d_]+(?:[\-'][^\W\d_]+)*|[^\w\s]",
    re.IGNORECASE,
)
_REACH, _BACK, _MOVE_BACK = 14, 5, 16
_SHORTEST_TOWN = 3
_LONGEST_ABBREVIATION = 4
_BREAK = re.compile(r"\n[ ]?[\n\-•*>]")


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


@cache
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


_WORDS = load_home_words()
_STARTS = frozenset().union(
    *(_WORDS[g] for g in ("live", "move", "come", "former", "people", "kin", "home", "with"))
)
_AT, _FROM, _TOWARD = _WORDS["prepositions"], _WORDS["from"], _WORDS["toward"]
_STILL = _WORDS["now"] | frozenset("toujours encore actuellement noch nach still".split())
_BEFORE_STREET = frozenset((",", "(")) | _WORDS["home"] | _STILL
_IN_STREET_NAME = frozenset("am im zum zur um beim".split())
# with an article inside, or before streets only: no town follows ("am Hof", "um Internet")
_NO_TOWN_AFTER = frozenset("am um im au aux on dans bei".split())
_BEFORE_VERB = frozenset("in zu zou aus nach vun vu von op bei".split())
_PERSON_FROM = frozenset("aus of from vun vu".split())
_BORN = frozenset("geb geborene geborener né née nés nées nee".split())
_FULL_FROM = frozenset("aus from".split())
_FRENCH_FROM = frozenset("de d'".split())
_SUBJECTS = frozenset(
    "ich wir er sie ech mir hien hatt si i we he she they je nous il elle".split()
)
_COPULAS = frozenset(
    "bin sind ist sinn si ass am are is was i'm we're he's she's suis sommes est im war were was waren".split()
)
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
_STREETS_FR = frozenset(
    "rue avenue av boulevard bd impasse allée chemin quai cité ruelle venelle sentier passage"
    " chaussée résidence lotissement".split()
)
_STREETS_EN = frozenset(
    "street road lane avenue drive close crescent terrace grove gardens mews square way".split()
)
_PARTICLES = frozenset("de du des d' de la le les l' aux au à van von".split())
# what is counted, so that the number before it is no house's
_UNITS = frozenset(
    "jahre jahren ans an mois monate months years days tage jours euro euros € % kinder enfants"
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
# "in Derrynane, Caherdaniel, Co Kerry": what follows in capitals to the end of the clause
_TAIL = re.compile(
    r"(?:, (?:Co\.? )?[A-ZÀ-Þ][^\W\d_]{2,40}(?:[ \-][A-ZÀ-Þ][^\W\d_]{1,40}){0,2}){1,3}"
    r"(?=[ ]?(?:[.;:)\n]|$))"
)
_NAMES = re.compile(r"[^\W\d_]+")
# "mit meiner Frau und den Kindern in Trier", "seit eh und je in Konz"
_JOINS = frozenset("et und and an a".split())
_JOINED = _WORDS["own"] | _WORDS["kin"] | _WORDS["articles"] | {"je"}
_NUMBER = re.compile(r"\d{1,4}(?:[/\-]\d{1,4})*[a-z]?\Z")
_CODE = re.compile(r"\d{4,5}\Z")
_NUMBER_SIGN = frozenset("nr no n n° numéro nummer number haus hausnummer".split())


def find_homes(text: str) -> Iterator[Place]:
    """Every town and street of a home, in no order."""
    words = [Word(*m.span(), m.group(), m.group().casefold()) for m in _TOKEN.finditer(text)]
    for at, word in enumerate(words):
        if word.key in _STARTS or word.key in _COPULAS:
            yield from _Clause(text, words).around(at)
        elif word.key in _PERSON_FROM:
            yield from _Clause(text, words).after_name(at)


class _Clause:
    """What stands around one home word."""

    def __init__(self, text: str, words: Sequence[Word]) -> None:
        self._text = text
        self._words = words

    def around(self, at: int) -> Iterator[Place]:
        key = self._words[at].key
        if key in _WORDS["move"]:
            if not self._is_offices(at):
                yield from self._ahead(at, _AT | _FROM | _TOWARD, most=2)
                yield from self._behind(at, _MOVE_BACK, _BEFORE_VERB, most=2)
        if key in _WORDS["live"]:
            if not self._is_offices(at) and not self._is_maiden_name(at):
                yield from self._ahead(at, _AT, most=1)
                yield from self._behind(at, _BACK, _BEFORE_VERB, most=1)
        elif key in _WORDS["come"]:
            yield from self._next(at + 1, _PERSON_FROM | _FRENCH_FROM & _after(key))
        elif key in _COPULAS:
            yield from self._said_of_oneself(at)
        elif key in _WORDS["with"] and self._key(at + 1) in _WORDS["self"] | _WORDS["own"]:
            yield from self._ahead(at + 1, _AT, most=1, reach=4)
        elif key in _WORDS["former"]:
            yield from self._formerly(at)
        if key in _WORDS["people"]:
            yield from self._of_people(at)
        if key in _WORDS["kin"]:
            yield from self._next(self._past_names(at + 1), _AT - {"a", "at"})
        if key in _WORDS["home"]:
            yield from self._at_home(at)

    def _key(self, at: int) -> str:
        return self._words[at].key if 0 <= at < len(self._words) else ""

    def after_name(self, at: int) -> Iterator[Place]:
        """ "Rita Flammang vu Hollerech", "Lehrke Stefanie, aus Föhren"."""
        last = at - 2 if self._key(at - 1) == "," else at - 1
        names = [self._key(n) for n in (last - 1, last)]
        is_full = all(map(self._is_cased_name, (last - 1, last))) and self._key(at) in _FULL_FROM
        if is_full or any(fold_name(name) in FIRST_NAMES for name in names):
            yield from self._next(at, _PERSON_FROM - {"of"})

    def _is_cased_name(self, at: int) -> bool:
        return at >= 0 and self._words[at].text.istitle() and not is_never_a_name(self._key(at))

    def _is_end(self, at: int, start: int) -> bool:
        """Whether a clause that began at `start` cannot reach beyond this word."""
        word = self._words[at]
        if word.key in _JOINS and self._key(at + 1) in _JOINED:
            return False
        if word.key in "!?;:" or (word.key in _WORDS["ends"] and at != start + 1):
            return True
        if word.key == ".":
            before = self._words[at - 1].text
            is_long = before.isalpha() and len(before) > _LONGEST_ABBREVIATION
            return at != start + 1 and (is_long or self._text[word.end : word.end + 1] == "\n")
        if _BREAK.search(self._text, self._words[at - 1].end, word.end):
            return True
        return word.key in _SUBJECTS and at > start + 2 and self._key(at - 1) not in _JOINS

    def _ahead(
        self, at: int, prepositions: frozenset[str], *, most: int, reach: int = _REACH
    ) -> Iterator[Place]:
        """Towns after the word, as many as asked for, and streets."""
        towns, comma = 0, False
        place_end = 0
        number = at + 1
        while number < min(at + 1 + reach, len(self._words)) and not self._is_end(number, at):
            word = self._words[number]
            place = None
            if word.key in prepositions:
                place = self._place(number + 1, word.key)
            elif number == at + 1 or self._key(number - 1) in _BEFORE_STREET:
                place = self._street(number)
                is_first = number == at + 1 or self._key(number - 1) in _STILL
                if place is None and is_first and word.text[0].isupper():
                    place = self._bare_town(number)
            if comma and towns and place is None and word.key != ",":
                return
            comma = word.key == ","
            if place is not None and place.start >= place_end:
                if place.label is Label.LOCATION:
                    towns += 1
                    if towns > most:
                        return
                tail = _TAIL.match(self._text, place.end)
                if tail and not any(map(is_never_a_name, _NAMES.findall(tail.group()))):
                    place = place._replace(end=tail.end(), label=Label.ADDRESS)
                place_end = place.end
                yield place
                number = place.last
            number += 1

    def _behind(
        self, at: int, reach: int, prepositions: frozenset[str], *, most: int
    ) -> Iterator[Place]:
        """Towns before the word: "zu Miersch wunnt", "von Bitburg nach Wittlich umgezogen"."""
        towns = 0
        for number in range(at - 1, max(-1, at - 1 - reach), -1):
            if self._is_end(number, at) or (reach == _BACK and self._key(number) in ",."):
                return
            if self._key(number) in prepositions:
                place = self._place(number + 1, self._key(number))
                if place is not None and place.last < at:
                    yield place
                    towns += place.label is Label.LOCATION
                    if towns >= most:
                        return

    def _next(self, at: int, prepositions: frozenset[str]) -> Iterator[Place]:
        """The town that stands right here after one of these."""
        if self._key(at) in prepositions:
            place = self._place(at + 1, self._key(at))
            if place is not None:
                yield place

    def _past_names(self, at: int) -> int:
        """Past a title's dot, up to three names and a comma."""
        at += self._key(at) == "."
        for _ in range(3):
            if self._is_name(at):
                at += 1
        return at + 1 if self._key(at) == "," else at

    def _is_name(self, at: int) -> bool:
        if at >= len(self._words) or self._key(at) in _AT | _FROM | _WORDS["ends"]:
            return False
        word = self._words[at]
        is_small = word.text.islower() and _line_style(self._text, word.start) == "small"
        return word.text[0].isupper() or (is_small and len(word.text) > _SHORTEST_TOWN - 1)

    def _of_people(self, at: int) -> Iterator[Place]:
        after = self._past_names(at + 1)
        yield from self._next(after, _PERSON_FROM)
        if self._key(after) in _FRENCH_FROM and (after == at + 1 or self._key(after - 1) == ","):
            yield from self._next(after, _FRENCH_FROM)

    def _said_of_oneself(self, at: int) -> Iterator[Place]:
        joined = "'" in self._key(at) or self._key(at) in ("bin", "suis", "im")
        if joined or self._key(at - 1) in _SUBJECTS:
            yield from self._next(at + 1, _PERSON_FROM | (_FRENCH_FROM & _after(self._key(at))))

    def _formerly(self, at: int) -> Iterator[Place]:
        found = list(self._ahead(at, _AT, most=1, reach=5))
        yield from found
        if found:
            for number in range(at + 1, min(at + _REACH, len(self._words))):
                if self._key(number) in _WORDS["now"]:
                    yield from self._ahead(number, _AT, most=1, reach=4)

    def _at_home(self, at: int) -> Iterator[Place]:
        """ "my home in Bantry", "ein Haus in Konz gekauft", "je loue un studio à Nancy"."""
        if self._key(at) == "home" and self._key(at - 1) in ("from", "at", "back"):
            yield from self._ahead(at, _AT, most=1, reach=4)
        near = {self._key(n) for n in range(at - 5, at + 7)}
        if self._key(at - 1) in _WORDS["own"] or near & _WORDS["hold"]:
            yield from self._ahead(at, _AT, most=1, reach=4)

    def _is_offices(self, at: int) -> bool:
        """Whether an office, a firm or a thing is what moves or was born."""
        for number in range(at - 1, max(-1, at - 8), -1):
            if self._key(number) in (".", ";", "!", "?"):
                return False
            if self._key(number) in _WORDS["bodies"] or is_office_word(self._key(number)):
                return True
        return False

    def _is_maiden_name(self, at: int) -> bool:
        """ "geb. Ziegler", "née Schmitt": what follows is no place."""
        if self._key(at) not in _BORN:
            return False
        after = at + 2 if self._key(at + 1) == "." else at + 1
        return after < len(self._words) and self._words[after].text.istitle()

    def _place(self, at: int, preposition: str) -> Place | None:
        """The street or town that begins here, articles skipped."""
        start = at
        while at < len(self._words) and at < start + 2 and self._key(at) in _WORDS["articles"]:
            if self._words[at].text[0].isupper() and not self._words[at].text.isupper():
                break
            at += 1
        street = self._street(at)
        has_article = at > start or preposition in _NO_TOWN_AFTER
        if street is not None and (has_article or street.last > at):
            return street
        if has_article:
            numbered = self._town(at, preposition)
            if numbered is None or numbered.label is Label.LOCATION:
                return None
            named_so = preposition in _IN_STREET_NAME and at == start
            return numbered._replace(start=self._words[at - 1].start) if named_so else numbered
        return self._town(at, preposition)

    def _bare_town(self, at: int) -> Place | None:
        """ "j'habite Bitche", as only French says it; "wohnt Wegscheid 3", as all do."""
        place = self._town(at, "à")
        verb = self._key(at - 2) if self._key(at - 1) in _STILL else self._key(at - 1)
        is_french = verb.endswith(("bite", "bitons", "bitez", "bitent", "tté"))
        return place if is_french or (place and place.label is Label.ADDRESS) else None

    def _town(self, at: int, preposition: str) -> Place | None:
        if at >= len(self._words):
            return None
        start = at
        if _CODE.match(self._key(at)) and self._touches(at, at + 1):
            at += 1
        first = self._words[at]
        style = _line_style(self._text, first.start)
        if not first.text[0].isalpha() or (style == "mixed" and not first.text[0].isupper()):
            return None
        if first.key not in _TOWN_STARTS and self._is_no_town(first, preposition, style):
            return None
        last = self._town_end(at, style)
        if last == at and first.key in _TOWN_STARTS - _WHOLE_TOWNS:
            return None
        numbered = self._past_number(last)
        label = Label.LOCATION if at == start and numbered == last else Label.ADDRESS
        return Place(self._words[start].start, self._words[numbered].end, label, numbered)

    def _is_no_town(self, word: Word, preposition: str, style: str) -> bool:
        return (
            len(word.text) < _SHORTEST_TOWN
            or word.key in _WORDS["not_towns"]
            or word.key in _WORDS["ends"]
            or word.key in _WORDS["articles"]
            or is_never_a_name(word.text)
            or (style != "mixed" and word.key in _STARTS)
            or (preposition in ("in", "im", "bei", "zu") and bool(_ABSTRACT.match(word.key)))
        )

    def _town_end(self, at: int, style: str) -> int:
        """The last word of a town's name: "Bad Dürkheim", "Esch an der Sauer", "St. Wendel"."""
        last = at
        if self._key(at) in _TOWN_STARTS:
            step = 2 if self._key(at + 1) == "." else 1
            if at + step < len(self._words) and self._words[at + step].text[0].isalpha():
                last = at + step
        for _ in range(2):
            following = self._words[last + 1 : last + 4]
            link = [w for w in following if w.key in _WITHIN_TOWN]
            if not following or not self._touches(last, last + 1):
                break
            if link and following[0] is link[0]:
                steps = 2 if len(link) > 1 and following[1] is link[1] else 1
                name = following[steps] if len(following) > steps else None
                if name and self._goes_on(name):
                    last += steps + 1
                    continue
            break
        if style == "mixed" and last == at and last + 1 < len(self._words):
            word = self._words[last + 1]
            if (
                self._touches(last, last + 1)
                and word.text[:2].istitle()
                and not is_never_a_name(word.text)
                and word.key not in _WORDS["not_towns"]
            ):
                last += 1
        return last

    def _goes_on(self, name: Word) -> bool:
        """Whether a town's name goes on with this word; "Konz an der Poststraße" has two."""
        is_street = _SUFFIX.match(name.key) or name.key in _STREETS_FR
        return name.text[0].isupper() and name.key not in _WORDS["not_towns"] and not is_street

    def _touches(self, left: int, right: int) -> bool:
        if right >= len(self._words):
            return False
        return self._text[self._words[left].end : self._words[right].start] in (" ", "\n")

    def _street(self, at: int) -> Place | None:
        if at >= len(self._words):
            return None
        end = self._street_end(at)
        if end is None:
            return None
        end = self._past_number(end)
        start = self._words[at].start
        return Place(start, self._words[end].end, Label.ADDRESS, end)

    def _street_end(self, at: int) -> int | None:
        """The last word of a street's name, or None where none begins."""
        words = self._words
        if words[at].key in _WORDS["home"] | _WORDS["now"]:
            return None
        if words[at].key in _STREETS_FR:
            end = at + 1
            while self._key(end) in _PARTICLES:
                end += 1
            if end >= len(words) or not words[end].text[0].isalpha() or end > at + 4:
                return None
            while self._touches(end, end + 1) and words[end + 1].text[0].isupper():
                end += 1
            return end
        for end in range(at, min(at + 3, len(words))):
            if not words[end].text[0].isalpha() or (end > at and not self._touches(end - 1, end)):
                return None
            if _SUFFIX.match(words[end].key) or (end > at and words[end].key in ("str", "straße")):
                return end
            if end > at and words[end].key in _STREETS_EN:
                return end
            if _line_style(self._text, words[at].start) == "mixed":
                if not words[end].text[0].isupper():
                    return None
            elif end > at or words[end].key in _WORDS["not_towns"]:
                continue
        return None

    def _past_number(self, end: int) -> int:
        """With the number behind: ", Haus 19", " Nr. 3", " 12", " forty-one"."""
        at = end + 1
        signs = 0
        while at < min(end + 6, len(self._words)) and (
            self._key(at) in _NUMBER_SIGN or self._key(at) in ".,°"
        ):
            signs += self._key(at) in _NUMBER_SIGN
            at += 1
        if not (signs or self._touches(end, at)) or at >= len(self._words):
            return end
        if _NUMBER.match(self._key(at)):
            return at if self._key(at + 1) not in _UNITS else end
        said = at
        while said < len(self._words) and _is_said_number(self._key(said)):
            said += 1
        return said - 1 if said > at else end


@cache
def _is_said_number(word: str) -> bool:
    return all(part in _SAID or _SAID_JOINED.fullmatch(part) for part in word.split("-"))


def _after(key: str) -> frozenset[str]:
    """ "de" only after French words."""
    return _FRENCH_FROM if key in ("suis", "originaire", "sommes") else frozenset()


def _line_style(text: str, start: int) -> str:
    """Whether the line around is written in small letters, in capitals, or mixed."""
    before = text[max(0, start - 300) : start].rpartition("\n")[2]
    line = before + text[start : start + 300].partition("\n")[0]
    return "small" if line.islower() else "capitals" if line.isupper() else "mixed"
