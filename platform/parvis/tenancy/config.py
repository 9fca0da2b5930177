"""What an agency's file may say, as strict types. Nothing here reads a file or knows another.

Every unknown key and every wrong type is refused; what needs a second look (does the source exist,
is the slug taken) lives in `registry.py`.
"""

from datetime import date
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
)

from parvis.domain import RECORDS_FLOOR_DAYS, Channel, DataLevel, Language, Task
from parvis.vocabulary import (
    AiActRole,
    AnnexIII,
    Art9Basis,
    AssistantContext,
    DecisionStage,
    FriaStatus,
    HidingProfile,
    LegalBasis,
    PersonalKind,
    PiiNeed,
    ProcedureLaw,
    PurposeCode,
    Sector,
)

Country = Literal["lu", "fr", "de", "be"]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=63)]
ClientId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=100)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
ToolName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]+$", max_length=64)]
HttpsUrl = Annotated[str, StringConstraints(pattern=r"^https://[^\s/@]+(/\S*)?$", max_length=1000)]
_MOST_WITHOUT_TEXT = 366
_MOST_WITHOUT_LAW = 1096
Email = Annotated[str, StringConstraints(pattern=r"^[^\s@]+@[^\s@]+$", max_length=254)]


class Strict(BaseModel):
    """Base of every part of the file: no unknown key, no silent conversion, no later change."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Texts(Strict):
    """The same words in the four languages of the house; all four are required."""

    fr: Words
    de: Words
    lb: Words
    en: Words

    def __getitem__(self, language: Language) -> str:
        text: str = getattr(self, language)
        return text


class Contact(Strict):
    """How to reach a human at the agency: the way out of every conversation."""

    office: Texts = Field(description="Name of the office.")
    address: Words = Field(description="Postal address.")
    phone: Words = Field(description="Telephone, as people dial it.")
    email: Email = Field(description="E-mail of the office.")
    url: HttpsUrl = Field(description="Its page.")
    hours: Texts = Field(description="When somebody is there.")


class Identity(Strict):
    """Where the agency's people and clients are known: the issuer follows from the realm."""

    realm: Slug = Field(
        description="Keycloak realm; the issuer is PARVIS_KEYCLOAK_URL/realms/REALM."
    )
    organization: Slug | None = Field(
        None, description="Keycloak organization, where several agencies share the realm."
    )
    portal_client: ClientId = Field(
        "parvis-portal", description="Client of the portal (public, code flow with PKCE)."
    )
    chatbot_client: ClientId = Field(
        "parvis-chatbot", description="Client of the agency's chatbot (service account only)."
    )

    @field_validator("realm")
    @classmethod
    def _not_reserved(cls, realm: str) -> str:
        if realm in {"master", "platform"}:
            raise ValueError("this realm belongs to Keycloak's or the platform's administrators")
        return realm


class Hiding(Strict):
    """What is done with personal data before a model reads it."""

    profile: HidingProfile = Field(
        "mask",
        description="`mask` and restore (`default` is the same); `mask-only`: never restored; "
        "`generalise`: coarse facts stand beside, restored; `block`: refused; `pass`: goes in "
        "clear, for a written `pii_need` only.",
    )
    keep: tuple[PersonalKind, ...] = Field(
        (), description="Kinds left readable; any but LOCATION needs a written `pii_need`."
    )
    hide: tuple[PersonalKind, ...] = Field(
        (), description="With `pass` only: kinds masked all the same (SECRET, CREDIT_CARD always)."
    )

    @field_validator("profile")
    @classmethod
    def _known_by_one_name(cls, profile: str) -> str:
        return "mask" if profile == "default" else profile

    @field_validator("keep")
    @classmethod
    def _something_is_hidden(cls, kinds: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if kinds and info.data.get("profile") == "pass":
            raise ValueError("`pass` keeps everything readable; name what to mask in `hide`")
        return kinds

    @field_validator("hide")
    @classmethod
    def _something_passes(cls, kinds: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if kinds and info.data.get("profile") not in {None, "pass"}:
            raise ValueError("only `pass` lets something through that could be hidden here")
        return kinds


class Privacy(Hiding):
    """What personal data protection does for this agency beyond the platform's own rules."""

    allow: tuple[Words, ...] = Field(
        (), description="The agency's own public names and addresses: exact words never masked."
    )


class Retention(Strict):
    """For how many days things are kept; no limit is not a limit."""

    conversations_days: int = Field(ge=1, le=365, description="Conversations in the portal.")
    sealed_days: int = Field(30, ge=1, le=365, description="Sealed texts beside the audit log.")
    audit_days: int = Field(
        365,
        ge=RECORDS_FLOOR_DAYS,
        le=3650,
        description="Audit records: at least 184 (AI Act Art. 26(6)); more than 366 needs "
        "`audit_text`, more than 1096 needs `audit_law`.",
    )
    audit_text: Words | None = Field(
        None, description="The text that asks for more than 12 months, and why."
    )
    audit_law: Words | None = Field(
        None, description="The law that demands more than 36 months, with its article."
    )

    def find_fault(self) -> str | None:
        """What forbids keeping audit records so long, in words, or None.

        Supervisors see twelve months as the usual upper bound for such logs.
        """
        if self.audit_days > _MOST_WITHOUT_LAW and self.audit_law is None:
            return "more than 36 months: `audit_law` must name the law that demands it"
        if self.audit_days > _MOST_WITHOUT_TEXT and not (self.audit_text or self.audit_law):
            return "more than 12 months: `audit_text` must name the text that asks for it"
        return None


class AuditShare(Strict):
    """How much of the disk the agency's audit log may take."""

    disk_mb: int | None = Field(
        None,
        ge=10,
        le=10_000_000,
        description="Megabytes of audit log after which the agency's chats stop (503); nothing: "
        "`PARVIS_AUDIT_AGENCY_GB`.",
    )


class Source(Strict):
    """A text of the agency that an assistant may quote, and who answers for it."""

    id: Slug = Field(description="Name in this file.")
    title: dict[Language, Words] = Field(description="Title; at least in the text's own language.")
    path: str = Field(description="Markdown file below tenants/SLUG/.")
    language: Language = Field(description="The text's language.")
    url: HttpsUrl = Field(description="Where the public finds it.")
    level: DataLevel = Field(
        description="0 public, 1 internal, 2 personal or secret by law, 3 restricted, 4 above."
    )
    controller: Slug = Field(description="Who is responsible for the data in it (GDPR Art. 4(7)).")
    owner: Words = Field(description="Office that keeps it right.")
    licence: Words = Field(description="Licence of the text (SPDX, or `all-rights-reserved`).")
    valid_until: date = Field(description="After this day the owner must look at it again.")
    contact: Email = Field(description="Where to say that it is wrong.")

    @field_validator("path")
    @classmethod
    def _stays_below(cls, path: str) -> str:
        parts = PurePosixPath(path).parts
        if not parts or path.startswith("/") or "\\" in path or ".." in parts:
            raise ValueError("must be a relative path that stays in the agency's folder")
        if not path.endswith(".md"):
            raise ValueError("must name a Markdown file (.md)")
        return path

    @field_validator("title")
    @classmethod
    def _has_words(cls, title: dict[Language, str]) -> dict[Language, str]:
        if not title:
            raise ValueError("needs at least the text's own language")
        return title


class Assistant(Strict):
    """What an agency opens to its clients and people; `id` is what API clients name as `model`."""

    id: Slug = Field(description="What API clients name as `model`; unique over the installation.")
    version: int = Field(
        ge=1, description="Raised with every change of purpose, sources or limits."
    )
    name: Texts = Field(description="As people see it.")
    description: Texts = Field(description="One sentence for the list of assistants.")
    instructions: str = Field(
        max_length=8000, description="What the model is always told first; may be empty."
    )
    channels: tuple[Channel, ...] = Field(
        min_length=1, description="Doors by which it may be asked."
    )
    sources: tuple[Slug, ...] = ()
    models: dict[str, Slug] = Field(
        description="`default`, a language where it differs, `embedding`, `rerank` where offered."
    )
    data_level: DataLevel = Field(
        description="Highest level of data it works on, sources included."
    )
    overseers: tuple[str, ...] = Field((), description="User names of those who oversee it.")
    context: AssistantContext = Field(description="Where it is used (AI Act Art. 5(1)(f), 26(7)).")
    purpose_code: PurposeCode = Field(
        description="What it is for; some words exist only to be refused."
    )
    purpose: Texts = Field(description="The purpose in words (GDPR Art. 5(1)(b)).")
    procedure_law: ProcedureLaw = Field(
        description="Whose law of administrative procedure binds the office."
    )
    discretion: bool = Field(description="The office has room for judgement in such matters.")
    high_risk: bool = Field(description="High-risk in the sense of the AI Act, Article 6.")
    annex_iii: AnnexIII = Field(description="Point of Annex III of the AI Act, or `none`.")
    role: AiActRole = Field(description="The agency's role under the AI Act, Article 3.")
    legal_basis: LegalBasis = Field(description="GDPR Art. 6(1), or `led-8`.")
    art9_basis: Art9Basis = Field(
        description="Ground for special categories (GDPR Art. 9(2)), or `none`."
    )
    pii_need: PiiNeed = Field(
        description="Why identifiers must reach the model; `none`: they need not."
    )
    decision_stage: DecisionStage = Field(
        description="How near its output is to an individual decision (GDPR Art. 22)."
    )
    fria_status: FriaStatus = Field(
        description="Fundamental rights impact assessment (AI Act Art. 27)."
    )
    eu_db_id: str | None = Field(
        None, max_length=100, description="Registration in the EU database (AI Act Art. 49)."
    )
    risk_review_due: date | None = Field(
        None, description="When the risk review is due (AI Act Art. 9)."
    )
    worker_notice_date: date | None = Field(
        None, description="When workers were told (AI Act Art. 26(7))."
    )
    retention_days: int = Field(ge=1, le=365, description="Days that its conversations are kept.")
    tools: tuple[ToolName, ...] = Field((), description="Tools that a client may let it call.")
    privacy: Hiding | None = Field(
        None, description="Takes the place of the agency's `profile`, `keep` and `hide`."
    )

    @field_validator("models")
    @classmethod
    def _has_default(cls, models: dict[str, str]) -> dict[str, str]:
        if "default" not in models:
            raise ValueError("`default` is missing")
        return models

    def models_for(self, task: Task) -> tuple[str, ...]:
        """The names of the models that serve this task, each once; none: it is not offered."""
        if task != "chat":
            return (self.models[task],) if task in self.models else ()
        others = {"embedding", "rerank"}
        return tuple(sorted({name for key, name in self.models.items() if key not in others}))

    def choose_model(self, language: Language | None) -> str:
        """The name of the model that answers in `language`."""
        return self.models.get(language or "default", self.models["default"])


class Agency(Strict):
    """One agency: its file is the only truth about it."""

    slug: Slug = Field(
        description="Name in addresses and logs; the file is SLUG.yaml. Never reused."
    )
    name: Texts = Field(description="As people see it.")
    description: Texts = Field(description="One line under the name.")
    languages: tuple[Language, ...] = Field(min_length=1, description="Offered, first one first.")
    country: Country = Field(description="Country of the agency.")
    sector: Sector = Field(description="What kind of office it is.")
    contact: Contact = Field(description="How to reach a human.")
    identity: Identity = Field(description="Realm and clients in Keycloak.")
    listed: bool = Field(True, description="Shown on the sign-in page's list of agencies.")
    privacy: Privacy = Field(Privacy(), description="Profile of hiding and words never masked.")
    retention: Retention = Field(description="For how many days things are kept.")
    audit: AuditShare = Field(AuditShare(), description="Share of the disk of its audit log.")
    policies: tuple[Slug, ...] = Field((), description="Rule files that tighten the platform's.")
    sources: tuple[Source, ...] = Field((), description="Texts that assistants may quote.")
    assistants: tuple[Assistant, ...] = Field(min_length=1, description="What the agency opens.")

    @field_validator("slug")
    @classmethod
    def _not_reserved(cls, slug: str) -> str:
        if slug == "platform":
            raise ValueError("`platform` names the platform's own log")
        return slug

    def find_assistant(self, assistant_id: str) -> Assistant | None:
        """The assistant of this id, or None."""
        return next((one for one in self.assistants if one.id == assistant_id), None)

    def get_hiding(self, assistant: Assistant) -> Hiding:
        """What is done with personal data in requests to this assistant."""
        return assistant.privacy or self.privacy

    def find_source(self, source_id: str) -> Source | None:
        """The source of this id, or None."""
        return next((one for one in self.sources if one.id == source_id), None)
