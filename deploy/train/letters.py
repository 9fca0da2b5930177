"""Makes letters of citizens from `letters.txt`, with names of people who do not exist."""

import random
import re
from pathlib import Path

from deploy.train.corpora import Sample
from parvis.privacy.words import fold_name

HERE = Path(__file__).parent
_SLOT = re.compile(r"<([A-Z]+)>")
_SHARES = {"fr": 0.32, "en": 0.28, "lb": 0.22, "de": 0.18}
_PLACES = {
    "T": "town", "R": "street", "O": "office", "M": "month", "W": "weekday", "Z": "acronym",
}  # fmt: skip
_HURRIED = 0.15
_BARE = 0.15
_SIGNS = (" ", " ", " ", "\n")


class Letters:
    """An endless source of letters, the same for the same seed."""

    def __init__(
        self,
        first_names: list[tuple[str, int]],
        surnames: list[tuple[str, int]],
        world: tuple[list[str], list[str]],
        common: dict[str, tuple[list[str], list[str]]],
        seed: int,
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
        self._world = dict(zip(("first", "last"), world, strict=True))
        self._common = common
        self._language = ""
        self._is_hurried = False

    def write(self) -> Sample:
        """One letter: some sentences of one language, now and then one of another."""
        languages = list(_SHARES)
        language = self._random.choices(languages, list(_SHARES.values()))[0]
        self._is_hurried = self._random.random() < _HURRIED
        text, names = "", []
        for _ in range(self._random.randint(1, 6)):
            other = self._random.random() < 0.1  # noqa: PLR2004
            source = self._language = self._random.choice(languages) if other else language
            source = "any" if self._random.random() < _BARE else source
            text, found = self._append(text, self._random.choice(self._templates[source]))
            names.extend(found)
        return Sample(text, tuple(names))

    def _append(self, text: str, template: str) -> tuple[str, list[tuple[int, int]]]:
        names: list[tuple[int, int]] = []
        if text:
            text += self._random.choice(_SIGNS)
        position = 0
        for slot in _SLOT.finditer(template):
            text += self._typed(template[position : slot.start()])
            value = self._fill(slot[1])
            value = value.lower() if self._is_hurried else value
            if slot[1] in {"P", "F", "S", "I", "L", "C"}:
                together = names and text[names[-1][1] :] == " "
                start = names.pop()[0] if together else len(text)
                names.append((start, len(text) + len(value)))
            text += value
            position = slot.end()
        return text + self._typed(template[position:]), names

    def _typed(self, words: str) -> str:
        """As hurried people write: small, without apostrophes, often without accents."""
        if not self._is_hurried:
            return words
        plain = words.lower().replace("'", "")
        return fold_name(plain) if len(words) % 2 else plain

    def _fill(self, slot: str) -> str:
        if slot in _PLACES:
            return self._random.choice(self._words[_PLACES[slot]])
        return {
            "F": self._first_name,
            "S": self._surname,
            "I": lambda: f"{self._first_name()[0]}. {self._surname()}",
            "P": self._full_name,
            "L": lambda: f"{self._surname().upper()} {self._first_name()}",
            "C": lambda: f"{self._surname()}, {self._first_name()}",
            "X": lambda: self._random.choice(self._common[self._language][1]),
            "Y": lambda: self._random.choice(self._common[self._language][0]),
            "D": self._date,
            "N": lambda: str(self._random.randint(1, 99999)),
        }[slot]()

    def _first_name(self) -> str:
        name = self._name("first", self._first)
        return f"{name}-{self._name('first', self._first)}" if self._is_rare(0.06) else name

    def _full_name(self) -> str:
        first, last = self._first_name(), self._surname()
        if self._is_rare(0.08):
            first = f"{first} {self._first_name()}"
        if self._is_rare(0.08):
            last = f"{last} {self._surname()}"
        if self._is_rare(0.12):
            last = last.upper()
        return f"{last} {first}" if self._is_rare(0.15) else f"{first} {last}"

    def _is_rare(self, chance: float) -> bool:
        return self._random.random() < chance

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
        source = self._random.random()
        if source < 0.25:  # noqa: PLR2004
            return self._random.choice(self._words[kind])
        if source < 0.6:  # noqa: PLR2004
            return self._random.choice(self._world[kind])
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
