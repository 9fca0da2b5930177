"""What an operator reads after a slip: one line that says what was expected, and no trace."""

import io
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


OPERATOR = ("--operator", "ada")
HOLD = ("hold", "place", "--reason", "litigation", *OPERATOR)
SLIPS: list[tuple[list[str], str]] = [
    (["audit", "export", "--out", "new", "--from", "yesterday"], "--from: expected 2026-11-01"),
    (["audit", "export", "--out", "new", "--to", "2026-11-01T08:00"], "--to: the time has no zone"),
    (
        ["audit", "export", "--out", "new", "--from", "0001-01-01"],
        "--from: expected a time between",
    ),
    (
        ["audit", "export", "--out", "new", "--from", "2026-11-02", "--to", "2026-11-01"],
        "--from: expected a time before --to",
    ),
    (["audit", "export", "--out", "new", "--log", "zz"], "--log: expected the 32 hex digits"),
    (["audit", "export", "--out", "new", "--log", "0" * 32], "--log: the agency has no such log"),
    (["audit", "export", "--out", "a folder"], "the folder of --out exists already"),
    (["audit", "export", "--out", "not.text/new"], "Not a directory"),
    (["audit", "proof", "v1.wrong"], "no record fits this receipt"),
    (["audit", "witness", "request", "--out", "a folder"], "a folder: Is a directory"),
    (["audit", "witness", "request", "--out", "r", "--old", "9999"], "the log is shorter"),
    (["audit", "witness", "request", "--out", "r", "--old", "-1"], "argument --old: expected"),
    (["audit", "witness", "accept", "not.text", "not.text"], "REQUEST is not what"),
    (["audit", "witness", "accept", "missing", "missing"], "missing cannot be read"),
    (["audit", "compromised", "--since", "x", "--reason", "stolen", *OPERATOR], "whole number"),
    (
        ["audit", "compromised", "--since", "9" * 40, "--reason", "stolen", *OPERATOR],
        "--since: expected a whole number",
    ),
    (["audit", "rotate", "--ground", "why", *OPERATOR], "argument --ground: invalid choice"),
    (["audit", "rotate", "--ground", "schedule", "--operator", "é"], "an operator's name has"),
    (["subject", "find", *OPERATOR], "--person --receipt --conversation is required"),
    (["subject", "find", "--conversation", "none", *OPERATOR], "no such conversation"),
    (["subject", "erase", "--confirm", "none", *OPERATOR], "no such erasure"),
    ([*HOLD, "--case", "c", "--until", "soon"], "--until: expected 2026-11-01"),
    ([*HOLD, "--case", "c", "--until", "2020-01-01"], "a hold ends in the future"),
    ([*HOLD, "--until", "2030-01-01"], "say what: --person"),
    ([*HOLD, "--from", "2026-01-01", "--until", "2030-01-01"], "a period needs --from and --to"),
    (["hold", "lift", "none", *OPERATOR], "no such hold"),
]


@pytest.mark.parametrize(("given", "words"), SLIPS, ids=lambda one: " ".join(one)[:60])
def test_an_operator_slips_and_reads_one_line_that_says_what_was_expected(
    gateway: Installation,
    given: list[str],
    words: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a folder").mkdir()
    (tmp_path / "not.text").write_bytes(b"\xff\x00\n")
    named = given if given[1] == "proof" else [*given, "--tenant", "valbourg"]
    try:
        code = main(named)
    except SystemExit as slip:
        code = int(str(slip.code))
    told = capsys.readouterr().err
    assert code in {1, 2}
    assert words in told
    assert told.startswith("parvis") and told.count("\n") == 1


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("PARVIS_DATABASE_URL", "sqlite:///{}/new.db", "run `parvis db upgrade`"),
        ("PARVIS_DATABASE_URL", "postgresql+psycopg://x@127.0.0.1:1/x", "PARVIS_DATABASE_URL"),
        ("PARVIS_MODELS_FILE", "{}/empty", "the file is empty or holds something else"),
        ("PARVIS_DATA_DIR", "{}/nowhere", "PARVIS_SECRET_KEY_FILE: missing"),
        ("PARVIS_DATA_DIR", "{}/latin", "settings.env: not UTF-8"),
    ],
)
def test_an_operator_whose_settings_are_wrong_reads_which_one(
    gateway: Installation,
    setting: str,
    value: str,
    words: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "latin").mkdir()
    (tmp_path / "latin" / "settings.env").write_bytes(b"PARVIS_LISTEN=\xe9\n")
    monkeypatch.setenv(setting, value.format(tmp_path))
    assert main(["retention", "run"]) == 1
    told = capsys.readouterr().err
    assert words in told and told.count("\n") == 1


def test_a_log_in_a_database_that_is_away_is_told_by_its_setting(
    gateway: Installation, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARVIS_AUDIT_DATABASE_URL", "postgresql://x@127.0.0.1:1/x")
    assert main(["audit", "fsck"]) == 1
    told = capsys.readouterr().err
    assert "PARVIS_AUDIT_DATABASE_URL" in told and told.count("\n") == 1


def test_a_receipt_that_is_no_text_on_standard_input_fits_no_record(
    gateway: Installation, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\xff\xfe\n")))
    assert main(["audit", "proof", "-"]) == 1
    assert capsys.readouterr().err == "parvis: no record fits this receipt\n"


@pytest.mark.parametrize(
    "group",
    ["audit", "audit witness", "audit feed", "subject", "retention", "hold", "keys", "knowledge"],
)
def test_the_help_of_a_group_shows_an_example(
    group: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*group.split(), "--help"])
    assert ended.value.code == 0
    assert "example: " in capsys.readouterr().out
