"""A browser page that is watched: its complaints, where it asks, what axe finds."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request

_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# the browser's own line for an answer that is not 2xx: those are what some tests are about
_EXPECTED = "Failed to load resource"


@contextmanager
def watched_page(context: BrowserContext, host: str) -> Iterator[Page]:
    """A page that MUST end without a console error and without a request to another host."""
    page, complaints, elsewhere = context.new_page(), [], []

    def hear(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and _EXPECTED not in message.text:
            complaints.append(message.text)

    def see(request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in {"data", "blob"} and parts.hostname != host:
            elsewhere.append(request.url)

    page.on("console", hear)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", see)
    yield page
    page.close()
    assert complaints == []
    assert elsewhere == []


def find_barriers(page: Page) -> list[str]:
    """What axe finds against WCAG 2.2 AA on this page as it stands, one line a fault."""
    found: dict[str, Any] = (
        Axe().run(page, options={"runOnly": {"type": "tag", "values": _TAGS}}).response
    )
    return [
        f"{fault['id']}: {node['target']} {node.get('failureSummary', '')}"
        for fault in found["violations"]
        for node in fault["nodes"]
    ]


def find_overflow(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    wider: int = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return max(0, wider)


def find_small_targets(page: Page) -> list[str]:
    """Buttons, fields and stand-alone links smaller than 24 by 24 pixels."""
    small: list[str] = page.evaluate(
        """() => [...document.querySelectorAll('button, input:not([type=hidden]), select, textarea,'
          + ' summary, nav a, .btn, .tool, .foot a, .crumb a')]
          .filter((one) => one.offsetParent !== null && !one.closest('[hidden]'))
          .map((one) => [one, one.getBoundingClientRect()])
          .filter(([, box]) => box.width > 1 && (box.width < 24 || box.height < 24))
          .map(([one, box]) => `${one.outerHTML.slice(0, 80)} ${box.width}x${box.height}`)"""
    )
    return small
