"""Keys are fetched seldom, forgotten in time, and missed safely."""

import pytest

from parvis.errors import AuthenticationFailed, IdentityUnavailable
from parvis.identity.keycloak import Keycloak
from parvis.identity.tokens import TokenVerifier
from tests.fakes.issuer import IssuerServer, Realm
from tests.identity.conftest import Clock, issuer_of


@pytest.fixture
def clock(town: Realm) -> Clock:
    return Clock(float(town.claims()["iat"]))


@pytest.fixture
def verifier(town: Realm, keycloak_client: Keycloak, clock: Clock) -> TokenVerifier:
    return TokenVerifier(
        [issuer_of(town, "town")], keycloak_client.fetch_keys, skew_s=30, refetch_s=60, clock=clock
    )


def at(town: Realm, clock: Clock, number: int = 0) -> str:
    """A token that is good now, each `number` another one."""
    now = int(clock())
    return town.sign(town.claims(iat=now, exp=now + 300, jti=str(number)))


def test_keys_are_fetched_once_for_many_tokens(
    verifier: TokenVerifier, town: Realm, clock: Clock
) -> None:
    for number in range(5):
        verifier.verify(at(town, clock, number))
    assert town.fetches == 1


def test_a_new_key_is_found_by_one_fetch(
    verifier: TokenVerifier, town: Realm, clock: Clock
) -> None:
    verifier.verify(at(town, clock))
    clock.forward(61)
    fresh = town.add_key()
    now = int(clock())
    token = town.sign(town.claims(iat=now, exp=now + 300), key=fresh)
    assert verifier.verify(token).tenant_id == "town"
    assert town.fetches == 2


def test_unknown_keys_cause_one_fetch_a_minute(
    verifier: TokenVerifier, town: Realm, clock: Clock
) -> None:
    verifier.verify(at(town, clock))
    clock.forward(61)
    now = int(clock())
    for number in range(10):
        token = town.sign(town.claims(iat=now, exp=now + 300), header={"kid": f"made-up-{number}"})
        with pytest.raises(AuthenticationFailed):
            verifier.verify(token)
    assert town.fetches == 2
    assert verifier.verify(at(town, clock))


def test_an_unknown_issuer_causes_no_fetch(verifier: TokenVerifier, town: Realm) -> None:
    with pytest.raises(AuthenticationFailed):
        verifier.verify(town.sign(town.claims(iss="http://127.0.0.1:1/realms/x")))
    assert town.fetches == 0


def test_a_key_that_the_realm_gave_up_stops_counting(
    verifier: TokenVerifier, town: Realm, clock: Clock
) -> None:
    old = next(iter(town.keys.values()))
    assert verifier.verify(at(town, clock))
    del town.keys[old.kid]
    town.add_key()
    clock.forward(601)
    now = int(clock())
    with pytest.raises(AuthenticationFailed):
        verifier.verify(town.sign(town.claims(iat=now, exp=now + 300), key=old))
    assert verifier.verify(at(town, clock)).tenant_id == "town"


def test_known_keys_serve_for_an_hour_while_keycloak_is_down(
    verifier: TokenVerifier, town: Realm, clock: Clock, issuer_server: IssuerServer
) -> None:
    verifier.verify(at(town, clock))
    issuer_server.down = True
    clock.forward(1800)
    assert verifier.verify(at(town, clock, 1))
    clock.forward(1801)
    with pytest.raises(IdentityUnavailable):
        verifier.verify(at(town, clock, 2))


def test_without_keys_a_down_keycloak_is_asked_once_in_a_while(
    verifier: TokenVerifier, town: Realm, clock: Clock, issuer_server: IssuerServer
) -> None:
    issuer_server.down = True
    for number in range(3):
        with pytest.raises(IdentityUnavailable):
            verifier.verify(at(town, clock, number))
    issuer_server.down = False
    with pytest.raises(IdentityUnavailable):
        verifier.verify(at(town, clock))
    clock.forward(6)
    assert verifier.verify(at(town, clock))


def test_a_remembered_token_is_refused_once_it_expired(
    verifier: TokenVerifier, town: Realm, clock: Clock
) -> None:
    now = int(clock())
    token = town.sign(town.claims(iat=now, exp=now + 20))
    assert verifier.verify(token)
    clock.forward(49)
    assert verifier.verify(token)
    clock.forward(1)
    with pytest.raises(AuthenticationFailed):
        verifier.verify(token)
