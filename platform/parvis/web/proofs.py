"""The public proof page: from a receipt to the proof that its record is in the log.

Open to everybody who holds a receipt, without signing in. A look-up is a POST, must match the
record's hash, and is itself a record; nothing can be listed or guessed here. Misses are not
recorded, so that strangers cannot fill a log; all look-ups are limited in rate.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from flask import Blueprint, Response, g, request

from parvis.audit.ended import RolledBack
from parvis.audit.events import PLATFORM, UNKNOWN, Draft
from parvis.audit.export import read_verifier
from parvis.audit.readings import LogKey, Proof
from parvis.audit.verify import format_moment
from parvis.errors import RateLimited
from parvis.web import i18n, pages
from parvis.web.audit_words import tell_what
from parvis.web.current import get_services
from parvis.web.guards import find_page_session
from parvis.web.rate_limit import RateLimit

blueprint = Blueprint("proofs", __name__, url_prefix="/audit/proof")

_MAX_CHARS = 1000
_look_ups = RateLimit(60, per_s=60)


@dataclass(frozen=True, slots=True)
class _Found:
    """A proof, the key that signs it, and when others saw the head it ends in."""

    proof: Proof
    key: LogKey
    size: int
    outside: int | None


@blueprint.before_request
def _notice_session() -> None:
    g.page_session = find_page_session()


@blueprint.get("")
def show_form() -> Response:
    """The field for a receipt."""
    return pages.render_page("proof.html", found=None, missing=False)


@blueprint.post("")
def look_up() -> Response:
    """What the receipt proves; with `download`, the proof file itself."""
    if not _look_ups.admit():
        raise RateLimited(retry_after=60)
    receipt = "".join(request.form.get("receipt", "")[:_MAX_CHARS].split())
    found = _find(receipt)
    if found is None:
        ended = get_services().audit.reader.find_rolled_back(receipt)
        if ended is not None:
            return _show_ended(ended, receipt)
        return pages.render_page("proof.html", status=404, found=None, missing=True)
    if "download" in request.form:
        return _download(found.proof)
    words, record = i18n.words(), found.proof.record
    return pages.render_page(
        "proof.html",
        found=found,
        missing=False,
        receipt=receipt,
        command=f"python verify.py {_file_name(found.proof)} --policy policy.txt",
        policy=f"log {found.key.vkey}\nquorum none\n",
        what=tell_what(words, record.data),
        when=words.moment(record.time),
        seen=words.moment(datetime.fromtimestamp(found.outside, UTC)) if found.outside else "",
        outside=format_moment(found.outside) if found.outside else "",
    )


@blueprint.get("/verify.py")
def verifier() -> Response:
    """The program that checks a proof; better taken from somewhere else."""
    return Response(
        read_verifier(),
        mimetype="text/x-python",
        headers={"Content-Disposition": 'attachment; filename="verify.py"'},
    )


def _show_ended(ended: RolledBack, receipt: str) -> Response:
    """That the receipt's log was rolled back by declaration, and the declaration with its proof."""
    services = get_services()
    look = _build_look({"view": "proof", "log": ended.log, "seq": ended.declared})
    services.audit.append(PLATFORM, look, timeout_s=services.settings.audit_wait_s)
    reader = services.audit.reader
    proof = reader.get_proof(PLATFORM, ended.declared, log_id=ended.platform)
    if "download" in request.form:
        return _download(proof)
    return pages.render_page(
        "proof.html",
        found=None,
        missing=False,
        ended=ended,
        receipt=receipt,
        when=i18n.words().moment(proof.record.time),
    )


def _build_look(target: dict[str, object]) -> Draft:
    return Draft(
        kind="audit.read",
        outcome="success",
        actor=UNKNOWN,
        target=target,
        http={"method": "POST", "route": "/audit/proof", "request": g.request_id},
    )


def _find(receipt: str) -> _Found | None:
    """The proof of the receipt's record; the look-up is recorded. None when no record fits."""
    services = get_services()
    reader = services.audit.reader
    tenant_id = reader.find_receipt_tenant(receipt)
    record = reader.find_by_receipt(tenant_id, receipt) if tenant_id else None
    if tenant_id is None or record is None:
        return None
    look = _build_look({"view": "proof", "seq": record.seq})
    services.audit.append(tenant_id, look, timeout_s=services.settings.audit_wait_s)
    under = services.anchors.find_cosigned(tenant_id, record.seq)
    proof = reader.get_proof(tenant_id, record.seq, under)
    outside = services.anchors.describe(tenant_id).witnessed if under else None
    size = under[0] if under else proof.head.size
    return _Found(proof, reader.get_key(tenant_id, size), size, outside)


def _download(proof: Proof) -> Response:
    return Response(
        proof.text,
        mimetype="text/plain",
        headers={"Content-Disposition": f'attachment; filename="{_file_name(proof)}"'},
    )


def _file_name(proof: Proof) -> str:
    return f"record-{proof.record.seq}.tlog-proof"
