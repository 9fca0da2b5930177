"""Callers who go away while a model writes: nothing is written for nobody, and it is on record."""

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from parvis.privacy import PrivacyEngine
from parvis.privacy.masking import Masked
from tests.fakes.installation import Installation
from tests.fakes.model_server import Answer

# more than the door holds for a caller, so that the model is still writing when it looks
LONG = Answer(pieces=["word "] * 500)
FIELDS = {"/v1/chat/completions": "messages", "/v1/responses": "input"}
BODY = {"model": "valbourg-brut", "messages": [{"role": "user", "content": "Tell me a story."}]}


def serve_vectors(gateway: Installation) -> None:
    """Vectors and rankings come from the model server too."""
    catalogue = gateway.services.models
    changed = dict(catalogue.models)
    for name in ("encoder", "encoder-rerank"):
        changed[name] = replace(changed[name], builtin=None, server="demo", served_name="vectors")
    gateway.replace(models=replace(catalogue, models=changed))
    gateway.services.inference._models = changed


@pytest.fixture
def line() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The two ends of a connection, the gateway's first."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses"])
def test_a_caller_who_goes_while_words_flow_stops_the_model(
    gateway: Installation, line: tuple[socket.socket, socket.socket], path: str
) -> None:
    ours, theirs = line
    for kind, goes in (("chat.finished", False), ("chat.aborted", True)):
        gateway.model_server.script(LONG)
        if goes:
            theirs.close()
        gateway.client.post(
            path,
            json={"model": BODY["model"], FIELDS[path]: BODY["messages"]},
            headers=gateway.headers(),
            environ_overrides={"gunicorn.socket": ours},
        )
        _await_chats()
        assert [record["kind"] for record in gateway.records()[-2:]] == ["chat.started", kind]


class _SlowPrivacy:
    """Masks once it is let go."""

    def __init__(self, real: PrivacyEngine) -> None:
        self._real = real
        self.go = threading.Event()

    def mask(self, *args: Any, **kwargs: Any) -> Masked:
        assert self.go.wait(30)
        return self._real.mask(*args, **kwargs)

    def close(self) -> None:
        self._real.close()


def test_a_caller_who_goes_before_the_first_word_leaves_one_intent_and_one_ending(
    gateway: Installation, line: tuple[socket.socket, socket.socket]
) -> None:
    ours, theirs = line
    slow = _SlowPrivacy(gateway.services.privacy)
    gateway.replace(privacy=slow)
    theirs.close()
    gateway.client.post(
        "/v1/chat/completions",
        json=BODY,
        headers=gateway.headers(),
        environ_overrides={"gunicorn.socket": ours},
    )
    slow.go.set()
    _await_chats()
    kinds = [record["kind"] for record in gateway.records()]
    assert kinds[-2:] == ["chat.started", "chat.aborted"]
    assert "request.refused" not in kinds


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/embeddings", "/v1/rerank"])
def test_a_caller_who_goes_before_the_model_server_says_anything_stops_its_work(
    gateway: Installation, line: tuple[socket.socket, socket.socket], path: str
) -> None:
    serve_vectors(gateway)
    ours, theirs = line
    bodies = {
        "/v1/chat/completions": BODY,
        "/v1/embeddings": {"model": "valbourg-guichet", "input": "a"},
        "/v1/rerank": {"model": "valbourg-guichet", "query": "a", "documents": ["b"]},
    }
    endings = (
        ["chat.finished", "chat.aborted"] if "chat" in path else ["task.finished", "task.failed"]
    )
    for ending, goes in zip(endings, (False, True), strict=True):
        held = threading.Event()
        if goes:
            gateway.model_server.script(Answer(hold=held, hold_after=-1))
            theirs.close()
        gateway.client.post(
            path,
            json=bodies[path],
            headers=gateway.headers(),
            environ_overrides={"gunicorn.socket": ours},
        )
        _await_chats()
        assert gateway.records()[-1]["kind"] == ending
    gateway.model_server.wait_for(hang_ups=1)
    assert gateway.records()[-1]["reason"] == "client_closed_request"
    # nobody else is harmed: the server is not taken for broken
    assert gateway.services.inference.health()["demo"] == "up"


def test_a_caller_who_goes_while_the_encoder_computes_stops_it(
    gateway: Installation, line: tuple[socket.socket, socket.socket]
) -> None:
    ours, theirs = line
    theirs.close()
    gone, encoded = threading.Event(), []

    class SlowKnowledge:
        def encode(self, text: str) -> list[float]:
            encoded.append(text)
            assert gone.wait(30)
            return [1.0]

    gateway.replace(knowledge=SlowKnowledge())
    gateway.client.post(
        "/v1/embeddings",
        json={"model": "valbourg-guichet", "input": ["a", "b", "c"]},
        headers=gateway.headers(),
        environ_overrides={"gunicorn.socket": ours},
    )
    gone.set()
    _await_chats()
    assert encoded == ["a"]
    assert gateway.records()[-1]["reason"] == "client_closed_request"


def _await_chats() -> None:
    for thread in threading.enumerate():
        if thread.name == "chat":
            thread.join()
