"""Finding, copying and erasing what is kept of a person, interrupted anywhere."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from parvis.audit import Actor
from parvis.audit.export import export_files, write_folder
from parvis.audit.receipts import parse_receipt
from parvis.audit.verify import verify_folder
from parvis.compliance.holds import Held
from parvis.conversations.vault import Numbering, Vault
from parvis.domain import NumberedValue
from parvis.errors import Conflict, InvalidRequest, NotFound
from parvis.keystore import KeyStore
from parvis.subjects import agencies as agencies_module
from parvis.subjects.copies import write_copy
from parvis.subjects.erase import (
    confirm_erasure,
    erase_own_conversation,
    request_erasure,
    resume_erasures,
)
from parvis.subjects.find import Wanted, describe, find
from parvis.subjects.holding import lift_hold, place_hold
from parvis.subjects.operators import read_operator
from parvis.subjects.retention import apply_limits
from parvis.tables import VaultValueRow
from tests.subjects.offices import ADA, ANNA, BEN, GRACE, MARKER, Killed, Office, kill_at

PERSON = Wanted("person", ANNA.subject)
GROUND = "gdpr-17.1.c"


def erase(office: Office, wanted: Wanted = PERSON, tenant: str = "valbourg") -> Any:
    asked = request_erasure(office.stores, tenant, wanted, ground=GROUND, actor=ADA)
    return confirm_erasure(office.stores, tenant, asked.id, actor=GRACE)


def verdict(office: Office, folder: Path) -> dict[str, Any]:
    write_folder(export_files(office.stores.audit, "valbourg"), folder)
    return verify_folder(str(folder))


def test_a_person_is_found_by_keys_in_every_store(office: Office) -> None:
    conversation, _ = office.chat()
    office.chat(BEN)
    office.request(Actor.of(ANNA))
    found = find(office.stores, "valbourg", PERSON)
    kept = describe(office.stores, "valbourg", found)
    assert [one["id"] for one in kept["conversations"]] == [conversation]
    assert kept["conversations"][0]["turns"] == 1
    # user in four records, prompt and answer of the chat and of the request
    assert sorted((one["kind"], one["values"]) for one in kept["sealed"]) == [
        ("audit-conversation", 2),
        ("audit-request", 2),
        ("audit-subject", 4),
    ]
    record = office.stores.audit.reader.list_records("valbourg", limit=1)[0]
    assert record.data["actor"]["pid"] in kept["pseudonyms"].values()
    assert MARKER not in json.dumps(kept)
    assert find(office.stores, "valbourg", Wanted("person", "nobody")).is_empty


def test_nothing_of_an_erased_person_is_left_and_the_log_is_whole(
    office: Office, tmp_path: Path
) -> None:
    conversation, receipt = office.chat()
    kept_conversation, _ = office.chat(BEN, "another text")
    vault = Vault(office.stores.engine, office.stores.keystore)
    vault.add(ANNA, conversation, Numbering((), 0), [NumberedValue("PERSON", 1, 0, MARKER)])
    office.request(Actor.of(ANNA))
    assert verdict(office, tmp_path / "before")["verdict"] == "INTACT"
    done = erase(office)
    assert done.counts == {
        "CONVERSATIONS": 1,
        "TURNS": 1,
        "KEYS": 5,
        "SEALED": 8,
        "SESSIONS": 0,
    }
    days = (done.complete_on - datetime.now(UTC)).total_seconds() / 86_400
    assert 29.9 < days < 30.1
    assert find(office.stores, "valbourg", PERSON).is_empty
    for text in (MARKER, ANNA.subject):
        assert office.files_with(text) == []
    with office.stores.engine.connect() as connection:
        assert not connection.execute(VaultValueRow.__table__.select()).all()  # type: ignore[attr-defined]
    assert [one.id for one in office.stores.conversations.list_facts("valbourg")] == [
        kept_conversation
    ]
    assert conversation != kept_conversation
    # the log still proves the record, and says who asked, who confirmed, and what went
    named = parse_receipt(receipt)
    proof = office.stores.audit.reader.get_proof("valbourg", named.seq)
    assert proof.record.leaf_hash == named.leaf_hash
    assert office.kinds("erasure.") == [
        "erasure.requested",
        "erasure.confirmed",
        "erasure.done",
    ]
    report = verdict(office, tmp_path / "after")
    assert report["verdict"] == "INTACT", report["findings"]


def test_a_person_erased_twice_is_asked_for_in_vain(office: Office) -> None:
    office.chat()
    asked = request_erasure(office.stores, "valbourg", PERSON, ground=GROUND, actor=ADA)
    with pytest.raises(Conflict, match="already"):
        request_erasure(office.stores, "valbourg", PERSON, ground=GROUND, actor=GRACE)
    confirm_erasure(office.stores, "valbourg", asked.id, actor=GRACE)
    with pytest.raises(Conflict, match="done already"):
        confirm_erasure(office.stores, "valbourg", asked.id, actor=GRACE)
    with pytest.raises(NotFound):
        request_erasure(office.stores, "valbourg", PERSON, ground=GROUND, actor=ADA)


def test_who_asks_cannot_confirm(office: Office) -> None:
    office.chat()
    asked = request_erasure(office.stores, "valbourg", PERSON, ground=GROUND, actor=ADA)
    for same in (ADA, read_operator("Ada")):
        with pytest.raises(Conflict, match="another person"):
            confirm_erasure(office.stores, "valbourg", asked.id, actor=same)
    assert office.kinds("erasure.") == ["erasure.requested"]
    assert not find(office.stores, "valbourg", PERSON).is_empty
    confirm_erasure(office.stores, "valbourg", asked.id, actor=GRACE)
    assert find(office.stores, "valbourg", PERSON).is_empty


def test_another_agency_can_neither_ask_nor_confirm(office: Office) -> None:
    conversation, receipt = office.chat()
    for wanted in (PERSON, Wanted("conversation", conversation), Wanted("receipt", receipt)):
        with pytest.raises(NotFound):
            request_erasure(office.stores, "habitat", wanted, ground=GROUND, actor=ADA)
    asked = request_erasure(office.stores, "valbourg", PERSON, ground=GROUND, actor=ADA)
    with pytest.raises(NotFound):
        confirm_erasure(office.stores, "habitat", asked.id, actor=GRACE)
    with pytest.raises(NotFound):
        request_erasure(office.stores, "nowhere", PERSON, ground=GROUND, actor=ADA)
    assert not find(office.stores, "valbourg", PERSON).is_empty


def test_a_ground_that_the_law_does_not_know_is_refused(office: Office) -> None:
    office.chat()
    with pytest.raises(InvalidRequest, match=r"gdpr-17\.1\.a"):
        request_erasure(office.stores, "valbourg", PERSON, ground="because", actor=ADA)


def test_one_request_of_a_client_is_erased_alone_by_its_receipt(office: Office) -> None:
    begun, ended = office.request()
    _, other = office.request(text="of somebody else")
    found = find(office.stores, "valbourg", Wanted("receipt", begun))
    assert found.values == 2
    # the receipt of a stream names the intent, that of an answer its end: both lead there
    assert {key.id for key in found.keys} == {
        key.id for key in find(office.stores, "valbourg", Wanted("receipt", ended)).keys
    }
    erase(office, Wanted("receipt", begun))
    reader = office.stores.audit.reader
    gone, kept = (reader.find_by_receipt("valbourg", text) for text in (ended, other))
    assert gone is not None and kept is not None
    assert reader.open_sealed("valbourg", gone, office.stores.keystore) == {}
    opened = reader.open_sealed("valbourg", kept, office.stores.keystore)
    assert opened["answer"] == b"of somebody else"


def test_a_receipt_of_the_portal_leads_to_its_conversation(office: Office) -> None:
    conversation, receipt = office.chat()
    with pytest.raises(Conflict, match=conversation):
        find(office.stores, "valbourg", Wanted("receipt", receipt))
    found = find(office.stores, "valbourg", Wanted("conversation", conversation))
    assert [one.id for one in found.conversations] == [conversation] and found.values == 2
    erase(office, Wanted("conversation", conversation))
    with pytest.raises(NotFound):
        find(office.stores, "valbourg", Wanted("conversation", conversation))


@pytest.mark.parametrize("kind", ["person", "conversation", "range", "case"])
def test_a_hold_refuses_an_erasure_and_its_end_carries_it_out(office: Office, kind: Any) -> None:
    conversation, _ = office.chat()
    now = datetime.now(UTC)
    hold = place_hold(
        office.stores,
        "valbourg",
        kind,
        {"person": ANNA.subject, "conversation": conversation}.get(kind, ""),
        reason="litigation",
        until=now + timedelta(days=90),
        actor=ADA,
        case_word="AZ-2026/17",
        period=(now - timedelta(days=1), now + timedelta(days=1)) if kind == "range" else None,
    )
    asked = request_erasure(office.stores, "valbourg", PERSON, ground=GROUND, actor=ADA)
    with pytest.raises(Held) as refused:
        confirm_erasure(office.stores, "valbourg", asked.id, actor=GRACE)
    assert (refused.value.ground, refused.value.until.date()) == (
        "gdpr-17.3.e",
        hold.until.date(),
    )
    record = office.stores.audit.reader.list_records("valbourg", kinds=["erasure.refused"])[0].data
    assert record["change"]["ground"] == "gdpr-17.3.e"
    assert record["target"]["to"][:10] == f"{hold.until:%Y-%m-%d}"
    assert record["target"]["documents"] == [hold.id]
    with pytest.raises(Held):
        erase_own_conversation(office.stores, ANNA, conversation)
    assert resume_erasures(office.stores, "valbourg") == []
    assert not find(office.stores, "valbourg", PERSON).is_empty
    lift_hold(office.stores, "valbourg", hold.id, actor=ADA)
    (done,) = resume_erasures(office.stores, "valbourg")
    assert done.erasure_id == asked.id and find(office.stores, "valbourg", PERSON).is_empty
    assert office.kinds("hold.") == ["hold.placed", "hold.lifted"]


def test_a_hold_on_somebody_else_forbids_nothing(office: Office) -> None:
    office.chat()
    until = datetime.now(UTC) + timedelta(days=9)
    past = (datetime.now(UTC) - timedelta(days=9), datetime.now(UTC) - timedelta(days=8))
    for kind, ref, period in (("person", BEN.subject, None), ("range", "", past)):
        place_hold(
            office.stores,
            "valbourg",
            kind,  # type: ignore[arg-type]
            ref,
            reason="audit",
            until=until,
            actor=ADA,
            period=period,
        )
    erase(office)
    assert find(office.stores, "valbourg", PERSON).is_empty


def test_a_hold_that_could_not_be_recorded_is_recorded_when_it_is_lifted(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    values: Any = {"reason": "audit", "until": datetime.now(UTC) + timedelta(days=9), "actor": ADA}
    with monkeypatch.context() as patched:
        kill_at(patched, "parvis.audit.log.AuditLog.append", act=False, last=False)
        with pytest.raises(Killed):
            place_hold(office.stores, "valbourg", "case", "", case_word="AZ-1", **values)
    (hold,) = office.stores.compliance.list_holds("valbourg")
    assert office.kinds("hold.") == []
    lift_hold(office.stores, "valbourg", hold.id, actor=GRACE)
    assert office.kinds("hold.") == ["hold.placed", "hold.lifted"]


def test_a_daily_run_records_once_a_hold_that_could_not_be_recorded(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    values: Any = {"reason": "audit", "until": datetime.now(UTC) + timedelta(days=9), "actor": ADA}
    place_hold(office.stores, "valbourg", "case", "", case_word="AZ-1", **values)
    assert apply_limits(office.stores, "valbourg").recorded_holds == []
    with monkeypatch.context() as patched:
        kill_at(patched, "parvis.audit.log.AuditLog.append", act=False, last=False)
        with pytest.raises(Killed):
            place_hold(office.stores, "valbourg", "case", "", case_word="AZ-2", **values)
    _, unrecorded = office.stores.compliance.list_holds("valbourg")
    assert apply_limits(office.stores, "valbourg").recorded_holds == [unrecorded.id]
    assert apply_limits(office.stores, "valbourg").recorded_holds == []
    assert office.kinds("hold.") == ["hold.placed", "hold.placed"]


def test_a_hold_on_a_conversation_that_is_not_kept_is_refused(office: Office) -> None:
    conversation, _ = office.chat()
    values: Any = {
        "reason": "audit",
        "until": datetime.now(UTC) + timedelta(days=9),
        "actor": ADA,
    }
    with pytest.raises(NotFound, match="no such conversation"):
        place_hold(office.stores, "valbourg", "conversation", conversation + "0", **values)
    assert office.kinds("hold.") == []
    place_hold(office.stores, "valbourg", "conversation", conversation, **values)
    assert office.kinds("hold.") == ["hold.placed"]


def test_an_owner_erases_a_conversation_alone_and_the_log_allows_it(
    office: Office, tmp_path: Path
) -> None:
    conversation, _ = office.chat()
    with pytest.raises(NotFound):
        erase_own_conversation(office.stores, BEN, conversation)
    erase_own_conversation(office.stores, ANNA, conversation)
    assert office.files_with(MARKER) == []
    assert office.kinds("erasure.") == ["erasure.confirmed", "erasure.done"]
    report = verdict(office, tmp_path / "after")
    assert report["verdict"] == "INTACT", report["findings"]


STEPS = {
    "before the keys": (KeyStore, "destroy_keys", False),
    "after the keys": (KeyStore, "destroy_keys", True),
    "after the conversations": (
        "parvis.conversations.store.Conversations",
        "delete_conversations",
        True,
    ),
    "after the sealed rows": ("parvis.audit.log.AuditLog", "delete_sealed", True),
    "before the sessions": ("parvis.subjects.erase", "forget_person", False),
    "after the sessions": ("parvis.subjects.erase", "forget_person", True),
    "before the end is noted": (
        "parvis.compliance.store.ComplianceStore",
        "advance_erasure",
        False,
    ),
}


@pytest.mark.parametrize("step", sorted(STEPS))
def test_an_erasure_that_was_interrupted_is_finished_once(
    office: Office, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, step: str
) -> None:
    where, name, act = STEPS[step]
    office.chat()
    asked = request_erasure(office.stores, "valbourg", PERSON, ground=GROUND, actor=ADA)
    with monkeypatch.context() as patched:
        place = f"{where}.{name}" if isinstance(where, str) else (where, name)
        kill_at(patched, place, act=act, last=step == "before the end is noted")
        with pytest.raises(Killed):
            confirm_erasure(office.stores, "valbourg", asked.id, actor=GRACE)
    (done,) = resume_erasures(office.stores, "valbourg")
    assert done.counts["CONVERSATIONS"] == 1 and done.counts["SEALED"] == 4
    assert resume_erasures(office.stores, "valbourg") == []
    assert find(office.stores, "valbourg", PERSON).is_empty
    for text in (MARKER, ANNA.subject):
        assert office.files_with(text) == []
    assert office.kinds("erasure.") == ["erasure.requested", "erasure.confirmed", "erasure.done"]
    assert verdict(office, tmp_path / "after")["verdict"] == "INTACT"


def test_a_copy_holds_the_persons_own_texts_and_two_names_are_on_record(
    office: Office, tmp_path: Path
) -> None:
    office.chat()
    office.chat(BEN, "not of Anna")
    office.request(Actor.of(ANNA), "by program")
    found = find(office.stores, "valbourg", PERSON)
    made = write_copy(
        office.stores,
        "valbourg",
        found,
        tmp_path / "copy",
        actor=ADA,
        second=GRACE,
        language="de",
    )
    copy = json.loads((tmp_path / "copy" / "person.json").read_text(encoding="utf-8"))
    assert made["conversations"] == 1 and made["records"] == 4
    assert copy["conversations"][0]["turns"][0]["question"] == MARKER
    opened = [one["opened"] for one in copy["records"]]
    assert {"user": ANNA.subject, "prompt": "by program", "answer": "by program"} in opened
    page = (tmp_path / "copy" / "index.html").read_text(encoding="utf-8")
    assert 'lang="de"' in page and MARKER in page
    for text in (page, json.dumps(copy)):
        assert "not of Anna" not in text and BEN.subject not in text
    looks = office.stores.audit.reader.list_records("valbourg", kinds=["audit.unsealed"])
    assert {record.data["reason"] for record in looks} == {"agreed", "copy"}
    assert len({record.data["actor"]["pid"] for record in looks}) == 2
    assert oct((tmp_path / "copy").stat().st_mode)[-3:] == "700"


def test_erasures_are_prepared_in_parts_that_fit_a_record(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agencies_module, "KEYS_A_RECORD", 2)
    office.chat()
    office.chat()
    done = erase(office)
    records = office.stores.audit.reader.list_records("valbourg", kinds=["erasure.confirmed"])
    named = [key for record in records for key in record.data["target"]["keys"]]
    assert len(records) == 3 and len(set(named)) == len(named) == done.counts["KEYS"] == 6
