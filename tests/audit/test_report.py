"""The verifier tells in four languages, as text and as a page to print, and hides no omission."""

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from deploy.bench.audit_folders import MadeLog, bear, encode
from parvis.audit import verify

INTACT = {
    "en": ("INTACT (unanchored)", "no record id occurs twice"),
    "fr": ("INTACT (inaltéré, sans ancrage)", "aucun identifiant en double"),
    "de": ("INTACT (unverändert, unverankert)", "keine Kennung kommt zweimal vor"),
    "lb": ("INTACT (onverännert, net verankert)", "keng Kennung kënnt zweemol vir"),
}
CHANGED = {
    "en": "TAMPERED: README: the file is not the one that was exported",
    "fr": "TAMPERED (altéré)\u00a0: README\u00a0: le fichier n’est pas celui qui a été exporté",
    "de": "TAMPERED (verfälscht): README: die Datei ist nicht die exportierte",
    "lb": "TAMPERED (verfälscht): README: de Fichier ass net deen, deen exportéiert gouf",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An export with a change of keys, an old and a young open intent, and a night of silence."""
    log = MadeLog("told", tmp_path / "export")
    log.be_born()
    log.append(encode(log.build("log.heartbeat")))
    ask = {"phase": "intent", "outcome": None, "target": {"assistant": "desk"}}
    log.append(encode(log.build("chat.started", **ask)))
    log.now_us += 8 * 3600 * 1_000_000
    log.append(encode(log.build("auth.login")))
    log.rotate("second")
    log.append(encode(log.build("chat.started", **ask)))
    log.compromise(log.keys[0], 3)
    return log.finish(bear(log))


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    code = verify.main([str(argument) for argument in arguments])
    return code, capsys.readouterr().out


@pytest.mark.parametrize("language", verify.LANGUAGES[1:])
def test_every_kind_of_copy_outside_has_its_name_in_every_language(language: str) -> None:
    source = Path(verify.__file__).read_text(encoding="utf-8")
    kinds = set(re.findall(r"(?:outside|self)\.add\(\s*\"([a-z ]+)\"", source))
    assert len(kinds) >= 3
    speaker = verify.Speaker(language)
    assert {kind for kind in kinds if speaker.say(kind) == kind} == set()


@pytest.mark.parametrize("language", verify.LANGUAGES)
def test_the_report_speaks_four_languages(
    folder: Path, capsys: pytest.CaptureFixture[str], language: str
) -> None:
    code, text = run(capsys, folder, "--language", language)
    verdict, check = INTACT[language]
    assert code == 0 and text.startswith(verdict + "\n") and check in text
    (folder / "README").write_text("changed")
    code, text = run(capsys, folder, "--language", language)
    assert code == 3 and CHANGED[language] in text
    with pytest.raises(SystemExit) as left:
        verify.main([str(folder), "--language", "it"])
    assert left.value.code == 5


def test_the_report_tells_of_silences_writers_keys_and_open_intents(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, text = run(capsys, folder)
    assert code == 0
    for words in (
        "writers   1 processes, 1 heartbeats",
        "silence   1 gaps of more than 10 minutes, the longest 480 minutes",
        "before record 3: from 2025-12-01T00:00:00.120000Z",
        "open      record 2 of 2025-12-01T00:00:00.120000Z has no ending here, after more than 15",
        "open      record 5 of 2025-12-01T08:00:00.240000Z has no ending here",
        "from size 5: ",
        "records 3 to 4 are suspect",
        "SHA-256 of this verifier: ",
    ):
        assert words in text, words
    report = verify.verify_folder(str(folder))
    assert [one.get("old", False) for one in report["open_intents"]] == [True, False]


def test_every_check_is_named_done_or_skipped_with_its_reason(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for spoil in (None, "manifest", "keys.jsonl", "checkpoint", "tile"):
        if spoil:
            (folder / spoil).rename(folder.parent / spoil)
        report = json.loads(run(capsys, folder, "--json")[1])
        assert set(report["checks"]) == set(verify.CHECKS)
        for state in report["checks"].values():
            assert state == "done" or len(state) > len("skipped: ")
    assert all(name in verify.CHECKS for name in report["checks"])


def test_hashes_alone_are_compared_on_demand_and_the_rest_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, text = run(capsys, folder, "--hashes-only")
    assert code == 0 and text.count("left out as you asked") == 7
    bundle = next((folder / "tile" / "entries").rglob("*.p/*"))
    bundle.write_bytes(bundle.read_bytes().replace(b"auth.login", b"auth.logos"))
    assert run(capsys, folder, "--hashes-only")[0] == 3


class Outline(HTMLParser):
    """Which elements and addresses a page has, and whether every one is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.names: set[str] = set()
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        assert not {name for name, _ in attrs} & {"src", "href", "onload", "onerror", "onclick"}
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.mark.parametrize("language", verify.LANGUAGES)
def test_the_page_to_print_stands_alone(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], language: str
) -> None:
    (folder / "<img src=x onerror=alert(1)>\u202e").write_text("x")
    page = tmp_path / "report.html"
    code, _ = run(capsys, folder, "--page", page, "--language", language)
    outline = Outline()
    outline.feed(page.read_text(encoding="utf-8"))
    assert code == 3 and outline.open == []
    assert not outline.names & {"img", "script", "link", "iframe", "form"}
    text = "".join(outline.text)
    assert "<img src=x onerror=alert(1)>" in text and "\u202e" not in text
    assert "@media print" in text and f'<html lang="{language}">' in page.read_text()
    assert verify.Speaker(language).say("What this does not prove") in text


def test_an_auditor_gets_the_records_of_an_intact_folder_to_read_and_no_others(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = tmp_path / "records.jsonl"
    assert run(capsys, folder, "--records", told)[0] == 0
    records = [json.loads(line) for line in told.read_text().splitlines()]
    assert [record["seq"] for record in records] == list(range(len(records)))
    assert {"log.created", "chat.started", "key.rotated"} <= {one["kind"] for one in records}
    told.unlink()
    assert run(capsys, folder, "--records", folder / "records.jsonl")[0] == 5
    (folder / "README").write_text("changed")
    assert verify.main([str(folder), "--records", str(told)]) == 3
    assert "no records were written" in capsys.readouterr().err
    assert not told.exists()


def test_a_file_that_is_not_there_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify.main([str(folder), "--policy", "trust.txt"]) == 5
    assert capsys.readouterr().err == "verify: trust.txt: No such file or directory\n"


@pytest.mark.parametrize("option", ["--page", "--records", "--state"])
def test_nothing_that_is_kept_or_written_may_lie_in_what_is_checked(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    assert verify.main([str(folder), option, str(folder / "report.html")]) == 5
    (tmp_path / "way").symlink_to(folder)
    assert verify.main([str(folder), option, str(tmp_path / "way" / "report.html")]) == 5
    assert capsys.readouterr().err.count(f"{option}: the file would lie in the folder") == 2
    assert verify.main([str(folder), option, str(tmp_path / "no" / "report.html")]) == 5
    assert verify.main([str(folder)]) == 0


def test_a_zip_archive_is_refused_with_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "export.zip").write_bytes(b"PK\x03\x04")
    assert verify.main([str(tmp_path / "export.zip")]) == 5
    assert "unpack it first" in capsys.readouterr().err


def test_a_terminal_without_letters_of_other_languages_gets_a_report(folder: Path) -> None:
    command = [sys.executable, verify.__file__, str(folder), "--language", "lb"]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run(command, capture_output=True, env=environment, check=False)
    assert done.returncode == 0
    assert done.stdout.startswith(b"INTACT (onver?nnert, net verankert)\nZanter der ?nner")


SAYING = {"find", "skip", "settle", "judge", "Malformed", "Unsupported", "say", "append"}


def list_sentences() -> Iterator[str]:
    """What the source may say in a report: reasons, checks, and words of the layout."""
    tree = ast.parse(Path(verify.__file__).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        name = ""
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        if isinstance(node, ast.Call) and name in SAYING:
            for argument in node.args:
                yield from _texts(argument)
        elif isinstance(node, ast.Assign | ast.Return) and node.value is not None:
            names = [getattr(one, "id", "") for one in getattr(node, "targets", ())]
            if set(names) & {"words", "fault"} or any(
                re.fullmatch("[A-Z][A-Z_]+", one) for one in names
            ):
                yield from _texts(node.value)
    for table in (verify.CHECKS, verify.PROOF_CHECKS, verify.VERDICTS):
        yield from table.values()


def _texts(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        parts = (part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
        yield "".join(map(str, parts))
    elif isinstance(node, ast.IfExp):
        yield from _texts(node.body)
        yield from _texts(node.orelse)


# said on the command line, or about a policy or a line that the auditor gave: not in a report
NOT_TOLD = re.compile(
    r".*(policy has|of the policy|the policy (names|uses) a|policy names an authority twice|"
    r"tlog-policy|quorum|control characters in the policy|witness's|printed head has|not a printed"
    r"|check digits|audit receipt|--not-older-than|not a state file|the folder that is checked"
    r"|with a proof go|with --evidence go|exported folder|not a folder|ZIP archive).*"
)


def test_every_sentence_of_a_report_has_four_languages() -> None:
    known = {sentence[0] for sentence in verify.list_sentences()}
    for sentence in verify.list_sentences():
        assert len(sentence) == len(verify.LANGUAGES) and all(map(str.strip, sentence)), sentence
        assert len({words.count("{}") for words in sentence}) == 1, sentence
    told = {text for text in list_sentences() if " " in text.strip() and 6 < len(text) < 200}
    missing = {text for text in told - known if not NOT_TOLD.fullmatch(text)}
    assert missing == set()


def test_no_sentence_is_kept_that_nobody_says() -> None:
    source = Path(verify.__file__).read_text(encoding="utf-8")
    begin, end = source.index("SENTENCES = "), source.index("VERDICTS = ")
    said = set(_constants(ast.parse(source[:begin] + source[end:])))
    told = "".join(sorted(said))
    for english, *_ in verify.list_sentences():
        assert english in said or english in told, english


def _constants(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant | ast.JoinedStr):
            yield from _texts(node)


def test_french_signs_stand_after_a_space_that_does_not_break() -> None:
    for _, french, *_ in verify.list_sentences():
        assert not re.search(r"(?<![ (#])[:;?!](?!//)", french), french
    for own in verify.Speaker("fr").words.values():
        assert not re.search(r" [:;?!]", own), own


@pytest.mark.parametrize("language", verify.LANGUAGES)
def test_terms_are_those_of_the_glossary(language: str) -> None:
    glossary = Path(__file__).parents[2] / "docs" / "auditor" / "glossary.md"
    lines = glossary.read_text("utf-8").splitlines()
    rows = [line.split(" | ") for line in lines if " | " in line]
    column = {"en": 0, "fr": 1, "de": 2, "lb": 3}[language]
    terms = {row[0].strip("| ").split(",")[0]: row[column].strip("| ") for row in rows}
    speaker = verify.Speaker(language)
    for word in ("log", "record", "witness", *verify.VERDICTS):
        own = terms[word].split(",")[0]
        assert speaker.say(word) == (word if language == "en" else own)
    head = terms["head"].split(",")[0].split()[-1] if language in ("de", "lb") else ""
    assert head in speaker.say("not the head of this export")


def test_an_open_window_is_told_without_claiming_that_nobody_else_has_a_copy(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    size = verify.verify_folder(str(folder))["size"]
    assert (
        f"{size} records are in no copy outside that you brought; no policy was given"
        in (run(capsys, folder)[1])
    )
    vkey = verify.verify_folder(str(folder))["key"]["vkey"]
    (tmp_path / "policy").write_text(f"log {vkey}\nquorum none\n")
    _, text = run(capsys, folder, "--policy", tmp_path / "policy")
    assert f"{size} records are in no copy outside that your policy names or that you" in text


def test_what_was_given_and_is_faulty_is_named(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for option, fault in (("--policy", "not a line of a tlog-policy"), ("--state", "not a state")):
        for content in ("[]", '{"a": 1}', "log nonsense\n", "\xff"):
            (tmp_path / "given").write_text(content, encoding="latin-1")
            assert verify.main([str(folder), option, str(tmp_path / "given")]) == 5
            told = capsys.readouterr().err
            assert told.startswith(f"verify: {tmp_path / 'given'}: ") and told.count("\n") == 1
        assert fault in told
    assert verify.main([str(tmp_path / "nowhere")]) == 5
    assert capsys.readouterr().err == f"verify: {tmp_path / 'nowhere'}: not a folder\n"


def test_a_finding_beyond_the_last_that_is_listed_still_decides_and_is_counted(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "checkpoint").unlink()
    for at in range(verify.MAX_FINDINGS + 7):
        (folder / f"{at:04}").write_text("x")
    report = json.loads(run(capsys, folder, "--json")[1])
    assert report["verdict"] == "TAMPERED" and len(report["findings"]) == verify.MAX_FINDINGS
    assert report["findings_left_out"] == 8  # the file that is missing is the last of them
    assert "FINDING   and 8 more\n" in run(capsys, folder)[1]
    book = verify.Notebook()
    for _ in range(verify.MAX_FINDINGS):
        book.find("INCOMPLETE", "", "the file is missing")
    assert book.verdict == "INCOMPLETE"
    book.find("TAMPERED", "", "time goes back")
    assert book.verdict == "TAMPERED"


def test_a_proof_goes_with_no_option_of_folders(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "one.tlog-proof").write_text(verify.PROOF_FORMAT)
    assert verify.main([str(tmp_path / "one.tlog-proof")]) == 3
    for given in (["--hashes-only"], ["--state", "x"], ["--note", "x"], ["--head-line", "x"]):
        with pytest.raises(SystemExit) as left:
            verify.main([str(tmp_path / "one.tlog-proof"), *given])
        assert left.value.code == 5
        assert "with a proof go --policy, --receipt" in capsys.readouterr().err


@pytest.mark.parametrize("language", verify.LANGUAGES)
def test_evidence_is_judged_in_four_languages(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], language: str
) -> None:
    (tmp_path / "evidence").write_text("{}")
    arguments = ["--evidence", str(tmp_path / "evidence"), "--language", language]
    assert verify.main(arguments) == 4
    speaker = verify.Speaker(language)
    reason = speaker.say("not evidence of two histories")
    told = f"{speaker.explain('UNVERIFIABLE')}{speaker.colon}{reason}\n"
    assert capsys.readouterr().out == told and (language == "en") == ("evidence" in told)
    with pytest.raises(SystemExit) as left:
        verify.main([*arguments, "--policy", "x"])
    assert left.value.code == 5 and "go --language and --json only" in capsys.readouterr().err


def test_a_sentence_with_values_is_found_again_in_every_language() -> None:
    said = "shorter than the 301 records seen last time: cut, or an old export"
    assert verify.Speaker("de").tell(said).startswith("kürzer als die 301 Einträge")
    assert verify.Speaker("fr").tell("emit.boot is missing") == "emit.boot manque"
    assert verify.Speaker("lb").tell("something new") == "something new"
    assert verify.Speaker("en").tell("a\u202eb\n") == "a?b?"
