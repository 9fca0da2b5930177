"""What a model server answers to requests for vectors and rankings, as values of ours.

Both llama.cpp and vLLM speak these forms. Whatever does not fit exactly is a failed server: a
vector in the wrong place would lead people to the wrong text.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from parvis.domain import Usage
from parvis.inference.chunks import estimate_usage


class UnknownAnswer(ValueError):
    """Not the answer that was asked for."""


@dataclass(frozen=True, slots=True)
class Vectors:
    """One vector for each text, in the order of the texts."""

    vectors: tuple[tuple[float, ...], ...]
    usage: Usage


@dataclass(frozen=True, slots=True)
class Ranking:
    """The relevance of each document to the query, in the order of the documents."""

    scores: tuple[float, ...]
    usage: Usage


def read_vectors(data: Any, texts: Sequence[str]) -> Vectors:
    """The vectors of an answer of `/embeddings`; raises UnknownAnswer."""
    found: dict[int, tuple[float, ...]] = {}
    for item in _items(data, "data"):
        vector = item.get("embedding")
        if not isinstance(vector, list) or not vector:
            raise UnknownAnswer
        found[_index(item)] = tuple(_number(value) for value in vector)
    _require_all(found, len(texts))
    if len({len(vector) for vector in found.values()}) > 1:
        raise UnknownAnswer
    return Vectors(tuple(found[place] for place in range(len(texts))), _usage(data, texts))


def read_ranking(data: Any, texts: Sequence[str]) -> Ranking:
    """The scores of an answer of `/rerank` (query first in `texts`); raises UnknownAnswer."""
    found = {
        _index(item): _number(item.get("relevance_score", item.get("score")))
        for item in _items(data, "results")
    }
    _require_all(found, len(texts) - 1)
    return Ranking(tuple(found[place] for place in range(len(texts) - 1)), _usage(data, texts))


def _items(data: Any, key: str) -> list[dict[str, Any]]:
    items = data.get(key) if isinstance(data, dict) else None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise UnknownAnswer
    return items


def _index(item: dict[str, Any]) -> int:
    index = item.get("index")
    if not isinstance(index, int) or isinstance(index, bool):
        raise UnknownAnswer
    return index


def _number(value: Any) -> float:
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise UnknownAnswer
    return float(value)


def _require_all(found: dict[int, Any], count: int) -> None:
    if found.keys() != set(range(count)):
        raise UnknownAnswer


def _usage(data: Any, texts: Sequence[str]) -> Usage:
    told = data.get("usage")
    count = told.get("prompt_tokens", told.get("total_tokens")) if isinstance(told, dict) else None
    if isinstance(count, int) and count > 0:
        return Usage(prompt_tokens=count)
    return estimate_usage(sum(map(len, texts)), 0)
