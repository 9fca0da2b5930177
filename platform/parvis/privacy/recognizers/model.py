"""What the name model's words mean for masking: persons, addresses, towns where somebody lives."""

import re
from collections.abc import Iterator, Sequence

from parvis.privacy.entities import Label
from parvis.privacy.rampart import Rampart
from parvis.privacy.recognizers.base import Hit, SlowRecognizer
from parvis.privacy.recognizers.lexicon import is_plain_word
from parvis.privacy.recognizers.places import (
    is_like_address,
    is_living_cue,
    is_office_address,
)
from parvis.privacy.tagger import load_tagger, read_tokens
from parvis.privacy.word_reader import Word
from parvis.privacy.words import has_capitals, is_never_a_name

_NAME_KINDS = ("GIVEN_NAME", "SURNAME")
_PLACE_KINDS = ("BUILDING_NUMBER", "STREET_NAME", "SECONDARY_ADDRESS", "ZIP_CODE", "CITY", "STATE")
_NAME_BELIEF = 0.5
_PLACE_BELIEF = 0.5
# In a text that uses capitals a name in small letters must be believed in firmly.
_SMALL_NAME_BELIEF = 0.95
# A lone word of the dictionary that the tagger thinks less likely a name than this is none.
_COMMON_BELIEF, _AROUND = 0.005, 80
_BETWEEN_NAMES = re.compile(
    r"(?: |\n|-| ?(?:de|du|des|von|van|der|den|di|da|dos|le|la|zu|zum|al|el|ben|d') ?){0,3}", re.I
)
_SURNAME_AFTER = re.compile(
    r"[ ](?:(?:de la|de|du|van|von|van der|den|di|da|dos) )?"
    r"(?P<name>[A-ZÀ-ÖØ-Þ][^\W\d_]+(?:['\-][^\W\d_]+)*)"
)
_BETWEEN_PLACES = re.compile(r"[ ,.\n\-/]{0,4}(?:(?:[LFBD]|LU|FR|DE|BE)-)?", re.IGNORECASE)


class ModelRecognizer(SlowRecognizer):
    """Persons and places by the Rampart model; numbers are left to the rules that check them."""

    labels = (Label.PERSON, Label.ADDRESS, Label.LOCATION)

    def __init__(self, rampart: Rampart) -> None:
        super().__init__()
        self._rampart = rampart

    def find_many(self, asked: Sequence[tuple[str, Sequence[tuple[int, int]]]]) -> list[list[Hit]]:
        """Every name, address and town of residence that the model sees."""
        places = [
            (number, start, text[start:end])
            for number, (text, stretches) in enumerate(asked)
            for start, end in stretches
            if any(char.isalpha() for char in text[start:end])
        ]
        words: list[list[Word]] = [[] for _ in asked]
        read = self._rampart.read_many([piece for _, _, piece in places])
        for (number, offset, _), piece in zip(places, read, strict=True):
            words[number] += [word.moved(offset) for word in piece]
        return [
            [*_persons(text, words[number]), *_places(text, words[number])]
            for number, (text, _) in enumerate(asked)
        ]


def _belief(word: Word, kinds: tuple[str, ...]) -> float:
    return min(1.0, sum(word.beliefs.get(kind, 0.0) for kind in kinds))


def _persons(text: str, words: list[Word]) -> Iterator[Hit]:
    group: list[Word] = []
    is_cased = has_capitals(text)
    for word in words:
        shown = text[word.start : word.end]
        if (
            _belief(word, _NAME_KINDS) < _NAME_BELIEF
            or is_never_a_name(shown)
            or not any(char.isalpha() for char in shown)
        ):
            continue
        if group and not _BETWEEN_NAMES.fullmatch(text, group[-1].end, word.start):
            yield from _person(text, group, is_cased=is_cased)
            group = []
        group.append(word)
    if group:
        yield from _person(text, group, is_cased=is_cased)


def _person(text: str, group: list[Word], *, is_cased: bool) -> Iterator[Hit]:
    """One name; small words beside capital ones are verbs, not names ("Madame Weber huet")."""
    score = round(max(_belief(word, _NAME_KINDS) for word in group), 2)
    if any(text[word.start].isupper() for word in group):
        while not text[group[-1].start].isupper():
            group.pop()
        while not text[group[0].start].isupper():
            group.pop(0)
    elif is_cased and score < _SMALL_NAME_BELIEF:
        return
    if len(group) == 1 and is_cased and _is_common(text, group[0]):
        return
    end = group[-1].end
    following = _SURNAME_AFTER.match(text, end)
    is_given = _belief(group[-1], ("GIVEN_NAME",)) >= _NAME_BELIEF
    if is_given and following and not is_never_a_name(following["name"]):
        end = following.end()
    yield Hit(group[0].start, end, Label.PERSON, score, "rampart_name")


def _is_common(text: str, word: Word) -> bool:
    """Whether a lone capital word is one of the language, and the tagger believes it to be none
    of a name: "Einspruch", "Drucker", which this model takes for one now and then."""
    if not is_plain_word(text[word.start : word.end]):
        return False
    first = max(0, word.start - _AROUND)
    tokens = read_tokens(text[first : word.end + _AROUND])
    chances = load_tagger().chances(tokens)
    believed = (
        chance
        for token, chance in zip(tokens, chances, strict=True)
        if word.start <= first + token.start < word.end
    )
    return max(believed, default=1.0) < _COMMON_BELIEF


def _places(text: str, words: list[Word]) -> Iterator[Hit]:
    group: list[Word] = []
    for word in words:
        if _belief(word, _PLACE_KINDS) < _PLACE_BELIEF:
            continue
        if group and not _BETWEEN_PLACES.fullmatch(text, group[-1].end, word.start):
            yield from _place(text, group)
            group = []
        group.append(word)
    if group:
        yield from _place(text, group)


def _place(text: str, group: list[Word]) -> Iterator[Hit]:
    kinds = {max(word.beliefs, key=lambda kind: word.beliefs[kind]) for word in group}
    start, end = group[0].start, group[-1].end
    score = round(max(_belief(word, _PLACE_KINDS) for word in group), 2)
    has_digit = any(char.isdigit() for char in text[start:end])
    is_address = "STREET_NAME" in kinds and kinds & {"BUILDING_NUMBER", "ZIP_CODE"}
    if is_address and has_digit:
        if is_like_address(text, start, end) and not is_office_address(text, start, end):
            yield Hit(start, end, Label.ADDRESS, score, "rampart_address")
    elif "CITY" in kinds and is_living_cue(text, start, end):
        yield Hit(start, end, Label.LOCATION, score, "rampart_town")
