"""`parvis audit reconcile`: model calls in the logs beside those that somebody else counted."""

import argparse
import json
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from parvis.audit import PLATFORM, AuditLog
from parvis.audit.incidents import describe_found, list_closed
from parvis.audit.outside_counts import (
    OutsideCounts,
    begin_of_hour,
    load_access_logs,
    load_counts,
)
from parvis.audit.reconcile import (
    BY_COUNTER,
    BY_LINES,
    OUTCOMES,
    Comparison,
    Counting,
    LoggedCalls,
    describe_result,
    find_last_counter,
    read_calls,
)
from parvis.cli.audit_open import open_log
from parvis.errors import InvalidRequest, NotFound, UpstreamFailed, UpstreamTimeout
from parvis.inference import ModelCatalogue, load_models
from parvis.inference.counters import fetch_counter
from parvis.settings import load_settings

_HOUR = timedelta(hours=1)
_MOST_HOURS = 24 * 366
_NAMED = re.compile(r"([a-z0-9][a-z0-9._-]{0,62})=(.+)", re.ASCII | re.DOTALL)


def register_reconcile(commands: Any) -> None:
    """Add the command to `parvis audit`."""
    parser = commands.add_parser(
        "reconcile",
        help="compare the logs with counts from outside",
        description="Count the calls of model servers that the agencies' logs tell of and compare "
        "them with a count that the gateway does not keep: an access log, a file of counts, or a "
        "server's own counter. The result is recorded in the platform log. Exit 1 when more calls "
        "were counted outside than the logs explain, or when a count could not be had.",
        epilog="example: parvis audit reconcile --day 2026-11-21 --access-log gpu=gpu-access.log",
    )
    parser.add_argument("--day", metavar="DAY", help="YYYY-MM-DD in UTC (default: yesterday)")
    parser.add_argument("--from", dest="from_time", metavar="TIME", help="begin of an hour, or day")
    parser.add_argument(
        "--to", dest="to_time", metavar="TIME", help="end of an hour, or first day not wanted"
    )
    parser.add_argument(
        "--tenant", metavar="T", help="this agency's log alone: for servers that serve only it"
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--counts",
        metavar="FILE",
        type=Path,
        help='JSON lines {"server": NAME, "hour": "2026-11-21T13:00:00Z", "count": NUMBER}',
    )
    source.add_argument(
        "--access-log",
        metavar="[SERVER=]FILE",
        action="append",
        help="its POST lines, common or combined log format (.gz too); may be given several times",
    )
    source.add_argument(
        "--model-servers",
        action="store_true",
        help="ask every server that has `metrics` in the models file; the period is the time "
        "since this was last done",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run_reconcile)


@dataclass(frozen=True, slots=True)
class _Result:
    """A server that was compared, over which period."""

    edges: tuple[datetime, ...]
    found: Comparison
    counter: int | None = None
    note: str = ""


@dataclass(slots=True)
class _Report:
    """What was compared and what was not; `failed` where a count was wanted and not had."""

    source: str
    results: list[_Result] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    failed: bool = False
    turned_away: int = 0


def run_reconcile(args: argparse.Namespace) -> int:
    """0 when the logs explain every call that was counted outside."""
    settings = load_settings()
    models = load_models(settings.models_file)
    with open_log(settings) as log:
        if args.model_servers:
            report = _compare_counters(log, models, args)
        else:
            report = _compare_files(log, models, args)
        tenants = [args.tenant] if args.tenant else []
        for one in report.results:
            draft = describe_result(
                one.found, one.edges, report.source, tenants=tenants, counter=one.counter
            )
            log.append(PLATFORM, draft, 10)
            if one.found.unlogged:
                about = f"{one.found.server}/{one.edges[0]}/{one.edges[-1]}"
                found = describe_found(
                    "calls_without_intent",
                    "reconcile",
                    once=about,
                    closed=log.reader.look(list_closed),
                    count=one.found.unlogged,
                )
                log.append(PLATFORM, found, 10)
    if args.json:
        print(json.dumps(_describe(report)))
    else:
        _print_report(report)
    return 1 if report.failed or any(one.found.unlogged for one in report.results) else 0


def _compare_files(log: AuditLog, models: ModelCatalogue, args: argparse.Namespace) -> _Report:
    edges = _list_edges(args)
    # outside first: the intent of a call that is counted there is in the log by then
    outside = _load_outside(models, args)
    calls = _read(log, models, edges, args.tenant)
    unknown = sorted(set(outside.hours) - set(models.servers) - calls.servers)
    if unknown:
        raise InvalidRequest(f"{unknown[0]}: no such server in the models file or in the logs")
    report = _Report("counts" if args.counts else "access-log", turned_away=outside.turned_away)
    for server in sorted(outside.hours):
        counts = [outside.hours[server][hour] for hour in edges[:-1]]
        report.results.append(_Result(edges, calls.compare(server, counts)))
    for server in sorted(calls.servers - set(outside.hours)):
        report.left_out[server] = "called, as the logs tell, and no count from outside was given"
    return report


def _load_outside(models: ModelCatalogue, args: argparse.Namespace) -> OutsideCounts:
    if args.counts:
        return load_counts(args.counts)
    logs = []
    for text in args.access_log:
        named = _NAMED.fullmatch(text)
        if named is None and len(models.servers) != 1:
            raise InvalidRequest("--access-log: say whose log it is: SERVER=FILE")
        server, path = named.groups() if named else (next(iter(models.servers)), text)
        logs.append((server, Path(path)))
    return load_access_logs(logs)


def _compare_counters(log: AuditLog, models: ModelCatalogue, args: argparse.Namespace) -> _Report:
    if args.day or args.from_time or args.to_time:
        raise InvalidRequest("--model-servers compares the time since it was last run: no period")
    servers = [server for server in models.servers.values() if server.metrics]
    if not servers:
        raise NotFound("no server in the models file has `metrics`")
    report = _Report("metrics")
    for server in servers:
        try:
            counter = fetch_counter(server)
        except (UpstreamFailed, UpstreamTimeout):
            report.failed = True
            report.left_out[server.name] = "its counter could not be read"
            continue
        now = datetime.now(UTC)
        report.results.append(_compare_counter(log, models, args.tenant, server.name, counter, now))
    return report


def _compare_counter(
    log: AuditLog,
    models: ModelCatalogue,
    tenant: str | None,
    server: str,
    counter: int,
    now: datetime,
) -> _Result:
    last = find_last_counter(log.reader, server)
    if last is None:
        nothing = Comparison(server, (), 0, 0, 0, 0, 0)
        return _Result((now, now), nothing, counter, "first look: the next one compares")
    edges = (last.time, now)
    # a server that was started anew counts from 0: what it counted before that is lost
    restarted = counter < last.counter
    outside = counter if restarted else counter - last.counter
    found = _read(log, models, edges, tenant, BY_COUNTER).compare(server, [outside])
    note = "its counter began anew: calls before that are not compared" if restarted else ""
    return _Result(edges, found, counter, note)


def _read(
    log: AuditLog,
    models: ModelCatalogue,
    edges: Sequence[datetime],
    tenant: str | None,
    counting: Counting = BY_LINES,
) -> LoggedCalls:
    known = [slug for slug in log.reader.list_tenants() if slug != PLATFORM]
    if tenant is not None and tenant not in known:
        raise NotFound(f"{tenant}: no log of this agency")
    servers = {name: entry.server for name, entry in models.models.items()}
    return read_calls(log.reader, [tenant] if tenant else known, edges, servers.get, counting)


def _list_edges(args: argparse.Namespace) -> tuple[datetime, ...]:
    """The begins of the hours wanted, and the end of the last."""
    if args.from_time or args.to_time:
        if args.day or not (args.from_time and args.to_time):
            raise InvalidRequest("give --day, or both --from and --to")
        begin, end = _parse("--from", args.from_time), _parse("--to", args.to_time)
    else:
        yesterday = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}"
        begin = _parse("--day", args.day or yesterday)
        end = begin + timedelta(days=1)
    hours = (end - begin) // _HOUR
    if not 0 < hours <= _MOST_HOURS:
        raise InvalidRequest("--to: expected after --from, and a year later at most")
    return tuple(begin + _HOUR * count for count in range(hours + 1))


def _parse(option: str, text: str) -> datetime:
    with suppress(ValueError):
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None and len(text) == len("2026-11-21"):
            moment = moment.replace(tzinfo=UTC)
        if moment.tzinfo is not None and moment == begin_of_hour(moment):
            return begin_of_hour(moment)
    raise InvalidRequest(f"{option}: expected a day (2026-11-21) or an hour (2026-11-21T13:00Z)")


def _describe(report: _Report) -> dict[str, Any]:
    return {
        "source": report.source,
        "servers": [_describe_result(one) for one in report.results],
        "not_compared": report.left_out,
        "turned_away": report.turned_away,
    }


def _describe_result(one: _Result) -> dict[str, Any]:
    found = one.found
    return {
        "server": found.server,
        "from": _format(one.edges[0]),
        "to": _format(one.edges[-1]),
        "logged": found.logged,
        "maybe": found.maybe,
        "outside": found.outside,
        "unlogged": found.unlogged,
        "uncounted": found.uncounted,
        "counter": one.counter,
        "note": one.note,
        "hours": [
            {"begin": _format(span.begin), **span.outcomes, "outside": span.outside}
            | {"unlogged": span.unlogged}
            for span in found.spans
            if span.outside or any(span.outcomes.values())
        ],
    }


def _format(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _print_report(report: _Report) -> None:
    for one in report.results:
        _print_table(one)
    for one in report.results:
        _print_verdict(one)
    for server, words in report.left_out.items():
        print(f"{server}: NOT COMPARED: {words}")
    if report.turned_away:
        print(
            f"{report.turned_away} turned away (401, 403, 404, 405) reached no model: not counted"
        )


def _print_table(one: _Result) -> None:
    titles = (*OUTCOMES, "outside", "unlogged")
    print(f"{one.found.server:<20} {'begin (UTC)':<20}" + "".join(f"{name:>10}" for name in titles))
    for span in one.found.spans:
        if span.outside or any(span.outcomes.values()):
            counts = (*(span.outcomes[name] for name in OUTCOMES), span.outside, span.unlogged)
            row = "".join(f"{count:>10}" for count in counts)
            print(f"{'':<20} {_format(span.begin):<20}{row}")


def _print_verdict(one: _Result) -> None:
    found = one.found
    period = f"{_format(one.edges[0])} to {_format(one.edges[-1])}"
    print(
        f"{found.server}: {found.outside} counted outside, {found.logged} in the logs and "
        f"{found.maybe} that may not have been sent; {period}"
    )
    if one.note:
        print(f"{'':<4}{one.note}")
    if found.uncounted:
        print(
            f"{'':<4}{found.uncounted} of the logs were not counted outside: the count is not "
            "whole (a rotated file, another server behind the name), or they were never made"
        )
    if found.unlogged:
        print(
            f"{'':<4}{found.unlogged} CALLS WITHOUT AN INTENT: somebody called this server and no "
            "log knows of it.\n"
            f"{'':<4}What to do: look at who holds its key and can reach it, give it a new key, "
            "compare the gateway's program with the release, keep the access log as evidence."
        )
