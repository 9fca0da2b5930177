"""Quote mode: the passage word for word, its source, and an honest "nothing found"."""

import pytest

from parvis.domain import LANGUAGES, DataLevel, Language, Passage
from parvis.inference import quote_answer
from parvis.inference.quote import build_quotation, mark_sentences

TEXT = (
    "Présentez-vous avec votre ancienne carte. La carte coûte 14 euros et est valable dix ans. "
    "Un mineur vient avec un parent."
)


def passage(text: str = TEXT, language: Language = "fr", **changes: str) -> Passage:
    facts = {"source_id": "carte", "title": "Carte › Prix", "url": "https://v.example/carte"}
    facts |= changes
    return Passage(
        **facts,
        language=language,
        text=text,
        score=0.6,
        level=DataLevel.PUBLIC,
        controller="valbourg",
    )


def test_citizen_gets_the_passage_with_the_fitting_sentence_marked_and_the_source() -> None:
    assert build_quotation("Combien coûte la carte ?", [passage()], "fr") == (
        "Voici ce que dit la source officielle :\n\n"
        "> Présentez-vous avec votre ancienne carte. **La carte coûte 14 euros et est valable dix "
        "ans.** Un mineur vient avec un parent.\n\n"
        "Source : [Carte › Prix](https://v.example/carte)"
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_citizen_reads_every_word_of_the_passage_in_each_language(language: Language) -> None:
    answer = build_quotation("Combien coûte la carte ?", [passage()], language)
    assert TEXT in answer.replace("**", "")
    assert "[Carte › Prix](https://v.example/carte)" in answer


def test_citizen_is_told_when_the_source_is_in_another_language() -> None:
    assert "(Text auf Französisch)" in build_quotation("Was kostet das?", [passage()], "de")
    assert "(Text op Franséisch)" in build_quotation("Wat kascht dat?", [passage()], "lb")
    assert "(texte en" not in build_quotation("Combien ?", [passage()], "fr")


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("fr", "Je n’ai rien trouvé"),
        ("de", "habe ich keine Antwort"),
        ("lb", "keng Äntwert"),
        ("en", "I found nothing"),
    ],
)
def test_citizen_is_told_that_nothing_was_found_and_whom_to_ask(
    language: Language, words: str
) -> None:
    alone = build_quotation("?", [], language)
    named = build_quotation("?", [], language, "Biergeramt, +352 20 99 10 00")
    assert words in alone
    assert words in named
    assert named.endswith("Biergeramt, +352 20 99 10 00.")
    assert alone.endswith(".")


def test_answer_streams_in_small_pieces_then_reason_then_usage() -> None:
    pieces = list(quote_answer("Combien coûte la carte ?", [passage()], "fr"))
    assert "".join(piece.text for piece in pieces) == build_quotation(
        "Combien coûte la carte ?", [passage()], "fr"
    )
    assert max(len(piece.text.split()) for piece in pieces) == 2
    assert pieces[-2].finish_reason == "stop"
    assert pieces[-1].usage is not None
    assert pieces[-1].usage.estimated


def test_further_sources_are_named_once_each() -> None:
    other = passage(title="Perte", url="https://v.example/perte")
    answer = build_quotation("carte", [passage(), other, other, passage()], "fr")
    assert answer.endswith("Voir aussi : [Perte](https://v.example/perte)")


def test_title_and_address_cannot_break_out_of_the_link() -> None:
    answer = build_quotation("?", [passage(title="a](b", url="https://v.example/a)b c")], "fr")
    assert answer.endswith("[a\\](b](https://v.example/a%29b%20c)")
    assert build_quotation("?", [passage(url="")], "fr").endswith("Source : Carte › Prix")


@pytest.mark.parametrize(
    ("text", "question", "marked"),
    [
        ("A b c. D e f.", "nothing shared", "A b c. D e f."),
        (
            "- Bring a photo.\n- Pay at the desk.",
            "Where do I pay? At which desk?",
            "- Bring a photo.\n- **Pay at the desk.**",
        ),
        (
            "Gemäß Art. 5 Abs. 2 kostet es am 1. Mai etwas. Sonst nichts.",
            "Was kostet es im Mai?",
            "**Gemäß Art. 5 Abs. 2 kostet es am 1. Mai etwas.** Sonst nichts.",
        ),
        (
            "Open until 17:00. Closed on Sundays.",
            "When is it open?",
            "**Open until 17:00.** Closed on Sundays.",
        ),
        ("| permit | 24 euros |", "price of a permit", "| permit | 24 euros |"),
        ("**Permit** now. Other.", "permit", "**Permit now.** Other."),
    ],
)
def test_marking_touches_no_word_list_mark_or_table(text: str, question: str, marked: str) -> None:
    assert mark_sentences(text, question) == marked
