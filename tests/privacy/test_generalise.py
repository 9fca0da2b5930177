"""Coarse facts: right where they are told, and none where a value could shine through."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parvis.domain import LANGUAGES
from parvis.privacy.entities import Label
from parvis.privacy.generalise import tell_fact
from parvis.privacy.neutral import tell_neutrally

TODAY = date(2026, 11, 22)

TOLD = [
    *((Label.DATE_OF_BIRTH, one, "age 45-54") for one in ("12.3.1980", "1980-03-12", "12031980")),
    *((Label.DATE_OF_BIRTH, one, "age 45-54") for one in ("4 mars 1980", "4. Mäerz 1980", "1980")),
    (Label.DATE_OF_BIRTH, "March 4, 1980", "age 45-54"),
    (Label.DATE_OF_BIRTH, "12/03/80", "age 45-54"),
    (Label.DATE_OF_BIRTH, "22.11.2008", "age 18-24"),  # eighteen today
    (Label.DATE_OF_BIRTH, "23 novembre 2008", "age 16-17"),  # eighteen tomorrow
    (Label.DATE_OF_BIRTH, "2008", "age 16-24"),  # one or the other
    (Label.DATE_OF_BIRTH, "1.1.1930", "age 85 or more"),
    (Label.ADDRESS, "12, rue de la Gare, L-4010 Esch-sur-Alzette", "Esch-sur-Alzette"),
    (Label.ADDRESS, "12 bis rue Haute, 57000 METZ", "METZ"),
    (Label.ADDRESS, "Hauptstr. 12a, 54290 Trier", "Trier"),
    (Label.ADDRESS, "X-straat 5 bus 3, 1000 Brussel", "Brussel"),
    (Label.ADDRESS, "7 rue Z\n92200 Neuilly sur Seine", "Neuilly sur Seine"),
    (Label.ADDRESS, "10 Downing Street, London SW1A 2AA", "London"),
    (Label.EMAIL, "marie@gmail.com", "private mailbox"),
    (Label.EMAIL, "m.kieffer@adem.etat.lu", "mailbox of a public body"),
    (Label.EMAIL, "info@kieffer.lu", "mailbox in .lu"),
    (Label.PHONE, "+352 621 123 456", "LU mobile"),
    (Label.PHONE, "0033 3 87 00 00 00", "FR"),
    (Label.IBAN, "LU28 0019 4006 4475 0000", "LU"),
    (Label.COORDINATES, "49.61123, 6.13195", "near 49.6, 6.1"),
    (Label.IP_ADDRESS, "10.1.2.3", "inner network"),
    (Label.IP_ADDRESS, "8.8.8.8", "internet"),
]
UNTOLD = [
    (Label.DATE_OF_BIRTH, "le quatre mars mille neuf cent quatre-vingts"),
    (Label.DATE_OF_BIRTH, "31.02.1980"),
    (Label.DATE_OF_BIRTH, "1.1.1850"),
    (Label.DATE_OF_BIRTH, "1.1.2040"),
    (Label.ADDRESS, "12, Grand-Rue"),  # the street is not the town
    (Label.ADDRESS, "1250 Main Street"),  # a house number is no postcode
    (Label.EMAIL, "marie@kieffer.com"),
    (Label.PHONE, "621 123 456"),  # of which country?
    (Label.PERSON, "Marie Kieffer"),
    (Label.NATIONAL_ID, "1893120105732"),
    (Label.SECRET, "hunter2"),
]


@pytest.mark.parametrize(("label", "value", "fact"), TOLD)
def test_a_fact_is_told_as_coarsely_as_it_should_be(label: Label, value: str, fact: str) -> None:
    assert tell_fact(label, value, TODAY) == fact


@pytest.mark.parametrize(("label", "value"), UNTOLD)
def test_no_fact_is_told_where_none_is_certain(label: Label, value: str) -> None:
    assert tell_fact(label, value, TODAY) == ""


def test_a_town_is_told_without_what_follows_it() -> None:
    value = "Weg 3, 61348 Bad Homburg Herr Müller"
    assert tell_fact(Label.ADDRESS, value, TODAY) == "Bad Homburg"


@given(st.sampled_from(list(Label)), st.text(max_size=60))
def test_no_value_breaks_the_telling(label: Label, value: str) -> None:
    fact = tell_fact(label, value, TODAY)
    assert "[" not in fact
    assert "]" not in fact


@given(st.dates(date(1902, 1, 1), TODAY))
def test_an_age_lies_in_its_band_and_the_date_is_not_told(born: date) -> None:
    fact = tell_fact(Label.DATE_OF_BIRTH, born.isoformat(), TODAY)
    age = TODAY.year - born.year - ((TODAY.month, TODAY.day) < (born.month, born.day))
    numbers = [int(one) for one in fact.removeprefix("age ").replace(" or more", "-999").split("-")]
    assert numbers[0] <= age <= numbers[1]
    assert numbers[1] - numbers[0] >= 1
    assert str(born.year) not in fact


def test_every_kind_has_a_neutral_word_in_every_language() -> None:
    for language in LANGUAGES:
        kinds = [one for one in Label if one is not Label.LITERAL]
        told = tell_neutrally([f"[{one.value}_3_k7fq]" for one in kinds], language)
        assert len(told) == len(set(told.values())) == len(kinds)
        assert all(word.endswith(" 3]") for word in told.values())


def test_two_written_forms_of_one_value_get_one_neutral_word() -> None:
    told = tell_neutrally(["[PERSON_1_k7fq]", "[PERSON_1b_k7fq]", "[PERSON_2_k7fq]"], "de")
    assert list(told.values()) == ["[Name 1]", "[Name 1]", "[Name 2]"]
    assert tell_neutrally(["[LITERAL_1_k7fq]"], "de") == {}
