"""Reading for auditors: pages, filters, receipts; what is another agency's looks like missing."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import apsw
import pytest

from parvis.audit import AuditLog, Draft
from parvis.audit.reader import AuditReader
from parvis.errors import AuditUnavailable, NotFound
from tests.audit.houses import CIVIL_SERVANT, House, fill, fill_fast


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AuditLog]:
    house = House(tmp_path_factory.mktemp("read"))
    log = house.open()
    fill(log, 10)
    fill_fast(log, 100)
    fill(log, 2, "adem")
    yield log
    house.shut()


def test_pages_lead_from_the_newest_to_the_birth_and_back(filled: AuditLog) -> None:
    reader, seen = filled.reader, []
    page = reader.list_records("commune", limit=25)
    while page:
        seen += [record.seq for record in page]
        page = reader.list_records("commune", limit=25, before=page[-1].seq)
    assert seen == list(range(120, -1, -1))
    forth = reader.list_records("commune", limit=25, after=20)
    assert [record.seq for record in forth] == list(range(45, 20, -1))


def test_a_filter_finds_the_kinds_and_times_asked_for(filled: AuditLog) -> None:
    reader = filled.reader
    every = reader.list_records("commune", limit=1000)[::-1]
    chats = reader.list_records("commune", kinds=["chat.started", "chat.finished"], limit=1000)
    assert (
        len(chats) == 20 == reader.count_records("commune", kinds=["chat.started", "chat.finished"])
    )
    start, end = every[5].time, every[9].time
    some = reader.list_records("commune", from_time=start, to_time=end, limit=1000)
    assert [one.seq for one in some][::-1] == [one.seq for one in every if start <= one.time < end]
    none = reader.list_records("commune", from_time=every[-1].time + timedelta(seconds=1))
    assert none == [] and reader.count_records("commune", kinds=["log.closed"]) == 0
    with pytest.raises(ValueError, match="zone"):
        reader.list_records("commune", from_time=datetime(2026, 1, 1))


def test_another_agencys_record_looks_like_a_missing_one(filled: AuditLog) -> None:
    reader = filled.reader
    ours = filled.append("commune", Draft("auth.login", CIVIL_SERVANT), 10)
    assert reader.find_by_receipt("commune", ours.text) is not None
    for tenant in ("adem", "platform", "nobody"):
        assert reader.find_by_receipt(tenant, ours.text) is None
        assert reader.find_record(tenant, ours.seq) is None
        with pytest.raises(NotFound):
            reader.get_proof(tenant, ours.seq)
    assert reader.list_records("nobody") == [] and reader.count_records("nobody") == 0
    for asked in (reader.get_key, reader.get_head):
        with pytest.raises(NotFound):
            asked("nobody")


def test_a_row_that_was_never_signed_is_not_shown(house: House) -> None:
    log = house.open()
    fill(log, 1)
    database = apsw.Connection(str(house.audit_dir / "audit.db"))
    database.execute(
        "INSERT INTO record SELECT log_no, 3, randomblob(16), time_us, kind, hash, leaf"
        " FROM record WHERE log_no = 2 AND seq = 2"
    )
    database.close()
    assert [one.seq for one in log.reader.list_records("commune")] == [2, 1, 0]
    assert log.reader.count_records("commune") == 3
    assert log.reader.find_record("commune", 3) is None
    with pytest.raises(NotFound):
        log.reader.get_proof("commune", 3)
    with pytest.raises(AuditUnavailable):
        log.append("commune", Draft("auth.login", CIVIL_SERVANT), 10)


@pytest.mark.parametrize("place", [5, 20, 30, 60])
def test_a_receipt_must_fit_in_log_position_and_leaf(filled: AuditLog, place: int) -> None:
    text = filled.append("commune", Draft("auth.login", CIVIL_SERVANT), 10).text
    assert filled.reader.find_by_receipt("commune", text) is not None
    wrong = text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]
    assert filled.reader.find_by_receipt("commune", wrong) is None
    assert filled.reader.find_by_receipt("commune", "") is None


@pytest.mark.parametrize("seq", [-1, 10**6, 2**63, 2**70])
def test_a_position_that_does_not_exist_is_not_found(filled: AuditLog, seq: int) -> None:
    assert filled.reader.find_record("commune", seq) is None
    with pytest.raises(NotFound):
        filled.reader.get_proof("commune", min(seq, 2**62))


def test_there_is_nothing_to_read_before_the_first_log(house: House) -> None:
    with pytest.raises(AuditUnavailable):
        AuditReader(house.audit_dir)
    house.open()
    reader = AuditReader(house.audit_dir)
    assert reader.list_tenants() == ["platform"]
    reader.close()
