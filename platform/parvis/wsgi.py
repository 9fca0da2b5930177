"""What gunicorn serves. The files are read before the fork, the rooms opened after it."""

from parvis.app import create_app
from parvis.logs import configure_logs
from parvis.services import build_services, load_configuration
from parvis.settings import load_settings

configure_logs(load_settings().log_level)
configuration = load_configuration(load_settings())
app = create_app(configuration.settings)


def start_services() -> None:
    """Open every room in this worker (gunicorn's `post_fork`)."""
    app.extensions["parvis"] = build_services(configuration)


def stop_services() -> None:
    """Close them (gunicorn's `worker_exit`): records are written, threads end."""
    services = app.extensions.pop("parvis", None)
    if services is not None:
        services.close()
