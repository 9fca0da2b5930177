"""Cosignatures (c2sp.org/tlog-cosignature): a witness signs a head together with the time.

Also the log's own second line, by ML-DSA-44, on the heads that leave the house. Writing them;
reading them is `verify.Cosigner`, the one that auditors use. Who asks witnesses is `anchors.py`,
who gives their lines `witness.py`.
"""

import base64
import hashlib
from collections.abc import Iterable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from parvis.audit.notes import NoteInvalid
from parvis.audit.verify import (
    COSIGNERS,
    Cosigner,
    Malformed,
    Unsupported,
    cosigned_message,
    digest_key,
    split_note,
)
from parvis.keystore import derive_key

_KINDS = {length: kind for kind, length in COSIGNERS.items()}
_ID_BYTES = 4

MAX_NAME = 255  # bytes: what an ML-DSA-44 cosignature can name

CosignerKey = Ed25519PrivateKey | MLDSA44PrivateKey


def derive_cosigner(key: Ed25519PrivateKey) -> MLDSA44PrivateKey:
    """The ML-DSA-44 key of the same secret as a log's key: kept, changed and destroyed with it.

    Whoever breaks Ed25519 learns a number that SHA-512 makes of the secret (RFC 8032, 5.1.5) and
    not the secret: this key stands then.
    """
    return MLDSA44PrivateKey.from_seed_bytes(derive_key(key.private_bytes_raw(), "log-cosigner"))


def name_cosigner(origin: str, key: Ed25519PrivateKey) -> str:
    """The log's ML-DSA-44 verifier key; empty when the origin is too long for such a line."""
    if len(origin.encode()) > MAX_NAME:
        return ""
    return format_cosigner_vkey(origin, derive_cosigner(key).public_key().public_bytes_raw())


def describe_cosigner(vkey: str) -> dict[str, str]:
    """The field by which a record names it: a digest, the key itself being longer than a word."""
    digest = digest_key(vkey) if vkey else None
    return {"cosigner": digest} if digest else {}


def _key_id(name: str, public_key: bytes) -> bytes:
    raw = _KINDS[len(public_key)] + public_key
    return hashlib.sha256(name.encode() + b"\n" + raw).digest()[:_ID_BYTES]


def format_cosigner_vkey(name: str, public_key: bytes) -> str:
    """The verifier key of a witness as policies and people carry it (type 0x04 or 0x06)."""
    encoded = base64.b64encode(_KINDS[len(public_key)] + public_key).decode()
    return f"{name}+{_key_id(name, public_key).hex()}+{encoded}"


def sign_cosignature(text: str, name: str, key: CosignerKey, when: int) -> str:
    """The signature line, with its newline, over a checkpoint's text at `when` (s since 1970)."""
    public = key.public_key().public_bytes_raw()
    signature = key.sign(cosigned_message(_KINDS[len(public)], name, when, text))
    raw = _key_id(name, public) + when.to_bytes(8) + signature
    return f"\u2014 {name} {base64.b64encode(raw).decode()}\n"


def find_cosignature(note: str, answer: str, vkey: str) -> tuple[str, int] | None:
    """(line, time) of this witness in what it answered about a head; others are passed over.

    Raises NoteInvalid when the answer is malformed or its line of this key does not fit.
    """
    text, _, _ = note.rpartition("\n\n")
    witness = Cosigner(vkey)
    try:
        _, lines = split_note((text + "\n\n" + answer).encode())
        found = [
            (raw, witness.read_time(text + "\n", raw[_ID_BYTES:]))
            for name, raw in lines
            if (name, raw[:_ID_BYTES]) == (witness.name, witness.id)
        ]
    except (Malformed, Unsupported, UnicodeEncodeError) as error:
        raise NoteInvalid("the witness's answer is not a cosignature of this head") from error
    if not found:
        return None
    raw, when = max(found, key=lambda one: one[1])
    return f"\u2014 {witness.name} {base64.b64encode(raw).decode()}\n", when


def add_cosignatures(note: str, lines: Iterable[str]) -> str:
    """The note with these signature lines after its own, each once."""
    have = set(note.splitlines(keepends=True))
    return note + "".join(line for line in dict.fromkeys(lines) if line not in have)
