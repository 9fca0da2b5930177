"""`parvis audit`: export a log, verify an export, prove one record, check the live logs."""

import argparse
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from parvis.audit import verify
from parvis.audit.anchors import Anchors, build_anchors
from parvis.audit.ended import RolledBack
from parvis.audit.entries import format_time
from parvis.audit.events import PLATFORM, SYSTEM, Actor, Draft
from parvis.audit.export import export_files, write_folder
from parvis.audit.fsck import LogCheck, check_logs
from parvis.audit.log import AuditLog
from parvis.audit.notes import format_fingerprint
from parvis.audit.reader import to_us
from parvis.audit.readings import Proof
from parvis.cli.audit_backup import register_backup
from parvis.cli.audit_check import record_check
from parvis.cli.audit_feed import register_feed
from parvis.cli.audit_heads import find_heads
from parvis.cli.audit_incident import register_incident
from parvis.cli.audit_keys import register_keys
from parvis.cli.audit_open import open_log, require_log, require_logs
from parvis.cli.audit_outside import register_outside
from parvis.cli.audit_reconcile import register_reconcile
from parvis.cli.audit_rollback import register_rollback
from parvis.cli.audit_sequencer import register_sequencer
from parvis.cli.audit_witness import register_witness
from parvis.cli.parser import CommandParser
from parvis.errors import Conflict, InvalidRequest, NotFound
from parvis.keystore import KeyStore
from parvis.settings import load_settings, read_root_key
from parvis.subjects.operators import read_reader

_DAY = len("2026-11-21")
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)
_LOG_ID = re.compile("[0-9a-f]{32}")
_MOST_TYPED = 2000


class _CommandParser(CommandParser):
    """With `verbatim`, hands every argument on: `verify` answers for its own wrong usage (5)."""

    verbatim = False

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        if not self.verbatim:
            return super().parse_known_args(args, namespace)
        return argparse.Namespace(arguments=list(args or ()), run=run_verify), []


def register(groups: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the group's commands to the command line."""
    group = groups.add_parser("audit", help="export, verify, prove and check the audit logs")
    commands = group.add_subparsers(metavar="COMMAND", required=True, parser_class=_CommandParser)
    _register_export(commands)
    _register_verify(commands)
    _register_proof(commands)
    _register_fsck(commands)
    register_outside(commands)
    register_witness(commands)
    register_sequencer(commands)
    register_keys(commands)
    register_rollback(commands)
    register_feed(commands)
    register_reconcile(commands)
    register_backup(commands)
    register_incident(commands)


def _register_export(commands: Any) -> None:
    export = commands.add_parser(
        "export",
        help="write an auditor's folder",
        description="Write an agency's log as a folder that `verify` and verify.py check. The "
        "export is itself a record of that log. Times are ISO dates or RFC 3339 in UTC; records "
        "come in bundles of 256, so a period may bring neighbours with it.",
        epilog="example: parvis audit export --tenant commune --out commune-2026-11 "
        "--from 2026-11-01 --to 2026-12-01",
    )
    export.add_argument(
        "--tenant", metavar="T", required=True, help="the agency's slug, or `platform`"
    )
    export.add_argument("--out", metavar="DIR", required=True, type=Path, help="a new folder")
    export.add_argument(
        "--log", metavar="HEX", default="", help="an older log of it, that was rolled back"
    )
    export.add_argument("--from", dest="from_time", metavar="TIME", help="first moment wanted")
    export.add_argument("--to", dest="to_time", metavar="TIME", help="first moment not wanted")
    add_reader(export, "who exports")
    export.add_argument("--json", action="store_true", help="print one JSON object")
    export.set_defaults(run=run_export)


def _register_verify(commands: Any) -> None:
    parser = commands.add_parser(
        "verify",
        help="check an exported folder",
        description="Check an export without trusting whoever made it. Exit code 0 INTACT, "
        "2 INCOMPLETE, 3 TAMPERED, 4 UNVERIFIABLE, 5 wrong usage.",
        epilog="example: parvis audit verify commune-2026-11 --state seen.json",
    )
    verify.add_arguments(parser)
    parser.verbatim = True
    parser.set_defaults(run=run_verify)


def _register_proof(commands: Any) -> None:
    proof = commands.add_parser(
        "proof",
        help="prove the record of a receipt",
        description="Print the proof (c2sp.org/tlog-proof@v1) that a receipt's record is in its "
        "log, the record inside it, under a head that witnesses signed where there is one. The "
        "look-up is itself a record. With --tenant, RECEIPT may be a record's id. When the log was "
        "rolled back, prints the declaration with its proof, from the platform log; exit 1.",
        epilog="example: parvis audit proof v1.WQ0... > answer.tlog-proof",
    )
    proof.add_argument("receipt", metavar="RECEIPT", help="the receipt, or - for standard input")
    proof.add_argument("--tenant", metavar="T", help="the agency, to look up a record by its id")
    add_reader(proof, "who looks")
    proof.add_argument("--json", action="store_true", help="print one JSON object")
    proof.set_defaults(run=run_proof)


def _register_fsck(commands: Any) -> None:
    fsck = commands.add_parser(
        "fsck",
        help="check the live logs",
        description="Check every row of every log against the tree, the signed heads and the "
        "sealed values. Exit 1 on any fault. May run while the gateway runs: then the check and "
        "each log with faults (an incident) are recorded in the platform log; where no writer "
        "runs, nothing is written.",
        epilog="example: parvis audit fsck --json",
    )
    add_reader(fsck, "who checks")
    fsck.add_argument("--json", action="store_true", help="print one JSON object")
    fsck.set_defaults(run=run_fsck)


def add_reader(parser: Any, words: str) -> None:
    """The option `--operator` of a command that only looks."""
    words = f"{words}, as the record names them (without: the account of the machine)"
    parser.add_argument("--operator", metavar="NAME", help=words)


def parse_time(text: str | None, option: str) -> datetime | None:
    """A moment in UTC from an ISO date or RFC 3339 time; raises InvalidRequest for the option."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidRequest(f"{option}: expected 2026-11-01 or 2026-11-01T08:00Z") from None
    if moment.tzinfo is None:
        if len(text) != _DAY:
            raise InvalidRequest(f"{option}: the time has no zone: add Z for UTC")
        moment = moment.replace(tzinfo=UTC)
    if not _FIRST <= moment <= _LAST:
        raise InvalidRequest(f"{option}: expected a time between 1970 and 9999")
    return moment


def run_export(args: argparse.Namespace) -> int:
    """Write the folder; 0 when it is complete."""
    from_time, to_time = parse_time(args.from_time, "--from"), parse_time(args.to_time, "--to")
    if from_time and to_time and from_time >= to_time:
        raise InvalidRequest("--from: expected a time before --to")
    if args.log and not _LOG_ID.fullmatch(args.log):
        raise InvalidRequest("--log: expected the 32 hex digits of a log")
    if args.out.exists():
        raise Conflict("the folder of --out exists already")
    settings = load_settings()
    with open_log(settings) as log:
        anchors = build_anchors(log, settings)
        found = export_log(
            log,
            args.tenant,
            args.out,
            from_time,
            to_time,
            anchors=anchors,
            log_id=args.log,
            actor=read_reader(args.operator),
        )
    if args.json:
        print(json.dumps(found))
    else:
        print(f"{found['files']} files in {found['folder']}, {found['size']} records in the log")
        print(f"key {found['fingerprint']}")
        if found["cosigner"]:
            print(f"ML-DSA-44 key {found['cosigner_fingerprint']}")
        print(f"check it: parvis audit verify {found['folder']}")
    return 0


def export_log(
    log: AuditLog,
    tenant_id: str,
    folder: Path,
    from_time: datetime | None = None,
    to_time: datetime | None = None,
    anchors: Anchors | None = None,
    log_id: str = "",
    actor: Actor = SYSTEM,
) -> dict[str, Any]:
    """Record the export, then write it; gives folder, files, size, fingerprint.

    With `anchors` the head goes to witnesses and time-stamp authority first. `log_id` names a log
    that another one has taken the place of: what is left of it.
    """
    require_log(log, tenant_id)
    if log_id:
        _require_other_log(log, tenant_id, log_id)
    period = {"from": from_time, "to": to_time}
    target: dict[str, Any] = {"view": "folder", "log": log_id}
    target |= {name: format_time(to_us(moment)) for name, moment in period.items() if moment}
    home, target = _find_home(log, tenant_id, target)
    log.append(home, Draft("audit.exported", actor, outcome="success", target=target))
    if anchors is not None and not log_id:
        anchors.anchor(tenant_id, stamp_now=True)
    files = write_folder(
        export_files(log, tenant_id, from_time=from_time, to_time=to_time, log_id=log_id), folder
    )
    key = log.reader.get_key(tenant_id, log_id=log_id)
    head = log.reader.get_head(tenant_id, log_id)
    cosigner = log.reader.find_cosigner(tenant_id, log_id)
    return {
        "tenant": tenant_id,
        "folder": str(folder),
        "files": files,
        "size": head.size,
        "fingerprint": key.fingerprint,
        "vkey": key.vkey,
        "cosigner": cosigner,
        "cosigner_fingerprint": format_fingerprint(cosigner) if cosigner else "",
    }


def _require_other_log(log: AuditLog, tenant_id: str, log_id: str) -> None:
    try:
        log.reader.get_key(tenant_id, log_id=log_id)
    except NotFound:
        raise NotFound("--log: the agency has no such log") from None


def _find_home(log: AuditLog, tenant_id: str, target: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Where a look into this agency's log is recorded: a closed log takes no more records."""
    if log.reader.is_closed(tenant_id):
        return PLATFORM, target | {"tenant": tenant_id}
    return tenant_id, target


def run_verify(args: argparse.Namespace) -> int:
    """The verdict's own exit code: 0 INTACT, 2 INCOMPLETE, 3 TAMPERED, 4 UNVERIFIABLE, 5 usage."""
    return verify.main(args.arguments, prog="parvis audit verify")


def run_proof(args: argparse.Namespace) -> int:
    """Print the proof of a receipt's record."""
    text = _read_typed() if args.receipt == "-" else args.receipt
    settings = load_settings()
    with open_log(settings) as log:
        anchors, actor = build_anchors(log, settings), read_reader(args.operator)
        ended = log.reader.find_rolled_back(text.strip())
        if ended is not None:
            return _print_ended(ended, prove_declaration(log, ended, actor), as_json=args.json)
        tenant_id, proof = prove_receipt(log, text.strip(), anchors, args.tenant, actor)
        key = log.reader.get_key(tenant_id, proof.head.size)
    if args.json:
        found = {"tenant": tenant_id, "size": proof.head.size, "record": dict(proof.record.data)}
        found |= {"vkey": key.vkey, "fingerprint": key.fingerprint, "proof": proof.text}
        print(json.dumps(found, ensure_ascii=False))
    else:
        print(proof.text, end="")
    return 0


def _read_typed() -> str:
    """What stands on standard input, as far as a receipt may reach."""
    return sys.stdin.buffer.read(_MOST_TYPED).decode("ascii", "replace")


def _print_ended(ended: RolledBack, proof: Proof, *, as_json: bool) -> int:
    """1: the log that the receipt names was rolled back by declaration."""
    if as_json:
        found = asdict(ended) | {"lost": ended.is_lost, "proof": proof.text}
        print(json.dumps({"rolled_back": found}, ensure_ascii=False))
        return 1
    lost = f"records {ended.first} to {ended.end - 1}" if ended.end > ended.first else "no record"
    state = "is lost" if ended.is_lost else "is not among them: export the old log with --log"
    print(
        f"parvis: the log of this receipt ({ended.log}) was rolled back by declaration on "
        f"{ended.time} ({ended.ground}): {lost} of it were lost; record {ended.seq} {state}. The "
        f"log in its place is {ended.origin}. The declaration, from the platform log:",
        file=sys.stderr,
    )
    print(proof.text, end="")
    return 1


def prove_declaration(log: AuditLog, ended: RolledBack, actor: Actor = SYSTEM) -> Proof:
    """The platform log's record that a log was rolled back; the look-up is recorded."""
    target = {"view": "proof", "log": ended.log, "tenant": ended.tenant_id, "seq": ended.declared}
    log.append(PLATFORM, Draft("audit.read", actor, outcome="success", target=target))
    return log.reader.get_proof(PLATFORM, ended.declared, log_id=ended.platform)


def prove_receipt(
    log: AuditLog,
    text: str,
    anchors: Anchors | None = None,
    tenant: str | None = None,
    actor: Actor = SYSTEM,
) -> tuple[str, Proof]:
    """The agency and the proof of a receipt's record; the look-up is recorded. Raises NotFound.

    With `anchors` under the newest head that witnesses signed; with `tenant`, `text` may be an id.
    """
    tenant_id = tenant or log.reader.find_receipt_tenant(text)
    found = log.reader.find_by_receipt(tenant_id, text) if tenant_id else None
    if found is None and tenant:
        found = log.reader.find_by_id(tenant, text)
    if tenant_id is None or found is None:
        raise NotFound("no record fits this receipt")
    home, target = _find_home(log, tenant_id, {"view": "proof", "seq": found.seq})
    log.append(home, Draft("audit.read", actor, outcome="success", target=target))
    under = anchors.find_cosigned(tenant_id, found.seq) if anchors else None
    return tenant_id, log.reader.get_proof(tenant_id, found.seq, under)


def run_fsck(args: argparse.Namespace) -> int:
    """0 when every log is sound, else 1."""
    settings, actor = load_settings(), read_reader(args.operator)
    require_logs(settings)
    keystore = KeyStore(settings.keys_file, read_root_key(settings))
    try:
        with find_heads(settings) as heads:
            checks = check_logs(settings.audit_dir, keystore, settings.audit_database_url, heads)
    finally:
        keystore.close()
    recorded = record_check(settings, actor, checks)
    sound = not any(check.faults for check in checks)
    if args.json:
        told = {"sound": sound, "recorded": recorded, "logs": [asdict(check) for check in checks]}
        print(json.dumps(told))
    else:
        if not recorded:
            print("this check is not on record: no writer of the logs took it")
        _print_checks(checks, sound=sound)
    return 0 if sound else 1


def _print_checks(checks: Sequence[LogCheck], *, sound: bool) -> None:
    for check in checks:
        state = "FAULTS" if check.faults else "sound"
        print(
            f"{check.tenant_id:<20} {state:<7} {check.size} records, {check.open_intents} open, "
            f"{check.sealed_openable} sealed, {check.sealed_erased} erased"
        )
        for fault in check.faults:
            print(f"{'':<20} {fault}")
    print("every log is sound" if sound else "SOME LOGS HAVE FAULTS")
