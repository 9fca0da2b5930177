"""Signing in and out: to the agency's Keycloak and back, and the two cookies that this needs.

The cookies hold random numbers only. Everything a login is bound to (agency, issuer, browser,
nonce, PKCE) lies in `identity/sessions.py`. Errors leave as ParvisError; the pages word them.
"""

import logging
import secrets
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Request, redirect, request
from werkzeug.wrappers import Response

from parvis.audit.events import PLATFORM, UNKNOWN, Actor, Draft
from parvis.domain import Principal
from parvis.errors import (
    AuthenticationFailed,
    IdentityUnavailable,
    NotFound,
    ParvisError,
    PermissionDenied,
)
from parvis.identity.session_states import NewSession, RoleMissing
from parvis.web import i18n
from parvis.web.current import get_services
from parvis.web.rate_limit import RateLimit

log = logging.getLogger(__name__)

blueprint = Blueprint("login", __name__)

_SESSION = "parvis-session"
_BROWSER = "parvis-login"
_BROWSER_LIFE_S = 600
_MAX_PATH = 500
_MAX_FIELD = 2000
_RECORD_EVERY_S = 10


@blueprint.get("/login")
def begin_login() -> Response:
    """Off to the agency's Keycloak."""
    slug = request.args.get("agency", "")
    if slug not in get_services().tenants.agencies:
        raise NotFound
    browser_id = request.cookies.get(_cookie_name(_BROWSER)) or secrets.token_urlsafe(32)
    language = i18n.words().language
    target = get_services().sessions.begin_login(slug, browser_id, _return_to(), language)
    response = redirect(target, 303)
    _set_cookie(response, _BROWSER, browser_id, max_age=_BROWSER_LIFE_S)
    return response


@blueprint.get("/login/callback")
def finish_login() -> Response:
    """Back from Keycloak: with a code, which becomes a session, or with a reason why not."""
    state, browser_id = _field("state"), request.cookies.get(_cookie_name(_BROWSER), "")
    if not state:
        return redirect("/", 303)
    try:
        if "error" in request.args:
            return _refuse_login(state, browser_id)
        opened = get_services().sessions.finish_login(
            state, _field("code"), _field("iss"), browser_id
        )
    except RoleMissing as missing:
        _record("auth.failed", missing.principal, outcome="denied", reason="no_role", status=403)
        raise
    except AuthenticationFailed as failure:
        return _answer_failure(failure)
    return _enter(opened)


@blueprint.post("/logout")
def end_login() -> Response:
    """End the session here and at Keycloak; then the front page."""
    session_id = session_id_of(request)
    session = get_services().sessions.find_session(session_id, confirm=False)
    if session is not None:
        if not session.accepts_csrf(request.form.get("csrf_token", "")):
            raise PermissionDenied(code="page_too_old")
        leaves = _draft("auth.logout", session.principal, session=session.ref)
        services = get_services()
        # nobody is kept from leaving: without the log it is recorded late
        services.audit.append_late(
            session.principal.tenant_id, leaves, timeout_s=services.settings.audit_wait_s
        )
        _end_both(session_id)
    response = redirect("/", 303)
    _drop_cookie(response, _SESSION)
    return response


def _end_both(session_id: str) -> None:
    try:
        get_services().sessions.end_session(session_id)
    except IdentityUnavailable as failure:
        raise IdentityUnavailable(
            "Signed out here; the sign-in service cannot be reached.",
            code="signed_out_here",
            retry_after=failure.retry_after,
        ) from None


def session_id_of(asked: Request) -> str:
    """The session id that the browser sent; empty when it sent none."""
    return asked.cookies.get(_cookie_name(_SESSION), "")


def _enter(opened: NewSession) -> Response:
    try:
        _record("auth.login", opened.principal, session=opened.ref)
    except ParvisError:
        get_services().sessions.forget_session(opened.id)  # nobody enters without a record
        raise
    get_services().sessions.replace_session(session_id_of(request))
    response = redirect(opened.return_to, 303)
    _set_cookie(response, _SESSION, opened.id)
    _drop_cookie(response, _BROWSER)
    return response


def _refuse_login(state: str, browser_id: str) -> Response:
    """Keycloak sent no code: the person cancelled, or its own time was over."""
    get_services().sessions.abandon_login(state, browser_id)
    if request.args.get("error") == "access_denied":
        raise AuthenticationFailed(
            "The sign-in was cancelled.", code="login_cancelled", reason="cancelled"
        )
    raise AuthenticationFailed(
        "The sign-in took too long. Start again.", code="login_expired", reason="no_code"
    )


def _answer_failure(failure: AuthenticationFailed) -> Response:
    """The back button after a login is no failure: whoever is signed in goes on."""
    if failure.reason == "state" and get_services().sessions.find_session(session_id_of(request)):
        return redirect("/", 303)
    log.info("login.failed", extra={"reason": failure.reason})
    if failure.code == "login_cancelled":
        raise failure
    if _failures.admit():
        _append(
            PLATFORM,
            Draft(
                "auth.failed",
                actor=UNKNOWN,
                outcome="denied",
                reason=failure.reason,
                http=_http(failure.status),
            ),
        )
    if failure.code == "login_expired":
        raise failure
    # which check a token failed is for the platform's log; the person can only start again
    raise AuthenticationFailed(code="login_expired", reason=failure.reason)


def _record(kind: str, principal: Principal, **more: Any) -> None:
    _append(principal.tenant_id, _draft(kind, principal, **more))


def _draft(
    kind: str,
    principal: Principal,
    *,
    outcome: str | None = None,
    reason: str = "",
    session: str = "",
    status: int = 303,
) -> Draft:
    target = {"channel": "portal"} | ({"session": session} if session else {})
    return Draft(
        kind,
        actor=Actor.of(principal),
        outcome=outcome,
        reason=reason,
        target=target,
        http=_http(status),
    )


def _append(log_name: str, draft: Draft) -> None:
    services = get_services()
    services.audit.append(log_name, draft, timeout_s=services.settings.audit_wait_s)


def _http(status: int) -> dict[str, object]:
    return {"method": request.method, "route": request.path, "status": status}


_failures = RateLimit(1, per_s=_RECORD_EVERY_S)


def _field(name: str) -> str:
    value = request.args.get(name, "")
    return value if len(value) <= _MAX_FIELD else ""


def _return_to() -> str:
    """The path to come back to: ours alone, never another site."""
    wanted = request.args.get("return_to", "/")
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return "/"
    local = wanted.startswith("/") and not wanted.startswith(("//", "/login", "/logout"))
    plain = wanted.isprintable() and wanted.isascii() and "\\" not in wanted
    if not (local and plain) or parts.scheme or parts.netloc or len(wanted) > _MAX_PATH:
        return "/"
    return wanted


def _cookie_name(name: str) -> str:
    # by https a browser keeps __Host- cookies to this very host, path / and https (RFC 6265bis)
    return f"__Host-{name}" if get_services().settings.secure_cookies else name


def _set_cookie(response: Response, name: str, value: str, *, max_age: int | None = None) -> None:
    response.set_cookie(
        _cookie_name(name),
        value,
        max_age=max_age,
        path="/",
        secure=get_services().settings.secure_cookies,
        httponly=True,
        samesite="Lax",
    )


def _drop_cookie(response: Response, name: str) -> None:
    response.delete_cookie(
        _cookie_name(name),
        path="/",
        secure=get_services().settings.secure_cookies,
        httponly=True,
        samesite="Lax",
    )
