"""The vault of a conversation: which placeholder stands for which value, for all its turns.

Every value is sealed under the conversation's own key and found again by a keyed hash of it; both
end with the conversation. Every worker sees the same numbering: whoever adds to it must have seen
all that was there, else the database refuses (`Conflict`), and the texts are to be masked anew.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlmodel import Session, col, select

from parvis.conversations.store import KEY_KIND
from parvis.db import DatabaseUnavailable, open_session
from parvis.domain import NumberedValue, Principal
from parvis.errors import Conflict, NotFound, PrivacyUnavailable
from parvis.keystore import KeyStore, SealBroken, derive_key, seal, unseal
from parvis.tables import ConversationRow, VaultValueRow

_NO_VAULT = "What stands for personal data in this conversation cannot be read just now."


@dataclass(frozen=True, slots=True)
class Numbering:
    """What a conversation holds so far; `batches` counts the times something was added."""

    values: tuple[NumberedValue, ...]
    batches: int


class Vault:
    """The store. Opens its own short transactions; none is open while texts are analysed."""

    def __init__(self, engine: Engine, keystore: KeyStore) -> None:
        self._engine = engine
        self._keystore = keystore

    def load(self, principal: Principal, conversation_id: str) -> Numbering:
        """The numbering of the owner's conversation. Raises NotFound, PrivacyUnavailable."""
        try:
            with open_session(self._engine) as session:
                _check_owned(session, principal, conversation_id)
                rows = session.exec(
                    select(VaultValueRow)
                    .where(
                        VaultValueRow.tenant_id == principal.tenant_id,
                        VaultValueRow.conversation_id == conversation_id,
                    )
                    .order_by(col(VaultValueRow.batch), col(VaultValueRow.position))
                ).all()
            key = self._get_key(principal, conversation_id)
            values = tuple(_open_value(key, row) for row in rows)
        except (SQLAlchemyError, DatabaseUnavailable, SealBroken) as error:
            raise PrivacyUnavailable(_NO_VAULT) from error
        return Numbering(values, rows[-1].batch + 1 if rows else 0)

    def add(
        self,
        principal: Principal,
        conversation_id: str,
        seen: Numbering,
        values: Sequence[NumberedValue],
    ) -> None:
        """Keep further values. Raises Conflict when there is more by now than was `seen`."""
        key = self._get_key(principal, conversation_id)
        rows = [
            VaultValueRow(
                conversation_id=conversation_id,
                batch=seen.batches,
                position=position,
                tenant_id=principal.tenant_id,
                label=one.label,
                number=one.number,
                form=one.form,
                value_hash=_hash_value(key, one),
                sealed_value=seal(key, _to_bytes(one.value), _place(conversation_id, one)),
            )
            for position, one in enumerate(values)
        ]
        try:
            with open_session(self._engine) as session:
                session.add_all(rows)
        except IntegrityError as error:
            raise Conflict("The conversation went on meanwhile.") from error
        except (SQLAlchemyError, DatabaseUnavailable) as error:
            raise PrivacyUnavailable(_NO_VAULT) from error

    def _get_key(self, principal: Principal, conversation_id: str) -> bytes:
        found = self._keystore.find_key(principal.tenant_id, KEY_KIND, conversation_id)
        if found is None:
            raise NotFound("This conversation was erased.")
        return found.key


def _check_owned(session: Session, principal: Principal, conversation_id: str) -> None:
    found = session.exec(
        select(ConversationRow.id).where(
            ConversationRow.id == conversation_id,
            ConversationRow.tenant_id == principal.tenant_id,
            ConversationRow.owner == principal.subject,
            col(ConversationRow.expires_at) > datetime.now(UTC),
        )
    ).first()
    if found is None:
        raise NotFound("There is no such conversation.")


def _open_value(key: bytes, row: VaultValueRow) -> NumberedValue:
    empty = NumberedValue(row.label, row.number, row.form, "")
    value = unseal(key, row.sealed_value, _place(row.conversation_id, empty))
    return NumberedValue(row.label, row.number, row.form, _from_bytes(value))


def _place(conversation_id: str, one: NumberedValue) -> str:
    """What a sealed value is bound to: moved to another placeholder it cannot be opened."""
    return f"{conversation_id}/vault/{one.label}/{one.number}/{one.form}"


def _hash_value(key: bytes, one: NumberedValue) -> str:
    """Keyed by the conversation: says nothing without its key, nor anything across two of them."""
    return hmac.new(
        derive_key(key, "vault", one.label), _to_bytes(one.value), hashlib.sha256
    ).hexdigest()


def _to_bytes(value: str) -> bytes:
    # JSON can carry half of a surrogate pair
    return value.encode("utf-8", "surrogatepass")


def _from_bytes(value: bytes) -> str:
    return value.decode("utf-8", "surrogatepass")
