"""Personal values put back into all that a model streams: text and arguments of tool calls."""

from collections.abc import Mapping
from typing import Any

from parvis.privacy.unmasking import JsonUnmasker, Unmasker, restore


class Restorer:
    """One answer's text and tool calls; each call's arguments are a stream of their own.

    `mapping` is what a reader gets for each placeholder; `facts` what stood beside some of them
    for the model: where the model repeats one behind its placeholder it is taken out.
    """

    def __init__(self, mapping: Mapping[str, str], facts: Mapping[str, str] | None = None) -> None:
        self._mapping = mapping
        self._facts = facts or {}
        self._text = Unmasker(mapping)
        self._text_facts = FactRemover(self._facts)
        self._calls: dict[int, tuple[FactRemover, JsonUnmasker]] = {}

    def restore(self, text: str) -> str:
        """A whole text, apart from the stream."""
        remover = FactRemover(self._facts)
        return restore(remover.feed(text) + remover.flush(), self._mapping)

    def feed(self, delta: str) -> str:
        """What may be shown of the text so far."""
        return self._text.feed(self._text_facts.feed(delta))

    def settle(self) -> str:
        """What may be shown of the text when something else comes between."""
        return self._text.feed(self._text_facts.flush()) + self._text.settle()

    def flush(self) -> str:
        """What was held back of the text."""
        return self._text.feed(self._text_facts.flush()) + self._text.flush()

    def feed_calls(self, fragments: tuple[Mapping[str, Any], ...]) -> tuple[dict[str, Any], ...]:
        """The same fragments with the values back in their arguments."""
        return tuple(self._fragment(fragment) for fragment in fragments)

    def flush_calls(self) -> tuple[dict[str, Any], ...]:
        """Fragments with what was held back of any call's arguments."""
        return tuple(
            {"index": index, "function": {"arguments": rest}}
            for index, (remover, unmasker) in sorted(self._calls.items())
            if (rest := unmasker.feed(remover.flush()) + unmasker.flush())
        )

    def _fragment(self, fragment: Mapping[str, Any]) -> dict[str, Any]:
        function = dict(fragment.get("function") or {})
        if function.get("arguments"):
            index = fragment["index"]
            remover, unmasker = self._calls.setdefault(
                index, (FactRemover(self._facts), JsonUnmasker(self._mapping))
            )
            function["arguments"] = unmasker.feed(remover.feed(function["arguments"]))
        return {**fragment, "function": function} if function else dict(fragment)


class FactRemover:
    """Takes `[ADDRESS_1_k7fq] (Trier)` back to `[ADDRESS_1_k7fq]`, however the stream is cut.

    Holds back only what may still become one of them. A fact that the model uses by itself stays:
    it is part of the answer.
    """

    def __init__(self, facts: Mapping[str, str]) -> None:
        self._whole = {placeholder + fact: placeholder for placeholder, fact in facts.items()}
        self._pending = ""

    def feed(self, delta: str) -> str:
        """What may go on now that `delta` has come."""
        if not self._whole:
            return delta
        self._pending += delta
        return self._advance(final=False)

    def flush(self) -> str:
        """What was held back."""
        return self._advance(final=True)

    def _advance(self, *, final: bool) -> str:
        passed: list[str] = []
        while (start := self._pending.find("[")) >= 0:
            passed.append(self._pending[:start])
            self._pending = self._pending[start:]
            found = next((one for one in self._whole if self._pending.startswith(one)), None)
            if found is not None:
                passed.append(self._whole[found])
                self._pending = self._pending[len(found) :]
            elif not final and any(one.startswith(self._pending) for one in self._whole):
                return "".join(passed)
            else:
                passed.append("[")
                self._pending = self._pending[1:]
        passed.append(self._pending)
        self._pending = ""
        return "".join(passed)
