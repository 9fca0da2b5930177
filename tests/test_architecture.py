"""The shape of the house, read off the imports: doors > hall > rooms > shelf > floor.

platform/README.md draws it; here it is asserted, together with what only certain files may do.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "platform" / "parvis"
FLOOR, SHELF, ROOM, HALL, DOOR = range(5)
ROWS = {
    DOOR: {"app", "wsgi", "cli", "web", "__main__", "__init__"},
    HALL: {"assistant", "services", "subjects", "monitoring", "declared", "session_ends"},
    ROOM: {
        *("identity", "tenancy", "policy", "privacy", "inference", "knowledge", "conversations"),
        *("oversight", "compliance", "audit", "quotas"),
    },
    SHELF: {"db", "tables", "logs", "metrics", "keystore", "language", "migrations", "yaml_files"},
    FLOOR: {"domain", "errors", "settings", "vocabulary"},
}
ROW_OF = {name: row for row, names in ROWS.items() for name in names}
FILES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))

# module -> the files (or folders, ending in /) that alone may import it
KEPT_FOR = {
    "flask": ("web/", "app.py"),
    "werkzeug": ("web/", "app.py"),
    "keycloak": ("identity/keycloak.py", "identity/provisioning.py"),
    "presidio_analyzer": ("privacy/",),
    "spacy": ("privacy/",),
    "requests": ("inference/client.py", "identity/"),
    "httpx": ("inference/client.py", "identity/"),
    "urllib3": ("inference/client.py", "identity/"),
    "http.client": (
        *("inference/client.py", "inference/event_stream.py"),
        *("identity/", "audit/anchors_http.py"),
    ),
    "urllib.request": ("inference/client.py", "identity/"),
    "apsw": ("audit/", "keystore.py"),
    "argparse": ("cli/", "audit/verify.py"),
}
SQL_FILES = (
    *("db.py", "tables.py", "migrations/", "keystore.py", "audit/log.py"),
    *("identity/sessions.py", "knowledge/retrieve.py", "conversations/vault.py"),
)
SQL_MODULES = {"sqlalchemy", "sqlmodel"}
# names that carry a connection from one hand to the next without saying anything to it
SQL_HANDLES = {"Engine", "Connection", "Session"}

ENVIRONMENT = {"os.environ", "os.environb", "os.getenv", "os.putenv"}


def read_tree(file: str) -> ast.Module:
    return ast.parse((PACKAGE / file).read_text(encoding="utf-8"), file)


def find_imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Every module imported, with the name taken from it (empty for a plain import)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from ((str(node.module), alias.name) for alias in node.names)


def own_part(module: str, name: str) -> str | None:
    """The part of the house that is imported: `policy` for parvis.policy.engine."""
    parts = [*module.split("."), name]
    return parts[1] if parts[0] == "parvis" and parts[1] else None


def is_in(file: str, places: tuple[str, ...]) -> bool:
    return any(
        file == place or (place.endswith("/") and file.startswith(place)) for place in places
    )


@pytest.mark.parametrize("file", FILES)
def test_a_file_imports_only_from_lower_rows_and_its_own_room(file: str) -> None:
    here = file.split("/", maxsplit=1)[0].removesuffix(".py")
    assert here in ROW_OF, f"{here} has no row: say in tests/test_architecture.py where it stands"
    for module, name in find_imports(read_tree(file)):
        there = own_part(module, name)
        if there is None or there == here or there not in ROW_OF:
            continue
        same_row = ROW_OF[there] == ROW_OF[here] and ROW_OF[here] != ROOM
        assert ROW_OF[there] < ROW_OF[here] or same_row, f"{file} imports {module}"


@pytest.mark.parametrize("file", FILES)
def test_a_file_imports_only_the_libraries_that_it_may(file: str) -> None:
    for module, name in find_imports(read_tree(file)):
        for kept, places in KEPT_FOR.items():
            taken = module == kept or module.startswith(f"{kept}.") or f"{module}.{name}" == kept
            assert not taken or is_in(file, places), f"{file} imports {kept}, kept for {places}"


@pytest.mark.parametrize("file", FILES)
def test_sql_is_spoken_only_where_it_is_kept(file: str) -> None:
    if is_in(file, SQL_FILES) or file.endswith("/store.py"):
        return
    for module, name in find_imports(read_tree(file)):
        if module.split(".", maxsplit=1)[0] in SQL_MODULES:
            assert name in SQL_HANDLES, f"{file} imports {name or module} from {module}"


@pytest.mark.parametrize("file", FILES)
def test_environment_output_and_commit_stay_in_their_places(file: str) -> None:
    tree = read_tree(file)
    assert not {f"{module}.{name}" for module, name in find_imports(tree)} & ENVIRONMENT
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ENVIRONMENT:
            assert file == "settings.py", f"{file}:{node.lineno} reads the environment"
        if isinstance(node, ast.Attribute) and node.attr == "commit":
            assert is_in(file, ("db.py", "audit/")), f"{file}:{node.lineno} commits"
        if isinstance(node, ast.Name) and node.id == "print":
            assert is_in(file, ("cli/", "audit/verify.py")), f"{file}:{node.lineno} prints"


def test_the_verifier_stands_alone() -> None:
    allowed = sys.stdlib_module_names | {"cryptography"}
    modules = {module for module, _ in find_imports(read_tree("audit/verify.py"))}
    assert {
        module for module in modules if module.split(".", maxsplit=1)[0] not in allowed
    } == set()


def test_no_module_is_named_like_a_standard_one() -> None:
    names = {Path(file).stem for file in FILES} - {"__init__", "__main__"}
    assert names & sys.stdlib_module_names == set()


def test_the_source_root_is_no_package() -> None:
    assert not (ROOT / "platform" / "__init__.py").exists()


def test_a_room_that_leans_on_another_would_be_seen() -> None:
    tree = ast.parse(
        "from parvis import audit\nfrom parvis.audit.log import AuditLog\nimport flask"
    )
    imports = list(find_imports(tree))
    assert [own_part(*item) for item in imports] == ["audit", "audit", None]
    assert not is_in("policy/engine.py", KEPT_FOR["flask"])
    assert is_in("web/api.py", KEPT_FOR["flask"])
