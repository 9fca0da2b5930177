"""What went wrong in other people's masking does not go wrong here.

Each test names the failure of a peer; the paths through HTTP are tested in `tests/web`.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from parvis.errors import PrivacyUnavailable
from parvis.privacy import Label, PrivacyEngine, build_privacy, restore, restore_json
from parvis.privacy.masking import Ledger
from parvis.privacy.rampart import Rampart
from parvis.privacy.recognizers.bank import IbanRecognizer
from parvis.privacy.recognizers.base import Hit
from parvis.settings import load_settings

KEY = b"peers"
TEXT = "Madame Nathalie Perrin, nathalie@courriel.example, LU28 0019 4006 4475 0000."


@pytest.mark.parametrize("answer", [None, "no list", [1, 2], RuntimeError("500")])
def test_an_analyzer_that_answers_nonsense_stops_the_request(
    engine: PrivacyEngine, monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    """LiteLLM let the text pass when the analyzer answered 500 or no JSON."""
    assert engine.mask([TEXT], tag_key=KEY).counts

    def reply(*_: Any) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(engine.detector.analyzer, "find_all", reply)
    with pytest.raises(PrivacyUnavailable):
        engine.mask([TEXT + " neu"], tag_key=KEY)


def test_a_model_that_answers_for_too_few_texts_stops_the_request(
    engine: PrivacyEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Rampart, "read_many", lambda *_: [])
    with pytest.raises(PrivacyUnavailable):
        engine.mask(["frau vogel ruft an."], tag_key=b"short")


def test_placeholders_in_the_arguments_of_a_tool_call_are_restored(engine: PrivacyEngine) -> None:
    """LiteLLM never restored them."""
    masked = engine.mask([TEXT], tag_key=KEY)
    mail = next(key for key, value in masked.mapping.items() if "@" in value)
    assert restore_json(f'{{"to": "{mail}"}}', masked.mapping) == (
        '{"to": "nathalie@courriel.example"}'
    )


def test_one_request_never_restores_the_values_of_another(engine: PrivacyEngine) -> None:
    """LiteLLM shared one mapping between its instances."""
    first = engine.mask(["Von a@first.example"], tag_key=b"first")
    second = engine.mask(["Von b@second.example"], tag_key=b"second")
    assert restore(second.texts[0], first.mapping) == second.texts[0]
    assert restore(first.texts[0], second.mapping) == first.texts[0]


def test_a_rule_that_is_taken_away_changes_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    """An option of a peer was set and had no effect: here what is switched is felt."""
    engine = build_privacy(load_settings().models_dir)
    assert Label.IBAN in {e.label for e in engine.analyze(TEXT)}
    monkeypatch.setattr(IbanRecognizer, "find", lambda *_: [])
    with pytest.raises(PrivacyUnavailable):
        engine.check_canary()


def test_a_restored_answer_is_not_masked_again_nor_read_twice() -> None:
    """LiteLLM masked the answer once more after restoring."""
    mapping = {"[PERSON_1_bcdf]": "[EMAIL_1_bcdf]", "[EMAIL_1_bcdf]": "x@y.example"}
    assert restore("[PERSON_1_bcdf]", mapping) == "[EMAIL_1_bcdf]"


def test_technical_words_stay_readable(engine: PrivacyEngine) -> None:
    """LiteLLM masked C4, S3 and EKS until a deny list came."""
    text = "Le serveur S3, le bus C4 et EKS sont en panne, voir RFC 8032 et ISO 27001."
    assert engine.mask([text], tag_key=KEY).texts[0] == text


def test_an_entity_type_that_nobody_knows_stops_the_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Presidio drops unknown types and reports success."""
    engine = build_privacy(load_settings().models_dir)
    hit = Hit(0, 4, "FR_NIR_OLD", 0.9, "old")  # type: ignore[arg-type]
    monkeypatch.setattr(IbanRecognizer, "find", lambda *_: [hit])
    with pytest.raises(PrivacyUnavailable):
        engine.mask(["Frau Vogel ruft an."], tag_key=KEY)


def test_a_slow_rule_stops_the_request_instead_of_being_skipped(
    engine: PrivacyEngine,
) -> None:
    """Presidio skips a pattern that runs out of time, with a warning."""
    hurried = PrivacyEngine(engine.detector, time_limit_s=-1)
    with pytest.raises(PrivacyUnavailable):
        hurried.mask([TEXT], tag_key=KEY)


def test_a_value_is_never_read_as_a_pattern(engine: PrivacyEngine) -> None:
    """LLM Guard used its placeholder as a regular expression."""
    text = r"Von a.+b@courriel.example und (c|d)@courriel.example, Frau \1 [PERSON_1_x]"
    masked = engine.mask([text], tag_key=KEY)
    for placeholder, value in masked.mapping.items():
        masked_back = masked.texts[0].replace(placeholder, value)
        assert value in masked_back
    assert restore(masked.texts[0], masked.mapping) == text


@pytest.mark.parametrize("written", ["[PERSON_2_bcdf]", "[PERSON_1_bcdg]", "[PERSON_11_bcdf]"])
def test_a_placeholder_that_is_only_near_restores_nobody(written: str) -> None:
    """LLM Guard's fuzzy match could restore the wrong person."""
    assert restore(written, {"[PERSON_1_bcdf]": "Jean Dupont"}) == written


def test_a_vault_does_not_grow_beyond_its_texts(engine: PrivacyEngine) -> None:
    """LLM Guard's vault grows for ever: here a mapping holds what its own texts hold."""
    sizes = [len(engine.mask([TEXT], tag_key=KEY).mapping) for _ in range(5)]
    assert len(set(sizes)) == 1
    assert Ledger("bcdf").mapping == {}
    for number in range(40):
        engine.mask([f"Frau Vogel {number}"], tag_key=KEY)
    assert len(engine._cache._kept) <= engine._cache._size


def test_a_model_without_its_voice_is_noticed_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer's quantised model was silent on old processors."""
    monkeypatch.setattr(Rampart, "read_many", lambda _, texts: [[] for _ in texts])
    with pytest.raises(PrivacyUnavailable):
        build_privacy(load_settings().models_dir)


def test_many_callers_at_once_get_what_one_gets(engine: PrivacyEngine) -> None:
    alone = engine.mask([TEXT], tag_key=KEY)
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda _: engine.mask([TEXT], tag_key=KEY).texts, range(12))) == {
            alone.texts
        }
