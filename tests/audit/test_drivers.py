"""The same log on SQLite and on PostgreSQL, and what only PostgreSQL can suffer."""

import contextlib
import os
import secrets
import signal
import time
from pathlib import Path

import psycopg
import pytest

from parvis.audit import AuditLog, Draft, verify
from parvis.audit.fsck import check_log, check_logs
from parvis.audit.postgres_store import PostgresStore, has_tables
from parvis.audit.sealing import open_value
from parvis.audit.store import Occupied, StoreFault, StoreUnsafe
from parvis.audit.stores import open_store
from parvis.errors import AuditUnavailable
from tests.audit.databases import make_database, run_sql
from tests.audit.houses import (
    CIVIL_SERVANT,
    ROOT_KEY,
    House,
    allow_pruning,
    export,
    fill,
    fill_fast,
    finish_chat,
    start_chat,
    wait_half_a_year,
)


@pytest.fixture
def on_postgres(server: str) -> str:
    return make_database(server)


def check_all(house: House, url: str) -> None:
    checks = check_logs(house.audit_dir, house.keystore, url)
    assert len(checks) > 1 and not any(check.faults for check in checks), checks


def test_a_log_is_written_read_proved_and_exported(house: House, url: str, tmp_path: Path) -> None:
    log = house.open(database_url=url)
    receipts = fill(log, 3) + fill(log, 1, "adem")
    receipts += fill_fast(log, 600)
    for receipt in receipts[:6]:
        found = log.reader.find_by_receipt("commune", receipt.text)
        assert found is not None and found.leaf_hash == receipt.leaf_hash
    assert log.reader.get_proof("commune", 300).record.seq == 300
    for tenant in ("commune", "adem", "platform"):
        report = verify.verify_folder(str(export(log, tmp_path / tenant, tenant)))
        assert report["verdict"] == "INTACT", report["findings"]
    check_all(house, url)
    house.close()
    assert check_log(house.audit_dir, ROOT_KEY, url) == []
    again = house.open(database_url=url)
    assert start_chat(again).seq == 607
    assert again.reader.list_tenants() == ["platform", "commune", "adem"]


def change_closed(house: House, url: str, sql: str, *values: bytes) -> None:
    """What somebody does to a log that nobody writes."""
    store = open_store(house.audit_dir, url)
    store.begin()
    assert store._run(sql, values)
    store.commit()
    store.close()


def test_a_full_tile_is_kept_whole_and_proves_what_its_rows_prove(house: House, url: str) -> None:
    log = house.open(database_url=url)
    fill_fast(log, 600)
    row, store = log.get_log("commune"), log.open_reading()
    assert [store.find_tile(row.no, 0, place) is None for place in range(3)] == [False, False, True]
    for place in range(2):
        rows = store.read_rows(row.no, 0, place * 256, (place + 1) * 256)
        assert store.find_tile(row.no, 0, place) == b"".join(rows)
    store.close()

    def prove(log: AuditLog) -> list[tuple[bytes, ...]]:
        return [log.reader.get_proof("commune", seq).path for seq in (0, 255, 256, 590, 600)]

    before = prove(log)
    house.close()
    change_closed(house, url, "DELETE FROM tile WHERE place = 0")  # as before there were tiles
    log = house.open(database_url=url)
    assert prove(log) == before
    check_all(house, url)
    house.close()
    change_closed(house, url, "UPDATE tile SET hashes = (SELECT hashes FROM tile LIMIT 1)")
    check_all(house, url)
    change_closed(house, url, "UPDATE tile SET hashes = ? WHERE place = 1", bytes(8192))
    faults = [
        fault for one in check_logs(house.audit_dir, house.keystore, url) for fault in one.faults
    ]
    assert faults == ["record 511: the tile it completes has other hashes"]


def test_the_same_id_is_written_once_on_every_driver(house: House, url: str) -> None:
    log = house.open(database_url=url)
    login = Draft("auth.login", CIVIL_SERVANT)
    first, again = log.append("commune", login, 10), log.append("commune", login, 10)
    assert (first.seq, first.leaf_hash) == (again.seq, again.leaf_hash)
    with pytest.raises(ValueError, match="another record"):
        log.append("commune", Draft("auth.logout", CIVIL_SERVANT, id=login.id), 10)
    started = start_chat(log)
    finish_chat(log, started)
    with pytest.raises(AuditUnavailable):
        finish_chat(log, started)


def test_sealed_values_open_and_are_deleted_on_every_driver(house: House, url: str) -> None:
    log = house.open(database_url=url)
    finish_chat(log, start_chat(log))
    record = log.reader.list_records("commune", limit=1)[0].data
    entry = record["seal"]["answer"]
    key = house.keystore.find_key_by_id("commune", entry["k"])
    store, row = log.open_reading(), log.get_log("commune")
    box = store.list_sealed(row.no, record["id"])["answer"][1]
    assert key is not None
    opened = open_value(key, row.id, record["id"], "answer", box, entry)
    assert opened.decode() == "très bien"
    assert log.delete_sealed("commune", entry["k"]) == 2
    assert set(store.list_sealed(row.no, record["id"])) == {"user"}
    store.close()


def test_a_log_is_pruned_on_every_driver(
    house: House, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_half_a_year(monkeypatch)
    log = house.open(database_url=url)
    fill_fast(log, 300)
    allow_pruning(log, 256)
    assert log.prune("commune", 280) == log.reader.get_minimum("commune") == 256
    assert log.prune("commune", 10) == 256
    assert log.reader.find_record("commune", 255) is None
    assert log.reader.get_proof("commune", 256).record.seq == 256
    fill(log, 1)
    check_all(house, url)


def test_a_restored_database_is_refused_and_todays_is_not(house: House, server: str) -> None:
    today = make_database(server)
    fill(house.open(database_url=today), 2)
    house.close()
    yesterday = make_database(server, today.rpartition("/")[2])
    fill(house.open(database_url=today), 1)
    house.close()
    with pytest.raises(AuditUnavailable):
        house.open(database_url=yesterday)
    assert check_log(house.audit_dir, ROOT_KEY, yesterday)
    assert check_log(house.audit_dir, ROOT_KEY, today) == []
    fill(house.open(database_url=today), 1)


def find_leader(url: str) -> int:
    with psycopg.connect(url) as session:
        row = session.execute(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        ).fetchone()
    assert row is not None
    return int(row[0])


def append_until_stored(log: AuditLog) -> None:
    login, deadline = Draft("auth.login", CIVIL_SERVANT), time.monotonic() + 60
    while True:
        try:
            log.append("commune", login, 5)
            return
        except AuditUnavailable:
            assert time.monotonic() < deadline


def test_a_session_that_is_ended_is_replaced_and_nothing_is_lost(
    house: House, on_postgres: str
) -> None:
    log = house.open(database_url=on_postgres)
    texts = [receipt.text for receipt in fill(log, 2)]
    for _ in range(3):
        run_sql(on_postgres, f"SELECT pg_terminate_backend({find_leader(on_postgres)})")
        append_until_stored(log)
        texts.append(start_chat(log).text)
    house.close()
    log = house.open(database_url=on_postgres)
    assert all(log.reader.find_by_receipt("commune", text) for text in texts)
    check_all(house, on_postgres)


def test_a_server_that_crashes_loses_nothing_it_acknowledged(
    house: House, on_postgres: str
) -> None:
    log = house.open(database_url=on_postgres)
    texts = [receipt.text for receipt in fill_fast(log, 50)]
    os.kill(find_leader(on_postgres), signal.SIGKILL)  # the server recovers as after a crash
    append_until_stored(log)
    house.close()
    log = house.open(database_url=on_postgres)
    assert all(log.reader.find_by_receipt("commune", text) for text in texts)
    check_all(house, on_postgres)


def test_one_session_leads_and_a_fenced_one_writes_nothing(on_postgres: str) -> None:
    assert not has_tables(on_postgres)
    first = PostgresStore(on_postgres)
    with pytest.raises(Occupied):
        PostgresStore(on_postgres)
    first.begin()
    first.rollback()
    # it loses its lock without noticing, as after a failover
    first._run("SELECT pg_advisory_unlock_all()")
    second = PostgresStore(on_postgres)
    with pytest.raises(StoreUnsafe, match="another sequencer leads"):
        first.begin()
    first.rollback()
    second.begin()
    second.add_published(1, 2, "note")
    second.commit()
    assert has_tables(on_postgres) and second.list_published(1, 2) == [(2, "note")]
    first.close()
    second.close()


def test_a_server_that_does_not_sync_is_refused(on_postgres: str) -> None:
    for name in ("fsync", "full_page_writes"):
        run_sql(on_postgres, f"ALTER SYSTEM SET {name} = off")
        run_sql(on_postgres, "SELECT pg_reload_conf()")
        with pytest.raises(StoreUnsafe, match=name):
            await_refusal(on_postgres)
        run_sql(on_postgres, f"ALTER SYSTEM RESET {name}")
        run_sql(on_postgres, "SELECT pg_reload_conf()")
    deadline = time.monotonic() + 30
    while True:
        try:
            PostgresStore(on_postgres).close()
            break
        except (StoreUnsafe, Occupied):
            assert time.monotonic() < deadline


def await_refusal(url: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:  # a server reads its settings when it comes to it
        with contextlib.suppress(Occupied):  # the try before this one is not gone yet
            PostgresStore(url).close()


def test_a_database_that_is_away_is_said_without_its_address(house: House) -> None:
    secret = "postgresql://who:hidden-word@127.0.0.1:1/logs"
    with pytest.raises(AuditUnavailable) as refused:
        house.open(database_url=secret)
    assert "hidden-word" not in str(refused.value) + repr(refused.value.__cause__)
    with pytest.raises(StoreFault):
        has_tables(secret)


def test_the_documented_role_is_enough_and_cannot_change_the_past(
    house: House, on_postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_half_a_year(monkeypatch)
    house.open(database_url=on_postgres)
    house.close()
    guide = (Path(__file__).parents[2] / "docs" / "operate.md").read_text(encoding="utf-8")
    grants = guide.partition("```sql\n")[2].partition("```")[0]
    role, word = f"log_{secrets.token_hex(4)}", secrets.token_hex(8)
    run_sql(on_postgres, f"CREATE ROLE {role} LOGIN PASSWORD '{word}'")
    run_sql(on_postgres, grants.replace("parvis_log", role))
    limited = on_postgres.replace("parvis:", f"{role}:").replace(
        on_postgres.split(":")[2].partition("@")[0], word
    )
    log = house.open(database_url=limited)
    fill_fast(log, 300)
    fill(log, 1)
    key = log.reader.list_records("commune", limit=1)[0].data["seal"]["answer"]["k"]
    assert log.delete_sealed("commune", key) == 2
    allow_pruning(log, 256)
    assert log.prune("commune", 256) == 256
    for _ in range(3):
        fill(log, 1)
        log.publish_head("commune")
    assert log.thin_published("commune", ()) > 0
    for tenant in ("commune", "platform"):
        log.rotate_key(tenant, "schedule", CIVIL_SERVANT)
    log.close_log("commune", CIVIL_SERVANT, sealed_days=30, audit_days=365)
    for sql in ("DELETE FROM parvis_audit.record", "UPDATE parvis_audit.log SET origin = 'x'"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            run_sql(limited, sql)
