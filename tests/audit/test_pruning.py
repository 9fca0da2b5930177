"""What is left of a pruned log that ended: hashes, tiles, proofs and counts, on every driver."""

import random
from pathlib import Path

import pytest

from parvis.audit import AuditLog, verify
from parvis.audit.canonical import MAX_RECORD_BYTES
from parvis.audit.rows import LogRow, Range
from parvis.audit.store import Store
from parvis.audit.tree import TILE_WIDTH, Frontier, inclusion_proof, root_at, verify_inclusion
from parvis.errors import AuditUnavailable, NotFound
from tests.audit.houses import CIVIL_SERVANT, House, export, fill, fill_fast, wait_half_a_year

SIZES = [0, 252, 253, 530]  # and three more: births, an end, a chat


def close(log: AuditLog) -> LogRow:
    log.close_log("commune", CIVIL_SERVANT, sealed_days=30, audit_days=365)
    return log.get_log("commune")


def check_rows(store: Store, log: LogRow, minimum: int) -> None:
    """Everything that proofs and exports read is there, whatever bodies are gone."""
    head = store.find_head(log.no)
    assert head is not None and store.find_minimum(log.no) == minimum
    frontier = Frontier()
    for seq, hashed in enumerate(store.read_rows(log.no, 0, 0, head.size)):
        for level, place, block in frontier.append(hashed):
            assert store.read_rows(log.no, level, place, place + 1) == [block]
        if (seq + 1) % TILE_WIDTH == 0:
            first = seq + 1 - TILE_WIDTH
            tile = store.find_tile(log.no, 0, first // TILE_WIDTH)
            assert tile == b"".join(store.read_rows(log.no, 0, first, seq + 1))
    assert frontier.root() == head.root

    def read(level: int, first: int, end: int) -> list[bytes]:
        return store.read_hashes(log.no, level, first, end)

    assert root_at(read, head.size) == head.root
    for seq in {0, minimum - 1, minimum, head.size - 1} & set(range(head.size)):
        path = inclusion_proof(read, seq, head.size)
        (hashed,) = read(0, seq, seq + 1)
        assert verify_inclusion(hashed, seq, head.size, path, head.root)
    bodies = [row.leaf for row in store.list_records(log.no, Range(), limit=head.size)]
    assert [bool(leaf) for leaf in bodies] == [seq >= minimum for seq in range(head.size)]
    assert all(len(leaf) <= MAX_RECORD_BYTES for leaf in bodies)
    kept = sum(
        row[0]
        for row in store._select(
            "SELECT sum(length(leaf)) FROM record WHERE log_no = ? UNION ALL"
            " SELECT coalesce(sum(length(box)), 0) FROM sealed WHERE log_no = ?",
            (log.no, log.no),
        )
    )
    assert store.find_usage(log.no) == kept


@pytest.mark.parametrize("count", SIZES)
def test_a_log_that_ended_is_pruned_step_by_step_and_proves_what_it_proved(
    house: House, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    log = house.open(database_url=url)
    fill(log, 1)
    fill_fast(log, count)
    ended = close(log)
    fill(log, 1, "adem")
    size = log.reader.get_head("commune").size
    with pytest.raises(ValueError, match="184 days"):
        log.prune("commune", size, ended.id)
    wait_half_a_year(monkeypatch)
    chance = random.Random(count)  # noqa: S311 - a walk, the same every time
    steps = sorted(chance.randrange(size) for _ in range(3))
    store = log.open_reading()
    for end in steps:
        minimum = log.prune("commune", end, ended.id)
        assert minimum == end // TILE_WIDTH * TILE_WIDTH
        check_rows(store, ended, minimum)
    assert log.prune("commune", size, ended.id) == size == log.prune("commune", 0, ended.id)
    check_rows(store, ended, size)
    store.close()
    with pytest.raises(NotFound):
        log.reader.get_proof("commune", size - 1)
    made = export(log, tmp_path / "out")
    report = verify.verify_folder(str(made))
    assert {one["reason"] for one in report["findings"]} == {
        "records before the first are not here and no record allows that"
    }, "nothing else is wrong with it"
    fill(log, 1, "adem")


def test_only_a_log_that_ended_is_pruned_by_its_id(house: House) -> None:
    log = house.open()
    fill(log, 1)
    living = log.get_log("commune")
    with pytest.raises(ValueError, match="that ended"):
        log.prune("commune", 0, living.id)
    ended = close(log)
    with pytest.raises(ValueError, match="that ended"):
        log.prune("adem", 0, ended.id)
    with pytest.raises(ValueError, match="no such position"):
        log.prune("commune", 99, ended.id)
    assert log.prune("commune", 1, ended.id) == 0
    with pytest.raises(AuditUnavailable):
        fill(log, 1)
