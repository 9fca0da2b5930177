"""Server-sent events out of bytes (WHATWG HTML, 9.2.6), however they are cut. Knows no JSON."""

from typing import NamedTuple

MAX_EVENT_BYTES = 1024 * 1024


class SseEvent(NamedTuple):
    """One event: its name ("" when it has none) and its data, lines joined by newlines."""

    name: str
    data: str


class SseTooLong(ValueError):
    """An event larger than the limit: nobody sends that in good faith."""


class SseParser:
    """Takes bytes as they arrive and gives every event that they complete; one thread only.

    Lines are decoded whole, so a character that arrives in two pieces stays one. Comments, ids
    and retry times are dropped; an event that the end of the stream cuts off is none.
    """

    def __init__(self, limit: int = MAX_EVENT_BYTES) -> None:
        self._limit = limit
        self._rest = b""
        self._after_cr = False
        self._first = True
        self._name = ""
        self._data: list[str] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[SseEvent]:
        """The events completed by `chunk`; raises SseTooLong."""
        lines = (self._rest + self._normalise(chunk)).split(b"\n")
        self._rest = lines.pop()
        if self._size + len(self._rest) > self._limit:
            raise SseTooLong
        events = []
        for line in lines:
            event = self._take(line)
            if event is not None:
                events.append(event)
        return events

    def _normalise(self, chunk: bytes) -> bytes:
        """Line ends as one newline each; a CR LF that was cut in two counts once."""
        if self._after_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]
            self._after_cr = False
        if chunk:
            self._after_cr = chunk.endswith(b"\r")
        if b"\r" in chunk:
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return chunk

    def _take(self, line: bytes) -> SseEvent | None:
        if self._first:
            line = line.removeprefix(b"\xef\xbb\xbf")
            self._first = False
        if not line:
            return self._dispatch()
        self._size += len(line)
        if self._size > self._limit:
            raise SseTooLong
        name, _, value = line.partition(b":")
        text = value.removeprefix(b" ").decode("utf-8", "replace")
        if name == b"data":
            self._data.append(text)
        elif name == b"event":
            self._name = text
        elif name == b"error":  # older llama.cpp servers: `error: {...}` in place of data
            self._name = "error"
            self._data.append(text)
        return None

    def _dispatch(self) -> SseEvent | None:
        event = SseEvent(self._name, "\n".join(self._data)) if self._data else None
        self._name, self._data, self._size = "", [], 0
        return event
