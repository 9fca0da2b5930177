"""The receipt on every answer to an identified caller, and the record it names.

A chat and an auditor's reading write their own records; any other answer under `/v1` is one fact:
which route, which status. When it cannot be written the answer is withheld. Turning the portal's
pages is not recorded: that would watch people at work.
"""

from flask import Response, g, request

from parvis.audit.events import Actor, Draft
from parvis.errors import AuditUnavailable, CallerHungUp
from parvis.web.answers import json_response
from parvis.web.current import get_services
from parvis.web.faults import error_body


def add_receipt(response: Response) -> Response:
    """Name the record of this answer in `x-audit-receipt`; write it where nobody has yet."""
    error = g.get("error")
    if g.get("principal") is None or isinstance(error, AuditUnavailable):
        return response
    if isinstance(error, CallerHungUp):
        # nobody reads this answer, and what was going on writes its own ending
        return response
    if not g.get("receipt"):
        if not request.path.startswith(("/v1", "/v2")):
            return response
        try:
            g.receipt = _record(response)
        except AuditUnavailable as unavailable:
            get_services().metrics.count_error(unavailable.code)
            refused = json_response(error_body(unavailable), unavailable.status)
            refused.headers["retry-after"] = str(unavailable.retry_after)
            return refused
    response.headers["x-audit-receipt"] = g.receipt
    return response


def _record(response: Response) -> str:
    services, error = get_services(), g.get("error")
    refused = response.status_code >= 400  # noqa: PLR2004 - RFC 9110
    draft = Draft(
        kind="request.refused" if refused else "request.served",
        outcome="denied" if refused else "success",
        reason=error.code if error else "",
        actor=Actor.of(g.principal),
        http={
            "method": request.method,
            "route": str(request.url_rule or "none"),
            "status": response.status_code,
            "code": error.code if error else None,
            "request": g.request_id,
        },
    )
    wait_s = services.settings.audit_wait_s
    return services.audit.append(g.principal.tenant_id, draft, timeout_s=wait_s).text
