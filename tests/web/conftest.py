"""A gateway for each test of the doors, with a model server that answers by script."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.installation import Installation, build_installation
from tests.fakes.model_server import FakeModelServer


@pytest.fixture
def model_fake() -> Iterator[FakeModelServer]:
    with FakeModelServer() as server:
        yield server


@pytest.fixture
def gateway(tmp_path: Path, model_fake: FakeModelServer) -> Iterator[Installation]:
    installation = build_installation(tmp_path, model_fake)
    yield installation
    installation.services.close()
