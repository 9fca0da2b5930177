"""A log that may not grow stops the chats of its own agency before a model is asked."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.installation import Installation, build_installation
from tests.fakes.model_server import FakeModelServer

SHARE_GB = 40_000 / (1 << 30)


@pytest.fixture
def small(tmp_path: Path, model_fake: FakeModelServer) -> Iterator[Installation]:
    made = build_installation(tmp_path, model_fake, PARVIS_AUDIT_AGENCY_GB=f"{SHARE_GB:.9f}")
    yield made
    made.services.close()


def ask(gateway: Installation, agency: str, model: str) -> Any:
    body = {"model": model, "messages": [{"role": "user", "content": "Hello there"}]}
    headers = gateway.headers(agency)
    return gateway.client.post("/v1/chat/completions", json=body, headers=headers)


def test_an_agency_that_fills_its_share_of_the_log_is_refused_alone(small: Installation) -> None:
    answered = 0
    while (found := ask(small, "valbourg", "valbourg-brut")).status_code == 200:
        answered += 1
    assert answered > 0 and found.status_code == 503
    assert found.json["error"]["code"] == "audit_unavailable"
    assert "retry-after" in found.headers
    assert len(small.model_server.bodies) == answered  # the refused one reached no model
    assert ask(small, "habitat", "habitat-instruction").status_code == 200
    assert small.records("valbourg")[-1]["kind"] == "chat.finished"
