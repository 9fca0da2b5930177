"""What a worker that was taken over gets the writer to sign or to keep: no head of any log."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from parvis.audit.notes import Checkpoint, sign_note
from tests.audit.houses import House, fill

OTHER = "parvis.test/audit/" + "b" * 32
ROOT = base64.b64encode(bytes(32)).decode()


def test_the_writer_signs_lists_and_nothing_that_reads_as_a_head(house: House) -> None:
    log = house.open()
    fill(log, 1)
    origin = log.get_log("commune").origin
    assert log.sign_note("commune", "a list\n").startswith("a list\n\n")
    for text in (
        f"{origin}\n9\n{ROOT}\n",
        f"{origin}\n9\n{ROOT}\nwith a line more\n",
        f"{origin}\n",
        origin,
        f"{OTHER}\n9\n{ROOT}\n",
    ):
        with pytest.raises(ValueError, match="checkpoint"):
            log.sign_note("commune", text)


def test_the_writer_keeps_no_head_that_the_logs_key_did_not_sign(house: House) -> None:
    log = house.open()
    fill(log, 1)
    heads = house.audit_dir / "heads" / "heads.json"
    row = log.get_log("commune")
    head = Checkpoint(row.origin, 99, bytes(32))
    forged = sign_note(head.text, row.origin, Ed25519PrivateKey.generate())
    other = sign_note(Checkpoint(OTHER, 99, bytes(32)).text, OTHER, Ed25519PrivateKey.generate())
    whole = log.reader.get_head("commune").note
    for note, words in (
        (forged, "not signed by the log's key"),
        (other, "not a head of this log"),
        (head.text, "not a head of this log"),
        (whole, "a head of another size"),
    ):
        with pytest.raises(ValueError, match=words):
            log._call("publish", "commune", 99, note)
    assert log._call("publish", "commune", 3, whole).startswith(whole)
    house.close()
    assert "\\n99\\n" not in heads.read_text()
    fill(house.open(), 1)  # a head of 99 records would have stopped it here
