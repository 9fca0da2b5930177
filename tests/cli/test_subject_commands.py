"""`parvis subject`, `hold`, `keys backup` and `retention run`, as operators type them."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from parvis.audit.files import LockFile
from parvis.cli import main
from parvis.cli.keys import write_backup
from parvis.domain import Principal, Role
from parvis.keystore import KeyStore
from parvis.services import load_configuration
from parvis.settings import load_settings
from parvis.subjects.stores import open_stores

REPOSITORY = Path(__file__).resolve().parents[2]
ANNA = Principal("valbourg", "anna-8f2c", "portal", "person", frozenset({Role.CIVIL_SERVANT}))
UNTIL = f"{datetime.now(UTC) + timedelta(days=90):%Y-%m-%d}"


@pytest.fixture
def conversation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An installation where Anna has asked something."""
    monkeypatch.setenv("PARVIS_DATA_DIR", str(tmp_path / "data"))
    for name in ("tenants", "policies"):
        monkeypatch.setenv(f"PARVIS_{name.upper()}_DIR", str(REPOSITORY / name))
    monkeypatch.setenv("PARVIS_MODELS_FILE", str(REPOSITORY / "deploy/models.yaml"))
    assert main(["db", "upgrade"]) == 0
    with open_stores(load_configuration(load_settings()), worker="test") as stores:
        made = stores.conversations.start_conversation(ANNA, "valbourg-agents", "de", days=30)
        stores.conversations.begin_turn(ANNA, made, "1", "Wie melde ich mich um?")
    return made


def run(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    capsys.readouterr()
    assert main([*words]) == code
    told = capsys.readouterr()
    return told.err if code else told.out


def test_an_operator_finds_copies_and_erases_a_person_with_a_second_one(
    conversation: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    whose = ("--tenant", "valbourg", "--person", ANNA.subject)
    kept = json.loads(run(capsys, "subject", "find", *whose, "--operator", "ada", "--json"))
    assert kept["conversations"][0]["id"] == conversation
    out = str(tmp_path / "copy")
    copy = ("subject", "export", *whose, "--out", out, "--operator", "ada", "--language", "lb")
    assert "another person" in run(capsys, *copy, "--second", "ada", code=1)
    run(capsys, *copy, "--second", "grace")
    assert "Wie melde ich mich um?" in (tmp_path / "copy/person.json").read_text(encoding="utf-8")
    asking = ("subject", "erase", *whose, "--operator", "ada")
    assert "--ground is missing" in run(capsys, *asking, code=1)
    asked = json.loads(run(capsys, *asking, "--ground", "gdpr-17.1.c", "--json"))["erasure"]
    confirm = ("subject", "erase", "--tenant", "valbourg", "--confirm", asked, "--operator")
    assert "another person must" in run(capsys, *confirm, "ada", code=1)
    told = run(capsys, *confirm, "grace")
    assert "1 conversations" in told and "complete on" in told and "receipt v1." in told
    empty = json.loads(run(capsys, "subject", "find", *whose, "--operator", "ada", "--json"))
    assert empty["conversations"] == empty["sealed"] == []


def test_a_hold_refuses_an_erasure_with_its_ground_and_date_until_it_is_lifted(
    conversation: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tenant = ("--tenant", "valbourg")
    placing = ("hold", "place", *tenant, "--conversation", conversation, "--case", "AZ-1")
    placed = run(
        *(
            capsys,
            *placing,
            "--reason",
            "litigation",
            "--until",
            UNTIL,
            "--operator",
            "ada",
            "--json",
        )
    )
    hold = json.loads(placed)["id"]
    whose = (*tenant, "--person", ANNA.subject, "--ground", "gdpr-17.1.c")
    asked = run(capsys, "subject", "erase", *whose, "--operator", "ada", "--json")
    confirm = (*tenant, "--confirm", json.loads(asked)["erasure"], "--operator", "grace")
    refused = run(capsys, "subject", "erase", *confirm, code=1)
    assert hold in refused and "gdpr-17.3.e" in refused and UNTIL in refused
    assert hold in run(capsys, "hold", "list", *tenant)
    assert "valbourg: 0 conversations" in run(capsys, "retention", "run")
    assert "lifted" in run(capsys, "hold", "lift", *tenant, hold, "--operator", "ada")
    gone = json.loads(run(capsys, "retention", "run", "--json"))["valbourg"]
    assert gone["erasures"] == [json.loads(asked)["erasure"]]
    assert run(capsys, "hold", "list", *tenant) == ""


def test_of_two_retention_runs_at_once_the_second_says_so_and_does_nothing(
    conversation: str, capsys: pytest.CaptureFixture[str]
) -> None:
    data_dir = load_settings().data_dir
    lock = LockFile(data_dir / "retention.lock")
    assert lock.try_take()
    assert "under way" in run(capsys, "retention", "run", code=1)
    lock.close()
    assert "valbourg: 0 conversations" in run(capsys, "retention", "run")


REFUSED = {
    "the reason is one of": ("--person", "x", "--reason", "because", "--until", UNTIL),
    "in the future": ("--person", "x", "--reason", "audit", "--until", "2020-01-01"),
    "say what": ("--reason", "audit", "--until", UNTIL),
    "--from and --to": ("--from", UNTIL, "--reason", "audit", "--until", UNTIL),
}


def test_a_hold_that_says_too_little_is_refused(
    conversation: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for told, words in REFUSED.items():
        placing = ("hold", "place", "--tenant", "valbourg", *words, "--operator", "ada")
        assert told in run(capsys, *placing, code=1)


def test_copies_of_the_key_store_do_not_outlive_their_days(tmp_path: Path) -> None:
    store = KeyStore(tmp_path / "keys.db", bytes(32))
    store.get_key("a", "conversation", "1")
    now = datetime(2026, 11, 22, 3, tzinfo=UTC)
    folder = tmp_path / "copies"
    first, _ = write_backup(store, folder, 30, now)
    (folder / "notes.txt").write_text("not ours")
    assert write_backup(store, folder, 30, now + timedelta(days=30))[1] == []
    _, removed = write_backup(store, folder, 30, now + timedelta(days=30, seconds=1))
    assert removed == [first] and (folder / "notes.txt").exists()
    assert len(list(folder.glob("keys-*.db"))) == 2
    store.close()
