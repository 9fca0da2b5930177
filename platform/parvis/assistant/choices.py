"""The answers to one question, each restored on its own and shown in the order in which it reads.

A model may reason, then write, then call tools: what was held back of one is shown before the next
begins, but for half a placeholder, which waits for its other half. Which values come back, and how,
lives in `restoring.py`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from parvis.assistant.events import Delta, Event, ReasoningDelta, ToolDelta
from parvis.assistant.restoring import Restorer
from parvis.domain import ModelPiece


@dataclass(slots=True)
class _Choice:
    """One answer: its texts as streams of their own, and what was shown so far."""

    reasoning: Restorer
    answer: Restorer
    said: list[str] = field(default_factory=list)
    finish_reason: str = "stop"


class Choices:
    """`build` makes a restorer for each text; `names` leads from a tool's masked name to its own.

    MUST NOT be shared between requests: what it restores belongs to one of them.
    """

    def __init__(self, build: Callable[[], Restorer], names: Mapping[str, str]) -> None:
        self._build = build
        self._names = names
        self._choices: dict[int, _Choice] = {}
        self._asked: dict[tuple[int, int], str] = {}

    def show(self, piece: ModelPiece) -> Iterator[Event]:
        """What may be shown now that this piece has come."""
        if not (piece.text or piece.reasoning or piece.tool_calls or piece.finish_reason):
            return
        choice = self._get(piece.choice)
        if piece.reasoning:
            yield from self._reasoning(piece.choice, choice.reasoning.feed(piece.reasoning))
        if piece.text:
            yield from self._reasoning(piece.choice, choice.reasoning.settle())
            yield from self._text(piece.choice, choice.answer.feed(piece.text))
        if piece.tool_calls:
            yield from self._reasoning(piece.choice, choice.reasoning.settle())
            yield from self._text(piece.choice, choice.answer.settle())
            calls = choice.answer.feed_calls(piece.tool_calls)
            named = tuple(map(self._named, calls))
            for call in named:  # the name stands in one of a call's fragments
                place = (piece.choice, int(call.get("index") or 0))
                name = (call.get("function") or {}).get("name") or ""
                self._asked[place] = self._asked.get(place) or name
            yield ToolDelta(named, piece.choice)
        choice.finish_reason = piece.finish_reason or choice.finish_reason

    def show_rest(self) -> Iterator[Event]:
        """What was held back of every answer; call at the end."""
        for index, choice in sorted(self._choices.items()):
            yield from self._reasoning(index, choice.reasoning.flush())
            yield from self._text(index, choice.answer.flush())
            calls = choice.answer.flush_calls()
            if calls:
                yield ToolDelta(calls, index)

    @property
    def finish_reasons(self) -> tuple[str, ...]:
        """Why each answer ended, in order; one that nothing came of has ended too."""
        return tuple(one.finish_reason for _, one in sorted(self._choices.items())) or ("stop",)

    @property
    def asked(self) -> list[str]:
        """The tools that the client was asked to call, by the client's own names, once a call."""
        return list(self._asked.values())

    @property
    def said(self) -> str:
        """Everything shown so far, one answer after the other."""
        texts = ("".join(one.said) for _, one in sorted(self._choices.items()))
        return "\n\n".join(text for text in texts if text)

    def _get(self, index: int) -> _Choice:
        if index not in self._choices:
            self._choices[index] = _Choice(self._build(), self._build())
        return self._choices[index]

    def _reasoning(self, index: int, text: str) -> Iterator[Event]:
        if text:
            self._choices[index].said.append(text)
            yield ReasoningDelta(text, index)

    def _text(self, index: int, text: str) -> Iterator[Event]:
        if text:
            self._choices[index].said.append(text)
            yield Delta(text, index)

    def _named(self, call: Mapping[str, Any]) -> Mapping[str, Any]:
        function = call.get("function") or {}
        name = self._names.get(function.get("name") or "")
        return {**call, "function": {**function, "name": name}} if name else call
