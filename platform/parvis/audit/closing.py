"""Ending a log: an agency leaves, or a log that cannot be continued gives way to a new one.

The platform log says that it ended and with which head. A log that was rolled back is followed by
one with an origin and a key of its own, whose first record names it and what was lost. The keys of
ended logs stay, for the lists of files of later exports; heads are never signed with them again.
"""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from parvis.audit.entries import Entry, Placed, State, acted_entry, ending
from parvis.audit.events import PLATFORM, Draft, replace_id
from parvis.audit.key_times import open_head
from parvis.audit.log_keys import HeadFile, LogKeys, open_heads
from parvis.audit.notes import Checkpoint, NoteInvalid, format_vkey
from parvis.audit.published import publish
from parvis.audit.rows import ClosedRow, LogRow
from parvis.audit.start_check import find_fault, find_owner, parse_kept
from parvis.audit.store import Store, StoreUnsafe
from parvis.audit.stores import open_store
from parvis.audit.tree import Frontier, root_at
from parvis.audit.turns import Act
from parvis.audit.writer import Writer
from parvis.keystore import SealBroken

ROLLBACK_GROUNDS = {
    "restore": "a backup was put back",
    "disk-loss": "the disk or database lost what it had",
    "key-lost": "the log's signing key is gone",
    "tampered": "the database was changed by somebody",
}
_LEFT = "agency-left"


@dataclass(frozen=True, slots=True)
class Loss:
    """A log that cannot be continued: its last known head, and what of it is still there.

    Records `first` to `size - 1` are lost; `root` is in hex, `log` the id.
    """

    tenant_id: str
    log: str
    origin: str
    size: int
    root: str
    first: int
    words: str

    @property
    def plain(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def close_log(
    writer: Writer, tenant_id: str, act: Act, sealed_days: int, audit_days: int
) -> list[Any]:
    """End the agency's log for good; gives (origin, size). Raises ValueError, LogStopped.

    The platform's record keeps the agency's limits (days), by which what is left goes later.
    """
    writer.require_going(tenant_id)
    if tenant_id == PLATFORM or tenant_id not in writer.list_tenants():
        raise ValueError("audit: no agency of this name has a log")

    def work(states: dict[str, State]) -> LogRow:
        state = writer.open_state(states, tenant_id)
        intents = [one for one in writer.store.list_intents() if one[0] == tenant_id]
        state.open |= {intent for _, intent, _ in intents}
        for _, intent, _ in intents:
            writer.place(states, ending(tenant_id, intent, "log_closed"))
        head = state.frontier
        draft = Draft(
            "log.closed",
            target={"log": state.log.id, "tenant": tenant_id},
            change={"origin": state.log.origin, "ground": _LEFT, "size": head.size + 1},
        )
        writer.place(states, acted_entry(tenant_id, draft, act["own"]))
        change = {
            **draft.change,
            "size": head.size,
            "root": head.root().hex(),
            "sealed_days": sealed_days,
            "audit_days": audit_days,
        }
        told = replace_id(replace(draft, change=change))
        placed = writer.place(states, acted_entry(PLATFORM, told, act["platform"]))
        _mark_closed(writer, state.log.id, tenant_id, placed)
        return state.log

    log = writer.grow(work)
    head = writer.store.find_head(log.no)
    if head is not None:  # the last one: exports of later years hold it
        publish(writer, tenant_id, head.size, head.note)
    writer.look_again()
    writer.heads.advance(writer.known_heads())
    return [log.origin, head.size if head else 0]


def list_losses(
    audit_dir: Path, root_key: bytes, database_url: str = "", heads_dir: Path | None = None
) -> list[Loss]:
    """Every log that cannot be continued. Raises StoreFault, StoreUnsafe."""
    with (
        closing(open_store(audit_dir, database_url, read_only=True)) as store,
        closing(open_heads(audit_dir, heads_dir)) as heads,
    ):
        return find_losses(store, heads, LogKeys(audit_dir / "keys", root_key))


def find_losses(store: Store, heads: HeadFile, keys: LogKeys) -> list[Loss]:
    """Every log that does not continue its newest signed head, or whose key is gone.

    The agency is empty where a log is missing and the platform log does not know whose it was.
    """
    kept, closed = heads.load(), store.list_closed()
    losses = []
    for log in store.list_logs():
        if log.id not in closed:
            note = kept.get(log.id)
            words = find_fault(store, log, note, None) or _find_key_fault(keys, log)
            if words:
                losses.append(_measure(store, log, note, words))
    for log_id in sorted(set(kept) - {log.id for log in store.list_all_logs()} - set(closed)):
        head = parse_kept(kept[log_id])
        if head.size:
            owner = find_owner(store, log_id) or ""
            losses.append(_name_loss(owner, head, 0, "it is missing from the database"))
    return losses


def _find_key_fault(keys: LogKeys, log: LogRow) -> str:
    try:
        keys.get_key(log.id, log.public_key)
    except SealBroken as error:
        return str(error)
    return ""


def _measure(store: Store, log: LogRow, note: str | None, words: str) -> Loss:
    """What is known of a log, and up to where its records still lead to a head that it signed."""
    whole = _find_whole(store, log)
    signed = parse_kept(note) if note else whole
    if whole.size > signed.size or (whole.size == signed.size and whole.root == signed.root):
        return _name_loss(log.tenant_id, whole, whole.size, words)
    first = whole.size if whole.size < signed.size else 0
    return _name_loss(log.tenant_id, signed, first, words)


def _find_whole(store: Store, log: LogRow) -> Checkpoint:
    """The head in the database where records and signature fit it; else that of an empty log."""
    empty = Checkpoint(log.origin, 0, Frontier().root())
    row = store.find_head(log.no)
    if row is None:
        return empty

    try:
        head = open_head(row.note, log.origin, store.list_keys(log.no))
        fits = head.size == row.size and root_at(store.hashes_of(log.no), head.size) == head.root
    except (NoteInvalid, StoreUnsafe):
        return empty
    return head if fits else empty


def _name_loss(tenant_id: str, head: Checkpoint, first: int, words: str) -> Loss:
    log_id = head.origin.rpartition("/")[2]
    return Loss(tenant_id, log_id, head.origin, head.size, head.root.hex(), first, words)


def roll_back(
    writer: Writer, wanted: Sequence[Sequence[str]], ground: str, acts: dict[str, dict[str, Any]]
) -> list[Any]:
    """Begin a new log in the place of each of these; gives [agency, new verifier key] for each.

    `wanted` are (agency, log id); `acts` holds, by agency, `actor` (who asked) and `reviewer` (who
    confirmed) as blocks of records. Raises ValueError for a log that can be continued.
    """
    found = {loss.log: loss for loss in find_losses(writer.store, writer.heads, writer.keys)}
    if any(log_id not in found for _, log_id in wanted):
        raise ValueError("audit: the log continues its newest signed head: nothing to declare")
    losses = [replace(found[log_id], tenant_id=tenant_id) for tenant_id, log_id in wanted]
    # the platform's own first: the ends of the others stand in it
    losses.sort(key=lambda loss: loss.tenant_id != PLATFORM)
    left = {loss.tenant_id for log_id, loss in found.items()} - {one.tenant_id for one in losses}
    if PLATFORM in left:
        raise ValueError("audit: the platform's own log must be declared first, or with this one")

    def work(states: dict[str, State]) -> list[LogRow]:
        return [_begin_anew(writer, states, loss, ground, acts) for loss in losses]

    logs = writer.grow(work)
    writer.look_again()
    writer.heads.advance(writer.known_heads())
    return [[log.tenant_id, format_vkey(log.origin, log.public_key)] for log in logs]


def _begin_anew(
    writer: Writer,
    states: dict[str, State],
    loss: Loss,
    ground: str,
    acts: dict[str, dict[str, Any]],
) -> LogRow:
    old = writer.store.find_log_by_id(loss.log)
    if old is not None:
        writer.store.drop_intents(old.no)

    def begin(log: LogRow, named: dict[str, str]) -> list[Entry]:
        begun = {"ground": ground, **named}
        entries = [_rollback_entry(log, loss, begun, acts, log.tenant_id)]
        if log.tenant_id != PLATFORM:
            entries.append(_rollback_entry(log, loss, begun, acts, PLATFORM))
        return entries

    state = writer.give_birth(states, loss.tenant_id, begin)
    change = {"origin": loss.origin, "size": loss.size, "root": loss.root, "ground": ground}
    target = {"log": loss.log, "tenant": loss.tenant_id}
    closed = Draft("log.closed", target=target, change=change)
    told = writer.place(states, acted_entry(PLATFORM, closed, acts[PLATFORM]["actor"]))
    _mark_closed(writer, loss.log, loss.tenant_id, told)
    return state.log


def _rollback_entry(
    log: LogRow, loss: Loss, begun: dict[str, str], acts: dict[str, dict[str, Any]], home: str
) -> Entry:
    draft = Draft(
        "log.rollback",
        target={
            "log": loss.log,
            "tenant": log.tenant_id,
            "first": loss.first,
            "end": loss.size,
        },
        change={
            "before": loss.origin,
            "size": loss.size,
            "root": loss.root,
            "origin": log.origin,
            "vkey": format_vkey(log.origin, log.public_key),
            **begun,
        },
        policy={"reviewer": acts[home]["reviewer"]["pid"]},
    )
    return acted_entry(home, draft, acts[home]["actor"])


def _mark_closed(writer: Writer, log_id: str, tenant_id: str, told: Placed) -> None:
    writer.store.add_closed(ClosedRow(log_id, tenant_id, told.state.log.id, told.seq))
