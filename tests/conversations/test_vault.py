"""The vault on real databases: sealed, owned, shared by processes, gone with the conversation."""

import dataclasses
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlmodel import select

from parvis.assistant.hiding import hide_with_vault
from parvis.conversations.store import Conversations
from parvis.conversations.vault import Vault
from parvis.db import create_database_engine, open_session, upgrade_database
from parvis.domain import NumberedValue, Principal, Role
from parvis.errors import Conflict, NotFound, PersonalDataRefused, PrivacyUnavailable
from parvis.keystore import KeyStore
from parvis.privacy.conflicts import Finding
from parvis.privacy.entities import Label
from parvis.privacy.masking import Analysed, Masked, mask_texts
from parvis.privacy.normalise import clean
from parvis.tables import VaultValueRow
from parvis.tenancy.config import Hiding

ANNA = Principal("valbourg", "anna", "portal", "person", frozenset({Role.CIVIL_SERVANT}))
BEN = dataclasses.replace(ANNA, subject="ben")
ANNA_ELSEWHERE = dataclasses.replace(ANNA, tenant_id="elsewhere")
DUPONT = NumberedValue("PERSON", 1, 0, "Jean Dupont")
DUPONT_AGAIN = NumberedValue("PERSON", 1, 1, "M. Dupont")
WEBER = NumberedValue("PERSON", 2, 0, "Lena Weber")


@dataclasses.dataclass
class House:
    """A database, its keys, and what stands on both."""

    url: str
    keys: Path
    root: bytes

    def __post_init__(self) -> None:
        self.engine = create_database_engine(self.url)
        upgrade_database(self.engine)
        self.keystore = KeyStore(self.keys, self.root)
        self.conversations = Conversations(self.engine, self.keystore)
        self.vault = Vault(self.engine, self.keystore)

    def start(self) -> str:
        return self.conversations.start_conversation(ANNA, "desk", "de", days=30)

    def close(self) -> None:
        self.keystore.close()
        self.engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    url = f"sqlite:///{tmp_path / 'app.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    built = House(url, tmp_path / "keys.db", os.urandom(32))
    yield built
    built.close()


def mask_names(names: list[str], numbered: tuple[NumberedValue, ...] = ()) -> Masked:
    """What the engine would make of a text in which these names stand, one a line."""
    texts = [Analysed(n, clean(n), (Finding(0, len(n), Label.PERSON, 1.0, "t"),)) for n in names]
    return mask_texts(texts, b"k" * 32, "test", numbered)


def test_another_worker_and_a_restart_find_the_same_numbering(house: House) -> None:
    conversation = house.start()
    seen = house.vault.load(ANNA, conversation)
    assert (seen.values, seen.batches) == ((), 0)
    house.vault.add(ANNA, conversation, seen, [DUPONT, DUPONT_AGAIN])
    house.vault.add(ANNA, conversation, house.vault.load(ANNA, conversation), [WEBER])
    other = House(house.url, house.keys, house.root)
    found = other.vault.load(ANNA, conversation)
    assert (found.values, found.batches) == ((DUPONT, DUPONT_AGAIN, WEBER), 2)
    other.close()


def test_a_value_is_never_in_the_database_in_clear(house: House) -> None:
    conversation = house.start()
    house.vault.add(ANNA, conversation, house.vault.load(ANNA, conversation), [DUPONT])
    with open_session(house.engine) as session:
        row = session.exec(select(VaultValueRow)).one()
    assert b"Dupont" not in row.sealed_value
    assert re.fullmatch("[0-9a-f]{64}", row.value_hash)
    second = house.start()
    house.vault.add(ANNA, second, house.vault.load(ANNA, second), [DUPONT])
    with open_session(house.engine) as session:
        hashes = session.exec(select(VaultValueRow.value_hash)).all()
    # the same name in two conversations cannot be told to be the same
    assert len(set(hashes)) == 2


@pytest.mark.parametrize("stranger", [BEN, ANNA_ELSEWHERE], ids=["colleague", "other agency"])
def test_a_stranger_finds_no_vault(house: House, stranger: Principal) -> None:
    conversation = house.start()
    assert house.vault.load(ANNA, conversation).values == ()
    with pytest.raises(NotFound):
        house.vault.load(stranger, conversation)


def test_who_has_not_seen_everything_cannot_add(house: House) -> None:
    conversation = house.start()
    seen = house.vault.load(ANNA, conversation)
    house.vault.add(ANNA, conversation, seen, [DUPONT])
    with pytest.raises(Conflict):
        house.vault.add(ANNA, conversation, seen, [NumberedValue("EMAIL", 1, 0, "a@b.example")])
    assert house.vault.load(ANNA, conversation).values == (DUPONT,)


@pytest.mark.parametrize(
    "second",
    [NumberedValue("PERSON", 1, 0, "Lena Weber"), NumberedValue("PERSON", 2, 0, "Jean Dupont")],
    ids=["one placeholder, two values", "one value, two placeholders"],
)
def test_the_database_itself_refuses_a_broken_numbering(
    house: House, second: NumberedValue
) -> None:
    conversation = house.start()
    house.vault.add(ANNA, conversation, house.vault.load(ANNA, conversation), [DUPONT])
    with pytest.raises(Conflict):
        house.vault.add(ANNA, conversation, house.vault.load(ANNA, conversation), [second])


def test_the_vault_ends_with_its_conversation(house: House) -> None:
    kept, deleted, expired, erased = (house.start() for _ in range(4))
    for one in (kept, deleted, expired, erased):
        house.vault.add(ANNA, one, house.vault.load(ANNA, one), [DUPONT])
    house.conversations.delete_conversation(ANNA, deleted)
    house.keystore.destroy_key("valbourg", "conversation", erased)
    with house.engine.begin() as connection:
        past = datetime.now(UTC) - timedelta(days=1)
        statement = text("UPDATE conversation SET expires_at = :past WHERE id = :id")
        connection.execute(statement, {"past": past, "id": expired})
    for one in (deleted, expired, erased):
        with pytest.raises(NotFound):
            house.vault.load(ANNA, one)
    over = house.conversations.list_facts("valbourg", expired_at=datetime.now(UTC))
    house.conversations.delete_conversations("valbourg", [facts.id for facts in over])
    with open_session(house.engine) as session:
        left = {row.conversation_id for row in session.exec(select(VaultValueRow))}
    assert left == {kept, erased}
    assert house.vault.load(ANNA, kept).values == (DUPONT,)


def test_a_value_moved_to_another_placeholder_stops_everything(house: House) -> None:
    conversation = house.start()
    house.vault.add(ANNA, conversation, house.vault.load(ANNA, conversation), [DUPONT, WEBER])
    assert len(house.vault.load(ANNA, conversation).values) == 2
    with house.engine.begin() as connection:
        connection.execute(text("UPDATE vault_value SET number = 7 WHERE number = 2"))
    with pytest.raises(PrivacyUnavailable):
        house.vault.load(ANNA, conversation)


def test_a_database_that_is_gone_stops_everything(house: House) -> None:
    conversation = house.start()
    with house.engine.begin() as connection:
        connection.execute(text("DROP TABLE vault_value"))
    with pytest.raises(PrivacyUnavailable):
        house.vault.load(ANNA, conversation)


def test_later_turns_go_on_numbering_where_earlier_ones_stopped(house: House) -> None:
    conversation = house.start()

    def turn(*names: str) -> tuple[str, ...]:
        hidden = hide_with_vault(
            house.vault, ANNA, conversation, Hiding(), lambda known: mask_names([*names], known)
        )
        assert {hidden.mapping[text] for text in hidden.texts} == set(names)
        return hidden.texts

    first = turn("Jean Dupont", "Lena Weber")
    # the history has moved on: the first names are not in it any more
    assert turn("Emil Muller", "Lena Weber")[1] == first[1]
    assert turn("Jean Dupont", "Dupont")[0] == first[0]
    assert {one.number for one in house.vault.load(ANNA, conversation).values} == {1, 2, 3}


def test_a_later_turn_restores_what_an_early_one_named(house: House) -> None:
    conversation = house.start()
    profile = Hiding()
    early = hide_with_vault(
        house.vault, ANNA, conversation, profile, lambda known: mask_names(["Jean Dupont"], known)
    )
    late = hide_with_vault(
        house.vault, ANNA, conversation, profile, lambda known: mask_names(["Lena Weber"], known)
    )
    assert late.build_restorer("en").restore(early.texts[0]) == "Jean Dupont"
    assert late.counts == {"PERSON": 1}


def test_what_is_refused_or_passes_is_not_kept(house: House) -> None:
    conversation = house.start()
    for profile in (Hiding(profile="block"), Hiding(profile="pass")):
        if profile.profile == "block":
            with pytest.raises(PersonalDataRefused):
                hide_with_vault(
                    house.vault,
                    ANNA,
                    conversation,
                    profile,
                    lambda known: mask_names(["A B"], known),
                )
        else:
            hide_with_vault(
                house.vault, ANNA, conversation, profile, lambda known: mask_names(["A B"], known)
            )
    assert house.vault.load(ANNA, conversation).values == ()


# One process imports everything and forks the writers. Each adds names of its own and some that
# all share, as turns at the same moment would.
WRITERS = """
import os, sys
from pathlib import Path
from tests.conversations.test_vault import ANNA, House, mask_names
from parvis.assistant.hiding import hide_with_vault
from parvis.tenancy.config import Hiding

url, keys, root, conversation = sys.argv[1:]

def write(mine, go):
    house = House(url, Path(keys), bytes.fromhex(root))
    os.read(go, 1)
    for sign in "abcdefgh":
        names = [f"{mine} {sign}xyz", f"Shared {sign}xyz"]
        hidden = hide_with_vault(
            house.vault, ANNA, conversation, Hiding(), lambda known: mask_names(names, known)
        )
        pairs = zip(hidden.texts, names)
        os.write(1, "".join(f"{one} {name}\\n" for one, name in pairs).encode())
    house.close()

go, ready = os.pipe()
children = []
for mine in ("Anna", "Bert", "Carl"):
    child = os.fork()
    if child == 0:
        status = 1
        try:
            write(mine, go)
            status = 0
        finally:
            os._exit(status)
    children.append(child)
os.write(ready, b"...")
sys.exit(max(os.waitpid(child, 0)[1] for child in children) and 1)
"""


def test_processes_at_once_never_give_one_placeholder_to_two_values(house: House) -> None:
    conversation = house.start()
    arguments = [house.url, str(house.keys), house.root.hex(), conversation]
    told = subprocess.run(
        [sys.executable, "-c", WRITERS, *arguments],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        timeout=120,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    pairs = [tuple(line.split(" ", 1)) for line in told.stdout.splitlines()]
    assert len(pairs) == 3 * 8 * 2
    by_placeholder, by_value = dict(pairs), {value: one for one, value in pairs}
    assert len(by_placeholder) == len(set(pairs)) == len(by_value) == 3 * 8 + 8
    stored = house.vault.load(ANNA, conversation).values
    assert {one.value for one in stored} == set(by_value)
    assert sorted(one.number for one in stored) == list(range(1, 33))
