"""Bodies of requests under `/v1`, checked once: every fault by field, nothing repeated.

What a body may hold is said by its type; this file knows none of them.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from parvis.errors import ContextTooLong, InvalidRequest, UnsupportedParameter
from parvis.settings import Settings

# of a function, a tool or a schema
NAME_PATTERN = "^[A-Za-z0-9_-]+$"
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_FIELD_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_LENGTHS = frozenset({"too_long", "too_short"})
# steps that pydantic adds to a location for the branch of a union
_UNION_TAGS = frozenset({"system", "user", "assistant", "tool", "str"})


class Body(BaseModel):
    """Base of every part of a body: no unknown field, no silent conversion."""

    model_config = ConfigDict(extra="forbid", strict=True)


_B = TypeVar("_B", bound=Body)


def read_body(
    kind: type[_B],
    body: bytes,
    settings: Settings,
    *,
    why_not: Mapping[str, str],
    unsupported: Mapping[str, str] | None = None,
) -> _B:
    """A checked request of this type from the raw body.

    `why_not` tells why fields that exist elsewhere are refused, `unsupported` why some values of
    fields that are known here are. Raises InvalidRequest that names every fault (`param` is the
    first one's field), UnsupportedParameter, ContextTooLong past the text limit.
    """
    data = parse_json_object(body, settings.max_json_depth)
    _settle_unknown_fields(kind, data, why_not, drop=settings.unknown_fields == "drop")
    try:
        request = kind.model_validate(data)
    except ValidationError as error:
        raise _fault_of(error, unsupported or {}) from None
    _check_texts(data, settings.max_text_chars)
    return request


def parse_json_object(body: bytes, max_depth: int) -> dict[str, Any]:
    """The JSON object of a request body; raises InvalidRequest without repeating any of it."""
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidRequest("The body is not valid UTF-8. Send JSON in UTF-8.") from None
    try:
        data = orjson.loads(body)  # its own limit of nesting (1024) keeps the stack safe
    except orjson.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise InvalidRequest(f"The body is not valid JSON (at {place}).") from None
    if not isinstance(data, dict):
        raise InvalidRequest("The body must be a JSON object.")
    if _depth_of(data) > max_depth:
        raise InvalidRequest(f"The JSON is nested deeper than {max_depth} levels.")
    return data


def _depth_of(value: Any) -> int:
    level, depth = [value], 0
    while level:
        depth += 1
        level = [
            item
            for parent in level
            for item in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(item, (dict, list))
        ]
    return depth


def _settle_unknown_fields(
    kind: type[Body], data: dict[str, Any], why_not: Mapping[str, str], *, drop: bool
) -> None:
    unknown = [name for name in data if name not in kind.model_fields]
    if drop:
        for name in unknown:
            del data[name]
        return
    unset = [name for name in unknown if data[name] is None]
    for name in unset:  # SDKs send null for what was not set
        del data[name]
    told = [_tell_unknown(name, why_not) for name in unknown if name not in unset]
    if told:
        param = next((name for name, _ in told if name), None)
        raise UnsupportedParameter(" ".join(words for _, words in told), param=param)


def _tell_unknown(name: str, why_not: Mapping[str, str]) -> tuple[str | None, str]:
    if not _FIELD_NAME.fullmatch(name):
        return None, "A field of the request has a name that is not known here; remove it."
    return name, f"{name}: {why_not.get(name, 'not known here; remove it')}."


def _fault_of(error: ValidationError, unsupported: Mapping[str, str]) -> InvalidRequest:
    words: dict[str, str] = {}
    items = error.errors(include_input=False, include_url=False, include_context=False)
    # of text-or-list both branches fail: a fault of the list's length says more than "not a text"
    fields = [_field_of(item["loc"]) for item in items]
    for item, field in zip(items, fields, strict=True):
        inside = any(other.startswith(f"{field}[") for other in fields)
        if item["type"] == "string_type" and inside:
            continue  # it is a list, and what is wrong stands in it
        if field not in words or item["type"] in _LENGTHS:
            words[field] = f"{field}: {_tell(item['type'], item['msg'])}"
    words |= {field: f"{field}: {unsupported[field]}" for field in words if unsupported.get(field)}
    param = next(iter(words))
    kind = UnsupportedParameter if param in unsupported else InvalidRequest
    return kind(" ".join(f"{told}." for told in words.values()), param=param)


def _field_of(location: tuple[int | str, ...]) -> str:
    name = ""
    for step in location:
        if isinstance(step, int):
            name += f"[{step}]"
        elif _FIELD_NAME.fullmatch(step) and step not in _UNION_TAGS:
            name += f".{step}" if name else step
    return name or "body"


def _tell(kind: str, message: str) -> str:
    if kind == "missing":
        return "required"
    if kind == "extra_forbidden":
        return "not known here; remove it"
    if message.startswith("Value error, "):
        return message.removeprefix("Value error, ")
    return message[0].lower() + message[1:]


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield "", key
            safe = key if _FIELD_NAME.fullmatch(key) else "?"
            yield from _texts(item, f"{path}.{safe}" if path else safe)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, f"{path}[{index}]")


def _check_texts(data: Mapping[str, Any], max_chars: int) -> None:
    total = 0
    for path, text in _texts(data, ""):
        total += len(text)
        if _CONTROL.search(text):
            raise InvalidRequest(
                f"{path or 'body'}: expected text without control characters "
                "(tab and line breaks are fine).",
                param=path or None,
            )
    if total > max_chars:
        raise ContextTooLong(
            f"The request holds more than {max_chars} characters of text. Shorten it.",
        )
