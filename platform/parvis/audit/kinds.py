"""What may be recorded: the closed list of kinds, and the fields of each block with their types.

A new field or kind is a new `v`: leaves can never be migrated. Words in clear are identifiers of
closed alphabets. How a draft is checked against these tables is `events.py`'s business. `verify.py`
holds the same tables on its own; a test compares them.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

VERSION = 1

WORD_FORM = re.compile(r"[A-Za-z0-9._:/@+=,~()#<>*-]{1,255}", re.ASCII)
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


_is_word, _is_label = _text(WORD_FORM), _text(_LABEL)


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
