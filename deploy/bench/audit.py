"""`make bench-audit`: what the audit log costs, beside a probe of the disk in the same run.

Ratios can be trusted, absolute figures belong to the machine. `--records N` fills a log first, so
that restart and proofs are measured at that length. The disk is the one of `TMPDIR`; two loads run
again with each commit made 2 and 10 ms longer, for both ways of writing, as on a disk without
protection against power loss (`slow_disk.py`). The table is printed and written into docs/audit.md.
"""

import argparse
import contextlib
import gc
import logging
import os
import queue
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import apsw

from deploy.bench import audit_own
from deploy.bench.slow_disk import slower
from parvis.audit import AuditLog, Draft, KeyRef, Receipt, wire
from parvis.audit.events import Actor
from parvis.audit.feed_outbox import Feeds
from parvis.audit.feeds import Feed, FeedPlan, FileTarget
from parvis.audit.packing import unpack
from parvis.audit.pending import Pending
from parvis.audit.process import Keeper, Plan, run_sequencer
from parvis.audit.sequencer import Limits
from parvis.audit.store import StoreBusy
from parvis.keystore import KeyStore

_ROOT = bytes(range(32))
_TENANT = "bench"
_PROCESSES, _THREADS = 4, 16
_CLIENTS = 64
_RATE = 200
_PERSON = Actor("person", "8f2c-subject", ("civil-servant",), "", "portal")
_WINDOW = 256
_HEADS = 200
_PAGE = Path(__file__).resolve().parents[2] / "docs" / "audit.md"
_BEGIN, _END = "<!-- bench-audit: begin -->", "<!-- bench-audit: end -->"
_said: list[tuple[str, str, str]] = []


class Load(NamedTuple):
    """Records acknowledged, how many a second, and the processor time of those who asked."""

    count: int
    rate: float
    cpu_s: float


def main() -> int:
    """Print every figure with its goal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="length of each load")
    parser.add_argument("--records", type=int, default=20_000, help="records before restart")
    parser.add_argument("--print", action="store_true", help="leave docs/audit.md as it is")
    parser.add_argument("--worker", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        work = _write_own if given.worker[0] == "own" else _write_log
        gc.freeze()  # as the gateway's workers do before they serve
        with slower(float(given.worker[3])):
            print(*work(Path(given.worker[1]), float(given.worker[2])))
        return 0
    # one row kills the writer: that its line is lost and another one begins is no news
    logging.getLogger("parvis").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="parvis-bench-") as name:
        _run(Path(name), given.seconds, given.records)
    if not given.print:
        _write_page()
    return 0


def _say(words: str, value: str, goal: str = "") -> None:
    _said.append((words, value, goal))
    print(f"{words:<58} {value:>22}  {goal}", flush=True)


def _write_page() -> None:
    """Put what was said between the markers of the handbook page."""
    before, rest = _PAGE.read_text(encoding="utf-8").split(_BEGIN)
    rows = [f"| {' | '.join(one)} |" for one in (("what", "measured", "goal"), *_said)]
    rows.insert(1, "|---|---|---|")
    parts = [before + _BEGIN, "", *rows, "", _END + rest.split(_END)[1]]
    _PAGE.write_text("\n".join(parts), encoding="utf-8")


def _compare(folder: Path, seconds: float) -> None:
    """Records a second with a transaction each, and through the sequencer, on one disk."""
    audit_own.make_log(folder / "own", _TENANT)
    own = _load("own", folder, seconds)
    _say(f"the same records, a transaction each, {_CLIENTS} clients", f"{own.rate:,.0f} rec/s")
    keeper = _keep(folder)
    try:
        log = _open(folder)
        log.append(_TENANT, _draft(), 30)
        log.close()
        writer = _find_writer(folder / "audit")
        before = _cpu_of(writer)
        ours = _load("sequencer", folder, seconds)
        writing = (_cpu_of(writer) - before) / ours.count * 1e6
    finally:
        keeper.close()
    words = f"sequencer, {_PROCESSES} processes x {_THREADS} threads, 3 sealed fields"
    _say(words, f"{ours.rate:,.0f} rec/s", ">= 5,000 on 2 cores")
    _say("ratio", f"{ours.rate / own.rate:.1f} x", "20 x on slower disks, below")
    building = ours.cpu_s / ours.count * 1e6
    _say("processor for each record: worker / sequencer", f"{building:.0f} / {writing:.0f} us")
    _say("two cores that do nothing else", f"{2e6 / (building + writing):,.0f} rec/s", "by these")


def _compare_slower(folder: Path, seconds: float, delay_ms: int, goal: str) -> None:
    """The same two loads where each commit takes so much longer."""
    folder.mkdir()
    delay_s = delay_ms / 1000
    audit_own.make_log(folder / "own", _TENANT)
    own = _load("own", folder, seconds, delay_s)
    keeper = _keep(folder, delay_s)
    try:
        ours = _load("sequencer", folder, seconds, delay_s)
    finally:
        keeper.close()
    words = f"each commit {delay_ms} ms longer"
    _say(f"{words}: a transaction each", f"{own.rate:,.0f} rec/s")
    _say(f"{words}: sequencer", f"{ours.rate:,.0f} rec/s", goal)
    _say(f"{words}: ratio", f"{ours.rate / own.rate:.1f} x", ">= 20 x")


def _keep(folder: Path, delay_s: float = 0.0) -> Keeper:
    audit = folder / "audit"
    audit.mkdir(mode=0o700, exist_ok=True)

    def run() -> int:
        with slower(delay_s):
            return run_sequencer(Plan(audit, "bench.test", _ROOT, Limits()))

    return Keeper(run)


def _run(folder: Path, seconds: float, records: int) -> None:
    syncs = _probe_disk(folder, seconds / 2)
    _say("a synced write of 4 KiB (probe of the disk), p50 / p99", _both(syncs))
    _compare(folder, seconds)
    _compare_slower(folder / "slower", seconds, 2, "")
    _compare_slower(folder / "slowest", seconds, 10, ">= 2,000")
    audit = folder / "audit"
    keeper = _keep(folder)
    try:
        log = _open(folder)
        _say(f"ack at {_RATE} rec/s, p50 / p99", _both(_open_loop(log, seconds)))
        loaded = _weigh(folder)
        missing = max(records - loaded[0], 1000)
        _fill(log, _chats(missing // 4))
        chats = _weigh(folder)
        _fill(log, _logins(missing // 2))
        size = log.reader.get_head(_TENANT).size
        _say_weight("database for each record of the load", (0, 0, 0), loaded)
        _say_weight("database for each of a chat's two records", loaded, chats, "<= 1,000 B")
        _say_weight("database for each login", chats, _weigh(folder), "<= 1,000 B")
        _say(f"a proof of {size:,} records, p50 / p99", _both(_prove(log, size)), "<= 2 ms")
        _say("a head that leaves (head file, ML-DSA-44), p50 / p99", _both(_publish(log)))
        words = "a feed to a file, OCSF, synced each batch of 200"
        _say(words, f"{_feed(log, folder):,.0f} rec/s")
        _say(f"restart at {size:,} records", f"{_restart(log, audit):.3f} s", "<= 2 s")
        log.close()
    finally:
        keeper.close()


def _open(folder: Path) -> AuditLog:
    keystore = KeyStore(folder / "keys" / "keys.db", _ROOT)
    return AuditLog(folder / "audit", "bench.test", None, keystore, worker="bench", floor_bytes=0)


def _draft() -> Draft:
    return Draft(
        "chat.refused",
        _PERSON,
        phase="fact",
        target={"assistant": "commune-desk", "version": "1", "channel": "portal"},
        policy={"digest": "sha256:" + "ab" * 32, "decision": "deny", "rules": ["hours", "level"]},
        privacy={"action": "masked", "counts": {"EMAIL": 1, "PERSON": 2}, "detector": "1"},
        sealed={"prompt": b"my address is [EMAIL_1] " * 8, "answer": b"this is refused " * 20},
        seal_key=KeyRef("conversation", "c-1"),
    )


def _both(values: Sequence[float]) -> str:
    parts = statistics.quantiles(values, n=100)
    return f"{parts[49] * 1000:.2f} / {parts[98] * 1000:.2f} ms"


def _probe_disk(folder: Path, seconds: float) -> list[float]:
    taken = []
    descriptor = os.open(folder / "probe", os.O_WRONLY | os.O_CREAT)
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        begun = time.perf_counter()
        os.write(descriptor, bytes(4096))
        os.fdatasync(descriptor)
        taken.append(time.perf_counter() - begun)
    os.close(descriptor)
    return taken


def _write_own(folder: Path, seconds: float) -> Load:
    """What threads get that write each record in a transaction of their own, as durable as ours."""
    keystore = KeyStore(folder / "keys" / "keys.db", _ROOT)

    def prepare() -> Callable[[], None]:
        writer = audit_own.OwnWriter(folder / "own", keystore, _TENANT)
        return lambda: writer.append(_draft())

    return _measure(prepare, seconds)


def _in_threads(count: int, work: Callable[[int], None]) -> None:
    threads = [threading.Thread(target=work, args=(at,)) for at in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _load(way: str, folder: Path, seconds: float, delay_s: float = 0.0) -> Load:
    """What processes of their own got acknowledged."""
    arguments = [way, str(folder), str(seconds), str(delay_s)]
    command = [sys.executable, "-m", "deploy.bench.audit", "--worker", *arguments]
    workers = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(_PROCESSES)
    ]
    told = [worker.communicate()[0].split() for worker in workers]
    counts, rates, cpus = zip(*told, strict=True)
    return Load(sum(map(int, counts)), sum(map(float, rates)), sum(map(float, cpus)))


def _cpu_of(process: int) -> float:
    """Seconds of processor that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _find_writer(audit: Path) -> int:
    """The process that answers at the socket."""
    line = wire.connect(audit, 2.0)
    assert line is not None  # noqa: S101 - it has just answered
    raw = line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    line.close()
    return int.from_bytes(raw[:4], sys.byteorder)


def _write_log(folder: Path, seconds: float) -> Load:
    """The same through the sequencer, each record built and sealed by its thread."""
    log = _open(folder)
    log.append(_TENANT, _draft(), 30)
    load = _measure(lambda: lambda: _append(log), seconds)
    log.close()
    return load


def _append(log: AuditLog) -> None:
    log.append(_TENANT, _draft(), 30)


def _measure(prepare: Callable[[], Callable[[], None]], seconds: float) -> Load:
    counts = [0] * _THREADS
    ready = threading.Barrier(_THREADS)
    rates = [0.0] * _THREADS

    def work(at: int) -> None:
        append = prepare()
        ready.wait()
        begun = time.monotonic()
        while time.monotonic() < begun + seconds:
            with contextlib.suppress(StoreBusy):  # starved: it got nothing in all this time
                append()
                counts[at] += 1
        rates[at] = counts[at] / (time.monotonic() - begun)

    began_s = time.process_time()
    _in_threads(_THREADS, work)
    return Load(sum(counts), sum(rates), time.process_time() - began_s)


def _open_loop(log: AuditLog, seconds: float) -> list[float]:
    """Seconds from handing over until a thread that waits has the receipt, at a steady rate."""
    taken: list[float] = []
    waiting: queue.SimpleQueue[tuple[float, Pending[Receipt]] | None] = queue.SimpleQueue()

    def collect() -> None:
        while (one := waiting.get()) is not None:
            one[1].result(30)
            taken.append(time.perf_counter() - one[0])

    collector = threading.Thread(target=collect)
    collector.start()
    begun = time.perf_counter()
    for at in range(int(_RATE * seconds)):
        time.sleep(max(0.0, begun + at / _RATE - time.perf_counter()))
        started = time.perf_counter()
        waiting.put((started, log.submit(_TENANT, _draft())))
    waiting.put(None)
    collector.join()
    return taken


def _fill(log: AuditLog, drafts: Iterable[Draft]) -> None:
    waiting: list[Pending[Receipt]] = []
    for draft in drafts:
        waiting.append(log.submit(_TENANT, draft))
        if len(waiting) >= _WINDOW:
            waiting.pop(0).result(30)
    for one in waiting:
        one.result(30)


def _chats(count: int) -> Iterator[Draft]:
    """As the gateway records them: an intent, then its result."""
    content, key = _draft().sealed, KeyRef("conversation", "c-1")
    for _ in range(count):
        intent = _chat("chat.started")
        yield intent
        yield replace(_chat("chat.finished"), re=intent.id, sealed=content, seal_key=key)


def _logins(count: int) -> Iterator[Draft]:
    seen = {"method": "GET", "route": "/v1/models", "status": 200}
    return (Draft("auth.login", _PERSON, http=seen) for _ in range(count))


def _chat(kind: str) -> Draft:
    return Draft(
        kind,
        _PERSON,
        target={"assistant": "commune-desk", "version": "1", "channel": "portal", "level": 2},
        model={"wanted": ["local-small"], "provider": "local", "asked": "local-small"},
        use={"messages": 3, "bytes_in": 900, "bytes_out": 1200, "tokens_in": 200, "ms": 900},
        policy={"digest": "sha256:" + "ab" * 32, "decision": "allow", "rules": ["default"]},
        http={"method": "POST", "route": "/v1/chat/completions", "request": "ab" * 16},
    )


def _weigh(folder: Path) -> tuple[int, int, int]:
    """Records, bytes of their leaves as hashed, bytes of the pages that records and tree take."""
    database = apsw.Connection(str(folder / "audit" / "audit.db"), flags=apsw.SQLITE_OPEN_READONLY)
    database.execute("BEGIN")  # else the pages are those of the file without its write-ahead log
    rows = database.execute("SELECT leaf, hash FROM record")
    lengths = [len(unpack(*row)) for row in rows]
    pages = database.execute(
        "SELECT sum(pgsize) FROM dbstat WHERE name IN (SELECT name FROM sqlite_schema"
        " WHERE tbl_name IN ('record', 'block'))"
    ).fetchall()[0][0]
    database.close()
    return len(lengths), sum(lengths), pages


def _say_weight(words: str, before: Sequence[int], after: Sequence[int], goal: str = "") -> None:
    count, leaves, pages = (new - old for new, old in zip(after, before, strict=True))
    _say(words, f"{pages / count:,.0f} B (leaf {leaves / count:,.0f})", goal)


def _prove(log: AuditLog, size: int) -> list[float]:
    taken = []
    for at in range(500):
        begun = time.perf_counter()
        log.reader.get_proof(_TENANT, at * 7919 % size)
        taken.append(time.perf_counter() - begun)
    return taken


def _publish(log: AuditLog) -> list[float]:
    """Seconds to publish a head that is new each time: durable in the head file, signed twice."""
    taken = []
    for _ in range(_HEADS):
        log.append(_TENANT, _draft(), 30)
        begun = time.perf_counter()
        log.publish_head(_TENANT)
        taken.append(time.perf_counter() - begun)
    return taken


def _feed(log: AuditLog, folder: Path) -> float:
    """Records a second that an outbox brings to a receiver on the same disk."""
    target = FileTarget(path="feed.jsonl", rotate_mb=10_000)
    feed = Feed(name="bench", kind="ocsf", agencies=[_TENANT], file=target)
    feeds = Feeds(log, FeedPlan((feed,), folder))
    begun = time.monotonic()
    feeds.run_round()
    return feeds.describe()[0].sent / (time.monotonic() - begun)


def _restart(log: AuditLog, audit: Path) -> float:
    """Seconds from the writer's sudden death to the next acknowledged record."""
    writer = _find_writer(audit)
    begun = time.monotonic()
    os.kill(writer, 9)
    log.append(_TENANT, _draft(), 60)
    return time.monotonic() - begun


if __name__ == "__main__":
    sys.exit(main())
