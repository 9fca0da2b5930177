"""A PostgreSQL server with standbys of its own, for what happens when it is gone."""

import contextlib
import os
import secrets
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from deploy.dev import postgres
from deploy.dev.places import free_port

_LIMIT_S = 60


@dataclass
class Server:
    """One of them; `url` is its own address."""

    name: str
    port: int
    url: str
    process: "subprocess.Popen[bytes]"

    def ask(self, sql: str) -> str:
        with psycopg.connect(self.url, autocommit=True) as session:
            found = session.execute(sql.encode())
            row = found.fetchone() if found.description else None
            return str(row[0]) if row else ""

    def await_that(self, sql: str) -> None:
        limit = time.monotonic() + _LIMIT_S
        while self.ask(f"SELECT ({sql})::text") != "true":
            assert time.monotonic() < limit, sql
            time.sleep(0.05)

    def kill(self) -> None:
        """End it at once, as by a power cut."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(30)

    def promote(self) -> None:
        self.ask("SELECT pg_promote()")
        self.await_that("NOT pg_is_in_recovery()")


@dataclass
class Cluster:
    """The primary, and two standbys that follow it; nobody waits for them yet."""

    primary: Server
    near: Server
    far: Server

    def wait_for_near(self) -> None:
        """From now on the primary acknowledges what `near` has on its disk."""
        self.primary.ask("ALTER SYSTEM SET synchronous_standby_names = 'near'")
        self.primary.ask("SELECT pg_reload_conf()")
        self.primary.await_that(
            "EXISTS (SELECT FROM pg_stat_replication "
            "WHERE application_name = 'near' AND sync_state = 'sync')"
        )

    def cut_off_far(self) -> None:
        """`far` hears nothing any more, and answers as before."""
        self.far.ask("ALTER SYSTEM SET primary_conninfo = ''")
        self.far.ask("SELECT pg_reload_conf()")
        self.far.await_that("NOT EXISTS (SELECT FROM pg_stat_wal_receiver)")

    def address(self, *servers: Server, database: str = "postgres") -> str:
        """One URL that leads to whichever of them takes writes."""
        user, _, _ = self.primary.url.partition("@")
        hosts = ",".join(f"127.0.0.1:{server.port}" for server in servers)
        return f"{user}@{hosts}/{database}?target_session_attrs=read-write"


@contextlib.contextmanager
def run_cluster() -> Iterator[Cluster]:
    """Three servers that sync as real ones do, and are gone after the block."""
    with (
        tempfile.TemporaryDirectory(prefix="parvis-cluster-", ignore_cleanup_errors=True) as name,
        contextlib.ExitStack() as stack,
    ):
        base, user = Path(name), postgres._other_user()
        programs = postgres._reachable_programs(base, user)
        password = secrets.token_hex(16)
        folders = {one: base / one for one in ("primary", "near", "far")}
        for folder in folders.values():
            folder.mkdir()
            folder.chmod(0o755)
        postgres._initialise(programs, folders["primary"], user, password)
        servers: dict[str, Server] = {}
        for one, folder in folders.items():
            if one != "primary":
                _copy(programs, servers["primary"], folder, user, one)
            port = free_port()
            process = postgres._start(programs, folder, user, port, durable=True)
            url = f"postgresql://parvis:{password}@127.0.0.1:{port}/postgres"
            servers[one] = Server(one, port, url, process)
            stack.callback(servers[one].kill)
            postgres._await_ready(programs, process, port, folder)
        yield Cluster(**servers)


def _copy(programs: Path, primary: Server, folder: Path, user: int | None, name: str) -> None:
    data = folder / "data"
    data.mkdir(mode=0o700)
    if user is not None:
        os.chown(data, user, user)
    command = [
        *(str(programs / "bin/pg_basebackup"), "-D", str(data), "-d"),
        *(f"{primary.url}?application_name={name}", "-R", "-X", "stream"),
        *("--checkpoint=fast", "--no-sync"),
    ]
    subprocess.run(command, check=True, capture_output=True, user=user, cwd="/")
    with (data / "postgresql.auto.conf").open("a") as settings:
        settings.write(f"cluster_name = '{name}'\n")  # by this the primary knows it
