"""The Rampart model written anew for speed: the same weights, in whole numbers of seven bits.

The file's 4-bit weights are computed in floats, which costs three times as much. Here every large
matrix becomes 7-bit whole numbers with one scale a column (seven, not eight: products of two pairs
then fit 16 bits, so processors without newer instructions give the same answer). What a word brings
into a layer is rounded on one fixed scale; what attention and the wide part make of it, whose peaks
lie far apart, on its own peak. Nothing else is looked at, so what is read beside a text in one run
changes nothing of what is found in it. Made in memory at each start from the file whose hash was
checked.
"""

from typing import Any

import numpy as np

from parvis.privacy.onnx_wire import read_weights, write_model, write_node

_LAYERS = 6
_HEADS = 12
_WIDTH = 384
_BLOCK = 32
_MOST = 63
# The peak of a normalised, quieted state: of all words of our own texts in 1,000 one lies above 4.
_STATE_PEAK = 4.6
# Over its own peak what attention saw lies in [-1, 1]; after the bend of GELU in [-0.17, 1].
_STATE_SCALE, _SEEN_SCALE, _ZERO = _STATE_PEAK / 127, 1 / 127, 128
_WIDE_SCALE, _WIDE_ZERO = 1.18 / 255, 37
_EPSILON = 1e-12
_MS = "com.microsoft"
# Channels of the normalised state that are many times louder than all others (measured on our own
# texts); made quieter before rounding, and their weights louder, which changes nothing else.
_LOUD = {99: 8, 63: 4, 157: 3, 223: 3, 267: 2, 238: 2, 347: 2, 338: 2, 190: 2}


class Embeddings:
    """What each sub-word and each place adds, before the first layer."""

    def __init__(self, tensors: dict[str, Any]) -> None:
        self._words, self._word_scale, self._word_zero = _table(tensors, "word")
        positions, scale, zero = _table(tensors, "position")
        types, type_scale, type_zero = _table(tensors, "token_type")
        place = (positions.astype(np.float32) - zero) * scale
        self._place = place + (types[0].astype(np.float32) - type_zero) * type_scale

    def of(self, ids: Any) -> Any:
        """The state of these sub-words: rows of texts in, one more dimension out."""
        words = (self._words[ids].astype(np.float32) - self._word_zero) * self._word_scale
        return np.asarray(words + self._place[: ids.shape[-1]], dtype=np.float32)


def rewrite(content: bytes) -> tuple[bytes, Embeddings]:
    """The model as `state` [texts, n, 384] to `logits` [texts, n, kinds] for texts of one length,
    and the embeddings before it."""
    tensors, inputs = read_weights(content)
    graph = _Graph(tensors, inputs)
    state = graph.normalised("state", "bert.embeddings.LayerNorm")
    for number in range(_LAYERS):
        state = graph.layer(state, number)
    graph.tensors["classifier.w"] = graph.matrix("/classifier/MatMul_Q4")
    graph.tensors["classifier.b"] = tensors["classifier.bias"]
    graph.add("MatMul", [state, "classifier.w"], "classified")
    graph.add("Add", ["classified", "classifier.b"], "logits")
    model = write_model(
        graph.nodes,
        graph.tensors,
        inputs={"state": ["texts", "length", _WIDTH]},
        outputs={"logits": ["texts", "length", len(tensors["classifier.bias"])]},
    )
    return model, Embeddings(tensors)


class _Graph:
    """Nodes and tensors as they gather."""

    def __init__(self, source: dict[str, Any], inputs: dict[str, list[str]]) -> None:
        self._source = source
        self._inputs = inputs
        self.nodes: list[bytes] = []
        quiet = np.ones(_WIDTH, dtype=np.float32)
        for channel, times in _LOUD.items():
            quiet[channel] = 1 / times
        self._quiet = quiet
        self.tensors: dict[str, Any] = {
            "quiet": quiet,
            "last": np.array([2], dtype=np.int64),
            "state.scale": np.array(_STATE_SCALE, dtype=np.float32),
            "state.zero": np.array(_ZERO, dtype=np.uint8),
            "seen.least": np.array([1e-6], dtype=np.float32),
            "seen.scale": np.array(_SEEN_SCALE, dtype=np.float32),
            "seen.zero": np.array(_ZERO, dtype=np.uint8),
            "wide.least": np.array([1], dtype=np.float32),
            "wide.scale": np.array(_WIDE_SCALE, dtype=np.float32),
            "wide.zero": np.array(_WIDE_ZERO, dtype=np.uint8),
        }

    def add(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(write_node(kind, inputs, [output], **attributes))
        return output

    def normalised(self, state: str, name: str) -> str:
        gain, shift = self._keep(f"{name}.weight"), self._keep(f"{name}.bias")
        return self.add(
            "LayerNormalization", [state, gain, shift], f"{name}.out", axis=2, epsilon=_EPSILON
        )

    def layer(self, state: str, number: int) -> str:
        """Attention, then the wide part, each with its way around."""
        node, name = f"/bert/encoder/layer.{number}", f"bert.encoder.layer.{number}"
        heads = [f"attention/self/{part}" for part in ("query", "key", "value")]
        bias = [self._source[f"{name}.{head.replace('/', '.')}.bias"] for head in heads]
        mixed = self._of_state(state, [f"{node}/{h}/MatMul_Q4" for h in heads], np.hstack(bias))
        seen = self._times(self._attention(mixed), f"{node}/attention/output/dense/MatMul_Q4")
        state = self._joined(seen, state, f"{name}.attention.output")
        bias = self._source[f"{name}.intermediate.dense.bias"]
        wide = self._of_state(state, [f"{node}/intermediate/dense/MatMul_Q4"], bias)
        wide = self.add("FastGelu", [wide], f"{wide}.gelu", domain=_MS)
        narrow = self._times(wide, f"{node}/output/dense/MatMul_Q4", is_wide=True)
        return self._joined(narrow, state, f"{name}.output")

    def matrix(self, node: str) -> Any:
        """A matrix in floats, inputs down and outputs across."""
        packed, scales = (self._source[name] for name in self._inputs[node][1:3])
        pairs = np.stack([packed & 15, packed >> 4], axis=-1)
        values = pairs.reshape(*packed.shape[:2], _BLOCK).astype(np.float32) - 8
        values *= scales.reshape(*packed.shape[:2], 1)
        return np.ascontiguousarray(values.reshape(packed.shape[0], -1).T)

    def _attention(self, mixed: str) -> str:
        parts = [f"{mixed}.{part}" for part in ("q", "k", "v")]
        self.nodes.append(write_node("Split", [mixed], parts, axis=2, num_outputs=3))
        return self.add("MultiHeadAttention", parts, f"{mixed}.seen", domain=_MS, num_heads=_HEADS)

    def _joined(self, new: str, old: str, name: str) -> str:
        new = self.add("Add", [new, self._keep(f"{name}.dense.bias")], f"{name}.moved")
        return self.normalised(self.add("Add", [new, old], f"{name}.sum"), f"{name}.LayerNorm")

    def _of_state(self, state: str, nodes: list[str], bias: Any) -> str:
        """A normalised state times these matrices side by side, rounded on the fixed scale."""
        name = nodes[0]
        matrix = np.concatenate([self.matrix(node) for node in nodes], axis=1)
        self._round(name, matrix / self._quiet[:, None])
        self.tensors[f"{name}.b"] = bias
        quiet = self.add("Mul", [state, "quiet"], f"{name}.quiet")
        return self._whole(quiet, name, "state", ["", f"{name}.b"])

    def _times(self, state: str, name: str, *, is_wide: bool = False) -> str:
        """Any state times this matrix, each word rounded on the scale of its own peak."""
        self._round(name, self.matrix(name))
        kind = "wide" if is_wide else "seen"
        loud = state if is_wide else self.add("Abs", [state], f"{name}.abs")
        size = self.add("ReduceMax", [loud, "last"], f"{name}.most", keepdims=1)
        size = self.add("Max", [size, f"{kind}.least"], f"{name}.size")
        even = self.add("Div", [state, size], f"{name}.even")
        return self.add("Mul", [self._whole(even, name, kind, []), size], f"{name}.scaled")

    def _round(self, name: str, matrix: Any) -> None:
        scales = np.maximum(np.abs(matrix).max(axis=0), 1e-9) / _MOST
        self.tensors[f"{name}.w"] = np.rint(matrix / scales).astype(np.int8)
        self.tensors[f"{name}.s"] = scales.astype(np.float32)

    def _whole(self, state: str, name: str, kind: str, more: list[str]) -> str:
        scale, zero = f"{kind}.scale", f"{kind}.zero"
        whole = self.add("QuantizeLinear", [state, scale, zero], f"{name}.whole")
        inputs = [whole, f"{name}.w", scale, f"{name}.s", zero, *more]
        return self.add("MatMulIntegerToFloat", inputs, f"{name}.out", domain=_MS)

    def _keep(self, name: str) -> str:
        self.tensors[name] = self._source[name]
        return name


def _table(tensors: dict[str, Any], name: str) -> tuple[Any, np.float32, np.float32]:
    stem = f"bert.embeddings.{name}_embeddings.weight"
    scale, zero = tensors[f"{stem}_scale"], tensors[f"{stem}_zero_point"]
    return tensors[f"{stem}_quantized"], np.float32(scale), np.float32(zero)
