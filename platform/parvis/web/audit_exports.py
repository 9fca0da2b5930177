"""Exports that an auditor made on the page: the folder, the verdict and report, the download.

They lie in the data folder, one folder an agency, and go after an hour.
"""

import re
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from parvis.audit.export import ExportFile, export_files, stream_zip, write_folder
from parvis.audit.log import AuditLog

KEPT_S = 3600
_PAGE = ".html"
_VERDICT = ".verdict"
_VERDICTS = {0: "INTACT", 2: "INCOMPLETE", 3: "TAMPERED"}
_VERIFY_S = 600
_ID = re.compile(r"[0-9a-f]{32}")
_RECORDS = re.compile(r"^records \d+ (\d+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class MadeExport:
    """An export with what its own verifier said about it."""

    id: str
    verdict: str
    report: str
    records: int


def make_export(
    data_dir: Path, audit: AuditLog, tenant_id: str, language: str = "en"
) -> MadeExport:
    """A new export of the agency's whole log, verified; raises AuditUnavailable.

    The report is told in `language`, and kept beside the folder as a page to print.
    """
    home = _home(data_dir, tenant_id)
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    forget_old_exports(data_dir, tenant_id)
    export_id = uuid.uuid4().hex
    folder = home / export_id
    write_folder(export_files(audit, tenant_id), folder)
    verdict, report = verify_folder(folder, language, folder.with_suffix(_PAGE))
    folder.with_suffix(_VERDICT).write_text(verdict, encoding="ascii")
    found = _RECORDS.search((folder / "manifest").read_text(encoding="utf-8"))
    return MadeExport(export_id, verdict, report, int(found[1]) if found else 0)


@dataclass(frozen=True, slots=True)
class Checked:
    """A verdict on the whole log, and when it was told."""

    verdict: str
    time: datetime


def find_checked(data_dir: Path, tenant_id: str) -> Checked | None:
    """The newest verdict on an export of this agency that is still kept."""
    made = sorted(
        (path.stat().st_mtime, path) for path in _home(data_dir, tenant_id).glob(f"*{_VERDICT}")
    )
    fresh = [(at, path) for at, path in made if at >= time.time() - KEPT_S]
    if not fresh:
        return None
    at, path = fresh[-1]
    return Checked(path.read_text(encoding="ascii"), datetime.fromtimestamp(at, UTC))


def verify_folder(folder: Path, language: str = "en", page: Path | None = None) -> tuple[str, str]:
    """Verdict word and report of the verifier that lies in the folder, run on its own.

    `page` becomes its printable page.
    """
    options = ["--language", language, *(["--page", str(page)] if page else [])]
    done = subprocess.run(  # noqa: S603 - our interpreter and the verifier we have just written
        [sys.executable, "-I", str(folder / "verify.py"), str(folder), *options],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=_VERIFY_S,
        check=False,
        cwd=folder.parent,
    )
    report = (done.stdout + done.stderr).replace(str(folder), "FOLDER")
    return _VERDICTS.get(done.returncode, "UNVERIFIABLE"), report


def find_export(data_dir: Path, tenant_id: str, export_id: str) -> Path | None:
    """The folder of an export of this agency, while it is kept."""
    if not _ID.fullmatch(export_id):
        return None
    folder = _home(data_dir, tenant_id) / export_id
    return folder if folder.is_dir() else None


def find_page(data_dir: Path, tenant_id: str, export_id: str) -> str | None:
    """The verifier's printable page on an export of this agency, while it is kept."""
    folder = find_export(data_dir, tenant_id, export_id)
    page = folder.with_suffix(_PAGE) if folder else None
    if folder is None or page is None or not page.is_file():
        return None
    return page.read_text(encoding="utf-8").replace(str(folder), "FOLDER")


def name_export(tenant_id: str) -> str:
    """What the folder in the archive is called."""
    return f"parvis-audit-{tenant_id}"


def zip_export(folder: Path, name: str) -> Iterator[bytes]:
    """Exactly the files that were verified, as a ZIP archive, piece by piece."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    files = (ExportFile(path.relative_to(folder).as_posix(), path.read_bytes()) for path in paths)
    return stream_zip(files, name)


def forget_old_exports(data_dir: Path, tenant_id: str) -> None:
    """Remove the agency's exports that are no longer offered (an hour old)."""
    home = _home(data_dir, tenant_id)
    for place in list(home.iterdir()) if home.is_dir() else ():
        if place.stat().st_mtime >= time.time() - KEPT_S:
            continue
        if place.is_dir():
            shutil.rmtree(place)
        else:
            place.unlink()


def _home(data_dir: Path, tenant_id: str) -> Path:
    return data_dir / "exports" / tenant_id
