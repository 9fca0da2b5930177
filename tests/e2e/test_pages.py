"""Every page in a real Chromium: barriers, languages, widths, colours, keyboard, no script."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.conftest import free_port
from tests.fakes.model_server import BUSY, Answer
from tests.fakes.site import Site, run_site, serve
from tests.fakes.watching import find_barriers, find_overflow, find_small_targets, watched_page

HOST = "127.0.0.1"
AGENCY = "valbourg"
BARE = "Bare model (English)"  # no sources, so the model's words are shown as they come
CHAT = "Good morning to you, write to marie.kieffer@example.org!"
_OPEN_ALL = "document.querySelectorAll('details').forEach((one) => { one.open = true; })"
LONG = [
    "## Steps\n\n1. Sign in\n2. Fill in the form\n\n",
    "| Document | Needed | Where | Remark |\n|---|---|---|---|\n",
    "| Identity card | yes | at the counter | Donaudampfschifffahrtsgesellschaft |\n\n",
    "```\na_very_long_line_of_code_that_does_not_break_anywhere = 1\n```\n\n",
    "See [the page](https://agency.example/" + "long" * 30 + ").",
]


class Live:
    """The site on its port, and people who sign in with this browser."""

    def __init__(self, site: Site, url: str, browser: Browser) -> None:
        self.site, self.url, self.browser = site, url, browser

    @contextmanager
    def person(
        self, role: str = "civil-servant", sub: str = "p", **settings: Any
    ) -> Iterator[Page]:
        """A signed-in person's page, watched."""
        context = self.browser.new_context(base_url=self.url, **settings)
        login = context.request.get(f"/login?agency={AGENCY}&return_to=/", max_redirects=0)
        back = self.site.callback_path(login.headers["location"], AGENCY, role, sub=sub)
        with watched_page(context, HOST) as page:
            page.goto(back)
            yield page
        context.close()


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Live]:
    port = free_port()
    folder = tmp_path_factory.mktemp("site")
    with run_site(folder, PARVIS_LISTEN=f"{HOST}:{port}") as site, serve(site, port) as url:
        yield Live(site, url, browser)


def _start(page: Page, assistant: str = BARE) -> None:
    page.goto("/?lang=en")
    card = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name=assistant))
    card.get_by_role("button", name="Start").click()
    page.wait_for_url("**/chat/*")
    page.wait_for_load_state()  # scripts have run, where there are any


def _ask(page: Page, question: str = CHAT) -> None:
    page.locator("#question").fill(question)
    page.get_by_role("button", name="Send").click()


def _await_answer(page: Page) -> None:
    expect(page.locator("#status")).to_have_text("Answer complete.")


def _open_rights(live: Live, chat: str) -> str:
    """Ask for an erasure and place a hold on the administrator's page; the erasure's address."""
    with live.person("agency-admin") as page:
        page.goto("/admin/rights?lang=en")
        page.locator("#kind").select_option("conversation")
        page.locator("#ref").fill(chat.rpartition("/")[2])
        page.locator("#ground").select_option("gdpr-17.1.c")
        page.get_by_role("button", name="Ask for the erasure").click()
        expect(page.locator("#said")).to_be_visible()
        page.locator("#hold-kind").select_option("case")
        page.locator("#hold-case").fill("AZ-2026/17")
        page.locator("#hold-reason").select_option("litigation")
        page.locator("#hold-until").fill("2090-06-30")
        page.get_by_role("button", name="Place the hold").click()
        expect(page.locator("#said")).to_be_visible()
        return page.locator("table a").first.get_attribute("href") or ""


@pytest.fixture(scope="module")
def addresses(live: Live) -> dict[str, list[str]]:
    """Every page there is, by who may open it, with all kinds of answers."""
    live.site.model_server.script(Answer(pieces=LONG), Answer(pieces=["Part"], drop=True))
    with live.person() as page:
        _start(page)
        _ask(page)
        _await_answer(page)
        saw = page.locator("[data-model-saw]").first.get_attribute("href") or ""
        _ask(page)
        expect(page.locator("#alerts .notice")).to_be_visible()
        chat = page.url.removeprefix(live.url)
        _start(page, "Help for staff")
        empty = page.url.removeprefix(live.url)
        _start(page, "Help for staff")
        _ask(page, "What is the price of the identity card?")
        _await_answer(page)
        expect(page.locator("[data-source-list] li").first).to_be_visible()
        sourced = page.url.removeprefix(live.url)
    with live.person("auditor") as page:
        page.goto("/audit")
    erasure = _open_rights(live, chat)
    common = ["/accessibility", "/privacy", "/nowhere"]
    return {
        "": ["/", f"{chat}", "/agency?name=nobody", *common],
        "civil-servant": ["/", chat, empty, sourced, saw, f"{chat}/delete", "/audit", *common],
        "auditor": ["/audit", "/audit?to=2001-01-01", "/audit?to=x", "/audit/records/1", *common],
        "overseer": ["/"],
        "agency-admin": ["/admin", "/admin/privacy", "/admin/rights", erasure],
    }


@pytest.mark.parametrize(
    ("language", "width", "scheme"),
    [("de", 320, "light"), ("en", 320, "dark"), ("fr", 1280, "dark"), ("lb", 1280, "light")],
)
def test_every_page_is_without_barriers(
    live: Live, addresses: dict[str, list[str]], language: str, width: int, scheme: Any
) -> None:
    faults = []
    for role, paths in addresses.items():
        size: Any = {"width": width, "height": 800}
        settings: dict[str, Any] = {"viewport": size, "color_scheme": scheme}
        context = live.browser.new_context(base_url=live.url, **settings)
        opened = live.person(role, **settings) if role else watched_page(context, HOST)
        with opened as page:
            for path in paths:
                page.goto(f"{path}{'&' if '?' in path else '?'}lang={language}")
                page.evaluate(_OPEN_ALL)
                where = f"{role or 'visitor'} {path}"
                faults += [f"{where}: {fault}" for fault in find_barriers(page)]
                faults += [f"{where}: target {one}" for one in find_small_targets(page)]
                faults += [f"{where}: too wide by {find_overflow(page)}"] * bool(
                    find_overflow(page)
                )
                assert page.locator("html").get_attribute("lang") == language
                assert page.locator("h1").count() == 1
        context.close()
    assert faults == []


def test_answer_streams_while_focus_stays_and_few_announcements_are_made(live: Live) -> None:
    hold = threading.Event()
    answer = Answer(pieces=["First words. ", "Last **words**."], hold=hold, hold_after=1)
    with live.person() as page:
        _start(page)
        page.evaluate(
            """() => { window.said = []; new MutationObserver(() => window.said.push(
              document.getElementById('status').textContent)).observe(
              document.getElementById('status'), {childList: true}); }"""
        )
        live.site.model_server.script(answer)
        page.locator("#question").fill(CHAT)
        page.keyboard.press("Control+Enter")
        expect(page.locator("[data-tail]")).to_have_text("First words.")
        expect(page.get_by_role("button", name="Stop")).to_be_visible()
        assert find_barriers(page) == []
        hold.set()
        _await_answer(page)
        expect(page.locator("[data-blocks] strong")).to_have_text("words")
        expect(page.locator("[data-masked]").first).to_have_text("e-mail address × 1")
        expect(page.locator("#question")).to_be_focused()
        assert len(page.evaluate("window.said")) <= 3


def test_stop_keeps_the_part_and_marks_it(live: Live) -> None:
    hold = threading.Event()
    with live.person() as page:
        _start(page)
        live.site.model_server.script(Answer(pieces=["Kept. ", "Lost."], hold=hold, hold_after=1))
        hang_ups = live.site.model_server.hang_ups
        _ask(page)
        expect(page.locator("[data-tail]")).to_have_text("Kept.")
        page.get_by_role("button", name="Stop").click()
        expect(page.locator("[data-state=stopped]").first).to_be_visible()
        live.site.model_server.wait_for(hang_ups=hang_ups + 1)
        hold.set()
        expect(page.get_by_role("button", name="Stop")).to_be_hidden()
        _await_kept(page)
        expect(page.locator("[data-blocks]").first).to_have_text("Kept.")


def _await_kept(page: Page) -> None:
    """Load the page anew until the server has noticed the hang-up and kept the part."""
    for _ in range(50):
        page.reload()
        if page.locator("[data-blocks]").first.inner_text():
            return
        page.wait_for_timeout(100)


def test_draft_survives_reload_and_an_ended_session_and_goes_with_sending(live: Live) -> None:
    with live.person() as page:
        _start(page)
        page.locator("#question").press_sequentially("Half a question")
        page.reload()
        expect(page.locator("#question")).to_have_value("Half a question")
        cookies = page.context.cookies()
        page.context.clear_cookies(name=re.compile(".*session.*"))
        page.get_by_role("button", name="Send").click()
        expect(page.locator("#alerts")).to_contain_text("Please sign in again")
        link = page.locator("#alerts a")
        assert "return_to=%2Fchat%2F" in (link.get_attribute("href") or "")
        expect(page.locator("#question")).to_have_value("Half a question")
        page.context.add_cookies(cookies)  # type: ignore[arg-type] # signed in again
        page.reload()
        expect(page.locator("#question")).to_have_value("Half a question")
        page.get_by_role("button", name="Send").click()
        _await_answer(page)
        page.reload()
        expect(page.locator("#question")).to_have_value("")
        page.locator("#question").press_sequentially("Another half")
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url("**/")
        assert page.evaluate("Object.keys(localStorage)") == []


def test_trouble_is_told_and_the_question_stays_in_its_field(live: Live) -> None:
    with live.person() as page:
        _start(page)
        live.site.model_server.script(*[BUSY] * 4)
        _ask(page)
        expect(page.locator("#alerts")).to_contain_text("The model is busy")
        live.site.model_server._script.clear()
        expect(page.locator("#question")).to_have_value(CHAT)
        assert find_barriers(page) == []
        page.get_by_role("button", name="Send").click()
        _await_answer(page)
        assert page.locator("#turns article").count() == 1


def test_answer_is_copied_as_rich_and_plain_text(live: Live) -> None:
    live.site.model_server.script(Answer(pieces=["One **bold** word."]))
    rights = ["clipboard-read", "clipboard-write"]
    with live.person(permissions=rights) as page:
        _start(page)
        _ask(page)
        _await_answer(page)
        page.get_by_role("button", name="Copy answer").click()
        expect(page.locator("#status")).to_have_text("Copied.")
        read = "async (kind) => (await (await navigator.clipboard.read())[0].getType(kind)).text()"
        assert page.evaluate(read, "text/plain") == "One **bold** word."
        assert "<strong>bold</strong>" in page.evaluate(read, "text/html")


def test_hostile_answer_stays_words(live: Live) -> None:
    hostile = (
        "<img src=x onerror=alert(1)>\n\n![p](https://elsewhere.example/?q)\n\n[x](javascript:a)"
    )
    live.site.model_server.script(Answer(pieces=[hostile]))
    with live.person() as page:
        _start(page)
        _ask(page)
        _await_answer(page)
        blocks = page.locator("#turns [data-blocks]")
        assert blocks.locator("img, script, a[href^=javascript]").count() == 0
        expect(blocks).to_contain_text("<img src=x onerror=alert(1)>")


def test_everything_works_without_script(live: Live) -> None:
    live.site.model_server.script(Answer(pieces=["A whole answer."]))
    with live.person(java_script_enabled=False) as page:
        _start(page)
        _ask(page)
        expect(page.locator("[data-blocks]").first).to_have_text("A whole answer.")
        page.get_by_role("link", name="What did the model see?").click()
        expect(page.locator("mark").first).to_contain_text("[EMAIL_1")
        page.goto("/")
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", name="Welcome to Parvis")).to_be_visible()


def test_keyboard_alone_walks_visibly_through_a_page(live: Live) -> None:
    with live.person() as page:
        _start(page)
        stops = []
        for _ in range(40):
            page.keyboard.press("Tab")
            stop = page.evaluate(
                """() => { const one = document.activeElement, box = one.getBoundingClientRect(),
                  style = getComputedStyle(one);
                  return {name: one.textContent.trim().slice(0, 40) || one.name || one.tagName,
                    seen: box.bottom > 0 && box.top < innerHeight,
                    ring: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0}; }"""
            )
            if stop["name"].startswith("Go to the content") and stops:
                break
            if stop["name"] != "BODY" and not stop["name"].startswith("Go to the latest"):
                stops.append(stop["name"])
                assert stop["seen"], stop
                assert stop["ring"], stop
        assert stops[0] == "Go to the content"
        assert "question" in stops
        assert "Send" in stops


def test_auditor_searches_opens_and_exports_in_the_browser(live: Live) -> None:
    with live.person("auditor", accept_downloads=True) as page:
        page.goto("/audit?lang=en")
        page.get_by_label("Kind").select_option("auth")
        page.get_by_role("button", name="Show").click()
        page.get_by_role("link", name="A person signed in.").first.click()
        expect(page.get_by_role("heading", name="Proof")).to_be_visible()
        page.go_back()
        expect(page.get_by_label("Kind")).to_have_value("auth")
        page.get_by_role("button", name="Export and verify").click()
        expect(page.locator(".verdict")).to_have_text("INTACT")
        assert find_barriers(page) == []
        with page.expect_download() as download:
            page.get_by_role("link", name="Download the folder").click()
        assert download.value.suggested_filename == f"parvis-audit-{AGENCY}.zip"


LETTER = (
    "Frau Marie Kieffer, geboren am 12.03.1980, wohnhaft 12, rue de la Gare, L-4010 "
    "Esch-sur-Alzette, IBAN LU28 0019 4006 4475 0000, zahlt 50 Euro nach Artikel 3."
)


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
@pytest.mark.parametrize(("language", "width"), [("de", 320), ("fr", 1280)])
def test_administrator_tries_a_text_and_reads_why_it_is_hidden(
    live: Live, language: str, width: int, script: bool
) -> None:
    size: Any = {"width": width, "height": 800}
    with live.person("agency-admin", viewport=size, java_script_enabled=script) as page:
        page.goto(f"/admin/privacy?lang={language}")
        page.locator("#text").fill(LETTER)
        page.locator("#profile").select_option("generalise")
        page.locator("form[action='/admin/privacy'] button").click()
        expect(page.locator("[data-sent]")).to_contain_text("Esch-sur-Alzette")
        expect(page.locator("[data-sent]")).not_to_contain_text("Kieffer")
        expect(page.locator(".findings tbody tr")).to_have_count(4)
        expect(page.locator("[data-readable]")).to_contain_text("50 Euro")
        assert page.locator("#text").input_value() == LETTER
        if script:
            assert find_barriers(page) == []
            assert find_small_targets(page) == []
            assert find_overflow(page) == 0
