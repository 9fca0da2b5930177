"""The portal under each privacy profile: what people read, and one numbering for all workers."""

import json
import re
import uuid
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from parvis.conversations.vault import Vault
from parvis.db import create_database_engine
from parvis.keystore import KeyStore
from parvis.tenancy.config import Hiding
from parvis.web.audit_words import tell_detail
from parvis.web.i18n import load_words
from tests.fakes.model_server import Answer
from tests.fakes.site import Site, run_site

BARE = "valbourg-brut"
QUESTION = "Write to Marie Kieffer in the town, e-mail marie.kieffer@example.org"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with run_site(tmp_path_factory.mktemp("site")) as running:
        yield running


class Person:
    """A civil servant at a browser without script, in one conversation."""

    def __init__(self, site: Site) -> None:
        self.client: FlaskClient = site.sign_in("valbourg", sub="civil-9")
        self.client.set_cookie("parvis_language", "en")
        self.token = re.findall(r'csrf_token" value="([^"]+)', self.client.get("/").text)[0]
        form = {"csrf_token": self.token, "assistant": BARE}
        self.path = self.client.post("/chat", data=form).location

    def ask(self, question: str = QUESTION) -> str:
        """The page after the question."""
        form = {"question": question, "send_id": str(uuid.uuid4()), "csrf_token": self.token}
        answer = self.client.post(f"{self.path}/messages", data=form)
        page = answer.text if answer.status_code != 303 else self.client.get(self.path).text
        return unescape(page)

    def model_saw(self) -> str:
        links = re.findall(r'data-model-saw href="([^"]+)"', self.client.get(self.path).text)
        return unescape(self.client.get(links[-2]).text)  # the last one is the template's


def set_profile(site: Site, profile: str, need: str = "none") -> None:
    gateway = site.installation
    registry = gateway.services.tenants
    agency = registry.get_agency("valbourg")
    hiding = Hiding.model_validate({"profile": profile})
    changed = tuple(
        one.model_copy(update={"privacy": hiding, "pii_need": need}) if one.id == BARE else one
        for one in agency.assistants
    )
    agency = agency.model_copy(update={"assistants": changed})
    agencies = {**registry.agencies, "valbourg": agency}
    gateway.replace(tenants=type(registry)(registry.directory, agencies))


def last_text(site: Site) -> str:
    body: Any = json.loads(site.model_server.bodies[-1])
    return str(body["messages"][-1]["content"])


def test_masked_values_come_back_and_the_page_counts_them(site: Site) -> None:
    set_profile(site, "mask")
    page = (person := Person(site)).ask()
    assert page.count("marie.kieffer@example.org") >= 2
    assert "e-mail address × 1, name × 1" in page
    assert "data-profile" not in page
    assert "Personal data was replaced on" in person.model_saw()


def test_neutral_words_come_where_nothing_is_restored(site: Site) -> None:
    set_profile(site, "mask-only")
    page = (person := Person(site)).ask()
    assert "Write to [name 1] in the town, e-mail [e-mail address 1]" in page
    assert "Personal data does not come back here" in page
    assert "e-mail address × 1, name × 1" in page
    assert "Kieffer" not in person.model_saw().split("The model saw")[1]


def test_coarse_facts_are_shown_in_what_the_model_saw(site: Site) -> None:
    set_profile(site, "generalise")
    person = Person(site)
    asked = "Marie Kieffer was born on 12.03.1980. Which form?"
    page = person.ask(asked)
    assert page.count(asked) >= 2
    assert "the model gets coarse facts" in page
    assert "(age 45-54)" in person.model_saw()
    assert "No personal data found" not in page


def test_a_blocked_question_is_told_kept_in_its_field_and_not_sent(site: Site) -> None:
    set_profile(site, "block")
    sent = len(site.model_server.bodies)
    page = (person := Person(site)).ask()
    assert "This assistant takes no personal data" in page
    assert f">{QUESTION}</textarea>" in page
    assert len(site.model_server.bodies) == sent
    record = site.installation.records("valbourg")[-1]
    assert (record["kind"], record["reason"]) == ("chat.refused", "personal_data_refused")
    assert "When is it open?" in person.ask("When is it open?")
    assert len(site.model_server.bodies) == sent + 1


def test_what_passes_in_clear_is_never_called_hidden_or_absent(site: Site) -> None:
    set_profile(site, "pass", need="correspondence")
    page = (person := Person(site)).ask()
    assert "Personal data goes to the model in clear here" in page
    assert "No personal data found" not in page
    assert "Nothing was hidden in what was sent." in page
    saw = person.model_saw()
    assert "marie.kieffer@example.org" in saw.split("The model saw")[1]
    assert "Personal data was replaced on" not in saw


def test_an_auditor_reads_what_was_hidden_passed_or_refused() -> None:
    def tell(**privacy: Any) -> str:
        return tell_detail(load_words("en"), {"kind": "chat.finished", "privacy": privacy})

    counts = {"PERSON": 2, "IBAN": 1}
    hidden = "Hidden from the model: bank account (IBAN) × 1, name × 2"
    assert tell(action="masked", counts=counts) == hidden
    passed = tell(action="passed", counts=counts, kept={"PERSON": 2})
    assert passed == "Hidden from the model: bank account (IBAN) × 1 · Left readable: name × 2"
    assert tell(action="passed", counts={"PERSON": 1}, kept={"PERSON": 1}) == (
        "Left readable: name × 1"
    )
    assert tell(action="blocked", counts={"PERSON": 1}) == "Refused for what it holds: name × 1"
    assert tell(action="none") == ""


def test_a_turn_on_another_worker_goes_on_with_the_same_numbering(site: Site) -> None:
    set_profile(site, "mask")
    person = Person(site)
    # a question that failed is in no later history: only the vault remembers its name
    site.model_server.script(Answer(drop=True, before_head=True, pieces=[]))
    person.ask("Is Marie Kieffer known to you?")
    first = re.search(r"\[PERSON_1_\w{4}\]", last_text(site))
    assert first
    services = site.installation.services
    settings = services.settings
    engine = create_database_engine(settings.database_url)
    keystore = KeyStore(settings.keys_file, services.root_key)
    site.installation.replace(vault=Vault(engine, keystore))
    try:
        site.model_server.script(Answer(pieces=[f"Ask {first[0]}", " about it."]))
        page = person.ask("And Lena Weber, who came with Kieffer?")
    finally:
        site.installation.replace(vault=services.vault)
        keystore.close()
        engine.dispose()
    assert re.search(r"And \[PERSON_2_\w{4}\], who came with \[PERSON_1b_\w{4}\]", last_text(site))
    assert "Ask Marie Kieffer about it." in page


def test_without_its_vault_a_conversation_sends_nothing(site: Site) -> None:
    set_profile(site, "mask")
    person = Person(site)
    person.ask()
    services = site.installation.services
    sent = len(site.model_server.bodies)
    engine = create_database_engine("sqlite://")  # has no tables
    site.installation.replace(vault=Vault(engine, services.keystore))
    try:
        page = person.ask("And Lena Weber?")
    finally:
        site.installation.replace(vault=services.vault)
        engine.dispose()
    assert "Nothing was sent" in page
    assert len(site.model_server.bodies) == sent
    assert "And Lena Weber?" in person.ask("And Lena Weber?")


def test_nothing_of_the_vault_is_in_clear_in_any_file(site: Site) -> None:
    set_profile(site, "mask")
    person = Person(site)
    person.ask("Please write to Wenceslas Quintessenz.")
    folder: Path = site.installation.services.settings.data_dir
    files = [one for one in folder.rglob("*") if one.is_file()]
    assert len(files) > 3
    assert [one.name for one in files if b"Quintessenz" in one.read_bytes()] == []


def test_the_counts_of_an_erasure_are_not_told_as_hidden_from_a_model() -> None:
    privacy = {"counts": {"KEYS": 1, "SEALED": 2}}
    assert tell_detail(load_words("en"), {"kind": "erasure.done", "privacy": privacy}) == ""
