"""The envelopes that a chat is decided on: before its messages are read, and after masking."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from parvis.domain import ChatTurn, Passage, Principal, Task
from parvis.inference.models import ModelEntry
from parvis.tenancy.config import Agency, Assistant

_ACTIONS: Mapping[Task, str] = {"chat": "answer", "embedding": "embed", "rerank": "rank"}
_ASSURANCE = {"1": 1, "2": 2, "3": 3}


def build_envelope(
    principal: Principal, agency: Agency, assistant: Assistant, model: ModelEntry, turn: ChatTurn
) -> dict[str, Any]:
    """All that is known before a word of the messages is read. `policy.decide` checks it."""
    return {
        "principal": {
            "tenant": principal.tenant_id,
            "kind": principal.kind,
            "roles": [role.value for role in principal.roles],
            "aal": _ASSURANCE.get(principal.assurance),
            "trained_until": None,
            "minor": None,
        },
        "assistant": _assistant_facts(agency, assistant),
        "model": _model_facts(model),
        "data": {
            "tenant": agency.slug,
            "level": int(assistant.data_level),
            "categories": None,
            "controllers": sorted(
                {source.controller for source in agency.sources if source.id in assistant.sources}
            ),
            "entities": None,
            "masked": False,
        },
        "request": {
            "channel": turn.channel.value,
            "language": turn.language,
            "turn": 1 + sum(message["role"] == "assistant" for message in turn.messages),
            "notice_shown": False,
            "action": _ACTIONS[turn.task],
            "modality": ["text"],
            "tool": None,
            "tool_origin": "none",
            "intents": (),
            "subjects_named": None,
            "group_by": "none",
            "group_size": None,
        },
        "output": {
            "kind": "text" if turn.task == "chat" else "label",
            "modality": "text",
            "tokens": None,
            "intents": (),
            "signed": False,
            "labelled": False,
            "editor": None,
        },
        "route": {
            "egress": "none" if model.builtin else "on-site",
            "node": model.server or "gateway",
            "accredited": False,
        },
        "overseer": {"on_duty": False, "trained": False},
        "clock": datetime.now(UTC).date(),
    }


def after_masking(
    envelope: Mapping[str, Any],
    *,
    model: ModelEntry,
    counts: Mapping[str, int],
    masked: bool,
    passages: Sequence[Passage],
) -> dict[str, Any]:
    """The same, with what masking and retrieval brought: only ever more, never a lower level."""
    data = envelope["data"]
    level = max([data["level"], *(int(passage.level) for passage in passages)])
    return {
        **envelope,
        "model": _model_facts(model),
        "data": {
            **data,
            "level": level,
            "controllers": sorted({passage.controller for passage in passages}),
            "entities": dict(counts),
            "masked": masked,
        },
        "request": {**envelope["request"], "subjects_named": counts.get("PERSON", 0) > 0},
        "route": {
            **envelope["route"],
            "egress": "none" if model.builtin else "on-site",
            "node": model.server or "gateway",
        },
    }


def _model_facts(model: ModelEntry) -> dict[str, Any]:
    return {
        "id": model.name,
        "digest": model.digest,
        # the operator vouches for what the server runs: its weights cannot be hashed from here
        "digest_check": "declared",
        "provenance_ok": model.provenance_ok,
        "licence": model.licence,
        "clearance": int(model.clearance),
        "lawfulness_check": model.lawfulness_check,
        "watermark_hook": model.watermark_hook,
        "safeguards": False,
        "modality": list(model.modality),
    }


def _assistant_facts(agency: Agency, assistant: Assistant) -> dict[str, Any]:
    copied = (
        *(
            "id",
            "version",
            "context",
            "purpose_code",
            "procedure_law",
            "discretion",
            "high_risk",
            "annex_iii",
        ),
        *("role", "legal_basis", "art9_basis", "pii_need", "decision_stage", "fria_status"),
        *("eu_db_id", "risk_review_due", "worker_notice_date", "retention_days"),
    )
    return {
        "tenant": agency.slug,
        "sector": agency.sector,
        **{name: getattr(assistant, name) for name in copied},
        "tools": list(assistant.tools),
    }
