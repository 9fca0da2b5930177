"""Facts beside placeholders go as they came, whatever the pieces of the stream."""

from hypothesis import given
from hypothesis import strategies as st

from parvis.assistant.restoring import FactRemover, Restorer

MAPPING = {
    "[ADDRESS_1_k7fq]": "12, rue Haute, 57000 Metz",
    "[IBAN_1_k7fq]": "LU28 0019 4006 4475 0000",
    "[PERSON_1_k7fq]": "Marie Kieffer",
}
FACTS = {"[ADDRESS_1_k7fq]": " (Metz)", "[IBAN_1_k7fq]": " (LU)"}
PARTS = [*MAPPING, *FACTS.values(), *(one + fact for one, fact in FACTS.items())]
PARTS += [
    "[",
    "]",
    "(",
    " ",
    "(Metz",
    "[ADDRESS_1_k7fq] (Me",
    "x",
    "\n",
    "[IBAN_1_k7fq] (LU mobile)",
]


def stream(restorer: Restorer, text: str, size: int) -> str:
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    return "".join(restorer.feed(piece) for piece in pieces) + restorer.flush()


def test_a_fact_behind_its_placeholder_is_taken_out() -> None:
    text = "She lives at [ADDRESS_1_k7fq] (Metz), pays to [IBAN_1_k7fq] (LU)."
    shown = Restorer(MAPPING, FACTS).restore(text)
    assert shown == "She lives at 12, rue Haute, 57000 Metz, pays to LU28 0019 4006 4475 0000."


def test_a_fact_that_the_model_uses_by_itself_stays() -> None:
    text = "The office (Metz) is right for [PERSON_1_k7fq] (Metz)."
    shown = Restorer(MAPPING, FACTS).restore(text)
    assert shown == "The office (Metz) is right for Marie Kieffer (Metz)."


@given(st.lists(st.sampled_from(PARTS), max_size=12).map("".join), st.integers(1, 20))
def test_a_stream_shows_the_same_as_the_whole_text(text: str, size: int) -> None:
    assert stream(Restorer(MAPPING, FACTS), text, size) == Restorer(MAPPING, FACTS).restore(text)


def test_only_what_may_still_be_a_fact_is_held_back() -> None:
    remover = FactRemover(FACTS)
    assert remover.feed("Hello [") == "Hello "
    assert remover.feed("x] and [ADDRESS_1_k7fq] (Pa") == "[x] and [ADDRESS_1_k7fq] (Pa"
    assert remover.feed("ris) [ADDRESS_1_k7fq] (Me") == "ris) "
    assert remover.flush() == "[ADDRESS_1_k7fq] (Me"


def test_without_facts_nothing_is_held_back() -> None:
    assert FactRemover({}).feed("Hello [") == "Hello ["
