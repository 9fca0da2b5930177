"""A record of the log as an event of the Open Cybersecurity Schema Framework (schema.ocsf.io).

By the tables of `feed_mapping.py`. Only fields that the format knows pass, never `seal`: no
content, no commitment; a person is the pseudonym of the month. What OCSF has no place for stands
under `unmapped.parvis`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from parvis import __version__
from parvis.audit import feed_mapping as table
from parvis.audit.feed_mapping import API, AUTHENTICATION, COMPLIANCE, DETECTION, ENTITY, EVENT_LOG
from parvis.audit.kinds import BLOCKS

Json = dict[str, Any]

_TOP = ("v", "id", "log", "seq", "seen", "kind", "phase", "outcome", "re", "reason")
_BAD = frozenset({"denied", "failed", "unknown"})
_PASS, _FAIL = (1, "Pass"), (3, "Fail")


class Unmapped(Exception):
    """The table has no row for a record's kind."""


def find_severity(record: Mapping[str, Any]) -> str:
    """How grave a record is, for OCSF, syslog and a feed's minimum. Raises Unmapped."""
    severity = _get_row(record).severity
    if severity == "informational" and record.get("outcome") in _BAD:
        return "low"
    return severity


def pick_fields(record: Mapping[str, Any]) -> Json:
    """The fields of a record that may leave, by name (`target.assistant`); never sealed ones."""
    found = {name: record[name] for name in _TOP if name in record}
    for block, fields in BLOCKS.items():
        values = record.get(block, {})
        found |= {f"{block}.{name}": values[name] for name in fields if name in values}
    return found


def map_record(record: Mapping[str, Any], tenant_id: str) -> Json:
    """The event that a record is. Raises Unmapped."""
    row = _get_row(record)
    left = pick_fields(record)
    event = _classify(record, row)
    event["metadata"] = _describe(row, tenant_id)
    for moved in table.FIELDS:
        if moved.ours in left and (not moved.classes or row.class_uid in moved.classes):
            _put(event, moved.theirs, _fit(moved.ours, left[moved.ours]))
    placed = {m.ours for m in table.FIELDS if not m.classes or row.class_uid in m.classes}
    _add_actor(event, row, left)
    _add_decision(event, left)
    _ADD[row.class_uid](event, record, left)
    rest = {name: value for name, value in left.items() if name not in placed}
    if rest:
        event["unmapped"] = {"parvis": _nest(rest)}
    return event


def format_line(event: Mapping[str, Any]) -> bytes:
    """One line of JSON Lines, without its end."""
    return orjson.dumps(event, option=orjson.OPT_SORT_KEYS)


def _get_row(record: Mapping[str, Any]) -> table.Mapped:
    row = table.KINDS.get(record["kind"])
    if row is None:
        raise Unmapped("the mapping has no row for a kind of record: this program is too old")
    return row


def _classify(record: Mapping[str, Any], row: table.Mapped) -> Json:
    event_class = table.CLASSES[row.class_uid]
    severity = find_severity(record)
    kind, outcome = record["kind"], record.get("outcome")
    status_id, status = table.STATUSES[outcome]
    return {
        "activity_id": row.activity,
        "activity_name": event_class.activities.get(row.activity, kind.partition(".")[2]),
        "category_uid": event_class.category,
        "category_name": event_class.category_name,
        "class_uid": row.class_uid,
        "class_name": event_class.name,
        "type_uid": row.class_uid * 100 + row.activity,
        "severity_id": table.SEVERITIES.index(severity) + 1,
        "severity": severity.capitalize(),
        "status_id": status_id,
        "status": status,
        "time": _milliseconds(record["time"]),
        "message": f"{kind} {outcome or record['phase']}",
    }


def _describe(row: table.Mapped, tenant_id: str) -> Json:
    metadata: Json = {
        "version": table.OCSF_VERSION,
        "product": {"name": "Parvis", "vendor_name": "Parvis", "version": __version__},
        "tenant_uid": tenant_id,
        "log_provider": "parvis",
        "labels": [f"parvis-mapping:{table.MAPPING}"],
    }
    if row.class_uid in table.PROFILES:
        metadata["profiles"] = list(table.PROFILES[row.class_uid])
    return metadata


def _milliseconds(text: str) -> int:
    moment = datetime.fromisoformat(text)
    return int(moment.timestamp()) * 1000 + moment.microsecond // 1000


def _fit(ours: str, value: Any) -> Any:
    return str(value) if ours == "v" else value


def _put(event: Json, path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for parent in parents:
        event = event.setdefault(parent, {})
    event[last] = value


def _nest(flat: Mapping[str, Any]) -> Json:
    nested: Json = {}
    for path, value in flat.items():
        _put(nested, path, value)
    return nested


def _add_actor(event: Json, row: table.Mapped, left: Json) -> None:
    actor = event.setdefault("actor", {})
    kind = left.pop("actor.type", "unknown")
    roles = left.pop("actor.roles", [])
    user = actor.setdefault("user", {})
    if "uid" not in user:
        user["name"] = "parvis" if kind == "system" else "unknown"
    user["type_id"] = table.USER_TYPES[kind]
    if roles:
        user["groups"] = [{"name": role, "type": "role"} for role in roles]
    if row.class_uid == AUTHENTICATION:
        event["user"] = user


def _add_decision(event: Json, left: Json) -> None:
    decision, digest = left.pop("policy.decision", None), left.pop("policy.digest", None)
    if decision or digest:
        found: Json = {"policy": {"uid": digest}} if digest else {}
        event["authorizations"] = [found | ({"decision": decision} if decision else {})]
        event["metadata"].setdefault("profiles", []).append("security_control")
        if decision:
            event["action_id"], event["action"] = table.ACTIONS[decision]


def _add_call(event: Json, record: Mapping[str, Any], left: Json) -> None:
    event["api"] = {"operation": record["kind"], "service": {"name": "parvis"}}
    request = left.get("http.request")
    if request:
        event["api"]["request"] = {"uid": request}
    if code := left.pop("http.code", None):
        event["api"]["response"] = {"error": code}
    event["metadata"].setdefault("correlation_uid", record["id"])
    client = left.get("actor.client") or left.get("target.channel") or "parvis"
    event["src_endpoint"] = {"name": client}
    _add_model(event, left)
    _add_message(event, left)
    resources = _list_resources(left)
    if resources:
        event["resources"] = resources


def _add_model(event: Json, left: Json) -> None:
    """OCSF wants a model's name and provider; before it answers, the name is what was asked."""
    asked = left.get("model.asked")
    if "ai_model" not in event and asked is None:
        return
    model = event.setdefault("ai_model", {})
    if "name" not in model:
        model["name"] = left.pop("model.asked", None) or "unknown"
    model.setdefault("ai_provider", "unknown")


def _add_message(event: Json, left: Json) -> None:
    """Counts only: the texts of a message never leave."""
    if context := event.get("message_context"):
        context["total_tokens"] = sum(context.values())
        context["ai_role_id"] = 2
        context["service"] = {"name": "parvis"}
        if conversation := left.get("target.conversation"):
            context["uid"] = conversation


def _list_resources(left: Json) -> list[Json]:
    found = []
    if assistant := left.pop("target.assistant", None):
        resource = {"uid": assistant, "type": "assistant"}
        if version := left.pop("target.version", None):
            resource["version"] = version
        found.append(resource)
    if conversation := left.pop("target.conversation", None):
        found.append({"uid": conversation, "type": "conversation"})
    documents = left.pop("target.documents", [])
    return found + [{"uid": document, "type": "document"} for document in documents]


def _add_entity(event: Json, record: Mapping[str, Any], left: Json) -> None:
    word = record["kind"].partition(".")[0]
    named = (left.get(f"target.{name}") for name in ("object", "key", "log", "assistant", "tenant"))
    entity: Json = {"uid": next((name for name in named if name), word)}
    entity["type_id"] = table.ENTITY_TYPES.get(word, table.OTHER)
    event["entity"] = entity | {"type": word}


def _add_log(event: Json, record: Mapping[str, Any], left: Json) -> None:
    event["log_type_id"] = 2


def _add_service(event: Json, record: Mapping[str, Any], left: Json) -> None:
    event["service"] = {"name": "parvis"}


def _add_finding(event: Json, record: Mapping[str, Any], left: Json) -> None:
    """A finding's status is its own life, not how the act went (that is `status_code`)."""
    event["finding_info"] = {"uid": left.get("target.object") or record["id"]}
    event["finding_info"]["title"] = record["kind"]
    closed = record["kind"] == "incident.closed"
    event["status_id"], event["status"] = (4, "Resolved") if closed else (1, "New")
    if record["kind"] == "reconcile.result":
        status_id, status = _PASS if record.get("outcome") == "success" else _FAIL
        event["compliance"] = {"status_id": status_id, "status": status, "control": "reconcile"}


_ADD = {
    API: _add_call,
    ENTITY: _add_entity,
    EVENT_LOG: _add_log,
    AUTHENTICATION: _add_service,
    COMPLIANCE: _add_finding,
    DETECTION: _add_finding,
}
