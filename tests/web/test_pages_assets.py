"""What the pages load: vendored parts unchanged, nothing from elsewhere, nothing inline."""

import hashlib
import json
import re
from pathlib import Path

import pytest

from parvis.web import pages

VENDOR = pages.STATIC / "vendor"
TEMPLATES = Path(pages.__file__).parent / "templates"
OWN_SCRIPT_LIMIT = 60 * 1024
_LOADS = re.compile(
    r"""(?:src|action|@import|import)\s*=?\s*["'(]\s*(?:https?:)?//|url\(\s*["']?(?:https?:)?//"""
)


def test_vendored_files_are_the_listed_ones_byte_for_byte() -> None:
    listed = {}
    for part in json.loads((VENDOR / "vendored.json").read_text("utf-8"))["parts"]:
        assert part["licence"]
        assert part["folder"].endswith("-" + part["version"])
        for name, digest in part["sha256"].items():
            listed[f"{part['folder']}/{name}"] = digest
    found = {
        path.relative_to(VENDOR).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.rglob("*")
        if path.is_file() and path.name != "vendored.json"
    }
    assert found == listed


def _sources() -> list[Path]:
    own = [path for kind in ("*.css", "*.js", "*.svg") for path in pages.STATIC.rglob(kind)]
    return [*sorted(TEMPLATES.glob("*.html")), *sorted(own)]


@pytest.mark.parametrize("path", _sources(), ids=lambda path: path.name)
def test_pages_load_nothing_from_another_address(path: Path) -> None:
    text = path.read_text("utf-8")
    assert not _LOADS.search(text)
    for tag in re.findall(r"<(?:link|script|img|iframe|form)\b[^>]*>", text):
        assert "//" not in re.sub(r"\{\{.*?\}\}", "X", tag), tag


@pytest.mark.parametrize("path", sorted(TEMPLATES.glob("*.html")), ids=lambda path: path.name)
def test_templates_hold_no_inline_script_or_style(path: Path) -> None:
    text = path.read_text("utf-8")
    assert not re.search(r"\sstyle\s*=|<style\b|\son[a-z]+\s*=|javascript:", text)
    for script in re.findall(r"<script\b[^>]*>", text):
        assert "src=" in script
    assert "|safe" not in text.replace(" ", "")


def test_own_script_stays_small() -> None:
    own = sum(path.stat().st_size for path in (pages.STATIC / "js").glob("*.js"))
    assert own <= OWN_SCRIPT_LIMIT


# look-ups that anybody may make: posted so that what is looked up stands in no address
CHANGES_NOTHING = frozenset({"/audit/proof"})


def test_every_form_that_changes_something_carries_the_session_token() -> None:
    for path in TEMPLATES.glob("*.html"):
        for form in re.findall(r"<form\b.*?</form>", path.read_text("utf-8"), re.DOTALL):
            action = re.search(r'action="([^"]*)"', form)
            if 'method="post"' in form and not (action and action[1] in CHANGES_NOTHING):
                assert "csrf" in form, path.name
