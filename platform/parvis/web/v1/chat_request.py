"""The body of `/v1/chat/completions`: what clients may send, checked once, here.

Every fault of a body is told in one 400, by field and with what was expected; nothing that the
client sent is repeated. What reaches a model is forwarded only when the client set it.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Self

import orjson
from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    model_validator,
)

from parvis.domain import Channel, ChatTurn
from parvis.errors import ContextTooLong, InvalidRequest, UnsupportedParameter
from parvis.settings import Settings

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_FIELD_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_MAX_STOP = 4
_LENGTHS = frozenset({"too_long", "too_short"})
# steps that pydantic adds to a location for the branch of a union
_UNION_TAGS = frozenset({"system", "user", "assistant", "tool", "str"})

# accepted so that ordinary clients work; never forwarded to a model server
_KEPT_HERE = frozenset(
    {
        *("user", "safety_identifier", "prompt_cache_key", "metadata", "store", "service_tier"),
        *("model", "messages", "stream", "stream_options", "n", "logprobs", "modalities"),
        *("verbosity", "prompt_cache_retention"),
    }
)
_WHY_NOT = {
    "logit_bias": "token biases cannot be used where personal data is masked; remove it",
    "top_logprobs": "token probabilities would show masked text; remove it",
    "functions": "use `tools` instead",
    "function_call": "use `tool_choice` instead",
    "audio": "only text is answered here; remove it",
    "web_search_options": "nothing is fetched from outside; remove it",
    "prediction": "not supported; remove it",
}


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class TextPart(_Body):
    type: Literal["text"]
    text: str


Content = str | Annotated[list[TextPart], Field(min_length=1)]


class FunctionCall(_Body):
    name: str = Field(min_length=1, max_length=128, pattern="^[A-Za-z0-9_-]+$")
    arguments: str


class ToolCall(_Body):
    id: str = Field(min_length=1, max_length=128)
    type: Literal["function"]
    function: FunctionCall


class SystemMessage(_Body):
    role: Literal["system", "developer"]
    content: Content
    name: str | None = Field(None, max_length=64)


class UserMessage(_Body):
    role: Literal["user"]
    content: Content
    name: str | None = Field(None, max_length=64)


class AssistantMessage(_Body):
    role: Literal["assistant"]
    content: Content | None = None
    refusal: str | None = None
    name: str | None = Field(None, max_length=64)
    tool_calls: list[ToolCall] | None = Field(None, max_length=128)
    # what an SDK's own answer object carries when it is sent back as history
    annotations: list[Any] | None = None
    audio: None = None
    function_call: None = None


class ToolMessage(_Body):
    role: Literal["tool"]
    content: Content
    tool_call_id: str = Field(min_length=1, max_length=128)


def _role(value: Any) -> str | None:
    role = value.get("role") if isinstance(value, dict) else getattr(value, "role", None)
    return {"developer": "system"}.get(role, role) if isinstance(role, str) else None


Message = Annotated[
    Annotated[SystemMessage, Tag("system")]
    | Annotated[UserMessage, Tag("user")]
    | Annotated[AssistantMessage, Tag("assistant")]
    | Annotated[ToolMessage, Tag("tool")],
    Discriminator(
        _role,
        custom_error_type="role",
        custom_error_message="expected an object with a role: system, developer, user, "
        "assistant or tool",
    ),
]


class FunctionTool(_Body):
    name: str = Field(min_length=1, max_length=64, pattern="^[A-Za-z0-9_-]+$")
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class Tool(_Body):
    type: Literal["function"]
    function: FunctionTool


class NamedFunction(_Body):
    name: str = Field(min_length=1, max_length=64, pattern="^[A-Za-z0-9_-]+$")


class NamedTool(_Body):
    type: Literal["function"]
    function: NamedFunction


class JsonSchema(_Body):
    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=True)
    name: str = Field(min_length=1, max_length=64, pattern="^[A-Za-z0-9_-]+$")
    description: str | None = None
    schema_: dict[str, Any] | None = Field(None, alias="schema")
    strict: bool | None = None


class ResponseFormat(_Body):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None

    @model_validator(mode="after")
    def _names_its_schema(self) -> Self:
        if self.type == "json_schema" and (
            self.json_schema is None or not self.json_schema.schema_
        ):
            raise ValueError("json_schema needs a schema to be held to")
        return self


class StreamOptions(_Body):
    include_usage: bool = False
    include_obfuscation: bool | None = None


Number = Annotated[float, Field(strict=False)]


class ChatRequest(_Body):
    """OpenAI's chat completion request, as far as it is supported (design: text and tools)."""

    model: str = Field(min_length=1, max_length=128)
    messages: list[Message] = Field(min_length=1)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: Number | None = Field(None, ge=0, le=2)
    top_p: Number | None = Field(None, ge=0, le=1)
    top_k: int | None = Field(None, ge=-1)
    min_p: Number | None = Field(None, ge=0, le=1)
    repetition_penalty: Number | None = Field(None, gt=0, le=10)
    presence_penalty: Number | None = Field(None, ge=-2, le=2)
    frequency_penalty: Number | None = Field(None, ge=-2, le=2)
    seed: int | None = None
    n: Literal[1] | None = None
    stop: str | Annotated[list[str], Field(max_length=_MAX_STOP)] | None = None
    max_tokens: int | None = Field(None, ge=1, le=1_000_000)
    max_completion_tokens: int | None = Field(None, ge=1, le=1_000_000)
    tools: list[Tool] | None = Field(None, max_length=128)
    tool_choice: Literal["none", "auto", "required"] | NamedTool | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh"] | None = None
    logprobs: Literal[False] | None = None
    modalities: list[Literal["text"]] | None = Field(None, min_length=1)
    verbosity: Literal["low", "medium", "high"] | None = None
    user: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    prompt_cache_retention: str | None = None
    metadata: dict[str, str] | None = Field(None, max_length=16)
    store: bool | None = None
    service_tier: str | None = None

    @property
    def include_usage(self) -> bool:
        """True when the client asked for a usage chunk at the end of its stream."""
        return bool(self.stream_options and self.stream_options.include_usage)


def parse_chat_request(body: bytes, settings: Settings) -> ChatRequest:
    """A checked request from the raw body.

    Raises InvalidRequest that names every fault (`param` is the first one's field),
    UnsupportedParameter for fields that exist elsewhere, ContextTooLong past the text limit.
    """
    data = parse_json_object(body, settings.max_json_depth)
    _settle_unknown_fields(data, drop=settings.unknown_fields == "drop")
    try:
        request = ChatRequest.model_validate(data)
    except ValidationError as error:
        raise _fault_of(error) from None
    if len(request.messages) > settings.max_messages:
        raise InvalidRequest(
            f"messages: expected at most {settings.max_messages} messages.", param="messages"
        )
    if not any(message.role == "user" for message in request.messages):
        raise InvalidRequest(
            "messages: expected at least one message of the role user.", param="messages"
        )
    _check_texts(data, settings.max_text_chars)
    return request


def build_turn(request: ChatRequest, *, request_id: str) -> ChatTurn:
    """The turn that the hall answers: the client's messages and what it set for the model."""
    sent = request.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_unset=True)
    options = {name: value for name, value in sent.items() if name not in _KEPT_HERE}
    messages = tuple(_forwarded(message) for message in sent["messages"])
    return ChatTurn(
        assistant_id=request.model,
        messages=messages,
        channel=Channel.API,
        options=options,
        request_id=request_id,
    )


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


def _forwarded(message: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in message.items() if key != "annotations"}
    if isinstance(kept.get("content"), list):  # text parts only: one text says the same
        kept["content"] = "\n".join(part["text"] for part in kept["content"])
    if kept["role"] == "developer":
        kept["role"] = "system"
    return kept


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


def _settle_unknown_fields(data: dict[str, Any], *, drop: bool) -> None:
    unknown = [name for name in data if name not in ChatRequest.model_fields]
    if drop:
        for name in unknown:
            del data[name]
        return
    unset = [name for name in unknown if data[name] is None]
    for name in unset:  # SDKs send null for what was not set
        del data[name]
    told = [_tell_unknown(name) for name in unknown if name not in unset]
    if told:
        param = next((name for name, _ in told if name), None)
        raise UnsupportedParameter(" ".join(words for _, words in told), param=param)


def _tell_unknown(name: str) -> tuple[str | None, str]:
    if not _FIELD_NAME.fullmatch(name):
        return None, "A field of the request has a name that is not known here; remove it."
    return name, f"{name}: {_WHY_NOT.get(name, 'not known here; remove it')}."


def _fault_of(error: ValidationError) -> InvalidRequest:
    words: dict[str, str] = {}
    items = error.errors(include_input=False, include_url=False, include_context=False)
    # of text-or-list both branches fail: a fault of the list's length says more than "not a text"
    for item in items:
        field = _field_of(item["loc"])
        if field not in words or item["type"] in _LENGTHS:
            words[field] = f"{field}: {_tell(item['type'], item['msg'])}"
    param = next(iter(words))
    kind = UnsupportedParameter if param in {"n", "logprobs", "modalities"} else InvalidRequest
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
