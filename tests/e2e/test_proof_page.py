"""A citizen with a receipt in a real browser: no script, a narrow screen, four languages."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from parvis.audit import verify
from parvis.audit.events import Draft
from tests.conftest import free_port
from tests.fakes.site import Site, run_site, serve
from tests.fakes.watching import find_barriers, find_overflow, find_small_targets, watched_page

HOST = "127.0.0.1"
AGENCY = "valbourg"
LANGUAGES = ("fr", "de", "lb", "en")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, str]]:
    port = free_port()
    folder = tmp_path_factory.mktemp("site")
    with run_site(folder, PARVIS_LISTEN=f"{HOST}:{port}") as running, serve(running, port) as url:
        yield running, url


@pytest.fixture
def receipt(site: tuple[Site, str]) -> str:
    draft = Draft(kind="session.expired", outcome="success")
    return site[0].installation.services.audit.append(AGENCY, draft).text


def look_for_faults(page: Page) -> list[str]:
    overflow = [f"too wide by {find_overflow(page)}"] if find_overflow(page) else []
    return [*find_barriers(page), *find_small_targets(page), *overflow]


def test_a_citizen_without_scripts_finds_and_downloads_a_proof(
    site: tuple[Site, str], receipt: str, browser: Browser, tmp_path: Path
) -> None:
    context = browser.new_context(
        base_url=site[1], viewport={"width": 320, "height": 700}, java_script_enabled=False
    )
    with watched_page(context, HOST) as page:
        page.goto("/audit/proof?lang=en")
        page.get_by_label("Audit receipt").fill(receipt[:-9])
        page.get_by_role("button", name="Find the proof").click()
        expect(page.get_by_role("alert")).to_contain_text("No record fits this receipt")
        page.get_by_label("Audit receipt").fill(receipt)
        page.get_by_role("button", name="Find the proof").click()
        expect(page.get_by_text("The record is in the log")).to_be_visible()
        page.get_by_text("Content of policy.txt").click()
        (tmp_path / "policy.txt").write_text(page.get_by_label("policy.txt").inner_text())
        with page.expect_download() as loading:
            page.get_by_role("button", name="Download the proof").click()
        loading.value.save_as(tmp_path / loading.value.suggested_filename)
    context.close()
    file = tmp_path / loading.value.suggested_filename
    assert file.suffix == ".tlog-proof"
    arguments = [str(file), "--policy", str(tmp_path / "policy.txt"), "--receipt", receipt]
    assert verify.main(arguments) == 0


@pytest.mark.parametrize("width", [320, 1280])
def test_the_proof_page_is_without_barriers_in_every_language(
    site: tuple[Site, str], receipt: str, browser: Browser, width: int
) -> None:
    context = browser.new_context(base_url=site[1], viewport={"width": width, "height": 800})
    with watched_page(context, HOST) as page:
        for language in LANGUAGES:
            page.goto(f"/audit/proof?lang={language}")
            assert look_for_faults(page) == [], language
            page.locator("#receipt").fill(receipt)
            page.locator("form[action='/audit/proof'] button").click()
            page.evaluate(
                "document.querySelectorAll('details').forEach((one) => { one.open = true; })"
            )
            assert page.locator("html").get_attribute("lang") == language
            assert look_for_faults(page) == [], language
            page.locator("nav.languages a").first.click()
            expect(page).to_have_url(f"{site[1]}/audit/proof?lang=" + other(language))
    context.close()


def other(language: str) -> str:
    """The first language of the list that is not the current one."""
    return next(one for one in LANGUAGES if one != language)
