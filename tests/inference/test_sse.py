"""Server-sent events, cut anywhere."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parvis.inference.sse import SseEvent, SseParser, SseTooLong

STREAM = (
    "\ufeff: comment\r\n"
    'data: {"a": "Lëtzebuerg – 😀"}\n\n'
    "event: error\rdata: one\rdata: two\r\r"
    "id: 7\nretry: 10\ndata:tight\n\n"
    "event: nothing\n\n"
    "data\n\n"
    ": ping\n\n"
    'error: {"code": 500}\n\n'
    "data: [DONE]\n\n"
    "data: cut off"
).encode()
EVENTS = [
    SseEvent("", '{"a": "Lëtzebuerg – 😀"}'),
    SseEvent("error", "one\ntwo"),
    SseEvent("", "tight"),
    SseEvent("", ""),
    SseEvent("error", '{"code": 500}'),
    SseEvent("", "[DONE]"),
]


def feed(*chunks: bytes) -> list[SseEvent]:
    parser = SseParser()
    return [event for chunk in chunks for event in parser.feed(chunk)]


def test_parser_reads_every_kind_of_line_end_comment_and_field() -> None:
    assert feed(STREAM) == EVENTS


def test_parser_reads_the_same_when_cut_at_every_single_place() -> None:
    for place in range(len(STREAM)):
        assert feed(STREAM[:place], STREAM[place:]) == EVENTS


def test_parser_reads_the_same_byte_by_byte() -> None:
    assert feed(*(STREAM[i : i + 1] for i in range(len(STREAM)))) == EVENTS


@given(st.lists(st.integers(0, len(STREAM))))
def test_parser_reads_the_same_however_it_is_cut(places: list[int]) -> None:
    cuts = [0, *sorted(places), len(STREAM)]
    assert feed(*(STREAM[a:b] for a, b in itertools.pairwise(cuts))) == EVENTS


def test_parser_counts_crlf_once_when_an_empty_read_falls_between() -> None:
    assert feed(b"data: x\r", b"", b"\n\r\n") == [SseEvent("", "x")]


def test_parser_replaces_bytes_that_are_no_utf8() -> None:
    assert feed(b"data: a\xffb\n\n") == [SseEvent("", "a\ufffdb")]


@pytest.mark.parametrize("data", [b"data: " + b"x" * 101, b"data: xxxxxxxxxx\n" * 7])
def test_parser_refuses_an_event_over_the_limit(data: bytes) -> None:
    parser = SseParser(limit=100)
    assert parser.feed(b"data: short\n\n")
    with pytest.raises(SseTooLong):
        parser.feed(data)
