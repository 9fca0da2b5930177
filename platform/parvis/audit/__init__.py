"""What happened, provably: one Merkle tree for each agency, written before anything is answered."""

from parvis.audit.events import PLATFORM, SYSTEM, UNKNOWN, Actor, Draft, KeyRef
from parvis.audit.log import AuditLog
from parvis.audit.receipts import Receipt, parse_receipt

__all__ = [
    "PLATFORM",
    "SYSTEM",
    "UNKNOWN",
    "Actor",
    "AuditLog",
    "Draft",
    "KeyRef",
    "Receipt",
    "parse_receipt",
]
