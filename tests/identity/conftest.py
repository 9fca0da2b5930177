"""One issuer for the room's tests: real keys, real HTTP, on loopback."""

from collections.abc import Iterator

import pytest

from parvis.identity.keycloak import Keycloak
from parvis.identity.tokens import AUDIENCE, Issuer, TokenVerifier
from tests.fakes.issuer import IssuerServer, Realm


class Clock:
    """A clock that stands still until a test moves it."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += seconds


def issuer_of(realm: Realm, tenant: str, organization: str | None = None) -> Issuer:
    return Issuer(
        tenant_id=tenant,
        issuer=realm.issuer,
        realm=realm.issuer.rpartition("/")[2],
        organization=organization,
        audience=AUDIENCE,
        portal_client="parvis-portal",
        service_clients=(f"{tenant}-chatbot",),
    )


@pytest.fixture(scope="session")
def issuer_server() -> Iterator[IssuerServer]:
    with IssuerServer() as server:
        yield server


@pytest.fixture
def town(issuer_server: IssuerServer) -> Realm:
    """The realm of the agency `town`, fresh for each test."""
    return issuer_server.add_realm("town")


@pytest.fixture
def office(issuer_server: IssuerServer) -> Realm:
    """The realm of another agency."""
    return issuer_server.add_realm("office")


@pytest.fixture
def keycloak_client(issuer_server: IssuerServer) -> Iterator[Keycloak]:
    yield Keycloak(issuer_server.url)
    issuer_server.down = False


@pytest.fixture
def verifier(town: Realm, office: Realm, keycloak_client: Keycloak) -> TokenVerifier:
    issuers = [issuer_of(town, "town"), issuer_of(office, "office")]
    return TokenVerifier(issuers, keycloak_client.fetch_keys, skew_s=30, refetch_s=60)
