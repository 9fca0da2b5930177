"""The texts are true: the reference is what the code says, and what a text names exists."""

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

from parvis import errors
from parvis.cli import build_parser, reference
from parvis.settings import Settings, env_name

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "docs" / "reference"
TEXTS = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *ROOT.glob("platform/*.md")])
BINARY = {".woff2", ".png", ".jpg", ".gz", ".zip", ".whl", ".mo", ".onnx", ".ico"}
PAGES = reference.build_pages(ROOT / "policies")


@cache
def find_tracked() -> tuple[Path, ...]:
    done = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    )
    names = (ROOT / name for name in done.stdout.split("\0") if name)
    return tuple(path for path in names if path.is_file() and path.suffix not in BINARY)


def find_targets() -> dict[str, bool]:
    """Targets of the Makefile that people call, and whether each has its help."""
    lines = (ROOT / "Makefile").read_text().splitlines()
    found = (re.match(r"([a-z][a-z-]*):(?!=)(.*)", line) for line in lines)
    return {match[1]: " ## " in match[2] for match in found if match}


def find_commands() -> set[str]:
    return {parser.prog for parser, _ in reference.find_commands(build_parser())}


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_page_of_the_reference_is_what_the_code_says(name: str) -> None:
    committed = (REFERENCE / name).read_text(encoding="utf-8")
    assert committed == PAGES[name], "run: python -m parvis.cli.reference"


def test_the_reference_holds_no_page_that_nothing_writes() -> None:
    assert {path.name for path in REFERENCE.iterdir()} == set(PAGES)


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_is_documented_with_words(name: str) -> None:
    assert f"`{env_name(name)}`" in PAGES["settings.md"]
    assert Settings.model_fields[name].description


def find_variables(paths: list[Path]) -> set[str]:
    pattern = re.compile(r"PARVIS_[A-Z]+(?:_[A-Z]+)*")
    return {name for path in paths for name in pattern.findall(path.read_text(encoding="utf-8"))}


def test_every_variable_that_a_program_reads_is_in_the_handbook() -> None:
    programs = [
        ROOT / "Makefile",
        *(ROOT / "deploy").rglob("*.py"),
        *(ROOT / "platform").rglob("*.py"),
    ]
    assert find_variables(programs) - find_variables(TEXTS) == set()


def test_the_tree_of_errors_is_the_tree_of_classes() -> None:
    tree = reference.read_error_tree()
    classes = {item.__name__: item for item in reference.find_errors()}
    assert set(tree) == set(classes)
    for name, codes in tree.items():
        assert codes[0].strip() == classes[name].default_code
        assert f"{classes[name].status} {codes[0]}" in str(errors.__doc__)


def test_every_command_shows_an_example_and_says_what_it_does() -> None:
    for parser, words in reference.find_commands(build_parser()):
        assert "example" in (parser.epilog or ""), parser.prog
        assert parser.description or words, parser.prog


def test_every_target_of_the_makefile_has_its_help() -> None:
    targets = find_targets()
    assert {"help", "env", "demo", "demo-check", "test", "lint", "clean"} <= set(targets)
    assert [name for name, has_help in targets.items() if not has_help] == []


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_text_names_only_commands_targets_and_files_that_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"`[^`\n]+`|^```.*?^```", text, re.M | re.S))
    targets, commands = find_targets(), find_commands()
    groups = {command.split()[1] for command in commands}
    for name in re.findall(r"(?<![\w-])make ([a-z][a-z-]*)", code):
        assert name in targets, f"make {name}"
    for words in re.findall(r"(?<![\w./-])parvis ([a-z]+(?: [a-z]+(?:-[a-z]+)*)?)", code):
        group, _, rest = words.partition(" ")
        known = f"parvis {group}" in commands or f"parvis {words}" in commands
        nested = any(command.startswith(f"parvis {words} ") for command in commands)
        assert known or nested or (group in groups and not rest), f"parvis {words}"
    links = re.findall(r"\]\(([^)#\s]+)", text)
    local = [link for link in links if "://" not in link and not link.startswith("mailto:")]
    assert [link for link in local if not (path.parent / link).exists()] == []


# written in two halves, so that this file does not find itself
HOSTS = "|".join(
    a + b
    for a, b in (
        *(("pypi.", "org"), ("python", "hosted"), ("npm", "js.org"), ("npm", "js.com")),
        *(("maven.", "org"), ("maven.apache", ".org"), ("deb.", "debian"), ("hugging", "face.co")),
        *(("art", "ifactory"), ("/ne", "xus/")),
    )
)
PLACES = r"/" + r"work/|/" + r"root/|/" + r"home/[a-z]|\.\./" + r"shared|/tmp/bash" + r"_jobs"


def test_no_file_names_a_registry_or_a_place_on_somebody_s_machine() -> None:
    found = []
    for path in find_tracked():
        text = path.read_text(encoding="utf-8", errors="replace")
        for pattern in (rf"https?://[^\s\"'<>]*({HOSTS})", PLACES):
            match = re.search(pattern, text)
            if match:
                found.append(f"{path.relative_to(ROOT)}: {match[0]}")
    assert found == []


def test_every_lock_holds_hashes_and_no_address() -> None:
    locks = sorted((ROOT / "deploy").glob("requirements*.lock"))
    assert locks
    for lock in locks:
        text = lock.read_text()
        assert "://" not in text
        names = re.findall(r"^[A-Za-z0-9][^\s=]*==[^\s]+.*?(?=^[A-Za-z0-9]|\Z)", text, re.M | re.S)
        assert names
        assert all("--hash=sha256:" in block for block in names)
