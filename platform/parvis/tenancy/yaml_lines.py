"""YAML as plain values plus the line of every key. Aliases, tags and duplicate keys are faults.

An alias can make a small file unfold to gigabytes and a tag can name a type to build: an agency's
file needs neither.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from parvis.errors import Fault

MAX_BYTES = 1024 * 1024
_MAX_DEPTH = 20

Location = tuple[str | int, ...]


class _Refused(Exception):
    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


class _PlainLoader(yaml.SafeLoader):
    """Composes nodes without following aliases, tags or endless nesting."""

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _Refused(line, "anchors and aliases (& and *) are not allowed")
        if getattr(event, "tag", None):
            raise _Refused(line, "tags (!) are not allowed")
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise _Refused(line, f"nested deeper than {_MAX_DEPTH} levels")
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


@dataclass
class Document:
    """The values of one file, the line of each place in it, and what was wrong on the way."""

    file: str
    data: Any = None
    lines: dict[Location, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def line_of(self, location: Location) -> int:
        """The line of `location`, or of the nearest place around it."""
        for size in range(len(location), -1, -1):
            if location[:size] in self.lines:
                return self.lines[location[:size]]
        return 0

    def fault(self, location: Location, message: str) -> Fault:
        """A fault at this place of this file."""
        return Fault(self.file, self.line_of(location), key_of(location), message)


def key_of(location: Location) -> str:
    """`assistants[0].name.fr` for `("assistants", 0, "name", "fr")`."""
    words = ""
    for part in location:
        words += f"[{part}]" if isinstance(part, int) else f".{part}" if words else part
    return words


def load_document(path: Path, shown_as: str) -> Document:
    """The document at `path`; what cannot be read is in its `faults`, never raised."""
    document = Document(shown_as)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise _Refused(0, f"larger than {MAX_BYTES} bytes")
        node = _compose(path.read_text(encoding="utf-8"))
        document.data = _Reader(document).read(node, ())
    except _Refused as refused:
        document.faults.append(Fault(shown_as, refused.line, "", str(refused)))
    except UnicodeDecodeError:
        document.faults.append(Fault(shown_as, 0, "", "not UTF-8"))
    except OSError as error:
        document.faults.append(Fault(shown_as, 0, "", f"cannot be read: {error.strerror}"))
    except yaml.YAMLError as error:
        document.faults.append(_syntax_fault(shown_as, error))
    return document


def _compose(text: str) -> Any:
    loader = _PlainLoader(text)
    try:
        return loader.get_single_node()
    finally:
        loader.dispose()


def _syntax_fault(file: str, error: yaml.YAMLError) -> Fault:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "not YAML"
    return Fault(file, mark.line + 1 if mark else 0, "", str(problem))


class _Reader:
    """Turns composed nodes into dicts, lists and scalars, remembering lines."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._constructor = yaml.constructor.SafeConstructor()

    def read(self, node: Any, location: Location) -> Any:
        if node is None:
            return None
        self._document.lines.setdefault(location, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return dict(self._entries(node, location))
        if isinstance(node, yaml.SequenceNode):
            return [self.read(item, (*location, i)) for i, item in enumerate(node.value)]
        return self._scalar(node)

    def _scalar(self, node: Any) -> Any:
        try:
            value = self._constructor.construct_object(node)
        except ValueError as error:  # 2027-02-30
            raise _Refused(node.start_mark.line + 1, str(error)) from None
        return value.isoformat() if isinstance(value, date) else value

    def _entries(self, node: Any, location: Location) -> Iterator[tuple[str, Any]]:
        seen: set[str] = set()
        for key_node, value_node in node.value:
            key, line = key_node.value, key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode) or not isinstance(key, str):
                raise _Refused(line, "a key must be a plain word")
            here = (*location, key)
            if key in seen:
                where = key_of(here)
                self._document.faults.append(
                    Fault(self._document.file, line, where, "this key is there twice")
                )
                continue
            seen.add(key)
            self._document.lines[here] = line
            yield key, self.read(value_node, here)
