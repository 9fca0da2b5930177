"""Appending: durable receipts, one ending for each intent, sealed values, and every way to fail."""

import dataclasses
import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import apsw
import pytest

from parvis.audit import PLATFORM, Actor, AuditLog, Draft, KeyRef, Receipt, verify
from parvis.audit import writer as writer_module
from parvis.audit.events import replace_id
from parvis.audit.fsck import check_log
from parvis.audit.notes import Checkpoint
from parvis.audit.pending import Pending
from parvis.audit.rows import Range
from parvis.audit.sealing import open_value, pseudonym
from parvis.audit.sequencer import Item
from parvis.audit.sqlite_store import SqliteStore
from parvis.audit.store import StoreBusy, StoreFault
from parvis.audit.stores import open_store
from parvis.audit.tree import leaf_hash, verify_inclusion
from parvis.errors import AuditUnavailable
from parvis.keystore import SealBroken
from tests.audit.houses import (
    CHATBOT,
    CIVIL_SERVANT,
    INSTALLATION,
    ROOT_KEY,
    House,
    export,
    fill,
    fill_fast,
    finish_chat,
    start_chat,
)

LOGIN = Draft("auth.login", CIVIL_SERVANT)


def records(log: AuditLog, tenant: str = "commune") -> list[dict[str, object]]:
    return [dict(record.data) for record in log.reader.list_records(tenant, limit=1000)][::-1]


def test_a_receipt_proves_the_stored_bytes_under_a_signed_head(log: AuditLog) -> None:
    started = start_chat(log)
    finished = finish_chat(log, started)
    key = log.reader.get_key("commune")
    for receipt in (started, finished):
        found = log.reader.find_by_receipt("commune", receipt.text)
        assert found is not None and found.seq == receipt.seq
        assert leaf_hash(found.leaf) == receipt.leaf_hash
        checkpoint = Checkpoint(key.origin, receipt.size, receipt.root).text.encode()
        public = verify.Key(key.vkey).public
        assert verify.check_signature(public, receipt.signature, checkpoint)
        proof = log.reader.get_proof("commune", receipt.seq)
        head = proof.head
        assert verify_inclusion(receipt.leaf_hash, receipt.seq, head.size, proof.path, head.root)


def test_a_record_is_complete_from_the_first_one(log: AuditLog) -> None:
    finish_chat(log, start_chat(log))
    born, started, finished = records(log)
    assert born["kind"] == "log.created" and born["seq"] == 0
    assert born["change"]["vkey"] == log.reader.get_key("commune").vkey
    assert born["change"]["origin"] == f"{INSTALLATION}/audit/{born['log']}"
    assert [one["emit"]["n"] for one in (born, started, finished)] == [1, 1, 2]
    assert born["emit"]["boot"] != started["emit"]["boot"] == finished["emit"]["boot"]
    assert finished["re"] == started["id"] and finished["phase"] == "result"
    assert finished["model"]["answered"] == "Smol_LM/2"
    assert set(finished["seal"]) == {"user", "prompt", "answer"}
    assert set(started["seal"]) == {"user"}
    assert [record["kind"] for record in records(log, PLATFORM)] == [
        "log.created",
        "log.opened",
        "log.opened",
        "log.created",
    ]


def test_no_value_of_a_person_stands_in_any_file_in_clear(house: House) -> None:
    log = house.open()
    marker = b"Marguerite-Yourcenar-1903"
    started = start_chat(log, actor=Actor("person", marker.decode()))
    sealed = {"prompt": marker, "answer": marker, "note": marker, "ip": marker}
    key = KeyRef("conversation", "c")
    draft = Draft("chat.finished", CIVIL_SERVANT, re=started.id, sealed=sealed, seal_key=key)
    log.append("commune", draft, 10)
    export(log, house.folder / "out")
    files = [path for path in house.folder.rglob("*") if path.is_file()]
    assert len(files) > 10
    with_it = [path.name for path in files if marker in path.read_bytes()]
    assert with_it == [name for name in with_it if name.startswith("keys.db")]


def test_sealed_values_open_under_their_key_and_nowhere_else(house: House) -> None:
    log = house.open()
    receipt = finish_chat(log, start_chat(log))
    found = log.reader.find_record("commune", receipt.seq)
    assert found is not None
    with_key = house.keystore.find_key_by_id("commune", found.data["seal"]["answer"]["k"])
    assert with_key is not None
    made = house.keystore.list_keys("commune", ("audit-conversation",), "c-1")
    assert [(fact.id, fact.day) for fact in made] == [(with_key.id, found.data["seen"][:10])]
    store = open_store(house.audit_dir, read_only=True)
    row = store.find_log("commune")
    assert row is not None
    boxes = store.list_sealed(row.no, receipt.id)
    store.close()
    seal = found.data["seal"]
    opened = open_value(with_key, row.id, receipt.id, "answer", boxes["answer"][1], seal["answer"])
    assert opened.decode() == "très bien" and seal["answer"]["n"] == len(opened)
    for name, box, entry in (
        ("answer", boxes["prompt"][1], seal["answer"]),
        ("prompt", boxes["answer"][1], seal["prompt"]),
        ("answer", boxes["answer"][1], seal["prompt"]),
        ("answer", boxes["answer"][1][:-1] + b"x", seal["answer"]),
    ):
        with pytest.raises(SealBroken):
            open_value(with_key, row.id, receipt.id, name, box, entry)
    with pytest.raises(SealBroken):
        open_value(
            with_key, row.id, started_id(found.data), "answer", boxes["answer"][1], seal["answer"]
        )
    assert house.keystore.destroy_keys("commune", [with_key.id]) == 1
    assert house.keystore.find_key_by_id("commune", seal["answer"]["k"]) is None


def test_a_request_of_a_client_has_a_key_of_its_own(house: House) -> None:
    log = house.open()
    draft = Draft("chat.refused", CHATBOT, phase="fact", sealed={"prompt": b"x", "answer": b"y"})
    draft = dataclasses.replace(draft, seal_key=KeyRef("request"))
    seals = []
    for _ in range(2):
        receipt = log.append("commune", replace_id(draft), 10)
        found = log.reader.find_record("commune", receipt.seq)
        assert found is not None
        seals.append({entry["k"] for entry in found.data["seal"].values()})
    assert [len(keys) for keys in seals] == [1, 1] and seals[0] != seals[1]
    assert house.keystore.destroy_keys("commune", seals[0]) == 1
    (left,) = seals[1]
    assert house.keystore.find_key_by_id("commune", left) is not None


def started_id(data: object) -> str:
    assert isinstance(data, dict)
    return str(data["re"])


def test_equal_values_never_have_equal_commitments(log: AuditLog) -> None:
    fill(log, 5)
    seals = [one["seal"] for one in records(log) if "seal" in one]
    commitments = [entry["c"] for seal in seals for entry in seal.values()]
    assert len(commitments) == len(set(commitments)) == 20


def test_a_pseudonym_is_the_persons_for_a_month_and_an_agency(house: House) -> None:
    log = house.open()
    for tenant in ("commune", "adem"):
        for actor in (CIVIL_SERVANT, CIVIL_SERVANT, CHATBOT):
            log.append(tenant, Draft("auth.login", actor), 10)
    pids = {
        t: [one["actor"].get("pid") for one in records(log, t)[1:]] for t in ("commune", "adem")
    }
    assert pids["commune"][0] == pids["commune"][1] != pids["commune"][2]
    assert not set(pids["commune"]) & set(pids["adem"])
    key = house.keystore.get_key("commune", "subject", CIVIL_SERVANT.subject)
    assert pseudonym(key, "2026-11") != pseudonym(key, "2026-12")
    assert "seal" not in records(log)[3]  # a service has no person to seal


def test_the_same_id_is_written_once(log: AuditLog) -> None:
    first, again = log.append("commune", LOGIN, 10), log.append("commune", LOGIN, 10)
    assert (first.seq, first.leaf_hash) == (again.seq, again.leaf_hash)
    assert len(records(log)) == 2
    with pytest.raises(ValueError, match="another record"):
        log.append("commune", Draft("auth.logout", CIVIL_SERVANT, id=LOGIN.id), 10)


def test_an_intent_has_exactly_one_ending(log: AuditLog) -> None:
    started = start_chat(log)
    finish_chat(log, started)
    with pytest.raises(AuditUnavailable):
        finish_chat(log, started)
    with pytest.raises(AuditUnavailable):
        log.append("commune", Draft("chat.failed", CIVIL_SERVANT, re=LOGIN.id), 10)
    assert [one["kind"] for one in records(log)][1:] == ["chat.started", "chat.finished"]


def test_a_wrong_record_in_a_batch_harms_no_other(log: AuditLog) -> None:
    started = start_chat(log)
    waiting: list[Pending[Receipt]] = [
        log.submit("commune", Draft("chat.failed", CIVIL_SERVANT, re=LOGIN.id)),
        log.submit("commune", Draft("chat.failed", CIVIL_SERVANT, re=started.id)),
        log.submit("commune", Draft("auth.logout", CIVIL_SERVANT)),
    ]
    with pytest.raises(AuditUnavailable):
        waiting[0].result(10)
    assert waiting[2].result(10).seq == waiting[1].result(10).seq + 1
    assert [one["emit"]["n"] for one in records(log)] == [1, 1, 2, 3]


def test_a_record_beyond_eight_kilobytes_is_refused_and_a_smaller_one_is_not(
    log: AuditLog,
) -> None:
    names = [f"{at}" + "x" * 200 for at in range(60)]
    with pytest.raises(ValueError, match="8 KiB"):
        log.append("commune", Draft("chat.refused", phase="fact", target={"documents": names}))
    log.append("commune", Draft("chat.refused", phase="fact", target={"documents": names[:30]}), 10)


def test_sealed_values_without_a_key_are_refused(log: AuditLog) -> None:
    with pytest.raises(ValueError, match="need a key"):
        log.append("commune", Draft("auth.login", sealed={"note": b"x"}))


def test_positions_and_times_never_go_back(log: AuditLog, monkeypatch: pytest.MonkeyPatch) -> None:
    fill_fast(log, 3)
    earlier = time.time_ns() // 1000 - 5_000_000
    monkeypatch.setattr(writer_module, "now_us", lambda: earlier)
    fill_fast(log, 2)
    monkeypatch.setattr(writer_module, "now_us", lambda: earlier - 3600_000_000)
    fill_fast(log, 2)
    found = records(log)
    assert [one["seq"] for one in found] == list(range(len(found)))
    steps = [one["seq"] for one in found if one["kind"] == "clock.stepped"]
    assert steps == [6]
    for before, after in pairwise(found):
        assert before["time"] <= after["time"] or after["seq"] == 6


def test_a_stepped_clock_still_verifies(
    house: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    log = house.open()
    fill_fast(log, 3)
    now = time.time_ns() // 1000
    monkeypatch.setattr(writer_module, "now_us", lambda: now - 86_400_000_000)
    fill_fast(log, 3)
    report = verify.verify_folder(str(export(log, tmp_path / "out")))
    assert report["verdict"] == "INTACT", report["findings"]


def test_many_threads_get_positions_without_gap(log: AuditLog) -> None:
    receipts = fill_fast(log, 2000)
    assert sorted(one.seq for one in receipts) == list(range(1, 2001))
    newest = [record.data["emit"]["n"] for record in log.reader.list_records("commune", limit=500)]
    assert newest == list(range(2000, 1500, -1))


def test_agencies_have_logs_of_their_own(log: AuditLog) -> None:
    fill(log, 2, "commune")
    other = fill(log, 1, "adem")
    keys = {tenant: log.reader.get_key(tenant) for tenant in log.reader.list_tenants()}
    assert set(keys) == {"platform", "commune", "adem"}
    assert len({key.vkey for key in keys.values()}) == 3
    assert log.reader.find_by_receipt("commune", other[0].text) is None
    assert log.reader.find_by_receipt("adem", other[0].text) is not None
    assert log.reader.find_receipt_tenant(other[0].text) == "adem"


def test_files_are_for_this_user_alone(house: House) -> None:
    log = house.open()
    fill(log, 1)
    house.close()
    for path in house.audit_dir.rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path
    for path in (house.audit_dir / "keys").iterdir():
        assert ROOT_KEY not in path.read_bytes()


def test_durability_is_asked_for_and_read_back(house: House) -> None:
    house.open()
    store = SqliteStore(house.audit_dir)
    found = [store._pragma(name) for name in ("journal_mode", "synchronous", "secure_delete")]
    store.close()
    assert found == ["wal", 2, 1]


def test_a_log_of_another_process_is_continued(house: House) -> None:
    first = house.open("a")
    fill(first, 2)
    second = house.open("b")
    fill(second, 2)
    fill(first, 1)
    found = records(first)
    assert [one["seq"] for one in found] == list(range(11))
    assert len({one["emit"]["boot"] for one in found}) == 3


@contextmanager
def held_up(house: House) -> Iterator[None]:
    """The sequencer cannot write: another connection has the database."""
    store = SqliteStore(house.audit_dir)
    store.begin()
    try:
        yield
    finally:
        store.rollback()
        store.close()


def list_items(log: AuditLog) -> list[Item]:
    """What the sequencer of this process knows of and has not answered."""
    server = log._dialler.server
    lines = list(server._lines.values()) if server is not None else []
    return [item for line in lines for item in list(line.items.values())]


def await_items(log: AuditLog, count: int, look: Callable[[Item], bool]) -> None:
    """However slow this machine is: what comes next depends on the order alone."""
    deadline = time.monotonic() + 60
    while sum(map(look, list_items(log))) < count:
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.005)


def begin_and_leave(log: AuditLog, draft: Draft) -> None:
    """Hand it over, and wait no longer when the sequencer has it under way."""
    pending = log.submit("commune", draft)
    await_items(log, 1, lambda item: item.taken)
    with pytest.raises(AuditUnavailable):
        log.wait(pending, 0.05)


def append_when_it_is_back(log: AuditLog, draft: Draft) -> None:
    """What waited for two seconds, as on a slow machine, has those that come after sent away."""
    deadline = time.monotonic() + 60
    while True:
        try:
            log.append("commune", draft, 10)
        except AuditUnavailable:
            assert time.monotonic() < deadline, "it does not come back"
            time.sleep(0.05)
        else:
            return


def test_appending_waits_no_longer_than_it_may(house: House) -> None:
    log = house.open()
    fill(log, 1)
    with held_up(house):
        begun = time.monotonic()
        with pytest.raises(AuditUnavailable) as refused:
            log.append("commune", LOGIN, 0.2)
        assert time.monotonic() - begun < 60 and refused.value.status == 503
    append_when_it_is_back(log, Draft("auth.logout", CIVIL_SERVANT))


def test_an_intent_whose_caller_left_is_closed_as_unknown(house: House) -> None:
    log = house.open()
    fill(log, 1)
    with held_up(house):
        begin_and_leave(log, Draft("chat.started", CIVIL_SERVANT, target={"level": 1}))
        second = log.submit("commune", Draft("chat.started", CIVIL_SERVANT, target={"level": 2}))
        with pytest.raises(AuditUnavailable):
            log.wait(second, 0.05)
        await_items(log, 2, lambda item: item.abandoned)
    with pytest.raises(AuditUnavailable):
        log.wait(second, 10)
    house.close()
    found = records(house.open())[3:]
    assert [one["kind"] for one in found] == ["chat.started", "chat.unknown"]
    assert found[1]["re"] == found[0]["id"] and found[1]["reason"] == "caller_gone"


def test_an_intent_whose_ending_could_not_be_written_is_closed_when_the_log_is_back(
    house: House,
) -> None:
    log = house.open()
    first, second = start_chat(log), start_chat(log)
    with held_up(house):
        begin_and_leave(log, LOGIN)
        with pytest.raises(AuditUnavailable):
            log.append("commune", Draft("chat.failed", re=first.id), 0.05)
        await_items(log, 2, lambda item: item.abandoned)
    append_when_it_is_back(log, LOGIN)
    finish_chat(log, second)
    house.close()
    found = [one for one in records(house.open()) if "re" in one]
    told = [(one["re"], one["kind"], one.get("reason")) for one in found]
    assert told == [
        (first.id, "chat.unknown", "not_written"),
        (second.id, "chat.finished", None),
    ]


def test_somebody_leaving_is_recorded_once_when_the_log_is_back(house: House) -> None:
    log = house.open()
    with held_up(house):
        with pytest.raises(AuditUnavailable):
            log.append("commune", LOGIN, 0.3)
        log.append_late("commune", Draft("auth.logout", CIVIL_SERVANT), 0.05)
    append_when_it_is_back(log, LOGIN)
    fill(log, 1)
    house.close()
    left = [one for one in records(house.open()) if one["kind"] == "auth.logout"]
    assert [one["reason"] for one in left] == ["late"]


def test_a_full_disk_refuses_new_chats_and_takes_endings(house: House) -> None:
    log = house.open()
    started = start_chat(log)
    full = house.open("full", floor_bytes=1 << 62)
    with pytest.raises(AuditUnavailable):
        start_chat(full)
    with pytest.raises(AuditUnavailable):
        full.append("commune", LOGIN, 10)
    with pytest.raises(AuditUnavailable):
        full.check_ready("commune")
    log.check_ready("commune")
    assert finish_chat(full, started).seq == 2


def test_a_failed_commit_is_never_tried_again_by_who_failed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = house.open()
    fill(log, 1)
    stores = []

    def broken(store: SqliteStore) -> None:
        stores.append(store)
        raise StoreFault("IOError")

    monkeypatch.setattr(SqliteStore, "commit", broken)
    pending = log.submit("commune", LOGIN)
    deadline = time.monotonic() + 60
    while not stores and time.monotonic() < deadline:
        time.sleep(0.005)
    with pytest.raises(AuditUnavailable):
        log.wait(pending, 0.5)
    assert stores and len(stores) == len({id(store) for store in stores})
    monkeypatch.undo()
    house.close()
    again = house.open()
    assert again.append("commune", LOGIN, 10).seq == 3
    assert len(records(again)) == 4
    report = verify.verify_folder(str(export(again, house.folder / "out")))
    assert report["verdict"] == "INTACT", report["findings"]


def test_what_was_under_way_when_the_sequencer_failed_is_written_once_by_the_next(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = house.open()
    fill(log, 1)
    really, failed = SqliteStore.commit, []

    def commit(store: SqliteStore) -> None:
        really(store)  # the outcome is reported wrong: it is stored
        if not failed:
            failed.append(1)
            raise StoreFault("IOError")

    monkeypatch.setattr(SqliteStore, "commit", commit)
    receipt = log.append("commune", LOGIN, 20)
    assert failed and receipt.seq == 3
    assert [one["id"] for one in records(log)].count(LOGIN.id) == 1
    assert log.append("commune", LOGIN, 10).leaf_hash == receipt.leaf_hash


def test_a_full_file_system_is_survived(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    log = house.open()
    fill(log, 1)

    def full(_store: SqliteStore) -> None:
        raise StoreBusy("FullError")

    monkeypatch.setattr(SqliteStore, "commit", full)
    with pytest.raises(AuditUnavailable):
        log.append("commune", LOGIN, 10)
    monkeypatch.undo()
    log.append("commune", LOGIN, 10)
    assert [one["emit"]["n"] for one in records(log)] == [1, 1, 2, 3]


def test_a_birth_that_failed_leaves_nothing_in_the_way(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = house.open()

    def full(_store: SqliteStore) -> None:
        raise StoreBusy("FullError")

    monkeypatch.setattr(SqliteStore, "commit", full)
    with pytest.raises(AuditUnavailable):
        log.append("commune", LOGIN, 10)
    monkeypatch.undo()
    house.close()
    log = house.open()
    assert log.append("commune", LOGIN, 10).seq == 1
    assert check_log(house.audit_dir, ROOT_KEY) == []


def test_a_queue_that_is_full_pushes_back(house: House) -> None:
    log = house.open()
    fill(log, 1)
    big = {"note": b"x" * (9 << 20)}
    with held_up(house):
        waiting = [log.submit("commune", LOGIN)]
        waiting.append(log.submit("commune", Draft("auth.login", CIVIL_SERVANT, sealed=big)))
        with pytest.raises(AuditUnavailable):
            log.submit("commune", Draft("auth.login", CIVIL_SERVANT, sealed=big))
    assert [one.result(10).seq for one in waiting] == [3, 4]


def test_a_forked_child_cannot_write_with_its_parents_log(house: House) -> None:
    log = house.open()
    fill(log, 1)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            log.append("commune", LOGIN, 1)
            os.write(writing, b"written")
        except AuditUnavailable:
            os.write(writing, b"refused")
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    assert os.read(reading, 20) == b"refused"
    os.close(reading)
    log.append("commune", LOGIN, 10)


def test_closing_writes_what_is_queued(house: House) -> None:
    log = house.open()
    waiting = [log.submit("commune", Draft("auth.login", CIVIL_SERVANT)) for _ in range(500)]
    house.close()
    assert [one.result(0).seq for one in waiting] == list(range(1, 501))
    with pytest.raises(AuditUnavailable):
        log.append("commune", LOGIN, 1)
    kept = json.loads((house.audit_dir / "heads" / "heads.json").read_text())
    assert sorted(int(note.split("\n")[1]) for note in kept.values()) == [4, 501]


def test_open_intents_of_a_dead_process_are_closed_by_the_next(house: House) -> None:
    script = (
        "import os,sys,time\n"
        "from pathlib import Path\n"
        "from tests.audit.houses import House,start_chat\n"
        "log=House(Path(sys.argv[1])).open('victim')\n"
        "start_chat(log); start_chat(log,'adem'); print('ready',flush=True); time.sleep(60)\n"
    )
    other = House(house.folder)
    with subprocess.Popen(
        [sys.executable, "-c", script, str(house.folder)], stdout=subprocess.PIPE, text=True
    ) as victim:
        assert victim.stdout is not None and victim.stdout.readline() == "ready\n"
        alive = other.open("while-alive")
        assert [one["kind"] for one in records(alive)] == ["log.created", "chat.started"]
        victim.send_signal(signal.SIGKILL)
    log = house.open("next")
    for tenant in ("commune", "adem"):
        last = records(log, tenant)[-1]
        assert (last["kind"], last["outcome"], last["reason"]) == (
            "chat.unknown",
            "unknown",
            "process_ended",
        )
    again = House(house.folder).open("after")
    assert len(records(again)) == 3
    boots = list((house.audit_dir / "boots").iterdir())
    assert len(boots) == 4  # who waits, who came next with its sequencer, who came last
    again.close()
    other.shut()


def remove(path: Path, sql: str) -> None:
    database = apsw.Connection(str(path))
    database.execute(sql)
    database.close()


DAMAGES: dict[str, Callable[[Path, Path], object]] = {
    "empty": lambda database, heads: database.unlink(),
    "no heads": lambda database, heads: heads.unlink(),
    "bad heads": lambda database, heads: heads.write_text("{"),
    "cut": lambda database, heads: remove(database, "DELETE FROM record WHERE seq = 12"),
    "edited": lambda database, heads: remove(
        database, "UPDATE record SET hash = zeroblob(32) WHERE seq = 4 AND log_no = 2"
    ),
    "log removed": lambda database, heads: remove(database, "DELETE FROM log WHERE no = 2"),
    "head removed": lambda database, heads: remove(database, "DELETE FROM head WHERE log_no = 2"),
    "head cut": lambda database, heads: remove(database, "UPDATE head SET size = 12"),
}


@pytest.mark.parametrize("damage", sorted(DAMAGES))
def test_a_log_that_does_not_continue_its_signed_head_is_not_opened(
    new_house: Callable[[str], House], damage: str
) -> None:
    house, twin = new_house("house"), new_house("twin")
    for one in (house, twin):
        fill(one.open(), 6)
        one.close()
    DAMAGES[damage](house.audit_dir / "audit.db", house.audit_dir / "heads" / "heads.json")
    with pytest.raises(AuditUnavailable):
        start_chat(house.open())
    assert check_log(house.audit_dir, ROOT_KEY)
    assert len(records(twin.open())) == 13
    assert check_log(twin.audit_dir, ROOT_KEY) == []


def test_a_database_restored_from_yesterday_is_refused(house: House) -> None:
    fill(house.open(), 3)
    house.close()
    backup = (house.audit_dir / "audit.db").read_bytes()
    fill(house.open(), 1)
    house.close()
    today = (house.audit_dir / "audit.db").read_bytes()
    (house.audit_dir / "audit.db").write_bytes(backup)
    with pytest.raises(AuditUnavailable):
        house.open()
    (house.audit_dir / "audit.db").write_bytes(today)
    assert len(records(house.open())) == 9


def test_a_log_that_shrinks_under_a_running_process_is_not_continued(house: House) -> None:
    log = house.open()
    fill(log, 2)
    store = open_store(house.audit_dir)
    row = store.find_log("commune")
    assert row is not None
    before = store.find_head(row.no)
    assert before is not None
    fill(log, 1)
    store.begin()
    store.put_head(row.no, before)
    store.commit()
    store.close()
    with pytest.raises(AuditUnavailable):
        log.append("commune", LOGIN, 10)


@pytest.mark.parametrize("loss", ["missing", "altered", "other-root"])
def test_without_its_signing_key_a_log_takes_nothing(house: House, loss: str) -> None:
    fill(house.open(), 1)
    house.close()
    for path in (house.audit_dir / "keys").iterdir():
        if loss == "missing":
            path.unlink()
        elif loss == "altered":
            path.write_text("00" * 60)
    root = bytes(32) if loss == "other-root" else ROOT_KEY
    with pytest.raises(AuditUnavailable):
        AuditLog(house.audit_dir, INSTALLATION, root, house.keystore, worker="t")


def test_the_origin_stays_when_the_address_changes(house: House) -> None:
    origin = house.open().reader.get_key(PLATFORM).origin
    house.close()
    log = AuditLog(house.audit_dir, "elsewhere.test", ROOT_KEY, house.keystore, worker="t")
    assert log.reader.get_key(PLATFORM).origin == origin
    log.append("commune", LOGIN, 10)
    assert log.reader.get_key("commune").origin.startswith("elsewhere.test/audit/")
    log.close()


def test_a_page_of_the_store_is_what_was_asked(house: House) -> None:
    log = house.open()
    fill(log, 3)
    store = open_store(house.audit_dir, read_only=True)
    row = store.find_log("commune")
    assert row is not None
    found = store.list_records(row.no, Range(2, 5, kinds=("chat.started",)), limit=10)
    assert [one.seq for one in found] == [3]
    store.close()
