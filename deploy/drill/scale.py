"""A log of any length, from its first record to half of it pruned: `--records N`.

`python -m deploy.drill.scale`. Its first half is written by a sequencer of half a year ago, so that
it may be pruned. Prints every figure with its goal; exit 1 when anything is lost, a verdict is not
INTACT, or the verifier needs more memory than its goal. Times are told and never judged: they
belong to the machine. Not here: how much a batch or a disk gives (`deploy.bench.audit`).
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from deploy.bench.audit_verify import GOAL_MB, GOAL_S, MILLION, Run, run_verifier
from deploy.drill.crash import INSTALLATION, ROOT_KEY, await_end, fork, live_long_ago, opened
from parvis.audit import AuditLog, Draft
from parvis.audit.events import Actor
from parvis.audit.export import export_files, write_folder
from parvis.audit.process import Keeper, Plan, run_sequencer
from parvis.audit.sequencer import Limits
from parvis.audit.tree import TILE_WIDTH
from parvis.errors import AuditUnavailable

_TENANT = "commune"
_WINDOW = 512
_PERSON = Actor("person", "8f2c-subject", ("civil-servant",), "", "portal")


def write(folder: Path, until: int) -> int:
    """Append sign-ins and refused requests until the log has so many records."""
    login = {"method": "GET", "route": "/v1/models", "status": 200}
    with opened(folder, leads=False) as log:
        waiting: deque[Any] = deque()
        for at in range(_size(log), until):
            actor = _PERSON if at % 16 == 0 else Actor("system")
            waiting.append(log.submit(_TENANT, Draft("auth.login", actor, http=login)))
            if len(waiting) >= _WINDOW:
                waiting.popleft().result(60)
        for one in waiting:
            one.result(60)
    return 0


def _size(log: AuditLog) -> int:
    log.get_log(_TENANT)
    return log.reader.get_head(_TENANT).size


def _keep(folder: Path) -> Keeper:
    audit = folder / "audit"
    audit.mkdir(parents=True, mode=0o700, exist_ok=True)
    return Keeper(lambda: run_sequencer(Plan(audit, INSTALLATION, ROOT_KEY, Limits())))


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

    def __init__(self, folder: Path, records: int) -> None:
        self._folder, self._records = folder, records
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
            say("append, one worker, one record a time", f"{rate:,.0f} rec/s", "goal >= 5,000")
        finally:
            keeper.close()
        size = sum(path.stat().st_size for path in (self._folder / "audit").glob("audit.db*"))
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
            _, proofs = timed(lambda: self._prove(log))
            say("a proof", f"{proofs * 10:.2f} ms", "goal <= 2")
            self._verify(log, "whole")
            end = half // TILE_WIDTH * TILE_WIDTH
            target = {"object": "records", "first": 0, "end": end}
            pruned = Draft("retention.pruned", outcome="success", target=target)
            log.append(_TENANT, pruned, 60)
            minimum, seconds = timed(lambda: log.prune(_TENANT, end))
            self._sound &= minimum == end
            say(f"prune {end:,} records", f"{seconds:.1f} s")
            self._verify(log, "half pruned")

    def _prove(self, log: AuditLog) -> None:
        for at in range(100):
            log.reader.get_proof(_TENANT, at * 7919 % self._records)

    def _verify(self, log: AuditLog, name: str) -> None:
        out = self._folder / "export"
        _, seconds = timed(lambda: _export(log, out))
        millions = self._records / MILLION
        say(f"export, {name}", f"{seconds:.1f} s, {seconds / millions:.1f} a million")
        run: Run = run_verifier(out)
        shutil.rmtree(out)
        self._sound &= run.verdict == "INTACT" and run.peak_mb <= GOAL_MB
        figures = f"{run.cpu_s / millions:.1f} s a million, {run.peak_mb:.0f} MB"
        say(f"verify, {name}: {run.verdict}", figures, f"goal <= {GOAL_S:.0f} s, {GOAL_MB} MB")


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
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="parvis-scale-", dir=given.folder) as name:
        say("records", f"{given.records:,}")
        say("processors", str(os.cpu_count()))
        return int(not Scale(Path(name), given.records).run())


if __name__ == "__main__":
    sys.exit(main())
