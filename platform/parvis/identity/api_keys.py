"""Fixed keys (`pv-...`) for clients that can hold nothing else.

A key is base64url of agency, client id and client secret. It is traded for a token at that agency's
Keycloak, which stays the only authority: revoking the secret there is enough.
"""

import binascii
import hashlib
import threading
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Callable, Sequence

from parvis.errors import AuthenticationFailed, RateLimited
from parvis.identity.claims import Issuer
from parvis.identity.keycloak import Keycloak

PREFIX = "pv-"
_MAX_CHARS = 1000
_PARTS = 3
_EARLY_S = 30
_REMEMBER_MOST = 1024
_WRONG_MOST = 10
_WINDOW_S = 60


def write_api_key(agency: str, client_id: str, client_secret: str) -> str:
    """The key of this client, as an agency types it into a program."""
    plain = f"{agency}:{client_id}:{client_secret}".encode()
    return PREFIX + urlsafe_b64encode(plain).rstrip(b"=").decode("ascii")


def read_api_key(key: str) -> tuple[str, str, str]:
    """Agency, client id and secret; raises AuthenticationFailed."""
    if key.startswith(PREFIX) and len(key) <= _MAX_CHARS and key.isascii():
        body = key.removeprefix(PREFIX)
        try:
            parts = urlsafe_b64decode(body + "=" * (-len(body) % 4)).decode("ascii").split(":", 2)
        except (binascii.Error, ValueError):
            parts = []
        if len(parts) == _PARTS and all(parts):
            return parts[0], parts[1], parts[2]
    raise AuthenticationFailed(reason="malformed_key")


class ApiKeys:
    """Trades keys for access tokens, kept in memory until shortly before they expire.

    After ten wrong secrets for one client in a minute further unknown ones are refused unasked
    (429); a key that is remembered goes on working. Safe for threads.
    """

    def __init__(
        self,
        issuers: Sequence[Issuer],
        keycloak: Keycloak,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._keycloak = keycloak
        self._issuers = {issuer.tenant_id: issuer for issuer in issuers}
        self._clock = clock
        self._lock = threading.Lock()
        self._tokens: OrderedDict[bytes, tuple[float, str]] = OrderedDict()
        self._wrong: dict[tuple[str, str], list[float]] = {}

    def trade(self, key: str) -> str:
        """An access token for this key, unverified (give it to the verifier).

        Raises AuthenticationFailed, RateLimited or IdentityUnavailable.
        """
        agency, client_id, secret = read_api_key(key)
        issuer = self._issuers.get(agency)
        if issuer is None or client_id not in issuer.service_clients:
            raise AuthenticationFailed(reason="unknown_client")
        digest = hashlib.sha256(key.encode("ascii")).digest()
        until, token = self._tokens.get(digest, (0.0, ""))
        if self._clock() < until:
            return token
        if until == 0.0:
            self._require_few_failures(agency, client_id)
        return self._fetch(issuer, client_id, secret, digest)

    def _fetch(self, issuer: Issuer, client_id: str, secret: str, digest: bytes) -> str:
        try:
            tokens = self._keycloak.client_credentials(
                issuer.issuer, client_id=client_id, client_secret=secret
            )
        except AuthenticationFailed:
            with self._lock:
                self._tokens.pop(digest, None)
                self._wrong.setdefault((issuer.tenant_id, client_id), []).append(self._clock())
            raise AuthenticationFailed(reason="wrong_secret") from None
        until = self._clock() + max(tokens.expires_in - _EARLY_S, 1)
        with self._lock:
            self._tokens[digest] = (until, tokens.access_token)
            while len(self._tokens) > _REMEMBER_MOST:
                self._tokens.popitem(last=False)
        return tokens.access_token

    def _require_few_failures(self, agency: str, client_id: str) -> None:
        now = self._clock()
        with self._lock:
            times = [at for at in self._wrong.get((agency, client_id), ()) if now - at < _WINDOW_S]
            self._wrong[(agency, client_id)] = times
        if len(times) >= _WRONG_MOST:
            raise RateLimited(retry_after=_WINDOW_S)
