"""What time takes, and what it may not take: limits, holds, the floor, interruptions."""

import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from parvis.audit import Actor, Draft
from parvis.audit.export import export_files, write_folder
from parvis.audit.fsck import check_logs
from parvis.audit.receipts import parse_receipt
from parvis.audit.verify import verify_folder
from parvis.keystore import AUDIT_KINDS, KeyStore
from parvis.subjects.find import Wanted, find
from parvis.subjects.holding import lift_hold, place_hold
from parvis.subjects.retention import apply_limits
from tests.audit.houses import wait_half_a_year
from tests.subjects.offices import ADA, ANNA, BEN, MARKER, Killed, Office, kill_at

NOW = datetime.now(UTC)
PERSON = Wanted("person", ANNA.subject)


@pytest.fixture(autouse=True)
def by_the_clock_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs are told the time; the log that prunes looks at its own clock."""
    wait_half_a_year(monkeypatch, 366)


def report(office: Office, folder: Path) -> dict[str, Any]:
    write_folder(export_files(office.stores.audit, "valbourg"), folder)
    return verify_folder(str(folder))


def fill(office: Office, count: int = 600) -> list[Any]:
    actor = Actor("person", "clerk")
    audit = office.stores.audit
    waiting = [audit.submit("valbourg", Draft("auth.login", actor)) for _ in range(count)]
    return [audit.wait(one, 30) for one in waiting]


def hold(office: Office, kind: Any = "case", ref: str = "", **more: Any) -> Any:
    until = NOW + timedelta(days=9)
    values = {"reason": "audit", "until": until, "actor": ADA} | more
    return place_hold(office.stores, "valbourg", kind, ref, **values)


def test_sealed_values_go_when_their_days_are_over_and_a_record_allows_it(
    office: Office, tmp_path: Path
) -> None:
    office.chat()
    office.request()
    before = apply_limits(office.stores, "valbourg", NOW + timedelta(days=30))
    assert before.sealed == 0
    (ran,) = office.stores.audit.reader.list_records("valbourg", kinds=("retention.ran",))
    assert ran.data["target"]["records"] == 0 and ran.data["privacy"]["counts"]["SEALED"] == 0
    gone = apply_limits(office.stores, "valbourg", NOW + timedelta(days=32))
    # the person's name twice, two texts of the request; those of the chat went with it
    assert (gone.conversations, gone.sealed) == (1, 4)
    assert not office.stores.keystore.list_keys("valbourg", AUDIT_KINDS)
    again = apply_limits(office.stores, "valbourg", NOW + timedelta(days=32))
    assert (again.conversations, again.sealed, again.keys) == (0, 0, 0)
    assert office.files_with(MARKER) == []
    found = report(office, tmp_path / "out")
    assert found["verdict"] == "INTACT", found["findings"]
    assert found["sealed"]["erased"] == found["sealed"]["fields"] > 0
    checks = check_logs(office.settings.audit_dir, office.stores.keystore)
    assert not any(check.faults for check in checks)


def test_a_hold_keeps_what_time_would_take(office: Office) -> None:
    conversation, _ = office.chat()
    office.chat(BEN, "of Ben")
    placed = hold(office, "person", ANNA.subject)
    office.expire(conversation)
    later = NOW + timedelta(days=40)
    gone = apply_limits(office.stores, "valbourg", later)
    assert gone.conversations == 1 and gone.overdue_holds == [placed.id]
    kept = find(office.stores, "valbourg", PERSON)
    assert [one.id for one in kept.conversations] == [conversation] and kept.values == 4
    assert office.stores.conversations.open_held("valbourg", conversation).turns[0].answer == MARKER
    lift_hold(office.stores, "valbourg", placed.id, actor=ADA)
    assert apply_limits(office.stores, "valbourg", later).conversations == 1
    assert find(office.stores, "valbourg", PERSON).values == 0


def test_old_records_lose_their_bodies_and_still_prove(office: Office, tmp_path: Path) -> None:
    first = fill(office)[0]
    gone = apply_limits(office.stores, "valbourg", NOW + timedelta(days=366))
    assert gone.pruned == 512
    reader = office.stores.audit.reader
    assert reader.find_record("valbourg", first.seq) is None
    record = reader.list_records("valbourg", kinds=["retention.pruned"])[-1].data
    pruned = [
        one.data["target"]
        for one in reader.list_records("valbourg", kinds=["retention.pruned"])
        if one.data["target"]["object"] == "records"
    ]
    assert pruned == [{"object": "records", "first": 0, "end": 512, "days": 365}]
    assert record["outcome"] == "success"
    again = apply_limits(office.stores, "valbourg", NOW + timedelta(days=366))
    assert again.pruned == 512
    # the record says that bodies went which, by the clock of the log, are minutes old: a finding
    found = report(office, tmp_path / "out")
    reasons = {one["reason"] for one in found["findings"]}
    assert reasons == {"records were pruned before 184 days were over"}
    assert found["pruned"]["end"] == 512 and found["records"][0] == 512
    assert parse_receipt(first.text).seq < 512


def test_records_younger_than_the_floor_stay_whatever_a_file_says(
    office: Office,
) -> None:
    fill(office)
    agency = office.stores.get_agency("valbourg")
    loose = agency.retention.model_copy(update={"audit_days": 1})
    tenants = dataclasses.replace(
        office.stores.tenants,
        agencies={"valbourg": agency.model_copy(update={"retention": loose})},
    )
    stores = dataclasses.replace(office.stores, tenants=tenants)
    assert apply_limits(stores, "valbourg", NOW + timedelta(days=183)).pruned == 0
    assert apply_limits(stores, "valbourg", NOW + timedelta(days=186)).pruned == 512


@pytest.mark.parametrize("kind", ["case", "person", "range"])
def test_a_hold_keeps_records_from_where_it_begins(office: Office, kind: str) -> None:
    office.chat()
    fill(office)
    period = (NOW - timedelta(days=1), NOW + timedelta(days=1)) if kind == "range" else None
    placed = hold(office, kind, ANNA.subject if kind == "person" else "", period=period)
    later = NOW + timedelta(days=366)
    assert apply_limits(office.stores, "valbourg", later).pruned == 0
    lift_hold(office.stores, "valbourg", placed.id, actor=ADA)
    assert apply_limits(office.stores, "valbourg", later).pruned == 512


@pytest.mark.parametrize("act", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    ("holder", "name"),
    [
        (KeyStore, "destroy_keys"),
        ("parvis.audit.log.AuditLog", "delete_sealed"),
        ("parvis.conversations.store.Conversations", "delete_conversations"),
        ("parvis.audit.log.AuditLog", "prune"),
    ],
)
def test_a_run_that_was_interrupted_is_finished_by_the_next(
    office: Office, monkeypatch: pytest.MonkeyPatch, holder: Any, name: str, *, act: bool
) -> None:
    office.chat()
    fill(office)
    later = NOW + timedelta(days=366)
    with monkeypatch.context() as patched:
        place = f"{holder}.{name}" if isinstance(holder, str) else (holder, name)
        kill_at(patched, place, act=act, last=False)
        with pytest.raises(Killed):
            apply_limits(office.stores, "valbourg", later)
    assert apply_limits(office.stores, "valbourg", later).pruned == 512
    again = apply_limits(office.stores, "valbourg", later)
    assert (again.conversations, again.sealed, again.keys) == (0, 0, 0)
    assert office.files_with(MARKER) == []
    assert not office.stores.conversations.list_ids("valbourg")
    checks = check_logs(office.settings.audit_dir, office.stores.keystore)
    faults = [fault for check in checks for fault in check.faults]
    assert all("184 days" in fault for fault in faults)


def test_keys_that_an_old_copy_brought_back_are_destroyed_again(
    office: Office, tmp_path: Path
) -> None:
    office.chat()
    later = NOW + timedelta(days=32)
    office.stores.keystore.write_backup(tmp_path / "old.db")
    assert apply_limits(office.stores, "valbourg", later).conversations == 1
    left = office.stores.keystore.list_ids("valbourg")
    old = KeyStore(tmp_path / "old.db", office.configuration.root_key)
    stores = dataclasses.replace(office.stores, keystore=old)
    assert old.list_ids("valbourg") - left
    apply_limits(stores, "valbourg", later)
    assert not old.list_keys("valbourg", ("conversation", *AUDIT_KINDS))
    old.close()


def test_another_agency_s_limits_touch_nothing_here(office: Office) -> None:
    conversation, _ = office.chat()
    gone = apply_limits(office.stores, "habitat", NOW + timedelta(days=400))
    assert (gone.conversations, gone.sealed, gone.keys) == (0, 0, 0)
    assert office.stores.conversations.open_held("valbourg", conversation).turns
