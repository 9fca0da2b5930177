"""A witness over HTTP (c2sp.org/tlog-witness): POST /add-checkpoint, and nothing else.

Requests prove themselves by the log's signature, so there is no other authentication. Put a
reverse proxy with TLS in front of it where it is reached over a network that others read.
"""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from parvis import __version__
from parvis.audit.witness import MAX_REQUEST_BYTES, TEXT_TYPE, Answer, Witness

_IDLE_S = 30


class WitnessServer(ThreadingHTTPServer):
    """Serves one witness until `shutdown`; `address` is (host, port), port 0 for a free one."""

    daemon_threads = True

    def __init__(self, witness: Witness, address: tuple[str, int]) -> None:
        self.witness = witness
        super().__init__(address, _Handler)

    @property
    def url(self) -> str:
        """The submission prefix."""
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # connections are kept, as the specification asks
    server_version = f"parvis-witness/{__version__}"
    sys_version = ""
    timeout = _IDLE_S

    def do_POST(self) -> None:
        body = self._read_body()
        if body is None:
            self.close_connection = True
            self._send(Answer(413, "the request is too large or has no length\n"))
        elif self.path.rstrip("/").endswith("/add-checkpoint"):
            self._send(self._add(body))
        else:
            self._send(Answer(404, "POST /add-checkpoint\n"))

    def do_GET(self) -> None:
        self._send(Answer(405, "POST /add-checkpoint\n"))

    def _add(self, body: bytes) -> Answer:
        server: Any = self.server
        try:
            witness: Witness = server.witness
            return witness.add_checkpoint(body)
        except Exception as error:  # a full disk, a wrong line in `logs`: nothing was signed
            self.log_error("not answered: %s", type(error).__name__)
            return Answer(500, "the witness cannot answer now\n")

    def _read_body(self) -> bytes | None:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdecimal()) or int(length) > MAX_REQUEST_BYTES:
            return None
        return self.rfile.read(int(length))

    def _send(self, answer: Answer) -> None:
        data = answer.body.encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.type if answer.body else TEXT_TYPE)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
