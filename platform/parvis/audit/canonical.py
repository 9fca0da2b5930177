"""The one byte form of a record: RFC 8785 for the values that records may hold.

Keys ASCII, no floats, whole numbers below 2^53: for these, sorted JSON without spaces *is*
RFC 8785.
"""

from collections.abc import Mapping
from typing import Any

import orjson

MAX_RECORD_BYTES = 8192
MAX_INTEGER = 2**53 - 1


def encode(record: Mapping[str, Any]) -> bytes:
    """The canonical bytes of `record`; raises ValueError for a value that records may not hold."""
    _check(record)
    try:
        return orjson.dumps(record, option=orjson.OPT_SORT_KEYS)
    except TypeError as error:
        raise ValueError("record holds a value without a canonical form") from error


def _check(value: Any) -> None:
    if value is None or isinstance(value, str | bool):
        return
    if isinstance(value, int):
        if abs(value) > MAX_INTEGER:
            raise ValueError("record holds a number beyond 2^53")
    elif isinstance(value, dict | Mapping):  # dict first: it costs a tenth
        for key, inner in value.items():
            if not (isinstance(key, str) and key.isascii()):
                raise ValueError("record holds a key that is not ASCII text")
            if type(inner) is not str:
                _check(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _check(inner)
    else:
        raise ValueError(f"record holds a {type(value).__name__}")
