"""Fixed keys are traded for tokens at the agency's own Keycloak."""

import pytest

from parvis.errors import AuthenticationFailed, IdentityUnavailable, RateLimited
from parvis.identity.api_keys import ApiKeys, read_api_key, write_api_key
from parvis.identity.keycloak import Keycloak
from parvis.identity.tokens import TokenVerifier
from tests.fakes.issuer import IssuerServer, Realm
from tests.identity.conftest import Clock, issuer_of

SECRET = "s3cret:with-a-colon"
GOOD = write_api_key("town", "town-chatbot", SECRET)


@pytest.fixture
def clock() -> Clock:
    return Clock(1_800_000_000.0)


@pytest.fixture
def keys(town: Realm, office: Realm, keycloak_client: Keycloak, clock: Clock) -> ApiKeys:
    town.secrets["town-chatbot"] = SECRET
    town.secrets["other-client"] = SECRET
    issuers = [issuer_of(town, "town"), issuer_of(office, "office")]
    return ApiKeys(issuers, keycloak_client, clock=clock)


def test_a_key_is_traded_for_a_token_of_its_agency(keys: ApiKeys, verifier: TokenVerifier) -> None:
    principal = verifier.verify(keys.trade(GOOD))
    assert (principal.tenant_id, principal.client_id) == ("town", "town-chatbot")


def test_a_traded_token_is_kept_until_shortly_before_it_expires(
    keys: ApiKeys, town: Realm, clock: Clock
) -> None:
    first = keys.trade(GOOD)
    clock.forward(269)
    assert keys.trade(GOOD) == first
    assert len(town.asked) == 1
    clock.forward(2)
    keys.trade(GOOD)
    assert len(town.asked) == 2


def test_a_key_says_what_it_holds() -> None:
    assert read_api_key(GOOD) == ("town", "town-chatbot", SECRET)


@pytest.mark.parametrize(
    "key",
    [
        "pv-",
        "pv-!!!",
        "pv-e30",
        "xx-" + GOOD[3:],
        GOOD + "é",
        GOOD[:-6],
        write_api_key("town", "town-chatbot", ""),
        write_api_key("town", "town-chatbot", "wrong"),
        write_api_key("town", "other-client", SECRET),
        write_api_key("office", "town-chatbot", SECRET),
        write_api_key("office", "office-chatbot", SECRET),
        write_api_key("nowhere", "town-chatbot", SECRET),
        write_api_key("town", "town-chatbot", "x" * 2000),
    ],
)
def test_a_wrong_key_is_refused_where_the_right_one_is_traded(key: str, keys: ApiKeys) -> None:
    assert keys.trade(GOOD)
    with pytest.raises(AuthenticationFailed):
        keys.trade(key)


def test_guessing_secrets_is_stopped_and_the_known_key_goes_on(
    keys: ApiKeys, town: Realm, clock: Clock
) -> None:
    keys.trade(GOOD)
    for number in range(10):
        with pytest.raises(AuthenticationFailed):
            keys.trade(write_api_key("town", "town-chatbot", f"guess-{number}"))
    asked = len(town.asked)
    with pytest.raises(RateLimited):
        keys.trade(write_api_key("town", "town-chatbot", "guess-more"))
    assert len(town.asked) == asked
    clock.forward(30)
    assert keys.trade(GOOD)
    clock.forward(31)
    with pytest.raises(AuthenticationFailed):
        keys.trade(write_api_key("town", "town-chatbot", "guess-later"))


def test_a_revoked_secret_ends_the_key_when_its_token_does(
    keys: ApiKeys, town: Realm, clock: Clock
) -> None:
    keys.trade(GOOD)
    town.secrets["town-chatbot"] = "another"
    clock.forward(301)
    with pytest.raises(AuthenticationFailed):
        keys.trade(GOOD)


def test_a_down_keycloak_is_not_the_client_s_fault(
    keys: ApiKeys, issuer_server: IssuerServer
) -> None:
    issuer_server.down = True
    with pytest.raises(IdentityUnavailable):
        keys.trade(GOOD)
