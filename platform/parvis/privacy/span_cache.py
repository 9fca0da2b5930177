"""What was found in texts seen lately, so that each message of a conversation is analysed once."""

import hashlib
import os
import threading
from collections import OrderedDict

from parvis.privacy.conflicts import Finding


class SpanCache:
    """Where things stand in texts seen lately, never the texts; keys are keyed hashes.

    The scope (a conversation's key, which belongs to one tenant) is part of the key, so nothing is
    shared between conversations or tenants.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._secret = os.urandom(32)
        self._lock = threading.Lock()
        self._kept: OrderedDict[bytes, tuple[Finding, ...]] = OrderedDict()

    def key(self, text: str, allow: frozenset[str], scope: bytes) -> bytes:
        """Under which this text is kept."""
        digest = hashlib.blake2b(key=self._secret, digest_size=32)
        for part in (scope, *(term.encode() for term in sorted(allow))):
            digest.update(len(part).to_bytes(8, "big") + part)
        digest.update(text.encode("utf-8", "surrogatepass"))
        return digest.digest()

    def find(self, key: bytes) -> tuple[Finding, ...] | None:
        """What was found under this key, if it was lately."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def keep(self, key: bytes, findings: tuple[Finding, ...]) -> None:
        """Keep it, and forget what was asked for least lately."""
        with self._lock:
            self._kept[key] = findings
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)
