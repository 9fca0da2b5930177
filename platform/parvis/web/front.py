"""Pages open to everybody: the start page, accessibility, privacy, and the static files."""

from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, g, redirect, request, send_from_directory
from werkzeug.wrappers import Response as AnyResponse

from parvis.domain import Role
from parvis.errors import NotFound
from parvis.web import pages, portal
from parvis.web.current import get_services
from parvis.web.guards import find_page_session

blueprint = Blueprint("front", __name__)


@blueprint.before_request
def _notice_session() -> None:
    g.page_session = find_page_session()


@blueprint.get("/")
def start() -> AnyResponse:
    """The way in: agencies to sign in with, or one's own assistants, or one's own desk."""
    session = pages.find_session()
    if session is None:
        return _start_page()
    if Role.CIVIL_SERVANT in session.principal.roles:
        return portal.show_home(session)
    if Role.AUDITOR in session.principal.roles:
        return redirect("/audit", 303)
    if Role.AGENCY_ADMIN in session.principal.roles:
        return redirect("/admin", 303)
    return pages.render_page("nothing_here.html")


@blueprint.get("/agency")
def find_agency() -> AnyResponse:
    """From the name typed into the field to that agency's sign-in."""
    slug = request.args.get("name", "").strip().lower()
    if slug in get_services().tenants.agencies:
        return redirect("/login?" + urlencode({"agency": slug, "return_to": _return_to()}), 303)
    return _start_page(status=404, typed=slug[:63], unknown=True)


@blueprint.get("/accessibility")
def accessibility() -> Response:
    """The accessibility statement."""
    return pages.render_page("accessibility.html")


@blueprint.get("/privacy")
def privacy() -> Response:
    """What is kept, for how long, and who may see it."""
    return pages.render_page("privacy.html")


@blueprint.get("/assets/<path:name>")
def assets(name: str) -> Response:
    """A static file of the pages."""
    if name.endswith((".txt", ".json", ".md")):
        raise NotFound
    return send_from_directory(pages.STATIC, name)


def _start_page(*, status: int = 200, typed: str = "", unknown: bool = False) -> Response:
    agencies = [one for one in get_services().tenants.agencies.values() if one.listed]
    return pages.render_page(
        "start.html",
        status=status,
        agencies=agencies,
        typed=typed,
        unknown=unknown,
        return_to=_return_to(),
    )


def _return_to() -> str:
    """The page that the person came for: a path of our own, never another site."""
    wanted = request.args.get("return_to", "/")
    parts = urlsplit(wanted)
    ours = wanted.startswith("/") and not parts.scheme and not parts.netloc and "\\" not in wanted
    return wanted[:500] if ours else "/"
