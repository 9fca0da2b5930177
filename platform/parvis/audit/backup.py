"""A copy of the logs' database, whole at one moment, made while the gateway runs.

SQLite only: PostgreSQL has its own tools. Signed heads are never copied, since what they are
compared with must not come back together with them; signing keys only where it is asked for.
"""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import apsw

from parvis.audit.files import sync_folder
from parvis.audit.sqlite_store import FILE_NAME, SqliteStore
from parvis.audit.store import StoreFault

KEYS_NAME = "keys"


@dataclass(frozen=True, slots=True)
class Backup:
    """What a copy holds: how many records of each log, and how many signing keys."""

    folder: Path
    sizes: Mapping[str, int]
    keys: int


def write_backup(audit_dir: Path, folder: Path, *, with_keys: bool = False) -> Backup:
    """Copy the database under `audit_dir` into a new `folder`, and read what was copied.

    Writers go on meanwhile. Raises FileExistsError, OSError, StoreFault, StoreUnsafe.
    """
    SqliteStore(audit_dir, read_only=True).close()  # its schema is ours, its library safe
    folder.mkdir(parents=True, mode=0o700)
    try:
        # keys first: a change of keys between the two leaves one too many, never one too few
        keys = _copy_keys(audit_dir, folder) if with_keys else 0
        _copy_database(audit_dir / FILE_NAME, folder / FILE_NAME)
        sync_folder(folder)
        sync_folder(folder.parent)
        return Backup(folder, _read_sizes(folder), keys)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)  # half a copy is none
        raise


def _copy_database(source: Path, copy: Path) -> None:
    os.close(os.open(copy, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        old = apsw.Connection(str(source), flags=apsw.SQLITE_OPEN_READONLY)
        new = apsw.Connection(str(copy))
        try:
            # one step holds one view of the database, however long it takes
            with new.backup("main", old, "main") as backup:
                backup.step()
            # one file, no log beside it: the copy travels alone
            new.execute("PRAGMA journal_mode=DELETE").fetchall()
            if new.execute("PRAGMA quick_check").fetchall() != [("ok",)]:
                raise StoreFault("the copy is damaged")
        finally:
            new.close()
            old.close()
    except apsw.Error as error:
        raise StoreFault(type(error).__name__) from error


def _copy_keys(audit_dir: Path, folder: Path) -> int:
    target = folder / KEYS_NAME
    target.mkdir(mode=0o700)
    files = sorted((audit_dir / KEYS_NAME).glob("*.key"))
    for path in files:
        copy = target / path.name
        copy.touch(mode=0o600)
        with copy.open("wb") as file:
            file.write(path.read_bytes())
            file.flush()
            os.fsync(file.fileno())
    sync_folder(target)
    return len(files)


def _read_sizes(folder: Path) -> Mapping[str, int]:
    """Records of each log as the copy says."""
    store = SqliteStore(folder, read_only=True)
    try:
        heads = {log.tenant_id: store.find_head(log.no) for log in store.list_logs()}
        return {tenant_id: head.size if head else 0 for tenant_id, head in heads.items()}
    finally:
        store.close()
