"""The demo's witness: a process of its own, with its own folder and key, that cosigns heads.

It shows how a head gets outside, and what a report says then. On one machine it proves nothing to
an outsider: whoever holds the machine holds its key too. A real one belongs to somebody whom the
operator cannot command. What a witness does is in `parvis.audit.witness`.
"""

import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from deploy.dev.supervisor import Part
from parvis.audit.files import write_durably
from parvis.audit.reader import AuditReader
from parvis.audit.witness import Witness, create_witness
from parvis.errors import ParvisError
from parvis.settings import Settings

ORGANISATION = "demo-witness"
HONEST = (
    "a second process on the same machine, with a key of its own: it shows the way, and proves "
    "nothing to an outsider, because whoever holds this machine holds that key too"
)
_NEWBORN_S = 2.0
_NAME = f"{ORGANISATION}.localhost/w1"


def ensure_witness(folder: Path) -> str:
    """Its verifier key; made at the first start, the same for ever after."""
    if not (folder / "witness.key").is_file():
        create_witness(folder, _NAME)
    return Witness(folder).vkey


def format_anchors(vkey: str, port: int) -> str:
    """What PARVIS_ANCHORS_FILE holds: whom the gateway asks, and where."""
    return _format_witness(vkey, f" http://127.0.0.1:{port}")


def build_part(folder: Path, port: int) -> Part:
    """`parvis audit witness serve` on loopback; it is told nothing of the installation."""
    listen = ("--listen", f"127.0.0.1:{port}")
    return Part(
        name="witness",
        command=[
            *(sys.executable, "-m", "parvis", "audit", "witness", "serve"),
            *("--dir", str(folder), *listen),
        ],
        ready=lambda: _listens(port),
        usual_s=4,
        bare=True,
    )


def introduce(folder: Path, settings: Settings) -> Path:
    """Tell the witness the keys of all logs, as paper would; gives the auditor's policy file."""
    with closing(AuditReader(settings.audit_dir, settings.audit_database_url)) as reader:
        keys = [reader.get_key(tenant_id).vkey for tenant_id in reader.list_tenants()]
    lines = "".join(f"log {vkey}\n" for vkey in keys)
    policy = folder / "policy.txt"
    for path, text in (
        (folder / "logs", lines),
        (policy, lines + _format_witness(Witness(folder).vkey)),
    ):
        if not path.is_file() or path.read_text("ascii") != text:
            write_durably(path, text.encode("ascii"))
    return policy


@contextmanager
def introducing(folder: Path, settings: Settings) -> Iterator[None]:
    """Tell the witness of logs that are born while the block runs: an agency's first act."""
    done = threading.Event()

    def run() -> None:
        while not done.wait(_NEWBORN_S):
            with suppress(ParvisError, OSError):  # tried again
                introduce(folder, settings)

    thread = threading.Thread(target=run, name="demo-witness", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _format_witness(vkey: str, address: str = "") -> str:
    return f"witness {ORGANISATION} {vkey}{address}\nquorum {ORGANISATION}\n"


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
