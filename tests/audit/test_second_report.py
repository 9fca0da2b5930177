"""What the second verifier tells and writes: quick checks, records, pages to print, the course."""

import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from deploy.bench.audit_folders import MadeLog, bear, encode
from parvis.audit import verify
from tests.audit.second_verifier import run_node

WORDS = {
    "en": ("INTACT (unanchored)", "Who used what under which rule"),
    "fr": ("INTACT (inaltéré, sans ancrage)", "Qui a utilisé quoi, selon quelle règle"),
    "de": ("INTACT (unverändert, unverankert)", "Wer was nach welcher Regel benutzt hat"),
    "lb": ("INTACT (onverännert, net verankert)", "Wien wat no wéi enger Regel benotzt huet"),
}
ASKED = {"phase": "intent", "outcome": None, "target": {"assistant": "desk"}}
RULE = {"digest": "sha256:ab", "decision": "allow", "rules": ["P-00", "P-17"]}


@pytest.fixture
def log(tmp_path: Path) -> MadeLog:
    """A day: a question that is answered, one that is not, a person erased, a night of silence."""
    log = MadeLog("told", tmp_path / "export")
    log.be_born()
    asked = log.build("chat.started", **ASKED)
    log.append(encode(asked))
    person = {"type": "person", "pid": "1" * 32, "roles": ["civil-servant"]}
    answered = {"phase": "result", "re": asked["id"], "target": {"assistant": "desk"}}
    log.add("chat.finished", **answered, actor=person, policy=RULE, model={"answered": "smol"})
    log.append(encode(log.build("chat.started", **ASKED)))
    log.add("erasure.requested", target={"object": "e-1"}, actor=person)
    other = {"type": "person", "pid": "2" * 32}
    ground = {"ground": "gdpr-17.1.c"}
    confirmed = {"target": {"object": "e-1", "keys": ["a" * 32]}, "change": ground}
    log.add("erasure.confirmed", actor=other, **confirmed)
    log.now_us += 8 * 3600 * 1_000_000
    log.add("log.heartbeat")
    return log


@pytest.fixture
def folder(log: MadeLog) -> Path:
    return log.finish(bear(log))


def ask(folder: Path, *options: object) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(run_node(folder, "--json", *options).stdout)
    return report


def test_hashes_alone_are_compared_on_demand_and_both_leave_out_the_same(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify.main([str(folder), "--hashes-only", "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    second = ask(folder, "--hashes-only")
    done = [{k for k, v in one["checks"].items() if v == "done"} for one in (first, second)]
    assert second["exit"] == 0 and done[0] == done[1]
    assert list(second["checks"].values()).count("hashesOnly") == 7
    assert run_node(folder, "--hashes-only").stdout.count("left out as you asked") == 7
    bundle = next((folder / "tile" / "entries").rglob("*.p/*"))
    bundle.write_bytes(bundle.read_bytes().replace(b"log.heartbeat", b"log.heartbeet"))
    assert run_node(folder, "--hashes-only").returncode == 3


def test_records_are_written_when_the_folder_is_intact_as_the_first_writes_them(
    folder: Path, tmp_path: Path
) -> None:
    one, two = tmp_path / "one.jsonl", tmp_path / "two.jsonl"
    assert verify.main([str(folder), "--records", str(one)]) == 0
    assert run_node(folder, "--records", two).returncode == 0
    assert two.read_bytes() == one.read_bytes() and len(two.read_text().splitlines()) == 7
    (folder / "README").write_text("changed")
    done = run_node(folder, "--records", tmp_path / "none")
    assert done.returncode == 3 and "no records were written" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["export", "one.jsonl", "two.jsonl"]


@pytest.mark.parametrize("option", ["--records", "--page", "--state"])
def test_a_file_that_cannot_be_written_is_named(folder: Path, option: str) -> None:
    missing = folder.parent / "missing" / "file"
    done = run_node(folder, option, missing)
    assert done.returncode == 5
    assert re.search(r"^verify: .*/missing/file.*ENOENT", done.stderr)


@pytest.mark.parametrize("option", ["--records", "--page", "--state"])
def test_nothing_that_is_kept_or_written_may_lie_in_what_is_checked(
    folder: Path, tmp_path: Path, option: str
) -> None:
    (tmp_path / "way").symlink_to(folder)
    for place in (folder / "new", folder / "manifest", tmp_path / "way" / "new"):
        done = run_node(folder, option, place)
        assert done.returncode == 5
        assert f"{option}: the file would lie in the folder" in done.stderr
    assert run_node(folder).returncode == 0


class Outline(HTMLParser):
    """Tags and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("language", WORDS)
def test_the_page_to_print_says_what_the_report_says_and_nothing_in_it_runs(
    folder: Path, tmp_path: Path, language: str
) -> None:
    page = tmp_path / "page.html"
    done = run_node(folder, "--page", page, "--language", language)
    verdict, used = WORDS[language]
    assert done.returncode == 0 and done.stdout.startswith(f"{verdict}\n")
    outline = Outline(page.read_text(encoding="utf-8"))
    told = outline.text
    assert f'<html lang="{language}">' in page.read_text(encoding="utf-8")
    for words in (verdict, used, "smol", "P-00, P-17 (allow)", "gdpr-17.1.c", "480 min"):
        assert words in told and words in done.stdout
    assert outline.tags.isdisjoint({"script", "img", "link", "a", "iframe", "form"})
    assert not any(name.startswith("on") or name in ("src", "href") for name in outline.attributes)


def test_names_in_a_hostile_folder_are_text_on_the_page(folder: Path, tmp_path: Path) -> None:
    (folder / '<img src=x onerror="alert(1)">').write_text("x")
    page = tmp_path / "page.html"
    assert run_node(folder, "--page", page).returncode == 3
    outline = Outline(page.read_text(encoding="utf-8"))
    assert "img" not in outline.tags and '<img src=x onerror="alert(1)">' in outline.text


def test_the_report_answers_who_used_what_under_which_rule_and_what_was_erased(
    folder: Path,
) -> None:
    first, second = verify.verify_folder(str(folder)), ask(folder)
    (used,) = second["used"]
    assert (used["model"], used["rules"], used["decision"]) == ("smol", RULE["rules"], "allow")
    assert (used["count"], used["people"], used["roles"]) == (1, 1, ["civil-servant"])
    assert [one["kind"] for one in second["going"]] == ["erasure.requested", "erasure.confirmed"]
    assert (second["going"][1]["ground"], second["going"][1]["keys"]) == ("gdpr-17.1.c", 1)
    for fact in ("writers", "heartbeats", "silences"):
        assert second[fact] == first[fact], fact
    assert second["open"] == first["open_intents"] and second["open"][0]["old"]


def test_a_folder_that_is_not_intact_tells_no_course(folder: Path) -> None:
    (folder / "README").write_text("changed")
    assert WORDS["en"][1] not in run_node(folder).stdout


def test_failed_comparisons_with_calls_counted_outside_are_listed(tmp_path: Path) -> None:
    log = MadeLog("platform", tmp_path / "export")
    log.be_born()
    target = {"object": "gpu", "from": "2025-12-01T00:00:00.000000Z"}
    target |= {"to": "2025-12-01T01:00:00.000000Z", "view": "access-log"}
    use = {"calls_logged": 1, "calls_maybe": 0, "calls_outside": 3, "calls_unlogged": 2}
    log.add("reconcile.result", target=target, use=use, outcome="failed")
    log.add("reconcile.result", target=target, use=use | {"calls_unlogged": 0})
    folder = log.finish(None)
    report = ask(folder)
    told = report["reconciliations"]
    assert report["exit"] == 0 and (told["count"], told["failed"]) == (2, 1)
    assert (told["listed"][0]["server"], told["listed"][0]["unlogged"]) == ("gpu", 2)
    text = run_node(folder).stdout
    assert "- record 1: gpu, 2025-12-01T00:00:00.000000Z" in text and ": 2 (3 / 1 + 0)" in text


def test_the_report_names_the_digest_of_the_verifier(folder: Path) -> None:
    here = Path(verify.__file__).parent / "second"
    files = [path for path in here.iterdir() if path.suffix in (".html", ".js", ".mjs")]
    told = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(files)))
    assert ask(folder)["verifier_sha256"] == told.hexdigest()
