"""The civil servant's pages over HTTP: real sessions, masking and records, a scripted model."""

import json
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from parvis.audit.log import AuditLog
from parvis.errors import AuditUnavailable
from parvis.web import headers
from tests.fakes.model_server import BUSY, TOO_LONG, Answer
from tests.fakes.site import Site, run_site

EVENTS = {"Accept": "text/event-stream"}
QUESTION = "How does my client register as a jobseeker? Write to marie.kieffer@example.org"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with run_site(tmp_path_factory.mktemp("site")) as running:
        yield running


class Person:
    """A civil servant at a browser without script."""

    def __init__(self, site: Site, subject: str = "civil-1", agency: str = "valbourg") -> None:
        self.client: FlaskClient = site.sign_in(agency, sub=subject)
        self.token = re.findall(r'csrf_token" value="([^"]+)', self.client.get("/").text)[0]

    def start(self, assistant: str = "valbourg-brut") -> str:
        """The path of a new conversation."""
        form = {"csrf_token": self.token, "assistant": assistant}
        answer = self.client.post("/chat", data=form)
        assert answer.status_code == 303, answer.text
        return answer.location

    def ask(self, path: str, question: str = QUESTION, **changes: Any) -> TestResponse:
        form = {"question": question, "send_id": str(uuid.uuid4()), "csrf_token": self.token}
        sent = changes.pop("headers", {})
        return self.client.post(f"{path}/messages", data=form | changes, headers=sent)

    def stream(self, path: str, question: str = QUESTION, **changes: Any) -> TestResponse:
        return self.ask(path, question, headers=EVENTS, **changes)


@pytest.fixture
def person(site: Site) -> Person:
    return Person(site)


def _events(response: TestResponse) -> list[tuple[str, dict[str, Any]]]:
    found = re.findall(r"^event: (\w+)\ndata: (.*)$", response.text, re.MULTILINE)
    return [(name, json.loads(data)) for name, data in found]


def test_visitor_chooses_an_agency_in_the_visitors_language(site: Site) -> None:
    page = site.installation.client.get("/", headers={"Accept-Language": "lb"})
    assert page.status_code == 200
    assert '<html lang="lb">' in page.text
    assert "Wielt Är Verwaltung" in page.text
    assert "/login?agency=valbourg&amp;return_to=%2F" in page.text.replace(
        "return_to=/", "return_to=%2F"
    )


def test_visitor_finds_an_unlisted_agency_by_name_and_a_wrong_name_gets_advice(site: Site) -> None:
    client = site.installation.client
    assert client.get("/agency?name=Habitat").location.startswith("/login?agency=habitat")
    wrong = client.get("/agency?name=%3Cscript%3E", headers={"Accept-Language": "en"})
    assert wrong.status_code == 404
    assert "There is no agency of this name" in wrong.text
    assert "<script>" not in wrong.text


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example"])
def test_visitor_is_never_sent_to_another_site_after_sign_in(site: Site, target: str) -> None:
    asked = {"return_to": target, "lang": "en"}
    page = site.installation.client.get("/", query_string=asked)
    assert "Choose your agency" in page.text
    assert not re.search(r"/login\?[^\"]*evil", page.text)


def test_chosen_language_is_kept(site: Site) -> None:
    client = site.installation.client
    client.get("/?lang=de")
    assert '<html lang="de">' in client.get("/accessibility").text


def test_pages_and_streams_carry_their_policy(person: Person) -> None:
    page = person.client.get("/")
    assert page.headers["Content-Security-Policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types dompurify"
    )
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["Cache-Control"] == "no-store"
    stream = person.stream(person.start())
    assert stream.headers["Content-Security-Policy"] == headers.DATA_POLICY
    assert stream.headers["Cache-Control"] == "no-store"
    assert stream.headers["X-Accel-Buffering"] == "no"
    assert stream.headers["X-Audit-Receipt"].startswith("v1.")
    assert "X-Audit-Receipt" not in page.headers


def test_asset_with_its_digest_is_kept_and_without_it_is_asked_for_again(site: Site) -> None:
    client = site.installation.client
    plain = "/assets/parvis.css"
    sheet = re.findall(r'href="(/assets/parvis.css\?v=\w+)"', client.get("/").text)[0]
    for address, kept in ((sheet, "public, max-age=31536000, immutable"), (plain, "no-cache")):
        with client.get(address) as file:
            assert file.headers["Cache-Control"] == kept
    assert client.get("/assets/../pages.py").status_code == 404


def test_civil_servant_gets_the_answer_as_events_and_finds_it_again(
    site: Site, person: Person
) -> None:
    site.model_server.script(Answer(pieces=["First **bold**.\n\n", "Second <b>line</b>"]))
    path = person.start()
    events = _events(person.stream(path))
    assert [data["n"] for _, data in events] == list(range(1, len(events) + 1))
    assert [name for name, _ in events[:3]] == ["status", "mask", "source"]
    assert events[1][1]["text"] == "e-mail address × 1"
    html = "".join(data["html"] for name, data in events if name == "block")
    assert html == "<p>First <strong>bold</strong>.</p>\n<p>Second &lt;b&gt;line&lt;/b&gt;</p>\n"
    assert events[-1][0] == "done"
    page = person.client.get(path).text
    assert "First <strong>bold</strong>." in page
    assert events[-1][1]["receipt"] in page
    assert "marie.kieffer@example.org" in page
    assert path in person.client.get("/").text


def test_civil_servant_without_script_gets_the_page_with_the_answer(
    site: Site, person: Person
) -> None:
    site.model_server.script(Answer(pieces=["The whole answer."]))
    path = person.start()
    sent = person.ask(path)
    assert sent.status_code == 303
    page = person.client.get(sent.location.partition("#")[0])
    assert "The whole answer." in page.text
    assert f'id="{sent.location.partition("#")[2]}"' in page.text


def test_page_shows_exactly_what_the_model_got(site: Site, person: Person) -> None:
    path = person.start()
    site.model_server.script(Answer(pieces=["Yes."]))
    turn = _events(person.stream(path))[0][1]["turn"]
    page = person.client.get(f"{path}/turns/{turn}/model-saw").text
    shown = re.findall(r"data-exact>(.*?)</pre>", page, re.DOTALL)[0]
    exact = shown.replace("&#34;", '"').replace("&#39;", "'").replace("&lt;", "<")
    exact = exact.replace("&gt;", ">").replace("&amp;", "&")
    assert json.loads(exact) == site.model_server.requests[-1]["messages"]
    assert exact.encode() in site.model_server.bodies[-1]
    assert "marie.kieffer@example.org" not in exact
    assert "marie.kieffer@example.org" in page
    assert "<mark>[EMAIL_1" in page


def test_follow_up_brings_the_conversation_along(site: Site, person: Person) -> None:
    path = person.start()
    site.model_server.script(Answer(pieces=["Answer one."]), Answer(pieces=["Answer two."]))
    assert "Answer one." in person.stream(path, QUESTION).text
    assert "Answer two." in person.stream(path, "And then?").text
    roles = [one["role"] for one in site.model_server.requests[-1]["messages"]]
    assert roles[-3:] == ["user", "assistant", "user"]


def test_double_send_is_one_turn(site: Site, person: Person) -> None:
    path, send_id = person.start(), str(uuid.uuid4())
    before = len(site.model_server.requests)
    first, second = (person.ask(path, send_id=send_id) for _ in range(2))
    assert (first.status_code, second.status_code) == (303, 303)
    assert person.stream(path, send_id=send_id).status_code == 409
    assert len(site.model_server.requests) == before + 1
    assert person.client.get(path).text.count('<article class="turn" id="turn-') == 2  # + template


@pytest.mark.parametrize("token", ["", "x" * 43])
def test_form_of_another_page_is_refused_and_the_own_one_taken(person: Person, token: str) -> None:
    path = person.start()
    refused = person.ask(path, csrf_token=token)
    assert refused.status_code == 403
    assert "marie.kieffer@example.org" in refused.text  # one's own text is given back
    assert person.ask(path).status_code == 303


@pytest.mark.parametrize(
    ("question", "code"),
    [
        ("   ", "empty_question"),
        ("a\x00b", "control_characters"),
        ("x" * 200_001, "request_too_large"),
    ],
)
def test_question_that_cannot_be_sent_is_told_and_kept(
    person: Person, question: str, code: str
) -> None:
    path = person.start()
    page = person.ask(path, question)
    assert page.status_code in {400, 413}
    assert 'id="fault"' in page.text
    assert question.strip()[:50] in page.text.replace("\ufffd", "\x00")
    assert person.stream(path, question).get_json()["code"] == code


def test_another_persons_conversation_looks_like_none(site: Site, person: Person) -> None:
    path = person.start()
    assert person.client.get(path).status_code == 200
    stranger = Person(site, "civil-2")
    missing = stranger.client.get(f"/chat/{uuid.uuid4()}")
    for answer in (stranger.client.get(path), stranger.ask(path)):
        assert answer.status_code == missing.status_code == 404
    elsewhere = Person(site, "civil-1", agency="habitat")
    assert elsewhere.client.get(path).status_code == 404


def test_assistant_of_another_agency_or_channel_cannot_be_started(person: Person) -> None:
    form = {"csrf_token": person.token, "assistant": "habitat-lettres"}
    assert person.client.post("/chat", data=form).status_code == 404
    assert (
        person.client.post("/chat", data=form | {"assistant": "valbourg-agents"}).status_code == 303
    )


def test_auditor_cannot_chat_and_civil_servant_can(site: Site, person: Person) -> None:
    auditor = site.sign_in("valbourg", "auditor")
    assert person.client.get(person.start()).status_code == 200
    assert auditor.get(person.start()).status_code == 403


def test_session_that_ended_keeps_the_text_and_leads_back(site: Site, person: Person) -> None:
    path = person.start()
    person.client.delete_cookie("parvis-session")
    page = person.ask(path)
    assert page.status_code == 401
    assert "marie.kieffer@example.org" in page.text
    assert f"return_to={path.replace('/', '%2F')}" in page.text
    told = person.stream(path)
    assert (told.status_code, told.get_json()["code"]) == (401, "session_expired")
    person.client.delete_cookie("parvis_agency")
    page = person.client.get(path, follow_redirects=True)
    assert "Please sign in" in page.text
    assert f"return_to={path.replace('/', '%2F')}" in page.text


@pytest.mark.parametrize(
    ("answers", "status", "title"),
    [
        ([BUSY] * 4, 503, "The model is busy"),
        ([TOO_LONG], 400, "The conversation is too long"),
        (
            [Answer(status=500, error={"message": "secret stack"})] * 4,
            502,
            "The model did not answer",
        ),
    ],
)
def test_trouble_with_the_model_is_a_sentence_and_the_text_is_kept(
    site: Site, person: Person, answers: list[Answer], status: int, title: str
) -> None:
    path = person.start()
    site.model_server.script(*answers)
    page = person.ask(path)
    site.model_server._script.clear()
    assert page.status_code == status
    assert title in page.text
    assert "secret stack" not in page.text
    assert re.search(r"<textarea[^>]*>[^<]*marie.kieffer@example.org", page.text)


def test_model_that_breaks_off_leaves_the_part_marked(site: Site, person: Person) -> None:
    path = person.start()
    site.model_server.script(Answer(pieces=["A part of ", "the answer"], drop=True, done=False))
    events = _events(person.stream(path, QUESTION))
    assert events[-1][0] == "error"
    assert events[-1][1]["title"]
    page = person.client.get(path).text
    assert "A part of the answer" in page
    assert '<p class="answer-state" data-state="failed">' in page


def test_person_who_hangs_up_keeps_the_part_as_stopped(site: Site, person: Person) -> None:
    import threading  # noqa: PLC0415

    path, hold = person.start(), threading.Event()
    site.model_server.script(
        Answer(pieces=["Kept words. ", "Never seen."], hold=hold, hold_after=1)
    )
    answer = person.client.post(
        f"{path}/messages",
        data={"question": QUESTION, "send_id": str(uuid.uuid4()), "csrf_token": person.token},
        headers=EVENTS,
        buffered=False,
    )
    pieces = iter(answer.response)
    while "Kept words" not in next(pieces).decode():
        pass
    answer.close()
    hold.set()
    page = person.client.get(path).text
    assert "Kept words." in page
    assert '<p class="answer-state" data-state="stopped">' in page
    assert "Never seen." not in page


def test_no_page_is_answered_when_the_log_cannot_be_written(
    site: Site, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, asked = person.start(), len(site.model_server.requests)

    def fail(*_arguments: object, **_named: object) -> None:
        raise AuditUnavailable

    monkeypatch.setattr(AuditLog, "submit", fail)
    page = person.ask(path)
    assert page.status_code == 503
    assert "The audit log cannot be written just now" in page.text
    assert len(site.model_server.requests) == asked


def test_conversation_is_deleted_after_one_question(person: Person) -> None:
    path = person.start()
    person.ask(path).close()
    assert "Delete this conversation?" in person.client.get(f"{path}/delete").text
    gone = person.client.post(f"{path}/delete", data={"csrf_token": person.token})
    assert gone.status_code == 303
    assert person.client.get(path).status_code == 404
    assert path not in person.client.get("/").text


def test_keycloak_that_is_down_is_a_sentence(site: Site) -> None:
    client = site.installation.client
    login = client.get("/login?agency=emploi-mosel&return_to=/")
    back = site.callback_path(login.location, "emploi-mosel", "civil-servant")
    site.issuer.down = True
    try:
        page = client.get(back)
    finally:
        site.issuer.down = False
    assert page.status_code == 503
    assert "Signing in is not possible just now" in page.text


def test_sign_in_that_was_cancelled_is_a_sentence_and_a_way_on(site: Site) -> None:
    client = site.installation.client
    login = client.get("/login?agency=emploi-mosel&return_to=/")
    state = re.findall(r"[?&]state=([^&]+)", login.location)[0]
    page = client.get(f"/login/callback?error=access_denied&state={state}")
    assert page.status_code == 401
    assert "You did not sign in" in page.text
    assert 'href="/"' in page.text


def test_unknown_address_is_a_page_in_four_languages(person: Person) -> None:
    titles = {
        re.findall(r"<h1>(.*?)</h1>", person.client.get(f"/nowhere?lang={one}").text)[0]
        for one in ("fr", "de", "lb", "en")
    }
    assert len(titles) == 4


def test_files_outside_the_assets_stay_closed(site: Site, tmp_path: Path) -> None:
    assert site.installation.client.get("/assets/vendor/vendored.json").status_code == 404


def test_a_form_that_is_too_large_gets_a_page_that_says_so(person: Person) -> None:
    path = person.start()
    limit = person.client.application.config["MAX_CONTENT_LENGTH"]
    refused = person.ask(path, "x" * limit)
    assert refused.status_code == 413
    assert "The text is too long" in refused.text
    assert person.ask(path).status_code == 303


@pytest.mark.parametrize("path", ["/%5Cevil.example", "/%09/evil.example", "/chat/%5C%5Cevil"])
def test_links_of_a_page_at_a_crafted_address_stay_on_this_site(site: Site, path: str) -> None:
    page = site.installation.client.get(path, headers={"Accept-Language": "en"})
    assert page.status_code in {401, 404}
    links = re.findall(r'(?:href|action)="([^"]*)"', page.text)
    assert [link for link in links if "evil" in link]
    assert not [link for link in links if re.match(r"/[\\\s/]", link)]
