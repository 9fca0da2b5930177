"""The same promises against the real server: provisioning, tokens, sign-in, sign-out."""

import html
import re
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
import requests

from parvis.db import create_database_engine, upgrade_database
from parvis.domain import Role
from parvis.errors import AuthenticationFailed, IdentityUnavailable
from parvis.identity import provisioning
from parvis.identity.api_keys import ApiKeys, write_api_key
from parvis.identity.keycloak import Keycloak
from parvis.identity.provisioning import Person, RealmWanted
from parvis.identity.session_states import RoleMissing
from parvis.identity.sessions import Sessions
from parvis.identity.tokens import AUDIENCE, Issuer, TokenVerifier
from parvis.keystore import KeyStore
from parvis.settings import Settings
from tests.identity.conftest import Clock

PUBLIC_URL = "http://127.0.0.1:8080"
BROWSER = "browser"


@dataclass
class Known:
    """A provisioned agency and who can sign in to it."""

    admin: Any
    wanted: RealmWanted
    issuer: Issuer
    secret: str
    url: str


def person(name: str, *roles: Role) -> Person:
    password = f"Pw-{secrets.token_urlsafe(12)}"
    return Person(name, password, roles, name.title(), "Muster", f"{name}@agency.example")


@pytest.fixture(scope="session")
def admin(keycloak: Any) -> Any:
    return provisioning.connect_admin(
        keycloak.url, user=keycloak.admin_user, password=keycloak.admin_password
    )


@pytest.fixture(scope="session")
def known(keycloak: Any, admin: Any) -> Known:
    wanted = RealmWanted(
        slug="idtest",
        realm="idtest",
        display_name="Identity Test",
        public_url=PUBLIC_URL,
        portal_client="parvis-portal",
        chatbot_client="idtest-chatbot",
        people=(
            person("camille", Role.CIVIL_SERVANT),
            person("anna", Role.AUDITOR),
            person("leaver", Role.CIVIL_SERVANT),
            person("nobody"),
        ),
    )
    provisioning.apply(admin, [wanted])
    issuer = Issuer(
        tenant_id="idtest",
        issuer=f"{keycloak.url}/realms/idtest",
        realm="idtest",
        organization=None,
        audience=AUDIENCE,
        portal_client="parvis-portal",
        service_clients=("idtest-chatbot",),
    )
    secret = provisioning.get_client_secret(admin, "idtest", "idtest-chatbot")
    return Known(admin, wanted, issuer, secret, keycloak.url)


@pytest.fixture
def client(known: Known) -> Keycloak:
    return Keycloak(known.url)


@pytest.fixture
def verifier(known: Known, client: Keycloak) -> TokenVerifier:
    return TokenVerifier([known.issuer], client.fetch_keys, skew_s=30, refetch_s=60)


@pytest.fixture
def clock() -> Clock:
    return Clock(time.time())


@pytest.fixture
def sessions(
    known: Known, client: Keycloak, verifier: TokenVerifier, clock: Clock, tmp_path: Path
) -> Iterator[Sessions]:
    engine = create_database_engine(f"sqlite:///{tmp_path / 'parvis.db'}")
    upgrade_database(engine)
    keystore = KeyStore(tmp_path / "keys.db", b"k" * 32)
    settings = Settings(public_url=PUBLIC_URL)
    yield Sessions(engine, keystore, client, verifier, [known.issuer], settings, clock=clock)
    keystore.close()
    engine.dispose()


@pytest.fixture
def browser() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


def sign_in(browser: requests.Session, url: str, one: Person) -> dict[str, str]:
    """Fill in Keycloak's form as a person does; what comes back to our callback."""
    page = browser.get(url, allow_redirects=False, timeout=20)
    trust_loopback(browser)
    if page.status_code == 200:
        action = re.search(r'<form[^>]*action="([^"]+)"', page.text)
        assert action, "no form"
        form = {"username": one.username, "password": one.password}
        target = urljoin(url, html.unescape(action[1]))
        page = browser.post(target, data=form, allow_redirects=False, timeout=20)
        trust_loopback(browser)
    assert page.status_code == 302, "Keycloak did not let the person in"
    assert page.headers["location"].startswith(f"{PUBLIC_URL}/login/callback?")
    back = parse_qs(urlsplit(page.headers["location"]).query)
    return {name: back[name][0] for name in ("state", "code", "iss") if name in back}


def trust_loopback(browser: requests.Session) -> None:
    """A browser sends secure cookies to loopback without TLS, this library does not."""
    for cookie in browser.cookies:
        cookie.secure = False


def who(known: Known, username: str) -> Person:
    return next(one for one in known.wanted.people if one.username == username)


def test_a_second_apply_changes_nothing(known: Known, admin: Any) -> None:
    assert provisioning.plan(admin, [known.wanted]) == []
    assert provisioning.apply(admin, [known.wanted]) == []


def test_a_plan_shows_a_drift_and_apply_mends_it(known: Known, admin: Any) -> None:
    admin.change_current_realm("idtest")
    admin.update_realm("idtest", {"bruteForceProtected": False})
    key = admin.get_client_id("parvis-portal")
    admin.update_client(key, admin.get_client(key) | {"directAccessGrantsEnabled": True})
    planned = provisioning.plan(admin, [known.wanted])
    told = {(one.kind, name) for one in planned for name in one.fields}
    assert told == {("realm", "bruteForceProtected"), ("client", "directAccessGrantsEnabled")}
    assert provisioning.apply(admin, [known.wanted]) == planned
    assert provisioning.plan(admin, [known.wanted]) == []


def test_a_dry_run_for_a_new_realm_writes_nothing(known: Known, admin: Any) -> None:
    unborn = replace(known.wanted, slug="unborn", realm="unborn")
    assert provisioning.plan(admin, [unborn])
    assert "unborn" not in {realm["realm"] for realm in admin.get_realms()}


def test_no_change_shows_a_password(known: Known, admin: Any) -> None:
    unborn = replace(known.wanted, slug="unborn", realm="unborn")
    told = "\n".join(str(one) for one in provisioning.plan(admin, [unborn]))
    assert "person camille" in told
    assert who(known, "camille").password not in told


def test_a_wrong_administrator_is_refused(known: Known) -> None:
    with pytest.raises(AuthenticationFailed):
        provisioning.connect_admin(known.url, user="parvis-admin", password="wrong")


def test_the_chatbot_s_token_is_accepted(
    known: Known, client: Keycloak, verifier: TokenVerifier
) -> None:
    tokens = client.client_credentials(
        known.issuer.issuer, client_id="idtest-chatbot", client_secret=known.secret
    )
    found = verifier.verify(tokens.access_token)
    assert (found.tenant_id, found.kind, found.roles) == ("idtest", "service", {Role.CHATBOT})
    assert tokens.expires_in <= 300


def test_a_fixed_key_is_traded_at_keycloak(
    known: Known, client: Keycloak, verifier: TokenVerifier
) -> None:
    keys = ApiKeys([known.issuer], client)
    good = write_api_key("idtest", "idtest-chatbot", known.secret)
    assert verifier.verify(keys.trade(good)).kind == "service"
    with pytest.raises(AuthenticationFailed):
        keys.trade(write_api_key("idtest", "idtest-chatbot", "wrong"))


def test_a_token_of_another_realm_or_client_is_refused(
    known: Known, verifier: TokenVerifier, keycloak: Any
) -> None:
    form = {
        "grant_type": "password",
        "client_id": "admin-cli",
        "username": keycloak.admin_user,
        "password": keycloak.admin_password,
    }
    url = f"{known.url}/realms/master/protocol/openid-connect/token"
    token = requests.post(url, data=form, timeout=20).json()["access_token"]
    with pytest.raises(AuthenticationFailed) as refused:
        verifier.verify(token)
    assert refused.value.reason == "unknown_issuer"


@pytest.mark.parametrize("client_id", ["parvis-portal", "idtest-chatbot"])
def test_nobody_gets_a_token_by_giving_a_password_to_a_client(client_id: str, known: Known) -> None:
    one = who(known, "camille")
    form = {
        "grant_type": "password",
        "client_id": client_id,
        "client_secret": known.secret,
        "username": one.username,
        "password": one.password,
    }
    url = f"{known.issuer.issuer}/protocol/openid-connect/token"
    assert requests.post(url, data=form, timeout=20).status_code in {400, 401}


def test_a_person_signs_in_and_out_and_both_sessions_are_over(
    known: Known, sessions: Sessions, browser: requests.Session
) -> None:
    url = sessions.begin_login("idtest", BROWSER, "/chat")
    opened = sessions.finish_login(
        **sign_in(browser, url, who(known, "camille")), browser_id=BROWSER
    )
    found = sessions.find_session(opened.id)
    assert found and found.principal.roles == {Role.CIVIL_SERVANT}
    assert found.principal.display_name == "Camille Muster"
    again = sessions.begin_login("idtest", BROWSER, "/")
    assert browser.get(again, allow_redirects=False, timeout=20).status_code == 302
    sessions.end_session(opened.id)
    assert sessions.find_session(opened.id) is None
    after = sessions.begin_login("idtest", BROWSER, "/")
    page = browser.get(after, allow_redirects=False, timeout=20)
    assert page.status_code == 200
    assert 'name="password"' in page.text


def test_roles_are_confirmed_and_a_removed_person_is_out(
    known: Known, admin: Any, sessions: Sessions, browser: requests.Session, clock: Clock
) -> None:
    url = sessions.begin_login("idtest", BROWSER, "/")
    opened = sessions.finish_login(
        **sign_in(browser, url, who(known, "leaver")), browser_id=BROWSER
    )
    clock.forward(270)
    assert sessions.find_session(opened.id)
    admin.change_current_realm("idtest")
    admin.update_user(admin.get_user_id("leaver"), {"enabled": False})
    clock.forward(270)
    assert sessions.find_session(opened.id) is None


def test_somebody_without_a_role_does_not_enter(
    known: Known, sessions: Sessions, browser: requests.Session
) -> None:
    url = sessions.begin_login("idtest", BROWSER, "/")
    back = sign_in(browser, url, who(known, "nobody"))
    with pytest.raises(RoleMissing):
        sessions.finish_login(**back, browser_id=BROWSER)


def test_a_code_is_worth_nothing_without_its_verifier(
    known: Known, sessions: Sessions, browser: requests.Session, client: Keycloak
) -> None:
    back = sign_in(browser, sessions.begin_login("idtest", BROWSER, "/"), who(known, "anna"))
    with pytest.raises(AuthenticationFailed) as refused:
        client.exchange_code(
            known.issuer.issuer,
            client_id="parvis-portal",
            code=back["code"],
            verifier=secrets.token_urlsafe(32),
            redirect_uri=f"{PUBLIC_URL}/login/callback",
        )
    assert refused.value.reason == "grant_refused"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("code_challenge_method=S256", "code_challenge_method=plain"),
        ("&code_challenge=", "&ignored="),
        ("%2Flogin%2Fcallback", "%2Flogin%2Fcallback%2Fmore"),
        ("127.0.0.1%3A8080", "127.0.0.1%3A8099"),
    ],
)
def test_keycloak_itself_insists_on_pkce_and_on_our_address(
    old: str, new: str, known: Known, sessions: Sessions, browser: requests.Session
) -> None:
    url = sessions.begin_login("idtest", BROWSER, "/")
    assert old in url
    assert 'name="password"' in browser.get(url, timeout=20).text
    page = browser.get(url.replace(old, new), allow_redirects=False, timeout=20)
    assert 'name="password"' not in page.text
    assert "code=" not in page.headers.get("location", "")


@pytest.mark.parametrize(
    ("language", "word"),
    [("lb", "Passwuert"), ("fr", "Mot de passe"), ("de", "Passwort"), ("en", "Password")],
)
def test_the_sign_in_page_speaks_each_language(
    language: Any, word: str, sessions: Sessions, browser: requests.Session
) -> None:
    url = sessions.begin_login("idtest", BROWSER, "/", language)
    assert word in browser.get(url, timeout=20).text


def test_a_realm_that_is_not_there_is_unavailable(client: Keycloak, known: Known) -> None:
    with pytest.raises(IdentityUnavailable):
        client.fetch_keys(f"{known.url}/realms/nowhere")
