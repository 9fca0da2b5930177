"""One run of the sequencer for each call it makes to its disk, with that call failing.

`python -m deploy.drill.crash`: every call and every way to fail; `--every N` takes one case of so
many. A client talks (`scene.py`) while another sequencer is started where the first one ended, as
the keeper does; then the judge looks. With `--strace` the calls of the system fail instead of
those of SQLite (where strace is on the machine). `--ledger FILE` keeps what has been run, one line
a case: started again with the same file, what is in it and was right is not run again, so that the
matrix may take several nights. A ledger belongs to one state of the code.
"""

import argparse
import gc
import json
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.drill.faults import KINDS, Disk, Fault, under
from deploy.drill.ledger import Ledger
from deploy.drill.scene import (
    INSTALLATION,
    ROOT_KEY,
    await_end,
    build_past,
    fork,
    judge,
    talk,
)
from parvis.audit import verify
from parvis.audit.process import EXIT_FAULT, Plan, run_sequencer
from parvis.audit.sequencer import Limits

SCENES = ("first start", "later start")
# what the victim of a fault may end with: by the signal, by its own decision, or in peace;
# SIGTERM ends it as well when it has only just been started
_ENDS = {-signal.SIGKILL, -signal.SIGTERM, EXIT_FAULT, 0}
_COUNTED_RUNS = 3  # runs differ by some calls
_SYSTEM_CALLS = ("pwrite64", "write", "fdatasync", "fsync", "ftruncate", "rename", "unlink")
_SYSTEM_KINDS = {
    "killed before": "signal=KILL",
    "EIO": "error=EIO",
    "ENOSPC": "error=ENOSPC",
    "nothing written": "retval=0",
}
_INJECTED = re.compile("INJECTED|killed by SIGKILL")
_TRACED = re.compile(r"(\d+) +(\w+)\(")
_ATTACHED_S = 30.0


@dataclass(frozen=True)
class Case:
    """One run. `system` names the call of the system that fails, where it is not SQLite's."""

    scene: str
    fault: Fault
    system: str = ""

    @property
    def name(self) -> str:
        """How the ledger speaks of it."""
        parts = [self.scene, self.system, str(self.fault.at), self.fault.kind]
        return ", ".join(part for part in parts if part)


def sequence(folder: Path, fault: Fault, trace: Path) -> int:
    """Be the sequencer, on a disk that fails once."""
    disk = Disk(fault, on_fault=lambda call: trace.write_text(call.name))
    with under(disk):
        code = run_sequencer(Plan(folder / "audit", INSTALLATION, ROOT_KEY, Limits()))
    if not fault.at:
        trace.write_text(str(disk.count))
    return code


def _sequence_traced(folder: Path) -> int:
    """Be the sequencer as soon as strace looks."""
    deadline = time.monotonic() + _ATTACHED_S
    while "TracerPid:\t0\n" in Path("/proc/self/status").read_text():
        if time.monotonic() > deadline:
            raise TimeoutError("strace does not come")
        time.sleep(0.001)
    return run_sequencer(Plan(folder / "audit", INSTALLATION, ROOT_KEY, Limits()))


def _quietly(errors: Path) -> None:
    """What a process that is made to fail says of it is kept beside its log."""
    os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 2)


class Drill:
    """Runs cases in a folder of its own; `past` is what is there at a later start."""

    def __init__(self, place: Path, past: Path, *, by_system: bool = False) -> None:
        self._place = place
        self._past = past
        self._by_system = by_system
        self._tracers: set[int] = set()

    def run(self, case: Case) -> tuple[str, list[str]]:
        """The call that failed (empty: none did), and what was wrong afterwards."""
        folder = Path(tempfile.mkdtemp(dir=self._place))
        if case.scene == "later start":
            ignored = shutil.ignore_patterns("*.sock")
            shutil.copytree(self._past, folder, ignore=ignored, dirs_exist_ok=True)
        (folder / "audit").mkdir(mode=0o700, exist_ok=True)
        told, trace, found = (folder / name for name in ("told", "trace", "found"))
        trace.write_text("")
        faults = self._let_run(folder, case, told, trace)
        while self._tracers:
            await_end(self._tracers.pop())
        if not faults:
            code = await_end(fork(lambda: _write_findings(folder, told, found)))
            faults = json.loads(found.read_text()) if code == 0 else ["the judge died"]
        text = trace.read_text()
        if case.system:  # what strace wrote
            text = next((line for line in text.splitlines() if _INJECTED.search(line)), "")
        if not case.fault.at:  # what is compiled here need not be compiled by every fork
            faults += [name for name in self._verify(folder) if name != "INTACT"]
        if faults and (errors := folder / "errors").exists():
            faults.append("it said: " + errors.read_text()[-2000:])
        shutil.rmtree(folder)
        return text, faults

    def _verify(self, folder: Path) -> Iterator[str]:
        for export in folder.glob("export-*"):
            yield verify.verify_folder(str(export))["verdict"]

    def _start(self, folder: Path, case: Case, trace: Path) -> int:
        def be_sequencer() -> int:
            _quietly(folder / "errors")
            if self._by_system:
                return _sequence_traced(folder)
            return sequence(folder, case.fault, trace)

        writer = fork(be_sequencer)
        if self._by_system:
            self._tracers.add(_trace(writer, case, trace))
        return writer

    def _let_run(self, folder: Path, case: Case, told: Path, trace: Path) -> list[str]:
        writer = self._start(folder, case, trace)

        def be_client() -> int:
            _quietly(folder / "errors")
            return talk(folder, told)

        client = fork(be_client)
        faults, faulty = [], True
        while True:
            child, status = os.waitpid(-1, 0)
            if child in self._tracers:
                self._tracers.remove(child)
                continue
            code = os.waitstatus_to_exitcode(status)
            if child == client:
                break
            if code not in (_ENDS if faulty else set()):
                faults.append(f"the sequencer ended with {code}")
                os.kill(client, signal.SIGKILL)
                await_end(client)
                return faults
            faulty = False
            writer = fork(lambda: sequence(folder, Fault(), folder / "trace2"))
        if code:
            faults.append(f"the client ended with {code}")
        os.kill(writer, signal.SIGTERM)
        code = await_end(writer)
        if code not in (_ENDS if faulty else {0, -signal.SIGTERM}):
            faults.append(f"the sequencer ended with {code} at its close")
        return faults


def _write_findings(folder: Path, told: Path, found: Path) -> int:
    found.write_text(json.dumps(list(judge(folder, told))))
    return 0


def _trace(writer: int, case: Case, trace: Path) -> int:
    """Let strace look at a process; with a fault it makes that call fail."""
    told = f"trace={','.join(_SYSTEM_CALLS)}"
    if case.system:
        told = f"inject={case.system}:{_SYSTEM_KINDS[case.fault.kind]}:when={case.fault.at}"
    options = ["strace", "-f", "-qq", "-o", str(trace), "-e", told, "-p", str(writer)]
    return os.posix_spawnp("strace", options, os.environ)


def list_cases(drill: Drill, kinds: Sequence[str]) -> Iterator[Case]:
    """Each call of a run without faults, in each way to fail."""
    for scene in SCENES:
        most: Counter[str] = Counter()
        for _ in range(_COUNTED_RUNS):
            text, faults = drill.run(Case(scene, Fault()))
            if faults:
                raise SystemExit(f"{scene}, without a fault: {faults}")
            most |= Counter({"": int(text)}) if text.isdecimal() else _count_calls(text)
        print(f"{scene}: {sum(most.values())} calls", flush=True)
        for system, calls in most.items():
            for at in range(1, calls + 1):
                for kind in _SYSTEM_KINDS if system else kinds:
                    if kind != "nothing written" or "write" in system:
                        yield Case(scene, Fault(at, kind), system)


def _count_calls(text: str) -> Counter[str]:
    """How often each call was made by the thread that made it most: strace counts each alone."""
    seen = Counter(match.groups() for match in map(_TRACED.match, text.splitlines()) if match)
    most: Counter[str] = Counter()
    for (_thread, call), count in seen.items():
        most |= Counter({call: count})
    return most


def _run_share(drill: Drill, cases: Sequence[Case], ledger: Ledger) -> int:
    started_by = os.getppid()
    for case in cases:
        if os.getppid() != started_by:  # somebody ended the drill
            return 1
        call, faults = drill.run(case)
        ledger.add(case.name, call=call, faults=faults)
        if faults:
            print(f"WRONG {case.name} ({call}): {'; '.join(faults)}", flush=True)
    return 0


def run_cases(place: Path, cases: Sequence[Case], ledger: Ledger, jobs: int) -> int:
    """Run what the ledger does not hold, in so many processes; gives how many were wrong."""
    done = {name for name, line in ledger.read().items() if not line["faults"]}
    waiting = [case for case in cases if case.name not in done]
    random.Random(1).shuffle(waiting)  # noqa: S311 - what one night does is a sample of the whole
    gc.freeze()
    children = []
    for job in range(jobs):
        own = place / f"job{job}"
        own.mkdir()
        drill = Drill(own, place / "past", by_system=any(case.system for case in cases))
        share = waiting[job::jobs]
        children.append(fork(lambda drill=drill, share=share: _run_share(drill, share, ledger)))  # type: ignore[misc]
    broken = [code for code in map(await_end, children) if code]
    lines = ledger.read()
    ran = [lines[case.name] for case in cases if case.name in lines]
    wrong = sum(bool(line["faults"]) for line in ran) + len(broken)
    missed = sum(not line["call"] for line in ran)
    print(f"{len(ran)} of {len(cases)} cases, {len(waiting)} of them now")
    print(f"{len(ran)} runs, {wrong} wrong, {missed} came to no fault", flush=True)
    return wrong


def main() -> int:
    """Exit 1 when a run left something wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="take one case of so many")
    parser.add_argument("--kinds", nargs="*", default=KINDS, help="ways to fail")
    parser.add_argument("--strace", action="store_true", help="let the system's calls fail")
    parser.add_argument("--jobs", type=int, default=1, help="processes that run cases")
    parser.add_argument("--ledger", type=Path, help="go on where this file ends")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="parvis-drill-") as name:
        place = Path(name)
        past = place / "past"
        past.mkdir()
        await_end(fork(lambda: build_past(past)))
        drill = Drill(place, past, by_system=given.strace)
        cases = list(list_cases(drill, given.kinds))[given.every - 1 :: given.every]
        ledger = Ledger(given.ledger or place / "ledger")
        return int(run_cases(place, cases, ledger, given.jobs) > 0)


if __name__ == "__main__":
    sys.exit(main())
