"""How the database keeps a record's bytes: deflated against a fixed text that most records share.

A row holds a third of the record; the exact bytes come back, checked against their hash. Exports,
proofs and hashes know nothing of it. The shared text can never be changed, or what was kept under
it is lost: a test pins it. A better one would be a second text with a mark of its own.
"""

import zlib

from parvis.audit.canonical import MAX_RECORD_BYTES
from parvis.audit.tree import leaf_hash

_MARK = b"\x01"  # a record that is kept as it is begins with a brace
_LEVEL, _WINDOW, _MEMORY = 1, -12, 5  # no header; 4 KiB: filling a larger state would cost more
_SHARED = b"".join(
    (
        b'"audit.read""audit.exported""audit.unsealed""document.added""document.removed"',
        b'"review.requested""review.decided""admin.changed""admin.viewed""policy.published"',
        b'"model.changed""session.ended""session.expired""erasure.done""hold.placed"',
        b'"key.rotated""log.heads""log.heartbeat","log":"tool.called""chat.unknown"',
        b'"change":{"after":"","before":"","ground":"","origin":"","root":"","size":,"vkey":""}',
        b'"roles":["auditor","admin","dpo","citizen","editor"],"type":"service"',
        b'"actor":{"type":"system"},"emit":{"boot":"","reason":"error","failed""aborted"',
        b'"phase":"intent","tokens_cached":0,"tokens_reasoning":0,"estimated":true,"attempts":1',
        b'"privacy":{"action":"none","counts":{"ADDRESS":1,"IBAN":1,"PHONE":1,"ORGANISATION":1,',
        b'"LOCATION":1,"DATE":1,"URL":1,"action":"masked","counts":{"EMAIL":1,"PERSON":2},',
        b'"detector":"","kept":{},"profile":"mask"},"language":"fr","documents":["',
        b'"kind":"auth.logout","kind":"auth.failed","kind":"request.served",',
        b'"kind":"request.refused","outcome":"denied","kind":"chat.refused","kind":"chat.failed"',
        b'"http":{"method":"GET","route":"/v1/models","status":200},"id":"01',
        b'","kind":"auth.login","log":"","outcome":"success","phase":"fact","seen":"2026-',
        b'"kind":"chat.started","log":"","model":{"asked":"","digest":"sha256:',
        b'"actor":{"assurance":"substantial","client":"portal","pid":"',
        b'","roles":["civil-servant"],"type":"person"},"emit":{"boot":"","n":1,"node":"node-1",',
        b'"worker":"w1.1"},"http":{"code":"","method":"POST","request":"","route":"',
        b'/v1/chat/completions","status":200},"id":"01","kind":"chat.finished","log":"","model":{',
        b'"answered":"","asked":"","digest":"sha256:","provider":"local","response":"chatcmpl-",',
        b'"wanted":["local-small"]},"outcome":"success","phase":"result","policy":{"decision":',
        b'"deny""allow","digest":"sha256:","duties":["log","mask"],"rules":["default"],',
        b'"shadow":[]},"re":"01","seal":{"answer":{"c":"","k":"","n":1},"prompt":{"c":"","k":"",',
        b'"n":1},"user":{"c":"","k":"","n":36}},"seen":"2026-11-","seq":1,"target":{"assistant":"',
        b'","channel":"portal","conversation":"","level":2,"version":"1"},"time":"2026-11-',
        b'T10:00:00.000000Z","trace":{"span":"","trace":""},"use":{"bytes_in":1,"bytes_out":1,',
        b'"finish":"stop","first_ms":1,"messages":1,"ms":1,"stream":true,"tokens_in":1,',
        b'"tokens_out":1},"v":1}',
    )
)
_begin = zlib.compressobj(
    _LEVEL, zlib.DEFLATED, _WINDOW, _MEMORY, zlib.Z_DEFAULT_STRATEGY, _SHARED
).copy


def pack(leaf: bytes) -> bytes:
    """What the database keeps of a record; one that would grow stays as it is."""
    deflate = _begin()
    return min(_MARK + deflate.compress(leaf) + deflate.flush(), leaf, key=len)


def unpack(kept: bytes, hashed: bytes) -> bytes:
    """The record's bytes, whose leaf hash is `hashed`.

    What is not packed, or does not give these bytes, comes back as it is: then no hash fits it.
    """
    if not kept.startswith(_MARK):
        return kept
    inflate = zlib.decompressobj(_WINDOW, _SHARED)
    try:
        leaf = inflate.decompress(kept[len(_MARK) :], MAX_RECORD_BYTES)
    except zlib.error:
        return kept
    return leaf if leaf_hash(leaf) == hashed else kept
