"""The engine fails closed, stays on the machine, copes with long texts and many threads."""

import shutil
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from parvis.errors import PrivacyUnavailable
from parvis.privacy import Label, PrivacyEngine, build_privacy
from parvis.privacy.conflicts import RANK
from parvis.privacy.entities import MEANINGS
from parvis.privacy.rampart import FOLDER, SHA256, Rampart
from parvis.privacy.recognizers import build_recognizers
from parvis.privacy.recognizers.base import Hit
from parvis.privacy.recognizers.tagged import TaggedNameRecognizer
from parvis.settings import load_settings

TEXT = "Je m'appelle Nathalie Perrin, nathalie@courriel.example."


def test_building_and_searching_never_use_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("the network was used")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    engine = build_privacy(load_settings().models_dir)
    assert {e.label for e in engine.analyze(TEXT)} == {Label.PERSON, Label.EMAIL}


@pytest.fixture
def own_models(tmp_path: Path) -> Path:
    shutil.copytree(load_settings().models_dir / FOLDER, tmp_path / FOLDER)
    return tmp_path


def spoil(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b" ")


@pytest.mark.parametrize("name", sorted(SHA256))
@pytest.mark.parametrize("harm", [Path.unlink, spoil], ids=["missing", "changed"])
def test_a_model_file_that_is_missing_or_changed_stops_the_start(
    own_models: Path, name: str, harm: Callable[[Path], None]
) -> None:
    build_privacy(own_models)
    harm(own_models / FOLDER / name)
    with pytest.raises(PrivacyUnavailable):
        build_privacy(own_models)


def own_engine() -> PrivacyEngine:
    return build_privacy(load_settings().models_dir)


def test_a_recogniser_that_fails_refuses_the_request(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = own_engine()
    assert engine.mask([TEXT], tag_key=b"k").counts == {"EMAIL": 1, "PERSON": 1}

    def fail(*_: Any) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(Rampart, "read_many", fail)
    with pytest.raises(PrivacyUnavailable):
        engine.mask([TEXT + " "], tag_key=b"k")
    with pytest.raises(PrivacyUnavailable):
        engine.analyze(TEXT + " ")


def test_a_model_that_finds_nothing_fails_its_canary(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = own_engine()
    engine.check_canary()
    monkeypatch.setattr(Rampart, "read_many", lambda _, texts: [[] for _ in texts])
    with pytest.raises(PrivacyUnavailable):
        engine.check_canary()


def test_the_tagger_that_finds_nothing_fails_its_canary(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = own_engine()
    engine.check_canary()
    monkeypatch.setattr(TaggedNameRecognizer, "find", lambda *_: [])
    with pytest.raises(PrivacyUnavailable):
        engine.check_canary()


def test_a_search_that_takes_too_long_refuses_the_request() -> None:
    engine = own_engine()
    assert engine.analyze(TEXT)
    hurried = PrivacyEngine(engine.detector, time_limit_s=0.0)
    with pytest.raises(PrivacyUnavailable):
        hurried.analyze(TEXT)


def test_a_kind_that_nobody_knows_is_never_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = own_engine()
    assert engine.analyze(TEXT)
    unknown: Any = "SOMETHING_NEW"
    hit = Hit(0, 5, unknown, 0.9, "new")
    monkeypatch.setattr(engine.detector.recognizers[0], "find", lambda _: [hit])
    with pytest.raises(PrivacyUnavailable):
        engine.analyze(TEXT + " ")


def test_every_kind_has_its_rank_and_its_meaning(engine: PrivacyEngine) -> None:
    assert set(RANK) == set(Label) == set(MEANINGS)
    found = {label for r in engine.detector.recognizers for label in r.labels}
    assert found == set(Label)
    built = {type(recognizer) for recognizer in build_recognizers(None)}  # type: ignore[arg-type]
    assert built <= {type(recognizer) for recognizer in engine.detector.recognizers}


@pytest.mark.parametrize("language", [None, "fr", "xx", "sw"])
def test_an_unknown_language_gets_every_rule(engine: PrivacyEngine, language: str | None) -> None:
    assert {e.label for e in engine.analyze(TEXT, language)} == {Label.PERSON, Label.EMAIL}


@pytest.mark.parametrize("text", ["", " ", "\n", "\u200b", "\ud800", "\x00", "🙂", "a" * 5000])
def test_a_text_without_anything_stays_as_it_is(engine: PrivacyEngine, text: str) -> None:
    assert engine.mask([text], tag_key=b"k").texts == (text,)


def test_a_long_text_loses_nothing_at_the_seams(engine: PrivacyEngine) -> None:
    filler = "Die Verwaltung teilt mit, dass der Antrag geprüft wird und eine Antwort folgt. "
    text = "".join(
        f"{filler * (1 + i % 7)}Frau Katharina Vogel{chr(97 + i % 26)} meldet sich. "
        for i in range(30)
    )
    assert len(text) > 8_000
    masked = engine.mask([text], tag_key=b"k")
    assert "Vogel" not in masked.texts[0]
    assert "Katharina" not in masked.texts[0]


def test_each_message_of_a_conversation_is_analysed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = own_engine()
    seen: list[str] = []
    read = Rampart.read_many

    def count(self: Rampart, texts: list[str]) -> Any:
        seen.extend(texts)
        return read(self, texts)

    monkeypatch.setattr(Rampart, "read_many", count)
    engine.mask(["frau weber"], tag_key=b"k")
    engine.mask(["frau weber", "herr vogel"], tag_key=b"k")
    assert seen == ["frau weber", "herr vogel"]
    engine.mask(["frau weber"], tag_key=b"another conversation")
    assert seen == ["frau weber", "herr vogel", "frau weber"]


def test_threads_never_mix_what_belongs_to_another(engine: PrivacyEngine) -> None:
    def work(i: int) -> bool:
        text = f"Je m'appelle Nathalie Perrin, nathalie{i}@courriel.example."
        masked = engine.mask([text], tag_key=bytes([i]))
        return f"nathalie{i}@courriel.example" in masked.mapping.values() and len(
            masked.mapping
        ) == len(set(masked.mapping.values()))

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(work, range(36)))


HOSTILE = [
    "a",
    "A",
    "1 ",
    "A ",
    "A-",
    "M. A ",
    "12 rue ",
    "a@",
    "1-",
    "né le ",
    "dossier 1 ",
    "loi ",
    "A. B ",
    "Present: A, ",
    "A et A ",
    "zéro six ",
    "nom;dob\nA;1\n",
    "je suis a ",
    "a\u0430",
    "A-A",
    "(",
    "\n",
]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("unit", HOSTILE)
def test_no_rule_is_slowed_down_by_a_hostile_text(engine: PrivacyEngine, unit: str) -> None:
    text = (unit * 40_000)[:40_000]
    for recognizer in engine.detector.recognizers:
        if recognizer.name != "ModelRecognizer":
            recognizer.analyze(text, [])
