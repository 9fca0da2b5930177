"""`parvis tenants check | apply`: the agencies' files, and their realms in Keycloak.

The administrator's password is read from a file for one command; the gateway never has it.
"""

import argparse
import json
import sys
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from parvis.cli.tenants_records import on_record
from parvis.errors import ConfigurationFaults, Fault
from parvis.identity.provisioning import Change, RealmWanted, apply, connect_admin, plan
from parvis.inference.models import load_models
from parvis.policy.rules import list_agency_rules
from parvis.settings import Settings, load_settings
from parvis.subjects.operators import read_reader
from parvis.tenancy.config import Agency
from parvis.tenancy.registry import TenantRegistry, load_tenants


def register(groups: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the group to the command line."""
    group = groups.add_parser("tenants", help="check the agencies' files, apply them to Keycloak")
    commands = group.add_subparsers(metavar="COMMAND", required=True)
    check = commands.add_parser(
        "check",
        help="read every file and name every fault",
        description="Read the agencies' files and sources. Exit 1 when one is wrong; one message "
        "names every fault with file, line and key.",
        epilog="example: parvis tenants check tenants/",
    )
    check.add_argument("directory", nargs="?", type=Path, help="default: PARVIS_TENANTS_DIR")
    check.add_argument("--json", action="store_true", help="one JSON object instead of words")
    check.set_defaults(run=run_check)
    change = commands.add_parser(
        "apply",
        help="create or update realms, clients and roles in Keycloak",
        description="Show what Keycloak holds otherwise than the agencies' files say, ask, and "
        "change it. Nothing is ever deleted; a second run changes nothing. Exit 1 when Keycloak "
        "differs and nobody agreed. What is changed is a record of each agency's log.",
        epilog="example: parvis tenants apply --admin-user admin --admin-password-file admin.pw",
    )
    change.add_argument(
        "--admin-user", metavar="NAME", required=True, help="a Keycloak administrator (master)"
    )
    change.add_argument(
        "--admin-password-file",
        metavar="FILE",
        required=True,
        type=Path,
        help="file that holds the administrator's password",
    )
    decided = change.add_mutually_exclusive_group()
    decided.add_argument("--yes", action="store_true", help="apply without asking")
    decided.add_argument("--dry-run", action="store_true", help="show what would change, stop")
    change.add_argument(
        "--operator",
        metavar="NAME",
        help="who applies, as the records name them (without: the account of the machine)",
    )
    change.add_argument("--json", action="store_true", help="one JSON object instead of words")
    change.set_defaults(run=run_apply)


def run_check(args: argparse.Namespace) -> int:
    """0 when every file is right; else 1 and every fault with file, line and key."""
    try:
        registry = load_agencies(load_settings(), args.directory)
    except ConfigurationFaults as faults:
        if not args.json:
            raise
        print(json.dumps({"faults": [asdict(one) for one in faults.faults]}, indent=1))
        return 1
    overdue = list(_overdue_sources(registry, date.today()))
    if args.json:
        print(json.dumps({"agencies": sorted(registry.agencies), "overdue_sources": overdue}))
        return 0
    for agency in registry.agencies.values():
        print(f"{agency.slug}: {len(agency.assistants)} assistants, {len(agency.sources)} sources")
    for words in overdue:
        print(f"note: {words}")
    return 0


def run_apply(args: argparse.Namespace) -> int:
    """0 when Keycloak is as the files say; 1 when it is not and nobody agreed to change it."""
    settings = load_settings()
    registry = load_agencies(settings)
    admin = connect_admin(
        settings.keycloak_url,
        user=args.admin_user,
        password=_read_password(args.admin_password_file),
        ca_file=settings.keycloak_ca_file,
    )
    wanted = _list_wanted(registry, settings)
    changes = plan(admin, wanted)
    if not args.json:
        _print_changes(changes)
    agreed = not args.dry_run and bool(changes) and (args.yes or _ask(args))
    applied = _apply(args, settings, admin, wanted, changes) if agreed else []
    if args.json:
        values = {"changes": [asdict(one) for one in changes], "applied": len(applied)}
        print(json.dumps(values, indent=1))
    elif agreed:
        print(f"applied: {len(applied)}")
    return 0 if agreed or args.dry_run or not changes else 1


def _apply(
    args: argparse.Namespace,
    settings: Settings,
    admin: Any,
    wanted: list[RealmWanted],
    changes: list[Change],
) -> list[Change]:
    slugs = {one.realm: one.slug for one in wanted}
    with on_record(settings, changes, slugs, read_reader(args.operator)) as recorded:
        if not recorded:
            print("note: not on record: this installation has no audit logs yet", file=sys.stderr)
        return apply(admin, wanted)


def load_agencies(settings: Settings, directory: Path | None = None) -> TenantRegistry:
    """The agencies with the models and rules that this installation has.

    Raises ConfigurationFaults.
    """
    return load_tenants(
        directory.absolute() if directory else settings.tenants_dir,
        models=load_models(settings.models_file).models,
        policies=list_agency_rules(settings.policies_dir),
    )


def realm_wanted(agency: Agency, settings: Settings) -> RealmWanted:
    """The agency as Keycloak should know it."""
    return RealmWanted(
        slug=agency.slug,
        realm=agency.identity.realm,
        display_name=agency.name.en,
        public_url=settings.public_url,
        portal_client=agency.identity.portal_client,
        chatbot_client=agency.identity.chatbot_client,
        languages=agency.languages,
    )


def _list_wanted(registry: TenantRegistry, settings: Settings) -> list[RealmWanted]:
    wanted = []
    for agency in registry.agencies.values():
        if agency.identity.organization is None:
            wanted.append(realm_wanted(agency, settings))
        else:
            words = "shares a realm as an organization: set that realm up in Keycloak by hand"
            print(f"note: {agency.slug} {words}", file=sys.stderr)
    return wanted


def _read_password(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        fault = Fault(str(path), 0, "--admin-password-file", f"cannot be read: {error.strerror}")
        raise ConfigurationFaults([fault]) from None


def _print_changes(changes: list[Change]) -> None:
    for change in changes:
        print(change)
    print(f"{len(changes)} changes" if changes else "nothing to change")


def _ask(args: argparse.Namespace) -> bool:
    if args.json or not sys.stdin.isatty():
        print("parvis: nothing was changed; add --yes to apply", file=sys.stderr)
        return False
    return input("Apply? [y/N] ").strip().lower() in {"y", "yes"}


def _overdue_sources(registry: TenantRegistry, today: date) -> list[str]:
    return [
        f"{agency.slug}: source {source.id} was valid until {source.valid_until}"
        for agency in registry.agencies.values()
        for source in agency.sources
        if source.valid_until < today
    ]
