"""Who tells of a log's birth: a platform log, and under a policy only one that it names."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deploy.bench.audit_folders import MadeLog, bear
from tests.audit.second_verifier import Second, both

Told = dict[str, str]


@pytest.fixture
def log(tmp_path: Path) -> MadeLog:
    made = MadeLog("births", tmp_path / "export")
    made.be_born()
    return made


def tell(born: MadeLog, *, kind: str = "log.created", seq: int = 1, **target: Any) -> Told:
    """A platform log's record of the birth, with these fields."""
    platform = MadeLog("platform")
    platform.be_born()
    change = {"origin": born.origin, "vkey": born.vkey}
    said = {"log": born.id, "tenant": "commune"} | target
    place = platform.add(kind, target=said, change=change, seq=seq)
    return {"vkey": platform.vkey, "proof": platform.prove(place)}


@pytest.mark.parametrize("named", [True, False], ids=["named", "unknown"])
def test_under_a_policy_only_a_platform_log_that_it_names_tells_of_a_birth(
    log: MadeLog, second: Second, tmp_path: Path, *, named: bool
) -> None:
    platform = MadeLog("platform")
    lines = [f"log {log.vkey}", *([f"log {platform.vkey}"] if named else []), "quorum none"]
    (tmp_path / "policy").write_text("\n".join(lines) + "\n", encoding="utf-8")
    verdict, report = both(second, log.finish(bear(log)), policy=tmp_path / "policy")
    assert verdict == "INTACT"
    assert report["checks"]["birth"] == ("done" if named else "headsKey")
    assert len(report["platform"]["fingerprint"]) == 39


CASES: dict[str, Callable[[MadeLog], Told]] = {
    "as it must be": tell,
    "of another log": lambda log: tell(log, log="ab" * 16),
    "at another position": lambda log: tell(log, seq=9),
    "of another kind": lambda log: tell(log, kind="log.closed"),
    "by the log itself": lambda log: {"vkey": log.vkey, "proof": log.prove(0)},
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_no_birth_of_this_log_is_found(log: MadeLog, second: Second, name: str) -> None:
    verdict, report = both(second, log.finish(CASES[name](log)))
    found = {finding["reason"] for finding in report["findings"]}
    wanted = ("INTACT", set()) if name == "as it must be" else ("TAMPERED", {"platform"})
    assert (verdict, found) == wanted


def test_a_log_that_calls_itself_the_platforms_is_not_believed(
    log: MadeLog, second: Second, tmp_path: Path
) -> None:
    """Only the platform log has no birth elsewhere: its first record says whose it is."""
    verdict, report = both(second, log.finish())
    assert (verdict, report["checks"]["birth"]) == ("INTACT", "noBirth")
    platform = MadeLog("platform", tmp_path / "platform")
    platform.be_born()
    verdict, report = both(second, platform.finish())
    assert (verdict, report["checks"]["birth"]) == ("INTACT", "done")
