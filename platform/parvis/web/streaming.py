"""Running the hall beside a connection, so that silence and hang-ups are noticed meanwhile.

What the hall does runs in a thread of its own; the door takes what comes, and gets None when
nothing came for a moment: time to write a keep-alive and to see whether the client is still there.
"""

import queue
import select
import socket
import threading
import time
import weakref
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Any, TypeVar

from parvis.assistant import Cancellation

IDLE_S = 1.0
# bounded: a client that reads slowly must slow the model down, not fill our memory
_MOST_WAITING = 64
_END = object()

_running: weakref.WeakSet[threading.Thread] = weakref.WeakSet()

_T = TypeVar("_T")


def run_beside(start: Callable[[Cancellation], Iterator[_T]]) -> Generator[_T | None]:
    """What it yields, a chat's events say, in order; None each second that brought nothing.

    Its exception is raised here. When this iterator is closed early the chat is
    cancelled: its model call ends and its record is written, in its own thread.
    """
    cancellation = Cancellation()
    outbox: queue.Queue[Any] = queue.Queue(maxsize=_MOST_WAITING)
    thread = threading.Thread(target=_run, args=(start, cancellation, outbox), name="chat")
    _running.add(thread)
    thread.start()
    try:
        while True:
            try:
                item = outbox.get(timeout=IDLE_S)
            except queue.Empty:
                yield None
                continue
            if item is _END:
                return
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        cancellation.cancel()


def _run(
    start: Callable[[Cancellation], Iterator[Any]],
    cancellation: Cancellation,
    outbox: "queue.Queue[Any]",
) -> None:
    events = start(cancellation)
    try:
        for event in events:
            if not _put(outbox, event, cancellation):
                break
        _put(outbox, _END, cancellation)
    except BaseException as error:
        _put(outbox, error, cancellation)
    finally:
        close = getattr(events, "close", None)
        if close is not None:
            close()


def _put(outbox: "queue.Queue[Any]", item: Any, cancellation: Cancellation) -> bool:
    while not cancellation.is_set:
        try:
            outbox.put(item, timeout=IDLE_S)
        except queue.Full:
            continue
        return True
    return False


def wait_for_chats(limit_s: float) -> None:
    """Return when every chat of this process has written its ending, or after `limit_s`."""
    until = time.monotonic() + limit_s
    for thread in list(_running):
        if thread.is_alive():
            thread.join(max(0.0, until - time.monotonic()))


def client_is_gone(environ: Mapping[str, Any]) -> bool:
    """True when the other side has closed the connection (known under gunicorn only)."""
    connection = environ.get("gunicorn.socket")
    if not isinstance(connection, socket.socket):
        return False
    try:
        readable, _, _ = select.select([connection], [], [], 0)
        return bool(readable) and connection.recv(1, socket.MSG_PEEK) == b""
    except (OSError, ValueError):
        return True
