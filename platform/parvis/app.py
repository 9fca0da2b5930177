"""The application: every blueprint beside its guard, the same headers and faults for all."""

from flask import Flask, Response, g, request

from parvis.identity.permissions import Permission
from parvis.services import Services
from parvis.settings import Settings
from parvis.web import (
    admin,
    api,
    auditor,
    front,
    headers,
    health,
    login,
    pages,
    portal,
    proofs,
    rights,
)
from parvis.web.current import get_services
from parvis.web.faults import register_faults
from parvis.web.guards import open_to_all, require_bearer, require_page, start_request
from parvis.web.receipts import add_receipt

ROOMS = (
    (api.blueprint, require_bearer(Permission.ASK_API, Permission.ASK_PORTAL)),
    (api.second_blueprint, require_bearer(Permission.ASK_API, Permission.ASK_PORTAL)),
    (portal.blueprint, require_page(Permission.USE_PORTAL)),
    (auditor.blueprint, require_page(Permission.READ_AUDIT)),
    (admin.blueprint, require_page(Permission.ADMINISTER_AGENCY)),
    (rights.blueprint, require_page(Permission.HANDLE_RIGHTS)),
    (front.blueprint, open_to_all),
    (proofs.blueprint, open_to_all),
    (login.blueprint, open_to_all),
    (health.blueprint, open_to_all),
)


def create_app(settings: Settings, services: Services | None = None) -> Flask:
    """The WSGI application. Without `services` the worker puts them in after its fork."""
    app = Flask("parvis", template_folder="web/templates", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    app.config["MAX_FORM_MEMORY_SIZE"] = settings.max_body_bytes
    if services is not None:
        app.extensions["parvis"] = services
    app.before_request(start_request)
    for blueprint, guard in ROOMS:
        app.before_request_funcs.setdefault(blueprint.name, []).append(guard)
        app.register_blueprint(blueprint)
    register_faults(app)
    pages.install(app)
    headers.install(app)
    app.after_request(_add_request_id)
    app.after_request(_count)  # before the next one is registered: it then runs behind it
    app.after_request(add_receipt)
    return app


def list_routes(app: Flask) -> list[str]:
    """The application's own names of its addresses: what requests may be told apart by."""
    return sorted({rule.rule for rule in app.url_map.iter_rules()})


def _count(response: Response) -> Response:
    route = request.url_rule.rule if request.url_rule else None
    get_services().metrics.count_request(route, response.status_code)
    return response


def _add_request_id(response: Response) -> Response:
    response.headers["x-request-id"] = g.get("request_id", "")
    return response
