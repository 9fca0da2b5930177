"""`parvis retention run`: apply every agency's limits; print and record what went."""

import argparse
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from typing import Any

from parvis.audit.files import LockFile
from parvis.errors import Conflict
from parvis.monitoring.looks import RETENTION_MARK
from parvis.services import Configuration, load_configuration
from parvis.settings import load_settings
from parvis.subjects.agencies import list_agencies
from parvis.subjects.retention import Gone, apply_limits
from parvis.subjects.stores import open_stores
from parvis.web.audit_exports import forget_old_exports


def register(groups: Any) -> None:
    """Add the group to the command line."""
    parser = groups.add_parser("retention", help="what is kept, and for how long")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    run = commands.add_parser(
        "run",
        help="erase and prune what is over (daily, from a timer)",
        description="For each agency: finish erasures, erase conversations whose time is over, "
        "destroy keys of sealed values older than sealed_days, prune bodies of records older than "
        "audit_days (never younger than 184 days). Agencies that left and logs that were rolled "
        "back are no exception; what goes from them is recorded in the platform log. What a hold "
        "covers stays. A hold whose record could not be written when it was placed gets it now. "
        "May be repeated and interrupted at any time.",
        epilog="example: PARVIS_DATA_DIR=.parvis parvis retention run",
    )
    run.add_argument("--json", action="store_true", help="print one JSON object")
    run.set_defaults(run=run_retention)


def run_retention(args: argparse.Namespace) -> int:
    """Erase and record, agency by agency."""
    gone = apply_retention(load_configuration(load_settings()))
    if args.json:
        print(json.dumps({slug: asdict(one) for slug, one in gone.items()}))
    for slug, one in () if args.json else gone.items():
        print(
            f"{slug}: {one.conversations} conversations erased, {one.sealed} sealed values, "
            f"{one.keys} keys, {len(one.erasures)} erasures finished; records whole from "
            f"{one.pruned} on"
        )
        for log_id, pruned in one.ended.items():
            print(f"{slug}: of log {log_id}, which ended, records whole from {pruned} on")
        for hold in one.recorded_holds:
            print(f"{slug}: hold {hold} was in force without its record: now it is on record")
        for hold in one.overdue_holds:
            print(f"{slug}: hold {hold} is OVERDUE and still holds: lift it, or place a new one")
    return 0


def apply_retention(configuration: Configuration) -> dict[str, Gone]:
    """What went, by agency; everything that went is on record."""
    gone = {}
    with _only_run(configuration), open_stores(configuration, worker="retention") as stores:
        for slug in list_agencies(stores):
            forget_old_exports(configuration.settings.data_dir, slug)
            gone[slug] = apply_limits(stores, slug)
    (configuration.settings.data_dir / RETENTION_MARK).touch(mode=0o600)
    return gone


@contextmanager
def _only_run(configuration: Configuration) -> Iterator[None]:
    """Two at once would take turns at the same data, and record each thing twice."""
    with closing(LockFile(configuration.settings.data_dir / "retention.lock")) as lock:
        if not lock.try_take():
            raise Conflict("Another `parvis retention run` is under way; this one did nothing.")
        yield
