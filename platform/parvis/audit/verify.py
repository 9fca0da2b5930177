#!/usr/bin/env python3
"""Check an audit export without trusting whoever made it.

    python verify.py DIR [--policy FILE] [--state FILE] [--json]
    python verify.py NAME.tlog-proof --policy FILE [--receipt TEXT] [--json]

Stands alone: one file, the standard library, and `cryptography` where it is installed (else its own
RFC 8032 check, slower). No network; writes FILE of --state, --page and --records, and above 150,000
records a nameless temporary file. Exit codes: 0 INTACT, 2 INCOMPLETE, 3 TAMPERED, 4 UNVERIFIABLE,
5 wrong usage. Formats: c2sp.org signed-note, tlog-checkpoint, tlog-tiles, tlog-proof, tlog-policy,
tlog-cosignature; RFC 6962 trees; RFC 3161 time stamps; records as in `docs/audit-format.md`.

Written to be read from top to bottom:

     1  what is checked                   9  the log's keys
     2  signatures, keys and notes       10  its heads, tree and records; the whole run
     3  the tree                         11  one record and its proof
     4  records: their form              12  evidence of two histories
     5  records: their order, and        13  words in four languages
        what is gone of them             14  the report, as text and as a page
     6  others' word: cosignatures       15  the command line
     7  others' word: time stamps
     8  the folder and its list
"""

# ruff: noqa: PLR2004 - lengths and limits are the formats' own; one file that reads top to bottom
from __future__ import annotations

import argparse
import base64
import binascii
import contextlib
import datetime
import hashlib
import html
import json
import os
import re
import stat
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, NamedTuple, NoReturn

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ImportError:  # the auditor's machine may have nothing but Python
    Ed25519PublicKey = None  # type: ignore[assignment,misc]
try:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey
except ImportError:  # before version 48, or nothing at all
    MLDSA44PublicKey = None  # type: ignore[assignment,misc]
try:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
    from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

    if not hasattr(x509.Certificate, "not_valid_before_utc"):  # before version 42
        raise ImportError
except ImportError:
    x509 = None  # type: ignore[assignment]


VERSION = "1"
UTC = datetime.timezone.utc  # noqa: UP017 - the verifier runs on Python 3.9
SIGNATURES = "own RFC 8032 check (slower)" if Ed25519PublicKey is None else "cryptography"
EXIT = {"INTACT": 0, "INCOMPLETE": 2, "TAMPERED": 3, "UNVERIFIABLE": 4}
USAGE = 5


WIDTH = 256  # leaves of a whole tile
HASH = 32  # bytes of a hash
MAX_SIZE = 2**53  # records of a log: what every reader of JSON counts exactly
MAX_LEAF = 8192  # bytes of a record
MAX_NAME = 255  # bytes of a name: what an ML-DSA-44 cosignature can carry

# what a hostile folder may cost: files, bytes, things remembered at once
MAX_ENTRIES = 1_000_000
MAX_DEPTH = 8
MAX_MANIFEST = 128 << 20
MAX_TEXT = 1 << 20
MAX_KEYS_FILE = 16 << 20
MAX_BUNDLE = WIDTH * (MAX_LEAF + 2) + 65536
MAX_KEYS = 1000
MAX_CHAIN = 8
MAX_CERTIFICATES = 16
MAX_OPEN = 100_000
MAX_WRITERS = 100_000
MAX_WAITING = 200_000
IDS_IN_MEMORY = 150_000
MAX_FINDINGS = 200
MAX_LISTED = 100

# what a report calls a silence, an old intent, a wrong clock; how long records are kept at least
SILENCE_S = 10 * 60
OLD_INTENT_S = 15 * 60
SKEW_S = 300
FLOOR_DAYS = 184


# 1. What is checked
CHECKS = {
    "form": "no links, no special files, no deep folders",
    "manifest": "the list of files is signed by the log",
    "listed": "no file beside the listed ones",
    "files": "size and SHA-256 of every file",
    "checkpoint": "the head is signed by the log",
    "tree": "root recomputed from the leaf hashes, every tile compared",
    "records": "every exported record is the one that was hashed",
    "kinds": "records in canonical form, of known kinds, with known fields",
    "places": "positions without gap, of this log, time never going back",
    "writers": "counters of every writing process without gap",
    "intents": "every ending has its intent",
    "ids": "no record id occurs twice",
    "birth": "the first record names this key; the platform log knows it",
    "notes": "earlier published heads are heads of this same log",
    "keys": "every head is signed by the key of its time, every change of keys by both",
    "mldsa": "the log's own ML-DSA-44 line on its head",
    "policy": "the log's key is one that you trust",
    "state": "the log continues the one you saw last time",
    "sealed": "sealed values that are gone, and a record that allows each",
    "pruned": "records before the first or after the last: not asked for, or a record allows it",
    "platform": "the platform log holds a head of this log among the heads of all",
    "anchor": "cosignatures of the witnesses that your policy names",
    "stamps": "time stamps (RFC 3161) of the authorities that your policy names",
    "line": "the printed head is one of this log",
}
NEEDED = ("form", "manifest", "listed", "files", "checkpoint", "tree")
PROOF_CHECKS = {
    "proof": "a record, its path and a head, in the form of c2sp.org/tlog-proof",
    "checkpoint": CHECKS["checkpoint"],
    "inclusion": "the path leads from the record to the signed root",
    "record": "the record in canonical form, of a known kind, at its position in this log",
    "mldsa": CHECKS["mldsa"],
    "policy": CHECKS["policy"],
    "receipt": "the record is the one that your receipt names",
    "anchor": CHECKS["anchor"],
}


class Malformed(Exception):
    """Something that is not in the form it must have; the words say what."""


class Unsupported(Exception):
    """Something that cannot be checked on this machine; the words say what."""


# what readers of nested values raise when these are not of their form
UNFIT = (Malformed, KeyError, TypeError, AttributeError, ValueError, IndexError)


# 2. Signatures, keys and notes (RFC 8032, c2sp.org/signed-note)


def unbase64(text: str) -> bytes:
    """Bytes of canonical base64."""
    try:
        raw = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("not base64") from None
    if base64.b64encode(raw).decode() != text:
        raise Malformed("not canonical base64")
    return raw


P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)
Point = tuple[int, int, int, int]


def _add(a: Point, b: Point) -> Point:
    e = (a[1] - a[0]) * (b[1] - b[0]) % P
    f = (a[1] + a[0]) * (b[1] + b[0]) % P
    g = 2 * a[3] * b[3] * D % P
    h = 2 * a[2] * b[2] % P
    x, y, z, t = f - e, h - g, h + g, f + e
    return (x * y % P, z * t % P, y * z % P, x * t % P)


def _times(number: int, point: Point) -> Point:
    found = (0, 1, 1, 0)
    while number:
        if number & 1:
            found = _add(found, point)
        point = _add(point, point)
        number >>= 1
    return found


def _point(data: bytes) -> Point | None:
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_ONE % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return (x, y, 1, x * y % P)


_BASE_X = 15112221349535400772501151409588531511454012693041857206046113283949847762202
_BASE_Y = 4 * pow(5, P - 2, P) % P
BASE: Point = (_BASE_X, _BASE_Y, 1, _BASE_X * _BASE_Y % P)


def _own_check(public: bytes, signature: bytes, message: bytes) -> bool:
    point = _point(public)
    scalar = int.from_bytes(signature[32:], "little")
    if point is None or scalar >= L:
        return False
    digest = hashlib.sha512(signature[:32] + public + message).digest()
    negative = (P - point[0], point[1], 1, P - point[3])
    x, y, z, _ = _add(_times(scalar, BASE), _times(int.from_bytes(digest, "little") % L, negative))
    inverse = pow(z, P - 2, P)
    x, y = x * inverse % P, y * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little") == signature[:32]


def check_signature(public: bytes, signature: bytes, message: bytes) -> bool:
    """True when `signature` (64 bytes) is this Ed25519 key's over `message`."""
    if len(public) != 32 or len(signature) != 64:
        return False
    if Ed25519PublicKey is None:
        return _own_check(public, signature, message)
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


NOT_IN_NAMES = re.compile(r"[\s\ud800-\udfff]")  # white space, half a character
Signatures = list[tuple[str, bytes]]


def split_vkey(vkey: str) -> tuple[str, str, bytes]:
    """(name, key id, type and key) of a verifier key."""
    name, plus, rest = vkey.partition("+")
    identity, second, encoded = rest.partition("+")
    if not (name and plus and second) or NOT_IN_NAMES.search(name):
        raise Malformed("not a verifier key")
    return name, identity, unbase64(encoded)


class VerifierKey:
    """A key as people carry it (`NAME+ID+BASE64`): its name, key id, kind and bytes."""

    LENGTHS: ClassVar[dict[bytes, int]] = {}  # bytes of the public key, by kind
    FAULT = "not a verifier key"

    def __init__(self, vkey: str) -> None:
        self.name, identity, raw = split_vkey(vkey)
        if len(raw) - 1 != self.LENGTHS.get(raw[:1]):
            raise Malformed(self.FAULT)
        self.vkey, self.kind, self.public = vkey, raw[:1], raw[1:]
        self.id = hashlib.sha256(self.name.encode() + b"\n" + raw).digest()[:4]
        if self.id.hex() != identity:
            raise Malformed("a verifier key with the wrong key id")

    def list_lines(self, signatures: Signatures) -> list[bytes]:
        """What stands after the key id in every line that names this key."""
        named = (self.name, self.id)
        return [raw[4:] for name, raw in signatures if (name, raw[:4]) == named]


class Key(VerifierKey):
    """A log's Ed25519 key."""

    LENGTHS: ClassVar = {b"\x01": 32}
    FAULT = "not an Ed25519 verifier key"

    @property
    def fingerprint(self) -> str:
        return format_fingerprint(self.vkey)

    def has_signed(self, text: str, signatures: Signatures) -> bool:
        """True when it signed; a line that names it and does not fit is Malformed."""
        lines = self.list_lines(signatures)
        if not all(check_signature(self.public, line, text.encode()) for line in lines):
            raise Malformed("the signature does not fit")
        return bool(lines)


def format_fingerprint(vkey: str) -> str:
    """Eight groups of four hex digits to compare with what is on paper."""
    digest = hashlib.sha256(vkey.encode()).hexdigest()[:32]
    return " ".join(digest[at : at + 4] for at in range(0, 32, 4))


def split_note(data: bytes) -> tuple[str, Signatures]:
    """The text of a note, and (name, id and signature) of each of its lines, not checked yet."""
    try:
        note = data.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("not UTF-8") from None
    if re.search(r"[\x00-\x09\x0b-\x1f]", note):
        raise Malformed("control characters in a note")
    text, blank, signatures = note.rpartition("\n\n")
    if not blank or not signatures.endswith("\n"):
        raise Malformed("not a signed note")
    if signatures.count("\n") > 64:
        raise Malformed("too many signatures")
    found = []
    for line in signatures[:-1].split("\n"):
        parts = line.split(" ")
        if len(parts) != 3 or parts[0] != "\u2014":
            raise Malformed("not a signature line")
        raw = unbase64(parts[2])
        if not parts[1] or "+" in parts[1] or NOT_IN_NAMES.search(parts[1]) or len(raw) < 5:
            raise Malformed("not a signature line")
        found.append((parts[1], raw))
    return text + "\n", found


def open_note(data: bytes, key: Key) -> str:
    """The text of a note that `key` signed; lines of other keys are passed over."""
    text, signatures = split_note(data)
    if not key.has_signed(text, signatures):
        raise Malformed("not signed by the log's key")
    return text


# 3. The tree (RFC 6962, c2sp.org/tlog-checkpoint)
_sha256 = hashlib.sha256


def leaf_hash(leaf: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """A growing tree; `full` gets (tile level, hash) of every block that became complete."""

    def __init__(self) -> None:
        self.size = 0
        self.hashes: list[bytes] = []
        self.full: list[tuple[int, bytes]] = []

    def append(self, leaf: bytes) -> None:
        """Append one leaf hash."""
        self._join(leaf, self.size, 0)
        self.size += 1

    def append_block(self, data: bytes) -> None:
        """Append 256 leaf hashes at once; the size MUST be a multiple of 256."""
        while len(data) > HASH:
            pairs = range(0, len(data), 2 * HASH)
            data = b"".join([_sha256(b"\x01" + data[at : at + 2 * HASH]).digest() for at in pairs])
        self.full.append((1, data))
        self._join(data, self.size // WIDTH, 8)
        self.size += WIDTH

    def _join(self, found: bytes, bits: int, level: int) -> None:
        """Put a whole subtree of this level at the end; `bits` counts those before it."""
        while bits & 1:
            found = node_hash(self.hashes.pop(), found)
            bits >>= 1
            level += 1
            if level % 8 == 0:
                self.full.append((level // 8, found))
        self.hashes.append(found)

    def root(self) -> bytes:
        if not self.hashes:
            return hashlib.sha256(b"").digest()
        found = self.hashes[-1]
        for left in self.hashes[-2::-1]:
            found = node_hash(left, found)
        return found


def check_inclusion(leaf: bytes, index: int, size: int, path: list[bytes], root: bytes) -> bool:
    """True when `path` leads from the leaf to the root (RFC 9162 2.1.3.2)."""
    node, last, found = index, size - 1, leaf
    for step in path:
        if last == 0:
            return False
        if node & 1 or node == last:
            found = node_hash(step, found)
            while node and not node & 1:
                node >>= 1
                last >>= 1
        else:
            found = node_hash(found, step)
        node >>= 1
        last >>= 1
    return index < size and last == 0 and found == root


def check_consistency(old: int, new: int, old_root: bytes, root: bytes, path: list[bytes]) -> bool:
    """True when `path` proves that the new tree continues the old one (RFC 9162 2.1.4.2)."""
    if old in (0, new):
        return not path and (old_root == root if old else True)
    steps = list(path) if old & (old - 1) else [old_root, *path]
    if old > new or not steps:
        return False
    node, last = old - 1, new - 1
    while node & 1:
        node >>= 1
        last >>= 1
    before = after = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            before, after = node_hash(step, before), node_hash(step, after)
            while node and not node & 1:
                node >>= 1
                last >>= 1
        else:
            after = node_hash(after, step)
        node >>= 1
        last >>= 1
    return last == 0 and (before, after) == (old_root, root)


def parse_checkpoint(text: str) -> tuple[str, int, bytes]:
    """(origin, size, root) of a checkpoint's three lines."""
    lines = text.split("\n")
    if len(lines) != 4 or lines[3] or not lines[0]:
        raise Malformed("not a checkpoint")
    root = unbase64(lines[2])
    if len(root) != HASH:
        raise Malformed("a root of the wrong length")
    return lines[0], parse_number(lines[1]), root


def parse_number(text: str) -> int:
    """A whole number without leading zeroes, below 2^53."""
    if not re.fullmatch(r"0|[1-9][0-9]{0,15}", text) or int(text) >= MAX_SIZE:
        raise Malformed("not a number")
    return int(text)


PROOF_FORMAT = "c2sp.org/tlog-proof@v1"
PROOF_SUFFIX = ".tlog-proof"


def split_proof(text: str) -> tuple[bytes, int, list[bytes], bytes]:
    """(record, index, path, note) of a tlog-proof that carries its record."""
    top, blank, note = text.partition("\n\n")
    lines = top.split("\n")
    if not blank or lines[0] != PROOF_FORMAT or len(lines) < 3:
        raise Malformed("not a proof")
    if not lines[1].startswith("extra ") or not lines[2].startswith("index "):
        raise Malformed("not a proof that carries its record")
    path = [unbase64(step) for step in lines[3:]]
    if any(len(step) != HASH for step in path):
        raise Malformed("a hash of the wrong length")
    return unbase64(lines[1][6:]), parse_number(lines[2][6:]), path, note.encode()


# 4. Records: their form
WORD = re.compile(r"[A-Za-z0-9._:/@+=,~()#<>*-]{1,255}")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TIME = re.compile(r"[0-9]{4}(-[0-9]{2}){2}T[0-9]{2}(:[0-9]{2}){2}\.[0-9]{6}Z")


def _is(pattern: re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MAX_SIZE


def _words(value: Any) -> bool:
    return isinstance(value, list) and 0 < len(value) <= 64 and all(map(_is(WORD), value))


def _counts(value: Any) -> bool:
    label = _is(re.compile(r"[A-Z][A-Z0-9_]{0,39}"))
    return (
        isinstance(value, dict)
        and 0 < len(value) <= 64
        and all(label(key) and _count(number) for key, number in value.items())
    )


def _one_of(*words: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and value in words


CHOICES = {
    "actor": ("person", "service", "system", "unknown"),
    "decision": ("allow", "deny"),
    "action": ("none", "masked", "generalised", "blocked", "passed"),
}
TYPES = {
    "word": _is(WORD),
    "words": _words,
    "count": _count,
    "flag": lambda value: isinstance(value, bool),
    "hex32": _is(re.compile(r"[0-9a-f]{32}")),
    "hex64": _is(re.compile(r"[0-9a-f]{64}")),
    "time": _is(TIME),
    "counts": _counts,
    **{name: _one_of(*words) for name, words in CHOICES.items()},
}
BLOCKS = {
    "emit": "node:word boot:hex32 worker:word n:count",
    "actor": "type:actor pid:hex32 roles:words assurance:word client:word",
    "target": "assistant:word version:word channel:word conversation:word language:word "
    "level:count documents:words tenant:word log:hex32 session:hex64 object:word key:word "
    "view:word seq:count first:count end:count from:time to:time kinds:words records:count "
    "keys:words days:count task:word",
    "model": "wanted:words provider:word asked:word answered:word response:word digest:word",
    "use": "messages:count bytes_in:count bytes_out:count tokens_in:count tokens_out:count "
    "tokens_cached:count tokens_reasoning:count estimated:flag stream:flag attempts:count "
    "ms:count first_ms:count finish:word calls_logged:count calls_maybe:count "
    "calls_outside:count calls_unlogged:count counter:count tools:count",
    "policy": "digest:word decision:decision rules:words duties:words shadow:words reviewer:hex32 "
    "count:count",
    "privacy": "action:action profile:word counts:counts kept:counts detector:word",
    "http": "method:word route:word status:count code:word param:word request:word",
    "trace": "trace:hex32 span:word",
    "change": "before:word after:word origin:word vkey:word size:count root:hex64 ground:word "
    "cosigner:hex64 sealed_days:count audit_days:count",
}
BLOCK_FIELDS = {
    name: dict(pair.split(":") for pair in words.split()) for name, words in BLOCKS.items()
}
REQUIRED_FIELDS = {"emit": ("node", "boot", "worker", "n"), "actor": ("type",)}
_CHAT = "target model use policy privacy http trace"
_ACT = "target change policy http trace"
_BASE = "target http trace"
# kind: (phases, outcomes, blocks it must carry, blocks it may carry)
KINDS = {
    "chat.started": ("intent", "", "target", "model use policy http trace"),
    "chat.finished": ("result", "success", "", _CHAT),
    "chat.aborted": ("result", "aborted", "", _CHAT),
    "chat.failed": ("result", "failed", "", _CHAT),
    "chat.refused": ("result fact", "denied", "", _CHAT),
    "chat.unknown": ("result", "unknown", "", "target"),
    "task.started": ("intent", "", "target", "model use policy http trace"),
    "task.finished": ("result", "success", "", _CHAT),
    "task.failed": ("result", "failed", "", _CHAT),
    "task.refused": ("result fact", "denied", "", _CHAT),
    "tool.called": ("fact", "success denied failed unknown", "target", _CHAT),
    "document.added": ("fact", "success denied failed", "target", _ACT),
    "document.removed": ("fact", "success denied failed", "target", _ACT),
    "review.requested": ("fact", "success", "target", _CHAT),
    "review.decided": ("fact", "success denied", "target", _CHAT),
    "auth.login": ("fact", "success", "", _BASE),
    "auth.logout": ("fact", "success", "", _BASE),
    "auth.failed": ("fact", "denied failed", "", _BASE),
    "session.ended": ("fact", "success", "", _BASE),
    "session.expired": ("fact", "success", "", _BASE),
    "request.served": ("fact", "success", "http", "target trace"),
    "request.refused": ("fact", "denied failed", "http", "target policy privacy trace"),
    "admin.changed": ("fact", "success denied failed", "target", _ACT),
    "admin.viewed": ("fact", "success denied", "target", "http trace"),
    "policy.published": ("fact", "success failed", "policy", _ACT),
    "model.changed": ("fact", "success failed", "model", _ACT),
    "key.created": ("fact", "success", "target", _ACT),
    "key.rotated": ("fact", "success", "target", _ACT),
    "key.compromised": ("fact", "unknown", "target", _ACT),
    "key.retired": ("fact", "success", "target", _ACT),
    "log.created": ("fact", "success", "target change", ""),
    "log.opened": ("fact", "success", "", "target change"),
    "log.heads": ("fact", "success", "change", ""),
    "log.heartbeat": ("fact", "success", "", "change"),
    "log.closed": ("fact", "success", "target change", ""),
    "log.rollback": ("fact", "success", "target change", "policy"),
    "clock.stepped": ("fact", "success", "change", ""),
    "audit.read": ("fact", "success denied", "target", "http trace"),
    "audit.exported": ("fact", "success denied failed", "target", "http trace change"),
    "audit.unsealed": ("fact", "success denied", "target", "http trace change"),
    "hold.placed": ("fact", "success denied", "target", _ACT),
    "hold.lifted": ("fact", "success denied", "target", _ACT),
    "erasure.requested": ("fact", "success", "target", _ACT),
    "erasure.refused": ("fact", "denied", "target", _ACT),
    "erasure.confirmed": ("fact", "success", "target", _ACT),
    "erasure.done": ("fact", "success failed", "target", _ACT + " privacy"),
    "retention.pruned": ("fact", "success failed", "target", _ACT),
    "retention.ran": ("fact", "success failed", "target", _ACT + " privacy"),
    "reconcile.result": ("fact", "success failed", "target", "use change"),
    "incident.opened": ("fact", "success unknown", "target", _ACT),
    "incident.closed": ("fact", "success", "target", _ACT),
}
TURNS = ("key.rotated", "key.compromised", "log.rollback")
LAWS = ("erasure.requested", "erasure.confirmed", "retention.pruned")
COMPARED = "reconcile.result"
SEALED_NAMES = {"user", "ip", "note", "query"}
SEALED_CONTENT = {"prompt", "answer", "title", "document", "address"}
CONTENT_PREFIXES = ("chat.", "task.", "tool.", "document.", "review.")
ALWAYS = ("v", "id", "log", "seq", "time", "seen", "kind", "phase", "emit", "actor")
FORMS = {"id": UUID, "re": UUID, "reason": WORD, "seen": TIME, "time": TIME}


def _whole_number(text: str) -> int:
    number = int(text)
    if abs(number) >= 2**53:
        raise ValueError
    return number


def _no_float(_text: str) -> Any:
    raise ValueError("floats are not allowed")


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs) or not all(map(str.isascii, found)):
        raise ValueError("a key occurs twice, or is not ASCII")
    return found


def parse_record(leaf: bytes) -> dict[str, Any]:
    """The record, if its bytes are the one canonical form."""
    try:
        record = json.loads(
            leaf.decode("utf-8"),
            object_pairs_hook=_pairs,
            parse_int=_whole_number,
            parse_float=_no_float,
            parse_constant=_no_float,
        )
        again = json.dumps(record, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        canonical = again.encode("utf-8") == leaf
    except (ValueError, RecursionError):
        raise Malformed("the record is not JSON of the allowed form") from None
    if not canonical or not isinstance(record, dict):
        raise Malformed("the record is not in canonical form")
    return record


def find_fault(record: dict[str, Any]) -> str | None:
    """What is wrong with a record's fields, or None."""
    kind = KINDS.get(str(record.get("kind")))
    if kind is None:
        return "unknown kind"
    phases, outcomes, required, optional = (words.split() for words in kind)
    for name in (*ALWAYS, *required):
        if name not in record:
            return f"{name} is missing"
    fits = {
        "v": type(record["v"]) is int and record["v"] == 1,
        "phase": record["phase"] in phases,
        "outcome": record["outcome"] in outcomes if "outcome" in record else not outcomes,
        "re": ("re" in record) == (record["phase"] == "result"),
    }
    for name, form in FORMS.items():
        if name in record and not _is(form)(record[name]):
            fits[name] = False
    wrong = [name for name, good in fits.items() if not good]
    if wrong:
        return f"{wrong[0]} is not what the kind demands"
    return _find_block_fault(record, set(required) | set(optional))


def _find_block_fault(record: dict[str, Any], carried: set[str]) -> str | None:
    known = set(ALWAYS) | {"outcome", "reason", "re", "seal"} | carried
    for name, block in record.items():
        if name not in known:
            return "unknown field"
        if name not in BLOCKS:
            continue
        if not isinstance(block, dict) or not block:
            return f"{name} is not a block"
        for needed in REQUIRED_FIELDS.get(name, ()):
            if needed not in block:
                return f"{name}.{needed} is missing"
        for field, value in block.items():
            code = BLOCK_FIELDS[name].get(field)
            if code is None:
                return f"unknown field in {name}"
            if not TYPES[code](value):
                return f"{name}.{field} is not in the required form"
    return _find_seal_fault(record) if "seal" in record else None


def _find_seal_fault(record: dict[str, Any]) -> str | None:
    content = record["kind"].startswith(CONTENT_PREFIXES)
    allowed = SEALED_NAMES | (SEALED_CONTENT if content else set())
    seal = record["seal"]
    if not isinstance(seal, dict) or not seal or not allowed.issuperset(seal):
        return "seal is not in the required form"
    for entry in seal.values():
        good = (
            isinstance(entry, dict)
            and set(entry) == {"c", "k", "n"}
            and TYPES["hex64"](entry["c"])
            and TYPES["hex32"](entry["k"])
            and _count(entry["n"])
        )
        if not good:
            return "seal is not in the required form"
    return None


# Most records are of good form. One pattern for each kind and phase accepts a record that has the
# canonical form and fits its kind, without parsing it; what no pattern accepts is parsed, and
# `parse_record` and `find_fault` alone decide. A pattern accepts nothing that these would refuse.
# Before matching a comma is put in front of every closing brace, so that each field ends in one.
# `(?:x|)` stands for `(?:x)?`, and digits are written out: both are several times faster in `re`.

_NUMBER = r"(?:0|[1-9][0-9]{0,14})"
_WORD = f'"{WORD.pattern}"'
_LABEL = f'"[A-Z][A-Z0-9_]{{0,39}}":{_NUMBER},'
_DAY = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]"
_MOMENT = _DAY + "T[0-9][0-9]:[0-9][0-9]:[0-9][0-9][.][0-9][0-9][0-9][0-9][0-9][0-9]Z"
_TIME = f'"{_MOMENT}"'
_FOUR = "[0-9a-f][0-9a-f][0-9a-f][0-9a-f]"
_UUID = f"{_FOUR}{_FOUR}-{_FOUR}-{_FOUR}-{_FOUR}-{_FOUR}{_FOUR}{_FOUR}"
FRAGMENTS = {
    "word": _WORD,
    "words": rf"\[{_WORD}(?:,{_WORD}){{0,63}}\]",
    "count": _NUMBER,
    "flag": "(?:true|false)",
    "hex32": '"[0-9a-f]{32}"',
    "hex64": '"[0-9a-f]{64}"',
    "time": _TIME,
    "counts": rf"\{{(?:{_LABEL}){{1,64}}\}}",
    **{name: '"(?:' + "|".join(words) + ')"' for name, words in CHOICES.items()},
}
_SEALED = r'\{"c":"[0-9a-f]{64}","k":"[0-9a-f]{32}","n":' + _NUMBER + r",\}"
LABELS = re.compile(rb'"([A-Z][A-Z0-9_]*)"')


def _object(fields: dict[str, str], needed: tuple[str, ...] = ()) -> str:
    """The pattern of an object with at least one of these fields, in canonical order."""
    parts = []
    for name in sorted(fields):
        part = f'"{name}":{fields[name]},'
        parts.append(part if name in needed else f"(?:{part}|)")
    return r"\{" + "".join(parts) + r"\}"


def _block_pattern(name: str) -> str:
    fields = {field: FRAGMENTS.get(code, "") for field, code in BLOCK_FIELDS[name].items()}
    if name == "emit":
        fields["boot"] = '"(?P<boot>[0-9a-f]{32})"'
        fields["n"] = f"(?P<n>{_NUMBER})"
    for field, code in BLOCK_FIELDS[name].items():
        if code == "counts":
            fields[field] = f"(?P<{field}>{fields[field]})"
    known = {field: pattern for field, pattern in fields.items() if pattern}
    return _object(known, REQUIRED_FIELDS.get(name, ()))


class Form:
    """What a good record of one kind and phase looks like, byte for byte."""

    def __init__(self, kind: str, phase: str, log_id: str) -> None:
        _, outcomes, required, optional = (words.split() for words in KINDS[kind])
        self.kind, self.phase = kind, phase
        fields = {"id": f'"(?P<id>{_UUID})"', "seq": f"(?P<seq>{_NUMBER})", "v": "1"}
        fields |= {"time": f'"(?P<time>{_MOMENT})"', "seen": _TIME, "reason": _WORD}
        fields |= {"kind": f'"{re.escape(kind)}"', "phase": f'"{phase}"', "log": f'"{log_id}"'}
        needed = {*ALWAYS, *required}
        if outcomes:
            fields["outcome"] = f'"(?:{"|".join(outcomes)})"'
            needed.add("outcome")
        if phase == "result":
            fields["re"] = f'"(?P<re>{_UUID})"'
            needed.add("re")
        names = SEALED_NAMES | (SEALED_CONTENT if kind.startswith(CONTENT_PREFIXES) else set())
        fields["seal"] = _object(dict.fromkeys(names, _SEALED))
        for name in {"emit", "actor", *required, *optional}:
            fields[name] = _block_pattern(name)
        self.pattern = re.compile(_object(fields, tuple(needed)).encode())
        self.counts = [name for name in ("counts", "kept") if name in self.pattern.groupindex]

    def match(self, leaf: bytes) -> re.Match[bytes] | None:
        """The match of a record that surely has this form, or None."""
        found = self.pattern.fullmatch(leaf.replace(b"}", b",}"))
        if found is not None:
            for name in self.counts:
                labels = LABELS.findall(found[name] or b"")
                if len(labels) > 1 and labels != sorted(set(labels)):
                    return None
        return found


# 5. Records: their order, and what is gone of them


class Ids:
    """Every record id with its position; those that occur twice are found at the end.

    Kept in memory up to `IDS_IN_MEMORY`, then spread over a temporary file by a hash that nobody
    outside this process can foresee, so that each part fits in memory again. With `failed` the
    file could not be written: nothing can be said.
    """

    PARTS = 256
    ROW = 24

    def __init__(self) -> None:
        self.parts = [bytearray() for _ in range(self.PARTS)]
        self.extents: list[list[tuple[int, int]]] = [[] for _ in range(self.PARTS)]
        self.file: Any = None
        self.waiting = 0
        self.failed = False

    def add(self, identity: str, seq: int) -> None:
        raw = bytes.fromhex(identity.replace("-", ""))
        self.parts[hash(raw) % self.PARTS] += raw + seq.to_bytes(8, "big")
        self.waiting += 1
        if self.waiting >= IDS_IN_MEMORY:
            self._spill()

    def _spill(self) -> None:
        self.waiting = 0
        try:
            if self.file is None and not self.failed:
                self.file = tempfile.TemporaryFile()
            for part, extents in zip(self.parts, self.extents):  # noqa: B905 - Python 3.9
                if not self.failed and part:
                    extents.append((self.file.seek(0, os.SEEK_END), self.file.write(part)))
                part.clear()
        except OSError:
            self.failed = True

    def find_repeated(self) -> Iterator[int]:
        """Positions of records whose id stands further up already."""
        for part, extents in zip(self.parts, self.extents):  # noqa: B905 - Python 3.9
            data = bytes(part)
            for at, length in extents:
                self.file.seek(at)
                data += self.file.read(length)
            rows = range(0, len(data), self.ROW)
            if len({data[at : at + 16] for at in rows}) < len(rows):
                whole = sorted(data[at : at + self.ROW] for at in rows)
                for at in range(1, len(whole)):
                    if whole[at - 1][:16] == whole[at][:16]:
                        yield int.from_bytes(whole[at][16:], "big")


class RecordChecker:
    """Checks records in order: form, position, time, emitters' counters, intents and endings.

    `first` is the position it starts at; from 0 every counter must start at 1 and every ending
    must have its intent. Repeated ids are told by `find_repeated_ids` at the end.
    """

    def __init__(self, log_id: str, first: int = 0) -> None:
        self.log_id, self.next, self.whole = log_id, first, first == 0
        self.last_time, self.first_time = "", ""
        self.emitters: dict[str, int] = {}
        self.writers_followed = self.intents_followed = True
        self.open: dict[str, tuple[int, str, str]] = {}
        self.ids = Ids()
        self.forms: dict[bytes, tuple[Form, ...]] = {}
        self.heartbeats = 0
        self.silences: list[dict[str, Any]] = []
        self.silent, self.longest = 0, 0.0

    def skip_to(self, seq: int) -> None:
        """Records up to `seq` are not there: counters and endings cannot be followed across."""
        self.next, self.whole, self.last_time = seq, False, ""
        self.emitters.clear()

    def check_quickly(self, seq: int, leaf: bytes) -> list[str] | None:
        """Reasons why a record of good form cannot stand here; None when `check` must look."""
        at = leaf.find(b'"kind":"') + 8
        kind = leaf[at : leaf.find(b'"', at)]
        for form in self.forms.get(kind) or self._find_forms(kind):
            found = form.match(leaf) if len(leaf) <= MAX_LEAF else None
            if found is not None:
                boot, n, identity, place, when = found.group("boot", "n", "id", "seq", "time")
                if int(place) != seq:
                    return None
                ended = found["re"].decode() if form.phase == "result" else None
                return self._place(
                    seq,
                    (form.kind, form.phase, identity.decode(), ended),
                    when.decode(),
                    (boot.decode(), int(n)),
                )
        return None

    def _find_forms(self, kind: bytes) -> tuple[Form, ...]:
        name = kind.decode("ascii", "replace")
        if name not in KINDS or name in TURNS or name in LAWS or name == COMPARED:
            return ()
        phases = KINDS[name][0].split()
        forms = tuple(Form(name, phase, self.log_id) for phase in phases)
        return self.forms.setdefault(kind, forms)

    def check(self, seq: int, leaf: bytes) -> tuple[list[str], dict[str, Any] | None]:
        """(reasons why this record cannot stand here, the record or None)."""
        if len(leaf) > MAX_LEAF:
            return ["the record is larger than 8 KiB"], None
        try:
            record = parse_record(leaf)
        except Malformed as error:
            return [str(error)], None
        fault = find_fault(record)
        if fault:
            return [fault], None
        reasons = []
        if record["log"] != self.log_id:
            reasons.append("the record belongs to another log")
        if not _count(record["seq"]) or record["seq"] != seq:
            reasons.append("the record is not at its position")
        what = (record["kind"], record["phase"], record["id"], record.get("re"))
        emit = (record["emit"]["boot"], record["emit"]["n"])
        return reasons + self._place(seq, what, record["time"], emit), record

    def _place(
        self,
        seq: int,
        what: tuple[str, str, str, str | None],
        when: str,
        emit: tuple[str, int],
    ) -> list[str]:
        """What of a record of good form does not fit those before it."""
        kind, phase, identity, ended = what
        reasons: list[str] = []
        if seq != self.next:
            reasons.append("the record is not at its position")
        self.next = seq + 1
        if when[:16] != self.last_time[:16]:  # another minute
            self._follow_time(seq, kind, when, reasons)
        elif when < self.last_time and kind != "clock.stepped":
            reasons.append("time goes back")
        self.last_time = when
        if kind == "log.heartbeat":
            self.heartbeats += 1
        boot, n = emit
        before = self.emitters.get(boot, 0 if self.whole and self.writers_followed else None)
        if before is not None and n != before + 1:
            reasons.append(f"records of one writer are missing between number {before} and {n}")
        self.emitters[boot] = n
        if phase == "intent":
            self.open[identity] = (seq, when, kind)
        elif ended is not None and self.open.pop(ended, None) is None:
            if self.whole and self.intents_followed:
                reasons.append("it ends an intent that is not open")
        self.ids.add(identity, seq)
        if len(self.open) > MAX_OPEN or len(self.emitters) > MAX_WRITERS:
            self._let_go()
        return reasons

    def _follow_time(self, seq: int, kind: str, when: str, reasons: list[str]) -> None:
        if not self.last_time:
            self.first_time = self.first_time or when
            return
        if when < self.last_time and kind != "clock.stepped":
            reasons.append("time goes back")
        gap = seconds_between(self.last_time, when)
        if gap > SILENCE_S and kind != "clock.stepped":
            self.silent, self.longest = self.silent + 1, max(self.longest, gap)
            if len(self.silences) < MAX_LISTED:
                self.silences.append({"seq": seq, "from": self.last_time, "to": when})

    def _let_go(self) -> None:
        """Too much to remember: stop following, and say so at the end."""
        if len(self.open) > MAX_OPEN:
            self.open.clear()
            self.intents_followed = False
        if len(self.emitters) > MAX_WRITERS:
            self.emitters.clear()
            self.writers_followed = False

    def find_repeated_ids(self) -> Iterator[int]:
        """Positions of records whose id another record has."""
        return self.ids.find_repeated()

    def list_open(self) -> list[dict[str, Any]]:
        """The intents without an ending; `old` when the log went on for a while after them."""
        found = []
        for identity, (seq, when, kind) in sorted(self.open.items(), key=lambda item: item[1]):
            one = {"seq": seq, "time": when, "kind": kind, "id": identity}
            old = seconds_between(when, self.last_time) > OLD_INTENT_S
            found.append(one | {"old": True} if old else one)
        return found


def seconds_between(before: str, after: str) -> float:
    """From one time of a record to another; 0 when either is not on the calendar."""
    form = "%Y-%m-%dT%H:%M:%S.%fZ"
    try:
        begun = datetime.datetime.strptime(before, form)
        return (datetime.datetime.strptime(after, form) - begun).total_seconds()
    except ValueError:
        return 0.0


UNREAD = "files of records are missing or unreadable; the others were checked"
TOO_MANY = "too many at once to be followed to the end"
PARTLY = "only within the exported part: not all records are here"
NOT_HERE = "records that may allow it are not in this export"
NOT_ENDED = "the platform log does not prove that this log ended"
NOT_LET = "the platform log does not prove that this may go"
STRANGE = "another platform log allows it: name its key in a policy"
CUT_OFF = "records that may allow it were lost with the end of the log"
UNNAMED = "it does; but your policy does not name the platform log's key"
NOT_PRUNED = "the record that let the oldest records go is not proven"
UNASKED = "an erasure was confirmed that nobody else had asked for"
TOO_NEW = "records were pruned before 184 days were over"
SEALED_FORMAT = "parvis-audit-sealed/v1"


class Ended:
    """A log that takes no more records: when it ended, and what the platform log let go since.

    Raises one of `UNFIT` for a record that says nothing of the kind.
    """

    def __init__(self, log_id: str, size: int, record: dict[str, Any]) -> None:
        self.log_id, self.here, self.time = log_id, size, record["time"]
        self.size: int = record["change"].get("size", 0)
        self.told = record["log"], record["seq"]
        if (record["kind"], record["target"].get("log")) != ("log.closed", log_id):
            raise Malformed(NOT_ENDED)
        if self.size < size or record["log"] == log_id:
            raise Malformed(NOT_ENDED)
        self.root = bytes.fromhex(record["change"]["root"])
        self.sealed_end = self.pruned_end = 0
        self.pruned_by, self.pruned_at = -1, ""
        self.keys: set[bytes] = set()
        self.requests: dict[str, tuple[str, str]] = {}
        self.allowed_by: list[int] = []
        self.strange = False  # some of it is told by a platform log that nobody vouches for

    @property
    def is_cut(self) -> bool:
        """True when the end of the log was lost, and with it records that may have allowed it."""
        return self.here < self.size

    def allow(self, record: dict[str, Any]) -> None:
        """A record of the platform log that lets something go."""
        target, seq = record["target"], record["seq"]
        if record["kind"] not in LAWS or record.get("outcome") != "success":
            raise Malformed(NOT_LET)
        if target.get("log") != self.log_id or (
            record["log"] == self.told[0] and seq <= self.told[1]
        ):
            raise Malformed(NOT_LET)
        name, who = target.get("object", ""), (record["actor"].get("pid", ""), record["time"][:7])
        if record["kind"] == "erasure.requested":
            self.requests[name] = who
            return
        if record["kind"] == "erasure.confirmed" and record.get("reason") != "own":
            if self.requests.get(name, who) == who:
                raise Malformed(UNASKED)
        self.keys.update(key.encode() for key in target.get("keys", ()))
        if record["kind"] == "retention.pruned" and name in ("sealed", "records"):
            self._allow_before(name, target.get("end", 0), seq, record["time"])
        self.allowed_by.append(seq)

    def _allow_before(self, name: str, end: int, seq: int, when: str) -> None:
        if end > self.size or (name == "records" and end % WIDTH and end < self.here):
            raise Malformed(NOT_LET)
        if name == "sealed":
            self.sealed_end = max(self.sealed_end, end)
        elif end > self.pruned_end:
            self.pruned_end, self.pruned_by, self.pruned_at = end, seq, when

    def is_too_new(self, times: dict[int, str]) -> bool:
        """True when what was pruned, or the end of a log that went whole, was not 184 days old."""
        kept = self.time if self.pruned_end >= self.here else times.get(self.pruned_end)
        if not kept or not self.pruned_end:
            return False
        return seconds_between(kept, self.pruned_at) < FLOOR_DAYS * 86400


class Erasures:
    """What is gone, sealed values and old records, and the records that allow it.

    The file `sealed` of an export lists the sealed values that are kept no more. Each must have a
    record that names its key, or a `retention.pruned` for everything before a position.
    """

    ENTRY = re.compile(rb'"([a-z]+)":\{"c":"[0-9a-f]{64}","k":"([0-9a-f]{32})","n"')
    LINE = re.compile(rb"(0|[1-9][0-9]{0,15}) ([1-9][0-9]{0,15}) (\*|[a-z]+(?:,[a-z]+)*)")
    HEAD = re.compile(rb"retention (0 -|[1-9][0-9]{0,15} (?:0|[1-9][0-9]{0,15}))")

    def __init__(self) -> None:
        self.listed = self.too_many = self.claimed = False
        self.skimmed = False  # records were not read: nothing can be said of leave to prune them
        self.lines: Iterator[tuple[int, int, bytes]] = iter(())
        self.line: tuple[int, int, bytes] | None = None
        self.claim: tuple[int, int | None] = (0, None)
        self.fields = self.gone = 0
        self.before = (0, 0)  # the first record whose values went by the claim, and how many
        self.waiting: dict[bytes, list[int]] = {}
        self.keys: set[bytes] = set()
        self.allowed_by: list[int] = []
        self.requests: dict[str, tuple[str, str]] = {}
        self.prunes: list[tuple[int, int]] = []
        self.proven: tuple[int, int, str] | None = (
            None  # as in `prunes`, and when; it may lie elsewhere
        )
        self.times: dict[int, str] = {}  # of the first record of each bundle
        self.ended: Ended | None = None

    def open(self, data: bytes) -> bool:
        """True when the file is in the required form; from then on it is followed."""
        first, _, rest = data.partition(b"\n")
        top, _, body = rest.partition(b"\n")
        head = self.HEAD.fullmatch(top)
        if first != SEALED_FORMAT.encode() or head is None or not data.endswith(b"\n"):
            return False
        last = 0
        for line in body[:-1].split(b"\n") if body else ():
            found = self.LINE.fullmatch(line)
            if found is None or not last <= int(found[1]) < int(found[2]) < MAX_SIZE:
                return False
            last = int(found[2])
        words = head[1].split(b" ")
        self.claim = (int(words[0]), None if words[1] == b"-" else int(words[1]))
        self.lines = (
            (int(found[1]), int(found[2]), found[3]) for found in self.LINE.finditer(body)
        )
        self.line, self.listed = next(self.lines, None), True
        return True

    def take(self, seq: int, leaf: bytes) -> tuple[str, ...]:
        """Count a record's sealed values; those that are gone wait for a record that allows it."""
        count = leaf.count(b'{"c":"')
        self.fields += count
        while self.line is not None and self.line[1] <= seq:
            self.line = next(self.lines, None)
        if self.line is None or seq < self.line[0]:
            return ()
        entries = dict(self.ENTRY.findall(leaf)) if count else {}
        names = list(entries) if self.line[2] == b"*" else self.line[2].split(b",")
        self.lose(seq, [entries[name] for name in names if name in entries])
        if set(names) <= set(entries):
            return ()
        return ("a value is said to be gone that the record does not have",)

    def lose(self, seq: int, keys: list[bytes]) -> None:
        """Values of one record, under these keys, are gone."""
        self.gone += len(keys)
        if self.ended is not None and seq < self.ended.sealed_end:
            return
        if seq < self.claim[0]:
            self.before = (self.before[0] if self.before[1] else seq, self.before[1] + len(keys))
            return
        for key in keys:
            if len(self.waiting) < MAX_WAITING or key in self.waiting:
                waiting = self.waiting.setdefault(key, [seq, 0])
                waiting[1] += 1
            else:
                self.too_many = True

    def note(self, seq: int, record: dict[str, Any], whole: bool) -> Iterator[str]:
        """A record about erasing or pruning: what it allows, and what is wrong with it."""
        target, pid = record["target"], record["actor"].get("pid", "")
        name, when = target.get("object", ""), (pid, record["time"][:7])
        if target.get("log", record["log"]) != record["log"]:
            return  # the platform log tells what went from a log that ended
        if record["kind"] == "erasure.requested":
            if len(self.requests) < MAX_WAITING:
                self.requests[name] = when
            return
        if record["kind"] == "erasure.confirmed" and record.get("reason") != "own":
            asked = self.requests.get(name)
            if asked == when or (asked is None and whole):
                yield UNASKED
                return
        if record.get("outcome") != "success":
            return
        self.keys.update(key.encode() for key in target.get("keys", ()))
        if "keys" in target or name == "sealed":
            self.allowed_by.append(seq)
        if name == "sealed" and (target.get("end"), seq) == self.claim and self.claim[0] <= seq:
            self.claimed = True
        if record["kind"] == "retention.pruned" and name == "records":
            yield from self._note_pruned(seq, target, record["time"])

    def _note_pruned(self, seq: int, target: dict[str, Any], when: str) -> Iterator[str]:
        end, last = target.get("end", 0), self.prunes[-1][1] if self.prunes else 0
        if end <= last or end % WIDTH or end > seq:
            yield "the minimum index does not grow"
            return
        self.prunes.append((seq, end))
        kept = self.times.get(end)
        if kept is not None and seconds_between(kept, when) < FLOOR_DAYS * 86400:
            yield TOO_NEW

    def prove(self, record: dict[str, Any]) -> None:
        """A proven record that let the oldest records go; raises one of `UNFIT` for another."""
        target, seq = record["target"], record["seq"]
        end = target.get("end", 0)
        what = (record["kind"], record.get("outcome"), target.get("object"))
        if what != ("retention.pruned", "success", "records") or end % WIDTH or not 0 < end <= seq:
            raise Malformed(NOT_PRUNED)
        if target.get("log", record["log"]) != record["log"]:
            raise Malformed(NOT_PRUNED)
        self.proven = (seq, end, record["time"])

    def _is_too_new(self) -> bool:
        """True when what a proven record let go was not 184 days old, nor told of already."""
        if self.proven is None or self.proven[:2] in self.prunes:
            return False
        kept = self.times.get(self.proven[1])
        return bool(kept) and seconds_between(kept or "", self.proven[2]) < FLOOR_DAYS * 86400

    def find_lost(self) -> Iterator[tuple[int, int]]:
        """(position, how many) of values that are gone and that no record allows to go."""
        if self.before[1] and not self.claimed:
            yield self.before
        for key, (seq, count) in self.waiting.items():
            if key not in self.keys and not (self.ended and key in self.ended.keys):
                yield seq, count

    def settle(self, book: Notebook, span: tuple[int, int], size: int, last: str) -> None:
        """Whether all that is gone went by a record's leave, and what is left.

        `last` is the time of the last record that is here; empty when it is not known.
        """
        why = self._find_doubt(span[1] == size)
        whole, lost = not why, list(self.find_lost())
        for seq, _ in lost if whole else ():
            book.find("TAMPERED", "sealed", "sealed values are gone and no record allows it", seq)
        missing = sum(count for _, count in lost) if whole else 0
        book.facts["sealed"] = {
            "fields": self.fields,
            "held": self.fields - self.gone,
            "erased": self.gone - missing,
            "missing": missing,
            "allowed_by": self.allowed_by[:MAX_LISTED],
        }
        if self.ended is not None:
            book.facts["sealed"]["platform"] = self.ended.allowed_by[:MAX_LISTED]
        if not self.listed:
            book.skip("sealed", "missing")
        elif self.too_many:
            book.skip("sealed", TOO_MANY)
        elif lost and why:
            book.skip("sealed", why)
        else:
            book.done("sealed")
        self._settle_begin(book, span[0], span[1])
        self._settle_end(book, span, size, last)

    def _find_doubt(self, whole: bool) -> str:
        """Why what nobody allowed to go may have been allowed all the same; empty: it was not."""
        if self.ended is not None and self.ended.strange:
            return STRANGE
        if self.ended is not None and self.ended.is_cut:
            return CUT_OFF
        return "" if whole and not self.skimmed else NOT_HERE

    def _settle_begin(self, book: Notebook, first: int, end: int) -> None:
        """Records before the first were not asked for, or went by a record's leave."""
        since, begun = book.facts.get("asked", ["-", "-"])[0], self.times.get(first)
        told = self._find_pruned(first)
        if first and told is not None:
            book.facts["pruned"] = {"end": first} | told
        if self._is_too_new() or (self.ended is not None and self.ended.is_too_new(self.times)):
            book.find("TAMPERED", "keys.jsonl", TOO_NEW)
        why = self._find_doubt(True)
        if first and first < end and not begun and not self.skimmed:
            book.skip("pruned", UNREAD)
        elif not first or told is not None or (begun and begun < since != "-"):
            book.done("pruned")
        elif why:
            book.skip("pruned", why)
        else:
            words = "records before the first are not here and no record allows that"
            book.find("TAMPERED", "", words)
            book.done("pruned")

    def _find_pruned(self, first: int) -> dict[str, Any] | None:
        """The record that let those before `first` go."""
        proven = [self.proven[:2]] if self.proven else []
        by = next((seq for seq, pruned in [*self.prunes, *proven] if pruned >= first), None)
        if by is not None:
            return {"by": by}
        if self.ended is not None and self.ended.pruned_end >= first:
            return {"by": self.ended.pruned_by, "platform": True}
        return None

    def _settle_end(self, book: Notebook, span: tuple[int, int], size: int, last: str) -> None:
        """Records after the last were not asked for."""
        until = book.facts.get("asked", ["-", "-"])[1]
        if span[1] == size:
            return
        if until == "-":
            words = "the last records are not here though nobody asked for an end"
            book.find("TAMPERED", "", words)
        elif self.skimmed:
            return  # what the records say was left out
        elif span[0] == span[1] or (last and last < until):
            book.find("TAMPERED", "", "the export ends before the period that was asked for")


# 6. What others vouch for: cosignatures (c2sp.org/tlog-cosignature), the policy (tlog-policy)
COSIGNERS = {b"\x04": 32, b"\x06": 1312}  # Ed25519, ML-DSA-44: bytes of the public key
MLDSA = b"\x06"
NO_COSIGNER = "the head is not signed by ML-DSA-44, as your policy demands"
NO_MLDSA = "cosignatures by ML-DSA-44 need the package cryptography, 48 or newer"


class Cosigner(VerifierKey):
    """A witness's key, or a log's second one: it signs a head together with the time."""

    LENGTHS = COSIGNERS
    FAULT = "not a witness's verifier key (Ed25519 or ML-DSA-44)"

    def __init__(self, vkey: str) -> None:
        super().__init__(vkey)
        if len(self.name.encode()) > MAX_NAME:
            raise Malformed(self.FAULT)

    def read_time(self, text: str, signature: bytes) -> int:
        """When the witness signed this head, in seconds since 1970; 0 when it does not say.

        Malformed when the signature does not fit; Unsupported when this machine cannot tell.
        """
        when = int.from_bytes(signature[:8], "big")
        good = when < 2**63 and self._has_signed(
            cosigned_message(self.kind, self.name, when, text), signature[8:]
        )
        if not good:
            raise Malformed(f"the cosignature of {self.name} does not fit")
        return when

    def _has_signed(self, message: bytes, signature: bytes) -> bool:
        if self.kind == b"\x04":
            return check_signature(self.public, signature, message)
        if MLDSA44PublicKey is None:
            raise Unsupported(NO_MLDSA)
        try:
            MLDSA44PublicKey.from_public_bytes(self.public).verify(signature, message)
        except UnsupportedAlgorithm:
            raise Unsupported(NO_MLDSA) from None
        except (InvalidSignature, ValueError):
            return False
        return True


def cosigned_message(kind: bytes, name: str, when: int, text: str) -> bytes:
    """What a witness signs of a checkpoint's text: with 0x06 its own name too, no extensions."""
    if kind == b"\x04":
        return f"cosignature/v1\ntime {when}\n{text}".encode()
    origin, size, root = text.split("\n")[:3]
    named, logged = name.encode(), origin.encode()
    if max(len(named), len(logged)) > MAX_NAME:
        raise Malformed("a name or an origin too long for a cosignature")
    signed = b"subtree/v1\n\x00" + bytes([len(named)]) + named + when.to_bytes(8, "big")
    signed += bytes([len(logged)]) + logged + bytes(8) + parse_number(size).to_bytes(8, "big")
    return signed + unbase64(root)


class Trust:
    """Witnesses, groups, quorum (c2sp.org/tlog-policy) and time-stamp authorities of a policy."""

    def __init__(self) -> None:
        self.witnesses: dict[str, Cosigner] = {}
        self.groups: dict[str, tuple[int, list[str]]] = {}
        self.quorum: str | None = None
        self.urls: dict[str, str] = {}
        self.roots: dict[str, bytes] = {}
        self.cosigners: dict[str, tuple[Cosigner, ...]] = {}  # the logs' own keys, by origin
        self._used: set[str] = set()

    @property
    def demands(self) -> bool:
        """True when a head counts only with the cosignatures of the quorum."""
        return self.quorum != "none"

    def add_witness(self, name: str, vkey: str, url: str = "") -> None:
        witness = Cosigner(vkey)
        if any(witness.public == other.public for other in self.witnesses.values()):
            raise Malformed("the policy names a witness twice")
        self._claim(name)
        self.witnesses[name], self.urls[name] = witness, url

    def add_cosigner(self, vkey: str) -> None:
        """Demand of a log that its head is signed by its ML-DSA-44 key too."""
        cosigner = Cosigner(vkey)
        self.cosigners[cosigner.name] = (*self.cosigners.get(cosigner.name, ()), cosigner)

    def add_group(self, name: str, word: str, members: list[str]) -> None:
        for member in members:
            if member not in self.witnesses and member not in self.groups:
                raise Malformed("a group of the policy has a member that is not defined above it")
            if member in self._used:
                raise Malformed("a member of two groups of the policy")
            self._used.add(member)
        least = {"any": 1, "all": len(members)}.get(word) or parse_number(word)
        if not 1 <= least <= len(members):
            raise Malformed("a group of the policy asks for more members than it has")
        self._claim(name)
        self.groups[name] = (least, members)

    def set_quorum(self, name: str) -> None:
        if self.quorum is not None:
            raise Malformed("the policy has two quorum lines")
        if name != "none" and name not in self.witnesses and name not in self.groups:
            raise Malformed("the quorum of the policy is not defined above it")
        self.quorum = name

    def add_root(self, name: str, encoded: str) -> None:
        if name in self.roots:
            raise Malformed("the policy names an authority twice")
        self.roots[name] = unbase64(encoded)
        if x509 is not None:
            _load_certificate(self.roots[name])

    def _claim(self, name: str) -> None:
        if name == "none" or name in self.witnesses or name in self.groups:
            raise Malformed("the policy uses a name twice")

    def find_quorum(self, times: dict[str, int], name: str | None = None) -> int | None:
        """When the quorum was reached, given when each witness signed; None when it was not."""
        name = self.quorum if name is None else name
        if name is None or name == "none":
            return None
        if name in self.witnesses:
            return times.get(name)
        least, members = self.groups[name]
        found = [self.find_quorum(times, member) for member in members]
        reached = sorted(when for when in found if when is not None)
        return reached[least - 1] if len(reached) >= least else None

    def counting(self, name: str | None = None) -> list[str]:
        """The witnesses that the quorum can count; others count nothing."""
        name = self.quorum if name is None else name
        if name is None or name == "none":
            return []
        if name in self.witnesses:
            return [name]
        return [one for member in self.groups[name][1] for one in self.counting(member)]


Policy = tuple[dict[str, tuple["Key", ...]], "Trust"]


def load_policy(data: bytes) -> Policy:
    """The log keys of a tlog-policy by origin; its witnesses, quorum and time-stamp authorities.

    A line `#!tsa NAME BASE64` names an authority by its certificate (DER): for other readers of
    the format it is a comment.
    """
    logs: dict[str, tuple[Key, ...]] = {}
    trust = Trust()
    text = data.decode("utf-8", "surrogateescape")
    if re.search(r"[\x00-\x08\x0b-\x1f\x7f]", text):
        raise Malformed("control characters in the policy")
    for line in text.split("\n"):
        words = re.split(r"[ \t]+", line.strip(" \t"))
        if words[0] == "log" and len(words) in (2, 3):
            if split_vkey(words[1])[2][:1] == MLDSA:
                trust.add_cosigner(words[1])
                continue
            key = Key(words[1])
            logs[key.name] = (*logs.get(key.name, ()), key)
        elif words[0] == "witness" and len(words) in (3, 4):
            trust.add_witness(*words[1:])
        elif words[0] == "group" and len(words) > 3:
            trust.add_group(words[1], words[2], words[3:])
        elif words[0] == "quorum" and len(words) == 2:
            trust.set_quorum(words[1])
        elif words[0] == "#!tsa" and len(words) == 3:
            trust.add_root(words[1], words[2])
        elif words[0].startswith("#!") or (words[0] and not words[0].startswith("#")):
            raise Malformed("not a line of a tlog-policy")
    _check_policy(logs, trust)
    return logs, trust


def _check_policy(logs: dict[str, tuple[Key, ...]], trust: Trust) -> None:
    if trust.quorum is None:
        raise Malformed("no quorum line")
    if not set(trust.cosigners) <= set(logs):
        raise Malformed("the policy names an ML-DSA-44 key of a log without its Ed25519 key")
    if any(witness.name in logs for witness in trust.witnesses.values()):
        raise Malformed("the policy names a log as a witness of itself")


def read_cosignatures(note: bytes, trust: Trust, unread: list[str] | None = None) -> dict[str, int]:
    """When each witness of the policy signed this head; a wrong line of one is Malformed.

    Lines that this machine cannot check count nothing, and `unread` is told why.
    """
    text, signatures = split_note(note)
    times: dict[str, int] = {}
    for called, witness in trust.witnesses.items():
        for line in witness.list_lines(signatures):
            try:
                when = witness.read_time(text, line)
            except Unsupported as why:
                when = 0
                if unread is not None:
                    unread.append(str(why))
            if when:  # 0: the witness vouches for no time
                times[called] = max(when, times.get(called, 0))
    return times


def own_note(note: bytes, origin: str) -> bytes:
    """The note with the log's Ed25519 lines alone (key id, 64 bytes). Time stamps are over this."""
    text, signatures = split_note(note)
    own = [(name, raw) for name, raw in signatures if name == origin and len(raw) == 68]
    lines = (f"\u2014 {name} {base64.b64encode(raw).decode()}\n" for name, raw in own)
    return (text + "\n" + "".join(lines)).encode()


# 7. What others vouch for: time stamps (RFC 3161), printed heads


def read_der(data: bytes) -> list[tuple[int, bytes, bytes]]:
    """(tag, content, whole) of each element, which must be DER with definite lengths."""
    found, at = [], 0
    while at < len(data):
        start, tag, at = at, data[at], at + 1
        if tag & 0x1F == 0x1F or at >= len(data):
            raise Malformed("not DER")
        length, at = data[at], at + 1
        if length & 0x80:
            count = length & 0x7F
            length = int.from_bytes(data[at : at + count], "big")
            if not 1 <= count <= 4 or length < 0x80 or length >> (8 * count - 8) == 0:
                raise Malformed("not DER")
            at += count
        if at + length > len(data):
            raise Malformed("not DER")
        found.append((tag, data[at : at + length], data[start : at + length]))
        at += length
    return found


def open_der(data: bytes, *tags: int) -> bytes:
    """The content of the element reached by going into the first one, tag by tag."""
    for tag in tags:
        inner = read_der(data)
        if not inner or inner[0][0] != tag:
            raise Malformed("not of the expected ASN.1 form")
        data = inner[0][1]
    return data


OID_SIGNED_DATA = bytes.fromhex("2a864886f70d010702")
OID_TST_INFO = bytes.fromhex("2a864886f70d0109100104")
OID_CONTENT_TYPE = bytes.fromhex("2a864886f70d010903")
OID_DIGEST = bytes.fromhex("2a864886f70d010904")
OID_SIGNING_CERT = bytes.fromhex("2a864886f70d010910020c")
OID_SIGNING_CERT_2 = bytes.fromhex("2a864886f70d010910022f")
OID_PSS = bytes.fromhex("2a864886f70d01010a")
DIGESTS = {
    bytes.fromhex("608648016503040201"): "sha256",
    bytes.fromhex("608648016503040202"): "sha384",
    bytes.fromhex("608648016503040203"): "sha512",
}
# signature algorithms that name their digest: RSA PKCS#1 v1.5 and ECDSA with SHA-2
SIGNERS = {
    bytes.fromhex("2a864886f70d01010b"): "sha256",
    bytes.fromhex("2a864886f70d01010c"): "sha384",
    bytes.fromhex("2a864886f70d01010d"): "sha512",
    bytes.fromhex("2a8648ce3d040302"): "sha256",
    bytes.fromhex("2a8648ce3d040303"): "sha384",
    bytes.fromhex("2a8648ce3d040304"): "sha512",
}


class Token:
    """A time-stamp token (RFC 3161, CMS): what it says, and whether its signature holds."""

    def __init__(self, data: bytes) -> None:
        whole = read_der(data)
        outer = read_der(open_der(data, 0x30))
        if len(whole) != 1 or [tag for tag, _, _ in outer] != [6, 0xA0]:
            raise Malformed("not a time-stamp token")
        if outer[0][1] != OID_SIGNED_DATA:
            raise Malformed("not a time-stamp token")
        parts = read_der(open_der(outer[1][1], 0x30))
        if len(parts) < 4 or [tag for tag, _, _ in parts[:3]] != [2, 0x31, 0x30]:
            raise Malformed("not a time-stamp token")
        content = read_der(parts[2][1])
        if len(content) != 2 or content[0][1] != OID_TST_INFO:
            raise Malformed("not a time-stamp token")
        self.info = open_der(content[1][1], 4)
        certificates = [inner for tag, inner, _ in parts[3:] if tag == 0xA0]
        self.certificates = [
            whole
            for tag, _, whole in (read_der(certificates[0]) if certificates else ())
            if tag == 0x30
        ]
        if len(self.certificates) > MAX_CERTIFICATES:
            raise Malformed("a time stamp with too many certificates")
        signers = [inner for tag, inner, _ in parts[3:] if tag == 0x31]
        if len(signers) != 1 or len(read_der(signers[0])) != 1:
            raise Malformed("a time-stamp token has one signer")
        self.signer = read_der(open_der(signers[0], 0x30))
        self._read_info()

    def _read_info(self) -> None:
        parts = read_der(open_der(self.info, 0x30))
        if [tag for tag, _, _ in parts[:5]] != [2, 6, 0x30, 2, 0x18]:
            raise Malformed("not a time-stamp token")
        imprint = read_der(parts[2][1])
        if len(imprint) != 2 or imprint[1][0] != 4:
            raise Malformed("not a time-stamp token")
        self.digest_oid, self.imprint = open_der(imprint[0][1], 6), imprint[1][1]
        text = parts[4][1].decode("ascii", "replace")
        if not re.fullmatch(r"[0-9]{14}(\.[0-9]{1,9})?Z", text):
            raise Malformed("a time stamp without a time in UTC")
        try:
            moment = datetime.datetime.strptime(text[:14], "%Y%m%d%H%M%S")
        except ValueError:
            raise Malformed("a time stamp without a time in UTC") from None
        self.time = int(moment.replace(tzinfo=UTC).timestamp())

    def check_imprint(self, message: bytes) -> None:
        """The token is of these very bytes."""
        name = DIGESTS.get(self.digest_oid)
        if name is None:
            raise Unsupported("a time stamp over a digest that is not SHA-2")
        if hashlib.new(name, message).digest() != self.imprint:
            raise Malformed("the time stamp is of other bytes than this head")

    def check_signature(self) -> Any:
        """The signer's certificate, after checking what it signed; Malformed when it does not."""
        if x509 is None:
            raise Unsupported("time stamps need the package cryptography, 42 or newer")
        tags = [tag for tag, _, _ in self.signer]
        if tags[:4] != [2, tags[1], 0x30, 0xA0] or tags[4:6] != [0x30, 4]:
            raise Malformed("a time stamp without signed attributes")
        digest = DIGESTS.get(open_der(self.signer[2][1], 6))
        if digest is None:
            raise Unsupported("a time stamp signed over a digest that is not SHA-2")
        attributes = self._attributes(self.signer[3][1])
        if attributes.get(OID_CONTENT_TYPE) != b"\x06\x0b" + OID_TST_INFO:
            raise Malformed("the time stamp's signer signed another kind of content")
        said = open_der(attributes.get(OID_DIGEST, b""), 4)
        if said != hashlib.new(digest, self.info).digest():
            raise Malformed("the time stamp's content is not what was signed")
        certificate = self._find_signer(attributes)
        whole = self.signer[3][2]
        message = b"\x31" + whole[1:]  # RFC 5652, 5.4: signed as a SET
        oid = open_der(self.signer[4][1], 6)
        digest, salt = SIGNERS.get(oid, digest), read_salt(self.signer[4][1])
        _check_signed(certificate, oid, digest, self.signer[5][1], message, salt)
        return certificate

    @staticmethod
    def _attributes(data: bytes) -> dict[bytes, bytes]:
        found: dict[bytes, bytes] = {}
        for _, content, _ in read_der(data):
            parts = read_der(content)
            if [tag for tag, _, _ in parts] != [6, 0x31] or parts[0][1] in found:
                raise Malformed("not the attributes of a signature")
            found[parts[0][1]] = parts[1][1]
        return found

    def _find_signer(self, attributes: dict[bytes, bytes]) -> Any:
        """The certificate that the signed attributes name by its digest (RFC 5816)."""
        if OID_SIGNING_CERT_2 in attributes:
            first = read_der(open_der(attributes[OID_SIGNING_CERT_2], 0x30, 0x30, 0x30))
            name = "sha256" if first[0][0] == 4 else DIGESTS.get(open_der(first[0][1], 6))
            said = next((inner for tag, inner, _ in first if tag == 4), b"")
        else:
            name = "sha1"
            said = open_der(attributes.get(OID_SIGNING_CERT, b""), 0x30, 0x30, 0x30, 4)
        if name is None:
            raise Unsupported("a time stamp that names its certificate by an unknown digest")
        for whole in self.certificates:
            if hashlib.new(name, whole).digest() == said:
                return _load_certificate(whole)
        raise Malformed("the time stamp does not bring the certificate of its signer")

    def _load_others(self) -> Iterator[Any]:
        for whole in self.certificates:
            try:
                yield _load_certificate(whole)
            except Malformed:
                continue  # nobody signed what a token brings beside its signer's certificate

    def find_root(self, signer: Any, roots: dict[str, bytes]) -> str | None:
        """The authority of the policy that the signer's certificate leads to, or None."""
        trusted = {name: _load_certificate(whole) for name, whole in roots.items()}
        others = list(self._load_others())
        moment = datetime.datetime.fromtimestamp(self.time, UTC)
        return _find_chain(signer, others, trusted, moment)


def read_salt(algorithm: bytes) -> int:
    """The length of the salt in the parameters of RSASSA-PSS (RFC 4055 3.1); 20 by default."""
    parts = read_der(algorithm)[1:]
    for tag, content, _ in read_der(parts[0][1]) if parts and parts[0][0] == 0x30 else ():
        if tag == 0xA2:
            return int.from_bytes(open_der(content, 2), "big")
    return 20


def _load_certificate(whole: bytes) -> Any:
    if x509 is None:
        raise Unsupported("time stamps need the package cryptography, 42 or newer")
    try:
        return x509.load_der_x509_certificate(whole)
    except (ValueError, x509.InvalidVersion):
        raise Malformed("not a certificate") from None


def _check_signed(
    certificate: Any, oid: bytes, digest: str, signature: bytes, message: bytes, salt: int
) -> None:
    """The certificate's key signed `message`, for time stamps and nothing else (RFC 3161 2.3)."""
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
        only = list(usage.value) == [ExtendedKeyUsageOID.TIME_STAMPING] and usage.critical
    except (x509.ExtensionNotFound, ValueError):
        only = False
    if not only:
        raise Malformed("the time stamp's signer has no certificate for time stamps")
    method = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}
    used, key = method[digest], certificate.public_key()
    try:
        if isinstance(key, rsa.RSAPublicKey) and oid == OID_PSS:
            pss = padding.PSS(padding.MGF1(used), salt)
            key.verify(signature, message, pss, used)
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, message, padding.PKCS1v15(), used)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, message, ec.ECDSA(used))
        elif isinstance(key, Ed25519PublicKey):
            key.verify(signature, message)
        else:
            raise Unsupported("a time stamp signed with a key of an unknown kind")
    except InvalidSignature:
        raise Malformed("the signature of the time stamp does not fit") from None


def _find_chain(signer: Any, others: list[Any], trusted: dict[str, Any], moment: Any) -> str | None:
    """The trusted authority above (or equal to) `signer`, every certificate valid at `moment`."""
    level = [signer]
    for depth in range(MAX_CHAIN):
        level = [one for one in level if _is_valid(one, moment)]
        for name, root in trusted.items():
            if root in level or (
                _is_valid(root, moment) and any(_is_issuer(root, one, depth) for one in level)
            ):
                return name
        above = [one for one in others if any(_is_issuer(one, below, depth) for below in level)]
        others = [one for one in others if one not in above]  # each is looked at once
        level = above
    return None


def _is_valid(certificate: Any, moment: Any) -> bool:
    first, last = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return bool(first <= moment <= last)


def _is_issuer(issuer: Any, certificate: Any, below: int) -> bool:
    """True when `issuer` may sign certificates (with `below` authorities under it) and did."""
    try:
        certificate.verify_directly_issued_by(issuer)
        limits = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value
        if not limits.ca or (limits.path_length is not None and below > limits.path_length):
            return False
        usage = issuer.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound as missing:
        return missing.oid == ExtensionOID.KEY_USAGE
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False  # one that cannot be read issues nothing
    return bool(usage.key_cert_sign)


def check_token(token: bytes, message: bytes, roots: dict[str, bytes]) -> tuple[int, str | None]:
    """(time, the policy's authority or None) of a token over exactly these bytes.

    Malformed when the token does not hold; Unsupported when this machine cannot tell.
    """
    try:
        found = Token(token)
        found.check_imprint(message)
        signer = found.check_signature()
        return found.time, found.find_root(signer, roots)
    except (Malformed, Unsupported):
        raise
    except Exception as error:  # whatever a library says of hostile certificates
        raise Malformed("the time stamp cannot be read") from error


def format_moment(when: int) -> str:
    """Seconds since 1970 as a time in UTC."""
    try:
        moment = datetime.datetime.fromtimestamp(when, UTC)
    except (OverflowError, ValueError, OSError):
        return "a time beyond the calendar"
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class HeadLine:
    """A head as it was printed: date, log, size, begin of the root, two check digits."""

    def __init__(self, line: str) -> None:
        words = line.split()
        if len(words) != 5:
            raise Malformed("a printed head has five parts: date, log, size, root, check digits")
        self.date, self.log, count, self.root, digits = words
        if head_digits(" ".join(words[:4])) != digits:
            raise Malformed("the check digits do not fit: the printed head was mistyped")
        self.size = parse_number(count)
        form = r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9a-f]{32} [A-Za-z0-9+/]{20}"
        if not re.fullmatch(form, f"{self.date} {self.log} {self.root}"):
            raise Malformed("not a printed head")

    def fits(self, root: bytes) -> bool:
        return base64.b64encode(root).decode()[:20] == self.root


def head_digits(text: str) -> str:
    """Two digits that change with any one mistyped, and any two swapped neighbours."""
    total = 0
    for sign in text:
        total = (total * 10 + ord(sign) - 32) % 97
    return f"{total:02d}"


class Brought(NamedTuple):
    """What the auditor brings besides the folder: notes and a line kept elsewhere, an age."""

    notes: Sequence[tuple[str, bytes]] = ()
    line: HeadLine | None = None
    not_older_than: int | None = None
    hashes_only: bool = False


class Outside:
    """What is known of this log outside its operator's reach, gathered during one run."""

    def __init__(self, trust: Trust | None) -> None:
        self.trust = trust
        self.copies: list[dict[str, Any]] = []
        self.skipped: list[str] = []
        self.unread: list[str] = []  # why a cosignature counts nothing
        self.bounds: dict[int, int] = {}

    def take_note(self, note: bytes, size: int, place: str) -> None:
        """Count the cosignatures of a head that the log signed."""
        if self.trust is None:
            return
        times = read_cosignatures(note, self.trust, self.unread)
        when = self.trust.find_quorum(times)
        if when is not None:
            counted = [name for name in self.trust.counting() if name in times]
            self.add("witnesses", size, when, sorted(counted), place)

    def take_token(self, token: bytes, message: bytes, size: int, place: str) -> None:
        """Check a time stamp of a head; Malformed when it does not hold."""
        try:
            when, name = check_token(token, message, self.trust.roots if self.trust else {})
        except Unsupported as why:
            self.skipped.append(f"{place}: {why}")
            return
        if name is None:
            self.skipped.append(f"{place}: its authority is not one of a policy")
        else:
            self.add("time stamp", size, when, [name], place)

    def add(self, kind: str, size: int, when: int | None, by: list[str], place: str) -> None:
        """Count a copy of a head; `when` it was seen, in seconds since 1970, if anybody says."""
        time = None if when is None else format_moment(when)
        copy = {"kind": kind, "size": size, "time": time, "seconds": when, "by": by, "file": place}
        self.copies.append(copy)
        if when is not None:
            self.bounds[size] = min(when, self.bounds.get(size, when))

    def settle(self, book: Notebook) -> None:
        """Which checks were made, and whether the policy's demand is met."""
        trust = self.trust
        none = "no --policy given" if trust is None else ""
        witnessed = trust is not None and trust.witnesses
        no_witness = "" if witnessed else none or "the policy names no witness"
        book.settle("anchor", self.unread[0] if self.unread else no_witness)
        stamped = trust is not None and trust.roots
        no_stamp = "" if stamped else "the policy names no authority (#!tsa)"
        book.settle("stamps", none or (self.skipped[0] if self.skipped else no_stamp))
        if trust and trust.demands and not any("witnesses" in one["kind"] for one in self.copies):
            words = "no head here carries the cosignatures that your policy demands"
            book.find("UNVERIFIABLE", "", words)

    @property
    def anchored(self) -> bool:
        return any(copy["seconds"] is not None for copy in self.copies)

    @property
    def newest(self) -> int | None:
        return max((c["seconds"] for c in self.copies if c["seconds"] is not None), default=None)

    def report(self, size: int | None) -> dict[str, Any]:
        """The newest time, how many records a copy outside covers, and how many none does."""
        covered = max((copy["size"] for copy in self.copies), default=0)
        newest = self.newest
        last: dict[str, dict[str, Any]] = {}
        for copy in sorted(self.copies, key=lambda one: (one["size"], one["seconds"] or 0)):
            last[copy["kind"]] = {k: v for k, v in copy.items() if k != "seconds"}
        return {
            "time": None if newest is None else format_moment(newest),
            "covered": covered,
            "window": None if size is None else max(0, size - covered),
            "newest": list(last.values()),
            "unchecked": self.skipped[:20],
        }


# 8. The folder and its list
MANIFEST_FORMAT = "parvis-audit-export/v1"
PATHS = re.compile(
    r"checkpoint|keys\.jsonl|sealed|README|verify\.py|notes/[0-9]{1,16}"
    r"|tokens/[0-9]{1,16}\.[0-9]{1,2}"
    r"|tile/(entries|[0-9]{1,2})/(x[0-9]{3}/)*[0-9]{3}(\.p/[0-9]{1,3})?"
)
State = dict[str, dict[str, Any]]


class Folder:
    """The files under one directory; nothing outside it is ever opened."""

    def __init__(self, top: str) -> None:
        self.top = top
        self.files: dict[str, int] = {}
        self.odd: list[tuple[str, str]] = []
        self.empty: list[str] = []
        self.count = 0
        self._walk(top, "", 0)

    def _walk(self, place: str, prefix: str, depth: int) -> None:
        if depth > MAX_DEPTH:
            self.odd.append((prefix, "folders are nested too deeply"))
            return
        with os.scandir(place) as entries:
            inner = sorted(entries, key=lambda entry: entry.name)
        if not inner and prefix:
            self.empty.append(prefix)
        for entry in inner:
            name = prefix + entry.name
            mode = entry.stat(follow_symlinks=False).st_mode
            self.count += 1
            if self.count > MAX_ENTRIES:
                raise Malformed("too many files")
            if stat.S_ISDIR(mode):
                self._walk(entry.path, name + "/", depth + 1)
            elif stat.S_ISREG(mode):
                self.files[name] = entry.stat(follow_symlinks=False).st_size
            else:
                self.odd.append((name, "a link or a special file"))

    def read(self, name: str, limit: int) -> bytes:
        """The bytes of a file of the folder."""
        if self.files[name] > limit:
            raise Malformed("the file is too large")
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(os.path.join(self.top, name), flags), "rb") as file:
            data = file.read(limit + 1)
        if len(data) > limit:
            raise Malformed("the file is too large")
        return data


def tile_path(kind: str | int, index: int, width: int) -> str:
    """Path of a tile or bundle (c2sp.org/tlog-tiles)."""
    parts = [f"{index % 1000:03d}"]
    while index >= 1000:
        index //= 1000
        parts.append(f"x{index % 1000:03d}")
    return f"tile/{kind}/{'/'.join(reversed(parts))}" + (f".p/{width}" if width < WIDTH else "")


def count_tiles(size: int, span: tuple[int, int]) -> int:
    """How many tiles and bundles an export of a tree of this size has, with this span."""
    count, total = size, -(-span[1] // WIDTH) - span[0] // WIDTH
    while count:
        total, count = total - (-count // WIDTH), count // WIDTH
    return total


def split_bundle(data: bytes, count: int) -> list[bytes]:
    """The records of an entry bundle, each after its length in two bytes."""
    records: list[bytes] = []
    at = 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 2], "big")
        leaf = data[at + 2 : at + 2 + length]
        if at + 2 > len(data) or len(leaf) != length or len(records) >= count:
            raise Malformed("not an entry bundle of this width")
        records.append(leaf)
        at += 2 + length
    if len(records) != count:
        raise Malformed("not an entry bundle of this width")
    return records


class Notebook:
    """What a run found wrong, which checks it made, and what it learnt."""

    def __init__(self) -> None:
        self.findings: list[dict[str, Any]] = []
        self.verdicts: set[str] = set()
        self.left_out = 0
        self.checks: dict[str, str] = {}
        self.facts: dict[str, Any] = {}

    def find(self, verdict: str, place: str, reason: str, seq: int | None = None) -> None:
        """Note something wrong; beyond `MAX_FINDINGS` it is counted only."""
        self.verdicts.add(verdict)
        if len(self.findings) < MAX_FINDINGS:
            found = {"verdict": verdict, "file": place, "reason": reason}
            self.findings.append(found if seq is None else {**found, "seq": seq})
        else:
            self.left_out += 1

    @contextlib.contextmanager
    def judge(self, place: str, otherwise: str) -> Iterator[None]:
        """Whatever inside is not in its required form is a finding about `place`."""
        try:
            yield
        except UNFIT as error:
            self.find("TAMPERED", place, str(error) if isinstance(error, Malformed) else otherwise)

    def done(self, *names: str) -> None:
        for name in names:
            self.checks.setdefault(name, "done")

    def skip(self, name: str, why: str) -> None:
        self.checks[name] = "skipped: " + why

    def settle(self, name: str, why_not: str) -> None:
        """The check was made; or it was not, for a reason."""
        if why_not:
            self.skip(name, why_not)
        else:
            self.done(name)

    @property
    def verdict(self) -> str:
        """The worst that was found."""
        words = ("TAMPERED", "INCOMPLETE", "UNVERIFIABLE")
        return next((word for word in words if word in self.verdicts), "INTACT")


class Files:
    """The files of an export, each compared with the signed list when it is read."""

    def __init__(self, folder: Folder, book: Notebook) -> None:
        self.folder, self.book = folder, book
        self.listed: dict[str, tuple[str, int]] | None = None
        self.compared: set[str] = set()

    def read(self, name: str, limit: int = MAX_TEXT) -> bytes | None:
        """A file's bytes; None when it is not there or cannot be read."""
        if name not in self.folder.files:
            return None
        try:
            data = self.folder.read(name, limit)
        except (Malformed, OSError) as error:
            reason = str(error) if isinstance(error, Malformed) else "the file cannot be read"
            self.book.find("TAMPERED", name, reason)
            return None
        if self.listed is not None and name not in self.compared:
            self.compared.add(name)
            told = (hashlib.sha256(data).hexdigest(), len(data))
            if self.listed.get(name, told) != told:
                self.book.find("TAMPERED", name, "the file is not the one that was exported")
        return data

    def list_names(self, prefix: str) -> list[str]:
        """The files of a kind, in order."""
        return sorted(name for name in self.folder.files if name.startswith(prefix))

    def need(self, name: str, limit: int) -> bytes | None:
        """The same for a file without which something cannot be checked."""
        data = self.read(name, limit)
        if name not in self.folder.files and (self.listed is None or name not in self.listed):
            word = "INCOMPLETE" if self.listed is None else "TAMPERED"
            self.book.find(word, name, "the file is needed and not there")
        return data

    def check_list(self) -> None:
        """Nothing lies in the folder that is not listed, and the other way round."""
        if self.listed is None:
            self.book.skip("listed", "no list of files")
            self.book.skip("files", "no list of files")
            return
        for name in sorted(self.folder.files):
            if name != "manifest" and name not in self.listed:
                self.book.find("TAMPERED", name, "the file is not part of the export")
        places = {path[: at + 1] for path in self.listed for at, c in enumerate(path) if c == "/"}
        for name in self.folder.empty:
            if name not in places:
                words = "an empty folder that is not part of the export"
                self.book.find("TAMPERED", name, words)
        for name in sorted(self.listed):
            if name not in self.folder.files:
                if name != "keys.jsonl":  # said already
                    self.book.find("INCOMPLETE", name, "the file is missing")
            elif name not in self.compared:
                self.read(name, MAX_KEYS_FILE)
        self.book.done("listed", "files")


class Manifest:
    """The signed list of an export's files: of which head, which records, what was asked for."""

    def __init__(self) -> None:
        self.head: tuple[int, bytes] | None = None
        self.span: tuple[int, int] | None = None
        self.facts: dict[str, Any] = {}

    def take(self, data: bytes, history: KeyHistory) -> dict[str, tuple[str, int]]:
        """(SHA-256, size) by path; raises one of `UNFIT` when it is not what a log signs."""
        text, signatures = split_note(data)
        lines = text.split("\n")
        if lines[0] != MANIFEST_FORMAT or lines[1] != history.origin or lines[-1]:
            raise Malformed("not a list of files of this log")
        size = parse_number(lines[2])
        history.check(text, signatures, size)
        self.head = (size, unbase64(lines[3]))
        self._take_period(size, *(line.split(" ") for line in lines[4:7]))
        rows = lines[8:-1]
        listed = dict(map(self._split, rows))
        if len(listed) != len(rows):
            raise Malformed("the list names a file that no export has")
        if lines[7] != f"files {len(listed)}":
            raise Malformed("the list is not complete")
        tiles = sum(path.startswith("tile/") for path in listed)
        if tiles > count_tiles(size, self.span or (0, size)):
            raise Malformed("the list names a file that no export has")
        return listed

    def _take_period(
        self, size: int, made: list[str], asked: list[str], records: list[str]
    ) -> None:
        """When it was made, from when to when it was asked for, and which records are here."""
        word, when = made
        name, since, until = asked
        title, first, end = records
        span = (parse_number(first), parse_number(end))
        if (
            (word, name, title) != ("made", "asked", "records")
            or not TYPES["time"](when)
            or not all(one == "-" or TYPES["time"](one) for one in (since, until))
            or not span[0] <= span[1] <= size
            or (span[0] % WIDTH and span[0] != size)
            or (span[1] % WIDTH and span[1] != size)
        ):
            raise Malformed("not a list of files")
        self.span = span
        self.facts = {"made": when, "asked": [since, until]}

    @staticmethod
    def _split(line: str) -> tuple[str, tuple[str, int]]:
        digest, length, path = line.split(" ")
        if not PATHS.fullmatch(path) or not TYPES["hex64"](digest):
            raise Malformed("the list names a file that no export has")
        return path, (digest, parse_number(length))


# 9. The log's keys


class KeyHistory:
    """The keys of one log, each with the sizes of the tree for which it signs.

    With `timed` false nothing is known about times (a policy's keys without `keys.jsonl`): each
    key is good for every size.
    """

    def __init__(self, keys: tuple[Key, ...], timed: bool = True) -> None:
        self.timed = timed
        self.keys = list(keys)
        self.begins = [0] * len(keys)
        self.bad: dict[str, int] = {}  # vkey of a compromised key -> last good size
        self.cosigners: list[tuple[Cosigner, int]] = []  # ML-DSA-44, and the number of its key
        self.cosigned: dict[int, set[str]] = {}  # size -> vkeys of those that signed its head
        self.unread = ""  # why a line of ML-DSA-44 could not be checked

    @property
    def current(self) -> Key:
        return self.keys[-1]

    @property
    def origin(self) -> str:
        """The log's name, which all its keys bear."""
        return self.current.name

    @property
    def log_id(self) -> str:
        """What its records call the log: the last part of the name."""
        return self.origin.rpartition("/")[2]

    def last(self, at: int) -> int | None:
        """The last size for which key number `at` signs; None for the newest."""
        return self.begins[at + 1] if self.timed and at + 1 < len(self.keys) else None

    def is_valid(self, at: int, size: int) -> bool:
        last = self.last(at)
        return self.begins[at] <= size and (last is None or size <= last)

    def had(self, vkey: str, size: int) -> bool:
        """True when this key signed for this size."""
        return any(key.vkey == vkey and self.is_valid(at, size) for at, key in enumerate(self.keys))

    def rotate(self, key: Key, size: int) -> None:
        """From `size` on `key` signs."""
        if any(key.id == known.id for known in self.keys):
            raise Malformed("two keys of the log have the same id")
        self.keys.append(key)
        self.begins.append(size)

    def take_cosigner(self, vkey: str | None) -> None:
        """The ML-DSA-44 key that goes with the newest key; None when it has none."""
        if vkey is None:
            return
        cosigner = Cosigner(vkey)
        if cosigner.kind != MLDSA or cosigner.name != self.origin:
            raise Malformed("not an ML-DSA-44 key of this log")
        self.cosigners.append((cosigner, len(self.keys) - 1))

    def find_cosigner(self, at: int) -> Cosigner | None:
        """The ML-DSA-44 key that goes with key number `at`."""
        return next((cosigner for cosigner, place in self.cosigners if place == at), None)

    def check(self, text: str, signatures: Signatures, size: int) -> list[Key]:
        """The keys valid for `size` that signed; one that was not valid then is a fault."""
        good = []
        for at, key in enumerate(self.keys):
            if self.is_valid(at, size):
                good += [key] if key.has_signed(text, signatures) else []
            elif key.list_lines(signatures):
                raise Malformed("signed by a key whose time was over or had not begun")
        if not good:
            raise Malformed("not signed by the log's key")
        self._check_cosigners(text, signatures, size)
        return good

    def _check_cosigners(self, text: str, signatures: Signatures, size: int) -> None:
        """Every line of a key of the log's own ML-DSA-44 must hold and be of the key's time."""
        for cosigner, at in self.cosigners:
            for line in cosigner.list_lines(signatures):
                if not self.is_valid(at, size):
                    raise Malformed("signed by a key whose time was over or had not begun")
                try:
                    cosigner.read_time(text, line)
                except Unsupported as why:
                    self.unread = str(why)
                else:
                    self.cosigned.setdefault(size, set()).add(cosigner.vkey)

    def find_unsigned(self, size: int) -> str:
        """Why the head of this size bears no line of the log's own ML-DSA-44; empty if it does."""
        if self.cosigned.get(size):
            return ""
        if not self.cosigners:
            return "no ML-DSA-44 key of this log is known"
        return self.unread or "the head bears no such line"

    def open_checkpoint(self, data: bytes) -> tuple[str, int, bytes]:
        """(origin, size, root) of a head, signed by every key that must sign for its size."""
        text, signatures = split_note(data)
        origin, size, root = parse_checkpoint(text)
        signers = self.check(text, signatures, size)
        wanted = {one.vkey for one, at in self.cosigners if self.is_valid(at, size)}
        whole = self.unread or wanted <= self.cosigned.get(size, set())
        if size in self.begins[1:] and (len(signers) < 2 or not whole):
            raise Malformed("the head at a change of keys is not signed by both")
        return origin, size, root

    def open_record(self, proof: str) -> tuple[dict[str, Any], bytes, int, bytes]:
        """(record, its bytes, size and root of its head) of a proof of this log's."""
        leaf, index, path, note = split_proof(proof)
        origin, size, root = self.open_checkpoint(note)
        record = parse_record(leaf)
        if (
            origin != self.origin
            or not check_inclusion(leaf_hash(leaf), index, size, path, root)
            or find_fault(record)
            or (record["log"], record["seq"]) != (self.log_id, index)
        ):
            raise Malformed("a record of the log is not proven")
        return record, leaf, size, root

    def report(self) -> list[dict[str, Any]]:
        """Every key with its sizes, as plain values."""
        return [
            {
                "vkey": key.vkey,
                "fingerprint": key.fingerprint,
                "first": self.begins[at],
                "last": self.last(at),
                "suspect_from": self.bad.get(key.vkey),
                "cosigner": cosigner.vkey if (cosigner := self.find_cosigner(at)) else None,
            }
            for at, key in enumerate(self.keys)
        ]


class KeysFile:
    """`keys.jsonl`: the log's first key, and every change of keys with its proof.

    Nothing in it is believed: each change is a record under a head that the keys of its time
    signed. Raises one of `UNFIT` when a change is not proven.
    """

    def __init__(self, data: bytes) -> None:
        if not data.endswith(b"\n") or data.count(b"\n") > MAX_KEYS + 1:
            raise Malformed("not the keys of a log")
        self.first, *more = [parse_record(line) for line in data[:-1].split(b"\n")]
        self.history = KeyHistory((Key(self.first["vkey"]),))
        if (self.first["origin"], self.first["log"]) != (self.history.origin, self.history.log_id):
            raise Malformed("the key belongs to another log")
        self.history.take_cosigner(self.first.get("cosigner"))
        self.turns: dict[int, bytes] = {}  # the records that change keys, by position
        self.heads: list[tuple[int, bytes]] = []
        for kind, take in (("key.rotated", self._rotate), ("key.compromised", self._compromise)):
            for line in more:
                if line["kind"] == kind:
                    take(line)
        told = [line for line in more if line["kind"] in ("key.rotated", "key.compromised")]
        if [split_proof(line["proof"])[1] for line in told] != sorted(self.turns):
            raise Malformed("the changes of keys are not in order")

    def _open_turn(self, line: dict[str, Any]) -> tuple[dict[str, Any], int, int]:
        """(record, its position, size of its head) of a line about a change of keys."""
        record, leaf, size, root = self.history.open_record(line["proof"])
        log = self.history.log_id
        if (
            record["kind"] != line["kind"]
            or record["target"].get("log", log) != log
            or record["change"]["vkey"] != line["vkey"]
        ):
            raise Malformed("a change of keys is not proven")
        self.turns[record["seq"]] = leaf
        self.heads.append((size, root))
        return record, record["seq"], size

    def _rotate(self, line: dict[str, Any]) -> None:
        before, key = self.history.current, Key(line["vkey"])
        begin = split_proof(line["proof"])[1] + 1
        if key.name != before.name or begin <= self.history.begins[-1]:
            raise Malformed("a change of keys does not fit the one before")
        self.history.rotate(key, begin)
        self.history.take_cosigner(line.get("cosigner"))
        record, _, size = self._open_turn(line)
        change = record["change"]
        if (
            size != begin
            or change.get("cosigner") != digest_key(line.get("cosigner"))
            or change["before"] != before.vkey
            or record["target"]["key"] != key.id.hex()
            or "ground" not in change
        ):
            raise Malformed("a change of keys is not proven")
        if line["platform"] is not None:
            check_platform_key(line["platform"], key, line.get("cosigner"), ("key.rotated",))

    def _compromise(self, line: dict[str, Any]) -> None:
        record, index, _ = self._open_turn(line)
        change = record["change"]
        at = [key.vkey for key in self.history.keys].index(line["vkey"])
        last = self.history.last(at)
        if last is None or last > index or not change["size"] <= last:
            raise Malformed("a key was declared compromised that was still in use")
        if record["target"]["key"] != self.history.keys[at].id.hex():
            raise Malformed("a change of keys is not proven")
        if "root" in change:
            self.heads.append((change["size"], bytes.fromhex(change["root"])))
        self.history.bad[line["vkey"]] = change["size"]


def open_platform(told: dict[str, Any], words: str) -> tuple[dict[str, Any], Key, int]:
    """(record, key, size) of a platform log's proven record; Malformed with `words`."""
    platform = Key(told["vkey"])
    leaf, index, path, note = split_proof(told["proof"])
    origin, size, root = parse_checkpoint(open_note(note, platform))
    if origin != platform.name or not check_inclusion(leaf_hash(leaf), index, size, path, root):
        raise Malformed(words)
    record = parse_record(leaf)
    home = platform.name.rpartition("/")[2]
    if find_fault(record) or (record["log"], record["seq"]) != (home, index):
        raise Malformed(words)
    return record, platform, size


def check_platform_key(
    told: dict[str, Any], key: Key, cosigner: str | None, kinds: tuple[str, ...]
) -> tuple[Key, int]:
    """(key, size) of the platform log that knows this key; raises one of `UNFIT` when none does."""
    words = "the platform log does not prove this key"
    record, platform, size = open_platform(told, words)
    change, log = record["change"], key.name.rpartition("/")[2]
    if record["kind"] not in kinds or change.get("vkey") != key.vkey or record["log"] == log:
        raise Malformed(words)
    # a rollback names the log that ended, and the one that begins by its origin
    named = (
        change.get("origin") if record["kind"] == "log.rollback" else record["target"].get("log")
    )
    if named not in (log, key.name) or change.get("cosigner") != digest_key(cosigner):
        raise Malformed(words)
    return platform, size


def is_named(policy: Policy, key: Key) -> bool:
    """True when the policy names this key of this log."""
    return key.vkey in {known.vkey for known in policy[0].get(key.name, ())}


def digest_key(vkey: str | None) -> str | None:
    """How a record names an ML-DSA-44 key: the digest of its verifier key."""
    return None if vkey is None else hashlib.sha256(vkey.encode()).hexdigest()


class LogKeys:
    """Which keys count for this log: those that it tells, held against those that you trust."""

    def __init__(self, files: Files, policy: Policy | None) -> None:
        self.book, self.files, self.policy = files.book, files, policy
        self.told: KeysFile | None = None
        self.history: KeyHistory | None = None

    @property
    def first_line(self) -> dict[str, Any]:
        """What `keys.jsonl` says of the log itself; empty when it could not be used."""
        return self.told.first if self.told else {}

    def read(self) -> None:
        """Read `keys.jsonl`, and choose."""
        data = self.files.read("keys.jsonl", MAX_KEYS_FILE)
        if data is not None:
            with self.book.judge("keys.jsonl", "not the keys of a log"):
                self.told = KeysFile(data)
                self.history = self.told.history
        elif "keys.jsonl" not in self.files.folder.files:
            self.book.find("INCOMPLETE", "keys.jsonl", "the file is missing")
        if self.policy is None:
            self.book.skip("policy", "no --policy given; compare the fingerprint yourself")
        else:
            self._choose(*self.policy)

    def _choose(self, logs: dict[str, tuple[Key, ...]], trust: Trust) -> None:
        trusted = logs.get(self.history.origin) if self.history else None
        if self.history is None and len(logs) == 1:
            (trusted,) = logs.values()
        if trusted is None:
            self.book.find("UNVERIFIABLE", "", "the policy does not name this log")
            self.book.skip("policy", "the policy does not name this log")
            return
        known = {key.vkey for key in self.history.keys} if self.history else set()
        named = known & {key.vkey for key in trusted}
        if self.history is None or not named:
            if self.history is not None:
                words = "the key is not the one that you trust"
                self.book.find("TAMPERED", "keys.jsonl", words)
            self.history = KeyHistory(trusted, timed=False)
        elif self.history.current.vkey not in named:
            self.book.facts["renew_policy"] = True
            if named <= set(self.history.bad):
                words = "the key that you trust was declared compromised: get the new one on paper"
                self.book.find("UNVERIFIABLE", "keys.jsonl", words)
        self._choose_cosigners(self.history, trust)
        self.book.done("policy")

    def _choose_cosigners(self, history: KeyHistory, trust: Trust) -> None:
        """The ML-DSA-44 keys that the policy demands must be of the log's history."""
        demanded = trust.cosigners.get(history.origin, ())
        if not history.timed:
            history.cosigners = [(one, 0) for one in demanded]
        named = {one.vkey for one, _ in history.cosigners} & {one.vkey for one in demanded}
        current = history.find_cosigner(len(history.keys) - 1)
        if demanded and not named:
            words = "the ML-DSA-44 key is not the one that you trust"
            self.book.find("TAMPERED", "keys.jsonl", words)
        elif demanded and history.timed and (current is None or current.vkey not in named):
            self.book.facts["renew_policy"] = True

    def fit(self, seq: int, leaf: bytes, record: dict[str, Any]) -> bool:
        """True when a record about keys or origins is about another log, or is as it must be."""
        if record["kind"] == "log.rollback":
            origin = self.history.origin if self.history else None
            return seq == 0 or record["change"].get("origin") != origin
        if record["target"].get("log", record["log"]) != record["log"]:
            return True
        if self.told is None or self.history is not self.told.history:
            return True  # said already
        return self.told.turns.get(seq) == leaf

    def check_birth(self, history: KeyHistory, born: dict[str, Any] | None) -> None:
        """The log begins with its first key."""
        line, first = self.first_line, self._first_key(history)
        change = born.get("change", {}) if born else {}
        if born is None:
            self.book.skip("birth", "the first record is not in this export")
        elif (
            born["kind"] not in ("log.created", "log.rollback")
            or (change.get("vkey"), change.get("origin")) != (first.vkey, first.name)
            or (line and change.get("cosigner") != digest_key(line.get("cosigner")))
        ):
            words = "the log does not begin with the birth of this key"
            self.book.find("TAMPERED", "", words, 0)
        elif not line or (line.get("birth") is None and born["target"].get("tenant") != "platform"):
            words = "the first record does; the platform log's proof is not here"
            self.book.skip("birth", words)
        else:
            self.book.done("birth")

    def check_platform(self, history: KeyHistory) -> None:
        """The platform log knows the first key."""
        birth, kinds = self.first_line.get("birth"), ("log.created", "log.rollback")
        if birth is None:
            return
        first, cosigner = self._first_key(history), self.first_line.get("cosigner")
        try:
            platform, size = check_platform_key(birth, first, cosigner, kinds)
        except UNFIT:
            words = "the platform log does not prove this key"
            self.book.find("TAMPERED", "keys.jsonl", words)
            return
        self.book.facts["platform"] = {"fingerprint": platform.fingerprint, "size": size}
        if self.policy and not is_named(self.policy, platform):
            if self.book.checks["birth"] == "done":
                self.book.skip("birth", UNNAMED)

    @staticmethod
    def _first_key(history: KeyHistory) -> Key:
        return history.keys[0] if history.timed else history.current

    def settle(self, history: KeyHistory, size: int) -> None:
        """Whether every head was signed by the key of its time, and the last by ML-DSA-44 too."""
        missing = history.find_unsigned(size)
        self.book.settle("mldsa", missing)
        if missing and self.policy and history.origin in self.policy[1].cosigners:
            self.book.find("UNVERIFIABLE", "", NO_COSIGNER)


# 10. The log's heads, tree and records; the whole run


class Heads:
    """The heads of this log: the export's own, and those that were published, kept or printed.

    The tree must reach each of them. What others signed of them is told to `outside`.
    """

    def __init__(self, files: Files, keys: LogKeys, brought: Brought) -> None:
        self.files, self.book, self.keys, self.brought = files, files.book, keys, brought
        self.outside = Outside(keys.policy[1] if keys.policy else None)
        self.end: tuple[int, bytes] | None = None
        self.known: dict[int, tuple[str, bytes]] = {}
        self.line: HeadLine | None = None
        self.visited: int | None = None
        self.notes: dict[int, bytes] = {}  # the log's own lines: time stamps are over these
        self.reached: set[int] = set()

    def read(self) -> None:
        """Read every head of the folder."""
        data = self.files.read("checkpoint")
        history = self.keys.history
        if data is None or history is None:
            self.book.skip("checkpoint", "no key" if data else "missing")
            if self.files.listed is None and data is None:
                self.book.find("INCOMPLETE", "checkpoint", "the file is missing")
        else:
            with self.book.judge("checkpoint", "not a checkpoint"):
                self._take_checkpoint(history, data)
        for size, root in self.keys.told.heads if self.keys.told else ():
            with self.book.judge("keys.jsonl", "not the keys of a log"):
                self.keep("keys.jsonl", size, root)
        self._read_notes()
        self._read_tokens()

    def read_brought(self) -> None:
        """Read the heads that the auditor kept elsewhere."""
        for place, data in self.brought.notes:
            with self.book.judge(place, "not a signed note"):
                self._take_brought(place, data)
        self._take_line(self.brought.line)

    def _take_checkpoint(self, history: KeyHistory, data: bytes) -> None:
        origin, size, root = history.open_checkpoint(data)
        if origin != history.origin or self.end not in (None, (size, root)):
            raise Malformed("not the head of this export")
        self.end = (size, root)
        self._take_cosigned(history, "checkpoint", data, size)
        self.book.done("checkpoint")

    def keep(self, name: str, size: int, root: bytes) -> None:
        """Remember a head that was published; the tree must reach it."""
        if self.end is not None and size > self.end[0]:
            raise Malformed("a head beyond the end of the log: the end was cut")
        if self.known.setdefault(size, (name, root))[1] != root:
            raise Malformed("two heads of one size: the log has two histories")

    def _read_notes(self) -> None:
        for name in self.files.list_names("notes/"):
            data, history = self.files.read(name), self.keys.history
            if data is None or history is None:
                continue
            with self.book.judge(name, "not a head of this log"):
                origin, size, root = history.open_checkpoint(data)
                if origin != history.origin or f"notes/{size}" != name:
                    raise Malformed("not a head of this log")
                self.keep(name, size, root)
                self._take_cosigned(history, name, data, size)

    def _take_cosigned(self, history: KeyHistory, name: str, note: bytes, size: int) -> None:
        """A head that the log signed: count who else did; keep its bytes for time stamps."""
        with self.book.judge(name, "not a signature line"):
            self.outside.take_note(note, size, name)
        own = own_note(note, history.origin)
        if self.notes.setdefault(size, own) != own:
            self.book.find("TAMPERED", name, "two signed heads of one size")

    def _read_tokens(self) -> None:
        for name in self.files.list_names("tokens/"):
            data = self.files.read(name)
            if data is None or self.keys.history is None:
                continue
            with self.book.judge(name, "not a time-stamp token"):
                size = parse_number(name[7:].partition(".")[0])
                if size not in self.notes:
                    raise Malformed("a time stamp of a head that is not here")
                self.outside.take_token(data, self.notes[size], size, name)

    def _take_brought(self, place: str, data: bytes) -> None:
        """A head that the auditor kept elsewhere: the log must continue it."""
        text, _ = split_note(data)
        history = self.keys.history
        if history is None or parse_checkpoint(text)[0] != history.origin:
            self.book.find("UNVERIFIABLE", place, "the note is of another log")
            return
        _, size, root = history.open_checkpoint(data)
        self.keep(place, size, root)
        self.outside.add("kept elsewhere", size, None, [], place)
        self.outside.take_note(data, size, place)

    def _take_line(self, line: HeadLine | None) -> None:
        if line is None:
            self.book.skip("line", "no --head-line given")
        elif self.keys.history is None or self.keys.history.log_id != line.log:
            self.book.find("UNVERIFIABLE", "", "the printed head is of another log")
        elif self.end is not None and line.size > self.end[0]:
            words = "shorter than the printed head: cut, or an old export"
            self.book.find("TAMPERED", "", words)
        else:
            self.line = line

    def check_state(self, history: KeyHistory, state: State | None, size: int) -> None:
        """The log continues the one that the auditor saw last time."""
        seen = (state or {}).get(history.origin)
        if state is None:
            self.book.skip("state", "no --state given")
            return
        if seen is None:
            self.book.skip("state", "this log was not seen before; it is now remembered")
            return
        count, root = seen["size"], bytes.fromhex(seen["root"])
        if not history.had(seen["vkey"], count):
            self.book.find("TAMPERED", "", "the log's key is not the one seen last time")
        if count > size:
            words = f"shorter than the {count} records seen last time: cut, or an old export"
            self.book.find("TAMPERED", "", words)
            self.book.skip("state", "the log is shorter than last time")
            return
        if self.known.setdefault(count, ("", root))[1] != root:
            self.book.find("TAMPERED", "", "another history than the one seen last time")
        self.visited = count
        self.book.done("state")

    @property
    def sizes(self) -> set[int]:
        """The sizes at which the growing tree must be compared."""
        return set(self.known) | ({self.line.size} if self.line else set())

    def compare(self, tree: Tree) -> None:
        """The growing tree is what every head of its size says."""
        name, root = self.known.get(tree.size, ("", None))
        if root is not None:
            self.reached.add(tree.size)
            if tree.root() != root:
                self.book.find("TAMPERED", name, "a published head is not one of this log")
        if self.line is not None and self.line.size == tree.size:
            self.reached.add(tree.size)
            if not self.line.fits(tree.root()):
                self.book.find("TAMPERED", "", "the printed head is not one of this log")

    def settle(self) -> None:
        """What the copies outside say together, and whether that is what the auditor asked for."""
        if self.line is not None and self.line.size in self.reached:
            self.outside.add("printed line", self.line.size, None, [], "--head-line")
            self.book.done("line")
        if self.visited is not None:
            self.outside.add("your last visit", self.visited, None, [], "--state")
        self.outside.settle(self.book)
        limit, newest = self.brought.not_older_than, self.outside.newest
        if limit is not None and (newest is None or newest < limit):
            words = f"no outside time as new as {format_moment(limit)}: old, or never anchored"
            self.book.find("UNVERIFIABLE", "", words)


class PlatformWord:
    """What the platform log, which tells of all logs, says of this one: a head of it, its end."""

    def __init__(self, keys: LogKeys, heads: Heads) -> None:
        self.book, self.keys, self.heads = keys.book, keys, heads
        self.ended: Ended | None = None

    def read(self) -> None:
        """Read the proofs that `keys.jsonl` brings of it."""
        self._read_heads()
        self._read_ended()

    def _read_heads(self) -> None:
        """The platform log's promise: a head of this log, blinded, among those of all logs."""
        told = self.keys.first_line.get("heads")
        policy, history = self.keys.policy, self.keys.history
        if told is None:
            self.book.skip("platform", "no proof of it in this export")
        elif policy is None or history is None:
            self.book.skip("platform", "no --policy given")
        else:
            with self.book.judge("keys.jsonl", "not a proof of heads"):
                self._take_heads(history, policy, told)

    def _take_heads(self, history: KeyHistory, policy: Policy, told: dict[str, Any]) -> None:
        words = "the platform log does not prove the heads of all logs"
        record, platform, _ = open_platform(told, words)
        if record["kind"] != "log.heads":
            raise Malformed(words)
        salt, text = bytes.fromhex(told["salt"]), told["head"]
        named, size, root = parse_checkpoint(text)
        steps = [unbase64(step) for step in told["path"]]
        top, count = bytes.fromhex(record["change"]["root"]), record["change"]["size"]
        blinded = leaf_hash(salt + text.encode())
        held = check_inclusion(blinded, told["index"], count, steps, top)
        if len(salt) != HASH or named != history.origin or not held:
            raise Malformed("the platform log's heads do not hold one of this log")
        self.heads.keep("keys.jsonl", size, root)
        if not is_named(policy, platform):
            self.book.skip("platform", UNNAMED)
            return
        note = split_proof(told["proof"])[3]
        outside = self.heads.outside
        when = policy[1].find_quorum(read_cosignatures(note, policy[1], outside.unread))
        if when is not None:
            outside.add("witnesses of the platform log", size, when, [], "keys.jsonl")
        self.book.done("platform")

    def _read_ended(self) -> None:
        """Whether the platform log says that this log ended, and what it let go from it since."""
        told, history = self.keys.first_line.get("ended"), self.keys.history
        if told is None or history is None or self.heads.end is None:
            return
        try:
            record, platform, _ = open_platform(told, NOT_ENDED)
            self.ended = Ended(history.log_id, self.heads.end[0], record)
        except UNFIT:
            self.book.find("TAMPERED", "keys.jsonl", NOT_ENDED)
            return
        told_by = {"time": self.ended.time, "size": self.ended.size}
        self.book.facts["ended"] = {**told_by, "platform": platform.fingerprint}
        if not self.ended.is_cut:
            with self.book.judge("keys.jsonl", NOT_ENDED):
                self.heads.keep("keys.jsonl", self.ended.size, self.ended.root)
        elif not self._vouches_for(platform, platform):
            self._find_strange(self.ended)
        with self.book.judge("keys.jsonl", NOT_LET):
            allowed = told.get("allowed", [])
            if not isinstance(allowed, list):
                raise Malformed(NOT_LET)
            for one in allowed:
                self._take_allowance(self.ended, platform, one)

    def _take_allowance(self, ended: Ended, platform: Key, told: dict[str, Any]) -> None:
        record, key, _ = open_platform(told, NOT_LET)
        if self._vouches_for(key, platform):
            ended.allow(record)
        else:
            self._find_strange(ended)

    def _vouches_for(self, key: Key, platform: Key) -> bool:
        """With a policy a key that it names; without one the key that tells of the log's end."""
        if self.keys.policy is None:
            return key.vkey == platform.vkey
        return is_named(self.keys.policy, key)

    def _find_strange(self, ended: Ended) -> None:
        if not ended.strange:
            ended.strange = True
            self.book.find("UNVERIFIABLE", "keys.jsonl", STRANGE)


class TreeCheck:
    """The tree made again from the leaf hashes; every tile and every known head compared."""

    def __init__(self, files: Files, heads: Heads) -> None:
        self.files, self.book, self.heads = files, files.book, heads
        self.tree, self.whole = Tree(), True
        self.levels: dict[int, tuple[int, list[bytes]]] = {}  # (how many so far, the last ones)
        self.stops = {size // WIDTH for size in heads.sizes if size % WIDTH}
        heads.compare(self.tree)

    def take(self, index: int, width: int) -> bytes | None:
        """The leaf hashes of one tile, which the tree has grown by."""
        hashes = self._read(0, index, width)
        if hashes is None:
            self.whole = False
        elif self.whole:
            self._grow(hashes, index in self.stops)
            for level, found in self.tree.full:
                self._collect(level, found)
            self.tree.full.clear()
        return hashes

    def _read(self, level: int, index: int, width: int) -> bytes | None:
        name = tile_path(level, index, width)
        data = self.files.need(name, WIDTH * HASH)
        if data is not None and len(data) != width * HASH:
            self.book.find("TAMPERED", name, "the tile has the wrong length")
            return None
        return data

    def _grow(self, hashes: bytes, stops: bool) -> None:
        if len(hashes) == WIDTH * HASH and not stops:
            self.tree.append_block(hashes)
            self.heads.compare(self.tree)
            return
        for at in range(0, len(hashes), HASH):
            self.tree.append(hashes[at : at + HASH])
            self.heads.compare(self.tree)

    def _collect(self, level: int, found: bytes) -> None:
        count, hashes = self.levels.get(level, (0, []))
        hashes.append(found)
        if len(hashes) == WIDTH:
            self._compare(level, count // WIDTH, hashes)
            hashes = []
        self.levels[level] = (count + 1, hashes)

    def _compare(self, level: int, index: int, hashes: list[bytes]) -> None:
        found = self._read(level, index, len(hashes))
        if found is not None and found != b"".join(hashes):
            name = tile_path(level, index, len(hashes))
            self.book.find("TAMPERED", name, "the tile is not made of the leaves below it")

    def settle(self, root: bytes) -> None:
        """The root is the signed one."""
        if not self.whole:
            self.book.skip("tree", "leaf hashes are missing")
            return
        for level, (count, hashes) in self.levels.items():
            if hashes:
                self._compare(level, count // WIDTH, hashes)
        if self.tree.root() != root:
            self.book.find("TAMPERED", "checkpoint", "the signed root is not that of the leaves")
        self.book.done("tree")


class Records:
    """The exported records: each is the one that was hashed, and has its place among the others."""

    def __init__(
        self, files: Files, heads: Heads, erasures: Erasures, checker: RecordChecker
    ) -> None:
        self.files, self.book, self.keys = files, files.book, heads.keys
        self.bounds, self.erasures, self.checker = heads.outside.bounds, erasures, checker
        self.whole = True
        self.born: dict[str, Any] | None = None

    def take(self, start: int, width: int, hashes: bytes | None, only_hashes: bool) -> None:
        """Check one bundle of records against the hashes of its leaves, and read them."""
        name = tile_path("entries", start // WIDTH, width)
        data, records = self.files.need(name, MAX_BUNDLE), None
        if data is not None:
            with self.book.judge(name, "not an entry bundle of this width"):
                records = split_bundle(data, width)
        if records is None:
            self.whole = False
            self.checker.skip_to(start + width)
            return
        found = b"".join([_sha256(b"\x00" + leaf).digest() for leaf in records])
        if hashes and found != hashes:
            for at in range(width):
                if found[at * HASH : at * HASH + HASH] != hashes[at * HASH : at * HASH + HASH]:
                    words = "the record is not the one that was hashed"
                    self.book.find("TAMPERED", name, words, start + at)
        if only_hashes:  # but how the log began must be known
            records = [] if start else records[:1]
        for seq, leaf in enumerate(records, start):
            self._read(name, seq, leaf)
            if seq == start:
                self.erasures.times[start] = self.checker.last_time

    def _read(self, name: str, seq: int, leaf: bytes) -> None:
        for reason in self.erasures.take(seq, leaf):
            self.book.find("TAMPERED", name, reason, seq)
        quick = None
        if seq and seq + 1 not in self.bounds:
            quick = self.checker.check_quickly(seq, leaf)
        reasons, record = (quick, None) if quick is not None else self.checker.check(seq, leaf)
        for reason in reasons:
            self.book.find("TAMPERED", name, reason, seq)
        if record is not None:
            for reason in self._follow(seq, leaf, record):
                self.book.find("TAMPERED", name, reason, seq)
        elif quick is None:
            self.checker.skip_to(seq + 1)

    def _follow(self, seq: int, leaf: bytes, record: dict[str, Any]) -> Iterator[str]:
        """What does not hold of what a record of good form says about the log itself."""
        bound = self.bounds.get(seq + 1)
        if bound is not None and record["time"] > format_moment(bound + SKEW_S):
            yield f"its time is after {format_moment(bound)}, when others saw it already"
        if seq == 0:
            self.born = record
        if record["kind"] in LAWS:
            yield from self.erasures.note(seq, record, self.checker.whole)
        if record["kind"] in TURNS and not self.keys.fit(seq, leaf, record):
            yield "keys.jsonl tells another story of the log's keys"
        if record["kind"] == COMPARED:
            self._note_compared(seq, record)

    def _note_compared(self, seq: int, record: dict[str, Any]) -> None:
        """Counts from outside that were compared with the logs: how often, and what they missed."""
        compared = self.book.facts.setdefault("compared", {"count": 0, "failed": 0, "first": []})
        target, use = record["target"], record.get("use", {})
        unlogged = use.get("calls_unlogged", 0)
        compared["count"] += 1
        compared["until"] = max(target.get("to", ""), compared.get("until", ""))
        if unlogged or record["outcome"] != "success":
            compared["failed"] += 1
            if len(compared["first"]) < MAX_LISTED:
                one = {"seq": seq, "server": target.get("object", ""), "unlogged": unlogged}
                times = {"from": target.get("from", ""), "to": target.get("to", "")}
                compared["first"].append(one | times)

    def settle(self, span: tuple[int, int], size: int) -> None:
        """Which checks of records were made, and what runs through all of them."""
        self.book.facts["records"] = list(span)
        self.book.facts["times"] = [self.checker.first_time, self.checker.last_time]
        for name in ("records", "kinds", "places"):
            self.book.settle(name, "" if self.whole else UNREAD)
        self._settle_following()
        for seq in self.checker.find_repeated_ids():
            start = seq // WIDTH * WIDTH
            name = tile_path("entries", seq // WIDTH, min(WIDTH, size - start))
            self.book.find("TAMPERED", name, "its id occurs twice", seq)
        no_room = "no room for a temporary file" if self.checker.ids.failed else ""
        self.book.settle("ids", no_room)
        self.erasures.settle(self.book, span, size, self.checker.last_time)

    def _settle_following(self) -> None:
        """What runs through the records: writers, silences."""
        checker = self.checker
        followed = {"writers": checker.writers_followed, "intents": checker.intents_followed}
        for name, complete in followed.items():
            words = "" if checker.whole else PARTLY
            self.book.settle(name, words if complete else TOO_MANY)
        self.book.facts["writers"] = len(checker.emitters)
        self.book.facts["heartbeats"] = checker.heartbeats
        self.book.facts["silences"] = {
            "count": checker.silent,
            "longest_s": int(checker.longest),
            "first": checker.silences,
        }


class Verification:
    """One run over one folder, in the order in which an auditor would go about it."""

    def __init__(
        self,
        folder: Folder,
        policy: Policy | None = None,
        state: State | None = None,
        brought: Brought | None = None,
    ) -> None:
        self.folder, self.state, self.brought = folder, state, brought or Brought()
        self.book = Notebook()
        self.files = Files(folder, self.book)
        self.keys = LogKeys(self.files, policy)
        self.manifest = Manifest()
        self.heads = Heads(self.files, self.keys, self.brought)
        self.platform = PlatformWord(self.keys, self.heads)
        self.erasures = Erasures()
        self.open: list[dict[str, Any]] = []

    def run(self) -> None:
        """Do every check that the folder allows."""
        for place, reason in self.folder.odd:
            self.book.find("TAMPERED", place, reason)
        self.book.done("form")
        if not any(name in self.folder.files for name in ("manifest", "checkpoint", "keys.jsonl")):
            self.book.find("UNVERIFIABLE", "", "this folder is not an audit export")
            return
        self.keys.read()
        self._read_manifest()
        self.heads.read()
        self.platform.read()
        self.heads.read_brought()
        self.erasures.ended = self.platform.ended
        self._read_sealed()
        self._read_pruned()
        history, end = self.keys.history, self.heads.end
        if history is not None and end is not None:
            self.heads.check_state(history, self.state, end[0])
            self._check_log(history, *end)
        self.heads.settle()
        if history is not None and end is not None:
            self.keys.settle(history, end[0])
        self.files.check_list()
        missing = any(self.book.checks.get(name) != "done" for name in NEEDED)
        if self.book.verdict == "INTACT" and missing:
            words = "not everything that is needed could be checked"
            self.book.find("UNVERIFIABLE", "", words)

    def _read_manifest(self) -> None:
        data = self.files.read("manifest", MAX_MANIFEST)
        if data is None:
            self.book.find("INCOMPLETE", "manifest", "the list of files is missing")
            self.book.skip("manifest", "missing")
        elif self.keys.history is None:
            self.book.skip("manifest", "no key")
        else:
            with self.book.judge("manifest", "not a list of files"):
                self.files.listed = self.manifest.take(data, self.keys.history)
                self.book.done("manifest")
            self.heads.end = self.manifest.head
            self.book.facts.update(self.manifest.facts)

    def _read_sealed(self) -> None:
        data = self.files.need("sealed", MAX_MANIFEST)
        if data is not None and not self.erasures.open(data):
            self.book.find("TAMPERED", "sealed", "not a list of what is gone")

    def _read_pruned(self) -> None:
        """The record that let the oldest records go; an export of a period may not hold it."""
        proof, history = self.keys.first_line.get("pruned"), self.keys.history
        if proof is None or history is None:
            return
        with self.book.judge("keys.jsonl", NOT_PRUNED):
            record, _, size, root = history.open_record(proof)
            self.heads.keep("keys.jsonl", size, root)
            self.erasures.prove(record)

    def _check_log(self, history: KeyHistory, size: int, root: bytes) -> None:
        """The tree, the records, and how the log began."""
        tiles = -(-size // WIDTH)
        born = None
        if tiles > len(self.folder.files) + len(self.files.listed or ()):
            words = "the head counts more records than there are files"
            self.book.find("TAMPERED", "checkpoint", words)
        else:
            born = self._check_tree(history, size, root)
        self.keys.check_birth(history, born)
        if born is not None and born["kind"] == "log.rollback":
            self._check_rollback(born)
        self.keys.check_platform(history)
        unreached = self.heads.sizes - self.heads.reached
        self.book.settle("notes", "leaf hashes are missing" if unreached else "")
        unused = "" if history.timed else "the log's own list of its keys could not be used"
        self.book.settle("keys", unused)

    def _check_tree(self, history: KeyHistory, size: int, root: bytes) -> dict[str, Any] | None:
        """The log's first record, when it is here."""
        span = self.manifest.span or (0, size)
        tree = TreeCheck(self.files, self.heads)
        checker = RecordChecker(history.log_id, span[0])
        records = Records(self.files, self.heads, self.erasures, checker)
        for start in range(0, size, WIDTH):
            width = min(WIDTH, size - start)
            hashes = tree.take(start // WIDTH, width)
            if span[0] <= start < span[1]:
                records.take(start, width, hashes, self.brought.hashes_only)
        tree.settle(root)
        self.erasures.skimmed = self.brought.hashes_only
        records.settle(span, size)
        self.open = checker.list_open()
        if self.brought.hashes_only:
            for name in ("kinds", "places", "writers", "intents", "ids", "sealed", "pruned"):
                words = "left out as you asked: only bytes and hashes were compared"
                self.book.skip(name, words)
        return records.born

    def _check_rollback(self, born: dict[str, Any]) -> None:
        """The log takes the place of another one: what it says must hold with what you saw."""
        target, change = born["target"], born["change"]
        words = "the rollback does not say what it must"
        needed = {"before", "size", "root", "ground"} - set(change)
        if needed or not {"log", "first", "end"} <= set(target) or "policy" not in born:
            self.book.find("TAMPERED", "", words, 0)
            return
        old = change["before"]
        fits = old.rpartition("/")[2] == target["log"] and "reviewer" in born["policy"]
        if not fits or not target["first"] <= target["end"] == change["size"]:
            self.book.find("TAMPERED", "", words, 0)
        told = {name: change[name] for name in ("size", "root")}
        lost = [target["first"], target["end"]]
        self.book.facts["continues"] = {"origin": old, **told, "lost": lost}
        seen = (self.state or {}).get(old)
        if seen and (
            seen["size"] > change["size"]
            or (seen["size"] == change["size"] and seen["root"] != change["root"])
        ):
            words = "the rollback hides records of the old log that you saw"
            self.book.find("TAMPERED", "", words, 0)

    def report(self) -> dict[str, Any]:
        """Everything learnt, as plain values."""
        size, root = self.heads.end or (None, b"")
        history = self.keys.history
        return {
            **begin_report(self.book.verdict, self.heads.outside, size),
            "log": history.origin if history else None,
            "size": size,
            "root": base64.b64encode(root).decode() if self.heads.end else None,
            "key": {
                "confirmed": self.book.checks.get("policy") == "done",
                "fingerprint": history.current.fingerprint if history else None,
                "vkey": history.current.vkey if history else None,
            },
            "keys": history.report() if history else [],
            **self.book.facts,
            "checks": {name: self.book.checks.get(name, "skipped: not reached") for name in CHECKS},
            "findings": self.book.findings,
            **({"findings_left_out": self.book.left_out} if self.book.left_out else {}),
            "open_intents": self.open,
        }


def begin_report(verdict: str, outside: Outside, size: int | None) -> dict[str, Any]:
    """What stands at the top of every report."""
    return {
        "verdict": verdict,
        "anchored": outside.anchored,
        "outside": outside.report(size),
        "exit": EXIT[verdict],
        "verifier": VERSION,
        "signatures": SIGNATURES,
    }


def verify_folder(
    path: str,
    policy: Policy | None = None,
    state: State | None = None,
    brought: Brought | None = None,
) -> dict[str, Any]:
    """The report on one folder; `policy` from `load_policy`, `state` a dictionary by origin."""
    try:
        run = Verification(Folder(path), policy, state, brought)
        run.run()
    except (Malformed, OSError) as error:
        words = str(error) if isinstance(error, Malformed) else "the folder cannot be read"
        report = {"verdict": "UNVERIFIABLE", "exit": 4, "anchored": False, "checks": {}}
        return {**report, "findings": [{"verdict": "UNVERIFIABLE", "file": "", "reason": words}]}
    return run.report()


# 11. One record and its proof


class Receipt:
    """What `x-audit-receipt` says: log, position, leaf hash, and a head under a signature."""

    def __init__(self, text: str) -> None:
        body = text.strip()
        try:
            raw = base64.b64decode(body[3:] + "==", altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise Malformed("not an audit receipt") from None
        again = "v1." + base64.urlsafe_b64encode(raw).decode().rstrip("=")
        if len(raw) != 160 or again != body:
            raise Malformed("not an audit receipt")
        self.log, self.seq = raw[:16].hex(), int.from_bytes(raw[16:24], "big")
        self.leaf, self.size = raw[24:56], int.from_bytes(raw[56:64], "big")
        self.root, self.signature = raw[64:96], raw[96:]

    def is_signed(self, key: Key) -> bool:
        """True when the log's key signed the head that the receipt names."""
        text = f"{key.name}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"
        return self.seq < self.size and check_signature(key.public, self.signature, text.encode())


class ProofVerification:
    """One run over one proof file."""

    def __init__(self, policy: Policy | None = None, receipt: Receipt | None = None) -> None:
        self.policy, self.receipt = policy, receipt
        self.outside = Outside(policy[1] if policy else None)
        self.book = Notebook()
        self.book.facts = {"log": None, "size": None, "root": None}
        self.trusted: tuple[Key, ...] = ()
        self.key: Key | None = None

    def run(self, data: bytes) -> None:
        """Check the proof; whatever does not hold is a finding."""
        with self.book.judge("", "not UTF-8"):
            leaf, index, path, note = split_proof(data.decode("utf-8"))
            origin, size, root = parse_checkpoint(split_note(note)[0])
            self.book.done("proof")
            self.book.facts.update(log=origin, size=size, root=base64.b64encode(root).decode())
            if self._find_keys(origin):
                self._check_head(note, size, origin)
            if not check_inclusion(leaf_hash(leaf), index, size, path, root):
                raise Malformed("the path does not lead from the record to the root")
            self.book.done("inclusion")
            self._check_record(origin, leaf, index)
            if self.receipt is not None:
                self._check_receipt(self.receipt, leaf_hash(leaf), index, size, root)

    def _find_keys(self, origin: str) -> bool:
        """True when the policy names keys of this log."""
        if self.policy is None:
            words = "a proof carries no key: give the log's with --policy"
            self.book.find("UNVERIFIABLE", "", words)
            return False
        self.trusted = self.policy[0].get(origin, ())
        if not self.trusted:
            self.book.find("UNVERIFIABLE", "", "the policy does not name this log")
            return False
        self.book.done("policy")
        return True

    def _check_head(self, note: bytes, size: int, origin: str) -> None:
        """The head is signed by a trusted key, and by whom the policy demands besides."""
        text, signatures = split_note(note)
        named = [key for key in self.trusted if key.list_lines(signatures)]
        self.key = (named or self.trusted)[-1]  # a log may have had several
        demanded = self.policy[1].cosigners.get(origin, ()) if self.policy else ()
        history = KeyHistory((self.key,), timed=False)
        history.cosigners = [(one, 0) for one in demanded]
        history.check(text, signatures, size)
        self.book.done("checkpoint")
        missing = history.find_unsigned(size)
        self.book.settle("mldsa", missing)
        if demanded and missing:
            self.book.find("UNVERIFIABLE", "", NO_COSIGNER)
        self._count_witnesses(note, size)

    def _count_witnesses(self, note: bytes, size: int) -> None:
        trust = self.outside.trust
        if trust is None or not trust.witnesses:
            return
        self.outside.take_note(note, size, "")
        self.book.settle("anchor", self.outside.unread[0] if self.outside.unread else "")
        if trust.demands and not self.outside.anchored:
            words = "the head does not carry the cosignatures that your policy demands"
            self.book.find("UNVERIFIABLE", "", words)

    def _check_record(self, origin: str, leaf: bytes, index: int) -> None:
        record = parse_record(leaf)
        fault = find_fault(record) if len(leaf) <= MAX_LEAF else "the record is larger than 8 KiB"
        if fault:
            raise Malformed(fault)
        if record["log"] != origin.rpartition("/")[2]:
            raise Malformed("the record belongs to another log")
        if not _count(record["seq"]) or record["seq"] != index:
            raise Malformed("the record is not at its position")
        self.book.done("record")
        self.book.facts["record"] = record

    def _check_receipt(
        self, receipt: Receipt, leaf: bytes, index: int, size: int, root: bytes
    ) -> None:
        log = self.book.facts["log"].rpartition("/")[2]
        if (receipt.log, receipt.seq, receipt.leaf) != (log, index, leaf):
            raise Malformed("the receipt names another record")
        if receipt.size == size and receipt.root != root:
            raise Malformed("the receipt and the proof are of two histories")
        if not self.trusted:
            return
        if not any(receipt.is_signed(key) for key in self.trusted):
            raise Malformed("the receipt is not signed by the log's key")
        self.book.done("receipt")

    def report(self) -> dict[str, Any]:
        """Everything learnt, as plain values."""
        why = dict.fromkeys(PROOF_CHECKS, "not reached")
        if self.policy is None:
            why.update(policy="no --policy given", checkpoint="no key", mldsa="no --policy given")
        if self.receipt is None:
            why["receipt"] = "no --receipt given"
        why["anchor"] = "the policy names no witness" if self.policy else "no --policy given"
        checks, key = self.book.checks, self.key
        return {
            **begin_report(self.book.verdict, self.outside, None),
            **self.book.facts,
            "key": {
                "confirmed": key is not None,
                "fingerprint": key.fingerprint if key else None,
                "vkey": key.vkey if key else None,
            },
            "checks": {name: checks.get(name, f"skipped: {why[name]}") for name in why},
            "findings": self.book.findings,
        }


def verify_proof(
    data: bytes, policy: Policy | None = None, receipt: Receipt | None = None
) -> dict[str, Any]:
    """The report on one proof file; INTACT only under a key of `policy`."""
    run = ProofVerification(policy, receipt)
    run.run(data)
    return run.report()


# 12. Evidence of two histories
EVIDENCE_FORMAT = "parvis-audit-evidence/v1"


def verify_evidence(data: bytes) -> dict[str, Any]:
    """The report on a file that `parvis audit gossip` wrote: TAMPERED when it proves a fork.

    It holds two heads signed by one log key: of one size with two roots, or of two sizes with a
    consistency proof that the larger tree had another root at the smaller size.
    """
    report: dict[str, Any] = {"verdict": "UNVERIFIABLE", "evidence": "refused", "log": None}
    try:
        told = parse_record(data.removesuffix(b"\n"))
        if told["format"] != EVIDENCE_FORMAT:
            raise Malformed("not evidence of two histories")
        key = Key(told["vkey"])
        first, second = (parse_checkpoint(open_note(note.encode(), key)) for note in told["notes"])
        proof = [unbase64(step) for step in told["proof"]]
        root = unbase64(told["root"])
        if first[0] != key.name or second[0] != key.name or not first[1] <= second[1]:
            raise Malformed("not two heads of one log")
        if not check_consistency(first[1], second[1], root, second[2], proof):
            raise Malformed("the proof does not lead to the larger head")
        if root == first[2]:
            raise Malformed("the two heads are of one history: nothing is proven")
    except (Malformed, KeyError, TypeError, AttributeError, ValueError) as error:
        words = str(error) if isinstance(error, Malformed) else "not evidence of two histories"
    else:
        words = f"the log signed two histories: size {first[1]} with two different roots"
        report.update(verdict="TAMPERED", evidence="accepted", log=key.name, size=first[1])
        report["key"] = {"vkey": key.vkey, "fingerprint": key.fingerprint, "confirmed": False}
        report["roots"] = [base64.b64encode(one).decode() for one in (first[2], root)]
    finding = {"verdict": report["verdict"], "file": "", "reason": words}
    return {**report, "exit": EXIT[report["verdict"]], "findings": [finding]}


def format_evidence(report: dict[str, Any], language: str = "en") -> str:
    """The report on evidence as people read it."""
    speaker = Speaker(language)
    reason = speaker.tell(report["findings"][0]["reason"])
    lines = [speaker.explain(report["verdict"]) + speaker.colon + reason]
    if report["evidence"] == "accepted":
        rows = [("log", report["log"]), ("key", report["key"]["fingerprint"])]
        rows += [("root", root) for root in report["roots"]]
        lines += [f"{speaker.say(word):9} {_harmless(value)}" for word, value in rows]
        words = "Compare the fingerprint with the one you were given on paper."
        lines.append(speaker.say(words))
    return "\n".join(lines)


# 13. Words. Findings and checks are English in the JSON report; people have four languages
LANGUAGES = ("en", "fr", "de", "lb")
# A sentence a line, in English | French | German | Luxembourgish; {} stands for a value. A line
# that begins with | goes on with the sentence above it. Terms: docs/auditor/glossary.md.
SENTENCES = """
Nothing was altered since it was signed. | Rien n’a été modifié depuis la signature.
| Seit der Signatur wurde nichts verändert. | Zanter der Ënnerschrëft gouf näischt geännert.
A file is missing; what is there is unaltered.
| Un fichier manque ; ce qui est présent n’a pas été modifié.
| Eine Datei fehlt; was da ist, ist unverändert. | E Fichier feelt; wat do ass, ass net geännert.
Something was altered, added, cut or is not in its required form.
| Quelque chose a été modifié, ajouté, coupé ou n’a pas la forme exigée.
| Etwas wurde verändert, hinzugefügt, abgeschnitten oder hat nicht die verlangte Form.
| Eppes gouf geännert, bäigesat, ofgeschnidden oder huet net déi verlaangte Form.
It cannot be decided. | Aucune décision n’est possible. | Es lässt sich nicht entscheiden.
| Et kann net entscheet ginn.
anchored | ancré | verankert | verankert
unanchored | sans ancrage | unverankert | net verankert
FINDING | CONSTAT | BEFUND | BEFOND
done | fait | geprüft | gemaach
SKIPPED | OMIS | AUSGELASSEN | AUSGELOOSS
log | journal | Protokoll | Protokoll
size | taille | Größe | Gréisst
root | racine | Wurzel | Wuerzel
exported | exporté | exportiert | exportéiert
times | période | Zeiten | Zäiten
record | entrée | Eintrag | Entrée
key | clé | Schlüssel | Schlëssel
outside | dehors | außerhalb | dobaussen
window | fenêtre | Fenster | Fënster
unchecked | non vérifié | ungeprüft | net gepréift
open | ouvert | offen | op
silence | silence | Stille | Rou
compared | comparaisons | Vergleiche | Vergläicher
writers | processus | Schreiber | Schreiwer
continues | prolonge | setzt fort | féiert virun
{} records | {} entrées | {} Einträge | {} Entréeën
{} to {} | de {} à {} | {} bis {} | {} bis {}
none | aucun | keine | keng
as in your policy | comme dans votre politique | wie in Ihrer Policy | wéi an Ärer Policy
key not confirmed | clé non confirmée | Schlüssel nicht bestätigt | Schlëssel net confirméiert
your policy names an older key of this log: renew it
| votre politique nomme une ancienne clé de ce journal : renouvelez-la
| Ihre Policy nennt einen älteren Schlüssel dieses Protokolls: erneuern Sie sie
| Är Policy nennt en eelere Schlëssel vun dësem Protokoll: erneiert se
from size {}: {} | à partir de la taille {} : {} | ab Größe {}: {} | vun der Gréisst {} un: {}
records {} to {} are suspect: the key of that time was declared compromised
| les entrées {} à {} sont suspectes : la clé d’alors a été déclarée compromise
| die Einträge {} bis {} sind verdächtig: der Schlüssel jener Zeit wurde als kompromittiert gemeldet
| d’Entréeën {} bis {} si verdächteg: de Schlëssel vun där Zäit gouf als kompromittéiert gemellt
{}, which ended at {} records; positions {} to {} of it are lost
| {}, qui a fini à {} entrées ; ses positions {} à {} sont perdues
| {}, das bei {} Einträgen endete; seine Plätze {} bis {} sind verloren
| {}, deen bei {} Entréeën opgehalen huet; seng Plaze {} bis {} si verluer
{}, which ended at {} records; nothing of it is lost
| {}, qui a fini à {} entrées ; rien n’en est perdu
| {}, das bei {} Einträgen endete; nichts davon ist verloren
| {}, deen bei {} Entréeën opgehalen huet; näischt dovun ass verluer
{} with counts from outside, the last until {}; {} found calls without a record
| {} avec des comptes extérieurs, la dernière jusqu’au {} ; {} ont trouvé des appels sans entrée
| {} mit Zählungen von außen, der letzte bis {}; {} fanden Aufrufe ohne Eintrag
| {} mat Zielunge vu baussen, dee leschte bis {}; {} hunn Opriff ouni Entrée fonnt
record {}: {} calls of {} without a record, {} to {}
| entrée {} : {} appels de {} sans entrée, du {} au {}
| Eintrag {}: {} Aufrufe von {} ohne Eintrag, {} bis {}
| Entrée {}: {} Opriff vun {} ouni Entrée, {} bis {}
{} processes, {} heartbeats | {} processus, {} signes de vie | {} Prozesse, {} Lebenszeichen
| {} Prozesser, {} Liewenszeechen
{} gaps of more than 10 minutes, the longest {} minutes
| {} silences de plus de 10 minutes, le plus long de {} minutes
| {} Pausen von mehr als 10 Minuten, die längste {} Minuten
| {} Paise vu méi wéi 10 Minutten, déi längst {} Minutten
before record {}: from {} to {} | avant l’entrée {} : de {} à {} | vor Eintrag {}: von {} bis {}
| virun der Entrée {}: vun {} bis {}
record {} of {} has no ending here | l’entrée {} du {} n’a pas de fin ici
| Eintrag {} von {} hat hier kein Ende | d’Entrée {} vum {} huet hei keen Enn
record {} of {} has no ending here, after more than 15 minutes
| l’entrée {} du {} n’a pas de fin ici, après plus de 15 minutes
| Eintrag {} von {} hat hier kein Ende, nach mehr als 15 Minuten
| d’Entrée {} vum {} huet hei keen Enn, no méi wéi 15 Minutten
and {} more | et {} de plus | und {} weitere | an {} weiderer
signatures checked with {} | signatures vérifiées avec {} | Signaturen geprüft mit {}
| Ënnerschrëfte gepréift mat {}
own RFC 8032 check (slower) | contrôle propre de la RFC 8032 (plus lent)
| eigener Prüfung nach RFC 8032 (langsamer) | eegener Préifung no RFC 8032 (méi lues)
SHA-256 of this verifier: {} | SHA-256 de ce vérificateur : {} | SHA-256 dieses Prüfprogramms: {}
| SHA-256 vun dësem Kontrollprogramm: {}
no time is known outside the operator | aucun temps n’est connu hors de l’exploitant
| außerhalb des Betreibers ist keine Zeit bekannt | ausserhalb vum Bedreiwer ass keng Zäit bekannt
{} of {}: the first {} records{} | {} de {} : les {} premières entrées{}
| {} von {}: die ersten {} Einträge{} | {} vun {}: déi éischt {} Entréeën{}
{}{}: the first {} records{} | {}{} : les {} premières entrées{} | {}{}: die ersten {} Einträge{}
| {}{}: déi éischt {} Entréeën{}
witness | témoin | Zeuge | Zeien
time stamp | horodatage | Zeitstempel | Zäitstempel
witnesses | témoins | Zeugen | Zeien
witnesses of the platform log | témoins du journal de la plateforme
| Zeugen des Plattform-Protokolls | Zeie vum Plattform-Protokoll
kept elsewhere | gardé ailleurs | anderswo aufbewahrt | anzwousch anescht gehalen
printed line | ligne imprimée | gedruckte Zeile | gedréckten Zeil
your last visit | votre dernière visite | Ihr letzter Besuch | Är lescht Visitt
{}: its authority is not one of a policy | {} : son autorité n’est pas celle d’une politique
| {}: seine Stelle steht in keiner Policy | {}: seng Zäitstempelplaz steet a kenger Policy
Keep this file: the log can no longer be cut below it or rewritten without contradicting it.
| Gardez ce fichier : le journal ne peut plus être coupé en dessous ni réécrit sans le contredire.
| Bewahren Sie diese Datei auf: ohne Widerspruch zu ihr lässt sich das Protokoll nicht mehr davor abschneiden oder umschreiben.
| Haalt dëse Fichier op: ouni him ze widderspriechen, kann de Protokoll net méi virdrun ofgeschnidden oder ëmgeschriwwe ginn.
That a record is in the log never proves that it is true.
| Qu’une entrée figure au journal ne prouve jamais qu’elle est vraie.
| Dass etwas im Protokoll steht, beweist nie, dass es wahr ist.
| Datt eppes am Protokoll steet, beweist ni, datt et wouer ass.
A record is protected against its operator from the moment a head covering it is kept outside the operator's reach.
| Une entrée est protégée contre son exploitant dès qu’une tête qui la couvre est gardée hors de portée de celui-ci.
| Ein Eintrag ist gegen den Betreiber geschützt, sobald ein Kopf, der ihn umfasst, außerhalb seiner Reichweite liegt.
| Eng Entrée ass géint de Bedreiwer geschützt, soubal e Kapp, deen se ëmfaasst, ausserhalb vu senger Reechwäit läit.
Copies cover the first {}: the {} after them rest on the operator's word until you keep this head yourself (--state).
| Des copies couvrent les {} premières : les {} suivantes reposent sur la parole de l’exploitant tant que vous ne gardez pas cette tête vous-même (--state).
| Kopien umfassen die ersten {}: die {} danach beruhen auf dem Wort des Betreibers, bis Sie diesen Kopf selbst aufbewahren (--state).
| Kopien ëmfaassen déi éischt {}: déi {} duerno berouen um Wuert vum Bedreiwer, bis Dir dëse Kapp selwer ophaalt (--state).
None is known here: all {} records rest on the operator's word until you keep this head yourself (--state).
| Aucune n’est connue ici : les {} entrées reposent toutes sur la parole de l’exploitant tant que vous ne gardez pas cette tête vous-même (--state).
| Hier ist keiner bekannt: alle {} Einträge beruhen auf dem Wort des Betreibers, bis Sie diesen Kopf selbst aufbewahren (--state).
| Hei ass kee bekannt: all {} Entréeë berouen um Wuert vum Bedreiwer, bis Dir dëse Kapp selwer ophaalt (--state).
What was never recorded is not in the log: only counts kept elsewhere would show it. Times are the operator's, between the outside times named here.
| Ce qui n’a jamais été enregistré n’est pas au journal : seuls des comptes tenus ailleurs le montreraient. Les heures sont celles de l’exploitant, entre les temps extérieurs nommés ici.
| Was nie aufgezeichnet wurde, steht nicht im Protokoll: nur anderswo geführte Zahlen würden es zeigen. Die Zeiten sind die des Betreibers, zwischen den hier genannten Zeiten von außen.
| Wat ni opgeholl gouf, steet net am Protokoll: nëmmen Zuelen, déi anzwousch anescht gefouert ginn, géifen et weisen. D’Zäite si vum Bedreiwer, tëscht den hei genannten Zäite vu baussen.
Report on an audit export | Rapport sur un export d’audit | Bericht über einen Audit-Export
| Bericht iwwer en Audit-Export
Findings | Constats | Befunde | Befonner
Checks | Contrôles | Prüfungen | Préifungen
Intents without an ending | Intentions sans fin | Vorhaben ohne Ende | Virhuelen ouni Enn
What this does not prove | Ce que cela ne prouve pas | Was das nicht beweist | Wat dat net beweist
About the log | Au sujet du journal | Über das Protokoll | Iwwer de Protokoll
None. | Aucun. | Keine. | Keng.
not base64 | pas en base64 | nicht base64 | net base64
not canonical base64 | base64 non canonique | kein kanonisches base64 | kee kanonescht base64
not an Ed25519 verifier key | pas une clé de vérification Ed25519 | kein Ed25519-Prüfschlüssel
| keen Ed25519-Préifschlëssel
a verifier key with the wrong key id | une clé de vérification au mauvais identifiant
| ein Prüfschlüssel mit falscher Kennung | e Préifschlëssel mat der falscher Kennung
not UTF-8 | pas en UTF-8 | nicht UTF-8 | net UTF-8
control characters in a note | caractères de commande dans une note | Steuerzeichen in einer Note
| Steierzeechen an enger Note
not a signed note | pas une note signée | keine signierte Note | keng signéiert Note
too many signatures | trop de signatures | zu viele Signaturen | ze vill Ënnerschrëften
not a signature line | pas une ligne de signature | keine Signaturzeile
| keng Zeil mat enger Ënnerschrëft
the signature does not fit | la signature ne convient pas | die Signatur passt nicht
| d’Ënnerschrëft passt net
not signed by the log's key | pas signé par la clé du journal
| nicht mit dem Schlüssel des Protokolls signiert | net mam Schlëssel vum Protokoll signéiert
two keys of the log have the same id | deux clés du journal ont le même identifiant
| zwei Schlüssel des Protokolls haben dieselbe Kennung
| zwee Schlëssele vum Protokoll hunn déi selwecht Kennung
signed by a key whose time was over or had not begun
| signé par une clé dont le temps était fini ou pas encore venu
| signiert mit einem Schlüssel, dessen Zeit vorbei war oder noch nicht begonnen hatte
| mat engem Schlëssel signéiert, deem seng Zäit eriwwer war oder nach net ugefaangen hat
the head at a change of keys is not signed by both
| la tête au changement de clés n’est pas signée par les deux
| der Kopf beim Schlüsselwechsel ist nicht von beiden signiert
| de Kapp beim Wiessel vum Schlëssel ass net vun deenen zwee signéiert
not a checkpoint | pas une tête | kein Kopf | kee Kapp
a root of the wrong length | une racine de mauvaise longueur | eine Wurzel falscher Länge
| eng Wuerzel vun der falscher Längt
not a number | pas un nombre | keine Zahl | keng Zuel
not a proof | pas une preuve | kein Beweis | kee Beweis
not a proof that carries its record | pas une preuve qui porte son entrée
| kein Beweis, der seinen Eintrag enthält | kee Beweis, deen seng Entrée dréit
a hash of the wrong length | une empreinte de mauvaise longueur | ein Hash falscher Länge
| en Hash vun der falscher Längt
the cosignature of {} does not fit | la cosignature de {} ne convient pas
| die Mitsignatur von {} passt nicht | d’Matënnerschrëft vun {} passt net
not DER | pas en DER | nicht DER | net DER
not of the expected ASN.1 form | pas de la forme ASN.1 attendue | nicht in der erwarteten ASN.1-Form
| net an der erwaarter ASN.1-Form
not a time-stamp token | pas un jeton d’horodatage | kein Zeitstempel | keen Zäitstempel
a time-stamp token has one signer | un jeton d’horodatage a un seul signataire
| ein Zeitstempel hat genau einen Unterzeichner | en Zäitstempel huet genee een Ënnerschreiwer
a time stamp without a time in UTC | un horodatage sans heure UTC | ein Zeitstempel ohne Zeit in UTC
| en Zäitstempel ouni Zäit an UTC
a time stamp over a digest that is not SHA-2 | un horodatage sur une empreinte qui n’est pas SHA-2
| ein Zeitstempel über einen anderen Hash als SHA-2 | en Zäitstempel iwwer en anere Hash wéi SHA-2
the time stamp is of other bytes than this head
| l’horodatage porte sur d’autres octets que cette tête
| der Zeitstempel gilt anderen Bytes als diesem Kopf
| den Zäitstempel ass vun anere Bytes wéi dëse Kapp
a time stamp without signed attributes | un horodatage sans attributs signés
| ein Zeitstempel ohne signierte Attribute | en Zäitstempel ouni signéiert Attributer
a time stamp signed over a digest that is not SHA-2
| un horodatage signé sur une empreinte qui n’est pas SHA-2
| ein Zeitstempel, signiert über einen anderen Hash als SHA-2
| en Zäitstempel, signéiert iwwer en anere Hash wéi SHA-2
the time stamp's signer signed another kind of content
| le signataire de l’horodatage a signé un autre genre de contenu
| der Unterzeichner des Zeitstempels signierte eine andere Art Inhalt
| den Ënnerschreiwer vum Zäitstempel huet eng aner Zort Inhalt signéiert
the time stamp's content is not what was signed
| le contenu de l’horodatage n’est pas ce qui a été signé
| der Inhalt des Zeitstempels ist nicht der signierte
| den Inhalt vum Zäitstempel ass net dee signéierten
not the attributes of a signature | pas les attributs d’une signature
| nicht die Attribute einer Signatur | net d’Attributer vun enger Ënnerschrëft
a time stamp that names its certificate by an unknown digest
| un horodatage qui nomme son certificat par une empreinte inconnue
| ein Zeitstempel, der sein Zertifikat mit unbekanntem Hash nennt
| en Zäitstempel, dee säin Zertifikat mat engem onbekannten Hash nennt
the time stamp does not bring the certificate of its signer
| l’horodatage n’apporte pas le certificat de son signataire
| der Zeitstempel bringt das Zertifikat seines Unterzeichners nicht mit
| den Zäitstempel bréngt den Zertifikat vu sengem Ënnerschreiwer net mat
a time stamp with too many certificates | un horodatage avec trop de certificats
| ein Zeitstempel mit zu vielen Zertifikaten | en Zäitstempel mat ze vill Zertifikater
the time stamp cannot be read | l’horodatage est illisible | der Zeitstempel ist nicht lesbar
| den Zäitstempel kann net gelies ginn
not a certificate | pas un certificat | kein Zertifikat | keen Zertifikat
the time stamp's signer has no certificate for time stamps
| le signataire de l’horodatage n’a pas de certificat d’horodatage
| der Unterzeichner des Zeitstempels hat kein Zertifikat für Zeitstempel
| den Ënnerschreiwer vum Zäitstempel huet keen Zertifikat fir Zäitstempelen
a time stamp signed with a key of an unknown kind | un horodatage signé par une clé de genre inconnu
| ein Zeitstempel, signiert mit einem Schlüssel unbekannter Art
| en Zäitstempel, mat engem Schlëssel vun onbekannter Aart signéiert
the signature of the time stamp does not fit | la signature de l’horodatage ne convient pas
| die Signatur des Zeitstempels passt nicht | d’Ënnerschrëft vum Zäitstempel passt net
a time beyond the calendar | un temps hors du calendrier | eine Zeit außerhalb des Kalenders
| eng Zäit ausserhalb vum Kalenner
the record is not JSON of the allowed form | l’entrée n’est pas du JSON de la forme permise
| der Eintrag ist kein JSON der erlaubten Form | d’Entrée ass kee JSON vun der erlaabter Form
the record is not in canonical form | l’entrée n’est pas en forme canonique
| der Eintrag ist nicht in kanonischer Form | d’Entrée ass net a kanonescher Form
unknown kind | genre inconnu | unbekannte Art | onbekannten Aart
{} is missing | {} manque | {} fehlt | {} feelt
{} is not what the kind demands | {} n’est pas ce que le genre exige
| {} ist nicht, was die Art verlangt | {} ass net dat, wat d’Aart verlaangt
unknown field | champ inconnu | unbekanntes Feld | onbekannt Feld
{} is not a block | {} n’est pas un bloc | {} ist kein Block | {} ass kee Block
unknown field in {} | champ inconnu dans {} | unbekanntes Feld in {} | onbekannt Feld a(n) {}
{} is not in the required form | {} n’a pas la forme exigée | {} hat nicht die verlangte Form
| {} huet net déi verlaangte Form
the record belongs to another log | l’entrée appartient à un autre journal
| der Eintrag gehört zu einem anderen Protokoll | d’Entrée gehéiert zu engem anere Protokoll
the record is not at its position | l’entrée n’est pas à sa place
| der Eintrag steht nicht an seinem Platz | d’Entrée ass net op hirer Plaz
records of one writer are missing between number {} and {}
| des entrées d’un même processus manquent entre les numéros {} et {}
| Einträge eines Schreibers fehlen zwischen Nummer {} und {}
| Entréeë vun engem Schreiwer feelen tëscht Nummer {} an {}
it ends an intent that is not open | elle termine une intention qui n’est pas ouverte
| er beendet ein Vorhaben, das nicht offen ist | si beendegt e Virhuelen, dat net op ass
time goes back | le temps recule | die Zeit läuft zurück | d’Zäit leeft zeréck
folders are nested too deeply | dossiers trop imbriqués | Ordner zu tief verschachtelt
| Dossiere sinn ze déif verschachtelt
too many files | trop de fichiers | zu viele Dateien | ze vill Fichieren
a link or a special file | un lien ou un fichier spécial | eine Verknüpfung oder Sonderdatei
| e Link oder e spezielle Fichier
the file is too large | le fichier est trop grand | die Datei ist zu groß | de Fichier ass ze grouss
not an entry bundle of this width | ce n’est pas un lot d’entrées de cette taille
| kein Bündel mit dieser Zahl von Einträgen | kee Bündel mat dëser Zuel vun Entréeën
no links, no special files, no deep folders | ni liens, ni fichiers spéciaux, ni dossiers profonds
| keine Verknüpfungen, Sonderdateien, tiefen Ordner
| keng Linken, speziell Fichieren, déif Dossieren
the list of files is signed by the log | la liste de fichiers est signée par le journal
| die Dateiliste ist vom Protokoll signiert | d’Lëscht vu Fichieren ass vum Protokoll signéiert
no file beside the listed ones | aucun fichier hors de la liste | keine Datei neben den gelisteten
| kee Fichier nieft deenen op der Lëscht
size and SHA-256 of every file | taille et SHA-256 de chaque fichier | Größe und SHA-256 jeder Datei
| Gréisst a SHA-256 vun all Fichier
the head is signed by the log | la tête est signée par le journal
| der Kopf ist vom Protokoll signiert | de Kapp ass vum Protokoll signéiert
root recomputed from the leaf hashes, every tile compared
| racine recalculée depuis les feuilles, chaque tuile comparée
| Wurzel aus den Blättern neu berechnet, jede Kachel verglichen
| Wuerzel aus de Blieder nei gerechent, all Kachel verglach
every exported record is the one that was hashed | chaque entrée exportée est celle qui a été hachée
| jeder exportierte Eintrag ist der gehashte | all exportéiert Entrée ass déi gehasht
records in canonical form, of known kinds, with known fields
| entrées en forme canonique, de genres et champs connus
| Einträge in kanonischer Form, mit bekannten Arten und Feldern
| Entréeën a kanonescher Form, mat bekannten Aarten a Felder
positions without gap, of this log, time never going back
| positions sans trou, de ce journal, temps jamais à rebours
| Plätze lückenlos, dieses Protokolls, Zeit nie rückwärts
| Plazen ouni Lach, vun dësem Protokoll, Zäit ni zeréck
counters of every writing process without gap | compteurs de chaque processus sans trou
| Zähler jedes Schreibers lückenlos | Zieler vun all Schreiwer ouni Lach
every ending has its intent | chaque fin a son intention | jedes Ende hat sein Vorhaben
| all Enn huet säi Virhuelen
no record id occurs twice | aucun identifiant en double | keine Kennung kommt zweimal vor
| keng Kennung kënnt zweemol vir
the first record names this key; the platform log knows it
| la première entrée nomme cette clé ; le journal de la plateforme la connaît
| der erste Eintrag nennt diesen Schlüssel; das Plattform-Protokoll kennt ihn
| déi éischt Entrée nennt dëse Schlëssel; de Plattform-Protokoll kennt en
earlier published heads are heads of this same log
| les têtes publiées auparavant sont de ce même journal
| früher veröffentlichte Köpfe gehören zu diesem Protokoll
| éischter publizéiert Käpp gehéieren zu dësem Protokoll
every head is signed by the key of its time, every change of keys by both
| chaque tête est signée par la clé de son temps, chaque changement de clés par les deux
| jeder Kopf ist vom Schlüssel seiner Zeit signiert, jeder Wechsel von beiden
| all Kapp ass vum Schlëssel vu senger Zäit signéiert, all Wiessel vun deenen zwee
the log's own ML-DSA-44 line on its head | la ligne ML-DSA-44 du journal lui-même sur sa tête
| die eigene ML-DSA-44-Zeile des Protokolls auf seinem Kopf
| d’eege ML-DSA-44-Zeil vum Protokoll op sengem Kapp
the head is not signed by ML-DSA-44, as your policy demands
| la tête n’est pas signée par ML-DSA-44 comme votre politique l’exige
| der Kopf ist nicht mit ML-DSA-44 signiert, wie Ihre Policy es verlangt
| de Kapp ass net mat ML-DSA-44 signéiert, wéi Är Policy et verlaangt
the ML-DSA-44 key is not the one that you trust
| la clé ML-DSA-44 n’est pas celle à laquelle vous vous fiez
| der ML-DSA-44-Schlüssel ist nicht der, dem Sie vertrauen
| den ML-DSA-44-Schlëssel ass net deen, deem Dir vertraut
not an ML-DSA-44 key of this log | pas une clé ML-DSA-44 de ce journal
| kein ML-DSA-44-Schlüssel dieses Protokolls | keen ML-DSA-44-Schlëssel vun dësem Protokoll
no ML-DSA-44 key of this log is known | aucune clé ML-DSA-44 de ce journal n’est connue
| kein ML-DSA-44-Schlüssel dieses Protokolls ist bekannt
| keen ML-DSA-44-Schlëssel vun dësem Protokoll ass bekannt
with ML-DSA-44: {} | avec ML-DSA-44 : {} | mit ML-DSA-44: {} | mat ML-DSA-44: {}
the head bears no such line | la tête ne porte pas une telle ligne
| der Kopf trägt keine solche Zeile | de Kapp dréit keng esou Zeil
the log's key is one that you trust | la clé du journal est une clé à laquelle vous vous fiez
| dem Schlüssel des Protokolls vertrauen Sie | dem Schlëssel vum Protokoll vertraut Dir
the log continues the one you saw last time | le journal prolonge celui que vous avez vu
| das Protokoll setzt das zuletzt gesehene fort
| de Protokoll féiert dee virun, deen Dir gesinn hutt
the platform log holds a head of this log among the heads of all
| le journal de la plateforme tient une tête de ce journal parmi celles de tous
| das Plattform-Protokoll hält einen Kopf dieses Protokolls unter denen aller
| de Plattform-Protokoll hält e Kapp vun dësem Protokoll ënner deene vun allen
cosignatures of the witnesses that your policy names
| cosignatures des témoins que nomme votre politique
| Mitsignaturen der Zeugen, die Ihre Policy nennt
| Matënnerschrëfte vun den Zeien, déi Är Policy nennt
time stamps (RFC 3161) of the authorities that your policy names
| horodatages (RFC 3161) des autorités que nomme votre politique
| Zeitstempel (RFC 3161) der Stellen, die Ihre Policy nennt
| Zäitstempelen (RFC 3161) vun den Zäitstempelplazen, déi Är Policy nennt
the printed head is one of this log | la tête imprimée est de ce journal
| der gedruckte Kopf gehört zu diesem Protokoll | de gedréckte Kapp ass vun dësem Protokoll
this folder is not an audit export | ce dossier n’est pas un export d’audit
| dieser Ordner ist kein Audit-Export | dësen Dossier ass keen Audit-Export
not everything that is needed could be checked | tout le nécessaire n’a pas pu être contrôlé
| nicht alles Nötige war prüfbar | net alles, wat néideg ass, konnt gepréift ginn
the file cannot be read | le fichier est illisible | die Datei ist nicht lesbar
| de Fichier kann net gelies ginn
the file is not the one that was exported | le fichier n’est pas celui qui a été exporté
| die Datei ist nicht die exportierte | de Fichier ass net deen, deen exportéiert gouf
the file is missing | le fichier manque | die Datei fehlt | de Fichier feelt
missing | manquant | fehlt | feelt
no key | pas de clé | kein Schlüssel | kee Schlëssel
not reached | pas atteint | nicht erreicht | net erreecht
not the keys of a log | pas les clés d’un journal | nicht die Schlüssel eines Protokolls
| net d’Schlëssele vun engem Protokoll
the key belongs to another log | la clé appartient à un autre journal
| der Schlüssel gehört zu einem anderen Protokoll | de Schlëssel gehéiert zu engem anere Protokoll
the changes of keys are not in order | les changements de clés ne sont pas dans l’ordre
| die Schlüsselwechsel sind nicht in der Reihenfolge
| d’Wiessele vun de Schlëssele sinn net an der Rei
a change of keys is not proven | un changement de clés n’est pas prouvé
| ein Schlüsselwechsel ist nicht bewiesen | e Wiessel vum Schlëssel ass net bewisen
a change of keys does not fit the one before | un changement de clés ne suit pas le précédent
| ein Schlüsselwechsel passt nicht zum vorigen | e Wiessel vum Schlëssel passt net zum virechten
a key was declared compromised that was still in use
| une clé encore en usage a été déclarée compromise
| ein noch benutzter Schlüssel wurde als kompromittiert gemeldet
| e Schlëssel, deen nach a Gebrauch war, gouf als kompromittéiert gemellt
no --policy given; compare the fingerprint yourself
| pas de --policy ; comparez vous-même l’empreinte
| kein --policy angegeben; vergleichen Sie den Fingerabdruck selbst
| kee --policy uginn; vergläicht de Fangerofdrock selwer
the policy does not name this log | la politique ne nomme pas ce journal
| die Policy nennt dieses Protokoll nicht | d’Policy nennt dëse Protokoll net
the key is not the one that you trust | la clé n’est pas celle à laquelle vous vous fiez
| der Schlüssel ist nicht der, dem Sie vertrauen | de Schlëssel ass net deen, deem Dir vertraut
the key that you trust was declared compromised: get the new one on paper
| la clé à laquelle vous vous fiez a été déclarée compromise : demandez la nouvelle sur papier
| der Schlüssel, dem Sie vertrauen, wurde als kompromittiert gemeldet: holen Sie den neuen auf Papier
| de Schlëssel, deem Dir vertraut, gouf als kompromittéiert gemellt: frot deen neien um Pabeier
the list of files is missing | la liste de fichiers manque | die Dateiliste fehlt
| d’Lëscht vu Fichiere feelt
not a list of files of this log | ce n’est pas une liste de fichiers de ce journal
| keine Dateiliste dieses Protokolls | keng Lëscht vu Fichiere vun dësem Protokoll
not a list of files | ce n’est pas une liste de fichiers | keine Dateiliste
| keng Lëscht vu Fichieren
the list names a file that no export has | la liste nomme un fichier qu’aucun export ne contient
| die Liste nennt eine Datei, die kein Export hat | d’Lëscht nennt e Fichier, dee keen Export huet
the list is not complete | la liste n’est pas complète | die Liste ist nicht vollständig
| d’Lëscht ass net komplett
not the head of this export | ce n’est pas la tête de cet export | nicht der Kopf dieses Exports
| net de Kapp vun dësem Export
a head beyond the end of the log: the end was cut
| une tête au-delà de la fin du journal : la fin a été coupée
| ein Kopf jenseits des Endes: das Ende wurde abgeschnitten
| e Kapp méi wäit wéi d’Enn: d’Enn gouf ofgeschnidden
two heads of one size: the log has two histories
| deux têtes de même taille : le journal a deux histoires
| zwei Köpfe derselben Größe: das Protokoll hat zwei Geschichten
| zwee Käpp vun der selwechter Gréisst: de Protokoll huet zwou Geschichten
not a head of this log | ce n’est pas une tête de ce journal | kein Kopf dieses Protokolls
| kee Kapp vun dësem Protokoll
two signed heads of one size | deux têtes signées de même taille
| zwei signierte Köpfe derselben Größe | zwee signéiert Käpp vun der selwechter Gréisst
a time stamp of a head that is not here | un horodatage d’une tête qui n’est pas ici
| ein Zeitstempel eines Kopfs, der nicht hier ist | en Zäitstempel vun engem Kapp, deen net hei ass
no proof of it in this export | aucune preuve dans cet export | kein Beweis dafür in diesem Export
| kee Beweis dofir an dësem Export
not a proof of heads | ce n’est pas une preuve de têtes | kein Beweis über Köpfe
| kee Beweis iwwer Käpp
the platform log does not prove the heads of all logs
| le journal de la plateforme ne prouve pas les têtes de tous les journaux
| das Plattform-Protokoll beweist die Köpfe aller Protokolle nicht
| de Plattform-Protokoll beweist d’Käpp vun alle Protokoller net
the platform log's heads do not hold one of this log
| les têtes du journal de la plateforme n’en contiennent pas de ce journal
| unter den Köpfen des Plattform-Protokolls ist keiner dieses Protokolls
| ënner de Käpp vum Plattform-Protokoll ass keen vun dësem Protokoll
it does; but your policy does not name the platform log's key
| c’est le cas ; mais votre politique ne nomme pas la clé du journal de la plateforme
| so ist es; aber Ihre Policy nennt den Schlüssel des Plattform-Protokolls nicht
| et ass esou; mee Är Policy nennt de Schlëssel vum Plattform-Protokoll net
the note is of another log | la note est d’un autre journal
| die Note ist von einem anderen Protokoll | d’Note ass vun engem anere Protokoll
no --head-line given | pas de --head-line | kein --head-line angegeben | kee --head-line uginn
the printed head is of another log | la tête imprimée est d’un autre journal
| der gedruckte Kopf ist von einem anderen Protokoll
| de gedréckte Kapp ass vun engem anere Protokoll
shorter than the printed head: cut, or an old export
| plus court que la tête imprimée : coupé, ou export ancien
| kürzer als der gedruckte Kopf: abgeschnitten oder ein alter Export
| méi kuerz wéi de gedréckte Kapp: ofgeschnidden oder en alen Export
no head here carries the cosignatures that your policy demands
| aucune tête ici ne porte les cosignatures que votre politique exige
| kein Kopf hier trägt die Mitsignaturen, die Ihre Policy verlangt
| kee Kapp hei dréit d’Matënnerschrëften, déi Är Policy verlaangt
the head does not carry the cosignatures that your policy demands
| la tête ne porte pas les cosignatures que votre politique exige
| der Kopf trägt nicht die Mitsignaturen, die Ihre Policy verlangt
| de Kapp dréit net d’Matënnerschrëften, déi Är Policy verlaangt
no outside time as new as {}: old, or never anchored
| aucun temps extérieur aussi récent que {} : ancien, ou jamais ancré
| keine Zeit von außen so neu wie {}: alt oder nie verankert
| keng Zäit vu baussen esou nei wéi {}: al oder ni verankert
no --policy given | pas de --policy | kein --policy angegeben | kee --policy uginn
the policy names no authority (#!tsa) | la politique ne nomme aucune autorité (#!tsa)
| die Policy nennt keine Stelle (#!tsa) | d’Policy nennt keng Zäitstempelplaz (#!tsa)
the policy names no witness | la politique ne nomme aucun témoin | die Policy nennt keinen Zeugen
| d’Policy nennt kee Zeien
its time is after {}, when others saw it already
| son heure est après {}, quand d’autres l’avaient déjà vu
| seine Zeit liegt nach {}, als andere ihn schon sahen
| hir Zäit ass no {}, wéi anerer se scho gesinn haten
no --state given | pas de --state | kein --state angegeben | kee --state uginn
this log was not seen before; it is now remembered
| ce journal n’a pas été vu auparavant ; il est maintenant retenu
| dieses Protokoll wurde noch nie gesehen; es wird nun gemerkt
| dëse Protokoll gouf nach ni gesinn; en ass elo gemierkt
the log's key is not the one seen last time | la clé du journal n’est pas celle vue la dernière fois
| der Schlüssel ist nicht der vom letzten Mal | de Schlëssel ass net dee vum leschte Mol
shorter than the {} records seen last time: cut, or an old export
| plus court que les {} entrées vues la dernière fois : coupé, ou export ancien
| kürzer als die {} Einträge vom letzten Mal: abgeschnitten oder ein alter Export
| méi kuerz wéi déi {} Entréeë vum leschte Mol: ofgeschnidden oder en alen Export
the log is shorter than last time | le journal est plus court que la dernière fois
| das Protokoll ist kürzer als beim letzten Mal | de Protokoll ass méi kuerz wéi d’lescht Kéier
another history than the one seen last time | une autre histoire que celle vue la dernière fois
| eine andere Geschichte als beim letzten Mal | eng aner Geschicht wéi d’lescht Kéier
the head counts more records than there are files
| la tête compte plus d’entrées qu’il n’y a de fichiers
| der Kopf zählt mehr Einträge, als Dateien da sind
| de Kapp zielt méi Entréeën, wéi et Fichiere gëtt
the tile has the wrong length | la tuile n’a pas la bonne longueur
| die Kachel hat die falsche Länge | d’Kachel huet déi falsch Längt
the file is needed and not there | le fichier est nécessaire et absent
| die Datei wird gebraucht und ist nicht da | de Fichier gëtt gebraucht an ass net do
the tile is not made of the leaves below it | la tuile ne correspond pas aux feuilles
| die Kachel passt nicht zu den Blättern darunter | d’Kachel passt net zu de Blieder drënner
a published head is not one of this log | une tête publiée n’est pas de ce journal
| ein veröffentlichter Kopf ist nicht von diesem Protokoll
| e publizéierte Kapp ass net vun dësem Protokoll
the printed head is not one of this log | la tête imprimée n’est pas de ce journal
| der gedruckte Kopf ist nicht von diesem Protokoll | de gedréckte Kapp ass net vun dësem Protokoll
leaf hashes are missing | des empreintes de feuilles manquent | Blatt-Hashes fehlen
| Blat-Hashe feelen
the signed root is not that of the leaves | la racine signée n’est pas celle des feuilles
| die signierte Wurzel ist nicht die der Blätter | déi signéiert Wuerzel ass net déi vun de Blieder
the record is not the one that was hashed | l’entrée n’est pas celle qui a été hachée
| der Eintrag ist nicht der gehashte | d’Entrée ass net déi, déi gehasht gouf
keys.jsonl tells another story of the log's keys
| keys.jsonl raconte une autre histoire des clés du journal
| keys.jsonl erzählt eine andere Geschichte der Schlüssel
| keys.jsonl erzielt eng aner Geschicht vun de Schlësselen
files of records are missing or unreadable; the others were checked
| des fichiers d’entrées manquent ou sont illisibles ; les autres ont été contrôlés
| Dateien mit Einträgen fehlen oder sind unlesbar; die anderen wurden geprüft
| Fichiere mat Entréeë feelen oder sinn net ze liesen; déi aner goufe gepréift
left out as you asked: only bytes and hashes were compared
| omis à votre demande : seuls les octets et empreintes ont été comparés
| auf Ihren Wunsch ausgelassen: nur Bytes und Hashes wurden verglichen
| op Äre Wonsch ausgelooss: nëmme Bytes an Hashe goufe verglach
sealed values that are gone, and a record that allows each
| valeurs scellées disparues, et une entrée qui autorise chacune
| versiegelte Werte, die fort sind, und ein Eintrag, der es je erlaubt
| versigelt Wäerter, déi fort sinn, an eng Entrée, déi et all Kéier erlaabt
records before the first or after the last: not asked for, or a record allows it
| entrées avant la première ou après la dernière : non demandées, ou une entrée l’autorise
| Einträge vor dem ersten oder nach dem letzten: nicht verlangt, oder ein Eintrag erlaubt es
| Entréeë virun der éischter oder no der leschter: net gefrot, oder eng Entrée erlaabt et
sealed | scellés | versiegelt | versigelt
pruned | retiré | entfernt | ewechgeholl
{} sealed values: {} held, {} erased with a record that allows it, {} missing
| {} valeurs scellées : {} conservées, {} effacées selon une entrée, {} manquantes
| {} versiegelte Werte: {} vorhanden, {} gelöscht mit erlaubendem Eintrag, {} fehlen
| {} versigelt Wäerter: {} do, {} geläscht mat enger Entrée, déi et erlaabt, {} feelen
records 0 to {}, allowed by record {} | entrées 0 à {}, autorisé par l’entrée {}
| Einträge 0 bis {}, erlaubt durch Eintrag {} | Entréeën 0 bis {}, erlaabt duerch d’Entrée {}
not a list of what is gone | ce n’est pas une liste de ce qui a disparu
| keine Liste dessen, was fort ist | keng Lëscht vun deem, wat fort ass
sealed values are gone and no record allows it
| des valeurs scellées ont disparu sans qu’une entrée l’autorise
| versiegelte Werte sind fort, und kein Eintrag erlaubt es
| versigelt Wäerter si fort, a keng Entrée erlaabt et
a value is said to be gone that the record does not have
| une valeur est dite disparue que l’entrée n’a pas
| ein Wert soll fort sein, den der Eintrag nicht hat
| e Wäert soll fort sinn, deen d’Entrée net huet
an erasure was confirmed that nobody else had asked for
| un effacement confirmé que personne d’autre n’avait demandé
| eine Löschung wurde bestätigt, die niemand anderes beantragt hatte
| eng Läschung gouf confirméiert, déi keen aneren ugefrot hat
records before the first are not here and no record allows that
| des entrées avant la première manquent sans qu’une entrée l’autorise
| Einträge vor dem ersten fehlen, und kein Eintrag erlaubt es
| Entréeë virun der éischter feelen, a keng Entrée erlaabt et
the last records are not here though nobody asked for an end
| les dernières entrées manquent alors que personne n’a demandé de fin
| die letzten Einträge fehlen, obwohl niemand ein Ende verlangt hat
| déi lescht Entréeë feelen, obwuel keen en Enn gefrot huet
records were pruned before 184 days were over
| des entrées ont été retirées avant la fin des 184 jours
| Einträge wurden vor Ablauf von 184 Tagen entfernt
| Entréeë goufen ewechgeholl, éier 184 Deeg eriwwer waren
cosignatures by ML-DSA-44 need the package cryptography, 48 or newer
| les cosignatures par ML-DSA-44 demandent le paquet cryptography, 48 ou plus récent
| Mitsignaturen mit ML-DSA-44 brauchen das Paket cryptography, 48 oder neuer
| Matënnerschrëfte mat ML-DSA-44 brauchen de Pak cryptography, 48 oder méi nei
the minimum index does not grow | l’indice minimal ne croît pas | der Mindestindex wächst nicht
| de Mindestindex wiisst net
records that may allow it are not in this export
| les entrées qui l’autoriseraient ne sont pas dans cet export
| Einträge, die es erlauben könnten, sind nicht in diesem Export
| Entréeën, déi et erlabe kéinten, sinn net an dësem Export
too many at once to be followed to the end | trop nombreux à la fois pour être suivis jusqu’au bout
| zu viele zugleich, um sie bis zum Ende zu verfolgen
| ze vill op eemol, fir se bis zum Schluss ze verfollegen
only within the exported part: not all records are here
| seulement dans la partie exportée : toutes les entrées ne sont pas ici
| nur innerhalb des exportierten Teils: nicht alle Einträge sind hier
| nëmmen am exportéierten Deel: net all d’Entréeë sinn hei
its id occurs twice | son identifiant apparaît deux fois | seine Kennung kommt zweimal vor
| seng Kennung kënnt zweemol vir
no room for a temporary file | pas de place pour un fichier temporaire
| kein Platz für eine temporäre Datei | keng Plaz fir en temporäre Fichier
the first record is not in this export | la première entrée n’est pas dans cet export
| der erste Eintrag ist nicht in diesem Export | déi éischt Entrée ass net an dësem Export
the log does not begin with the birth of this key
| le journal ne commence pas par la naissance de cette clé
| das Protokoll beginnt nicht mit der Geburt dieses Schlüssels
| de Protokoll fänkt net mat der Gebuert vun dësem Schlëssel un
the first record does; the platform log's proof is not here
| la première entrée, oui ; la preuve du journal de la plateforme manque
| der erste Eintrag ja; der Beweis des Plattform-Protokolls fehlt
| déi éischt Entrée jo; de Beweis vum Plattform-Protokoll feelt
the rollback does not say what it must | le retour en arrière ne dit pas ce qu’il doit dire
| die Rücksetzung sagt nicht, was sie muss | d’Zerécksetzung seet net, wat se muss
the rollback hides records of the old log that you saw
| le retour en arrière cache des entrées de l’ancien journal que vous avez vues
| die Rücksetzung verbirgt Einträge des alten Protokolls, die Sie gesehen haben
| d’Zerécksetzung verstoppt Entréeë vum ale Protokoll, déi Dir gesinn hutt
the platform log does not prove that this log ended
| le journal de la plateforme ne prouve pas que ce journal a pris fin
| das Plattform-Protokoll beweist nicht, dass dieses Protokoll endete
| de Plattform-Protokoll beweist net, datt dëse Protokoll opgehalen huet
the platform log does not prove that this may go
| le journal de la plateforme ne prouve pas que ceci peut disparaître
| das Plattform-Protokoll beweist nicht, dass dies fort darf
| de Plattform-Protokoll beweist net, datt dat fort däerf
another platform log allows it: name its key in a policy
| un autre journal de plateforme l’autorise : nommez sa clé dans une politique
| ein anderes Plattform-Protokoll erlaubt es: nennen Sie dessen Schlüssel in einer Policy
| en anere Plattform-Protokoll erlaabt et: nennt säi Schlëssel an enger Policy
records that may allow it were lost with the end of the log
| les entrées qui l’autoriseraient ont été perdues avec la fin du journal
| Einträge, die es erlauben könnten, gingen mit dem Ende des Protokolls verloren
| Entréeën, déi et erlabe kéinten, si mam Enn vum Protokoll verluer gaangen
ended | clos | beendet | ofgeschloss
{}, at {} records, as the platform log says: {}
| {}, à {} entrées, comme le dit le journal de la plateforme : {}
| {}, bei {} Einträgen, wie das Plattform-Protokoll sagt: {}
| {}, bei {} Entréeën, wéi de Plattform-Protokoll seet: {}
record {} of the platform log | entrée {} du journal de la plateforme
| Eintrag {} des Plattform-Protokolls | Entrée {} vum Plattform-Protokoll
records 0 to {}, allowed by record {} of the platform log
| entrées 0 à {}, autorisé par l’entrée {} du journal de la plateforme
| Einträge 0 bis {}, erlaubt durch Eintrag {} des Plattform-Protokolls
| Entréeën 0 bis {}, erlaabt duerch d’Entrée {} vum Plattform-Protokoll
a name or an origin too long for a cosignature
| un nom ou une origine trop longs pour une cosignature
| ein Name oder Ursprung, der für eine Mitsignatur zu lang ist
| en Numm oder Urspronk, dee fir eng Matënnerschrëft ze laang ass
the export ends before the period that was asked for
| l’export finit avant la période demandée | der Export endet vor dem verlangten Zeitraum
| den Export hält virum gefroten Zäitraum op
a record of the log is not proven | une entrée du journal n’est pas prouvée
| ein Eintrag des Protokolls ist nicht bewiesen | eng Entrée vum Protokoll ass net bewisen
the record that let the oldest records go is not proven
| l’entrée qui a laissé partir les plus anciennes n’est pas prouvée
| der Eintrag, der die ältesten gehen ließ, ist nicht bewiesen
| d’Entrée, déi déi eelst goe gelooss huet, ass net bewisen
platform | plateforme | Plattform | Plattform
the platform log with the key {} knows this log
| le journal de plateforme à la clé {} connaît ce journal
| das Plattform-Protokoll mit dem Schlüssel {} kennt dieses Protokoll
| de Plattform-Protokoll mam Schlëssel {} kennt dëse Protokoll
asked | demandé | verlangt | gefrot
the platform log does not prove this key | le journal de la plateforme ne prouve pas cette clé
| das Plattform-Protokoll beweist diesen Schlüssel nicht
| de Plattform-Protokoll beweist dëse Schlëssel net
the log's own list of its keys could not be used | la liste des clés du journal n’a pas pu servir
| die Schlüsselliste des Protokolls war nicht brauchbar
| d’Lëscht vun de Schlëssele vum Protokoll konnt net benotzt ginn
no list of files | pas de liste de fichiers | keine Dateiliste | keng Lëscht vu Fichieren
the file is not part of the export | le fichier ne fait pas partie de l’export
| die Datei gehört nicht zum Export | de Fichier gehéiert net zum Export
an empty folder that is not part of the export | un dossier vide qui ne fait pas partie de l’export
| ein leerer Ordner, der nicht zum Export gehört | en eidelen Dossier, deen net zum Export gehéiert
the folder cannot be read | le dossier est illisible | der Ordner ist nicht lesbar
| den Dossier kann net gelies ginn
a record, its path and a head, in the form of c2sp.org/tlog-proof
| une entrée, son chemin et une tête, en forme de c2sp.org/tlog-proof
| ein Eintrag, sein Pfad und ein Kopf, in der Form von c2sp.org/tlog-proof
| eng Entrée, hire Wee an e Kapp, an der Form vu c2sp.org/tlog-proof
the path leads from the record to the signed root | le chemin mène de l’entrée à la racine signée
| der Pfad führt vom Eintrag zur signierten Wurzel
| de Wee féiert vun der Entrée zur signéierter Wuerzel
the record in canonical form, of a known kind, at its position in this log
| l’entrée en forme canonique, de genre connu, à sa place dans ce journal
| der Eintrag in kanonischer Form, von bekannter Art, an seinem Platz in diesem Protokoll
| d’Entrée a kanonescher Form, vun enger bekannter Aart, op hirer Plaz an dësem Protokoll
the record is the one that your receipt names | l’entrée est celle que nomme votre reçu
| der Eintrag ist der, den Ihr Prüfbeleg nennt | d’Entrée ass déi, déi Äre Prüfbeleeg nennt
the path does not lead from the record to the root | le chemin ne mène pas de l’entrée à la racine
| der Pfad führt nicht vom Eintrag zur Wurzel | de Wee féiert net vun der Entrée zur Wuerzel
a proof carries no key: give the log's with --policy
| une preuve ne porte pas de clé : donnez celle du journal avec --policy
| ein Beweis trägt keinen Schlüssel: geben Sie den des Protokolls mit --policy
| e Beweis dréit kee Schlëssel: gitt dee vum Protokoll mat --policy
the record is larger than 8 KiB | l’entrée dépasse 8 Kio | der Eintrag ist größer als 8 KiB
| d’Entrée ass méi grouss wéi 8 KiB
the receipt names another record | le reçu nomme une autre entrée
| der Prüfbeleg nennt einen anderen Eintrag | de Prüfbeleeg nennt eng aner Entrée
the receipt and the proof are of two histories | le reçu et la preuve sont de deux histoires
| Prüfbeleg und Beweis gehören zu zwei Geschichten
| de Prüfbeleeg an de Beweis si vun zwou Geschichten
the receipt is not signed by the log's key | le reçu n’est pas signé par la clé du journal
| der Prüfbeleg ist nicht mit dem Schlüssel des Protokolls signiert
| de Prüfbeleeg ass net mam Schlëssel vum Protokoll signéiert
no --receipt given | pas de --receipt | kein --receipt angegeben | kee --receipt uginn
INTACT | inaltéré | unverändert | onverännert
INCOMPLETE | incomplet | unvollständig | net komplett
TAMPERED | altéré | verfälscht | verfälscht
UNVERIFIABLE | invérifiable | nicht prüfbar | net ze préiwen
{} records are in no copy outside that your policy names or that you brought
| {} entrées ne sont dans aucune copie extérieure que votre politique nomme ou que vous avez apportée
| {} Einträge sind in keiner Kopie außerhalb, die Ihre Policy nennt oder die Sie mitbrachten
| {} Entréeë sinn a kenger Kopie dobaussen, déi Är Policy nennt oder déi Dir matbruecht hutt
{} records are in no copy outside that you brought; no policy was given
| {} entrées ne sont dans aucune copie extérieure que vous avez apportée ; aucune politique n’a été donnée
| {} Einträge sind in keiner Kopie außerhalb, die Sie mitbrachten; es wurde keine Policy angegeben
| {} Entréeë sinn a kenger Kopie dobaussen, déi Dir matbruecht hutt; et gouf keng Policy uginn
time stamps need the package cryptography, 42 or newer
| les horodatages demandent le paquet cryptography, 42 ou plus récent
| Zeitstempel brauchen das Paket cryptography, 42 oder neuer
| Zäitstempele brauchen de Pak cryptography, 42 oder méi nei
not a verifier key | pas une clé de vérification | kein Prüfschlüssel | kee Préifschlëssel
not evidence of two histories | pas une preuve de deux histoires | kein Beleg für zwei Geschichten
| kee Beleeg fir zwou Geschichten
not two heads of one log | pas deux têtes d’un même journal | nicht zwei Köpfe eines Protokolls
| net zwee Käpp vun engem Protokoll
the proof does not lead to the larger head | la preuve ne mène pas à la tête la plus grande
| der Beweis führt nicht zum größeren Kopf | de Beweis féiert net zum gréissere Kapp
the two heads are of one history: nothing is proven
| les deux têtes sont d’une même histoire : rien n’est prouvé
| die zwei Köpfe gehören zu einer Geschichte: nichts ist bewiesen
| déi zwee Käpp si vun enger Geschicht: näischt ass bewisen
the log signed two histories: size {} with two different roots
| le journal a signé deux histoires : la taille {} avec deux racines différentes
| das Protokoll hat zwei Geschichten signiert: Größe {} mit zwei verschiedenen Wurzeln
| de Protokoll huet zwou Geschichte signéiert: Gréisst {} mat zwou verschiddene Wuerzelen
Compare the fingerprint with the one you were given on paper.
| Comparez l’empreinte avec celle que vous avez reçue sur papier.
| Vergleichen Sie den Fingerabdruck mit dem, den Sie auf Papier erhielten.
| Vergläicht de Fangerofdrock mat deem, deen Dir um Pabeier kritt hutt.
"""  # noqa: E501
VERDICTS = {
    "INTACT": "Nothing was altered since it was signed.",
    "INCOMPLETE": "A file is missing; what is there is unaltered.",
    "TAMPERED": "Something was altered, added, cut or is not in its required form.",
    "UNVERIFIABLE": "It cannot be decided.",
}


NO_BREAK = "\u00a0"


def list_sentences() -> Iterator[list[str]]:
    """Each sentence in every language, in the order of `LANGUAGES`."""
    for line in SENTENCES.strip().replace("\n| ", " | ").split("\n"):
        yield line.split(" | ")


class Speaker:
    """Says the sentences of a report in one language; what has no translation stays English."""

    def __init__(self, language: str = "en") -> None:
        at = LANGUAGES.index(language)
        self.language = language
        self.words = {sentence[0]: sentence[at] for sentence in list_sentences()}
        self.colon = ": "
        if language == "fr":  # what stands before these signs does not leave them alone
            self.colon = NO_BREAK + ": "
            for english, own in self.words.items():
                self.words[english] = re.sub(" (?=[:;?!])", NO_BREAK, own)
        self.forms = [
            (re.compile("(.+?)".join(map(re.escape, english.split("{}"))), re.DOTALL), own)
            for english, own in self.words.items()
            if "{}" in english and english.replace("{}", "").strip(" :,.")
        ]

    def say(self, sentence: str, *values: object) -> str:
        """The sentence with its values; those come from the folder and are made harmless."""
        return self.words.get(sentence, sentence).format(*(_harmless(str(v)) for v in values))

    def explain(self, verdict: str, *more: str) -> str:
        """The word of the contract, with what it means in this language and what else is said."""
        meaning = self.say(verdict)
        parts = [*([] if meaning == verdict else [meaning]), *more]
        return f"{verdict} ({', '.join(parts)})" if parts else verdict

    def tell(self, reason: str) -> str:
        """The same for a sentence whose values are in it already."""
        if reason in self.words:
            return self.words[reason]
        if self.language != "en":
            for form, own in self.forms:
                found = form.fullmatch(reason)
                if found is not None:
                    return own.format(*(_harmless(part) for part in found.groups()))
        return _harmless(reason)


# 14. The report


class Layout:
    """A report in the order in which people read it, as text or as a page."""

    def __init__(self, report: dict[str, Any], language: str = "en") -> None:
        self.report, self.speaker = report, Speaker(language)
        anchor = self.speaker.say("anchored" if report["anchored"] else "unanchored")
        more = [anchor] if report["verdict"] == "INTACT" else []
        self.verdict = self.speaker.explain(report["verdict"], *more)
        self.sentence = self.speaker.say(VERDICTS[report["verdict"]])
        self.facts = list(self._facts()) if report.get("log") else []
        self.findings = [self._finding(one) for one in report["findings"]]
        left_out = report.get("findings_left_out")
        self.findings += [self.speaker.say("and {} more", left_out)] if left_out else []
        self.checks = [self._check(*one) for one in report["checks"].items()]
        self.open = [self._intent(one) for one in report.get("open_intents", ())[:MAX_LISTED]]
        rest = len(report.get("open_intents", ())) - len(self.open)
        self.open += [self.speaker.say("and {} more", rest)] if rest else []
        self.limits = list(self._limits())

    def _finding(self, finding: dict[str, Any]) -> str:
        places = [_harmless(finding["file"])] if finding["file"] else []
        if "seq" in finding:
            places.append(f"{self.speaker.say('record')} {finding['seq']}")
        verdict = self.speaker.explain(finding["verdict"])
        told = [verdict, " ".join(places), self.speaker.tell(finding["reason"])]
        return self.speaker.colon.join(part for part in told if part)

    def _check(self, name: str, state: str) -> tuple[str, str]:
        """(done or skipped, which check and why not)."""
        sentence = self.speaker.say((CHECKS | PROOF_CHECKS)[name])
        if state == "done":
            return self.speaker.say("done"), sentence
        return self.speaker.say("SKIPPED"), f"{sentence} ({self.speaker.tell(state[9:])})"

    def _intent(self, one: dict[str, Any]) -> str:
        sentence = "record {} of {} has no ending here"
        if one.get("old"):
            sentence = "record {} of {} has no ending here, after more than 15 minutes"
        return self.speaker.say(sentence, one["seq"], one["time"])

    def _facts(self) -> Iterator[tuple[str, str]]:
        """(word, value) of what was learnt about the log."""
        report, say = self.report, self.speaker.say
        yield say("log"), _harmless(report["log"])
        if report["size"] is not None:
            yield say("size"), say("{} records", report["size"])
            yield say("root"), report["root"]
        if "records" in report:
            first, end = report["records"]
            yield say("exported"), say("{} to {}", first, end - 1) if end > first else say("none")
        if any(one != "-" for one in report.get("asked", ())):
            yield say("asked"), say("{} to {}", *report["asked"])
        if report.get("times", [""])[0]:
            yield say("times"), say("{} to {}", *report["times"])
        if "record" in report:
            record = report["record"]
            yield say("record"), f"{record['seq']}, {record['kind']}, {record['time']}"
        key = report["key"]
        trust = say("as in your policy" if key["confirmed"] else "key not confirmed")
        yield say("key"), f"{key['fingerprint'] or '-'}  ({trust})"
        yield from self._key_facts()
        yield from self._outside_facts(report["outside"]) if "outside" in report else ()
        yield from self._running_facts()
        yield from self._gone_facts()

    def _key_facts(self) -> Iterator[tuple[str, str]]:
        report, say = self.report, self.speaker.say
        keys = report.get("keys", [])
        if keys and keys[-1]["cosigner"]:
            yield "", say("with ML-DSA-44: {}", format_fingerprint(keys[-1]["cosigner"]))
        for one in keys if len(keys) > 1 else ():
            yield "", say("from size {}: {}", one["first"], one["fingerprint"])
            if one["suspect_from"] is not None:
                words = (
                    "records {} to {} are suspect: the key of that time was declared compromised"
                )
                yield "", say(words, one["suspect_from"], one["last"] - 1)
        if report.get("renew_policy"):
            yield "", say("your policy names an older key of this log: renew it")
        if "continues" in report:
            old = report["continues"]
            first, end = old["lost"]
            if end > first:
                words = "{}, which ended at {} records; positions {} to {} of it are lost"
                yield say("continues"), say(words, old["origin"], old["size"], first, end - 1)
            else:
                words = "{}, which ended at {} records; nothing of it is lost"
                yield say("continues"), say(words, old["origin"], old["size"])
        if "ended" in report:
            words = "{}, at {} records, as the platform log says: {}"
            told = report["ended"]
            yield say("ended"), say(words, told["time"], told["size"], told["platform"])

    def _outside_facts(self, outside: dict[str, Any]) -> Iterator[tuple[str, str]]:
        """Newest outside time, each kind of copy, and the open window."""
        say = self.speaker.say
        yield say("outside"), outside["time"] or say("no time is known outside the operator")
        for copy in outside["newest"]:
            when = f", {copy['time']}" if copy["time"] else ""
            kind, by = say(copy["kind"]), ", ".join(copy["by"])
            form = "{} of {}: the first {} records{}" if by else "{}{}: the first {} records{}"
            words = self.speaker.words.get(form, form)
            yield "", words.format(kind, _harmless(by), copy["size"], when)
        if outside["window"] is not None:
            words = "{} records are in no copy outside that your policy names or that you brought"
            if self.report["checks"]["policy"].startswith("skipped: no --policy"):
                words = "{} records are in no copy outside that you brought; no policy was given"
            yield say("window"), say(words, outside["window"])
        for words in outside["unchecked"]:
            yield say("unchecked"), self.speaker.tell(words)

    def _running_facts(self) -> Iterator[tuple[str, str]]:
        """Who wrote, signs of life, and silences between records."""
        report, say = self.report, self.speaker.say
        if "platform" in report:
            words = "the platform log with the key {} knows this log"
            yield say("platform"), say(words, report["platform"]["fingerprint"])
        if "writers" in report:
            beats = report["heartbeats"]
            yield say("writers"), say("{} processes, {} heartbeats", report["writers"], beats)
        silences = report.get("silences", {"count": 0})
        if silences["count"]:
            words = "{} gaps of more than 10 minutes, the longest {} minutes"
            yield say("silence"), say(words, silences["count"], silences["longest_s"] // 60)
            for one in silences["first"][:10]:
                words = "before record {}: from {} to {}"
                yield "", say(words, one["seq"], one["from"], one["to"])
        if "compared" in report:
            yield from self._compared_facts(report["compared"])

    def _compared_facts(self, compared: dict[str, Any]) -> Iterator[tuple[str, str]]:
        """What comparisons with counts from outside found, as the log's operator recorded it."""
        say = self.speaker.say
        words = "{} with counts from outside, the last until {}; {} found calls without a record"
        counts = (compared["count"], compared["until"] or "-", compared["failed"])
        yield say("compared"), say(words, *counts)
        for one in compared["first"][:10]:
            words = "record {}: {} calls of {} without a record, {} to {}"
            parts = (one["seq"], one["unlogged"], one["server"], one["from"], one["to"])
            yield "", say(words, *parts)

    def _gone_facts(self) -> Iterator[tuple[str, str]]:
        """Sealed values that were erased, and records that were pruned."""
        report, say = self.report, self.speaker.say
        sealed = report.get("sealed")
        if sealed and sealed["fields"]:
            words = "{} sealed values: {} held, {} erased with a record that allows it, {} missing"
            counts = (sealed[name] for name in ("fields", "held", "erased", "missing"))
            yield say("sealed"), say(words, *counts)
            for seq in sealed["allowed_by"][:10]:
                yield "", f"{say('record')} {seq}"
            for seq in sealed.get("platform", ())[:10]:
                yield "", say("record {} of the platform log", seq)
        if "pruned" in report:
            words = "records 0 to {}, allowed by record {}"
            if "platform" in report["pruned"]:
                words = "records 0 to {}, allowed by record {} of the platform log"
            yield say("pruned"), say(words, report["pruned"]["end"] - 1, report["pruned"]["by"])

    def _limits(self) -> Iterator[str]:
        """What the verdict does not say, whatever it is."""
        report, say = self.report, self.speaker.say
        if "record" in report:
            yield say(
                "Keep this file: the log can no longer be cut below it or rewritten without"
                " contradicting it."
            )
            yield say("That a record is in the log never proves that it is true.")
            return
        yield say(
            "A record is protected against its operator from the moment a head covering it is kept"
            " outside the operator's reach."
        )
        if report.get("size") is not None and "outside" in report:
            covered, window = report["outside"]["covered"], report["outside"]["window"]
            if covered:
                yield say(
                    "Copies cover the first {}: the {} after them rest on the operator's word"
                    " until you keep this head yourself (--state).",
                    covered,
                    window,
                )
            else:
                yield say(
                    "None is known here: all {} records rest on the operator's word"
                    " until you keep this head yourself (--state).",
                    report["size"],
                )
        yield say("That a record is in the log never proves that it is true.")
        yield say(
            "What was never recorded is not in the log: only counts kept elsewhere would show it."
            " Times are the operator's, between the outside times named here."
        )

    def tools(self) -> list[str]:
        """By what the check was made."""
        say, report = self.speaker.say, self.report
        lines = []
        if report.get("signatures"):
            lines.append(
                say("signatures checked with {}", "") + self.speaker.tell(report["signatures"])
            )
        digest = own_digest()
        return lines + ([say("SHA-256 of this verifier: {}", digest)] if digest else [])


class Showing(NamedTuple):
    """How a report is shown: as text in a language or as JSON, and as a page in a file."""

    as_json: bool = False
    language: str = "en"
    page: str | None = None
    records: str | None = None

    def show(self, report: dict[str, Any]) -> None:
        """Print the report, and write the page when one is wanted; raises OSError."""
        form = format_evidence if "evidence" in report else format_report
        text = form(report, self.language)
        if self.as_json:
            text = _printable(json.dumps(report, indent=1))
        encoding = sys.stdout.encoding or "ascii"
        sys.stdout.write(text.encode(encoding, "replace").decode(encoding) + "\n")
        if self.page:
            with open(self.page, "w", encoding="utf-8") as file:
                file.write(format_page(report, self.language))


def write_records(path: str, report: dict[str, Any], place: str) -> None:
    """Write the records of a folder that was found INTACT, each as it was hashed, one a line."""
    folder = Folder(path)
    first, end = report["records"]
    with open(place, "wb") as file:
        for start in range(first, end, WIDTH):
            width = min(WIDTH, report["size"] - start)
            name = tile_path("entries", start // WIDTH, width)
            for leaf in split_bundle(folder.read(name, MAX_BUNDLE), width):
                file.write(leaf + b"\n")


def own_digest() -> str:
    """SHA-256 of this file, in hex; empty when it cannot be read."""
    try:
        with open(__file__, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    except OSError:
        return ""


def format_report(report: dict[str, Any], language: str = "en") -> str:
    """The report as people read it."""
    layout = Layout(report, language)
    say = layout.speaker.say
    rows = [*layout.facts, *((say("FINDING"), finding) for finding in layout.findings)]
    rows += [*layout.checks, *((say("open"), intent) for intent in layout.open)]
    width = max([9, *(len(word) for word, _ in rows)])
    lines = [layout.verdict, layout.sentence] + [f"{word:{width}} {text}" for word, text in rows]
    lines += layout.tools()
    for paragraph in layout.limits:
        lines += textwrap.wrap(paragraph, 100)
    return "\n".join(lines)


PAGE_STYLE = """
:root { color-scheme: light; }
body { margin: 2rem auto; max-width: 50rem; padding: 0 1rem; color: #1b1b1b; background: #fff;
  font: 1rem/1.45 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin: 1.5rem 0 .25rem; }
.verdict { font-size: 1.8rem; font-weight: 700; border-left: .5rem solid; padding-left: .75rem; }
.INTACT { color: #0b6b2f; } .TAMPERED { color: #a3130f; }
.INCOMPLETE, .UNVERIFIABLE { color: #7a4b00; }
table { border-collapse: collapse; width: 100%; }
th, td { border-top: 1px solid #767676; padding: .3rem .75rem .3rem 0; text-align: left;
  vertical-align: top; } th { font-weight: 600; white-space: nowrap; }
td { font-variant-numeric: tabular-nums; } footer { font-size: .85rem; margin-top: 2rem; }
@media print { body { margin: 0; max-width: none; font-size: 10pt; } tr, li { break-inside: avoid; }
  h2 { break-after: avoid; } @page { margin: 18mm; } }
"""


def format_page(report: dict[str, Any], language: str = "en") -> str:
    """The report as one HTML page to print and file: nothing is loaded, nothing runs."""
    layout = Layout(report, language)
    say = layout.speaker.say

    def table(rows: list[tuple[str, str]]) -> str:
        lines = (
            f'<tr><th scope="row">{html.escape(word)}</th><td>{html.escape(text)}</td></tr>'
            for word, text in rows
        )
        return "<table>\n" + "\n".join(lines) + "\n</table>"

    def items(lines: list[str]) -> str:
        if not lines:
            return f"<p>{html.escape(say('None.'))}</p>"
        return "<ul>\n" + "\n".join(f"<li>{html.escape(line)}</li>" for line in lines) + "\n</ul>"

    title = html.escape(say("Report on an audit export"))
    parts = [
        f"<h1>{title}</h1>",
        f'<p class="verdict {report["verdict"]}">{html.escape(layout.verdict)}</p>',
        f"<p>{html.escape(layout.sentence)}</p>",
        f"<h2>{html.escape(say('Findings'))}</h2>",
        items(layout.findings),
    ]
    if layout.facts:
        parts += [f"<h2>{html.escape(say('About the log'))}</h2>", table(layout.facts)]
    parts += [f"<h2>{html.escape(say('What this does not prove'))}</h2>"]
    parts += [f"<p>{html.escape(paragraph)}</p>" for paragraph in layout.limits]
    parts += [f"<h2>{html.escape(say('Checks'))}</h2>", table(layout.checks)]
    parts += [f"<h2>{html.escape(say('Intents without an ending'))}</h2>", items(layout.open)]
    parts += ["<footer>", *(f"<p>{html.escape(line)}</p>" for line in layout.tools()), "</footer>"]
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{PAGE_STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(parts)
        + "\n</main>\n</body>\n</html>\n"
    )


def _harmless(text: str) -> str:
    """What a folder says, on one line and in ASCII."""
    return _printable(text).replace("\n", "?")


def _printable(text: str) -> str:
    clean = "".join(c if c == "\n" or c.isprintable() else "?" for c in text)
    return clean.encode("ascii", "backslashreplace").decode()


# 15. The command line


def read_policy(path: str | None) -> Policy | None:
    """The policy of a file; Malformed, naming the file, when it is none."""
    if not path:
        return None
    with open(path, "rb") as file:
        data = file.read(MAX_TEXT)
    try:
        return load_policy(data)
    except Malformed as error:
        raise Malformed(f"{path}: {error}") from None


def load_state(path: str) -> State:
    """What an auditor remembered: origin -> vkey, size, root. Empty when there is no file yet."""
    if not os.path.exists(path):
        return {}
    with open(path, "rb") as file:
        data = file.read(MAX_TEXT)
    try:
        found: State = json.loads(data)
        whole = all(
            set(seen) == {"vkey", "size", "root"}
            and _count(seen["size"])
            and TYPES["hex64"](seen["root"])
            for seen in found.values()
        )
    except (ValueError, AttributeError, TypeError, RecursionError):
        whole = False
    if not whole:
        raise Malformed(f"{path}: not a state file")
    return found


def save_state(path: str, state: State, report: dict[str, Any]) -> None:
    """Remember the head of an intact export."""
    root = base64.b64decode(report["root"]).hex()
    state[report["log"]] = {"vkey": report["key"]["vkey"], "size": report["size"], "root": root}
    draft = f"{path}.new"
    with open(draft, "w", encoding="utf-8") as file:
        json.dump(state, file, indent=1, sort_keys=True)
    os.replace(draft, path)


def is_proof(path: str) -> bool:
    """True for a file that is named as a proof or begins as one."""
    if not os.path.isfile(path):
        return False
    with open(path, "rb") as file:
        begin = file.read(len(PROOF_FORMAT))
    return path.endswith(PROOF_SUFFIX) or begin == PROOF_FORMAT.encode()


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(USAGE, f"{self.prog}: {message}\n")


def refuse(error: Exception) -> int:
    """Say what is wrong with what was given, and which file; gives the exit code."""
    words = str(error)
    if isinstance(error, OSError):
        words = f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror)
    sys.stderr.write(f"verify: {_printable(words)}\n")
    return USAGE


def check_places(given: argparse.Namespace) -> None:
    """What is kept or written MUST NOT be part of what is checked."""
    inside = os.path.join(os.path.realpath(given.folder), "")
    for name in ("state", "page", "records"):
        place = getattr(given, name)
        if place and os.path.realpath(place).startswith(inside):
            raise Malformed(f"--{name}: the file would lie in the folder that is checked")


def run(given: argparse.Namespace, brought: Brought, showing: Showing) -> int:
    """Verify a folder and print; gives the exit code, and raises when it cannot begin."""
    if not os.path.isdir(given.folder) or os.path.islink(given.folder):
        zipped = os.path.isfile(given.folder) and given.folder.lower().endswith(".zip")
        fault = "a ZIP archive: unpack it first" if zipped else "not a folder"
        raise Malformed(f"{given.folder}: {fault}")
    check_places(given)
    policy, state = read_policy(given.policy), load_state(given.state) if given.state else None
    report = verify_folder(given.folder, policy, state, brought)
    showing.show(report)
    intact = report["verdict"] == "INTACT"
    if showing.records and intact:
        write_records(given.folder, report, showing.records)
    elif showing.records:
        sys.stderr.write("verify: no records were written: the folder is not INTACT\n")
    if state is not None and intact:
        save_state(given.state, state, report)
    return int(report["exit"])


def run_evidence(given: argparse.Namespace, showing: Showing) -> int:
    """Judge one evidence file and print; 3 when it proves a fork, 4 when it does not."""
    with open(given.evidence, "rb") as file:
        report = verify_evidence(file.read(MAX_TEXT))
    showing.show(report)
    return int(report["exit"])


def run_proof(given: argparse.Namespace, showing: Showing) -> int:
    """Verify one proof file and print; gives the exit code, and raises when it cannot begin."""
    policy = read_policy(given.policy)
    receipt = Receipt(given.receipt) if given.receipt else None
    with open(given.folder, "rb") as file:
        report = verify_proof(file.read(MAX_TEXT), policy, receipt)
    showing.show(report)
    return int(report["exit"])


def read_brought(given: argparse.Namespace) -> Brought:
    """What the options bring besides the folder; raises Malformed or OSError."""
    notes = []
    for path in given.note or ():
        with open(path, "rb") as file:
            notes.append((path, file.read(MAX_TEXT)))
    line = HeadLine(given.head_line) if given.head_line else None
    limit = parse_age(given.not_older_than) if given.not_older_than else None
    return Brought(notes, line, limit, given.hashes_only)


TIME_GIVEN = re.compile(
    r"(?a)\d{4}-\d\d-\d\d"
    r"([T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{3}(\d{3})?)?)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)?)?"
)


def parse_age(text: str) -> int:
    """Seconds since 1970 of a time (ISO, UTC) or of an age before now (36h, 7d)."""
    now = datetime.datetime.now(UTC)
    age = re.fullmatch(r"([1-9][0-9]{0,4})([hd])", text)
    try:
        if age:
            hours = int(age.group(1)) * (24 if age.group(2) == "d" else 1)
            return int((now - datetime.timedelta(hours=hours)).timestamp())
        if not TIME_GIVEN.fullmatch(text):  # what fromisoformat takes differs between versions
            raise ValueError
        moment = datetime.datetime.fromisoformat(re.sub("Z$", "+00:00", text))
    except (ValueError, OverflowError):
        raise Malformed("--not-older-than wants a time such as 2026-11-21, or 36h, or 7d") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp())


# option: what it takes (empty: nothing), and what it does
OPTIONS = {
    "--policy": ("FILE", "keys that you trust (tlog-policy)"),
    "--state": ("FILE", "what you saw last time; kept up to date"),
    "--receipt": ("TEXT", "with a proof: the receipt that it must be the proof of"),
    "--note": (
        "FILE",
        "a signed head that you have from elsewhere (a witness, another auditor); repeatable",
    ),
    "--head-line": ("TEXT", "a head as it was printed, in quotation marks"),
    "--not-older-than": (
        "TIME",
        "demand an outside time as new as this: 2026-11-21, or 36h, or 7d",
    ),
    "--evidence": ("FILE", "judge a file of `audit gossip`: two histories or not"),
    "--hashes-only": (
        "",
        "compare bytes, hashes and signatures only, and leave out what the records say",
    ),
    "--language": ("", "of the report: en, fr, de or lb"),
    "--page": ("FILE", "also write the report as a page to print"),
    "--records": (
        "FILE",
        "when INTACT, also write the records to read and search: one JSON object a line",
    ),
    "--json": ("", "print the report as JSON"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command line takes; `parvis audit verify` takes the same."""
    words = "the exported folder, or one proof (NAME.tlog-proof)"
    parser.add_argument("folder", metavar="PATH", nargs="?", help=words)
    for name, (metavar, words) in OPTIONS.items():
        if name == "--language":
            parser.add_argument(name, choices=LANGUAGES, default="en", help=words)
        elif metavar:
            action = "append" if name == "--note" else "store"
            parser.add_argument(name, metavar=metavar, action=action, help=words)
        else:
            parser.add_argument(name, action="store_true", help=words)


def main(arguments: list[str] | None = None, prog: str = "verify.py") -> int:
    """The command line."""
    parser = _Parser(
        prog=prog,
        description="Check an audit export without trusting whoever made it. Exit code 0 INTACT, "
        "2 INCOMPLETE, 3 TAMPERED, 4 UNVERIFIABLE, 5 wrong usage.",
        epilog=f"example: {prog} export-2026-11 --state seen.json",
    )
    add_arguments(parser)
    given = parser.parse_args(arguments)
    if (given.folder is None) == (given.evidence is None):
        parser.error("give a folder or a proof, or --evidence FILE")
    try:
        showing = Showing(given.json, given.language, given.page, given.records)
        alone = (given.state, given.records, given.note, given.head_line, given.not_older_than)
        of_folders = any(alone) or given.hashes_only
        if given.evidence:
            if of_folders or given.policy or given.receipt or given.page:
                parser.error("with --evidence go --language and --json only")
            return run_evidence(given, showing)
        if is_proof(given.folder):
            if of_folders:
                words = "with a proof go --policy, --receipt, --language, --page and --json only"
                parser.error(words)
            return run_proof(given, showing)
        if given.receipt:
            parser.error("--receipt goes with a proof")
        return run(given, read_brought(given), showing)
    except (Malformed, OSError) as error:
        return refuse(error)
    except Exception as error:  # whatever a hostile folder provoked: no verdict, no traceback
        sys.stderr.write(f"verify: UNVERIFIABLE, the check failed ({type(error).__name__})\n")
        return EXIT["UNVERIFIABLE"]


if __name__ == "__main__":
    sys.exit(main())
