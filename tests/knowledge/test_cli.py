"""`parvis knowledge` as a person types it."""

import json
from pathlib import Path

import pytest

from parvis.cli import main
from parvis.db import create_database_engine, upgrade_database
from parvis.settings import load_settings

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
