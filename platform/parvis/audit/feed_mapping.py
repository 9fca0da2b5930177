"""What each kind of record is called in OCSF, and where each field goes: tables, no code.

A change of either table is a new `MAPPING` version, which every event names in its labels. A kind
without a row is a fault of this file (a test says so). Who applies them: `ocsf.py`.
"""

from collections.abc import Mapping
from typing import NamedTuple

MAPPING = 2
OCSF_VERSION = "1.8.0"

SEVERITIES = ("informational", "low", "medium", "high", "critical")
EVENT_LOG, COMPLIANCE, DETECTION = 1008, 2003, 2004
AUTHENTICATION, ENTITY, API = 3002, 3004, 6003


class EventClass(NamedTuple):
    """A class of OCSF with the names of the activities that we use."""

    name: str
    category: int
    category_name: str
    activities: Mapping[int, str]


_FINDING = {1: "Create", 2: "Update", 3: "Close"}
OTHER = 99

CLASSES: Mapping[int, EventClass] = {
    EVENT_LOG: EventClass(
        "Event Log Activity",
        1,
        "System Activity",
        {2: "Delete", 3: "Export", 5: "Rotate", 6: "Start", 7: "Stop", 9: "Enable"},
    ),
    COMPLIANCE: EventClass("Compliance Finding", 2, "Findings", _FINDING),
    DETECTION: EventClass("Detection Finding", 2, "Findings", _FINDING),
    AUTHENTICATION: EventClass(
        "Authentication", 3, "Identity & Access Management", {1: "Logon", 2: "Logoff"}
    ),
    ENTITY: EventClass(
        "Entity Management",
        3,
        "Identity & Access Management",
        {1: "Create", 2: "Read", 3: "Update", 4: "Delete", 8: "Enable", 9: "Disable"},
    ),
    API: EventClass(
        "API Activity",
        6,
        "Application Activity",
        {1: "Create", 2: "Read", 3: "Update", 4: "Delete"},
    ),
}

# a record with a decision carries `security_control` too
PROFILES: Mapping[int, tuple[str, ...]] = {
    API: ("ai_operation", "trace"),
    COMPLIANCE: ("host",),
    DETECTION: ("host",),
}


class Mapped(NamedTuple):
    """A kind's class, activity and severity; `denied`, `failed` and `unknown` are never less
    than low."""

    class_uid: int
    activity: int
    severity: str = "informational"


KINDS: Mapping[str, Mapped] = {
    "chat.started": Mapped(API, 1),
    "chat.finished": Mapped(API, 1),
    "chat.aborted": Mapped(API, 1),
    "chat.failed": Mapped(API, 1, "low"),
    "chat.refused": Mapped(API, 1, "medium"),
    "chat.unknown": Mapped(API, 1, "medium"),
    "task.started": Mapped(API, 1),
    "task.finished": Mapped(API, 1),
    "task.failed": Mapped(API, 1, "low"),
    "task.refused": Mapped(API, 1, "medium"),
    "tool.called": Mapped(API, OTHER),
    "document.added": Mapped(API, 1),
    "document.removed": Mapped(API, 4, "low"),
    "review.requested": Mapped(API, 1),
    "review.decided": Mapped(API, 3),
    "auth.login": Mapped(AUTHENTICATION, 1),
    "auth.logout": Mapped(AUTHENTICATION, 2),
    "auth.failed": Mapped(AUTHENTICATION, 1, "medium"),
    "session.ended": Mapped(AUTHENTICATION, 2),
    "session.expired": Mapped(AUTHENTICATION, 2),
    "request.served": Mapped(API, OTHER),
    "request.refused": Mapped(API, OTHER, "low"),
    "admin.changed": Mapped(ENTITY, 3, "low"),
    "admin.viewed": Mapped(ENTITY, 2),
    "policy.published": Mapped(ENTITY, 3, "medium"),
    "model.changed": Mapped(ENTITY, 3, "medium"),
    "key.created": Mapped(ENTITY, 1, "low"),
    "key.rotated": Mapped(ENTITY, 3, "low"),
    "key.compromised": Mapped(ENTITY, 9, "critical"),
    "key.retired": Mapped(ENTITY, 9, "low"),
    "log.created": Mapped(EVENT_LOG, 9, "low"),
    "log.opened": Mapped(EVENT_LOG, 6),
    "log.heads": Mapped(EVENT_LOG, OTHER),
    "log.heartbeat": Mapped(EVENT_LOG, OTHER),
    "log.closed": Mapped(EVENT_LOG, 7, "medium"),
    "log.rollback": Mapped(EVENT_LOG, OTHER, "critical"),
    "clock.stepped": Mapped(EVENT_LOG, OTHER, "medium"),
    "audit.read": Mapped(API, 2, "low"),
    "audit.exported": Mapped(EVENT_LOG, 3, "low"),
    "audit.unsealed": Mapped(API, 2, "high"),
    "hold.placed": Mapped(ENTITY, 8, "low"),
    "hold.lifted": Mapped(ENTITY, 9, "low"),
    "erasure.requested": Mapped(ENTITY, 1, "low"),
    "erasure.refused": Mapped(ENTITY, OTHER, "medium"),
    "erasure.confirmed": Mapped(ENTITY, 3, "low"),
    "erasure.done": Mapped(ENTITY, 4, "medium"),
    "retention.pruned": Mapped(EVENT_LOG, 2, "low"),
    "retention.ran": Mapped(EVENT_LOG, OTHER),
    "reconcile.result": Mapped(COMPLIANCE, 1),
    "incident.opened": Mapped(DETECTION, 1, "high"),
    "incident.closed": Mapped(DETECTION, 3),
}


class Moved(NamedTuple):
    """A field of our record and its place in OCSF; `classes` empty: in every class."""

    ours: str
    theirs: str
    classes: tuple[int, ...] = ()


_ACTS = (AUTHENTICATION, ENTITY, API)

FIELDS: tuple[Moved, ...] = (
    Moved("v", "metadata.log_version"),
    Moved("id", "metadata.uid"),
    Moved("log", "metadata.log_name"),
    Moved("log", "log_name", (EVENT_LOG,)),
    Moved("seq", "metadata.sequence"),
    Moved("seen", "metadata.original_time"),
    Moved("kind", "metadata.event_code"),
    Moved("re", "metadata.correlation_uid"),
    Moved("outcome", "status_code"),
    Moved("reason", "status_detail"),
    Moved("emit.node", "metadata.reporter.hostname"),
    Moved("emit.worker", "metadata.reporter.name"),
    Moved("emit.boot", "metadata.reporter.uid"),
    Moved("actor.pid", "actor.user.uid"),
    Moved("actor.client", "actor.app_uid"),
    Moved("target.session", "actor.session.uid", (ENTITY, API, EVENT_LOG)),
    Moved("target.session", "session.uid", (AUTHENTICATION,)),
    Moved("http.method", "http_request.http_method", _ACTS),
    Moved("http.route", "http_request.url.path", _ACTS),
    Moved("http.request", "http_request.uid", _ACTS),
    Moved("http.status", "http_response.code", _ACTS),
    Moved("use.ms", "duration"),
    Moved("use.tokens_in", "message_context.prompt_tokens", (API,)),
    Moved("use.tokens_out", "message_context.completion_tokens", (API,)),
    Moved("model.answered", "ai_model.name", (API,)),
    Moved("model.provider", "ai_model.ai_provider", (API,)),
    Moved("model.digest", "ai_model.version", (API,)),
    Moved("trace.trace", "trace.uid", (API,)),
)

# entity_management's type_id by the first word of the kind; others are 99 with that word
ENTITY_TYPES: Mapping[str, int] = {"policy": 5}

STATUSES: Mapping[str | None, tuple[int, str]] = {
    "success": (1, "Success"),
    "denied": (2, "Failure"),
    "failed": (2, "Failure"),
    "aborted": (2, "Failure"),
    "unknown": (0, "Unknown"),
    None: (99, "Pending"),
}
ACTIONS: Mapping[str, tuple[int, str]] = {"allow": (1, "Allowed"), "deny": (2, "Denied")}
USER_TYPES: Mapping[str, int] = {"person": 1, "service": 4, "system": 3, "unknown": 0}
