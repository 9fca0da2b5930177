"""Anchoring: heads of our logs go to witnesses and to a time-stamp authority, their answers stay.

From the moment a copy of a head is outside the operator's reach, the records below it cannot be
changed unseen. Nothing here is on the way of an answer: what is away is asked again later, and the
gap is shown (`AnchorState`). Not here: what a witness does (`witness.py`), the thread that runs
this (`anchors_thread.py`), what an auditor makes of it (`verify.py`).
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from parvis.audit.anchors_http import Unreachable, post
from parvis.audit.anchors_store import AnchorStore, Stamp
from parvis.audit.cosignatures import add_cosignatures, find_cosignature
from parvis.audit.events import PLATFORM
from parvis.audit.incidents import describe_found, list_closed
from parvis.audit.log import AuditLog
from parvis.audit.notes import NoteInvalid
from parvis.audit.reader import AuditReader
from parvis.audit.readings import LogHead
from parvis.audit.timestamps import StampRefused, build_stamp_request, read_stamp
from parvis.audit.verify import Malformed, Trust, load_policy, own_note
from parvis.audit.witness import SIZE_TYPE, Request
from parvis.audit.writer import LogStopped
from parvis.errors import AuditUnavailable, ConfigurationFaults, Fault, InvalidRequest, NotFound
from parvis.settings import Settings

log = logging.getLogger(__name__)

WITNESS_LATE_S = 15 * 60
STAMP_LATE_S = 24 * 3600
_AUTHORITY = "time-stamp authority"
_LOOK_BACK = 100
_WRONG_ADDRESS = "expected an address that begins with http:// or https://"
_OK, _CONFLICT = 200, 409
_FORKED = (409, 422)


class _Trouble(Exception):
    """What was answered is of no use; the words say why."""


class _Contradicted(_Trouble):
    """A witness knows another history of the log."""


@dataclass(frozen=True, slots=True)
class AnchorPlan:
    """Who is asked: the witnesses and authorities of a tlog-policy, and how often (seconds)."""

    trust: Trust = field(default_factory=Trust)
    tsa_url: str = ""
    stamp_every_s: int = 3600


@dataclass(frozen=True, slots=True)
class AnchorState:
    """How much of a log others vouch for; times in seconds since 1970, None for never.

    `covered` counts the records below the newest head that the quorum signed or an authority of
    the policy stamped; `window` those after it, which rest on the operator's word.
    """

    asked: bool
    size: int
    covered: int
    window: int
    witnessed: int | None
    stamped: int | None
    late: bool
    troubles: tuple[tuple[str, int, str], ...]

    @property
    def newest(self) -> int | None:
        """The newest outside time."""
        return max((one for one in (self.witnessed, self.stamped) if one is not None), default=None)


def load_plan(path: Path | None, tsa_url: str, stamp_every_s: int) -> AnchorPlan:
    """The plan of a settings file; without one nobody is asked. Raises ConfigurationFaults."""
    if tsa_url and not _is_web_address(tsa_url):
        raise ConfigurationFaults([Fault("settings", 0, "PARVIS_TSA_URL", _WRONG_ADDRESS)])
    if path is None:
        return AnchorPlan(_nobody(), tsa_url, stamp_every_s)
    try:
        trust = load_policy(path.read_bytes())[1]
    except OSError as error:
        raise ConfigurationFaults([Fault(str(path), 0, "", "cannot be read")]) from error
    except Malformed as error:
        raise ConfigurationFaults([Fault(str(path), 0, "", str(error))]) from error
    wrong = [name for name, url in trust.urls.items() if url and not _is_web_address(url)]
    if wrong:
        raise ConfigurationFaults(Fault(str(path), 0, name, _WRONG_ADDRESS) for name in wrong)
    return AnchorPlan(trust, tsa_url, stamp_every_s)


def _is_web_address(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in {"http", "https"} and bool(parts.netloc)


def build_anchors(audit: AuditLog, settings: Settings) -> "Anchors":
    """Who is asked to vouch for the heads of the logs; raises ConfigurationFaults."""
    plan = load_plan(settings.anchors_file, settings.tsa_url, settings.tsa_interval_s)
    return Anchors(audit, plan)


def _nobody() -> Trust:
    trust = Trust()
    trust.set_quorum("none")
    return trust


def describe_logs(reader: AuditReader, audit_dir: Path, plan: AnchorPlan) -> dict[str, AnchorState]:
    """The state of every log, by agency."""
    store = AnchorStore(audit_dir)
    return {
        tenant_id: describe_anchors(
            store,
            plan,
            reader.get_key(tenant_id).log,
            reader.get_head(tenant_id).size,
            time.time(),
            find_birth(reader, tenant_id),
        )
        for tenant_id in reader.list_tenants()
    }


class Anchors:
    """Asks the witnesses and the authority of one installation. Thread-safe; fails soft."""

    def __init__(self, audit: AuditLog, plan: AnchorPlan) -> None:
        self.audit = audit
        self.plan = plan
        self.store = AnchorStore(audit.folder)

    def run_round(self, stopped: Callable[[], bool] = lambda: False) -> None:
        """Anchor every log whose turn it is; whatever fails is noted and tried next time."""
        away: set[str] = set()
        for tenant_id in self.audit.reader.list_tenants():
            if stopped():
                break
            try:
                self.anchor(tenant_id, away=away)
            except AuditUnavailable as error:
                if not isinstance(error.__cause__, LogStopped):  # else others go on
                    raise

    def anchor(
        self, tenant_id: str, *, stamp_now: bool = False, away: set[str] | None = None
    ) -> None:
        """Bring this log's head outside; a time stamp too when it is due or wanted now.

        Whoever does not answer is added to `away`, and not waited for again while it is there.
        """
        away = set() if away is None else away
        names = [name for name, url in self.plan.trust.urls.items() if url]
        if not names and not self.plan.tsa_url:
            return
        head = self.audit.publish_head(tenant_id)
        log_id = self.audit.reader.get_key(tenant_id).log
        for name in names:
            ask = partial(self._ask_witness, tenant_id, log_id, head, name)
            self._try(log_id, name, ask, away)
        if self.plan.tsa_url and (stamp_now or self._is_due(log_id)):
            self._try(log_id, _AUTHORITY, partial(self._ask_authority, log_id, head), away)

    def build_request(self, tenant_id: str, old: int) -> str:
        """An add-checkpoint request to carry to a witness by hand, from the size it signed last."""
        head = self.audit.publish_head(tenant_id)
        if old > head.size:
            raise InvalidRequest("the log is shorter than the size that the witness signed")
        proof = self.audit.reader.get_consistency(tenant_id, old, head.size)
        return Request(old, tuple(proof), head.note).text

    def accept(self, tenant_id: str, note: str, answer: str) -> tuple[str, int]:
        """Keep a cosignature that came by hand; gives (witness, time). Raises InvalidRequest.

        `note` is the head that was asked about: it MUST be one of this log.
        """
        key = self.audit.reader.get_key(tenant_id)
        lines = note.split("\n")
        if lines[0] != key.origin or not lines[1].isdecimal():
            raise InvalidRequest("the request is about another log")
        kept, when = "", 0
        for name, witness in self.plan.trust.witnesses.items():
            try:
                found = find_cosignature(note, answer, witness.vkey)
            except NoteInvalid as error:
                raise InvalidRequest(str(error)) from error
            if found is not None:  # one witness may sign with two keys
                line, when = found
                self.store.add_cosignature(key.log, int(lines[1]), name, when, note, line)
                kept = kept or name
        if not kept:
            raise InvalidRequest("none of the witnesses in PARVIS_ANCHORS_FILE signed this")
        return kept, when

    def thin(self) -> None:
        """Forget heads of every log that left the house and that nobody vouches for, as exports do.

        All of the last day stay, and of each hour before it the last.
        """
        for tenant_id in self.audit.reader.list_tenants():
            vouched = self.store.list_vouched(self._log_id(tenant_id))
            try:
                self.audit.thin_published(tenant_id, vouched)
            except AuditUnavailable as error:
                if not isinstance(error.__cause__, LogStopped):  # else others go on
                    raise

    def describe(self, tenant_id: str, now: float | None = None) -> AnchorState:
        """How much of the agency's log others vouch for; raises NotFound."""
        reader = self.audit.reader
        log_id, size = reader.get_key(tenant_id).log, reader.get_head(tenant_id).size
        born = find_birth(reader, tenant_id)
        return describe_anchors(self.store, self.plan, log_id, size, now or time.time(), born)

    def find_cosigned(self, tenant_id: str, seq: int) -> tuple[int, str] | None:
        """(size, cosigned note) of the newest head with a quorum that covers this record."""
        return find_cosigned(self.store, self.plan.trust, self._log_id(tenant_id), seq)

    def _log_id(self, tenant_id: str) -> str:
        return self.audit.reader.get_key(tenant_id).log

    def _is_due(self, log_id: str) -> bool:
        last = self.store.find_stamp(log_id)
        return last is None or time.time() - last.time >= self.plan.stamp_every_s

    def _try(self, log_id: str, name: str, ask: Callable[[], None], away: set[str]) -> None:
        """Ask once; what went wrong is kept in words and tried again next time."""
        words = ""
        try:
            if name in away:
                raise Unreachable("nor did it to the log before")
            ask()
        except Unreachable as error:
            away.add(name)
            words = f"it does not answer ({error})"
        except (_Trouble, StampRefused) as error:
            words = str(error)
            if isinstance(error, _Contradicted):
                self._report(log_id, name)
        if words:
            log.warning("audit.anchor", extra={"outside": name, "fault": words})
        self.store.note_trouble(log_id, name, int(time.time()), words)

    def _report(self, log_id: str, name: str) -> None:
        """One incident for this log and witness: somebody has to look."""
        once = f"{log_id}/{name}"
        closed = self.audit.reader.look(list_closed)
        draft = describe_found(
            "witness_contradicts", "anchors", log=log_id, once=once, closed=closed
        )
        try:
            self.audit.append(PLATFORM, draft)
        except AuditUnavailable:
            log.error("audit.incident_untold", extra={"outside": name})

    def _ask_witness(self, tenant_id: str, log_id: str, head: LogHead, name: str) -> None:
        old = self.store.find_size(log_id, name)
        answer = self._submit(tenant_id, head, name, old)
        if isinstance(answer, int):  # it remembers another size than we do
            answer = self._submit(tenant_id, head, name, answer)
        if isinstance(answer, int):
            raise _Trouble("it and this log do not agree on what it signed last")
        try:
            vkey = self.plan.trust.witnesses[name].vkey
            found = find_cosignature(head.note, answer, vkey)
        except NoteInvalid as error:
            raise _Trouble(str(error)) from error
        if found is None:
            raise _Trouble("its answer is signed by another key")
        line, when = found
        self.store.add_cosignature(log_id, head.size, name, when, head.note, line)

    def _submit(self, tenant_id: str, head: LogHead, name: str, old: int) -> str | int:
        """The witness's answer to one request, or the size that it signed last."""
        try:
            proof = self.audit.reader.get_consistency(tenant_id, old, head.size)
        except NotFound as error:
            words = f"it has signed {old} records, more than the log has: the log was cut"
            raise _Contradicted(words) from error
        body = Request(old, tuple(proof), head.note).text.encode()
        address = self.plan.trust.urls[name].rstrip("/") + "/add-checkpoint"
        status, data, kind = post(address, body, "text/plain; charset=utf-8")
        if status == _CONFLICT and kind == SIZE_TYPE and data.strip().isdigit():
            return int(data)
        if status in _FORKED:
            raise _Contradicted(f"it has signed another history of this log (status {status})")
        if status != _OK:
            raise _Trouble(f"it refused to sign (status {status})")
        return data.decode("utf-8", "replace")

    def _ask_authority(self, log_id: str, head: LogHead) -> None:
        note = own_note(head.note.encode(), head.note.partition("\n")[0])
        request, nonce = build_stamp_request(note)
        status, body, _ = post(self.plan.tsa_url, request, "application/timestamp-query")
        if status != _OK:
            raise _Trouble(f"it refused (status {status})")
        token, when, name = read_stamp(body, note, nonce, self.plan.trust.roots)
        self.store.add_stamp(log_id, Stamp(head.size, when, name, token))
        if not name:
            raise _Trouble("its certificate leads to no authority of the policy")


def find_cosigned(
    store: AnchorStore, trust: Trust, log_id: str, seq: int
) -> tuple[int, str] | None:
    """(size, note with its cosignatures) of the newest head with a quorum above this position."""
    for size, note, times in store.list_cosigned(log_id, _LOOK_BACK):
        if size > seq and trust.find_quorum(times) is not None:
            return size, add_cosignatures(note, store.list_lines(log_id)[size])
    return None


def find_birth(reader: AuditReader, tenant_id: str) -> float:
    """When the agency's log began, in seconds since 1970; 0 when its first record is pruned."""
    first = reader.find_record(tenant_id, 0)
    return first.time.timestamp() if first else 0.0


def describe_anchors(
    store: AnchorStore, plan: AnchorPlan, log_id: str, size: int, now: float, born: float = 0.0
) -> AnchorState:
    """The state of one log's anchors, for pages, probes and commands.

    `born`: a log that nobody has seen yet is late from then on, not from its first second.
    """
    trust = plan.trust
    witnessed, covered = None, 0
    for at, _, times in store.list_cosigned(log_id, _LOOK_BACK):
        when = trust.find_quorum(times)
        if when is not None:
            witnessed, covered = when, at
            break
    stamp = store.find_stamp(log_id)
    stamped = stamp.time if stamp is not None and stamp.authority else None
    if stamp is not None and stamp.authority:
        covered = max(covered, stamp.size)
    late = (bool(trust.counting()) and now - (witnessed or born) > WITNESS_LATE_S) or (
        bool(plan.tsa_url) and now - (stamped or born) > STAMP_LATE_S
    )
    return AnchorState(
        asked=bool(trust.witnesses or plan.tsa_url),
        size=size,
        covered=min(covered, size),
        window=max(0, size - covered),
        witnessed=witnessed,
        stamped=stamped,
        late=late,
        troubles=tuple(store.list_troubles(log_id)),
    )
