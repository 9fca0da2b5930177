"""The unit files of `deploy/systemd`: each command, setting and directive in them is a real one."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from parvis.audit.process import EXIT_INCONSISTENT
from parvis.cli import build_parser
from parvis.cli.serve import DRAIN_S, server_options
from parvis.settings import Settings, env_name, load_settings, read_env_file

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "systemd"
UNITS = sorted(path for path in FOLDER.iterdir() if path.suffix in {".service", ".timer"})
PROGRAM = "/opt/parvis/bin/parvis"
# systemd.unit, .service, .exec, .kill and .timer(5), version 252: what these files use of them
DIRECTIVES = {
    "Unit": "Description Documentation Wants After RequiresMountsFor StartLimitIntervalSec",
    "Service": "Type User Group SupplementaryGroups EnvironmentFile WorkingDirectory ExecStart "
    "Restart RestartSec RestartPreventExitStatus KillMode KillSignal TimeoutStartSec "
    "TimeoutStopSec StateDirectory StateDirectoryMode RuntimeDirectory RuntimeDirectoryMode "
    "RuntimeDirectoryPreserve UMask LimitNOFILE LimitCORE Nice NoNewPrivileges "
    "CapabilityBoundingSet AmbientCapabilities ProtectSystem ReadWritePaths InaccessiblePaths "
    "ProtectHome ProtectProc ProtectClock ProtectHostname ProtectControlGroups "
    "ProtectKernelLogs ProtectKernelModules ProtectKernelTunables PrivateDevices PrivateTmp "
    "RestrictAddressFamilies RestrictNamespaces RestrictRealtime RestrictSUIDSGID "
    "LockPersonality RemoveIPC SystemCallArchitectures SystemCallFilter SystemCallErrorNumber",
    "Timer": "OnCalendar RandomizedDelaySec Persistent",
    "Install": "WantedBy",
}
HARDENED = {
    "NoNewPrivileges": "yes",
    "CapabilityBoundingSet": "",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "RestrictSUIDSGID": "yes",
    "LimitCORE": "0",
    "UMask": "0077",
}


def read_unit(path: Path) -> dict[str, list[str]]:
    """Its directives by name; an unknown one fails."""
    found: dict[str, list[str]] = {}
    section = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            name, _, value = line.partition("=")
            assert name in DIRECTIVES[section].split(), f"{path.name}: [{section}] {name}"
            found.setdefault(name, []).append(value)
    return found


SERVICES = {path.stem: read_unit(path) for path in UNITS if path.suffix == ".service"}


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_has_only_directives_that_systemd_knows(path: Path) -> None:
    unit = read_unit(path)
    if path.suffix == ".timer":
        assert path.with_suffix(".service") in UNITS
        return
    for start in unit["ExecStart"]:
        program, *arguments = shlex.split(start)
        assert program == PROGRAM
        assert callable(build_parser().parse_args(arguments).run)
    assert {name: unit[name][0] for name in HARDENED} == HARDENED


@pytest.mark.parametrize("name", ["parvis.env", "writer.env"])
def test_an_environment_file_names_settings_that_exist_and_fit_together(name: str) -> None:
    given = read_env_file(FOLDER / name)
    assert set(given) <= {env_name(field) for field in Settings.model_fields}
    assert load_settings(given).audit_writer == "apart"


def test_writer_and_gateway_are_two_users_that_share_sockets_alone() -> None:
    gateway, writer = SERVICES["parvis"], SERVICES["parvis-audit"]
    settings = {
        name: load_settings(read_env_file(FOLDER / name)) for name in ("parvis.env", "writer.env")
    }
    for one in settings.values():
        assert [one.audit_gateway_user] == gateway["User"]
        assert [one.audit_writer_user] == writer["User"]
        assert [one.audit_operators_group] == writer["SupplementaryGroups"]
        assert one.audit_doors_dir == Path("/run", writer["RuntimeDirectory"][0])
    assert gateway["User"] != writer["User"]
    assert gateway["Group"] == writer["Group"]  # the group of the sockets' folder
    assert "SupplementaryGroups" not in gateway
    assert writer["RuntimeDirectoryPreserve"] == ["yes"]  # else the living would count as dead
    hidden = gateway["InaccessiblePaths"][0].replace("-/", "/").split()
    assert {"/var/lib/parvis-audit", "/srv/parvis-heads"} <= set(hidden)
    assert settings["writer.env"].data_dir == Path("/var/lib/parvis-audit")


def test_commands_by_time_run_in_the_operators_group_and_not_in_the_gateways() -> None:
    for name in ("parvis-retention", "parvis-backup"):
        assert SERVICES[name]["User"] == SERVICES["parvis"]["User"]
        assert SERVICES[name]["Group"] == SERVICES["parvis-audit"]["SupplementaryGroups"]


def test_the_gateway_is_stopped_before_its_writer_and_given_time_to_drain() -> None:
    gateway = SERVICES["parvis"]
    assert "parvis-audit.service" in gateway["After"][0].split()
    assert gateway["KillSignal"] == ["SIGTERM"]
    assert gateway["KillMode"] == ["mixed"]  # workers are told by the parent, once
    waits = server_options(load_settings({}))["graceful_timeout"]
    assert int(gateway["TimeoutStopSec"][0]) > waits > DRAIN_S


def test_a_writer_that_waits_as_a_reserve_is_never_given_up_but_one_that_found_a_fault_is() -> None:
    for unit in (SERVICES["parvis"], SERVICES["parvis-audit"]):
        assert unit["Restart"] == ["always"]
        assert unit["StartLimitIntervalSec"] == ["0"]
    assert SERVICES["parvis-audit"]["RestartPreventExitStatus"] == [str(EXIT_INCONSISTENT)]


def test_systemd_itself_takes_the_units_where_it_is_there() -> None:
    program = shutil.which("systemd-analyze")
    if program is None:  # a machine without systemd: the tests above have read every line
        return
    told = subprocess.run(
        [program, "verify", *map(str, UNITS)], capture_output=True, text=True, check=False
    ).stderr
    faults = [
        line for line in told.splitlines() if re.search(r"/parvis[-a-z]*\.\w+:|Unknown", line)
    ]
    assert not faults, faults


def test_every_file_there_is_told_of_in_the_guide() -> None:
    guide = (FOLDER.parents[1] / "docs" / "operate.md").read_text(encoding="utf-8")
    assert all(path.name in guide for path in FOLDER.iterdir()), "docs/operate.md"
