"""What an audit log costs without a sequencer: each request grows the log in its own transaction.

The same record, sealed and signed as durably as ours: the thread builds and seals it, takes
SQLite's write lock, reads the head, hashes, signs the new head and commits. For comparison only
(`audit.py`); nothing of the house writes like this.
"""

import os
import time
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from parvis.audit import Draft
from parvis.audit.canonical import encode_json
from parvis.audit.entries import format_time
from parvis.audit.events import build_body, check_block
from parvis.audit.files import make_private_folder
from parvis.audit.notes import Checkpoint, sign_note
from parvis.audit.rows import Change, HeadRow, RecordRow
from parvis.audit.sealing import pseudonym, seal_value
from parvis.audit.sqlite_store import SqliteStore
from parvis.audit.tree import Frontier, leaf_hash
from parvis.keystore import KeyStore, day_ref

_LOG = "ab" * 16
_ORIGIN = f"bench.test/audit/{_LOG}"
_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def make_log(folder: Path, tenant_id: str) -> None:
    """An empty log in `folder`."""
    make_private_folder(folder)
    store = SqliteStore(folder)
    store.begin()
    store.add_log(_LOG, tenant_id, _ORIGIN, _KEY.public_key().public_bytes_raw())
    store.commit()
    store.close()


class OwnWriter:
    """One request thread's own connection. Raises StoreBusy when the lock is not to be had."""

    def __init__(self, folder: Path, keystore: KeyStore, tenant_id: str) -> None:
        self._store = SqliteStore(folder)
        self._keystore = keystore
        self._tenant_id = tenant_id
        self._boot = os.urandom(16).hex()
        self._count = 0

    def append(self, draft: Draft) -> None:
        """Build, seal, chain, sign and commit one record; durable on return."""
        body, sealed = self._build(draft)
        self._store.begin()
        try:
            self._grow(body, sealed)
            self._store.commit()
        except BaseException:
            self._store.rollback()
            raise

    def _build(self, draft: Draft) -> tuple[dict[str, object], list[tuple[str, str, str, bytes]]]:
        seen = format_time(time.time_ns() // 1000)
        actor, chosen = draft.actor, draft.seal_key
        assert chosen is not None  # noqa: S101 - the bench's own drafts
        places = [
            ("subject", actor.subject),
            ("audit-subject", day_ref(seen[:10], actor.subject)),
            (f"audit-{chosen.kind}", day_ref(seen[:10], chosen.ref)),
        ]
        own, user, content = self._keystore.get_keys(self._tenant_id, places)
        sealed = [seal_value(user, _LOG, draft.id, "user", actor.subject.encode())]
        for name, value in draft.sealed.items():
            sealed.append(seal_value(content, _LOG, draft.id, name, value))
        block = {"type": actor.type, "roles": list(actor.roles), "client": actor.client}
        block["pid"] = pseudonym(own, seen[:7])
        body = build_body(draft) | {"seen": seen, "actor": check_block("actor", block)}
        body["seal"] = {value.name: value.entry for value in sealed}
        return body, [(draft.id, value.name, value.key_id, value.box) for value in sealed]

    def _grow(self, body: dict[str, object], sealed: list[tuple[str, str, str, bytes]]) -> None:
        log = self._store.find_log(self._tenant_id)
        assert log is not None  # noqa: S101 - `make_log`
        head = self._store.find_head(log.no)
        frontier = Frontier.load(head.size, head.frontier) if head else Frontier()
        seq, now_us = frontier.size, max(time.time_ns() // 1000, head.last_us if head else 0)
        self._count += 1
        emit = {"node": "bench", "boot": self._boot, "worker": "bench", "n": self._count}
        placed = {"log": log.id, "seq": seq, "time": format_time(now_us), "emit": emit}
        leaf = encode_json(body | placed)
        hashed = leaf_hash(leaf)
        row = RecordRow(seq, now_us, str(body["kind"]), hashed, leaf)
        change = Change([(str(body["id"]), row)], frontier.append(hashed), sealed=sealed)
        change.emitters[self._boot] = self._count
        root = frontier.root()
        note = sign_note(Checkpoint(log.origin, frontier.size, root).text, log.origin, _KEY)
        change.head = HeadRow(frontier.size, root, frontier.dump(), now_us, note)
        self._store.write(log.no, change)
