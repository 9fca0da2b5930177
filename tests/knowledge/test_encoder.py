"""The sentence encoder: repeatable, checked, safe in threads."""

import multiprocessing
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from parvis.knowledge import Encoder, build_encoder
from parvis.knowledge.encoder import DIMENSION, FILE, EncoderUnavailable


def test_same_text_gives_the_same_vector_of_length_one_in_any_thread(encoder: Encoder) -> None:
    texts = [f"Wat kascht eng Kaart {n % 4}?" for n in range(32)]
    with ThreadPoolExecutor(8) as pool:
        vectors = list(pool.map(encoder.encode, texts))
    for text, vector in zip(texts, vectors, strict=True):
        assert vector.tobytes() == encoder.encode(text).tobytes()
        assert vector.shape == (DIMENSION,)
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


def test_same_meaning_in_two_languages_is_nearer_than_another_meaning(encoder: Encoder) -> None:
    french = encoder.encode("Combien coûte la carte d'identité ?")
    german = encoder.encode("Was kostet der Personalausweis?")
    other = encoder.encode("Wann fährt der nächste Zug?")
    assert french @ german > french @ other + 0.2


@pytest.mark.parametrize("text", ["", " ", "\x00", "😀" * 5000, "a" * 100_000])
def test_odd_texts_have_a_vector_too(encoder: Encoder, text: str) -> None:
    assert np.isfinite(encoder.encode(text)).all()


def test_missing_or_altered_weights_are_refused_until_they_are_right(
    models_dir: Path, tmp_path: Path
) -> None:
    encoder = build_encoder(tmp_path)
    with pytest.raises(EncoderUnavailable):
        encoder.check()
    weights = tmp_path / FILE
    weights.parent.mkdir()
    shutil.copy(models_dir / FILE, weights)
    with weights.open("r+b") as file:
        file.seek(1000)
        file.write(b"altered")
    with pytest.raises(EncoderUnavailable):
        encoder.encode("text")
    shutil.copy(models_dir / FILE, weights)
    encoder.check()


def test_a_process_forked_after_loading_gives_the_same_vectors(encoder: Encoder) -> None:
    before = encoder.encode("identity card")
    context = multiprocessing.get_context("fork")
    said = context.SimpleQueue()
    children = [
        context.Process(target=lambda: said.put(encoder.encode("identity card").tolist()))
        for _ in range(2)
    ]
    for child in children:
        child.start()
    assert [said.get(), said.get()] == [before.tolist()] * 2
    for child in children:
        child.join(60)
        assert child.exitcode == 0
