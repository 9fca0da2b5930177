"""`parvis audit anchor|head|gossip`: bring heads outside, print one, compare two auditors'."""

import argparse
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from parvis.audit.anchors import Anchors, AnchorState, build_anchors
from parvis.audit.anchors_heads import record_heads
from parvis.audit.events import PLATFORM, Actor, Draft
from parvis.audit.gossip import compare, load_side
from parvis.audit.log import AuditLog
from parvis.audit.paper import format_head_line
from parvis.audit.verify import EXIT, format_moment
from parvis.cli.audit_open import open_log, require_log
from parvis.errors import Conflict
from parvis.settings import Settings, load_settings
from parvis.subjects.operators import read_reader


def register_outside(commands: Any) -> None:
    """Add the commands to `parvis audit`."""
    anchor = commands.add_parser(
        "anchor",
        help="ask witnesses and time-stamp authority now, and show what they vouch for",
        description="One round of what the gateway does by itself (PARVIS_ANCHORS_FILE, "
        "PARVIS_TSA_URL), then how much of each log is vouched for. Exit 1 when one is late. That "
        "heads were sent by hand is a record of the platform log; --show sends and writes nothing.",
        epilog="example: parvis audit anchor --tenant commune --json",
    )
    anchor.add_argument("--tenant", metavar="T", help="this agency's log only")
    anchor.add_argument("--show", action="store_true", help="ask nobody, only show")
    anchor.add_argument(
        "--heads", action="store_true", help="also record the heads of all logs, blinded"
    )
    anchor.add_argument(
        "--operator",
        metavar="NAME",
        help="who sends them, as the record names them (without: the account of the machine)",
    )
    anchor.add_argument("--json", action="store_true", help="print one JSON object")
    anchor.set_defaults(run=run_anchor)
    head = commands.add_parser(
        "head",
        help="print a log's head for paper",
        description="One line: date, log, size, begin of the root, check digits. Print it, mail "
        "it, file it: `verify --head-line` compares it with any later export. Looking is itself a "
        "record, in the platform log. --note prints the "
        "signed head instead, for another auditor (`gossip`, `verify --note`).",
        epilog="example: parvis audit head --tenant commune",
    )
    head.add_argument("--tenant", metavar="T", required=True, help="agency, or `platform`")
    head.add_argument("--note", action="store_true", help="the signed head as a file")
    head.add_argument(
        "--operator",
        metavar="NAME",
        help="who looks, as the record names them (without: the account of the machine)",
    )
    head.add_argument("--json", action="store_true", help="print one JSON object")
    head.set_defaults(run=run_head)
    gossip = commands.add_parser(
        "gossip",
        help="compare what two auditors were given",
        description="Two exports of one log, or an export and a signed head: do they tell one "
        "history? Exit 0 when they do, 3 when not; then --evidence FILE gets what `verify "
        "--evidence` accepts from anybody. Needs no installation.",
        epilog="example: parvis audit gossip mine/ theirs/ --evidence fork.json",
    )
    gossip.add_argument("one", metavar="ONE", type=Path, help="an exported folder")
    gossip.add_argument("other", metavar="OTHER", type=Path, help="a folder, or a signed head")
    gossip.add_argument(
        "--evidence", metavar="FILE", type=Path, help="a new file, when they contradict each other"
    )
    gossip.set_defaults(run=run_gossip)


@contextmanager
def open_anchors(settings: Settings) -> Iterator[Anchors]:
    """The anchors of this installation, for one command."""
    with open_log(settings) as log:
        yield build_anchors(log, settings)


def run_anchor(args: argparse.Namespace) -> int:
    """0 when nothing is late."""
    actor = read_reader(args.operator)
    with open_anchors(load_settings()) as anchors:
        if args.tenant:
            require_log(anchors.audit, args.tenant)
        if not args.show:
            target = {"view": "anchor", "tenant": args.tenant}
            asked = Draft("audit.exported", actor, outcome="success", target=target)
            anchors.audit.append(PLATFORM, asked)
        tenants = [args.tenant] if args.tenant else anchors.audit.reader.list_tenants()
        if args.heads and not args.show:
            record_heads(anchors.audit, anchors.store)
        for tenant_id in tenants:
            if not args.show:
                anchors.anchor(tenant_id, stamp_now=True)
        states = {tenant_id: anchors.describe(tenant_id) for tenant_id in tenants}
    if args.json:
        print(json.dumps({tenant_id: asdict(state) for tenant_id, state in states.items()}))
    else:
        for tenant_id, state in states.items():
            _print_state(tenant_id, state)
    return 1 if any(state.late for state in states.values()) else 0


def _print_state(tenant_id: str, state: AnchorState) -> None:
    if not state.asked:
        print(f"{tenant_id:<20} nobody outside is asked (PARVIS_ANCHORS_FILE, PARVIS_TSA_URL)")
        return
    newest = "never" if state.newest is None else format_moment(state.newest)
    late = "  LATE" if state.late else ""
    print(f"{tenant_id:<20} {state.covered} of {state.size} records, {newest}{late}")
    for name, when, words in state.troubles:
        print(f"{'':<20} {name}: {words} ({format_moment(when)})")


def run_head(args: argparse.Namespace) -> int:
    """Print the line, or the note."""
    actor = read_reader(args.operator)
    with open_log(load_settings()) as log:
        record_look(log, args.tenant, actor)
        head = log.publish_head(args.tenant)
        key = log.reader.get_key(args.tenant)
    line = format_head_line(key.log, head.size, head.root, time.time())
    if args.json:
        told = {"tenant": args.tenant, "line": line, "size": head.size, "note": head.note}
        print(json.dumps(told | {"vkey": key.vkey}, ensure_ascii=False))
    else:
        print(head.note if args.note else line, end="" if args.note else "\n")
    return 0


def record_look(log: AuditLog, tenant_id: str, actor: Actor) -> None:
    """Record in the platform log that somebody took the head: the log itself stays as it is."""
    require_log(log, tenant_id)
    target = {"view": "head", "tenant": tenant_id}
    log.append(PLATFORM, Draft("audit.read", actor, outcome="success", target=target))


def record_exchange(log: AuditLog, kind: str, tenant_id: str, operator: str | None) -> None:
    """Record in the platform log that a head went to a witness by hand, or its answer came back."""
    target = {"object": "audit.cosignature", "view": "witness", "tenant": tenant_id}
    log.append(PLATFORM, Draft(kind, read_reader(operator), outcome="success", target=target))


def run_gossip(args: argparse.Namespace) -> int:
    """0 for one history, 3 for two."""
    evidence = compare(load_side(args.one), load_side(args.other))
    if evidence is None:
        print("one history: the larger continues the smaller")
        return 0
    print("TWO HISTORIES: the log signed heads that contradict each other")
    if args.evidence:
        if args.evidence.exists():
            raise Conflict("the file of --evidence exists already")
        args.evidence.write_bytes(evidence)
        print(f"check it: parvis audit verify --evidence {args.evidence}")
    return EXIT["TAMPERED"]
