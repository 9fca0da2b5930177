"""`/metrics` on an address of its own, served by one worker; another takes over when it ends.

A thread of its own, so that a gateway whose threads are all busy can still be looked at. It never
stops the gateway: an address that cannot be had is logged and tried again. Not here: what stands
on the page (`looks.py`, `parvis.metrics`).
"""

import hmac
import logging
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from parvis.audit.leader_thread import LeaderThread
from parvis.metrics import render_page
from parvis.monitoring.looks import look
from parvis.services import Services
from parvis.settings import find_address

log = logging.getLogger(__name__)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_TURN_S = 1.0
_CACHE_S = 2.0
_IDLE_S = 10
_MOST_LINES = 16
_OK, _NOT_ALLOWED, _UNKNOWN = 200, 401, 404
_LOCK = "metrics.lock"


class MetricsThread:
    """Serves the page at `metrics_listen` until `close`, where no other worker does."""

    def __init__(self, services: Services, token: str = "") -> None:
        self._page = _Page(services)
        self._token = token
        address = find_address(services.settings.metrics_listen)
        assert address is not None  # noqa: S101 - the settings were checked
        self._address = address
        self._server: _Server | None = None
        self._complained = False
        lock = services.settings.data_dir / _LOCK
        self._thread = LeaderThread("metrics", lock, lambda _: self._open(), every_s=_TURN_S)

    def close(self) -> None:
        """Stop listening."""
        self._thread.close()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def _open(self) -> None:
        if self._server is not None:
            return
        try:
            self._server = _Server(self._address, self._page.read, self._token)
        except OSError as error:
            if not self._complained:
                log.error("metrics.closed", extra={"fault": type(error).__name__})
            self._complained = True
            return
        threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True).start()
        log.info("metrics.open")


def build_metrics_thread(services: Services, token: str) -> MetricsThread | None:
    """The thread, or None where the settings want no page."""
    off = services.settings.metrics_listen == "off"
    return None if off else MetricsThread(services, token)


class _Page:
    """One look at a time, good for two seconds: readers must not become load."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._lock = threading.Lock()
        self._at = float("-inf")
        self._text = ""

    def read(self) -> str:
        with self._lock:
            if time.monotonic() - self._at >= _CACHE_S:
                families = [*self._services.metrics.read(), *look(self._services)]
                self._text, self._at = render_page(families), time.monotonic()
            return self._text


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], read: Callable[[], str], token: str) -> None:
        self.read = read
        self.token = token
        self._lines = threading.BoundedSemaphore(_MOST_LINES)
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._lines.acquire(blocking=False):  # more at once than any monitoring opens
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._lines.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        log.info("metrics.line_broke")


class _Handler(BaseHTTPRequestHandler):
    server_version = "parvis"
    sys_version = ""
    timeout = _IDLE_S

    def do_GET(self) -> None:
        server: Any = self.server
        if server.token and not self._knows(server.token):
            self._send(_NOT_ALLOWED, "Show the token of PARVIS_METRICS_TOKEN_FILE as a bearer.\n")
        elif self.path.partition("?")[0] != "/metrics":
            self._send(_UNKNOWN, "Only /metrics is here.\n")
        else:
            self._send(_OK, server.read(), CONTENT_TYPE)

    def _knows(self, token: str) -> bool:
        scheme, _, given = self.headers.get("Authorization", "").partition(" ")
        same = hmac.compare_digest(given.strip().encode(), token.encode())
        return scheme.lower() == "bearer" and same

    def _send(self, status: int, text: str, kind: str = "text/plain; charset=utf-8") -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        if status == _NOT_ALLOWED:
            self.send_header("WWW-Authenticate", "Bearer")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: a request line is what somebody typed."""
