"""Where people say they live, lived, move to or come from: a town, or a street without its town.

The words are data (`data/home_words.txt`); here is the grammar: a home word, a preposition within
its clause, a place. Addresses with number and postcode are found in `address`.
"""

import re
from collections.abc import Callable, Iterator, Mapping

from parvis.privacy.entities import Label
from parvis.privacy.recognizers.home_places import (
    STARTS,
    STREETS_FR,
    WORDS,
    Place,
    Reader,
    read_words,
)
from parvis.privacy.recognizers.places import is_office_word, line_style
from parvis.privacy.words import FIRST_NAMES, fold_name, is_never_a_name

_REACH, _BACK, _MOVE_BACK = 14, 5, 16
_LONGEST_ABBREVIATION = 4
_BREAK = re.compile(r"\n[ ]?[\n\-•*>]")


_AT, _FROM, _TOWARD = WORDS["prepositions"], WORDS["from"], WORDS["toward"]
_STILL = WORDS["now"] | frozenset("toujours encore actuellement noch nach still".split())
_BEFORE_STREET = frozenset((",", "(")) | WORDS["home"] | _STILL
_BEFORE_VERB = frozenset("in zu zou aus nach vun vu von op bei".split())
_PERSON_FROM = frozenset("aus of from vun vu".split())
_BORN = frozenset("geb geborene geborener né née nés nées nee".split())
_FRENCH_SELF = frozenset("suis sommes originaire viens vient venons viennent venant".split())
_FULL_FROM = frozenset("aus from".split())
_FRENCH_FROM = frozenset("de d'".split())
_SUBJECTS = frozenset(
    "ich wir er sie ech mir hien hatt si i we he she they je nous il elle".split()
)
# "wunnt Hueldang beim Monni", "wh. Konz, ledig"
_HURRIED = frozenset("wunnt wunn wunnen wunne wohnt wohn wh wohnh dom".split())
_AFTER_BARE = frozenset(", ; . ) beim bei mat mit chez avec seit zënter depuis".split())
_IN = frozenset("in à zu zou".split())
_COPULAS = frozenset(
    "sei bin sind ist sinn si ass am are is was i'm we're he's she's suis sommes est im war were"
    " waren".split()
)
# "in Derrynane, Caherdaniel, Co Kerry": what follows in capitals to the end of the clause
_TAIL = re.compile(
    r"(?:, (?:Co\.? )?[A-ZÀ-Þ][^\W\d_]{2,40}(?:[ \-][A-ZÀ-Þ][^\W\d_]{1,40}){0,2}){1,3}"
    r"(?=[ ]?(?:[.;:)\n]|$))"
)
_NAMES = re.compile(r"[^\W\d_]+")
# "mit meiner Frau und den Kindern in Trier", "seit eh und je in Konz"
_JOINS = frozenset("et und and an a".split())
_JOINED = WORDS["own"] | WORDS["kin"] | WORDS["articles"] | {"je"}


def find_homes(text: str) -> Iterator[Place]:
    """Every town and street of a home, in no order."""
    words = read_words(text)
    clause = _Clause(text, words)
    for at, word in enumerate(words):
        if word.key in STARTS or word.key in _COPULAS:
            yield from clause.around(at)
        elif word.key in _PERSON_FROM:
            yield from clause.after_name(at)


class _Clause(Reader):
    """What stands around one home word."""

    def around(self, at: int) -> Iterator[Place]:
        """Every home that the word here leads to."""
        key = self.words[at].key
        for group, read in _READ.items():
            if key in WORDS[group]:
                yield from read(self, at)
        if key in _COPULAS and key not in WORDS["come"]:
            yield from self.said_of_oneself(at)

    def moved(self, at: int) -> Iterator[Place]:
        """ "von Bitburg nach Wittlich umgezogen", "moved to Exeter from Plymouth"."""
        if not self._is_offices(at):
            yield from self._ahead(at, _AT | _FROM | _TOWARD, most=2)
            yield from self._behind(at, _MOVE_BACK, most=2)

    def living(self, at: int) -> Iterator[Place]:
        """ "wohne seit Mai in Konz", "déi zu Miersch wunnt"."""
        if not self._is_offices(at) and not self._is_maiden_name(at):
            yield from self._ahead(at, _AT, most=1)
            yield from self._behind(at, _BACK, most=1)

    def coming(self, at: int) -> Iterator[Place]:
        """ "kommt ursprünglich aus Homs", "originaire de Braga"."""
        after = at + 2 if self.key(at + 1) not in _FROM else at + 1
        yield from self._next(after, _PERSON_FROM | _french_from(self.key(at)))

    def being_with(self, at: int) -> Iterator[Place]:
        """ "chez moi à Dudelange", "bei mengem Papp zu Suessem"."""
        if self._is_with_somebody(at + 1):
            yield from self._ahead(at + 1, _AT, most=1, reach=4)

    def of_kin(self, at: int) -> Iterator[Place]:
        """ "Oma Renate in Wolfen"."""
        yield from self._next(self._past_names(at + 1), _AT - {"a", "at"})

    def after_name(self, at: int) -> Iterator[Place]:
        """ "Rita Flammang vu Hollerech", "Lehrke Stefanie, aus Föhren"."""
        last = at - 2 if self.key(at - 1) == "," else at - 1
        names = [self.key(n) for n in (last - 1, last)]
        is_full = all(map(self._is_cased_name, (last - 1, last))) and self.key(at) in _FULL_FROM
        if is_full or any(fold_name(name) in FIRST_NAMES for name in names):
            yield from self._next(at, _PERSON_FROM - {"of"})

    def _is_cased_name(self, at: int) -> bool:
        return at >= 0 and self.words[at].text.istitle() and not is_never_a_name(self.key(at))

    def _is_end(self, at: int, start: int) -> bool:
        """Whether a clause that began at `start` cannot reach beyond this word."""
        word = self.words[at]
        if word.key in _JOINS and self.key(at + 1) in _JOINED:
            return False
        if word.key in "!?;:" or (word.key in WORDS["ends"] and at != start + 1):
            return True
        if word.key == ".":
            before = self.words[at - 1].text
            is_long = before.isalpha() and len(before) > _LONGEST_ABBREVIATION
            return at != start + 1 and (is_long or self.text[word.end : word.end + 1] == "\n")
        if _BREAK.search(self.text, self.words[at - 1].end, word.end):
            return True
        return word.key in _SUBJECTS and at > start + 2 and self.key(at - 1) not in _JOINS

    def _ahead(
        self, at: int, prepositions: frozenset[str], *, most: int, reach: int = _REACH
    ) -> Iterator[Place]:
        """Towns after the word, as many as asked for, and streets."""
        towns, number = 0, at + 1
        while number < min(at + 1 + reach, len(self.words)):
            key = self.key(number)
            if key not in prepositions and self._is_end(number, at):
                return
            place = self._here(number, at, prepositions)
            if place is None:
                if towns and self.key(number - 1) == ",":
                    return
                number += 1
                continue
            towns += place.label is Label.LOCATION
            if towns > most:
                return
            place = self._with_tail(place)
            yield place
            number = place.last + 1

    def _here(self, at: int, start: int, prepositions: frozenset[str]) -> Place | None:
        """The place that a preposition here leads to, or that begins here without one."""
        if self.key(at) in prepositions:
            return self.place(at + 1, self.key(at))
        begins = at == start + 1 or self.key(at - 1) in _BEFORE_STREET
        if not begins and self.key(at) not in STREETS_FR:
            return None
        is_first = at == start + 1 or self.key(at - 1) in _STILL
        if is_first and self.words[at].text[0].isupper():
            return self.street(at) or self._bare_town(at)
        return self.street(at)

    def _with_tail(self, place: Place) -> Place:
        tail = _TAIL.match(self.text, place.end)
        if tail is None or any(map(is_never_a_name, _NAMES.findall(tail.group()))):
            return place
        return place._replace(end=tail.end(), label=Label.ADDRESS)

    def _behind(self, at: int, reach: int, *, most: int) -> Iterator[Place]:
        """Towns before the word: "zu Miersch wunnt", "von Bitburg nach Wittlich umgezogen"."""
        towns = 0
        for number in range(at - 1, max(-1, at - 1 - reach), -1):
            if self._is_end(number, at) or (reach == _BACK and self.key(number) in ",."):
                return
            if self.key(number) in _BEFORE_VERB:
                place = self.place(number + 1, self.key(number))
                if place is not None and place.last < at:
                    yield place
                    towns += place.label is Label.LOCATION
                    if towns >= most:
                        return

    def _next(self, at: int, prepositions: frozenset[str]) -> Iterator[Place]:
        """The town that stands right here after one of these."""
        if self.key(at) in prepositions:
            place = self.place(at + 1, self.key(at))
            if place is not None:
                yield place

    def _past_names(self, at: int) -> int:
        """Past a title's dot, up to three names and a comma."""
        at += self.key(at) == "."
        for _ in range(3):
            if self._is_name(at):
                at += 1
        return at + 1 if self.key(at) == "," else at

    def _is_name(self, at: int) -> bool:
        if at >= len(self.words) or self.key(at) in _AT | _FROM | WORDS["ends"]:
            return False
        word = self.words[at]
        is_small = word.text.islower() and line_style(self.text, word.start) == "small"
        return word.text[0].isupper() or (is_small and len(word.text) > 1)

    def of_people(self, at: int) -> Iterator[Place]:
        """ "une dame de Sarreguemines", "Mr Doyle of Tralee"."""
        after = self._past_names(at + 1)
        yield from self._next(after, _PERSON_FROM)
        is_name = self.text[self.words[after].start].isupper() if self.key(after) else False
        if is_name and self.text[self.words[at].start :][:40].isupper() is False:
            return  # "Mrs D'Souza"
        if self.key(after) in _FRENCH_FROM and (after == at + 1 or self.key(after - 1) == ","):
            yield from self._next(after, _FRENCH_FROM)

    def said_of_oneself(self, at: int) -> Iterator[Place]:
        """ "I'm from Galway", "ech si vu Réiden"."""
        joined = "'" in self.key(at) or self.key(at) in ("bin", "suis", "im")
        if joined or self.key(at - 1) in _SUBJECTS:
            yield from self._next(at + 1, _PERSON_FROM | _french_from(self.key(at)))
            after = at + 2 if self.key(at + 1) in _STILL else at + 1
            yield from (p for p in self._next(after, _IN) if p.label is Label.LOCATION)

    def formerly(self, at: int) -> Iterator[Place]:
        """ "früher in Ludwigshafen, jetzt in Speyer"."""
        found = list(self._ahead(at, _AT, most=1, reach=5))
        yield from found
        if found:
            for number in range(at + 1, min(at + _REACH, len(self.words))):
                if self.key(number) in WORDS["now"]:
                    yield from self._ahead(number, _AT, most=1, reach=4)

    def at_home(self, at: int) -> Iterator[Place]:
        """ "my home in Bantry", "ein Haus in Konz gekauft", "je loue un studio à Nancy"."""
        if self.key(at) == "home" and self.key(at - 1) in ("from", "at", "back"):
            yield from self._ahead(at, _AT, most=1, reach=4)
        near = {self.key(n) for n in range(at - 5, at + 7)}
        if self.key(at - 1) in WORDS["own"] or near & WORDS["hold"]:
            yield from self._ahead(at, _AT | _FRENCH_FROM, most=1, reach=4)

    def _is_offices(self, at: int) -> bool:
        """Whether an office, a firm or a thing is what moves or was born."""
        for number in range(at - 1, max(-1, at - 8), -1):
            if self.key(number) in (".", ";", "!", "?"):
                return False
            if self.key(number) in WORDS["bodies"] or is_office_word(self.key(number)):
                return True
        return False

    def _is_with_somebody(self, at: int) -> bool:
        """ "chez moi", "bei meiner Mutter", "chez une amie"."""
        if self.key(at) in WORDS["articles"]:
            return self.key(at + 1) in WORDS["kin"]
        return self.key(at) in WORDS["self"] | WORDS["own"]

    def _is_maiden_name(self, at: int) -> bool:
        """ "geb. Ziegler", "née Schmitt": what follows is no place."""
        if self.key(at) not in _BORN:
            return False
        after = at + 2 if self.key(at + 1) == "." else at + 1
        return after < len(self.words) and self.words[after].text.istitle()

    def _bare_town(self, at: int) -> Place | None:
        """ "j'habite Bitche", as only French says it; "wohnt Wegscheid 3", as all do."""
        place = self.town(at, "à")
        verb = self.key(at - 2) if self.key(at - 1) in _STILL else self.key(at - 1)
        is_french = verb.endswith(("bite", "bitons", "bitez", "bitent", "tté"))
        if is_french or (place and place.label is Label.ADDRESS):
            return place
        is_followed = place is not None and self.key(place.last + 1) in _AFTER_BARE
        return place if is_followed and verb in _HURRIED else None


_READ: Mapping[str, Callable[[_Clause, int], Iterator[Place]]] = {
    "move": _Clause.moved,
    "live": _Clause.living,
    "come": _Clause.coming,
    "with": _Clause.being_with,
    "former": _Clause.formerly,
    "people": _Clause.of_people,
    "kin": _Clause.of_kin,
    "home": _Clause.at_home,
}


def _french_from(key: str) -> frozenset[str]:
    return _FRENCH_FROM if key in _FRENCH_SELF else frozenset()
