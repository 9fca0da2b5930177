"""Do the tests test something: each check is taken out, one after the other; a test must fail.

`python -m deploy.drill.mutate [--only FILE] [--every N] [--jobs N] [--ledger FILE]`. Works in
copies of the repository. First it looks which test reaches which function; then each mutant
(`mutants.py`) meets the tests that reach it, the cheap ones first, and, when none of them notices,
all the others of its file (`--quick`: not those). Prints what no test noticed: what survives, and
apart from it that with which the tests do not end in time. Exit 1 when there is any that is not in
`mutants.txt`, which says of each why no test can tell it from the original. A ledger keeps what was
noticed, so that the list may take several nights.
"""

import argparse
import json
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from deploy.drill.ledger import CODE, Ledger
from deploy.drill.mutants import ROOT, Mutant, find_mutants
from deploy.drill.noticing import Bench, load_third_parties
from deploy.drill.patching import Outcome
from deploy.drill.scene import await_end, fork

KNOWN = Path(__file__).parent / "mutants.txt"
PARTS = ("platform", "tests", "deploy", "docs", "pyproject.toml", "Makefile")
# the first tests are those that most often notice
TESTS: dict[str, tuple[str, ...]] = {
    "verify.py": (
        *(
            "test_notes",
            "test_verify",
            "test_key_history",
            "test_erasures",
            "test_ended",
            "test_anchors",
            "test_live_attacks",
        ),
        *("test_events", "test_proof", "test_fuzz", "test_report", "test_second_verifier"),
        *("test_second_records", "test_second_outside", "test_outside_commands"),
        *("test_mldsa", "test_own_mldsa", "test_spans", "test_thinning", "test_vectors"),
        *("test_needed", "test_births", "test_der", "test_issuers"),
    ),
    "writer.py": ("test_log", "test_sequencer", "test_crash", "test_rotation"),
    "published.py": ("test_signing", "test_log", "test_thinning", "test_taken_over"),
    "pruning.py": ("test_pruning", "test_sequencer"),
    "states.py": ("test_taken_up", "test_log", "test_rotation"),
    "start_check.py": ("test_start_check", "test_log", "test_rotation", "test_rollback"),
    "sequencer.py": ("test_sequencer", "test_log", "test_crash"),
    "server.py": ("test_sequencer", "test_log"),
    "faults.py": ("test_doors", "test_processes"),
    "room.py": ("test_log",),
    "files.py": ("test_crash", "test_processes"),
    "log_keys.py": ("test_log", "test_rotation", "test_crash"),
    "store.py": ("test_log", "test_sequencer", "test_reader"),
    "store_published.py": ("test_log", "test_thinning", "test_taken_over"),
    "store_hashes.py": ("test_log", "test_reader", "test_tree"),
    "events.py": ("test_events", "test_every_kind", "test_log"),
    "kinds.py": ("test_events", "test_second_records"),
    "building.py": ("test_log", "test_rollback"),
    "debts.py": ("test_log",),
    "dialler.py": ("test_log", "test_sequencer", "test_doors"),
    "pending.py": ("test_pending", "test_log"),
    "packing.py": ("test_packing",),
    "sqlite_store.py": ("test_log", "test_crash", "test_sequencer"),
    "tree.py": ("test_tree",),
    "notes.py": ("test_notes", "test_witness"),
    "witness.py": ("test_witness", "test_outside_commands"),
    "fsck.py": ("test_live_attacks", "test_log"),
    "export.py": ("test_spans", "test_rotation", "test_log", "test_concurrency", "test_thinning"),
    "receipts.py": ("test_notes",),
    "ended_logs.py": ("test_ended", "test_rollback"),
    "client.py": ("test_sequencer", "test_log", "test_processes"),
    "sealing.py": ("test_sealing", "test_log", "test_live_attacks"),
    "key_times.py": ("test_key_times", "test_key_history", "test_rotation"),
    "closing.py": ("test_rollback", "test_rotation", "test_ended"),
    "turns.py": ("test_rotation", "test_key_history"),
    "cosignatures.py": ("test_anchors", "test_outside_commands", "test_thinning"),
}
_UNTRIED = "not tried"
_LONG_S, _NEAR_S, _NIGHT_S = 600.0, 240.0, 36_000.0
# the crash drill starts its processes itself, and costs more than all others
_WITHOUT = ["--deselect", "tests/audit/test_crash.py::test_whatever_call_to_the_disk"]


def copy_repository(place: Path) -> None:
    """What the tests need of it."""
    for part in PARTS:
        source, target = ROOT / part, place / part
        if source.is_dir():
            skipped = shutil.ignore_patterns("__pycache__", "node_modules", ".parvis")
            shutil.copytree(source, target, ignore=skipped)
        else:
            shutil.copy(source, target)


class Reach:
    """Which tests reach a function."""

    def __init__(self, found: dict[str, dict[str, Any]]) -> None:
        self._rows = found

    def list_tests(self, mutant: Mutant) -> list[str]:
        """Those that call it, the cheap ones first; then those whose files' fixtures call it."""
        wanted = f"{mutant.file} {mutant.function}"
        by_cost = sorted(self._rows, key=lambda test: float(self._rows[test]["cost"]))
        called = [test for test in by_cost if wanted in self._rows[test].get("call", ())]
        files = {
            test.partition("::")[0]
            for test in by_cost
            if wanted in self._rows[test].get("setup", ())
        }
        set_up = [test for test in by_cost if test.partition("::")[0] in files]
        return list(dict.fromkeys([*called, *set_up]))


def look(benches: Sequence[Bench], files: Sequence[str], kept: Path) -> dict[str, Any]:
    """What each test file reaches, in so many processes; kept, so that it is looked at once."""
    tests = sorted({test for file in files for test in TESTS[file]})
    tests = [test for test in tests if (benches[0].place / f"tests/audit/{test}.py").is_file()]
    kept.mkdir(exist_ok=True)

    def look_at(bench: Bench, share: Sequence[str]) -> int:
        codes = [
            bench.record(test, kept / test, _LONG_S) for test in share if not (kept / test).exists()
        ]
        return int(any(codes))

    jobs = len(benches)
    children = [
        fork(lambda at=at, bench=bench: look_at(bench, tests[at::jobs]))  # type: ignore[misc]
        for at, bench in enumerate(benches)
    ]
    if any([await_end(child) for child in children]):
        raise SystemExit("the tests fail without any change")
    found = [json.loads((kept / test).read_text()) for test in tests]
    load_third_parties(sorted({name for one in found for name in one["loaded"]}))
    rows = {test: row for one in found for test, row in one["rows"].items()}
    if benches[0].fork_tests([min(rows, key=lambda test: float(rows[test]["cost"]))], _NEAR_S, []):
        raise SystemExit("a test fails in a fork without any change")
    return rows


def pick(given: argparse.Namespace) -> Iterator[Mutant]:
    """The mutants that are wanted."""
    files = given.only or list(TESTS)
    listed = [mutant for file in files for mutant in find_mutants(file)]
    for at, mutant in enumerate(listed):
        if at % given.every == 0 and (not given.function or given.function in mutant.function):
            yield mutant


def try_share(
    bench: Bench, mutants: Sequence[Mutant], reach: Reach, ledger: Ledger, *, quick: bool
) -> int:
    """Write what became of each mutant; those that were not noticed meet every test."""

    def tell(mutant: Mutant, outcome: Outcome) -> None:
        if quick or outcome is Outcome.NOTICED:
            ledger.add(mutant.name, outcome=outcome)
        else:
            left_names.write(mutant.name + "\n")
            left_names.flush()

    with (bench.place / "left").open("w+") as left_names:  # it is a fork that tells
        waiting = [(mutant, reach.list_tests(mutant)) for mutant in mutants]
        bench.try_in_memory(waiting, (_NEAR_S, _NIGHT_S), tell)
        left_names.seek(0)
        names = set(left_names.read().splitlines())
    left = [mutant for mutant in mutants if mutant.name in names]
    for mutant in left:
        files = [f"tests/audit/{test}.py" for test in TESTS[mutant.file]]
        files = [file for file in files if (bench.place / file).is_file()]
        ledger.add(mutant.name, outcome=bench.try_on_disk(mutant, [*_WITHOUT, *files], _LONG_S))
    return 0


def report(mutants: Sequence[Mutant], ledger: Ledger) -> int:
    """Print what was not noticed; 1 when one of it is unknown."""
    known = set(KNOWN.read_text(encoding="utf-8").splitlines()) if KNOWN.is_file() else set()
    found = {name: str(line["outcome"]) for name, line in ledger.read().items()}
    outcomes = {mutant: found.get(mutant.name, _UNTRIED) for mutant in mutants}
    left = {mutant: told for mutant, told in outcomes.items() if told != Outcome.NOTICED}
    for mutant, told in left.items():
        note = f"known, {told}" if mutant.name in known else told.upper()
        print(f"{note} line {mutant.line}: {mutant.name}")
    counts = Counter(left.values())
    kinds = (Outcome.SURVIVES, Outcome.TIMED_OUT, _UNTRIED)
    words = ", ".join(f"{told}: {counts[told]}" for told in kinds)
    print(f"{len(mutants)} mutants; {words}", flush=True)
    return int(any(mutant.name not in known for mutant in left))


def main() -> int:
    """Exit 1 when a mutant was not noticed and nobody has explained it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", help="files of the room")
    parser.add_argument("--function", default="", help="functions whose name holds this")
    parser.add_argument("--every", type=int, default=1, help="take one mutant of so many")
    parser.add_argument("--jobs", type=int, default=1, help="processes, each with its copy")
    parser.add_argument("--quick", action="store_true", help="ask only tests that reach it")
    parser.add_argument("--ledger", type=Path, help="go on where this file ends")
    parser.add_argument("--reach", type=Path, help="folder that keeps what tests reach")
    parser.add_argument("--list", action="store_true", help="run nothing")
    given = parser.parse_args()
    mutants = list(pick(given))
    if given.list:
        print("\n".join(mutant.name for mutant in mutants))
        return 0
    with tempfile.TemporaryDirectory(prefix="parvis-mutants-") as name:
        place = Path(name)
        benches = [Bench(place / f"job{job}") for job in range(given.jobs)]
        for bench in benches:
            copy_repository(bench.place)
        reach = Reach(look(benches, given.only or list(TESTS), given.reach or place / "reach"))
        ledger = Ledger(given.ledger or place / "ledger", (*CODE, "tests/audit"))
        done = {name for name, line in ledger.read().items() if line["outcome"] == Outcome.NOTICED}
        waiting = [mutant for mutant in mutants if mutant.name not in done]
        random.Random(1).shuffle(waiting)  # noqa: S311 - what one night does is a sample
        children = []
        for at, bench in enumerate(benches):
            share = waiting[at :: given.jobs]
            job = lambda bench=bench, share=share: try_share(  # noqa: E731
                bench, share, reach, ledger, quick=given.quick
            )
            children.append(fork(job))
        broken = [code for code in map(await_end, children) if code]
        return report(mutants, ledger) or len(broken)


if __name__ == "__main__":
    sys.exit(main())
