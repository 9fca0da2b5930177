"""Many processes, threads and agencies at once: order, isolation, and exports taken meanwhile."""

import json
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from parvis.audit import AuditLog, Draft, verify
from parvis.audit.export import export_files, require_key_of, write_folder
from parvis.audit.fsck import check_logs
from parvis.audit.tree import root_at
from parvis.errors import AuditUnavailable
from tests.audit.houses import CIVIL_SERVANT, House

PROCESSES, THREADS, TENANTS, EACH = 4, 16, 20, 12
WRITER = """
import itertools, json, sys, threading
from pathlib import Path
from parvis.audit import Draft, KeyRef
from tests.audit.houses import CIVIL_SERVANT, House

folder, told, number, threads, tenants, each = sys.argv[1:]
house = House(Path(folder))
log = house.open(f"writer{number}", leads=False)
lines, guard = [], threading.Lock()

def work(thread):
    for at in range(int(each)):
        tenant = f"agency{(thread * 7 + at * 3 + int(number)) % int(tenants)}"
        word = f"secret of {tenant}."
        draft = Draft("chat.refused", CIVIL_SERVANT, phase="fact", reason="mark-" + tenant,
                      sealed={"prompt": word.encode()}, seal_key=KeyRef("conversation", tenant))
        receipt = log.append(tenant, draft, 120)
        head = [receipt.size, receipt.root.hex()]
        with guard:
            lines.append([tenant, thread, at, receipt.id, receipt.seq, *head])

running = [threading.Thread(target=work, args=(one,)) for one in range(int(threads))]
for one in running: one.start()
for one in running: one.join()
Path(told).write_text(json.dumps(lines))
house.shut()
"""


def start(house: House, told: Path, number: int) -> "subprocess.Popen[bytes]":
    sizes = [str(one) for one in (THREADS, TENANTS, EACH)]
    arguments = [str(house.folder), str(told), str(number), *sizes]
    return subprocess.Popen([sys.executable, "-c", WRITER, *arguments])


def export_until(log: AuditLog, folder: Path, done: threading.Event, found: list[Any]) -> None:
    for number in range(1000):
        out = folder / str(number)
        write_folder(export_files(log, "agency0"), out)
        found.append(verify.verify_folder(str(out)))
        if done.is_set():
            return


def test_many_writers_of_many_agencies_keep_order_and_apart(house: House, tmp_path: Path) -> None:
    log = house.open()
    log.append("agency0", Draft("auth.login", CIVIL_SERVANT), 30)
    told = [tmp_path / f"told{number}" for number in range(PROCESSES)]
    writers = [start(house, path, number) for number, path in enumerate(told)]
    done, reports = threading.Event(), list[Any]()
    reader = threading.Thread(target=export_until, args=(log, tmp_path, done, reports))
    reader.start()
    codes = [writer.wait(240) for writer in writers]
    done.set()
    reader.join()
    assert codes == [0] * PROCESSES
    assert {report["verdict"] for report in reports} == {"INTACT"}
    sizes = [report["size"] for report in reports]
    assert sizes == sorted(sizes)
    rows = [[number, *row] for number, path in enumerate(told) for row in read(path)]
    assert len(rows) == PROCESSES * THREADS * EACH
    check_order(rows)
    check_heads_and_isolation(log, rows)
    house.close()
    assert not [
        fault for check in check_logs(house.audit_dir, house.keystore) for fault in check.faults
    ]


def read(path: Path) -> list[Any]:
    found: list[Any] = json.loads(path.read_text())
    return found


def check_order(rows: list[Any]) -> None:
    """Where one was acknowledged before the next was sent, it stands before it."""
    last: dict[tuple[int, int, str], int] = {}
    for number, tenant, thread, _, _, seq, *_ in sorted(rows, key=lambda row: row[3]):
        assert last.get((number, thread, tenant), -1) < seq
        last[number, thread, tenant] = seq


def check_heads_and_isolation(log: AuditLog, rows: list[Any]) -> None:
    store = log.open_reading()
    for tenant in {row[1] for row in rows}:
        own = store.find_log(tenant)
        assert own is not None
        positions = {row[4]: row[5] for row in rows if row[1] == tenant}
        found = store.find_positions(own.no, list(positions))
        assert {name: place.seq for name, place in found.items()} == positions
        head = store.find_head(own.no)
        assert head is not None
        for seq in range(head.size):
            record = store.find_record(own.no, seq)
            assert record is not None
            assert b"mark-" not in record.leaf or f'"mark-{tenant}"'.encode() in record.leaf
        for row in [row for row in rows if row[1] == tenant][:10]:
            root = root_at(lambda *at, no=own.no: store.read_hashes(no, *at), row[6])
            assert root.hex() == row[7]
    store.close()


def test_what_is_acknowledged_first_stands_first_whoever_sent_it(house: House) -> None:
    log, other = house.open("one"), house.open("two", leads=False)
    seqs = []
    for at in range(60):
        sender = (log, other)[at % 2]
        seqs.append(sender.append("commune", Draft("auth.login", CIVIL_SERVANT), 30).seq)
    assert seqs == sorted(seqs) and len(set(seqs)) == 60


def test_a_list_of_files_as_long_as_ten_million_records_need_is_signed_and_read_again(
    house: House,
) -> None:
    """Two files for 256 records: a line each, of 90 bytes and more."""
    log = house.open()
    log.append("commune", Draft("auth.login", CIVIL_SERVANT))
    with closing(log.open_reading()) as store:
        row = store.find_log("commune")
        assert row is not None
        lines = "".join(f"{'0' * 64} 8192 tile/0/x000/{at:06}\n" for at in range(80_000))
        note = log.sign_note("commune", lines)
        require_key_of(store, row, 1, note)
        with pytest.raises(AuditUnavailable):
            require_key_of(store, row, 1, note.replace("8192", "8191", 1))
