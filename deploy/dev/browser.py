"""A real headless Chromium and the official JavaScript SDK, both npm packages, for the tests."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from deploy.dev import places

E2E = places.REPOSITORY / "tests/e2e"
_MEGABYTES = 75
_UNPACKED_MEGABYTES = 215

_LAUNCHER = """#!/bin/sh
# the libraries and the font that came with this Chromium, for machines that lack them
export LD_LIBRARY_PATH='{folder}/al2023/lib'
export FONTCONFIG_PATH='{folder}/fonts'
exec '{folder}/chromium' "$@"
"""

_FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>/usr/share/fonts</dir>
  <dir>{folder}/fonts/fonts</dir>
  <cachedir>{folder}/fonts-cache</cachedir>
</fontconfig>
"""


def fetch_npm_packages() -> None:
    """Install the locked npm packages of the end-to-end tests; no network when they are there.

    Raises places.PartMissing.
    """
    stamp = E2E / "node_modules/.lock-copy"
    lock = E2E / "package-lock.json"
    if stamp.is_file() and stamp.read_bytes() == lock.read_bytes():
        return
    command = [find_node_tool("npm"), "ci", "--ignore-scripts", "--prefer-offline"]
    cache = places.cache_dir() / "npm"
    with places.progress(
        "npm",
        f"fetching Chromium and the JavaScript SDK, {_MEGABYTES} MB",
        places.expected(lambda: places.bytes_below(cache), _MEGABYTES),
    ):
        result = subprocess.run(
            command,
            cwd=E2E,
            env={**node_environment(), "npm_config_cache": str(cache)},
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode:
            raise places.PartMissing(
                "the npm packages of the tests (a Chromium, the JavaScript SDK) cannot be had:\n"
                f"{result.stderr.strip()[-800:]}\n"
                "Name a registry that carries them by npm_config_registry."
            )
    shutil.copyfile(lock, stamp)


def find_chromium() -> Path:
    """Chromium for Playwright: the one PARVIS_CHROMIUM names, else the fetched one.

    Raises places.PartMissing when neither is there.
    """
    given = os.environ.get("PARVIS_CHROMIUM", "")
    if given:
        if not os.access(given, os.X_OK):
            raise places.PartMissing(f"PARVIS_CHROMIUM names no program: {given}")
        return Path(given)
    launcher = _folder() / "launch.sh"
    if not launcher.is_file():
        raise places.PartMissing("Chromium is not unpacked: `python -m deploy.dev.fetch test`")
    return launcher


def unpack_chromium() -> None:
    """Unpack the npm package's Chromium into the cache; nothing to do when it is there.

    Raises places.PartMissing.
    """
    if os.environ.get("PARVIS_CHROMIUM"):
        find_chromium()
        return
    final = _folder()
    if (final / "launch.sh").is_file():
        return
    shutil.rmtree(final, ignore_errors=True)
    final.mkdir(parents=True)
    measure = places.expected(lambda: places.bytes_below(final), _UNPACKED_MEGABYTES)
    with places.progress("chromium", "unpacking", measure):
        _inflate(final)
    _prove(final / "chromium", final)
    (final / "fonts/fonts.conf").write_text(_FONTS.format(folder=final), encoding="utf-8")
    launcher = final / "launch.new"
    launcher.write_text(_LAUNCHER.format(folder=final), encoding="utf-8")
    launcher.chmod(0o755)
    os.replace(launcher, final / "launch.sh")


def _inflate(folder: Path) -> None:
    result = subprocess.run(
        [find_node_tool("node"), "unpack_chromium.mjs"],
        cwd=E2E,
        env={**node_environment(), "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise places.PartMissing(f"Chromium could not be unpacked:\n{result.stderr[-800:]}")


def _prove(program: Path, folder: Path) -> None:
    environment = dict(os.environ) | {"LD_LIBRARY_PATH": str(folder / "al2023/lib")}
    command = [str(program), "--version"]
    try:
        subprocess.run(command, env=environment, capture_output=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        raise places.PartMissing(
            "the packaged Chromium does not run on this machine (it is made for Linux on x86-64): "
            "install one and name it by PARVIS_CHROMIUM"
        ) from error


def _folder() -> Path:
    package = json.loads((E2E / "package.json").read_text(encoding="utf-8"))
    version = package["devDependencies"]["@sparticuz/chromium"]
    return places.cache_dir() / f"chromium-{version}"


def find_node_tool(name: str) -> str:
    """`node` or `npm`: the environment's own, else the machine's. Raises places.PartMissing."""
    own = Path(sys.executable).with_name(name)
    found = str(own) if own.is_file() else shutil.which(name)
    if found is None:
        raise places.PartMissing(f"{name} cannot be had as a package here: install Node.js 24")
    return found


def node_environment() -> dict[str, str]:
    """The environment in which npm finds the node that belongs to it."""
    folder = str(Path(find_node_tool("node")).parent)
    return dict(os.environ) | {"PATH": f"{folder}:{os.environ.get('PATH', '')}"}
