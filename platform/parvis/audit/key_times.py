"""Which key of a log signs for which size: the writer's side of "Keys over time".

Key i signs the sizes from its begin to the begin of the next, both included: the head of a change
of keys carries two signatures. Not here: the private keys (`log_keys.py`), who changes them
(`turns.py`), and how an auditor judges it (`verify.py`).
"""

from collections.abc import Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from parvis.audit.notes import (
    Checkpoint,
    NoteInvalid,
    format_vkey,
    open_note,
    parse_checkpoint,
    sign_note,
)
from parvis.audit.rows import KeyRow


def list_valid(keys: Sequence[KeyRow], size: int) -> list[bytes]:
    """The public keys that sign for this size, oldest first: one, or two at a change."""
    ends = [key.begin for key in keys[1:]]
    return [
        key.public_key
        for at, key in enumerate(keys)
        if key.begin <= size and (at == len(ends) or size <= ends[at])
    ]


def format_vkey_at(origin: str, keys: Sequence[KeyRow], size: int) -> str:
    """The verifier key to check a head of this size with."""
    return format_vkey(origin, list_valid(keys, size)[-1])


def open_head(note: str, origin: str, keys: Sequence[KeyRow]) -> Checkpoint:
    """The tree head of a note that every key of its size signed; raises NoteInvalid."""
    text, blank, _ = note.rpartition("\n\n")
    head = parse_checkpoint(text + "\n") if blank else None
    if head is None or head.origin != origin:
        raise NoteInvalid("not a head of this log")
    for public_key in list_valid(keys, head.size):
        open_note(note, origin, public_key)
    return head


def sign_turn(
    head: Checkpoint, old: Ed25519PrivateKey, new: Ed25519PrivateKey, lines: str = ""
) -> str:
    """The checkpoint at a change of keys, signed by both, the new key's line last.

    `lines` are those of the ML-DSA-44 keys that go with them.
    """
    by_new = sign_note(head.text, head.origin, new)
    return sign_note(head.text, head.origin, old) + lines + by_new.rpartition("\n\n")[2]
