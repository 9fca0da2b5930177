"""`make bench-audit`: what the audit log costs, beside a probe of the disk in the same run.

Ratios can be trusted, absolute figures belong to the machine. `--records N` fills a log first, so
that restart and proofs are measured at that length.
"""

import argparse
import contextlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path

import apsw

from parvis.audit import AuditLog, Draft, KeyRef, Receipt, wire
from parvis.audit.events import Actor
from parvis.audit.feed_outbox import Feeds
from parvis.audit.feeds import Feed, FeedPlan, FileTarget
from parvis.audit.process import Keeper, Plan, run_sequencer
from parvis.audit.sequencer import Limits
from parvis.keystore import KeyStore

_ROOT = bytes(range(32))
_TENANT = "bench"
_PROCESSES, _THREADS = 4, 16
_CLIENTS = 64
_RATE = 200
_ROW_BYTES = 1000
_PERSON = Actor("person", "8f2c-subject", ("civil-servant",), "", "portal")
_WINDOW = 256


def main() -> int:
    """Print every figure with its goal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="length of each load")
    parser.add_argument("--records", type=int, default=20_000, help="records before restart")
    parser.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        work = _write_own if given.worker[0] == "own" else _write_log
        print(work(Path(given.worker[1]), float(given.worker[2])))
        return 0
    with tempfile.TemporaryDirectory(prefix="parvis-bench-") as name:
        _run(Path(name), given.seconds, given.records)
    return 0


def _say(words: str, value: str, goal: str = "") -> None:
    print(f"{words:<58} {value:>22}  {goal}", flush=True)


def _compare(folder: Path, seconds: float) -> None:
    """Records a second with a transaction each, and through the sequencer, on one disk."""
    database = apsw.Connection(str(folder / "own.db"))
    database.execute("PRAGMA journal_mode=WAL").fetchall()
    database.execute("CREATE TABLE record (seq INTEGER PRIMARY KEY, leaf BLOB)")
    database.close()
    own = _load("own", folder, seconds)
    _say(f"a transaction for each record, {_CLIENTS} clients", f"{own:,.0f} rec/s")
    keeper = _keep(folder)
    try:
        rate = _load("sequencer", folder, seconds)
    finally:
        keeper.close()
    words = f"sequencer, {_PROCESSES} processes x {_THREADS} threads, 3 sealed fields"
    _say(words, f"{rate:,.0f} rec/s", "goal >= 5,000")
    _say("ratio", f"{rate / own:.1f} x", "goal >= 20 x")


def _keep(folder: Path) -> Keeper:
    audit = folder / "audit"
    audit.mkdir(mode=0o700, exist_ok=True)
    return Keeper(lambda: run_sequencer(Plan(audit, "bench.test", _ROOT, Limits())))


def _run(folder: Path, seconds: float, records: int) -> None:
    syncs = _probe_disk(folder, seconds / 2)
    _say("a synced write of 4 KiB (probe of the disk), p50 / p99", _both(syncs))
    _compare(folder, seconds)
    audit = folder / "audit"
    keeper = _keep(folder)
    try:
        log = _open(folder)
        _say(f"ack at {_RATE} rec/s, p50 / p99", _both(_open_loop(log, seconds)))
        _fill(log, records)
        size = log.reader.get_head(_TENANT).size
        _say("database for each record, without sealed values", _weigh(folder), "goal <= 1,000 B")
        _say(f"a proof of {size:,} records, p50 / p99", _both(_prove(log, size)), "goal <= 2 ms")
        words = "a feed to a file, OCSF, synced each batch of 200"
        _say(words, f"{_feed(log, folder):,.0f} rec/s")
        _say(f"restart at {size:,} records", f"{_restart(log, audit):.3f} s", "goal <= 2 s")
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


def _write_own(folder: Path, seconds: float) -> float:
    """What threads get that write each record in a transaction of their own, as durable as ours.

    Generous to them: the record is built once, nothing is sealed, chained or signed.
    """
    path = str(folder / "own.db")
    row = (bytes(_ROW_BYTES),)

    def append(at: int) -> Callable[[], None]:
        database = apsw.Connection(path)
        database.set_busy_timeout(int(seconds * 2000))
        database.execute("PRAGMA synchronous=FULL")
        del at

        def run() -> None:
            database.execute("BEGIN IMMEDIATE")
            database.execute("INSERT INTO record (leaf) VALUES (?)", row)
            database.execute("COMMIT")

        return run

    return _measure(append, seconds)


def _in_threads(count: int, work: Callable[[int], None]) -> None:
    threads = [threading.Thread(target=work, args=(at,)) for at in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _load(way: str, folder: Path, seconds: float) -> float:
    """Records a second that processes of their own got acknowledged."""
    arguments = [way, str(folder), str(seconds)]
    command = [sys.executable, "-m", "deploy.bench.audit", "--worker", *arguments]
    workers = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(_PROCESSES)
    ]
    return sum(float(worker.communicate()[0]) for worker in workers)


def _write_log(folder: Path, seconds: float) -> float:
    """The same through the sequencer, each record built and sealed by its thread."""
    log = _open(folder)
    log.append(_TENANT, _draft(), 30)
    rate = _measure(lambda _at: lambda: _append(log), seconds)
    log.close()
    return rate


def _append(log: AuditLog) -> None:
    log.append(_TENANT, _draft(), 30)


def _measure(prepare: Callable[[int], Callable[[], None]], seconds: float) -> float:
    counts = [0] * _THREADS
    ready = threading.Barrier(_THREADS)
    rates = [0.0] * _THREADS

    def work(at: int) -> None:
        append = prepare(at)
        ready.wait()
        begun = time.monotonic()
        while time.monotonic() < begun + seconds:
            with contextlib.suppress(apsw.BusyError):  # starved: it got nothing in all this time
                append()
                counts[at] += 1
        rates[at] = counts[at] / (time.monotonic() - begun)

    _in_threads(_THREADS, work)
    return sum(rates)


def _open_loop(log: AuditLog, seconds: float) -> list[float]:
    """Seconds from handing over to acknowledgement, at a rate that does not wait for answers."""
    taken: list[float] = []
    waiting: list[Future[Receipt]] = []
    begun = time.perf_counter()
    for at in range(int(_RATE * seconds)):
        time.sleep(max(0.0, begun + at / _RATE - time.perf_counter()))
        started = time.perf_counter()
        future = log.submit(_TENANT, _draft())
        future.add_done_callback(
            lambda _, started=started: taken.append(time.perf_counter() - started)
        )
        waiting.append(future)
    for future in waiting:
        future.result(30)
    return taken


def _fill(log: AuditLog, records: int) -> None:
    waiting: list[Future[Receipt]] = []
    login = {"method": "GET", "route": "/v1/models", "status": 200}
    for _ in range(max(0, records - log.reader.get_head(_TENANT).size)):
        waiting.append(log.submit(_TENANT, Draft("auth.login", http=login)))
        if len(waiting) >= _WINDOW:
            waiting.pop(0).result(30)
    for future in waiting:
        future.result(30)


def _weigh(folder: Path) -> str:
    """The file less what its sealed values take, by record."""
    database = apsw.Connection(str(folder / "audit" / "audit.db"), flags=apsw.SQLITE_OPEN_READONLY)
    pages, page = (
        database.execute(f"PRAGMA {name}").fetchall()[0][0] for name in ("page_count", "page_size")
    )
    size, count = database.execute("SELECT sum(length(leaf)), count(*) FROM record").fetchall()[0]
    sealed = database.execute("SELECT sum(length(box) + 90), count(*) FROM sealed").fetchall()[0]
    database.close()
    beside = (sealed[0] or 0) + 110 * sealed[1]
    return f"{(pages * page - beside) / count:,.0f} B (leaf {size / count:,.0f} B)"


def _prove(log: AuditLog, size: int) -> list[float]:
    taken = []
    for at in range(500):
        begun = time.perf_counter()
        log.reader.get_proof(_TENANT, at * 7919 % size)
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
    line = wire.connect(audit, 2.0)
    assert line is not None  # noqa: S101 - it has just answered
    raw = line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    line.close()
    begun = time.monotonic()
    os.kill(int.from_bytes(raw[:4], sys.byteorder), 9)
    log.append(_TENANT, _draft(), 60)
    return time.monotonic() - begun


if __name__ == "__main__":
    sys.exit(main())
