"""Made-up values with right check digits, and the messages and numbers built from them."""

import random
import re
import string
from collections.abc import Callable

from stdnum import luhn, verhoeff

from parvis.privacy.recognizers.number import IDENTIFIERS, LETTERED
from tests.privacy.devset import DATA, LANGUAGES, Message, build_message

_FIRST = {
    "fr": "Camille Bastien Solène Ludovic Maëlys Rachid Odile Fabrice Khadija Loïc Ghislaine Enzo",
    "de": "Annegret Björn Sibylle Detlef Merve Kilian Roswitha Malte Dragana Ulrich Hatice Swantje",
    "lb": "Josiane Fernand Véronique Jeannot Sven Milena Gusty Mireille Tiago Nora Edmond Simone",
    "en": "Gillian Trevor Ffion Desmond Aisling Rupert Zainab Keith Bronwen Callum Edith Olu",
}
_LAST = {
    "fr": "Thévenot Lacroix Ouedraogo Barbier Le Floch Poirot Saïdi Maillard Desmarets Fontaine",
    "de": "Achterberg Löffler Stojanović Hübner Grabowski Vollmer Aksoy Zimmer Dietz Kaltenbach",
    "lb": "Weimerskirch Kohnen Almeida Schmit Biwer Thommes Fonck Ramos Lentz Useldinger",
    "en": "Braithwaite Mwangi Fletcher Penhaligon Sharma Ogilvie Dunne Cattermole Price Iqbal",
}
_STREETS = {
    "fr": ("{n} rue {s}", "{n}, avenue {s}", "{n} bis chemin {s}"),
    "de": ("{s} {n}", "{s} {n}a"),
    "lb": ("{n}, rue {s}", "{n}, {s}"),
    "en": ("{n} {s}", "Flat 2, {n} {s}"),
}
_STREET_NAMES = {
    "fr": ("des Glycines", "Pasteur", "du Vieux Lavoir", "de la Fontaine"),
    "de": ("Kirchstraße", "Am Bahndamm", "Lerchenweg", "Alte Gasse"),
    "lb": ("op der Hiel", "beim Weiher", "an de Gaarden", "um Knapp"),
    "en": ("Orchard Road", "Victoria Terrace", "Quarry Lane", "Mount Pleasant"),
}
_TOWNS = {
    "fr": ("57100 Thionville", "54400 Longwy", "13005 Marseille", "67600 Sélestat"),
    "de": ("54290 Trier", "66740 Saarlouis", "1070 Wien", "CH-8400 Winterthur"),
    "lb": ("L-4361 Esch-sur-Alzette", "L-9220 Diekirch", "L-7540 Mersch", "L-3450 Dudelange"),
    "en": ("Durham DH1 3NU", "Swansea SA1 5QQ", "London N16 8EL", "Leeds LS2 7EW"),
}
_LIVE = {"fr": "Verdun Épinal Nancy", "de": "Trier Bitburg Wien", "lb": "Mersch Wolz Diekirch",
         "en": "Leeds Truro Durham"}  # fmt: skip
_LAWS = {
    "fr": ("article 9 du RGPD", "article L. 411-2", "article 12 de la loi du 6 janvier 1978"),
    "de": ("§ 44 SGB X", "Art. 6 DSGVO", "§ 16 Abs. 2 BMG"),
    "lb": ("Artikel 6 DSGVO", "Artikel 14", "Art. L. 121-6"),
    "en": ("Article 9 GDPR", "section 21", "regulation 14"),
}
_MONTHS = {
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "lb": "Januar Februar Mäerz Abrëll Mee Juni Juli August September Oktober November Dezember",
    "en": "January February March April May June July August September October November December",
}
_WORDS = {
    "fr": ("trois mai mil neuf cent soixante-dix", "vingt et un juin deux mille neuf"),
    "de": ("dritten Mai neunzehnhundertsiebzig", "einundzwanzigsten Juni zweitausendneun"),
    "lb": ("drëtte Mee nonzénghonnertsiwwenzeg", "eenanzwanzegste Juni zweedausendnéng"),
    "en": ("third of May nineteen seventy", "twenty-first of June two thousand and nine"),
}
_PHONES = {
    "fr": ("06 ## ## ## ##", "+33 3 87 ## ## ##", "07.##.##.##.##"),
    "de": ("0651 ######", "+49 171 #######", "0176/########"),
    "lb": ("621 ### ###", "+352 691 ### ###", "26 ## ## ##"),
    "en": ("07700 900###", "+44 20 7946 0###", "(0113) 496 0###"),
}
_LENGTHS = {"FR": 23, "DE": 18, "LU": 16, "BE": 12, "AT": 16, "NL": 14, "ES": 20}
_PER_LANGUAGE = 98
_EACH = 6


class Maker:
    """Values of one language from one seed: the same in every run."""

    def __init__(self, language: str, seed: int) -> None:
        self._pick = random.Random(f"{language}{seed}")  # noqa: S311 - test data
        self._language = language
        self.kinds: dict[str, Callable[[], str]] = {
            "first": self.first,
            "last": self.last,
            "full": self.full,
            "small": lambda: str.lower(self.full()),
            "address": self.address,
            "town": lambda: self._pick.choice(_LIVE[language].split()),
            "phone": lambda: self.fill(self._pick.choice(_PHONES[language])),
            "email": self.email,
            "iban": self.iban,
            "date": self.date,
            "words": lambda: self._pick.choice(_WORDS[language]),
            "amount": lambda: self._pick.choice(("1.204,50 €", "312 euros", "EUR 89.90", "45 €")),
            "law": lambda: self._pick.choice(_LAWS[language]),
            "case": lambda: self.fill(self._pick.choice(("26/#####", "AB-####-26", "2026-####/K"))),
            "idcard": lambda: self.fill(
                self._pick.choice(("L#X##T###", "##0457######", "I#####9"))
            ),
            "plate": self.plate,
            "nir": lambda: self.number("fr_nir"),
            "spi": lambda: self.number("fr_spi"),
            "lu": lambda: self.number("lu_matricule"),
            "idnr": lambda: self.number("de_idnr"),
            "rvnr": lambda: self.number("de_rvnr"),
            "nino": lambda: self.number("gb_nino"),
            "nhs": lambda: self.number("gb_nhs"),
        }

    def first(self) -> str:
        return self._pick.choice(_FIRST[self._language].split())

    def last(self) -> str:
        return self._pick.choice(_LAST[self._language].replace("Le ", "Le_").split()).replace(
            "_", " "
        )

    def full(self) -> str:
        return f"{self.first()} {self.last()}"

    def fill(self, form: str) -> str:
        return "".join(self._pick.choice(string.digits) if c == "#" else c for c in form)

    def address(self) -> str:
        street = self._pick.choice(_STREETS[self._language]).format(
            n=self._pick.randint(1, 180), s=self._pick.choice(_STREET_NAMES[self._language])
        )
        return f"{street.replace('rue op', 'op')}, {self._pick.choice(_TOWNS[self._language])}"

    def email(self) -> str:
        name = f"{self.first()[0]}.{self.last()}".lower().replace(" ", "")
        plain = "".join(c for c in name if c.isascii())
        return f"{plain}{self._pick.randint(1, 99)}@courriel.example"

    def date(self) -> str:
        day, month, year = (self._pick.randint(*r) for r in ((1, 28), (1, 12), (1940, 2020)))
        name = _MONTHS[self._language].split()[month - 1]
        dot = "." if self._language in ("de", "lb") else ""
        return self._pick.choice(
            (f"{day:02d}/{month:02d}/{year}", f"{day}.{month}.{year}", f"{day}{dot} {name} {year}")
        )

    def plate(self) -> str:
        form = {"fr": "AB-###-CD", "de": "TR-KM ###", "lb": "KM ####", "en": "BD51 SMR"}
        return self.fill(form[self._language])

    def iban(self) -> str:
        country, count = self._pick.choice(sorted(_LENGTHS.items()))
        account = self.fill("#" * count)
        turned = account + "".join(str(int(c, 36)) for c in country) + "00"
        signs = f"{country}{98 - int(turned) % 97:02d}{account}"
        if self._pick.random() < 0.5:
            return signs
        return " ".join(signs[i : i + 4] for i in range(0, len(signs), 4))

    def number(self, name: str) -> str:
        """A number of this kind that its own check accepts."""
        check = next(k.check for k in (*IDENTIFIERS, *LETTERED) if k.name == name)
        for _ in range(200_000):
            made = self._attempt(name)
            if check(made.replace(" ", "") if name not in _KEEP else made):
                return made
        raise AssertionError(f"no {name} could be made")

    def _attempt(self, name: str) -> str:
        day, month, year = (self._pick.randint(*r) for r in ((1, 28), (1, 12), (1940, 1999)))
        short = {"d": f"{day:02d}", "m": f"{month:02d}", "y": f"{year % 100:02d}", "Y": str(year)}
        if name == "lu_matricule":
            eleven = self.fill(f"{year}{month:02d}{day:02d}###")
            return eleven + luhn.calc_check_digit(eleven) + verhoeff.calc_check_digit(eleven)
        form = FORMS[name]
        for sign, value in short.items():
            form = form.replace(f"<{sign}>", value)
        return self.fill(
            "".join(self._pick.choice(string.ascii_uppercase) if c == "@" else c for c in form)
        )


_KEEP = frozenset({"fi_hetu", "se_pnr_form"})
# how each number begins; # is any digit, @ any letter, <d> <m> <y> <Y> a date
FORMS = {
    "fr_nir": "2<y><m>57########", "fr_spi": "0############", "de_idnr": "8##########",
    "be_nn": "<y><m><d>#####", "be_eid": "59##########", "nl_bsn": "#########",
    "at_vnr": "1###<d><m><y>", "ch_ahv": "756##########", "gb_nhs": "4#########",
    "pt_nif": "2########", "pl_pesel": "<y><m><d>#####", "cz_rc": "<y><m><d>####",
    "ro_cnp": "1<y><m><d>12####", "bg_egn": "<y><m><d>####", "gr_amka": "<d><m><y>#####",
    "hr_oib": "###########", "ee_ik": "3<y><m><d>####", "lt_asmens": "4<y><m><d>####",
    "no_fodselsnummer": "<d><m><y>#####", "is_kennitala": "<d><m><y>###9",
    "de_rvnr": "15<d><m><y>K###", "de_kvnr": "A#########", "gb_nino": "AB######C",
    "ie_pps": "#######@", "es_dni": "########@", "es_nie": "X#######@",
    "fi_hetu": "<d><m><y>-###@", "cz_rc_form": "<y><m><d>/####", "dk_cpr_form": "<d><m><y>-####",
    "se_pnr_form": "<y><m><d>-####",
}  # fmt: skip

_SAID = {
    "fr": "Voici le numéro : {NATIONAL_ID:%s}, merci.",
    "de": "Hier die Nummer: {NATIONAL_ID:%s}, danke.",
    "lb": "Hei ass d'Nummer: {NATIONAL_ID:%s}, merci.",
    "en": "Here is the number: {NATIONAL_ID:%s}, thanks.",
}
_ALONE = ("lu_matricule", "fr_nir", "fr_spi", "de_idnr", "be_nn", "at_vnr", "ch_ahv", "pl_pesel",
          "ro_cnp", "bg_egn", "gr_amka", "ee_ik", "lt_asmens", "de_rvnr", "de_kvnr", "gb_nino",
          "es_dni", "es_nie", "fi_hetu", "cz_rc_form", "ie_pps")  # fmt: skip


def make_messages() -> list[Message]:
    """Messages from the templates of each language."""
    text = (DATA / "templates.txt").read_text(encoding="utf-8")
    made = []
    for block in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        language, *templates = block.strip().split("\n")
        for number in range(_PER_LANGUAGE):
            maker = Maker(language, number)
            marked = templates[number % len(templates)]
            while ":@" in marked:
                before, after = marked.split(":@", 1)
                kind, rest = after.split("}", 1)
                marked = f"{before}:{maker.kinds[kind]()}}}{rest}"
            made.append(build_message(f"{language}-made-{number}", language, marked, "made"))
    return made


def make_identifiers() -> list[Message]:
    """Numbers that check, in every language, without a cue for their kind; look-alikes as traps."""
    made = []
    for language in LANGUAGES:
        for name in _ALONE:
            maker = Maker(language, len(name) + sum(map(ord, name)))
            for number in range(_EACH):
                value = maker.number(name)
                marked = _SAID[language] % value
                if number % 3 == 0 and value[-1].isdigit():
                    wrong = value[:-1] + str((int(value[-1]) + 1) % 10)
                    marked = marked.replace("NATIONAL_ID", "!").replace(value, wrong)
                made.append(
                    build_message(f"{language}-{name}-{number}", language, marked, "identifiers")
                )
    return made
