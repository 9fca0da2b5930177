"""The stores that these acts reach into."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Engine

from parvis.audit.doors import plan_doors
from parvis.audit.log import AuditLog
from parvis.audit.sequencer import Limits
from parvis.compliance.store import ComplianceStore
from parvis.conversations.store import Conversations
from parvis.db import create_database_engine, require_current
from parvis.errors import NotFound
from parvis.keystore import KeyStore
from parvis.services import Configuration, Services
from parvis.settings import Settings
from parvis.tenancy.config import Agency
from parvis.tenancy.registry import TenantRegistry


@dataclass(frozen=True)
class Stores:
    """Everything that may keep something of a person."""

    settings: Settings
    tenants: TenantRegistry
    engine: Engine
    keystore: KeyStore
    audit: AuditLog
    conversations: Conversations
    compliance: ComplianceStore

    @classmethod
    def of(cls, services: Services) -> "Stores":
        """Those of a running gateway."""
        return cls(
            services.settings,
            services.tenants,
            services.engine,
            services.keystore,
            services.audit,
            services.conversations,
            ComplianceStore(services.engine),
        )

    def get_agency(self, tenant_id: str) -> Agency:
        """The agency of this slug; raises NotFound."""
        try:
            return self.tenants.get_agency(tenant_id)
        except NotFound:
            raise NotFound("There is no agency of this name.") from None


@contextmanager
def open_stores(configuration: Configuration, *, worker: str) -> Iterator[Stores]:
    """The stores, opened for one command. Raises AuditUnavailable: then nothing may be done."""
    settings = configuration.settings
    engine = create_database_engine(settings.database_url)
    keystore = KeyStore(settings.keys_file, configuration.root_key)
    try:
        require_current(engine)
        audit = AuditLog(
            settings.audit_dir,
            settings.installation,
            configuration.root_key,
            keystore,
            worker=worker,
            limits=Limits.of(settings, configuration.tenants.shares),
            database_url=settings.audit_database_url,
            heads_dir=settings.audit_heads_dir,
            doors=plan_doors(settings),
        )
        try:
            yield Stores(
                settings,
                configuration.tenants,
                engine,
                keystore,
                audit,
                Conversations(engine, keystore),
                ComplianceStore(engine),
            )
        finally:
            audit.close()
    finally:
        keystore.close()
        engine.dispose()
