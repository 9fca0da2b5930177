"""What a chat writes into its agency's audit log: the intent, then exactly one ending.

The intent holds what is known before the text is read; counts, final decision, answering model and
the sealed texts go into the ending. MUST be called for every chat that passed the door.
"""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from parvis.assistant.hiding import Hidden
from parvis.audit.events import Actor, Draft, KeyRef
from parvis.audit.pending import Pending
from parvis.audit.receipts import Receipt
from parvis.domain import ChatTurn, Principal, Usage
from parvis.errors import AuditUnavailable, ParvisError, PersonalDataRefused
from parvis.policy.engine import Decision
from parvis.services import Services
from parvis.tenancy.config import Assistant


class ChatRecord:
    """The trail of one chat; `receipt` is the newest acknowledged record's, "" before the first."""

    def __init__(
        self,
        services: Services,
        principal: Principal,
        assistant: Assistant,
        turn: ChatTurn,
        *,
        wait_s: float,
    ) -> None:
        self.family = "chat" if turn.task == "chat" else "task"
        self._audit = services.audit
        self._metrics = services.metrics
        self._tenant_id = principal.tenant_id
        self._wait_s = wait_s
        self._started = time.monotonic()
        self._intent: Pending[Receipt] | None = None
        self._intent_id: str | None = None
        self.receipt = ""
        self._first_ms: int | None = None
        self._ended = False
        self._actor = Actor.of(principal)
        # a client's account stands for many citizens: each request can be erased alone
        self._seal_key = (
            KeyRef("conversation", turn.conversation) if turn.conversation else KeyRef("request")
        )
        self._http: dict[str, Any] = {"request": turn.request_id}
        self._target: dict[str, Any] = {
            "assistant": assistant.id,
            "version": str(assistant.version),
            "channel": turn.channel.value,
            "conversation": turn.conversation,
            "level": int(assistant.data_level),
        }
        if self.family != "chat":
            self._target["task"] = turn.task
        self._model: dict[str, Any] = {"wanted": list(assistant.models_for(turn.task))}
        self._use: dict[str, Any] = {
            "messages": len(turn.messages),
            "bytes_in": sum(len(str(m.get("content") or "").encode()) for m in turn.messages),
        }
        self._declared_tools = frozenset(assistant.tools)
        self._tools: Counter[str] = Counter()
        self._policy: dict[str, Any] = {}
        self._privacy: dict[str, Any] = {}
        self._sealed: dict[str, bytes] = {}

    def note_decision(self, decision: Decision) -> None:
        """The newest decision of policy; endings carry the last one."""
        self._policy = {
            "digest": decision.digest,
            "decision": "allow" if decision.allowed else "deny",
            "rules": decision.rules,
            "duties": sorted(decision.duties),
            "shadow": decision.shadow,
        }

    def note_privacy(self, hidden: Hidden) -> None:
        """What the profile did: found and left readable by kind, never values."""
        self._privacy = {
            "action": hidden.action,
            "profile": hidden.profile,
            "counts": dict(hidden.counts),
            "kept": dict(hidden.kept),
            "detector": hidden.detector,
        }

    def note_language(self, language: str) -> None:
        """The language of the answer."""
        self._target["language"] = language

    def note_model(self, **facts: Any) -> None:
        """Who was asked and who answered."""
        self._model.update(facts)

    def note_documents(self, ids: list[str]) -> None:
        """The agency's sources that went into the answer."""
        self._target["documents"] = ids

    def note_tools(self, names: Sequence[str]) -> None:
        """What the model asked the client to call; whether it does, nobody here sees.

        A name is a record's word only where the agency's file says it: others are a client's own.
        """
        known = self._declared_tools
        self._tools = Counter(name if name in known else "" for name in names)
        self._use["tools"] = len(names) or None

    def note_prompt(self, model_saw: str) -> None:
        """The masked messages as sent; sealed in the ending."""
        self._sealed["prompt"] = model_saw.encode()

    def note_first_piece(self) -> None:
        """The model has begun to answer."""
        if self._first_ms is None:
            self._first_ms = self._elapsed_ms()

    def begin(self) -> None:
        """Hand over the intent; `require_intent` waits for it."""
        draft = Draft(
            kind=f"{self.family}.started",
            actor=self._actor,
            target=self._target,
            model=self._model,
            use=self._use,
            policy=self._policy,
            http=self._http,
        )
        self._intent_id = draft.id
        with self._counting():
            self._intent = self._audit.submit(self._tenant_id, draft)

    def require_intent(self) -> str:
        """The receipt of the intent, once it is durable. Raises AuditUnavailable: no model call."""
        assert self._intent is not None  # noqa: S101 - begin() comes first
        with self._counting():
            self.receipt = self._audit.wait(self._intent, self._wait_s).text
        return self.receipt

    def finish(self, reason: str, usage: Usage, answer: str) -> str:
        """The answer is complete; the receipt of the result."""
        self._count(usage, answer)
        self._use["finish"] = reason
        return self._end("finished", "success")

    def abort(self, usage: Usage, answer: str) -> None:
        """The caller hung up or pressed stop; nothing when the chat had ended by then."""
        if self._ended:
            return
        self._count(usage, answer)
        self._end("aborted", "aborted", reason="client_closed_request")

    def fail(self, error: ParvisError, usage: Usage, answer: str) -> str:
        """No answer, or not all of it; the receipt of the ending (a refusal is one already)."""
        if self._ended:
            return self.receipt
        self._count(usage, answer)
        self._http |= {"status": error.status, "code": error.code}
        if isinstance(error, PersonalDataRefused):
            self._privacy = {
                "action": "blocked",
                "profile": "block",
                "counts": dict(error.counts),
                "detector": error.detector,
            }
            return self._end("refused", "denied", reason=error.code)
        return self._end("failed", "failed", reason=error.code)

    def refuse(self, decision: Decision, error: ParvisError) -> str:
        """A rule said no; before the intent this is a record of its own."""
        self.note_decision(decision)
        self._http |= {"status": error.status, "code": error.code}
        return self._end("refused", "denied", reason=decision.rules[0])

    def _end(self, word: str, outcome: str, reason: str = "") -> str:
        ending = self._ending(f"{self.family}.{word}", outcome, reason)
        with self._counting():
            asked = [self._audit.submit(self._tenant_id, one) for one in self._list_tools()]
            receipt = self._audit.append(self._tenant_id, ending, timeout_s=self._wait_s)
            for one in asked:
                self._audit.wait(one, self._wait_s)
        self._ended = True
        self.receipt = receipt.text
        self._count_ended(word)
        return self.receipt

    def _list_tools(self) -> Iterator[Draft]:
        """One record for each tool, however often it was asked for; they go before the ending."""
        for name, count in sorted(self._tools.items()):
            yield Draft(
                "tool.called",
                self._actor,
                outcome="unknown",
                target={**self._target, "object": name},
                model=self._model,
                use={"tools": count},
                http=self._http,
            )
        self._tools.clear()

    @contextmanager
    def _counting(self) -> Iterator[None]:
        """Count what the log does not take."""
        try:
            yield
        except AuditUnavailable:
            self._metrics.count_chat(self.family, "unrecorded")
            raise

    def _count_ended(self, word: str) -> None:
        use, first_ms = self._use, self._first_ms
        model = self._model.get("answered") or self._model.get("asked") or "none"
        self._metrics.count_chat(self.family, word)
        self._metrics.observe_chat(model, use["ms"] / 1000, first_ms and first_ms / 1000)
        counts = self._privacy.get("counts", {})
        self._metrics.count_use(use.get("tokens_in", 0), use.get("tokens_out", 0), counts)

    def _ending(self, kind: str, outcome: str, reason: str) -> Draft:
        self._use["ms"] = self._elapsed_ms()
        self._use["first_ms"] = self._first_ms
        return Draft(
            kind=kind,
            phase="result" if self._intent_id else "fact",
            outcome=outcome,
            reason=reason,
            re=self._intent_id,
            actor=self._actor,
            target=self._target,
            model=self._model,
            use=self._use,
            policy=self._policy,
            privacy=self._privacy,
            http=self._http,
            sealed=self._sealed,
            seal_key=self._seal_key,
        )

    def _count(self, usage: Usage, answer: str) -> None:
        self._use |= {
            "tokens_in": usage.prompt_tokens,
            "tokens_out": usage.completion_tokens,
            "tokens_cached": usage.cached_tokens,
            "estimated": usage.estimated,
            "bytes_out": len(answer.encode()),
        }
        if answer:
            self._sealed["answer"] = answer.encode()

    def _elapsed_ms(self) -> int:
        return int((time.monotonic() - self._started) * 1000)
