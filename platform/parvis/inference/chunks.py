"""One `chat.completion.chunk` of a model server as pieces of ours. Knows no network."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
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
    """What one chunk holds; `hidden_chars` counts reasoning text, which is not passed on."""

    pieces: tuple[ModelPiece, ...] = ()
    finish_reason: str | None = None
    usage: Usage | None = None
    hidden_chars: int = 0


def read_chunk(data: Any) -> Chunk:
    """The pieces of a parsed chunk; `choices` null or empty is a chunk with usage alone.

    Only the first choice counts: we never ask for more. Raises UnknownChunk.
    """
    if not isinstance(data, dict):
        raise UnknownChunk
    usage = _read_usage(data.get("usage"))
    choices = [item for item in data.get("choices") or [] if _is_first(item)]
    if not choices:
        return Chunk(usage=usage)
    choice = choices[0]
    delta = choice.get("delta") or {}
    if not isinstance(delta, dict):
        raise UnknownChunk
    return Chunk(
        pieces=tuple(_read_delta(delta)),
        finish_reason=_read_finish(choice.get("finish_reason")),
        usage=usage,
        hidden_chars=len(_text(delta.get("reasoning_content") or delta.get("reasoning"))),
    )


def _is_first(item: Any) -> bool:
    return isinstance(item, dict) and item.get("index", 0) == 0


def _read_delta(delta: Mapping[str, Any]) -> Iterable[ModelPiece]:
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
