"""What a model server's refusals mean to us. Its own words go nowhere: they may quote a person."""

import logging
from collections.abc import Collection
from typing import Any, TypeVar

import orjson

from parvis.errors import ContextTooLong, ModelOverloaded, ParvisError, UpstreamFailed

log = logging.getLogger(__name__)

Failure = TypeVar("Failure", bound=ParvisError)
_TOO_LONG_TYPES = frozenset({"exceed_context_size_error", "context_length_exceeded"})
_TOO_LONG_WORDS = (
    "maximum context length",
    "context size",
    "context window",
    "maximum model length",
    "max_model_len",
)
_BAD_REQUEST = (400, 413, 422)
_MAX_RETRY_AFTER = 60


def log_failure(error: Failure, reason: str, server: str) -> Failure:
    """The error, with why it came in the log: a closed word, nothing of the server's own."""
    log.warning("model.failed", extra={"server": server, "reason": reason})
    return error


def error_from_response(
    server: str, status: int, body: bytes, retry_after: str | None, busy_status: Collection[int]
) -> ParvisError:
    """The error of ours that an answer other than 200 stands for; logs its status alone."""
    if status in busy_status:
        log.info("model.busy", extra={"server": server, "status": status})
        return ModelOverloaded(retry_after=_parse_retry_after(retry_after))
    if status in _BAD_REQUEST and _is_too_long(_parse_error(body)):
        return ContextTooLong()
    log.warning("model.refused", extra={"server": server, "status": status})
    return UpstreamFailed()


def error_from_event(server: str, data: Any, busy_status: Collection[int]) -> ParvisError:
    """The error of ours that an `error` inside a stream stands for."""
    error = data.get("error", data) if isinstance(data, dict) else {}
    error = error if isinstance(error, dict) else {}
    code = error.get("code")
    if _is_too_long(error):
        return ContextTooLong()
    if isinstance(code, int) and code in busy_status:
        return ModelOverloaded(retry_after=1)
    log.warning(
        "model.stream_error",
        extra={"server": server, "status": code if isinstance(code, int) else None},
    )
    return UpstreamFailed()


def _parse_error(body: bytes) -> dict[str, Any]:
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    if not isinstance(parsed, dict):
        return {}
    error = parsed.get("error", parsed)
    return error if isinstance(error, dict) else {}


def _is_too_long(error: dict[str, Any]) -> bool:
    if {str(error.get("type")), str(error.get("code"))} & _TOO_LONG_TYPES:
        return True
    message = str(error.get("message", "")).lower()
    return any(words in message for words in _TOO_LONG_WORDS)


def _parse_retry_after(value: str | None) -> int:
    if value is None or not value.strip().isdigit():
        return 1
    return max(1, min(_MAX_RETRY_AFTER, int(value)))
