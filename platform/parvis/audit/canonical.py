"""The one byte form of a record: RFC 8785 for the values that records may hold.

Keys ASCII, no floats, whole numbers below 2^53: for these, sorted JSON without spaces *is*
RFC 8785.
"""

import re
from collections.abc import Mapping
from typing import Any

import orjson

MAX_RECORD_BYTES = 8192
MAX_INTEGER = 2**53 - 1

_SORTED = orjson.OPT_SORT_KEYS
# numbers that are not whole or have 16 digits, lists of other things than text; text that merely
# looks so is cleared by the walk (three patterns: each begins with fixed bytes, which is fast)
_find_number = re.compile(rb'":-?(?:[0-9]{16}|[0-9]+[.eE])').search
_find_first = re.compile(rb'\[[^"\]]').search
_find_next = re.compile(rb'",[^"]').search


def encode(record: Mapping[str, Any]) -> bytes:
    """The canonical bytes of `record`; raises ValueError for a value that records may not hold."""
    _check(record)
    try:
        return orjson.dumps(record, option=_SORTED)
    except TypeError as error:
        raise ValueError("record holds a value without a canonical form") from error


def encode_json(record: Mapping[str, Any]) -> bytes:
    """The same for what holds JSON's own types only: parsed JSON, or a body that was checked."""
    try:
        data = orjson.dumps(record, option=_SORTED)
    except TypeError as error:
        raise ValueError("record holds a value without a canonical form") from error
    if not data.isascii() or _find_number(data) or _find_first(data) or _find_next(data):
        _check(record)
    return data


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
