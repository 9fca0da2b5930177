"""What a sync does to an agency's sources, told to its log: ids and digests, no text and no title.

The records are durable before the passages are; when these cannot be stored after all, the same
is told again as failed.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from parvis.audit.events import Actor, Draft
from parvis.audit.log import AuditLog
from parvis.knowledge.store import SourceChange

_WAIT_S = 10.0


@dataclass
class SourceRecords:
    """The records of one sync of one agency."""

    log: AuditLog
    tenant_id: str
    actor: Actor
    told: Sequence[SourceChange] = field(default=())

    def tell(self, changes: Sequence[SourceChange]) -> None:
        """Record every change. Raises AuditUnavailable: then nothing may be changed."""
        self._write(changes, "success")
        self.told = changes

    @contextmanager
    def watching(self) -> Iterator[None]:
        """What was told and is not so when the block fails, is told again as failed."""
        try:
            yield
        except BaseException:
            self._write(self.told, "failed")
            raise

    def _write(self, changes: Sequence[SourceChange], outcome: str) -> None:
        drafts = [self._describe(one, outcome) for one in changes]
        for pending in [self.log.submit(self.tenant_id, draft) for draft in drafts]:
            self.log.wait(pending, _WAIT_S)

    def _describe(self, one: SourceChange, outcome: str) -> Draft:
        what = "added" if not one.before else "changed" if one.after else "removed"
        return Draft(
            "document.added" if one.after else "document.removed",
            self.actor,
            outcome=outcome,
            reason=what,
            target={"object": "source", "documents": [one.source_id], "records": one.passages},
            change={"before": one.before, "after": one.after},
        )
