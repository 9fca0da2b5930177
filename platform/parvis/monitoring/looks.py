"""What is read from the rooms when monitoring looks: state now, nothing that is counted.

Agencies appear by their slug, which operators type in every command; people never do. Each part
that cannot be looked at says so itself (`parvis_look_failed`), and the others still speak.
"""

import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from parvis import __version__
from parvis.audit.anchors import AnchorState
from parvis.audit.ballast import BALLAST_NAME
from parvis.audit.events import PLATFORM
from parvis.audit.figures import COMMIT_BOUNDS_S
from parvis.audit.sequencer import Limits
from parvis.compliance.store import ComplianceStore
from parvis.errors import AuditUnavailable, PrivacyUnavailable
from parvis.metrics import Family, Instrument, Sample
from parvis.services import Services

log = logging.getLogger(__name__)

RETENTION_MARK = "retention.ran"
"""File in the data folder whose time is that of the last `parvis retention run`."""


def _gauge(name: str, words: str, *labels: str) -> Instrument:
    return Instrument(name, "gauge", words, labels)


def _counter(name: str, words: str) -> Instrument:
    return Instrument(name, "counter", words)


FAILED = _gauge("parvis_look_failed", "1 when this part could not be looked at just now.", "part")
BUILD = _gauge("parvis_build_info", "Always 1; the version that runs.", "version")
WRITER_UP = _gauge("parvis_audit_writer_up", "1 when the writer of the audit logs answers.")
WAIT = _gauge(
    "parvis_audit_writer_answer_seconds",
    "How long the writer took to answer this look, its queue included: what a record waits now.",
)
QUEUE = _gauge("parvis_audit_queue_records", "What waited for the writer when it was asked.")
WRITTEN = _counter(
    "parvis_audit_records_written_total",
    "Records that became durable, since this writer began; per commit: divide by "
    "parvis_audit_commit_seconds_count.",
)
COMMIT = Instrument(
    "parvis_audit_commit_seconds",
    "histogram",
    "From the beginning of a batch until it was synced and its heads signed.",
    (),
    COMMIT_BOUNDS_S,
)
NOT_TAKEN = _counter(
    "parvis_audit_queue_refusals_total", "What the writer did not take: too much waited."
)
WRONG_DOOR = _counter(
    "parvis_audit_wrong_door_total",
    "Calls of an operator at the workers' door, or the other way round: look at who asked.",
)
STOPPED = _gauge(
    "parvis_audit_log_stopped",
    "1 when the log takes nothing: it is closed, or not what was signed (`parvis check`).",
    "tenant",
)
SIZE = _gauge("parvis_audit_log_records", "Records under the log's signed head.", "tenant")
BYTES = _gauge("parvis_audit_log_bytes", "What the log and its sealed values take.", "tenant")
SHARE = _gauge(
    "parvis_audit_log_share_bytes", "What they may take: then the agency's chats stop.", "tenant"
)
INTENTS = _gauge(
    "parvis_audit_open_intents",
    "Chats on record that have no ending yet: those going on.",
    "tenant",
)
WITNESSED = _gauge(
    "parvis_audit_witnessed_timestamp_seconds",
    "When the newest quorum of witnesses signed the log's head; 0: never. Absent where no witness "
    "is set.",
    "tenant",
)
STAMPED = _gauge(
    "parvis_audit_stamped_timestamp_seconds",
    "When the time-stamp authority stamped the log's head last; 0: never. Absent where none is "
    "set.",
    "tenant",
)
WINDOW = _gauge(
    "parvis_audit_window_records",
    "Newest records in no copy outside: they rest on the operator's word. Absent where nobody is "
    "asked.",
    "tenant",
)
DISK_FREE = _gauge("parvis_audit_disk_free_bytes", "Free on the disk of the audit logs.")
DISK_FLOOR = _gauge("parvis_audit_disk_floor_bytes", "Free bytes below which chats are refused.")
BALLAST = _gauge(
    "parvis_audit_ballast_present",
    "1 while the room for the last records is kept; 0: it was given to a full disk, or never made.",
)
FEED_WAITING = _gauge(
    "parvis_feed_waiting_records", "Records that a receiver has not taken.", "feed", "tenant"
)
FEED_OLDEST = _gauge(
    "parvis_feed_oldest_waiting_seconds", "Age of the oldest of them; 0: none.", "feed", "tenant"
)
SERVER_UP = _gauge(
    "parvis_model_server_up",
    "1 when the model server was well when last asked; absent while nobody knows.",
    "server",
)
PRIVACY = _gauge(
    "parvis_privacy_working", "1 while the search for personal data passes its own trials."
)
RETENTION = _gauge(
    "parvis_retention_last_run_timestamp_seconds",
    "When `parvis retention run` last ended well; 0: never.",
)
OVERDUE = _gauge("parvis_holds_overdue", "Holds past their date: somebody has to decide.", "tenant")
LOOKED: tuple[Instrument, ...] = (
    *(BUILD, WRITER_UP, WAIT, QUEUE, WRITTEN, COMMIT, NOT_TAKEN, WRONG_DOOR, STOPPED, SIZE, BYTES),
    *(SHARE, INTENTS, WITNESSED, STAMPED, WINDOW, DISK_FREE, DISK_FLOOR, BALLAST, FEED_WAITING),
    *(FEED_OLDEST, SERVER_UP, PRIVACY, RETENTION, OVERDUE, FAILED),
)

Look = Callable[[Services], list[Family]]


def look(services: Services) -> list[Family]:
    """Everything that can be seen now."""
    found: list[Family] = [(BUILD, [Sample((__version__,), 1)])]
    failed = []
    for part, see in LOOKS.items():
        try:
            found += see(services)
            failed.append(Sample((part,), 0))
        except Exception as error:  # whatever it was: monitoring must hear of the other parts
            log.warning("metrics.look_failed", extra={"part": part, "fault": type(error).__name__})
            failed.append(Sample((part,), 1))
    return [*found, (FAILED, failed)]


def _one(instrument: Instrument, value: float) -> Family:
    return instrument, [Sample((), value)]


def _each(instrument: Instrument, values: Mapping[str, float]) -> Family:
    return instrument, [Sample((name,), value) for name, value in values.items()]


def _look_at_writer(services: Services) -> list[Family]:
    begun = time.monotonic()
    try:
        told = services.audit.ask_figures()
    except AuditUnavailable:
        return [_one(WRITER_UP, 0)]
    waited = time.monotonic() - begun
    buckets, tenants = tuple(map(float, told["buckets"])), services.audit.reader.list_tenants()
    return [
        _one(WRITER_UP, 1),
        _one(WAIT, waited),
        _one(QUEUE, told["queue"]),
        _one(WRITTEN, told["records"]),
        (COMMIT, [Sample((), told["seconds"], buckets)]),
        _one(NOT_TAKEN, told["refused"]),
        _one(WRONG_DOOR, told["wrong_door"]),
        _each(STOPPED, {one: one in told["stopped"] for one in tenants}),
    ]


def _look_at_logs(services: Services) -> list[Family]:
    reader = services.audit.reader
    tenants, intents = reader.list_tenants(), reader.count_intents()
    limits = Limits.of(services.settings, services.tenants.shares)
    return [
        _each(SIZE, {one: reader.get_head(one).size for one in tenants}),
        _each(BYTES, {one: reader.get_usage(one) for one in tenants}),
        _each(SHARE, {one: limits.get_share(one) for one in tenants}),
        _each(INTENTS, {one: intents[one] for one in tenants}),
    ]


def _look_at_anchors(services: Services) -> list[Family]:
    plan, anchors = services.anchors.plan, services.anchors
    states = {one: anchors.describe(one) for one in services.audit.reader.list_tenants()}
    found = []
    if any(plan.trust.urls.values()):
        found.append(_each(WITNESSED, _times(states, lambda state: state.witnessed)))
    if plan.tsa_url:
        found.append(_each(STAMPED, _times(states, lambda state: state.stamped)))
    if found:
        found.append(_each(WINDOW, {one: state.window for one, state in states.items()}))
    return found


def _times(
    states: Mapping[str, AnchorState], read: Callable[[AnchorState], int | None]
) -> dict[str, float]:
    return {tenant_id: read(state) or 0 for tenant_id, state in states.items()}


def _look_at_disk(services: Services) -> list[Family]:
    folder = services.audit.folder
    disk = os.statvfs(folder)
    return [
        _one(DISK_FREE, disk.f_bavail * disk.f_frsize),
        _one(DISK_FLOOR, services.audit.floor_bytes),
        _one(BALLAST, (folder / BALLAST_NAME).exists()),
    ]


def _look_at_feeds(services: Services) -> list[Family]:
    states, now = services.feeds.describe(), time.time()
    places: list[tuple[str, ...]] = [(state.feed, state.tenant) for state in states]
    ages = [max(0.0, now - state.since) if state.since else 0 for state in states]
    waiting: Sequence[Any] = [state.waiting for state in states]
    return [
        (FEED_WAITING, list(map(Sample, places, waiting))),
        (FEED_OLDEST, list(map(Sample, places, ages))),
    ]


def _look_at_models(services: Services) -> list[Family]:
    words = services.inference.watch()
    return [_each(SERVER_UP, {name: w == "up" for name, w in words.items() if w != "unknown"})]


def _look_at_privacy(services: Services) -> list[Family]:
    try:
        services.privacy.check_working()
    except PrivacyUnavailable:
        return [_one(PRIVACY, 0)]
    return [_one(PRIVACY, 1)]


def _look_at_retention(services: Services) -> list[Family]:
    mark = services.settings.data_dir / RETENTION_MARK
    store, now = ComplianceStore(services.engine), datetime.now(UTC)
    # those that left, too: a log stays, and so may a hold (`parvis check` looks at the same)
    agencies = {*services.tenants.agencies, *services.audit.reader.list_tenants()} - {PLATFORM}
    overdue = {
        slug: sum(hold.is_overdue(now) for hold in store.list_holds(slug))
        for slug in sorted(agencies)
    }
    ran = mark.stat().st_mtime if mark.exists() else 0
    return [_one(RETENTION, ran), _each(OVERDUE, overdue)]


LOOKS: Mapping[str, Look] = {
    "writer": _look_at_writer,
    "logs": _look_at_logs,
    "anchors": _look_at_anchors,
    "disk": _look_at_disk,
    "feeds": _look_at_feeds,
    "models": _look_at_models,
    "privacy": _look_at_privacy,
    "retention": _look_at_retention,
}
