"""`parvis audit backup`: a copy of the logs' database while the gateway runs."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from parvis.audit.backup import Backup, write_backup
from parvis.audit.events import PLATFORM, Draft
from parvis.audit.store import StoreFault, StoreUnsafe
from parvis.cli.audit_open import open_log
from parvis.errors import AuditUnavailable, Conflict, InvalidRequest
from parvis.settings import Settings, load_settings
from parvis.subjects.operators import read_reader


def register_backup(commands: Any) -> None:
    """Add the command to the group."""
    parser = commands.add_parser(
        "backup",
        help="copy the logs' database while the gateway runs",
        description="Write audit.db, whole at one moment, to a new folder. The signed heads are "
        "never in it: they MUST NOT be restored together with the logs. The signing keys are in "
        "it with --with-keys only, wrapped under the root key, which is not. The copy is a record "
        "of the platform log. For logs in PostgreSQL use its own tools: pg_dump of the schema "
        "parvis_audit, or pg_basebackup with archived write-ahead logs.",
        epilog="example: parvis audit backup --out /mnt/backup/audit-2026-11-22 --operator ada",
    )
    parser.add_argument("--out", metavar="DIR", required=True, type=Path, help="a new folder")
    parser.add_argument(
        "--with-keys",
        action="store_true",
        help="the signing keys too: whoever has them and the root key can sign as the logs",
    )
    parser.add_argument(
        "--operator",
        metavar="NAME",
        help="who copies, as the record names them (without: the account of the machine)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run_backup)


def run_backup(args: argparse.Namespace) -> int:
    """0 when the copy is complete and on record."""
    settings, actor = load_settings(), read_reader(args.operator)
    if settings.audit_database_url:
        raise InvalidRequest(
            "the logs are in PostgreSQL: copy them with `pg_dump --schema=parvis_audit`, or "
            "pg_basebackup with archived write-ahead logs (docs/operate.md)"
        )
    if args.out.exists():
        raise Conflict("the folder of --out exists already")
    with open_log(settings) as log:
        what = "database+keys" if args.with_keys else "database"
        target = {"view": "backup", "object": what}
        log.append(PLATFORM, Draft("audit.exported", actor, outcome="success", target=target), 10)
        made = _write(settings, args.out, with_keys=args.with_keys)
    if args.json:
        print(json.dumps(asdict(made) | {"folder": str(made.folder)}))
    else:
        _print(made)
    return 0


def _write(settings: Settings, folder: Path, *, with_keys: bool) -> Backup:
    try:
        return write_backup(settings.audit_dir, folder, with_keys=with_keys)
    except (StoreFault, StoreUnsafe) as error:
        raise AuditUnavailable(f"the copy cannot be made ({error})") from error
    except OSError as error:
        words = f"{folder} cannot be written ({error.strerror})"
        raise InvalidRequest(words) from error


def _print(made: Backup) -> None:
    for tenant_id, size in made.sizes.items():
        print(f"{tenant_id:<20} {size} records")
    print(f"written: {made.folder}")
    keys = f"{made.keys} signing keys" if made.keys else "no signing keys (--with-keys)"
    print(f"with {keys}; to restore also: root key, key store, signed heads (docs/operate.md)")
