"""Chats of people and programs in every store of one installation, and a process that dies."""

import importlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from parvis.audit import Actor, Draft, KeyRef
from parvis.domain import DataLevel, Passage, Principal, Role
from parvis.services import Configuration
from parvis.settings import Settings
from parvis.subjects.operators import read_operator
from parvis.subjects.stores import Stores
from parvis.tables import ConversationRow

ADA, GRACE = read_operator("ada"), read_operator("grace")
ANNA = Principal("valbourg", "anna-8f2c", "portal", "person", frozenset({Role.CIVIL_SERVANT}))
BEN = replace(ANNA, subject="ben-77aa")
ANNA_ELSEWHERE = replace(ANNA, tenant_id="habitat")
CHATBOT = Actor("service", "valbourg-bot", ("chatbot",), "", "parvis-chatbot")
PASSAGE = Passage("s", "Titel", "https://x.example", "de", "Text", 0.5, DataLevel.PUBLIC, "c")
MARKER = "Marguerite-Yourcenar-1903"


class Killed(BaseException):
    """The process dies here."""


@dataclass
class Office:
    """The stores as one process has them open, and people who use them."""

    configuration: Configuration
    stores: Stores

    @property
    def data_dir(self) -> Path:
        return self.settings.data_dir

    @property
    def settings(self) -> Settings:
        return self.configuration.settings

    def chat(self, principal: Principal = ANNA, text: str = MARKER) -> tuple[str, str]:
        """A whole chat in the portal; its conversation and the receipt of its end."""
        stores = self.stores
        conversation = stores.conversations.start_conversation(
            principal, "valbourg-agents", "de", days=30
        )
        turn = stores.conversations.begin_turn(principal, conversation, "1", text)
        receipt = self.record(Actor.of(principal), KeyRef("conversation", conversation), text)
        stores.conversations.finish_turn(
            principal,
            turn,
            status="done",
            answer=text,
            model_saw="[]",
            sources=[PASSAGE],
            receipt=receipt,
        )
        return conversation, receipt

    def request(self, actor: Actor = CHATBOT, text: str = MARKER) -> tuple[str, str]:
        """A whole chat by a program; receipts of its begin and its end."""
        target = {"assistant": "valbourg-guichet", "version": "1", "channel": "api"}
        started = self.stores.audit.append(
            "valbourg", Draft("chat.started", actor, target=target), 10
        )
        return started.text, self.record(actor, KeyRef("request"), text, re=started.id)

    def record(
        self, actor: Actor, key: KeyRef, text: str, tenant: str = "valbourg", re: str | None = None
    ) -> str:
        """One ending of a chat with its sealed texts; the receipt."""
        if re is None:
            target = {"assistant": "valbourg-agents", "version": "1", "channel": "portal"}
            re = self.stores.audit.append(
                tenant, Draft("chat.started", actor, target=target), 10
            ).id
        sealed = {"prompt": text.encode(), "answer": text.encode()}
        draft = Draft("chat.finished", actor, re=re, sealed=sealed, seal_key=key)
        return self.stores.audit.append(tenant, draft, 10).text

    def expire(self, conversation: str) -> None:
        """Let a conversation's time be over since yesterday."""
        table = ConversationRow.__table__  # type: ignore[attr-defined]
        past = datetime.now(UTC) - timedelta(days=1)
        with self.stores.engine.begin() as connection:
            connection.execute(
                table.update().where(table.c.id == conversation).values(expires_at=past)
            )

    def kinds(self, prefix: str, tenant: str = "valbourg") -> list[str]:
        """Kinds of records that begin so, oldest first."""
        found = self.stores.audit.reader.list_records(tenant, limit=1000)
        return [one.kind for one in reversed(found) if one.kind.startswith(prefix)]

    def files_with(self, text: str) -> list[str]:
        """Files of the whole data folder that hold this text in clear."""
        wanted = text.encode()
        files = (path for path in self.data_dir.rglob("*") if path.is_file())
        return sorted(path.name for path in files if wanted in path.read_bytes())


def kill_at(patched: pytest.MonkeyPatch, place: Any, *, act: bool, last: bool) -> None:
    """Die at this call, before or after it did its work; with `last` at its second call."""
    if isinstance(place, str):
        module, _, name = place.rpartition(".")
        try:
            holder: Any = importlib.import_module(module)
        except ModuleNotFoundError:
            outer, _, inner = module.rpartition(".")
            holder = getattr(importlib.import_module(outer), inner)
    else:
        holder, name = place
    real, calls = getattr(holder, name), []

    def dying(*args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        if last and len(calls) < 2:
            return real(*args, **kwargs)
        if act:
            real(*args, **kwargs)
        raise Killed

    patched.setattr(holder, name, dying)
