"""What an operator changes in Keycloak is on record before it is changed."""

from pathlib import Path
from typing import Any

import pytest

from parvis.audit.events import SYSTEM
from parvis.cli.audit_open import open_log
from parvis.cli.tenants_records import on_record
from parvis.identity.provisioning import Change
from parvis.settings import Settings, create_root_key, load_settings

SLUGS = {"r-valbourg": "valbourg", "r-habitat": "habitat"}
CHANGES = [
    Change("r-valbourg", "role", "auditor", "create", {"name": (None, "auditor")}),
    Change("r-habitat", "client", "portal", "update", {"redirect": ("a", "b")}),
    Change("r-habitat", "realm", "r-habitat", "update", {"languages": (["fr"], ["fr", "de"])}),
]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    found = load_settings({"PARVIS_DATA_DIR": str(tmp_path)})
    create_root_key(found)
    return found


def told(settings: Settings, slug: str) -> list[dict[str, Any]]:
    with open_log(settings) as log:
        found = log.reader.list_records(slug, kinds=("admin.changed",))
        return [dict(one.data) for one in reversed(found)]


def test_changes_are_told_before_they_are_made_and_again_when_they_fail(settings: Settings) -> None:
    with open_log(settings, first=True) as log:
        log.get_log("habitat")
    with on_record(settings, CHANGES, SLUGS, SYSTEM) as recorded:
        assert recorded
        (made,) = told(settings, "valbourg")
    assert made["target"] == {"object": "realm", "records": 1, "tenant": "valbourg"}
    assert set(made["change"]) == {"after"}
    (changed,) = told(settings, "habitat")
    assert changed["target"]["records"] == 2
    assert changed["change"]["before"] != changed["change"]["after"]
    with pytest.raises(OSError), on_record(settings, CHANGES[:1], SLUGS, SYSTEM):
        raise OSError
    assert [one["outcome"] for one in told(settings, "valbourg")] == ["success"] * 2 + ["failed"]


def test_without_any_log_nothing_is_told_and_none_is_made(settings: Settings) -> None:
    with on_record(settings, CHANGES, SLUGS, SYSTEM) as recorded:
        assert recorded is False
    assert not settings.audit_dir.exists()
