"""The process that alone writes: its deaths, its door, its limits, and those that die before it."""

import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import apsw
import pytest

from parvis.audit import AuditLog, Draft, verify, wire
from parvis.audit.ballast import BALLAST_NAME
from parvis.audit.client import Client
from parvis.audit.fsck import check_logs
from parvis.audit.process import EXIT_INCONSISTENT, EXIT_OCCUPIED
from parvis.audit.sequencer import Limits
from parvis.audit.sqlite_store import SqliteStore
from parvis.audit.store import StoreBusy
from parvis.errors import AuditUnavailable
from tests.audit.houses import (
    CIVIL_SERVANT,
    House,
    allow_pruning,
    export,
    fill,
    fill_fast,
    finish_chat,
    start_chat,
    wait_half_a_year,
)

Value = TypeVar("Value")
PROCESS = """
import sys
from functools import partial
from pathlib import Path
from parvis.audit.process import Keeper, Plan, run_sequencer
from parvis.audit.sequencer import Limits
from tests.audit.houses import INSTALLATION, ROOT_KEY
plan = Plan(Path(sys.argv[1]), INSTALLATION, ROOT_KEY, Limits())
if sys.argv[2] == "alone":
    sys.exit(run_sequencer(plan))
keeper = Keeper(partial(run_sequencer, plan))
print("kept", flush=True)
sys.stdin.read()
keeper.close()
"""
VICTIM = """
import sys, time
from pathlib import Path
from tests.audit.houses import House, start_chat
log = House(Path(sys.argv[1])).open("victim", leads=False)
start_chat(log), start_chat(log, "adem")
print("ready", flush=True)
time.sleep(60)
"""


@contextmanager
def kept_sequencer(house: House) -> Iterator[None]:
    house.audit_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    command = [sys.executable, "-c", PROCESS, str(house.audit_dir), "kept"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "kept\n"
        yield
        process.communicate(timeout=30)


def find_writer(house: House) -> int:
    """The process at the other end of the socket."""
    line = await_that(lambda: wire.connect(house.audit_dir, 1.0))
    raw = line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    line.close()
    return int(struct.unpack("3i", raw)[0])


def await_that(look: Callable[[], Value | None]) -> Value:
    deadline = time.monotonic() + 60
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.01)


def kinds(log: AuditLog, tenant: str = "commune") -> list[str]:
    return [record.kind for record in log.reader.list_records(tenant, limit=1000)][::-1]


def test_a_killed_sequencer_loses_nothing_and_its_workers_go_on(
    house: House, tmp_path: Path
) -> None:
    with kept_sequencer(house):
        log = house.open("worker", leads=False)
        texts: list[str] = []
        done = threading.Event()

        def work() -> None:
            while not done.is_set():
                started = start_chat(log)
                texts.extend((started.text, finish_chat(log, started).text))

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(5):
            count = len(texts)
            await_that(lambda count=count: len(texts) > count + 20)
            os.kill(find_writer(house), signal.SIGKILL)
        done.set()
        for thread in threads:
            thread.join(60)
        assert all(log.reader.find_by_receipt("commune", text) for text in texts)
        assert kinds(log, "platform").count("log.opened") >= 7
        report = verify.verify_folder(str(export(log, tmp_path / "out")))
        assert report["verdict"] == "INTACT", report["findings"]
        house.close()
    checks = check_logs(house.audit_dir, house.keystore)
    assert not any(check.faults for check in checks)
    assert [check.open_intents for check in checks] == [0, 0]


def test_records_that_gather_before_a_sequencer_dies_reach_the_next_one_in_order(
    house: House,
) -> None:
    with kept_sequencer(house):
        log = house.open("worker", leads=False)
        fill(log, 1)
        writer = find_writer(house)
        os.kill(writer, signal.SIGSTOP)
        waiting = [log.submit("commune", Draft("auth.login", CIVIL_SERVANT)) for _ in range(40)]
        os.kill(writer, signal.SIGKILL)
        seqs = [one.result(60).seq for one in waiting]
        assert seqs == list(range(seqs[0], seqs[0] + 40))
        house.close()


def test_a_sequencer_that_was_held_up_goes_on(house: House) -> None:
    with kept_sequencer(house):
        log = house.open("worker", leads=False)
        fill(log, 1)
        writer = find_writer(house)
        os.kill(writer, signal.SIGSTOP)
        for _ in range(2):
            with pytest.raises(AuditUnavailable):
                log.append("commune", Draft("auth.login", CIVIL_SERVANT), 1)
        os.kill(writer, signal.SIGCONT)
        await_that(lambda: is_ready(log))
        fill(log, 1)
        assert find_writer(house) == writer
        house.close()


def test_a_dead_workers_chats_are_ended_at_once(house: House) -> None:
    log = house.open()
    kept = start_chat(log)
    with subprocess.Popen(
        [sys.executable, "-c", VICTIM, str(house.folder)], stdout=subprocess.PIPE, text=True
    ) as victim:
        assert victim.stdout is not None and victim.stdout.readline() == "ready\n"
        assert kinds(log).count("chat.unknown") == 0
        victim.send_signal(signal.SIGKILL)
    for tenant in ("commune", "adem"):
        await_that(lambda tenant=tenant: "chat.unknown" in kinds(log, tenant))
    finish_chat(log, kept)
    assert kinds(log)[-2:] == ["chat.unknown", "chat.finished"]


def test_a_socket_that_somebody_removed_is_made_again(house: House) -> None:
    first = house.open()
    fill(first, 1)
    doors = [house.audit_dir / "sequencer.sock", house.audit_dir / "keys" / "operators.sock"]
    for door in doors:
        door.unlink()
    fill(first, 1)  # who is inside stays inside
    await_that(lambda: all(door.exists() for door in doors))
    later = house.open("later", leads=False)
    fill(later, 1)
    assert later.rotate_key("commune", "schedule", CIVIL_SERVANT)
    assert {door.stat().st_mode & 0o777 for door in doors} == {0o600}


def test_a_second_sequencer_refuses_and_the_first_goes_on(house: House) -> None:
    log = house.open()
    fill(log, 1)
    command = [sys.executable, "-c", PROCESS, str(house.audit_dir), "alone"]
    assert subprocess.run(command, check=False, timeout=60).returncode == EXIT_OCCUPIED
    fill(log, 1)


def test_an_inconsistent_log_stays_down_and_says_why(house: House) -> None:
    fill(house.open(), 3)
    house.close()
    database = apsw.Connection(str(house.audit_dir / "audit.db"))
    database.execute("DELETE FROM record WHERE log_no = 1 AND seq = 1")
    database.close()
    command = [sys.executable, "-c", PROCESS, str(house.audit_dir), "alone"]
    assert subprocess.run(command, check=False, timeout=60).returncode == EXIT_INCONSISTENT
    log = house.open("worker", leads=False)
    with pytest.raises(AuditUnavailable):
        log.check_ready("platform")
    assert log.fault == "hashes of a log are missing"


def test_who_may_not_lead_waits_for_a_sequencer(house: House) -> None:
    house.audit_dir.mkdir(parents=True)
    (house.audit_dir / "sequencer.fault").write_text("not yet")
    worker = house.open("worker", leads=False)
    with pytest.raises(AuditUnavailable):
        start_chat(worker)
    assert not list(house.audit_dir.glob("keys/*"))
    house.open("leader")
    await_that(lambda: is_ready(worker))
    assert start_chat(worker).seq == 1


def is_ready(log: AuditLog) -> bool:
    try:
        log.check_ready("platform")
    except AuditUnavailable:
        return False
    return True


def speak(house: House, *headers: object) -> bytes:
    """What the door answers to a stranger's frames, until it closes or a second passes."""
    line = wire.connect(house.audit_dir, 1.0)
    assert line is not None
    line.sendall(b"".join(one if isinstance(one, bytes) else wire.pack(one) for one in headers))
    heard = b""
    try:
        while data := line.recv(1 << 16):
            heard += data
        return heard + b"closed"
    except TimeoutError:
        return heard
    finally:
        line.close()


HELLO = {"boot": "ab" * 16, "worker": "w"}
READY = {"call": "ready", "args": []}


def test_a_gap_in_a_workers_counter_ends_its_line(house: House) -> None:
    log = house.open()
    assert b'"value",{}' in speak(house, HELLO, READY | {"n": 1}, READY | {"n": 2})
    assert speak(house, HELLO, READY | {"n": 1}, READY | {"n": 3}).endswith(b"closed")
    fill(log, 1)


@pytest.mark.parametrize(
    "frame",
    [
        b"\xff" * 64,
        b"\x00\x00\x00\x08\x00\x00\x00\x04{{{{",
        b"\x00\x00\x00\x04\x00\x00\x00\x09",
        wire.pack([1]),
        wire.pack({"n": 1}),
        wire.pack({"n": 1, "call": "stop", "args": []}),
        wire.pack({"n": 1, "t": "commune", "b": {}, "s": []}),
        wire.pack(
            {"n": 1, "t": "commune", "b": {"id": "x", "kind": "y", "phase": "fact"}, "s": []}
        ),
        wire.pack({"n": 1, "t": "commune", "b": {}, "s": [["x", "k", 9]]}, [b"short"]),
        wire.pack({"n": 1, "t": "commune", "b": {}, "s": [["x", "k"]]}),
    ],
)
def test_garbage_at_the_door_harms_nobody_else(house: House, frame: bytes) -> None:
    log = house.open()
    fill(log, 1)
    assert speak(house, HELLO, frame).endswith(b"closed")
    fill(log, 1)
    assert len(kinds(log)) == 5


def test_a_checkpoint_is_never_signed_on_request(log: AuditLog) -> None:
    fill(log, 1)
    head = log.reader.get_head("commune")
    assert log.sign_note("commune", "a word\n").startswith("a word\n\n")
    with pytest.raises(ValueError, match="checkpoint"):
        log.sign_note("commune", head.note.partition("\n\n")[0] + "\n")


def test_every_log_beats(house: House) -> None:
    log = house.open(limits=Limits(heartbeat_s=0.05))
    fill(log, 1)
    for tenant in ("platform", "commune"):
        await_that(lambda tenant=tenant: kinds(log, tenant).count("log.heartbeat") >= 2)
    found = log.reader.list_records("commune", kinds=["log.heartbeat"])
    assert {record.data["actor"]["type"] for record in found} == {"system"}


def test_an_agency_that_fills_its_share_stops_alone(house: House) -> None:
    log = house.open(limits=Limits(agency_bytes=20_000))
    started = [start_chat(log) for _ in range(3)]
    with pytest.raises(AuditUnavailable):
        while True:
            log.append("commune", Draft("auth.login", CIVIL_SERVANT), 10)
    with pytest.raises(AuditUnavailable):
        start_chat(log)
    fill(log, 3, "adem")
    for one in started:
        finish_chat(log, one)
    house.close()
    with pytest.raises(AuditUnavailable):
        start_chat(house.open(limits=Limits(agency_bytes=20_000)))
    house.close()
    start_chat(house.open())


def test_an_agency_with_a_share_of_its_own_is_measured_by_it(house: House) -> None:
    log = house.open(limits=Limits(agency_bytes=20_000, shares={"commune": 60_000, "adem": 1}))
    with pytest.raises(AuditUnavailable):
        start_chat(log, "adem")
    with pytest.raises(AuditUnavailable):
        while True:
            log.append("commune", Draft("auth.login", CIVIL_SERVANT), 10)
    assert 55_000 < log.reader.get_usage("commune") < 80_000


def test_what_makes_room_is_not_refused_where_the_share_is_used_up(house: House) -> None:
    log = house.open(limits=Limits(shares={"commune": 1}))
    with pytest.raises(AuditUnavailable):
        start_chat(log)
    pruned = Draft("retention.pruned", outcome="success", target={"object": "sealed"})
    log.append("commune", pruned, 10)


def test_the_last_records_find_room_on_a_full_disk(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = house.open(limits=Limits(ballast_bytes=1 << 20))
    ballast = house.audit_dir / BALLAST_NAME
    assert ballast.stat().st_size == 1 << 20
    started = start_chat(log)
    really = SqliteStore.commit

    def full_while_there_is_ballast(store: SqliteStore) -> None:
        if ballast.exists():
            raise StoreBusy("FullError")
        really(store)

    monkeypatch.setattr(SqliteStore, "commit", full_while_there_is_ballast)
    with pytest.raises(AuditUnavailable):
        start_chat(log)
    assert ballast.exists()  # a new chat is not what it is kept for
    assert finish_chat(log, started).seq == 2
    assert not ballast.exists()


def test_deleted_sealed_values_are_gone_to_the_last_byte(house: House) -> None:
    log = house.open()
    finish_chat(log, start_chat(log))
    newest = log.reader.list_records("commune", limit=1)[0].data
    record_id, key_id = newest["id"], newest["seal"]["prompt"]["k"]
    store = SqliteStore(house.audit_dir, read_only=True)
    row = store.find_log("commune")
    assert row is not None
    box = store.list_sealed(row.no, record_id)["prompt"][1]
    used = store.find_usage(row.no)
    files = [house.audit_dir / "audit.db", house.audit_dir / "audit.db-wal"]
    assert any(box in file.read_bytes() for file in files)
    assert log.delete_sealed("commune", key_id) == 2
    assert log.delete_sealed("commune", key_id) == 0
    assert not any(box in file.read_bytes() for file in files)
    assert store.find_usage(row.no) < used - len(box)
    assert set(store.list_sealed(row.no, record_id)) == {"user"}
    store.close()


def test_records_do_not_wait_for_readers_of_what_is_deleted(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("parvis.audit.log._READERS_S", 0.5)
    log = house.open()
    finish_chat(log, start_chat(log))
    newest = log.reader.list_records("commune", limit=1)[0].data
    row = log.reader.look(lambda store: store.find_log("commune"))
    assert row is not None
    box = log.reader.look(lambda store: store.list_sealed(row.no, newest["id"]))["prompt"][1]
    reading = log.open_reading()
    reading.begin_reading()
    reading.list_logs()
    done = threading.Event()

    def write() -> None:
        while not done.is_set():
            start_chat(log)

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        with pytest.raises(AuditUnavailable, match="Somebody reads"):
            log.delete_sealed("commune", newest["seal"]["prompt"]["k"])
        done.set()
        writing.result(30)
    reading.rollback()
    reading.close()
    assert log.delete_sealed("commune") == 0  # nothing is left to delete, but to wipe
    files = [house.audit_dir / "audit.db", house.audit_dir / "audit.db-wal"]
    assert not any(box in file.read_bytes() for file in files)


def test_records_younger_than_the_floor_are_not_pruned_whoever_asks(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = house.open()
    fill_fast(log, 600)
    allow_pruning(log, 512)
    for days in (0, 183.9):
        wait_half_a_year(monkeypatch, days)
        with pytest.raises(ValueError, match="184 days"):
            log.prune("commune", 512)
    assert log.prune("commune", 255) == log.reader.get_minimum("commune") == 0
    wait_half_a_year(monkeypatch, 184.1)
    assert log.prune("commune", 512) == 512
    wait_half_a_year(monkeypatch, 0)
    assert log.prune("commune", 512) == log.prune("commune", 300) == 512  # nothing more goes


def test_pruned_records_are_gone_and_the_rest_is_proved(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_half_a_year(monkeypatch)
    log = house.open()
    fill_fast(log, 600)
    before = log.reader.find_record("commune", 100)
    assert before is not None
    allow_pruning(log, 512)
    assert log.prune("commune", 520) == log.reader.get_minimum("commune") == 512
    assert log.prune("commune", 300) == 512
    with pytest.raises(ValueError, match="position"):
        log.prune("commune", 603)
    assert log.reader.find_record("commune", 511) is None
    assert log.reader.count_records("commune") == 90
    files = [house.audit_dir / "audit.db", house.audit_dir / "audit.db-wal"]
    assert not any(before.leaf in file.read_bytes() for file in files)
    assert log.reader.get_proof("commune", 512).record.seq == 512
    fill(log, 1)
    assert not any(check.faults for check in check_logs(house.audit_dir, house.keystore))
    house.close()
    assert start_chat(house.open()).seq == 604


def test_the_folder_may_lie_deep(tmp_path: Path) -> None:
    house = House(tmp_path / ("deep" * 20) / ("deeper" * 20))
    fill(house.open(), 1)
    fill(house.open("second", leads=False), 1)
    house.shut()


def test_a_log_that_is_closed_while_it_looks_for_its_sequencer_ends_at_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, goes_on = threading.Event(), threading.Event()
    introduce = Client._introduce

    def introduce_late(client: Client, line: socket.socket) -> None:
        looks.set()
        goes_on.wait(30)
        introduce(client, line)

    monkeypatch.setattr(Client, "_introduce", introduce_late)
    log = house.open()
    assert looks.wait(30)
    closing = threading.Thread(target=log._client.close)
    closing.start()
    await_that(lambda: log._client._closing)
    goes_on.set()
    log._client._thread.join(5)  # it would talk on for ever
    assert not log._client._thread.is_alive()
    closing.join()
