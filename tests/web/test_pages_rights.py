"""Erasures and holds over HTTP: two administrators, every act on record, nothing in an address."""

import logging
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event
from werkzeug.test import TestResponse

from parvis.audit.events import Actor, KeyRef
from parvis.compliance.grounds import ERASURE_GROUNDS, HOLD_REASONS
from parvis.domain import Principal, Role
from parvis.errors import AuditUnavailable
from parvis.subjects.erase import confirm_erasure, request_erasure
from parvis.subjects.find import Wanted
from parvis.subjects.operators import read_operator
from parvis.subjects.retention import apply_limits
from parvis.subjects.stores import Stores
from parvis.web.rights_words import GROUNDS, REASONS
from tests.fakes.site import Site, run_site
from tests.subjects.offices import MARKER, Office

NEXT_YEAR = f"{datetime.now(UTC) + timedelta(days=365):%Y-%m-%d}"
SUBJECT = "anna-8f2c-4711"
ANNA = Principal("valbourg", SUBJECT, "portal", "person", frozenset({Role.CIVIL_SERVANT}))
HELD = {"hold-kind": "person", "hold-ref": SUBJECT, "hold-reason": "litigation"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with run_site(tmp_path_factory.mktemp("site")) as running:
        yield running


class Administrator:
    """An administrator of an agency at a browser without script."""

    def __init__(self, site: Site, sub: str, agency: str = "valbourg") -> None:
        self.client: FlaskClient = site.sign_in(agency, "agency-admin", sub=sub)
        self.token = re.findall(r'csrf_token" value="([^"]+)', self.open().text)[0]

    def open(self, path: str = "", language: str = "en") -> TestResponse:
        return self.client.get(f"/admin/rights{path}", headers={"Accept-Language": language})

    def send(self, path: str, **fields: str) -> TestResponse:
        form = {"csrf_token": self.token} | fields
        where = f"/admin/rights{path}"
        return self.client.post(where, data=form, headers={"Accept-Language": "en"})

    def ask(self, ref: str = SUBJECT, kind: str = "person", **fields: str) -> TestResponse:
        form = {"kind": kind, "ref": ref, "ground": "gdpr-17.1.c"} | fields
        return self.send("/erasures", **form)


@pytest.fixture
def ada(site: Site) -> Administrator:
    return Administrator(site, "ada-1")


@pytest.fixture
def grace(site: Site) -> Administrator:
    return Administrator(site, "grace-2")


@pytest.fixture
def office(site: Site) -> Iterator[Office]:
    """People of the agency; what a test left open is cleared away after it."""
    stores = Stores.of(site.installation.services)
    yield Office(site.installation.configuration, stores)
    operator = read_operator("cleaner")
    for hold in stores.compliance.list_holds("valbourg"):
        stores.compliance.lift_hold("valbourg", hold.id)
    for erasure in stores.compliance.list_erasures("valbourg"):
        confirm_erasure(stores, "valbourg", erasure.id, actor=operator)


def records(site: Site, prefix: str) -> Sequence[Mapping[str, Any]]:
    found = site.installation.records("valbourg")
    return [one for one in found if one["kind"].startswith(prefix)]


def open_id(site: Site) -> str:
    (erasure,) = Stores.of(site.installation.services).compliance.list_erasures("valbourg")
    return erasure.id


def test_one_administrator_asks_and_another_erases(
    site: Site,
    ada: Administrator,
    grace: Administrator,
    office: Office,
    caplog: pytest.LogCaptureFixture,
) -> None:
    conversation, _ = office.chat(ANNA)
    before = len(records(site, "erasure."))
    with caplog.at_level(logging.DEBUG):
        asked = ada.ask()
        assert (asked.status_code, asked.location) == (303, "/admin/rights?done=asked")
        mine = ada.open(f"/erasures/{open_id(site)}")
        assert "another administrator must confirm it" in mine.text
        assert "Confirm and erase" not in mine.text
        refused = ada.send(f"/erasures/{open_id(site)}/confirm")
        assert refused.status_code == 409 and "another person must" in refused.text
        shown = grace.open(f"/erasures/{open_id(site)}")
        assert SUBJECT in shown.text and MARKER not in shown.text
        assert re.search(r"<dt>Conversations</dt><dd>1</dd>", shown.text)
        done = grace.send(f"/erasures/{open_id(site)}/confirm")
    assert done.status_code == 200 and "data-erased" in done.text
    assert "They stay for 365 days" in done.text and "v1." in done.text
    found = records(site, "erasure.")[before:]
    kinds = [one["kind"] for one in found]
    assert kinds == ["erasure.requested", "erasure.confirmed", "erasure.done"]
    assert {one["actor"]["roles"][0] for one in found} == {"agency-admin"}
    assert found[0]["actor"]["pid"] != found[1]["actor"]["pid"] == found[2]["actor"]["pid"]
    assert found[0]["change"] == {"ground": "gdpr-17.1.c"}
    assert SUBJECT not in str(found) and SUBJECT not in caplog.text
    assert records(site, "audit.read")[-1]["target"]["view"] == "subject.find"
    stores = office.stores
    assert not list(stores.conversations.list_facts("valbourg", conversation_id=conversation))


def test_an_operator_and_an_administrator_make_two(
    site: Site, ada: Administrator, office: Office
) -> None:
    office.chat(ANNA)
    operator = read_operator("linus")
    wanted = Wanted("person", SUBJECT)
    request_erasure(office.stores, "valbourg", wanted, ground="gdpr-17.1.a", actor=operator)
    assert "linus, at the command line" in ada.open().text
    assert ada.send(f"/erasures/{open_id(site)}/confirm").status_code == 200


def test_a_hold_placed_on_the_page_stops_the_erasure_until_it_is_lifted(
    site: Site, ada: Administrator, grace: Administrator, office: Office
) -> None:
    office.chat(ANNA)
    placed = ada.send("/holds", **HELD, **{"hold-until": NEXT_YEAR, "hold-case": "AZ-2026/17"})
    assert placed.location == "/admin/rights?done=placed"
    (hold,) = office.stores.compliance.list_holds("valbourg")
    assert (hold.owner, hold.case_word, hold.reason) == ("ada-1", "AZ-2026/17", "litigation")
    ada.ask()
    waiting = grace.open(f"/erasures/{open_id(site)}").text
    assert "Confirm and erase" in waiting and "once the hold is lifted" in waiting
    refused = grace.send(f"/erasures/{open_id(site)}/confirm")
    assert refused.status_code == 409 and "A hold forbids it." in refused.text
    assert hold.id in refused.text and "Confirm and erase" not in refused.text
    assert records(site, "erasure.")[-1]["kind"] == "erasure.refused"
    assert grace.send(f"/holds/{hold.id}/lift").location == "/admin/rights?done=lifted"
    assert [one["kind"] for one in records(site, "hold.")][-2:] == ["hold.placed", "hold.lifted"]
    assert grace.send(f"/erasures/{open_id(site)}/confirm").status_code == 200
    assert grace.send(f"/holds/{hold.id}/lift").status_code == 404


def test_a_hold_keeps_a_period_with_its_last_day(ada: Administrator, office: Office) -> None:
    period = {"hold-since": "2026-11-01", "hold-to": "2026-11-30", "hold-until": NEXT_YEAR}
    form = {"hold-kind": "range", "hold-reason": "audit"} | period
    assert ada.send("/holds", **form).status_code == 303
    (hold,) = office.stores.compliance.list_holds("valbourg")
    assert hold.from_time == datetime(2026, 11, 1, tzinfo=UTC)
    assert hold.to_time == datetime(2026, 12, 1, tzinfo=UTC)
    assert "Nov 1, 2026 – Nov 30, 2026" in ada.open().text


def test_an_owner_who_deletes_under_a_hold_is_told_so(
    site: Site, ada: Administrator, office: Office
) -> None:
    conversation, _ = office.chat(ANNA)
    ada.send("/holds", **HELD, **{"hold-until": NEXT_YEAR})
    owner = site.sign_in("valbourg", "civil-servant", sub=SUBJECT)
    path = f"/chat/{conversation}/delete"
    token = re.findall(r'csrf_token" value="([^"]+)', owner.get(path).text)[0]
    page = owner.post(path, data={"csrf_token": token}, headers={"Accept-Language": "en"})
    assert page.status_code == 409
    assert "A hold forbids it" in page.text and "kept for now" in page.text


@pytest.mark.parametrize("role", ["civil-servant", "auditor", "overseer"])
def test_nobody_else_opens_the_page(site: Site, role: str) -> None:
    client = site.sign_in("valbourg", role, sub=f"{role}-1")
    assert client.get("/admin/rights").status_code == 403
    assert client.post("/admin/rights/erasures").status_code == 403


def test_another_agency_s_erasures_and_holds_are_not_there(
    site: Site, ada: Administrator, office: Office
) -> None:
    office.chat(ANNA)
    ada.ask()
    ada.send("/holds", **HELD, **{"hold-until": NEXT_YEAR})
    (hold,) = office.stores.compliance.list_holds("valbourg")
    other = Administrator(site, "otto-1", "habitat")
    assert open_id(site) not in other.open().text
    assert other.open(f"/erasures/{open_id(site)}").status_code == 404
    assert other.send(f"/erasures/{open_id(site)}/confirm").status_code == 404
    assert other.send(f"/holds/{hold.id}/lift").status_code == 404


def test_without_the_log_nothing_is_erased_and_nothing_shown(
    site: Site, ada: Administrator, grace: Administrator, office: Office
) -> None:
    class BrokenAudit:
        reader = site.installation.services.audit.reader

        def append(self, *_args: Any, **_kwargs: Any) -> Any:
            raise AuditUnavailable

    conversation, _ = office.chat(ANNA)
    ada.ask()
    working = site.installation.services.audit
    site.installation.replace(audit=BrokenAudit())
    try:
        assert grace.open(f"/erasures/{open_id(site)}").status_code == 503
        assert grace.send(f"/erasures/{open_id(site)}/confirm").status_code == 503
    finally:
        site.installation.replace(audit=working)
    facts = office.stores.conversations.list_facts("valbourg", conversation_id=conversation)
    assert len(list(facts)) == 1
    assert grace.send(f"/erasures/{open_id(site)}/confirm").status_code == 200


def test_a_database_that_is_locked_is_told_as_such_and_nothing_is_done(
    site: Site, ada: Administrator, office: Office
) -> None:
    engine = site.installation.services.engine
    impatient = (engine, "checkout", be_impatient)
    event.listen(*impatient)
    try:
        with closing(sqlite3.connect(str(engine.url.database))) as other:
            other.execute("BEGIN IMMEDIATE")
            page = ada.send("/holds", **HELD | {"hold-until": NEXT_YEAR})
            other.rollback()
    finally:
        event.remove(*impatient)
    assert page.status_code == 503 and page.headers["Retry-After"] == "5"
    assert "The service cannot answer just now" in page.text
    assert office.stores.compliance.list_holds("valbourg") == []


def be_impatient(connection: Any, *_: Any) -> None:
    connection.execute("PRAGMA busy_timeout=0")


class UnwrittenAudit:
    """The log as it is when it can be read and takes nothing."""

    def __init__(self, site: Site) -> None:
        self.reader = site.installation.services.audit.reader

    def append(self, *_args: Any, **_kwargs: Any) -> Any:
        raise AuditUnavailable


def test_what_stands_without_its_record_is_told_and_marked(
    site: Site, ada: Administrator, grace: Administrator, office: Office
) -> None:
    office.chat(ANNA)
    placing = HELD | {"hold-until": NEXT_YEAR}
    working = site.installation.services.audit
    site.installation.replace(audit=UnwrittenAudit(site))
    try:
        placed, asked = ada.send("/holds", **placing), ada.ask()
    finally:
        site.installation.replace(audit=working)
    for page, words in ((placed, "The hold is in force"), (asked, "The request stands")):
        assert page.status_code == 503 and words in page.text
        assert "Nothing was done" not in page.text and "Try again" not in page.text
        assert 'href="/admin/rights"' in page.text and "Retry-After" not in page.headers
    assert ada.open().text.count("Not yet in the audit log") == 2
    apply_limits(office.stores, "valbourg")
    assert ada.open().text.count("Not yet in the audit log") == 1
    (hold,) = office.stores.compliance.list_holds("valbourg")
    assert records(site, "hold.placed")[-1]["target"]["object"] == hold.id
    grace.send(f"/holds/{hold.id}/lift")
    assert grace.send(f"/erasures/{open_id(site)}/confirm").status_code == 200
    assert "Not yet in the audit log" not in ada.open().text


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"ref": "nobody-1"}, "there is nothing to erase"),
        ({"ref": ""}, "Give one identifier"),
        ({"ref": "a\nb"}, "Give one identifier"),
        ({"ref": "x" * 301}, "Give one identifier"),
        ({"kind": "everybody"}, "Choose whose data it is"),
        ({"ground": "gdpr-1"}, "Choose the ground"),
        ({"kind": "receipt", "ref": "v1.nonsense"}, "there is nothing to erase"),
    ],
)
def test_a_wrong_request_says_what_is_wrong(
    ada: Administrator, office: Office, form: dict[str, str], told: str
) -> None:
    page = ada.ask(**{"ref": SUBJECT, "kind": "person"} | form)
    assert page.status_code in {400, 404}
    assert 'id="erasure-fault"' in page.text and told in page.text
    assert office.stores.compliance.list_erasures("valbourg") == []


def test_a_receipt_of_a_conversation_leads_to_the_conversation(
    ada: Administrator, office: Office
) -> None:
    conversation, receipt = office.chat(ANNA)
    assert "name the conversation" in ada.ask(receipt, "receipt").text
    assert ada.ask(conversation, "conversation").status_code == 303
    assert "asked for already" in ada.ask(conversation, "conversation").text


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"hold-kind": "planet"}, "Choose what is kept"),
        ({"hold-ref": ""}, "Give one identifier"),
        ({"hold-kind": "range"}, "A period needs"),
        (
            {"hold-kind": "range", "hold-since": "2026-12-01", "hold-to": "2026-11-01"},
            "A period needs",
        ),
        ({"hold-kind": "case"}, "A file number has"),
        ({"hold-case": "Marie Dupont"}, "A file number has"),
        ({"hold-reason": "because"}, "Choose the reason"),
        ({"hold-until": "2020-01-01"}, "a day in the future"),
        ({"hold-until": "9999-12-31"}, "a day in the future"),
        ({"hold-until": "soon"}, "a day in the future"),
    ],
)
def test_a_wrong_hold_says_what_is_wrong(
    ada: Administrator, office: Office, changes: dict[str, str], told: str
) -> None:
    page = ada.send("/holds", **HELD | {"hold-until": NEXT_YEAR} | changes)
    assert page.status_code == 400
    assert 'id="hold-fault"' in page.text and told in page.text
    assert office.stores.compliance.list_holds("valbourg") == []


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("fr", "Effacement et suspensions"),
        ("de", "Löschung und Sperren"),
        ("lb", "Läschungen a Spären"),
    ],
)
def test_the_page_speaks_the_administrator_s_language(
    ada: Administrator, language: str, words: str
) -> None:
    assert f"<h1>{words}</h1>" in ada.open(language=language).text


def test_every_ground_and_reason_has_its_words() -> None:
    assert set(GROUNDS) == set(ERASURE_GROUNDS)
    assert set(REASONS) == set(HOLD_REASONS)
    for code, words in REASONS.items():
        point = HOLD_REASONS[code].rpartition(".")[2]
        assert f"17(3)({point})" in words


def test_a_request_by_a_program_is_erased_by_its_receipt(
    site: Site, ada: Administrator, grace: Administrator, office: Office
) -> None:
    _, receipt = office.request(Actor("service", "valbourg-bot", ("chatbot",)))
    office.record(Actor.of(ANNA), KeyRef("request"), "another")
    assert ada.ask(receipt, "receipt").status_code == 303
    assert receipt in grace.open(f"/erasures/{open_id(site)}").text
    done = grace.send(f"/erasures/{open_id(site)}/confirm")
    assert "<dt>Sealed texts beside the log</dt><dd>2</dd>" in done.text
