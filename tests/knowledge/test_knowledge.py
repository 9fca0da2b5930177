"""Sync and search over a real database, with SQLite and with PostgreSQL."""

import threading

import pytest
from sqlalchemy import Engine, text

from parvis.db import open_session
from parvis.domain import DataLevel
from parvis.errors import PrivacyUnavailable
from parvis.knowledge import Encoder, Knowledge
from parvis.knowledge.encoder import EncoderUnavailable
from parvis.knowledge.ingest import Hide
from parvis.knowledge.store import list_passages
from tests.knowledge.conftest import source

CARD = source("card", "# Identity card\n## Price\nThe identity card costs 14 euros.")
PARKING = source("parking", "# Parking\n## Permit\nThe parking permit costs 24 euros a year.")
KARTE = source("karte", "# Ausweis\n## Preis\nDer Personalausweis kostet 14 Euro.", language="de")
ALL = ["card", "parking", "karte"]
QUESTION = "How much is the identity card?"


class CountingEncoder:
    """The real encoder, counting how often it is asked."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self.digest = encoder.digest
        self.texts: list[str] = []

    def encode(self, words: str) -> object:
        self.texts.append(words)
        return self._encoder.encode(words)


def test_sync_adds_then_leaves_alone_then_changes_and_removes(
    engine: Engine, encoder: Encoder
) -> None:
    counting = CountingEncoder(encoder)
    knowledge = Knowledge(engine, counting)  # type: ignore[arg-type]
    first = knowledge.sync("valbourg", [CARD, PARKING])
    assert (first.added, first.passages) == (("card", "parking"), 2)
    asked = len(counting.texts)
    second = knowledge.sync("valbourg", [CARD, PARKING])
    assert second.unchanged == ("card", "parking")
    assert len(counting.texts) == asked
    dearer = source("card", "# Identity card\n## Price\nThe identity card costs 15 euros.")
    third = knowledge.sync("valbourg", [dearer, KARTE])
    assert (third.added, third.changed, third.removed) == (("karte",), ("card",), ("parking",))
    assert third.passages == 2
    assert all("24 euros" not in words for words in counting.texts[asked:])
    [found] = knowledge.retrieve("valbourg", QUESTION, source_ids=["card"])
    assert "15 euros" in found.text


def test_search_finds_the_passage_with_all_that_must_be_said_of_it(knowledge: Knowledge) -> None:
    knowledge.sync("valbourg", [CARD, PARKING])
    found = knowledge.retrieve("valbourg", QUESTION, source_ids=ALL, language="en")[0]
    assert found.source_id == "card"
    assert found.title == "A title › Identity card › Price"
    assert found.url == "https://valbourg.example/card"
    assert (found.language, found.level, found.controller) == ("en", DataLevel.PUBLIC, "valbourg")
    assert 0.33 < found.score <= 1


def test_search_prefers_the_language_of_the_question(knowledge: Knowledge) -> None:
    knowledge.sync("valbourg", [CARD, PARKING, KARTE])
    english = knowledge.retrieve("valbourg", QUESTION, source_ids=ALL, language="en")
    german = knowledge.retrieve(
        "valbourg", "Was kostet der Personalausweis?", source_ids=ALL, language="de"
    )
    assert (english[0].source_id, german[0].source_id) == ("card", "karte")


def test_question_in_another_language_finds_the_passage_too(knowledge: Knowledge) -> None:
    knowledge.sync("valbourg", [CARD, PARKING])
    found = knowledge.retrieve("valbourg", "Combien coûte la carte d'identité ?", source_ids=ALL)
    assert found[0].source_id == "card"


def test_question_that_no_source_answers_finds_nothing(knowledge: Knowledge) -> None:
    knowledge.sync("valbourg", [CARD, PARKING, KARTE])
    assert knowledge.retrieve("valbourg", QUESTION, source_ids=ALL)
    for question in ("Who won the football match yesterday?", "", "   "):
        assert knowledge.retrieve("valbourg", question, source_ids=ALL) == []


def test_search_stays_inside_the_sources_that_are_allowed(knowledge: Knowledge) -> None:
    knowledge.sync("valbourg", [CARD, PARKING, KARTE])
    found = knowledge.retrieve("valbourg", QUESTION, source_ids=["parking"], min_score=-1)
    assert [passage.source_id for passage in found] == ["parking"]
    assert knowledge.retrieve("valbourg", QUESTION, source_ids=[]) == []
    assert len(knowledge.retrieve("valbourg", QUESTION, source_ids=ALL, limit=1)) == 1


def test_agency_never_finds_or_removes_what_belongs_to_another(knowledge: Knowledge) -> None:
    knowledge.sync("valbourg", [CARD])
    knowledge.sync("habitat", [PARKING])
    assert knowledge.retrieve("habitat", QUESTION, source_ids=ALL, min_score=-1)[0].source_id == (
        "parking"
    )
    assert knowledge.retrieve("nobody", QUESTION, source_ids=ALL, min_score=-1) == []
    assert knowledge.sync("habitat", []).removed == ("parking",)
    assert [stored.source_id for stored in knowledge.list_sources("valbourg")] == ["card"]
    assert knowledge.list_sources("habitat") == []


def test_other_worker_sees_a_sync_at_its_next_question(engine: Engine, encoder: Encoder) -> None:
    writer, reader = Knowledge(engine, encoder), Knowledge(engine, encoder)
    writer.sync("valbourg", [PARKING])
    assert reader.retrieve("valbourg", QUESTION, source_ids=["card"]) == []
    writer.sync("valbourg", [PARKING, CARD])
    assert reader.retrieve("valbourg", QUESTION, source_ids=["card"])
    writer.sync("valbourg", [PARKING])
    assert reader.retrieve("valbourg", QUESTION, source_ids=["card"]) == []


def test_two_syncs_at_once_leave_one_copy(engine: Engine, encoder: Encoder) -> None:
    sources = [source(f"s{n}", f"# Text {n}\nSome words about {n}.") for n in range(8)]
    failures: list[BaseException] = []
    start = threading.Barrier(3)

    def run() -> None:
        knowledge = Knowledge(engine, encoder)
        start.wait()
        try:
            knowledge.sync("valbourg", sources)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert failures == []
    stored = Knowledge(engine, encoder).list_sources("valbourg")
    assert [(item.source_id, item.passages) for item in stored] == [(f"s{n}", 1) for n in range(8)]


def test_failed_sync_changes_nothing(engine: Engine, encoder: Encoder) -> None:
    Knowledge(engine, encoder).sync("valbourg", [CARD])

    class Failing(CountingEncoder):
        def encode(self, words: str) -> object:
            if "24 euros" in words:
                raise EncoderUnavailable
            return super().encode(words)

    failing = Knowledge(engine, Failing(encoder))  # type: ignore[arg-type]
    with pytest.raises(EncoderUnavailable):
        failing.sync("valbourg", [PARKING])
    stored = Knowledge(engine, encoder).list_sources("valbourg")
    assert [item.source_id for item in stored] == ["card"]


def test_form_number_decides_between_passages_of_one_meaning(knowledge: Knowledge) -> None:
    forms = [
        source(f"form-{n}", f"# Form E-10{n}\nForm E-10{n} is used to ask for a grant.")
        for n in range(1, 6)
    ]
    knowledge.sync("valbourg", forms)
    ids = [form.source_id for form in forms]
    for n in range(1, 6):
        found = knowledge.retrieve("valbourg", f"What is form E-10{n} used for?", source_ids=ids)
        assert found[0].source_id == f"form-{n}"


def test_vectors_are_stored_as_documented(knowledge: Knowledge, engine: Engine) -> None:
    knowledge.sync("valbourg", [CARD])
    with engine.connect() as connection:
        [vector] = connection.execute(text("SELECT vector FROM passage")).scalars()
    assert len(vector) == 512 * 4


def test_an_inner_text_is_not_read_without_a_search_for_personal_data(
    knowledge: Knowledge,
) -> None:
    inner = source("inner", "## File\n\nJane Miller asked for a permit.", level=DataLevel.INTERNAL)
    with pytest.raises(PrivacyUnavailable):
        knowledge.sync("valbourg", [inner])

    def fail(_text: str) -> str:
        raise PrivacyUnavailable

    with pytest.raises(PrivacyUnavailable):
        knowledge.sync("valbourg", [inner], Hide("1", fail))
    assert knowledge.list_sources("valbourg") == []
    assert knowledge.sync("valbourg", [inner], Hide("1", str)).added == ("inner",)


def test_the_vectors_of_inner_texts_hold_no_names_and_their_passages_do(
    engine: Engine, encoder: Encoder
) -> None:
    knowledge = Knowledge(engine, encoder)
    hide = Hide("1", lambda text: text.replace("Jane Miller", " "))
    plain = "## File\n\n{} asked for a permit."
    named = source("named", plain.format("Jane Miller"), level=DataLevel.INTERNAL)
    bare = source("bare", plain.format(" "), level=DataLevel.INTERNAL)
    knowledge.sync("valbourg", [named, bare], hide)
    with open_session(engine) as session:
        rows = {row.source_id: row for row in list_passages(session, "valbourg")}
    assert rows["named"].vector == rows["bare"].vector
    assert "Jane Miller" in rows["named"].text
    assert knowledge.sync("valbourg", [named, bare], hide).changed == ()
    assert knowledge.sync("valbourg", [named, bare], Hide("2", str)).changed == ("named", "bare")
