"""What goes from a log that ended, and how both verifiers judge the platform log's leave for it."""

from pathlib import Path
from typing import Any

import pytest

from deploy.bench.audit_folders import MadeLog, close, tell_end
from parvis.audit import verify
from tests.audit.second_verifier import Second, both
from tests.audit.test_erasures import DAY_US, HEAD, KEYS, entry


class Ended:
    """A log with sealed values that ended, and the platform log that says so."""

    def __init__(self, folder: Path, second: Second, records: int = 3) -> None:
        self.second, self.folder = second, folder
        self.log, self.platform = MadeLog("ended", folder), MadeLog("the platform")
        self.log.be_born()
        for at in range(records):
            self.log.add("auth.login", seal={"user": entry("abc"[at % 3])})
        self.log.add("log.closed", target={"log": self.log.id}, change={"size": records + 2})
        self.platform.be_born()
        self.platform.now_us = self.log.now_us
        self.allowed: list[int] = []
        self.closed = -1

    def end(self, **change: Any) -> None:
        self.closed = close(self.log, self.platform, **change)

    def allow(self, days: float = 400, kind: str = "retention.pruned", **fields: Any) -> int:
        self.platform.now_us += int(days * DAY_US)
        target = {"log": self.log.id, "tenant": "commune"} | fields.pop("target", {})
        self.allowed.append(self.platform.add(kind, target=target, **fields))
        return self.allowed[-1]

    def person(self, kind: str, pid: str, **target: Any) -> int:
        actor = {"type": "person", "pid": pid * 32}
        return self.allow(0, kind, actor=actor, target={"object": "e-1"} | target)

    def finish(self, sealed: str = "", **given: Any) -> tuple[str, dict[str, Any]]:
        """The verdict of both verifiers and the second's report, which must tell the same."""
        self.log.sealed = HEAD + "0 -\n" + sealed
        self.log.ended = self.log.ended or tell_end(self.platform, self.closed, self.allowed)
        return both(self.second, self.log.finish(), **given)


def reasons(report: dict[str, Any]) -> set[str]:
    """The words of the second verifier; the first one's sentences stand in `texts.js`."""
    return {finding["reason"] for finding in report["findings"]}


@pytest.fixture
def ended(tmp_path: Path, second: Second) -> Ended:
    return Ended(tmp_path / "export", second)


def test_what_is_gone_from_a_log_that_ended_without_leave_is_missing(ended: Ended) -> None:
    ended.end()
    verdict, report = ended.finish("1 3 *\n")
    assert verdict == "TAMPERED" and reasons(report) == {"lost"}
    assert (report["sealed"]["missing"], report["sealed"]["held"]) == (2, 1)


@pytest.mark.parametrize(("end", "verdict"), [(4, "INTACT"), (3, "TAMPERED")])
def test_time_allows_values_before_a_position(ended: Ended, end: int, verdict: str) -> None:
    ended.end()
    by = ended.allow(target={"object": "sealed", "end": end})
    found, report = ended.finish("1 4 *\n")
    assert found == verdict and report["sealed"]["platform"] == [by]
    assert report["ended"]["size"] == report["size"] == 5


@pytest.mark.parametrize(("keys", "verdict"), [("abc", "INTACT"), ("ab", "TAMPERED")])
def test_keys_that_the_platform_names_are_allowed(ended: Ended, keys: str, verdict: str) -> None:
    ended.end()
    ended.allow(0, target={"object": "conversations", "keys": [KEYS[key] for key in keys]})
    assert ended.finish("1 4 *\n")[0] == verdict


@pytest.mark.parametrize(
    ("asked", "wanted"), [("1", "INTACT"), ("2", "TAMPERED"), ("", "TAMPERED")]
)
def test_an_erasure_needs_two_people_there_too(ended: Ended, asked: str, wanted: str) -> None:
    ended.end()
    if asked:
        ended.person("erasure.requested", asked)
    ended.person("erasure.confirmed", "2", keys=list(KEYS.values()))
    verdict, report = ended.finish("1 4 *\n")
    assert verdict == wanted
    assert ("unasked" in reasons(report)) == (wanted == "TAMPERED")


FALSE = {
    "of another log": {"target": {"object": "sealed", "end": 4, "log": "ab" * 16}},
    "of another kind": {"kind": "hold.lifted", "target": {"object": "sealed", "end": 4}},
    "that failed": {"outcome": "failed", "target": {"object": "sealed", "end": 4}},
    "beyond the end": {"target": {"object": "sealed", "end": 6}},
    "of half a bundle": {"target": {"object": "records", "end": 2}},
}


@pytest.mark.parametrize("name", FALSE)
def test_a_leave_that_is_none_is_found(ended: Ended, name: str) -> None:
    ended.end()
    ended.allow(**FALSE[name])
    verdict, report = ended.finish()
    assert verdict == "TAMPERED" and reasons(report) == {"notLet"}


def test_a_leave_from_before_the_end_is_found(ended: Ended) -> None:
    ended.allow(0, target={"object": "sealed", "end": 4})
    ended.end()
    assert reasons(ended.finish("1 4 *\n")[1]) == {"notLet", "lost"}


def test_a_forged_leave_is_found(ended: Ended) -> None:
    ended.end()
    place = ended.allow(target={"object": "sealed", "end": 4})
    told = tell_end(ended.platform, ended.closed, [place])
    leaf = ended.platform.leaves[place]
    ended.platform.leaves[place] = leaf.replace(b'"end":4', b'"end":3')
    forged = tell_end(ended.platform, ended.closed, [place])
    ended.log.ended = told | {"allowed": forged["allowed"]}
    assert reasons(ended.finish("1 3 *\n")[1]) == {"notLet", "lost"}


@pytest.mark.parametrize("named", [False, True], ids=["unknown", "named"])
def test_a_leave_by_another_platform_log_counts_when_the_policy_names_it(
    ended: Ended, tmp_path: Path, *, named: bool
) -> None:
    ended.end()
    other = MadeLog("another platform")
    other.be_born()
    other.now_us = ended.platform.now_us
    told = tell_end(ended.platform, ended.closed)
    target = {"log": ended.log.id, "tenant": "commune", "object": "sealed", "end": 4}
    place = other.add("retention.pruned", target=target)
    ended.log.ended = told | {"allowed": [{"vkey": other.vkey, "proof": other.prove(place)}]}
    policy = tmp_path / "policy"
    lines = [f"log {ended.log.vkey}", *([f"log {other.vkey}"] if named else []), "quorum none"]
    policy.write_text("\n".join(lines) + "\n", encoding="utf-8")
    verdict, report = ended.finish("1 4 *\n", policy=policy)
    assert verdict == ("INTACT" if named else "UNVERIFIABLE")
    assert report["checks"]["sealed"] == ("done" if named else "strange")
    assert report["sealed"]["missing"] == 0


@pytest.mark.parametrize("size", [None, 9], ids=["allowed", "cut"])
@pytest.mark.parametrize("named", [False, True], ids=["unknown", "named"])
def test_under_a_policy_only_a_platform_log_that_it_names_tells_of_an_end(
    ended: Ended, tmp_path: Path, *, named: bool, size: int | None
) -> None:
    ended.end(**({"size": size} if size else {}))
    if size is None:
        ended.allow(target={"object": "sealed", "end": 4})
    lines = [f"log {ended.log.vkey}", *([f"log {ended.platform.vkey}"] if named else [])]
    policy = tmp_path / "policy"
    policy.write_text("\n".join([*lines, "quorum none"]) + "\n", encoding="utf-8")
    verdict, _ = ended.finish("1 4 *\n", policy=policy)
    assert verdict == ("INTACT" if named else "UNVERIFIABLE")


def test_what_may_have_been_allowed_by_lost_records_is_left_undecided(ended: Ended) -> None:
    ended.end(size=9)
    verdict, report = ended.finish("1 4 *\n")
    assert verdict == "INTACT" and report["checks"]["sealed"] == "cutOff"


@pytest.mark.parametrize(("days", "verdict"), [(184, "INTACT"), (183.9, "TAMPERED")])
def test_records_before_one_that_is_old_enough_may_go(
    tmp_path: Path, second: Second, days: float, verdict: str
) -> None:
    ended = Ended(tmp_path / "export", second, 600)
    ended.end()
    by = ended.allow(days, target={"object": "records", "end": 256})
    _drop_first_bundle(ended.log)
    found, report = ended.finish()
    assert found == verdict and report["pruned"] == {"end": 256, "by": by, "platform": True}
    assert ("floor" in reasons(report)) == (verdict == "TAMPERED")


def _drop_first_bundle(log: MadeLog) -> None:
    assert log.folder is not None
    log.first = 256
    (log.folder / "tile/entries/000").unlink()
    log.lines = [line for line in log.lines if not line.endswith("tile/entries/000")]


def test_records_that_went_from_a_log_that_ended_need_leave(tmp_path: Path, second: Second) -> None:
    ended = Ended(tmp_path / "export", second, 600)
    ended.end()
    _drop_first_bundle(ended.log)
    verdict, report = ended.finish()
    assert verdict == "TAMPERED" and reasons(report) == {"unallowed"}


@pytest.mark.parametrize(("days", "verdict"), [(184, "INTACT"), (183.9, "TAMPERED")])
def test_all_of_it_goes_184_days_after_its_end(
    tmp_path: Path, second: Second, days: float, verdict: str
) -> None:
    ended = Ended(tmp_path / "export", second, 600)
    ended.end()
    ended.allow(days, target={"object": "records", "end": ended.log.size})
    ended.log.leave_nothing()
    found, report = ended.finish()
    assert found == verdict and report["pruned"]["end"] == ended.log.size == report["size"]
    assert report["records"] == [report["size"], report["size"]]
    assert report["checks"]["pruned"] == "done"


def test_a_log_that_goes_on_cannot_go_whole(tmp_path: Path, second: Second) -> None:
    ended = Ended(tmp_path / "export", second)
    ended.log.leave_nothing()
    ended.log.sealed = HEAD + "0 -\n"
    verdict, report = both(second, ended.log.finish())
    assert verdict == "TAMPERED" and reasons(report) == {"unallowed"}


@pytest.mark.parametrize("allowed", [None, "", {}, 0, [None], ["x"], [{}]])
def test_leave_in_another_form_is_found(ended: Ended, allowed: Any) -> None:
    ended.end()
    ended.log.ended = tell_end(ended.platform, ended.closed) | {"allowed": allowed}
    verdict, report = ended.finish()
    assert verdict == "TAMPERED" and reasons(report) == {"notLet"}


def test_an_export_that_tells_of_an_end_and_no_leave_is_read(ended: Ended) -> None:
    ended.end()
    told = tell_end(ended.platform, ended.closed)
    del told["allowed"]
    ended.log.ended = told
    assert ended.finish()[0] == "INTACT"


@pytest.mark.parametrize("language", ["en", "fr", "de", "lb"])
def test_the_report_names_the_platform_log_that_let_it_go(
    ended: Ended, capsys: pytest.CaptureFixture[str], language: str
) -> None:
    ended.end()
    by = ended.allow(target={"object": "sealed", "end": 4})
    report = ended.finish("1 4 *\n")[1]
    assert verify.main([str(ended.folder), "--language", language]) == 0
    told = capsys.readouterr().out
    assert report["ended"]["platform"] in told and report["ended"]["time"] in told
    words = {"en": f"record {by} of the platform log", "de": f"Eintrag {by} des Plattform-Proto"}
    assert words.get(language, str(by)) in told


@pytest.mark.parametrize(("root", "verdict"), [({}, "INTACT"), ({"root": "ab" * 32}, "TAMPERED")])
def test_a_log_that_ended_is_as_long_and_the_same_as_the_platform_log_says(
    ended: Ended, root: dict[str, str], verdict: str
) -> None:
    ended.end(**root)
    assert ended.finish()[0] == verdict


def test_an_end_that_is_not_here_is_not_compared(ended: Ended) -> None:
    ended.end(size=9, root="ab" * 32)
    assert ended.finish()[0] == "INTACT"
