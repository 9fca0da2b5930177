"""What must not leave: personal data found, replaced by placeholders, and put back."""

from parvis.privacy.engine import PrivacyEngine, build_privacy
from parvis.privacy.entities import Entity, Label
from parvis.privacy.explain import Explanation, explain
from parvis.privacy.masking import Masked
from parvis.privacy.recognizers.lexicon import is_common_word
from parvis.privacy.unmasking import JsonUnmasker, Unmasker, restore, restore_json

__all__ = [
    "Entity",
    "Explanation",
    "JsonUnmasker",
    "Label",
    "Masked",
    "PrivacyEngine",
    "Unmasker",
    "build_privacy",
    "explain",
    "is_common_word",
    "restore",
    "restore_json",
]
