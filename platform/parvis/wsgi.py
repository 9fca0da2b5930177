"""What gunicorn serves. Files are read and the models of names and sentences loaded before the
fork, whose memory the workers then share; the other rooms are opened after it."""

import gc

from parvis.app import create_app, list_routes
from parvis.audit.anchors_thread import AnchorThread
from parvis.audit.feed_thread import build_feed_thread
from parvis.declared import build_declared_thread
from parvis.logs import configure_logs
from parvis.monitoring.server import build_metrics_thread
from parvis.services import (
    build_masking,
    build_metrics,
    build_services,
    load_configuration,
    load_encoder,
)
from parvis.session_ends import build_session_thread
from parvis.settings import load_settings, read_metrics_token
from parvis.web.streaming import wait_for_chats

_ENDINGS_S = 5.0
_THREADS = tuple(
    f"parvis_{name}" for name in ("anchors", "feeds", "metrics", "declared", "sessions")
)

settings = load_settings()
configure_logs(settings.log_level)
configuration = load_configuration(settings)
metrics_token = read_metrics_token(settings)
privacy = build_masking(settings)
encoder = load_encoder(configuration)
app = create_app(settings)
metrics = build_metrics(configuration, list_routes(app))
# what stands now is never collected, so that looking for garbage does not copy shared memory
gc.freeze()


def start_services(number: int) -> None:
    """Open every room in this worker (gunicorn's `post_fork`), the so-many-th that was started."""
    metrics.take_place(number)
    services = build_services(
        configuration, privacy=privacy, encoder=encoder, metrics=metrics, leads=False
    )
    app.extensions["parvis"] = services
    app.extensions["parvis_declared"] = build_declared_thread(services)
    app.extensions["parvis_sessions"] = build_session_thread(services.sessions, settings)
    app.extensions["parvis_anchors"] = AnchorThread(
        services.anchors,
        settings.audit_dir,
        every_s=settings.anchor_interval_s,
        heads_every_s=settings.heads_interval_s,
    )
    app.extensions["parvis_feeds"] = build_feed_thread(services.feeds, settings.feed_interval_s)
    app.extensions["parvis_metrics"] = build_metrics_thread(services, metrics_token)


def stop_services() -> None:
    """Close them (gunicorn's `worker_exit`): streams end, their records are written, then all."""
    services = app.extensions.get("parvis")
    if services is not None:
        for name in _THREADS:
            if (thread := app.extensions[name]) is not None:
                thread.close()
        services.inference.close()
        wait_for_chats(_ENDINGS_S)
        services.close()
