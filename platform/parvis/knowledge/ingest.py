"""An agency's Markdown text cut into passages along its headings. Knows no database."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from parvis.domain import DataLevel, Language

MAX_CHARS = 1000
# part of every digest: raise it when the way of cutting or encoding changes, and all is read anew
_CUTTING = "2"
_TITLE_CHARS = 300
_HEADING = re.compile(r"^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$")
_FENCE = re.compile(r"^ {0,3}(```|~~~)")
_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+")


@dataclass(frozen=True, slots=True)
class SourceText:
    """A text of an agency as it lies in its folder, with what passages must say of it."""

    source_id: str
    title: str
    url: str
    language: Language
    level: DataLevel
    controller: str
    markdown: str


@dataclass(frozen=True, slots=True)
class Section:
    """A passage to be: the trail of headings above it, and its text."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Hide:
    """How personal data is left out of the vectors of texts that are not public.

    `detector` names its version: another one reads the texts anew. `leave_out` raises when it
    cannot search, and nothing is stored then.
    """

    detector: str
    leave_out: Callable[[str], str]


def digest_source(source: SourceText, encoder_digest: str, hide: Hide | None = None) -> str:
    """SHA-256 (hex) of everything that the stored passages depend on."""
    facts = [
        *([hide.detector] if hide and source.level > DataLevel.PUBLIC else []),
        *(_CUTTING, encoder_digest, source.title, source.url, source.language),
        *(int(source.level), source.controller, source.markdown),
    ]
    return hashlib.sha256(json.dumps(facts, ensure_ascii=False).encode()).hexdigest()


def cut_source(source: SourceText) -> list[Section]:
    """The passages of a text: one section each, or several of about MAX_CHARS characters."""
    sections = []
    for trail, body in _split_at_headings(source.markdown):
        title = " › ".join(trail if trail[:1] == [source.title] else [source.title, *trail])
        sections += [Section(title[:_TITLE_CHARS], text) for text in cut_text(body)]
    # a text of headings alone is still a text: what it says is its title
    return sections or [Section(source.title[:_TITLE_CHARS], source.title)]


def cut_text(text: str, limit: int = MAX_CHARS) -> list[str]:
    """Pieces of at most `limit` characters: cut at blank lines, else lines, else sentences."""
    pieces: list[str] = []
    for block in re.split(r"\n\s*\n", text.strip()):
        for part in _shorten(block.strip("\n"), limit):
            if pieces and len(pieces[-1]) + 2 + len(part) <= limit:
                pieces[-1] += "\n\n" + part
            elif part.strip():
                pieces.append(part)
    return pieces


def _split_at_headings(markdown: str) -> Iterator[tuple[list[str], str]]:
    text = markdown.replace("\r\n", "\n").removeprefix("\ufeff")
    text = _COMMENT.sub("", _FRONT_MATTER.sub("", text))
    trail: list[tuple[int, str]] = []
    body: list[str] = []
    fenced = False
    for line in [*text.split("\n"), None]:
        if line is not None and _FENCE.match(line):
            fenced = not fenced
        heading = None if line is None or fenced else _HEADING.match(line)
        if line is not None and heading is None:
            body.append(line)
            continue
        if any(part.strip() for part in body):
            yield [name for _, name in trail], "\n".join(body)
        body = []
        if heading is not None:
            depth = len(heading.group(1))
            trail = [step for step in trail if step[0] < depth] + [(depth, heading.group(2))]


def _shorten(block: str, limit: int) -> Iterator[str]:
    if len(block) <= limit:
        yield block
        return
    separator, parts = ("\n", block.split("\n"))
    if len(parts) == 1:
        separator, parts = (" ", _SENTENCE_END.split(block))
    if len(parts) == 1:
        yield from _cut_hard(block, limit)
        return
    held = ""
    for part in parts:
        if held and len(held) + len(separator) + len(part) > limit:
            yield from _shorten(held, limit)
            held = part
        else:
            held = f"{held}{separator}{part}" if held else part
    if held:
        yield from _shorten(held, limit)


def _cut_hard(text: str, limit: int) -> Iterator[str]:
    """A single endless sentence, cut at spaces where there are any."""
    while len(text) > limit:
        cut = text.rfind(" ", limit // 2, limit)
        cut = cut if cut > 0 else limit
        yield text[:cut].rstrip()
        text = text[cut:].lstrip()
    if text:
        yield text
