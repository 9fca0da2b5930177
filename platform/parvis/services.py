"""All wiring, in two steps: what may be built before a fork, and what must be built after it.

`load_configuration` reads files into frozen values (safe to share), and two models may be loaded
for all workers (`build_masking`, `load_encoder`); `build_services` opens engines, keys and threads
in the process that will use them.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from sqlalchemy import Engine

from parvis.audit import AuditLog
from parvis.audit.anchors import Anchors, build_anchors
from parvis.audit.doors import plan_doors
from parvis.audit.feed_outbox import Feeds
from parvis.audit.feeds import FeedPlan, load_feeds
from parvis.audit.sequencer import Limits
from parvis.conversations.store import Conversations
from parvis.conversations.vault import Vault
from parvis.db import create_database_engine
from parvis.errors import ConfigurationFaults, Fault, Unavailable
from parvis.identity.api_keys import ApiKeys
from parvis.identity.keycloak import Keycloak
from parvis.identity.sessions import Sessions
from parvis.identity.tokens import Issuer, TokenVerifier
from parvis.inference import Inference, ModelCatalogue, load_models
from parvis.keystore import KeyStore
from parvis.knowledge import Encoder, Knowledge, build_encoder
from parvis.metrics import Metrics
from parvis.policy.rule import RuleSet
from parvis.policy.rules import list_agency_rules, load_rules
from parvis.privacy import PrivacyEngine, build_privacy
from parvis.privacy.entities import MEANINGS
from parvis.session_ends import build_teller
from parvis.settings import Settings, read_root_key
from parvis.tenancy.config import Agency
from parvis.tenancy.registry import TenantRegistry, load_tenants

PLATFORM = "platform"
AUDIENCE = "parvis"

Value = TypeVar("Value")


@dataclass(frozen=True)
class Configuration:
    """What the files say: read once, checked together, never changed while running."""

    settings: Settings
    tenants: TenantRegistry
    rules: Mapping[str, RuleSet]
    models: ModelCatalogue
    root_key: bytes
    feeds: FeedPlan = field(default_factory=FeedPlan)


@dataclass(frozen=True)
class Services:
    """Every room, made once; tests pass `dataclasses.replace(services, ...)`."""

    settings: Settings
    tenants: TenantRegistry
    rules: Mapping[str, RuleSet]
    models: ModelCatalogue
    root_key: bytes
    engine: Engine
    keystore: KeyStore
    keycloak: Keycloak
    verifier: TokenVerifier
    api_keys: ApiKeys
    sessions: Sessions
    privacy: PrivacyEngine
    inference: Inference
    knowledge: Knowledge
    conversations: Conversations
    vault: Vault
    audit: AuditLog
    anchors: Anchors
    feeds: Feeds
    metrics: Metrics = field(default_factory=Metrics)

    def close(self) -> None:
        """Let go of every file, thread and connection."""
        self.inference.close()
        self.privacy.close()
        self.audit.close()
        self.keystore.close()
        self.engine.dispose()


def load_configuration(settings: Settings) -> Configuration:
    """Read and check every file. Raises ConfigurationFaults with the faults of all of them."""
    models = _collect(lambda: load_models(settings.models_file))
    policies = list_agency_rules(settings.policies_dir)
    platform_rules = _collect(lambda: load_rules(settings.policies_dir))
    names = models.value.models if models.value else None
    tenants = _collect(
        lambda: load_tenants(settings.tenants_dir, models=names or {}, policies=policies)
    )
    root_key = _collect(lambda: read_root_key(settings))
    known = {*tenants.value.agencies, PLATFORM} if tenants.value else None
    feeds = _collect(lambda: load_feeds(settings.feeds_file, known))
    faults = [*models.faults, *platform_rules.faults, *root_key.faults, *feeds.faults]
    if models.value:  # without the models every agency's file would seem wrong
        faults += tenants.faults
    if faults:
        raise ConfigurationFaults(faults)
    agencies = tenants.get().agencies
    # agencies that name the same files share one set: each set proves all its cases when loaded
    sets = {
        names: load_rules(settings.policies_dir, names) if names else platform_rules.get()
        for names in {agency.policies for agency in agencies.values()}
    }
    rules = {slug: sets[agency.policies] for slug, agency in agencies.items()}
    return Configuration(settings, tenants.get(), rules, models.get(), root_key.get(), feeds.get())


def build_masking(settings: Settings) -> PrivacyEngine:
    """The search for personal data; may be built before a fork, so that the workers share its
    memory. Raises PrivacyUnavailable."""
    return build_privacy(
        settings.models_dir,
        detection=settings.privacy_detection,
        site_model=settings.privacy_model,
    )


def load_encoder(configuration: Configuration) -> Encoder:
    """The sentence encoder, loaded where an agency has sources: before a fork, as the masking.

    Where it cannot be loaded the log says so, and whoever needs it is refused.
    """
    encoder = build_encoder(configuration.settings.models_dir)
    if any(agency.sources for agency in configuration.tenants.agencies.values()):
        with suppress(Unavailable):
            encoder.check()
    return encoder


def build_metrics(configuration: Configuration, routes: Iterable[str] = ()) -> Metrics:
    """What the gateway counts, by these routes; before a fork, so that the workers count together.

    Answers that no model wrote count under the name that their records give.
    """
    return Metrics(routes, (*configuration.models.models, "quote", "builtin"), MEANINGS)


def build_services(
    configuration: Configuration,
    *,
    worker: str | None = None,
    privacy: PrivacyEngine | None = None,
    encoder: Encoder | None = None,
    metrics: Metrics | None = None,
    leads: bool = True,
) -> Services:
    """Open every room. MUST run in the process that serves, after its fork.

    With `leads` it may write the audit log itself where no sequencer runs; a worker never does.
    Raises ParvisError when a part cannot be opened: a gateway without its log, its keys or its
    masking does not start.
    """
    settings = configuration.settings
    privacy = privacy or build_masking(settings)
    privacy.start_watch(settings.privacy_canary_s)
    engine = create_database_engine(settings.database_url)
    keystore = KeyStore(settings.keys_file, configuration.root_key)
    keycloak = Keycloak(settings.keycloak_url, settings.keycloak_ca_file)
    issuers = [
        build_issuer(agency, settings.keycloak_url)
        for agency in configuration.tenants.agencies.values()
    ]
    verifier = TokenVerifier(
        issuers,
        keycloak.fetch_keys,
        skew_s=settings.token_skew_s,
        refetch_s=settings.keys_refetch_s,
    )
    audit = AuditLog(
        settings.audit_dir,
        settings.installation,
        configuration.root_key if leads else None,
        keystore,
        worker=worker or f"w{os.getpid()}",
        limits=Limits.of(settings, configuration.tenants.shares),
        database_url=settings.audit_database_url,
        heads_dir=settings.audit_heads_dir,
        doors=plan_doors(settings),
    )
    return Services(
        settings=settings,
        tenants=configuration.tenants,
        rules=configuration.rules,
        models=configuration.models,
        root_key=configuration.root_key,
        engine=engine,
        keystore=keystore,
        keycloak=keycloak,
        verifier=verifier,
        api_keys=ApiKeys(issuers, keycloak),
        sessions=Sessions(
            engine,
            keystore,
            keycloak,
            verifier,
            issuers,
            settings,
            on_end=build_teller(audit, configuration.tenants.agencies, settings),
        ),
        privacy=privacy,
        inference=Inference(
            configuration.models,
            connect_s=settings.upstream_connect_s,
            first_byte_s=settings.upstream_first_byte_s,
            idle_s=settings.upstream_idle_s,
            workers=settings.workers,
        ),
        knowledge=Knowledge(engine, encoder or build_encoder(settings.models_dir)),
        conversations=Conversations(engine, keystore),
        vault=Vault(engine, keystore),
        audit=audit,
        anchors=build_anchors(audit, settings),
        feeds=Feeds(audit, configuration.feeds),
        metrics=metrics or build_metrics(configuration),
    )


def build_issuer(agency: Agency, keycloak_url: str) -> Issuer:
    """Where this agency's tokens come from, and who may carry them."""
    identity = agency.identity
    return Issuer(
        tenant_id=agency.slug,
        issuer=f"{keycloak_url}/realms/{identity.realm}",
        realm=identity.realm,
        organization=identity.organization,
        audience=AUDIENCE,
        portal_client=identity.portal_client,
        service_clients=(identity.chatbot_client,),
    )


@dataclass(frozen=True)
class _Collected(Generic[Value]):
    """The value of one loader, or its faults, so that all loaders can speak first."""

    value: Value | None
    faults: tuple[Fault, ...] = ()

    def get(self) -> Value:
        if self.value is None:
            raise ConfigurationFaults(self.faults)
        return self.value


def _collect(load: Callable[[], Value]) -> _Collected[Value]:
    try:
        return _Collected(load())
    except ConfigurationFaults as found:
        return _Collected(None, found.faults)
