"""The demo as a process of its own, on free ports: what end-to-end tests and benchmarks run."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from deploy.dev import places

_READY_LIMIT_S = 300
_STOP_LIMIT_S = 90


class DemoDied(Exception):
    """The demo ended, or said nothing, before it was ready; the message is its output."""


def free_ports() -> dict[str, int]:
    """Ports for all parts of one demo."""
    return {name: places.free_port() for name in ("GATEWAY", "KEYCLOAK", "MODEL", "TAP")}


@dataclass
class DemoProcess:
    """`python -m deploy.dev.demo` with its own data folder and ports."""

    data_dir: Path
    ports: Mapping[str, int]
    process: subprocess.Popen[bytes]
    output: Path

    @classmethod
    def start(
        cls,
        data_dir: Path,
        *arguments: str,
        ports: Mapping[str, int] | None = None,
        **settings: str,
    ) -> "DemoProcess":
        """Start it, on free ports or on `ports`; `settings`: PARVIS_ variables, no prefix."""
        ports = ports or free_ports()
        own = {
            "DATA_DIR": str(data_dir),
            "LISTEN": f"127.0.0.1:{ports['GATEWAY']}",
            "KEYCLOAK_PORT": str(ports["KEYCLOAK"]),
            "MODEL_PORT": str(ports["MODEL"]),
            "TAP_PORT": str(ports["TAP"]),
            "METRICS_LISTEN": f"127.0.0.1:{places.free_port()}",
        } | settings
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("PARVIS_") or name == "PARVIS_CACHE_DIR"
        }
        output = data_dir.with_name(f"{data_dir.name}-{time.monotonic_ns()}.out")
        with output.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "deploy.dev.demo", *arguments],
                cwd=places.REPOSITORY,
                env=kept | {f"PARVIS_{name}": value for name, value in own.items()},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        return cls(data_dir, ports, process, output)

    @property
    def tap_url(self) -> str:
        """Address of its recording tap."""
        return f"http://127.0.0.1:{self.ports['TAP']}"

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
        """Return when it has printed `words`. Raises DemoDied."""
        limit = time.monotonic() + _READY_LIMIT_S
        while words not in self.said:
            if self.process.poll() is not None or time.monotonic() > limit:
                raise DemoDied(f"the demo did not say {words!r}:\n{self.said}")
            time.sleep(0.1)

    def family(self) -> list[psutil.Process]:
        """It and every process below it."""
        own = psutil.Process(self.process.pid)
        return [own, *own.children(recursive=True)]

    def stop(self, kind: signal.Signals = signal.SIGTERM) -> int:
        """Tell it to stop; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(kind)
        return self.process.wait(_STOP_LIMIT_S)
