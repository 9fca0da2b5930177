"""What it costs to verify a large export: `python -m deploy.bench.audit_verify [--records N]`.

Makes an export (`audit_folders`), runs the stand-alone verifier on it as an auditor would, in a
process of its own, and prints time and memory beside the goals for ten million records on one
core. Exit 1 when an export is not INTACT, when a changed copy is, or when memory exceeds its goal;
times are told and never judged, for they belong to the machine.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from parvis.audit import verify

MILLION = 1_000_000
GOAL_MB = 150
GOAL_S = 180 / 10  # a million
GOAL_HASHES_S = 60 / 10


@dataclass(frozen=True)
class Run:
    """One run of a verifier: its verdict, seconds of processor and of clock, peak memory."""

    verdict: str
    cpu_s: float
    wall_s: float
    peak_mb: float


# a process starts with its parent's peak of memory on its account: the parent must be small
LAUNCHER = """
import json, resource, subprocess, sys, time
begun = time.monotonic()
told = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE).stdout
used = resource.getrusage(resource.RUSAGE_CHILDREN)
cpu, wall = used.ru_utime + used.ru_stime, time.monotonic() - begun
print(json.dumps([json.loads(told)["verdict"], cpu, wall, used.ru_maxrss]))
"""


def run_verifier(folder: Path, *options: str) -> Run:
    """Verify in a process of its own; memory is that process's peak."""
    command = [sys.executable, "-I", verify.__file__, str(folder), "--json", *options]
    launcher = [sys.executable, "-I", "-S", "-c", LAUNCHER, *command]
    done = subprocess.run(launcher, check=True, stdout=subprocess.PIPE)
    verdict, cpu, wall, peak = json.loads(done.stdout)
    return Run(verdict, cpu, wall, peak / (1024 * 1024 if sys.platform == "darwin" else 1024))


def tamper(folder: Path) -> None:
    """Change one byte of a record in the middle."""
    bundles = sorted((folder / "tile" / "entries").rglob("*"))
    files = [path for path in bundles if path.is_file()]
    path = files[len(files) // 2]
    raw = path.read_bytes()
    path.write_bytes(raw.replace(b'"chat.', b'"chit.', 1))


def main() -> int:
    """Print every figure with its goal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=MILLION, help="length of the log")
    parser.add_argument("--folder", type=Path, help="where to make it (default: a temporary one)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="parvis-verify-", dir=given.folder) as place:
        folder = Path(place) / "export"
        begun = time.monotonic()
        _make(folder, given.records)
        print(f"{given.records} records made in {time.monotonic() - begun:.0f} s")
        return _judge(folder, given.records / MILLION)


def _make(folder: Path, records: int) -> None:
    """In a process of its own: what this one holds would count for those that it starts."""
    command = [sys.executable, "-m", "deploy.bench.audit_folders", str(folder), str(records)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _judge(folder: Path, millions: float) -> int:
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(f"bytes a record     {size / millions / MILLION:8.0f}")
    whole, hashes = run_verifier(folder), run_verifier(folder, "--hashes-only")
    tamper(folder)
    changed = run_verifier(folder)
    for name, run, goal in (("whole", whole, GOAL_S), ("hashes only", hashes, GOAL_HASHES_S)):
        print(
            f"{name:12} {run.verdict:9} {run.cpu_s / millions:6.1f} s of processor a million"
            f" ({run.wall_s / millions:.1f} s of clock, goal {goal:.0f}),"
            f" peak {run.peak_mb:.0f} MB (goal {GOAL_MB} at ten million)"
        )
    print(f"one byte changed: {changed.verdict}")
    verdicts = (whole.verdict, hashes.verdict, changed.verdict)
    sound = verdicts == ("INTACT", "INTACT", "TAMPERED")
    return 0 if sound and max(whole.peak_mb, hashes.peak_mb) <= GOAL_MB else 1


if __name__ == "__main__":
    sys.exit(main())
