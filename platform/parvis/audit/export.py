"""The auditor's folder: C2SP tiles, signed checkpoints, the log's key, and the verifier itself.

Every file is in a manifest that the log signs. Tiles (hashes) are always whole: the root can be
recomputed. With a period given, only the bundles of records that touch it or stand next to it are
included.
Whoever exports MUST write `audit.exported` first.
"""

import base64
import hashlib
import io
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from parvis.audit.anchors_export import find_heads, list_notes, list_tokens
from parvis.audit.anchors_store import AnchorStore
from parvis.audit.ended_logs import list_needed
from parvis.audit.entries import format_time
from parvis.audit.events import PLATFORM
from parvis.audit.files import sync_folder
from parvis.audit.key_times import format_vkey_at, list_valid
from parvis.audit.log import AuditLog
from parvis.audit.notes import NoteInvalid, format_proof, format_vkey, open_note
from parvis.audit.reader import to_us
from parvis.audit.rows import LogRow, Range, RecordRow, TurnRow
from parvis.audit.sealed_list import SealedList, find_allowance
from parvis.audit.start_check import find_birth
from parvis.audit.store import Store
from parvis.audit.tree import TILE_WIDTH, inclusion_proof
from parvis.errors import AuditUnavailable, NotFound

MANIFEST = "manifest"
MANIFEST_FORMAT = "parvis-audit-export/v1"
# as the verifiers: a line of some 90 bytes for each file, two files for 256 records
_MAX_MANIFEST_BYTES = 128 << 20
_HERE = Path(__file__).parent
_NEVER_US = 2**62
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)


class ExportFile(NamedTuple):
    """One file of the folder, by its path with forward slashes."""

    path: str
    data: bytes


@dataclass(frozen=True, slots=True)
class _Source:
    """What is exported: one log at one size; record bundles [first, end) of 256 records each."""

    store: Store
    log: LogRow
    size: int
    root: bytes
    note: str
    first: int
    end: int
    anchors: AnchorStore
    sealed: SealedList


def export_files(
    audit: AuditLog,
    tenant_id: str,
    *,
    from_time: datetime | None = None,
    to_time: datetime | None = None,
    log_id: str = "",
) -> Iterator[ExportFile]:
    """Every file of the agency's export, the signed manifest last.

    `log_id` names a log of the agency that another one has taken the place of. Raises NotFound when
    the agency has no such log, AuditUnavailable when it cannot be read.
    """
    published = None if log_id else audit.publish_head(tenant_id)
    with closing(audit.open_reading()) as store:
        log = store.find_log_by_id(log_id) if log_id else store.find_log(tenant_id)
        head = published or (store.find_head(log.no) if log is not None else None)
        if log is None or head is None or log.tenant_id != tenant_id:
            raise NotFound()
        wanted = Range(
            store.find_minimum(log.no),
            head.size,
            from_us=to_us(from_time) if from_time else 0,
            to_us=to_us(to_time) if to_time else _NEVER_US,
        )
        first, end = _choose_bundles(store, log.no, wanted)
        anchors = AnchorStore(audit.folder)
        sealed = SealedList(store, log.no, audit.list_key_ids(tenant_id))
        source = _Source(store, log, head.size, head.root, head.note, first, end, anchors, sealed)
        lines = []
        for file in _contents(source):
            lines.append(f"{hashlib.sha256(file.data).hexdigest()} {len(file.data)} {file.path}")
            yield file
        text = _manifest(source, lines, from_time, to_time)
        note = audit.sign_note(tenant_id, text, log_id)
        require_key_of(store, log, head.size, note)
        yield ExportFile(MANIFEST, note.encode())


def require_key_of(store: Store, log: LogRow, size: int, note: str) -> None:
    """Raises AuditUnavailable when the log got a new key while this was written."""
    for public_key in list_valid(store.list_keys(log.no), size):
        with suppress(NoteInvalid):
            open_note(note, log.origin, public_key, _MAX_MANIFEST_BYTES)
            return
    raise AuditUnavailable("The log got a new key meanwhile: export it again.", retry_after=1)


def write_folder(files: Iterable[ExportFile], folder: Path) -> int:
    """Write an export to a new folder; gives the number of files. Raises FileExistsError."""
    folder.mkdir(parents=True)
    count = 0
    for file in files:
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.data)
        count += 1
    sync_folder(folder)
    return count


class _Outbox(io.RawIOBase):
    """A file that zipfile writes and we empty as it goes."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = bytes(data)  # type: ignore[call-overload]
        self._pieces.append(piece)
        return len(piece)

    def take(self) -> bytes:
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken


def stream_zip(files: Iterable[ExportFile], folder_name: str) -> Iterator[bytes]:
    """The same folder as a ZIP archive, piece by piece, without a temporary file."""
    outbox = _Outbox()
    with zipfile.ZipFile(outbox, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            info = zipfile.ZipInfo(f"{folder_name}/{file.path}", _ZIP_DATE)
            info.external_attr = 0o644 << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, file.data)
            yield outbox.take()
    yield outbox.take()


def tile_path(kind: str, index: int, width: int) -> str:
    """Path of a tile or entry bundle (c2sp.org/tlog-tiles): `kind` is a level or `entries`."""
    parts = [f"{index % 1000:03d}"]
    while index >= 1000:  # noqa: PLR2004 - three digits a path element
        index //= 1000
        parts.append(f"x{index % 1000:03d}")
    partial = f".p/{width}" if width < TILE_WIDTH else ""
    return f"tile/{kind}/{'/'.join(reversed(parts))}{partial}"


def read_verifier() -> bytes:
    """The stand-alone verifier, as it is shipped."""
    return (_HERE / "verify.py").read_bytes()


def _choose_bundles(store: Store, log_no: int, wanted: Range) -> tuple[int, int]:
    """Bundles [first, end) with every record of the period, one from before it, one from after it.

    By these a verifier sees that nothing was left out; they are missing only where the log begins
    (or was pruned) or ends. Between them a clock that was put back may hide what it likes.
    """
    least, size = wanted.first, wanted.end
    if least >= size:  # an empty log, or one that ended: nothing is left but hashes
        return (-(-size // TILE_WIDTH),) * 2
    inside = store.find_span(log_no, wanted)
    if not inside[1]:  # nothing at all: the neighbours say so
        before = store.find_span(log_no, wanted._replace(from_us=0, to_us=wanted.from_us))
        inside = before[1], before[1]
    first, end = inside[0] // TILE_WIDTH, max(-(-inside[1] // TILE_WIDTH), 1)

    def time_at(seq: int, otherwise: int) -> int:
        row = store.find_record(log_no, seq) if seq < size else None
        return row.time_us if row is not None else otherwise

    if wanted.from_us == 0:
        first = least // TILE_WIDTH
    while first * TILE_WIDTH > least and time_at(first * TILE_WIDTH, _NEVER_US) >= wanted.from_us:
        first -= 1
    if wanted.to_us == _NEVER_US:
        end = -(-size // TILE_WIDTH)
    end = max(end, first + 1)
    while end * TILE_WIDTH < size and time_at(end * TILE_WIDTH - 1, 0) < wanted.to_us:
        end += 1
    return first, end


def _contents(source: _Source) -> Iterator[ExportFile]:
    published = source.store.list_published(source.log.no, source.size)
    now_us = time.time_ns() // 1000
    notes = dict(list_notes(source.anchors, source.log.id, published, _timer(source), now_us))
    yield ExportFile("checkpoint", notes.get(source.size, source.note).encode())
    yield ExportFile("keys.jsonl", _keys(source))
    for size, note in notes.items():
        yield ExportFile(f"notes/{size}", note.encode())
    for path, token in list_tokens(source.anchors, source.log.id, frozenset(notes)):
        yield ExportFile(path, token)
    yield from _tiles(source)
    for index in range(source.first, source.end):
        yield _entries(source, index)
    yield ExportFile("sealed", source.sealed.finish(source.size))
    yield ExportFile("README", (_HERE / "export_readme.txt").read_bytes())
    yield ExportFile("verify.py", read_verifier())


def _timer(source: _Source) -> Callable[[int], int]:
    """When the last record of a head was written; 0 for an empty head, and when it was pruned."""

    def time_of(size: int) -> int:
        row = source.store.find_record(source.log.no, size - 1)
        return row.time_us if row is not None else 0

    return time_of


def _tiles(source: _Source) -> Iterator[ExportFile]:
    level, count = 0, source.size
    while count:
        for first in range(0, count, TILE_WIDTH):
            end = min(first + TILE_WIDTH, count)
            hashes = source.store.read_hashes(source.log.no, level, first, end)
            path = tile_path(str(level), first // TILE_WIDTH, end - first)
            yield ExportFile(path, b"".join(hashes))
        level, count = level + 1, count // TILE_WIDTH


def _entries(source: _Source, index: int) -> ExportFile:
    first = index * TILE_WIDTH
    end = min(first + TILE_WIDTH, source.size)
    rows = source.store.list_records(source.log.no, Range(first, end), limit=TILE_WIDTH)
    source.sealed.add(rows)
    data = b"".join(len(row.leaf).to_bytes(2, "big") + row.leaf for row in rows)
    return ExportFile(tile_path("entries", index, end - first), data)


def _keys(source: _Source) -> bytes:
    first = source.store.list_keys(source.log.no)[0].public_key
    cosigners = source.store.list_cosigners(source.log.no)
    line: dict[str, Any] = {
        "birth": _birth(source),
        "cosigner": cosigners.get(first),
        "ended": _ended(source),
        "heads": find_heads(source.store, source.anchors, source.log.id, source.size),
        "log": source.log.id,
        "origin": source.log.origin,
        "pruned": _pruned(source),
        "tenant": source.log.tenant_id,
        "vkey": format_vkey(source.log.origin, first),
    }
    turns = [turn for turn in source.store.list_turns(source.log.no) if turn.seq < source.size]
    lines = [line, *(_turn(source, turn) for turn in turns)]
    return b"".join(orjson.dumps(one, option=orjson.OPT_SORT_KEYS) + b"\n" for one in lines)


def _turn(source: _Source, turn: TurnRow) -> dict[str, Any]:
    """A change of keys, proven under the head that both signed, or a key declared compromised."""
    vkey = format_vkey(source.log.origin, turn.public_key)
    size, note = (turn.seq + 1, turn.note) if turn.note else (source.size, source.note)
    path = inclusion_proof(source.store.hashes_of(source.log.no), turn.seq, size)
    line: dict[str, Any] = {
        "kind": turn.kind,
        "log": source.log.id,
        "proof": format_proof(turn.seq, path, note, turn.leaf),
        "vkey": vkey,
    }
    if turn.note:
        line["cosigner"] = source.store.list_cosigners(source.log.no).get(turn.public_key)
        line["platform"] = _find_told(source, vkey)
    return line


def _find_told(source: _Source, vkey: str) -> dict[str, str] | None:
    """What the platform log says of a new key of this log, with its proof."""
    for platform in reversed(source.store.list_all_logs()):
        if platform.tenant_id != PLATFORM or platform.id == source.log.id:
            continue
        head = source.store.find_head(platform.no)
        told = Range(end=head.size if head else 0, kinds=("key.rotated",))
        for row in source.store.list_records(platform.no, told, limit=100_000):
            if orjson.loads(row.leaf)["change"]["vkey"] == vkey:
                return _prove(source.store, platform, row)
    return None


def _prove(store: Store, platform: LogRow, row: RecordRow) -> dict[str, str] | None:
    """A record of the platform log under its head, with the key of that head."""
    head = store.find_head(platform.no)
    if head is None:
        return None
    path = inclusion_proof(store.hashes_of(platform.no), row.seq, head.size)
    return {
        "proof": format_proof(row.seq, path, head.note, row.leaf),
        "vkey": format_vkey_at(platform.origin, store.list_keys(platform.no), head.size),
    }


def _birth(source: _Source) -> dict[str, str] | None:
    """What the platform log says of this log's birth, with its proof."""
    found = find_birth(source.store, source.log.id)
    if found is None or source.log.tenant_id == PLATFORM:
        return None
    return _prove(source.store, *found)


def _pruned(source: _Source) -> str | None:
    """The proof of the record that let the oldest records go; a period may not reach to it."""
    found = find_allowance(source.store, source.log.no, "records", source.size)
    row = source.store.find_record(source.log.no, found[1]) if found else None
    if row is None:
        return None
    path = inclusion_proof(source.store.hashes_of(source.log.no), row.seq, source.size)
    return format_proof(row.seq, path, source.note, row.leaf)


def _ended(source: _Source) -> dict[str, Any] | None:
    """What the platform log says of this log's end and of what went from it since, with proofs."""
    closed = source.store.list_closed().get(source.log.id)
    platform = source.store.find_log_by_id(closed.platform_id) if closed else None
    row = source.store.find_record(platform.no, closed.seq) if closed and platform else None
    told = _prove(source.store, platform, row) if platform and row and row.leaf else None
    if told is None:
        return None
    needed = list_needed(source.store, source.log.id, source.size)
    return {**told, "allowed": [_prove(source.store, one.platform, one.row) for one in needed]}


def _manifest(
    source: _Source, lines: list[str], from_time: datetime | None, to_time: datetime | None
) -> str:
    asked = [format_time(to_us(moment)) if moment else "-" for moment in (from_time, to_time)]
    made = format_time(time.time_ns() // 1000)
    first, end = (min(at * TILE_WIDTH, source.size) for at in (source.first, source.end))
    top = [
        MANIFEST_FORMAT,
        source.log.origin,
        str(source.size),
        base64.b64encode(source.root).decode(),
        f"made {made}",
        f"asked {asked[0]} {asked[1]}",
        f"records {first} {end}",
        f"files {len(lines)}",
    ]
    return "\n".join(top + lines) + "\n"
