"""Text and tool calls of one answer that come mixed: each is restored as a stream of its own."""

import itertools
from typing import Any

import pytest

from parvis.assistant.choices import Choices
from parvis.assistant.events import Delta, ReasoningDelta, ToolDelta
from parvis.assistant.restoring import Restorer
from parvis.domain import ModelPiece

NAME = "[PERSON_1_k7fq]"
MAPPING = {NAME: "Marie Kieffer"}


def call(arguments: str) -> ModelPiece:
    return ModelPiece(tool_calls=({"index": 0, "function": {"arguments": arguments}},))


def show(*pieces: ModelPiece) -> list[Any]:
    choices = Choices(lambda: Restorer(MAPPING), {})
    shown = [event for piece in pieces for event in choices.show(piece)]
    return [*shown, *choices.show_rest()]


def texts(events: list[Any], kind: type) -> str:
    return "".join(event.text for event in events if isinstance(event, kind))


def arguments(events: list[Any]) -> str:
    return "".join(
        fragment["function"]["arguments"]
        for event in events
        if isinstance(event, ToolDelta)
        for fragment in event.calls
    )


@pytest.mark.parametrize("at", range(1, len(NAME)))
def test_a_placeholder_cut_by_a_piece_of_another_kind_comes_back(at: int) -> None:
    told = f'{{"v": "{NAME}"}}'
    events = show(
        ModelPiece(reasoning=f"Ask {NAME[:at]}"),
        ModelPiece(text=f"Dear {NAME[:at]}"),
        ModelPiece(reasoning=f"{NAME[at:]} first"),
        call(told[: 7 + at]),
        ModelPiece(text=f"{NAME[at:]}, hello"),
        call(told[7 + at :]),
    )
    assert texts(events, ReasoningDelta) == "Ask Marie Kieffer first"
    assert texts(events, Delta) == "Dear Marie Kieffer, hello"
    assert arguments(events) == '{"v": "Marie Kieffer"}'


def test_a_whole_placeholder_before_a_call_is_shown_before_it() -> None:
    events = show(ModelPiece(text=f"I ask {NAME}"), call("{}"))
    kinds = [kind for kind, _ in itertools.groupby(type(event) for event in events)]
    assert kinds == [Delta, ToolDelta]
    assert texts(events, Delta) == "I ask Marie Kieffer"
