"""Real parts for every test that wants them, and the promise that no test leaves the machine.

Each fixture starts its part once for the whole run, on a free port of 127.0.0.1. A part that cannot
be had fails the test that asked for it; nothing is skipped.
"""

import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from deploy.dev import keycloak as keycloak_part
from deploy.dev import model_server as model_part
from deploy.dev import places
from deploy.dev.browser import find_chromium, unpack_chromium
from deploy.dev.fetch import fetch_models
from deploy.dev.installation import write_private
from deploy.dev.places import free_port
from deploy.dev.postgres import run_postgres
from deploy.dev.supervisor import Supervisor


class LeftTheMachine(Exception):
    """A test tried to reach another machine."""


def _stays_here(host: object, *, numbers: bool = False) -> bool:
    """True for loopback; with `numbers` for every address that no name server is asked about."""
    if not isinstance(host, str | bytes):
        return host is None
    name = host.decode("ascii") if isinstance(host, bytes) else host
    if name in {"", "localhost"} or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name.partition("%")[0]).is_loopback or numbers
    except ValueError:
        return False


@pytest.fixture(scope="session", autouse=True)
def _no_other_machine() -> Iterator[None]:
    """Refuse every connection and every look-up that would leave this machine."""
    connect, connect_ex, look_up = (
        socket.socket.connect,
        socket.socket.connect_ex,
        socket.getaddrinfo,
    )

    def require_here(address: Any) -> None:
        if isinstance(address, tuple) and not _stays_here(address[0]):
            raise LeftTheMachine(f"a test may not connect to {address[0]}")

    def guarded_connect(self: socket.socket, address: Any) -> None:
        require_here(address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        require_here(address)
        return connect_ex(self, address)

    def guarded_look_up(host: Any, *arguments: Any, **named: Any) -> Any:
        if not _stays_here(host, numbers=True):
            raise socket.gaierror(f"a test may not look up {host}")
        return look_up(host, *arguments, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded_connect)
        patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
        patch.setattr(socket, "getaddrinfo", guarded_look_up)
        yield


@dataclass(frozen=True)
class RunningKeycloak:
    """A real Keycloak with no realm but its own."""

    url: str
    admin_user: str
    admin_password: str


@pytest.fixture(scope="session")
def keycloak(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningKeycloak]:
    """A real Keycloak, fresh for this run."""
    keycloak_part.fetch_keycloak()
    data_dir, port = tmp_path_factory.mktemp("keycloak"), free_port()
    with Supervisor(data_dir) as supervisor:
        with keycloak_part.first_build():
            supervisor.start(keycloak_part.build_part(data_dir, port))
        yield RunningKeycloak(
            url=f"http://127.0.0.1:{port}",
            admin_user=keycloak_part.ADMIN,
            admin_password=keycloak_part.read_admin_password(data_dir),
        )


@dataclass(frozen=True)
class RunningModelServer:
    """A real llama.cpp server with the small model; `url` ends in `/v1`."""

    url: str
    api_key: str
    model: str


@pytest.fixture(scope="session")
def model_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningModelServer]:
    """The demo's model server, with its small real model."""
    fetch_models(places.cache_dir() / "models")
    data_dir, port, key = tmp_path_factory.mktemp("model"), free_port(), "key-of-this-run"
    key_file = data_dir / "model.key"
    write_private(key_file, key)
    with Supervisor(data_dir) as supervisor:
        supervisor.start(model_part.build_part(port, key_file))
        yield RunningModelServer(f"http://127.0.0.1:{port}/v1", key, model_part.ALIAS)


@pytest.fixture(scope="session")
def models_dir() -> Path:
    """Folder of the small models that the gateway itself uses."""
    folder = places.cache_dir() / "models"
    fetch_models(folder)
    return folder


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A real PostgreSQL 18, thrown away after the run: its administrator's address."""
    with run_postgres() as url:
        yield url


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """An empty database of the real PostgreSQL, for one test."""
    name = f"test_{os.urandom(6).hex()}"
    server = sqlalchemy.create_engine(postgres_server, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(sqlalchemy.text(f"CREATE DATABASE {name}"))
    yield postgres_server.removesuffix("postgres") + name
    with server.connect() as connection:
        connection.execute(sqlalchemy.text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


@pytest.fixture(scope="session")
def chromium() -> Path:
    """A real headless Chromium for Playwright's `executable_path` (with `--no-sandbox`)."""
    unpack_chromium()
    return find_chromium()
