"""What our recognisers have in common: the language they run under, hits, cues.

Not Presidio's own pattern recogniser: a pattern that runs out of time there is skipped with a
warning, which fails open. Our patterns are linear, and any exception stops the request.
"""

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from presidio_analyzer import EntityRecognizer, RecognizerResult

from parvis.privacy.deadline import check_deadline
from parvis.privacy.entities import Label
from parvis.privacy.sieve import Cue

ANY_LANGUAGE = "any"
CHECKED = 0.95
SURE = 0.9
CUED = 0.75
LIKELY = 0.6


class Hit(NamedTuple):
    """A finding in clean text and the rule that made it."""

    start: int
    end: int
    label: Label
    score: float
    rule: str


class RuleRecognizer(EntityRecognizer):
    """A recogniser that runs on every text; subclasses say `labels` and `find`."""

    labels: tuple[Label, ...] = ()
    # the canary sentences whose name a detector of names must find by itself
    canaries: tuple[str, ...] = ("fr", "de", "lb", "en")
    # the kinds of values in those sentences one of which it must find
    proves: tuple[Label, ...] = (Label.PERSON,)

    def __init__(self) -> None:
        super().__init__(
            supported_entities=[label.value for label in self.labels],
            supported_language=ANY_LANGUAGE,
            name=type(self).__name__,
        )

    def load(self) -> None:
        """Nothing to load."""

    def analyze(
        self, text: str, entities: list[str], nlp_artifacts: Any = None
    ) -> list[RecognizerResult]:
        """Presidio's entry: every hit, with its rule in the metadata."""
        check_deadline()
        return self.as_results(self.find(text))

    def as_results(self, hits: Iterable[Hit]) -> list[RecognizerResult]:
        """Hits as Presidio wants them."""
        return [
            RecognizerResult(
                hit.label.value,
                hit.start,
                hit.end,
                hit.score,
                recognition_metadata={
                    RecognizerResult.RECOGNIZER_IDENTIFIER_KEY: self.id,
                    RecognizerResult.RECOGNIZER_NAME_KEY: hit.rule,
                },
            )
            for hit in hits
        ]

    @abstractmethod
    def find(self, text: str) -> Iterable[Hit]:
        """Every hit in clean text."""


class SlowRecognizer(RuleRecognizer):
    """A model that costs much more than a rule: reads many texts at once, and may be asked to read
    only those stretches of a text that the others leave in doubt."""

    def find(self, text: str) -> Iterable[Hit]:
        """Every hit in one whole text."""
        return self.find_many([(text, [(0, len(text))])])[0]

    @abstractmethod
    def find_many(self, asked: Sequence[tuple[str, Sequence[tuple[int, int]]]]) -> list[list[Hit]]:
        """Every hit in these stretches (sorted, disjoint) of these texts, in places of the text."""


def cue(words: str) -> Cue:
    """What is true of the text before a value when it ends near one of these words."""
    ending = r"\.?(?![^\W\d_])(?:[^\n\d.;!?]|\.(?! (?-i:[A-ZÀ-Þ]))){0,30}(?:\n? ?)\Z"
    return Cue(words.replace(" ", r"\s"), ending)


def is_cued(text: str, start: int, cue: Cue, reach: int = 70) -> bool:
    """Whether the words right before `start` announce the value."""
    return cue.is_before(text, start, reach)


def digits_of(text: str) -> str:
    """Only the digits."""
    return "".join(char for char in text if char.isdigit())


def signs_of(text: str) -> str:
    """Only letters and digits, in capitals."""
    return "".join(char for char in text if char.isalnum()).upper()
