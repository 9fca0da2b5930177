"""Finding and masking personal data: our own Presidio engine and everything around it.

No language model, suffix list or rule is ever fetched: what is not on disk is an error, and every
error, time-out or silence of the model is `PrivacyUnavailable`.
"""

from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from parvis.domain import NumberedValue
from parvis.errors import PrivacyUnavailable
from parvis.privacy.canary import CANARIES, Watch
from parvis.privacy.conflicts import Finding, resolve
from parvis.privacy.deadline import check_deadline, deadline
from parvis.privacy.detector import Detection, Detector, build_detector, read_names
from parvis.privacy.entities import Entity, Label
from parvis.privacy.masking import Analysed, Masked, mask_texts
from parvis.privacy.normalise import CleanText, clean
from parvis.privacy.propagation import find_again, learn
from parvis.privacy.rampart import SHA256, load_rampart
from parvis.privacy.sieve import ReadText
from parvis.privacy.site_model import load_site_model
from parvis.privacy.span_cache import SpanCache
from parvis.privacy.stoplist import find_allowed, find_readable
from parvis.privacy.tagger import load_tagger

VERSION = "3"
DETECTOR = f"parvis-privacy-{VERSION}+rampart-{SHA256['model_q4.onnx'][:8]}"
_CACHED_TEXTS = 4096
_TIME_LIMIT_S = 120.0
_T = TypeVar("_T")


class PrivacyEngine:
    """Finds and masks personal data; safe for threads, and for a fork before it is used.

    The language given is a hint for people, never a filter: every rule runs on every text.
    """

    def __init__(
        self, detector: Detector, *, time_limit_s: float = _TIME_LIMIT_S, name: str = DETECTOR
    ) -> None:
        self.detector = detector
        self.name = name
        self._time_limit_s = time_limit_s
        self._cache = SpanCache(_CACHED_TEXTS)
        self._watch = Watch(self._silent_languages)

    def analyze(
        self,
        text: str,
        language: str | None = None,
        *,
        allow: Collection[str] = (),
        tag_key: bytes = b"",
    ) -> list[Entity]:
        """Everything that is masked in this text, sorted and disjoint, in code points.

        A LITERAL is no personal data. With the `tag_key` of a text that was just masked it is not
        searched again. Raises PrivacyUnavailable on any failure.
        """
        return self._served(lambda: self._entities(text, frozenset(allow), tag_key))

    def mask(
        self,
        texts: Sequence[str],
        *,
        tag_key: bytes,
        language: str | None = None,
        allow: Collection[str] = (),
        numbered: Sequence[NumberedValue] = (),
    ) -> Masked:
        """The texts with placeholders for everything personal, and the way back.

        The same `tag_key` and history give the same placeholders, and a longer history keeps
        them; so do `numbered` values of earlier requests. `tag_key` MUST be secret and belong to
        one conversation. Raises PrivacyUnavailable.
        """
        allowed = frozenset(allow)
        return self._served(
            lambda: mask_texts(
                self._analysed(texts, allowed, tag_key), tag_key, self.name, numbered
            )
        )

    def check_canary(self) -> None:
        """Try the canary sentences now; raise PrivacyUnavailable when one seems to hold nothing."""
        self._watch.try_now()
        self._watch.require_working()

    def check_working(self) -> None:
        """Raise PrivacyUnavailable when the last try of the canary sentences failed or is long
        ago; costs nothing."""
        self._watch.require_working()

    def start_watch(self, period_s: float) -> None:
        """Try the canary sentences every so many seconds; while one fails, nothing is masked and
        every request is refused. MUST be called after a fork."""
        self._watch.start(period_s)

    def close(self) -> None:
        """End the watch."""
        self._watch.stop()

    def _silent_languages(self) -> list[str]:
        return [
            language
            for language, sentence, values in CANARIES
            if not self._is_heard(language, sentence, values)
        ]

    def _is_heard(self, language: str, sentence: str, values: frozenset[tuple[Label, str]]) -> bool:
        """Whether all together find all of it, and each detector of names a name by itself: one
        that is silent must not hide behind another."""
        try:
            found = self._guarded(partial(self._find_many, [clean(sentence)], frozenset()))[0]
            shown = {(finding.label, sentence[finding.start : finding.end]) for finding in found}
            for recognizer in self.detector.name_detectors:
                if language in recognizer.canaries:
                    proofs = [value for label, value in values if label in recognizer.proves]
                    said = self._guarded(partial(read_names, recognizer, sentence))
                    if not any(value in said for value in proofs):
                        return False
        except PrivacyUnavailable:
            return False
        return values <= shown

    def _entities(self, text: str, allow: frozenset[str], scope: bytes) -> list[Entity]:
        analysed = self._analysed([text], allow, scope)[0]
        entities = []
        for finding in analysed.findings:
            start, end = analysed.clean.span(finding.start, finding.end)
            entities.append(Entity(start, end, finding.label, finding.score, finding.source))
        return entities

    def _analysed(
        self, texts: Sequence[str], allow: frozenset[str], scope: bytes
    ) -> list[Analysed]:
        """The texts with what is in them; those that are new are read together."""
        plain = [clean(text) for text in texts]
        keys = [self._cache.key(text, allow, scope) for text in texts]
        known = {key: self._cache.find(key) for key in keys}
        new = {key: one for key, one in zip(keys, plain, strict=True) if known[key] is None}
        for key, findings in zip(new, self._find_many(list(new.values()), allow), strict=True):
            known[key] = tuple(findings)
            self._cache.keep(key, tuple(findings))
        return [
            Analysed(text, one, known[key] or ())
            for text, one, key in zip(texts, plain, keys, strict=True)
        ]

    def _find_many(self, plain: Sequence[CleanText], allow: frozenset[str]) -> list[list[Finding]]:
        """What the recognisers say, put in order, and what is known found again."""
        texts = [ReadText(one.text) for one in plain]
        filled = [text for text in texts if text.strip()]
        raw = iter(self.detector.find_many(filled))
        return [_settle(text, next(raw), allow) if text.strip() else [] for text in texts]

    def _served(self, work: Callable[[], _T]) -> _T:
        self._watch.require_working()
        return self._guarded(work)

    def _guarded(self, work: Callable[[], _T]) -> _T:
        try:
            with deadline(self._time_limit_s):
                return work()
        except PrivacyUnavailable:
            raise
        except Exception as error:
            raise PrivacyUnavailable from error


def _settle(text: str, raw: Sequence[Finding], allow: frozenset[str]) -> list[Finding]:
    check_deadline()
    readable = find_readable(text)
    allowed = list(find_allowed(text, allow))
    found = resolve(text, raw, readable=readable, allowed=allowed)
    again = list(find_again(text, learn(text, found), found))
    if not again:
        return found
    return resolve(text, [*found, *again], readable=readable, allowed=allowed)


def build_privacy(
    models_dir: Path,
    *,
    detection: str = Detection.CAREFUL,
    site_model: Path | None = None,
    time_limit_s: float = _TIME_LIMIT_S,
) -> PrivacyEngine:
    """The engine with the models of this folder, tried on its canary sentences.

    `detection` is how much of a text the name models read; `site_model` a model that the site
    brings (`site_model.py`); `time_limit_s` how long one analysis may take. Raises
    PrivacyUnavailable when a model is missing, changed or silent.
    """
    rampart, tagger = load_rampart(models_dir), load_tagger()
    own = [load_site_model(site_model)] if site_model else []
    try:
        detector = build_detector(rampart, tagger, own, Detection(detection))
    except Exception as error:
        raise PrivacyUnavailable("The search for personal data cannot be built.") from error
    name = "+".join([DETECTOR, *(f"site-{recognizer.digest}" for recognizer in own)])
    engine = PrivacyEngine(detector, time_limit_s=time_limit_s, name=name)
    engine.check_canary()
    return engine
