"""A sealed value opens as what its record commits to, under the key it names, or not at all."""

from collections.abc import Mapping

import pytest

from parvis.audit.sealing import MAX_SEALED_BYTES, commit_to, open_value, seal_value
from parvis.keystore import DataKey, SealBroken

KEY, LOG, RECORD = DataKey("key-1", bytes(range(32))), "a" * 32, "b" * 36
VALUE = "très bien".encode()


def change(**fields: object) -> Mapping[str, object]:
    return fields


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (change(k="key-2"), "names another key"),
        (change(c=commit_to(bytes(32), VALUE)), "not the one the record commits to"),
        (change(n=len(VALUE) - 1), "not the one the record commits to"),
    ],
)
def test_an_entry_that_says_otherwise_opens_nothing(
    fields: Mapping[str, object], words: str
) -> None:
    sealed = seal_value(KEY, LOG, RECORD, "answer", VALUE)
    assert open_value(KEY, LOG, RECORD, "answer", sealed.box, sealed.entry) == VALUE
    with pytest.raises(SealBroken, match=words):
        open_value(KEY, LOG, RECORD, "answer", sealed.box, {**sealed.entry, **fields})


def test_a_value_may_be_so_large_and_no_larger() -> None:
    sealed = seal_value(KEY, LOG, RECORD, "answer", bytes(MAX_SEALED_BYTES))
    assert sealed.length == MAX_SEALED_BYTES
    with pytest.raises(ValueError, match="too large"):
        seal_value(KEY, LOG, RECORD, "answer", bytes(MAX_SEALED_BYTES + 1))
