"""The auditor's pages: read the agency's own log, prove a record, export and verify the whole.

Nothing here changes anything but the log itself: every look is appended as `audit.read` first, and
refused when that cannot be written. Who may come in is decided where the blueprint is registered.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, g, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from parvis.audit.events import Actor, Draft
from parvis.audit.kinds import KINDS
from parvis.audit.reader import AuditReader
from parvis.audit.readings import AuditRecord
from parvis.errors import NotFound
from parvis.web import audit_exports, i18n, pages
from parvis.web.audit_state import describe_state, describe_trust, find_feeds
from parvis.web.audit_words import (
    FAMILIES,
    OUTCOMES,
    SENTENCES,
    VERDICTS,
    tell_detail,
    tell_what,
    tell_who,
)
from parvis.web.current import get_services
from parvis.web.guards import page_session
from parvis.web.i18n import N_

blueprint = Blueprint("auditor", __name__, url_prefix="/audit")
PAGE_SIZE = 50
_RELATED_WITHIN = 200
_ENDINGS = tuple(kind for kind, facts in KINDS.items() if "result" in facts.phases)
_INTENTS = tuple(kind for kind, facts in KINDS.items() if "intent" in facts.phases)
_PRESETS = (
    (N_("All"), None),
    (N_("Last hour"), timedelta(hours=1)),
    (N_("Last 24 hours"), timedelta(days=1)),
    (N_("Last 7 days"), timedelta(days=7)),
    (N_("Last 30 days"), timedelta(days=30)),
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The filter as the address says it; `since` and `until` as typed."""

    since: str
    until: str
    kind: str
    from_time: datetime | None
    to_time: datetime | None
    kinds: tuple[str, ...]

    def url(self, **place: int) -> str:
        """The address of this filter at another place of the list."""
        named = {"from": self.since, "to": self.until, "kind": self.kind}
        kept: dict[str, str | int] = {name: value for name, value in named.items() if value}
        query = urlencode(kept | place)
        return f"/audit?{query}" if query else "/audit"


@blueprint.get("")
def show_list() -> Response:
    """A page of the log, newest first, by time and kind."""
    wanted, faults = _read_filter(request.args)
    return _list_page(wanted, faults=faults, status=400 if faults else 200)


@blueprint.post("/find")
def find() -> AnyResponse:
    """From a receipt to its record."""
    _record_reading({"view": "receipt"})
    with _open_reader() as reader:
        found = reader.find_by_receipt(_tenant(), request.form.get("receipt", "")[:1000])
    if found is not None:
        return redirect(f"/audit/records/{found.seq}", 303)
    return _list_page(_read_filter({})[0], not_found=True, status=404)


@blueprint.get("/records/<int:seq>")
def show_record(seq: int) -> Response:
    """One record in full, with the proof that it is in the log."""
    with _open_reader() as reader:
        if reader.find_record(_tenant(), seq) is None:
            raise NotFound
        _record_reading({"view": "record", "seq": seq})
        proof = reader.get_proof(_tenant(), seq)
        related = _find_related(reader, proof.record)
        key = reader.get_key(_tenant())
    return pages.render_page(
        "audit_record.html",
        view=_view(proof.record),
        record=proof.record.data,
        leaf=proof.record.leaf.decode(),
        leaf_hash=proof.record.leaf_hash.hex(),
        proof=proof.text,
        checkpoint=proof.head.note,
        size=proof.head.size,
        fingerprint=key.fingerprint,
        related=related,
    )


@blueprint.post("/export")
def export() -> Response:
    """The whole log as a folder, checked by the verifier that lies in it."""
    services = get_services()
    with _open_reader() as reader:
        size = reader.get_head(_tenant()).size
        trust = describe_trust(reader, _tenant())
    _append("audit.exported", {"view": "folder", "first": 0, "end": size})
    services.anchors.anchor(_tenant(), stamp_now=True)
    made = audit_exports.make_export(
        services.settings.data_dir, services.audit, _tenant(), i18n.words().language
    )
    return pages.render_page(
        "audit_export.html",
        export_id=made.id,
        verdict=made.verdict,
        verdict_words=VERDICTS[made.verdict],
        report=made.report,
        size=made.records,
        command=_build_command(audit_exports.name_export(_tenant())),
        **trust,
    )


def _build_command(name: str) -> str:
    """What checks the unpacked folder, in the reader's language."""
    language = i18n.words().language
    return f"python {name}/verify.py {name} --policy policy.txt --language {language}"


@blueprint.get("/policy.txt")
def download_policy() -> Response:
    """Whom a verifier is to trust about this log, as a file to print."""
    with _open_reader() as reader:
        text = str(describe_trust(reader, _tenant())["policy"])
    _record_reading({"view": "policy"})
    return Response(
        text,
        mimetype="text/plain",
        headers={"Content-Disposition": 'attachment; filename="policy.txt"'},
    )


@blueprint.get("/exports/<export_id>.zip")
def download(export_id: str) -> Response:
    """The folder that was checked, as one file."""
    folder = audit_exports.find_export(get_services().settings.data_dir, _tenant(), export_id)
    if folder is None:
        raise NotFound
    _record_reading({"view": "download"})
    name = audit_exports.name_export(_tenant())
    return Response(
        audit_exports.zip_export(folder, name),
        mimetype="application/zip",
        headers={"Content-Disposition": f'attachment; filename="{name}.zip"'},
    )


@blueprint.get("/exports/<export_id>.html")
def download_report(export_id: str) -> Response:
    """The verifier's report on that folder, as one page to print and file."""
    page = audit_exports.find_page(get_services().settings.data_dir, _tenant(), export_id)
    if page is None:
        raise NotFound
    _record_reading({"view": "report"})
    name = f"parvis-audit-{_tenant()}-report.html"
    return Response(
        page,
        mimetype="text/html",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _list_page(
    wanted: Wanted, *, faults: Sequence[str] = (), not_found: bool = False, status: int = 200
) -> Response:
    before, after = _place("before"), _place("after")
    _record_reading(
        {
            "view": "list",
            "from": _format(wanted.from_time),
            "to": _format(wanted.to_time),
            "kinds": wanted.kinds,
            "first": after,
            "end": before,
        }
    )
    with _open_reader() as reader:
        state = describe_state(reader, _tenant())
        found = reader.list_records(
            _tenant(),
            limit=PAGE_SIZE + 1,
            before=before,
            after=after,
            from_time=wanted.from_time,
            to_time=wanted.to_time,
            kinds=wanted.kinds,
        )
    records, newer, older = _cut_page(found, before, after)
    return pages.render_page(
        "audit_list.html",
        status=status,
        wanted=wanted,
        faults=faults,
        not_found=not_found,
        records=[_view(record) for record in records],
        newer=wanted.url(after=records[0].seq) if newer else "",
        older=wanted.url(before=records[-1].seq) if older else "",
        families=FAMILIES,
        sentences=SENTENCES,
        presets=_list_presets(wanted),
        feeds=find_feeds(_tenant()),
        **state,
    )


def _cut_page(
    found: list[AuditRecord], before: int | None, after: int | None
) -> tuple[list[AuditRecord], bool, bool]:
    """The page, and whether there are newer and older records; one more than a page was read."""
    more = len(found) > PAGE_SIZE
    if after is not None:
        return (found[1:] if more else found), more, bool(found)
    return found[:PAGE_SIZE], before is not None and bool(found), more


def _read_filter(args: Mapping[str, str]) -> tuple[Wanted, list[str]]:
    """The filter, and the names of the fields that cannot be read."""
    faults = []
    times: dict[str, datetime | None] = {}
    for name in ("from", "to"):
        try:
            times[name] = _parse_time(args.get(name, ""), end=name == "to")
        except ValueError:
            times[name] = None
            faults.append(name)
    kind = args.get("kind", "")
    kinds = tuple(one for one in KINDS if kind in {one, one.split(".")[0]})
    wanted = Wanted(
        since=args.get("from", "")[:25],
        until=args.get("to", "")[:25],
        kind=kind if kinds else "",
        from_time=times["from"],
        to_time=times["to"],
        kinds=kinds,
    )
    return wanted, faults


def _parse_time(text: str, *, end: bool) -> datetime | None:
    """A day or a moment in UTC; a day that ends a period counts whole. Raises ValueError."""
    text = text.strip()
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    if moment.year < 1970:  # noqa: PLR2004 - the log counts from then
        raise ValueError("before the first second of the log's clock")
    is_day = len(text) == len("2026-11-21")
    try:
        return moment + timedelta(days=1) if end and is_day else moment
    except OverflowError:
        raise ValueError("after the last day of the calendar") from None


def _place(name: str) -> int | None:
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None  # noqa: PLR2004


def _list_presets(wanted: Wanted) -> list[tuple[str, str, bool]]:
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    listed = []
    for name, span in _PRESETS:
        since = (now - span).strftime("%Y-%m-%dT%H:%M") if span else ""
        named = {"from": since, "kind": wanted.kind}
        query = urlencode({key: value for key, value in named.items() if value})
        current = wanted.since == since and not wanted.until
        listed.append((i18n.words().gettext(name), f"/audit?{query}".rstrip("?"), current))
    return listed


def _view(record: AuditRecord) -> Mapping[str, Any]:
    words, data = i18n.words(), record.data
    outcome = data.get("outcome", "")
    return {
        "seq": record.seq,
        "time": data["time"],
        "when": words.moment(record.time).removesuffix(" UTC"),
        "what": tell_what(words, data),
        "who": tell_who(words, data["actor"]),
        "detail": tell_detail(words, data),
        "outcome": outcome,
        "outcome_words": words.gettext(OUTCOMES[outcome]) if outcome else "",
    }


def _find_related(reader: AuditReader, record: AuditRecord) -> list[tuple[str, int]]:
    """The intent of a result, or the endings of an intent, among the records near it."""
    words = i18n.words()
    if "re" in record.data:
        near = reader.list_records(
            _tenant(), before=record.seq, kinds=_INTENTS, limit=_RELATED_WITHIN
        )
        fits = [one for one in near if one.data["id"] == record.data["re"]]
    elif record.data["phase"] == "intent":
        near = reader.list_records(
            _tenant(), after=record.seq, kinds=_ENDINGS, limit=_RELATED_WITHIN
        )
        fits = [one for one in near if one.data.get("re") == record.data["id"]]
    else:
        fits = []
    return [(f"{one.seq}: {tell_what(words, one.data)}", one.seq) for one in fits]


def _record_reading(target: Mapping[str, Any]) -> None:
    _append("audit.read", target)


def _append(kind: str, target: Mapping[str, Any]) -> None:
    """Write it into the agency's log; raises AuditUnavailable, and then nothing is shown."""
    services = get_services()
    draft = Draft(
        kind=kind,
        outcome="success",
        actor=Actor.of(page_session().principal),
        target={name: value for name, value in target.items() if value is not None},
        http={"method": request.method, "route": str(request.url_rule), "request": g.request_id},
    )
    wait_s = services.settings.audit_wait_s
    g.receipt = services.audit.append(_tenant(), draft, timeout_s=wait_s).text


@contextmanager
def _open_reader() -> Iterator[AuditReader]:
    settings = get_services().settings
    with closing(AuditReader(settings.audit_dir, settings.audit_database_url)) as reader:
        yield reader


def _tenant() -> str:
    return str(page_session().principal.tenant_id)


def _format(moment: datetime | None) -> str | None:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if moment else None
