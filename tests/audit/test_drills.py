"""The long drills' own parts: what they remember, what they change, and what they call growth."""

import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from deploy.drill.crash import Case, list_cases
from deploy.drill.faults import KINDS, Fault
from deploy.drill.ledger import Ledger
from deploy.drill.mutants import AUDIT, Mutant, find_mutants
from deploy.drill.mutate import Reach, report
from deploy.drill.noticing import Bench
from deploy.drill.patching import Outcome, change_function
from deploy.drill.soak import Look, judge_growth

GUARDED = """
class Judge:
    def look(self, size):
        if size > 3:
            self.find("TAMPERED", "too long")
        self.find("TAMPERED", "always")
        self.find("TAMPERED", "always")
        if size:
            return 1
        require(size)
"""
CHECKED = """
def check(value):
    if value > 3:
        raise ValueError
    return value
"""

LOADING = """
import importlib.util
import sys

import pytest

spec = importlib.util.spec_from_file_location("parvis.audit.judge", PATH)
judge = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = judge
spec.loader.exec_module(judge)
"""
SEEING = """
def test_it():
    with pytest.raises(ValueError):
        judge.check(4)
"""
NOT_SEEING = """
def test_it():
    assert judge.check(1) == 1
"""
NOT_ENDING = """
def test_it():
    with pytest.raises(ValueError):
        while True:
            judge.check(4)
"""
WRAPPED = """
import functools

class Judge:
    @property
    def size(self):
        return 1 if 1 == 1 else 2

    @staticmethod
    @functools.lru_cache
    def count():
        return 1 if 1 == 1 else 2

    def inner(self):
        def deep():
            return 1 if 1 == 1 else 2
        return deep()

    def walk(self):
        yield from (1 if one == 1 else 2 for one in [1])
"""


def test_a_ledger_tells_what_was_run_and_belongs_to_one_state_of_the_code(tmp_path: Path) -> None:
    right, wrong = (
        Case("first start", Fault(7, "EIO")),
        Case("later start", Fault(8, "EIO"), "write"),
    )
    ledger = Ledger(tmp_path / "ledger")
    ledger.add(right.name, call="sync audit.db", faults=[])
    ledger.add(wrong.name, call="write", faults=["a record is lost"])
    again = Ledger(tmp_path / "ledger").read()
    assert {name: line["faults"] for name, line in again.items()} == {
        "first start, 7, EIO": [],
        "later start, write, 8, EIO": ["a record is lost"],
    }
    lines = (tmp_path / "ledger").read_text().splitlines()
    (tmp_path / "ledger").write_text("\n".join([json.dumps({"code": "older"}), *lines[1:]]))
    with pytest.raises(SystemExit, match="another state of the code"):
        Ledger(tmp_path / "ledger")


class Counted:
    """A drill whose runs make so many calls."""

    def __init__(self, *told: str) -> None:
        self.told = list(told) * 2

    def run(self, case: Case) -> tuple[str, list[str]]:
        return self.told.pop(0), []


def test_every_call_of_the_longest_run_fails_in_every_way() -> None:
    cases = list(list_cases(Counted("2", "3", "2"), KINDS))
    assert len(cases) == 2 * 3 * len(KINDS) == len({case.name for case in cases})


def test_every_call_of_the_system_fails_in_every_way_it_can() -> None:
    trace = "71 write(2, 1) = 1\n71 fsync(3) = 0\n72 write(4, 5) = 5\n71 write(2, 1) = 1\n"
    cases = [case for case in list_cases(Counted(*[trace] * 3), KINDS) if "first" in case.scene]
    found = {(case.system, case.fault.at, case.fault.kind) for case in cases}
    assert len(found) == 2 * 4 + 3
    assert ("fsync", 1, "nothing written") not in found and ("write", 2, "EIO") in found


def test_a_process_that_grows_is_told_and_one_whose_caches_fill_is_not() -> None:
    filled = [Look(at, 50_000 + min(at, 20) * 1000, 12, 3) for at in range(60)]
    growing = [Look(at, 50_000 + at * 1000, 12 + at // 10, 3) for at in range(60)]
    assert list(judge_growth("worker", filled)) == []
    assert [words.split(" grew")[0] for words in judge_growth("worker", growing)] == [
        "worker: memory_kb",
        "worker: files",
    ]
    assert "too few" in next(judge_growth("worker", filled[:5]))


def test_each_guard_complaint_comparison_and_check_is_a_mutant(tmp_path: Path) -> None:
    (tmp_path / AUDIT).mkdir(parents=True)
    (tmp_path / AUDIT / "judge.py").write_text(GUARDED)
    assert [
        mutant.name.removeprefix("judge.py Judge.look: ")
        for mutant in find_mutants("judge.py", tmp_path)
    ] == [
        "size > 3 -> False",
        "size > 3 -> (size >= 3)",
        'self.find("TAMPERED", "too long") -> None',
        'self.find("TAMPERED", "always") -> None',
        'self.find("TAMPERED", "always") -> None (no. 2)',
        "require(size) -> None",
    ]


def test_tests_that_call_a_function_come_first_and_the_cheap_ones_before_the_dear(
    tmp_path: Path,
) -> None:
    (tmp_path / AUDIT).mkdir(parents=True)
    (tmp_path / AUDIT / "judge.py").write_text(CHECKED)
    mutant = find_mutants("judge.py", tmp_path)[0]
    rows = {
        "a.py::dear": {"call": ["judge.py check"], "cost": 3.0},
        "a.py::cheap": {"call": ["judge.py check"], "cost": 1.0},
        "b.py::by_fixture": {"setup": ["judge.py check"], "cost": 0.5},
        "b.py::beside_it": {"call": ["judge.py other"], "cost": 0.1},
        "c.py::elsewhere": {"call": ["judge.py other"], "cost": 0.1},
    }
    wanted = ["a.py::cheap", "a.py::dear", "b.py::beside_it", "b.py::by_fixture"]
    assert Reach(rows).list_tests(mutant) == wanted


def make_room(folder: Path) -> list[Mutant]:
    """A repository with one check, a test that needs it, one that does not, one that waits."""
    room = folder / AUDIT
    room.mkdir(parents=True)
    (folder / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    (room / "judge.py").write_text(CHECKED)
    (folder / "test_sees.py").write_text(f"PATH = {str(room / 'judge.py')!r}\n{LOADING}{SEEING}")
    (folder / "test_not.py").write_text(f"PATH = {str(room / 'judge.py')!r}\n{LOADING}{NOT_SEEING}")
    (folder / "test_end.py").write_text(f"PATH = {str(room / 'judge.py')!r}\n{LOADING}{NOT_ENDING}")
    return find_mutants("judge.py", folder)


def test_a_mutant_on_the_disk_is_noticed_by_the_test_that_needs_the_check(tmp_path: Path) -> None:
    mutant, *_ = make_room(tmp_path)
    bench = Bench(tmp_path)
    assert bench.try_on_disk(mutant, ["test_sees.py"], 60) is Outcome.NOTICED
    assert bench.try_on_disk(mutant, ["test_not.py"], 60) is Outcome.SURVIVES
    assert bench.fork_tests(["test_sees.py"], 60, []) == 0
    assert (tmp_path / AUDIT / "judge.py").read_text() == CHECKED


def test_mutants_in_memory_are_noticed_by_the_tests_that_need_the_check(tmp_path: Path) -> None:
    mutants = make_room(tmp_path)
    seen, told = "test_sees.py::test_it", tmp_path / "told"

    def tell(mutant: Mutant, outcome: Outcome) -> None:
        with told.open("a") as file:
            file.write(f"{mutant.name.partition('check: ')[2]}: {outcome}\n")

    waiting = [*((one, [seen]) for one in mutants), (mutants[0], ["test_not.py::test_it"])]
    Bench(tmp_path).try_in_memory(waiting, (60, 120), tell)
    assert told.read_text().splitlines() == [
        "value > 3 -> False: noticed",
        "value > 3 -> (value >= 3): survives",
        "value > 3 -> False: survives",
    ]


def test_a_mutant_whose_tests_do_not_end_is_told_apart_from_one_that_is_noticed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mutant, near = make_room(tmp_path)
    bench, told = Bench(tmp_path), tmp_path / "told"

    def tell(_: Mutant, outcome: Outcome) -> None:
        told.write_text(outcome)

    bench.try_in_memory([(mutant, ["test_end.py::test_it"])], (1, 120), tell)
    assert told.read_text() == Outcome.TIMED_OUT
    assert bench.try_on_disk(mutant, ["test_end.py"], 3) is Outcome.TIMED_OUT
    assert bench.fork_tests(["test_end.py"], 60, []) == 0

    ledger = Ledger(tmp_path / "ledger")
    ledger.add(near.name, outcome=Outcome.NOTICED)
    assert report([near], ledger) == 0
    ledger.add(mutant.name, outcome=Outcome.TIMED_OUT)
    capsys.readouterr()
    assert report([mutant, near], ledger) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"TIMED OUT line {mutant.line}: {mutant.name}",
        "2 mutants; survives: 0, timed out: 1, not tried: 0",
    ]


def test_what_tests_reach_is_kept_only_when_all_of_them_passed(tmp_path: Path) -> None:
    make_room(tmp_path)
    tests, kept = tmp_path / "tests" / "audit", tmp_path / "reach"
    tests.mkdir(parents=True)
    kept.mkdir()
    (tests / "test_two.py").write_text("def test_a(): pass\ndef test_b(): raise ValueError\n")
    assert Bench(tmp_path).record("test_two", kept / "test_two", 60) == 1
    assert list(kept.iterdir()) == []
    (tests / "test_two.py").write_text("def test_a(): pass\ndef test_b(): pass\n")
    assert Bench(tmp_path).record("test_two", kept / "test_two", 60) == 0
    assert list(kept.iterdir()) == [kept / "test_two"]
    rows = json.loads((kept / "test_two").read_text())["rows"]
    assert [test.partition("::")[2] for test in rows] == ["test_a", "test_b"]


def test_a_function_is_changed_wherever_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / AUDIT / "wrapped.py"
    path.parent.mkdir(parents=True)
    path.write_text(WRAPPED)
    module = ModuleType("parvis.audit.wrapped")
    exec(compile(WRAPPED, str(path), "exec"), vars(module))  # noqa: S102 - the text above
    monkeypatch.setitem(sys.modules, "parvis.audit.wrapped", module)
    judge = module.Judge()
    assert (judge.size, judge.count(), judge.inner(), list(judge.walk())) == (1, 1, 1, [1])
    for mutant in find_mutants("wrapped.py", tmp_path):
        change_function(mutant, path)
    judge.count.cache_clear()
    assert (judge.size, judge.count(), judge.inner(), list(judge.walk())) == (2, 2, 2, [2])
