"""The passages of an agency that fit a question: by meaning and by words, joined by rank.

Vectors lie in memory, one table for each agency, rebuilt when its sources change. Whether a source
is still valid, and who may see it, is the caller's question (`source_ids`).
"""

import hashlib
import json
import threading
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from parvis.db import open_session
from parvis.domain import DataLevel, Language, Passage
from parvis.errors import PrivacyUnavailable
from parvis.knowledge.encoder import DIMENSION, Encoder, Vector
from parvis.knowledge.ingest import Hide, SourceText, cut_source, digest_source
from parvis.knowledge.lexical import WordIndex
from parvis.knowledge.questions import split_question
from parvis.knowledge.store import (
    SourceChange,
    StoredSource,
    SyncReport,
    count_passages,
    find_digests,
    list_passages,
    list_stored,
    replace_sources,
)
from parvis.tables import PassageRow

# Below this similarity a passage is taken not to answer; where it shares a rare word with the
# question, below the second. Found on the example sources (tests/knowledge/test_examples.py), so
# that no question without an answer gets one: check both on your own.
ANSWERABLE = 0.33
ANSWERABLE_BY_WORD = 0.26
_SAME_LANGUAGE = 0.05
# so chosen that words decide between passages of nearly the same meaning, and never alone
_RANK_OFFSET = 10
_WORDS_WEIGHT = 0.4

Tell = Callable[[Sequence[SourceChange]], None]
"""Hears what changes, just before it does; what it raises keeps all as it was."""


@dataclass(frozen=True, slots=True)
class _Index:
    """An agency's passages in memory; `digest` says which state of its sources they are."""

    digest: str
    passages: tuple[Passage, ...]
    vectors: NDArray[np.float32]
    words: WordIndex


class Knowledge:
    """The sources of every agency; thread-safe. MUST be made after a fork."""

    def __init__(self, engine: Engine, encoder: Encoder) -> None:
        self._engine = engine
        self._encoder = encoder
        self._lock = threading.Lock()
        self._indexes: dict[str, _Index] = {}

    def sync(
        self,
        tenant_id: str,
        sources: Sequence[SourceText],
        hide: Hide | None = None,
        tell: Tell = lambda _changes: None,
    ) -> SyncReport:
        """Make the agency's passages those of `sources`: all or nothing, only what changed.

        `tell` hears of the changes before they stand; they do not when it raises. `hide` keeps
        personal data out of the vectors of sources that are not public; without it such sources
        are refused. Two at once do no harm: the later one finds the work done.
        Raises EncoderUnavailable, PrivacyUnavailable.
        """
        if hide is None and any(source.level > DataLevel.PUBLIC for source in sources):
            raise PrivacyUnavailable("A source that is not public is not read without a search.")
        try:
            return self._sync(tenant_id, sources, hide, tell)
        except IntegrityError:  # another process wrote the same first
            return self._sync(tenant_id, sources, hide, tell)

    def retrieve(
        self,
        tenant_id: str,
        question: str,
        *,
        source_ids: Collection[str],
        language: Language | None = None,
        limit: int = 3,
        min_score: float | None = None,
    ) -> list[Passage]:
        """The passages of these sources that may answer, best first; none when nothing fits.

        `score` is the cosine similarity to the message or its nearest sentence. What is not near
        enough to answer is left out; `min_score` sets another limit. A passage in `language` goes
        before one that fits as well in another. Raises EncoderUnavailable.
        """
        index = self._get_index(tenant_id)
        allowed = [
            place for place, passage in enumerate(index.passages) if passage.source_id in source_ids
        ]
        parts = split_question(question)
        if not allowed or not parts:
            return []
        asked = np.stack([self._encoder.encode(part) for part in parts], axis=1)
        cosine = (index.vectors @ asked).max(axis=1)
        words = index.words.score(parts[0])
        meaning = {
            place: float(cosine[place])
            + (_SAME_LANGUAGE if index.passages[place].language == language else 0.0)
            for place in allowed
        }
        ranked = _join_ranks(meaning, {place: words[place] for place in allowed if words[place]})
        shared = index.words.shares_rare(parts[0])
        good = [
            place
            for place in ranked
            if cosine[place] >= (_get_limit(shared[place]) if min_score is None else min_score)
        ]
        return [_with_score(index.passages[place], float(cosine[place])) for place in good[:limit]]

    def encode(self, text: str) -> Vector:
        """The vector of a whole text, as its words stand. Raises EncoderUnavailable."""
        return self._encoder.encode(text, most_chars=None)

    def list_sources(self, tenant_id: str) -> list[StoredSource]:
        """The agency's sources that can be searched."""
        with open_session(self._engine) as session:
            return list_stored(session, tenant_id)

    def _sync(
        self, tenant_id: str, sources: Sequence[SourceText], hide: Hide | None, tell: Tell
    ) -> SyncReport:
        wanted = {s.source_id: digest_source(s, self._encoder.digest, hide) for s in sources}
        with open_session(self._engine) as session:
            stored = find_digests(session, tenant_id)
        stale = [s for s in sources if stored.get(s.source_id) != wanted[s.source_id]]
        removed = tuple(sorted(set(stored) - set(wanted)))
        # the vectors are made before the transaction: it must not stay open meanwhile
        rows = [row for s in stale for row in self._embed(tenant_id, s, wanted[s.source_id], hide)]
        with open_session(self._engine) as session:
            if stale or removed:
                ids = {*removed, *(s.source_id for s in stale)}
                replace_sources(session, tenant_id, ids, rows)
                cut = Counter(row.source_id for row in rows)
                tell(
                    [
                        SourceChange(one, stored.get(one, ""), wanted.get(one, ""), cut[one])
                        for one in sorted(ids)
                    ]
                )
            passages = count_passages(session, tenant_id)
        return SyncReport(
            added=tuple(s.source_id for s in stale if s.source_id not in stored),
            changed=tuple(s.source_id for s in stale if s.source_id in stored),
            removed=removed,
            unchanged=tuple(s.source_id for s in sources if s not in stale),
            passages=passages,
        )

    def _embed(
        self, tenant_id: str, source: SourceText, digest: str, hide: Hide | None
    ) -> list[PassageRow]:
        # a question comes here without its personal data too (`questions.py`): neither side of
        # the comparison holds a name
        leave_out = hide.leave_out if hide and source.level > DataLevel.PUBLIC else str
        return [
            PassageRow(
                tenant_id=tenant_id,
                source_id=source.source_id,
                source_digest=digest,
                position=position,
                title=section.title,
                url=source.url,
                language=source.language,
                level=int(source.level),
                controller=source.controller,
                text=section.text,
                vector=self._encode(leave_out(section.title), leave_out(section.text)).tobytes(),
            )
            for position, section in enumerate(cut_source(source))
        ]

    def _encode(self, title: str, text: str) -> Vector:
        """Midway between heading and text: a short heading often says best what is asked."""
        both = self._encoder.encode(title) + self._encoder.encode(text)
        middle: Vector = (both / np.linalg.norm(both)).astype("<f4")
        return middle

    def _get_index(self, tenant_id: str) -> _Index:
        with open_session(self._engine) as session:
            digest = _digest(find_digests(session, tenant_id))
            index = self._indexes.get(tenant_id)
            if index is not None and index.digest == digest:
                return index
            rows = list_passages(session, tenant_id)
        index = _build_index(rows)
        with self._lock:
            self._indexes[tenant_id] = index
        return index


def _get_limit(shares_rare_word: bool) -> float:
    return ANSWERABLE_BY_WORD if shares_rare_word else ANSWERABLE


def _build_index(rows: Sequence[PassageRow]) -> _Index:
    passages = tuple(_read_row(row) for row in rows)
    vectors = np.frombuffer(b"".join(row.vector for row in rows), dtype="<f4")
    return _Index(
        # of what was read, not of what was asked before: a sync may have come between
        digest=_digest({row.source_id: row.source_digest for row in rows}),
        passages=passages,
        vectors=vectors.reshape(len(rows), DIMENSION),
        words=WordIndex([f"{passage.title}\n{passage.text}" for passage in passages]),
    )


def _digest(sources: dict[str, str]) -> str:
    return hashlib.sha256(json.dumps(sorted(sources.items())).encode()).hexdigest()


def _read_row(row: PassageRow) -> Passage:
    return Passage(
        source_id=row.source_id,
        title=row.title,
        url=row.url,
        language=cast(Language, row.language),
        text=row.text,
        score=0.0,
        level=DataLevel(row.level),
        controller=row.controller,
    )


def _with_score(passage: Passage, score: float) -> Passage:
    return Passage(
        passage.source_id,
        passage.title,
        passage.url,
        passage.language,
        passage.text,
        round(score, 6),
        passage.level,
        passage.controller,
    )


def _join_ranks(meaning: dict[int, float], words: dict[int, float]) -> list[int]:
    """Places by reciprocal rank (Cormack 2009): scores of two kinds cannot be added, ranks can."""
    joined = dict.fromkeys(meaning, 0.0)
    for weight, scores in ((1.0, meaning), (_WORDS_WEIGHT, words)):
        for rank, place in enumerate(sorted(scores, key=lambda p: (-scores[p], p))):
            joined[place] += weight / (_RANK_OFFSET + rank)
    return sorted(joined, key=lambda place: (-joined[place], place))
