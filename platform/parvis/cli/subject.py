"""`parvis subject find | export | erase`: what is kept of one person, a copy of it, its erasure."""

import argparse
import json
from pathlib import Path
from typing import Any

from parvis.audit.events import Actor
from parvis.compliance.grounds import ERASURE_GROUNDS, REFUSAL_GROUNDS
from parvis.compliance.holds import Held
from parvis.errors import Conflict, InvalidRequest
from parvis.services import load_configuration
from parvis.settings import load_settings
from parvis.subjects.copies import write_copy
from parvis.subjects.erase import Done, confirm_erasure, describe_done, request_erasure
from parvis.subjects.find import Wanted, describe, find, record_look
from parvis.subjects.operators import read_operator
from parvis.subjects.stores import Stores, open_stores


def register(groups: Any) -> None:
    """Add the group to the command line."""
    parser = groups.add_parser("subject", help="what is kept of one person: find, copy, erase")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _register_find(commands)
    _register_export(commands)
    _register_erase(commands)


def _register_find(commands: Any) -> None:
    command = commands.add_parser(
        "find",
        help="what is kept, and until when",
        description="Show what is kept of a person, a conversation, or the request of a receipt: "
        "conversations, sealed values by key, sessions, pseudonyms by month, holds. Opens no text "
        "and searches none. The look is itself a record.",
        epilog="example: parvis subject find --tenant commune --person 8f2c41d0-... --operator ada",
    )
    _add_wanted(command, required=True)
    command.add_argument("--operator", metavar="NAME", required=True, help="who looks")
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command.set_defaults(run=run_find)


def _register_export(commands: Any) -> None:
    command = commands.add_parser(
        "export",
        help="a copy of the data for the person (GDPR Art. 15)",
        description="Write person.json and a page to a new folder: conversations, sealed values "
        "and records of the person, opened. Two people are named; both are recorded.",
        epilog="example: parvis subject export --tenant commune --person 8f2c41d0-... --out copy "
        "--operator ada --second grace",
    )
    _add_wanted(command, required=True)
    command.add_argument("--out", metavar="DIR", required=True, type=Path, help="a new folder")
    command.add_argument("--operator", metavar="NAME", required=True, help="who makes the copy")
    command.add_argument("--second", metavar="NAME", required=True, help="who agreed to it")
    command.add_argument("--language", choices=("fr", "de", "lb", "en"), default="en")
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command.set_defaults(run=run_export)


def _register_erase(commands: Any) -> None:
    command = commands.add_parser(
        "erase",
        help="ask for an erasure, or confirm it (GDPR Art. 17)",
        description="One person asks, naming whose data and the ground; another confirms with "
        "--confirm ID. Keys are destroyed, then everything sealed under them. Prints the receipt "
        "of the erasure. Grounds: "
        + "; ".join(f"{code} {words}" for code, words in ERASURE_GROUNDS.items())
        + ". Exit 1 when a hold forbids it.",
        epilog="example: parvis subject erase --tenant commune --person 8f2c41d0-... --ground "
        "gdpr-17.1.c --operator ada; then: parvis subject erase --tenant commune --confirm "
        "e-0a1b2c3d4e5f --operator grace",
    )
    _add_wanted(command, required=False)
    command.add_argument("--ground", metavar="CODE", help="the ground, with a request")
    command.add_argument("--confirm", metavar="ID", help="carry out a request of somebody else")
    command.add_argument("--operator", metavar="NAME", required=True, help="who asks or confirms")
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command.set_defaults(run=run_erase)


def _add_wanted(command: argparse.ArgumentParser, *, required: bool) -> None:
    command.add_argument("--tenant", metavar="T", required=True, help="the agency's slug")
    wanted = command.add_mutually_exclusive_group(required=required)
    wanted.add_argument("--person", metavar="SUBJECT", help="a person's id (sub) in the realm")
    wanted.add_argument("--receipt", metavar="R", help="the receipt of one answer")
    wanted.add_argument("--conversation", metavar="ID", help="a conversation of the portal")


def _read_wanted(args: argparse.Namespace) -> Wanted | None:
    if args.person:
        return Wanted("person", args.person)
    if args.receipt:
        return Wanted("receipt", args.receipt)
    return Wanted("conversation", args.conversation) if args.conversation else None


def run_find(args: argparse.Namespace) -> int:
    """Print what is kept; 0 also when it is nothing."""
    actor, wanted = read_operator(args.operator), _get_wanted(args)
    with open_stores(load_configuration(load_settings()), worker="subject") as stores:
        found = find(stores, args.tenant, wanted)
        record_look(stores, args.tenant, actor, found, "subject.find")
        kept = describe(stores, args.tenant, found)
    if args.json:
        print(json.dumps(kept))
    else:
        _print_kept(kept)
    return 0


def _get_wanted(args: argparse.Namespace) -> Wanted:
    wanted = _read_wanted(args)
    if wanted is None:
        raise InvalidRequest("say whose data: --person, --receipt or --conversation")
    return wanted


def _print_kept(kept: dict[str, Any]) -> None:
    for one in kept["conversations"]:
        turns, until = one["turns"], one["expires_at"][:10]
        print(f"conversation {one['id']}  {one['assistant_id']}, {turns} turns, until {until}")
    for one in kept["sealed"]:
        print(f"sealed       {one['values']} values under key {one['key']}, until {one['until']}")
    for month, pid in kept["pseudonyms"].items():
        print(f"pseudonym    {month} {pid}")
    print(f"sessions     {kept['sessions']}")
    print(f"records      without content, {kept['records_kept_days']} days each")
    for hold in kept["holds"]:
        print(f"hold         {hold}: erasing is refused")


def run_export(args: argparse.Namespace) -> int:
    """Write the copy; 0 when it is complete."""
    actor, second, wanted = (
        read_operator(args.operator),
        read_operator(args.second),
        _get_wanted(args),
    )
    if actor.subject == second.subject:
        raise InvalidRequest("--second names another person than --operator")
    if args.out.exists():
        raise Conflict("the folder of --out exists already")
    with open_stores(load_configuration(load_settings()), worker="subject") as stores:
        found = find(stores, args.tenant, wanted)
        copy = write_copy(
            stores, args.tenant, found, args.out, actor=actor, second=second, language=args.language
        )
    if args.json:
        print(json.dumps(copy))
    else:
        print(f"{copy['conversations']} conversations, {copy['records']} records in {args.out}")
        print(f"receipt {copy['receipt']}")
    return 0


def run_erase(args: argparse.Namespace) -> int:
    """0 when the request is on record, or what was confirmed is erased."""
    actor = read_operator(args.operator)
    with open_stores(load_configuration(load_settings()), worker="subject") as stores:
        if args.confirm:
            return _confirm(stores, args, actor)
        return _request(stores, args, actor)


def _request(stores: Stores, args: argparse.Namespace, actor: Actor) -> int:
    wanted = _get_wanted(args)
    if not args.ground:
        raise InvalidRequest("--ground is missing: one of " + ", ".join(ERASURE_GROUNDS))
    erasure = request_erasure(stores, args.tenant, wanted, ground=args.ground, actor=actor)
    if args.json:
        print(json.dumps({"erasure": erasure.id, "status": erasure.status}))
    else:
        print(f"asked for: {erasure.id}. Nothing is erased yet. Another person confirms:")
        print(f"parvis subject erase --tenant {args.tenant} --confirm {erasure.id} --operator NAME")
    return 0


def _confirm(stores: Stores, args: argparse.Namespace, actor: Actor) -> int:
    if _read_wanted(args) or args.ground:
        raise InvalidRequest("--confirm ID already says whose data and why")
    try:
        done = confirm_erasure(stores, args.tenant, args.confirm, actor=actor)
    except Held as held:
        words = f"{held.ground}, {REFUSAL_GROUNDS[held.ground]}"
        holds = ", ".join(hold.id for hold in held.holds)
        raise Conflict(
            f"refused under hold {holds} ({words}). It will be carried out by `parvis retention "
            f"run` once the hold is lifted, not before {held.until:%Y-%m-%d}."
        ) from None
    _print_done(describe_done(stores, args.tenant, done), done, as_json=args.json)
    return 0


def _print_done(words: dict[str, Any], done: Done, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(words))
        return
    counts = ", ".join(f"{number} {name.lower()}" for name, number in done.counts.items())
    print(f"erased {done.erasure_id}: {counts}")
    print(f"complete on {words['complete_on']}, when the last backup of the key store is gone")
    print(f"stays {words['stays']['days']} days: {words['stays']['what']}")
    print(f"ground {words['stays']['ground']}: {REFUSAL_GROUNDS[words['stays']['ground']]}")
    print(f"receipt {done.receipt}")
