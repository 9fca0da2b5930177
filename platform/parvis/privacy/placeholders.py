"""The shape of a placeholder, `[PERSON_1_k7fq]`, and its tolerant reading.

Kind, number, an optional letter for another written form of the same value, and the tag of the
conversation. One shape serves masking (which text is only typed to look like ours) and restoring.
"""

import hashlib
import hmac
import re

from parvis.privacy.entities import Label

# no vowels and no look-alikes: a tag is never a word, and survives being read aloud
_TAG_SIGNS = "bcdfghjkmnpqrstvwxz23456789"
TAG_LENGTH = 4
MAX_LENGTH = 72

_GAP = r"(?:\\?[ _\-\u00a0\u202f]){1,3}"
_KINDS = "|".join(
    label.value.replace("_", _GAP) for label in sorted(Label, key=lambda kind: -len(kind))
)
# a backslash before belongs to it only where one stands before its end too: a model that escapes
# Markdown writes both, and a value behind a backslash (`C:\Users\...`) only the first
SHAPE = re.compile(
    rf"(?P<escape>\\)?\[[ \u00a0\u202f]{{0,2}}(?P<kind>{_KINDS}){_GAP}"
    rf"(?P<number>[1-9][0-9]{{0,5}})(?P<form>[a-z]{{0,3}}){_GAP}"
    rf"(?P<tag>[a-z0-9]{{{TAG_LENGTH}}})[ \u00a0\u202f]{{0,2}}"
    r"(?(escape)\\|\\?)\]",
    re.IGNORECASE | re.ASCII,
)
_SEPARATORS = re.compile(r"[ _\\\-\u00a0\u202f]+")


def derive_tag(tag_key: bytes) -> str:
    """Four signs that belong to this key; MUST NOT be guessable, so the key is secret."""
    digest = hmac.new(tag_key, b"parvis placeholder tag", hashlib.sha256).digest()
    number = int.from_bytes(digest[:16], "big")
    signs = []
    for _ in range(TAG_LENGTH):
        number, rest = divmod(number, len(_TAG_SIGNS))
        signs.append(_TAG_SIGNS[rest])
    return "".join(signs)


def write_placeholder(label: Label, number: int, form: int, tag: str) -> str:
    """The placeholder of the `form`-th written form (from 0) of the `number`-th value (from 1)."""
    return f"[{label.value}_{number}{_form_letters(form)}_{tag}]"


def canonical(match: re.Match[str]) -> str:
    """The exact writing of a placeholder that a model may have changed in case and spacing."""
    kind = _SEPARATORS.sub("_", match["kind"]).upper()
    return f"[{kind}_{match['number']}{match['form'].lower()}_{match['tag'].lower()}]"


def canonical_base(match: re.Match[str]) -> str:
    """The first written form of the same value: what an invented form letter falls back to."""
    kind = _SEPARATORS.sub("_", match["kind"]).upper()
    return f"[{kind}_{match['number']}_{match['tag'].lower()}]"


def fold_start(text: str) -> str:
    """The start of a possible placeholder as plain signs, for comparing with known ones."""
    opened = text.lstrip("\\").removeprefix("[").lstrip(" \u00a0\u202f").rstrip("]")
    return _SEPARATORS.sub("_", opened).rstrip("_").upper()


def _form_letters(form: int) -> str:
    letters = ""
    while form > 0:
        form, rest = divmod(form, 26)
        letters = chr(ord("a") + rest) + letters
    return letters
