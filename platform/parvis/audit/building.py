"""Records as the process that acts builds them: who acts, when it was seen, values sealed.

Which fields a draft may have is `events.py`'s business; positions and times are the writer's.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from parvis.audit import events
from parvis.audit.entries import Entry, format_time, now_us
from parvis.audit.events import Actor, Draft, KeyRef
from parvis.audit.rows import LogRow
from parvis.audit.sealing import SealedValue, pseudonym, seal_value
from parvis.keystore import DataKey, KeyStore, day_ref


def build_entry(keystore: KeyStore, log: LogRow, draft: Draft, body: dict[str, Any]) -> Entry:
    """The record of `draft` for this log; `body` is `events.build_body`'s, and is completed.

    Raises ValueError for sealed values without a key, SealBroken, OSError.
    """
    seen = format_time(now_us())
    keys = _open_keys(keystore, log.tenant_id, draft, seen[:10])
    body["seen"] = seen
    body["actor"] = _actor_block(draft.actor, keys.get("pseudonym"), seen[:7])
    sealed = _seal(keys, log.id, draft)
    if sealed:
        body["seal"] = {value.name: value.entry for value in sealed}
    return Entry(log.tenant_id, body, sealed, log_id=log.id)


def _open_keys(keystore: KeyStore, tenant_id: str, draft: Draft, day: str) -> dict[str, DataKey]:
    """The keys that the record needs, by what they are for."""
    subject = draft.actor.subject
    own = KeyRef("subject", subject) if subject else None
    content = (draft.seal_key or own) if draft.sealed else None
    if draft.sealed and (content is None or "user" in draft.sealed):
        raise ValueError("audit: sealed values need a key, and `user` is set by the log")
    wanted: dict[str, tuple[str, str]] = {}
    if own is not None:
        wanted["pseudonym"] = own
        if draft.actor.type == "person":
            wanted["user"] = ("audit-subject", day_ref(day, subject))
    if content is not None and content.kind != "request":
        wanted["content"] = (f"audit-{content.kind}", day_ref(day, content.ref))
    found = keystore.get_keys(tenant_id, list(wanted.values())) if wanted else []
    keys = dict(zip(wanted, found, strict=True))
    if content is not None and content.kind == "request":
        keys["content"] = keystore.take_request_key(tenant_id, day)
    return keys


def _seal(keys: Mapping[str, DataKey], log_id: str, draft: Draft) -> list[SealedValue]:
    sealed = []
    if "user" in keys:
        subject = draft.actor.subject.encode()
        sealed.append(seal_value(keys["user"], log_id, draft.id, "user", subject))
    for name, value in draft.sealed.items():
        sealed.append(seal_value(keys["content"], log_id, draft.id, name, value))
    return sealed


def build_actor(keystore: KeyStore, tenant_id: str, actor: Actor) -> dict[str, Any]:
    """Who acts, as records of this agency's log name them this month."""
    month = format_time(now_us())[:7]
    own_key = keystore.get_key(tenant_id, "subject", actor.subject) if actor.subject else None
    return _actor_block(actor, own_key, month)


def build_acts(
    keystore: KeyStore, tenants: Sequence[str], actor: Actor, reviewer: Actor
) -> dict[str, dict[str, Any]]:
    """Two people, as the logs of these agencies and the platform's name them."""
    return {
        one: {
            "actor": build_actor(keystore, one, actor),
            "reviewer": build_actor(keystore, one, reviewer),
        }
        for one in {*tenants, events.PLATFORM}
    }


def _actor_block(actor: Actor, own_key: DataKey | None, month: str) -> dict[str, Any]:
    block = _check_actor(actor.type, tuple(actor.roles), actor.assurance, actor.client)
    return block if own_key is None else block | {"pid": pseudonym(own_key, month)}


@lru_cache(1024)  # few roles and clients, and nobody's name: the same block again and again
def _check_actor(kind: str, roles: tuple[str, ...], assurance: str, client: str) -> dict[str, Any]:
    block = {"type": kind, "roles": list(roles), "assurance": assurance, "client": client}
    return events.check_block("actor", block)
