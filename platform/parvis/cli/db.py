"""`parvis db upgrade`: bring the database to this version's schema."""

import argparse
from typing import Any

from parvis.db import create_database_engine, find_schema_revision, upgrade_database
from parvis.settings import create_root_key, load_settings


def register(groups: Any) -> None:
    """Add the group to the command line."""
    parser = groups.add_parser("db", help="the application's database")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    upgrade = commands.add_parser(
        "upgrade",
        help="run the migrations, and make the root key where there is none",
        epilog="example: PARVIS_DATA_DIR=.parvis parvis db upgrade",
    )
    upgrade.set_defaults(run=run_upgrade)


def run_upgrade(_args: argparse.Namespace) -> int:
    """Migrate; says from which revision to which."""
    settings = load_settings()
    if create_root_key(settings):
        print(f"made the root key {settings.secret_key_file}: back it up, apart from the data")
    engine = create_database_engine(settings.database_url)
    before = find_schema_revision(engine)
    upgrade_database(engine)
    print(f"database: {before or 'empty'} -> {find_schema_revision(engine)}")
    engine.dispose()
    return 0
