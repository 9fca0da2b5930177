"""Runs a page of the handbook: its marked blocks of commands in order, each at its own machine.

A block is marked by `<!-- at: MACHINE -->` on the line before it. A block `text` after it is what
the commands print: every line of it but `...` must come, in that order, with numbers, times, hashes
and keys of its own.
"""

import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(
    r"(?:^<!-- at: (?P<machine>[a-z]+) -->\n)?^```sh\n(?P<commands>.*?)^```\n"
    r"(?:\n^```text\n(?P<printed>.*?)^```\n)?",
    re.M | re.S,
)
_OWN = (  # what differs from run to run, most particular first
    (re.compile(r"v1\.[A-Za-z0-9_-]{214}"), "RECEIPT"),
    (re.compile(r"\d{4}-\d\d-\d\d(T[\d:.]+Z)?"), "TIME"),
    (re.compile(r"\b[0-9a-f]{4}( [0-9a-f]{4}){7}\b"), "FINGERPRINT"),
    (re.compile(r"\b[0-9a-f]{8,}\b"), "HEX"),
    (re.compile(r"\+HEX\+[A-Za-z0-9+/=]+"), "+KEY"),
    (re.compile(r"(?<![\w/+])(?=[A-Za-z0-9+/]*\d)[A-Za-z0-9+/]{20,}=*"), "BASE64"),
    (re.compile(r"(?<!exit )\b\d+\b"), "N"),
)


@dataclass(frozen=True)
class Block:
    """Commands of the page, where they are typed, and what the page says they print."""

    machine: str
    commands: str
    printed: str
    line: int


@dataclass(frozen=True)
class Machine:
    """A place where commands are typed: its folder, its whole environment, what leads to it."""

    folder: Path
    environment: Mapping[str, str]
    through: Sequence[str] = ()


def read_blocks(page: Path) -> Iterator[Block]:
    """Every block of commands of the page; those that are not marked have no machine."""
    text = page.read_text(encoding="utf-8")
    for found in _FENCE.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        printed = found["printed"] or ""
        yield Block(found["machine"] or "", found["commands"], printed, line)


def type_in(block: Block, machine: Machine) -> str:
    """What the commands printed; fails the test when one of them fails unexpectedly."""
    done = subprocess.run(
        [*machine.through, "/bin/sh", "-eu", "-c", block.commands],
        cwd=machine.folder,
        env=dict(machine.environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=180,
    )
    assert done.returncode == 0, f"line {block.line}:\n{block.commands}\n{done.stdout}"
    return done.stdout


def find_unprinted(block: Block, printed: str) -> str | None:
    """The first line of the page that the commands did not print, in its place."""
    lines = iter(_general(printed).splitlines())
    for wanted in block.printed.splitlines():
        if wanted.strip() == "...":
            continue
        if not any(_general(wanted) == line for line in lines):
            return wanted
    return None


def _general(text: str) -> str:
    for pattern, word in _OWN:
        text = pattern.sub(word, text)
    return "\n".join(" ".join(line.split()) for line in text.splitlines())
