"""Whom an auditor trusts, as a tlog-policy to print: a log's keys, witnesses, quorum, authorities.

What the operator configured is a proposal: the auditor compares each fingerprint on paper, and
strikes out whom he does not trust. Reading a policy is `verify.py`'s business.
"""

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from parvis.audit.events import PLATFORM
from parvis.audit.notes import format_fingerprint
from parvis.audit.reader import AuditReader, describe_key
from parvis.audit.store import Store
from parvis.audit.verify import Trust, split_vkey


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A key of the policy: whose it is (`log`, `platform`, `witness`, `authority`), its name,
    algorithm, the key as the policy writes it, and what is compared on paper."""

    owner: str
    name: str
    algorithm: str
    text: str
    fingerprint: str


def list_trusted(reader: AuditReader, tenant_id: str, trust: Trust) -> list[TrustedKey]:
    """The keys of the agency's log, the platform's, witnesses, authorities; raises NotFound.

    Under a policy only platform logs that it names tell of births, ends and what went since.
    """
    key, cosigner = reader.get_key(tenant_id), reader.find_cosigner(tenant_id)
    found = [_of_vkey("log", "", key.vkey, "Ed25519")]
    if cosigner:
        found.append(_of_vkey("log", "", cosigner, "ML-DSA-44"))
    for vkey in reader.look(_list_platform):
        if vkey != key.vkey:
            found.append(_of_vkey("platform", "", vkey, "Ed25519"))
    for name, witness in trust.witnesses.items():
        found.append(_of_vkey("witness", name, witness.vkey, _name_algorithm(witness.vkey)))
    for name, root in trust.roots.items():
        text, digest = base64.b64encode(root).decode(), hashlib.sha256(root).hexdigest()[:32]
        fingerprint = " ".join(digest[at : at + 4] for at in range(0, len(digest), 4))
        found.append(TrustedKey("authority", name, "X.509", text, fingerprint))
    return found


def _list_platform(store: Store) -> list[str]:
    """The keys of the platform's log, and of those that it took the place of."""
    logs = [log for log in store.list_all_logs() if log.tenant_id == PLATFORM]
    return [describe_key(log).vkey for log in reversed(logs)]


def format_policy(keys: list[TrustedKey], trust: Trust) -> str:
    """The policy that names all of these keys, each under its fingerprint."""
    return "".join(f"{line}\n" for line in _lines(keys, trust))


def _lines(keys: list[TrustedKey], trust: Trust) -> Iterator[str]:
    words = {"log": "log", "platform": "log", "witness": "witness", "authority": "#!tsa"}
    names = {"log": "(this log)", "platform": "(of all logs)"}
    for key in keys:
        name = key.name or names[key.owner]
        yield f"# {key.owner} {name} {key.algorithm}: {key.fingerprint}"
        yield " ".join(word for word in (words[key.owner], key.name, key.text) if word)
    for name, (least, members) in trust.groups.items():
        yield f"group {name} {least} {' '.join(members)}"
    yield f"quorum {trust.quorum}"


def _of_vkey(owner: str, name: str, vkey: str, algorithm: str) -> TrustedKey:
    return TrustedKey(owner, name, algorithm, vkey, format_fingerprint(vkey))


def _name_algorithm(vkey: str) -> str:
    kind = split_vkey(vkey)[2][0]  # the base64 may have a `+` of its own
    return {0x04: "Ed25519", 0x06: "ML-DSA-44"}.get(kind, f"0x{kind:02x}")
