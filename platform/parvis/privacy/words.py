"""Words that are never a person's name here: offices, titles, greetings, functions, laws, months.

Four languages in one set, in small letters: a letter from Luxembourg mixes them.
"""

import re
import unicodedata
from importlib.resources import files

_NUMBER_OF = ("-nr", "nummer", "-numm", "-id", "-no")
_WORD = re.compile(r"[^\W\d_]+[ ]")
_CASED_SHARE = 60
# Particles inside names; alone they are nothing.
PARTICLES = frozenset(
    (
        "de du des d la le les von van der den zu zum zur di da do dos das del della el al ben bin"
        " ten ter op und et and"
    ).split()
)


def is_never_a_name(text: str) -> bool:
    """Whether a word can be left readable whatever a model believes."""
    word = text.strip(" .,;:!?'\"-()").casefold().removeprefix("d'").removeprefix("l'")
    if word.endswith(_NUMBER_OF):  # "BG-Nr", "Zimmernummer"
        return True
    return len(word) < 2 or word in NEVER_A_NAME or word.isdigit()  # noqa: PLR2004


def past_small_word(text: str, start: int) -> int:
    """Past "IS " or "ass " before a number, which looks like letters that belong to it."""
    word = _WORD.match(text, start)
    return word.end() if word and is_never_a_name(word.group()) else start


def fold_name(name: str) -> str:
    """A name in small letters without accents, as the list of first names has them."""
    if name.isascii():
        return name.lower()
    apart = unicodedata.normalize("NFKD", name.casefold())
    return "".join([char for char in apart if not unicodedata.combining(char)])


def load_first_names() -> tuple[frozenset[str], frozenset[str]]:
    """All first names of the list, and those that are nothing else and so trusted alone."""
    text = _read("first_names.txt")
    trusted, _, others = text.partition("\n---\n")
    alone = frozenset(line for line in trusted.splitlines() if not line.startswith("#"))
    return alone | frozenset(others.split()), alone


def load_words(name: str) -> frozenset[str]:
    """The words of a list among this package's data, in small letters."""
    lines = _read(name).splitlines()
    return frozenset(w.casefold() for line in lines if line[:1] != "#" for w in line.split())


def _read(name: str) -> str:
    return files("parvis.privacy").joinpath("data", name).read_text(encoding="utf-8")


NEVER_A_NAME = load_words("never_names.txt")
FIRST_NAMES, TRUSTED_FIRST_NAMES = load_first_names()


def has_capitals(text: str) -> bool:
    """Whether its writer uses capitals, so that a name would have one: one sign in sixty."""
    return _CASED_SHARE * sum(map(str.isupper, text)) > len(text)
