"""What a message asks, apart from greetings, names and numbers around it."""

import re

# `[PERSON_1_k7fq]`: what masking left in place of a value says nothing about what is asked
_PLACEHOLDER = re.compile(r"\[[A-Z_]+_\d+[a-z]{0,3}_[a-z0-9]{4}\]")
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+|\n+")
_FEWEST_WORDS = 3
_MOST_SENTENCES = 12


def split_question(message: str) -> list[str]:
    """The message without placeholders, and each of its sentences: whichever fits best counts.

    A question between a greeting, an address and thanks would otherwise be lost among them. Only
    the last sentences of a very long message are taken.
    """
    whole = " ".join(_PLACEHOLDER.sub(" ", message).split())
    sentences = [
        " ".join(part.split())
        for part in _SENTENCE_END.split(_PLACEHOLDER.sub(" ", message))
        if len(part.split()) >= _FEWEST_WORDS
    ]
    return list(dict.fromkeys([whole, *sentences[-_MOST_SENTENCES:]])) if whole else []
