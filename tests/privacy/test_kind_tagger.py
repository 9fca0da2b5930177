"""The tagger of homes, birth dates and numbers: what it finds, leaves, and learned from."""

import random
import re
from importlib.resources import files

import numpy as np
import pytest

from deploy.train.kind_letters import Writer, load_handwritten
from deploy.train.values import Towns, Values, load_frames
from parvis.errors import PrivacyUnavailable
from parvis.privacy import kind_tagger as room
from parvis.privacy.conflicts import Finding, resolve
from parvis.privacy.engine import PrivacyEngine
from parvis.privacy.entities import LEARNED, Label
from parvis.privacy.explain import explain
from parvis.privacy.kind_tagger import KINDS, KindTagger, load_kind_tagger, read_units
from parvis.privacy.recognizers.learned import LearnedRecognizer
from tests.privacy.devset import DATA, load_hardest, load_later, load_messages

FRAMES = DATA.parents[2] / "deploy" / "train" / "frames"


@pytest.fixture(scope="module")
def recognizer() -> LearnedRecognizer:
    return LearnedRecognizer(load_kind_tagger())


def find(recognizer: LearnedRecognizer, text: str) -> set[tuple[str, str]]:
    return {(hit.label.value, text[hit.start : hit.end]) for hit in recognizer.find(text)}


@pytest.mark.parametrize(
    ("text", "label", "value"),
    [
        ("on est au 14 rue des Lilas, juste avant la boulangerie", "ADDRESS", "14 rue des Lilas"),
        ("Als Anwohnerin der Lindenstraße 12 bitte ich", "ADDRESS", "Lindenstraße 12"),
        ("hei ass den Tom Weber vu Miersch, nach eng Kéier", "LOCATION", "Miersch"),
        ("I rent a room in Bolton from my uncle", "LOCATION", "Bolton"),
        ("bin der Tom, 12.03.1979, Trier, wegen dem Ausweis", "DATE_OF_BIRTH", "12.03.1979"),
        ("they gave me 55-1822-K at the desk", "CASE_NUMBER", "55-1822-K"),
    ],
)
def test_the_tagger_finds_what_no_cue_of_a_rule_announces(
    recognizer: LearnedRecognizer, text: str, label: str, value: str
) -> None:
    assert (label, value) in find(recognizer, text)


@pytest.mark.parametrize(
    "text",
    [
        "Mairie de Thionville, 4 rue Georges Ditsch",
        "Das Bürgerbüro ist in der Lindenstraße 12, Zimmer 4, offen bis 18:00 Uhr.",
        "D'Gemeng Miersch huet de 12.03.2026 iwwer 1.200 Euro gestëmmt.",
        "Invoice 55-1822-K of 12/03/2026 for £120.00",
        "Die Stadt Trier hat 110000 Einwohner.",
        "",
        " \n\n ",
    ],
)
def test_offices_dates_amounts_and_invoices_stay_readable_whatever_the_tagger_believes(
    engine: PrivacyEngine, recognizer: LearnedRecognizer, text: str
) -> None:
    assert {label for label, _ in find(recognizer, text)} <= {"PERSON"}
    assert engine.analyze(text) == []


def test_the_tagger_gives_each_word_one_row_of_chances_whatever_the_signs() -> None:
    text = "d'Anna\u0000 \ud800 \U0001f600 2a-/ __ 12.03.1975\nL-4123 J. É. a-b-c-1"
    tokens = read_units(text)
    chances = load_kind_tagger().chances(tokens)
    assert chances.shape == (len(tokens), len(KINDS))
    assert np.allclose(chances.sum(axis=1), 1, atol=1e-5)
    assert all(text[token.start : token.end] == token.text for token in tokens)


def test_the_file_of_weights_is_whole_and_knows_towns() -> None:
    text = files("parvis.privacy").joinpath("data", "kinds.txt").read_text(encoding="ascii")
    comment, head, *lines = text.splitlines()
    assert comment.startswith("# ")
    assert len(head.split()) == 1 + len(KINDS)
    assert all(re.fullmatch(r"[A-Za-z0-9+/=]{1,120}", line) for line in lines)
    towns = [unit for name in ("Metz", "Trier", "Miersch", "Leeds") for unit in read_units(name)]
    assert all(load_kind_tagger().lists(towns) & 8)


def test_the_room_fails_closed_when_the_weights_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = files("parvis.privacy").joinpath("data", "kinds.txt").read_text(encoding="ascii")

    class Cut:
        def joinpath(self, *_parts: str) -> "Cut":
            return self

        def read_text(self, encoding: str) -> str:
            return whole[: len(whole) // 2]

    assert isinstance(load_kind_tagger(), KindTagger)
    monkeypatch.setattr(room, "files", lambda _package: Cut())
    load_kind_tagger.cache_clear()
    with pytest.raises(PrivacyUnavailable):
        load_kind_tagger()
    load_kind_tagger.cache_clear()


def test_the_tagger_refutes_an_office_address_but_never_what_a_cue_announced(
    recognizer: LearnedRecognizer,
) -> None:
    text = "Die Umleitung in der Lindenstraße 12 dauert bis 12.03.2026."
    start = text.index("Linden")
    assert recognizer.refutes(text, start, start + 14, "address_strasse")
    assert not recognizer.refutes(text, start, start + 14, "home_street")
    home = "Ich wohne in der Lindenstraße 12 in Trier."
    start = home.index("Linden")
    assert not recognizer.refutes(home, start, start + 14, "address_strasse")


def test_a_belief_stands_beside_the_finding_of_a_rule_and_not_in_its_place() -> None:
    text = "Kontakt: 0651 9988776 oder 0651 9988777"
    rule = Finding(9, 21, Label.PHONE, 0.6, "phone")
    belief = Finding(9, 39, Label.CASE_NUMBER, 0.94, LEARNED)
    found = resolve(text, [belief, rule], readable=(), allowed=())
    assert [(f.label, text[f.start : f.end]) for f in found] == [
        (Label.PHONE, "0651 9988776"),
        (Label.CASE_NUMBER, "oder 0651 9988777"),
    ]
    words = Finding(9, 26, Label.CASE_NUMBER, 0.94, LEARNED)
    assert resolve(text, [words, rule], readable=(), allowed=()) == [rule]
    assert resolve(text, [words], readable=[(9, 21)], allowed=()) == []


def test_whoever_asks_why_reads_that_the_tagger_believed_it_and_how_surely(
    engine: PrivacyEngine,
) -> None:
    text = "bin der Tom, 12.03.1979, Trier, wegen dem Ausweis"
    reasons = [r for r in explain(engine, text).reasons if r.entity.source == LEARNED]
    assert reasons
    assert all("as surely as the score says" in reason.why for reason in reasons)
    assert all(0.5 < reason.entity.score < 0.95 for reason in reasons)


def test_nothing_held_out_is_learned_from() -> None:
    learned = {message.id for message in load_handwritten()}
    held = {
        message.id for message in (*load_messages(), *load_later(), *load_hardest()) if message.held
    }
    assert learned
    assert not learned & held
    assert not any(name.startswith(("sealed_", "last_")) for name in learned)


def test_every_frame_can_be_filled_and_marks_what_is_personal() -> None:
    frames = load_frames(FRAMES)
    assert set(frames) == {"fr", "de", "lb", "en"}
    assert all(len(set(lines)) == len(lines) > 250 for lines in frames.values())
    pick = random.Random(1)  # noqa: S311 - not for secrets
    towns = Towns({c: (["Trier"], [1.0]) for c in "FR DE LU AT CH BE GB IE".split()}, ["Lima"])
    writer = Writer(pick, Values(pick, towns, ["Miersch"]), frames, lambda _slot: "Ana")
    letters = [writer.write() for _ in range(500)]
    assert all("<" not in letter.text for letter in letters)
    assert all(letter.text[a:b].strip() for letter in letters for a, b, _ in letter.spans)
    assert {"ADDRESS", "LOCATION", "DATE_OF_BIRTH", "CASE_NUMBER", "PHONE", "PERSON"} == {
        label for letter in letters for _, _, label in letter.spans
    }
