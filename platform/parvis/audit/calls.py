"""What is asked of the writer by name, and at which door: workers' calls and operators' calls.

The values and results are JSON. A worker may be in wrong hands, so a call of it is asked only with
values that it takes: anything else would end the one process that writes.
"""

from collections.abc import Callable, Mapping
from typing import Any

from parvis.audit import closing, pruning, published, turns
from parvis.audit.writer import Writer

_MAX_COUNT = 2**53 - 1


def _log(writer: Writer, tenant_id: str) -> list[Any]:
    row = writer.get_log(tenant_id)
    return [row.no, row.id, row.tenant_id, row.origin, row.public_key.hex()]


WORKER_CALLS: Mapping[str, Callable[..., Any]] = {
    "log": _log,
    "publish": published.publish,
    "thin": published.thin,
    "sign": published.sign,
    "delete_sealed": pruning.delete_sealed,
    "wipe": pruning.wipe,
    "ready": lambda writer: writer.stopped,
    "heads": lambda writer: writer.heads.load(),
    "figures": lambda writer: writer.figures.tell(writer.stopped),
}
"""What a worker may ask of the writer."""

_WORKER_VALUES: Mapping[str, str] = {
    "log": "word",
    "publish": "word count word",
    "thin": "word counts",
    "sign": "word word word",
    "delete_sealed": "word words",
    "wipe": "",
    "ready": "",
    "heads": "",
    "figures": "",
}
"""The values that each of these takes."""

OPERATOR_CALLS: Mapping[str, Callable[..., Any]] = {
    "rotate": turns.rotate,
    "compromise": turns.declare_compromised,
    "close": closing.close_log,
    "roll_back": closing.roll_back,
    "prune": pruning.prune,
}
"""What only an operator may ask: no page of the gateway does."""


def takes(name: str, values: list[Any]) -> bool:
    """True when these are values of the worker's call of this name."""
    return " ".join(map(_name_value, values)) == _WORKER_VALUES.get(name)


def _name_value(value: Any) -> str:
    if isinstance(value, list):
        kinds = {_name_value(one) for one in value} or {"count"}
        return f"{kinds.pop()}s" if len(kinds) == 1 else "others"
    if isinstance(value, str):
        return "word"
    return "count" if type(value) is int and 0 <= value <= _MAX_COUNT else "other"
