"""How a sequencer comes to its end: in time, and never as if all were well when it was not."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from parvis.audit import wire
from parvis.audit.files import make_private_folder
from parvis.audit.process import EXIT_FAULT
from tests.audit.houses import House, fill

SEQUENCER = """
import sys
from pathlib import Path
from parvis.audit import process
from parvis.audit.sequencer import Limits, Sequencer
from tests.audit.houses import INSTALLATION, ROOT_KEY
process._CLOSE_S = float(sys.argv[2])
if sys.argv[3] == "late":
    begin = Sequencer.start
    def start_late(sequencer):
        print("starts", flush=True)
        sys.stdin.read()
        begin(sequencer)
    Sequencer.start = start_late
sys.exit(process.run_sequencer(
    process.Plan(Path(sys.argv[1]), INSTALLATION, ROOT_KEY, Limits())
))
"""
PATIENCE_S = 60


@contextmanager
def sequencer(
    house: House, *, errors: int | None = None, close_s: float = 20.0, start: str = ""
) -> Iterator[subprocess.Popen[str]]:
    make_private_folder(house.audit_dir)
    command = [sys.executable, "-c", SEQUENCER, str(house.audit_dir), str(close_s), start]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def full_pipe() -> Iterator[int]:
    """Where a log goes that nobody reads: whoever writes more waits for ever."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    try:
        while True:
            os.write(writing, bytes(1 << 12))
    except BlockingIOError:
        os.set_blocking(writing, True)
    yield writing
    os.close(reading)
    os.close(writing)


def await_that(look: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not look():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.01)


def await_door(house: House) -> None:
    await_that((house.audit_dir / wire.WORKERS).exists)


def test_a_sequencer_that_is_asked_ends_well(house: House) -> None:
    with sequencer(house) as process:
        await_door(house)
        fill(house.open("worker", leads=False), 1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0


def test_a_sequencer_without_its_folder_ends_by_itself(house: House) -> None:
    with sequencer(house, errors=subprocess.DEVNULL) as process:
        await_door(house)
        shutil.rmtree(house.folder)
        assert process.wait(PATIENCE_S) == EXIT_FAULT


def test_a_sequencer_that_cannot_write_its_end_does_not_say_that_all_is_well(
    house: House,
) -> None:
    with sequencer(house, errors=subprocess.DEVNULL) as process:
        await_door(house)
        fill(house.open("worker", leads=False), 1)
        process.send_signal(signal.SIGSTOP)
        shutil.rmtree(house.folder)
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGCONT)
        assert process.wait(PATIENCE_S) == EXIT_FAULT


def test_a_sequencer_whose_log_nobody_reads_ends_all_the_same(house: House, full_pipe: int) -> None:
    with sequencer(house, errors=full_pipe, close_s=0.5) as process:
        await_door(house)
        shutil.rmtree(house.folder)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == EXIT_FAULT


def test_a_sequencer_that_is_held_up_at_its_start_ends_all_the_same(house: House) -> None:
    with sequencer(house, close_s=0.5, start="late") as process:
        assert process.stdout is not None and process.stdout.readline() == "starts\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == EXIT_FAULT


def test_a_sequencer_that_is_asked_at_its_start_begins_and_ends_well(house: House) -> None:
    with sequencer(house, start="late") as process:
        assert process.stdout is not None and process.stdout.readline() == "starts\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(PATIENCE_S) == 0
