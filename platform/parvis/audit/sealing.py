"""Values beside the log: salted commitments in the record, ciphertext under a destroyable key.

commitment = SHA-256(domain, 32-byte salt, value); the box is AES-256-GCM over salt and value under
a key of this record and field, bound to log, record and name, so that boxes cannot change places.
Also the pseudonym of an actor, which changes every month and dies with the person's key.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import NamedTuple

from parvis.audit.events import MAX_SEALED_BYTES
from parvis.keystore import DataKey, SealBroken, derive_key, draw_random, seal, unseal

DOMAIN = b"parvis/audit/seal/v1\x00"
_SALT_BYTES = 32
_PSEUDONYM_BYTES = 16
_REMEMBERED = 10_000

# by id of the person's key and month; neither key nor person: nothing that an erasure must reach
_pseudonyms: dict[tuple[str, str], str] = {}


class SealedValue(NamedTuple):
    """One value: what the record says of it, and the box kept beside the log."""

    name: str
    key_id: str
    commitment: str
    length: int
    box: bytes

    @property
    def entry(self) -> dict[str, str | int]:
        """The record's entry: commitment, key id, length of the value in bytes."""
        return {"c": self.commitment, "k": self.key_id, "n": self.length}


def commit_to(salt: bytes, value: bytes) -> str:
    """The commitment that a record carries, in hex."""
    return hashlib.sha256(DOMAIN + salt + value).hexdigest()


def seal_value(key: DataKey, log_id: str, record_id: str, name: str, value: bytes) -> SealedValue:
    """`value` sealed for one field of one record; raises ValueError when it is too large."""
    if len(value) > MAX_SEALED_BYTES:
        raise ValueError("audit: a sealed value is too large")
    salt = draw_random(_SALT_BYTES)
    box = seal(_field_key(key, record_id, name), salt + value, _context(log_id, record_id, name))
    return SealedValue(name, key.id, commit_to(salt, value), len(value), box)


def open_value(
    key: DataKey, log_id: str, record_id: str, name: str, box: bytes, entry: Mapping[str, object]
) -> bytes:
    """The value of a box, checked against its record's entry; raises SealBroken."""
    if entry.get("k") != key.id:
        raise SealBroken("the record names another key")
    opened = unseal(_field_key(key, record_id, name), box, _context(log_id, record_id, name))
    salt, value = opened[:_SALT_BYTES], opened[_SALT_BYTES:]
    if commit_to(salt, value) != entry.get("c") or len(value) != entry.get("n"):
        raise SealBroken("the value is not the one the record commits to")
    return value


def pseudonym(subject_key: DataKey, month: str) -> str:
    """32 hex digits that stand for a person during one month (`2026-11`)."""
    place = subject_key.id, month
    found = _pseudonyms.get(place)
    if found is None:
        key = derive_key(subject_key.key, "audit-pseudonym")
        found = hmac.digest(key, month.encode(), "sha256")[:_PSEUDONYM_BYTES].hex()
        if len(_pseudonyms) >= _REMEMBERED:
            _pseudonyms.clear()
        _pseudonyms[place] = found
    return found


def _field_key(key: DataKey, record_id: str, name: str) -> bytes:
    return derive_key(key.key, "audit-record", record_id, name)


def _context(log_id: str, record_id: str, name: str) -> str:
    return f"audit\n{log_id}\n{record_id}\n{name}"
