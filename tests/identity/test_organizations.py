"""Several agencies in one realm: issuer and signed organization together decide."""

from typing import Any

import pytest

from parvis.errors import AuthenticationFailed
from parvis.identity.keycloak import Keycloak
from parvis.identity.tokens import TokenVerifier
from tests.fakes.issuer import Realm
from tests.identity.conftest import issuer_of


@pytest.fixture
def verifier(town: Realm, keycloak_client: Keycloak) -> TokenVerifier:
    shared = [issuer_of(town, "library", "library"), issuer_of(town, "museum", "museum")]
    return TokenVerifier(shared, keycloak_client.fetch_keys, skew_s=30, refetch_s=60)


@pytest.mark.parametrize("claim", [["museum"], {"museum": {"id": "1"}}, "museum"])
def test_the_organization_tells_agencies_of_one_realm_apart(
    claim: Any, verifier: TokenVerifier, town: Realm
) -> None:
    assert verifier.verify(town.sign(town.claims(organization=claim))).tenant_id == "museum"


@pytest.mark.parametrize(
    "claim", [None, [], ["theatre"], ["museum", "library"], ["Museum"], 3, [None]]
)
def test_a_token_of_no_or_several_organizations_is_refused(
    claim: Any, verifier: TokenVerifier, town: Realm
) -> None:
    assert verifier.verify(town.sign(town.claims(organization=["library"])))
    with pytest.raises(AuthenticationFailed) as refused:
        verifier.verify(town.sign(town.claims(organization=claim)))
    assert refused.value.reason == "organization"


def test_the_chatbot_of_a_neighbour_in_the_realm_is_refused(
    verifier: TokenVerifier, town: Realm
) -> None:
    own = town.claims(organization=["museum"], azp="museum-chatbot")
    assert verifier.verify(town.sign(own)).tenant_id == "museum"
    with pytest.raises(AuthenticationFailed):
        verifier.verify(town.sign(own | {"azp": "library-chatbot"}))
