"""YAML files as plain values, with the line of every place in them and every fault of their form.

Only what a configuration needs: mappings, lists, text, numbers, true/false, null, dates. What a key
means is said by the rooms. An alias can make a small file unfold to gigabytes, a tag can name a
type to build, and a reader must find everything where it stands: anchors, aliases, tags and merge
keys are faults. So are duplicate keys, and numbers and text that JSON cannot carry.
"""

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from parvis.domain import LANGUAGES
from parvis.errors import Fault

__all__ = ["MAX_BYTES", "MAX_DEPTH", "Place", "YamlFile", "load_yaml", "write_key"]

MAX_BYTES = 1_000_000
MAX_DEPTH = 20

# mapping keys and list indexes, from the root
Place = tuple[str | int, ...]

_NULL = "tag:yaml.org,2002:null"
_INT = "tag:yaml.org,2002:int"
_SCALARS = {_NULL, _INT} | {
    f"tag:yaml.org,2002:{name}" for name in ("str", "float", "bool", "timestamp")
}
_ALIAS = "anchors and aliases (& and *) are not allowed: write it out"
_TAG = "tags (!) are not allowed"
_PLAIN_KEY = re.compile(r"[\w-]+")
_INT_BITS = 63
_INT_LETTERS = 100


@dataclass(frozen=True)
class YamlFile:
    """What one file says, where each place of it stands, and what was wrong with its form.

    `value` is made of dicts with text keys, tuples and scalars; None when any part could not be
    read. A duplicate key is a fault, but its first value stands. `lines` count from 1.
    """

    name: str
    value: Any = None
    lines: dict[Place, int] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()

    def line_of(self, place: Place) -> int:
        """The line of `place`, or of the nearest place around it; 1 in an empty file."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)

    def fault(self, place: Place, message: str) -> Fault:
        """A fault at this place of this file."""
        return Fault(self.name, self.line_of(place), write_key(place), message)

    def to_json(self) -> str:
        """The value as JSON, dates as text: what pydantic's strict JSON mode takes."""
        return json.dumps(self.value, default=date.isoformat)

    def list_faults(self, error: ValidationError, around: Place = ()) -> list[Fault]:
        """Every fault of a schema, in one wording; `around` is where the validated part stands."""
        items = error.errors(include_url=False, include_input=False)
        places = [item["loc"] for item in items]
        faults = []
        for item in items:
            inside = any(p[: len(item["loc"])] == item["loc"] != p for p in places)
            # a list whose items all failed also counts as too short: say only what is wrong in it
            if not (item["type"] == "too_short" and inside):
                # pydantic says "[key]" for a name that does not fit: the name itself says it
                place = (*around, *(part for part in item["loc"] if part != "[key]"))
                faults.append(self.fault(place, _choose_words(item["type"], item["msg"], place)))
        return faults


def load_yaml(path: Path, name: str = "") -> YamlFile:
    """The file at `path`, shown as `name` in its faults; nothing is raised for what it holds."""
    name = name or str(path)
    try:
        reader = _Reader(name)
        root = _compose(_read_text(path))
        value = None if root is None else reader.read(root, ())
        return YamlFile(name, reader.choose(value), reader.lines, tuple(reader.faults))
    except _Unreadable as unreadable:
        return YamlFile(name, faults=(Fault(name, unreadable.line, "", str(unreadable)),))


def write_key(place: Sequence[str | int]) -> str:
    """A place as people write it: `assistants[0].name.fr`, `[2].set["data.level"]`."""
    words = ""
    for part in place:
        if isinstance(part, str) and _PLAIN_KEY.fullmatch(part):
            words += f".{part}" if words else part
        else:
            words += f"[{json.dumps(part)}]"
    return words


def _choose_words(kind: str, message: str, place: Place) -> str:
    if kind == "extra_forbidden":
        return "unknown key"
    if kind == "missing":
        return "this translation is missing" if place[-1] in LANGUAGES else "missing"
    if not place and "should be an object" in message:
        return "expected keys and their values; the file is empty or holds something else"
    return message.removeprefix("Value error, ")


class _Unreadable(Exception):
    """Nothing of the file can be used; `line` is 0 when unknown."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.line = line


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            # no look at the size beforehand: a pipe has none, and a file can grow meanwhile
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _Unreadable(f"cannot be read: {error.strerror or 'unreadable'}") from None
    if len(content) > MAX_BYTES:
        raise _Unreadable(f"larger than {MAX_BYTES} bytes")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _Unreadable("not UTF-8", content.count(b"\n", 0, error.start) + 1) from None


def _compose(text: str) -> Any:
    try:
        loader = _Loader(text)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _Unreadable(f"not YAML: {error.reason}", line) from None
    try:
        return loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _Unreadable(f"not YAML: {error.problem}", mark.line + 1 if mark else 0) from None
    except (yaml.YAMLError, ValueError, OverflowError):  # "\UFFFFFFFF", %YAML with a huge number
        raise _Unreadable("not YAML: no such character or number", loader.line + 1) from None
    finally:
        loader.dispose()


class _Loader(yaml.SafeLoader):
    """Composes nodes without following anchors, aliases, tags or endless nesting.

    Each node's `refused` says why it may not stand there; empty when it may.
    """

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        start, end = event.start_mark, event.end_mark
        if isinstance(event, yaml.AliasEvent):
            self.get_event()  # type: ignore[no-untyped-call]
            node: Any = yaml.ScalarNode(_NULL, "", start, end)
            node.refused = _ALIAS
            return node
        refused = _ALIAS if event.anchor else _TAG if event.tag else ""
        event.anchor = event.tag = None
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _Unreadable(f"nested deeper than {MAX_DEPTH} levels", start.line + 1)
        node = super().compose_node(parent, index)
        self.depth -= 1
        node.refused = refused
        return node


class _Reader:
    """Turns composed nodes into plain values, gathering lines and faults."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: dict[Place, int] = {}
        self.faults: list[Fault] = []
        self._spoiled = False
        self._constructor = yaml.constructor.SafeConstructor()

    def choose(self, value: Any) -> Any:
        """The value, unless something in it could not be read."""
        return None if self._spoiled else value

    def read(self, node: Any, place: Place) -> Any:
        """The value of `node`; the line of a mapping's value is the line of its key."""
        self.lines.setdefault(place, node.start_mark.line + 1)
        if node.refused:
            self._spoil(node, place, node.refused)
        if isinstance(node, yaml.MappingNode):
            return dict(self._read_entries(node, place))
        if isinstance(node, yaml.SequenceNode):
            return tuple(self.read(item, (*place, n)) for n, item in enumerate(node.value))
        return None if node.refused else self._read_scalar(node, place)

    def _read_entries(self, node: Any, place: Place) -> Iterator[tuple[str, Any]]:
        seen: set[str] = set()
        for key_node, value_node in node.value:
            words = _find_key_fault(key_node)
            if words:
                self._spoil(key_node, place, words)
                continue
            here = (*place, key_node.value)
            if key_node.value in seen:
                self._fault(key_node, here, "this key stands twice")
                continue
            seen.add(key_node.value)
            self.lines[here] = key_node.start_mark.line + 1
            yield key_node.value, self.read(value_node, here)

    def _read_scalar(self, node: Any, place: Place) -> Any:
        try:
            return self._construct(node)
        except (ValueError, OverflowError) as error:  # 2027-02-30
            self._spoil(node, place, f"not a value: {error}")
            return None

    def _construct(self, node: Any) -> Any:
        if node.tag not in _SCALARS:  # the bare words `=` and `<<`
            raise ValueError("write it in quotes")
        if node.tag == _INT and len(node.value) > _INT_LETTERS:
            raise ValueError("a number this large cannot be read")
        value = self._constructor.construct_object(node)
        if isinstance(value, int) and value.bit_length() > _INT_BITS:
            raise ValueError("a number this large cannot be read")
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError("not a finite number")
        if isinstance(value, str) and not _is_writable(value):
            raise ValueError("half a character (a lone surrogate)")
        return value

    def _spoil(self, node: Any, place: Place, message: str) -> None:
        self._spoiled = True
        self._fault(node, place, message)

    def _fault(self, node: Any, place: Place, message: str) -> None:
        line = node.start_mark.line + 1
        self.faults.append(Fault(self.name, line, write_key(place), message))


def _find_key_fault(node: Any) -> str:
    if node.refused:
        return str(node.refused)
    if not isinstance(node, yaml.ScalarNode) or not _is_writable(node.value):
        return "a key must be a plain word"
    # only the bare word: "<<" in quotes is text
    return "merge keys (<<) are not allowed" if node.tag == "tag:yaml.org,2002:merge" else ""


def _is_writable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
