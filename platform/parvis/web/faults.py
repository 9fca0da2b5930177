"""Every error becomes OpenAI's envelope under `/v1` and a sentence with a way on anywhere else.

Nothing of a request, a stack or a model server is repeated. Unknown errors are logged by type and
place, and answered as 500.
"""

import logging

from flask import Flask, Response, g, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from parvis.assistant.hiding import tell_action
from parvis.errors import (
    ConfigurationFaults,
    InternalError,
    InvalidRequest,
    NotFound,
    ParvisError,
    PayloadTooLarge,
    PersonalDataRefused,
)
from parvis.web.answers import json_response
from parvis.web.current import get_services
from parvis.web.pages import render_error

log = logging.getLogger(__name__)

_METHOD_NOT_ALLOWED = 405
_MACHINE_PATHS = ("/v1", "/v2", "/healthz", "/readyz", "/metrics")


class MethodNotAllowed(InvalidRequest):
    """The address exists, the method is another one."""

    status = _METHOD_NOT_ALLOWED
    default_code = "method_not_allowed"
    words = "This address does not take this method."


def register_faults(app: Flask) -> None:
    """Catch everything, so that no framework page is ever shown."""
    app.register_error_handler(ParvisError, _answer_parvis_error)
    app.register_error_handler(HTTPException, _answer_http_exception)
    app.register_error_handler(Exception, _answer_unknown)


def error_body(error: ParvisError) -> dict[str, object]:
    """OpenAI's error envelope."""
    return {
        "error": {
            "message": error.message,
            "type": error.type,
            "param": error.param,
            "code": error.code,
        }
    }


def _answer_parvis_error(error: ParvisError) -> ResponseReturnValue:
    if isinstance(error, ConfigurationFaults):  # would tell of files: not the caller's matter
        return _answer_unknown(error)
    g.error = error
    get_services().metrics.count_error(error.code)
    if error.receipt:
        g.receipt = error.receipt
    response = _render(error)
    if error.retry_after is not None:
        response.headers["retry-after"] = str(error.retry_after)
    if isinstance(error, PersonalDataRefused):
        response.headers["x-pii-action"] = tell_action("blocked", error.counts)
    if error.status == 401:  # noqa: PLR2004 - RFC 9110, 15.5.2
        response.headers["www-authenticate"] = 'Bearer realm="parvis"'
    return response


def _render(error: ParvisError) -> Response:
    if is_for_machines():
        return json_response(error_body(error), error.status)
    return render_error(error)


def is_for_machines() -> bool:
    """True for the addresses that programs call."""
    return request.path.startswith(_MACHINE_PATHS)


def _answer_http_exception(exception: HTTPException) -> ResponseReturnValue:
    code = exception.code or 500
    error: ParvisError
    if isinstance(exception, RequestEntityTooLarge):
        error = PayloadTooLarge()
    elif code == 404:  # noqa: PLR2004
        error = NotFound()
    elif code == _METHOD_NOT_ALLOWED:
        error = MethodNotAllowed()
    elif code < 400:  # noqa: PLR2004 - a redirect to the canonical address
        return exception.get_response()
    elif code < 500:  # noqa: PLR2004
        error = InvalidRequest("The request cannot be read.")
    else:
        error = InternalError()
    return _answer_parvis_error(error)


def _answer_unknown(exception: Exception) -> ResponseReturnValue:
    log.error("request.failed", exc_info=exception, extra={"request": g.get("request_id")})
    return _answer_parvis_error(InternalError())
