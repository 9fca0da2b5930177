"""Time stamps (RFC 3161): what is asked of an authority, and what its answer must be.

A token is asked over the exact bytes of a head as the log signed it, and kept as it came. Whether
it holds is decided by the auditors' own check (`verify.check_token`). Carrying it over HTTP is
`anchors_http.py`.
"""

import hashlib
import secrets

from parvis.audit.verify import Malformed, Token, Unsupported, check_token, open_der, read_der

_GRANTED = (0, 1)  # granted, granted with modifications (RFC 3161, 2.4.2)
_SHA256 = bytes.fromhex("0609608648016503040201" + "0500")
_INTEGER, _BOOLEAN, _OCTETS, _SEQUENCE = 2, 1, 4, 0x30
_FIRST_OPTIONAL = 5  # version, policy, imprint, serial and time come before the nonce


class StampRefused(Exception):
    """The authority's answer is not a time stamp of what was asked; the words say why."""


def build_stamp_request(note: bytes) -> tuple[bytes, int]:
    """The DER request for a time stamp over `note` (SHA-256), and its nonce."""
    nonce = secrets.randbits(63) | 1 << 62
    imprint = _der(_SEQUENCE, _SHA256) + _der(_OCTETS, hashlib.sha256(note).digest())
    body = (
        _der(_INTEGER, b"\x01")
        + _der(_SEQUENCE, imprint)
        + _der(_INTEGER, nonce.to_bytes(8))
        + _der(_BOOLEAN, b"\xff")  # with the signer's certificate
    )
    return _der(_SEQUENCE, body), nonce


def _der(tag: int, content: bytes) -> bytes:
    return bytes([tag, len(content)]) + content  # nothing here is longer than 127 bytes


def read_stamp(
    answer: bytes, note: bytes, nonce: int, roots: dict[str, bytes]
) -> tuple[bytes, int, str]:
    """(token, time, authority) of the answer; the authority is empty when none of `roots` is.

    Time in seconds since 1970. Raises StampRefused.
    """
    try:
        parts = read_der(open_der(answer, _SEQUENCE))
        status = int.from_bytes(open_der(parts[0][1], _INTEGER))
        if status not in _GRANTED or len(parts) < 2:  # noqa: PLR2004 - status and token
            raise StampRefused(f"the authority refused (status {status})")
        token = parts[1][2]
        if _find_nonce(token) != nonce:
            raise StampRefused("the time stamp is the answer to another request")
        when, name = check_token(token, note, roots)
    except (Malformed, Unsupported) as error:
        raise StampRefused(str(error)) from error
    except IndexError as error:
        raise StampRefused("not an answer of a time-stamp authority") from error
    return token, when, name or ""


def _find_nonce(token: bytes) -> int | None:
    optional = read_der(open_der(Token(token).info, _SEQUENCE))[_FIRST_OPTIONAL:]
    return next((int.from_bytes(inner) for tag, inner, _ in optional if tag == _INTEGER), None)
