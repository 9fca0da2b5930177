"""A model of names that a site brings by path: ONNX token classification, or spaCy.

It runs beside ours, reads the same stretches, and is tried on the canary sentences of its
languages. A folder with `model.onnx`, `tokenizer.json` and `config.json` (`id2label`) is a
transformers model; one with `meta.json` and `config.cfg` a pipeline for the installed spaCy.
`parvis.json` in the folder may say what its kinds are and whose names it finds
(`{"labels": {"PER": "PERSON", "LOC": null}, "languages": ["fr"]}`, null: leave readable). Nothing
is ever fetched.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from parvis.errors import PrivacyUnavailable
from parvis.privacy.deadline import check_deadline
from parvis.privacy.entities import Label
from parvis.privacy.rampart import open_session
from parvis.privacy.recognizers.base import Hit, SlowRecognizer
from parvis.privacy.word_reader import WordReader
from parvis.privacy.words import is_never_a_name

_RULE = "site_model"
_BELIEF = 0.5
_SMALL_BELIEF = 0.95
_SPACY_SCORE = 0.85
_SPACY_CHARS = 20_000
_LANGUAGES = ("fr", "de", "lb", "en")
_ONNX_FILES = ("model.onnx", "tokenizer.json", "config.json")
_SPACY_FILES = ("meta.json", "config.cfg")
# What models call things; None stays readable: a town or an office is nobody's personal data.
_LABELS: dict[str, Label | None] = (
    dict.fromkeys(
        "PER PERSON NAME GIVEN_NAME SURNAME FIRSTNAME LASTNAME MIDDLENAME".split(), Label.PERSON
    )
    | dict.fromkeys(
        "STREET STREET_NAME BUILDING_NUMBER SECONDARY_ADDRESS ZIP_CODE".split(), Label.ADDRESS
    )
    | {
        "BANK_ACCOUNT": Label.IBAN,
        "GOVERNMENT_ID": Label.NATIONAL_ID,
        "DRIVERS_LICENSE": Label.DRIVING_LICENCE,
        "ROUTING_NUMBER": None,
    }
    | dict.fromkeys(
        "LOC GPE FAC ORG MISC NORP DATE TIME MONEY PERCENT QUANTITY CARDINAL ORDINAL PRODUCT"
        " EVENT LAW LANGUAGE WORK_OF_ART CITY STATE COUNTRY".split()
    )
    | {label.value: label for label in Label if label not in (Label.LITERAL, Label.LOCATION)}
)


class SiteRecognizer(SlowRecognizer):
    """A site's model; says under which kinds and for which canary sentences it answers."""

    labels = tuple(Label)

    def __init__(self, meanings: Mapping[str, Label | None], digest: str) -> None:
        super().__init__()
        self.digest = digest
        self._meanings = meanings

    def _hit(self, text: str, start: int, end: int, beliefs: Mapping[str, float]) -> Iterator[Hit]:
        """Kinds that mean one label to us ("GIVEN_NAME", "SURNAME") speak for it together."""
        told: Counter[Label | None] = Counter()
        for kind, belief in beliefs.items():
            told[self._meanings[kind]] += belief  # type: ignore[assignment]
        label, score = told.most_common(1)[0]
        if (
            score < _BELIEF
            or label is None
            or (label is Label.PERSON and is_never_a_name(text[start:end]))
        ):
            return
        is_small = text[start].islower() and text != text.lower()
        if label is Label.PERSON and is_small and score < _SMALL_BELIEF:
            return  # beside a name models take the verb along: "Madame Weber huet"
        yield Hit(start, end, label, round(min(score, 0.94), 2), _RULE)  # no check digit seen


class OnnxSiteRecognizer(SiteRecognizer):
    """A transformers model for token classification, exported to ONNX."""

    def __init__(
        self, reader: WordReader, meanings: Mapping[str, Label | None], digest: str
    ) -> None:
        super().__init__(meanings, digest)
        self._reader = reader

    def find_many(self, asked: Sequence[tuple[str, Sequence[tuple[int, int]]]]) -> list[list[Hit]]:
        """Every word the model believes in, neighbours of one kind joined later."""
        places = [(n, a, text[a:b]) for n, (text, spans) in enumerate(asked) for a, b in spans]
        found: list[list[Hit]] = [[] for _ in asked]
        read = self._reader.read_many([piece for _, _, piece in places])
        for (number, offset, _), words in zip(places, read, strict=True):
            for word in words:
                start, end = word.start + offset, word.end + offset
                found[number] += self._hit(asked[number][0], start, end, word.beliefs)
        return found


class SpacySiteRecognizer(SiteRecognizer):
    """A spaCy pipeline with an entity recogniser."""

    def __init__(self, pipeline: Any, meanings: Mapping[str, Label | None], digest: str) -> None:
        super().__init__(meanings, digest)
        self._pipeline = pipeline

    def find_many(self, asked: Sequence[tuple[str, Sequence[tuple[int, int]]]]) -> list[list[Hit]]:
        """Every entity of the pipeline."""
        return [
            [hit for a, b in stretches for hit in self._read(text, a, b)]
            for text, stretches in asked
        ]

    def _read(self, text: str, start: int, end: int) -> Iterator[Hit]:
        for first, last in _pieces(text, start, end):
            check_deadline()
            for entity in self._pipeline(text[first:last]).ents:
                places = first + entity.start_char, first + entity.end_char
                yield from self._hit(text, *places, {entity.label_: _SPACY_SCORE})


class _OnnxReader(WordReader):
    """The site's graph as it was exported."""

    def __init__(self, folder: Path, id2label: Mapping[str, str]) -> None:
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.no_padding()
        edges = tokenizer.encode("").ids
        half = (len(edges) + 1) // 2
        super().__init__(tokenizer, id2label, (edges[:half], edges[half:]))
        self._session = open_session(
            str(folder / "model.onnx"), onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        )
        self._inputs = {node.name for node in self._session.get_inputs()}

    def compute(self, ids: Any) -> Any:
        """Logits of these sub-words."""
        feed = {
            "input_ids": ids,
            "attention_mask": np.ones_like(ids),
            "token_type_ids": np.zeros_like(ids),
        }
        return self._session.run(None, {k: v for k, v in feed.items() if k in self._inputs})[0]


def load_site_model(folder: Path) -> SiteRecognizer:
    """The site's model; raises PrivacyUnavailable saying what is missing or not understood."""
    try:
        if all((folder / name).is_file() for name in _ONNX_FILES):
            return _load_onnx(folder)
        if all((folder / name).is_file() for name in _SPACY_FILES):
            return _load_spacy(folder)
    except PrivacyUnavailable:
        raise
    except Exception as error:
        # it speaks of files and versions, never of a text
        said = str(error).partition("\n")[0]
        raise PrivacyUnavailable(
            f"PARVIS_PRIVACY_MODEL: {folder} cannot be loaded: {type(error).__name__}: {said}"
        ) from error
    raise PrivacyUnavailable(
        f"PARVIS_PRIVACY_MODEL: {folder} holds neither {', '.join(_ONNX_FILES)} (ONNX) nor "
        f"{', '.join(_SPACY_FILES)} (spaCy)."
    )


def _load_onnx(folder: Path) -> SiteRecognizer:
    id2label = json.loads((folder / "config.json").read_text(encoding="utf-8"))["id2label"]
    reader = _OnnxReader(folder, id2label)
    digest = _digest(folder / name for name in _ONNX_FILES)
    recognizer = OnnxSiteRecognizer(reader, _meanings(folder, reader.kinds), digest)
    return _for_languages(recognizer, folder, _LANGUAGES)


def _load_spacy(folder: Path) -> SiteRecognizer:
    import spacy  # noqa: PLC0415 - only a site with such a model pays for it

    kept = {"tok2vec", "transformer", "ner"}
    pipeline = spacy.load(folder)
    for name in [name for name in pipeline.pipe_names if name not in kept]:
        pipeline.remove_pipe(name)
    if "ner" not in pipeline.pipe_names:
        raise PrivacyUnavailable(f"PARVIS_PRIVACY_MODEL: {folder} has no entity recogniser (ner).")
    meanings = _meanings(folder, pipeline.pipe_labels["ner"])
    digest = _digest(sorted(path for path in folder.rglob("*") if path.is_file()))
    recognizer = SpacySiteRecognizer(pipeline, meanings, digest)
    language = str(pipeline.lang)
    return _for_languages(recognizer, folder, (language,))


def _meanings(folder: Path, kinds: Sequence[str]) -> dict[str, Label | None]:
    """What each kind of the model is to us; a kind that nobody knows stops the start."""
    own = {
        kind: None if label is None else Label(label)
        for kind, label in _own_words(folder).get("labels", {}).items()
    }
    known = _LABELS | own
    unknown = sorted(kind for kind in kinds if kind not in known)
    if unknown:
        raise PrivacyUnavailable(
            f"PARVIS_PRIVACY_MODEL: nobody knows the kinds {', '.join(unknown)}; name a label or "
            f"null for each under labels in {folder / 'parvis.json'}."
        )
    return {kind: known[kind] for kind in kinds}


def _for_languages(
    recognizer: SiteRecognizer, folder: Path, default: Sequence[str]
) -> SiteRecognizer:
    recognizer.canaries = tuple(_own_words(folder).get("languages", default))
    return recognizer


def _own_words(folder: Path) -> dict[str, Any]:
    path = folder / "parvis.json"
    if not path.is_file():
        return {}
    words = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(words, dict) or set(words) - {"labels", "languages"}:
        raise PrivacyUnavailable(f"{path}: expected an object with labels and languages.")
    return words


def _pieces(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Pieces that spaCy can hold, each reaching back a little, cut at a space."""
    while start < end:
        stop = min(end, start + _SPACY_CHARS)
        space = text.rfind(" ", stop - 200, stop) if stop < end else -1
        stop = space if space > start else stop
        yield start, stop
        if stop >= end:
            return
        start = max(start + 1, text.rfind(" ", stop - 400, stop - 200) + 1, stop - 400)


def _digest(paths: Iterator[Path] | Sequence[Path] | Any) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:8]
