"""Names, dates and numbers that only their surroundings give away, in forms of general grammar."""

import pytest

from parvis.privacy import PrivacyEngine
from parvis.privacy.recognizers.bank import is_public_account
from parvis.privacy.recognizers.document import is_checked_mrz
from parvis.privacy.recognizers.mention import MentionRecognizer
from parvis.privacy.recognizers.table import TableRecognizer


def found(engine: PrivacyEngine, text: str) -> dict[str, str]:
    return {text[e.start : e.end]: e.label.value for e in engine.analyze(text)}


TABLES = [
    "Name;Geburtsdatum;Kassenzeichen\nOrtlieb;01.02.1970;77-12-A",
    "| Dossier | Bénéficiaire | Né le |\n| 77-12-A | Ortlieb | 01.02.1970 |",
    "Numm, Gebuertsdatum, Dossier\nOrtlieb, 01.02.1970, 77-12-A",
]


@pytest.mark.parametrize("text", TABLES)
def test_a_heading_says_what_stands_in_its_column(text: str) -> None:
    hits = {text[h.start : h.end]: h.label.value for h in TableRecognizer().find(text)}
    assert hits == {"Ortlieb": "PERSON", "01.02.1970": "DATE_OF_BIRTH", "77-12-A": "CASE_NUMBER"}


@pytest.mark.parametrize(
    "text",
    ["Le nom, la date et le lieu\nsont à remplir, puis à signer, merci", "Name\nOrtlieb", ""],
)
def test_a_sentence_with_commas_is_no_table(text: str) -> None:
    assert list(TableRecognizer().find(text)) == []


MENTIONS = [
    "Vermerk: Ortlieb lehnt das Angebot ab.",
    "Note : Ortlieb refuse l'offre.",
    "Notiz: den Ortlieb wëll säin Dossier.",
    "File note: Ortlieb disputes it.",
    "Telefonat mit Ortlieb am Montag",
    "Klage Ortlieb ./. Land",
    "Excusé : Ortlieb",
    "Gezeichnet, K. Ortlieb",
    "the Ortlieb family",
]


@pytest.mark.parametrize("text", MENTIONS)
def test_grammar_gives_a_bare_surname_away(text: str) -> None:
    hits = [text[h.start : h.end] for h in MentionRecognizer().find(text)]
    assert any("Ortlieb" in hit for hit in hits)


@pytest.mark.parametrize(
    "text",
    [
        "Das Finanzamt lehnt ab.",
        "La Préfecture refuse.",
        "z. B. Kosten, Anlage A. Danach",
        "Termin:",
    ],
)
def test_an_office_that_acts_is_no_person(text: str) -> None:
    assert list(MentionRecognizer().find(text)) == []


@pytest.mark.parametrize(
    ("text", "label", "value"),
    [
        ("gebuer den drëtte Mee nonzénghonnertsiwwenzeg", "DATE_OF_BIRTH", None),
        ("Geboren? B: 3.4.1979", "DATE_OF_BIRTH", "3.4.1979"),
        ("né le 3.4.1979 à Sedan", "LOCATION", "Sedan"),
        ("Hien ass 1979 gebuer.", "DATE_OF_BIRTH", "1979"),
        ("meine Nummer ist null sechs acht eins fünf fünf zwei", "PHONE", None),
        ("Ich wohne Neubaugasse 12/2/7, 1070 Wien", "ADDRESS", "Neubaugasse 12/2/7, 1070 Wien"),
        ("Adresse: Langstrasse 9, CH-8004 Zürich", "ADDRESS", "Langstrasse 9, CH-8004 Zürich"),
        ("Keizersgracht 12-A, 1016 GV Amsterdam", "ADDRESS", None),
        ("Natel 079 123 45 67", "PHONE", "079 123 45 67"),
    ],
)
def test_general_forms_are_found(
    engine: PrivacyEngine, text: str, label: str, value: str | None
) -> None:
    shown = found(engine, text)
    assert label in shown.values()
    if value:
        assert shown.get(value) == label


def test_look_alike_letters_hide_no_identifier(engine: PrivacyEngine) -> None:
    text = "Kennung АВ123456С und RСCMNL83S18D969Н"  # Cyrillic A, B, C, H
    assert found(engine, text) == {"АВ123456С": "NATIONAL_ID", "RСCMNL83S18D969Н": "TAX_ID"}


def test_a_word_of_another_script_stays_as_it_is(engine: PrivacyEngine) -> None:
    text = "Это не имя, οὐδέν"
    assert engine.mask([text], tag_key=b"k").texts == (text,)


MRZ = (
    "I<UTOD231458907<<<<<<<<<<<<<<<\n7408122F1204159UTO<<<<<<<<<<<6\nERIKSSON<<ANNA<MARIA<<<<<<<<<<"
)


def test_machine_readable_lines_are_checked_digit_by_digit() -> None:
    assert is_checked_mrz(MRZ)
    assert not is_checked_mrz(MRZ.replace("7408122", "7408123"))
    assert not is_checked_mrz("I<UTO")


def test_the_account_of_an_office_is_public_and_ones_own_is_not() -> None:
    for text, expected in (
        ("Zahlen Sie an die Stadtkasse, IBAN ", True),
        ("Die Stadtkasse soll auf mein Konto zahlen: IBAN ", False),
        ("Das Finanzamt hat geschrieben. IBAN ", False),
        ("Konto ", False),
    ):
        assert is_public_account(text, len(text)) is expected
