"""`parvis audit witness`: sign the heads of others' logs, over HTTP or from a stick."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from parvis.audit.witness import (
    MAX_REQUEST_BYTES,
    Witness,
    add_mldsa_key,
    create_witness,
    parse_request,
)
from parvis.audit.witness_server import WitnessServer
from parvis.cli.parser import read_count
from parvis.errors import InvalidRequest
from parvis.settings import find_address, load_settings


def register_witness(commands: Any) -> None:
    """Add the group to `parvis audit`."""
    group = commands.add_parser(
        "witness",
        help="vouch for the heads of others' logs",
        description="A C2SP witness (tlog-witness): it signs a log's head only when that continues "
        "the last head it signed. Run it where the operator of the logs has no hand: an audit "
        "office, a sister administration. `request` and `accept` belong to the gateway, the rest "
        "to the witness; files do instead of a network.",
        epilog="example: parvis audit witness init --dir /srv/witness --name audit.example/w1",
    )
    steps = group.add_subparsers(metavar="STEP", required=True)
    _register_owner(steps)
    _register_files(steps)


def _register_owner(steps: Any) -> None:
    init = steps.add_parser(
        "init",
        help="make a witness's keys",
        description="Make a key for Ed25519 and one for ML-DSA-44, which a quantum computer cannot "
        "forge; prints the verifier keys that policies name. Every head is signed with both. Then "
        "write the logs' verifier keys into DIR/logs, one a line.",
        epilog="example: parvis audit witness init --dir /srv/witness --name audit.example/w1",
    )
    _add_dir(init)
    init.add_argument("--name", required=True, help="its name for ever, like audit.example/w1")
    init.set_defaults(run=run_init)
    add = steps.add_parser(
        "add-key",
        help="give an older witness a key for ML-DSA-44",
        description="For a witness that signs with Ed25519 only: from now on it signs with both. "
        "Prints its verifier keys.",
        epilog="example: parvis audit witness add-key --dir /srv/witness",
    )
    _add_dir(add)
    add.set_defaults(run=run_add_key)
    serve = steps.add_parser(
        "serve",
        help="answer over HTTP until Ctrl-C",
        description="POST /add-checkpoint, as c2sp.org/tlog-witness says.",
        epilog="example: parvis audit witness serve --dir /srv/witness --listen 127.0.0.1:8090",
    )
    _add_dir(serve)
    serve.add_argument(
        "--listen",
        metavar="ADDRESS:PORT",
        default="127.0.0.1:8090",
        help="default: 127.0.0.1:8090",
    )
    serve.set_defaults(run=run_serve)
    status = steps.add_parser(
        "status",
        help="what it signed and refused",
        description="Its key, the newest head it signed of each log, and the signed heads that it "
        "refused because they did not continue what it knew: those are evidence.",
        epilog="example: parvis audit witness status --dir /srv/witness --json",
    )
    _add_dir(status)
    status.add_argument("--json", action="store_true", help="print one JSON object, with the notes")
    status.set_defaults(run=run_status)
    sign = steps.add_parser(
        "sign",
        help="answer a request that came as a file",
        description="Sign a request from a stick; the answer goes back the same way. Exit 1 when "
        "it is refused, with the reason.",
        epilog="example: parvis audit witness sign --dir /srv/witness request.txt --out answer.txt",
    )
    _add_dir(sign)
    sign.add_argument("request", metavar="FILE", type=Path, help="what `witness request` wrote")
    sign.add_argument("--out", metavar="FILE", required=True, type=Path, help="the answer")
    sign.set_defaults(run=run_sign)


def _register_files(steps: Any) -> None:
    request = steps.add_parser(
        "request",
        help="write a request for a witness to a file",
        description="At the gateway: the head of an agency's log and the proof that it continues "
        "what the witness signed last (--old; 0 at the first time, the witness says which).",
        epilog="example: parvis audit witness request --tenant commune --old 0 --out request.txt",
    )
    request.add_argument("--tenant", metavar="T", required=True, help="agency, or `platform`")
    request.add_argument(
        "--old",
        metavar="SIZE",
        type=read_count,
        default=0,
        help="records that it signed last (default: 0)",
    )
    request.add_argument("--out", metavar="FILE", required=True, type=Path, help="the request")
    request.set_defaults(run=run_request)
    accept = steps.add_parser(
        "accept",
        help="keep the answer of a witness",
        description="At the gateway: check the cosignature against PARVIS_ANCHORS_FILE and keep it "
        "for exports.",
        epilog="example: parvis audit witness accept --tenant commune request.txt answer.txt",
    )
    accept.add_argument("--tenant", metavar="T", required=True, help="agency, or `platform`")
    accept.add_argument("request", metavar="REQUEST", type=Path, help="as it was sent")
    accept.add_argument("answer", metavar="ANSWER", type=Path, help="as it came back")
    for step in (request, accept):
        step.add_argument(
            "--operator",
            metavar="NAME",
            help="who does it, as the record names them (without: the account of the machine)",
        )
    accept.set_defaults(run=run_accept)


def _add_dir(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--dir", metavar="DIR", required=True, type=Path, help="the witness's own folder"
    )


def run_init(args: argparse.Namespace) -> int:
    """Make the keys and print the verifier keys."""
    witness = create_witness(args.dir, args.name)
    print("\n".join(witness.vkeys))
    print(f"write the logs' verifier keys into {args.dir / 'logs'}", file=sys.stderr)
    return 0


def run_add_key(args: argparse.Namespace) -> int:
    """Make the second key and print both verifier keys."""
    print("\n".join(add_mldsa_key(args.dir).vkeys))
    return 0


def run_serve(args: argparse.Namespace) -> int:
    """Answer until told to stop."""
    address = find_address(args.listen)
    if address is None:
        raise InvalidRequest("--listen: expected ADDRESS:PORT, for example 127.0.0.1:8090")
    witness = Witness(args.dir)
    witness.list_logs()  # a wrong line is said now
    try:
        server = WitnessServer(witness, address)
    except OSError as error:
        raise InvalidRequest(f"--listen: cannot listen there ({error.strerror})") from error
    with server:
        print(f"{witness.vkey} {server.url}", flush=True)
        server.serve_forever()
    return 0


def run_status(args: argparse.Namespace) -> int:
    """Print what it knows."""
    witness = Witness(args.dir)
    seen, refused = witness.list_seen(), witness.list_refused()
    if args.json:
        told = {
            "vkey": witness.vkey,
            "vkeys": witness.vkeys,
            "logs": [{"origin": o, "size": s, "note": note} for o, s, note in seen],
            "refused": [
                {"origin": o, "time": t, "reason": why, "request": body.decode()}
                for o, t, why, body in refused
            ],
        }
        print(json.dumps(told, ensure_ascii=False))
        return 0
    for vkey in witness.vkeys:
        print(f"key      {vkey}")
    for origin, size, _ in seen:
        print(f"signed   {origin} up to {size} records")
    for origin, _, why, _ in refused:
        print(f"REFUSED  {origin}: {why}")
    return 0


def run_sign(args: argparse.Namespace) -> int:
    """Answer one file with another."""
    answer = Witness(args.dir).add_checkpoint(_read(args.request))
    if answer.status != 200:  # noqa: PLR2004 - as over HTTP
        size = answer.body.strip()
        hint = f": it signed {size} records last; make the request with --old {size}"
        words = hint if size.isdigit() else f": {size}"
        print(f"parvis: {args.request}: refused ({answer.status}){words}", file=sys.stderr)
        return 1
    args.out.write_text(answer.body, encoding="utf-8")
    return 0


def run_request(args: argparse.Namespace) -> int:
    """Write the request."""
    from parvis.cli.audit_open import require_log  # noqa: PLC0415 - reads the installation
    from parvis.cli.audit_outside import open_anchors, record_exchange  # noqa: PLC0415 - as above

    with open_anchors(load_settings()) as anchors:
        require_log(anchors.audit, args.tenant)
        record_exchange(anchors.audit, "audit.exported", args.tenant, args.operator)
        text = anchors.build_request(args.tenant, args.old)
    args.out.write_text(text, encoding="utf-8")
    return 0


def run_accept(args: argparse.Namespace) -> int:
    """Keep the cosignature."""
    from parvis.cli.audit_open import require_log  # noqa: PLC0415 - reads the installation
    from parvis.cli.audit_outside import open_anchors, record_exchange  # noqa: PLC0415 - as above

    try:
        note = parse_request(_read(args.request)).note
        answer = _read(args.answer).decode()
    except ValueError as error:
        raise InvalidRequest("REQUEST is not what `witness request` wrote") from error
    with open_anchors(load_settings()) as anchors:
        require_log(anchors.audit, args.tenant)
        record_exchange(anchors.audit, "admin.changed", args.tenant, args.operator)
        name, _ = anchors.accept(args.tenant, note, answer)
    print(f"kept the cosignature of {name}")
    return 0


def _read(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InvalidRequest(f"{path.name} cannot be read ({error.strerror})") from error
    if len(data) > MAX_REQUEST_BYTES:
        raise InvalidRequest(f"{path.name} is too large")
    return data
