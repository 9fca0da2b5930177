"""Rollbacks asked for and not on record yet, in a file beside the logs: these may not be writable.

What is declared is `closing.py`'s business; the records of both people are the caller's.
"""

import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from parvis.audit.closing import Loss
from parvis.audit.files import write_durably
from parvis.errors import NotFound

FILE_NAME = "rollbacks.json"


@dataclass(frozen=True, slots=True)
class RollbackRequest:
    """Who asked to give up which logs at which heads, and why; who confirmed it, if anybody."""

    id: str
    ground: str
    requested_by: str
    losses: tuple[Loss, ...]
    confirmed_by: str = ""

    @property
    def logs(self) -> list[tuple[str, str]]:
        """(agency, log id) of each."""
        return [(loss.tenant_id, loss.log) for loss in self.losses]


def add_request(
    audit_dir: Path, losses: Sequence[Loss], ground: str, requested_by: str
) -> RollbackRequest:
    """Keep a new request, durably."""
    asked = RollbackRequest(f"r-{secrets.token_hex(6)}", ground, requested_by, tuple(losses))
    kept = [one for one in list_requests(audit_dir) if one.logs != asked.logs]
    _store(audit_dir, [*kept, asked])
    return asked


def get_request(audit_dir: Path, request_id: str) -> RollbackRequest:
    """The request of this id; raises NotFound."""
    for one in list_requests(audit_dir):
        if one.id == request_id:
            return one
    raise NotFound("nobody asked for this rollback, or it is done")


def confirm_request(audit_dir: Path, asked: RollbackRequest, confirmed_by: str) -> None:
    """Keep who confirmed it, until that is on record."""
    others = [one for one in list_requests(audit_dir) if one.id != asked.id]
    _store(audit_dir, [*others, replace(asked, confirmed_by=confirmed_by)])


def drop_request(audit_dir: Path, request_id: str) -> None:
    """Forget a request that was carried out and is on record."""
    _store(audit_dir, [one for one in list_requests(audit_dir) if one.id != request_id])


def list_requests(audit_dir: Path) -> list[RollbackRequest]:
    """Every request that is not on record yet."""
    path = audit_dir / FILE_NAME
    found: list[dict[str, Any]] = json.loads(path.read_bytes()) if path.is_file() else []
    return [
        RollbackRequest(**one | {"losses": tuple(Loss(**loss) for loss in one["losses"])})
        for one in found
    ]


def _store(audit_dir: Path, requests: Sequence[RollbackRequest]) -> None:
    data = json.dumps([asdict(one) for one in requests], indent=1)
    write_durably(audit_dir / FILE_NAME, data.encode() + b"\n")
