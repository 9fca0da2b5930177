"""Figures that the gateway's processes count together, for monitoring: in memory alone, no file.

Every series exists before the fork: a label's words come from closed lists, and what is in none of
them counts as `other`, so nothing that a caller sends makes a series. Each process counts in a
place of its own on a shared page, where its figures stay when it dies. Not here: what is read from
the rooms when somebody looks (`monitoring/`).
"""

import math
import mmap
import threading
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

from parvis.errors import ParvisError

OTHER = "other"
_PLACES = 512  # processes, the living and the dead; the next one counts on in the first place
_CELL = 8
_HTTP_WORDS = (
    *("200", "204", "301", "302", "303", "304", "308", "400", "401", "403", "404", "405", "409"),
    *("413", "415", "429", "499", "500", "502", "503", "504"),
)
# codes of errors that are not the default of their class
_MORE_CODES = (
    *("token_expired", "invalid_audience", "session_expired", "csrf", "login_expired"),
    *("control_characters", "page_too_old", "sent_already"),
)
OUTCOMES = ("finished", "aborted", "failed", "refused", "unrecorded")


@dataclass(frozen=True, slots=True)
class Instrument:
    """One figure: its name with its unit, what it means, and its labels.

    `bounds` are a histogram's upper bounds. A `sparse` one shows only series that were counted.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()
    sparse: bool = False


@dataclass(frozen=True, slots=True)
class Sample:
    """A value of an instrument; for a histogram its counts by bound (the last one: above all
    bounds) and their sum."""

    labels: tuple[str, ...]
    value: float
    buckets: tuple[float, ...] = ()


Family = tuple[Instrument, Sequence[Sample]]

REQUESTS = Instrument(
    "parvis_http_requests_total",
    "counter",
    "Requests answered, by the application's own name of the address (`none`: no such address) "
    "and status. A stream that breaks later has status 200 and shows in the errors.",
    ("route", "status"),
    sparse=True,
)
ERRORS = Instrument(
    "parvis_errors_total",
    "counter",
    "Errors told to callers, in streams too, by code (docs/reference/errors.md).",
    ("code",),
)
CHATS = Instrument(
    "parvis_chats_total",
    "counter",
    "Chats and tasks (vectors, rankings) that ended, as their records say. `unrecorded`: the audit "
    "log did not take the beginning or the ending, so nothing was asked or the answer was broken "
    "off.",
    ("task", "outcome"),
)
FIRST_TOKEN = Instrument(
    "parvis_chat_first_token_seconds",
    "histogram",
    "From the request until the model's first words, masking included, by the model that answered.",
    ("model",),
    (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120),
    sparse=True,
)
DURATION = Instrument(
    "parvis_chat_seconds",
    "histogram",
    "From the request until its ending was handed to the audit log, by the model that answered "
    "(`none`: none was asked).",
    ("model",),
    (0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300),
    sparse=True,
)
TOKENS = Instrument(
    "parvis_tokens_total",
    "counter",
    "Tokens that models read (`in`) and wrote (`out`); estimated where a server does not tell.",
    ("direction",),
)
VALUES = Instrument(
    "parvis_personal_values_total",
    "counter",
    "Personal values found in requests, by kind (docs/reference/privacy.md). Counts, never values.",
    ("label",),
)
COUNTED: tuple[Instrument, ...] = (
    *(REQUESTS, ERRORS, CHATS, FIRST_TOKEN, DURATION, TOKENS, VALUES),
)


class Metrics:
    """What the processes of one gateway count. MUST be made before their fork; thread-safe.

    `routes`, `models` and `labels` are the closed lists of what may be told apart.
    """

    def __init__(
        self,
        routes: Iterable[str] = (),
        models: Iterable[str] = (),
        labels: Iterable[str] = (),
    ) -> None:
        self._board = _Board(
            {
                REQUESTS: [["none", *routes], _HTTP_WORDS],
                ERRORS: [list_codes()],
                CHATS: [("chat", "task"), OUTCOMES],
                FIRST_TOKEN: [["none", *models]],
                DURATION: [["none", *models]],
                TOKENS: [("in", "out")],
                VALUES: [labels],
            }
        )

    def take_place(self, number: int) -> None:
        """Count in a place of one's own from now on: no two living processes with one number."""
        self._board.take_place(number)

    def count_request(self, route: str | None, status: int) -> None:
        """A request was answered."""
        self._board.add(REQUESTS, (route or "none", str(status)))

    def count_error(self, code: str) -> None:
        """An error was told to a caller."""
        self._board.add(ERRORS, (code,))

    def count_chat(self, task: str, outcome: str) -> None:
        """A chat or task ended; `outcome` is one of OUTCOMES."""
        self._board.add(CHATS, (task, outcome))

    def observe_chat(self, model: str, seconds: float, first_s: float | None) -> None:
        """How long it took, and until the model's first words where there were any."""
        self._board.observe(DURATION, (model,), seconds)
        if first_s is not None:
            self._board.observe(FIRST_TOKEN, (model,), first_s)

    def count_use(self, tokens_in: int, tokens_out: int, values: Mapping[str, int]) -> None:
        """What a chat took: tokens, and personal values by kind."""
        self._board.add(TOKENS, ("in",), tokens_in)
        self._board.add(TOKENS, ("out",), tokens_out)
        for label, count in values.items():
            self._board.add(VALUES, (label,), count)

    def read(self) -> list[Family]:
        """What all processes counted until now, the dead ones too."""
        return self._board.read()


def list_codes() -> list[str]:
    """Every code that an error may have."""
    return sorted({cls.default_code for cls in _walk(ParvisError)} | {*_MORE_CODES})


def _walk(cls: type[ParvisError]) -> Iterator[type[ParvisError]]:
    yield cls
    for child in cls.__subclasses__():
        yield from _walk(child)


class _Range:
    """Where an instrument's series lie in a place, and which words their labels have."""

    def __init__(self, instrument: Instrument, words: Sequence[Iterable[str]], first: int) -> None:
        self.words = [tuple(dict.fromkeys((*some, OTHER))) for some in words]
        self.width = len(instrument.bounds) + 2 if instrument.kind == "histogram" else 1
        self.first = first
        self.end = first + self.width * math.prod(map(len, self.words))
        self._index = [{word: at for at, word in enumerate(some)} for some in self.words]

    def find(self, labels: Sequence[str]) -> int:
        """The first cell of the series with these labels."""
        at = 0
        for word, index in zip(labels, self._index, strict=True):
            at = at * len(index) + index.get(word, len(index) - 1)
        return self.first + at * self.width


class _Board:
    """Numbers on a page of memory that a fork shares; the first cell says that a place is taken."""

    def __init__(self, wanted: Mapping[Instrument, Sequence[Iterable[str]]]) -> None:
        self._ranges: dict[Instrument, _Range] = {}
        end = 1
        for instrument, words in wanted.items():
            self._ranges[instrument] = found = _Range(instrument, words, end)
            end = found.end
        self._size = end
        # pages that nobody has written to take no memory
        self._cells = memoryview(mmap.mmap(-1, _PLACES * end * _CELL)).cast("d")
        self._lock = threading.Lock()
        self.take_place(0)

    def take_place(self, number: int) -> None:
        first = number % _PLACES * self._size
        self._own = self._cells[first : first + self._size]
        self._own[0] = 1

    def add(self, instrument: Instrument, labels: Sequence[str], amount: float = 1) -> None:
        cell = self._ranges[instrument].find(labels)
        with self._lock:
            self._own[cell] += amount

    def observe(self, instrument: Instrument, labels: Sequence[str], value: float) -> None:
        cell = self._ranges[instrument].find(labels)
        bounds = instrument.bounds
        with self._lock:
            self._own[cell + bisect_left(bounds, value)] += 1
            self._own[cell + len(bounds) + 1] += value

    def read(self) -> list[Family]:
        taken = [
            self._cells[first : first + self._size]
            for first in range(0, len(self._cells), self._size)
            if self._cells[first]
        ]
        totals = list(map(sum, zip(*taken, strict=True)))
        return [
            (instrument, list(_read_range(instrument, found, totals)))
            for instrument, found in self._ranges.items()
        ]


def _read_range(instrument: Instrument, found: _Range, totals: Sequence[float]) -> Iterator[Sample]:
    for at, labels in enumerate(product(*found.words)):
        first = found.first + at * found.width
        cells = totals[first : first + found.width]
        if not instrument.sparse or any(cells):
            yield Sample(labels, cells[-1], tuple(cells[:-1]))


def render_page(families: Iterable[Family]) -> str:
    """The page that Prometheus reads (text format 0.0.4)."""
    return "".join(line for family in families for line in _render_family(*family))


def _render_family(instrument: Instrument, samples: Sequence[Sample]) -> Iterator[str]:
    yield f"# HELP {instrument.name} {_escape(instrument.help)}\n"
    yield f"# TYPE {instrument.name} {instrument.kind}\n"
    for sample in samples:
        labels = list(zip(instrument.labels, sample.labels, strict=True))
        if instrument.kind != "histogram":
            yield _render(instrument.name, labels, sample.value)
            continue
        count = 0.0
        bounds = (*map(_number, instrument.bounds), "+Inf")
        for bound, cell in zip(bounds, sample.buckets, strict=True):
            count += cell
            yield _render(f"{instrument.name}_bucket", [*labels, ("le", bound)], count)
        yield _render(f"{instrument.name}_sum", labels, sample.value)
        yield _render(f"{instrument.name}_count", labels, count)


def _render(name: str, labels: Sequence[tuple[str, str]], value: float) -> str:
    words = ",".join(f'{key}="{_escape(word, quoted=True)}"' for key, word in labels)
    return f"{name}{{{words}}} {_number(value)}\n" if words else f"{name} {_number(value)}\n"


def _escape(text: str, *, quoted: bool = False) -> str:
    plain = text.replace("\\", "\\\\").replace("\n", "\\n")
    return plain.replace('"', '\\"') if quoted else plain


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))
