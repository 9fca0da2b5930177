"""Everything that looks for personal data, asked in one go: rules and tagger first, then models.

Raw findings in clean text come out; which of them stand is decided in `conflicts`.
"""

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum

from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
from presidio_analyzer.nlp_engine import NoOpNlpEngine

from parvis.privacy.conflicts import Finding
from parvis.privacy.deadline import check_deadline
from parvis.privacy.doubt import CAREFUL, LIGHT, Stretch, Trust, find_doubts
from parvis.privacy.entities import Label
from parvis.privacy.rampart import Rampart
from parvis.privacy.recognizers import build_recognizers
from parvis.privacy.recognizers.base import (
    ANY_LANGUAGE,
    Hit,
    RuleRecognizer,
    SlowRecognizer,
)
from parvis.privacy.recognizers.birth import BirthRecognizer
from parvis.privacy.recognizers.case import CaseRecognizer
from parvis.privacy.recognizers.document import DocumentRecognizer
from parvis.privacy.recognizers.learned import LearnedRecognizer
from parvis.privacy.recognizers.number import NumberRecognizer
from parvis.privacy.recognizers.plate import PlateRecognizer
from parvis.privacy.recognizers.tagged import TaggedNameRecognizer
from parvis.privacy.sieve import ReadText
from parvis.privacy.tagger import Tagger
from parvis.privacy.views import find_views

_OF_NUMBERS = (
    BirthRecognizer,
    CaseRecognizer,
    DocumentRecognizer,
    NumberRecognizer,
    PlateRecognizer,
)


class Detection(StrEnum):
    """How much of a text the name models read: all of it, or what rules and tagger leave open."""

    THOROUGH = "thorough"
    CAREFUL = "careful"
    LIGHT = "light"


_TRUST: dict[Detection, Trust | None] = {
    Detection.THOROUGH: None,
    Detection.CAREFUL: CAREFUL,
    Detection.LIGHT: LIGHT,
}


class LinearAnalyzer(AnalyzerEngine):
    """Presidio's engine without its results, which carry explanations, and without its last steps,
    which compare each with each: a hostile text has thousands, and `conflicts` decides anyway."""

    def find_all(self, text: str) -> list[Finding]:
        """What every recogniser of the registry says of this text, and those of numbers of its
        other readings."""
        rules = [rule for rule in self.registry.recognizers if isinstance(rule, RuleRecognizer)]
        found = [finding for rule in rules for finding in _find(rule, text)]
        for view in map(ReadText, find_views(text)):
            for rule in rules:
                if isinstance(rule, _OF_NUMBERS):
                    found += _find(rule, view)
        return found


def _find(rule: RuleRecognizer, text: str) -> list[Finding]:
    check_deadline()
    return list(map(_as_finding, rule.find(text)))


def _as_finding(hit: Hit) -> Finding:
    # an unknown kind raises: never dropped silently
    return Finding(hit.start, hit.end, Label(hit.label), hit.score, hit.rule)


class Detector:
    """Rules and tagger as Presidio recognisers, and the models that read what those leave open."""

    def __init__(
        self,
        analyzer: LinearAnalyzer,
        rules: Sequence[RuleRecognizer],
        tagged: TaggedNameRecognizer,
        slow: Sequence[SlowRecognizer],
        detection: Detection,
    ) -> None:
        self.analyzer = analyzer
        self._rules = tuple(rules)
        self._tagged = tagged
        self._learned = next(rule for rule in rules if isinstance(rule, LearnedRecognizer))
        self._slow = tuple(slow)
        self._trust = _TRUST[detection]

    @property
    def recognizers(self) -> tuple[RuleRecognizer, ...]:
        """Every recogniser, models included."""
        return (*self._rules, self._tagged, *self._slow)

    @property
    def name_detectors(self) -> tuple[RuleRecognizer, ...]:
        """Those that could fall silent unnoticed: the taggers and the models."""
        return (self._tagged, self._learned, *self._slow)

    def find_many(self, texts: Sequence[str]) -> list[list[Finding]]:
        """Everything found in each of these clean texts, overlapping and in no order."""
        found: list[list[Finding]] = []
        asked: list[tuple[str, list[Stretch]]] = []
        try:
            for text in texts:
                light = self._kept(text, self.analyzer.find_all(text))
                found.append(light)
                asked.append((text, self._doubts(text, light)))
            for recognizer in self._slow:
                read = zip(texts, found, recognizer.find_many(asked), strict=True)
                for text, findings, hits in read:
                    findings.extend(self._kept(text, map(_as_finding, hits)))
        finally:
            self._tagged.forget()
            self._learned.forget()
        return found

    def _kept(self, text: str, findings: Iterable[Finding]) -> list[Finding]:
        """The findings without those that the taggers refute."""
        return [finding for finding in findings if not self._is_refuted(text, finding)]

    def _is_refuted(self, text: str, finding: Finding) -> bool:
        if finding.label is Label.PERSON:
            chance = self._tagged.chance(text, finding.start, finding.end)
            hit = Hit(finding.start, finding.end, finding.label, finding.score, finding.source)
            return self._learned.doubts_name(text, hit, chance)
        return self._learned.refutes(text, finding.start, finding.end, finding.source)

    def _doubts(self, text: str, light: Sequence[Finding]) -> list[Stretch]:
        if self._trust is None:
            return [(0, len(text))]
        return find_doubts(text, light, *self._tagged.read(text), self._trust)


def build_detector(
    rampart: Rampart, tagger: Tagger, own: Sequence[SlowRecognizer], detection: Detection
) -> Detector:
    """All recognisers of ours and the models that a site brings (`own`)."""
    rules, slow = _apart(build_recognizers(rampart))
    tagged = TaggedNameRecognizer(tagger)
    registry = RecognizerRegistry(supported_languages=[ANY_LANGUAGE])
    for recognizer in (*rules, tagged):
        registry.add_recognizer(recognizer)
    analyzer = LinearAnalyzer(
        registry=registry,
        nlp_engine=NoOpNlpEngine([{"lang_code": ANY_LANGUAGE, "model_name": "none"}]),
        supported_languages=[ANY_LANGUAGE],
    )
    return Detector(analyzer, rules, tagged, [*slow, *own], detection)


def _apart(
    recognizers: Sequence[RuleRecognizer],
) -> tuple[list[RuleRecognizer], list[SlowRecognizer]]:
    slow = [recognizer for recognizer in recognizers if isinstance(recognizer, SlowRecognizer)]
    return [r for r in recognizers if not isinstance(r, SlowRecognizer)], slow


def read_names(recognizer: RuleRecognizer, text: str) -> str:
    """Everything this recogniser finds in the text by itself, of a model the names."""
    return " ".join(_names(recognizer, text))


def _names(recognizer: RuleRecognizer, text: str) -> Iterator[str]:
    for hit in recognizer.find(text):
        if hit.label is Label.PERSON or isinstance(recognizer, LearnedRecognizer):
            yield text[hit.start : hit.end]
    if isinstance(recognizer, TaggedNameRecognizer | LearnedRecognizer):
        recognizer.forget()
