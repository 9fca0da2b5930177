"""A civil servant at the running demo: real Keycloak, real masking, real model, real browser."""

import json
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, expect

from tests.fakes.signing_in import sign_in
from tests.fakes.watching import find_barriers, watched_page

QUESTION = (
    "Combien coûte une carte d'identité pour un adulte ? "
    "Répondez à Marie Kieffer, marie.kieffer@example.org."
)


def test_civil_servant_asks_reads_the_source_and_what_the_model_saw(
    demo: dict[str, Any], browser: Browser
) -> None:
    context = browser.new_context(locale="fr-FR")
    page = context.new_page()
    sign_in(page, demo, "valbourg", "civil-servant")
    page.close()
    with watched_page(context, urlsplit(demo["gateway"]).hostname or "") as page:
        page.goto(f"{demo['gateway']}/")
        expect(page.locator("html")).to_have_attribute("lang", "fr")
        page.get_by_role("button", name="Commencer").first.click()
        expect(page.locator("#composer")).to_have_attribute("data-live", "yes")
        page.locator("#question").fill(QUESTION)
        page.get_by_role("button", name="Envoyer").click()
        expect(page.locator("#status")).to_have_text("Réponse complète.", timeout=120_000)
        expect(page.locator("[data-source-list] li").first).to_be_visible()
        expect(page.locator("[data-masked]").first).to_contain_text("adresse e-mail × 1")
        assert find_barriers(page) == []
        page.reload()
        expect(page.locator("[data-question]").first).to_have_text(QUESTION)
        page.get_by_role("link", name="Qu’a vu le modèle ?").click()
        sent = page.locator("[data-exact]").text_content() or ""
        assert json.loads(sent)
        assert "marie.kieffer@example.org" not in sent
        assert "[EMAIL_1" in sent
    context.close()


def test_sign_out_ends_the_session_here_and_at_keycloak(
    demo: dict[str, Any], browser: Browser
) -> None:
    context = browser.new_context(locale="en-GB")
    page = context.new_page()
    sign_in(page, demo, "valbourg", "civil-servant")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Welcome to Parvis")).to_be_visible()
    page.goto(f"{demo['gateway']}/login?agency=valbourg&return_to=/")
    expect(page.locator("#username")).to_be_visible()  # Keycloak asks again
    context.close()


def test_auditor_has_no_chat_at_the_portal(demo: dict[str, Any], browser: Browser) -> None:
    context = browser.new_context()
    page = context.new_page()
    sign_in(page, demo, "valbourg", "auditor", "/audit")
    answer = page.request.get(f"{demo['gateway']}/chat/00000000-0000-0000-0000-000000000000")
    assert answer.status == 403
    context.close()
