"""The whole demo, running once for all end-to-end tests, and a real browser."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from playwright.sync_api import Browser, sync_playwright

from deploy.dev.demo_process import DemoProcess

START_LIMIT_S = 900


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first test on the demo waits for all its parts, on a new machine for their building."""
    folder = Path(__file__).parent
    for item in items:
        if folder in item.path.parents:
            item.add_marker(pytest.mark.timeout(START_LIMIT_S))


def require_gone(family: list[psutil.Process]) -> None:
    """Fail when one of these processes still runs."""
    left = [one for one in family if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
    assert not left


@pytest.fixture(scope="session")
def demo_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoProcess]:
    """The whole demo after its walk; it must stop cleanly and leave no process."""
    demo = DemoProcess.start(tmp_path_factory.mktemp("demo") / "data")
    try:
        demo.await_words("Ctrl-C stops everything.")
        yield demo
        family = demo.family()
        assert demo.stop() == 0, demo.said
        require_gone(family)
    finally:
        demo.stop()


@pytest.fixture(scope="session")
def demo(demo_process: DemoProcess) -> dict[str, Any]:
    """What demo.json of the running demo says."""
    return demo_process.told


@pytest.fixture(scope="session")
def browser(chromium: Path) -> Iterator[Browser]:
    """A real headless Chromium under Playwright."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=str(chromium), args=["--no-sandbox"])
        yield running
        running.close()
