"""What gunicorn serves. The files are read before the fork, the rooms opened after it."""

from parvis.app import create_app
from parvis.logs import configure_logs
from parvis.services import build_services, load_configuration
from parvis.settings import load_settings
from parvis.web.streaming import wait_for_chats

_ENDINGS_S = 5.0

settings = load_settings()
configure_logs(settings.log_level)
configuration = load_configuration(settings)
app = create_app(settings)


def start_services() -> None:
    """Open every room in this worker (gunicorn's `post_fork`)."""
    app.extensions["parvis"] = build_services(configuration)


def stop_services() -> None:
    """Close them (gunicorn's `worker_exit`): streams end, their records are written, then all."""
    services = app.extensions.get("parvis")
    if services is not None:
        services.inference.close()
        wait_for_chats(_ENDINGS_S)
        services.close()
