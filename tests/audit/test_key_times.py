"""Which key of a log signs which size, and what no key of it makes a head of this log."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from parvis.audit.key_times import list_valid, open_head, sign_turn
from parvis.audit.notes import Checkpoint, NoteInvalid, sign_note
from parvis.audit.rows import KeyRow

ORIGIN, OTHER = (f"parvis.test/audit/{letter * 32}" for letter in "ab")
SECRETS = [Ed25519PrivateKey.from_private_bytes(bytes([at]) * 32) for at in (1, 2, 3)]
PUBLIC = [key.public_key().public_bytes_raw() for key in SECRETS]
KEYS = [KeyRow(begin, public) for begin, public in zip((0, 5, 9), PUBLIC, strict=True)]


@pytest.mark.parametrize(
    ("size", "valid"),
    [(0, [0]), (4, [0]), (5, [0, 1]), (6, [1]), (8, [1]), (9, [1, 2]), (10, [2]), (2**62, [2])],
)
def test_a_key_signs_from_its_begin_to_the_next_ones_both_included(
    size: int, valid: list[int]
) -> None:
    assert list_valid(KEYS, size) == [PUBLIC[at] for at in valid]


def test_the_head_of_a_change_needs_both_keys_and_any_other_the_one_of_its_time() -> None:
    turn = Checkpoint(ORIGIN, 5, bytes(32))
    assert open_head(sign_turn(turn, SECRETS[0], SECRETS[1]), ORIGIN, KEYS) == turn
    for key in SECRETS:
        with pytest.raises(NoteInvalid):
            open_head(sign_note(turn.text, ORIGIN, key), ORIGIN, KEYS)
    later = Checkpoint(ORIGIN, 6, bytes(32))
    assert open_head(sign_note(later.text, ORIGIN, SECRETS[1]), ORIGIN, KEYS) == later
    for key in (SECRETS[0], SECRETS[2]):
        with pytest.raises(NoteInvalid):
            open_head(sign_note(later.text, ORIGIN, key), ORIGIN, KEYS)


def test_a_head_of_another_log_is_none_of_this_one_though_its_key_signed_it() -> None:
    head = Checkpoint(OTHER, 3, bytes(32))
    for note in (sign_note(head.text, ORIGIN, SECRETS[0]), head.text, ""):
        with pytest.raises(NoteInvalid, match="not a head of this log"):
            open_head(note, ORIGIN, KEYS)
