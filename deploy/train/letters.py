"""Makes letters of citizens from `letters.txt`, with names of people who do not exist."""

import random
import re
from pathlib import Path

from deploy.train.corpora import Sample

HERE = Path(__file__).parent
_SLOT = re.compile(r"<([A-Z]+)>")
_SHARES = {"lb": 0.45, "de": 0.3, "fr": 0.15, "en": 0.1}
_PLACES = {"T": "town", "R": "street", "O": "office", "M": "month"}
_SIGNS = (" ", " ", " ", "\n")


class Letters:
    """An endless source of letters, the same for the same seed."""

    def __init__(
        self, first_names: list[tuple[str, int]], surnames: list[tuple[str, int]], seed: int
    ) -> None:
        self._random = random.Random(seed)  # noqa: S311 - not for secrets
        self._templates = _sections(HERE / "letters.txt")
        words = _sections(HERE / "words.txt")
        self._words = {
            kind: "|".join(lines).split("|") if "|" in lines[0] else " ".join(lines).split()
            for kind, lines in words.items()
        }
        self._first = ([_written(name) for name, _ in first_names], _weights(first_names))
        self._last = ([_written(name) for name, _ in surnames], _weights(surnames))

    def write(self) -> Sample:
        """One letter: some sentences of one language, now and then one of another."""
        languages = list(_SHARES)
        language = self._random.choices(languages, list(_SHARES.values()))[0]
        text, names = "", []
        for _ in range(self._random.randint(1, 6)):
            other = self._random.random() < 0.1  # noqa: PLR2004
            source = self._random.choice(languages) if other else language
            text, found = self._append(text, self._random.choice(self._templates[source]))
            names.extend(found)
        return Sample(text, tuple(names))

    def _append(self, text: str, template: str) -> tuple[str, list[tuple[int, int]]]:
        names: list[tuple[int, int]] = []
        if text:
            text += self._random.choice(_SIGNS)
        position = 0
        for slot in _SLOT.finditer(template):
            text += template[position : slot.start()]
            value = self._fill(slot[1])
            if slot[1] in {"P", "F", "S", "I"}:
                together = names and text[names[-1][1] :] == " "
                start = names.pop()[0] if together else len(text)
                names.append((start, len(text) + len(value)))
            text += value
            position = slot.end()
        return text + template[position:], names

    def _fill(self, slot: str) -> str:
        if slot in _PLACES:
            return self._random.choice(self._words[_PLACES[slot]])
        return {
            "F": self._first_name,
            "S": self._surname,
            "I": lambda: f"{self._first_name()[0]}. {self._surname()}",
            "P": self._full_name,
            "D": self._date,
            "N": lambda: str(self._random.randint(1, 99999)),
        }[slot]()

    def _first_name(self) -> str:
        return self._name("first", self._first)

    def _full_name(self) -> str:
        if self._random.random() < 0.12:  # noqa: PLR2004
            return f"{self._surname()} {self._first_name()}"
        return f"{self._first_name()} {self._surname()}"

    def _date(self) -> str:
        month = self._random.choice(self._words["month"])
        day, year = self._random.randint(1, 28), self._random.randint(1950, 2026)
        written = (f"{day}. {month} {year}", f"{day}.{day % 12 + 1}.{year}")
        return self._random.choice(written)

    def _surname(self) -> str:
        name = self._name("last", self._last)
        extra = self._random.random()
        if extra < 0.06:  # noqa: PLR2004
            return f"{name}-{self._name('last', self._last)}"
        if extra < 0.1:  # noqa: PLR2004
            particle = self._random.choice(("de", "von", "van", "da", "dos", "El", "van der"))
            return f"{particle} {name}"
        return name

    def _name(self, kind: str, listed: tuple[list[str], list[float]]) -> str:
        if self._random.random() < 0.5:  # noqa: PLR2004
            return self._random.choice(self._words[kind])
        return self._random.choices(*listed)[0]


def _sections(path: Path) -> dict[str, list[str]]:
    sections: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            lines = sections.setdefault(line[3:], [])
        elif line and not line.startswith("#"):
            lines.append(line.replace("<NL>", "\n"))
    return sections


def _written(name: str) -> str:
    return "-".join(part.capitalize() for part in name.split("-"))


def _weights(names: list[tuple[str, int]]) -> list[float]:
    """Rare names oftener than in life, so that more of them are seen; sums up as choices wants."""
    return [count**0.3 for _, count in names]
