"""What the drills play, and how they judge it: a client, its sequencer's past, and the judge.

The client goes on until everything it has to say is acknowledged, and writes down what was. The
judge looks afterwards: every acknowledged record is there once and where its receipt says, `fsck`
finds nothing, every head that was acknowledged is continued, exports are INTACT. Which disk fails,
and when, is the business of the drills themselves.
"""

import json
import os
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from parvis.audit import AuditLog, Draft, KeyRef, Receipt, verify
from parvis.audit.events import Actor
from parvis.audit.export import export_files, write_folder
from parvis.audit.fsck import check_logs
from parvis.audit.process import Keeper, Plan, run_sequencer
from parvis.audit.sequencer import Limits
from parvis.audit.sqlite_store import SqliteStore
from parvis.audit.tree import root_at
from parvis.errors import AuditUnavailable
from parvis.keystore import KeyStore

ROOT_KEY = bytes(range(32))
INSTALLATION = "drill.test"
AGENCIES = ("commune", "adem")
PERSON = Actor("person", "8f2c-subject", ("civil-servant",), "", "portal")
_PATIENCE_S = 120.0
_LONG_AGO_NS = 200 * 86_400 * 10**9
_OLD_RECORDS = 300


def fork(work: Callable[[], int]) -> int:
    """A child that ends with what `work` gives; its faults go to standard error."""
    child = os.fork()
    if child == 0:
        _end(work)
    return child


def _end(work: Callable[[], int]) -> NoReturn:
    code = 99
    try:
        code = work()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def await_end(child: int) -> int:
    """Its exit code; the negative signal."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@contextmanager
def opened(folder: Path, *, leads: bool) -> Iterator[AuditLog]:
    """The log as a worker has it."""
    keystore = KeyStore(folder / "keys" / "keys.db", ROOT_KEY)
    root = ROOT_KEY if leads else None
    log = AuditLog(folder / "audit", INSTALLATION, root, keystore, worker="drill", floor_bytes=0)
    try:
        yield log
    finally:
        log.close()
        keystore.close()


def keep_sequencer(audit: Path) -> Keeper:
    """A sequencer process over this folder, started again when it ends; close it."""
    return Keeper(lambda: run_sequencer(Plan(audit, INSTALLATION, ROOT_KEY, Limits())))


class Client:
    """Says everything until it is acknowledged, and writes down what was."""

    def __init__(self, log: AuditLog, told: Path) -> None:
        self._log = log
        self._told = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._deadline = time.monotonic() + _PATIENCE_S

    def insist(self, act: Callable[[], Any]) -> Any:
        """Until it succeeds: a retry after an unknown outcome is the same act."""
        while True:
            try:
                return act()
            except AuditUnavailable:
                if time.monotonic() > self._deadline:
                    raise
                time.sleep(0.02)

    def append(self, tenant: str, draft: Draft) -> Receipt:
        """Append with the same id again and again."""
        return self._note(tenant, self.insist(lambda: self._log.append(tenant, draft, 10)))

    def append_all(self, tenant: str, drafts: list[Draft]) -> None:
        """Append many at once."""
        waiting = self.insist(lambda: [self._log.submit(tenant, draft) for draft in drafts])
        for draft, one in zip(drafts, waiting, strict=True):
            try:
                self._note(tenant, one.result(_PATIENCE_S))
            except AuditUnavailable:
                self.append(tenant, draft)

    def _note(self, tenant: str, receipt: Receipt) -> Receipt:
        line = [tenant, receipt.id, receipt.seq, receipt.leaf_hash.hex()]
        line += [receipt.size, receipt.root.hex()]
        os.write(self._told, json.dumps(line).encode() + b"\n")
        return receipt


def start_chat() -> Draft:
    """An intent."""
    target = {"assistant": "commune-desk", "version": "1", "channel": "portal"}
    return Draft("chat.started", PERSON, target=target, use={"messages": 1, "bytes_in": 40})


def finish_chat(intent: str, conversation: str = "c-1") -> Draft:
    """Its result, with sealed values."""
    sealed = {"prompt": b"my address is [EMAIL_1]", "answer": b"very well"}
    key = KeyRef("conversation", conversation)
    return Draft("chat.finished", PERSON, re=intent, sealed=sealed, seal_key=key)


def talk(folder: Path, told: Path) -> int:
    """Everything a worker asks of a sequencer."""
    with opened(folder, leads=False) as log:
        client = Client(log, told)
        first = client.append("commune", start_chat())
        client.append("commune", finish_chat(first.id))
        client.append_all("commune", [Draft("auth.login", PERSON) for _ in range(40)])
        second = client.append("adem", start_chat())
        client.append("adem", finish_chat(second.id, "c-2"))
        client.insist(lambda: log.publish_head("commune"))
        _erase(client, log)
        if log.reader.get_head("commune").size > _OLD_RECORDS:
            target = {"object": "records", "first": 0, "end": 256}
            client.append("commune", Draft("retention.pruned", outcome="success", target=target))
            client.insist(lambda: log.prune("commune", 256))
        client.append("commune", start_chat())
    return 0


def _erase(client: Client, log: AuditLog) -> None:
    """As `parvis subject erase` does: asked for, confirmed, done."""
    newest = log.reader.list_records("adem", kinds=["chat.finished"], limit=1)[0].data
    keys = [newest["seal"]["prompt"]["k"]]
    target: dict[str, Any] = {"object": "e-1"}
    client.append("adem", Draft("erasure.requested", Actor("person", "ada"), target=target))
    confirmed = Draft("erasure.confirmed", Actor("person", "grace"), target=target | {"keys": keys})
    client.append("adem", confirmed)
    log._keystore.destroy_keys("adem", keys)
    client.insist(lambda: log.delete_sealed("adem", keys[0]))


def live_long_ago() -> None:
    """Set this process's clock back for good, so that what it writes may be pruned now."""
    really = time.time_ns
    # the log reads the time by this name, in whatever room
    time.time_ns = lambda: really() - _LONG_AGO_NS


def build_past(folder: Path) -> int:
    """What is there at a later start: old records, and a sequencer that died."""
    live_long_ago()
    with opened(folder, leads=True) as log:
        for tenant in AGENCIES:
            started = log.append(tenant, start_chat(), 30)
            log.append(tenant, finish_chat(started.id), 30)
        many = [log.submit("commune", Draft("auth.login", PERSON)) for _ in range(_OLD_RECORDS)]
        for one in many:
            one.result(60)
        log.publish_head("commune")
        os.kill(os.getpid(), signal.SIGKILL)
    return 0


def judge(folder: Path, told: Path) -> Iterator[str]:
    """What is wrong with the log that the run left."""
    lines = [json.loads(line) for line in told.read_text().splitlines()]
    if len({line[1] for line in lines}) != len(lines):
        yield "a record was acknowledged twice"
    with opened(folder, leads=True) as log:
        for tenant in AGENCIES:
            out = folder / f"export-{tenant}"
            _export(log, tenant, out)
            report = verify.verify_folder(str(out))
            if report["verdict"] != "INTACT":
                yield f"the export of {tenant} is {report['verdict']}: {report['findings'][:2]}"
        keystore = KeyStore(folder / "keys" / "keys.db", ROOT_KEY)
        for check in check_logs(folder / "audit", keystore):
            yield from (f"fsck {check.tenant_id}: {fault}" for fault in check.faults)
        keystore.close()
    yield from compare(folder, lines)


def _export(log: AuditLog, tenant: str, out: Path) -> None:
    """Keys whose time is over are changed at a start: an export then says to come back."""
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            write_folder(export_files(log, tenant), out)
            return
        except AuditUnavailable:
            shutil.rmtree(out, ignore_errors=True)
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def compare(folder: Path, lines: list[list[Any]]) -> Iterator[str]:
    """What became of these acknowledged records: tenant, id, position, hash, size, root."""
    store = SqliteStore(folder / "audit", read_only=True)
    for tenant, record_id, seq, leaf_hash, size, root in lines:
        row = store.find_log(tenant)
        found = store.find_position(row.no, record_id) if row else None
        if row is None or found is None:
            pruned = store.find_record(row.no, seq) if row else None
            if pruned is None or pruned.leaf or pruned.hash.hex() != leaf_hash:
                yield f"{tenant} {seq}: acknowledged and lost"
        elif (found.seq, found.hash.hex()) != (seq, leaf_hash):
            yield f"{tenant} {seq}: acknowledged elsewhere"
        elif root_at(lambda *at, no=row.no: store.read_hashes(no, *at), size).hex() != root:
            yield f"{tenant}: the head of {size} that was acknowledged is not continued"
    store.close()
