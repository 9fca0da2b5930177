"""Every row of the attack matrix and the tests that carry it out, so that a gap is seen.

A row is done to a live store or to an export with means outside our code; "key" lists the tests in
which the attacker holds the log's own key and only what lies outside can betray him.
"""

import ast
import json
from pathlib import Path
from typing import NamedTuple

import apsw
import pytest

from parvis.audit import PLATFORM, verify
from parvis.audit.fsck import check_logs
from parvis.errors import AuditUnavailable
from tests.audit.houses import House, export, fill, start_chat

HERE = Path(__file__).parent


class Row(NamedTuple):
    """One attack: what is done, the tests without the key, and those with it."""

    attack: str
    plain: str
    key: str = ""


LIVE = (
    "test_live_attacks.test_what_an_administrator_changes_is_found"
    " test_attack_postgres.test_what_an_administrator_changes_with_sql_is_found"
)
SEAMS = "test_verify.test_a_rewritten_log_signed_with_its_own_key_shows_its_seams"
SEAMLESS = "test_verify.test_a_seamless_forgery_with_the_key_is_found_by_what_was_kept_outside"
WITNESSED = "test_anchors.test_an_operator_with_every_key_who_rewrites_a_record_is_found"
CUT = "test_verify.test_a_cut_tail_is_found_by_what_was_kept_outside"
REFUSED = "test_anchors.test_a_log_that_was_cut_is_refused_by_its_witness"
SEALED = "test_live_attacks.test_sealed_values_that_were_touched_are_found"
TURNS = "test_key_history.test_a_head_counts_only_under_the_key_of_its_time"
UNRECORDED = (
    "test_reconcile."
    "test_a_gateway_that_calls_the_model_without_an_intent_is_found_and_its_twin_is_not"
)
AFTERWARDS = "test_reconcile.test_an_intent_written_afterwards_explains_no_earlier_call"
BYTES = "test_second_verifier.test_both_refuse_a_record_that_two_readers_could_read_differently"

ROWS: dict[str, Row] = {
    "1": Row(
        "flip a bit in a body",
        f"{LIVE} test_verify.test_any_changed_byte_of_any_file_is_found",
        f"{SEAMLESS} {WITNESSED}",
    ),
    "2": Row(
        "flip a bit in a leaf hash",
        f"{LIVE} test_fuzz.test_any_one_change_of_any_file_is_found",
        SEAMLESS,
    ),
    "3": Row(
        "flip a bit in a tile",
        f"{LIVE} test_second_verifier.test_both_find_any_changed_byte",
        SEAMLESS,
    ),
    "4": Row(
        "flip a bit in a root",
        f"{LIVE} test_verify.test_every_single_byte_of_what_is_signed_counts",
        SEAMLESS,
    ),
    "5": Row("delete the first row", LIVE, SEAMS),
    "6": Row("delete a row in the middle", LIVE, SEAMS),
    "7": Row(
        "delete the last row",
        LIVE,
        f"{CUT} test_verify.test_a_head_that_was_published_betrays_a_cut_tail",
    ),
    "8": Row("insert a row", LIVE, SEAMS),
    "9": Row("swap two rows", LIVE, SEAMS),
    "10": Row("swap two rows and mend their positions", SEAMS, SEAMS),
    "11": Row(
        "cut the tail, with an old head",
        "test_log.test_a_database_restored_from_yesterday_is_refused",
        f"{CUT} {REFUSED}",
    ),
    "12": Row(
        "cut the tail and write on",
        "test_log.test_a_log_that_does_not_continue_its_signed_head_is_not_opened",
        f"{CUT} {REFUSED}",
    ),
    "13": Row(
        "recompute everything without the key",
        "test_verify.test_a_log_rewritten_with_another_key_fails_your_policy",
    ),
    "14": Row(
        "recompute everything with the key",
        SEAMLESS,
        f"{WITNESSED} test_proof.test_a_receipt_betrays_a_rewritten_record",
    ),
    "15": Row(
        "two histories of one size",
        "test_outside_commands.test_two_auditors_who_compare_find_a_fork_and_can_show_it",
        "test_witness.test_the_witness_refuses_a_fork_and_a_rollback_and_keeps_the_evidence",
    ),
    "16": Row(
        "move records to another agency",
        f"{LIVE} test_verify.test_a_record_moved_to_another_agencys_log_is_found",
        "test_verify.test_a_record_moved_to_another_agencys_log_is_found",
    ),
    "17": Row(
        "remove a whole log",
        "test_attack_matrix.test_a_log_removed_from_every_table_is_missed",
        "test_attack_matrix.test_a_log_removed_from_every_table_is_missed",
    ),
    "18": Row(
        "set the time back in one record",
        SEAMS,
        f"{SEAMS} test_anchors.test_a_record_cannot_be_later_than_the_copy_that_holds_it",
    ),
    "19": Row(
        "step the clock while it runs",
        "test_log.test_a_stepped_clock_still_verifies "
        "test_log.test_positions_and_times_never_go_back",
    ),
    "20": Row(
        "sign with a key that is retired, early, another's, unknown, or of the same id",
        f"{TURNS} test_key_history.test_a_false_list_of_keys_is_found",
        f"{TURNS} "
        "test_key_history.test_any_key_of_the_history_confirms_the_log_unless_it_was_compromised",
    ),
    "21": Row(
        "key twice, spaces, fractions, order of keys",
        f"{BYTES} test_events.test_the_verifier_refuses_every_other_form",
        SEAMS,
    ),
    "22": Row(
        "unknown kind or field",
        "test_second_records.test_both_take_every_kind_of_record_and_refuse_the_same_changed_ones",
        SEAMS,
    ),
    "23": Row("swap sealed values", SEALED, SEALED),
    "24": Row("replace a sealed value", SEALED, SEALED),
    "25": Row(
        "delete a sealed value without an erasure",
        f"{SEALED} test_erasures.test_what_is_gone_without_a_record_is_missing",
        "test_erasures.test_what_is_gone_without_a_record_is_missing",
    ),
    "26": Row(
        "erase without leave",
        "test_live_attacks.test_a_destroyed_key_is_an_erasure_where_a_record_allows_it_and_a_fault_elsewhere",
        "test_erasures.test_an_erasure_that_one_person_wanted_allows_nothing",
    ),
    "27": Row(
        "prune below the floor, lower the minimum",
        "test_sequencer.test_records_younger_than_the_floor_are_not_pruned_whoever_asks "
        "test_erasures.test_records_that_were_pruned_below_the_floor_are_found "
        "test_erasures.test_a_minimum_index_that_does_not_grow_is_found",
        "test_erasures.test_records_that_were_pruned_below_the_floor_are_found",
    ),
    "28": Row(
        "drop records before the sequencer",
        "test_sequencer.test_a_gap_in_a_workers_counter_ends_its_line "
        "test_verify.test_an_open_intent_is_listed",
        SEAMS,
    ),
    "29": Row("call the model without an intent", UNRECORDED, f"{UNRECORDED} {AFTERWARDS}"),
    "30": Row(
        "replay an old export, token or note",
        "test_verify.test_what_you_saw_last_time_must_be_continued "
        "test_verify.test_files_of_two_exports_do_not_mix",
        "test_anchors.test_a_time_stamp_of_another_head_or_another_authority_is_not_accepted "
        "test_anchors.test_an_anchored_export_says_who_vouches_until_when_and_what_is_open",
    ),
    "31": Row(
        "malformed exports",
        "test_fuzz.test_as_many_hostile_things_as_a_folder_can_hold_take_little_time "
        "test_fuzz.test_without_a_list_of_files_every_reader_stands_what_it_meets "
        "test_verify.test_malformed_files_get_a_verdict_and_never_a_traceback",
        "test_verify.test_a_hostile_list_of_files_is_refused_even_when_signed "
        "test_fuzz.test_a_signed_head_of_a_size_that_no_folder_holds_is_refused_at_once",
    ),
    "32": Row("drop triggers and constraints, then edit", LIVE, SEAMS),
}


def find_tests(module: str) -> set[str]:
    tree = ast.parse((HERE / f"{module}.py").read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_the_matrix_is_whole() -> None:
    assert set(ROWS) == {str(number) for number in range(1, 33)}


@pytest.mark.parametrize("number", ROWS)
def test_a_row_of_the_matrix_has_its_tests(number: str) -> None:
    row = ROWS[number]
    for name in f"{row.plain} {row.key}".split():
        module, _, test = name.partition(".")
        assert test in find_tests(module), name


def test_without_the_key_every_row_has_a_test_and_with_it_all_that_need_one() -> None:
    assert all(row.plain for row in ROWS.values())
    assert {number for number, row in ROWS.items() if not row.key} == {"13", "19"}


def remove_log(house: House, tenant: str) -> str:
    """Take a log out of every table and out of the list of heads; gives its id."""
    database = apsw.Connection(str(house.audit_dir / "audit.db"))
    number, log_id = database.execute(
        "SELECT no, id FROM log WHERE tenant_id = ?", (tenant,)
    ).fetchall()[0]
    tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    for (table,) in tables:
        columns = {row[1] for row in database.execute(f"PRAGMA table_info({table})")}
        if "log_no" in columns:
            database.execute(f"DELETE FROM {table} WHERE log_no = ?", (number,))  # noqa: S608
    database.execute("DELETE FROM log WHERE no = ?", (number,))
    database.close()
    heads = house.audit_dir / "heads" / "heads.json"
    kept = json.loads(heads.read_text())
    kept.pop(log_id)
    heads.write_text(json.dumps(kept))
    return str(log_id)


def test_a_log_removed_from_every_table_is_missed(tmp_path: Path) -> None:
    """The platform log goes on naming it, and the kept heads alone already stop the start."""
    house = House(tmp_path / "house")
    log = house.open()
    fill(log, 2, "commune")
    fill(log, 2, "adem")
    house.close()
    heads = (house.audit_dir / "heads" / "heads.json").read_text()
    gone = remove_log(house, "commune")
    folder = export(house.open(), tmp_path / "platform", PLATFORM)
    house.close()
    assert verify.verify_folder(str(folder))["verdict"] == "INTACT"
    bundle = next((folder / "tile" / "entries").rglob("*.p/*")).read_bytes()
    assert gone.encode() in bundle  # born, never closed, and nowhere to be found
    faults = [fault for one in check_logs(house.audit_dir, house.keystore) for fault in one.faults]
    assert any(gone in fault for fault in faults)
    (house.audit_dir / "heads" / "heads.json").write_text(heads)
    with pytest.raises(AuditUnavailable):
        start_chat(house.open())
    house.shut()
