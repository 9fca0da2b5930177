"""The civil servant's pages: choose an assistant, ask, follow up, and see what the model saw.

Works without script: then a question is a form whose page comes with the whole answer. Who may
come in is decided where the blueprint is registered.
"""

import hashlib
import json
import re
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from flask import Blueprint, Response, g, redirect, request, stream_with_context, url_for
from markupsafe import Markup, escape
from werkzeug.wrappers import Response as AnyResponse

from parvis.conversations.store import Conversation, Turn
from parvis.domain import Channel
from parvis.errors import InvalidRequest, NotFound, ParvisError
from parvis.privacy import Label
from parvis.privacy.placeholders import SHAPE
from parvis.subjects.erase import erase_own_conversation
from parvis.subjects.stores import Stores
from parvis.tenancy.config import Agency, Assistant
from parvis.web import i18n, labels, pages
from parvis.web.current import get_services
from parvis.web.exchange import Exchange, PageEvent, open_exchange
from parvis.web.guards import page_session
from parvis.web.markdown import render_markdown
from parvis.web.privacy_words import TOLD

blueprint = Blueprint("portal", __name__)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def show_home(session: Any) -> Response:
    """The person's first page: assistants to choose from, and conversations to take up again."""
    agency = get_services().tenants.get_agency(session.principal.tenant_id)
    assistants = [one for one in agency.assistants if Channel.PORTAL in one.channels]
    conversations = get_services().conversations.list_conversations(session.principal)
    return pages.render_page(
        "home.html",
        assistants=assistants,
        conversations=conversations,
        levels=labels.LEVELS,
        names={one.id: one.name for one in agency.assistants},
    )


@blueprint.post("/chat")
def start() -> AnyResponse:
    """A new conversation with the chosen assistant."""
    session = page_session()
    agency = _agency()
    assistant = _get_assistant(agency, request.form.get("assistant", ""))
    days = min(agency.retention.conversations_days, assistant.retention_days)
    conversation_id = get_services().conversations.start_conversation(
        session.principal, assistant.id, i18n.words().language, days=days
    )
    return redirect(url_for("portal.show", conversation_id=conversation_id), 303)


@blueprint.get("/chat/<conversation_id>")
def show(conversation_id: str) -> Response:
    """A conversation with its composer."""
    return _conversation_page(_get_conversation(conversation_id))


@blueprint.post("/chat/<conversation_id>/messages")
def ask(conversation_id: str) -> AnyResponse:
    """The answer to a question: as events when the browser asks for them, else as the page."""
    conversation = _get_conversation(conversation_id)
    streams = pages.EVENT_STREAM in request.headers.get("Accept", "")
    try:
        exchange = open_exchange(
            get_services(),
            page_session().principal,
            _agency(),
            conversation,
            send_id=_send_id(),
            question=_question(),
            request_id=g.get("request_id", ""),
        )
        g.receipt = exchange.start().receipt
    except ParvisError as error:
        if streams:
            return pages.render_error(error)
        if error.code == "sent_already":
            return redirect(url_for("portal.show", conversation_id=conversation_id), 303)
        return _conversation_page(_get_conversation(conversation_id), error=error)
    if streams:
        return _stream(exchange)
    for _ in exchange.run():
        pass
    page = url_for("portal.show", conversation_id=conversation_id)
    return redirect(f"{page}#turn-{exchange.turn_id}", 303)


@blueprint.get("/chat/<conversation_id>/turns/<turn_id>/model-saw")
def model_saw(conversation_id: str, turn_id: str) -> Response:
    """What the model was sent for one question, byte for byte, beside one's own words."""
    conversation = _get_conversation(conversation_id)
    turn = next((one for one in conversation.turns if one.id == turn_id), None)
    if turn is None or not turn.model_saw:
        raise NotFound
    messages: list[dict[str, Any]] = json.loads(turn.model_saw)
    asked = [one for one in messages if one.get("role") == "user"]
    return pages.render_page(
        "model_saw.html",
        conversation=conversation,
        turn=turn,
        messages=messages,
        masked_question=asked[-1].get("content", "") if asked else "",
        digest=hashlib.sha256(turn.model_saw.encode()).hexdigest(),
        mark=mark_placeholders,
        all_replaced=not _may_pass(_agency(), conversation.assistant_id),
    )


@blueprint.route("/chat/<conversation_id>/delete", methods=["GET", "POST"])
def delete(conversation_id: str) -> AnyResponse:
    """Ask once, then erase the conversation for good."""
    conversation = _get_conversation(conversation_id)
    if request.method == "GET":
        return pages.render_page("delete.html", conversation=conversation)
    stores = Stores.of(get_services())
    erase_own_conversation(stores, page_session().principal, conversation_id)
    return redirect("/", 303)


def mark_placeholders(text: str) -> Markup:
    """The text, escaped, with what stands for personal data marked."""
    return Markup(  # noqa: S704 - built from escaped text and one fixed tag
        SHAPE.sub(lambda found: f"<mark>{found[0]}</mark>", str(escape(text)))
    )


def _agency() -> Agency:
    return get_services().tenants.get_agency(page_session().principal.tenant_id)


def _get_assistant(agency: Agency, assistant_id: str) -> Assistant:
    found = agency.find_assistant(assistant_id)
    if found is None or Channel.PORTAL not in found.channels:
        raise NotFound("There is no assistant of this name for you.")
    return found


def _get_conversation(conversation_id: str) -> Conversation:
    return get_services().conversations.get_conversation(page_session().principal, conversation_id)


def _question() -> str:
    question = request.form.get("question", "").replace("\r\n", "\n").strip()
    if not question:
        raise InvalidRequest("There is no question.", code="empty_question")
    if _CONTROL.search(question):
        raise InvalidRequest("The text holds control characters.", code="control_characters")
    if len(question) > get_services().settings.max_text_chars:
        raise InvalidRequest("The text is too long.", code="request_too_large")
    return question


def _send_id() -> str:
    try:
        return str(uuid.UUID(request.form.get("send_id", "")))
    except ValueError:
        raise InvalidRequest("The form is not complete.") from None


def _conversation_page(conversation: Conversation, *, error: ParvisError | None = None) -> Response:
    agency = _agency()
    response = pages.render_page(
        "chat.html",
        status=error.status if error else 200,
        conversation=conversation,
        assistant=agency.find_assistant(conversation.assistant_id),
        assistants_open=_is_open(agency, conversation.assistant_id),
        profile_told=TOLD.get(_find_profile(agency, conversation.assistant_id), ""),
        may_pass=_may_pass(agency, conversation.assistant_id),
        turns=[_turn_view(turn) for turn in conversation.turns],
        levels=labels.LEVELS,
        send_id=pages.new_send_id(),
        told=pages.words_of(error) if error else None,
        draft=request.form.get("question", "") if error else "",
        max_chars=get_services().settings.max_text_chars,
    )
    if error and error.retry_after:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _find_profile(agency: Agency, assistant_id: str) -> str:
    found = agency.find_assistant(assistant_id)
    return agency.get_hiding(found).profile if found else ""


def _may_pass(agency: Agency, assistant_id: str) -> bool:
    """Whether something personal may have stayed readable: no page may say there was none."""
    found = agency.find_assistant(assistant_id)
    if found is None:
        return True
    hiding = agency.get_hiding(found)
    return bool(hiding.keep) or hiding.profile in {"pass", "generalise"}


def _is_open(agency: Agency, assistant_id: str) -> bool:
    found = agency.find_assistant(assistant_id)
    return found is not None and Channel.PORTAL in found.channels


def _turn_view(turn: Turn) -> Mapping[str, Any]:
    return {
        "id": turn.id,
        "number": turn.position + 1,
        "question": turn.question,
        "answer": turn.answer,
        "html": Markup(render_markdown(turn.answer)),  # noqa: S704 - sanitised there
        "status": turn.status,
        "sources": turn.sources,
        "receipt": turn.receipt,
        "masked": labels.tell_counts(i18n.words(), _count_masked(turn)),
        "has_model_saw": bool(turn.model_saw),
        "created_at": turn.created_at,
    }


def _count_masked(turn: Turn) -> Mapping[str, int]:
    """Different values of each kind that stand as placeholders in what the model saw."""
    found = {(match["kind"], match["number"]) for match in SHAPE.finditer(turn.model_saw)}
    return Counter(kind for kind, _ in found if kind != Label.LITERAL)


def _stream(exchange: Exchange) -> Response:
    response = Response(
        stream_with_context(_events(exchange)),
        mimetype=pages.EVENT_STREAM,
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )
    response.call_on_close(exchange.close)
    return response


def _events(exchange: Exchange) -> Iterator[str]:
    """Everything as numbered events; the first ones come before the model's first word."""
    number = 0
    for event in _opening(exchange):
        number += 1
        yield event.encode(number)
    for event in exchange.run():
        if event.name == "error":
            told = pages.tell(ParvisError(code=event.data["code"]))
            event = PageEvent("error", told)  # noqa: PLW2901
        number += 1
        yield event.encode(number)


def _opening(exchange: Exchange) -> tuple[PageEvent, ...]:
    started = exchange.started
    assert started is not None  # noqa: S101 - start() came back
    words = i18n.words()
    conversation_sources = [
        {"title": one.title, "url": one.url, "text": one.text, "language": one.language}
        for one in started.sources
    ]
    return (
        PageEvent(
            "status",
            {"turn": exchange.turn_id, "receipt": started.receipt},
        ),
        PageEvent("mask", {"text": labels.tell_counts(words, started.pii_counts)}),
        PageEvent("source", {"sources": conversation_sources}),
    )
