"""Finding and masking personal data: our own Presidio engine and everything around it.

No language model, suffix list or rule is ever fetched: what is not on disk is an error, and every
error, time-out or silence of the model is `PrivacyUnavailable`.
"""

import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
from presidio_analyzer.nlp_engine import NoOpNlpEngine

from parvis.errors import PrivacyUnavailable
from parvis.privacy.canary import CANARIES
from parvis.privacy.conflicts import Finding, resolve
from parvis.privacy.deadline import deadline
from parvis.privacy.entities import Entity, Label
from parvis.privacy.masking import Analysed, Masked, mask_texts
from parvis.privacy.normalise import CleanText, clean
from parvis.privacy.propagation import find_again, learn
from parvis.privacy.rampart import SHA256, load_rampart
from parvis.privacy.recognizers import build_recognizers
from parvis.privacy.recognizers.base import ANY_LANGUAGE, RuleRecognizer
from parvis.privacy.recognizers.model import ModelRecognizer
from parvis.privacy.recognizers.tagged import TaggedNameRecognizer
from parvis.privacy.stoplist import find_allowed, find_readable
from parvis.privacy.tagger import load_tagger

VERSION = "2"
DETECTOR = f"parvis-privacy-{VERSION}+rampart-{SHA256['model_q4.onnx'][:8]}"
_CACHED_TEXTS = 4096
_TIME_LIMIT_S = 120.0
NAME_DETECTORS = (ModelRecognizer, TaggedNameRecognizer)
_T = TypeVar("_T")


class PrivacyEngine:
    """Finds and masks personal data; safe for threads, to be built after a fork.

    The language given is a hint for people, never a filter: every rule runs on every text.
    """

    def __init__(self, analyzer: AnalyzerEngine, *, time_limit_s: float = _TIME_LIMIT_S) -> None:
        self._analyzer = analyzer
        self._time_limit_s = time_limit_s
        self._cache = _SpanCache(_CACHED_TEXTS)

    def analyze(
        self, text: str, language: str | None = None, *, allow: Collection[str] = ()
    ) -> list[Entity]:
        """Everything that is masked in this text, sorted and disjoint, in code points.

        A LITERAL is no personal data. Raises PrivacyUnavailable on any failure.
        """
        return self._guarded(lambda: self._entities(text, frozenset(allow)))

    def mask(
        self,
        texts: Sequence[str],
        *,
        tag_key: bytes,
        language: str | None = None,
        allow: Collection[str] = (),
    ) -> Masked:
        """The texts with placeholders for everything personal, and the way back.

        The same `tag_key` and history give the same placeholders, and a longer history keeps
        them. `tag_key` MUST be secret and belong to one conversation. Raises PrivacyUnavailable.
        """
        allowed = frozenset(allow)
        return self._guarded(
            lambda: mask_texts(
                [self._analysed(text, allowed, tag_key) for text in texts], tag_key, DETECTOR
            )
        )

    def check_canary(self) -> None:
        """Raise PrivacyUnavailable when a sentence that holds personal data seems to hold none."""
        for language, sentence, values in CANARIES:
            found = self._guarded(partial(self._find, clean(sentence), frozenset()))
            shown = {(finding.label, sentence[finding.start : finding.end]) for finding in found}
            if not values <= shown:
                raise PrivacyUnavailable(
                    f"The search for personal data does not work (test sentence {language})."
                )
            self._check_detectors(language, sentence, values)

    def _check_detectors(
        self, language: str, sentence: str, values: frozenset[tuple[Label, str]]
    ) -> None:
        """Each detector of names by itself: one that is silent must not hide behind another."""
        names = {value for label, value in values if label is Label.PERSON}
        for recognizer in self._analyzer.registry.recognizers:
            if not isinstance(recognizer, NAME_DETECTORS):
                continue
            said = self._guarded(partial(_read_names, recognizer, sentence))
            if not any(name in said for name in names):
                raise PrivacyUnavailable(
                    f"{type(recognizer).__name__} finds no name (test sentence {language})."
                )

    def _entities(self, text: str, allow: frozenset[str]) -> list[Entity]:
        analysed = self._analysed(text, allow, b"")
        entities = []
        for finding in analysed.findings:
            start, end = analysed.clean.span(finding.start, finding.end)
            entities.append(Entity(start, end, finding.label, finding.score, finding.source))
        return entities

    def _analysed(self, text: str, allow: frozenset[str], scope: bytes) -> Analysed:
        plain = clean(text)
        key = self._cache.key(text, allow, scope)
        findings = self._cache.find(key)
        if findings is None:
            findings = tuple(self._find(plain, allow))
            self._cache.keep(key, findings)
        return Analysed(text, plain, findings)

    def _find(self, plain: CleanText, allow: frozenset[str]) -> list[Finding]:
        """What the recognisers say, put in order, and what is known found again."""
        text = plain.text
        if not text.strip():
            return []
        raw = [
            Finding(
                result.start,
                result.end,
                Label(result.entity_type),  # an unknown kind raises: never dropped silently
                result.score,
                result.recognition_metadata["recognizer_name"],
            )
            for result in self._analyzer.analyze(text, language=ANY_LANGUAGE)
        ]
        readable = find_readable(text)
        allowed = list(find_allowed(text, allow))
        found = resolve(text, raw, readable=readable, allowed=allowed)
        again = list(find_again(text, learn(text, found), found))
        if not again:
            return found
        return resolve(text, [*found, *again], readable=readable, allowed=allowed)

    def _guarded(self, work: Callable[[], _T]) -> _T:
        try:
            with deadline(self._time_limit_s):
                return work()
        except PrivacyUnavailable:
            raise
        except Exception as error:
            raise PrivacyUnavailable from error


def _read_names(recognizer: RuleRecognizer, text: str) -> str:
    hits = recognizer.find(text)
    return " ".join(text[hit.start : hit.end] for hit in hits if hit.label is Label.PERSON)


def build_privacy(models_dir: Path) -> PrivacyEngine:
    """The engine with the models of this folder, tried on its canary sentences.

    Raises PrivacyUnavailable when a model is missing, changed or silent.
    """
    rampart, tagger = load_rampart(models_dir), load_tagger()
    try:
        registry = RecognizerRegistry(supported_languages=[ANY_LANGUAGE])
        for recognizer in (*build_recognizers(rampart), TaggedNameRecognizer(tagger)):
            registry.add_recognizer(recognizer)
        analyzer = AnalyzerEngine(
            registry=registry,
            nlp_engine=NoOpNlpEngine([{"lang_code": ANY_LANGUAGE, "model_name": "none"}]),
            supported_languages=[ANY_LANGUAGE],
        )
    except Exception as error:
        raise PrivacyUnavailable("The search for personal data cannot be built.") from error
    engine = PrivacyEngine(analyzer)
    engine.check_canary()
    return engine


class _SpanCache:
    """Where things stand in texts seen lately, never the texts; keys are keyed hashes.

    The scope (a conversation's key) is part of the key, so nothing is shared between them.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._secret = os.urandom(32)
        self._lock = threading.Lock()
        self._kept: OrderedDict[bytes, tuple[Finding, ...]] = OrderedDict()

    def key(self, text: str, allow: frozenset[str], scope: bytes) -> bytes:
        digest = hashlib.blake2b(key=self._secret, digest_size=32)
        for part in (scope, *(term.encode() for term in sorted(allow))):
            digest.update(len(part).to_bytes(8, "big") + part)
        digest.update(text.encode("utf-8", "surrogatepass"))
        return digest.digest()

    def find(self, key: bytes) -> tuple[Finding, ...] | None:
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def keep(self, key: bytes, findings: tuple[Finding, ...]) -> None:
        with self._lock:
            self._kept[key] = findings
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)
