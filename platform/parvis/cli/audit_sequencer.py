"""`parvis audit sequencer`: the process that alone lets the audit logs grow."""

import argparse
from typing import Any

from parvis.audit.ballast import BALLAST_BYTES
from parvis.audit.doors import plan_doors
from parvis.audit.process import Plan, hide_memory, run_sequencer
from parvis.audit.sequencer import Limits
from parvis.cli.serve_check import require_machine
from parvis.logs import configure_logs
from parvis.settings import Settings, load_settings, read_root_key
from parvis.tenancy.registry import load_shares


def register_sequencer(commands: Any) -> None:
    """Add the command to the group."""
    parser = commands.add_parser(
        "sequencer",
        help="run the writer of the audit logs alone",
        description="`parvis serve` starts a writer of its own; run this where a service manager "
        "should watch it. A second one refuses (exit 75). Exit 78: the logs are not what was "
        "signed, nothing is written until somebody has looked; 74: the disk or database failed.",
        epilog="example: PARVIS_DATA_DIR=/var/lib/parvis parvis audit sequencer",
    )
    parser.set_defaults(run=run_alone)


def run_alone(_args: argparse.Namespace) -> int:
    """Write until told to stop; the exit code says why it ended."""
    settings = load_settings()
    require_machine(settings, writes=True, hidden=True)
    configure_logs(settings.log_level)
    hide_memory()
    return run_sequencer(plan_sequencer(settings))


def plan_sequencer(settings: Settings) -> Plan:
    """What settings and agencies' files say about the writer. Raises ConfigurationFaults."""
    return Plan(
        settings.audit_dir,
        settings.installation,
        read_root_key(settings),
        Limits.of(settings, load_shares(settings.tenants_dir), ballast_bytes=BALLAST_BYTES),
        settings.audit_database_url,
        settings.audit_heads_dir,
        plan_doors(settings),
    )
