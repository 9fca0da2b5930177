"""Every string of a chat request that a client wrote and a model would read.

One walk serves both ways: `collect_texts` lists them in a fixed order, `replace_texts` puts
others in their places. What only steers (roles, types) is not text. A name of a tool or schema is
looked at as words and stays a name; `find_renamed` says which ones changed.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from parvis.errors import InvalidRequest
from parvis.privacy import is_common_word

Visit = Callable[[str], str]

_STEERING = frozenset({"role", "type"})
_NAME_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_NOT_IN_NAME = re.compile(r"[^A-Za-z0-9_-]+")
_NAME_CHARS = 64
# a shorter number says nothing about a person
_NUMBER_SIGNS = 6
_SCHEMA_WORDS = frozenset(
    {
        *("type", "properties", "required", "items", "enum", "const", "description", "title"),
        *("default", "examples", "format", "pattern", "anyOf", "oneOf", "allOf", "not", "$ref"),
        *("$defs", "definitions", "additionalProperties", "uniqueItems", "nullable", "strict"),
        "$schema",
    }
)
# how long, how many, how much: numbers under these words are limits
_SCHEMA_BOUNDS = frozenset(
    {
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
        *("minLength", "maxLength", "minItems", "maxItems"),
    }
)
_KEPT_KEYS = _SCHEMA_WORDS | _SCHEMA_BOUNDS
_SCHEMA_TYPES = ("string", "number", "integer", "boolean", "object", "array", "null")
# the values that steer; anything else in their place is a client's own text
_SCHEMA_STEERING: Mapping[str, frozenset[str]] = {
    "type": frozenset(_SCHEMA_TYPES),
    "format": frozenset(
        {
            *("date-time", "date", "time", "duration", "email", "idn-email", "hostname"),
            *("idn-hostname", "ipv4", "ipv6", "uri", "uri-reference", "iri", "iri-reference"),
            *("uuid", "uri-template", "json-pointer", "relative-json-pointer", "regex"),
        }
    ),
    "$schema": frozenset(
        {
            "http://json-schema.org/draft-07/schema#",
            "https://json-schema.org/draft/2019-09/schema",
            "https://json-schema.org/draft/2020-12/schema",
        }
    ),
}


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


def find_renamed(
    messages: Sequence[Mapping[str, Any]],
    options: Mapping[str, Any],
    new_messages: Sequence[Mapping[str, Any]],
    new_options: Mapping[str, Any],
) -> dict[str, str]:
    """The client's own name of each tool that the model knows by another one.

    Raises InvalidRequest when two tools would be one to the model.
    """
    pairs = set(
        zip(_list_names(new_messages, new_options), _list_names(messages, options), strict=True)
    )
    if len({new for new, _ in pairs}) < len(pairs):
        raise InvalidRequest(
            "tools: expected names that differ in more than how a person in them is written.",
            param="tools",
        )
    return {new: old for new, old in pairs if new != old}


def _list_names(messages: Sequence[Mapping[str, Any]], options: Mapping[str, Any]) -> list[str]:
    calls = (call for message in messages for call in message.get("tool_calls") or ())
    return [one["function"]["name"] for one in (*calls, *(options.get("tools") or ()))]


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
        elif key == "content" and isinstance(value, str):
            out[key] = visit(_without_escapes(value))
        elif key not in _STEERING and isinstance(value, str):
            out[key] = visit(value)
        else:
            out[key] = value
    return out


def _walk_call(call: Mapping[str, Any], visit: Visit) -> dict[str, Any]:
    function = call["function"]
    call_id = visit(call["id"])
    arguments = _walk_json_text(function["arguments"], visit)
    name = _walk_name(function["name"], visit)
    return {**call, "id": call_id, "function": {"name": name, "arguments": arguments}}


def _walk_name(name: str, visit: Visit) -> str:
    """The name, or what is left of it as a name: models take letters, digits, `_` and `-` only."""
    words = _name_words(name)
    shown = visit(words)
    return name if shown == words else _NOT_IN_NAME.sub("_", shown).strip("_")[:_NAME_CHARS]


def _name_words(name: str) -> str:
    """`letterTo_marie-dupont` as `Letter To Marie Dupont`, so that a person in it can be found."""
    return " ".join(word[0].upper() + word[1:] for word in _NAME_WORD.findall(name))


def _walk_json_text(text: str, visit: Visit) -> str:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return visit(text)
    return json.dumps(_walk_value(value, visit), ensure_ascii=False)


def _without_escapes(text: str) -> str:
    """A JSON text with its letters as they are: `\\u00e9` would hide a name."""
    if "\\u" not in text:
        return text
    try:
        return json.dumps(json.loads(text), ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def _walk_value(value: Any, visit: Visit, key: str = "") -> Any:
    """The value with its texts visited; `key` is the name that it stands under."""
    if isinstance(value, str):
        return _visit_under(key, value, visit)
    if isinstance(value, int | float):
        return _walk_number(value, visit, key)
    if isinstance(value, list):
        return [_walk_value(item, visit, key) for item in value]
    if isinstance(value, dict):
        return {
            _visit_key(name, visit): _walk_value(item, visit, name) for name, item in value.items()
        }
    return value


def _visit_key(key: str, visit: Visit) -> str:
    """A key in small letters that a dictionary has (`ville`, `heure`) names a field: alone, without
    a sentence around it, it could be taken for a surname."""
    return key if key.islower() and is_common_word(key) else visit(key)


def _walk_number(value: float, visit: Visit, key: str) -> Any:
    """The number, or what stands for it: a phone number is one without quotation marks too."""
    plain = str(value)
    if len(plain) < _NUMBER_SIGNS:
        return value
    shown = _visit_under(key, plain, visit)
    return value if shown == plain else shown


def _visit_under(key: str, value: str, visit: Visit) -> str:
    """The value as it reads beside its key: `12.03.1980` says little, `date_naissance` much."""
    if not key or not value:
        return visit(value)
    before, after = f'"{key}": "', '"'
    shown = visit(before + value + after)
    if shown.startswith(before) and shown.endswith(after):
        return shown[len(before) : -len(after)]
    return shown  # key and value are one thing to hide


def _walk_option(name: str, value: Any, visit: Visit) -> Any:
    if name == "stop":
        return _walk_value(value, visit)
    if name == "tools":
        return [_walk_tool(tool, visit) for tool in value]
    if name == "response_format":
        return _walk_format(value, visit)
    if name == "tool_choice" and isinstance(value, Mapping):
        function = value["function"]
        return {**value, "function": {**function, "name": _walk_name(function["name"], visit)}}
    return value


def _walk_tool(tool: Mapping[str, Any], visit: Visit) -> dict[str, Any]:
    function = dict(tool["function"])
    function["name"] = _walk_name(function["name"], visit)
    if function.get("description"):
        function["description"] = visit(function["description"])
    if function.get("parameters"):
        function["parameters"] = _walk_schema(function["parameters"], visit)
    return {**tool, "function": function}


def _walk_format(value: Mapping[str, Any], visit: Visit) -> dict[str, Any]:
    out = dict(value)
    if out.get("json_schema"):
        schema = dict(out["json_schema"])
        schema["name"] = _walk_name(schema["name"], visit)
        if schema.get("description"):
            schema["description"] = visit(schema["description"])
        if schema.get("schema"):
            schema["schema"] = _walk_schema(schema["schema"], visit)
        out["json_schema"] = schema
    return out


def _walk_schema(value: Any, visit: Visit, word: str = "") -> Any:
    """The schema with its texts visited; `word` is the key that `value` stands under."""
    if isinstance(value, list):
        return [_walk_schema(item, visit, word) for item in value]
    if word == "required" and isinstance(value, str):
        return _visit_key(value, visit)
    if not isinstance(value, dict):
        return value if _steers(word, value) else _walk_value(value, visit)
    return {
        key if key in _KEPT_KEYS else _visit_key(key, visit): _walk_schema(item, visit, key)
        for key, item in value.items()
    }


def _steers(word: str, value: Any) -> bool:
    if isinstance(value, str):
        return value in _SCHEMA_STEERING.get(word, ())
    return word in _SCHEMA_BOUNDS
