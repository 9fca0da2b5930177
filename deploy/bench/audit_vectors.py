"""Test vectors for whoever writes a verifier: `python -m deploy.bench.audit_vectors FOLDER`.

Writes exports that are whole or false in one way each, and `vectors.json` that says for each what
is given with it and which verdict is right. The bytes are the same every time.
"""

import json
import sys
from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from deploy.bench.audit_folders import MadeLog, bear, chats, encode, make_key

Spoil = Callable[[Path], object]


@dataclass(frozen=True)
class Vector:
    """One case: the folder, the policy and state beside it if any, and the right verdict."""

    name: str
    why: str
    verdict: str
    policy: str | None = None
    state: str | None = None


def make_log(folder: Path) -> MadeLog:
    """300 records under two keys, with heads of 100 and 200 that left the installation."""
    log = MadeLog("vectors", folder)
    log.be_born()
    for leaf in chats(log, 150):
        log.append(leaf)
    log.rotate("vectors, second key")
    for leaf in chats(log, 148, run="second"):
        log.append(leaf)
    return log


def _swap(path: str, old: bytes, new: bytes) -> Spoil:
    def spoil(folder: Path) -> None:
        raw = (folder / path).read_bytes()
        if old not in raw:
            raise ValueError(f"{path} does not hold what was to be changed")
        (folder / path).write_bytes(raw.replace(old, new, 1))

    return spoil


# what anybody can do to a folder: (what, the right verdict, how)
SPOILED: dict[str, tuple[str, str, Spoil]] = {
    "whole": ("nothing was done", "INTACT", lambda folder: None),
    "record-changed": (
        "a record says another thing",
        "TAMPERED",
        _swap("tile/entries/000", b'"chat.finished"', b'"chat.finishes"'),
    ),
    "head-changed": (
        "the head counts another size",
        "TAMPERED",
        _swap("checkpoint", b"\n300\n", b"\n299\n"),
    ),
    "file-missing": (
        "a tile is gone",
        "INCOMPLETE",
        lambda folder: (folder / "tile/0/000").unlink(),
    ),
    "list-missing": (
        "the manifest is gone",
        "INCOMPLETE",
        lambda folder: (folder / "manifest").unlink(),
    ),
    "keys-missing": (
        "the keys are gone",
        "INCOMPLETE",
        lambda folder: (folder / "keys.jsonl").unlink(),
    ),
    "file-added": (
        "a file was added",
        "TAMPERED",
        lambda folder: (folder / "more").write_text("x"),
    ),
    "line-ends": ("lines end in CR LF", "TAMPERED", _swap("checkpoint", b"\n", b"\r\n")),
}


def _false_logs(folder: Path) -> Iterator[tuple[str, str, MadeLog]]:
    """Logs whose operator signed what must not be."""
    log = make_log(folder / "retired-key")
    log._write("notes/200", log.head(200, log.keys[:1]).encode())
    yield "retired-key", "a head of size 200 by the key that ended at 152", log
    log = make_log(folder / "one-hand")
    log._write("notes/152", log.head(152, log.keys[1:]).encode())
    yield "one-hand", "the head at the change of keys by the new key alone", log
    log = make_log(folder / "untold-change")
    log.turns.clear()
    yield "untold-change", "keys.jsonl does not tell of the change of keys", log
    log = make_log(folder / "key-in-use")
    log.compromise(log.keys[1], 200)
    yield "key-in-use", "the key in use was declared compromised", log
    for name, fields in {
        "unknown-kind": {"kind": "chat.whispered"},
        "unknown-field": {"more": 1},
        "time-back": {"time": "2020-01-01T00:00:00.000000Z"},
        "other-log": {"log": "ab" * 16},
        "counter-gap": {"emit": {"boot": "0" * 32, "n": 99, "node": "n", "worker": "w"}},
    }.items():
        log = make_log(folder / name)
        log.append(encode(log.build("auth.login") | fields))
        yield name, f"the last record is wrong: {', '.join(fields)}", log
    log = make_log(folder / "same-id")
    record = log.build("auth.login")
    log.append(encode(record))
    log.append(encode(log.build("auth.login") | {"id": record["id"]}))
    yield "same-id", "two records have one id", log
    log = make_log(folder / "not-canonical")
    log.append(encode(log.build("auth.login")).replace(b'":', b'": ', 1))
    yield "not-canonical", "the last record has a space too many", log


def make_vectors(folder: Path) -> list[Vector]:
    """Write every case and `vectors.json`; gives the cases."""
    found = []
    for name, (why, verdict, spoil) in SPOILED.items():
        log = make_log(folder / name)
        spoil(log.finish(bear(log), notes=[100, 200]))
        found.append(Vector(name, why, verdict))
    for name, why, log in _false_logs(folder):
        log.finish(bear(log), notes=[100])
        found.append(Vector(name, why, "TAMPERED"))
    found += _with_policies(folder)
    told = [asdict(vector) for vector in found]
    (folder / "vectors.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return found


def _with_policies(folder: Path) -> Iterator[Vector]:
    log = make_log(folder / "whole-again")
    log.compromise(log.keys[0], 100)
    log.finish(bear(log), notes=[100])
    stranger = log.vkey_of(make_key("a stranger"))
    cases = {
        "trusted": (f"log {log.vkey}\nquorum none\n", "INTACT"),
        "older-key": (f"log {log.vkey}\nlog {log.vkey_of(log.keys[0])}\nquorum none\n", "INTACT"),
        "compromised-key": (f"log {log.vkey_of(log.keys[0])}\nquorum none\n", "UNVERIFIABLE"),
        "other-key": (f"log {stranger}\nquorum none\n", "TAMPERED"),
        "no-such-log": (f"log {MadeLog('another').vkey}\nquorum none\n", "UNVERIFIABLE"),
    }
    for name, (text, verdict) in cases.items():
        (folder / f"{name}.policy").write_text(text, encoding="utf-8")
        yield Vector("whole-again", f"policy: {name}", verdict, policy=f"{name}.policy")
    for name, size, root, verdict in (
        ("seen", 200, log.head(200).split("\n")[2], "INTACT"),
        ("other-history", 200, log.head(199).split("\n")[2], "TAMPERED"),
        ("longer", 5000, log.head(200).split("\n")[2], "TAMPERED"),
    ):
        seen = {"vkey": log.vkey, "size": size, "root": b64decode(root).hex()}
        (folder / f"{name}.state").write_text(json.dumps({log.origin: seen}), encoding="utf-8")
        yield Vector("whole-again", f"state: {name}", verdict, state=f"{name}.state")


def main() -> None:
    """Make the folder that is named."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True)
    print(f"{len(make_vectors(folder))} vectors in {folder}")


if __name__ == "__main__":
    main()
