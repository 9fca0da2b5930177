"""The Rampart name model: which words of a text are names, streets, towns, numbers.

Rampart is by National Design Studio, CC BY 4.0, as repacked unmodified by Arcjet. Files are
checked against their hashes; nothing is ever fetched. What its words mean for masking is judged
in `recognizers/`.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import onnxruntime
from tokenizers import Tokenizer

from parvis.errors import PrivacyUnavailable
from parvis.privacy.rampart_graph import rewrite
from parvis.privacy.word_reader import WordReader

FOLDER = "rampart"
SHA256 = {
    "model_q4.onnx": "9f27d24949b0581701071ea5ef522d77ccd3f50c525cc91eac4d265b0fc2afe5",
    "tokenizer.json": "ec87d41d85cbf02128ec0e5f577b805a326b06bb2947ef2752e67a98a42819f9",
    "config.json": "4f580895a8d5b40c0c61fef61bbbfe129a6d755e5212991b429e5fd141284edd",
}


class Rampart(WordReader):
    """The loaded model; one thread of computing for each call."""

    def __init__(self, folder: Path) -> None:
        contents = {name: _read_checked(folder / name, digest) for name, digest in SHA256.items()}
        tokenizer = Tokenizer.from_str(contents["tokenizer.json"].decode())
        edges = tokenizer.encode("").ids  # [CLS] before and [SEP] after every text
        id2label = json.loads(contents["config.json"])["id2label"]
        super().__init__(tokenizer, id2label, (edges[:1], edges[1:]))
        graph, self._embeddings = rewrite(contents["model_q4.onnx"])
        # the graph is written as it should run: further fusing makes it slower
        self._session = open_session(graph, onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC)

    def compute(self, ids: Any) -> Any:
        """Logits of these sub-words."""
        return self._session.run(None, {"state": self._embeddings.of(ids)})[0]


def open_session(model: bytes | str, level: Any) -> Any:
    """A session that makes no thread of its own, so that it may be opened before a fork."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = level
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # what one run needs is bounded by the batch; kept memory would be kept by each worker
    options.enable_cpu_mem_arena = False
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def load_rampart(models_dir: Path) -> Rampart:
    """The model from `<models_dir>/rampart`; raises PrivacyUnavailable when it is missing, changed
    or cannot be loaded."""
    try:
        return Rampart(models_dir / FOLDER)
    except PrivacyUnavailable:
        raise
    except Exception as error:
        raise PrivacyUnavailable("The name model cannot be loaded.") from error


def _read_checked(path: Path, digest: str) -> bytes:
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != digest:
        raise PrivacyUnavailable(f"The name model's file {path.name} is not the one expected.")
    return content
