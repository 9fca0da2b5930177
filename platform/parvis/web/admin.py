"""The agency administrator's pages: what is open, under which profile, and a place to try it.

Nothing is changed here, and nothing typed is kept: that the try-out was used is recorded before its
answer is shown. Who may come in is decided where the blueprint is registered.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, g, request

from parvis.assistant.hiding import tell_action
from parvis.assistant.trying import Trial, try_profile
from parvis.audit.events import Actor, Draft
from parvis.domain import LANGUAGES
from parvis.errors import InvalidRequest, ParvisError
from parvis.privacy import Label
from parvis.tenancy.config import Agency, Assistant, Hiding
from parvis.web import i18n, labels, pages
from parvis.web.current import get_services
from parvis.web.guards import page_session
from parvis.web.portal import mark_placeholders
from parvis.web.privacy_words import PROFILES

blueprint = Blueprint("admin", __name__, url_prefix="/admin")
MAX_CHARS = 20_000
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Form:
    """The try-out's form as it was filled in; "" where the assistant or the text decides."""

    text: str = ""
    assistant: str = ""
    profile: str = ""
    language: str = ""


@blueprint.get("")
def show_start() -> Response:
    """The agency's assistants with what is done to personal data, and the way to the try-out."""
    agency = _agency()
    return pages.render_page(
        "admin.html",
        rows=[_row(agency, one) for one in agency.assistants],
        levels=labels.LEVELS,
    )


@blueprint.get("/privacy")
def show_form() -> Response:
    """The try-out with nothing in it."""
    return _privacy_page(Form(assistant=request.args.get("assistant", "")[:63]))


@blueprint.post("/privacy")
def try_text() -> Response:
    """What a model would get of the text, why, and what stays readable."""
    form = _read_form()
    try:
        _check(form)
        assistant, hiding = _choose(_agency(), form)
        _record_use(assistant)
        language = i18n.find_language(form.language)
        trial = try_profile(get_services(), _agency(), hiding, form.text, language)
    except ParvisError as error:
        return _privacy_page(form, error=error)
    return _privacy_page(form, trial=trial, hiding=hiding, assistant=assistant)


def _read_form() -> Form:
    given = request.form
    return Form(
        text=given.get("text", "").replace("\r\n", "\n"),
        assistant=given.get("assistant", "")[:63],
        profile=given.get("profile", "")[:20],
        language=given.get("language", "")[:2],
    )


def _check(form: Form) -> None:
    if not form.text.strip():
        raise InvalidRequest("There is no text.", code="empty_text")
    if _CONTROL.search(form.text):
        raise InvalidRequest("The text holds control characters.", code="control_characters")
    if len(form.text) > MAX_CHARS:
        raise InvalidRequest("The text is too long.", code="request_too_large")
    if form.profile and form.profile not in PROFILES:
        raise InvalidRequest("There is no such profile.")
    if form.language and i18n.find_language(form.language) is None:
        raise InvalidRequest("There is no such language.")


def _choose(agency: Agency, form: Form) -> tuple[Assistant, Hiding]:
    """The assistant, and its profile or the one that shall be tried in its place."""
    assistant = agency.find_assistant(form.assistant)
    if assistant is None:
        raise InvalidRequest("There is no such assistant.")
    if form.profile:
        return assistant, Hiding.model_validate({"profile": form.profile})
    return assistant, agency.get_hiding(assistant)


def _privacy_page(
    form: Form,
    *,
    trial: Trial | None = None,
    hiding: Hiding | None = None,
    assistant: Assistant | None = None,
    error: ParvisError | None = None,
) -> Response:
    agency = _agency()
    result = _result(form, trial, hiding, assistant) if trial and hiding and assistant else None
    return pages.render_page(
        "admin_privacy.html",
        status=error.status if error else 200,
        form=form,
        told=pages.words_of(error) if error else None,
        assistants=agency.assistants,
        profiles=PROFILES,
        own_languages=[(code, i18n.NAMES[code]) for code in LANGUAGES],
        max_chars=MAX_CHARS,
        result=result,
    )


def _result(form: Form, trial: Trial, hiding: Hiding, assistant: Assistant) -> Mapping[str, Any]:
    hidden = trial.hidden
    reasons = trial.explanation.reasons
    counts = _count(trial)
    needs = hidden is not None and not hidden.is_masked and assistant.pii_need == "none"
    return {
        "profile": PROFILES[hiding.profile],
        "language": i18n.NAMES[trial.language],
        "sent": mark_placeholders(hidden.texts[0]) if hidden else "",
        "is_refused": hidden is None,
        "needs_reason": needs,
        "header": f"x-pii-action: {hidden.header if hidden else tell_action('blocked', counts)}",
        "back": trial.back,
        "is_same": trial.back == form.text,
        "findings": list(_findings(trial, hiding)),
        "readable": [form.text[start:end] for start, end in trial.explanation.readable],
        "nothing": not reasons,
    }


def _count(trial: Trial) -> Mapping[str, int]:
    values = {
        (reason.entity.label.value, reason.value)
        for reason in trial.explanation.reasons
        if reason.entity.label is not Label.LITERAL
    }
    kinds = [kind for kind, _ in values]
    return {kind: kinds.count(kind) for kind in kinds}


def _findings(trial: Trial, hiding: Hiding) -> Iterator[Mapping[str, Any]]:
    words = i18n.words()
    kept = trial.hidden.kept if trial.hidden else dict.fromkeys(hiding.keep, 1)
    for reason in trial.explanation.reasons:
        label = reason.entity.label
        yield {
            "value": reason.value,
            "kind": words.gettext(labels.ENTITIES.get(label, label.value)),
            "label": label.value,
            "rule": reason.entity.source,
            "score": words.decimal(reason.entity.score),
            "why": words.gettext(reason.why),
            "is_kept": label.value in kept,
        }


def _row(agency: Agency, assistant: Assistant) -> Mapping[str, Any]:
    hiding = agency.get_hiding(assistant)
    return {
        "assistant": assistant,
        "profile": PROFILES[hiding.profile],
        "keep": labels.tell_kinds(i18n.words(), hiding.keep),
        "hide": labels.tell_kinds(i18n.words(), hiding.hide),
        "is_refused": hiding.profile == "pass" and assistant.pii_need == "none",
    }


def _record_use(assistant: Assistant) -> None:
    """Write it into the agency's log; raises AuditUnavailable, and then nothing is shown."""
    services = get_services()
    principal = page_session().principal
    draft = Draft(
        kind="admin.viewed",
        outcome="success",
        actor=Actor.of(principal),
        target={"view": "privacy-tryout", "assistant": assistant.id},
        http={"method": request.method, "route": str(request.url_rule), "request": g.request_id},
    )
    wait_s = services.settings.audit_wait_s
    g.receipt = services.audit.append(principal.tenant_id, draft, timeout_s=wait_s).text


def _agency() -> Agency:
    return get_services().tenants.get_agency(page_session().principal.tenant_id)
