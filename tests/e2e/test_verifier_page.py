"""The auditor's page of the second verifier, opened from disk in a real browser, no server."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from deploy.bench.audit_folders import MadeLog
from parvis.audit import verify
from tests.audit.houses import House, export, fill, fill_fast, start_chat
from tests.fakes.watching import find_barriers, find_overflow, find_small_targets

SECOND = Path(verify.__file__).parent / "second"
HEADINGS = {
    "en": ("Check an audit export", "Findings", "the file is not the one that was exported"),
    "fr": ("Vérifier un export d’audit", "Constats", "le fichier n’est pas celui qui a été"),
    "de": ("Audit-Export prüfen", "Befunde", "die Datei ist nicht die exportierte"),
    "lb": ("Audit-Export iwwerpréiwen", "Befonner", "de Fichier ass net deen"),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The page's files as an auditor keeps them, and an export with an open question."""
    folder = tmp_path_factory.mktemp("auditor")
    shutil.copytree(SECOND, folder / "verifier")
    house = House(folder / "house")
    log = house.open()
    fill(log, 2)
    fill_fast(log, 260)
    start_chat(log)
    export(log, folder / "export")
    yield folder
    house.shut()


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made / "export", tmp_path / "export")
    return tmp_path / "export"


@contextmanager
def opened(
    browser: Browser, made: Path, locale: str = "en-GB", **settings: object
) -> Iterator[Page]:
    """The page from disk, in a browser without network; it MUST end without a complaint."""
    context = browser.new_context(locale=locale, offline=True, **settings)  # type: ignore[arg-type]
    page, complaints, asked = context.new_page(), [], []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto((made / "verifier" / "verify.html").as_uri())
    yield page
    context.close()
    assert complaints == []
    assert {url.rpartition("/")[0] for url in asked} == {(made / "verifier").as_uri()}


def drop(page: Page, folder: Path) -> None:
    """What a hand does that drags a folder from the desktop onto the page."""
    devtools = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(folder)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        devtools.send("Input.dispatchDragEvent", {"type": kind, "x": 200, "y": 200, "data": data})


def choose(page: Page, folder: Path) -> None:
    page.locator("#folder").set_input_files(folder)


@pytest.mark.parametrize("hand", [choose, drop], ids=["chosen", "dropped"])
def test_an_auditor_gives_a_folder_and_sees_the_verdict_offline(
    browser: Browser, made: Path, copy: Path, hand: object
) -> None:
    assert callable(hand)
    first = verify.verify_folder(str(copy))
    with opened(browser, made) as page:
        hand(page, copy)
        expect(page.locator(".verdict")).to_have_text("INTACT (unanchored)")
        for told in (first["log"], first["root"], first["key"]["fingerprint"], "chat.started"):
            expect(page.locator("#report")).to_contain_text(told)
        expect(page.locator("#report")).to_contain_text("not confirmed")
        assert find_barriers(page) == []
        raw = (copy / "tile/entries/000").read_bytes()
        (copy / "tile/entries/000").write_bytes(raw.replace(b"chat.finished", b"chat.finishes", 1))
        hand(page, copy)
        expect(page.locator(".verdict")).to_have_text("TAMPERED")
        expect(page.locator("li").first).to_contain_text("tile/entries/000")
        (copy / "tile/entries/000").unlink()
        hand(page, copy)
        expect(page.locator(".verdict")).to_have_text("INCOMPLETE")
        hand(page, made / "verifier")
        expect(page.locator(".verdict")).to_have_text("UNVERIFIABLE")


@pytest.mark.parametrize("language", sorted(HEADINGS))
def test_the_page_speaks_the_browsers_language_and_any_other_on_demand(
    browser: Browser, made: Path, copy: Path, language: str
) -> None:
    title, findings, reason = HEADINGS[language]
    altered = {"en": "", "fr": " (altéré)", "de": " (verfälscht)", "lb": " (verfälscht)"}[language]
    (copy / "README").write_text("changed")
    with opened(browser, made, f"{language}-LU") as page:
        expect(page.locator("h1")).to_have_text(title)
        assert page.locator("html").get_attribute("lang") == language
        choose(page, copy)
        expect(page.locator("h2").first).to_have_text(findings)
        expect(page.locator("#report")).to_contain_text(f"TAMPERED{altered}: README: {reason}")
        assert find_barriers(page) == []
        for other, words in HEADINGS.items():
            page.locator("#language").select_option(other)
            expect(page.locator("h1")).to_have_text(words[0])
            expect(page.locator("#report")).to_contain_text(words[2])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_telephone_and_both_colour_schemes(
    browser: Browser, made: Path, copy: Path, scheme: str
) -> None:
    size = {"width": 320, "height": 640}
    with opened(browser, made, viewport=size, color_scheme=scheme) as page:
        assert find_barriers(page) == []
        for name in ("README", "checkpoint"):
            choose(page, copy)
            expect(page.locator(".verdict")).to_be_visible()
            assert find_barriers(page) == [] and find_overflow(page) == 0
            assert find_small_targets(page) == []
            (copy / name).unlink()


def test_a_key_from_paper_confirms_the_log_and_another_refuses_it(
    browser: Browser, made: Path, copy: Path
) -> None:
    vkey = verify.verify_folder(str(copy))["key"]["vkey"]
    with opened(browser, made) as page:
        page.locator("#key").fill(vkey[:-4])
        choose(page, copy)
        expect(page.get_by_role("alert")).to_have_text("This is not a verifier key.")
        page.locator("#key").fill(vkey)
        choose(page, copy)
        expect(page.locator(".verdict")).to_have_text("INTACT (unanchored)")
        expect(page.locator("#report")).to_contain_text("it is the key that you trust")
        expect(page.get_by_role("alert")).to_have_text("")


def test_an_auditor_brings_a_policy_and_what_he_kept_and_keeps_it_again(
    browser: Browser, made: Path, copy: Path, tmp_path: Path
) -> None:
    report = verify.verify_folder(str(copy))
    policy, state = tmp_path / "policy", tmp_path / "seen.json"
    policy.write_text(f"log {report['key']['vkey']}\nquorum none\n")
    with opened(browser, made) as page:
        page.locator("summary").click()
        assert find_barriers(page) == []
        page.locator("#policy").set_input_files(policy)
        choose(page, copy)
        expect(page.locator(".verdict")).to_have_text("INTACT (unanchored)")
        expect(page.locator("#report")).to_contain_text("it is the key that you trust")
        with page.expect_download() as kept:
            page.locator("#report a").click()
        kept.value.save_as(state)
        seen = verify.load_state(str(state))
        assert seen[report["log"]]["size"] == report["size"]
        seen[report["log"]]["size"] += 1
        state.write_text(json.dumps(seen))
        page.locator("#state").set_input_files(state)
        choose(page, copy)
        expect(page.locator(".verdict")).to_have_text("TAMPERED")
        policy.write_text("nonsense")
        page.locator("#policy").set_input_files(policy)
        choose(page, copy)
        expect(page.get_by_role("alert")).to_have_text("This is not a policy file.")


def test_a_proof_or_evidence_is_judged_on_the_page(
    browser: Browser, made: Path, tmp_path: Path
) -> None:
    log = MadeLog("proven")
    log.be_born()
    proof, policy = tmp_path / "one.tlog-proof", tmp_path / "policy"
    proof.write_text(log.prove(0))
    policy.write_text(f"log {log.vkey}\nquorum none\n")
    with opened(browser, made) as page:
        page.locator("#file").set_input_files(proof)
        expect(page.locator(".verdict")).to_have_text("UNVERIFIABLE")
        page.locator("summary").click()
        page.locator("#policy").set_input_files(policy)
        drop(page, proof)
        expect(page.locator(".verdict")).to_have_text("INTACT (unanchored)")
        expect(page.locator("#report")).to_contain_text("log.created")
        proof.write_text("{}")
        drop(page, proof)
        expect(page.locator("#report")).to_contain_text("not evidence of two histories")


def test_names_in_a_hostile_folder_are_shown_as_text(
    browser: Browser, made: Path, copy: Path
) -> None:
    (copy / "<img src=x onerror=alert(1)>").write_text("x")
    with opened(browser, made) as page:
        choose(page, copy)
        expect(page.locator("li").first).to_contain_text("<img src=x onerror=alert(1)>")
        assert page.locator("img").count() == 0


READ_NEVER = """() => {
  window.read = Blob.prototype.arrayBuffer;
  Blob.prototype.arrayBuffer = () => new Promise(() => {});
}"""
READ_AGAIN = "() => { Blob.prototype.arrayBuffer = window.read; }"


def test_an_auditor_stops_a_long_check_by_the_keyboard_and_begins_another(
    browser: Browser, made: Path, copy: Path
) -> None:
    with opened(browser, made) as page:
        page.evaluate(READ_NEVER)
        choose(page, copy)
        expect(page.get_by_role("status")).to_have_text("Reading the list of files …")
        expect(page.get_by_role("progressbar")).to_be_visible()
        assert find_barriers(page) == []
        page.get_by_role("button", name="Stop").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_have_text("Stopped: nothing was decided.")
        expect(page.get_by_role("progressbar")).to_be_hidden()
        expect(page.locator("#folder")).to_be_focused()
        page.evaluate(READ_AGAIN)
        choose(page, copy)
        expect(page.get_by_role("status")).to_have_text(
            "INTACT (unanchored): Nothing was altered since it was signed."
        )
        expect(page.locator(".verdict")).to_be_visible()


def test_what_is_printed_is_the_report_in_the_readers_language_and_no_field(
    browser: Browser, made: Path, copy: Path
) -> None:
    with opened(browser, made, "fr-LU", color_scheme="dark") as page:
        choose(page, copy)
        expect(page.locator(".verdict")).to_have_text("INTACT (inaltéré, sans ancrage)")
        expect(page.get_by_role("button", name="Imprimer ce rapport")).to_be_visible()
        page.emulate_media(media="print")
        for name in ("h1", ".verdict", "dl"):
            expect(page.locator(name).first).to_be_visible()
        for name in ("#folder", "#key", "button", "#language", "#report a"):
            expect(page.locator(name).first).to_be_hidden()
        white = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        assert white == "rgb(255, 255, 255)"
