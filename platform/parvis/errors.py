"""Every error that may reach a caller, as one tree.

ParvisError
├── InvalidRequest            400 invalid_value
│   ├── UnsupportedParameter  400 unsupported_parameter
│   ├── ContextTooLong        400 context_length_exceeded
│   ├── PolicyRefused         400 policy_violation
│   ├── PersonalDataRefused   400 personal_data_refused
│   ├── PayloadTooLarge       413 request_too_large
│   └── UnsupportedMediaType  415 unsupported_media_type
├── AuthenticationFailed      401 invalid_api_key | token_expired | invalid_audience
├── PermissionDenied          403 permission_denied
├── NotFound                  404 not_found
│   └── ModelNotFound         404 model_not_found
├── Conflict                  409 conflict
├── RateLimited               429 rate_limit_exceeded
├── Unavailable               503 service_unavailable
│   ├── AuditUnavailable      503 audit_unavailable
│   ├── PrivacyUnavailable    503 pii_engine_unavailable
│   ├── IdentityUnavailable   503 identity_unavailable
│   └── ModelOverloaded       503 model_overloaded
├── UpstreamFailed            502 upstream_error
├── UpstreamTimeout           504 upstream_timeout
├── CallerHungUp              499 client_closed_request
├── InternalError             500 internal_error
└── ConfigurationFaults       (start-up only: every fault of every file in one message)

Public words never repeat what the caller sent: which field, what was expected, what to do.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar


class ParvisError(Exception):
    """Base of all: `status`, stable `code`, OpenAI's `type`, and words that may be shown."""

    status: ClassVar[int] = 500
    type: ClassVar[str] = "server_error"
    default_code: ClassVar[str] = "internal_error"
    words: ClassVar[str] = "Something went wrong on our side. The request was not completed."
    default_retry_s: ClassVar[int | None] = None  # when who raises it knows no better

    def __init__(
        self,
        message: str | None = None,
        *,
        code: str | None = None,
        param: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        self.message = message or self.words
        self.code = code or self.default_code
        self.param = param
        self.retry_after = self.default_retry_s if retry_after is None else retry_after
        # the audit receipt of the record that tells of this error, once there is one
        self.receipt = ""
        super().__init__(self.message)


class InvalidRequest(ParvisError):
    status = 400
    type = "invalid_request_error"
    default_code = "invalid_value"
    words = "The request is not valid."


class UnsupportedParameter(InvalidRequest):
    default_code = "unsupported_parameter"
    words = "A field of the request is not supported here."


class ContextTooLong(InvalidRequest):
    default_code = "context_length_exceeded"
    words = "The messages are longer than the model can read. Shorten them and try again."


class PolicyRefused(InvalidRequest):
    """A rule said no; `rules` are the ids of the rules that decided."""

    default_code = "policy_violation"
    words = "This request is not allowed by the rules of this installation."

    def __init__(self, message: str | None = None, *, rules: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.rules = rules


class PersonalDataRefused(InvalidRequest):
    """The assistant takes no personal data, and there was some; `counts` by kind, never values."""

    default_code = "personal_data_refused"
    words = (
        "This assistant takes no personal data, and the text holds some. Nothing was sent to a "
        "model. Take names, addresses and numbers out and try again."
    )

    def __init__(self, counts: Mapping[str, int], *, detector: str = "") -> None:
        super().__init__()
        self.counts = counts
        self.detector = detector


class PayloadTooLarge(InvalidRequest):
    status = 413
    default_code = "request_too_large"
    words = "The request is larger than this installation accepts."


class UnsupportedMediaType(InvalidRequest):
    status = 415
    default_code = "unsupported_media_type"
    words = "Send the request as application/json."


class AuthenticationFailed(ParvisError):
    """`reason` is for the platform log only: a closed word, never a value from the token."""

    status = 401
    type = "authentication_error"
    default_code = "invalid_api_key"
    words = "The access token is missing or not valid. Get a new one from your agency's Keycloak."

    def __init__(
        self, message: str | None = None, *, code: str | None = None, reason: str = ""
    ) -> None:
        super().__init__(message, code=code)
        self.reason = reason or self.code


class PermissionDenied(ParvisError):
    status = 403
    type = "permission_error"
    default_code = "permission_denied"
    words = "Your role does not allow this."


class NotFound(ParvisError):
    status = 404
    type = "invalid_request_error"
    default_code = "not_found"
    words = "There is nothing at this address."


class ModelNotFound(NotFound):
    default_code = "model_not_found"
    words = "There is no assistant of this name for you. GET /v1/models lists yours."


class Conflict(ParvisError):
    status = 409
    type = "invalid_request_error"
    default_code = "conflict"
    words = "This was changed or sent already."


class RateLimited(ParvisError):
    status = 429
    type = "rate_limit_error"
    default_code = "rate_limit_exceeded"
    words = "Too many requests for now. Wait and try again."


class Unavailable(ParvisError):
    status = 503
    type = "service_unavailable_error"
    default_code = "service_unavailable"
    words = "The service cannot answer just now. Try again in a moment."


class AuditUnavailable(Unavailable):
    default_code = "audit_unavailable"
    words = "The audit log cannot be written, so nothing was done. Try again in a moment."
    default_retry_s: ClassVar[int | None] = 5


class PrivacyUnavailable(Unavailable):
    default_code = "pii_engine_unavailable"
    words = "Personal data cannot be protected just now, so nothing was sent to a model."


class IdentityUnavailable(Unavailable):
    default_code = "identity_unavailable"
    words = "The sign-in service cannot be reached. Try again in a moment."


class ModelOverloaded(Unavailable):
    default_code = "model_overloaded"
    words = "The model is busy. Try again in a moment."


class UpstreamFailed(ParvisError):
    status = 502
    default_code = "upstream_error"
    words = "The model server failed. Try again in a moment."


class UpstreamTimeout(ParvisError):
    status = 504
    default_code = "upstream_timeout"
    words = "The model server did not answer in time. Try again in a moment."


class CallerHungUp(ParvisError):
    """Nobody reads the answer any more; the status is the one that web servers log for it."""

    status = 499
    default_code = "client_closed_request"
    words = "The caller hung up."


class InternalError(ParvisError):
    """What an unexpected exception becomes at the edge: logged there, nothing echoed."""


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing wrong in one configuration file; `line` counts from 1, 0 when unknown."""

    file: str
    line: int
    key: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"


class ConfigurationFaults(ParvisError):
    """Every fault found in the configuration, so that one reading mends all."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(set(faults)))
        super().__init__("\n".join(str(fault) for fault in self.faults))
