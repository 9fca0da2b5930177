"""HTTP to one model server: kept-alive connections, one streamed answer each, typed errors.

`http.client` by choice: a third of the cost per streamed token of the usual libraries, and it
neither follows redirects nor reads proxy settings. Nothing a server says in an error goes further.
"""

import http.client
import logging
import select
import socket
import ssl
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

import orjson

from parvis.errors import ParvisError, UpstreamFailed, UpstreamTimeout
from parvis.inference.models import Server, is_on_site
from parvis.inference.sse import SseEvent, SseParser, SseTooLong
from parvis.inference.upstream_errors import error_from_response

log = logging.getLogger(__name__)

_READ_BYTES = 64 * 1024
_MAX_ERROR_BYTES = 64 * 1024
_MAX_ANSWER_BYTES = 32 * 1024 * 1024
_DRAIN_S = 0.1
_OK = 200
_JSON = "application/json"
_EVENTS = "text/event-stream"

ProbeResult = Literal["up", "not-ready", "slow", "down"]
Failure = TypeVar("Failure", bound=ParvisError)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to wait: for a connection, for the first word, for each further one."""

    connect_s: float = 3.0
    first_byte_s: float = 120.0
    idle_s: float = 30.0


class ServerUnreachable(UpstreamFailed):
    """Nobody takes connections there, or nobody who proves to be that server."""


class ServerClient:
    """Connections to one server; thread-safe. MUST be made after a fork."""

    def __init__(self, server: Server, timeouts: Timeouts) -> None:
        self._server = server
        self._timeouts = timeouts
        url = urlsplit(server.base_url)
        self._host = url.hostname or ""
        self._secure = url.scheme == "https"
        self._port = url.port or (443 if self._secure else 80)
        self._path = url.path.rstrip("/")
        self._tls: ssl.SSLContext | None = None
        self._idle: list[http.client.HTTPConnection] = []
        self._lock = threading.Lock()
        self._closed = False

    def ask(self, path: str, body: bytes) -> Any:
        """The JSON that the server answers to one whole request; `path` counts from its base.

        Raises what `open_chat` raises; an answer that is no JSON is UpstreamFailed.
        """
        connection, response = self._open(path, body, _JSON)
        try:
            answer = response.read(_MAX_ANSWER_BYTES + 1)
        except TimeoutError:
            connection.close()
            raise _fail(UpstreamTimeout(), "silent", self._server) from None
        except (OSError, http.client.HTTPException, ValueError):
            connection.close()
            raise _fail(UpstreamFailed(), "broken_off", self._server) from None
        self._give_back(connection, response)
        try:
            return orjson.loads(answer)
        except orjson.JSONDecodeError:
            raise _fail(UpstreamFailed(), "unreadable_answer", self._server) from None

    def open_chat(self, body: bytes) -> "EventStream":
        """The events of a streamed chat completion, its head already found good.

        Raises ModelOverloaded, ContextTooLong, UpstreamFailed, UpstreamTimeout. Sends a second
        time only where a kept connection turned out dead before any byte came back.
        """
        started = time.monotonic()
        connection, response = self._open("/chat/completions", body, _EVENTS)
        return EventStream(self, connection, response, started + self._timeouts.first_byte_s)

    def _open(
        self, path: str, body: bytes, wanted: str
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        headers = self._headers(wanted)
        try:
            connection, response = self._exchange(path, body, headers)
        except TimeoutError:
            raise _fail(UpstreamTimeout(), "no_answer", self._server) from None
        except (OSError, http.client.HTTPException):
            raise _fail(UpstreamFailed(), "no_head", self._server) from None
        self._check_head(connection, response, wanted)
        return connection, response

    def probe(self) -> ProbeResult:
        """What the server's health address says, on a connection of its own.

        Without such an address: whether it takes connections.
        """
        probe = self._server.probe
        connection = None
        try:
            connection = self._connect(probe.timeout_s if probe else self._timeouts.connect_s)
            if probe is None:
                return "up"
            connection.request("GET", probe.path)
            status = connection.getresponse().status
        except TimeoutError:
            return "slow"
        except ServerUnreachable:
            return "down"
        except (OSError, http.client.HTTPException, UpstreamFailed):
            return "not-ready"
        finally:
            if connection is not None:
                connection.close()
        return "up" if status == _OK else "not-ready"

    def close(self) -> None:
        """Close the idle connections; later ones are closed when given back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def keep(self, connection: http.client.HTTPConnection) -> None:
        """Take back a connection whose answer was read to its end."""
        with self._lock:
            if not self._closed and len(self._idle) < self._server.max_inflight:
                self._idle.append(connection)
                return
        connection.close()

    def _exchange(
        self, path: str, body: bytes, headers: dict[str, str]
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        kept = self._take_idle()
        if kept is not None:
            try:
                return kept, self._send(kept, path, body, headers)
            except ConnectionError:
                pass  # closed by the server while it lay idle: no byte of an answer came
        fresh = self._connect(self._timeouts.connect_s)
        return fresh, self._send(fresh, path, body, headers)

    def _send(
        self,
        connection: http.client.HTTPConnection,
        path: str,
        body: bytes,
        headers: dict[str, str],
    ) -> http.client.HTTPResponse:
        connection.sock.settimeout(self._timeouts.first_byte_s)
        try:
            connection.request("POST", f"{self._path}{path}", body, headers)
            return connection.getresponse()
        except BaseException:
            connection.close()
            raise

    def _take_idle(self) -> http.client.HTTPConnection | None:
        while True:
            with self._lock:
                if not self._idle:
                    return None
                connection = self._idle.pop()
            if _is_quiet(connection.sock):
                return connection
            connection.close()

    def _connect(self, timeout_s: float) -> http.client.HTTPConnection:
        connection: http.client.HTTPConnection
        if self._secure:
            connection = http.client.HTTPSConnection(
                self._host, self._port, timeout=timeout_s, context=self._get_tls()
            )
        else:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=timeout_s)
        connection.auto_open = 0  # never reconnect behind our back
        try:
            connection.connect()
            peer = connection.sock.getpeername()[0]
        except TimeoutError:  # a full line of connections looks the same as a dead machine
            connection.close()
            raise _fail(UpstreamFailed(), "connect_timeout", self._server) from None
        except OSError:
            connection.close()
            raise _fail(ServerUnreachable(), "unreachable", self._server) from None
        if not is_on_site(peer, self._server.networks):
            connection.close()
            raise _fail(UpstreamFailed(), "off_site", self._server)
        return connection

    def _get_tls(self) -> ssl.SSLContext:
        if self._tls is None:
            file = self._server.ca_file
            self._tls = ssl.create_default_context(cafile=str(file) if file else None)
        return self._tls

    def _headers(self, wanted: str) -> dict[str, str]:
        headers = {"Content-Type": _JSON, "Accept": wanted}
        file = self._server.api_key_file
        if file is not None:
            # read each time: a changed key needs no restart, and a missing one never goes unsaid
            try:
                key = file.read_text(encoding="ascii").strip()
            except (OSError, UnicodeDecodeError):
                key = ""
            if not key.isprintable() or not key:
                raise _fail(UpstreamFailed(), "key_unreadable", self._server)
            headers["Authorization"] = f"Bearer {key}"
        return headers

    def _check_head(
        self,
        connection: http.client.HTTPConnection,
        response: http.client.HTTPResponse,
        wanted: str,
    ) -> None:
        if response.status == _OK:
            if response.headers.get_content_type() == wanted:
                return
            connection.close()
            raise _fail(UpstreamFailed(), "other_content_type", self._server)
        try:
            body = response.read(_MAX_ERROR_BYTES)
        except (OSError, http.client.HTTPException, ValueError):
            body = b""
        self._give_back(connection, response)
        raise error_from_response(
            self._server.name,
            response.status,
            body,
            response.headers.get("Retry-After"),
            self._server.busy_status,
        )

    def _give_back(
        self, connection: http.client.HTTPConnection, response: http.client.HTTPResponse
    ) -> None:
        """Keep the connection when its answer was read to the end."""
        if response.isclosed() and not response.will_close:
            self.keep(connection)
        else:
            connection.close()

    @property
    def idle_s(self) -> float:
        """Seconds of silence after which an answer has failed."""
        return self._timeouts.idle_s

    @property
    def server(self) -> Server:
        """The server these connections lead to."""
        return self._server


class EventStream:
    """The events of one answer. Read by one thread; `close` may come from any other.

    Ends (StopIteration) when the server ended its answer, or when it was closed here.
    """

    def __init__(
        self,
        client: ServerClient,
        connection: http.client.HTTPConnection,
        response: http.client.HTTPResponse,
        deadline: float,
    ) -> None:
        self._client = client
        self._connection = connection
        self._response = response
        # kept apart: http.client lets go of it when the server will close the connection
        self._socket = connection.sock or response.fp.raw._sock  # type: ignore[attr-defined]
        self._deadline = deadline
        self._parser = SseParser()
        self._ready: deque[SseEvent] = deque()
        self._started = False
        self._bytes = 0
        self._reading = threading.Lock()
        self._closed = False

    def __iter__(self) -> "EventStream":
        return self

    def __next__(self) -> SseEvent:
        while not self._ready:
            if self._closed:
                raise StopIteration
            chunk = self._read()
            if not chunk:
                self.close()
                raise StopIteration
            self._parse(chunk)
        return self._ready.popleft()

    def start(self) -> None:
        """From now on silence is measured between events: the first word has come."""
        self._started = True
        self._deadline = time.monotonic() + self._client.idle_s

    def finish(self) -> None:
        """Read what is left after the last event, and keep the connection if that was all."""
        with self._reading:
            if self._closed:
                return
            self._closed = True
            if self._drain():
                self._client.keep(self._connection)
            else:
                self._dispose()

    def close(self) -> None:
        """Stop the server's work at once, even while another thread waits for its next word."""
        if self._closed:
            return
        self._closed = True
        try:
            # not the TLS socket's own shutdown: that would pull the layer from under a reader
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
        except OSError:
            pass  # already gone
        if self._reading.acquire(blocking=False):
            try:
                self._dispose()
            finally:
                self._reading.release()

    def _read(self) -> bytes:
        """The next bytes; none at the end, or when `close` came from elsewhere."""
        with self._reading:
            try:
                chunk = self._read_before_deadline()
            except (OSError, http.client.HTTPException, ValueError, AttributeError) as error:
                failure = error
            else:
                if self._closed:
                    self._dispose()
                return chunk
            closed_here, self._closed = self._closed, True
            self._dispose()
        if closed_here:
            return b""
        silent = isinstance(failure, TimeoutError)
        raise _fail(
            UpstreamTimeout() if silent else UpstreamFailed(),
            "silent" if silent else "broken_off",
            self._client.server,
        )

    def _read_before_deadline(self) -> bytes:
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        self._socket.settimeout(remaining)
        chunk = self._response.read1(_READ_BYTES)
        self._bytes += len(chunk)
        if self._bytes > _MAX_ANSWER_BYTES:
            raise ValueError("endless answer")
        return b"" if self._closed else chunk

    def _parse(self, chunk: bytes) -> None:
        try:
            events = self._parser.feed(chunk)
        except SseTooLong:
            self.close()
            raise _fail(UpstreamFailed(), "event_too_long", self._client.server) from None
        # comments keep a connection open but are no answer: only events move the deadline
        if events and self._started:
            self._deadline = time.monotonic() + self._client.idle_s
        self._ready.extend(events)

    def _drain(self) -> bool:
        try:
            self._socket.settimeout(_DRAIN_S)
            left = self._response.read(_READ_BYTES)
        except (OSError, http.client.HTTPException, ValueError, AttributeError):
            return False
        done = len(left) < _READ_BYTES and self._response.isclosed()
        return done and not self._response.will_close

    def _dispose(self) -> None:
        self._response.close()
        self._connection.close()
        self._socket.close()


def _fail(error: Failure, reason: str, server: Server) -> Failure:
    log.warning("model.failed", extra={"server": server.name, "reason": reason})
    return error


def _is_quiet(sock: socket.socket) -> bool:
    """True when nothing waits on an idle connection: neither its end nor stray bytes."""
    poll = select.poll()
    poll.register(sock, select.POLLIN | select.POLLHUP | select.POLLERR)
    return not poll.poll(0)
