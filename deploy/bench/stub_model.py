"""A stub of a model server that costs almost nothing: what remains is the gateway's own time.

`python -m deploy.bench.stub_model --port 9100 --tokens 20`. Streams a fixed answer at once.
"""

import argparse
import json
import signal
import sys
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from deploy.dev.keycloak import answers
from deploy.dev.supervisor import Part

NAME = "stub"


def build_part(port: int, tokens: int) -> Part:
    """The stub on loopback."""
    return Part(
        name="stub-model",
        command=[
            *(sys.executable, "-m", "deploy.bench.stub_model"),
            *("--port", str(port), "--tokens", str(tokens)),
        ],
        ready=lambda: answers(f"http://127.0.0.1:{port}/v1/models"),
        usual_s=1,
    )


def build_events(tokens: int) -> bytes:
    """The whole stream of an answer of so many words."""
    head = {"id": "chatcmpl-stub", "object": "chat.completion.chunk", "created": 0, "model": NAME}
    deltas: list[tuple[dict[str, str], str | None]] = [({"role": "assistant"}, None)]
    deltas += [({"content": "word "}, None)] * tokens + [({}, "stop")]
    chunks = [
        {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}
        for delta, reason in deltas
    ]
    usage = {"prompt_tokens": 1, "completion_tokens": tokens, "total_tokens": tokens + 1}
    chunks.append({**head, "choices": [], "usage": usage})
    lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
    return "".join([*lines, "data: [DONE]\n\n"]).encode()


class _Stub(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    events = b""

    def do_GET(self) -> None:
        self._send("application/json", json.dumps({"data": [{"id": NAME}]}).encode())

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", "0")))
        self._send("text/event-stream", self.events)

    def _send(self, kind: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: logging would be measured too."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m deploy.bench.stub_model")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--tokens", type=int, default=20)
    options = parser.parse_args(arguments)
    _Stub.events = build_events(options.tokens)
    server = ThreadingHTTPServer(("127.0.0.1", options.port), _Stub)
    server.daemon_threads = True
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever(poll_interval=0.1)
    server.server_close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
