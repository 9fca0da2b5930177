"""`parvis tenants` as a person types it."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from parvis.cli import main

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARVIS_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("PARVIS_TENANTS_DIR", str(ROOT / "tenants"))
    monkeypatch.setenv("PARVIS_POLICIES_DIR", str(ROOT / "policies"))
    monkeypatch.setenv("PARVIS_MODELS_FILE", str(ROOT / "deploy" / "models.yaml"))


@pytest.fixture
def spoiled(tmp_path: Path) -> Path:
    folder = Path(shutil.copytree(ROOT / "tenants", tmp_path / "tenants"))
    file = folder / "habitat.yaml"
    file.write_text(file.read_text("utf-8").replace("sector: ministry", "sector: circus"), "utf-8")
    return folder


def with_own_realms(folder: Path) -> Path:
    """The example agencies in realms that no other test uses."""
    copy = Path(shutil.copytree(ROOT / "tenants", folder / "tenants"))
    for file in copy.glob("*.yaml"):
        file.write_text(file.read_text("utf-8").replace("  realm: ", "  realm: command-"), "utf-8")
    return copy


def test_check_says_what_each_agency_holds(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tenants", "check"]) == 0
    assert "valbourg: 3 assistants, 11 sources" in capsys.readouterr().out


def test_check_names_file_line_and_key_and_exits_1(
    spoiled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tenants", "check", str(spoiled)]) == 1
    assert "tenants/habitat.yaml:15: sector: " in capsys.readouterr().err
    assert main(["tenants", "check", "--json", str(spoiled)]) == 1
    (fault,) = json.loads(capsys.readouterr().out)["faults"]
    assert (fault["file"], fault["line"], fault["key"]) == ("tenants/habitat.yaml", 15, "sector")


def test_check_tells_a_script_which_sources_are_overdue(
    capsys: pytest.CaptureFixture[str], spoiled: Path
) -> None:
    file = spoiled / "habitat.yaml"
    words = file.read_text("utf-8").replace("sector: circus", "sector: ministry")
    file.write_text(words.replace("valid_until: 2027-12-31", "valid_until: 2020-12-31", 1), "utf-8")
    assert main(["tenants", "check", "--json", str(spoiled)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["overdue_sources"] == ["habitat: source prime-fr was valid until 2020-12-31"]


def test_apply_shows_asks_changes_and_then_has_nothing_to_do(
    keycloak: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PARVIS_KEYCLOAK_URL", keycloak.url)
    monkeypatch.setenv("PARVIS_TENANTS_DIR", str(with_own_realms(tmp_path)))
    password = tmp_path / "admin"
    password.write_text(keycloak.admin_password)
    command = ["tenants", "apply", "--admin-user", keycloak.admin_user]
    command += ["--admin-password-file", str(password)]
    assert main([*command, "--dry-run"]) == 0
    assert "+ command-valbourg: realm command-valbourg" in capsys.readouterr().out
    assert main([*command, "--json"]) == 1  # nobody agreed
    told = json.loads(capsys.readouterr().out)
    assert told["changes"]
    assert told["applied"] == 0
    assert main([*command, "--yes"]) == 0
    assert f"applied: {len(told['changes'])}" in capsys.readouterr().out
    assert main(command) == 0
    assert "nothing to change" in capsys.readouterr().out


def test_apply_without_the_right_password_changes_nothing(
    keycloak: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PARVIS_KEYCLOAK_URL", keycloak.url)
    password = tmp_path / "admin"
    password.write_text("wrong")
    command = ["tenants", "apply", "--admin-user", keycloak.admin_user, "--yes"]
    assert main([*command, "--admin-password-file", str(password)]) == 1
    assert "refused the administrator" in capsys.readouterr().err
    assert main([*command, "--admin-password-file", str(tmp_path / "away")]) == 1
    assert "cannot be read" in capsys.readouterr().err
