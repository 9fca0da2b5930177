"""Feeds to receivers: nothing lost, what an agency may see and no more, never any content."""

import json
import os
import signal
import ssl
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from parvis.audit import Actor, AuditLog, Draft, KeyRef
from parvis.audit.feed_outbox import Feeds, describe_feeds
from parvis.audit.feed_thread import build_feed_thread
from parvis.audit.feeds import load_feeds
from parvis.cli import main
from parvis.errors import ConfigurationFaults
from tests.audit.houses import (
    House,
    allow_pruning,
    fill,
    fill_fast,
    finish_chat,
    start_chat,
    wait_half_a_year,
)
from tests.audit.ocsf_schema import find_faults
from tests.audit.receivers import Collector, SyslogListener, write_feeds
from tests.fakes.certificates import make_certificate


def read_events(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def places(events: list[dict[str, Any]]) -> set[tuple[str, int]]:
    return {(e["metadata"]["tenant_uid"], e["metadata"]["sequence"]) for e in events}


def everything(log: AuditLog, *tenants: str) -> set[tuple[str, int]]:
    """Every record that is there, with those that tell of a feed's begin."""
    names = tenants or log.reader.list_tenants()
    return {(name, seq) for name in names for seq in range(log.reader.get_head(name).size)}


def open_feeds(log: AuditLog, folder: Path, *feeds: dict[str, Any]) -> Feeds:
    return Feeds(log, load_feeds(write_feeds(folder, *feeds)))


def use_from_command_line(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    (house.folder / "secrets").mkdir()
    key = house.folder / "secrets" / "root.key"
    key.write_text(house.root.hex() + "\n")
    key.chmod(0o600)
    monkeypatch.setenv("PARVIS_DATA_DIR", str(house.folder))


def test_every_record_reaches_a_file_once_and_in_order(log: AuditLog, tmp_path: Path) -> None:
    fill(log, 3)
    fill(log, 1, "adem")
    feeds = open_feeds(log, tmp_path, {"file": {"path": "out/soc.jsonl"}, "batch": 3})
    feeds.run_round()
    fill(log, 2)
    feeds.run_round()
    events = read_events(tmp_path / "out" / "soc.jsonl")
    assert places(events) == everything(log) and len(events) == len(everything(log))
    own = [e["metadata"]["sequence"] for e in events if e["metadata"]["tenant_uid"] == "commune"]
    assert own == sorted(own)
    assert not [fault for event in events for fault in find_faults(event)]
    assert not any(state.waiting or state.trouble for state in feeds.describe())
    assert (tmp_path / "out" / "soc.jsonl").stat().st_mode & 0o007 == 0


def test_an_agencys_receiver_gets_its_own_log_and_the_log_says_so(
    log: AuditLog, tmp_path: Path
) -> None:
    fill(log, 2)
    fill(log, 2, "adem")
    own = {"name": "commune-siem", "agencies": ["commune"], "file": {"path": "commune.jsonl"}}
    few = {"name": "alarms", "kinds": ["audit.*", "auth.*"], "file": {"path": "few.jsonl"}}
    feeds = open_feeds(log, tmp_path, own, few | {"minimum": "low"})
    feeds.run_round()
    feeds.run_round()  # the begin of the second feed is a record that the first takes too
    assert places(read_events(tmp_path / "commune.jsonl")) == everything(log, "commune")
    kinds = {e["metadata"]["event_code"] for e in read_events(tmp_path / "few.jsonl")}
    assert kinds == {"audit.exported"}
    told = log.reader.list_records("commune", kinds=["audit.exported"])
    assert {(r.data["target"]["view"], r.data["target"]["object"]) for r in told} == {
        ("feed", "commune-siem"),
        ("feed", "alarms"),
    }
    feeds.run_round()
    assert len(log.reader.list_records("commune", kinds=["audit.exported"])) == 2
    changed = open_feeds(log, tmp_path, own | {"minimum": "high"})
    changed.run_round()
    newest = log.reader.list_records("commune", kinds=["audit.exported"])[0].data
    assert newest["change"]["before"] != newest["change"]["after"]


def test_a_feed_that_starts_now_leaves_the_past(log: AuditLog, tmp_path: Path) -> None:
    fill(log, 2)
    before = log.reader.get_head("commune").size
    feeds = open_feeds(log, tmp_path, {"file": {"path": "soc.jsonl"}, "start": "now"})
    feeds.run_round()
    events = read_events(tmp_path / "soc.jsonl")
    seen = [e["metadata"]["sequence"] for e in events if e["metadata"]["tenant_uid"] == "commune"]
    assert seen == [before]


def test_a_file_is_rotated_and_a_torn_line_is_written_again(log: AuditLog, tmp_path: Path) -> None:
    fill(log, 20)
    target = {"path": "soc.jsonl", "rotate_mb": 0.01, "keep": 3}
    feeds = open_feeds(log, tmp_path, {"file": target, "batch": 5, "agencies": ["commune"]})
    feeds.run_round()
    files = sorted(path.name for path in tmp_path.glob("soc.jsonl*"))
    assert files == ["soc.jsonl", "soc.jsonl.1", "soc.jsonl.2", "soc.jsonl.3"]
    with (tmp_path / "soc.jsonl").open("ab") as file:
        file.write(b'{"torn":')
    fill(log, 1)
    feeds.run_round()
    for name in files:
        assert read_events(tmp_path / name)
    events = read_events(tmp_path / "soc.jsonl.1") + read_events(tmp_path / "soc.jsonl")
    newest = log.reader.get_head("commune").size - 1
    assert events[-1]["metadata"]["sequence"] == newest


def test_a_collector_that_fails_gets_the_same_batch_again(log: AuditLog, tmp_path: Path) -> None:
    fill(log, 3)
    (tmp_path / "token").touch(0o600)
    (tmp_path / "token").write_text("s3cret\n")
    with Collector([500, 429]) as collector:
        target = {"url": collector.url, "token_file": "token"}
        feeds = open_feeds(log, tmp_path, {"collector": target, "agencies": ["commune"]})
        feeds.run_round()
        state = feeds.describe()[0]
        assert state.sent == 0 and state.waiting == 8
        assert state.trouble is not None and state.trouble[1] == "it refused (status 500)"
        again = open_feeds(log, tmp_path, {"collector": target, "agencies": ["commune"]})
        again.run_round()
        third = open_feeds(log, tmp_path, {"collector": target, "agencies": ["commune"]})
        third.run_round()
        assert [status for status, _, _ in collector.posts] == [500, 429, 200]
        assert len({body for _, _, body in collector.posts}) == 1
        assert places(collector.events) == everything(log, "commune")
        headers = collector.posts[0][1]
        assert headers["Authorization"] == "Bearer s3cret"
        assert headers["Content-Type"] == "application/x-ndjson"
        assert third.describe()[0].trouble is None


def test_a_feed_goes_on_where_it_stopped_on_every_driver(
    house: House, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Collector([200, 500]) as collector:
        log = house.open(database_url=url)
        fill(log, 10)
        feed = {"collector": {"url": collector.url}, "agencies": ["commune"], "batch": 5}
        path = write_feeds(tmp_path, feed)
        feeds = Feeds(log, load_feeds(path))
        feeds.run_round()
        assert feeds.describe()[0].sent == 5
        size = log.reader.get_head("commune").size
        house.close()
        use_from_command_line(house, monkeypatch)
        monkeypatch.setenv("PARVIS_AUDIT_DATABASE_URL", url)
        monkeypatch.setenv("PARVIS_FEEDS_FILE", str(path))
        assert main(["audit", "feed", "run", "--once"]) == 0
        assert main(["audit", "feed", "status"]) == 0
        house.close()
    assert [event["metadata"]["sequence"] for event in collector.events] == list(range(size))


def test_one_receiver_that_is_away_does_not_hold_up_another(log: AuditLog, tmp_path: Path) -> None:
    fill(log, 2)
    away = {"name": "away", "collector": {"url": "http://127.0.0.1:9/x"}}
    feeds = open_feeds(log, tmp_path, away, {"file": {"path": "soc.jsonl"}})
    feeds.run_round()
    assert places(read_events(tmp_path / "soc.jsonl")) == everything(log)
    waiting = {state.feed: state.waiting for state in feeds.describe()}
    assert waiting["away"] and not waiting["soc"]


def test_a_collector_whose_certificate_nobody_vouches_for_gets_nothing(
    log: AuditLog, tmp_path: Path
) -> None:
    fill(log, 1)
    certificate, key = make_certificate(tmp_path, "collector")
    make_certificate(tmp_path, "stranger")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with Collector(tls=context) as collector:
        target = {"url": collector.url, "ca_file": "stranger.pem"}
        open_feeds(log, tmp_path, {"collector": target}).run_round()
        assert not collector.posts
        target["ca_file"] = "collector.pem"
        open_feeds(log, tmp_path, {"collector": target}).run_round()
        assert places(collector.events) == everything(log)


def test_a_feed_process_killed_before_it_counts_sends_again_and_loses_nothing(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = house.open()
    fill_fast(log, 250)
    house.close()
    use_from_command_line(house, monkeypatch)
    processes: list[subprocess.Popen[bytes]] = []

    def kill(body: bytes) -> None:
        if len(collector.posts) % 3 == 2:  # taken, and the sender dies before it hears of it
            os.kill(processes[-1].pid, signal.SIGKILL)

    with Collector(on_post=kill) as collector:
        feed = {"collector": {"url": collector.url}, "agencies": ["commune"], "batch": 50}
        monkeypatch.setenv("PARVIS_FEEDS_FILE", str(write_feeds(tmp_path, feed)))
        command = [sys.executable, "-m", "parvis", "audit", "feed", "run", "--once"]
        codes = []
        while not codes or codes[-1] == -signal.SIGKILL:
            assert len(codes) < 8
            processes.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))
            codes.append(processes[-1].wait(60))
    assert codes[-1] == 0 and len(codes) > 1
    wanted = everything(house.open(), "commune")
    assert places(collector.events) == wanted
    assert len(collector.events) > len(wanted)
    assert len({event["metadata"]["uid"] for event in collector.events}) == len(wanted)


def test_only_one_process_feeds_and_another_takes_over(log: AuditLog, tmp_path: Path) -> None:
    fill(log, 1)
    with Collector() as collector:
        target = {"collector": {"url": collector.url}, "agencies": ["commune"]}
        first = build_feed_thread(open_feeds(log, tmp_path, target), 0.02)
        wait_until_done(log, tmp_path)
        second = build_feed_thread(open_feeds(log, tmp_path, target), 0.02)
        fill(log, 5)
        wait_until_done(log, tmp_path)
        first.close()
        fill(log, 1)
        wait_until_done(log, tmp_path)
        second.close()
        assert len(collector.events) == len(everything(log, "commune"))


def wait_until_done(log: AuditLog, folder: Path, limit_s: float = 60) -> None:
    plan, ends = load_feeds(folder / "feeds.yaml"), time.monotonic() + limit_s
    while any(state.waiting for state in describe_feeds(log.reader, log.folder, plan)):
        assert time.monotonic() < ends
        time.sleep(0.01)


def test_records_pruned_before_they_were_taken_are_counted_as_lost(
    log: AuditLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_half_a_year(monkeypatch)
    fill_fast(log, 600)
    allow_pruning(log, 256)
    assert log.prune("commune", 256) == 256
    feeds = open_feeds(log, tmp_path, {"file": {"path": "f"}, "agencies": ["commune"]})
    feeds.run_round()
    state = feeds.describe()[0]
    assert (state.lost, state.waiting) == (256, 0)
    assert min(seq for _, seq in places(read_events(tmp_path / "f"))) == 256


def test_a_log_that_is_shorter_than_what_was_sent_is_said_aloud_and_others_go_on(
    log: AuditLog, tmp_path: Path
) -> None:
    fill(log, 1)
    fill(log, 1, "adem")
    feeds = open_feeds(log, tmp_path, {"file": {"path": "f"}, "agencies": ["commune", "adem"]})
    feeds.run_round()
    store = feeds._store
    log_id = log.reader.get_key("commune").log
    cursor = store.find_cursor("soc", log_id)
    assert cursor is not None
    store.put_cursor("soc", log_id, cursor._replace(next_seq=999))
    fill(log, 1, "adem")
    feeds.run_round()
    states = {state.tenant: state for state in feeds.describe()}
    assert states["commune"].late and not states["adem"].late and not states["adem"].waiting
    trouble = states["commune"].trouble
    assert trouble is not None and "commune: it is shorter" in trouble[1]


NAMES = ("Marie-Claire Wagener-Thill", "mc.wagener@example.lu", "meng Aarbecht verluer", "10.9.8.7")


def seed(log: AuditLog) -> None:
    """What a person is and said, wherever a record can hold it."""
    person = Actor("person", NAMES[1], ("civil-servant",), "", "portal")
    started = start_chat(log, "commune", person)
    texts = {name: NAMES[at].encode() for at, name in enumerate(("title", "address", "prompt"))}
    log.append(
        "commune",
        Draft(
            "chat.finished",
            person,
            re=started.id,
            sealed=texts | {"ip": NAMES[3].encode(), "answer": NAMES[2].encode()},
            seal_key=KeyRef("conversation", "c-1"),
        ),
    )
    finish_chat(log, start_chat(log))


def test_no_name_address_or_word_of_anybody_leaves(log: AuditLog, tmp_path: Path) -> None:
    seed(log)
    certificate, key = make_certificate(tmp_path, "siem")
    with SyslogListener(certificate, key) as listener, Collector() as collector:
        syslog = {"host": "127.0.0.1", "port": listener.port, "ca_file": "siem.pem"}
        feeds = open_feeds(
            log,
            tmp_path,
            {"name": "a", "file": {"path": "f"}},
            {"name": "b", "collector": {"url": collector.url}},
            {"name": "c", "kind": "syslog", "receiver": syslog},
        )
        feeds.run_round()
        # the later feeds' begins were recorded after the first feed had its turn
        feeds.run_round()
    sent = [(tmp_path / "f").read_bytes(), b"".join(body for *_, body in collector.posts)]
    sent.append(b"\n".join(listener.messages))
    for data in sent:
        assert data.count(b"chat.finished") >= 2
        for word in (*NAMES, *(part for name in NAMES for part in name.split())):
            assert word.encode() not in data
        assert b'"seal"' not in data and b"seal." not in data


@pytest.mark.parametrize(
    ("change", "key", "words"),
    [
        ({"colour": "red"}, "feeds[0].colour", "unknown key"),
        ({"file": {"path": "f", "size": 3}}, "feeds[0].file.size", "unknown key"),
        ({"agencies": ["commume"]}, "feeds[0].agencies", "no such agency"),
        ({"kinds": ["chats.*"]}, "feeds[0].kinds", "no kind of record"),
        ({"minimum": "grave"}, "feeds[0].minimum", "informational"),
        ({"collector": {"url": "http://siem.lu/x"}}, "feeds[0].collector.url", "https"),
        ({"collector": {"url": "https://u:p@siem.lu"}}, "feeds[0].collector.url", "token_file"),
        ({"collector": {"url": "https://siem.lu", "ca_file": "no.pem"}}, "", "no such file"),
        ({"collector": {"url": "https://siem.lu", "token_file": "open"}}, "", "chmod 600"),
        ({"kind": "syslog"}, "feeds[0]", "receiver"),
        ({"collector": {"url": "https://siem.lu"}, "file": {"path": "f"}}, "feeds[0]", "either"),
    ],
)
def test_a_faulty_declaration_is_refused_with_its_place(
    tmp_path: Path, change: dict[str, Any], key: str, words: str
) -> None:
    (tmp_path / "open").touch(0o644)
    feed: dict[str, Any] = {"file": {"path": "f"}} | change
    if "collector" in change and "file" not in change:
        del feed["file"]
    with pytest.raises(ConfigurationFaults) as caught:
        load_feeds(write_feeds(tmp_path, feed), {"commune", "platform"})
    fault = caught.value.faults[0]
    assert fault.line > 0 and key in fault.key and words in fault.message
    good = write_feeds(tmp_path, {"file": {"path": "f"}, "agencies": ["commune"]})
    assert load_feeds(good, {"commune", "platform"}).feeds[0].name == "soc"


def test_an_operator_sees_how_far_feeds_are_and_tries_one(
    house: House,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fill(house.open(), 1)
    house.close()
    use_from_command_line(house, monkeypatch)
    assert main(["audit", "feed", "status"]) == 1
    assert "PARVIS_FEEDS_FILE" in capsys.readouterr().err
    with Collector([500]) as collector:
        path = write_feeds(tmp_path, {"collector": {"url": collector.url}})
        monkeypatch.setenv("PARVIS_FEEDS_FILE", str(path))
        assert main(["audit", "feed", "test", "soc"]) == 1
        assert "it refused (status 500)" in capsys.readouterr().err
        assert main(["audit", "feed", "test", "soc"]) == 0
        assert collector.events[0]["metadata"]["tenant_uid"] == "test"
        assert not find_faults(collector.events[0])
        assert main(["audit", "feed", "status", "--json"]) == 0
        told = json.loads(capsys.readouterr().out.splitlines()[-1])["feeds"]
        assert {state["sent"] for state in told} == {0}
        collector.statuses = [503]
        assert main(["audit", "feed", "run", "--once"]) == 1
        assert "it refused (status 503)" in capsys.readouterr().out
        assert main(["audit", "feed", "run", "--once"]) == 0
        assert main(["audit", "feed", "status", "--json"]) == 0
        told = json.loads(capsys.readouterr().out.splitlines()[-1])["feeds"]
        assert all(state["sent"] and not state["trouble"] for state in told)
        assert main(["audit", "feed", "test", "nobody"]) == 1


def test_a_receiver_that_is_behind_for_a_quarter_of_an_hour_is_late(
    log: AuditLog, tmp_path: Path
) -> None:
    fill(log, 1)
    plan = load_feeds(write_feeds(tmp_path, {"file": {"path": "f"}, "agencies": ["commune"]}))
    newest = log.reader.get_head("commune").last_time.timestamp()
    (soon,) = describe_feeds(log.reader, log.folder, plan, newest + 60)
    (later,) = describe_feeds(log.reader, log.folder, plan, newest + 16 * 60)
    assert (soon.late, later.late) == (False, True)
    Feeds(log, plan).run_round()
    (done,) = describe_feeds(log.reader, log.folder, plan, newest + 16 * 60)
    assert not done.late and not done.waiting
