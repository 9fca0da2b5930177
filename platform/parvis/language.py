"""Which of our languages a text is in: a guess for answering, never a filter for privacy."""

import re
import threading
from typing import Any, cast

from parvis.domain import LANGUAGES, Language

_LEAST_LETTERS = 3
_SURE = 0.75
_LETTERS = re.compile(r"[^\W\d_]")
_READ = 2_000
_lock = threading.Lock()
_loaded: list[Any] = []


def detect_language(text: str) -> Language | None:
    """The language of this text, or None when it is too short or mixed to say. Safe for threads."""
    start = text[:_READ]
    if len(_LETTERS.findall(start)) < _LEAST_LETTERS:
        return None
    language, chance = _identifier().rank(start)[0]
    return cast(Language, language) if chance >= _SURE else None


def _identifier() -> Any:
    """The model, loaded on first use and restricted to our languages."""
    with _lock:
        if not _loaded:
            from py3langid.langid import MODEL_FILE, LanguageIdentifier  # noqa: PLC0415 - 0.3 s

            identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
            identifier.set_languages(list(LANGUAGES))
            _loaded.append(identifier)
        return _loaded[0]
