"""`parvis serve` whole, its writer a service of another Unix user, the logs in PostgreSQL.

Real gunicorn, real sockets between two users. Where the tests do not run as root there is but one
user: everything is tried the same way except what only another user is refused.
"""

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.dev.places import environment_for, free_port
from parvis.audit import verify
from parvis.audit.reader import AuditReader
from parvis.db import create_database_engine, upgrade_database
from tests.audit.databases import make_database, run_sql
from tests.audit.houses import fresh_root
from tests.fakes.issuer import IssuerServer, Realm
from tests.fakes.model_server import Answer, FakeModelServer

REPOSITORY = Path(__file__).resolve().parents[2]
ROOT = os.geteuid() == 0
WRITER, GATEWAY, SHARED, OPERATORS = (
    (61_001, 61_002, 61_010, 61_020) if ROOT else (os.geteuid(), os.geteuid(), *[os.getegid()] * 2)
)
LIMIT_S = 120
# what a worker that was taken over would try
LOOK = """
import json, os, sys
from pathlib import Path
def attempt(action):
    try:
        action()
    except OSError as error:
        return type(error).__name__
    return "done"
base, pid = Path(os.environ["BASE"]), os.environ["WRITER_PID"]
def reach():
    import socket
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(base / "doors" / "operators.sock"))
print(json.dumps({
    "keys": attempt(lambda: os.listdir(base / "writer" / "audit" / "keys")),
    "heads": attempt(lambda: (base / "heads" / "heads.json").read_bytes()),
    "new head": attempt(lambda: (base / "heads" / "x").write_bytes(b"")),
    "door": attempt(lambda: (base / "doors" / "sequencer.sock").rename(base / "doors" / "x")),
    "memory": attempt(lambda: os.listdir(f"/proc/{pid}/root")),
    "signal": attempt(lambda: os.kill(int(pid), 0)),
    "operators": attempt(reach),
}))
"""
PRUNE = """
import os
from pathlib import Path
from parvis.audit import wire
doors, door = Path(os.environ["BASE"]) / "doors", Path("operators.sock")
line = wire.connect(doors, 5.0, door, user=int(os.environ["WRITER"]))
line.sendall(wire.pack({"boot": "cd" * 16, "worker": "operator"})
             + wire.pack({"n": 1, "call": "prune", "args": ["valbourg", 10**6]}))
print(line.recv(1 << 16).decode(errors="replace"))
"""
ASK_AT_WORKERS_DOOR = """
import os
from pathlib import Path
from parvis.audit import wire
line = wire.connect(Path(os.environ["BASE"]) / "doors", 5.0, user=int(os.environ["WRITER"]))
line.sendall(wire.pack({"boot": "ab" * 16, "worker": "w"})
             + wire.pack({"n": 1, "call": "rotate", "args": ["valbourg", "precaution"]}))
heard = b""
while b"door" not in heard:
    heard += line.recv(1 << 16)
print(heard.decode(errors="replace"))
"""


@dataclass
class Site:
    """One machine: two users, their folders, their services."""

    base: Path
    url: str
    reading_url: str
    realm: Realm
    models: FakeModelServer
    port: int = field(default_factory=free_port)
    processes: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    def environ(self, side: str) -> dict[str, str]:
        config = self.base / "config"
        kept = environment_for(self.base / side)
        return kept | {
            "PARVIS_CACHE_DIR": os.environ.get(
                "PARVIS_CACHE_DIR", str(Path.home() / ".cache/parvis")
            ),
            "PARVIS_TENANTS_DIR": str(config / "tenants"),
            "PARVIS_POLICIES_DIR": str(config / "policies"),
            "PARVIS_MODELS_FILE": str(config / "models.yaml"),
            "PARVIS_KEYCLOAK_URL": self.realm.issuer.partition("/realms/")[0],
            "PARVIS_LISTEN": f"127.0.0.1:{self.port}",
            "PARVIS_METRICS_LISTEN": "off",
            "PARVIS_WORKERS": "1",
            "PARVIS_THREADS": "8",
            "PARVIS_PRIVACY_DETECTION": "light",
            "PARVIS_AUDIT_WRITER": "apart",
            "PARVIS_AUDIT_DOORS_DIR": str(self.base / "doors"),
            "PARVIS_AUDIT_HEADS_DIR": str(self.base / "heads"),
            "PARVIS_AUDIT_WRITER_USER": str(WRITER),
            "PARVIS_AUDIT_GATEWAY_USER": str(GATEWAY),
            "PARVIS_AUDIT_OPERATORS_GROUP": str(OPERATORS),
            "PARVIS_AUDIT_DATABASE_URL": self.url if side == "writer" else self.reading_url,
            "BASE": str(self.base),
            "WRITER": str(WRITER),
            "PYTHONPATH": str(REPOSITORY),
        }

    def command(self, side: str, group: int, *command: str) -> list[str]:
        user = WRITER if side == "writer" else GATEWAY
        others = OPERATORS if side == "writer" else SHARED
        who = [str(user), str(group), str(others)] if ROOT else ["-", "-", "-"]
        return [sys.executable, "-m", "tests.audit.other_user", *who, *command]

    def start(self, side: str, *command: str) -> "subprocess.Popen[bytes]":
        with (self.base / f"{side}.log").open("ab") as out:
            process = subprocess.Popen(
                self.command(side, SHARED, *command),
                env=self.environ(side),
                cwd=self.base,
                stdout=out,
                stderr=out,
            )
        self.processes.append(process)
        return process

    def run(self, side: str, group: int, *command: str, **extra: str) -> Any:
        return subprocess.run(
            self.command(side, group, *command),
            env=self.environ(side) | extra,
            cwd=self.base,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )

    def ask(self, path: str = "/v1/chat/completions") -> httpx.Response:
        claims = self.realm.claims(
            sub="valbourg-service-account",
            azp="valbourg-chatbot",
            client_id="valbourg-chatbot",
            preferred_username="service-account-x",
            realm_access={"roles": ["chatbot"]},
        )
        body = {"model": "valbourg-brut", "messages": [{"role": "user", "content": "Hello there"}]}
        headers = {"Authorization": f"Bearer {self.realm.sign(claims)}"}
        return httpx.post(
            f"http://127.0.0.1:{self.port}{path}", json=body, headers=headers, timeout=60
        )

    def await_ready(self, wanted: int = 200) -> Any:
        def look() -> bool:
            try:
                return httpx.get(f"http://127.0.0.1:{self.port}/readyz").status_code == wanted
            except httpx.TransportError:
                return False

        self.await_that(look)

    def await_that(self, look: Callable[[], bool]) -> None:
        limit = time.monotonic() + LIMIT_S
        while not look():
            ended = [process.poll() for process in self.processes]
            assert set(ended) <= {None, -signal.SIGKILL}, self.told()
            assert time.monotonic() < limit, self.told()
            time.sleep(0.1)

    def stop(self) -> None:
        for process in reversed(self.processes):
            process.terminate()
            process.wait(60)

    def told(self) -> str:
        logs = (self.base / f"{side}.log" for side in ("writer", "gateway"))
        return "\n".join(log.read_text()[-3000:] for log in logs if log.exists())


def make_folder(path: Path, user: int, group: int, mode: int) -> Path:
    path.mkdir()
    os.chown(path, user, group)
    path.chmod(mode)
    return path


def lay_out(base: Path, models: FakeModelServer) -> None:
    """Folders of the two users, and files that both may read."""
    base.chmod(0o755)
    config = make_folder(base / "config", os.geteuid(), os.getegid(), 0o755)
    (config / "tenants").mkdir()
    shutil.copy(REPOSITORY / "tenants" / "valbourg.yaml", config / "tenants")
    shutil.copytree(REPOSITORY / "tenants" / "valbourg", config / "tenants" / "valbourg")
    shutil.copytree(REPOSITORY / "policies", config / "policies")
    models.write_models(config)
    (config / "model.key").chmod(0o600)
    os.chown(config / "model.key", GATEWAY, SHARED)
    make_folder(base / "doors", WRITER, SHARED, 0o751)
    make_folder(base / "heads", WRITER, SHARED, 0o700)
    root = fresh_root().hex()
    for side, user in (("writer", WRITER), ("gateway", GATEWAY)):
        own = make_folder(base / side, user, SHARED, 0o700)
        key = make_folder(own / "secrets", user, SHARED, 0o700) / "root.key"
        key.write_text(f"{root}\n")
        key.chmod(0o600)
        os.chown(key, user, SHARED)
    database = base / "gateway" / "parvis.db"
    engine = create_database_engine(f"sqlite:///{database}")
    upgrade_database(engine)
    engine.dispose()
    os.chown(database, GATEWAY, SHARED)


def make_reading_role(url: str) -> str:
    """The database's address for the gateway, with the grants of the guide; tables are made."""
    guide = (REPOSITORY / "docs" / "operate.md").read_text(encoding="utf-8")
    part = guide[guide.index("### The writer apart") :].partition("```sql\n")[2].partition("```")[0]
    role, word = f"worker_{secrets.token_hex(4)}", secrets.token_hex(8)
    run_sql(url, f"CREATE ROLE {role} LOGIN PASSWORD '{word}'")
    run_sql(url, part.replace("parvis_worker", role))
    return url.replace("parvis:", f"{role}:").replace(url.split(":")[2].partition("@")[0], word)


@pytest.fixture
def site(server: str) -> Iterator[Site]:
    with (
        tempfile.TemporaryDirectory(prefix="parvis-apart-") as name,
        IssuerServer() as issuer,
        FakeModelServer() as models,
    ):
        base, url = Path(name), make_database(server)
        lay_out(base, models)
        site = Site(base, url, url, issuer.add_realm("valbourg"), models)
        try:
            site.start("writer", "audit", "sequencer")
            site.await_that((base / "doors" / "sequencer.sock").exists)
            site.reading_url = make_reading_role(url)
            site.start("gateway", "serve")
            site.await_ready()
            yield site
        finally:
            site.stop()


def require_recorded(site: Site, answer: httpx.Response) -> None:
    assert answer.status_code == 200, answer.text + site.told()
    receipt = answer.headers["x-audit-receipt"]
    with closing(AuditReader(site.base / "none", site.url)) as reader:
        assert reader.find_by_receipt("valbourg", receipt)


def check_return(site: Site, held: threading.Event, under_way: Future[httpx.Response]) -> None:
    """Without a writer no model is asked; what was under way when it died is not given up."""
    asked = len(site.models.bodies)
    denied = site.ask()
    assert denied.status_code == 503
    assert denied.json()["error"]["code"] == "audit_unavailable"
    assert len(site.models.bodies) == asked
    site.start("writer", "audit", "sequencer")
    site.await_ready()
    held.set()
    require_recorded(site, under_way.result(LIMIT_S))
    require_recorded(site, site.ask())


def test_a_gateway_of_one_user_is_recorded_by_a_writer_of_another(site: Site) -> None:
    require_recorded(site, site.ask())
    writer = site.processes[0]
    # a worker reaches neither keys nor heads nor the operators' door nor the writer itself
    looked = site.run("gateway", SHARED, "-c", LOOK, WRITER_PID=str(writer.pid))
    assert looked.returncode == 0, looked.stderr
    if ROOT:
        assert set(json.loads(looked.stdout).values()) == {"PermissionError"}, looked.stdout
    refused = site.run("gateway", SHARED, "-c", ASK_AT_WORKERS_DOOR)
    assert "not asked at this door" in refused.stdout, refused.stderr
    assert '"audit.wrong_door"' in (site.base / "writer.log").read_text()
    # the writer dies: no model is asked; it comes back: all goes on, nothing is lost
    held = threading.Event()
    site.models.script(Answer(hold=held))
    with ThreadPoolExecutor(1) as pool:
        under_way = pool.submit(site.ask)
        site.models.wait_for(requests=2, limit_s=LIMIT_S)
        writer.kill()
        writer.wait(60)
        check_return(site, held, under_way)
    # keys change at the operators' door, in the operators' group alone
    change = ("audit", "rotate", "--all", "--ground", "precaution", "--operator", "ada")
    if ROOT:
        denied_command = site.run("gateway", SHARED, *change)
        assert denied_command.returncode == 1
        assert "operators' door" in denied_command.stderr
    done = site.run("gateway", OPERATORS, *change)
    assert done.returncode == 0, done.stderr + site.told()
    require_recorded(site, site.ask())
    pruned = site.run("gateway", OPERATORS, "-c", PRUNE)
    assert "no such position" in pruned.stdout, pruned.stderr  # it came to the act itself
    timed = site.run("gateway", OPERATORS, "retention", "run")
    assert timed.returncode == 0, timed.stderr
    sound = site.run("gateway", SHARED, "audit", "fsck")
    assert sound.returncode == 0, sound.stdout + sound.stderr
    if ROOT:  # of one user, `check` would look for the keys on the gateway's side
        checked = site.run("gateway", SHARED, "check")
        assert "audit" not in checked.stderr, checked.stderr
    out = site.base / "gateway" / "export"
    made = site.run("gateway", SHARED, "audit", "export", "--tenant", "valbourg", "--out", str(out))
    assert made.returncode == 0, made.stderr
    report = verify.verify_folder(str(out))
    assert (report["verdict"], len(report["keys"])) == ("INTACT", 2), report["findings"]
