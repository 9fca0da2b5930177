"""A mutant in memory: one function of a loaded module gets the code of the changed file.

So a session of pytest that has read its tests once meets many mutants, each in a fork. What another
process loads from the disk is not changed: `noticing.py` does that.
"""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import pytest

from deploy.drill.mutants import Mutant

_POLL_S = 0.01
_NOTICED, _PASSED, _BROKEN = 1, 0, 99


class Outcome(StrEnum):
    """What became of a mutant. Tests that do not end in time have said nothing against it."""

    NOTICED = "noticed"
    SURVIVES = "survives"
    TIMED_OUT = "timed out"


def await_fork(child: int, limit_s: float) -> int | None:
    """Its exit code, None when it took too long; ends it with everything in its process group."""
    deadline = time.monotonic() + limit_s
    code = None
    while code is None and time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        code = os.waitstatus_to_exitcode(status) if ended else None
        time.sleep(_POLL_S)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    if code is None:
        os.waitpid(child, 0)
    return code


def change_function(mutant: Mutant, path: Path) -> None:
    """Change it for good in this process; LookupError when its function is not to be found."""
    module = sys.modules[f"parvis.audit.{path.stem}"]
    raw = path.read_bytes()
    changed = raw[: mutant.start] + mutant.text.encode() + raw[mutant.end :]
    found: Any = module
    for part in mutant.function.split("."):
        found = _unwrap(vars(found)[part])
        if isinstance(found, FunctionType):
            found.__code__ = _find_code(compile(changed, str(path), "exec"), found.__code__)
            return
    raise LookupError(mutant.name)


def _unwrap(found: Any) -> Any:
    while not isinstance(found, FunctionType):
        inner = getattr(found, "__wrapped__", None) or getattr(found, "__func__", None)
        inner = inner or getattr(found, "fget", None)
        if inner is None:
            return found
        found = inner
    return _unwrap(found.__wrapped__) if hasattr(found, "__wrapped__") else found


def _find_code(code: CodeType, like: CodeType) -> CodeType:
    """The code in the same place; nothing before it has changed."""
    for one in _list_codes(code):
        if (one.co_qualname, one.co_firstlineno) == (like.co_qualname, like.co_firstlineno):
            return one
    raise LookupError(like.co_qualname)


def _list_codes(code: CodeType) -> Iterator[CodeType]:
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield one
            yield from _list_codes(one)


class Trier:
    """A plugin of pytest: instead of its tests it runs, for each mutant, those that may notice."""

    def __init__(
        self,
        room: Path,
        waiting: Sequence[tuple[Mutant, Sequence[str]]],
        limit_s: float,
        tell: Callable[[Mutant, Outcome], None],
    ) -> None:
        self._room, self._waiting, self._limit_s, self._tell = room, waiting, limit_s, tell

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Each mutant in a fork."""
        read = {item.nodeid: item for item in session.items}
        for mutant, tests in self._waiting:
            items = [read[test] for test in tests if test in read]
            self._tell(mutant, self._try(session, mutant, items))
        return True

    def _try(
        self, session: pytest.Session, mutant: Mutant, items: Sequence[pytest.Item]
    ) -> Outcome:
        child = os.fork()
        if child == 0:
            self._be_changed(session, mutant, items)
        code = await_fork(child, self._limit_s)
        if code is None:
            return Outcome.TIMED_OUT
        return Outcome.SURVIVES if code in (_PASSED, _BROKEN) else Outcome.NOTICED

    def _be_changed(
        self, session: pytest.Session, mutant: Mutant, items: Sequence[pytest.Item]
    ) -> None:
        code = _BROKEN
        try:
            os.setpgrp()
            change_function(mutant, self._room / mutant.file)
            code = _NOTICED if _fails(session, items) else _PASSED
        finally:
            os._exit(code)


def _fails(session: pytest.Session, items: Sequence[pytest.Item]) -> bool:
    for item, after in zip(items, [*items[1:], None], strict=True):
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
        if session.testsfailed:
            return True
    return False
