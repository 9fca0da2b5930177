"""How rows go in and out of the log's database: what each driver brings, and the rest builds on."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any


class StoreUnsafe(Exception):
    """The database or its library cannot keep what it is given."""


class Statements(ABC):
    """One connection to the database. Raises StoreFault (`store.py`)."""

    @abstractmethod
    def _select(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """The rows of a query written with `?` marks."""

    @abstractmethod
    def _run(self, sql: str, values: Sequence[Any] = ()) -> int:
        """How many rows a statement changed."""

    @abstractmethod
    def _insert(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Many rows at once; StoreFault when one of them is there already."""
