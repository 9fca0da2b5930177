"""The typed envelope: everything a policy rule may read, and nothing else.

Strict on purpose: no default, no conversion, no unknown key. Whatever does not fit is refused by
P-00 before any rule is asked. `null` means "not known (yet)" and counts against the request, see
`engine.py`. Levels: 0 public, 1 internal, 2 personal or secret by law, 3 restricted, 4 above.

The same assistant is decided on twice: before its messages are read (`data.entities` is null), and
after masking, when the counts are known.
"""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from parvis.domain import Language
from parvis.policy.vocabulary import (
    Action,
    ChannelWord,
    DataCategory,
    DigestCheck,
    Egress,
    GroupBy,
    Modality,
    OutputIntent,
    OutputKind,
    PrincipalKind,
    RequestIntent,
    RoleWord,
    ToolOrigin,
)
from parvis.vocabulary import (
    AiActRole,
    AnnexIII,
    Art9Basis,
    AssistantContext,
    DecisionStage,
    FriaStatus,
    LegalBasis,
    PiiNeed,
    ProcedureLaw,
    PurposeCode,
    Sector,
)


def _as_tuple(value: object) -> object:
    """Sets and lists as a sorted tuple: the order of roles or categories says nothing."""
    if isinstance(value, list | set | frozenset):
        return tuple(sorted(value, key=str))
    return value


def _keep_order(value: object) -> object:
    """A list as a tuple, in its order."""
    return tuple(value) if isinstance(value, list) else value


def _as_dict(value: object) -> object:
    """Any mapping as a dict of its own, so that a later change outside changes nothing here."""
    return dict(value) if isinstance(value, Mapping) else value


_tuple = BeforeValidator(_as_tuple)
_ordered = BeforeValidator(_keep_order)
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=63)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
ToolName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]+$", max_length=64)]
Level = Annotated[int, Field(ge=0, le=4)]
Count = Annotated[int, Field(ge=0)]
EntityKind = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]*$", max_length=40)]
Counts = Annotated[dict[EntityKind, Count], BeforeValidator(_as_dict)]


class Part(BaseModel):
    """Base of every part: strict, frozen, closed, and checked again whenever it is decided on."""

    model_config = ConfigDict(
        strict=True,
        frozen=True,
        extra="forbid",
        revalidate_instances="always",
        hide_input_in_errors=True,
    )


class PrincipalFacts(Part):
    """Who asks, as the verified token or session says."""

    tenant: Slug
    kind: PrincipalKind
    roles: Annotated[tuple[RoleWord, ...], _tuple]
    aal: Annotated[int, Field(ge=1, le=3)] | None = Field(
        description="Assurance of the sign-in, 1 to 3; null: Keycloak did not say."
    )
    trained_until: date | None = Field(description="End of the AI literacy training, if recorded.")
    minor: bool | None = Field(description="Known or declared to be a minor; null: not known.")


class AssistantFacts(Part):
    """What the agency's file says about the assistant."""

    tenant: Slug
    id: Slug
    version: Annotated[int, Field(ge=1)]
    sector: Sector
    context: AssistantContext
    purpose_code: PurposeCode
    procedure_law: ProcedureLaw
    discretion: bool
    high_risk: bool
    annex_iii: AnnexIII
    role: AiActRole
    legal_basis: LegalBasis
    art9_basis: Art9Basis
    pii_need: PiiNeed
    decision_stage: DecisionStage
    fria_status: FriaStatus
    eu_db_id: Name | None
    risk_review_due: date | None
    worker_notice_date: date | None
    retention_days: Count | None = Field(description="Null: no limit set, so nothing may be kept.")
    tools: Annotated[tuple[ToolName, ...], _tuple] = Field(description="Tools it may call.")


class ModelFacts(Part):
    """The model wanted, as the catalogue of models says."""

    id: Slug
    digest: Name | None = Field(description="SHA-256 of the weights, or of the built-in's code.")
    digest_check: DigestCheck
    provenance_ok: bool
    licence: Name | None
    clearance: Level
    lawfulness_check: bool
    watermark_hook: bool
    safeguards: bool = Field(description="Recorded safeguards for images, sound and film.")
    modality: Annotated[tuple[Modality, ...], _tuple]


class DataFacts(Part):
    """What is worked on. `level` null means unknown, which is treated as the highest."""

    tenant: Slug
    level: Level | None
    categories: Annotated[tuple[DataCategory, ...], _tuple] | None
    controllers: Annotated[tuple[Slug, ...], _tuple] = Field(
        description="Who answers for the sources used (GDPR Art. 4(7))."
    )
    entities: Counts | None = Field(
        description="Personal values found, by kind; null before the text was analysed."
    )
    masked: bool = Field(
        description="The text that goes on has placeholders in their place; towns may stand."
    )


class RequestIntentFact(Part):
    """One finding of a content detector: a guess, so it says who guessed and how surely."""

    label: RequestIntent
    score: Annotated[float, Field(ge=0, le=1)]
    detector: Name


class OutputIntentFact(Part):
    """One finding of a content detector on an answer."""

    label: OutputIntent
    score: Annotated[float, Field(ge=0, le=1)]
    detector: Name


class RequestFacts(Part):
    """What is asked, by which door, and whether the person was told that a machine answers."""

    channel: ChannelWord
    language: Language | None
    turn: Annotated[int, Field(ge=1)]
    notice_shown: bool = Field(description="The notice of AI Act Art. 50(1) was shown before.")
    action: Action
    modality: Annotated[tuple[Modality, ...], _tuple]
    tool: ToolName | None
    tool_origin: ToolOrigin = Field(description="Who proposed the tool call; none without one.")
    intents: Annotated[tuple[RequestIntentFact, ...], _ordered]
    subjects_named: bool | None = Field(description="It names people; null before it was read.")
    group_by: GroupBy = Field(description="Grain of a report; none when it is not a report.")
    group_size: Count | None


class OutputFacts(Part):
    """The answer: what it will be (before), what it is (when it is let out)."""

    kind: OutputKind
    modality: Modality
    tokens: Count | None
    intents: Annotated[tuple[OutputIntentFact, ...], _ordered]
    signed: bool = Field(description="Carries signed provenance (exports).")
    labelled: bool = Field(description="Carries the label of AI Act Art. 50(4).")
    editor: Name | None = Field(description="Who holds editorial responsibility, if named.")


class RouteFacts(Part):
    """Where the model runs."""

    egress: Egress
    node: Name
    accredited: bool = Field(description="The installation is accredited for restricted data.")


class OverseerFacts(Part):
    """Whether somebody who may stop it is there (AI Act Art. 14, 26(2))."""

    on_duty: bool
    trained: bool


class Envelope(Part):
    """The whole of what is decided on. `clock` is the date of the decision, in UTC."""

    principal: PrincipalFacts
    assistant: AssistantFacts
    model: ModelFacts
    data: DataFacts
    request: RequestFacts
    output: OutputFacts
    route: RouteFacts
    overseer: OverseerFacts
    clock: date


def revise(envelope: Envelope, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The envelope as plain values with dotted paths changed: `{"data.masked": True}`.

    For the second decision, after masking. Nothing is checked here: `decide` checks, and refuses
    by P-00 what does not fit.
    """
    values = envelope.model_dump()
    for path, value in changes.items():
        *parts, last = path.split(".")
        place = values
        for part in parts:
            place = place.setdefault(part, {})
        place[last] = value
    return values
