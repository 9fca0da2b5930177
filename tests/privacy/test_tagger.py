"""The small tagger of names: what it finds, what it leaves, and that its file is whole."""

from importlib.resources import files

import numpy as np
import pytest

from parvis.errors import PrivacyUnavailable
from parvis.privacy import is_common_word
from parvis.privacy import tagger as room
from parvis.privacy.recognizers.tagged import TaggedNameRecognizer
from parvis.privacy.tagger import Tagger, load_tagger, read_tokens


@pytest.fixture(scope="module")
def recognizer() -> TaggedNameRecognizer:
    return TaggedNameRecognizer(load_tagger())


def find(recognizer: TaggedNameRecognizer, text: str) -> list[str]:
    return [text[hit.start : hit.end] for hit in recognizer.find(text)]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Gëschter huet d'Joffer Scholtes mir ugeruff.", "Scholtes"),
        ("Moien, ech sinn de Jempi Feltgen a wunnen zu Péiteng.", "Jempi Feltgen"),
        ("Sehr geehrte Frau Wisniewska, mein Antrag liegt bei.", "Wisniewska"),
        ("Mit freundlichen Grüßen\nThorsten Quandt", "Thorsten Quandt"),
        ("Mäi Mann, de Fernand, ass krank.", "Fernand"),
    ],
)
def test_the_tagger_finds_a_name_in_german_and_luxembourgish(
    recognizer: TaggedNameRecognizer, text: str, name: str
) -> None:
    assert name in find(recognizer, text)


@pytest.mark.parametrize(
    "text",
    [
        "Wéi ee Formulaire brauch ech fir d'Gemeng?",
        "Nach dem Bundesdatenschutzgesetz habe ich ein Recht auf Auskunft.",
        "Der Bescheid des Finanzamts Trier vom 3. März ist falsch.",
        "Quels documents faut-il pour la carte d'identité ?",
        "Which documents do I need for the Town Hall?",
        "",
        " \n\n ",
    ],
)
def test_the_tagger_leaves_a_text_without_names(
    recognizer: TaggedNameRecognizer, text: str
) -> None:
    assert find(recognizer, text) == []


def test_the_tagger_gives_one_chance_for_each_word_whatever_the_signs() -> None:
    tagger = load_tagger()
    text = "d'Anna O'Neill-Weber\u0000 \ud800 \U0001f600 2a\nJ. É."
    tokens = read_tokens(text)
    chances = tagger.chances(tokens)
    assert len(chances) == len(tokens)
    assert np.all((chances >= 0) & (chances <= 1))
    assert all(text[token.start : token.end] == token.text for token in tokens)


def test_the_room_fails_closed_when_the_weights_are_cut(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    whole = files("parvis.privacy").joinpath("data", "names.txt").read_text(encoding="ascii")

    class Cut:
        def joinpath(self, *_parts: str) -> "Cut":
            return self

        def read_text(self, encoding: str) -> str:
            return whole[: len(whole) // 2]

    assert isinstance(load_tagger(), Tagger)
    monkeypatch.setattr(room, "files", lambda _package: Cut())
    load_tagger.cache_clear()
    with pytest.raises(PrivacyUnavailable):
        load_tagger()


@pytest.mark.parametrize(
    ("word", "common"),
    [
        *(("ville", True), ("heure", True), ("Zeile", True), ("année", True)),
        *(("kowalski", False), ("remise", False), ("max", False), ("", False)),
    ],
)
def test_a_word_of_a_dictionary_is_common_unless_it_is_a_first_name(
    word: str, *, common: bool
) -> None:
    assert is_common_word(word) is common
