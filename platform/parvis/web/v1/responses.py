"""An answer in the words of `/v1/responses`: items, and events whose order clients rely on.

The whole text stands in an event four times (delta, done, item, response); all come from what the
hall restored, so all are the same.
"""

import time
import uuid
from collections.abc import Generator, Iterator
from typing import Any

from flask import Response

from parvis.assistant import Delta, Event, Finished, ReasoningDelta, ToolDelta
from parvis.domain import Usage
from parvis.errors import InternalError, ParvisError
from parvis.web.v1.exchange import KEEPALIVE, Exchange, write_event
from parvis.web.v1.response_items import CallItem, Item, ReasoningItem, TextItem
from parvis.web.v1.responses_request import ResponsesRequest

_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}


class ResponsesAnswer:
    """One answer on its way out."""

    def __init__(self, request: ResponsesRequest, exchange: Exchange) -> None:
        self._exchange = exchange
        self._items: list[Item] = []
        self._calls: dict[int, CallItem] = {}
        self._number = -1
        self._head = {
            "id": f"resp_{uuid.uuid4().hex}",
            "object": "response",
            "created_at": int(time.time()),
            "model": request.model,
            **_echo(request),
        }

    def stream(self) -> Response:
        """The answer as it comes; there is no `[DONE]`."""
        return self._exchange.stream(self._events(), self._tell_error)

    def whole(self) -> Response:
        """The answer once it is finished."""
        for event in self._exchange.read():
            if isinstance(event, Finished):
                for _ in self._close_all(event.finish_reason):
                    pass
                return self._exchange.whole(self._finished(event))
            for _ in self._take(event):
                pass
        raise InternalError

    def _events(self) -> Iterator[bytes]:
        for name in ("created", "in_progress"):
            yield self._write(f"response.{name}", response=self._response("in_progress"))
        for event in self._exchange.events:
            if event is None:
                yield KEEPALIVE
            elif isinstance(event, Finished):
                yield from self._close_all(event.finish_reason)
                body = self._finished(event)
                yield self._write(f"response.{body['status']}", response=body)
            else:
                yield from self._take(event)

    def _take(self, event: Event) -> Iterator[bytes]:
        match event:
            case ReasoningDelta(text):
                item = yield from self._open(ReasoningItem)
                yield from self._tell(item.add(text))
            case Delta(text):
                item = yield from self._open(TextItem)
                yield from self._tell(item.add(text))
            case ToolDelta(fragments):
                for fragment in fragments:
                    yield from self._take_call(fragment)

    def _take_call(self, fragment: Any) -> Iterator[bytes]:
        index, function = fragment["index"], fragment.get("function") or {}
        if index not in self._calls:
            yield from self._close_texts("completed")
            call_id, name = fragment.get("id") or "", function.get("name") or ""
            self._calls[index] = CallItem(len(self._items), call_id, name)
            self._items.append(self._calls[index])
            yield from self._tell(self._calls[index].begin())
        yield from self._tell(self._calls[index].add(function.get("arguments") or ""))

    def _open(self, kind: type[Item]) -> Generator[bytes, None, Item]:
        """The item of this kind that is being written, begun now where there is none."""
        last = self._items[-1] if self._items else None
        if last is not None and type(last) is kind and not last.closed:
            return last
        yield from self._close_texts("completed")
        item = kind(len(self._items))
        self._items.append(item)
        yield from self._tell(item.begin())
        return item

    def _close_texts(self, status: str) -> Iterator[bytes]:
        for item in self._items:
            if not item.closed and not isinstance(item, CallItem):
                yield from self._tell(item.end(status))

    def _close_all(self, reason: str) -> Iterator[bytes]:
        if not self._items:  # a model may say nothing at all: that is an empty message
            yield from self._open(TextItem)
        status = "incomplete" if reason in _INCOMPLETE else "completed"
        # calls stay open until now: what was held back of any of them comes last
        for item in self._items:
            if not item.closed:
                yield from self._tell(item.end(status))

    def _tell(self, events: Iterator[tuple[str, dict[str, Any]]]) -> Iterator[bytes]:
        for name, fields in events:
            yield self._write(name, **fields)

    def _write(self, event: str, /, **fields: Any) -> bytes:
        self._number += 1
        return write_event({"type": event, "sequence_number": self._number, **fields}, event)

    def _finished(self, finished: Finished) -> dict[str, Any]:
        reason = _INCOMPLETE.get(finished.finish_reason)
        body = self._response("incomplete" if reason else "completed", finished.usage)
        body["incomplete_details"] = {"reason": reason} if reason else None
        body["parvis"]["receipt"] = finished.receipt
        return body

    def _response(self, status: str, usage: Usage | None = None) -> dict[str, Any]:
        return {
            **self._head,
            "status": status,
            "error": None,
            "incomplete_details": None,
            "output": [item.to_object() for item in self._items if item.closed],
            "usage": _usage_object(usage) if usage else None,
            "parvis": self._exchange.about(),
        }

    def _tell_error(self, error: ParvisError) -> Iterator[bytes]:
        told = {"code": error.code, "message": error.message}
        yield self._write("error", **told, param=error.param)
        yield self._write("response.failed", response={**self._response("failed"), "error": told})


def _echo(request: ResponsesRequest) -> dict[str, Any]:
    """The settings of the request, as OpenAI repeats them to whoever sent them."""
    sent = request.model_dump(mode="json", by_alias=True, exclude_none=True)
    defaults: dict[str, Any] = {
        "instructions": None,
        "max_output_tokens": None,
        "metadata": {},
        "parallel_tool_calls": True,
        "reasoning": {"effort": None, "summary": None},
        "temperature": None,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": None,
        "truncation": "disabled",
        "user": None,
    }
    told = {name: sent.get(name, default) for name, default in defaults.items()}
    return {**told, "background": False, "previous_response_id": None, "store": False}


def _usage_object(usage: Usage) -> dict[str, Any]:
    return {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens},
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
    }
