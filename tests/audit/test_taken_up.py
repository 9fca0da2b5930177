"""Before each batch a log must be what was signed, also one that was edited since the last one."""

from collections.abc import Callable
from contextlib import closing

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from parvis.audit.notes import Checkpoint, sign_note
from parvis.audit.rows import HeadRow, LogRow
from parvis.audit.start_check import LogInconsistent
from parvis.audit.states import load_state
from parvis.audit.stores import open_store
from parvis.audit.tree import Frontier, leaf_hash
from parvis.errors import AuditUnavailable
from tests.audit.houses import House, fill, start_chat
from tests.audit.test_start_check import FORGERIES, add_forged, edit

Forge = Callable[[LogRow, HeadRow], HeadRow]


def grow_frontier(head: HeadRow, count: int) -> Frontier:
    frontier = Frontier.load(head.size, head.frontier)
    for at in range(count):
        frontier.append(leaf_hash(bytes([at])))
    return frontier


def other_frontier(size: int) -> Frontier:
    """Of as many records that nobody wrote."""
    return grow_frontier(HeadRow(0, b"", Frontier().dump(), 0, ""), size)


def head_of(log: LogRow, head: HeadRow, frontier: Frontier, note: str = "") -> HeadRow:
    """A head over this frontier; signed by an attacker's key where no note is given."""
    text = Checkpoint(log.origin, frontier.size, frontier.root()).text
    note = note or sign_note(text, log.origin, Ed25519PrivateKey.generate())
    return HeadRow(frontier.size, frontier.root(), frontier.dump(), head.last_us, note)


UNSIGNED = "a log's head is not signed by its key"
NO_ROOT = "a log's frontier is not that of its root"
FORGED: dict[str, tuple[Forge, str]] = {
    "another log of this size": (
        lambda log, head: head_of(log, head, other_frontier(head.size)),
        UNSIGNED,
    ),
    "a record more": (lambda log, head: head_of(log, head, grow_frontier(head, 1)), UNSIGNED),
    "a record more under the note that was seen": (
        lambda log, head: head_of(log, head, grow_frontier(head, 1), head.note),
        NO_ROOT,
    ),
    "another log under the note that was seen": (
        lambda log, head: head_of(log, head, other_frontier(head.size), head.note),
        NO_ROOT,
    ),
    "another frontier": (
        lambda _, head: head._replace(frontier=other_frontier(head.size).dump()),
        NO_ROOT,
    ),
    "another root": (lambda _, head: head._replace(root=bytes(32)), NO_ROOT),
    "a frontier of another length": (
        lambda _, head: head._replace(frontier=head.frontier[:-32]),
        "a log's frontier is damaged",
    ),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_head_that_was_put_in_the_place_of_the_seen_one_is_not_taken_up(
    house: House, name: str
) -> None:
    forge, words = FORGED[name]
    fill(house.open(), 3)
    house.close()
    with closing(open_store(house.audit_dir)) as store:
        log = store.find_log("commune")
        assert log is not None
        head = store.find_head(log.no)
        assert head is not None
        assert load_state(store, log, (head.size, head.note)).signed_size == head.size == 7
        store.begin()
        store.put_head(log.no, forge(log, head))
        store.commit()
        with pytest.raises(LogInconsistent, match=words):
            load_state(store, log, (head.size, head.note))


def test_a_head_from_before_is_not_taken_up_though_the_key_signed_it(house: House) -> None:
    log = house.open()
    fill(log, 2)
    house.close()
    with closing(open_store(house.audit_dir)) as store:
        row = store.find_log("commune")
        assert row is not None
        before = store.find_head(row.no)
        assert before is not None
        fill(house.open(), 1)
        house.close()
        seen = store.find_head(row.no)
        assert seen is not None
        store.begin()
        store.put_head(row.no, before)
        store.commit()
        assert load_state(store, row, (0, "")).signed_size == before.size
        with pytest.raises(LogInconsistent, match="a log is shorter than it was"):
            load_state(store, row, (seen.size, seen.note))
    edit(house, "DELETE FROM head")
    with closing(open_store(house.audit_dir)) as store:
        with pytest.raises(LogInconsistent, match="a log has lost its head"):
            load_state(store, row, (seen.size, seen.note))


@pytest.mark.parametrize("name", FORGERIES)
def test_a_record_forged_beside_a_writer_that_runs_is_never_signed_over(
    house: House, name: str
) -> None:
    log = house.open()
    fill(log, 3)
    fill(log, 2, "adem")
    add_forged(house, FORGERIES[name][0])
    before = edit(house, "SELECT size, note FROM head ORDER BY log_no")
    for _ in range(2):
        with pytest.raises(AuditUnavailable):
            start_chat(log)
    fill(log, 1, "adem")  # the writer that began again stops the one agency alone
    assert edit(house, "SELECT size, note FROM head ORDER BY log_no")[1] == before[1]
