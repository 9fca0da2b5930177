"""The pages with real sessions: a gateway, a tiny OpenID provider, a scripted model server.

People sign in through the gateway's own login; only the provider's form is left out.
"""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from flask.testing import FlaskClient
from werkzeug.serving import make_server

from tests.fakes.installation import Installation, build_installation
from tests.fakes.issuer import IssuerServer
from tests.fakes.model_server import FakeModelServer

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

AGENCIES = ("valbourg", "emploi-mosel", "habitat")


@dataclass
class Site:
    """The gateway, who can sign in, and the model server behind it."""

    installation: Installation
    issuer: IssuerServer
    model_server: FakeModelServer

    def callback_path(self, login_url: str, agency: str, role: str, **claims: object) -> str:
        """Where the provider sends the browser after this person signed in."""
        roles = {"roles": role.split()}
        claims |= {f"id_{name}": value for name, value in claims.items()}
        back = self.issuer.realms[agency].log_in(login_url, realm_access=roles, **claims)
        return "/login/callback?" + urlencode(back)

    def sign_in(
        self, agency: str = "emploi-mosel", role: str = "civil-servant", **claims: object
    ) -> FlaskClient:
        """A client with the session of such a person."""
        client = self.installation.client
        login = client.get(f"/login?agency={agency}&return_to=/")
        done = client.get(self.callback_path(login.location, agency, role, **claims))
        assert done.status_code in {302, 303}, done.text
        return client


@contextmanager
def run_site(folder: Path, **changes: str) -> Iterator[Site]:
    """A site in this process; `changes` are settings."""
    with IssuerServer() as issuer, FakeModelServer() as model_server:
        for agency in AGENCIES:
            issuer.add_realm(agency)
        changes = {"PARVIS_KEYCLOAK_URL": issuer.url} | changes
        installation = build_installation(folder, model_server, **changes)
        try:
            yield Site(installation, issuer, model_server)
        finally:
            installation.services.close()


@contextmanager
def serve(site: Site, port: int) -> Iterator[str]:
    """The site on a real port; its address."""
    server = make_server("127.0.0.1", port, _with_whole_files(site.installation.app), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _with_whole_files(app: "WSGIApplication") -> "WSGIApplication":
    """The same, its files read at once: this server, unlike the real one, leaves a file open when
    a browser goes elsewhere before it has arrived."""

    def serve(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        body = app(environ, start_response)
        if not environ["PATH_INFO"].startswith("/assets/"):
            return body
        try:
            return [b"".join(body)]
        finally:
            body.close()  # type: ignore[attr-defined]

    return serve
