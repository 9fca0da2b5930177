"""Two auditors compare the heads they were given: one history, or two.

Works on exports and on signed heads in files, without an installation and without network. Two
heads that contradict each other become a file of evidence that `verify --evidence` judges.
"""

import base64
from dataclasses import dataclass
from pathlib import Path

import orjson

from parvis.audit.notes import Checkpoint, NoteInvalid, open_note, parse_checkpoint
from parvis.audit.tree import HASH_BYTES, TILE_WIDTH, Reader, consistency_proof, root_at
from parvis.audit.verify import (
    EVIDENCE_FORMAT,
    MAX_KEYS_FILE,
    MAX_TEXT,
    Folder,
    Key,
    Malformed,
    check_consistency,
    parse_record,
    tile_path,
)
from parvis.errors import InvalidRequest


@dataclass(frozen=True, slots=True)
class Side:
    """What one auditor holds: a signed head, and from a folder the hashes below it."""

    note: str
    head: Checkpoint
    vkeys: tuple[str, ...]
    read: Reader | None


def load_side(path: Path) -> Side:
    """The head of an export, or of a file that holds a signed note. Raises InvalidRequest."""
    try:
        if path.is_dir():
            return _load_folder(path)
        note = path.read_bytes()[:MAX_TEXT].decode()
        return Side(note, _parse_head(note), (), None)
    except (OSError, ValueError, KeyError, TypeError, Malformed) as error:
        words = f"{path.name}: neither an audit export nor a signed head"
        raise InvalidRequest(words) from error


def _load_folder(path: Path) -> Side:
    folder = Folder(str(path))
    note = folder.read("checkpoint", MAX_TEXT).decode()
    keys = folder.read("keys.jsonl", MAX_KEYS_FILE)
    lines = [parse_record(one) for one in keys[:-1].split(b"\n")]
    # the first key, and those that took its place
    vkeys = [str(one["vkey"]) for one in lines if one.get("kind", "key.rotated") == "key.rotated"]
    head = _parse_head(note)
    return Side(note, head, tuple(vkeys), _tile_reader(folder, head.size))


def _parse_head(note: str) -> Checkpoint:
    return parse_checkpoint(note.rpartition("\n\n")[0] + "\n")


def _tile_reader(folder: Folder, size: int) -> Reader:
    def read(level: int, first: int, end: int) -> list[bytes]:
        hashes: list[bytes] = []
        total = size >> (8 * level)
        for tile in range(first // TILE_WIDTH, -(-end // TILE_WIDTH)):
            start = tile * TILE_WIDTH
            name = tile_path(level, tile, min(TILE_WIDTH, total - start))
            if name not in folder.files:
                raise InvalidRequest("hashes are missing in a folder: verify it first")
            data = folder.read(name, TILE_WIDTH * HASH_BYTES)
            hashes += [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]
        begin = first // TILE_WIDTH * TILE_WIDTH
        return hashes[first - begin : end - begin]

    return read


def compare(one: Side, other: Side) -> bytes | None:
    """None when both are heads of one history, else the evidence that they are not.

    Raises InvalidRequest when the two cannot be compared.
    """
    first, second = sorted((one, other), key=lambda side: side.head.size)
    if first.head.origin != second.head.origin:
        raise InvalidRequest("the two are of different logs")
    _require_signed(first, second)
    root, proof = _root_in(first.head.size, second)
    if not check_consistency(first.head.size, second.head.size, root, second.head.root, proof):
        raise InvalidRequest("the hashes of a folder are not those of its head: verify it first")
    if root == first.head.root:
        return None
    key = _find_key(first, second)
    told = {
        "format": EVIDENCE_FORMAT,
        "notes": [first.note, second.note],
        "proof": [base64.b64encode(step).decode() for step in proof],
        "root": base64.b64encode(root).decode(),
        "vkey": key,
    }
    return orjson.dumps(told, option=orjson.OPT_SORT_KEYS) + b"\n"


def _root_in(size: int, larger: Side) -> tuple[bytes, list[bytes]]:
    """The root that the larger tree had at `size`, and the proof of that."""
    if size == larger.head.size:
        return larger.head.root, []
    if larger.read is None:
        raise InvalidRequest("the larger of the two must be an export, not a head alone")
    return root_at(larger.read, size), consistency_proof(larger.read, size, larger.head.size)


def _require_signed(first: Side, second: Side) -> None:
    vkeys = {*first.vkeys, *second.vkeys}
    if not vkeys:
        raise InvalidRequest("one of the two must be an export: a head alone carries no key")
    for side in (first, second):
        if not any(_is_signed(side.note, vkey) for vkey in vkeys):
            raise InvalidRequest("one of the two heads is not signed by a key of this log")


def _find_key(first: Side, second: Side) -> str:
    """The verifier key that signed both heads: evidence names one."""
    for vkey in (*first.vkeys, *second.vkeys):
        if all(_is_signed(side.note, vkey) for side in (first, second)):
            return vkey
    words = (
        "two histories under two keys: keep both and give them to whoever trusts one of the keys"
    )
    raise InvalidRequest(f"{words}; evidence needs two heads that one key signed")


def _is_signed(note: str, vkey: str) -> bool:
    try:
        key = Key(vkey)
        open_note(note, key.name, key.public)
    except (NoteInvalid, Malformed):
        return False
    return True
