"""Which of the heads that left the installation an export holds, and that both verifiers agree."""

import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from parvis.audit import Actor, verify
from parvis.audit.anchors import AnchorPlan, Anchors
from parvis.audit.anchors_export import thin_heads
from parvis.audit.anchors_store import AnchorStore
from parvis.audit.cosignatures import sign_cosignature
from parvis.audit.fsck import check_logs
from parvis.audit.writer import Writer
from tests.audit.houses import WITNESS, WITNESS_KEY, House, export, fill
from tests.audit.second_verifier import Second, both

MINUTE = 60_000_000
BEGIN = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp()) * 1_000_000


def test_a_day_whole_and_one_head_an_hour_before_it_stay() -> None:
    minutes = range(4 * 24 * 60)
    sizes = [10 * (minute + 1) for minute in minutes]
    asked: list[int] = []

    def time_of(size: int) -> int:
        asked.append(size)
        return BEGIN + (size // 10 - 1) * MINUTE

    now = time_of(sizes[-1])
    chosen = thin_heads(sizes, {10, 7}, time_of, now)
    last_day = set(sizes[-24 * 60 - 1 :])
    hours = {10 * minute for minute in range(60, 3 * 24 * 60 + 1, 60)}
    before = {min(last_day) - 10}  # the last of what is left of that hour
    assert chosen == {10} | last_day | hours | before
    assert len(asked) < 2_000  # not every head is looked up


def test_where_the_records_were_pruned_only_vouched_heads_stay() -> None:
    times = {1: 0, 2: 0, 3: BEGIN, 4: BEGIN + MINUTE, 5: BEGIN + 61 * MINUTE}
    chosen = thin_heads([*times], {2}, times.__getitem__, BEGIN + 99 * 24 * 60 * MINUTE)
    assert chosen == {2, 4, 5}
    assert thin_heads([], {2}, times.__getitem__, BEGIN) == set()
    assert thin_heads([*times], set(), times.__getitem__, BEGIN) == {1, 2, 3, 4, 5} - {1, 2}


def test_a_thinned_export_is_intact_for_both_verifiers_and_keeps_what_others_vouch_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(tmp_path / "data")
    log = house.open()
    for _ in range(20):
        fill(log, 1)
        log.publish_head("commune")
    whole = export(log, tmp_path / "whole")
    sizes = sorted(int(path.name) for path in (whole / "notes").iterdir())
    assert len(sizes) >= 20
    signed = sizes[3]
    note = (whole / "notes" / str(signed)).read_text()
    text = note.rpartition("\n\n")[0] + "\n"
    line = sign_cosignature(text, "witness.test/w", WITNESS_KEY, int(time.time()))
    key = log.reader.get_key("commune")
    AnchorStore(log.folder).add_cosignature(key.log, signed, "W", int(time.time()), note, line)
    later = time.time_ns() + int(timedelta(days=3).total_seconds()) * 10**9
    monkeypatch.setattr("parvis.audit.export.time.time_ns", lambda: later)
    thin = export(log, tmp_path / "thin")
    kept = {int(path.name) for path in (thin / "notes").iterdir()}
    assert signed in kept and len(kept) < 6
    policy, state = tmp_path / "policy", tmp_path / "state"
    policy.write_text(f"log {key.vkey}\nwitness W {WITNESS}\nquorum W\n")
    monkeypatch.undo()
    assert verify.main([str(whole), "--state", str(state)]) == 0
    second = Second()
    for dropped in sizes[:3]:  # a head that is not there is still compared when it turns up
        other = whole / "notes" / str(dropped)
        assert both(second, thin, policy=policy, state=state, note=other)[0] == "INTACT"
    second.close()
    shutil.rmtree(thin)
    house.shut()


def test_the_database_forgets_by_the_same_rule_and_keeps_what_is_vouched_for_or_turns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    house = House(tmp_path / "data")
    log = house.open(database_url=url)
    for _ in range(4):
        fill(log, 1)
        log.publish_head("commune")
    log.rotate_key("commune", "precaution", Actor("person", "operator:ada", ("operator",)))
    turned = log.publish_head("commune").size
    for _ in range(4):
        fill(log, 1)
        log.publish_head("commune")
    key = log.reader.get_key("commune")
    anchors = Anchors(log, AnchorPlan())

    def list_sizes() -> list[int]:
        store = log.open_reading()
        try:
            found = store.find_log("commune")
            return store.list_published_sizes(found.no) if found else []
        finally:
            store.close()

    sizes = list_sizes()
    anchors.thin()
    assert list_sizes() == sizes  # of the last day all
    whole = export(log, tmp_path / "whole")
    note = (whole / "notes" / str(sizes[1])).read_text()
    text = note.rpartition("\n\n")[0] + "\n"
    now = int(time.time())
    line = sign_cosignature(text, "witness.test/w", WITNESS_KEY, now)
    anchors.store.add_cosignature(key.log, sizes[1], "W", now, note, line)
    later = Writer.clock() + 3 * 86_400_000_000
    monkeypatch.setattr(Writer, "clock", staticmethod(lambda: later))
    anchors.thin()
    kept = set(list_sizes())
    assert {sizes[1], turned, sizes[-1]} <= kept and len(kept) < len(sizes)
    assert not any(check.faults for check in check_logs(house.audit_dir, house.keystore, url))
    report = verify.verify_folder(str(export(log, tmp_path / "out")))
    assert report["verdict"] == "INTACT", report["findings"]
    house.shut()
