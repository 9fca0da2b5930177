"""The vectors for writers of verifiers: both of ours give the verdict that each is said to have."""

import json
from pathlib import Path

from deploy.bench.audit_vectors import make_vectors
from tests.audit.second_verifier import Second, both


def test_both_verifiers_give_every_vector_its_verdict(second: Second, tmp_path: Path) -> None:
    vectors = make_vectors(tmp_path)
    for vector in vectors:
        given = {"policy": vector.policy, "state": vector.state, "note": vector.note}
        files = {name: tmp_path / path for name, path in given.items() if path}
        line = vector.line or ""
        verdict, report = both(second, tmp_path / vector.name, printed=line, **files)
        assert verdict == vector.verdict, (vector, report["findings"])
    assert {vector.verdict for vector in vectors} == {
        *("INTACT", "INCOMPLETE", "TAMPERED", "UNVERIFIABLE")
    }


def test_the_vectors_are_the_same_every_time(tmp_path: Path) -> None:
    told = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        make_vectors(tmp_path / name)
        files = sorted(path for path in (tmp_path / name).rglob("*") if path.is_file())
        told.append({path.relative_to(tmp_path / name): path.read_bytes() for path in files})
    assert told[0] == told[1]
    assert len(json.loads(told[0][Path("vectors.json")])) > 25
