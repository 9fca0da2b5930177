"""A tiny OpenID provider on loopback: real RSA and EC keys, real signatures, real HTTP.

It issues whatever a test wants signed, right or wrong; checks PKCE as Keycloak does; and counts
how often its keys were fetched. Several realms live on one server, each with keys of its own.
"""

import json
import secrets
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from jwcrypto.jwk import JWK
from jwcrypto.jws import JWS

_KINDS: dict[str, dict[str, Any]] = {
    "RS256": {"kty": "RSA", "size": 2048},
    "PS256": {"kty": "RSA", "size": 2048},
    "ES256": {"kty": "EC", "crv": "P-256"},
}


@dataclass
class Grant:
    """A code that a login gave out: whose it is, and what it is bound to."""

    client_id: str
    redirect_uri: str
    challenge: str
    nonce: str
    claims: dict[str, Any]


@dataclass
class Realm:
    """One realm: its keys by id, and what it did."""

    issuer: str
    keys: dict[str, JWK] = field(default_factory=dict)
    fetches: int = 0
    codes: dict[str, Grant] = field(default_factory=dict)
    refreshes: dict[str, dict[str, Any]] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    ended: list[str] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    life_s: int = 300

    def add_key(self, algorithm: str = "RS256", **extra: Any) -> JWK:
        """A fresh signature key of this realm."""
        settings = {**_KINDS[algorithm], "alg": algorithm, "use": "sig", **extra}
        key = JWK.generate(kid=secrets.token_hex(8), **settings)
        self.keys[key.kid] = key
        return key

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Claims of a good access token, as Keycloak writes them; None takes one away."""
        now = int(time.time())
        good: dict[str, Any] = {
            "iss": self.issuer,
            "aud": ["parvis", "account"],
            "sub": "0f8fad5b-d9cb-469f-a165-70867728950e",
            "typ": "Bearer",
            "azp": "parvis-portal",
            "iat": now,
            "exp": now + self.life_s,
            "acr": "1",
            "name": "Camille Weber",
            "realm_access": {"roles": ["civil-servant", "offline_access"]},
        }
        return {name: value for name, value in (good | changes).items() if value is not None}

    def sign(
        self,
        claims: Mapping[str, Any] | bytes,
        *,
        key: JWK | None = None,
        header: Mapping[str, Any] | None = None,
    ) -> str:
        """A compact token over these claims; header values of None are taken away."""
        chosen = key or next(iter(self.keys.values()))
        fields = {"alg": chosen.alg, "typ": "JWT", "kid": chosen.kid, **(header or {})}
        fields = {name: value for name, value in fields.items() if value is not None}
        body = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
        token = JWS(body)
        token.allowed_algs = [fields["alg"]]
        token.add_signature(chosen, protected=json.dumps(fields))
        return str(token.serialize(compact=True))

    def log_in(self, login_url: str, **claims: Any) -> dict[str, str]:
        """What the browser brings back after the person signed in: state, code and iss."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(login_url).query).items()}
        code = secrets.token_urlsafe(16)
        self.codes[code] = Grant(
            asked["client_id"],
            asked["redirect_uri"],
            asked["code_challenge"],
            asked["nonce"],
            claims,
        )
        return {"state": asked["state"], "code": code, "iss": self.issuer}

    def answer(self, form: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        """What the token endpoint says to this form."""
        self.asked.append(dict(form))
        if form.get("grant_type") == "authorization_code":
            return self._answer_code(form)
        if form.get("grant_type") == "refresh_token":
            kept = self.refreshes.pop(form.get("refresh_token", ""), None)
            return self._tokens(kept, None) if kept is not None else _REFUSED
        client = form.get("client_id", "")
        if form.get("client_secret") != self.secrets.get(client, object()):
            return 401, {"error": "unauthorized_client"}
        roles = {"roles": ["chatbot"]}
        return self._tokens({"azp": client, "realm_access": roles}, None)

    def _answer_code(self, form: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        grant = self.codes.pop(form.get("code", ""), None)
        verifier = form.get("code_verifier", "")
        challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        bound = grant and (grant.client_id, grant.redirect_uri, grant.challenge)
        if grant is None or bound != (form.get("client_id"), form.get("redirect_uri"), challenge):
            return _REFUSED
        return self._tokens(grant.claims, grant.nonce)

    def _tokens(self, claims: dict[str, Any], nonce: str | None) -> tuple[int, dict[str, Any]]:
        identity = {"typ": "ID", "aud": "parvis-portal", "nonce": nonce, "realm_access": None}
        refresh = secrets.token_urlsafe(16)
        self.refreshes[refresh] = claims
        access = {name: value for name, value in claims.items() if not name.startswith("id_")}
        of_id = {name[3:]: value for name, value in claims.items() if name.startswith("id_")}
        return 200, {
            "access_token": self.sign(self.claims(**access)),
            "id_token": self.sign(self.claims(**(identity | of_id))),
            "refresh_token": refresh,
            "expires_in": self.life_s,
            "token_type": "Bearer",
        }


_REFUSED: tuple[int, dict[str, Any]] = (400, {"error": "invalid_grant"})


class IssuerServer:
    """The server; a context manager. `down` makes every answer a 503."""

    def __init__(self) -> None:
        self.realms: dict[str, Realm] = {}
        self.down = False
        server = ThreadingHTTPServer(
            ("127.0.0.1", 0), type("Handler", (_Handler,), {"issuer": self})
        )
        server.daemon_threads = True
        self._server = server
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        self._thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})

    def add_realm(self, name: str, algorithm: str = "RS256") -> Realm:
        """A realm with one key."""
        realm = Realm(f"{self.url}/realms/{name}")
        realm.add_key(algorithm)
        self.realms[name] = realm
        return realm

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    issuer: IssuerServer

    def do_GET(self) -> None:
        realm = self._realm("certs")
        if realm is None:
            return
        realm.fetches += 1
        public = [json.loads(key.export_public()) for key in realm.keys.values()]
        self._send(200, {"keys": public})

    def do_POST(self) -> None:
        size = int(self.headers.get("content-length", "0"))
        form = parse_qs(self.rfile.read(size).decode())
        fields = {name: values[0] for name, values in form.items()}
        if self.path.endswith("/logout"):
            realm = self._realm("logout")
            if realm is not None:
                realm.ended.append(fields.get("refresh_token", ""))
                self._send(204, None)
            return
        realm = self._realm("token")
        if realm is not None:
            self._send(*realm.answer(fields))

    def _realm(self, endpoint: str) -> Realm | None:
        parts = urlsplit(self.path).path.strip("/").split("/")
        wanted = ["realms", parts[1], "protocol", "openid-connect", endpoint]
        found = self.issuer.realms.get(parts[1]) if parts == wanted else None
        if self.issuer.down or found is None:
            self._send(503 if self.issuer.down else 404, {"error": "no"})
            return None
        return found

    def _send(self, status: int, body: dict[str, Any] | None) -> None:
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        if body is not None:
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Quiet."""
