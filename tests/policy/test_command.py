"""`parvis policy`: what it prints, and its exit codes."""

import argparse
import io
import json
import shutil
import sys
from pathlib import Path

import pytest

from parvis.cli import policy
from parvis.errors import ConfigurationFaults
from parvis.policy.cases import build_example


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("PARVIS_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("PARVIS_POLICIES_DIR", raising=False)
    parser = argparse.ArgumentParser(prog="parvis")
    policy.register(parser.add_subparsers())

    def run_command(*arguments: str, stdin: bytes = b"") -> int:
        stream = io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8")
        monkeypatch.setattr(sys, "stdin", stream)
        args = parser.parse_args(["policy", *arguments])
        status: int = args.run(args)
        return status

    return run_command


def envelope(**changes: object) -> bytes:
    dotted = {path.replace("__", "."): value for path, value in changes.items()}
    return json.dumps(build_example(dotted)).encode()


def test_the_test_command_prints_every_rule_and_case_and_succeeds(run, capsys) -> None:
    assert run("test") == 0
    out = capsys.readouterr().out
    for words in ("P-00", "P-22a", "AG-01", "ok   lb: Matricule am Kloertext -> deny", "always"):
        assert words in out
    assert "FAIL" not in out
    assert out.splitlines()[-1].startswith("19 rules, ")
    assert run("test", "policies", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["ok"]
    assert all(case["passed"] for case in report["cases"])


def test_the_test_command_fails_on_a_rule_whose_case_fails(run, capsys, tmp_path: Path) -> None:
    folder = tmp_path / "rules"
    shutil.copytree("policies", folder)
    assert run("test", str(folder)) == 0
    path = folder / "p-22-marking.yaml"
    path.write_text(path.read_text().replace("op: not_in", "op: in", 1))
    with pytest.raises(ConfigurationFaults, match=r"p-22-marking.yaml:\d+.*expected not_matched"):
        run("test", str(folder))
    capsys.readouterr()
    assert run("test", str(folder), "--json") == 1
    report = json.loads(capsys.readouterr().out)
    assert not report["ok"]
    assert all(fault["line"] for fault in report["faults"])


def test_the_test_command_fails_when_a_rule_that_people_rely_on_is_gone(
    run, capsys, tmp_path: Path
) -> None:
    folder = tmp_path / "rules"
    shutil.copytree("policies", folder)
    (folder / "p-21-notice.yaml").unlink()
    assert run("test", str(folder)) == 1
    out = capsys.readouterr().out
    assert "FAIL every allowed first turn carries the notice" in out
    assert "SOME FAIL" in out


def test_decide_explains_an_allowed_request_and_exits_0(run, capsys) -> None:
    assert run("decide", stdin=envelope()) == 0
    out = capsys.readouterr().out
    assert out.startswith("allowed\n")
    assert "Regulation (EU) 2024/1689 (AI Act), Art. 50(2)" in out
    assert "duties: mark, mask, notice" in out


def test_decide_explains_a_refused_request_and_exits_1(run, capsys) -> None:
    assert run("decide", stdin=envelope(data__level=4)) == 1
    assert "P-16b deny: Above restricted: always refused" in capsys.readouterr().out
    assert run("decide", "--json", stdin=envelope(data__level=4)) == 1
    report = json.loads(capsys.readouterr().out)
    assert (report["allowed"], report["rules"][0]["id"]) == (False, "P-16")


def test_decide_refuses_an_incomplete_envelope_and_says_what_is_missing(run, capsys) -> None:
    assert run("decide", stdin=b"{}") == 1
    out = capsys.readouterr().out
    assert "P-00 deny" in out
    assert "missing or mistyped: principal" in out


def test_decide_can_add_an_agency_s_rules(run, capsys) -> None:
    given = envelope(request__channel="public", data__level=2)
    assert run("decide", stdin=given) == 0
    assert run("decide", "--rules", "no-personal-data-in-public-chat", stdin=given) == 1
    assert "AG-01" in capsys.readouterr().out


@pytest.mark.parametrize("stdin", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b" " * 1_000_001])
def test_decide_on_bad_json_says_one_line_and_exits_2(run, capsys, stdin: bytes) -> None:
    assert run("decide", stdin=stdin) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1
