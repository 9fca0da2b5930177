"""For sites that run gunicorn themselves: `gunicorn -c deploy/gunicorn.conf.py parvis.wsgi:app`.

The same as `parvis serve`. Every value comes from the PARVIS_ settings; what is set here on top
wins, for example `certfile`.
"""

from parvis.cli import serve
from parvis.cli.serve_check import require_machine
from parvis.settings import load_settings

_settings = load_settings()
globals().update(serve.server_options(_settings))


def on_starting(server):
    """Start the writer of the audit logs, before the application is loaded."""
    require_machine(_settings, writes=_settings.audit_writer == "own")
    server.audit_keeper = serve.start_keeper(_settings)


def on_exit(server):
    """End it after the last worker."""
    if server.audit_keeper is not None:
        server.audit_keeper.close()


def post_fork(server, worker):
    """Open the rooms in the worker, never before the fork."""
    from parvis import wsgi  # noqa: PLC0415 - gunicorn reads this file before the application

    worker.cfg.set("graceful_timeout", serve.DRAIN_S)
    wsgi.start_services(worker.age)


def worker_exit(server, worker):
    """Write what is pending and close them."""
    from parvis import wsgi  # noqa: PLC0415

    wsgi.stop_services()
    serve.leave_worker(worker)
