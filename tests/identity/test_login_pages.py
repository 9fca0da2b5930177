"""Signing in and out as a browser does it: cookies, redirects, records, and every failure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from parvis.app import create_app
from parvis.audit.log import AuditLog
from parvis.audit.reader import AuditReader
from parvis.db import create_database_engine, upgrade_database
from parvis.identity.keycloak import Keycloak
from parvis.identity.sessions import Sessions
from parvis.identity.tokens import TokenVerifier
from parvis.inference import load_models
from parvis.keystore import KeyStore
from parvis.metrics import Metrics
from parvis.services import Services, build_issuer
from parvis.session_ends import build_teller
from parvis.settings import Settings
from parvis.tables import SessionRow
from parvis.tenancy.registry import load_tenants
from parvis.web.rate_limit import RateLimit
from tests.fakes.issuer import IssuerServer, Realm

TENANTS = Path(__file__).parents[2] / "tenants"
MODELS_FILE = TENANTS.parent / "deploy/models.yaml"
ROOT_KEY = b"r" * 32


class Portal:
    """The doors of the gateway with real sessions and a real log; other rooms stay closed."""

    def __init__(self, folder: Path, issuer_server: IssuerServer, public_url: str) -> None:
        self.settings = Settings(
            data_dir=folder, public_url=public_url, keycloak_url=issuer_server.url
        )
        tenants = load_tenants(TENANTS, models=load_models(MODELS_FILE).models, policies=())
        issuers = [build_issuer(one, issuer_server.url) for one in tenants.agencies.values()]
        keycloak = Keycloak(issuer_server.url)
        verifier = TokenVerifier(issuers, keycloak.fetch_keys, skew_s=30, refetch_s=60)
        self.engine = create_database_engine(self.settings.database_url)
        upgrade_database(self.engine)
        self.keystore = KeyStore(folder / "keys.db", ROOT_KEY)
        self.audit = AuditLog(
            self.settings.audit_dir, "parvis.localhost", ROOT_KEY, self.keystore, worker="test"
        )
        rooms = dict.fromkeys(one.name for one in fields(Services)) | {
            "settings": self.settings,
            "tenants": tenants,
            "keystore": self.keystore,
            "engine": self.engine,
            "verifier": verifier,
            "audit": self.audit,
            "metrics": Metrics(),
            "sessions": Sessions(
                self.engine,
                self.keystore,
                keycloak,
                verifier,
                issuers,
                self.settings,
                on_end=build_teller(self.audit, tenants.agencies, self.settings),
            ),
        }
        self.services = Services(**cast(dict[str, Any], rooms))
        self.app = create_app(self.settings, self.services)

    def close(self) -> None:
        self.audit.close()
        self.keystore.close()
        self.engine.dispose()

    def records(self, log: str = "valbourg") -> Sequence[Mapping[str, Any]]:
        found = AuditReader(self.settings.audit_dir).list_records(log, limit=100)
        signs = ("auth.", "session.")
        return [one.data for one in found if one.data["kind"].startswith(signs)]


@pytest.fixture
def realm(issuer_server: IssuerServer) -> Iterator[Realm]:
    yield issuer_server.add_realm("valbourg")
    issuer_server.down = False


@pytest.fixture
def open_portal(
    tmp_path: Path, issuer_server: IssuerServer, realm: Realm
) -> Iterator[Callable[..., Portal]]:
    opened: list[Portal] = []

    def open_one(public_url: str = "http://127.0.0.1:8080") -> Portal:
        opened.append(Portal(tmp_path, issuer_server, public_url))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


@pytest.fixture
def portal(open_portal: Callable[..., Portal]) -> Portal:
    return open_portal()


@pytest.fixture
def client(portal: Portal) -> FlaskClient:
    return portal.app.test_client()


def go_to_keycloak(client: FlaskClient, return_to: str = "/accessibility") -> str:
    answer = client.get("/login?" + urlencode({"agency": "valbourg", "return_to": return_to}))
    assert answer.status_code == 303
    return answer.headers["location"]


def come_back(client: FlaskClient, **fields: str) -> TestResponse:
    return client.get("/login/callback?" + urlencode(fields))


def log_in(client: FlaskClient, realm: Realm, **claims: Any) -> TestResponse:
    return come_back(client, **realm.log_in(go_to_keycloak(client), **claims))


def session_of(portal: Portal, client: FlaskClient) -> Any:
    cookie = client.get_cookie("parvis-session")
    return portal.services.sessions.find_session(cookie.value) if cookie else None


def test_a_person_signs_in_comes_back_to_the_page_and_is_recorded(
    portal: Portal, client: FlaskClient, realm: Realm
) -> None:
    answer = log_in(client, realm)
    assert (answer.status_code, answer.headers["location"]) == (303, "/accessibility")
    session = session_of(portal, client)
    assert session.principal.tenant_id == "valbourg"
    (record,) = portal.records()
    assert (record["kind"], record["outcome"]) == ("auth.login", "success")
    assert record["target"]["session"] == session.ref
    assert "Camille" not in str(record)


def test_cookies_are_for_this_server_alone(client: FlaskClient, realm: Realm) -> None:
    for cookie in log_in(client, realm).headers.getlist("set-cookie"):
        if cookie.startswith("parvis-session="):
            assert "HttpOnly" in cookie
            assert "SameSite=Lax" in cookie
            assert "Path=/" in cookie
            assert "Domain" not in cookie
            break
    else:
        pytest.fail("no session cookie")


def test_by_https_cookies_are_bound_to_host_and_https(
    open_portal: Callable[..., Portal], realm: Realm
) -> None:
    client = open_portal("https://parvis.valbourg.example").app.test_client()
    base = "https://parvis.valbourg.example"
    start = client.get("/login?agency=valbourg", base_url=base)
    back = urlencode(realm.log_in(start.headers["location"]))
    answer = client.get(f"/login/callback?{back}", base_url=base)
    made = [*start.headers.getlist("set-cookie"), *answer.headers.getlist("set-cookie")]
    mine = [one for one in made if "parvis-session" in one or "parvis-login" in one]
    assert len(mine) == 3
    assert all(one.startswith("__Host-parvis-") and "Secure" in one for one in mine)


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example",
        "https://evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "evil",
        "/login?agency=valbourg",
        "/a\r\nset-cookie: x=1",
        "/é",
        "/" + "x" * 600,
        "http://[",
    ],
)
def test_the_way_back_leads_to_our_own_pages_only(
    wanted: str, client: FlaskClient, realm: Realm
) -> None:
    url = go_to_keycloak(client, wanted)
    assert come_back(client, **realm.log_in(url)).headers["location"] == "/"


def test_an_agency_that_is_not_there_cannot_be_signed_in_to(client: FlaskClient) -> None:
    assert client.get("/login?agency=nowhere").status_code == 404
    assert client.get("/login").status_code == 404


def test_a_cancelled_sign_in_is_a_sentence_and_leaves_the_agency_s_log_alone(
    portal: Portal, client: FlaskClient
) -> None:
    state = parse_qs(urlsplit(go_to_keycloak(client)).query)["state"][0]
    answer = come_back(client, state=state, error="access_denied")
    assert answer.status_code == 401
    assert "You did not sign in" in answer.text
    again = come_back(client, state=state, error="access_denied")
    assert "took too long" in again.text
    assert portal.records() == []


def test_a_sign_in_that_another_browser_finishes_is_refused(
    portal: Portal, client: FlaskClient, realm: Realm
) -> None:
    back = realm.log_in(go_to_keycloak(client))
    stranger = portal.app.test_client()
    go_to_keycloak(stranger)
    answer = come_back(stranger, **back)
    assert (answer.status_code, session_of(portal, stranger)) == (401, None)
    assert portal.records() == []


def test_the_back_button_after_a_sign_in_leads_home(client: FlaskClient, realm: Realm) -> None:
    back = realm.log_in(go_to_keycloak(client))
    assert come_back(client, **back).status_code == 303
    again = come_back(client, **back)
    assert (again.status_code, again.headers["location"]) == (303, "/")


def test_a_forged_answer_writes_to_the_platform_s_log_only(
    portal: Portal, client: FlaskClient, realm: Realm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("parvis.web.login._failures", RateLimit(1, per_s=1))
    answer = log_in(client, realm, id_nonce="another")
    assert (answer.status_code, session_of(portal, client)) == (401, None)
    assert portal.records() == []
    (record,) = portal.records("platform")
    assert (record["kind"], record["reason"]) == ("auth.failed", "nonce")


def test_somebody_without_a_role_is_refused_and_recorded(
    portal: Portal, client: FlaskClient, realm: Realm
) -> None:
    answer = log_in(client, realm, realm_access={"roles": []})
    assert (answer.status_code, session_of(portal, client)) == (403, None)
    (record,) = portal.records()
    assert (record["kind"], record["outcome"], record["reason"]) == (
        "auth.failed",
        "denied",
        "no_role",
    )


def test_a_down_keycloak_is_a_sentence_and_a_way_on(
    client: FlaskClient, realm: Realm, issuer_server: IssuerServer
) -> None:
    back = realm.log_in(go_to_keycloak(client))
    issuer_server.down = True
    answer = come_back(client, **back)
    assert answer.status_code == 503
    assert "Signing in is not possible just now" in answer.text
    issuer_server.down = False
    assert client.get("/login/callback").headers["location"] == "/"
    assert log_in(client, realm).status_code == 303


def test_signing_out_while_keycloak_is_down_says_what_was_ended(
    portal: Portal, client: FlaskClient, realm: Realm, issuer_server: IssuerServer
) -> None:
    log_in(client, realm)
    token = session_of(portal, client).csrf_token
    issuer_server.down = True
    answer = client.post("/logout", data={"csrf_token": token})
    assert answer.status_code == 503
    assert "You are signed out here only" in answer.text
    assert session_of(portal, client) is None
    assert [one["kind"] for one in portal.records()].count("auth.logout") == 1


def test_nobody_enters_while_the_log_cannot_be_written(
    portal: Portal, client: FlaskClient, realm: Realm
) -> None:
    back = realm.log_in(go_to_keycloak(client))
    portal.audit.close()
    answer = come_back(client, **back)
    assert (answer.status_code, session_of(portal, client)) == (503, None)


def test_signing_out_ends_both_sessions_and_is_recorded(
    portal: Portal, client: FlaskClient, realm: Realm
) -> None:
    log_in(client, realm)
    token = session_of(portal, client).csrf_token
    answer = client.post("/logout", data={"csrf_token": token})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert session_of(portal, client) is None
    assert len(realm.ended) == 1
    assert [one["kind"] for one in portal.records()].count("auth.logout") == 1


def test_a_database_that_cannot_be_read_is_a_page_with_a_way_on(
    portal: Portal, client: FlaskClient, realm: Realm
) -> None:
    log_in(client, realm)
    table = SessionRow.__tablename__
    with portal.engine.begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO elsewhere")
    answer = client.get("/")
    assert answer.status_code == 503
    assert "<h1" in answer.text and 'href="/"' in answer.text
    with portal.engine.begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE elsewhere RENAME TO {table}")
    assert session_of(portal, client)


def test_a_person_leaves_although_the_log_cannot_be_written(
    portal: Portal, client: FlaskClient, realm: Realm
) -> None:
    log_in(client, realm)
    token = session_of(portal, client).csrf_token
    portal.audit.close()
    answer = client.post("/logout", data={"csrf_token": token})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert session_of(portal, client) is None
    assert len(realm.ended) == 1


@pytest.mark.parametrize("given", ["", "x", "é"])
def test_a_foreign_page_cannot_sign_somebody_out(
    given: str, portal: Portal, client: FlaskClient, realm: Realm
) -> None:
    log_in(client, realm)
    assert client.post("/logout", data={"csrf_token": given}).status_code == 403
    assert session_of(portal, client)
    assert client.get("/logout").status_code == 405


def test_signing_out_without_a_session_leads_home(client: FlaskClient) -> None:
    assert client.post("/logout").headers["location"] == "/"


def test_a_new_sign_in_replaces_the_session_of_before(
    portal: Portal, client: FlaskClient, realm: Realm
) -> None:
    log_in(client, realm)
    first = client.get_cookie("parvis-session")
    log_in(client, realm)
    assert first
    assert portal.services.sessions.find_session(first.value) is None
    assert session_of(portal, client)
