"""`parvis audit incident open|close|list`: what went wrong, on record until it is dealt with."""

import argparse
import json
import re
from dataclasses import asdict
from typing import Any

from parvis.audit.events import PLATFORM
from parvis.audit.incidents import FOUND, describe_closed, describe_opened, list_incidents
from parvis.cli.audit_open import open_log, require_log
from parvis.errors import Conflict, InvalidRequest, NotFound
from parvis.settings import load_settings
from parvis.subjects.operators import read_operator

_REASON = re.compile("[a-z][a-z0-9_]{1,39}")
_MOST_NOTE = 2000
_WAIT_S = 10.0


def register_incident(commands: Any) -> None:
    """Add the group to `parvis audit`."""
    group = commands.add_parser(
        "incident",
        help="open and close incidents, and list them",
        description="The house opens incidents by itself, in the platform log: "
        + "; ".join(f"{reason}: {words}" for reason, words in FOUND.items())
        + ". An incident stops nothing and stays open until somebody closes it.",
        epilog="example: parvis audit incident list",
    )
    steps = group.add_subparsers(metavar="STEP", required=True)
    opening = steps.add_parser(
        "open",
        help="record that something went wrong",
        epilog="example: parvis audit incident open --tenant commune --reason mail_to_wrong_person "
        "--operator ada",
    )
    opening.add_argument(
        "--reason", metavar="WORD", required=True, help="what it is, in a word of a-z 0-9 _"
    )
    closing = steps.add_parser(
        "close",
        help="record that it was dealt with",
        epilog="example: parvis audit incident close i-0a1b2c3d4e5f --operator ada --note restored",
    )
    closing.add_argument("incident", metavar="INCIDENT", help="as `list` names it")
    listing = steps.add_parser(
        "list",
        help="the incidents that are open",
        epilog="example: parvis audit incident list --tenant commune --all",
    )
    listing.add_argument("--all", action="store_true", help="those that were closed, too")
    for step, run in ((opening, run_open), (closing, run_close), (listing, run_list)):
        step.add_argument(
            "--tenant", metavar="T", default=PLATFORM, help="whose log (default: the platform's)"
        )
        step.add_argument("--json", action="store_true", help="print one JSON object")
        step.set_defaults(run=run)
    for step in (opening, closing):
        step.add_argument("--operator", metavar="NAME", required=True, help="who says so")
        step.add_argument("--note", default="", help="what to know of it; kept sealed")


def run_open(args: argparse.Namespace) -> int:
    """Print the incident's name."""
    if not _REASON.fullmatch(args.reason):
        raise InvalidRequest("--reason: expected a word of a-z 0-9 _, for example disk_lost")
    draft = describe_opened(read_operator(args.operator), args.reason, _read_note(args.note))
    with open_log(load_settings()) as log:
        require_log(log, args.tenant)
        receipt = log.append(args.tenant, draft, _WAIT_S).text
    name = draft.target["object"]
    print(json.dumps({"incident": name, "receipt": receipt}) if args.json else name)
    return 0


def run_close(args: argparse.Namespace) -> int:
    """0 when it is on record; an incident is closed once."""
    actor, note = read_operator(args.operator), _read_note(args.note)
    with open_log(load_settings()) as log:
        require_log(log, args.tenant)
        known = {one.id: one for one in list_incidents(log.reader, args.tenant)}
        if args.incident not in known:
            raise NotFound("no incident of this name: `parvis audit incident list`")
        if known[args.incident].closed:
            raise Conflict("it is closed already")
        draft = describe_closed(actor, args.incident, note)
        receipt = log.append(args.tenant, draft, _WAIT_S).text
    told = json.dumps({"incident": args.incident, "receipt": receipt})
    print(told if args.json else f"closed: {args.incident}")
    return 0


def run_list(args: argparse.Namespace) -> int:
    """Print them, oldest first."""
    with open_log(load_settings()) as log:
        require_log(log, args.tenant)
        found = list_incidents(log.reader, args.tenant)
    shown = [one for one in found if args.all or one.closed is None]
    if args.json:
        print(json.dumps({"incidents": [asdict(one) for one in shown]}, default=str))
        return 0
    for one in shown:
        state = f"closed {one.closed:%Y-%m-%d %H:%M}" if one.closed else "OPEN"
        about = f" {one.tenant}" if one.tenant else ""
        print(f"{one.id}  {one.opened:%Y-%m-%d %H:%M}  {state}  {one.reason}{about}")
    if not shown:
        print("no incident" if args.all else "no open incident")
    return 0


def _read_note(text: str) -> str:
    if len(text) > _MOST_NOTE:
        raise InvalidRequest(f"--note: expected {_MOST_NOTE} characters at most")
    return text
