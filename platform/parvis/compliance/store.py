"""Rows of holds and erasures. Every query names the agency."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import Engine
from sqlmodel import col, select, update

from parvis.compliance.holds import Hold, HoldKind
from parvis.db import open_session
from parvis.errors import Conflict, NotFound
from parvis.tables import ErasureRow, HoldRow

ErasureKind = Literal["person", "conversation", "receipt"]
# asked for, confirmed (being carried out), waiting for a hold to end, over
ErasureStatus = Literal["requested", "confirmed", "held", "done"]


@dataclass(frozen=True, slots=True)
class Erasure:
    """An erasure asked for. `ref` and `scope` are empty once it is done."""

    id: str
    tenant_id: str
    kind: ErasureKind
    ref: str
    ground: str
    requested_by: str
    requested_at: datetime
    confirmed_by: str
    status: ErasureStatus
    scope: Mapping[str, Any]
    ended_at: datetime | None


class ComplianceStore:
    """Holds and erasures of all agencies."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add_hold(
        self,
        tenant_id: str,
        kind: HoldKind,
        ref: str,
        *,
        reason: str,
        owner: str,
        until: datetime,
        case_word: str = "",
        period: tuple[datetime, datetime] | None = None,
    ) -> Hold:
        """A new hold."""
        row = HoldRow(
            id=f"h-{secrets.token_hex(6)}",
            tenant_id=tenant_id,
            case_word=case_word,
            kind=kind,
            ref=ref,
            from_time=period[0] if period else None,
            to_time=period[1] if period else None,
            reason=reason,
            owner=owner,
            placed_at=datetime.now(UTC),
            until=until,
        )
        with open_session(self._engine) as session:
            session.add(row)
        return _hold(row)

    def list_holds(self, tenant_id: str, *, lifted: bool = False) -> list[Hold]:
        """The agency's holds, oldest first; with `lifted` those that were lifted too."""
        query = select(HoldRow).where(HoldRow.tenant_id == tenant_id)
        if not lifted:
            query = query.where(col(HoldRow.lifted_at).is_(None))
        with open_session(self._engine) as session:
            rows = session.exec(query.order_by(col(HoldRow.placed_at), col(HoldRow.id))).all()
        return [_hold(row) for row in rows]

    def lift_hold(self, tenant_id: str, hold_id: str) -> Hold:
        """The hold, lifted now; raises NotFound when it is not there or was lifted already."""
        mine = (HoldRow.tenant_id == tenant_id, HoldRow.id == hold_id)
        with open_session(self._engine) as session:
            row = session.exec(
                select(HoldRow).where(*mine, col(HoldRow.lifted_at).is_(None))
            ).first()
            if row is None:
                raise NotFound("There is no such hold, or it was lifted already.")
            row.lifted_at = datetime.now(UTC)
            session.add(row)
        return _hold(row)

    def add_erasure(
        self, tenant_id: str, kind: ErasureKind, ref: str, *, ground: str, requested_by: str
    ) -> Erasure:
        """A new request; raises Conflict when the same is being asked for already."""
        same = select(ErasureRow).where(
            ErasureRow.tenant_id == tenant_id, ErasureRow.kind == kind, ErasureRow.ref == ref
        )
        row = ErasureRow(
            id=f"e-{secrets.token_hex(6)}",
            tenant_id=tenant_id,
            kind=kind,
            ref=ref,
            ground=ground,
            requested_by=requested_by,
            requested_at=datetime.now(UTC),
            status="requested",
        )
        with open_session(self._engine) as session:
            open_one = session.exec(same.where(ErasureRow.status != "done")).first()
            if open_one is not None:
                raise Conflict(f"This erasure was asked for already: {open_one.id}.")
            session.add(row)
        return _erasure(row)

    def get_erasure(self, tenant_id: str, erasure_id: str) -> Erasure:
        """The agency's erasure; raises NotFound."""
        with open_session(self._engine) as session:
            row = session.get(ErasureRow, erasure_id)
        if row is None or row.tenant_id != tenant_id:
            raise NotFound("There is no such erasure.")
        return _erasure(row)

    def list_erasures(self, tenant_id: str, *, unfinished: bool = True) -> list[Erasure]:
        """The agency's erasures, oldest first."""
        query = select(ErasureRow).where(ErasureRow.tenant_id == tenant_id)
        if unfinished:
            query = query.where(ErasureRow.status != "done")
        with open_session(self._engine) as session:
            rows = session.exec(query.order_by(col(ErasureRow.requested_at))).all()
        return [_erasure(row) for row in rows]

    def advance_erasure(self, erasure: Erasure, status: ErasureStatus, **values: Any) -> Erasure:
        """The erasure one step further; raises Conflict when another process took that step."""
        if "scope" in values:
            values["scope"] = json.dumps(values["scope"], sort_keys=True)
        if status == "done":
            values |= {"ref": "", "scope": "", "ended_at": datetime.now(UTC)}
        change = update(ErasureRow).where(
            col(ErasureRow.id) == erasure.id, col(ErasureRow.status) == erasure.status
        )
        with open_session(self._engine) as session:
            if session.exec(change.values(status=status, **values)).rowcount != 1:
                raise Conflict("This erasure is being carried out by somebody else.")
        return self.get_erasure(erasure.tenant_id, erasure.id)


def _hold(row: HoldRow) -> Hold:
    return Hold(
        row.id,
        row.tenant_id,
        row.case_word,
        row.kind,  # type: ignore[arg-type] # written from a HoldKind
        row.ref,
        row.from_time,
        row.to_time,
        row.reason,
        row.owner,
        row.placed_at,
        row.until,
        row.lifted_at,
    )


def _erasure(row: ErasureRow) -> Erasure:
    return Erasure(
        row.id,
        row.tenant_id,
        row.kind,  # type: ignore[arg-type] # written from an ErasureKind
        row.ref,
        row.ground,
        row.requested_by,
        row.requested_at,
        row.confirmed_by,
        row.status,  # type: ignore[arg-type] # written from an ErasureStatus
        json.loads(row.scope) if row.scope else {},
        row.ended_at,
    )
