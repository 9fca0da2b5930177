"""The auditor's walk of the handbook, and the five questions, typed on the running demo."""

import subprocess
import sys
from pathlib import Path

import pytest

from deploy.dev import places
from deploy.dev.browser import find_node_tool
from deploy.dev.demo_process import DemoProcess
from tests.fakes import offline
from tests.fakes.walking import Machine, find_unprinted, read_blocks, type_in

PAGES = places.REPOSITORY / "docs/auditor"
BLOCKS = list(read_blocks(PAGES / "walk.md"))
MARKED = [block for block in BLOCKS if block.machine]
QUESTIONS = list(read_blocks(PAGES / "questions.md"))
ALONE = [sys.executable, str(Path(offline.__file__))]


@pytest.fixture(scope="module")
def machines(
    demo_process: DemoProcess, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Machine]:
    """Who walks, and where: only the operator has the installation, the auditor has no network."""
    top = tmp_path_factory.mktemp("walk")
    for name in ("stick", "auditor", "citizen", "tools"):
        (top / name).mkdir()
    # the machine's own Python, not the environment that Parvis is installed in
    (top / "tools/python3").symlink_to(Path(sys.base_prefix) / "bin/python3")
    (top / "tools/node").symlink_to(find_node_tool("node"))
    stick = {"STICK": str(top / "stick"), "HOME": str(top)}
    parvis = stick | {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    data = {"PARVIS_DATA_DIR": str(demo_process.data_dir), "SPARE": str(top / "spare")}
    alone = stick | {"PATH": f"{top / 'tools'}:/usr/bin:/bin"}
    return {
        "operator": Machine(places.REPOSITORY, parvis | data),
        "office": Machine(places.REPOSITORY, parvis),
        "auditor": Machine(top / "auditor", alone, ALONE),
        "citizen": Machine(top / "citizen", alone, ALONE),
    }


def test_an_auditor_without_a_network_has_none(machines: dict[str, Machine]) -> None:
    words = "import socket; socket.create_connection(('127.0.0.1', 9))"
    auditor = machines["auditor"]
    done = subprocess.run(
        [*auditor.through, "python3", "-I", "-c", words],
        env=dict(auditor.environment),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Network is unreachable" in done.stderr
    hidden = [*auditor.through, "python3", "-I", "-c", "import parvis"]
    assert subprocess.run(hidden, env=dict(auditor.environment), check=False).returncode == 1


def test_every_step_of_the_walk_does_what_the_page_says(machines: dict[str, Machine]) -> None:
    for block in (*MARKED, *QUESTIONS):
        machine = machines[block.machine]
        printed = type_in(block, machine).replace(machine.environment["STICK"], "/media/stick")
        missing = find_unprinted(block, printed)
        assert missing is None, f"line {block.line}: not printed: {missing}\n{printed}"


def test_every_command_of_the_page_but_the_first_is_walked() -> None:
    assert [block.machine for block in BLOCKS].count("") == 1
    assert len(MARKED) >= 20 and len(QUESTIONS) >= 7
    assert {block.machine for block in MARKED} == {"operator", "office", "auditor", "citizen"}
