"""The operators' table: every line that the audit log writes to the gateway's log is explained."""

import re
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
_LOGGED = re.compile(r'log\.(?:debug|info|warning|error|critical)\(\s*"([^"]+)"')


def read_events() -> set[str]:
    files = (REPOSITORY / "platform" / "parvis").rglob("*.py")
    found = {name for file in files for name in _LOGGED.findall(file.read_text(encoding="utf-8"))}
    return {name for name in found if name.startswith("audit.")}


def test_the_guide_explains_every_event_that_is_logged_and_no_other() -> None:
    guide = (REPOSITORY / "docs" / "operate.md").read_text(encoding="utf-8")
    part = guide.partition("### At night: what a line means")[2].partition("\n### ")[0]
    rows = re.findall(r"^\| (`audit\.[^|]*)\|", part, re.MULTILINE)
    told = {name for row in rows for name in re.findall(r"`(audit\.[a-z_]+)`", row)}
    assert len(read_events()) > 15
    assert told == read_events()
