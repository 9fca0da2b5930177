"""What is gone from a log and which record allows it: both verifiers ask the same."""

import json
from pathlib import Path
from typing import Any

import pytest

from deploy.bench.audit_folders import MadeLog
from parvis.audit import verify
from tests.audit.second_verifier import Second

DAY_US = 86_400 * 1_000_000
HEAD = "parvis-audit-sealed/v1\nretention "
KEYS = {letter: letter * 32 for letter in "abcdef"}


def entry(key: str) -> dict[str, Any]:
    return {"c": "0" * 64, "k": KEYS[key], "n": 3}


class Made:
    """A log of one agency with sealed values, in the folder of an export."""

    def __init__(self, folder: Path, second: Second) -> None:
        self.second = second
        self.log = MadeLog("erased", folder)
        self.log.be_born()

    def login(self, key: str = "a", days: float = 0) -> int:
        self.log.now_us += int(days * DAY_US)
        return self.log.add("auth.login", seal={"user": entry(key)})

    def ask(self, pid: str = "1", name: str = "e-1") -> None:
        actor = {"type": "person", "pid": pid * 32}
        self.log.add("erasure.requested", actor=actor, target={"object": name})

    def confirm(self, *keys: str, pid: str = "2", name: str = "e-1", **more: Any) -> int:
        actor = {"type": "person", "pid": pid * 32}
        target = {"object": name, "keys": [KEYS[key] for key in keys]}
        return self.log.add("erasure.confirmed", actor=actor, target=target, **more)

    def end(self, what: str, end: int) -> int:
        return self.log.add("retention.pruned", target={"object": what, "end": end})

    def finish(self, sealed: str = "0 -\n") -> dict[str, Any]:
        """What the first verifier says; the second must say the same."""
        self.log.sealed = HEAD + sealed
        folder = self.log.finish()
        report = verify.verify_folder(str(folder))
        second = self.second.check(folder)
        assert second["verdict"] == report["verdict"], (report["findings"], second["findings"])
        for name in ("sealed", "pruned"):
            assert (second["checks"][name] == "done") == (report["checks"][name] == "done")
            assert second.get(name) == report.get(name)
        return report


@pytest.fixture
def made(tmp_path: Path, second: Second) -> Made:
    return Made(tmp_path / "export", second)


def reasons(report: dict[str, Any]) -> set[str]:
    return {finding["reason"] for finding in report["findings"]}


LOST = "sealed values are gone and no record allows it"


def test_what_is_held_needs_no_record(made: Made) -> None:
    made.login()
    report = made.finish()
    assert report["verdict"] == "INTACT" and report["checks"]["sealed"] == "done"
    assert report["sealed"] == {
        "fields": 1,
        "held": 1,
        "erased": 0,
        "missing": 0,
        "allowed_by": [],
    }


def test_what_is_gone_without_a_record_is_missing(made: Made) -> None:
    for key in "ab":
        made.login(key)
    report = made.finish("0 -\n1 2 user\n")
    assert report["verdict"] == "TAMPERED" and reasons(report) == {LOST}
    assert [finding["seq"] for finding in report["findings"]] == [1]
    assert (report["sealed"]["held"], report["sealed"]["missing"]) == (1, 1)


def test_an_erasure_that_two_people_wanted_allows_its_keys_and_no_other(made: Made) -> None:
    for key in "abc":
        made.login(key)
    made.ask()
    by = made.confirm("a", "b")
    report = made.finish("0 -\n1 3 *\n")
    assert report["verdict"] == "INTACT", report["findings"]
    assert report["sealed"]["erased"] == 2 and report["sealed"]["allowed_by"] == [by]


def test_another_key_than_the_allowed_one_is_missing(made: Made) -> None:
    for key in "ab":
        made.login(key)
    made.ask()
    made.confirm("a")
    report = made.finish("0 -\n1 3 *\n")
    assert reasons(report) == {LOST} and report["sealed"]["missing"] == 1


@pytest.mark.parametrize("who", ["nobody", "the same", "for another", "afterwards"])
def test_an_erasure_that_one_person_wanted_allows_nothing(made: Made, who: str) -> None:
    made.login("a")
    if who in ("the same", "for another"):
        made.ask("2" if who == "the same" else "1", "e-1" if who == "the same" else "e-2")
    made.confirm("a")
    if who == "afterwards":
        made.ask()
    report = made.finish("0 -\n1 2 *\n")
    assert reasons(report) == {LOST, "an erasure was confirmed that nobody else had asked for"}


def test_an_owner_erases_alone(made: Made) -> None:
    made.login("a")
    made.confirm("a", reason="own")
    assert made.finish("0 -\n1 2 *\n")["verdict"] == "INTACT"


def test_time_allows_everything_before_a_position(made: Made) -> None:
    for key in "abc":
        made.login(key)
    by = made.end("sealed", 3)
    report = made.finish(f"3 {by}\n1 3 *\n")
    assert report["verdict"] == "INTACT" and report["sealed"]["erased"] == 2


@pytest.mark.parametrize("claim", ["4 {by}", "3 1", "3 99", "2 {by}"])
def test_a_claim_that_no_record_makes_allows_nothing(made: Made, claim: str) -> None:
    for key in "abc":
        made.login(key)
    by = made.end("sealed", 3)
    assert reasons(made.finish(claim.format(by=by) + "\n1 4 *\n")) == {LOST}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0 -",
        "0\n",
        "01 2\n",
        "0 -\n2 1 *\n",
        "0 -\n1 1 *\n",
        "0 -\n1 3 *\n2 4 *\n",
        "0 -\n1 2 \n",
        "0 -\n1 2 User\n",
        "0 -\n1 2 user,\n",
        "0 -\n1 2 *\n\n",
        "0 -\n1 9007199254740993 *\n",
    ],
)
def test_a_list_in_another_form_is_found(made: Made, text: str) -> None:
    made.login("a")
    assert reasons(made.finish(text)) == {"not a list of what is gone"}


def test_a_value_that_the_record_does_not_have_is_found(made: Made) -> None:
    made.login("a")
    made.confirm("a", reason="own")
    wanted = {"a value is said to be gone that the record does not have"}
    assert reasons(made.finish("0 -\n1 2 prompt\n")) == wanted


def test_a_missing_list_is_found(made: Made) -> None:
    made.login("a")
    made.finish()
    folder = made.log.folder
    assert folder is not None
    (folder / "sealed").unlink()
    assert verify.verify_folder(str(folder))["verdict"] == "INCOMPLETE"
    assert made.second.check(folder)["verdict"] == "INCOMPLETE"


def prune(made: Made, days: float, records: int = 600) -> None:
    """A log whose first 256 records go `days` after the first that stays."""
    made.log.first = 256
    for _ in range(records):
        made.login()
    made.log.now_us += int(days * DAY_US)


def test_pruned_records_need_a_record_that_allows_it(made: Made) -> None:
    prune(made, 184)
    by = made.end("records", 256)
    report = made.finish()
    assert report["verdict"] == "INTACT", report["findings"]
    assert report["pruned"] == {"end": 256, "by": by} and report["checks"]["pruned"] == "done"
    assert report["checks"]["intents"].startswith("skipped")


def test_records_that_are_missing_without_a_record_are_found(made: Made) -> None:
    prune(made, 184)
    wanted = {"records before the first are not here and no record allows that"}
    assert reasons(made.finish()) == wanted


def test_records_that_were_pruned_below_the_floor_are_found(made: Made) -> None:
    prune(made, 183.9)
    made.end("records", 256)
    assert reasons(made.finish()) == {"records were pruned before 184 days were over"}


@pytest.mark.parametrize("ends", [(256, 256), (512, 256), (200,), (1024,)])
def test_a_minimum_index_that_does_not_grow_is_found(made: Made, ends: tuple[int, ...]) -> None:
    prune(made, 400)
    if len(ends) == 1:
        made.end("records", 256)
    for end in ends:
        made.end("records", end)
    assert "the minimum index does not grow" in reasons(made.finish())


def test_the_report_tells_what_is_gone(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    made.login("a")
    made.confirm("a", reason="own")
    made.finish("0 -\n1 2 *\n")
    assert verify.main([str(made.log.folder)]) == 0
    words = "1 sealed values: 0 held, 1 erased with a record that allows it, 0 missing"
    assert capsys.readouterr().out.count(words) == 1, "said once"
    assert json.dumps(verify.verify_folder(str(made.log.folder)))
