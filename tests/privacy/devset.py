"""Reads the development messages: text, where personal data lies, and what must stay readable.

A third of them is held out: rules are never changed by looking at what is missed there.
"""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

DATA = Path(__file__).parent / "data"
LANGUAGES = ("fr", "de", "lb", "en")
_MARK = re.compile(r"\{(?P<label>[A-Z_]+|!):(?P<value>[^{}]+)\}")
TRAP = "!"


@dataclass(frozen=True)
class Piece:
    """A stretch of text with its label, "!" for a trap, None for any other text."""

    text: str
    label: str | None = None


@dataclass(frozen=True)
class Message:
    id: str
    language: str
    pieces: tuple[Piece, ...]
    source: str
    held: bool

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces)

    def spans(self) -> list[tuple[int, int, str]]:
        """Every labelled stretch, traps included, in code points."""
        found, position = [], 0
        for piece in self.pieces:
            if piece.label:
                found.append((position, position + len(piece.text), piece.label))
            position += len(piece.text)
        return found

    def row(self) -> dict[str, object]:
        """The message as a row of the benchmark."""
        marked = [{"start": a, "end": b, "label": label} for a, b, label in self.spans()]
        return {
            "id": self.id,
            "text": self.text,
            "language": self.language,
            "spans": [span for span in marked if span["label"] != TRAP],
            "negatives": [span | {"label": "TRAP"} for span in marked if span["label"] == TRAP],
            "scope": "all",
            "source": self.source,
            "held": self.held,
        }


def load_messages() -> list[Message]:
    """The handwritten messages of all languages."""
    return [message for language in LANGUAGES for message in _load(language)]


def load_later() -> list[Message]:
    """Messages written later, in other voices. Those of `fresh_*.txt` were held out by halves until
    the rules had been changed by looking at one half, then worked on; those of `last_*.txt` are all
    held out, and of `sealed_*.txt` every second one; `blind_*.txt` were held out by halves, too."""
    return _load_sets({"fresh_": (), "last_": (0, 1), "blind_": (), "sealed_": (0,)})


def load_hardest() -> list[Message]:
    """The hardest messages, of unusual ways to tell who and where one is, by authors who knew no
    rule. All of `open_*.txt` were worked on, of `kept_*.txt` every second one is held out."""
    return _load_sets({"open_": (), "kept_": (0,)})


def _load_sets(held: dict[str, tuple[int, ...]]) -> list[Message]:
    """Messages of each set; those whose number, halved, leaves such a rest are held out."""
    return [
        replace(message, held=number % 2 in odd)
        for kind, odd in held.items()
        for language in LANGUAGES
        for number, message in enumerate(_load(language, kind), 1)
    ]


def _load(language: str, kind: str = "") -> Iterable[Message]:
    text = (DATA / f"{kind}{language}.txt").read_text(encoding="utf-8")
    for number, block in enumerate(re.split(r"^## ", text, flags=re.MULTILINE)[1:], 1):
        genre, marked = block.split("\n", 1)
        yield build_message(
            f"{kind}{language}-{genre}-{number}", language, marked.strip("\n"), "written"
        )


def build_message(name: str, language: str, marked: str, source: str) -> Message:
    """A message from its marked text; whether it is held out depends on its text alone."""
    pieces: list[Piece] = []
    position = 0
    for mark in _MARK.finditer(marked):
        pieces.append(Piece(marked[position : mark.start()]))
        pieces.append(Piece(mark["value"], mark["label"]))
        position = mark.end()
    pieces.append(Piece(marked[position:]))
    held = hashlib.sha256(marked.encode()).digest()[0] % 3 == 0
    return Message(name, language, tuple(p for p in pieces if p.text), source, held)


def _one_by_one(change: Callable[[str], str]) -> Callable[[str], str]:
    """Changed letter by letter, so that no letter becomes two."""
    return lambda text: "".join(new if len(new := change(char)) == 1 else char for char in text)


CARELESS: dict[str, Callable[[str], str]] = {
    "small": _one_by_one(str.lower),
    "capitals": _one_by_one(str.upper),
    "no-break": lambda text: text.replace(" ", "\u00a0"),
    "decomposed": lambda text: unicodedata.normalize("NFD", text),
    "broken": lambda text: re.sub(r"(?<=\w) (?=\w)", "\n", text, count=1),
}


def vary(messages: Iterable[Message]) -> list[Message]:
    """Each message carelessly typed, in one of five ways in turn."""
    varied = []
    for number, message in enumerate(messages):
        name, change = list(CARELESS.items())[number % len(CARELESS)]
        pieces = tuple(Piece(change(p.text), p.label) for p in message.pieces)
        varied.append(
            Message(f"{message.id}-{name}", message.language, pieces, "careless", message.held)
        )
    return varied
