"""`parvis knowledge` as a person types it."""

import json
import shutil
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from parvis.audit.events import SYSTEM
from parvis.audit.log import AuditLog
from parvis.cli import main
from parvis.cli.audit_open import open_log
from parvis.cli.knowledge_records import SourceRecords
from parvis.db import create_database_engine, upgrade_database
from parvis.errors import AuditUnavailable
from parvis.knowledge import Knowledge, build_encoder
from parvis.knowledge.store import SourceChange
from parvis.settings import create_root_key, load_settings

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def installation(tmp_path: Path, models_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARVIS_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("PARVIS_CACHE_DIR", str(models_dir.parent))
    for name, place in (
        ("TENANTS_DIR", "tenants"),
        ("POLICIES_DIR", "policies"),
        ("MODELS_FILE", "deploy/models.yaml"),
    ):
        monkeypatch.setenv(f"PARVIS_{name}", str(ROOT / place))
    engine = create_database_engine(load_settings().database_url)
    upgrade_database(engine)
    engine.dispose()
    create_root_key(load_settings())


def test_operator_syncs_all_agencies_twice_lists_and_searches(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["knowledge", "sync"]) == 0
    assert "valbourg: 11 added" in capsys.readouterr().out
    assert main(["knowledge", "sync", "--tenant", "valbourg", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["tenant"], report["added"], len(report["unchanged"])) == ("valbourg", [], 11)
    assert main(["knowledge", "list", "--tenant", "valbourg"]) == 0
    assert "carte-identite-fr" in capsys.readouterr().out
    question = "Combien coûte une carte d'identité ?"
    search = ["knowledge", "search", "--tenant", "valbourg", "--language", "fr"]
    assert main([*search, question]) == 0
    assert "14 euros" in capsys.readouterr().out
    assert main([*search, "--json", "--limit", "1", question]) == 0
    assert json.loads(capsys.readouterr().out)["source_id"] == "carte-identite-fr"
    assert main([*search, "Qui a gagné le match de football ?"]) == 0
    assert capsys.readouterr().out == "nothing found\n"


@pytest.mark.parametrize("command", [["sync"], ["list"], ["search", "question"]])
def test_operator_names_an_unknown_agency_and_is_told(
    capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    assert main(["knowledge", *command, "--tenant", "nowhere"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("parvis: ")


def test_a_sync_tells_the_log_what_was_added_changed_and_removed_and_by_whom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "tenants"
    shutil.copytree(ROOT / "tenants", folder)
    monkeypatch.setenv("PARVIS_TENANTS_DIR", str(folder))
    assert main(["knowledge", "sync", "--tenant", "valbourg", "--operator", "ada"]) == 0
    added = list_told()
    assert len(added) == 11 and {one["kind"] for one in added} == {"document.added"}
    assert all(set(one["change"]) == {"after"} and one["actor"]["pid"] for one in added)
    text = next(path for path in (folder / "valbourg").rglob("*.md"))
    text.write_text(text.read_text() + "\nOne line more.\n")
    assert main(["knowledge", "sync", "--tenant", "valbourg", "--operator", "ada"]) == 0
    (changed,) = list_told()[11:]
    (source,) = changed["target"]["documents"]
    before = next(one for one in added if one["target"]["documents"] == [source])
    assert changed["reason"] == "changed" and changed["target"]["records"] > 0
    assert changed["change"]["before"] == before["change"]["after"] != changed["change"]["after"]
    settings = load_settings()
    engine = create_database_engine(settings.database_url)
    with closing_log() as log:
        records = SourceRecords(log, "valbourg", SYSTEM)
        knowledge = Knowledge(engine, build_encoder(settings.models_dir))
        assert len(knowledge.sync("valbourg", [], tell=records.tell).removed) == 11
    engine.dispose()
    gone = list_told()[12:]
    assert {one["kind"] for one in gone} == {"document.removed"} and len(gone) == 11
    assert source in [one["target"]["documents"][0] for one in gone]


def test_sources_stay_as_they_are_while_the_log_takes_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sync = ["knowledge", "sync", "--tenant", "valbourg"]
    with monkeypatch.context() as broken:
        broken.setattr(AuditLog, "wait", refuse)
        assert main(sync) == 1
    main(["knowledge", "list", "--tenant", "valbourg"])
    assert "carte-identite-fr" not in capsys.readouterr().out
    assert main(sync) == 0
    assert "valbourg: 11 added" in capsys.readouterr().out


def test_sources_that_could_not_be_stored_are_told_as_failed() -> None:
    change = SourceChange("card", "", "ab" * 32, 3)
    with closing_log() as log:
        records = SourceRecords(log, "valbourg", SYSTEM)
        with pytest.raises(OSError), records.watching():
            records.tell([change])
            raise OSError
    assert [one["outcome"] for one in list_told()] == ["success", "failed"]


def closing_log() -> AbstractContextManager[AuditLog]:
    return open_log(load_settings(), first=True)


def refuse(*_: object) -> None:
    raise AuditUnavailable


def list_told() -> list[dict[str, Any]]:
    with closing_log() as log:
        found = log.reader.list_records("valbourg", kinds=("document.added", "document.removed"))
        return [dict(one.data) for one in reversed(found)]
