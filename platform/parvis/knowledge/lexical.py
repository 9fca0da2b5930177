"""Search by words (BM25): finds exact names, form numbers and articles that vectors blur."""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

_WORD = re.compile(r"\w+(?:[-/.]\w+)*")
_K1 = 1.2
_B = 0.6
# a word in more than this share of the passages tells nothing about one of them
_COMMON = 0.34
# and a word in no more than this share tells a good deal
_RARE = 0.1
# endings differ ("open", "opening"), beginnings rarely: words without a figure are cut
_STEM = 4


def find_words(text: str) -> list[str]:
    """Words without case, accents and endings; a form number such as `E-12/3` stays whole."""
    plain = "".join(
        char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char)
    )
    return [
        word if any(char.isdigit() for char in word) else word[:_STEM]
        for word in _WORD.findall(plain.casefold())
        if len(word) > 1 or word.isdigit()
    ]


class WordIndex:
    """The words of some texts, ready to be scored against a question."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._counts = [Counter(find_words(text)) for text in texts]
        self._lengths = [max(1, counts.total()) for counts in self._counts]
        self._average = sum(self._lengths) / len(self._lengths) if self._lengths else 1.0
        self._spread = Counter(word for counts in self._counts for word in counts)

    def score(self, question: str) -> list[float]:
        """The BM25 score of every text, 0 where no telling word is shared."""
        total = len(self._counts)
        weights = {
            word: math.log(1 + (total - spread + 0.5) / (spread + 0.5))
            for word in set(find_words(question))
            if 0 < (spread := self._spread[word]) <= max(1, total * _COMMON)
        }
        return [
            sum(weight * self._part(counts[word], length) for word, weight in weights.items())
            for counts, length in zip(self._counts, self._lengths, strict=True)
        ]

    def shares_rare(self, question: str) -> list[bool]:
        """For every text, whether a rare word of the question stands in it."""
        most = max(1, len(self._counts) * _RARE)
        rare = {
            word
            for word in find_words(question)
            if len(word) >= _STEM and 0 < self._spread[word] <= most
        }
        return [not rare.isdisjoint(counts) for counts in self._counts]

    def _part(self, count: int, length: int) -> float:
        if not count:
            return 0.0
        return count * (_K1 + 1) / (count + _K1 * (1 - _B + _B * length / self._average))
