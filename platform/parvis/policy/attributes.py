"""Every attribute that a rule may name, read off the envelope: its kind, its words, how to get it.

A rule that names anything else, or compares it with a value of another kind, does not load.
"""

import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from operator import attrgetter
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from parvis.policy.envelope import Envelope

Kind = Literal["bool", "int", "date", "word", "text", "words", "texts", "counts", "findings"]


@dataclass(frozen=True, slots=True)
class Attribute:
    """One thing a rule may read. `words` are the closed choices, empty where there are none."""

    path: str
    kind: Kind
    words: tuple[Any, ...]
    nullable: bool
    description: str
    get: Callable[[Any], Any]


def _strip(annotation: Any) -> tuple[Any, bool]:
    """The annotation without Annotated and without None, and whether None was in it."""
    nullable = False
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            annotation = get_args(annotation)[0]
        elif origin in {Union, types.UnionType}:
            (annotation,) = (part for part in get_args(annotation) if part is not type(None))
            nullable = True
        else:
            return annotation, nullable


def _kind(annotation: Any) -> tuple[Kind, tuple[Any, ...]]:
    scalars: dict[Any, Kind] = {bool: "bool", int: "int", date: "date", str: "text"}
    origin = get_origin(annotation)
    if origin is Literal:
        return "word", get_args(annotation)
    if origin is dict:
        return "counts", ()
    if origin is tuple:
        item, _ = _strip(get_args(annotation)[0])
        if isinstance(item, type) and issubclass(item, BaseModel):
            return "findings", get_args(item.model_fields["label"].annotation)
        return ("words", get_args(item)) if get_origin(item) is Literal else ("texts", ())
    return scalars[annotation], ()


def _walk(model: type[BaseModel], prefix: str) -> dict[str, Attribute]:
    found: dict[str, Attribute] = {}
    for name, field in model.model_fields.items():
        path = prefix + name
        annotation, nullable = _strip(field.annotation)
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            found |= _walk(annotation, f"{path}.")
            continue
        kind, words = _kind(annotation)
        found[path] = Attribute(
            path, kind, words, nullable, field.description or "", attrgetter(path)
        )
    return found


ATTRIBUTES: Mapping[str, Attribute] = types.MappingProxyType(_walk(Envelope, ""))
