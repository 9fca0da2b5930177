"""What all pages share: their context, assets with a digest, and errors as a sentence.

No route lives here; `front.py`, `portal.py`, `auditor.py` and `login.py` render through it.
"""

import hashlib
import json
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from flask import Flask, Response, g, make_response, render_template, request

from parvis import __version__
from parvis.domain import LANGUAGES, Principal, Role
from parvis.errors import ParvisError, PayloadTooLarge
from parvis.web import i18n
from parvis.web.current import get_services
from parvis.web.guards import find_page_session
from parvis.web.i18n import N_

STATIC = Path(__file__).parent / "static"
AGENCY_COOKIE = "parvis_agency"
_YEAR = 365 * 24 * 3600
_ASSETS = "/assets"
EVENT_STREAM = "text/event-stream"


@dataclass(frozen=True, slots=True)
class ErrorWords:
    """An error as a person reads it: what happened, what to do, and the way on."""

    title: str
    advice: str
    way: str  # retry | back | home | login


_ERRORS: Mapping[str, ErrorWords] = {
    "session_expired": ErrorWords(
        N_("Please sign in again"),
        N_("Your session has ended. What you typed was not sent and is kept for you."),
        "login",
    ),
    "login_cancelled": ErrorWords(
        N_("You did not sign in"),
        N_("The sign-in was cancelled. Nothing was changed; you can start again."),
        "home",
    ),
    "login_expired": ErrorWords(
        N_("The sign-in took too long"),
        N_("Start the sign-in again from this browser window."),
        "home",
    ),
    "csrf": ErrorWords(
        N_("This page was open for too long"),
        N_("Go back, reload the page and send it again. What you typed was not sent."),
        "retry",
    ),
    "permission_denied": ErrorWords(
        N_("This page is not open to you"),
        N_("Your role does not allow it. Ask your agency's administrator if you need it."),
        "home",
    ),
    "not_found": ErrorWords(
        N_("There is nothing at this address"),
        N_("It may have been deleted, or its time was over."),
        "home",
    ),
    "method_not_allowed": ErrorWords(
        N_("This address cannot be opened directly"),
        N_("Start from the first page."),
        "home",
    ),
    "sent_already": ErrorWords(
        N_("This question was sent already"),
        N_("You find it, with its answer, in the conversation."),
        "retry",
    ),
    "conflict": ErrorWords(
        N_("This was changed or sent already"),
        N_("Load the page anew to see where things stand."),
        "retry",
    ),
    "held": ErrorWords(
        N_("A hold forbids it"),
        N_("A case needs it to be kept for now. Ask your agency's administrator."),
        "home",
    ),
    "identity_unavailable": ErrorWords(
        N_("Signing in is not possible just now"),
        N_("The sign-in service cannot be reached. Try again in a moment."),
        "retry",
    ),
    "signed_out_here": ErrorWords(
        N_("You are signed out here only"),
        N_(
            "The sign-in service cannot be reached and may still know you. Close this browser, "
            "above all where others use it too."
        ),
        "home",
    ),
    "audit_unavailable": ErrorWords(
        N_("Nothing was done"),
        N_("The audit log cannot be written just now, so nothing was done. Try again in a moment."),
        "retry",
    ),
    "hold_unrecorded": ErrorWords(
        N_("The hold is in force"),
        N_(
            "Its record cannot be written just now; the next daily run writes it. The list marks "
            "it until then. Do not place it again."
        ),
        "back",
    ),
    "erasure_unrecorded": ErrorWords(
        N_("The request stands"),
        N_(
            "Its record cannot be written just now; it is written when another person confirms "
            "the erasure. The list marks it until then. Do not ask for it again."
        ),
        "back",
    ),
    "pii_engine_unavailable": ErrorWords(
        N_("Nothing was sent"),
        N_("Personal data cannot be protected just now, so nothing was sent to the model."),
        "retry",
    ),
    "model_overloaded": ErrorWords(
        N_("The model is busy"),
        N_("Too many people are asking at once. Try again in a moment."),
        "retry",
    ),
    "upstream_error": ErrorWords(
        N_("The model did not answer"),
        N_("The model server failed. Try again in a moment."),
        "retry",
    ),
    "upstream_timeout": ErrorWords(
        N_("The model took too long"),
        N_("It did not answer in time. Try again, perhaps with a shorter question."),
        "retry",
    ),
    "context_length_exceeded": ErrorWords(
        N_("The conversation is too long"),
        N_("The model cannot read that much. Shorten your text or begin a new conversation."),
        "retry",
    ),
    "request_too_large": ErrorWords(
        N_("The text is too long"),
        N_("Shorten it and send it again."),
        "retry",
    ),
    "policy_violation": ErrorWords(
        N_("The rules do not allow this"),
        N_("A rule of this installation refused the question. It was not sent to the model."),
        "retry",
    ),
    "personal_data_refused": ErrorWords(
        N_("This assistant takes no personal data"),
        N_(
            "The text holds names, numbers or other personal data. Nothing was sent to the model. "
            "Take them out and send it again."
        ),
        "retry",
    ),
    "rate_limit_exceeded": ErrorWords(
        N_("Too many questions for now"),
        N_("Wait a little, then send it again."),
        "retry",
    ),
    "invalid_value": ErrorWords(
        N_("Something in the form is not right"),
        N_("Check what you typed and send it again."),
        "retry",
    ),
    "empty_text": ErrorWords(
        N_("There is no text yet"),
        N_("Paste the text that you want to try, then send it."),
        "retry",
    ),
    "empty_question": ErrorWords(
        N_("There is no question yet"),
        N_("Type your question, then send it."),
        "retry",
    ),
    "control_characters": ErrorWords(
        N_("The text holds invisible characters"),
        N_("Remove control characters, for example by pasting the text without formatting."),
        "retry",
    ),
    "service_unavailable": ErrorWords(
        N_("The service cannot answer just now"),
        N_("Try again in a moment."),
        "retry",
    ),
    "internal_error": ErrorWords(
        N_("Something went wrong on our side"),
        N_("The request was not completed. Try again; if it happens again, tell your help desk."),
        "retry",
    ),
}
_SAME = {"page_too_old": "csrf", "client_closed_request": "internal_error"}
_BY_STATUS = {
    400: "invalid_value",
    401: "session_expired",
    403: "permission_denied",
    404: "not_found",
    409: "conflict",
    503: "service_unavailable",
}


def words_of(error: ParvisError) -> ErrorWords:
    """The words for an error, by its code; by its status where the code has none of its own."""
    by_status = _ERRORS[_BY_STATUS.get(error.status, "internal_error")]
    return _ERRORS.get(_SAME.get(error.code, error.code), by_status)


def error_codes() -> Mapping[str, ErrorWords]:
    """Every code that has its own words."""
    return _ERRORS


def install(app: Flask) -> None:
    """Give the application's templates their words, and keep a language that was chosen."""
    app.context_processor(_page_context)
    app.after_request(_keep_language)


def render_page(template: str, *, status: int = 200, **values: Any) -> Response:
    """The page as an answer that no cache keeps."""
    response = make_response(render_template(template, **values), status)
    response.headers["Cache-Control"] = "no-store"
    session = find_session()
    if session is not None:
        # not a secret: only lets "sign in again" go straight to the right agency
        response.set_cookie(
            AGENCY_COOKIE,
            session.principal.tenant_id,
            max_age=_YEAR,
            secure=get_services().settings.secure_cookies,
            httponly=True,
            samesite="Lax",
        )
    return response


def render_error(error: ParvisError) -> Response:
    """A page that says what happened, what to do, and keeps what the person had typed.

    The same words as JSON where a script of ours asked for an event stream.
    """
    told = words_of(error)
    if EVENT_STREAM in request.headers.get("Accept", ""):
        return _render_told(error)
    _notice_session(error)
    response = render_page(
        "error.html",
        status=error.status,
        told=told,
        code=error.code,
        kept=_typed_question(error),
        login_url=login_url(),
        retry_url=_return_path(),
        request_id=g.get("request_id", ""),
    )
    if error.retry_after:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _typed_question(error: ParvisError) -> str:
    """What the person had typed; nothing of a form that is too large to be read."""
    if request.method != "POST" or isinstance(error, PayloadTooLarge):
        return ""
    return request.form.get("question", "")[:200_000]


def tell(error: ParvisError) -> Mapping[str, str]:
    """Code, title and advice of an error, in the reader's language."""
    told, words = words_of(error), i18n.words()
    return {
        "code": error.code,
        "title": words.gettext(told.title),
        "advice": words.gettext(told.advice),
    }


def _render_told(error: ParvisError) -> Response:
    body = json.dumps(tell(error), ensure_ascii=False)
    response = Response(body, status=error.status, mimetype="application/json")
    if error.retry_after:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _notice_session(error: ParvisError) -> None:
    """Let the error page show who is signed in; never a second error because of it."""
    if "page_session" in g or error.status == 401 or error.status >= 500:  # noqa: PLR2004
        return
    with suppress(ParvisError):
        g.page_session = find_page_session()


def find_session() -> Any:
    """The session of the person who asks, when a guard or the front page found one."""
    return g.get("page_session")


def login_url() -> str:
    """Where to sign in again: the agency of last time where known, back to this page."""
    agency = request.cookies.get(AGENCY_COOKIE, "")
    if agency not in get_services().tenants.agencies:
        return "/?" + urlencode({"return_to": _return_path()})
    return "/login?" + urlencode({"agency": agency, "return_to": _return_path()})


def _return_path() -> str:
    if request.method == "GET":
        # quoted: browsers read a backslash or tab after the first slash as another host
        return quote(request.path)
    # a form's address cannot be opened: go back to the page that held the form
    _, room, *rest = request.path.split("/")
    if request.path == "/audit/proof":
        return request.path
    if room == "chat" and rest:
        return f"/chat/{rest[0]}"
    if room == "admin" and rest == ["privacy"]:
        return "/admin/privacy"
    if room == "admin" and rest[:1] == ["rights"]:
        # a form about one erasure lies beside its page; the others on the page of all
        return (
            "/".join(("/admin/rights", *rest[1:3])) if rest[3:] == ["confirm"] else "/admin/rights"
        )
    return "/audit" if room == "audit" else "/"


@cache
def asset_url(name: str) -> str:
    """The address of a static file; it changes when the file does."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"{_ASSETS}/{name}?v={digest}"


def language_url(language: str) -> str:
    """This page in another language; a form's answer leads back to the page with the form."""
    if request.path.startswith("/login"):
        return f"/?lang={language}"  # what its address holds serves once
    kept = {name: value for name, value in request.args.items() if name != "lang"}
    return f"{_return_path()}?{urlencode(kept | {'lang': language})}"


def new_send_id() -> str:
    """A number for one form, so that sending it twice counts once."""
    return str(uuid.uuid4())


def _page_context() -> dict[str, Any]:
    words = i18n.words()
    session = find_session()
    principal: Principal | None = session.principal if session else None
    agency = get_services().tenants.agencies.get(principal.tenant_id) if principal else None
    return {
        "_": words.gettext,
        "ngettext": words.ngettext,
        "words": words,
        "language": words.language,
        "languages": [(code, i18n.NAMES[code], language_url(code)) for code in LANGUAGES],
        "pick": i18n.pick,
        "asset": asset_url,
        "session": session,
        "principal": principal,
        "agency": agency,
        "roles": principal.roles if principal else frozenset(),
        "Role": Role,
        "version": __version__,
        "here": request.path,
    }


def _keep_language(response: Response) -> Response:
    chosen = i18n.find_language(request.args.get("lang"))
    if chosen and response.mimetype == "text/html":
        response.set_cookie(
            i18n.COOKIE,
            chosen,
            max_age=_YEAR,
            secure=get_services().settings.secure_cookies,
            httponly=True,
            samesite="Lax",
        )
    return response
