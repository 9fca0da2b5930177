"""A real model server on loopback and the room in front of it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from parvis.domain import ModelPiece
from parvis.inference import Inference, ModelStream, load_models
from tests.fakes.model_server import FakeModelServer

Open = Callable[..., Inference]
MESSAGES = [{"role": "user", "content": "Moien, wéi geet et?"}]
PAYLOAD: dict[str, Any] = {"messages": MESSAGES}


@pytest.fixture
def upstream() -> Iterator[FakeModelServer]:
    with FakeModelServer() as server:
        yield server


@pytest.fixture
def open_inference(upstream: FakeModelServer, tmp_path: Path) -> Iterator[Open]:
    """Makes the room; keyword arguments of its constructor, `server` for the server's entry."""
    opened: list[Inference] = []

    def build(server: dict[str, Any] | None = None, **options: Any) -> Inference:
        changes = {"probe": None, **(server or {})}
        catalogue = load_models(upstream.write_models(tmp_path, **changes))
        inference = Inference(catalogue, **options)
        opened.append(inference)
        return inference

    yield build
    for inference in opened:
        inference.close()


@pytest.fixture
def inference(open_inference: Open) -> Inference:
    return open_inference()


def ask(inference: Inference, tenant_id: str = "valbourg", **fields: Any) -> ModelStream:
    """An answer of the demo's model to a greeting."""
    return inference.stream(inference.choose(["demo-small"]), tenant_id, {**PAYLOAD, **fields})


def text_of(pieces: list[ModelPiece]) -> str:
    return "".join(piece.text for piece in pieces)
