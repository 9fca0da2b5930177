"""Passwords, keys and tokens that somebody pasted."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator

from parvis.privacy.entities import Label
from parvis.privacy.recognizers.base import CUED, SURE, Hit, RuleRecognizer
from parvis.privacy.sieve import Sieve

_KNOWN = Sieve(
    r"(?<![\w])(?:"
    r"(?:sk|pk|rk)[-_](?:live[-_]|test[-_]|proj[-_]|ant[-_])?[\w\-]{16,200}"
    r"|gh[pousr]_\w{30,255}|github_pat_\w{22,255}|glpat-[\w\-]{20,64}|xox[abeprs]-[\w\-]{10,200}"
    r"|AKIA[0-9A-Z]{16}|ASIA[0-9A-Z]{16}|AIza[\w\-]{35}|ya29\.[\w\-]{20,300}|hf_\w{30,60}|"
    r"pv-[\w\-]{16,200}"
    r"|SG\.[\w\-]{16,64}\.[\w\-]{16,64}|npm_\w{30,60}|pypi-[\w\-]{40,300}|dop_v1_[0-9a-f]{64}"
    r"|eyJ[\w\-]{8,4000}\.[\w\-]{8,8000}\.[\w\-]{0,1000}"
    r")"
)
_PEM = Sieve(
    r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[\s\S]{1,8000}?"
    r"(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|"
    r"\Z)"
)
_NEAR = Sieve(
    r"(?:mot[ \n]de[ \n]passe|mdp|passwort|kennwort|password|passwuert|passwd|pwd|code secret|"
    r"pin(?:-?code)?|"
    r"api[ _\-]?key|cl[eé] (?:d')?api|zugangscode|secret|token|access[ _\-]?key|tan|puk)"
    r"(?: (?:est|ist|ass|is|lautet|war|was))?(?: ?[:=] ?| )"
    r"[\"'«„“]?(?P<value>[^\s\"'»“”,;]{4,200})",
    re.IGNORECASE,
)
_BEARER = Sieve(r"(?:bearer|basic) (?P<value>[\w\-.+/=]{16,4000})", re.IGNORECASE)
# "le mot de passe que j'ai mis, c'est Tuga57_carrel", "wlan bei oma ist Blumenkohl!1949"
_SAID = Sieve(
    r"(?<!\w)(?:mots?[ \n]de[ \n]passe|mdp|pass(?:wor[dt]|wuert|wd)s?|kennwort|pwd?|wlan|wi-?fi|"
    r"(?:le |the |der |de )?code(?: d'acc[eè]s)? (?:de |d'|du |for |to |für |fir |vum )(?:mon|ma|"
    r"my|mein\w*|mäi|meng|notre|our|unser\w*)|zugangsdaten|identifiants de connexion)(?!\w)"
    r"(?P<rest>[^\n]{0,80}(?:\n[ \-–>:]*[^\s]{1,64}(?=\n|\Z))?)",
    re.IGNORECASE,
)
_STRONG = re.compile(r"(?<![^\s\"'«„“(:=])[^\s\"'»“”,;()]{6,64}")
_SIGNS = frozenset("!#$%&*+=?_^~§")
_NO_SECRET = re.compile(
    r".*@[\w\-]+\.\w|\w+://|www\.|[\d./:\-]+\Z|\d+[\-\s]?(?:digits?|stellig\w*|chiffres?|zeichen)|"
    r"[^\W\d_]+[?!.…]+\Z",
    re.IGNORECASE,
)
_PIN = Sieve(
    r"(?<!\w)(?:pin(?:-?code)?|puk|tan|cvv2?|cvc2?|cryptogramme|pr[üu]fziffer|kartenpr[üu]fnummer|"
    r"geheimzahl|code (?:secret|confidentiel)|"
    r"(?:mon|mein|meinen|my|m[äe]in?) code(?! (?:postal|barre|client))|"
    r"(?:trois|three|drei|dräi|3) (?:derniers )?(?:chiffres|digits|numbers|ziffern|zifferen)|"
    r"exp\.?[ ]?:?[ ]?\d\d/\d\d(?:\d\d)?)(?!\w)"
    r"(?:[^\n\d.;!?]{0,40}[^\w\n./])(?P<value>\d{3,8})"
    r"(?![\w€%]|[.,/\-]\d|[ ](?:€|eur|uhr|auer|\d))",
    re.IGNORECASE,
)
_YEAR = re.compile(r"(?:19|20)\d\d")
_ENTROPY = 3.2


class SecretRecognizer(RuleRecognizer):
    """Known prefixes, private keys, JSON web tokens, and what stands after a cue."""

    labels = (Label.SECRET,)

    def find(self, text: str) -> Iterable[Hit]:
        """Every secret."""
        for pattern, rule in ((_KNOWN, "known_key"), (_PEM, "private_key")):
            for match in pattern.finditer(text):
                yield Hit(match.start(), match.end(), Label.SECRET, SURE, rule)
        for match in _BEARER.finditer(text):
            yield Hit(match.start("value"), match.end("value"), Label.SECRET, SURE, "bearer")
        for match in _NEAR.finditer(text):
            value = match["value"].rstrip(".!?)")
            if _is_secret(
                value,
                is_assigned=bool(
                    re.search(
                        r"[:=] ?[\"'«„“]?\Z| (?:est|ist|ass|is|lautet) ",
                        text[match.start() : match.start("value")],
                        re.I,
                    )
                ),
            ):
                start = match.start("value")
                yield Hit(start, start + len(value), Label.SECRET, SURE, "secret_cue")

        yield from self._said(text)

    def _said(self, text: str) -> Iterator[Hit]:
        """Secrets that other words stand before."""
        for match in _SAID.finditer(text):
            for word in _STRONG.finditer(text, *match.span("rest")):
                value = word.group().rstrip(".?:")
                if _is_strong(value):
                    start = word.start()
                    yield Hit(start, start + len(value), Label.SECRET, CUED, "secret_said")
                    break
        for match in _PIN.finditer(text):
            if not _YEAR.fullmatch(match["value"]):
                yield Hit(*match.span("value"), Label.SECRET, CUED, "pin")


def _is_strong(value: str) -> bool:
    """Letters with digits, or with signs that no word has."""
    if _NO_SECRET.match(value) or not any(map(str.isalpha, value)):
        return False
    return any(map(str.isdigit, value)) or any(sign in _SIGNS for sign in value)


def _is_secret(value: str, *, is_assigned: bool) -> bool:
    """Digits among letters, or signs: words of a sentence are not secrets."""
    has_digit = any(char.isdigit() for char in value)
    has_letter = any(char.isalpha() for char in value)
    has_sign = any(not char.isalnum() for char in value.strip("-'"))
    if is_assigned:
        return has_digit or (has_sign and len(value) >= 6)  # noqa: PLR2004
    return has_digit and has_letter and len(value) >= 8 and _entropy(value) >= _ENTROPY / 1.3  # noqa: PLR2004


def _entropy(value: str) -> float:
    counts = Counter(value)
    return -sum(n / len(value) * math.log2(n / len(value)) for n in counts.values())
