"""A log of any length, from its first record to half of it pruned: `--records N`.

`python -m deploy.drill.scale`. Its first half is written by a sequencer of half a year ago, so that
it may be pruned. One process hands records over as fast as they are taken, so that batches are
full; the sequencer is the real one. Prints how far it is, and every figure with its goal; exit 1
when anything is lost, a verdict is not INTACT, or the verifier needs more memory than its goal.
Times are told and never judged: they belong to the machine. Ten million records take some 11 GB
(database and export) in the folder of `--folder`, which is emptied at the end but for `--keep`. Not
here: how much a batch or a disk gives (`deploy.bench.audit`).
"""

import argparse
import os
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

from deploy.bench.audit_verify import GOAL_MB, GOAL_S, MILLION, Run, run_verifier
from deploy.drill.scene import await_end, fork, keep_sequencer, live_long_ago, opened
from parvis.audit import AuditLog, Draft, KeyRef, Receipt
from parvis.audit.events import Actor
from parvis.audit.export import export_files, write_folder
from parvis.audit.pending import Pending
from parvis.audit.process import Keeper
from parvis.audit.reader import AuditReader
from parvis.audit.sqlite_store import FILE_NAME
from parvis.audit.tree import TILE_WIDTH
from parvis.errors import AuditUnavailable

_TENANT = "commune"
_WINDOW = 1000
_PATIENCE_S = 60.0
_STEPS = 20
_PROOFS = 1000
_COLD_PROOFS = 50
_PERSON = Actor("person", "8f2c-subject", ("civil-servant",), "substantial", "portal")
_SERVICE = Actor("service", roles=("civil-servant",), client="desk")


def write(folder: Path, until: int) -> int:
    """Append what an office writes until the log has so many records."""
    with opened(folder, leads=False) as log:
        waiting: deque[tuple[Draft, Pending[Receipt]]] = deque()
        first, begun = _size(log), time.monotonic()
        step = max((until - first) // _STEPS, _WINDOW)
        for at, draft in zip(range(first, until), _drafts(), strict=False):
            waiting.append((draft, _submit(log, draft)))
            if len(waiting) >= _WINDOW:
                _settle(log, *waiting.popleft())
            if at > first and (at - first) % step == 0:
                rate = (at - first) / (time.monotonic() - begun)
                say("  written", f"{at:,}, {rate:,.0f} rec/s")
        for one in waiting:
            _settle(log, *one)
    return 0


def _submit(log: AuditLog, draft: Draft) -> Pending[Receipt]:
    """Hand it over, again when too much waits: a disk that is busy for seconds ends no drill."""
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            return log.submit(_TENANT, draft)
        except AuditUnavailable:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _settle(log: AuditLog, draft: Draft, pending: Pending[Receipt]) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            pending.result(_PATIENCE_S)
            return
        except AuditUnavailable:  # refused, or its intent was: that one was handed over again
            if time.monotonic() > deadline:
                raise
            pending = _submit(log, draft)


def _drafts() -> Iterator[Draft]:
    """A sign-in, then four questions with their answers, again and again.

    One of eight is a person, whose identifier and texts are sealed; the others are services.
    """
    for turn in count():
        actor = _SERVICE if turn % 8 else _PERSON
        login = {"method": "GET", "route": "/v1/models", "status": 200}
        yield Draft("auth.login", actor, http=login)
        for _ in range(4):
            begun = _chat("chat.started", actor)
            yield begun
            texts = {} if turn % 8 else {"prompt": b"question " * 30, "answer": b"answer " * 60}
            key = None if turn % 8 else KeyRef("conversation", "c-1")
            yield _chat("chat.finished", actor, re=begun.id, sealed=texts, seal_key=key)


def _chat(kind: str, actor: Actor, **fields: Any) -> Draft:
    return Draft(
        kind,
        actor,
        target={"assistant": "commune-desk", "version": "12", "channel": "portal", "level": 2},
        model={"wanted": ["local-small"], "provider": "local", "digest": "sha256:" + "ab" * 32},
        use={"messages": 3, "bytes_in": 812, "tokens_in": 412, "tokens_out": 188, "ms": 2210},
        policy={"digest": "sha256:" + "cd" * 32, "decision": "allow", "rules": ["P-00", "P-17"]},
        http={"method": "POST", "route": "/v1/chat/completions", "request": "ab" * 16},
        **fields,
    )


def _size(log: AuditLog) -> int:
    log.get_log(_TENANT)
    return log.reader.get_head(_TENANT).size


def _keep(folder: Path) -> Keeper:
    audit = folder / "audit"
    audit.mkdir(parents=True, mode=0o700, exist_ok=True)
    return keep_sequencer(audit)


def _write_past(folder: Path, until: int) -> int:
    live_long_ago()
    keeper = _keep(folder)
    try:
        return write(folder, until)
    finally:
        keeper.close()


def timed(act: Callable[[], Any]) -> tuple[Any, float]:
    """What it gives and the seconds that it takes."""
    begun = time.monotonic()
    return act(), time.monotonic() - begun


def say(words: str, value: str, goal: str = "") -> None:
    """One line of the report."""
    print(f"{words:<44} {value:>32}  {goal}", flush=True)


class Scale:
    """One log, and what it costs."""

    def __init__(self, folder: Path, records: int, *, kept: bool) -> None:
        self._folder, self._records, self._kept = folder, records, kept
        self._sound = True

    def run(self) -> bool:
        """All of it; True when nothing was lost."""
        half = self._records // 2
        _, first = timed(lambda: self._require(fork(lambda: _write_past(self._folder, half))))
        keeper = _keep(self._folder)
        try:
            _, second = timed(
                lambda: self._require(fork(lambda: write(self._folder, self._records)))
            )
            rate = self._records / (first + second)
            say("append, one worker, full batches", f"{rate:,.0f} rec/s", "goal >= 5,000")
        finally:
            keeper.close()
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        busy_us = (used.ru_utime + used.ru_stime) / self._records * 1e6
        say("processor a record, worker and sequencer", f"{busy_us:.0f} us")
        size = sum(path.stat().st_size for path in (self._folder / "audit").glob("audit.db*"))
        say("database", f"{size / 1e9:.2f} GB")
        say("database a record", f"{size / self._records:,.0f} B", "goal <= 1,000")
        self._read(half)
        return self._sound

    def _require(self, child: int) -> None:
        if await_end(child):
            raise SystemExit("a part of the drill failed")

    def _read(self, half: int) -> None:
        begun = time.monotonic()
        with opened(self._folder, leads=True) as log:
            log.append(_TENANT, Draft("auth.login", _PERSON), 60)
            say("restart to the first record", f"{time.monotonic() - begun:.2f} s", "goal <= 2")
            self._prove(log)
            self._verify(log, "whole")
            end = half // TILE_WIDTH * TILE_WIDTH
            target = {"object": "records", "first": 0, "end": end}
            pruned = Draft("retention.pruned", outcome="success", target=target)
            log.append(_TENANT, pruned, 60)
            minimum, seconds = timed(lambda: log.prune(_TENANT, end))
            self._sound &= minimum == end
            say(f"prune {end:,} records", f"{seconds:.1f} s")
            self._verify(log, "half pruned")
            self._prove_cold()

    def _prove(self, log: AuditLog) -> None:
        taken = []
        begun_s = time.process_time()
        for at in range(_PROOFS):
            seq = at * 7_654_321 % self._records
            taken.append(timed(lambda seq=seq: log.reader.get_proof(_TENANT, seq))[1])  # type: ignore[misc]
        busy_s = (time.process_time() - begun_s) / _PROOFS
        parts = statistics.quantiles(taken, n=100)
        times = f"{parts[49] * 1000:.2f} / {parts[98] * 1000:.2f} ms, {busy_s * 1000:.2f} busy"
        say("a proof, p50 / p99, of it processor", times, "goal <= 2")

    def _prove_cold(self) -> None:
        """With nothing of the file in memory, neither ours nor the system's."""
        path, taken = self._folder / "audit", []
        for at in range(_COLD_PROOFS):
            descriptor = os.open(path / FILE_NAME, os.O_RDONLY)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)
            reader = AuditReader(path)
            seq = self._records - 1 - at * 7_654_321 % (self._records // 2)
            taken.append(timed(lambda: reader.get_proof(_TENANT, seq))[1])  # noqa: B023
            reader.close()
        words = f"{statistics.median(taken) * 1000:.2f} ms"
        say("a proof, every page read from the disk, p50", words)

    def _verify(self, log: AuditLog, name: str) -> None:
        out = self._folder / "export"
        _, seconds = timed(lambda: _export(log, out))
        millions = self._records / MILLION
        say(f"export, {name}", f"{seconds:.1f} s, {seconds / millions:.1f} a million")
        say("export, bytes on disk", f"{_weigh(out) / 1e9:.2f} GB")
        run: Run = run_verifier(out)
        if name != "whole" or not self._kept:
            shutil.rmtree(out)
        else:
            out.rename(self._folder / "whole")
        self._sound &= run.verdict == "INTACT" and run.peak_mb <= GOAL_MB
        figures = f"{run.cpu_s:.0f} s, {run.cpu_s / millions:.1f} a million, {run.peak_mb:.0f} MB"
        goal = f"goal <= {GOAL_S:.0f} s a million, {GOAL_MB} MB"
        say(f"verify, {name}: {run.verdict}", figures, goal)


def _weigh(folder: Path) -> int:
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*"))


def _export(log: AuditLog, out: Path) -> None:
    while True:
        try:
            write_folder(export_files(log, _TENANT), out)
            return
        except AuditUnavailable:  # its key was changed meanwhile
            shutil.rmtree(out, ignore_errors=True)
            time.sleep(1)


def main() -> int:
    """Exit 1 when something was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=MILLION)
    parser.add_argument("--folder", type=Path, help="where to make it (default: a temporary one)")
    parser.add_argument("--keep", action="store_true", help="leave the database and `whole/` there")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="parvis-scale-", dir=given.folder))
    say("records", f"{given.records:,}")
    say("processors", str(os.cpu_count()))
    try:
        return int(not Scale(folder, given.records, kept=given.keep).run())
    finally:
        if given.keep:
            say("kept in", str(folder))
        else:
            shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
