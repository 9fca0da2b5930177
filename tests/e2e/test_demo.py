"""`make demo` and `make demo-check` as a person or a script meets them."""

import http.client
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest

from deploy.dev.conversation import fetch_token
from deploy.dev.demo_process import DemoProcess, free_ports
from tests.e2e.conftest import require_gone

ROLES = {"civil-servant", "overseer", "auditor", "agency-admin"}


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder that the tests here start the demo in, one after the other."""
    return tmp_path_factory.mktemp("own") / "data"


@pytest.fixture(scope="module")
def ports() -> dict[str, int]:
    """The same ports for all of these starts: other ones would change what Keycloak holds."""
    return free_ports()


@pytest.fixture
def starting() -> Iterator[list[DemoProcess]]:
    """Demos that a test started; none outlives it."""
    started: list[DemoProcess] = []
    yield started
    for demo in started:
        demo.stop()


def test_demo_json_tells_scripts_what_the_screen_tells_people(
    demo_process: DemoProcess, demo: dict[str, Any]
) -> None:
    mode = stat.S_IMODE((demo_process.data_dir / "demo.json").stat().st_mode)
    assert mode == 0o600
    assert set(demo) == {
        "gateway",
        "keycloak",
        "model_server",
        "agencies",
        "witness",
        "metrics",
    }
    assert len(demo["agencies"]) == 3
    for agency in demo["agencies"]:
        assert set(agency) == {"slug", "realm", "issuer", "assistants", "chatbot", "people"}
        assert agency["issuer"] == f"{demo['keycloak']}/realms/{agency['realm']}"
        assert set(agency["chatbot"]) == {"client_id", "client_secret"}
        assert {role for person in agency["people"] for role in person["roles"]} == ROLES
        assert all(person["password"] in demo_process.said for person in agency["people"])
        assert agency["chatbot"]["client_secret"] not in demo_process.said


def test_every_secret_of_the_demo_is_its_owners_alone(demo_process: DemoProcess) -> None:
    files = [path for path in (demo_process.data_dir / "secrets").iterdir() if path.is_file()]
    assert {"root.key", "model.key", "keycloak-admin", "people.json"} <= {p.name for p in files}
    for path in (*files, demo_process.data_dir / "settings.env"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name


def test_a_parvis_command_finds_the_demo_by_its_data_folder(demo_process: DemoProcess) -> None:
    kept = {name: text for name, text in os.environ.items() if not name.startswith("PARVIS_")}
    result = subprocess.run(
        [sys.executable, "-m", "parvis", "check"],
        cwd="/",
        env=kept | {"PARVIS_DATA_DIR": str(demo_process.data_dir)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, "")


def test_every_part_of_the_demo_listens_on_loopback_alone(demo_process: DemoProcess) -> None:
    listening = [
        connection.laddr.ip.removeprefix("::ffff:")
        for one in demo_process.family()
        for connection in one.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(listening) >= 4
    assert set(listening) <= {"127.0.0.1", "::1"}


def test_a_second_demo_on_the_same_ports_names_every_busy_one(
    demo_process: DemoProcess, tmp_path: Path, starting: list[DemoProcess]
) -> None:
    ports = demo_process.ports
    second = DemoProcess.start(
        tmp_path / "data",
        LISTEN=f"127.0.0.1:{ports['GATEWAY']}",
        MODEL_PORT=str(ports["MODEL"]),
    )
    starting.append(second)
    assert second.process.wait(60) == 1
    assert f"{ports['GATEWAY']} (wanted by the gateway)" in second.said
    assert f"{ports['MODEL']} (wanted by the model server)" in second.said
    assert "PARVIS_LISTEN" in second.said
    assert "PARVIS_MODEL_PORT" in second.said


def test_the_demo_refuses_to_listen_beyond_loopback(
    tmp_path: Path, starting: list[DemoProcess]
) -> None:
    refused = DemoProcess.start(tmp_path / "data", LISTEN="0.0.0.0:18080")
    starting.append(refused)
    assert refused.process.wait(60) == 1
    assert "loopback" in refused.said
    assert not (tmp_path / "data/demo.json").exists()


def test_demo_check_walks_stops_and_leaves_nothing(
    data_dir: Path, ports: dict[str, int], starting: list[DemoProcess]
) -> None:
    check = DemoProcess.start(data_dir, "--check", ports=ports)
    starting.append(check)
    check.await_words("citizen wrote")
    family = check.family()
    assert check.process.wait(300) == 0, check.said
    for words in ("model saw", "came back", "receipt", "INTACT (anchored)", "the check passed"):
        assert words in check.said
    require_gone(family)
    assert not (data_dir / "demo.json").exists()
    assert not list((data_dir / "run").glob("*.pid"))


def test_a_second_start_changes_nothing_and_sigterm_stops_all(
    data_dir: Path, ports: dict[str, int], starting: list[DemoProcess]
) -> None:
    again = DemoProcess.start(data_dir, ports=ports)
    starting.append(again)
    again.await_words("everything answers after")
    assert "nothing to change" in again.said
    assert "fetching" not in again.said
    family = again.family()
    assert again.stop(signal.SIGTERM) == 0, again.said
    require_gone(family)
    assert not (data_dir / "demo.json").exists()


def test_the_crash_of_one_part_stops_all_and_is_named(
    data_dir: Path, ports: dict[str, int], starting: list[DemoProcess]
) -> None:
    crashing = DemoProcess.start(data_dir, ports=ports)
    starting.append(crashing)
    crashing.await_words("Ctrl-C stops everything.")
    family = crashing.family()
    os.kill(int((data_dir / "run/model-server.pid").read_text()), signal.SIGKILL)
    assert crashing.process.wait(90) == 1
    assert "model-server ended by itself (signal 9)" in crashing.said
    assert str(data_dir / "logs/model-server.log") in crashing.said
    require_gone(family)
    assert not (data_dir / "demo.json").exists()


def test_ctrl_c_while_starting_stops_all(
    data_dir: Path, ports: dict[str, int], starting: list[DemoProcess]
) -> None:
    early = DemoProcess.start(data_dir, ports=ports)
    starting.append(early)
    early.await_words("[model-server]")
    family = early.family()
    assert early.stop(signal.SIGINT) == 0, early.said
    require_gone(family)


def test_a_stream_that_is_open_at_sigterm_is_answered_to_its_end_and_recorded(
    data_dir: Path, ports: dict[str, int], starting: list[DemoProcess]
) -> None:
    demo = DemoProcess.start(data_dir, ports=ports)
    starting.append(demo)
    demo.await_words("Ctrl-C stops everything.")
    agency = demo.told["agencies"][0]
    token = fetch_token(agency["issuer"], agency["chatbot"])
    body = {
        "model": "valbourg-brut",
        "messages": [{"role": "user", "content": "Tell a long story about a town and a river."}],
        "stream": True,
        "max_tokens": 120,
    }
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    connection = http.client.HTTPConnection("127.0.0.1", ports["GATEWAY"], timeout=120)
    with closing(connection):
        connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
        with connection.getresponse() as response:
            assert response.status == 200
            lines = [response.readline()]
            os.kill(int((data_dir / "run/gateway.pid").read_text()), signal.SIGTERM)
            lines += response.readlines()
    events = [line for line in lines if line.startswith(b"data: ")]
    assert len(events) > 10
    assert events[-1].strip() == b"data: [DONE]"
    # the last event leaves only when the record of the answer is durable
    assert b'"receipt"' in events[-2]
    assert demo.process.wait(90) == 1
    assert "gateway ended by itself (exit code 0)" in demo.said
