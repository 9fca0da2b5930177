"""`parvis audit rotate|compromised|renew|close`: new keys for logs, and the end of one."""

import argparse
import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from parvis.audit.events import PLATFORM, Actor, Draft
from parvis.audit.log import AuditLog
from parvis.audit.notes import format_fingerprint
from parvis.audit.renewal import renew_trust
from parvis.audit.turns import COMPROMISE_GROUNDS, ROTATION_GROUNDS
from parvis.cli.audit_open import open_log, require_log
from parvis.cli.parser import read_count
from parvis.errors import Conflict, InvalidRequest
from parvis.settings import load_settings
from parvis.subjects.operators import read_operator
from parvis.tenancy.config import Retention
from parvis.tenancy.registry import load_retention


def register_keys(commands: Any) -> None:
    """Add the commands to `parvis audit`."""
    _register_rotate(commands)
    _register_compromised(commands)
    _register_renew(commands)
    _register_close(commands)


def _register_rotate(commands: Any) -> None:
    rotate = commands.add_parser(
        "rotate",
        help="give a log a new signing key",
        description="One commit: `key.rotated` in the log and in the platform log, and a head "
        "that both keys sign; then the old private key is destroyed. Happens by itself after "
        "PARVIS_AUDIT_ROTATE_DAYS. Grounds: " + _list(ROTATION_GROUNDS),
        epilog="example: parvis audit rotate --all --ground staff-change --operator ada",
    )
    which = rotate.add_mutually_exclusive_group(required=True)
    which.add_argument("--tenant", metavar="T", help="the agency's slug, or `platform`")
    which.add_argument("--all", action="store_true", help="every log, the platform's last")
    rotate.add_argument(
        "--ground", metavar="CODE", choices=ROTATION_GROUNDS, required=True, help="why, see above"
    )
    _add_operator(rotate, "who does it")
    rotate.set_defaults(run=run_rotate)


def _register_compromised(commands: Any) -> None:
    parser = commands.add_parser(
        "compromised",
        help="declare a log's key compromised",
        description="Gives the log a new key at once and records, in the log and in the platform "
        "log, that the key before it cannot be trusted after the head of SIZE records, the last "
        "that you know to be good (a witness's, an auditor's state, a printed line). Verifiers "
        "mark the records from there to the change. Reasons: " + _list(COMPROMISE_GROUNDS),
        epilog="example: parvis audit compromised --tenant commune --since 48210 --reason stolen "
        "--operator ada",
    )
    parser.add_argument("--tenant", metavar="T", required=True, help="agency, or `platform`")
    parser.add_argument(
        "--since", metavar="SIZE", required=True, type=read_count, help="last good size"
    )
    parser.add_argument(
        "--reason", metavar="CODE", choices=COMPROMISE_GROUNDS, required=True, help="see above"
    )
    _add_operator(parser, "who declares it")
    parser.set_defaults(run=run_compromised)


def _register_renew(commands: Any) -> None:
    renew = commands.add_parser(
        "renew",
        help="teach a policy or a witness the new key of a log",
        description="FILE is an auditor's policy or the `logs` file of a witness; EXPORT a folder "
        "that is INTACT under a key that FILE names. Its newer keys are written into FILE: added "
        "to a policy, in the place of the old one for a witness. Refused when the key that FILE "
        "names was declared compromised. Needs no installation.",
        epilog="example: parvis audit renew /srv/witness/logs commune-2026-11",
    )
    renew.add_argument("file", metavar="FILE", type=Path, help="policy, or a witness's `logs`")
    renew.add_argument("export", metavar="EXPORT", type=Path, help="an auditor's folder")
    renew.add_argument("--json", action="store_true", help="print one JSON object")
    renew.set_defaults(run=run_renew)


def _register_close(commands: Any) -> None:
    close = commands.add_parser(
        "close",
        help="end the log of an agency that leaves",
        description="Ends what is open, writes `log.closed` as the log's last record and its final "
        "head into the platform log. Nothing can be added afterwards; exports and proofs go on, "
        "recorded in the platform log. Take the agency's file out of PARVIS_TENANTS_DIR first, and "
        "name it with --file (or its limits): they are recorded, and by them `parvis retention "
        "run` erases and prunes what is left.",
        epilog="example: parvis audit close --tenant commune --file left/commune.yaml "
        "--operator ada",
    )
    close.add_argument("--tenant", metavar="T", required=True, help="the agency's slug")
    close.add_argument("--file", metavar="FILE", type=Path, help="the agency's file, taken out")
    close.add_argument(
        "--sealed-days",
        metavar="N",
        type=read_count,
        help="its limit for sealed values, without --file",
    )
    close.add_argument(
        "--audit-days", metavar="N", type=read_count, help="its limit for records, without --file"
    )
    _add_operator(close, "who closes it")
    close.set_defaults(run=run_close)


def _add_operator(parser: Any, words: str) -> None:
    parser.add_argument("--operator", metavar="NAME", required=True, help=words)
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def _list(grounds: Any) -> str:
    return "; ".join(f"{code} {words}" for code, words in grounds.items()) + "."


def run_rotate(args: argparse.Namespace) -> int:
    """0 when every log that was named has its new key."""
    actor = read_operator(args.operator)
    with open_log(load_settings()) as log:
        tenants = [args.tenant]
        if args.all:
            open_ones = [one for one in log.reader.list_tenants() if not log.reader.is_closed(one)]
            tenants = [*(one for one in open_ones if one != PLATFORM), PLATFORM]
        keys = {one: rotate(log, one, args.ground, actor) for one in tenants}
    if args.json:
        print(json.dumps(keys))
    else:
        for tenant_id, vkey in keys.items():
            _print_key(tenant_id, vkey)
    return 0


def rotate(log: AuditLog, tenant_id: str, ground: str, actor: Actor) -> str:
    """The log's new verifier key; who did it is recorded. Raises InvalidRequest."""
    require_log(log, tenant_id)
    _record(log, actor, "audit.rotate", tenant_id, ground)
    return log.rotate_key(tenant_id, ground, actor)


def run_compromised(args: argparse.Namespace) -> int:
    """0 when it is declared and the log has another key."""
    actor = read_operator(args.operator)
    with open_log(load_settings()) as log:
        require_log(log, args.tenant)
        _record(log, actor, "audit.compromised", args.tenant, args.reason)
        try:
            bad, new = log.declare_compromised(args.tenant, args.since, args.reason, actor)
        except ValueError as error:
            raise InvalidRequest(str(error).removeprefix("audit: ")) from error
        end = log.reader.get_head(args.tenant).size
    if args.json:
        told = {"tenant": args.tenant, "compromised": bad, "vkey": new, "since": args.since}
        print(json.dumps(told))
    else:
        print(f"records {args.since} to the change of keys (before {end}) are suspect from now on")
        _print_key(args.tenant, new)
    return 0


def _print_key(tenant_id: str, vkey: str) -> None:
    print(f"{tenant_id:<20} {vkey}")
    print(f"{'':<20} {format_fingerprint(vkey)}")


def run_renew(args: argparse.Namespace) -> int:
    """0 also when there was nothing new."""
    added = renew_trust(args.file, args.export)
    if args.json:
        print(json.dumps({"file": str(args.file), "added": added}))
        return 0
    for vkey in added:
        print(f"added {vkey}")
        print(f"      {format_fingerprint(vkey)}")
    if not added:
        print("nothing new: the file names the newest key")
    return 0


def run_close(args: argparse.Namespace) -> int:
    """0 when the log is closed."""
    actor, settings = read_operator(args.operator), load_settings()
    if (settings.tenants_dir / f"{args.tenant}.yaml").exists():
        raise Conflict(
            f"{args.tenant} is still an agency of this installation: take its file out of "
            "PARVIS_TENANTS_DIR and restart the gateway first"
        )
    limits = _read_limits(args)
    with open_log(settings) as log:
        require_log(log, args.tenant)
        if args.tenant == PLATFORM or log.reader.is_closed(args.tenant):
            raise Conflict("the log is closed already, or is the platform's, which never ends")
        _record(log, actor, "audit.close", args.tenant, "agency-left")
        sealed_days, audit_days = limits.sealed_days, limits.audit_days
        origin, size = log.close_log(
            args.tenant, actor, sealed_days=sealed_days, audit_days=audit_days
        )
    if args.json:
        told = {"tenant": args.tenant, "origin": origin, "size": size}
        print(json.dumps(told | {"sealed_days": sealed_days, "audit_days": audit_days}))
    else:
        print(f"closed {args.tenant}: {origin}, {size} records. Export it for the agency now.")
        print(
            f"`parvis retention run` goes on for it: sealed values {sealed_days} days, records "
            f"{audit_days} days"
        )
    return 0


def _read_limits(args: argparse.Namespace) -> Retention:
    """The limits that are recorded for what is left. Raises InvalidRequest, ConfigurationFaults."""
    days = (args.sealed_days, args.audit_days)
    if args.file is not None and days == (None, None):
        return load_retention(args.file, args.tenant)
    if args.file is not None or None in days:
        raise InvalidRequest(
            "how long is kept what is left? --file FILE, the agency's file that was taken out, or "
            "both --sealed-days N and --audit-days N"
        )
    try:
        return Retention(conversations_days=1, sealed_days=days[0], audit_days=days[1])
    except ValidationError:
        raise InvalidRequest(
            "--sealed-days is 1 to 365, --audit-days is 184 to 3650, as in an agency's file"
        ) from None


def _record(log: AuditLog, actor: Actor, act: str, tenant_id: str, ground: str) -> None:
    """Who does it, with their name sealed: records of keys carry the pseudonym alone."""
    target = {"object": act, "tenant": tenant_id}
    change = {"ground": ground}
    log.append(
        PLATFORM,
        Draft("admin.changed", actor, outcome="success", target=target, change=change),
    )
