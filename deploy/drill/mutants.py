"""Which changes of the audit room are tried: found in its source, named without line numbers.

A condition that guards a complaint becomes false, a complaint is left out, a comparison becomes its
neighbour, a call that checks or syncs is left out. Who notices is `mutate.py`'s business.
"""

import ast
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).parents[2]
AUDIT = "platform/parvis/audit"
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
_COMPLAINTS = ("find", "_find", "complain")


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
    number: int = 1

    @property
    def name(self) -> str:
        """How lists speak of it: without line numbers, which move."""
        which = f" (no. {self.number})" if self.number > 1 else ""
        before = " ".join(self.before.split())
        return f"{self.file} {self.function}: {before} -> {self.text}{which}"


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
        if self._functions and any(map(_complains, node.body)):
            self._add(node.test, "False")
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        """A comparison with one operator."""
        if self._functions and len(node.ops) == 1:
            left, right = ast.unparse(node.left), ast.unparse(node.comparators[0])
            self._add(node, f"({left} {_SWAPS[type(node.ops[0])]} {right})")
        self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        """A call whose only purpose is to check, to sync, or to complain."""
        call = node.value
        if isinstance(call, ast.Call) and self._functions:
            name = _name(call)
            if name in _COMPLAINTS or any(mark in name for mark in _MARKS):
                self._add(node, "None")
        self.generic_visit(node)


def _name(call: ast.Call) -> str:
    return ast.unparse(call.func).rpartition(".")[2]


def _complains(statement: ast.stmt) -> bool:
    return any(
        isinstance(part, ast.Raise | ast.Yield | ast.YieldFrom)
        or (isinstance(part, ast.Call) and _name(part) in _COMPLAINTS)
        for part in ast.walk(statement)
    )


def find_mutants(file: str, root: Path = ROOT) -> list[Mutant]:
    """Every change of one file of the room."""
    source = (root / AUDIT / file).read_text(encoding="utf-8")
    finder = _Finder(file, source)
    finder.visit(ast.parse(source))
    seen: Counter[str] = Counter()
    numbered = []
    for mutant in finder.found:
        seen[mutant.name] += 1
        numbered.append(replace(mutant, number=seen[mutant.name]))
    return numbered
