"""The whole demo, running once for all end-to-end tests, and a real browser."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psutil
import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.conftest import free_port

REPOSITORY = Path(__file__).resolve().parents[2]
READY_LIMIT_S = 300
STOP_LIMIT_S = 90


@dataclass
class DemoProcess:
    """`python -m deploy.dev.demo` as a process of its own, with its own data folder and ports."""

    data_dir: Path
    ports: Mapping[str, int]
    process: subprocess.Popen[bytes]
    output: Path

    @classmethod
    def start(cls, data_dir: Path, *arguments: str, **settings: str) -> "DemoProcess":
        """Start it; `settings` are PARVIS_ variables without their prefix."""
        ports = {name: free_port() for name in ("GATEWAY", "KEYCLOAK", "MODEL", "TAP")}
        own = {
            "DATA_DIR": str(data_dir),
            "LISTEN": f"127.0.0.1:{ports['GATEWAY']}",
            "KEYCLOAK_PORT": str(ports["KEYCLOAK"]),
            "MODEL_PORT": str(ports["MODEL"]),
            "TAP_PORT": str(ports["TAP"]),
        } | settings
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("PARVIS_") or name == "PARVIS_CACHE_DIR"
        }
        output = data_dir.with_name(f"{data_dir.name}-{time.monotonic_ns()}.out")
        file: IO[bytes]
        with output.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "deploy.dev.demo", *arguments],
                cwd=REPOSITORY,
                env=kept | {f"PARVIS_{name}": value for name, value in own.items()},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        return cls(data_dir, ports, process, output)

    @property
    def said(self) -> str:
        """Everything that it printed until now."""
        return self.output.read_text(encoding="utf-8", errors="replace")

    @property
    def told(self) -> dict[str, Any]:
        """What its demo.json says now."""
        found: dict[str, Any] = json.loads((self.data_dir / "demo.json").read_text("utf-8"))
        return found

    def await_words(self, words: str) -> None:
        """Return when it has printed `words`; fail with its output when it ends before."""
        limit = time.monotonic() + READY_LIMIT_S
        while words not in self.said:
            if self.process.poll() is not None or time.monotonic() > limit:
                pytest.fail(f"the demo did not say {words!r}:\n{self.said}")
            time.sleep(0.1)

    def family(self) -> list[psutil.Process]:
        """It and every process below it."""
        own = psutil.Process(self.process.pid)
        return [own, *own.children(recursive=True)]

    def stop(self, kind: signal.Signals = signal.SIGTERM) -> int:
        """Tell it to stop; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(kind)
        return self.process.wait(STOP_LIMIT_S)


def require_gone(family: list[psutil.Process]) -> None:
    """Fail when one of these processes still runs."""
    left = [one for one in family if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
    assert not left


@pytest.fixture(scope="session")
def demo_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoProcess]:
    """The whole demo after its walk; it must stop cleanly and leave no process."""
    demo = DemoProcess.start(tmp_path_factory.mktemp("demo") / "data")
    try:
        demo.await_words("Ctrl-C stops everything.")
        yield demo
        family = demo.family()
        assert demo.stop() == 0, demo.said
        require_gone(family)
    finally:
        demo.stop()


@pytest.fixture(scope="session")
def demo(demo_process: DemoProcess) -> dict[str, Any]:
    """What demo.json of the running demo says."""
    return demo_process.told


@pytest.fixture(scope="session")
def browser(chromium: Path) -> Iterator[Browser]:
    """A real headless Chromium under Playwright."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=str(chromium), args=["--no-sandbox"])
        yield running
        running.close()
