"""A tiny OpenAI-compatible model server on loopback: real HTTP, real SSE, scripted answers.

It repeats the last user message unless told otherwise, keeps every body it got, and knows who hung
up. Nothing waits for a time: an answer is held by an event that the test sets.
"""

import copy
import hashlib
import json
import select
import ssl
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
USAGE = {
    "prompt_tokens": 11,
    "completion_tokens": 7,
    "total_tokens": 18,
    "prompt_tokens_details": {"cached_tokens": 3},
}


@dataclass(frozen=True)
class Answer:
    """One scripted answer.

    `pieces` None repeats the last user message, `piece_chars` at a time. `raw` is sent as it is in
    place of all events, `cut` bytes at a time; `body` is a whole answer of `/embeddings` or
    `/rerank`. `hold` stops the answer after `hold_after` pieces (-1: before its head) until the
    event is set or the client is gone. `drop` breaks the connection after the pieces;
    `before_head` does so before anything was sent.
    """

    pieces: Sequence[str] | None = None
    piece_chars: int = 4
    deltas: Sequence[Mapping[str, Any]] = ()
    finish: str | None = "stop"
    usage: Mapping[str, Any] | None = field(default_factory=lambda: dict(USAGE))
    choices_null: bool = False
    done: bool = True
    raw: bytes | None = None
    cut: int = 0
    status: int = 200
    error: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "text/event-stream"
    body: Mapping[str, Any] | None = None
    hold: threading.Event | None = None
    hold_after: int = 1
    drop: bool = False
    before_head: bool = False


BUSY = Answer(status=503, error={"code": 503, "message": "Loading", "type": "unavailable_error"})
TOO_LONG = Answer(
    status=400,
    error={
        "code": 400,
        "message": "the request exceeds the available context size",
        "type": "exceed_context_size_error",
        "n_prompt_tokens": 9000,
        "n_ctx": 2048,
    },
)


class FakeModelServer:
    """Start with `with FakeModelServer() as server:`; `url`, `api_key`, `model` say how to ask."""

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self.api_key = "test-model-key"
        self.model = "demo-small"
        self.default = Answer()
        self.health = 200
        self.requests: list[dict[str, Any]] = []
        self.bodies: list[bytes] = []
        self.authorizations: list[str] = []
        self.access_lines: list[str] = []
        self.connections = 0
        self.hang_ups = 0
        self.most_open = 0
        self._open = 0
        self._script: deque[Answer] = deque()
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        handler = type("Handler", (_Handler,), {"fake": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler, False)
        self._http.daemon_threads = True
        self._http.request_queue_size = 128
        self._http.handle_error = lambda *_args: None  # type: ignore[method-assign]
        self._http.server_bind()
        self._http.server_activate()
        if tls is not None:
            self._http.socket = tls.wrap_socket(self._http.socket, server_side=True)
        self.port = self._http.server_address[1]
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}/v1"
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )

    def script(self, *answers: Answer) -> None:
        """The next requests get these answers, in order; later ones the default."""
        with self._changed:
            self._script.extend(answers)

    def wait_for(self, *, requests: int = 0, hang_ups: int = 0, limit_s: float = 20.0) -> None:
        """Return once so many requests came and so many clients hung up."""

        def reached() -> bool:
            return len(self.requests) >= requests and self.hang_ups >= hang_ups

        with self._changed:
            assert self._changed.wait_for(reached, limit_s), "the model server waited in vain"

    def write_models(self, folder: Path, **changes: Any) -> Path:
        """A models.yaml like the demo's that leads here; `changes` go into its server entry."""
        content = yaml.safe_load((REPOSITORY / "deploy/models.yaml").read_text(encoding="utf-8"))
        content = copy.deepcopy(content)
        key_file = folder / "model.key"
        key_file.write_text(self.api_key + "\n", encoding="ascii")
        server = {"base_url": self.url, "api_key_file": str(key_file), **changes}
        content["servers"]["demo"] |= server
        path = folder / "models.yaml"
        path.write_text(yaml.safe_dump(content), encoding="utf-8")
        return path

    def write_access_log(self, path: Path) -> Path:
        """What it served, in common log format, as servers and proxies write it."""
        path.write_text("".join(f"{line}\n" for line in self.access_lines), encoding="ascii")
        return path

    def stop(self) -> None:
        """Stop listening and let every held answer go."""
        self._stopping.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(timeout=5)

    def __enter__(self) -> "FakeModelServer":
        self._thread.start()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _value: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def begin(self, body: bytes, authorization: str) -> Answer:
        """Note a request; the answer that it gets."""
        with self._changed:
            self.bodies.append(body)
            self.requests.append(json.loads(body))
            self.authorizations.append(authorization)
            self._open += 1
            self.most_open = max(self.most_open, self._open)
            self._changed.notify_all()
            return self._script.popleft() if self._script else self.default

    def end(self, *, hung_up: bool) -> None:
        """Note that a request is over."""
        with self._changed:
            self._open -= 1
            self.hang_ups += hung_up
            self._changed.notify_all()

    def is_stopping(self) -> bool:
        """True once held answers should be let go."""
        return self._stopping.is_set()


class _Handler(BaseHTTPRequestHandler):
    fake: FakeModelServer
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        self.fake.connections += 1
        super().setup()

    def log_message(self, *_args: Any) -> None:
        """Say nothing."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Keep the line that an access log would have."""
        when = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime())
        status = getattr(code, "value", code)
        line = f'{self.client_address[0]} - - [{when}] "{self.requestline}" {status} {size}'
        self.fake.access_lines.append(line)

    def do_GET(self) -> None:
        if self.path == "/health":
            self._send_json(self.fake.health, {"status": "ok"})
        elif self.path == "/metrics":
            self._send_text(_METRICS % len(self.fake.requests))
        elif self.path == "/v1/models":
            self._send_json(200, {"object": "list", "data": [{"id": self.fake.model}]})
        else:
            self._send_json(404, {"error": {"code": 404, "message": "no such route"}})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        authorization = self.headers.get("Authorization", "")
        if authorization != f"Bearer {self.fake.api_key}":
            self._send_json(401, {"error": {"code": 401, "message": "Invalid API Key"}})
            return
        answer = self.fake.begin(body, authorization)
        hung_up = False
        try:
            self._answer(answer, json.loads(body))
        except (BrokenPipeError, ConnectionResetError, _HungUp):
            hung_up = True
            self.close_connection = True
        finally:
            self.fake.end(hung_up=hung_up)

    def _answer(self, answer: Answer, request: dict[str, Any]) -> None:
        if answer.before_head:
            self.close_connection = True
            return
        if answer.hold is not None and answer.hold_after < 0:
            self._hold(answer.hold)
        if answer.status != 200:
            self._send_json(answer.status, {"error": answer.error}, answer.headers)
            return
        if self.path in _WHOLE:
            self._send_json(200, answer.body or _WHOLE[self.path](request))
            return
        self.send_response(200)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Transfer-Encoding", "chunked")
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if answer.raw is not None:
            self._write_cut(answer.raw, answer.cut)
        else:
            self._write_events(answer, request)
        if answer.drop:
            self.close_connection = True
            return
        self.wfile.write(b"0\r\n\r\n")

    def _write_events(self, answer: Answer, request: dict[str, Any]) -> None:
        deltas = [{"role": "assistant", "content": None}, *_deltas(answer, request)]
        choices = range(request.get("n") or 1)
        for count, delta in enumerate(deltas):
            if answer.hold is not None and 0 <= answer.hold_after == count - 1:
                self._hold(answer.hold)
            for choice in choices:
                self._event(_chunk(delta, None, choice), answer.cut)
        if answer.drop:
            return
        if answer.finish is not None:
            for choice in choices:
                self._event(_chunk({}, answer.finish, choice), answer.cut)
        if answer.usage is not None and request.get("stream_options", {}).get("include_usage"):
            empty = None if answer.choices_null else []
            self._event({**_chunk({}, None), "choices": empty, "usage": answer.usage})
        if answer.done:
            self._write(b"data: [DONE]\n\n")

    def _hold(self, event: threading.Event) -> None:
        while not event.wait(0.02) and not self.fake.is_stopping():
            readable, _, _ = select.select([self.connection], [], [], 0)
            if readable:  # a client that waits for an answer sends nothing: it is gone
                raise _HungUp

    def _event(self, data: Mapping[str, Any], cut: int = 0) -> None:
        text = json.dumps(data, ensure_ascii=False)
        self._write_cut(f"data: {text}\n\n".encode(), cut)

    def _write_cut(self, data: bytes, cut: int) -> None:
        step = cut or len(data)
        for start in range(0, len(data), step):
            self._write(data[start : start + step])

    def _write(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def _send_text(self, text: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def _send_json(
        self, status: int, content: Any, headers: Mapping[str, str] | None = None
    ) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


_METRICS = """# HELP vllm:request_success_total Count of successfully processed requests.
# TYPE vllm:request_success_total counter
vllm:request_success_total{finished_reason="stop",model_name="demo, {small}"} %d.0
vllm:request_success_total{finished_reason="length",model_name="demo, {small}"} 0.0
vllm:request_success_created{finished_reason="stop",model_name="demo, {small}"} 1.7e+09
"""


class _HungUp(Exception):
    """The client is gone."""


def _deltas(answer: Answer, request: dict[str, Any]) -> list[Mapping[str, Any]]:
    if answer.deltas:
        return list(answer.deltas)
    pieces = answer.pieces
    if pieces is None:
        text = _last_user_text(request)
        step = answer.piece_chars
        pieces = [text[start : start + step] for start in range(0, len(text), step)]
    return [{"content": piece} for piece in pieces]


def _embed(request: Mapping[str, Any]) -> dict[str, Any]:
    """Vectors that tell texts apart: the same text has the same one. Last one first."""
    data = [
        {"object": "embedding", "index": index, "embedding": _vector(text)}
        for index, text in enumerate(request["input"])
    ]
    return {"object": "list", "data": data[::-1], "usage": {"prompt_tokens": 5, "total_tokens": 5}}


def _vector(text: str) -> list[float]:
    return [byte / 255 for byte in hashlib.sha256(text.encode()).digest()[:8]]


def _rerank(request: Mapping[str, Any]) -> dict[str, Any]:
    """The longest document fits best."""
    order = sorted(range(len(request["documents"])), key=lambda i: -len(request["documents"][i]))
    results = [{"index": i, "relevance_score": len(request["documents"][i]) / 100} for i in order]
    return {"model": "x", "results": results, "usage": {"prompt_tokens": 6, "total_tokens": 6}}


_WHOLE = {"/v1/embeddings": _embed, "/v1/rerank": _rerank}


def _last_user_text(request: dict[str, Any]) -> str:
    for message in reversed(request["messages"]):
        if message["role"] == "user":
            content = message["content"]
            if isinstance(content, str):
                return content
            return "".join(part.get("text", "") for part in content)
    return ""


def _chunk(delta: Mapping[str, Any], finish: str | None, choice: int = 0) -> dict[str, Any]:
    return {
        "id": "chatcmpl-upstream",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": "/secret/path/of/the/server/model.gguf",
        "choices": [{"index": choice, "delta": dict(delta), "finish_reason": finish}],
    }
