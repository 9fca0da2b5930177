"""Placeholders: one number for one value, stable, never confused with what a person typed."""

import json
import re

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from parvis.privacy import Masked, PrivacyEngine, restore

KEY = b"k" * 32
SHAPE = re.compile(r"\[[A-Z_]+_\d+[a-z]*_[a-z0-9]{4}\]")


def mask(engine: PrivacyEngine, *texts: str, key: bytes = KEY) -> Masked:
    return engine.mask(texts, tag_key=key)


def numbers(masked: Masked, kind: str) -> set[str]:
    return {m[1] for key in masked.mapping if (m := re.match(rf"\[{kind}_(\d+)", key))}


def test_a_person_keeps_one_number_however_named(engine: PrivacyEngine) -> None:
    text = "Je suis Jean Dupont. M. Dupont attend. JEAN DUPONT a signé. Dupont Jean."
    masked = mask(engine, text)
    assert numbers(masked, "PERSON") == {"1"}
    assert masked.counts == {"PERSON": 1}
    assert "upont" not in masked.texts[0].casefold()
    assert restore(masked.texts[0], masked.mapping) == text


def test_two_persons_of_one_surname_keep_two_numbers(engine: PrivacyEngine) -> None:
    masked = mask(engine, "Mein Sohn Emil Weber und meine Tochter Lena Weber warten.")
    assert numbers(masked, "PERSON") == {"1", "2"}


def test_a_name_cut_to_its_initial_is_the_only_person_whom_it_fits(engine: PrivacyEngine) -> None:
    letter = "Mein Name ist Aylin Demirtas. Mit freundlichen Grüßen\nA. Demirtas"
    assert numbers(mask(engine, letter), "PERSON") == {"1"}
    other = "Mein Name ist Aylin Demirtas. Mit freundlichen Grüßen\nB. Demirtas"
    assert numbers(mask(engine, other), "PERSON") == {"1", "2"}


def test_one_account_written_in_two_ways_keeps_one_number(engine: PrivacyEngine) -> None:
    masked = mask(engine, "LU28 0019 4006 4475 0000 also LU280019400644750000")
    assert numbers(masked, "IBAN") == {"1"}
    assert masked.counts == {"IBAN": 1}


def test_a_longer_history_keeps_the_placeholders_of_a_shorter_one(engine: PrivacyEngine) -> None:
    history = [
        "Je suis Jean Dupont, j.dupont@post.example.",
        "Bonjour M. Dupont.",
        "Ma collègue est Nathalie Lambert, +352 621 448 210.",
    ]
    first, longer = mask(engine, *history[:2]), mask(engine, *history)
    assert longer.texts[:2] == first.texts
    assert first.mapping.items() <= longer.mapping.items()
    assert mask(engine, *history) == longer


def test_a_name_learned_later_is_masked_in_earlier_texts_without_renumbering(
    engine: PrivacyEngine,
) -> None:
    early = "Kowalczewski kommt morgen vorbei, sagt Anna Weber."
    alone = mask(engine, early)
    both = mask(engine, early, "Mein Name ist Torsten Kowalczewski.")
    assert "Kowalczewski" not in "".join(both.texts)
    assert alone.mapping.items() <= both.mapping.items()


def test_another_key_gives_another_tag(engine: PrivacyEngine) -> None:
    text = "Frau Weber"
    assert mask(engine, text).texts != mask(engine, text, key=b"x" * 32).texts


def test_a_placeholder_that_a_person_typed_comes_back_as_typed_and_selects_nothing(
    engine: PrivacyEngine,
) -> None:
    real = mask(engine, "Frau Weber")
    (own,) = real.mapping
    for typed in (own, own.lower(), own.replace("_", " "), own.replace("_1_", "_1\u200b_")):
        text = f"Frau Weber fragt nach {typed}"
        masked = mask(engine, text)
        assert own not in masked.texts[0].replace(own, "", 1)
        assert typed not in masked.texts[0][len("Frau ") + len(own) :]
        assert masked.counts == {"PERSON": 1}
        assert restore(masked.texts[0], masked.mapping) == text


def test_a_typed_placeholder_alone_is_not_personal_data(engine: PrivacyEngine) -> None:
    masked = mask(engine, "Was heißt [EMAIL_1_abcd]?")
    assert masked.counts == {}
    assert restore(masked.texts[0], masked.mapping) == "Was heißt [EMAIL_1_abcd]?"


def test_a_value_that_holds_a_placeholder_is_not_read_again(engine: PrivacyEngine) -> None:
    mapping = {"[PERSON_1_bbbb]": "[EMAIL_1_bbbb]", "[EMAIL_1_bbbb]": "secret"}
    assert restore("x [PERSON_1_bbbb] y", mapping) == "x [EMAIL_1_bbbb] y"


VALUES = {
    "EMAIL": "jeanne.moulin@courriel.example",
    "IBAN": "LU28 0019 4006 4475 0000",
    "NATIONAL_ID": "1893120105732",
    "PHONE": "+352 621 448 210",
}
ANY_TEXT = st.text(max_size=120)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=ANY_TEXT)
def test_masking_and_restoring_any_text_gives_it_back(engine: PrivacyEngine, text: str) -> None:
    masked = mask(engine, text)
    # Right behind a lone "<" a tag may begin: there a placeholder stays on purpose.
    assume("<[" not in masked.texts[0])
    assert restore(masked.texts[0], masked.mapping) == text


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    before=st.text("abcéß .,;:!?()\n", max_size=40),
    after=st.text("abcéß .,;!?()\n", max_size=40),
    kind=st.sampled_from(sorted(VALUES)),
)
def test_no_seeded_value_survives_masking(
    engine: PrivacyEngine, before: str, after: str, kind: str
) -> None:
    text = f"{before} {VALUES[kind]} {after}"
    masked = mask(engine, text)
    assert VALUES[kind] not in masked.texts[0]
    assert restore(masked.texts[0], masked.mapping) == text


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"payload": json.dumps({"name": "{name}", "note": "line\n{name}\n{mail}"})}),
        json.dumps({"who": "Hélène Müller, {name}"}),
        json.dumps([json.dumps(json.dumps({"é": "{name}\n{mail}"}))], ensure_ascii=False),
        r"Letter:\nMrs {name}\n{mail}\n\nIBAN {iban}\n",
        r"C:\Users\{name}\Documents and {mail}",
        "<td>{name}</td><td>jeanne.moulin&#64;courriel.example</td><td>LU28&nbsp;0019&nbsp;4006"
        "&nbsp;4475&nbsp;0000</td>",
        "Frau J&eacute;r&ocirc;mine M&uuml;ller schreibt: {mail}",
        "Escaped: "
        + "".join(rf"\u{ord(sign):04x}" for sign in "My name is Margaret Whitfield, call me."),
    ],
)
def test_values_among_escaped_signs_are_masked_and_come_back_as_they_were_written(
    engine: PrivacyEngine, text: str
) -> None:
    values = {"name": "Margaret Whitfield", "mail": VALUES["EMAIL"], "iban": VALUES["IBAN"]}
    for place, value in values.items():
        text = text.replace("{" + place + "}", value)
    masked = mask(engine, text)
    for part in ("Margaret", "Whitfield", "rgaret", "ller", r"\u0057", "uuml", "moulin", "4475"):
        assert part not in masked.texts[0]
    assert restore(masked.texts[0], masked.mapping) == text
    assert text not in masked.texts[0]


@pytest.mark.parametrize("value", sorted(VALUES.values()))
def test_offsets_are_code_points_of_the_text_as_given(engine: PrivacyEngine, value: str) -> None:
    text = f"😀 e\u0301\u200b\u00a0: {value} 😀"
    (found,) = engine.analyze(text)
    assert text[found.start : found.end] == value
