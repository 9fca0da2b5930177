"""Which feeds there are: the file of `PARVIS_FEEDS_FILE`, checked.

A feed takes records of agencies' logs to one receiver. What is sent is made by `ocsf.py` and
`feed_syslog.py`, how it is delivered stands in `feed_sinks.py`, when in `feed_outbox.py`.
"""

import hashlib
import json
import stat
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from parvis.audit.feed_mapping import KINDS, SEVERITIES
from parvis.audit.ocsf import find_severity
from parvis.errors import ConfigurationFaults, Fault
from parvis.settings import is_loopback
from parvis.yaml_files import YamlFile, load_yaml

ALL = "all"
DOCUMENTATION_NUMBER = 32473  # RFC 5612: until the administration names its own
_SECRETS = frozenset({"token_file", "key_file"})

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
Words = Annotated[str, StringConstraints(min_length=1, max_length=255)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class FileTarget(_Part):
    """JSON Lines in a file that is rotated."""

    path: Words = Field(description="The file; relative ones lie beside the feeds file.")
    rotate_mb: float = Field(100.0, gt=0, description="Megabytes after which a new file begins.")
    keep: int = Field(10, ge=1, le=1000, description="Older files kept; the oldest is deleted.")


class Tls(_Part):
    """Whom we believe and, where the receiver asks for it, who we are. Files hold PEM."""

    ca_file: Words | None = Field(
        None, description="Authorities whose certificates are believed; none: the system's."
    )
    certificate_file: Words | None = Field(
        None, description="Our own certificate, for receivers that ask who sends."
    )
    key_file: Words | None = Field(None, description="Its key, where it has a file of its own.")

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.key_file and not self.certificate_file:
            raise ValueError("key_file needs certificate_file")
        return self


class CollectorTarget(Tls):
    """An HTTP collector that answers 2xx once it has taken a batch of JSON Lines."""

    url: Words = Field(description="https://..., or http:// on this machine alone.")
    token_file: Words | None = Field(
        None, description="File with the token of the header `Authorization: Bearer`."
    )

    @field_validator("url")
    @classmethod
    def _is_safe(cls, url: str) -> str:
        parts = urlsplit(url)
        local = parts.scheme == "http" and is_loopback(parts.hostname or "")
        if not parts.hostname or not (parts.scheme == "https" or local):
            raise ValueError("expected https://HOST/..., or http:// on this machine alone")
        if "@" in parts.netloc:
            raise ValueError("a secret in an address is logged by everybody: use token_file")
        return url


class ReceiverTarget(Tls):
    """A syslog receiver over TLS (RFC 5425).

    Syslog has no acknowledgement. `notify`: a batch counts as taken when the receiver answers our
    close_notify, which it can only have read after every line. `end`: also when it only ends the
    connection in order, for receivers that send no close_notify.
    """

    host: Words = Field(description="Name or address, as the certificate says it.")
    port: int = Field(6514, ge=1, le=65535, description="Port.")
    ca_file: Words = Field(description="Authorities whose certificates are believed, no others.")
    confirm: Literal["notify", "end"] = Field(
        "notify", description="What counts as taken: its close_notify, or also an orderly end."
    )


class Feed(_Part):
    """One receiver and what it gets."""

    name: Name = Field(description="Small letters, digits, hyphens; also names its cursor.")
    kind: Literal["ocsf", "syslog"] = Field(description="`ocsf` or `syslog`.")
    agencies: Literal["all"] | Annotated[list[Name], Field(min_length=1)] = Field(
        description="Whose logs: a list of slugs (`platform` is the platform log), or `all`."
    )
    kinds: list[Words] = Field(
        default_factory=lambda: ["*"],
        min_length=1,
        description="Kinds of records, with `*` for any letters.",
    )
    minimum: Literal["informational", "low", "medium", "high", "critical"] = Field(
        "informational", description="Least severity."
    )
    start: Literal["beginning", "now"] = Field(
        "beginning", description="Where a feed that is new to a log begins."
    )
    batch: int = Field(200, ge=1, le=1000, description="Most records in one delivery.")
    file: FileTarget | None = None
    collector: CollectorTarget | None = None
    receiver: ReceiverTarget | None = None
    enterprise: int = Field(
        DOCUMENTATION_NUMBER,
        ge=1,
        lt=2**32,
        description="Your private enterprise number (IANA), for syslog; the default is the one "
        "kept for documentation.",
    )
    facility: int = Field(13, ge=0, le=23, description="Syslog facility; 13 is log audit.")

    @field_validator("kinds")
    @classmethod
    def _are_kinds(cls, patterns: list[str]) -> list[str]:
        for pattern in patterns:
            if not any(fnmatchcase(kind, pattern) for kind in KINDS):
                raise ValueError("one of these fits no kind of record: see the reference")
        return patterns

    @model_validator(mode="after")
    def _has_one_target(self) -> Self:
        if self.kind == "syslog" and (not self.receiver or self.file or self.collector):
            raise ValueError("a feed of kind syslog names a `receiver`, and nothing else")
        if self.kind == "ocsf" and (self.receiver or bool(self.file) == bool(self.collector)):
            raise ValueError("a feed of kind ocsf names either a `file` or a `collector`")
        return self

    @property
    def digest(self) -> str:
        """Changes when anything of the declaration does."""
        text = json.dumps(self.model_dump(), sort_keys=True)
        return "sha256:" + hashlib.sha256(text.encode()).hexdigest()

    @property
    def where(self) -> str:
        """Who takes it, for people: host and port, or a file's name; never the whole address."""
        if self.collector:
            return urlsplit(self.collector.url).netloc
        if self.receiver:
            return f"{self.receiver.host}:{self.receiver.port}"
        return Path(self.file.path).name if self.file else ""

    def covers(self, tenant_id: str) -> bool:
        """Whether this agency's log goes to the receiver."""
        return self.agencies == ALL or tenant_id in self.agencies

    def wants(self, record: Mapping[str, Any]) -> bool:
        """Whether this record does. Raises Unmapped."""
        if SEVERITIES.index(find_severity(record)) < SEVERITIES.index(self.minimum):
            return False
        return any(fnmatchcase(record["kind"], pattern) for pattern in self.kinds)


class _Declared(_Part):
    feeds: list[Feed]


@dataclass(frozen=True, slots=True)
class FeedPlan:
    """The feeds of an installation; relative files are beside `folder`."""

    feeds: tuple[Feed, ...] = ()
    folder: Path = Path()


def load_feeds(path: Path | None, agencies: Collection[str] | None = None) -> FeedPlan:
    """The feeds of a file; without one there are none. Raises ConfigurationFaults.

    With `agencies`, a feed of an agency that is not among them is a fault.
    """
    if path is None:
        return FeedPlan()
    file = load_yaml(path)
    if file.faults:
        raise ConfigurationFaults(file.faults)
    try:
        declared = _Declared.model_validate_json(file.to_json())
    except ValidationError as error:
        raise ConfigurationFaults(file.list_faults(error)) from None
    plan = FeedPlan(tuple(declared.feeds), path.absolute().parent)
    faults = [*_find_doubles(file, plan), *_find_strangers(file, plan, agencies)]
    faults += _find_missing(file, plan)
    if faults:
        raise ConfigurationFaults(faults)
    return plan


def _find_doubles(file: YamlFile, plan: FeedPlan) -> list[Fault]:
    names = [feed.name for feed in plan.feeds]
    return [
        file.fault(("feeds", n, "name"), "another feed has this name")
        for n, name in enumerate(names)
        if name in names[:n]
    ]


def _find_strangers(
    file: YamlFile, plan: FeedPlan, agencies: Collection[str] | None
) -> list[Fault]:
    return [
        file.fault(("feeds", n, "agencies"), "no such agency")
        for n, feed in enumerate(plan.feeds)
        if agencies is not None and feed.agencies != ALL and not set(feed.agencies) <= {*agencies}
    ]


def _find_missing(file: YamlFile, plan: FeedPlan) -> list[Fault]:
    faults = []
    for n, feed in enumerate(plan.feeds):
        for part in ("collector", "receiver"):
            target: Tls | None = getattr(feed, part)
            for key, name in target.model_dump().items() if target else ():
                if key.endswith("_file") and name:
                    words = _find_file_fault(plan.folder / name, secret=key in _SECRETS)
                    faults += [file.fault(("feeds", n, part, key), words)] if words else []
    return faults


def _find_file_fault(path: Path, *, secret: bool) -> str:
    if not path.is_file():
        return "there is no such file"
    if secret and stat.S_IMODE(path.stat().st_mode) & 0o077:
        return "others may read it: chmod 600"
    return ""
