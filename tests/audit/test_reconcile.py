"""A model called past the log is found by whoever else counts; a gateway that records all is not.

The gateway is whole and the model server's access log is its own; only counts are compared.
"""

import gzip
import importlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from parvis.assistant.records import ChatRecord
from parvis.audit import PLATFORM, Draft, verify
from parvis.audit.outside_counts import load_access_logs, load_counts
from parvis.audit.reconcile import (
    BY_COUNTER,
    Call,
    LoggedCalls,
    find_last_counter,
    read_calls,
)
from parvis.cli import main
from parvis.errors import Conflict, InvalidRequest
from parvis.inference.counters import sum_counter
from tests.audit.houses import (
    House,
    allow_pruning,
    export,
    fill_fast,
    start_chat,
    wait_half_a_year,
)
from tests.fakes.installation import Installation, build_installation
from tests.fakes.model_server import BUSY, FakeModelServer

HOUR = timedelta(hours=1)
# the package gives this name to a function of it
ANSWER = importlib.import_module("parvis.assistant.answer")
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
LINE = '10.1.0.7 - parvis [21/Nov/2026:13:05:59 +0100] "POST {path} HTTP/1.1" {status} 512'


class SilentRecord(ChatRecord):
    """What a gateway that its operator changed would do: every second chat leaves no trace."""

    _turns = count()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._silent = next(self._turns) % 2 == 1

    def begin(self) -> None:
        if not self._silent:
            super().begin()

    def require_intent(self) -> str:
        return "" if self._silent else super().require_intent()

    def _end(self, word: str, outcome: str, reason: str = "") -> str:
        return "" if self._silent else super()._end(word, outcome, reason)


class Site:
    """A gateway, its model server, and the commands of its operator."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.server = FakeModelServer()
        self.server.__enter__()
        self.gateway: Installation = build_installation(folder, self.server)
        monkeypatch.setenv("PARVIS_DATA_DIR", str(folder / "data"))
        monkeypatch.setenv("PARVIS_MODELS_FILE", str(folder / "models.yaml"))

    def chat(self, times: int, model: str = "valbourg-brut") -> None:
        body = {"model": model, "messages": [{"role": "user", "content": "Dear Marie Dupont"}]}
        for _ in range(times):
            self.gateway.client.post(
                "/v1/chat/completions", json=body, headers=self.gateway.headers()
            ).close()

    def embed(self) -> None:
        body = {"model": "valbourg-guichet", "input": "hello"}
        answer = self.gateway.client.post(
            "/v1/embeddings", json=body, headers=self.gateway.headers()
        )
        assert answer.status_code == 200

    def name_counter(self) -> None:
        path = self.folder / "models.yaml"
        content = yaml.safe_load(path.read_text())
        content["servers"]["demo"]["metrics"] = {"path": "/metrics"}
        path.write_text(yaml.safe_dump(content))

    def run(self, *options: str) -> int:
        return main(["audit", "reconcile", *options])

    def compare(self) -> int:
        """The access log of this hour and its neighbours."""
        log = self.server.write_access_log(self.folder / "access.log")
        now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        first, last = f"{now - HOUR:%Y-%m-%dT%H:%MZ}", f"{now + 2 * HOUR:%Y-%m-%dT%H:%MZ}"
        return self.run("--from", first, "--to", last, "--access-log", str(log), "--json")

    def results(self) -> list[dict[str, Any]]:
        found = self.gateway.records(PLATFORM)
        return [dict(record) for record in found if record["kind"] == "reconcile.result"]

    def stop(self) -> None:
        self.gateway.services.close()
        self.server.stop()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    site = Site(tmp_path, monkeypatch)
    yield site
    site.stop()


@pytest.mark.parametrize("variant", [None, SilentRecord])
def test_a_gateway_that_calls_the_model_without_an_intent_is_found_and_its_twin_is_not(
    site: Site,
    variant: type[ChatRecord] | None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The gateway holds the log's own key: its log is whole, only the other count tells."""
    if variant:
        monkeypatch.setattr(ANSWER, "ChatRecord", variant)
    site.chat(4)
    site.chat(1, "valbourg-guichet")  # a quotation: no model is asked
    assert len(site.server.requests) == 4
    assert site.compare() == (1 if variant else 0)
    (told,) = json.loads(capsys.readouterr().out)["servers"]
    assert (told["outside"], told["logged"], told["maybe"]) == (4, 2 if variant else 4, 0)
    assert told["unlogged"] == (2 if variant else 0)
    (record,) = site.results()
    assert record["outcome"] == ("failed" if variant else "success")
    assert record.get("reason") == ("calls_without_intent" if variant else None)
    assert record["target"]["object"] == "demo"
    assert record["use"] == {
        "calls_logged": told["logged"],
        "calls_maybe": 0,
        "calls_outside": 4,
        "calls_unlogged": told["unlogged"],
    }
    log = site.gateway.services.audit
    for tenant in ("valbourg", PLATFORM):
        folder = export(log, site.folder / f"export-{tenant}", tenant)
        report = verify.verify_folder(str(folder))
        assert report["verdict"] == "INTACT"
    assert report["compared"]["count"] == 1
    assert [one["unlogged"] for one in report["compared"]["first"]] == ([2] if variant else [])
    assert main(["audit", "verify", str(folder), "--language", "de"]) in {0, 4}
    shown = capsys.readouterr().out
    assert f"1 mit Zählungen von außen, der letzte bis {record['target']['to']}" in shown
    assert ("2 Aufrufe von demo ohne Eintrag" in shown) == bool(variant)


def test_a_call_that_failed_or_was_refused_by_its_server_is_no_alarm(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.server.script(BUSY)
    site.chat(2)
    assert site.compare() == 0
    (told,) = json.loads(capsys.readouterr().out)["servers"]
    assert (told["outside"], told["logged"], told["maybe"]) == (2, 1, 1)


def test_a_servers_own_counter_is_compared_from_one_look_to_the_next(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    site.chat(1)
    assert site.run("--model-servers") == 1  # no server says where its counter is
    site.name_counter()
    assert site.run("--model-servers") == 0
    assert "first look" in capsys.readouterr().out
    reader = site.gateway.services.audit.reader
    first = find_last_counter(reader, "demo")
    assert first is not None
    assert first.counter == 1
    site.chat(2)
    assert site.run("--model-servers") == 0
    monkeypatch.setattr(ANSWER, "ChatRecord", SilentRecord)
    site.chat(8)
    assert site.run("--model-servers", "--json") == 1
    (told,) = json.loads(capsys.readouterr().out.splitlines()[-1])["servers"]
    assert (told["outside"], told["logged"]) == (8, 4)
    assert told["unlogged"] >= 1  # the three of just before may have been counted only now
    site.server.requests.clear()  # started anew: it counts from 0
    assert site.run("--model-servers") == 0
    assert "began anew" in capsys.readouterr().out
    site.server.stop()
    assert site.run("--model-servers") == 1
    assert "NOT COMPARED" in capsys.readouterr().out


def test_an_intent_written_afterwards_explains_no_earlier_call(house: House) -> None:
    log = house.open()
    start_chat(log)
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    edges = [now - 4 * HOUR + HOUR * at for at in range(7)]
    calls = read_calls(log.reader, ["commune"], edges, {}.get)
    assert calls.servers == set()  # the intent names no model: nothing is explained by it
    draft = Draft(
        "chat.started", target={"assistant": "desk"}, model={"wanted": ["demo-small", "other"]}
    )
    log.append("commune", draft, 10)
    calls = read_calls(log.reader, ["commune"], edges, {"demo-small": "demo"}.get)
    assert calls.compare("demo", [0, 0, 0, 0, 1, 0]).unlogged == 0
    assert calls.compare("demo", [1, 0, 0, 0, 0, 0]).unlogged == 1
    assert calls.compare("demo", [0, 0, 0, 0, 2, 0]).unlogged == 1


def test_a_question_that_a_dead_worker_left_open_may_have_been_sent(house: House) -> None:
    log = house.open()
    draft = Draft("chat.started", target={"assistant": "desk"}, model={"wanted": ["demo-small"]})
    started = log.append("commune", draft, 10)
    log.append("commune", Draft("chat.unknown", re=started.id), 10)
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    calls = read_calls(
        log.reader, ["commune"], [now, now + HOUR, now + 2 * HOUR], {"demo-small": "demo"}.get
    )
    found = calls.compare("demo", [0, 0])
    assert (found.logged, found.maybe, found.unlogged, found.uncounted) == (0, 1, 0, 0)
    assert found.spans[0].outcomes["unknown"] + found.spans[1].outcomes["unknown"] == 1


def test_a_period_whose_records_were_pruned_is_refused(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = house.open()
    fill_fast(log, 300)
    now = datetime.now(UTC)
    later = [now + 2 * HOUR, now + 3 * HOUR]
    assert read_calls(log.reader, ["commune"], [now - HOUR, now], {}.get).servers == set()
    allow_pruning(log, 256)
    wait_half_a_year(monkeypatch)
    assert log.prune("commune", 256) == 256
    with pytest.raises(Conflict, match="commune: records of this period were pruned"):
        read_calls(log.reader, ["commune"], [now - HOUR, now], {}.get)
    assert read_calls(log.reader, ["commune"], later, {}.get).servers == set()


def call(start_min: int, end_min: int, *, certain: bool = True) -> Call:
    start, end = (NOON + timedelta(minutes=at) for at in (start_min, end_min))
    return Call("gpu", "finished", certain, start, end)


def compare(calls: list[Call], *outside: int) -> Any:
    logged = LoggedCalls([NOON + HOUR * at for at in range(len(outside) + 1)])
    for one in calls:
        logged.add(one)
    return logged.compare("gpu", outside)


def test_three_answers_to_one_question_are_one_line_and_three_of_a_counter(house: House) -> None:
    log = house.open()
    started = start_chat(log)
    ended = Draft(
        "chat.finished",
        re=started.id,
        model={"provider": "gpu", "digest": "sha256:ab"},
        use={"ms": 10, "finish": "stop,stop,length"},
    )
    log.append("commune", ended, 10)
    edges = [datetime.now(UTC) - HOUR, datetime.now(UTC) + HOUR]
    by_lines = read_calls(log.reader, ["commune"], edges, {}.get)
    by_counter = read_calls(log.reader, ["commune"], edges, {}.get, BY_COUNTER)
    assert [by_lines.compare("gpu", [count]).unlogged for count in (1, 3)] == [0, 2]
    assert [by_counter.compare("gpu", [count]).unlogged for count in (1, 3, 4)] == [0, 0, 1]


def test_a_call_over_the_hour_may_be_counted_on_either_side_but_once() -> None:
    over = call(59, 61)
    assert compare([over], 1, 0).unlogged == 0
    assert compare([over], 0, 1).unlogged == 0
    assert compare([over], 1, 1).unlogged == 1
    assert compare([over], 0, 0).uncounted == 1
    # an hour away is no explanation, a minute of another clock is
    assert compare([call(10, 12)], 0, 1).unlogged == 1
    assert compare([call(10, 12)], 0, 1).uncounted == 1
    assert compare([call(60, 61)], 1, 0).unlogged == 0
    # what another day may have counted is not missed in this one
    assert compare([call(-5, 5)], 0, 0).uncounted == 0
    assert compare([call(-5, 5)], 1, 0).unlogged == 0
    assert compare([call(-50, -40)], 1, 0).unlogged == 1
    assert compare([call(10, 12, certain=False)], 0, 0).uncounted == 0


@given(
    st.lists(st.tuples(st.integers(0, 230), st.integers(0, 90)), max_size=7),
    st.lists(st.integers(0, 3), min_size=4, max_size=4),
)
def test_no_other_way_to_explain_the_counts_leaves_fewer_open(
    times: list[tuple[int, int]], outside: list[int]
) -> None:
    calls = [call(start, start + length) for start, length in times]

    def fewest(left: list[Call], counts: tuple[int, ...]) -> int:
        if not left:
            return sum(counts)
        one, *rest = left
        best = fewest(rest, counts)
        for at, wanted in enumerate(counts):
            begin, end = NOON + HOUR * at, NOON + HOUR * (at + 1)
            fits = one.start - timedelta(minutes=1) < end and one.end >= begin - timedelta(
                minutes=1
            )
            if wanted and fits:
                fewer = (*counts[:at], wanted - 1, *counts[at + 1 :])
                best = min(best, fewest(rest, fewer))
        return best

    assert compare(calls, *outside).unlogged == fewest(calls, tuple(outside))


def test_an_access_log_is_counted_by_its_own_hours(tmp_path: Path) -> None:
    lines = [
        LINE.format(path="/v1/chat/completions", status=200),
        LINE.format(path="/v1/chat/completions?x=1", status=499) + ' "-" "python"',
        LINE.format(path="/completion", status=500) + ' "-" "curl \\" POST "',
        LINE.format(path="/v1/chat/completions", status=401),
        LINE.format(path="/health", status=200).replace("POST", "GET"),
        LINE.format(path="/v1/embeddings", status=200).replace("+0100", "-0530"),
        "started anew",
    ]
    plain, packed = tmp_path / "access.log", tmp_path / "access.log.1.gz"
    plain.write_text("\n".join(lines) + "\n")
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    found = load_access_logs([("gpu", plain), ("gpu", packed), ("other", plain)])
    assert found.hours["gpu"] == {NOON: 6, NOON + 6 * HOUR: 2}
    assert found.hours["other"] == {NOON: 3, NOON + 6 * HOUR: 1}
    assert found.turned_away == 3


@pytest.mark.parametrize(
    "line",
    [
        'INFO:     127.0.0.1:41234 - "POST /v1/chat/completions HTTP/1.1" 200 OK',
        "srv  log_server_r: request: POST /v1/chat/completions 127.0.0.1 200",
        LINE.format(path="/v1/x", status=200).replace("21/Nov", "31/Nov"),
        LINE.format(path="/v1/x", status=200).replace("Nov", "Nox"),
        "x" * 70_000,
    ],
)
def test_a_line_that_cannot_be_counted_is_named_and_nothing_is_compared(
    tmp_path: Path, line: str
) -> None:
    file = tmp_path / "access.log"
    file.write_text(f"{LINE.format(path='/v1/x', status=200)}\n{line}\n")
    with pytest.raises(InvalidRequest, match="line 2"):
        load_access_logs([("gpu", file)])


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"server": "gpu", "hour": "2026-11-21T12:00:00Z", "count": -1}, "count"),
        ({"server": "gpu", "hour": "2026-11-21T12:00:00Z", "count": True}, "count"),
        ({"server": "gpu", "hour": "2026-11-21T12:30:00Z", "count": 1}, "hour"),
        ({"server": "gpu", "hour": "2026-11-21T12:00:00", "count": 1}, "hour"),
        ({"hour": "2026-11-21T12:00:00Z", "count": 1}, "server"),
        ({"server": "gpu", "hour": "2026-11-21T12:00:00Z", "count": 1, "user": "x"}, "user"),
        ("no object", "no JSON object"),
    ],
)
def test_a_count_that_is_none_is_named_by_line_and_field(
    tmp_path: Path, entry: object, words: str
) -> None:
    good = {"server": "gpu", "hour": "2026-11-21T13:00:00+01:00", "count": 2}
    file = tmp_path / "counts.jsonl"
    file.write_text(f"{json.dumps(good)}\n\n{json.dumps(good)}\n")
    assert load_counts(file).hours == {"gpu": {NOON: 4}}
    file.write_text(f"{json.dumps(good)}\n{json.dumps(entry)}\n")
    with pytest.raises(InvalidRequest, match=f"line 2: {words}"):
        load_counts(file)


def test_wrong_usage_is_named(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site.chat(1)
    counts = tmp_path / "counts.jsonl"
    counts.write_text('{"server": "gpu", "hour": "2026-11-21T12:00:00Z", "count": 1}\n')
    named: list[tuple[tuple[str, ...], str]] = [
        (("--counts", str(counts)), "gpu: no such server"),
        (("--counts", str(counts), "--day", "2026-13-01"), "--day: expected"),
        (("--counts", str(counts), "--from", "2026-11-21"), "both --from and --to"),
        (("--counts", str(counts), "--from", "2026-11-21", "--to", "2026-11-20"), "--to"),
        (("--counts", str(counts), "--from", "2026-11-21T12:10Z", "--to", "2026-11-22"), "--from"),
        (("--counts", str(counts), "--tenant", "nowhere"), "nowhere: no log"),
        (("--counts", str(tmp_path / "none")), "none"),
        (("--model-servers", "--day", "2026-11-21"), "no period"),
    ]
    for options, words in named:
        assert site.run(*options) == 1
        assert words in capsys.readouterr().err
    assert site.results() == []


def test_what_nobody_counted_outside_is_said(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site.chat(1)
    now = datetime.now(UTC)
    counts = tmp_path / "counts.jsonl"
    counts.write_text("")
    day = ("--from", f"{now - HOUR * 24:%Y-%m-%d}", "--to", f"{now + HOUR * 24:%Y-%m-%d}")
    assert site.run(*day, "--counts", str(counts)) == 0
    assert "demo: NOT COMPARED" in capsys.readouterr().out
    counts.write_text(
        json.dumps({"server": "demo", "hour": f"{now:%Y-%m-%dT%H:00:00Z}", "count": 0})
    )
    assert site.run(*day, "--counts", str(counts)) == 0
    assert "1 of the logs were not counted outside" in capsys.readouterr().out
    assert site.results()[-1]["reason"] == "counts_incomplete"


@pytest.mark.parametrize(
    ("page", "value"),
    [
        ('a:b_total{x="}\\"1 2"} 3\na:b_total 4.0 1700000000\na:b_total_created 9\n', 7),
        ("# TYPE a:b_total counter\n", None),
        ("a:b_total NaN\n", None),
        ("a:b_total many\n", None),
        ("a:b_total 1e3\n", 1000),
    ],
)
def test_a_counter_is_the_sum_over_its_labels(page: str, value: int | None) -> None:
    assert sum_counter(page, "a:b_total") == value
