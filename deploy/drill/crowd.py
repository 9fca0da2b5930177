"""Many processes, threads and agencies write at once, while others export: `--records N`.

`python -m deploy.drill.crowd`: 4 processes of 64 threads write for 100 agencies. Afterwards every
acknowledged record must be there once, where its receipt says, and provable; what was acknowledged
before another was sent must stand before it; no byte of one agency may stand in the log or in an
export of another; every export taken meanwhile must be INTACT, and a beginning of what is there at
the end. Prints what it looked at; exit 1 when anything is wrong. The disk does not fail here
(`crash.py`), and nothing is timed (`deploy.bench.audit`).
"""

import argparse
import base64
import json
import re
import shutil
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from deploy.drill.scene import PERSON, await_end, compare, fork, keep_sequencer, opened
from parvis.audit import AuditLog, Draft, KeyRef, verify
from parvis.audit.export import export_files, write_folder
from parvis.audit.fsck import check_logs
from parvis.audit.tree import root_at, verify_inclusion

PROCESSES, THREADS, TENANTS, RECORDS = 4, 64, 100, 1_000_000
EXPORTERS = 2
_PATIENCE_S = 300.0
_MARK = re.compile(rb"mark-(agency\d+)\.")
_RARE = 97  # one agency of so many rounds is looked at by each exporter: a prime


class Crowd(NamedTuple):
    """How many write how much."""

    processes: int
    threads: int
    tenants: int
    records: int


class Line(NamedTuple):
    """One acknowledgement; times in nanoseconds of the machine's one clock."""

    tenant: str
    id: str
    seq: int
    leaf_hash: str
    size: int
    root: str
    sent: int
    acked: int


def write(folder: Path, told: Path, number: int, crowd: Crowd) -> int:
    """One process: each thread says its share, one record after the other."""
    each = crowd.records // crowd.processes // crowd.threads
    guard, failed = threading.Lock(), list[Exception]()

    def work(thread: int) -> None:
        for at in range(each):
            tenant = f"agency{(thread * 7 + at * 3 + number) % crowd.tenants}"
            sent = time.monotonic_ns()
            receipt = log.append(tenant, draft_of(tenant), _PATIENCE_S)
            acked = time.monotonic_ns()
            place = (receipt.id, receipt.seq, receipt.leaf_hash.hex())
            line = Line(tenant, *place, receipt.size, receipt.root.hex(), sent, acked)
            with guard:
                file.write(json.dumps(line) + "\n")

    def work_or_tell(thread: int) -> None:
        try:
            work(thread)
        except Exception as error:
            failed.append(error)

    with opened(folder, leads=False) as log, told.open("w") as file:
        running = [threading.Thread(target=work_or_tell, args=(at,)) for at in range(crowd.threads)]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()
    if failed:
        raise failed[0]
    return 0


def draft_of(tenant: str) -> Draft:
    """A record whose clear part names the agency, and whose sealed part does as well."""
    text = f"secret of {tenant}.".encode()
    key = KeyRef("conversation", tenant)
    draft = Draft("chat.refused", PERSON, sealed={"prompt": text}, seal_key=key)
    return replace(draft, phase="fact", reason=f"mark-{tenant}.")


def export_meanwhile(folder: Path, number: int, tenants: int, done: Path, told: Path) -> int:
    """Take one export after the other; tell of each what the verifier finds in it."""
    with opened(folder, leads=False) as log, told.open("w") as file:
        at = number
        while True:
            last = done.exists()
            tenant = f"agency{at * _RARE % tenants}"
            at += EXPORTERS
            if tenant in log.reader.list_tenants():
                out = folder / f"export{number}"
                write_folder(export_files(log, tenant), out)
                file.write(json.dumps([tenant, *describe(out, tenant)]) + "\n")
                shutil.rmtree(out)
            if last:
                return 0


def describe(out: Path, tenant: str) -> tuple[str, int, str, list[str]]:
    """Verdict, size, root, and whose marks stand in it."""
    report = verify.verify_folder(str(out))
    size, root = (out / "checkpoint").read_text().split("\n")[1:3]
    entries = (
        path.read_bytes() for path in (out / "tile" / "entries").rglob("*") if path.is_file()
    )
    marks = {mark.decode() for part in entries for mark in _MARK.findall(part)}
    return report["verdict"], int(size), root, sorted(marks - {tenant})


def judge_order(lines: Sequence[Line]) -> Iterator[str]:
    """Of one log: what was acknowledged before another was sent stands before it."""
    moments = [(line.acked, 1, line) for line in lines] + [(line.sent, 0, line) for line in lines]
    newest = -1
    for _, is_ack, line in sorted(moments, key=lambda moment: moment[:2]):
        if is_ack:
            newest = max(newest, line.seq)
        elif line.seq < newest:
            yield f"{line.tenant} {line.seq}: sent after {newest} was acknowledged, stands before"


def judge_log(log: AuditLog, tenant: str, lines: Sequence[Line]) -> Iterator[str]:
    """Of one log: no gap, nothing of others, each receipt provable."""
    head = log.reader.get_head(tenant)
    for line in lines:
        proof, hashed = log.reader.get_proof(tenant, line.seq), bytes.fromhex(line.leaf_hash)
        under = proof.head
        if not verify_inclusion(hashed, line.seq, under.size, proof.path, under.root):
            yield f"{tenant} {line.seq}: the receipt cannot be proven"
    own = {line.seq for line in lines}
    with closing(log.open_reading()) as store:
        row = store.find_log(tenant)
        for seq in range(head.size):
            record = store.find_record(row.no, seq) if row else None
            if record is None:
                yield f"{tenant} {seq}: a gap"
                continue
            marks = [mark.decode() for mark in _MARK.findall(record.leaf)]
            if marks != ([tenant] if seq in own else []):
                yield f"{tenant} {seq}: not what was acknowledged there, but {marks}"


def judge_export(log: AuditLog, told: Sequence[Any]) -> Iterator[str]:
    """One taken meanwhile: INTACT, of this agency alone, and a beginning of the log."""
    tenant, verdict, size, root, others = told
    if verdict != "INTACT":
        yield f"an export of {tenant} is {verdict}"
    if others:
        yield f"an export of {tenant} holds marks of {others}"
    with closing(log.open_reading()) as store:
        row = store.find_log(tenant)
        if row is None:
            yield f"{tenant} was exported and has no log"
        elif root_at(lambda *at: store.read_hashes(row.no, *at), size) != base64.b64decode(root):
            yield f"{tenant}: the export of {size} records is not continued"


def judge(folder: Path, lines: Sequence[Line], exports: Sequence[Any]) -> Iterator[str]:
    """What is wrong with what the crowd left."""
    of_tenant: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        of_tenant[line.tenant].append(line)
    with opened(folder, leads=True) as log:
        for tenant, own in of_tenant.items():
            yield from judge_order(own)
            yield from judge_log(log, tenant, own)
        for told in exports:
            yield from judge_export(log, told)
        for check in check_logs(folder / "audit", log._keystore):
            yield from (f"fsck {check.tenant_id}: {fault}" for fault in check.faults)
    yield from compare(folder, [list(line[:6]) for line in lines])


def run(folder: Path, crowd: Crowd) -> list[str]:
    """Everything that was wrong."""
    audit, done = folder / "audit", folder / "done"
    audit.mkdir(mode=0o700)
    told = [folder / f"told{at}" for at in range(crowd.processes)]
    exported = [folder / f"exported{at}" for at in range(EXPORTERS)]
    with closing(keep_sequencer(audit)):
        readers = [
            fork(lambda at=at, path=path: export_meanwhile(folder, at, crowd.tenants, done, path))  # type: ignore[misc]
            for at, path in enumerate(exported)
        ]
        writers = [
            fork(lambda at=at, path=path: write(folder, path, at, crowd))  # type: ignore[misc]
            for at, path in enumerate(told)
        ]
        codes = [await_end(child) for child in writers]
        done.touch()
        codes += [await_end(child) for child in readers]
    if any(codes):
        return [f"a process of the crowd ended with {codes}"]
    lines = [Line(*json.loads(text)) for path in told for text in path.read_text().splitlines()]
    exports = [json.loads(text) for path in exported for text in path.read_text().splitlines()]
    print(f"{len(lines)} records, {len(exports)} exports meanwhile", flush=True)
    wrong = list(judge(folder, lines, exports))
    wanted = crowd.records // crowd.processes // crowd.threads * crowd.processes * crowd.threads
    return wrong if len(lines) == wanted else [f"{wanted} were to be written", *wrong]


def main() -> int:
    """Exit 1 when anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=PROCESSES)
    parser.add_argument("--threads", type=int, default=THREADS)
    parser.add_argument("--tenants", type=int, default=TENANTS)
    parser.add_argument("--records", type=int, default=RECORDS)
    crowd = Crowd(**vars(parser.parse_args()))
    with tempfile.TemporaryDirectory(prefix="parvis-crowd-") as name:
        wrong = run(Path(name), crowd)
    print("\n".join(wrong[:100]) or "no gap, nothing of others, every receipt proven, in order")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
