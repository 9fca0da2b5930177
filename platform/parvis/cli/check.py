"""`parvis check`: everything that must be right before people come, all faults in one message."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from parvis.audit.anchors import describe_logs, load_plan
from parvis.audit.doors import plan_doors
from parvis.audit.events import PLATFORM
from parvis.audit.feed_outbox import describe_feeds
from parvis.audit.feeds import FeedPlan
from parvis.audit.fsck import check_log
from parvis.audit.incidents import list_incidents
from parvis.audit.reader import AuditReader
from parvis.audit.sequencer import Limits
from parvis.audit.stores import has_store, lacks_standby
from parvis.audit.verify import format_moment
from parvis.cli.audit_open import open_log
from parvis.compliance.store import ComplianceStore
from parvis.db import create_database_engine, find_schema_revision, get_head_revision
from parvis.errors import ConfigurationFaults, Fault, ParvisError
from parvis.identity.keycloak import Keycloak
from parvis.inference.router import Inference
from parvis.services import Configuration, build_issuer, load_configuration
from parvis.settings import Settings, load_settings

_FULL_SHARE = 0.9


def register(groups: Any) -> None:
    """Add the command to the command line."""
    parser = groups.add_parser(
        "check",
        help="settings, files, database, Keycloak, model servers, audit heads",
        epilog="example: PARVIS_DATA_DIR=.parvis parvis check --json",
    )
    parser.add_argument("--json", action="store_true", help="print faults as JSON")
    parser.set_defaults(run=run_check)


def run_check(args: argparse.Namespace) -> int:
    """Print what is wrong, a line each; 0 when nothing is. Hints change nothing of that."""
    faults, hints = sorted(find_faults()), find_hints()
    if args.json:
        listed = [
            {"file": f.file, "line": f.line, "key": f.key, "message": f.message} for f in faults
        ]
        print(json.dumps({"ok": not faults, "faults": listed, "hints": hints}, indent=1))
    elif faults:
        print("\n".join(str(fault) for fault in faults), file=sys.stderr)
    else:
        print("all is well: settings, files, database, Keycloak, model servers, audit log")
    for hint in () if args.json else hints:
        print(f"hint: {hint}")
    return 1 if faults else 0


def find_faults() -> Iterator[Fault]:
    """Every fault; without readable files the parts behind them cannot be asked."""
    try:
        configuration = load_configuration(load_settings())
    except ConfigurationFaults as faults:
        yield from faults.faults
        return
    checks: dict[str, Callable[[], Iterator[Fault]]] = {
        "models": lambda: _check_model_files(configuration),
        "database": lambda: _check_database(configuration),
        "keycloak": lambda: _check_keycloak(configuration),
        "model servers": lambda: _check_servers(configuration),
        "audit": lambda: _check_audit(configuration),
        "holds": lambda: _check_holds(configuration),
    }
    for name, check in checks.items():
        try:
            yield from check()
        except ConfigurationFaults as faults:
            yield from faults.faults
        except ParvisError as error:
            yield Fault(name, 0, "", error.message)
        except Exception as error:
            # type only: the words of a driver may hold an address with a password
            yield Fault(name, 0, "", f"cannot be checked ({type(error).__name__})")


def find_hints() -> list[str]:
    """What is no fault and waits for somebody: incidents that nobody closed."""
    try:
        settings = load_settings()
        if not has_store(settings.audit_dir, settings.audit_database_url):
            return []
        with closing(AuditReader(settings.audit_dir, settings.audit_database_url)) as reader:
            return [
                f"{tenant_id}: incident {one.id} ({one.reason}) is open since "
                f"{one.opened:%Y-%m-%d}: `parvis audit incident list --tenant {tenant_id}`"
                for tenant_id in reader.list_tenants()
                for one in list_incidents(reader, tenant_id)
                if one.closed is None
            ]
    except Exception as error:  # what stops this is among the faults
        return [f"incidents cannot be looked at ({type(error).__name__})"]


def _check_model_files(configuration: Configuration) -> Iterator[Fault]:
    configuration.models.check_files()
    yield from ()


def _check_database(configuration: Configuration) -> Iterator[Fault]:
    engine = create_database_engine(configuration.settings.database_url)
    found, wanted = find_schema_revision(engine), get_head_revision(engine)
    engine.dispose()
    if found != wanted:
        words = f"is at revision {found or 'none'}, expected {wanted}: run `parvis db upgrade`"
        yield Fault("database", 0, "", words)


def _check_keycloak(configuration: Configuration) -> Iterator[Fault]:
    settings = configuration.settings
    keycloak = Keycloak(settings.keycloak_url, settings.keycloak_ca_file)
    for agency in configuration.tenants.agencies.values():
        issuer = build_issuer(agency, settings.keycloak_url)
        try:
            keycloak.fetch_keys(issuer.issuer)
        except ParvisError:
            words = "its keys cannot be fetched: is Keycloak up, was `parvis tenants apply` run?"
            yield Fault("keycloak", 0, f"realm {issuer.realm}", words)


def _check_servers(configuration: Configuration) -> Iterator[Fault]:
    inference = Inference(configuration.models)
    try:
        for name, word in inference.check_servers().items():
            if word == "down":
                yield Fault("model servers", 0, name, "does not answer")
    finally:
        inference.close()


def _check_holds(configuration: Configuration) -> Iterator[Fault]:
    engine = create_database_engine(configuration.settings.database_url)
    try:
        compliance, now = ComplianceStore(engine), datetime.now(UTC)
        for slug in [*configuration.tenants.agencies, *_list_left(configuration)]:
            for hold in compliance.list_holds(slug):
                if hold.is_overdue(now):
                    words = f"overdue since {hold.until:%Y-%m-%d} and still holding: lift it"
                    yield Fault("holds", 0, f"{slug} {hold.id}", words)
    finally:
        engine.dispose()


def _list_left(configuration: Configuration) -> list[str]:
    """Agencies that have a log and no file."""
    settings = configuration.settings
    if not has_store(settings.audit_dir, settings.audit_database_url):
        return []
    with closing(AuditReader(settings.audit_dir, settings.audit_database_url)) as reader:
        return sorted({*reader.list_tenants()} - {*configuration.tenants.agencies, PLATFORM})


def _check_left(configuration: Configuration) -> Iterator[Fault]:
    """Every agency without a file has a log that was closed: by its record its data goes."""
    settings = configuration.settings
    for slug in _list_left(configuration):
        with closing(AuditReader(settings.audit_dir, settings.audit_database_url)) as reader:
            if not reader.is_closed(slug):
                words = "has a log and no file: nothing of it goes before `parvis audit close`"
                yield Fault("audit", 0, slug, words)


def _check_audit(configuration: Configuration) -> Iterator[Fault]:
    settings = configuration.settings
    url = settings.audit_database_url
    heads = settings.audit_heads_dir
    doors = plan_doors(settings)
    if doors.may_lead:
        # a writer apart keeps the signing keys where this command need not see them
        root = configuration.root_key if settings.audit_writer == "own" or doors.shared else None
        for words in check_log(settings.audit_dir, root, url, heads):
            yield Fault("audit", 0, "", words)
    else:
        yield from _ask_writer(settings)
    if lacks_standby(url):
        words = "names several servers, and the first waits for no other: synchronous_standby_names"
        yield Fault("audit", 0, "PARVIS_AUDIT_DATABASE_URL", words)
    yield from _check_left(configuration)
    yield from _check_shares(configuration, url)
    yield from _check_anchors(settings, url)
    yield from _check_feeds(settings, url, configuration.feeds)


def _ask_writer(settings: Settings) -> Iterator[Fault]:
    """Keys and heads are another user's: whether the logs can be continued, its writer says."""
    with open_log(settings) as log:
        log.check_ready(PLATFORM)
        for tenant, words in log.stopped.items():
            yield Fault("audit", 0, "", f"{tenant}: {words}")


def _check_shares(configuration: Configuration, url: str) -> Iterator[Fault]:
    """No log is near the size at which its agency's chats stop."""
    settings = configuration.settings
    if not has_store(settings.audit_dir, url):
        return
    limits = Limits.of(settings, configuration.tenants.shares)
    with closing(AuditReader(settings.audit_dir, url)) as reader:
        for slug in {*configuration.tenants.agencies} & {*reader.list_tenants()}:
            used, share = reader.get_usage(slug), limits.get_share(slug)
            if used >= _FULL_SHARE * share:
                words = f"{used >> 20} of {share >> 20} MB are used; at all of them its chats stop"
                yield Fault("audit", 0, f"{slug} audit.disk_mb", words)


def _check_anchors(settings: Settings, url: str) -> Iterator[Fault]:
    """The trust file can be read, and nobody who shall vouch for a log is late."""
    plan = load_plan(settings.anchors_file, settings.tsa_url, settings.tsa_interval_s)
    if not has_store(settings.audit_dir, url):
        return
    with closing(AuditReader(settings.audit_dir, url)) as reader:
        for tenant_id, state in describe_logs(reader, settings.audit_dir, plan).items():
            if state.late and state.newest is not None:
                words = f"its newest outside time is {format_moment(state.newest)}"
                yield Fault("anchors", 0, tenant_id, words)
            elif state.late:
                yield Fault("anchors", 0, tenant_id, "nobody outside has vouched for it yet")


def _check_feeds(settings: Settings, url: str, plan: FeedPlan) -> Iterator[Fault]:
    """No receiver is behind, and none has lost records."""
    if not plan.feeds or not has_store(settings.audit_dir, url):
        return
    with closing(AuditReader(settings.audit_dir, url)) as reader:
        for state in describe_feeds(reader, settings.audit_dir, plan):
            place = f"{state.feed} {state.tenant}"
            if state.late:
                why = f": {state.trouble[1]}" if state.trouble else ""
                yield Fault("feeds", 0, place, f"{state.waiting} records wait too long{why}")
            if state.lost:
                words = f"{state.lost} records were pruned before the receiver took them"
                yield Fault("feeds", 0, place, words)
