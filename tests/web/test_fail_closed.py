"""Privacy, policy and audit fail closed: nothing is asked and nothing answered without them."""

import threading
from collections.abc import Sequence
from typing import Any

import pytest

from parvis.errors import AuditUnavailable, PrivacyUnavailable
from parvis.services import build_services
from parvis.web.streaming import wait_for_chats
from tests.fakes.installation import Installation
from tests.fakes.model_server import Answer

BODY = {"model": "valbourg-brut", "messages": [{"role": "user", "content": "Hello there"}]}


def post(gateway: Installation) -> Any:
    return gateway.client.post("/v1/chat/completions", json=BODY, headers=gateway.headers())


class BrokenPrivacy:
    """Analysers that fail."""

    def mask(self, _texts: Sequence[str], **_options: Any) -> Any:
        raise PrivacyUnavailable


class BrokenAudit:
    """A log whose disk is gone; `after` records may still be written."""

    def __init__(self, log: Any, after: int) -> None:
        self._log = log
        self._left = after

    def _take(self) -> None:
        if self._left <= 0:
            raise AuditUnavailable
        self._left -= 1

    def append(self, *args: Any, **kwargs: Any) -> Any:
        self._take()
        return self._log.append(*args, **kwargs)

    def submit(self, *args: Any, **kwargs: Any) -> Any:
        self._take()
        return self._log.submit(*args, **kwargs)

    def close(self) -> None:
        self._log.close()

    def wait(self, *args: Any, **kwargs: Any) -> Any:
        return self._log.wait(*args, **kwargs)


def test_without_masking_nothing_reaches_a_model(gateway: Installation) -> None:
    working = gateway.services.privacy
    gateway.replace(privacy=BrokenPrivacy())
    refused = post(gateway)
    assert refused.status_code == 503
    assert refused.json["error"]["code"] == "pii_engine_unavailable"
    assert gateway.model_server.bodies == []
    assert gateway.records()[-1]["kind"] == "chat.failed"
    gateway.replace(privacy=working)
    assert post(gateway).status_code == 200


@pytest.mark.parametrize("written", [0, 1])
def test_without_the_log_there_is_no_answer(gateway: Installation, written: int) -> None:
    working = gateway.services.audit
    gateway.replace(audit=BrokenAudit(working, after=written))
    refused = post(gateway)
    assert refused.status_code == 503
    assert refused.json["error"]["code"] == "audit_unavailable"
    assert refused.headers["retry-after"] == "5"
    assert "x-audit-receipt" not in refused.headers
    # without the intent the model is never asked; without the result its answer is withheld
    assert len(gateway.model_server.bodies) == written
    gateway.replace(audit=working)
    assert post(gateway).status_code == 200


def test_a_stream_without_its_result_ends_in_an_error(gateway: Installation) -> None:
    gateway.replace(audit=BrokenAudit(gateway.services.audit, after=1))
    streamed = gateway.client.post(
        "/v1/chat/completions", json={**BODY, "stream": True}, headers=gateway.headers()
    )
    text = streamed.get_data(as_text=True)
    assert "audit_unavailable" in text
    assert "[DONE]" not in text
    assert '"finish_reason":"stop"' not in text


def test_listing_models_without_the_log_is_refused_too(gateway: Installation) -> None:
    working = gateway.services.audit
    gateway.replace(audit=BrokenAudit(working, after=0))
    refused = gateway.client.get("/v1/models", headers=gateway.headers())
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    gateway.replace(audit=working)
    assert gateway.client.get("/v1/models", headers=gateway.headers()).status_code == 200


def test_a_model_without_clearance_is_never_asked(gateway: Installation) -> None:
    agency = gateway.services.tenants.get_agency("valbourg")
    bare = agency.find_assistant("valbourg-brut")
    assert bare is not None
    raised = bare.model_copy(update={"data_level": 3})
    others = [one for one in agency.assistants if one.id != bare.id]
    strict = agency.model_copy(update={"assistants": (*others, raised)})
    registry = gateway.services.tenants
    changed = type(registry)(registry.directory, {**registry.agencies, "valbourg": strict})
    assert post(gateway).status_code == 200
    asked = len(gateway.model_server.bodies)
    gateway.replace(tenants=changed)
    refused = post(gateway)
    assert refused.status_code == 400
    assert refused.json["error"]["code"] == "policy_violation"
    assert len(gateway.model_server.bodies) == asked
    last = gateway.records()[-1]
    assert (last["kind"], last["policy"]["rules"]) == (
        "chat.refused",
        ["P-16", "P-16a"],
    )
    assert refused.headers["x-audit-receipt"]


def test_a_caller_who_hangs_up_frees_the_model_and_leaves_a_record(
    gateway: Installation,
) -> None:
    gateway.model_server.script(Answer(pieces=["One ", "two"], hold=threading.Event()))
    response = gateway.client.post(
        "/v1/chat/completions",
        json={**BODY, "stream": True},
        headers=gateway.headers(),
        buffered=False,
    )
    pieces = iter(response.response)
    while b"One" not in next(pieces):
        pass
    response.close()
    gateway.model_server.wait_for(hang_ups=1)
    wait_for_chats(20)
    last = gateway.records()[-1]
    assert (last["kind"], last["outcome"]) == ("chat.aborted", "aborted")
    assert post(gateway).status_code == 200


def test_a_gateway_without_its_name_model_does_not_start(gateway: Installation) -> None:
    settings = gateway.services.settings.model_copy(
        update={"cache_dir": gateway.services.settings.data_dir / "empty"}
    )
    broken = type(gateway.configuration)(
        settings,
        gateway.configuration.tenants,
        gateway.configuration.rules,
        gateway.configuration.models,
        gateway.configuration.root_key,
    )
    with pytest.raises(PrivacyUnavailable):
        build_services(broken)
