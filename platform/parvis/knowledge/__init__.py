"""What an agency knows: its sources cut into passages, and the passages that fit a question."""

from parvis.knowledge.encoder import Encoder, build_encoder
from parvis.knowledge.ingest import SourceText
from parvis.knowledge.retrieve import Knowledge
from parvis.knowledge.store import SyncReport

__all__ = ["Encoder", "Knowledge", "SourceText", "SyncReport", "build_encoder"]
