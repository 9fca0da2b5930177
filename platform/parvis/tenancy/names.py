"""The names in agencies' files: taken once, and leading to something that is there.

Looks at a file as it was read, so that names are checked too where other things are wrong with it.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from parvis.errors import Fault
from parvis.yaml_files import YamlFile

# the keys of an assistant's models that are no language: what such a model is for
TASKS = frozenset({"embedding", "rerank"})


class HasKind(Protocol):
    """A model, as far as an agency's file is concerned."""

    @property
    def kind(self) -> str:
        """What it does: chat, embedding or rerank."""


@dataclass
class Names:
    """What may be named, and what the files checked so far have taken."""

    models: Mapping[str, HasKind]
    policies: Collection[str]
    _slugs: dict[Any, str] = field(default_factory=dict)
    _assistants: dict[Any, str] = field(default_factory=dict)

    def check(self, document: YamlFile) -> Iterator[Fault]:
        """Every name of this file that is taken, or that nothing bears."""
        content = document.value if isinstance(document.value, dict) else {}
        for _, slug in _texts({0: content.get("slug")}):
            yield from claim(self._slugs, slug, document, ("slug",), f"`{slug}`")
        for i, policy in _texts(_numbered(content.get("policies"))):
            if policy not in self.policies:
                yield document.fault(("policies", i), f"there is no policy `{policy}`")
        sources = _numbered(content.get("sources")).values()
        known = {one.get("id") for one in sources if isinstance(one, dict)}
        for i, assistant in _numbered(content.get("assistants")).items():
            if isinstance(assistant, dict):
                yield from self._check_assistant(document, ("assistants", i), assistant, known)

    def _check_assistant(
        self,
        document: YamlFile,
        place: tuple[str, int],
        assistant: Mapping[str, Any],
        sources: Collection[Any],
    ) -> Iterator[Fault]:
        for _, name in _texts({0: assistant.get("id")}):
            yield from claim(self._assistants, name, document, (*place, "id"), f"`{name}`")
        models = assistant.get("models")
        for key, model in _texts(models if isinstance(models, dict) else {}):
            here, needed = (*place, "models", key), key if key in TASKS else "chat"
            if model not in self.models:
                yield document.fault(here, f"there is no model `{model}`")
            elif self.models[model].kind != needed:
                yield document.fault(here, f"`{model}` is no model of kind {needed}")
        for k, source in _texts(_numbered(assistant.get("sources"))):
            if source not in sources:
                yield document.fault((*place, "sources", k), f"there is no source `{source}`")


def claim(
    taken: dict[Any, str], value: Any, document: YamlFile, place: tuple[str | int, ...], words: str
) -> Iterator[Fault]:
    """Nothing the first time that `value` comes, then a fault that says which file has it."""
    if value in taken:
        yield document.fault(place, f"{words} is taken in {taken[value]}")
    taken.setdefault(value, document.name)


def _numbered(value: Any) -> dict[int, Any]:
    return dict(enumerate(value)) if isinstance(value, tuple) else {}


def _texts(values: Mapping[Any, Any]) -> Iterator[tuple[Any, str]]:
    return ((place, value) for place, value in values.items() if isinstance(value, str))
