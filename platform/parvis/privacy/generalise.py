"""A coarse fact in place of a value: enough to answer by, not enough to tell who it is.

The fact stands beside the placeholder that the model reads, `[DATE_OF_BIRTH_1_k7fq] (age 35-44)`;
the value itself stays behind. Where no fact can be told for certain there is none.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from ipaddress import ip_address

import phonenumbers

from parvis.privacy.entities import Label

# towns say where, not who: this profile leaves them readable
READABLE = frozenset({Label.LOCATION})

# ages at which rules of administrations change; the very old are few, so they share one band
_BANDS = (0, 3, 6, 12, 16, 18, 25, 35, 45, 55, 65, 75, 85)
_OLDEST = 125
_MONTHS = (
    ("jan",),
    ("feb", "fev"),
    ("mar", "maer"),
    ("apr", "avr", "abr"),
    ("mai", "may", "mee"),
    ("jun", "juin"),
    ("jul", "juil"),
    ("aug", "aou"),
    ("sep",),
    ("oct", "okt"),
    ("nov",),
    ("dec", "dez"),
)
_DAY_FIRST = re.compile(r"(\d{1,2})[./\- ]{1,2}(\d{1,2})[./\- ]{1,2}(\d{4}|\d\d)(?!\d)")
_YEAR_FIRST = re.compile(r"(\d{4})[./\-](\d{1,2})[./\-](\d{1,2})(?!\d)")
_GLUED = re.compile(r"(\d\d)(\d\d)((?:19|20)\d\d)\Z")
_YEAR = re.compile(r"(?<!\d)((?:18|19|20)\d\d)(?!\d)")
_DAY = re.compile(r"(?<!\d)(\d{1,2})(?!\d)")
_WORD = re.compile(r"[^\W\d_]{3,}")

_BEFORE_TOWN = (
    r"(?:(?:le|la|les|saint|sainte|st\.?|ste|sankt|bad|neu|alt|ober|unter|new|den|'s)[ \-])?"
)
_WITHIN_TOWN = (
    r"(?:sur|sous|en|de|du|des|la|le|les|lès|l|d|an|am|im|in|ob|der|dem|bei|vor|op|aan|upon)"
)
_NAME = r"[^\W\d_]+(?:['’\-][^\W\d_]+)*"
_TOWN_AFTER_CODE = re.compile(
    r"(?<![\w\-])(?:[A-Z]{1,3}[ ]?[\-–][ ]?)?\d{4,5}(?:[ ][A-Z]{2}(?=[ ]))?[ \n]{1,2}"
    rf"(?P<town>{_BEFORE_TOWN}{_NAME}(?:[ \-/]+{_WITHIN_TOWN}[ \-/]+{_NAME})*)",
    re.IGNORECASE,
)
_TOWN_BEFORE_CODE = re.compile(
    rf"[,\n][ \n]?(?P<town>{_BEFORE_TOWN}{_NAME})[, \n]{{1,2}}"
    r"[A-Z]{1,2}\d[A-Z\d]?[ ]?\d[A-Z]{2}\Z",
    re.IGNORECASE,
)

_FREE_MAIL = frozenset(
    {
        *("gmail", "googlemail", "outlook", "hotmail", "live", "msn", "yahoo", "gmx", "web"),
        *("orange", "free", "laposte", "wanadoo", "sfr", "pt", "internet", "vo", "t-online"),
        *("icloud", "proton", "protonmail", "skynet", "telenet", "proximus", "posteo"),
        *("mailbox", "freenet", "aol", "bluewin", "ziggo", "kpnmail"),
    }
)
_PUBLIC_MAIL = (
    *(".gouv.fr", ".etat.lu", ".public.lu", ".bund.de", ".europa.eu", ".gov.uk", ".fgov.be"),
    *(".admin.ch", ".gv.at", ".gov.ie", ".overheid.nl", ".belgium.be"),
)
_DOMAIN = re.compile(r"(?:@|\[at\]|\(at\)|[ ]at[ ])[ ]?([\w.\-]+)\Z", re.IGNORECASE)
_COUNTRY_MAIL = re.compile(r"\.[a-z]{2}\Z")
_DEGREES = re.compile(r"([+-]?\d{1,3}[.,]\d{4,})\D+?([+-]?\d{1,3}[.,]\d{4,})")


def tell_fact(label: Label, value: str, today: date) -> str:
    """What may be said of this value ("age 35-44", "Trier"); "" where nothing can be."""
    teller = _TELLERS.get(label)
    return teller(unicodedata.normalize("NFKC", value).strip(), today) if teller else ""


def _tell_age(value: str, today: date) -> str:
    born = _find_birth(value, today)
    if born is None:
        return ""
    earliest, latest = born
    ages = (_age(latest, today), _age(earliest, today))
    if ages[0] < 0 or ages[1] > _OLDEST:
        return ""
    low = max(edge for edge in _BANDS if edge <= ages[0])
    above = [edge for edge in _BANDS if edge > ages[1]]
    return f"age {low}-{above[0] - 1}" if above else f"age {low} or more"


def _find_birth(value: str, today: date) -> tuple[date, date] | None:
    """The first and last day that the words may mean; None where the year is not in digits."""
    digits = _read_digits(value)
    if digits is not None:
        year, month, day = digits
    else:
        found = _YEAR.search(value)
        if found is None:
            return None
        rest = value[: found.start()] + " " + value[found.end() :]
        days = _DAY.search(rest)
        year, month, day = int(found[1]), _find_month(rest), int(days[1]) if days else 0
    if year < 100:  # noqa: PLR2004 - two digits: the last hundred years
        year += 2000 if 2000 + year <= today.year else 1900
    try:
        if month and day:
            exact = date(year, month, day)
            return exact, exact
        return date(year, 1, 1), date(year, 12, 31)
    except ValueError:
        return None


def _read_digits(value: str) -> tuple[int, int, int] | None:
    if found := _YEAR_FIRST.search(value):
        return int(found[1]), int(found[2]), int(found[3])
    if found := _DAY_FIRST.search(value) or _GLUED.search(value):
        return int(found[3]), int(found[2]), int(found[1])
    return None


def _find_month(text: str) -> int:
    for word in _WORD.findall(text):
        folded = unicodedata.normalize("NFKD", word.casefold())
        plain = "".join(char for char in folded if not unicodedata.combining(char))
        for number, starts in enumerate(_MONTHS, start=1):
            if plain.startswith(starts):
                return number
    return 0


def _age(born: date, today: date) -> int:
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def _tell_town(value: str, _today: date) -> str:
    """Only what stands at a postcode: anything else could be the street."""
    found = list(_TOWN_AFTER_CODE.finditer(value)) or list(_TOWN_BEFORE_CODE.finditer(value))
    if not found or (found[-1].start() == 0 and found[-1].end() < len(value)):
        return ""  # "1250 Main Street": a house number
    return found[-1]["town"]


def _tell_mailbox(value: str, _today: date) -> str:
    found = _DOMAIN.search(value)
    if found is None:
        return ""
    domain = "." + found[1].casefold()
    if domain.endswith(_PUBLIC_MAIL):
        return "mailbox of a public body"
    if domain.split(".")[1] in _FREE_MAIL and domain.count(".") <= 3:  # noqa: PLR2004
        return "private mailbox"
    country = _COUNTRY_MAIL.search(domain)
    return f"mailbox in {country[0]}" if country else ""


def _tell_line(value: str, _today: date) -> str:
    """Country and kind of a number that names its country."""
    plain = re.sub(r"^\(?00", "+", value)
    if not plain.startswith("+"):
        return ""
    try:
        number = phonenumbers.parse(plain)
    except phonenumbers.NumberParseException:
        return ""
    country = phonenumbers.region_code_for_number(number) or ""
    is_mobile = phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.MOBILE
    return f"{country} mobile".strip() if is_mobile else country


def _tell_bank_country(value: str, _today: date) -> str:
    country = value[:2].upper()
    return country if country.isascii() and country.isalpha() else ""


def _tell_region(value: str, _today: date) -> str:
    found = _DEGREES.search(value)
    if found is None:
        return ""
    north, east = (float(part.replace(",", ".")) for part in found.groups())
    return f"near {north:.1f}, {east:.1f}"


def _tell_network(value: str, _today: date) -> str:
    try:
        address = ip_address(value)
    except ValueError:
        return ""
    return "inner network" if address.is_private else "internet"


_TELLERS: Mapping[Label, Callable[[str, date], str]] = {
    Label.DATE_OF_BIRTH: _tell_age,
    Label.ADDRESS: _tell_town,
    Label.EMAIL: _tell_mailbox,
    Label.PHONE: _tell_line,
    Label.IBAN: _tell_bank_country,
    Label.COORDINATES: _tell_region,
    Label.IP_ADDRESS: _tell_network,
}
