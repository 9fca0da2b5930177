"""`/v1`: the OpenAI-compatible API. `model` names an assistant of the caller's agency."""

import logging
import time
import uuid
from collections.abc import Generator, Iterator
from typing import Any

import orjson
from flask import Blueprint, Response, g, request
from flask.typing import ResponseReturnValue

from parvis.assistant import Delta, Event, Finished, Started, ToolDelta, answer
from parvis.domain import Passage, Usage
from parvis.errors import (
    InternalError,
    ModelNotFound,
    ParvisError,
    UnsupportedMediaType,
    UpstreamFailed,
)
from parvis.identity.permissions import find_channels
from parvis.tenancy.config import Agency, Assistant
from parvis.web.answers import json_response
from parvis.web.chat_request import build_turn, parse_chat_request
from parvis.web.current import get_services
from parvis.web.faults import error_body
from parvis.web.guards import get_principal
from parvis.web.streaming import CLIENT_IS_GONE, client_is_gone, run_beside

log = logging.getLogger(__name__)

blueprint = Blueprint("api", __name__, url_prefix="/v1")

STREAM_HEADERS = {"cache-control": "no-cache, no-store", "x-accel-buffering": "no"}
Events = Generator[Event | None]
_KEEPALIVE = b": keepalive\n\n"


@blueprint.get("/models")
def list_models() -> ResponseReturnValue:
    """The assistants that the caller may use."""
    return json_response({"object": "list", "data": [_model_object(one) for one in _usable()]})


@blueprint.get("/models/<model_id>")
def get_model(model_id: str) -> ResponseReturnValue:
    """One of them; anything else is 404, whether it exists elsewhere or not."""
    found = next((one for one in _usable() if one.id == model_id), None)
    if found is None:
        raise ModelNotFound(param="model")
    return json_response(_model_object(found))


@blueprint.post("/chat/completions")
def create_chat_completion() -> ResponseReturnValue:
    """One answer, streamed or whole."""
    if request.mimetype != "application/json":
        raise UnsupportedMediaType
    services, principal = get_services(), get_principal()
    wanted = parse_chat_request(request.get_data(cache=False), services.settings)
    turn = build_turn(wanted, request_id=g.request_id)
    agency = services.tenants.get_agency(principal.tenant_id)
    events = run_beside(
        lambda cancellation: answer(services, principal, agency, turn, cancellation)
    )
    started = _await_start(events)
    g.receipt = started.receipt
    chat = _Completion(turn.assistant_id, started)
    if wanted.stream:
        body = chat.stream(events, include_usage=wanted.include_usage)
        response = Response(body, mimetype="text/event-stream", headers=STREAM_HEADERS)
    else:
        response = json_response(chat.collect(events))
    response.headers["x-pii-action"] = started.pii_action
    return response


def _usable() -> list[Assistant]:
    services, principal = get_services(), get_principal()
    agency: Agency = services.tenants.get_agency(principal.tenant_id)
    channels = find_channels(principal)
    return [one for one in agency.assistants if channels & set(one.channels)]


def _model_object(assistant: Assistant) -> dict[str, Any]:
    return {
        "id": assistant.id,
        "object": "model",
        "created": 0,
        "owned_by": get_principal().tenant_id,
        "name": assistant.name["en"],
        "description": assistant.description["en"],
        "data_level": int(assistant.data_level),
        "version": assistant.version,
    }


def _await_start(events: Events) -> Started:
    environ = request.environ
    for event in events:
        if isinstance(event, Started):
            return event
        if event is None and client_is_gone(environ):
            raise _hang_up(events)
    raise InternalError


def _hang_up(events: Events) -> UpstreamFailed:
    """Cancel the chat; what to raise when nobody waits for its answer any more."""
    events.close()
    return UpstreamFailed("The caller hung up.", code=CLIENT_IS_GONE)


class _Completion:
    """One answer on its way out, in OpenAI's words."""

    def __init__(self, assistant_id: str, started: Started) -> None:
        self._head = {
            "id": f"chatcmpl-{uuid.uuid4().hex}",
            "created": int(time.time()),
            "model": assistant_id,
        }
        self._started = started

    def stream(self, events: Events, *, include_usage: bool) -> Iterator[bytes]:
        """The answer as server-sent events; after the first byte an error is an `error` event."""
        extra = {"usage": None} if include_usage else {}
        try:
            first = {"role": "assistant", "content": ""}
            yield self._chunk(first, None, {"parvis": self._parvis(), **extra})
            for event in events:
                match event:
                    case None:
                        yield _KEEPALIVE
                    case Delta(text):
                        yield self._chunk({"content": text}, None, extra)
                    case ToolDelta(calls):
                        yield self._chunk({"tool_calls": list(calls)}, None, extra)
                    case Finished((reason, *_), usage, receipt):
                        done = {"parvis": {"receipt": receipt}, **extra}
                        yield self._chunk({}, reason, done)
                        if include_usage:
                            yield self._usage_chunk(usage)
                        yield b"data: [DONE]\n\n"
        except ParvisError as error:
            yield _event(error_body(error))
        except Exception:
            log.exception("stream.failed")
            yield _event(error_body(InternalError()))
        finally:
            events.close()  # cancels the chat

    def collect(self, events: Events) -> dict[str, Any]:
        """The whole answer; gives up, and cancels the model, when nobody waits any more."""
        text: list[str] = []
        calls: dict[int, dict[str, Any]] = {}
        environ = request.environ
        for event in events:
            if client_is_gone(environ):
                raise _hang_up(events)
            match event:
                case Delta(piece):
                    text.append(piece)
                case ToolDelta(fragments):
                    _gather(calls, fragments)
                case Finished((reason, *_), usage, receipt):
                    g.receipt = receipt
                    return self._whole("".join(text), calls, reason, usage)
        raise InternalError

    def _whole(
        self, text: str, calls: dict[int, dict[str, Any]], reason: str, usage: Usage
    ) -> dict[str, Any]:
        message: dict[str, Any] = {
            "role": "assistant",
            "content": text if text or not calls else None,
            "refusal": None,
            "annotations": [],
        }
        if calls:
            message["tool_calls"] = [calls[index] for index in sorted(calls)]
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reason}
        return {
            **self._head,
            "object": "chat.completion",
            "choices": [choice],
            "usage": _usage_object(usage),
            "parvis": {**self._parvis(), "receipt": g.receipt},
        }

    def _chunk(self, delta: dict[str, Any], reason: str | None, extra: dict[str, Any]) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        head = {**self._head, "object": "chat.completion.chunk"}
        return _event({**head, "choices": [choice], **extra})

    def _usage_chunk(self, usage: Usage) -> bytes:
        head = {**self._head, "object": "chat.completion.chunk"}
        return _event({**head, "choices": [], "usage": _usage_object(usage)})

    def _parvis(self) -> dict[str, Any]:
        return {
            "notice": self._started.notice,
            "ai_generated": self._started.ai_generated,
            "sources": [source_object(passage) for passage in self._started.sources],
        }


def source_object(passage: Passage) -> dict[str, Any]:
    """A source as clients see it."""
    return {
        "id": passage.source_id,
        "title": passage.title,
        "url": passage.url,
        "language": passage.language,
        "text": passage.text,
        "score": round(passage.score, 4),
    }


def _gather(calls: dict[int, dict[str, Any]], fragments: tuple[Any, ...]) -> None:
    for fragment in fragments:
        call = calls.setdefault(
            fragment["index"],
            {"id": "", "type": "function", "function": {"name": "", "arguments": ""}},
        )
        call["id"] = fragment.get("id") or call["id"]
        function = fragment.get("function") or {}
        call["function"]["name"] += function.get("name") or ""
        call["function"]["arguments"] += function.get("arguments") or ""


def _usage_object(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }


def _event(body: Any) -> bytes:
    return b"data: " + orjson.dumps(body) + b"\n\n"
