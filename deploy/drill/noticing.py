"""Which tests reach which function of the audit room, and whether one of them fails.

Tests run in forks of a process that has the third parties loaded, on a copy of the repository, so
that a mutant costs what its tests cost. What a fork reaches is seen in its own process only; what
only another process reaches is left to the run of all tests.
"""

import importlib
import json
import os
import sys
import threading
import time
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from deploy.drill.mutants import AUDIT, Mutant
from deploy.drill.patching import Outcome, Trier, await_fork

_OURS = ("deploy", "parvis", "tests")
# pytest says 1 for a failed test and 2 for one that cannot be read; the rest is no answer
_NOTICED = (1, 2)
_PASSED, _NO_ANSWER = 0, (4, 5)
_TIMED_OUT = -1
_ALWAYS = [
    *("-x", "-q", "-p", "no:cacheprovider"),
    # pytest would rewrite the asserts of its plugins; they are loaded already
    *("-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning"),
]


class Recorder:
    """A plugin of pytest: what of the room each test reaches, and how long it takes."""

    def __init__(self, room: Path) -> None:
        self._room = str(room) + os.sep
        self._now: set[str] = set()
        self.rows: dict[str, dict[str, Any]] = defaultdict(dict)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Iterator[None]:
        """Fixtures may serve other tests as well, so they are written down apart."""
        yield from self._watch(item, "setup")

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        """The test itself."""
        yield from self._watch(item, "call")

    def _watch(self, item: pytest.Item, phase: str) -> Iterator[None]:
        self._now = set()
        begun = time.process_time()
        threading.settrace(self._see)
        sys.settrace(self._see)
        yield
        sys.settrace(None)
        threading.settrace(None)
        row = self.rows[item.nodeid]
        row[phase] = sorted(self._now)
        row["cost"] = row.get("cost", 0.0) + time.process_time() - begun

    def _see(self, frame: FrameType, _event: str, _given: Any) -> None:
        path = frame.f_code.co_filename
        if path.startswith(self._room):
            name = frame.f_code.co_qualname
            parts = [part for part in name.split(".") if not part.startswith("<")]
            self._now.add(f"{path.removeprefix(self._room)} {'.'.join(parts)}")


class Bench:
    """A copy of the repository, and tests that run on it."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def fork_tests(self, arguments: Sequence[str], limit_s: float, plugins: Sequence[Any]) -> int:
        """What pytest says; ends everything it started."""
        child = os.fork()
        if child == 0:
            self._be_pytest([*_ALWAYS, *arguments], plugins)
        code = await_fork(child, limit_s)
        return _TIMED_OUT if code is None else code

    def _be_pytest(self, arguments: list[str], plugins: Sequence[Any]) -> None:
        code = 99
        try:
            os.setpgrp()
            os.chdir(self.place)
            paths = [str(self.place / "platform"), str(self.place)]
            sys.path[:0] = paths
            os.environ["PYTHONPATH"] = os.pathsep.join(paths)
            silence = os.open(os.devnull, os.O_RDWR)
            for stream in range(2):
                os.dup2(silence, stream)
            for name in list(sys.modules):
                if name.partition(".")[0] in _OURS:
                    del sys.modules[name]
            code = pytest.main(arguments, plugins=plugins)
        except BaseException:
            traceback.print_exc(file=sys.__stderr__)
        finally:
            os._exit(code)

    def record(self, test_file: str, out: Path, limit_s: float) -> int:
        """Write what each test of this file reaches, and which modules it loaded.

        Gives what pytest says; where that is a fault, nothing is written: it stopped half-way.
        """
        recorder = Recorder(self.place / AUDIT)
        part = out.with_name(f"{out.name}.part")

        class Teller:
            def pytest_sessionfinish(self) -> None:
                loaded = [name for name in sys.modules if name.partition(".")[0] not in _OURS]
                part.write_text(json.dumps({"rows": recorder.rows, "loaded": loaded}))

        code = self.fork_tests([f"tests/audit/{test_file}.py"], limit_s, [recorder, Teller()])
        if code == _PASSED:
            part.replace(out)
        else:
            part.unlink(missing_ok=True)
        return code

    def try_in_memory(
        self,
        waiting: Sequence[tuple[Mutant, Sequence[str]]],
        limits_s: tuple[float, float],
        tell: Callable[[Mutant, Outcome], None],
    ) -> None:
        """Tell of each mutant what its tests make of it; limits for one, and for all."""
        files = sorted({test.partition("::")[0] for _, tests in waiting for test in tests})
        trier = Trier(self.place / AUDIT, waiting, limits_s[0], tell)
        keep_none = ["-o", "tmp_path_retention_policy=none"]
        if self.fork_tests([*keep_none, *files], limits_s[1], [trier]) != 0:
            raise RuntimeError("the session that tries mutants broke off")

    def try_on_disk(self, mutant: Mutant, tests: Sequence[str], limit_s: float) -> Outcome:
        """What these tests make of the mutant, in their own and in other processes."""
        target = self.place / AUDIT / mutant.file
        source = target.read_bytes()
        target.write_bytes(source[: mutant.start] + mutant.text.encode() + source[mutant.end :])
        self._forget(target)
        try:
            code = self.fork_tests(tests, limit_s, [])
        finally:
            target.write_bytes(source)
            self._forget(target)
        if code == _TIMED_OUT:
            return Outcome.TIMED_OUT
        if code not in (_PASSED, *_NOTICED, *_NO_ANSWER):
            raise RuntimeError(f"{mutant.name}: the tests end with {code}")
        return Outcome.NOTICED if code in _NOTICED else Outcome.SURVIVES

    def _forget(self, target: Path) -> None:
        """What Python compiled of it: two versions of one second and length look alike."""
        for path in (target.parent / "__pycache__").glob(f"{target.stem}.*"):
            path.unlink()


def load_third_parties(names: Sequence[str]) -> None:
    """Have what tests load, so that forks need not; what cannot be loaded here is left to them."""
    for name in names:
        if name.partition(".")[0] in ("onnxruntime", "numpy", "__main__"):  # these start threads
            continue
        try:
            importlib.import_module(name)
        except Exception:  # noqa: S112 - a plugin's own invention, or wants another first
            continue
