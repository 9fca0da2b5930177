"""One streamed answer of a model server, event by event, with a deadline that each word moves.

Read by one thread and closed by any. Connections are `client.py`'s.
"""

import http.client
import socket
import threading
import time
from collections import deque
from collections.abc import Callable

from parvis.errors import UpstreamFailed, UpstreamTimeout
from parvis.inference.sse import SseEvent, SseParser, SseTooLong
from parvis.inference.upstream_errors import log_failure

_READ_BYTES = 64 * 1024
_MAX_ANSWER_BYTES = 32 * 1024 * 1024
_DRAIN_S = 0.1


class EventStream:
    """The events of one answer. Read by one thread; `close` may come from any other.

    `keep` takes back a connection that was read to its end; `idle_s` is the silence allowed.

    Ends (StopIteration) when the server ended its answer, or when it was closed here.
    """

    def __init__(
        self,
        server: str,
        keep: Callable[[http.client.HTTPConnection], None],
        idle_s: float,
        connection: http.client.HTTPConnection,
        response: http.client.HTTPResponse,
        deadline: float,
    ) -> None:
        self._server = server
        self._keep = keep
        self._idle_s = idle_s
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
        self._deadline = time.monotonic() + self._idle_s

    def finish(self) -> None:
        """Read what is left after the last event, and keep the connection if that was all."""
        with self._reading:
            if self._closed:
                return
            self._closed = True
            if self._drain():
                self._keep(self._connection)
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
        raise log_failure(
            UpstreamTimeout() if silent else UpstreamFailed(),
            "silent" if silent else "broken_off",
            self._server,
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
            raise log_failure(UpstreamFailed(), "event_too_long", self._server) from None
        # comments keep a connection open but are no answer: only events move the deadline
        if events and self._started:
            self._deadline = time.monotonic() + self._idle_s
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
