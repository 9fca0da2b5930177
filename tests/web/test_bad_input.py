"""Bad input: a status, a code, a sentence, a record; nothing echoed or lost, no model asked."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.fakes.installation import Installation

BARE = "valbourg-brut"
SECRET = "Xylophonistin"
GOOD = {"model": BARE, "messages": [{"role": "user", "content": "Hello"}]}


def send(gateway: Installation, body: bytes, **headers: str) -> TestResponse:
    sent = {"Content-Type": "application/json", **gateway.headers(), **headers}
    return gateway.client.post("/v1/chat/completions", data=body, headers=sent)


def changed(**fields: Any) -> bytes:
    return json.dumps({**GOOD, **fields}).encode()


def user(content: Any) -> bytes:
    return changed(messages=[{"role": "user", "content": content}])


BAD: dict[str, tuple[bytes, int, str, str | None]] = {
    "not JSON": (f'{{"{SECRET}'.encode(), 400, "invalid_value", None),
    "not UTF-8": (b'{"model": "\xff\xfe"}', 400, "invalid_value", None),
    "not an object": (b"[1, 2]", 400, "invalid_value", None),
    "empty": (b"", 400, "invalid_value", None),
    "too deep": (b'{"a":' * 80 + b"1" + b"}" * 80, 400, "invalid_value", None),
    "far too deep": (b"[" * 100_000, 400, "invalid_value", None),
    "20 MB": (user("x" * 20_000_000), 413, "request_too_large", None),
    "unknown field": (changed(frobnicate=SECRET), 400, "unsupported_parameter", "frobnicate"),
    "secret field name": (changed(**{f"{SECRET} !": 1}), 400, "unsupported_parameter", None),
    "wrong type": (changed(temperature=SECRET), 400, "invalid_value", "temperature"),
    "empty messages": (changed(messages=[]), 400, "invalid_value", "messages"),
    "no messages": (b'{"model": "x"}', 400, "invalid_value", "messages"),
    "no user": (
        changed(messages=[{"role": "system", "content": SECRET}]),
        400,
        "invalid_value",
        "messages",
    ),
    "unknown role": (
        changed(messages=[{"role": SECRET, "content": "x"}]),
        400,
        "invalid_value",
        "messages[0]",
    ),
    "an image": (
        user([{"type": "image_url", "image_url": {"url": f"https://x.example/{SECRET}"}}]),
        400,
        "invalid_value",
        "messages[0].content[0].type",
    ),
    "control characters": (
        user(f"{SECRET}\u0000"),
        400,
        "invalid_value",
        "messages[0].content",
    ),
    "200,001 characters": (user("x" * 200_001), 400, "context_length_exceeded", None),
    "513 messages": (
        changed(messages=[{"role": "user", "content": "x"}] * 513),
        400,
        "invalid_value",
        "messages",
    ),
    "more answers than the model gives": (changed(n=5), 400, "unsupported_parameter", "n"),
    "more answers than anybody gives": (changed(n=9), 400, "invalid_value", "n"),
    "log probabilities": (changed(logprobs=True), 400, "unsupported_parameter", "logprobs"),
    "tools a model lacks": (
        changed(tools=[{"type": "function", "function": {"name": "f"}}]),
        400,
        "unsupported_parameter",
        "tools",
    ),
    "a schema that is not there": (
        changed(response_format={"type": "json_schema"}),
        400,
        "invalid_value",
        "response_format",
    ),
    "JSON from quotations": (
        changed(
            model="valbourg-guichet",
            messages=[{"role": "user", "content": "Was kostet ein Personalausweis?"}],
            response_format={"type": "json_object"},
        ),
        400,
        "unsupported_parameter",
        "response_format",
    ),
    "unknown model": (changed(model="nobody"), 404, "model_not_found", "model"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_by_name_and_recorded(gateway: Installation, name: str) -> None:
    body, status, code, param = BAD[name]
    refused = send(gateway, body)
    assert refused.status_code == status
    assert refused.json is not None
    error = refused.json["error"]
    assert (error["code"], error["param"]) == (code, param)
    assert set(error) == {"message", "type", "param", "code"}
    assert len(error["message"]) > 10
    assert SECRET not in refused.get_data(as_text=True)
    assert refused.headers["x-request-id"]
    assert refused.headers["x-audit-receipt"].startswith("v1.")
    last = gateway.records()[-1]
    assert last["kind"] in {"request.refused", "chat.failed"}
    assert last["http"]["status"] == status
    assert SECRET not in json.dumps(gateway.records())
    assert gateway.model_server.bodies == []
    assert send(gateway, json.dumps(GOOD).encode()).status_code == 200


def test_all_faults_of_a_body_come_in_one_answer(gateway: Installation) -> None:
    refused = send(gateway, changed(temperature=9, top_p="x", messages=[{"role": "bob"}]))
    assert refused.json is not None
    for field in ("temperature", "top_p", "messages[0]"):
        assert field in refused.json["error"]["message"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (changed(stop=["a"] * 5), "stop: list should have at most 4 items"),
        (user([]), "messages[0].content: list should have at least 1 item"),
    ],
)
def test_a_list_of_a_wrong_length_is_told_as_such(
    gateway: Installation, body: bytes, words: str
) -> None:
    refused = send(gateway, body)
    assert refused.status_code == 400
    assert refused.json is not None
    assert refused.json["error"]["message"].startswith(words)


def test_another_media_type_is_refused(gateway: Installation) -> None:
    refused = send(gateway, json.dumps(GOOD).encode(), **{"Content-Type": "text/plain"})
    assert refused.status_code == 415
    assert send(gateway, json.dumps(GOOD).encode()).status_code == 200


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/v1/nothing", "get", 404),
        ("/v1/models", "delete", 405),
        ("/v1/chat/completions", "get", 405),
    ],
)
def test_a_wrong_address_gets_the_same_envelope(
    gateway: Installation, path: str, method: str, status: int
) -> None:
    call: Callable[..., TestResponse] = getattr(gateway.client, method)
    refused = call(path, headers=gateway.headers())
    assert refused.status_code == status
    assert refused.json is not None
    assert set(refused.json["error"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize("header", [None, "Basic abc", "Bearer", "Bearer nonsense", "Bearer pv-x"])
def test_no_or_a_nonsense_token_writes_only_the_platform_log(
    gateway: Installation, header: str | None
) -> None:
    before = len(gateway.records())
    headers = {"Authorization": header} if header else {}
    refused = gateway.client.post("/v1/chat/completions", json=GOOD, headers=headers)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Bearer")
    assert "x-audit-receipt" not in refused.headers
    assert len(gateway.records()) == before


def test_a_token_of_another_agency_finds_nothing_here(gateway: Installation) -> None:
    foreign = gateway.client.post(
        "/v1/chat/completions", json=GOOD, headers=gateway.headers("habitat")
    )
    assert foreign.status_code == 404
    assert gateway.records() == [] or gateway.records()[-1]["kind"] == "log.created"
    own = gateway.client.post("/v1/chat/completions", json=GOOD, headers=gateway.headers())
    assert own.status_code == 200


def test_an_expired_token_says_so(gateway: Installation) -> None:
    expired = gateway.headers(exp=1_700_000_000, iat=1_699_999_000)
    refused = gateway.client.get("/v1/models", headers=expired)
    assert refused.status_code == 401
    assert refused.json is not None
    assert refused.json["error"]["code"] == "token_expired"
    assert gateway.client.get("/v1/models", headers=gateway.headers()).status_code == 200


def test_unknown_fields_are_dropped_where_the_site_says_so(
    gateway: Installation,
) -> None:
    settings = gateway.services.settings.model_copy(update={"unknown_fields": "drop"})
    assert send(gateway, changed(frobnicate=1)).status_code == 400
    gateway.replace(settings=settings)
    assert send(gateway, changed(frobnicate=1)).status_code == 200
    assert "frobnicate" not in gateway.model_server.requests[-1]
