"""Holds: what must not be erased or pruned, for whom it is kept, and until when.

A hold past its end date still holds: evidence is lost by a decision, never by a calendar. It is
shown as overdue until somebody lifts it. Rows are read and written in `store.py`.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from parvis.compliance.grounds import HOLD_REASONS
from parvis.errors import Conflict

HoldKind = Literal["case", "conversation", "person", "range"]


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold on a person, a conversation, a period, or (`case` alone) everything of the agency.

    `ref` is the person's subject or the conversation's id; a period is [from_time, to_time).
    """

    id: str
    tenant_id: str
    case_word: str
    kind: HoldKind
    ref: str
    from_time: datetime | None
    to_time: datetime | None
    reason: str
    owner: str
    placed_at: datetime
    until: datetime
    lifted_at: datetime | None = None

    @property
    def ground(self) -> str:
        """The point of GDPR Art. 17(3) that it rests on."""
        return HOLD_REASONS[self.reason]

    def is_overdue(self, now: datetime) -> bool:
        """True when its end date has passed and nobody lifted it."""
        return self.lifted_at is None and self.until <= now

    def covers_time(self, begun: datetime, ended: datetime) -> bool:
        """True when something that lived from `begun` to `ended` reaches into a held period."""
        if self.kind == "case":
            return True
        if self.kind != "range" or self.from_time is None or self.to_time is None:
            return False
        return begun < self.to_time and ended >= self.from_time


@dataclass(frozen=True, slots=True)
class Extent:
    """Something that may be erased: whose it is, which conversations, and when it came about."""

    persons: frozenset[str]
    conversations: frozenset[str]
    begun: datetime
    ended: datetime


class Held(Conflict):
    """A hold forbids it; `holds` say which, `until` when it may be looked at again."""

    default_code = "held"

    def __init__(self, holds: Collection[Hold]) -> None:
        self.holds = tuple(holds)
        self.until = max(hold.until for hold in holds)
        self.ground = max(holds, key=lambda hold: hold.until).ground
        super().__init__(f"A hold forbids erasing this before {self.until:%Y-%m-%d}.")


def find_blocking(holds: Iterable[Hold], extent: Extent) -> list[Hold]:
    """The holds that forbid erasing it."""
    return [
        hold
        for hold in holds
        if hold.covers_time(extent.begun, extent.ended)
        or (hold.kind == "person" and hold.ref in extent.persons)
        or (hold.kind == "conversation" and hold.ref in extent.conversations)
    ]


def require_free(holds: Iterable[Hold], extent: Extent) -> None:
    """Raises Held when a hold forbids erasing it."""
    found = find_blocking(holds, extent)
    if found:
        raise Held(found)
