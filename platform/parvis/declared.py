"""What the files declare, told to the logs where it changed: agencies' files, rules, models.

Files are read at the start and never while the gateway runs (`services.load_configuration`), so a
change is told then, by whichever worker comes first, and before the first request. Digests alone go
into records: the files are the site's to keep. Who changed a file, the system does not know.
Not here: what people change on pages or by commands, which records itself.
"""

import hashlib
import json
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from datetime import date
from typing import Any

from parvis.audit import AuditLog
from parvis.audit.events import PLATFORM, SYSTEM, Draft
from parvis.audit.files import LockFile
from parvis.audit.leader_thread import LeaderThread
from parvis.errors import AuditUnavailable
from parvis.services import Services

log = logging.getLogger(__name__)

_FORMAT = "parvis/declared/v1"
_PAGE = 200
_WAIT_S = 10.0
_AGENCY_FILE = "agency-file"
_Told = tuple[str, str, Draft]
"""Agency, what it is of, and the record that would tell of it."""


def tell_changes(services: Services) -> bool:
    """Record what is otherwise than when it was last told; False when some log took nothing.

    Its agency is refused just then anyway.
    """
    lock = LockFile(services.settings.audit_dir / "declared.lock")
    try:
        with lock.held(_WAIT_S):
            return all([_tell(services.audit, *one) for one in _list_declared(services)])
    except TimeoutError:
        return False
    finally:
        lock.close()


def build_declared_thread(services: Services, every_s: float = 30) -> LeaderThread | None:
    """What tells the rest as soon as it can be told; None when all is told at once."""
    if tell_changes(services):
        return None
    told = threading.Event()

    def work(_stops: Callable[[], bool]) -> None:
        if not told.is_set() and tell_changes(services):
            told.set()

    lock = services.settings.audit_dir / "declared-turn.lock"
    return LeaderThread("declared", lock, work, every_s=every_s)


def _list_declared(services: Services) -> Iterator[_Told]:
    for name, model in services.models.models.items():
        server = services.models.servers.get(model.server or "")
        described = {"model": asdict(model), "server": asdict(server) if server else None}
        block = {"asked": name, "digest": model.digest}
        draft = Draft("model.changed", SYSTEM, outcome="success", model=block)
        yield PLATFORM, digest(described), draft
    for slug, agency in services.tenants.agencies.items():
        target = {"object": _AGENCY_FILE, "tenant": slug}
        draft = Draft("admin.changed", SYSTEM, outcome="success", target=target)
        yield slug, digest(agency.model_dump()), draft
        rules = services.rules[slug].digest
        block = {"digest": rules}
        yield slug, rules, Draft("policy.published", SYSTEM, outcome="success", policy=block)


def _tell(audit: AuditLog, tenant_id: str, now: str, draft: Draft) -> bool:
    try:
        before = _find_told(audit, tenant_id, draft)
        if before != now:
            change = {"before": before, "after": now} if before else {"after": now}
            audit.append(tenant_id, replace(draft, change=change), _WAIT_S)
    except AuditUnavailable:
        log.warning("audit.declared_untold", extra={"kind": draft.kind, "tenant": tenant_id})
        return False
    return True


def _find_told(audit: AuditLog, tenant_id: str, draft: Draft) -> str | None:
    """The digest that the newest record about the same thing names."""
    before: int | None = None
    while True:
        page = audit.reader.list_records(tenant_id, limit=_PAGE, before=before, kinds=(draft.kind,))
        for record in page:
            if _is_same(draft, record.data):
                return str(record.data["change"]["after"])
        if len(page) < _PAGE:
            return None
        before = page[-1].seq


def _is_same(draft: Draft, record: Mapping[str, Any]) -> bool:
    """True when both tell of one model, one agency's file, one agency's rules."""
    asked = record.get("model", {}).get("asked"), record.get("target", {}).get("object")
    return asked == (draft.model.get("asked"), draft.target.get("object"))


def digest(described: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of the canonical JSON; the same in every process."""
    text = json.dumps(
        {"format": _FORMAT, "declared": described},
        sort_keys=True,
        ensure_ascii=False,
        separators=(",", ":"),
        default=_plain,
    )
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: object) -> object:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, frozenset | set):
        return sorted(map(str, value))
    return str(value)
