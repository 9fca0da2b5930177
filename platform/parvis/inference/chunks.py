"""One `chat.completion.chunk` of a model server as pieces of ours. Knows no network."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from parvis.domain import ModelPiece, Usage

# what servers say beside OpenAI's four words
_FINISH = {
    "stop": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "max_tokens": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}
_CHARS_PER_TOKEN = 3


class UnknownChunk(ValueError):
    """Not a chunk that we can read: the stream is broken."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """What one chunk holds; `closing` marks a count of tokens that stands without an answer."""

    pieces: tuple[ModelPiece, ...] = ()
    usage: Usage | None = None
    closing: bool = False


def read_chunk(data: Any) -> Chunk:
    """The pieces of a parsed chunk; `choices` null or empty is a chunk with usage alone.

    Raises UnknownChunk.
    """
    if not isinstance(data, dict):
        raise UnknownChunk
    choices = data.get("choices") or []
    if not isinstance(choices, list):
        raise UnknownChunk
    return Chunk(
        pieces=tuple(piece for choice in choices for piece in _read_choice(choice)),
        usage=_read_usage(data.get("usage")),
        closing=not choices,
    )


def _read_choice(choice: Any) -> Iterable[ModelPiece]:
    index = choice.get("index", 0) if isinstance(choice, dict) else None
    delta = (choice.get("delta") or {}) if isinstance(choice, dict) else None
    if not isinstance(index, int) or not isinstance(delta, dict):
        raise UnknownChunk
    for piece in _read_delta(delta):
        yield replace(piece, choice=index)
    reason = _read_finish(choice.get("finish_reason"))
    if reason is not None:
        yield ModelPiece(finish_reason=reason, choice=index)


def _read_delta(delta: Mapping[str, Any]) -> Iterable[ModelPiece]:
    reasoning = _text(delta.get("reasoning_content") or delta.get("reasoning"))
    if reasoning:
        yield ModelPiece(reasoning=reasoning)
    text = _text(delta.get("content")) + _text(delta.get("refusal"))
    if text:
        yield ModelPiece(text=text)
    calls = delta.get("tool_calls") or []
    if not isinstance(calls, list) or not all(isinstance(call, dict) for call in calls):
        raise UnknownChunk
    if calls:
        yield ModelPiece(tool_calls=tuple(calls))


def _text(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise UnknownChunk
    return value


def _read_finish(value: Any) -> str | None:
    if value is None or value == "":
        return None
    if value not in _FINISH:
        raise UnknownChunk
    return _FINISH[value]


def _read_usage(value: Any) -> Usage | None:
    if not isinstance(value, dict):
        return None
    details = value.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else 0
    return Usage(
        prompt_tokens=_count(value.get("prompt_tokens")),
        completion_tokens=_count(value.get("completion_tokens")),
        cached_tokens=_count(cached),
    )


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def add_usage(total: Usage | None, usage: Usage) -> Usage:
    """Both counts as one: some servers close each choice with a count of its own."""
    if total is None:
        return usage
    return Usage(
        prompt_tokens=max(total.prompt_tokens, usage.prompt_tokens),
        completion_tokens=total.completion_tokens + usage.completion_tokens,
        cached_tokens=max(total.cached_tokens, usage.cached_tokens),
    )


def estimate_usage(prompt_chars: int, answer_chars: int) -> Usage:
    """Tokens by a rule of thumb (three characters each: rather too many than too few)."""
    return Usage(
        prompt_tokens=-(-prompt_chars // _CHARS_PER_TOKEN),
        completion_tokens=-(-answer_chars // _CHARS_PER_TOKEN),
        estimated=True,
    )


def count_prompt_chars(messages: Iterable[Mapping[str, Any]]) -> int:
    """Characters of text in the messages, parts included."""
    total = 0
    for message in messages:
        content = message.get("content")
        if isinstance(content, str):
            total += len(content)
        elif isinstance(content, list):
            total += sum(
                len(part["text"])
                for part in content
                if isinstance(part, dict) and isinstance(part.get("text"), str)
            )
    return total
