"""Which model is chosen, how many calls run at once, and what is known of a server's health."""

import socket
import threading
from collections import Counter

import pytest

from parvis.errors import ModelOverloaded, UpstreamFailed
from tests.fakes.model_server import Answer, FakeModelServer
from tests.inference.conftest import MESSAGES, Open, ask, text_of

PROBE = {"path": "/health", "timeout_s": 5, "every_s": 600}


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_first_known_model_is_chosen(open_inference: Open) -> None:
    inference = open_inference()
    assert inference.choose(["demo-small", "quote"]).name == "demo-small"
    assert inference.choose(["quote", "demo-small"]).name == "quote"
    assert inference.choose(["gone", "quote"]).name == "quote"
    with pytest.raises(UpstreamFailed):
        inference.choose(["gone"])


def test_server_that_refuses_connections_is_passed_over_until_it_is_back(
    open_inference: Open, upstream: FakeModelServer
) -> None:
    dead = f"http://127.0.0.1:{unused_port()}/v1"
    inference = open_inference({"probe": PROBE, "base_url": dead})
    assert inference.choose(["demo-small", "quote"]).name == "demo-small"
    with pytest.raises(UpstreamFailed):
        ask(inference)
    assert inference.health() == {"demo": "down"}
    assert inference.choose(["demo-small", "quote"]).name == "quote"
    with pytest.raises(UpstreamFailed) as caught:
        inference.choose(["demo-small"])
    assert caught.value.retry_after == 5


def test_probe_finds_a_server_that_is_back(open_inference: Open, upstream: FakeModelServer) -> None:
    inference = open_inference({"probe": PROBE})
    upstream.health = 503
    assert inference.check_servers() == {"demo": "down"}
    assert inference.choose(["demo-small", "quote"]).name == "quote"
    upstream.health = 200
    assert inference.check_servers() == {"demo": "up"}
    assert inference.choose(["demo-small", "quote"]).name == "demo-small"


def test_server_without_a_health_address_is_asked_for_a_connection(
    open_inference: Open, upstream: FakeModelServer
) -> None:
    dead = f"http://127.0.0.1:{unused_port()}/v1"
    assert open_inference({"base_url": dead}).check_servers() == {"demo": "down"}
    assert open_inference().check_servers() == {"demo": "up"}


def test_busy_server_with_an_unwilling_health_address_stays_in(
    open_inference: Open, upstream: FakeModelServer
) -> None:
    inference = open_inference({"probe": PROBE})
    upstream.script(Answer(hold=threading.Event()))
    with ask(inference) as stream:
        next(stream)
        upstream.health = 503
        assert inference.check_servers() == {"demo": "up"}
        assert inference.choose(["demo-small", "quote"]).name == "demo-small"


def test_single_error_of_a_server_does_not_take_it_out(
    open_inference: Open, upstream: FakeModelServer
) -> None:
    inference = open_inference({"probe": PROBE})
    upstream.script(Answer(status=500, error={}))
    with pytest.raises(UpstreamFailed):
        ask(inference)
    assert inference.choose(["demo-small", "quote"]).name == "demo-small"


def test_paused_model_is_not_chosen(open_inference: Open, upstream: FakeModelServer) -> None:
    inference = open_inference()
    entry = inference.choose(["demo-small"])
    object.__setattr__(entry, "state", "paused")
    assert inference.choose(["demo-small", "quote"]).name == "quote"


def test_calls_over_the_limit_wait_in_the_gateway_and_not_at_the_server(
    open_inference: Open, upstream: FakeModelServer
) -> None:
    inference = open_inference({"max_inflight": 2, "queue": {"max": 0}})
    hold = threading.Event()
    upstream.default = Answer(hold=hold)
    first, second = ask(inference, "a"), ask(inference, "b")
    with pytest.raises(ModelOverloaded) as caught:
        ask(inference, "c")
    assert caught.value.retry_after == 1
    assert len(upstream.bodies) == 2
    hold.set()
    for stream in (first, second):
        assert text_of(list(stream)) == MESSAGES[0]["content"]
    assert text_of(list(ask(inference, "c"))) == MESSAGES[0]["content"]


def test_limit_is_shared_out_between_workers(
    open_inference: Open, upstream: FakeModelServer
) -> None:
    inference = open_inference({"max_inflight": 4, "queue": {"max": 0}}, workers=3)
    upstream.default = Answer(hold=threading.Event())
    with ask(inference), pytest.raises(ModelOverloaded):
        ask(inference)


def test_twenty_four_streams_at_once_all_arrive_whole(
    open_inference: Open, upstream: FakeModelServer
) -> None:
    inference = open_inference({"max_inflight": 4, "queue": {"max": 24, "max_per_tenant": 8}})
    texts: Counter[str] = Counter()
    lock = threading.Lock()

    def call(number: int) -> None:
        words = f"{number}: Gréiss, Grüße, œuvre 😀 " * 20
        with ask(
            inference, f"t{number % 3}", messages=[{"role": "user", "content": words}]
        ) as stream:
            text = text_of(list(stream))
        with lock:
            texts[text] += 1

    threads = [threading.Thread(target=call, args=(n,)) for n in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert texts == {f"{n}: Gréiss, Grüße, œuvre 😀 " * 20: 1 for n in range(24)}
    assert upstream.most_open <= 4
    assert upstream.connections <= 4


def test_client_that_hangs_up_makes_room_for_the_next_in_line(
    open_inference: Open, upstream: FakeModelServer
) -> None:
    inference = open_inference({"max_inflight": 1})
    upstream.script(Answer(hold=threading.Event()))
    first = ask(inference, "a")
    next(first)
    texts: list[str] = []
    waiter = threading.Thread(target=lambda: texts.append(text_of(list(ask(inference, "b")))))
    waiter.start()
    first.close()
    waiter.join(timeout=20)
    assert texts == [MESSAGES[0]["content"]]
    upstream.wait_for(requests=2, hang_ups=1)


def test_closing_the_room_ends_open_answers_and_refuses_new_ones(
    open_inference: Open, upstream: FakeModelServer
) -> None:
    inference = open_inference({"max_inflight": 1})
    upstream.script(Answer(hold=threading.Event()))
    stream = ask(inference)
    next(stream)
    inference.close()
    upstream.wait_for(hang_ups=1)
    assert list(stream) == []
    with pytest.raises(ModelOverloaded):
        inference.stream(stream.model, "a", {"messages": MESSAGES})
