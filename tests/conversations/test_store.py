"""Conversations on a real database: owned, sealed, and gone when their key is."""

import dataclasses
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from parvis.conversations.store import Conversations
from parvis.db import create_database_engine, upgrade_database
from parvis.domain import DataLevel, Passage, Principal, Role
from parvis.errors import Conflict, NotFound
from parvis.keystore import KeyStore

ANNA = Principal("valbourg", "anna", "portal", "person", frozenset({Role.CIVIL_SERVANT}))
BEN = dataclasses.replace(ANNA, subject="ben")
ANNA_ELSEWHERE = dataclasses.replace(ANNA, tenant_id="elsewhere")
PASSAGE = Passage("s", "Titel", "https://x.example", "de", "Text", 0.5, DataLevel.PUBLIC, "c")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def keystore(folder: Path) -> Iterator[KeyStore]:
    store = KeyStore(folder / "keys.db", os.urandom(32))
    yield store
    store.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def store(
    request: pytest.FixtureRequest, folder: Path, keystore: KeyStore
) -> Iterator[Conversations]:
    url = f"sqlite:///{folder / 'app.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    engine = create_database_engine(url)
    upgrade_database(engine)
    yield Conversations(engine, keystore)
    engine.dispose()


def ask(store: Conversations, question: str = "Frage?", send_id: str = "1") -> tuple[str, str]:
    conversation_id = store.start_conversation(ANNA, "desk", "de", days=30)
    return conversation_id, store.begin_turn(ANNA, conversation_id, send_id, question)


def finish(store: Conversations, turn_id: str) -> None:
    store.finish_turn(
        ANNA,
        turn_id,
        status="done",
        answer="Antwort",
        model_saw="[]",
        sources=[PASSAGE],
        receipt="v1.x",
    )


def test_an_owner_finds_question_answer_and_sources_again(store: Conversations) -> None:
    conversation_id, turn_id = ask(store)
    finish(store, turn_id)
    found = store.get_conversation(ANNA, conversation_id)
    (turn,) = found.turns
    assert (found.title, found.language) == ("Frage?", "de")
    assert (turn.question, turn.answer, turn.status) == ("Frage?", "Antwort", "done")
    assert turn.sources == (PASSAGE,)
    assert [one.id for one in store.list_conversations(ANNA)].count(conversation_id) == 1


@pytest.mark.parametrize("stranger", [BEN, ANNA_ELSEWHERE], ids=["colleague", "other agency"])
def test_a_stranger_meets_the_same_as_a_missing_one(
    store: Conversations, stranger: Principal
) -> None:
    conversation_id, _ = ask(store)
    messages = set()
    for wanted in (conversation_id, "missing"):
        with pytest.raises(NotFound) as refused:
            store.get_conversation(stranger, wanted)
        messages.add(refused.value.message)
        with pytest.raises(NotFound):
            store.begin_turn(stranger, wanted, "2", "?")
        with pytest.raises(NotFound):
            store.delete_conversation(stranger, wanted)
    assert len(messages) == 1
    assert store.get_conversation(ANNA, conversation_id)
    assert conversation_id not in [one.id for one in store.list_conversations(stranger)]


def test_a_question_sent_twice_counts_once(store: Conversations) -> None:
    conversation_id, _ = ask(store, send_id="same")
    with pytest.raises(Conflict):
        store.begin_turn(ANNA, conversation_id, "same", "Frage?")
    store.begin_turn(ANNA, conversation_id, "other", "Frage?")
    assert [t.position for t in store.get_conversation(ANNA, conversation_id).turns] == [0, 1]


def test_a_destroyed_key_takes_the_text_with_it(store: Conversations, keystore: KeyStore) -> None:
    conversation_id, turn_id = ask(store)
    finish(store, turn_id)
    assert keystore.destroy_key("valbourg", "conversation", conversation_id)
    with pytest.raises(NotFound):
        store.get_conversation(ANNA, conversation_id)
    assert conversation_id not in [one.id for one in store.list_conversations(ANNA)]


def test_a_deleted_conversation_is_gone_for_its_owner(store: Conversations) -> None:
    conversation_id, _ = ask(store)
    store.delete_conversation(ANNA, conversation_id)
    with pytest.raises(NotFound):
        store.get_conversation(ANNA, conversation_id)


def test_an_expired_conversation_is_erased_and_others_stay(store: Conversations) -> None:
    old, _ = ask(store)
    later = datetime.now(UTC) + timedelta(days=31)

    def erase(tenant_id: str, now: datetime) -> int:
        over = store.list_facts(tenant_id, expired_at=now)
        return store.delete_conversations(tenant_id, [facts.id for facts in over])

    assert erase("valbourg", datetime.now(UTC)) == 0
    assert store.get_conversation(ANNA, old)
    assert erase("elsewhere", later) == 0
    assert erase("valbourg", later) >= 1
    with pytest.raises(NotFound):
        store.get_conversation(ANNA, old)


def test_no_text_lies_in_clear_in_any_file(folder: Path, keystore: KeyStore) -> None:
    engine = create_database_engine(f"sqlite:///{folder / 'app.db'}")
    upgrade_database(engine)
    store = Conversations(engine, keystore)
    _, turn_id = ask(store, question="Geheimwort Xylophon")
    finish(store, turn_id)
    engine.dispose()
    for path in folder.iterdir():
        assert b"Xylophon" not in path.read_bytes()
        assert b"Antwort" not in path.read_bytes()
