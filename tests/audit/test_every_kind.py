"""Every kind of record is written somewhere in the code, or the reference says why it is not."""

import ast
from collections.abc import Iterator
from pathlib import Path

from parvis.audit.kinds import KINDS, UNWRITTEN

PACKAGE = Path(__file__).parents[2] / "platform" / "parvis"
Function = ast.FunctionDef | ast.AsyncFunctionDef


def find_writers(tree: ast.Module) -> dict[str, int]:
    """Functions of a module that hand one of their parameters to `Draft` as the kind, and which."""
    writers = {"Draft": 0}
    functions = [node for node in ast.walk(tree) if isinstance(node, Function)]
    while True:
        known = len(writers)
        for function in functions:
            names = [one.arg for one in function.args.args if one.arg != "self"]
            for kind in find_kinds(function, writers):
                if isinstance(kind, ast.Name) and kind.id in names:
                    writers[function.name] = names.index(kind.id)
        if len(writers) == known:
            return writers


def find_kinds(tree: ast.AST, writers: dict[str, int]) -> Iterator[ast.expr]:
    """What stands for the kind in every call of a writer."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        name = node.func.id if isinstance(node.func, ast.Name) else name
        place = writers.get(name.removeprefix("events."))
        named = [one.value for one in node.keywords if one.arg == "kind"]
        if place is not None:
            yield from named or node.args[place : place + 1]


def find_words(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant):
        yield str(node.value)
    elif isinstance(node, ast.IfExp):
        yield from find_words(node.body)
        yield from find_words(node.orelse)


def find_chats() -> Iterator[str]:
    """A chat's records are named in two halves: its family, and how it went."""
    tree = ast.parse((PACKAGE / "assistant" / "records.py").read_text(encoding="utf-8"))
    words = set(find_halves(tree)) | {"started"}
    assert 'f"{self.family}.started"' in ast.unparse(tree).replace("'", '"')
    for word in words:
        yield from (f"chat.{word}", f"task.{word}")


def find_halves(tree: ast.Module) -> Iterator[str]:
    for kind in find_kinds(tree, {"_end": 0}):
        yield from find_words(kind)


def find_written() -> set[str]:
    found = set(find_chats())
    for path in PACKAGE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for kind in find_kinds(tree, find_writers(tree)):
            found.update(find_words(kind))
        for kind in find_kinds(tree, {"record_exchange": 1, "_record": 0}):
            found.update(find_words(kind))
    return found


def test_every_kind_is_written_somewhere_or_has_a_reason() -> None:
    written = find_written() & set(KINDS)
    assert set(KINDS) - written == set(UNWRITTEN)
    assert all(UNWRITTEN.values())


def test_the_search_misses_a_kind_that_nobody_writes() -> None:
    tree = ast.parse(
        "def f(kind): return Draft(kind)\nf('a.b' if x else 'c.d')\nDraft('e.f')\n'g.h'"
    )
    kinds = [word for one in find_kinds(tree, find_writers(tree)) for word in find_words(one)]
    assert sorted(kinds) == ["a.b", "c.d", "e.f"]
