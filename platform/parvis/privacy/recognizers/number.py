"""Numbers that a state or an insurer gives a person, with their check digits.

One table for all countries. A number that checks is masked without a cue unless its check is weak
(`lone` false); after a cue it is masked even when the check fails, for people mistype.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from typing import Any

from stdnum import luhn, verhoeff
from stdnum.exceptions import ValidationError

from parvis.privacy.entities import Label
from parvis.privacy.recognizers.base import (
    CHECKED,
    CUED,
    SURE,
    Hit,
    RuleRecognizer,
    cue,
    digits_of,
    is_cued,
    signs_of,
)
from parvis.privacy.sieve import Cue, Sieve
from parvis.privacy.words import past_small_word

Check = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Identifier:
    """A number without letters: its lengths, its check, and whether it may stand without a cue."""

    name: str
    label: Label
    lengths: tuple[int, ...]
    check: Check
    lone: bool = True


@dataclass(frozen=True, slots=True)
class Lettered:
    """An identifier with letters in it, found by its own pattern."""

    name: str
    label: Label
    pattern: Sieve
    check: Check
    lone: bool = True


def _stdnum(module: str) -> Check:
    """The check of a python-stdnum module."""
    loaded: Any = import_module(f"stdnum.{module}")

    def check(number: str) -> bool:
        try:
            loaded.validate(number)
        except ValidationError:
            return False
        return True

    return check


def is_matricule(number: str) -> bool:
    """Luxembourg's 13 digits: date of birth, three digits, a Luhn and a Verhoeff digit, each over
    the first eleven (Règlement grand-ducal du 21 décembre 2012)."""
    if not re.fullmatch(r"(?:18|19|20)\d{11}", number):
        return False
    try:
        date(int(number[:4]), int(number[4:6]), int(number[6:8]))
    except ValueError:
        return False
    eleven = number[:11]
    return luhn.is_valid(eleven + number[11]) and verhoeff.is_valid(eleven + number[12])


def is_rvnr(number: str) -> bool:
    """German pension number (SGB VI § 147, VKVV § 4): 12 signs, weighted cross sums mod 10."""
    if not re.fullmatch(r"\d{8}[A-Z]\d{3}", number):
        return False
    day = int(number[2:4])
    if not (1 <= int(number[4:6]) <= 12 and (1 <= day <= 31 or 51 <= day <= 81)):  # noqa: PLR2004
        return False
    digits = number[:8] + f"{ord(number[8]) - 64:02d}" + number[9:11]
    weights = (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1)
    return _cross_sums(digits, weights) % 10 == int(number[11])


def is_kvnr(number: str) -> bool:
    """German health insurance number (SGB V § 290): letter and nine digits, weights 1 2, mod 10."""
    if not re.fullmatch(r"[A-Z]\d{9}", number):
        return False
    digits = f"{ord(number[0]) - 64:02d}" + number[1:9]
    return _cross_sums(digits, (1, 2) * 5) % 10 == int(number[9])


def is_nino(number: str) -> bool:
    """United Kingdom national insurance number: form only (HMRC NIM39110)."""
    return bool(
        re.fullmatch(
            r"(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]\d{6}[A-D]?", number
        )
    )


def is_weighted(number: str, weights: Iterable[int]) -> bool:
    """Hungary's check: the weighted sum of all digits but the last, mod 11, is the last."""
    total = sum(int(d) * w for d, w in zip(number, weights, strict=False))
    return total % 11 == int(number[-1])


def is_taj(number: str) -> bool:
    """Hungary's social security number: weights 3 7, mod 10 (1996. evi XX. torveny)."""
    total = sum(int(d) * (3, 7)[i % 2] for i, d in enumerate(number[:8]))
    return total % 10 == int(number[8])


def is_ehic(number: str) -> bool:
    """European health insurance card: 80, a country's number, 15 more digits (form only)."""
    return number[2:5] in _EHIC_COUNTRIES and number.startswith("80")


_EHIC_COUNTRIES = {
    "040", "056", "100", "191", "196", "203", "208", "233", "246", "250", "276", "300", "348",
    "352", "372", "380", "428", "438", "440", "442", "470", "528", "578", "616", "620", "642",
    "703", "705", "724", "752", "756", "826",
}  # fmt: skip


def _cross_sums(digits: str, weights: tuple[int, ...]) -> int:
    return sum(sum(divmod(int(d) * w, 10)) for d, w in zip(digits, weights, strict=True))


NAT, TAX, HEALTH = Label.NATIONAL_ID, Label.TAX_ID, Label.HEALTH_INSURANCE_ID

IDENTIFIERS: tuple[Identifier, ...] = (
    Identifier("lu_matricule", NAT, (13,), is_matricule),
    Identifier("fr_nir", NAT, (15,), _stdnum("fr.nir")),
    Identifier("fr_spi", TAX, (13,), _stdnum("fr.nif")),
    Identifier("de_idnr", TAX, (11,), _stdnum("de.idnr")),
    Identifier("be_nn", NAT, (11,), _stdnum("be.nn")),
    Identifier("be_bis", NAT, (11,), _stdnum("be.bis")),
    Identifier("be_eid", NAT, (12,), _stdnum("be.eid")),
    Identifier("nl_bsn", NAT, (9,), _stdnum("nl.bsn"), lone=False),
    Identifier("at_vnr", NAT, (10,), _stdnum("at.vnr")),
    Identifier("at_tin", TAX, (9,), _stdnum("at.tin"), lone=False),
    Identifier("ch_ahv", NAT, (13,), _stdnum("ch.ssn")),
    Identifier("gb_nhs", HEALTH, (10,), _stdnum("gb.nhs"), lone=False),
    Identifier("gb_utr", TAX, (10,), _stdnum("gb.utr"), lone=False),
    Identifier("pt_nif", TAX, (9,), _stdnum("pt.nif"), lone=False),
    Identifier("pl_pesel", NAT, (11,), _stdnum("pl.pesel")),
    Identifier("cz_rc", NAT, (10,), _stdnum("cz.rc")),
    Identifier("ro_cnp", NAT, (13,), _stdnum("ro.cnp")),
    Identifier("bg_egn", NAT, (10,), _stdnum("bg.egn")),
    Identifier("bg_pnf", NAT, (10,), _stdnum("bg.pnf"), lone=False),
    Identifier("gr_amka", NAT, (11,), _stdnum("gr.amka")),
    Identifier("gr_afm", TAX, (9,), _stdnum("gr.vat"), lone=False),
    Identifier("hr_oib", NAT, (11,), _stdnum("hr.oib"), lone=False),
    Identifier("si_emso", NAT, (13,), _stdnum("si.emso")),
    Identifier("si_ddv", TAX, (8,), _stdnum("si.ddv"), lone=False),
    Identifier("dk_cpr", NAT, (10,), _stdnum("dk.cpr"), lone=False),
    Identifier("se_personnummer", NAT, (10, 12), _stdnum("se.personnummer"), lone=False),
    Identifier("ee_ik", NAT, (11,), _stdnum("ee.ik")),
    Identifier("lt_asmens", NAT, (11,), _stdnum("lt.asmens")),
    Identifier("lv_pk", NAT, (11,), _stdnum("lv.pvn"), lone=False),
    Identifier("no_fodselsnummer", NAT, (11,), _stdnum("no.fodselsnummer")),
    Identifier("is_kennitala", NAT, (10,), _stdnum("is_.kennitala")),
    Identifier("hu_personal", NAT, (11,), lambda n: is_weighted(n, range(1, 11)), lone=False),
    Identifier("hu_taj", HEALTH, (9,), is_taj, lone=False),
    Identifier("hu_tax", TAX, (10,), lambda n: n[0] == "8" and is_weighted(n, range(1, 10))),
    Identifier("pl_nip", TAX, (10,), _stdnum("pl.nip"), lone=False),
    Identifier("ehic", HEALTH, (20,), is_ehic),
)


def _form(pattern: str) -> Sieve:
    return Sieve(rf"(?<![\w])(?:{pattern})(?![\w])", re.IGNORECASE)


LETTERED: tuple[Lettered, ...] = (
    Lettered(
        "fr_nir_corsica",
        NAT,
        _form(r"[12][ .\-]?\d\d[ .\-]?\d\d[ .\-]?2[AB](?:[ .\-]?\d){8}"),
        _stdnum("fr.nir"),
    ),
    Lettered("de_rvnr", NAT, _form(r"\d\d[ .\-]?\d{6}[ .\-]?[A-Z][ .\-]?\d\d[ .\-]?\d"), is_rvnr),
    Lettered("de_kvnr", HEALTH, _form(r"[A-Z][ .\-]?\d{3}[ .\-]?\d{3}[ .\-]?\d{3}"), is_kvnr),
    Lettered("gb_nino", NAT, _form(r"[A-Z]{2} ?\d\d ?\d\d ?\d\d ?[A-D]"), is_nino),
    Lettered("ie_pps", NAT, _form(r"\d{7} ?[A-W][A-IW]?"), _stdnum("ie.pps")),
    Lettered("es_dni", NAT, _form(r"\d{2}\.?\d{3}\.?\d{3}[ \-]?[A-Z]"), _stdnum("es.dni")),
    Lettered("es_nie", NAT, _form(r"[XYZ][ \-]?\d{7}[ \-]?[A-Z]"), _stdnum("es.nie")),
    Lettered(
        "it_codice_fiscale",
        TAX,
        _form(
            r"[A-Z]{3} ?[A-Z]{3} ?[0-9LMNPQRSTUV]{2}[A-EHLMPRST][0-9LMNPQRSTUV]{2}"
            r" ?[A-Z][0-9LMNPQRSTUV]{3}[A-Z]"
        ),
        _stdnum("it.codicefiscale"),
    ),
    Lettered("fi_hetu", NAT, _form(r"\d{6}[+\-A-FU-Y]\d{3}[0-9A-Y]"), _stdnum("fi.hetu")),
    Lettered("pt_cc", NAT, _form(r"\d{8}[ \-]?\d[ \-]?[A-Z0-9]{2}\d"), _stdnum("pt.cc")),
    Lettered("se_pnr_form", NAT, _form(r"(?:19|20)?\d{6}[+\-]\d{4}"), _stdnum("se.personnummer")),
    Lettered("dk_cpr_form", NAT, _form(r"\d{6}-\d{4}"), _stdnum("dk.cpr")),
    Lettered("lv_pk_form", NAT, _form(r"\d{6}-\d{5}"), _stdnum("lv.pvn")),
    Lettered("cz_rc_form", NAT, _form(r"\d{6}/\d{3,4}"), _stdnum("cz.rc")),
    Lettered("gb_nhs_form", HEALTH, _form(r"\d{3} \d{3} \d{4}"), _stdnum("gb.nhs")),
    # in groups the form alone is enough: people mistype, and nothing else is written so
    Lettered(
        "lu_matricule_form",
        NAT,
        _form(r"(?:19|20)\d\d[ .\-]?(?:0[1-9]|1[0-2])[ .\-]?(?:0[1-9]|[12]\d|"
        r"3[01])[ .\-]\d{3}[ .\-]?\d\d"),
        bool,
    ),
    Lettered(
        "fr_nir_form",
        NAT,
        _form(r"[12][ .]\d\d[ .](?:0[1-9]|1[0-2]|[2-9]\d)[ .](?:\d\d|"
        r"2[AB])[ .]\d{3}[ .]\d{3}(?:[ .]\d\d)?"),
        bool,
    ),
    Lettered("mt_id", NAT, _form(r"\d{1,7}[MGAPLHBZ]"), bool, lone=False),
    Lettered("cy_tic", TAX, _form(r"\d{8}[A-Z]"), _stdnum("cy.vat"), lone=False),
)  # fmt: skip

CUES: tuple[tuple[Label, Cue], ...] = (
    (
        HEALTH,
        cue(
            r"krankenversicher(?:ung|ten)s?-?(?:nummer|nr)?|versicherten-?(?:nummer|nr)|kvnr|"
            r"kv-nummer|"
            r"krankenkassen-?(?:nummer|nr)|gesundheitskarte|egk|ehic|ceam|carte europ[eé]enne|"
            r"(?:nhs|chi)(?: number| no)?|"
            r"health insurance(?: number| no)?|num[eé]ro (?:de )?mutuelle|"
            r"krankekeess(?:ennummer)?|carte vitale"
        ),
    ),
    (
        TAX,
        cue(
            r"steuer-?(?:id|identifikationsnummer|idnr|nummer|nr)|idnr|id-nr|tin|steiernummer|"
            r"steiernumm|"
            r"num[eé]ro fiscal(?: de r[eé]f[eé]rence)?|n° ?fiscal|num[eé]ro spi|spi|nif|"
            r"identifiant fiscal|tax (?:number|id|reference|identification number)|utr|"
            r"nip|ad[oó]azonos[ií]t[oó](?: jel)?|contribuinte|codice fiscale|st\.-?nr|"
            r"steuerliche identifikationsnummer"
        ),
    ),
    (
        NAT,
        cue(
            r"cns(?: number| nummer| numm)?|matricule|matrikel(?:nummer)?|matrikl|"
            r"num[eé]ro national|registre national|"
            r"rijksregister(?:nummer)?|niss|insz|nir|"
            r"(?:num[eé]ro |n° ?(?:de )?)?s[eé]cu(?:rit[eé] sociale)?|"
            r"num[eé]ro d'identification(?: nationale?)?|(?:n° ?)ss|"
            r"num[eé]ro (?:d'assur[eé]|d'immatriculation sociale)|"
            r"sozialversicherungs-?(?:nummer|nr)|sv-?(?:nummer|nr)|"
            r"rentenversicherungs-?(?:nummer|nr)|rvnr|versicherungs-?(?:nummer|nr)|"
            r"sozialversécherungsnummer|national insurance(?: number| no)?|nino|"
            r"ni(?: number| no| num)|renten-?(?:nummer|nr)|num[eé]ro de pension|"
            r"social security(?: number| no)?|ssn|"
            r"personnummer|pesel|bsn|burgerservicenummer|ahv(?:-nummer|-nr)?|avs|oib|egn|cnp|"
            r"amka|afm|national (?:id|identity)(?: number)?|"
            r"rodn[eé] [cč][ií]slo|cpr(?:-?nr\.?|-nummer)?|f[oø]dselsnummer|kennitala|"
            r"isikukood|asmens kodas|"
            r"personas kods|em[sš]o|hetu|henkil[oö]tunnus|peid|taj(?:-sz[aá]m)?|"
            r"szem[eé]lyi (?:azonos[ií]t[oó]|sz[aá]m)|"
            r"num[eé]ro d'identit[eé]|cart[aã]o de cidad[aã]o|"
            r"ppsn?(?: number)?|dni|nie|insurance number|1?3-?stellige(?:r|n)? (?:nummer|code)"
        ),
    ),
)
_RUN = Sieve(r"(?<![\w.,])\d(?:(?:[ .\-/]| ?\n|  | [\-/] )?\d){7,24}(?![\w]|[.,]\d)")
_GROUP = re.compile(r"\d+")
_CUED_VALUE = re.compile(
    r"(?<![\w])(?=(?:[ ./\-\n]?\w){6,24})(?:(?-i:[A-Z]{1,2})[ \-]?|"
    r"[A-Z]{1,2})?\d(?:[ ./\-\n]{0,2}(?:\d|[A-Z](?=[ ./\-]?\d|\b))){4,20}(?![\w])",
    re.IGNORECASE,
)
_LONG = 11
_DATE = re.compile(r"\d{1,2}[./ \-]\d{1,2}[./ \-](?:19|20)?\d\d|(?:19|20)\d\d-\d\d-\d\d")

_LONE = tuple(kind for kind in LETTERED if kind.lone)


class NumberRecognizer(RuleRecognizer):
    """All identifiers of the table, of every country, on every text."""

    labels = (NAT, TAX, HEALTH)

    def __init__(self) -> None:
        super().__init__()
        self._by_length: dict[int, list[Identifier]] = {}
        for identifier in IDENTIFIERS:
            for length in identifier.lengths:
                self._by_length.setdefault(length, []).append(identifier)

    def find(self, text: str) -> Iterable[Hit]:
        """Checked numbers anywhere, and every number after a cue."""
        if not any(char.isdigit() for char in text):
            return
        yield from self._lone(text)
        yield from self._lettered(text)
        yield from self._cued(text)

    def _lone(self, text: str) -> Iterator[Hit]:
        for run in _RUN.finditer(text):
            for start, end in _candidates(run):
                found = self._find_checked(digits_of(text[start:end]))
                if found:
                    yield Hit(start, end, found.label, CHECKED, found.name)
                    break

    def _find_checked(self, digits: str) -> Identifier | None:
        for identifier in self._by_length.get(len(digits), ()):
            if identifier.lone and identifier.check(digits) and len(set(digits)) > 2:  # noqa: PLR2004
                return identifier
        return None

    def _lettered(self, text: str) -> Iterator[Hit]:
        for kind in _LONE:
            for match in kind.pattern.finditer(text):
                if kind.check(_compact(match.group())):
                    yield Hit(match.start(), match.end(), kind.label, SURE, kind.name)

    def _cued(self, text: str) -> Iterator[Hit]:
        if not any(words.may_stand_in(text) for _, words in CUES):
            return
        for match in _CUED_VALUE.finditer(text):
            if _DATE.fullmatch(match.group()):
                continue
            start = past_small_word(text, match.start())
            for label, words in CUES:
                if is_cued(text, start, words):
                    yield Hit(start, match.end(), label, CUED, f"{label.lower()}_cue")
                    break


def _candidates(run: re.Match[str]) -> Iterator[tuple[int, int]]:
    """The whole run of digits, then its parts of eleven and more digits between separators."""
    yield run.start(), run.end()
    groups = [
        (run.start() + g.start(), run.start() + g.end()) for g in _GROUP.finditer(run.group())
    ]
    for first in range(len(groups)):
        count = 0
        for last in range(first, len(groups)):
            count += groups[last][1] - groups[last][0]
            if count >= _LONG:
                yield groups[first][0], groups[last][1]


def _compact(text: str) -> str:
    """Signs that belong to the number; a Finnish or Swedish century sign stays."""
    if re.fullmatch(r"(?:\d{6}|\d{8})[+\-]\w{4,5}", text):
        return text
    return signs_of(text)
