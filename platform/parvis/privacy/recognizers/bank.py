"""Account and card numbers."""

import re
from collections.abc import Iterable

from parvis.privacy.entities import Label
from parvis.privacy.recognizers.base import (
    CHECKED,
    CUED,
    Hit,
    RuleRecognizer,
    cue,
    is_cued,
    signs_of,
)
from parvis.privacy.sieve import Sieve

# ISO 13616 registry: length by country (Europe and near)
LENGTHS = {
    "AD": 24, "AL": 28, "AT": 20, "BA": 20, "BE": 16, "BG": 22, "CH": 21, "CY": 28, "CZ": 24,
    "DE": 22, "DK": 18, "EE": 20, "ES": 24, "FI": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22,
    "GI": 23, "GL": 18, "GR": 27, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IS": 26, "IT": 27,
    "LI": 21, "LT": 20, "LU": 20, "LV": 21, "MA": 28, "MC": 27, "MD": 24, "ME": 22, "MK": 19,
    "MT": 31, "NL": 18, "NO": 15, "PL": 28, "PT": 25, "RO": 24, "RS": 22, "SE": 24, "SI": 19,
    "SK": 24, "SM": 27, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "XK": 20,
}  # fmt: skip
_IBAN = Sieve(
    rf"(?<![^\W_])({'|'.join(LENGTHS)})[ .\-]?\d\d(?:[ .\-\n]{{0,2}}[A-Z0-9]){{10,27}}",
    re.IGNORECASE,
)
# the number of an account by itself: "acc 11204478", "Kto. 4418 820"
_ACCOUNT = Sieve(
    r"(?<!\w)(?:acc(?:oun)?t?\.?(?: number| no\.?)?|a/c|kto\.?(?:-?nr\.?)?|konto-?nr\.?|sort code)"
    r"[ ]?:?[ ](?P<number>\d{2}-\d\d-\d\d|\d(?: ?\d){6,11})(?![\w/\-])",
    re.IGNORECASE,
)
_IBAN_CUE = cue(
    r"iban|compte|konto|kontos?-?(?:nummer|numm|nr)|kont|account(?: number)?|rib|bankverbindung|"
    r"bank|virement|[uü]berweis\w*|iwwerweis\w*|transfer|refunds?|rent|loyer|miete"
)
# the account of a public body, named right before and not said to be anybody's own
_PUBLIC = re.compile(
    r"(?<!\w)(?:tr[eé]sor public|(?:stadt|gemeinde|landes|bundes|amts|kreis)kasse|gemengekeess\w*|"
    r"recette communale|receveur(?: communal)?|finanzamt|council|r[eé]gie|staatskasse|"
    r"tr[eé]sorerie|"
    r"steierverwaltung|hm revenue(?: and customs)?|hmrc)(?!\w)[^.!?;\n\d]{0,60}\Z",
    re.IGNORECASE,
)
_OWN = re.compile(
    r"(?<!\w)(?:mon|ma|mes|notre|mein\w*|unser\w*|my|our|m[äe]i\w*|eis\w*|meng\w*|titulaire|"
    r"inhaber\w*|"
    r"rembours\w*|refund|erstatt\w*)(?!\w)",
    re.IGNORECASE,
)
_CARD = Sieve(r"(?<![\w.])(?:[2-6]\d{3})(?:[ \-\n]?\d){8,15}(?![\w])")
# Visa, Mastercard (old and 2-series), Amex, Diners, Discover, JCB, Maestro
_CARD_PREFIX = re.compile(
    r"4|5[1-5]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)|3[47]|3(?:0[0-5]|[689])|6(?:011|4[4-9]|5)|"
    r"35(?:2[89]|[3-8])"
    r"|5018|50[23]|5[68]|6(?:304|7)"
)
_CARD_LENGTHS = range(13, 20)


class IbanRecognizer(RuleRecognizer):
    """Any spacing; check digits by ISO 7064 mod 97, so that neighbouring words cannot pass."""

    labels = (Label.IBAN,)

    def find(self, text: str) -> Iterable[Hit]:
        """Every IBAN that checks, and every one of the right shape after a cue."""
        for match in _ACCOUNT.finditer(text):
            if not is_public_account(text, match.start()):
                yield Hit(*match.span("number"), Label.IBAN, CUED, "account_cue")
        for match in _IBAN.finditer(text):
            end = _end_after(text, match.start(), LENGTHS[match[1].upper()])
            if end is None:
                continue
            if is_public_account(text, match.start()):
                continue
            if is_iban(text[match.start() : end]):
                yield Hit(match.start(), end, Label.IBAN, CHECKED, "iban")
            elif is_cued(text, match.start(), _IBAN_CUE):
                yield Hit(match.start(), end, Label.IBAN, CUED, "iban_cue")


class CardRecognizer(RuleRecognizer):
    """Known prefixes and the Luhn check (ISO/IEC 7812-1)."""

    labels = (Label.CREDIT_CARD,)

    def find(self, text: str) -> Iterable[Hit]:
        """Every card number."""
        for match in _CARD.finditer(text):
            digits = signs_of(match.group())
            if (
                len(digits) in _CARD_LENGTHS
                and _CARD_PREFIX.match(digits)
                and is_luhn(digits)
                and len(set(digits)) > 1
            ):
                yield Hit(match.start(), match.end(), Label.CREDIT_CARD, CHECKED, "card")


def is_public_account(text: str, start: int) -> bool:
    """Whether the words right before name a public body as the payee, and nobody's own account."""
    before = re.split(r"[.!?] |\n\n", text[max(0, start - 110) : start])[-1]
    return bool(_PUBLIC.search(before)) and not _OWN.search(before)


def is_iban(text: str) -> bool:
    """Whether check digits and length are right (ISO 13616)."""
    signs = signs_of(text)
    if LENGTHS.get(signs[:2]) != len(signs):
        return False
    turned = signs[4:] + signs[:4]
    return int("".join(str(int(sign, 36)) for sign in turned)) % 97 == 1


def is_luhn(digits: str) -> bool:
    """Luhn's check (ISO/IEC 7812-1 annex B)."""
    total = 0
    for index, sign in enumerate(reversed(digits)):
        value = int(sign) * (1 + index % 2)
        total += value - 9 if value > 9 else value  # noqa: PLR2004
    return total % 10 == 0


def _end_after(text: str, start: int, count: int) -> int | None:
    """Where the `count`-th letter or digit from `start` ends, if a word ends there."""
    for index in range(start, len(text)):
        if text[index].isascii() and text[index].isalnum():
            count -= 1
            if count == 0:
                following = text[index + 1 : index + 2]
                return None if following.isalnum() else index + 1
        elif text[index] not in " .-\n":
            return None
    return None
