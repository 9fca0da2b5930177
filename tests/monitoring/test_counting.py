"""What processes count together, and the page's server where things go wrong."""

import http.client
import math
import os
import socket
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from parvis.errors import ConfigurationFaults
from parvis.metrics import DURATION, FIRST_TOKEN, OTHER, Metrics, Sample, render_page
from parvis.monitoring.server import MetricsThread
from parvis.settings import load_settings, read_metrics_token
from tests.fakes.installation import build_installation
from tests.fakes.model_server import FakeModelServer


def read(metrics: Metrics) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    families = text_string_to_metric_families(render_page(metrics.read()))
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def sample(metrics: Metrics, name: str, **labels: str) -> float:
    return read(metrics)[(name, frozenset(labels.items()))]


def test_processes_count_together_and_a_new_one_counts_on_in_the_place_of_a_dead_one() -> None:
    metrics = Metrics(routes=["/v1/models"])
    for number in (1, 2, 1 + 512):
        child = os.fork()
        if child == 0:
            metrics.take_place(number)
            metrics.count_request("/v1/models", 200)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
    assert sample(metrics, "parvis_http_requests_total", route="/v1/models", status="200") == 3


@pytest.mark.parametrize(
    ("route", "status", "counted"),
    [
        ("/v1/models", 200, ("/v1/models", "200")),
        ("/made/up\n", 200, (OTHER, "200")),
        (None, 404, ("none", "404")),
        ("/v1/models", 799, ("/v1/models", OTHER)),
    ],
)
def test_a_word_of_no_list_counts_as_other(
    route: str | None, status: int, counted: tuple[str, str]
) -> None:
    metrics = Metrics(routes=["/v1/models"])
    metrics.count_request(route, status)
    labels = {"route": counted[0], "status": counted[1]}
    assert sample(metrics, "parvis_http_requests_total", **labels) == 1


def test_a_value_on_a_bound_lies_in_its_bucket_and_one_above_all_in_the_last() -> None:
    metrics = Metrics(models=["small"])
    for seconds in (FIRST_TOKEN.bounds[0], FIRST_TOKEN.bounds[0] + 1e-9, 1e6):
        metrics.observe_chat("small", seconds, seconds)
    buckets = {
        dict(labels)["le"]: count
        for (name, labels), count in read(metrics).items()
        if name == "parvis_chat_first_token_seconds_bucket"
    }
    assert buckets["0.05"] == 1 and buckets["0.1"] == 2 and buckets["120"] == 2
    assert buckets["+Inf"] == 3
    assert math.isclose(sample(metrics, "parvis_chat_seconds_sum", model="small"), 1e6 + 0.1)
    assert len(DURATION.bounds) + 1 == len(
        [key for key in read(metrics) if key[0] == "parvis_chat_seconds_bucket"]
    )


def test_words_with_signs_of_the_format_come_back_from_the_parser_as_they_were() -> None:
    name = 'a "quoted" \\ back\nline'
    metrics = Metrics(models=[name])
    metrics.observe_chat(name, 1.0, None)
    assert sample(metrics, "parvis_chat_seconds_count", model=name) == 1
    assert Sample((name,), 1).labels == (name,)


def await_that(happened: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < until
        time.sleep(0.05)


def shows(address: tuple[str, int]) -> bool:
    with closing(http.client.HTTPConnection(*address, timeout=30)) as line:
        try:
            line.request("GET", "/metrics")
        except ConnectionRefusedError:
            return False
        return b"parvis_build_info" in line.getresponse().read()


def test_a_gateway_serves_while_the_address_of_its_figures_is_taken_and_shows_them_after(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    taken = socket.create_server(("127.0.0.1", 0))
    address = taken.getsockname()
    with FakeModelServer() as model:
        where = f"127.0.0.1:{address[1]}"
        gateway = build_installation(tmp_path, model, PARVIS_METRICS_LISTEN=where)
        thread = MetricsThread(gateway.services)
        await_that(lambda: "metrics.closed" in caplog.text)
        assert gateway.client.get("/healthz").status_code == 200
        taken.close()
        await_that(lambda: shows(address))
        thread.close()
        assert not shows(address)
        gateway.services.close()


@pytest.mark.parametrize(
    "listen", ["0.0.0.0:8084", "[::]:8084", "192.0.2.1:8084", "host:8084", "8084", ":8084", "::1:x"]
)
def test_figures_are_not_shown_beyond_loopback_without_a_token(tmp_path: Path, listen: str) -> None:
    given = {"PARVIS_DATA_DIR": str(tmp_path), "PARVIS_METRICS_LISTEN": listen}
    with pytest.raises(ConfigurationFaults, match="PARVIS_METRICS_LISTEN"):
        load_settings(given)
    good = {**given, "PARVIS_METRICS_LISTEN": "[::1]:8084"}
    assert load_settings(good).metrics_listen == "[::1]:8084"


@pytest.mark.parametrize(
    ("content", "mode"),
    [
        ("", 0o600),
        ("short", 0o600),
        ("two words that are long", 0o600),
        ("x" * 32, 0o644),
        (None, 0),
    ],
)
def test_a_token_that_protects_nothing_stops_the_start(
    tmp_path: Path, content: str | None, mode: int
) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_text(content)
        file.chmod(mode)
    given = {"PARVIS_DATA_DIR": str(tmp_path), "PARVIS_METRICS_TOKEN_FILE": str(file)}
    with pytest.raises(ConfigurationFaults, match="PARVIS_METRICS_TOKEN_FILE"):
        read_metrics_token(load_settings(given))
    file.write_text("a-good-token-of-32-signs\n")
    file.chmod(0o600)
    assert read_metrics_token(load_settings(given)) == "a-good-token-of-32-signs"
