"""A machine on which nothing can be served: one clear line, exit code 1, nothing opened."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from parvis.cli import main

COMMANDS = {"serve": ["serve"], "the writer alone": ["audit", "sequencer"]}


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data folder and one for the heads, where other users may look."""
    with tempfile.TemporaryDirectory(prefix="parvis-place-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        for one in ("data", "heads"):
            (folder / one).mkdir(mode=0o700)
            monkeypatch.setenv(
                "PARVIS_DATA_DIR" if one == "data" else "PARVIS_AUDIT_HEADS_DIR", str(folder / one)
            )
        yield folder


def as_other_user(run: Callable[[], int]) -> int:
    """Run it without root's power to write everywhere."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(61_003)
    try:
        return run()
    finally:
        os.seteuid(before)


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_folder_that_is_not_there_is_named(
    place: Path, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "heads").rmdir()
    assert main(command) == 1
    told = capsys.readouterr().err.strip().splitlines()
    assert told == [f"{place}/heads: PARVIS_AUDIT_HEADS_DIR: is not there: mount or make it"]


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_folder_that_cannot_be_written_is_named(
    place: Path, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "data" / "audit").mkdir()
    for name in ("data", "heads", "data/audit"):
        (place / name).chmod(0o555)
    assert as_other_user(lambda: main(command)) == 1
    told = capsys.readouterr().err
    assert f"{place}/data/audit: PARVIS_DATA_DIR: cannot be written" in told
    assert f"{place}/heads: PARVIS_AUDIT_HEADS_DIR: cannot be written" in told
    assert len(told.strip().splitlines()) == 2


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_file_system_that_is_mounted_read_only_is_named(
    place: Path,
    command: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class ReadOnly:
        f_flag = os.ST_RDONLY

    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    monkeypatch.setattr(os, "statvfs", lambda _: ReadOnly())
    assert main(command) == 1
    assert "cannot be written (its file system is mounted read-only)" in capsys.readouterr().err


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_clock_that_lost_its_battery_is_named(
    place: Path,
    command: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(time, "time", lambda: 3600.0)
    assert main(command) == 1
    told = capsys.readouterr().err.strip().splitlines()
    assert told == ["clock: says 1970-01-01 01:00 UTC, years ago: set it first"]


def test_a_socket_whose_path_the_system_would_not_take_is_named(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = place / ("d" * 100)
    monkeypatch.setenv("PARVIS_DATA_DIR", str(deep))
    assert main(["audit", "sequencer"]) == 1
    told = capsys.readouterr().err.strip()
    assert "PARVIS_DATA_DIR: is too deep: the path of a socket has at most 107 bytes" in told
