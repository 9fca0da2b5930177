"""Counts of model calls that others kept: files of counts, access logs of a server or its proxy.

Reading only; what the logs tell beside them is `reconcile.py`'s. Nothing of a line but its hour
is kept.
"""

import gzip
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from parvis.errors import InvalidRequest

_MAX_LINE = 64 * 1024
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# common and combined log format: ... [22/Nov/2026:13:05:59 +0100] "POST /v1/x HTTP/1.1" 200 ...
_LINE = re.compile(
    r"\[(?P<day>\d\d)/(?P<month>[A-Z][a-z]{2})/(?P<year>\d{4}):(?P<clock>\d\d:\d\d:\d\d) "
    r"(?P<sign>[+-])(?P<zone>\d{4})\] "
    r'"(?P<method>[A-Z]+) [^"]*" (?P<status>\d{3})(?: |$)',
    re.ASCII,
)
_POST = re.compile(r'(?:^|[\s"])POST[ "]', re.ASCII)
# nothing reached a model: no or a wrong key, no such address, not by this method
_TURNED_AWAY = frozenset({"401", "403", "404", "405"})


@dataclass(frozen=True, slots=True)
class OutsideCounts:
    """Calls by server and hour (its begin, in UTC), and what of the files was not counted."""

    hours: dict[str, Counter[datetime]] = field(default_factory=dict)
    turned_away: int = 0


class _CountLine(BaseModel):
    model_config = ConfigDict(extra="forbid")

    server: Annotated[str, StringConstraints(strict=True, min_length=1, max_length=63)]
    hour: datetime
    count: Annotated[int, Field(strict=True, ge=0, lt=2**53)]


def load_counts(path: Path) -> OutsideCounts:
    """The counts of a file of JSON lines `{"server": ..., "hour": "...T13:00:00Z", "count": 12}`.

    Lines of one server and hour add up. Raises InvalidRequest naming line and field.
    """
    found = OutsideCounts()
    for number, line in _read_lines(path):
        if not line.strip():
            continue
        try:
            entry = _CountLine.model_validate_json(line)
        except ValidationError as error:
            place = ".".join(str(part) for part in error.errors()[0]["loc"])
            raise _wrong(path, number, f"{place or 'no JSON object'}: {_EXPECTED}") from None
        if entry.hour.tzinfo is None or entry.hour != begin_of_hour(entry.hour):
            raise _wrong(path, number, f"hour: not the begin of an hour with its zone; {_EXPECTED}")
        counts = found.hours.setdefault(entry.server, Counter())
        counts[begin_of_hour(entry.hour)] += entry.count
    return found


_EXPECTED = 'expected {"server": NAME, "hour": "2026-11-21T13:00:00Z", "count": NUMBER}'


def load_access_logs(logs: list[tuple[str, Path]]) -> OutsideCounts:
    """The POST requests in access logs in common or combined format (also .gz), by server.

    Every POST counts, whatever its address: a server has more doors to its model than the gateway
    uses. Answers 401, 403, 404 and 405 reached no model. Raises InvalidRequest for a file that
    cannot be read and for a POST in a line without a time.
    """
    hours: dict[str, Counter[datetime]] = {}
    turned_away = 0
    for server, path in logs:
        counts = hours.setdefault(server, Counter())
        for number, line in _read_lines(path):
            found = _LINE.search(line)
            if found is None:
                if _POST.search(line):
                    raise _wrong(path, number, "a POST in neither common nor combined log format")
            elif found["method"] == "POST":
                if found["status"] in _TURNED_AWAY:
                    turned_away += 1
                else:
                    counts[_read_hour(path, number, found)] += 1
    return OutsideCounts(hours, turned_away)


def begin_of_hour(moment: datetime) -> datetime:
    """The begin of the hour in UTC."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _read_hour(path: Path, number: int, line: re.Match[str]) -> datetime:
    try:
        hour, minute, second = map(int, line["clock"].split(":"))
        zone = timedelta(hours=int(line["zone"][:2]), minutes=int(line["zone"][2:]))
        moment = datetime(
            int(line["year"]),
            _MONTHS.index(line["month"]) + 1,
            int(line["day"]),
            hour,
            minute,
            min(second, 59),  # a leap second
            tzinfo=timezone(-zone if line["sign"] == "-" else zone),
        )
        return begin_of_hour(moment)
    except (ValueError, OverflowError):
        raise _wrong(path, number, "its time is not one") from None


def _read_lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            number = 0
            while line := file.readline(_MAX_LINE + 1):
                number += 1
                if len(line) > _MAX_LINE:
                    raise _wrong(path, number, f"longer than {_MAX_LINE} bytes")
                yield number, line.decode("utf-8", "replace")
    except (OSError, EOFError, zlib.error) as error:
        words = getattr(error, "strerror", None) or "it ends early or is damaged"
        raise InvalidRequest(f"{path}: {words}") from None


def _wrong(path: Path, number: int, words: str) -> InvalidRequest:
    return InvalidRequest(f"{path} line {number}: {words}")
