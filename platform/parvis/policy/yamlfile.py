"""YAML with line numbers: plain values, where each stands, and every duplicate key as a fault.

Only what a rule file needs: mappings, lists (as tuples), text, numbers, true/false, null, dates.
Anchors, aliases and tags are refused: a file that a lawyer reads says everything where it stands.
"""

from collections.abc import Hashable
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from parvis.errors import Fault

Place = tuple[Hashable, ...]
_PLAIN = {
    f"tag:yaml.org,2002:{name}"
    for name in ("map", "seq", "str", "int", "float", "bool", "null", "timestamp")
}
_MAX_BYTES = 1_000_000


class YamlFile:
    """The value of one file, the line of every place in it, and what was wrong with its form."""

    def __init__(self, path: Path, name: str) -> None:
        self.name = name
        self.faults: list[Fault] = []
        self.lines: dict[Place, int] = {(): 1}
        self._seen: set[int] = set()
        self.value: Any = None
        self._read(path)

    def line(self, place: Place) -> int:
        """The line of `place`, or of the nearest thing around it."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines[place]

    def fault(self, place: Place, message: str) -> Fault:
        """A fault at `place`, with its key written as people do: `[0].when[1].attr`."""
        key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
        return Fault(self.name, self.line(place), key.removeprefix("."), message)

    def _read(self, path: Path) -> None:
        try:
            if path.stat().st_size > _MAX_BYTES:
                raise ValueError("the file is larger than 1 MB")
            node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 0
            self.faults.append(Fault(self.name, line, "", f"not YAML: {error.problem}"))
        except (OSError, ValueError, yaml.YAMLError) as error:
            words = error if isinstance(error, ValueError) else type(error).__name__
            self.faults.append(Fault(self.name, 0, "", f"cannot be read: {words}"))
        else:
            self.value = None if node is None else self._value(node, ())

    def _value(self, node: yaml.Node, place: Place) -> Any:
        self.lines[place] = node.start_mark.line + 1
        if id(node) in self._seen:
            self.faults.append(self.fault(place, "aliases are not allowed; write it out"))
            return None
        self._seen.add(id(node))
        if node.tag not in _PLAIN:
            self.faults.append(self.fault(place, "tags are not allowed"))
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, place)
        if isinstance(node, yaml.SequenceNode):
            return tuple(self._value(item, (*place, n)) for n, item in enumerate(node.value))
        return self._scalar(node, place)

    def _mapping(self, node: yaml.MappingNode, place: Place) -> dict[Any, Any]:
        values: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else "?"
            here = (*place, key)
            if key in values:
                self.faults.append(
                    Fault(self.name, key_node.start_mark.line + 1, key, "this key stands twice")
                )
                continue
            values[key] = self._value(value_node, here)
            self.lines[here] = key_node.start_mark.line + 1
        return values

    def _scalar(self, node: yaml.Node, place: Place) -> Any:
        try:
            value = yaml.SafeLoader("").construct_object(node)
        except (ValueError, yaml.YAMLError):
            self.faults.append(self.fault(place, "not a value"))
            return None
        if isinstance(value, date) or value is None or isinstance(value, str | int | float):
            return value
        return None
