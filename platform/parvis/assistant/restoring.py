"""Personal values put back into all that a model streams: text and arguments of tool calls."""

from collections.abc import Mapping
from typing import Any

from parvis.privacy.unmasking import JsonUnmasker, Unmasker, restore


class Restorer:
    """One answer's text and tool calls; each call's arguments are a stream of their own."""

    def __init__(self, mapping: Mapping[str, str]) -> None:
        self._mapping = mapping
        self._text = Unmasker(mapping)
        self._calls: dict[int, JsonUnmasker] = {}

    def restore(self, text: str) -> str:
        """A whole text, apart from the stream."""
        return restore(text, self._mapping)

    def feed(self, delta: str) -> str:
        """What may be shown of the text so far."""
        return self._text.feed(delta)

    def flush(self) -> str:
        """What was held back of the text."""
        return self._text.flush()

    def feed_calls(self, fragments: tuple[Mapping[str, Any], ...]) -> tuple[dict[str, Any], ...]:
        """The same fragments with the values back in their arguments."""
        return tuple(self._fragment(fragment) for fragment in fragments)

    def flush_calls(self) -> tuple[dict[str, Any], ...]:
        """Fragments with what was held back of any call's arguments."""
        return tuple(
            {"index": index, "function": {"arguments": rest}}
            for index, unmasker in sorted(self._calls.items())
            if (rest := unmasker.flush())
        )

    def _fragment(self, fragment: Mapping[str, Any]) -> dict[str, Any]:
        function = dict(fragment.get("function") or {})
        if function.get("arguments"):
            index = fragment["index"]
            unmasker = self._calls.setdefault(index, JsonUnmasker(self._mapping))
            function["arguments"] = unmasker.feed(function["arguments"])
        return {**fragment, "function": function} if function else dict(fragment)
