"""The life of one chat: decide, record, mask, find, decide again, ask, restore, record.

No database session is open while a model answers. Whatever happens after the door, exactly one
ending reaches the agency's log; when the log cannot be written nothing is asked or answered.
"""

import logging
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from parvis.assistant.choices import Choices
from parvis.assistant.decisions import require_allowed
from parvis.assistant.envelopes import after_masking, build_envelope
from parvis.assistant.events import Cancellation, Event, Finished, Started
from parvis.assistant.hiding import check_masked
from parvis.assistant.prompts import Prompt, build_prompt
from parvis.assistant.records import ChatRecord
from parvis.assistant.restoring import Restorer
from parvis.assistant.texts import find_renamed
from parvis.compliance.notices import build_notice
from parvis.domain import Channel, ChatTurn, ModelPiece, Passage, Principal, Usage
from parvis.errors import (
    AuditUnavailable,
    ContextTooLong,
    InternalError,
    ModelNotFound,
    ParvisError,
    UnsupportedParameter,
)
from parvis.identity.permissions import find_channels
from parvis.inference import Call, ModelEntry, ModelStream, check_grounded, quote_answer
from parvis.inference.router import check_capabilities
from parvis.policy.engine import Decision, decide
from parvis.services import Services
from parvis.tenancy.config import Agency, Assistant

log = logging.getLogger(__name__)

QUOTE = "quote"
# no model writes fewer tokens than this for so much text: more is refused before it is masked
_MOST_CHARS_PER_TOKEN = 10

_Pieces = ModelStream | Iterator[ModelPiece]


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is settled when the model is asked."""

    assistant: Assistant
    model: ModelEntry
    prompt: Prompt
    decision: Decision
    # with the values back in what is not public: as the reader may see them
    sources: tuple[Passage, ...]
    # a tool's name as the model knows it, and as the client does
    names: Mapping[str, str]

    def build_restorer(self) -> Restorer:
        """A fresh one, for one text of the answer."""
        return self.prompt.hidden.build_restorer(self.prompt.language)


def answer(
    services: Services,
    principal: Principal,
    agency: Agency,
    turn: ChatTurn,
    cancellation: Cancellation | None = None,
) -> Iterator[Event]:
    """One `Started`, then deltas, then one `Finished`; or a ParvisError, before or between.

    Close the iterator, or cancel, to stop: the model's work ends, the chat is on record as aborted.
    """
    assistant = _get_assistant(services, principal, agency, turn)
    settings = services.settings
    record = ChatRecord(services, principal, assistant, turn, wait_s=settings.audit_wait_s)
    run = _Run(services, principal, agency, turn, cancellation or Cancellation(), record)
    run.decide_unread(assistant)
    try:
        record.begin()
        yield from run.answer(assistant)
    except GeneratorExit:
        run.abort()
        raise
    except AuditUnavailable:
        # no record, no answer; the log ends an intent without an ending as chat.unknown
        raise
    except ParvisError as error:
        error.receipt = run.fail(error)
        raise
    except Exception:
        log.exception("chat.failed", extra={"request": turn.request_id})
        unexpected = InternalError()
        unexpected.receipt = run.fail(unexpected)
        raise unexpected from None


def _get_assistant(
    services: Services, principal: Principal, agency: Agency, turn: ChatTurn
) -> Assistant:
    found = services.tenants.find_assistant(agency.slug, turn.assistant_id)
    open_to_them = find_channels(principal) & set(found.channels) if found else frozenset()
    if turn.channel is Channel.PORTAL:
        open_to_them &= {Channel.PORTAL}
    if found is None or not open_to_them:
        raise ModelNotFound(param="model")
    return found


class _Run:
    """The chat while it runs: what has been said so far, and who counts it."""

    def __init__(
        self,
        services: Services,
        principal: Principal,
        agency: Agency,
        turn: ChatTurn,
        cancellation: Cancellation,
        record: ChatRecord,
    ) -> None:
        self._services = services
        self._principal = principal
        self._agency = agency
        self._turn = turn
        self.cancellation = cancellation
        self._record = record
        self._rules = services.rules[agency.slug]
        self._envelope: dict[str, Any] = {}
        self._choices: Choices | None = None
        self._usage = Usage()

    def decide_unread(self, assistant: Assistant) -> None:
        """Decide on what is known before a word is read. Raises PolicyRefused, recorded."""
        model = self._services.models.models[assistant.choose_model(None)]
        self._envelope = build_envelope(self._principal, self._agency, assistant, model, self._turn)
        require_allowed(self._record, decide(self._rules, self._envelope))

    def answer(self, assistant: Assistant) -> Iterator[Event]:
        """Everything from masking to the durable result."""
        plan = self._prepare(assistant)
        receipt = self._record.require_intent()
        pieces = self._open(plan)
        shown = self._choices = Choices(plan.build_restorer, plan.names)
        try:
            if isinstance(pieces, ModelStream):
                self.cancellation.on_cancel(pieces.close)
            yield self._started(plan, receipt)
            for piece in self._checked(plan, pieces):
                self._record.note_first_piece()
                self._usage = piece.usage or self._usage
                yield from shown.show(piece)
            yield from shown.show_rest()
        finally:
            self._record.note_tools(shown.asked)
            if isinstance(pieces, ModelStream):
                self._usage = pieces.usage
                pieces.close()
        if self.cancellation.is_set:
            self.abort()
            return
        reasons = shown.finish_reasons
        receipt = self._record.finish(",".join(reasons), self._usage, self._text)
        yield Finished(reasons, self._usage, receipt)

    def abort(self) -> None:
        """Nobody waits any more: what came is recorded."""
        try:
            self._record.abort(self._usage, self._text)
        except AuditUnavailable:
            # nobody is left to tell; the log closes the intent as chat.unknown
            log.error("chat.abort_not_recorded", extra={"request": self._turn.request_id})

    def fail(self, error: ParvisError) -> str:
        """Record the failure (a refusal is on record already, a hang-up is none); the receipt.

        Raises AuditUnavailable, which then is the answer.
        """
        if self.cancellation.is_set:
            self.abort()
            return self._record.receipt
        return self._record.fail(error, self._usage, self._text)

    @property
    def _text(self) -> str:
        return self._choices.said if self._choices else ""

    def _prepare(self, assistant: Assistant) -> _Plan:
        turn, services = self._turn, self._services
        _check_length(turn, [services.models.models[name] for name in assistant.models_for("chat")])
        prompt = build_prompt(services, self._principal, self._agency, assistant, turn)
        self._record.note_language(prompt.language)
        model = services.inference.choose(
            [assistant.choose_model(prompt.language), assistant.choose_model(None)]
        )
        self._record.note_model(asked=model.name, provider=model.server or "builtin")
        check_capabilities(model, turn.options)
        _check_choices(assistant, model, turn)
        hidden = prompt.hidden
        self._record.note_privacy(hidden)
        self._record.note_documents(sorted({passage.source_id for passage in prompt.passages}))
        self._record.note_prompt(prompt.model_saw_json)
        final = decide(
            self._rules,
            after_masking(
                self._envelope,
                model=model,
                counts=hidden.counts,
                masked=hidden.is_masked,
                passages=prompt.passages,
            ),
        )
        restorer = hidden.build_restorer(prompt.language)
        return _Plan(
            assistant,
            model,
            prompt,
            require_allowed(self._record, check_masked(final, hidden)),
            tuple(
                replace(one, title=restorer.restore(one.title), text=restorer.restore(one.text))
                for one in prompt.passages
            ),
            find_renamed(turn.messages, turn.options, prompt.messages, prompt.options),
        )

    def _open(self, plan: _Plan) -> _Pieces:
        nothing_found = plan.assistant.sources and not plan.prompt.passages
        if plan.model.builtin or (plan.model.verify_numbers and nothing_found):
            # a model that is known to invent is not asked about what the sources do not say
            self._record.note_model(answered=plan.model.builtin or QUOTE)
            return self._quote(plan)
        payload = {**plan.prompt.options, "messages": list(plan.prompt.messages)}
        call = Call()
        self.cancellation.on_cancel(call.stop)
        stream = self._services.inference.stream(plan.model, self._agency.slug, payload, call)
        self._record.note_model(
            answered=plan.model.name, response=stream.response_id, digest=plan.model.digest
        )
        return stream

    def _quote(self, plan: _Plan) -> Iterator[ModelPiece]:
        office, prompt = self._agency.contact, plan.prompt
        contact = f"{office.office[prompt.language]}, {office.phone}"
        return quote_answer(prompt.question, prompt.passages, prompt.language, contact)

    def _started(self, plan: _Plan, receipt: str) -> Started:
        contact = self._agency.contact
        notice = build_notice(
            plan.prompt.language,
            agency=self._agency.name[plan.prompt.language],
            contact=f"{contact.phone}, {contact.email}",
        )
        return Started(
            receipt=receipt,
            notice=notice if "notice" in plan.decision.duties else "",
            sources=plan.sources,
            pii_counts=plan.prompt.hidden.hidden_counts,
            model=plan.model.name,
            language=plan.prompt.language,
            model_saw_json=plan.prompt.model_saw_json,
            ai_generated="mark" in plan.decision.duties,
            pii_kept=plan.prompt.hidden.kept,
            pii_action=plan.prompt.hidden.header,
        )

    def _checked(self, plan: _Plan, pieces: _Pieces) -> Iterator[ModelPiece]:
        """The pieces as they come; of a model that is known to invent, after a look at all."""
        if not (plan.model.verify_numbers and plan.prompt.passages):
            yield from pieces
            return
        # reasoning is dropped: nothing checks it
        collected = [piece for piece in pieces if not piece.reasoning]
        text = plan.build_restorer().restore("".join(piece.text for piece in collected))
        if check_grounded(text, plan.sources, plan.prompt.typed_question):
            yield from collected
            return
        log.info("chat.ungrounded", extra={"model": plan.model.name})
        self._record.note_model(answered=QUOTE)
        usage = next((piece.usage for piece in reversed(collected) if piece.usage), None)
        yield from self._quote(plan)
        if usage:
            yield ModelPiece(usage=usage)


def _check_length(turn: ChatTurn, models: Collection[ModelEntry]) -> None:
    """Raise ContextTooLong for what none of the models could read: masking it would be in vain."""
    if any(model.builtin for model in models):
        return
    length = sum(len(str(message.get("content") or "")) for message in turn.messages)
    if length > max(model.context for model in models) * _MOST_CHARS_PER_TOKEN:
        raise ContextTooLong


def _check_choices(assistant: Assistant, model: ModelEntry, turn: ChatTurn) -> None:
    """Raise UnsupportedParameter where several answers would be held against one quotation."""
    if turn.options.get("n", 1) > 1 and model.verify_numbers and assistant.sources:
        raise UnsupportedParameter(
            "n: this assistant checks its answer against its sources and gives only 1.", param="n"
        )
