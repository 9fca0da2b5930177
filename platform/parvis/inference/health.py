"""Which model servers are well: by what happens to real calls, and by asking those that failed."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Literal

from parvis.inference.client import ProbeResult
from parvis.inference.models import Server

log = logging.getLogger(__name__)

HealthWord = Literal["up", "down", "unknown"]
_TRUST_AGAIN_S = 5.0
_NAP_S = 0.5


class Health:
    """The last known state of every server; thread-safe.

    A refused connection takes a server out at once. A slow or unwilling health address alone never
    does while calls are running there: a busy server is not a broken one. A server that is out and
    has no health address is tried again after some seconds.
    """

    def __init__(
        self,
        servers: Mapping[str, Server],
        probe: Callable[[str], ProbeResult],
        is_busy: Callable[[str], bool],
    ) -> None:
        self._servers = servers
        self._probe = probe
        self._is_busy = is_busy
        self._lock = threading.Lock()
        self._words: dict[str, HealthWord] = dict.fromkeys(servers, "unknown")
        self._since: dict[str, float] = dict.fromkeys(servers, 0.0)
        self._due: dict[str, float] = dict.fromkeys(servers, 0.0)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def is_available(self, name: str) -> bool:
        """True unless the server is known to be down."""
        self._start()
        with self._lock:
            if self._words[name] != "down":
                return True
            resting = time.monotonic() - self._since[name] < _TRUST_AGAIN_S
            return self._servers[name].probe is None and not resting

    def mark_up(self, name: str) -> None:
        """A call to this server went well."""
        self._mark(name, "up")

    def mark_down(self, name: str) -> None:
        """This server could not be reached."""
        self._mark(name, "down")

    def suspect(self, name: str) -> None:
        """A call failed there: ask the health address soon, where there is one."""
        self._due[name] = 0.0

    def check(self, name: str) -> None:
        """Ask one server now."""
        result = self._probe(name)
        if result == "up":
            self._mark(name, "up")
        elif result == "down" or not self._is_busy(name):
            self._mark(name, "down")

    def words(self) -> dict[str, str]:
        """`up`, `down` or `unknown` for every server."""
        with self._lock:
            return dict(self._words)

    def close(self) -> None:
        """Stop asking."""
        self._stop.set()
        thread = self._thread
        if thread is not None:
            thread.join(timeout=5)

    def _mark(self, name: str, word: HealthWord) -> None:
        with self._lock:
            changed = self._words[name] != word
            self._words[name] = word
            self._since[name] = time.monotonic()
        if changed:
            log.info("model.health", extra={"server": name, "state": word})

    def _start(self) -> None:
        """Begin asking on first use: a thread started before a fork would not live in the child."""
        if self._thread is not None or not any(s.probe for s in self._servers.values()):
            return
        with self._lock:
            if self._thread is None and not self._stop.is_set():
                self._thread = threading.Thread(target=self._run, name="model-probe", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(_NAP_S):
            for name, server in self._servers.items():
                if server.probe is not None and time.monotonic() >= self._due[name]:
                    self.check(name)
                    self._due[name] = time.monotonic() + server.probe.every_s
