"""What a portal session is to others: one that begins, one that holds, one that is over.

How sessions are kept, and when they are over, is `sessions.py`'s business.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from parvis.domain import Principal
from parvis.errors import AuthenticationFailed, PermissionDenied

Cause = Literal["idle", "too_old", "withdrawn", "unreadable", "replaced", "erased", "late"]


class RoleMissing(PermissionDenied):
    """Keycloak knows the person, but the agency gave them no role here."""

    def __init__(self, principal: Principal) -> None:
        super().__init__()
        self.principal = principal


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session that just began: the id goes to the browser and is stored nowhere."""

    id: str
    ref: str
    return_to: str
    principal: Principal


@dataclass(frozen=True, slots=True)
class PortalSession:
    """A session that holds. `ref` names it in records: a hash that opens nothing."""

    ref: str
    principal: Principal
    csrf_token: str
    expires_at: datetime

    def accepts_csrf(self, given: str) -> bool:
        """True when a form carries this session's own token."""
        return hmac.compare_digest(self.csrf_token.encode(), given.encode())


@dataclass(frozen=True, slots=True)
class EndedSession:
    """A session that is over, and its person did not sign out.

    `idle` and `too_old` ran out; Keycloak no longer confirms one that is `withdrawn` (signed out
    there, blocked, without a role); its key is gone (`unreadable`); another login of its browser
    `replaced` it; the person was `erased`. `late`: one of the last four, told later.
    """

    tenant_id: str
    ref: str
    reason: Cause


def login_expired(reason: str) -> AuthenticationFailed:
    """What a person reads whose sign-in cannot be finished; `reason` is for records."""
    return AuthenticationFailed(
        "This sign-in took too long or was begun in another window. Start again.",
        code="login_expired",
        reason=reason,
    )
