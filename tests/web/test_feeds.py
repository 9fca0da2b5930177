"""A gateway whose logs are fed: what people write and are called reaches no receiver."""

from pathlib import Path

import pytest

from parvis.audit import feed_outbox
from parvis.audit.feed_outbox import Feeds
from parvis.audit.feeds import load_feeds
from parvis.domain import Role
from parvis.web import health
from tests.audit.ocsf_schema import find_faults
from tests.audit.receivers import Collector, SyslogListener, write_feeds
from tests.fakes.certificates import make_certificate
from tests.fakes.installation import Installation

WORDS = ("Schwaarzewee", "Jeanne Thill-Wagener", "jeanne.thill@example.lu", "621 456 789")
TEXT = f"Ech sinn d'{WORDS[1]}, {WORDS[2]}, {WORDS[3]}: wat kascht de {WORDS[0]}?"


def test_requests_answered_refused_and_unknown_are_fed_without_a_word_of_them(
    gateway: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"model": "valbourg-brut", "messages": [{"role": "user", "content": TEXT}]}
    client = gateway.client
    answered = client.post("/v1/chat/completions", json=body, headers=gateway.headers())
    assert answered.status_code == 200
    missing = body | {"model": WORDS[0]}
    refused = client.post("/v1/chat/completions", json=missing, headers=gateway.headers())
    assert refused.status_code == 404
    forged = {"Authorization": f"Bearer {WORDS[2]}"}
    assert client.post("/v1/chat/completions", json=body, headers=forged).status_code == 401
    person = gateway.headers(role=Role.CIVIL_SERVANT, subject=WORDS[2], name=WORDS[1])
    assert client.get("/v1/models", headers=person).status_code == 200

    monkeypatch.setattr(health, "_CACHE_S", 0.0)
    monkeypatch.setattr(feed_outbox, "LATE_S", -1)
    certificate, key = make_certificate(tmp_path, "siem")
    with SyslogListener(certificate, key) as listener, Collector() as collector:
        receiver = {"host": "127.0.0.1", "port": listener.port, "ca_file": "siem.pem"}
        path = write_feeds(
            tmp_path,
            {"collector": {"url": collector.url}},
            {"name": "syslog", "kind": "syslog", "receiver": receiver},
        )
        feeds = Feeds(gateway.services.audit, load_feeds(path))
        gateway.replace(feeds=feeds)
        ready = client.get("/readyz")
        assert ready.json is not None
        assert (ready.status_code, ready.json["parts"]["feeds"]) == (200, "degraded")
        assert "2 receivers are late: " in ready.json["reasons"]["feeds"]
        assert "127.0.0.1" not in ready.json["reasons"]["feeds"]
        feeds.run_round()
        feeds.run_round()
        ready = client.get("/readyz")
        assert ready.json is not None and ready.json["parts"]["feeds"] == "ok"

    kinds = {event["metadata"]["event_code"] for event in collector.events}
    assert {"chat.started", "chat.finished", "request.refused", "audit.exported"} <= kinds
    assert not [fault for event in collector.events for fault in find_faults(event)]
    assert len(listener.messages) == len(collector.events)
    for sent in (b"\n".join(body for *_, body in collector.posts), b"\n".join(listener.messages)):
        for word in (*WORDS, "Jeanne", "Thill", "jeanne.thill", "kascht"):
            assert word.encode() not in sent
