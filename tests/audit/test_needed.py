"""Nothing is INTACT of which a part could not be looked at: files that are left out, checks too.

Whoever holds the log's key can sign a list of files that leaves one out.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from parvis.audit import verify
from parvis.audit.log_keys import LogKeys
from parvis.audit.notes import sign_note
from tests.audit.houses import ROOT_KEY, House, export, fill, fill_fast
from tests.audit.second_verifier import Second, both

NEEDED = "the file is needed and not there"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("needed")
    house = House(folder / "house")
    log = house.open()
    fill(log, 2)
    fill_fast(log, 300)
    export(log, folder / "whole")
    house.shut()
    yield folder


@pytest.fixture
def whole(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made / "whole", tmp_path / "whole"))


def leave_out(made: Path, whole: Path, name: str) -> None:
    """The list of files without this one, signed by the log's key."""
    text, _, _ = (whole / "manifest").read_text().rpartition("\n\n")
    lines = text.split("\n")
    at = next(at for at, line in enumerate(lines) if line.startswith("files "))
    kept = [line for line in lines[at + 1 :] if not line.endswith(" " + name)]
    assert len(kept) == len(lines) - at - 2
    lines = [*lines[:at], f"files {len(kept)}", *kept]
    origin = (whole / "checkpoint").read_text().partition("\n")[0]
    log_id = origin.rpartition("/")[2]
    keys = LogKeys(made / "house" / "audit" / "keys", ROOT_KEY)
    key = keys._read(log_id, keys._path(log_id))
    assert key is not None
    (whole / "manifest").write_text(sign_note("\n".join(lines) + "\n", origin, key))


FILES = ["tile/0/000", "tile/entries/000", "sealed"]


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_a_signed_list_leaves_out_is_missed_by_both(
    made: Path, whole: Path, second: Second, name: str
) -> None:
    assert both(second, whole)[0] == "INTACT"
    leave_out(made, whole, name)
    (whole / name).unlink()
    assert both(second, whole)[0] == "TAMPERED"
    found = verify.verify_folder(str(whole))["findings"]
    assert {"verdict": "TAMPERED", "file": name, "reason": NEEDED} in found


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_missing_without_any_list_is_named(whole: Path, name: str) -> None:
    for gone in ("manifest", name):
        (whole / gone).unlink()
    report = verify.verify_folder(str(whole))
    assert report["verdict"] == "INCOMPLETE"
    assert {"verdict": "INCOMPLETE", "file": name, "reason": NEEDED} in report["findings"]


@pytest.mark.parametrize("forgotten", verify.NEEDED)
def test_a_check_that_was_not_made_leaves_nothing_intact(
    made: Path, monkeypatch: pytest.MonkeyPatch, forgotten: str
) -> None:
    """Whatever way through the verifier comes to no end of a check, nobody reads INTACT."""
    done = verify.Notebook.done

    def forget(book: verify.Notebook, *names: str) -> None:
        done(book, *(name for name in names if name != forgotten))

    monkeypatch.setattr(verify.Notebook, "done", forget)
    report = verify.verify_folder(str(made / "whole"))
    assert report["verdict"] == "UNVERIFIABLE"
    words = "not everything that is needed could be checked"
    assert words in [found["reason"] for found in report["findings"]]
