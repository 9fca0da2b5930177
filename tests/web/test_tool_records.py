"""A call of a tool that a model asked for is on record before the client may run it."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from parvis.audit.log import AuditLog
from parvis.errors import AuditUnavailable
from tests.fakes.installation import Installation
from tests.fakes.model_server import Answer

ASSISTANT = "valbourg-brut"
SECRET = "martin_dupont_file"


def declare_tools(gateway: Installation, *names: str) -> None:
    registry = gateway.services.tenants
    agency = registry.get_agency("valbourg")
    assistants = tuple(
        one.model_copy(update={"tools": names}) if one.id == ASSISTANT else one
        for one in agency.assistants
    )
    changed = {
        **registry.agencies,
        "valbourg": agency.model_copy(update={"assistants": assistants}),
    }
    gateway.replace(tenants=type(registry)(registry.directory, changed))


def ask(gateway: Installation, names: list[str], *, stream: bool = False) -> Any:
    calls = [
        {"index": at, "id": f"c{at}", "function": {"name": name, "arguments": '{"x": "y7z"}'}}
        for at, name in enumerate(names)
    ]
    rest = [{"index": at, "function": {"arguments": " "}} for at in range(len(names))]
    deltas = [{"tool_calls": calls}, {"tool_calls": rest}]
    gateway.model_server.script(Answer(pieces=[], deltas=deltas, finish="tool_calls"))
    body = {"model": ASSISTANT, "messages": [{"role": "user", "content": "Hello"}]}
    client: FlaskClient = gateway.client
    answer = client.post(
        "/v1/chat/completions", json=body | {"stream": stream}, headers=gateway.headers()
    )
    return answer.text if stream else answer


def told(gateway: Installation) -> list[dict[str, Any]]:
    return [dict(one) for one in gateway.records() if one["kind"].startswith(("tool.", "chat."))]


def test_calls_are_recorded_by_declared_name_or_counted_before_the_ending(
    gateway: Installation,
) -> None:
    declare_tools(gateway, "send_letter")
    assert ask(gateway, ["send_letter", SECRET, "send_letter"]).status_code == 200
    intent, other, named, ending = told(gateway)
    assert [intent["kind"], ending["kind"]] == ["chat.started", "chat.finished"]
    assert {other["kind"], named["kind"]} == {"tool.called"}
    assert "object" not in other["target"] and other["use"] == {"tools": 1}
    assert (named["target"]["object"], named["use"]) == ("send_letter", {"tools": 2})
    assert named["outcome"] == "unknown" and named["http"]["request"] == intent["http"]["request"]
    assert ending["use"]["tools"] == 3
    assert SECRET not in str(told(gateway)) and "y7z" not in str(told(gateway))


def test_an_answer_without_calls_has_no_such_record(gateway: Installation) -> None:
    assert ask(gateway, []).status_code == 200
    assert [one["kind"] for one in told(gateway)] == ["chat.started", "chat.finished"]


def test_a_client_is_not_told_that_it_may_call_what_is_not_on_record(
    gateway: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit = AuditLog.submit

    def refuse(log: AuditLog, tenant_id: str, draft: Any) -> Any:
        if draft.kind == "tool.called":
            raise AuditUnavailable
        return submit(log, tenant_id, draft)

    with monkeypatch.context() as broken:
        broken.setattr(AuditLog, "submit", refuse)
        text = ask(gateway, ["send_letter"], stream=True)
    assert "audit_unavailable" in text
    assert 'finish_reason":"tool_calls' not in text.replace(" ", "")
    assert ask(gateway, ["send_letter"]).status_code == 200
    kinds = [one["kind"] for one in told(gateway)]
    assert kinds.count("tool.called") == 1 and kinds.count("chat.finished") == 1
