"""Who may come in by which door, and a set-up with two users that is whole or refused."""

import os
import socket
from pathlib import Path

import pytest

from parvis.audit import wire
from parvis.audit.doors import Doors, DoorsWrong, plan_doors
from parvis.audit.faults import describe_fault
from parvis.errors import AuditUnavailable, ConfigurationFaults
from parvis.settings import load_settings
from tests.audit.houses import House

WRITER, GATEWAY, OPERATORS, STRANGER = os.geteuid(), 70_001, 70_002, 70_003
WHOLE = {
    "PARVIS_AUDIT_WRITER": "apart",
    "PARVIS_AUDIT_DATABASE_URL": "postgresql://logs.test/logs",
    "PARVIS_AUDIT_DOORS_DIR": "/run/parvis-audit",
    "PARVIS_AUDIT_WRITER_USER": str(WRITER),
    "PARVIS_AUDIT_GATEWAY_USER": str(GATEWAY),
    "PARVIS_AUDIT_OPERATORS_GROUP": str(OPERATORS),
}
# user, group, may come in as a worker, as an operator
PEERS = {
    "the gateway": (GATEWAY, GATEWAY, True, False),
    "a command of the gateway's user in the operators' group": (GATEWAY, OPERATORS, True, True),
    "the writer's own user": (WRITER, GATEWAY, True, True),
    "another user": (STRANGER, GATEWAY, False, False),
    "another user in the operators' group": (STRANGER, OPERATORS, False, True),
}


@pytest.mark.parametrize(("user", "group", "works", "operates"), PEERS.values(), ids=PEERS)
def test_each_door_opens_to_its_own(
    monkeypatch: pytest.MonkeyPatch, user: int, group: int, works: bool, operates: bool
) -> None:
    doors = plan_doors(load_settings(WHOLE))
    monkeypatch.setattr(wire, "ask_peer", lambda _: (user, group))
    with socket.socket(socket.AF_UNIX) as line:
        for of_worker, admitted in ((True, works), (False, operates)):
            if admitted:
                doors.admit(line, of_worker=of_worker)
            else:
                with pytest.raises(PermissionError):
                    doors.admit(line, of_worker=of_worker)


def test_doors_of_one_user_open_to_nobody_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(wire, "ask_peer", lambda _: (STRANGER, os.getegid()))
    with socket.socket(socket.AF_UNIX) as line, pytest.raises(PermissionError):
        Doors(tmp_path).admit(line, of_worker=True)


@pytest.mark.parametrize("name", WHOLE)
def test_a_part_of_the_set_up_for_two_users_is_refused_by_name(name: str) -> None:
    assert plan_doors(load_settings(WHOLE)).shared
    with pytest.raises(ConfigurationFaults) as faults:
        load_settings({key: value for key, value in WHOLE.items() if key != name})
    assert "PARVIS_AUDIT_DOORS_DIR" in str(faults.value) or name in str(faults.value)


@pytest.mark.parametrize("name", ["WRITER_USER", "GATEWAY_USER", "OPERATORS_GROUP"])
def test_a_user_or_group_that_the_machine_does_not_know_is_named(name: str) -> None:
    settings = load_settings(WHOLE | {f"PARVIS_AUDIT_{name}": "no-such-name"})
    with pytest.raises(ConfigurationFaults, match=f"PARVIS_AUDIT_{name}: no such"):
        plan_doors(settings)


def test_a_folder_of_sockets_that_others_may_change_is_refused_in_words(tmp_path: Path) -> None:
    doors = Doors(tmp_path, WRITER, GATEWAY, os.getegid())
    tmp_path.chmod(0o751)
    doors.prepare()
    for mode in (0o771, 0o753, 0o755):
        tmp_path.chmod(mode)
        with pytest.raises(DoorsWrong) as wrong:
            doors.prepare()
        assert "must belong to the writer's user, mode 0751" in describe_fault(wrong.value)


def test_a_database_that_is_none_is_told_in_words(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.open()
    house.close()
    (house.audit_dir / "audit.db").write_bytes(b"not a database" * 512)
    for rest in house.audit_dir.glob("audit.db-*"):
        rest.unlink()
    with pytest.raises(AuditUnavailable) as told:
        house.open()
    house.shut()
    assert "opened: the database cannot be read or written (NotADBError)." in str(told.value)
