"""Conversations of the portal: every text sealed under the conversation's own key.

Every query names the tenant and the owner: somebody else's conversation looks exactly like one
that does not exist.
"""

import json
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, func
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from parvis.db import open_session
from parvis.domain import DataLevel, Language, Passage, Principal
from parvis.errors import Conflict, NotFound
from parvis.keystore import KeyStore, seal, unseal
from parvis.tables import ConversationRow, TurnRow

KEY_KIND = "conversation"
_TITLE_CHARS = 80


@dataclass(frozen=True, slots=True)
class ConversationSummary:
    """A line of the owner's list, newest first."""

    id: str
    title: str
    assistant_id: str
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and its answer; `status` is running, done, stopped or failed.

    `model_saw` is the JSON of the messages exactly as the model got them, "" while unknown.
    """

    id: str
    position: int
    send_id: str
    status: str
    question: str
    answer: str
    model_saw: str
    sources: tuple[Passage, ...]
    receipt: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation with all its turns, oldest first."""

    id: str
    assistant_id: str
    title: str
    language: Language
    expires_at: datetime
    turns: tuple[Turn, ...]


@dataclass(frozen=True, slots=True)
class ConversationFacts:
    """What is known of a conversation without opening it."""

    id: str
    owner: str
    assistant_id: str
    created_at: datetime
    updated_at: datetime
    expires_at: datetime
    turns: int


class Conversations:
    """The store. Opens its own short transactions; none is open while a model answers."""

    def __init__(self, engine: Engine, keystore: KeyStore) -> None:
        self._engine = engine
        self._keystore = keystore

    def start_conversation(
        self, principal: Principal, assistant_id: str, language: Language, *, days: int
    ) -> str:
        """The id of a new, empty conversation that expires after `days`."""
        now = datetime.now(UTC)
        conversation_id = str(uuid.uuid4())
        key = self._keystore.get_key(principal.tenant_id, KEY_KIND, conversation_id)
        with open_session(self._engine) as session:
            session.add(
                ConversationRow(
                    id=conversation_id,
                    tenant_id=principal.tenant_id,
                    owner=principal.subject,
                    assistant_id=assistant_id,
                    language=language,
                    sealed_title=seal(key.key, b"", f"{conversation_id}/title"),
                    created_at=now,
                    updated_at=now,
                    expires_at=now + timedelta(days=days),
                )
            )
        return conversation_id

    def list_conversations(
        self, principal: Principal, *, limit: int = 50
    ) -> list[ConversationSummary]:
        """The owner's conversations that have begun and not expired, newest first."""
        query = (
            select(ConversationRow)
            .where(*_owned_by(principal))
            .where(
                col(ConversationRow.id).in_(
                    select(TurnRow.conversation_id).where(TurnRow.tenant_id == principal.tenant_id)
                )
            )
            .order_by(col(ConversationRow.updated_at).desc())
            .limit(limit)
        )
        with open_session(self._engine) as session:
            rows = session.exec(query).all()
        return [
            ConversationSummary(row.id, title, row.assistant_id, row.updated_at)
            for row in rows
            if (title := self._find_title(row)) is not None
        ]

    def get_conversation(self, principal: Principal, conversation_id: str) -> Conversation:
        """The owner's conversation; raises NotFound (also when its key was destroyed)."""
        with open_session(self._engine) as session:
            row = _get_row(session, principal, conversation_id)
            turns = _list_turns(session, row)
        return self._open(row, turns)

    def open_held(self, tenant_id: str, conversation_id: str) -> Conversation:
        """A conversation of the agency, whoever owns it and though its time is over.

        For copies that the law gives the person (GDPR Art. 15); whoever calls it MUST have recorded
        that first. Raises NotFound.
        """
        with open_session(self._engine) as session:
            row = session.get(ConversationRow, conversation_id)
            if row is None or row.tenant_id != tenant_id:
                raise NotFound("There is no such conversation.")
            turns = _list_turns(session, row)
        return self._open(row, turns)

    def _open(self, row: ConversationRow, turns: Sequence[TurnRow]) -> Conversation:
        key = self._get_key(row)
        title = self._find_title(row)
        return Conversation(
            id=row.id,
            assistant_id=row.assistant_id,
            title=title or "",
            language=row.language,  # type: ignore[arg-type] # written from a Language
            expires_at=row.expires_at,
            turns=tuple(_open_turn(key, turn) for turn in turns),
        )

    def begin_turn(
        self, principal: Principal, conversation_id: str, send_id: str, question: str
    ) -> str:
        """The id of a new turn. Raises Conflict when this `send_id` was sent before."""
        turn_id = str(uuid.uuid4())
        now = datetime.now(UTC)
        try:
            with open_session(self._engine) as session:
                row = _get_row(session, principal, conversation_id)
                key = self._get_key(row)
                count = session.exec(
                    select(func.count())
                    .select_from(TurnRow)
                    .where(TurnRow.conversation_id == conversation_id)
                ).one()
                row.updated_at = now
                if count == 0:
                    title = " ".join(question.split())[:_TITLE_CHARS]
                    row.sealed_title = seal(key, title.encode(), f"{conversation_id}/title")
                session.add(row)
                session.add(
                    TurnRow(
                        id=turn_id,
                        tenant_id=principal.tenant_id,
                        conversation_id=conversation_id,
                        position=count,
                        send_id=send_id,
                        status="running",
                        sealed_question=seal(key, question.encode(), f"{turn_id}/question"),
                        sealed_answer=seal(key, b"", f"{turn_id}/answer"),
                        sealed_model_saw=seal(key, b"", f"{turn_id}/model_saw"),
                        sealed_sources=seal(key, b"[]", f"{turn_id}/sources"),
                        created_at=now,
                    )
                )
        except IntegrityError:
            raise Conflict("This question was sent already.", code="sent_already") from None
        return turn_id

    def finish_turn(
        self,
        principal: Principal,
        turn_id: str,
        *,
        status: str,
        answer: str,
        model_saw: str,
        sources: Sequence[Passage],
        receipt: str,
    ) -> None:
        """Keep what came of a turn; does nothing when it was erased meanwhile."""
        with open_session(self._engine) as session:
            turn = session.exec(
                select(TurnRow).where(
                    TurnRow.tenant_id == principal.tenant_id, TurnRow.id == turn_id
                )
            ).first()
            found = turn and self._keystore.find_key(
                principal.tenant_id, KEY_KIND, turn.conversation_id
            )
            if not (turn and found):
                return
            listed = json.dumps([asdict(passage) for passage in sources]).encode()
            turn.status = status
            turn.sealed_answer = seal(found.key, answer.encode(), f"{turn_id}/answer")
            turn.sealed_model_saw = seal(found.key, model_saw.encode(), f"{turn_id}/model_saw")
            turn.sealed_sources = seal(found.key, listed, f"{turn_id}/sources")
            turn.receipt = receipt
            session.add(turn)

    def delete_conversation(self, principal: Principal, conversation_id: str) -> None:
        """Erase it: the key first, so that nothing is readable whatever happens next."""
        with open_session(self._engine) as session:
            row = _get_row(session, principal, conversation_id)
            self._keystore.destroy_key(principal.tenant_id, KEY_KIND, conversation_id)
            session.delete(row)

    def list_facts(
        self,
        tenant_id: str,
        *,
        owner: str | None = None,
        conversation_id: str | None = None,
        expired_at: datetime | None = None,
    ) -> list[ConversationFacts]:
        """The agency's conversations, oldest first: of an owner, an id, or over by then."""
        wanted = [col(ConversationRow.tenant_id) == tenant_id]
        if owner is not None:
            wanted.append(col(ConversationRow.owner) == owner)
        if conversation_id is not None:
            wanted.append(col(ConversationRow.id) == conversation_id)
        if expired_at is not None:
            wanted.append(col(ConversationRow.expires_at) <= expired_at)
        query = select(ConversationRow).where(*wanted).order_by(col(ConversationRow.created_at))
        counts = (
            select(TurnRow.conversation_id, func.count())
            .join(ConversationRow, col(ConversationRow.id) == col(TurnRow.conversation_id))
            .where(*wanted)
            .group_by(col(TurnRow.conversation_id))
        )
        with open_session(self._engine) as session:
            rows = session.exec(query).all()
            turns = dict(session.exec(counts).all())
        return [
            ConversationFacts(
                row.id,
                row.owner,
                row.assistant_id,
                row.created_at,
                row.updated_at,
                row.expires_at,
                turns.get(row.id, 0),
            )
            for row in rows
        ]

    def list_ids(self, tenant_id: str) -> frozenset[str]:
        """Ids of all conversations of the agency."""
        query = select(ConversationRow.id).where(ConversationRow.tenant_id == tenant_id)
        with open_session(self._engine) as session:
            return frozenset(session.exec(query).all())

    def delete_conversations(self, tenant_id: str, conversation_ids: Iterable[str]) -> int:
        """Erase these conversations of the agency, keys first; how many there were."""
        gone = 0
        for conversation_id in conversation_ids:
            self._keystore.destroy_key(tenant_id, KEY_KIND, conversation_id)
            with open_session(self._engine) as session:
                row = session.get(ConversationRow, conversation_id)
                if row is not None and row.tenant_id == tenant_id:
                    session.delete(row)
                    gone += 1
        return gone

    def _get_key(self, row: ConversationRow) -> bytes:
        found = self._keystore.find_key(row.tenant_id, KEY_KIND, row.id)
        if found is None:
            raise NotFound("This conversation was erased.")
        return found.key

    def _find_title(self, row: ConversationRow) -> str | None:
        found = self._keystore.find_key(row.tenant_id, KEY_KIND, row.id)
        if found is None:
            return None
        return unseal(found.key, row.sealed_title, f"{row.id}/title").decode()


def _owned_by(principal: Principal) -> tuple[Any, ...]:
    return (
        ConversationRow.tenant_id == principal.tenant_id,
        ConversationRow.owner == principal.subject,
        col(ConversationRow.expires_at) > datetime.now(UTC),
    )


def _get_row(session: Session, principal: Principal, conversation_id: str) -> ConversationRow:
    row = session.exec(
        select(ConversationRow)
        .where(*_owned_by(principal))
        .where(ConversationRow.id == conversation_id)
    ).first()
    if row is None:
        raise NotFound("There is no such conversation.")
    return row


def _list_turns(session: Session, row: ConversationRow) -> Sequence[TurnRow]:
    return session.exec(
        select(TurnRow)
        .where(TurnRow.tenant_id == row.tenant_id, TurnRow.conversation_id == row.id)
        .order_by(col(TurnRow.position))
    ).all()


def _open_turn(key: bytes, row: TurnRow) -> Turn:
    sources = json.loads(unseal(key, row.sealed_sources, f"{row.id}/sources"))
    return Turn(
        id=row.id,
        position=row.position,
        send_id=row.send_id,
        status=row.status,
        question=unseal(key, row.sealed_question, f"{row.id}/question").decode(),
        answer=unseal(key, row.sealed_answer, f"{row.id}/answer").decode(),
        model_saw=unseal(key, row.sealed_model_saw, f"{row.id}/model_saw").decode(),
        sources=tuple(
            Passage(**source | {"level": DataLevel(source["level"])}) for source in sources
        ),
        receipt=row.receipt,
        created_at=row.created_at,
    )
