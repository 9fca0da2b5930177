"""For sites that run gunicorn themselves: `gunicorn -c deploy/gunicorn.conf.py parvis.wsgi:app`.

The same as `parvis serve`. Every value comes from the PARVIS_ settings; what is set here on top
wins, for example `certfile`.
"""

from functools import partial

from parvis.audit.process import Keeper, run_sequencer
from parvis.cli import serve
from parvis.cli.audit_sequencer import plan_sequencer
from parvis.settings import load_settings

_settings = load_settings()
globals().update(serve.server_options(_settings))


def on_starting(server):
    """Start the writer of the audit logs, before the application is loaded."""
    server.audit_keeper = Keeper(partial(run_sequencer, plan_sequencer(_settings)))


def on_exit(server):
    """End it after the last worker."""
    server.audit_keeper.close()


def post_fork(server, worker):
    """Open the rooms in the worker, never before the fork."""
    from parvis import wsgi  # noqa: PLC0415 - gunicorn reads this file before the application

    worker.cfg.set("graceful_timeout", serve.DRAIN_S)
    wsgi.start_services()


def worker_exit(server, worker):
    """Write what is pending and close them."""
    from parvis import wsgi  # noqa: PLC0415

    wsgi.stop_services()
    serve.leave_worker(worker)
