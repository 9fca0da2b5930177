"""Logins bound to browser, agency and issuer; sessions that end when they should."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import Engine, text
from sqlmodel import select

from parvis.db import create_database_engine, open_session, upgrade_database
from parvis.domain import Role
from parvis.errors import AuthenticationFailed, IdentityUnavailable, NotFound
from parvis.identity.keycloak import Keycloak
from parvis.identity.session_states import NewSession, RoleMissing
from parvis.identity.sessions import Sessions
from parvis.identity.tokens import TokenVerifier
from parvis.keystore import KeyStore
from parvis.settings import Settings
from parvis.tables import LoginStateRow, SessionRow
from tests.fakes.issuer import IssuerServer, Realm
from tests.identity.conftest import Clock, issuer_of

BROWSER = "browser-of-camille"


@pytest.fixture
def clock(town: Realm) -> Clock:
    return Clock(float(town.claims()["iat"]))


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = create_database_engine(f"sqlite:///{tmp_path / 'parvis.db'}")
    upgrade_database(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def keystore(tmp_path: Path) -> Iterator[KeyStore]:
    store = KeyStore(tmp_path / "keys.db", b"k" * 32)
    yield store
    store.close()


@pytest.fixture
def sessions(
    town: Realm,
    office: Realm,
    keycloak_client: Keycloak,
    engine: Engine,
    keystore: KeyStore,
    clock: Clock,
) -> Sessions:
    # tokens are stamped by the machine's clock: a session's clock may run ahead of it
    town.life_s = office.life_s = 300
    issuers = [issuer_of(town, "town"), issuer_of(office, "office")]
    verifier = TokenVerifier(issuers, keycloak_client.fetch_keys, skew_s=30, refetch_s=60)
    settings = Settings(session_minutes=60, session_idle_minutes=30)
    return Sessions(engine, keystore, keycloak_client, verifier, issuers, settings, clock=clock)


def log_in(sessions: Sessions, realm: Realm, **claims: object) -> NewSession:
    url = sessions.begin_login("town", BROWSER, "/chat")
    return sessions.finish_login(**realm.log_in(url, **claims), browser_id=BROWSER)


def test_a_person_signs_in_and_has_a_session(sessions: Sessions, town: Realm) -> None:
    opened = log_in(sessions, town)
    found = sessions.find_session(opened.id)
    assert found is not None
    assert (opened.return_to, found.ref) == ("/chat", opened.ref)
    assert found.principal.tenant_id == "town"
    assert found.principal.roles == {Role.CIVIL_SERVANT}
    assert found.principal.display_name == "Camille Weber"


def test_the_way_to_keycloak_carries_state_nonce_and_a_pkce_challenge(sessions: Sessions) -> None:
    first, second = (
        {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        for url in (sessions.begin_login("town", BROWSER, "/", "lb") for _ in range(2))
    )
    assert first["code_challenge_method"] == "S256"
    assert first["redirect_uri"] == "http://127.0.0.1:8080/login/callback"
    assert (first["response_type"], first["ui_locales"]) == ("code", "lb")
    for name in ("state", "nonce", "code_challenge"):
        assert len(first[name]) >= 43
        assert first[name] != second[name]


def test_nobody_signs_in_at_an_agency_that_is_not_there(sessions: Sessions) -> None:
    with pytest.raises(NotFound):
        sessions.begin_login("nowhere", BROWSER, "/")


def test_a_state_serves_once(sessions: Sessions, town: Realm) -> None:
    url = sessions.begin_login("town", BROWSER, "/")
    assert sessions.finish_login(**town.log_in(url), browser_id=BROWSER)
    with pytest.raises(AuthenticationFailed) as refused:
        sessions.finish_login(**town.log_in(url), browser_id=BROWSER)
    assert (refused.value.code, refused.value.reason) == ("login_expired", "state")


def test_a_state_that_another_browser_brings_is_refused_and_spent(
    sessions: Sessions, town: Realm
) -> None:
    back = town.log_in(sessions.begin_login("town", BROWSER, "/"))
    with pytest.raises(AuthenticationFailed) as refused:
        sessions.finish_login(**back, browser_id="browser-of-mallory")
    assert refused.value.reason == "other_browser"
    with pytest.raises(AuthenticationFailed):
        sessions.finish_login(**back, browser_id=BROWSER)
    assert log_in(sessions, town)


@pytest.mark.parametrize("browser_id", ["", "\ud800"])
def test_a_state_without_its_browser_s_cookie_is_refused(
    browser_id: str, sessions: Sessions, town: Realm
) -> None:
    back = town.log_in(sessions.begin_login("town", BROWSER, "/"))
    with pytest.raises(AuthenticationFailed):
        sessions.finish_login(**back, browser_id=browser_id)
    assert log_in(sessions, town)


def test_a_code_of_another_issuer_is_refused_before_it_is_sent_anywhere(
    sessions: Sessions, town: Realm, office: Realm
) -> None:
    back = town.log_in(sessions.begin_login("town", BROWSER, "/"))
    with pytest.raises(AuthenticationFailed) as refused:
        sessions.finish_login(**(back | {"iss": office.issuer}), browser_id=BROWSER)
    assert refused.value.reason == "issuer"
    assert town.asked == office.asked == []


def test_an_answer_that_names_no_issuer_is_refused(sessions: Sessions, town: Realm) -> None:
    back = town.log_in(sessions.begin_login("town", BROWSER, "/"))
    with pytest.raises(AuthenticationFailed):
        sessions.finish_login(**(back | {"iss": ""}), browser_id=BROWSER)
    assert town.asked == []


def test_a_stolen_code_is_worth_nothing_in_another_login(sessions: Sessions, town: Realm) -> None:
    stolen = town.log_in(sessions.begin_login("town", BROWSER, "/"))["code"]
    mine = town.log_in(sessions.begin_login("town", "browser-of-mallory", "/"))
    with pytest.raises(AuthenticationFailed) as refused:  # PKCE: another verifier
        sessions.finish_login(**(mine | {"code": stolen}), browser_id="browser-of-mallory")
    assert refused.value.reason == "grant_refused"


def test_a_login_of_ten_minutes_ago_is_over(sessions: Sessions, town: Realm, clock: Clock) -> None:
    back = town.log_in(sessions.begin_login("town", BROWSER, "/"))
    clock.forward(601)
    with pytest.raises(AuthenticationFailed) as refused:
        sessions.finish_login(**back, browser_id=BROWSER)
    assert refused.value.reason == "state_expired"


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"id_nonce": "another"}, "nonce"),
        ({"id_nonce": None}, "nonce"),
        ({"id_aud": "another-client"}, "audience"),
        ({"id_aud": ["parvis-portal", "x"], "id_azp": "x"}, "authorised_party"),
        ({"id_typ": "Bearer"}, "token_type"),
        ({"id_sub": "somebody-else"}, "subject"),
        ({"aud": "account"}, "audience"),
        ({"azp": "town-chatbot"}, "subject"),
        ({"typ": "ID"}, "token_type"),
    ],
)
def test_a_login_with_a_wrong_token_opens_no_session(
    claims: dict[str, object], reason: str, sessions: Sessions, town: Realm, engine: Engine
) -> None:
    with pytest.raises(AuthenticationFailed) as refused:
        log_in(sessions, town, **claims)
    assert refused.value.reason == reason
    assert count(engine) == 0
    assert log_in(sessions, town)


def test_somebody_without_a_role_gets_no_session(
    sessions: Sessions, town: Realm, engine: Engine
) -> None:
    with pytest.raises(RoleMissing) as refused:
        log_in(sessions, town, realm_access={"roles": ["offline_access"]})
    assert refused.value.principal.tenant_id == "town"
    assert count(engine) == 0


def test_a_made_up_session_id_is_no_session(sessions: Sessions, town: Realm) -> None:
    opened = log_in(sessions, town)
    for made_up in ("", "x", opened.ref, opened.id + "x", "\ud800"):
        assert sessions.find_session(made_up) is None
    assert sessions.find_session(opened.id)


def test_a_session_ends_after_half_an_hour_without_use(
    sessions: Sessions, town: Realm, clock: Clock, engine: Engine
) -> None:
    opened = log_in(sessions, town)
    clock.forward(20 * 60)
    assert sessions.find_session(opened.id)
    clock.forward(20 * 60)
    assert sessions.find_session(opened.id)
    clock.forward(30 * 60)
    assert sessions.find_session(opened.id) is None
    assert count(engine) == 0


def test_a_session_ends_after_an_hour_even_in_use(
    sessions: Sessions, town: Realm, clock: Clock
) -> None:
    opened = log_in(sessions, town)
    for _ in range(5):
        clock.forward(700)
        assert sessions.find_session(opened.id)
    clock.forward(700)
    assert sessions.find_session(opened.id) is None


def test_roles_follow_keycloak_within_the_life_of_a_token(
    sessions: Sessions, town: Realm, clock: Clock
) -> None:
    opened = log_in(sessions, town)
    for claims in town.refreshes.values():
        claims["realm_access"] = {"roles": ["auditor"]}
    clock.forward(200)
    first = sessions.find_session(opened.id)
    assert first and first.principal.roles == {Role.CIVIL_SERVANT}
    clock.forward(41)
    later = sessions.find_session(opened.id)
    assert later and later.principal.roles == {Role.AUDITOR}


def test_a_removed_person_s_session_ends_within_the_life_of_a_token(
    sessions: Sessions, town: Realm, clock: Clock, engine: Engine
) -> None:
    opened = log_in(sessions, town)
    town.refreshes.clear()
    clock.forward(241)
    assert sessions.find_session(opened.id) is None
    assert count(engine) == 0


def test_a_person_whose_roles_were_taken_away_is_out(
    sessions: Sessions, town: Realm, clock: Clock
) -> None:
    opened = log_in(sessions, town)
    for claims in town.refreshes.values():
        claims["realm_access"] = {"roles": []}
    clock.forward(241)
    assert sessions.find_session(opened.id) is None


def test_a_down_keycloak_ends_nothing_but_lets_nobody_stay_unconfirmed(
    sessions: Sessions, town: Realm, clock: Clock, issuer_server: IssuerServer
) -> None:
    opened = log_in(sessions, town)
    issuer_server.down = True
    clock.forward(241)
    assert sessions.find_session(opened.id)
    clock.forward(60)
    with pytest.raises(IdentityUnavailable):
        sessions.find_session(opened.id)
    issuer_server.down = False
    assert sessions.find_session(opened.id)


def test_signing_out_ends_both_sessions(
    sessions: Sessions, town: Realm, engine: Engine, keystore: KeyStore
) -> None:
    opened = log_in(sessions, town)
    refresh = next(iter(town.refreshes))
    sessions.end_session(opened.id)
    assert town.ended == [refresh]
    assert sessions.find_session(opened.id) is None
    assert keystore.find_key("town", "session", opened.ref) is None
    sessions.end_session(opened.id)
    assert count(engine) == 0


def test_signing_out_while_keycloak_is_down_ends_the_session_here_and_says_so(
    sessions: Sessions, town: Realm, issuer_server: IssuerServer
) -> None:
    opened = log_in(sessions, town)
    issuer_server.down = True
    with pytest.raises(IdentityUnavailable):
        sessions.end_session(opened.id)
    assert sessions.find_session(opened.id) is None


def test_somebody_signs_out_though_nobody_can_confirm_the_roles(
    sessions: Sessions, town: Realm, clock: Clock, issuer_server: IssuerServer
) -> None:
    opened = log_in(sessions, town)
    issuer_server.down = True
    clock.forward(301)
    with pytest.raises(IdentityUnavailable):
        sessions.find_session(opened.id)
    found = sessions.find_session(opened.id, confirm=False)
    assert found is not None
    assert found.principal.subject == opened.principal.subject


def test_the_database_holds_no_secret_of_a_session(
    sessions: Sessions, town: Realm, engine: Engine, tmp_path: Path
) -> None:
    url = sessions.begin_login("town", BROWSER, "/")
    opened = log_in(sessions, town)
    state = parse_qs(urlsplit(url).query)["state"][0]
    refresh = next(iter(town.refreshes))
    with engine.connect() as connection:
        connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    held = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for secret in (opened.id, state, refresh, BROWSER, "Camille"):
        assert secret.encode() not in held


@pytest.mark.parametrize("field", ["sealed_tokens", "id_hash"])
def test_a_session_row_that_was_altered_opens_nothing(
    field: str, sessions: Sessions, town: Realm, engine: Engine
) -> None:
    mine, other = log_in(sessions, town), log_in(sessions, town, sub="other", id_sub="other")
    with open_session(engine) as session:
        stolen = session.get_one(SessionRow, other.ref).sealed_tokens
        row = session.get_one(SessionRow, mine.ref)
        if field == "sealed_tokens":
            row.sealed_tokens = stolen
        else:
            row.id_hash = "0" * 64
        session.add(row)
    assert sessions.find_session(mine.id) is None
    assert sessions.find_session(other.id)


def test_what_is_over_is_purged(
    sessions: Sessions, town: Realm, clock: Clock, engine: Engine
) -> None:
    sessions.begin_login("town", BROWSER, "/")
    log_in(sessions, town)
    clock.forward(1801)
    assert sessions.purge_expired() == 1
    with open_session(engine) as session:
        assert session.exec(select(LoginStateRow)).all() == []
    assert count(engine) == 0


def test_a_form_of_another_session_is_refused(sessions: Sessions, town: Realm) -> None:
    mine, other = (sessions.find_session(log_in(sessions, town).id) for _ in range(2))
    assert mine and other
    assert mine.accepts_csrf(mine.csrf_token)
    for given in ("", "é", other.csrf_token):
        assert not mine.accepts_csrf(given)


def count(engine: Engine) -> int:
    with open_session(engine) as session:
        return len(session.exec(select(SessionRow)).all())
