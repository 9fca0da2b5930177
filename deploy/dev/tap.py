"""A recording relay between gateway and model server: it shows what a model really received.

`python -m deploy.dev.tap --port 8083 --to http://127.0.0.1:8082`. Keeps the last requests and
answers in memory, on loopback, for the demo and the tests alone. Answers stream through unbuffered.
`GET /tap/requests` gives them, oldest first.
"""

import argparse
import contextlib
import http.client
import itertools
import json
import signal
import sys
import threading
from collections import deque
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from deploy.dev.keycloak import answers
from deploy.dev.supervisor import Part

KEPT = 50
_PIECE = 65536
_REMEMBERED = 1_000_000
_HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "host"}
)


def build_part(port: int, upstream: str) -> Part:
    """The relay on loopback, in front of `upstream` (http or https, without a path or with one)."""
    return Part(
        name="tap",
        command=[
            *(sys.executable, "-m", "deploy.dev.tap"),
            *("--port", str(port), "--to", upstream),
        ],
        ready=lambda: answers(f"http://127.0.0.1:{port}/tap/requests"),
        usual_s=1,
    )


class Tap(ThreadingHTTPServer):
    """The relay and what it received."""

    daemon_threads = True

    def __init__(self, port: int, upstream: str) -> None:
        super().__init__(("127.0.0.1", port), _Relay)
        self.upstream = urlsplit(upstream)
        self.received: deque[dict[str, str | int]] = deque(maxlen=KEPT)
        self._numbers = itertools.count(1)

    def remember(self, path: str, body: bytes) -> dict[str, str | int]:
        """A new entry for what was received; its `answer` grows while the model writes."""
        text = body.decode("utf-8", "replace")
        entry: dict[str, str | int] = {
            "number": next(self._numbers),
            "path": path,
            "body": text,
            "answer": "",
        }
        self.received.append(entry)
        return entry

    def connect(self) -> http.client.HTTPConnection:
        """A new connection to the model server."""
        kind = (
            http.client.HTTPSConnection
            if self.upstream.scheme == "https"
            else http.client.HTTPConnection
        )
        return kind(self.upstream.hostname or "", self.upstream.port, timeout=300)


class _Relay(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Tap

    def do_GET(self) -> None:
        if self.path == "/tap/requests":
            body = json.dumps(list(self.server.received)).encode()
            self._answer(200, "application/json", body)
        else:
            self._relay(b"", {"answer": ""})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        self._relay(body, self.server.remember(self.path, body))

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _relay(self, body: bytes, entry: dict[str, str | int]) -> None:
        connection = self.server.connect()
        with contextlib.closing(connection):
            try:
                response = self._forward(connection, body)
            except OSError:
                self._answer(502, "text/plain", b"the model server does not answer\n")
                return
            try:
                self._stream(response, entry)
            except OSError:
                # the gateway hung up, or the model server broke off: end both sides at once
                self.close_connection = True

    def _forward(
        self, connection: http.client.HTTPConnection, body: bytes
    ) -> http.client.HTTPResponse:
        headers = {
            name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP
        }
        path = self.server.upstream.path.rstrip("/") + self.path
        connection.request(self.command, path, body or None, headers)
        return connection.getresponse()

    def _stream(self, response: http.client.HTTPResponse, entry: dict[str, str | int]) -> None:
        self.send_response_only(response.status)
        for name, value in response.getheaders():
            if name.lower() not in _HOP_BY_HOP | {"content-length"}:
                self.send_header(name, value)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        heard = bytearray()
        while piece := response.read1(_PIECE):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            heard += piece[: max(0, _REMEMBERED - len(heard))]
            entry["answer"] = heard.decode("utf-8", "replace")
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: bodies are kept in memory alone, and the access log is the gateway's."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Relay until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m deploy.dev.tap")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--to", required=True)
    options = parser.parse_args(arguments)
    tap = Tap(options.port, options.to)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=tap.shutdown).start())
    tap.serve_forever(poll_interval=0.1)
    tap.server_close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
