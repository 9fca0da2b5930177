"""Personal data hidden from a model, for every door: one function, by the assistant's profile.

Whatever goes to a model (chat, embeddings, passages to order) goes through `hide` first. How values
are found and replaced lives in `parvis.privacy`; what is put back into an answer in `restoring.py`.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal

from parvis.assistant.restoring import Restorer
from parvis.conversations.vault import Vault
from parvis.domain import Channel, Language, NumberedValue, Principal
from parvis.errors import Conflict, PersonalDataRefused, PrivacyUnavailable
from parvis.keystore import derive_key
from parvis.policy.engine import Decision
from parvis.privacy import Label, Masked
from parvis.privacy.generalise import READABLE, tell_fact
from parvis.privacy.neutral import tell_neutrally
from parvis.privacy.placeholders import SHAPE
from parvis.services import Services
from parvis.tenancy.config import Agency, Assistant, Hiding

Action = Literal["none", "masked", "generalised", "blocked", "passed"]

# no purpose of an administration needs these in a model
_NEVER_PASS = frozenset({Label.SECRET, Label.CREDIT_CARD, Label.LITERAL})
_MOST_TRIES = 20
# a town alone tells of nobody: P-15 does not ask for a written need
COARSE = frozenset({Label.LOCATION})


@dataclass(frozen=True, slots=True)
class Scope:
    """Which conversation the texts belong to: one conversation has one set of placeholders.

    `start` is what tells it from the caller's others: the beginning of its history, never an id
    that a client sent. `conversation` is the portal's own id.
    """

    principal: Principal
    channel: Channel
    start: str
    conversation: str | None = None


@dataclass(frozen=True, slots=True)
class Hidden:
    """What may go to a model, and what brings it back.

    `texts` in the order given. `counts` says how many different values of each kind were found,
    `kept` how many of them stay readable. `mapping` (placeholder to value) is personal data: MUST
    NOT be logged or audited. `lost` placeholders are never restored; `facts` are what stands
    beside placeholders.
    """

    texts: tuple[str, ...]
    mapping: Mapping[str, str]
    counts: Mapping[str, int]
    kept: Mapping[str, int]
    action: Action
    profile: str
    detector: str
    lost: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_masked(self) -> bool:
        """Whether nothing goes on in clear that needs a written reason (rule P-15)."""
        return not any(Label(kind) not in COARSE for kind in self.kept)

    @property
    def hidden_counts(self) -> dict[str, int]:
        """How many different values of each kind do not reach the model."""
        left = {kind: count - self.kept.get(kind, 0) for kind, count in self.counts.items()}
        return {kind: count for kind, count in left.items() if count}

    @property
    def header(self) -> str:
        """The words of `x-pii-action`: what was done, and counts by kind, never values."""
        return tell_action(
            self.action, self.kept if self.action == "passed" else self.hidden_counts
        )

    def build_restorer(self, language: Language) -> Restorer:
        """What puts the values, or neutral words in `language`, into one answer."""
        return Restorer({**self.mapping, **tell_neutrally(self.lost, language)}, self.facts)


def hide(
    services: Services,
    agency: Agency,
    assistant: Assistant,
    texts: Sequence[str],
    scope: Scope,
    *,
    own: Sequence[str] = (),
) -> Hidden:
    """The texts as a model of this assistant may read them, then the agency's `own`.

    Raises PersonalDataRefused (profile `block`; what is the agency's own is masked then, for the
    person who asks did not write it) and PrivacyUnavailable: nothing may be sent then.
    """
    hiding = agency.get_hiding(assistant)
    if own and hiding.profile == "block":
        hide(services, agency, assistant, texts, scope)
        hiding = hiding.model_copy(update={"profile": "mask"})
    tag_key = _tag_key(services, scope)

    def mask(numbered: Sequence[NumberedValue]) -> Masked:
        return services.privacy.mask(
            [*texts, *own], tag_key=tag_key, allow=agency.privacy.allow, numbered=numbered
        )

    if scope.conversation is None:
        return apply_profile(hiding, mask(()))
    return hide_with_vault(services.vault, scope.principal, scope.conversation, hiding, mask)


def hide_with_vault(
    vault: Vault,
    principal: Principal,
    conversation_id: str,
    hiding: Hiding,
    mask: Callable[[Sequence[NumberedValue]], Masked],
) -> Hidden:
    """What `mask` and the profile make of the texts, numbered as the conversation's vault says.

    What is new is kept there before anything is sent. Where another worker was faster the texts
    are masked anew with what it found, so that no placeholder ever stands for two values.
    """
    for _ in range(_MOST_TRIES):
        seen = vault.load(principal, conversation_id)
        masked = mask(seen.values)
        hidden = apply_profile(hiding, masked)
        readable = _find_readable(hiding)
        known = frozenset(seen.values)
        new = [
            one
            for one in masked.numbering
            if one not in known and _label(one.label) not in readable
        ]
        if not new:
            return hidden
        try:
            vault.add(principal, conversation_id, seen, new)
        except Conflict:
            continue
        return hidden
    raise PrivacyUnavailable("Too much happens in this conversation at once. Try again.")


def apply_profile(hiding: Hiding, masked: Masked) -> Hidden:
    """What the profile makes of masked texts. Raises PersonalDataRefused, PrivacyUnavailable."""
    readable = _find_readable(hiding)
    kept = {kind: n for kind, n in masked.counts.items() if _label(kind) in readable}
    refused = {kind: n for kind, n in masked.counts.items() if kind not in kept}
    if hiding.profile == "block" and refused:
        raise PersonalDataRefused(refused, detector=masked.detector)
    mapping = {
        placeholder: value
        for placeholder, value in masked.mapping.items()
        if _kind_of(placeholder) not in readable
    }
    facts = _find_facts(mapping) if hiding.profile == "generalise" else {}
    texts = tuple(_rewrite(text, masked.mapping, mapping, facts) for text in masked.texts)
    lost: tuple[str, ...] = ()
    if hiding.profile == "mask-only":
        lost = tuple(one for one in mapping if _kind_of(one) is not Label.LITERAL)
        mapping = {one: value for one, value in mapping.items() if one not in lost}
    return Hidden(
        texts=texts,
        mapping=mapping,
        counts=masked.counts,
        kept=kept,
        action=_name_action(hiding, kept, refused),
        profile=hiding.profile,
        detector=masked.detector,
        lost=lost,
        facts=facts,
    )


def check_masked(decision: Decision, hidden: Hidden) -> Decision:
    """The decision, refused where a rule wants masking and something goes on in clear.

    P-15a says so of the platform's own rule; an agency's rule may want masking in other cases.
    """
    if not decision.allowed or "mask" not in decision.duties or hidden.is_masked:
        return decision
    reason = "a rule wants personal data masked, and this assistant's profile lets it pass"
    return replace(decision, allowed=False, reason=reason)


def tell_action(action: str, counts: Mapping[str, int]) -> str:
    """The words of the header `x-pii-action`."""
    told = " ".join(f"{kind}={count}" for kind, count in sorted(counts.items()))
    return f"{action}; {told}" if told and action != "none" else action


def _find_readable(hiding: Hiding) -> frozenset[Label]:
    """The kinds that stay readable; a kind that does not exist stops the request."""
    if hiding.profile == "pass":
        return frozenset(Label) - _NEVER_PASS - {_label(kind) for kind in hiding.hide}
    kept = frozenset(_label(kind) for kind in hiding.keep)
    return kept | READABLE if hiding.profile == "generalise" else kept


def _label(kind: str) -> Label:
    try:
        return Label(kind)
    except ValueError as error:
        raise PrivacyUnavailable("A kind of personal data is not known here.") from error


def _kind_of(placeholder: str) -> Label:
    match = SHAPE.fullmatch(placeholder)
    if match is None:
        raise PrivacyUnavailable("A placeholder cannot be read.")
    return _label(match["kind"])


def _name_action(hiding: Hiding, kept: Mapping[str, int], refused: Mapping[str, int]) -> Action:
    if any(Label(kind) not in COARSE for kind in kept):
        return "passed"
    if not refused:
        return "none"
    return "generalised" if hiding.profile == "generalise" else "masked"


def _find_facts(mapping: Mapping[str, str]) -> dict[str, str]:
    today = datetime.now(UTC).date()
    told = {one: tell_fact(_kind_of(one), value, today) for one, value in mapping.items()}
    return {one: f" ({fact})" for one, fact in told.items() if fact}


def _rewrite(
    text: str, known: Mapping[str, str], hidden: Mapping[str, str], facts: Mapping[str, str]
) -> str:
    """Values of kinds that stay readable put back, and each fact where its value comes first."""
    told: set[str] = set()

    def put(match: re.Match[str]) -> str:
        placeholder = match.group()
        if placeholder not in hidden:
            return known.get(placeholder, placeholder)
        if placeholder in told:
            return placeholder
        told.add(placeholder)
        return placeholder + facts.get(placeholder, "")

    return SHAPE.sub(put, text)


def _tag_key(services: Services, scope: Scope) -> bytes:
    """The same for every request of one conversation, so that placeholders stay the same."""
    principal = scope.principal
    tenant_key = derive_key(services.root_key, "placeholders", principal.tenant_id)
    start = scope.conversation or scope.start
    context = f"{principal.client_id}\0{principal.subject}\0{scope.channel}\0{start}"
    return hmac.new(tenant_key, context.encode(), hashlib.sha256).digest()
