"""Logs that ended, by the commands: what is left of an agency that left goes as its limits say."""

import contextlib
import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import apsw
import pytest

from parvis.audit import Actor, AuditLog, Draft, KeyRef
from parvis.audit.events import PLATFORM
from parvis.cli import main
from parvis.errors import NotFound
from parvis.keystore import AUDIT_KINDS, KeyStore
from parvis.services import load_configuration
from parvis.settings import load_settings
from parvis.subjects import agencies, retention
from parvis.subjects.agencies import Kept, get_kept
from parvis.subjects.erase import erase_own_conversation
from parvis.subjects.stores import Stores, open_stores
from tests.audit.second_verifier import Second, both
from tests.subjects.offices import ANNA, Killed, Office, kill_at

REPOSITORY = Path(__file__).resolve().parents[2]
DAY_NS = 86_400 * 10**9
SLUG = "habitat"
CLERK = Actor("person", "clerk-77", ("civil-servant",), "", "portal")
WHOSE = ("--tenant", SLUG, "--person", CLERK.subject)


@contextmanager
def days_ago(days: float) -> Iterator[None]:
    """Records are written, and days begin, as if it were then."""
    real = time.time_ns
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(time, "time_ns", lambda: real() - int(days * DAY_NS))
        yield


@dataclass
class Site:
    """One installation as the commands find it."""

    folder: Path
    capsys: pytest.CaptureFixture[str]

    def run(self, *words: str, code: int = 0) -> str:
        self.capsys.readouterr()
        found = main([*words])
        told = self.capsys.readouterr()
        assert found == code, told
        return told.err if code else told.out

    def retain(self) -> dict[str, Any]:
        """What `parvis retention run` took from the agency."""
        found: dict[str, Any] = json.loads(self.run("retention", "run", "--json"))[SLUG]
        return found

    @contextmanager
    def stores(self) -> Iterator[Stores]:
        with open_stores(load_configuration(load_settings()), worker="test") as stores:
            yield stores

    @contextmanager
    def log(self) -> Iterator[AuditLog]:
        with self.stores() as stores:
            yield stores.audit

    def write(self, count: int = 3) -> None:
        """Sign-ins of one person, and an answer that is sealed under a conversation's key."""
        with self.log() as audit:
            started = audit.append(
                SLUG, Draft("chat.started", CLERK, target={"assistant": "a"}), 10
            )
            texts = {"prompt": b"where do I", "answer": b"there"}
            key = KeyRef("conversation", "c-9")
            audit.append(
                SLUG, Draft("chat.finished", CLERK, re=started.id, sealed=texts, seal_key=key), 10
            )
            waiting = [audit.submit(SLUG, Draft("auth.login", CLERK)) for _ in range(count)]
            for one in waiting:
                audit.wait(one, 30)

    def leave(self, **limits: int) -> None:
        """The agency's file is taken out, its log is closed."""
        left = self.folder / "left.yaml"
        if not left.exists():
            shutil.move(self.folder / "tenants" / f"{SLUG}.yaml", left)
        words = [f"--{name.replace('_', '-')}={days}" for name, days in limits.items()]
        how = words or ["--file", str(left)]
        told = self.run("audit", "close", "--tenant", SLUG, *how, "--operator", "ada")
        assert "goes on for it" in told

    def export(
        self, name: str, second: Second, *words: str, tenant: str = SLUG
    ) -> tuple[str, dict[str, Any]]:
        """The verdict on which both verifiers agree, and the second's report."""
        folder = self.folder / name
        self.run("audit", "export", "--tenant", tenant, "--out", str(folder), *words)
        return both(second, folder)

    def spoil(self, sql: str) -> None:
        database = apsw.Connection(str(self.folder / "data" / "audit" / "audit.db"))
        database.execute(sql)
        database.close()

    def fsck(self) -> dict[str, Any]:
        self.capsys.readouterr()
        main(["audit", "fsck", "--json"])
        found: dict[str, Any] = json.loads(self.capsys.readouterr().out)
        return found


@pytest.fixture
def site(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Site:
    shutil.copytree(REPOSITORY / "tenants", tmp_path / "tenants")
    for name, value in (
        ("DATA_DIR", tmp_path / "data"),
        ("TENANTS_DIR", tmp_path / "tenants"),
        ("POLICIES_DIR", REPOSITORY / "policies"),
        ("MODELS_FILE", REPOSITORY / "deploy/models.yaml"),
    ):
        monkeypatch.setenv(f"PARVIS_{name}", str(value))
    assert main(["db", "upgrade"]) == 0
    return Site(tmp_path, capsys)


@pytest.fixture(scope="module")
def second() -> Iterator[Second]:
    running = Second()
    yield running
    running.close()


def count_sealed(site: Site) -> int:
    with site.log() as audit:
        logs = audit.open_reading()
        found = logs._select(
            "SELECT count(*) FROM sealed JOIN log ON log.no = log_no WHERE tenant_id = ?", (SLUG,)
        )
        logs.close()
    return int(found[0][0])


@pytest.mark.parametrize(
    ("begun", "ended", "pruned"),
    [(45, 40, "nothing"), (500, 300, "the old"), (410, 400, "everything")],
)
def test_what_an_agency_left_behind_goes_and_both_verifiers_see_why(
    site: Site, second: Second, begun: int, ended: int, pruned: str
) -> None:
    with days_ago(begun):
        site.write(300)
    with days_ago(ended):
        site.write()
        site.leave(sealed_days=30, audit_days=365)
        verdict, report = site.export("before", second)
        assert verdict == "INTACT" and report["sealed"]["held"] == report["sealed"]["fields"]
    size = report["size"]
    gone = site.retain()
    wanted = {"nothing": 0, "the old": 256, "everything": size}[pruned]
    assert gone["pruned"] == wanted and list(gone["ended"].values()) == [wanted]
    assert count_sealed(site) == 0 and gone["keys"] > 0
    verdict, report = site.export("after", second)
    assert verdict == "INTACT", report["findings"]
    assert report["size"] == size and report["sealed"]["held"] == 0
    assert report["checks"]["sealed"] == "done" and report["checks"]["pruned"] == "done"
    assert report["records"] == [wanted, size]
    assert ("pruned" in report) == (wanted > 0)
    again = site.retain()
    assert (again["keys"], again["sealed"], again["pruned"]) == (0, 0, wanted)
    with site.log() as audit:
        kinds = ["retention.pruned"]
        told = [one.data["target"] for one in audit.reader.list_records(PLATFORM, kinds=kinds)]
        assert all(one["tenant"] == SLUG and "conversation" not in one for one in told)
        acts = [one["object"] for one in told if one["object"] in ("sealed", "records")]
        assert sorted(acts) == (["records", "sealed"] if wanted else ["sealed"])
    found = site.fsck()
    assert found["sound"], found
    words = ("--tenant", "platform", "--out", str(site.folder / "platform"))
    site.run("audit", "export", *words)
    assert both(second, site.folder / "platform")[0] == "INTACT"


def test_the_limits_of_the_file_that_was_taken_out_are_told(site: Site) -> None:
    site.write()
    left = site.folder / "left.yaml"
    shutil.move(site.folder / "tenants" / f"{SLUG}.yaml", left)
    assert "nothing of it goes before `parvis audit close`" in site.run("check", code=1)
    close = ("audit", "close", "--tenant", SLUG, "--operator", "ada")
    assert "the file of habitat" in site.run(
        *close, "--file", str(REPOSITORY / "tenants" / "valbourg.yaml"), code=1
    )
    site.leave()
    assert "audit close" not in site.run("check", code=1)
    with site.stores() as stores:
        kept = get_kept(stores, SLUG)
        (told,) = stores.audit.reader.list_records(PLATFORM, kinds=["log.closed"])
    assert (kept.sealed_days, kept.audit_days) == (14, 730)
    assert (told.data["change"]["sealed_days"], told.data["change"]["audit_days"]) == (14, 730)
    assert site.retain()["pruned"] == 0, "nothing is old yet"


def test_no_file_can_shorten_the_floor_of_a_log_that_ended(site: Site) -> None:
    with days_ago(190):
        site.write(300)
    with days_ago(183):
        site.leave(sealed_days=1, audit_days=184)
    assert site.retain()["pruned"] == 256, "the log itself ended too lately to go as a whole"
    with site.log() as audit, pytest.raises(ValueError, match="184 days"):
        log_id = audit.get_log(SLUG).id
        audit.prune(SLUG, audit.reader.get_head(SLUG).size, log_id)


def test_a_sealed_value_that_nobody_allowed_to_go_is_found_by_all(
    site: Site, second: Second
) -> None:
    with days_ago(45):
        site.write()
    with days_ago(2):
        site.write()
        site.leave(sealed_days=30, audit_days=365)
    assert site.retain()["sealed"] > 0
    verdict, report = site.export("honest", second)
    assert verdict == "INTACT" and report["sealed"]["held"] > 0 < report["sealed"]["erased"]
    site.spoil(
        "DELETE FROM sealed WHERE name = 'answer' AND rowid = (SELECT max(rowid) FROM sealed"
        " WHERE name = 'answer')"
    )
    verdict, report = site.export("spoiled", second)
    assert verdict == "TAMPERED" and report["sealed"]["missing"] == 1
    found = site.fsck()
    assert not found["sound"] and "no record allows it" in json.dumps(found)


def test_records_that_nobody_allowed_to_go_are_found_by_all(site: Site, second: Second) -> None:
    with days_ago(400):
        site.write(600)
    with days_ago(300):
        site.write()
        site.leave(sealed_days=30, audit_days=365)
    assert site.retain()["pruned"] == 512
    assert site.export("honest", second)[0] == "INTACT"
    with site.log() as audit:
        size = audit.reader.get_head(SLUG).size
    where = f"log_no = (SELECT no FROM log WHERE tenant_id = '{SLUG}')"  # noqa: S608 - our own
    site.spoil(
        f"UPDATE pruned SET end_seq = {size} WHERE {where};"  # noqa: S608
        f"UPDATE record SET leaf = x'', kind = '', time_us = 0 WHERE {where}"
    )
    verdict, report = site.export("spoiled", second)
    assert verdict == "TAMPERED", report
    assert not site.fsck()["sound"]


def test_a_person_is_found_copied_and_erased_after_their_agency_left(
    site: Site, second: Second
) -> None:
    with days_ago(3):
        site.write()
        site.leave(sealed_days=30, audit_days=365)
    kept = json.loads(site.run("subject", "find", *WHOSE, "--operator", "ada", "--json"))
    assert kept["records_with_sealed_values"] and len(kept["logs"]) == 1
    copy = site.folder / "copy"
    words = ("--operator", "ada", "--second", "grace", "--out", str(copy))
    site.run("subject", "export", *WHOSE, *words)
    assert CLERK.subject in (copy / "person.json").read_text(encoding="utf-8")
    hold = ("--reason", "litigation", "--until", "2099-01-01", "--operator", "ada")
    placed = json.loads(site.run("hold", "place", *WHOSE, *hold, "--json"))["id"]
    ask = ("subject", "erase", *WHOSE, "--ground", "gdpr-17.1.c", "--operator", "ada", "--json")
    asked = json.loads(site.run(*ask))["erasure"]
    confirm = ("subject", "erase", "--tenant", SLUG, "--confirm", asked, "--operator")
    assert "gdpr-17.3.e" in site.run(*confirm, "grace", code=1)
    assert site.retain()["erasures"] == []
    site.run("hold", "lift", "--tenant", SLUG, placed, "--operator", "ada")
    assert site.retain()["erasures"] == [asked]
    verdict, report = site.export("erased", second)
    assert verdict == "INTACT", report["findings"]
    assert 0 < report["sealed"]["erased"] < report["sealed"]["fields"], "the chat's texts stay"
    assert site.fsck()["sound"]
    with site.log() as audit:
        records = audit.reader.list_records(PLATFORM, limit=1000)
    told = "".join(one.leaf.decode() for one in records)
    assert CLERK.subject not in told and '"c-9"' not in told  # an id of a record may hold c-9


def test_runs_that_die_anywhere_are_finished_by_the_next(site: Site, second: Second) -> None:
    with days_ago(400):
        site.write()
        site.leave(sealed_days=30, audit_days=365)
    for place in (
        "parvis.keystore.KeyStore.destroy_keys",
        "parvis.audit.log.AuditLog.delete_sealed",
        "parvis.audit.log.AuditLog.prune",
    ):
        for act in (False, True):
            _die(place, act=act)
    size = site.retain()["pruned"]
    assert count_sealed(site) == 0 < size
    with site.stores() as stores:
        assert not stores.keystore.list_keys(SLUG, AUDIT_KINDS)
    assert site.export("after", second)[0] == "INTACT"
    assert site.fsck()["sound"]


def _die(place: str, *, act: bool) -> None:
    """A run that dies at this call, if it comes so far."""
    with pytest.MonkeyPatch.context() as patched:
        kill_at(patched, place, act=act, last=False)
        with (
            open_stores(load_configuration(load_settings()), worker="test") as stores,
            contextlib.suppress(Killed),
        ):
            retention.apply_limits(stores, SLUG)


def test_a_log_that_was_rolled_back_goes_by_the_limits_of_its_living_agency(
    site: Site, second: Second
) -> None:
    with days_ago(731):  # the file says 730
        site.write(300)
    with days_ago(3):
        site.write()
    old = _roll_back(site)
    site.write()
    gone = site.retain()
    assert gone["pruned"] == 0 and gone["ended"] == {old: 256} and gone["sealed"] > 300
    verdict, report = site.export("kept", second, "--log", old)
    assert verdict == "INTACT" and report["pruned"]["platform"], report["findings"]
    held = report["sealed"]["held"]
    erase = ("subject", "erase", *WHOSE, "--ground", "gdpr-17.1.c", "--operator", "ada", "--json")
    confirm = ("--confirm", json.loads(site.run(*erase))["erasure"], "--operator", "grace")
    site.run("subject", "erase", "--tenant", SLUG, *confirm)
    verdict, report = site.export("erased", second, "--log", old)
    assert verdict == "INTACT" and report["checks"]["sealed"] == "done", report["findings"]
    assert 0 < report["sealed"]["held"] < held, "the chat's texts stay"
    verdict, report = site.export("new", second)
    assert verdict == "INTACT" and report["sealed"]["erased"] > 0, report["findings"]
    assert site.fsck()["sound"]


def _roll_back(site: Site, tenant: str = SLUG) -> str:
    """Yesterday's copy of the database is put back and declared; the id of the log that ended."""
    database = site.folder / "data" / "audit" / "audit.db"
    with site.log() as audit:
        old = audit.get_log(tenant).id
    shutil.copy(database, site.folder / "yesterday")
    with site.log() as audit:  # what is lost
        audit.append(tenant, Draft("auth.login", CLERK), 10)
    for rest in database.parent.glob("audit.db-*"):
        rest.unlink()
    shutil.copy(site.folder / "yesterday", database)
    declare = ("audit", "declare-rollback")
    ask = ("--all", "--ground", "restore", "--operator", "ada", "--json")
    asked = json.loads(site.run(*declare, *ask))["request"]
    site.run(*declare, "--confirm", asked, "--operator", "grace")
    return old


def test_what_an_owner_or_time_erases_goes_from_a_log_that_ended_too(
    site: Site, second: Second
) -> None:
    tenant = ANNA.tenant_id
    with site.stores() as stores:
        office = Office(load_configuration(load_settings()), stores)
        own, old_one = office.chat()[0], office.chat()[0]
        office.expire(old_one)
    old = _roll_back(site, tenant)
    with site.stores() as stores:
        erase_own_conversation(stores, ANNA, own)
    assert json.loads(site.run("retention", "run", "--json"))[tenant]["conversations"] == 1
    verdict, report = site.export("old", second, "--log", old, tenant=tenant)
    assert verdict == "INTACT" and report["checks"]["sealed"] == "done", report["findings"]
    assert report["sealed"]["erased"] == 4, "two texts of each"
    with site.stores() as stores:
        records = stores.audit.reader.list_records(PLATFORM, kinds=["retention.pruned"])
    told = "".join(one.leaf.decode() for one in records)
    assert own not in told and old_one not in told and "anna" not in told


def test_limits_that_nobody_told_are_those_of_a_file_that_names_none(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a log that an older version closed."""
    site.write()
    site.leave(sealed_days=3, audit_days=400)
    with site.stores() as stores:
        assert get_kept(stores, SLUG) == Kept(3, 400)
        left = agencies.find_left(stores, SLUG)
        assert left is not None
        untold = left._replace(sealed_days=None, audit_days=None)
        monkeypatch.setattr(agencies, "find_left", lambda *_: untold)
        assert get_kept(stores, SLUG) == Kept(30, 365)
        monkeypatch.undo()
        with pytest.raises(NotFound):
            get_kept(stores, "nowhere")


def test_nothing_is_deleted_because_the_store_of_keys_is_another_one(
    site: Site, tmp_path: Path
) -> None:
    with days_ago(3):
        site.write()
        site.leave(sealed_days=30, audit_days=365)
    before = count_sealed(site)
    with site.stores() as stores:
        configuration = load_configuration(load_settings())
        empty = KeyStore(tmp_path / "empty.db", configuration.root_key)
        retention.apply_limits(replace(stores, keystore=empty), SLUG)
        empty.close()
    assert count_sealed(site) == before > 0
