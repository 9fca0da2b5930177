"""The real parts start, answer and stop; what cannot be had is named with its remedy."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import psutil
import psycopg
import pytest
from playwright.sync_api import sync_playwright

from deploy.dev import places, small_models, tap
from deploy.dev.installation import NotAllowed, check_loopback, check_on_site
from deploy.dev.places import free_port
from deploy.dev.supervisor import Part, PartFailed, PortsBusy, Supervisor, check_ports
from tests.conftest import LeftTheMachine, RunningModelServer

SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]


def _post(url: str, key: str) -> bytes:
    body = {"model": "x", "max_tokens": 4, "messages": [{"role": "user", "content": "Hello tap"}]}
    request = urllib.request.Request(  # noqa: S310 - loopback
        f"{url}/v1/chat/completions",
        data=json.dumps(body).encode(),
        headers={"authorization": f"Bearer {key}", "content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
        content: bytes = response.read()
        return content


def test_a_postgresql_18_with_vectors_answers(postgres_url: str) -> None:
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as connection:
        connection.execute("CREATE EXTENSION vector")
        (version,) = connection.execute("SHOW server_version").fetchone() or ("",)
    assert version.startswith("18.")


def test_the_tap_hands_on_an_answer_and_remembers_the_question(
    model_server: RunningModelServer, tmp_path: Path
) -> None:
    port = free_port()
    upstream = model_server.url.removesuffix("/v1")
    with Supervisor(tmp_path) as supervisor:
        supervisor.start(tap.build_part(port, upstream))
        answer = json.loads(_post(f"http://127.0.0.1:{port}", model_server.api_key))
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/tap/requests") as response:
            (heard,) = json.load(response)
    assert answer["choices"]
    assert "Hello tap" in heard["body"]


def test_chromium_shows_a_page(chromium: Path) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(chromium), args=["--no-sandbox"])
        page = browser.new_page()
        page.set_content("<h1>Grüezi à Lëtzebuerg</h1>")
        assert page.inner_text("h1") == "Grüezi à Lëtzebuerg"
        browser.close()


def test_a_test_cannot_leave_the_machine() -> None:
    with socket.socket() as probe, pytest.raises(LeftTheMachine):
        probe.connect(("192.0.2.1", 443))
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("www.example.org", 443)


def test_a_part_that_ends_by_itself_is_named_with_its_log(tmp_path: Path) -> None:
    broken = Part("broken", [sys.executable, "-c", "raise SystemExit('no luck')"], lambda: False, 1)
    with Supervisor(tmp_path) as supervisor, pytest.raises(PartFailed) as failure:
        supervisor.start(broken)
    assert "broken ended by itself (exit code 1)" in str(failure.value)
    assert str(tmp_path / "logs/broken.log") in str(failure.value)
    assert "no luck" in str(failure.value)


def test_a_part_is_stopped_with_its_children(tmp_path: Path) -> None:
    program = (
        "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', "
        "'import time; time.sleep(600)']); open(sys.argv[1], 'w').close(); time.sleep(600)"
    )
    mark = tmp_path / "mark"
    parent = Part("parent", [sys.executable, "-c", program, str(mark)], mark.is_file, 1)
    with Supervisor(tmp_path) as supervisor:
        supervisor.start(parent)
        pid = int((tmp_path / "run/parent.pid").read_text())
        family = [psutil.Process(pid), *psutil.Process(pid).children()]
        assert len(family) == 2
    assert not psutil.wait_procs(family, timeout=10)[1]
    assert not (tmp_path / "run/parent.pid").exists()


def test_parts_end_when_their_supervisor_is_killed(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from deploy.dev.supervisor import *\n"
        f"s = Supervisor(Path({str(tmp_path)!r})); s.__enter__()\n"
        f"s.launch(Part('sleeper', {SLEEPER!r}, lambda: True, 1)); time.sleep(600)"
    )
    supervisor = subprocess.Popen([sys.executable, "-c", program], cwd=places.REPOSITORY)
    pid_file = tmp_path / "run/sleeper.pid"
    while not (pid_file.is_file() and pid_file.read_text()):
        assert supervisor.poll() is None
    sleeper = psutil.Process(int(pid_file.read_text()))
    while "time.sleep" not in " ".join(sleeper.cmdline()):
        assert sleeper.is_running()
    supervisor.send_signal(signal.SIGKILL)
    supervisor.wait()
    assert not psutil.wait_procs([sleeper], timeout=10)[1]


def test_two_demos_cannot_share_a_data_folder(tmp_path: Path) -> None:
    with Supervisor(tmp_path), pytest.raises(PartFailed, match="PARVIS_DATA_DIR"):
        Supervisor(tmp_path).__enter__()
    with Supervisor(tmp_path):
        pass


def test_every_busy_port_is_named_with_its_setting() -> None:
    with socket.socket() as one, socket.socket() as two:
        for holder in (one, two):
            holder.bind(("127.0.0.1", 0))
            holder.listen()
        ports = {
            "PARVIS_A": ("first", one.getsockname()[1]),
            "PARVIS_B": ("second", two.getsockname()[1]),
            "PARVIS_C": ("third", free_port()),
        }
        with pytest.raises(PortsBusy) as busy:
            check_ports(ports)
    assert "PARVIS_A" in str(busy.value) and "PARVIS_B" in str(busy.value)
    assert "PARVIS_C" not in str(busy.value)
    check_ports(ports)


def test_a_file_of_another_content_is_not_taken(tmp_path: Path, models_dir: Path) -> None:
    text = small_models.LOCK.read_text(encoding="utf-8")
    digest = small_models.load_lock()[0]["file"][2]["sha256"]
    lock = tmp_path / "models.lock"
    first = text.split("[[model]]")[1].replace(digest, "0" * 64)
    lock.write_text(f"[[model]]{first}", encoding="utf-8")
    with pytest.raises(places.PartMissing, match=r"config\.json has SHA-256"):
        small_models.fetch_models(tmp_path / "models", lock=lock)
    assert not (tmp_path / "models/rampart").exists()
    assert small_models.is_complete(models_dir / "rampart", small_models.load_lock()[0])


def test_files_that_a_person_copied_are_taken_without_network(
    tmp_path: Path, models_dir: Path
) -> None:
    model = small_models.load_lock()[0]
    folder = tmp_path / model["folder"]
    folder.mkdir()
    for file in model["file"]:
        os.link(models_dir / model["folder"] / file["name"], folder / file["name"])
    assert small_models.is_complete(folder, model)
    (folder / "config.json").unlink()
    assert not small_models.is_complete(folder, model)


@pytest.mark.parametrize("listen", ["127.0.0.1:8080", "[::1]:8080", "localhost:80"])
def test_the_demo_listens_on_loopback(listen: str) -> None:
    check_loopback(listen)


@pytest.mark.parametrize("listen", ["0.0.0.0:8080", "192.168.1.5:80", "[::]:80", "example.org:80"])
def test_the_demo_refuses_every_other_address(listen: str) -> None:
    with pytest.raises(NotAllowed, match="loopback"):
        check_loopback(listen)


def test_a_model_server_on_site_is_taken_and_one_elsewhere_refused() -> None:
    check_on_site("http://127.0.0.1:9000")
    check_on_site("http://10.1.2.3:9000/v1")
    with pytest.raises(NotAllowed, match="on site"):
        check_on_site("https://192.0.2.9/v1")
    with pytest.raises(NotAllowed, match="HOST"):
        check_on_site("file:///etc/passwd")
