"""The installation's audit logs, opened for one command."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from parvis.audit.doors import plan_doors
from parvis.audit.log import AuditLog
from parvis.audit.sequencer import Limits
from parvis.audit.store import StoreFault
from parvis.audit.stores import has_store
from parvis.errors import AuditUnavailable, ConfigurationFaults, NotFound
from parvis.keystore import KeyStore
from parvis.settings import Settings, read_root_key
from parvis.tenancy.registry import load_shares


@contextmanager
def open_log(settings: Settings, *, first: bool = False) -> Iterator[AuditLog]:
    """The logs of this installation, for one command. Raises AuditUnavailable.

    Also where nothing was ever logged, unless the command may be the `first` that acts here.
    """
    if not first:
        require_logs(settings)
    root = read_root_key(settings)
    keystore = KeyStore(settings.keys_file, root)
    try:
        log = AuditLog(
            settings.audit_dir,
            settings.installation,
            root,
            keystore,
            worker="cli",
            limits=Limits.of(settings, _read_shares(settings)),
            database_url=settings.audit_database_url,
            heads_dir=settings.audit_heads_dir,
            doors=plan_doors(settings),
        )
        try:
            yield log
        finally:
            log.close()
    finally:
        keystore.close()


def _read_shares(settings: Settings) -> Mapping[str, int]:
    """The agencies' own shares; a faulty file keeps nobody from the logs, the setting counts."""
    try:
        return load_shares(settings.tenants_dir)
    except ConfigurationFaults:
        return {}


def require_log(log: AuditLog, tenant_id: str) -> None:
    """Raises NotFound, with what to do, when this agency has no log."""
    if tenant_id not in log.reader.list_tenants():
        raise NotFound("no log of this agency: `parvis audit fsck` lists them")


def require_logs(settings: Settings) -> None:
    """Raises AuditUnavailable when nothing was ever logged here."""
    try:
        found = has_store(settings.audit_dir, settings.audit_database_url)
    except StoreFault as error:
        raise AuditUnavailable(
            f"the database of the audit logs cannot be read ({error}): PARVIS_AUDIT_DATABASE_URL"
        ) from error
    if not found:
        raise AuditUnavailable("there is no audit log under PARVIS_DATA_DIR")
