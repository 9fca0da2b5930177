"""Attackers with the operator's means: they edit the database, and rebuild all hashes and heads."""

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import apsw
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from parvis.audit.files import write_durably
from parvis.audit.log_keys import LogKeys
from parvis.audit.notes import Checkpoint, sign_note
from parvis.audit.packing import unpack
from parvis.audit.tree import Frontier, leaf_hash
from parvis.keystore import seal
from tests.audit.houses import House

Edit = Callable[[list[bytes]], list[bytes]]


def read_leaves(house: House, tenant: str = "commune") -> list[bytes]:
    database = apsw.Connection(str(house.audit_dir / "audit.db"))
    rows = database.execute(
        "SELECT leaf, hash FROM record JOIN log ON no = log_no WHERE tenant_id = ? ORDER BY seq",
        (tenant,),
    ).fetchall()
    database.close()
    return [unpack(*row) for row in rows]


def rebuild(
    house: House, edit: Edit, *, key: Ed25519PrivateKey | None = None, tenant: str = "commune"
) -> None:
    """Rewrite one log as a whole; with no `key`, signed by the real one."""
    leaves = edit(read_leaves(house, tenant))
    database = apsw.Connection(str(house.audit_dir / "audit.db"))
    no, log_id, origin, public = database.execute(
        "SELECT no, id, origin, public_key FROM log WHERE tenant_id = ?", (tenant,)
    ).fetchall()[0]
    real = key is None
    signer = (
        LogKeys(house.audit_dir / "keys", house.root).get_key(log_id, public)
        if key is None
        else key
    )
    frontier, now_us = Frontier(), time.time_ns() // 1000
    with database:
        for table in ("record", "block", "tile", "published"):
            database.execute(f"DELETE FROM {table} WHERE log_no = ?", (no,))  # noqa: S608 - fixed names
        for seq, leaf in enumerate(leaves):
            found = leaf_hash(leaf)
            parsed = json.loads(leaf)
            record_id = bytes.fromhex(parsed["id"].replace("-", ""))
            database.execute(
                "INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?)",
                (no, seq, record_id, now_us + seq, parsed["kind"], found, leaf),
            )
            for level, place, block in frontier.append(found):
                database.execute("INSERT INTO block VALUES (?, ?, ?, ?)", (no, level, place, block))
        note = sign_note(Checkpoint(origin, frontier.size, frontier.root()).text, origin, signer)
        database.execute(
            "UPDATE head SET size = ?, root = ?, frontier = ?, note = ? WHERE log_no = ?",
            (frontier.size, frontier.root(), frontier.dump(), note, no),
        )
        if not real:
            raw = signer.public_key().public_bytes_raw()
            database.execute("UPDATE log SET public_key = ? WHERE no = ?", (raw, no))
    database.close()
    if not real:
        LogKeys(house.audit_dir / "keys", house.root)._path(log_id).unlink()
        install_key(house, log_id, signer)
    heads = house.audit_dir / "heads" / "heads.json"
    kept = json.loads(heads.read_text())
    heads.write_text(json.dumps(kept | {log_id: note}))


def install_key(house: House, log_id: str, key: Ed25519PrivateKey) -> None:
    keys = LogKeys(house.audit_dir / "keys", house.root)
    wrapped = seal(keys._wrapping_key(log_id), key.private_bytes_raw(), log_id)
    write_durably(keys._path(log_id), wrapped.hex().encode() + b"\n")


def canonical(record: dict[str, object]) -> bytes:
    return json.dumps(record, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def change(at: int, **fields: object) -> Edit:
    """One record with other fields."""

    def edit(leaves: list[bytes]) -> list[bytes]:
        record = json.loads(leaves[at])
        return [*leaves[:at], canonical(record | fields), *leaves[at + 1 :]]

    return edit


def write_raw(seq: int, swap: Callable[[bytes], bytes]) -> Edit:
    """One record with other bytes."""
    return lambda leaves: [*leaves[:seq], swap(leaves[seq]), *leaves[seq + 1 :]]


def renumbered(leaves: list[bytes]) -> list[bytes]:
    return [canonical(json.loads(leaf) | {"seq": seq}) for seq, leaf in enumerate(leaves)]


def copy_house(house: House, folder: Path) -> House:
    """The whole installation as an attacker's own; the original MUST be closed."""
    shutil.copytree(house.folder, folder)
    return House(folder, house.root)
