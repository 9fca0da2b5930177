"""JSON Lines in, findings out, in order and one by one: what `parvis privacy scan` does.

Uses the same engine and profile as the gateway. Nothing of a faulty line is repeated in its error.
"""

import json
import math
import multiprocessing
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

from parvis.errors import PrivacyUnavailable
from parvis.language import detect_language
from parvis.privacy.engine import PrivacyEngine

# Scanning is for people who look at data they hold: its tags need not be secret, but repeatable.
_TAG_KEY = b"parvis privacy scan"
_AHEAD = 8


@dataclass(frozen=True, slots=True)
class Scanned:
    """One line of the answer, and whether its input was faulty."""

    line: str
    is_faulty: bool


def scan_line(engine: PrivacyEngine, line: bytes, language: str | None = None) -> Scanned:
    """The findings in one row `{"id", "text", "language"?}`; never raises for what it holds."""
    row_id: Any = None
    try:
        row = _load_row(line)
        row_id = _checked_id(row)
        text, language = _checked(row, language)
        masked = engine.mask([text], tag_key=_TAG_KEY, language=language)
        entities = engine.analyze(text, language, tag_key=_TAG_KEY)
    except _FaultyLine as fault:
        return Scanned(_dump({"id": row_id, "error": str(fault)}), True)
    except PrivacyUnavailable as error:
        return Scanned(_dump({"id": row_id, "error": error.message}), True)
    found = [
        {"start": e.start, "end": e.end, "label": e.label, "score": e.score, "source": e.source}
        for e in entities
    ]
    answer = {
        "id": row_id,
        "language": language or detect_language(text),
        "entities": found,
        "masked": masked.texts[0],
    }
    return Scanned(_dump(answer), False)


def scan(
    lines: Iterable[bytes],
    build: Callable[[], PrivacyEngine],
    *,
    language: str | None = None,
    jobs: int = 1,
) -> Iterator[Scanned]:
    """Answers in the order of the lines, each as soon as it is ready; empty lines are passed over.

    With `jobs` over 1, so many processes work, each with its own engine, and only a few lines are
    read ahead. Raises PrivacyUnavailable when the engine cannot be built.
    """
    filled = (line for line in lines if line.strip())
    if jobs == 1:
        engine = build()
        for line in filled:
            yield scan_line(engine, line, language)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context, _start_worker, (build, language)) as pool:
        pool.submit(_check_worker).result()
        yield from _in_order(pool, filled, jobs * _AHEAD)


class _FaultyLine(Exception):
    """What is wrong with a row, in words that repeat nothing of it."""


def _load_row(line: bytes) -> dict[str, Any]:
    try:
        row = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise _FaultyLine("the line is not UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise _FaultyLine("the line is not JSON") from error
    if not isinstance(row, dict):
        raise _FaultyLine("the line is not a JSON object")
    return row


def _checked_id(row: dict[str, Any]) -> str | int | float:
    match row.get("id"):
        case str(found):
            return found
        case int(number) | float(number) if not isinstance(number, bool) and math.isfinite(number):
            return number
    raise _FaultyLine("id must be a string or a number")


def _checked(row: dict[str, Any], language: str | None) -> tuple[str, str | None]:
    if not isinstance(row.get("text"), str):
        raise _FaultyLine("text must be a string")
    own = row.get("language")
    if own is not None and not isinstance(own, str):
        raise _FaultyLine("language must be a string")
    return row["text"], own or language


def _dump(answer: dict[str, Any]) -> str:
    line = json.dumps(answer, ensure_ascii=False)
    # half of a surrogate pair, which JSON can hold, cannot be written as UTF-8
    return line if line.isprintable() or _is_utf8(line) else json.dumps(answer)


def _is_utf8(line: str) -> bool:
    try:
        line.encode()
    except UnicodeEncodeError:
        return False
    return True


def _in_order(pool: ProcessPoolExecutor, lines: Iterable[bytes], ahead: int) -> Iterator[Scanned]:
    """Read in a thread of its own, so that a slow writer does not keep ready answers back."""
    waiting: queue.Queue[Future[Scanned] | BaseException | None] = queue.Queue(ahead)

    def read() -> None:
        try:
            for line in lines:
                waiting.put(pool.submit(_work, line))
            waiting.put(None)
        except BaseException as error:
            waiting.put(error)

    threading.Thread(target=read, daemon=True).start()
    while (item := waiting.get()) is not None:
        if isinstance(item, BaseException):
            raise item
        yield item.result()


_worker: list[tuple[PrivacyEngine | PrivacyUnavailable, str | None]] = []


def _start_worker(build: Callable[[], PrivacyEngine], language: str | None) -> None:
    """Runs once in each process; a failure is kept, to be said in words by `_check_worker`."""
    try:
        _worker.append((build(), language))
    except PrivacyUnavailable as error:
        _worker.append((error, language))


def _check_worker() -> None:
    engine, _ = _worker[0]
    if isinstance(engine, PrivacyUnavailable):
        raise PrivacyUnavailable(engine.message)


def _work(line: bytes) -> Scanned:
    _check_worker()
    engine, language = _worker[0]
    assert isinstance(engine, PrivacyEngine)  # noqa: S101 - checked one line above
    return scan_line(engine, line, language)
