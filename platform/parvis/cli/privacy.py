"""`parvis privacy ...`: what the gateway would mask, without sending anything anywhere."""

import argparse
import sys
from typing import Any

from parvis.settings import load_settings


def register(groups: Any) -> None:
    """Add the group to the command line."""
    parser = groups.add_parser("privacy", help="find personal data as the gateway does")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    scan = commands.add_parser(
        "scan",
        help="JSON Lines in, findings and masked text out",
        description='Reads {"id", "text", "language"?} a line from standard input; writes {"id", '
        '"language", "entities": [{"start", "end", "label", "score", "source"}], "masked"} a line, '
        'in the same order. A faulty line gives {"id", "error"} and exit code 1 at the end.',
        epilog='example: echo \'{"id": 1, "text": "Ech sinn de Jang Muller."}\' '
        "| parvis privacy scan --language lb",
    )
    scan.add_argument("--language", help="language of the rows that do not name theirs")
    scan.add_argument("--jobs", type=_positive, default=1, help="processes (default: 1)")
    scan.set_defaults(run=run_scan)


def run_scan(args: argparse.Namespace) -> int:
    """Scan standard input; exit code 1 when a line was faulty."""
    # loading Presidio takes seconds that the other commands need not wait
    from parvis.privacy.scan import scan  # noqa: PLC0415

    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    faulty = 0
    models_dir = load_settings().models_dir
    for scanned in scan(sys.stdin.buffer, models_dir, language=args.language, jobs=args.jobs):
        print(scanned.line, flush=True)
        faulty += scanned.is_faulty
    if faulty:
        print(f"parvis: {faulty} faulty lines", file=sys.stderr)
    return 1 if faulty else 0


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number
