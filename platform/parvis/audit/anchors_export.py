"""What an export says of copies outside: cosigned notes, tokens, the heads of all logs.

The rest of the folder is `export.py`.
"""

import base64
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from parvis.audit.anchors_store import AnchorStore, Blinded
from parvis.audit.cosignatures import add_cosignatures
from parvis.audit.events import PLATFORM
from parvis.audit.key_times import format_vkey_at
from parvis.audit.notes import format_proof
from parvis.audit.rows import RecordRow
from parvis.audit.store import Store
from parvis.audit.tree import inclusion_proof, leaf_hash, verify_inclusion

_MAX_TOKENS_OF_A_HEAD = 100
_LOOK_BACK = 100
_HOUR_US = 3_600_000_000
_KEEP_ALL_US = 24 * _HOUR_US


def list_notes(
    anchors: AnchorStore,
    log_id: str,
    published: Sequence[tuple[int, str]],
    time_of: Callable[[int], int],
    now_us: int,
) -> Iterator[tuple[int, str]]:
    """(size, note) of published heads, each with the signature lines of its witnesses.

    Thinned (`thin_heads`); those that witnesses signed or that bear a time stamp are all there.
    """
    lines = anchors.list_lines(log_id)
    vouched = anchors.list_vouched(log_id)
    chosen = thin_heads([size for size, _ in published], vouched, time_of, now_us)
    for size, note in published:
        if size in chosen:
            yield size, add_cosignatures(note, lines.get(size, ()))


def thin_heads(
    sizes: Sequence[int], vouched: set[int], time_of: Callable[[int], int], now_us: int
) -> set[int]:
    """Of published heads all of the last day, of each hour before it the last, and all `vouched`.

    `time_of` gives the time of a head's last record (us since 1970), 0 when that was pruned: of
    those heads only the vouched ones stay. The tree proves the others again whenever one turns up.
    """
    end = bisect_left(sizes, now_us - _KEEP_ALL_US, key=time_of)
    chosen = (vouched & set(sizes)) | set(sizes[end:])
    while end and (last_us := time_of(sizes[end - 1])):
        chosen.add(sizes[end - 1])
        end = bisect_left(sizes, last_us - last_us % _HOUR_US, 0, end, key=time_of)
    return chosen


def list_tokens(
    anchors: AnchorStore, log_id: str, sizes: frozenset[int]
) -> Iterator[tuple[str, bytes]]:
    """(path, bytes) of every time-stamp token over a head of these sizes."""
    count: dict[int, int] = {}
    for stamp in anchors.list_stamps(log_id):
        number = count.get(stamp.size, 0)
        if stamp.size in sizes and number < _MAX_TOKENS_OF_A_HEAD:
            count[stamp.size] = number + 1
            yield f"tokens/{stamp.size}.{number}", stamp.token


def find_heads(
    store: Store, anchors: AnchorStore, log_id: str, up_to: int
) -> Mapping[str, Any] | None:
    """The newest `log.heads` of the platform log with this log's leaf; None when there is none.

    Proven under the newest cosigned head of the platform log that covers it, else its current one.
    """
    platform, blinded = store.find_log(PLATFORM), anchors.find_blinded(log_id)
    if platform is None or blinded is None or int(blinded.head.split("\n")[1]) > up_to:
        return None
    head, row = store.find_head(platform.no), store.find_record(platform.no, blinded.seq)
    if head is None or row is None or not blinded.seq < head.size:
        return None
    size, note = head.size, head.note
    for signed, cosigned, _ in anchors.list_cosigned(platform.id, _LOOK_BACK):
        # the newest that covers it: heads are signed by the key of their size
        if blinded.seq < signed <= head.size:
            size = signed
            note = add_cosignatures(cosigned, anchors.list_lines(platform.id)[signed])
            break
    path = inclusion_proof(store.hashes_of(platform.no), blinded.seq, size)
    steps = orjson.loads(blinded.path)
    if not _is_inside(blinded, steps, row):  # of a platform log that was rolled back
        return None
    return {
        "head": blinded.head,
        "index": blinded.place,
        "path": steps,
        "proof": format_proof(blinded.seq, path, note, row.leaf),
        "salt": blinded.salt,
        "vkey": format_vkey_at(platform.origin, store.list_keys(platform.no), size),
    }


def _is_inside(blinded: Blinded, steps: Sequence[str], row: RecordRow) -> bool:
    """True when the record holds the heads that the salt and path are of."""
    change = orjson.loads(row.leaf)["change"] if row.kind == "log.heads" and row.leaf else {}
    leaf = leaf_hash(bytes.fromhex(blinded.salt) + blinded.head.encode())
    path, root = [base64.b64decode(step) for step in steps], bytes.fromhex(change.get("root", ""))
    return verify_inclusion(leaf, blinded.place, change.get("size", 0), path, root)
