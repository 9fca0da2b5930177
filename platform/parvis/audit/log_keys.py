"""The signing keys of the logs: made at birth and at each change, wrapped under the root key, each
in a file of its own that is overwritten and removed when its time is over.

Also the signed-head file: the newest checkpoint of every log, kept apart from the database, so that
an older database put back in its place cannot pass for the log.
"""

import json
import os
from collections.abc import Collection, Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from parvis.audit.cosignatures import derive_cosigner
from parvis.audit.files import (
    LockFile,
    make_private_folder,
    overwrite_and_remove,
    write_durably,
)
from parvis.audit.notes import parse_checkpoint
from parvis.audit.store import StoreUnsafe
from parvis.keystore import SealBroken, derive_key, seal, unseal

HEADS_NAME = "heads.json"
_RETIRED = ".retired"


class LogKeys:
    """Secrets of the logs, one file each, mode 0600: Ed25519, and ML-DSA-44 derived from it."""

    def __init__(self, folder: Path, root_key: bytes) -> None:
        make_private_folder(folder)
        self._folder = folder
        self._root = root_key
        self._keys: dict[str, Ed25519PrivateKey] = {}
        self._cosigners: dict[str, tuple[bytes, MLDSA44PrivateKey]] = {}

    def create_key(self, log_id: str) -> Ed25519PrivateKey:
        """A new key of a log, on disk before this returns; it signs nothing before `get_key`."""
        key = Ed25519PrivateKey.generate()
        wrapped = seal(self._wrapping_key(log_id), key.private_bytes_raw(), log_id)
        path = self._path(log_id)
        if path.exists():  # a change of keys: both are there until the new one is in the log
            path = self._folder / f"{log_id}.{os.urandom(8).hex()}.key"
        write_durably(path, wrapped.hex().encode() + b"\n")
        return key

    def get_key(self, log_id: str, public_key: bytes) -> Ed25519PrivateKey:
        """The log's key; raises SealBroken when it is missing, altered or another one."""
        key = self._keys.get(log_id)
        if key is None or key.public_key().public_bytes_raw() != public_key:
            key = self._keys[log_id] = self._find(log_id, public_key)
        return key

    def get_cosigner(self, log_id: str, public_key: bytes) -> MLDSA44PrivateKey:
        """The ML-DSA-44 key that goes with this key; raises SealBroken like `get_key`."""
        known = self._cosigners.get(log_id)
        if known is None or known[0] != public_key:
            known = public_key, derive_cosigner(self.get_key(log_id, public_key))
            self._cosigners[log_id] = known
        return known[1]

    def retire_others(
        self, log_id: str, public_key: bytes, signed: Collection[bytes] = ()
    ) -> list[bytes]:
        """Destroy every other key of this log; gives the public halves of those to be recorded.

        These are the ones of `signed` that were readable, also by a life that ended before
        `forget_retired`. Overwritten, synced, removed. What a disk keeps of overwritten blocks, and
        every backup, is still wrapped under the root key. Raises SealBroken without this one.
        """
        own = self._find(log_id, public_key)
        for path in self._list_files(log_id):
            found = self._read(log_id, path)
            public = found.public_key().public_bytes_raw() if found else b""
            if public != public_key:
                if public in signed:  # before it goes: a death in between leaves this behind
                    write_durably(self._folder / _mark(log_id, public), b"")
                overwrite_and_remove(path)
        self._keys[log_id] = own
        marks = sorted(self._folder.glob(f"{log_id}.*{_RETIRED}"))
        return [bytes.fromhex(mark.name.split(".")[1]) for mark in marks]

    def forget_retired(self, log_id: str, public_key: bytes) -> None:
        """The end of this key is on record."""
        (self._folder / _mark(log_id, public_key)).unlink(missing_ok=True)

    def _find(self, log_id: str, public_key: bytes) -> Ed25519PrivateKey:
        found = [self._read(log_id, path) for path in self._list_files(log_id)]
        for key in found:
            if key is not None and key.public_key().public_bytes_raw() == public_key:
                return key
        if any(found):
            raise SealBroken("the signing key belongs to another log")
        raise SealBroken("the signing key of a log is missing or unreadable")

    def _path(self, log_id: str) -> Path:
        return self._folder / f"{log_id}.key"

    def _list_files(self, log_id: str) -> list[Path]:
        return sorted(self._folder.glob(f"{log_id}*.key"))

    def _read(self, log_id: str, path: Path) -> Ed25519PrivateKey | None:
        """The key in a file; None when it is none: what is overwritten is no key any more."""
        try:
            wrapped = bytes.fromhex(path.read_text(encoding="ascii").strip())
            raw = unseal(self._wrapping_key(log_id), wrapped, log_id)
        except (OSError, ValueError, SealBroken):
            return None
        return Ed25519PrivateKey.from_private_bytes(raw)

    def _wrapping_key(self, log_id: str) -> bytes:
        return derive_key(self._root, "log-key", log_id)


def _mark(log_id: str, public_key: bytes) -> str:
    return f"{log_id}.{public_key.hex()}{_RETIRED}"


class HeadFile:
    """The newest signed checkpoint of every log. Its folder should be other storage."""

    def __init__(self, folder: Path) -> None:
        make_private_folder(folder)
        self._path = folder / HEADS_NAME
        self._lock = LockFile(folder / "heads.lock")

    def load(self) -> dict[str, str]:
        """Log id -> signed checkpoint; raises ValueError when the file is not ours."""
        if not self._path.exists():
            return {}
        found = json.loads(self._path.read_bytes())
        if not isinstance(found, dict) or not all(isinstance(note, str) for note in found.values()):
            raise ValueError("the file of signed heads is damaged")
        return found

    def advance(self, notes: Mapping[str, str]) -> None:
        """Keep these checkpoints where they are newer than what is kept; durable on return."""
        with self._lock.held():
            kept = self.load()
            newer = {
                log_id: note
                for log_id, note in notes.items()
                if log_id not in kept or head_size(note) > head_size(kept[log_id])
            }
            if newer:
                data = json.dumps(kept | newer, indent=1, sort_keys=True, ensure_ascii=False)
                write_durably(self._path, data.encode() + b"\n")

    def close(self) -> None:
        """Release the lock file."""
        self._lock.close()


def head_size(note: str) -> int:
    """The tree size that a signed checkpoint names (the signature is not looked at)."""
    text, _, _ = note.partition("\n\n")
    return parse_checkpoint(text + "\n").size


def open_heads(folder: Path, heads_dir: Path | None) -> HeadFile:
    """The file of signed heads; raises StoreUnsafe when the storage that is meant is not there."""
    if heads_dir is not None and not heads_dir.is_dir():
        raise StoreUnsafe("the folder of PARVIS_AUDIT_HEADS_DIR is not there: mount or make it")
    return HeadFile(heads_dir or folder / "heads")


class Boot:
    """This process's life, as others can see it: a file that is locked while the process lives."""

    def __init__(self, folder: Path, *, group_too: bool = False) -> None:
        """With `group_too` the folder is two users', and there already."""
        if not group_too:
            make_private_folder(folder)
        self._folder = folder
        self.id = os.urandom(16).hex()
        self._lock = LockFile(folder / self.id, group_too=group_too)
        self._lock.try_take()

    def is_alive(self, boot_id: str) -> bool:
        """True while the process of that boot lives (on this machine)."""
        path = self._folder / boot_id
        if boot_id == self.id:
            return True
        if not path.exists():
            return False
        try:
            other = LockFile(path)
        except OSError:  # just made by another user: it may live
            return path.exists()
        try:
            return not other.try_take()
        finally:
            other.close()

    def forget_dead(self) -> None:
        """Remove the files of processes that are gone."""
        for path in self._folder.iterdir():
            if not self.is_alive(path.name):
                path.unlink(missing_ok=True)

    def close(self) -> None:
        """End this life: intents without an ending may be closed by others now."""
        self._lock.close()
        (self._folder / self.id).unlink(missing_ok=True)
