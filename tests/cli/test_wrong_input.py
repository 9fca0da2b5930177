"""What an operator reads after a slip: one line that says what was expected, and no trace."""

from pathlib import Path

import pytest

from parvis.audit.events import Actor, Draft
from parvis.cli import main
from tests.fakes.installation import Installation, build_installation
from tests.fakes.model_server import FakeModelServer


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    with FakeModelServer() as server:
        installation = build_installation(tmp_path_factory.mktemp("gateway"), server)
        installation.services.audit.append("valbourg", Draft("auth.logout", Actor("person", "x")))
        installation.services.close()
    return installation


@pytest.fixture
def gateway(made: Installation, monkeypatch: pytest.MonkeyPatch) -> Installation:
    settings = made.services.settings
    for name in ("data_dir", "tenants_dir", "policies_dir", "models_file", "keycloak_url"):
        monkeypatch.setenv(f"PARVIS_{name.upper()}", str(getattr(settings, name)))
    return made


@pytest.mark.parametrize(
    "given",
    [
        ["audit", "anchor", "--show"],
        ["audit", "head"],
        ["audit", "rotate", "--ground", "schedule", "--operator", "ada"],
        ["audit", "witness", "request", "--out", "request.txt"],
    ],
    ids=lambda given: " ".join(given[1:3]),
)
def test_an_operator_names_no_agency_and_is_told_how_to_list_the_logs(
    gateway: Installation,
    given: list[str],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([*given, "--tenant", "nowhere"]) == 1
    told = capsys.readouterr().err
    assert told == "parvis: no log of this agency: `parvis audit fsck` lists them\n"


def test_an_operator_asks_for_sources_of_no_agency_and_is_told_where_agencies_are(
    gateway: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["knowledge", "list", "--tenant", "nowhere"]) == 1
    told = capsys.readouterr().err
    assert told.startswith("parvis: no agency of this name in PARVIS_TENANTS_DIR")
    assert "valbourg" in told


def test_an_operator_backs_up_to_a_place_that_cannot_be_written_and_reads_one_line(
    gateway: Installation, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")
    assert main(["keys", "backup", "--out", str(tmp_path / "file")]) == 1
    told = capsys.readouterr().err
    assert told == f"parvis: {tmp_path / 'file'}: File exists\n"


def test_an_operator_mistypes_the_address_and_reads_the_variables_name(
    gateway: Installation, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARVIS_LISTEN", "8080")
    assert main(["check"]) == 1
    told = capsys.readouterr().err
    assert told == "settings: PARVIS_LISTEN: expected ADDRESS:PORT, for example 127.0.0.1:8080\n"


def test_check_cannot_read_the_databases_address_and_names_its_variable(
    gateway: Installation, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARVIS_DATABASE_URL", "nonsense://user:secret@host/parvis")
    assert main(["check"]) == 1
    told = capsys.readouterr().err
    assert "settings: PARVIS_DATABASE_URL: expected " in told
    assert "secret" not in told
