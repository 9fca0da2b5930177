"""The words of the pages: nothing missing in any language, nothing left over, right choice."""

import re
import string
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from parvis.audit.kinds import KINDS
from parvis.domain import LANGUAGES
from parvis.errors import (
    AuditUnavailable,
    Conflict,
    IdentityUnavailable,
    ModelOverloaded,
    ParvisError,
)
from parvis.web import audit_words, i18n, labels, pages

WEB = Path(i18n.__file__).parent
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]
KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}


def _wanted() -> set[str | tuple[str, ...]]:
    found = extract_from_dir(WEB, METHODS, {"**": {"encoding": "utf-8"}}, keywords=KEYWORDS)
    return {message for _, _, message, _, _ in found}


def _read(language: str) -> dict[str | tuple[str, ...], Message]:
    with (i18n.LOCALES / f"{language}.po").open("rb") as file:
        return {message.id: message for message in read_po(file, locale=language) if message.id}


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("language", LANGUAGES)
def test_catalogue_has_every_sentence_of_the_pages_and_no_other(language: str) -> None:
    assert set(_read(language)) == _wanted()


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_are_there_and_keep_their_values(language: str) -> None:
    for key, message in _read(language).items():
        originals = (key,) if isinstance(key, str) else key
        texts = (message.string,) if isinstance(message.string, str) else message.string
        assert len(texts) == len(originals)
        for original, text in zip(originals, texts, strict=True):
            assert text.strip(), original
            assert _fields(text) == _fields(original), original
            assert not message.fuzzy


@pytest.mark.parametrize("language", ["fr", "de", "lb"])
def test_translations_differ_from_english_where_there_is_a_sentence(language: str) -> None:
    found = _read(language).items()
    same = [
        key
        for key, one in found
        if isinstance(key, str) and one.string == key and key.count(" ") > 1
    ]
    assert same == []


def test_every_kind_of_record_has_its_sentence() -> None:
    assert set(KINDS) <= set(audit_words.SENTENCES)
    assert {kind.split(".")[0] for kind in KINDS} <= set(audit_words.FAMILIES)
    outcomes = {outcome for kind in KINDS.values() for outcome in kind.outcomes}
    assert outcomes <= set(audit_words.OUTCOMES)


def test_every_view_that_a_page_records_has_its_words() -> None:
    pages_code = Path(audit_words.__file__).parent.glob("*.py")
    views = {
        view
        for file in pages_code
        for view in re.findall(r'_record_reading\(\s*\{\s*"view": "([^"]+)"', file.read_text())
        + re.findall(r'_build_look\(\{"view": "([^"]+)"', file.read_text())
        + re.findall(r'record_look\(.*"([^"]+)"\)', file.read_text())
        + re.findall(r'target=\{\s*"view": "([^"]+)"', file.read_text())
    }
    assert {"list", "record", "report", "proof", "privacy-tryout", "subject.find"} <= views
    assert views <= set(audit_words.VIEWS)


def _errors(kind: type[ParvisError]) -> list[type[ParvisError]]:
    return [kind, *(deeper for one in kind.__subclasses__() for deeper in _errors(one))]


def test_every_error_has_words_for_people() -> None:
    for kind in _errors(ParvisError):
        if kind.__init__ is ParvisError.__init__:
            assert pages.words_of(kind()).title


@pytest.mark.parametrize(
    ("error", "way"),
    [
        (AuditUnavailable(), "retry"),
        (IdentityUnavailable(), "retry"),
        (ModelOverloaded(), "retry"),
        (Conflict(code="sent_already"), "retry"),
    ],
)
def test_trouble_that_passes_offers_to_try_again(error: ParvisError, way: str) -> None:
    assert pages.words_of(error).way == way
    assert pages.words_of(error) is pages.error_codes()[error.code]


@pytest.mark.parametrize(
    ("asked", "kept", "accepted", "language"),
    [
        ("lb", "de", "fr", "lb"),
        (None, "de", "fr", "de"),
        ("xx", "yy", "fr-LU, fr;q=0.9, en;q=0.8", "fr"),
        (None, None, "nl, de;q=0.3, lb;q=0.7", "lb"),
        (None, None, "pt", "en"),
        (None, None, "de;q=0, en;q=0.1", "en"),
        (None, None, "de;q=nonsense", "de"),
        (None, None, ",;,=;q", "en"),
    ],
)
def test_visitor_gets_the_language_asked_for_then_kept_then_preferred(
    asked: str | None, kept: str | None, accepted: str, language: str
) -> None:
    assert i18n.choose_language(asked, kept, accepted) == language


def test_counts_are_told_in_words_of_the_language() -> None:
    told = labels.tell_counts(i18n.load_words("de"), {"EMAIL": 1, "PERSON": 2, "IBAN": 0})
    assert told == "E-Mail-Adresse × 1, Name × 2"


def test_plurals_follow_the_language() -> None:
    french, german = i18n.load_words("fr"), i18n.load_words("de")
    assert french.ngettext("{count} source", "{count} sources", 0) == "0 source"
    assert german.ngettext("{count} source", "{count} sources", 0) == "0 Quellen"
    assert german.ngettext("{count} source", "{count} sources", 1) == "1 Quelle"


def test_templates_say_nothing_that_is_not_in_the_catalogue() -> None:
    names = {"Parvis", "AI", "SHA-256", "v1.", "verify.py"}
    for template in sorted((WEB / "templates").glob("*.html")):
        text = re.sub(
            r"\{% block page_class %\}.*?\{% endblock %\}", "", template.read_text("utf-8")
        )
        text = re.sub(r"\{%.*?%\}|\{\{.*?\}\}", "", text)
        text = re.sub(r"<[^>]*>", "\n", text)
        words = {line.strip(" ·–:()×,") for line in text.split("\n")}
        assert {word for word in words if re.search("[A-Za-z]{2}", word)} <= names, template.name
