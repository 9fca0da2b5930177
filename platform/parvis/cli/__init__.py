"""The `parvis` command: one file a group; it parses and prints, tests call what it calls."""

import argparse
import importlib
import logging
import sys
from collections.abc import Collection, Sequence

from parvis import __version__
from parvis.cli.parser import CommandParser, give_examples
from parvis.errors import ConfigurationFaults, ParvisError

GROUPS = (
    "serve",
    "check",
    "db",
    "tenants",
    "policy",
    "privacy",
    "audit",
    "knowledge",
    "retention",
    "subject",
    "hold",
    "keys",
)


def build_parser(names: Collection[str] = GROUPS) -> argparse.ArgumentParser:
    """The command line with these groups; only what is named is imported."""
    parser = CommandParser(
        prog="parvis",
        description="The assistant gateway that public administrations run on their own machines.",
        epilog="example: PARVIS_DATA_DIR=.parvis parvis check",
    )
    parser.add_argument("--version", action="version", version=f"parvis {__version__}")
    groups = parser.add_subparsers(metavar="COMMAND", required=True)
    for name in names:
        importlib.import_module(f"parvis.cli.{name}").register(groups)
    give_examples(parser)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; exit code 0 on success only, errors on standard error."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    # a group that is named needs no other: importing all of them takes seconds
    named = [given[0]] if given and given[0] in GROUPS else GROUPS
    args = build_parser(named).parse_args(given)
    # a command says in its own words what went wrong; `serve` sets up the gateway's log itself
    logging.getLogger("parvis").addHandler(logging.NullHandler())
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
    except OSError as error:
        if error.filename is None:
            raise
        print(f"parvis: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return status
