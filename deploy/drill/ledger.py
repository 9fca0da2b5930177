"""What a drill has run, so that it may go on another night: one line a case, appended at once.

A ledger belongs to one state of the code: what was right yesterday proves nothing of today's.
"""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parents[2]
CODE = ("platform/parvis/audit", "deploy/drill")


class Ledger:
    """A file of its own for each drill. `code` names the folders whose state it belongs to."""

    def __init__(self, path: Path, code: Iterable[str] = CODE) -> None:
        self._path = path
        state = json.dumps({"code": _digest(code)})
        if not path.exists():
            path.write_text(state + "\n")
        if path.read_text().splitlines()[:1] != [state]:
            raise SystemExit(f"{path} was written for another state of the code: take a new one")

    def add(self, name: str, **row: Any) -> None:
        """Write down how it went; processes may do so at once."""
        line = json.dumps({"name": name, **row}) + "\n"
        with self._path.open("a") as file:
            file.write(line)

    def read(self) -> dict[str, dict[str, Any]]:
        """The last line of each name."""
        lines = self._path.read_text().splitlines()[1:]
        return {line["name"]: line for line in map(json.loads, lines)}


def _digest(code: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for folder in code:
        for path in sorted((_ROOT / folder).glob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()
