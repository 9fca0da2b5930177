"""The body of `/v1/responses`: the subset that needs no memory, as a turn of the same chat.

Items become chat messages, so that everything behind the door is the same for both endpoints.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Discriminator, Field, Tag, model_validator

from parvis.domain import Channel, ChatTurn
from parvis.settings import Settings
from parvis.web.v1.bodies import NAME_PATTERN, Body, read_body
from parvis.web.v1.chat_request import Number, StreamOptions, check_messages

_NOTHING_IS_KEPT = "no answer is kept here; send the whole history in `input`"
_WHY_NOT = {
    "conversation": _NOTHING_IS_KEPT,
    "prompt": "prompts are the assistant's own; remove it",
    "top_logprobs": "token probabilities would show masked text; remove it",
    "max_tool_calls": "no tool runs here: your client runs them; remove it",
    "context_management": "nothing is dropped from what you send; remove it",
    "moderation": "not supported; remove it",
}


class TextPart(Body):
    type: Literal["input_text", "output_text", "text"]
    text: str
    # what an SDK's own answer object carries when it is sent back as history
    annotations: list[Any] | None = None
    logprobs: list[Any] | None = None


class RefusalPart(Body):
    type: Literal["refusal"]
    refusal: str


class ReasoningPart(Body):
    type: Literal["summary_text", "reasoning_text"]
    text: str


Part = Annotated[TextPart | RefusalPart, Discriminator("type")]
Parts = str | Annotated[list[Part], Field(min_length=1)]


class MessageItem(Body):
    type: Literal["message"] = "message"
    role: Literal["user", "assistant", "system", "developer"]
    content: Parts
    id: str | None = Field(None, max_length=128)
    status: str | None = None
    phase: str | None = None


class CallItem(Body):
    type: Literal["function_call"]
    call_id: str = Field(min_length=1, max_length=128)
    name: str = Field(min_length=1, max_length=128, pattern=NAME_PATTERN)
    arguments: str
    id: str | None = Field(None, max_length=128)
    status: str | None = None


class CallOutputItem(Body):
    type: Literal["function_call_output"]
    call_id: str = Field(min_length=1, max_length=128)
    output: str | Annotated[list[TextPart], Field(min_length=1)]
    id: str | None = Field(None, max_length=128)
    status: str | None = None


class ReasoningItem(Body):
    """What a model thought before: taken, and not sent to a model again."""

    type: Literal["reasoning"]
    id: str | None = Field(None, max_length=128)
    summary: list[ReasoningPart] = Field(default_factory=list)
    content: list[ReasoningPart] | None = None
    encrypted_content: str | None = None
    status: str | None = None


def _type(value: Any) -> str | None:
    given = value.get("type", "message") if isinstance(value, dict) else None
    kind = given if given is not None else "message"
    known = {"message", "function_call", "function_call_output", "reasoning"}
    return f"item:{kind}" if isinstance(value, dict) and kind in known else None


# the colon keeps the branch of the union out of the field names that a fault is told by
Item = Annotated[
    Annotated[MessageItem, Tag("item:message")]
    | Annotated[CallItem, Tag("item:function_call")]
    | Annotated[CallOutputItem, Tag("item:function_call_output")]
    | Annotated[ReasoningItem, Tag("item:reasoning")],
    Discriminator(
        _type,
        custom_error_type="item",
        custom_error_message="expected an item of type message, function_call, "
        "function_call_output or reasoning",
    ),
]


class FunctionTool(Body):
    type: Literal["function"]
    name: str = Field(min_length=1, max_length=64, pattern=NAME_PATTERN)
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class NamedTool(Body):
    type: Literal["function"]
    name: str = Field(min_length=1, max_length=64, pattern=NAME_PATTERN)


class TextFormat(Body):
    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=True)
    type: Literal["text", "json_object", "json_schema"]
    name: str | None = Field(None, min_length=1, max_length=64, pattern=NAME_PATTERN)
    description: str | None = None
    schema_: dict[str, Any] | None = Field(None, alias="schema")
    strict: bool | None = None

    @model_validator(mode="after")
    def _names_its_schema(self) -> Self:
        if self.type == "json_schema" and not (self.name and self.schema_):
            raise ValueError("json_schema needs a name and a schema to be held to")
        return self


class TextOptions(Body):
    format: TextFormat | None = None
    verbosity: Literal["low", "medium", "high"] | None = None


class Reasoning(Body):
    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh"] | None = None
    summary: Literal["auto", "concise", "detailed"] | None = None
    generate_summary: Literal["auto", "concise", "detailed"] | None = None


class ResponsesRequest(Body):
    """OpenAI's request for a response, as far as it needs no memory of earlier ones."""

    model: str = Field(min_length=1, max_length=128)
    input: str | Annotated[list[Item], Field(min_length=1)]
    instructions: str | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: Number | None = Field(None, ge=0, le=2)
    top_p: Number | None = Field(None, ge=0, le=1)
    max_output_tokens: int | None = Field(None, ge=1, le=1_000_000)
    tools: list[FunctionTool] | None = Field(None, max_length=128)
    tool_choice: Literal["none", "auto", "required"] | NamedTool | None = None
    parallel_tool_calls: bool | None = None
    text: TextOptions | None = None
    reasoning: Reasoning | None = None
    include: list[Literal["reasoning.encrypted_content"]] | None = None
    truncation: Literal["disabled"] | None = None
    background: Literal[False] | None = None
    previous_response_id: None = None
    store: bool | None = None
    user: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    prompt_cache_retention: str | None = None
    metadata: dict[str, str] | None = Field(None, max_length=16)
    service_tier: str | None = None


def parse_responses_request(body: bytes, settings: Settings) -> ResponsesRequest:
    """A checked request from the raw body; raises what `read_body` raises."""
    request = read_body(
        ResponsesRequest,
        body,
        settings,
        why_not=_WHY_NOT,
        unsupported={
            "previous_response_id": _NOTHING_IS_KEPT,
            "background": "an answer is given at once or not at all; remove it",
            "truncation": "nothing is dropped from what you send; use `disabled`",
            "include": "only `reasoning.encrypted_content` is taken, and nothing comes of it",
        },
    )
    if not isinstance(request.input, str):
        check_messages([getattr(item, "role", "") for item in request.input], settings, "input")
    return request


def build_responses_turn(request: ResponsesRequest, *, request_id: str) -> ChatTurn:
    """The turn that the hall answers."""
    return ChatTurn(
        assistant_id=request.model,
        messages=tuple(_join_calls(_list_messages(request))),
        channel=Channel.API,
        options=dict(_list_options(request)),
        request_id=request_id,
    )


def _list_messages(request: ResponsesRequest) -> Iterator[dict[str, Any]]:
    if request.instructions:
        yield {"role": "system", "content": request.instructions}
    if isinstance(request.input, str):
        yield {"role": "user", "content": request.input}
        return
    for item in request.input:
        match item:
            case MessageItem():
                role = "system" if item.role == "developer" else item.role
                yield {"role": role, "content": _text_of(item.content)}
            case CallItem():
                function = {"name": item.name, "arguments": item.arguments}
                call = {"id": item.call_id, "type": "function", "function": function}
                yield {"role": "assistant", "tool_calls": [call]}
            case CallOutputItem():
                output = _text_of(item.output)
                yield {"role": "tool", "tool_call_id": item.call_id, "content": output}


def _join_calls(messages: Iterator[dict[str, Any]]) -> list[dict[str, Any]]:
    """Calls that stand side by side, and the words before them, are one message of a chat."""
    joined: list[dict[str, Any]] = []
    for message in messages:
        last = joined[-1] if joined else {}
        if "tool_calls" in message and last.get("role") == "assistant":
            last.setdefault("tool_calls", []).extend(message["tool_calls"])
        else:
            joined.append(message)
    return joined


def _text_of(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(
        part.refusal if isinstance(part, RefusalPart) else part.text for part in content
    )


def _list_options(request: ResponsesRequest) -> Iterator[tuple[str, Any]]:
    """What the client set for the model, under the names of a chat."""
    plain = request.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_unset=True)
    for name in ("temperature", "top_p", "parallel_tool_calls"):
        if name in plain:
            yield name, plain[name]
    if "max_output_tokens" in plain:
        yield "max_completion_tokens", plain["max_output_tokens"]
    if "tools" in plain:
        yield "tools", [_as_chat_tool(tool) for tool in plain["tools"]]
    if "tool_choice" in plain:
        choice = plain["tool_choice"]
        yield "tool_choice", choice if isinstance(choice, str) else _as_chat_tool(choice)
    if "effort" in plain.get("reasoning", {}):
        yield "reasoning_effort", plain["reasoning"]["effort"]
    form = plain.get("text", {}).get("format")
    if form:
        yield "response_format", _as_chat_format(form)


def _as_chat_tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "function", "function": {k: v for k, v in tool.items() if k != "type"}}


def _as_chat_format(form: Mapping[str, Any]) -> dict[str, Any]:
    if form["type"] != "json_schema":
        return {"type": form["type"]}
    schema = {key: value for key, value in form.items() if key != "type"}
    return {"type": "json_schema", "json_schema": schema}
