"""The gateway's only way to Keycloak: keys, codes, refreshes, client credentials, addresses.

Built on python-keycloak's KeycloakOpenID. That object changes its own headers during a call, so
each call borrows one from a pool and no two threads share it. No administrator's credential ever
comes here (`provisioning.py` is the command line's).
"""

import contextlib
import queue
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from keycloak import KeycloakOpenID
from keycloak.exceptions import KeycloakConnectionError, KeycloakError
from requests import RequestException

from parvis.domain import Language
from parvis.errors import AuthenticationFailed, IdentityUnavailable

_SERVER_FAULT = 500
_RETRY_S = 5


@dataclass(frozen=True, slots=True, repr=False)
class Tokens:
    """What Keycloak's token endpoint gave, unverified; lives in seconds from now."""

    access_token: str
    refresh_token: str
    id_token: str
    expires_in: int


class Keycloak:
    """One Keycloak server, by the base address that tokens name. Safe for threads.

    `ca_file` are the certificate authorities for its TLS (None: the system's); every call waits at
    most `timeout_s` seconds. MUST be used after a fork only.
    """

    def __init__(self, base_url: str, ca_file: Path | None = None, *, timeout_s: int = 5) -> None:
        self._base_url = base_url.rstrip("/")
        self._verify: bool | str = str(ca_file) if ca_file else True
        self._timeout_s = timeout_s
        self._pools: dict[tuple[str, str], queue.SimpleQueue[Any]] = {}

    def fetch_keys(self, issuer: str) -> Mapping[str, Any]:
        """The issuer's public keys (RFC 7517, 5); raises IdentityUnavailable."""
        with self._borrow(self._realm_of(issuer)) as client, _converting_errors(grant=False):
            keys: Mapping[str, Any] = client.certs()
        return keys

    def authorization_url(
        self,
        issuer: str,
        *,
        client_id: str,
        redirect_uri: str,
        state: str,
        nonce: str,
        verifier: str,
        language: Language | None = None,
    ) -> str:
        """Where the browser goes to sign in: code flow with PKCE S256 (RFC 7636, 4.3)."""
        challenge = urlsafe_b64encode(sha256(verifier.encode("ascii")).digest()).rstrip(b"=")
        fields = {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": redirect_uri,
            "scope": "openid profile",
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge.decode("ascii"),
            "code_challenge_method": "S256",
        }
        if language:
            fields["ui_locales"] = language
        return f"{issuer}/protocol/openid-connect/auth?{urlencode(fields)}"

    def exchange_code(
        self, issuer: str, *, client_id: str, code: str, verifier: str, redirect_uri: str
    ) -> Tokens:
        """Tokens for a code; raises AuthenticationFailed or IdentityUnavailable."""
        return self._ask(
            issuer,
            client_id,
            grant_type="authorization_code",
            code=code,
            code_verifier=verifier,
            redirect_uri=redirect_uri,
        )

    def refresh(self, issuer: str, *, client_id: str, refresh_token: str) -> Tokens:
        """Newer tokens; AuthenticationFailed when the person's session at Keycloak is over."""
        return self._ask(issuer, client_id, grant_type="refresh_token", refresh_token=refresh_token)

    def client_credentials(self, issuer: str, *, client_id: str, client_secret: str) -> Tokens:
        """A service account's token; raises AuthenticationFailed or IdentityUnavailable."""
        return self._ask(
            issuer,
            client_id,
            grant_type="client_credentials",
            client_secret=client_secret,
        )

    def end_session(self, issuer: str, *, client_id: str, refresh_token: str) -> None:
        """End the person's session at Keycloak, for every client of the realm.

        Nothing when it was over already; raises IdentityUnavailable. Asked from here and not by a
        redirect: the browser may not arrive, its history would keep the ID token, and a page that
        lets forms go nowhere else (`form-action 'self'`) could not send it there.
        """
        realm = self._realm_of(issuer)
        with contextlib.suppress(AuthenticationFailed), _converting_errors(grant=True):
            with self._borrow(realm, client_id) as client:
                client.logout(refresh_token)

    def _ask(self, issuer: str, client_id: str, **fields: str) -> Tokens:
        realm = self._realm_of(issuer)
        with self._borrow(realm, client_id) as client, _converting_errors(grant=True):
            answer: Mapping[str, Any] = client.token(**fields)
        return _read_tokens(answer)

    def _realm_of(self, issuer: str) -> str:
        prefix, realm = f"{self._base_url}/realms/", issuer.rpartition("/")[2]
        if issuer != prefix + realm or not realm:
            raise AuthenticationFailed(reason="unknown_issuer")
        return realm

    @contextmanager
    def _borrow(self, realm: str, client_id: str = "") -> Iterator[Any]:
        pool = self._pools.setdefault((realm, client_id), queue.SimpleQueue())
        try:
            client = pool.get_nowait()
        except queue.Empty:
            client = self._connect(realm, client_id)
        try:
            yield client
        finally:
            pool.put(client)

    def _connect(self, realm: str, client_id: str) -> Any:
        return KeycloakOpenID(
            server_url=f"{self._base_url}/",
            realm_name=realm,
            client_id=client_id,
            verify=self._verify,
            timeout=self._timeout_s,
            max_retries=1,  # a kept connection may have been closed at the other end
        )


@contextmanager
def _converting_errors(*, grant: bool) -> Iterator[None]:
    """python-keycloak's errors as ours; their words may hold what a person typed and stay here.

    A refused grant is the caller's failure; refused keys are ours (no such realm).
    """
    try:
        yield
    except KeycloakConnectionError:
        raise IdentityUnavailable(retry_after=_RETRY_S) from None
    except KeycloakError as error:
        if grant and error.response_code and error.response_code < _SERVER_FAULT:
            raise AuthenticationFailed(reason="grant_refused") from None
        raise IdentityUnavailable(retry_after=_RETRY_S) from None
    except (RequestException, TypeError, ValueError):  # not JSON, or not an object
        raise IdentityUnavailable(retry_after=_RETRY_S) from None


def _read_tokens(answer: Mapping[str, Any]) -> Tokens:
    def text(name: str) -> str:
        value = answer.get(name, "")
        return value if isinstance(value, str) else ""

    expires = answer.get("expires_in", 0)
    if not text("access_token") or not isinstance(expires, int):
        raise IdentityUnavailable(retry_after=_RETRY_S)
    return Tokens(text("access_token"), text("refresh_token"), text("id_token"), expires)
