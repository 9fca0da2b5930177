"""Access and ID tokens, checked in full: signature first, then every claim that we rely on.

The signature is verified with jwcrypto (which python-keycloak brings): python-keycloak's own
`decode_token` fetches keys on each call and lets a wrong issuer or a token without expiry pass
unless told otherwise. No claim is believed before the signature holds, except `iss` and `kid`,
which only pick the key to check with.
"""

import binascii
import hashlib
import json
import re
import threading
import time
from base64 import urlsafe_b64decode
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jwcrypto.common import JWException
from jwcrypto.jws import JWS

from parvis.domain import Principal
from parvis.errors import AuthenticationFailed
from parvis.identity.claims import (
    AUDIENCE,
    Issuer,
    check_id_token,
    check_times,
    choose_issuer,
    principal_from,
)
from parvis.identity.keyring import ALGORITHMS, FetchKeys, KeyRing

__all__ = ["AUDIENCE", "Issuer", "TokenVerifier"]

MAX_TOKEN_CHARS = 8192
_MAX_HEADER_CHARS = 1024
_MAX_KEY_ID = 200
_REMEMBER_S = 60
_REMEMBER_MOST = 4096
_BASE64URL = re.compile(r"[A-Za-z0-9_-]+")


class TokenVerifier:
    """Says who a token speaks for. Safe for threads.

    `issuers` are the agencies' homes; a token of any other issuer is refused without a fetch.
    A verified token is remembered (by its SHA-256) for at most a minute and never past its expiry.
    """

    def __init__(
        self,
        issuers: Sequence[Issuer],
        fetch_keys: FetchKeys,
        *,
        skew_s: int,
        refetch_s: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._issuers: dict[str, list[Issuer]] = {}
        for issuer in issuers:
            self._issuers.setdefault(issuer.issuer, []).append(issuer)
        self._keys = KeyRing(fetch_keys, refetch_s=refetch_s, clock=clock)
        self._skew_s = skew_s
        self._clock = clock
        self._known: OrderedDict[bytes, tuple[float, Principal]] = OrderedDict()
        self._lock = threading.Lock()

    def verify(self, token: str) -> Principal:
        """Who this access token speaks for.

        Raises AuthenticationFailed (its `reason` is a closed word for the platform log), or
        IdentityUnavailable when the issuer's keys cannot be had.
        """
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        known = self._recall(digest)
        if known is not None:
            return known
        claims, candidates = self._read(token)
        expires = check_times(claims, now=self._clock(), skew_s=self._skew_s)
        principal = principal_from(claims, choose_issuer(candidates, claims))
        self._remember(digest, expires, principal)
        return principal

    def verify_id_token(
        self, token: str, *, issuer: str, client_id: str, nonce: str
    ) -> Mapping[str, Any]:
        """The claims of this ID token; raises AuthenticationFailed or IdentityUnavailable."""
        claims, _ = self._read(token)
        if claims["iss"] != issuer:
            raise AuthenticationFailed(reason="issuer")
        check_times(claims, now=self._clock(), skew_s=self._skew_s)
        check_id_token(claims, client_id=client_id, nonce=nonce)
        return claims

    def _read(self, token: str) -> tuple[dict[str, Any], list[Issuer]]:
        """The claims that the token's issuer signed, and the agencies of that issuer."""
        header, unverified = _split(token)
        candidates = self._issuers.get(_find_text(unverified, "iss"))
        if not candidates:
            raise AuthenticationFailed(reason="unknown_issuer")
        algorithm, key_id = _check_header(header)
        key = self._keys.get_key(candidates[0].issuer, key_id, algorithm)
        signed = JWS()
        signed.allowed_algs = [algorithm]
        try:
            signed.deserialize(token)
            signed.verify(key)
            payload = signed.payload
        except (JWException, ValueError, TypeError):
            raise AuthenticationFailed(reason="signature") from None
        claims = _read_object(payload)
        if claims.get("iss") != candidates[0].issuer:
            raise AuthenticationFailed(reason="issuer")
        return claims, candidates

    def _recall(self, digest: bytes) -> Principal | None:
        with self._lock:
            until, principal = self._known.get(digest, (0.0, None))
            if principal is None or self._clock() >= until:
                self._known.pop(digest, None)
                return None
            return principal

    def _remember(self, digest: bytes, expires: float, principal: Principal) -> None:
        until = min(expires + self._skew_s, self._clock() + _REMEMBER_S)
        with self._lock:
            self._known[digest] = (until, principal)
            while len(self._known) > _REMEMBER_MOST:
                self._known.popitem(last=False)


def _split(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and payload, both unverified, of a token of the compact form (RFC 7515, 7.1)."""
    parts = token.split(".") if len(token) <= MAX_TOKEN_CHARS and token.isascii() else []
    if len(parts) != 3 or not all(parts) or len(parts[0]) > _MAX_HEADER_CHARS:  # noqa: PLR2004
        raise AuthenticationFailed(reason="malformed")
    return _read_object(_decode(parts[0])), _read_object(_decode(parts[1]))


def _decode(part: str) -> bytes:
    try:
        if _BASE64URL.fullmatch(part):  # the decoder itself would skip foreign characters
            return urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (binascii.Error, ValueError):
        pass
    raise AuthenticationFailed(reason="malformed")


def _read_object(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data, object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError):
        raise AuthenticationFailed(reason="malformed") from None
    if not isinstance(value, dict):
        raise AuthenticationFailed(reason="malformed")
    return value


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is there twice")
    return found


def _check_header(header: Mapping[str, Any]) -> tuple[str, str]:
    """Algorithm and key id; the header's own keys and addresses (jwk, jku, x5u) are never used."""
    algorithm, key_id = _find_text(header, "alg"), _find_text(header, "kid")
    if algorithm not in ALGORITHMS:
        raise AuthenticationFailed(reason="algorithm")
    if "crit" in header or "b64" in header:
        raise AuthenticationFailed(reason="critical_header")
    if _find_text(header, "typ").lower() not in {"jwt", "at+jwt"}:
        raise AuthenticationFailed(reason="header_type")
    if not 0 < len(key_id) <= _MAX_KEY_ID:
        raise AuthenticationFailed(reason="key_id")
    return algorithm, key_id


def _find_text(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name)
    return value if isinstance(value, str) else ""
