"""Feeding in the background: one thread in one process of the installation."""

from pathlib import Path

from parvis.audit.feed_outbox import Feeds
from parvis.audit.leader_thread import LeaderThread

LOCK_NAME = "feeds.lock"


def find_lock(audit_dir: Path) -> Path:
    """What the one process that feeds holds."""
    return audit_dir / LOCK_NAME


def build_feed_thread(feeds: Feeds, every_s: float) -> LeaderThread:
    """Sends what waits every `every_s` seconds until it is closed."""
    return LeaderThread("audit-feeds", find_lock(feeds.folder), feeds.run_round, every_s=every_s)
