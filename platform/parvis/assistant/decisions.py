"""What a decision of policy means for a request: go on, or a refusal that is on record."""

import logging

from parvis.assistant.records import ChatRecord
from parvis.errors import PolicyRefused
from parvis.policy.engine import Decision

log = logging.getLogger(__name__)


def require_allowed(record: ChatRecord, decision: Decision) -> Decision:
    """The decision, noted in the record; raises PolicyRefused, recorded."""
    record.note_decision(decision)
    if decision.allowed:
        return decision
    log.info("chat.refused", extra={"rules": decision.rules, "faults": decision.faults})
    error = PolicyRefused(
        f"This request is not allowed by the rules of this installation ({decision.reason}).",
        rules=decision.rules,
    )
    error.receipt = record.refuse(decision, error)
    raise error
