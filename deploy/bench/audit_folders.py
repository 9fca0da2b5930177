"""Exports of any size, made without a gateway: for the scale drill and for tests of the verifiers.

Everything an installation would sign is signed here with keys made from a seed, so that a folder
can be made whole or false on purpose. Not here: how a real log writes (`parvis.audit`).
"""

import base64
import hashlib
import json
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from parvis.audit.entries import format_time
from parvis.audit.export import MANIFEST_FORMAT, read_verifier, tile_path
from parvis.audit.notes import Checkpoint, format_proof, format_vkey, key_id, sign_note
from parvis.audit.tree import (
    HASH_BYTES,
    TILE_WIDTH,
    Frontier,
    inclusion_proof,
    leaf_hash,
    root_at,
)

INSTALLATION = "scale.test"
START_US = 1_764_547_200_000_000  # 2025-12-01
STEP_US = 40_000
FEW_OPEN, MANY_OPEN = 8, 64
README = b"An export that was made for a test.\n"


def make_key(name: str) -> Ed25519PrivateKey:
    """The same key for the same name, always: never for anything but tests."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())


def encode(record: dict[str, Any]) -> bytes:
    """The canonical bytes of a record."""
    return json.dumps(record, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


@dataclass
class MadeLog:
    """A log that is written straight into the folder of an export; without one, kept in memory."""

    name: str
    folder: Path | None = None
    keys: list[Ed25519PrivateKey] = field(default_factory=list)
    begins: list[int] = field(default_factory=lambda: [0])
    boots: dict[str, int] = field(default_factory=dict)
    sealed: str = "parvis-audit-sealed/v1\nretention 0 -\n"
    first: int = 0  # of the records in the folder; begins a bundle, or is the size
    end: int = 2**53  # of the records in the folder; begins a bundle, or is beyond the size
    asked: str = "- -"
    ended: dict[str, Any] | None = None  # what a platform log says of its end
    pruned: str | None = None  # the proof of the record that let the first ones go

    def __post_init__(self) -> None:
        self.id = hashlib.sha256(self.name.encode()).hexdigest()[:32]
        self.origin = f"{INSTALLATION}/audit/{self.id}"
        self.keys = self.keys or [make_key(self.name)]
        self.frontier = Frontier()
        self.levels: list[bytearray] = [bytearray()]
        self.now_us = START_US
        self.waiting: list[bytes] = []
        self.leaves: dict[int, bytes] = {}  # those that a proof will want
        self.lines: list[str] = []
        self.turns: list[dict[str, Any]] = []

    @property
    def size(self) -> int:
        """Records so far."""
        return self.frontier.size

    @property
    def vkey(self) -> str:
        """The verifier key of the newest key."""
        return self.vkey_of(self.keys[-1])

    def vkey_of(self, key: Ed25519PrivateKey) -> str:
        """What a policy would say of `key`."""
        return format_vkey(self.origin, key.public_key().public_bytes_raw())

    def id_of(self, key: Ed25519PrivateKey) -> str:
        """The four bytes by which a signature line names `key`, in hex."""
        return key_id(self.origin, key.public_key().public_bytes_raw()).hex()

    def read(self, level: int, first: int, end: int) -> list[bytes]:
        """Hashes of a tile level, as the tree's proofs ask for them."""
        row = self.levels[level]
        return [
            bytes(row[at * HASH_BYTES : at * HASH_BYTES + HASH_BYTES]) for at in range(first, end)
        ]

    def build(self, kind: str, boot: str = "0" * 32, **fields: Any) -> dict[str, Any]:
        """A record of this log at its next position."""
        self.boots[boot] = self.boots.get(boot, 0) + 1
        self.now_us += STEP_US
        moment = format_time(self.now_us)
        emit = {"boot": boot, "n": self.boots[boot], "node": "node-1", "worker": "w1"}
        record = {"v": 1, "id": str(uuid.UUID(int=self.now_us << 64 | 7 << 76 | 2 << 62))}
        record |= {"log": self.id, "seq": self.size, "time": moment, "seen": moment, "kind": kind}
        defaults = {"phase": "fact", "outcome": "success", "actor": {"type": "system"}}
        wanted = record | defaults | {"emit": emit} | fields
        return {name: value for name, value in wanted.items() if value is not None}

    def add(self, kind: str, **fields: Any) -> int:
        """Append a record that proofs may be wanted of; gives its position."""
        leaf = encode(self.build(kind, **fields))
        self.leaves[self.size] = leaf
        return self.append(leaf)

    def append(self, leaf: bytes) -> int:
        """Append bytes as they are; gives their position."""
        found = leaf_hash(leaf)
        self.levels[0] += found
        for level, _, block in self.frontier.append(found):
            while len(self.levels) <= level:
                self.levels.append(bytearray())
            self.levels[level] += block
        self.waiting.append(len(leaf).to_bytes(2, "big") + leaf)
        if len(self.waiting) == TILE_WIDTH:
            self._write_bundle()
        return self.size - 1

    def be_born(self) -> None:
        """Record 0 of an ordinary log."""
        change = {"origin": self.origin, "vkey": self.vkey}
        self.add("log.created", target={"log": self.id, "tenant": self.name}, change=change)

    def rotate(self, name: str, **fields: Any) -> Ed25519PrivateKey:
        """End the key's time with a record; gives the new key."""
        old, new = self.keys[-1], make_key(name)
        change = {"vkey": self.vkey_of(new), "before": self.vkey_of(old), "ground": "schedule"}
        place = self.add(
            "key.rotated", **({"target": {"key": self.id_of(new)}, "change": change} | fields)
        )
        self.keys.append(new)
        self.begins.append(place + 1)
        line = {"kind": "key.rotated", "log": self.id, "vkey": self.vkey, "platform": None}
        self.turns.append(line | {"proof": self.prove(place, place + 1)})
        return new

    def compromise(self, key: Ed25519PrivateKey, size: int, **change: Any) -> None:
        """Declare an old key compromised; `size` is the last that is known to be good."""
        fields = {"vkey": self.vkey_of(key), "size": size} | change
        place = self.add(
            "key.compromised",
            outcome="unknown",
            target={"key": self.id_of(key)},
            change=fields,
        )
        line = {"kind": "key.compromised", "log": self.id, "vkey": self.vkey_of(key)}
        self.turns.append(line | {"proof": self.prove(place, place + 1)})

    def signers(self, size: int) -> list[Ed25519PrivateKey]:
        """The keys of that time: two at a change of keys."""
        ends = [*self.begins[1:], 2**53]
        return [
            key
            for key, begin, end in zip(self.keys, self.begins, ends, strict=True)
            if begin <= size <= end
        ]

    def sign(self, text: str, signers: Sequence[Ed25519PrivateKey]) -> str:
        """`text` as a note under these keys."""
        note = sign_note(text, self.origin, signers[0])
        for key in signers[1:]:
            note += sign_note(text, self.origin, key).rpartition("\n\n")[2]
        return note

    def head(self, size: int, signers: Sequence[Ed25519PrivateKey] | None = None) -> str:
        """The checkpoint of the first `size` records."""
        text = Checkpoint(self.origin, size, root_at(self.read, size)).text
        return self.sign(text, signers or self.signers(size))

    def prove(self, place: int, size: int | None = None) -> str:
        """A proof file of a record that `add` wrote."""
        size = size or self.size
        path = inclusion_proof(self.read, place, size)
        return format_proof(place, path, self.head(size), self.leaves[place])

    def finish(self, birth: dict[str, str] | None = None, notes: Sequence[int] = ()) -> Path:
        """Write what is not written yet, the signed list of files last; gives the folder."""
        if self.folder is None:
            raise ValueError("this log has no folder")
        if self.waiting:
            self._write_bundle()
        self._write("checkpoint", self.head(self.size).encode())
        tenant = "platform" if birth is None else "commune"
        first = {"log": self.id, "origin": self.origin, "tenant": tenant, "birth": birth}
        first["vkey"] = self.vkey_of(self.keys[0])
        first |= {"ended": self.ended} if self.ended else {}
        first |= {"pruned": self.pruned} if self.pruned else {}
        self._write("keys.jsonl", b"".join(encode(one) + b"\n" for one in (first, *self.turns)))
        for size in notes:
            self._write(f"notes/{size}", self.head(size).encode())
        self._write_tiles()
        self._write("sealed", self.sealed.encode())
        self._write("README", README)
        self._write("verify.py", read_verifier())
        self.sign_list()
        return self.folder

    def leave_nothing(self) -> None:
        """Every record went: only hashes are left."""
        self.first = self.size
        self.waiting.clear()
        entries = [line for line in self.lines if " tile/entries/" in line]
        for line in entries:
            self.lines.remove(line)
            if self.folder is not None:
                (self.folder / line.split(" ")[2]).unlink()
        if self.folder is not None and entries:
            (self.folder / "tile/entries").rmdir()

    def sign_list(self) -> None:
        """Write the manifest of the lines gathered."""
        if self.folder is None:
            raise ValueError("this log has no folder")
        root = base64.b64encode(root_at(self.read, self.size)).decode()
        top = [MANIFEST_FORMAT, self.origin, str(self.size), root]
        top += [
            f"made {format_time(self.now_us)}",
            f"asked {self.asked}",
            f"records {self.first} {min(self.end, self.size)}",
        ]
        top += [f"files {len(self.lines)}", *self.lines]
        note = self.sign("\n".join(top) + "\n", self.signers(self.size)[-1:])
        (self.folder / "manifest").write_text(note, encoding="utf-8")

    def _write_bundle(self) -> None:
        index, width = (self.size - 1) // TILE_WIDTH, len(self.waiting)
        if self.folder is not None and self.first <= self.size - width < self.end:
            self._write(tile_path("entries", index, width), b"".join(self.waiting))
        self.waiting.clear()

    def _write_tiles(self) -> None:
        for level, row in enumerate(self.levels):
            step = TILE_WIDTH * HASH_BYTES
            for index in range(-(-len(row) // step)):
                data = bytes(row[index * step : index * step + step])
                self._write(tile_path(str(level), index, len(data) // HASH_BYTES), data)

    def _write(self, path: str, data: bytes) -> None:
        if self.folder is None:
            raise ValueError("this log has no folder")
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        self.lines.append(f"{hashlib.sha256(data).hexdigest()} {len(data)} {path}")


def bear(log: MadeLog) -> dict[str, str]:
    """A platform log that saw `log` born; what `keys.jsonl` says of it."""
    platform = MadeLog("platform")
    platform.be_born()
    change = {"origin": log.origin, "vkey": log.vkey_of(log.keys[0])}
    place = platform.add("log.created", target={"log": log.id, "tenant": "commune"}, change=change)
    return {"vkey": platform.vkey, "proof": platform.prove(place)}


def close(log: MadeLog, platform: MadeLog, **change: Any) -> int:
    """The record of a platform log that `log` ended; gives its position."""
    told = {"origin": log.origin, "ground": "agency-left", "size": log.size}
    told |= {"root": root_at(log.read, log.size).hex(), "sealed_days": 30, "audit_days": 365}
    return platform.add(
        "log.closed", target={"log": log.id, "tenant": "commune"}, change=told | change
    )


def tell_end(platform: MadeLog, closed: int, allowed: Sequence[int] = ()) -> dict[str, Any]:
    """What `keys.jsonl` says of a log's end, and of what the platform log let go since."""
    told = [{"vkey": platform.vkey, "proof": platform.prove(place)} for place in (closed, *allowed)]
    return {**told[0], "allowed": told[1:]}


def chats(log: MadeLog, count: int, *, writers: int = 4, run: str = "first") -> Iterator[bytes]:
    """`count` records as a busy office writes them: intents, answers with sealed fields, sign-ins.

    Four processes write; a tenth of the records are sign-ins, every 7500th is a heartbeat.
    """
    boots = [hashlib.sha256(f"{run} boot {at}".encode()).hexdigest()[:32] for at in range(writers)]
    numbers = [0] * writers
    opened: list[str] = []
    first = log.size
    for seq in range(first, first + count):
        writer = seq * 7919 % writers
        numbers[writer] += 1
        log.now_us += STEP_US
        moment = format_time(log.now_us)
        random = hashlib.blake2b(b"%d" % seq, digest_size=48).hexdigest()
        ms = log.now_us // 1000
        made = f"{ms >> 16:08x}-{ms & 0xFFFF:04x}-7{random[:3]}-8{random[3:6]}-{random[6:18]}"
        emit = (
            f'"emit":{{"boot":"{boots[writer]}","n":{numbers[writer]},"node":"node-1",'
            f'"worker":"w{writer}"}}'
        )
        where = f'"log":"{log.id}"'
        when = f'"seen":"{moment}","seq":{seq}'
        pid = random[18:50]
        yield _chat(seq, made, emit, where, when, moment, pid, random, opened).encode()


def _chat(
    seq: int,
    made: str,
    emit: str,
    where: str,
    when: str,
    moment: str,
    pid: str,
    random: str,
    opened: list[str],
) -> str:
    if seq % 7500 == 0:
        return (
            f'{{"actor":{{"type":"system"}},{emit},"id":"{made}","kind":"log.heartbeat",{where},'
            f'"outcome":"success","phase":"fact",{when},"time":"{moment}","v":1}}'
        )
    person = (
        f'"actor":{{"assurance":"substantial","client":"portal","pid":"{pid}",'
        '"roles":["civil-servant"],"type":"person"}'
    )
    trace = f'"trace":{{"span":"{random[50:66]}","trace":"{random[:32]}"}}'
    http = '"http":{"method":"POST","route":"/v1/chat/completions","status":200}'
    if seq % 10 == 0:
        return (
            f'{{{person},{emit},"http":{{"method":"GET","route":"/login"}},"id":"{made}",'
            f'"kind":"auth.login",{where},"outcome":"success","phase":"fact",{when},'
            f'"time":"{moment}",{trace},"v":1}}'
        )
    target = '"target":{"assistant":"commune-desk","channel":"portal","version":"12"}'
    if len(opened) < FEW_OPEN or (seq & 1 and len(opened) < MANY_OPEN):
        opened.append(made)
        return (
            f'{{{person},{emit},"id":"{made}","kind":"chat.started",{where},"phase":"intent",'
            f'"policy":{{"decision":"allow","digest":"sha256:{random[:64]}","rules":["P-00","P-17"]}},'
            f'{when},{target},"time":"{moment}",{trace},"use":{{"bytes_in":812,"messages":3}},"v":1}}'
        )
    sealed = f'{{"c":"{random[:64]}","k":"{pid}","n":731}}'
    return (
        f'{{{person},{emit},{http},"id":"{made}","kind":"chat.finished",{where},'
        '"model":{"answered":"smol-lm-2-360m","asked":"demo",'
        f'"digest":"sha256:{random[:64]}","provider":"onsite"}},"outcome":"success",'
        '"phase":"result","privacy":{"action":"masked","counts":{"EMAIL":1,"PERSON":2},'
        f'"detector":"4"}},"re":"{opened.pop(0)}","seal":{{"answer":{sealed},"prompt":{sealed},'
        f'"user":{sealed}}},{when},{target},"time":"{moment}",{trace},"use":{{"finish":"stop",'
        '"first_ms":310,"ms":2210,"tokens_in":412,"tokens_out":188},"v":1}'
    )


def make_large(folder: Path, records: int) -> Path:
    """An export of `records` records with a change of keys in the middle."""
    log = MadeLog("large", folder)
    log.be_born()
    for leaf in chats(log, records // 2):
        log.append(leaf)
    log.rotate("large, second key")
    half = log.size
    for leaf in chats(log, records - half, run="second"):
        log.append(leaf)
    return log.finish(bear(log), notes=[half // 2, half])


def main() -> None:
    """Make one: `python -m deploy.bench.audit_folders FOLDER RECORDS`."""
    folder, records = Path(sys.argv[1]), int(sys.argv[2])
    begun = time.monotonic()
    make_large(folder, records)
    print(f"{records} records in {time.monotonic() - begun:.0f} s: {folder}")


if __name__ == "__main__":
    main()
