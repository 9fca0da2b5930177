"""Masking and restoring on texts nobody thought of: any text, any cut, any length, any hostility.

`make drill-privacy` runs the same with many more examples and longer texts.
"""

import multiprocessing
import os
import random
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parvis.privacy import Masked, PrivacyEngine, Unmasker, restore

DRILL = os.environ.get("DRILL") == "1"
CONTEXTS = 10_000 if DRILL else 150
HOSTILE_CHARS = 100_000 if DRILL else 8_000
EXAMPLES = 1_000 if DRILL else 60
KEY = b"robust" * 6
# Linear work on so many characters takes a fraction of a second of processor time for each rule;
# quadratic work takes minutes.
RULE_LIMIT_S = 30.0

WORDS = st.sampled_from(
    ["Jean Dupont", "M. Dupont", "d'Madame Weber", "weber@post.example", "LU28 0019 4006 4475 0000",
     "[PERSON_1_bcdf]", "[EMAIL 2 xxxx]", "né le 12.03.1980", "1893120105732", "Ä\u0301", "\u00a0",
     "\u200b", "🙂", "<", ">", "[", "]", "_", "\\", "\n", ", ", " ", "der", "und", "\ud800", "x"]
)  # fmt: skip
TEXTS = st.lists(WORDS | st.text(max_size=8), max_size=12).map("".join)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(texts=st.lists(TEXTS, min_size=1, max_size=3), data=st.data())
def test_what_was_masked_comes_back_however_the_stream_is_cut(
    engine: PrivacyEngine, texts: list[str], data: st.DataObject
) -> None:
    masked = engine.mask(texts, tag_key=KEY)
    for text, hidden in zip(texts, masked.texts, strict=True):
        assert _put_back(hidden, masked) == text
        cuts = sorted(data.draw(st.lists(st.integers(0, len(hidden)), max_size=5)))
        unmasker = Unmasker(masked.mapping)
        pieces = [hidden[a:b] for a, b in zip([0, *cuts], [*cuts, len(hidden)], strict=True)]
        assert "".join([*map(unmasker.feed, pieces), unmasker.flush()]) == restore(
            hidden, masked.mapping
        )


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    text=st.lists(
        st.sampled_from(
            ["Jean Dupont", "\\", "\\n", "LU28 0019 4006 4475 0000", "]", "[", " ", "_"]
        )
        | st.text('ab \n\\"', max_size=4),
        max_size=10,
    ).map("".join)
)
def test_a_reader_gets_back_each_sign_outside_addresses(engine: PrivacyEngine, text: str) -> None:
    masked = engine.mask([text], tag_key=KEY)
    assert restore(masked.texts[0], masked.mapping) == text


def _put_back(hidden: str, masked: Masked) -> str:
    """Every placeholder replaced, inside addresses as well: what restoring withholds there is its
    own matter (`test_unmasking`)."""
    for placeholder, value in masked.mapping.items():
        hidden = hidden.replace(placeholder, value)
    return hidden


SEEDS = (
    "nathalie.perrin@courriel.example",
    "LU28 0019 4006 4475 0000",
    "1893120105732",
    "Nathalie Perrin",
    "+352 621 448 210",
    "Katharina Vogel",
)
AROUND = (
    "Bonjour, le dossier de {} est en attente.",
    "Gestern hat {} angerufen und wartet.",
    "Den Här kennt {} zënter gëschter.",
    "Please tell {} that it is done.",
    "{}",
    "- {}\n- autre\n",
    "Frau {}, bitte",
    "({})",
)
FILLER = "la commune ass eng Gemeng and the office antwortet am Montag wegen dem Formular".split()


def test_no_sign_of_a_seeded_value_is_left_in_any_context(engine: PrivacyEngine) -> None:
    dice = random.Random(20_261_122)  # noqa: S311 - the same contexts in every run
    for number in range(CONTEXTS):
        seed = dice.choice(SEEDS)
        before = " ".join(dice.choices(FILLER, k=dice.randrange(9)))
        after = " ".join(dice.choices(FILLER, k=dice.randrange(9)))
        # the value is introduced once plainly: from then on it is known in the conversation
        texts = [f"M. {seed}" if seed[0].isalpha() and " " in seed else seed]
        texts.append(f"{before} {dice.choice(AROUND).format(seed)} {after}")
        masked = engine.mask(texts, tag_key=number.to_bytes(4, "big"))
        assert seed not in "".join(masked.texts), texts
        assert not any(part in "".join(masked.texts) for part in seed.split() if len(part) > 4)


def test_no_value_is_lost_at_any_offset_of_a_seam(engine: PrivacyEngine) -> None:
    """A name slides over the seams of the name model's chunks and windows, letter by letter."""
    name = "Katharina Vogel"
    word = "Antrag "
    step = 1 if DRILL else 97
    for place in range(7_560, 8_040, step):
        text = (word * 2_000)[:place].rstrip() + f". Gestern hat {name} angerufen. " + word * 60
        shown = engine.mask([text], tag_key=KEY).texts[0]
        assert "Vogel" not in shown, place
        assert "Katharina" not in shown, place


def test_a_very_long_text_loses_no_value_and_takes_time_in_its_measure(
    engine: PrivacyEngine,
) -> None:
    size = 200_000 if DRILL else 20_000
    sentences, length = [], 0
    while length < size:
        number = len(sentences)
        sentences.append(f"Frau Katharina Vogel schreibt von post{number}@kunde.example heute. ")
        sentences.append("Die Verwaltung prüft den Antrag und antwortet bald schriftlich. " * 3)
        length += len(sentences[-1]) + len(sentences[-2])
    masked = engine.mask(["".join(sentences)], tag_key=KEY)
    assert "Vogel" not in masked.texts[0]
    assert "kunde.example" not in masked.texts[0]
    assert masked.counts["EMAIL"] == len(sentences) // 2


HOSTILE = (
    *("a", "A", "1", " ", "1 ", "1 1 ", "A ", "-", "A-", "A-A", "Aa-", "@", "a@", "a.b@"),
    *("1-", "1.", "1/", "1 1/", "(", "(1", '"', "'", "d'", "[", "<", "\n", "\n1", "1\n", "\t"),
    *("Aa ", "Aa Bb, ", "a.b.", "http://", "http://a/?b=", ":", "1:", "é", "+1", "(0", "L-"),
    *("L-1234 ", "[PERSON_1_", "AB 12", "DE89 ", "sk-", "Nom : ", "Herr ", "né le 1 ", "12 rue "),
    *(
        "\\",
        "\\n",
        "a:\\n",
        "\\u00e9",
        "&amp;",
        "&#1",
        "M. A ",
        "zéro six ",
        "nom;dob\nA;1\n",
        "a\u0430",
        "A1 ",
        "§ ",
        "Az. ",
        "A et A ",
    ),
)


@pytest.mark.timeout(1800 if DRILL else 300)
@pytest.mark.parametrize("unit", HOSTILE)
def test_no_pattern_explodes_on_a_hostile_text(engine: PrivacyEngine, unit: str) -> None:
    text = (unit * HOSTILE_CHARS)[:HOSTILE_CHARS]
    for recognizer in engine.detector.recognizers:
        if recognizer.name == "ModelRecognizer":
            continue
        started = time.process_time()
        recognizer.analyze(text, [])
        took = time.process_time() - started
        assert took < RULE_LIMIT_S, f"{recognizer.name} took {took:.0f} s"


def _mask_for(engine: PrivacyEngine, tenant: str, number: int) -> bool:
    """Whether a tenant's mapping holds its own values and nobody else's."""
    texts = [f"Frau {tenant}mann{number} schreibt.", f"Von p{number}@{tenant.lower()}.example."]
    masked = engine.mask(texts, tag_key=f"{tenant}{number}".encode())
    told = "".join(restore(text, masked.mapping) for text in masked.texts)
    values = " ".join(masked.mapping.values())
    return (
        told == "".join(texts)
        and f"p{number}@{tenant.lower()}" in values
        and all(value in "".join(texts) for value in masked.mapping.values())
    )


def test_threads_of_two_tenants_never_mix_a_mapping(engine: PrivacyEngine) -> None:
    with ThreadPoolExecutor(6) as pool:
        asked = [(tenant, number) for number in range(20) for tenant in ("Alpha", "Omega")]
        assert all(pool.map(lambda pair: _mask_for(engine, *pair), asked))


def _work(engine: PrivacyEngine, tenant: str, pipe: Any) -> None:
    pipe.send(all(_mask_for(engine, tenant, number) for number in range(10)))


def test_processes_that_share_one_engine_never_mix_a_mapping(engine: PrivacyEngine) -> None:
    context = multiprocessing.get_context("fork")
    ends = []
    for tenant in ("Alpha", "Omega"):
        here, there = context.Pipe()
        worker = context.Process(target=_work, args=(engine, tenant, there))
        worker.start()
        ends.append((worker, here))
    assert all(pipe.recv() for _, pipe in ends)
    for worker, _ in ends:
        worker.join()
    engine.check_canary()
