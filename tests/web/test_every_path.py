"""Every field of every endpoint under `/v1`: no personal value in it reaches a model or a trace.

The table below decides for each field that can hold text; a field without a decision fails here.
"""

import json
import logging
import re
import types
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Literal, get_args, get_origin

import pytest
from werkzeug.test import TestResponse

from parvis.domain import DataLevel, Passage
from parvis.errors import PrivacyUnavailable
from parvis.privacy.placeholders import SHAPE
from parvis.web.v1.bodies import Body
from parvis.web.v1.chat_request import ChatRequest
from parvis.web.v1.responses_request import ResponsesRequest
from parvis.web.v1.vectors import EmbeddingsRequest, RerankRequest
from tests.fakes.every_field import (
    BARE,
    CHAT,
    DESK,
    NAME,
    PATHS,
    RESP,
    SEEDS,
    SHORT,
    VALUES,
    WHOLE,
    chat,
)
from tests.fakes.installation import Installation, build_installation
from tests.fakes.model_server import Answer, FakeModelServer

ENDPOINTS = {
    CHAT: ChatRequest,
    RESP: ResponsesRequest,
    "/v1/embeddings": EmbeddingsRequest,
    "/v1/rerank": RerankRequest,
}


def list_text_fields(kind: type[Body], seen: set[type[Body]] | None = None) -> Iterator[str]:
    """`Type.field` for each field below this body that can hold a text of the client's own."""
    seen = set() if seen is None else seen
    if kind in seen:
        return
    seen.add(kind)
    for name, field in kind.model_fields.items():
        leaves = list(_leaves(field.annotation))
        if any(leaf in {str, Any, dict} for leaf in leaves):
            yield f"{kind.__name__}.{name}"
        for leaf in leaves:
            if isinstance(leaf, type) and issubclass(leaf, Body):
                yield from list_text_fields(leaf, seen)


def _leaves(annotation: Any) -> Iterator[Any]:
    origin = get_origin(annotation)
    if origin is Literal:
        return
    if origin is dict:
        yield dict
    elif origin is not None or isinstance(annotation, types.UnionType):
        inner = get_args(annotation)
        for one in inner[:1] if hasattr(annotation, "__metadata__") else inner:
            yield from _leaves(one)
    else:
        yield annotation


def test_every_field_that_can_hold_text_has_its_decision() -> None:
    found = {
        f"{endpoint} {field}"
        for endpoint, kind in ENDPOINTS.items()
        for field in list_text_fields(kind)
    }
    assert found == set(PATHS)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A gateway whose model server takes tools, gives vectors and puts in order."""
    with FakeModelServer() as server:
        gateway = build_installation(tmp_path_factory.mktemp("paths"), server)
        _widen(gateway)
        yield gateway
        gateway.services.close()


@pytest.fixture
def site(shared: Installation) -> Iterator[Installation]:
    """The same as it was, with nothing asked yet."""
    shared.model_server.bodies.clear()
    shared.model_server.requests.clear()
    services = shared.services
    yield shared
    shared.replace(
        **{name: getattr(services, name) for name in ("privacy", "tenants", "knowledge")}
    )


def _widen(gateway: Installation) -> None:
    catalogue = gateway.services.models
    changed = dict(catalogue.models)
    changed["demo-small"] = replace(changed["demo-small"], tools=True)
    for name in ("encoder", "encoder-rerank"):
        changed[name] = replace(changed[name], builtin=None, server="demo", served_name="vectors")
    gateway.replace(models=replace(catalogue, models=changed))
    gateway.services.inference._models = changed


def send(site: Installation, endpoint: str, body: Mapping[str, Any], **more: Any) -> TestResponse:
    return site.client.post(endpoint, json={**body, **more}, headers=site.headers())


def letters(text: str) -> str:
    """What stays of a text however it is written."""
    return re.sub(r"\W", "", text.casefold())


def require_none(text: str) -> None:
    """Fail when a seeded value, or most of a name, stands in this text."""
    parts = [*VALUES, *(part for _, values in SEEDS.values() for part in values[0].split())]
    plain = letters(text)
    assert not [part for part in parts if letters(part) in plain]


@pytest.mark.parametrize("name", PATHS)
def test_no_value_in_any_field_reaches_a_model_a_log_or_an_error(
    site: Installation, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    endpoint, path = name.split(maxsplit=1)[0], PATHS[name]
    body = path.build(path.seed)
    response = send(site, endpoint, body)
    sent = "".join(each.decode() for each in site.model_server.bodies)
    sent = sent.encode().decode("unicode_escape") if "\\u" in sent else sent
    require_none(sent)
    if path.how == "unknown":
        assert (response.status_code, site.model_server.bodies) == (404, [])
        require_none(response.get_data(as_text=True))
    else:
        assert response.status_code == 200
        assert bool(SHAPE.search(sent) or "_PERSON_" in sent) is (path.how in {"masked", "name"})
        echo = {"message": json.dumps(body, ensure_ascii=False), "code": 400}
        site.model_server.script(Answer(status=400, error=echo))
        failed = send(site, endpoint, body)
        assert failed.status_code == 502
        require_none(failed.get_data(as_text=True))
    written = [dict(record) for record in site.records()[-6:]]
    require_none(json.dumps(written, ensure_ascii=False))
    told = [f"{record.getMessage()} {vars(record)}" for record in caplog.records]
    require_none("\n".join(one for one in told if "flask" not in one))


RESTORED = [name for name, path in PATHS.items() if path.how == "masked" and "model" not in name]


@pytest.mark.parametrize("name", [one for one in RESTORED if one.startswith((CHAT, RESP))])
def test_what_a_model_says_of_any_field_comes_back_restored(site: Installation, name: str) -> None:
    endpoint, path = name.split(maxsplit=1)[0], PATHS[name]
    body = path.build(path.seed)
    send(site, endpoint, body)
    shown = [match.group() for match in SHAPE.finditer(site.model_server.bodies[0].decode())]
    said = " and ".join(dict.fromkeys(shown))
    site.model_server.script(Answer(pieces=list(said)), Answer(pieces=[said.lower()]))
    for stream in (False, True):
        text = send(site, endpoint, body, stream=stream).get_data(as_text=True)
        if stream:
            text = "".join(
                event.get("delta", "")
                if event.get("type") == "response.output_text.delta"
                else "".join(c["delta"].get("content") or "" for c in event.get("choices", ()))
                for event in map(json.loads, re.findall(r"^data: (\{.*\})$", text, re.MULTILINE))
            )
        assert not SHAPE.search(text), text
        expected = VALUES if path.seed == WHOLE else [SHORT]
        assert not [value for value in expected if letters(value) not in letters(text)]


TOOL_NAMES = [f"{CHAT} FunctionTool.name", f"{RESP} FunctionTool.name"]


@pytest.mark.parametrize("name", TOOL_NAMES)
def test_a_tool_that_names_a_person_is_called_by_its_own_name(
    site: Installation, name: str
) -> None:
    endpoint, body = name.split(maxsplit=1)[0], PATHS[name].build(NAME)
    send(site, endpoint, body)
    known_as = site.model_server.requests[0]["tools"][0]["function"]["name"]
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", known_as)
    call = {"index": 0, "id": "c", "function": {"name": known_as, "arguments": "{}"}}
    site.model_server.script(Answer(deltas=[{"tool_calls": [call]}], finish="tool_calls"))
    answer = send(site, endpoint, body).get_data(as_text=True)
    assert f'"name":"{NAME}"' in answer
    assert known_as not in answer


class BrokenPrivacy:
    """Analysers that fail."""

    def mask(self, *_texts: Any, **_options: Any) -> Any:
        raise PrivacyUnavailable


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_without_the_search_for_personal_data_no_request_leaves(
    site: Installation, endpoint: str
) -> None:
    name = next(one for one in PATHS if one.startswith(endpoint) and PATHS[one].how == "masked")
    body, working = PATHS[name].build("Hello"), site.services.privacy
    site.replace(privacy=BrokenPrivacy())
    refused = send(site, endpoint, body)
    assert refused.status_code == 503
    assert site.model_server.bodies == []
    site.replace(privacy=working)
    assert send(site, endpoint, body).status_code == 200


def test_what_a_model_writes_itself_is_not_masked_again(site: Installation) -> None:
    said = "Ask Jean Martin, jean.martin@example.org."
    site.model_server.script(Answer(pieces=[said]))
    answer = send(site, CHAT, chat()).json
    assert answer is not None
    assert answer["choices"][0]["message"]["content"] == said


def test_technical_words_stay_readable(site: Installation) -> None:
    said = "We run C4, S3 and EKS on k8s; the API is v1.2 of OAuth2 over TLS 1.3."
    send(site, CHAT, chat({"role": "user", "content": said}))
    assert site.model_server.requests[0]["messages"][-1]["content"] == said


def test_several_answers_are_restored_each_by_itself_whatever_the_cut(site: Installation) -> None:
    body = chat({"role": "user", "content": WHOLE})
    for cut, stream in ((0, False), (1, True), (5, True)):
        site.model_server.script(Answer(piece_chars=3, cut=cut))
        response = send(
            site, CHAT, body, n=3, stream=stream, stream_options={"include_usage": True}
        )
        if not stream:
            assert response.json is not None
            whole = [one["message"]["content"] for one in response.json["choices"]]
            assert whole == [WHOLE] * 3
            continue
        texts = [""] * 3
        reasons: list[Any] = [None] * 3
        chunks = re.findall(r"^data: (\{.*\})$", response.get_data(as_text=True), re.MULTILINE)
        for chunk in map(json.loads, chunks):
            for choice in chunk["choices"]:
                texts[choice["index"]] += choice["delta"].get("content") or ""
                reasons[choice["index"]] = choice["finish_reason"] or reasons[choice["index"]]
        assert texts == [WHOLE] * 3
        assert reasons == ["stop"] * 3
        assert json.loads(chunks[-1])["usage"]["total_tokens"] == 18


def test_two_agencies_at_once_never_get_each_others_values(site: Installation) -> None:
    registry = site.services.tenants
    agency, other = registry.get_agency("valbourg"), registry.get_agency("habitat")
    found = agency.find_assistant(BARE)
    assert found is not None
    twin = found.model_copy(update={"id": "habitat-twin"})
    agencies = {**registry.agencies, "habitat": other.model_copy(update={"assistants": (twin,)})}
    site.replace(tenants=replace(registry, agencies=agencies))
    people = [("valbourg", BARE, "fr"), ("habitat", "habitat-twin", "de")] * 4
    headers = {slug: site.headers(slug) for slug in ("valbourg", "habitat")}

    def ask(slug: str, model: str, language: str) -> tuple[str, str]:
        sentence, values = SEEDS[language]
        typed = sentence.format(*values)
        body = {"model": model, "messages": [{"role": "user", "content": typed}]}
        answer = site.app.test_client().post(CHAT, json=body, headers=headers[slug]).json
        assert answer is not None
        return typed, answer["choices"][0]["message"]["content"]

    with ThreadPoolExecutor(8) as threads:
        done = list(threads.map(lambda one: ask(*one), people))
    assert all(typed == answered for typed, answered in done)
    tags = {
        match["tag"] for body in site.model_server.bodies for match in SHAPE.finditer(body.decode())
    }
    assert len(tags) == 2


class InnerKnowledge:
    """A search that finds a text of the agency that is not public."""

    def retrieve(self, *_args: Any, **_options: Any) -> list[Passage]:
        sentence, values = SEEDS["en"]
        text = f"Hours: 8 to 12. {sentence.format(*values)}"
        title = f"Note on Mrs {values[0]}"
        facts = ("https://valbourg.example/note", "en", text, 0.9, DataLevel.INTERNAL, "valbourg")
        return [Passage("note", title, *facts)]  # type: ignore[arg-type]


def test_a_text_that_is_not_public_is_masked_for_the_model_and_whole_for_the_reader(
    site: Installation,
) -> None:
    _, values = SEEDS["en"]
    agency = site.services.tenants.get_agency("valbourg")
    desk = agency.find_assistant(DESK)
    assert desk is not None
    inner = desk.model_copy(update={"data_level": DataLevel.INTERNAL})
    registry = site.services.tenants
    agencies = {**registry.agencies, "valbourg": agency.model_copy(update={"assistants": (inner,)})}
    site.replace(tenants=replace(registry, agencies=agencies), knowledge=InnerKnowledge())
    site.model_server.script(Answer(pieces=["Hours: 8 to 12."]))
    question = {"role": "user", "content": "What are the opening hours of the town hall?"}
    answer = send(site, CHAT, {"model": DESK, "messages": [question]})
    assert answer.json is not None
    assert len(site.model_server.bodies) == 1
    require_none(site.model_server.bodies[0].decode())
    source = answer.json["parvis"]["sources"][0]
    assert values[0] in source["title"]
    assert all(value in source["text"] for value in values)
