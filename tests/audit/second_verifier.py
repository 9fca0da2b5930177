"""The second verifier, run as a process of Node beside the first one."""

import json
import subprocess
from pathlib import Path
from typing import Any

from deploy.dev.browser import find_node_tool
from parvis.audit import verify

SECOND = Path(verify.__file__).parent / "second"
COMMAND = SECOND / "verify.mjs"
DRIVER = """
import { createInterface } from "node:readline";
import { readFileSync } from "node:fs";
const { verifyDirectory } = await import(process.argv[1]);
const { parseHeadLine, parseState, UTF8 } = globalThis.parvisFormat;
const { parseAge, parsePolicy } = globalThis.parvisOutside;
const read = (path) => UTF8.decode(readFileSync(path));
for await (const line of createInterface({ input: process.stdin })) {
  const { top, policy, state, note, printed, age } = JSON.parse(line);
  const trusted = policy && parsePolicy(read(policy));
  const seen = state && parseState(read(state));
  const given = {
    policy: trusted, state: seen, notes: note ? [{ place: note, data: readFileSync(note) }] : [],
    line: printed ? parseHeadLine(printed) : null, notOlderThan: age ? parseAge(age) : null,
  };
  console.log(JSON.stringify(await verifyDirectory(top, given)));
}
"""


class Second:
    """One Node process that verifies folder after folder."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [find_node_tool("node"), "--input-type=module", "-e", DRIVER, COMMAND.as_uri()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def check(self, folder: Path, **files: Path | str) -> dict[str, Any]:
        assert self.process.stdin is not None and self.process.stdout is not None
        given = {"top": str(folder)} | {name: str(path) for name, path in files.items()}
        self.process.stdin.write(json.dumps(given) + "\n")
        self.process.stdin.flush()
        report: dict[str, Any] = json.loads(self.process.stdout.readline())
        return report

    def close(self) -> None:
        self.process.communicate(timeout=30)


def both(
    second: Second,
    folder: Path,
    policy: Path | None = None,
    state: Path | None = None,
    note: Path | None = None,
    printed: str = "",
    age: str = "",
) -> tuple[str, dict[str, Any]]:
    """The verdict of both, after comparing them, and the second's report."""
    brought = verify.Brought(
        [(str(note), note.read_bytes())] if note else [],
        verify.HeadLine(printed) if printed else None,
        verify.parse_age(age) if age else None,
    )
    first = verify.verify_folder(
        str(folder),
        verify.load_policy(policy.read_bytes()) if policy else None,
        verify.load_state(str(state)) if state else None,
        brought,
    )
    files = {"policy": policy, "state": state, "note": note}
    given = {name: path for name, path in files.items() if path}
    other = second.check(folder, **given, printed=printed, age=age)
    assert (other["verdict"], other["exit"]) == (first["verdict"], first["exit"]), (
        first["findings"],
        other["findings"],
    )
    if first["verdict"] == "INTACT":
        done = [{k for k, v in one["checks"].items() if v == "done"} for one in (first, other)]
        assert done[0] == done[1], (first["checks"], other["checks"])
    return first["verdict"], other


def run_script(script: str, *arguments: str, told: str = "") -> Any:
    """What a script with the record reader of the second verifier prints, as JSON."""
    names = ("format.js", "stamps.js", "cosigners.js", "outside.js", "records.js", "proof.js")
    parts = [f'await import("{(SECOND / name).as_uri()}");' for name in names]
    command = [find_node_tool("node"), "--input-type=module", "-e", "".join([*parts, script])]
    done = subprocess.run(
        [*command, *arguments], input=told, capture_output=True, check=True, text=True
    )
    return json.loads(done.stdout)


def run_node(*arguments: object) -> "subprocess.CompletedProcess[str]":
    command = [find_node_tool("node"), str(COMMAND), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)
