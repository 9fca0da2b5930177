"""What is kept of a person, of one conversation, or beside the record of one receipt.

Keys lead to it: a person's and a conversation's keys name everything that is sealed for them, a
record names the keys of its own values. No text is opened and none is searched.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from parvis.audit.events import Actor, Draft
from parvis.audit.readings import AuditRecord, SealedPlace
from parvis.audit.sealing import pseudonym
from parvis.compliance.holds import Extent, find_blocking
from parvis.compliance.store import ErasureKind
from parvis.conversations.store import ConversationFacts
from parvis.errors import Conflict, NotFound
from parvis.identity.sessions import list_session_refs
from parvis.keystore import AUDIT_CONVERSATION, AUDIT_KINDS, AUDIT_REQUEST, AUDIT_SUBJECT, KeyFacts
from parvis.subjects.agencies import get_kept, record
from parvis.subjects.stores import Stores

_SUBJECT = "subject"
_CONVERSATION = "conversation"
_PAGE = 500


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose data: a person's subject in the agency's realm, a conversation's id, or a receipt."""

    kind: ErasureKind
    ref: str


@dataclass(frozen=True, slots=True)
class Found:
    """Everything that would be erased; `sealed` lists what is kept under each audit key."""

    wanted: Wanted
    conversations: tuple[ConversationFacts, ...]
    keys: tuple[KeyFacts, ...]
    sealed: dict[str, list[SealedPlace]]
    sessions: int
    extent: Extent

    @property
    def is_empty(self) -> bool:
        """True when nothing is kept."""
        return not (self.conversations or self.keys or self.sessions)

    @property
    def values(self) -> int:
        """How many sealed values are kept beside the log."""
        return sum(len(places) for places in self.sealed.values())


class BelongsToConversation(Conflict):
    """The receipt is of a conversation's answer, whose key is the conversation's."""

    def __init__(self, conversation_id: str) -> None:
        super().__init__(f"This receipt belongs to the conversation {conversation_id}: name that.")


def find(stores: Stores, tenant_id: str, wanted: Wanted) -> Found:
    """What is kept; raises NotFound for a receipt or conversation that the agency does not have."""
    get_kept(stores, tenant_id)
    if wanted.kind == "person":
        return _find_person(stores, tenant_id, wanted)
    if wanted.kind == "conversation":
        return _find_conversation(stores, tenant_id, wanted)
    return _find_request(stores, tenant_id, wanted)


def _find_person(stores: Stores, tenant_id: str, wanted: Wanted) -> Found:
    conversations = tuple(stores.conversations.list_facts(tenant_id, owner=wanted.ref))
    keys = stores.keystore.list_keys(tenant_id, (_SUBJECT, AUDIT_SUBJECT), wanted.ref)
    for facts in conversations:
        keys += _conversation_keys(stores, tenant_id, facts.id)
    keys += _request_keys(stores, tenant_id, keys)
    sessions = len(list_session_refs(stores.engine, tenant_id, wanted.ref))
    return _found(stores, tenant_id, wanted, conversations, keys, {wanted.ref}, sessions)


def _find_conversation(stores: Stores, tenant_id: str, wanted: Wanted) -> Found:
    conversations = tuple(stores.conversations.list_facts(tenant_id, conversation_id=wanted.ref))
    keys = _conversation_keys(stores, tenant_id, wanted.ref)
    if not (conversations or keys):
        raise NotFound("There is no such conversation.")
    owners = {facts.owner for facts in conversations}
    return _found(stores, tenant_id, wanted, conversations, keys, owners)


def _find_request(stores: Stores, tenant_id: str, wanted: Wanted) -> Found:
    """The request of a receipt: the keys of its records' values, which serve no other request."""
    records = find_records(stores, tenant_id, wanted.ref)
    named = {entry["k"] for record in records for entry in record.data.get("seal", {}).values()}
    keys = [key for key in stores.keystore.list_keys(tenant_id, AUDIT_KINDS) if key.id in named]
    shared = [key for key in keys if key.kind == AUDIT_CONVERSATION]
    if shared:
        raise BelongsToConversation(shared[0].owner)
    own = [key for key in keys if key.kind == AUDIT_REQUEST]
    persons = {key.owner for key in keys if key.kind == AUDIT_SUBJECT}
    found = _found(stores, tenant_id, wanted, (), own, persons)
    return replace(
        found, extent=replace(found.extent, begun=records[0].time, ended=records[-1].time)
    )


def find_records(stores: Stores, tenant_id: str, receipt: str) -> list[AuditRecord]:
    """The record that a receipt names and, when it began a chat, the one that ended it.

    Raises NotFound, for another agency's receipt too.
    """
    first = stores.audit.reader.find_by_receipt(tenant_id, receipt, ended=True)
    if first is None:
        raise NotFound("no record fits this receipt")
    if first.data["phase"] != "intent":
        return [first]
    after, log_id = first.seq, first.data["log"]
    while page := stores.audit.reader.list_records(
        tenant_id, after=after, limit=_PAGE, log_id=log_id
    ):
        for one in reversed(page):
            if one.data.get("re") == first.data["id"]:
                return [first, one]
        after = page[0].seq
    return [first]


def _conversation_keys(stores: Stores, tenant_id: str, conversation_id: str) -> list[KeyFacts]:
    return stores.keystore.list_keys(
        tenant_id, (_CONVERSATION, AUDIT_CONVERSATION), conversation_id
    )


def _request_keys(stores: Stores, tenant_id: str, own: list[KeyFacts]) -> list[KeyFacts]:
    """Keys of the requests that the person sent by a program: their records name the person."""
    reader = stores.audit.reader
    day_keys = [key.id for key in own if key.kind == AUDIT_SUBJECT]
    places = reader.list_sealed(tenant_id, day_keys)
    named: set[str] = set()
    for seq, log_id in {(place.seq, place.log) for listed in places.values() for place in listed}:
        known = reader.find_record(tenant_id, seq, log_id)
        entries = known.data.get("seal", {}) if known else {}
        named |= {entry["k"] for entry in entries.values()}
    named.difference_update(day_keys)
    if not named:
        return []
    requests = stores.keystore.list_keys(tenant_id, (AUDIT_REQUEST,))
    return [key for key in requests if key.id in named]


def _found(
    stores: Stores,
    tenant_id: str,
    wanted: Wanted,
    conversations: tuple[ConversationFacts, ...],
    keys: list[KeyFacts],
    persons: set[str],
    sessions: int = 0,
) -> Found:
    now = datetime.now(UTC)
    begun = min(
        [key.created_at for key in keys] + [facts.created_at for facts in conversations],
        default=now,
    )
    audit_keys = [key.id for key in keys if key.kind in AUDIT_KINDS]
    held = {facts.id for facts in conversations}
    held |= {key.owner for key in keys if key.kind == AUDIT_CONVERSATION}
    return Found(
        wanted,
        conversations,
        tuple(keys),
        stores.audit.reader.list_sealed(tenant_id, audit_keys),
        sessions,
        Extent(frozenset(persons), frozenset(held), begun, now),
    )


def describe(stores: Stores, tenant_id: str, found: Found) -> dict[str, Any]:
    """The same as plain values for people and scripts; holds no text of anybody."""
    holds = find_blocking(stores.compliance.list_holds(tenant_id), found.extent)
    kept = get_kept(stores, tenant_id)
    sealed = [place for places in found.sealed.values() for place in places]
    return {
        "tenant": tenant_id,
        found.wanted.kind: found.wanted.ref,
        "conversations": [
            {name: _plain(value) for name, value in asdict(facts).items()}
            for facts in found.conversations
        ],
        "sealed": list(_describe_keys(found, kept.sealed_days)),
        "records_with_sealed_values": sorted({place.seq for place in sealed}),
        "logs": sorted({place.log for place in sealed}),
        "pseudonyms": _pseudonyms(stores, tenant_id, found),
        "sessions": found.sessions,
        "records_kept_days": kept.audit_days,
        "holds": [hold.id for hold in holds],
        "key_backups_days": stores.settings.keys_backup_days,
    }


def _describe_keys(found: Found, sealed_days: int) -> Iterator[dict[str, Any]]:
    for key in found.keys:
        if key.kind in AUDIT_KINDS and key.id in found.sealed:
            last = datetime.fromisoformat(key.day) + timedelta(days=sealed_days + 1)
            yield {
                "key": key.id,
                "kind": key.kind,
                "day": key.day,
                "values": len(found.sealed[key.id]),
                "until": last.date().isoformat(),
            }


def _pseudonyms(stores: Stores, tenant_id: str, found: Found) -> dict[str, str]:
    """The person's pseudonym in each month since their key was made."""
    made = next((key.created_at for key in found.keys if key.kind == _SUBJECT), None)
    if found.wanted.kind != "person" or made is None:
        return {}
    key = stores.keystore.find_key(tenant_id, _SUBJECT, found.wanted.ref)
    return {month: pseudonym(key, month) for month in _months(made)} if key else {}


def _months(begin: datetime) -> Iterator[str]:
    now = datetime.now(UTC)
    moment = begin.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    while moment <= now:
        yield f"{moment:%Y-%m}"
        moment = (moment + timedelta(days=32)).replace(day=1)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def record_look(stores: Stores, tenant_id: str, actor: Actor, found: Found, view: str) -> str:
    """Write down that somebody looked for a person's data; the receipt. Raises AuditUnavailable."""
    target = {"view": view, "object": found.wanted.kind, "records": found.values}
    draft = Draft("audit.read", actor, outcome="success", target=target)
    return record(stores, tenant_id, draft).text
