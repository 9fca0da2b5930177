"""What goes to a model server, what comes back, and every way in which it can go wrong."""

import logging
import socket
import threading
from pathlib import Path

import pytest

from parvis.domain import ModelPiece, Usage
from parvis.errors import (
    ContextTooLong,
    ModelOverloaded,
    ParvisError,
    UnsupportedParameter,
    UpstreamFailed,
    UpstreamTimeout,
)
from parvis.inference import Inference, load_models
from tests.fakes.model_server import BUSY, TOO_LONG, USAGE, Answer, FakeModelServer
from tests.inference.conftest import MESSAGES, Open, ask, text_of

SECRET = "words of the server that nobody may see"


def test_caller_gets_the_text_in_pieces_then_the_reason_then_the_usage(
    inference: Inference, upstream: FakeModelServer
) -> None:
    with ask(inference) as stream:
        pieces = list(stream)
    assert text_of(pieces) == MESSAGES[0]["content"]
    assert len(pieces) > 4
    assert pieces[-2] == ModelPiece(finish_reason="stop")
    assert pieces[-1] == ModelPiece(usage=Usage(11, 7, 3))
    assert stream.usage == Usage(11, 7, 3)


def test_server_is_always_asked_for_one_stream_with_usage_under_its_own_name(
    inference: Inference, upstream: FakeModelServer
) -> None:
    given = {
        "model": "citizen-desk",
        "n": 1,
        "stream": False,
        "max_completion_tokens": 50,
        "temperature": 0.2,
    }
    list(ask(inference, **given))
    assert upstream.requests == [
        {
            "messages": MESSAGES,
            "temperature": 0.2,
            "max_tokens": 50,
            "model": "demo-small",
            "stream": True,
            "stream_options": {"include_usage": True},
        }
    ]
    assert upstream.authorizations == [f"Bearer {upstream.api_key}"]


def test_names_and_ids_of_the_server_do_not_reach_the_caller(inference: Inference) -> None:
    stream = ask(inference)
    pieces = list(stream)
    assert "secret" not in repr(pieces)
    assert stream.response_id.startswith("chatcmpl-")
    assert stream.response_id != "chatcmpl-upstream"


def test_proxy_of_the_environment_is_not_used(
    inference: Inference, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert text_of(list(ask(inference))) == MESSAGES[0]["content"]


@pytest.mark.parametrize("cut", [1, 2, 3, 5, 7])
def test_caller_gets_whole_characters_however_the_bytes_are_cut(
    inference: Inference, upstream: FakeModelServer, cut: int
) -> None:
    pieces = ["Grüße, ", "Stëmmung ", "😀😀", " œuvre"]
    upstream.script(Answer(pieces=pieces, cut=cut))
    assert text_of(list(ask(inference))) == "".join(pieces)


def test_caller_gets_tool_calls_as_the_model_wrote_them(
    inference: Inference, upstream: FakeModelServer
) -> None:
    first = {"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": ""}}
    second = {"index": 0, "function": {"arguments": '{"a": 1}'}}
    deltas = [{"tool_calls": [first]}, {"tool_calls": [second]}]
    upstream.script(Answer(deltas=deltas, finish="tool_calls"))
    pieces = list(ask(inference))
    assert [piece.tool_calls for piece in pieces[:2]] == [(first,), (second,)]
    assert pieces[2].finish_reason == "tool_calls"


def test_reasoning_is_told_apart_from_the_answer_and_counted(
    inference: Inference, upstream: FakeModelServer
) -> None:
    deltas = [{"reasoning_content": "x" * 300}, {"content": "yes"}]
    upstream.script(Answer(deltas=deltas, usage=None))
    pieces = list(ask(inference))
    assert pieces[0] == ModelPiece(reasoning="x" * 300)
    assert text_of(pieces) == "yes"
    assert pieces[-1].usage == Usage(7, 101, estimated=True)


def _choice(index: int, text: str, reason: str | None = None) -> bytes:
    delta = f'{{"content":"{text}"}}' if text else "{}"
    finish = f'"{reason}"' if reason else "null"
    choice = f'{{"index":{index},"delta":{delta},"finish_reason":{finish}}}'
    return _event(f'{{"choices":[{choice}]}}')


def test_several_answers_stay_apart_and_their_tokens_are_added(
    inference: Inference, upstream: FakeModelServer
) -> None:
    counted = _event('{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":4}}')
    upstream.script(
        Answer(
            raw=_choice(1, "one")
            + _choice(0, "nought")
            + _choice(1, "", "length")
            + counted
            + _choice(7, "nobody asked for this")
            + _choice(0, "", "stop")
            + counted
            + b"data: [DONE]\n\n"
        )
    )
    pieces = list(ask(inference, n=2))
    assert [(piece.choice, piece.text) for piece in pieces[:2]] == [(1, "one"), (0, "nought")]
    assert [(piece.choice, piece.finish_reason) for piece in pieces[2:4]] == [
        (0, "stop"),
        (1, "length"),
    ]
    assert pieces[-1].usage == Usage(9, 8)
    assert upstream.requests[0]["n"] == 2


def test_a_server_that_gives_fewer_answers_than_asked_has_failed(
    inference: Inference, upstream: FakeModelServer
) -> None:
    alone = _choice(0, "only one") + _choice(0, "", "stop") + b"data: [DONE]\n\n"
    upstream.script(Answer(raw=alone))
    with pytest.raises(UpstreamFailed):
        list(ask(inference, n=2))
    with pytest.raises(UnsupportedParameter) as refused:
        ask(inference, n=5)
    assert "at most 4" in refused.value.message
    assert len(upstream.requests) == 1


def test_usage_is_estimated_and_says_so_where_the_server_does_not_count(
    inference: Inference, upstream: FakeModelServer
) -> None:
    upstream.script(Answer(pieces=["abcdef"], usage=None))
    assert list(ask(inference))[-1].usage == Usage(7, 2, estimated=True)


def test_usage_chunk_with_choices_null_is_read(
    inference: Inference, upstream: FakeModelServer
) -> None:
    upstream.script(Answer(choices_null=True))
    assert list(ask(inference))[-1].usage == Usage(11, 7, 3)


def test_answer_without_done_but_with_a_reason_is_whole(
    inference: Inference, upstream: FakeModelServer
) -> None:
    upstream.script(Answer(pieces=["yes"], done=False))
    assert [p.finish_reason for p in ask(inference)] == [None, "stop", None]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (BUSY, ModelOverloaded),
        (Answer(status=429, error={"message": SECRET}), ModelOverloaded),
        (Answer(status=529, error={"message": SECRET}), ModelOverloaded),
        (TOO_LONG, ContextTooLong),
        (
            Answer(status=400, error={"message": f"{SECRET}: maximum context length is 2048"}),
            ContextTooLong,
        ),
        (Answer(status=400, error={"code": "context_length_exceeded"}), ContextTooLong),
        (Answer(status=400, error={"message": SECRET}), UpstreamFailed),
        (Answer(status=401, error={"message": SECRET}), UpstreamFailed),
        (Answer(status=404, error={"message": SECRET}), UpstreamFailed),
        (Answer(status=500, error={"message": SECRET}), UpstreamFailed),
        (Answer(status=302, error={}, headers={"Location": "http://8.8.8.8/"}), UpstreamFailed),
        (Answer(before_head=True), UpstreamFailed),
        (Answer(content_type="application/json", raw=b"{}"), UpstreamFailed),
    ],
)
def test_refusal_before_the_first_piece_has_its_error_and_the_next_call_works(
    inference: Inference,
    upstream: FakeModelServer,
    caplog: pytest.LogCaptureFixture,
    answer: Answer,
    error: type[ParvisError],
) -> None:
    upstream.script(answer)
    with caplog.at_level(logging.DEBUG), pytest.raises(error) as caught:
        ask(inference)
    assert type(caught.value).words == caught.value.message
    assert SECRET not in caplog.text
    assert text_of(list(ask(inference))) == MESSAGES[0]["content"]


def test_busy_server_says_when_to_come_back_and_the_caller_is_told(
    inference: Inference, upstream: FakeModelServer
) -> None:
    for given, told in (("17", 17), ("9999", 60), ("soon", 1)):
        upstream.script(Answer(status=429, error={}, headers={"Retry-After": given}))
        with pytest.raises(ModelOverloaded) as caught:
            ask(inference)
        assert caught.value.retry_after == told


def _event(text: str) -> bytes:
    return f"data: {text}\n\n".encode()


_TEXT = _event('{"choices":[{"index":0,"delta":{"content":"half"},"finish_reason":null}]}')


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(pieces=["half"], drop=True), UpstreamFailed),
        (Answer(pieces=["half"], finish=None), UpstreamFailed),
        (Answer(pieces=["half"], finish="abort"), UpstreamFailed),
        (Answer(raw=_TEXT), UpstreamFailed),
        (Answer(raw=_TEXT + _event("not json")), UpstreamFailed),
        (Answer(raw=_TEXT + _event("[1]")), UpstreamFailed),
        (Answer(raw=_TEXT + _event('{"choices":[{"delta":{"content":5}}]}')), UpstreamFailed),
        (Answer(raw=_TEXT + _event(f'{{"error":{{"message":"{SECRET}"}}}}')), UpstreamFailed),
        (Answer(raw=_TEXT + b'error: {"code":500}\n\n'), UpstreamFailed),
        (Answer(raw=_TEXT + _event('{"error":{"code":503}}')), ModelOverloaded),
        (
            Answer(raw=_TEXT + _event('{"error":{"type":"exceed_context_size_error"}}')),
            ContextTooLong,
        ),
        (Answer(raw=_TEXT + b"data: " + b"x" * 1_100_000), UpstreamFailed),
    ],
)
def test_break_in_the_middle_is_an_error_after_the_text_and_gives_the_place_back(
    open_inference: Open, upstream: FakeModelServer, answer: Answer, error: type[ParvisError]
) -> None:
    inference = open_inference({"max_inflight": 1, "queue": {"max": 0}})
    upstream.script(answer)
    stream = ask(inference)
    assert next(stream).text == "half"
    with pytest.raises(error) as caught:
        list(stream)
    assert SECRET not in str(caught.value)
    assert list(stream) == []
    assert text_of(list(ask(inference))) == MESSAGES[0]["content"]


def test_silent_server_times_out_before_the_first_word(
    open_inference: Open, upstream: FakeModelServer
) -> None:
    inference = open_inference(first_byte_s=0.2, idle_s=60)
    upstream.script(Answer(hold=threading.Event(), hold_after=0))
    stream = ask(inference)
    with pytest.raises(UpstreamTimeout):
        list(stream)
    upstream.wait_for(hang_ups=1)


def test_server_that_falls_silent_times_out_after_the_first_word(
    open_inference: Open, upstream: FakeModelServer
) -> None:
    inference = open_inference(first_byte_s=60, idle_s=0.2)
    upstream.script(Answer(hold=threading.Event(), hold_after=1))
    stream = ask(inference)
    assert next(stream).text == MESSAGES[0]["content"][:4]
    with pytest.raises(UpstreamTimeout):
        list(stream)
    upstream.wait_for(hang_ups=1)


def test_caller_hangs_up_and_the_server_is_freed(
    inference: Inference, upstream: FakeModelServer
) -> None:
    upstream.script(Answer(hold=threading.Event(), hold_after=2))
    stream = ask(inference)
    next(stream)
    stream.close()
    upstream.wait_for(hang_ups=1)
    assert list(stream) == []
    assert stream.usage == Usage(7, 2, estimated=True)


def test_close_from_another_thread_ends_a_reader_that_waits(
    inference: Inference, upstream: FakeModelServer
) -> None:
    upstream.script(Answer(hold=threading.Event(), hold_after=1))
    stream = ask(inference)
    assert next(stream).text
    rest: list[ModelPiece] = []
    reader = threading.Thread(target=lambda: rest.extend(stream))
    reader.start()
    stream.close()
    reader.join(timeout=20)
    assert not reader.is_alive()
    assert rest == []
    upstream.wait_for(hang_ups=1)


def test_forgotten_stream_gives_its_place_back(
    open_inference: Open, upstream: FakeModelServer
) -> None:
    inference = open_inference({"max_inflight": 1, "queue": {"max": 0}})
    upstream.script(Answer(hold=threading.Event()))
    stream = ask(inference)
    next(stream)
    with pytest.raises(ModelOverloaded):
        ask(inference)
    del stream
    upstream.wait_for(hang_ups=1)
    assert text_of(list(ask(inference))) == MESSAGES[0]["content"]


def test_connection_is_kept_from_answer_to_answer(
    inference: Inference, upstream: FakeModelServer
) -> None:
    for _ in range(5):
        list(ask(inference))
    with pytest.raises(ContextTooLong):
        upstream.script(TOO_LONG)
        ask(inference)
    list(ask(inference))
    assert (len(upstream.requests), upstream.connections) == (7, 1)


def test_kept_connection_that_breaks_before_an_answer_is_replaced_once(
    inference: Inference, upstream: FakeModelServer
) -> None:
    list(ask(inference))
    upstream.script(Answer(before_head=True))
    assert text_of(list(ask(inference))) == MESSAGES[0]["content"]
    assert (len(upstream.requests), upstream.connections) == (3, 2)


def test_fresh_connection_that_breaks_is_not_tried_again(
    inference: Inference, upstream: FakeModelServer
) -> None:
    upstream.script(Answer(before_head=True))
    with pytest.raises(UpstreamFailed):
        ask(inference)
    assert len(upstream.requests) == 1


def test_answer_that_broke_after_its_first_piece_is_not_asked_again(
    inference: Inference, upstream: FakeModelServer
) -> None:
    list(ask(inference))
    upstream.script(Answer(pieces=["half"], drop=True))
    with pytest.raises(UpstreamFailed):
        list(ask(inference))
    assert len(upstream.requests) == 2


def test_server_that_closes_each_connection_is_understood(
    inference: Inference, upstream: FakeModelServer
) -> None:
    upstream.default = Answer(headers={"Connection": "close"})
    for _ in range(2):
        assert text_of(list(ask(inference))) == MESSAGES[0]["content"]
    assert upstream.connections == 2


def test_missing_or_empty_key_sends_nothing_at_all(
    inference: Inference, upstream: FakeModelServer, tmp_path: Path
) -> None:
    key_file = tmp_path / "model.key"
    for spoil in (lambda: key_file.write_text("\n"), key_file.unlink):
        spoil()
        with pytest.raises(UpstreamFailed):
            ask(inference)
    assert upstream.bodies == []
    key_file.write_text(upstream.api_key)
    assert text_of(list(ask(inference))) == MESSAGES[0]["content"]


def test_name_that_leads_off_the_site_gets_neither_key_nor_words(
    upstream: FakeModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = upstream.write_models(
        tmp_path, base_url=f"http://localhost:{upstream.port}/v1", probe=None
    )
    inference = Inference(load_models(models))
    assert text_of(list(ask(inference))) == MESSAGES[0]["content"]
    inference.close()
    asked = len(upstream.bodies)
    inference = Inference(load_models(models))
    # as if the name had led to a public address: nothing else of the connection changes
    monkeypatch.setattr(socket.socket, "getpeername", lambda _self: ("203.0.113.9", 80))
    with pytest.raises(UpstreamFailed):
        ask(inference)
    inference.close()
    assert len(upstream.bodies) == asked


@pytest.mark.parametrize(
    "fields",
    [
        {"tools": [{"type": "function", "function": {"name": "f"}}]},
        {"tools": [{"type": "function"}], "tool_choice": "required"},
    ],
)
def test_tools_for_a_model_that_cannot_use_them_are_refused_by_name(
    inference: Inference, upstream: FakeModelServer, fields: dict[str, object]
) -> None:
    with pytest.raises(UnsupportedParameter) as caught:
        ask(inference, **fields)
    assert caught.value.param == "tools"
    assert upstream.bodies == []
    assert list(ask(inference, tools=[], response_format={"type": "json_object"}))


def test_built_in_model_has_no_server_to_stream_from(inference: Inference) -> None:
    with pytest.raises(ValueError, match="built-in"):
        inference.stream(inference.choose(["quote"]), "valbourg", {"messages": MESSAGES})


def test_all_usage_numbers_of_the_fake_are_those_of_the_tests() -> None:
    assert (USAGE["prompt_tokens"], USAGE["completion_tokens"]) == (11, 7)
