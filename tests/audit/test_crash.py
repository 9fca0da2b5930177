"""Faults of the disk under the sequencer: at its calls, at its steps, and by a loss of power.

Here a part of what `make drill-audit` does as a whole (`deploy/drill`).
"""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.drill import power
from deploy.drill.faults import Disk, under
from parvis.audit import AuditLog, Draft, verify
from parvis.audit.files import write_durably
from parvis.audit.fsck import check_logs
from parvis.audit.log_keys import HeadFile, LogKeys
from parvis.audit.sqlite_store import SqliteStore
from parvis.audit.store import StoreBusy, StoreFault
from parvis.audit.writer import Writer
from parvis.errors import AuditUnavailable
from tests.audit.houses import CIVIL_SERVANT, House, export, fill, finish_chat, start_chat

STEPS: dict[str, tuple[type, str]] = {
    "begin": (SqliteStore, "begin"),
    "write the rows": (SqliteStore, "write"),
    "commit": (SqliteStore, "commit"),
    "make a log": (SqliteStore, "add_log"),
    "make its key": (LogKeys, "create_key"),
    "keep the heads": (HeadFile, "advance"),
    "sign": (Writer, "_sign"),
    "look up": (Writer, "_look_up"),
}
FAILURES: dict[str, Exception] = {
    "fault": StoreFault("IOError"),
    "full": StoreBusy("FullError"),
    "system": OSError(5, "the disk failed"),
}


def test_whatever_call_to_the_disk_fails_nothing_acknowledged_is_lost() -> None:
    command = [sys.executable, "-m", "deploy.drill.crash", "--every", "401", "--jobs", "2"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    assert "runs, 0 wrong" in done.stdout


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[power.Call | power.Ack]]:
    yield power.record(tmp_path_factory.mktemp("power"))


def test_a_loss_of_power_loses_nothing_acknowledged(
    trace: list[power.Call | power.Ack],
) -> None:
    assert sum(isinstance(call, power.Ack) for call in trace) == 30
    assert power.run(trace, 60, seed=1) == []


@pytest.mark.parametrize("name", ["db-wal", "heads.json"])
def test_a_build_that_skips_its_syncs_is_caught(
    trace: list[power.Call | power.Ack], name: str
) -> None:
    assert power.run(power.lie(trace, name), 40, seed=1)


def test_a_build_that_acknowledges_before_its_commit_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    late: list[bool] = []
    begin, commit, select = SqliteStore.begin, SqliteStore.commit, SqliteStore._select

    def catch_up(store: SqliteStore) -> None:
        if late:
            late.clear()
            commit(store)

    def begin_late(store: SqliteStore) -> None:
        catch_up(store)
        begin(store)

    def select_late(store: SqliteStore, sql: str, values: Any = ()) -> list[Any]:
        if "checkpoint" in sql:
            catch_up(store)
        return select(store, sql, values)

    monkeypatch.setattr(SqliteStore, "begin", begin_late)
    monkeypatch.setattr(SqliteStore, "_select", select_late)
    monkeypatch.setattr(SqliteStore, "commit", lambda _store: late.append(True))
    trace = power.record(tmp_path)
    monkeypatch.undo()
    found = power.run(trace, 40, seed=1)
    assert any("acknowledged and lost" in one for one in found), found


def fail_once(
    monkeypatch: pytest.MonkeyPatch, step: str, error: Exception, *, done: bool, after: int
) -> list[str]:
    """The step fails the next time but `after`, having done its work or not."""
    owner, name = STEPS[step]
    really, calls = getattr(owner, name), [0]
    fired: list[str] = []

    def act(self: Any, *given: Any) -> Any:
        calls[0] += 1
        if fired or calls[0] <= after:
            return really(self, *given)
        fired.append(step)
        if done:
            really(self, *given)
        raise error

    monkeypatch.setattr(owner, name, act)
    return fired


def insist(act: Callable[[], Any]) -> Any:
    for _ in range(200):
        try:
            return act()
        except AuditUnavailable:
            continue
    raise AssertionError("it is refused for ever")


def check_whole(house: House, folder: Path, tenants: tuple[str, ...] = ("commune",)) -> None:
    log = house.open()
    for tenant in tenants:
        report = verify.verify_folder(str(export(log, folder / tenant, tenant)))
        assert report["verdict"] == "INTACT", report["findings"]
    house.close()
    checks = check_logs(house.audit_dir, house.keystore)
    assert [fault for check in checks for fault in check.faults] == []


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("kind", FAILURES)
@pytest.mark.parametrize("step", STEPS)
def test_a_step_that_fails_leaves_one_row_and_one_receipt(
    house: House,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    kind: str,
    *,
    done: bool,
) -> None:
    log = house.open()
    fill(log, 1)
    draft = Draft("auth.login", CIVIL_SERVANT)
    tenant = "adem" if step in ("make a log", "make its key") else "commune"
    fired = fail_once(monkeypatch, step, FAILURES[kind], done=done, after=0)
    first = insist(lambda: log.append(tenant, draft, 10))
    second = insist(lambda: log.append(tenant, draft, 10))
    if step == "keep the heads" and not fired:
        insist(lambda: log.publish_head(tenant))
    assert fired == [step]
    assert (first.id, first.seq, first.leaf_hash) == (second.id, second.seq, second.leaf_hash)
    assert log.reader.count_records(tenant, kinds=["auth.login"]) == 1
    house.close()
    check_whole(house, tmp_path, tuple({"commune", tenant}))


@pytest.fixture
def slow(house: House) -> Iterator[tuple[AuditLog, threading.Event, threading.Event]]:
    """A log whose disk answers no sync while the first event is clear; the second says so."""
    lets, waits = threading.Event(), threading.Event()
    lets.set()

    def hang() -> None:
        if not lets.is_set():
            waits.set()
            lets.wait(60)

    with under(Disk(on_sync=hang)):
        log = house.open()
        fill(log, 1)
        yield log, lets, waits
        lets.set()
        house.close()


def test_a_sync_that_hangs_refuses_in_time_and_loses_nothing(
    house: House,
    slow: tuple[AuditLog, threading.Event, threading.Event],
    tmp_path: Path,
) -> None:
    log, lets, waits = slow
    lets.clear()
    kept = start_draft()
    with pytest.raises(AuditUnavailable) as refused:
        log.append("commune", kept, 0.2)
    assert refused.value.retry_after == 1 and refused.value.code == "audit_unavailable"
    assert waits.wait(30)
    lets.set()
    again = insist(lambda: log.append("commune", kept, 10))
    assert log.reader.count_records("commune", kinds=["chat.started"]) == 2
    assert again.id == kept.id
    finish_chat(log, start_chat(log))
    check_twin = export(log, tmp_path / "out")
    assert verify.verify_folder(str(check_twin))["verdict"] == "INTACT"


def start_draft() -> Draft:
    target = {"assistant": "commune-desk", "version": "1", "channel": "portal"}
    return Draft("chat.started", CIVIL_SERVANT, target=target, use={"messages": 1, "bytes_in": 4})


@pytest.mark.parametrize("delay_ms", [0, 2, 10, 100])
def test_a_slow_disk_slows_and_loses_nothing(house: House, tmp_path: Path, delay_ms: int) -> None:
    wait = threading.Event().wait
    with under(Disk(on_sync=lambda: wait(delay_ms / 1000))):
        log = house.open()
        waiting = [log.submit("commune", Draft("auth.login", CIVIL_SERVANT)) for _ in range(50)]
        seqs = [one.result(60).seq for one in waiting]
        assert sorted(seqs) == list(range(1, 51))
        house.close()
    check_whole(house, tmp_path)


def test_a_file_is_written_whole_by_a_system_that_writes_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = os.write
    monkeypatch.setattr("parvis.audit.files.os.write", lambda file, data: really(file, data[:3]))
    write_durably(tmp_path / "file", b"0123456789")
    monkeypatch.undo()
    assert (tmp_path / "file").read_bytes() == b"0123456789"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_no_draft_stays_when_a_file_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_durably(tmp_path / "file", b"old")

    def fail(_descriptor: int) -> None:
        raise OSError(5, "the disk failed")

    monkeypatch.setattr("parvis.audit.files.os.fsync", fail)
    with pytest.raises(OSError, match="failed"):
        write_durably(tmp_path / "file", b"new")
    monkeypatch.undo()
    assert (tmp_path / "file").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
