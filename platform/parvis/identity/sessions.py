"""Logins that browsers began and the sessions they became, kept on the server.

A browser holds random numbers only; the database holds their SHA-256 and Keycloak's tokens sealed
under a key of the session, which is destroyed with it. What may be done in a session is decided by
the roles that Keycloak last confirmed, at most one token's life (five minutes) ago.
"""

import hashlib
import hmac
import logging
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine
from sqlmodel import Session, col, delete, func, or_, select, update

from parvis.db import open_session
from parvis.domain import Language, Principal
from parvis.errors import AuditUnavailable, AuthenticationFailed, IdentityUnavailable, NotFound
from parvis.identity.claims import Issuer, get_subject
from parvis.identity.keycloak import Keycloak, Tokens
from parvis.identity.safe import Kept, SessionSafe
from parvis.identity.session_states import (
    Cause,
    EndedSession,
    NewSession,
    PortalSession,
    RoleMissing,
    login_expired,
)
from parvis.identity.tokens import TokenVerifier
from parvis.keystore import KeyStore
from parvis.settings import Settings
from parvis.tables import LoginStateRow, SessionRow

log = logging.getLogger(__name__)

CALLBACK_PATH = "/login/callback"

_LOGIN_LIFE = timedelta(minutes=10)
_REFRESH_BEFORE_S = 60
_RETRY_S = 5
_TOUCH = timedelta(seconds=60)
_SWEEP = 200
_MAX_PATH = 500


class Sessions:
    """Portal sessions of all agencies. Safe for threads and processes."""

    def __init__(
        self,
        engine: Engine,
        keystore: KeyStore,
        keycloak: Keycloak,
        verifier: TokenVerifier,
        issuers: Sequence[Issuer],
        settings: Settings,
        *,
        clock: Callable[[], float] = time.time,
        on_end: Callable[[EndedSession], None] = lambda _ended: None,
    ) -> None:
        """`on_end` records that a session is over; it raises AuditUnavailable when it cannot."""
        self._engine = engine
        self._safe = SessionSafe(keystore)
        self._keycloak = keycloak
        self._verifier = verifier
        self._issuers = {issuer.tenant_id: issuer for issuer in issuers}
        self._public_url = settings.public_url
        self._longest = timedelta(minutes=settings.session_minutes)
        self._idle = timedelta(minutes=settings.session_idle_minutes)
        self._clock = clock
        self._on_end = on_end
        self._tried: dict[str, float] = {}
        self._lock = threading.Lock()

    def begin_login(
        self, tenant_id: str, browser_id: str, return_to: str, language: Language | None = None
    ) -> str:
        """Where to send this browser to sign in at its agency; raises NotFound.

        `browser_id` is the random cookie of the browser that begins, `return_to` a path of ours.
        """
        issuer = self._issuers.get(tenant_id)
        if issuer is None:
            raise NotFound
        self._forget_old_logins()
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        row = LoginStateRow(
            state_hash=_digest(state),
            tenant_id=tenant_id,
            browser_hash=_digest(browser_id),
            issuer=issuer.issuer,
            nonce=nonce,
            sealed_verifier=self._safe.seal_verifier(tenant_id, _digest(state), verifier),
            return_to=return_to[:_MAX_PATH],
            expires_at=self._now() + _LOGIN_LIFE,
        )
        with open_session(self._engine) as session:
            session.add(row)
        return self._keycloak.authorization_url(
            issuer.issuer,
            client_id=issuer.portal_client,
            redirect_uri=self._public_url + CALLBACK_PATH,
            state=state,
            nonce=nonce,
            verifier=verifier,
            language=language,
        )

    def finish_login(self, state: str, code: str, iss: str, browser_id: str) -> NewSession:
        """The session that this code opens.

        The state must be one that this browser began, not used before, and `iss` the issuer it was
        begun with (RFC 9207). Raises AuthenticationFailed (code `login_expired` when starting anew
        helps), RoleMissing, IdentityUnavailable.
        """
        row = self._take_state(state, browser_id)
        issuer = self._issuers.get(row.tenant_id)
        if issuer is None or issuer.issuer != row.issuer or iss != row.issuer:
            raise login_expired("issuer")
        verifier = self._safe.find_verifier(row)
        if verifier is None:
            raise login_expired("seal")
        try:
            tokens = self._keycloak.exchange_code(
                issuer.issuer,
                client_id=issuer.portal_client,
                code=code,
                verifier=verifier,
                redirect_uri=self._public_url + CALLBACK_PATH,
            )
        except AuthenticationFailed as failure:
            raise login_expired(failure.reason) from None
        principal = self._read_person(issuer, tokens, row.nonce)
        return self._open(principal, tokens, row.return_to)

    def abandon_login(self, state: str, browser_id: str) -> str:
        """Use up the state of a login that Keycloak sent back without a code; the agency's slug.

        Raises AuthenticationFailed (`login_expired`).
        """
        return self._take_state(state, browser_id).tenant_id

    def find_session(self, session_id: str, *, confirm: bool = True) -> PortalSession | None:
        """The session, its roles confirmed by Keycloak not long ago; None when it is over.

        Raises IdentityUnavailable when the roles must be confirmed and Keycloak cannot be reached.
        Without `confirm` the roles may be old: enough for signing out, and for nothing else.
        """
        ref = _digest(session_id) if session_id else ""
        row = self._load(ref) if ref else None
        if row is None:
            return None
        if not self._is_alive(row):
            self._end(row)
            return None
        kept = self._safe.find_kept(row)
        confirmed = self._confirm(row, kept) if confirm and kept else kept
        if confirmed is None:
            self._end(row, "withdrawn" if kept else "unreadable")
            return None
        self._touch(row)
        return PortalSession(ref, confirmed.principal, row.csrf_token, row.expires_at)

    def end_session(self, session_id: str) -> None:
        """End the session here, then the one at Keycloak, for all its clients.

        Raises IdentityUnavailable when only the first could be done.
        """
        row = self._load(_digest(session_id)) if session_id else None
        if row is None:
            return
        kept = self._safe.find_kept(row)
        self._delete(row)
        issuer = self._issuers.get(row.tenant_id)
        if issuer and kept:
            self._keycloak.end_session(
                issuer.issuer, client_id=issuer.portal_client, refresh_token=kept.refresh_token
            )

    def forget_session(self, session_id: str) -> None:
        """Delete a session that nobody entered; its beginning is not on record either."""
        row = self._load(_digest(session_id)) if session_id else None
        if row:
            self._delete(row)

    def replace_session(self, session_id: str) -> None:
        """End the session here only: a new login in the same browser took its place."""
        row = self._load(_digest(session_id)) if session_id else None
        if row:
            self._end(row, "replaced" if self._is_alive(row) else None)

    def purge_expired(self) -> int:
        """Record and delete what is over, some at a time, keys included; how many sessions went.

        Of an agency whose log takes nothing, sessions stay until it does; they are over all the
        same.
        """
        now = self._now()
        self._forget_old_logins()
        with open_session(self._engine) as session:
            over = or_(
                col(SessionRow.expires_at) <= now, col(SessionRow.seen_at) <= now - self._idle
            )
            # in any order: those of a log that takes nothing are not always the first
            chosen = select(SessionRow).where(over).order_by(func.random()).limit(_SWEEP)
            rows = session.exec(chosen).all()
        gone, refused = 0, set()
        for row in rows:
            if row.tenant_id in refused:
                continue
            if self._end(row):
                gone += 1
            else:
                refused.add(row.tenant_id)
        return gone

    def _forget_old_logins(self) -> None:
        with open_session(self._engine) as session:
            over = col(LoginStateRow.expires_at) <= self._now()
            session.exec(delete(LoginStateRow).where(over))

    def _end(self, row: SessionRow, reason: Cause | None = None) -> bool:
        """Have the end recorded, then forget the session; False when it cannot be recorded.

        It is over all the same: then it stays, dead, until its end can be told.
        """
        try:
            self._on_end(EndedSession(row.tenant_id, row.id_hash, reason or self._why_over(row)))
        except AuditUnavailable:
            log.warning("session.end_untold", extra={"reason": reason or "over"})
            if reason is not None:
                self._kill(row)
            return False
        self._delete(row)
        return True

    def _why_over(self, row: SessionRow) -> Cause:
        if row.expires_at <= row.created_at:
            return "late"
        return "too_old" if row.expires_at <= self._now() else "idle"

    def _kill(self, row: SessionRow) -> None:
        over = update(SessionRow).where(col(SessionRow.id_hash) == row.id_hash)
        with open_session(self._engine) as session:
            session.exec(over.values(expires_at=row.created_at))

    def _take_state(self, state: str, browser_id: str) -> LoginStateRow:
        """The login that this state began, removed so that it serves once, whoever brings it."""
        with open_session(self._engine) as session:
            row = session.get(LoginStateRow, _digest(state))
            if row is None or not _remove_state(session, row.state_hash):
                raise login_expired("state")
        if row.expires_at <= self._now():
            raise login_expired("state_expired")
        if not browser_id or not hmac.compare_digest(row.browser_hash, _digest(browser_id)):
            raise login_expired("other_browser")
        return row

    def _read_person(self, issuer: Issuer, tokens: Tokens, nonce: str) -> Principal:
        claims = self._verifier.verify_id_token(
            tokens.id_token, issuer=issuer.issuer, client_id=issuer.portal_client, nonce=nonce
        )
        principal = self._verifier.verify(tokens.access_token)
        if principal.tenant_id != issuer.tenant_id:
            raise AuthenticationFailed(reason="other_agency")
        if principal.kind != "person" or principal.subject != get_subject(claims):
            raise AuthenticationFailed(reason="subject")
        if not principal.roles:
            raise RoleMissing(principal)
        return principal

    def _open(self, principal: Principal, tokens: Tokens, return_to: str) -> NewSession:
        session_id = secrets.token_urlsafe(32)
        now = self._now()
        row = SessionRow(
            id_hash=_digest(session_id),
            tenant_id=principal.tenant_id,
            subject=principal.subject,
            roles=_role_words(principal),
            csrf_token=secrets.token_urlsafe(32),
            sealed_tokens=b"",
            created_at=now,
            seen_at=now,
            expires_at=now + self._longest,
        )
        row.sealed_tokens = self._safe.seal_session(row, self._keep(principal, tokens))
        with open_session(self._engine) as session:
            session.add(row)
        return NewSession(session_id, row.id_hash, return_to, principal)

    def _keep(self, principal: Principal, tokens: Tokens) -> Kept:
        until = self._clock() + tokens.expires_in
        return Kept(principal, tokens.refresh_token, until)

    def _confirm(self, row: SessionRow, kept: Kept) -> Kept | None:
        """The session with roles that Keycloak confirmed lately; None when it withdrew them."""
        left = kept.confirmed_until - self._clock()
        if left > _REFRESH_BEFORE_S or (left > 0 and not self._may_try(row.id_hash)):
            return kept
        issuer = self._issuers.get(row.tenant_id)
        if issuer is None:
            return None
        try:
            return self._refresh(issuer, row, kept)
        except IdentityUnavailable:
            if left > 0:
                return kept
            raise
        except AuthenticationFailed as failure:
            log.info("session.withdrawn", extra={"reason": failure.reason})
            return None

    def _refresh(self, issuer: Issuer, row: SessionRow, kept: Kept) -> Kept | None:
        tokens = self._keycloak.refresh(
            issuer.issuer, client_id=issuer.portal_client, refresh_token=kept.refresh_token
        )
        principal = self._verifier.verify(tokens.access_token)
        same = (principal.tenant_id, principal.subject) == (row.tenant_id, row.subject)
        if not same or not principal.roles:
            return None
        fresh = self._keep(principal, tokens)
        values = {
            "sealed_tokens": self._safe.seal_session(row, fresh),
            "roles": _role_words(principal),
        }
        changed = update(SessionRow).where(col(SessionRow.id_hash) == row.id_hash)
        with open_session(self._engine) as session:
            done = session.exec(changed.values(**values))
        return fresh if done.rowcount == 1 else None

    def _may_try(self, ref: str) -> bool:
        """True for one caller in a few seconds: the others go on with what is still confirmed."""
        now = self._clock()
        with self._lock:
            self._tried = {key: at for key, at in self._tried.items() if now - at < _RETRY_S}
            if ref in self._tried:
                return False
            self._tried[ref] = now
            return True

    def _is_alive(self, row: SessionRow) -> bool:
        now = self._now()
        return now < row.expires_at and now < row.seen_at + self._idle

    def _touch(self, row: SessionRow) -> None:
        now = self._now()
        if now - row.seen_at >= _TOUCH:
            seen = update(SessionRow).where(col(SessionRow.id_hash) == row.id_hash)
            with open_session(self._engine) as session:
                session.exec(seen.values(seen_at=now))

    def _load(self, ref: str) -> SessionRow | None:
        with open_session(self._engine) as session:
            return session.get(SessionRow, ref)

    def _delete(self, row: SessionRow) -> None:
        with open_session(self._engine) as session:
            session.exec(delete(SessionRow).where(col(SessionRow.id_hash) == row.id_hash))
        self._safe.destroy(row)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)


def forget_person(engine: Engine, keystore: KeyStore, tenant_id: str, subject: str) -> int:
    """End every session of a person here, keys included; how many there were."""
    with open_session(engine) as session:
        mine = (SessionRow.tenant_id == tenant_id, SessionRow.subject == subject)
        rows = session.exec(select(SessionRow).where(*mine)).all()
        for row in rows:
            SessionSafe(keystore).destroy(row)
            session.delete(row)
    return len(rows)


def list_session_refs(engine: Engine, tenant_id: str, subject: str) -> list[str]:
    """The sessions of a person that are kept here, as records name them."""
    with open_session(engine) as session:
        mine = (SessionRow.tenant_id == tenant_id, SessionRow.subject == subject)
        return list(session.exec(select(SessionRow.id_hash).where(*mine)).all())


def _remove_state(session: Session, state_hash: str) -> bool:
    done = session.exec(delete(LoginStateRow).where(col(LoginStateRow.state_hash) == state_hash))
    return done.rowcount == 1


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _role_words(principal: Principal) -> str:
    return ",".join(sorted(principal.roles))
