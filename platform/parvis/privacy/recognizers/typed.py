"""Text that a person typed, or a document holds, in the shape of our own placeholders."""

from collections.abc import Iterable

from parvis.privacy.entities import Label
from parvis.privacy.placeholders import SHAPE
from parvis.privacy.recognizers.base import Hit, RuleRecognizer


class TypedPlaceholderRecognizer(RuleRecognizer):
    """Whatever restoring would read as a placeholder, wherever it comes from."""

    labels = (Label.LITERAL,)

    def find(self, text: str) -> Iterable[Hit]:
        """Every text of our shape."""
        return [
            Hit(match.start(), match.end(), Label.LITERAL, 1.0, "typed_placeholder")
            for match in SHAPE.finditer(text)
        ]
