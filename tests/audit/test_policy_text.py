"""The policy that an auditor prints: every key with its algorithm and fingerprint."""

from parvis.audit.cosignatures import format_cosigner_vkey
from parvis.audit.policy_text import format_policy, list_trusted
from parvis.audit.verify import load_policy
from tests.audit.houses import House, fill


def test_the_policy_names_the_algorithm_of_keys_whose_base64_has_a_plus(house: House) -> None:
    log = house.open()
    fill(log, 1)
    vkeys = [format_cosigner_vkey(f"office.example/{one}", bytes([one] * 32)) for one in range(256)]
    assert any(vkey.count("+") > 2 for vkey in vkeys)
    lines = [f"witness w{number} {vkey}" for number, vkey in enumerate(vkeys)]
    trust = load_policy("\n".join([*lines, "quorum w0", ""]).encode())[1]
    keys = list_trusted(log.reader, "commune", trust)
    assert {one.algorithm for one in keys if one.owner == "witness"} == {"Ed25519"}
    again = load_policy(format_policy(keys, trust).encode())[1]
    assert [one.vkey for one in again.witnesses.values()] == vkeys
