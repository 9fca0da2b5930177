"""An auditor at the running demo: the walk's own records read, proved and exported."""

import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, expect

from parvis.web.audit_exports import verify_folder
from tests.fakes.signing_in import sign_in
from tests.fakes.watching import find_barriers, watched_page


def test_auditor_proves_the_walks_question_and_takes_the_folder_home(
    demo: dict[str, Any], browser: Browser, tmp_path: Path
) -> None:
    context = browser.new_context(locale="de-DE", accept_downloads=True)
    page = context.new_page()
    sign_in(page, demo, "valbourg", "auditor", "/audit")
    page.close()
    with watched_page(context, urlsplit(demo["gateway"]).hostname or "") as page:
        page.goto(f"{demo['gateway']}/audit")
        fingerprint = page.locator(".keys code").first.inner_text()
        page.get_by_label("Art").select_option("chat")
        page.get_by_role("button", name="Anzeigen").click()
        page.get_by_role("link", name="Dem Assistenten").last.click()
        expect(page.locator("body")).to_contain_text("c2sp.org/tlog-proof@v1")
        expect(page.locator("body")).to_contain_text(fingerprint)
        assert find_barriers(page) == []
        page.goto(f"{demo['gateway']}/audit")
        page.get_by_role("button", name="Exportieren und prüfen").click()
        expect(page.locator(".verdict")).to_have_text("INTACT")
        with page.expect_download() as download:
            page.get_by_role("link", name="Ordner herunterladen").click()
        archive = download.value.path()
        zipfile.ZipFile(archive).extractall(tmp_path)
        assert verify_folder(tmp_path / "parvis-audit-valbourg")[0] == "INTACT"
    context.close()
