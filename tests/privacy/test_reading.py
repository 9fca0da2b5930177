"""How much the name model reads, the watch of the canary, the cache, and a site's own model."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from parvis.errors import PrivacyUnavailable
from parvis.privacy import Label, PrivacyEngine, build_privacy
from parvis.privacy.detector import Detection
from parvis.privacy.rampart import FOLDER, Rampart
from parvis.settings import load_settings

PLAIN = "Wie lange dauert das, und was kostet es?"
NAMED = "Gestern hat Katharina Vogel angerufen."


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every stretch of text that the name model reads."""
    seen: list[str] = []
    original = Rampart.read_many

    def count(self: Rampart, texts: list[str]) -> Any:
        seen.extend(texts)
        return original(self, texts)

    monkeypatch.setattr(Rampart, "read_many", count)
    return seen


def build(detection: Detection) -> PrivacyEngine:
    return build_privacy(load_settings().models_dir, detection=detection)


@pytest.mark.parametrize("detection", list(Detection))
def test_a_site_chooses_how_much_the_name_model_reads(
    detection: Detection, read: list[str]
) -> None:
    engine = build(detection)
    read.clear()
    assert engine.mask([PLAIN], tag_key=b"k").texts[0] == PLAIN
    assert (PLAIN in read) == (detection is Detection.THOROUGH)
    assert engine.mask([PLAIN.lower()], tag_key=b"k").texts[0] == PLAIN.lower()
    assert (PLAIN.lower() in read) == (detection is not Detection.LIGHT)
    assert engine.mask([NAMED], tag_key=b"k").counts == {"PERSON": 1}


def test_short_texts_are_read_together_and_equal_ones_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = build(Detection.THOROUGH)
    runs: list[int] = []
    original = Rampart.run

    def count(self: Rampart, rows: Any) -> Any:
        runs.append(len(rows))
        return original(self, rows)

    monkeypatch.setattr(Rampart, "run", count)
    texts = [f"Frau Vogel {number % 40}" for number in range(200)]
    assert len(engine.mask(texts, tag_key=b"k").texts) == 200
    assert sum(runs) == 40
    assert len(runs) <= 4


def test_what_is_found_does_not_depend_on_the_texts_beside_it() -> None:
    engine = build(Detection.THOROUGH)
    text = "Herr Antunes und Frau Kowalska wohnen in Trier, sagt Meier."
    alone = engine.mask([text], tag_key=b"1")
    beside = engine.mask([text, "x", "Z" * 300, "1 " * 90], tag_key=b"2")
    assert list(alone.mapping.values()) == list(beside.mapping.values())


def test_each_tenant_has_its_own_cache(read: list[str]) -> None:
    engine = build(Detection.THOROUGH)
    read.clear()
    history = ["Frau Weber fragt.", "Die Antwort.", "Und Herr Vogel?"]
    for key in (b"tenant one", b"tenant two"):
        for length in range(1, 4):
            engine.mask(history[:length], tag_key=key)
    assert read == history * 2


def silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Rampart, "read_many", lambda _, texts: [[] for _ in texts])


def test_requests_are_refused_while_a_canary_is_silent_and_served_again_after(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = build(Detection.THOROUGH)
    with monkeypatch.context() as broken:
        silence(broken)
        engine._watch.try_now()
        for refused in (engine.check_working, lambda: engine.analyze(NAMED)):
            with pytest.raises(PrivacyUnavailable, match="fr, de, lb, en"):
                refused()
        with pytest.raises(PrivacyUnavailable):
            engine.mask([NAMED], tag_key=b"k")
    engine._watch.try_now()
    assert engine.mask([NAMED], tag_key=b"k").counts == {"PERSON": 1}


def test_the_watch_tries_by_itself_and_ends_with_the_engine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = build(Detection.THOROUGH)
    engine.start_watch(0.01)
    thread = engine._watch._thread
    assert thread is not None
    silence(monkeypatch)
    for _ in range(1000):
        if engine._watch._silent:
            break
        thread.join(0.02)
    assert engine._watch._silent == ("fr", "de", "lb", "en")
    engine.close()
    thread.join(10)
    assert not thread.is_alive()


def test_a_watch_that_hangs_refuses_requests() -> None:
    engine = build(Detection.THOROUGH)
    engine.check_working()
    engine._watch._stale_after_s = -1
    with pytest.raises(PrivacyUnavailable, match="too long"):
        engine.mask([NAMED], tag_key=b"k")


@pytest.fixture
def own_model(tmp_path: Path) -> Path:
    """A transformers model as a site would bring it: the folder of Rampart under usual names."""
    source = load_settings().models_dir / FOLDER
    shutil.copy(source / "model_q4.onnx", tmp_path / "model.onnx")
    for name in ("tokenizer.json", "config.json"):
        shutil.copy(source / name, tmp_path / name)
    return tmp_path


def build_with(folder: Path) -> PrivacyEngine:
    return build_privacy(load_settings().models_dir, site_model=folder)


def test_a_site_brings_its_own_model_which_runs_beside_ours(
    own_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = build_with(own_model)
    assert "+site-" in engine.mask([NAMED], tag_key=b"k").detector
    site = next(r for r in engine.detector.recognizers if r.name == "OnnxSiteRecognizer")
    names = {NAMED[h.start : h.end] for h in site.find(NAMED) if h.label is Label.PERSON}
    assert names == {"Katharina", "Vogel"}
    monkeypatch.setattr(type(site), "find_many", lambda _, asked: [[] for _ in asked])
    with pytest.raises(PrivacyUnavailable):
        engine.check_canary()


def test_a_site_says_what_its_models_kinds_mean_and_an_unknown_kind_stops_the_start(
    own_model: Path,
) -> None:
    config = json.loads((own_model / "config.json").read_text(encoding="utf-8"))
    config["id2label"]["1"], config["id2label"]["2"] = "B-SPOUSE", "I-SPOUSE"
    (own_model / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(PrivacyUnavailable, match="SPOUSE"):
        build_with(own_model)
    (own_model / "parvis.json").write_text('{"labels": {"SPOUSE": "PERSON"}}', encoding="utf-8")
    assert build_with(own_model).mask([NAMED], tag_key=b"k").counts == {"PERSON": 1}


def test_a_model_that_is_not_there_or_broken_stops_the_start_with_a_reason(
    own_model: Path,
) -> None:
    build_with(own_model)
    with pytest.raises(PrivacyUnavailable, match="holds neither"):
        build_with(own_model / "nowhere")
    (own_model / "model.onnx").write_bytes(b"no model")
    with pytest.raises(PrivacyUnavailable, match="cannot be loaded"):
        build_with(own_model)


def test_a_spacy_pipeline_that_finds_nothing_fails_the_canary_of_its_language(
    tmp_path: Path,
) -> None:
    spacy = pytest.importorskip("spacy")  # comes with Presidio
    pipeline = spacy.blank("fr")
    pipeline.add_pipe("ner").add_label("PER")
    pipeline.initialize()
    pipeline.to_disk(tmp_path)
    with pytest.raises(PrivacyUnavailable, match="test sentence fr"):
        build_with(tmp_path)
