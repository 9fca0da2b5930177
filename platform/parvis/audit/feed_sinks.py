"""Where a feed's lines go: a file that is rotated, an HTTP collector, a syslog receiver.

`send` returns once the receiver has taken a batch; everything else is NotTaken. Each is made for
one feed and used by one thread.
"""

import os
import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from parvis.audit.anchors_http import Unreachable, post
from parvis.audit.feed_syslog import NotTaken, format_message, send_batch
from parvis.audit.feeds import CollectorTarget, Feed, FileTarget, ReceiverTarget, Tls
from parvis.audit.files import sync_folder
from parvis.audit.ocsf import format_line, map_record

_NDJSON = "application/x-ndjson"
_TAKEN = range(200, 300)
_STEP = 65536


class Sink(Protocol):
    """One receiver."""

    def send(self, lines: Sequence[bytes]) -> None:
        """Returns once all of them are taken, in order; raises NotTaken."""


def build_sink(feed: Feed, folder: Path) -> Sink:
    """The receiver of a feed; its files are beside `folder` where they are relative."""
    if feed.receiver:
        return SyslogSink(feed.receiver, folder)
    if feed.collector:
        return CollectorSink(feed.collector, folder)
    assert feed.file is not None  # noqa: S101 - checked by the declaration
    return FileSink(feed.file, folder)


def format_record(feed: Feed, record: Mapping[str, Any], tenant_id: str) -> bytes:
    """The line of a record in this feed's form. Raises Unmapped."""
    if feed.kind == "ocsf":
        return format_line(map_record(record, tenant_id))
    return format_message(record, tenant_id, enterprise=feed.enterprise, facility=feed.facility)


class FileSink:
    """Appends JSON Lines durably (mode 0640); `path.1` is the newest of the rotated files."""

    def __init__(self, target: FileTarget, folder: Path) -> None:
        self._path = folder / target.path
        self._keep = target.keep
        self._rotate_bytes = int(target.rotate_mb * 1024 * 1024)

    def send(self, lines: Sequence[bytes]) -> None:
        """Append and sync."""
        try:
            self._append(b"".join(line + b"\n" for line in lines))
        except OSError as error:
            raise NotTaken(f"the file cannot be written ({type(error).__name__})") from error

    def _append(self, data: bytes) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if self._path.is_file() and _cut_torn_line(self._path) + len(data) > self._rotate_bytes:
            self._rotate()
        is_new = not self._path.is_file()
        descriptor = os.open(
            self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640
        )
        with os.fdopen(descriptor, "ab") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if is_new:
            sync_folder(self._path.parent)

    def _rotate(self) -> None:
        name = self._path.name
        for n in range(self._keep, 0, -1):
            older = self._path.with_name(f"{name}.{n}")
            newer = self._path if n == 1 else self._path.with_name(f"{name}.{n - 1}")
            if newer.is_file():
                newer.replace(older)


def _cut_torn_line(path: Path) -> int:
    """The size of the file's whole lines. A crash may have left part of one: its record was not
    counted and comes again."""
    with path.open("r+b") as file:
        start = file.seek(0, os.SEEK_END)
        while start > 0:
            step = min(_STEP, start)
            file.seek(start - step)
            found = file.read(step).rfind(b"\n")
            start -= step
            if found >= 0:
                start += found + 1
                break
        return file.truncate(start)


class CollectorSink:
    """Posts JSON Lines; any answer but 2xx is a refusal."""

    def __init__(self, target: CollectorTarget, folder: Path) -> None:
        self._target = target
        self._folder = folder

    def send(self, lines: Sequence[bytes]) -> None:
        """One POST."""
        headers = {}
        try:
            if self._target.token_file:
                token = (self._folder / self._target.token_file).read_text("ascii").strip()
                headers["Authorization"] = f"Bearer {token}"
            context = build_context(self._target, self._folder)
            body = b"".join(line + b"\n" for line in lines)
            status, _, _ = post(self._target.url, body, _NDJSON, headers=headers, context=context)
        except (OSError, ValueError) as error:
            raise NotTaken(f"its files cannot be used ({type(error).__name__})") from error
        except Unreachable as error:
            raise NotTaken(f"it does not answer ({error})") from error
        if status not in _TAKEN:
            raise NotTaken(f"it refused (status {status})")


class SyslogSink:
    """One TLS connection for each batch, because only its end confirms what was sent."""

    def __init__(self, target: ReceiverTarget, folder: Path) -> None:
        self._target = target
        self._folder = folder

    def send(self, lines: Sequence[bytes]) -> None:
        """Frames them."""
        target = self._target
        try:
            context = build_context(target, self._folder)
        except (OSError, ValueError) as error:
            raise NotTaken(f"its files cannot be used ({type(error).__name__})") from error
        send_batch(target.host, target.port, context, lines, target.confirm)


def build_context(target: Tls, folder: Path) -> ssl.SSLContext:
    """Whom we believe: the named authorities alone, else the system's. Raises OSError."""
    authorities = str(folder / target.ca_file) if target.ca_file else None
    context = ssl.create_default_context(cafile=authorities)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if target.certificate_file:
        key = str(folder / target.key_file) if target.key_file else None
        context.load_cert_chain(str(folder / target.certificate_file), key)
    return context
