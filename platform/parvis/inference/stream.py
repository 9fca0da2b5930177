"""One streamed answer of a model, as pieces of ours, with its tokens counted."""

import logging
import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterator

import orjson

from parvis.domain import ModelPiece, Usage
from parvis.errors import ParvisError, UpstreamFailed
from parvis.inference.chunks import Chunk, UnknownChunk, add_usage, estimate_usage, read_chunk
from parvis.inference.event_stream import EventStream
from parvis.inference.models import ModelEntry, Server
from parvis.inference.sse import SseEvent
from parvis.inference.upstream_errors import error_from_event

log = logging.getLogger(__name__)


class ModelStream(Iterator[ModelPiece]):
    """Text and tool calls as they come, then each choice's finish reason, then the usage.

    MUST be closed (or used in `with`): it holds a place at the server until then. `close` may come
    from another thread; the iteration then ends without a finish reason. A stream that the server
    breaks off raises UpstreamFailed, silence UpstreamTimeout.
    """

    def __init__(
        self,
        model: ModelEntry,
        server: Server,
        events: EventStream,
        prompt_chars: int,
        on_end: Callable[[bool], None],
        *,
        choices: int = 1,
    ) -> None:
        self.model = model
        self.response_id = f"chatcmpl-{uuid.uuid4().hex}"
        self._server = server
        self._events = events
        self._prompt_chars = prompt_chars
        self._on_end = on_end
        self._pieces: deque[ModelPiece] = deque()
        self._answer_chars = 0
        self._choices = choices
        self._counted: Usage | None = None
        self._closed: Usage | None = None
        self._finish_reasons: dict[int, str] = {}
        self._exhausted = False
        self._ended = False
        self._end_once = threading.Lock()

    @property
    def usage(self) -> Usage:
        """Tokens so far, as the server counted them or estimated; also after a break."""
        counted = self._closed or self._counted
        return counted or estimate_usage(self._prompt_chars, self._answer_chars)

    def __iter__(self) -> "ModelStream":
        return self

    def __next__(self) -> ModelPiece:
        while not self._pieces:
            if self._exhausted:
                raise StopIteration
            try:
                self._advance()
            except ParvisError as error:
                self._exhausted = True
                self._end(broken=isinstance(error, UpstreamFailed))
                raise
        return self._pieces.popleft()

    def close(self) -> None:
        """Stop the model's work and give its place back; does nothing the second time."""
        self._exhausted = True
        self._pieces.clear()
        self._end(broken=False)

    def __enter__(self) -> "ModelStream":
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def __del__(self) -> None:
        # a place never given back would be lost until the process ends
        if not getattr(self, "_ended", True):
            self.close()

    def _advance(self) -> None:
        event = next(self._events, None)
        if event is None or event.data == "[DONE]":
            self._complete()
            return
        chunk = self._read(event)
        if chunk.usage and chunk.closing:
            self._closed = add_usage(self._closed, chunk.usage)
        self._counted = chunk.usage or self._counted
        for piece in chunk.pieces:
            if piece.choice not in range(self._choices):
                continue  # nobody asked for it
            if piece.finish_reason:
                self._finish_reasons[piece.choice] = piece.finish_reason
                continue
            self._answer_chars += (
                len(piece.text) or len(piece.reasoning) or len(str(piece.tool_calls))
            )
            self._events.start()
            self._pieces.append(piece)

    def _read(self, event: SseEvent) -> Chunk:
        try:
            data = orjson.loads(event.data)
            if event.name == "error" or (isinstance(data, dict) and data.get("error")):
                raise error_from_event(self._server.name, data, self._server.busy_status)
            return read_chunk(data)
        except (orjson.JSONDecodeError, UnknownChunk):
            raise self._broken("unreadable_chunk") from None

    def _complete(self) -> None:
        closed_here = self._ended
        if len(self._finish_reasons) < self._choices and not closed_here:
            raise self._broken("ended_early")
        self._exhausted = True
        if closed_here:
            return
        self._events.finish()
        self._end(broken=False)
        self._pieces.extend(
            ModelPiece(finish_reason=reason, choice=choice)
            for choice, reason in sorted(self._finish_reasons.items())
        )
        self._pieces.append(ModelPiece(usage=self.usage))

    def _broken(self, reason: str) -> UpstreamFailed:
        log.warning("model.failed", extra={"server": self._server.name, "reason": reason})
        return UpstreamFailed()

    def _end(self, *, broken: bool) -> None:
        if not self._end_once.acquire(blocking=False):
            return
        self._ended = True
        self._events.close()
        self._on_end(broken)
