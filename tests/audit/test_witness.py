"""Our witness against every case of c2sp.org/tlog-witness, over real HTTP and as a process."""

import http.client
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from parvis.audit.cosignatures import find_cosignature
from parvis.audit.notes import Checkpoint, format_vkey, sign_note
from parvis.audit.tree import Frontier, Reader, consistency_proof, leaf_hash, root_at
from parvis.audit.verify import Cosigner, Malformed, Trust, read_cosignatures, split_note
from parvis.audit.witness import Request, Witness, create_witness, parse_head, parse_request
from parvis.audit.witness_server import WitnessServer
from parvis.errors import Conflict, InvalidRequest

ORIGIN = "parvis.test/audit/" + "a" * 32
LEAVES = [leaf_hash(bytes([at])) for at in range(40)]
OTHER = [*LEAVES[:9], *[leaf_hash(b"x" + bytes([at])) for at in range(31)]]
# the worked example of c2sp.org/tlog-cosignature
EXAMPLE = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    "\n\u2014 example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5"
    "/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)


def read_from(leaves: list[bytes]) -> Reader:
    def read(level: int, first: int, end: int) -> list[bytes]:
        assert level == 0
        return leaves[first:end]

    return read


class Log:
    """A log of forty leaves that can show any head and lie about any."""

    def __init__(self) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.vkey = format_vkey(ORIGIN, self.key.public_key().public_bytes_raw())

    def note(self, size: int, leaves: list[bytes] = LEAVES, origin: str = ORIGIN) -> str:
        text = Checkpoint(origin, size, root_at(read_from(leaves), size)).text
        return sign_note(text, origin, self.key)

    def ask(self, old: int, size: int, leaves: list[bytes] = LEAVES) -> bytes:
        proof = consistency_proof(read_from(leaves), old, size) if old <= size else []
        return Request(old, tuple(proof), self.note(size, leaves)).text.encode()


@pytest.fixture
def own() -> Log:
    return Log()


@pytest.fixture
def witness(tmp_path: Path, own: Log) -> Witness:
    made = create_witness(tmp_path / "witness", "audit.test/w1")
    (tmp_path / "witness" / "logs").write_text(f"# the commune's\n{own.vkey}\n")
    return made


def test_the_witness_signs_a_head_that_continues_the_last(witness: Witness, own: Log) -> None:
    for old, size in ((0, 1), (1, 7), (7, 7), (7, 40)):
        answer = witness.add_checkpoint(own.ask(old, size))
        assert answer.status == 200, answer
        found = find_cosignature(own.note(size), answer.body, witness.vkey)
        assert found is not None and found[1] > 1_700_000_000
    assert [(one[0], one[1]) for one in witness.list_seen()] == [(ORIGIN, 40)]


def test_the_witness_answers_each_wrong_request_as_the_specification_says(
    witness: Witness, own: Log
) -> None:
    stranger = Log()
    assert witness.add_checkpoint(own.ask(0, 9)).status == 200
    unknown = sign_note(Checkpoint("other.test/log", 1, LEAVES[0]).text, "other.test/log", own.key)
    wrong_proof = own.ask(9, 20).replace(b"old 9\n", b"old 9\n" + b"A" * 43 + b"=\n")
    for body, status in {
        Request(0, (), unknown).text.encode(): 404,
        stranger.ask(9, 12): 403,
        own.ask(12, 11): 400,
        own.ask(0, 12): 409,
        own.ask(8, 12): 409,
        wrong_proof: 422,
        own.ask(9, 20, [LEAVES[1], *LEAVES[1:]]): 422,
        b"old 09\n\n" + own.note(12).encode(): 400,
        b"old -1\n\n" + own.note(12).encode(): 400,
        b"new 9\n\n" + own.note(12).encode(): 400,
        b"old 9\n" + own.note(12).encode(): 400,
        b"old 9\n" + b"A" * 43 + b"\n\n" + own.note(12).encode(): 400,
        b"old 9\n" + (b"A" * 43 + b"=\n") * 64 + b"\n" + own.note(12).encode(): 400,
        b"old 9\n" + b"A" * 40 + b"\n\n" + own.note(12).encode(): 400,
        b"old 9\n\n": 400,
        b"": 400,
        b"\xff" * 40: 400,
    }.items():
        assert witness.add_checkpoint(body).status == status, body[:40]
    told = witness.add_checkpoint(own.ask(8, 12))
    assert (told.body, told.type) == ("9\n", "text/x.tlog.size")
    assert witness.list_seen()[0][1] == 9  # nothing that was refused is remembered


def test_a_request_holds_no_size_that_a_log_cannot_have(own: Log) -> None:
    note = own.note(12).encode()
    assert parse_request(b"old 9223372036854775807\n\n" + note).old == 2**63 - 1
    with pytest.raises(ValueError, match="not a size"):
        parse_request(b"old 9223372036854775808\n\n" + note)


def test_a_request_holds_at_most_sixty_three_hashes(own: Log) -> None:
    step, note = b"A" * 43 + b"=\n", own.note(12).encode()
    assert len(parse_request(b"old 9\n" + step * 63 + b"\n" + note).proof) == 63
    with pytest.raises(ValueError, match="not an add-checkpoint request"):
        parse_request(b"old 9\n" + step * 64 + b"\n" + note)


@pytest.mark.parametrize("lines", [1, 2])
def test_a_head_of_fewer_than_three_lines_is_none(own: Log, lines: int) -> None:
    """A key that signs lets nobody pass with half a head."""
    text = "\n".join(own.note(12).split("\n")[:lines]) + "\n"
    note = sign_note(text, ORIGIN, own.key)
    with pytest.raises(ValueError, match="not a checkpoint"):
        parse_head(note)


def test_the_witness_refuses_a_fork_and_a_rollback_and_keeps_the_evidence(
    witness: Witness, own: Log
) -> None:
    assert witness.add_checkpoint(own.ask(0, 20)).status == 200
    fork = witness.add_checkpoint(own.ask(20, 20, OTHER))
    assert fork.status == 409 and fork.type != "text/x.tlog.size"
    assert witness.add_checkpoint(own.ask(20, 30, OTHER)).status == 422
    assert witness.add_checkpoint(own.ask(19, 19)).status == 409
    assert witness.add_checkpoint(own.ask(20, 30)).status == 200
    refused = witness.list_refused()
    assert len(refused) == 2 and refused[0][3] == own.ask(20, 20, OTHER)


def test_the_first_head_needs_no_proof_and_takes_none(witness: Witness, own: Log) -> None:
    body = own.ask(0, 9).replace(b"old 0\n", b"old 0\n" + b"A" * 43 + b"=\n")
    assert witness.add_checkpoint(body).status == 422
    empty = Request(0, (), own.note(0)).text.encode()
    assert witness.add_checkpoint(empty).status == 200
    false = sign_note(Checkpoint(ORIGIN, 0, LEAVES[0]).text, ORIGIN, own.key)
    assert witness.add_checkpoint(Request(0, (), false).text.encode()).status in {409, 422}


def test_racing_requests_never_roll_a_witness_back(witness: Witness, own: Log) -> None:
    assert witness.add_checkpoint(own.ask(0, 5)).status == 200
    requests = [own.ask(5, size) for size in range(6, 26)]
    statuses: list[int] = []
    threads = [
        threading.Thread(
            target=lambda body=body: statuses.append(witness.add_checkpoint(body).status)
        )
        for body in requests
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] + [409] * 19


def test_a_witness_that_starts_again_remembers(witness: Witness, own: Log, tmp_path: Path) -> None:
    assert witness.add_checkpoint(own.ask(0, 20)).status == 200
    again = Witness(tmp_path / "witness")
    assert again.vkey == witness.vkey
    assert again.add_checkpoint(own.ask(0, 20)).status == 409
    with pytest.raises(Conflict):
        create_witness(tmp_path / "witness", "audit.test/w2")
    with pytest.raises(InvalidRequest):
        Witness(tmp_path / "nowhere")


def test_extension_lines_are_part_of_what_is_signed(witness: Witness, own: Log) -> None:
    text = Checkpoint(ORIGIN, 3, root_at(read_from(LEAVES), 3)).text + "more\n"
    note = sign_note(text, ORIGIN, own.key)
    answer = witness.add_checkpoint(Request(0, (), note).text.encode())
    assert answer.status == 200
    assert find_cosignature(note, answer.body, witness.vkey) is not None


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_bytes_make_the_request_reader_fail_otherwise(body: bytes) -> None:
    try:
        parse_request(body)
    except ValueError:
        pass


def test_the_cosignature_has_the_form_of_the_specification(witness: Witness, own: Log) -> None:
    line = witness.add_checkpoint(own.ask(0, 4)).body
    text, lines = split_note((EXAMPLE + line).encode())
    name, raw = lines[1]
    assert name == "audit.test/w1" and len(raw) == 4 + 8 + 64
    assert raw[:4] == Cosigner(witness.vkey).id
    with pytest.raises(Malformed):  # of another head
        Cosigner(witness.vkey).read_time(text, raw[4:])
    trust = Trust()
    trust.add_witness("w", witness.vkey)
    trust.set_quorum("w")
    assert read_cosignatures((own.note(4) + line).encode(), trust).keys() == {"w"}


@pytest.fixture
def address(witness: Witness) -> Iterator[tuple[str, int]]:
    with WitnessServer(witness, ("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield "127.0.0.1", server.server_address[1]
        server.shutdown()
        thread.join()


def test_the_witness_answers_over_one_kept_connection(address: tuple[str, int], own: Log) -> None:
    connection = http.client.HTTPConnection(*address, timeout=10)
    statuses = []
    for method, path, body in (
        ("POST", "/add-checkpoint", own.ask(0, 3)),
        ("POST", "/prefix/add-checkpoint", own.ask(3, 9)),
        ("POST", "/add-checkpoint", own.ask(3, 9)),
        ("POST", "/other", b""),
        ("GET", "/add-checkpoint", None),
    ):
        connection.request(method, path, body)
        answer = connection.getresponse()
        statuses.append((answer.status, answer.headers["Content-Type"]))
        answer.read()
    connection.request("POST", "/add-checkpoint", b"x" * 70_000)
    assert connection.getresponse().status == 413
    connection.close()
    plain = "text/plain; charset=utf-8"
    assert statuses == [
        *[(200, plain)] * 2,
        (409, "text/x.tlog.size"),
        (404, plain),
        (405, plain),
    ]


def test_the_witness_runs_as_a_command_of_its_own(tmp_path: Path, own: Log) -> None:
    run = [sys.executable, "-m", "parvis", "audit", "witness"]
    folder = ["--dir", str(tmp_path / "w")]
    init = [*run, "init", *folder, "--name", "audit.test/w9"]
    made = subprocess.run(init, capture_output=True, check=True, text=True, cwd=tmp_path)
    (tmp_path / "w" / "logs").write_text(own.vkey + "\n")
    serve = [*run, "serve", *folder, "--listen", "127.0.0.1:0"]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        assert process.stdout is not None
        vkey, url = process.stdout.readline().split()
        assert vkey == made.stdout.split()[0]
        host, _, port = url.removeprefix("http://").partition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=10)
        connection.request("POST", "/add-checkpoint", own.ask(0, 3))
        answer = connection.getresponse()
        line = answer.read().decode()
        connection.close()
        process.terminate()
    assert find_cosignature(own.note(3), line, vkey) is not None
    status = subprocess.run(
        [*run, "status", *folder], capture_output=True, check=True, text=True, cwd=tmp_path
    )
    assert f"signed   {ORIGIN} up to 3 records" in status.stdout


def test_a_frontier_and_the_reader_agree() -> None:
    frontier = Frontier()
    for leaf in LEAVES:
        frontier.append(leaf)
    assert frontier.root() == root_at(read_from(LEAVES), 40)
