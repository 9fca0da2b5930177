"""`/v1/responses`: the same life as a chat, in its own words and exact order of events."""

import json
from dataclasses import replace
from typing import Any

import pytest
from werkzeug.test import TestResponse

from parvis.audit import parse_receipt
from tests.fakes.installation import Installation
from tests.fakes.model_server import Answer

BARE = "valbourg-brut"
TYPED = "Please write to Marie Dupont, marie.dupont@example.org, IBAN LU28 0019 4006 4475 0000."
VALUES = ("Marie", "Dupont", "marie.dupont@example.org", "LU28 0019 4006 4475 0000")
TOOL = {"type": "function", "name": "send_letter", "parameters": {"type": "object"}}


def ask(gateway: Installation, given: Any = TYPED, **fields: Any) -> TestResponse:
    body = {"model": BARE, "input": given, **fields}
    return gateway.client.post("/v1/responses", json=body, headers=gateway.headers())


def read_events(response: TestResponse) -> list[dict[str, Any]]:
    events = []
    for block in response.get_data(as_text=True).split("\n\n"):
        told = [line for line in block.split("\n") if line and not line.startswith(":")]
        lines = dict(line.split(": ", 1) for line in told)
        if "data" in lines:
            data = json.loads(lines["data"])
            assert data["type"] == lines["event"]
            events.append(data)
    return events


def use_tools(gateway: Installation) -> None:
    """Let the demo's model call tools, as a larger one would."""
    models = gateway.services.models
    entry = models.models["demo-small"]
    changed = {**models.models, "demo-small": replace(entry, tools=True)}
    gateway.replace(models=replace(models, models=changed))
    gateway.services.inference._models = changed


def test_values_come_back_and_the_model_never_sees_them(gateway: Installation) -> None:
    response = ask(gateway)
    body = response.json
    assert body is not None
    assert (body["object"], body["status"], body["model"]) == ("response", "completed", BARE)
    assert body["output"][0]["content"][0]["text"] == TYPED
    assert body["store"] is False
    assert body["usage"]["total_tokens"] == 18
    assert body["parvis"]["notice"]
    assert not [value for value in VALUES if value in gateway.model_server.bodies[0].decode()]
    assert "EMAIL=1" in response.headers["x-pii-action"]
    intent, result = gateway.records()[-2:]
    assert (intent["kind"], result["kind"]) == ("chat.started", "chat.finished")
    assert parse_receipt(body["parvis"]["receipt"]).seq == result["seq"]


@pytest.mark.parametrize("piece_chars", [1, 3, 7, 1000])
def test_all_four_copies_of_the_text_are_restored(gateway: Installation, piece_chars: int) -> None:
    gateway.model_server.script(Answer(piece_chars=piece_chars))
    events = read_events(ask(gateway, stream=True))
    names = [event["type"].removeprefix("response.") for event in events]
    assert names[:4] == ["created", "in_progress", "output_item.added", "content_part.added"]
    assert set(names[4:-4]) == {"output_text.delta"}
    assert names[-4:] == [
        *("output_text.done", "content_part.done", "output_item.done", "completed"),
    ]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert "".join(event["delta"] for event in events[4:-4]) == TYPED
    assert events[-4]["text"] == TYPED
    assert events[-3]["part"]["text"] == TYPED
    assert events[-2]["item"]["content"][0]["text"] == TYPED
    assert events[-1]["response"]["output"][0]["content"][0]["text"] == TYPED
    assert events[-1]["response"]["usage"]["output_tokens"] == 7
    assert events[0]["response"]["parvis"]["notice"]


def test_a_call_of_a_tool_is_an_item_of_its_own(gateway: Installation) -> None:
    use_tools(gateway)
    ask(gateway)  # what the model is shown, so that it can be said back
    seen = gateway.model_server.requests[0]["messages"][0]["content"]
    name = seen.removeprefix("Please write to ").split(",")[0]
    arguments = json.dumps({"to": name, "note": f'"{name}"\n'})
    first = {"name": "send_letter", "arguments": ""}
    fragments: list[dict[str, Any]] = [{"index": 0, "id": "call_1", "function": first}]
    fragments += [{"index": 0, "function": {"arguments": sign}} for sign in arguments]
    gateway.model_server.script(
        *[
            Answer(
                deltas=[{"content": "I write."}, *({"tool_calls": [one]} for one in fragments)],
                finish="tool_calls",
            )
        ]
        * 2
    )
    events = read_events(ask(gateway, stream=True, tools=[TOOL]))
    names = [event["type"].removeprefix("response.") for event in events]
    order = list(dict.fromkeys(names))
    assert order == [
        *("created", "in_progress", "output_item.added", "content_part.added"),
        *("output_text.delta", "output_text.done", "content_part.done", "output_item.done"),
        *("function_call_arguments.delta", "function_call_arguments.done", "completed"),
    ]
    message, call = events[-1]["response"]["output"]
    assert message["content"][0]["text"] == "I write."
    assert (call["type"], call["call_id"], call["name"]) == (
        *("function_call", "call_1"),
        "send_letter",
    )
    restored = {"to": "Marie Dupont", "note": '"Marie Dupont"\n'}
    deltas = [e["delta"] for e in events if e["type"].endswith("arguments.delta")]
    done = next(e for e in events if e["type"].endswith("arguments.done"))
    for copy in (
        "".join(deltas),
        done["arguments"],
        call["arguments"],
        events[-2]["item"]["arguments"],
    ):
        assert json.loads(copy) == restored
    whole = ask(gateway, tools=[TOOL]).json
    assert whole is not None
    assert json.loads(whole["output"][1]["arguments"]) == restored


def test_a_history_of_items_reaches_the_model_as_a_chat(gateway: Installation) -> None:
    use_tools(gateway)
    call = {"type": "function_call", "call_id": "c1", "name": "find", "arguments": '{"q": "x"}'}
    items = [
        {"role": "developer", "content": "Be short."},
        {"role": "user", "content": [{"type": "input_text", "text": "Who is Marie Dupont?"}]},
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {
            **{"type": "message", "id": "msg_1", "status": "completed", "role": "assistant"},
            "content": [{"type": "output_text", "text": "I look.", "annotations": []}],
        },
        call,
        {"type": "function_call_output", "call_id": "c1", "output": "Marie Dupont lives here."},
    ]
    options = {
        "instructions": "Answer in German.",
        "max_output_tokens": 9,
        "tools": [TOOL],
        "tool_choice": {"type": "function", "name": "send_letter"},
        "text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}}},
    }
    assert ask(gateway, items, **options).status_code == 200
    sent = gateway.model_server.requests[0]
    assert [message["role"] for message in sent["messages"]] == [
        *("system", "user", "assistant", "tool"),
    ]
    assert sent["messages"][0]["content"] == "Answer in German.\n\nBe short."
    assert sent["messages"][2]["tool_calls"][0]["function"]["arguments"] == '{"q": "x"}'
    assert sent["max_tokens"] == 9
    assert sent["tool_choice"] == {"type": "function", "function": {"name": "send_letter"}}
    assert sent["response_format"]["json_schema"]["name"] == "n"
    assert "Dupont" not in gateway.model_server.bodies[0].decode()


@pytest.mark.parametrize(
    ("fields", "param", "words"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id", "whole history"),
        ({"conversation": "conv_1"}, "conversation", "whole history"),
        ({"background": True}, "background", "at once"),
        ({"truncation": "auto"}, "truncation", "disabled"),
        ({"include": ["message.output_text.logprobs"]}, "include[0]", "reasoning"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type", "function"),
        ({"input": []}, "input", "at least 1"),
        ({"input": [{"type": "input_image"}]}, "input[0]", "an item of type"),
        ({"input": [{"role": "assistant", "content": "x"}]}, "input", "role user"),
        ({"text": {"format": {"type": "json_schema", "name": "n"}}}, "text.format", "a schema"),
        ({"surprise": 1}, "surprise", "not known"),
    ],
)
def test_what_needs_a_memory_or_another_model_is_refused_by_name(
    gateway: Installation, fields: dict[str, Any], param: str, words: str
) -> None:
    refused = ask(gateway, **{"given": fields.pop("input", TYPED), **fields})
    assert refused.status_code == 400
    assert refused.json is not None
    assert refused.json["error"]["param"] == param
    assert words in refused.json["error"]["message"]
    assert gateway.model_server.bodies == []
    assert ask(gateway, store=True, previous_response_id=None).status_code == 200


def test_an_answer_that_is_cut_says_so(gateway: Installation) -> None:
    gateway.model_server.script(Answer(pieces=["Half"], finish="length"))
    events = read_events(ask(gateway, stream=True))
    last = events[-1]
    assert last["type"] == "response.incomplete"
    assert last["response"]["incomplete_details"] == {"reason": "max_output_tokens"}
    assert last["response"]["output"][0]["status"] == "incomplete"


def test_an_error_in_the_stream_is_told_twice_and_recorded(gateway: Installation) -> None:
    gateway.model_server.script(Answer(pieces=["Half of "], drop=True))
    events = read_events(ask(gateway, stream=True))
    assert [event["type"] for event in events[-2:]] == ["error", "response.failed"]
    assert events[-2]["code"] == events[-1]["response"]["error"]["code"] == "upstream_error"
    assert gateway.records()[-1]["kind"] == "chat.failed"
    gateway.model_server.script(Answer(before_head=True))
    refused = ask(gateway, stream=True)
    assert refused.status_code == 502
    assert refused.json is not None
    assert refused.json["error"]["code"] == "upstream_error"


def test_reasoning_comes_back_restored_before_the_answer(gateway: Installation) -> None:
    ask(gateway)
    seen = gateway.model_server.requests[0]["messages"][0]["content"]
    gateway.model_server.script(
        Answer(deltas=[*({"reasoning_content": sign} for sign in seen), {"content": "Yes."}])
    )
    events = read_events(ask(gateway, stream=True))
    reasoning, message = events[-1]["response"]["output"]
    assert reasoning["content"][0]["text"] == TYPED
    assert message["content"][0]["text"] == "Yes."
    names = [event["type"].removeprefix("response.") for event in events]
    assert names.index("reasoning_text.done") < names.index("output_text.delta")
