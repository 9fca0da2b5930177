"""Receivers of feeds that are real: a syslog listener over TLS, an HTTP collector."""

import contextlib
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml


class SyslogListener:
    """Takes frames of RFC 5425 strictly; `cut_after` resets a connection behind so many bytes."""

    def __init__(
        self,
        certificate: Path,
        key: Path,
        *,
        clients: Path | None = None,
        cut_after: Sequence[int] = (),
        says_goodbye: bool = True,
    ) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)
        if clients:
            self._context.load_verify_locations(clients)
            self._context.verify_mode = ssl.CERT_REQUIRED
        self._cuts = list(cut_after)
        self._says_goodbye = says_goodbye
        self.messages: list[bytes] = []
        self.faults: list[str] = []
        self.connections = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(20)

    def _serve(self) -> None:
        while True:
            try:
                plain, _ = self._socket.accept()
            except OSError:
                return
            with plain:
                plain.settimeout(10)
                with contextlib.suppress(OSError):
                    self._take(plain)

    def _take(self, plain: socket.socket) -> None:
        cut = self._cuts.pop(0) if self._cuts else None
        with self._context.wrap_socket(plain, server_side=True) as secure:
            self.connections += 1
            data = b""
            while part := secure.recv(100 if cut else 65536):
                data += part
                if cut is not None and len(data) >= cut:
                    reset = struct.pack("ii", 1, 0)
                    secure.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
                    self._read(data[:cut], whole=False)
                    return
            self._read(data, whole=True)
            if self._says_goodbye:
                secure.unwrap()

    def _read(self, data: bytes, *, whole: bool) -> None:
        while data:
            count, space, rest = data.partition(b" ")
            size = int(count) if space and count.isdigit() and count[:1] != b"0" else -1
            if size < 0 or len(rest) < size:
                if whole:
                    self.faults.append("a frame is not as it says")
                return
            self.messages.append(rest[:size])
            data = rest[size:]


class Collector:
    """Answers one POST after another with the given statuses, then 200; keeps every body.

    `on_post` is called with the body before the answer.
    """

    def __init__(
        self,
        statuses: Sequence[int] = (),
        *,
        tls: ssl.SSLContext | None = None,
        on_post: Callable[[bytes], None] = lambda body: None,
    ) -> None:
        self.statuses = list(statuses)
        self.on_post = on_post
        self.posts: list[tuple[int, dict[str, str], bytes]] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_args: Any) -> None:
                pass

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = collector.statuses.pop(0) if collector.statuses else 200
                collector.posts.append((status, dict(self.headers), body))
                collector.on_post(body)
                with contextlib.suppress(OSError):
                    self.send_response(status)
                    self.send_header("Content-Length", "0")
                    self.end_headers()

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        scheme = "https" if tls else "http"
        self.url = f"{scheme}://127.0.0.1:{self._server.server_port}/events?source=parvis"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def events(self) -> list[dict[str, Any]]:
        """What was answered with 2xx, in order, doubles included."""
        taken = [body for status, _, body in self.posts if 200 <= status < 300]
        return [json.loads(line) for body in taken for line in body.splitlines()]


def write_feeds(folder: Path, *feeds: dict[str, Any]) -> Path:
    """A file that declares these feeds; what is not said is a feed of all logs."""
    path = folder / "feeds.yaml"
    listed = [{"name": "soc", "kind": "ocsf", "agencies": "all"} | feed for feed in feeds]
    path.write_text(yaml.safe_dump({"feeds": listed}), encoding="utf-8")
    return path
