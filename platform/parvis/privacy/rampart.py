"""The Rampart name model: which words of a text are names, streets, towns, numbers.

Rampart is by National Design Studio, CC BY 4.0, as repacked unmodified by Arcjet. Files are
checked against their hashes; nothing is ever fetched. What its words mean for masking is judged
in `recognizers/`.
"""

import hashlib
import json
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from parvis.errors import PrivacyUnavailable
from parvis.privacy.deadline import check_deadline
from parvis.privacy.rampart_graph import rewrite

FOLDER = "rampart"
SHA256 = {
    "model_q4.onnx": "9f27d24949b0581701071ea5ef522d77ccd3f50c525cc91eac4d265b0fc2afe5",
    "tokenizer.json": "ec87d41d85cbf02128ec0e5f577b805a326b06bb2947ef2752e67a98a42819f9",
    "config.json": "4f580895a8d5b40c0c61fef61bbbfe129a6d755e5212991b429e5fd141284edd",
}
# Half of what the model can read: long windows cost more for each word, short ones repeat more.
WINDOW_TOKENS = 254
OVERLAP_TOKENS = 40
# Sub-words in one run: enough to share its fixed cost, few enough to stay in the nearest memory.
_BATCH_TOKENS = 256
_CHUNK_CHARS = 8_000
_CHUNK_OVERLAP = 400


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the text with the model's belief for each kind (`B-` and `I-` added up)."""

    start: int
    end: int
    beliefs: dict[str, float]


@dataclass(frozen=True, slots=True)
class _Window:
    """A stretch of the text numbered `at` that the model reads in one go."""

    at: int
    ids: list[int]
    offsets: list[tuple[int, int]]


class Rampart:
    """The loaded model; safe for threads, one thread of computing for each call."""

    def __init__(self, folder: Path) -> None:
        contents = {name: _read_checked(folder / name, digest) for name, digest in SHA256.items()}
        self._tokenizer = Tokenizer.from_str(contents["tokenizer.json"].decode())
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._kinds, self._kind_of = _kinds(json.loads(contents["config.json"])["id2label"])
        self._cls = self._tokenizer.token_to_id("[CLS]")
        self._sep = self._tokenizer.token_to_id("[SEP]")
        graph, self._embeddings = rewrite(contents["model_q4.onnx"])
        options = onnxruntime.SessionOptions()
        # the graph is written as it should run: further fusing makes it slower
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # what one run needs is bounded by the batch; kept memory would be kept by each worker
        options.enable_cpu_mem_arena = False
        self._session = onnxruntime.InferenceSession(
            graph, options, providers=["CPUExecutionProvider"]
        )
        # more runs at once than processors only cost memory
        self._turns = threading.BoundedSemaphore(max(2, os.cpu_count() or 2))

    def read_words(self, text: str) -> list[Word]:
        """Every word of the text for which the model believes in anything; any length of text."""
        return self.read_many([text])[0]

    def read_many(self, texts: Sequence[str]) -> list[list[Word]]:
        """The same for many texts, each read by itself but many in one run of the model."""
        windows = [window for at, text in enumerate(texts) for window in self._windows(at, text)]
        believed: list[dict[int, Word]] = [{} for _ in texts]
        for batch in _batches(windows):
            check_deadline()
            for window, scores in zip(batch, self._run([w.ids for w in batch]), strict=True):
                words = believed[window.at]
                for word in self._words(texts[window.at], window.offsets, scores):
                    before = words.get(word.start)
                    if before is None or max(word.beliefs.values()) > max(before.beliefs.values()):
                        words[word.start] = word
        return [[words[start] for start in sorted(words)] for words in believed]

    def _windows(self, at: int, text: str) -> Iterator["_Window"]:
        for offset, chunk in _chunks(text):
            encoding = self._tokenizer.encode(chunk, add_special_tokens=False)
            places = [(start + offset, end + offset) for start, end in encoding.offsets]
            for first, last in _windows(encoding.word_ids):
                yield _Window(at, encoding.ids[first:last], places[first:last])

    def _run(self, rows: Sequence[Sequence[int]]) -> list[Any]:
        """For each row of sub-words the beliefs in each kind, one row a sub-word."""
        width = max(map(len, rows)) + 2
        ids = np.zeros((len(rows), width), dtype=np.int64)
        filled = np.zeros((len(rows), width), dtype=np.int32)
        for number, row in enumerate(rows):
            ids[number, : len(row) + 2] = np.array([self._cls, *row, self._sep])
            filled[number, : len(row) + 2] = 1
        feed = {"state": self._embeddings.of(ids), "filled": filled}
        with self._turns:
            logits = self._session.run(None, feed)[0]
        shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
        chances = (shifted / shifted.sum(axis=-1, keepdims=True)) @ self._kind_of
        return [chances[number, 1 : len(row) + 1] for number, row in enumerate(rows)]

    def _words(self, text: str, offsets: Sequence[tuple[int, int]], scores: Any) -> Iterator[Word]:
        best = scores.max(axis=-1)
        group: list[int] = []
        for index, (start, _end) in enumerate(offsets):
            if group and not _same_word(text, offsets[group[-1]][1], start):
                yield from self._word(offsets, scores, best, group)
                group = []
            group.append(index)
        if group:
            yield from self._word(offsets, scores, best, group)

    def _word(
        self, offsets: Sequence[tuple[int, int]], scores: Any, best: Any, group: list[int]
    ) -> Iterator[Word]:
        if best[group].max() < 0.25:  # noqa: PLR2004 - nothing believed in: most words of a text
            return
        top = scores[group].max(axis=0)
        beliefs = {
            kind: round(float(top[i]), 3)
            for i, kind in enumerate(self._kinds)
            if top[i] >= 0.2  # noqa: PLR2004
        }
        yield Word(offsets[group[0]][0], offsets[group[-1]][1], beliefs)


def load_rampart(models_dir: Path) -> Rampart:
    """The model from `<models_dir>/rampart`; raises PrivacyUnavailable when it is missing, changed
    or cannot be loaded."""
    try:
        return Rampart(models_dir / FOLDER)
    except PrivacyUnavailable:
        raise
    except Exception as error:
        raise PrivacyUnavailable("The name model cannot be loaded.") from error


def _read_checked(path: Path, digest: str) -> bytes:
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != digest:
        raise PrivacyUnavailable(f"The name model's file {path.name} is not the one expected.")
    return content


def _kinds(id2label: dict[str, str]) -> tuple[list[str], Any]:
    """Kinds in order, and the matrix that adds `B-` and `I-` chances of each up."""
    labels = [id2label[str(i)] for i in range(len(id2label))]
    kinds = sorted({label[2:] for label in labels if label != "O"})
    matrix = np.zeros((len(labels), len(kinds)), dtype=np.float32)
    for index, label in enumerate(labels):
        if label != "O":
            matrix[index, kinds.index(label[2:])] = 1.0
    return kinds, matrix


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
    """Windows of like length together, so that little is filled up."""
    batch: list[_Window] = []
    for window in sorted(windows, key=lambda window: len(window.ids)):
        if batch and (len(batch) + 1) * (len(window.ids) + 2) > _BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(window)
    if batch:
        yield batch


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
