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
from typing import Any

from deploy.bench.audit_folders import (
    START_US,
    STEP_US,
    MadeLog,
    bear,
    chats,
    close,
    encode,
    make_key,
    tell_end,
)
from parvis.audit.cosignatures import format_cosigner_vkey, sign_cosignature
from parvis.audit.entries import format_time
from parvis.audit.paper import format_head_line

Spoil = Callable[[Path], object]


@dataclass(frozen=True)
class Vector:
    """One case: the folder, what is given with it if anything, and the right verdict.

    `policy`, `state` and `note` (a head from elsewhere) are files beside the folder, `line` is a
    printed head.
    """

    name: str
    why: str
    verdict: str
    policy: str | None = None
    state: str | None = None
    note: str | None = None
    line: str | None = None


def make_log(folder: Path, **fields: Any) -> MadeLog:
    """300 records under two keys, with heads of 100 and 200 that left the installation."""
    log = MadeLog("vectors", folder, **fields)
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
    found += [*_with_policies(folder), *_with_witness(folder), *_that_ended(folder)]
    found += [*_of_periods(folder), *_of_births(folder)]
    told = [asdict(vector) for vector in found]
    (folder / "vectors.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return found


def _that_ended(folder: Path) -> Iterator[Vector]:
    """Logs that ended, from which values and records went since; the platform log says by whom."""
    cases = {
        "ended": ("time took it, as the platform log allowed", "INTACT", 400, {}),
        "ended-without-leave": (
            "the leave is for records before 256 alone",
            "TAMPERED",
            400,
            {"end": 256},
        ),
        "ended-other-log": ("the leave is for another log", "TAMPERED", 400, {"log": "ab" * 16}),
        "ended-lately": ("all went, 183 days after the end", "TAMPERED", 183, {}),
    }
    for name, (why, verdict, days, fields) in cases.items():
        log, platform = make_log(folder / name), MadeLog("platform")
        platform.be_born()
        platform.now_us = log.now_us
        closed = close(log, platform)
        platform.now_us += days * 86_400_000_000
        target = {"log": log.id, "tenant": "commune", "end": log.size} | fields
        allowed = [
            platform.add("retention.pruned", target=target | {"object": what})
            for what in ("sealed", "records")
        ]
        log.ended = tell_end(platform, closed, allowed)
        log.leave_nothing()
        log.finish(bear(log), notes=[100])
        yield Vector(name, why, verdict)
    log, platform = make_log(folder / "ended-otherwise"), MadeLog("platform")
    platform.be_born()
    log.ended = tell_end(platform, close(log, platform, root="ab" * 32))
    log.finish(bear(log), notes=[100])
    yield Vector("ended-otherwise", "the platform log tells of another end", "TAMPERED")


def _at(seq: int) -> str:
    """When a record of `make_log` was written."""
    return format_time(START_US + (seq + 1) * STEP_US)


def _of_periods(folder: Path) -> Iterator[Vector]:
    """Exports of a period: one record from before it and one from after it must be there."""
    bundle = {"first": 256, "end": 512}
    cases = {
        "period": ("a bundle that holds it", bundle, 300, 310, "INTACT"),
        "period-edges": ("it ends with the bundle", bundle, 257, 511, "INTACT"),
        "period-begun-late": ("it begins with the bundle", bundle, 256, 310, "TAMPERED"),
        "period-ended-early": ("it goes on after the bundle", bundle, 300, 512, "TAMPERED"),
        "period-empty": ("no record is of it", {"first": 512}, 700, None, "INTACT"),
        "period-emptied": ("no record is there", {"first": 256, "end": 256}, 300, 310, "TAMPERED"),
    }
    for name, (why, span, since, until, verdict) in cases.items():
        asked = f"{_at(since)} {_at(until) if until else '-'}"
        log = make_log(folder / name, asked=asked, **span)
        for leaf in chats(log, 300, run="third"):
            log.append(leaf)
        log.finish(bear(log), notes=[100])
        yield Vector(name, why, verdict)
    for name, told in (("period-pruned", True), ("period-pruned-untold", False)):
        log = make_log(folder / name, asked=f"{_at(10)} {_at(500)}", **bundle)
        for leaf in chats(log, 300, run="third"):
            log.append(leaf)
        log.now_us += 200 * 86_400_000_000
        place = log.add("retention.pruned", target={"object": "records", "first": 0, "end": 256})
        log.pruned = log.prove(place) if told else None
        log.finish(bear(log), notes=[100])
        why = "it begins where the log was pruned, " + (
            "proven" if told else "and nothing proves it"
        )
        yield Vector(name, why, "INTACT" if told else "TAMPERED")


def _of_births(folder: Path) -> Iterator[Vector]:
    """Births told by a platform log: of this log, of another, by nobody else."""
    log = make_log(folder / "birth-of-another")
    platform = MadeLog("platform")
    change = {"origin": log.origin, "vkey": log.vkey_of(log.keys[0])}
    place = platform.add("log.created", target={"log": "ab" * 16, "tenant": "x"}, change=change)
    log.finish({"vkey": platform.vkey, "proof": platform.prove(place)})
    yield Vector("birth-of-another", "the platform log tells of another log", "TAMPERED")
    log = make_log(folder / "birth-by-itself")
    log.finish({"vkey": log.vkey_of(log.keys[0]), "proof": log.prove(0, 1)})
    yield Vector("birth-by-itself", "the log proves its own birth", "TAMPERED")


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


def _with_witness(folder: Path) -> Iterator[Vector]:
    """A head of 200 that a witness signed, heads from elsewhere, and printed ones."""
    log = make_log(folder / "witnessed")
    head, key = log.head(200), make_key("a witness")
    text = head.rpartition("\n\n")[0] + "\n"
    when = log.now_us // 1_000_000 + 60
    note = head + sign_cosignature(text, "witness.test/w", key, when)
    log._write("notes/200", note.encode())
    log.finish(bear(log))
    vkeys = [
        format_cosigner_vkey("witness.test/w", one.public_key().public_bytes_raw())
        for one in (key, make_key("a witness that is away"))
    ]
    top = f"log {log.vkey}\nwitness w {vkeys[0]}\nwitness away {vkeys[1]}\n"
    for name, end, verdict in (
        ("demands-witness", "quorum w\n", "INTACT"),
        ("demands-one", "group g any w away\nquorum g\n", "INTACT"),
        ("demands-both", "group g all w away\nquorum g\n", "UNVERIFIABLE"),
    ):
        (folder / f"{name}.policy").write_text(top + end, encoding="utf-8")
        yield Vector("witnessed", f"policy: {name}", verdict, policy=f"{name}.policy")
    other = MadeLog("another")
    other.be_born()
    longer = log.sign(text.replace("\n200\n", "\n500\n"), log.keys[1:])
    for name, brought, verdict in (
        ("of-this-log", log.head(100), "INTACT"),
        ("of-another-log", other.head(1), "UNVERIFIABLE"),
        ("beyond-the-end", longer, "TAMPERED"),
    ):
        (folder / f"{name}.note").write_text(brought, encoding="utf-8")
        yield Vector("witnessed", f"note: {name}", verdict, note=f"{name}.note")
    root = b64decode(log.head(100).split("\n")[2])
    for name, size, shown, verdict in (
        ("of this log", 100, root, "INTACT"),
        ("another root", 100, bytes(32), "TAMPERED"),
        ("beyond the end", 500, root, "TAMPERED"),
    ):
        line = format_head_line(log.id, size, shown, log.now_us / 1_000_000)
        yield Vector("witnessed", f"printed head: {name}", verdict, line=line)
    seen = b64decode(log.head(200).split("\n")[2])
    line = format_head_line(log.id, 200, seen, log.now_us / 1_000_000)
    why = "printed head and state of one size"
    yield Vector("witnessed", why, "INTACT", state="seen.state", line=line)


def main() -> None:
    """Make the folder that is named."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True)
    print(f"{len(make_vectors(folder))} vectors in {folder}")


if __name__ == "__main__":
    main()
