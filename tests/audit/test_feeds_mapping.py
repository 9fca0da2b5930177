"""Every kind of record in OCSF and in syslog: right by the published forms, and without content."""

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from parvis.audit import feed_mapping
from parvis.audit.feed_syslog import format_message, frame
from parvis.audit.feeds import Feed
from parvis.audit.kinds import BLOCKS, KINDS
from parvis.audit.ocsf import Unmapped, find_severity, format_line, map_record
from tests.audit.ocsf_schema import find_faults

VALUES: dict[str, Any] = {
    "word": "w.1",
    "words": ["w.1", "w.2"],
    "count": 7,
    "flag": True,
    "hex32": "a" * 32,
    "hex64": "b" * 64,
    "time": "2026-11-21T10:00:00.000001Z",
    "counts": {"EMAIL": 1, "PERSON": 2},
    "decision": "deny",
    "action": "masked",
}


def a_record(kind: str, phase: str, outcome: str | None, *, full: bool) -> dict[str, Any]:
    rules = KINDS[kind]
    record: dict[str, Any] = {
        "v": 1,
        "id": "01890000-0000-7000-8000-000000000001",
        "log": "c" * 32,
        "seq": 41,
        "time": "2026-11-21T10:00:00.123456Z",
        "seen": "2026-11-21T10:00:00.120000Z",
        "kind": kind,
        "phase": phase,
        "actor": {"type": "system"},
    }
    if outcome:
        record["outcome"] = outcome
    if phase == "result":
        record["re"] = "01890000-0000-7000-8000-000000000000"
    blocks = (*rules.required, *(rules.optional if full else ()))
    for name in {*blocks, "emit", *(("actor",) if full else ())}:
        fields = BLOCKS[name]
        record[name] = {f: "person" if t == "actor" else VALUES[t] for f, t in fields.items()}
    if "http" in record:
        record["http"]["method"] = "POST"
    if full:
        record["reason"] = "a.rule"
        record["seal"] = {"prompt": {"c": "d" * 64, "k": "SEALEDKEY", "n": 5}}
    return record


def all_records() -> Iterator[dict[str, Any]]:
    for kind, rules in KINDS.items():
        for phase in rules.phases:
            for outcome in rules.outcomes or (None,):
                yield a_record(kind, phase, outcome, full=True)
                yield a_record(kind, phase, outcome, full=False)


def test_every_kind_of_record_is_mapped_and_no_other() -> None:
    assert set(feed_mapping.KINDS) == set(KINDS)
    for row in feed_mapping.KINDS.values():
        activities = feed_mapping.CLASSES[row.class_uid].activities
        assert row.activity in activities or row.activity == feed_mapping.OTHER
        assert row.severity in feed_mapping.SEVERITIES


def test_every_event_is_what_the_published_schema_wants() -> None:
    seen = set()
    for record in all_records():
        event = map_record(record, "commune")
        assert find_faults(event) == [], (record["kind"], event)
        seen.add(event["class_uid"])
    assert seen == set(feed_mapping.CLASSES)


def test_the_judge_of_events_finds_what_is_wrong() -> None:
    event = map_record(a_record("chat.finished", "result", "success", full=True), "commune")
    assert not find_faults(event)
    for damage in (
        lambda e: e.pop("api"),
        lambda e: e.update(prompt="text"),
        lambda e: e.update(status_id=7),
        lambda e: e.update(time="now"),
        lambda e: e["ai_model"].pop("name"),
        lambda e: e["metadata"].update(profiles=["trace"]),
        lambda e: e["metadata"].update(profiles=["no_such"]),
        lambda e: e["src_endpoint"].clear(),
    ):
        broken = copy.deepcopy(event)
        damage(broken)
        assert find_faults(broken)


def test_every_field_of_a_record_arrives_and_nothing_else_does() -> None:
    for record in all_records():
        record["surprise"] = {"name": "STRANGER"}
        record["actor"]["name"] = "STRANGER"
        line = format_line(map_record(record, "commune")).decode()
        message = format_message(record, "commune", enterprise=32473, facility=13).decode()
        for text in (line, message):
            assert not re.search("STRANGER|SEALEDKEY|prompt_text|d{64}|surprise", text)
            for part in ("41", "c" * 32, record["id"], record["kind"]):
                assert part in text
        for block in BLOCKS:
            for name in set(record.get(block, {})) - {"name"}:
                assert f"{block}.{name}=" in message
    flat = json.loads(line)
    assert flat["metadata"]["tenant_uid"] == "commune"


def test_a_chat_names_its_model_tokens_and_trace_but_no_text() -> None:
    event = map_record(a_record("chat.finished", "result", "success", full=True), "commune")
    assert event["class_uid"] == 6003 and event["type_uid"] == 600301
    assert event["metadata"]["profiles"] == ["ai_operation", "trace", "security_control"]
    assert event["message_context"]["total_tokens"] == 14
    assert set(event["message_context"]) <= {
        *("prompt_tokens", "completion_tokens", "total_tokens", "ai_role_id", "service", "uid")
    }
    assert event["metadata"]["correlation_uid"] == "01890000-0000-7000-8000-000000000000"
    assert event["actor"]["user"]["uid"] == "a" * 32
    assert event["time"] == 1795255200123
    assert event["unmapped"]["parvis"]["privacy"]["counts"] == {"EMAIL": 1, "PERSON": 2}


def test_an_intent_and_its_result_carry_the_same_correlation() -> None:
    started = map_record(a_record("chat.started", "intent", None, full=False), "commune")
    assert started["metadata"]["correlation_uid"] == started["metadata"]["uid"]
    assert (started["status_id"], started["status"]) == (99, "Pending")


def test_a_kind_without_a_row_is_never_sent_as_something_else() -> None:
    record = a_record("auth.login", "fact", "success", full=True) | {"kind": "auth.new"}
    with pytest.raises(Unmapped, match="too old"):
        map_record(record, "commune")
    with pytest.raises(Unmapped):
        format_message(record, "commune", enterprise=1, facility=1)


def test_a_refusal_is_graver_than_a_success() -> None:
    graver = a_record("document.added", "fact", "denied", full=False)
    assert find_severity(graver) == "low"
    assert find_severity(graver | {"outcome": "success"}) == "informational"
    feed = Feed(
        name="soc", kind="ocsf", agencies="all", minimum="low", file={"path": "f"}, kinds=["doc*"]
    )
    assert feed.wants(graver) and not feed.wants(graver | {"outcome": "success"})
    assert not feed.wants(a_record("audit.unsealed", "fact", "success", full=False))


MESSAGE = re.compile(
    rb"<(\d{1,3})>1 (\S+) (\S{1,255}) (\S{1,48}) (\S{1,128}) (\S{1,32}) "
    rb'((?:\[[^ =\]"]{1,32}(?: [^ =\]"]{1,32}="(?:\\["\\\]]|[^"\\\]])*")*\])+) (.*)'
)


def test_every_message_has_the_form_of_rfc_5424() -> None:
    for record in all_records():
        message = format_message(record, "commune", enterprise=64999, facility=13)
        found = MESSAGE.fullmatch(message)
        assert found, message
        assert found[6].decode() == record["kind"]
        assert int(found[1]) // 8 == 13 and found[2].decode() == record["time"]
        assert b"[parvis@64999 " in found[7]


def test_values_that_end_a_field_are_escaped_and_long_ones_are_cut_and_named() -> None:
    record = a_record("document.added", "fact", "success", full=True)
    record["target"]["object"] = 'a"b]c\\d'
    record["target"]["documents"] = ["d" * 255] * 60
    message = format_message(record, "commune", enterprise=1, facility=13)
    assert len(message) <= 8192
    assert b'target.object="a\\"b\\]c\\\\d"' in message
    assert b'cut="target.documents"' in message and b"target.documents=" not in message
    assert frame([b"ab", b"cde"]) == b"2 ab3 cde"
