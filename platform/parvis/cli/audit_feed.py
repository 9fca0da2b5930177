"""`parvis audit feed run|status|test`: feed receivers by hand, see how far they are, try one."""

import argparse
import json
import sys
import time
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from parvis.audit.events import SYSTEM, new_id
from parvis.audit.feed_outbox import Feeds, FeedState, describe_feeds
from parvis.audit.feed_sinks import build_sink, format_record
from parvis.audit.feed_syslog import NotTaken
from parvis.audit.feed_thread import find_lock
from parvis.audit.feeds import FeedPlan, load_feeds
from parvis.audit.files import LockFile
from parvis.audit.reader import AuditReader
from parvis.audit.verify import format_moment
from parvis.cli.audit_open import open_log, require_logs
from parvis.errors import Conflict, NotFound
from parvis.settings import Settings, load_settings


def register_feed(commands: Any) -> None:
    """Add the commands to `parvis audit`."""
    group = commands.add_parser("feed", help="feed the logs to receivers (SIEM)")
    feeds = group.add_subparsers(metavar="COMMAND", required=True)
    run = feeds.add_parser(
        "run",
        help="send what waits, as the gateway does",
        description="Send to every receiver of PARVIS_FEEDS_FILE what it has not taken yet, and "
        "go on until stopped. One process feeds at a time: while the gateway does, this waits for "
        "its end; with --once it exits 1.",
        epilog="example: parvis audit feed run --once",
    )
    once = "what waits now; exit 1 when a receiver did not take it"
    run.add_argument("--once", action="store_true", help=once)
    run.set_defaults(run=run_feeds)
    status = feeds.add_parser(
        "status",
        help="how far each receiver is",
        description="Records taken and waiting for each feed and log, and what went wrong last. "
        "Exit 1 when a receiver is late or has lost records. Writes nothing to the logs.",
        epilog="example: parvis audit feed status --json",
    )
    status.add_argument("--json", action="store_true", help="print one JSON object")
    status.set_defaults(run=run_status)
    test = feeds.add_parser(
        "test",
        help="send one made-up heartbeat to a receiver",
        description="Send one event that stands in no log (log 00000000..., agency `test`) and "
        "say whether the receiver took it. Moves no cursor.",
        epilog="example: parvis audit feed test soc",
    )
    test.add_argument("name", metavar="NAME", help="the feed's name")
    test.set_defaults(run=run_test)


def _load_plan(settings: Settings) -> FeedPlan:
    plan = load_feeds(settings.feeds_file)
    if not plan.feeds:
        raise NotFound("there are no feeds: PARVIS_FEEDS_FILE names none")
    return plan


def run_feeds(args: argparse.Namespace) -> int:
    """With --once 0 when all was taken; else it runs until it is stopped."""
    settings = load_settings()
    plan = _load_plan(settings)
    require_logs(settings)
    with closing(LockFile(find_lock(settings.audit_dir))) as lock:
        if args.once and not lock.try_take():
            raise Conflict("another process feeds the receivers now")
        while not lock.try_take():
            time.sleep(settings.feed_interval_s)
        with open_log(settings) as log:
            feeds = Feeds(log, plan)
            while not args.once:
                feeds.run_round()
                time.sleep(settings.feed_interval_s)
            feeds.run_round()
            states = feeds.describe()
    for state in states:
        _print_state(state)
    return 1 if any(state.trouble for state in states) else 0


def run_status(args: argparse.Namespace) -> int:
    """0 when no receiver is late."""
    settings = load_settings()
    plan = _load_plan(settings)
    require_logs(settings)
    with closing(AuditReader(settings.audit_dir, settings.audit_database_url)) as reader:
        states = describe_feeds(reader, settings.audit_dir, plan)
    if args.json:
        listed = [asdict(state) | {"waiting": state.waiting} for state in states]
        print(json.dumps({"feeds": listed}))
    else:
        for state in states:
            _print_state(state)
    return 1 if any(state.late or state.lost for state in states) else 0


def _print_state(state: FeedState) -> None:
    late = "  LATE" if state.late else ""
    lost = f"  {state.lost} LOST (pruned before they were taken)" if state.lost else ""
    waits = f", {state.waiting} wait" if state.waiting else ""
    if state.since is not None:
        waits += f" since {format_moment(int(state.since))}"
    to = f", to {state.receiver}"
    print(
        f"{state.feed:<20} {state.tenant:<20} {state.sent} of {state.size}{to}{waits}{late}{lost}"
    )
    if state.trouble:
        when, words = state.trouble
        print(f"{'':<20} {words} ({format_moment(when)})")


def run_test(args: argparse.Namespace) -> int:
    """0 when the receiver took it."""
    plan = _load_plan(load_settings())
    feed = next((feed for feed in plan.feeds if feed.name == args.name), None)
    if feed is None:
        raise NotFound("no feed of this name in PARVIS_FEEDS_FILE")
    record_id = new_id()
    record = {
        "v": 1,
        "id": record_id,
        "log": "0" * 32,
        "seq": 0,
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "kind": "log.heartbeat",
        "phase": "fact",
        "outcome": "success",
        "reason": "test",
        "actor": {"type": SYSTEM.type},
    }
    try:
        build_sink(feed, plan.folder).send([format_record(feed, record, "test")])
    except NotTaken as error:
        print(f"parvis: not taken: {error}", file=sys.stderr)
        return 1
    print(f"taken: {record_id}")
    return 0
