"""All agencies of the installation, read from their files and checked against each other.

A fault anywhere stops the start, and one message names every fault of every file. What a file may
say at all lives in `config.py`.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from parvis.errors import ConfigurationFaults, Fault, NotFound
from parvis.tenancy.config import Agency, Assistant, Retention, Source
from parvis.tenancy.names import TASKS, HasKind, Names, claim
from parvis.yaml_files import YamlFile, load_yaml

_MAX_SOURCE_BYTES = 1024 * 1024


@dataclass(frozen=True)
class TenantRegistry:
    """The agencies by slug, and the folder their sources lie in."""

    directory: Path
    agencies: Mapping[str, Agency]

    def get_agency(self, slug: str) -> Agency:
        """The agency of this slug; raises NotFound."""
        try:
            return self.agencies[slug]
        except KeyError:
            raise NotFound from None

    def find_assistant(self, slug: str, assistant_id: str) -> Assistant | None:
        """The assistant of this agency; None for any other id, another agency's included."""
        agency = self.agencies.get(slug)
        return agency.find_assistant(assistant_id) if agency else None

    def read_source(self, slug: str, source: Source) -> str:
        """The Markdown text of a source, as it lies in the agency's folder."""
        return (self.directory / slug / source.path).read_text(encoding="utf-8")

    @property
    def shares(self) -> Mapping[str, int]:
        """Bytes of audit log of the agencies whose file says how many."""
        return _list_shares(self.agencies.values())


def load_tenants(
    directory: Path, *, models: Mapping[str, HasKind], policies: Collection[str]
) -> TenantRegistry:
    """Every agency of `directory` (one SLUG.yaml each).

    Raises ConfigurationFaults with all faults of all files: file, line and key.
    """
    faults: list[Fault] = []
    found: list[tuple[YamlFile, Agency]] = []
    names = Names(models, policies)
    for path in _list_files(directory, faults):
        document = load_yaml(path, f"{directory.name}/{path.name}")
        agency = _parse(document, faults)
        faults += names.check(document)
        if agency is not None:
            found.append((document, agency))
            faults += _check_file(document, agency, directory)
    faults += _check_together(found)
    if faults:
        raise ConfigurationFaults(faults)
    return TenantRegistry(directory, {agency.slug: agency for _, agency in found})


def load_shares(directory: Path) -> Mapping[str, int]:
    """`TenantRegistry.shares` from the files alone, for whoever writes the logs and needs no more.

    Raises ConfigurationFaults, with the faults of single files only.
    """
    faults: list[Fault] = []
    files = _list_files(directory, faults)
    documents = [load_yaml(path, f"{directory.name}/{path.name}") for path in files]
    agencies = [_parse(document, faults) for document in documents]
    if faults:
        raise ConfigurationFaults(faults)
    return _list_shares(agency for agency in agencies if agency is not None)


def load_retention(path: Path, slug: str) -> Retention:
    """The limits of one agency by its file, wherever that lies. Raises ConfigurationFaults."""
    document, faults = load_yaml(path), list[Fault]()
    agency = _parse(document, faults)
    if agency is not None and agency.slug != slug:
        faults.append(document.fault(("slug",), f"this is not the file of {slug}"))
    if agency is None or faults:
        raise ConfigurationFaults(faults)
    return agency.retention


def _list_shares(agencies: Iterable[Agency]) -> Mapping[str, int]:
    found = {agency.slug: agency.audit.disk_mb for agency in agencies}
    return {slug: disk_mb << 20 for slug, disk_mb in found.items() if disk_mb is not None}


def _list_files(directory: Path, faults: list[Fault]) -> list[Path]:
    if not directory.is_dir():
        raise ConfigurationFaults([Fault(str(directory), 0, "", "there is no such folder")])
    files = []
    for path in sorted(directory.iterdir()):
        if path.suffix == ".yml":
            shown = f"{directory.name}/{path.name}"
            faults.append(Fault(shown, 0, "", "would not be read: end the name in .yaml"))
        elif path.suffix == ".yaml" and not path.name.startswith("."):
            files.append(path)
    if not files:
        faults.append(Fault(directory.name, 0, "", "holds no agency (SLUG.yaml)"))
    return files


def _parse(document: YamlFile, faults: list[Fault]) -> Agency | None:
    faults += document.faults
    if document.value is None and document.faults:
        return None
    if not isinstance(document.value, dict):
        faults.append(document.fault((), "expected keys and values"))
        return None
    try:
        # strict JSON mode: dates and enumerations come as text, everything else as it is
        return Agency.model_validate_json(document.to_json())
    except ValidationError as error:
        faults += document.list_faults(error)
    return None


def _check_file(
    document: YamlFile,
    agency: Agency,
    directory: Path,
) -> Iterator[Fault]:
    if document.name != f"{directory.name}/{agency.slug}.yaml":
        yield document.fault(("slug",), f"the file must be named {agency.slug}.yaml")
    yield from _check_sources(document, agency, directory)
    too_long = agency.retention.find_fault()
    if too_long:
        yield document.fault(("retention", "audit_days"), too_long)
    for i, assistant in enumerate(agency.assistants):
        for language in assistant.models:
            if language not in {"default", *TASKS} and language not in agency.languages:
                here = ("assistants", i, "models", language)
                yield document.fault(here, "the agency does not offer this language")
        yield from _check_assistant(document, agency, i, assistant)


def _check_assistant(
    document: YamlFile, agency: Agency, index: int, assistant: Assistant
) -> Iterator[Fault]:
    place = ("assistants", index)
    if assistant.retention_days > agency.retention.conversations_days:
        words = "longer than the agency's retention.conversations_days"
        yield document.fault((*place, "retention_days"), words)
    for k, source_id in enumerate(assistant.sources):
        source = agency.find_source(source_id)
        if source and source.level > assistant.data_level:
            words = f"`{source_id}` needs data_level {int(source.level)} or more"
            yield document.fault((*place, "sources", k), words)


def _check_sources(document: YamlFile, agency: Agency, directory: Path) -> Iterator[Fault]:
    seen: set[str] = set()
    for i, source in enumerate(agency.sources):
        place = ("sources", i)
        if source.id in seen:
            yield document.fault((*place, "id"), f"`{source.id}` is there twice")
        seen.add(source.id)
        if source.language not in source.title:
            words = f"this translation is missing: {source.language}"
            yield document.fault((*place, "title"), words)
        fault = _find_file_fault(directory / agency.slug, source.path)
        if fault:
            yield document.fault((*place, "path"), fault)


def _find_file_fault(folder: Path, path: str) -> str | None:
    file = folder / path
    if not file.is_file():
        return f"there is no file {folder.name}/{path}"
    if not file.resolve().is_relative_to(folder.resolve()):
        return "leads out of the agency's folder"
    if file.stat().st_size > _MAX_SOURCE_BYTES:
        return f"larger than {_MAX_SOURCE_BYTES} bytes"
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return "not UTF-8"
    return None if text.strip() else "the file is empty"


def _check_together(found: list[tuple[YamlFile, Agency]]) -> Iterator[Fault]:
    realms: dict[tuple[str, str | None], str] = {}
    for document, agency in found:
        home = (agency.identity.realm, agency.identity.organization)
        yield from claim(realms, home, document, ("identity", "realm"), "this realm")
    yield from _check_shared_realms(found)


def _check_shared_realms(found: list[tuple[YamlFile, Agency]]) -> Iterator[Fault]:
    """In a shared realm only the organization tells agencies apart: each must name one."""
    realms = [agency.identity.realm for _, agency in found]
    clients: dict[tuple[str, str], str] = {}
    for document, agency in found:
        identity = agency.identity
        if realms.count(identity.realm) > 1 and identity.organization is None:
            words = "another agency uses this realm: both must name their organization"
            yield document.fault(("identity",), words)
        home = (identity.realm, identity.chatbot_client)
        place = ("identity", "chatbot_client")
        yield from claim(clients, home, document, place, "this client of the realm")
