"""What the tagger's lists say of a word by itself: a word of the language, or a name as well."""

from parvis.privacy.tagger import IS_NAME, IS_WORD, LIST_BITS, hash_name, load_tagger
from parvis.privacy.words import FIRST_NAMES, fold_name

_FIRST_NAME, _SURNAME = 1, 2


def is_plain_word(word: str) -> bool:
    """Whether a dictionary of the four languages has the word and no list of names has it.

    Raises PrivacyUnavailable when the lists cannot be read.
    """
    kinds = _kinds(word)
    return bool(kinds & IS_WORD) and not kinds & IS_NAME


def is_word(word: str) -> bool:
    """Whether a dictionary of the four languages has the word, name or not.

    Raises PrivacyUnavailable when the lists cannot be read.
    """
    return bool(_kinds(word) & IS_WORD)


def is_common_word(word: str) -> bool:
    """Whether a dictionary of the four languages has the word and it is no usual first name.

    Raises PrivacyUnavailable when the lists cannot be read.
    """
    return is_word(word) and fold_name(word) not in FIRST_NAMES


def is_surname(word: str) -> bool:
    """Whether the list of surnames has the word, and no dictionary has it as a word as well.

    Raises PrivacyUnavailable when the lists cannot be read.
    """
    kinds = _kinds(word.split("-", 1)[0])
    return bool(kinds & _SURNAME) and not kinds & IS_WORD


def is_only_first_name(word: str) -> bool:
    """Whether the word is a first name of the list, and neither a surname nor a word.

    Raises PrivacyUnavailable when the lists cannot be read.
    """
    return _kinds(word) == _FIRST_NAME


def is_first_name(word: str) -> bool:
    """Whether the list of first names has the word, whatever else it may be.

    Raises PrivacyUnavailable when the lists cannot be read.
    """
    return bool(_kinds(word) & _FIRST_NAME)


def _kinds(word: str) -> int:
    # one word at a time: an array for each would cost more than the look-up
    lexicon, at = load_tagger().lexicon, hash_name(word) >> (32 - LIST_BITS)
    lists = (lexicon.first_names, lexicon.surnames, lexicon.words)
    return sum((int(known[at >> 3]) >> (at & 7) & 1) << place for place, known in enumerate(lists))
