"""A session that ends without its person's doing is on record, once, with the reason."""

from pathlib import Path
from typing import Any

import pytest

from parvis.audit.events import PLATFORM
from parvis.audit.log import AuditLog
from parvis.db import create_database_engine, upgrade_database
from parvis.errors import AuditUnavailable
from parvis.identity.keycloak import Keycloak
from parvis.identity.session_states import EndedSession, NewSession
from parvis.identity.sessions import Sessions
from parvis.identity.tokens import TokenVerifier
from parvis.keystore import KeyStore
from parvis.session_ends import build_session_thread, build_teller
from parvis.settings import Settings
from tests.fakes.issuer import Realm
from tests.identity.conftest import Clock, issuer_of

BROWSER = "browser-of-camille"
ENDS = ("session.ended", "session.expired")


class Desk:
    """Sessions of a town over a real log that can be made to take nothing."""

    def __init__(self, folder: Path, town: Realm, keycloak: Keycloak) -> None:
        town.life_s = 300
        self.town, self.clock, self.down = town, Clock(float(town.claims()["iat"])), False
        self.settings = Settings(
            data_dir=folder,
            session_minutes=60,
            session_idle_minutes=30,
            installation="test.example",
        )
        self.engine = create_database_engine(f"sqlite:///{folder / 'parvis.db'}")
        upgrade_database(self.engine)
        self.keystore = KeyStore(folder / "keys.db", b"k" * 32)
        self.audit = AuditLog(
            self.settings.audit_dir, "test.example", b"k" * 32, self.keystore, worker="test"
        )
        self.agencies = {"town"}
        issuers = [issuer_of(town, "town")]
        verifier = TokenVerifier(issuers, keycloak.fetch_keys, skew_s=30, refetch_s=60)
        self.tell = build_teller(self.audit, self.agencies, self.settings)
        self.sessions = Sessions(
            *(self.engine, self.keystore, keycloak, verifier, issuers, self.settings),
            clock=self.clock,
            on_end=self.on_end,
        )

    def on_end(self, ended: EndedSession) -> None:
        if self.down:
            raise AuditUnavailable
        self.tell(ended)

    def log_in(self) -> NewSession:
        url = self.sessions.begin_login("town", BROWSER, "/")
        return self.sessions.finish_login(**self.town.log_in(url), browser_id=BROWSER)

    def ends(self, log: str = "town") -> list[dict[str, Any]]:
        if log not in self.audit.reader.list_tenants():
            return []
        found = self.audit.reader.list_records(log, kinds=ENDS)
        return [dict(one.data) for one in reversed(found)]

    def close(self) -> None:
        self.audit.close()
        self.keystore.close()
        self.engine.dispose()


@pytest.fixture
def desk(tmp_path: Path, town: Realm, keycloak_client: Keycloak) -> Any:
    made = Desk(tmp_path, town, keycloak_client)
    yield made
    made.close()


def told(desk: Desk, log: str = "town") -> list[tuple[str, str, str]]:
    return [(one["kind"], one["reason"], one["target"]["session"]) for one in desk.ends(log)]


def test_a_session_that_ran_out_is_recorded_when_it_is_used_or_swept(desk: Desk) -> None:
    used, swept = desk.log_in(), desk.log_in()
    desk.clock.forward(1801)
    assert desk.sessions.find_session(used.id) is None
    assert told(desk) == [("session.expired", "idle", used.ref)]
    assert desk.sessions.purge_expired() == 1
    assert told(desk)[1:] == [("session.expired", "idle", swept.ref)]
    assert desk.sessions.purge_expired() == 0 and len(told(desk)) == 2
    assert desk.ends()[0]["actor"] == {"type": "system"}


def test_a_thread_ends_what_ran_out_while_nobody_looks(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("parvis.session_ends._EVERY_S", 0.01)
    desk.log_in()
    desk.clock.forward(3601)
    thread = build_session_thread(desk.sessions, desk.settings)
    while not desk.ends():
        pass
    thread.close()
    assert [one["reason"] for one in desk.ends()] == ["too_old"]


def test_a_session_that_keycloak_withdrew_and_one_that_was_replaced_are_recorded(
    desk: Desk,
) -> None:
    withdrawn, replaced = desk.log_in(), desk.log_in()
    desk.sessions.replace_session(replaced.id)
    assert told(desk) == [("session.ended", "replaced", replaced.ref)]
    desk.town.refreshes.clear()
    desk.clock.forward(290)
    assert desk.sessions.find_session(withdrawn.id) is None
    assert told(desk)[1:] == [("session.ended", "withdrawn", withdrawn.ref)]


def test_a_session_whose_end_cannot_be_recorded_is_over_and_told_later(desk: Desk) -> None:
    ran_out, replaced = desk.log_in(), desk.log_in()
    desk.down = True
    desk.sessions.replace_session(replaced.id)
    assert desk.sessions.find_session(replaced.id) is None
    desk.clock.forward(1801)
    assert desk.sessions.find_session(ran_out.id) is None
    assert desk.sessions.purge_expired() == 0 and told(desk) == []
    desk.down = False
    assert desk.sessions.purge_expired() == 2
    assert sorted(told(desk)) == sorted(
        [("session.expired", "idle", ran_out.ref), ("session.ended", "late", replaced.ref)]
    )


def test_an_agency_that_left_has_its_sessions_told_in_the_platform_s_log(desk: Desk) -> None:
    left = desk.log_in()
    desk.agencies.clear()
    desk.clock.forward(1801)
    assert desk.sessions.purge_expired() == 1
    assert told(desk) == [] and told(desk, PLATFORM) == [("session.expired", "idle", left.ref)]
    assert desk.ends(PLATFORM)[0]["target"]["tenant"] == "town"
