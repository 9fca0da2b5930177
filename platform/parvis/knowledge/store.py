"""Passages in the database: every function stays inside the agency it is given."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlalchemy import delete
from sqlmodel import Session, col, func, select

from parvis.tables import PassageRow


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What a sync did, by source id, and how many passages the agency has now."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    unchanged: tuple[str, ...]
    passages: int


@dataclass(frozen=True, slots=True)
class SourceChange:
    """What a sync does to one source: its digest before (empty: it is new) and after (removed)."""

    source_id: str
    before: str
    after: str
    passages: int


@dataclass(frozen=True, slots=True)
class StoredSource:
    """A source as it is searched: its id, its first passage's place, how many passages."""

    source_id: str
    language: str
    url: str
    passages: int


def find_digests(session: Session, tenant_id: str) -> dict[str, str]:
    """The digest of every stored source of the agency, by id."""
    statement = (
        select(PassageRow.source_id, PassageRow.source_digest)
        .where(PassageRow.tenant_id == tenant_id)
        .distinct()
    )
    return dict(session.exec(statement).all())


def replace_sources(
    session: Session, tenant_id: str, source_ids: Collection[str], rows: Iterable[PassageRow]
) -> None:
    """Put `rows` in the place of everything stored for these sources of the agency."""
    session.exec(
        delete(PassageRow).where(
            col(PassageRow.tenant_id) == tenant_id, col(PassageRow.source_id).in_(source_ids)
        )
    )
    for row in rows:
        if row.tenant_id != tenant_id:
            raise ValueError("a passage of another agency")
        session.add(row)
    session.flush()


def list_passages(session: Session, tenant_id: str) -> list[PassageRow]:
    """Every passage of the agency, in a steady order."""
    statement = (
        select(PassageRow)
        .where(PassageRow.tenant_id == tenant_id)
        .order_by(PassageRow.source_id, col(PassageRow.position))
    )
    return list(session.exec(statement).all())


def count_passages(session: Session, tenant_id: str) -> int:
    """How many passages the agency has."""
    statement = select(func.count()).where(PassageRow.tenant_id == tenant_id)
    return session.exec(statement).one()


def list_stored(session: Session, tenant_id: str) -> list[StoredSource]:
    """Every source of the agency that can be searched."""
    found: dict[str, StoredSource] = {}
    for row in list_passages(session, tenant_id):
        before = found.get(row.source_id)
        count = 1 + (before.passages if before else 0)
        found[row.source_id] = StoredSource(row.source_id, row.language, row.url, count)
    return list(found.values())
