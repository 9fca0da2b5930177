"""What a model is sent: the agency's instructions and passages first, then the masked messages."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import orjson

from parvis.assistant.hiding import Hidden, Scope, hide
from parvis.assistant.texts import collect_texts, replace_texts
from parvis.domain import ChatTurn, DataLevel, Language, Passage, Principal
from parvis.language import detect_language
from parvis.privacy.placeholders import SHAPE
from parvis.services import Services
from parvis.tenancy.config import Agency, Assistant

_PASSAGES = 3
_USE_PASSAGES: dict[Language, str] = {
    "fr": "Réponds seulement d'après les passages suivants de l'administration. Si la réponse n'y "
    "est pas, dis-le.",
    "de": "Antworte nur nach den folgenden Auszügen der Behörde. Steht die Antwort nicht darin, "
    "sage es.",
    "lb": "Äntwer nëmme no dësen Auszich vun der Verwaltung. Steet d'Äntwert net dran, so et.",
    "en": "Answer only from the following passages of the administration. If the answer is not in "
    "them, say so.",
}


@dataclass(frozen=True, slots=True)
class Prompt:
    """The request as the model gets it, and what is needed to put the values back.

    `question` is the masked last question, `typed_question` the same as it was typed, with what
    the profile tells of it: all that an answer may know from the person.
    """

    messages: tuple[Mapping[str, Any], ...]
    options: Mapping[str, Any]
    question: str
    typed_question: str
    language: Language
    passages: tuple[Passage, ...]
    hidden: Hidden

    @property
    def model_saw_json(self) -> str:
        """The messages as JSON, byte for byte as they stand in the body that the model gets."""
        return orjson.dumps(self.messages).decode()


def build_prompt(
    services: Services,
    principal: Principal,
    agency: Agency,
    assistant: Assistant,
    turn: ChatTurn,
) -> Prompt:
    """Mask every text of the request, find passages for the masked question, put all in order.

    Raises PrivacyUnavailable: nothing is sent then.
    """
    hidden, texts = _hide(services, principal, agency, assistant, turn)
    messages, options = replace_texts(turn.messages, turn.options, texts)
    question = _last_question(messages)
    language = turn.language or _find_language(messages) or agency.languages[0]
    passages = _find_passages(services, agency, assistant, question, language)
    if any(passage.level > DataLevel.PUBLIC for passage in passages):
        hidden, passages = _hide_passages(services, principal, agency, assistant, turn, passages)
    return Prompt(
        messages=_with_system(_system_text(assistant, passages, language), messages),
        options=options,
        question=question,
        typed_question=_all_told(turn, question, hidden, language),
        language=language,
        passages=passages,
        hidden=hidden,
    )


def _hide(
    services: Services,
    principal: Principal,
    agency: Agency,
    assistant: Assistant,
    turn: ChatTurn,
    further: Sequence[str] = (),
) -> tuple[Hidden, Sequence[str]]:
    texts = collect_texts(turn.messages, turn.options)
    first = next(m for m in turn.messages if m["role"] == "user")
    start = json.dumps(first, sort_keys=True)
    scope = Scope(principal, turn.channel, start, turn.conversation)
    hidden = hide(services, agency, assistant, texts, scope, own=further)
    return hidden, hidden.texts[: len(texts)]


def _find_passages(
    services: Services, agency: Agency, assistant: Assistant, question: str, language: Language
) -> tuple[Passage, ...]:
    today = datetime.now(UTC).date()
    current = [
        source.id
        for source in agency.sources
        if source.id in assistant.sources and source.valid_until >= today
    ]
    if not current:
        return ()
    return tuple(
        services.knowledge.retrieve(
            agency.slug, question, source_ids=current, language=language, limit=_PASSAGES
        )
    )


def _hide_passages(
    services: Services,
    principal: Principal,
    agency: Agency,
    assistant: Assistant,
    turn: ChatTurn,
    passages: tuple[Passage, ...],
) -> tuple[Hidden, tuple[Passage, ...]]:
    """Passages that are not public go masked too; public ones the agency has published itself."""
    inner = [index for index, one in enumerate(passages) if one.level > DataLevel.PUBLIC]
    further = [words for i in inner for words in (passages[i].title, passages[i].text)]
    hidden, texts = _hide(services, principal, agency, assistant, turn, further)
    rest = iter(hidden.texts[len(texts) :])
    shown = {index: (next(rest), next(rest)) for index in inner}
    return hidden, tuple(
        replace(one, title=shown[index][0], text=shown[index][1]) if index in shown else one
        for index, one in enumerate(passages)
    )


def _all_told(turn: ChatTurn, question: str, hidden: Hidden, language: Language) -> str:
    typed = _last_question(turn.messages)
    if not (hidden.facts or hidden.lost):
        return typed
    return "\n".join((typed, question, hidden.build_restorer(language).restore(question)))


def _find_language(messages: Sequence[Mapping[str, Any]]) -> Language | None:
    """The language of the last question, or of all of them; names say nothing about it."""
    asked = [SHAPE.sub(" ", str(m["content"])) for m in messages if m["role"] == "user"]
    return detect_language(asked[-1]) or detect_language("\n".join(reversed(asked)))


def _last_question(messages: Sequence[Mapping[str, Any]]) -> str:
    for message in reversed(messages):
        if message["role"] == "user":
            return str(message["content"])
    return ""


def _system_text(assistant: Assistant, passages: Sequence[Passage], language: Language) -> str:
    parts = [assistant.instructions.strip()]
    if passages:
        parts.append(_USE_PASSAGES[language])
        parts += [f"[{n}] {one.title}\n{one.text}" for n, one in enumerate(passages, start=1)]
    return "\n\n".join(part for part in parts if part)


def _with_system(
    system: str, messages: Sequence[Mapping[str, Any]]
) -> tuple[Mapping[str, Any], ...]:
    """One system message, the agency's words before the client's: many models know only one."""
    theirs = [str(m["content"]) for m in messages if m["role"] == "system"]
    rest = tuple(m for m in messages if m["role"] != "system")
    text = "\n\n".join(part for part in (system, *theirs) if part)
    return ({"role": "system", "content": text}, *rest) if text else rest
