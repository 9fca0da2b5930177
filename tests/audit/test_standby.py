"""Failing over to another PostgreSQL server: to one that has every acknowledged record, and to one
that has not."""

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from parvis.audit import AuditLog, Draft, Receipt
from parvis.audit.closing import list_losses
from parvis.audit.events import PLATFORM
from parvis.audit.log_keys import HEADS_NAME, head_size
from parvis.audit.process import EXIT_FAULT, EXIT_INCONSISTENT
from parvis.audit.stores import lacks_standby
from parvis.cli import main
from parvis.errors import AuditUnavailable
from tests.audit.houses import CIVIL_SERVANT, INSTALLATION, House, fill
from tests.audit.standbys import Cluster, Server, run_cluster
from tests.audit.test_failover import Gateway, require_sound


@dataclass
class Lost:
    """A gateway whose database's machine is gone, and what was acknowledged before."""

    cluster: Cluster
    gateway: Gateway
    texts: list[str]

    def move(self, copy: Callable[[str], House], name: str, server: Server) -> Gateway:
        """The same gateway, on a copy of its data, with another server's address."""
        house = copy(name)
        house.shut()
        no_doors = shutil.ignore_patterns("*.sock")
        shutil.copytree(
            self.gateway.house.folder, house.folder, ignore=no_doors, dirs_exist_ok=True
        )
        heads = house.folder / "heads"
        shutil.copytree(self.gateway.heads, heads)
        return Gateway(House(house.folder), self.cluster.address(server, database="logs"), heads)


def write_until_it_ends(log: AuditLog, kept: list[Receipt]) -> None:
    try:
        while True:
            kept.append(log.append("commune", Draft("auth.login", CIVIL_SERVANT), 10))
            kept.append(log.append(PLATFORM, Draft("auth.login", CIVIL_SERVANT), 10))
    except AuditUnavailable:
        return


def read_sizes(heads: Path) -> dict[str, int]:
    notes: dict[str, str] = json.loads((heads / HEADS_NAME).read_bytes())
    return {log_id: head_size(note) for log_id, note in notes.items()}


@pytest.fixture(scope="module")
def lost(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lost]:
    """The primary is killed while it writes; `near` was waited for, `far` heard nothing lately."""
    folder = tmp_path_factory.mktemp("standby")
    (folder / "heads").mkdir(mode=0o700)
    with run_cluster() as cluster:
        cluster.primary.ask("CREATE DATABASE logs")
        url = cluster.address(cluster.near, cluster.primary, database="logs")
        gateway = Gateway(House(folder / "house"), url, folder / "heads")
        gateway.house.audit_dir.mkdir(parents=True, mode=0o700)
        process = gateway.lead()
        log = gateway.open()
        assert lacks_standby(url)
        cluster.wait_for_near()
        assert not lacks_standby(url)
        receipts = fill(log, 2)
        size = cluster.primary.ask("SELECT pg_current_wal_flush_lsn()")
        cluster.far.await_that(f"pg_last_wal_replay_lsn() >= '{size}'")
        cluster.cut_off_far()
        writing = threading.Thread(target=write_until_it_ends, args=(log, receipts))
        begun = len(receipts)
        writing.start()
        cut = read_sizes(gateway.heads)
        while len(receipts) < begun + 40 or any(
            size < cut[log_id] + 20 for log_id, size in read_sizes(gateway.heads).items()
        ):
            assert writing.is_alive()
            time.sleep(0.01)
        cluster.primary.kill()
        assert process.wait(60) == EXIT_FAULT
        writing.join(60)
        gateway.house.shut()
        yield Lost(cluster, gateway, [one.text for one in receipts])


def test_a_promoted_standby_that_was_waited_for_has_every_acknowledged_record(
    lost: Lost, new_house: Callable[[str], House], tmp_path: Path
) -> None:
    lost.cluster.near.promote()
    gateway = lost.move(new_house, "near", lost.cluster.near)
    gateway.lead()
    try:
        log = gateway.open()
        commune = [text for text in lost.texts if log.reader.find_by_receipt("commune", text)]
        platform = [text for text in lost.texts if log.reader.find_by_receipt(PLATFORM, text)]
        assert len(commune) + len(platform) == len(lost.texts) > 40
        texts = commune + [one.text for one in fill(log, 2)]
        require_sound(gateway, log, texts, tmp_path / "out")
    finally:
        gateway.house.shut()
        gateway.end()


def test_a_stale_standby_is_refused_until_two_people_declare_the_loss(
    lost: Lost,
    new_house: Callable[[str], House],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    lost.cluster.far.promote()
    gateway = lost.move(new_house, "far", lost.cluster.far)
    house = gateway.house
    assert gateway.lead().wait(60) == EXIT_INCONSISTENT
    losses = list_losses(house.audit_dir, house.root, gateway.url, gateway.heads)
    assert {loss.tenant_id for loss in losses} == {"commune", PLATFORM}
    (house.folder / "secrets").mkdir(mode=0o700)
    key = house.folder / "secrets" / "root.key"
    key.touch(mode=0o600)
    key.write_text(house.root.hex())
    for name, value in {
        "DATA_DIR": house.folder,
        "INSTALLATION": INSTALLATION,
        "AUDIT_DATABASE_URL": gateway.url,
        "AUDIT_HEADS_DIR": gateway.heads,
    }.items():
        monkeypatch.setenv(f"PARVIS_{name}", str(value))
    house.shut()
    declare = ["audit", "declare-rollback"]
    assert main([*declare, "--all", "--ground", "restore", "--operator", "ada"]) == 0
    request = capsys.readouterr().out.partition("asked for: ")[2].partition(".")[0]
    assert main([*declare, "--confirm", request, "--operator", "grace"]) == 0
    gateway.house = House(house.folder)
    gateway.lead()
    try:
        log = gateway.open()
        texts = [one.text for one in fill(log, 2)]
        require_sound(gateway, log, texts, tmp_path / "out")
    finally:
        gateway.house.shut()
        gateway.end()
