"""Erasing what is kept of a person, a conversation or a request (GDPR Art. 17).

One person asks, another confirms. What is to go is written down, in the database and as a record,
before the first key is destroyed, so that whoever finds the erasure half done can finish it.
Destroying the keys is what erases, in every copy; the rows go after them.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from parvis.audit.events import Actor, Draft
from parvis.compliance.grounds import ERASURE_GROUNDS, OWN
from parvis.compliance.holds import Held, require_free
from parvis.compliance.store import Erasure
from parvis.db import wipe_deleted
from parvis.domain import Principal
from parvis.errors import AuditUnavailable, Conflict, InvalidRequest, NotFound
from parvis.identity.session_states import EndedSession
from parvis.identity.sessions import forget_person, list_session_refs
from parvis.session_ends import describe_end
from parvis.subjects.agencies import allow_keys, get_kept, record, split
from parvis.subjects.find import Found, Wanted, find
from parvis.subjects.operators import name_again
from parvis.subjects.owed import find_unrecorded
from parvis.subjects.stores import Stores

_IDS = uuid.UUID("3d1b5a52-3a64-4a55-9a5e-6d3f54f6a9a1")


class RequestUnrecorded(AuditUnavailable):
    """The request stands, and its record is owed: confirming it writes it."""

    default_code = "erasure_unrecorded"
    words = (
        "The request stands. Its record could not be written just now: it is written when "
        "another person confirms the erasure. Do not ask for it again."
    )
    default_retry_s = None


@dataclass(frozen=True, slots=True)
class Done:
    """What was erased. `complete_on`: from then on no backup can open it either."""

    erasure_id: str
    counts: dict[str, int]
    complete_on: datetime
    receipt: str


def request_erasure(
    stores: Stores, tenant_id: str, wanted: Wanted, *, ground: str, actor: Actor
) -> Erasure:
    """Ask for an erasure; nothing goes before somebody else confirms it.

    Raises InvalidRequest (ground), NotFound (nothing is kept), Conflict (asked for already),
    RequestUnrecorded (it stands, and its record could not be written).
    """
    if ground not in ERASURE_GROUNDS:
        raise InvalidRequest("the ground is one of " + ", ".join(ERASURE_GROUNDS))
    if find(stores, tenant_id, wanted).is_empty:
        raise NotFound("Nothing is kept of them: there is nothing to erase.")
    erasure = stores.compliance.add_erasure(
        tenant_id, wanted.kind, wanted.ref, ground=ground, requested_by=actor.subject
    )
    try:
        _record(stores, erasure, "erasure.requested", actor, target={"view": wanted.kind})
    except AuditUnavailable as error:
        raise RequestUnrecorded from error
    return erasure


def find_unrecorded_requests(stores: Stores, tenant_id: str) -> frozenset[str]:
    """The ids of requests that wait for a second person and that no record tells of."""
    asked = {
        one.id: one.requested_at
        for one in stores.compliance.list_erasures(tenant_id)
        if one.status == "requested"
    }
    return find_unrecorded(stores, tenant_id, "erasure.requested", asked)


def confirm_erasure(stores: Stores, tenant_id: str, erasure_id: str, *, actor: Actor) -> Done:
    """Erase what was asked for, confirmed by another person than who asked.

    Raises Conflict (the same person; done already), Held (a hold forbids it: it is then carried out
    by `parvis retention run` once the hold is lifted).
    """
    erasure = stores.compliance.get_erasure(tenant_id, erasure_id)
    if erasure.status == "done":
        raise Conflict("This erasure is done already.")
    if erasure.requested_by == actor.subject:
        raise Conflict("Who asked for an erasure cannot confirm it: another person must.")
    if erasure.status == "requested":
        # a request whose record was not written is no request: this writes it where it is missing
        asker = name_again(erasure.requested_by)
        _record(stores, erasure, "erasure.requested", asker, target={"view": erasure.kind})
    if erasure.status != "confirmed":
        erasure = _confirm(stores, erasure, actor)
    return _carry_out(stores, erasure)


def resume_erasures(stores: Stores, tenant_id: str) -> list[Done]:
    """Finish what was confirmed and not carried out: interrupted, or held until now."""
    done = []
    for erasure in stores.compliance.list_erasures(tenant_id):
        try:
            if erasure.status == "confirmed":
                done.append(_carry_out(stores, erasure))
            elif erasure.status == "held":
                free = _confirm(stores, erasure, _confirmer(erasure))
                done.append(_carry_out(stores, free))
        except Held:
            continue
    return done


def erase_own_conversation(stores: Stores, principal: Principal, conversation_id: str) -> None:
    """Erase a conversation at its owner's wish. Raises NotFound, Held, AuditUnavailable."""
    stores.conversations.get_conversation(principal, conversation_id)
    tenant_id, actor = principal.tenant_id, Actor.of(principal)
    found = find(stores, tenant_id, Wanted("conversation", conversation_id))
    require_free(stores.compliance.list_holds(tenant_id), found.extent)
    key_ids = [key.id for key in found.keys]
    for part in split(key_ids):
        target = {"object": conversation_id, "keys": part}
        record(stores, tenant_id, Draft("erasure.confirmed", actor, reason=OWN, target=target))
    allow_keys(stores, tenant_id, key_ids, "erasure")
    destroy(stores, tenant_id, key_ids, [conversation_id])
    done = Draft(
        "erasure.done",
        actor,
        outcome="success",
        reason=OWN,
        target={"object": conversation_id, "to": _moment(_complete_on(stores))},
        privacy={"counts": _counts(found)},
    )
    record(stores, tenant_id, done)


def destroy(
    stores: Stores, tenant_id: str, key_ids: Sequence[str], conversation_ids: Sequence[str]
) -> None:
    """Destroy keys, then the rows that nobody can open any more. May be repeated at will."""
    stores.keystore.destroy_keys(tenant_id, key_ids)
    stores.audit.delete_sealed(tenant_id, *stores.audit.reader.list_sealed(tenant_id, key_ids))
    stores.conversations.delete_conversations(tenant_id, conversation_ids)
    wipe_deleted(stores.engine)


def _confirm(stores: Stores, erasure: Erasure, actor: Actor) -> Erasure:
    """The erasure with its extent fixed; under a hold it is refused, on record, and waits."""
    tenant_id = erasure.tenant_id
    found = find(stores, tenant_id, Wanted(erasure.kind, erasure.ref))
    try:
        require_free(stores.compliance.list_holds(tenant_id), found.extent)
    except Held as held:
        if erasure.status != "held":
            _refuse(stores, erasure, actor, held)
        raise
    scope = {
        "keys": [key.id for key in found.keys],
        "conversations": [facts.id for facts in found.conversations],
        "counts": _counts(found),
    }
    return stores.compliance.advance_erasure(
        erasure, "confirmed", scope=scope, confirmed_by=actor.subject
    )


def _refuse(stores: Stores, erasure: Erasure, actor: Actor, held: Held) -> None:
    stores.compliance.advance_erasure(erasure, "held", confirmed_by=actor.subject)
    _record(
        stores,
        erasure,
        "erasure.refused",
        actor,
        reason="hold",
        target={"to": _moment(held.until), "documents": [hold.id for hold in held.holds][:64]},
        ground=held.ground,
    )


def _carry_out(stores: Stores, erasure: Erasure) -> Done:
    actor, scope, tenant_id = _confirmer(erasure), erasure.scope, erasure.tenant_id
    for number, part in enumerate(split(scope["keys"])):
        target = {"keys": part, "seq": number}
        _record(stores, erasure, "erasure.confirmed", actor, target=target, number=number)
    allow_keys(stores, tenant_id, scope["keys"], "erasure")
    destroy(stores, tenant_id, scope["keys"], scope["conversations"])
    if erasure.kind == "person":
        _end_sessions(stores, tenant_id, erasure.ref)
        wipe_deleted(stores.engine)
    complete_on = _complete_on(stores)
    receipt = _record(
        stores,
        erasure,
        "erasure.done",
        actor,
        outcome="success",
        target={"to": _moment(complete_on), "records": scope["counts"]["SEALED"]},
        privacy={"counts": scope["counts"]},
    )
    stores.compliance.advance_erasure(erasure, "done")
    return Done(erasure.id, scope["counts"], complete_on, receipt)


def _end_sessions(stores: Stores, tenant_id: str, subject: str) -> None:
    for ref in list_session_refs(stores.engine, tenant_id, subject):
        record(stores, tenant_id, describe_end(EndedSession(tenant_id, ref, "erased")))
    forget_person(stores.engine, stores.keystore, tenant_id, subject)


def _confirmer(erasure: Erasure) -> Actor:
    """Who confirmed it, also where another command finishes the work."""
    return name_again(erasure.confirmed_by)


def _record(
    stores: Stores,
    erasure: Erasure,
    kind: str,
    actor: Actor,
    *,
    target: dict[str, Any],
    number: int = 0,
    ground: str | None = None,
    **values: Any,
) -> str:
    """The receipt of a record of this erasure; written once however often it is tried."""
    draft = Draft(
        kind,
        actor,
        id=str(uuid.uuid5(_IDS, f"{erasure.id}/{kind}/{number}")),
        target={"object": erasure.id, **target},
        change={"ground": ground or erasure.ground},
        **values,
    )
    return record(stores, erasure.tenant_id, draft).text


def _counts(found: Found) -> dict[str, int]:
    return {
        "CONVERSATIONS": len(found.conversations),
        "TURNS": sum(facts.turns for facts in found.conversations),
        "KEYS": len(found.keys),
        "SEALED": found.values,
        "SESSIONS": found.sessions,
    }


def _complete_on(stores: Stores) -> datetime:
    return datetime.now(UTC) + timedelta(days=stores.settings.keys_backup_days)


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


def describe_done(stores: Stores, tenant_id: str, done: Done) -> dict[str, Any]:
    """The receipt that the person gets: what went, what stays, why, and for how long."""
    days = get_kept(stores, tenant_id).audit_days
    return {
        "erasure": done.erasure_id,
        "tenant": tenant_id,
        "erased": done.counts,
        "complete_on": done.complete_on.date().isoformat(),
        "stays": {
            "what": "records of the audit log without content: times, rules, models, counts, "
            "and pseudonyms that nobody can resolve any more",
            "days": days,
            "ground": "gdpr-17.3.b",
        },
        "receipt": done.receipt,
    }
