"""A day in the life of the log, and whether its processes grow: `--hours 24`.

`python -m deploy.drill.soak`. A sequencer, a gateway's worker that writes `--rate` records a
second, a witness that serves over HTTP, a time-stamp authority. Every `--every` seconds a round:
the key is changed, auditor and witness learn it from an export that proves it, heads go to both
outsiders, and the export is judged by the auditor's policy: INTACT and anchored, from the first
round to the last. After each round, memory, open files and threads of sequencer, worker and witness
are read; a line through the second half of them tells what they would gain in a day. Exit 1 when a
verdict is wrong, or a process has grown by more than its share from the middle to the end. Minutes
show that it works; only hours show that nothing grows: caches fill first.
"""

import argparse
import multiprocessing
import os
import resource
import shutil
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from deploy.drill.scene import (
    PERSON,
    ROOT_KEY,
    await_end,
    finish_chat,
    fork,
    keep_sequencer,
    opened,
    start_chat,
)
from parvis.audit import PLATFORM, AuditLog, verify
from parvis.audit.anchors import AnchorPlan, Anchors
from parvis.audit.anchors_heads import record_heads
from parvis.audit.export import export_files, write_folder
from parvis.audit.fsck import check_logs
from parvis.audit.renewal import renew_trust
from parvis.audit.witness import create_witness
from parvis.audit.witness_server import WitnessServer
from parvis.errors import AuditUnavailable
from parvis.keystore import KeyStore
from tests.audit.authority import Authority
from tests.audit.test_anchors import tsa_line

TENANT = "commune"
_MAY_GROW, _MAY_GROW_KB = 1.10, 8192
_PAGE_KB = resource.getpagesize() // 1024
_DAY_S = 86_400


class Look(NamedTuple):
    """One process at one moment."""

    at_s: float
    memory_kb: int
    files: int
    threads: int


def look(pid: int) -> Look:
    """Resident memory, open files and threads."""
    folder = Path(f"/proc/{pid}")
    pages = int((folder / "statm").read_text().split()[1])
    counts = (len(list((folder / name).iterdir())) for name in ("fd", "task"))
    return Look(time.monotonic(), pages * _PAGE_KB, *counts)


class Chatter:
    """A worker's thread that writes chats at a rate (records a second) until it is closed."""

    def __init__(self, log: AuditLog, rate: float) -> None:
        self._log, self._pause_s = log, 2 / rate
        self._stopped = threading.Event()
        self.written, self.refused = 0, 0
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def close(self) -> None:
        """End after the chat that is under way."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(self._pause_s):
            try:
                started = self._log.append(TENANT, start_chat(), 10)
                self._log.append(TENANT, finish_chat(started.id, f"c-{self.written % 50}"), 10)
                self.written += 2
            except AuditUnavailable:  # as a gateway: this chat is refused, the next is tried
                self.refused += 1


@contextmanager
def witnessing(folder: Path) -> Iterator[tuple[int, str, str]]:
    """(process, verifier key, address) of a witness in a process of its own."""
    witness = create_witness(folder, "office.drill.test/w")
    server = WitnessServer(witness, ("127.0.0.1", 0))

    def serve() -> int:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # it tells of every request
        server.serve_forever()
        return 0

    child = fork(serve)
    try:
        yield child, witness.vkey, server.url
    finally:
        os.kill(child, signal.SIGKILL)
        await_end(child)
        server.server_close()


def verify_words(out: Path, policy: Path) -> list[str]:
    """What is wrong with an export, judged by a policy."""
    report = verify.verify_folder(str(out), verify.load_policy(policy.read_bytes()))
    if report["verdict"] == "INTACT" and report["anchored"]:
        return []
    words = f"{report['verdict']}, anchored: {report['anchored']}, {report['findings'][:2]}"
    return [f"an export of {report['log']} is {words}"]


def fsck_words(folder: Path) -> list[str]:
    """What the house's own check finds."""
    with closing(KeyStore(folder / "keys" / "keys.db", ROOT_KEY)) as keystore:
        checks = check_logs(folder / "audit", keystore)
        return [f"fsck {check.tenant_id}: {fault}" for check in checks for fault in check.faults]


class Auditor:
    """A process that judges, so that what it needs is not taken for the gateway's."""

    _ACTS: ClassVar = {"renew": renew_trust, "verify": verify_words, "fsck": fsck_words}

    def __init__(self) -> None:
        context = multiprocessing.get_context("fork")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=self._answer, args=(theirs,), daemon=True)
        self._process.start()

    def _answer(self, pipe: Any) -> None:
        while True:
            act, given = pipe.recv()
            pipe.send(self._ACTS[act](*given))

    def ask(self, act: str, *given: Path) -> list[str]:
        """Its words; EOFError when it died of what it saw."""
        self._pipe.send((act, given))
        found: list[str] = self._pipe.recv()
        return found

    def close(self) -> None:
        """Let it go."""
        self._process.kill()
        self._process.join()


class Soak:
    """The installation, its outsiders, and what is seen of them."""

    def __init__(
        self, folder: Path, log: AuditLog, auditor: Auditor, processes: dict[str, int]
    ) -> None:
        self._folder, self._log, self._auditor = folder, log, auditor
        self._processes = processes
        self.looks: dict[str, list[Look]] = defaultdict(list)
        self.wrong: list[str] = []

    def begin(self, vkey: str, url: str, authority: Authority, tsa_url: str) -> None:
        """Let auditor and witness know the logs, and the gateway whom to ask."""
        self._log.get_log(TENANT)
        keys = [self._log.reader.get_key(tenant).vkey for tenant in (TENANT, PLATFORM)]
        outside = f"witness office {vkey} {url}\ngroup outside any office\nquorum outside\n"
        outside += tsa_line(authority)
        self._policy, self._known = self._folder / "policy", self._folder / "witness" / "logs"
        self._policy.write_text("".join(f"log {key}\n" for key in keys) + outside)
        self._known.write_text("\n".join(keys) + "\n")
        trust = verify.load_policy(outside.encode())[1]
        self._anchors = Anchors(self._log, AnchorPlan(trust, tsa_url, stamp_every_s=0))
        self._anchors.run_round()  # a policy with a quorum believes no export before

    def run_round(self) -> None:
        """What happens in a day, at once."""
        for tenant in (TENANT, PLATFORM):
            self._insist(lambda tenant=tenant: self._log.rotate_key(tenant, "drill", PERSON))
            with self._exported(tenant) as out:
                for trusted in (self._policy, self._known):
                    self._auditor.ask("renew", trusted, out)
        self._insist(lambda: record_heads(self._log, self._anchors.store))
        self._anchors.run_round()
        self._anchors.thin()
        for tenant in (TENANT, PLATFORM):
            with self._exported(tenant) as out:
                self.wrong += self._auditor.ask("verify", out, self._policy)
        self.wrong += self._auditor.ask("fsck", self._folder)
        for name, pid in self._processes.items():
            self.looks[name].append(look(pid))

    @contextmanager
    def _exported(self, tenant: str) -> Iterator[Path]:
        out = self._folder / "export"
        self._insist(lambda: self._export(tenant, out))
        yield out
        shutil.rmtree(out)

    def _export(self, tenant: str, out: Path) -> None:
        shutil.rmtree(out, ignore_errors=True)
        write_folder(export_files(self._log, tenant), out)

    def _insist(self, act: Any) -> Any:
        """As an operator who comes back: a key is changed, the log is busy."""
        for _ in range(100):
            try:
                return act()
            except AuditUnavailable:
                time.sleep(0.1)
        raise SystemExit("the log refuses for ever")


def judge_growth(name: str, looks: Sequence[Look]) -> Iterator[str]:
    """What grew from the middle to the end by more than its share."""
    half = looks[len(looks) // 2 :]
    if len(half) < 4:  # noqa: PLR2004 - no line through less
        yield f"{name}: too few rounds to tell whether it grows"
        return
    quarter = len(half) // 2
    for what in ("memory_kb", "files", "threads"):
        values = [getattr(one, what) for one in half]
        before, after = statistics.median(values[:quarter]), statistics.median(values[quarter:])
        share = _MAY_GROW_KB if what == "memory_kb" else 1
        if after > max(before * _MAY_GROW, before + share):
            yield f"{name}: {what} grew from {before:,.0f} to {after:,.0f}"


def tell(name: str, looks: Sequence[Look]) -> None:
    """One line: where it stands, and its slope."""
    half = looks[len(looks) // 2 :]
    times, memory = [one.at_s for one in half], [float(one.memory_kb) for one in half]
    slope = statistics.linear_regression(times, memory).slope if len(half) > 1 else 0.0
    last = looks[-1]
    first = f"{looks[0].memory_kb:,} -> {last.memory_kb:,} kB"
    more = f"{slope * 3600:+,.0f} kB an hour, {last.files} files, {last.threads} threads"
    print(f"{name:<10} {first:<28} {more}", flush=True)


def list_children(pid: int) -> list[int]:
    """The processes that this one started."""
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def run(folder: Path, hours: float, every_s: float, rate: float) -> list[str]:
    """What was wrong with the soak of so many hours."""
    (folder / "audit").mkdir(mode=0o700)
    authority = Authority()
    with witnessing(folder / "witness") as (witness, vkey, url), authority.serving() as tsa_url:
        auditor = Auditor()
        before = set(list_children(os.getpid()))
        with (
            closing(auditor),
            closing(keep_sequencer(folder / "audit")),
            opened(folder, leads=False) as log,
        ):
            keeper = (set(list_children(os.getpid())) - before).pop()
            soak = Soak(folder, log, auditor, {"worker": os.getpid(), "witness": witness})
            soak.begin(vkey, url, authority, tsa_url)
            soak._processes["sequencer"] = list_children(keeper)[0]
            with closing(Chatter(log, rate)) as chatter:
                end, number = time.monotonic() + hours * 3600, 0
                while time.monotonic() < end and not soak.wrong:
                    begun, number = time.monotonic(), number + 1
                    soak.run_round()
                    time.sleep(max(0.0, every_s - (time.monotonic() - begun)))
            print(f"{number} rounds, {chatter.written:,} records, {chatter.refused} chats refused")
            if list_children(keeper)[0] != soak._processes["sequencer"]:
                soak.wrong.append("the sequencer was started again")
    for name, looks in soak.looks.items():
        tell(name, looks)
        soak.wrong += judge_growth(name, looks)
    return soak.wrong


def _list_children() -> list[int]:
    return [
        int(pid)
        for pid in Path("/proc/self/task")
        .joinpath(str(os.getpid()), "children")
        .read_text()
        .split()
    ]


def main() -> int:
    """Exit 1 when anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--every", type=float, default=600.0, help="seconds between rounds")
    parser.add_argument("--rate", type=float, default=5.0, help="records a second")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="parvis-soak-") as name:
        wrong = run(Path(name), given.hours, given.every, given.rate)
    print("\n".join(wrong) or "whole, anchored and no larger than before")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
