"""Every string of a chat request that a client wrote and a model would read.

One walk serves both ways: `collect_texts` lists them in a fixed order, `replace_texts` puts
others in their places. What only steers (roles, ids, types, function names) is not text.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

Visit = Callable[[str], str]

_STEERING = frozenset({"role", "type", "id", "tool_call_id", "tool_choice", "index"})
_SCHEMA_WORDS = frozenset(
    {
        *("type", "properties", "required", "items", "enum", "const", "description", "title"),
        *("default", "examples", "format", "pattern", "anyOf", "oneOf", "allOf", "not", "$ref"),
        *("$defs", "definitions", "additionalProperties", "minimum", "maximum", "minLength"),
        *("maxLength", "minItems", "maxItems", "uniqueItems", "nullable", "strict", "$schema"),
    }
)
_SCHEMA_STEERING = frozenset({"type", "format", "$ref", "$schema"})


def collect_texts(
    messages: Sequence[Mapping[str, Any]], options: Mapping[str, Any]
) -> tuple[str, ...]:
    """All texts, messages first, in the order in which they stand."""
    found: list[str] = []

    def note(text: str) -> str:
        found.append(text)
        return text

    _walk_request(messages, options, note)
    return tuple(found)


def replace_texts(
    messages: Sequence[Mapping[str, Any]], options: Mapping[str, Any], texts: Sequence[str]
) -> tuple[tuple[dict[str, Any], ...], dict[str, Any]]:
    """Copies of messages and options with `texts` (as `collect_texts` ordered them) in place.

    Raises ValueError when the number of texts is another one.
    """
    remaining: Iterator[str] = iter(texts)
    count = 0

    def put(_old: str) -> str:
        nonlocal count
        count += 1
        return next(remaining)

    try:
        replaced = _walk_request(messages, options, put)
    except StopIteration:  # pragma: no cover - a caller's mistake
        raise ValueError("fewer texts than places") from None
    if count != len(texts):
        raise ValueError("more texts than places")
    return replaced


def _walk_request(
    messages: Sequence[Mapping[str, Any]], options: Mapping[str, Any], visit: Visit
) -> tuple[tuple[dict[str, Any], ...], dict[str, Any]]:
    walked = tuple(_walk_message(message, visit) for message in messages)
    return walked, {name: _walk_option(name, value, visit) for name, value in options.items()}


def _walk_message(message: Mapping[str, Any], visit: Visit) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in message.items():
        if key == "tool_calls":
            out[key] = [_walk_call(call, visit) for call in value]
        elif key not in _STEERING and isinstance(value, str):
            out[key] = visit(value)
        else:
            out[key] = value
    return out


def _walk_call(call: Mapping[str, Any], visit: Visit) -> dict[str, Any]:
    function = call["function"]
    arguments = _walk_json_text(function["arguments"], visit)
    return {**call, "function": {**function, "arguments": arguments}}


def _walk_json_text(text: str, visit: Visit) -> str:
    try:
        value = json.loads(text)
    except ValueError:
        return visit(text)
    return json.dumps(_walk_value(value, visit), ensure_ascii=False)


def _walk_value(value: Any, visit: Visit) -> Any:
    if isinstance(value, str):
        return visit(value)
    if isinstance(value, list):
        return [_walk_value(item, visit) for item in value]
    if isinstance(value, dict):
        return {visit(key): _walk_value(item, visit) for key, item in value.items()}
    return value


def _walk_option(name: str, value: Any, visit: Visit) -> Any:
    if name == "stop":
        return _walk_value(value, visit)
    if name == "tools":
        return [_walk_tool(tool, visit) for tool in value]
    if name == "response_format":
        return _walk_format(value, visit)
    return value


def _walk_tool(tool: Mapping[str, Any], visit: Visit) -> dict[str, Any]:
    function = dict(tool["function"])
    if function.get("description"):
        function["description"] = visit(function["description"])
    if function.get("parameters"):
        function["parameters"] = _walk_schema(function["parameters"], visit)
    return {**tool, "function": function}


def _walk_format(value: Mapping[str, Any], visit: Visit) -> dict[str, Any]:
    out = dict(value)
    if out.get("json_schema"):
        schema = dict(out["json_schema"])
        if schema.get("description"):
            schema["description"] = visit(schema["description"])
        if schema.get("schema"):
            schema["schema"] = _walk_schema(schema["schema"], visit)
        out["json_schema"] = schema
    return out


def _walk_schema(value: Any, visit: Visit) -> Any:
    if isinstance(value, str):
        return visit(value)
    if isinstance(value, list):
        return [_walk_schema(item, visit) for item in value]
    if not isinstance(value, dict):
        return value
    out = {}
    for key, item in value.items():
        name = key if key in _SCHEMA_WORDS else visit(key)
        steers = key in _SCHEMA_STEERING and not isinstance(item, dict)
        out[name] = item if steers else _walk_schema(item, visit)
    return out
