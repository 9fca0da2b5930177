"""The receipt that a caller takes home: position, leaf hash and signed head in one line of text."""

import base64
import binascii
import struct
from typing import NamedTuple

_PREFIX = "v1."
_LAYOUT = struct.Struct(">16sQ32sQ32s64s")
_MAX_INDEX = 2**53


class Receipt(NamedTuple):
    """Proof of what the log promised: record `seq` of `log` is in the tree that `signature` signs.

    `log` is the log's 32 hex digits; hashes and signature are raw bytes. `id` is the record's own
    id, empty when the receipt was read from text.
    """

    log: str
    seq: int
    leaf_hash: bytes
    size: int
    root: bytes
    signature: bytes
    id: str = ""

    @property
    def text(self) -> str:
        """`v1.` and 214 characters of base64url, as the header `x-audit-receipt` carries it."""
        packed = _LAYOUT.pack(
            bytes.fromhex(self.log),
            self.seq,
            self.leaf_hash,
            self.size,
            self.root,
            self.signature,
        )
        return _PREFIX + base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def parse_receipt(text: str) -> Receipt:
    """The receipt that `text` writes; raises ValueError when it is none."""
    text = text.strip()
    if not text.startswith(_PREFIX) or not text.isascii():
        raise ValueError("not an audit receipt")
    body = text[len(_PREFIX) :]
    try:
        raw = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
        log, seq, leaf_hash, size, root, signature = _LAYOUT.unpack(raw)
    except (binascii.Error, struct.error):
        raise ValueError("not an audit receipt") from None
    receipt = Receipt(log.hex(), seq, leaf_hash, size, root, signature)
    if receipt.text != text or not seq < size <= _MAX_INDEX:
        raise ValueError("not an audit receipt")
    return receipt
