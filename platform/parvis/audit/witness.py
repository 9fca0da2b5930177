"""A C2SP witness (c2sp.org/tlog-witness): signs a log's head only when it continues the last one.

Its owner is somebody whom the operator of the logs cannot command: an audit office, a sister
administration. It knows the logs it is told to (`logs`, one verifier key a line) and keeps the
newest head of each in its own SQLite file, durable before any answer. HTTP is `witness_server.py`;
the same requests and answers also travel as files. It never sees a record.
"""

import base64
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import apsw
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from parvis.audit.cosignatures import (
    MAX_NAME,
    CosignerKey,
    format_cosigner_vkey,
    sign_cosignature,
)
from parvis.audit.files import make_private_folder, write_durably
from parvis.audit.notes import Checkpoint, NoteInvalid, decode_base64, open_note, parse_checkpoint
from parvis.audit.tree import EMPTY_ROOT, HASH_BYTES, verify_consistency
from parvis.audit.verify import Key, Malformed, split_note
from parvis.errors import Conflict, InvalidRequest

MAX_REQUEST_BYTES = 64 * 1024
SIZE_TYPE = "text/x.tlog.size"
TEXT_TYPE = "text/plain; charset=utf-8"
_MAX_PROOF = 63
_MAX_SIZE = 2**63
_SCHEMA = """
CREATE TABLE IF NOT EXISTS seen (
    origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, note TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS refused (
    origin TEXT NOT NULL, time INTEGER NOT NULL, reason TEXT NOT NULL, request BLOB NOT NULL
) STRICT;
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the witness answers: HTTP status, body and its type."""

    status: int
    body: str
    type: str = TEXT_TYPE


class _Refused(Exception):
    def __init__(self, status: int, words: str, kind: str = TEXT_TYPE) -> None:
        super().__init__(words)
        self.answer = Answer(status, words, kind)


@dataclass(frozen=True, slots=True)
class Request:
    """An add-checkpoint request: the size before, the consistency proof, the signed head."""

    old: int
    proof: tuple[bytes, ...]
    note: str

    @property
    def text(self) -> str:
        """The request's body."""
        lines = [f"old {self.old}", *(base64.b64encode(step).decode() for step in self.proof)]
        return "\n".join(lines) + "\n\n" + self.note


def parse_request(body: bytes) -> Request:
    """The request that `body` writes; raises ValueError when it is none."""
    top, blank, note = body.decode("utf-8").partition("\n\n")
    first, *steps = top.split("\n")
    word, space, size = first.partition(" ")
    if not blank or word != "old" or not space or len(steps) > _MAX_PROOF:
        raise ValueError("not an add-checkpoint request")
    proof = tuple(decode_base64(step) for step in steps)
    if any(len(step) != HASH_BYTES for step in proof):
        raise ValueError("a hash of the wrong length")
    return Request(_parse_size(size), proof, note)


def _parse_size(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or text != str(int(text)):
        raise ValueError("not a size")
    if int(text) >= _MAX_SIZE:
        raise ValueError("not a size")
    return int(text)


def parse_head(note: str) -> Checkpoint:
    """The head that a note claims, its signatures not looked at; extension lines are allowed."""
    lines = note.rpartition("\n\n")[0].split("\n")
    if len(lines) < 3:  # noqa: PLR2004 - origin, size, root
        raise ValueError("not a checkpoint")
    return parse_checkpoint("\n".join([lines[0], str(_parse_size(lines[1])), lines[2]]) + "\n")


class Witness:
    """One witness: its keys, the logs it knows, the newest head it signed of each. Thread-safe.

    `vkey` is its Ed25519 verifier key, `vkeys` also that of ML-DSA-44 when it has one.
    """

    def __init__(self, folder: Path) -> None:
        try:
            name, *secrets = (folder / "witness.key").read_text("utf-8").split()
            self._keys = _load_keys(*map(bytes.fromhex, secrets))
        except (OSError, ValueError, TypeError) as error:
            words = "there is no witness in this folder: make one with `audit witness init`"
            raise InvalidRequest(words) from error
        self._folder = folder
        self.name = name
        publics = [key.public_key().public_bytes_raw() for key in self._keys]
        self.vkeys = tuple(format_cosigner_vkey(name, public) for public in publics)
        self.vkey = self.vkeys[0]
        with self._open() as db:
            db.execute(_SCHEMA)

    def list_logs(self) -> dict[str, list[Key]]:
        """Trusted keys by origin, read anew each time; raises InvalidRequest naming the line."""
        logs: dict[str, list[Key]] = {}
        text = (self._folder / "logs").read_text("utf-8")
        for number, line in enumerate(text.split("\n"), start=1):
            if not line.strip() or line.startswith("#"):
                continue
            try:
                key = Key(line.strip().removeprefix("log ").strip())
            except Malformed as error:
                raise InvalidRequest(f"logs, line {number}: {error}") from error
            logs.setdefault(key.name, []).append(key)
        return logs

    def add_checkpoint(self, body: bytes) -> Answer:
        """The answer to one request, with every status of the specification."""
        try:
            return Answer(200, self._cosign(body))
        except _Refused as refused:
            return refused.answer

    def list_seen(self) -> list[tuple[str, int, str]]:
        """(origin, size, cosigned note) of every log, for its owner and for auditors."""
        with self._open() as db:
            return list(db.execute("SELECT origin, size, note FROM seen ORDER BY origin"))

    def list_refused(self) -> list[tuple[str, int, str, bytes]]:
        """(origin, time, reason, request) of signed heads that did not continue the last one."""
        with self._open() as db:
            return list(db.execute("SELECT origin, time, reason, request FROM refused"))

    def _cosign(self, body: bytes) -> str:
        try:
            request = parse_request(body)
            split_note(request.note.encode())
            head = parse_head(request.note)
        except (ValueError, Malformed):
            raise _Refused(400, "not an add-checkpoint request\n") from None
        keys = self.list_logs().get(head.origin)
        if keys is None:
            raise _Refused(404, "this witness does not know the log\n")
        if not any(_is_signed(request.note, key) for key in keys):
            raise _Refused(403, "not signed by a key that this witness trusts\n")
        if request.old > head.size:
            raise _Refused(400, "the old size is above the new one\n")
        return self._compare_and_swap(request, head)

    def _compare_and_swap(self, request: Request, head: Checkpoint) -> str:
        """Check against the newest head and take its place, in one transaction."""
        with self._open() as db, _transaction(db):
            rows = db.execute("SELECT size, root FROM seen WHERE origin = ?", (head.origin,))
            size, root = next(iter(rows), (0, b""))
            try:
                _check_continues(request, head, size, root)
            except _Refused as refused:
                self._keep_refused(db, head.origin, refused, request)
                db.execute("COMMIT")
                raise
            text = request.note.rpartition("\n\n")[0] + "\n"
            now = int(time.time())
            lines = "".join(sign_cosignature(text, self.name, key, now) for key in self._keys)
            db.execute(
                "INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?)",
                (head.origin, head.size, head.root, request.note + lines),
            )
            db.execute("COMMIT")
        return lines

    def _keep_refused(
        self, db: apsw.Connection, origin: str, refused: _Refused, request: Request
    ) -> None:
        """A signed head that does not continue the last one may be proof of misbehaviour."""
        if refused.answer.type != SIZE_TYPE:  # a stale size is everyday
            db.execute(
                "INSERT INTO refused SELECT ?, ?, ?, ? WHERE (SELECT count(*) FROM refused) < 1000",
                (origin, int(time.time()), str(refused).strip(), request.text.encode()),
            )

    @contextmanager
    def _open(self) -> Iterator[apsw.Connection]:
        path = self._folder / "witness.db"
        with closing(apsw.Connection(str(path))) as db:
            path.chmod(0o600)
            db.set_busy_timeout(5000)
            # EXTRA: after COMMIT a power cut cannot bring the head before back
            db.execute("PRAGMA synchronous=EXTRA")
            yield db


def add_mldsa_key(folder: Path) -> Witness:
    """The witness with an ML-DSA-44 key beside its first one; raises Conflict when it has it."""
    if len(Witness(folder).vkeys) > 1:
        raise Conflict("this witness has an ML-DSA-44 key already")
    line = (folder / "witness.key").read_text("utf-8").strip()
    secret = MLDSA44PrivateKey.generate().private_bytes_raw().hex()
    write_durably(folder / "witness.key", f"{line} {secret}\n".encode())
    return Witness(folder)


def _load_keys(first: bytes, second: bytes = b"") -> tuple[CosignerKey, ...]:
    one = Ed25519PrivateKey.from_private_bytes(first)
    return (one, MLDSA44PrivateKey.from_seed_bytes(second)) if second else (one,)


def create_witness(folder: Path, name: str) -> Witness:
    """A new witness with new keys; raises Conflict when the folder holds one."""
    if not 0 < len(name.encode()) <= MAX_NAME or "+" in name or any(map(str.isspace, name)):
        raise InvalidRequest("a witness's name is like witness.example/w1: no space, no +")
    make_private_folder(folder)
    if (folder / "witness.key").exists():
        raise Conflict("this folder holds a witness already")
    keys = (Ed25519PrivateKey.generate(), MLDSA44PrivateKey.generate())
    secrets = " ".join(key.private_bytes_raw().hex() for key in keys)
    write_durably(folder / "witness.key", f"{name} {secrets}\n".encode())
    if not (folder / "logs").exists():
        head = b"# one verifier key of a log a line, as its owner gave it to you\n"
        write_durably(folder / "logs", head)
    return Witness(folder)


@contextmanager
def _transaction(db: apsw.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


def _is_signed(note: str, key: Key) -> bool:
    try:
        open_note(note, key.name, key.public)
    except (NoteInvalid, ValueError):
        return False
    return True


def _check_continues(request: Request, head: Checkpoint, size: int, root: bytes) -> None:
    if request.old != size:
        raise _Refused(409, f"{size}\n", SIZE_TYPE)
    if size == head.size and size and root != head.root:
        raise _Refused(409, "another head of this size was signed\n")
    if size == 0:
        proven = not request.proof and (head.size > 0 or head.root == EMPTY_ROOT)
    else:
        proven = verify_consistency(size, head.size, root, head.root, request.proof)
    if not proven:
        raise _Refused(422, "the proof does not lead from the last head to this one\n")
