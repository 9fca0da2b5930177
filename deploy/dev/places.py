"""Where fetched parts lie, how they are checked, which port is free, and how a long step shows its
progress.

No part is fetched here: each has a file of its own.
"""

import hashlib
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
_MEGABYTE = 1_000_000


class PartMissing(Exception):
    """A part cannot be had: the message names it and says how to supply it."""


def cache_dir() -> Path:
    """Folder of fetched parts; it survives `make clean`."""
    given = os.environ.get("PARVIS_CACHE_DIR", "")
    return Path(given or "~/.cache/parvis").expanduser().absolute()


def environment_for(data_dir: Path) -> dict[str, str]:
    """The environment of a `parvis` command that finds the installation in `data_dir` alone.

    Its settings.env has every other setting: a variable of the person's shell must not win there.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PARVIS_")}
    return kept | {"PARVIS_DATA_DIR": str(data_dir), "PYTHONUNBUFFERED": "1"}


def sha256_of(path: Path) -> str:
    """SHA-256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def say(part: str, words: str) -> None:
    """One line about one part, at once."""
    print(f"[{part}] {words}", flush=True)


def bytes_below(folder: Path) -> int:
    """Bytes of all files below `folder`; files that vanish meanwhile count nothing."""
    total = 0
    for base, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(base, name)).st_size
            except FileNotFoundError:
                continue
    return total


@contextmanager
def progress(part: str, words: str, measure: Callable[[], float]) -> Iterator[None]:
    """Show `words` with the percentage that `measure` gives (0 to 1) until the block ends.

    On a terminal one line that changes; elsewhere a line for each further quarter.
    """
    done = threading.Event()
    watcher = threading.Thread(
        target=_watch, args=(part, words, measure, done), name=f"progress-{part}", daemon=True
    )
    started = time.monotonic()
    watcher.start()
    try:
        yield
    except BaseException:
        done.set()
        watcher.join()
        if sys.stdout.isatty():
            print(flush=True)
        raise
    done.set()
    watcher.join()
    _show(part, f"100 % {words} ({time.monotonic() - started:.1f} s)", last=True)


def _watch(part: str, words: str, measure: Callable[[], float], done: threading.Event) -> None:
    shown = -1
    step = 1 if sys.stdout.isatty() else 25
    while True:
        percent = min(99, int(100 * measure()))
        if percent // step > shown:
            shown = percent // step
            _show(part, f"{percent:3d} % {words}", last=False)
        if done.wait(0.2):
            return


def _show(part: str, words: str, *, last: bool) -> None:
    if sys.stdout.isatty():
        print(f"\r\x1b[K[{part}] {words}", end="\n" if last else "", flush=True)
    else:
        say(part, words)


def expected(measure: Callable[[], int], megabytes: float) -> Callable[[], float]:
    """Share of `megabytes` that `measure` (bytes) has reached since now."""
    start = measure()
    return lambda: (measure() - start) / (megabytes * _MEGABYTE)


def elapsed(seconds: float) -> Callable[[], float]:
    """Share of the usual `seconds` that have passed since now."""
    start = time.monotonic()
    return lambda: (time.monotonic() - start) / seconds


def free_port() -> int:
    """A port of 127.0.0.1 that nobody holds now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
