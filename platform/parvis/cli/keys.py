"""`parvis keys backup`: copies of the key store that do not outlive an erasure."""

import argparse
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from parvis.audit.events import PLATFORM, Draft
from parvis.cli.audit_open import open_log
from parvis.errors import Conflict, InvalidRequest
from parvis.keystore import KeyStore
from parvis.settings import load_settings, read_root_key
from parvis.subjects.operators import read_reader

_NAME = re.compile(r"keys-(\d{8}T\d{6})Z\.db", re.ASCII)
_STAMP = "%Y%m%dT%H%M%S"


def register(groups: Any) -> None:
    """Add the group to the command line."""
    parser = groups.add_parser("keys", help="the store of keys that erasures destroy")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    backup = commands.add_parser(
        "backup",
        help="copy the key store, and remove copies that are too old",
        description="Write keys-TIME.db to the folder and remove its copies older than "
        "PARVIS_KEYS_BACKUP_DAYS: an older one could open what was erased. Daily, from a timer, "
        "to storage of which no older copies are made. The root key is not in it. The copy is a "
        "record of the platform log.",
        epilog="example: parvis keys backup --out /mnt/backup/parvis-keys",
    )
    backup.add_argument("--out", metavar="DIR", required=True, type=Path, help="its folder")
    backup.add_argument(
        "--operator",
        metavar="NAME",
        help="who copies, as the record names them (without: the account of the machine)",
    )
    backup.set_defaults(run=run_backup)


def run_backup(args: argparse.Namespace) -> int:
    """0 when the copy is written and no older one is left."""
    settings = load_settings()
    if not settings.keys_file.is_file():
        raise InvalidRequest("there is no key store under PARVIS_DATA_DIR")
    actor = read_reader(args.operator)
    target = {"view": "backup", "object": "keystore"}
    with open_log(settings, first=True) as log:
        log.append(PLATFORM, Draft("audit.exported", actor, outcome="success", target=target), 10)
    store = KeyStore(settings.keys_file, read_root_key(settings))
    try:
        written, removed = write_backup(store, args.out, settings.keys_backup_days)
    finally:
        store.close()
    print(f"written: {written}")
    for path in removed:
        print(f"removed: {path}")
    return 0


def write_backup(
    store: KeyStore, folder: Path, days: int, now: datetime | None = None
) -> tuple[Path, list[Path]]:
    """The new copy and the old ones removed. Raises Conflict when this second has a copy."""
    moment = now or datetime.now(UTC)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"keys-{moment:{_STAMP}}Z.db"
    try:
        store.write_backup(path)
    except FileExistsError:
        raise Conflict("there is a copy of this second already") from None
    old = [one for one in sorted(folder.iterdir()) if _is_over(one, moment - timedelta(days=days))]
    for one in old:
        one.unlink()
    return path, old


def _is_over(path: Path, limit: datetime) -> bool:
    named = _NAME.fullmatch(path.name)
    return named is not None and datetime.strptime(named[1], _STAMP).replace(tzinfo=UTC) < limit
