"""Trains the name tagger and writes `platform/parvis/privacy/data/names.txt`.

    python -m deploy.train.train_names --data FOLDER

FOLDER holds `ner/` and `names/` as README.md here says. Takes a few minutes on one core; the same
data give the same weights.
"""

import argparse
import hashlib
import random
import zlib
from collections import Counter
from operator import add
from pathlib import Path
from typing import Any

import numpy as np

from deploy.train.corpora import (
    ROOT,
    Sample,
    load_counts,
    load_germeval,
    load_ler,
    load_plain,
    split,
)
from deploy.train.dictionaries import load_words, load_world
from deploy.train.letters import Letters
from deploy.train.weights import as_bits, rounded, save
from parvis.privacy.tagger import (
    BITS,
    LIST_BITS,
    Lexicon,
    Tagger,
    features,
    name_hashes,
    read_tokens,
)
from parvis.privacy.words import PARTICLES, fold_name

TARGET = ROOT / "platform/parvis/privacy/data/names.txt"
LETTERS = 30_000
EPOCHS = 5
BATCH = 4096
RATE = 0.15
DECAY = 1e-7
DROPPED = 0.3
HIDDEN = 0.3
# words that a list leaves out must be left readable as well
HIDDEN_WORDS = 0.2
LEAST_SEEN = 2
SOURCES = ("ner/germeval2014-dev.tsv", "ner/germeval2014-test.tsv", "ner/ler-dev.conll")
SOURCES += ("names/fr-first-names-insee.csv", "names/fr-surnames-insee.csv")


def main() -> None:
    """Train, say how well it does on what was kept apart, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--to", type=Path, default=TARGET)
    arguments = parser.parse_args()
    data = arguments.data
    for source in SOURCES:
        print(source, hashlib.sha256((data / source).read_bytes()).hexdigest())
    first_names = load_counts(data / "names/fr-first-names-insee.csv", 100)
    surnames = load_counts(data / "names/fr-surnames-insee.csv", 100)
    world = load_world()
    germeval = [s for source in SOURCES[:2] for s in load_germeval(data / source)]
    train, kept = split(germeval, 0.2)
    legal, plain = load_ler(data / SOURCES[2]), load_plain()
    listed = load_words()
    common = {language: pick_common(words) for language, words in listed.items()}
    common["de"] = seen_words(train)
    common["lb"] = tuple(map(add, seen_words(plain), common["de"]))
    letters = Letters(first_names, surnames, world, common, seed=1)
    written = [letters.write() for _ in range(LETTERS)]
    words = {fold_name(word) for words in listed.values() for word in words}
    words |= find_words(train + legal + plain + written)
    lexicon = Lexicon(
        _bits(fold_all([name for name, _ in first_names] + world[0])),
        _bits(fold_all([name for name, _ in surnames] + world[1])),
        _bits(words),
    )
    train = 2 * train + 2 * legal + 3 * plain + written
    buckets, gold = encode(careless(train), lexicon, is_training=True)
    weights, bias = fit(buckets, gold)
    whole, scale = rounded(weights)
    tagger = Tagger(whole, scale, bias, lexicon)
    more = Letters(first_names, surnames, world, common, seed=2)
    measure("GermEval kept apart", tagger, kept)
    measure("letters, another seed", tagger, [more.write() for _ in range(1500)])
    measure("LER test", tagger, load_ler(data / "ner/ler-test.conll"))
    lists = (lexicon.first_names, lexicon.surnames, lexicon.words)
    save(arguments.to, "Weights of the name tagger", f"{scale!r} {bias!r}", whole, *lists)


def careless(samples: list[Sample]) -> list[Sample]:
    """With copies in small letters and in capitals, as hurried people write."""
    pick = random.Random(3)  # noqa: S311 - not for secrets
    out = list(samples)
    for sample in samples:
        way = pick.random()
        small = sample.text.lower()
        large = "".join(c.upper() if len(c.upper()) == 1 else c for c in sample.text)
        if way < 0.22 and len(small) == len(sample.text):  # noqa: PLR2004
            out.append(Sample(small, sample.names))
        elif way > 0.9:  # noqa: PLR2004
            out.append(Sample(large, sample.names))
    return out


def encode(samples: list[Sample], lexicon: Lexicon, *, is_training: bool) -> tuple[Any, Any]:
    """Buckets of every token and whether it is part of a name."""
    noise = np.random.default_rng(5)
    rows, gold = [], []
    for sample in samples:
        tokens = read_tokens(sample.text)
        if not tokens:
            continue
        kinds = lexicon.kinds(name_hashes(tokens))
        names = np.array(
            [any(a <= t.start < b for a, b in sample.names) for t in tokens], dtype=np.float32
        )
        if is_training:  # names in no list must be found as well
            kinds = np.where((noise.random(len(tokens)) < HIDDEN) & (names > 0), kinds & 4, kinds)
            is_hidden = (noise.random(len(tokens)) < HIDDEN_WORDS) & (names == 0)
            kinds = np.where(is_hidden, kinds & 3, kinds)
        rows.append(features(tokens, kinds).astype(np.int32))
        gold.append(names)
    return np.concatenate(rows), np.concatenate(gold)


def fit(buckets: Any, gold: Any) -> tuple[Any, float]:
    """Weights by AdaGrad on the logistic loss; features are left out at random in training."""
    size = 1 << BITS
    weights = np.zeros(size + 1, dtype=np.float32)
    squares = np.full(size + 1, 1e-3, dtype=np.float32)
    bias, noise = -3.0, np.random.default_rng(6)
    for epoch in range(EPOCHS):
        loss = 0.0
        order = noise.permutation(len(gold))
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            batch, wanted = buckets[rows], gold[rows]
            batch = np.where(noise.random(batch.shape, np.float32) < DROPPED, size, batch)
            total = weights[batch].sum(axis=1) / (1 - DROPPED) + bias
            chance = 1 / (1 + np.exp(-np.clip(total, -30, 30)))
            slope = chance - wanted
            loss += float(-np.log(np.clip(np.where(wanted > 0, chance, 1 - chance), 1e-9, 1)).sum())
            flat = batch.ravel()
            total = np.bincount(flat, np.repeat(slope, batch.shape[1]), size + 1)
            total[size] = 0
            touched = np.flatnonzero(total)
            step = total[touched].astype(np.float32)
            squares[touched] += step * step
            weights[touched] -= RATE * step / np.sqrt(squares[touched])
            weights[touched] *= 1 - DECAY * BATCH
            bias -= 0.5 * float(slope.mean())
        print(f"epoch {epoch + 1}: loss {loss / len(gold):.4f}", flush=True)
    return weights[:size], bias


def measure(name: str, tagger: Tagger, samples: list[Sample]) -> None:
    """Precision and share found, by word, at some thresholds."""
    chances, gold = [], []
    for sample in samples:
        tokens = read_tokens(sample.text)
        chances.append(tagger.chances(tokens))
        gold.append([any(a <= t.start < b for a, b in sample.names) for t in tokens])
    chance, wanted = np.concatenate(chances), np.concatenate(gold).astype(bool)
    for least in (0.3, 0.5, 0.7, 0.8, 0.9, 0.95):
        said = chance >= least
        right = int((said & wanted).sum())
        print(
            f"{name} at {least}: precision {right / max(1, said.sum()):.3f}"
            f" found {right / max(1, wanted.sum()):.3f}",
            flush=True,
        )


def pick_common(words: set[str]) -> tuple[list[str], list[str]]:
    """Words of a dictionary in small letters and with a capital, to fill letters with."""
    fitting = sorted(word for word in words if 2 < len(word) < 12)  # noqa: PLR2004
    return fitting, [word.capitalize() for word in fitting]


def seen_words(samples: list[Sample]) -> tuple[list[str], list[str]]:
    """Words of these texts outside names, in small letters and with a capital."""
    seen: set[str] = set()
    for sample in samples:
        tokens = (m for m in read_tokens(sample.text) if m.text.isalpha() and len(m.text) > 1)
        seen.update(m.text for m in tokens if not any(a <= m.start < b for a, b in sample.names))
    return [w for w in sorted(seen) if w.islower()], [w for w in sorted(seen) if w.istitle()]


def find_words(samples: list[Sample]) -> set[str]:
    """Words that stand outside names at least so often, folded."""
    outside: Counter[str] = Counter()
    for sample in samples:
        for token in read_tokens(sample.text):
            if token.text[0].isalpha() and not any(a <= token.start < b for a, b in sample.names):
                outside[fold_name(token.text.split("-")[0])] += 1
    return {word for word, count in outside.items() if count >= LEAST_SEEN}


def fold_all(names: list[str]) -> set[str]:
    """The parts of names as the tagger asks for them."""
    parts = (part for name in names for part in name.replace("-", " ").split())
    return {fold_name(part) for part in parts if part.lower() not in PARTICLES}


def _bits(words: set[str]) -> Any:
    return as_bits((zlib.crc32(word.encode()) for word in words), LIST_BITS)


if __name__ == "__main__":
    main()
