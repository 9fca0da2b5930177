"""A log with real files and keys for every test of this folder."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.dev.postgres import run_postgres
from parvis.audit import AuditLog
from tests.audit.databases import make_database
from tests.audit.houses import House
from tests.audit.second_verifier import Second


@pytest.fixture
def new_house(tmp_path: Path) -> Iterator[Callable[[str], House]]:
    houses: list[House] = []

    def make(name: str = "house") -> House:
        houses.append(House(tmp_path / name))
        return houses[-1]

    yield make
    for house in houses:
        house.shut()


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    with run_postgres(durable=True) as url:
        yield url.replace("postgresql+psycopg://", "postgresql://")


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """Where the logs are kept: every test that asks for it runs on each driver."""
    if request.param == "sqlite":
        return ""
    return make_database(request.getfixturevalue("server"))


@pytest.fixture
def house(new_house: Callable[[str], House]) -> House:
    return new_house("house")


@pytest.fixture
def log(house: House) -> AuditLog:
    return house.open()


@pytest.fixture(scope="module")
def second() -> Iterator[Second]:
    running = Second()
    yield running
    running.close()
