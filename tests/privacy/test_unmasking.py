"""Values come back in a streamed answer: across any cut, never inside an address."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parvis.privacy import JsonUnmasker, Unmasker, restore, restore_json

NAME, MAIL = "[PERSON_1_bcdf]", "[EMAIL_2_bcdf]"
MAPPING = {
    NAME: "Jean Dupont",
    "[PERSON_1b_bcdf]": "Dupont",
    MAIL: 'j"d@post.example',
    "[DATE_OF_BIRTH_1_bcdf]": "12.03.1980",
}


def stream(pieces: list[str], kind: type[Unmasker] = Unmasker) -> str:
    unmasker = kind(MAPPING)
    return "".join([*map(unmasker.feed, pieces), unmasker.flush()])


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (f"Bonjour {NAME}, écrivez à {MAIL}.", 'Bonjour Jean Dupont, écrivez à j"d@post.example.'),
        ("[person_1_BCDF]", "Jean Dupont"),
        ("[PERSON 1 bcdf]", "Jean Dupont"),
        ("[ Person-1-bcdf ]", "Jean Dupont"),
        (r"\[PERSON\_1\_bcdf\]", "Jean Dupont"),
        (r"C:\Users\[PERSON_1_bcdf]\mail", r"C:\Users\Jean Dupont\mail"),
        (r"C:\\Users\\[PERSON_1_bcdf]\\mail", r"C:\\Users\\Jean Dupont\\mail"),
        ("[DATE OF BIRTH 1 bcdf]", "12.03.1980"),
        ("[PERSON_1b_bcdf]", "Dupont"),
        ("[PERSON_1c_bcdf]", "Jean Dupont"),
        ("[PERSON_1_bcdf]s Antrag", "Jean Duponts Antrag"),
        (f"**{NAME}**", "**Jean Dupont**"),
        (f"[{NAME}](https://x.example)", "[Jean Dupont](https://x.example)"),
        (f"{NAME} <{MAIL}>", 'Jean Dupont <j"d@post.example>'),
        (f"To: <{MAIL}>,", 'To: <j"d@post.example>,'),
        (f"{NAME}.Merci", "Jean Dupont.Merci"),
        (f"{NAME}/{NAME}", "Jean Dupont/Jean Dupont"),
        ("[PERSON_2_bcdf]", "[PERSON_2_bcdf]"),
        ("[PERSON_1_bcdg]", "[PERSON_1_bcdg]"),
        ("[PERSON_1_", "[PERSON_1_"),
        ("a [b] [", "a [b] ["),
    ],
)
def test_a_reader_sees_values_where_the_model_wrote_placeholders(written: str, shown: str) -> None:
    assert restore(written, MAPPING) == shown


ADDRESSES = [
    f"https://evil.example/?q={NAME}",
    f"www.evil.example/{NAME}",
    f"[click](https://evil.example/{NAME})",
    f"[click](<https://evil.example/ {NAME}>)",
    f'[click](/x "{NAME}")',
    f"![x](//evil.example/{NAME}.png)",
    f"<https://evil.example/{NAME}>",
    f"<{NAME}>",
    f"<{MAIL}?subject=x>",
    f"<mailto:{MAIL}>",
    f"<{MAIL} >",
    f"[x](<{MAIL}>)",
    f"[ref]: <{MAIL}>",
    f"href=<{MAIL}>",
    f'<a href="https://evil.example/{NAME}">x</a>',
    f"mailto:{NAME}",
    f"tel:{NAME}",
    f"{NAME}@evil.example",
    f"{NAME}s@evil.example",
    f"{NAME}.evil.example",
    f"{NAME}.evil/x",
    f"x@{NAME}",
    f"[ref]: /path/{NAME}",
    f"evil.example/{NAME}",
    f"javascript:go('{NAME}')",
]


@pytest.mark.parametrize("written", ADDRESSES)
def test_a_placeholder_inside_an_address_stays_and_one_beside_it_is_restored(written: str) -> None:
    assert restore(written, MAPPING) == written
    beside = f"{written}\n\nvon {NAME}"
    assert restore(beside, MAPPING) == f"{written}\n\nvon Jean Dupont"


def test_an_open_quote_in_a_tag_keeps_the_placeholder_past_an_empty_line() -> None:
    written = f"<img src='/x\n\n{NAME}'>"
    assert restore(written, MAPPING) == written
    assert restore(f"{written} {NAME}", MAPPING) == f"{written} Jean Dupont"


WRITTEN = st.lists(
    st.sampled_from(
        [NAME, MAIL, "[person 1 bcdf]", "[PERSON_9_bcdf]", "[", "]", "(", ")", "<", ">", "\\", " ",
         "\n", "http://e.example/", "www.", "@", ".", "x", '"', "a=", "PERSON", "_1_", "bcdf",
         "](", "/", "?q="]
    ),
    max_size=14,
).map("".join)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(text=WRITTEN, data=st.data())
def test_every_cut_of_the_stream_shows_the_same(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    whole = restore(text, MAPPING)
    assert stream(pieces) == whole
    assert stream(list(text)) == whole
    assert stream(pieces, JsonUnmasker) == restore_json(text, MAPPING)
    assert stream(list(text), JsonUnmasker) == restore_json(text, MAPPING)


def test_a_stream_holds_back_no_more_than_a_possible_placeholder() -> None:
    unmasker = Unmasker(MAPPING)
    assert unmasker.feed("Bonjour [") == "Bonjour "
    assert unmasker.feed("voir annexe 3] et ") == "[voir annexe 3] et "
    assert unmasker.feed("[PERSON_1_") == ""
    assert unmasker.feed("bcdf], ") == "Jean Dupont, "
    assert unmasker.flush() == ""


def test_tool_arguments_stay_json_and_get_their_values() -> None:
    written = json.dumps({"to": MAIL, "name": f"{NAME}\n{NAME}", "url": f"http://e.example/{NAME}"})
    shown = json.loads(restore_json(written, MAPPING))
    assert shown == {
        "to": 'j"d@post.example',
        "name": "Jean Dupont\nJean Dupont",
        "url": f"http://e.example/{NAME}",
    }


def test_an_escaped_address_in_tool_arguments_is_seen_through() -> None:
    for slash in ("\\/", "\\u002f"):
        written = f'{{"url": "http:{slash}{slash}e.example{slash}{NAME}"}}'
        assert restore_json(written, MAPPING) == written
