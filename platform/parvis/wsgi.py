"""What gunicorn serves. Files are read and the name models loaded before the fork, whose memory the
workers then share; the other rooms are opened after it."""

import gc

from parvis.app import create_app
from parvis.logs import configure_logs
from parvis.services import build_masking, build_services, load_configuration
from parvis.settings import load_settings
from parvis.web.streaming import wait_for_chats

_ENDINGS_S = 5.0

settings = load_settings()
configure_logs(settings.log_level)
configuration = load_configuration(settings)
privacy = build_masking(settings)
app = create_app(settings)
# what stands now is never collected, so that looking for garbage does not copy shared memory
gc.freeze()


def start_services() -> None:
    """Open every room in this worker (gunicorn's `post_fork`)."""
    app.extensions["parvis"] = build_services(configuration, privacy=privacy)


def stop_services() -> None:
    """Close them (gunicorn's `worker_exit`): streams end, their records are written, then all."""
    services = app.extensions.get("parvis")
    if services is not None:
        services.inference.close()
        wait_for_chats(_ENDINGS_S)
        services.close()
