"""What a session and a begun login keep in secret, sealed under keys that die with them.

Not here: when they begin and end (`sessions.py`).
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from parvis.domain import Principal, Role
from parvis.keystore import KeyStore, SealBroken, seal, unseal
from parvis.tables import LoginStateRow, SessionRow

log = logging.getLogger(__name__)

_KIND = "session"
_LOGINS = "logins"


@dataclass(frozen=True, slots=True, repr=False)
class Kept:
    """What is sealed in a session's row. `confirmed_until`: when the roles must be asked anew."""

    principal: Principal
    refresh_token: str
    confirmed_until: float


class SessionSafe:
    """Seals and opens; a row that was altered or whose key is gone opens as None."""

    def __init__(self, keystore: KeyStore) -> None:
        self._keystore = keystore

    def seal_session(self, row: SessionRow, kept: Kept) -> bytes:
        """`kept` under the session's own key."""
        values = asdict(kept)
        values["principal"]["roles"] = sorted(kept.principal.roles)
        key = self._keystore.get_key(row.tenant_id, _KIND, row.id_hash).key
        return seal(key, json.dumps(values).encode(), f"session:{row.id_hash}")

    def find_kept(self, row: SessionRow) -> Kept | None:
        """What the row keeps, or None."""
        key = self._keystore.find_key(row.tenant_id, _KIND, row.id_hash)
        plain = _open(key.key, row.sealed_tokens, f"session:{row.id_hash}") if key else None
        if plain is None:
            return None
        values = json.loads(plain)
        return Kept(**{**values, "principal": _read_principal(values["principal"])})

    def destroy(self, row: SessionRow) -> None:
        """Nobody can open this session's tokens any more, in any copy."""
        self._keystore.destroy_key(row.tenant_id, _KIND, row.id_hash)

    def seal_verifier(self, tenant_id: str, state_hash: str, verifier: str) -> bytes:
        """The PKCE verifier of a login that begins, under the agency's key for logins."""
        key = self._keystore.get_key(tenant_id, _KIND, _LOGINS).key
        return seal(key, verifier.encode(), f"login:{state_hash}")

    def find_verifier(self, row: LoginStateRow) -> str | None:
        """The verifier of this login, or None."""
        key = self._keystore.get_key(row.tenant_id, _KIND, _LOGINS).key
        plain = _open(key, row.sealed_verifier, f"login:{row.state_hash}")
        return None if plain is None else plain.decode()


def _open(key: bytes, sealed: bytes, context: str) -> bytes | None:
    try:
        return unseal(key, sealed, context)
    except SealBroken:
        log.warning("session.seal_broken")
        return None


def _read_principal(values: Mapping[str, Any]) -> Principal:
    return Principal(**{**values, "roles": frozenset(Role(word) for word in values["roles"])})
