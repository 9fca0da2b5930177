"""Makes marked messages to learn homes, birth dates and numbers from: frames filled with made-up
values, and handwritten messages of `tests/privacy/data` with other values in their places.

Only messages that are not held out are taken, and none of the set `sealed`.
"""

import random
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from deploy.train.values import Values
from parvis.privacy.words import fold_name
from tests.privacy.devset import (
    LANGUAGES,
    TRAP,
    Message,
    Piece,
    load_hardest,
    load_later,
    load_messages,
)

_SLOT = re.compile(r"<([A-Za-z])>")
_CHOICE = re.compile(r"\(([^()]*\|[^()]*)\)")
_PERSONAL = {
    "H": "LOCATION", "A": "ADDRESS", "R": "ADDRESS", "G": "ADDRESS", "B": "DATE_OF_BIRTH",
    "Y": "DATE_OF_BIRTH", "K": "CASE_NUMBER", "I": "CASE_NUMBER", "T": "PHONE", "P": "PERSON",
    "F": "PERSON", "S": "PERSON",
}  # fmt: skip
_SIGNS = (" ", " ", " ", " ", "\n", "\n", ", ")
_NEVER_LEARNED = ("sealed_",)
_SMALL, _PLAIN, _CAPITALS = 0.28, 0.14, 0.06


@dataclass(frozen=True)
class Marked:
    """A text and what stands where in it."""

    text: str
    spans: tuple[tuple[int, int, str], ...]


def load_handwritten(*, without: Sequence[str] = ()) -> list[Message]:
    """The messages to learn from; `without` leaves whole sets out, to measure on them."""
    messages = [*load_messages(), *load_later(), *load_hardest()]
    left_out = (*_NEVER_LEARNED, *without)
    return [m for m in messages if not m.held and not m.id.startswith(left_out)]


class Writer:
    """Writes marked messages, the same for the same state of `pick`."""

    def __init__(
        self,
        pick: random.Random,
        values: Values,
        frames: dict[str, list[str]],
        name: Callable[[str], str],
    ) -> None:
        self._pick = pick
        self._values = values
        self._frames = frames
        self._name = name

    def write(self) -> Marked:
        """One message of some frames of a language."""
        self._values.language = self._pick.choice(LANGUAGES)
        pieces: list[Piece] = []
        for _ in range(self._pick.randint(1, 4)):
            if pieces:
                pieces.append(Piece(self._pick.choice(_SIGNS)))
            pieces.extend(self._filled(self._pick.choice(self._frames[self._values.language])))
        return self._typed(pieces)

    def rewrite(self, message: Message) -> Marked:
        """The message with other names, places and digits of the same kind."""
        self._values.language = message.language
        return self._typed([self._other(piece) for piece in message.pieces])

    def _filled(self, frame: str) -> Iterable[Piece]:
        while _CHOICE.search(frame):
            frame = _CHOICE.sub(lambda m: self._pick.choice(m[1].split("|")), frame)
        position = 0
        for slot in _SLOT.finditer(frame):
            yield Piece(frame[position : slot.start()])
            yield Piece(self._value(slot[1]), _PERSONAL.get(slot[1]))
            position = slot.end()
        yield Piece(frame[position:])

    def _value(self, slot: str) -> str:
        return self._name(slot) if slot in "PFS" else self._values.make(slot)

    def _other(self, piece: Piece) -> Piece:
        chance = self._pick.random()
        if piece.label == "PERSON" and chance < 0.5:  # noqa: PLR2004
            words = len(piece.text.split())
            return Piece(self._name("P" if words > 1 else self._pick.choice("FS")), piece.label)
        if piece.label == "LOCATION" and chance < 0.5:  # noqa: PLR2004
            return Piece(self._values.make("H"), piece.label)
        if piece.label == "ADDRESS" and chance < 0.3:  # noqa: PLR2004
            return Piece(self._values.make("R" if len(piece.text) < 25 else "A"), piece.label)  # noqa: PLR2004
        return Piece(re.sub(r"\d+", self._digits, piece.text), piece.label)

    def _digits(self, match: re.Match[str]) -> str:
        """Other digits; a year keeps its decade, a day or month stays one."""
        digits = match[0]
        if len(digits) == 4 and digits[:2] in ("19", "20"):  # noqa: PLR2004
            return digits[:3] + self._pick.choice("0123456789")
        if len(digits) <= 2:  # noqa: PLR2004
            return digits
        return "".join(self._pick.choice("0123456789") for _ in digits)

    def _typed(self, pieces: Sequence[Piece]) -> Marked:
        """As written, or carelessly: small, without accents and apostrophes, in capitals."""
        way = self._pick.random()
        change: Callable[[str], str] = str
        if way < _SMALL:
            change = str.lower
        elif way < _SMALL + _PLAIN:
            change = _plain
        elif way > 1 - _CAPITALS:
            change = str.upper
        text, spans = "", []
        for piece in pieces:
            start, text = len(text), text + change(piece.text)
            if piece.label and piece.label != TRAP:
                spans.append((start, len(text), piece.label))
        return Marked(text, tuple(spans))


def _plain(text: str) -> str:
    return fold_name(text).replace("'", "")
