"""A message taken apart."""

from parvis.knowledge.questions import split_question


def test_message_is_searched_as_a_whole_and_by_its_sentences() -> None:
    message = "Hello, I am [PERSON_1_k7fq].\nWhat does a card cost?  Thank you."
    assert split_question(message) == [
        "Hello, I am . What does a card cost? Thank you.",
        "Hello, I am .",
        "What does a card cost?",
    ]


def test_single_sentence_is_searched_once() -> None:
    assert split_question("What does a card cost?") == ["What does a card cost?"]


def test_message_of_placeholders_alone_asks_nothing() -> None:
    assert split_question(" [PERSON_1_k7fq] [NATIONAL_ID_2b_k7fq]\n") == []
    assert split_question("") == []


def test_endless_message_is_bounded() -> None:
    assert len(split_question("One two three four. " * 5 + "And so on it goes. " * 900)) <= 13
    parts = split_question(" ".join(f"This is sentence number {n}." for n in range(100)))
    assert len(parts) == 13
    assert parts[-1] == "This is sentence number 99."
