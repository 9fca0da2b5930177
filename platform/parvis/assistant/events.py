"""What the hall yields while it answers, and how a door tells it to stop."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from parvis.domain import Language, Passage, Usage


@dataclass(frozen=True, slots=True)
class Started:
    """The record of intent is durable and the model has been asked.

    `model_saw_json` is, byte for byte, the JSON of the messages that the model got; `receipt` names
    the intent; `pii_counts` says how many values of each kind were replaced, `pii_kept` how many
    went in clear, `pii_action` the same in the words of `x-pii-action`.
    """

    receipt: str
    notice: str
    sources: tuple[Passage, ...]
    pii_counts: Mapping[str, int]
    model: str
    language: Language
    model_saw_json: str
    ai_generated: bool
    pii_kept: Mapping[str, int]
    pii_action: str


@dataclass(frozen=True, slots=True)
class Delta:
    """Further text of an answer, personal values restored; `choice` counts from 0."""

    text: str
    choice: int = 0


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """Further text that the model wrote before its answer, restored in the same way."""

    text: str
    choice: int = 0


@dataclass(frozen=True, slots=True)
class ToolDelta:
    """Fragments of tool calls, as OpenAI streams them, personal values restored."""

    calls: tuple[Mapping[str, Any], ...]
    choice: int = 0


@dataclass(frozen=True, slots=True)
class Finished:
    """The result is durable; `receipt` names its record. One reason for each answer."""

    finish_reasons: tuple[str, ...]
    usage: Usage
    receipt: str

    @property
    def finish_reason(self) -> str:
        """Why the first, mostly the only, answer ended."""
        return self.finish_reasons[0]


Event = Started | Delta | ReasoningDelta | ToolDelta | Finished


class Cancellation:
    """Tells a running chat, from another thread, that nobody waits for it any more."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []
        self._set = False

    @property
    def is_set(self) -> bool:
        """True once `cancel` was called."""
        return self._set

    def cancel(self) -> None:
        """Stop the chat: everything registered is called once, now or when it is registered."""
        with self._lock:
            self._set = True
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    def on_cancel(self, callback: Callable[[], None]) -> None:
        """Call this when the chat is cancelled (at once, if it already is)."""
        with self._lock:
            if not self._set:
                self._callbacks.append(callback)
                return
        callback()
