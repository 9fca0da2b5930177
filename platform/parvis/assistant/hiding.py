"""Personal data hidden from a model, for every door: one function, by the assistant's profile.

Whatever goes to a model (chat, embeddings, passages to order) goes through `hide` first. How values
are found and replaced lives in `parvis.privacy`; what is put back into an answer in `restoring.py`.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from parvis.domain import Channel, Principal
from parvis.keystore import derive_key
from parvis.services import Services
from parvis.tenancy.config import Agency, Assistant

Action = Literal["none", "masked", "generalised", "blocked", "passed"]


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

    `texts` in the order given. `mapping` (placeholder to what a reader gets) is personal data: MUST
    NOT be logged or audited. `counts` says how many different values of each kind were found.
    """

    texts: tuple[str, ...]
    mapping: Mapping[str, str]
    counts: Mapping[str, int]
    action: Action
    detector: str


def hide(
    services: Services,
    agency: Agency,
    assistant: Assistant,
    texts: Sequence[str],
    scope: Scope,
) -> Hidden:
    """The texts as a model may read them. Raises PrivacyUnavailable: nothing may be sent then."""
    masked = services.privacy.mask(
        texts, tag_key=_tag_key(services, scope), allow=agency.privacy.allow
    )
    action: Action = "masked" if masked.counts else "none"
    return Hidden(masked.texts, masked.mapping, masked.counts, action, masked.detector)


def _tag_key(services: Services, scope: Scope) -> bytes:
    """The same for every request of one conversation, so that placeholders stay the same."""
    principal = scope.principal
    tenant_key = derive_key(services.root_key, "placeholders", principal.tenant_id)
    start = scope.conversation or scope.start
    context = f"{principal.client_id}\0{principal.subject}\0{scope.channel}\0{start}"
    return hmac.new(tenant_key, context.encode(), hashlib.sha256).digest()
