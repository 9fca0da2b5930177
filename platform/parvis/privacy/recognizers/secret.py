"""Passwords, keys and tokens that somebody pasted."""

import math
import re
from collections import Counter
from collections.abc import Iterable

from parvis.privacy.entities import Label
from parvis.privacy.recognizers.base import SURE, Hit, RuleRecognizer

_KNOWN = re.compile(
    r"(?<![\w])(?:"
    r"(?:sk|pk|rk)[-_](?:live[-_]|test[-_]|proj[-_]|ant[-_])?[\w\-]{16,200}"
    r"|gh[pousr]_\w{30,255}|github_pat_\w{22,255}|glpat-[\w\-]{20,64}|xox[abeprs]-[\w\-]{10,200}"
    r"|AKIA[0-9A-Z]{16}|ASIA[0-9A-Z]{16}|AIza[\w\-]{35}|ya29\.[\w\-]{20,300}|hf_\w{30,60}|"
    r"pv-[\w\-]{16,200}"
    r"|SG\.[\w\-]{16,64}\.[\w\-]{16,64}|npm_\w{30,60}|pypi-[\w\-]{40,300}|dop_v1_[0-9a-f]{64}"
    r"|eyJ[\w\-]{8,4000}\.[\w\-]{8,8000}\.[\w\-]{0,1000}"
    r")"
)
_PEM = re.compile(
    r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[\s\S]{1,8000}?"
    r"(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|"
    r"\Z)"
)
_CUED = re.compile(
    r"(?:mot[ \n]de[ \n]passe|mdp|passwort|kennwort|password|passwuert|passwd|pwd|code secret|"
    r"pin(?:-?code)?|"
    r"api[ _\-]?key|cl[eé] (?:d')?api|zugangscode|secret|token|access[ _\-]?key|tan|puk)"
    r"(?: (?:est|ist|ass|is|lautet|war|was))?(?: ?[:=] ?| )"
    r"[\"'«„“]?(?P<value>[^\s\"'»“”,;]{4,200})",
    re.IGNORECASE,
)
_BEARER = re.compile(r"(?:bearer|basic) (?P<value>[\w\-.+/=]{16,4000})", re.IGNORECASE)
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
        for match in _CUED.finditer(text):
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
