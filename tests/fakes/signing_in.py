"""Signing in as an example person of the running demo, through Keycloak's own form."""

from collections.abc import Mapping
from typing import Any

from playwright.sync_api import Page


def find_person(demo: Mapping[str, Any], agency: str, role: str) -> Mapping[str, Any]:
    """The example person of the agency who has this role."""
    people = next(one["people"] for one in demo["agencies"] if one["slug"] == agency)
    found: Mapping[str, Any] = next(one for one in people if role in one["roles"])
    return found


def sign_in(page: Page, demo: Mapping[str, Any], agency: str, role: str, path: str = "/") -> None:
    """Leave `page` on `path`, signed in."""
    person = find_person(demo, agency, role)
    page.goto(f"{demo['gateway']}/login?agency={agency}&return_to={path}")
    page.locator("#username").fill(person["username"])
    page.locator("#password").fill(person["password"])
    page.locator("#kc-login").click()
    page.wait_for_url(f"{demo['gateway']}{path}*")
