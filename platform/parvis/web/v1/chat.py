"""An answer in the words of `/v1/chat/completions`, whole or as a stream of chunks."""

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from flask import Response

from parvis.assistant import Delta, Event, Finished, ReasoningDelta, ToolDelta
from parvis.domain import Usage
from parvis.errors import ParvisError
from parvis.web.faults import error_body
from parvis.web.v1.chat_request import ChatRequest
from parvis.web.v1.exchange import KEEPALIVE, Exchange, gather_call, write_event


@dataclass(slots=True)
class _Message:
    """One choice, gathered."""

    text: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    calls: dict[int, dict[str, Any]] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        match event:
            case Delta(piece):
                self.text.append(piece)
            case ReasoningDelta(piece):
                self.reasoning.append(piece)
            case ToolDelta(fragments):
                for fragment in fragments:
                    empty = {"id": "", "name": "", "arguments": ""}
                    gather_call(self.calls.setdefault(fragment["index"], empty), fragment)

    def to_object(self) -> dict[str, Any]:
        message: dict[str, Any] = {
            "role": "assistant",
            "content": "".join(self.text) if self.text or not self.calls else None,
            "refusal": None,
            "annotations": [],
        }
        if self.reasoning:
            message["reasoning_content"] = "".join(self.reasoning)
        if self.calls:
            message["tool_calls"] = [_call_object(call) for _, call in sorted(self.calls.items())]
        return message


class ChatAnswer:
    """One answer on its way out, in OpenAI's words."""

    def __init__(self, request: ChatRequest, exchange: Exchange) -> None:
        self._exchange = exchange
        self._choices = request.n or 1
        self._include_usage = request.include_usage
        self._extra: dict[str, Any] = {"usage": None} if request.include_usage else {}
        self._head = {
            "id": f"chatcmpl-{uuid.uuid4().hex}",
            "created": int(time.time()),
            "model": request.model,
        }

    def stream(self) -> Response:
        """The answer as it comes."""
        return self._exchange.stream(self._chunks(), _tell_error)

    def whole(self) -> Response:
        """The answer once it is finished."""
        messages = [_Message() for _ in range(self._choices)]
        for event in self._exchange.read():
            match event:
                case Finished(reasons, usage, receipt):
                    return self._exchange.whole(self._body(messages, reasons, usage, receipt))
                case Delta() | ReasoningDelta() | ToolDelta():
                    messages[event.choice].take(event)
        raise AssertionError  # pragma: no cover - the hall ends with Finished or an error

    def _chunks(self) -> Iterator[bytes]:
        first = {"role": "assistant", "content": ""}
        for choice in range(self._choices):
            about = {"parvis": self._exchange.about()} if choice == 0 else {}
            yield self._chunk(choice, first, None, {**about, **self._extra})
        for event in self._exchange.events:
            match event:
                case None:
                    yield KEEPALIVE
                case Delta(text, choice):
                    yield self._chunk(choice, {"content": text}, None, self._extra)
                case ReasoningDelta(text, choice):
                    yield self._chunk(choice, {"reasoning_content": text}, None, self._extra)
                case ToolDelta(calls, choice):
                    yield self._chunk(choice, {"tool_calls": list(calls)}, None, self._extra)
                case Finished(reasons, usage, receipt):
                    yield from self._end(reasons, usage, receipt)

    def _end(self, reasons: tuple[str, ...], usage: Usage, receipt: str) -> Iterator[bytes]:
        for choice in range(self._choices):
            told = {"parvis": {"receipt": receipt}} if choice == self._choices - 1 else {}
            yield self._chunk(choice, {}, _reason(reasons, choice), {**told, **self._extra})
        if self._include_usage:
            head = {**self._head, "object": "chat.completion.chunk"}
            yield write_event({**head, "choices": [], "usage": _usage_object(usage)})
        yield b"data: [DONE]\n\n"

    def _chunk(
        self, choice: int, delta: dict[str, Any], reason: str | None, extra: dict[str, Any]
    ) -> bytes:
        one = {"index": choice, "delta": delta, "logprobs": None, "finish_reason": reason}
        head = {**self._head, "object": "chat.completion.chunk"}
        return write_event({**head, "choices": [one], **extra})

    def _body(
        self, messages: list[_Message], reasons: tuple[str, ...], usage: Usage, receipt: str
    ) -> dict[str, Any]:
        return {
            **self._head,
            "object": "chat.completion",
            "choices": [
                {
                    "index": choice,
                    "message": message.to_object(),
                    "logprobs": None,
                    "finish_reason": _reason(reasons, choice),
                }
                for choice, message in enumerate(messages)
            ],
            "usage": _usage_object(usage),
            "parvis": {**self._exchange.about(), "receipt": receipt},
        }


def _reason(reasons: tuple[str, ...], choice: int) -> str:
    return reasons[min(choice, len(reasons) - 1)]


def _tell_error(error: ParvisError) -> Iterator[bytes]:
    yield write_event(error_body(error))


def _call_object(call: dict[str, Any]) -> dict[str, Any]:
    function = {"name": call["name"], "arguments": call["arguments"]}
    return {"id": call["id"], "type": "function", "function": function}


def _usage_object(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }
