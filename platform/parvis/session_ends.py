"""Sessions that end without their person's doing, told to the logs.

What a session is and when it is over is `identity/sessions.py`'s business; signing in and out is
recorded where it is done (`web/login.py`). A record names the session as `auth.login` does, and
nobody: who it was stands there.
"""

import uuid
from collections.abc import Callable, Collection
from dataclasses import replace

from parvis.audit import AuditLog
from parvis.audit.events import PLATFORM, Draft
from parvis.audit.leader_thread import LeaderThread
from parvis.identity.session_states import EndedSession
from parvis.identity.sessions import Sessions
from parvis.settings import Settings

_EVERY_S = 30.0
# one record for one end, whoever finds it and however often
_IDS = uuid.UUID("6b0f5a0c-9d2e-5d0b-8f43-0c8a3f1f7d21")


def describe_end(ended: EndedSession) -> Draft:
    """The record that a session is over."""
    ran_out = ended.reason in ("idle", "too_old")
    return Draft(
        "session.expired" if ran_out else "session.ended",
        outcome="success",
        reason=ended.reason,
        target={"channel": "portal", "session": ended.ref},
        id=str(uuid.uuid5(_IDS, ended.ref)),
    )


def build_teller(
    audit: AuditLog, tenants: Collection[str], settings: Settings
) -> Callable[[EndedSession], None]:
    """What records it: in the agency's log, or the platform's where the agency left.

    It raises AuditUnavailable when the log takes nothing.
    """

    def tell(ended: EndedSession) -> None:
        draft, home = describe_end(ended), ended.tenant_id
        if home not in tenants:
            draft, home = replace(draft, target={**draft.target, "tenant": home}), PLATFORM
        audit.append(home, draft, settings.audit_wait_s)

    return tell


def build_session_thread(sessions: Sessions, settings: Settings) -> LeaderThread:
    """Ends what ran out while nobody looks, in one process of the gateway."""

    def work(_stops: Callable[[], bool]) -> None:
        sessions.purge_expired()

    lock = settings.audit_dir / "sessions.lock"
    return LeaderThread("sessions", lock, work, every_s=_EVERY_S)
