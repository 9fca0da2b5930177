"""Two gateways, each with its own sequencer, on one PostgreSQL: one leads, one takes over."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from parvis.audit import AuditLog, Draft, verify
from parvis.audit.fsck import check_logs
from parvis.audit.process import EXIT_FAULT, EXIT_OCCUPIED
from parvis.errors import AuditUnavailable
from tests.audit.databases import make_database, run_sql
from tests.audit.houses import CIVIL_SERVANT, House, export, fill, start_chat
from tests.audit.test_drivers import find_leader
from tests.audit.test_sequencer import await_that, is_ready

SEQUENCER = """
import sys
from pathlib import Path
from parvis.audit.process import Plan, run_sequencer
from parvis.audit.sequencer import Limits
from tests.audit.houses import INSTALLATION, ROOT_KEY
folder, url, heads = sys.argv[1:]
sys.exit(run_sequencer(Plan(Path(folder), INSTALLATION, ROOT_KEY, Limits(), url, Path(heads))))
"""


class Gateway:
    """One gateway's data folder, its sequencer and its worker; the database is another's too."""

    def __init__(self, house: House, url: str, heads: Path) -> None:
        self.house, self.url, self.heads = house, url, heads
        self.process: subprocess.Popen[bytes] | None = None

    def lead(self) -> "subprocess.Popen[bytes]":
        folder = str(self.house.audit_dir)
        command = [sys.executable, "-c", SEQUENCER, folder, self.url, str(self.heads)]
        self.process = subprocess.Popen(command)
        return self.process

    def open(self) -> AuditLog:
        log = self.house.open("worker", leads=False, database_url=self.url, heads_dir=self.heads)
        await_that(lambda: is_ready(log))
        return log

    def is_refused(self) -> bool:
        return self.lead().wait(60) == EXIT_OCCUPIED

    def end(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(60)


@pytest.fixture
def gateways(
    new_house: Callable[[str], House], server: str, tmp_path: Path
) -> Iterator[tuple[Gateway, Gateway]]:
    """Both know the root key, the logs' keys, the heads and the database; the first leads."""
    url, heads = make_database(server), tmp_path / "heads"
    heads.mkdir(mode=0o700)
    one = Gateway(new_house("one"), url, heads)
    one.house.audit_dir.mkdir(parents=True, mode=0o700)
    one.lead()
    log = one.open()
    fill(log, 1)
    other = Gateway(new_house("other"), url, heads)
    no_doors = shutil.ignore_patterns("*.sock")
    shutil.copytree(one.house.audit_dir / "keys", other.house.audit_dir / "keys", ignore=no_doors)
    own, other.house.keystore = other.house.keystore, one.house.keystore
    own.close()
    yield one, other
    for gateway in (one, other):
        gateway.house.close()
        gateway.end()


def require_sound(gateway: Gateway, log: AuditLog, texts: list[str], folder: Path) -> None:
    """Every acknowledged record is there, once, and the export is whole."""
    assert all(log.reader.find_by_receipt("commune", text) for text in texts)
    report = verify.verify_folder(str(export(log, folder)))
    assert report["verdict"] == "INTACT", report["findings"]
    gateway.house.close()
    gateway.end()
    house = gateway.house
    checks = check_logs(house.audit_dir, house.keystore, gateway.url, gateway.heads)
    assert not any(check.faults for check in checks), checks


def test_the_other_gateway_takes_over_when_the_leader_is_killed(
    gateways: tuple[Gateway, Gateway], tmp_path: Path
) -> None:
    one, other = gateways
    texts = [receipt.text for receipt in fill(one.open(), 3)]
    assert other.is_refused()
    assert one.process is not None
    one.process.send_signal(signal.SIGKILL)
    one.process.wait(60)
    one.house.close()
    other.lead()
    log = other.open()
    texts += [receipt.text for receipt in fill(log, 3)]
    assert one.is_refused()
    require_sound(other, log, texts, tmp_path / "out")


def test_a_leader_that_hung_and_is_resumed_after_the_other_took_over_writes_nothing(
    gateways: tuple[Gateway, Gateway], tmp_path: Path
) -> None:
    one, other = gateways
    old = one.open()
    texts = [start_chat(old).text]
    assert one.process is not None
    os.kill(one.process.pid, signal.SIGSTOP)
    waiting = old.submit("commune", Draft("auth.login", CIVIL_SERVANT, reason="hung"))
    assert other.is_refused()  # a process that hangs keeps its session, and with it the lead
    run_sql(one.url, f"SELECT pg_terminate_backend({find_leader(one.url)})")
    other.lead()
    log = other.open()
    texts += [receipt.text for receipt in fill(log, 2)]
    size = log.reader.get_head("commune").size
    os.kill(one.process.pid, signal.SIGCONT)
    assert one.process.wait(60) == EXIT_FAULT
    one.house.close()
    with pytest.raises(AuditUnavailable):
        waiting.result(60)
    assert one.is_refused()
    assert log.reader.get_head("commune").size == size
    told = log.reader.list_records("commune", limit=1000)
    assert not any(one.data.get("reason") == "hung" for one in told)
    texts += [receipt.text for receipt in fill(log, 1)]
    require_sound(other, log, texts, tmp_path / "out")
