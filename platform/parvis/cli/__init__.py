"""The `parvis` command: one file a group; it parses and prints, tests call what it calls."""

import argparse
import sys
from collections.abc import Sequence

from parvis import __version__
from parvis.cli import audit, check, db, knowledge, policy, privacy, retention, serve, tenants
from parvis.errors import ConfigurationFaults, ParvisError

USAGE_FAULT = 2


def build_parser() -> argparse.ArgumentParser:
    """The whole command line, every group registered."""
    parser = argparse.ArgumentParser(
        prog="parvis",
        description="The assistant gateway that public administrations run on their own machines.",
        epilog="example: PARVIS_DATA_DIR=.parvis parvis check",
    )
    parser.add_argument("--version", action="version", version=f"parvis {__version__}")
    groups = parser.add_subparsers(metavar="COMMAND", required=True)
    for group in (serve, check, db, tenants, policy, privacy, audit, knowledge, retention):
        group.register(groups)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; exit code 0 on success only, errors on standard error."""
    args = build_parser().parse_args(arguments)
    try:
        status: int = args.run(args)
    except ConfigurationFaults as faults:
        print(faults.message, file=sys.stderr)
        return 1
    except ParvisError as error:
        print(f"parvis: {error.message}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # the reader of our output closed it: nothing more to say
        sys.stderr.close()
        return 1
    except KeyboardInterrupt:
        return 130
    return status
