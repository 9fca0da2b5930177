"""A body for every field under `/v1` that can hold text, with personal data in that field.

`tests/web/test_every_path.py` says what must happen to each, and that none is missing.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

from stdnum import luhn, verhoeff

CHAT, RESP = "/v1/chat/completions", "/v1/responses"
BARE, DESK = "valbourg-brut", "valbourg-guichet"


def _matricule(start: str) -> str:
    return start + luhn.calc_check_digit(start) + verhoeff.calc_check_digit(start)


# in each language a name, an e-mail address, an IBAN and a matricule
SEEDS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "fr": (
        "Madame {}, {}, compte {}, matricule {}.",
        (
            *("Camille Lefèvre", "camille.lefevre@example.org"),
            *("FR14 2004 1010 0505 0001 3M02 606", _matricule("19810305123")),
        ),
    ),
    "de": (
        "Frau {}, {}, Konto {}, Matrikel {}.",
        (
            *("Sabine Schröder", "sabine.schroeder@example.org"),
            *("DE89 3704 0044 0532 0130 00", _matricule("19760911045")),
        ),
    ),
    "lb": (
        "D'Madamm {}, {}, Kont {}, Matricule {}.",
        (
            *("Josiane Kieffer", "josiane.kieffer@example.org"),
            *("LU28 0019 4006 4475 0000", _matricule("19690724311")),
        ),
    ),
    "en": (
        "Mrs {}, {}, account {}, matricule {}.",
        (
            *("Margaret Whitfield", "margaret.whitfield@example.org"),
            *("GB29 NWBK 6016 1331 9268 19", _matricule("19931201057")),
        ),
    ),
}
VALUES = [value for _, values in SEEDS.values() for value in values]
WHOLE = " ".join(sentence.format(*values) for sentence, values in SEEDS.values())
SHORT = "margaret.whitfield@example.org"
NAME = "write_to_margaret_whitfield"
USER = {"role": "user", "content": "Hello there."}


class Path(NamedTuple):
    """What happens to a field, and a body that has a seed in it.

    masked: reaches the model with placeholders; name: is renamed there and back; kept: goes
    nowhere; unknown: names nothing, so nothing is asked.
    """

    how: Literal["masked", "name", "kept", "unknown"]
    build: Callable[[str], dict[str, Any]]
    seed: str = WHOLE


def chat(*messages: Any, **fields: Any) -> dict[str, Any]:
    return {"model": BARE, "messages": [USER, *messages], **fields}


def respond(*items: Any, **fields: Any) -> dict[str, Any]:
    return {"model": BARE, "input": [USER, *items], **fields}


def chat_call(name: str = "f", call_id: str = "c", arguments: str = "{}") -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": call_id, "type": "function", "function": function}],
    }


def chat_tool(name: str = "f", **fields: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, **fields}}


def schema_format(name: str = "n", **fields: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": name, "schema": {"a": 1}, **fields}}


def text_format(name: str = "n", **fields: Any) -> dict[str, Any]:
    given = {"type": "json_schema", "name": name, "schema": {"a": 1}, **fields}
    return {"format": given}


def schema_of(seed: str) -> dict[str, Any]:
    """A seed in every place of a schema that is not the standard's own word."""
    return {
        "type": "object",
        "title": seed,
        "description": seed,
        "$comment": seed,
        "properties": {SHORT: {"enum": [seed], "default": seed, "pattern": seed}},
        "required": [SHORT],
        "examples": [{"x": seed}],
        "x-own": seed,
    }


def message_item(part: Mapping[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": [part]}


def call_item(**fields: Any) -> dict[str, Any]:
    return {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}", **fields}


def output_item(**fields: Any) -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": "c", "output": "o", **fields}


def both(field: str, how: Literal["masked", "kept"], value: Callable[[str], Any]) -> Any:
    """The same field of both endpoints that write."""
    return {
        f"/v1/chat/completions ChatRequest.{field}": Path(how, lambda s: chat(**{field: value(s)})),
        f"/v1/responses ResponsesRequest.{field}": Path(
            how, lambda s: respond(**{field: value(s)})
        ),
    }


PATHS: dict[str, Path] = {
    # fields that clients send for their own ends
    **both("user", "kept", str),
    **both("safety_identifier", "kept", str),
    **both("prompt_cache_key", "kept", str),
    **both("prompt_cache_retention", "kept", str),
    **both("service_tier", "kept", str),
    **both("metadata", "kept", lambda s: {s: s}),
    f"{CHAT} ChatRequest.model": Path("unknown", lambda s: chat() | {"model": s}, SHORT),
    f"{RESP} ResponsesRequest.model": Path("unknown", lambda s: respond() | {"model": s}, SHORT),
    # messages of a chat
    f"{CHAT} ChatRequest.stop": Path("masked", lambda s: chat(stop=[s])),
    f"{CHAT} TextPart.text": Path(
        "masked", lambda s: chat({"role": "user", "content": [{"type": "text", "text": s}]})
    ),
    f"{CHAT} SystemMessage.content": Path(
        "masked", lambda s: chat({"role": "developer", "content": s})
    ),
    f"{CHAT} SystemMessage.name": Path(
        "kept", lambda s: chat({"role": "system", "content": "x", "name": s}), SHORT
    ),
    f"{CHAT} UserMessage.content": Path("masked", lambda s: chat({"role": "user", "content": s})),
    f"{CHAT} UserMessage.name": Path(
        "masked", lambda s: chat({"role": "user", "content": "x", "name": s}), SHORT
    ),
    f"{CHAT} AssistantMessage.content": Path(
        "masked", lambda s: chat({"role": "assistant", "content": s})
    ),
    f"{CHAT} AssistantMessage.refusal": Path(
        "masked", lambda s: chat({"role": "assistant", "content": "x", "refusal": s})
    ),
    f"{CHAT} AssistantMessage.reasoning_content": Path(
        "masked", lambda s: chat({"role": "assistant", "content": "x", "reasoning_content": s})
    ),
    f"{CHAT} AssistantMessage.name": Path(
        "masked", lambda s: chat({"role": "assistant", "content": "x", "name": s}), SHORT
    ),
    f"{CHAT} AssistantMessage.annotations": Path(
        "kept", lambda s: chat({"role": "assistant", "content": "x", "annotations": [{"a": s}]})
    ),
    f"{CHAT} ToolMessage.content": Path(
        "masked",
        lambda s: chat(
            chat_call(), {"role": "tool", "tool_call_id": "c", "content": json.dumps({"r": s})}
        ),
    ),
    f"{CHAT} ToolMessage.tool_call_id": Path(
        "masked",
        lambda s: chat(chat_call(call_id=s), {"role": "tool", "tool_call_id": s, "content": "x"}),
        SHORT,
    ),
    # tools and schemas of a chat
    f"{CHAT} ToolCall.id": Path("masked", lambda s: chat(chat_call(call_id=s)), SHORT),
    f"{CHAT} FunctionCall.arguments": Path(
        "masked", lambda s: chat(chat_call(arguments=json.dumps({"a": [s, {"b": s}]})))
    ),
    f"{CHAT} FunctionCall.name": Path("name", lambda s: chat(chat_call(name=s)), NAME),
    f"{CHAT} FunctionTool.name": Path("name", lambda s: chat(tools=[chat_tool(s)]), NAME),
    f"{CHAT} FunctionTool.description": Path(
        "masked", lambda s: chat(tools=[chat_tool(description=s)])
    ),
    f"{CHAT} FunctionTool.parameters": Path(
        "masked", lambda s: chat(tools=[chat_tool(parameters=schema_of(s))])
    ),
    f"{CHAT} NamedFunction.name": Path(
        "name", lambda s: chat(tools=[chat_tool(s)], tool_choice=chat_tool(s)), NAME
    ),
    f"{CHAT} JsonSchema.name": Path("name", lambda s: chat(response_format=schema_format(s)), NAME),
    f"{CHAT} JsonSchema.description": Path(
        "masked", lambda s: chat(response_format=schema_format(description=s))
    ),
    f"{CHAT} JsonSchema.schema_": Path(
        "masked", lambda s: chat(response_format=schema_format(schema=schema_of(s)))
    ),
    # the responses API
    f"{RESP} ResponsesRequest.input": Path("masked", lambda s: respond() | {"input": s}),
    f"{RESP} ResponsesRequest.instructions": Path("masked", lambda s: respond(instructions=s)),
    f"{RESP} TextPart.text": Path(
        "masked", lambda s: respond(message_item({"type": "output_text", "text": s}))
    ),
    f"{RESP} TextPart.annotations": Path(
        "kept",
        lambda s: respond(message_item({"type": "output_text", "text": "x", "annotations": [s]})),
    ),
    f"{RESP} TextPart.logprobs": Path(
        "kept",
        lambda s: respond(message_item({"type": "output_text", "text": "x", "logprobs": [s]})),
    ),
    f"{RESP} RefusalPart.refusal": Path(
        "masked", lambda s: respond(message_item({"type": "refusal", "refusal": s}))
    ),
    f"{RESP} MessageItem.content": Path(
        "masked", lambda s: respond({"role": "user", "content": s})
    ),
    f"{RESP} CallItem.call_id": Path("masked", lambda s: respond(call_item(call_id=s)), SHORT),
    f"{RESP} CallItem.name": Path("name", lambda s: respond(call_item(name=s)), NAME),
    f"{RESP} CallItem.arguments": Path(
        "masked", lambda s: respond(call_item(arguments=json.dumps({"a": s})))
    ),
    f"{RESP} CallOutputItem.call_id": Path(
        "masked", lambda s: respond(call_item(call_id=s), output_item(call_id=s)), SHORT
    ),
    f"{RESP} CallOutputItem.output": Path(
        "masked", lambda s: respond(call_item(), output_item(output=json.dumps([s])))
    ),
    f"{RESP} ReasoningPart.text": Path(
        "kept",
        lambda s: respond({"type": "reasoning", "summary": [{"type": "summary_text", "text": s}]}),
    ),
    f"{RESP} ReasoningItem.encrypted_content": Path(
        "kept", lambda s: respond({"type": "reasoning", "encrypted_content": s})
    ),
    f"{RESP} FunctionTool.name": Path(
        "name", lambda s: respond(tools=[{"type": "function", "name": s}]), NAME
    ),
    f"{RESP} FunctionTool.description": Path(
        "masked", lambda s: respond(tools=[{"type": "function", "name": "f", "description": s}])
    ),
    f"{RESP} FunctionTool.parameters": Path(
        "masked",
        lambda s: respond(tools=[{"type": "function", "name": "f", "parameters": schema_of(s)}]),
    ),
    f"{RESP} NamedTool.name": Path(
        "name",
        lambda s: respond(
            tools=[{"type": "function", "name": s}], tool_choice={"type": "function", "name": s}
        ),
        NAME,
    ),
    f"{RESP} TextFormat.name": Path("name", lambda s: respond(text=text_format(s)), NAME),
    f"{RESP} TextFormat.description": Path(
        "masked", lambda s: respond(text=text_format(description=s))
    ),
    f"{RESP} TextFormat.schema_": Path(
        "masked", lambda s: respond(text=text_format(schema=schema_of(s)))
    ),
    # vectors and rankings
    "/v1/embeddings EmbeddingsRequest.model": Path(
        "unknown", lambda s: {"model": s, "input": "x"}, SHORT
    ),
    "/v1/embeddings EmbeddingsRequest.input": Path(
        "masked", lambda s: {"model": DESK, "input": [s]}
    ),
    "/v1/embeddings EmbeddingsRequest.user": Path(
        "kept", lambda s: {"model": DESK, "input": "x", "user": s}
    ),
    "/v1/rerank RerankRequest.model": Path(
        "unknown", lambda s: {"model": s, "query": "x", "documents": ["y"]}, SHORT
    ),
    "/v1/rerank RerankRequest.query": Path(
        "masked", lambda s: {"model": DESK, "query": s, "documents": ["y"]}
    ),
    "/v1/rerank RerankRequest.documents": Path(
        "masked", lambda s: {"model": DESK, "query": "x", "documents": ["y", s]}
    ),
    "/v1/rerank Document.text": Path(
        "masked", lambda s: {"model": DESK, "query": "x", "documents": [{"text": s}]}
    ),
}
for _kind in ("MessageItem", "CallItem", "CallOutputItem", "ReasoningItem"):
    _made: dict[str, Callable[..., dict[str, Any]]] = {
        "MessageItem": lambda **f: {"role": "user", "content": "x", **f},
        "CallItem": call_item,
        "CallOutputItem": output_item,
        "ReasoningItem": lambda **f: {"type": "reasoning", **f},
    }
    for _field in ("id", "status", *(("phase",) if _kind == "MessageItem" else ())):
        PATHS[f"{RESP} {_kind}.{_field}"] = Path(
            "kept", lambda s, m=_made[_kind], f=_field: respond(call_item(), m(**{f: s})), SHORT
        )
