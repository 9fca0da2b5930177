"""The administrator's pages over HTTP: who comes in, what is shown, and that nothing is kept."""

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from parvis.errors import AuditUnavailable, PrivacyUnavailable
from parvis.privacy import explain
from parvis.web.privacy_words import PROFILES, WHYS
from tests.fakes.site import Site, run_site

TEXT = (
    "Mme Marie Dupont, née le 12.03.1980, 12, rue de la Gare, L-4010 Esch-sur-Alzette, "
    "IBAN LU28 0019 4006 4475 0000, paie 50 euros selon l'article 3."
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with run_site(tmp_path_factory.mktemp("site")) as running:
        yield running


class Administrator:
    """An administrator at a browser without script."""

    def __init__(self, site: Site) -> None:
        self.client: FlaskClient = site.sign_in("valbourg", "agency-admin", sub="admin-1")
        page = self.client.get("/admin/privacy", headers={"Accept-Language": "en"})
        assert page.status_code == 200, page.text
        self.token = re.findall(r'csrf_token" value="([^"]+)', page.text)[0]

    def try_text(self, text: str = TEXT, page: str = "en", **fields: Any) -> TestResponse:
        form = {"csrf_token": self.token, "assistant": "valbourg-brut", "text": text} | fields
        return self.client.post("/admin/privacy", data=form, headers={"Accept-Language": page})


@pytest.fixture
def admin(site: Site) -> Administrator:
    return Administrator(site)


def shown(page: TestResponse, name: str) -> str:
    assert page.status_code == 200, page.text
    found = re.search(rf"<pre[^>]* data-{name}>(.*?)</pre>", page.text, re.DOTALL)
    return re.sub("<[^>]+>", "", found[1]) if found else ""


def records(site: Site) -> Sequence[Mapping[str, Any]]:
    return site.installation.records("valbourg")


def test_an_administrator_lands_on_the_administration(site: Site, admin: Administrator) -> None:
    assert admin.client.get("/").location == "/admin"
    page = admin.client.get("/admin", headers={"Accept-Language": "en"})
    assert page.status_code == 200
    assert "valbourg-guichet" in page.text
    assert "Mask and restore" in page.text
    assert "/admin/privacy?assistant=valbourg-brut" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("role", ["civil-servant", "auditor", "overseer"])
def test_nobody_else_opens_the_administration(site: Site, role: str) -> None:
    client = site.sign_in("valbourg", role, sub=f"{role}-1")
    for path in ("/admin", "/admin/privacy"):
        assert client.get(path).status_code == 403


def test_an_administrator_sees_what_a_model_would_get_and_why(admin: Administrator) -> None:
    page = admin.try_text()
    sent = shown(page, "sent")
    assert re.search(r"\[PERSON_1_\w{4}\]", sent)
    assert not [one for one in ("Dupont", "12.03.1980", "LU28") if one in sent]
    assert "50 euros selon l&#39;article 3" in sent
    assert "The text exactly as it was typed." in page.text
    for told in ("<code>PERSON</code>", "it is said to be a date of birth", "bank account (IBAN)"):
        assert told in page.text
    assert "its form and check digits are right" in page.text
    readable = re.search(r"<ul data-readable>(.*?)</ul>", page.text, re.DOTALL)
    assert readable and "50 euros" in readable[1]
    assert "x-pii-action: masked; ADDRESS=1 DATE_OF_BIRTH=1 IBAN=1 PERSON=1" in page.text


def test_an_administrator_tries_every_profile(admin: Administrator) -> None:
    assert "(age 45-54)" in shown(admin.try_text(profile="generalise"), "sent")
    only = admin.try_text(profile="mask-only", language="fr")
    assert "[nom 1]" in shown(only, "back")
    blocked = admin.try_text(profile="block")
    assert "This text would be refused" in blocked.text
    assert "x-pii-action: blocked; ADDRESS=1" in blocked.text
    assert shown(blocked, "sent") == ""
    passed = admin.try_text(profile="pass")
    assert shown(passed, "sent") == ""
    assert "rule P-15 refuses it" in passed.text
    assert "stays readable" in passed.text


def test_a_harmless_text_is_said_to_be_harmless(admin: Administrator) -> None:
    page = admin.try_text("When is the office open?", profile="block")
    assert shown(page, "sent") == "When is the office open?"
    assert "No personal data was found." in page.text
    assert "x-pii-action: none" in page.text


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("fr", "Ce qui a été trouvé, et pourquoi"),
        ("de", "Was gefunden wurde und warum"),
        ("lb", "Wat fonnt gouf, a firwat"),
    ],
)
def test_the_try_out_speaks_the_administrator_s_language(
    admin: Administrator, language: str, words: str
) -> None:
    page = admin.try_text(page=language)
    assert words in page.text
    assert "it is said to be a date of birth" not in page.text


def test_what_was_tried_is_on_record_without_its_content(
    site: Site, admin: Administrator, caplog: pytest.LogCaptureFixture
) -> None:
    before = len(records(site))
    with caplog.at_level(logging.DEBUG):
        assert admin.try_text().status_code == 200
    (record,) = records(site)[before:]
    assert record["kind"] == "admin.viewed"
    assert record["target"] == {"view": "privacy-tryout", "assistant": "valbourg-brut"}
    assert "privacy" not in record
    assert set(record["seal"]) <= {"user"}
    assert "Dupont" not in str(record)
    assert "Dupont" not in caplog.text
    data = site.installation.services.settings.data_dir
    holding = [one for one in data.rglob("*") if one.is_file() and b"Marie Dup" in one.read_bytes()]
    assert holding == []
    assert site.model_server.bodies == []


def test_without_the_log_nothing_is_shown(site: Site, admin: Administrator) -> None:
    class BrokenAudit:
        def append(self, *_args: Any, **_kwargs: Any) -> Any:
            raise AuditUnavailable

    working = site.installation.services.audit
    site.installation.replace(audit=BrokenAudit())
    try:
        refused = admin.try_text()
    finally:
        site.installation.replace(audit=working)
    assert refused.status_code == 503
    assert "data-sent" not in refused.text
    assert "Marie Dupont" in refused.text  # in its field, to be sent again
    assert admin.try_text().status_code == 200


def test_without_masking_nothing_is_shown(site: Site, admin: Administrator) -> None:
    class BrokenPrivacy:
        def analyze(self, *_args: Any, **_kwargs: Any) -> Any:
            raise PrivacyUnavailable

    working = site.installation.services.privacy
    site.installation.replace(privacy=BrokenPrivacy())
    try:
        refused = admin.try_text()
    finally:
        site.installation.replace(privacy=working)
    assert refused.status_code == 503
    assert "data-sent" not in refused.text


def test_a_form_of_another_session_is_refused(admin: Administrator) -> None:
    assert admin.try_text(csrf_token="another").status_code == 403
    assert admin.try_text().status_code == 200


@pytest.mark.parametrize(
    "fields",
    [
        {"text": "  "},
        {"text": "a\x00b"},
        {"text": "a" * 20_001},
        {"profile": "everything"},
        {"assistant": "emploi-guide"},
        {"language": "xx"},
    ],
    ids=["no text", "control characters", "too long", "profile", "other agency", "language"],
)
def test_a_wrong_form_gets_a_sentence_and_keeps_its_text(
    admin: Administrator, fields: dict[str, str]
) -> None:
    form = {"csrf_token": admin.token, "assistant": "valbourg-brut", "text": "Kept text"} | fields
    page = admin.client.post("/admin/privacy", data=form, headers={"Accept-Language": "en"})
    assert page.status_code in {400, 413}
    assert 'id="fault"' in page.text
    assert "data-sent" not in page.text


def test_markup_in_a_text_is_only_text(admin: Administrator) -> None:
    page = admin.try_text("<script>alert(1)</script> Mme Marie Dupont")
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text


def test_every_reason_that_can_be_given_is_translated() -> None:
    source = Path(explain.__code__.co_filename).read_text(encoding="utf-8")
    table = source[source.index("_REASONS = {") : source.index("_BY_FORM =")]
    said = set(re.findall(r'": "([^"]+)"', table))
    said |= set(re.findall(r'(?:return|else|_BY_FORM =) "([a-z][^"]+)"', source))
    assert len(said) > 30
    assert said <= set(WHYS)


def test_every_profile_has_its_name() -> None:
    assert set(PROFILES) == {"mask", "mask-only", "generalise", "block", "pass"}
