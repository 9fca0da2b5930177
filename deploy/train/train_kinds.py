"""Trains the tagger of homes, birth dates and numbers; writes `privacy/data/kinds.txt`.

    python -m deploy.train.train_kinds --data FOLDER

FOLDER holds `ner/` and `names/` as README.md here says. Takes some minutes on one core; the same
data give the same weights.
"""

import argparse
import random
from collections.abc import Sequence
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
)
from deploy.train.dictionaries import load_world
from deploy.train.kind_letters import Marked, Writer, load_handwritten
from deploy.train.values import Values, load_frames, load_towns
from deploy.train.weights import as_bits, rounded, save
from parvis.privacy.entities import Label
from parvis.privacy.kind_tagger import BITS, KINDS, TOWN_BITS, KindTagger, features, read_units
from parvis.privacy.tagger import hash_name, load_tagger

HERE = Path(__file__).parent
TARGET = ROOT / "platform/parvis/privacy/data/kinds.txt"
SENTENCES = ("ner/germeval2014-dev.tsv", "ner/germeval2014-test.tsv")
DECISIONS = "ner/ler-dev.conll"
LETTERS = 25_000
COPIES = 16
EPOCHS = 4
BATCH = 2048
RATE = 0.12
DECAY = 1e-7
DROPPED = 0.3
HIDDEN = 0.25
_OTHER_NUMBERS = {
    Label.NATIONAL_ID, Label.TAX_ID, Label.HEALTH_INSURANCE_ID, Label.PASSPORT,
    Label.DRIVING_LICENCE, Label.LICENSE_PLATE,
}  # fmt: skip
_PLACE = {kind: place for place, kind in enumerate(KINDS)}
_PLACE |= dict.fromkeys(_OTHER_NUMBERS, _PLACE[Label.CASE_NUMBER])


def main() -> None:
    """Train and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--to", type=Path, default=TARGET)
    parser.add_argument("--without", nargs="*", default=[], help="sets of messages to leave out")
    arguments = parser.parse_args()
    weights, scale, bias, towns = train(arguments.data, arguments.without)
    head = " ".join(map(repr, [scale, *map(float, bias)]))
    save(arguments.to, "Weights of the tagger of kinds", head, weights, towns)


def train(data: Path, without: Sequence[str]) -> tuple[Any, float, Any, Any]:
    """Weights, their scale, biases and the bits of known towns."""
    towns, known = load_towns()
    pick = random.Random(11)  # noqa: S311 - not for secrets
    values = Values(pick, towns, towns.by_country["LU"][0])
    writer = Writer(pick, values, load_frames(HERE / "frames"), _namer(data, pick))
    tagger = KindTagger(None, 1.0, [], _bits(known), load_tagger().lexicon)
    samples = [writer.write() for _ in range(LETTERS)]
    for message in load_handwritten(without=without):
        samples += [writer.rewrite(message) for _ in range(COPIES)]
    samples += [_as_marked(sample) for sample in load_plain()]
    public = [sample for source in SENTENCES for sample in load_germeval(data / source)]
    samples += map(_as_marked, public + load_ler(data / DECISIONS))
    buckets, gold = encode(samples, tagger)
    print(f"{len(samples)} texts, {len(gold)} words", flush=True)
    weights, bias = fit(buckets, gold)
    whole, scale = rounded(weights)
    return whole, scale, bias, _bits(known)


def _as_marked(sample: Sample) -> Marked:
    return Marked(sample.text, tuple((a, b, Label.PERSON.value) for a, b in sample.names))


def encode(samples: Sequence[Marked], tagger: KindTagger) -> tuple[Any, Any]:
    """Buckets of every token and the place of its kind in KINDS."""
    noise = np.random.default_rng(5)
    rows, gold = [], []
    for sample in samples:
        tokens = read_units(sample.text)
        if not tokens:
            continue
        kinds = np.zeros(len(tokens), dtype=np.int8)
        for start, end, label in sample.spans:
            kind = _PLACE.get(Label(label), 0)
            kinds[[start <= token.start < end for token in tokens]] = kind
        lists = tagger.lists(tokens)
        lists = np.where(noise.random(len(tokens)) < HIDDEN, lists & 4, lists)
        rows.append(features(tokens, lists).astype(np.int32))
        gold.append(kinds)
    return np.concatenate(rows), np.concatenate(gold)


def fit(buckets: Any, gold: Any) -> tuple[Any, Any]:
    """Weights by AdaGrad on the logistic loss; features are left out at random in training."""
    size, count = 1 << BITS, len(KINDS)
    weights = np.zeros((size + 1, count), dtype=np.float32)
    squares = np.full((size + 1, count), 1e-3, dtype=np.float32)
    bias, noise = np.zeros(count, dtype=np.float32), np.random.default_rng(6)
    for epoch in range(EPOCHS):
        loss = 0.0
        order = noise.permutation(len(gold))
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            batch, wanted = buckets[rows], gold[rows]
            batch = np.where(noise.random(batch.shape, np.float32) < DROPPED, size, batch)
            total = weights[batch].sum(axis=1) / (1 - DROPPED) + bias
            chance = np.exp(total - total.max(axis=1, keepdims=True))
            chance /= chance.sum(axis=1, keepdims=True)
            at = np.arange(len(rows))
            loss -= float(np.log(np.clip(chance[at, wanted], 1e-9, 1)).sum())
            slope = chance
            slope[at, wanted] -= 1
            flat = batch.ravel()
            times = np.bincount(flat, minlength=size + 1)
            times[size] = 0
            touched = np.flatnonzero(times)
            for kind in range(count):
                step = np.bincount(flat, np.repeat(slope[:, kind], batch.shape[1]), size + 1)
                small = step[touched].astype(np.float32)
                squares[touched, kind] += small * small
                weights[touched, kind] -= RATE * small / np.sqrt(squares[touched, kind])
            weights[touched] *= 1 - DECAY * BATCH
            bias -= 0.5 * slope.mean(axis=0)
        print(f"epoch {epoch + 1}: loss {loss / len(gold):.4f}", flush=True)
    return weights[:size], bias


def _namer(data: Path, pick: random.Random) -> Any:
    """Names of people who do not exist: F first name, S surname, P both."""
    world = load_world()
    counted = (
        load_counts(data / "names/fr-first-names-insee.csv", 500),
        load_counts(data / "names/fr-surnames-insee.csv", 500),
    )
    lists = [
        [*(name.title() for name, _ in listed), *more]
        for listed, more in zip(counted, world, strict=True)
    ]

    def name(slot: str) -> str:
        first, last = (pick.choice(listed) for listed in lists)
        return {"F": first, "S": last}.get(slot, f"{first} {last}")

    return name


def _bits(towns: set[str]) -> Any:
    hashes: set[int] = set()
    for town in towns:
        words = [word for word in town.replace("(", " ").split() if len(word) > 3]  # noqa: PLR2004
        hashes.update(map(hash_name, {*words, *(town.split() if " " not in town else ())}))
    return as_bits(hashes, TOWN_BITS)


if __name__ == "__main__":
    main()
