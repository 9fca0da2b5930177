"""The life of a request for vectors, or for texts in order: a chat's, without words in return.

Decide, record, mask, decide again, compute, record. Nothing comes back that was masked, so nothing
is restored.
"""

import logging
from dataclasses import dataclass
from typing import Any

import orjson

from parvis.assistant.decisions import require_allowed
from parvis.assistant.envelopes import after_masking, build_envelope
from parvis.assistant.events import Cancellation
from parvis.assistant.hiding import Hidden, Scope, check_masked, hide
from parvis.assistant.pseudonyms import hide_for_good
from parvis.assistant.records import ChatRecord
from parvis.domain import ChatTurn, Principal, Usage
from parvis.errors import (
    AuditUnavailable,
    CallerHungUp,
    ContextTooLong,
    InternalError,
    ModelNotFound,
    ParvisError,
    UnsupportedParameter,
)
from parvis.identity.permissions import find_channels
from parvis.inference import Call, ModelEntry, Ranking, Vectors
from parvis.inference.chunks import estimate_usage
from parvis.policy.engine import decide
from parvis.services import Services
from parvis.tenancy.config import Agency, Assistant

log = logging.getLogger(__name__)

# no encoder reads fewer tokens than this for so much text: more is refused before it is masked
_CHARS_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Computed:
    """What came of the texts; `receipt` names the result, `pii_action` is the header's words."""

    vectors: tuple[tuple[float, ...], ...]
    scores: tuple[float, ...]
    usage: Usage
    receipt: str
    pii_action: str


def compute(
    services: Services,
    principal: Principal,
    agency: Agency,
    turn: ChatTurn,
    cancellation: Cancellation,
) -> Computed:
    """Vectors, or the relevance of the other texts to the first, as `turn.task` says.

    Raises ParvisError; whatever happened after the door is on record then, and so is a caller who
    went away.
    """
    assistant = _get_assistant(services, principal, agency, turn)
    wait_s = services.settings.audit_wait_s
    record = ChatRecord(services, principal, assistant, turn, wait_s=wait_s)
    work = _Work(services, principal, agency, assistant, turn, record, cancellation)
    work.decide_unread()
    try:
        record.begin()
        return work.do()
    except AuditUnavailable:
        raise
    except ParvisError as found:
        error = CallerHungUp() if cancellation.is_set else found
        error.receipt = record.fail(error, work.usage, "")
        raise error from None
    except Exception:
        log.exception("task.failed", extra={"request": turn.request_id})
        unexpected = InternalError()
        unexpected.receipt = record.fail(unexpected, work.usage, "")
        raise unexpected from None


def _get_assistant(
    services: Services, principal: Principal, agency: Agency, turn: ChatTurn
) -> Assistant:
    found = services.tenants.find_assistant(agency.slug, turn.assistant_id)
    offered = found is not None and found.models_for(turn.task)
    if found is None or not offered or not find_channels(principal) & set(found.channels):
        raise ModelNotFound(param="model")
    return found


class _Work:
    """One task while it is done."""

    def __init__(
        self,
        services: Services,
        principal: Principal,
        agency: Agency,
        assistant: Assistant,
        turn: ChatTurn,
        record: ChatRecord,
        cancellation: Cancellation,
    ) -> None:
        self._services = services
        self._principal = principal
        self._agency = agency
        self._assistant = assistant
        self._turn = turn
        self._record = record
        self._cancellation = cancellation
        self._call = Call()
        cancellation.on_cancel(self._call.stop)
        self._names = assistant.models_for(turn.task)
        self._texts = [str(message["content"]) for message in turn.messages]
        self._envelope: dict[str, Any] = {}
        self.usage = Usage()

    def decide_unread(self) -> None:
        """Decide on what is known before a word is read. Raises PolicyRefused, recorded."""
        model = self._services.models.models[self._names[0]]
        self._envelope = build_envelope(
            self._principal, self._agency, self._assistant, model, self._turn
        )
        require_allowed(self._record, decide(self._rules, self._envelope))

    def do(self) -> Computed:
        """Everything from masking to the durable result."""
        model = self._services.inference.choose(self._names)
        self._record.note_model(asked=model.name, provider=model.server or "builtin")
        self._check_length(model)
        hidden = self._hide()
        self._record.note_privacy(hidden)
        self._record.note_prompt(orjson.dumps(hidden.texts).decode())
        final = after_masking(
            self._envelope,
            model=model,
            counts=hidden.counts,
            masked=hidden.is_masked,
            passages=(),
        )
        require_allowed(self._record, check_masked(decide(self._rules, final), hidden))
        self._record.require_intent()
        vectors, scores = self._ask(model, hidden.texts)
        self._record.note_model(answered=model.name, digest=model.digest)
        receipt = self._record.finish("stop", self.usage, "")
        return Computed(vectors, scores, self.usage, receipt, hidden.header)

    @property
    def _rules(self) -> Any:
        return self._services.rules[self._agency.slug]

    def _hide(self) -> Hidden:
        services, agency, assistant = self._services, self._agency, self._assistant
        if self._turn.task == "embedding":
            return hide_for_good(services, agency, assistant, self._texts)
        # nothing is kept of an order: its placeholders belong to this request
        scope = Scope(self._principal, self._turn.channel, self._turn.request_id)
        return hide(services, agency, assistant, self._texts, scope)

    def _ask(
        self, model: ModelEntry, texts: tuple[str, ...]
    ) -> tuple[tuple[tuple[float, ...], ...], tuple[float, ...]]:
        if self._turn.task == "embedding":
            vectors = self._embed(model, texts)
            self.usage = vectors.usage
            return vectors.vectors, ()
        ranking = self._rank(model, texts)
        self.usage = ranking.usage
        return (), ranking.scores

    def _embed(self, model: ModelEntry, texts: tuple[str, ...]) -> Vectors:
        dimensions = self._turn.options.get("dimensions")
        if model.builtin:
            found = Vectors(
                tuple(self._encode(text) for text in texts), estimate_usage(_length(texts), 0)
            )
        else:
            found = self._services.inference.embed(
                model, self._agency.slug, texts, dimensions, self._call
            )
        if dimensions is not None and len(found.vectors[0]) != dimensions:
            raise UnsupportedParameter(
                f"dimensions: this assistant's vectors have {len(found.vectors[0])} numbers.",
                param="dimensions",
            )
        return found

    def _rank(self, model: ModelEntry, texts: tuple[str, ...]) -> Ranking:
        if not model.builtin:
            query, *documents = texts
            return self._services.inference.rerank(
                model, self._agency.slug, query, documents, self._call
            )
        asked, *others = [self._encode(text) for text in texts]
        scores = tuple(
            sum(one * other for one, other in zip(asked, vector, strict=True)) for vector in others
        )
        return Ranking(scores, estimate_usage(_length(texts), 0))

    def _encode(self, text: str) -> tuple[float, ...]:
        if self._cancellation.is_set:
            raise CallerHungUp
        return tuple(map(float, self._services.knowledge.encode(text)))

    def _check_length(self, model: ModelEntry) -> None:
        most = model.context * _CHARS_PER_TOKEN
        if max(map(len, self._texts)) > most:
            raise ContextTooLong(
                f"A text is longer than this assistant's model reads ({most} characters). Cut it."
            )


def _length(texts: tuple[str, ...]) -> int:
    return sum(map(len, texts))
