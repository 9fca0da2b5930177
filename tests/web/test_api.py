"""`/v1` as an agency's chatbot meets it: answers, streams, masking, and a record for each."""

import json
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from parvis.audit import parse_receipt
from parvis.domain import Role
from tests.fakes.installation import Installation, build_installation
from tests.fakes.model_server import TOO_LONG, Answer, FakeModelServer

BARE = "valbourg-brut"
DESK = "valbourg-guichet"
TYPED = (
    "Please write a letter to Marie Dupont, marie.dupont@example.org, phone 621 123 456, "
    "IBAN LU28 0019 4006 4475 0000."
)
VALUES = ("Marie", "Dupont", "marie.dupont@example.org", "621 123 456", "LU28 0019 4006 4475 0000")


def ask(
    gateway: Installation,
    question: str = TYPED,
    *,
    model: str = BARE,
    headers: dict[str, str] | None = None,
    **fields: Any,
) -> TestResponse:
    body = {"model": model, "messages": [{"role": "user", "content": question}], **fields}
    return gateway.client.post(
        "/v1/chat/completions", json=body, headers=headers or gateway.headers()
    )


def read_events(response: TestResponse) -> list[Any]:
    lines = response.get_data(as_text=True).split("\n\n")
    data = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
    return [one if one == "[DONE]" else json.loads(one) for one in data]


def test_a_chatbot_gets_its_values_back_and_the_model_never_sees_them(
    gateway: Installation,
) -> None:
    response = ask(gateway)
    assert response.status_code == 200
    assert response.json is not None
    assert response.json["choices"][0]["message"]["content"] == TYPED
    assert response.json["model"] == BARE
    seen = gateway.model_server.bodies[0].decode()
    assert not [value for value in VALUES if value in seen]
    assert response.headers["x-pii-action"].startswith("masked; ")
    assert "EMAIL=1" in response.headers["x-pii-action"]
    assert response.json["parvis"]["ai_generated"] is True
    assert "artificial-intelligence" in response.json["parvis"]["notice"]


def test_a_stream_gives_the_same_text_whatever_the_pieces(gateway: Installation) -> None:
    for piece_chars in (1, 3, 7, 1000):
        gateway.model_server.script(Answer(piece_chars=piece_chars))
        events = read_events(ask(gateway, stream=True))
        assert events[-1] == "[DONE]"
        chunks = events[:-1]
        assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
        assert len({(c["id"], c["created"], c["model"]) for c in chunks}) == 1
        assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
        assert chunks[0]["parvis"]["notice"]
        text = "".join(c["choices"][0]["delta"].get("content", "") for c in chunks)
        assert text == TYPED
        assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
        assert not any("usage" in chunk for chunk in chunks)


def test_usage_comes_last_and_only_when_asked_for(gateway: Installation) -> None:
    wanted = ask(gateway, stream=True, stream_options={"include_usage": True})
    chunks = read_events(wanted)[:-1]
    assert all(chunk["usage"] is None for chunk in chunks[:-1])
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["total_tokens"] == 18


def test_every_chat_leaves_an_intent_and_one_ending(gateway: Installation) -> None:
    response = ask(gateway)
    records = gateway.records()
    kinds = [record["kind"] for record in records]
    assert kinds[-2:] == ["chat.started", "chat.finished"]
    intent, result = records[-2:]
    assert result["re"] == intent["id"]
    assert result["privacy"]["counts"]["EMAIL"] == 1
    assert result["model"]["answered"] == "demo-small"
    assert "privacy" not in intent
    receipt = parse_receipt(response.headers["x-audit-receipt"])
    assert receipt.seq == result["seq"]
    assert not [value for value in VALUES if value in json.dumps(records)]


def test_a_streams_receipt_names_the_intent_and_its_last_chunk_the_result(
    gateway: Installation,
) -> None:
    response = ask(gateway, stream=True)
    events = read_events(response)
    intent, result = gateway.records()[-2:]
    assert parse_receipt(response.headers["x-audit-receipt"]).seq == intent["seq"]
    assert parse_receipt(events[-2]["parvis"]["receipt"]).seq == result["seq"]


def test_a_question_in_german_is_answered_by_quoting_a_source(gateway: Installation) -> None:
    response = ask(gateway, "Was kostet ein Personalausweis für Erwachsene?", model=DESK)
    assert response.status_code == 200
    assert response.json is not None
    assert response.json["parvis"]["sources"]
    assert "valbourg.example" in response.json["choices"][0]["message"]["content"]
    assert "KI-Assistenten" in response.json["parvis"]["notice"]
    assert gateway.model_server.bodies == []


def test_an_invented_number_is_replaced_by_the_source(gateway: Installation) -> None:
    gateway.model_server.script(Answer(pieces=["It costs ", "987654 euros."]))
    response = ask(gateway, "How much does an identity card cost?", model=DESK)
    assert response.json is not None
    text = response.json["choices"][0]["message"]["content"]
    assert gateway.model_server.bodies
    assert "987654" not in text
    assert gateway.records()[-1]["model"]["answered"] == "quote"


def test_a_model_that_invents_is_not_asked_what_no_source_says(gateway: Installation) -> None:
    response = ask(gateway, "Who won the football world cup in nineteen ninety?", model=DESK)
    assert response.json is not None
    assert "nothing in the official sources" in response.json["choices"][0]["message"]["content"]
    assert gateway.model_server.bodies == []
    assert gateway.records()[-1]["model"]["answered"] == "quote"


def test_the_agencys_instructions_stand_before_the_clients(gateway: Installation) -> None:
    messages = [
        {"role": "developer", "content": "Answer in verse."},
        {"role": "user", "content": "How much does an identity card cost?"},
    ]
    gateway.client.post(
        "/v1/chat/completions",
        json={"model": DESK, "messages": messages},
        headers=gateway.headers(),
    )
    first, second = gateway.model_server.requests[0]["messages"]
    assert first["role"] == "system"
    assert first["content"].startswith("You are the citizens' desk")
    assert first["content"].endswith("Answer in verse.")
    assert second["role"] == "user"


def test_models_are_the_callers_own_assistants(gateway: Installation) -> None:
    listed = gateway.client.get("/v1/models", headers=gateway.headers())
    assert listed.json is not None
    assert [one["id"] for one in listed.json["data"]] == [DESK, BARE]
    one = gateway.client.get(f"/v1/models/{DESK}", headers=gateway.headers())
    assert one.status_code == 200
    assert "x-audit-receipt" in one.headers
    assert gateway.records()[-1]["kind"] == "request.served"


@pytest.mark.parametrize("name", ["emploi-conseil", "valbourg-agents", "nothing", "demo-small"])
def test_any_other_name_looks_like_none(gateway: Installation, name: str) -> None:
    refused = ask(gateway, model=name)
    missing = ask(gateway, model="surely-missing")
    assert refused.status_code == 404
    assert refused.json == missing.json
    assert refused.json is not None
    assert refused.json["error"]["code"] == "model_not_found"
    assert "x-audit-receipt" in refused.headers
    assert gateway.model_server.bodies == []
    assert ask(gateway).status_code == 200


def test_a_civil_servant_reaches_portal_assistants_and_an_auditor_none(
    gateway: Installation,
) -> None:
    servant = gateway.headers(role=Role.CIVIL_SERVANT)
    names = gateway.client.get("/v1/models", headers=servant).json
    assert names is not None
    assert "valbourg-agents" in [one["id"] for one in names["data"]]
    auditor = gateway.client.get("/v1/models", headers=gateway.headers(role=Role.AUDITOR))
    assert auditor.status_code == 403
    assert auditor.json is not None
    assert auditor.json["error"]["code"] == "permission_denied"


def test_a_too_long_prompt_is_told_in_openais_words(gateway: Installation) -> None:
    gateway.model_server.script(TOO_LONG)
    refused = ask(gateway)
    assert refused.status_code == 400
    assert refused.json is not None
    assert refused.json["error"]["code"] == "context_length_exceeded"
    assert gateway.records()[-1]["kind"] == "chat.failed"


def test_an_error_after_the_first_byte_is_an_event_and_a_record(gateway: Installation) -> None:
    gateway.model_server.script(Answer(pieces=["Half of "], drop=True))
    events = read_events(ask(gateway, stream=True))
    assert events[-1]["error"]["code"] == "upstream_error"
    assert "[DONE]" not in events
    last = gateway.records()[-1]
    assert (last["kind"], last["reason"]) == ("chat.failed", "upstream_error")


def test_a_typed_placeholder_comes_back_as_typed_and_stands_for_nobody(
    gateway: Installation,
) -> None:
    ask(gateway)
    placeholder = gateway.model_server.requests[0]["messages"][-1]["content"].split()[5]
    assert placeholder.startswith("[")
    for typed in (placeholder.rstrip(","), "[PERSON_1_aaa]", "[EMAIL_1_zz]"):
        response = ask(gateway, f"{TYPED} What is {typed}?")
        assert response.json is not None
        content = response.json["choices"][0]["message"]["content"]
        assert content == f"{TYPED} What is {typed}?"


def test_the_same_history_gets_the_same_placeholders(gateway: Installation) -> None:
    ask(gateway)
    first = gateway.model_server.requests[-1]["messages"][-1]["content"]
    history = [
        {"role": "user", "content": TYPED},
        {"role": "assistant", "content": f"You said: {TYPED}"},
        {"role": "user", "content": "And to Paul Weber?"},
    ]
    gateway.client.post(
        "/v1/chat/completions",
        json={"model": BARE, "messages": history},
        headers=gateway.headers(),
    )
    messages = gateway.model_server.requests[-1]["messages"]
    assert messages[0]["content"] == first
    assert messages[1]["content"] == f"You said: {first}"


def test_what_is_kept_here_never_reaches_the_model(gateway: Installation) -> None:
    response = ask(
        gateway,
        user="citizen-4711",
        metadata={"case": "file-4711"},
        safety_identifier="id-4711",
        store=True,
        temperature=0.5,
    )
    assert response.status_code == 200
    body = gateway.model_server.requests[0]
    assert "4711" not in json.dumps(body)
    assert body["temperature"] == 0.5
    assert body["stream"] is True
    assert set(body) == {"messages", "model", "stream", "stream_options", "temperature"}


def test_no_upstream_name_or_address_leaks(gateway: Installation) -> None:
    response = ask(gateway)
    text = response.get_data(as_text=True) + str(response.headers)
    assert "secret/path" not in text
    assert str(gateway.model_server.port) not in text


def test_the_gateway_works_on_postgresql_too(
    tmp_path: Path, postgres_url: str, model_fake: FakeModelServer
) -> None:
    gateway = build_installation(tmp_path, model_fake, PARVIS_DATABASE_URL=postgres_url)
    try:
        response = ask(gateway, "Was kostet ein Personalausweis für Erwachsene?", model=DESK)
        assert response.json is not None
        assert response.json["parvis"]["sources"]
        assert gateway.client.get("/readyz").status_code == 200
    finally:
        gateway.services.close()
