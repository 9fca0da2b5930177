"""`make bench-start`: how long the demo takes to answer, cold and warm, and what each part holds.

Cold: a new data folder, fetched parts in the cache. Warm: the same folder again.
"""

import sys
import tempfile
import time
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from deploy.dev.demo_process import DemoProcess, free_ports

_ANSWERS = "everything answers after"


def main() -> int:
    """Print the two times and a table of memory; 0 when both starts went well."""
    ports = free_ports()
    with tempfile.TemporaryDirectory(prefix="parvis-bench-") as folder:
        data_dir = Path(folder) / "data"
        for name in ("cold", "warm"):
            started = time.monotonic()
            demo = DemoProcess.start(data_dir, ports=ports)
            try:
                demo.await_words(_ANSWERS)
                print(f"{name} start: {time.monotonic() - started:.1f} s until /readyz is 200")
                demo.await_words("Ctrl-C stops everything.")
                if name == "warm":
                    _show_memory(demo)
            finally:
                code = demo.stop()
            if code:
                print(demo.said, file=sys.stderr)
                return code
    return 0


def _show_memory(demo: DemoProcess) -> None:
    print(f"\n{'part':<14} {'processes':>9} {'resident MB':>12} {'of its own MB':>14}")
    for file in sorted((demo.data_dir / "run").glob("*.pid")):
        root = psutil.Process(int(file.read_text(encoding="ascii")))
        family = [root, *root.children(recursive=True)]
        memory = [one.memory_full_info() for one in family]
        resident = sum(one.rss for one in memory) / 1e6
        # shared pages divided among those who share them, where the system tells
        own = sum(getattr(one, "pss", one.uss) for one in memory) / 1e6
        print(f"{file.stem:<14} {len(family):>9} {resident:>12.0f} {own:>14.0f}")


if __name__ == "__main__":
    sys.exit(main())
