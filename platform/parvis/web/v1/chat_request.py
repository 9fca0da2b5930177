"""The body of `/v1/chat/completions`: what clients may send, checked once, here.

Every fault of a body is told in one 400, by field and with what was expected; nothing that the
client sent is repeated. What reaches a model is forwarded only when the client set it.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Discriminator, Field, Tag, model_validator

from parvis.domain import Channel, ChatTurn
from parvis.errors import InvalidRequest
from parvis.inference.models import MOST_CHOICES
from parvis.settings import Settings
from parvis.web.v1.bodies import NAME_PATTERN, Body, read_body

_MAX_STOP = 4

# accepted so that ordinary clients work; never forwarded to a model server
_KEPT_HERE = frozenset(
    {
        *("user", "safety_identifier", "prompt_cache_key", "metadata", "store", "service_tier"),
        *("model", "messages", "stream", "stream_options", "logprobs", "modalities"),
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


class TextPart(Body):
    type: Literal["text"]
    text: str


Content = str | Annotated[list[TextPart], Field(min_length=1)]


class FunctionCall(Body):
    name: str = Field(min_length=1, max_length=128, pattern=NAME_PATTERN)
    arguments: str


class ToolCall(Body):
    id: str = Field(min_length=1, max_length=128)
    type: Literal["function"]
    function: FunctionCall


class SystemMessage(Body):
    role: Literal["system", "developer"]
    content: Content
    name: str | None = Field(None, max_length=64)


class UserMessage(Body):
    role: Literal["user"]
    content: Content
    name: str | None = Field(None, max_length=64)


class AssistantMessage(Body):
    role: Literal["assistant"]
    content: Content | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    name: str | None = Field(None, max_length=64)
    tool_calls: list[ToolCall] | None = Field(None, max_length=128)
    # what an SDK's own answer object carries when it is sent back as history
    annotations: list[Any] | None = None
    audio: None = None
    function_call: None = None


class ToolMessage(Body):
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


class FunctionTool(Body):
    name: str = Field(min_length=1, max_length=64, pattern=NAME_PATTERN)
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class Tool(Body):
    type: Literal["function"]
    function: FunctionTool


class NamedFunction(Body):
    name: str = Field(min_length=1, max_length=64, pattern=NAME_PATTERN)


class NamedTool(Body):
    type: Literal["function"]
    function: NamedFunction


class JsonSchema(Body):
    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=True)
    name: str = Field(min_length=1, max_length=64, pattern=NAME_PATTERN)
    description: str | None = None
    schema_: dict[str, Any] | None = Field(None, alias="schema")
    strict: bool | None = None


class ResponseFormat(Body):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None

    @model_validator(mode="after")
    def _names_its_schema(self) -> Self:
        if self.type == "json_schema" and (
            self.json_schema is None or not self.json_schema.schema_
        ):
            raise ValueError("json_schema needs a schema to be held to")
        return self


class StreamOptions(Body):
    include_usage: bool = False
    include_obfuscation: bool | None = None


Number = Annotated[float, Field(strict=False)]


class ChatRequest(Body):
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
    n: int | None = Field(None, ge=1, le=MOST_CHOICES)
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
    """A checked request from the raw body; raises what `read_body` raises."""
    request = read_body(
        ChatRequest,
        body,
        settings,
        why_not=_WHY_NOT,
        unsupported={
            "logprobs": "token probabilities would show masked text; remove it",
            "modalities": "only text is answered here",
        },
    )
    check_messages([message.role for message in request.messages], settings, "messages")
    return request


def check_messages(roles: Sequence[str], settings: Settings, field: str) -> None:
    """Raise InvalidRequest for too many messages, or for none of a person."""
    if len(roles) > settings.max_messages:
        raise InvalidRequest(
            f"{field}: expected at most {settings.max_messages} messages.", param=field
        )
    if "user" not in roles:
        raise InvalidRequest(
            f"{field}: expected at least one message of the role user.", param=field
        )


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


def _forwarded(message: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in message.items() if key != "annotations"}
    if isinstance(kept.get("content"), list):  # text parts only: one text says the same
        kept["content"] = "\n".join(part["text"] for part in kept["content"])
    if kept["role"] == "developer":
        kept["role"] = "system"
    return kept
