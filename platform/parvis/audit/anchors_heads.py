"""The heads of all logs in one record of the platform log, each blinded with a salt.

A `log.heads` record holds the root of a small Merkle tree over the heads of all agencies' logs.
An agency gets the salt and path of its own leaf: it can prove that its head is inside and learns
nothing of the others. A log that disappears leaves its head in records that are anchored.
"""

import base64
import os
import secrets
from collections.abc import Sequence

import orjson

from parvis.audit.anchors_store import AnchorStore, Blinded
from parvis.audit.events import PLATFORM, Draft
from parvis.audit.log import AuditLog
from parvis.audit.tree import TILE_WIDTH, Frontier, Reader, inclusion_proof, leaf_hash
from parvis.audit.writer import LogStopped
from parvis.errors import AuditUnavailable

_SALT_BYTES = 32


def record_heads(audit: AuditLog, store: AnchorStore) -> int:
    """Write one `log.heads` over the heads of every agency's log; gives how many there are."""
    tenants = [one for one in audit.reader.list_tenants() if one != PLATFORM]
    if not tenants:
        return 0
    secrets.SystemRandom().shuffle(tenants)  # a place must not tell whose head it is
    heads = {}
    for tenant_id in tenants:
        try:
            text = audit.publish_head(tenant_id).note.rpartition("\n\n")[0] + "\n"
        except AuditUnavailable as error:
            if isinstance(error.__cause__, LogStopped):  # the others' heads are told
                continue
            raise
        heads[audit.reader.get_key(tenant_id).log] = (os.urandom(_SALT_BYTES), text)
    if not heads:
        return 0
    leaves = [leaf_hash(salt + text.encode()) for salt, text in heads.values()]
    root = _fold(leaves)
    change = {"size": len(leaves), "root": root.hex()}
    receipt = audit.append(PLATFORM, Draft("log.heads", outcome="success", change=change))
    read = _reader(leaves)
    blinded = {}
    for place, (log_id, (salt, text)) in enumerate(heads.items()):
        steps = inclusion_proof(read, place, len(leaves))
        path = orjson.dumps([base64.b64encode(step).decode() for step in steps]).decode()
        blinded[log_id] = Blinded(receipt.seq, salt.hex(), place, path, text)
    store.put_blinded(blinded)
    return len(leaves)


def _fold(leaves: Sequence[bytes]) -> bytes:
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    return frontier.root()


def _reader(leaves: Sequence[bytes]) -> Reader:
    def read(level: int, first: int, end: int) -> list[bytes]:
        width = TILE_WIDTH**level
        return [_fold(leaves[at * width : (at + 1) * width]) for at in range(first, end)]

    return read
