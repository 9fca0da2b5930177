"""From the claims of a token whose signature holds to a Principal, or a refusal.

Nothing here checks a signature: `tokens.py` does, and MUST have done so before.
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from parvis.domain import Principal, Role
from parvis.errors import AuthenticationFailed

AUDIENCE = "parvis"
PLATFORM = "platform"
MAX_LIFE_S = 24 * 3600

_MAX_SUBJECT = 255
_MAX_NAME = 200
_PLATFORM_ROLES = frozenset({Role.PLATFORM_ADMIN, Role.PLATFORM_AUDITOR})
_KNOWN_ROLES = {role.value: role for role in Role}

Claims = Mapping[str, Any]


@dataclass(frozen=True)
class Issuer:
    """One agency's home in Keycloak: its realm's issuer, and its organization in a shared realm."""

    tenant_id: str
    issuer: str
    realm: str
    organization: str | None
    audience: str
    portal_client: str
    service_clients: tuple[str, ...]


def check_times(claims: Claims, *, now: float, skew_s: int) -> float:
    """The moment of expiry in seconds since 1970; raises AuthenticationFailed (RFC 7519, 4.1)."""
    expires = _get_time(claims, "exp")
    issued = _get_time(claims, "iat")
    if "nbf" in claims and _get_time(claims, "nbf") > now + skew_s:
        raise AuthenticationFailed(reason="not_yet_valid")
    if issued > now + skew_s:
        raise AuthenticationFailed(reason="issued_in_future")
    if not 0 < expires - issued <= MAX_LIFE_S:
        raise AuthenticationFailed(reason="implausible_life")
    if expires + skew_s <= now:
        raise AuthenticationFailed(
            "The access token has expired. Get a new one from your agency's Keycloak.",
            code="token_expired",
            reason="expired",
        )
    return expires


def _get_time(claims: Claims, name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise AuthenticationFailed(reason=f"bad_{name}")
    if not 0 <= value < 2**40:  # also refuses NaN and infinity
        raise AuthenticationFailed(reason=f"bad_{name}")
    return float(value)


def choose_issuer(candidates: Sequence[Issuer], claims: Claims) -> Issuer:
    """The one agency that issuer and organization together name; raises AuthenticationFailed.

    `candidates` are the agencies of the issuer that signed. An `organization` claim never chooses
    beyond them.
    """
    if len(candidates) == 1 and candidates[0].organization is None:
        return candidates[0]
    named = _organizations(claims)
    matching = [one for one in candidates if one.organization in named]
    if len(matching) != 1:
        raise AuthenticationFailed(reason="organization")
    return matching[0]


def _organizations(claims: Claims) -> frozenset[str]:
    # Keycloak writes a list of aliases, or an object with an alias for each key
    value = claims.get("organization")
    if isinstance(value, str):
        return frozenset({value})
    if isinstance(value, list | dict):
        return frozenset(item for item in value if isinstance(item, str))
    return frozenset()


def principal_from(claims: Claims, issuer: Issuer) -> Principal:
    """Who an access token of this agency speaks for; raises AuthenticationFailed."""
    if claims.get("typ") != "Bearer":
        raise AuthenticationFailed(reason="token_type")
    if issuer.audience not in _audiences(claims):
        raise AuthenticationFailed(
            "The access token was not issued for this service.",
            code="invalid_audience",
            reason="audience",
        )
    client = claims.get("azp")
    is_service = client in issuer.service_clients
    if not isinstance(client, str) or not (is_service or client == issuer.portal_client):
        raise AuthenticationFailed(reason="authorised_party")
    return Principal(
        tenant_id=issuer.tenant_id,
        subject=get_subject(claims),
        client_id=client,
        kind="service" if is_service else "person",
        roles=_roles(claims, issuer, is_service=is_service),
        assurance=_find_text(claims, "acr", 20),
        display_name=_find_text(claims, "name", _MAX_NAME)
        or _find_text(claims, "preferred_username", _MAX_NAME),
    )


def check_id_token(claims: Claims, *, client_id: str, nonce: str) -> None:
    """Nothing, or AuthenticationFailed (OpenID Connect Core 1.0, 3.1.3.7)."""
    if claims.get("typ") != "ID":
        raise AuthenticationFailed(reason="token_type")
    audiences = _audiences(claims)
    if client_id not in audiences:
        raise AuthenticationFailed(code="invalid_audience", reason="audience")
    if claims.get("azp", client_id) != client_id or (len(audiences) > 1 and "azp" not in claims):
        raise AuthenticationFailed(reason="authorised_party")
    if not hmac.compare_digest(_find_text(claims, "nonce", 200).encode(), nonce.encode()):
        raise AuthenticationFailed(reason="nonce")


def get_subject(claims: Claims) -> str:
    """The realm's own id of the person or service account; raises AuthenticationFailed."""
    subject = _find_text(claims, "sub", _MAX_SUBJECT)
    if not subject:
        raise AuthenticationFailed(reason="subject")
    return subject


def _audiences(claims: Claims) -> tuple[str, ...]:
    value = claims.get("aud")
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list):
        return tuple(item for item in value if isinstance(item, str))
    return ()


def _roles(claims: Claims, issuer: Issuer, *, is_service: bool) -> frozenset[Role]:
    """Realm roles that this kind of caller can have at all; all others are as if not there."""
    access = claims.get("realm_access")
    names = access.get("roles") if isinstance(access, dict) else None
    named = {name for name in names if isinstance(name, str)} if isinstance(names, list) else set()
    found = {_KNOWN_ROLES[name] for name in named if name in _KNOWN_ROLES}
    if is_service:
        return frozenset(found & {Role.CHATBOT})
    of_platform = issuer.tenant_id == PLATFORM
    possible = _PLATFORM_ROLES if of_platform else set(Role) - _PLATFORM_ROLES
    return frozenset((found & possible) - {Role.CHATBOT})


def _find_text(claims: Claims, name: str, longest: int) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or len(value) > longest or not value.isprintable():
        return ""
    return value
