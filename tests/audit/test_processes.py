"""Several processes on one log, and their sudden deaths: nothing acknowledged is ever lost."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from parvis.audit import parse_receipt, verify
from parvis.audit.fsck import check_logs
from tests.audit.houses import House, export, start_chat

# one process that has imported everything forks each writer: a death costs milliseconds
NURSERY = """
import os, signal, sys
from pathlib import Path
from parvis.audit import Draft
from tests.audit.houses import CIVIL_SERVANT, House

def write(folder, told, count):
    told = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    house = House(Path(folder))
    log = house.open("writer")
    waiting = []
    for at in range(int(count)):
        tenant = ("commune", "adem")[at % 2]
        waiting.append(log.submit(tenant, Draft("auth.login", CIVIL_SERVANT)))
        if len(waiting) == 8:
            os.write(told, b"".join(one.result(60).text.encode() + b"\\n" for one in waiting))
            waiting.clear()
    house.shut()
    os.write(told, b"end\\n")

signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        try:
            write(*line.split())
        finally:
            os._exit(0)
    print(child, flush=True)
"""


class Nursery:
    """Starts writing processes and reads what they were acknowledged."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def start(self, house: House, told: Path, count: int) -> int:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{house.folder} {told} {count}\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with subprocess.Popen(
        [sys.executable, "-c", NURSERY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Nursery(process)


def read_lines(told: Path, at_least: int) -> list[str]:
    """The whole lines a writer told, once there are so many."""
    deadline = time.monotonic() + 60
    while True:
        lines = told.read_text().split("\n")[:-1] if told.exists() else []
        if len(lines) >= at_least:
            return lines
        assert time.monotonic() < deadline, "the writer tells nothing"
        time.sleep(0.002)


def check_all(house: House, tmp_path: Path, texts: list[str]) -> dict[str, list[int]]:
    """Every receipt has its record, every log is whole; the positions acknowledged, by agency."""
    log = house.open("last")
    positions: dict[str, list[int]] = {}
    for text in texts:
        tenant = log.reader.find_receipt_tenant(text)
        assert tenant is not None and log.reader.find_by_receipt(tenant, text) is not None
        positions.setdefault(tenant, []).append(parse_receipt(text).seq)
    for tenant in ("commune", "adem"):
        report = verify.verify_folder(str(export(log, tmp_path / tenant, tenant)))
        assert report["verdict"] == "INTACT", report["findings"]
    checks = check_logs(house.audit_dir, house.keystore)
    assert not any(check.faults for check in checks)
    assert [check.open_intents for check in checks] == [0, 0, 0]
    return positions


def test_processes_share_the_logs_without_gap_or_fork(
    house: House, nursery: Nursery, tmp_path: Path
) -> None:
    told = [tmp_path / f"told{at}" for at in range(4)]
    for one in told:
        nursery.start(house, one, 400)
    texts = [text for one in told for text in read_lines(one, 401) if text != "end"]
    positions = check_all(house, tmp_path, texts)
    for tenant in ("commune", "adem"):
        assert sorted(positions[tenant]) == list(range(1, 801))


def test_killed_processes_lose_nothing_they_acknowledged(
    house: House, nursery: Nursery, tmp_path: Path
) -> None:
    log = house.open("survivor")
    acknowledged: list[str] = []
    for trial in range(30):
        told = tmp_path / f"told{trial}"
        victim = nursery.start(house, told, 10**6)
        read_lines(told, 8 * (1 + trial % 10))
        os.kill(victim, signal.SIGKILL)
        while Path(f"/proc/{victim}").exists():
            time.sleep(0.001)
        acknowledged += read_lines(told, 8)
        if trial % 5 == 0:
            start_chat(log)
    house.close()
    assert len(acknowledged) >= 30 * 8
    check_all(house, tmp_path, acknowledged)
