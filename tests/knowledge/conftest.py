"""A real database and the real encoder."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from parvis.db import create_database_engine, upgrade_database
from parvis.domain import DataLevel, Language
from parvis.knowledge import Encoder, Knowledge, SourceText, build_encoder


@pytest.fixture(scope="session")
def encoder(models_dir: Path) -> Encoder:
    return build_encoder(models_dir)


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    url = f"sqlite:///{tmp_path / 'parvis.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    engine = create_database_engine(url)
    upgrade_database(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def knowledge(engine: Engine, encoder: Encoder) -> Knowledge:
    return Knowledge(engine, encoder)


def source(
    source_id: str,
    markdown: str,
    language: Language = "en",
    title: str = "A title",
    level: DataLevel = DataLevel.PUBLIC,
) -> SourceText:
    return SourceText(
        source_id=source_id,
        title=title,
        url=f"https://valbourg.example/{source_id}",
        language=language,
        level=level,
        controller="valbourg",
        markdown=markdown,
    )
