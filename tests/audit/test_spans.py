"""Which records an export holds: what its signed list says of them, both verifiers demand."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.bench.audit_folders import MadeLog
from parvis.audit import verify
from tests.audit.test_second_verifier import Second

SINCE = "2025-12-01T00:00:00.000000Z"
EXTRA = "ab" * 32 + " 32 "


@pytest.fixture(scope="module")
def second() -> Iterator[Second]:
    running = Second()
    yield running
    running.close()


@pytest.fixture
def log(tmp_path: Path) -> MadeLog:
    """A log of 600 records with its whole export."""
    made = MadeLog("spans", tmp_path / "export")
    made.be_born()
    for _ in range(599):
        made.add("auth.login")
    made.finish()
    return made


def rewrite(log: MadeLog, edit: Callable[[str], str]) -> Path:
    """The list of files told otherwise, by who holds the log's key; files that it drops go."""
    assert log.folder is not None
    path = log.folder / "manifest"
    text = edit(path.read_text("utf-8").rpartition("\n\n")[0] + "\n")
    for entries in list(log.folder.glob("tile/entries/**/*")):
        if entries.is_file() and entries.relative_to(log.folder).as_posix() not in text:
            entries.unlink()
            for place in (entries.parent, log.folder / "tile/entries"):
                if place.exists() and not any(place.iterdir()):
                    place.rmdir()
    count = text.count("\n") - text.partition("files ")[0].count("\n") - 1
    text = "\n".join(
        f"files {count}" if line.startswith("files ") else line for line in text.split("\n")
    )
    path.write_text(log.sign(text, log.keys), encoding="utf-8")
    return log.folder


def judge(second: Second, folder: Path) -> str:
    first = verify.verify_folder(str(folder))
    assert second.check(folder)["verdict"] == first["verdict"], first["findings"]
    return str(first["verdict"])


def keep(first: int, end: int, asked: str = "- -", without: str = "") -> Callable[[str], str]:
    """The list with another span, and without the bundles that `without` ends with."""
    gone = [f"tile/entries/{one}" for one in without.split()]

    def edit(text: str) -> str:
        lines = [line for line in text.split("\n") if not line.endswith(tuple(gone or ["\0"]))]
        changed = "\n".join(lines).replace("asked - -", f"asked {asked}")
        return changed.replace("records 0 600", f"records {first} {end}")

    return edit


ALL = "000 001 002.p/88"


@pytest.mark.parametrize(
    ("edit", "verdict"),
    [
        (keep(0, 600), "INTACT"),
        (keep(0, 512, without="002.p/88"), "TAMPERED"),  # nobody asked for an end
        (keep(0, 512, f"{SINCE} -", "002.p/88"), "TAMPERED"),
        (keep(0, 512, f"- {SINCE}", "002.p/88"), "INTACT"),
        (keep(0, 0, without=ALL), "TAMPERED"),
        (keep(512, 512, without=ALL), "TAMPERED"),
        (keep(0, 0, f"{SINCE} -", ALL), "INTACT"),  # nothing since
        (keep(0, 520), "TAMPERED"),  # ends within a bundle
        (keep(7, 600, f"{SINCE} -"), "TAMPERED"),
        (keep(0, 600, "x y"), "TAMPERED"),
        (keep(0, 600, "2025-12-01 -"), "TAMPERED"),
        (lambda text: f"{text}{EXTRA}tile/5/000\n", "TAMPERED"),
        (lambda text: f"{text}{EXTRA}tile/entries/009\n", "TAMPERED"),
    ],
)
def test_an_export_holds_the_records_that_were_asked_for_and_nothing_beside(
    log: MadeLog, second: Second, edit: Callable[[str], str], verdict: str
) -> None:
    assert judge(second, rewrite(log, edit)) == verdict
