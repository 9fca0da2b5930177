"""The items of a response: what each says when it begins, grows and ends.

An event here is its name and its fields; numbers and bytes are `responses.py`'s.
"""

import uuid
from collections.abc import Iterator
from typing import Any, ClassVar

Events = Iterator[tuple[str, dict[str, Any]]]


class Item:
    """One item of the output, at its place in it."""

    prefix: ClassVar[str] = ""

    def __init__(self, place: int) -> None:
        self.id = f"{self.prefix}_{uuid.uuid4().hex}"
        self.closed = False
        self._place = place
        self._pieces: list[str] = []
        self._status = "in_progress"

    @property
    def text(self) -> str:
        """Everything so far."""
        return "".join(self._pieces)

    def begin(self) -> Events:
        """What is said before its first piece."""
        yield "response.output_item.added", {"output_index": self._place, "item": self._bare()}

    def add(self, piece: str) -> Events:
        """A further piece."""
        raise NotImplementedError

    def end(self, status: str) -> Events:
        """What is said after its last piece."""
        self.closed, self._status = True, status
        yield "response.output_item.done", {"output_index": self._place, "item": self.to_object()}

    def to_object(self) -> dict[str, Any]:
        """The item as it stands in the output."""
        raise NotImplementedError

    def _bare(self) -> dict[str, Any]:
        raise NotImplementedError

    def _at(self) -> dict[str, Any]:
        return {"item_id": self.id, "output_index": self._place}


class _PartItem(Item):
    """An item whose text lies in one part."""

    event: ClassVar[str] = ""

    def begin(self) -> Events:
        yield from super().begin()
        yield "response.content_part.added", {**self._in_part(), "part": self._part("")}

    def add(self, piece: str) -> Events:
        self._pieces.append(piece)
        yield f"response.{self.event}.delta", {**self._in_part(), "delta": piece, **self._more()}

    def end(self, status: str) -> Events:
        told = {**self._in_part(), "text": self.text, **self._more()}
        yield f"response.{self.event}.done", told
        yield "response.content_part.done", {**self._in_part(), "part": self._part(self.text)}
        yield from super().end(status)

    def _in_part(self) -> dict[str, Any]:
        return {**self._at(), "content_index": 0}

    def _part(self, text: str) -> dict[str, Any]:
        raise NotImplementedError

    def _more(self) -> dict[str, Any]:
        return {}


class TextItem(_PartItem):
    """The answer in words."""

    prefix = "msg"
    event = "output_text"

    def to_object(self) -> dict[str, Any]:
        return {**self._bare(), "status": self._status, "content": [self._part(self.text)]}

    def _bare(self) -> dict[str, Any]:
        message = {"id": self.id, "type": "message", "role": "assistant"}
        return {**message, "status": self._status, "content": []}

    def _part(self, text: str) -> dict[str, Any]:
        return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}

    def _more(self) -> dict[str, Any]:
        return {"logprobs": []}


class ReasoningItem(_PartItem):
    """What the model wrote before its answer."""

    prefix = "rs"
    event = "reasoning_text"

    def to_object(self) -> dict[str, Any]:
        return {**self._bare(), "content": [self._part(self.text)]}

    def _bare(self) -> dict[str, Any]:
        head = {"id": self.id, "type": "reasoning", "summary": []}
        return {**head, "status": self._status, "content": []}

    def _part(self, text: str) -> dict[str, Any]:
        return {"type": "reasoning_text", "text": text}


class CallItem(Item):
    """A call of one of the client's tools."""

    prefix = "fc"

    def __init__(self, place: int, call_id: str, name: str) -> None:
        super().__init__(place)
        self._call_id = call_id
        self._name = name

    def add(self, piece: str) -> Events:
        if piece:
            self._pieces.append(piece)
            yield "response.function_call_arguments.delta", {**self._at(), "delta": piece}

    def end(self, status: str) -> Events:
        told = {**self._at(), "name": self._name, "arguments": self.text}
        yield "response.function_call_arguments.done", told
        yield from super().end(status)

    def to_object(self) -> dict[str, Any]:
        return {**self._bare(), "arguments": self.text}

    def _bare(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "type": "function_call",
            "status": self._status,
            "call_id": self._call_id,
            "name": self._name,
            "arguments": "",
        }
