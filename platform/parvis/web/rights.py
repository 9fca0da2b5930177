"""Erasures and holds on the administrators' pages: what `parvis subject erase` and `hold` do.

One administrator asks for an erasure, another confirms it. Every act goes through `subjects/`,
which writes the records; identifiers of people travel in forms, never in an address. The words are
in `rights_words.py`; who may come in is decided where the blueprint is registered.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

from flask import Blueprint, Response, redirect, request
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from parvis.audit.events import Actor
from parvis.compliance.grounds import ERASURE_GROUNDS, HOLD_REASONS
from parvis.compliance.holds import Held, Hold, HoldKind, find_blocking
from parvis.compliance.store import Erasure, ErasureKind
from parvis.errors import Conflict, NotFound
from parvis.subjects.erase import (
    confirm_erasure,
    describe_done,
    find_unrecorded_requests,
    request_erasure,
)
from parvis.subjects.find import BelongsToConversation, Found, Wanted, find, record_look
from parvis.subjects.holding import CASE, find_unrecorded_holds, lift_hold, place_hold
from parvis.subjects.operators import OPERATOR
from parvis.subjects.stores import Stores
from parvis.web import i18n, pages
from parvis.web.current import get_services
from parvis.web.guards import page_session
from parvis.web.i18n import N_
from parvis.web.rights_words import DONE, FAULTS, GROUNDS, HOLD_KINDS, KINDS, REASONS, STATES

blueprint = Blueprint("rights", __name__, url_prefix="/admin/rights")
MAX_REF = 300
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Form:
    """What was typed into one of the two forms of the page, and what is wrong with it."""

    values: Mapping[str, str]
    faults: Sequence[str] = ()

    def __getitem__(self, name: str) -> str:
        return self.values.get(name, "")


_EMPTY = Form({})


@blueprint.get("")
def show_start() -> Response:
    """What waits for a second person, the holds in force, and a form for each."""
    return _start_page()


@blueprint.post("/erasures")
def ask() -> AnyResponse:
    """Ask for an erasure: nothing goes before somebody else confirms it."""
    form = _read_erasure(request.form)
    if form.faults:
        return _start_page(erasure=form, status=400)
    wanted = Wanted(cast(ErasureKind, form["kind"]), form["ref"])
    try:
        request_erasure(_stores(), _tenant(), wanted, ground=form["ground"], actor=_actor())
    except NotFound:
        return _start_page(erasure=Form(form.values, ("nothing",)), status=404)
    except BelongsToConversation:
        return _start_page(erasure=Form(form.values, ("shared",)), status=409)
    except Conflict:
        return _start_page(erasure=Form(form.values, ("asked",)), status=409)
    return _tell("asked")


@blueprint.get("/erasures/<erasure_id>")
def show_erasure(erasure_id: str) -> Response:
    """Whose data it is and how much would go: what the second person reads before confirming."""
    return _erasure_page(_get_erasure(erasure_id))


@blueprint.post("/erasures/<erasure_id>/confirm")
def confirm(erasure_id: str) -> Response:
    """Erase what somebody else asked for."""
    erasure = _get_erasure(erasure_id)
    try:
        done = confirm_erasure(_stores(), _tenant(), erasure.id, actor=_actor())
    except Held:
        return _erasure_page(_get_erasure(erasure_id), fault="held", status=409)
    except Conflict:
        return _erasure_page(_get_erasure(erasure_id), fault="conflict", status=409)
    except NotFound:
        return _erasure_page(erasure, fault="gone", status=404)
    told = describe_done(_stores(), _tenant(), done)
    return pages.render_page(
        "admin_erased.html",
        done=told,
        complete_on=i18n.words().day(done.complete_on),
        reference=erasure.id,
    )


@blueprint.post("/holds")
def place() -> AnyResponse:
    """Place a hold that counts from now on."""
    form = _read_hold(request.form)
    if form.faults:
        return _start_page(hold=form, status=400)
    since, to = _read_day(form["since"]), _read_day(form["to"])
    period = (since, to + timedelta(days=1)) if form["kind"] == "range" and since and to else None
    try:
        place_hold(
            _stores(),
            _tenant(),
            cast(HoldKind, form["kind"]),
            form["ref"] if form["kind"] in {"person", "conversation"} else "",
            reason=form["reason"],
            until=_get_day(form["until"]),
            actor=_actor(),
            case_word=form["case"],
            period=period,
        )
    except NotFound:
        return _start_page(hold=Form(form.values, ("unknown",)), status=404)
    return _tell("placed")


@blueprint.post("/holds/<hold_id>/lift")
def lift(hold_id: str) -> AnyResponse:
    """End a hold; what waited for it goes with the next daily run."""
    lift_hold(_stores(), _tenant(), hold_id, actor=_actor())
    return _tell("lifted")


def _read_erasure(given: MultiDict[str, str]) -> Form:
    values = {name: given.get(name, "").strip() for name in ("kind", "ref", "ground")}
    faults = _find_ref_faults("ref", values["ref"])
    if values["kind"] not in KINDS:
        faults.append("kind")
    if values["ground"] not in ERASURE_GROUNDS:
        faults.append("ground")
    return Form(values, tuple(faults))


def _read_hold(given: MultiDict[str, str]) -> Form:
    names = ("kind", "ref", "since", "to", "case", "reason", "until")
    values = {name: given.get(f"hold-{name}", "").strip() for name in names}
    form, faults = Form(values), []
    if form["kind"] not in HOLD_KINDS:
        faults.append("hold-kind")
    if form["kind"] in {"person", "conversation"}:
        faults += _find_ref_faults("hold-ref", form["ref"])
    if form["kind"] == "range":
        since, to = _read_day(form["since"]), _read_day(form["to"])
        if since is None or to is None or since > to:
            faults.append("hold-since")
    if (form["case"] or form["kind"] == "case") and not CASE.fullmatch(form["case"]):
        faults.append("hold-case")
    if form["reason"] not in HOLD_REASONS:
        faults.append("hold-reason")
    until = _read_day(form["until"])
    if until is None or until <= datetime.now(UTC):
        faults.append("hold-until")
    return Form(values, tuple(faults))


def _find_ref_faults(field: str, ref: str) -> list[str]:
    return [] if ref and len(ref) <= MAX_REF and not _CONTROL.search(ref) else [field]


def _read_day(text: str) -> datetime | None:
    """Midnight (UTC) of a day written as 2027-06-30, or None."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    # a period ends a day after its last one, which the last day of the calendar has not
    return datetime(day.year, day.month, day.day, tzinfo=UTC) if day < date.max else None


def _get_day(text: str) -> datetime:
    day = _read_day(text)
    assert day is not None  # noqa: S101 - _read_hold refused everything else
    return day


def _start_page(*, erasure: Form = _EMPTY, hold: Form = _EMPTY, status: int = 200) -> Response:
    stores = _stores()
    unrecorded = {hold.id for hold in find_unrecorded_holds(stores, _tenant())}
    return pages.render_page(
        "admin_rights.html",
        status=status,
        said=DONE.get(request.args.get("done", "")),
        erasures=[_describe(one) for one in stores.compliance.list_erasures(_tenant())],
        holds=[_describe_hold(one) for one in stores.compliance.list_holds(_tenant())],
        erasure_form=erasure,
        hold_form=hold,
        kinds=KINDS,
        hold_kinds=HOLD_KINDS,
        grounds=GROUNDS,
        reasons=REASONS,
        unrecorded=unrecorded | find_unrecorded_requests(stores, _tenant()),
        faults=FAULTS,
        max_ref=MAX_REF,
    )


def _erasure_page(erasure: Erasure, *, fault: str = "", status: int = 200) -> Response:
    """The look at it is recorded first, as at the command line."""
    stores = _stores()
    found: Found | None = None
    if erasure.ref:
        try:
            found = find(stores, _tenant(), Wanted(erasure.kind, erasure.ref))
        except NotFound:
            found = None
        else:
            record_look(stores, _tenant(), _actor(), found, "subject.find")
    holds = stores.compliance.list_holds(_tenant())
    return pages.render_page(
        "admin_erasure.html",
        status=status,
        one=_describe(erasure),
        ref=erasure.ref,
        found=found,
        turns=sum(facts.turns for facts in found.conversations) if found else 0,
        blocking=find_blocking(holds, found.extent) if found else (),
        fault=FAULTS.get(fault, ""),
        held=FAULTS["held"],
    )


def _describe(erasure: Erasure) -> Mapping[str, Any]:
    mine = erasure.requested_by == page_session().principal.subject
    return {
        "id": erasure.id,
        "kind": KINDS[erasure.kind],
        "ground": GROUNDS[erasure.ground],
        "asked": i18n.words().moment(erasure.requested_at),
        "by": _name(erasure.requested_by),
        "mine": mine,
        "state": STATES[erasure.status],
        "held": erasure.status == "held",
        "open": erasure.status in {"requested", "held", "confirmed"} and not mine,
        "done": erasure.status == "done",
    }


def _describe_hold(hold: Hold) -> Mapping[str, Any]:
    words = i18n.words()
    last = hold.to_time - timedelta(microseconds=1) if hold.to_time else None
    period = f"{words.day(hold.from_time)} – {words.day(last)}" if hold.from_time and last else ""
    return {
        "id": hold.id,
        "kind": HOLD_KINDS[hold.kind],
        "what": hold.ref or period,
        "case": hold.case_word,
        "reason": REASONS[hold.reason],
        "until": words.day(hold.until),
        "overdue": hold.is_overdue(datetime.now(UTC)),
        "owner": _name(hold.owner),
    }


def _name(subject: str) -> str:
    """Who it was, without showing one administrator's identifier to another."""
    words = i18n.words()
    if subject == page_session().principal.subject:
        return words.gettext(N_("You"))
    if subject.startswith(OPERATOR):
        name = subject.removeprefix(OPERATOR)
        return words.gettext(N_("{name}, at the command line"), name=name)
    return words.gettext(N_("Another administrator"))


def _tell(word: str) -> AnyResponse:
    return redirect(f"/admin/rights?done={word}", 303)


def _get_erasure(erasure_id: str) -> Erasure:
    return _stores().compliance.get_erasure(_tenant(), erasure_id)


def _stores() -> Stores:
    return Stores.of(get_services())


def _actor() -> Actor:
    return Actor.of(page_session().principal)


def _tenant() -> str:
    return page_session().principal.tenant_id
