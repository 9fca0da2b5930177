"""DER as time stamps need it: one way to write a length, or two tokens could mean one thing."""

import pytest

from parvis.audit import verify

WRONG = {
    "indefinite": "0480",
    "no octet of length": "0480 00 00",
    "short form written long": "048105" + "00" * 5,
    "127 written long": "04817f" + "00" * 127,
    "leading zero": "04820080" + "00" * 128,
    "five octets": "04850000000080" + "00" * 128,
    "longer than there is": "0405" + "00" * 4,
    "long and longer than there is": "048180" + "00" * 127,
    "a tag of two octets": "1f0100",
    "nothing behind the tag": "04",
}


@pytest.mark.parametrize("name", WRONG)
def test_a_length_that_is_not_der_is_refused(name: str) -> None:
    with pytest.raises(verify.Malformed, match="not DER"):
        verify.read_der(bytes.fromhex(WRONG[name]))


@pytest.mark.parametrize("length", [0, 1, 127, 128, 255, 256, 65_535, 65_536])
def test_every_length_has_one_form(length: int) -> None:
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    head = bytes([length]) if length < 0x80 else bytes([0x80 | len(octets)]) + octets
    whole = b"\x04" + head + bytes(length)
    assert verify.read_der(whole) == [(4, bytes(length), whole)]
