"""The way from a model's name to its streamed answer: which server, whose turn, what is sent."""

import logging
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import orjson

from parvis.errors import UnsupportedParameter, UpstreamFailed, UpstreamTimeout
from parvis.inference.chunks import count_prompt_chars
from parvis.inference.client import Call, ServerClient, ServerUnreachable, Timeouts
from parvis.inference.health import Health
from parvis.inference.models import ModelCatalogue, ModelEntry, Server
from parvis.inference.scheduler import FairSlots
from parvis.inference.stream import ModelStream
from parvis.inference.vectors import Ranking, UnknownAnswer, Vectors, read_ranking, read_vectors

__all__ = ["Call", "Inference", "ModelStream"]

log = logging.getLogger(__name__)
_T = TypeVar("_T")


class Inference:
    """Every model server of the installation; thread-safe. MUST be made after a fork.

    Limits count in this process: each of `workers` processes takes its share of a server's
    `max_inflight` and of its line, at least one place. Times are seconds.
    """

    def __init__(
        self,
        catalogue: ModelCatalogue,
        *,
        connect_s: float = 3.0,
        first_byte_s: float = 120.0,
        idle_s: float = 30.0,
        workers: int = 1,
    ) -> None:
        self._models = catalogue.models
        self._servers = catalogue.servers
        timeouts = Timeouts(connect_s, first_byte_s, idle_s)
        self._clients = {
            name: ServerClient(server, timeouts) for name, server in self._servers.items()
        }
        self._slots = {
            name: _build_slots(server, workers) for name, server in self._servers.items()
        }
        self._health = Health(
            self._servers,
            probe=lambda name: self._clients[name].probe(),
            is_busy=lambda name: self._slots[name].running > 0,
        )
        self._open: weakref.WeakSet[ModelStream] = weakref.WeakSet()
        self._lock = threading.Lock()

    def choose(self, names: Sequence[str]) -> ModelEntry:
        """The first of `names` that is active and whose server is not known to be down.

        Raises UpstreamFailed when there is none.
        """
        for name in names:
            entry = self._models.get(name)
            if entry is None or entry.state != "active":
                continue
            if entry.server is None or self._health.is_available(entry.server):
                return entry
        raise UpstreamFailed(retry_after=5)

    def stream(
        self,
        model: ModelEntry,
        tenant_id: str,
        payload: Mapping[str, Any],
        call: Call | None = None,
    ) -> ModelStream:
        """The model's answer to an OpenAI chat request (`messages` and options).

        Waits for the agency's turn; stop `call` to give up before it begins. Raises
        UnsupportedParameter, ModelOverloaded, ContextTooLong, UpstreamFailed, UpstreamTimeout
        before the first piece where the fault shows by then.
        """
        if model.server is None:
            raise ValueError("a built-in model has no server to stream from")
        check_capabilities(model, payload)
        server = self._servers[model.server]
        body = orjson.dumps(build_body(model, payload))
        slots = self._slots[server.name]
        call = call or Call()
        places = slots.acquire(tenant_id, payload.get("n") or 1)
        try:
            events = self._clients[server.name].open_chat(body, call)
        except BaseException as error:
            slots.release(tenant_id, places)
            self._note(server.name, error, call)
            raise
        self._health.mark_up(server.name)

        def end(broken: bool) -> None:
            slots.release(tenant_id, places)
            if broken:
                self._health.suspect(server.name)

        stream = ModelStream(
            model,
            server,
            events,
            count_prompt_chars(payload.get("messages", ())),
            end,
            choices=payload.get("n") or 1,
        )
        with self._lock:
            self._open.add(stream)
        return stream

    def embed(
        self,
        model: ModelEntry,
        tenant_id: str,
        texts: Sequence[str],
        dimensions: int | None = None,
        call: Call | None = None,
    ) -> Vectors:
        """A vector for each text from this model's server; waits and raises as `stream` does."""
        body: dict[str, Any] = {"input": list(texts), "encoding_format": "float"}
        if dimensions is not None:
            body["dimensions"] = dimensions
        read = partial(read_vectors, texts=texts)
        return self._ask(model, tenant_id, "/embeddings", body, read, call or Call())

    def rerank(
        self,
        model: ModelEntry,
        tenant_id: str,
        query: str,
        documents: Sequence[str],
        call: Call | None = None,
    ) -> Ranking:
        """How well each document fits the query, by this model's server; as `embed`."""
        body = {"query": query, "documents": list(documents), "top_n": len(documents)}
        read = partial(read_ranking, texts=(query, *documents))
        return self._ask(model, tenant_id, "/rerank", body, read, call or Call())

    def _ask(
        self,
        model: ModelEntry,
        tenant_id: str,
        path: str,
        body: Mapping[str, Any],
        read: Callable[[Any], _T],
        call: Call,
    ) -> _T:
        if model.server is None:
            raise ValueError("a built-in model has no server to ask")
        slots = self._slots[model.server]
        slots.acquire(tenant_id)
        try:
            whole = orjson.dumps({**body, "model": model.served_name})
            answer = read(self._clients[model.server].ask(path, whole, call))
        except UnknownAnswer:
            log.warning("model.failed", extra={"server": model.server, "reason": "other_answer"})
            self._health.suspect(model.server)
            raise UpstreamFailed from None
        except BaseException as error:
            self._note(model.server, error, call)
            raise
        finally:
            slots.release(tenant_id)
        self._health.mark_up(model.server)
        return answer

    def health(self) -> Mapping[str, str]:
        """`up`, `down` or `unknown` for every server, as last seen."""
        return self._health.words()

    def watch(self) -> Mapping[str, str]:
        """As `health`; begins to ask the servers that have a health address, now and again."""
        for name in self._servers:
            self._health.is_available(name)
        return self.health()

    def check_servers(self) -> Mapping[str, str]:
        """Ask every server now; what `health` says afterwards."""
        for name in self._servers:
            self._health.check(name)
        return self.health()

    def close(self) -> None:
        """Stop everything at once: open answers, waiting calls, probes, connections."""
        for slots in self._slots.values():
            slots.close()
        with self._lock:
            streams = list(self._open)
        for stream in streams:
            stream.close()
        self._health.close()
        for client in self._clients.values():
            client.close()

    def _note(self, server: str, error: BaseException, call: Call) -> None:
        """Draw the conclusion of a failed call; a busy or refusing server is not a broken one, nor
        is one that we left."""
        if call.stopped:
            return
        if isinstance(error, ServerUnreachable):
            self._health.mark_down(server)
        elif isinstance(error, UpstreamFailed | UpstreamTimeout):
            self._health.suspect(server)


def _build_slots(server: Server, workers: int) -> FairSlots:
    def share(total: int) -> int:
        return -(-total // workers)

    return FairSlots(
        max(1, server.max_inflight // workers),
        max_waiting=share(server.queue.max),
        max_per_tenant=share(server.queue.max_per_tenant),
        wait_s=server.queue.wait_s,
    )


def check_capabilities(model: ModelEntry, payload: Mapping[str, Any]) -> None:
    """Raise UnsupportedParameter for what this model's server would ignore in silence."""
    if (payload.get("n") or 1) > model.choices:
        most = f"at most {model.choices}" if model.choices > 1 else "only 1"
        raise UnsupportedParameter(f"n: this assistant's model gives {most}.", param="n")
    if payload.get("tools") and not model.tools:
        raise UnsupportedParameter("This assistant's model cannot use tools.", param="tools")
    form = payload.get("response_format")
    wanted = form.get("type") if isinstance(form, Mapping) else None
    if wanted in {"json_schema", "json_object"} and not model.json_schema:
        raise UnsupportedParameter(
            "This assistant's model cannot be held to JSON.", param="response_format"
        )


def build_body(model: ModelEntry, payload: Mapping[str, Any]) -> dict[str, Any]:
    """What goes over the wire: the caller's fields, our model name, always one streamed answer."""
    body = {key: value for key, value in payload.items() if key not in {"model", "stream"}}
    if body.get("n") == 1:
        del body["n"]  # what every server does anyway
    limit = body.pop("max_completion_tokens", None)
    if limit is not None:
        body["max_tokens"] = limit  # the older name is the one that every server knows
    body["model"] = model.served_name
    body["stream"] = True
    body["stream_options"] = {"include_usage": True}
    return body
