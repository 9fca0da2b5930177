"""Placing and lifting holds, each on record.

A hold counts from the moment its row is there, even when its record then cannot be written: what
is held stays held, and the command says so; that record is then written by the next daily run, or
when the hold is lifted. It is lifted only after its record.
"""

import re
import uuid
from datetime import UTC, datetime

from parvis.audit.events import Actor, Draft
from parvis.compliance.grounds import HOLD_REASONS
from parvis.compliance.holds import Hold, HoldKind
from parvis.errors import AuditUnavailable, InvalidRequest, NotFound
from parvis.subjects.agencies import get_kept, record
from parvis.subjects.find import Wanted, find
from parvis.subjects.operators import name_again
from parvis.subjects.owed import find_unrecorded
from parvis.subjects.stores import Stores

_IDS = uuid.UUID("0d1c6c3e-7c0b-4a44-8a55-5d3f0c1c9be2")
CASE = re.compile(r"[A-Za-z0-9._/-]{1,100}", re.ASCII)


class HoldUnrecorded(AuditUnavailable):
    """The hold is in force, and its record is owed."""

    default_code = "hold_unrecorded"
    words = (
        "The hold is in force. Its record could not be written just now: the next "
        "`parvis retention run` writes it. Do not place it again."
    )
    default_retry_s = None


def place_hold(
    stores: Stores,
    tenant_id: str,
    kind: HoldKind,
    ref: str,
    *,
    reason: str,
    until: datetime,
    actor: Actor,
    case_word: str = "",
    period: tuple[datetime, datetime] | None = None,
) -> Hold:
    """A hold that counts from now on; `actor` owns it.

    Raises InvalidRequest, NotFound for a conversation that is not kept: a wrong identifier would
    hold nothing, and nobody would notice. A person may be held before anything is kept of them.
    Raises HoldUnrecorded where the hold is in force and its record could not be written.
    """
    get_kept(stores, tenant_id)
    if reason not in HOLD_REASONS:
        raise InvalidRequest("the reason is one of " + ", ".join(HOLD_REASONS))
    if case_word and not CASE.fullmatch(case_word):
        raise InvalidRequest("a case is a word of A-Z a-z 0-9 . _ / -, never a person's name")
    if until <= datetime.now(UTC):
        raise InvalidRequest("a hold ends in the future")
    if period and not period[0] < period[1]:
        raise InvalidRequest("a period begins before it ends")
    if kind == "conversation":
        find(stores, tenant_id, Wanted(kind, ref))
    hold = stores.compliance.add_hold(
        tenant_id,
        kind,
        ref,
        reason=reason,
        owner=actor.subject,
        until=until,
        case_word=case_word,
        period=period,
    )
    try:
        _record(stores, hold, "hold.placed", actor)
    except AuditUnavailable as error:
        raise HoldUnrecorded from error
    return hold


def find_unrecorded_holds(stores: Stores, tenant_id: str) -> list[Hold]:
    """The holds in force that no record tells of."""
    holds = stores.compliance.list_holds(tenant_id)
    placed = {hold.id: hold.placed_at for hold in holds}
    owed = find_unrecorded(stores, tenant_id, "hold.placed", placed)
    return [hold for hold in holds if hold.id in owed]


def record_holds(stores: Stores, tenant_id: str) -> list[str]:
    """Write what is owed; the ids of the holds that are now on record."""
    owed = find_unrecorded_holds(stores, tenant_id)
    for hold in owed:
        _record(stores, hold, "hold.placed", name_again(hold.owner))
    return [hold.id for hold in owed]


def lift_hold(stores: Stores, tenant_id: str, hold_id: str, *, actor: Actor) -> Hold:
    """The hold, lifted; raises NotFound."""
    found = [hold for hold in stores.compliance.list_holds(tenant_id) if hold.id == hold_id]
    if not found:
        raise NotFound("There is no such hold, or it was lifted already.")
    _record(stores, found[0], "hold.placed", name_again(found[0].owner))  # where it is missing
    _record(stores, found[0], "hold.lifted", actor)
    return stores.compliance.lift_hold(tenant_id, hold_id)


def _record(stores: Stores, hold: Hold, kind: str, actor: Actor) -> None:
    """The case's word may point at somebody: it is sealed. A person is never named."""
    target = {
        "object": hold.id,
        "view": hold.kind,
        "conversation": hold.ref if hold.kind == "conversation" else None,
        "from": _moment(hold.from_time),
        "to": _moment(hold.to_time),
    }
    draft = Draft(
        kind,
        actor,
        id=str(uuid.uuid5(_IDS, f"{hold.id}/{kind}")),
        outcome="success",
        reason=hold.reason,
        target=target,
        change={"ground": hold.ground, "after": f"{hold.until:%Y-%m-%d}"},
        sealed={"note": hold.case_word.encode()} if hold.case_word else {},
    )
    record(stores, hold.tenant_id, draft)


def _moment(moment: datetime | None) -> str | None:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z" if moment else None
