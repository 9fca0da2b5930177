"""Values put back into a model's answer while it streams, and into tool-call arguments.

A placeholder is restored only when it is in this mapping. Never inside an address that the model
wrote (`link_sense`), and a restored value is never read again.
"""

import json
import re
from bisect import bisect_left
from collections.abc import Mapping

from parvis.privacy.entities import Label
from parvis.privacy.link_sense import LinkSense, is_address_after
from parvis.privacy.placeholders import MAX_LENGTH, SHAPE, canonical, canonical_base, fold_start

_START = re.compile(r"\\?\[|\\\Z")
_FORM = re.compile(r"(_[0-9]+)[A-Z]{1,3}(?=_|\Z)")


class Unmasker:
    """Restores one streamed text; the result is the same however the stream is cut.

    Holds back only what may still be a placeholder, and the word glued to one. One for each
    stream; not for sharing between threads.
    """

    def __init__(self, mapping: Mapping[str, str]) -> None:
        self._mapping = mapping
        self._starts = sorted({fold_start(placeholder) for placeholder in mapping})
        self._pending = ""
        self._sense = LinkSense()

    def feed(self, delta: str) -> str:
        """What may be shown now that `delta` has come."""
        self._pending += delta
        return self._advance(final=False)

    def settle(self) -> str:
        """What was held back only for what might follow; call where something else comes between.
        The beginning of a placeholder waits on: its rest may come after that."""
        return self._advance(final=True, open_end=True)

    def flush(self) -> str:
        """What was held back; call at the end of the stream, also after a failure."""
        return self._advance(final=True)

    def _advance(self, *, final: bool, open_end: bool = False) -> str:
        shown: list[str] = []
        while self._pending:
            start = _START.search(self._pending)
            plain = len(self._pending) if start is None else start.start()
            if plain:
                shown.append(self._show(plain))
                continue
            step = self._step(final=final, open_end=open_end or not final)
            if step is None:
                break
            shown.append(step)
        return "".join(shown)

    def _step(self, *, final: bool, open_end: bool) -> str | None:
        """Deal with a possible placeholder at the front; None while it cannot be judged."""
        match = SHAPE.match(self._pending)
        if match is None:
            return None if open_end and self._may_become_one() else self._show(1)
        value = self._find_value(match)
        if value is not None and self._sense.in_angles and _is_email(match):
            return self._step_in_angles(value, match.end(), final=final)
        if value is None or self._sense.inside:
            return self._show(match.end())
        after = is_address_after(self._read_on(match.end()), final=final)
        if after is None:
            return None
        return self._show(match.end()) if after else self._put(value, match.end())

    def _step_in_angles(self, value: str, length: int, *, final: bool) -> str | None:
        """`Name <[EMAIL_1_k7fq]>` as in the head of a letter: restored when nothing else stands
        between the angles. A click then opens a mail to the very person the address belongs to;
        nothing is loaded, and no third party learns it."""
        following = self._read_on(length)
        if not following and not final:
            return None
        return self._put(value, length) if following[:1] == ">" else self._show(length)

    def _find_value(self, match: re.Match[str]) -> str | None:
        found = self._mapping.get(canonical(match))
        return found if found is not None else self._mapping.get(canonical_base(match))

    def _may_become_one(self) -> bool:
        if len(self._pending) > MAX_LENGTH or "]" in self._pending:
            return False
        if "\n" in self._pending:
            return False
        folded = fold_start(self._pending)
        return self._is_start(folded) or self._is_start(_FORM.sub(r"\1", folded))

    def _is_start(self, folded: str) -> bool:
        at = bisect_left(self._starts, folded)
        return at < len(self._starts) and self._starts[at].startswith(folded)

    def _show(self, length: int) -> str:
        text, self._pending = self._pending[:length], self._pending[length:]
        self._notice(text)
        return text

    def _put(self, value: str, length: int) -> str:
        self._pending = self._pending[length:]
        self._sense.write_value(value)
        return self._escape(value)

    def _notice(self, text: str) -> None:
        self._sense.write(text)

    def _read_on(self, position: int) -> str:
        return self._pending[position:]

    def _escape(self, value: str) -> str:
        return value


def _is_email(match: re.Match[str]) -> bool:
    return match["kind"].upper() == Label.EMAIL.value


class JsonUnmasker(Unmasker):
    """The same for a streamed JSON text (tool-call arguments): values come in escaped, and each
    JSON string is a text of its own."""

    _ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})|\\(.)", re.DOTALL)
    _SIGN = re.compile(_ESCAPE.pattern + '|"', re.DOTALL)
    _PART = re.compile(r"\\(?:u[0-9a-fA-F]{0,3})?\Z")
    _PLAIN = {"n": "\n", "r": "\n", "t": " ", "b": " ", "f": " "}  # noqa: RUF012

    def __init__(self, mapping: Mapping[str, str]) -> None:
        super().__init__(mapping)
        self._escape_part = ""

    def _notice(self, text: str) -> None:
        text = self._escape_part + text
        part = self._PART.search(text)
        self._escape_part = part.group() if part else ""
        position, end = 0, len(text) - len(self._escape_part)
        while position < end:
            escaped = self._ESCAPE.match(text, position)
            if escaped:
                self._sense.write(self._decode(escaped))
                position = escaped.end()
                continue
            if text[position] == '"':
                self._sense.restart()
            else:
                self._sense.write(text[position])
            position += 1

    def _decode(self, escaped: re.Match[str]) -> str:
        if escaped[1]:
            return chr(int(escaped[1], 16))
        return self._PLAIN.get(escaped[2], escaped[2])

    def _read_on(self, position: int) -> str:
        rest = self._pending[position:]
        held = self._PART.search(rest)
        readable = rest[: held.start()] if held else rest
        return self._SIGN.sub(lambda sign: self._decode(sign) if sign[0] != '"' else " ", readable)

    def _escape(self, value: str) -> str:
        return json.dumps(value, ensure_ascii=False)[1:-1]


def restore(text: str, mapping: Mapping[str, str]) -> str:
    """The text with every placeholder of this mapping replaced, as the stream would show it."""
    unmasker = Unmasker(mapping)
    return unmasker.feed(text) + unmasker.flush()


def restore_json(text: str, mapping: Mapping[str, str]) -> str:
    """The same for a JSON text such as the arguments of a tool call."""
    unmasker = JsonUnmasker(mapping)
    return unmasker.feed(text) + unmasker.flush()
