"""`parvis hold place | lift | list`: what must be kept although its time is over."""

import argparse
import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from parvis.cli.audit import parse_time
from parvis.compliance.grounds import HOLD_REASONS
from parvis.compliance.holds import Hold, HoldKind
from parvis.errors import InvalidRequest
from parvis.services import load_configuration
from parvis.settings import load_settings
from parvis.subjects.agencies import get_kept
from parvis.subjects.find import Wanted, find
from parvis.subjects.holding import lift_hold, place_hold
from parvis.subjects.operators import read_operator
from parvis.subjects.stores import open_stores


def register(groups: Any) -> None:
    """Add the group to the command line."""
    parser = groups.add_parser("hold", help="keep what a case needs: block erasing and pruning")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _register_place(commands)
    lift = commands.add_parser(
        "lift",
        help="end a hold",
        description="End a hold. What waited for it goes with the next `parvis retention run`.",
        epilog="example: parvis hold lift --tenant commune h-0a1b2c3d4e5f --operator ada",
    )
    lift.add_argument("hold", metavar="ID", help="the hold")
    lift.add_argument("--tenant", metavar="T", required=True, help="the agency's slug")
    lift.add_argument("--operator", metavar="NAME", required=True, help="who lifts it")
    lift.set_defaults(run=run_lift)
    show = commands.add_parser(
        "list",
        help="holds that are in force, overdue ones marked",
        epilog="example: parvis hold list --tenant commune --json",
    )
    show.add_argument("--tenant", metavar="T", required=True, help="the agency's slug")
    show.add_argument("--all", action="store_true", help="those that were lifted too")
    show.add_argument("--json", action="store_true", help="print a JSON array")
    show.set_defaults(run=run_list)


def _register_place(commands: Any) -> None:
    place = commands.add_parser(
        "place",
        help="place a hold",
        description="Keep a person's data, a conversation, a period, or (with --case alone) "
        "everything of the agency: nothing of it is erased or pruned until the hold is lifted. "
        "A hold past its end date still holds; `parvis check` shows it. Reasons: "
        + ", ".join(f"{code} ({ground})" for code, ground in HOLD_REASONS.items())
        + ".",
        epilog="example: parvis hold place --tenant commune --conversation 6f1c... --case "
        "AZ-2026-17 --reason litigation --until 2027-06-30 --operator ada",
    )
    place.add_argument("--tenant", metavar="T", required=True, help="the agency's slug")
    what = place.add_mutually_exclusive_group()
    what.add_argument("--person", metavar="SUBJECT", help="a person's id (sub) in the realm")
    what.add_argument("--conversation", metavar="ID", help="a conversation of the portal")
    what.add_argument("--from", dest="from_time", metavar="TIME", help="begin of a period")
    place.add_argument("--to", dest="to_time", metavar="TIME", help="end of the period")
    place.add_argument("--case", metavar="WORD", default="", help="file number; alone: everything")
    place.add_argument("--reason", metavar="CODE", required=True, help="why, a code as above")
    place.add_argument("--until", metavar="TIME", required=True, help="when it is looked at again")
    place.add_argument("--operator", metavar="NAME", required=True, help="who owns it")
    place.add_argument("--json", action="store_true", help="print one JSON object")
    place.set_defaults(run=run_place)


def run_place(args: argparse.Namespace) -> int:
    """0 when the hold is in force and on record."""
    kind, ref = _read_what(args)
    from_time, to_time = parse_time(args.from_time, "--from"), parse_time(args.to_time, "--to")
    until = parse_time(args.until, "--until")
    if (from_time is None) != (to_time is None) or until is None:
        raise InvalidRequest("a period needs --from and --to")
    with open_stores(load_configuration(load_settings()), worker="hold") as stores:
        hold = place_hold(
            stores,
            args.tenant,
            kind,
            ref,
            reason=args.reason,
            until=until,
            actor=read_operator(args.operator),
            case_word=args.case,
            period=(from_time, to_time) if from_time and to_time else None,
        )
        if kind == "person" and find(stores, args.tenant, Wanted(kind, ref)).is_empty:
            print("parvis: nothing is kept of this person yet: is the id right?", file=sys.stderr)
    print(json.dumps(_plain(hold)) if args.json else f"placed: {_words(hold)}")
    return 0


def _read_what(args: argparse.Namespace) -> tuple[HoldKind, str]:
    if args.person:
        return "person", args.person
    if args.conversation:
        return "conversation", args.conversation
    if args.from_time:
        return "range", ""
    if not args.case:
        raise InvalidRequest("say what: --person, --conversation, --from and --to, or --case")
    return "case", ""


def run_lift(args: argparse.Namespace) -> int:
    """0 when the hold is no more."""
    with open_stores(load_configuration(load_settings()), worker="hold") as stores:
        actor = read_operator(args.operator)
        print(f"lifted: {_words(lift_hold(stores, args.tenant, args.hold, actor=actor))}")
    return 0


def run_list(args: argparse.Namespace) -> int:
    """Print the holds, a line each."""
    with open_stores(load_configuration(load_settings()), worker="hold") as stores:
        get_kept(stores, args.tenant)
        holds = stores.compliance.list_holds(args.tenant, lifted=args.all)
    if args.json:
        print(json.dumps([_plain(hold) for hold in holds]))
    for hold in () if args.json else holds:
        overdue = "OVERDUE  " if hold.is_overdue(datetime.now(UTC)) else ""
        print(overdue + _words(hold))
    return 0


def _words(hold: Hold) -> str:
    what = f"{hold.kind} {hold.ref}".strip()
    if hold.from_time and hold.to_time:
        what = f"{hold.from_time:%Y-%m-%d} to {hold.to_time:%Y-%m-%d}"
    case = f", case {hold.case_word}" if hold.case_word else ""
    end = "lifted" if hold.lifted_at else f"until {hold.until:%Y-%m-%d}"
    owner = hold.owner.partition(":")[2]
    return f"{hold.id}  {what}{case}, {hold.reason} ({hold.ground}), {end}, owner {owner}"


def _plain(hold: Hold) -> dict[str, Any]:
    values = {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(hold).items()
    }
    return values | {"ground": hold.ground, "overdue": hold.is_overdue(datetime.now(UTC))}
