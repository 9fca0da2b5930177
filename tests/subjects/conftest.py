"""Every store of one installation, for real: files, keys, log, and either database."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from parvis.db import create_database_engine, upgrade_database
from parvis.inference import load_models
from parvis.services import Configuration
from parvis.settings import load_settings
from parvis.subjects.stores import open_stores
from parvis.tenancy.registry import load_tenants
from tests.subjects.offices import Office

TENANTS = Path(__file__).parents[2] / "tenants"
MODELS = load_models(TENANTS.parent / "deploy/models.yaml").models


@pytest.fixture(params=["sqlite", "postgresql"])
def configuration(request: pytest.FixtureRequest, tmp_path: Path) -> Configuration:
    given = {"PARVIS_DATA_DIR": str(tmp_path / "data"), "PARVIS_TENANTS_DIR": str(TENANTS)}
    if request.param == "postgresql":
        given["PARVIS_DATABASE_URL"] = request.getfixturevalue("postgres_url")
    settings = load_settings(given)
    engine = create_database_engine(settings.database_url)
    upgrade_database(engine)
    engine.dispose()
    tenants = load_tenants(TENANTS, models=MODELS, policies=("careful",))
    return Configuration(settings, tenants, {}, None, os.urandom(32))  # type: ignore[arg-type]


@pytest.fixture
def office(configuration: Configuration) -> Iterator[Office]:
    with open_stores(configuration, worker="test") as stores:
        yield Office(configuration, stores)
