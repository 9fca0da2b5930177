"""A log with real files and keys for every test of this folder."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from parvis.audit import AuditLog
from tests.audit.houses import House


@pytest.fixture
def new_house(tmp_path: Path) -> Iterator[Callable[[str], House]]:
    houses: list[House] = []

    def make(name: str = "house") -> House:
        houses.append(House(tmp_path / name))
        return houses[-1]

    yield make
    for house in houses:
        house.shut()


@pytest.fixture
def house(new_house: Callable[[str], House]) -> House:
    return new_house("house")


@pytest.fixture
def log(house: House) -> AuditLog:
    return house.open()
