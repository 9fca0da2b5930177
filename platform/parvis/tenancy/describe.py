"""The reference of the agency's file, written from its types (`docs/tenants.md` holds it).

A test compares the two, and its failure shows the lines to put there.
"""

from collections.abc import Iterator
from datetime import date
from enum import Enum, IntEnum
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from parvis.tenancy.config import (
    Agency,
    Assistant,
    AuditShare,
    Contact,
    Hiding,
    Identity,
    Privacy,
    Retention,
    Source,
    Texts,
)

_PARTS: tuple[tuple[str, type[BaseModel]], ...] = (
    ("The agency", Agency),
    ("`contact`", Contact),
    ("`identity`", Identity),
    ("`privacy`", Privacy),
    ("`retention`", Retention),
    ("`audit`", AuditShare),
    ("`sources`, each", Source),
    ("`assistants`, each", Assistant),
    ("`assistants`, each: `privacy`", Hiding),
)
_PLAIN = {str: "text", int: "number", bool: "true or false", date: "date"}


def build_reference() -> str:
    """Markdown: one table for each part of the file."""
    return "\n".join(line for title, part in _PARTS for line in _table(title, part))


def _table(title: str, part: type[BaseModel]) -> Iterator[str]:
    yield f"## {title}"
    yield ""
    yield "| key | value | without it | what it is |"
    yield "|---|---|---|---|"
    for name, field in part.model_fields.items():
        words = field.description or ""
        yield f"| `{name}` | {_type_words(field.annotation)} | {_default_words(field)} | {words} |"
    yield ""


def _default_words(field: FieldInfo) -> str:
    if field.is_required():
        return "fault"
    default = field.default
    if isinstance(default, BaseModel):
        return "its own defaults"
    if default is None:
        return "nothing"
    if default == ():
        return "none"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _type_words(kind: Any) -> str:
    """What a person may write for a value of this type."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Literal:
        return ", ".join(f"`{word}`" for word in inner)
    if origin is tuple:
        return f"list of {_type_words(inner[0])}"
    if origin is dict:
        return f"{_type_words(inner[1])} for each key"
    if inner:  # optional, or annotated with limits
        return _type_words(next(one for one in inner if one is not type(None)))
    return _class_words(kind)


def _class_words(kind: type) -> str:
    if issubclass(kind, Texts):
        return "text in `fr`, `de`, `lb`, `en`"
    if issubclass(kind, BaseModel):
        return "parts, see below"
    if issubclass(kind, IntEnum):
        return f"{min(kind)} to {max(kind)}"
    if issubclass(kind, Enum):
        return ", ".join(f"`{one.value}`" for one in kind)
    return _PLAIN[kind]
