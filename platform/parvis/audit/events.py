"""Drafts of records, who acted, and the fields that a draft decides, checked against its kind.

What a person typed or is called travels in `sealed` only. Not here: which kinds and fields there
are (`kinds.py`); positions, times and signatures (`writer.py`).
"""

import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

from parvis.audit.kinds import (
    BLOCKS,
    CONTENT_PREFIXES,
    KINDS,
    REQUIRED_FIELDS,
    SEALED_CONTENT,
    SEALED_NAMES,
    TYPES,
    VERSION,
    WORD_FORM,
    Kind,
)
from parvis.domain import Principal
from parvis.keystore import draw_random

PLATFORM = "platform"
MAX_SEALED_BYTES = 16 * 1024 * 1024


class KeyRef(NamedTuple):
    """Which keys of the agency seal a record's values: a conversation's, a person's, its own.

    The keys of conversations and persons serve one day; a `request` has a key for itself alone.
    """

    kind: Literal["conversation", "subject", "request"]
    ref: str = ""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acted. `subject` never reaches the record: a pseudonym of the month takes its place."""

    type: Literal["person", "service", "system", "unknown"]
    subject: str = ""
    roles: tuple[str, ...] = ()
    assurance: str = ""
    client: str = ""

    @classmethod
    def of(cls, principal: Principal) -> "Actor":
        """The actor that a verified token or session names."""
        return cls(
            type=principal.kind,
            subject=principal.subject,
            roles=tuple(sorted(role.value for role in principal.roles)),
            assurance=clean_word(principal.assurance),
            client=clean_word(principal.client_id),
        )


SYSTEM = Actor("system")
UNKNOWN = Actor("unknown")


def new_id() -> str:
    """A UUID version 7 (RFC 9562): time in milliseconds, then random bits."""
    value = time.time_ns() // 1_000_000 << 80 | int.from_bytes(draw_random(10))
    text = f"{value & ~(0xF << 76 | 0x3 << 62) | 0x7 << 76 | 0x2 << 62:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


@dataclass(frozen=True, slots=True)
class Draft:
    """A record before the log gives it its position and time.

    Phase and outcome may be left out where the kind has only one. `re` names the intent that a
    result ends. `sealed` values are encrypted under the key of `seal_key` (the actor's own when
    None) and appear in the record as salted commitments. `id` makes appending idempotent.
    """

    kind: str
    actor: Actor = SYSTEM
    phase: str | None = None
    outcome: str | None = None
    reason: str = ""
    re: str | None = None
    target: Mapping[str, Any] = field(default_factory=dict)
    model: Mapping[str, Any] = field(default_factory=dict)
    use: Mapping[str, Any] = field(default_factory=dict)
    policy: Mapping[str, Any] = field(default_factory=dict)
    privacy: Mapping[str, Any] = field(default_factory=dict)
    http: Mapping[str, Any] = field(default_factory=dict)
    trace: Mapping[str, Any] = field(default_factory=dict)
    change: Mapping[str, Any] = field(default_factory=dict)
    sealed: Mapping[str, bytes] = field(default_factory=dict)
    seal_key: KeyRef | None = None
    id: str = field(default_factory=new_id)


def replace_id(draft: Draft) -> Draft:
    """The same draft as a record of its own."""
    return replace(draft, id=new_id())


_NUMBERS = (int, bool, float)  # of which none is empty
_PLAIN = (str, int, bool)
_CHECKS = {
    name: {key: TYPES[kind] for key, kind in fields.items()} for name, fields in BLOCKS.items()
}
_NOT_WORD = re.compile(r"[^A-Za-z0-9._:/@+=,~()#<>*-]")
UUID_FORM = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


def clean_word(value: str) -> str:
    """`value` from outside (a model server, a token) made fit for a record: others become `_`."""
    return _NOT_WORD.sub("_", value[:255])


def build_body(draft: Draft) -> dict[str, Any]:
    """The fields of the record that the draft decides, checked against its kind.

    Empty values are left out. Raises ValueError naming the field, never its value.
    """
    kind = KINDS.get(draft.kind)
    if kind is None:
        raise ValueError("audit: no such kind of record")
    body: dict[str, Any] = {"v": VERSION, "id": draft.id, "kind": draft.kind}
    body["phase"] = _only(draft.phase, kind.phases, "phase")
    if kind.outcomes:
        body["outcome"] = _only(draft.outcome, kind.outcomes, "outcome")
    elif draft.outcome is not None:
        raise ValueError("audit: this kind has no outcome")
    if not UUID_FORM.fullmatch(draft.id):
        raise ValueError("audit: id is not a UUID")
    if draft.reason:
        if not WORD_FORM.fullmatch(draft.reason):
            raise ValueError("audit: reason is not a word")
        body["reason"] = draft.reason
    check_sealed(draft.kind, draft.sealed)
    _add_re(body, draft)
    _add_blocks(body, draft, kind)
    return body


def _only(value: str | None, allowed: tuple[str, ...], name: str) -> str:
    if value is None and len(allowed) == 1:
        return allowed[0]
    if value not in allowed:
        raise ValueError(f"audit: {name} does not fit the kind")
    return value


def _add_re(body: dict[str, Any], draft: Draft) -> None:
    if (body["phase"] == "result") != (draft.re is not None):
        raise ValueError("audit: a result, and only a result, names its intent in `re`")
    if draft.re is not None:
        if not UUID_FORM.fullmatch(draft.re):
            raise ValueError("audit: re is not a UUID")
        body["re"] = draft.re


def check_sealed(kind: str, names: Iterable[str]) -> None:
    """Only kinds about content carry sealed content; raises ValueError."""
    allowed = SEALED_NAMES | (SEALED_CONTENT if kind.startswith(CONTENT_PREFIXES) else frozenset())
    if not allowed.issuperset(names):
        raise ValueError("audit: this kind carries no such sealed field")


_CARRIED = ("target", "model", "use", "policy", "privacy", "http", "trace", "change")


def _add_blocks(body: dict[str, Any], draft: Draft, kind: Kind) -> None:
    for name in _CARRIED:
        given = getattr(draft, name)
        block = check_block(name, given) if given else {}
        if block:
            if name not in kind.required and name not in kind.optional:
                raise ValueError(f"audit: {draft.kind} carries no {name}")
            body[name] = block
        elif name in kind.required:
            raise ValueError(f"audit: {draft.kind} needs {name}")


def check_block(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """`values` without the empty ones, checked against the fields of block `name`."""
    checks = _CHECKS[name]
    block: dict[str, Any] = {}
    wrong = []
    for key, value in values.items():
        plain = value if type(value) in _PLAIN else _plain(value)
        if not plain and type(plain) not in _NUMBERS:
            continue
        if name == "model" and type(plain) is str:  # partly a model server's own words
            plain = clean_word(plain)
        block[key] = plain
        check = checks.get(key)
        if check is None or not check(plain):
            wrong.append(str(key))
    wrong += [key for key in REQUIRED_FIELDS.get(name, ()) if key not in block]
    if wrong:
        raise ValueError(f"audit: {name}: {', '.join(sorted(wrong))}")
    return block


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): inner for key, inner in value.items()}
    if isinstance(value, frozenset | set):
        return sorted(str(inner) for inner in value)
    if isinstance(value, tuple | list):
        return [str(inner) for inner in value]
    if isinstance(value, str):
        return str(value)  # a StrEnum is not canonical JSON
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else value
