"""`/metrics` of a real `parvis serve` with two workers, read by Prometheus' own parser."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from deploy.dev.places import free_port
from tests.fakes.installation import build_installation
from tests.fakes.issuer import IssuerServer, Realm
from tests.fakes.model_server import FakeModelServer

SEEDS = ("Zélie Quintaudier", "zelie.quintaudier@exemple.lu", "LU28 0019 4006 4475 0000")
QUESTION = f"Je suis {SEEDS[0]}, mon adresse est {SEEDS[1]}, mon compte {SEEDS[2]}. Et après ?"
LIMIT_S = 60
TOKEN = "a-token-of-this-test-run"

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@dataclass
class Gateway:
    """`parvis serve` with two workers, and what is needed to talk to it."""

    process: subprocess.Popen[bytes]
    listen: str
    metrics: str
    realm: Realm
    model: FakeModelServer
    data_dir: Path

    def ask(self, path: str, body: Any = None, *, method: str = "", token: str = "") -> int:
        """The status of a request to the gateway."""
        head = {"content-type": "application/json", "authorization": f"Bearer {token}"}
        way = method or ("GET" if body is None else "POST")
        return fetch(self.listen, path, way, head, "" if body is None else json.dumps(body))[0]

    def chat(self, text: str, *, model: str = "valbourg-brut", stream: bool = False) -> int:
        """The status of a chat by the agency's chatbot."""
        client = "valbourg-chatbot"
        token = self.realm.sign(
            self.realm.claims(
                azp=client, client_id=client, realm_access={"roles": ["chatbot"]}, name=None
            )
        )
        body = {
            "model": model,
            "messages": [{"role": "user", "content": text}],
            "stream": stream,
        }
        return self.ask("/v1/chat/completions", body, token=token)

    def look(self, path: str = "/metrics", token: str = TOKEN) -> tuple[int, str]:
        """Status and text of an address of the page's own server."""
        return fetch(self.metrics, path, "GET", {"authorization": f"Bearer {token}"})

    def page(self) -> str:
        """The page as Prometheus fetches it."""
        status, text = self.look()
        assert status == 200
        return text

    def read(self) -> Samples:
        """Every sample, after a new look."""
        return parse(self.page())

    def await_samples(self, fits: Callable[[Samples], bool]) -> Samples:
        """The samples once they fit; the page is looked at anew every two seconds."""
        until = time.monotonic() + LIMIT_S
        while not fits(found := self.read()):
            assert time.monotonic() < until, found
            time.sleep(0.3)
        return found

    def find_writer(self) -> psutil.Process:
        """The process that lets the audit logs grow: the one behind its socket."""
        family = psutil.Process(self.process.pid).children(recursive=True)
        listening = (psutil.CONN_NONE, psutil.CONN_LISTEN)
        return next(
            one
            for one in reversed(family)
            for line in one.net_connections("unix")
            if "sequencer.sock" in line.laddr and line.status in listening
        )

    def workers(self) -> list[psutil.Process]:
        """The processes that hold the gateway's port, but for the parent."""
        parent = psutil.Process(self.process.pid)
        port = int(self.listen.rpartition(":")[2])
        return [
            one
            for one in parent.children()
            if any(line.laddr.port == port for line in one.net_connections("tcp"))
        ]


def fetch(
    place: str, path: str, method: str, head: Mapping[str, str], body: str = ""
) -> tuple[int, str]:
    with closing(http.client.HTTPConnection(place, timeout=LIMIT_S)) as line:
        line.request(method, path, body.encode(), dict(head))
        answer = line.getresponse()
        return answer.status, answer.read().decode()


def parse(page: str) -> Samples:
    """Samples by name and labels; Prometheus' parser refuses a page of another form."""
    found: Samples = {}
    for family in text_string_to_metric_families(page):
        assert family.documentation
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in found
            found[key] = sample.value
    return found


def value(samples: Samples, name: str, **labels: str) -> float:
    """One sample; 0 for one that is not there."""
    return samples.get((name, tuple(sorted(labels.items()))), 0.0)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("metrics")
    with IssuerServer() as issuer, FakeModelServer() as model:
        prepared = build_installation(folder, model)
        agency = prepared.services.tenants.get_agency("valbourg")
        realm = issuer.add_realm(agency.identity.realm)
        settings = prepared.services.settings
        prepared.services.close()
        token_file = folder / "metrics.token"
        token_file.write_text(TOKEN)
        token_file.chmod(0o600)
        listen, metrics = (f"127.0.0.1:{free_port()}" for _ in range(2))
        own = {
            "PARVIS_DATA_DIR": str(settings.data_dir),
            "PARVIS_TENANTS_DIR": str(settings.tenants_dir),
            "PARVIS_POLICIES_DIR": str(settings.policies_dir),
            "PARVIS_MODELS_FILE": str(settings.models_file),
            "PARVIS_CACHE_DIR": str(settings.cache_dir),
            "PARVIS_KEYCLOAK_URL": issuer.url,
            "PARVIS_LISTEN": listen,
            "PARVIS_METRICS_LISTEN": metrics,
            "PARVIS_METRICS_TOKEN_FILE": str(token_file),
            "PARVIS_WORKERS": "2",
        }
        process = start(own, folder / "gateway.log")
        found = Gateway(*(process, listen, metrics, realm, model, settings.data_dir))
        try:
            await_ready(found)
            yield found
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(LIMIT_S) == 0


def start(own: Mapping[str, str], output: Path) -> subprocess.Popen[bytes]:
    kept = {name: one for name, one in os.environ.items() if not name.startswith("PARVIS_")}
    with output.open("wb") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "parvis", "serve"],
            env={**kept, **own},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )


def await_ready(gateway: Gateway) -> None:
    until = time.monotonic() + LIMIT_S
    while True:
        assert gateway.process.poll() is None and time.monotonic() < until
        try:
            if gateway.ask("/healthz") == 200 and gateway.page():
                return
        except (OSError, AssertionError):
            pass
        time.sleep(0.1)


def test_counters_add_up_over_workers_and_survive_the_death_of_one(gateway: Gateway) -> None:
    for _ in range(6):
        assert gateway.chat(QUESTION) == 200
    asked = gateway.await_samples(
        lambda found: value(found, "parvis_chats_total", task="chat", outcome="finished") >= 6
    )
    route = {"route": "/v1/chat/completions", "status": "200"}
    assert value(asked, "parvis_http_requests_total", **route) == 6
    assert value(asked, "parvis_personal_values_total", label="EMAIL") == 6
    assert value(asked, "parvis_tokens_total", direction="out") >= 6
    assert value(asked, "parvis_chat_first_token_seconds_count", model="demo-small") == 6
    victim = gateway.workers()[0]
    victim.kill()
    victim.wait(LIMIT_S)
    for _ in range(3):
        assert gateway.chat(QUESTION) == 200
    await_ready(gateway)
    found = gateway.await_samples(
        lambda found: value(found, "parvis_http_requests_total", **route) == 9
    )
    assert value(found, "parvis_chats_total", task="chat", outcome="finished") == 9
    assert value(found, "parvis_audit_writer_up") == 1
    assert value(found, "parvis_audit_records_written_total") > 0
    assert value(found, "parvis_audit_log_records", tenant="valbourg") >= 18


def test_the_page_names_no_person_and_nothing_that_was_asked(gateway: Gateway) -> None:
    assert gateway.chat(QUESTION, stream=True) == 200
    assert gateway.ask(f"/v1/models?q={'zelie.quintaudier'}") == 401
    page = gateway.page()
    for seed in (*SEEDS, "zelie", "quintaudier", "0019 4006", gateway.realm.claims()["sub"]):
        assert seed.lower() not in page.lower()


def test_nothing_that_a_caller_sends_makes_a_series(gateway: Gateway) -> None:
    before = {key for key in gateway.read() if "tenant" not in dict(key[1])}
    for number in range(5):
        assert gateway.ask(f"/nowhere/{number}") == 404
        assert gateway.ask("/healthz", method=f"BREW{number}") == 405
        assert gateway.chat("Bonjour", model=f"made-up-{number}") == 404
    found = gateway.await_samples(
        lambda found: value(found, "parvis_errors_total", code="model_not_found") >= 5
    )
    new = {key for key in found if "tenant" not in dict(key[1])} - before
    assert {dict(labels)["route"] for _, labels in new if "route" in dict(labels)} <= {
        *("none", "/healthz", "/v1/models", "/v1/chat/completions")
    }
    text = gateway.page()
    assert "nowhere" not in text and "BREW" not in text and "made-up" not in text


def test_only_who_shows_the_token_reads_and_only_on_the_address_of_its_own(
    gateway: Gateway,
) -> None:
    assert "parvis_build_info" in gateway.page()
    for wrong in ("", "another-token-of-some-length"):
        status, text = gateway.look(token=wrong)
        assert status == 401 and "parvis_" not in text
    assert gateway.ask("/metrics") == 404
    assert gateway.look("/v1/models")[0] == 404


def test_a_stopped_writer_shows_and_what_was_refused_is_counted(gateway: Gateway) -> None:
    good = gateway.await_samples(lambda found: value(found, "parvis_audit_writer_up") == 1)
    assert value(good, "parvis_chats_total", task="chat", outcome="unrecorded") == 0
    writer = next(
        one
        for one in psutil.Process(gateway.process.pid).children(recursive=True)
        if any(
            line.laddr and "sequencer.sock" in line.laddr for line in one.net_connections("unix")
        )
    )
    writer.suspend()
    try:
        assert gateway.chat(QUESTION) == 503
        found = gateway.await_samples(lambda found: value(found, "parvis_audit_writer_up") == 0)
        assert value(found, "parvis_errors_total", code="audit_unavailable") >= 1
        assert value(found, "parvis_chats_total", task="chat", outcome="unrecorded") >= 1
        assert value(found, "parvis_audit_log_records", tenant="valbourg") > 0
    finally:
        writer.resume()
    gateway.await_samples(lambda found: value(found, "parvis_audit_writer_up") == 1)
