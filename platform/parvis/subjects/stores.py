"""The stores that these acts reach into, and who acts."""

import os
import pwd
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Engine

from parvis.audit.events import Actor, clean_word
from parvis.audit.log import AuditLog
from parvis.audit.sequencer import Limits
from parvis.compliance.store import ComplianceStore
from parvis.conversations.store import Conversations
from parvis.db import create_database_engine
from parvis.errors import InvalidRequest, NotFound
from parvis.keystore import KeyStore
from parvis.services import Configuration, Services
from parvis.settings import Settings
from parvis.tenancy.config import Agency
from parvis.tenancy.registry import TenantRegistry

_OPERATOR = re.compile(r"[A-Za-z0-9._@-]{2,80}", re.ASCII)


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
        audit = AuditLog(
            settings.audit_dir,
            settings.installation,
            configuration.root_key,
            keystore,
            worker=worker,
            limits=Limits.of(settings),
            database_url=settings.audit_database_url,
            heads_dir=settings.audit_heads_dir,
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


def read_operator(name: str) -> Actor:
    """The person at the command line, as records name them. Raises InvalidRequest.

    `name` is what they say; the account of the machine is what the system says. Neither proves who
    sits there: see docs/privacy-rights.md.
    """
    if not _OPERATOR.fullmatch(name):
        raise InvalidRequest("an operator's name has 2 to 80 of A-Z a-z 0-9 . _ @ -")
    return Actor(
        "person",
        subject=f"operator:{name.lower()}",
        roles=("operator",),
        client=clean_word(f"os:{_account()}"),
    )


def _account() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container may run under a number without a name
        return str(os.getuid())
