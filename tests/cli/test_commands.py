"""The `parvis` command: exit codes, one message for all faults, and help with an example."""

import argparse
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from parvis.audit.events import PLATFORM, Actor, Draft
from parvis.audit.incidents import describe_closed, describe_found
from parvis.audit.reader import AuditReader
from parvis.cli import build_parser, main
from parvis.cli.retention import apply_retention
from parvis.compliance.store import ComplianceStore
from parvis.db import create_database_engine, get_head_revision
from parvis.domain import Principal, Role
from parvis.errors import NotFound
from parvis.monitoring import looks
from parvis.settings import load_settings
from parvis.tables import ConversationRow
from tests.fakes.installation import Installation, build_installation
from tests.fakes.model_server import FakeModelServer


@pytest.fixture
def gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    with FakeModelServer() as server:
        installation = build_installation(tmp_path, server)
        settings = installation.services.settings
        for name in ("data_dir", "tenants_dir", "policies_dir", "models_file", "keycloak_url"):
            monkeypatch.setenv(f"PARVIS_{name.upper()}", str(getattr(settings, name)))
        yield installation
        installation.services.close()


def leaves(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    groups = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    if not groups:
        yield parser
    for group in groups:
        for child in group.choices.values():
            yield from leaves(child)


def test_every_command_explains_itself_with_an_example() -> None:
    found = list(leaves(build_parser()))
    assert len(found) >= 15
    for parser in found:
        assert parser.epilog, parser.prog
        assert "example" in parser.epilog, parser.prog
        assert callable(parser.get_default("run")), parser.prog


def test_check_names_a_log_that_has_nearly_used_its_share(
    gateway: Installation, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway.services.audit.append("valbourg", Draft("auth.logout", Actor("person", "x")), 10)
    assert main(["check"]) == 1
    assert "MB are used" not in capsys.readouterr().err
    monkeypatch.setenv("PARVIS_AUDIT_AGENCY_GB", "0.0000001")
    assert main(["check"]) == 1
    assert "valbourg audit.disk_mb: 0 of 0 MB are used" in capsys.readouterr().err


def test_check_names_what_is_wrong_all_at_once(
    gateway: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check"]) == 1
    told = capsys.readouterr().err
    # Keycloak is not there: one fault for each realm, and nothing else
    assert told.count("keycloak: realm ") == 3
    assert len(told.strip().splitlines()) == 3


def test_check_hints_at_incidents_until_they_are_closed(
    gateway: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    audit = gateway.services.audit
    opened = describe_found("faults_found", "fsck", once="a")
    audit.append(PLATFORM, opened, 10)
    assert main(["check"]) == 1
    told = capsys.readouterr()
    assert f"hint: {PLATFORM}: incident {opened.target['object']} (faults_found)" in told.out
    assert len(told.err.strip().splitlines()) == 3, "no fault more than without it"
    assert main(["check", "--json"]) == 1
    (hint,) = json.loads(capsys.readouterr().out)["hints"]
    assert "parvis audit incident list" in hint
    actor = Actor("person", "operator:ada")
    audit.append(PLATFORM, describe_closed(actor, opened.target["object"], ""), 10)
    main(["check"])
    assert "hint" not in capsys.readouterr().out


def test_check_and_monitoring_see_the_same_overdue_holds(
    gateway: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    services, past = gateway.services, datetime.now(UTC) - timedelta(days=1)
    services.audit.get_log("departed")
    store = ComplianceStore(services.engine)
    for slug in ("valbourg", "departed"):
        store.add_hold(slug, "case", "", reason="audit", owner="operator:ada", until=past)
    main(["check"])
    told = capsys.readouterr().err
    assert [told.count(f"holds: {slug} h-") for slug in ("valbourg", "departed")] == [1, 1]
    samples = dict(looks.look(services))[looks.OVERDUE]
    seen = {one.labels: one.value for one in samples}
    assert seen[("valbourg",)] == seen[("departed",)] == 1
    assert (PLATFORM,) not in seen


def test_check_names_faults_of_several_files_in_one_message(
    gateway: Installation,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("models: 3\n")
    monkeypatch.setenv("PARVIS_MODELS_FILE", str(broken))
    monkeypatch.setenv("PARVIS_POLICIES_DIR", str(tmp_path / "nowhere"))
    assert main(["check"]) == 1
    told = capsys.readouterr().err
    assert "broken.yaml:1" in told
    assert "nowhere" in told


def test_db_upgrade_makes_key_and_schema_and_can_be_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PARVIS_DATA_DIR", str(tmp_path / "new"))
    assert main(["db", "upgrade"]) == 0
    head = get_head_revision(create_database_engine(load_settings().database_url))
    assert f"empty -> {head}" in capsys.readouterr().out
    assert main(["db", "upgrade"]) == 0
    assert f"{head} -> {head}" in capsys.readouterr().out
    assert load_settings().secret_key_file.exists()  # type: ignore[union-attr]


def test_retention_erases_what_is_over_and_records_it(gateway: Installation) -> None:
    services = gateway.services
    anna = Principal("valbourg", "anna", "portal", "person", frozenset({Role.CIVIL_SERVANT}))
    kept = services.conversations.start_conversation(anna, "valbourg-agents", "de", days=30)
    over = services.conversations.start_conversation(anna, "valbourg-agents", "de", days=30)
    past = datetime.now(UTC) - timedelta(days=1)
    with services.engine.begin() as connection:
        table = ConversationRow.__table__  # type: ignore[attr-defined]
        connection.execute(table.update().where(table.c.id == over).values(expires_at=past))
    exports = services.settings.data_dir / "exports" / "valbourg"
    (exports / "old").mkdir(parents=True)
    (exports / "new").mkdir()
    os.utime(exports / "old", (0, 0))
    assert apply_retention(gateway.configuration)["valbourg"].conversations == 1
    assert [folder.name for folder in exports.iterdir()] == ["new"]
    assert services.conversations.get_conversation(anna, kept)
    with pytest.raises(NotFound):
        services.conversations.get_conversation(anna, over)
    reader = AuditReader(services.settings.audit_dir)
    (record,) = reader.list_records("valbourg", kinds=["retention.pruned"])
    assert record.data["target"]["records"] == 1


def test_a_wrong_setting_is_one_line_and_exit_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("PARVIS_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("PARVIS_WORKERS", "many")
    assert main(["db", "upgrade"]) == 1
    assert capsys.readouterr().err.startswith("settings: PARVIS_WORKERS: ")
