"""The built-in quote mode: answers by showing the passage that was found, word for word.

It writes nothing of its own but the frame around the quotation, so it cannot invent. Finding the
passages is knowledge's work.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from parvis.domain import Language, ModelPiece, Passage
from parvis.inference.chunks import estimate_usage

_SENTENCE = re.compile(r".+?(?:[.!?…](?=[\s»”\"]|$)[»”\"]?|$)\s*", re.DOTALL)
# a full stop after these, or after a single letter or a day of the month, ends no sentence
_ABBREVIATED = re.compile(
    r"(?:\b(?:Abs|Ziff|Bst|ggf|evtl|usw|resp|cf|al|Art|art|Nr|No|no|N°|bzw|ca|env|etc|inkl|max|min|Mme|Mr|Dr|St|Str|Tel|tél|vgl|z|d|u|p|e|i)"
    r"|\b[A-Z]|(?<![:.,h\d])\d{1,2})\.\s*$"
)
_PLACEHOLDER = re.compile(r"\[[A-Z_]+_\d+[a-z]{0,3}_[a-z0-9]{4}\]")
_WORD = re.compile(r"\w+")
_PIECE = re.compile(r"\S+\s*")
_PIECE_WORDS = 2
_STEM = 4
_SHORT = 3
_MOST_MARKED = 2
# a second sentence is marked only where it fits at least half as well as the first
_NEARLY = 0.5


@dataclass(frozen=True, slots=True)
class _Frame:
    """The sentences around a quotation, in one language."""

    opening: str
    foreign: str
    languages: dict[str, str]
    source: str
    see_also: str
    nothing: str
    ask: str
    ask_contact: str


_FRAMES: dict[Language, _Frame] = {
    "fr": _Frame(
        opening="Voici ce que dit la source officielle :",
        foreign="Voici ce que dit la source officielle (texte en {language}) :",
        languages={"fr": "français", "de": "allemand", "lb": "luxembourgeois", "en": "anglais"},
        source="Source : ",
        see_also="Voir aussi : ",
        nothing="Je n’ai rien trouvé dans les sources officielles qui réponde à votre question.",
        ask="Vous pouvez la reformuler, ou vous adresser directement au service compétent.",
        ask_contact="Vous pouvez la reformuler, ou vous adresser à : {contact}.",
    ),
    "de": _Frame(
        opening="Das steht dazu in der amtlichen Quelle:",
        foreign="Das steht dazu in der amtlichen Quelle (Text auf {language}):",
        languages={"fr": "Französisch", "de": "Deutsch", "lb": "Luxemburgisch", "en": "Englisch"},
        source="Quelle: ",
        see_also="Siehe auch: ",
        nothing="In den amtlichen Quellen habe ich keine Antwort auf Ihre Frage gefunden.",
        ask="Sie können die Frage anders stellen oder sich direkt an die zuständige Stelle wenden.",
        ask_contact="Sie können die Frage anders stellen oder sich hier melden: {contact}.",
    ),
    "lb": _Frame(
        opening="Dat steet dozou an der offizieller Quell:",
        foreign="Dat steet dozou an der offizieller Quell (Text op {language}):",
        languages={"fr": "Franséisch", "de": "Däitsch", "lb": "Lëtzebuergesch", "en": "Englesch"},
        source="Quell: ",
        see_also="Kuckt och: ",
        nothing="An den offizielle Quellen hunn ech keng Äntwert op Är Fro fonnt.",
        ask="Dir kënnt d’Fro anescht stellen oder Iech direkt un déi zoustänneg Plaz wenden.",
        ask_contact="Dir kënnt d’Fro anescht stellen oder Iech hei mellen: {contact}.",
    ),
    "en": _Frame(
        opening="This is what the official source says:",
        foreign="This is what the official source says (text in {language}):",
        languages={"fr": "French", "de": "German", "lb": "Luxembourgish", "en": "English"},
        source="Source: ",
        see_also="See also: ",
        nothing="I found nothing in the official sources that answers your question.",
        ask="You can put the question another way, or ask the responsible office directly.",
        ask_contact="You can put the question another way, or turn to: {contact}.",
    ),
}


def quote_answer(
    question: str, passages: Sequence[Passage], language: Language, contact: str = ""
) -> Iterator[ModelPiece]:
    """The best passage quoted with its source, in small pieces, or a polite "nothing found".

    `passages` are those found good enough, best first; none means that the sources do not answer.
    The sentences that share words with the question are in bold. `contact` (name, telephone or
    address of the office) is named where nothing was found. Usage is estimated.
    """
    text = build_quotation(question, passages, language, contact)
    words = _PIECE.findall(text)
    for start in range(0, len(words), _PIECE_WORDS):
        yield ModelPiece(text="".join(words[start : start + _PIECE_WORDS]))
    yield ModelPiece(finish_reason="stop")
    yield ModelPiece(usage=estimate_usage(len(question), len(text)))


def build_quotation(
    question: str, passages: Sequence[Passage], language: Language, contact: str = ""
) -> str:
    """The whole answer of quote mode as Markdown."""
    frame = _FRAMES[language]
    if not passages:
        ask = frame.ask_contact.format(contact=contact.rstrip(".")) if contact else frame.ask
        return f"{frame.nothing} {ask}"
    best = passages[0]
    opening = frame.opening
    if best.language != language:
        opening = frame.foreign.format(language=frame.languages[best.language])
    parts = [opening, _blockquote(mark_sentences(best.text, question)), frame.source + _link(best)]
    others = [_link(passage) for passage in _further(passages)]
    if others:
        parts[-1] += "  \n" + frame.see_also + " · ".join(others)
    return "\n\n".join(parts)


def mark_sentences(text: str, question: str) -> str:
    """`text` with the sentences in bold that share most words with the question (two at most)."""
    lines = [_split_line(line) for line in text.replace("**", "").splitlines()]
    marked = _choose_sentences(
        [sentences for _, sentences in lines], _stems(_PLACEHOLDER.sub(" ", question))
    )
    return "\n".join(
        prefix
        + "".join(
            _bold(sentence) if (row, column) in marked else sentence
            for column, sentence in enumerate(sentences)
        )
        for row, (prefix, sentences) in enumerate(lines)
    )


def _choose_sentences(lines: Sequence[Sequence[str]], wanted: set[str]) -> set[tuple[int, int]]:
    """Line and place of the sentences to mark; a word that many sentences hold counts little."""
    shared = {
        (row, column): _stems(sentence) & wanted
        for row, sentences in enumerate(lines)
        for column, sentence in enumerate(sentences)
    }
    spread = Counter(stem for stems in shared.values() for stem in stems)
    scores = {
        place: sum(1 / spread[stem] for stem in stems) for place, stems in shared.items() if stems
    }
    best = sorted(scores, key=lambda place: (-scores[place], place))[:_MOST_MARKED]
    return {place for place in best if scores[place] >= _NEARLY * scores[best[0]]}


def _further(passages: Sequence[Passage]) -> Iterator[Passage]:
    """The other passages, each place once."""
    seen = {(passages[0].url, passages[0].title)}
    for passage in passages[1:]:
        place = (passage.url, passage.title)
        if place not in seen:
            seen.add(place)
            yield passage


def _split_line(line: str) -> tuple[str, list[str]]:
    """A line's list mark or table bar, and its sentences; tables stay whole and unmarked."""
    if line.lstrip().startswith("|"):
        return line, []
    match = re.match(r"\s*(?:[-*+]\s+|\d{1,2}[.)]\s+|>\s*)?", line)
    prefix = match.group() if match else ""
    sentences: list[str] = []
    for sentence in _SENTENCE.findall(line[len(prefix) :]):
        if sentences and _ABBREVIATED.search(sentences[-1]):
            sentences[-1] += sentence
        else:
            sentences.append(sentence)
    return prefix, sentences


def _bold(sentence: str) -> str:
    core = sentence.strip()
    start = sentence.index(core)
    return f"{sentence[:start]}**{core}**{sentence[start + len(core) :]}"


def _blockquote(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())


def _link(passage: Passage) -> str:
    title = re.sub(r"([\[\]\\])", r"\\\1", passage.title)
    if not passage.url:
        return title
    url = passage.url.replace(" ", "%20").replace("(", "%28").replace(")", "%29")
    return f"[{title}]({url})"


def _stems(text: str) -> set[str]:
    plain = "".join(
        char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char)
    )
    return {
        word.casefold()[:_STEM]
        for word in _WORD.findall(plain)
        if len(word) > _SHORT or word.isdigit()
    }
