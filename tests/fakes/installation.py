"""A whole gateway in this process: real database, log, keys, masking and encoder.

Tokens are signed by keys made here (identity has tests of its own, on a real Keycloak too); the
model server is the one that the test gives.
"""

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from jwcrypto.jwk import JWK
from jwcrypto.jwt import JWT

from parvis.app import create_app
from parvis.audit.reader import AuditReader
from parvis.cli.knowledge import build_hide, read_sources
from parvis.db import create_database_engine, upgrade_database
from parvis.domain import Role
from parvis.identity.tokens import TokenVerifier
from parvis.knowledge import Knowledge, build_encoder
from parvis.privacy import PrivacyEngine, build_privacy
from parvis.services import (
    AUDIENCE,
    Configuration,
    Services,
    build_issuer,
    build_services,
    load_configuration,
)
from parvis.settings import create_root_key, load_settings
from tests.fakes.model_server import FakeModelServer

REPOSITORY = Path(__file__).resolve().parents[2]
KEYCLOAK_URL = "http://127.0.0.1:1"  # nothing listens there
KEY = JWK.generate(kty="RSA", size=2048, kid="test-key", alg="RS256", use="sig")


@cache
def _load_privacy(models_dir: Path) -> PrivacyEngine:
    return build_privacy(models_dir)


@cache
def _load_encoder(models_dir: Path) -> Any:
    return build_encoder(models_dir)


_databases: list[bytes] = []


def _build_database(configuration: Configuration) -> bytes:
    """A migrated database that knows the agencies' sources; made once, each test gets a copy."""
    if not _databases:
        _fill_database(configuration)
        _databases.append((configuration.settings.data_dir / "parvis.db").read_bytes())
    return _databases[0]


def _fill_database(configuration: Configuration) -> None:
    settings = configuration.settings
    engine = create_database_engine(settings.database_url)
    upgrade_database(engine)
    knowledge = Knowledge(engine, _load_encoder(settings.models_dir))
    for agency in configuration.tenants.agencies.values():
        hide = build_hide(_load_privacy(settings.models_dir), agency)
        knowledge.sync(agency.slug, read_sources(configuration.tenants, agency), hide)
    engine.dispose()


@dataclass
class Installation:
    """The gateway and what a test needs to talk to it."""

    app: Flask
    services: Services
    configuration: Configuration
    model_server: FakeModelServer
    clients: list[FlaskClient] = field(default_factory=list)

    @property
    def client(self) -> FlaskClient:
        """A test client without cookies."""
        return self.app.test_client()

    def replace(self, **rooms: Any) -> None:
        """Put other rooms into the running application."""
        self.services = replace(self.services, **rooms)
        self.app.extensions["parvis"] = self.services

    def token(
        self,
        agency: str = "valbourg",
        role: Role = Role.CHATBOT,
        *,
        subject: str = "service-account",
        **changes: Any,
    ) -> str:
        """An access token as the agency's Keycloak would sign it."""
        issuer = build_issuer(self.services.tenants.get_agency(agency), KEYCLOAK_URL)
        service = role is Role.CHATBOT
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": issuer.issuer,
            "aud": [AUDIENCE, "account"],
            "azp": issuer.service_clients[0] if service else issuer.portal_client,
            "sub": f"{agency}-{subject}",
            "typ": "Bearer",
            "exp": now + 300,
            "iat": now,
            "jti": str(uuid.uuid4()),
            "realm_access": {"roles": [role.value]},
            **changes,
        }
        if service:
            claims |= {"client_id": claims["azp"], "preferred_username": "service-account-x"}
        token = JWT(header={"alg": "RS256", "typ": "JWT", "kid": "test-key"}, claims=claims)
        token.make_signed_token(KEY)
        return str(token.serialize())

    def headers(self, *args: Any, **kwargs: Any) -> dict[str, str]:
        """The headers of a call with such a token."""
        return {"Authorization": f"Bearer {self.token(*args, **kwargs)}"}

    def records(self, agency: str = "valbourg") -> Sequence[Mapping[str, Any]]:
        """Every record of the agency's log, oldest first, as the bytes say."""
        reader = AuditReader(self.services.settings.audit_dir)
        found = reader.list_records(agency, limit=1000)
        return [record.data for record in reversed(found)]


def build_installation(folder: Path, model_server: FakeModelServer, **changes: str) -> Installation:
    """A gateway with the example agencies; `changes` are settings."""
    settings = load_settings(
        {
            "PARVIS_DATA_DIR": str(folder / "data"),
            "PARVIS_TENANTS_DIR": str(REPOSITORY / "tenants"),
            "PARVIS_POLICIES_DIR": str(REPOSITORY / "policies"),
            "PARVIS_MODELS_FILE": str(model_server.write_models(folder)),
            "PARVIS_CACHE_DIR": str(load_settings().cache_dir),
            "PARVIS_KEYCLOAK_URL": KEYCLOAK_URL,
            "PARVIS_WORKERS": "1",
            **changes,
        }
    )
    create_root_key(settings)
    configuration = load_configuration(settings)
    if settings.database_url.startswith("sqlite"):
        (settings.data_dir / "parvis.db").write_bytes(_build_database(configuration))
    else:
        _fill_database(configuration)
    services = build_test_services(configuration)
    return Installation(create_app(settings, services), services, configuration, model_server)


def build_test_services(configuration: Configuration) -> Services:
    """Services as a worker has them, with our keys for the agencies' and models loaded once."""
    settings = configuration.settings
    privacy = _load_privacy(settings.models_dir)
    services = build_services(configuration, worker="test", privacy=privacy)
    issuers = [
        build_issuer(agency, KEYCLOAK_URL) for agency in configuration.tenants.agencies.values()
    ]
    keys = {"keys": [KEY.export_public(as_dict=True)]}
    return replace(
        services,
        verifier=TokenVerifier(issuers, lambda _issuer: keys, skew_s=30, refetch_s=60),
        knowledge=Knowledge(services.engine, _load_encoder(settings.models_dir)),
    )
