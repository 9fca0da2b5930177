"""The guard against invented figures and names."""

import pytest

from parvis.domain import DataLevel, Passage
from parvis.inference import check_grounded

PASSAGE = Passage(
    source_id="card",
    title="Identity card › Price",
    url="https://v.example/card",
    language="en",
    text=(
        "The identity card costs 25.00 euros; the urgent one 1 200,50 euros. Open 8:00-12:00. "
        "Ask the citizens' desk in Linden Square, Valbourg, by 31.12.2027."
    ),
    score=0.5,
    level=DataLevel.PUBLIC,
    controller="valbourg",
)


@pytest.mark.parametrize(
    "answer",
    [
        "The identity card costs 25 euros.",
        "It costs 25,00 euros.",
        "Pay €25.00 at Linden Square.",
        "The urgent card costs 1.200,50 euros, in Valbourg.",
        "1. Go to Linden Square.\n2. Pay 25 euros.",
        "Open from 8:00 to 12:00 until 31.12.2027.",
        "Dear ⟦PERSON_1⟧, bring your old card.",
        "Manchester",  # a sentence's first word is not taken for a name
    ],
)
def test_answer_with_known_figures_and_names_passes(answer: str) -> None:
    assert check_grounded(answer, [PASSAGE], "I am ⟦PERSON_1⟧, what does it cost?")


@pytest.mark.parametrize(
    "answer",
    [
        "The identity card costs 120 euros.",
        "It costs 25.50 euros.",
        "The urgent card costs 1,300 euros.",
        "It is on Mill Road, in the city.",
        "The desk is in Manchester.",
        "Open from 9:00 to 12:00.",
        "Valid until 31.12.2028.",
        "Ask Mr Smith.",
    ],
)
def test_answer_with_a_figure_or_name_of_its_own_is_caught(answer: str) -> None:
    assert not check_grounded(answer, [PASSAGE])


def test_figure_of_the_question_counts_as_known() -> None:
    answer = "For 3 children you pay 25 euros."
    assert check_grounded(answer, [PASSAGE], "We have 3 children.")
    assert not check_grounded(answer, [PASSAGE], "We have children.")


def test_any_figure_is_caught_where_there_is_no_source() -> None:
    assert check_grounded("I do not know.", [])
    assert not check_grounded("It costs 5 euros.", [])
