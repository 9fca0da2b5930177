"""Changing the key of a log: `key.rotated` and `key.compromised` in its own log and the platform's.

One commit holds the records, the checkpoint that both keys signed and the new key; the old private
key is destroyed after it. Killed anywhere, the log has changed its key or has not: what is left of
the other way is cleared at the next start (`Writer`). Which key signs when: `key_times.py`.
"""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from parvis.audit.cosignatures import derive_cosigner, sign_cosignature
from parvis.audit.entries import Entry, Placed, State, acted_entry, now_us, system_entry
from parvis.audit.events import PLATFORM, Draft, replace_id
from parvis.audit.key_times import list_valid, sign_turn
from parvis.audit.notes import Checkpoint, format_vkey, key_id
from parvis.audit.rows import HeadRow, KeyRow, LogRow, TurnRow
from parvis.audit.tree import root_at
from parvis.audit.writer import Writer

SCHEDULE = "schedule"
ROTATION_GROUNDS = {
    SCHEDULE: "its time was over",
    "staff-change": "somebody who could reach it has left or has other duties",
    "precaution": "after works on the machine, a visit, a doubt",
}
COMPROMISE_GROUNDS = {
    "stolen": "a copy is known to be elsewhere",
    "exposed": "it could be read by somebody who may not",
    "misused": "something is signed that the log did not sign",
    "lost-control": "nobody can say who had the machine",
}
_RETIRED_IDS = uuid.UUID("b1f6a5d2-4a1e-4f0b-9c57-8f4f6a0f3c1e")
Act = dict[str, Any]
"""Who acts, as blocks `actor` of records: in the log's own words and in the platform's."""
_SYSTEM: Act = {"own": {"type": "system"}, "platform": {"type": "system"}}


def rotate(writer: Writer, tenant_id: str, ground: str, act: Act | None = None) -> str:
    """Give the agency's log (`platform`: the platform's) a new key; gives its verifier key."""
    _require_log(writer, tenant_id)
    log = writer.grow(lambda states: _turn(writer, states, tenant_id, ground, act or _SYSTEM))
    return _finish(writer, log)


def declare_compromised(
    writer: Writer, tenant_id: str, since: int, ground: str, act: Act | None = None
) -> list[str]:
    """Change the key and declare the one that signed after size `since` compromised.

    Gives the compromised verifier key and the new one. Raises ValueError for a size that the log
    has not, or whose key was declared already.
    """
    log = _require_log(writer, tenant_id)
    keys, head = writer.store.list_keys(log.no), writer.store.find_head(log.no)
    if head is None or not 0 <= since <= head.size:
        raise ValueError(f"audit: the log has {head.size if head else 0} records: no such size")
    bad = list_valid(keys, since)[-1]
    declared = [turn.public_key for turn in writer.store.list_turns(log.no) if not turn.note]
    if bad in declared:
        raise ValueError("audit: the key of that time was declared compromised already")

    def work(states: dict[str, State]) -> LogRow:
        turned = _turn(writer, states, tenant_id, ground, act or _SYSTEM)
        _declare(writer, states, log, KeyRow(since, bad), ground, act or _SYSTEM)
        return turned

    return [format_vkey(log.origin, bad), _finish(writer, writer.grow(work))]


def find_due(writer: Writer, every_s: float) -> str | None:
    """The agency whose log has had its key for longest, if that is longer than `every_s`."""
    limit = now_us() - int(every_s * 1_000_000)
    ages = {}
    for tenant_id in writer.list_tenants():
        log = writer.get_log(tenant_id)
        turns = [turn for turn in writer.store.list_turns(log.no) if turn.note]
        # where the first was pruned, the oldest that is there is old enough
        first = writer.store.find_record(log.no, writer.store.find_minimum(log.no))
        ages[tenant_id] = turns[-1].time_us if turns else first.time_us if first else limit
    oldest = min(ages, key=lambda name: ages[name], default=None)
    return oldest if oldest is not None and ages[oldest] < limit else None


def _require_log(writer: Writer, tenant_id: str) -> LogRow:
    writer.require_going(tenant_id)
    log = writer.store.find_log(tenant_id)
    if log is None:
        raise ValueError("audit: no agency of this name has a log")
    return log


def _turn(
    writer: Writer, states: dict[str, State], tenant_id: str, ground: str, act: Act
) -> LogRow:
    state = writer.open_state(states, tenant_id)
    log = state.log
    old = writer.keys.get_key(log.id, log.public_key)
    new = writer.keys.create_key(log.id)  # on disk before the log names it
    public = new.public_key().public_bytes_raw()
    change = {
        "before": format_vkey(log.origin, log.public_key),
        "vkey": format_vkey(log.origin, public),
        "ground": ground,
        **writer.add_cosigner(log, new),
    }
    draft = Draft("key.rotated", target={"key": _key_id(log, public)}, change=change)
    placed = _place(writer, states, tenant_id, draft, act["own"])
    note = sign_turn(_head(state), old, new, _cosign(writer, _head(state), log, (old, new)))
    _keep(state, placed, "key.rotated", public, note)
    state.note, state.signed_size, state.log = note, placed.seq + 1, log._replace(public_key=public)
    frontier = state.frontier
    state.change.head = HeadRow(
        frontier.size, frontier.root(), frontier.dump(), state.last_us, note
    )
    _tell_platform(writer, states, log, draft, act)
    return state.log


def _cosign(
    writer: Writer, head: Checkpoint, log: LogRow, keys: Sequence[Ed25519PrivateKey]
) -> str:
    """The lines of the ML-DSA-44 keys that go with these, as far as the log names them."""
    named, now = writer.store.list_cosigners(log.no), now_us() // 1_000_000
    return "".join(
        sign_cosignature(head.text, head.origin, derive_cosigner(key), now)
        for key in keys
        if key.public_key().public_bytes_raw() in named
    )


def _declare(
    writer: Writer, states: dict[str, State], log: LogRow, bad: KeyRow, ground: str, act: Act
) -> None:
    change = {
        "vkey": format_vkey(log.origin, bad.public_key),
        "size": bad.begin,
        "root": root_at(writer.store.hashes_of(log.no), bad.begin).hex(),
        "ground": ground,
    }
    target = {"key": _key_id(log, bad.public_key)}
    draft = Draft("key.compromised", reason=ground, target=target, change=change)
    placed = _place(writer, states, log.tenant_id, draft, act["own"])
    _keep(states[log.tenant_id], placed, "key.compromised", bad.public_key, "")
    _tell_platform(writer, states, log, draft, act)


def _tell_platform(
    writer: Writer, states: dict[str, State], log: LogRow, draft: Draft, act: Act
) -> None:
    if log.tenant_id != PLATFORM:
        target = {**draft.target, "log": log.id, "tenant": log.tenant_id}
        _place(writer, states, PLATFORM, replace(draft, target=target), act["platform"])


def _place(
    writer: Writer, states: dict[str, State], tenant_id: str, draft: Draft, actor: dict[str, Any]
) -> Placed:
    return writer.place(states, acted_entry(tenant_id, replace_id(draft), actor))


def _keep(state: State, placed: Placed, kind: str, public_key: bytes, note: str) -> None:
    """What exports tell of it, kept beside the record: it outlives pruning."""
    row = state.change.records[-1][1]
    state.change.turns.append(TurnRow(placed.seq, kind, public_key, row.time_us, row.leaf, note))


def _finish(writer: Writer, log: LogRow) -> str:
    """The head that both signed reaches other storage before the old key goes."""
    writer.heads.advance(writer.known_heads())
    writer.retire_keys(log)
    record_retired(writer)
    return format_vkey(log.origin, log.public_key)


def record_retired(writer: Writer) -> None:
    """Record in the platform log which private keys were destroyed, if any.

    Once each: the record's id follows from the key, and the key's mark goes after the record.
    """
    if not writer.retired:
        return
    for told in writer.commit([_tell_retired(log, public) for log, public in writer.retired]):
        if isinstance(told, ValueError):
            raise told
    for log, public in writer.retired:
        writer.keys.forget_retired(log.id, public)
    writer.retired.clear()


def _tell_retired(log: LogRow, public: bytes) -> Entry:
    draft = Draft(
        "key.retired",
        outcome="success",
        id=str(uuid.uuid5(_RETIRED_IDS, f"{log.id}/{public.hex()}")),
        target={"log": log.id, "tenant": log.tenant_id, "key": _key_id(log, public)},
        change={"vkey": format_vkey(log.origin, public)},
    )
    return system_entry(PLATFORM, draft)


def _head(state: State) -> Checkpoint:
    return Checkpoint(state.log.origin, state.frontier.size, state.frontier.root())


def _key_id(log: LogRow, public_key: bytes) -> str:
    return key_id(log.origin, public_key).hex()
