"""Markdown cut into passages."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parvis.domain import DataLevel
from parvis.knowledge.ingest import MAX_CHARS, Section, cut_source, cut_text, digest_source
from tests.knowledge.conftest import source

TEXT = """---
owner: somebody
---
Before any heading.

# A title
<!-- a note
for editors -->
First.

## Price ##
14 euros.

### Children
10 euros.

## Empty

## Code
```
# not a heading
```
"""


def test_each_heading_makes_a_passage_with_its_trail() -> None:
    assert cut_source(source("s", TEXT)) == [
        Section("A title", "Before any heading."),
        Section("A title", "First."),
        Section("A title › Price", "14 euros."),
        Section("A title › Price › Children", "10 euros."),
        Section("A title › Code", "```\n# not a heading\n```"),
    ]


def test_title_of_the_source_goes_before_headings_that_lack_it() -> None:
    sections = cut_source(source("s", "# Other\ntext", title="Source"))
    assert sections == [Section("Source › Other", "text")]


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_line_ends_and_byte_order_mark_make_no_difference(line_end: str) -> None:
    text = "\ufeff# A title" + line_end + "one" + line_end * 2 + "two"
    assert cut_source(source("s", text)) == [Section("A title", "one\n\ntwo")]


def test_text_of_headings_alone_is_found_by_its_title() -> None:
    assert cut_source(source("s", "# One\n## Two\n")) == [Section("A title", "A title")]


def test_endless_title_fits_its_column() -> None:
    [section] = cut_source(source("s", f"# {'x' * 900}\ntext"))
    assert len(section.title) == 300


def test_long_sections_are_cut_between_paragraphs_then_lines_then_sentences() -> None:
    paragraphs = "\n\n".join(f"{n} " + "a" * 400 for n in range(4))
    assert [len(piece) for piece in cut_text(paragraphs)] == [806, 806]
    lines = "\n".join(f"- {n} " + "b" * 300 for n in range(4))
    assert all(piece.startswith("- ") for piece in cut_text(lines))
    sentences = " ".join(f"Sentence {n} " + "c" * 300 + "." for n in range(4))
    assert all(piece.startswith("Sentence") for piece in cut_text(sentences))


@given(st.text(alphabet="ab .\n#", max_size=6000))
def test_no_piece_is_too_long_and_no_word_is_lost(text: str) -> None:
    pieces = cut_text(text)
    assert all(0 < len(piece) <= MAX_CHARS for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())


def test_digest_changes_with_everything_that_passages_say() -> None:
    first = source("s", "text")
    changes = (
        {"title": "Another"},
        {"url": "https://valbourg.example/other"},
        {"language": "fr"},
        {"level": DataLevel.PERSONAL},
        {"controller": "habitat"},
        {"markdown": "text."},
    )
    digests = {
        digest_source(dataclasses.replace(first, **change), "e")  # type: ignore[arg-type]
        for change in changes
    }
    digests |= {digest_source(first, "e"), digest_source(first, "other encoder")}
    assert len(digests) == len(changes) + 2
