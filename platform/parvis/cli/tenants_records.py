"""What `parvis tenants apply` changes in Keycloak, told to the agencies' logs as digests."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from parvis.audit.events import Actor, Draft
from parvis.audit.log import AuditLog
from parvis.audit.stores import has_store
from parvis.cli.audit_open import open_log
from parvis.identity.provisioning import Change
from parvis.settings import Settings

_WAIT_S = 10.0
_FORMAT = "parvis/realm-changes/v1"


@contextmanager
def on_record(
    settings: Settings, changes: Sequence[Change], slugs: Mapping[str, str], actor: Actor
) -> Iterator[bool]:
    """The changes are on record while the block makes them; told again as failed when it fails.

    `slugs` leads from realms to agencies. Gives False where this installation has no logs yet: then
    nothing can be told. Raises AuditUnavailable: then nothing may be changed.
    """
    if not has_store(settings.audit_dir, settings.audit_database_url):
        yield False
        return
    with open_log(settings) as log:
        _write(log, changes, slugs, actor, "success")
        try:
            yield True
        except BaseException:
            _write(log, changes, slugs, actor, "failed")
            raise


def _write(
    log: AuditLog,
    changes: Sequence[Change],
    slugs: Mapping[str, str],
    actor: Actor,
    outcome: str,
) -> None:
    for realm in sorted({one.realm for one in changes}):
        own = [one for one in changes if one.realm == realm]
        target = {"object": "realm", "tenant": slugs[realm], "records": len(own)}
        change = {"before": _digest(own, 0), "after": _digest(own, 1)}
        draft = Draft("admin.changed", actor, outcome=outcome, target=target, change=change)
        log.append(slugs[realm], draft, _WAIT_S)


def _digest(changes: Sequence[Change], side: int) -> str:
    """SHA-256 (hex) of what the changed fields hold before (0) or after (1); no secret is there."""
    told = [
        [one.kind, one.name, {name: both[side] for name, both in sorted(one.fields.items())}]
        for one in changes
        if side or one.action == "update"
    ]
    if not told:
        return ""  # all of it is new
    text = json.dumps({"format": _FORMAT, "changed": told}, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
