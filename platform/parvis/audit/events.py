"""What may be recorded: the closed list of kinds, the fields of each block, and drafts of records.

A new field or kind is a new `v`: leaves can never be migrated. Words in clear are identifiers of
closed alphabets; what a person typed or is called travels in `sealed` only. Not here: positions,
times and signatures (`log.py`). `verify.py` holds the same tables on its own; a test compares them.
"""

import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

from parvis.domain import Principal
from parvis.keystore import draw_random

VERSION = 1
PLATFORM = "platform"
MAX_SEALED_BYTES = 16 * 1024 * 1024

_WORD = re.compile(r"[A-Za-z0-9._:/@+=,~()#<>*-]{1,255}", re.ASCII)
_LABEL = re.compile(r"[A-Z][A-Z0-9_]{0,39}", re.ASCII)
_HEX32 = re.compile(r"[0-9a-f]{32}", re.ASCII)
_HEX64 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_TIME = re.compile(r"[0-9]{4}(-[0-9]{2}){2}T[0-9]{2}(:[0-9]{2}){2}\.[0-9]{6}Z", re.ASCII)
_MAX_LISTED = 64


def _text(form: re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda value: type(value) is str and form.fullmatch(value) is not None


def _one_of(*words: str) -> Callable[[Any], bool]:
    allowed = frozenset(words)
    return lambda value: type(value) is str and value in allowed


_is_word, _is_label = _text(_WORD), _text(_LABEL)


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**53


def _are_words(value: Any) -> bool:
    return type(value) is list and len(value) <= _MAX_LISTED and all(map(_is_word, value))


def _are_counts(value: Any) -> bool:
    return (
        type(value) is dict
        and len(value) <= _MAX_LISTED
        and all(map(_is_label, value))
        and all(map(_is_count, value.values()))
    )


TYPES: Mapping[str, Callable[[Any], bool]] = {
    "word": _is_word,
    "words": _are_words,
    "count": _is_count,
    "flag": lambda value: type(value) is bool,
    "hex32": _text(_HEX32),
    "hex64": _text(_HEX64),
    "time": _text(_TIME),
    "counts": _are_counts,
    "actor": _one_of("person", "service", "system", "unknown"),
    "decision": _one_of("allow", "deny"),
    "action": _one_of("none", "masked", "generalised", "blocked", "passed"),
}
"""What the values of a field may be, by hand: this runs for every block of every record."""

BLOCKS: Mapping[str, Mapping[str, str]] = {
    "emit": {"node": "word", "boot": "hex32", "worker": "word", "n": "count"},
    "actor": {
        "type": "actor",
        "pid": "hex32",
        "roles": "words",
        "assurance": "word",
        "client": "word",
    },
    "target": {
        "assistant": "word",
        "version": "word",
        "channel": "word",
        "conversation": "word",
        "language": "word",
        "level": "count",
        "documents": "words",
        "tenant": "word",
        "log": "hex32",
        "session": "hex64",
        "object": "word",
        "key": "word",
        "view": "word",
        "seq": "count",
        "first": "count",
        "end": "count",
        "from": "time",
        "to": "time",
        "kinds": "words",
        "records": "count",
        "keys": "words",
        "days": "count",
        "task": "word",
    },
    "model": {
        "wanted": "words",
        "provider": "word",
        "asked": "word",
        "answered": "word",
        "response": "word",
        "digest": "word",
    },
    "use": {
        "messages": "count",
        "bytes_in": "count",
        "bytes_out": "count",
        "tokens_in": "count",
        "tokens_out": "count",
        "tokens_cached": "count",
        "tokens_reasoning": "count",
        "estimated": "flag",
        "stream": "flag",
        "attempts": "count",
        "ms": "count",
        "first_ms": "count",
        "finish": "word",
        "calls_logged": "count",
        "calls_maybe": "count",
        "calls_outside": "count",
        "calls_unlogged": "count",
        "counter": "count",
        "tools": "count",
    },
    "policy": {
        "digest": "word",
        "decision": "decision",
        "rules": "words",
        "duties": "words",
        "shadow": "words",
        "reviewer": "hex32",
        "count": "count",
    },
    "privacy": {
        "action": "action",
        "profile": "word",
        "counts": "counts",
        "kept": "counts",
        "detector": "word",
    },
    "http": {
        "method": "word",
        "route": "word",
        "status": "count",
        "code": "word",
        "param": "word",
        "request": "word",
    },
    "trace": {"trace": "hex32", "span": "word"},
    "change": {
        "before": "word",
        "after": "word",
        "origin": "word",
        "vkey": "word",
        "size": "count",
        "root": "hex64",
        "ground": "word",
        "cosigner": "hex64",
        "sealed_days": "count",
        "audit_days": "count",
    },
}
REQUIRED_FIELDS: Mapping[str, tuple[str, ...]] = {
    "emit": ("node", "boot", "worker", "n"),
    "actor": ("type",),
}
SEALED_NAMES = frozenset({"user", "ip", "note", "query"})
SEALED_CONTENT = frozenset({"prompt", "answer", "title", "document", "address"})
CONTENT_PREFIXES = ("chat.", "task.", "tool.", "document.", "review.")

Phase = Literal["intent", "result", "fact"]


class Kind(NamedTuple):
    """What a kind of record is: its phases, outcomes, blocks it must and may carry."""

    phases: tuple[str, ...]
    outcomes: tuple[str, ...]
    required: tuple[str, ...]
    optional: tuple[str, ...]


def _kind(
    phases: str, outcomes: str = "", required: str = "", optional: str = "target http trace"
) -> Kind:
    return Kind(
        tuple(phases.split()),
        tuple(outcomes.split()),
        tuple(required.split()),
        tuple(optional.split()),
    )


_CHAT = "target model use policy privacy http trace"
_ACT = "target change policy http trace"

KINDS: Mapping[str, Kind] = {
    "chat.started": _kind("intent", "", "target", "model use policy http trace"),
    "chat.finished": _kind("result", "success", "", _CHAT),
    "chat.aborted": _kind("result", "aborted", "", _CHAT),
    "chat.failed": _kind("result", "failed", "", _CHAT),
    "chat.refused": _kind("result fact", "denied", "", _CHAT),
    "chat.unknown": _kind("result", "unknown", "", "target"),
    "task.started": _kind("intent", "", "target", "model use policy http trace"),
    "task.finished": _kind("result", "success", "", _CHAT),
    "task.failed": _kind("result", "failed", "", _CHAT),
    "task.refused": _kind("result fact", "denied", "", _CHAT),
    "tool.called": _kind("fact", "success denied failed unknown", "target", _CHAT),
    "document.added": _kind("fact", "success denied failed", "target", _ACT),
    "document.removed": _kind("fact", "success denied failed", "target", _ACT),
    "review.requested": _kind("fact", "success", "target", _CHAT),
    "review.decided": _kind("fact", "success denied", "target", _CHAT),
    "auth.login": _kind("fact", "success"),
    "auth.logout": _kind("fact", "success"),
    "auth.failed": _kind("fact", "denied failed"),
    "session.ended": _kind("fact", "success"),
    "session.expired": _kind("fact", "success"),
    "request.served": _kind("fact", "success", "http", "target trace"),
    "request.refused": _kind("fact", "denied failed", "http", "target policy privacy trace"),
    "admin.changed": _kind("fact", "success denied failed", "target", _ACT),
    "admin.viewed": _kind("fact", "success denied", "target", "http trace"),
    "policy.published": _kind("fact", "success failed", "policy", _ACT),
    "model.changed": _kind("fact", "success failed", "model", _ACT),
    "key.created": _kind("fact", "success", "target", _ACT),
    "key.rotated": _kind("fact", "success", "target", _ACT),
    "key.compromised": _kind("fact", "unknown", "target", _ACT),
    "key.retired": _kind("fact", "success", "target", _ACT),
    "log.created": _kind("fact", "success", "target change", ""),
    "log.opened": _kind("fact", "success", "", "target change"),
    "log.heads": _kind("fact", "success", "change", ""),
    "log.heartbeat": _kind("fact", "success", "", "change"),
    "log.closed": _kind("fact", "success", "target change", ""),
    "log.rollback": _kind("fact", "success", "target change", "policy"),
    "clock.stepped": _kind("fact", "success", "change", ""),
    "audit.read": _kind("fact", "success denied", "target", "http trace"),
    "audit.exported": _kind("fact", "success denied failed", "target", "http trace change"),
    "audit.unsealed": _kind("fact", "success denied", "target", "http trace change"),
    "hold.placed": _kind("fact", "success denied", "target", _ACT),
    "hold.lifted": _kind("fact", "success denied", "target", _ACT),
    "erasure.requested": _kind("fact", "success", "target", _ACT),
    "erasure.refused": _kind("fact", "denied", "target", _ACT),
    "erasure.confirmed": _kind("fact", "success", "target", _ACT),
    "erasure.done": _kind("fact", "success failed", "target", _ACT + " privacy"),
    "retention.pruned": _kind("fact", "success failed", "target", _ACT),
    "retention.ran": _kind("fact", "success failed", "target", _ACT + " privacy"),
    "reconcile.result": _kind("fact", "success failed", "target", "use change"),
    "incident.opened": _kind("fact", "success unknown", "target", _ACT),
    "incident.closed": _kind("fact", "success", "target", _ACT),
}

UNWRITTEN: Mapping[str, str] = {
    "review.requested": "no draft waits for a person yet: there is no review queue",
    "review.decided": "as `review.requested`",
    "key.created": "a log's first key stands in `log.created`, each later one in `key.rotated`",
}
"""Kinds that nothing here writes, and why: verifiers know them, no export holds one."""


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
        if not _WORD.fullmatch(draft.reason):
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
