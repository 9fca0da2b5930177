"""Which records an export holds: what its signed list says of them, both verifiers demand."""

import json
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import apsw
import pytest

from deploy.bench.audit_folders import START_US, STEP_US, MadeLog
from parvis.audit import verify
from parvis.audit.entries import format_time
from parvis.audit.export import export_files
from parvis.audit.log import AuditLog
from tests.audit.houses import House, allow_pruning, export, fill_fast, wait_half_a_year
from tests.audit.second_verifier import Second, run_node

SINCE = "2025-12-01T00:00:00.000000Z"


def at(seq: int) -> str:
    """The time of a record of the log below."""
    return format_time(START_US + (seq + 1) * STEP_US)


DAY_US = 86_400_000_000
EXTRA = "ab" * 32 + " 32 "


@pytest.fixture
def log(tmp_path: Path) -> MadeLog:
    """A log of 600 records with its whole export."""
    made = MadeLog("spans", tmp_path / "export")
    made.be_born()
    for _ in range(599):
        made.add("auth.login")
    made.finish()
    return made


def rewrite(log: MadeLog, edit: Callable[[str], str]) -> Path:
    """The list of files told otherwise, by who holds the log's key; files that it drops go."""
    assert log.folder is not None
    path = log.folder / "manifest"
    text = edit(path.read_text("utf-8").rpartition("\n\n")[0] + "\n")
    for entries in list(log.folder.glob("tile/entries/**/*")):
        if entries.is_file() and entries.relative_to(log.folder).as_posix() not in text:
            entries.unlink()
            for place in (entries.parent, log.folder / "tile/entries"):
                if place.exists() and not any(place.iterdir()):
                    place.rmdir()
    count = text.count("\n") - text.partition("files ")[0].count("\n") - 1
    text = "\n".join(
        f"files {count}" if line.startswith("files ") else line for line in text.split("\n")
    )
    path.write_text(log.sign(text, log.keys), encoding="utf-8")
    return log.folder


def judge(second: Second, folder: Path) -> str:
    first = verify.verify_folder(str(folder))
    assert second.check(folder)["verdict"] == first["verdict"], first["findings"]
    return str(first["verdict"])


def keep(first: int, end: int, asked: str = "- -", without: str = "") -> Callable[[str], str]:
    """The list with another span, and without the bundles that `without` ends with."""
    gone = [f"tile/entries/{one}" for one in without.split()]

    def edit(text: str) -> str:
        lines = [line for line in text.split("\n") if not line.endswith(tuple(gone or ["\0"]))]
        changed = "\n".join(lines).replace("asked - -", f"asked {asked}")
        return changed.replace("records 0 600", f"records {first} {end}")

    return edit


ALL = "000 001 002.p/88"


@pytest.mark.parametrize(
    ("edit", "verdict"),
    [
        (keep(0, 600), "INTACT"),
        (keep(0, 512, without="002.p/88"), "TAMPERED"),  # nobody asked for an end
        (keep(0, 512, f"{SINCE} -", "002.p/88"), "TAMPERED"),
        (keep(0, 512, f"- {SINCE}", "002.p/88"), "INTACT"),
        (keep(0, 0, without=ALL), "TAMPERED"),
        (keep(512, 512, without=ALL), "TAMPERED"),
        (keep(0, 0, f"{SINCE} -", ALL), "TAMPERED"),
        (keep(0, 0, f"- {SINCE}", ALL), "TAMPERED"),  # the one after it is not here
        (keep(256, 256, f"{at(300)} {at(310)}", ALL), "TAMPERED"),
        (keep(600, 600, f"{at(700)} -", ALL), "TAMPERED"),  # the one before it is not here
        (keep(512, 600, f"{at(700)} -", "000 001"), "INTACT"),  # nothing since
        (keep(256, 512, f"{at(300)} {at(310)}", "000 002.p/88"), "INTACT"),
        (keep(256, 512, f"{at(257)} {at(511)}", "000 002.p/88"), "INTACT"),
        (keep(256, 512, f"{at(256)} {at(511)}", "000 002.p/88"), "TAMPERED"),
        (keep(256, 512, f"{at(257)} {at(512)}", "000 002.p/88"), "TAMPERED"),
        (keep(256, 600, f"{at(256)} {at(900)}", "000"), "TAMPERED"),
        (keep(256, 600, f"- {at(900)}", "000"), "TAMPERED"),
        (keep(0, 600, f"{at(0)} {at(900)}"), "INTACT"),
        (keep(0, 520), "TAMPERED"),  # ends within a bundle
        (keep(7, 600, f"{SINCE} -"), "TAMPERED"),
        (keep(0, 600, "x y"), "TAMPERED"),
        (keep(0, 600, "2025-12-01 -"), "TAMPERED"),
        (lambda text: f"{text}{EXTRA}tile/5/000\n", "TAMPERED"),
        (lambda text: f"{text}{EXTRA}tile/entries/009\n", "TAMPERED"),
    ],
)
def test_an_export_holds_the_records_that_were_asked_for_and_nothing_beside(
    log: MadeLog, second: Second, edit: Callable[[str], str], verdict: str
) -> None:
    assert judge(second, rewrite(log, edit)) == verdict


PRUNED = {
    "itself": ({}, "INTACT"),
    "less": ({"end": 0}, "TAMPERED"),
    "sealed values": ({"object": "sealed"}, "TAMPERED"),
    "another log's": ({"log": "ab" * 16}, "TAMPERED"),
    "half a bundle": ({"end": 300}, "TAMPERED"),
    "what comes after it": ({"end": 1024}, "TAMPERED"),
    "without an end": ({"end": None}, "TAMPERED"),
}


OTHERWISE = {"what failed": {"outcome": "failed"}, "a hold": {"kind": "hold.lifted"}}


@pytest.mark.parametrize("name", [*PRUNED, *OTHERWISE, "nothing", "a false proof", "too young"])
def test_a_period_that_begins_where_the_log_was_pruned_says_by_which_record(
    tmp_path: Path, second: Second, name: str
) -> None:
    """The record stands beyond the end of the period: its proof is in `keys.jsonl`."""
    log = MadeLog("spans", tmp_path / "export", first=256)
    log.be_born()
    for _ in range(598):
        log.add("auth.login")
    log.now_us = START_US + 256 * STEP_US + 184 * DAY_US - (name == "too young")
    fields, verdict = PRUNED.get(name, ({}, "INTACT" if name == "itself" else "TAMPERED"))
    target = {"object": "records", "first": 0, "end": 256} | fields
    target = {name: value for name, value in target.items() if value is not None}
    place = log.add(**{"kind": "retention.pruned", "target": target} | OTHERWISE.get(name, {}))
    log.pruned = None if name == "nothing" else log.prove(place)
    if name == "a false proof":
        log.pruned = log.prove(place).replace("index 599", "index 598")
    log.finish()
    edit = keep(256, 512, f"- {at(500)}", "002.p/88")
    folder = rewrite(log, lambda text: edit(text.replace("records 256", "records 0")))
    assert judge(second, folder) == verdict
    report = verify.verify_folder(str(folder))
    if verdict == "INTACT":
        assert report["pruned"] == {"end": 256, "by": place}
        assert report["checks"]["pruned"] == "done"


@pytest.mark.parametrize("language", verify.LANGUAGES)
def test_the_report_says_which_period_was_asked_for(
    log: MadeLog, capsys: pytest.CaptureFixture[str], language: str
) -> None:
    folder = rewrite(log, keep(256, 512, f"{at(300)} {at(310)}", "000 002.p/88"))
    assert verify.main([str(folder), "--language", language]) == 0
    told = capsys.readouterr().out
    page = run_node(folder, "--language", language).stdout
    assert all(at(one) in words for one in (300, 310) for words in (told, page))


def test_what_the_records_say_of_a_period_is_left_out_when_only_hashes_are_wanted(
    log: MadeLog, capsys: pytest.CaptureFixture[str]
) -> None:
    """An export that begins and ends within the period: without its times nobody can tell."""
    folder = rewrite(log, keep(256, 512, f"{at(100)} {at(550)}", "000 002.p/88"))
    assert verify.main([str(folder)]) == run_node(folder).returncode == 3
    capsys.readouterr()
    assert verify.main([str(folder), "--hashes-only", "--json"]) == 0
    done = run_node(folder, "--hashes-only", "--json")
    assert done.returncode == 0
    found = [
        json.loads(told)["checks"]["pruned"] for told in (capsys.readouterr().out, done.stdout)
    ]
    assert found[0].startswith("skipped: left out as you asked") and found[1] == "hashesOnly"


def test_a_period_whose_first_bundle_is_missing_is_incomplete(log: MadeLog, second: Second) -> None:
    folder = rewrite(log, keep(256, 512, f"{at(300)} {at(310)}", "000 002.p/88"))
    (folder / "tile/entries/001").unlink()
    assert judge(second, folder) == "INCOMPLETE"
    checks = [verify.verify_folder(str(folder))["checks"], second.check(folder)["checks"]]
    assert checks[0]["pruned"] == f"skipped: {verify.UNREAD}" and checks[1]["pruned"] == "bundles"


def export_span(log: AuditLog, since: int, until: int) -> tuple[int, int]:
    """The positions that an export of this period has, in µs; 0 is no bound."""
    bounds = [
        datetime.fromtimestamp(0, UTC) + timedelta(microseconds=one) for one in (since, until)
    ]
    begin, end = (one if one.timestamp() else None for one in bounds)
    files = list(export_files(log, "commune", from_time=begin, to_time=end))
    words = files[-1].data.decode().split("\n")[6].split(" ")
    return int(words[1]), int(words[2])


@pytest.mark.parametrize("stepped", [False, True], ids=["steady", "put back"])
def test_an_export_of_a_period_holds_its_records_and_a_neighbour_on_each_side(
    tmp_path: Path, *, stepped: bool
) -> None:
    """Also where the clock was put back: then whatever lies between the first and the last."""
    house = House(tmp_path)
    log = house.open()
    fill_fast(log, 1100)
    size = log.publish_head("commune").size
    times = [1_000_000 + seq for seq in range(size)]
    if stepped:
        times[600:] = [one - 500 for one in times[600:]]
    with closing(apsw.Connection(str(house.audit_dir / "audit.db"))) as database, database:
        for seq, time_us in enumerate(times):
            database.execute("UPDATE record SET time_us = ? WHERE seq = ?", (time_us, seq))
    edges = (
        0,
        999_000,
        1_000_000,
        1_000_256,
        1_000_300,
        1_000_511,
        1_000_512,
        1_000_599,
        1_002_000,
    )
    for since, until in ((a, b) for a in edges for b in edges if a < b or not b):
        first, end = export_span(log, since, until)
        inside = [s for s, one in enumerate(times) if since <= one < (until or 2**62)]
        assert first < end and (not inside or first <= inside[0] <= inside[-1] < end)
        assert first == 0 or times[first] < since
        assert end == size or (until and times[end - 1] >= until)
        if stepped or not inside:
            continue
        assert times[min(first + 256, size - 1)] >= since  # and no bundle that tells nothing
        assert not until or end - first <= 256 or times[(end - 1) // 256 * 256 - 1] < until
    house.shut()


def test_a_period_of_a_pruned_log_is_proven_from_its_first_record_on(
    tmp_path: Path, second: Second, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(tmp_path / "house")
    log = house.open()
    fill_fast(log, 600)
    times = [one.time for one in log.reader.list_records("commune", limit=1000)][::-1]
    wait_half_a_year(monkeypatch)
    allow_pruning(log, 256)
    log.prune("commune", 256)
    fill_fast(log, 300)
    for name, since in (("before", times[0]), ("after", times[400])):
        folder = export(log, tmp_path / name, from_time=since, to_time=times[450])
        assert judge(second, folder) == "TAMPERED"
        report = verify.verify_folder(str(folder))
        # proven; and that no half year went by in this test is found by that record's time
        assert {finding["reason"] for finding in report["findings"]} == {verify.TOO_NEW}
        assert report["records"] == [256, 512] and report["pruned"] == {"end": 256, "by": 601}
        assert report["checks"]["pruned"] == "done"
    house.shut()
