"""Keys that can be destroyed: one for each conversation, person or session of an agency.

Every kept text is encrypted under such a key, so that destroying the key erases the text, in every
copy and backup. Wrapped keys lie in a small SQLite file of their own (its backups MUST live at most
30 days: a key in an older backup would undo the erasure). The root key never encrypts text itself.
"""

import hashlib
import hmac
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12
_SCHEMA = """
CREATE TABLE IF NOT EXISTS data_key (
    id TEXT PRIMARY KEY,
    tenant_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    ref TEXT NOT NULL,
    wrapped BLOB NOT NULL,
    created_at INTEGER NOT NULL DEFAULT (unixepoch()),
    UNIQUE (tenant_id, kind, ref)
)
"""


class SealBroken(Exception):
    """A sealed value was altered, moved, or its key is another one."""


@dataclass(frozen=True, slots=True)
class DataKey:
    """A key of 32 bytes and the random id by which records name it."""

    id: str
    key: bytes


def derive_key(root: bytes, *context: str) -> bytes:
    """32 bytes that belong to this root and context only (HMAC-SHA-256 as in RFC 5869 expand)."""
    info = b"parvis/v1" + b"".join(len(word).to_bytes(4, "big") + word for word in _utf8(context))
    return hmac.new(root, info, hashlib.sha256).digest()


def seal(key: bytes, plaintext: bytes, context: str) -> bytes:
    """AES-256-GCM with a random nonce before the ciphertext; `context` is bound to it."""
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, context.encode())


def unseal(key: bytes, sealed: bytes, context: str) -> bytes:
    """What was sealed under this key and context; raises SealBroken."""
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], context.encode())
    except (InvalidTag, ValueError) as error:
        raise SealBroken("sealed value cannot be opened") from error


class KeyStore:
    """Data keys of all agencies in `path`, wrapped under a key of each agency.

    Safe for threads and processes. MUST be opened after a fork.
    """

    def __init__(self, path: Path, root: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._root = root
        self._lock = threading.Lock()
        self._db = apsw.Connection(str(path))
        path.chmod(0o600)
        self._db.set_busy_timeout(5000)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.execute(_SCHEMA)

    def get_key(self, tenant_id: str, kind: str, ref: str) -> DataKey:
        """The key of this conversation, person or session; made and stored on first use."""
        found = self.find_key(tenant_id, kind, ref)
        if found is not None:
            return found
        key_id, key = os.urandom(16).hex(), os.urandom(32)
        wrapped = seal(derive_key(self._root, "kek", tenant_id), key, key_id)
        with self._lock:
            self._db.execute(
                "INSERT INTO data_key (id, tenant_id, kind, ref, wrapped) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT DO NOTHING",
                (key_id, tenant_id, kind, ref, wrapped),
            )
        stored = self.find_key(tenant_id, kind, ref)
        if stored is None:  # destroyed in the same moment: nothing may be kept under it
            raise SealBroken("the key was destroyed")
        return stored

    def find_key(self, tenant_id: str, kind: str, ref: str) -> DataKey | None:
        """The key, or None when there is none (never made, or destroyed)."""
        with self._lock:
            rows = self._db.execute(
                "SELECT id, wrapped FROM data_key WHERE tenant_id = ? AND kind = ? AND ref = ?",
                (tenant_id, kind, ref),
            ).fetchall()
        return self._unwrap(tenant_id, rows) if rows else None

    def find_key_by_id(self, tenant_id: str, key_id: str) -> DataKey | None:
        """The key that a sealed value names, or None when it was destroyed."""
        with self._lock:
            rows = self._db.execute(
                "SELECT id, wrapped FROM data_key WHERE tenant_id = ? AND id = ?",
                (tenant_id, key_id),
            ).fetchall()
        return self._unwrap(tenant_id, rows) if rows else None

    def destroy_key(self, tenant_id: str, kind: str, ref: str) -> bool:
        """Erase everything sealed under this key, for good; True when there was one."""
        with self._lock:
            self._db.execute(
                "DELETE FROM data_key WHERE tenant_id = ? AND kind = ? AND ref = ?",
                (tenant_id, kind, ref),
            )
            gone = self._db.changes() > 0
            # the log file would keep the deleted page until the next checkpoint
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return gone

    def close(self) -> None:
        """Release the file."""
        self._db.close()

    def _unwrap(self, tenant_id: str, rows: list[Any]) -> DataKey:
        key_id, wrapped = rows[0]
        kek = derive_key(self._root, "kek", tenant_id)
        return DataKey(key_id, unseal(kek, wrapped, key_id))


def _utf8(words: tuple[str, ...]) -> list[bytes]:
    return [word.encode() for word in words]
