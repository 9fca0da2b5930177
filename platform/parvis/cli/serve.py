"""`parvis serve`: the gateway, its pages and its audit writer under gunicorn.

How many processes and threads, and how they start and stop. What they serve is `parvis.wsgi`.
"""

import argparse
import logging
import os
import sys
from functools import partial
from typing import Any

from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]
from gunicorn.glogging import Logger  # type: ignore[import-untyped]

from parvis.audit.process import Keeper, Plan, run_sequencer
from parvis.cli.audit_sequencer import plan_sequencer
from parvis.cli.serve_check import require_machine
from parvis.errors import ConfigurationFaults
from parvis.logs import configure_logs
from parvis.services import load_configuration
from parvis.settings import Settings, load_settings

DRAIN_S = 25
_CLOSE_S = 10
_START_LIMIT_S = 120


def register(groups: Any) -> None:
    """Add the command to the command line."""
    parser = groups.add_parser(
        "serve",
        help="run gateway, pages and audit writer until SIGTERM",
        description="Runs under gunicorn until SIGTERM or Ctrl-C: open streams are drained "
        f"(at most {DRAIN_S} s), their records written, then it ends with exit code 0.",
        epilog="example: PARVIS_DATA_DIR=/var/lib/parvis PARVIS_LISTEN=127.0.0.1:8080 parvis serve",
    )
    parser.set_defaults(run=run_serve)


def run_serve(_args: argparse.Namespace) -> int:
    """Serve until told to stop; every fault of the files is said before a port is opened."""
    settings = load_settings()
    require_machine(settings, writes=settings.audit_writer == "own")
    configure_logs(settings.log_level)
    keeper = start_keeper(settings)
    try:
        _serve(settings)
    finally:
        if keeper is not None:
            keeper.close()
    return 0


def start_keeper(settings: Settings) -> Keeper | None:
    """The writer of the audit logs as a child; None where it is a service of its own.

    MUST be called before anything large is loaded, and never while threads run.
    """
    if settings.audit_writer == "apart":
        return None
    return Keeper(partial(run_sequencer, _plan_sequencer(settings)))


def _plan_sequencer(settings: Settings) -> Plan:
    try:
        return plan_sequencer(settings)
    except ConfigurationFaults:
        load_configuration(settings)  # says the faults of all files together
        raise


def _serve(settings: Settings) -> None:
    import parvis.wsgi as gateway  # noqa: PLC0415 - reads every file: only this command needs it

    GatewayServer(settings, gateway).run()


def server_options(settings: Settings) -> dict[str, Any]:
    """gunicorn's options for these settings: threads, since a stream holds one for its length."""
    return {
        "bind": [settings.listen],
        "workers": settings.workers,
        "threads": settings.threads,
        "worker_class": "gthread",
        "preload_app": True,  # the files are read once, before the fork
        "timeout": _START_LIMIT_S,
        "graceful_timeout": DRAIN_S + _CLOSE_S,
        "keepalive": 5,
        "control_socket_disable": True,  # signals are enough; one door fewer
        "worker_tmp_dir": "/dev/shm" if os.access("/dev/shm", os.W_OK) else None,  # noqa: S108
        "proc_name": "parvis",
        "logger_class": ServerLogs,
        "loglevel": settings.log_level.lower(),
    }


class ServerLogs(Logger):  # type: ignore[misc]
    """gunicorn's own lines among ours, in the same form (`parvis.logs`)."""

    def setup(self, cfg: Any) -> None:
        """Leave writing to the root logger."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


class GatewayServer(BaseApplication):  # type: ignore[misc]
    """gunicorn with our options; each worker opens its rooms after the fork, closes them at end."""

    def __init__(self, settings: Settings, gateway: Any) -> None:
        self._settings = settings
        self._gateway = gateway
        super().__init__()

    def load_config(self) -> None:
        """Hand our options and hooks to gunicorn."""
        for name, value in server_options(self._settings).items():
            self.cfg.set(name, value)
        self.cfg.set("post_fork", self._open_rooms)
        self.cfg.set("worker_exit", self._close_rooms)

    def load(self) -> Any:
        """The WSGI application, made before the fork."""
        return self._gateway.app

    def _open_rooms(self, _arbiter: Any, worker: Any) -> None:
        # the parent waits longer than its workers drain, so that records are written after the
        # last stream and before the parent would kill
        worker.cfg.set("graceful_timeout", DRAIN_S)
        self._gateway.start_services(worker.age)

    def _close_rooms(self, _arbiter: Any, worker: Any) -> None:
        self._gateway.stop_services()
        leave_worker(worker)


def leave_worker(worker: Any) -> None:
    """End a worker that has served, at once; one that never did ends as gunicorn wants it.

    Native libraries loaded before the fork cannot tidy up threads that only the parent has: their
    end of process would abort. By now every room is closed and nothing is left to write.
    """
    if worker.booted:
        logging.shutdown()
        sys.stdout.flush()
        os._exit(0)
