"""Texts of any length read by a token-classification model: windows, batches, words with beliefs.

What one model computes is its own (`rampart.py`, `site_model.py`); what its words mean for masking
is judged in `recognizers/`.
"""

import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from parvis.privacy.deadline import check_deadline

# Long windows cost more for each word, short ones repeat more and know less.
WINDOW_TOKENS = 254
OVERLAP_TOKENS = 40
# Sub-words in one run: enough to share its fixed cost, few enough to stay in the nearest memory.
_BATCH_TOKENS = 256
_CHUNK_CHARS = 8_000
_CHUNK_OVERLAP = 400
_LEAST_BELIEF = 0.25
_LEAST_SHOWN = 0.2


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the text with the model's belief for each kind (`B-` and `I-` added up)."""

    start: int
    end: int
    beliefs: dict[str, float]

    def moved(self, by: int) -> "Word":
        """The same word in a text that has so many signs more before it."""
        return Word(self.start + by, self.end + by, self.beliefs)


@dataclass(frozen=True, slots=True)
class _Window:
    """A stretch of the text numbered `at` that the model reads in one go."""

    at: int
    ids: list[int]
    offsets: list[tuple[int, int]]


class WordReader(ABC):
    """A tokenizer and the kinds of a model; subclasses compute. Safe for threads and, as long as
    nothing was read, for a fork."""

    def __init__(
        self,
        tokenizer: Tokenizer,
        id2label: Mapping[str, str],
        edges: tuple[Sequence[int], Sequence[int]],
    ) -> None:
        self._tokenizer = tokenizer
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._kinds, self._kind_of = _kinds(id2label)
        self._before, self._after = map(list, edges)
        # more runs at once than processors only cost memory
        self._turns = threading.BoundedSemaphore(max(2, os.cpu_count() or 2))

    @property
    def kinds(self) -> Sequence[str]:
        """The kinds of words the model knows."""
        return self._kinds

    @abstractmethod
    def compute(self, ids: Any) -> Any:
        """Logits [texts, length, labels] of these sub-words [texts, length]."""

    def read_words(self, text: str) -> list[Word]:
        """Every word of the text for which the model believes in anything; any length of text."""
        return self.read_many([text])[0]

    def read_many(self, texts: Sequence[str]) -> list[list[Word]]:
        """The same for many texts, each read by itself but many in one run of the model."""
        windows = [window for at, text in enumerate(texts) for window in self._windows(at, text)]
        believed: list[dict[int, Word]] = [{} for _ in texts]
        for batch in _batches(windows):
            check_deadline()
            for window, scores in zip(batch, self.run([w.ids for w in batch]), strict=True):
                words = believed[window.at]
                for word in self._words(texts[window.at], window.offsets, scores):
                    before = words.get(word.start)
                    if before is None or max(word.beliefs.values()) > max(before.beliefs.values()):
                        words[word.start] = word
        return [[words[start] for start in sorted(words)] for words in believed]

    def run(self, rows: Sequence[Sequence[int]]) -> list[Any]:
        """For each of these rows, as long as each other, the beliefs in each kind of sub-word."""
        ids = np.array([[*self._before, *row, *self._after] for row in rows], dtype=np.int64)
        with self._turns:
            logits = self.compute(ids)
        shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
        chances = (shifted / shifted.sum(axis=-1, keepdims=True)) @ self._kind_of
        first, last = len(self._before), ids.shape[1] - len(self._after)
        return list(chances[:, first:last])

    def _windows(self, at: int, text: str) -> Iterator[_Window]:
        for offset, chunk in _chunks(text):
            encoding = self._tokenizer.encode(chunk, add_special_tokens=False)
            places = [_bare(text, start + offset, end + offset) for start, end in encoding.offsets]
            for first, last in _windows(encoding.word_ids):
                yield _Window(at, encoding.ids[first:last], places[first:last])

    def _words(self, text: str, offsets: Sequence[tuple[int, int]], scores: Any) -> Iterator[Word]:
        """Words with a sub-word that is believed in: few words of a text have one."""
        past = 0
        for index in (scores.max(axis=-1) >= _LEAST_BELIEF).nonzero()[0].tolist():
            if index < past:
                continue
            first, past = index, index + 1
            while first and _same_word(text, offsets[first - 1][1], offsets[first][0]):
                first -= 1
            while past < len(offsets) and _same_word(text, offsets[past - 1][1], offsets[past][0]):
                past += 1
            top = scores[first:past].max(axis=0).tolist()
            beliefs = {
                kind: round(chance, 3)
                for kind, chance in zip(self._kinds, top, strict=True)
                if chance >= _LEAST_SHOWN
            }
            yield Word(offsets[first][0], offsets[past - 1][1], beliefs)


def _kinds(id2label: Mapping[str, str]) -> tuple[list[str], Any]:
    """Kinds in order, and the matrix that adds `B-` and `I-` chances of each up."""
    labels = [id2label[str(i)] for i in range(len(id2label))]
    kinds = sorted({_kind(label) for label in labels if label != "O"})
    matrix = np.zeros((len(labels), len(kinds)), dtype=np.float32)
    for i, label in enumerate(labels):
        if label != "O":
            matrix[i, kinds.index(_kind(label))] = 1
    return kinds, matrix


def _kind(label: str) -> str:
    return label[2:] if label[1:2] == "-" else label


def _chunks(text: str) -> Iterator[tuple[int, str]]:
    """Pieces that overlap, cut at spaces where there are any, so that memory stays bounded."""
    start = 0
    while start < len(text):
        end = min(start + _CHUNK_CHARS, len(text))
        if end < len(text):
            space = text.rfind(" ", end - 200, end)
            end = space if space > start else end
        yield start, text[start:end]
        if end == len(text):
            return
        space = text.rfind(" ", end - _CHUNK_OVERLAP, end - _CHUNK_OVERLAP // 2)
        start = space + 1 if space > start else end - _CHUNK_OVERLAP


def _batches(windows: Iterable[_Window]) -> Iterator[list[_Window]]:
    """Windows of one length together: nothing is filled up, nothing hidden from attention."""
    for length, group in groupby(sorted(windows, key=_length), key=_length):
        alike = list(group)
        most = max(1, _BATCH_TOKENS // (length + 2))
        for first in range(0, len(alike), most):
            yield alike[first : first + most]


def _length(window: _Window) -> int:
    return len(window.ids)


def _windows(word_ids: Sequence[int | None]) -> Iterator[tuple[int, int]]:
    count, start = len(word_ids), 0
    while start < count:
        end = min(start + WINDOW_TOKENS, count)
        yield start, end
        if end == count:
            return
        following = end - OVERLAP_TOKENS
        while following > start + 1 and word_ids[following] == word_ids[following - 1]:
            following -= 1
        start = following


def _same_word(text: str, end: int, start: int) -> bool:
    """Sub-words glued together, also across a hyphen or apostrophe ("Jean-Pierre", "O'Neill")."""
    return (
        end == start
        and (text[end - 1].isalnum() or text[end - 1] in "-'")
        and (text[start : start + 1].isalnum() or text[start : start + 1] in "-'")
    )


def _bare(text: str, start: int, end: int) -> tuple[int, int]:
    """Without the space before it, which some tokenizers count to a word."""
    while start < end and text[start].isspace():
        start += 1
    return start, end
