"""`/v1`: the OpenAI-compatible API. `model` names an assistant of the caller's agency."""

from typing import Any

from flask import Blueprint, g, request
from flask.typing import ResponseReturnValue

from parvis.errors import ModelNotFound, UnsupportedMediaType
from parvis.identity.permissions import find_channels
from parvis.tenancy.config import Agency, Assistant
from parvis.web.answers import json_response
from parvis.web.current import get_services
from parvis.web.guards import get_principal
from parvis.web.v1.chat import ChatAnswer
from parvis.web.v1.chat_request import build_turn, parse_chat_request
from parvis.web.v1.exchange import open_exchange
from parvis.web.v1.responses import ResponsesAnswer
from parvis.web.v1.responses_request import build_responses_turn, parse_responses_request
from parvis.web.v1.vectors import answer_embeddings, answer_rerank

blueprint = Blueprint("api", __name__, url_prefix="/v1")
# Cohere's clients know the same request under this address too
second_blueprint = Blueprint("api-v2", __name__, url_prefix="/v2")


@blueprint.get("/models")
def list_models() -> ResponseReturnValue:
    """The assistants that the caller may use."""
    return json_response({"object": "list", "data": [_model_object(one) for one in _usable()]})


@blueprint.get("/models/<model_id>")
def get_model(model_id: str) -> ResponseReturnValue:
    """One of them; anything else is 404, whether it exists elsewhere or not."""
    found = next((one for one in _usable() if one.id == model_id), None)
    if found is None:
        raise ModelNotFound(param="model")
    return json_response(_model_object(found))


@blueprint.post("/chat/completions")
def create_chat_completion() -> ResponseReturnValue:
    """One answer, or several, streamed or whole."""
    wanted = parse_chat_request(_read_json(), get_services().settings)
    exchange = open_exchange(build_turn(wanted, request_id=g.request_id))
    answer = ChatAnswer(wanted, exchange)
    return answer.stream() if wanted.stream else answer.whole()


@blueprint.post("/responses")
def create_response() -> ResponseReturnValue:
    """The same in the form of the responses API; nothing is kept of it."""
    wanted = parse_responses_request(_read_json(), get_services().settings)
    exchange = open_exchange(build_responses_turn(wanted, request_id=g.request_id))
    answer = ResponsesAnswer(wanted, exchange)
    return answer.stream() if wanted.stream else answer.whole()


@blueprint.post("/embeddings")
def create_embeddings() -> ResponseReturnValue:
    """A vector for each text."""
    return answer_embeddings(_read_json(), get_services().settings)


@blueprint.post("/rerank")
@second_blueprint.post("/rerank")
def create_rerank() -> ResponseReturnValue:
    """Documents in the order in which they fit a query."""
    return answer_rerank(_read_json(), get_services().settings)


def _read_json() -> bytes:
    if request.mimetype != "application/json":
        raise UnsupportedMediaType
    return request.get_data(cache=False)


def _usable() -> list[Assistant]:
    services, principal = get_services(), get_principal()
    agency: Agency = services.tenants.get_agency(principal.tenant_id)
    channels = find_channels(principal)
    return [one for one in agency.assistants if channels & set(one.channels)]


def _model_object(assistant: Assistant) -> dict[str, Any]:
    tasks = [task for task in ("chat", "embedding", "rerank") if assistant.models_for(task)]
    return {
        "id": assistant.id,
        "object": "model",
        "created": 0,
        "owned_by": get_principal().tenant_id,
        "name": assistant.name["en"],
        "description": assistant.description["en"],
        "data_level": int(assistant.data_level),
        "version": assistant.version,
        "tasks": tasks,
    }
