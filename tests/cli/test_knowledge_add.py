"""A text becomes a source by one command; a slip changes nothing."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from parvis.cli import main
from parvis.cli.knowledge_add import insert_entry
from tests.fakes.installation import REPOSITORY, build_installation
from tests.fakes.model_server import FakeModelServer

GOOD = {
    "--tenant": "valbourg",
    "--id": "fishing-en",
    "--language": "en",
    "--title": 'Fishing: "the licence", explained',
    "--url": "https://www.valbourg.example/en/fishing",
    "--owner": "Biergeramt",
    "--licence": "CC0-1.0",
}


@pytest.fixture
def tenants(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "tenants"
    shutil.copytree(REPOSITORY / "tenants", folder)
    with FakeModelServer() as server:
        made = build_installation(tmp_path, server, PARVIS_TENANTS_DIR=str(folder))
        made.services.close()
        settings = made.services.settings
        for name in ("data_dir", "tenants_dir", "policies_dir", "models_file"):
            monkeypatch.setenv(f"PARVIS_{name.upper()}", str(getattr(settings, name)))
        (tmp_path / "fishing.md").write_text(
            "# Fishing licence\n\nA fishing licence for trout costs 11 euro a year.\n"
        )
        yield folder


def add(folder: Path, file: str = "fishing.md", **changes: str) -> int:
    options = GOOD | {f"--{name.replace('_', '-')}": value for name, value in changes.items()}
    given = [word for pair in options.items() for word in pair]
    return main(["knowledge", "add", str(folder.parent / file), *given])


def test_an_added_text_is_declared_found_and_every_other_line_stays(
    tenants: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (tenants / "valbourg.yaml").read_text().splitlines()
    assert add(tenants) == 0
    assert "1 added" in capsys.readouterr().out
    after = (tenants / "valbourg.yaml").read_text().splitlines()
    first = after.index('  - id: "fishing-en"')
    assert after[:first] + after[first + 11 :] == before
    assert (tenants / "valbourg" / "fishing-en.md").read_text().startswith("# Fishing")
    main(["knowledge", "list", "--tenant", "valbourg"])
    assert "fishing-en" in capsys.readouterr().out
    main(["knowledge", "search", "--tenant", "valbourg", "How much is a licence for trout?"])
    assert "fishing-en (en)  Fishing: " in capsys.readouterr().out
    assert main(["tenants", "check"]) == 0
    capsys.readouterr()
    assert add(tenants) == 1
    assert "has a source of this name already" in capsys.readouterr().err


def test_a_slip_is_told_in_one_line_and_changes_nothing(
    tenants: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tenants.parent / "empty.md").write_text(" \n")
    (tenants.parent / "latin.md").write_bytes(b"\xe9\n")
    before = {path: path.read_bytes() for path in tenants.rglob("*") if path.is_file()}
    slips = [
        ({"file": "missing.md"}, "No such file or directory"),
        ({"file": "empty.md"}, "expected a text in Markdown"),
        ({"file": "latin.md"}, "not UTF-8"),
        ({"id": "../escape"}, "--id: expected"),
        ({"tenant": "nowhere"}, "no agency of this name"),
        ({"url": "http://www.valbourg.example"}, "url"),
        ({"valid_until": "2027-12-31\nx: 1"}, "--valid-until: expected a day"),
        ({"valid_until": "2027-13-31"}, "valid_until"),
        ({"level": "9"}, "level"),
    ]
    for changes, words in slips:
        assert add(tenants, **changes) == 1, changes
        told = capsys.readouterr().err
        assert words in told and told.count("\n") == 1
        assert {path: path.read_bytes() for path in tenants.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a: 1\n", 'a: 1\nsources:\n  - id: "x"\n'),
        ("a: 1", 'a: 1\nsources:\n  - id: "x"\n'),
        ("sources: []  # none\nb: 2\n", 'sources:   # none\n  - id: "x"\nb: 2\n'),
        ("sources:\n- id: y\nb: 2\n", 'sources:\n- id: "x"\n- id: y\nb: 2\n'),
        (
            "sources: # all\n\n  # first\n    - id: y\n",
            'sources: # all\n    - id: "x"\n\n  # first\n    - id: y\n',
        ),
    ],
)
def test_an_entry_stands_first_in_its_list_however_that_is_written(before: str, after: str) -> None:
    assert insert_entry(before, {"id": "x"}) == after
