"""One question in the portal and its answer as events: what the page shows, and what is kept.

The same events feed the live stream and the page without script. HTML of the answer comes finished
and sanitised; the unfinished rest comes as plain text.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from parvis.assistant import Delta, Finished, Started, answer
from parvis.conversations.store import Conversation, Turn
from parvis.domain import Channel, ChatTurn, Principal
from parvis.errors import InternalError, ParvisError
from parvis.services import Services
from parvis.tenancy.config import Agency
from parvis.web.markdown import BlockStream
from parvis.web.streaming import run_beside

DONE, STOPPED, FAILED, RUNNING = "done", "stopped", "failed", "running"
_HISTORY_TURNS = 20


@dataclass(frozen=True, slots=True)
class PageEvent:
    """Something the page shows; `name` is one of start, block, tail, done, error, keepalive."""

    name: str
    data: Mapping[str, Any] = field(default_factory=dict)

    def encode(self, number: int) -> str:
        """The event as text/event-stream wants it; `number` lets a reader see a gap."""
        if self.name == "keepalive":
            return ": keepalive\n\n"
        data = json.dumps({"n": number} | dict(self.data), ensure_ascii=False)
        return f"id: {number}\nevent: {self.name}\ndata: {data}\n\n"


@dataclass(slots=True)
class Exchange:
    """A turn being answered. MUST be finished by `close`, whatever happened."""

    services: Services
    principal: Principal
    turn_id: str
    events: Iterator[Any]
    started: Started | None = None
    finished: Finished | None = None
    text: list[str] = field(default_factory=list)
    status: str = STOPPED
    closed: bool = False
    failed_receipt: str = ""

    def start(self) -> Started:
        """All work before the first word; raises ParvisError when there will be no answer."""
        try:
            for event in self.events:
                if isinstance(event, Started):
                    self.started = event
                    return event
            raise InternalError
        except BaseException as error:
            self.status = FAILED
            self.failed_receipt = getattr(error, "receipt", "")
            self.close()
            raise

    def run(self) -> Iterator[PageEvent]:
        """The answer as it comes; closing this iterator stops the model and keeps the part."""
        try:
            yield from self._pieces()
        except ParvisError as error:
            self.status = FAILED
            self.failed_receipt = error.receipt
            self.services.metrics.count_error(error.code)
            yield PageEvent("error", {"code": error.code})
        finally:
            self.close()
        if self.status == DONE:
            assert self.finished is not None  # noqa: S101 - set where DONE is
            yield PageEvent(
                "done",
                {"receipt": self.receipt, "cut": self.finished.finish_reason == "length"},
            )

    def _pieces(self) -> Iterator[PageEvent]:
        blocks = BlockStream()
        for event in self.events:
            if event is None:
                yield PageEvent("keepalive")
            elif isinstance(event, Delta):
                self.text.append(event.text)
                finished = list(blocks.feed(event.text))
                yield from (PageEvent("block", {"html": html}) for html in finished)
                if finished:
                    yield PageEvent("tail", {"text": blocks.rest, "replace": True})
                else:
                    yield PageEvent("tail", {"text": event.text, "replace": False})
            elif isinstance(event, Finished):
                self.finished = event
        if self.finished is None:
            raise InternalError
        self.status = DONE
        yield from (PageEvent("block", {"html": html}) for html in blocks.flush())
        yield PageEvent("tail", {"text": "", "replace": True})

    @property
    def receipt(self) -> str:
        """The receipt of the result or failure where there is one, else of the intent."""
        if self.finished and self.finished.receipt:
            return self.finished.receipt
        if self.failed_receipt:
            return self.failed_receipt
        return self.started.receipt if self.started else ""

    def close(self) -> None:
        """Stop the model and keep what came; safe to call again."""
        if self.closed:
            return
        self.closed = True
        close = getattr(self.events, "close", None)
        if close is not None:
            close()
        started = self.started
        self.services.conversations.finish_turn(
            self.principal,
            self.turn_id,
            status=self.status,
            answer="".join(self.text),
            model_saw=started.model_saw_json if started else "",
            sources=started.sources if started else (),
            receipt=self.receipt,
        )


def open_exchange(
    services: Services,
    principal: Principal,
    agency: Agency,
    conversation: Conversation,
    *,
    send_id: str,
    question: str,
    request_id: str,
) -> Exchange:
    """The exchange for a new question; raises Conflict when this `send_id` came before."""
    turn_id = services.conversations.begin_turn(principal, conversation.id, send_id, question)
    history = fit_history(conversation.turns, services.settings.max_text_chars - len(question))
    turn = ChatTurn(
        assistant_id=conversation.assistant_id,
        messages=(*history, {"role": "user", "content": question}),
        channel=Channel.PORTAL,
        conversation=conversation.id,
        request_id=request_id,
    )
    events = run_beside(lambda stop: answer(services, principal, agency, turn, stop))
    return Exchange(services, principal, turn_id, events)


def fit_history(turns: tuple[Turn, ...], max_chars: int) -> tuple[Mapping[str, str], ...]:
    """The latest answered turns as messages, oldest first, within `max_chars` characters."""
    kept: list[Mapping[str, str]] = []
    answered = [turn for turn in turns if turn.answer and turn.status in {DONE, STOPPED}]
    for turn in reversed(answered[-_HISTORY_TURNS:]):
        max_chars -= len(turn.question) + len(turn.answer)
        if max_chars < 0:
            break
        kept.append({"role": "assistant", "content": turn.answer})
        kept.append({"role": "user", "content": turn.question})
    return tuple(reversed(kept))
