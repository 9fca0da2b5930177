"""HTTP to one model server: kept-alive connections, one streamed answer each, typed errors.

`http.client` by choice: a third of the cost per streamed token of the usual libraries, and it
neither follows redirects nor reads proxy settings. Nothing a server says in an error goes further.
"""

import http.client
import select
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

import orjson

from parvis.errors import UpstreamFailed, UpstreamTimeout
from parvis.inference.event_stream import EventStream
from parvis.inference.models import Server, is_on_site
from parvis.inference.upstream_errors import error_from_response, log_failure

_MAX_ERROR_BYTES = 64 * 1024
_MAX_ANSWER_BYTES = 32 * 1024 * 1024
_OK = 200
_JSON = "application/json"
_EVENTS = "text/event-stream"

ProbeResult = Literal["up", "not-ready", "slow", "down"]


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to wait: for a connection, for the first word, for each further one."""

    connect_s: float = 3.0
    first_byte_s: float = 120.0
    idle_s: float = 30.0


class Call:
    """One request on its way: `stop`, from any thread, ends it until its answer begins.

    What comes afterwards is its reader's: the connection may serve somebody else by then.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self.stopped = False

    def stop(self) -> None:
        """Nobody waits for it any more."""
        with self._lock:
            self.stopped = True
            self._shut()

    def hold(self, connection: socket.socket) -> None:
        """It goes over this connection; a call that was stopped before sends nothing."""
        with self._lock:
            self._socket = connection
            if self.stopped:
                self._shut()

    def let_go(self) -> None:
        """From now on `stop` closes nothing."""
        with self._lock:
            self._socket = None

    def _shut(self) -> None:
        if self._socket is not None:
            try:
                # not the TLS socket's own shutdown: see `EventStream.close`
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
            except OSError:
                pass  # already gone


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

    def ask(self, path: str, body: bytes, call: Call) -> Any:
        """The JSON that the server answers to one whole request; `path` counts from its base.

        Raises what `open_chat` raises; an answer that is no JSON is UpstreamFailed.
        """
        connection, response = self._open(path, body, _JSON, call)
        try:
            answer = response.read(_MAX_ANSWER_BYTES + 1)
        except TimeoutError:
            connection.close()
            raise log_failure(UpstreamTimeout(), "silent", self._server.name) from None
        except (OSError, http.client.HTTPException, ValueError):
            connection.close()
            raise log_failure(UpstreamFailed(), "broken_off", self._server.name) from None
        self._give_back(connection, response)
        try:
            return orjson.loads(answer)
        except orjson.JSONDecodeError:
            raise log_failure(UpstreamFailed(), "unreadable_answer", self._server.name) from None

    def open_chat(self, body: bytes, call: Call) -> "EventStream":
        """The events of a streamed chat completion, its head already found good.

        Raises ModelOverloaded, ContextTooLong, UpstreamFailed, UpstreamTimeout. Sends a second
        time only where a kept connection turned out dead before any byte came back.
        """
        started = time.monotonic()
        connection, response = self._open("/chat/completions", body, _EVENTS, call)
        return EventStream(
            self._server.name,
            self.keep,
            self._timeouts.idle_s,
            connection,
            response,
            started + self._timeouts.first_byte_s,
        )

    def _open(
        self, path: str, body: bytes, wanted: str, call: Call
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        headers = self._headers(wanted)
        try:
            connection, response = self._exchange(path, body, headers, call)
        except TimeoutError:
            raise log_failure(UpstreamTimeout(), "no_answer", self._server.name) from None
        except (OSError, http.client.HTTPException):
            if call.stopped:
                raise UpstreamFailed from None
            raise log_failure(UpstreamFailed(), "no_head", self._server.name) from None
        finally:
            call.let_go()
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

    def fetch_page(self, path: str) -> str:
        """What the server shows at this address of its root, on a connection of its own.

        Raises UpstreamFailed, UpstreamTimeout.
        """
        connection = self._connect(self._timeouts.connect_s)
        try:
            connection.sock.settimeout(self._timeouts.idle_s)
            connection.request("GET", path, headers=self._headers("text/plain"))
            response = connection.getresponse()
            page = response.read(_MAX_ANSWER_BYTES)
        except TimeoutError:
            raise log_failure(UpstreamTimeout(), "no_answer", self._server.name) from None
        except (OSError, http.client.HTTPException):
            raise log_failure(UpstreamFailed(), "no_head", self._server.name) from None
        finally:
            connection.close()
        if response.status != _OK:
            raise log_failure(UpstreamFailed(), "other_status", self._server.name)
        return page.decode("utf-8", "replace")

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
        self, path: str, body: bytes, headers: dict[str, str], call: Call
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        kept = self._take_idle()
        if kept is not None:
            try:
                return kept, self._send(kept, path, body, headers, call)
            except ConnectionError:
                if call.stopped:
                    raise
                # closed by the server while it lay idle: no byte of an answer came
        fresh = self._connect(self._timeouts.connect_s)
        return fresh, self._send(fresh, path, body, headers, call)

    def _send(
        self,
        connection: http.client.HTTPConnection,
        path: str,
        body: bytes,
        headers: dict[str, str],
        call: Call,
    ) -> http.client.HTTPResponse:
        connection.sock.settimeout(self._timeouts.first_byte_s)
        call.hold(connection.sock)
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
            raise log_failure(UpstreamFailed(), "connect_timeout", self._server.name) from None
        except OSError:
            connection.close()
            raise log_failure(ServerUnreachable(), "unreachable", self._server.name) from None
        if not is_on_site(peer, self._server.networks):
            connection.close()
            raise log_failure(UpstreamFailed(), "off_site", self._server.name)
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
                raise log_failure(UpstreamFailed(), "key_unreadable", self._server.name)
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
            raise log_failure(UpstreamFailed(), "other_content_type", self._server.name)
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


def _is_quiet(sock: socket.socket) -> bool:
    """True when nothing waits on an idle connection: neither its end nor stray bytes."""
    poll = select.poll()
    poll.register(sock, select.POLLIN | select.POLLHUP | select.POLLERR)
    return not poll.poll(0)
