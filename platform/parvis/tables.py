"""Every table of the application's database. Each row belongs to one agency (`tenant_id`).

The audit log has a database of its own (`audit/log.py`), keys theirs (`keystore.py`). Columns named
`sealed_*` hold what `keystore.seal` made: never text in clear. SQLModel tables do not validate:
parse first. (No `from __future__ import annotations` here: it breaks SQLModel.)
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime as SqlDateTime
from sqlalchemy import Dialect, Index, LargeBinary, TypeDecorator, UniqueConstraint
from sqlmodel import Field, SQLModel


class UtcDateTime(TypeDecorator[datetime]):
    """Aware times in and out, stored in UTC (SQLite forgets zones)."""

    impl = SqlDateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("times must carry a zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        found: datetime = value
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


class LoginStateRow(SQLModel, table=True):
    """A login that a browser began and Keycloak has not yet sent back (lives minutes)."""

    __tablename__ = "login_state"

    state_hash: str = Field(primary_key=True, max_length=64)
    tenant_id: str = Field(max_length=63)
    browser_hash: str = Field(max_length=64)
    issuer: str = Field(max_length=500)
    nonce: str = Field(max_length=64)
    sealed_verifier: bytes = Field(sa_type=LargeBinary)
    return_to: str = Field(max_length=500)
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)


class SessionRow(SQLModel, table=True):
    """A person's session in the portal: what Keycloak said, kept on the server."""

    __tablename__ = "session"

    id_hash: str = Field(primary_key=True, max_length=64)
    tenant_id: str = Field(max_length=63, index=True)
    subject: str = Field(max_length=255, index=True)
    roles: str = Field(max_length=255)
    csrf_token: str = Field(max_length=64)
    sealed_tokens: bytes = Field(sa_type=LargeBinary)
    created_at: datetime = Field(sa_type=UtcDateTime)
    seen_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)


class ConversationRow(SQLModel, table=True):
    """A conversation that its owner may take up again, until `expires_at`."""

    __tablename__ = "conversation"
    __table_args__ = (Index("ix_conversation_owner", "tenant_id", "owner", "updated_at"),)

    id: str = Field(primary_key=True, max_length=36)
    tenant_id: str = Field(max_length=63)
    owner: str = Field(max_length=255)
    assistant_id: str = Field(max_length=63)
    language: str = Field(max_length=2)
    sealed_title: bytes = Field(sa_type=LargeBinary)
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)


class TurnRow(SQLModel, table=True):
    """One question and its answer; `send_id` is the form's own number, so a double send is one."""

    __tablename__ = "turn"
    __table_args__ = (
        UniqueConstraint("conversation_id", "position"),
        UniqueConstraint("conversation_id", "send_id"),
    )

    id: str = Field(primary_key=True, max_length=36)
    tenant_id: str = Field(max_length=63, index=True)
    conversation_id: str = Field(max_length=36, foreign_key="conversation.id", ondelete="CASCADE")
    position: int
    send_id: str = Field(max_length=36)
    status: str = Field(max_length=16)
    sealed_question: bytes = Field(sa_type=LargeBinary)
    sealed_answer: bytes = Field(sa_type=LargeBinary)
    sealed_model_saw: bytes = Field(sa_type=LargeBinary)
    sealed_sources: bytes = Field(sa_type=LargeBinary)
    receipt: str = Field(default="", max_length=1000)
    created_at: datetime = Field(sa_type=UtcDateTime)


class HoldRow(SQLModel, table=True):
    """Something that must not be erased or pruned before somebody lifts the hold."""

    __tablename__ = "hold"

    id: str = Field(primary_key=True, max_length=16)
    tenant_id: str = Field(max_length=63, index=True)
    case_word: str = Field(max_length=100)
    kind: str = Field(max_length=16)
    ref: str = Field(default="", max_length=255)
    from_time: datetime | None = Field(default=None, sa_type=UtcDateTime)
    to_time: datetime | None = Field(default=None, sa_type=UtcDateTime)
    reason: str = Field(max_length=32)
    owner: str = Field(max_length=100)
    placed_at: datetime = Field(sa_type=UtcDateTime)
    until: datetime = Field(sa_type=UtcDateTime)
    lifted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class ErasureRow(SQLModel, table=True):
    """An erasure asked for; `ref` and `scope` (what to destroy, as JSON) are emptied at its end."""

    __tablename__ = "erasure"

    id: str = Field(primary_key=True, max_length=16)
    tenant_id: str = Field(max_length=63, index=True)
    kind: str = Field(max_length=16)
    ref: str = Field(max_length=255)
    ground: str = Field(max_length=32)
    requested_by: str = Field(max_length=100)
    requested_at: datetime = Field(sa_type=UtcDateTime)
    confirmed_by: str = Field(default="", max_length=100)
    status: str = Field(max_length=16)
    scope: str = Field(default="")
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class VaultValueRow(SQLModel, table=True):
    """A personal value of a conversation and its placeholder; `batch` counts the additions, so
    that nobody adds to what another worker has changed meanwhile."""

    __tablename__ = "vault_value"
    __table_args__ = (
        UniqueConstraint("conversation_id", "label", "number", "form"),
        UniqueConstraint("conversation_id", "label", "value_hash"),
    )

    conversation_id: str = Field(
        primary_key=True, max_length=36, foreign_key="conversation.id", ondelete="CASCADE"
    )
    batch: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    position: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    tenant_id: str = Field(max_length=63)
    label: str = Field(max_length=40)
    number: int
    form: int
    value_hash: str = Field(max_length=64)
    sealed_value: bytes = Field(sa_type=LargeBinary)


class PassageRow(SQLModel, table=True):
    """A piece of an agency's source with its vector (512 float32, little-endian)."""

    __tablename__ = "passage"
    __table_args__ = (UniqueConstraint("tenant_id", "source_id", "position"),)

    id: int | None = Field(default=None, primary_key=True)
    tenant_id: str = Field(max_length=63, index=True)
    source_id: str = Field(max_length=63)
    source_digest: str = Field(max_length=64)
    position: int
    title: str = Field(max_length=300)
    url: str = Field(max_length=1000)
    language: str = Field(max_length=2)
    level: int
    controller: str = Field(max_length=63)
    text: str
    vector: bytes = Field(sa_type=LargeBinary)
