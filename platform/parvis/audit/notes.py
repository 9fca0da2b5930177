"""C2SP signed notes, checkpoints, verifier keys and tlog-proofs (c2sp.org), with Ed25519 (0x01).

Key names are log origins: `<installation>/audit/<32 random hex digits>`, stored, never derived from
an address. Not here: where keys are kept (`log_keys.py`) and the stand-alone checker (`verify.py`).
"""

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_ED25519 = b"\x01"
_DASH = "\u2014 "
_MAX_NOTE_BYTES = 1 << 20
_KEY_ID_BYTES = 4


class NoteInvalid(ValueError):
    """A note that is malformed or not signed by the key it should be."""


def key_id(name: str, public_key: bytes) -> bytes:
    """The four bytes by which a signature line names its key."""
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public_key).digest()[:_KEY_ID_BYTES]


def format_vkey(name: str, public_key: bytes) -> str:
    """The verifier key as people exchange it: name, key id, type and key."""
    encoded = base64.b64encode(_ED25519 + public_key).decode()
    return f"{name}+{key_id(name, public_key).hex()}+{encoded}"


def format_fingerprint(vkey: str) -> str:
    """Eight groups of four hex digits (128 bits) to compare over the telephone or on paper."""
    digest = hashlib.sha256(vkey.encode()).hexdigest()[:32]
    return " ".join(digest[at : at + 4] for at in range(0, len(digest), 4))


def sign_note(text: str, name: str, key: Ed25519PrivateKey) -> str:
    """`text` (ending in a newline) with the signature line of `key`."""
    public = key.public_key().public_bytes_raw()
    signature = base64.b64encode(key_id(name, public) + key.sign(text.encode())).decode()
    return f"{text}\n{_DASH}{name} {signature}\n"


def open_note(
    note: str, name: str, public_key: bytes, most: int = _MAX_NOTE_BYTES
) -> tuple[str, bytes]:
    """Text and raw signature of a note signed by this key, at most so many bytes long; raises
    NoteInvalid."""
    if len(note) > most:
        raise NoteInvalid("the note is too long")
    text, blank, lines = note.rpartition("\n\n")
    if not blank or not lines.endswith("\n"):
        raise NoteInvalid("not a signed note")
    text += "\n"
    wanted = key_id(name, public_key)
    for line in lines[:-1].split("\n"):
        found_name, raw = _parse_signature(line)
        if (found_name, raw[:_KEY_ID_BYTES]) != (name, wanted):
            continue
        signature = raw[_KEY_ID_BYTES:]
        try:
            Ed25519PublicKey.from_public_bytes(public_key).verify(signature, text.encode())
        except InvalidSignature:
            raise NoteInvalid("the signature does not fit") from None
        return text, signature
    raise NoteInvalid("not signed by the log's key")


def read_signature(note: str) -> bytes:
    """The raw signature of a note that was just made or checked; nothing is verified."""
    return base64.b64decode(note.rstrip("\n").rpartition(" ")[2])[_KEY_ID_BYTES:]


def _parse_signature(line: str) -> tuple[str, bytes]:
    parts = line.removeprefix(_DASH).split(" ")
    if not line.startswith(_DASH) or len(parts) != 2:  # noqa: PLR2004 - name and signature
        raise NoteInvalid("not a signature line")
    return parts[0], decode_base64(parts[1])


def decode_base64(text: str) -> bytes:
    """The bytes of canonical base64; raises NoteInvalid (also for stray bits at the end)."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NoteInvalid("not base64") from None
    if base64.b64encode(raw).decode() != text:
        raise NoteInvalid("not canonical base64")
    return raw


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head: which log, how many records, which root."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The three lines that are signed (c2sp.org/tlog-checkpoint, no extension lines)."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def parse_checkpoint(text: str) -> Checkpoint:
    """The tree head that a note's text writes; raises NoteInvalid for any other form."""
    lines = text.split("\n")
    if len(lines) != 4 or not lines[1].isdecimal():  # noqa: PLR2004 - three lines and the end
        raise NoteInvalid("not a checkpoint")
    found = Checkpoint(lines[0], int(lines[1]), decode_base64(lines[2]))
    if found.text != text:
        raise NoteInvalid("not a checkpoint")
    return found


def format_proof(index: int, path: Sequence[bytes], note: str, extra: bytes | None = None) -> str:
    """A `.tlog-proof` file (c2sp.org/tlog-proof@v1); `extra` may carry the record itself."""
    lines = ["c2sp.org/tlog-proof@v1"]
    if extra is not None:
        lines.append("extra " + base64.b64encode(extra).decode())
    lines.append(f"index {index}")
    lines += [base64.b64encode(step).decode() for step in path]
    return "\n".join(lines) + "\n\n" + note
