"""What is left of the logs when the power fails: images made from what was done to the disk.

`python -m deploy.drill.power [--images N]`. A sequencer works on a disk that remembers every call.
An image is what a real disk may hold after the first so many of them: whatever was synced, and of
the rest any part: writes kept, dropped, torn, in any order; names as far as their folder had come.
Whatever was acknowledged before must be in the log that opens from it. The acknowledgements stand
among the calls, in the thread that makes them, so that one that comes before its sync is seen.
"""

import argparse
import random
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploy.drill.faults import Call, Disk, under
from deploy.drill.scene import AGENCIES, INSTALLATION, ROOT_KEY, compare, opened
from parvis.audit import Draft, Receipt, events
from parvis.audit.entries import Entry, system_entry
from parvis.audit.fsck import check_logs
from parvis.audit.pruning import wipe
from parvis.audit.sequencer import Limits, Sequencer
from parvis.audit.writer import Writer
from parvis.keystore import KeyStore

_SECTOR = 512
_ROUNDS, _WIPES = 12, (3, 7, 11)
_TOO_LONG_S = 60.0
_TORN, _SHUFFLED = 0.2, 0.5  # shares of writes and files


@dataclass(frozen=True, slots=True)
class Ack:
    """An acknowledgement, among the calls."""

    line: list[Any]


def record(folder: Path) -> list[Call | Ack]:
    """Let a sequencer work in `folder`; gives what it did to the disk, paths below `folder`."""
    (folder / "audit").mkdir(parents=True, mode=0o700)
    disk = Disk(keep=True)
    with under(disk):
        writer = Writer(folder / "audit", INSTALLATION, ROOT_KEY, worker="drill")
        sequencer = Sequencer(folder / "audit", writer, Limits(), _fail)
        sequencer.start()
        for at in range(_ROUNDS):
            _work(sequencer, disk, at)
        sequencer.close()
    return disk.calls


def _fail(error: Any) -> None:
    raise error


def _work(sequencer: Sequencer, disk: Disk, at: int) -> None:
    """A batch, now and then what a publication and an erasure do."""
    done = threading.Semaphore(0)
    entries = [_entry(AGENCIES[one % 2]) for one in range(1 + at % 4)]
    for entry in entries:
        sequencer.submit(entry, 500, _note(disk, entry, done))
    others: list[Callable[[Writer], Any]] = []
    if at in _WIPES:
        others = [wipe]
    if at % 2:
        others.append(lambda writer: writer.heads.advance(writer.known_heads()))
    for other in others:
        sequencer.submit(other, 0, lambda _result: done.release())
    for _ in range(len(entries) + len(others)):
        if not done.acquire(timeout=_TOO_LONG_S):
            raise TimeoutError("the sequencer does not answer")


def _entry(tenant: str) -> Entry:
    draft = Draft("auth.login", http={"method": "GET", "route": "/login"})
    return system_entry(tenant, events.replace_id(draft))


def _note(disk: Disk, entry: Entry, done: threading.Semaphore) -> Callable[[Any], None]:
    def answer(result: Any) -> None:
        if not isinstance(result, Receipt):
            raise TypeError(f"no receipt: {result}")
        line = [entry.tenant_id, result.id, result.seq, result.leaf_hash.hex()]
        disk.calls.append(Ack([*line, result.size, result.root.hex()]))
        done.release()

    return answer


@dataclass
class _Inode:
    kept: bytearray = field(default_factory=bytearray)
    waiting: list[Call] = field(default_factory=list)

    def settle(self, calls: Sequence[Call]) -> bytearray:
        """What it holds when these of the waiting calls came through."""
        for call in calls:
            if call.action == "cut":
                del self.kept[call.offset :]
                continue
            missing = call.offset + len(call.data) - len(self.kept)
            if missing > 0:
                self.kept += bytes(missing)
            self.kept[call.offset : call.offset + len(call.data)] = call.data
        return self.kept


class Shelf:
    """A disk's files: what is safe, and what waits for its sync."""

    def __init__(self) -> None:
        self._names: dict[str, _Inode] = {}  # as the running system sees them
        self._kept: dict[str, _Inode] = {}  # as they are on the disk
        self._waiting: list[tuple[str, _Inode | None]] = []

    def take(self, call: Call) -> None:
        """One more call."""
        if call.action in ("make", "write", "cut"):
            self._open(call.path).waiting += [call] if call.action != "make" else []
        elif call.action == "sync":
            inode = self._open(call.path)
            inode.settle(inode.waiting)
            inode.waiting = []
            if _is_sqlite(call.path):  # it syncs the folder of a file that it has made
                self._settle_names(lambda path: path == call.path)
        elif call.action == "sync folder":
            self._settle_names(lambda path: str(Path(path).parent) == call.path)
        elif call.action == "rename":
            inode = self._names.pop(call.path)
            self._names[call.target] = inode
            self._waiting += [(call.target, inode), (call.path, None)]
        elif call.action == "remove":
            self._names.pop(call.path, None)
            self._waiting.append((call.path, None))
            if call.offset:
                self._settle_names(lambda path: path == call.path)

    def _open(self, path: str) -> _Inode:
        if path not in self._names:
            self._names[path] = _Inode()
            self._waiting.append((path, self._names[path]))
        return self._names[path]

    def _settle_names(self, wanted: Callable[[str], bool]) -> None:
        for path, inode in self._waiting:
            if wanted(path):
                self._name(self._kept, path, inode)
        self._waiting = [one for one in self._waiting if not wanted(one[0])]

    @staticmethod
    def _name(names: dict[str, _Inode], path: str, inode: _Inode | None) -> None:
        if inode is None:
            names.pop(path, None)
        else:
            names[path] = inode

    def lose_power(self, chance: random.Random) -> dict[str, bytes]:
        """The files that somebody finds afterwards."""
        names = dict(self._kept)
        for path, inode in self._waiting[: chance.randint(0, len(self._waiting))]:
            self._name(names, path, inode)
        share = chance.choice((0.0, 0.5, 0.9, 1.0))
        found = {}
        for path, inode in names.items():
            chosen = [part for call in inode.waiting for part in _keep(call, share, chance)]
            if chance.random() < _SHUFFLED:
                chance.shuffle(chosen)
            copy = _Inode(bytearray(inode.kept))
            found[path] = bytes(copy.settle(chosen))
        return found


def _keep(call: Call, share: float, chance: random.Random) -> Iterator[Call]:
    """All of it, nothing, or some of its sectors."""
    if call.action == "write" and chance.random() < _TORN:
        for at in range(0, len(call.data), _SECTOR):
            if chance.random() < share:
                part = call.data[at : at + _SECTOR]
                yield Call("write", call.path, call.offset + at, part)
    elif chance.random() < share:
        yield call


def _is_sqlite(path: str) -> bool:
    return Path(path).name.startswith("audit.db")


def judge(calls: Sequence[Call | Ack], at: int, chance: random.Random) -> list[str]:
    """What is wrong with the log that opens after the first `at` calls and a power cut."""
    shelf, lines = Shelf(), []
    for call in calls[:at]:
        if isinstance(call, Ack):
            lines.append(call.line)
        else:
            shelf.take(call)
    with tempfile.TemporaryDirectory(prefix="parvis-power-") as name:
        folder = Path(name)
        for path, data in shelf.lose_power(chance).items():
            place = folder / "audit" / path.rpartition("/audit/")[2]
            place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            place.write_bytes(data)
        return list(_look(folder, lines))


def _look(folder: Path, lines: list[list[Any]]) -> Iterator[str]:
    try:
        with opened(folder, leads=True) as log:
            log.check_ready("commune")
    except Exception as error:
        yield f"it does not open: {error!r}"
        return
    keystore = KeyStore(folder / "keys" / "keys.db", ROOT_KEY)
    for check in check_logs(folder / "audit", keystore):
        yield from (f"fsck {check.tenant_id}: {fault}" for fault in check.faults)
    keystore.close()
    yield from compare(folder, lines)


def run(calls: Sequence[Call | Ack], images: int, seed: int) -> list[str]:
    """What was wrong with so many images, at calls spread over the whole run."""
    wrong = []
    for number in range(images):
        at = 1 + number * len(calls) // images
        chance = random.Random(f"{seed} {number}")  # noqa: S311 - it must be the same again
        wrong += [f"after call {at}, image {number}: {one}" for one in judge(calls, at, chance)]
    return wrong


def lie(calls: Sequence[Call | Ack], name: str) -> list[Call | Ack]:
    """The same run by a build that skips the syncs of these files: the drill must catch it."""
    return [
        call
        for call in calls
        if isinstance(call, Ack) or not (call.action == "sync" and name in Path(call.path).name)
    ]


def main() -> int:
    """Exit 1 when an image was wrong, or a lying build passed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="parvis-power-"))
    calls = record(folder)
    shutil.rmtree(folder)
    acks = sum(isinstance(call, Ack) for call in calls)
    print(f"{len(calls) - acks} calls, {acks} acknowledgements, {given.images} images", flush=True)
    wrong = run(calls, given.images, given.seed)
    print("\n".join(wrong) or "nothing lost")
    passed = [name for name in ("db-wal", "heads.json") if not run(lie(calls, name), 60, 1)]
    print(f"lying builds that passed: {passed or 'none'}")
    return int(bool(wrong or passed))


if __name__ == "__main__":
    sys.exit(main())
