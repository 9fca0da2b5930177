"""A worker in wrong hands, where the writer is a service of its own and alone sees its keys.

What other tests prove of edited databases (`test_attack_matrix.py`) is not repeated here.
"""

import contextlib
import os
import secrets
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apsw
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from parvis.audit import Actor, AuditLog, Draft, verify, wire
from parvis.audit.calls import OPERATOR_CALLS
from parvis.audit.fsck import check_log
from parvis.audit.notes import Checkpoint, sign_note
from parvis.audit.tree import Frontier
from parvis.cli.serve import start_keeper
from parvis.errors import AuditUnavailable
from parvis.settings import load_settings
from tests.audit.databases import make_database, run_sql
from tests.audit.houses import CIVIL_SERVANT, INSTALLATION, ROOT_KEY, House, export, fill

# a process and its child, both of one user who is not root: the parent tries to look in
LOOK_IN = """
import ctypes, os, socket
from parvis.audit.process import hide_memory

if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # PR_SET_DUMPABLE, as after a start that changes no user
ours, theirs = socket.socketpair()
child = os.fork()
if child == 0:
    ours.close()
    theirs.recv(1)
    hide_memory()
    theirs.send(b"x")
    theirs.recv(1)
    os._exit(0)
theirs.close()

def look():
    try:
        for name in ("environ", "maps"):
            open(f"/proc/{child}/{name}", "rb").close()
        os.listdir(f"/proc/{child}/root")
        return "open"
    except PermissionError:
        return "closed"

print(look())
ours.send(b"x")
ours.recv(1)
print(look())
ours.send(b"x")
os.waitpid(child, 0)
"""
ADA = Actor("person", "ada", ("operator",))
GRACE = Actor("person", "grace", ("operator",))
REPOSITORY = Path(__file__).resolve().parents[2]


@contextlib.contextmanager
def run_apart(house: House) -> Iterator["subprocess.Popen[bytes]"]:
    """`parvis audit sequencer` as a service manager starts it."""
    root_file = house.folder / "secrets" / "root.key"
    root_file.parent.mkdir(mode=0o700)
    root_file.write_text(house.root.hex() + "\n")
    root_file.chmod(0o600)
    environ = os.environ | {
        "PARVIS_DATA_DIR": str(house.folder),
        "PARVIS_INSTALLATION": INSTALLATION,
        "PARVIS_TENANTS_DIR": str(REPOSITORY / "tenants"),
        "PARVIS_AUDIT_WRITER": "apart",
    }
    command = [sys.executable, "-m", "parvis", "audit", "sequencer"]
    with subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL) as process:
        try:
            while (line := wire.connect(house.audit_dir, 5.0)) is None:
                assert process.poll() is None, "the sequencer ended"
                time.sleep(0.02)
            line.close()
            yield process
        finally:
            process.terminate()


@contextlib.contextmanager
def hidden_keys(house: House) -> Iterator[None]:
    """The worker's own view of the disk: another mount lies over the folder of the keys."""
    keys, elsewhere = house.audit_dir / "keys", house.folder / "only-the-sequencer-sees-this"
    keys.rename(elsewhere)
    yield
    with contextlib.suppress(FileNotFoundError):
        keys.rmdir()  # fails when anything was written there
    elsewhere.rename(keys)


def forge_head(log: AuditLog, tenant: str) -> tuple[str, int, str]:
    """The text of a head one larger than the true one, and a note of it by a key of one's own."""
    key, head = log.reader.get_key(tenant), log.reader.get_head(tenant)
    text = Checkpoint(key.origin, head.size + 1, b"\x07" * 32).text
    return text, head.size + 1, sign_note(text, key.origin, Ed25519PrivateKey.generate())


def test_a_worker_adds_records_and_can_neither_sign_nor_write_a_head(
    house: House, tmp_path: Path
) -> None:
    house.audit_dir.mkdir(mode=0o700, exist_ok=True)
    with run_apart(house) as sequencer:
        worker = house.open("worker", leads=False)
        fill(worker, 1)
        fill(worker, 1, "adem")
        with hidden_keys(house):
            # it speaks for every agency that it serves: this is what the log must live with
            for tenant in ("commune", "adem"):
                worker.append(tenant, Draft("auth.login", CIVIL_SERVANT), 10)
            text, size, note = forge_head(worker, "commune")
            before = worker.reader.get_head("commune")
            # witnesses sign heads with extension lines, too
            for forged in (text, f"{text}extension\n", f"{text.partition(chr(10))[0]}\n"):
                with pytest.raises(ValueError, match="checkpoint"):
                    worker.sign_note("commune", forged)
            with pytest.raises((AuditUnavailable, ValueError)):
                worker._call("publish", "commune", size, note)
            assert worker.reader.get_head("commune") == before
            house.close()
            sequencer.terminate()
            assert sequencer.wait(30) == 0
            # the writer is gone: whoever holds the root key alone does not take its place
            with pytest.raises(AuditUnavailable, match="signing key of a log is missing"):
                house.open("usurper")
            assert not [*(house.audit_dir / "keys").glob("*.key")]
    log = house.open()
    assert log.reader.get_head("commune").size >= before.size
    fill(log, 1)
    assert verify.verify_folder(str(export(log, tmp_path / "out")))["verdict"] == "INTACT"


def act_as_operator(log: AuditLog, size: int) -> dict[str, Callable[[], object]]:
    """What only operators may ask, by the call's name; each would be done."""
    lost = [("commune", log.reader.get_key("commune").log)]
    return {
        "rotate": lambda: log.rotate_key("commune", "precaution", ADA),
        "compromise": lambda: log.declare_compromised("commune", size, "stolen", ADA),
        "roll_back": lambda: log.roll_back(lost, "restore", ADA, GRACE),
        "prune": lambda: log.prune("commune", 256),
        "close": lambda: log.close_log("commune", ADA, sealed_days=30, audit_days=365),
    }


def ask_directly(log: AuditLog, name: str, *arguments: Any) -> Any:
    """As a worker would that runs what it likes: at the door that it reaches."""
    return log._client.call(name, *arguments, timeout_s=10)


def test_what_changes_keys_and_logs_is_done_at_the_operators_door_alone(house: House) -> None:
    house.audit_dir.mkdir(mode=0o700, exist_ok=True)
    with run_apart(house):
        worker = house.open("worker", leads=False)
        fill(worker, 1)
        size = worker.reader.get_head("commune").size
        acts = act_as_operator(worker, size)
        assert set(acts) == set(OPERATOR_CALLS)
        before = worker.reader.get_head("commune"), worker.reader.get_key("commune")
        with hidden_keys(house):
            for name, act in acts.items():
                with pytest.raises(ValueError, match="not asked at this door"):
                    ask_directly(worker, name, "commune")
                with pytest.raises(AuditUnavailable, match="operators' door"):
                    act()
            assert (worker.reader.get_head("commune"), worker.reader.get_key("commune")) == before
        door = house.audit_dir / wire.OPERATORS
        assert stat.S_IMODE(door.stat().st_mode) == 0o600
        assert acts["rotate"]() == worker.reader.get_key("commune").vkey != before[1].vkey
        _, new = acts["compromise"]()  # type: ignore[misc]
        assert worker.reader.get_key("commune").vkey == new
        with pytest.raises(ValueError, match="nothing to declare"):  # it came to the act itself
            acts["roll_back"]()
        with pytest.raises(ValueError, match="no such position"):
            acts["prune"]()
        assert acts["close"]() == (before[1].origin, worker.reader.get_head("commune").size)


def test_the_operators_door_takes_no_records_and_no_worker_s_call(house: House) -> None:
    house.open()
    for asked in ({"n": 1, "call": "ready", "args": []}, {"n": 1, "b": {}, "s": [], "l": ""}):
        line = wire.connect(house.audit_dir, 5.0, wire.OPERATORS)
        assert line is not None
        line.sendall(wire.pack({"boot": "ab" * 16, "worker": "w"}) + wire.pack(asked))
        heard = line.recv(1 << 16)
        assert heard == b"" or b"not asked at this door" in heard
        line.close()


@pytest.mark.parametrize(
    ("call", "values"),
    [
        ("log", []),
        ("log", [1]),
        ("log", [["commune"]]),
        ("publish", ["commune", "7", "note"]),
        ("publish", ["commune", 2**63, "note"]),
        ("publish", ["commune", -1, "note"]),
        ("publish", ["commune", True, "note"]),
        ("thin", ["commune", [1, "2"]]),
        ("thin", ["commune", [[1]]]),
        ("sign", ["commune", None, ""]),
        ("delete_sealed", ["commune", "ab" * 16]),
        ("ready", ["commune"]),
        ("sign", {"tenant_id": "commune"}),
        ("nothing of this name", []),
    ],
)
def test_a_worker_s_call_with_other_values_costs_it_the_line_and_the_writer_nothing(
    house: House, call: str, values: Any
) -> None:
    worker = house.open()
    line = wire.connect(house.audit_dir, 5.0)
    assert line is not None
    asked = wire.pack({"n": 1, "call": call, "args": values})
    line.sendall(wire.pack({"boot": "ab" * 16, "worker": "w"}) + asked)
    assert line.recv(1 << 16) == b""
    line.close()
    worker.append("commune", Draft("auth.login", outcome="success", actor=CIVIL_SERVANT))


def test_a_sequencer_signs_nothing_on_top_of_a_tree_that_it_did_not_sign(house: House) -> None:
    log = house.open()
    fill(log, 1)
    before = log.reader.get_head("commune")
    forged = Frontier()
    for at in range(before.size):
        forged.append(bytes([at]) * 32)
    other = apsw.Connection(str(house.audit_dir / "audit.db"))
    other.set_busy_timeout(5000)
    other.execute(
        "UPDATE head SET root = ?, frontier = ? WHERE size = ? AND root = ?",
        (forged.root(), forged.dump(), before.size, before.root),
    )
    assert other.changes() == 1
    other.close()
    for _ in range(2):
        with pytest.raises(AuditUnavailable):
            fill(log, 1)
    house.close()
    log = house.open()
    with pytest.raises(AuditUnavailable):
        fill(log, 1)
    assert log.reader.get_head("commune").note == before.note


def test_with_postgresql_a_worker_s_role_reads_and_writes_nothing(
    house: House, server: str
) -> None:
    database = make_database(server)
    house.open(database_url=database)
    guide = (REPOSITORY / "docs" / "operate.md").read_text(encoding="utf-8")
    part = guide[guide.index("### The writer apart") :]
    role, word = f"worker_{secrets.token_hex(4)}", secrets.token_hex(8)
    run_sql(database, f"CREATE ROLE {role} LOGIN PASSWORD '{word}'")
    grants = part.partition("```sql\n")[2].partition("```")[0]
    run_sql(database, grants.replace("parvis_worker", role))
    limited = database.replace("parvis:", f"{role}:").replace(
        database.split(":")[2].partition("@")[0], word
    )
    worker = house.open("worker", leads=False, database_url=limited)
    receipt = fill(worker, 1)[-1]
    assert worker.reader.find_by_receipt("commune", receipt.text) is not None
    for sql in (
        "INSERT INTO parvis_audit.usage VALUES (99, 1)",
        "UPDATE parvis_audit.head SET size = 1",
        "DELETE FROM parvis_audit.record",
        "UPDATE parvis_audit.log SET public_key = ''",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            run_sql(limited, sql)


def test_a_gateway_whose_writer_is_apart_starts_none_and_asks_for_no_signing_key(
    house: House,
) -> None:
    fill(house.open(), 1)
    house.close()
    settings = load_settings({"PARVIS_AUDIT_WRITER": "apart", "PARVIS_DATA_DIR": "x"})
    assert start_keeper(settings) is None
    with hidden_keys(house):
        assert check_log(house.audit_dir, None) == []
        assert "signing key" in str(check_log(house.audit_dir, ROOT_KEY))


def test_a_sequencer_apart_lets_no_process_of_its_user_look_into_it() -> None:
    made = subprocess.run([sys.executable, "-c", LOOK_IN], capture_output=True, check=True)
    assert made.stdout.split() == [b"open", b"closed"]
