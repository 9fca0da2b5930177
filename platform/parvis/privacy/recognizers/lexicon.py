"""What the tagger's lists say of a word by itself: a word of the language, or a name as well."""

from parvis.privacy.tagger import IS_NAME, IS_WORD, hash_name, load_tagger


def is_plain_word(word: str) -> bool:
    """Whether a dictionary of the four languages has the word and no list of names has it.

    Raises PrivacyUnavailable when the lists cannot be read.
    """
    kinds = int(load_tagger().lexicon.kinds([hash_name(word)])[0])
    return bool(kinds & IS_WORD) and not kinds & IS_NAME
