"""What the files declare, told to the logs where it changed or went: agencies' files, rules,
models, receivers of feeds, witnesses.

Files are read at the start and never while the gateway runs (`services.load_configuration`), so a
change is told then, by whichever worker comes first, and before the first request. Digests alone go
into records: the files are the site's to keep. Who changed a file, the system does not know.
Not here: what people change on pages or by commands, which records itself.
"""

import hashlib
import json
import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
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
_GONE = "no_longer_declared"
_Told = tuple[str, str, Draft]
"""Agency, what it is of, and the record that would tell of it."""


def tell_changes(services: Services) -> bool:
    """Record what is otherwise than when it was last told; False when some log took nothing.

    Its agency is refused just then anyway.
    """
    lock = LockFile(services.settings.audit_dir / "declared.lock")
    try:
        with lock.held(_WAIT_S):
            wanted = [*_list_declared(services), *_list_gone(services)]
            return all([_tell(services.audit, *one) for one in wanted])
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
    for name, path in _list_files(services):
        yield PLATFORM, _digest_file(path), _describe_file(name)
    for slug, agency in services.tenants.agencies.items():
        yield slug, digest(agency.model_dump()), _describe_file(_AGENCY_FILE, slug)
        rules = services.rules[slug].digest
        block = {"digest": rules}
        yield slug, rules, Draft("policy.published", SYSTEM, outcome="success", policy=block)


def _list_files(services: Services) -> Sequence[tuple[str, Path | None]]:
    settings = services.settings
    return [("anchors-file", settings.anchors_file), ("feeds-file", settings.feeds_file)]


def _digest_file(path: Path | None) -> str:
    """Empty where none is declared: what was, is gone."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path else ""


def _describe_file(name: str, tenant_id: str = "") -> Draft:
    target = {"object": name, "tenant": tenant_id}
    return Draft("admin.changed", SYSTEM, outcome="success", target=target)


def _list_gone(services: Services) -> Iterator[_Told]:
    """Models and agencies that an earlier start told of and no file declares any more.

    An agency whose log was closed has its ending there.
    """
    reader = services.audit.reader
    known = reader.list_tenants()
    told = {str(one["model"]["asked"]) for one in _list_told(services.audit, "model.changed")}
    for name in sorted(told - set(services.models.models)):
        yield PLATFORM, "", Draft("model.changed", SYSTEM, outcome="success", model={"asked": name})
    for slug in known:
        if (
            slug != PLATFORM
            and slug not in services.tenants.agencies
            and not reader.is_closed(slug)
        ):
            yield slug, "", _describe_file(_AGENCY_FILE, slug)


def _list_told(
    audit: AuditLog, kind: str, tenant_id: str = PLATFORM
) -> Iterator[Mapping[str, Any]]:
    """Every record of this kind, newest first."""
    before: int | None = None
    while tenant_id in audit.reader.list_tenants():
        page = audit.reader.list_records(tenant_id, limit=_PAGE, before=before, kinds=(kind,))
        yield from (record.data for record in page)
        if len(page) < _PAGE:
            return
        before = page[-1].seq


def _tell(audit: AuditLog, tenant_id: str, now: str, draft: Draft) -> bool:
    try:
        before = _find_told(audit, tenant_id, draft)
        if before != now:
            change = {"before": before, "after": now}
            told = replace(draft, change=change, reason="" if now else _GONE)
            audit.append(tenant_id, told, _WAIT_S)
    except AuditUnavailable:
        log.warning("audit.declared_untold", extra={"kind": draft.kind, "tenant": tenant_id})
        return False
    return True


def _find_told(audit: AuditLog, tenant_id: str, draft: Draft) -> str:
    """The digest that the newest record about the same thing names; empty when it is not there."""
    for record in _list_told(audit, draft.kind, tenant_id):
        if _is_same(draft, record):
            return str(record["change"].get("after", ""))
    return ""


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
