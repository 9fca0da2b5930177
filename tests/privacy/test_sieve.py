"""Patterns tried only where they can begin find what they find when they are tried everywhere."""

import pkgutil
import re
from importlib import import_module

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import parvis.privacy
from parvis.privacy import recognizers
from parvis.privacy.beginnings import find_beginnings, fold, is_after_no_word
from parvis.privacy.recognizers.base import cue, is_cued
from parvis.privacy.sieve import ReadText, Sieve
from tests.privacy.devset import load_later, load_messages, vary


def _sieves() -> list[Sieve]:
    names = [
        f"{room.__name__}.{module.name}"
        for room in (parvis.privacy, recognizers)
        for module in pkgutil.iter_modules(room.__path__)
    ]
    return [
        value
        for name in names
        for value in vars(import_module(name)).values()
        if isinstance(value, Sieve)
    ]


def _differences(text: str) -> list[str]:
    read = ReadText(text)
    return [
        sieve._pattern.pattern
        for sieve in _sieves()
        if [m.span() for m in sieve.finditer(read)]
        != [m.span() for m in sieve._pattern.finditer(text)]
    ]


def test_every_rule_finds_the_same_in_messages_read_before_and_not() -> None:
    messages = [*load_messages(), *load_later()]
    for message in (*messages[::9], *vary(messages)[::7]):
        assert not _differences(message.text)


@given(st.text(alphabet="aeinrstmdhkßıİſKµüéÉ.'’-_ \n0123٣@(/:", max_size=40))
@example("RUE DE LA 3, ſtraße 4_rue 5 avenue")
@example("KONTAKT: İban ıban LU28 0019")
def test_every_rule_finds_the_same_in_any_text(text: str) -> None:
    assert not _differences(text)


def test_letters_that_a_pattern_takes_for_the_same_fold_to_the_same() -> None:
    plain = "abcdefghijklmnopqrstuvwxyzßàáâãäåæçèéêëìíîïñòóôõöøùúûüýœšžłěščřőűąęśćńğ"
    for char in plain:
        alike = re.compile(re.escape(char), re.IGNORECASE)
        for code in range(0x2FFFF):
            if alike.match(chr(code)):
                assert fold(chr(code)) == fold(char), hex(code)


@pytest.mark.parametrize(
    ("pattern", "beginnings"),
    [
        (r"(?<!\w)(?:versi?on|F[uü]r)", {"versi", "verso", "fur", "für"}),
        (r"(?:ab)?c|d{2,3}e", {"abc", "c", "dd"}),
        (r"\d{1,3} x|n[°º]? ?\d", {"0", "n°0", "n° 0", "nº0", "nº 0", "n0", "n 0"}),
        (r"(?=x)(?<!a)[^b]c", set()),
        (r"x*y", {"x", "y"}),
        (r"\w+a", set()),
    ],
)
def test_a_pattern_gives_away_its_beginnings(pattern: str, beginnings: set[str]) -> None:
    assert find_beginnings(re.compile(pattern, re.IGNORECASE)) == beginnings


@pytest.mark.parametrize(
    ("pattern", "is_guarded"),
    [
        (r"(?<!\w)a", True),
        (r"(?<![\w.])(?<!\d )a", True),
        (r"(?<![^\W_])a", True),
        (r"(?:(?<!\w)a|(?<!\w)b)", True),
        (r"(?<!\d)a", False),
        (r"(?<![^\w.])a", False),
        (r"(?:(?<!\w)a|b)", False),
        (r"a(?<!\w)", False),
    ],
)
def test_a_pattern_says_whether_it_stands_behind_words(pattern: str, is_guarded: bool) -> None:
    assert is_after_no_word(re.compile(pattern)) is is_guarded


def test_a_cue_is_heard_in_a_text_read_before_as_in_any() -> None:
    said = cue("dossier|n° de cas|1?3-?stellige nummer")
    for text in (
        "Dossier 4711",
        "le dossier: 4711",
        "DOSSIER\n4711",
        "n°\nde cas 4711",
        "mondossier 4711",
        "13-stellige Nummer 4711",
        "x" * 200 + " dossier 4711",
        "rien 4711",
    ):
        start = text.index("4711")
        assert is_cued(ReadText(text), start, said) == is_cued(text, start, said)
    assert is_cued(ReadText("Dossier 4711"), 8, said)
    assert not ReadText("rien 4711").worth & said._bit


def test_a_pattern_made_after_a_text_was_read_is_searched_in_it_all_the_same() -> None:
    text = ReadText("ein Zebra 4")
    late = Sieve(r"(?<!\w)zebra", re.IGNORECASE)
    assert [match.group() for match in late.finditer(text)] == ["Zebra"]
