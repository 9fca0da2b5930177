"""`/v1/embeddings` and `/v1/rerank`: masked input, stable pseudonyms, one record each."""

import json
import math
import struct
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from werkzeug.test import TestResponse

from parvis.audit import parse_receipt
from parvis.errors import PrivacyUnavailable
from tests.fakes.installation import Installation
from tests.fakes.model_server import BUSY, Answer

DESK = "valbourg-guichet"
TEXT = "Letter of Marie Dupont, marie.dupont@example.org, IBAN LU28 0019 4006 4475 0000."


def embed(gateway: Installation, given: Any = TEXT, **fields: Any) -> TestResponse:
    body = {"model": DESK, "input": given, **fields}
    return gateway.client.post("/v1/embeddings", json=body, headers=gateway.headers())


def rerank(
    gateway: Installation, documents: Any, path: str = "/v1/rerank", **fields: Any
) -> TestResponse:
    body = {"model": DESK, "query": "identity card", "documents": documents, **fields}
    return gateway.client.post(path, json=body, headers=gateway.headers())


@pytest.fixture
def served(gateway: Installation) -> Iterator[Installation]:
    """The same gateway with vectors and rankings from the model server."""
    catalogue = gateway.services.models
    changed = dict(catalogue.models)
    for name in ("encoder", "encoder-rerank"):
        changed[name] = replace(changed[name], builtin=None, server="demo", served_name="vectors")
    gateway.replace(models=replace(catalogue, models=changed))
    gateway.services.inference._models = changed
    yield gateway


def test_the_encoder_gives_vectors_of_meaning(gateway: Installation) -> None:
    texts = ["How much is an identity card?", "Was kostet ein Personalausweis?", "I like jazz."]
    body = embed(gateway, texts).json
    assert body is not None
    assert [one["index"] for one in body["data"]] == [0, 1, 2]
    card, ausweis, jazz = (one["embedding"] for one in body["data"])
    assert len(card) == 512
    assert math.isclose(sum(value * value for value in card), 1, rel_tol=1e-5)
    assert sum(map(math.prod, zip(card, ausweis, strict=True))) > 0.5
    assert sum(map(math.prod, zip(card, jazz, strict=True))) < 0.3
    assert body["usage"]["total_tokens"] > 0
    assert body["model"] == DESK


def test_base64_holds_the_same_numbers(gateway: Installation) -> None:
    floats, packed = embed(gateway).json, embed(gateway, encoding_format="base64").json
    assert floats is not None and packed is not None
    raw = b64decode(packed["data"][0]["embedding"])
    assert list(struct.unpack("<512f", raw)) == pytest.approx(floats["data"][0]["embedding"])


def test_a_value_gets_one_pseudonym_whenever_and_however_it_is_written(
    served: Installation,
) -> None:
    embed(served, [TEXT, "An empty street."])
    embed(served, "MARIE DUPONT asks for her file.")
    first, second = (one["input"] for one in served.model_server.requests)
    assert not [value for value in ("Marie", "dupont@", "LU28") if value in json.dumps(first)]
    assert first[1] == "An empty street."
    pseudonym = second[0].split(" asks")[0]
    assert pseudonym.startswith("[PERSON_")
    assert first[0].startswith(f"Letter of {pseudonym},")


def test_another_agency_and_another_assistant_have_other_pseudonyms(served: Installation) -> None:
    agency = served.services.tenants.get_agency("valbourg")
    found = agency.find_assistant(DESK)
    assert found is not None
    twin = found.model_copy(update={"id": "valbourg-twin"})
    other = served.services.tenants.get_agency("habitat")
    theirs = found.model_copy(update={"id": "habitat-twin", "sources": ()})
    registry = served.services.tenants
    agencies = {
        **registry.agencies,
        "valbourg": agency.model_copy(update={"assistants": (*agency.assistants, twin)}),
        "habitat": other.model_copy(update={"assistants": (*other.assistants, theirs)}),
    }
    served.replace(tenants=replace(registry, agencies=agencies))
    seen = set()
    for owner, model in (("valbourg", DESK), ("valbourg", twin.id), ("habitat", theirs.id)):
        body = {"model": model, "input": "Marie Dupont"}
        response = served.client.post("/v1/embeddings", json=body, headers=served.headers(owner))
        assert response.status_code == 200
        seen.add(served.model_server.requests[-1]["input"][0])
    assert len(seen) == 3


def test_a_request_for_vectors_leaves_an_intent_and_one_ending(gateway: Installation) -> None:
    response = embed(gateway)
    intent, result = gateway.records()[-2:]
    assert (intent["kind"], result["kind"]) == ("task.started", "task.finished")
    assert intent["target"]["task"] == "embedding"
    assert result["re"] == intent["id"]
    assert result["privacy"]["counts"] == {"EMAIL": 1, "IBAN": 1, "PERSON": 1}
    assert "Dupont" not in json.dumps(gateway.records())
    assert response.headers["x-pii-action"] == "masked; EMAIL=1 IBAN=1 PERSON=1"
    assert parse_receipt(response.headers["x-audit-receipt"]).seq == result["seq"]
    assert result["policy"]["decision"] == "allow"
    assert "mark" not in result["policy"]["duties"]


@pytest.mark.parametrize("given", [[1, 2, 3], [[1, 2], [3]], ["text", 5]])
def test_token_ids_are_refused_with_the_reason(gateway: Installation, given: Any) -> None:
    refused = embed(gateway, given)
    assert refused.status_code == 400
    assert refused.json is not None
    assert refused.json["error"]["param"] == "input"
    assert "token ids" in refused.json["error"]["message"]
    assert embed(gateway).status_code == 200


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"given": []}, "input"),
        ({"given": ""}, "input"),
        ({"given": ["a", ""]}, "input[1]"),
        ({"encoding_format": "int8"}, "encoding_format"),
        ({"dimensions": 100}, "dimensions"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_bad_wishes_are_refused_by_name(
    gateway: Installation, fields: dict[str, Any], param: str
) -> None:
    refused = embed(gateway, **fields)
    assert refused.status_code == 400
    assert refused.json is not None
    assert refused.json["error"]["param"] == param
    assert embed(gateway, dimensions=512).status_code == 200


def test_a_text_longer_than_the_encoder_reads_is_refused_not_cut(gateway: Installation) -> None:
    refused = embed(gateway, "word " * 1000)
    assert refused.status_code == 400
    assert refused.json is not None
    assert refused.json["error"]["code"] == "context_length_exceeded"
    assert gateway.records()[-1]["kind"] == "task.failed"


@pytest.mark.parametrize("model", ["valbourg-brut", "habitat-lettres", "encoder", "nothing"])
def test_an_assistant_without_the_task_looks_like_none(gateway: Installation, model: str) -> None:
    refused = embed(gateway, model=model)
    assert refused.status_code == 404
    assert refused.json is not None
    assert refused.json["error"]["code"] == "model_not_found"
    listed = gateway.client.get("/v1/models", headers=gateway.headers()).json
    assert listed is not None
    tasks = {one["id"]: one["tasks"] for one in listed["data"]}
    assert tasks == {DESK: ["chat", "embedding", "rerank"], "valbourg-brut": ["chat"]}


def test_documents_come_back_best_first_and_as_they_were_sent(gateway: Installation) -> None:
    documents = ["A story of Marie Dupont and jazz.", {"text": "What an identity card costs."}]
    response = rerank(gateway, documents, return_documents=True)
    assert response.json is not None
    results = response.json["results"]
    assert [one["index"] for one in results] == [1, 0]
    assert results[0]["relevance_score"] > results[1]["relevance_score"]
    assert results[1]["document"] == {"text": documents[0]}
    assert response.headers["x-pii-action"] == "masked; PERSON=1"
    assert gateway.records()[-1]["target"]["task"] == "rerank"
    top = rerank(gateway, documents, "/v2/rerank", top_n=1).json
    assert top is not None
    assert [one["index"] for one in top["results"]] == [1]
    assert "document" not in top["results"][0]


def test_a_server_ranks_masked_documents(served: Installation) -> None:
    body = rerank(served, ["short", "the longest of them, by Marie Dupont", "in between"]).json
    assert body is not None
    assert [one["index"] for one in body["results"]] == [1, 2, 0]
    sent = served.model_server.requests[0]
    assert sent["model"] == "vectors"
    assert "Dupont" not in json.dumps(sent)
    assert body["usage"]["total_tokens"] == 6


@pytest.mark.parametrize(
    "body",
    [
        {"data": []},
        {"data": [{"index": 1, "embedding": [0.1]}]},
        {"data": [{"index": 0, "embedding": []}]},
        {"data": [{"index": 0, "embedding": ["x"]}]},
        {"surprise": "Marie Dupont"},
    ],
)
def test_a_servers_odd_answer_is_a_failure_and_told_to_nobody(
    served: Installation, body: dict[str, Any]
) -> None:
    served.model_server.script(Answer(body=body), BUSY)
    broken = embed(served)
    assert broken.status_code == 502
    assert "Dupont" not in broken.get_data(as_text=True)
    assert served.records()[-1]["kind"] == "task.failed"
    assert embed(served).status_code == 503
    assert embed(served).status_code == 200


class BrokenPrivacy:
    """Analysers that fail."""

    def mask(self, *_texts: Any, **_options: Any) -> Any:
        raise PrivacyUnavailable


def test_without_masking_no_text_is_turned_into_numbers(served: Installation) -> None:
    working = served.services.privacy
    served.replace(privacy=BrokenPrivacy())
    for refused in (embed(served), rerank(served, ["a"])):
        assert refused.status_code == 503
    assert served.model_server.bodies == []
    served.replace(privacy=working)
    assert embed(served).status_code == 200
