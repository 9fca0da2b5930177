"""The plain values that rooms share: frozen, without behaviour that reaches outside.

A room may give and take these and nothing of another room.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any, Literal

# Regulation (EU) 2024/1689, Art. 19(1) and 26(6): six months, the longest six months there are
RECORDS_FLOOR_DAYS = 184

Language = Literal["fr", "de", "lb", "en"]
# what an assistant is asked for: an answer in words, vectors, or texts in order
Task = Literal["chat", "embedding", "rerank"]
LANGUAGES: tuple[Language, ...] = ("fr", "de", "lb", "en")


class Role(StrEnum):
    """What somebody may be in an agency's realm (Keycloak realm roles)."""

    CHATBOT = "chatbot"
    CIVIL_SERVANT = "civil-servant"
    OVERSEER = "overseer"
    AUDITOR = "auditor"
    AGENCY_ADMIN = "agency-admin"
    PLATFORM_ADMIN = "platform-admin"
    PLATFORM_AUDITOR = "platform-auditor"


class Channel(StrEnum):
    """The door by which a question comes in."""

    API = "api"
    PORTAL = "portal"
    PUBLIC = "public"


class DataLevel(IntEnum):
    """How much protection data needs; 3 needs an accredited installation, 4 is always refused."""

    PUBLIC = 0
    INTERNAL = 1
    PERSONAL = 2
    RESTRICTED = 3
    SECRET = 4


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking, as a verified token or session says. The issuer decided `tenant_id`.

    `display_name` is for the person's own page only: MUST NOT be logged or audited.
    """

    tenant_id: str
    subject: str
    client_id: str
    kind: Literal["person", "service"]
    roles: frozenset[Role]
    assurance: str = ""
    display_name: str = ""


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of an agency's own text that may answer a question, with where it stands.

    `score` is the cosine similarity to the question, -1 to 1.
    """

    source_id: str
    title: str
    url: str
    language: Language
    text: str
    score: float
    level: DataLevel
    controller: str


@dataclass(frozen=True, slots=True)
class NumberedValue:
    """A personal value and what stands for it in a conversation: kind, number, written form (from
    0). MUST NOT be logged or audited."""

    label: str
    number: int
    form: int
    value: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one answer; `estimated` when the model server did not count them itself."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class ModelPiece:
    """One step of a model's streamed answer; exactly one of the five kinds is set.

    `choice` says which of several answers it belongs to; `reasoning` is what the model wrote
    before its answer, a text like any other.
    """

    text: str = ""
    tool_calls: tuple[Mapping[str, Any], ...] = ()
    finish_reason: str | None = None
    usage: Usage | None = None
    reasoning: str = ""
    choice: int = 0


@dataclass(frozen=True, slots=True)
class ChatTurn:
    """A parsed, validated request for one answer.

    `messages` are OpenAI chat messages (checked JSON objects); `options` what the client set beside
    them and the back-end may see (temperature, max_tokens, stop, tools, ...). `conversation` is the
    portal's own conversation id, never anything a client sent. Of a `task` that is no chat each
    text is a message of the role user.
    """

    assistant_id: str
    messages: tuple[Mapping[str, Any], ...]
    channel: Channel
    options: Mapping[str, Any] = field(default_factory=dict)
    language: Language | None = None
    conversation: str | None = None
    request_id: str = ""
    task: Task = "chat"
