"""`parvis knowledge add`: a text becomes a source in its agency's file.

It writes what a person would: a Markdown file below `tenants/SLUG/` and an entry under `sources` of
`tenants/SLUG.yaml`, whose other lines stay as they are. What `knowledge sync` does is not here.
"""

import argparse
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from parvis.domain import LANGUAGES
from parvis.errors import Conflict, InvalidRequest
from parvis.tenancy.config import Agency
from parvis.yaml_files import MAX_BYTES

_ID = re.compile("[a-z0-9]+(-[a-z0-9]+)*")
_KEY = re.compile(r"^sources:[ \t]*(\[[ \t]*\])?[ \t]*(#.*)?\n", re.MULTILINE)
_ITEM = re.compile(r"(?:[ \t]*(?:#.*)?\n)*( *)- ")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_YEAR = timedelta(days=365)


def register_add(commands: Any) -> argparse.ArgumentParser:
    """The command's options."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "add",
        help="declare a Markdown file as a source of an agency, and bring it into the search",
        description="Copies FILE below the agency's folder, adds an entry to `sources` of its "
        "file, and syncs. What the entry says of the text is for a person to know: owner, licence, "
        "address. An assistant quotes it once its own `sources` name it.",
        epilog="example: parvis knowledge add passport.md --tenant valbourg --id passport-en "
        '--language en --title "Passports" --url https://www.valbourg.example/en/passport '
        "--owner Biergeramt --licence CC0-1.0",
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="the text, Markdown in UTF-8")
    parser.add_argument("--id", required=True, help="its name in the agency's file")
    parser.add_argument("--language", choices=LANGUAGES, required=True, help="the text's language")
    parser.add_argument("--title", required=True, help="its title, in that language")
    parser.add_argument("--url", required=True, help="where the public finds it (https)")
    parser.add_argument("--owner", required=True, help="office that keeps it right")
    parser.add_argument("--licence", required=True, help="SPDX, or `all-rights-reserved`")
    parser.add_argument("--level", type=int, default=0, help="0 public (default) to 4")
    parser.add_argument("--controller", default="", help="who answers for it (default: the agency)")
    parser.add_argument("--contact", default="", help="where to say it is wrong (default: its own)")
    parser.add_argument("--valid-until", default="", help="day of the next look (default: a year)")
    return parser


@contextmanager
def declaring(tenants_dir: Path, agency: Agency, args: argparse.Namespace) -> Iterator[None]:
    """The source is declared while the block runs, and stays when it ends well; else nothing does.

    Raises InvalidRequest, Conflict.
    """
    text = _read_text(args.file)
    if not _ID.fullmatch(args.id):
        raise InvalidRequest("--id: expected a-z, 0-9 and single hyphens, for example passport-en")
    home, place = tenants_dir / f"{agency.slug}.yaml", tenants_dir / agency.slug / f"{args.id}.md"
    if args.valid_until and not _DAY.fullmatch(args.valid_until):
        raise InvalidRequest("--valid-until: expected a day, for example 2027-12-31")
    if any(source.id == args.id for source in agency.sources) or place.exists():
        raise Conflict(f"--id: {agency.slug} has a source of this name already")
    before = home.read_text(encoding="utf-8")
    place.parent.mkdir(exist_ok=True)
    place.write_text(text, encoding="utf-8")
    try:
        _replace(home, insert_entry(before, build_entry(agency, args)))
        try:
            yield
        except BaseException:
            _replace(home, before)
            raise
    except BaseException:
        place.unlink()
        raise


def _read_text(path: Path) -> str:
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidRequest(f"{path}: not UTF-8") from None
    if len(data) > MAX_BYTES:
        raise InvalidRequest(f"{path}: larger than {MAX_BYTES} bytes")
    if not text.strip() or "\0" in text:
        raise InvalidRequest(f"{path}: expected a text in Markdown")
    return text


def build_entry(agency: Agency, args: argparse.Namespace) -> dict[str, Any]:
    """What the file says of the source."""
    return {
        "id": args.id,
        "title": {args.language: args.title},
        "path": f"{args.id}.md",
        "language": args.language,
        "url": args.url,
        "level": args.level,
        "controller": args.controller or agency.slug,
        "owner": args.owner,
        "licence": args.licence,
        "valid_until": args.valid_until or f"{datetime.now(UTC) + _YEAR:%Y-%m-%d}",
        "contact": args.contact or agency.contact.email,
    }


def insert_entry(text: str, entry: dict[str, Any]) -> str:
    """The agency's file with one more source, first of its list; every other line as it was."""
    found = _KEY.search(text)
    if found is None:
        text += "" if text.endswith("\n") else "\n"
        return f"{text}sources:\n{_write(entry, '  ')}"
    item = _ITEM.match(text, found.end())
    written = _write(entry, item[1] if item else "  ")
    key = found[0].replace(found[1], "", 1) if found[1] else found[0]
    return f"{text[: found.start()]}{key}{written}{text[found.end() :]}"


def _write(entry: dict[str, Any], indent: str) -> str:
    lines: list[str] = []
    for name, value in entry.items():
        # JSON is YAML; a day must stand bare to be one
        shown = value if name == "valid_until" else json.dumps(value, ensure_ascii=False)
        lines.append(f"{indent}{'  ' if lines else '- '}{name}: {shown}\n")
    return "".join(lines)


def _replace(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(text, encoding="utf-8")
    beside.chmod(path.stat().st_mode & 0o777)
    os.replace(beside, path)
