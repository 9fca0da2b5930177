"""Do the tests test something: each check is taken out, one after the other; a test must fail.

`python -m deploy.drill.mutate [--only FILE] [--every N]`. Works in a copy of the repository. A
condition that guards a complaint becomes false, a comparison becomes its neighbour, a call that
checks or syncs is left out. Prints the survivors; exit 1 when there are any that are not in
`mutants.txt`, which says of each why no test can tell it from the original.
"""

import argparse
import ast
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
KNOWN = Path(__file__).parent / "mutants.txt"
PARTS = ("platform", "tests", "deploy", "docs", "pyproject.toml", "Makefile")
AUDIT = "platform/parvis/audit"
# the first tests are those that most often notice
TESTS: dict[str, tuple[str, ...]] = {
    "verify.py": (
        *(
            "test_notes",
            "test_verify",
            "test_key_history",
            "test_erasures",
            "test_anchors",
            "test_live_attacks",
        ),
        *("test_events", "test_proof", "test_fuzz", "test_report", "test_second_verifier"),
        *("test_second_records", "test_second_outside", "test_outside_commands"),
    ),
    "writer.py": ("test_log", "test_sequencer", "test_crash", "test_rotation"),
    "start_check.py": ("test_log", "test_rotation", "test_rollback", "test_attack_matrix"),
    "sequencer.py": ("test_sequencer", "test_log", "test_crash"),
    "server.py": ("test_sequencer", "test_log"),
    "files.py": ("test_crash", "test_processes"),
    "log_keys.py": ("test_log", "test_rotation", "test_crash"),
    "store.py": ("test_log", "test_sequencer", "test_reader"),
    "packing.py": ("test_packing",),
    "sqlite_store.py": ("test_log", "test_crash", "test_sequencer"),
    "tree.py": ("test_tree",),
    "notes.py": ("test_notes", "test_witness"),
    "witness.py": ("test_witness", "test_outside_commands"),
    "fsck.py": ("test_live_attacks", "test_log"),
}
_SWAPS = {
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.In: "not in",
    ast.NotIn: "in",
    ast.Is: "is not",
    ast.IsNot: "is",
}
_MARKS = ("require", "check", "sync", "refuse")
_LONG_S = 600
_TELL_EVERY = 50


@dataclass(frozen=True)
class Mutant:
    """One change: bytes [start, end) of a file become `text`."""

    file: str
    function: str
    line: int
    start: int
    end: int
    text: str
    before: str

    @property
    def name(self) -> str:
        """How lists speak of it: without line numbers, which move."""
        return f"{self.file} {self.function}: {' '.join(self.before.split())} -> {self.text}"


class _Finder(ast.NodeVisitor):
    def __init__(self, file: str, source: str) -> None:
        self._file, self._raw = file, source.encode()
        self._starts = [0]
        for line in self._raw.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._functions: list[str] = []
        self.found: list[Mutant] = []

    def _at(self, line: int, column: int) -> int:
        return self._starts[line - 1] + column

    def _add(self, node: ast.expr | ast.stmt, text: str) -> None:
        start = self._at(node.lineno, node.col_offset)
        end = self._at(node.end_lineno or 0, node.end_col_offset or 0)
        before, where = self._raw[start:end].decode(), ".".join(self._functions)
        self.found.append(Mutant(self._file, where, node.lineno, start, end, text, before))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """Remember where we are."""
        self._functions.append(node.name)
        self.generic_visit(node)
        self._functions.pop()

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        """Remember where we are."""
        self._functions.append(node.name)
        self.generic_visit(node)
        self._functions.pop()

    def visit_If(self, node: ast.If) -> None:
        """A condition that guards a complaint."""
        if self._functions and _complains(node.body):
            self._add(node.test, "False")
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        """A comparison with one operator."""
        if self._functions and len(node.ops) == 1:
            left, right = ast.unparse(node.left), ast.unparse(node.comparators[0])
            self._add(node, f"({left} {_SWAPS[type(node.ops[0])]} {right})")
        self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        """A call whose only purpose is to check, or to sync."""
        call = node.value
        if isinstance(call, ast.Call):
            name = ast.unparse(call.func).rpartition(".")[2]
            if self._functions and any(mark in name for mark in _MARKS):
                self._add(node, "None")
        self.generic_visit(node)


def _complains(body: list[ast.stmt]) -> bool:
    return any(
        isinstance(part, ast.Raise | ast.Yield | ast.YieldFrom)
        for statement in body
        for part in ast.walk(statement)
    )


def find_mutants(file: str) -> list[Mutant]:
    """Every change of one file of the room."""
    source = (ROOT / AUDIT / file).read_text(encoding="utf-8")
    finder = _Finder(file, source)
    finder.visit(ast.parse(source))
    return finder.found


def _copy(place: Path) -> None:
    for part in PARTS:
        source, target = ROOT / part, place / part
        if source.is_dir():
            skipped = shutil.ignore_patterns("__pycache__", "node_modules", ".parvis")
            shutil.copytree(source, target, ignore=skipped)
        else:
            shutil.copy(source, target)


def is_noticed(place: Path, mutant: Mutant | None, tests: tuple[str, ...]) -> bool:
    """True when a test fails in the copy."""
    paths = [f"tests/audit/{name}.py" for name in tests]
    command = [sys.executable, "-B", "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
    known = [path for path in paths if (place / path).is_file()]
    command += ["--deselect", "tests/audit/test_crash.py::test_whatever_call_to_the_disk", *known]
    environment = os.environ | {"PYTHONPATH": str(place / "platform")}
    target = place / AUDIT / (mutant.file if mutant else "verify.py")
    source = target.read_bytes()
    if mutant:
        target.write_bytes(source[: mutant.start] + mutant.text.encode() + source[mutant.end :])
    try:
        done = subprocess.run(
            command, cwd=place, env=environment, check=False, capture_output=True, timeout=_LONG_S
        )
    except subprocess.TimeoutExpired:
        return True
    finally:
        target.write_bytes(source)
    return done.returncode != 0


def pick(given: argparse.Namespace) -> Iterator[Mutant]:
    """The mutants that are wanted."""
    files = given.only or list(TESTS)
    listed = [mutant for file in files for mutant in find_mutants(file)]
    for at, mutant in enumerate(listed):
        if at % given.every == 0 and (not given.function or given.function in mutant.function):
            yield mutant


def main() -> int:
    """Exit 1 when a mutant survived that nobody has explained."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", help="files of the room")
    parser.add_argument("--function", default="", help="functions whose name holds this")
    parser.add_argument("--every", type=int, default=1, help="take one mutant of so many")
    parser.add_argument("--list", action="store_true", help="run nothing")
    given = parser.parse_args()
    mutants = list(pick(given))
    if given.list:
        print("\n".join(mutant.name for mutant in mutants))
        return 0
    known = set(KNOWN.read_text(encoding="utf-8").splitlines()) if KNOWN.is_file() else set()
    survivors = []
    with tempfile.TemporaryDirectory(prefix="parvis-mutants-") as name:
        place = Path(name)
        _copy(place)
        for file in sorted({mutant.file for mutant in mutants}):
            if is_noticed(place, None, TESTS[file]):
                raise SystemExit(f"the tests of {file} fail without any change")
        for number, mutant in enumerate(mutants):
            if number and number % _TELL_EVERY == 0:
                print(f"{number} of {len(mutants)}, {len(survivors)} survive", flush=True)
            if not is_noticed(place, mutant, TESTS[mutant.file]):
                survivors.append(mutant)
                note = "known" if mutant.name in known else "SURVIVES"
                print(f"{note} line {mutant.line}: {mutant.name}", flush=True)
    print(f"{len(mutants)} mutants, {len(survivors)} survive", flush=True)
    return int(any(mutant.name not in known for mutant in survivors))


if __name__ == "__main__":
    sys.exit(main())
