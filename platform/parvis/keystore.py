"""Keys that can be destroyed: one for each conversation, person or session of an agency.

Every kept text is encrypted under such a key, so that destroying the key erases the text, in every
copy and backup. Wrapped keys lie in a small SQLite file of their own (its backups MUST live at most
30 days: a key in an older backup would undo the erasure). The root key never encrypts text itself.
Texts beside the audit log have keys of one day (`audit-*`, reference `2026-11-22/REF`), so that
time erases them too, whatever else the person or the conversation still keeps.
"""

import hashlib
import os
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import apsw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from parvis.errors import Unavailable

AUDIT_SUBJECT = "audit-subject"
AUDIT_CONVERSATION = "audit-conversation"
AUDIT_REQUEST = "audit-request"
AUDIT_KINDS = (AUDIT_SUBJECT, AUDIT_CONVERSATION, AUDIT_REQUEST)

_NONCE = 12
_SPARE_KEYS = 64
_DAY = len("2026-11-22")
_REMEMBERED = 10_000
_DRAWN = 4096
_BLOCK = 64  # of SHA-256, in bytes
_INNER, _OUTER = bytes(at ^ 0x36 for at in range(256)), bytes(at ^ 0x5C for at in range(256))
_SCHEMA = """
CREATE TABLE IF NOT EXISTS data_key (
    id TEXT PRIMARY KEY,
    tenant_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    ref TEXT NOT NULL,
    wrapped BLOB NOT NULL,
    created_at INTEGER NOT NULL DEFAULT (unixepoch()),
    UNIQUE (tenant_id, kind, ref)
);
CREATE TABLE IF NOT EXISTS erased (no INTEGER PRIMARY KEY, times INTEGER NOT NULL);
CREATE TRIGGER IF NOT EXISTS count_erased AFTER DELETE ON data_key BEGIN
    INSERT INTO erased VALUES (1, 1) ON CONFLICT (no) DO UPDATE SET times = times + 1;
END
"""


class SealBroken(Exception):
    """A sealed value was altered, moved, or its key is another one."""


class KeysUnavailable(Unavailable):
    """The store of keys cannot be read or written now: what needs a key MUST NOT be done."""

    words = "The keys of this installation cannot be reached just now, so nothing was done."


@dataclass(frozen=True, slots=True)
class DataKey:
    """A key of 32 bytes and the random id by which records name it."""

    id: str
    key: bytes


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """What is known of a key without opening it. `ref` of an `audit-*` key begins with its day."""

    id: str
    kind: str
    ref: str
    created_at: datetime

    @property
    def day(self) -> str:
        """The UTC day that an `audit-*` key served (`2026-11-22`)."""
        return self.ref[:_DAY]

    @property
    def owner(self) -> str:
        """The person, conversation or request that an `audit-*` key served."""
        return self.ref[_DAY + 1 :]


class _Drawn(threading.local):
    """Random bytes of one thread that were drawn from the system and not used yet."""

    data = bytearray()
    at = _DRAWN


_drawn = _Drawn()


def _forget_drawn() -> None:
    _drawn.data, _drawn.at = bytearray(), _DRAWN


os.register_at_fork(after_in_child=_forget_drawn)


def draw_random(count: int) -> bytes:
    """`count` bytes of the system's random source, at most 256; never the same twice.

    Drawn in advance, for each thread and process alone: every draw lets another thread run, which
    costs more than sealing a value. What was used is overwritten.
    """
    drawn = _drawn
    if drawn.at + count > _DRAWN:
        drawn.data, drawn.at = bytearray(os.urandom(_DRAWN)), 0
    start, drawn.at = drawn.at, drawn.at + count
    taken = bytes(drawn.data[start : drawn.at])
    drawn.data[start : drawn.at] = bytes(count)
    return taken


class _Turn:
    """One thread at a time at the file; its faults leave as KeysUnavailable."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self._lock.release()
        if isinstance(error, apsw.Error):
            raise KeysUnavailable from error


def day_ref(day: str, ref: str) -> str:
    """The reference of an `audit-*` key of one UTC day (`2026-11-22/REF`)."""
    return f"{day}/{ref}"


def derive_key(root: bytes, *context: str) -> bytes:
    """32 bytes that belong to this root and context only (HMAC-SHA-256 as in RFC 5869 expand).

    Raises ValueError for a root of more than 64 bytes.
    """
    info = b"parvis/v1"
    for word in context:
        raw = word.encode()
        info += len(raw).to_bytes(4, "big") + raw
    # RFC 2104 by hand: `hmac.digest` lets other threads run and costs four times as much
    if len(root) > _BLOCK:
        raise ValueError("the root of a key is longer than 64 bytes")
    block = root.ljust(_BLOCK, b"\0")
    inner = hashlib.sha256(block.translate(_INNER) + info).digest()
    return hashlib.sha256(block.translate(_OUTER) + inner).digest()


def seal(key: bytes, plaintext: bytes, context: str) -> bytes:
    """AES-256-GCM with a random nonce before the ciphertext; `context` is bound to it."""
    nonce = draw_random(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, context.encode())


def unseal(key: bytes, sealed: bytes, context: str) -> bytes:
    """What was sealed under this key and context; raises SealBroken."""
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], context.encode())
    except (InvalidTag, ValueError) as error:
        raise SealBroken("sealed value cannot be opened") from error


class KeyStore:
    """Data keys of all agencies in `path`, wrapped under a key of each agency.

    Safe for threads and processes. MUST be opened after a fork. Everything here may raise
    KeysUnavailable.
    """

    def __init__(self, path: Path, root: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._root = root
        self._lock = _Turn()
        self._spare: dict[tuple[str, str], list[DataKey]] = {}
        self._opened: dict[tuple[str, str, str], DataKey] = {}
        self._times_erased = 0
        try:
            self._db = _open_file(path)
        except apsw.Error as error:
            words = f"{path} cannot be opened as the store of keys ({type(error).__name__})."
            raise KeysUnavailable(words) from error

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

    def get_keys(self, tenant_id: str, wanted: Sequence[tuple[str, str]]) -> list[DataKey]:
        """`get_key` for each (kind, ref), cheaply: opened keys are remembered.

        The file counts erasures, and the count is read before each use: after any process
        destroyed any key, none that was opened before is used again.
        """
        with self._lock:
            times = self._forget_erased()
            found = [self._opened.get((tenant_id, *one)) for one in wanted]
        return [
            self._open_key(tenant_id, *one, times) if key is None else key
            for one, key in zip(wanted, found, strict=True)
        ]

    def _forget_erased(self) -> int:
        rows: list[Any] = self._db.execute("SELECT times FROM erased").fetchall()
        times: int = rows[0][0] if rows else 0
        if times != self._times_erased or len(self._opened) >= _REMEMBERED:
            self._opened.clear()
            self._times_erased = times
        return times

    def _open_key(self, tenant_id: str, kind: str, ref: str, times: int) -> DataKey:
        key = self.get_key(tenant_id, kind, ref)
        with self._lock:
            if times == self._times_erased:  # else another thread saw that keys were destroyed
                self._opened[tenant_id, kind, ref] = key
        return key

    def take_request_key(self, tenant_id: str, day: str) -> DataKey:
        """A key that seals one request and nothing else. Made in batches: one sync for many."""
        with self._lock:
            spare = self._spare.get((tenant_id, day))
            if not spare:
                # those of another day are never used: retention takes them away
                self._spare = {
                    place: keys for place, keys in self._spare.items() if place[1] == day
                }
                spare = self._spare[tenant_id, day] = self._make_spare(tenant_id, day)
            return spare.pop()

    def _make_spare(self, tenant_id: str, day: str) -> list[DataKey]:
        made = [DataKey(os.urandom(16).hex(), os.urandom(32)) for _ in range(_SPARE_KEYS)]
        kek = derive_key(self._root, "kek", tenant_id)
        with self._db:
            self._db.executemany(
                "INSERT INTO data_key (id, tenant_id, kind, ref, wrapped) VALUES (?, ?, ?, ?, ?)",
                [
                    (
                        key.id,
                        tenant_id,
                        AUDIT_REQUEST,
                        day_ref(day, key.id),
                        seal(kek, key.key, key.id),
                    )
                    for key in made
                ],
            )
        return made

    def list_keys(self, tenant_id: str, kinds: Sequence[str], owner: str = "") -> list[KeyFacts]:
        """The agency's keys of these kinds, oldest first; `owner` is a person or conversation."""
        marks = ",".join("?" * len(kinds))
        sql = (
            "SELECT id, kind, ref, created_at FROM data_key"  # noqa: S608 - marks only
            f" WHERE tenant_id = ? AND kind IN ({marks})"
        )
        values: list[Any] = [tenant_id, *kinds]
        if owner:
            sql += " AND (ref = ? OR (kind LIKE 'audit-%' AND substr(ref, ?) = ?))"
            values += [owner, _DAY + 2, owner]
        with self._lock:
            rows: list[Any] = self._db.execute(sql + " ORDER BY created_at, id", values).fetchall()
        return [
            KeyFacts(key_id, kind, ref, datetime.fromtimestamp(made, UTC))
            for key_id, kind, ref, made in rows
        ]

    def list_ids(self, tenant_id: str) -> frozenset[str]:
        """Ids of every key of the agency: what is sealed under another can never be opened."""
        with self._lock:
            rows = self._db.execute("SELECT id FROM data_key WHERE tenant_id = ?", (tenant_id,))
            return frozenset(row[0] for row in rows)

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
        self._truncate_log()
        return gone

    def destroy_keys(self, tenant_id: str, key_ids: Iterable[str]) -> int:
        """Erase everything sealed under these keys, for good; how many there were."""
        gone = 0
        with self._lock:
            with self._db:
                for key_id in key_ids:
                    self._db.execute(
                        "DELETE FROM data_key WHERE tenant_id = ? AND id = ?", (tenant_id, key_id)
                    )
                    gone += self._db.changes()
        self._truncate_log()
        return gone

    def _truncate_log(self) -> None:
        # the log file would keep the deleted pages until the next checkpoint
        with self._lock:
            busy = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()[0][0]
        if busy:
            raise KeysUnavailable

    def write_backup(self, path: Path) -> None:
        """A copy of the store at `path`, whole at one moment; raises FileExistsError, OSError.

        The keys in it stay wrapped under the root key, which is not in it.
        """
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        os.close(descriptor)
        copy = apsw.Connection(str(path))
        try:
            with self._lock, copy.backup("main", self._db, "main") as backup:
                backup.step()
            # one file, no log beside it: the copy travels alone
            copy.execute("PRAGMA journal_mode=DELETE").fetchall()
        finally:
            copy.close()

    def close(self) -> None:
        """Release the file."""
        self._db.close()

    def _unwrap(self, tenant_id: str, rows: list[Any]) -> DataKey:
        key_id, wrapped = rows[0]
        kek = derive_key(self._root, "kek", tenant_id)
        return DataKey(key_id, unseal(kek, wrapped, key_id))


def _open_file(path: Path) -> apsw.Connection:
    database = apsw.Connection(str(path))
    path.chmod(0o600)
    database.set_busy_timeout(5000)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
        database.execute(f"PRAGMA {pragma}")
    database.execute(_SCHEMA)
    return database
