"""`parvis audit declare-rollback`: two people give up a log that cannot be continued.

Where the platform's own log is the one, no sequencer runs: the command then writes itself.
"""

import argparse
import json
import uuid
from collections.abc import Sequence
from contextlib import closing, contextmanager
from typing import Any

from parvis.audit.building import build_acts
from parvis.audit.closing import ROLLBACK_GROUNDS, Loss, list_losses, roll_back
from parvis.audit.doors import plan_doors
from parvis.audit.events import PLATFORM, Actor, Draft
from parvis.audit.faults import write_fault
from parvis.audit.log import AuditLog
from parvis.audit.rollback_requests import (
    RollbackRequest,
    add_request,
    confirm_request,
    drop_request,
    get_request,
    list_requests,
)
from parvis.audit.store import Occupied, StoreFault, StoreUnsafe
from parvis.audit.writer import Writer
from parvis.cli.audit_open import open_log, require_logs
from parvis.errors import AuditUnavailable, Conflict, InvalidRequest, NotFound
from parvis.keystore import KeyStore
from parvis.settings import Settings, load_settings, read_root_key
from parvis.subjects.operators import read_operator

_IDS = uuid.UUID("8d0b6f0e-5c0a-4c8e-9a35-0e6f7f8b6d21")


def register_rollback(commands: Any) -> None:
    """Add the command to `parvis audit`."""
    parser = commands.add_parser(
        "declare-rollback",
        help="begin a new log where one cannot be continued",
        description="For a log that is shorter than its newest signed head, or does not fit it: "
        "after a restored backup, a lost disk. First look for a newer copy: what is declared lost "
        "stays lost. Without --confirm one person asks; with --confirm ID another carries it out: "
        "the platform log records the end of the old log at its last known head, a new log with "
        "its own origin and key begins and names the lost records. Both people are recorded. "
        "Auditors and witnesses must get the new key. Grounds: "
        + "; ".join(f"{code} {words}" for code, words in ROLLBACK_GROUNDS.items())
        + ". Without any option: shows which logs cannot be continued.",
        epilog="example: parvis audit declare-rollback --tenant commune --ground restore "
        "--operator ada; then: parvis audit declare-rollback --confirm r-0a1b2c3d4e5f "
        "--operator grace",
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--tenant", metavar="T", help="the agency's slug, or `platform`")
    which.add_argument("--all", action="store_true", help="every log that cannot be continued")
    which.add_argument("--confirm", metavar="ID", help="carry out a request of somebody else")
    parser.add_argument("--log", metavar="HEX", help="with --tenant: a log missing altogether")
    parser.add_argument(
        "--ground", metavar="CODE", choices=ROLLBACK_GROUNDS, help="why, with a request; see above"
    )
    parser.add_argument("--operator", metavar="NAME", help="who asks or confirms")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run_declare)


def run_declare(args: argparse.Namespace) -> int:
    """0 when the request is kept, the new logs are there, or nothing is wrong; 1 shows losses."""
    settings = load_settings()
    require_logs(settings)
    if not (args.tenant or args.all or args.confirm):
        return _show(find_losses(settings), as_json=args.json)
    if not args.operator:
        raise InvalidRequest("--operator is missing: who asks or confirms")
    actor = read_operator(args.operator)
    if args.confirm:
        begun = confirm_rollback(settings, args.confirm, actor)
        if args.json:
            print(json.dumps({tenant_id: vkey for tenant_id, vkey in begun}))
        for tenant_id, vkey in () if args.json else begun:
            print(f"{tenant_id:<20} {vkey}")
        return 0
    if not args.ground:
        raise InvalidRequest("--ground is missing: one of " + ", ".join(ROLLBACK_GROUNDS))
    asked = request_rollback(settings, args.tenant, args.log, args.ground, actor)
    if args.json:
        told = {"request": asked.id, "losses": [loss.plain for loss in asked.losses]}
        print(json.dumps(told))
    else:
        _show(asked.losses, as_json=False)
        print(f"asked for: {asked.id}. Nothing has changed yet. Another person confirms:")
        print(f"parvis audit declare-rollback --confirm {asked.id} --operator NAME")
    return 0


def _show(losses: Sequence[Loss], *, as_json: bool) -> int:
    if as_json:
        print(json.dumps({"losses": [loss.plain for loss in losses]}))
    for loss in () if as_json else losses:
        print(f"{loss.tenant_id or '?':<20} {loss.origin}: {loss.words}")
        lost = f"records {loss.first} to {loss.size - 1}" if loss.first < loss.size else "nothing"
        print(f"{'':<20} last known head {loss.size}, {lost} lost")
    if not losses and not as_json:
        print("every log continues its newest signed head")
    return 1 if losses else 0


def find_losses(settings: Settings) -> list[Loss]:
    """Every log that cannot be continued. Raises AuditUnavailable."""
    try:
        return list_losses(
            settings.audit_dir,
            read_root_key(settings),
            settings.audit_database_url,
            settings.audit_heads_dir,
        )
    except (StoreFault, StoreUnsafe) as error:
        raise AuditUnavailable("The audit log cannot be read.") from error


def request_rollback(
    settings: Settings, tenant_id: str | None, log_id: str | None, ground: str, actor: Actor
) -> RollbackRequest:
    """Ask to give up one agency's log, or with no agency every one that cannot be continued.

    Raises NotFound (the log can be continued), InvalidRequest (a missing log needs its id).
    """
    losses = find_losses(settings)
    wanted = [_claim(loss, tenant_id, log_id) for loss in losses]
    chosen = [loss for loss in wanted if tenant_id in (None, loss.tenant_id)]
    if not chosen:
        raise NotFound("this log continues its newest signed head: there is nothing to declare")
    if any(not loss.tenant_id for loss in chosen):
        raise InvalidRequest("nobody knows whose a missing log was: name it, --tenant T --log HEX")
    if len({loss.tenant_id for loss in chosen}) < len(chosen):
        raise InvalidRequest("several logs of one agency are missing: name one with --log")
    if any(one.tenant_id == PLATFORM for one in losses) and not any(
        one.tenant_id == PLATFORM for one in chosen
    ):
        raise Conflict("the platform's log comes first: declare it, or --all")
    asked = add_request(settings.audit_dir, chosen, ground, actor.subject)
    if not _needs_repair(losses):
        with open_log(settings) as log:
            _record(log, asked, actor, "requested")
    return asked


def _claim(loss: Loss, tenant_id: str | None, log_id: str | None) -> Loss:
    """A missing log that the operator says is this agency's."""
    if loss.tenant_id or not tenant_id or loss.log != log_id:
        return loss
    return Loss(**loss.plain | {"tenant_id": tenant_id})


def _needs_repair(losses: Sequence[Loss]) -> bool:
    return any(loss.tenant_id in ("", PLATFORM) for loss in losses)


def confirm_rollback(settings: Settings, request_id: str, actor: Actor) -> Sequence[Sequence[str]]:
    """Begin the new logs; gives (agency, verifier key) of each.

    Raises NotFound, Conflict (the same person; the logs are not as they were).
    """
    asked = get_request(settings.audit_dir, request_id)
    if asked.requested_by == actor.subject:
        raise Conflict("Who asked for a rollback cannot confirm it: another person must.")
    losses = find_losses(settings)
    now = {(loss.log, loss.size, loss.first) for loss in losses}
    if not now.issuperset((loss.log, loss.size, loss.first) for loss in asked.losses):
        raise Conflict("The logs are not as they were when this was asked for: ask again.")
    asker = _name(asked.requested_by)
    confirm_request(settings.audit_dir, asked, actor.subject)
    if _needs_repair(losses):
        begun = _repair(settings, asked, asker, actor)
    else:
        _record_confirmed(settings)
        with open_log(settings) as log:
            begun = log.roll_back(asked.logs, asked.ground, asker, actor)
    if not _needs_repair(find_losses(settings)):
        _record_confirmed(settings)
    return begun


def _name(subject: str) -> Actor:
    return Actor("person", subject, ("operator",))


def _record_confirmed(settings: Settings) -> None:
    """Both people of every request that was confirmed, also while nothing could be written."""
    with open_log(settings) as log:
        for asked in list_requests(settings.audit_dir):
            if asked.confirmed_by:
                _record(log, asked, _name(asked.requested_by), "requested")
                _record(log, asked, _name(asked.confirmed_by), "confirmed")
                drop_request(settings.audit_dir, asked.id)


def _repair(
    settings: Settings, asked: RollbackRequest, asker: Actor, actor: Actor
) -> Sequence[Sequence[str]]:
    """What a sequencer would do, where none runs because the platform's log does not fit."""
    root = read_root_key(settings)
    tenants = [tenant_id for tenant_id, _ in asked.logs]
    with (
        closing(KeyStore(settings.keys_file, root)) as keystore,
        _open_writer(settings, root) as writer,
    ):
        acts = build_acts(keystore, tenants, asker, actor)
        begun: Sequence[Sequence[str]] = roll_back(writer, asked.logs, asked.ground, acts)
    write_fault(plan_doors(settings).folder, "")
    return begun


@contextmanager
def _open_writer(settings: Settings, root: bytes) -> Any:
    try:
        writer = Writer(
            settings.audit_dir,
            settings.installation,
            root,
            worker="repair",
            database_url=settings.audit_database_url,
            heads_dir=settings.audit_heads_dir,
            doors=plan_doors(settings),
            repairs=True,
        )
    except Occupied as error:
        raise Conflict("a sequencer still runs: stop the gateway first") from error
    with closing(writer):
        yield writer


def _record(log: AuditLog, asked: RollbackRequest, actor: Actor, step: str) -> None:
    """Written once however often it is tried."""
    for loss in asked.losses:
        log.append(
            PLATFORM,
            Draft(
                "admin.changed",
                actor,
                outcome="success",
                reason=f"rollback.{step}",
                id=str(uuid.uuid5(_IDS, f"{asked.id}/{loss.log}/{step}")),
                target={"object": asked.id, "tenant": loss.tenant_id, "log": loss.log},
                change={"size": loss.size, "root": loss.root, "ground": asked.ground},
            ),
        )
