"""The auditor's pages over HTTP: reading, proving, exporting; every look is on record."""

import html
import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from parvis.audit import feed_outbox
from parvis.audit.events import PLATFORM, Draft
from parvis.audit.feed_outbox import Feeds
from parvis.audit.feed_store import FeedStore
from parvis.audit.feeds import load_feeds
from parvis.audit.log import AuditLog
from parvis.audit.notes import format_fingerprint
from parvis.audit.policy_text import TrustedKey, format_policy
from parvis.audit.receipts import parse_receipt
from parvis.audit.verify import Trust, load_policy
from parvis.errors import AuditUnavailable
from parvis.subjects.operators import read_operator
from parvis.web.audit_exports import verify_folder
from parvis.web.audit_state import Gaps, find_gaps
from tests.audit.receivers import write_feeds
from tests.fakes.site import Site, run_site

AGENCY = "emploi-mosel"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with run_site(tmp_path_factory.mktemp("site")) as running:
        for number in range(3):
            running.sign_in(sub=f"civil-{number}")
        yield running


@pytest.fixture
def auditor(site: Site) -> FlaskClient:
    return site.sign_in(role="auditor", sub="auditor-1")


def _token(page: TestResponse) -> str:
    return re.findall(r'csrf_token" value="([^"]+)', page.text)[0]


def _post(client: FlaskClient, path: str, **form: str) -> TestResponse:
    token = _token(client.get("/accessibility"))
    return client.post(path, data=form | {"csrf_token": token})


def _numbers(page: TestResponse) -> list[int]:
    return [int(one) for one in re.findall(r'href="/audit/records/(\d+)"', page.text)]


def _receipt(site: Site) -> str:
    """The receipt of a record of the agency's log."""
    from parvis.audit.events import Draft  # noqa: PLC0415

    draft = Draft(kind="session.expired", outcome="success")
    return site.installation.services.audit.append(AGENCY, draft).text


def test_auditor_reads_sentences_newest_first_and_every_look_is_a_record(
    site: Site, auditor: FlaskClient
) -> None:
    before = len(site.installation.records(AGENCY))
    page = auditor.get("/audit?lang=de")
    records = site.installation.records(AGENCY)
    assert page.status_code == 200
    assert "Eine Person hat sich angemeldet." in page.text
    assert _numbers(page) == sorted(_numbers(page), reverse=True)
    assert [record["kind"] for record in records[before:]] == ["audit.read"]
    assert records[-1]["actor"]["roles"] == ["auditor"]
    assert records[-1]["target"]["view"] == "list"
    assert parse_receipt(page.headers["x-audit-receipt"]).seq == records[-1]["seq"]


def test_only_auditors_read_and_only_their_own_agency(site: Site, auditor: FlaskClient) -> None:
    assert auditor.get("/audit").status_code == 200
    before = len(site.installation.records(AGENCY))
    assert site.sign_in(role="civil-servant", sub="civil-9").get("/audit").status_code == 403
    other = site.sign_in("habitat", "auditor")
    assert "emploi-mosel" not in other.get("/audit").text
    assert len(site.installation.records(AGENCY)) == before + 1  # the sign-in, no reading


def test_filter_by_kind_and_time_shows_what_the_log_holds(site: Site, auditor: FlaskClient) -> None:
    records = site.installation.records(AGENCY)
    logins = [one["seq"] for one in records if one["kind"] == "auth.login"]
    assert _numbers(auditor.get("/audit?kind=auth")) == logins[::-1]
    assert _numbers(auditor.get("/audit?kind=auth.login")) == logins[::-1]
    assert _numbers(auditor.get("/audit?to=2020-01-01")) == []
    assert "No record fits" in auditor.get("/audit?to=2020-01-01&lang=en").text
    day = records[0]["time"][:10]
    assert logins[0] in _numbers(auditor.get(f"/audit?from={day}&to={day}&kind=auth"))
    assert 'value="2020-01-01"' in auditor.get("/audit?to=2020-01-01").text


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "9999-12-31", "0001-01-01", "1e9"])
def test_time_that_cannot_be_read_is_told_at_its_field(auditor: FlaskClient, text: str) -> None:
    page = auditor.get("/audit", query_string={"to": text, "lang": "en"})
    assert page.status_code == 400
    assert 'href="#to"' in page.text
    assert f'value="{text}"' in page.text


def test_pages_of_the_list_follow_each_other_without_gap(site: Site, auditor: FlaskClient) -> None:
    for _ in range(120):
        _receipt(site)
    address, seen = "/audit?kind=session", []
    while address:
        page = auditor.get(address)
        seen += _numbers(page)
        older = re.findall(r'href="([^"]+)" rel="next"', page.text)
        address = older[0].replace("&amp;", "&") if older else ""
    wanted = [one["seq"] for one in site.installation.records(AGENCY) if "session." in one["kind"]]
    assert seen == wanted[::-1]
    newer = re.findall(r'href="([^"]+)" rel="prev"', page.text)[0].replace("&amp;", "&")
    assert max(_numbers(auditor.get(newer))) > max(_numbers(page))


def test_receipt_leads_to_its_record_and_an_altered_one_to_none(
    site: Site, auditor: FlaskClient
) -> None:
    receipt = _receipt(site)
    found = _post(auditor, "/audit/find", receipt=f"  {receipt}\n")
    assert found.status_code == 303
    assert found.location.endswith(f"/audit/records/{parse_receipt(receipt).seq}")
    altered = receipt[:60] + ("A" if receipt[60] != "A" else "B") + receipt[61:]
    for wrong in (altered, "v1.x", "", "\x00" * 10):
        page = _post(auditor, "/audit/find", receipt=wrong)
        assert page.status_code == 404
        assert "No record fits this receipt" in page.text
        assert not wrong or wrong not in page.text


def test_record_is_shown_in_full_with_its_proof(site: Site, auditor: FlaskClient) -> None:
    record = site.installation.records(AGENCY)[1]
    page = auditor.get(f"/audit/records/{record['seq']}")
    assert page.status_code == 200
    assert "c2sp.org/tlog-proof@v1" in page.text
    leaf = re.findall(r"data-leaf>(.*?)</pre>", page.text, re.DOTALL)[0].replace("&#34;", '"')
    assert f'"id":"{record["id"]}"' in leaf
    last = site.installation.records(AGENCY)[-1]
    assert last["target"] == {"view": "record", "seq": record["seq"]}


@pytest.mark.parametrize("seq", ["99999999", "9" * 30, "-1", "x"])
def test_record_that_is_not_there_is_not_found(auditor: FlaskClient, seq: str) -> None:
    assert auditor.get("/audit/records/0").status_code == 200
    assert auditor.get(f"/audit/records/{seq}").status_code == 404


def test_export_is_intact_and_a_changed_byte_is_not(
    site: Site, auditor: FlaskClient, tmp_path: Path
) -> None:
    page = _post(auditor, "/audit/export")
    assert page.status_code == 200
    assert '<p class="verdict">INTACT</p>' in page.text
    assert site.installation.records(AGENCY)[-1]["kind"] == "audit.exported"
    address = re.findall(r'href="(/audit/exports/\w+\.zip)"', page.text)[0]
    archive = auditor.get(address)
    assert archive.headers["Content-Disposition"].startswith("attachment")
    zipfile.ZipFile(io.BytesIO(archive.data)).extractall(tmp_path)
    folder = tmp_path / f"parvis-audit-{AGENCY}"
    assert verify_folder(folder)[0] == "INTACT"
    told = html.unescape(re.findall(r'aria-label="verify.py">(.*?)</pre>', page.text)[0]).split()
    assert told[0] == "python" and told[1:3] == [f"{folder.name}/verify.py", folder.name]
    policy = re.findall(r'aria-label="policy.txt">(.*?)</pre>', page.text, re.DOTALL)[0]
    (tmp_path / "policy.txt").write_text(html.unescape(policy))
    done = subprocess.run([sys.executable, *told[1:]], cwd=tmp_path, check=False)
    assert done.returncode == 0
    entries = next(path for path in (folder / "tile/entries").rglob("*") if path.is_file())
    data = bytearray(entries.read_bytes())
    data[40] ^= 1
    entries.write_bytes(data)
    assert verify_folder(folder)[0] == "TAMPERED"
    other = site.sign_in("habitat", "auditor")
    assert other.get(address).status_code == 404
    assert auditor.get("/audit/exports/..%2f..%2fx.zip").status_code == 404


def test_report_is_a_page_of_its_own_in_the_readers_language(
    site: Site, auditor: FlaskClient
) -> None:
    auditor.set_cookie("parvis_language", "de")
    page = _post(auditor, "/audit/export")
    address = re.findall(r'href="(/audit/exports/\w+\.html)"', page.text)[0]
    report = auditor.get(address)
    assert report.headers["Content-Disposition"].startswith("attachment")
    assert '<html lang="de"' in report.text
    assert "INTACT" in report.text
    assert str(site.installation.services.settings.data_dir) not in report.text
    assert site.installation.records(AGENCY)[-1]["target"] == {"view": "report"}
    assert site.sign_in("habitat", "auditor").get(address).status_code == 404
    assert auditor.get(address.replace(".html", "x.html")).status_code == 404


def test_nothing_is_shown_when_the_reading_cannot_be_recorded(
    auditor: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = auditor.get("/audit")
    fingerprint = re.findall(r'<code class="hash">([0-9a-f ]{39})<', shown.text)[0]
    token = _token(shown)

    def fail(*_arguments: object, **_named: object) -> None:
        raise AuditUnavailable

    monkeypatch.setattr(AuditLog, "submit", fail)
    refused = [
        auditor.get("/audit"),
        auditor.get("/audit/records/1"),
        auditor.post("/audit/find", data={"receipt": "v1.x", "csrf_token": token}),
        auditor.post("/audit/export", data={"csrf_token": token}),
    ]
    for page in refused:
        assert page.status_code == 503
        assert fingerprint not in page.text
        assert "The audit log cannot be written just now" in page.text


@pytest.mark.parametrize("path", ["/audit/find", "/audit/export"])
def test_form_without_the_session_token_is_refused(auditor: FlaskClient, path: str) -> None:
    assert auditor.post(path, data={"receipt": "v1.x"}).status_code == 403
    assert _post(auditor, path, receipt="v1.x").status_code in {200, 404}


@pytest.fixture
def fed(site: Site, tmp_path: Path) -> Iterator[Feeds]:
    """Receivers of every log, of the auditor's agency and of another; the second is away."""
    site.installation.services.audit.append("habitat", Draft("auth.logout", outcome="success"), 10)
    path = write_feeds(
        tmp_path,
        {"file": {"path": str(tmp_path / "soc.jsonl")}},
        {
            "name": "own",
            "agencies": ["emploi-mosel"],
            "collector": {"url": "http://127.0.0.1:9/secret-path?key=secret"},
        },
        {"name": "theirs", "agencies": ["habitat"], "file": {"path": "theirs.jsonl"}},
    )
    working = site.installation.services.feeds
    feeds = Feeds(site.installation.services.audit, load_feeds(path))
    site.installation.replace(feeds=feeds)
    yield feeds
    site.installation.replace(feeds=working)


def test_an_auditor_sees_who_is_fed_from_the_own_log_and_how_far(
    auditor: FlaskClient, fed: Feeds, monkeypatch: pytest.MonkeyPatch
) -> None:
    fed.run_round()
    text = auditor.get("/audit", headers={"Accept-Language": "en"}).text
    panel = text[text.index('id="feeds-title"') :]
    assert panel.count("data-feed") == 2
    assert "soc.jsonl" in panel and "127.0.0.1:9" in panel
    assert "it does not answer" in panel and "Waits since" in panel
    for hidden in ("secret", "theirs", "habitat", str(fed.plan.folder)):
        assert hidden not in panel
    assert "later than it should be" not in panel
    monkeypatch.setattr(feed_outbox, "LATE_S", -1)
    assert "later than it should be" in auditor.get("/audit?lang=en").text


def test_trouble_of_another_agency_s_log_is_not_this_auditor_s(
    auditor: FlaskClient, fed: Feeds
) -> None:
    store = FeedStore(fed.folder)
    store.note_trouble("soc", 1_700_000_000, "habitat: it is shorter than what was sent")
    assert "shorter" not in auditor.get("/audit?lang=en").text
    store.note_trouble("soc", 1_700_000_000, "emploi-mosel: it is shorter than what was sent")
    page = auditor.get("/audit?lang=en").text
    assert "it is shorter than what was sent" in page and "Nov 14, 2023" in page


def test_without_receivers_or_sight_of_them_the_page_says_so(
    site: Site, auditor: FlaskClient
) -> None:
    class Broken:
        def describe(self, _tenant_id: str) -> object:
            raise OSError

    assert "No other system gets" in auditor.get("/audit?lang=en").text
    working = site.installation.services.feeds
    site.installation.replace(feeds=Broken())
    try:
        page = auditor.get("/audit?lang=en")
    finally:
        site.installation.replace(feeds=working)
    assert page.status_code == 200 and "cannot be seen just now" in page.text


def test_the_policy_to_print_names_every_key_and_the_verifier_takes_it(
    site: Site, auditor: FlaskClient, tmp_path: Path
) -> None:
    reader = site.installation.services.audit.reader
    keys = [reader.get_key(AGENCY).vkey, reader.find_cosigner(AGENCY)]
    keys.append(reader.get_key(PLATFORM).vkey)  # who tells of births, ends and what went since
    page = auditor.get("/audit?lang=en").text
    answer = auditor.get("/audit/policy.txt")
    assert answer.headers["content-disposition"] == 'attachment; filename="policy.txt"'
    assert site.installation.records(AGENCY)[-1]["target"]["view"] == "policy"
    for key in keys:
        assert f"log {key}\n" in answer.text
        assert format_fingerprint(key) in page and format_fingerprint(key) in answer.text
    assert load_policy(answer.data)[1].cosigners
    made = _post(auditor, "/audit/export", lang="en")
    export_id = re.findall(r"/audit/exports/([0-9a-f]{32})\.zip", made.text)[0]
    archive = auditor.get(f"/audit/exports/{export_id}.zip").data
    zipfile.ZipFile(io.BytesIO(archive)).extractall(tmp_path)
    (tmp_path / "policy.txt").write_bytes(answer.data)
    command = [sys.executable, "-I", f"parvis-audit-{AGENCY}/verify.py", f"parvis-audit-{AGENCY}"]
    checked = subprocess.run(
        [*command, "--policy", "policy.txt", "--json"],
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    report = json.loads(checked.stdout)
    assert (report["verdict"], report["key"]["confirmed"]) == ("INTACT", True)
    assert report["checks"]["birth"] == "done"


def test_the_policy_names_witnesses_groups_and_authorities_as_they_are_configured() -> None:
    keys = [
        TrustedKey("log", "", "Ed25519", "origin+1+key", "aa"),
        TrustedKey("witness", "office", "Ed25519", "office.test/w+1+key", "bb"),
        TrustedKey("authority", "stamps", "X.509", "TUlJ", "cc"),
    ]
    trust = Trust()
    trust.groups["outside"] = (1, ["office"])
    trust.quorum = "outside"
    lines = [line for line in format_policy(keys, trust).splitlines() if line[:2] != "# "]
    assert lines == [
        "log origin+1+key",
        "witness office office.test/w+1+key",
        "#!tsa stamps TUlJ",
        "group outside 1 office",
        "quorum outside",
    ]


def test_an_export_at_the_command_line_shows_an_operator(site: Site, auditor: FlaskClient) -> None:
    site.installation.services.audit.append(
        AGENCY,
        Draft(
            "audit.exported",
            outcome="success",
            actor=read_operator("anna.weber"),
            target={"view": "folder", "first": 0, "end": 1},
        ),
    )
    page = auditor.get("/audit?kind=audit.exported&lang=de").text
    assert "Betrieb an der Befehlszeile" in page
    assert "das ganze Protokoll als Ordner" in page
    assert "Operator at the command line" in auditor.get("/audit?lang=en").text


def test_the_state_says_whether_it_was_checked_and_how_it_ended(
    auditor: FlaskClient, site: Site
) -> None:
    for old in (site.installation.services.settings.data_dir / "exports" / AGENCY).glob("*.ver*"):
        old.unlink()
    page = auditor.get("/audit?lang=en").text
    assert "Not checked here in the last hour." in page and "notice-info state" in page
    _post(auditor, "/audit/export")
    page = auditor.get("/audit?lang=en").text
    assert "<strong>INTACT</strong>" in page and "None in the last 24 hours." in page
    folder = site.installation.services.settings.data_dir / "exports" / AGENCY
    newest = max(folder.glob("*.verdict"), key=lambda path: path.stat().st_mtime)
    newest.write_text("TAMPERED")
    page = auditor.get("/audit?lang=en").text
    assert "The last check found a fault" in page and "notice-danger state" in page
    newest.unlink()


def test_gaps_are_what_lies_longer_than_allowed_between_signs_of_life() -> None:
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    beats = [now - timedelta(minutes=minutes) for minutes in range(60, 0, -5)]
    born = beats[0] - timedelta(minutes=5)
    assert find_gaps(beats, born, now, 600) == Gaps()
    broken = [one for one in beats if not timedelta(minutes=12) < now - one < timedelta(minutes=44)]
    assert find_gaps(broken, born, now, 600) == Gaps(
        1, timedelta(minutes=35), now - timedelta(minutes=10)
    )
    still = find_gaps(beats, born, now + timedelta(hours=1), 600)
    assert (still.count, still.minutes, still.ended) == (1, 65, now + timedelta(hours=1))
    assert find_gaps([], now - timedelta(days=3), now, 600).minutes == 24 * 60
