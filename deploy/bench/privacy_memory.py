"""What the search for personal data holds in memory, built before the fork and after it.

A process of its own, run by `deploy.bench.privacy`: prints the MB (PSS) of a parent and two workers
that have both read texts, `shared` or `apart`, beyond what Python itself holds.
"""

import gc
import multiprocessing
import sys
from multiprocessing.connection import Connection
from typing import Any

import psutil  # type: ignore[import-untyped]

_WORKERS = 2
_TEXTS = [
    f"Guten Tag, Frau Katharina Vogel hat am {number}. Mai angerufen. " * (number % 9 + 1)
    for number in range(1, 40)
]


def main() -> int:
    """Print the MB."""
    empty = _proportional([psutil.Process()]) / 1e6
    print(f"{measure(shared=sys.argv[1] == 'shared') - empty:.0f}")
    return 0


def measure(*, shared: bool) -> float:
    """MB of this process and its workers; when `shared`, the engine is built here first."""
    engine = _build() if shared else None
    gc.freeze()
    context = multiprocessing.get_context("fork")
    ends: list[tuple[Any, Connection]] = []
    for _ in range(_WORKERS):
        here, there = context.Pipe()
        worker = context.Process(target=_work, args=(engine, there))
        worker.start()
        ends.append((worker, here))
    for _, pipe in ends:
        pipe.recv()
    family = [psutil.Process(), *(psutil.Process(worker.pid) for worker, _ in ends)]
    size = _proportional(family) / 1e6
    for worker, pipe in ends:
        pipe.send("end")
        worker.join()
    return size


def _build() -> Any:
    # imported here, so that what Python alone holds can be told apart
    from parvis.privacy import build_privacy  # noqa: PLC0415 - see above
    from parvis.settings import load_settings  # noqa: PLC0415 - see above

    return build_privacy(load_settings().models_dir)


def _work(engine: Any, pipe: Connection) -> None:
    engine = engine or _build()
    engine.mask(_TEXTS, tag_key=b"memory")
    pipe.send("read")
    pipe.recv()


def _proportional(family: list[Any]) -> float:
    """Bytes with shared pages divided among those who share them."""
    return float(sum(one.memory_full_info().pss for one in family))


if __name__ == "__main__":
    sys.exit(main())
