"""A record as a syslog message (RFC 5424), and batches of them over TLS (RFC 5425).

Fields stand in structured data under the administration's enterprise number; the same fields pass
as in `ocsf.py`, none that is sealed.
"""

import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from parvis import __version__
from parvis.audit.feed_mapping import MAPPING
from parvis.audit.ocsf import find_severity, pick_fields

_LEVELS = {"informational": 6, "low": 5, "medium": 4, "high": 3, "critical": 2}
_MAX_BYTES = 8192  # RFC 5425 4.3.1: what every receiver should take
_TIMEOUT_S = 10.0
_BATCH_S = 60.0
_STEP = 16384
_ESCAPES = str.maketrans({'"': '\\"', "\\": "\\\\", "]": "\\]"})


class NotTaken(Exception):
    """The receiver has not confirmed a batch; the words say why and carry no content."""


def format_message(
    record: Mapping[str, Any], tenant_id: str, *, enterprise: int, facility: int
) -> bytes:
    """The message of one record, at most 8,192 bytes: its longest fields go first, and `cut` names
    them. Raises Unmapped."""
    fields = {"tenant": tenant_id, "mapping": str(MAPPING)}
    fields |= {name: _write(value) for name, value in pick_fields(record).items()}
    emit = record.get("emit", {})
    priority = facility * 8 + _LEVELS[find_severity(record)]
    header = f"<{priority}>1 {record['time']} {emit.get('node', '-')} parvis "
    header += f"{emit.get('worker', '-')[:128]} {record['kind'][:32]}"
    origin = f'[origin enterpriseId="{enterprise}" software="parvis" swVersion="{__version__}"]'
    ending = f"{record['kind']} {record.get('outcome', record['phase'])}"
    while True:
        data = " ".join(f'{name}="{value}"' for name, value in fields.items())
        message = f"{header} {origin}[parvis@{enterprise} {data}] {ending}".encode()
        if len(message) <= _MAX_BYTES:
            return message
        longest = max((n for n in fields if n != "cut"), key=lambda name: len(fields[name]))
        del fields[longest]
        fields["cut"] = ",".join(filter(None, (fields.get("cut"), longest)))


def _write(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return ",".join(f"{key}={inner}" for key, inner in sorted(value.items()))
    text = ",".join(value) if isinstance(value, list) else str(value)
    return text.translate(_ESCAPES)


def frame(messages: Sequence[bytes]) -> bytes:
    """Messages with their lengths before them (octet counting, RFC 5425 4.3)."""
    return b"".join(b"%d %b" % (len(message), message) for message in messages)


def send_batch(
    host: str,
    port: int,
    context: ssl.SSLContext,
    messages: Sequence[bytes],
    confirm: Literal["notify", "end"],
) -> None:
    """Deliver a batch on a connection of its own; returns once its end is confirmed.

    Raises NotTaken.
    """
    try:
        with socket.create_connection((host, port), timeout=_TIMEOUT_S) as plain:
            talk = _Talk(plain, context, host)
            talk.send(frame(messages))
            talk.end(confirm)
    except ssl.SSLCertVerificationError as error:
        raise NotTaken(f"its certificate is not believed ({error.verify_message})") from error
    except OSError as error:
        raise NotTaken(f"it does not take what is sent ({type(error).__name__})") from error


class _Talk:
    """TLS on a socket, with what arrives kept apart from what is said.

    `SSLSocket.unwrap` takes any fatal alert for the answer to our close_notify (OpenSSL notes both
    as a shutdown), and would count lines that were refused. Here the answer is read as data is, so
    that only a close_notify is one.
    """

    def __init__(self, plain: socket.socket, context: ssl.SSLContext, host: str) -> None:
        self._plain = plain
        self._deadline = time.monotonic() + _BATCH_S
        self._arrived, self._leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._arrived, self._leaving, server_hostname=host)
        while not self._try(self._tls.do_handshake):
            self._pull()
        # tickets, or a refusal, that came with the last of the handshake
        self._try(lambda: self._tls.read(1))

    def send(self, data: bytes) -> None:
        """Hand all of it to the network."""
        for at in range(0, len(data), _STEP):
            self._tls.write(data[at : at + _STEP])
            self._push()

    def end(self, confirm: Literal["notify", "end"]) -> None:
        """TLS keeps order: who answers our close_notify has read every line before it."""
        self._try(self._tls.unwrap)
        try:
            while True:
                if not self._try(lambda: self._tls.read(_STEP)):
                    self._pull()
        except ssl.SSLZeroReturnError:
            return
        except ssl.SSLEOFError as error:
            if confirm == "notify":
                raise NotTaken("it ended without close_notify (see `confirm`)") from error

    def _try(self, step: Callable[[], object]) -> bool:
        """False when the step needs more of what the other side says."""
        try:
            step()
        except ssl.SSLWantReadError:
            return False
        finally:
            self._push()
        return True

    def _push(self) -> None:
        if self._leaving.pending:
            self._limit()
            self._plain.sendall(self._leaving.read())

    def _pull(self) -> None:
        self._limit()
        data = self._plain.recv(_STEP)
        if data:
            self._arrived.write(data)
        else:
            self._arrived.write_eof()

    def _limit(self) -> None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._plain.settimeout(min(left, _TIMEOUT_S))
