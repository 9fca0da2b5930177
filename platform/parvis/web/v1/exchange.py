"""One exchange of `/v1` with a model that writes: opened here, told by each endpoint in its words.

The same life for all of them: what the hall yields runs beside the connection, a caller who goes
away cancels it, and an error after the first byte is told in the stream.
"""

import logging
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from flask import Response, g, request

from parvis.assistant import Event, Finished, Started, answer
from parvis.domain import ChatTurn, Passage
from parvis.errors import CallerHungUp, InternalError, ParvisError
from parvis.web.answers import json_response
from parvis.web.current import get_services
from parvis.web.guards import get_principal
from parvis.web.streaming import client_is_gone, run_beside

log = logging.getLogger(__name__)

_STREAM_HEADERS = {"cache-control": "no-cache, no-store", "x-accel-buffering": "no"}
KEEPALIVE = b": keepalive\n\n"
TellError = Callable[[ParvisError], Iterator[bytes]]


@dataclass(frozen=True, slots=True)
class Exchange:
    """An answer on its way. MUST be read to its end, or closed, which cancels the model."""

    started: Started
    events: Generator[Event | None]

    def stream(self, parts: Iterator[bytes], tell_error: TellError) -> Response:
        """The parts as server-sent events; after the first byte an error is one of them."""
        body = self._guard(parts, _count(tell_error))
        response = Response(body, mimetype="text/event-stream", headers=_STREAM_HEADERS)
        return self._head(response)

    def whole(self, body: Any) -> Response:
        """The finished answer as JSON."""
        return self._head(json_response(body))

    def read(self) -> Iterator[Event]:
        """What comes; gives up, and cancels the model, when nobody waits any more."""
        environ = request.environ
        for event in self.events:
            if client_is_gone(environ):
                self.events.close()  # cancels the chat
                raise CallerHungUp
            if isinstance(event, Finished):
                g.receipt = event.receipt
            if event is not None:
                yield event

    def about(self) -> dict[str, Any]:
        """What is said beside OpenAI's fields."""
        return {
            "notice": self.started.notice,
            "ai_generated": self.started.ai_generated,
            "sources": [source_object(passage) for passage in self.started.sources],
        }

    def _guard(self, parts: Iterator[bytes], tell_error: TellError) -> Iterator[bytes]:
        try:
            yield from parts
        except ParvisError as error:
            yield from tell_error(error)
        except Exception:
            log.exception("stream.failed")
            yield from tell_error(InternalError())
        finally:
            self.events.close()  # cancels the chat

    def _head(self, response: Response) -> Response:
        response.headers["x-pii-action"] = self.started.pii_action
        return response


def _count(tell_error: TellError) -> TellError:
    metrics = get_services().metrics

    def tell(error: ParvisError) -> Iterator[bytes]:
        metrics.count_error(error.code)
        return tell_error(error)

    return tell


def open_exchange(turn: ChatTurn) -> Exchange:
    """The exchange once the model has been asked; raises ParvisError where it never is."""
    services, principal = get_services(), get_principal()
    agency = services.tenants.get_agency(principal.tenant_id)
    events = run_beside(
        lambda cancellation: answer(services, principal, agency, turn, cancellation)
    )
    environ = request.environ
    for event in events:
        if isinstance(event, Started):
            g.receipt = event.receipt
            return Exchange(event, events)
        if event is None and client_is_gone(environ):
            events.close()
            raise CallerHungUp
    raise InternalError


def write_event(body: Any, name: str = "") -> bytes:
    """One server-sent event."""
    head = f"event: {name}\n".encode() if name else b""
    return head + b"data: " + orjson.dumps(body) + b"\n\n"


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


def gather_call(call: dict[str, Any], fragment: Any) -> None:
    """Put a further fragment to a tool call of `id`, `name` and `arguments`."""
    function = fragment.get("function") or {}
    call["id"] = fragment.get("id") or call["id"]
    call["name"] += function.get("name") or ""
    call["arguments"] += function.get("arguments") or ""
