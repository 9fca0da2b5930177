"""Signed notes, checkpoints, keys and receipts: interoperable, and refused when bent."""

import base64
import os

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from parvis.audit import Receipt, parse_receipt, verify
from parvis.audit.notes import (
    Checkpoint,
    NoteInvalid,
    format_fingerprint,
    format_proof,
    format_vkey,
    open_note,
    parse_checkpoint,
    sign_note,
)

# the example of the signed-note documentation (key and note are public)
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETERS_TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
PETERS_NOTE = (
    PETERS_TEXT + "\n\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFY"
    "C2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
ORIGIN = "parvis.test/audit/" + "ab" * 16


def peters_key() -> bytes:
    return base64.b64decode(PETER.rpartition("+")[2])[1:]


def test_a_note_of_another_implementation_opens() -> None:
    assert open_note(PETERS_NOTE, "PeterNeumann", peters_key())[0] == PETERS_TEXT
    assert format_vkey("PeterNeumann", peters_key()) == PETER
    assert verify.open_note(PETERS_NOTE.encode(), verify.Key(PETER)) == PETERS_TEXT


def test_the_verifiers_own_ed25519_agrees_with_the_library(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw()
    signature = key.sign(b"message")
    order = verify.L
    scalar = int.from_bytes(signature[32:], "little")
    malleable = signature[:32] + (scalar + order).to_bytes(32, "little")
    cases = [
        (public, signature, b"message", True),
        (public, signature, b"massage", False),
        (public, malleable, b"message", False),
        (public, bytes(64), b"message", False),
        (b"\xff" * 32, signature, b"message", False),
        (public, signature[:63], b"message", False),
    ]
    for library in (True, False):
        if not library:
            monkeypatch.setattr(verify, "Ed25519PublicKey", None)
        for one_key, one, message, good in cases:
            assert verify.check_signature(one_key, one, message) is good
    # RFC 8032 7.1, test 2
    public = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
    signature = bytes.fromhex(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    assert verify.check_signature(public, signature, b"\x72")


def test_a_note_that_ends_otherwise_or_is_too_long_is_refused_though_its_signature_fits() -> None:
    key, size = peters_key(), len(PETERS_NOTE)
    assert open_note(PETERS_NOTE, "PeterNeumann", key, most=size)[0] == PETERS_TEXT
    with pytest.raises(NoteInvalid, match="not a signed note"):
        open_note(PETERS_NOTE[:-1] + "x", "PeterNeumann", key)
    with pytest.raises(NoteInvalid, match="too long"):
        open_note(PETERS_NOTE, "PeterNeumann", key, most=size - 1)


def test_the_verifiers_own_ed25519_refuses_numbers_at_their_limits() -> None:
    neutral = (1).to_bytes(32, "little")  # by its equation zero signs everything
    assert verify._own_check(neutral, neutral + bytes(32), b"message")
    beyond = neutral + verify.L.to_bytes(32, "little")
    assert not verify._own_check(neutral, beyond, b"message")
    assert verify._point(bytes(32)) is not None
    assert verify._point(verify.P.to_bytes(32, "little")) is None


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**53), st.binary(min_size=32, max_size=32), st.data())
def test_no_changed_character_of_a_checkpoint_opens(
    size: int, root: bytes, data: st.DataObject
) -> None:
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw()
    note = sign_note(Checkpoint(ORIGIN, size, root).text, ORIGIN, key)
    text, signature = open_note(note, ORIGIN, public)
    assert parse_checkpoint(text) == Checkpoint(ORIGIN, size, root) and len(signature) == 64
    raw = bytearray(note.encode())
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= 1 << data.draw(st.integers(0, 7))
    verifier = verify.Key(format_vkey(ORIGIN, public))
    with pytest.raises(verify.Malformed):
        verify.open_note(bytes(raw), verifier)
    changed = raw.decode(errors="replace")
    with pytest.raises(NoteInvalid):
        open_note(changed, ORIGIN, public)


@pytest.mark.parametrize(
    "text",
    ["", "a\n1\n", "a\n01\nAAAA\n", "a\n-1\nAAAA\n", "a\n1\nAAAA\nmore\n", "a\n1\n!!!!\n"],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(NoteInvalid):
        parse_checkpoint(text)
    with pytest.raises(verify.Malformed):
        verify.parse_checkpoint(text)


def test_a_receipt_survives_the_way_out_and_back() -> None:
    receipt = Receipt("ab" * 16, 5, os.urandom(32), 9, os.urandom(32), os.urandom(64), "id")
    text = receipt.text
    assert text.startswith("v1.") and len(text) == 217
    read = parse_receipt(f" {text}\n")
    assert read.text == text and read.seq == 5 and read.id == ""


@pytest.mark.parametrize(
    "change", ["", "v1.", "v2.AAAA", "v1.é", "v1." + "A" * 214, "v1." + "A" * 400]
)
def test_what_is_no_receipt_is_refused(change: str) -> None:
    with pytest.raises(ValueError, match="receipt"):
        parse_receipt(change)


def test_a_fingerprint_is_eight_groups_to_read_aloud() -> None:
    groups = format_fingerprint(PETER).split(" ")
    assert len(groups) == 8 and all(len(group) == 4 for group in groups)
    assert verify.Key(PETER).fingerprint == " ".join(groups)


def test_a_proof_file_has_the_lines_of_its_format() -> None:
    text = format_proof(3, [b"\x00" * 32], "note\n", b"leaf")
    first, extra, index, step, blank, note = text.rstrip("\n").split("\n")
    assert (first, index, blank, note) == ("c2sp.org/tlog-proof@v1", "index 3", "", "note")
    assert extra == "extra bGVhZg==" and base64.b64decode(step) == b"\x00" * 32


def signed(text: str) -> bytes:
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    return sign_note(text, ORIGIN, key).encode()


def own_key() -> verify.Key:
    raw = Ed25519PrivateKey.from_private_bytes(bytes(range(32))).public_key().public_bytes_raw()
    return verify.Key(format_vkey(ORIGIN, raw))


@pytest.mark.parametrize("sign", [*map(chr, range(10)), *map(chr, range(11, 32))])
def test_the_verifier_opens_no_note_with_control_characters_whoever_signed_it(sign: str) -> None:
    assert verify.open_note(signed("a word\n"), own_key()) == "a word\n"
    with pytest.raises(verify.Malformed, match="control"):
        verify.open_note(signed(f"a{sign}word\n"), own_key())


LINE = "\u2014 other.test/log AAAAAAAA\n"


@pytest.mark.parametrize(
    ("lines", "opens"),
    [
        (LINE * 63, True),
        (LINE * 64, False),
        ("\u2014 other.test/log AAAAAA==\n", False),
        ("\u2014 other.test/log AAAAAAA=\n", True),
        ("\u2014 other+test AAAAAAAA\n", False),
        ("\u2014  AAAAAAAA\n", False),
        ("\u2014 other.test/log AAAAAAAA x\n", False),
        ("- other.test/log AAAAAAAA\n", False),
        ("\u2014 other.test/log AAAAAAAA", False),
        ("\u2014 other.test/log AAAAAAAAx", False),  # the end of the line is no part of it
        ("\u2014 other.test/log AAAAAAB=\n", False),  # the same bytes, written otherwise
    ],
)
def test_the_verifier_takes_signature_lines_of_one_form_alone(lines: str, *, opens: bool) -> None:
    note = signed("a word\n") + lines.encode()
    if opens:
        assert verify.open_note(note, own_key()) == "a word\n"
        return
    with pytest.raises(verify.Malformed):
        verify.open_note(note, own_key())
