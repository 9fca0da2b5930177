"""Reading the logs: an agency's records, proofs and keys, for auditors' pages and commands.

Every function takes the agency first; another agency's position or receipt looks like a missing
one.
Whoever reads MUST write `audit.read` first: this room does not know who is asking.
"""

import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import orjson

from parvis.audit.ended import RolledBack, find_rolled_back
from parvis.audit.key_times import list_valid
from parvis.audit.notes import format_fingerprint, format_proof, format_vkey
from parvis.audit.readings import AuditRecord, LogHead, LogKey, Proof, SealedPlace
from parvis.audit.receipts import parse_receipt
from parvis.audit.rows import LogRow, Range, RecordRow
from parvis.audit.sealing import open_value
from parvis.audit.store import Store, StoreFault, StoreUnsafe
from parvis.audit.stores import has_store, open_store
from parvis.audit.tree import Frontier, Known, consistency_proof, inclusion_proof, root_at
from parvis.errors import AuditUnavailable, NotFound
from parvis.keystore import KeyStore

_MAX_PAGE = 1000

Value = TypeVar("Value")


class AuditReader:
    """Read-only view of the logs under `audit_dir`; sees what is committed. Thread-safe."""

    def __init__(self, audit_dir: Path, database_url: str = "") -> None:
        if not has_store(audit_dir, database_url):
            raise AuditUnavailable("There is no audit log here yet.")
        self._lock = threading.Lock()
        try:
            self._store = open_store(audit_dir, database_url, read_only=True)
        except (StoreFault, StoreUnsafe) as error:
            raise AuditUnavailable("The audit log cannot be read.") from error

    def list_tenants(self) -> list[str]:
        """Every agency that has a log, and `platform`."""
        with self._lock:
            return [log.tenant_id for log in self._store.list_logs()]

    def count_intents(self) -> Counter[str]:
        """How many intents of each agency have no ending yet."""
        with self._lock:
            return Counter(tenant_id for tenant_id, _, _ in self._store.list_intents())

    def get_key(self, tenant_id: str, size: int | None = None, log_id: str = "") -> LogKey:
        """The key that signs the agency's log, or signed heads of this size; raises NotFound.

        `log_id` names a log of the agency that another one has taken the place of.
        """
        log = self._get_log(tenant_id, log_id)
        if size is not None:
            with self._lock:
                public_key = list_valid(self._store.list_keys(log.no), size)[-1]
            log = log._replace(public_key=public_key)
        return describe_key(log)

    def is_closed(self, tenant_id: str) -> bool:
        """True when the agency's log takes no more records; raises NotFound."""
        log = self._get_log(tenant_id)
        with self._lock:
            return log.id in self._store.list_closed()

    def get_usage(self, tenant_id: str) -> int:
        """Bytes that the agency's log and what is sealed beside it take; raises NotFound."""
        log = self._get_log(tenant_id)
        with self._lock:
            return self._store.find_usage(log.no)

    def get_head(self, tenant_id: str, log_id: str = "") -> LogHead:
        """Where the agency's log stands; raises NotFound when it has none. As `get_key`."""
        log = self._get_log(tenant_id, log_id)
        with self._lock:
            return self._head(log)

    def list_records(
        self,
        tenant_id: str,
        *,
        limit: int = 50,
        before: int | None = None,
        after: int | None = None,
        from_time: datetime | None = None,
        to_time: datetime | None = None,
        kinds: Sequence[str] = (),
        log_id: str = "",
    ) -> list[AuditRecord]:
        """One page, newest first; `before` and `after` are positions of the page's neighbours.

        With `after`, the page that follows it towards newer records (still newest first).
        `from_time` is included, `to_time` is not. Empty when the agency has no log. As `get_key`.
        """
        log = self._get_log(tenant_id, log_id) if log_id else self._find_log(tenant_id)
        if log is None:
            return []
        wanted = _range(from_time, to_time, kinds, before, after)
        limit = max(1, min(limit, _MAX_PAGE))
        with self._lock:
            signed = self._signed(log, wanted)
            rows = self._store.list_records(log.no, signed, limit=limit, newest_first=after is None)
        records = [_record(row) for row in rows]
        return records if after is None else records[::-1]

    def count_records(
        self,
        tenant_id: str,
        *,
        from_time: datetime | None = None,
        to_time: datetime | None = None,
        kinds: Sequence[str] = (),
    ) -> int:
        """How many records a filter finds."""
        log = self._find_log(tenant_id)
        if log is None:
            return 0
        wanted = _range(from_time, to_time, kinds)
        with self._lock:
            return self._store.count_records(log.no, self._signed(log, wanted))

    def find_record(self, tenant_id: str, seq: int, log_id: str = "") -> AuditRecord | None:
        """The agency's record at this position. As `get_key`."""
        log = self._get_log(tenant_id, log_id) if log_id else self._find_log(tenant_id)
        if log is None:
            return None
        with self._lock:
            row = self._find(log, seq, self._head(log).size)
        return _record(row) if row else None

    def find_by_receipt(
        self, tenant_id: str, text: str, *, ended: bool = False
    ) -> AuditRecord | None:
        """The agency's record that a receipt proves: log, position and leaf hash must all fit.

        With `ended` also of a log of the agency that another one has taken the place of.
        """
        try:
            receipt = parse_receipt(text)
        except ValueError:
            return None
        with self._lock:
            log, newest = (
                self._store.find_log_by_id(receipt.log),
                self._store.find_log(tenant_id),
            )
        if log is None or log.tenant_id != tenant_id or not (ended or log == newest):
            return None
        found = self.find_record(tenant_id, receipt.seq, log.id)
        return found if found is not None and found.leaf_hash == receipt.leaf_hash else None

    def find_receipt_tenant(self, text: str) -> str | None:
        """The agency whose log a receipt names (for operators' commands)."""
        try:
            receipt = parse_receipt(text)
        except ValueError:
            return None
        with self._lock:
            logs = self._store.list_logs()
        return next((log.tenant_id for log in logs if log.id == receipt.log), None)

    def find_rolled_back(self, text: str) -> RolledBack | None:
        """The declaration that ended the log of a receipt, where another log took its place."""
        try:
            receipt = parse_receipt(text)
        except ValueError:
            return None
        with self._lock:
            return find_rolled_back(self._store, receipt)

    def find_by_id(self, tenant_id: str, record_id: str) -> AuditRecord | None:
        """The agency's record with this id, as drafts and results name it."""
        log = self._find_log(tenant_id)
        try:
            wanted = str(uuid.UUID(record_id))
        except ValueError:
            return None
        if log is None:
            return None
        with self._lock:
            found = self._store.find_position(log.no, wanted)
        return self.find_record(tenant_id, found[0]) if found else None

    def get_proof(
        self,
        tenant_id: str,
        seq: int,
        under: tuple[int, str] | None = None,
        log_id: str = "",
    ) -> Proof:
        """The record with its proof under the newest head that left the house and covers it.

        Where none does, under the current one; raises NotFound. `log_id`: `get_key`. `under` is
        (size, signed note) of an earlier head, which others may have cosigned.
        """
        log = self._get_log(tenant_id, log_id)
        with self._lock:
            self._store.begin_reading()
            try:
                head = self._head(log)
                under = under or self._store.find_published_above(log.no, seq, head.size)
                size, note = under or (head.size, head.note)
                known = 0 <= seq < size <= head.size
                row = self._find(log, seq, size) if known else None
                if row is None:
                    raise NotFound()
                edge = {} if under else self._right_edge(log)
                path = inclusion_proof(self._store.hashes_of(log.no), seq, size, edge)
                if under:
                    root = root_at(self._store.hashes_of(log.no), size)
                    head = LogHead(size, root, head.last_time, note)
            finally:
                self._store.rollback()
        return Proof(_record(row), head, tuple(path), format_proof(seq, path, note, row.leaf))

    def find_cosigner(self, tenant_id: str, log_id: str = "") -> str:
        """The ML-DSA-44 verifier key of the log, as `get_key`; empty when it has none."""
        log = self._get_log(tenant_id, log_id)
        with self._lock:
            return self._store.list_cosigners(log.no).get(log.public_key, "")

    def get_consistency(self, tenant_id: str, old: int, new: int) -> list[bytes]:
        """The proof that its first `new` records continue its first `old`; raises NotFound."""
        log = self._get_log(tenant_id)
        with self._lock:
            if not 0 <= old <= new <= self._head(log).size:
                raise NotFound()
            return consistency_proof(self._store.hashes_of(log.no), old, new)

    def close(self) -> None:
        """Release the file."""
        self._store.close()

    def look(self, ask: Callable[[Store], Value]) -> Value:
        """What `ask` reads from the store, while nobody else reads with this connection."""
        with self._lock:
            return ask(self._store)

    def list_sealed(self, tenant_id: str, key_ids: Iterable[str]) -> dict[str, list[SealedPlace]]:
        """What is kept beside the agency's logs, ended ones too, under each of these keys.

        Keys under which nothing is kept are left out.
        """
        with self._lock:
            logs = [log for log in self._store.list_all_logs() if log.tenant_id == tenant_id]
        found = {}
        for key_id in key_ids:
            places = []
            for log in logs:
                with self._lock:
                    under = self._store.list_sealed_under(log.no, key_id)
                places += [SealedPlace(seq, name, log.id) for seq, name in under]
            if places:
                found[key_id] = places
        return found

    def list_sealing_keys(self, tenant_id: str) -> set[str]:
        """Ids of the data keys under which anything is kept beside the agency's logs."""
        with self._lock:
            logs = [log for log in self._store.list_all_logs() if log.tenant_id == tenant_id]
            return {key for log in logs for key in self._store.list_sealing_keys(log.no)}

    def open_sealed(
        self, tenant_id: str, record: AuditRecord, keystore: KeyStore
    ) -> dict[str, bytes]:
        """The sealed values of a record that are kept and whose keys live; raises SealBroken.

        Whoever opens them MUST have written a record of it first.
        """
        log = self._get_log(tenant_id, record.data["log"])
        entries = record.data.get("seal", {})
        with self._lock:
            boxes = self._store.list_sealed(log.no, record.data["id"]) if entries else {}
        opened = {}
        for name, (key_id, box) in boxes.items():
            key = keystore.find_key_by_id(tenant_id, key_id)
            if key is not None and name in entries:
                entry = entries[name]
                opened[name] = open_value(key, log.id, record.data["id"], name, box, entry)
        return opened

    def find_position_at(self, tenant_id: str, moment: datetime, log_id: str = "") -> int:
        """The first position, of those not pruned, whose record is not before `moment`.

        As `get_key`. Of a log that was rolled back records may be missing: then the next ones say.
        """
        log, wanted = self._get_log(tenant_id, log_id), to_us(moment)
        with self._lock:
            head = self._store.find_head(log.no)
            high = head.size if head else self._store.find_span(log.no, Range())[1]
            low = self._store.find_minimum(log.no)
            while low < high:
                middle = (low + high) // 2
                time_us = self._store.find_time_from(log.no, middle)
                before = time_us is not None and time_us < wanted
                low, high = (middle + 1, high) if before else (low, middle)
        return low

    def get_minimum(self, tenant_id: str, log_id: str = "") -> int:
        """The first position that was not pruned; raises NotFound when the agency has no log."""
        log = self._get_log(tenant_id, log_id)
        with self._lock:
            return self._store.find_minimum(log.no)

    def _signed(self, log: LogRow, wanted: Range) -> Range:
        """Of what is wanted, what is under the signed head and was not pruned."""
        return wanted._replace(
            first=max(wanted.first, self._store.find_minimum(log.no)),
            end=min(wanted.end, self._head(log).size),
        )

    def _find(self, log: LogRow, seq: int, size: int) -> RecordRow | None:
        found = self._store.find_record(log.no, seq) if 0 <= seq < size else None
        return found if found is not None and found.leaf else None

    def _right_edge(self, log: LogRow) -> Known:
        """What the head keeps of the tiles that are not full: their rows need not be read."""
        head = self._store.find_head(log.no)
        try:
            return Frontier.load(head.size, head.frontier).spans() if head else {}
        except ValueError as error:
            raise AuditUnavailable() from error

    def _find_log(self, tenant_id: str) -> LogRow | None:
        with self._lock:
            return self._store.find_log(tenant_id)

    def _get_log(self, tenant_id: str, log_id: str = "") -> LogRow:
        log = self._find_log(tenant_id)
        if log_id:
            with self._lock:
                log = self._store.find_log_by_id(log_id)
        if log is None or log.tenant_id != tenant_id:
            raise NotFound()
        return log

    def _head(self, log: LogRow) -> LogHead:
        head = self._store.find_head(log.no)
        if head is None:
            raise AuditUnavailable()
        return LogHead(head.size, head.root, _moment(head.last_us), head.note)


def describe_key(log: LogRow) -> LogKey:
    """The key of a log as people compare it."""
    vkey = format_vkey(log.origin, log.public_key)
    return LogKey(log.id, log.origin, vkey, format_fingerprint(vkey))


def _record(row: RecordRow) -> AuditRecord:
    data = orjson.loads(row.leaf)
    return AuditRecord(row.seq, _moment(row.time_us), row.kind, row.leaf, row.hash, data)


def _moment(time_us: int) -> datetime:
    return datetime.fromtimestamp(time_us // 1_000_000, UTC).replace(
        microsecond=time_us % 1_000_000
    )


def to_us(moment: datetime) -> int:
    """Microseconds since 1970; raises ValueError for a time without a zone."""
    if moment.tzinfo is None:
        raise ValueError("times must carry a zone")
    whole = moment.replace(microsecond=0)
    return int(whole.timestamp()) * 1_000_000 + moment.microsecond


def _range(
    from_time: datetime | None,
    to_time: datetime | None,
    kinds: Sequence[str],
    before: int | None = None,
    after: int | None = None,
) -> Range:
    return Range(
        first=0 if after is None else after + 1,
        end=2**62 if before is None else before,
        from_us=to_us(from_time) if from_time else 0,
        to_us=to_us(to_time) if to_time else 2**62,
        kinds=tuple(kinds),
    )
