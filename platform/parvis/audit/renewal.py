"""A file of trusted keys learns the new key of a log from an export that proves the change.

The file is an auditor's policy (tlog-policy) or a witness's list of logs. Nothing is believed that
the stand-alone verifier does not find INTACT under a key that the file names already.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from parvis.audit import verify
from parvis.audit.verify import Malformed, split_vkey
from parvis.errors import Conflict, InvalidRequest


def renew_trust(path: Path, folder: Path) -> list[str]:
    """Write the keys that the export proves into the file; gives those that are new.

    A policy keeps the older keys, for older exports, proofs and receipts; in a witness's list
    (one without a quorum) the newest takes the place of the others, which sign no more. Raises
    InvalidRequest, Conflict (the export does not prove it).
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"{path}: the file of trusted keys cannot be read") from error
    is_policy = any(line.split()[:1] == ["quorum"] for line in lines)
    report = _verify(path, lines, folder, is_policy=is_policy)
    keys = [one["vkey"] for one in report["keys"] if one["suspect_from"] is None]
    places = _find_places(lines, report["log"])
    known = {_read_key(lines[place]) for place in places}
    wanted = keys if is_policy else keys[-1:]
    if is_policy and report["log"] in verify.load_policy("\n".join(lines).encode())[1].cosigners:
        wanted += [one["cosigner"] for one in report["keys"] if one["cosigner"]]
    added = [vkey for vkey in wanted if vkey not in known]
    if is_policy:
        lines[places[-1] + 1 : places[-1] + 1] = [f"log {vkey}" for vkey in added]
    elif added:
        kept = [line for at, line in enumerate(lines) if at not in places[1:]]
        kept[places[0]] = added[0]
        lines = kept
    if added:
        path.write_text("\n".join(lines), encoding="utf-8")
    return added


def _verify(path: Path, lines: Sequence[str], folder: Path, *, is_policy: bool) -> dict[str, Any]:
    text = "\n".join(lines)
    if not is_policy:
        keys = [_read_key(line) for line in lines if line.strip() and not line.startswith("#")]
        text = "".join(f"log {vkey}\n" for vkey in keys) + "quorum none\n"
    try:
        trusted = verify.load_policy(text.encode())
    except Malformed as error:
        raise InvalidRequest(f"{path}: not a file of trusted keys: {error}") from error
    report: dict[str, Any] = verify.verify_folder(str(folder), trusted)
    if report["verdict"] != "INTACT":
        words = f"{folder}: {report['verdict']} under the keys of {path}: nothing is learnt"
        raise Conflict(f"{words}. Run `parvis audit verify`, or get the key on paper.")
    return report


def _read_key(line: str) -> str:
    """The verifier key of a line: `log VKEY URL`, or the key alone."""
    return line.strip().removeprefix("log ").strip().split()[0]


def _find_places(lines: Sequence[str], origin: str) -> list[int]:
    """The lines that name a key of this log."""
    places = []
    for at, line in enumerate(lines):
        words = line.split()
        if words and not line.startswith("#") and (words[0] == "log" or len(words) == 1):
            try:
                if split_vkey(_read_key(line))[0] == origin:
                    places.append(at)
            except Malformed:
                continue
    return places
