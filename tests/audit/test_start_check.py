"""At the start every log is looked at, whoever edited its database; what fits goes on.

Attackers who write into the database and hold no signing key. Not here: what an auditor finds in
an export (`test_attack_matrix.py`), and what fsck finds (`test_live_attacks.py`).
"""

import json
from collections.abc import Callable
from uuid import UUID

import apsw
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from parvis.audit import PLATFORM, AuditLog
from parvis.audit.notes import Checkpoint, sign_note
from parvis.audit.tree import Frontier, leaf_hash
from parvis.errors import AuditUnavailable
from tests.audit.forgers import canonical, read_leaves
from tests.audit.houses import (
    CIVIL_SERVANT,
    House,
    allow_pruning,
    fill,
    fill_fast,
    start_chat,
    wait_half_a_year,
)

UNSIGNED = "a log's head is not signed by its key"
NOT_THE_SIGNED = "a log's head is not the signed one"
Sign = Callable[[Checkpoint, str], str]
"""The note that an attacker puts beside a head of theirs, given the one that was there."""


def sign_with_own_key(head: Checkpoint, _: str) -> str:
    return sign_note(head.text, head.origin, Ed25519PrivateKey.generate())


def change_the_text(head: Checkpoint, before: str) -> str:
    return head.text + "\n" + before.partition("\n\n")[2]


def keep_the_note(_: Checkpoint, before: str) -> str:
    return before


FORGERIES: dict[str, tuple[Sign, str]] = {
    "their own key": (sign_with_own_key, UNSIGNED),
    "the signature before": (change_the_text, UNSIGNED),
    "the note before": (keep_the_note, NOT_THE_SIGNED),
}


def edit(house: House, sql: str, *values: object) -> list[tuple[object, ...]]:
    database = apsw.Connection(str(house.audit_dir / "audit.db"))
    try:
        return list(database.execute(sql, values))  # type: ignore[arg-type]
    finally:
        database.close()


def write_two(house: House) -> None:
    log = house.open()
    fill(log, 3)
    fill(log, 2, "adem")
    house.close()


def add_forged(house: House, sign: Sign) -> None:
    """One more record at the end, with every hash that belongs to it, as after a crash between
    the commit and the file of heads: that one is honest, and only behind."""
    leaves = read_leaves(house)
    leaves.append(canonical(json.loads(leaves[-1]) | {"seq": len(leaves), "id": str(UUID(int=7))}))
    frontier = Frontier()
    blocks = [frontier.append(leaf_hash(leaf)) for leaf in leaves][-1]
    ((no, origin, note),) = edit(
        house,
        "SELECT no, origin, note FROM log JOIN head ON log_no = no WHERE tenant_id = 'commune'",
    )
    edit(
        house,
        "INSERT INTO record SELECT log_no, ?, randomblob(16), time_us, kind, ?, ? FROM record"
        " WHERE log_no = ? AND seq = ?",
        *(frontier.size - 1, leaf_hash(leaves[-1]), leaves[-1], no, frontier.size - 2),
    )
    for block in blocks:
        edit(house, "INSERT INTO block VALUES (?, ?, ?, ?)", no, *block)
    forged = sign(Checkpoint(str(origin), frontier.size, frontier.root()), str(note))
    edit(
        house,
        "UPDATE head SET size = ?, root = ?, frontier = ?, note = ? WHERE log_no = ?",
        *(frontier.size, frontier.root(), frontier.dump(), forged, no),
    )


def check_one_stopped(log: AuditLog, words: str) -> None:
    """The commune's log takes nothing, for this reason; all others go on."""
    with pytest.raises(AuditUnavailable):
        start_chat(log)
    log.check_ready("adem")
    assert log.stopped == {"commune": words}
    fill(log, 1, "adem")


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_record_under_a_head_that_the_key_did_not_sign_is_never_signed_over(
    house: House, name: str
) -> None:
    sign, words = FORGERIES[name]
    write_two(house)
    add_forged(house, sign)
    before = edit(house, "SELECT size, note FROM head ORDER BY log_no")
    check_one_stopped(house.open(), words)
    house.close()
    assert edit(house, "SELECT size, note FROM head ORDER BY log_no")[1] == before[1]


def test_the_same_record_under_a_head_of_the_logs_key_goes_on(house: House) -> None:
    """What the attack above lacks is the key alone: after a crash the file of heads is behind."""
    write_two(house)
    heads = (house.audit_dir / "heads" / "heads.json").read_bytes()
    fill(house.open(), 1)
    house.close()
    (house.audit_dir / "heads" / "heads.json").write_bytes(heads)
    log = house.open()
    fill(log, 1)
    assert not log.stopped


def find_id(house: House, tenant: str) -> str:
    return str(edit(house, "SELECT id FROM log WHERE tenant_id = ?", tenant)[0][0])


@pytest.mark.parametrize("tenant", ["commune", "adem"])
def test_a_log_that_is_gone_stops_its_own_agency_alone(house: House, tenant: str) -> None:
    write_two(house)
    edit(house, "DELETE FROM log WHERE tenant_id = ?", tenant)
    log, (other,) = house.open(), {"commune", "adem"} - {tenant}
    fill(log, 1, other)
    log.check_ready(other)
    assert log.stopped == {tenant: "a log that was signed is missing from the database"}


def test_a_log_that_is_gone_and_was_never_born_stops_all(house: House) -> None:
    write_two(house)
    heads = house.audit_dir / "heads" / "heads.json"
    kept = json.loads(heads.read_text())
    unborn = kept[find_id(house, "commune")]
    heads.write_text(json.dumps(kept | {"0" * 32: unborn}))
    with pytest.raises(AuditUnavailable):
        fill(house.open(), 1, "adem")


@pytest.mark.parametrize("head_too", [False, True])
def test_a_kept_head_that_the_logs_key_did_not_sign_is_no_proof(
    house: House, head_too: bool
) -> None:
    write_two(house)
    heads = house.audit_dir / "heads" / "heads.json"
    kept, log_id = json.loads(heads.read_text()), find_id(house, "commune")
    text, _, _ = kept[log_id].partition("\n\n")
    forged = sign_note(text + "\n", text.partition("\n")[0], Ed25519PrivateKey.generate())
    heads.write_text(json.dumps(kept | {log_id: forged}))
    words = "a kept head is not signed by its log's key"
    if head_too:
        words = "a log is shorter than its newest signed head"
        edit(house, "DELETE FROM head WHERE log_no = (SELECT no FROM log WHERE id = ?)", log_id)
    check_one_stopped(house.open(), words)


CLOSED = "a log is marked as closed and no record says so"


@pytest.mark.parametrize("named", ["no record", "no log", "another record", "another log's end"])
def test_a_log_is_not_closed_by_a_row_of_the_database(house: House, named: str) -> None:
    log = house.open()
    fill(log, 1)
    fill(log, 1, "adem")
    fill(log, 1, "douane")
    log.close_log("douane", CIVIL_SERVANT, sealed_days=30, audit_days=365)
    house.close()
    ((platform_id, seq),) = edit(house, "SELECT platform_id, seq FROM closed")
    assert isinstance(seq, int)
    told = {
        "no record": (platform_id, 10**6),
        "no log": ("0" * 32, seq),
        "another record": (platform_id, 1),
        "another log's end": (platform_id, seq),
    }
    row = (find_id(house, "commune"), "commune", *told[named])
    edit(house, "INSERT INTO closed VALUES (?, ?, ?, ?)", *row)
    check_one_stopped(house.open(), CLOSED)


def test_a_log_stays_closed_after_the_record_about_it_was_pruned(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = house.open()
    fill(log, 1)
    fill(log, 1, "adem")
    log.close_log("commune", CIVIL_SERVANT, sealed_days=30, audit_days=365)
    fill_fast(log, 300, PLATFORM)
    wait_half_a_year(monkeypatch, 4000)
    allow_pruning(log, 256, PLATFORM)
    assert log.prune(PLATFORM, 256) == 256
    house.close()
    log = house.open()
    fill(log, 1, "adem")
    with pytest.raises(AuditUnavailable):
        start_chat(log)
    log.check_ready("adem")
    assert log.stopped == {}
