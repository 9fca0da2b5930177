"""Notes, keys and trees of others: what they published opens here, in both verifiers.

Sources: the example of c2sp.org/signed-note (golang.org/x/mod/sumdb/note); a checkpoint of the Go
checksum database, sum.golang.org, of January 2023 with the line of a test witness, from
github.com/google/trillian-examples, witness/golang/cmd/addrwitness/README.md; the tree of RFC 6962
as in the tests of certificate-transparency. The text of such a note is a fact, not a work.
"""

import base64
import json

import pytest

from parvis.audit import verify
from parvis.audit.notes import NoteInvalid, open_note
from tests.audit.second_verifier import run_script
from tests.audit.test_notes import PETER, PETERS_NOTE, PETERS_TEXT
from tests.audit.test_tree import CT_LEAVES, CT_ROOTS

GO_KEY = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
GO_NOTE = (
    "go.sum database tree\n15067302\ngJyioq6dwR9n+NjEWORfYmH+ubeYm3kH42BBQ0bTpYI=\n\n"
    "\u2014 sum.golang.org Az3grp1rvWOs5NKlr/xR4GLN/CDyzzakmt1o61uSxYKpK1SerqOP2ClbX/peKUZjYnyo"
    "mH5Xz7GZG3TpB7OeKn4E2ww=\n"
    "\u2014 test.example.com qTGhC/xIPQ0AXKHK6Y+9ypRfuvMZWPjRXM8NiOg5M1WREn07VQXyuIXM3NRNav3ieVF"
    "LUqDRK77PWDmL6w8w84UqeAw=\n"
)
OPEN = """
import { readFileSync } from "node:fs";
const { hasSigned, parseKey, splitNote, isIncluded, leafHash, hex, Tree } = globalThis.parvisFormat;
const told = JSON.parse(readFileSync(0, "utf8"));
const opened = [];
for (const [note, vkey] of told.notes) {
  try {
    const found = splitNote(new TextEncoder().encode(note));
    opened.push((await hasSigned(parseKey(vkey), found)) ? found.body : null);
  } catch {
    opened.push(null);
  }
}
const tree = new Tree();
const roots = [hex(tree.root())];
for (const leaf of told.leaves) {
  tree.append(leafHash(Buffer.from(leaf, "base64")));
  roots.push(hex(tree.root()));
}
console.log(JSON.stringify({ opened, roots }));
"""


def broken(note: str) -> list[str]:
    """Neighbours of a good note: another size, no witness's form, a cut line."""
    return [note.replace("\n15067302\n", "\n15067303\n"), note[:-2], note.replace("\u2014", "-")]


def test_a_checkpoint_of_a_public_log_opens_under_its_published_key() -> None:
    text = verify.open_note(GO_NOTE.encode(), verify.Key(GO_KEY))
    origin, size, root = verify.parse_checkpoint(text)
    assert (origin, size) == ("go.sum database tree", 15067302)
    assert base64.b64encode(root).decode() in GO_NOTE
    key = verify.Key(GO_KEY)
    assert open_note(GO_NOTE, "sum.golang.org", key.public)[0] == text
    for note in broken(GO_NOTE):
        with pytest.raises(verify.Malformed):
            verify.open_note(note.encode(), key)
        with pytest.raises(NoteInvalid):
            open_note(note, "sum.golang.org", key.public)


def test_the_second_verifier_reads_the_same_notes_and_trees() -> None:
    notes = [(GO_NOTE, GO_KEY), (PETERS_NOTE, PETER), (GO_NOTE, PETER)]
    notes += [(note, GO_KEY) for note in broken(GO_NOTE)]
    leaves = [base64.b64encode(leaf).decode() for leaf in CT_LEAVES]
    found = run_script(OPEN, told=json.dumps({"notes": notes, "leaves": leaves}))
    go_text = GO_NOTE.partition("\n\n")[0] + "\n"
    assert found["opened"] == [go_text, PETERS_TEXT, None, None, None, None]
    assert found["roots"] == CT_ROOTS


def test_the_first_verifier_builds_the_published_tree() -> None:
    tree = verify.Tree()
    for leaf, root in zip([None, *CT_LEAVES], CT_ROOTS, strict=True):
        if leaf is not None:
            tree.append(verify.leaf_hash(leaf))
        assert tree.root().hex() == root


def test_blocks_of_256_build_the_tree_that_single_leaves_build() -> None:
    leaves = [verify.leaf_hash(b"%d" % at) for at in range(256 * 5 + 3)]
    one, other = verify.Tree(), verify.Tree()
    for at in range(0, 256 * 5, 256):
        other.append_block(b"".join(leaves[at : at + 256]))
    for leaf in leaves[: 256 * 5]:
        one.append(leaf)
    assert one.root() == other.root() and one.full == other.full and one.size == other.size
    for leaf in leaves[256 * 5 :]:
        one.append(leaf)
        other.append(leaf)
    assert one.root() == other.root()
