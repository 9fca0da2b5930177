"""`make bench-privacy`: what is missed, what is masked needlessly, what it costs, beside Presidio.

On the development messages of `tests/privacy`; Presidio runs as it comes, without a language model,
for none is in the lock. The table is printed and written into docs/privacy.md.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from parvis.privacy import build_privacy
from parvis.privacy.detector import Detection
from parvis.privacy.entities import Label
from parvis.settings import load_settings
from tests.privacy.devset import (
    LANGUAGES,
    TRAP,
    Message,
    load_hardest,
    load_later,
    load_messages,
    vary,
)
from tests.privacy.made import make_identifiers, make_messages

PAGE = Path(__file__).parents[2] / "docs" / "privacy.md"
BEGIN, END = "<!-- bench-privacy: begin -->", "<!-- bench-privacy: end -->"
Span = tuple[int, int]
Detector = Callable[[Message], list[Span]]


@dataclass
class Tally:
    """Counts of letters and digits, of values and of traps."""

    personal: int = 0
    leaked: int = 0
    values: int = 0
    found: int = 0
    traps: int = 0
    traps_masked: int = 0
    other: int = 0
    other_masked: int = 0
    missed: list[str] = field(default_factory=list)
    masked: list[str] = field(default_factory=list)

    def add(self, message: Message, spans: Iterable[Span]) -> None:
        """Count one message; a value counts as found when half of it is masked."""
        text = message.text
        covered = {i for a, b in spans for i in range(a, b) if text[i].isalnum()}
        rest = {i for i, char in enumerate(text) if char.isalnum()}
        for start, end, label in message.spans():
            signs = {i for i in range(start, end) if text[i].isalnum()}
            hidden = len(signs & covered)
            if label == TRAP:
                self.traps += 1
                self.traps_masked += 2 * hidden >= len(signs)
                if 2 * hidden >= len(signs):
                    self.masked.append(f"{message.id}: trap {text[start:end]!r}")
                continue
            rest -= signs
            self.personal += len(signs)
            self.leaked += len(signs) - hidden
            self.values += 1
            self.found += 2 * hidden >= len(signs)
            if hidden < len(signs):
                self.missed.append(
                    f"{message.id}: {label} {text[start:end]!r} -{len(signs - covered)}"
                )
        self.other += len(rest)
        self.other_masked += len(rest & covered)
        if len(rest & covered) > 1:
            shown = "".join(c if i in rest & covered else "_" for i, c in enumerate(text))
            self.masked.append(f"{message.id}: {' '.join(shown.replace('_', ' ').split())!r}")


def measure(messages: Sequence[Message], detect: Detector) -> dict[str, Tally]:
    """A tally for each language."""
    tallies = {language: Tally() for language in LANGUAGES}
    for message in messages:
        tallies[message.language].add(message, detect(message))
    return tallies


def build_ours(detection: Detection = Detection.CAREFUL) -> Detector:
    """The engine of the gateway."""
    engine = build_privacy(load_settings().models_dir, detection=detection)

    def detect(message: Message) -> list[Span]:
        found = engine.analyze(message.text, message.language)
        return [(e.start, e.end) for e in found if e.label is not Label.LITERAL]

    return detect


def build_stock(messages: Sequence[Message]) -> tuple[Detector, float]:
    """Presidio's findings in these messages, and its milliseconds for 1,000 characters."""
    rows = "".join(json.dumps(message.row()) + "\n" for message in messages)
    told = subprocess.run(
        [sys.executable, "-m", "deploy.bench.stock_presidio"],
        input=rows,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    answers = [json.loads(line) for line in told.stdout.splitlines()]
    found = {m.id: [(a, b) for a, b in r["spans"]] for m, r in zip(messages, answers, strict=True)}
    cost = 1000 * sum(r["ms"] for r in answers) / sum(len(m.text) for m in messages)
    return lambda message: found[message.id], cost


def time_per_1000(messages: Sequence[Message], detect: Detector) -> float:
    """Milliseconds of processor time for 1,000 characters none of which was seen before."""
    fresh = [message for message in messages if message.source == "written"]
    size = sum(len(message.text) for message in fresh)
    started = time.process_time()
    for message in fresh:
        detect(message)
    return 1e6 * (time.process_time() - started) / size


def build_table(ours: Detector) -> list[str]:
    """The table as lines of Markdown; four numbers are French, German, Luxembourgish, English."""
    written, later, hardest = load_messages(), load_later(), load_hardest()
    sets = {
        "handwritten messages": written,
        "the same, careless": vary(written),
        "in other voices": later,
        "in other voices, careless": vary(later),
        "the hardest": hardest,
        "the hardest, careless": vary(hardest),
        "from templates": make_messages(),
        "identifiers": make_identifiers(),
    }
    stock, stock_cost = build_stock([m for messages in sets.values() for m in messages])
    cost = time_per_1000(written, ours)
    head = "| fr / de / lb / en, in % | Presidio, no model | ours, worked on | ours, held out |"
    lines = [head, "|---|---|---|---|"]
    for name, messages in sets.items():
        columns = [
            measure(messages, stock),
            measure([m for m in messages if not m.held], ours),
            measure([m for m in messages if m.held], ours),
        ]
        for title, part, whole in _MEASURES[name == "identifiers"]:
            cells = [_cell(column, part, whole) for column in columns]
            lines.append(f"| {name}: {title} | {' | '.join(cells)} |")
    return [*lines, f"| ms of one core per 1,000 characters | {stock_cost:.0f} | {cost:.0f} | |"]


def build_detection_table() -> list[str]:
    """What each way of reading misses and costs, in one table."""
    written = load_messages()
    held = [m for m in written if m.held]
    lines = [
        "| name model reads | handwritten, held out: leak | the same, careless: leak "
        "| handwritten, worked on: leak | traps masked, held out | ms of one core per 1,000 |",
        "|---|---|---|---|---|---|",
    ]
    for detection in Detection:
        ours = build_ours(detection)
        cost = time_per_1000(written, ours)
        cells = [
            _cell(measure(held, ours), "leaked", "personal"),
            _cell(measure([m for m in vary(written) if m.held], ours), "leaked", "personal"),
            _cell(measure([m for m in written if not m.held], ours), "leaked", "personal"),
            _cell(measure(held, ours), "traps_masked", "traps"),
        ]
        lines.append(f"| {detection.value} | {' | '.join(cells)} | {cost:.0f} |")
    return lines


def measure_memory() -> str:
    """One line: what parent and two workers hold, shared and not."""
    shared, apart = (
        subprocess.run(
            [sys.executable, "-m", "deploy.bench.privacy_memory", way],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout.strip()
        for way in ("shared", "apart")
    )
    return (
        f"Memory of the engine, a parent and two workers together: {shared} MB built before the"
        f" fork, {apart} MB when each builds its own."
    )


_MEASURES = (
    (
        ("leak", "leaked", "personal"),
        ("traps masked", "traps_masked", "traps"),
        ("other text masked", "other_masked", "other"),
    ),
    (("found", "found", "values"), ("look-alikes masked", "traps_masked", "traps")),
)


def _cell(column: dict[str, Tally], part: str, whole: str) -> str:
    shares = (
        100 * getattr(tally, part) / max(1, getattr(tally, whole)) for tally in column.values()
    )
    return " / ".join(f"{share:.1f}" for share in shares)


def show_misses(ours: Detector) -> None:
    """Everything missed and masked needlessly, but in what is held out."""
    written = load_messages()
    for name, messages in (
        ("written", written),
        ("careless", vary(written)),
        ("later", load_later()),
        ("hardest", load_hardest()),
        ("made", make_messages()),
        ("identifiers", make_identifiers()),
    ):
        for language, tally in measure([m for m in messages if not m.held], ours).items():
            print(f"== {name} {language}")
            for line in (*tally.missed, "-- masked:", *tally.masked):
                print("  ", line)


def write_page(lines: Sequence[str]) -> None:
    """Put the table between the markers of the handbook page."""
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END)[1]
    PAGE.write_text("\n".join([before + BEGIN, "", *lines, "", END + after]), encoding="utf-8")


def main() -> int:
    """Print the table and write it into the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--misses", action="store_true", help="only list what is missed")
    parser.add_argument("--print", action="store_true", help="leave the page as it is")
    arguments = parser.parse_args()
    ours = build_ours()
    if arguments.misses:
        show_misses(ours)
        return 0
    lines = [*build_table(ours), "", *build_detection_table(), "", measure_memory()]
    print("\n".join(lines))
    if not arguments.print:
        write_page(lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
