"""Reads the development messages: text, where personal data lies, and what must stay readable."""

import re
from dataclasses import dataclass
from pathlib import Path

_MARK = re.compile(r"<<(?P<label>[A-Z_]+)\|(?P<value>[^>]+)>>|\{\{(?P<trap>[^}]+)\}\}")
DATA = Path(__file__).parent / "data" / "messages.txt"


@dataclass(frozen=True)
class Message:
    id: str
    language: str
    text: str
    spans: tuple[tuple[int, int, str], ...]
    traps: tuple[tuple[int, int], ...]

    def row(self) -> dict[str, object]:
        """The message as a row of the benchmark."""
        return {
            "id": self.id,
            "text": self.text,
            "language": self.language,
            "spans": [{"start": a, "end": b, "label": label} for a, b, label in self.spans],
            "negatives": [{"start": a, "end": b, "label": "TRAP"} for a, b in self.traps],
            "source": "handcrafted",
        }


def load_messages(path: Path = DATA) -> list[Message]:
    paragraphs = path.read_text(encoding="utf-8").split("\n\n")
    return [_message(part.strip()) for part in paragraphs if not part.startswith("#")]


def _message(paragraph: str) -> Message:
    head, marked = paragraph.split("\n", 1)
    language, name = head.split(" ", 1)
    pieces: list[str] = []
    spans: list[tuple[int, int, str]] = []
    traps: list[tuple[int, int]] = []
    position = length = 0
    for mark in _MARK.finditer(marked):
        pieces.append(marked[position : mark.start()])
        length += mark.start() - position
        value = mark["value"] or mark["trap"]
        if mark["label"]:
            spans.append((length, length + len(value), mark["label"]))
        else:
            traps.append((length, length + len(value)))
        pieces.append(value)
        length += len(value)
        position = mark.end()
    pieces.append(marked[position:])
    return Message(f"{language}-{name}", language, "".join(pieces), tuple(spans), tuple(traps))
