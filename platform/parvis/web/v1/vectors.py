"""`/v1/embeddings` and `/v1/rerank`: texts as vectors (OpenAI's form) or in order (Cohere's)."""

import struct
import uuid
from base64 import b64encode
from collections.abc import Generator, Iterator
from contextlib import closing
from typing import Annotated, Any, Literal

from flask import Response, g, request
from pydantic import Field

from parvis.assistant import Cancellation
from parvis.assistant.tasks import Computed, compute
from parvis.domain import Channel, ChatTurn, Task, Usage
from parvis.errors import CallerHungUp, InternalError, InvalidRequest
from parvis.settings import Settings
from parvis.web.answers import json_response
from parvis.web.current import get_services
from parvis.web.guards import get_principal
from parvis.web.streaming import client_is_gone, run_beside
from parvis.web.v1.bodies import Body, parse_json_object, read_body

_MOST_TEXTS = 2048
_MOST_DOCUMENTS = 1000
Text = Annotated[str, Field(min_length=1)]


class EmbeddingsRequest(Body):
    """OpenAI's request for vectors; `user` is kept here."""

    model: str = Field(min_length=1, max_length=128)
    input: Text | Annotated[list[Text], Field(min_length=1, max_length=_MOST_TEXTS)]
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: int | None = Field(None, ge=1, le=65_536)
    user: str | None = None


class Document(Body):
    text: Text


class RerankRequest(Body):
    """Cohere's and Jina's request to put documents in order."""

    model: str = Field(min_length=1, max_length=128)
    query: Text
    documents: list[Text | Document] = Field(min_length=1, max_length=_MOST_DOCUMENTS)
    top_n: int | None = Field(None, ge=1)
    return_documents: bool | None = None


def answer_embeddings(body: bytes, settings: Settings) -> Response:
    """The vectors of a request."""
    _refuse_token_ids(body, settings)
    wanted = read_body(EmbeddingsRequest, body, settings, why_not={})
    texts = [wanted.input] if isinstance(wanted.input, str) else wanted.input
    dimensions = {"dimensions": wanted.dimensions} if wanted.dimensions else {}
    done = _compute(wanted.model, "embedding", texts, dimensions)
    as_text = wanted.encoding_format == "base64"
    data = [
        {
            "object": "embedding",
            "index": index,
            "embedding": _pack(vector) if as_text else list(vector),
        }
        for index, vector in enumerate(done.vectors)
    ]
    told = {"object": "list", "data": data, "model": wanted.model}
    return _respond(done, {**told, "usage": _usage_object(done.usage)})


def answer_rerank(body: bytes, settings: Settings) -> Response:
    """The order of a request's documents, the best first."""
    wanted = read_body(
        RerankRequest,
        body,
        settings,
        why_not={
            "max_tokens_per_doc": "documents are read whole or refused; remove it",
            "max_chunks_per_doc": "documents are read whole or refused; remove it",
            "rank_fields": "documents are texts; remove it",
        },
    )
    texts = [one if isinstance(one, str) else one.text for one in wanted.documents]
    done = _compute(wanted.model, "rerank", [wanted.query, *texts], {})
    order = sorted(range(len(texts)), key=lambda index: (-done.scores[index], index))
    results = []
    for index in order[: wanted.top_n]:
        one: dict[str, Any] = {"index": index, "relevance_score": done.scores[index]}
        if wanted.return_documents:
            one["document"] = {"text": texts[index]}
        results.append(one)
    told = {"id": f"rerank-{uuid.uuid4().hex}", "model": wanted.model, "results": results}
    return _respond(done, {**told, "usage": _usage_object(done.usage)})


def _compute(model: str, task: Task, texts: list[str], options: dict[str, Any]) -> Computed:
    services, principal = get_services(), get_principal()
    turn = ChatTurn(
        assistant_id=model,
        messages=tuple({"role": "user", "content": text} for text in texts),
        channel=Channel.API,
        options=options,
        request_id=g.request_id,
        task=task,
    )
    agency = services.tenants.get_agency(principal.tenant_id)

    def start(cancellation: Cancellation) -> Iterator[Computed]:
        yield compute(services, principal, agency, turn, cancellation)

    done = _await(run_beside(start))
    g.receipt = done.receipt
    return done


def _await(results: Generator[Computed | None]) -> Computed:
    """The result; gives up, and stops the work, when nobody waits any more."""
    with closing(results):
        for done in results:
            if done is not None:
                return done
            if client_is_gone(request.environ):
                raise CallerHungUp
    raise InternalError


def _respond(done: Computed, body: dict[str, Any]) -> Response:
    response = json_response({**body, "parvis": {"receipt": done.receipt}})
    response.headers["x-pii-action"] = done.pii_action
    return response


def _refuse_token_ids(body: bytes, settings: Settings) -> None:
    given = parse_json_object(body, settings.max_json_depth).get("input")
    if isinstance(given, list) and any(isinstance(one, int | list) for one in given):
        raise InvalidRequest(
            "input: expected text: personal data in token ids cannot be found and masked. Send the "
            "text itself (LangChain: `check_embedding_ctx_length=False`).",
            param="input",
        )


def _pack(vector: tuple[float, ...]) -> str:
    """Little-endian float32, as the SDKs unpack it."""
    return b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode("ascii")


def _usage_object(usage: Usage) -> dict[str, int]:
    return {"prompt_tokens": usage.prompt_tokens, "total_tokens": usage.prompt_tokens}
