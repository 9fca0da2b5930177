"""The public proof page over HTTP: a receipt gives its proof, anything else gives nothing."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from parvis.audit import verify
from parvis.audit.ended import RolledBack
from parvis.audit.events import Draft
from parvis.audit.reader import AuditReader
from parvis.audit.receipts import Receipt, parse_receipt
from parvis.web import proofs
from parvis.web.rate_limit import RateLimit
from tests.fakes.site import Site, run_site

AGENCY = "emploi-mosel"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with run_site(tmp_path_factory.mktemp("site")) as running:
        yield running


@pytest.fixture
def citizen(site: Site) -> FlaskClient:
    return site.installation.app.test_client()


@pytest.fixture
def receipt(site: Site) -> str:
    draft = Draft(kind="session.expired", outcome="success")
    return site.installation.services.audit.append(AGENCY, draft).text


def test_a_citizen_gets_a_proof_that_the_verifier_accepts(
    site: Site, citizen: FlaskClient, receipt: str, tmp_path: Path
) -> None:
    before = len(site.installation.records(AGENCY))
    page = citizen.post("/audit/proof", data={"receipt": f" {receipt[:90]}\n{receipt[90:]} "})
    assert page.status_code == 200 and "record is in the log" in page.text
    looks = [one["kind"] for one in site.installation.records(AGENCY)]
    assert len(looks) == before + 1 and "audit.read" in looks
    answer = citizen.post("/audit/proof", data={"receipt": receipt, "download": "1"})
    assert answer.headers["Content-Disposition"].endswith('.tlog-proof"')
    policy = re.findall(r"^.*(log \S+)\nquorum none", page.text, re.M)[0] + "\nquorum none\n"
    report = verify.verify_proof(
        answer.data, verify.load_policy(policy.encode()), verify.Receipt(receipt)
    )
    assert (report["verdict"], report["checks"]["receipt"]) == ("INTACT", "done")
    program = citizen.get("/audit/proof/verify.py")
    (tmp_path / "verify.py").write_bytes(program.data)
    assert program.data == Path(verify.__file__).read_bytes()


def test_a_receipt_of_a_log_that_was_rolled_back_is_answered_with_the_declaration(
    site: Site, citizen: FlaskClient, receipt: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # how a declaration is found and proven is tested with real logs in tests/audit/test_rollback.py
    key = site.installation.services.audit.reader.get_key("platform")
    ended = RolledBack(
        tenant_id=AGENCY, log="ab" * 16, seq=7, first=5, end=9, ground="disk-loss", time="",
        origin="house.test/audit/new", vkey="", platform=key.log, declared=0,
    )  # fmt: skip
    monkeypatch.setattr(AuditReader, "find_by_receipt", lambda *_: None)
    monkeypatch.setattr(AuditReader, "find_rolled_back", lambda *_: ended)
    for language, words in {
        "en": "among those that were lost",
        "fr": "parmi celles qui sont perdues",
        "de": "gehört zu den verlorenen",
        "lb": "zu de verluerenen",
    }.items():
        headers = {"Accept-Language": language}
        page = citizen.post("/audit/proof", data={"receipt": receipt}, headers=headers)
        assert page.status_code == 200 and words in page.text
        assert "5 \u2013 8" in page.text and ended.origin in page.text
    look = site.installation.records("platform")[-1]
    assert look["target"] == {"view": "proof", "log": ended.log, "seq": 0}
    answer = citizen.post("/audit/proof", data={"receipt": receipt, "download": "1"})
    policy = verify.load_policy(f"log {key.vkey}\nquorum none\n".encode())
    assert verify.verify_proof(answer.data, policy)["verdict"] == "INTACT"


def test_whatever_does_not_match_the_records_hash_finds_nothing_and_leaves_no_record(
    site: Site, citizen: FlaskClient, receipt: str
) -> None:
    real = parse_receipt(receipt)
    before = len(site.installation.records(AGENCY))
    guessed = Receipt(real.log, real.seq, bytes(32), real.size, real.root, real.signature).text
    moved = Receipt(
        real.log, real.seq - 1, real.leaf_hash, real.size, real.root, real.signature
    ).text
    for text in (guessed, moved, receipt[:-1], "", "v1.", "x" * 5000, "v1.é"):
        page = citizen.post("/audit/proof", data={"receipt": text})
        assert page.status_code == 404 and "No record fits" in page.text
    assert len(site.installation.records(AGENCY)) == before
    assert "is in the log" not in citizen.get("/audit/proof?receipt=" + receipt).text


def test_the_form_stands_in_every_language_without_a_script(citizen: FlaskClient) -> None:
    titles = set()
    for language in ("fr", "de", "lb", "en"):
        page = citizen.get(f"/audit/proof?lang={language}")
        titles.add(re.findall(r"<h1>(.*?)</h1>", page.text)[0])
        assert page.status_code == 200 and "<script" not in page.text
        assert f'href="/audit/proof?lang={language}"' not in page.text  # it is the current one
    assert len(titles) == 4


def test_look_ups_are_limited_in_rate(
    citizen: FlaskClient, receipt: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proofs, "_look_ups", RateLimit(2, per_s=3600))
    statuses = [
        citizen.post("/audit/proof", data={"receipt": receipt}).status_code for _ in range(3)
    ]
    assert statuses == [200, 200, 429]
