"""`parvis retention run`: apply every agency's limits; print and record what went."""

import argparse
from datetime import UTC, datetime
from typing import Any

from parvis.audit import AuditLog, Draft
from parvis.conversations.store import Conversations
from parvis.db import create_database_engine
from parvis.keystore import KeyStore
from parvis.services import Configuration, load_configuration
from parvis.settings import load_settings
from parvis.web.audit_exports import forget_old_exports


def register(groups: Any) -> None:
    """Add the group to the command line."""
    parser = groups.add_parser("retention", help="what is kept, and for how long")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    run = commands.add_parser(
        "run",
        help="erase every conversation whose time is over (daily, from a timer)",
        epilog="example: PARVIS_DATA_DIR=.parvis parvis retention run",
    )
    run.set_defaults(run=run_retention)


def run_retention(_args: argparse.Namespace) -> int:
    """Erase and record, agency by agency."""
    for slug, count in apply_retention(load_configuration(load_settings())).items():
        print(f"{slug}: {count} conversations erased")
    return 0


def apply_retention(configuration: Configuration) -> dict[str, int]:
    """How many conversations went, by agency; each erasure that took something is on record."""
    settings = configuration.settings
    engine = create_database_engine(settings.database_url)
    keystore = KeyStore(settings.keys_file, configuration.root_key)
    audit = AuditLog(
        settings.audit_dir,
        settings.installation,
        configuration.root_key,
        keystore,
        worker="retention",
    )
    conversations = Conversations(engine, keystore)
    now = datetime.now(UTC)
    gone = {}
    try:
        for slug in configuration.tenants.agencies:
            forget_old_exports(settings.data_dir, slug)
            gone[slug] = conversations.delete_expired(slug, now)
            if gone[slug]:
                target = {"object": "conversations", "records": gone[slug]}
                audit.append(slug, Draft(kind="retention.pruned", outcome="success", target=target))
    finally:
        audit.close()
        keystore.close()
        engine.dispose()
    return gone
