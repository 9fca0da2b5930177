"""What the house finds wrong is an incident in the platform log until somebody closes it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from parvis.audit.events import PLATFORM, UNKNOWN, Draft
from parvis.audit.incidents import FOUND, describe_found, list_incidents
from parvis.audit.log import AuditLog
from parvis.cli import main
from parvis.cli.audit_open import open_log
from parvis.settings import create_root_key, load_settings

KINDS = ("incident.opened", "incident.closed")


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AuditLog]:
    monkeypatch.setenv("PARVIS_DATA_DIR", str(tmp_path))
    create_root_key(load_settings())
    with open_log(load_settings(), first=True) as opened:
        opened.get_log("commune")
        yield opened


def told(log: AuditLog, kinds: tuple[str, ...] = KINDS) -> list[dict[str, Any]]:
    found = log.reader.list_records(PLATFORM, kinds=kinds)
    return [dict(one.data) for one in reversed(found)]


def test_an_operator_opens_an_incident_and_closes_it_once(
    log: AuditLog, capsys: pytest.CaptureFixture[str]
) -> None:
    group = ["audit", "incident"]
    opening = ["--reason", "disk_lost", "--note", "disk 3 of Marie", "--operator", "ada"]
    assert main([*group, "open", *opening]) == 0
    name = capsys.readouterr().out.strip()
    assert main([*group, "list"]) == 0
    assert f"{name}  " in (out := capsys.readouterr().out) and "OPEN  disk_lost" in out
    assert main([*group, "close", name, "--operator", "grace", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["incident"] == name
    assert main([*group, "close", name, "--operator", "grace"]) == 1
    assert "closed already" in capsys.readouterr().err
    assert main([*group, "list"]) == 0 and capsys.readouterr().out == "no open incident\n"
    assert main([*group, "list", "--all", "--json"]) == 0
    (listed,) = json.loads(capsys.readouterr().out)["incidents"]
    assert listed["id"] == name and listed["closed"] > listed["opened"]
    opened, closed = told(log)
    assert opened["target"]["object"] == closed["target"]["object"] == name
    assert opened["actor"]["pid"] != closed["actor"]["pid"]
    assert set(opened["seal"]) == {"note", "user"} and "Marie" not in str(opened)


def test_a_slip_with_incidents_is_told_in_one_line(
    log: AuditLog, capsys: pytest.CaptureFixture[str]
) -> None:
    for words, told_words in (
        (["open", "--reason", "Not a word"], "--reason: expected a word"),
        (["open", "--reason", "x_y", "--note", "n" * 3000], "--note: expected 2000"),
        (["open", "--reason", "x_y", "--tenant", "nowhere"], "no log of this agency"),
        (["close", "i-000000000000"], "no incident of this name"),
    ):
        assert main(["audit", "incident", *words, "--operator", "ada"]) == 1
        err = capsys.readouterr().err
        assert told_words in err and err.count("\n") == 1
    assert told(log) == []


def test_what_is_found_again_is_one_incident(log: AuditLog) -> None:
    for once in ("a", "a", "b"):
        log.append(PLATFORM, describe_found("faults_found", "fsck", once=once, count=2))
    first, second = list_incidents(log.reader, PLATFORM)
    assert first.id != second.id and first.found_by == "fsck"


def test_a_worker_that_asks_for_what_operators_may_is_an_incident_once(log: AuditLog) -> None:
    for _ in range(3):
        with pytest.raises(ValueError, match="not asked at this door"):
            log._call("prune", "commune", 0, "")
    log.get_log("habitat")  # behind it
    (opened,) = told(log)
    assert (opened["reason"], opened["target"]["view"]) == ("wrong_door", "writer")
    assert opened["reason"] in FOUND and opened["actor"] == {"type": "system"}


def test_a_check_of_the_live_logs_is_on_record_with_what_it_found(
    log: AuditLog, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", "fsck", "--operator", "ada", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["recorded"] is True
    (read,) = told(log, ("audit.read",))
    assert read["target"]["view"] == "fsck" and "reason" not in read and read["actor"]["pid"]
    assert told(log) == []
    damage(tmp_path)
    for _ in range(2):
        assert main(["audit", "fsck"]) == 1
    (opened,) = told(log)
    assert (opened["reason"], opened["target"]["tenant"]) == ("faults_found", "commune")
    assert opened["target"]["log"] == log.get_log("commune").id
    assert [one.get("reason") for one in told(log, ("audit.read",))][1:] == ["faults_found"] * 2


def test_what_is_found_after_its_incident_was_closed_is_another_incident(
    log: AuditLog, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(tmp_path)
    for count in (1, 2, 3):
        for _ in range(2):
            assert main(["audit", "fsck"]) == 1
        assert len(found := list_incidents(log.reader, PLATFORM)) == count
        assert [one.closed is None for one in found] == [False] * (count - 1) + [True]
        assert main(["audit", "incident", "close", found[-1].id, "--operator", "ada"]) == 0
    assert len({one.id for one in found}) == 3


def damage(folder: Path) -> None:
    with apsw.Connection(str(folder / "audit" / "audit.db")) as connection:
        (no,) = next(connection.execute("SELECT no FROM log WHERE tenant_id = 'commune'"))
        connection.execute(
            "UPDATE record SET kind = 'log.opened' WHERE log_no = ? AND seq = 0", (no,)
        )


def test_a_check_beside_no_writer_changes_nothing_and_says_so(
    tmp_path: Path, log: AuditLog, capsys: pytest.CaptureFixture[str]
) -> None:
    log.close()
    before = (tmp_path / "audit" / "audit.db").read_bytes()
    assert main(["audit", "fsck"]) == 0
    assert "not on record: no writer of the logs took it" in capsys.readouterr().out
    assert (tmp_path / "audit" / "audit.db").read_bytes() == before


def test_a_log_that_takes_nothing_is_one_incident_however_often_the_writer_starts(
    tmp_path: Path, log: AuditLog
) -> None:
    log.append("commune", Draft("auth.login", UNKNOWN))
    log.close()
    with apsw.Connection(str(tmp_path / "audit" / "audit.db")) as connection:
        connection.execute(
            "DELETE FROM record WHERE seq = 1 AND log_no = "
            "(SELECT no FROM log WHERE tenant_id = 'commune')"
        )
        connection.execute(
            "DELETE FROM block WHERE level = 0 AND place = 1 AND log_no = "
            "(SELECT no FROM log WHERE tenant_id = 'commune')"
        )
    for _ in range(2):
        with open_log(load_settings()) as opened:
            (found,) = told(opened)
            assert (found["reason"], found["target"]["tenant"]) == ("log_stopped", "commune")
    assert main(["audit", "incident", "close", found["target"]["object"], "--operator", "ada"]) == 0
    for _ in range(2):
        with open_log(load_settings()) as opened:
            assert len(told(opened, ("incident.opened",))) == 2


@pytest.mark.parametrize(
    ("command", "kind", "target"),
    [
        (
            ["audit", "anchor", "--tenant", "commune"],
            "audit.exported",
            {"view": "anchor", "tenant": "commune"},
        ),
        (
            ["audit", "witness", "request", "--tenant", "commune", "--out", "OUT/request"],
            "audit.exported",
            {"object": "audit.cosignature", "view": "witness", "tenant": "commune"},
        ),
        (
            ["keys", "backup", "--out", "OUT/keys"],
            "audit.exported",
            {"object": "keystore", "view": "backup"},
        ),
    ],
)
def test_what_an_operator_takes_or_sends_by_hand_is_on_record(
    log: AuditLog, tmp_path: Path, command: list[str], kind: str, target: dict[str, str]
) -> None:
    words = [word.replace("OUT", str(tmp_path)) for word in command]
    assert main([*words, "--operator", "ada"]) == 0
    (found,) = told(log, (kind,))
    assert found["target"] == target and found["actor"]["roles"] == ["operator"]


def test_to_look_at_the_anchors_writes_nothing(log: AuditLog) -> None:
    assert main(["audit", "anchor", "--show"]) == 0
    assert told(log, ("audit.exported", "audit.read")) == []
