"""The pages' words in four languages: catalogues, the visitor's language, dates and numbers.

Keys are the English sentences. Catalogues are read once, at import; nothing is compiled. What an
agency says in its own file (names, purposes) is not here.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from gettext import c2py
from pathlib import Path
from typing import Any, cast

from babel import dates, numbers
from babel.messages.pofile import read_po
from flask import g, has_request_context, request

from parvis.domain import LANGUAGES, Language

LOCALES = Path(__file__).parent.parent / "locales"
COOKIE = "parvis_language"
NAMES: Mapping[Language, str] = {
    "fr": "Français",
    "de": "Deutsch",
    "lb": "Lëtzebuergesch",
    "en": "English",
}


def N_(message: str) -> str:
    """The message itself; marks it for the catalogues where it is translated later."""
    return message


@dataclass(frozen=True, slots=True)
class Words:
    """Everything a page says in one language; safe to hold while a stream runs."""

    language: Language
    messages: Mapping[str, str | tuple[str, ...]]
    plural: Callable[[int], int]

    def gettext(self, message: str, **values: Any) -> str:
        """The message in this language with `{name}` filled in.

        A sentence that is missing comes in English.
        """
        found = self.messages.get(message) or message
        text = found if isinstance(found, str) else found[0]
        return text.format(**values) if values else text

    def ngettext(self, one: str, many: str, count: int, **values: Any) -> str:
        """The form of the message that this language uses for `count` things."""
        found = self.messages.get(one)
        if isinstance(found, tuple):
            text = found[self.plural(count)] or many
        else:
            text = one if count == 1 else many
        return text.format(count=self.number(count), **values)

    def number(self, value: int) -> str:
        """A whole number with this language's separators."""
        return numbers.format_decimal(value, locale=self.language)

    def decimal(self, value: float) -> str:
        """A number with two digits after this language's mark."""
        return numbers.format_decimal(value, format="0.00", locale=self.language)

    def moment(self, value: datetime) -> str:
        """Day and time, with the zone written out."""
        return (
            f"{self.day(value)}, {dates.format_time(value, 'HH:mm:ss', locale=self.language)} UTC"
        )

    def day(self, value: datetime) -> str:
        """A day as people write it in this language."""
        return dates.format_date(value, "medium", locale=self.language)


@cache
def load_words(language: Language) -> Words:
    """The catalogue of one language; read once in a process."""
    with (LOCALES / f"{language}.po").open("rb") as file:
        catalogue = read_po(file, locale=language)
    messages: dict[str, str | tuple[str, ...]] = {}
    for message in catalogue:
        if message.id and message.string:
            key = message.id if isinstance(message.id, str) else message.id[0]
            messages[key] = cast("str | tuple[str, ...]", message.string)
    return Words(language, messages, c2py(catalogue.plural_expr))


def find_language(value: str | None) -> Language | None:
    """The language of that code if it is one of ours."""
    return next((language for language in LANGUAGES if language == value), None)


def choose_language(asked: str | None, kept: str | None, accepted: str) -> Language:
    """What the address asks for, else what was chosen before, else what the browser prefers.

    `accepted` is an Accept-Language header (RFC 9110, 12.5.4). English when nothing fits.
    """
    chosen = find_language(asked) or find_language(kept)
    if chosen:
        return chosen
    weighted = []
    for position, item in enumerate(accepted[:500].split(",")):
        tag, _, rest = item.strip().partition(";")
        quality = re.fullmatch(r"\s*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*", rest)
        language = find_language(tag.split("-")[0].lower())
        weight = float(quality[1]) if quality else 1.0
        if language and weight:
            weighted.append((-weight, position, language))
    return min(weighted)[2] if weighted else "en"


def words() -> Words:
    """The words of the request that is being answered; English outside one."""
    if not has_request_context():
        return load_words("en")
    if "words" not in g:
        language = choose_language(
            request.args.get("lang"),
            request.cookies.get(COOKIE),
            request.headers.get("Accept-Language", ""),
        )
        g.words = load_words(language)
    return cast(Words, g.words)


def pick(texts: Mapping[Any, str], language: Language) -> str:
    """An agency's own text in this language, else in the first language it has."""
    found = texts.get(language)
    return found if found else next(iter(texts.values()), "")
