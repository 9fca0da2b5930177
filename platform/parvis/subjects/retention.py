"""What time takes: conversations, sealed values beside the log, and old records' bodies.

Each step writes its record, then acts, and may be repeated: whoever finds it half done finishes it.
What a hold covers stays. Records younger than 184 days stay whatever any file says. Logs that ended
are no exception: what goes from them is recorded in the platform log (`ended.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from parvis.audit.ended_logs import find_allowed_end
from parvis.audit.events import Draft
from parvis.audit.store import Store
from parvis.audit.tree import TILE_WIDTH
from parvis.compliance.holds import Extent, Hold, find_blocking
from parvis.domain import RECORDS_FLOOR_DAYS
from parvis.errors import NotFound
from parvis.keystore import AUDIT_CONVERSATION, AUDIT_KINDS, AUDIT_SUBJECT, KeyFacts
from parvis.subjects.agencies import (
    allow_keys,
    find_left,
    get_kept,
    list_ended,
    record,
    split,
)
from parvis.subjects.ended import EndedRun
from parvis.subjects.erase import destroy, resume_erasures
from parvis.subjects.find import Wanted, find
from parvis.subjects.holding import record_holds
from parvis.subjects.stores import Stores

_DAY = timedelta(days=1)
# a key of a day may seal a record that gets its time just after midnight
_LATE = timedelta(minutes=10)
# an answer that ends after its conversation was erased leaves a key behind
_ORPHAN_AGE = timedelta(days=1)


@dataclass(slots=True)
class Gone:
    """What one run took from one agency; `pruned` is the first record that is still whole.

    `ended` says the same of its logs that ended, by id. `recorded_holds` are those whose record was
    owed until now.
    """

    conversations: int = 0
    sealed: int = 0
    keys: int = 0
    pruned: int = 0
    ended: dict[str, int] = field(default_factory=dict)
    erasures: list[str] = field(default_factory=list)
    overdue_holds: list[str] = field(default_factory=list)
    recorded_holds: list[str] = field(default_factory=list)


def apply_limits(stores: Stores, tenant_id: str, now: datetime | None = None) -> Gone:
    """Apply the agency's limits, also of one that left.

    Raises AuditUnavailable: then what is left goes next time.
    """
    run = _Run(stores, tenant_id, now or datetime.now(UTC))
    run.gone.recorded_holds = record_holds(stores, tenant_id)
    run.gone.erasures = [done.erasure_id for done in resume_erasures(stores, tenant_id)]
    run.repeat_erasures()
    run.end_conversations()
    run.end_sealed()
    run.forget_subjects()
    run.prune_records()
    run.tell()
    return run.gone


class _Run:
    """One agency's limits at one moment."""

    def __init__(self, stores: Stores, tenant_id: str, now: datetime) -> None:
        self._stores, self._tenant_id, self._now = stores, tenant_id, now
        self._limits = get_kept(stores, tenant_id)
        self._left = find_left(stores, tenant_id)
        ended = list_ended(stores, tenant_id)
        self._ended = [EndedRun(stores, one, self._limits, self._now) for one in ended]
        self._holds = stores.compliance.list_holds(tenant_id)
        overdue = [hold.id for hold in self._holds if hold.is_overdue(now)]
        self.gone = Gone(overdue_holds=overdue)
        self._held_keys = self._list_held_keys()
        self._named: set[str] = set()  # keys that a record says are gone

    def repeat_erasures(self) -> None:
        """Destroy again what an older copy of the key store brought back."""
        named = self._named
        for data in self._list_records("erasure.confirmed", "retention.pruned"):
            named.update(data["target"].get("keys", ()))
        for ended in self._ended:
            named.update(ended.list_allowed_keys())
        back = sorted(named & self._stores.keystore.list_ids(self._tenant_id))
        if back:
            destroy(self._stores, self._tenant_id, back, ())
        self.gone.keys += len(back)

    def end_conversations(self) -> None:
        """Erase conversations whose time is over, and keys whose conversation is gone."""
        stores, tenant_id = self._stores, self._tenant_id
        over = [
            facts.id
            for facts in stores.conversations.list_facts(tenant_id, expired_at=self._now)
            if not self._is_held(facts.owner, facts.id, facts.created_at, facts.updated_at)
        ]
        ending, living = set(over), stores.conversations.list_ids(tenant_id)
        keys = [
            key
            for key in stores.keystore.list_keys(tenant_id, ("conversation", AUDIT_CONVERSATION))
            if _conversation(key) in ending
            or (
                _conversation(key) not in living
                and key.created_at < self._now - _ORPHAN_AGE
                and key.id not in self._held_keys
            )
        ]
        if over or keys:
            self._end_keys("conversations", keys, over)
        self.gone.conversations += len(over)

    def end_sealed(self) -> None:
        """Destroy the keys of days that are over, then what they sealed."""
        stores, tenant_id = self._stores, self._tenant_id
        last = (self._now - self._limits.sealed_days * _DAY).replace(
            hour=0, minute=0, second=0, microsecond=0
        )
        over = [
            key.id
            for key in stores.keystore.list_keys(tenant_id, AUDIT_KINDS)
            if key.day < f"{last:%Y-%m-%d}" and key.id not in self._held_keys
        ]
        for ended in self._ended:
            ended.allow_sealed(last + _LATE)
        listed = stores.audit.reader.list_sealed(tenant_id, over).values()
        places = [place for one in listed for place in one]
        elsewhere = {ended.log_id for ended in self._ended}
        count = sum(place.log not in elsewhere for place in places)
        if count:
            end = stores.audit.reader.find_position_at(tenant_id, last + _LATE)
            target = {"object": "sealed", "end": end, "records": count}
            self._record(target | {"days": self._limits.sealed_days})
        if over:
            destroy(stores, tenant_id, over, ())
        self._drop_unreadable()
        self.gone.sealed += len(places)
        self.gone.keys += len(over)

    def _drop_unreadable(self) -> None:
        """Delete what is sealed under keys that are gone by a record's leave.

        An interruption or a backup left it. Under keys that nobody allowed to go it stays: their
        store may only be the wrong one.
        """
        stores, tenant_id = self._stores, self._tenant_id
        sealing = stores.audit.reader.list_sealing_keys(tenant_id)
        # asked for second: a key that lives was there before anything was sealed under it
        gone = sorted(sealing - stores.keystore.list_ids(tenant_id))
        ends = stores.audit.reader.look(self._find_allowed_ends) if gone else {}
        sealed = stores.audit.reader.list_sealed(tenant_id, gone)
        allowed = [
            key_id
            for key_id, places in sealed.items()
            if key_id in self._named or all(one.seq < ends[one.log] for one in places)
        ]
        stores.audit.delete_sealed(tenant_id, *allowed)

    def _find_allowed_ends(self, store: Store) -> dict[str, int]:
        """Up to where sealed values may go by their time, by the id of the log."""
        logs = [log for log in store.list_all_logs() if log.tenant_id == self._tenant_id]
        return {log.id: find_allowed_end(store, log, "sealed") for log in logs}

    def forget_subjects(self) -> None:
        """Destroy keys of pseudonyms that no sealed value and hardly a record speaks of any more.

        Made longer ago than records are kept, and not used since sealed values are kept.
        """
        keystore, tenant_id = self._stores.keystore, self._tenant_id
        seen = {key.owner for key in keystore.list_keys(tenant_id, (AUDIT_SUBJECT,))}
        limit = self._now - self._limits.audit_days * _DAY
        over = [
            key.id
            for key in keystore.list_keys(tenant_id, ("subject",))
            if key.created_at < limit and key.ref not in seen and key.id not in self._held_keys
        ]
        self.gone.keys += keystore.destroy_keys(tenant_id, over) if over else 0

    def prune_records(self) -> None:
        """Drop bodies of records that are older than the agency's limit and the floor."""
        for ended in self._ended:
            minimum = ended.prune(self._first_held)
            self.gone.ended[ended.log_id] = self.gone.pruned = minimum
        if self._left is None:
            self._prune_living()

    def tell(self) -> None:
        """Record that the limits were applied, also where nothing was over."""
        gone = self.gone
        counts = {
            "CONVERSATIONS": gone.conversations,
            "SEALED": gone.sealed,
            "KEYS": gone.keys,
            "ERASURES": len(gone.erasures),
            "OVERDUE_HOLDS": len(gone.overdue_holds),
        }
        target = {"object": "limits", "first": gone.pruned, "records": sum(counts.values())}
        draft = Draft("retention.ran", outcome="success", target=target, privacy={"counts": counts})
        record(self._stores, self._tenant_id, draft)

    def _prune_living(self) -> None:
        reader, tenant_id = self._stores.audit.reader, self._tenant_id
        try:
            minimum = reader.get_minimum(tenant_id)
        except NotFound:
            return
        free = self._first_held(minimum) // TILE_WIDTH * TILE_WIDTH
        allowed = min(self._find_allowed(), free)
        days = max(self._limits.audit_days, RECORDS_FLOOR_DAYS)
        # the first record that stays is itself old enough: so anybody can see that none was too new
        last_old = reader.find_position_at(tenant_id, self._now - days * _DAY) - 1
        end = min(max(last_old, 0) // TILE_WIDTH * TILE_WIDTH, free)
        if end > max(minimum, allowed):
            self._record({"object": "records", "first": minimum, "end": end, "days": days})
            allowed = end
        if allowed > minimum:
            minimum = self._stores.audit.prune(tenant_id, allowed)
        self.gone.pruned = minimum

    def _find_allowed(self) -> int:
        """How far a record already allows pruning; more than is pruned after an interruption."""
        return max(
            (
                int(data["target"]["end"])
                for data in self._list_records("retention.pruned")
                if data["target"].get("object") == "records"
            ),
            default=0,
        )

    def _first_held(self, minimum: int, log_id: str = "") -> int:
        """The first position that a hold reaches; far beyond the log without holds."""
        reader, first = self._stores.audit.reader, 2**53
        for hold in self._holds:
            begin = hold.from_time if hold.kind == "range" else self._begin_of(hold)
            held = reader.find_position_at(self._tenant_id, begin, log_id) if begin else minimum
            first = min(first, held)
        return first

    def _begin_of(self, hold: Hold) -> datetime | None:
        """When the held person or conversation first appeared; None for everything."""
        kinds = {
            "person": ("subject", AUDIT_SUBJECT),
            "conversation": ("conversation", AUDIT_CONVERSATION),
        }.get(hold.kind)
        if kinds is None:
            return None
        keys = self._stores.keystore.list_keys(self._tenant_id, kinds, hold.ref)
        return min([hold.placed_at, *(key.created_at for key in keys)])

    def _list_held_keys(self) -> frozenset[str]:
        """Keys that a hold protects, those of the requests of held persons included."""
        held: set[str] = set()
        keystore, tenant_id = self._stores.keystore, self._tenant_id
        for hold in self._holds:
            if hold.kind in ("person", "conversation"):
                wanted = Wanted("person" if hold.kind == "person" else "conversation", hold.ref)
                try:
                    held.update(key.id for key in find(self._stores, tenant_id, wanted).keys)
                except NotFound:  # gone before the hold came
                    continue
        kinds = (*AUDIT_KINDS, "conversation", "subject")
        timed = [hold for hold in self._holds if hold.kind in ("case", "range")]
        for key in keystore.list_keys(tenant_id, kinds) if timed else ():
            begun = _begun(key)
            ended = begun + _DAY + _LATE if key.kind in AUDIT_KINDS else self._now
            if any(hold.covers_time(begun, ended) for hold in timed):
                held.add(key.id)
        return frozenset(held)

    def _is_held(self, owner: str, conversation_id: str, begun: datetime, ended: datetime) -> bool:
        extent = Extent(frozenset({owner}), frozenset({conversation_id}), begun, ended)
        return bool(find_blocking(self._holds, extent))

    def _end_keys(self, what: str, keys: Sequence[KeyFacts], conversations: Sequence[str]) -> None:
        stores, tenant_id = self._stores, self._tenant_id
        key_ids = [key.id for key in keys]
        for number, part in enumerate([*split(key_ids)] or [[]]):
            target: dict[str, Any] = {"object": what, "keys": part}
            if number == 0:
                target["records"] = len(conversations)
            self._record(target)
        allow_keys(stores, tenant_id, key_ids, what)
        destroy(stores, tenant_id, key_ids, conversations)
        self.gone.keys += len(key_ids)

    def _record(self, target: dict[str, Any]) -> None:
        draft = Draft("retention.pruned", outcome="success", target=target)
        record(self._stores, self._tenant_id, draft)

    def _list_records(self, *kinds: str) -> list[Any]:
        """What records of these kinds say, newest first."""
        found, before = [], None
        while page := self._stores.audit.reader.list_records(
            self._tenant_id, limit=1000, before=before, kinds=kinds
        ):
            found += [one.data for one in page]
            before = page[-1].seq
        return found


def _conversation(key: KeyFacts) -> str:
    return key.owner if key.kind == AUDIT_CONVERSATION else key.ref


def _begun(key: KeyFacts) -> datetime:
    if key.kind in AUDIT_KINDS:
        return datetime.fromisoformat(key.day).replace(tzinfo=UTC)
    return key.created_at
