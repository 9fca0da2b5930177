"""Everything that may happen to a log, in any order, beside a plain list of what it must hold.

A few walks here, thousands of steps in `make drill-audit`.
"""

import itertools
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from deploy.drill.faults import Disk, Fault, under
from parvis.audit import Actor, AuditLog, Draft, KeyRef, Receipt, verify
from parvis.audit.export import export_files, write_folder
from parvis.audit.fsck import check_logs
from parvis.audit.tree import root_at
from parvis.errors import AuditUnavailable
from tests.audit.houses import CIVIL_SERVANT, House, allow_pruning, start_chat

DRILL = bool(os.environ.get("DRILL"))
WALKS, STEPS = (150, 60) if DRILL else (10, 20)
TENANTS = ("commune", "adem")
DAY_NS = 86_400 * 10**9
ADA, GRACE = Actor("person", "ada"), Actor("person", "grace")
FAULTS = ("EIO", "EIO though done", "ENOSPC", "short write", "full for a while")


def insist(act: Callable[[], Any]) -> Any:
    """As a caller who comes back until it is done."""
    for _ in range(500):
        try:
            return act()
        except AuditUnavailable:
            time.sleep(0.01)
    raise AssertionError("it is refused for ever")


class Log(RuleBasedStateMachine):
    """One installation; the disk under it fails now and then, days pass."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="parvis-states-"))
        self.house = House(self.folder / "house")
        self.disk = Disk()
        self.under = under(self.disk)
        self.under.__enter__()
        self.clock = pytest.MonkeyPatch()
        self.days, really = 0, time.time_ns
        self.clock.setattr(time, "time_ns", lambda: really() + self.days * DAY_NS)
        self.acked: dict[str, list[tuple[Draft, Receipt]]] = {tenant: [] for tenant in TENANTS}
        self.heads: list[tuple[str, Receipt]] = []
        self.conversations: dict[str, str] = {}  # those that are not erased, and their agency
        self.numbers = itertools.count()
        self.minimum = dict.fromkeys(TENANTS, 0)

    @initialize()
    def begin(self) -> None:
        self.log: AuditLog = self.house.open()
        for tenant in TENANTS:
            self.append(tenant, Draft("auth.login", CIVIL_SERVANT))

    def append(self, tenant: str, draft: Draft) -> Receipt:
        receipt: Receipt = insist(lambda: self.log.append(tenant, draft, 10))
        assert all(seq.seq < receipt.seq for _, seq in self.acked[tenant][-1:])
        self.acked[tenant].append((draft, receipt))
        self.heads.append((tenant, receipt))
        return receipt

    @rule(tenant=st.sampled_from(TENANTS), count=st.integers(1, 300))
    def many_sign_in(self, tenant: str, count: int) -> None:
        drafts = [Draft("auth.login", CIVIL_SERVANT) for _ in range(count)]
        waiting = insist(lambda: [self.log.submit(tenant, draft) for draft in drafts])
        found = []
        for draft, one in zip(drafts, waiting, strict=True):
            try:
                found.append((draft, one.result(30)))
            except AuditUnavailable:
                again = insist(lambda draft=draft: self.log.append(tenant, draft, 10))
                found.append((draft, again))
        self.acked[tenant] += sorted(found, key=lambda pair: pair[1].seq)
        self.heads.append((tenant, found[-1][1]))

    @rule(tenant=st.sampled_from(TENANTS))
    def somebody_chats(self, tenant: str) -> None:
        name = f"c-{next(self.numbers)}"
        started = self.append(tenant, self.draft_of(start_chat))
        sealed = {"prompt": name.encode() * 9, "answer": b"very well"}
        key = KeyRef("conversation", name)
        ended = Draft("chat.finished", CIVIL_SERVANT, re=started.id, sealed=sealed, seal_key=key)
        self.append(tenant, ended)
        self.conversations[name] = tenant

    def draft_of(self, _like: object) -> Draft:
        target = {"assistant": "commune-desk", "version": "1", "channel": "portal"}
        return Draft("chat.started", CIVIL_SERVANT, target=target, use={"messages": 1})

    @rule(data=st.data())
    def somebody_asks_again(self, data: st.DataObject) -> None:
        tenant = data.draw(st.sampled_from(TENANTS))
        draft, first = data.draw(st.sampled_from(self.acked[tenant]))
        if first.seq < self.minimum[tenant]:
            return  # of a pruned record the id is gone as well
        again = insist(lambda: self.log.append(tenant, draft, 10))
        assert (again.seq, again.leaf_hash) == (first.seq, first.leaf_hash)

    @rule(after=st.integers(1, 40), kind=st.sampled_from(FAULTS))
    def the_disk_will_fail(self, after: int, kind: str) -> None:
        self.disk.fault = Fault(self.disk.count + after, kind)

    @rule()
    def the_process_ends_and_begins(self) -> None:
        self.disk.fault = Fault()
        self.house.close()
        self.log = self.house.open()

    @rule(days=st.sampled_from([1, 100, 200]))
    def days_pass(self, days: int) -> None:
        self.days += days

    @precondition(lambda self: self.conversations)
    @rule(data=st.data())
    def a_conversation_is_erased(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.conversations)))
        tenant, keystore = self.conversations.pop(name), self.house.keystore
        keys = [key.id for key in keystore.list_keys(tenant, ("audit-conversation",), name)]
        target: dict[str, Any] = {"object": name}
        self.append(tenant, Draft("erasure.requested", ADA, target=target))
        self.append(tenant, Draft("erasure.confirmed", GRACE, target=target | {"keys": keys}))
        keystore.destroy_keys(tenant, keys)
        for key in keys:
            insist(lambda key=key: self.log.delete_sealed(tenant, key))

    @rule(tenant=st.sampled_from(TENANTS))
    def old_records_are_pruned(self, tenant: str) -> None:
        size = self.log.reader.get_head(tenant).size
        end, now = (size - 1) // 256 * 256, time.time_ns() // 1000
        if end <= self.minimum[tenant]:
            return
        store = self.log.open_reading()
        log = store.find_log(tenant)
        assert log is not None
        row = store.find_record(log.no, end)
        store.close()
        assert row is not None
        if row.time_us > now - 184 * DAY_NS // 1000:
            with pytest.raises(ValueError, match="184"):
                insist(lambda: self.log.prune(tenant, end))
            return
        insist(lambda: allow_pruning(self.log, end, tenant))
        self.minimum[tenant] = insist(lambda: self.log.prune(tenant, end))
        assert self.minimum[tenant] == end

    @rule(tenant=st.sampled_from(TENANTS))
    def an_auditor_looks(self, tenant: str) -> None:
        out = self.folder / "out"
        insist(lambda: self.export(tenant, out))
        report = verify.verify_folder(str(out))
        assert report["verdict"] == "INTACT", report["findings"]

    def export(self, tenant: str, out: Path) -> None:
        shutil.rmtree(out, ignore_errors=True)
        write_folder(export_files(self.log, tenant), out)

    @invariant()
    def what_was_acknowledged_is_there(self) -> None:
        for tenant, acked in self.acked.items():
            if not acked:
                continue
            store = self.log.open_reading()
            log = store.find_log(tenant)
            assert log is not None
            ids = [receipt.id for _, receipt in acked if receipt.seq >= self.minimum[tenant]]
            found = store.find_positions(log.no, ids)
            assert len(found) == len(ids)
            for _, receipt in acked[-40:]:
                assert receipt.seq < self.minimum[tenant] or found[receipt.id].seq == receipt.seq
            store.close()

    @invariant()
    def old_heads_are_continued(self) -> None:
        for tenant, receipt in self.heads[-3:]:
            store = self.log.open_reading()
            log = store.find_log(tenant)
            assert log is not None
            found = root_at(lambda *at, s=store, no=log.no: s.read_hashes(no, *at), receipt.size)
            assert found == receipt.root
            store.close()

    def teardown(self) -> None:
        self.disk.fault = Fault()
        self.house.close()
        faults = [
            fault
            for check in check_logs(self.house.audit_dir, self.house.keystore)
            for fault in check.faults
        ]
        self.house.shut()
        self.under.__exit__(None, None, None)
        self.clock.undo()
        shutil.rmtree(self.folder)
        assert faults == []


@pytest.mark.timeout(7200 if DRILL else 300)
def test_a_log_holds_what_a_plain_list_holds_whatever_happens() -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Log,
        settings=settings(
            max_examples=WALKS,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=not DRILL,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
