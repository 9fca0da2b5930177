"""Heads brought outside over real HTTP: witnesses, a real time-stamp authority, the auditor."""

import base64
import hashlib
import json
import random
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from parvis.audit import PLATFORM, AuditLog, verify
from parvis.audit.anchors import WITNESS_LATE_S, AnchorPlan, Anchors, load_plan
from parvis.audit.anchors_heads import record_heads
from parvis.audit.anchors_thread import AnchorThread
from parvis.audit.cosignatures import sign_cosignature
from parvis.audit.paper import format_head_line
from parvis.audit.timestamps import StampRefused, build_stamp_request, read_stamp
from parvis.audit.witness import create_witness
from parvis.audit.witness_server import WitnessServer
from parvis.errors import ConfigurationFaults
from tests.audit.authority import Authority
from tests.audit.forgers import canonical, change, copy_house, rebuild
from tests.audit.houses import WITNESS, WITNESS_KEY, House, export, fill


@contextmanager
def witnessing(folder: Path, name: str, vkeys: list[str]) -> Iterator[tuple[str, str]]:
    """(verifier key, address) of a witness that serves over HTTP."""
    witness = create_witness(folder, name)
    (folder / "logs").write_text("\n".join(vkeys) + "\n")
    with WitnessServer(witness, ("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield witness.vkey, server.url
        finally:
            server.shutdown()
            thread.join()


def tsa_line(authority: Authority, name: str = "T") -> str:
    return f"#!tsa {name} {base64.b64encode(authority.root_der).decode()}\n"


def plan_of(text: str, tsa_url: str = "") -> AnchorPlan:
    return AnchorPlan(verify.load_policy(text.encode())[1], tsa_url)


def check(folder: Path, policy: str, **brought: Any) -> dict[str, Any]:
    return verify.verify_folder(
        str(folder), verify.load_policy(policy.encode()), brought=verify.Brought(**brought)
    )


def reasons(report: dict[str, Any]) -> str:
    return " | ".join(found["reason"] for found in report["findings"])


@pytest.fixture(scope="module")
def authority() -> Iterator[tuple[Authority, str]]:
    made = Authority()
    with made.serving() as url:
        yield made, url


@pytest.fixture
def anchored(
    log: AuditLog, house: House, tmp_path: Path, authority: tuple[Authority, str]
) -> Iterator[tuple[Anchors, str]]:
    """(anchors, policy): a log that a witness and an authority know."""
    fill(log, 3)
    keys = [log.reader.get_key(tenant).vkey for tenant in ("commune", PLATFORM)]
    with witnessing(tmp_path / "witness", "office.test/w", keys) as (vkey, url):
        lines = f"witness office {vkey} {url}\ngroup outside any office\nquorum outside\n"
        lines += tsa_line(authority[0])
        policy = "".join(f"log {key}\n" for key in keys) + lines
        yield Anchors(log, plan_of(lines, authority[1])), policy


def test_an_anchored_export_says_who_vouches_until_when_and_what_is_open(
    anchored: tuple[Anchors, str], log: AuditLog, tmp_path: Path
) -> None:
    anchors, policy = anchored
    assert check(export(log, tmp_path / "before"), policy)["verdict"] == "UNVERIFIABLE"
    anchors.run_round()
    fill(log, 2)
    report = check(export(log, tmp_path / "out"), policy)
    assert (report["verdict"], report["anchored"], reasons(report)) == ("INTACT", True, "")
    assert report["outside"]["covered"] == 7 and report["outside"]["window"] == 4
    assert {copy["kind"] for copy in report["outside"]["newest"]} == {"witnesses", "time stamp"}
    assert report["checks"]["anchor"] == report["checks"]["stamps"] == "done"
    text = verify.format_report(report)
    assert text.startswith("INTACT (anchored)") and "window    4 records" in text
    now = datetime.now(UTC).timestamp()
    fresh = check(tmp_path / "out", policy, not_older_than=int(now - 3600))
    stale = check(tmp_path / "out", policy, not_older_than=int(now + 3600))
    assert (fresh["verdict"], stale["verdict"]) == ("INTACT", "UNVERIFIABLE")
    assert "no outside time" in reasons(stale)


def test_without_a_policy_copies_outside_are_named_but_never_counted(
    anchored: tuple[Anchors, str], log: AuditLog, tmp_path: Path
) -> None:
    anchors, _ = anchored
    anchors.run_round()
    report = verify.verify_folder(str(export(log, tmp_path / "out")))
    assert (report["verdict"], report["anchored"]) == ("INTACT", False)
    assert report["checks"]["anchor"].startswith("skipped")
    assert report["checks"]["stamps"].startswith("skipped")
    assert "unanchored" in verify.format_report(report)


def test_without_its_library_the_verifier_says_that_time_stamps_were_skipped(
    anchored: tuple[Anchors, str],
    log: AuditLog,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    anchors, policy = anchored
    anchors.run_round()
    folder = export(log, tmp_path / "out")
    monkeypatch.setattr(verify, "x509", None)
    monkeypatch.setattr(verify, "Ed25519PublicKey", None)
    report = check(folder, policy)
    assert (report["verdict"], report["anchored"]) == ("INTACT", True)  # by its witness
    assert "need the package cryptography" in report["checks"]["stamps"]
    assert {copy["kind"] for copy in report["outside"]["newest"]} == {"witnesses"}


def test_a_witness_outside_the_quorum_counts_nothing(
    anchored: tuple[Anchors, str], log: AuditLog, tmp_path: Path
) -> None:
    anchors, policy = anchored
    anchors.run_round()
    folder = export(log, tmp_path / "out")
    logs = "".join(line + "\n" for line in policy.splitlines() if line.startswith(("log", "wit")))
    wanted = logs + f"witness W {WITNESS}\n"
    assert check(folder, wanted + "quorum none\n")["anchored"] is False
    assert (
        check(folder, wanted + "group all all office W\nquorum all\n")["verdict"] == "UNVERIFIABLE"
    )
    assert check(folder, wanted + "group one any office W\nquorum one\n")["anchored"] is True
    orgs = "group a any W\ngroup b any office\ngroup both 2 a b\nquorum both\n"
    assert check(folder, wanted + orgs)["verdict"] == "UNVERIFIABLE"


def test_an_operator_with_every_key_who_rewrites_a_record_is_found(
    anchored: tuple[Anchors, str], log: AuditLog, house: House, tmp_path: Path
) -> None:
    anchors, policy = anchored
    anchors.run_round()
    true = export(log, tmp_path / "true")
    house.close()
    forged = copy_house(house, tmp_path / "forged")
    rebuild(forged, change(3, policy={"decision": "allow", "rules": ["P-00"]}))
    (forged.audit_dir / "anchors.db").unlink()
    false_log = forged.open()
    plan = anchors.plan
    forgery = Anchors(false_log, plan)
    forgery.anchor("commune")
    troubles = " ".join(words for _, _, words in forgery.describe("commune").troubles)
    assert "another history" in troubles  # the witness refuses the forger
    forgery.anchor("commune")
    (incident,) = false_log.reader.list_records(PLATFORM, kinds=("incident.opened",))
    assert incident.data["reason"] == "witness_contradicts"
    false = export(false_log, tmp_path / "false")
    head = (true / "checkpoint").read_bytes()
    forged.shut()
    assert check(true, policy)["verdict"] == "INTACT"
    report = check(false, policy, notes=[("witness", head)])
    assert report["verdict"] == "TAMPERED"  # the witness's own copy contradicts it


def test_a_log_that_was_cut_is_refused_by_its_witness(
    anchored: tuple[Anchors, str], log: AuditLog, house: House, tmp_path: Path
) -> None:
    anchors, policy = anchored
    house.close()
    early = copy_house(house, tmp_path / "early")
    later = house.open()
    fill(later, 4)
    grown = Anchors(later, anchors.plan)
    grown.run_round()
    known = (export(later, tmp_path / "known") / "checkpoint").read_bytes()
    cut_log = early.open()
    cut = Anchors(cut_log, anchors.plan)
    cut.anchor("commune")
    assert "was cut" in " ".join(words for _, _, words in cut.describe("commune").troubles)
    folder = export(cut_log, tmp_path / "cut")
    early.shut()
    report = check(folder, policy, notes=[("witness", known)])
    assert report["verdict"] == "TAMPERED" and "the end was cut" in reasons(report)


def edit_signed(folder: Path, house: House, tenant: str, name: str, data: bytes) -> None:
    """Change a file and sign the list anew, as a holder of the log's key would."""
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(data)
    text = (folder / "manifest").read_text().rpartition("\n\n")[0]
    lines = [line for line in text.split("\n") if not line.endswith(f" {name}")]
    lines.append(f"{hashlib.sha256(data).hexdigest()} {len(data)} {name}")
    lines[7] = f"files {len(lines) - 8}"
    note = house.open("forger").sign_note(tenant, "\n".join(lines) + "\n")
    (folder / "manifest").write_text(note)


@pytest.mark.parametrize("kind", ["signature", "time", "other head", "doubled"])
def test_a_false_cosignature_is_not_accepted(
    kind: str, anchored: tuple[Anchors, str], log: AuditLog, house: House, tmp_path: Path
) -> None:
    anchors, policy = anchored
    anchors.run_round()
    folder = export(log, tmp_path / "out")
    assert check(folder, policy)["verdict"] == "INTACT"
    note = (folder / "checkpoint").read_text()
    lines = note.splitlines(keepends=True)
    raw = bytearray(base64.b64decode(lines[-1].split(" ")[2]))
    if kind == "signature":
        raw[-1] ^= 1
    elif kind == "time":
        raw[11] ^= 1
    swapped = lines[-1].rsplit(" ", 1)[0] + " " + base64.b64encode(raw).decode() + "\n"
    if kind == "other head":
        fill(log, 1)
        anchors.run_round()
        later = export(log, tmp_path / "later")
        swapped = (later / "checkpoint").read_text().splitlines(keepends=True)[-1]
    if kind == "doubled":  # the same line twice is one witness
        swapped = lines[-1] + lines[-1]
    data = ("".join(lines[:-1]) + swapped).encode()
    edit_signed(folder, house, "commune", "checkpoint", data)
    report = check(folder, policy)
    if kind == "doubled":
        assert report["verdict"] == "INTACT"
    else:
        assert report["verdict"] == "TAMPERED" and "does not fit" in reasons(report)


def test_a_stranger_who_signs_in_a_witnesss_name_counts_nothing(
    anchored: tuple[Anchors, str], log: AuditLog, house: House, tmp_path: Path
) -> None:
    _, policy = anchored
    folder = export(log, tmp_path / "out")
    note = (folder / "checkpoint").read_text()
    text = note.rpartition("\n\n")[0] + "\n"
    line = sign_cosignature(text, "office.test/w", WITNESS_KEY, 1_795_000_000)
    edit_signed(folder, house, "commune", "checkpoint", (note + line).encode())
    report = check(folder, policy)
    assert report["verdict"] == "UNVERIFIABLE" and report["anchored"] is False


def test_a_time_stamp_of_another_head_or_another_authority_is_not_accepted(
    anchored: tuple[Anchors, str], log: AuditLog, house: House, tmp_path: Path
) -> None:
    anchors, policy = anchored
    anchors.run_round()
    first = export(log, tmp_path / "first")
    token = (first / "tokens" / "7.0").read_bytes()
    fill(log, 1)
    anchors.anchor("commune", stamp_now=True)
    folder = export(log, tmp_path / "out")
    assert check(folder, policy)["verdict"] == "INTACT"
    edit_signed(folder, house, "commune", "tokens/9.1", token)
    report = check(folder, policy)
    assert report["verdict"] == "TAMPERED" and "of other bytes" in reasons(report)
    edit_signed(folder, house, "commune", "tokens/9.1", b"\x30\x03\x02\x01\x05")
    assert check(folder, policy)["verdict"] == "TAMPERED"
    stranger = Authority(name="Stranger")
    others = [*policy.splitlines(keepends=True)[:-1], tsa_line(stranger)]
    report = check(first, "".join(others))
    assert report["verdict"] == "INTACT" and "one of a policy" in report["checks"]["stamps"]
    assert {copy["kind"] for copy in report["outside"]["newest"]} == {"witnesses"}


def test_every_kind_of_false_authority_is_refused() -> None:
    note = b"a head\n"
    request, nonce = build_stamp_request(note)
    for kind in ("rsa", "ec"):
        good = Authority(kind=kind)
        token, when, name = read_stamp(good.answer(request), note, nonce, {"T": good.root_der})
        assert name == "T" and abs(when - datetime.now(UTC).timestamp()) < 60
        assert verify.check_token(token, note, {"other": Authority().root_der})[1] is None
        changed = bytearray(token)
        changed[-1] ^= 1
        with pytest.raises(verify.Malformed, match="signature"):
            verify.check_token(bytes(changed), note, {"T": good.root_der})
        place = token.index(verify.Token(token).imprint)
        changed = bytearray(token)
        changed[place] ^= 1
        with pytest.raises(verify.Malformed):
            verify.check_token(bytes(changed), note, {"T": good.root_der})
        with pytest.raises(StampRefused, match="another request"):
            read_stamp(good.answer(request), note, nonce + 1, {})
        with pytest.raises(StampRefused):
            read_stamp(good.answer(request), b"another head\n", nonce, {})
    expired = Authority(days=(-30, -1))
    token = read_stamp(expired.answer(request), note, nonce, {})[0]
    assert verify.check_token(token, note, {"T": expired.root_der})[1] is None
    for answer in (b"", b"\x30\x80", b"<html>", expired.answer(request)[:200]):
        with pytest.raises(StampRefused):
            read_stamp(answer, note, nonce, {})


def test_no_damage_makes_the_reader_of_time_stamps_fail_otherwise() -> None:
    authority, note = Authority(kind="ec"), b"a head\n"
    request, nonce = build_stamp_request(note)
    token = read_stamp(authority.answer(request), note, nonce, {})[0]
    roots = {"T": authority.root_der}
    generator = random.Random(5)  # noqa: S311 - the same damage every time
    held = 0
    for _ in range(600):
        broken = bytearray(token)
        for _ in range(generator.randrange(1, 4)):
            broken[generator.randrange(len(broken))] = generator.randrange(256)
        cut = broken[: generator.choice([len(broken), generator.randrange(len(broken))])]
        try:
            held += verify.check_token(bytes(cut), note, roots)[0] > 0
        except (verify.Malformed, verify.Unsupported):
            pass
    assert held < 300  # damage to what nobody signed, the root that came along, changes nothing
    assert verify.check_token(token, note, roots)[1] == "T"


def test_the_platform_log_proves_a_head_without_showing_others(
    anchored: tuple[Anchors, str], log: AuditLog, house: House, tmp_path: Path
) -> None:
    anchors, policy = anchored
    fill(log, 1, "habitat")
    fill(log, 1, "valbourg")
    assert record_heads(log, anchors.store) == 3
    anchors.anchor(PLATFORM)
    anchors.anchor("commune")
    folder = export(log, tmp_path / "out")
    report = check(folder, policy)
    assert (report["verdict"], report["checks"]["platform"]) == ("INTACT", "done")
    kinds = {copy["kind"] for copy in report["outside"]["newest"]}
    assert "witnesses of the platform log" in kinds
    line = (folder / "keys.jsonl").read_text()
    for tenant in ("habitat", "valbourg"):
        key = log.reader.get_key(tenant)
        assert key.log not in line
    told = json.loads(line.split("\n")[0])
    told["heads"]["salt"] = "00" * 32
    data = canonical(told) + b"\n"
    edit_signed(folder, house, "commune", "keys.jsonl", data)
    report = check(folder, policy)
    assert report["verdict"] == "TAMPERED" and "do not hold one of this log" in reasons(report)


def test_a_printed_head_is_compared_with_an_export(log: AuditLog, tmp_path: Path) -> None:
    fill(log, 2)
    key, head = log.reader.get_key("commune"), log.reader.get_head("commune")
    line = format_head_line(key.log, head.size, head.root)
    fill(log, 2)
    folder = export(log, tmp_path / "out")
    assert verify.main([str(folder), "--head-line", line]) == 0
    other = format_head_line(key.log, head.size, bytes(32))
    assert verify.main([str(folder), "--head-line", other]) == 3
    assert verify.main([str(folder), "--head-line", format_head_line(key.log, 99, bytes(32))]) == 3
    assert verify.main([str(folder), "--head-line", format_head_line("0" * 32, 2, bytes(32))]) == 4
    for at in range(len(line)):  # any one sign mistyped, any two neighbours swapped
        for typed in (
            line[:at] + ("1" if line[at] != "1" else "2") + line[at + 1 :],
            line[:at] + line[at : at + 2][::-1] + line[at + 2 :],
        ):
            if " ".join(typed.split()) != line:
                assert verify.main([str(folder), "--head-line", typed]) == 5, typed
    report = check(folder, f"log {key.vkey}\nquorum none\n", line=verify.HeadLine(line))
    assert report["checks"]["line"] == "done" and report["outside"]["window"] == 4


def test_a_record_cannot_be_later_than_the_copy_that_holds_it(
    log: AuditLog, house: House, tmp_path: Path
) -> None:
    fill(log, 2)
    folder = export(log, tmp_path / "out")
    key = log.reader.get_key("commune")
    note = (folder / "checkpoint").read_text()
    text = note.rpartition("\n\n")[0] + "\n"
    policy = f"log {key.vkey}\nwitness W {WITNESS}\nquorum W\n"
    for age, verdict in ((timedelta(0), "INTACT"), (timedelta(days=1), "TAMPERED")):
        when = int((datetime.now(UTC) - age).timestamp())
        line = sign_cosignature(text, "witness.test/w", WITNESS_KEY, when)
        edit_signed(folder, house, "commune", "checkpoint", (note + line).encode())
        report = check(folder, policy)
        assert report["verdict"] == verdict, reasons(report)


@pytest.mark.parametrize(
    "policy",
    [
        "quorum W\n",
        f"witness W {WITNESS}\n",
        f"witness W {WITNESS}\nwitness V {WITNESS}\nquorum W\n",
        f"witness none {WITNESS}\nquorum none\n",
        "witness W x\nquorum W\n",
        f"witness W {WITNESS}\ngroup G 2 W\nquorum G\n",
        f"witness W {WITNESS}\ngroup G 0 W\nquorum G\n",
        f"witness W {WITNESS}\ngroup G any W W\nquorum G\n",
        f"witness W {WITNESS}\ngroup G any W\ngroup H any W\nquorum H\n",
        f"witness W {WITNESS}\nquorum W\nquorum W\n",
        f"group G any W\nwitness W {WITNESS}\nquorum G\n",
        "quorum none\r\n",
        "#!tsa T x\nquorum none\n",
        "#!witness T x\nquorum none\n",
        "trust everybody\nquorum none\n",
    ],
)
def test_a_policy_of_another_form_is_refused(policy: str) -> None:
    with pytest.raises(verify.Malformed):
        verify.load_policy(policy.encode())


@pytest.mark.parametrize(
    ("text", "tsa_url"),
    [
        (f"witness W {WITNESS} ftp://away\nquorum W\n", ""),
        ("witness W x\nquorum W\n", ""),
        ("quorum none\n", "stamps.example"),
        (None, ""),
    ],
)
def test_a_trust_file_that_cannot_be_used_is_a_fault_of_the_configuration(
    text: str | None, tsa_url: str, tmp_path: Path
) -> None:
    path = tmp_path / "trust"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigurationFaults):
        load_plan(path, tsa_url, 60)
    path.write_text(f"witness W {WITNESS} http://127.0.0.1:9/w\nquorum W\n")
    assert load_plan(path, "https://stamps.example/tsa", 60).trust.counting() == ["W"]


def test_whoever_is_away_is_named_and_the_round_goes_on(
    log: AuditLog, house: House, tmp_path: Path
) -> None:
    fill(log, 1)
    lines = f"witness away {WITNESS} http://127.0.0.1:9\nquorum away\n"
    anchors = Anchors(log, plan_of(lines, "http://127.0.0.1:9/tsa"))
    anchors.run_round()
    state = anchors.describe("commune")
    assert state.newest is None and state.window == state.size == 3
    assert not state.late, "a log that began just now is not late yet"
    assert anchors.describe("commune", time.time() + WITNESS_LATE_S + 60).late
    assert [name for name, _, _ in state.troubles] == ["away", "time-stamp authority"]
    assert Anchors(log, plan_of("quorum none\n")).describe("commune").asked is False


def wait_until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not what():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.02)


def test_one_thread_of_several_processes_anchors_and_another_takes_over(
    anchored: tuple[Anchors, str], log: AuditLog, house: House
) -> None:
    anchors, _ = anchored
    other = Anchors(house.open("second"), anchors.plan)
    threads = [
        AnchorThread(one, house.audit_dir, every_s=0.02, heads_every_s=0.05)
        for one in (anchors, other)
    ]
    kinds = ("log.heads",)
    wait_until(lambda: anchors.describe("commune").window == 0)
    wait_until(lambda: log.reader.count_records(PLATFORM, kinds=kinds) > 0)
    threads[0].close()
    heads = log.reader.count_records(PLATFORM, kinds=kinds)
    fill(log, 1)
    wait_until(lambda: anchors.describe("commune").window == 0)
    wait_until(lambda: log.reader.count_records(PLATFORM, kinds=kinds) > heads)
    threads[1].close()
    assert not any(one.name == "audit-anchors" for one in threading.enumerate())


def test_a_copy_of_an_export_with_the_witnesss_lines_cut_off_is_incomplete_or_found(
    anchored: tuple[Anchors, str], log: AuditLog, tmp_path: Path
) -> None:
    anchors, policy = anchored
    anchors.run_round()
    folder = export(log, tmp_path / "out")
    shutil.rmtree(folder / "tokens")
    assert check(folder, policy)["verdict"] == "INCOMPLETE"


def test_another_key_of_a_known_name_is_another_witness() -> None:
    key = Ed25519PrivateKey.generate()
    line = sign_cosignature("a\n1\nx\n", "witness.test/w", key, 5)
    trust = verify.Trust()
    trust.add_witness("W", WITNESS)
    trust.set_quorum("W")
    assert verify.read_cosignatures(f"a\n1\nx\n\n{line}".encode(), trust) == {}
