"""Homes, towns and births as people write them, and what only looks alike: by the rules alone.

The sentences are in `data/homes.txt`, marked as the development messages are, and read as they
stand, with other spaces, in small letters and in capitals.
"""

from dataclasses import dataclass

import pytest

from parvis.privacy.conflicts import Finding, resolve
from parvis.privacy.recognizers.address import AddressRecognizer
from parvis.privacy.recognizers.birth import BirthRecognizer
from parvis.privacy.recognizers.places import is_like_address
from parvis.privacy.stoplist import find_readable
from tests.privacy.devset import CARELESS, DATA, TRAP, Message, build_message

RULES = (AddressRecognizer(), BirthRecognizer())


def load_sentences() -> list[Message]:
    lines = (DATA / "homes.txt").read_text(encoding="utf-8").splitlines()
    return [build_message(line, "", line, "written") for line in lines if line and line[:2] != "##"]


SENTENCES = load_sentences()


@dataclass(frozen=True)
class Judged:
    """What the rules leave readable of a sentence and what they mask needlessly."""

    left: str
    needless: str


def judge(message: Message, text: str) -> Judged:
    raw = [Finding(h.start, h.end, h.label, h.score, h.rule) for r in RULES for h in r.find(text)]
    found = resolve(text, raw, readable=find_readable(text), allowed=[])
    masked = {place for f in found for place in range(f.start, f.end) if text[place].isalnum()}
    marked = [span for span in message.spans() if span[2] != TRAP]
    personal = {p for start, end, _ in marked for p in range(start, end) if text[p].isalnum()}
    people = {p for start, end, label in marked if label == "PERSON" for p in range(start, end)}
    return Judged(_shown(text, personal - people - masked), _shown(text, masked - personal))


def _shown(text: str, places: set[int]) -> str:
    return "".join(text[place] for place in sorted(places))


@pytest.mark.parametrize("message", SENTENCES, ids=lambda message: message.id)
def test_a_home_or_birth_is_masked_whole_and_nothing_beside_it(message: Message) -> None:
    assert judge(message, message.text) == Judged("", "")


# Without capitals a town may be any word; all in capitals, words of the sentence look like names.
@pytest.mark.parametrize(("careless", "losing", "needless"), [("small", 6, 3), ("capitals", 3, 7)])
def test_few_careless_sentences_lose_a_word(careless: str, losing: int, needless: int) -> None:
    judged = [judge(message, CARELESS[careless](message.text)) for message in SENTENCES]
    assert 100 * sum(bool(one.left) for one in judged) < losing * len(SENTENCES)
    assert 100 * sum(bool(one.needless) for one in judged) < needless * len(SENTENCES)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Steinbrink 7", True),
        ("15 The Hawthorns, Lutterworth", True),
        ("Größe 178 cm", False),
        ("Wiedervorlage 14.3", False),
        ("am Montag.\n\nParagraf 18a", False),
    ],
)
def test_a_models_address_is_more_than_a_word_and_a_measure(value: str, *, expected: bool) -> None:
    end = next((value.index(sign) for sign in (" cm", ".3") if sign in value), len(value))
    assert is_like_address(value, 0, end) is expected
