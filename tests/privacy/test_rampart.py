"""The rewritten model says what the file it was made of says."""

import numpy as np
import onnxruntime
import pytest

from parvis.privacy.onnx_wire import read_weights, write_model, write_node
from parvis.privacy.rampart import FOLDER, Rampart
from parvis.settings import load_settings

TEXT = (
    "Madame Nathalie Perrin habite 27 ter avenue Foch, 54000 Nancy. Katharina Vogel aus Trier und"
    " Oliver Bennett haben gestern angerufen; d'Madame Schneider war net do. Die Miete beträgt"
    " 1.200 Euro nach § 22 SGB II, sagt das Amtsgericht."
)


def test_the_rewritten_model_believes_what_the_original_believes() -> None:
    folder = load_settings().models_dir / FOLDER
    model = Rampart(folder)
    ids = model._tokenizer.encode(TEXT, add_special_tokens=False).ids
    row = np.array([[*model._before, *ids, *model._after]], dtype=np.int64)
    original = onnxruntime.InferenceSession(
        str(folder / "model_q4.onnx"), providers=["CPUExecutionProvider"]
    )
    feed = {
        "input_ids": row,
        "attention_mask": np.ones_like(row),
        "token_type_ids": np.zeros_like(row),
    }
    wanted = {node.name for node in original.get_inputs()}
    logits = original.run(None, {k: v for k, v in feed.items() if k in wanted})[0][0]
    chances = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    expected = (chances @ model._kind_of)[1:-1]
    said = model.run([ids])[0]
    assert np.abs(said - expected).mean() < 0.01
    assert ((said > 0.5) == (expected > 0.5)).mean() > 0.99


def test_a_model_written_by_hand_runs_and_reads_back() -> None:
    weights = {"w": np.arange(6, dtype=np.float32).reshape(2, 3)}
    node = write_node("MatMul", ["x", "w"], ["y"])
    content = write_model([node], weights, inputs={"x": ["n", 2]}, outputs={"y": ["n", 3]})
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    state = np.array([[1.0, 2.0]], dtype=np.float32)
    assert np.array_equal(session.run(None, {"x": state})[0], state @ weights["w"])
    tensors, inputs = read_weights(content)
    assert np.array_equal(tensors["w"], weights["w"])
    assert inputs == {"y": ["x", "w"]}


def test_a_file_that_ends_too_early_is_an_error() -> None:
    content = write_model([], {"w": np.zeros(99, np.float32)}, inputs={}, outputs={})
    with pytest.raises(ValueError, match="too early"):
        read_weights(content[: len(content) // 2])
