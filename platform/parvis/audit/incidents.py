"""Incidents: what the house itself finds wrong, and what operators open and close.

An incident is two records: `incident.opened` and, once somebody has dealt with it,
`incident.closed` with the same `target.object`. Nothing stops because of an incident: what has to
stop stops by itself.
"""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

import orjson

from parvis.audit.events import PLATFORM, SYSTEM, Actor, Draft, clean_word
from parvis.audit.reader import AuditReader
from parvis.audit.rows import Range
from parvis.audit.store import Store

_PAGE = 500
# what is found again and again is one incident
_IDS = uuid.UUID("0d5b7b52-6f7e-5a0e-9f0e-1f8c1f0f6a3b")

Finder = Literal["writer", "fsck", "reconcile", "anchors", "operator"]
FOUND = {
    "log_stopped": "a log is not what was signed, and takes nothing until somebody decided",
    "stranger": "a process of another user knocked at the writer's door",
    "wrong_door": "a worker asked the writer for what only operators may",
    "garbled": "what came to the writer was not what workers send, or not all of it",
    "faults_found": "`parvis audit fsck` found a log that is not sound",
    "calls_without_intent": "a model server was called past the logs",
    "witness_contradicts": "a witness signed another history of the log",
}
"""What the house finds by itself, by the reason that its records name."""


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident as its log tells it; `closed` is None while it is open."""

    id: str
    reason: str
    found_by: str
    tenant: str
    opened: datetime
    closed: datetime | None = None


def describe_found(
    reason: str,
    found_by: Finder,
    *,
    tenant: str = "",
    log: str = "",
    once: str = "",
    closed: Collection[str] = (),
    count: int = 0,
) -> Draft:
    """The record, for the platform log, of what the house found; `once` tells the same again.

    With the same reason and `once` (any text, never told) it is written once, however often it is
    found, until that incident is among those `closed` (see `list_closed`): then it is another one.
    `count` says how many faults there were.
    """
    draft = Draft("incident.opened", SYSTEM, outcome="success", reason=reason)
    if once:
        draft = replace(draft, id=_find_free(str(uuid.uuid5(_IDS, f"{reason}/{once}")), closed))
    target = {"object": _name(draft.id), "view": found_by, "tenant": clean_word(tenant), "log": log}
    return replace(draft, target={**target, "records": count or None})


def describe_opened(actor: Actor, reason: str, note: str) -> Draft:
    """The record that somebody opens an incident; the note is sealed under their own key."""
    draft = Draft("incident.opened", actor, outcome="success", reason=reason)
    target = {"object": _name(draft.id), "view": "operator"}
    return replace(draft, target=target, sealed={"note": note.encode()} if note else {})


def describe_closed(actor: Actor, incident_id: str, note: str) -> Draft:
    """The record that somebody has dealt with it."""
    target = {"object": incident_id, "view": "operator"}
    sealed = {"note": note.encode()} if note else {}
    return Draft("incident.closed", actor, outcome="success", target=target, sealed=sealed)


def _name(record_id: str) -> str:
    return f"i-{record_id[-12:]}"


def _find_free(record_id: str, closed: Collection[str]) -> str:
    while _name(record_id) in closed:
        record_id = str(uuid.uuid5(_IDS, record_id))
    return record_id


def list_closed(store: Store) -> frozenset[str]:
    """The names of the incidents of the platform log that somebody closed."""
    log = store.find_log(PLATFORM)
    head = store.find_head(log.no) if log else None
    if log is None or head is None:
        return frozenset()
    found: set[str] = set()
    first = store.find_minimum(log.no)
    kinds = ("incident.closed",)
    while rows := store.list_records(log.no, Range(first, head.size, kinds=kinds), limit=_PAGE):
        found.update(str(orjson.loads(row.leaf)["target"].get("object", "")) for row in rows)
        first = rows[-1].seq + 1
    return frozenset(found)


def list_incidents(reader: AuditReader, tenant_id: str) -> Sequence[Incident]:
    """The incidents that this log tells of, oldest first. Raises NotFound."""
    found: dict[str, Incident] = {}
    closed: dict[str, datetime] = {}
    before = None
    kinds = ("incident.opened", "incident.closed")
    while page := reader.list_records(tenant_id, limit=_PAGE, before=before, kinds=kinds):
        for record in page:
            target = record.data["target"]
            name = str(target.get("object", ""))
            if record.data["kind"] == "incident.closed":
                closed.setdefault(name, record.time)
                continue
            found[name] = Incident(
                name,
                str(record.data.get("reason", "")),
                str(target.get("view", "")),
                str(target.get("tenant", "")),
                record.time,
                closed.get(name),
            )
        before = page[-1].seq
    return list(found.values())[::-1]
