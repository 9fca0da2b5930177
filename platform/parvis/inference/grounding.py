"""Does an answer say only what the passages say? A check of numbers and names, not of meaning."""

import re
import unicodedata
from collections.abc import Sequence

from parvis.domain import Passage

_NUMBER = re.compile(r"\d+(?:[.,:'’\u00a0\u202f ](?=\d)\d+)*")
_ENUMERATOR = re.compile(r"^\s*(?:[-*]\s*)?\d{1,2}[.)]\s", re.MULTILINE)
_WORD = re.compile(r"[^\W\d_]+(?:['’\-][^\W\d_]+)*")
_BEFORE_A_SENTENCE = frozenset('.!?:;\n«»"“”„(*>-–•|')
_STEM = 5


def check_grounded(answer: str, passages: Sequence[Passage], question: str = "") -> bool:
    """True when every number and every capitalised name of the answer stands in the passages.

    What the person wrote in the question counts as known too. A sentence's first word is not taken
    for a name. True does not mean that the answer is right: only that it brings in no figure, date,
    place or person of its own.
    """
    known = "\n".join([question, *(f"{p.title}\n{p.text}" for p in passages)])
    return _find_numbers(answer) <= _find_numbers(known) and _names(answer) <= _stems(known)


def _find_numbers(text: str) -> set[str]:
    text = unicodedata.normalize("NFKC", _ENUMERATOR.sub(" ", text))
    return {form for match in _NUMBER.finditer(text) for form in _number_forms(match.group())}


def _number_forms(number: str) -> set[str]:
    """One form for `25,00`, `25.00` and `25`; dates and times by their parts, without zeros."""
    plain = re.sub(r"[ '’.,](?=\d{3}(?:\D|$))", "", number)
    decimal = re.fullmatch(r"0*(\d+)[.,](\d{1,2})", plain)
    if decimal:
        cents = decimal.group(2).rstrip("0")
        return {f"{decimal.group(1)},{cents}" if cents else decimal.group(1)}
    if plain.isdigit():
        return {plain.lstrip("0") or "0"}
    return {part.lstrip("0") for part in re.split(r"\D+", plain)} - {""}


def _names(text: str) -> set[str]:
    """Stems of words that begin with a capital inside a sentence."""
    found = set()
    for match in _WORD.finditer(text):
        word = match.group()
        if word[0].isupper() and not _starts_sentence(text, match.start()):
            found.update(_stems(word))
    return found


def _starts_sentence(text: str, start: int) -> bool:
    while start > 0 and text[start - 1] in " \t\u00a0\u202f":
        start -= 1
    return start == 0 or text[start - 1] in _BEFORE_A_SENTENCE


def _stems(text: str) -> set[str]:
    """Words without case and accents, cut to their first letters, so that endings do not matter."""
    plain = "".join(
        char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char)
    )
    words = (part for word in _WORD.findall(plain) for part in re.split(r"['’\-]", word))
    return {word.casefold()[:_STEM] for word in words if len(word) > 1}
