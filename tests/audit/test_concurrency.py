"""Many processes, threads and agencies at once: order, isolation, and exports taken meanwhile.

The crowd is the one of `deploy/drill/crowd.py`, smaller; and its judge is shown to see.
"""

from contextlib import closing
from pathlib import Path

import pytest

from deploy.drill import crowd
from deploy.drill.crowd import Crowd, Line
from parvis.audit import Draft
from parvis.audit.export import require_key_of
from parvis.errors import AuditUnavailable
from tests.audit.houses import CIVIL_SERVANT, House, export

FEW = Crowd(processes=4, threads=16, tenants=20, records=768)


def test_many_writers_of_many_agencies_keep_order_and_apart(tmp_path: Path) -> None:
    assert crowd.run(tmp_path, FEW) == []


def line(seq: int, sent: int, acked: int) -> Line:
    return Line("agency1", f"r-{seq}", seq, "00", seq + 1, "00", sent, acked)


def test_the_crowds_judge_sees_what_was_sent_later_and_stands_before() -> None:
    together = [line(2, sent=0, acked=10), line(1, sent=10, acked=20), line(3, sent=5, acked=12)]
    assert list(crowd.judge_order(together)) == []
    late = [*together, line(0, sent=21, acked=30)]
    assert list(crowd.judge_order(late)) == [
        "agency1 0: sent after 3 was acknowledged, stands before"
    ]


def test_the_crowds_judge_sees_marks_of_others_lost_receipts_and_strange_exports(
    house: House, tmp_path: Path
) -> None:
    log = house.open()
    receipts = [
        log.append("agency1", crowd.draft_of(f"agency{number}"), 10) for number in (1, 1, 2)
    ]
    lines = [
        Line("agency1", one.id, one.seq, one.leaf_hash.hex(), one.size, one.root.hex(), 0, 1)
        for one in receipts
    ]
    own, foreign = lines[:2], lines[2]
    wrong = list(crowd.judge_log(log, "agency1", own))
    assert wrong == [f"agency1 {foreign.seq}: not what was acknowledged there, but ['agency2']"]
    swapped = [own[0]._replace(leaf_hash=own[1].leaf_hash), own[1]]
    assert f"agency1 {own[0].seq}: the receipt cannot be proven" in list(
        crowd.judge_log(log, "agency1", swapped)
    )
    verdict, size, root, others = crowd.describe(
        export(log, tmp_path / "out", "agency1"), "agency1"
    )
    assert (verdict, others) == ("INTACT", ["agency2"])
    assert list(crowd.judge_export(log, ["agency1", verdict, size, root, []])) == []
    for told in (
        ["agency1", "TAMPERED", size, root, []],
        ["agency1", verdict, size, root, others],
        ["agency1", verdict, size - 1, root, []],
        ["agency9", verdict, size, root, []],
    ):
        assert len(list(crowd.judge_export(log, told))) == 1


def test_what_is_acknowledged_first_stands_first_whoever_sent_it(house: House) -> None:
    log, other = house.open("one"), house.open("two", leads=False)
    seqs = []
    for at in range(60):
        sender = (log, other)[at % 2]
        seqs.append(sender.append("commune", Draft("auth.login", CIVIL_SERVANT), 30).seq)
    assert seqs == sorted(seqs) and len(set(seqs)) == 60


def test_a_list_of_files_as_long_as_ten_million_records_need_is_signed_and_read_again(
    house: House,
) -> None:
    """Two files for 256 records: a line each, of 90 bytes and more."""
    log = house.open()
    log.append("commune", Draft("auth.login", CIVIL_SERVANT))
    with closing(log.open_reading()) as store:
        row = store.find_log("commune")
        assert row is not None
        lines = "".join(f"{'0' * 64} 8192 tile/0/x000/{at:06}\n" for at in range(80_000))
        note = log.sign_note("commune", lines)
        require_key_of(store, row, 1, note)
        with pytest.raises(AuditUnavailable):
            require_key_of(store, row, 1, note.replace("8192", "8191", 1))
