"""Who may pass which door. Each blueprint is registered with its guard; open ones say so aloud.

Unverified tokens never write into an agency's log: anybody could fill a victim's with a forged
issuer. They go to the platform's log, limited in rate.
"""

import uuid
from collections.abc import Callable
from typing import NoReturn

from flask import g, request

from parvis.audit.events import UNKNOWN, Draft
from parvis.domain import Principal
from parvis.errors import AuthenticationFailed, PermissionDenied
from parvis.identity.permissions import Permission, is_permitted, require_permission
from parvis.identity.session_states import PortalSession
from parvis.services import PLATFORM
from parvis.web.current import get_services
from parvis.web.login import session_id_of
from parvis.web.rate_limit import RateLimit

Guard = Callable[[], None]

_BEARER_PREFIX = "bearer "
_MAX_TOKEN_CHARS = 16_384
_KEY_PREFIX = "pv-"


def start_request() -> None:
    """Give the request its id; ours alone, whatever a client sends."""
    g.request_id = uuid.uuid4().hex
    g.principal = None
    g.receipt = None


def open_to_all() -> None:
    """No guard, on purpose."""


def require_bearer(*permissions: Permission) -> Guard:
    """Only callers with a verified token (or a key that is traded for one) and such a right."""

    def guard() -> None:
        try:
            principal = get_services().verifier.verify(_bearer_token())
        except AuthenticationFailed as failure:
            _refuse(failure)
        g.principal = principal
        if not any(is_permitted(principal, permission) for permission in permissions):
            raise PermissionDenied

    return guard


def require_page(permission: Permission) -> Guard:
    """Only people with a session and this right; readers without one are led to the sign-in."""

    def guard() -> None:
        found = find_page_session()
        if found is None:
            raise AuthenticationFailed("Sign in to open this page.", code="session_expired")
        g.page_session = found
        g.principal = found.principal
        require_permission(found.principal, permission)
        if request.method not in {"GET", "HEAD"}:
            check_csrf(found)

    return guard


def find_page_session() -> PortalSession | None:
    """The session that the browser's cookie names, or None."""
    session_id = session_id_of(request)
    return get_services().sessions.find_session(session_id) if session_id else None


def page_session() -> PortalSession:
    """The session that the guard of this page found."""
    found: PortalSession = g.page_session
    return found


def check_csrf(session: PortalSession) -> None:
    """Raise PermissionDenied unless the form or header carries this session's token."""
    given = request.headers.get("x-csrf-token") or request.form.get("csrf_token", "")
    if not session.accepts_csrf(given):
        raise PermissionDenied("The form does not belong to this session.", code="csrf")


def get_principal() -> Principal:
    """Who the guard let in."""
    principal: Principal = g.principal
    return principal


def _bearer_token() -> str:
    header = request.headers.get("authorization", "")
    if not header.lower().startswith(_BEARER_PREFIX) or len(header) > _MAX_TOKEN_CHARS:
        raise AuthenticationFailed(reason="no_token" if not header else "not_a_bearer_token")
    token = header[len(_BEARER_PREFIX) :].strip()
    if token.startswith(_KEY_PREFIX):
        return get_services().api_keys.trade(token)
    return token


def _refuse(failure: AuthenticationFailed) -> NoReturn:
    if _refused_tokens.admit():
        get_services().audit.append(
            PLATFORM,
            Draft(
                kind="auth.failed",
                phase="fact",
                outcome="denied",
                reason=failure.reason,
                actor=UNKNOWN,
                http={"method": request.method, "route": str(request.url_rule), "status": 401},
            ),
            timeout_s=get_services().settings.audit_wait_s,
        )
    raise failure


_refused_tokens = RateLimit(10, per_s=60)
