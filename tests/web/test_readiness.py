"""While the search for personal data is deaf, nobody is served and `/readyz` says so."""

from typing import Any

import pytest

from parvis.privacy.rampart import Rampart
from parvis.web import health
from tests.fakes.installation import Installation

BODY = {"model": "valbourg-brut", "messages": [{"role": "user", "content": "Hello there"}]}


def ask(gateway: Installation) -> Any:
    return gateway.client.post("/v1/chat/completions", json=BODY, headers=gateway.headers())


def test_a_silent_canary_refuses_every_request_until_it_is_heard_again(
    gateway: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_CACHE_S", 0.0)
    watch = gateway.services.privacy._watch
    assert ask(gateway).status_code == 200
    try:
        with monkeypatch.context() as broken:
            broken.setattr(Rampart, "read_many", lambda _, texts: [[] for _ in texts])
            watch.try_now()
        asked = len(gateway.model_server.requests)
        refused = ask(gateway)
        assert refused.status_code == 503
        assert refused.json["error"]["code"] == "pii_engine_unavailable"
        assert len(gateway.model_server.requests) == asked
        ready = gateway.client.get("/readyz")
        assert ready.status_code == 503
        assert ready.json is not None
        assert ready.json["parts"]["privacy"] == "down"
        assert "test sentence fr, de, lb, en" in ready.json["reasons"]["privacy"]
    finally:
        watch.try_now()
    assert ask(gateway).status_code == 200
    assert gateway.client.get("/readyz").status_code == 200
