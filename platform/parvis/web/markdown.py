"""Model output to HTML that is safe to show: no raw HTML, no pictures, no active content.

Rendered once, here; a browser gets finished blocks. The same HTML serves the live stream, the page
without script and the clipboard.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

import nh3
from markdown_it import MarkdownIt

_TAGS = {
    *("p", "br", "hr", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a"),
    *("h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td"),
}
_ATTRIBUTES = {"a": {"href"}, "ol": {"start"}}
_SCHEMES = {"http", "https", "mailto"}
_DEEPEST_HEADING = 6
# the page's own headings go down to h3, so an answer's begin below
_HEADING_SHIFT = 3
_SCROLLS = '<div class="scroll" tabindex="0" role="group">'


def _build_parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False, "maxNesting": 20})
    return parser.enable(["table", "strikethrough"]).disable(["image", "html_block", "html_inline"])


_PARSER = _build_parser()


def render_markdown(text: str) -> str:
    """Sanitised HTML of `text`; headings begin at h4, wide blocks scroll inside themselves."""
    tokens = _PARSER.parse(text)
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            level = min(int(token.tag[1]) + _HEADING_SHIFT, _DEEPEST_HEADING)
            token.tag = f"h{level}"
    rendered = _PARSER.renderer.render(tokens, _PARSER.options, {})
    clean = nh3.clean(
        rendered,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes=_SCHEMES,
        link_rel="noopener noreferrer nofollow",
    )
    # nh3 writes these tags in one form only, and `<` in text and addresses is escaped
    for opening, closing in (("<table>", "</table>"), ("<pre>", "</pre>")):
        clean = clean.replace(opening, _SCROLLS + opening).replace(closing, closing + "</div>")
    return clean


class BlockStream:
    """Cuts a growing text into finished blocks (as HTML) and the unfinished rest (as text)."""

    def __init__(self) -> None:
        self._rest = ""

    @property
    def rest(self) -> str:
        """The text of the block that is not finished yet."""
        return self._rest

    def feed(self, delta: str) -> Iterator[str]:
        """HTML of each block that `delta` finished."""
        self._rest += delta.replace("\r", "")
        # only a line end can finish a block
        if "\n" not in delta:
            return
        # not splitlines(): the parser knows one line end only
        lines = re.split(r"(?<=\n)", self._rest)
        starts = list(_block_starts(self._rest))
        for start, end in pairwise(starts):
            yield render_markdown("".join(lines[start:end]))
        if len(starts) > 1:
            self._rest = "".join(lines[starts[-1] :])

    def flush(self) -> Iterator[str]:
        """HTML of what is left; nothing when nothing is."""
        rest, self._rest = self._rest, ""
        if rest.strip():
            yield render_markdown(rest)


def _block_starts(text: str) -> Iterator[int]:
    """The lines on which the outermost blocks begin."""
    for token in _PARSER.parse(text):
        if token.level == 0 and token.map is not None and token.nesting >= 0:
            yield token.map[0]
