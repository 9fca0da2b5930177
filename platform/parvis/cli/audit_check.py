"""What `parvis audit fsck` leaves on record: that somebody checked, and what was found."""

from collections.abc import Collection, Sequence

from parvis.audit.doors import plan_doors
from parvis.audit.events import PLATFORM, Actor, Draft
from parvis.audit.fsck import LogCheck
from parvis.audit.incidents import describe_found, list_closed
from parvis.cli.audit_open import open_log
from parvis.errors import AuditUnavailable
from parvis.settings import Settings

_CONNECT_S = 2.0
_WAIT_S = 10.0


def record_check(settings: Settings, actor: Actor, checks: Sequence[LogCheck]) -> bool:
    """Write it into the platform log, faults as incidents; False where no writer took it.

    Where none runs none is begun: logs that may be damaged stay as they were found.
    """
    line = plan_doors(settings).call_workers(_CONNECT_S)
    if line is None:
        return False
    line.close()
    faults = sum(len(check.faults) for check in checks)
    looked = Draft(
        "audit.read",
        actor,
        outcome="success",
        reason="faults_found" if faults else "",
        target={"view": "fsck", "records": sum(check.size for check in checks)},
    )
    try:
        with open_log(settings) as log:
            log.append(PLATFORM, looked, _WAIT_S)
            closed = log.reader.look(list_closed)
            for check in checks:
                if check.faults:
                    log.append(PLATFORM, _describe(check, closed), _WAIT_S)
    except AuditUnavailable:
        return False
    return True


def _describe(check: LogCheck, closed: Collection[str]) -> Draft:
    return describe_found(
        "faults_found",
        "fsck",
        tenant=check.tenant_id,
        log=check.log,
        once=f"{check.log}/{sorted(check.faults)}",
        closed=closed,
        count=len(check.faults),
    )
