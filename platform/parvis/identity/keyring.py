"""The public keys of each issuer, remembered, and fetched again seldom.

A key belongs to the issuer it was fetched from: no other issuer's token is checked against it.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jwcrypto.common import JWException
from jwcrypto.jwk import JWK

from parvis.errors import AuthenticationFailed, IdentityUnavailable

# the only signatures that count, each with the kind of key it needs (RFC 7518, 3.1)
ALGORITHMS: Mapping[str, str] = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC"}

_RENEW_S = 600
_STALE_S = 3600
_RETRY_S = 5
_MIN_RSA_BITS = 2048
_MAX_KEYS = 50

FetchKeys = Callable[[str], Mapping[str, Any]]


@dataclass
class _Shelf:
    """The keys of one issuer; times are the clock's, in seconds."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    keys: Mapping[tuple[str, str], JWK] = field(default_factory=dict)
    fetched_at: float = float("-inf")
    tried_at: float = float("-inf")


class KeyRing:
    """Signature keys by issuer, key id and algorithm. Safe for threads.

    Keys are renewed every ten minutes, so that a key that a realm gave up stops counting; while
    Keycloak is down they serve for an hour. An unknown key id causes at most one fetch for each
    issuer in `refetch_s` seconds.
    """

    def __init__(
        self, fetch: FetchKeys, *, refetch_s: int, clock: Callable[[], float] = time.time
    ) -> None:
        self._fetch = fetch
        self._refetch_s = refetch_s
        self._clock = clock
        self._shelves: dict[str, _Shelf] = {}
        self._lock = threading.Lock()

    def get_key(self, issuer: str, key_id: str, algorithm: str) -> JWK:
        """The issuer's key; raises AuthenticationFailed or IdentityUnavailable.

        `issuer` MUST be a configured one: each gets a shelf that is kept.
        """
        with self._lock:
            shelf = self._shelves.setdefault(issuer, _Shelf())
        with shelf.lock:
            self._renew(shelf, issuer)
            found = shelf.keys.get((key_id, algorithm))
            if found is None and self._clock() - shelf.tried_at >= self._refetch_s:
                self._refill(shelf, issuer)
                found = shelf.keys.get((key_id, algorithm))
        if found is None:
            raise AuthenticationFailed(reason="unknown_key")
        return found

    def _renew(self, shelf: _Shelf, issuer: str) -> None:
        now = self._clock()
        if now - shelf.fetched_at < _RENEW_S:
            return
        usable = now - shelf.fetched_at < _STALE_S
        if now - shelf.tried_at < _RETRY_S:
            if usable:
                return
            raise IdentityUnavailable(retry_after=_RETRY_S)
        try:
            self._refill(shelf, issuer)
        except IdentityUnavailable:
            if not usable:
                raise

    def _refill(self, shelf: _Shelf, issuer: str) -> None:
        shelf.tried_at = self._clock()
        shelf.keys = _read_keys(self._fetch(issuer))
        shelf.fetched_at = shelf.tried_at


def _read_keys(key_set: Mapping[str, Any]) -> dict[tuple[str, str], JWK]:
    """Signature keys by id and algorithm; a key that we could not trust is left out."""
    found: dict[tuple[str, str], JWK] = {}
    listed = key_set.get("keys")
    for entry in listed[:_MAX_KEYS] if isinstance(listed, list) else ():
        if isinstance(entry, dict):
            _add_key(found, entry)
    return found


def _add_key(found: dict[tuple[str, str], JWK], entry: Mapping[str, Any]) -> None:
    key_id = entry.get("kid")
    if not isinstance(key_id, str) or entry.get("use", "sig") != "sig":
        return
    public = {name: entry[name] for name in ("kty", "n", "e", "crv", "x", "y") if name in entry}
    for algorithm, kind in ALGORITHMS.items():
        if entry.get("kty") == kind and entry.get("alg", algorithm) == algorithm:
            key = _find_public_key(public)
            if key is not None:
                found[(key_id, algorithm)] = key


def _find_public_key(public: Mapping[str, Any]) -> JWK | None:
    try:
        key = JWK(**public)
        if public["kty"] == "RSA":
            strong = key.get_op_key("verify").key_size >= _MIN_RSA_BITS
        else:
            strong = public.get("crv") == "P-256"
            key.get_op_key("verify")  # raises when the point is not on the curve
    except (JWException, ValueError, TypeError):
        return None
    return key if strong else None
