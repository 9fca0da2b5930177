"""`deploy/models.yaml`: the model servers of this installation and the models they carry.

Parsing and the frozen values that come of it. Who may use which model is policy's and tenancy's.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
)
from pydantic import model_validator as checked

from parvis.domain import DataLevel, Language
from parvis.errors import ConfigurationFaults, Fault
from parvis.settings import is_loopback
from parvis.yaml_files import YamlFile, load_yaml

Network = IPv4Network | IPv6Network
Modality = Literal["text", "image", "audio"]
ModelState = Literal["active", "paused", "retired"]
ModelKind = Literal["chat", "embedding", "rerank"]
Builtin = Literal["quote", "encoder"]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
Words = Annotated[str, StringConstraints(min_length=1, max_length=500, strip_whitespace=True)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]

# answers to one question: more cost a server as much as so many questions
MOST_CHOICES = 8
LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
# RFC 1918 and RFC 4193. Link-local is left out: cloud metadata answers there.
PRIVATE = (
    ip_network("10.0.0.0/8"),
    ip_network("172.16.0.0/12"),
    ip_network("192.168.0.0/16"),
    ip_network("fc00::/7"),
)
_HOST = re.compile(r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Queue(_Part):
    """Who may wait for a place at a server, and for how long."""

    max: int = Field(32, ge=0, le=10_000)
    max_per_tenant: int = Field(16, ge=0, le=10_000)
    wait_s: float = Field(30.0, gt=0, le=600)


class Probe(_Part):
    """The address that says whether a server is well; `path` counts from the server's root."""

    path: Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9._~/-]*$")] = "/health"
    timeout_s: float = Field(2.0, gt=0, le=60)
    every_s: float = Field(5.0, ge=0.5, le=600)


class Metrics(_Part):
    """The server's own count of the requests it served, on a Prometheus page at its root."""

    path: Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9._~/-]*$")] = "/metrics"
    counter: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_:][A-Za-z0-9_:]{0,99}$")] = (
        "vllm:request_success_total"
    )


class Provenance(_Part):
    """Where the weights come from: what an auditor asks first (AI Act Art. 53, 25(4))."""

    supplier: Words
    origin: Words
    obtained: Words
    packager: Words | None = None


class LawfulnessCheck(_Part):
    """The look at how the model was made (EDPB Opinion 28/2024): who, when, with what result."""

    result: Literal["passed", "open", "failed"]
    by: Words
    date: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    reference: Words


class _ServerPart(_Part):
    base_url: str
    egress: Literal["on-site"]
    networks: tuple[str, ...] = ()
    allow_http: bool = False
    api_key_file: Words | None = None
    ca_file: Words | None = None
    max_inflight: int = Field(4, ge=1, le=10_000)
    queue: Queue = Queue()
    probe: Probe | None = None
    metrics: Metrics | None = None
    busy_status: tuple[Annotated[int, Field(ge=400, le=599)], ...] = (429, 503, 529)

    @field_validator("networks")
    @classmethod
    def _are_networks(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        for network in networks:
            try:
                ip_network(network)
            except ValueError:
                raise ValueError("expected address ranges such as 10.1.0.0/16") from None
        return networks

    @checked(mode="after")
    def _is_on_site(self) -> "_ServerPart":
        check_base_url(self.base_url, self.allowed_networks, allow_http=self.allow_http)
        return self

    @property
    def allowed_networks(self) -> tuple[Network, ...]:
        return (*LOOPBACK, *PRIVATE, *(ip_network(network) for network in self.networks))


class _ModelPart(_Part):
    server: Slug | None = None
    builtin: Builtin | None = None
    kind: ModelKind = "chat"
    served_name: Words | None = None
    clearance: int = Field(ge=0, le=4)
    provenance: Provenance
    licence: Words
    digest: Sha256
    lawfulness_check: LawfulnessCheck
    documentation_ref: Words
    watermark_hook: bool = False
    modality: tuple[Modality, ...] = Field(("text",), min_length=1)
    context: int = Field(ge=256, le=10_000_000)
    choices: int = Field(1, ge=1, le=MOST_CHOICES)
    tools: bool = False
    json_schema: bool = False
    languages: tuple[Language, ...] = Field(min_length=1)
    verify_numbers: bool = False
    state: ModelState = "active"

    @checked(mode="after")
    def _has_one_place(self) -> "_ModelPart":
        if (self.server is None) == (self.builtin is None):
            raise ValueError("give either `server` or `builtin`")
        if self.builtin and self.served_name:
            raise ValueError("`served_name` belongs to a model of a server")
        if self.builtin and (self.kind == "chat") != (self.builtin == "quote"):
            raise ValueError("`quote` is of kind chat, `encoder` of kind embedding or rerank")
        return self


class _ModelsFile(_Part):
    servers: dict[Slug, _ServerPart] = {}
    models: dict[Slug, _ModelPart]


def check_base_url(url: str, networks: tuple[Network, ...], *, allow_http: bool) -> None:
    """Raise ValueError unless `url` can only mean a machine of the site.

    A host name cannot be judged here: the client looks at the address it led to.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("expected http://HOST[:PORT]/v1 or https://HOST[:PORT]/v1")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("only scheme, host, port and path; the key goes into `api_key_file`")
    _ = parts.port  # raises ValueError for a port that is none
    try:
        address = ip_address(parts.hostname)
    except ValueError:
        if not _HOST.match(parts.hostname):
            raise ValueError("the host name is not valid") from None
    else:
        if not is_on_site(str(address), networks):
            raise ValueError("not an address of the site (loopback, private or `networks`)")
    if parts.scheme == "http" and not is_loopback(parts.hostname) and not allow_http:
        raise ValueError("plain http leaves the machine: use https, or say `allow_http: true`")


def is_on_site(address: str, networks: tuple[Network, ...]) -> bool:
    """True when the IP address lies in one of `networks` (mapped IPv4 counts as IPv4)."""
    found = ip_address(address.partition("%")[0])
    mapped = getattr(found, "ipv4_mapped", None)
    return any((mapped or found) in network for network in networks)


@dataclass(frozen=True, slots=True)
class Server:
    """A model server: where it is, how it is proved, how much it can take at once."""

    name: str
    base_url: str
    networks: tuple[Network, ...]
    api_key_file: Path | None
    ca_file: Path | None
    max_inflight: int
    queue: Queue
    probe: Probe | None
    busy_status: frozenset[int]
    metrics: Metrics | None = None


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A model that assistants may be given; `digest` is the SHA-256 of its weights.

    `context` counts tokens, `choices` the answers that its server gives to one question at most.
    `verify_numbers`: its answers are shown only when every number and name in them stands in the
    sources.
    """

    name: str
    server: str | None
    builtin: Builtin | None
    kind: ModelKind
    served_name: str
    clearance: DataLevel
    egress: Literal["on-site"]
    provenance: Provenance
    licence: str
    digest: str
    lawfulness: LawfulnessCheck
    documentation_ref: str
    watermark_hook: bool
    modality: tuple[Modality, ...]
    context: int
    choices: int
    tools: bool
    json_schema: bool
    languages: tuple[Language, ...]
    verify_numbers: bool
    state: ModelState

    @property
    def provenance_ok(self) -> bool:
        """True: an entry without supplier, origin and digest does not load."""
        return bool(self.provenance.supplier and self.provenance.origin and self.digest)

    @property
    def lawfulness_check(self) -> bool:
        """True when somebody looked at how the model was made and let it pass."""
        return self.lawfulness.result == "passed"


@dataclass(frozen=True, slots=True)
class ModelCatalogue:
    """Every model and server of the installation, by name."""

    models: Mapping[str, ModelEntry]
    servers: Mapping[str, Server]

    def check_files(self) -> None:
        """Raise ConfigurationFaults for every key or certificate file that cannot be read."""
        faults = []
        for server in self.servers.values():
            for key, path in (("api_key_file", server.api_key_file), ("ca_file", server.ca_file)):
                try:
                    if path is not None and not path.read_bytes().strip():
                        faults.append(Fault(str(path), 0, f"{server.name}.{key}", "empty"))
                except OSError as error:
                    words = error.strerror or "unreadable"
                    faults.append(Fault(str(path), 0, f"{server.name}.{key}", words))
        if faults:
            raise ConfigurationFaults(faults)


def load_models(path: Path) -> ModelCatalogue:
    """The catalogue that `path` describes; file names in it count from its folder.

    Raises ConfigurationFaults with every fault: file, line, key.
    """
    source = load_yaml(path)
    file = _parse(source)
    faults = list(_find_faults(source, file))
    if faults:
        raise ConfigurationFaults(faults)
    folder = path.absolute().parent
    servers = {name: _build_server(name, part, folder) for name, part in file.servers.items()}
    return ModelCatalogue(
        models={name: _build_entry(name, part) for name, part in file.models.items()},
        servers=servers,
    )


def _parse(source: YamlFile) -> _ModelsFile:
    if source.faults:
        raise ConfigurationFaults(source.faults)
    try:
        # strict JSON mode: lists and dates are then taken for what they are
        return _ModelsFile.model_validate_json(source.to_json())
    except ValidationError as error:
        raise ConfigurationFaults(source.list_faults(error)) from None


def _find_faults(source: YamlFile, file: _ModelsFile) -> Iterator[Fault]:
    if not file.models:
        yield source.fault(("models",), "at least one model is needed")
    for name, part in file.models.items():
        if part.server is not None and part.server not in file.servers:
            yield source.fault(("models", name, "server"), "no such server under `servers`")


def _build_server(name: str, part: _ServerPart, folder: Path) -> Server:
    return Server(
        name=name,
        base_url=part.base_url.rstrip("/"),
        networks=part.allowed_networks,
        api_key_file=folder / part.api_key_file if part.api_key_file else None,
        ca_file=folder / part.ca_file if part.ca_file else None,
        max_inflight=part.max_inflight,
        queue=part.queue,
        probe=part.probe,
        busy_status=frozenset(part.busy_status),
        metrics=part.metrics,
    )


def _build_entry(name: str, part: _ModelPart) -> ModelEntry:
    return ModelEntry(
        name=name,
        server=part.server,
        builtin=part.builtin,
        kind=part.kind,
        served_name=part.served_name or name,
        clearance=DataLevel(part.clearance),
        egress="on-site",
        provenance=part.provenance,
        licence=part.licence,
        digest=part.digest,
        lawfulness=part.lawfulness_check,
        documentation_ref=part.documentation_ref,
        watermark_hook=part.watermark_hook,
        modality=part.modality,
        context=part.context,
        choices=part.choices,
        tools=part.tools,
        json_schema=part.json_schema,
        languages=part.languages,
        verify_numbers=part.verify_numbers,
        state=part.state,
    )
