"""Reads the corpora that the name tagger is trained on: texts with the places of names."""

import csv
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_PERSONS = {"PER", "RR", "AN"}
_MSGSTR = re.compile(r'^msgstr(?:\[\d\])? ((?:"(?:[^"\\]|\\.)*"\n?)+)', re.MULTILINE)


@dataclass(frozen=True)
class Sample:
    """A text and where names stand in it."""

    text: str
    names: tuple[tuple[int, int], ...]


def load_germeval(path: Path) -> list[Sample]:
    """Sentences of GermEval 2014, outer layer; derived forms ("Kantian") are no names."""
    sentences = path.read_text(encoding="utf-8").split("\n\n")
    rows = ([line.split("\t") for line in s.splitlines() if line[:1] != "#"] for s in sentences)
    return [_sample([(row[1], row[2]) for row in rows_]) for rows_ in rows if rows_]


def load_ler(path: Path) -> list[Sample]:
    """Sentences of court decisions, without those whose names are cut to one letter."""
    samples = []
    for sentence in path.read_text(encoding="utf-8").split("\n\n"):
        words = [tuple(line.rsplit(" ", 1)) for line in sentence.splitlines() if " " in line]
        cut = any(tag == "B-PER" and len(word.strip(".")) == 1 for word, tag in words)
        if words and not cut:
            samples.append(_sample([(word, tag) for word, tag in words]))
    return samples


def load_plain() -> list[Sample]:
    """Our own texts in four languages, which name no person."""
    samples = []
    for path in sorted((ROOT / "tenants").rglob("*.md")):
        lines = path.read_text(encoding="utf-8").splitlines()
        samples.extend(Sample(line, ()) for line in lines if line.strip())
    for path in sorted((ROOT / "platform/parvis/locales").glob("*.po")):
        for match in _MSGSTR.finditer(path.read_text(encoding="utf-8")):
            text = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', match[1]))
            if text and "\\" not in text and "<" not in text:
                samples.append(Sample(text, ()))
    return samples


def load_counts(path: Path, least: int) -> list[tuple[str, int]]:
    """Names of an INSEE list given at least so often, without its collective rows."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [(row[0], int(row[1])) for row in csv.reader(file)]
    return [
        (name, count)
        for name, count in rows
        if count >= least and name.replace("-", "").replace("'", "").isalpha() and len(name) > 1
    ]


def split(samples: list[Sample], share: float) -> tuple[list[Sample], list[Sample]]:
    """To train with, and kept apart; the same in every run."""
    mixed = sorted(samples, key=lambda sample: sample.text)
    random.Random(4).shuffle(mixed)  # noqa: S311 - not for secrets
    cut = int(len(mixed) * share)
    return mixed[cut:], mixed[:cut]


def _sample(words: list[tuple[str, str]]) -> Sample:
    text, names = "", []
    for word, tag in words:
        start = len(text) + bool(text)
        text = f"{text} {word}" if text else word
        prefix, _, kind = tag.partition("-")
        if kind not in _PERSONS:
            continue
        if prefix == "I" and names and names[-1][1] == start - 1:
            names[-1] = (names[-1][0], len(text))
        else:
            names.append((start, len(text)))
    return Sample(text, tuple(names))


def find_names(samples: list[Sample]) -> Iterator[str]:
    """The names themselves."""
    for sample in samples:
        for start, end in sample.names:
            yield sample.text[start:end]
