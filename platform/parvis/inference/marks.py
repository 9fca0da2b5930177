"""YAML with the line of every key, so that a fault can say where it is. Knows no model."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import to_json

from parvis.errors import ConfigurationFaults, Fault

Place = tuple[str | int, ...]
Parsed = TypeVar("Parsed", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class MarkedYaml:
    """A parsed file: its plain values, and the line (from 1) of every place in it."""

    file: str
    values: Any
    lines: dict[Place, int]

    def fault(self, place: Sequence[str | int], message: str) -> Fault:
        """A fault at `place`, or at the nearest place around it that stands in the file."""
        known = tuple(place)
        while known and known not in self.lines:
            known = known[:-1]
        key = ".".join(str(step) for step in place)
        return Fault(self.file, self.lines.get(known, 1), key, message)


def load_marked_yaml(path: Path) -> MarkedYaml:
    """The file's values and lines; raises ConfigurationFaults for unreadable or doubtful YAML."""
    file = str(path)
    try:
        text = path.read_text(encoding="utf-8")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        values = yaml.safe_load(text)
    except OSError as error:
        raise ConfigurationFaults([Fault(file, 0, "", error.strerror or "unreadable")]) from None
    except UnicodeDecodeError:
        raise ConfigurationFaults([Fault(file, 0, "", "not UTF-8")]) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 0
        words = str(getattr(error, "problem", "") or "not valid YAML")
        raise ConfigurationFaults([Fault(file, line, "", words)]) from None
    lines: dict[Place, int] = {}
    faults = [
        Fault(file, line, ".".join(map(str, place)), "the key stands here a second time")
        for place, line in _walk(root, (), lines)
    ]
    if faults:
        raise ConfigurationFaults(faults)
    return MarkedYaml(file, values, lines)


def _walk(
    node: yaml.Node | None, place: Place, lines: dict[Place, int]
) -> Iterator[tuple[Place, int]]:
    """Fill `lines`; yield every key that its mapping holds twice."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = (*place, str(key.value))
            if here in lines:
                yield here, key.start_mark.line + 1
            lines[here] = key.start_mark.line + 1
            yield from _walk(value, here, lines)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            lines[(*place, index)] = item.start_mark.line + 1
            yield from _walk(item, (*place, index), lines)


def parse_marked(marked: MarkedYaml, schema: type[Parsed]) -> Parsed:
    """The values as `schema`; raises ConfigurationFaults with every fault and its line."""
    # by way of JSON: strict validation then takes lists and dates for what they are
    try:
        return schema.model_validate_json(to_json(marked.values, fallback=_plain))
    except ValidationError as error:
        raise ConfigurationFaults(
            marked.fault(item["loc"], _words(item["msg"]))
            for item in error.errors(include_input=False, include_url=False)
        ) from None


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else str(value)


def _words(message: str) -> str:
    known = {
        "Extra inputs are not permitted": "unknown key; remove it or correct its spelling",
        "Field required": "missing",
    }
    return known.get(message, message.removeprefix("Value error, "))
