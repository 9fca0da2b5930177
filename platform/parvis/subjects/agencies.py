"""The agencies of which something may be kept: those of this installation, and those that left.

An agency that left has no file and a log that takes no more records: what is done with its data is
recorded in the platform log, which names the log that ended. So is what goes from a log that was
rolled back. Such records hold ids of logs and keys, positions and days, never whose data it is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from parvis.audit import ended_logs
from parvis.audit.ended_logs import EndedLog
from parvis.audit.events import PLATFORM, Draft
from parvis.audit.receipts import Receipt
from parvis.errors import NotFound
from parvis.subjects.stores import Stores
from parvis.tenancy.config import Retention

KEYS_A_RECORD = 64


@dataclass(frozen=True, slots=True)
class Kept:
    """For how many days an agency keeps sealed values and audit records."""

    sealed_days: int
    audit_days: int


def list_agencies(stores: Stores) -> list[str]:
    """Every agency of which something may be kept; those that left behind the others."""
    here = stores.tenants.agencies
    left = stores.audit.reader.look(ended_logs.list_left)
    return [*here, *(one for one in left if one not in here)]


def find_left(stores: Stores, tenant_id: str) -> EndedLog | None:
    """The last log of an agency that left; None for one of this installation."""
    return stores.audit.reader.look(lambda store: ended_logs.find_left(store, tenant_id))


def list_ended(stores: Stores, tenant_id: str) -> list[EndedLog]:
    """The logs of the agency that take no more records, oldest first."""
    return stores.audit.reader.look(lambda store: ended_logs.list_ended(store, tenant_id))


def get_kept(stores: Stores, tenant_id: str) -> Kept:
    """The agency's limits: as its file says, or as they were told when it left.

    Where nobody told them (its log was closed by an older version), those of a file that names
    none. Raises NotFound for what is no agency and never was.
    """
    left, agency = find_left(stores, tenant_id), stores.tenants.agencies.get(tenant_id)
    if left is None or tenant_id == PLATFORM:
        if agency is None:
            raise NotFound("There is no agency of this name.")
        return Kept(agency.retention.sealed_days, agency.retention.audit_days)
    usual = agency.retention if agency else Retention(conversations_days=1)
    return Kept(left.sealed_days or usual.sealed_days, left.audit_days or usual.audit_days)


def record(stores: Stores, tenant_id: str, draft: Draft) -> Receipt:
    """Write a record of what is done with the agency's data where it can be; its receipt."""
    left = find_left(stores, tenant_id)
    if left is not None:
        return record_ended(stores, left, draft)
    return stores.audit.append(tenant_id, draft, stores.settings.audit_wait_s)


def record_ended(stores: Stores, ended: EndedLog, draft: Draft) -> Receipt:
    """Write a record about a log that ended into the platform log; its receipt."""
    told = {name: value for name, value in draft.target.items() if name != "conversation"}
    target = {**told, "log": ended.log.id, "tenant": ended.log.tenant_id}
    named = replace(draft, target=target, privacy={})
    return stores.audit.append(PLATFORM, named, stores.settings.audit_wait_s)


def allow_keys(stores: Stores, tenant_id: str, key_ids: Sequence[str], what: str) -> None:
    """Record for each ended log which of these keys may go that seal values beside it.

    `what` is the act that wants it, as a word. The last log of an agency that left is not among
    them: its own records are in the platform log already (`record`).
    """
    left = find_left(stores, tenant_id)
    others = [one for one in list_ended(stores, tenant_id) if one != left]
    places = stores.audit.reader.list_sealed(tenant_id, key_ids) if others else {}
    for ended in others:
        there = [key for key in places if any(one.log == ended.log.id for one in places[key])]
        for part in split(there):
            target = {"object": what, "keys": part}
            record_ended(stores, ended, Draft("retention.pruned", outcome="success", target=target))


def split(key_ids: Sequence[str]) -> Iterator[list[str]]:
    """Key ids in parts that fit into one record each."""
    for at in range(0, len(key_ids), KEYS_A_RECORD):
        yield list(key_ids[at : at + KEYS_A_RECORD])
